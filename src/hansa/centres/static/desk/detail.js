// One alarm: what it is, its figures, where it comes from, what happened to it, and what people did and said.

import { h, press, put } from "../dom.js";
import { API, ask, DESK, REALM, room } from "../doors.js";
import { entityPage } from "../base/ways.js";
import { moment, said, text } from "../station.js";
import { age, clockText, count, lasting, title, unitOf, whenText, withUnit } from "../words.js";
import { aside, began, isOurs, level, severityOf, stateOf, WORDS } from "./standing.js";

const SAID = {
  status: (value) => (value === "closed" ? "returned to normal" : "became active"),
  severity: (value) => `severity ${title(value, "severities").toLowerCase()}`,
  activations: (value) => (value === 1 ? "rang for the first time" : `rang again, number ${value}`),
  acknowledgedActivation: (value) => `acknowledged${value > 1 ? ` number ${value}` : ""}`,
  assignee: (value) => (value ? `assigned to ${value}` : "assigned to nobody"),
  shelvedUntil: (value, at) => (moment(value) > at ? `shelved until ${whenText(moment(value), at)}` : "brought back from the shelf"),
  outOfService: (value) => (value ? "taken out of service" : "put back into service"),
  suppressed: (value) => (value ? "suppressed by design" : "no longer suppressed"),
  suppressWhen: (value) => (Array.isArray(value) && value.length ? "conditions stated that suppress it" : "conditions withdrawn that suppressed it"),
  rootAlarm: (value) => `put under ${value}`,
  escalation: (value) => (value ? `escalated to level ${value}` : "escalation began anew"),
  runBook: (value) => `run-book ${value}`,
  incident: (value) => `incident ${value}`,
  comment: (value) => value,
};
const QUIET = new Set(["raises", "lastCleared"]);

/** Where people read an entity of this room. */
export const entityWay = (id) => (REALM === "open" ? entityPage(id) : `${API}/entities/${encodeURIComponent(id)}`);
const isId = (value) => /^(urn:|https?:)/.test(value);
const named = (id) => (isId(id) ? h("a", { class: "id", href: entityWay(id) }, id) : h("bdi", {}, id));

/** Where the chart of what an alarm is about is. */
function chartWay(alert) {
  const source = text(alert, "alertSource");
  const proof = said(alert, "evidence");
  if (REALM !== "open" || !isId(source)) return null;
  const attr = proof && typeof proof.attribute === "string" ? `&attr=${encodeURIComponent(proof.attribute)}` : "";
  return `/?sel=${encodeURIComponent(source).replaceAll("%3A", ":")}${attr}`;
}

function figures(alert, now) {
  const rows = [];
  const row = (name, value) => value !== null && value !== undefined && value !== "" && rows.push([name, value]);
  const measure = (name) => {
    const value = said(alert, name);
    const unit = unitOf(alert[name]?.unitCode);
    return typeof value === "number" ? withUnit(value, unit) : typeof value === "string" ? h("bdi", {}, value.slice(0, 200)) : null;
  };
  const at = (name) => {
    const when = moment(said(alert, name));
    return when === null ? null : h("time", { datetime: new Date(when).toISOString() }, `${whenText(when, now)} (${age(when, now)})`);
  };
  row("Value", measure("value"));
  row("Limit", measure("limit"));
  const source = text(alert, "alertSource");
  row("Source", source && named(source));
  const chart = chartWay(alert);
  row("Chart", chart && h("a", { href: chart }, "its readings"));
  row("Rule", text(alert, "watchRule") && named(text(alert, "watchRule")));
  row("Raised", at("lastRaised") ?? at("dateIssued"));
  row("First", at("firstRaised"));
  row("Over", at("lastCleared"));
  const times = said(alert, "activations");
  const raises = said(alert, "raises");
  row("Rang", Number.isInteger(times) ? `${count(times, "time")}${raises > times ? `, raised ${raises} times` : ""}` : null);
  row("Acknowledged", stateOf(alert) === "ACK" || stateOf(alert) === "NORM" ? text(alert, "acknowledgedBy") && h("span", {}, h("bdi", {}, text(alert, "acknowledgedBy")), " ", at("acknowledgedAt")) : null);
  row("Looked after by", text(alert, "assignee") && h("bdi", {}, text(alert, "assignee")));
  row("Escalated", level(alert) ? h("span", {}, `level ${level(alert)}, to `, h("bdi", {}, [said(alert, "escalatedTo")].flat().join(", "))) : null);
  const why = aside(alert, now);
  if (why === "shelved") row("Shelved", h("span", {}, "until ", at("shelvedUntil"), " by ", h("bdi", {}, text(alert, "shelvedBy")), ": ", h("bdi", {}, text(alert, "shelvedReason"))));
  if (why === "out of service") row("Out of service", h("span", {}, "by ", h("bdi", {}, text(alert, "outOfServiceBy")), ": ", h("bdi", {}, text(alert, "outOfServiceReason"))));
  if (why === "suppressed") row("Suppressed", h("bdi", {}, String(alert.suppressed?.reason?.value ?? alert.suppressed?.reason ?? "by design")));
  row("Run-book", text(alert, "runBook") && named(text(alert, "runBook")));
  row("Incident", text(alert, "incident") && h("a", { class: "id", href: room(`/incidents?sel=${encodeURIComponent(text(alert, "incident"))}`) }, text(alert, "incident")));
  row("Category", text(alert, "category") && h("bdi", {}, title(text(alert, "category"), "kinds")));
  row("Id", h("a", { class: "id", href: entityWay(alert.id) }, alert.id));
  return rows;
}

