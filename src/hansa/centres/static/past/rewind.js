// /rewind: the whole picture at any time, played on from there; who did what, and what was on their screens.

import { aloud, fault, may, now as cityNow, start } from "../base/start.js";
import { h, keep, notice, put } from "../dom.js";
import { ask, DESK, REALM, room } from "../doors.js";
import { kindOf, NO_STATION, said, shapeOf, state, station, text } from "../station.js";
import { age, clockText, count, dayText, figure, hourText, look, title, withUnit, zoneText } from "../words.js";
import { startChart } from "./chart.js";
import { filmSheet } from "./film-sheet.js";
import { timeLine } from "./line.js";
import { kindOfMark, nameOf, Record, toldOf } from "./record.js";

const by = (id) => document.getElementById(id);
const RATES = [1, 5, 20, 60];
const DAY = 86_400_000;
const AHEAD_S = 20; // of real time, that is asked for at once
const ROWS = 400;
const NO_SHAPE = /^(Point|GeometryCollection)$/;
const KINDS = { alarm: "alarm raised", "alarm-more": "alarm", cleared: "alarm cleared", incident: "incident", command: "command" };

const said_ = { at: "", rate: "20", sel: "", view: "map", types: "", map: "", play: "" };
const place = { ...said_ };
const record = new Record();
const model = { stations: new Map(), shapes: new Map(), alerts: new Map(), now: () => shownAt };
let shownAt = 0; // milliseconds: the instant on screen
let day = null; // {from, until, density, marks, doings, ...}
let screens = [];
let playing = false;
let chart = null;
let turn = 0;
let abort = null;
let fetching = false;
let begins = null;
let failed = null;
let line = null;

// ---- where the page is

function read() {
  const query = new URLSearchParams(location.search);
  for (const name of Object.keys(said_)) place[name] = query.get(name) ?? said_[name];
  const rate = Number(place.rate);
  place.rate = Number.isFinite(rate) && rate > 0 ? String(Math.min(60, Math.max(1, rate))) : said_.rate;
  if (!["map", "list"].includes(place.view)) place.view = "map";
}

function address() {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(place)) if (value && value !== said_[name]) query.set(name, value);
  const told = query.toString().replaceAll("%3A", ":").replaceAll("%2C", ",");
  return told ? `?${told}` : location.pathname;
}

function go(change, { quiet = true } = {}) {
  Object.assign(place, change);
  history[quiet ? "replaceState" : "pushState"](null, "", address());
}

const iso = (at) => new Date(at).toISOString();

/** Midnight, by the city's zone, of the day that an instant is in. */
function midnight(at) {
  const [hours, minutes, seconds] = clockText(at).split(":").map(Number);
  let begin = Math.floor(at / 1000) * 1000 - ((hours % 24) * 3600 + minutes * 60 + seconds) * 1000;
  const off = Number(hourText(begin).split(":")[0]) % 24; // where the clocks were changed since
  if (off) begin += (off > 12 ? 24 - off : -off) * 3_600_000;
  return begin;
}

// ---- what is read

async function seek(at, { quiet = true } = {}) {
  const mine = ++turn;
  abort?.abort();
  abort = new AbortController();
  at = Math.min(at, cityNow());
  if (begins !== null) at = Math.max(at, begins);
  shownAt = at;
  go({ at: iso(at) }, { quiet });
  head();
  by("past").classList.add("wait");
  by("past").setAttribute("aria-busy", "true");
  try {
    const types = place.types ? `&types=${encodeURIComponent(place.types)}` : "";
    const { body } = await ask(`${DESK}/rewind?at=${iso(at)}${types}`, { signal: abort.signal });
    if (mine !== turn) return;
    begins = Date.parse(body.begins) + 1; // a browser's instants are whole milliseconds
    record.set(at, body.entities);
    failed = null;
    if (body.cut) aloud(`${body.cut} more are not shown: choose types`);
    put(by("how"), `As the city knew it then${body.cut ? `; ${body.cut.toLocaleString("en")} more are not shown, choose types` : ""}. Nothing here is live.`);
    model.cut = body.cut;
    derive(null);
    by("past").dataset.shown = iso(at);
  } catch (problem) {
    if (mine !== turn || problem.name === "AbortError") return;
    failed = problem;
    record.set(at, []);
    derive(null);
  }
  by("past").classList.remove("wait");
  by("past").removeAttribute("aria-busy");
  show();
}

