// The player of a film: everything that it shows stands in this page, and it asks nobody for anything.

import { kindOfMark, lastPart, nameOf, Record, toldOf, typeOf, valueOf } from "./record.js";
import { timeLine } from "./line.js";

const told = JSON.parse(document.getElementById("told").textContent);
const by = (id) => document.getElementById(id);
const [from, until] = [Date.parse(told.from), Date.parse(told.until)];
const utc = (at) => new Date(at).toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC");
const short = (at) => new Date(at).toISOString().slice(11, 19);
const record = new Record();
const happened = [...told.day.marks.map((one) => ({ ...one, mark: true })), ...told.day.doings.filter((one) => !["Alert", "Incident", "Command"].includes(one.type))].sort((a, b) => a.at - b.at);
const who = new Map(told.day.doings.map((one) => [`${one.at} ${one.id}`, one.by]));
let [at, rate, playing, last, chosen] = [from, 20, false, 0, ""];

function make(tag, text = "", props = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  Object.assign(made, props);
  return made;
}

// ---- the state

function rewindTo(to) {
  to = Math.min(until, Math.max(from, to));
  if (to < record.at || !record.known) {
    record.set(from, told.picture.entities);
    record.add(told.changes, until);
  }
  record.go(to);
  at = to;
  show();
}

// ---- the map: Mercator, pan and zoom

const canvas = by("map");
const ctx = canvas.getContext("2d");
const mercator = ([lon, lat]) => [lon / 360 + 0.5, 0.5 - Math.log(Math.tan(Math.PI / 4 + (Math.max(-85, Math.min(85, lat)) * Math.PI) / 360)) / (2 * Math.PI)];
let view = { x: 0.5, y: 0.5, zoom: 2 };
const world = () => 256 * 2 ** view.zoom;
const toScreen = ([x, y]) => [(x - view.x) * world() + canvas.clientWidth / 2, (y - view.y) * world() + canvas.clientHeight / 2];

function geometry(entity) {
  for (const name of ["location", ...Object.keys(entity)]) {
    const it = valueOf(entity, name) ?? entity[name];
    const shape = it?.type && it.coordinates ? it : entity[name]?.type && entity[name].coordinates ? entity[name] : null;
    if (shape) return shape;
  }
  return null;
}

function* points(coordinates) {
  if (typeof coordinates?.[0] === "number") yield coordinates;
  else for (const one of coordinates ?? []) yield* points(one);
}

function whole() {
  let found = told.area ? [mercator([told.area[0], told.area[3]]), mercator([told.area[2], told.area[1]])].flat() : null;
  if (!found) {
    for (const entity of record.entities.values()) {
      const shape = geometry(entity);
      if (!shape) continue;
      for (const point of points(shape.coordinates)) {
        const [x, y] = mercator(point);
        found = found ? [Math.min(found[0], x), Math.min(found[1], y), Math.max(found[2], x), Math.max(found[3], y)] : [x, y, x, y];
      }
    }
  }
  if (!found) return;
  const [w, h] = [Math.max(1e-7, found[2] - found[0]), Math.max(1e-7, found[3] - found[1])];
  view = { x: (found[0] + found[2]) / 2, y: (found[1] + found[3]) / 2, zoom: Math.min(18, Math.log2(Math.min((canvas.clientWidth - 60) / w, (canvas.clientHeight - 60) / h) / 256)) };
}

function ink(name) {
  canvas.style.color = `var(--${name})`;
  const found = getComputedStyle(canvas).color;
  canvas.style.color = "";
  return found;
}

