// A source's state as people see it: shape, colour and word; the strip of its last day; a bar of many.

import { h } from "../dom.js";

export const STATES = ["silent", "flapping", "late", "new", "fresh", "off"];
export const WORDS = { silent: "Silent", flapping: "Flapping", late: "Late", new: "Never heard", fresh: "Fresh", off: "Put aside" };

export const stateSign = (state, more = "", words = WORDS) => h("span", { class: `vsign ${STATES.includes(state) ? state : "off"}` }, `${words[state] ?? state}${more}`);

const LEVEL = (sign) => {
  if (sign === "-") return "transparent";
  if (sign === "·") return "color-mix(in srgb, var(--ok) 14%, var(--paper-3))";
  const part = Number(sign);
  if (!Number.isInteger(part)) return "transparent";
  if (part === 0) return "var(--alarm)";
  if (part < 5) return "var(--watch)";
  return part === 9 ? "var(--ok)" : "color-mix(in srgb, var(--ok) 55%, var(--paper))";
};

/** The last 24 whole hours, oldest first: what came of what was expected. */
export function strip(signs) {
  const made = h("span", { class: "strip24", role: "img", "aria-label": told(signs) });
  if (typeof signs === "string" && /^[-·0-9]{24}$/.test(signs)) {
    const stops = [...signs].map((sign, i) => `${LEVEL(sign)} ${((i / 24) * 100).toFixed(2)}% ${(((i + 1) / 24) * 100).toFixed(2)}%`);
    made.style.backgroundImage = `linear-gradient(to right, ${stops.join(", ")})`;
  }
  return made;
}

function told(signs) {
  if (typeof signs !== "string" || !/[0-9·]/.test(signs)) return "nothing is known of the last day yet";
  const empty = [...signs].filter((one) => one === "0").length;
  const thin = [...signs].filter((one) => /[1-8]/.test(one)).length;
  return `last 24 hours: ${empty} without a word, ${thin} incomplete`;
}

/** How many of a group are in each state, as one bar. */
export function bar(row, most) {
  const all = STATES.reduce((sum, one) => sum + (row[one] ?? 0), 0);
  const made = h("span", { class: "stack", "aria-hidden": "true" });
  made.style.inlineSize = `${Math.max(6, (Math.sqrt(all) / Math.sqrt(Math.max(1, most))) * 100).toFixed(1)}%`;
  for (const state of STATES) {
    if (!row[state]) continue;
    const part = h("i", { class: state });
    part.style.flexGrow = String(row[state]);
    made.append(part);
  }
  return made;
}
