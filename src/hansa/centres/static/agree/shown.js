// What a proposal is about, all of it: in words where there are some, and as it will be carried out.

import { h, roles } from "../people/way.js";

const facts = (pairs) => h("dl", { class: "facts" }, pairs.filter(([, value]) => value !== undefined && value !== null && value !== "").flatMap(([word, value]) => [h("dt", {}, word), h("dd", {}, value)]));
const list = (many) => h("ul", { class: "ids" }, many.map((one) => h("li", { class: "mono" }, one)));

function leaf(name, how) {
  const limits = [how.kind, how.step ? `in steps of ${how.step}` : "", how.among ? `one of ${how.among.join(", ")}` : "", how.unit ? `in ${how.unit}` : ""].filter(Boolean).join(", ");
  return h("li", {}, h("b", {}, name), ` from ${how.of}: ${limits}`);
}

/** A derivation as it was declared. */
export function leaving(said) {
  const together = said.aggregate;
  return facts([
    ["From", `${said.source} to ${said.target}`],
    ["Of each", said.type],
    ["Becomes", `${said.makes}, labelled ${said.label}`],
    ["Reads", `what is labelled ${said.reads.join(", ")}`],
    [together ? "Groups by" : "Leaves", h("ul", {}, Object.entries(said.attributes).map(([name, how]) => leaf(name, how)))],
    ["Together", together ? h("ul", {}, h("li", {}, `at least ${together.least} in a group`), together.count ? h("li", {}, h("b", {}, together.count), ": how many") : null, Object.entries(together.mean ?? {}).map(([name, how]) => leaf(`mean ${name}`, how))) : null],
    ["Place", said.place_m ? `the middle of a square of ${said.place_m} m` : "does not leave"],
    ["Time", said.time_s ? `in steps of ${said.time_s} s` : "does not leave"],
    ["Purpose", said.purpose],
    ["Tenant", said.tenant],
  ]);
}

const WORDS = {
  derivation: (what) => leaving(what),
  "break-glass": (what) => facts([["Rights of", roles(what.roles)], ["For", `${what.minutes} minutes from the approval on`]]),
  appointment: (what) => facts([["Who", what.shown || what.name || "Whoever opens the link"], ["Account", what.person ?? what.name], ["Will be", roles(what.roles)], ["Departments", what.departments.length ? what.departments.join(", ") : "none"], ["Account", what.opens ? "was closed, and is opened" : ""]]),
  recovery: (what) => facts([["Who", what.shown], ["Account", what.person]]),
  service: (what) => facts([["Service", what.service ?? what.name], ["Is", roles(what.roles ?? [])], ["Departments", (what.departments ?? []).join(", ") || "none"], ["Gets", what.service ? (what.alone ? "this key instead of all others" : "one key more") : `${(what.keys ?? []).length} keys`]]),
  handover: (what) => facts([["From", what.from], ["To", what.to], ["Realm", what.realm], ["What", list(what.ids)]]),
  declassify: (what) =>
    facts([
      ["What", h("span", { class: "mono" }, what.id)],
      ["Attributes", what.attributes ? what.attributes.join(", ") : "the entity itself"],
      ["From", what.from === what.to ? `${what.from}, where it stays` : `${what.from} to ${what.to}`],
      ["Label", `${what.was ? `${what.was} becomes ` : ""}${what.label}`],
      ["Its past, which opens too", what.past ? Object.entries(what.past).map(([name, it]) => (it.values ? `${name}: ${it.values.toLocaleString("en")} values since ${it.since}` : `${name}: nothing`)).join("; ") : null],
      ["As it will stand there", what.document ? h("pre", { class: "code" }, JSON.stringify(what.document, null, 2)) : null],
    ]),
  policy: (what, id) => h("p", {}, h("a", { href: `/policies?realm=${encodeURIComponent(what.realm)}&proposal=${encodeURIComponent(id)}` }, `What would change in the policy of ${what.realm}`)),
};

/** What one proposal is about. What has no words of its own is shown as it is. */
export function shown(one) {
  const words = WORDS[one.kind]?.(one.what, one.id);
  const whole = h("pre", { class: "code" }, JSON.stringify(one.what, null, 2));
  return words ? h("div", { class: "matter-what" }, words, h("details", { class: "data" }, h("summary", {}, "All of it, as it is kept"), whole)) : h("div", { class: "matter-what" }, whole);
}
