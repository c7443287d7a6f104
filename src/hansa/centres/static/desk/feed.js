// The entities of some types as a desk knows them: loaded once, then kept by the stream of Changes, without a gap between.

import { ask, Failed, LIVE } from "../doors.js";
import { moment } from "../station.js";

const TOLD_MS = 50; // between one telling and the next: many Changes make one, the first waits for none

/**
 * A feed of `types`; `load` answers with all that is there now, as a list of entities (concise or normalized).
 * `told(ids | null, phase)` is called soon after something changed, with null when all of it may have.
 */
export class Feed {
  entities = new Map();
  phase = "loading"; // loading, live, waiting (no stream), failed
  fault = null;
  #types;
  #load;
  #told;
  #seq = null;
  #stream = null;
  #held = null;
  #loading = false;
  #anew = false;
  #loaded = false;
  #tries = 0;
  #again = 0;
  #resets = 0;
  #clock = null;
  #dirty = null;
  #toldAt = -Infinity;

  constructor(types, load, told) {
    this.#types = types;
    this.#load = load;
    this.#told = told;
  }

  /** The city's time in milliseconds, simulated or not. */
  now() {
    const clock = this.#clock;
    return clock ? clock.now + (performance.now() - clock.heard) * clock.rate : Date.now();
  }

  start() {
    this.#open();
    setTimeout(() => this.#loaded || this.#read(), 3000); // without a stream there is still what there is
    addEventListener("online", () => this.#open());
    document.addEventListener("visibilitychange", () => document.hidden || this.phase === "live" || this.#open());
  }

  /** Try again now, because somebody asked. */
  retry() {
    this.#open();
    this.#read();
  }

  #open() {
    clearTimeout(this.#again);
    this.#stream?.close();
    const stream = new EventSource(`${LIVE}?type=${this.#types.join(",")}${this.#seq === null ? "" : `&since=${this.#seq}`}`);
    this.#stream = stream;
    const heard = (name, fn) =>
      stream.addEventListener(name, (event) => {
        if (stream !== this.#stream) return;
        let data;
        try {
          data = JSON.parse(event.data);
        } catch {
          return; // one garbled event must not stop the rest
        }
        fn(data ?? {});
      });
    heard("hello", ({ seq }) => {
      this.#tries = 0;
      const placed = Number.isFinite(seq);
      if (!this.#loaded) {
        if (placed && this.#seq === null) this.#seq = seq;
        return this.#read();
      }
      // Who is not told places in the log cannot go on where it broke off; nor does a log that is another one now.
      if (!placed || (this.#seq !== null && seq < this.#seq)) return this.#reset(placed ? seq : null);
      this.#step("live");
    });
    heard("clock", (data) => {
      const now = moment(data.now);
      if (now !== null) this.#clock = { now, rate: Number.isFinite(data.rate) ? data.rate : 1, heard: performance.now() };
    });
    heard("reset", () => this.#reset(null));
    heard("change", (change) => (this.#held ? this.#held.push(change) : this.#apply(change)));
    stream.onerror = () => {
      if (stream !== this.#stream) return;
      stream.close(); // the browser would ask with the old `since`
      const wait = Math.min(30_000, 500 * 2 ** this.#tries++) * (0.75 + Math.random() / 2);
      this.#again = setTimeout(() => this.#open(), wait);
      if (this.phase === "live") this.#step("waiting");
      if (!this.#loaded) this.#read();
    };
  }

  #reset(seq) {
    this.#seq = seq;
    const wait = this.#resets ? Math.min(60_000, 2000 * 2 ** this.#resets) : 0; // a slow page must not answer each with a reload
    this.#resets += 1;
    setTimeout(() => (this.#resets = Math.max(0, this.#resets - 1)), 120_000);
    this.#held ??= [];
    setTimeout(() => this.#read(), wait);
  }

  async #read() {
    if (this.#loading) {
      this.#anew = this.#loaded;
      return;
    }
    this.#loading = true;
    this.#held ??= [];
    try {
      const found = await this.#load();
      this.entities = new Map(found.map((one) => [one.id, one]));
      this.#loaded = true;
      const held = this.#held;
      this.#held = null;
      for (const change of held) this.#apply(change);
      this.#step(this.#stream?.readyState === EventSource.OPEN ? "live" : "waiting");
      this.#tell(null);
    } catch (fault) {
      const kind = fault instanceof Failed ? fault : new Failed(`The page met a fault of its own: ${fault.message}`, "Reload it; if that does not help, tell whoever runs hansa.");
      this.#step(this.#loaded ? "waiting" : "failed", kind);
      setTimeout(() => this.#read(), 10_000);
    } finally {
      this.#loading = false;
      if (this.#anew) {
        this.#anew = false;
        this.#held ??= [];
        this.#read();
      }
    }
  }

  #apply(change) {
    if (typeof change.id !== "string") return;
    if (Number.isFinite(change.seq)) {
      if (this.#seq !== null && change.seq <= this.#seq) return; // sent again after a resume
      this.#seq = change.seq;
    }
    if (change.gone || !change.entity) this.entities.delete(change.id);
    else this.entities.set(change.id, { ...change.entity, id: change.id, type: change.entity.type ?? change.type });
    this.#tell(change.id);
  }

  #step(phase, fault = null) {
    if (this.phase === phase && this.fault === fault) return;
    this.phase = phase;
    this.fault = fault;
    this.#tell(undefined);
  }

  #tell(id) {
    if (!this.#dirty) {
      this.#dirty = { ids: new Set(), all: false };
      setTimeout(() => {
        const dirty = this.#dirty;
        this.#dirty = null;
        this.#toldAt = performance.now();
        this.#told(dirty.all ? null : dirty.ids, this.phase);
      }, Math.max(0, this.#toldAt + TOLD_MS - performance.now()));
    }
    if (id === null) this.#dirty.all = true;
    else if (id !== undefined) this.#dirty.ids.add(id);
  }
}
