// /approvals: what waits for a second person, what was decided, what leaves a realm, and break-glass in big letters.

import { press, sign } from "../dom.js";
import { ask } from "../doors.js";
import { aloud, fault, start } from "../base/start.js";
import { count } from "../words.js";
import { doing, field, h, ROLES, roles, signIn, when } from "../people/way.js";
import { handOn } from "../people/link.js";
import { fillForm, kept } from "../people/typed.js";
import { reasoned } from "./reasoned.js";
import { leaving, shown } from "./shown.js";

const by = (id) => document.getElementById(id);
const AGAIN_MS = 10_000;
const LENDABLE = ["operator", "supervisor", "command", "engineer"];
const VIEWS = { waiting: "/admin/proposals?state=waiting", all: "/admin/proposals", leaving: "/admin/derivations" };
const KINDS = { policy: "Change of a policy", derivation: "Something leaves a realm, from now on", declassify: "Something is let out", "break-glass": "Break glass", handover: "Another owner", recovery: "Let somebody in again", appointment: "More power for somebody", service: "A service that sees much" };
const STATES = { waiting: ["watch", "Waits"], approved: ["watch", "Approved, being done"], done: ["ok", "Done"], refused: ["stale", "Refused"], expired: ["stale", "Too late"], failed: ["alarm", "Failed"] };
const said = h("div", { "aria-live": "assertive" });
const name = (id) => id.replace(/^person:/, "");
let view = "waiting";
let drawn = "";
let halves = []; // links that two agreed upon, of which whoever looks has a half

async function load(anew = false) {
  let listed, glass;
  try {
    [listed, glass] = await Promise.all([VIEWS[view], "/admin/break-glass"].map(async (path) => (await ask(path)).body));
    halves = await waiting();
  } catch (problem) {
    if (problem.problem?.stepUp) return signIn(true);
    drawn = "";
    return by("list").replaceChildren(fault(problem.status === 404 ? "This is not for you to see" : "The approvals could not be read", problem));
  }
  for (const one of Object.keys(VIEWS)) by(`see-${one}`).setAttribute("aria-pressed", String(one === view));
  // What is being read stays as it is while nothing has changed.
  const now = JSON.stringify([view, listed, glass, halves]);
  if (now === drawn && !anew) return;
  drawn = now;
  const open = glass.filter((one) => one.state === "open");
  by("break").hidden = open.some((one) => one.mine);
  by("sum").textContent = view === "leaving" ? count(listed.length, "derivation") : count(listed.length, "proposal");
  const many = view === "leaving" ? listed.map(derivation) : listed.map(proposal);
  const none = { waiting: "Nothing waits for a second person.", all: "Nothing was ever proposed, as far as it concerns you.", leaving: "Nothing leaves a realm." }[view];
  const over = view === "all" ? glass.filter((one) => one.state !== "open").map(ended) : [];
  by("list").replaceChildren(...open.map(broken), said, ...halves.map(half), ...(many.length + over.length ? [...many, ...over] : [h("p", { class: "quiet pad" }, none)]));
}

/** Links of which whoever looks can have a half told; for most there is nothing behind this door. */
async function waiting() {
  const [me, links] = await Promise.all(["/account", "/admin/invitations"].map((path) => ask(path).then(({ body }) => body, () => null)));
  return me && links ? links.filter((one) => one.holders.includes(`person:${me.name}`)) : [];
}

function half(one) {
  const tell = h("button", { type: "button", class: "do" }, "Tell my half");
  tell.addEventListener("click", () => doing(tell, said, "It was not told", async () => handOn((await ask(`/admin/invitations/${one.id}/tell`, { method: "POST" })).body, () => load(true))));
  const whom = one.shown || one.name || "Somebody";
  return h("article", { class: "matter", id: `l-${one.id}`, "aria-label": "A link in two halves" }, h("header", {}, h("h3", {}, "A link in two halves"), sign("watch", "Waits")), h("p", { class: "matter-why" }, one.kind === "recover" ? `${whom} is let in again.` : `${whom} comes in as ${roles(one.roles)}${one.departments.length ? ` of ${one.departments.join(", ")}` : ""}.`), h("p", { class: "quiet" }, `${one.holders.map(name).join(" and ")} agreed, and each hands on a half, until ${when(one.until)}. An earlier half of yours opens nothing any more.`), h("p", { class: "pair" }, tell));
}

/** Whoever must first show again who he is comes back to this proposal. */
const here = (one) => history.replaceState(null, "", `${location.search || location.pathname}#p-${one.id}`);

const act = (button, heading, path, send) =>
  doing(button, said, heading, async () => {
    await ask(path, { method: "POST", send });
    await load(true);
  });

