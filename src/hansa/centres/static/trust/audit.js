// /audit: who did and saw what. Officials search all of it; anybody sees what is about himself.

import { csv, download, h, keep, notice, put } from "../dom.js";
import { ask } from "../doors.js";
import { aloud, copier, fault, may, start, walk } from "../base/start.js";
import { entityPage } from "../base/ways.js";
import { clockText, count, dayText, look } from "../words.js";

const by = (id) => document.getElementById(id);
const FIELDS = ["realm", "actor", "kind", "entity", "about", "since", "until"];
const PAGE = 100;
const KINDS = {
  "read-personal": "saw personal data", "read-security": "saw security information", "read-again": "looked again", login: "signed in", "login-failed": "failed to sign in",
  logout: "signed out", people: "changed people", policy: "changed policy", device: "changed a device", command: "gave a command", export: "exported", door: "passed a realm's door",
  "break-glass": "broke the glass", approval: "decided a proposal", "audit-read": "read this log", "audit-begun": "began this log", "audit-cut": "cut off old entries",
};
const said = Object.fromEntries([...FIELDS, "sel", "mine"].map((name) => [name, ""]));
let found = []; // [{n, entry}], newest first
let next = null;
let failed = null;
let asked = 0;
let shown = null;

const staff = may.audit === true;
const mine = () => !staff || said.mine === "1";
const instant = (local) => (local ? new Date(local).toISOString() : "");
const at = (entry) => entry.at / 1000;

function where() {
  const given = new URLSearchParams(location.search);
  for (const name of Object.keys(said)) said[name] = given.get(name) ?? "";
}

function go(change, again = true) {
  Object.assign(said, change);
  const given = new URLSearchParams(Object.entries(said).filter(([, value]) => value));
  history.pushState(null, "", given.size ? `?${given}` : location.pathname);
  if (again) load();
  else show();
}

function query(before = null) {
  const given = new URLSearchParams({ limit: PAGE });
  for (const name of mine() ? ["actor", "kind"] : ["realm", "actor", "kind", "entity", "about"]) if (said[name]) given.set(name, said[name]);
  for (const name of ["since", "until"]) if (said[name] && !Number.isNaN(Date.parse(said[name]))) given.set(name, instant(said[name]));
  if (mine()) given.set("about", "me");
  if (before !== null) given.set("before", before);
  return `/audit/entries?${given}`;
}

async function load(more = false) {
  const turn = ++asked;
  by("list").classList.add("wait");
  try {
    const { body } = await ask(query(more ? next : null));
    if (turn !== asked) return; // somebody asked something else in the meantime
    found = more ? [...found, ...body.entries] : body.entries;
    next = body.next;
    failed = null;
  } catch (problem) {
    if (turn !== asked) return;
    failed = problem;
    if (!more) found = [];
  }
  by("list").classList.remove("wait");
  show();
  if (!more && !failed) aloud(`${count(found.length, "entry", "entries")}${next === null ? "" : " and more"}`);
}

// ---- the list

function show() {
  document.body.classList.toggle("mine", mine());
  by("whose").hidden = !staff;
  by("whose").replaceChildren(...[["", "The city's"], ["1", "About me"]].map(([value, word]) => h("button", { type: "button", "aria-pressed": String(said.mine === value), on: { click: () => go({ mine: value, sel: "" }) } }, word)));
  for (const name of FIELDS) if (document.activeElement !== by("asked").elements[name]) by("asked").elements[name].value = said[name];
  put(by("sum"), failed ? "" : `${count(found.length, "entry", "entries")}${next === null ? "" : " and more"}`);
  by("hand-out").hidden = !found.length;
  if (failed) by("list").replaceChildren(fault("The log could not be read", failed, h("button", { type: "button", on: { click: () => load() } }, "Try again")));
  else if (!found.length) by("list").replaceChildren(nothing());
  else list();
  panel();
}

