// The operators' map: joins the feed, the ground, the layers, the list beside it, areas, tracks and the time bar.

import { h, put } from "../dom.js";
import { room } from "../doors.js";
import { clockLine, meant, startHelp, startTheme } from "../frame.js";
import { kindOfShape } from "../ground.js";
import { age, look, title, unitOf, withUnit } from "../words.js";
import { startArea } from "./area.js";
import { startBase } from "./base.js";
import { startFeed } from "./feed.js";
import { startFences } from "./fences.js";
import { startGround } from "./ground.js";
import { startLayers } from "./layers.js";
import { overlay } from "./over.js";
import { startSide } from "./side.js";
import { east, south } from "./table.js";
import { startTime } from "./time.js";
import { startTrack } from "./track.js";
import { go, viewSaid, viewText, watch, where } from "./where.js";

const by = (id) => document.getElementById(id);
const MARGIN = 0.35; // of the view on each side is drawn too, so that moving shows no empty edge
const WORLD = { centre: [10, 30], zoom: 1.6 };

const dark = () => getComputedStyle(document.documentElement).colorScheme === "dark" || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);

const feed = startFeed();
const layers = startLayers(feed);
feed.to("begin", { base: room(""), patience: { stale: look.stale_s, missing: look.missing_s }, dark: dark() });

// ---- the ground

const field = by("field");
const bed = by("ground");
let placed = false;
let fitted = false;
let told = { phase: "loading", n: 0, counts: {}, tally: [0, 0, 0, 0, 0], clock: null };

/** Where shapes are read: each kind with its types; none while no type of a kind is known. */
function shapesAddress(types) {
  const found = types.map((type) => [kindOfShape(type), type]).filter(([kind, type]) => kind !== "other" || /Shape$/.test(type));
  return found.length ? room(`/map/shapes?kinds=${encodeURIComponent(found.map(([kind, type]) => `${kind}:${type}`).join(","))}`) : null;
}

const first = viewSaid() ?? (look.location ? { centre: look.location, zoom: 11 } : WORLD);
const ground = await startGround(bed, first, null);
field.dataset.ground = ground.name;
const over = overlay(by("over"), ground);
let types = [];
feed.on("types", (message) => shapes(message.types));
function shapes(found) {
  types = found;
  const address = shapesAddress(types);
  if (address) ground.shapes(address);
}

function view() {
  const [w, s, e, n] = ground.bounds();
  const seen = { x0: east(w), x1: east(e), y0: south(n), y1: south(s) };
  const [dx, dy] = [(seen.x1 - seen.x0) * MARGIN, (seen.y1 - seen.y0) * MARGIN];
  const { zoom } = ground.view();
  return { x0: Math.max(0, seen.x0 - dx), x1: Math.min(1, seen.x1 + dx), y0: Math.max(0, seen.y0 - dy), y1: Math.min(1, seen.y1 + dy), zoom, world: 512 * 2 ** zoom, seen };
}

let asked = 0;
function askSoon() {
  if (asked) return;
  asked = setTimeout(() => {
    asked = 0;
    feed.to("view", { view: view() });
  }, 80);
}

let firstPicture = false;
feed.on("picture", (made) => {
  ground.show(made);
  over.show(made);
  // For whoever measures: how many pictures there were, and of how many marks the last is.
  window.hansaMap = { pictures: (window.hansaMap?.pictures ?? 0) + 1, marks: made.count, moves: (window.hansaMap?.moves ?? 0) + made.moves, took: made.took, n: told.n, phase: told.phase };
  if (!firstPicture && made.count + made.heats.length > 0) {
    firstPicture = true;
    requestAnimationFrame(() => performance.mark("hansa-first-picture"));
  }
});
ground.onMove(() => over.paint());
ground.onChange(() => askSoon());
ground.onSettle(() => {
  askSoon();
  side.visible();
  if (placed) go({ at: viewText(ground.view()) }, { quiet: true });
});
bed.addEventListener("pointerdown", () => (placed = true));
bed.addEventListener("wheel", () => (placed = true), { passive: true });

/** Room that is kept free around what is shown. */
const free = () => ({ left: 40, right: 60, top: 40, bottom: innerWidth > 860 ? 70 : 60 });

async function whole({ animate = true } = {}) {
  const bounds = await feed.ask("bounds");
  if (bounds) ground.fit(bounds, free(), { animate });
}

async function fit() {
  if (fitted) return;
  fitted = true;
  if (viewSaid()) placed = true;
  else await whole({ animate: false });
  if (where.sel) side.open(where.sel, { fly: !viewSaid() });
}
feed.on("ready", () => {
  fit();
  side.visible();
});

// ---- what points at things

