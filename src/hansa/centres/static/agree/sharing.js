// /sharing: what departments lend to each other and to neighbours, and whose things are.

import { press, sign } from "../dom.js";
import { ask } from "../doors.js";
import { aloud, fault, start } from "../base/start.js";
import { count } from "../words.js";
import { doing, field, h, signIn, when } from "../people/way.js";
import { fillForm, kept } from "../people/typed.js";

const by = (id) => document.getElementById(id);
const said = h("div", { "aria-live": "assertive" });
const VERBS = { read: "Look at it", subscribe: "Be told of it", export: "Take it along" };
const TO = { department: "Department", neighbour: "Neighbour city", service: "Service", person: "Person" };
const STATES = { lent: ["ok", "Lent"], "taken back": ["stale", "Taken back"], over: ["stale", "Over"] };
const DAY = 86_400_000;
let all = null;

async function load() {
  try {
    all = (await ask("/admin/grants")).body;
  } catch (problem) {
    if (problem.problem?.stepUp) return signIn(true);
    return by("list").replaceChildren(fault("What is shared could not be read", problem));
  }
  const speaks = all.speaksFor.length > 0;
  by("lend").hidden = by("hand").hidden = !speaks;
  by("take").hidden = false;
  const open = all.grants.filter((one) => one.state === "lent");
  by("sum").textContent = `${count(open.length, "grant")} in effect`;
  const ours = all.grants.filter((one) => all.departments.includes(one.owner));
  const others = all.grants.filter((one) => !all.departments.includes(one.owner));
  by("list").replaceChildren(said, ...table("Lent by your departments", "ours", ours, "Your departments lend nothing."), ...table("Lent to you, and by others", "others", others, "Nobody lends you anything."));
}

const table = (heading, id, grants, none) => [
  h("h2", { class: "share-title" }, heading),
  grants.length ? h("table", { class: "share-table", id }, h("caption", { class: "unseen" }, heading), h("thead", {}, h("tr", {}, ["From", "To", "For what", "What", "Until", ""].map((word) => h("th", { scope: "col" }, word)))), h("tbody", {}, grants.map(row))) : h("p", { class: "quiet pad" }, none),
];

function row(one) {
  const back = h("button", { type: "button", class: "tool grave" }, "Take back");
  back.addEventListener("click", () => doing(back, said, "It was not taken back", async () => (await ask(`/admin/grants/${one.id}/end`, { method: "POST" }), await load(), aloud("Taken back"))));
  const [kind, word] = STATES[one.state];
  return h("tr", {}, h("th", { scope: "row" }, one.owner), h("td", {}, one.to.replace(":", " "), h("span", { class: "sub" }, `by ${one.by.replace(/^person:/, "")}`)), h("td", {}, one.purpose, one.reason ? h("span", { class: "sub" }, one.reason) : null), h("td", {}, `${one.classes.join(" and ")} information`, h("span", { class: "sub" }, one.verbs.map((verb) => VERBS[verb]).join(", "))), h("td", {}, when(one.until), " ", sign(kind, word)), h("td", { class: "does" }, one.mayEnd ? back : null));
}

const choice = (word, name, options) => h("div", { class: "way-field" }, h("label", { for: `in-${name}` }, word), h("select", { name, id: `in-${name}` }, Object.entries(options).map(([value, text]) => h("option", { value }, text))));
const same = (names) => Object.fromEntries(names.map((one) => [one, one]));
const things = () => h("div", { class: "way-field" }, h("label", { for: "in-ids" }, "Ids, one a line"), h("textarea", { name: "ids", id: "in-ids", class: "mono", spellcheck: "false" }));
const realms = () => choice("Realm", "realm", same(["open", "security"]));
const ids = (data) => data.get("ids").split(/\s+/).filter(Boolean);
const tick = (name, value, word, on) => h("label", { class: "check" }, h("input", { type: "checkbox", name, value, checked: on }), word);

function sheet(name, heading, about, parts, word, work) {
  const dialog = by("editor");
  const box = h("div", { "aria-live": "assertive" });
  const form = h("form", { class: "edit way-form", novalidate: true, data: { typed: name } }, h("h2", { id: "editor-title" }, heading), h("p", {}, about), parts, box, h("div", { class: "edit-end" }, h("button", { type: "submit", class: "do" }, word), press("tool", "Cancel", () => dialog.close())));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    doing(form.querySelector("[type=submit]"), box, "Nothing was changed", async () => {
      const done = await work(new FormData(form));
      dialog.close();
      await load();
      if (done) aloud(done);
    });
  });
  dialog.replaceChildren(form);
  dialog.showModal();
  return form;
}

function lend() {
  const until = new Date(Date.now() + 30 * DAY).toISOString().slice(0, 10);
  return sheet(
    "lend",
    "Lend",
    "All that a department owns of a class, to somebody, for one purpose, until a day. It can be taken back at any time.",
    [choice("Of department", "owner", same(all.speaksFor)), choice("To a", "kind", TO), field("Its name", "name", { maxlength: "128", autocomplete: "off" }), field("For which purpose", "purpose", { maxlength: "64", autocomplete: "off", class: "mono" }, "One word, as irrigation; whoever asks must name it."), h("fieldset", { class: "way-roles" }, h("legend", {}, "What"), tick("classes", "smart", "Smart information", true), tick("classes", "open", "Open information", false)), h("fieldset", { class: "way-roles" }, h("legend", {}, "To do what"), Object.entries(VERBS).map(([verb, word]) => tick("verbs", verb, word, verb !== "export"))), field("Until the end of", "until", { type: "date", value: until }), field("Why", "reason", { maxlength: "2000", autocomplete: "off" })],
    "Lend",
    async (data) => {
      const day = data.get("until");
      await ask("/admin/grants", { method: "POST", send: { owner: data.get("owner"), to: `${data.get("kind")}:${data.get("name").trim()}`, purpose: data.get("purpose").trim(), classes: data.getAll("classes"), verbs: data.getAll("verbs"), until: day ? `${day}T23:59:59Z` : "", reason: data.get("reason") } });
      return "Lent";
    },
  );
}

function hand() {
  return sheet("hand", "Hand things over", "To another department, when somebody of it agrees: it waits among the approvals.", [choice("From", "from", same(all.speaksFor)), field("To department", "to", { maxlength: "64", autocomplete: "off" }), realms(), things(), field("Why", "reason", { maxlength: "2000", autocomplete: "off" })], "Propose", async (data) => {
    await ask("/admin/proposals", { method: "POST", send: { kind: "handover", what: { from: data.get("from"), to: data.get("to").trim(), realm: data.get("realm"), ids: ids(data) }, reason: data.get("reason") } });
    return "Proposed";
  });
}

function take() {
  return sheet("take", "Take things on", "What is nobody's becomes a department's. Its supervisors, administrators and engineers do this.", [field("Department", "owner", { maxlength: "64", autocomplete: "off", value: all.speaksFor[0] ?? "" }), realms(), things()], "Take them on", async (data) => {
    const done = (await ask("/admin/ownership", { method: "POST", send: { owner: data.get("owner").trim(), realm: data.get("realm"), ids: ids(data) } })).body;
    return `${count(done.entities, "thing")} taken on`;
  });
}

const SHEETS = { lend, hand, take };
for (const [id, work] of Object.entries(SHEETS)) by(id).addEventListener("click", () => work());
document.documentElement.classList.add("ready");
start({ keys: [["l", "lend"]], act: { l: () => (by("lend").hidden ? false : void lend()) } });
await load();
const before = all && kept();
if (before && before.name in SHEETS && !by(before.name).hidden) fillForm(SHEETS[before.name](), before.what);
