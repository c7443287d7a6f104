// What the page of warnings shares: how an act is sent, how a warning, its state and a channel are written.

import { h, sign } from "../dom.js";
import { ask, DESK } from "../doors.js";

/** Do something: what the city answers. Raises Failed; who has to show himself again is sent to do so, and back. */
export async function act(verb, said) {
  try {
    return (await ask(`${DESK}/warnings/${verb}`, { method: "POST", send: said })).body;
  } catch (problem) {
    if (problem.problem?.stepUp) location.assign(`${problem.problem.stepUp}&next=${encodeURIComponent(location.pathname + location.search)}`);
    throw problem;
  }
}

/** What a view answers. */
export const view = async (name, asked = {}) => (await ask(`${DESK}/warnings/${name}?${new URLSearchParams(asked)}`)).body;

/** The address of a view, for a link to a file. */
export const file = (name, asked) => `${DESK}/warnings/${name}?${new URLSearchParams(asked)}`;

export const STATES = { draft: ["stale", "Draft"], proposed: ["watch", "Proposed"], approved: ["watch", "Approved"], sent: ["alarm", "In force"], updated: ["stale", "Updated"], cancelled: ["ok", "Cancelled"], expired: ["stale", "Expired"], discarded: ["stale", "Put away"] };
export const STATUSES = { held: "held for quiet hours", waiting: "waiting to be sent", sending: "being sent", handed: "taken by the gateway", failed: "failed", confirmed: "confirmed", escalated: "with a human", reached: "reached by a human", unreached: "not reached", ended: "ended untold" };
export const KINDS = { push: "Push", email: "E-mail", sms: "Text message", webhook: "Webhook", mqtt: "Device", display: "Display", print: "Printed page", phone: "Telephone", none: "No channel" };
export const TONGUES = { en: "English", fr: "Français", es: "Español", ar: "العربية", ja: "日本語" };

/** How a warning stands. */
export const stateOf = (state) => sign(...(STATES[state] ?? ["stale", String(state)]));

/** How grave it is: colour, shape and word. */
export const graveOf = (severity) => h("span", { class: `warn-grave ${severity}` }, severity);

/** Exercise or test, said loudly; nothing for what is real. */
export const flagOf = (one) => (one.status === "Actual" ? null : h("span", { class: "warn-flag" }, one.status));

/** A table: heads as [word, numeric], rows of cells; the first cell is the row's head. */
export function table(caption, heads, rows) {
  const cell = (value, i) => (i ? h("td", { class: heads[i][1] ? "num" : null }, value) : h("th", { scope: "row" }, value));
  return h("div", { class: "warn-scroll", tabindex: 0, role: "region", "aria-label": caption }, h("table", { class: "warn-table" }, h("caption", { class: "unseen" }, caption), h("thead", {}, h("tr", {}, heads.map(([word, numeric]) => h("th", { scope: "col", class: numeric ? "num" : null }, word)))), h("tbody", {}, rows.map((row) => h("tr", {}, row.map((one, i) => cell(one ?? "", i)))))));
}

export const percent = (share) => (share === null || share === undefined ? "" : `${Math.round(share * 100)} %`);