const pixel = (event) => {
  const frame = bed.getBoundingClientRect();
  return [event.clientX - frame.left, event.clientY - frame.top];
};
const tip = by("tip");
let hovered = 0;
async function hover(event) {
  const turn = ++hovered;
  const found = event && !area.busy() ? over.near(...pixel(event), 12) : null;
  bed.classList.toggle("over", !!found);
  if (!found || found.row < 0) {
    over.point("hover", null);
    tip.hidden = true;
    return;
  }
  const [x, y] = pixel(event);
  const one = await feed.ask("one", { row: found.row });
  if (turn !== hovered || !one) return;
  over.point("hover", found.point);
  tip.replaceChildren(h("b", {}, one.name), h("span", { class: "kind" }, title(one.type, "types")), h("span", { class: `sign ${one.state}` }, title(one.state, "states")), one.value === null ? h("span", {}, "") : h("span", { class: "now" }, `${title(one.of, "attributes")} `, h("b", {}, withUnit(one.value, unitOf(one.unit)))));
  tip.hidden = false;
  tip.style.left = `${Math.max(8, Math.min(field.clientWidth - tip.offsetWidth - 8, x + 16))}px`;
  tip.style.top = `${y + 18 + tip.offsetHeight > field.clientHeight ? y - tip.offsetHeight - 12 : y + 18}px`;
}
bed.addEventListener("pointermove", (event) => (event.pointerType === "touch" || event.buttons ? hover(null) : hover(event)));
bed.addEventListener("pointerleave", () => hover(null));
let down = null;
bed.addEventListener("pointerdown", (event) => (down = pixel(event)), true);
bed.addEventListener("click", async (event) => {
  const at = pixel(event);
  if (area.busy() || (down && Math.hypot(at[0] - down[0], at[1] - down[1]) > 6)) return;
  const found = over.near(...at, event.pointerType === "touch" ? 22 : 14);
  if (!found) return;
  if (found.row < 0) {
    placed = true;
    return ground.go({ centre: found.point, zoom: Math.min(18, ground.view().zoom + 1.5) });
  }
  const one = await feed.ask("one", { row: found.row });
  if (one) side.open(one.id);
});

// ---- the bar

const STATE_WORDS = ["alarm", "watch", "stale", "missing"];
function bar() {
  const { phase, fault, n, tally, newest, clock } = told;
  if (clock) {
    const now = clock.now + (performance.now() - clock.heard) * clock.rate;
    by("clock").replaceChildren(...clockLine(now, clock.simulated, clock.rate));
  }
  const parts = [];
  if (phase === "loading") parts.push(n ? `Reading… ${n.toLocaleString("en")}` : "Reading the city…");
  else {
    if (fault) parts.push(fault.message);
    if (n || !fault) parts.push(`${n.toLocaleString("en")} ${n === 1 ? "point" : "points"}`);
    if (newest && clock) parts.push(`newest ${age(newest, clock.now + (performance.now() - clock.heard) * clock.rate)} ago`);
    STATE_WORDS.forEach((word, i) => tally[i] && i < 2 && parts.push(`${tally[i].toLocaleString("en")} ${title(word, "states").toLowerCase()}`));
  }
  by("fresh").className = `fresh ${phase}`;
  put(by("fresh").querySelector(".fresh-text"), parts.join(", "));
  const said = by("map-said");
  said.hidden = !(phase === "failed" || (phase === "live" && n === 0));
  if (said.hidden) return;
  const words = phase === "failed" ? ["The city cannot be shown", fault?.message ?? "", fault?.mend ?? ""] : layers.shown().length ? ["Nothing has a place here yet", "No entity of the layers chosen has a point on the map.", "Choose other layers, enrol a device with “hansa device add”, or start the demo valley with “hansa up --demo”."] : ["No layer is shown", "All layers are hidden.", "Choose one in the panel of layers."];
  const key = words.join();
  if (said.dataset.now === key) return;
  said.dataset.now = key;
  said.replaceChildren(h("div", { class: phase === "failed" ? "notice bad" : "notice" }, h("h2", {}, words[0]), words.slice(1).filter(Boolean).map((line) => h("p", {}, line)), phase === "failed" ? h("button", { type: "button", on: { click: () => feed.to("retry") } }, "Try again now") : null));
}
feed.on("state", (message) => {
  told = { ...message, clock: message.clock ? { ...message.clock, heard: performance.now() } : told.clock };
  bar();
});
setInterval(bar, 1000);

const now = () => (told.clock ? told.clock.now + (performance.now() - told.clock.heard) * told.clock.rate : Date.now());

// ---- the parts

const area = startArea({ feed, ground, over, field, bed });
const fences = startFences({ ground, over, area, now, types: () => layers.placed() });
const side = startSide({ feed, ground, over, area, fences, now, free, place: () => (placed = true) });
const track = startTrack({ ground, now });
side.track = track;
const time = startTime({ feed, now });
const base = startBase({ ground, fences });

