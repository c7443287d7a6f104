// The alarm desk: open alerts first, the gravest and newest on top; each leads to its place and to its evidence.

import { entityLink } from "./city.js";
import { h, keep, put } from "./dom.js";
import { go, place, watch } from "./place.js";
import { moment, number, pointOf, SEVERITIES, said, text } from "./station.js";
import { age, count, figure, lasting, title, unitOf, whenText, withUnit } from "./words.js";

const RECENT = 24 * 3_600_000;
const SHOWN = 200;

export const severityOf = (alert) => (SEVERITIES.includes(text(alert, "severity")) ? text(alert, "severity") : "informational");
export const kindOfAlert = (alert) => title(text(alert, "subCategory") || text(alert, "category") || "alert", "kinds");
const openNow = (alert) => text(alert, "status") !== "closed";
const sinceOf = (alert) => moment(said(alert, "dateIssued")) ?? 0;

/** One alert as a list item with `update(alert, city, {here})`; `here` leaves out the station's name. */
export function alertItem(first) {
  const severity = h("span", { class: "sev" });
  const what = h("b", {});
  const where = h("span", { class: "where" });
  const old = h("span", { class: "age" });
  const describe = h("span", { class: "text" });
  const forecast = h("span", { class: "cast" });
  const button = h("button", { type: "button", class: "go" }, h("span", { class: "line" }, severity, old), h("span", { class: "line" }, what, where, forecast), describe);
  const rows = h("dl", {});
  const details = h("details", { class: "evidence" }, h("summary", {}, "Evidence"), rows);
  const item = h("li", { class: "alert", data: { id: first.id } }, button, details);
  let current = first;
  let fly = () => {};
  button.addEventListener("click", () => fly(current));
  item.update = (alert, city, { here = false, onGo = null } = {}) => {
    current = alert;
    if (onGo) fly = onGo;
    const now = city.now();
    const grave = severityOf(alert);
    const open = openNow(alert);
    item.className = `alert ${grave}${open ? "" : " closed"}`;
    severity.className = `sev ${grave}`;
    put(severity, title(text(alert, "severity") || "informational", "severities"));
    put(what, kindOfAlert(alert));
    put(where, here ? "" : ` ${city.sourceOf(alert)?.name ?? city.nameOf(said(alert, "alertSource"))}`);
    const since = moment(said(alert, "dateIssued"));
    const end = moment(said(alert, "validTo"));
    put(old, open ? `${age(since, now)}${since === null ? "" : " ago"}` : end !== null && since !== null && end >= since ? `closed, lasted ${lasting(end - since)}` : "closed");
    put(describe, text(alert, "description"));
    const value = said(alert, "forecast");
    const whole = alert.forecast ?? {};
    const sd = number(alert, "sd") ?? number(whole, "sd");
    put(forecast, typeof value === "number" ? ` ${withUnit(value, unitOf(whole.unitCode ?? "CEL"))}${sd !== null ? ` ± ${figure(sd, "°C")}` : ""}` : "");
    fillEvidence(rows, alert, now);
  };
  return item;
}

function fillEvidence(rows, alert, now) {
  const proof = said(alert, "evidence");
  const flat = typeof proof === "object" && proof !== null && !Array.isArray(proof) ? Object.entries(proof) : proof === null ? [] : [["evidence", proof]];
  const shown = flat.filter(([, value]) => value !== null && value !== "").slice(0, 40).map(([name, value]) => {
    const at = typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value) ? moment(value) : null;
    return [title(name, "attributes"), at !== null ? whenText(at, now) : typeof value === "object" ? JSON.stringify(value) : String(value).replace(/^-(?=\d)/, "−")];
  });
  const since = moment(said(alert, "dateIssued"));
  if (since !== null) shown.unshift(["Raised", whenText(since, now)]);
  const key = JSON.stringify(shown);
  if (rows.dataset.key === key) return;
  rows.dataset.key = key;
  rows.replaceChildren(...shown.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]), h("dt", {}, "Source"), h("dd", {}, h("a", { href: entityLink(alert.id) }, "the alert itself")));
}

