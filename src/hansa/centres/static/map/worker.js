// All that is much of a map: it hears the points, keeps them, joins them to marks, finds, selects and writes them out.
// The page only draws what comes from here, so that it is never busy for long.

import { picture, stateOf } from "./draw.js";
import { STATES } from "./shape.js";
import { latOf, lonOf, Table } from "./table.js";

const SEVERE = { critical: 3, high: 3, medium: 2, low: 2, informational: 0 };
const FRAME_MS = 60; // between two pictures while the map moves

let told = null; // what the page said at the beginning: base, types that are no points, patience
let live = new Table();
let coming = null; // a table that is being filled anew
let past = null; // {at, table} as it was then
let layers = [];
let view = null;
let states = 31;
let dark = false;
let stream = null;
let tries = 0;
let clock = { now: Date.now(), heard: performance.now(), rate: 1 };
let phase = "loading";
let fault = null;
let selected = null; // {rows} of the area chosen
const alerts = new Map(); // id -> [source, level]
const about = new Map(); // source -> Map(alert id -> level)
const devices = new Map(); // device -> Set of rows' ids
const scratch = { rows: new Uint32Array(1024), cell: new Int32Array(1024) };

const now_s = () => (clock.now + (performance.now() - clock.heard) * clock.rate) / 1000;
const say = (message, moved = []) => postMessage(message, moved);

// ---- hearing

async function begin() {
  try {
    const answer = await fetch(`${told.base}/ngsi-ld/v1/types`, { headers: { accept: "application/json" } });
    const body = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(body.detail ?? body.title), { mend: body.mend, status: answer.status });
    const types = (Array.isArray(body) ? body.map((one) => one.typeName ?? one.id) : (body.typeList ?? [])).map(String);
    say({ say: "types", types });
  } catch (why) {
    failed(why.message, why.mend);
    setTimeout(begin, 5000);
  }
}

function failed(message, mend = "") {
  phase = live.live ? "waiting" : "failed";
  fault = { message, mend };
  sayState();
}

function asked(extra = {}) {
  const types = [...new Set(layers.map((one) => one.type))];
  const query = new URLSearchParams({ types: types.join(",") });
  const show = layers.filter((one) => one.attrs?.length).flatMap((one) => one.attrs.map((name) => `${one.type}:${name}`));
  if (show.length) query.set("show", show.join(","));
  for (const [name, value] of Object.entries(extra)) query.set(name, value);
  return query;
}

let asking = "";
let again = 0;
function listen(force = false) {
  const query = asked().toString();
  if (!layers.length) {
    stream?.close();
    stream = null;
    asking = "";
    live = new Table();
    phase = "live";
    return changed();
  }
  if (!force && query === asking) return;
  asking = query;
  clearTimeout(again);
  stream?.close();
  coming = new Table();
  phase = live.live ? "waiting" : "loading";
  const mine = new EventSource(`${told.base}/map/live?${query}`);
  stream = mine;
  const heard = (name, fn) =>
    mine.addEventListener(name, (event) => {
      if (mine !== stream) return;
      let data;
      try {
        data = JSON.parse(event.data);
      } catch {
        return; // one garbled event must not stop the rest
      }
      fn(data);
    });
  heard("clock", (data) => {
    const now = Date.parse(data.now);
    if (Number.isFinite(now)) clock = { now, heard: performance.now(), rate: Number.isFinite(data.rate) ? data.rate : 1, simulated: data.simulated === true };
    sayState();
  });
  heard("alarms", (data) => {
    if (coming) for (const id of [...alerts.keys()]) note(id, null);
    for (const [id, one] of Object.entries(data)) note(id, one);
    changed();
  });
  heard("points", (data) => {
    take(coming ?? live, data);
    if (coming && !live.live) changed(); // the first picture need not wait for the last point
    sayState();
  });
  heard("ready", () => {
    tries = 0;
    live = coming ?? live;
    coming = null;
    phase = "live";
    fault = null;
    if (selected) select(selected.polygon);
    changed();
    say({ say: "ready", n: live.live });
  });
  heard("moved", (data) => {
    take(coming ?? live, data);
    const gone = data.gone.length > 0;
    moves += data.id.length;
    changed();
    if (gone && selected) select(selected.polygon);
  });
  heard("reset", () => listen(true));
  heard("fault", (data) => {
    mine.close();
    failed(data.detail ?? data.title, data.mend);
    again = setTimeout(() => listen(true), 30_000);
  });
  mine.onerror = () => {
    if (mine !== stream) return;
    mine.close();
    failed("No live connection, trying again", "");
    again = setTimeout(() => listen(true), Math.min(30_000, 500 * 2 ** tries++) * (0.75 + Math.random() / 2));
  };
}