async function loadDay(at) {
  const from = midnight(at);
  if (day && day.from === from) return;
  const until = from + DAY;
  try {
    const { body } = await ask(`${DESK}/rewind/day?from=${iso(from)}&to=${iso(until)}`);
    day = { ...body, from, until, width: body.width_s * 1000 };
    day.told = [...day.marks.map((one) => ({ ...one, mark: true })), ...day.doings.filter((one) => !isMark(one))].sort((a, b) => a.at - b.at);
    begins = Date.parse(body.begins) + 1; // a browser's instants are whole milliseconds
    const known = new Map();
    for (const one of day.doings) known.set(`${one.at} ${one.id}`, one.by);
    for (const one of day.told) one.by ??= known.get(`${one.at} ${one.id}`);
  } catch (problem) {
    day = { from, until, width: 300_000, density: [], marks: [], doings: [], told: [], fault: problem };
  }
  await loadScreens(from, until);
  lineShow();
  side();
}

const isMark = (one) => ["Alert", "Incident", "Command"].includes(one.type);

async function loadScreens(from, until) {
  try {
    const { body } = await ask(`${DESK}/screens?from=${iso(from)}&to=${iso(until)}`);
    screens = body.screens;
  } catch {
    screens = []; // a city that keeps none, or not for whoever looks
  }
}

async function ahead() {
  if (fetching || !playing) return;
  const rate = Number(place.rate);
  if (record.known - shownAt > (rate * AHEAD_S * 1000) / 2 || record.known >= cityNow() - 1000) return;
  fetching = true;
  const mine = turn;
  try {
    const until = Math.min(record.known + rate * AHEAD_S * 1000, cityNow());
    if (until <= record.known) return;
    const types = place.types ? `&types=${encodeURIComponent(place.types)}` : "";
    const { body } = await ask(`${DESK}/rewind/changes?from=${iso(record.known)}&to=${iso(until)}&step=${Math.min(60, rate / 4)}${types}`);
    if (mine === turn) record.add(body.changes, Date.parse(body.until));
  } catch (problem) {
    if (mine === turn) {
      failed = problem;
      play(false);
    }
  } finally {
    fetching = false;
  }
}

// ---- what is known at that time

function derive(ids) {
  const touched = ids;
  if (!ids) {
    for (const map of [model.stations, model.shapes, model.alerts]) map.clear();
    ids = record.entities.keys();
  }
  let anew = false;
  for (const id of ids) {
    const entity = record.entities.get(id);
    const had = model.stations.has(id);
    anew ||= model.shapes.delete(id);
    model.alerts.delete(id);
    model.stations.delete(id);
    if (!entity) continue;
    const kind = kindOf(entity);
    if (kind === "Alert") model.alerts.set(id, entity);
    else {
      const it = station(entity) ?? placed(entity, kind);
      if (it) {
        it.heard = had && playing ? performance.now() : 0;
        model.stations.set(id, it);
      }
      const shape = shapeOf(entity);
      if (shape && !NO_SHAPE.test(shape.type)) anew = !!model.shapes.set(id, entity);
    }
  }
  states(playing && performance.now() - judged < 1000 ? touched : null);
  return anew;
}

/** Something with a place that is no station: an incident, a resource, a vehicle. */
function placed(entity, kind) {
  const shape = shapeOf(entity);
  if (shape?.type !== "Point" || (NO_STATION.has(kind) && kind !== "Command")) return null;
  const [lon, lat] = shape.coordinates;
  if (!(Math.abs(lon) <= 180 && Math.abs(lat) <= 85)) return null;
  return { id: entity.id, entity, kind, name: nameOf(entity), point: [lon, lat], readings: [], by: new Map(), main: null, newest: null, still: true };
}

