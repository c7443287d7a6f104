// /alarms and /ccc/alarms: what is out of order, the gravest first, and what people do about it. Keys do all of it.

import { csv, download, h, notice, put } from "../dom.js";
import { API, ask, DESK } from "../doors.js";
import { aloud, fault, start } from "../base/start.js";
import { said, shapeOf, text } from "../station.js";
import { age, count, lasting, look, title } from "../words.js";
import { acknowledge, act, allowed, came, raise, sheets } from "./acts.js";
import { detail } from "./detail.js";
import { Feed } from "./feed.js";
import { rows } from "./rows.js";
import { activation, line, order, SEVERITIES, WORDS } from "./standing.js";

const by = (id) => document.getElementById(id);
const WHICH = { standing: "Standing", new: "New", mine: "Mine", aside: "Put aside", all: "All" };
const COLUMNS = ["", "Severity", "State", "What", "Source", "Age", "Rang", "With"];
const PLACES = "District,AdministrativeArea,Area,Zone";
const FLOOD = 10; // more than so many in ten minutes (EEMUA 191)
const DEFAULTS = { show: "standing", sev: "", cat: "", area: "", q: "", sel: "" };
const place = { ...DEFAULTS };
const picked = new Set();
const areas = new Map();
const heardRing = new Map(); // id -> which raising was told
let lines = new Map();
let shown = [];
let cursor = "";
let may = new Set();
let me = "";
let sound = null;
let settled = false;

// ---- where the page is

function where() {
  const given = new URLSearchParams(location.search);
  for (const name of Object.keys(DEFAULTS)) place[name] = given.get(name) ?? DEFAULTS[name];
  if (!Object.hasOwn(WHICH, place.show)) place.show = "standing";
  place.sev = place.sev.split(",").filter((one) => SEVERITIES.includes(one)).join(",");
}

function go(change, { quiet = false } = {}) {
  Object.assign(place, change);
  const given = new URLSearchParams(Object.entries(place).filter(([name, value]) => value && value !== DEFAULTS[name]));
  const text_ = given.toString().replaceAll("%3A", ":").replaceAll("%2C", ",");
  history[quiet ? "replaceState" : "pushState"](null, "", text_ ? `?${text_}` : location.pathname);
  refresh();
}

// ---- what is shown

/** What people call an alarm: what, and where. */
function called(id) {
  const one = lines.get(id);
  return one ? `${title(one.kind, "kinds")}, ${one.source.split(":").pop()}` : id;
}

const needed = (one) => one.state === "UNACK" || one.state === "RTN-UNACK";
const FITS = {
  standing: (one) => one.state !== "NORM" && !one.aside,
  new: (one) => needed(one) && !one.aside,
  mine: (one) => one.assignee !== "" && one.assignee === me,
  aside: (one) => one.aside !== "",
  all: () => true,
};

function inside([x, y], rings) {
  let within = false;
  for (const ring of rings) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [[xi, yi], [xj, yj]] = [ring[i], ring[j]];
      if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) within = !within;
    }
  }
  return within;
}

function pointIn(alert, area) {
  const shape = shapeOf(alert);
  let at = shape?.coordinates;
  while (Array.isArray(at) && Array.isArray(at[0])) at = at[0];
  return Array.isArray(at) && area.some((rings) => inside(at, rings));
}

function chosen(one) {
  if (place.sev && !place.sev.split(",").includes(one.severity)) return false;
  if (place.cat && one.category !== place.cat && one.kind !== place.cat) return false;
  if (place.area && !(areas.has(place.area) && pointIn(one.alert, areas.get(place.area).shape))) return false;
  if (!place.q) return true;
  const words = `${one.kind} ${title(one.kind, "kinds")} ${one.description} ${one.source} ${one.assignee} ${one.id}`.toLowerCase();
  return place.q.toLowerCase().split(/\s+/).every((word) => words.includes(word));
}

