// The page: joins the city, the map, the desk, the panel and the list, and listens to the keyboard.

import { City } from "./city.js";
import { h, keep, narrow, put } from "./dom.js";
import { startDesk } from "./desk.js";
import { ask } from "./doors.js";
import { startFind } from "./find.js";
import { clockLine, meant, startHelp, startTheme } from "./frame.js";
import { startList } from "./list.js";
import { startMap } from "./map.js";
import { startPanel } from "./panel.js";
import { go, place, watch } from "./place.js";
import { STATES } from "./station.js";
import { age, count, lasting, title } from "./words.js";

const city = new City();
const by = (id) => document.getElementById(id);

/** The reading that is shown at a station: the chosen attribute, else its main one; null when it has none. */
const figureOf = (it) => (place.show ? (it.by.get(place.show) ?? null) : it.main);
const chosenTypes = () => new Set(place.types.split(",").filter(Boolean));
const filter = (it) => !place.types || chosenTypes().has(it.kind);
const retry = () => city.retry();

// ---- the bar

let health = null;

function bar() {
  const now = city.now();
  const { simulated, rate, known } = city.clock;
  if (known) {
    by("clock").replaceChildren(...clockLine(now, simulated, rate));
  }
  const box = by("fresh");
  const text = box.querySelector(".fresh-text");
  if (!city.loadedOnce) {
    box.className = `fresh ${city.phase}`;
    return put(text, city.phase === "failed" ? city.fault.message : "Reading the city…");
  }
  const shown = [...city.stations.values()].filter(filter);
  const tally = Object.fromEntries(STATES.map((how) => [how, 0]));
  let newest = -Infinity;
  for (const it of shown) {
    tally[city.stateOf(it)] += 1;
    if (it.newest !== null && it.newest > newest) newest = it.newest;
  }
  const parts = [count(shown.length, "station")];
  if (Number.isFinite(newest)) parts.push(`newest ${age(newest, now)} ago`);
  for (const how of ["stale", "missing"]) if (tally[how]) parts.push(`${tally[how]} ${how}`);
  if (city.cut) parts.push(`${city.cut.toLocaleString("en")} more not shown: choose fewer types`);
  if (city.phase === "waiting") parts.unshift("No live connection, trying again");
  else if (health?.status && health.status !== "ok") parts.unshift(health.status === "full" ? "Disk full: nothing new is taken" : `City ${health.status}`);
  else if (health?.rules?.behind_s > 5) parts.unshift(`Rules ${lasting(health.rules.behind_s * 1000)} behind`);
  box.className = `fresh ${city.phase === "live" && health?.status && health.status !== "ok" ? "waiting" : city.phase}`;
  put(text, parts.join(", "));
}

async function checkHealth() {
  try {
    health = (await ask("/health")).body;
  } catch {
    health = null; // the lamp already says whether the city answers
  }
  bar();
}

// ---- what is shown

function pickers() {
  const select = by("show");
  const names = new Map();
  const types = new Map();
  for (const it of city.stations.values()) {
    types.set(it.kind, (types.get(it.kind) ?? 0) + 1);
    if (filter(it)) for (const one of it.readings) if (one.at !== null) names.set(one.name, (names.get(one.name) ?? 0) + 1);
  }
  const wanted = [...names].sort((a, b) => title(a[0], "attributes").localeCompare(title(b[0], "attributes")));
  if (place.show && !names.has(place.show)) wanted.push([place.show, 0]);
  const key = JSON.stringify([wanted, place.show]);
  if (select.dataset.now !== key) {
    select.dataset.now = key;
    select.replaceChildren(h("option", { value: "" }, "main reading"), ...wanted.map(([name, n]) => h("option", { value: name }, `${title(name, "attributes")} (${n})`)));
    select.value = place.show;
  }
  const chosen = chosenTypes();
  keep(
    by("types-sheet"),
    [...types].sort((a, b) => title(a[0], "types").localeCompare(title(b[0], "types"))),
    ([type]) => type,
    ([type]) => h("label", {}, h("input", { type: "checkbox", value: type, on: { change: chooseTypes } }), h("span", {}), h("span", { class: "num" })),
    (row, [type, n]) => {
      row.firstChild.checked = !place.types || chosen.has(type);
      put(row.children[1], title(type, "types"));
      put(row.children[2], String(n));
    },
  );
  put(by("types").querySelector("summary"), place.types ? `${count(chosen.size, "type")} of ${types.size}` : "All types");
}

