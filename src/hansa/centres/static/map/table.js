// The points of a map in columns: typed arrays that grow, rows found by id. No DOM: this runs in the worker.

/** Web Mercator of longitude and latitude in the unit square; y grows to the south. */
export const east = (lon) => lon / 360 + 0.5;
export const south = (lat) => 0.5 - Math.log(Math.tan(Math.PI / 4 + (Math.max(-85.06, Math.min(85.06, lat)) * Math.PI) / 360)) / (2 * Math.PI);
export const lonOf = (x) => (x - 0.5) * 360;
export const latOf = (y) => (Math.atan(Math.exp((0.5 - y) * 2 * Math.PI)) * 360) / Math.PI - 90;

const FIRST = 4096;

export class Table {
  n = 0; // rows, of which some may be free
  live = 0; // rows in use
  types = []; // names; `kind` holds places in it
  attrs = [];
  units = [""];
  #room = 0;
  #row = new Map();
  #free = [];
  #typeAt = new Map();
  #attrAt = new Map();
  #unitAt = new Map([["", 0]]);

  constructor() {
    this.id = [];
    this.name = [];
    this.device = [];
    this.#grow(FIRST);
  }

  #grow(room) {
    const more = (Kind, old) => {
      const made = new Kind(room);
      if (old) made.set(old);
      return made;
    };
    this.x = more(Float64Array, this.x);
    this.y = more(Float64Array, this.y);
    this.value = more(Float32Array, this.value);
    this.at = more(Uint32Array, this.at); // seconds; 0: nobody said when
    this.kind = more(Uint8Array, this.kind);
    this.of = more(Uint8Array, this.of); // 255: no value
    this.unit = more(Uint8Array, this.unit); // 0: none
    this.alarm = more(Uint8Array, this.alarm); // 0 none, 1 silence, 2 watch, 3 alarm
    this.used = more(Uint8Array, this.used);
    this.#room = room;
  }

  row(id) {
    return this.#row.get(id);
  }

  type(name) {
    return this.#place(name, this.types, this.#typeAt);
  }

  #place(name, list, known) {
    let at = known.get(name);
    if (at === undefined) {
      at = Math.min(254, list.length);
      known.set(name, at);
      if (list.length < 255) list.push(name);
    }
    return at;
  }

  /** Take in a block of `model.spot`; calls `touched(row, isNew)` for each row. Gives how many rows are new or gone. */
  take(block, touched = () => {}) {
    const { id, type, name, lon, lat, value, of, at, device, prefix } = block;
    const types = block.types.map((one) => this.type(one));
    const attrs = block.attrs.map((one) => this.#place(one, this.attrs, this.#attrAt));
    const units = block.units.map((one) => this.#place(one, this.units, this.#unitAt));
    let changed = 0;
    for (const one of block.gone ?? []) changed += this.drop(one);
    const devices = device.length > 0;
    if (this.n + id.length > this.#room) this.#grow(2 ** Math.ceil(Math.log2(this.n + id.length)));
    for (let i = 0; i < id.length; i++) {
      const whole = prefix + id[i];
      let row = this.#row.get(whole);
      const fresh = row === undefined;
      if (fresh) {
        row = this.#free.pop() ?? this.n++;
        this.#row.set(whole, row);
        this.id[row] = whole;
        this.used[row] = 1;
        this.alarm[row] = 0;
        this.live += 1;
        changed += 1;
      }
      this.x[row] = east(lon[i]);
      this.y[row] = south(lat[i]);
      this.kind[row] = types[type[i]];
      this.name[row] = name[i] ?? "";
      this.value[row] = value[i] ?? NaN;
      this.of[row] = of[i] === null ? 255 : attrs[of[i]];
      this.unit[row] = block.unit[i] === null ? 0 : units[block.unit[i]];
      this.at[row] = at[i] ?? 0;
      if (devices || this.device.length) this.device[row] = devices ? device[i] : null;
      touched(row, fresh);
    }
    return changed;
  }

  drop(id) {
    const row = this.#row.get(id);
    if (row === undefined) return 0;
    this.#row.delete(id);
    this.used[row] = 0;
    this.id[row] = this.name[row] = "";
    this.#free.push(row);
    this.live -= 1;
    return 1;
  }

  /** What people call a row: its name, else the last part of its id. */
  called(row) {
    return this.name[row].trim() || this.id[row].slice(this.id[row].lastIndexOf(":") + 1);
  }
}
