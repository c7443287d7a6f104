// /people: who has an account, who is invited; for administrators.

import { ask } from "../doors.js";
import { aloud, copier, fault, start } from "../base/start.js";
import { doing, field, h, ROLES, roles, signIn, when } from "./way.js";

const by = (id) => document.getElementById(id);
const said = h("div", { "aria-live": "assertive" });
let all = null;
let links = [];

async function load() {
  try {
    [all, links] = await Promise.all([ask("/admin/people"), ask("/admin/invitations")].map(async (one) => (await one).body));
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
    h("tr", {}, h("th", { scope: "row" }, one.shown || one.name || "Whoever opens it", h("span", { class: "sub" }, { first: "first administrator", invite: "invited", recover: "let in again" }[one.kind])), h("td", {}, roles(one.roles)), h("td", { colspan: "2" }, `until ${when(one.until)}`, h("span", { class: "sub" }, `by ${one.by.replaceAll("person:", "")}`)), h("td", { class: "does" }, one.kind === "first" ? null : button("Tell the link", () => tell(one)), " ", button("Take back", async () => (await ask(`/admin/invitations/${one.id}`, { method: "DELETE" }), load()), true))),
  );
  const head = (words) => h("thead", {}, h("tr", {}, words.map((word) => h("th", { scope: "col", class: word === "Sessions" ? "num" : null }, word))));
  by("list").replaceChildren(
    said,
    h("table", { class: "people-table", id: "people" }, h("caption", { class: "unseen" }, "People"), head(["Person", "Roles", "Signs in by", "Sessions", "Last seen"]), h("tbody", {}, rows.length ? rows : h("tr", {}, h("td", { colspan: "5", class: "quiet" }, "Nobody has an account yet.")))),
    open.length ? h("h2", { class: "way-table-title" }, "Links that wait") : "",
    open.length ? h("table", { class: "people-table", id: "links" }, h("caption", { class: "unseen" }, "Links that wait"), head(["For", "Roles", "Until", "", ""]), h("tbody", {}, open)) : "",
  );
}

function button(word, work, grave = false) {
  const made = h("button", { type: "button", class: grave ? "tool grave" : "tool" }, word);
  made.addEventListener("click", () => doing(made, said, "This did not work", work));
  return made;
}

async function tell(one) {
  told((await ask(`/admin/invitations/${one.id}/tell`, { method: "POST" })).body);
}

/** A link, said once: whoever is shown it hands it on. */
function told(it) {
  const dialog = by("editor");
  dialog.replaceChildren(
    h("div", { class: "edit" }, h("h2", { id: "editor-title" }, "Hand this link on"), h("p", {}, `To ${it.shown || it.name || "whoever is meant"}, and to nobody else: whoever opens it first comes in. It works once, until ${when(it.until)}, and is not shown again.`), h("p", { class: "mono secret", id: "link" }, it.link), h("div", { class: "edit-end" }, copier(() => it.link), h("button", { type: "button", class: "do", on: { click: () => (dialog.close(), load()) } }, "Done"))),
  );
  if (!dialog.open) dialog.showModal();
}

function roleBoxes(has) {
  return h("fieldset", { class: "way-roles" }, h("legend", {}, "Roles"), all.roles.map((one) => h("label", { class: "check" }, h("input", { type: "checkbox", name: "roles", value: one, checked: has.includes(one) }), ROLES[one] ?? one, all.together && all.powers.includes(one) ? h("span", { class: "sub" }, " (takes two)") : null)));
}

const departments = (form) => new FormData(form).get("departments").split(/[\s,]+/).filter(Boolean);
const chosen = (form) => new FormData(form).getAll("roles");

/** What takes two administrators, proposed to the others. */
async function propose(kind, what, reason) {
  await ask("/admin/proposals", { method: "POST", send: { kind, what, reason } });
  aloud("Proposed");
  said.replaceChildren(h("p", { class: "way-note" }, "Proposed. Another administrator must approve it ", h("a", { href: "/approvals" }, "among the approvals"), "; a link that comes of it waits here then."));
}

