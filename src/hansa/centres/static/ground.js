// What lies under the stations: the city's own lines and areas, sorted into few kinds, and how each kind is drawn.
// Both grounds (WebGL and plain canvas) take their shapes and their looks from here.

import { kindOf, named, shapeOf, text } from "./station.js";

const KINDS = [
  ["water", /water|river|lake|stream|canal|sea|pond|reservoir/i],
  ["road", /road|street|highway|motorway|lane/i],
  ["rail", /rail|tram|track$/i],
  ["parcel", /parcel|farm|orchard|vineyard|garden|greenspace|park$|forest|meadow/i],
  ["building", /building|house|structure|bridge|dam$/i],
  ["district", /district|area|zone|municipal|boundary|quarter|neighbou?rhood/i],
];

/** The kind of shapes of a type. */
export const kindOfShape = (type) => KINDS.find(([, pattern]) => pattern.test(type))?.[0] ?? "other";

/** The order of drawing, from below. */
export const ORDER = ["district", "parcel", "other", "water", "rail", "road", "building"];

/** How wide lines are (CSS pixels) at zoom 10 and at zoom 16. */
export const WIDTHS = { water: [1.6, 13], road: [0.7, 7], minor: [0.4, 3], rail: [0.6, 2], district: [0.8, 1.4], parcel: [0.3, 0.8], building: [0, 0.6], other: [0.5, 1.5] };

/** The width of a kind at a zoom, growing as the world does. */
export function widthAt(kind, zoom) {
  const [near, far] = WIDTHS[kind] ?? WIDTHS.other;
  const t = Math.min(1, Math.max(0, (zoom - 10) / 6));
  return near + (far - near) * ((1.5 ** (t * 6) - 1) / (1.5 ** 6 - 1));
}

const finite = (pair) => Array.isArray(pair) && Number.isFinite(pair[0]) && Number.isFinite(pair[1]) && Math.abs(pair[0]) <= 180 && Math.abs(pair[1]) <= 85;

/** A shape of an entity: {kind, minor, name, lines, areas}; lines and areas are lists of rings of [lon, lat]. */
export function shape(entity) {
  const it = shapeOf(entity);
  if (!it) return null;
  const type = kindOf(entity);
  const kind = kindOfShape(type);
  const c = it.coordinates;
  const lines = { LineString: [c], MultiLineString: c }[it.type] ?? [];
  const areas = { Polygon: [c], MultiPolygon: c }[it.type] ?? [];
  const sound = (ring) => Array.isArray(ring) && ring.length > 1 && ring.every(finite);
  const minor = /track|path|tertiary|residential|service|foot|cycle/i.test(text(entity, "roadClass") + text(entity, "category"));
  const made = {
    kind,
    minor: kind === "road" && minor,
    name: text(entity, "name").trim() ? named(entity) : "",
    lines: lines.filter(sound),
    areas: areas.filter((rings) => Array.isArray(rings) && rings.length && rings.every(sound)),
  };
  return made.lines.length || made.areas.length ? made : null;
}

/** The box [west, south, east, north] around points; null around none. */
export function box(points) {
  let found = null;
  for (const [x, y] of points) {
    found = found ? [Math.min(found[0], x), Math.min(found[1], y), Math.max(found[2], x), Math.max(found[3], y)] : [x, y, x, y];
  }
  return found;
}

/** Web Mercator: [lon, lat] to the unit square, and back. */
export const mercator = ([lon, lat]) => [lon / 360 + 0.5, 0.5 - Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) / (2 * Math.PI)];
export const unmercator = ([x, y]) => [(x - 0.5) * 360, (Math.atan(Math.exp((0.5 - y) * 2 * Math.PI)) * 360) / Math.PI - 90];

/** Zoom and centre that show `bounds` in `width` x `height` pixels with `pad` {top, right, bottom, left} kept free. */
export function fitting(bounds, width, height, pad, closest = 15) {
  const [x0, y1] = mercator([bounds[0], bounds[1]]);
  const [x1, y0] = mercator([bounds[2], bounds[3]]);
  const free = [Math.max(40, width - pad.left - pad.right), Math.max(40, height - pad.top - pad.bottom)];
  const size = Math.min(free[0] / Math.max(x1 - x0, 1e-9), free[1] / Math.max(y1 - y0, 1e-9));
  const zoom = Math.min(closest, Math.log2(size / 512));
  const world = 512 * 2 ** zoom;
  const centre = [(x0 + x1) / 2 + (pad.right - pad.left) / 2 / world, (y0 + y1) / 2 + (pad.bottom - pad.top) / 2 / world];
  return { centre: unmercator(centre), zoom };
}

/** The colours of the page as the canvas needs them: the tokens of hansa.css, resolved for light or dark. */
export function inks() {
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const names = ["land", "water", "shore", "parcel", "hedge", "road", "casing", "rail", "building", "wall", "district", "paper", "ink", "ink-2", "ink-3", "rule", "accent", "ok", "watch", "alarm", "on-alarm", "stale", "graticule", "halo"];
  const found = {};
  for (const name of names) {
    probe.style.color = `var(--${name})`;
    found[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  found.dark = getComputedStyle(document.documentElement).colorScheme === "dark" || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  return found;
}
