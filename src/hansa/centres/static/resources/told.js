// What the page of resources shares: how an act is sent, how a resource and a time are written.

import { h, sign } from "../dom.js";
import { ask, DESK } from "../doors.js";
import { lasting } from "../words.js";

/** Do something: what the city answers. Raises Failed. */
export const act = async (verb, said) => (await ask(`${DESK}/resources/${verb}`, { method: "POST", send: said })).body;

/** What a view answers. */
export const view = async (name, asked = {}) => (await ask(`${DESK}/resources/${name}?${new URLSearchParams(asked)}`)).body;

export const STATUSES = { available: ["ok", "Available"], assigned: ["watch", "Assigned"], travelling: ["watch", "On its way"], "on-scene": ["watch", "On scene"], "out-of-service": ["alarm", "Out of service"] };
const PLACES = new Set(["shelter", "bed", "ward", "hospital"]);

/** Whether it gives places instead of going somewhere. */
export const hasPlaces = (one) => PLACES.has(one.kind);

/** How it stands. */
export function stateOf(one) {
  if (one.status === "available" && one.kept === "nobody on duty") return sign("stale", "Nobody on duty");
  if (one.status === "available" && one.kept === "full") return sign("watch", "Full");
  return sign(...(STATUSES[one.status] ?? ["stale", String(one.status)]));
}

/** How long it takes, and how that is known: the road is solid, the straight line is named. */
export function etaOf(eta) {
  if (!eta) return h("span", { class: "quiet" }, "—");
  if (eta.seconds === null) return h("span", { class: "res-eta none" }, eta.how);
  return h("span", { class: `res-eta${eta.how === "road" ? "" : " guess"}`, title: eta.how }, lasting(eta.seconds * 1000), eta.how === "road" ? "" : h("span", { class: "quiet" }, " straight line"));
}

/** How many places are free, of what has places. */
export const room = (one) => (one.capacity === null || one.capacity === undefined ? "" : `${Math.max(0, one.capacity - (one.occupied ?? 0))} of ${one.capacity} free`);

/** The end of an id. */
export const tail = (id) => String(id ?? "").split(":").pop();

export const text = (name, most, more = {}) => h("input", { name, maxlength: most, autocomplete: "off", ...more });
export const field = (label, control) => h("label", { class: "line" }, h("span", {}, label), control);
