// /sign-in: by a passkey, or by a password and a code; with ?step=up, whoever is signed in shows again who he is.

import { ask } from "../doors.js";
import { aloud, start } from "../base/start.js";
import { byName, sign, unable } from "./passkey.js";
import { codeField, doing, field, fill, h, next } from "./way.js";

const box = document.getElementById("way");
const said = h("div", { "aria-live": "assertive" });
const asked = new URLSearchParams(location.search);
const again = asked.get("step") === "up";

/** Why nobody came back from another house; whatever else it was, it does not work just now. */
const WHY = {
  roles: (house) => `${house} knows you, but this city has nothing for you to do yet. Ask an administrator for a role.`,
  error: (house) => `${house} did not let you in.`,
  state: () => "That took too long, or was begun in another browser. Try again.",
  cookie: () => "That was begun in another browser, or cookies are switched off. Try again.",
  auth_time: (house) => `${house} did not ask you anew who you are.`,
};

async function main() {
  let who = null;
  if (again) {
    try {
      who = (await ask("/account")).body;
    } catch {
      who = null; // then he signs in as anybody does
    }
  }
  let houses = [];
  try {
    houses = (await ask("/oidc")).body;
  } catch {
    houses = []; // then there are the ways of this house
  }
  const from = houses.find((one) => one.name === asked.get("failed"));
  if (from) said.append(h("div", { class: "notice" }, h("h2", {}, "You are not signed in"), h("p", {}, (WHY[asked.get("why")] ?? ((house) => `Signing in by ${house} does not work just now. Try again in a moment.`))(from.title))));
  const theirs = who ? houses.filter((one) => who.name.startsWith(`${one.name}:`)) : houses;
  const door = who ? "/account/again" : "/account/sign-in";
  const lack = unable();
  const key = h("button", { type: "button", class: "do wide", id: "passkey", disabled: Boolean(lack) }, "Use a passkey");
  key.addEventListener("click", () => doing(key, said, "This did not work", async () => enter(await ask(`${door}/passkey`, { method: "POST", send: { credential: await sign((await ask(door, { method: "POST", send: {} })).body), next: next() } }))));

  const form = h(
    "form",
    { class: "way-form" },
    who ? null : field("Name", "name", { autocomplete: "username", autocapitalize: "none", spellcheck: "false", required: true, maxlength: "63" }),
    field("Password", "password", { type: "password", autocomplete: "current-password", required: true, maxlength: "256" }),
    codeField("Code", "Of your authenticator. Residents without one leave it empty."),
    h("button", { type: "submit", class: "tool wide" }, who ? "Go on" : "Sign in"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const send = { ...Object.fromEntries(new FormData(form)), next: next() };
    doing(form.querySelector("[type=submit]"), said, "This did not work", async () => enter(await ask(`${door}/password`, { method: "POST", send })));
  });
  const other = h("details", { class: "way-other", open: Boolean(lack) }, h("summary", {}, "With a password"), form);
  const links = theirs.map((one) => h("a", { class: "tool wide house", href: `${one.login}?${who ? "step=up&" : ""}next=${encodeURIComponent(next())}` }, `With ${one.title}`));
  fill(
    box,
    h("h2", {}, who ? "Show again who you are" : "Sign in"),
    who ? h("p", { class: "quiet" }, `You are signed in as ${who.shown}. What you are about to do needs to be sure of it.`) : h("p", { class: "quiet" }, "A passkey is kept by your phone, your computer or a security key. There is nothing to remember, and nothing that can be stolen here."),
    said,
    key,
    lack === "number" ? h("p", { class: "hint" }, "Passkeys need a name in the address. ", h("a", { href: byName() }, "Open this page as localhost"), ".") : lack ? h("p", { class: "hint" }, lack) : null,
    links,
    other,
    who ? null : h("p", { class: "hint" }, "No account yet, or all keys lost? An administrator of the city gives you a link. The very first one is printed where hansa was started (hansa person enrol prints it anew)."),
  );
  (lack ? box.querySelector("input") : key).focus();
}

function enter({ body }) {
  aloud("Signed in");
  location.replace(body.next);
}

document.documentElement.classList.add("ready");
start();
main();