const feed = new Feed(["Alert"], async () => (await ask(`${DESK}/alarms/list`)).body.alarms, told);
const table = rows(by("rows"), { key: (one) => one.id, make, update, held: () => cursor });
const pane = detail(by("one"), { does, may: (verb) => may.has(verb), called, family: (id) => [...lines.values()].filter((one) => one.root === id).map((one) => one.id), close: () => go({ sel: "" }), open: (id) => go({ sel: id }), now: () => feed.now() });

function told(ids) {
  const now = feed.now();
  if (ids === null) lines = new Map([...feed.entities.values()].map((alert) => [alert.id, line(alert, now)]));
  else
    for (const id of ids) {
      const alert = feed.entities.get(id);
      if (alert) lines.set(id, line(alert, now));
      else lines.delete(id);
    }
  ring(ids);
  if (ids === null && feed.phase !== "failed") settled = true;
  refresh();
}

/** Tell by ear what has begun to ring since one looked last; what stood when the page came is no news. */
function ring(ids) {
  const fresh = [];
  for (const id of ids ?? lines.keys()) {
    const one = lines.get(id);
    if (!one) {
      heardRing.delete(id);
      continue;
    }
    const number = activation(one.alert);
    if (settled && one.state === "UNACK" && !one.aside && heardRing.get(id) !== number) fresh.push(one);
    heardRing.set(id, number);
  }
  if (!fresh.length) return;
  fresh.sort(order);
  put(by("ring"), fresh.length > 3 ? `${fresh.length} new alarms, the gravest ${title(fresh[0].severity, "severities")}` : fresh.map((one) => `New alarm, ${title(one.severity, "severities")}: ${title(one.kind, "kinds")}, ${one.source}`).join(". "));
  sound?.(fresh[0].severity);
}

let sorted = 0;
function refresh() {
  clearTimeout(sorted);
  sorted = 0;
  const all = [...lines.values()];
  const fits = FITS[place.show];
  shown = all.filter((one) => fits(one) && chosen(one)).sort(order);
  if (cursor && !lines.has(cursor)) cursor = "";
  for (const id of picked) if (!lines.has(id)) picked.delete(id);
  head(all);
  bulk();
  const box = by("grid");
  const empty = !shown.length;
  by("rows").classList.toggle("none", empty);
  box.setAttribute("aria-rowcount", String(shown.length + 1));
  table.show(shown);
  note(empty, all.length);
  pane.show(feed.entities.get(place.sel) ?? null);
  document.body.classList.toggle("has-side", feed.entities.has(place.sel));
}

let noted = null;
function note(empty, many) {
  const failed = feed.phase === "failed";
  const key = failed ? feed.fault : empty ? `${feed.phase} ${many > 0} ${place.show}` : null;
  if (key === noted) return;
  noted = key;
  by("grid").querySelector(".alarm-note")?.remove();
  if (key === null) return;
  const again = h("button", { type: "button", on: { click: () => feed.retry() } }, "Try again");
  const wide = h("button", { type: "button", on: { click: () => go({ ...DEFAULTS, show: "all" }) } }, "Show all");
  const narrowed = many > 0;
  const words = failed ? fault("The alarms could not be read", feed.fault, again) : !settled ? notice("Reading…", []) : narrowed ? notice("No such alarm", [place.show === "standing" && !place.q && !place.sev && !place.cat && !place.area ? "Nothing rings. What is over, or put aside, stands under All." : "None fits what is chosen above."], { button: wide }) : notice("No alarm", ["Nothing has rung in this city lately.", `Rules raise alarms by themselves (WatchRule); people raise them with “Raise…”, programs at ${DESK}/alarms/raise.`]);
  by("grid").append(h("div", { class: "alarm-note" }, words));
}

// ---- the head

