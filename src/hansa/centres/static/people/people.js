// /people: who has an account, who is invited; for administrators.

import { ask } from "../doors.js";
import { aloud, fault, start } from "../base/start.js";
import { handOn } from "./link.js";
import { doing, field, h, ROLES, roles, signIn, when } from "./way.js";
import { fillForm, kept } from "./typed.js";

const by = (id) => document.getElementById(id);
const name = (id) => id.replace(/^person:/, "");
const said = h("div", { "aria-live": "assertive" });
let all = null;
let links = [];
let me = ""; // the account of whoever looks; empty for the machine itself

async function load() {
  try {
    [all, links] = await Promise.all([ask("/admin/people"), ask("/admin/invitations")].map(async (one) => (await one).body));
    me = await ask("/account").then(({ body }) => body.name, () => "");
  } catch (problem) {
    if (problem.status === 401) return signIn(Boolean(problem.problem?.stepUp));
    return by("list").replaceChildren(fault(problem.status === 404 ? "This page is for administrators" : "The people could not be read", problem));
  }
  show();
}

function show() {
  by("make").hidden = false;
  by("sum").textContent = `${all.people.length} ${all.people.length === 1 ? "person" : "people"}, ${links.length} invited`;
  const ways = (one) => [one.passkeys ? `${one.passkeys} passkey${one.passkeys > 1 ? "s" : ""}` : "", one.password ? (one.authenticator ? "password and code" : "password") : ""].filter(Boolean).join(", ") || "none";
  const rows = all.people.map((one) =>
    h("tr", { class: one.disabled ? "off" : null }, h("th", { scope: "row" }, h("button", { type: "button", class: "attr", on: { click: () => edit(one) } }, one.shown), h("span", { class: "sub mono" }, one.name)), h("td", {}, roles(one.roles), one.departments.length ? h("span", { class: "sub" }, one.departments.join(", ")) : null), h("td", {}, ways(one)), h("td", { class: "num" }, String(one.sessions)), h("td", {}, one.disabled ? "Closed" : when(one.seen))),
  );
  const open = links.map((one) =>
    h("tr", {}, h("th", { scope: "row" }, one.shown || one.name || "Whoever opens it", h("span", { class: "sub" }, { first: "first administrator", invite: "invited", recover: "let in again" }[one.kind])), h("td", {}, roles(one.roles)), h("td", { colspan: "2" }, `until ${when(one.until)}`, h("span", { class: "sub" }, `by ${one.by.replaceAll("person:", "")}`)), h("td", { class: "does" }, telling(one), " ", button("Take back", async () => (await ask(`/admin/invitations/${one.id}`, { method: "DELETE" }), load()), true))),
  );
  const head = (words) => h("thead", {}, h("tr", {}, words.map((word) => h("th", { scope: "col", class: word === "Sessions" ? "num" : null }, word))));
  by("list").replaceChildren(
    said,
    h("table", { class: "people-table", id: "people" }, h("caption", { class: "unseen" }, "People"), head(["Person", "Roles", "Signs in by", "Sessions", "Last seen"]), h("tbody", {}, rows.length ? rows : h("tr", {}, h("td", { colspan: "5", class: "quiet" }, "Nobody has an account yet.")))),
    open.length ? h("h2", { class: "way-table-title" }, "Links that wait") : "",
    open.length ? h("table", { class: "people-table", id: "links" }, h("caption", { class: "unseen" }, "Links that wait"), head(["For", "Roles", "Until", "", ""]), h("tbody", {}, open)) : "",
  );
}

/** What of a link whoever looks can have told: all of it, his half, or nothing. */
function telling(one) {
  if (one.kind === "first") return null;
  if (!one.holders.length) return button("Tell the link", () => tell(one));
  if (one.holders.includes(`person:${me}`)) return button("Tell my half", () => tell(one));
  return h("span", { class: "quiet" }, `each of ${one.holders.map(name).join(" and ")} has a half`);
}

function button(word, work, grave = false) {
  const made = h("button", { type: "button", class: grave ? "tool grave" : "tool" }, word);
  made.addEventListener("click", () => doing(made, said, "This did not work", work));
  return made;
}

async function tell(one) {
  told((await ask(`/admin/invitations/${one.id}/tell`, { method: "POST" })).body);
}

const told = (it) => handOn(it, load);

function roleBoxes(has) {
  return h("fieldset", { class: "way-roles" }, h("legend", {}, "Roles"), all.roles.map((one) => h("label", { class: "check" }, h("input", { type: "checkbox", name: "roles", value: one, checked: has.includes(one) }), ROLES[one] ?? one, !all.alone && all.powers.includes(one) ? h("span", { class: "sub" }, " (takes two)") : null)));
}

const NOBODY = { name: null, roles: [], departments: [] };
const departments = (form) => new FormData(form).get("departments").split(/[\s,]+/).filter(Boolean);
const chosen = (form) => new FormData(form).getAll("roles");

/** What takes two people, proposed to the others. */
async function propose(kind, what, reason) {
  await ask("/admin/proposals", { method: "POST", send: { kind, what, reason } });
  aloud("Proposed");
  said.replaceChildren(h("p", { class: "way-note" }, "Proposed. Another administrator must approve it ", h("a", { href: "/approvals" }, "among the approvals"), "; of a link that comes of it each of you has a half told here then."));
}

