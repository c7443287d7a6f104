// /entities/<id>: everything that is said of one entity, its past, whom it points at and who points at it.

import { download, h, keep, press, put } from "../dom.js";
import { ask, door } from "../doors.js";
import { address, curl, headers, read } from "./asked.js";
import { addAttribute, changeAttribute, takeAttribute, takeEntity } from "./edit.js";
import { startAround } from "./around.js";
import { startPast } from "./past.js";
import { ageElement, attributeNames, instances, valueElements } from "./shown.js";
import { aloud, copier, fault, may, now, start } from "./start.js";
import { moment, named, shapeOf } from "../station.js";
import { title } from "../words.js";

const by = (id) => document.getElementById(id);
const id = unescaped(location.pathname.slice("/entities/".length));
const asked = { ...read(location.search), type: undefined };
const whose = { tenant: asked.tenant, context: asked.context };
const STATE = { attr: "", set: "", win: "24h", doc: "" };
const state = { ...STATE };
let entity = null;
let fresh = new Set(); // attributes that have just changed
let past = null;
let around = null;

/** An id out of a path; one that was escaped badly stands as it is, and the city says that it is none. */
function unescaped(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

// ---- where the page is

function where() {
  const query = new URLSearchParams(location.search);
  for (const name of Object.keys(STATE)) state[name] = query.get(name) ?? STATE[name];
}

function go(change, { quiet = false } = {}) {
  Object.assign(state, change);
  const query = new URLSearchParams(address(whose).slice(1));
  for (const [name, value] of Object.entries(state)) if (value && value !== STATE[name]) query.set(name, value);
  history[quiet ? "replaceState" : "pushState"](null, "", query.size ? `?${query}` : location.pathname);
  chosen();
}

// ---- reading

async function load() {
  try {
    const { body } = await ask(`${door("entities", id)}?options=sysAttrs`, { headers: headers(whose) });
    if (entity) fresh = new Set(attributeNames(body).filter((name) => JSON.stringify(body[name]) !== JSON.stringify(entity[name])));
    entity = body;
    show();
  } catch (problem) {
    entity = null;
    by("side").hidden = true;
    by("attributes").replaceChildren();
    by("document").replaceChildren();
    const gone = problem.status === 404;
    const again = gone ? null : h("button", { type: "button", on: { click: load } }, "Try again");
    const more = [h("p", { class: "pad" }, h("code", { class: "id" }, id)), h("p", { class: "pad" }, h("a", { href: "/entities" }, "Ask for others"))];
    by("head").replaceChildren(fault(gone ? "There is no such entity" : "The entity could not be read", problem, again), ...(gone ? more : []));
  }
}

function show() {
  document.title = document.title.replace(/^.*?(?= · )/, named(entity));
  head();
  table();
  whole();
  by("side").hidden = false;
  chosen();
  around.show(entity);
  if (fresh.size) aloud(`${[...fresh].map((name) => title(name, "attributes")).join(", ")} changed`);
  fresh = new Set();
}

function head() {
  const types = [entity.type].flat();
  const scopes = [entity.scope ?? []].flat();
  const link = (found, word, kind = null) => h("a", { class: kind, href: `/entities${address({ ...whose, ...found })}` }, word);
  const kinds = [...types.flatMap((type, i) => [i ? ", " : "", link({ type }, type)]), ...scopes.flatMap((scope) => [" · ", link({ scopeQ: scope }, scope, "mono")])];
  const at = (name, word) => (moment(entity[name]) === null ? null : h("span", {}, `${word} `, ageElement(moment(entity[name]), now()), " ago"));
  by("head").replaceChildren(
    h("div", { class: "called" }, h("h1", { id: "name" }, named(entity)), h("p", { class: "kinds" }, kinds)),
    h("p", { class: "under" }, h("code", { class: "id" }, id), " ", copier(() => id, "Copy id")),
    h("p", { class: "under quiet" }, [at("createdAt", "Made"), at("modifiedAt", "changed"), entity.expiresAt ? h("span", {}, "expires ", ageElement(moment(entity.expiresAt), now())) : null, whose.tenant ? h("span", {}, "tenant ", h("code", {}, whose.tenant)) : null].filter(Boolean).flatMap((one, i) => [i ? ", " : "", one])),
    h(
      "p",
      { class: "head-tools" },
      ...[
        may.write ? h("button", { type: "button", class: "tool", id: "add", on: { click: () => addAttribute({ id, whose, done: load }) } }, "Add an attribute") : null,
        !whose.tenant && shapeOf(entity)?.type === "Point" ? h("a", { class: "tool", href: `/?sel=${encodeURIComponent(id)}` }, "On the map") : null,
        may.write ? h("button", { type: "button", class: "tool grave", id: "take", on: { click: () => takeEntity({ id, whose, called: named(entity), done: gone }) } }, "Delete") : null,
      ].filter(Boolean),
    ),
  );
}

function gone() {
  aloud("Deleted");
  location.assign(`/entities${address({ ...whose, type: [entity.type].flat()[0] })}`);
}

// ---- attributes

function table() {
  const rows = attributeNames(entity).flatMap((name) => instances(entity[name]).map((one) => ({ name, one, key: `${name} ${one.dataset}` })));
  if (!rows.length) return by("attributes").replaceChildren(h("div", { class: "notice" }, h("h2", {}, "No attributes"), h("p", {}, "Nothing is said of this entity but its type.")));
  let box = by("attributes").querySelector("tbody");
  if (!box) {
    const columns = ["Attribute", "Kind", "Value", "Observed", "Changed", may.write ? "Do" : null].filter(Boolean);
    by("attributes").replaceChildren(h("table", { class: "said-table" }, h("caption", { class: "unseen" }, "Attributes"), h("thead", {}, h("tr", {}, columns.map((word, i) => h("th", { scope: "col", class: i === 3 || i === 4 ? "num" : null }, word === "Do" ? h("span", { class: "unseen" }, word) : word)))), h("tbody", {})));
    box = by("attributes").querySelector("tbody");
  }
  keep(box, rows, ({ key }) => key, ({ name, one }) => h("tr", { data: { name, set: one.dataset } }), fill);
}

function fill(tr, { name, one }) {
  const key = JSON.stringify([entity[name], one.dataset]);
  if (tr.dataset.said === key) {
    tr.children[3]?.replaceChildren(ageElement(one.at, now()));
    tr.children[4]?.replaceChildren(ageElement(one.modified, now()));
    return;
  }
  tr.dataset.said = key;
  tr.classList.toggle("new", fresh.has(name));
  const label = h("button", { type: "button", class: "attr", title: name, on: { click: () => go({ attr: name, set: one.dataset }) } }, title(name, "attributes"));
  const target = { id, name, one, whose, done: () => changed(name, one.dataset), stated: entity[name] };
  const which = `${name}${one.dataset ? ` of ${one.dataset}` : ""}`;
  const does = h("td", { class: "does" }, press("link", "Change", () => changeAttribute(target), { "aria-label": `Change ${which}` }), " ", press("link", "Delete", () => takeAttribute(target), { "aria-label": `Delete ${which}` }));
  tr.replaceChildren(
    h("th", { scope: "row" }, label, h("span", { class: "sub id" }, name), one.dataset ? h("span", { class: "sub set" }, "set ", h("code", { class: "id" }, one.dataset)) : null),
    h("td", { class: "kind" }, one.kind === "Property" ? "" : one.kind),
    h("td", { class: "whole-value" }, valueElements(one, { whole: true, asked: whose }), subs(one)),
    h("td", { class: "num" }, ageElement(one.at, now())),
    h("td", { class: "num" }, ageElement(one.modified, now())),
    ...(may.write ? [does] : []),
  );
}

/** After a change: what is so now, with the focus where it was. */
async function changed(name, set) {
  await load();
  const rows = [...by("attributes").querySelectorAll("tbody tr")];
  (rows.find((tr) => tr.dataset.name === name && tr.dataset.set === set)?.querySelector(".does button") ?? by("add"))?.focus();
}

/** What is said of an attribute itself, and of that. */
function subs({ subs: said }) {
  if (!said.length) return null;
  const row = (name, one) => [
    h("dt", { title: name }, title(name, "attributes"), one.kind === "Property" ? "" : h("span", { class: "quiet" }, ` ${one.kind}`)),
    h("dd", {}, valueElements(one, { whole: true, asked: whose }), one.at === null ? "" : h("span", { class: "quiet" }, " ", ageElement(one.at, now())), subs(one)),
  ];
  return h("dl", { class: "subs" }, said.flatMap(([name, stated]) => instances(stated).flatMap((one) => row(name, one))));
}

/** Show the attribute that is chosen, else the first with a number. */
function chosen() {
  const names = attributeNames(entity);
  const numbers = names.filter((name) => instances(entity[name]).some((one) => typeof one.value === "number"));
  const timed = numbers.filter((name) => instances(entity[name]).some((one) => one.at !== null));
  const name = names.includes(state.attr) ? state.attr : (timed[0] ?? numbers[0] ?? names[0]);
  for (const tr of by("attributes").querySelectorAll("tbody tr")) {
    const it = tr.dataset.name === name && (tr.dataset.set === state.set || (state.set && !instances(entity[name]).some((one) => one.dataset === state.set)));
    tr.classList.toggle("at", it);
    tr.querySelector("button.attr")?.setAttribute("aria-pressed", String(it));
  }
  const one = name && (instances(entity[name]).find((one) => one.dataset === state.set) ?? instances(entity[name])[0]);
  past.show(name ? { id, name, one, whose } : null, state.win);
}

// ---- the document

function whole() {
  const path = `${door("entities", id)}?options=sysAttrs`;
  let box = by("document").querySelector("details");
  if (!box) {
    const told = (text) => download(`${id.split(":").pop()}.json`, text, "application/json");
    const text = () => box.querySelector("pre").textContent;
    const ways = [copier(text), copier(() => curl(path, { more: headers(whose) }), "Copy as curl"), press("link", "JSON", () => told(text())), h("a", { href: door("entities", id) }, "API")];
    box = h("details", { class: "data document" }, h("summary", {}, "Document"), h("p", { class: "links" }, ways), h("pre", { class: "code", tabindex: "0", "aria-label": "Document" }));
    box.open = state.doc === "1";
    box.addEventListener("toggle", () => (state.doc === "1") !== box.open && go({ doc: box.open ? "1" : "" }, { quiet: true }));
    by("document").replaceChildren(box);
  }
  put(box.querySelector("pre"), JSON.stringify(entity, null, 2));
}

// ---- live

function listen() {
  if (whose.tenant) return; // the stream is of the city's own tenant
  let due = 0;
  let tries = 0;
  // The stream is told types by their short words; with an @context of one's own, what is shown may be another word.
  const types = [entity?.type ?? []].flat().flatMap((one) => [one, one.split(/[/#]/).pop()]).filter((one) => !one.includes(","));
  const only = types.length && !whose.context ? `?type=${encodeURIComponent(types.join(","))}` : "";
  const open = () => {
    const stream = new EventSource(`/live${only}`);
    stream.addEventListener("hello", () => (tries = 0));
    stream.addEventListener("change", (event) => {
      // Changes of all of its kind come by here: those that do not even name it are not read.
      if (!event.data.includes(JSON.stringify(id))) return;
      due ||= setTimeout(() => ((due = 0), load()), 250);
    });
    stream.onerror = () => {
      stream.close();
      setTimeout(open, Math.min(30_000, 1000 * 2 ** tries++));
    };
  };
  open();
}

// ---- joined

addEventListener("popstate", () => (where(), entity && chosen()));
where();
const step = (n) => {
  const all = [...document.querySelectorAll("button.attr")];
  const at = all.findIndex((one) => one.getAttribute("aria-pressed") === "true");
  const next = all[Math.min(all.length - 1, Math.max(0, at + n))];
  next?.click();
  next?.focus();
};
const clicks = (selector) => () => document.querySelector(selector)?.click();
past = startPast(by("past"), { go: (change) => go(change) });
around = startAround(by("around"), { id, whose });
await start({
  keys: [["j  k", "next, previous attribute"], ["v", "change the value of the chosen attribute"], ["a", "add an attribute"], ["d", "the document"], ["1 2 3 4 5", "6 h, 24 h, 7 d, 30 d, a year of history"]],
  act: { j: () => step(1), k: () => step(-1), v: clicks("#attributes tr.at .does button"), a: clicks("#add"), d: clicks(".document summary"), ...Object.fromEntries(["6h", "24h", "7d", "30d", "1y"].map((name, i) => [i + 1, () => go({ win: name })])) },
  themed: () => past.reink(),
});
await load();
listen();
setInterval(() => entity && !document.hidden && table(), 10_000); // ages change by themselves
document.documentElement.classList.add("ready");
