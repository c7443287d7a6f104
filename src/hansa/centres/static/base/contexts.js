// /contexts: the @contexts that the city hosts, holds for others, or made by itself; add, reload, delete.

import { h, keep, press, put } from "../dom.js";
import { ask, API, door } from "../doors.js";
import { confirm } from "./edit.js";
import { ageElement } from "./shown.js";
import { aloud, copier, fault, may, now, start, walk } from "./start.js";
import { moment } from "../station.js";
import { age, count } from "../words.js";

const by = (id) => document.getElementById(id);
const KINDS = [["", "All"], ["Hosted", "Hosted"], ["Cached", "Cached"], ["ImplicitlyCreated", "Implicit"]];
const MEANS = { Core: "built in, never asked for", Hosted: "kept and served here", Cached: "of another host, kept for speed", ImplicitlyCreated: "made from an inline @context" };
const MOST = 200_000; // characters of a context that are shown
const said = { sel: "", kind: "", new: "" };
let all = [];
let failed = null;
let shown = null;

function where() {
  const given = new URLSearchParams(location.search);
  for (const name of Object.keys(said)) said[name] = given.get(name) ?? "";
}

function go(change) {
  Object.assign(said, change);
  const given = new URLSearchParams(Object.entries(said).filter(([, value]) => value));
  history.pushState(null, "", given.size ? `?${given}` : location.pathname);
  show();
}

/** Whether it is the core context: built in, listed as cached, and there for ever (CIM 009, 4.4). */
const isCore = (one) => /^https:\/\/uri\.etsi\.org\/ngsi-ld\/.*core-context/.test(one.URL ?? "");
const kindOf = (one) => (isCore(one) ? "Core" : one.kind);

const idOf = (one) => one.localId ?? one.URL;
const wanted = () => all.filter((one) => !said.kind || one.kind === said.kind);

async function load() {
  try {
    all = (await ask(`${API}/jsonldContexts?details=true`)).body;
    failed = null;
  } catch (problem) {
    failed = problem;
  }
  show();
}

function show() {
  by("kinds").replaceChildren(...KINDS.map(([kind, word]) => h("button", { type: "button", "aria-pressed": String(said.kind === kind), on: { click: () => go({ kind }) } }, word)));
  by("make").hidden = !may.write;
  if (failed) {
    put(by("sum"), "");
    by("list").replaceChildren(fault("The contexts could not be read", failed, h("button", { type: "button", on: { click: load } }, "Try again")));
  } else list();
  panel();
}

function list() {
  const here = wanted();
  put(by("sum"), count(here.length, "context"));
  if (!here.length) {
    const none = { Hosted: "None is hosted here. Host one, and name its URL in the Link header of requests.", Cached: "None was asked of another host yet: those that requests name are kept here.", ImplicitlyCreated: "None was made yet: they come from subscriptions whose @context is written out." }[said.kind];
    by("list").replaceChildren(h("div", { class: "notice" }, h("h2", {}, "No context"), h("p", {}, none ?? "Requests have named none but the core context, which is built in.")));
    return;
  }
  let body = by("list").querySelector("tbody");
  if (!body) {
    by("list").replaceChildren(h("table", { class: "subs-table" }, h("caption", { class: "unseen" }, "Contexts"), h("thead", {}, h("tr", {}, [["Context"], ["Kind"], ["Hits", "num"], ["Last used", "num"], ["Made", "num"]].map(([word, kind]) => h("th", { scope: "col", class: kind ?? null }, word)))), h("tbody", {})));
    body = by("list").querySelector("tbody");
  }
  keep(body, here, idOf, (one) => h("tr", {}, h("th", { scope: "row" }, h("button", { type: "button", class: "attr id", on: { click: () => go({ sel: idOf(one), new: "" }) } })), h("td", {}), h("td", { class: "num" }), h("td", { class: "num" }), h("td", { class: "num" })), (tr, one) => {
    const [name, kind, hits, used, madeAt] = tr.children;
    put(name.firstChild, one.URL ?? one.localId);
    put(kind, kindOf(one));
    put(hits, isCore(one) ? "" : String(one.numberOfHits ?? 0));
    used.replaceChildren(isCore(one) ? "" : moment(one.lastUsage) === null ? "never" : age(moment(one.lastUsage), now()));
    madeAt.replaceChildren(ageElement(moment(one.createdAt), now()));
    tr.classList.toggle("at", idOf(one) === said.sel);
  });
}

// ---- one of them, or a new one

function panel() {
  const box = by("one");
  const one = all.find((it) => idOf(it) === said.sel);
  const key = said.new && may.write ? "new" : said.sel && !failed ? `one ${said.sel} ${one ? 1 : 0}` : "";
  document.body.classList.toggle("has-side", key !== "");
  if (key === shown) return;
  shown = key;
  box.hidden = !key;
  if (!key) return box.replaceChildren();
  if (key === "new") host(box);
  else detail(box, one);
}

const shut = () => h("button", { type: "button", class: "knob close", "aria-label": "Close", "aria-keyshortcuts": "Escape", on: { click: () => go({ sel: "", new: "" }) } }, "×");

