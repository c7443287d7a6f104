// What the page of the city's data shares: how it is asked, how states, steps and guards are said.

import { h, sign } from "../dom.js";
import { ask, DESK, Failed } from "../doors.js";
import { look } from "../words.js";

/** Do something with the catalogue: what the city answers. Raises Failed. */
export const act = async (verb, said) => (await ask(`${DESK}/opendata/${verb}`, { method: "POST", send: said })).body;

/** What a view answers. */
export const view = async (name, asked = {}) => (await ask(`${DESK}/opendata/${name}?${new URLSearchParams(asked)}`)).body;

/** Send a form with a file. Raises Failed. */
export async function send(verb, said) {
  const form = new FormData();
  for (const [name, value] of Object.entries(said)) form.append(name, value);
  const answer = await fetch(`${DESK}/opendata/${verb}`, { method: "POST", headers: { "x-hansa": "page" }, body: form });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Failed(told.detail ?? `The city answered ${answer.status}.`, told.mend ?? "", answer.status, told);
  return told;
}

export const inWords = (words) => (typeof words === "string" ? words : words?.[look.language] ?? words?.en ?? Object.values(words ?? {})[0] ?? "");
export const LANGUAGES = [["en", "English"], ["fr", "French"], ["es", "Spanish"], ["ar", "Arabic"], ["ja", "Japanese"]];

export const STATES = {
  inventoried: ["stale", "Inventoried"],
  proposed: ["watch", "Proposed"],
  approved: ["watch", "Approved"],
  published: ["ok", "Published"],
  withdrawn: ["alarm", "Withdrawn"],
};
export const stateOf = (one) => sign(...(STATES[one.status] ?? ["stale", String(one.status)]));
export const ASKED = { new: ["watch", "New"], open: ["ok", "Open"], planned: ["ok", "Planned"], published: ["ok", "Published"], declined: ["stale", "Declined"], hidden: ["stale", "Hidden"] };
/** A licence as people write it: CC BY 4.0. */
export const licenceText = (code) => String(code ?? "").replaceAll("_", " ").replace(/(\d) (\d)$/, "$1.$2");
/** The pages for everybody are in these; in English where the city speaks another. */
export const publicPath = (path) => `/${LANGUAGES.some(([code]) => code === look.language.split("-")[0]) ? look.language.split("-")[0] : "en"}/${path}`;
export const who = (by) => String(by ?? "").replace(/^(person|app):/, "");
export const bytes = (size) => (size < 1000 ? `${size} B` : size < 1e6 ? `${Math.round(size / 1000)} kB` : `${(size / 1e6).toFixed(1)} MB`);
export const text = (name, most, more = {}) => h("input", { name, maxlength: most, autocomplete: "off", ...more });
export const area = (name, most, more = {}, value = "") => h("textarea", { name, maxlength: most, rows: 3, ...more }, value);
export const field = (label, control) => h("label", { class: "line" }, h("span", {}, label), control);
export const choose = (name, all, chosen = "", more = {}) => h("select", { name, ...more }, all.map(([value, word]) => h("option", { value, selected: value === chosen }, word)));
export const hint = (...words) => h("p", { class: "hint" }, words);

// ---- steps, one in a line

const READ = {
  keep: (rest) => ({ columns: names(rest) }),
  drop: (rest) => ({ columns: names(rest) }),
  rename: (rest) => ({ to: Object.fromEntries([rest.trim().split(/\s+/)].filter((it) => it.length === 2)) }),
  round: (rest) => ({ column: rest.split(/\s+/)[0], to: Number(rest.split(/\s+/)[1]) }),
  truncate: (rest) => ({ column: rest.split(/\s+/)[0], to: rest.split(/\s+/)[1] }),
  band: (rest) => ({ column: rest.split(/\s+/)[0], width: Number(rest.split(/\s+/)[1]) }),
  where: (rest) => {
    const [, column, op, value] = /^(\S+)\s+(==|!=|<=|>=|<|>|like)\s+(.*)$/.exec(rest) ?? [];
    const number = value?.trim() && Number.isFinite(Number(value)) ? Number(value) : value;
    return { column, op, value: number };
  },
};
const names = (text_) => text_.split(/[\s,]+/).filter(Boolean);

/** Steps as people write them: `round lon 0.001`, one in a line; what has no short form is JSON. */
export const stepsText = (steps) => (steps ?? []).map(stepText).join("\n");
export function stepText(one) {
  switch (one.do) {
    case "keep":
    case "drop":
      return `${one.do} ${one.columns.join(", ")}`;
    case "rename": {
      const pairs = Object.entries(one.to);
      return pairs.length === 1 ? `rename ${pairs[0].join(" ")}` : JSON.stringify(one);
    }
    case "round":
    case "truncate":
      return `${one.do} ${one.column} ${one.to}`;
    case "band":
      return `band ${one.column} ${one.width}`;
    case "where":
      return typeof one.value === "object" ? JSON.stringify(one) : `where ${one.column} ${one.op} ${one.value}`;
    default:
      return JSON.stringify(one);
  }
}

/** The steps that a text says. Raises an Error that names the line. */
export function stepsIn(text_) {
  return text_.split("\n").map((line) => line.trim()).filter(Boolean).map((line, i) => {
    if (line.startsWith("{")) {
      try {
        return JSON.parse(line);
      } catch {
        throw new Error(`Step ${i + 1} is no JSON.`);
      }
    }
    const [verb] = line.split(/\s+/, 1);
    const read = READ[verb];
    if (!read) throw new Error(`Step ${i + 1}: ${verb} is no step. There are ${Object.keys(READ).join(", ")}.`);
    return { do: verb, ...read(line.slice(verb.length).trim()) };
  });
}

/** How persons are guarded, in a sentence. */
export function guardText(guard) {
  const by = (guard?.by ?? []).join(", ");
  switch (guard?.kind) {
    case "open":
      return "Nothing but what is labelled open: policy has decided, label by label.";
    case "none":
      return "It is about no person; the second person confirms that.";
    case "cells":
      return `Counted by ${by}: a cell stands for at least ${guard.k} persons; smaller ones are left out, and whatever would give them away.`;
    case "rows":
      return `Rows whose ${by} is shared by fewer than ${guard.k} are left out${guard.sensitive ? `; each such group has at least ${guard.l ?? 2} different ${guard.sensitive}` : ""}.`;
    default:
      return "Not said yet.";
  }
}

/** Where it comes from, in a sentence. */
export function sourceText(source) {
  switch (source?.kind) {
    case "entities":
      return `${source.type} as they are${source.q ? ` (${source.q})` : ""}: ${(source.attributes ?? []).join(", ")}`;
    case "history":
      return `${source.type} over ${source.days ?? 365} days${source.q ? ` (${source.q})` : ""}: ${(source.attributes ?? []).join(", ")}`;
    case "sheet":
      return "A sheet that staff uploaded";
    default:
      return "Not said yet";
  }
}