let judged = 0;
/** How stations do: those of `ids`, or (null) all, because ages and alarms of others change too. */
function states(ids) {
  if (!ids || [...ids].some((id) => model.alerts.has(id))) {
    judged = performance.now();
    ids = null;
  }
  const about = new Map();
  for (const alert of model.alerts.values()) {
    if (text(alert, "status") === "closed") continue;
    const source = said(alert, "alertSource");
    about.set(source, [...(about.get(source) ?? []), alert]);
  }
  for (const it of ids ? [...ids].map((id) => model.stations.get(id)).filter(Boolean) : model.stations.values()) {
    const alerts = [...(about.get(it.id) ?? []), ...(about.get(said(it.entity, "refDevice")) ?? [])];
    it.alerts = alerts.length;
    it.how = it.still && !alerts.length ? "ok" : state(it, alerts, shownAt, { stale: look.stale_s * 1000, missing: look.missing_s * 1000 });
  }
}

// ---- what is shown

function head() {
  const when = by("when");
  put(when, `${dayText(shownAt)} ${clockText(shownAt)} ${zoneText(shownAt)}`);
  when.setAttribute("datetime", iso(shownAt));
  const pick = by("pick");
  if (document.activeElement !== pick) {
    const [d, t] = [new Date(midnight(shownAt) + 12 * 3_600_000), clockText(shownAt)];
    const parts = new Intl.DateTimeFormat("en-CA", { dateStyle: "short", ...(look.zone ? { timeZone: look.zone } : {}) }).format(d);
    pick.value = `${parts}T${t}`;
  }
  lineShow();
}

function lineShow() {
  if (!day || !line) return;
  line.show({ from: day.from, until: day.until, zero: day.from, width: day.width, density: day.density, marks: day.marks, at: shownAt, now: cityNow() });
  const open = day.marks.filter((one) => kindOfMark(one) === "alarm").length;
  put(by("key"), day.fault ? day.fault.message : `${day.density.reduce((sum, one) => sum + one[1], 0).toLocaleString("en")} changes · ◆ ${count(open, "alarm")} · ■ ${count(day.marks.filter((one) => one.type === "Incident").length, "change of an incident", "changes of incidents")}${day.cut ? ` · the newest ${day.cut.toLocaleString("en")} are not listed` : ""}`);
}

let shownSide = "";
function side() {
  if (!day) return;
  const told = day.told;
  let last = -1;
  for (let low = 0, high = told.length - 1; low <= high; ) {
    const middle = (low + high) >> 1;
    if (told[middle].at <= shownAt) [last, low] = [middle, middle + 1];
    else high = middle - 1;
  }
  const from = Math.max(0, last - 60);
  const some = told.slice(from, last + 21);
  const key = `${day.from} ${from} ${last} ${told.length}`;
  if (key !== shownSide) {
    shownSide = key;
    keep(
      by("done"),
      some,
      (one) => `${one.at} ${one.id} ${one.by ?? ""}`,
      (one) => {
        const kind = isMark(one) ? kindOfMark(one) : "done";
        return h("li", { class: `past-it ${kind}` },
          h("button", { type: "button", class: "go", on: { click: () => jump(one.at + 1, one.id) } },
            h("time", { datetime: iso(one.at) }, clockText(one.at)),
            h("b", {}, isMark(one) ? KINDS[kind] ?? kind : one.by),
            h("span", {}, `${title(one.type, "types")} ${nameNow(one.id)}`),
            h("span", { class: "quiet" }, `${toldOf(one)}${isMark(one) && one.by ? ` · by ${one.by}` : ""}`)));
      },
      (li, one) => {
        li.classList.toggle("to-come", one.at > shownAt);
        if (one === told[last]) li.setAttribute("aria-current", "time");
        else li.removeAttribute("aria-current");
      },
    );
    const current = by("done").querySelector("[aria-current]");
    if (current) by("done").scrollTop = current.offsetTop - by("done").offsetTop - by("done").clientHeight / 2;
    put(by("done-more"), told.length ? `${count(told.length, "thing")} that day${from ? `; ${from} earlier` : ""}` : "Nobody did anything that day, and nothing rang.");
  }
  screen();
  one();
}