function choice(box, of, chosen_, pick) {
  const buttons = Object.entries(of);
  if (box.children.length !== buttons.length) box.replaceChildren(...buttons.map(([value]) => h("button", { type: "button", data: { value }, on: { click: () => pick(value) } })));
  for (const button of box.children) {
    button.setAttribute("aria-pressed", String(chosen_(button.dataset.value)));
    put(button, of[button.dataset.value]);
  }
}

function head(all) {
  const many = Object.fromEntries(Object.keys(WHICH).map((name) => [name, all.filter(FITS[name]).length]));
  choice(by("which"), Object.fromEntries(Object.entries(WHICH).filter(([name]) => name !== "mine" || me).map(([name, word]) => [name, `${word} ${many[name]}`])), (value) => value === place.show, (show) => go({ show }));
  const on = new Set(place.sev.split(",").filter(Boolean));
  choice(by("severities"), Object.fromEntries(SEVERITIES.map((one) => [one, title(one, "severities")])), (value) => on.has(value), (value) => {
    if (!on.delete(value)) on.add(value);
    go({ sev: SEVERITIES.filter((one) => on.has(one)).join(",") });
  });
  const kinds = [...new Set(all.flatMap((one) => [one.category, one.kind]).filter(Boolean))].sort();
  select(by("category"), "All kinds", kinds.map((one) => [one, title(one, "kinds")]), place.cat);
  select(by("area"), "All areas", [...areas].map(([id, { name }]) => [id, name]), place.area);
  by("area").parentElement.hidden = !areas.size && !place.area;
  if (document.activeElement !== by("find")) by("find").value = place.q;
  const now = feed.now();
  const lately = all.filter((one) => one.began !== null && now - one.began < 600_000 && !one.aside && one.severity !== "informational").length;
  put(by("sum"), settled ? `${count(shown.length, "alarm")}${lately > FLOOD ? ` · flood: ${lately} in 10 min` : lately ? ` · ${lately} in 10 min` : ""}` : "");
  by("sum").classList.toggle("grave", lately > FLOOD);
  const title_ = many.new ? `(${many.new}) ` : "";
  document.title = `${title_}${document.title.replace(/^\(\d+\) /, "")}`;
  by("hand-out").hidden = !shown.length;
}

function select(box, none, options, value) {
  const all = [["", none], ...options];
  if (value && !all.some(([one]) => one === value)) all.push([value, value]);
  const key = JSON.stringify(all);
  if (box.dataset.key !== key) {
    box.dataset.key = key;
    box.replaceChildren(...all.map(([one, word]) => h("option", { value: one }, word)));
  }
  box.value = value;
}

// ---- rows

function make(one) {
  const cell = (kind, ...children) => h("span", { role: "gridcell", class: kind }, ...children);
  const row = h(
    "div",
    { role: "row", class: "alarm-row", tabindex: "-1", data: { id: one.id } },
    cell("c-pick", h("input", { type: "checkbox", tabindex: "-1" })),
    cell("c-sev", h("span", { class: "sev" })),
    cell("c-state", h("span", { class: "astate" })),
    cell("c-what", h("b", {}), h("span", { class: "says" })),
    cell("c-source", h("bdi", {})),
    cell("c-age num"),
    cell("c-times num"),
    cell("c-who", h("bdi", {})),
  );
  return row;
}

