// What is drawn over the ground: the chart's frame, names, and the stations with their figures.
// One canvas, drawn by hand, so that it looks the same over WebGL and over the plain ground.

import { calm } from "./dom.js";
import { age, degrees, figure } from "./words.js";

const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200]; // minutes of arc
const RANK = { ok: 0, missing: 1, stale: 2, watch: 3, alarm: 4 };
const FRAME = 18;
const PING_MS = 900;
const CROWD = 400; // stations in view from which signs are smaller and readings arrive without a ring
const LABELS = 1200; // labels that are tried in one drawing; the gravest stations come first
const FONT = `"Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif`;

export function marks(canvas) {
  const ctx = canvas.getContext("2d");
  let drawn = []; // the stations in view, as last drawn
  let ticks = null; // what the graticule found, for the frame
  const widths = new Map(); // of texts by font: measuring is the dearest part of a label
  const stamps = new Map(); // the signs of states, drawn once
  let stamped = null; // the inks they were drawn with

  function widthOf(words, font) {
    const key = font + words;
    let found = widths.get(key);
    if (found === undefined) {
      if (widths.size > 5000) widths.clear();
      ctx.font = font;
      found = ctx.measureText(words).width;
      widths.set(key, found);
    }
    return found;
  }

  function stamp(how, x, y, r, ink, dense) {
    if (stamped !== ink) stamps.clear();
    stamped = ink;
    const key = `${how} ${r} ${dense}`;
    let made = stamps.get(key);
    if (!made) {
      const half = Math.ceil(r * 1.6 + 2);
      made = { half, canvas: document.createElement("canvas") };
      made.canvas.width = made.canvas.height = Math.ceil(half * 2 * dense);
      const on = made.canvas.getContext("2d");
      on.scale(dense, dense);
      symbol(on, how, half, half, r, ink);
      stamps.set(key, made);
    }
    ctx.drawImage(made.canvas, x - made.half, y - made.half, made.canvas.width / dense, made.canvas.height / dense);
  }

  /** Draw everything. `scene`: {ground, ink, inset, covered, stations, shapes, selected, hovered, figureOf, now, scale}. */
  function draw(scene) {
    const dense = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * dense) || canvas.height !== Math.round(height * dense)) {
      [canvas.width, canvas.height] = [Math.round(width * dense), Math.round(height * dense)];
    }
    ctx.setTransform(dense, 0, 0, dense, 0, 0);
    ctx.clearRect(0, 0, width, height);
    ctx.direction = "ltr"; // figures and names are placed by hand; bidi of the page must not turn them round
    const { inset } = scene;
    const field = { left: inset.left, top: inset.top, right: width - inset.right, bottom: height - inset.bottom };
    const taken = boxes();
    const band = FRAME * scene.scale;
    taken.take(0, 0, field.left + band, height); // no label under the frame
    taken.take(field.right - band, 0, width, height);
    taken.take(0, 0, width, field.top + band);
    taken.take(0, field.bottom - band, width, height);
    for (const box of scene.covered) taken.take(...box);
    graticule(scene, field);
    const lively = stations(scene, field, width, height, taken);
    names(scene, field, taken);
    frame(scene, field);
    return lively; // whether something still moves
  }

  function graticule({ ground, ink, scale }, field) {
    const [west, north] = ground.unproject([field.left, field.top]);
    const [east, south] = ground.unproject([field.right, field.bottom]);
    const wide = (field.right - field.left) / Math.max(1e-9, (east - west) * 60); // pixels for one minute of longitude
    const step = STEPS.find((one) => one * wide >= 110 * scale) ?? STEPS.at(-1);
    ticks = { west, north, east, south, step };
    ctx.strokeStyle = ink.graticule;
    ctx.lineWidth = 1;
    ctx.beginPath();
    for (const lon of multiples(west, east, step)) {
      const x = Math.round(ground.project([lon, (north + south) / 2])[0]) + 0.5;
      ctx.moveTo(x, field.top);
      ctx.lineTo(x, field.bottom);
    }
    for (const lat of multiples(south, north, step)) {
      const y = Math.round(ground.project([(west + east) / 2, lat])[1]) + 0.5;
      ctx.moveTo(field.left, y);
      ctx.lineTo(field.right, y);
    }
    ctx.stroke();
  }

  /** The neatline of a sea chart: a band whose black and white pieces measure minutes, and the degrees beside it. */
  function frame({ ground, ink, scale }, field) {
    const { west, north, east, south, step } = ticks;
    const band = Math.round(FRAME * scale);
    const bar = 4;
    const { left, top, right, bottom } = field;
    ctx.fillStyle = ink.paper;
    ctx.fillRect(left, top, right - left, band);
    ctx.fillRect(left, bottom - band, right - left, band);
    ctx.fillRect(left, top, band, bottom - top);
    ctx.fillRect(right - band, top, band, bottom - top);
    const piece = step / 5;
    ctx.fillStyle = ink["ink-2"];
    const [first, last] = [Math.floor((west * 60) / piece), Math.ceil((east * 60) / piece)];
    const across = (n) => Math.min(right - band, Math.max(left + band, ground.project([(n * piece) / 60, (north + south) / 2])[0]));
    if (last - first < 400) {
      for (let n = first; n <= last; n++) {
        if (n % 2) continue;
        const [x0, x1] = [across(n), across(n + 1)];
        ctx.fillRect(x0, top + band - bar, x1 - x0, bar);
        ctx.fillRect(x0, bottom - band, x1 - x0, bar);
      }
      const down = (n) => Math.min(bottom - band, Math.max(top + band, ground.project([(west + east) / 2, (n * piece) / 60])[1]));
      for (let n = Math.floor((south * 60) / piece); n <= Math.ceil((north * 60) / piece); n++) {
        if (n % 2) continue;
        const [y0, y1] = [down(n + 1), down(n)];
        ctx.fillRect(left + band - bar, y0, bar, y1 - y0);
        ctx.fillRect(right - band, y0, bar, y1 - y0);
      }
    }
    ctx.strokeStyle = ink["ink-2"];
    ctx.lineWidth = 1;
    for (const by of [band - bar - 0.5, band - 0.5]) ctx.strokeRect(left + by, top + by, right - left - 2 * by, bottom - top - 2 * by);
    ctx.font = `${9.5 * scale}px ${FONT}`;
    ctx.textBaseline = "middle";
    ctx.textAlign = "center";
    const digits = step < 0.1 ? 2 : step < 1 ? 1 : step < 60 ? 0 : -1;
    for (const lon of multiples(west, east, step)) {
      const x = ground.project([lon, (north + south) / 2])[0];
      if (x > left + 56 * scale && x < right - 56 * scale) ctx.fillText(degrees(lon, "EW", digits), x, top + (band - bar) / 2);
    }
    for (const lat of multiples(south, north, step)) {
      const y = ground.project([(west + east) / 2, lat])[1];
      if (y < top + 56 * scale || y > bottom - 56 * scale) continue;
      ctx.save();
      ctx.translate(left + (band - bar) / 2, y);
      ctx.rotate(-Math.PI / 2);
      ctx.fillText(degrees(lat, "NS", digits), 0, 0);
      ctx.restore();
    }
    ruler({ ground, ink, scale }, field, band);
  }

  function ruler({ ground, ink, scale }, { left, bottom, top, right }, band) {
    const middle = (top + bottom) / 2;
    const [[a, lat], [b]] = [ground.unproject([left, middle]), ground.unproject([right, middle])];
    const perPixel = ((b - a) / (right - left)) * 111_320 * Math.cos((lat * Math.PI) / 180);
    const want = perPixel * 110 * scale;
    const power = 10 ** Math.floor(Math.log10(want));
    const long = [5, 2, 1].map((n) => n * power).find((n) => n <= want) ?? power;
    const width = long / perPixel;
    const rtl = document.dir === "rtl";
    const x = rtl ? right - band - 14 - width : left + band + 14;
    const y = bottom - band - 14;
    ctx.font = `600 ${10.5 * scale}px ${FONT}`;
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    const label = long >= 1000 ? `${long / 1000} km` : `${long} m`;
    ctx.lineWidth = 3;
    ctx.strokeStyle = ink.halo;
    ctx.strokeText(label, x, y - 7);
    ctx.fillStyle = ink.ink;
    ctx.fillText(label, x, y - 7);
    ctx.strokeStyle = ink.ink;
    ctx.lineWidth = 1;
    ctx.fillStyle = ink.paper;
    ctx.fillRect(x, y - 3, width, 4);
    ctx.fillStyle = ink.ink;
    ctx.fillRect(x, y - 3, width / 4, 4);
    ctx.fillRect(x + width / 2, y - 3, width / 4, 4);
    ctx.strokeRect(x + 0.5, y - 3.5, width, 4);
  }

  function names({ ground, ink, shapes, scale }, field, taken) {
    const zoom = ground.view().zoom;
    for (const one of shapes) {
      if (!one.name) continue;
      if (one.kind === "district" && zoom > 9 && one.areas.length) spaced(one, 0.16, `600 ${10.5 * scale}px ${FONT}`, ink["ink-2"], one.name.toUpperCase());
      else if (one.kind === "water" && one.areas.length && zoom > 10) spaced(one, 0.04, `italic ${12 * scale}px ${FONT}`, ink.shore, one.name);
      else if (one.lines.length && (one.kind === "water" || (one.kind === "road" && zoom > 13.4))) along(one);
    }
    function spaced({ areas }, space, font, colour, label) {
      const ring = areas[0][0];
      const points = ring.map(ground.project);
      const xs = points.map((p) => p[0]);
      const ys = points.map((p) => p[1]);
      const [x, y] = [(Math.min(...xs) + Math.max(...xs)) / 2, (Math.min(...ys) + Math.max(...ys)) / 2];
      ctx.font = font;
      ctx.letterSpacing = `${space * 12}px`;
      written(label, x, y, 0, colour);
      ctx.letterSpacing = "0px";
    }
    function along({ lines, name, kind }) {
      const points = lines[0].map(ground.project).filter(([x, y]) => x > field.left + 60 && x < field.right - 60 && y > field.top + 40 && y < field.bottom - 40);
      if (points.length < 4) return;
      ctx.font = kind === "water" ? `italic ${13 * scale}px ${FONT}` : `${10 * scale}px ${FONT}`;
      ctx.letterSpacing = kind === "water" ? "2.5px" : "0px";
      const wide = ctx.measureText(name).width;
      for (const part of [0.5, 0.3, 0.7, 0.15, 0.85]) {
        const i = Math.max(1, Math.min(points.length - 2, Math.floor(points.length * part)));
        const [a, b] = [points[i - 1], points[i + 1]];
        if (Math.hypot(b[0] - a[0], b[1] - a[1]) * points.length < wide) continue;
        let turn = Math.atan2(b[1] - a[1], b[0] - a[0]);
        if (Math.abs(turn) > Math.PI / 2) turn += Math.PI;
        const off = kind === "water" ? 13 * scale : 0;
        if (written(name, points[i][0] + Math.sin(turn) * off, points[i][1] - Math.cos(turn) * off, turn, kind === "water" ? ink.shore : ink["ink-2"])) break;
      }
      ctx.letterSpacing = "0px";
    }
    function written(label, x, y, turn, colour) {
      const wide = ctx.measureText(label).width;
      const [w, t] = [Math.abs(Math.cos(turn)) * wide + 12, Math.abs(Math.sin(turn)) * wide + 12];
      if (x < field.left || x > field.right || y < field.top || y > field.bottom) return true;
      if (!taken.free(x - w / 2, y - t / 2, x + w / 2, y + t / 2)) return false;
      ctx.save();
      ctx.translate(x, y);
      ctx.rotate(turn);
      ctx.textAlign = "center";
      ctx.textBaseline = "middle";
      ctx.lineWidth = 3;
      ctx.strokeStyle = ink.halo;
      ctx.strokeText(label, 0, 0);
      ctx.fillStyle = colour;
      ctx.fillText(label, 0, 0);
      ctx.restore();
      return true;
    }
  }

  function stations(scene, field, width, height, taken) {
    const { ground, selected, hovered, figureOf, now, scale } = scene;
    const here = [];
    for (const it of scene.stations) {
      const [x, y] = ground.project(it.point);
      if (x < -20 || y < -20 || x > width + 20 || y > height + 20) continue;
      here.push({ it, x, y, how: it.how, shown: figureOf(it) });
    }
    for (const one of here) one.weight = (one.it.id === selected ? 10 : 0) + (one.it.id === hovered ? 9 : 0) + RANK[one.how] + (one.shown ? 0.5 : 0);
    here.sort((a, b) => a.weight - b.weight || (a.it.id < b.it.id ? -1 : 1));
    drawn = here;
    const crowd = here.length > 1500 ? 0.6 : here.length > CROWD ? 0.8 : 1;
    const clock = performance.now();
    const dense = devicePixelRatio || 1;
    const pings = here.length <= CROWD && !calm();
    let lively = false;
    for (const one of here) {
      const size = scale * crowd * (one.shown ? 1 : 0.72);
      taken.take(one.x - 6 * size, one.y - 6 * size, one.x + 6 * size, one.y + 6 * size);
      const since = clock - (one.it.heard || -1e9);
      if (pings && since < PING_MS) {
        lively = true;
        const t = since / PING_MS;
        ctx.globalAlpha = (1 - t) * 0.8;
        ctx.strokeStyle = colourOf(one.how, scene.ink);
        ctx.lineWidth = 1.5;
        ctx.beginPath();
        ctx.arc(one.x, one.y, (6 + 16 * (1 - (1 - t) ** 3)) * scale, 0, 7);
        ctx.stroke();
        ctx.globalAlpha = 1;
      }
      if (one.how === "alarm") halo(one, scene.ink, scale);
      stamp(one.how, one.x, one.y, 5.4 * size, scene.ink, dense);
      if (one.it.id === selected) reticle(one, scene.ink, scale);
      else if (one.it.id === hovered) ring(one, scene.ink, scale);
    }
    const tried = here.slice(-LABELS);
    for (let i = tried.length - 1; i >= 0; i--) if (tried[i].shown) label(tried[i], scene, taken, now);
    return lively;
  }

  function halo({ x, y }, ink, scale) {
    ctx.globalAlpha = 0.2;
    ctx.fillStyle = ink.alarm;
    ctx.beginPath();
    ctx.arc(x, y, 13 * scale, 0, 7);
    ctx.fill();
    ctx.globalAlpha = 1;
  }

  function ring({ x, y }, ink, scale) {
    ctx.strokeStyle = ink.ink;
    ctx.lineWidth = 1.2;
    ctx.beginPath();
    ctx.arc(x, y, 10 * scale, 0, 7);
    ctx.stroke();
  }

  /** The selected station: a sight in the chart's magenta. */
  function reticle({ x, y }, ink, scale) {
    const r = 12 * scale;
    ctx.lineCap = "butt";
    for (const [colour, wide] of [[ink.halo, 4.5], [ink.accent, 1.8]]) {
      ctx.strokeStyle = colour;
      ctx.lineWidth = wide;
      ctx.beginPath();
      ctx.arc(x, y, r, 0, 7);
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        ctx.moveTo(x + dx * r, y + dy * r);
        ctx.lineTo(x + dx * r * 1.75, y + dy * r * 1.75);
      }
      ctx.stroke();
    }
  }

  function label({ it, x, y, how, shown }, { ink, scale, selected, hovered }, taken, now) {
    const faint = how === "stale" || how === "missing";
    const chip = how === "alarm";
    const value = figure(shown.value, shown.unit);
    const { unit } = shown;
    const old = faint && shown.at !== null ? ` · ${age(shown.at, now)}` : "";
    const strong = `${faint ? "italic " : ""}600 ${12 * scale}px ${FONT}`;
    const light = `${faint ? "italic " : ""}${10 * scale}px ${FONT}`;
    const w1 = widthOf(value, strong);
    const w2 = widthOf(unit + old, light);
    const name = it.id === selected || it.id === hovered ? it.name : "";
    const high = 15 * scale;
    const space = unit && unit !== "°" ? 2.4 * scale : 0;
    const wide = w1 + space + w2 + (chip ? 9 : 2);
    const gap = (it.id === selected ? 23 : 9) * scale;
    const spots = [[x + gap, y - high / 2], [x - gap - wide, y - high / 2], [x - wide / 2, y - gap - high], [x - wide / 2, y + gap]];
    if (document.dir === "rtl") [spots[0], spots[1]] = [spots[1], spots[0]];
    const spot = spots.find(([bx, by]) => taken.free(bx, by, bx + wide, by + high)) ?? (name || chip ? spots[0] : null);
    if (!spot) return;
    const [bx, by] = spot;
    taken.take(bx, by, bx + wide, by + high);
    if (chip) {
      ctx.fillStyle = ink.alarm;
      ctx.beginPath();
      ctx.roundRect(bx, by, wide, high, 3 * scale);
      ctx.fill();
      ctx.lineWidth = 1;
      ctx.strokeStyle = ink.halo;
      ctx.stroke();
    }
    const start = bx + (chip ? 4.5 : 1);
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    const middle = by + high / 2 + 0.5;
    const write = (words, at, font, colour) => {
      ctx.font = font;
      if (!chip) {
        ctx.lineWidth = 3.2;
        ctx.lineJoin = "round";
        ctx.strokeStyle = ink.halo;
        ctx.strokeText(words, at, middle);
      }
      ctx.fillStyle = colour;
      ctx.fillText(words, at, middle);
    };
    write(unit + old, start + w1 + space, light, chip ? ink["on-alarm"] : faint ? ink["ink-3"] : ink["ink-2"]);
    write(value, start, strong, chip ? ink["on-alarm"] : faint ? ink["ink-3"] : ink.ink);
  }

  /** The station nearest to a pixel, within reach. */
  function near(x, y, reach) {
    let [best, distance] = [null, reach];
    for (const one of drawn) {
      const far = Math.hypot(one.x - x, one.y - y);
      if (far <= distance) [best, distance] = [one.it, far];
    }
    return best;
  }

  /** The next station from `id` in a direction (dx, dy of -1, 0, 1): near, and not far off the axis. */
  function next(id, dx, dy) {
    const from = drawn.find((one) => one.it.id === id);
    if (!from) return null;
    let [best, cost] = [null, Infinity];
    for (const one of drawn) {
      const [along, aside] = dx ? [(one.x - from.x) * dx, Math.abs(one.y - from.y)] : [(one.y - from.y) * dy, Math.abs(one.x - from.x)];
      if (one === from || along <= 1) continue;
      const price = along + aside * 2.2;
      if (price < cost) [best, cost] = [one.it, price];
    }
    return best;
  }

  return { draw, near, next, visible: () => drawn.map((one) => one.it) };
}

