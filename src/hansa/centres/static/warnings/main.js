// /warnings: the list, one warning (its texts, area, log, delivery), recipients, standing approvals, telephone lists.

import { h, notice, press, put } from "../dom.js";
import { allowed } from "../desk/acts.js";
import { aloud, fault, now, start, walk } from "../base/start.js";
import { startPlace } from "../incidents/place.js";
import { watching, when, who } from "../incidents/told.js";
import { count } from "../words.js";
import { delivery } from "./delivery.js";
import { because, begin, change, override } from "./forms.js";
import { approvals, recipients, tree } from "./lists.js";
import { act, flagOf, graveOf, stateOf, TONGUES, view } from "./told.js";

const by = (id) => document.getElementById(id);
const WHICH = [["", "Warnings"], ["people", "Recipients"], ["standing", "Standing approvals"], ["tree", "Telephone lists"]];
const NAMES = ["view", "sel", "lang"];
const place = Object.fromEntries(NAMES.map((name) => [name, new URLSearchParams(location.search).get(name) ?? ""]));
let found = [];
let shown = null; // the warning on the screen, as `one` tells it
let forms = null;
let may = new Set();
let map = null;
let turn = 0;

function go(step, quiet = true) {
  Object.assign(place, step);
  const query = new URLSearchParams(Object.entries(place).filter(([, value]) => value));
  history[quiet ? "replaceState" : "pushState"](null, "", query.size ? `?${query.toString().replaceAll("%3A", ":")}` : location.pathname);
}

function said(words, bad = false) {
  by("said").hidden = !words;
  by("said").className = `warn-said${bad ? " bad" : ""}`;
  by("said").replaceChildren(h("span", {}, words), press("knob", "×", () => said(""), { "aria-label": "Close" }));
  aloud(words);
}

const board = delivery(by("delivery"), { may: (verb) => may.has(verb) });
const lists = { may: (verb) => may.has(verb), said, done: (words) => (said(words), load()), again: () => load() };

async function load() {
  const mine = ++turn;
  if (!may.size) may = await allowed("warnings");
  by("add").hidden = !may.has("draft");
  by("which").replaceChildren(...WHICH.map(([value, word]) => h("button", { type: "button", "aria-pressed": String(place.view === value), on: { click: () => (go({ view: value, sel: "" }, false), load()) } }, word)));
  try {
    if (place.view) {
      by("one").hidden = true;
      board.hide();
      put(by("sum"), "");
      await { people: recipients, standing: approvals, tree }[place.view]?.(by("list"), { ...lists, ident: place.sel });
      return;
    }
    const told = await view("list");
    if (mine !== turn) return;
    found = told.warnings;
    put(by("sum"), count(found.filter((one) => one.state === "sent").length, "warning") + " in force");
    drawList();
    await open();
  } catch (problem) {
    if (mine === turn) by("list").replaceChildren(fault("The warnings cannot be read", problem, press("tool", "Try again", load)));
  }
}

