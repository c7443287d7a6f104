// /rules and /ccc/rules: the alarm rules, each a sentence and its parts; tried on what was, with every version kept.

import { csv, download, h, notice, press, put } from "../dom.js";
import { ask, DESK, room } from "../doors.js";
import { aloud, fault, now, start, walk } from "../base/start.js";
import { moment } from "../station.js";
import { age, count, title, whenText } from "../words.js";
import { allowed } from "./acts.js";
import { editor } from "./rule-text.js";
import { trial } from "./rule-trial.js";

const by = (id) => document.getElementById(id);
const WHICH = { all: "All", on: "On", rings: "Ringing", off: "Off", broken: "To mend" };
const DEFAULTS = { show: "all", q: "", sel: "", trial: "" };
const MOST = 300; // rows at once; the rest are found
const place = { ...DEFAULTS };
const FRESH = "when temperature of WeatherObserved is below 2 °C for 10 min\n  and at least 2 neighbours within 5 km are also below 3 °C\nraise 'frost' high as weather";
let rules = [];
let failed = null;
let may = new Set();
let asked = 0;
let shownRule = null;
let open = null; // {text(): string, changed(): boolean} of the editor that is open
let more = MOST;

// ---- where the page is

function where() {
  const given = new URLSearchParams(location.search);
  for (const name of Object.keys(DEFAULTS)) place[name] = given.get(name) ?? DEFAULTS[name];
  if (!Object.hasOwn(WHICH, place.show)) place.show = "all";
}

function go(change, { quiet = false } = {}) {
  if ("sel" in change && change.sel !== place.sel && open?.changed() && !confirm("Leave what you have not saved?")) return;
  Object.assign(place, change);
  const given = new URLSearchParams(Object.entries(place).filter(([name, value]) => value && value !== DEFAULTS[name]));
  const text = given.toString().replaceAll("%3A", ":");
  history[quiet ? "replaceState" : "pushState"](null, "", text ? `?${text}` : location.pathname);
  show();
}

// ---- the list

const stateOf = (one) => (one.fault || one.notes ? "broken" : !one.enabled ? "off" : one.open ? "rings" : "on");
const STATE = { on: "On", off: "Off", rings: "Rings", broken: "To mend" };
const fits = (one) => (place.show === "all" || stateOf(one) === place.show || (place.show === "on" && stateOf(one) === "rings")) && (!place.q || `${one.name} ${one.alarm} ${one.text ?? ""} ${one.description ?? ""}`.toLowerCase().includes(place.q.toLowerCase()));
const wordOf = (one) => (stateOf(one) === "rings" ? count(one.open, "alarm") : STATE[stateOf(one)]);

async function load() {
  try {
    rules = (await ask(`${DESK}/watch/rules`)).body.rules;
    failed = null;
  } catch (problem) {
    failed = problem;
  }
  show();
}

function show() {
  by("which").replaceChildren(...Object.entries(WHICH).map(([value, word]) => h("button", { type: "button", "aria-pressed": String(place.show === value), on: { click: () => go({ show: value }) } }, word)));
  if (document.activeElement !== by("find")) by("find").value = place.q;
  by("new").hidden = !may.has("save");
  const found = rules.filter(fits);
  put(by("sum"), failed ? "" : found.length === rules.length ? count(rules.length, "rule") : `${found.length} of ${count(rules.length, "rule")}`);
  if (failed) by("list").replaceChildren(fault("The rules could not be read", failed, h("button", { type: "button", on: { click: load } }, "Try again")));
  else if (!rules.length) by("list").replaceChildren(notice("There are no rules yet", ["A rule says in a sentence what is out of order, and how grave that is.", "The default rules of the ten kinds of sensors can be imported: hansa import defaults.json."], { button: may.has("save") ? press("do", "Write the first one", () => go({ sel: "new" })) : null }));
  else if (!found.length) by("list").replaceChildren(notice("No rule is like that", ["Show all of them, or find another word."], { button: press("tool", "Show all", () => go({ show: "all", q: "" })) }));
  else by("list").replaceChildren(table(found));
  side();
}

function table(found) {
  const rows = found.slice(0, more).map((one) =>
    h(
      "tr",
      { class: [one.id === place.sel ? "at" : "", one.enabled ? "" : "off"].join(" ").trim(), on: { click: (event) => !event.target.closest("a, button") && go({ sel: one.id }) } },
      h("td", {}, h("span", { class: `rule-state ${stateOf(one)}` }, wordOf(one))),
      h("th", { scope: "row" }, h("button", { type: "button", class: "open-rule", on: { click: () => go({ sel: one.id }) } }, one.name), one.severity ? h("div", {}, h("span", { class: `sev ${one.severity}` }, title(one.severity, "severities"))) : null),
      h("td", { class: "says wide" }, one.text ?? one.fault),
      h("td", { class: "num wide" }, one.rung ? String(one.rung) : ""),
      h("td", { class: "num" }, one.last ? ago(one.last) : "never"),
    ),
  );
  const rest = found.length - rows.length;
  return h(
    "div",
    {},
    h("table", { class: "rules-table" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "State"), h("th", { scope: "col" }, "Rule"), h("th", { scope: "col", class: "wide" }, "Says"), h("th", { scope: "col", class: "num wide" }, "Rang"), h("th", { scope: "col", class: "num" }, "Last"))), h("tbody", {}, rows)),
    rest > 0 ? h("p", { class: "letters-head" }, press("tool", `Show ${Math.min(rest, MOST)} more`, () => { more += MOST; show(); })) : null,
  );
}

const ago = (iso) => h("time", { datetime: iso }, age(moment(iso), now()));

// ---- one rule