function multiples(from, to, step) {
  const found = [];
  for (let n = Math.ceil((from * 60) / step); n <= (to * 60) / step && found.length < 100; n++) found.push((n * step) / 60);
  return found;
}

function boxes() {
  const cells = new Map();
  const SIZE = 48;
  const over = function* (x0, y0, x1, y1) {
    for (let cx = Math.floor(x0 / SIZE); cx <= Math.floor(x1 / SIZE); cx++) for (let cy = Math.floor(y0 / SIZE); cy <= Math.floor(y1 / SIZE); cy++) yield cx * 100_003 + cy;
  };
  return {
    take(...box) {
      for (const cell of over(...box)) (cells.get(cell) ?? cells.set(cell, []).get(cell)).push(box);
    },
    free(x0, y0, x1, y1) {
      for (const cell of over(x0, y0, x1, y1)) for (const [a, b, c, d] of cells.get(cell) ?? []) if (x0 < c && a < x1 && y0 < d && b < y1) return false;
      return true;
    },
  };
}

export const colourOf = (how, ink) => ({ ok: ink.ok, watch: ink.watch, alarm: ink.alarm }[how] ?? ink.stale);

/** The sign of a state: disc, triangle, diamond, ring, dashed ring. The same shapes as in hansa.css. */
export function symbol(ctx, how, x, y, r, ink) {
  ctx.beginPath();
  ctx.setLineDash([]);
  if (how === "watch") {
    ctx.moveTo(x, y - r * 1.35);
    ctx.lineTo(x + r * 1.3, y + r);
    ctx.lineTo(x - r * 1.3, y + r);
    ctx.closePath();
  } else if (how === "alarm") {
    const d = r * 1.5;
    ctx.moveTo(x, y - d);
    ctx.lineTo(x + d, y);
    ctx.lineTo(x, y + d);
    ctx.lineTo(x - d, y);
    ctx.closePath();
  } else ctx.arc(x, y, how === "ok" ? r * 0.92 : r, 0, 7);
  if (how === "stale" || how === "missing") {
    ctx.fillStyle = ink.halo;
    ctx.fill();
    ctx.strokeStyle = ink.stale;
    ctx.lineWidth = 2;
    if (how === "missing") ctx.setLineDash([2.6, 2.2]);
    ctx.stroke();
    ctx.setLineDash([]);
  } else {
    ctx.fillStyle = colourOf(how, ink);
    ctx.fill();
    ctx.strokeStyle = ink.halo;
    ctx.lineWidth = 1.4;
    ctx.stroke();
  }
}