function drawList() {
  if (!found.length) {
    by("list").replaceChildren(notice("No warning has been written yet", ["A warning begins as a draft, from a template or with words of your own. A second person approves it; then it goes out by every channel, and you see here who has it."], { button: may.has("draft") ? press("do", "Write a warning…", add) : null }));
    return;
  }
  const held = by("list").contains(document.activeElement) ? document.activeElement.dataset.f : null;
  by("list").replaceChildren(h("ul", { class: "warn-rows" }, found.map((one) => h("li", {}, h("button", { type: "button", class: "warn-row", "data-f": one.id, "aria-current": String(one.id === place.sel), on: { click: () => choose(one.id) } }, h("b", {}, one.title || one.identifier), stateOf(one.state), h("span", { class: "line2" }, flagOf(one), graveOf(one.severity), h("span", {}, one.areaDesc), one.machine ? h("span", {}, `proposed by ${one.proposedBy}: takes two people`) : one.state === "proposed" ? h("span", {}, `by ${who(one.proposedBy)}`) : "", when(one.sent ?? "", now())))))));
  if (held) by("list").querySelector(`[data-f="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
}

function choose(id) {
  go({ sel: place.sel === id ? "" : id }, false);
  drawList();
  return open();
}

async function open() {
  if (!place.sel) {
    by("one").hidden = true;
    board.hide();
    shown = null;
    return;
  }
  const ident = place.sel;
  try {
    const [it, words] = await Promise.all([view("one", { id: ident }), forms ?? view("forms")]);
    if (ident !== place.sel) return;
    forms = words;
    const first = shown?.warning.id !== ident;
    shown = it;
    by("one").hidden = false;
    await drawOne(first);
  } catch (problem) {
    by("one").hidden = false;
    by("head").replaceChildren(fault("This warning cannot be read", problem, press("tool", "Close", () => choose(ident))));
    for (const id of ["message", "delivery", "log"]) by(id).replaceChildren();
  }
}

async function does(verb, more = {}, words = "") {
  try {
    await act(verb, { id: shown.warning.id, ...more });
    said(words);
    await load();
  } catch (problem) {
    said(`${problem.message} ${problem.mend ?? ""}`, true);
  }
}

function tools(one) {
  const tool = (verb, word, fn, kind = "tool") => (may.has(verb) ? press(kind, word, fn, { "data-f": verb }) : null);
  const opened = (id) => (go({ sel: id }), load());
  switch (one.state) {
    case "draft":
      return [tool("propose", "Propose", () => does("propose", {}, "Proposed. Somebody else approves it."), "do"), tool("edit", "Change…", () => change(one, forms, opened)), one.override ? null : tool("edit", "Reach everybody…", () => override(one, load)), tool("discard", "Put away…", () => because("Put this draft away", "Put away", "discard", one.id, load))];
    case "proposed":
      return [one.machine ? tool("propose", "Propose it myself", () => does("propose", {}, "Proposed by you. Somebody else approves it."), "do") : tool("approve", "Approve and send", () => does("approve", { seen: one.logged }, "Approved: it is going out."), "do"), one.machine ? null : tool("approve", "Approve, hold", () => does("approve", { seen: one.logged, hold: true }, "Approved and held.")), tool("return", "Give back…", () => because("Give it back to be changed", "Give back", "return", one.id, load)), tool("discard", "Put away…", () => because("Put this proposal away", "Put away", "discard", one.id, load))];
    case "approved":
      return [one.hold ? tool("send", "Send now", () => does("send", {}, "It is going out."), "do") : null];
    case "sent":
      return one.msgType === "Cancel" ? [] : [tool("update", "Update…", () => change(one, forms, opened, "update")), tool("cancel", "Cancel…", () => because("Cancel this warning", "Propose to cancel", "cancel", one.id, (told) => opened(told.changed.find((id) => id.includes(":Warning:")) ?? one.id), "Everybody who was told hears that it is cancelled, once another person has approved."))];
    default:
      return [];
  }
}

async function drawOne(first) {
  const one = shown.warning;
  by("drill").hidden = one.status === "Actual";
  put(by("drill"), one.status === "Exercise" ? "Exercise: every text says so" : "Test: only the group “test” is told");
  by("head").replaceChildren(
    h("h2", {}, one.texts?.en?.title ?? one.identifier),
    press("knob", "×", () => choose(one.id), { "aria-label": "Close" }),
    h("p", { class: "marks" }, stateOf(one.state), graveOf(one.severity), h("span", {}, `${one.urgency}, ${one.certainty}`), h("span", {}, (one.responseType ?? []).join(", ")), one.override ? h("span", { class: "warn-flag" }, `reaches everybody: ${one.overrideReason}`) : "", h("span", {}, (one.groups ?? []).length ? `only ${one.groups.join(", ")}` : "everybody"), one.expires ? h("span", {}, "ends ", when(one.expires, now())) : h("span", {}, `for ${one.hours ?? 12} h`), one.standing ? h("span", {}, "by a standing approval") : ""),
    h("div", { class: "warn-tools" }, tools(one).filter(Boolean), one.sent && one.capScope === "Public" ? h("a", { class: "tool", href: `/cap/${one.identifier}.xml` }, "CAP") : null, one.follows ? h("a", { class: "tool", href: `?sel=${one.follows}` }, "The message before") : null, one.followedBy ? h("a", { class: "tool", href: `?sel=${one.followedBy}` }, "The message after") : null),
  );
  drawMessage(one);
  by("log").replaceChildren(h("h3", {}, "Log"), h("ol", { class: "warn-log" }, shown.log.map((line) => h("li", {}, when(line.at, now()), h("b", {}, line.what), h("span", {}, who(line.by)), h("span", { class: "quiet" }, Object.entries(line.data ?? {}).map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`).join("; "))))));
  map ??= await startPlace({ drawn, said: (words) => ((by("map-said").hidden = !words), put(by("map-said"), words)) });
  map.show(one.location ?? null, []);
  if (first) map.whole();
  by("map-tools").replaceChildren(...[one.state === "draft" && may.has("edit") ? press("tool", one.area?.type ? "Draw anew" : "Draw the area", () => map.begin()) : null, one.state === "draft" && may.has("edit") ? press("tool", "Circle…", circle) : null, press("tool", "Whole area", () => map.whole()), h("span", { class: "quiet" }, one.areaDesc?.en ?? "the area has no name yet")].filter(Boolean));
  if (one.sent) await board.show(one.id);
  else board.hide();
}

