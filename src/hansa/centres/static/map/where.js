// Where a map is: layers, view, time, area and what is selected, all in its address, so that a link shows the same.

const NAMES = ["at", "l", "s", "t", "sel", "area", "side", "track", "base"];

/** One layer: what it shows and how. `mode`: clusters, marks or heat; `by` an attribute whose value is the colour. */
const MODES = { c: "clusters", m: "marks", h: "heat" };
const short = (mode) => mode[0];

export const where = Object.fromEntries(NAMES.map((name) => [name, ""]));
const listeners = new Set();

function read() {
  const query = new URLSearchParams(location.search);
  for (const name of NAMES) where[name] = query.get(name) ?? "";
}

/** The address of the page with `change` made. */
export function address(change = {}) {
  const query = new URLSearchParams(location.search); // what other modules keep there stays
  for (const [name, value] of Object.entries({ ...where, ...change })) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const text = query.toString().replaceAll("%3A", ":").replaceAll("%2C", ",").replaceAll("%7E", "~");
  return text ? `?${text}` : location.pathname;
}

/** Change where the page is; `quiet` makes no step that back would undo. Tells who listens which names changed. */
export function go(change, { quiet = false } = {}) {
  const changed = Object.keys(change).filter((name) => where[name] !== change[name]);
  if (!changed.length) return;
  const to = address(change);
  Object.assign(where, change);
  history[quiet ? "replaceState" : "pushState"](null, "", to);
  for (const fn of listeners) fn(new Set(changed), { back: false });
}

/** Call `fn(changed, {back})` whenever it changes. */
export const watch = (fn) => listeners.add(fn);

addEventListener("popstate", () => {
  const before = { ...where };
  read();
  const changed = new Set(NAMES.filter((name) => before[name] !== where[name]));
  for (const fn of listeners) fn(changed, { back: true });
});
read();

/** The layers that the address names; null when it names none. */
export function layersSaid() {
  if (!where.l) return null;
  return where.l.split(",").filter(Boolean).map((one) => {
    const [type, on = "1", mode = "c", by = "", opacity = "100", then = "1"] = one.split("~").map(decodeURIComponent);
    return { type, on: on === "1", mode: MODES[mode] ?? "clusters", by, opacity: Math.max(0, Math.min(100, Number(opacity) || 0)), then: then !== "0" };
  });
}

/** Layers as the address names them. */
export const layersText = (layers) => layers.map((one) => [one.type, one.on ? "1" : "0", short(one.mode), one.by, String(one.opacity), one.then ? "1" : "0"].map((part) => encodeURIComponent(part).replaceAll("~", "%7E")).join("~")).join(",");

/** The view that the address asks for; null for none, or nonsense. */
export function viewSaid() {
  if (!where.at) return null;
  const [lon, lat, zoom, bearing = 0, pitch = 0] = where.at.split(",").map(Number);
  const sound = [lon, lat, zoom, bearing, pitch].every(Number.isFinite) && Math.abs(lon) <= 180 && Math.abs(lat) <= 85;
  return sound ? { centre: [lon, lat], zoom, bearing, pitch } : null;
}

export const viewText = ({ centre, zoom, bearing = 0, pitch = 0 }) => [centre[0].toFixed(5), centre[1].toFixed(5), zoom.toFixed(2), ...(bearing || pitch ? [bearing.toFixed(0), pitch.toFixed(0)] : [])].join(",");
