// How the city's services stand, and planned works: what residents read on the status page, said here.

import { h, notice, press, sign } from "../dom.js";
import { sheet } from "../desk/acts.js";
import { now } from "../base/start.js";
import { whenText } from "../words.js";
import { area, choose, field, inWords, text } from "./told.js";

const STATES = { works: ["ok", "Works"], disturbed: ["watch", "Disturbed"], down: ["alarm", "Down"] };
const WORKS = { planned: ["stale", "Planned"], now: ["watch", "Going on"], over: ["ok", "Over"], cancelled: ["missing", "Cancelled"] };
const when = (at) => (at ? whenText(Date.parse(at), now()) : "");
const iso = (local) => (local ? new Date(local).toISOString() : "");

/** Both lists; `may(verb)`, `does(verb, said, sheeted)`. */
export function standing(states, works, { may, does }) {
  const add = may("state") ? press("tool", "Add a service…", () => state(null)) : null;
  const plan_ = may("plan") ? press("tool", "Announce works…", plan) : null;
  const state = (one) =>
    sheet(
      one ? `How is ${inWords(one.names)}?` : "Add a service of the city",
      [
        one ? null : field("Code", text("code", 40, { required: true, placeholder: "water, tram-2" })),
        field("Name", text("names", 100, { value: one ? inWords(one.names) : "", required: true })),
        field("Kind", text("kind", 40, { value: one?.kind ?? "", list: "req-kinds" })),
        field("State", choose("state", Object.entries(STATES).map(([value, [, word]]) => [value, word]), one?.state ?? "works")),
        field("Until", text("until", 20, { type: "datetime-local" })),
        h("label", { class: "stack" }, h("span", {}, "What residents should know"), area("texts", 2000, {}, one?.texts ? inWords(one.texts) : "")),
        h("datalist", { id: "req-kinds" }, ["water", "power", "heat", "buses", "roads", "waste", "internet", "offices"].map((value) => h("option", { value }))),
      ].filter(Boolean),
      "Say so",
      (said) => does("state", { code: one?.id ?? said.code, names: { ...one?.names, en: said.names }, kind: said.kind || "other", state: said.state, texts: said.texts, ...(said.until && said.state !== "works" ? { until: iso(said.until) } : {}) }, true),
    );
  function plan() {
    sheet(
      "Announce works",
      [field("What", text("names", 200, { required: true })), field("Who", text("who", 200, { required: true })), field("Where", text("where", 300, { required: true })), field("From", text("from", 20, { type: "datetime-local", required: true })), field("Until", text("until", 20, { type: "datetime-local", required: true })), h("label", { class: "stack" }, h("span", {}, "What residents should know"), area("texts", 2000))],
      "Announce",
      (said) => does("plan", { ...said, from: iso(said.from), until: iso(said.until) }, true),
    );
  }
  return h(
    "div",
    {},
    h("section", { class: "req-part" }, h("h2", {}, "Services of the city"), h("p", { class: "head-tools" }, add),
      states.length ? h("table", { class: "req-table" }, h("caption", { class: "unseen" }, "Services of the city"), h("thead", {}, h("tr", {}, ["Service", "State", "Since", "Until", "What residents read"].map((word) => h("th", { scope: "col" }, word)))), h("tbody", {}, states.map((one) => h("tr", {}, h("th", { scope: "row" }, may("state") ? press("attr", inWords(one.names), () => state(one)) : inWords(one.names), h("span", { class: "sub" }, one.kind)), h("td", {}, sign(...STATES[one.state])), h("td", { class: "since" }, when(one.since)), h("td", { class: "since" }, when(one.until)), h("td", { dir: "auto" }, inWords(one.texts))))))
        : notice("Nothing is said of any service", ["Add water, power, buses and what else residents ask about; then they can see for themselves how it stands."])),
    h("section", { class: "req-part" }, h("h2", {}, "Planned works"), h("p", { class: "head-tools" }, plan_),
      works.length ? h("table", { class: "req-table" }, h("caption", { class: "unseen" }, "Planned works"), h("thead", {}, h("tr", {}, ["Works", "State", "Where", "Who", "From", "Until", ""].map((word) => h("th", { scope: "col" }, word || h("span", { class: "unseen" }, "Cancel"))))), h("tbody", {}, works.map((one) => h("tr", {}, h("th", { scope: "row", dir: "auto" }, inWords(one.names)), h("td", {}, sign(...WORKS[one.state])), h("td", {}, one.where), h("td", {}, one.who), h("td", { class: "since" }, when(one.from)), h("td", { class: "since" }, when(one.until)), h("td", {}, may("plan") && one.state !== "cancelled" ? press("link", "Cancel", () => does("plan", { id: one.entity, cancelled: true }), { "aria-label": `Cancel ${inWords(one.names)}` }) : null)))))
        : h("p", { class: "quiet" }, "No works are announced.")),
  );
}
