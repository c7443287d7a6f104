// What the page of participation shares: how acts and views are asked, how texts, states, sums and times are written.

import { h, sign } from "../dom.js";
import { ask, DESK } from "../doors.js";
import { look } from "../words.js";

/** Do something: what the city answers. Raises Failed. */
export const act = async (verb, said) => (await ask(`${DESK}/participation/${verb}`, { method: "POST", send: said })).body;

/** What a view answers. */
export const view = async (name, asked = {}) => (await ask(`${DESK}/participation/${name}?${new URLSearchParams(asked)}`)).body;

const SIGNS = { shown: "ok", admissible: "ok", chosen: "ok", delivered: "ok", open: "ok", counted: "ok", held: "watch", "under-way": "watch", opening: "watch", hidden: "alarm", rejected: "alarm", refused: "alarm" };

/** How something stands. */
export const status = (word) => sign(SIGNS[word] ?? "stale", inWords(word));

/** A code as words. */
export function inWords(code) {
  const said = String(code ?? "").replaceAll("-", " ");
  return said ? said[0].toUpperCase() + said.slice(1) : "";
}

/** A text by language, in this city's, else in whatever there is. */
export function title(said) {
  if (!said || typeof said === "string") return said ?? "";
  return said[look.language.split("-")[0]] ?? said.en ?? Object.values(said)[0] ?? "";
}

/** A sum, in whole units. */
export const money = (sum) => (typeof sum === "number" ? sum.toLocaleString(look.language) : null);

/** A time that somebody wrote (`2026-05-01`, `2026-05-01 08:00`, UTC), as the city reads it. */
export function date(said) {
  const found = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d))?/.exec((said ?? "").trim());
  return found ? `${found[1]}T${found[2] ?? "00:00"}:00Z` : String(said ?? "");
}

/** Lines of words; a day and its hour are one word. */
export const lines = (said) => said.split("\n").map((line) => line.trim().replace(/(\d) (\d\d:\d\d)/g, "$1T$2").split(/\s+/)).filter(([first]) => first);

/** Fill a select, keeping what is chosen. */
export function choices(select, all, chosen) {
  const what = JSON.stringify([all, chosen]);
  if (select.said === what) return;
  select.said = what;
  select.replaceChildren(...all.map(([value, word]) => h("option", { value, selected: value === chosen }, word)));
}

export const text = (name, most, more = {}) => h("input", { name, maxlength: most, autocomplete: "off", ...more });
export const area = (name, most, more = {}, said = "") => h("textarea", { name, rows: 4, maxlength: most, ...more }, said);
export const field = (label, control) => h("label", { class: "line" }, h("span", {}, label), control);