function take(table, block) {
  table.take(block, (row) => {
    const id = table.id[row];
    const device = table.device[row];
    if (device) {
      if (!devices.has(device)) devices.set(device, new Set());
      devices.get(device).add(id);
    }
    table.alarm[row] = levelOf(id, device);
  });
}

function levelOf(id, device) {
  if (!about.size) return 0;
  let worst = 0;
  for (const source of device ? [id, device] : [id]) for (const level of about.get(source)?.values() ?? []) worst = Math.max(worst, level);
  return worst;
}

function note(id, one) {
  const before = alerts.get(id);
  if (before) {
    about.get(before[0])?.delete(id);
    if (!about.get(before[0])?.size) about.delete(before[0]);
    alerts.delete(id);
  }
  if (one) {
    const [source, severity, sub] = one;
    const level = sub === "silence" ? 1 : (SEVERE[severity] ?? 2);
    alerts.set(id, [source, level]);
    if (!about.has(source)) about.set(source, new Map());
    about.get(source).set(id, level);
  }
  for (const source of new Set([before?.[0], one?.[0]])) {
    if (!source) continue;
    for (const table of [live, coming, past?.table]) {
      if (!table) continue;
      for (const each of [source, ...(devices.get(source) ?? [])]) {
        const row = table.row(each);
        if (row !== undefined) table.alarm[row] = levelOf(each, table.device[row]);
      }
    }
  }
}

// ---- what was: a table of another time

let travelling = null;
async function travel(at) {
  travelling?.abort();
  if (at === null) {
    past = null;
    return changed();
  }
  travelling = new AbortController();
  const { signal } = travelling;
  try {
    const answer = await fetch(`${told.base}/map/points?${asked({ at: new Date(at).toISOString() })}`, { signal });
    const text = await answer.text();
    if (!answer.ok) {
      const problem = JSON.parse(text);
      throw new Error(problem.detail ?? problem.title);
    }
    const table = new Table();
    for (const line of text.split("\n")) if (line) take(table, JSON.parse(line));
    past = { at, table };
    fault = null;
  } catch (why) {
    if (signal.aborted) return;
    fault = { message: `What was then cannot be shown: ${why.message}`, mend: "Choose another time." };
  }
  changed();
  say({ say: "then", at, n: past?.table.live ?? 0 });
}

// ---- drawing

let due = 0;
let drawn = 0;
let moves = 0;
function changed() {
  if (due) return;
  due = setTimeout(draw, Math.max(0, drawn + FRAME_MS - performance.now()));
}

const tableOf = (layer) => (layer.then && past ? past.table : live.live || !coming ? live : coming);

function draw() {
  due = 0;
  drawn = performance.now();
  if (!view || !told) return;
  const how = { now_s: past && layers.some((one) => one.then) ? past.at / 1000 : now_s(), patience: told.patience, dark, states, scratch };
  const wanted = layers.filter((one) => one.on).map((one) => ({ ...one, table: tableOf(one), ...range(one) }));
  const made = picture(view, wanted, how);
  say({ say: "picture", ...made, moves, took: performance.now() - drawn, layers: wanted.map((one) => one.type) }, [made.buffer, made.rows.buffer, ...made.heats.map((one) => one.image)]);
  moves = 0;
  sayState();
}

const ranges = new Map(); // type -> {low, high, at}
/** Low and high of what a layer shows, without the outermost hundredths; kept for a while, or the colours would swim. */
function range(layer) {
  if (!layer.by) return {};
  const table = tableOf(layer);
  const key = `${layer.type}\n${layer.by}`;
  const kept = ranges.get(key);
  if (kept && (performance.now() - kept.when < 20_000 || table.live === kept.live)) return kept;
  const kind = table.types.indexOf(layer.type);
  const some = [];
  const step = Math.max(1, Math.floor(table.n / 20_000));
  for (let row = 0; row < table.n; row += step) if (table.used[row] && table.kind[row] === kind && table.value[row] === table.value[row]) some.push(table.value[row]);
  some.sort((a, b) => a - b);
  const found = some.length ? { unit: unitOf(table, kind), low: some[Math.floor(some.length * 0.01)], high: some[Math.min(some.length - 1, Math.floor(some.length * 0.99))], when: performance.now(), live: table.live } : { unit: "", low: 0, high: 1, when: 0, live: 0 };
  ranges.set(key, found);
  return found;
}

/** The unit of the first of a kind that has one. */
function unitOf(table, kind) {
  for (let row = 0; row < table.n; row++) if (table.used[row] && table.kind[row] === kind && table.unit[row]) return table.units[table.unit[row]];
  return "";
}

