// /entities: the query builder, the URL that it makes, and what the city answers.

import { h } from "../dom.js";
import { ask } from "../doors.js";
import { address, curl, headers, isAsked, LIMIT, read, url } from "./asked.js";
import { startBuilder } from "./builder.js";
import { begin } from "./begin.js";
import { answerLinks, resultTable } from "./results.js";
import { startSketch } from "./sketch.js";
import { aloud, copier, fault, may, now, start, walk } from "./start.js";
import { count } from "../words.js";

const by = (id) => document.getElementById(id);
let said = read(location.search);
let under = null; // the request that is under way
let sketch = null;
let found = []; // what is shown

const builder = startBuilder({ changed: urlOf, submitted: (next) => go(next) });

// ---- the URL

function urlOf(next) {
  const path = url(next);
  const [root, rest] = path.split("?");
  const parts = rest.split("&").map((one) => one.split(/=(.*)/s));
  by("url").replaceChildren(h("span", { class: "root" }, `GET ${root}`), ...parts.flatMap(([name, value], i) => [h("span", { class: "sign-of" }, i ? "&" : "?"), h("b", {}, name), "=", h("span", { class: "said-value" }, value)]));
  by("url").dataset.path = path;
  const sent = Object.entries(headers(next));
  by("url-headers").hidden = !sent.length;
  by("url-headers").replaceChildren(...sent.flatMap(([name, value]) => [h("code", {}, `${name}: ${value}`), " "]));
  by("url").classList.toggle("ahead", url(said) !== path);
  sketch?.condition(next);
}

by("url-tools").append(
  copier(() => location.origin + by("url").dataset.path, "Copy URL"),
  copier(() => curl(by("url").dataset.path, { more: headers(builder.said()) }), "Copy as curl"),
);

// ---- asking

/** Ask for `next`: a step that back undoes. */
function go(next, { quiet = false } = {}) {
  said = next;
  history[quiet ? "replaceState" : "pushState"](null, "", address(next) || location.pathname);
  show();
}

/** On a phone the builder is folded away while there is an answer to read. */
function fold(away) {
  document.body.classList.toggle("folded-away", away);
  by("fold").setAttribute("aria-expanded", String(!away));
}
by("fold").addEventListener("click", () => {
  fold(!document.body.classList.contains("folded-away"));
  document.querySelector(".ask").scrollTop = 0;
});

function show() {
  fold(isAsked(said));
  builder.fill(said);
  urlOf(said);
  document.title = document.title.replace(/^.*?(?=Entities · )/, said.type ? `${said.type} · ` : "");
  under?.abort();
  if (isAsked(said)) return load();
  by("sum").hidden = true;
  found = [];
  sketch?.show([]);
  by("results").replaceChildren();
  builder.suggest().then((known) => !isAsked(said) && begin(by("results"), known, said, (type) => go({ ...carried(), type })));
}

const carried = () => Object.fromEntries(["tenant", "context"].filter((name) => said[name]).map((name) => [name, said[name]]));

async function load() {
  under = new AbortController();
  const { signal } = under;
  const box = by("results");
  box.classList.add("wait");
  box.setAttribute("aria-busy", "true");
  if (!box.firstChild) box.replaceChildren(h("p", { class: "quiet pad" }, "Asking…"));
  const began = performance.now();
  try {
    const accept = "application/json";
    const { body, headers: got } = await ask(url(said), { headers: headers(said), signal, accept });
    answered(body, got.get("NGSILD-Results-Count"), performance.now() - began);
  } catch (problem) {
    if (problem.name === "AbortError") return;
    failed(problem);
  }
  box.classList.remove("wait");
  box.removeAttribute("aria-busy");
}

function failed(problem) {
  found = [];
  sketch?.show([]);
  by("sum").hidden = true;
  const tenant = /NonexistentTenant/.test(problem.problem?.type ?? "");
  const refused = problem.status >= 400 && problem.status < 500;
  const again = refused ? null : h("button", { type: "button", on: { click: load } }, "Try again");
  if (tenant) problem.mend ||= "A tenant begins with the first entity that is sent under its name.";
  by("results").replaceChildren(fault(tenant ? "There is no such tenant" : refused ? "The city refuses this query" : "The query was not answered", problem, again));
}