function screen() {
  const latest = new Map();
  for (const it of screens) {
    if (it.at > shownAt) break;
    latest.set(`${it.by} ${it.session}`, it);
  }
  const seen = [...latest.values()].filter((it) => it.page);
  by("screens-of").hidden = !seen.length;
  keep(
    by("screens"),
    seen,
    (it) => `${it.by} ${it.session}`,
    () => h("li", {}, h("b", {}), h("span", {}), h("a", {})),
    (li, it) => {
      put(li.children[0], it.by);
      put(li.children[1], `${it.page}${it.selected ? ` · ${nameNow(it.selected)}` : ""}, since ${clockText(it.at)}`);
      put(li.children[2], it.hidden ? "what is there is not for you to see" : it.url);
      if (it.hidden) li.children[2].removeAttribute("href");
      else li.children[2].setAttribute("href", it.url);
    },
  );
}

const nameNow = (id) => (record.entities.has(id) ? nameOf(record.entities.get(id)) : String(id).split(":").pop());

function one() {
  const box = by("one");
  const entity = record.entities.get(place.sel);
  box.hidden = !place.sel;
  if (box.hidden) return;
  const close = h("button", { type: "button", class: "knob", "aria-label": "Close", on: { click: () => choose("") } }, "×");
  if (!entity) {
    box.replaceChildren(h("header", {}, h("h3", {}, nameNow(place.sel)), close), h("p", { class: "quiet" }, "It was not there then, or not for you to see."));
    return;
  }
  const rows = Object.entries(entity).filter(([name]) => !["id", "type", "@context"].includes(name)).map(([name, value]) => {
    const it = typeof value === "object" && value !== null && !Array.isArray(value) ? value : { value };
    const plain = it.value ?? it.object ?? it.vocab ?? it.json ?? value;
    const shown = typeof plain === "number" ? withUnit(plain, look.words.units[it.unitCode] ?? it.unitCode ?? "") : typeof plain === "string" ? plain : typeof plain === "boolean" ? String(plain) : plain?.type && plain.coordinates ? plain.type : JSON.stringify(plain);
    const at = it.observedAt ? Date.parse(it.observedAt) : null;
    return h("tr", {}, h("th", { scope: "row" }, title(name, "attributes")), h("td", {}, String(shown).slice(0, 200)), h("td", { class: "num quiet" }, at === null ? "" : `${age(at, shownAt)} old`));
  });
  box.replaceChildren(h("header", {}, h("h3", {}, nameOf(entity)), close), h("p", { class: "quiet" }, `${title(kindOf(entity), "types")} · as it was then`), h("table", {}, h("tbody", {}, rows)), h("p", {}, h("a", { href: room(`/entities/${encodeURIComponent(entity.id).replaceAll("%3A", ":")}`) }, "As it is now")));
}

let sorted = "how";
const ORDER = ["alarm", "watch", "stale", "missing", "ok"];
function list() {
  const box = by("list");
  box.hidden = place.view !== "list";
  by("map").hidden = place.view === "list";
  if (box.hidden) return;
  const all = [...model.stations.values()];
  const less = { how: (a, b) => ORDER.indexOf(a.how) - ORDER.indexOf(b.how), name: () => 0, kind: (a, b) => a.kind.localeCompare(b.kind), value: (a, b) => (b.main?.value ?? -Infinity) - (a.main?.value ?? -Infinity) }[sorted];
  all.sort((a, b) => less(a, b) || a.name.localeCompare(b.name, undefined, { numeric: true }));
  const heads = [["how", "State"], ["name", "Name"], ["kind", "Type"], ["value", "Value then"]];
  const body = all.slice(0, ROWS).map((it) =>
    h("tr", { class: it.id === place.sel ? "at" : null },
      h("td", {}, h("span", { class: `sign ${it.how}` }, title(it.how, "states"))),
      h("th", { scope: "row" }, h("button", { type: "button", on: { click: () => choose(it.id) } }, it.name)),
      h("td", {}, title(it.kind, "types")),
      h("td", { class: "num" }, it.main ? `${figure(it.main.value, it.main.unit)} ${it.main.unit}` : "—")));
  box.replaceChildren(
    h("table", {}, h("caption", { class: "quiet" }, `${count(all.length, "thing")} with a place, ${count(record.entities.size, "entity", "entities")} in all${all.length > ROWS ? `; the first ${ROWS} are shown` : ""}`),
      h("thead", {}, h("tr", {}, heads.map(([key, word]) => h("th", { scope: "col", class: key === "value" ? "num" : null, "aria-sort": sorted === key ? "ascending" : null }, h("button", { type: "button", on: { click: () => ((sorted = key), list()) } }, word))))),
      h("tbody", {}, body)),
  );
}

