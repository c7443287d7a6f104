// Where the page is: all of its state lives in its address, so that back works and a link shows what one saw.

const DEFAULTS = { sel: "", attr: "", show: "", view: "map", win: "24h", types: "", sort: "state", at: "", table: "" };

export const place = { ...DEFAULTS };
const listeners = new Set();

function read() {
  const query = new URLSearchParams(location.search);
  for (const name of Object.keys(DEFAULTS)) place[name] = query.get(name) ?? DEFAULTS[name];
  if (!["map", "list", "alarms"].includes(place.view)) place.view = "map";
}

/** The address of this page with `change` made. */
export function address(change = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...place, ...change })) if (value && value !== DEFAULTS[name]) query.set(name, value);
  const text = query.toString().replaceAll("%3A", ":").replaceAll("%2C", ",");
  return text ? `?${text}` : location.pathname;
}

/** Change the place: a step that back undoes, or (`quiet`) not. Tells who listens what was changed. */
export function go(change, { quiet = false } = {}) {
  const changed = Object.keys(change).filter((name) => place[name] !== change[name]);
  if (!changed.length) return;
  const to = address(change);
  Object.assign(place, change);
  history[quiet ? "replaceState" : "pushState"](null, "", to);
  for (const fn of listeners) fn(new Set(changed), { back: false });
}

/** Call `fn(changed, {back})` whenever the place changes. */
export function watch(fn) {
  listeners.add(fn);
}

addEventListener("popstate", () => {
  const before = { ...place };
  read();
  const changed = new Set(Object.keys(DEFAULTS).filter((name) => before[name] !== place[name]));
  for (const fn of listeners) fn(changed, { back: true });
});

read();