function update(row, one, index) {
  const [pick, sev, state, what, source, old, times, who] = row.children;
  const box = pick.firstChild;
  const on = picked.has(one.id);
  if (box.checked !== on) box.checked = on;
  box.setAttribute("aria-label", `Choose ${title(one.kind, "kinds")}, ${one.source}`);
  row.className = `alarm-row ${one.severity} ${one.state.toLowerCase()}${one.aside ? " put-aside" : ""}${one.id === cursor ? " at" : ""}${one.id === place.sel ? " sel" : ""}`;
  row.tabIndex = one.id === cursor || (!cursor && index === 0) ? 0 : -1;
  row.setAttribute("aria-rowindex", String(index + 2));
  row.setAttribute("aria-selected", String(on));
  sev.firstChild.className = `sev ${one.severity}`;
  put(sev.firstChild, title(one.severity, "severities"));
  state.firstChild.className = `astate ${one.state.toLowerCase()}`;
  put(state.firstChild, `${one.aside || WORDS[one.state]}${one.level ? `, level ${one.level}` : ""}`);
  put(what.firstChild, title(one.kind, "kinds"));
  put(what.lastChild, one.description);
  put(source.firstChild, one.source.split(":").pop());
  source.title = one.source;
  const now = feed.now();
  const since = one.state === "RTN-UNACK" || one.state === "NORM" ? one.cleared : one.began;
  put(old, since === null ? "" : lasting(Math.max(0, now - since)));
  put(times, one.times > 1 ? `${one.times}×` : "");
  put(who.firstChild, one.assignee.replace(/^person:/, ""));
}

function columns() {
  by("columns").replaceChildren(...COLUMNS.map((word, i) => h("span", { role: "columnheader", class: ["c-pick", "c-sev", "c-state", "c-what", "c-source", "c-age num", "c-times num", "c-who"][i] }, i === 0 ? h("input", { type: "checkbox", id: "pick-all", "aria-label": "Choose all that are shown" }) : word)));
  by("pick-all").addEventListener("change", (event) => {
    pickAll(event.target.checked);
  });
}

function pickAll(on) {
  if (on) for (const one of shown) picked.add(one.id);
  else picked.clear();
  refresh();
}

by("rows").addEventListener("click", (event) => {
  const row = event.target.closest(".alarm-row");
  if (!row) return;
  cursor = row.dataset.id;
  if (event.target.closest(".c-pick")) {
    toggle(cursor);
    return;
  }
  go({ sel: cursor });
});
by("rows").addEventListener("focusin", (event) => {
  const row = event.target.closest(".alarm-row");
  if (row && cursor !== row.dataset.id) {
    cursor = row.dataset.id;
    table.again();
  }
});

function toggle(id) {
  if (!picked.delete(id)) picked.add(id);
  refresh();
}

/** Go `by_` rows down or up; the opened alarm follows. */
function step(by_) {
  if (!shown.length) return;
  const at = shown.findIndex((one) => one.id === cursor);
  const to = at < 0 && by_ < Infinity ? 0 : Math.min(shown.length - 1, Math.max(0, at + by_));
  cursor = shown[to].id;
  table.reveal(to);
  table.of(cursor)?.focus({ preventScroll: true });
  if (place.sel) go({ sel: cursor }, { quiet: true });
}

// ---- acts

/** The alarms that an act is for: what is chosen, else where one is. */
function those() {
  if (picked.size) return [...picked].map((id) => lines.get(id)).filter(Boolean);
  const one = lines.get(cursor) ?? lines.get(place.sel);
  return one ? [one] : [];
}

function say(words, bad = false) {
  const box = by("said");
  box.hidden = !words;
  box.className = `alarm-said${bad ? " grave" : ""}`;
  box.replaceChildren(h("span", {}, words), h("button", { type: "button", class: "link", on: { click: () => (box.hidden = true) } }, "Close"));
}

async function done(work, word) {
  try {
    const told_ = await work();
    say(came(told_, word), told_.refused.length > 0);
    if (!told_.refused.length) picked.clear();
    refresh();
  } catch (problem) {
    say(`${problem.message} ${problem.mend}`, true);
  }
}

