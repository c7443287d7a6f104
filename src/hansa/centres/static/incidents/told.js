// What the pages of incidents share: how an act is sent, how Changes are heard, how people and times are written.

import { h, sign } from "../dom.js";
import { ask, DESK, Failed, LIVE, room } from "../doors.js";
import { clockText, lasting, whenText } from "../words.js";

export const STATES = { new: ["watch", "New"], verified: ["watch", "Verified"], open: ["alarm", "Open"], contained: ["watch", "Contained"], resolved: ["ok", "Resolved"], reviewed: ["stale", "Reviewed"], merged: ["stale", "Merged"] };
export const SEVERITIES = ["critical", "high", "medium", "low", "informational"];
export const POSTS = ["commander", "operations", "planning", "logistics", "finance", "safety", "information", "liaison", "scribe"];
const AGAIN_MS = 250; // many Changes make one look
const LEAST_MS = 1000; // between two looks: a hundred desks look at one incident

/** Do something with an incident, a task or a run: what the city answers. Raises Failed. */
export const act = async (verb, id, said = {}) => (await ask(`${DESK}/incidents/${verb}`, { method: "POST", send: { ...(id ? { id } : {}), ...said } })).body;

/** What a view answers. */
export const view = async (name, asked = {}) => (await ask(`${DESK}/incidents/${name}?${new URLSearchParams(asked)}`)).body;

/** Give an incident a file; what the city kept. Raises Failed. */
export async function attach(id, given, caption) {
  const query = new URLSearchParams({ name: given.name, ...(caption ? { caption } : {}) });
  let answer;
  try {
    answer = await fetch(`${room(`/media/${encodeURIComponent(id)}`)}?${query}`, { method: "POST", body: given, headers: { "x-hansa": "page", "content-type": "application/octet-stream" } });
  } catch {
    throw new Failed("The file did not arrive.", "Check the network; then try again.");
  }
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw new Failed(body?.detail ?? `The city answered ${answer.status}.`, body?.mend ?? "", answer.status, body);
  return body;
}

/** Where a file of an incident is. */
export const mediaOf = (id, one) => room(`/media/${encodeURIComponent(id).replaceAll("%3A", ":")}/${one.sha256}`);

/** Bytes as people say them. */
export const bytes = (size) => (size < 1000 ? `${size} B` : size < 1e6 ? `${Math.round(size / 1000)} kB` : `${(size / 1e6).toFixed(1)} MB`);

/** The address of a view, for a link to a file. */
export const file = (name, asked) => `${DESK}/incidents/${name}?${new URLSearchParams(asked)}`;

/** The page of an incident. */
export const page = (id) => room(`/incidents/${encodeURIComponent(id).replaceAll("%3A", ":")}`);

/** Somebody as people call him. */
export const who = (id) => String(id ?? "").replace(/^person:/, "");

/** The short name of an incident: what one says over a radio. */
export const call = (id) => String(id).split(":").pop();

export const stateOf = (status) => sign(...(STATES[status] ?? ["stale", String(status)]));
export const severityOf = (severity) => h("span", { class: `sev ${SEVERITIES.includes(severity) ? severity : "low"}` }, severity);
export const drillFlag = () => h("strong", { class: "drill-flag" }, "Drill");

/** An instant of the city (ISO text) as an element; empty where there is none. */
export function when(text, now) {
  const at = Date.parse(text ?? "");
  return Number.isNaN(at) ? "" : h("time", { datetime: text, title: text }, whenText(at, now));
}

export function clock(text) {
  const at = Date.parse(text ?? "");
  return Number.isNaN(at) ? "" : clockText(at);
}

/** How long until an instant, or since: "in 5 min", "12 min late". */
export function left(text, now) {
  const at = Date.parse(text ?? "");
  if (Number.isNaN(at)) return "";
  return at >= now ? `in ${lasting(at - now)}` : `${lasting(now - at)} late`;
}

/**
 * Hear of Changes of some types: `heard()` soon after one whose text `concerns` says yes to, and after every gap;
 * `phase("live" | "waiting")` when the stream comes and goes.
 */
export function watching(types, concerns, heard, phase) {
  let due = 0;
  let tries = 0;
  let again = 0;
  let stream = null;
  let last = 0;
  const soon = () => (due ||= setTimeout(() => ((due = 0), (last = performance.now()), heard()), Math.max(AGAIN_MS, last + LEAST_MS - performance.now())));
  const open = () => {
    clearTimeout(again);
    stream?.close();
    const mine = new EventSource(`${LIVE}?type=${types.join(",")}`);
    stream = mine;
    mine.addEventListener("hello", () => ((tries = 0), phase("live"), soon())); // whatever was missed is in what is read now
    mine.addEventListener("reset", soon);
    mine.addEventListener("change", (event) => concerns(event.data) && soon());
    mine.onerror = () => {
      if (mine !== stream) return;
      mine.close();
      phase("waiting");
      again = setTimeout(open, Math.min(30_000, 500 * 2 ** tries++) * (0.75 + Math.random() / 2));
    };
  };
  addEventListener("online", open);
  open();
}

/** Fill `box` with what `make()` gives when `what` is not what stands there; who had a thing focused has it again. */
export function renew(box, what, make) {
  const said = JSON.stringify(what);
  if (box.said === said) return;
  box.said = said;
  const held = box.contains(document.activeElement) ? document.activeElement.dataset.f : null;
  box.replaceChildren(...[make()].flat(3).filter((one) => one !== null && one !== undefined && one !== false && one !== ""));
  if (held) box.querySelector(`[data-f="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
}

/** A line of a sheet. */
export const field = (label, control) => h("label", { class: "line" }, h("span", {}, label), control);
export const input = (name, most, more = {}) => h("input", { name, maxlength: most, autocomplete: "off", ...more });
export const area = (name, most, more = {}) => h("textarea", { name, rows: 4, maxlength: most, ...more });
export const choose = (name, options, chosen, more = {}) => h("select", { name, ...more }, options.map((one) => h("option", { value: [one].flat()[0], selected: [one].flat()[0] === chosen }, [one].flat().at(-1))));

/** Minutes from now, as what the city takes. */
export const inMinutes = (minutes, now) => new Date(now + Math.max(1, Number(minutes)) * 60_000).toISOString().replace(/\.\d+Z$/, "Z");
