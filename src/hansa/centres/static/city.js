// The city as this page knows it: loaded once, then kept by the stream of Changes, without a gap between the two.

import { API, ask, Failed } from "./doors.js";
import { kindOf, moment, named, NO_STATION, number, said, shapeOf, state, station, text } from "./station.js";
import { look } from "./words.js";

const PAGE = 1000;
const NO_SHAPE = /^(Point|GeometryCollection)$/;

export class City {
  entities = new Map();
  stations = new Map();
  shapes = new Map();
  alerts = new Map();
  phase = "loading"; // loading, live, waiting (no stream), failed
  fault = null;
  cut = 0; // entities that were too many for one page
  loadedOnce = false;
  #about = new Map(); // station id -> Map of its open alerts
  #clock = null;
  #seq = null;
  #stream = null;
  #held = null; // Changes that arrive while the state is being loaded
  #tries = 0;
  #again = 0;
  #resets = 0;
  #anew = false;
  #listeners = new Set();
  #dirty = { ids: new Set(), all: false, phase: false, due: false };

  /** Call `fn({ids, all, phase})` soon after something changed; many Changes make one call. */
  listen(fn) {
    this.#listeners.add(fn);
  }

  #tell(id, { all = false, phase = false } = {}) {
    const dirty = this.#dirty;
    if (id) dirty.ids.add(id);
    dirty.all ||= all;
    dirty.phase ||= phase;
    if (dirty.due) return;
    dirty.due = true;
    setTimeout(() => {
      this.#dirty = { ids: new Set(), all: false, phase: false, due: false };
      for (const fn of this.#listeners) fn(dirty);
    }, 40);
  }

  /** The city's time in milliseconds, simulated or not. */
  now() {
    const clock = this.#clock;
    return clock ? clock.now + (performance.now() - clock.heard) * clock.rate : Date.now();
  }