async function detail(box, one) {
  if (!one) return box.replaceChildren(h("header", { class: "side-head" }, h("h2", {}, "Not here"), shut()), h("p", {}, "The city holds no context ", h("code", { class: "id" }, said.sel), "."));
  const id = idOf(one);
  const told = h("div", {});
  const text = h("div", {}, h("p", { class: "quiet" }, "Reading…"));
  const again = one.kind === "Cached" && !isCore(one) ? h("button", { type: "button", class: "tool", id: "reload", on: { click: (event) => reload(event.target, id, told) } }, "Load again") : "";
  const facts = [
    ["Kind", `${kindOf(one)}: ${MEANS[kindOf(one)] ?? ""}`],
    ["URL", one.URL],
    ["Id here", one.localId],
    ["Used", one.numberOfHits === undefined ? "" : count(one.numberOfHits, "time")],
    ["Last used", one.lastUsage],
    ["Made", one.createdAt],
    ["Asked again", one.expiresAt],
    ...Object.entries(one.extraInfo ?? {}).map(([name, value]) => [name, String(value)]),
  ].filter(([, value]) => value);
  box.replaceChildren(
    h("header", { class: "side-head" }, h("div", {}, h("h2", { class: "id" }, one.URL ?? id)), shut()),
    may.write && !isCore(one) ? h("p", { class: "head-tools" }, again, h("button", { type: "button", class: "tool grave", id: "take", on: { click: () => take(one) } }, one.kind === "Cached" ? "Forget" : "Delete"), h("a", { class: "tool", href: `/entities?context=${encodeURIComponent(one.URL ?? id)}` }, "Ask with it")) : "",
    told,
    h("dl", { class: "facts" }, facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", { class: /URL|Id/.test(name) ? "id" : null }, value)])),
    text,
  );
  box.focus({ preventScroll: true });
  if (one.kind === "Cached") {
    const own = /^https?:/.test(one.URL ?? "") ? h("a", { href: one.URL, rel: "noreferrer" }, "Its own host") : "Its own host";
    return text.replaceChildren(h("p", { class: "quiet pad-above" }, own, " serves it; the city keeps what it means, not the document."));
  }
  try {
    const { body } = await ask(door("jsonldContexts", id), { accept: "application/ld+json, application/json" });
    const terms = body["@context"] && typeof body["@context"] === "object" ? body["@context"] : body;
    const shownText = JSON.stringify(body, null, 2);
    const many = Array.isArray(terms) ? count(terms.length, "part") : count(Object.keys(terms).length, "term");
    const cut = shownText.length > MOST ? `${shownText.slice(0, MOST)}\n…` : shownText;
    text.replaceChildren(h("p", { class: "links" }, h("span", { class: "quiet" }, many), copier(() => shownText)), h("pre", { class: "code", tabindex: "0", "aria-label": "The context" }, cut));
  } catch (problem) {
    text.replaceChildren(h("p", { class: "quiet" }, `${problem.message} ${problem.mend ?? ""}`));
  }
}

async function reload(button, id, told) {
  button.disabled = true;
  try {
    await ask(`${door("jsonldContexts", id)}?reload=true`, { method: "DELETE" });
    told.replaceChildren(h("p", { class: "quiet", role: "status" }, "Loaded again."));
    aloud("Loaded again");
    await load();
  } catch (problem) {
    told.replaceChildren(fault("It could not be loaded again", problem));
  }
  button.disabled = false;
}

function take(one) {
  const id = idOf(one);
  confirm({
    heading: one.kind === "Cached" ? "Forget this context?" : "Delete this context?",
    fields: [h("p", {}, h("code", { class: "id" }, one.URL ?? id)), h("p", {}, one.kind === "Cached" ? "It will be asked of its host again when somebody names it." : "Requests that name it will be refused. What was said with it keeps its meaning.")],
    word: one.kind === "Cached" ? "Forget" : "Delete the context",
    request: () => ({ method: "DELETE", path: door("jsonldContexts", id) }),
    done: async () => (go({ sel: "" }), load()),
  });
}

function host(box) {
  const text = h("textarea", { class: "mono", rows: "18", name: "document", spellcheck: "false", "aria-label": "The context as JSON-LD" });
  text.value = JSON.stringify({ "@context": { luminosity: "https://example.org/luminosity" } }, null, 2);
  const file = h("input", { type: "file", accept: ".jsonld,.json,application/ld+json,application/json", "aria-label": "Take it from a file" });
  const told = h("div", {});
  const send = h("button", { type: "submit", class: "do" }, "Host it");
  file.addEventListener("change", async () => file.files[0] && (text.value = await file.files[0].text()));
  const form = h(
    "form",
    { class: "edit subscribe", novalidate: true },
    h("header", { class: "side-head" }, h("h2", {}, "Host a context"), shut()),
    h("p", { class: "hint plain" }, "JSON-LD with one member, @context. The city gives it an address, which requests can name in their Link header."),
    file,
    text,
    told,
    h("div", { class: "edit-end" }, send, press("tool", "Cancel", () => go({ new: "" }))),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    let body;
    try {
      body = JSON.parse(text.value);
    } catch (wrong) {
      told.replaceChildren(h("p", { class: "grave", role: "alert" }, `That is no JSON: ${wrong.message}`));
      return;
    }
    send.disabled = true;
    try {
      const { headers } = await ask(`${API}/jsonldContexts`, { method: "POST", send: body });
      aloud("Hosted");
      await load();
      go({ new: "", sel: decodeURIComponent((headers.get("Location") ?? "").split("/jsonldContexts/").pop()) });
    } catch (problem) {
      told.replaceChildren(fault("The city refuses this", problem));
    }
    send.disabled = false;
  });
  box.replaceChildren(form);
  text.focus();
}

// ---- joined

by("make").addEventListener("click", () => go({ new: "1", sel: "" }));
addEventListener("popstate", () => (where(), show()));
where();
await start({
  keys: [["j  k", "next, previous; Enter opens"], ["n", "host a context"], ["Esc", "close"]],
  act: { j: walk(".subs-table .attr", 1), k: walk(".subs-table .attr", -1), n: () => by("make").click(), Escape: () => (said.sel || said.new ? go({ sel: "", new: "" }) : false) },
});
await load();
document.documentElement.classList.add("ready");