/**
 * The pane of one alarm in `box`. `does(verb, alert)` begins an act, `may(verb)` says whether whoever looks may do it,
 * `family(id)` the alarms under it, `called(id)` what people call one, `close()` and `open(id)` go elsewhere.
 */
export function detail(box, { does, may, family, called, close, open, now }) {
  let shown = null;
  let told = null;
  let asked = 0;
  let parts = null;

  function build() {
    const head = h("h2", {});
    parts = { head, sev: h("span", { class: "sev" }), state: h("span", { class: "astate" }), words: h("p", { class: "alarm-words" }), tools: h("div", { class: "head-tools" }), facts: h("dl", { class: "facts" }), kin: h("div", {}), story: h("ol", { class: "alarm-story" }) };
    box.replaceChildren(
      h("div", { class: "side-head" }, h("div", {}, h("p", { class: "alarm-marks" }, parts.sev, parts.state), head), press("knob close", "×", close, { "aria-label": "Close" })),
      parts.words,
      parts.tools,
      parts.facts,
      parts.kin,
      h("h3", {}, "What happened"),
      parts.story,
    );
  }

  function show(alert) {
    box.hidden = !alert;
    if (!alert) {
      shown = null;
      parts = null;
      box.replaceChildren();
      return;
    }
    if (!parts) build();
    const anew = shown?.id !== alert.id;
    const changed = anew || shown !== alert;
    shown = alert;
    const at = now();
    const severity = severityOf(alert);
    parts.sev.className = `sev ${severity}`;
    put(parts.sev, title(severity, "severities"));
    const state = stateOf(alert);
    parts.state.className = `astate ${state.toLowerCase()}`;
    const since = began(alert);
    put(parts.state, `${WORDS[state]}${aside(alert, at) ? `, ${aside(alert, at)}` : ""}${since !== null && state !== "NORM" ? `, ${lasting(Math.max(0, at - since))}` : ""}`);
    if (!changed) return;
    put(parts.head, title(text(alert, "subCategory") || text(alert, "category") || "alert", "kinds"));
    put(parts.words, text(alert, "description"));
    tools(alert, at);
    parts.facts.replaceChildren(...figures(alert, at).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
    kin(alert);
    if (anew) {
      told = null;
      parts.story.replaceChildren(h("li", { class: "quiet" }, "Asking…"));
    }
    story(alert.id);
  }

  function tools(alert, at) {
    const state = stateOf(alert);
    const why = aside(alert, at);
    const buttons = [
      ["acknowledge", "Acknowledge", state === "UNACK" || state === "RTN-UNACK", "do"],
      ["assign-me", "Take it", true, "tool", "assign"],
      ["assign", "Assign…", true, "tool"],
      ["comment", "Comment…", true, "tool"],
      ["shelve", "Shelve…", why !== "shelved", "tool"],
      ["unshelve", "Unshelve", why === "shelved", "tool"],
      ["clear", "Clear", isOurs(alert) && (state === "UNACK" || state === "ACK"), "tool"],
      ["root", "Root…", true, "tool"],
      ["out-of-service", "Out of service…", why !== "out of service", "tool"],
      ["into-service", "Into service", why === "out of service", "tool"],
      ["suppress", "Suppress…", true, "tool"],
    ];
    parts.tools.replaceChildren(...buttons.filter(([verb, , fits, , of]) => fits && may(of ?? verb)).map(([verb, word, , kind]) => press(kind, word, () => does(verb, alert), { data: { verb } })));
  }

  function kin(alert) {
    const root = text(alert, "rootAlarm");
    const children = family(alert.id);
    const way = (id) => h("li", {}, press("link", called(id), () => open(id), { title: id }));
    parts.kin.replaceChildren(...(root && root !== alert.id ? [h("h3", {}, "At the root of it"), h("ul", {}, way(root))] : []), ...(children.length ? [h("h3", {}, `${count(children.length, "alarm")} under it`), h("ul", {}, children.slice(0, 50).map(way))] : []));
  }

  async function story(id) {
    const turn = ++asked;
    try {
      const { body } = await ask(`${DESK}/alarms/story?id=${encodeURIComponent(id)}`);
      if (turn !== asked || shown?.id !== id) return;
      told = body.story;
    } catch (problem) {
      if (turn === asked && shown?.id === id) parts.story.replaceChildren(h("li", { class: "quiet" }, problem.message));
      return;
    }
    const at = now();
    const rang = new Set(told.filter((one) => one.what === "activations").map((one) => one.seq));
    const quiet = (one) => QUIET.has(one.what) || ((one.what === "severity" || one.what === "status") && rang.has(one.seq));
    const words = (one) => (Object.hasOwn(SAID, one.what) ? SAID[one.what](one.value, moment(one.at)) : `${one.what}: ${typeof one.value === "object" ? JSON.stringify(one.value) : one.value}`);
    parts.story.replaceChildren(
      ...told
        .filter((one) => !quiet(one))
        .map((one) => h("li", { class: one.what === "comment" ? "comment" : null }, h("time", { datetime: one.at }, `${whenText(moment(one.at), at)}${at - moment(one.at) < 86_400_000 ? clockText(moment(one.at)).slice(5) : ""}`), h("span", {}, one.by ? [h("bdi", { class: "who" }, one.by), " "] : null, h("bdi", {}, words(one)), one.reason ? [": ", h("bdi", {}, one.reason)] : null))),
    );
  }

  return { show };
}
