// What the page of commands shares: how an act is sent, how far a command has come, in words and signs.

import { h, sign } from "../dom.js";
import { ask, DESK } from "../doors.js";
import { lasting } from "../words.js";

/** Do something: what the city answers. Raises Failed. */
export const act = async (verb, said) => (await ask(`${DESK}/commands/${verb}`, { method: "POST", send: said })).body;

/** What a view answers. */
export const view = async (name, asked = {}) => (await ask(`${DESK}/commands/${name}?${new URLSearchParams(asked)}`)).body;

const RESULTS = {
  confirmed: ["ok", "Confirmed"],
  delivered: ["ok", "Taken"],
  "not confirmed": ["alarm", "Not confirmed"],
  "not delivered": ["alarm", "Not reached"],
  rejected: ["alarm", "Refused by the device"],
  withheld: ["alarm", "Withheld"],
  "not approved": ["stale", "Nobody approved"],
  denied: ["stale", "Denied"],
  cancelled: ["stale", "Taken back"],
  drill: ["stale", "Drill, not sent"],
};
const STATUSES = {
  requested: ["watch", "Waits for approval"],
  pending: ["watch", "On its way"],
  delivered: ["watch", "Taken, not read back"],
  blocked: ["alarm", "Withheld"],
  expired: ["alarm", "Not reached"],
};

/** How far a command has come: [kind of sign, word]. What a person decided is known before the city has said what came of it. */
export const stateOf = (one) => RESULTS[one.result] ?? STATUSES[one.status] ?? RESULTS[one.status] ?? ["stale", String(one.status ?? "—")];
export const stateSign = (one) => sign(...stateOf(one));

/** Whether something is still to come of it. */
export const open = (one) => !one.result && ["requested", "pending", "delivered"].includes(one.status);

/** Whether somebody should look. */
export const bad = (one) => stateOf(one)[0] === "alarm";

/** Until when the next step must have come (milliseconds), or null. */
export function due(one) {
  if (!open(one)) return null;
  if (one.status === "requested") return Date.parse(one.approveBy ?? "") || null;
  if (one.status === "pending") return Date.parse(one.sendBy ?? "") || null;
  return one.expects && one.deliveredAt ? Date.parse(one.deliveredAt) + one.expects.within * 1000 : null;
}

/** How long is left, in words. */
export function left(one, now) {
  const at = due(one);
  if (at === null) return "";
  return at >= now ? `${lasting(at - now)} left` : "too late";
}

/** A payload on one line. */
export const said = (payload) => {
  if (payload === null || typeof payload !== "object" || Array.isArray(payload)) return JSON.stringify(payload);
  return Object.entries(payload).map(([name, value]) => `${name} = ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");
};

/** What is to be read back, as a sentence. */
export const expected = (it) => `${it.attribute} of ${it.entity.split(":").pop()} becomes ${it.value}${it.tolerance ? ` ± ${it.tolerance}` : ""} within ${lasting(it.within * 1000)}`;

export const code = (it) => h("pre", { class: "code", tabindex: "0" }, JSON.stringify(it, null, 2));