  get clock() {
    return { rate: this.#clock?.rate ?? 1, simulated: this.#clock?.simulated ?? false, known: this.#clock !== null };
  }

  /** Open alerts about a station or about its device, in no order. */
  alertsOf(it) {
    if (!this.#about.size) return [];
    const [own, device] = [this.#about.get(it.id), this.#about.get(said(it.entity, "refDevice"))];
    return [...(own?.values() ?? []), ...(device?.values() ?? [])];
  }

  /** The station that an alert is about, directly or through its device; null when that is none we know. */
  sourceOf(alert) {
    const source = said(alert, "alertSource");
    if (this.stations.has(source)) return this.stations.get(source);
    if (kindOf(this.entities.get(source)) !== "Device") return null;
    return [...this.stations.values()].find((it) => said(it.entity, "refDevice") === source) ?? null;
  }

  /** The state of a station, by its open alerts and the age of its newest reading. */
  stateOf(it) {
    return state(it, this.alertsOf(it), this.now(), this.patience(it));
  }

  /** How long a station may be silent (milliseconds): three of its device's intervals, else what the city says. */
  patience(it) {
    if (it.after) return it.after;
    const ref = said(it.entity, "refDevice");
    const device = this.entities.get(ref);
    const every = device ? (number(device, "reportingInterval") ?? number(device, "interval")) : null;
    const stale = every > 0 ? 3 * every : look.stale_s;
    const after = { stale: stale * 1000, missing: Math.max(look.missing_s, stale) * 1000 };
    if (device || ref === null) it.after = after; // kept with this reading: the next one asks again
    return after;
  }

  /** Name of whatever an id means. */
  nameOf(id) {
    const entity = this.entities.get(id);
    return entity ? named(entity) : String(id ?? "").split(":").pop();
  }

  start() {
    this.#open();
    // Without a stream the page still shows what there is.
    setTimeout(() => this.loadedOnce || this.#held || this.#load(), 3000);
    addEventListener("online", () => this.#open());
    document.addEventListener("visibilitychange", () => document.hidden || this.phase === "live" || this.#open());
  }

  /** Try again now, because somebody asked. */
  retry() {
    this.#open();
    if (!this.loadedOnce) this.#load();
  }

  #open() {
    clearTimeout(this.#again);
    this.#stream?.close();
    const stream = new EventSource(this.#seq === null ? "/live" : `/live?since=${this.#seq}`);
    this.#stream = stream;
    const heard = (name, fn) =>
      stream.addEventListener(name, (event) => {
        if (stream !== this.#stream) return;
        let data = {};
        try {
          data = JSON.parse(event.data);
        } catch {
          return; // one garbled event must not stop the rest
        }
        fn(data ?? {});
      });
    heard("hello", ({ seq }) => {
      this.#tries = 0;
      this.#step(this.loadedOnce ? "live" : this.phase);
      // A city whose log ends before what we have seen is another one, or restored from before.
      if (this.#seq !== null && Number.isFinite(seq) && seq < this.#seq) return this.#reset(seq);
      // Who is not told places in the log cannot go on where the stream broke off.
      if (this.loadedOnce && !Number.isFinite(seq)) return this.#reset(null);
      if (!this.loadedOnce) {
        if (this.#seq === null && Number.isFinite(seq)) this.#seq = seq;
        this.#load();
      }
    });
    heard("clock", (data) => {
      const now = moment(data.now);
      if (now === null) return;
      const first = this.#clock === null;
      this.#clock = { now, rate: Number.isFinite(data.rate) ? data.rate : 1, simulated: data.simulated === true, heard: performance.now() };
      if (first) this.#tell(null, { all: true, phase: true });
    });
    heard("reset", () => this.#reset(null));
    heard("change", (change) => (this.#held ? this.#held.push(change) : this.#apply(change)));
    // The browser's own reconnecting would ask with the old `since`; ours asks with the newest.
    stream.onerror = () => {
      if (stream !== this.#stream) return;
      stream.close();
      const wait = Math.min(30_000, 500 * 2 ** this.#tries++) * (0.75 + Math.random() / 2);
      this.#again = setTimeout(() => this.#open(), wait);
      if (this.phase === "live") this.#step("waiting");
      if (!this.loadedOnce && !this.#held) this.#load();
    };
  }

  #reset(seq) {
    this.#seq = seq;
    // A page that is too slow for the stream must not answer every reset with a whole reload.
    const wait = this.#resets ? Math.min(60_000, 5000 * 2 ** this.#resets) : 0;
    this.#resets += 1;
    setTimeout(() => (this.#resets = Math.max(0, this.#resets - 1)), 120_000);
    this.#held ??= [];
    setTimeout(() => this.#load(true), wait);
  }

  #step(phase, fault = null) {
    if (this.phase === phase && this.fault === fault) return;
    this.phase = phase;
    this.fault = fault;
    this.#tell(null, { phase: true });
  }

  async #load(anew = false) {
    if (this.loading) {
      this.#anew ||= anew; // what is being loaded may be from before the reset
      return;
    }
    this.loading = true;
    this.#held ??= [];
    try {
      const seen = new Set();
      const { body } = await ask(`${API}/types`);
      const listed = (Array.isArray(body) ? body.map((one) => one.typeName ?? one.id) : (body?.typeList ?? [])).map(String);
      const first = listed.filter((type) => type === "Alert");
      const last = listed.filter((type) => type === "Device");
      const rest = listed.filter((type) => !NO_STATION.has(type));
      this.cut = 0;
      for (const types of [first, ...chunks(rest, 20), last]) if (types.length) await this.#page(types, seen);
      if (anew) for (const id of [...this.entities.keys()]) if (!seen.has(id)) this.#drop(id);
      this.loadedOnce = true;
      const held = this.#held;
      this.#held = null;
      for (const change of held) this.#apply(change);
      this.#step(this.#stream?.readyState === EventSource.OPEN ? "live" : "waiting");
      this.#tell(null, { all: true, phase: true });
    } catch (fault) {
      const kind = fault instanceof Failed ? fault : new Failed(`The page met a fault of its own: ${fault.message}`, "Reload it; if that does not help, tell whoever runs hansa.");
      this.#step(this.loadedOnce ? "waiting" : "failed", kind);
      setTimeout(() => this.#load(anew), 10_000);
    } finally {
      this.loading = false;
      if (this.#anew) {
        this.#anew = false;
        this.#held ??= [];
        this.#load(true);
      }
    }
  }

  async #page(types, seen) {
    for (let offset = 0; ; offset += PAGE) {
      const query = `type=${types.map(encodeURIComponent).join(",")}&options=concise&limit=${PAGE}&offset=${offset}&count=true`;
      const { body, headers } = await ask(`${API}/entities?${query}`);
      for (const entity of body) {
        seen.add(entity.id);
        this.#take(entity);
      }
      this.#tell(null, { all: true });
      if (body.length < PAGE) return;
      if (seen.size >= look.entities) {
        this.cut += Math.max(0, Number(headers.get("NGSILD-Results-Count") ?? 0) - offset - body.length);
        return;
      }
    }
  }

  #apply(change) {
    if (typeof change.id !== "string") return;
    if (Number.isFinite(change.seq)) {
      if (this.#seq !== null && change.seq <= this.#seq) return; // sent again after a resume
      this.#seq = change.seq;
    }
    if (change.gone || !change.entity) this.#drop(change.id);
    else this.#take({ ...change.entity, id: change.id, type: change.entity.type ?? change.type }, change.changed ?? []);
  }

  #take(entity, changed = null) {
    if (typeof entity?.id !== "string") return;
    const { id } = entity;
    const kind = kindOf(entity);
    this.entities.set(id, entity);
    if (kind === "Alert") this.#note(entity);
    else {
      const it = station(entity);
      if (it) {
        it.heard = changed ? performance.now() : 0;
        this.stations.set(id, it);
      } else this.stations.delete(id);
      const shape = shapeOf(entity);
      if (shape && !NO_SHAPE.test(shape.type)) this.shapes.set(id, entity);
      else this.shapes.delete(id);
    }
    this.#tell(id);
  }

  #note(alert) {
    const before = this.alerts.get(alert.id);
    if (before) this.#about.get(said(before, "alertSource"))?.delete(alert.id);
    this.alerts.set(alert.id, alert);
    const source = said(alert, "alertSource");
    if (text(alert, "status") === "closed") return;
    if (!this.#about.has(source)) this.#about.set(source, new Map());
    this.#about.get(source).set(alert.id, alert);
  }

  #drop(id) {
    const alert = this.alerts.get(id);
    if (alert) this.#about.get(said(alert, "alertSource"))?.delete(id);
    for (const held of [this.entities, this.stations, this.shapes, this.alerts]) held.delete(id);
    this.#tell(id);
  }
}

const chunks = (list, size) => Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));

/** The history of one attribute, [[milliseconds, value], ...] in order of time; `cut` when there was more than we ask for. */
export async function history(id, name, since, until, { signal } = {}) {
  const found = new Map();
  let end = null;
  for (let page = 0; page < 10; page++) {
    const span = end === null ? `timerel=after&timeAt=${iso(since)}` : `timerel=between&timeAt=${iso(since)}&endTimeAt=${iso(end)}`;
    const query = `attrs=${encodeURIComponent(name)}&${span}&lastN=1000&options=temporalValues`;
    let body;
    try {
      ({ body } = await ask(`${API}/temporal/entities/${encodeURIComponent(id)}?${query}`, { signal }));
    } catch (fault) {
      if (fault.status === 404) break; // nothing was ever said of it: an empty chart, not a failure
      throw fault;
    }
    const stated = body?.[name];
    const values = (Array.isArray(stated) ? stated.flatMap((one) => one.values ?? []) : stated?.values) ?? [];
    const before = found.size;
    let oldest = Infinity;
    for (const [value, written] of values) {
      const at = moment(written);
      if (typeof value !== "number" || at === null) continue;
      oldest = Math.min(oldest, at);
      if (at >= since && at <= until) found.set(at, value);
    }
    if (values.length < 1000 || found.size === before || oldest <= since) return done(found, false);
    end = oldest;
  }
  return done(found, found.size >= 10_000);
}

const iso = (at) => new Date(at).toISOString().replace(".000Z", "Z");
const done = (found, cut) => ({ values: [...found].sort((a, b) => a[0] - b[0]), cut });

/** Where a machine finds the same history. */
export const historyLink = (id, name, since) =>
  `${API}/temporal/entities/${encodeURIComponent(id)}?attrs=${encodeURIComponent(name)}&timerel=after&timeAt=${iso(since)}&lastN=1000&options=temporalValues`;

/** Where people read an entity. */
export const entityLink = (id) => `/entities/${encodeURIComponent(id).replaceAll("%3A", ":")}`;

/** The frost forecasts of a station, as entities. */
export async function forecasts(id, { signal } = {}) {
  const q = encodeURIComponent(`refStation=="${id.replaceAll('"', "%22")}"`);
  const { body } = await ask(`${API}/entities?type=WeatherForecast&q=${q}&options=concise&limit=1000`, { signal });
  return body.filter((one) => said(one, "refStation") === id);
}
