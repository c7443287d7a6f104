// The way that something went: its places over a chosen time, from history, as a line with dots.

import { ask, door } from "../doors.js";
import { moment } from "../station.js";
import { go, where } from "./where.js";

const MOST = 10; // tracks at once
const PAGE = 1000;

/** Places of an entity from `since` to `until`: [[lon, lat, ms], ...], oldest first. */
export async function placesOf(id, since, until, { signal } = {}) {
  const found = new Map();
  let end = until;
  const iso = (at) => new Date(at).toISOString().replace(".000Z", "Z");
  for (let page = 0; page < 10; page++) {
    let body;
    try {
      ({ body } = await ask(`${door("temporal", "entities", id)}?attrs=location&timerel=between&timeAt=${iso(since)}&endTimeAt=${iso(end)}&lastN=${PAGE}&options=temporalValues`, { signal }));
    } catch (fault) {
      if (fault.status === 404) break; // nothing was said of it in that time: no track, no fault
      throw fault;
    }
    const stated = body?.location;
    const values = (Array.isArray(stated) ? stated.flatMap((one) => one.values ?? []) : stated?.values) ?? [];
    const before = found.size;
    let oldest = Infinity;
    for (const [value, written] of values) {
      const at = moment(written);
      if (value?.type !== "Point" || at === null) continue;
      oldest = Math.min(oldest, at);
      found.set(at, [...value.coordinates.slice(0, 2), at]);
    }
    if (values.length < PAGE || found.size === before || oldest <= since) break;
    end = oldest;
  }
  return [...found.values()].sort((a, b) => a[2] - b[2]);
}

export function startTrack({ ground, now }) {
  const tracks = new Map(); // id -> {places, hours}
  const listeners = new Set();

  function draw() {
    const features = [];
    for (const { places } of tracks.values()) {
      if (places.length > 1) features.push({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: places.map((one) => one.slice(0, 2)) } });
      const step = Math.max(1, Math.floor(places.length / 200));
      for (let i = 0; i < places.length; i += step) features.push({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: places[i].slice(0, 2) } });
    }
    ground.lines("tracks", { type: "FeatureCollection", features });
    for (const fn of listeners) fn();
  }

  async function show(id, hours) {
    const until = where.t && Number.isFinite(Date.parse(where.t)) ? Date.parse(where.t) : now();
    const places = await placesOf(id, until - hours * 3600_000, until + 1000);
    if (tracks.size >= MOST && !tracks.has(id)) tracks.delete(tracks.keys().next().value);
    tracks.set(id, { places, hours });
    say();
    draw();
    return places;
  }

  function hide(id) {
    tracks.delete(id);
    say();
    draw();
  }

  const say = () => go({ track: [...tracks].map(([id, { hours }]) => `${hours}~${id}`).join(",") }, { quiet: true });
  for (const one of where.track.split(",").filter(Boolean).slice(0, MOST)) {
    const [hours, ...id] = one.split("~");
    if (Number(hours) > 0) show(id.join("~"), Math.min(24 * 31, Number(hours))).catch(() => {});
  }
  return { show, hide, of: (id) => tracks.get(id), listen: (fn) => listeners.add(fn) };
}
