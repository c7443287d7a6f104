// /brain and /ccc/brain: how the city itself is. Vital signs of its sources, what is predicted and how wrong that was so
// far, what waits for people and what they decided, the parts, who saw what; and (?wall=...) all of it on a wall.

import { csv, download, h, keep, notice, press, put } from "../dom.js";
import { ask, DESK, room } from "../doors.js";
import { aloud, fault, now, start } from "../base/start.js";
import { moment } from "../station.js";
import { age, count, lasting, look, title, whenText } from "../words.js";
import { decided } from "./decided.js";
import { foretold } from "./foretold.js";
import { parts } from "./parts.js";
import { bar, STATES, stateSign, strip, WORDS } from "./signs.js";
import { seen } from "./seen.js";
import { wall } from "./wall.js";

const by = (id) => document.getElementById(id);
const EVERY_MS = 10_000;
const GROUPS = { type: "Type", department: "Department", area: "Area", kind: "Kind" };
const TABS = { vital: "Vital signs", foretold: "Predicted", decided: "Proposed and decided", parts: "Parts", ...(look.may?.audit || look.realm === "security" ? { seen: "Who saw what" } : {}) };
const DEFAULTS = { tab: "", by: "type", in: "", state: "", q: "", of: "", who: "", since: "" };
const place = { ...DEFAULTS };
const wide = matchMedia("(min-width: 1101px)");
let vitals = null;
let failed = null;
let limit = 200;
let turn = 0;
let beside = null; // the pane that is shown beside the signs: {name, load}
let tiles = {};

// ---- where the page is

function where() {
  const given = new URLSearchParams(location.search);
  for (const name of Object.keys(DEFAULTS)) place[name] = (given.get(name) ?? DEFAULTS[name]).slice(0, 300);
  if (!Object.hasOwn(GROUPS, place.by)) place.by = "type";
  if (!Object.hasOwn(TABS, place.tab)) place.tab = "";
  place.state = place.state.split(",").filter((one) => STATES.includes(one)).join(",");
}

function go(change, { quiet = false } = {}) {
  Object.assign(place, change);
  const given = new URLSearchParams(Object.entries(place).filter(([name, value]) => value && value !== DEFAULTS[name]));
  const text = given.toString().replaceAll("%3A", ":").replaceAll("%2C", ",");
  history[quiet ? "replaceState" : "pushState"](null, "", text ? `?${text}` : location.pathname);
  shown();
}

const tab = () => place.tab || (wide.matches ? "foretold" : "vital");

function shown() {
  heads();
  if (document.activeElement !== by("find")) by("find").value = place.q;
  const name = tab();
  by("brain").dataset.tab = name;
  if (name !== "vital" || wide.matches) {
    const pane = name === "vital" ? "foretold" : name;
    by("pane-beside").setAttribute("aria-labelledby", `tab-${pane}`);
    if (beside?.name !== pane) {
      beside = { name: pane, load: { foretold, decided, parts, seen }[pane] };
      by("pane-beside").replaceChildren(h("p", { class: "quiet pad" }, "Reading…"));
    }
    refreshBeside();
  }
  loadVitals();
}

function heads() {
  const names = Object.keys(TABS).filter((one) => !wide.matches || one !== "vital");
  const at = tab();
  by("tabs").replaceChildren(
    ...names.map((name) => h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-selected": String(name === at), tabindex: name === at ? "0" : "-1", on: { click: () => go({ tab: name }), keydown: (event) => step(event, names, name) } }, TABS[name])),
  );
  by("by").replaceChildren(...Object.entries(GROUPS).map(([name, word]) => h("button", { type: "button", "aria-pressed": String(place.by === name), on: { click: () => go({ by: name, in: "" }) } }, word)));
}

function step(event, names, name) {
  const to = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!to) return;
  event.preventDefault();
  const next = names[(names.indexOf(name) + to + names.length) % names.length];
  go({ tab: next });
  by(`tab-${next}`)?.focus();
}

// ---- vital signs