function nothing() {
  const narrow = FIELDS.some((name) => said[name]);
  if (mine()) return notice("Nothing about you", [narrow ? "Nobody did or saw this of yours in that time." : "Since this log began, nobody was shown personal data of yours, and nothing was done to your account."]);
  return notice("No such entry", [narrow ? "Nothing in the log fits. Leave a field empty to widen the search." : "The log is empty."]);
}

function list() {
  let body = by("list").querySelector("tbody");
  if (!body) {
    body = h("tbody", {});
    by("list").replaceChildren(
      h("table", { class: "subs-table audit-table" }, h("caption", { class: "unseen" }, "Entries, newest first"), h("thead", {}, h("tr", {}, ["When", "Who", "Did", "What"].map((word) => h("th", { scope: "col" }, word)))), body),
      h("p", { class: "audit-more" }, h("button", { type: "button", class: "tool", id: "more", on: { click: () => load(true) } }, "Older entries")),
    );
  }
  by("more").hidden = next === null;
  keep(body, found, ({ n }) => String(n), row, (tr, { n }) => tr.classList.toggle("at", String(n) === said.sel));
}

const whenElement = (entry) => h("time", { datetime: new Date(at(entry)).toISOString(), title: new Date(at(entry)).toISOString() }, `${dayText(at(entry))} ${clockText(at(entry))}`);
const kindWord = (kind) => (Object.hasOwn(KINDS, kind) ? KINDS[kind] : kind);

function row({ n, entry }) {
  return h(
    "tr",
    {},
    h("td", {}, whenElement(entry)),
    h("th", { scope: "row" }, h("button", { type: "button", class: "attr id", on: { click: () => go({ sel: String(n) }, false) } }, entry.actor)),
    h("td", { class: "kind-of", title: entry.kind }, kindWord(entry.kind)),
    h("td", { class: "says" }, summary(entry)),
  );
}

