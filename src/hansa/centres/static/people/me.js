// /me: who is signed in here, what he signs in by, and where else.

import { ask } from "../doors.js";
import { aloud, fault, may, start } from "../base/start.js";
import { make, unable } from "./passkey.js";
import { forget } from "./typed.js";
import { authenticator, codeField, doing, field, fill, h, roles, signIn, when } from "./way.js";

const box = document.getElementById("way");
const said = h("div", { "aria-live": "assertive" });
const fresh = new URLSearchParams(location.search).get("new");
const METHODS = { passkey: "passkey", "password+totp": "password and code", password: "password", oidc: "provider", "oidc+two": "provider, with two factors" };
let me = null;

async function load() {
  try {
    me = (await ask("/account")).body;
  } catch (problem) {
    if (problem.status === 401 && !may.administer) return signIn();
    if (problem.status !== 401) return fill(box, fault("Your account could not be read", problem));
    fill(
    box,
      h("h2", {}, "Nobody is signed in here"),
      h("p", {}, "This machine is trusted as the city's administrator, so the pages are open. What is done this way bears nobody's name."),
      h("p", {}, h("button", { type: "button", class: "do", on: { click: () => signIn() } }, "Sign in")),
      h("p", { class: "hint" }, "No account yet? The link of the first administrator was printed where hansa was started."),
    );
    return;
  }
  show();
}

const act = (word, work, { grave = false, heading = "This did not work", id = null, about = null } = {}) => {
  const button = h("button", { type: "button", class: grave ? "tool grave" : "tool", id, "aria-label": about ? `${word}: ${about}` : null }, word);
  button.addEventListener("click", () => doing(button, said, heading, async () => ((await work()) === false ? null : load())));
  return button;
};

const row = (head, words, ...tools) => h("li", {}, h("div", {}, h("b", {}, head), h("p", { class: "sub" }, words)), h("span", { class: "pair" }, ...tools));

function show() {
  const usable = me.passkeys.filter((one) => !one.doubted).length;
  fill(
    box,
    h("header", { class: "way-head" }, h("div", {}, h("h2", {}, me.shown), h("p", { class: "quiet" }, h("span", { class: "mono" }, me.name), ` · ${roles(me.roles)}`, me.departments.length ? ` · ${me.departments.join(", ")}` : "")), h("button", { type: "button", class: "tool", id: "leave", on: { click: leave } }, "Sign out")),
    fresh && usable < 2 && !me.provider ? h("p", { class: "way-note", role: "status" }, "You are in. Add a second passkey now, on another device: whoever loses the only one needs two administrators to come in again.") : null,
    said,
    ...(me.provider ? [h("p", { class: "quiet" }, `You sign in by ${me.provider}: who you are, and as what, is for it to say.`)] : [...keys(), ...password()]),
    ...sessions(),
    h("p", { class: "links" }, me.roles.includes("administrator") ? [h("a", { href: "/people" }, "People of the city"), " "] : null, h("a", { href: "/approvals" }, "Approvals"), " ", h("a", { href: "/sharing" }, "Sharing")),
  );
}

function keys() {
  const lack = unable();
  const add = act("Add a passkey", async () => {
    const credential = await make((await ask("/account/passkeys/ask", { method: "POST", send: {} })).body);
    await ask("/account/passkeys", { method: "POST", send: { credential, called: `Passkey ${me.passkeys.length + 1}` } });
    aloud("Passkey added");
  }, { id: "add", heading: "No passkey was added" });
  add.disabled = Boolean(lack);
  const list = me.passkeys.map((one) =>
    row(
      one.called,
      [one.doubted ? "Counted backwards: there may be a copy of it. It opens nothing; remove it." : `Made ${when(one.made)}, last used ${when(one.used)}`, one.synced ? "kept in sync by its maker" : "", `for ${one.site}`].filter(Boolean).join(" · "),
      act("Rename", async () => rename(one), { about: one.called }),
      act("Remove", () => ask(`/account/passkeys/${one.id}`, { method: "DELETE" }), { grave: true, heading: "It stays", about: one.called }),
    ),
  );
  return [h("h3", {}, "Passkeys"), list.length ? h("ul", { class: "way-list", id: "passkeys" }, list) : h("p", { class: "quiet" }, "None yet: with one there is nothing to type, and nothing to steal."), h("p", {}, add), lack ? h("p", { class: "hint" }, lack === "number" ? "Passkeys need a name in the address: open the city as localhost." : lack) : null];
}

