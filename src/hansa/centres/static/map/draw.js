// From the points of a table to the marks of one picture: what is in view, joined to clusters or as heat. No DOM.

import { COLOURS, MARK, ramp, rgb, SHAPE } from "./shape.js";

const CELL = 72; // pixels of a cell within which points are one cluster
const ALONE = 3; // fewer than so many stand for themselves
const HEAT = 6; // pixels of a cell of heat

/** How a row is: its place in STATES. */
export function stateOf(table, row, now_s, patience) {
  const alarm = table.alarm[row];
  if (alarm === 3) return 0;
  if (alarm === 2) return 1;
  const at = table.at[row];
  if (at === 0) return alarm === 1 ? 2 : 4; // a thing that never says when is not late
  const age = now_s - at;
  if (age > patience.missing) return 3;
  return alarm === 1 || age > patience.stale ? 2 : 4;
}

/**
 * One picture. `view`: {x0, y0, x1, y1} in Mercator, `zoom`, `world` pixels of the whole; `layers` from below:
 * {table, kind, mode, opacity, colour, shape, by, low, high}. Gives {buffer, rows, count, anchor, labels, heat, shown}.
 */
export function picture(view, layers, { now_s, patience, dark, states, scratch }) {
  const marks = new Marks(view);
  const labels = [];
  const heats = [];
  const shown = [];
  for (const layer of layers) {
    const { table } = layer;
    const kind = table.types.indexOf(layer.type);
    if (kind < 0) {
      shown.push(0);
      continue;
    }
    const found = inView(view, table, kind, states, { now_s, patience }, scratch);
    shown.push(found);
    if (layer.mode === "heat") heats.push(heat(view, table, scratch.rows, found, layer));
    else if (layer.mode === "marks") singles(marks, table, scratch.rows, found, layer, { now_s, patience, dark });
    else clusters(marks, labels, view, table, scratch, found, layer, { now_s, patience, dark });
  }
  return { ...marks.done(), labels, heats, shown };
}

/** The rows of a kind within a view, into scratch.rows; how many. */
function inView(view, table, kind, states, { now_s, patience }, scratch) {
  if (scratch.rows.length < table.n) scratch.rows = new Uint32Array(2 ** Math.ceil(Math.log2(table.n + 1)));
  if (scratch.cell.length < table.n) scratch.cell = new Int32Array(scratch.rows.length);
  const { x0, y0, x1, y1 } = view;
  const { x, y, used, n } = table;
  const rows = scratch.rows;
  let found = 0;
  for (let row = 0; row < n; row++) {
    if (table.kind[row] !== kind || !used[row]) continue;
    const px = x[row];
    const py = y[row];
    if (px < x0 || px > x1 || py < y0 || py > y1) continue;
    if (states !== 31 && !(states & (1 << stateOf(table, row, now_s, patience)))) continue;
    rows[found++] = row;
  }
  return found;
}

class Marks {
  constructor(view) {
    this.anchor = [(view.x0 + view.x1) / 2, (view.y0 + view.y1) / 2];
    this.count = 0;
    this.#room(2048);
  }

  #room(many) {
    const old = this.bytes;
    this.buffer = new ArrayBuffer(many * MARK);
    this.bytes = new Uint8Array(this.buffer);
    this.floats = new Float32Array(this.buffer);
    if (old) this.bytes.set(old);
    const before = this.rows;
    this.rows = new Int32Array(many);
    if (before) this.rows.set(before);
    this.room = many;
  }

  add(x, y, colour, alpha, size, shape, ring, row) {
    if (this.count === this.room) this.#room(this.room * 2);
    const i = this.count++;
    this.floats[i * 4] = x - this.anchor[0];
    this.floats[i * 4 + 1] = y - this.anchor[1];
    const b = i * MARK + 8;
    this.bytes[b] = colour[0];
    this.bytes[b + 1] = colour[1];
    this.bytes[b + 2] = colour[2];
    this.bytes[b + 3] = alpha;
    this.bytes[b + 4] = Math.min(255, size * 2);
    this.bytes[b + 5] = shape;
    this.bytes[b + 6] = ring;
    this.rows[i] = row;
  }

  done() {
    return { buffer: this.buffer.slice(0, this.count * MARK), rows: this.rows.slice(0, this.count), count: this.count, anchor: this.anchor };
  }
}

const OF_STATE = [SHAPE.alarm, SHAPE.watch, SHAPE.hollow, SHAPE.dashed, -1];
const SIZE_OF = [18, 16, 11, 11, 12];
const INK_OF = { light: [[195, 48, 10], [201, 133, 0], [109, 123, 133], [109, 123, 133]], dark: [[255, 117, 71], [245, 189, 61], [140, 154, 164], [140, 154, 164]] };

function colourOf(layer, value, dark) {
  if (layer.by && Number.isFinite(value)) return ramp(layer.high > layer.low ? (value - layer.low) / (layer.high - layer.low) : 0.5);
  return layer.rgb ?? (layer.rgb = rgb(COLOURS[layer.colour % COLOURS.length][dark ? 1 : 0]));
}

