// /run-books: what is written down for the day when it happens; read, published anew, withdrawn.

import { h, keep, notice, put, sign } from "../dom.js";
import { allowed, sheet } from "../desk/acts.js";
import { copier, fault, start, walk } from "../base/start.js";
import { count } from "../words.js";
import { act, field, input, view, watching, who } from "./told.js";
import { said as saidOf } from "./work.js";

const by = (id) => document.getElementById(id);
const given = new URLSearchParams(location.search);
const said = { all: given.get("all") ?? "", sel: given.get("sel") ?? "" };
const STATES = { current: ["ok", "In use"], superseded: ["stale", "Earlier version"], withdrawn: ["stale", "Withdrawn"] };
const EXAMPLE = { name: "", summary: "", reviewDate: "", needs: {}, forAlarms: [{ category: "…" }], forIncidents: [], sources: [{ title: "…", url: "" }], steps: [{ id: "look", kind: "manual", title: "Look", owner: "operations", withinMinutes: 10, evidence: true }] };
let found = [];
let failed = null;
let may = new Set();
let shown = "";

async function load() {
  try {
    found = (await view("books", said.all ? { all: "1" } : {})).books;
    failed = null;
  } catch (problem) {
    failed = problem;
  }
  show();
}

function go(change) {
  Object.assign(said, change);
  const query = new URLSearchParams(Object.entries(said).filter(([, value]) => value));
  history.pushState(null, "", query.size ? `?${query}` : location.pathname);
  if ("all" in change) load();
  else show();
}

function show() {
  by("which").replaceChildren(...[["", "In use"], ["1", "All versions"]].map(([value, word]) => h("button", { type: "button", "aria-pressed": String(said.all === value), on: { click: () => go({ all: value }) } }, word)));
  const overdue = found.filter((one) => one.overdue && one.status === "current").length;
  put(by("sum"), failed ? "" : `${count(found.length, "run-book")}${overdue ? `, ${overdue} to be reviewed` : ""}`);
  by("add").hidden = !may.has("publish");
  if (failed) return by("list").replaceChildren(fault("The run-books could not be read", failed, h("button", { type: "button", on: { click: load } }, "Try again")));
  if (!found.length) by("list").replaceChildren(notice("No run-book yet", ["Four examples come with hansa; “hansa import” takes them in: frost, flood, air quality, pump station.", "Or write one here."]));
  else list();
  panel();
}

function list() {
  let body = by("list").querySelector("tbody");
  if (!body) {
    body = h("tbody", {});
    by("list").replaceChildren(h("table", { class: "subs-table inc-table" }, h("caption", { class: "unseen" }, "Run-books"), h("thead", {}, h("tr", {}, ["Run-book", "State", "Version", "Steps", "Review by"].map((word) => h("th", { scope: "col" }, word)))), body));
  }
  keep(body, found, (one) => one.id, () => h("tr", {}), (tr, one) => {
    tr.classList.toggle("at", one.id === said.sel);
    const what = JSON.stringify(one);
    if (tr.said === what) return;
    tr.said = what;
    tr.replaceChildren(h("th", { scope: "row" }, h("button", { type: "button", class: "attr", on: { click: () => go({ sel: one.id }) } }, one.name)), h("td", {}, sign(...(STATES[one.status] ?? STATES.withdrawn))), h("td", {}, String(one.version)), h("td", {}, String(one.steps.length)), h("td", {}, one.overdue ? h("span", { class: "grave" }, `${one.reviewDate}, overdue`) : one.reviewDate));
  });
}

