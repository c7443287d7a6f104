// /why: may somebody do something, and by which rules; for oneself, and for those who watch over decisions for anybody.

import { h, press, sign } from "../dom.js";
import { ask } from "../doors.js";
import { fault, start } from "../base/start.js";
import { look } from "../words.js";
import { ruleElement, SURELY, whoText } from "./rules.js";

const by = (id) => document.getElementById(id);
const VERBS = { read: "read", create: "create", update: "change", delete: "delete", command: "command", subscribe: "be told of", export: "take away", administer: "administer", declassify: "declassify" };
const CLASSES = ["open", "smart", "personal", "security"];
const ROLES = ["resident", "operator", "supervisor", "command", "engineer", "data_officer", "auditor", "administrator", "member", "service", "device", "neighbour"];
const FIELDS = ["verb", "about", "id", "attribute", "class", "owner", "purposes", "purpose", "realm", "who", "departments", "assurance"];
const said = Object.fromEntries(FIELDS.map((name) => [name, ""]));
let roles = [];
let drawn = 0;

function where() {
  const given = new URLSearchParams(location.search);
  for (const name of FIELDS) said[name] = given.get(name) ?? "";
  roles = (given.get("roles") ?? "").split(",").filter((one) => ROLES.includes(one));
}

const line = (word, field) => h("label", { class: "line" }, h("span", {}, word), field);
const field = (name, more = {}) => h("input", { name, value: said[name], autocomplete: "off", maxlength: "2000", ...more });
const choice = (name, options) => h("select", { name }, options.map(([value, word]) => h("option", { value, selected: said[name] === value }, word)));

function form() {
  const labelled = said.about === "label";
  const about = choice("about", [["", "an entity"], ["label", "information of a kind"]]);
  const entity = h("div", { hidden: labelled }, line("Its id", field("id", { class: "mono", placeholder: "urn:ngsi-ld:…" })), line("Attribute", field("attribute", { placeholder: "the entity itself" })));
  const kind = h("div", { hidden: !labelled }, line("Class", choice("class", CLASSES.map((one) => [one, one]))), line("Owner", field("owner", { placeholder: "a department, or nobody" })), line("Purposes", field("purposes", { placeholder: "any; or a, b" })));
  about.addEventListener("change", () => {
    entity.hidden = about.value === "label";
    kind.hidden = !entity.hidden;
  });
  const others = h(
    "details",
    { class: "folded", open: Boolean(said.who || said.departments || said.assurance || roles.length) },
    h("summary", {}, "Ask for somebody else"),
    line("Id", field("who", { placeholder: "person:ada", class: "mono" })),
    h("fieldset", {}, h("legend", {}, "Roles, instead of those he has"), h("div", { class: "why-roles" }, ROLES.map((one) => h("label", { class: "check" }, h("input", { type: "checkbox", name: "roles", value: one, checked: roles.includes(one) }), one.replace("_", " "))))),
    line("Of", field("departments", { placeholder: "departments: parks, water" })),
    line("Known", choice("assurance", [["", "as surely as can be"], ...SURELY.map((word, i) => [String(i), word])])),
  );
  by("question").replaceChildren(
    h("fieldset", {}, h("legend", {}, "May it be done?"), line("To", choice("verb", Object.entries(VERBS))), line("What", about), entity, kind),
    h("fieldset", {}, line("What for", field("purpose", { placeholder: "a purpose, if any" })), line("Realm", choice("realm", [["", "open"], ["security", "security"]]))),
    ...(look.watches ? [others] : []),
    h("div", { class: "builder-end" }, h("button", { type: "submit", class: "do" }, "Ask"), press("tool", "Clear", () => (history.pushState(null, "", location.pathname), where(), form(), answer()))),
  );
}

function read() {
  const given = new FormData(by("question"));
  for (const name of FIELDS) said[name] = String(given.get(name) ?? "").trim();
  roles = given.getAll("roles").map(String);
  const labelled = said.about === "label";
  for (const name of labelled ? ["id", "attribute"] : ["class", "owner", "purposes"]) said[name] = "";
  if (said.verb === "read") said.verb = "";
  const query = new URLSearchParams(FIELDS.filter((name) => said[name]).map((name) => [name, said[name]]));
  if (roles.length) query.set("roles", roles.join(","));
  history.pushState(null, "", query.size ? `?${query}` : location.pathname);
}

function label() {
  const parts = [said.class || "open"];
  if (said.owner) parts.push(`owner=${said.owner}`);
  const purposes = said.purposes.split(",").map((one) => one.trim()).filter(Boolean);
  if (purposes.length) parts.push(`purposes=${purposes.join(",")}`);
  return parts.join(";");
}

async function answer() {
  const box = by("answer");
  const mine = ++drawn;
  if (!said.id && said.about !== "label") {
    box.replaceChildren(h("div", { class: "notice" }, h("h1", {}, "Why may I not?"), h("p", {}, "Name an entity, or a kind of information, and what you want to do with it. The city answers by which rules it is allowed or denied."), h("p", {}, h("a", { href: "/policies" }, "The policies themselves"), " are there for you to read.")));
    return;
  }
  const query = new URLSearchParams({ verb: said.verb || "read", realm: said.realm || "open" });
  if (said.about === "label") query.set("label", label());
  else query.set("id", said.id);
  for (const name of ["attribute", "purpose", "who", "departments", "assurance"]) if (said[name]) query.set(name, said[name]);
  if (roles.length) query.set("roles", roles.join(","));
  try {
    const { body } = await ask(`/access/v1/why?${query}`);
    if (mine === drawn) box.replaceChildren(...told(body));
  } catch (problem) {
    if (mine === drawn) box.replaceChildren(fault("This cannot be answered", problem));
  }
}

function told(body) {
  const asker = { ...body.asker, actor: body.asker.id };
  return [
    h("h2", { id: "verdict" }, sign(body.decision ? "permit" : "forbid", body.decision ? "Allowed" : "Not allowed")),
    h("dl", { class: "facts" }, [["Who", whoText(asker)], ["To", VERBS[body.verb]], ["What", body.label ?? "nothing that may be seen"], ["What for", body.purpose || "no purpose said"], ["Realm", body.realm], ["Policy", body.policy ? `version ${body.policy}` : ""]].filter(([, value]) => value).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    h("div", { class: "rules" }, h("h3", {}, "Because"), body.reasons.map((one) => ruleElement(body.realm, one, { open: true }))),
    h("p", { class: "links" }, h("a", { href: `/policies?realm=${body.realm}` }, "The whole policy")),
  ];
}

by("question").addEventListener("submit", (event) => {
  event.preventDefault();
  read();
  answer();
});
addEventListener("popstate", () => (where(), form(), answer()));
where();
form();
await start({ keys: [["Enter", "asks"]] });
await answer();
document.documentElement.classList.add("ready");