async function side() {
  const box = by("one");
  if (place.sel === (shownRule?.key ?? "")) return;
  const turn = ++asked;
  shownRule = place.sel ? { key: place.sel } : null;
  open = null;
  document.body.classList.toggle("has-side", Boolean(place.sel));
  box.hidden = !place.sel;
  if (!place.sel) return;
  if (place.sel === "new") return draw(box, { id: "", name: "New rule", version: 0, enabled: true, text: FRESH, versions: [], alarms: [] });
  box.replaceChildren(head({ name: place.sel.split(":").pop() }), h("p", { class: "quiet" }, "Reading…"));
  try {
    const { body } = await ask(`${DESK}/watch/rule?${new URLSearchParams({ id: place.sel })}`);
    if (turn === asked) draw(box, body);
  } catch (problem) {
    if (turn === asked) box.replaceChildren(head({ name: place.sel.split(":").pop() }), fault("The rule could not be read", problem));
  }
}

async function again(id, words) {
  aloud(words);
  shownRule = null;
  open = null;
  place.sel = id;
  go({ sel: id }, { quiet: true });
  await load();
}

const head = (one) => h("div", { class: "side-head" }, h("h2", { id: "rule-name" }, one.name), press("knob close", "×", () => go({ sel: "", trial: "" }), { "aria-label": "Close" }));

function draw(box, one) {
  shownRule = { key: place.sel };
  const edit = editor(one, { may, saved: again });
  open = edit;
  const about = one.id
    ? h("p", { class: "quiet" }, h("span", { class: `rule-state ${stateOf(one)}` }, wordOf(one)), one.version ? ` · version ${one.version}` : "", one.by ? ` by ${one.by}` : "", one.at ? `, ${whenText(moment(one.at), now())}` : "")
    : h("p", { class: "quiet" }, "Write what is out of order as a sentence. Nothing rings until it is saved.");
  box.replaceChildren(head(one), about, one.description ? h("p", {}, one.description) : "", edit.box, trial(edit, one, { go, place }), alarms(one), history_(one));
  box.scrollTop = 0;
}

function alarms(one) {
  if (!one.alarms.length) return one.id ? h("section", {}, h("h3", {}, "Alarms"), h("p", { class: "quiet" }, "It has not rung yet.")) : "";
  const rows = one.alarms.map((it) => h("tr", {}, h("td", {}, h("span", { class: `rule-state ${it.status === "open" ? "rings" : "off"}` }, it.status === "open" ? "Stands" : "Over")), h("td", {}, h("a", { href: room(`/alarms?show=all&sel=${encodeURIComponent(it.id)}`) }, String(it.alertSource ?? "").split(":").pop())), h("td", {}, it.description ?? ""), h("td", { class: "num" }, it.dateIssued ? ago(it.dateIssued) : "")));
  return h("section", {}, h("h3", {}, "Alarms"), h("div", { class: "table-box", tabindex: "0", role: "region", "aria-label": "Alarms of this rule" }, h("table", {}, h("tbody", {}, rows))));
}

const DID = { save: "saved", enable: "switched on", disable: "switched off", revert: "taken back", import: "as it was before" };

function history_(one) {
  if (!one.versions.length) return "";
  const lines = one.versions.map((version) => {
    const differs = h("div", { class: "rule-diff" });
    const compare = press("link", "What changed", async () => {
      if (differs.childNodes.length) return differs.replaceChildren();
      const older = one.versions.find((it) => it.version < version.version);
      try {
        const { body } = await ask(`${DESK}/watch/diff?${new URLSearchParams({ id: one.id, from: older.version, to: version.version })}`);
        differs.replaceChildren(...(body.enabled ? [h("div", {}, body.enabled)] : []), ...body.lines.map((it) => h("div", { class: { "+": "more", "-": "less" }[it.op] ?? "" }, `${it.op} ${it.line}`)));
      } catch (problem) {
        differs.replaceChildren(h("div", { class: "grave" }, problem.message));
      }
      return null;
    });
    const older = one.versions.some((it) => it.version < version.version);
    const back = may.has("revert") && version.version !== one.version ? press("link", "Go back to this", () => open.ask("Go back to this version", "revert", { to: version.version })) : null;
    return h("li", {}, h("b", {}, String(version.version)), h("span", {}, `${DID[version.act] ?? version.act}${version.by ? ` by ${version.by}` : ""}${version.at ? `, ${whenText(moment(version.at), now())}` : ""}${version.reason ? `: ${version.reason}` : ""}${version.enabled ? "" : " (off)"}`), h("span", { class: "tools-of" }, older ? compare : null, back), differs);
  });
  return h("section", {}, h("h3", {}, "Versions"), h("ul", { class: "rule-versions" }, lines));
}

// ---- the whole

function handOut() {
  const rows = [["rule", "state", "severity", "says", "rang", "last", "version"], ...rules.filter(fits).map((one) => [one.id, stateOf(one), one.severity ?? "", one.text ?? one.fault ?? "", one.rung, one.last ?? "", one.version])];
  download("alarm-rules.csv", csv(rows));
}

by("new").addEventListener("click", () => go({ sel: "new", trial: "" }));
by("hand-out").addEventListener("click", handOut);
by("find").addEventListener("input", (event) => go({ q: event.target.value }, { quiet: true }));
addEventListener("popstate", () => {
  where();
  show();
});
addEventListener("beforeunload", (event) => open?.changed() && event.preventDefault());
where();
may = await allowed("watch");
await start({
  keys: [["j k", "next and previous rule"], ["/", "find"], ["n", "new rule"], ["Escape", "close the rule"]],
  act: { j: walk(".open-rule", 1), k: walk(".open-rule", -1), "/": () => by("find").focus(), n: () => may.has("save") && go({ sel: "new" }), Escape: () => place.sel && go({ sel: "", trial: "" }) },
});
await load();
document.documentElement.classList.add("ready");