function sheet(typed, heading, parts, word, submit) {
  const dialog = by("editor");
  const told = h("div", { "aria-live": "assertive" });
  const why = field("Reason", "reason", { maxlength: "2000" }, "For the other administrator, who must approve this.");
  why.hidden = true;
  const form = h("form", { class: "edit way-form", novalidate: true, data: { typed } }, h("h2", { id: "editor-title" }, heading), parts, why, told, h("div", { class: "edit-end" }, h("button", { type: "submit", class: "do" }, word), h("button", { type: "button", class: "tool", on: { click: () => dialog.close() } }, "Cancel")));
  const more = (now, before) => now.some((one) => !before.includes(one));
  const other = (now, before) => more(now, before) || more(before, now);
  const powers = () => chosen(form).filter((one) => all.powers.includes(one));
  const gives = (one) => more(powers(), one.roles) || (powers().length > 0 && more(departments(form), one.departments));
  const takes = (one) => one.roles.includes("administrator") && !chosen(form).includes("administrator");
  const own = (one) => one.name === me && (other(chosen(form), one.roles) || other(departments(form), one.departments));
  // Who could stand behind it: another administrator, or a supervisor. Else the city says where it is done.
  const somebody = () => all.together || all.people.some((one) => one.roles.includes("supervisor") && !one.disabled && one.name !== me);
  const two = (one) => !all.alone && somebody() && (gives(one) || takes(one) || own(one));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    doing(form.querySelector("[type=submit]"), told, "Nothing was changed", () => submit(form, new FormData(form).get("reason")));
  });
  dialog.replaceChildren(form);
  dialog.showModal();
  return { dialog, form, why, told, two };
}

function invite() {
  const { dialog, form, why, two } = sheet(
    "invite",
    "Invite somebody",
    [field("Name", "shown", { maxlength: "100", autocomplete: "off" }, "As others see him or her; may be left to whoever comes."), field("Account", "name", { class: "mono", maxlength: "63", autocomplete: "off", spellcheck: "false" }, "May be left to whoever comes."), roleBoxes(["operator"]), field("Departments", "departments", { maxlength: "1000" }, "Several with commas.")],
    "Make a link",
    async (sent, reason) => {
      const data = new FormData(sent);
      const what = { name: data.get("name"), shown: data.get("shown"), roles: chosen(sent), departments: departments(sent) };
      if (!what.name) delete what.name;
      if (!what.shown) delete what.shown;
      if (two(NOBODY)) {
        await propose("appointment", what, reason);
        dialog.close();
        await load();
      } else told((await ask("/admin/invitations", { method: "POST", send: what })).body);
    },
  );
  form.addEventListener("change", () => (why.hidden = !two(NOBODY)));
  return form;
}

function edit(one) {
  const end = button("End sessions", async () => (await ask(`/admin/people/${encodeURIComponent(one.name)}/sessions`, { method: "DELETE" }), dialog.close(), load()));
  const grave = () => one.disabled && !all.alone && one.roles.some((role) => all.powers.includes(role));
  const patch = async () => (await ask(`/admin/people/${encodeURIComponent(one.name)}`, { method: "PATCH", send: { disabled: !one.disabled } }), dialog.close(), load());
  const close = button(one.disabled ? "Open the account" : "Close the account", () => (grave() && all.together ? agreed("appointment", { person: one.name, roles: one.roles, departments: one.departments }) : patch()), !one.disabled);
  const again = h("button", { type: "button", class: "tool", id: "recover" }, "Let in again");
  const { dialog, form, why, told: box, two } = sheet(
    `edit ${one.name}`,
    one.shown,
    [field("Name", "shown", { maxlength: "100", value: one.shown }), roleBoxes(one.roles), field("Departments", "departments", { maxlength: "1000", value: one.departments.join(", ") }), h("p", { class: "pair way-more" }, end, again, close), h("p", { class: "hint" }, "Let in again: for whoever has lost all keys. Two administrators decide it.")],
    "Change",
    async (sent, reason) => {
      const what = { shown: new FormData(sent).get("shown"), roles: chosen(sent), departments: departments(sent) };
      if (two(one)) await propose("appointment", { person: one.name, roles: what.roles, departments: what.departments }, reason);
      else await ask(`/admin/people/${encodeURIComponent(one.name)}`, { method: "PATCH", send: what });
      dialog.close();
      await load();
    },
  );
  for (const it of [end, close]) it.addEventListener("click", () => box.replaceChildren(said));
  let wanted = ""; // what is to be proposed: first its reason is asked for
  form.addEventListener("change", () => (why.hidden = !wanted && !two(one)));
  /** Propose it to the others; the first time, ask why. */
  async function agreed(kind, what) {
    if (wanted !== kind) {
      wanted = kind;
      why.hidden = false;
      setTimeout(() => why.querySelector("input").focus()); // once its buttons wait no longer
      return;
    }
    await propose(kind, what, new FormData(form).get("reason"));
    dialog.close();
    await load();
  }
  again.addEventListener("click", () => {
    doing(again, box, "Nothing was changed", async () => {
      if (all.together) await agreed("recovery", { person: one.name });
      else told((await ask(`/admin/people/${encodeURIComponent(one.name)}/recover`, { method: "POST" })).body);
    });
  });
  return form;
}

/** Open the sheet that was left for showing again who one is, with what was typed in it. */
function goOn() {
  const before = all && kept();
  const one = all?.people.find((each) => before?.name === `edit ${each.name}`);
  const form = before?.name === "invite" ? invite() : one ? edit(one) : null;
  if (form) fillForm(form, before.what);
}

document.documentElement.classList.add("ready");
by("make").addEventListener("click", () => invite());
start({ keys: [["i", "invite somebody"]], act: { i: () => (by("make").hidden ? false : void invite()) } });
await load();
goOn();
