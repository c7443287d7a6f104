// What the page of requests shares: how an act is sent, how a request, its clock and its steps are written.

import { h, sign } from "../dom.js";
import { ask, DESK } from "../doors.js";
import { look, whenText } from "../words.js";

/** Do something: what the city answers. Raises Failed. */
export const act = async (verb, said) => (await ask(`${DESK}/requests/${verb}`, { method: "POST", send: said })).body;

/** What a view answers. */
export const view = async (name, asked = {}) => (await ask(`${DESK}/requests/${name}?${new URLSearchParams(asked)}`)).body;

/** The words of the page's language, or whatever there is. */
export const inWords = (words) => (typeof words === "string" ? words : words?.[look.language] ?? words?.en ?? Object.values(words ?? {})[0] ?? "");

export const STEPS = {
  received: ["watch", "New"],
  triaged: ["ok", "Looked at"],
  routed: ["ok", "Passed on"],
  planned: ["ok", "Planned"],
  "in-progress": ["ok", "Under way"],
  waiting: ["stale", "Waits for the resident"],
  answered: ["ok", "Answered"],
  reopened: ["watch", "Reopened"],
  duplicate: ["stale", "Joined"],
  done: ["ok", "Done"],
  declined: ["stale", "Declined"],
};
export const stepOf = (one) => sign(...(STEPS[one.step] ?? ["stale", String(one.step)]));

export const KINDS = {
  received: "came in", triaged: "looked at", routed: "passed on", step: "went on", asked: "asked the resident", replied: "the resident replied", answered: "answered", closed: "closed",
  reopened: "reopened", joined: "joined to another", took: "took another in", split: "split again", "let-go": "let another go", "not-the-same": "not the same as another", hidden: "words hidden",
  "photo-shown": "photograph shown to everybody", "photo-hidden": "photograph taken back", placed: "put in its place", near: "near its time", breached: "over its time", rated: "rated",
};

/** The clock of a request: how long is left, or how long it is over; by shape, colour and word. */
export function dueOf(one, now) {
  if (one.clock === "stopped") return sign("stale", "Clock stands");
  if (one.status !== "open") return h("span", { class: "quiet" }, "—");
  if (!one.due) return h("span", { class: "quiet" }, one.into ? "follows" : "—");
  const what = one.dueFor === "answer" ? "answer" : "done";
  const when = whenText(Date.parse(one.due), now);
  const late = Date.parse(one.due) < now;
  return h("span", {}, sign(late ? "alarm" : one.warned?.includes(one.dueFor) ? "watch" : "ok", late ? "Late" : one.warned?.includes(one.dueFor) ? "Soon" : "In time"), h("span", { class: "sub" }, `${what} by ${when}`));
}

export const share = (value) => (value === null || value === undefined ? "—" : `${Math.round(value * 100)} %`);
export const hours = (it, which) => (it ? (it[which] < 48 ? `${it[which].toLocaleString("en")} h` : `${(it[which] / 24).toFixed(1)} d`) : "—");
export const text = (name, most, more = {}) => h("input", { name, maxlength: most, autocomplete: "off", ...more });
export const area = (name, most, more = {}, value = "") => h("textarea", { name, maxlength: most, rows: 4, ...more }, value);
export const field = (label, control) => h("label", { class: "line" }, h("span", {}, label), control);
export const choose = (name, all, chosen = "") => h("select", { name }, all.map(([value, word]) => h("option", { value, selected: value === chosen }, word)));