let drawn = [];
function draw() {
  const dense = devicePixelRatio || 1;
  const [w, h] = [canvas.clientWidth, canvas.clientHeight];
  if (!w) return;
  if (canvas.width !== Math.round(w * dense) || canvas.height !== Math.round(h * dense)) [canvas.width, canvas.height] = [Math.round(w * dense), Math.round(h * dense)];
  ctx.setTransform(dense, 0, 0, dense, 0, 0);
  ctx.clearRect(0, 0, w, h);
  const colours = Object.fromEntries(["ink", "ink-2", "paper", "accent", "ok", "watch", "alarm", "stale", "water", "line"].map((name) => [name, ink(name)]));
  const alarmed = new Map();
  for (const entity of record.entities.values()) {
    if (typeOf(entity) === "Alert" && valueOf(entity, "status") === "open") alarmed.set(valueOf(entity, "alertSource"), ["critical", "high"].includes(valueOf(entity, "severity")) ? "alarm" : "watch");
  }
  drawn = [];
  for (const entity of record.entities.values()) {
    const shape = geometry(entity);
    if (!shape) continue;
    if (shape.type === "Point") {
      const [x, y] = toScreen(mercator(shape.coordinates));
      if (x > -20 && y > -20 && x < w + 20 && y < h + 20) drawn.push({ entity, x, y, how: alarmed.get(entity.id) ?? (typeOf(entity) === "Incident" ? "incident" : "ok") });
      continue;
    }
    ctx.strokeStyle = /water|river|lake/i.test(typeOf(entity)) ? colours.water : typeOf(entity) === "Incident" ? colours.accent : colours.line;
    ctx.lineWidth = typeOf(entity) === "Incident" ? 2 : 1;
    const rings = { LineString: [shape.coordinates], MultiLineString: shape.coordinates, Polygon: shape.coordinates, MultiPolygon: shape.coordinates.flat?.() }[shape.type] ?? [];
    for (const ring of rings) {
      ctx.beginPath();
      for (const point of ring) ctx.lineTo(...toScreen(mercator(point)));
      ctx.stroke();
    }
  }
  const order = { ok: 0, watch: 1, incident: 2, alarm: 3 };
  drawn.sort((a, b) => order[a.how] - order[b.how]);
  const few = drawn.length < 400;
  const named = [];
  ctx.font = `11px "Segoe UI", "Liberation Sans", Arial, sans-serif`;
  for (const { entity, x, y, how } of drawn) {
    const r = few ? 5 : 3;
    ctx.fillStyle = { alarm: colours.alarm, watch: colours.watch, incident: colours.accent }[how] ?? colours.ok;
    ctx.beginPath();
    if (how === "alarm") for (const [dx, dy] of [[0, -1.5], [1.5, 0], [0, 1.5], [-1.5, 0]]) ctx.lineTo(x + dx * r, y + dy * r);
    else if (how === "watch") for (const [dx, dy] of [[0, -1.3], [1.3, 1], [-1.3, 1]]) ctx.lineTo(x + dx * r, y + dy * r);
    else if (how === "incident") ctx.rect(x - r, y - r, 2 * r, 2 * r);
    else ctx.arc(x, y, r, 0, 7);
    ctx.fill();
    if (entity.id === chosen) {
      ctx.strokeStyle = colours.accent;
      ctx.lineWidth = 2;
      ctx.strokeRect(x - 9, y - 9, 18, 18);
    }
    if ((how !== "ok" || (few && drawn.length < 60)) && !named.some(([a, b]) => Math.abs(a - x) < 120 && Math.abs(b - y) < 12)) {
      named.push([x, y]);
      ctx.fillStyle = colours.ink;
      ctx.fillText(nameOf(entity), x + r + 4, y + 4);
    }
  }
}

const hands = new Map();
const spot = (event) => [event.clientX - canvas.getBoundingClientRect().left, event.clientY - canvas.getBoundingClientRect().top];
const nearest = ([x, y]) => drawn.reduce((best, one) => (Math.hypot(one.x - x, one.y - y) < (best ? Math.hypot(best.x - x, best.y - y) : 14) ? one : best), null);
let moved = 0;
canvas.addEventListener("pointerdown", (event) => {
  hands.set(event.pointerId, spot(event));
  moved = 0;
  canvas.setPointerCapture?.(event.pointerId);
});
canvas.addEventListener("pointermove", (event) => {
  const [x, y] = spot(event);
  const before = hands.get(event.pointerId);
  if (before) {
    moved += Math.hypot(x - before[0], y - before[1]);
    view.x -= (x - before[0]) / world();
    view.y -= (y - before[1]) / world();
    hands.set(event.pointerId, [x, y]);
    draw();
    return;
  }
  const it = nearest([x, y]);
  by("tip").hidden = !it;
  if (it) {
    by("tip").textContent = `${nameOf(it.entity)} · ${typeOf(it.entity)}`;
    by("tip").style.left = `${Math.min(x + 12, canvas.clientWidth - 150)}px`;
    by("tip").style.top = `${y + 14}px`;
  }
});
for (const name of ["pointerup", "pointercancel"]) {
  canvas.addEventListener(name, (event) => {
    hands.delete(event.pointerId);
    if (name === "pointerup" && moved < 6) choose(nearest(spot(event))?.entity.id ?? "");
  });
}
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  const [x, y] = spot(event);
  const [dx, dy] = [(x - canvas.clientWidth / 2) / world(), (y - canvas.clientHeight / 2) / world()];
  const zoom = Math.min(20, Math.max(0, view.zoom - event.deltaY / 400));
  const f = 1 - 2 ** (view.zoom - zoom);
  view = { x: view.x + dx * f, y: view.y + dy * f, zoom };
  draw();
}, { passive: false });

// ---- what is said

function choose(id) {
  chosen = id;
  show();
}