function proposal(one) {
  const [kind, word] = STATES[one.state];
  const yes = h("button", { type: "button", class: "do" }, "Approve");
  // What is approved is what stands here: the city compares.
  yes.addEventListener("click", () => (here(one), act(yes, "This was not approved", `/admin/proposals/${one.id}/approve`, { digest: one.digest })));
  const no = press("tool", one.mine ? "Take back" : "Refuse", () => reasoned(by("editor"), one.mine ? "Take this back?" : "Refuse this?", one.mine ? "Take back" : "Refuse", async (reason) => (await ask(`/admin/proposals/${one.id}/refuse`, { method: "POST", send: { reason } }), load(true))));
  const behind = one.approvedBy.length ? `, approved by ${one.approvedBy.map(name).join(" and ")}` : "";
  const missing = one.needs - one.approvedBy.length;
  return h(
    "article",
    { class: "matter", id: `p-${one.id}`, "aria-label": KINDS[one.kind] ?? one.kind },
    h("header", {}, h("h3", {}, KINDS[one.kind] ?? one.kind), sign(kind, word)),
    h("p", { class: "matter-why" }, one.reason),
    h("p", { class: "quiet" }, `Proposed by ${name(one.by)} on ${when(one.at)}${behind}. `, one.state === "waiting" ? `${missing > 1 ? `${missing} people` : "One person"} must approve it by ${when(one.until)}.` : one.endedAt ? `${one.endedBy ? `By ${name(one.endedBy)}, ` : ""}${when(one.endedAt)}.` : ""),
    one.outcome ? h("p", { class: "matter-outcome" }, one.outcome) : null,
    shown(one),
    one.state === "waiting" ? h("p", { class: "pair" }, one.mayApprove ? yes : null, one.mine || one.mayApprove ? no : null, one.mayApprove ? null : h("span", { class: "quiet" }, one.whyNot)) : null,
    h("p", { class: "sub mono" }, `SHA-256 ${one.digest}`),
  );
}

function derivation(one) {
  const end = press("tool grave", "End it", () => reasoned(by("editor"), `End ${one.declared.name}?`, "End it", async (reason) => (await ask(`/admin/derivations/${one.declared.name}/end`, { method: "POST", send: { reason } }), load(true)), "Nothing leaves by it any more, and what came of it is deleted."));
  return h("article", { class: "matter", id: `d-${one.declared.name}`, "aria-label": one.declared.name }, h("header", {}, h("h3", {}, one.declared.name), sign("ok", "Runs")), leaving(one.declared), h("p", { class: "pair" }, end, one.waiting ? h("span", { class: "quiet" }, `${count(one.waiting, "entity", "entities")} to go`) : null));
}

function broken(one) {
  const left = Math.max(0, Math.round((new Date(one.until) - Date.now()) / 60_000));
  const end = press("do", "End it now", () => reasoned(by("editor"), "End break-glass?", "End it now", async (reason) => (await ask(`/admin/break-glass/${one.id}/end`, { method: "POST", send: { reason } }), load(true)), "The rights end at once."));
  return h(
    "section",
    { class: "broken", role: "alert", id: `g-${one.id}` },
    h("p", { class: "broken-word" }, "Break-glass"),
    h("p", { class: "broken-who" }, `${one.mine ? "You have" : `${name(one.who)} has`} the rights of ${roles(one.roles)} until ${when(one.until)}, ${count(left, "minute")} from now.`),
    h("p", {}, `“${one.reason}” Approved by ${one.approvedBy.map(name).join(" and ")}. The data officer has been told; everything that is asked by these rights is written down.`),
    one.mayEnd ? end : null,
  );
}

const ended = (one) => h("article", { class: "matter", "aria-label": "Break-glass that is over" }, h("header", {}, h("h3", {}, "Break-glass"), sign("stale", "Over")), h("p", { class: "matter-why" }, one.reason), h("p", { class: "quiet" }, `${name(one.who)} had the rights of ${roles(one.roles)} from ${when(one.since)} until ${when(one.endedAt ?? one.until)}, approved by ${one.approvedBy.map(name).join(" and ")}. ${one.ending ?? ""}`));

function breakGlass() {
  const dialog = by("editor");
  const box = h("div", { "aria-live": "assertive" });
  const form = h(
    "form",
    { class: "edit way-form", novalidate: true, data: { typed: "break-glass" } },
    h("h2", { id: "editor-title" }, "Break glass"),
    h("p", {}, "For an emergency: rights beyond your own, for an hour at most. A second person must approve it, the data officer is told, and everything that you ask is written down."),
    h("fieldset", { class: "way-roles" }, h("legend", {}, "The rights of"), LENDABLE.map((one) => h("label", { class: "check" }, h("input", { type: "checkbox", name: "roles", value: one }), ROLES[one]))),
    field("For how many minutes", "minutes", { type: "number", min: "1", max: "60", value: "60", inputmode: "numeric" }),
    field("Why", "reason", { maxlength: "2000", required: true, autocomplete: "off" }, "It is kept, and the data officer reads it."),
    box,
    h("div", { class: "edit-end" }, h("button", { type: "submit", class: "do" }, "Ask for it"), press("tool", "Cancel", () => dialog.close())),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const data = new FormData(form);
    doing(form.querySelector("[type=submit]"), box, "This was not asked for", async () => {
      await ask("/admin/break-glass", { method: "POST", send: { roles: data.getAll("roles"), minutes: Number(data.get("minutes")), reason: data.get("reason") } });
      dialog.close();
      aloud("Asked for; a second person must approve it");
      await see("waiting");
    });
  });
  dialog.replaceChildren(form);
  dialog.showModal();
  return form;
}

function see(which) {
  view = which;
  history.replaceState(null, "", which === "waiting" ? location.pathname : `?view=${which}`);
  return load(true);
}

for (const one of Object.keys(VIEWS)) by(`see-${one}`).addEventListener("click", () => see(one));
by("break").addEventListener("click", () => breakGlass());
const given = new URLSearchParams(location.search).get("view");
if (given in VIEWS) view = given;
document.documentElement.classList.add("ready");
start({ keys: [["b", "break glass"]], act: { b: () => (by("break").hidden ? false : void breakGlass()) } });
await load();
const before = drawn ? kept() : null;
if (before?.name === "break-glass" && !by("break").hidden) fillForm(breakGlass(), before.what);
if (location.hash.startsWith("#p-")) by(location.hash.slice(1))?.scrollIntoView({ block: "nearest" });
setInterval(() => document.hidden || by("editor").open || load(), AGAIN_MS);
