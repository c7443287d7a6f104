// What the city was at an instant, going forward with what happened: also in a film, so it needs no other module.

const isMap = (it) => typeof it === "object" && it !== null && !Array.isArray(it);

/** The value of an attribute of a concise entity; null when it is not said. */
export function valueOf(entity, name) {
  let stated = entity?.[name];
  if (Array.isArray(stated)) stated = stated.filter(isMap).find((one) => !("datasetId" in one)) ?? stated[0];
  if (isMap(stated)) for (const member of ["value", "object", "vocab", "json"]) if (member in stated) return stated[member];
  return stated ?? null;
}

export const typeOf = (entity) => String((Array.isArray(entity?.type) ? entity.type[0] : entity?.type) ?? "");
export const lastPart = (id) => String(id ?? "").split(":").pop();
export const nameOf = (entity) => {
  const name = valueOf(entity, "name") ?? valueOf(entity, "title");
  return typeof name === "string" && name.trim() ? name.trim() : lastPart(entity?.id);
};

/** Entities as of `at` (milliseconds), and the Changes that are known beyond it, in order. */
export class Record {
  entities = new Map();
  at = 0;
  known = 0; // until when Changes are known
  #ahead = [];
  #next = 0;

  /** Begin anew with a picture. */
  set(at, entities) {
    this.entities = new Map(entities.map((one) => [one.id, one]));
    this.at = this.known = at;
    this.#ahead = [];
    this.#next = 0;
  }

  /** More Changes are known, until `until`. */
  add(changes, until) {
    this.#ahead = this.#next ? this.#ahead.slice(this.#next) : this.#ahead;
    this.#next = 0;
    for (const one of changes) this.#ahead.push(one);
    this.known = Math.max(this.known, until);
  }

  /** Go forward to `at`; the ids of what changed. */
  go(at) {
    const touched = new Set();
    const end = Math.min(at, this.known);
    while (this.#next < this.#ahead.length && this.#ahead[this.#next].at <= end) {
      const one = this.#ahead[this.#next++];
      touched.add(one.id);
      if (one.gone) this.entities.delete(one.id);
      else if (one.entity) this.entities.set(one.id, one.entity);
      else if (this.entities.has(one.id)) {
        const now = { ...this.entities.get(one.id) };
        for (const [name, value] of Object.entries(one.set ?? {})) {
          if (value === null) delete now[name];
          else now[name] = value;
        }
        this.entities.set(one.id, now);
      }
    }
    this.at = Math.max(this.at, end);
    return touched;
  }
}

/** What a mark or a doing says, in a few words. */
export function toldOf(one) {
  if (one.gone) return "taken away";
  const said = Object.entries(one.set ?? {}).map(([name, value]) => {
    const it = isMap(value) ? (value.value ?? value.object ?? value.vocab ?? value.json ?? "…") : value;
    const text = it === null ? "removed" : typeof it === "object" ? "…" : String(it);
    return `${name} ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`;
  });
  return `${one.new ? "made: " : ""}${said.slice(0, 4).join(", ")}${said.length > 4 ? ` and ${said.length - 4} more` : ""}`;
}

/** The kind of a mark: alarm, cleared, incident, command. */
export function kindOfMark(one) {
  if (one.type === "Incident") return "incident";
  if (one.type === "Command") return "command";
  const status = one.set?.status;
  const word = isMap(status) ? status.value : status;
  if (word === "open") return "alarm";
  return word === "closed" ? "cleared" : "alarm-more";
}