/** What an entry says, in a line. */
function summary({ what }) {
  const things = [what.entity, what.device, ...(what.entities ?? []), ...Object.values(what.of ?? {}).flat()].filter((one) => typeof one === "string");
  const parts = [what.did, things.length > 3 ? `${things.slice(0, 3).join(", ")} and ${things.length - 3} more` : things.join(", "), typeof what.of === "object" && what.of ? `of ${Object.keys(what.of).join(", ")}` : "", what.purpose ? `for ${what.purpose}` : "", what.reason ? `because: ${what.reason}` : "", what.times ? `${what.times} times` : "", what.refused ? `refused: ${what.refused}` : ""];
  const line = parts.filter((one) => typeof one === "string" && one).join(" · ");
  const text = line || Object.entries(what).map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`).join(" · ");
  return text.length > 300 ? `${text.slice(0, 299)}…` : text;
}

// ---- one of them

function panel() {
  const box = by("one");
  const one = found.find(({ n }) => String(n) === said.sel);
  const key = one ? `${said.realm} ${said.mine} ${one.n}` : "";
  document.body.classList.toggle("has-side", key !== "");
  if (key === shown) return;
  shown = key;
  box.hidden = !key;
  if (!key) return box.replaceChildren();
  const { n, entry } = one;
  const told = h("div", {});
  const prove = h("button", { type: "button", class: "tool", id: "prove", on: { click: () => proof(n, told) } }, "Prove it");
  const facts = [
    ["Entry", String(n)],
    ["When", whenElement(entry)],
    ["Who", staff && !mine() ? narrower("actor", entry.actor) : entry.actor],
    ["Did", `${kindWord(entry.kind)} (${entry.kind})`],
    ["Session", entry.session],
    ["For", entry.what.purpose],
    ["Because", entry.what.reason],
    ["Asked", entry.what.asked],
    ["Of", Object.keys(entry.what.of ?? {}).join(", ")],
  ].filter(([, value]) => value);
  const things = [...new Set([entry.what.entity, ...(entry.what.entities ?? []), ...Object.values(entry.what.of ?? {}).flat()].filter((it) => typeof it === "string"))];
  box.replaceChildren(
    h("header", { class: "side-head" }, h("div", {}, h("h2", {}, kindWord(entry.kind))), h("button", { type: "button", class: "knob close", "aria-label": "Close", "aria-keyshortcuts": "Escape", on: { click: () => go({ sel: "" }, false) } }, "×")),
    h("p", { class: "head-tools" }, prove),
    told,
    h("dl", { class: "facts" }, facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", { class: /Who|Session|Of|Asked/.test(name) ? "id" : null }, value)])),
    things.length ? h("h3", {}, "Entities") : "",
    things.length ? h("ul", { class: "plain" }, things.slice(0, 200).map((id) => h("li", {}, h("a", { class: "id", href: entityPage(id, {}) }, id)))) : "",
    h("h3", {}, "As it was noted"),
    h("p", { class: "links" }, copier(() => JSON.stringify(entry))),
    h("pre", { class: "code", tabindex: "0", "aria-label": "The entry" }, JSON.stringify(entry, null, 2)),
  );
  box.focus({ preventScroll: true });
}

const narrower = (name, value) => h("button", { type: "button", class: "link id", on: { click: () => go({ [name]: value, sel: "" }) } }, value);

async function proof(n, told) {
  told.replaceChildren(h("p", { class: "quiet" }, "Asking…"));
  try {
    const { body } = await ask(`/audit/proof/${n}${!mine() && said.realm ? `?realm=${said.realm}` : ""}`);
    const [origin, size] = body.head.split("\n");
    const hand = h("button", { type: "button", class: "link", on: { click: () => download(`${origin.replaceAll("/", "-")}-${n}.json`, JSON.stringify(body), "application/json") } }, "Take the proof along");
    const witnesses = body.head.split("\n").filter((line) => line.startsWith("— ")).length - 1;
    told.replaceChildren(
      h(
        "div",
        { class: "audit-proven", role: "status" },
        h("p", {}, `Entry ${n} is in the signed head of ${count(Number(size), "entry", "entries")}${witnesses > 0 ? `, which ${count(witnesses, "witness", "witnesses")} signed too` : ""}; ${count(body.proof.length, "hash", "hashes")} show it.`),
        h("p", { class: "links" }, hand, copier(() => body.head, "Copy the head"), h("a", { href: "/audit/keys" }, "The city's keys")),
        h("p", { class: "hint plain" }, "Anybody can check it without this city: hansa audit verify."),
      ),
    );
  } catch (problem) {
    told.replaceChildren(fault("It could not be proven", problem));
  }
}

// ---- joined

by("asked").addEventListener("submit", (event) => {
  event.preventDefault();
  go({ ...Object.fromEntries(FIELDS.map((name) => [name, by("asked").elements[name].value.trim()])), sel: "" });
});
by("hand-out").addEventListener("click", () => {
  const rows = found.map(({ n, entry }) => [n, new Date(at(entry)).toISOString(), entry.actor, entry.kind, entry.session ?? "", JSON.stringify(entry.what)]);
  download(`${look.city}-audit.csv`, csv([["entry", "at", "actor", "kind", "session", "what"], ...rows]));
});
by("kinds").replaceChildren(...Object.keys(KINDS).map((kind) => h("option", { value: kind }, KINDS[kind])));
addEventListener("popstate", () => (where(), load()));
where();
await start({
  keys: [["j  k", "next, previous; Enter opens"], ["/", "search"], ["Esc", "close"]],
  act: { j: walk(".audit-table .attr", 1), k: walk(".audit-table .attr", -1), "/": () => by("asked").elements.actor.focus(), Escape: () => (said.sel ? go({ sel: "" }, false) : false) },
});
await load();
document.documentElement.classList.add("ready");