function answered(body, counted, took) {
  found = Array.isArray(body) ? body : (body?.features ?? []);
  const total = counted === null ? null : Number(counted);
  const offset = Number(said.offset ?? 0);
  const limit = Number(said.limit ?? LIMIT);
  const shown = found.length ? `${(offset + 1).toLocaleString("en")}–${(offset + found.length).toLocaleString("en")}` : "0";
  const words = total === null ? `${shown} shown` : total > found.length ? `${shown} of ${total.toLocaleString("en")}` : count(total, "entity", "entities");
  const to = (at) => () => go({ ...said, offset: at > 0 ? String(at) : "" });
  const more = total === null ? found.length === limit : offset + found.length < total;
  by("sum").hidden = false;
  const line = [
    h("h1", { class: "tally" }, words),
    h("span", { class: "quiet" }, `${took < 10 ? took.toFixed(1) : Math.round(took)}\u00a0ms`),
    offset || more ? h("span", { class: "pages", role: "group", "aria-label": "Pages" }, h("button", { type: "button", class: "tool", id: "earlier", disabled: !offset, on: { click: to(Math.max(0, offset - limit)) } }, "Earlier"), h("button", { type: "button", class: "tool", id: "later", disabled: !more, on: { click: to(offset + limit) } }, "Later")) : null,
    h("span", { class: "gap" }),
    ...answerLinks(said, () => found),
    may.write ? h("a", { href: `/subscriptions${address({ ...said, offset: "" }) || "?"}&new=1`, id: "subscribe" }, "Subscribe to this") : null,
  ];
  by("sum").replaceChildren(...line.filter(Boolean));
  if (!found.length) by("results").replaceChildren(nothing(offset));
  else by("results").replaceChildren(resultTable(found, said, now(), { hovered: (id) => sketch?.hover(id), order: (orderBy) => go({ ...said, orderBy, offset: "" }) }));
  sketch?.show(found, { fit: true });
  aloud(words);
}

function nothing(offset) {
  const parts = [];
  if (offset) parts.push("There is no such page: the list is shorter by now.");
  else parts.push("The city understood the question, and nothing answers it.");
  if (said.q) parts.push("Conditions are all asked for at once; take one away to see more. A text is compared whole, and upper case counts.");
  if (said.type) parts.push("Names are read by the @context: a type of another vocabulary needs its own @context, or its whole IRI.");
  return h("div", { class: "notice" }, h("h2", {}, "Nothing found"), parts.map((one) => h("p", {}, one)), offset ? h("button", { type: "button", on: { click: () => go({ ...said, offset: "" }) } }, "First page") : null);
}

addEventListener("popstate", () => {
  said = read(location.search);
  show();
});

// ---- joined

const press = (id) => () => by(id)?.click();
const begun = start({
  keys: [["/", "the query"], ["j  k", "next, previous row; Enter opens"], ["n  p", "later, earlier page"], ["u", "copy the URL"], ["Enter", "in a field: ask"]],
  act: { "/": () => builder.focus(), j: walk("#results tbody th a", 1), k: walk("#results tbody th a", -1), n: press("later"), p: press("earlier"), u: () => by("url-tools").querySelector(".link").click() },
  themed: () => sketch?.reink(),
});
builder.fill(said);
urlOf(said);
await begun;
show();
builder.suggest();
sketch = await startSketch({ placed: (to) => (builder.place(to), go(builder.said())), distance: builder.distance, hovered: (id) => mark(id) });
sketch.condition(said);
sketch.show(found, { fit: true });
document.documentElement.classList.add("ready");

function mark(id) {
  for (const tr of document.querySelectorAll("#results tbody tr")) tr.classList.toggle("at", tr.dataset.id === id);
}