function chooseTypes() {
  const boxes = [...by("types-sheet").querySelectorAll("input")];
  const on = boxes.filter((one) => one.checked).map((one) => one.value);
  go({ types: on.length === boxes.length || !on.length ? "" : on.join(",") });
  pickers();
}

function view() {
  document.body.dataset.view = place.view;
  for (const button of document.querySelectorAll("[data-view]")) if (button !== document.body) button.setAttribute("aria-pressed", String(button.dataset.view === place.view));
}

// ---- keys

const KEYS = [
  ["?", "this sheet"],
  ["/", "search"],
  ["j  k", "next, previous alarm"],
  ["m  l", "map, list"],
  ["← ↑ → ↓", "from station to station on the map (Shift: move the map)"],
  ["+  −  0", "closer, farther, the whole city"],
  ["1 2 3 4", "6 h, 24 h, 7 d, 30 d"],
  ["e", "entities, subscriptions, contexts"],
  ["t", "light, dark, as the system"],
  ["Esc", "close"],
];

const signs = () => [
  h("h2", {}, "Signs"),
  h("ul", { class: "signs" }, ["ok", "watch", "alarm", "stale", "missing"].map((how) => h("li", {}, h("span", { class: `sign ${how}` }, title(how, "states")), h("span", {}, { ok: "reporting, nothing wrong", watch: "an alarm of medium severity or less", alarm: "an alarm of high severity", stale: "silent for longer than usual", missing: "silent for a day, or never heard" }[how])))),
  h("ul", { class: "signs" }, [["k-solid", "measured"], ["k-dots", "forecast"], ["k-stale", "stale"], ["k-dash", "missing"]].map(([kind, word]) => h("li", {}, h("i", { class: kind }), h("span", {}, word)))),
];

addEventListener("keydown", (event) => {
  if (!meant(event)) return;
  if (event.key === "Escape") {
    if (by("types").open) return (by("types").open = false), by("types").firstElementChild.focus();
    if (by("ways").open) return (by("ways").open = false), by("ways").firstElementChild.focus();
    if (place.sel) return go({ sel: "", attr: "" });
    return;
  }
  const windows = ["6h", "24h", "7d", "30d"];
  const act = {
    "?": help,
    "/": () => find.focus(),
    j: () => desk.step(1),
    k: () => desk.step(-1),
    l: () => go({ view: place.view === "list" ? "map" : "list" }),
    m: () => (go({ view: "map" }), map?.focus()),
    "+": () => map?.zoom(1),
    "=": () => map?.zoom(1),
    "-": () => map?.zoom(-1),
    0: () => map?.whole(),
    e: () => location.assign("/entities"),
    t: theme,
    ...Object.fromEntries(windows.map((name, i) => [i + 1, () => place.sel && go({ win: name })])),
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// ---- joined

let map = null;
const find = startFind(city);
const desk = startDesk(city, { fly: (...how) => map?.fly(...how) });
const panel = startPanel(city);
startList(city, { figureOf, filter, retry });

for (const button of document.querySelectorAll("button[data-view]")) button.addEventListener("click", () => go({ view: button.dataset.view }));
by("show").addEventListener("change", (event) => go({ show: event.target.value }));
const theme = startTheme(() => (map?.reink(), panel.reink()));
const help = startHelp(KEYS, signs);
document.addEventListener("pointerdown", (event) => {
  for (const id of ["types", "ways"]) if (by(id).open && !by(id).contains(event.target)) by(id).open = false;
});

let due = 0;
city.listen(({ all, phase }) => {
  if (all || phase) pickers(), bar();
  else due ||= setTimeout(() => ((due = 0), pickers(), bar()), 500);
});
watch((changed) => {
  if (changed.has("view")) view();
  if (changed.has("types") || changed.has("show")) pickers(), bar();
  if (changed.has("sel") && place.sel && narrow() && place.view === "alarms") go({ view: "map" }, { quiet: true });
});
view();
pickers();
bar();
setInterval(bar, 1000);
city.start();
checkHealth();
setInterval(checkHealth, 15_000);
map = await startMap(city, { figureOf, filter, retry });
document.documentElement.classList.add("ready");
