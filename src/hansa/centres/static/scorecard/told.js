// What the page of the scorecard shares: how it is asked and told, how a value, a band and a picture are written.

import { h, sign } from "../dom.js";
import { ask, DESK, Failed } from "../doors.js";

const SVG = "http://www.w3.org/2000/svg";

/** What a view answers. */
export const view = async (name, asked = {}) => (await ask(file(name, asked))).body;

/** The address of a view, for a link to a file. */
export const file = (name, asked = {}) => `${DESK}/scorecard/${name}?${new URLSearchParams(Object.entries(asked).filter(([, value]) => value !== "" && value !== undefined && value !== null))}`;

/** Do something: what the city answers. Raises Failed; who has to show himself again is sent to do so, and back. */
export async function act(verb, said) {
  try {
    return (await ask(`${DESK}/scorecard/${verb}`, { method: "POST", send: said })).body;
  } catch (problem) {
    if (problem.problem?.stepUp) location.assign(`${problem.problem.stepUp}&next=${encodeURIComponent(location.pathname + location.search)}`);
    throw problem;
  }
}

/** Send a form with files. Raises Failed, whose `problem` says where. */
export async function send(verb, form) {
  let answer;
  try {
    answer = await fetch(`${DESK}/scorecard/${verb}`, { method: "POST", body: form, headers: { accept: "application/json", "x-hansa": "page" } });
  } catch {
    throw new Failed("The city does not answer.", "Check the network and that hansa is running.");
  }
  const body = await answer.json().catch(() => null);
  if (answer.ok) return body;
  throw new Failed(body?.detail ?? `The city answered ${answer.status}.`, body?.mend ?? "", answer.status, body);
}

/** A number to read: grouped, with as many decimals as its size bears, a true minus. Files have all of it. */
export function number(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "—";
  const size = Math.abs(value);
  const many = size < 1 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: size < 10 ? 2 : size < 10_000 ? 1 : 0 };
  const text = value.toLocaleString("en", Number.isInteger(value) ? {} : many);
  return text.replace("-", "−");
}

/** A value with its unit; "1" is no unit. */
export const valued = (value, unit) => (value === null || value === undefined ? "—" : `${number(value)}${unit && unit !== "1" ? `\u00a0${unit}` : ""}`);

export const percent = (value, digits = 1) => (value === null || value === undefined ? "—" : `${value.toFixed(digits).replace("-", "−")}\u00a0%`);

const STATES = { verified: ["ok", "Verified"], reported: ["ok", "Reported"], "not reported": ["missing", "Not reported"], "not applicable": ["stale", "Does not apply"] };
export const stateOf = (status) => sign(...(STATES[status] ?? ["missing", String(status || "nothing yet")]));

/** A band: colour, bars (as many full as the band says) and its name. */
export function band(step, name, more = null) {
  const bars = h("span", { class: "bars", "aria-hidden": "true" }, [1, 2, 3, 4].map((n) => h("i", { class: step && n <= step ? "full" : "" })));
  return h("span", { class: `band ${step ? `band-${step}` : "band-none"}` }, bars, h("span", {}, name || "not scored"), more);
}

/** A picture that the city drew, as SVG: geometry and classes come from there, colours from the style sheet. */
export function picture(it, label, kind = "") {
  const made = (tag, props, text) => {
    const one = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(props)) one.setAttribute(name, value);
    if (text !== undefined) one.textContent = text;
    return one;
  };
  const svg = made("svg", { viewBox: `0 0 ${it.width} ${it.height}`, role: "img", "aria-label": label, class: `kpi-picture ${kind}`, focusable: "false" });
  for (const part of it.parts) {
    const at = part.points.map((point) => point.join(",")).join(" ");
    const [x, y] = part.points[0] ?? [0, 0];
    const one = { area: () => made("polygon", { points: at, class: part.class }), line: () => made("polyline", { points: at, class: part.class }), dot: () => made("circle", { cx: x, cy: y, r: part.radius, class: part.class }), text: () => made("text", { x, y, class: part.class, "text-anchor": part.anchor }, part.text) }[part.kind]();
    if (part.title) one.append(made("title", {}, part.title));
    svg.append(one);
  }
  return svg;
}

/** A table: heads as [word, numeric], rows of cells or elements; the first cell is the row's head. */
export function table(caption, heads, rows, { seen = false, kind = "" } = {}) {
  const cell = (value, i) => (i ? h("td", { class: heads[i][1] ? "num" : null }, value) : h("th", { scope: "row" }, value));
  return h("div", { class: "kpi-scroll", tabindex: 0, role: "region", "aria-label": caption }, h("table", { class: `kpi-table ${kind}` }, h("caption", { class: seen ? null : "unseen" }, caption), h("thead", {}, h("tr", {}, heads.map(([word, numeric]) => h("th", { scope: "col", class: numeric ? "num" : null }, word)))), h("tbody", {}, rows.map((row) => (row instanceof Node ? row : h("tr", {}, row.map((one, i) => cell(one ?? "", i))))))));
}

export const text = (name, most, more = {}) => h("input", { name, maxlength: most, autocomplete: "off", ...more });
export const area = (name, most, more = {}, value = "") => h("textarea", { name, maxlength: most, rows: 3, ...more }, value);
export const field = (label, control) => h("label", { class: "line" }, h("span", {}, label), control);
export const choose = (name, all, chosen = "") => h("select", { name }, all.map(([value, word]) => h("option", { value, selected: value === chosen }, word)));

/** A number that somebody typed: comma or point, spaces between thousands; NaN where it can be read two ways. */
export function typed(said) {
  const plain = said.trim().replaceAll(/[\s\u00a0\u202f']/g, "");
  if (/^[-−]?\d{1,3}[.,]\d{3}$/.test(plain)) return Number.NaN; // 1.234: a thousand or a little more than one
  if (/^[-−]?\d+(,\d+)?$/.test(plain)) return Number(plain.replace("−", "-").replace(",", "."));
  return plain === "" ? Number.NaN : Number(plain.replace("−", "-"));
}

export const part = (heading, ...children) => h("section", { class: "kpi-part" }, h("h2", {}, heading), ...children);
export const count = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;