let lastState = 0;
let stateDue = 0;
function sayState() {
  if (stateDue) return;
  stateDue = setTimeout(() => {
    stateDue = 0;
    lastState = performance.now();
    const table = live.live || !coming ? live : coming;
    const counts = {};
    const tally = [0, 0, 0, 0, 0];
    let newest = 0;
    const now = now_s();
    for (let row = 0; row < table.n; row++) {
      if (!table.used[row]) continue;
      const type = table.types[table.kind[row]];
      counts[type] = (counts[type] ?? 0) + 1;
      tally[stateOf(table, row, now, told.patience)] += 1;
      if (table.at[row] > newest) newest = table.at[row];
    }
    const legend = layers.filter((one) => one.by).map((one) => ({ type: one.type, ...range(one) }));
    say({ say: "state", phase, fault, n: table.live, counts, tally, newest: newest * 1000, clock: { now: now * 1000, rate: clock.rate, simulated: !!clock.simulated }, legend, alerts: alerts.size, selected: selected ? selected.rows.length : null });
  }, Math.max(0, lastState + 500 - performance.now()));
}

// ---- one, some

function about_(table, row) {
  return {
    row,
    id: table.id[row],
    name: table.called(row),
    type: table.types[table.kind[row]],
    state: STATES[stateOf(table, row, now_s(), told.patience)],
    value: Number.isFinite(table.value[row]) ? table.value[row] : null,
    of: table.of[row] === 255 ? null : table.attrs[table.of[row]],
    unit: table.units[table.unit[row]],
    at: table.at[row] ? table.at[row] * 1000 : null,
    point: [lonOf(table.x[row]), latOf(table.y[row])],
    alerts: [...(about.get(table.id[row])?.keys() ?? []), ...(about.get(table.device[row])?.keys() ?? [])],
  };
}

const shownKinds = () => new Set(layers.filter((one) => one.on).map((one) => one.type));

/** Whether a point lies in a ring of [x, y] (Mercator), by counting what a ray crosses. */
function inside(ring, x, y) {
  let is = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [ax, ay] = ring[i];
    const [bx, by] = ring[j];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) is = !is;
  }
  return is;
}

function select(polygon) {
  if (!polygon) {
    selected = null;
    return sayState();
  }
  const kinds = shownKinds();
  const table = live;
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of polygon) [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x), Math.max(y1, y)];
  const rows = [];
  const now = now_s();
  for (let row = 0; row < table.n; row++) {
    if (!table.used[row] || !kinds.has(table.types[table.kind[row]])) continue;
    const [x, y] = [table.x[row], table.y[row]];
    if (x < x0 || x > x1 || y < y0 || y > y1 || !inside(polygon, x, y)) continue;
    if (states !== 31 && !(states & (1 << stateOf(table, row, now, told.patience)))) continue;
    rows.push(row);
  }
  selected = { polygon, rows };
  order(sort);
  const counts = {};
  const tally = [0, 0, 0, 0, 0];
  const ringing = new Set();
  for (const row of rows) {
    counts[table.types[table.kind[row]]] = (counts[table.types[table.kind[row]]] ?? 0) + 1;
    tally[stateOf(table, row, now, told.patience)] += 1;
    for (const source of [table.id[row], table.device[row]]) for (const id of about.get(source)?.keys() ?? []) ringing.add(id);
  }
  say({ say: "selected", n: rows.length, counts, tally, alerts: [...ringing].slice(0, 10_000) });
  sayState();
}

let sort = "state";
function order(by) {
  sort = by;
  if (!selected) return;
  const [name, down] = by.startsWith("-") ? [by.slice(1), -1] : [by, 1];
  const now = now_s();
  const table = live;
  const words = (row) => table.called(row);
  const keys = {
    state: (row) => stateOf(table, row, now, told.patience),
    value: (row) => (Number.isFinite(table.value[row]) ? table.value[row] : Infinity),
    age: (row) => -table.at[row],
    type: (row) => table.types[table.kind[row]],
    name: words,
  };
  const key = keys[name] ?? keys.state;
  const pairs = selected.rows.map((row) => [key(row), row]);
  pairs.sort((a, b) => (a[0] < b[0] ? -down : a[0] > b[0] ? down : a[1] - b[1]));
  selected.rows = pairs.map((one) => one[1]);
}

const list = () => selected?.rows ?? [];