function sheet(heading, parts, word, submit, more = []) {
  const dialog = by("editor");
  const told = h("div", { "aria-live": "assertive" });
  const why = field("Reason", "reason", { maxlength: "2000" }, "For the other administrator, who must approve this.");
  why.hidden = true;
  const form = h("form", { class: "edit way-form", novalidate: true }, h("h2", { id: "editor-title" }, heading), parts, why, told, h("div", { class: "edit-end" }, more, h("button", { type: "submit", class: "do" }, word), h("button", { type: "button", class: "tool", on: { click: () => dialog.close() } }, "Cancel")));
  const gives = (before) => chosen(form).some((one) => all.powers.includes(one) && !before.includes(one));
  const takes = (before) => before.includes("administrator") && !chosen(form).includes("administrator");
  const two = (before) => all.together && (gives(before) || takes(before));
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
    "Invite somebody",
    [field("Name", "shown", { maxlength: "100", autocomplete: "off" }, "As others see him or her; may be left to whoever comes."), field("Account", "name", { class: "mono", maxlength: "63", autocomplete: "off", spellcheck: "false" }, "May be left to whoever comes."), roleBoxes(["operator"]), field("Departments", "departments", { maxlength: "1000" }, "Several with commas.")],
    "Make a link",
    async (sent, reason) => {
      const data = new FormData(sent);
      const what = { name: data.get("name"), shown: data.get("shown"), roles: chosen(sent), departments: departments(sent) };
      if (!what.name) delete what.name;
      if (!what.shown) delete what.shown;
      if (two([])) {
        await propose("appointment", what, reason);
        dialog.close();
        await load();
      } else told((await ask("/admin/invitations", { method: "POST", send: what })).body);
    },
  );
  form.addEventListener("change", () => (why.hidden = !two([])));
}

function edit(one) {
  const end = button("End sessions", async () => (await ask(`/admin/people/${encodeURIComponent(one.name)}/sessions`, { method: "DELETE" }), dialog.close(), load()));
  const close = button(one.disabled ? "Open the account" : "Close the account", async () => (await ask(`/admin/people/${encodeURIComponent(one.name)}`, { method: "PATCH", send: { disabled: !one.disabled } }), dialog.close(), load()), !one.disabled);
  const again = h("button", { type: "button", class: "tool", id: "recover" }, "Let in again");
  const { dialog, form, why, told: box, two } = sheet(
    one.shown,
    [field("Name", "shown", { maxlength: "100", value: one.shown }), roleBoxes(one.roles), field("Departments", "departments", { maxlength: "1000", value: one.departments.join(", ") }), h("p", { class: "pair way-more" }, end, again, close), h("p", { class: "hint" }, "Let in again: for whoever has lost all keys. Two administrators decide it.")],
    "Change",
    async (sent, reason) => {
      const what = { shown: new FormData(sent).get("shown"), roles: chosen(sent), departments: departments(sent) };
      if (two(one.roles)) await propose("appointment", { person: one.name, roles: what.roles, departments: what.departments }, reason);
      else await ask(`/admin/people/${encodeURIComponent(one.name)}`, { method: "PATCH", send: what });
      dialog.close();
      await load();
    },
  );
  for (const it of [end, close]) it.addEventListener("click", () => box.replaceChildren(said));
  let recovering = false;
  form.addEventListener("change", () => (why.hidden = !recovering && !two(one.roles)));
  again.addEventListener("click", () => {
    if (!recovering && all.together) {
      recovering = true;
      why.hidden = false;
      why.querySelector("input").focus();
      return;
    }
    doing(again, box, "Nothing was changed", async () => {
      if (all.together) {
        await propose("recovery", { person: one.name }, new FormData(form).get("reason"));
        dialog.close();
        await load();
      } else told((await ask(`/admin/people/${encodeURIComponent(one.name)}/recover`, { method: "POST" })).body);
    });
  });
}

document.documentElement.classList.add("ready");
by("make").addEventListener("click", invite);
start({ keys: [["i", "invite somebody"]], act: { i: () => !by("make").hidden && invite() } });
load();