const states = by("states");
for (const one of states.querySelectorAll("input")) {
  one.addEventListener("change", () => {
    const mask = [...states.querySelectorAll("input")].reduce((sum, it, i) => sum | (it.checked ? 1 << i : 0), 0);
    go({ s: mask === 31 ? "" : String(mask) });
    feed.to("states", { states: mask });
  });
}
function readStates() {
  const mask = where.s === "" ? 31 : Number(where.s) & 31;
  [...states.querySelectorAll("input")].forEach((it, i) => (it.checked = !!(mask & (1 << i))));
  feed.to("states", { states: mask });
}
readStates();

const reink = () => {
  ground.reink();
  over.reink();
  feed.to("dark", { dark: dark() });
  layers.draw();
};
const theme = startTheme(reink);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", reink);

const zoom = (step) => {
  placed = true;
  const { centre, zoom: z } = ground.view();
  ground.go({ centre, zoom: z + step });
};
by("zoom-in").addEventListener("click", () => zoom(1));
by("zoom-out").addEventListener("click", () => zoom(-1));
by("zoom-all").addEventListener("click", () => whole());
const tilt = () => {
  const { centre, zoom: z, pitch } = ground.view();
  ground.go({ centre, zoom: z, bearing: 0, pitch: pitch > 5 ? 0 : 55 });
};
by("tilt").addEventListener("click", tilt);
by("tilt").hidden = ground.name !== "gl";
ground.onSettle(() => by("tilt").setAttribute("aria-pressed", String(ground.view().pitch > 5)));

for (const button of document.querySelectorAll("button[data-pane]")) {
  button.addEventListener("click", () => {
    const to = button.dataset.pane;
    document.body.dataset.pane = to;
    for (const one of document.querySelectorAll("button[data-pane]")) one.setAttribute("aria-pressed", String(one.dataset.pane === to));
    if (to === "map") ground.resize();
  });
}

const KEYS = [
  ["?", "this sheet"],
  ["/", "search"],
  ["← ↑ → ↓", "move the map"],
  ["+  −  0", "closer, farther, the whole city"],
  ["p", "tilt, and houses in their height"],
  ["b  a", "choose an area: a box, by hand"],
  ["n", "what is in view, as a list"],
  ["g", "watched areas"],
  ["[  ]", "back and on in time"],
  ["t", "light, dark, as the system"],
  ["Esc", "let go, close"],
];
const help = startHelp(KEYS, () => [
  h("h2", {}, "Signs"),
  h("ul", { class: "signs" }, ["ok", "watch", "alarm", "stale", "missing"].map((how) => h("li", {}, h("span", { class: `sign ${how}` }, title(how, "states"))))),
  h("p", { class: "quiet" }, "A number is so many points together; an edge and ◆ or ▲ beside it says that one of them is in alarm or to be watched. Shapes and colours of layers stand in their panel."),
]);

addEventListener("keydown", (event) => {
  if (!meant(event)) return;
  const step = (x, y) => {
    placed = true;
    const middle = [bed.clientWidth / 2 + x * 140, bed.clientHeight / 2 + y * 140];
    ground.go({ centre: ground.unproject(middle), zoom: ground.view().zoom });
  };
  const onMap = event.target === document.body || field.contains(event.target);
  const act = {
    "?": help,
    "/": () => side.search(),
    "+": () => zoom(1),
    "=": () => zoom(1),
    "-": () => zoom(-1),
    0: () => whole(),
    p: tilt,
    b: () => area.begin("box"),
    a: () => area.begin("lasso"),
    n: () => side.show("list"),
    g: () => side.show("fences"),
    "[": () => time.step(-1),
    "]": () => time.step(1),
    t: theme,
    Escape: () => area.cancel() || side.close(),
    ...(onMap && !/^(radio|range)$/.test(event.target.type ?? "") ? { ArrowLeft: () => step(-1, 0), ArrowRight: () => step(1, 0), ArrowUp: () => step(0, -1), ArrowDown: () => step(0, 1) } : {}),
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

new ResizeObserver(() => {
  ground.resize();
  askSoon();
  ground.redraw();
}).observe(field);
watch((changed, { back }) => {
  if (!back) return;
  if (changed.has("at") && viewSaid()) ground.go(viewSaid());
  if (changed.has("s")) readStates();
  if (changed.has("sel")) where.sel ? side.open(where.sel) : side.close();
});
put(by("credit"), ["Drawn from the city's own entities", look.tiles && ground.name === "gl" ? look.tilesCredit : ""].filter(Boolean).join(" · "));
feed.to("view", { view: view() });
base.start();
bar();
document.documentElement.classList.add("ready");