let listed = 0;
function show({ anew = true } = {}) {
  head();
  const box = by("said");
  box.hidden = !failed && (record.entities.size > 0 || by("past").hasAttribute("aria-busy"));
  if (failed) box.replaceChildren(fault("This cannot be shown", failed, h("button", { type: "button", on: { click: () => seek(shownAt) } }, "Try again")));
  else if (!box.hidden) box.replaceChildren(notice("Nothing was there then", ["Nothing that you may see was known to the city at this time."]));
  chart?.refresh({ anew });
  if (anew || performance.now() - listed > 1000) {
    listed = performance.now();
    list();
  }
  side();
}

function choose(id) {
  go({ sel: id });
  chart?.select(id);
  one();
  list();
}

function jump(at, id = null) {
  play(false);
  if (id !== null) place.sel = id;
  return seek(at, { quiet: false }).then(() => (loadDay(at), chart?.select(place.sel)));
}

// ---- playing

let last = 0;
let stepped = 0;
let spent = 0; // on the last step, in milliseconds
function play(on) {
  playing = on && shownAt < cityNow() - 1000;
  by("play").setAttribute("aria-pressed", String(playing));
  put(by("play"), playing ? "Pause" : "Play");
  document.body.classList.toggle("plays", playing);
  last = performance.now();
  if (playing) {
    failed = null;
    ahead();
    requestAnimationFrame(frame);
  } else go({ at: iso(shownAt) });
}

function frame(now) {
  if (!playing) return;
  // Where drawing is dear there are fewer pictures, not a slower past; after a sleep it goes on where it stopped.
  if (now - stepped < Math.max(100, 3 * spent + 2 * (chart?.cost() ?? 0))) return requestAnimationFrame(frame);
  const passed = Math.min(5000, now - last);
  last = stepped = now;
  ahead();
  const to = Math.min(shownAt + passed * Number(place.rate), record.known);
  by("past").classList.toggle("behind", to >= record.known && fetching);
  if (to > shownAt) {
    shownAt = to;
    const touched = record.go(to);
    const anew = touched.size ? derive(touched) : false;
    show({ anew });
    spent = performance.now() - now;
    if (day && shownAt >= day.until) loadDay(shownAt);
  }
  if (shownAt >= cityNow() - 1500 && record.known >= cityNow() - 3000) {
    play(false);
    aloud("This is now");
    put(by("how"), "This is where now begins.");
    return;
  }
  requestAnimationFrame(frame);
}

/** Go to the alarm before (-1) or after (1), over days if need be. */
async function alarm(way) {
  play(false);
  for (let tries = 0; tries < 8; tries++) {
    const rings = (day?.marks ?? []).filter((it) => ["alarm", "incident"].includes(kindOfMark(it)) && (kindOfMark(it) === "alarm" || it.new));
    const found = way > 0 ? rings.find((it) => it.at + 1 > shownAt) : rings.findLast((it) => it.at + 1 < shownAt);
    if (found) return jump(found.at + 1, found.id);
    const to = way > 0 ? day.until : day.from - 1;
    if (to > cityNow() || (begins !== null && to < begins)) break;
    shownAt = way > 0 ? to : to;
    await loadDay(to);
  }
  aloud(way > 0 ? "No alarm after this" : "No alarm before this");
  return seek(shownAt);
}

// ---- begin

function rates() {
  by("rates").replaceChildren(...RATES.map((rate) => h("button", { type: "button", "aria-pressed": String(Number(place.rate) === rate), on: { click: () => (go({ rate: String(rate) }), rates()) } }, `×${rate}`)));
}

