// A rule of a policy as people read it: what it does, its sentence, and its text with the lines where it stands.

import { h, sign } from "../dom.js";

export const DOES = { permit: "permits", forbid: "forbids" };
export const SURELY = ["nobody known", "by one secret", "by two factors", "by a passkey"];

/** The page of a policy at one of its rules. */
export const place = (realm, rule) => `/policies?realm=${encodeURIComponent(realm)}&rule=${encodeURIComponent(rule)}`;

/** A rule, or a reason that is none: {id, effect, reason, lines, text}. */
export function ruleElement(realm, one, { open = false, at = false } = {}) {
  return h(
    "article",
    { class: at ? "rule at" : "rule", id: `rule-${one.id}` },
    one.effect ? sign(one.effect, DOES[one.effect]) : h("span", {}),
    h("p", {}, one.reason),
    one.lines ? h("span", { class: "links" }, h("a", { href: `${place(realm, one.id)}&view=text`, "aria-label": `${one.id}, lines ${one.lines.join(" to ")}` }, `lines ${one.lines[0]}–${one.lines[1]}`)) : null,
    one.text ? h("details", { open, class: "folded" }, h("summary", {}, h("code", {}, one.id)), h("pre", { class: "code", tabindex: "0", "aria-label": `The text of ${one.id}` }, one.text)) : null,
  );
}

/** Who somebody is, in words: roles, departments and how surely. */
export function whoText({ roles = [], departments = [], assurance = 0, actor = "" }) {
  const what = roles.length ? roles.map((one) => one.replace("_", " ")).join(", ") : actor === "public" ? "anybody" : "without a role";
  const whose = departments.length ? ` of ${departments.join(", ")}` : "";
  const named = actor.includes(":") ? `${actor}: ` : "";
  return `${named}${what}${whose}, ${SURELY[assurance] ?? assurance}`;
}
