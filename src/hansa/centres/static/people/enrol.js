// /enrol/<link>: somebody comes in by a link that works once, and makes what he signs in by from now on.

import { ask } from "../doors.js";
import { start } from "../base/start.js";
import { byName, make, unable } from "./passkey.js";
import { authenticator, codeField, doing, field, fill, h, roles, when } from "./way.js";

const box = document.getElementById("way");
const said = h("div", { "aria-live": "assertive" });
const last = (text) => text.trim().replace(/\/+$/, "").split("/").pop();
let link = last(location.pathname);

const TITLES = { first: "Welcome, first administrator", invite: "Welcome", recover: "Come in again" };

async function main() {
  let it;
  try {
    it = (await ask("/account/enrol", { method: "POST", send: { link } })).body;
  } catch (problem) {
    fill(box, h("h2", {}, "This link opens nothing"), h("p", {}, problem.message), h("p", { class: "quiet" }, problem.mend), h("p", {}, h("a", { class: "tool", href: "/sign-in" }, "Sign in")));
    return;
  }
  if (it.kind === "half") return other(it);
  const known = it.kind === "recover";
  const lack = unable();
  const who = h(
    "form",
    { class: "way-form", novalidate: true },
    known ? null : field("Your name", "shown", { autocomplete: "name", required: true, maxlength: "100", value: it.shown || null }, "As others see you."),
    known ? null : field("Account", "name", { class: "mono", autocomplete: "username", autocapitalize: "none", spellcheck: "false", required: true, maxlength: "63", value: it.name || null, readonly: Boolean(it.name) }, "What you sign in by: small letters, digits, dot, dash."),
  );
  const person = () => (known ? { link } : { link, ...Object.fromEntries(new FormData(who)) });
  const key = h("button", { type: "button", class: "do wide", id: "passkey", disabled: Boolean(lack) }, "Make a passkey");
  key.addEventListener("click", () =>
    doing(key, said, "You are not in yet", async () => {
      const credential = await make((await ask("/account/enrol/ask", { method: "POST", send: person() })).body);
      await ask("/account/enrol/passkey", { method: "POST", send: { ...person(), credential, called: device() } });
      location.replace("/me?new=1"); // the link, which opens nothing any more, leaves the history
    }),
  );

  const codes = h("div", {});
  const show = h("button", { type: "button", class: "tool", id: "codes" }, "Set up an authenticator");
  show.addEventListener("click", () =>
    doing(show, said, "No secret was made", async () => {
      const { body } = await ask("/account/enrol/codes", { method: "POST", send: person() });
      codes.replaceChildren(authenticator(body), codeField("Code that it shows now"));
      codes.querySelector("input").focus();
    }),
  );
  const form = h(
    "form",
    { class: "way-form", novalidate: true },
    field("Password", "password", { type: "password", autocomplete: "new-password", maxlength: "256" }, "At least 12 characters. A sentence is easy to remember."),
    h("p", { class: "hint" }, it.official ? "Whoever works for the city needs an authenticator beside it." : "An authenticator beside it keeps others out, should somebody learn it."),
    show,
    codes,
    h("button", { type: "submit", class: "tool wide" }, "Come in with a password"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    doing(form.querySelector("[type=submit]"), said, "You are not in yet", async () => {
      await ask("/account/enrol/password", { method: "POST", send: { ...person(), ...Object.fromEntries(new FormData(form)) } });
      location.replace("/me?new=1");
    });
  });
  who.addEventListener("submit", (event) => (event.preventDefault(), (lack ? form.querySelector("input") : key).focus()));

  fill(
    box,
    h("h2", {}, TITLES[it.kind]),
    h("p", {}, known ? `${it.shown}, what you signed in by before opens nothing any more once you have come in.` : "You will be here as ", known ? null : h("b", {}, roles(it.roles)), known ? null : it.departments.length ? ` in ${it.departments.join(", ")}.` : "."),
    h("p", { class: "quiet" }, `This link works once, until ${when(it.until)}.`),
    said,
    who,
    key,
    lack === "number" ? h("p", { class: "hint" }, "Passkeys need a name in the address. ", h("a", { href: byName() }, "Open this page as localhost"), ".") : lack ? h("p", { class: "hint" }, lack) : h("p", { class: "hint" }, "Your phone, computer or security key keeps it, and asks for your finger, face or PIN. It works at ", h("b", {}, it.host), " only: nobody can talk you out of it."),
    h("details", { class: "way-other", open: Boolean(lack) }, h("summary", {}, "With a password instead"), form),
  );
  (who.querySelector("input:not([readonly])") ?? key).focus();
}

/** Two people agreed that somebody comes in: each of them has handed on a half, and this page was opened by one. */
function other(it) {
  const mine = link;
  const form = h("form", { class: "way-form", novalidate: true }, field("The other half", "half", { class: "mono", autocomplete: "off", autocapitalize: "none", spellcheck: "false", required: true, maxlength: "2000" }, "The whole link, as it was handed to you."), h("button", { type: "submit", class: "do wide" }, "Go on"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const both = `${mine}.${last(form.querySelector("input").value)}`;
    doing(form.querySelector("[type=submit]"), said, "These are not two halves of one link", async () => {
      await ask("/account/enrol", { method: "POST", send: { link: both } });
      link = both;
      said.replaceChildren();
      await main();
    });
  });
  fill(box, h("h2", {}, "This is one half of two"), h("p", {}, "Two people of the city agreed to let you in, and each of them has the half of a link for you. Open either one, and put the other here."), h("p", { class: "quiet" }, `Together they work once, until ${when(it.until)}.`), said, form);
  form.querySelector("input").focus();
}

/** What to call a passkey that is made here. */
function device() {
  const agent = navigator.userAgent;
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac OS", "CrOS", "Linux"].find((one) => agent.includes(one)) ?? "This device";
  return { "Mac OS": "Mac", CrOS: "Chromebook" }[system] ?? system;
}

document.documentElement.classList.add("ready");
start();
main();