export function startDesk(city, { fly }) {
  const list = document.getElementById("alarms");
  const sum = document.getElementById("desk-sum");
  const more = document.getElementById("desk-more");
  const badge = document.getElementById("alarm-count");
  const aloud = document.getElementById("alarm-aloud");
  let [known, cursor, ours] = [null, "", false];

  function onGo(alert) {
    cursor = alert.id;
    const it = city.sourceOf(alert);
    if (it) go({ sel: it.id, attr: "", view: place.view === "alarms" ? "map" : place.view });
    else {
      if (place.view !== "map") go({ view: "map" });
      const point = pointOf(alert);
      if (point) setTimeout(() => fly(said(alert, "alertSource"), { point }), 0);
    }
    mark();
  }

  function mark() {
    const about = cursor && city.alerts.has(cursor) ? cursor : "";
    for (const item of list.children) item.classList.toggle("at", !!item.dataset.id && (item.dataset.id === about || (!about && place.sel && said(city.alerts.get(item.dataset.id), "alertSource") === place.sel)));
  }

  function refresh() {
    if (!city.loadedOnce) {
      if (city.phase === "failed") put(sum, "not read");
      return; // until then, the alarms that came with the page stand
    }
    if (!ours) list.replaceChildren();
    ours = true;
    const now = city.now();
    const order = (a, b) => SEVERITIES.indexOf(severityOf(a)) - SEVERITIES.indexOf(severityOf(b)) || sinceOf(b) - sinceOf(a);
    const all = [...city.alerts.values()];
    const open = all.filter(openNow).sort(order);
    const closed = all.filter((one) => !openNow(one) && now - (moment(said(one, "validTo")) ?? moment(one.modifiedAt) ?? sinceOf(one)) < RECENT).sort((a, b) => sinceOf(b) - sinceOf(a));
    const update = (item, alert) => item.update?.(alert, city, { onGo });
    keep(list, open.length ? open.slice(0, SHOWN) : [null], (one) => one?.id ?? "none", (one) => (one ? alertItem(one) : h("li", { class: "none" })), (item, one) => (one ? update(item, one) : rest(item, all, now)));
    put(sum, open.length > SHOWN ? `${open.length} open, ${SHOWN} shown` : `${open.length} open`);
    badge.hidden = !open.length;
    put(badge, String(open.length));
    badge.className = `count ${open.length ? severityOf(open[0]) : ""}`;
    document.title = `${open.length ? `(${open.length}) ` : ""}${document.title.replace(/^\(\d+\) /, "")}`;
    earlier(closed, update);
    tell(open);
    mark();
  }

  function rest(item, all, now) {
    const last = Math.max(...all.map((one) => moment(said(one, "validTo")) ?? -Infinity));
    put(item, `No open alarm.${Number.isFinite(last) && last <= now ? ` The last one closed ${age(last, now)} ago.` : ""}`);
  }

  function earlier(closed, update) {
    if (!closed.length) return more.replaceChildren();
    let box = more.querySelector("details");
    if (!box) {
      box = h("details", { class: "earlier" }, h("summary", {}), h("ol", { class: "alarms" }));
      more.replaceChildren(box);
    }
    put(box.firstElementChild, `${count(closed.length, "alarm")} closed in the last 24 h`);
    keep(box.lastElementChild, closed.slice(0, SHOWN), (one) => one.id, (one) => alertItem(one), update);
  }

  /** Say new alarms aloud, once; what was open when the page came is no news. */
  function tell(open) {
    const ids = new Set(open.map((one) => one.id));
    if (known) {
      const fresh = open.filter((one) => !known.has(one.id));
      if (fresh.length) put(aloud, fresh.length > 3 ? `${fresh.length} new alarms` : fresh.map((one) => `New alarm, ${text(one, "severity")}: ${kindOfAlert(one)}, ${city.sourceOf(one)?.name ?? city.nameOf(said(one, "alertSource"))}`).join(". "));
      for (const one of fresh) [...list.children].find((item) => item.dataset.id === one.id)?.classList.add("new");
    }
    known = ids;
  }

  /** Go `by` alarms down (or up) the list and open that one. */
  function step(by) {
    const items = [...list.children].filter((item) => item.dataset.id);
    if (!items.length) return;
    const at = items.findIndex((item) => item.dataset.id === cursor);
    const item = items[at < 0 ? (by > 0 ? 0 : items.length - 1) : Math.min(items.length - 1, Math.max(0, at + by))];
    const alert = city.alerts.get(item.dataset.id);
    onGo(alert);
    item.scrollIntoView({ block: "nearest" });
    item.querySelector("button").focus({ preventScroll: true });
  }

  city.listen(({ ids, all, phase }) => (all || phase || [...ids].some((id) => city.alerts.has(id) || known?.has(id))) && refresh());
  watch((changed) => {
    if (!changed.has("sel")) return;
    const here = city.alerts.get(cursor);
    if (here && city.sourceOf(here)?.id !== place.sel) cursor = "";
    mark();
  });
  setInterval(refresh, 2000);
  refresh();
  return { step };
}