function written(kind) {
  const table = live;
  const rows = list();
  if (kind === "geojson") {
    const parts = ['{"type":"FeatureCollection","features":['];
    rows.forEach((row, i) => {
      const one = about_(table, row);
      parts.push(`${i ? "," : ""}\n`, JSON.stringify({ type: "Feature", id: one.id, geometry: { type: "Point", coordinates: one.point.map((n) => Number(n.toFixed(7))) }, properties: { name: one.name, type: one.type, state: one.state, ...(one.of ? { [one.of]: one.value, unitCode: one.unit || null } : {}), observedAt: one.at ? new Date(one.at).toISOString() : null } }));
    });
    parts.push("\n]}\n");
    return new Blob(parts, { type: "application/geo+json" });
  }
  const cell = (value) => {
    if (typeof value === "number") return String(value);
    const text = String(value ?? "");
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text; // a cell that a spreadsheet would run is made text
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const lines = ["id,name,type,state,attribute,value,unitCode,observedAt,longitude,latitude\r\n"];
  for (const row of rows) {
    const one = about_(table, row);
    lines.push(`${[one.id, one.name, one.type, one.state, one.of, one.value, one.unit, one.at ? new Date(one.at).toISOString() : "", Number(one.point[0].toFixed(7)), Number(one.point[1].toFixed(7))].map(cell).join(",")}\r\n`);
  }
  return new Blob(lines, { type: "text/csv" });
}

function find(words) {
  const table = live;
  const wanted = words.toLowerCase();
  const found = [];
  for (let row = 0; row < table.n && found.length < 12; row++) if (table.used[row] && (table.name[row].toLowerCase().includes(wanted) || table.id[row].toLowerCase().includes(wanted))) found.push(about_(table, row));
  return found;
}

/** What is in view, worst first, for a list beside the map and for whoever cannot see it. */
function visible(most) {
  const kinds = shownKinds();
  const table = tableOf(layers.find((one) => one.on) ?? {});
  const found = [];
  const now = now_s();
  if (view) {
    for (let row = 0; row < table.n; row++) {
      if (!table.used[row] || !kinds.has(table.types[table.kind[row]])) continue;
      const { x, y } = { x: table.x[row], y: table.y[row] };
      if (x < view.seen.x0 || x > view.seen.x1 || y < view.seen.y0 || y > view.seen.y1) continue;
      const state = stateOf(table, row, now, told.patience);
      if (states & (1 << state)) found.push([state, row]);
    }
  }
  const n = found.length;
  found.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return { n, rows: found.slice(0, most).map(([, row]) => about_(table, row)) };
}

function bounds() {
  const table = live.live || !coming ? live : coming;
  if (!table.live) return null;
  // Without the outermost thousandths: one point at 0, 0 must not make a city of the whole Earth.
  const pick = (column) => {
    const some = [];
    const step = Math.max(1, Math.floor(table.n / 10_000));
    for (let row = 0; row < table.n; row += step) if (table.used[row]) some.push(column[row]);
    some.sort((a, b) => a - b);
    const cut = Math.floor(some.length / 200);
    return [some[cut], some[some.length - 1 - cut]];
  };
  const [[x0, x1], [y0, y1]] = [pick(table.x), pick(table.y)];
  return [lonOf(x0), latOf(y1), lonOf(x1), latOf(y0)];
}

const answers = {
  one: ({ row, id, layer }) => {
    const table = layer === undefined ? live : tableOf(layers[layer] ?? {});
    const at = id === undefined ? row : (live.row(id) ?? -1);
    return at >= 0 && table.used[at] ? about_(table, at) : null;
  },
  rows: ({ from, n }) => ({ n: list().length, from, rows: list().slice(from, from + n).map((row) => about_(live, row)) }),
  find: ({ words }) => find(words),
  visible: ({ most }) => visible(most),
  bounds: () => bounds(),
  written: ({ kind }) => written(kind),
  ids: () => list().map((row) => live.id[row]),
};

const orders = {
  begin: (message) => {
    told = message;
    dark = message.dark;
    begin();
  },
  layers: (message) => {
    layers = message.layers;
    listen();
    if (past) travel(past.at);
    changed();
  },
  view: (message) => {
    view = message.view;
    changed();
  },
  states: (message) => {
    states = message.states;
    if (selected) select(selected.polygon);
    changed();
  },
  dark: (message) => {
    dark = message.dark;
    changed();
  },
  travel: (message) => travel(message.at),
  select: (message) => select(message.polygon),
  sort: (message) => order(message.by),
  retry: () => (told && layers.length ? listen(true) : begin()),
};

addEventListener("message", ({ data }) => {
  if (data.ask) say({ say: "answer", number: data.number, answer: answers[data.ask](data) });
  else orders[data.to]?.(data);
});

setInterval(() => told && changed(), 10_000); // states and ages change by themselves