const drawn = (area) => does("edit", { area, circles: [], seen: shown.warning.logged }, "The area is drawn.");

async function circle() {
  const { sheet } = await import("../desk/acts.js");
  const { field, input } = await import("../incidents/told.js");
  sheet("A circle", [field("Longitude", input("lon", 20, { inputmode: "decimal", required: true })), field("Latitude", input("lat", 20, { inputmode: "decimal", required: true })), field("Radius, m", input("radius", 8, { type: "number", min: 1, value: 5000 }))], "Set", async ({ lon, lat, radius }) => {
    await act("edit", { id: shown.warning.id, circles: [{ lon: Number(lon), lat: Number(lat), radius_m: Number(radius) }], seen: shown.warning.logged });
    await load();
  });
}

function drawMessage(one) {
  const tongue = TONGUES[place.lang] ? place.lang : "en";
  const it = shown.preview[tongue];
  const tabs = Object.entries(TONGUES).map(([code, word]) => h("button", { type: "button", lang: code, "aria-pressed": String(code === tongue), "data-f": `lang ${code}`, on: { click: () => (go({ lang: code }), drawMessage(shown.warning)) } }, word, shown.preview[code].own ? "" : " –"));
  const dir = tongue === "ar" && it.own ? "rtl" : "ltr";
  const text = (...lines) => h("div", { class: "warn-text", lang: it.own ? tongue : "en", dir }, lines);
  const bad = shown.faults.filter((fault_) => fault_.refused);
  by("message").replaceChildren(
    h("div", { class: "spans", role: "group", "aria-label": "Language" }, tabs),
    ...(it.own ? [] : [h("p", { class: "quiet" }, "Not written in this language: English is sent.")]),
    h("p", { class: "warn-channel" }, "Push"),
    text(h("b", {}, it.push.title ?? ""), it.push.body ?? ""),
    h("p", { class: "warn-channel" }, `Text message${it.septets === null ? ", in letters beyond GSM" : `, ${it.septets} of 160`}`),
    text(it.sms),
    h("p", { class: "warn-channel" }, "E-mail"),
    text(h("b", {}, it.email.subject ?? ""), it.email.body ?? ""),
    ...(bad.length && ["draft", "proposed"].includes(one.state) ? [h("h3", {}, "Before it can go out"), h("ul", { class: "warn-faults" }, bad.slice(0, 8).map((line) => h("li", { class: "grave" }, `${line.why} (${line.where})`)))] : []),
  );
}

async function add() {
  try {
    forms ??= await view("forms");
    begin(forms, (id) => (go({ sel: id, view: "" }, false), load()));
  } catch (problem) {
    said(`${problem.message} ${problem.mend ?? ""}`, true);
  }
}

by("add").addEventListener("click", add);
addEventListener("popstate", () => {
  const query = new URLSearchParams(location.search);
  for (const name of NAMES) place[name] = query.get(name) ?? "";
  load();
});
const which = (n) => () => (go({ view: WHICH[n][0], sel: "" }, false), load());
await start({
  keys: [["1 2 3 4", "warnings, recipients, standing approvals, telephone lists"], ["j  k", "next, previous; Enter opens"], ["n", "write a warning"], ["Esc", "close"]],
  act: { 1: which(0), 2: which(1), 3: which(2), 4: which(3), n: () => by("add").click(), j: walk(".warn-row", 1), k: walk(".warn-row", -1), Escape: () => (place.sel ? choose(place.sel) : false) },
  themed: () => map?.reink(),
});
await load();
watching(["Warning", "StandingApproval"], () => true, () => (document.querySelector("dialog[open]") ? undefined : load()), (phase) => document.body.classList.toggle("unheard", phase !== "live"));
aloud(count(found.length, "warning"));
document.documentElement.classList.add("ready");