function show() {
  by("when").textContent = utc(at);
  line.show({ from, until, zero: Math.floor(from / 86_400_000) * 86_400_000, width: told.day.width_s * 1000, density: told.day.density, marks: told.day.marks, at });
  draw();
  let current = -1;
  happened.forEach((one, i) => one.at <= at && (current = i));
  const first = Math.max(0, current - 40);
  const key = `${first} ${current} ${chosen}`;
  if (by("done").dataset.key !== key) {
    by("done").dataset.key = key;
    by("done").replaceChildren(...happened.slice(first, current + 40).map((one) => {
      const li = make("li", "", { className: `${one.mark ? kindOfMark(one) : "act"}${one.at > at ? " to-come" : ""}` });
      const button = make("button", `${short(one.at)} ${one.type} ${record.entities.has(one.id) ? nameOf(record.entities.get(one.id)) : lastPart(one.id)}`, { type: "button" });
      const actor = one.by ?? who.get(`${one.at} ${one.id}`);
      button.append(make("span", `${toldOf(one)}${actor ? ` · by ${actor}` : ""}`));
      button.addEventListener("click", () => {
        chosen = one.id;
        pause();
        rewindTo(one.at + 1);
      });
      li.append(button);
      if (one === happened[current]) li.setAttribute("aria-current", "time");
      return li;
    }));
  }
  const latest = new Map();
  for (const it of told.screens) if (it.at <= at) latest.set(`${it.by} ${it.session}`, it);
  const seen = [...latest.values()].filter((it) => it.page);
  by("seen").hidden = !seen.length;
  by("screens").replaceChildren(...seen.map((it) => make("li", `${it.by}: ${it.page} ${it.url}${it.selected ? ` (${lastPart(it.selected)})` : ""}`)));
  const entity = record.entities.get(chosen);
  by("one").hidden = !chosen;
  if (chosen) {
    const rows = Object.entries(entity ?? {}).filter(([name]) => !["id", "type"].includes(name)).map(([name, value]) => {
      const row = make("tr");
      const it = valueOf(entity, name) ?? value;
      row.append(make("th", name), make("td", (typeof it === "object" ? JSON.stringify(it) : String(it)).slice(0, 300)));
      return row;
    });
    const table = make("table");
    table.append(...rows);
    by("one").replaceChildren(make("h2", entity ? `${nameOf(entity)} · ${typeOf(entity)}` : `${lastPart(chosen)} was not there`), table);
  }
  by("sum").textContent = `${record.entities.size} entities · ${told.changes.length} changes in the film`;
  if (document.querySelector("details").open) table();
}

function table() {
  const made = make("table");
  for (const entity of [...record.entities.values()].slice(0, 2000)) {
    const row = make("tr");
    const said = Object.keys(entity).filter((name) => !["id", "type", "location", "name"].includes(name)).map((name) => `${name} ${String(valueOf(entity, name)).slice(0, 40)}`);
    row.append(make("th", nameOf(entity)), make("td", typeOf(entity)), make("td", said.join(", ").slice(0, 300)));
    made.append(row);
  }
  by("table").replaceChildren(made);
}

// ---- playing

function pause() {
  playing = false;
  by("play").setAttribute("aria-pressed", "false");
  by("play").textContent = "Play";
}

function frame(now) {
  if (!playing) return;
  const passed = Math.min(500, now - last);
  if (passed >= 80) {
    last = now;
    rewindTo(at + passed * rate);
    if (at >= until) return pause();
  }
  requestAnimationFrame(frame);
}

function play() {
  if (playing) return pause();
  if (at >= until) rewindTo(from);
  playing = true;
  last = performance.now();
  by("play").setAttribute("aria-pressed", "true");
  by("play").textContent = "Pause";
  requestAnimationFrame(frame);
}

function alarm(way) {
  pause();
  const rings = told.day.marks.filter((one) => kindOfMark(one) === "alarm" || (one.type === "Incident" && one.new));
  const found = way > 0 ? rings.find((one) => one.at + 1 > at) : rings.findLast((one) => one.at + 1 < at);
  if (!found) return;
  chosen = found.id;
  rewindTo(found.at + 1);
}

const line = timeLine(by("line"), { words: utc, hour: (when) => new Date(when).toISOString().slice(11, 16), go: (to) => (pause(), rewindTo(to)) });
by("play").addEventListener("click", play);
by("before").addEventListener("click", () => alarm(-1));
by("after").addEventListener("click", () => alarm(1));
by("all").addEventListener("click", () => (whole(), draw()));
for (const one of [1, 5, 20, 60]) {
  const button = make("button", `×${one}`, { type: "button" });
  button.setAttribute("aria-pressed", String(one === rate));
  button.addEventListener("click", () => {
    rate = one;
    for (const other of by("rates").children) other.setAttribute("aria-pressed", String(other === button));
  });
  by("rates").append(button);
}
document.querySelector("details").addEventListener("toggle", table);
addEventListener("keydown", (event) => {
  if (event.key === " " && event.target.tagName !== "BUTTON" && event.target.tagName !== "SUMMARY") {
    event.preventDefault();
    play();
  } else if (event.key === "[") alarm(-1);
  else if (event.key === "]") alarm(1);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
new ResizeObserver(draw).observe(canvas);
record.set(from, told.picture.entities);
record.add(told.changes, until);
whole();
rewindTo(from);
document.documentElement.dataset.ready = "1";
