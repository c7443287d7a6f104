// What the pages of strategy and of the solutions bank share: how acts and views are asked, how sums and states are written.

import { h, sign } from "../dom.js";
import { ask, DESK } from "../doors.js";
import { look } from "../words.js";

/** Do something of an app: what the city answers. Raises Failed. */
export const act = async (app, verb, said) => (await ask(`${DESK}/${app}/${verb}`, { method: "POST", send: said })).body;

/** What a view of an app answers. */
export const view = async (app, name, asked = {}) => (await ask(`${DESK}/${app}/${name}?${new URLSearchParams(asked)}`)).body;

/** A code as words. */
export function inWords(code) {
  const said = String(code ?? "").replaceAll("-", " ");
  return said ? said[0].toUpperCase() + said.slice(1) : "";
}

const SIGNS = { listed: "ok", approved: "ok", "under-way": "ok", running: "ok", "in-force": "ok", met: "ok", "as expected": "ok", more: "ok", measured: "ok", submitted: "watch", proposed: "stale", modelled: "watch", claimed: "missing", planned: "stale", "not known": "missing", "cannot say": "missing", soon: "watch", due: "alarm", less: "alarm", "not met": "alarm", rejected: "alarm", conflict: "alarm", newer: "watch", late: "alarm" };

/** How something stands: shape, colour and word. */
export const state = (word) => sign(SIGNS[word] ?? "stale", inWords(word));

/** A number of at most so many decimals, with a true minus. */
export function plain(value, decimals = 1) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "—";
  return value.toLocaleString(look.language, { maximumFractionDigits: decimals }).replace("-", "−");
}

/** A sum in a currency: whole from 100 on. */
export const money = (value, currency = "") => (value === null || value === undefined ? "—" : `${plain(value, Math.abs(value) < 100 ? 2 : 0)}${currency ? `\u00a0${currency}` : ""}`);

export const percent = (share, decimals = 1) => (share === null || share === undefined ? "—" : `${plain(share * 100, decimals)}\u00a0%`);

/** What something costs, in words. */
export const costOf = (cost) => (cost ? [money(cost.capital, cost.currency), cost.yearly ? `, ${money(cost.yearly)} a year` : "", h("span", { class: "sub" }, `prices of ${cost.year}`)] : h("span", { class: "quiet" }, "not said"));

/** A change of an indicator, in words. */
export const changeOf = (it) => `${it.change > 0 ? "+" : ""}${plain(it.change, 3)}${it.unit ? `\u00a0${it.unit}` : ""}${it.perYears ? ` in ${plain(it.perYears)} y` : ""}`;

export const tail = (id) => String(id ?? "").split(":").pop();
export const text = (name, most, more = {}) => h("input", { name, maxlength: most, autocomplete: "off", ...more });
export const area = (name, most, said = "", more = {}) => h("textarea", { name, rows: 3, maxlength: most, ...more }, said);
export const field = (label, control) => h("label", { class: "line" }, h("span", {}, label), control);
export const pick = (name, all, chosen, none = null) => h("select", { name }, none === null ? null : h("option", { value: "" }, none), all.map((one) => (Array.isArray(one) ? one : [one, inWords(one)])).map(([value, word]) => h("option", { value, selected: value === chosen }, word)));

/** Say in each cell of the tables of a box what its column is: where columns stand below each other, on a phone, it is shown. */
export function named(box) {
  for (const table of box.querySelectorAll(".str-table")) {
    const words = [...(table.tHead?.rows[0]?.cells ?? [])].map((cell) => cell.textContent);
    for (const row of words.length ? table.tBodies[0].rows : []) [...row.cells].forEach((cell, i) => i && words[i] && (cell.dataset.column = words[i]));
  }
}

/** An element of a drawing. */
export function s(tag, props = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(props)) if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
  made.append(...children.flat().filter((one) => one !== null && one !== undefined && one !== false));
  return made;
}

/** Lines of `a | b | c`: each its parts, without blanks. */
export const rows = (said) => String(said ?? "").split("\n").map((line) => line.trim()).filter(Boolean).map((line) => line.split("|").map((part) => part.trim()));

/** A number that somebody typed; a text stays one, so that the city says what is wrong with it. */
export function number(said) {
  const value = String(said ?? "").trim().replaceAll("\u00a0", "").replaceAll(" ", "");
  return value !== "" && Number.isFinite(Number(value)) ? Number(value) : value;
}