function query() {
  const given = new URLSearchParams({ limit });
  if (place.state) given.set("state", place.state);
  if (place.q) given.set("text", place.q);
  if (place.in) given.set(place.by, place.in);
  return `${DESK}/brain/vitals?${given}`;
}

async function loadVitals() {
  const mine = ++turn;
  try {
    const { body } = await ask(query());
    if (mine !== turn) return;
    [vitals, failed] = [body, null];
  } catch (problem) {
    if (mine !== turn) return;
    failed = problem;
  }
  show();
}

const total = (row) => STATES.reduce((sum, one) => sum + (row[one] ?? 0), 0);

function show() {
  if (failed) {
    by("groups").replaceChildren();
    by("groups").hidden = true;
    return by("sources").replaceChildren(fault("The vital signs could not be read", failed, press("", "Try again", () => loadVitals())));
  }
  const all = total(vitals.states);
  by("states").replaceChildren(
    ...STATES.filter((one) => vitals.states[one] || place.state.includes(one) || one === "silent").map((one) => {
      const on = place.state.split(",").includes(one);
      const next = on ? place.state.split(",").filter((it) => it !== one) : [...place.state.split(",").filter(Boolean), one];
      return h("button", { type: "button", "aria-pressed": String(on), on: { click: () => go({ state: next.join(",") }) } }, stateSign(one, ` ${vitals.states[one]}`));
    }),
  );
  groups();
  const tileNote = vitals.pulse?.old ? `Nobody has looked for ${lasting(vitals.pulse.age_s * 1000)}` : "";
  tile("sources", { figure: String(vitals.states.silent), word: vitals.states.silent === 1 ? "source silent" : "sources silent", note: tileNote || !all ? tileNote || "none is enrolled" : `${vitals.states.fresh} of ${all} fresh${vitals.states.flapping + vitals.states.late ? `, ${vitals.states.flapping + vitals.states.late} late or flapping` : ""}`, how: vitals.pulse?.old ? "watch" : vitals.states.silent ? "alarm" : all ? "ok" : "quiet", to: { state: vitals.states.silent ? "silent" : "", tab: wide.matches ? "" : "vital" } });
  by("hand-out").hidden = !vitals.rows.length;
  if (!all) return by("sources").replaceChildren(empty());
  if (!vitals.rows.length) return by("sources").replaceChildren(notice("No such source", ["Nothing fits what you asked for."], { button: press("tool", "Show all", () => go({ state: "", q: "", in: "" })) }));
  table();
}

function empty() {
  return notice("No sources yet", ["A source is a device that is enrolled here, or a feed that the setting apps.brain.feeds names.", "Enrol the first: hansa device add NAME --profile PROFILE. It appears here within a minute, as never heard, until it speaks. If it does not, see under Parts whether the app brain runs."], { button: h("a", { class: "tool", href: "/entities?type=Device" }, "Devices") });
}

function groups() {
  const rows = Object.entries(vitals.groups[place.by] ?? {}).map(([name, row]) => ({ name, row, all: total(row) }));
  by("groups").hidden = !rows.length;
  const bad = ({ row, all }) => (row.silent * 4 + row.flapping * 2 + row.late) / Math.max(1, all);
  rows.sort((a, b) => bad(b) - bad(a) || b.all - a.all || a.name.localeCompare(b.name));
  const most = Math.max(1, ...rows.map((one) => one.all));
  by("groups").replaceChildren(
    ...rows.map(({ name, row, all }) => {
      const on = place.in === name;
      const wrong = ["silent", "flapping", "late", "new"].filter((one) => row[one]).map((one) => `${row[one]} ${WORDS[one].toLowerCase()}`);
      return h("button", { type: "button", class: "group", "aria-pressed": String(on), on: { click: () => go({ in: on ? "" : name }) } }, h("b", {}, groupWord(name)), h("span", { class: row.silent ? "says grave-text" : "says" }, wrong.join(", ") || "all fresh"), h("span", { class: "n" }, String(all)), bar(row, most));
    }),
  );
}

const groupWord = (name) => (name === "-" ? "None said" : place.by === "type" ? title(name, "types") : place.by === "kind" ? { device: "Devices", feed: "Feeds" }[name] ?? name : name);