function panel() {
  const one = found.find(({ id }) => id === said.sel);
  const box = by("one");
  document.body.classList.toggle("has-side", one !== undefined);
  box.hidden = !one;
  const what = one ? JSON.stringify(one) : "";
  if (what === shown) return;
  shown = what;
  if (!one) return box.replaceChildren();
  const patterns = (list) => list.map((each) => Object.entries(each).map(([name, value]) => `${name} ${[value].flat().join(" or ")}`).join(", ")).join("; ");
  const facts = [["Version", `${one.version}, of ${String(one.published ?? "").slice(0, 10)} by ${who(one.author)}`], ["Review by", one.reviewDate, one.overdue ? h("b", { class: "grave" }, " overdue") : ""], ["For alarms", patterns(one.forAlarms ?? [])], ["For incidents", patterns(one.forIncidents ?? [])], ["Asks for", Object.entries(one.needs ?? {}).map(([name, word]) => `${name}: ${word}`).join("; ")]];
  box.replaceChildren(
    h("header", { class: "side-head" }, h("h2", {}, one.name), h("button", { type: "button", class: "knob close", "aria-label": "Close", "aria-keyshortcuts": "Escape", on: { click: () => go({ sel: "" }) } }, "×")),
    h("p", { class: "head-tools" }, may.has("publish") && one.status === "current" ? [h("button", { type: "button", class: "tool", on: { click: () => write(one) } }, "Publish a new version"), h("button", { type: "button", class: "tool grave", on: { click: () => withdraw(one) } }, "Withdraw")] : null, copier(() => JSON.stringify(kept(one), null, 2), "Copy as JSON")),
    one.summary ? h("p", {}, one.summary) : "",
    h("dl", { class: "facts" }, facts.filter(([, ...value]) => value.some(Boolean)).flatMap(([name, ...value]) => [h("dt", {}, name), h("dd", {}, value)])),
    h("h3", {}, "Steps"),
    h("ol", { class: "book-steps" }, one.steps.map((step) => h("li", {}, h("span", { class: "kind quiet" }, step.kind), h("b", {}, step.title), h("span", { class: "quiet" }, ` ${who(step.owner ?? "")}${step.withinMinutes ? `, within ${step.withinMinutes} min` : ""} · ${step.id}${step.next ? ` → ${step.next}` : ""}`), step.text ? h("p", {}, step.text) : null, saidOf(step) ? h("p", { class: "quiet" }, saidOf(step)) : null))),
    h("h3", {}, "Sources"),
    h("ul", { class: "plain" }, (one.sources ?? []).map((source) => h("li", {}, /^https?:\/\//.test(source.url ?? "") ? h("a", { href: source.url, rel: "noreferrer" }, source.title) : source.title))),
  );
  box.focus({ preventScroll: true });
}

const kept = (one) => Object.fromEntries(Object.keys(EXAMPLE).map((name) => [name, one[name] ?? EXAMPLE[name]]));

/** The sheet in which a run-book is written: data, as it is kept; the city says what is wrong with it, step by step. */
function write(one = null) {
  const name = input("key", 60, { required: true, pattern: "[a-z0-9-]+", placeholder: "flood-gauge" });
  sheet(
    one ? `Version ${one.version + 1} of ${one.name}` : "A run-book",
    [one ? null : field("Short name", name), h("label", { class: "stack" }, h("span", {}, "What it says"), h("textarea", { name: "body", rows: 18, class: "mono", spellcheck: "false", maxlength: 500_000 }, JSON.stringify(one ? kept(one) : EXAMPLE, null, 2)))].filter(Boolean),
    "Publish",
    async ({ key, body }) => {
      let words;
      try {
        words = JSON.parse(body);
      } catch (problem) {
        throw Object.assign(new Error(`This is no JSON: ${problem.message}`), { mend: "" });
      }
      await act("publish", one?.id ?? `urn:ngsi-ld:RunBook:${key}`, { ...words, ...(one ? { version: one.version + 1 } : {}) });
      await load();
    },
  );
}

const withdraw = (one) => sheet(`Withdraw ${one.name}?`, [h("p", {}, "It is suggested and started no more. Runs that go on go on.")], "Withdraw", async () => (await act("withdraw", one.id), load()));

by("add").addEventListener("click", () => write());
addEventListener("popstate", () => {
  const query = new URLSearchParams(location.search);
  said.all = query.get("all") ?? "";
  said.sel = query.get("sel") ?? "";
  load();
});
await start({ keys: [["j  k", "next, previous; Enter opens"], ["Esc", "close"]], act: { j: walk(".inc-table .attr", 1), k: walk(".inc-table .attr", -1), Escape: () => (said.sel ? go({ sel: "" }) : false) } });
may = await allowed("incidents");
await load();
watching(["RunBook"], () => true, load, () => {});
document.documentElement.classList.add("ready");