function views() {
  for (const button of by("views").children) button.setAttribute("aria-pressed", String(button.dataset.view === place.view));
}

let waits = 0;
async function begin() {
  read();
  document.body.classList.add("rewinds");
  line = timeLine(by("line"), {
    words: (at) => `${dayText(at)} ${clockText(at)}`,
    hour: hourText,
    go(at, { done }) {
      play(false);
      shownAt = at;
      head();
      clearTimeout(waits);
      if (done) seek(at, { quiet: false });
      else waits = setTimeout(() => seek(at), 150);
    },
  });
  by("play").addEventListener("click", () => play(!playing));
  by("before").addEventListener("click", () => alarm(-1));
  by("after").addEventListener("click", () => alarm(1));
  for (const [id, way] of [["day-before", -1], ["day-after", 1]]) by(id).addEventListener("click", () => jump(shownAt + way * DAY));
  by("pick").addEventListener("change", () => {
    const [d, t] = by("pick").value.split("T");
    const noon = Date.parse(`${d}T12:00:00Z`);
    if (!t || Number.isNaN(noon)) return;
    const [hours, minutes, seconds] = t.split(":").map(Number);
    jump(midnight(noon) + ((hours * 60 + minutes) * 60 + (seconds || 0)) * 1000);
  });
  for (const button of by("views").children) button.addEventListener("click", () => (go({ view: button.dataset.view }, { quiet: false }), views(), show()));
  by("to-now").addEventListener("click", () => play(false));
  addEventListener("popstate", () => {
    read();
    rates();
    views();
    play(false);
    seek(place.at ? Date.parse(place.at) : cityNow());
  });
  await start({
    keys: [["[ ]", "the alarm before, after"], ["space", "play, pause"], ["m l", "map, list"], ["+ - 0", "closer, farther, the whole city"]],
    act: {
      "[": () => alarm(-1),
      "]": () => alarm(1),
      " ": (event) => (event.target.tagName === "BUTTON" ? false : play(!playing)),
      m: () => (go({ view: "map" }), views(), show()),
      l: () => (go({ view: "list" }), views(), show()),
      "+": () => chart?.zoom(1),
      "-": () => chart?.zoom(-1),
      0: () => chart?.whole(),
      Escape: () => choose(""),
    },
    themed: () => (chart?.reink(), line.draw()),
  });
  rates();
  views();
  const asked = Date.parse(place.at);
  const at = Number.isNaN(asked) ? cityNow() - 600_000 : asked;
  const [lon, lat, zoom] = place.map.split(",").map(Number);
  const view = place.map && [lon, lat, zoom].every(Number.isFinite) && Math.abs(lon) <= 180 && Math.abs(lat) <= 85 ? { centre: [lon, lat], zoom } : null;
  shownAt = at;
  await Promise.all([seek(at), loadDay(at)]);
  if (failed && begins !== null && at < begins) await seek(begins + 1000); // a city that is younger than what was asked for
  chart = await startChart(model, { view, moved: (map) => go({ map }), chosen: choose });
  chart.refresh({ anew: true });
  if (place.sel) chart.select(place.sel);
  filmSheet({ button: by("film"), sheet: by("film-of"), incidents: () => [...record.entities.values()].filter((it) => kindOf(it) === "Incident"), span: () => [shownAt - 900_000, Math.min(cityNow(), shownAt + 900_000)], area: () => chartArea() });
  if (may.write || may.administer || REALM === "security") by("film").hidden = false;
  document.documentElement.classList.add("ready");
}

function chartArea() {
  const all = [...model.stations.values()].map((it) => it.point);
  if (!all.length) return "";
  const [xs, ys] = [all.map((one) => one[0]), all.map((one) => one[1])];
  return [xs, ys].map((some) => some.reduce((low, one) => Math.min(low, one), Infinity).toFixed(4)).concat([xs, ys].map((some) => some.reduce((high, one) => Math.max(high, one), -Infinity).toFixed(4))).join(",");
}

begin();
