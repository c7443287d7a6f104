// The performance review: by department, district or service; week by week; what was breached.

import { h, notice, press } from "../dom.js";
import { whenText } from "../words.js";
import { now } from "../base/start.js";
import { hours, inWords, share } from "./told.js";

const PARTS = { department: "Department", district: "District", service: "Service" };

/** What the view `review` said, as sections; `open(id)` shows a request. */
export function review(told, open) {
  const { finder } = told;
  if (!told.all.n) return notice("Nothing was reported in these weeks", ["When requests come in, this page says how soon they are answered, by department and district."]);
  const name = (key) => (told.names[key] ? inWords(told.names[key]) : key || "no district");
  const head = [PARTS[told.by], "Requests", "Open", "Late", "Answered in (median, p90)", "Done in (median, p90)", "Answered in time", "Done in time", "Satisfaction", "Reopened"];
  const row = (one, word) =>
    h("tr", {}, h("th", { scope: "row" }, word), num(one.n), num(one.open), h("td", { class: one.late ? "num grave" : "num" }, one.late), num(`${hours(one.answer_h, "median")}, ${hours(one.answer_h, "p90")}`), num(`${hours(one.close_h, "median")}, ${hours(one.close_h, "p90")}`), rate(one.withinAnswer), rate(one.withinClose), num(one.satisfaction ? `${one.satisfaction.mean.toFixed(1)} of 5 (n ${one.satisfaction.n})` : "fewer than 5"), num(one.reopened));
  return h(
    "div",
    {},
    part("How soon", h("table", { class: "req-table req-review" }, h("caption", { class: "unseen" }, `By ${told.by}`), h("thead", {}, h("tr", {}, head.map((word, i) => h("th", { scope: "col", class: i ? "num" : null }, word)))), h("tbody", {}, told.groups.map((one) => row(one, name(one.key)))), h("tfoot", {}, row(told.all, "All")))),
    part("Week by week", weeks(told.weeks)),
    part("Over their time", told.breaches.length ? h("table", { class: "req-table" }, h("caption", { class: "unseen" }, "Over their time"), h("thead", {}, h("tr", {}, ["Request", "Service", "Department", "Reported", "Missed", "State"].map((word) => h("th", { scope: "col" }, word)))), h("tbody", {}, told.breaches.slice(0, 100).map((one) => h("tr", {}, h("th", { scope: "row" }, press("attr", one.id, () => open(one.id))), h("td", {}, one.service), h("td", {}, one.department), h("td", { class: "since" }, whenText(Date.parse(one.at), now())), h("td", { class: "grave" }, one.breached.join(", ")), h("td", {}, one.status))))) : h("p", { class: "quiet" }, "None: every level was kept.")),
    part("Finding duplicates", h("p", {}, finder.judged ? `Of ${finder.judged} suggestions that people judged, ${finder.confirmed} were right (${share(finder.precision)}); ${finder.undone} joinings were undone.` : "Nobody has judged a suggestion yet."), h("p", { class: "quiet" }, "On labelled pairs that it had never seen: precision 0.88, recall 0.79. The same service within 50 m: 0.79, 0.63.")),
  );
}

const num = (value) => h("td", { class: "num" }, value);
const rate = (value) => h("td", { class: value !== null && value < 0.8 ? "num grave" : "num" }, share(value));
const part = (head, ...what) => h("section", { class: "req-part" }, h("h2", {}, head), ...what);

function weeks(all) {
  const most = Math.max(1, ...all.map((one) => Math.max(one.reported, one.closed)));
  const bar = (value, kind) => h("td", { class: "num" }, h("meter", { min: 0, max: most, value, class: kind, "aria-label": kind }), ` ${value}`);
  return h("table", { class: "req-table req-weeks" }, h("caption", { class: "unseen" }, "Week by week"), h("thead", {}, h("tr", {}, ["Week from", "Reported", "Closed", "Done in time"].map((word, i) => h("th", { scope: "col", class: i ? "num" : null }, word)))), h("tbody", {}, all.map((one) => h("tr", {}, h("th", { scope: "row" }, one.from.slice(0, 10)), bar(one.reported, "reported"), bar(one.closed, "closed"), rate(one.within)))));
}