function single(marks, table, row, layer, { now_s, patience, dark }) {
  const how = stateOf(table, row, now_s, patience);
  const ink = how < 4 && !(layer.by && how > 1) ? INK_OF[dark ? "dark" : "light"][how] : colourOf(layer, table.value[row], dark);
  marks.add(table.x[row], table.y[row], ink, layer.opacity, SIZE_OF[how], OF_STATE[how] < 0 ? layer.shape : OF_STATE[how], 0, row);
}

function singles(marks, table, rows, found, layer, how) {
  // The worst come last, so that they lie on top.
  const graves = [];
  for (let i = 0; i < found; i++) {
    const row = rows[i];
    if (table.alarm[row] > 1) graves.push(row);
    else single(marks, table, row, layer, how);
  }
  for (const row of graves) single(marks, table, row, layer, how);
}

function clusters(marks, labels, view, table, scratch, found, layer, how) {
  // Cells lie still on the world and change with half a zoom: a cluster does not jump when the map is moved.
  const size = CELL / (512 * 2 ** (Math.round(view.zoom * 2) / 2));
  const left = Math.floor(view.x0 / size);
  const top = Math.floor(view.y0 / size);
  const wide = Math.floor(view.x1 / size) - left + 1;
  const high = Math.floor(view.y1 / size) - top + 1;
  const many = wide * high;
  if (!(many < 1_000_000)) return singles(marks, table, scratch.rows, found, layer, how);
  const count = new Uint32Array(many);
  const sums = new Float64Array(many * 3);
  const valued = new Uint32Array(many);
  const worst = new Uint8Array(many);
  const { rows, cell } = scratch;
  for (let i = 0; i < found; i++) {
    const row = rows[i];
    const at = (Math.floor(table.y[row] / size) - top) * wide + Math.floor(table.x[row] / size) - left;
    cell[i] = at;
    count[at] += 1;
    sums[at * 3] += table.x[row];
    sums[at * 3 + 1] += table.y[row];
    const value = table.value[row];
    if (value === value) {
      sums[at * 3 + 2] += value;
      valued[at] += 1;
    }
    if (table.alarm[row] > worst[at]) worst[at] = table.alarm[row];
  }
  for (let i = 0; i < found; i++) {
    if (count[cell[i]] < ALONE) single(marks, table, rows[i], layer, how);
  }
  for (let at = 0; at < many; at++) {
    const n = count[at];
    if (n < ALONE) continue;
    const [x, y] = [sums[at * 3] / n, sums[at * 3 + 1] / n];
    const wide_px = Math.min(50, 20 + 3.2 * Math.log2(n));
    const colour = colourOf(layer, valued[at] ? sums[at * 3 + 2] / valued[at] : NaN, how.dark);
    marks.add(x, y, colour, layer.opacity, wide_px, SHAPE.cluster, worst[at] > 1 ? worst[at] - 1 : 0, -1);
    const bright = colour[0] * 0.299 + colour[1] * 0.587 + colour[2] * 0.114 > 140;
    labels.push([x, y, n, worst[at], bright ? 1 : 0]);
  }
}

/** Where many are: densities of cells in view, smoothed, as a picture with its own transparency. */
function heat(view, table, rows, found, layer) {
  const px = view.world;
  const wide = Math.max(8, Math.min(480, Math.round(((view.x1 - view.x0) * px) / HEAT)));
  const high = Math.max(8, Math.min(480, Math.round(((view.y1 - view.y0) * px) / HEAT)));
  const [sx, sy] = [wide / (view.x1 - view.x0), high / (view.y1 - view.y0)];
  let from = new Float32Array(wide * high);
  for (let i = 0; i < found; i++) {
    const row = rows[i];
    const cx = Math.min(wide - 1, ((table.x[row] - view.x0) * sx) | 0);
    const cy = Math.min(high - 1, ((table.y[row] - view.y0) * sy) | 0);
    const value = layer.by ? Math.max(0, (table.value[row] - layer.low) / (layer.high - layer.low || 1)) : 1;
    if (value === value) from[cy * wide + cx] += value;
  }
  let to = new Float32Array(wide * high);
  for (let pass = 0; pass < 2; pass++) {
    blur(from, to, wide, high, 1, wide, 3);
    blur(to, from, high, wide, wide, 1, 3);
  }
  let most = 0;
  for (const one of from) if (one > most) most = one;
  const image = new Uint8ClampedArray(wide * high * 4);
  for (let i = 0; i < from.length; i++) {
    const part = most > 0 ? Math.sqrt(from[i] / most) : 0;
    if (part < 0.04) continue;
    const [r, g, b] = ramp(part);
    image.set([r, g, b, layer.opacity * Math.min(1, part * 1.6 + 0.1)], i * 4);
  }
  return { image: image.buffer, wide, high, x0: view.x0, y0: view.y0, x1: view.x1, y1: view.y1 };
}

/** The mean of 2r+1 neighbours along lines of `long` cells, `lines` of them. */
function blur(from, to, long, lines, step, stride, r) {
  const part = 1 / (2 * r + 1);
  for (let line = 0; line < lines; line++) {
    const base = line * stride;
    let sum = 0;
    for (let i = -r; i <= r; i++) if (i >= 0 && i < long) sum += from[base + i * step];
    for (let i = 0; i < long; i++) {
      to[base + i * step] = sum * part;
      const [out, into] = [i - r, i + r + 1];
      if (out >= 0) sum -= from[base + out * step];
      if (into < long) sum += from[base + into * step];
    }
  }
}