function table() {
  let body = by("sources").querySelector("tbody");
  if (!body) {
    body = h("tbody", {});
    const heads_ = [["State"], ["Source"], ["Heard", "num"], ["Expected", "num"], ["Complete", "num"], ["Refused", "num"], ["Last 24 h"]];
    by("sources").replaceChildren(
      h("table", { class: "vital-table" }, h("caption", { class: "unseen" }, "Sources, the worst first"), h("thead", {}, h("tr", {}, heads_.map(([word, kind]) => h("th", { scope: "col", class: kind ?? null }, word)))), body),
      h("p", { class: "pad" }, press("tool", "More sources", () => { limit = 1000; loadVitals(); }, { id: "more" })),
    );
  }
  keep(body, vitals.rows, (one) => one.sign, () => h("tr", {}), (tr, one) => {
    const said = JSON.stringify(one);
    if (tr.dataset.said === said && tr.children.length) return put(tr.children[2].firstChild, heard(one));
    tr.dataset.said = said;
    tr.replaceChildren(...cells(one));
  });
  by("more").hidden = !vitals.more || limit >= 1000;
}

function heard(one) {
  const at = moment(one.heard);
  return at === null ? (one.state === "new" ? "never" : "—") : age(at, now());
}

const how = { declared: "as enrolled", learned: "as it did so far", default: "nobody knows" };

function cells(one) {
  const complete = one.completeness;
  const slow = one.median ? `usually ${lasting(one.median * 1000)}${one.longest ? `, at most ${lasting(one.longest * 1000)} in 99 of 100` : ""}` : "";
  return [
    h("td", {}, stateSign(one.state), one.fell > 1 ? h("span", { class: "sub" }, `${one.fell} times in 6 h`) : ""),
    h("th", { scope: "row" }, h("a", { href: `/entities/${encodeURIComponent(one.id ?? "").replaceAll("%3A", ":")}` }, one.name || one.id), h("span", { class: "sub" }, [one.measures ? title(one.measures, "types") : one.kind, one.area, one.department].filter(Boolean).join(" · "))),
    h("td", { class: "num" }, h("span", { title: one.heard ?? "" }, heard(one))),
    h("td", { class: "num", title: [how[one.intervalIs], slow].filter(Boolean).join("; ") }, one.interval ? lasting(one.interval * 1000) : "?", one.intervalIs === "learned" ? h("span", { class: "sub" }, "learned") : ""),
    h("td", { class: complete !== undefined && complete < 0.9 ? "num grave-text" : "num" }, complete === undefined ? "—" : `${Math.round(complete * 100)} %`),
    h("td", { class: one.refused ? "num warn-text" : "num" }, one.refused ? String(one.refused) : "0"),
    h("td", {}, strip(one.strip)),
  ];
}

by("hand-out").addEventListener("click", () => {
  const names = ["id", "name", "kind", "measures", "department", "area", "state", "since", "heard", "interval", "intervalIs", "median", "longest", "completeness", "refused", "strip"];
  download("vital-signs.csv", csv([names, ...vitals.rows.map((one) => names.map((name) => one[name] ?? ""))]));
});

// ---- the band of tiles

function tile(name, it) {
  tiles = { ...tiles, [name]: it };
  const order = ["sources", "alarms", "incidents", "foretold", "waiting", "shift"];
  keep(by("tiles"), order.filter((one) => tiles[one]), (one) => one, () => h("li", {}), (li, one) => {
    const { figure, word, note, how: state, to, href } = tiles[one];
    const said = JSON.stringify(tiles[one]);
    if (li.dataset.said === said) return;
    li.dataset.said = said;
    li.className = `tile ${state}`;
    const inside = [h("b", {}, figure), h("span", { class: "word" }, word), h("span", { class: "note" }, note)];
    li.replaceChildren(href ? h("a", { href }, inside) : h("button", { type: "button", on: { click: () => go(to) } }, inside));
  });
}