function rename(one) {
  const dialog = document.getElementById("editor");
  const form = h("form", { class: "edit" }, h("h2", { id: "editor-title" }, "Call it"), field("Name", "called", { value: one.called, maxlength: "100", required: true }), h("div", { class: "edit-end" }, h("button", { type: "submit", class: "do" }, "Keep"), h("button", { type: "button", class: "tool", on: { click: () => dialog.close() } }, "Cancel")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    dialog.close();
    doing(form, said, "It keeps its name", async () => (await ask(`/account/passkeys/${one.id}`, { method: "PATCH", send: Object.fromEntries(new FormData(form)) }), load()));
  });
  dialog.replaceChildren(form);
  dialog.showModal();
  form.querySelector("input").select();
  return false;
}

function password() {
  const has = me.password ? `You have one${me.authenticator ? ", with an authenticator" : ""}.` : "None: passkeys are enough.";
  const codes = h("div", {});
  const scan = act(me.authenticator ? "Set up another authenticator" : "Set up an authenticator", async () => {
    const { body } = await ask("/account/codes", { method: "POST", send: {} });
    codes.replaceChildren(authenticator(body), codeField("Code that it shows now"));
    return false;
  }, { id: "codes" });
  const form = h("form", { class: "way-form", novalidate: true }, field("New password", "password", { type: "password", autocomplete: "new-password", maxlength: "256" }, "At least 12 characters. A sentence is easy to remember."), h("p", {}, scan), codes, h("button", { type: "submit", class: "tool" }, "Set it"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    doing(form.querySelector("[type=submit]"), said, "The password stays as it was", async () => (await ask("/account/password", { method: "PUT", send: Object.fromEntries(new FormData(form)) }), aloud("Password set"), load()));
  });
  return [h("h3", {}, "Password"), h("p", { class: "quiet" }, has), h("details", { class: "way-other" }, h("summary", {}, me.password ? "Change it" : "Set one as well"), form), me.password ? h("p", {}, act("Do without a password", () => ask("/account/password", { method: "DELETE" }), { grave: true, heading: "It stays" })) : null];
}

function sessions() {
  const list = me.sessions.map((one) =>
    row(one.here ? "This browser" : browser(one.agent), `By ${METHODS[one.method]} from ${one.address || "here"} · since ${when(one.began)}, last used ${when(one.seen)} · ends ${when(one.until)}`, one.here ? null : act("End", () => ask(`/account/sessions/${one.id}`, { method: "DELETE" }), { grave: true, about: browser(one.agent) })),
  );
  return [h("h3", {}, "Where you are signed in"), h("ul", { class: "way-list", id: "sessions" }, list), me.sessions.length > 1 ? h("p", {}, act("End all others", () => ask("/account/sessions", { method: "DELETE" }), { grave: true, id: "others" })) : null];
}

const browser = (agent) => ["Firefox", "Edg", "OPR", "Chrome", "Safari"].filter((one) => agent.includes(one)).map((one) => ({ Edg: "Edge", OPR: "Opera" })[one] ?? one)[0] ?? "Another browser";

async function leave() {
  forget();
  await ask("/account/sign-out", { method: "POST" }).catch(() => null);
  location.assign("/sign-in");
}

document.documentElement.classList.add("ready");
start();
load();