function does(verb, alert = null) {
  const some = alert ? [lines.get(alert.id)].filter(Boolean) : those();
  if (!some.length) return say("Choose an alarm first: j and k go, x chooses.");
  if (!may.has(verb === "assign-me" ? "assign" : verb)) return say("This is not for you to do here.", true);
  const ids = some.map((one) => one.id);
  if (verb === "acknowledge") {
    const open = some.filter(needed);
    if (!open.length) return say("Nothing to acknowledge here.");
    return done(() => acknowledge(open.map((one) => one.alert), (many) => many < open.length && say(`${many} of ${open.length}…`)), "acknowledged");
  }
  if (verb === "assign-me") return done(() => act("assign", ids, { to: "me" }), "taken");
  if (verb === "unshelve") return done(() => act("unshelve", ids), "brought back");
  if (verb === "into-service") return done(() => act("into-service", ids), "put into service");
  if (verb === "clear") return done(() => act("clear", ids), "cleared");
  // A refusal of one stands in the sheet; of many, the list says which were done.
  sheets[verb](some.length, async (name, said_, word) => {
    const told_ = await act(name, ids, said_);
    if (told_.refused.length && !told_.done.length) throw Object.assign(new Error(told_.refused[0].detail), { mend: told_.refused[0].mend ?? "", problem: told_.refused[0] });
    say(came(told_, word), told_.refused.length > 0);
    if (!told_.refused.length) picked.clear();
    refresh();
  });
}

const BULK = [["acknowledge", "Acknowledge", "a"], ["assign-me", "Take", "i"], ["assign", "Assign…", ""], ["shelve", "Shelve…", "s"], ["comment", "Comment…", "c"], ["root", "Root…", "r"], ["out-of-service", "Out of service…", "o"], ["into-service", "Into service", ""], ["unshelve", "Unshelve", "u"], ["clear", "Clear", "e"]];
function bulk() {
  const box = by("bulk");
  box.hidden = !picked.size;
  if (!picked.size) return;
  if (!box.children.length) box.append(h("b", {}), ...BULK.filter(([verb]) => may.has(verb === "assign-me" ? "assign" : verb)).map(([verb, word]) => h("button", { type: "button", class: "tool", data: { verb }, on: { click: () => does(verb) } }, word)), h("button", { type: "button", class: "link", on: { click: () => pickAll(false) } }, "Choose none"));
  put(box.firstChild, `${count(picked.size, "alarm")} chosen`);
}

// ---- sound, files

/** Two short tones; the graver, the higher. Browsers allow it after somebody has asked for it. */
function bell() {
  const audio = new AudioContext();
  let last = 0;
  return (severity) => {
    if (performance.now() - last < 1500) return; // a flood is one sound
    last = performance.now();
    const pitch = { critical: 988, high: 784, medium: 587, low: 440 }[severity] ?? 330;
    for (const at of [0, 0.18]) {
      const tone = audio.createOscillator();
      const gain = audio.createGain();
      tone.frequency.value = pitch;
      gain.gain.setValueAtTime(0.0001, audio.currentTime + at);
      gain.gain.exponentialRampToValueAtTime(0.2, audio.currentTime + at + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.0001, audio.currentTime + at + 0.15);
      tone.connect(gain).connect(audio.destination);
      tone.start(audio.currentTime + at);
      tone.stop(audio.currentTime + at + 0.16);
    }
  };
}

function turnSound() {
  sound = sound ? null : bell();
  by("sound").setAttribute("aria-pressed", String(sound !== null));
  sound?.("low");
  aloud(sound ? "Sound on" : "Sound off");
}

function handOut() {
  const when = (at) => (at === null ? "" : new Date(at).toISOString());
  const cells = shown.map((one) => [one.id, one.severity, one.state, one.aside, one.category, one.kind, one.source, one.description, when(one.began), when(one.cleared), one.times, one.assignee, one.level, text(one.alert, "acknowledgedBy"), text(one.alert, "shelvedReason"), one.root]);
  download(`${look.city}-alarms.csv`, csv([["id", "severity", "state", "aside", "category", "kind", "source", "description", "raised", "cleared", "times", "assignee", "escalation", "acknowledgedBy", "shelvedReason", "rootAlarm"], ...cells]));
}

// ---- joined