async function loadTiles() {
  try {
    const { body } = await ask(`${DESK}/brain/wall?panels=alarms,incidents,forecasts,shift`);
    const { alarms, incidents, forecasts, shift } = body.panels;
    const grave = (alarms.severities.critical ?? 0) + (alarms.severities.high ?? 0);
    tile("alarms", { figure: String(alarms.total), word: alarms.total === 1 ? "alarm open" : "alarms open", note: alarms.total ? [grave ? `${grave} critical or high` : "", alarms.unacknowledged ? `${alarms.unacknowledged} not acknowledged` : "all acknowledged"].filter(Boolean).join(", ") : "nothing rings", how: grave ? "alarm" : alarms.total ? "watch" : "ok", href: room("/alarms") });
    tile("incidents", { figure: String(incidents.total), word: incidents.total === 1 ? "incident" : "incidents", note: incidents.tasks ? `${count(incidents.tasks, "task")} open${incidents.late ? `, ${incidents.late} late` : ""}` : "no task open", how: incidents.late ? "alarm" : incidents.total ? "watch" : "ok", href: room("/incidents") });
    tile("foretold", { figure: String(forecasts.warned), word: forecasts.warned === 1 ? "warning ahead" : "warnings ahead", note: forecasts.total ? `of ${count(forecasts.total, "forecast")} whose time is to come` : "nothing is predicted now", how: forecasts.warned ? "watch" : "ok", to: { tab: "foretold" } });
    const waits = shift.lines.filter((one) => one.handed).length;
    tile("shift", { figure: String(shift.total), word: shift.total === 1 ? "desk staffed" : "desks staffed", note: waits ? `${count(waits, "handover")} to accept` : shift.total ? `since ${whenText(moment(shift.lines[0].since) ?? now(), now())}` : "nobody has begun a shift", how: waits ? "watch" : shift.total ? "ok" : "quiet", href: room("/shift") });
  } catch {
    // the signs below say what is wrong; a tile that cannot be read keeps what it said last
  }
}

export const waiting = (many, note) => tile("waiting", { figure: String(many), word: many === 1 ? "thing waits" : "things wait", note, how: many ? "watch" : "ok", to: { tab: "decided" } });

async function refreshBeside() {
  const mine = beside;
  if (!mine?.load) return;
  try {
    const made = await mine.load({ place, go, waiting });
    if (beside === mine && made) by("pane-beside").replaceChildren(...[made].flat());
  } catch (problem) {
    if (beside === mine) by("pane-beside").replaceChildren(fault("This could not be read", problem, press("", "Try again", () => refreshBeside())));
  }
}

// ---- all of it

let finding = 0;
by("find").addEventListener("input", () => {
  clearTimeout(finding);
  finding = setTimeout(() => go({ q: by("find").value.trim() }, { quiet: true }), 250);
});

const asked = new URLSearchParams(location.search).get("wall");
if (asked !== null) {
  document.documentElement.classList.add("walled");
  by("brain").hidden = true;
  wall(by("wall"), new URLSearchParams(location.search));
  document.documentElement.classList.add("ready");
} else {
  where();
  addEventListener("popstate", () => {
    where();
    shown();
  });
  wide.addEventListener("change", () => shown());
  const clear = () => (place.in || place.state || place.q ? go({ in: "", state: "", q: "" }) : false);
  await start({
    keys: [["/", "find a source"], ["Esc", "show all sources"], ["1 … 5", "signs, predicted, decided, parts, who saw what"], ["w", "wall"]],
    act: {
      "/": () => by("find").focus(),
      Escape: clear,
      w: () => location.assign("?wall=alarms,map,vitals,incidents,forecasts"),
      ...Object.fromEntries(Object.keys(TABS).map((name, i) => [String(i + 1), () => go({ tab: name })])),
    },
  });
  shown();
  loadTiles();
  decided({ place, go, waiting }).catch(() => null);
  setInterval(() => document.hidden || loadVitals(), EVERY_MS);
  setInterval(() => document.hidden || loadTiles(), EVERY_MS);
  setInterval(() => document.hidden || by("pane-beside").contains(document.activeElement) || getSelection()?.toString() || refreshBeside(), 3 * EVERY_MS);
  document.documentElement.classList.add("ready");
  aloud("Vital signs are shown");
}