async function areasOf() {
  try {
    const { body } = await ask(`${API}/entities?type=${PLACES}&attrs=name,location&options=concise&limit=500`);
    for (const one of body) {
      const shape = shapeOf(one);
      if (shape?.type === "Polygon") areas.set(one.id, { name: String(said(one, "name") ?? one.id.split(":").pop()), shape: [shape.coordinates] });
      if (shape?.type === "MultiPolygon") areas.set(one.id, { name: String(said(one, "name") ?? one.id.split(":").pop()), shape: shape.coordinates });
    }
  } catch {
    // without areas the list is whole
  }
}

async function whoAmI() {
  try {
    const { body } = await ask("/account");
    me = body.id ?? `person:${body.name}`;
  } catch {
    me = ""; // the machine itself, or nobody: nothing is his
  }
}

let typed = 0;
by("find").addEventListener("input", () => {
  clearTimeout(typed);
  typed = setTimeout(() => go({ q: by("find").value.trim() }, { quiet: true }), 120);
});
by("category").addEventListener("change", (event) => go({ cat: event.target.value }));
by("area").addEventListener("change", (event) => go({ area: event.target.value }));
by("sound").addEventListener("click", turnSound);
by("raise").addEventListener("click", () => begin());
by("hand-out").addEventListener("click", handOut);
addEventListener("popstate", () => (where(), refresh()));

const begin = () => (may.has("raise") ? raise((id) => go({ sel: id })) : say("This is not for you to do here.", true));
const turn = (by_) => {
  const names = Object.keys(WHICH).filter((name) => name !== "mine" || me);
  go({ show: names[(names.indexOf(place.show) + by_ + names.length) % names.length] });
};

columns();
where();
await Promise.all([
  start({
    keys: [["j  k", "next, previous (also arrows, Page keys, Home, End)"], ["Enter", "open, Esc closes"], ["x", "choose"], ["*", "choose all that are shown, or none"], ["a", "acknowledge"], ["i", "take it (assign to me)"], ["s", "shelve, with a reason and an end"], ["u", "bring back from the shelf"], ["c", "comment"], ["r", "say the alarm at its root"], ["o", "out of service"], ["e", "clear what was raised by hand"], ["n", "raise an alarm"], ["f", "what is shown: standing, new, mine, put aside, all"], ["/", "find"], ["b", "sound"], ["l", "load"]],
    act: {
      j: () => step(1), k: () => step(-1), ArrowDown: () => step(1), ArrowUp: () => step(-1), PageDown: () => step(table.page()), PageUp: () => step(-table.page()), Home: () => step(-Infinity), End: () => step(Infinity),
      Enter: (event) => (event.target.closest?.(".alarm-row") || event.target === document.body ? cursor && go({ sel: cursor }) : false),
      x: () => cursor && toggle(cursor), "*": () => pickAll(picked.size === 0), a: () => does("acknowledge"), i: () => does("assign-me"), s: () => does("shelve"), u: () => does("unshelve"), c: () => does("comment"), r: () => does("root"), o: () => does("out-of-service"), e: () => does("clear"), n: begin, f: () => turn(1), F: () => turn(-1), b: turnSound,
      l: () => location.assign(by("to-load").href), "/": () => by("find").focus(),
      Escape: () => (picked.size ? pickAll(false) : place.sel ? go({ sel: "" }) : document.activeElement === by("find") ? by("find").blur() : false),
    },
  }),
  allowed("alarms").then((acts) => (may = acts)),
  areasOf(),
  whoAmI(),
]);
by("raise").hidden = !may.has("raise");
feed.start();
refresh();
// Ages, shelves that end, and floods that pass: time itself changes what is so.
setInterval(() => {
  const now = feed.now();
  let moved = false;
  for (const one of lines.values()) {
    if (one.aside === "") continue;
    const fresh = line(one.alert, now);
    if (fresh.aside !== one.aside) {
      lines.set(one.id, fresh);
      moved = true;
    }
  }
  if (moved) refresh();
  else table.again();
}, 1000);
document.documentElement.classList.add("ready");
