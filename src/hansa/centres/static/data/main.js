// /data: what the city gives away: what could be open, what waits for a second person, what everybody has; what people ask for.

import { csv, download, h, keep, notice, press, put, sign } from "../dom.js";
import { allowed, sheet } from "../desk/acts.js";
import { aloud, fault, now, start, walk } from "../base/start.js";
import { watching } from "../incidents/told.js";
import { count, look, whenText } from "../words.js";
import { answer, panel } from "./case.js";
import { inventory } from "./forms.js";
import { act, ASKED, licenceText, STATES, stateOf, view } from "./told.js";

const by = (id) => document.getElementById(id);
const WHICH = [["", "Datasets"], ["requests", "Requests"]];
const NAMES = ["view", "status", "q", "sel"];
const place = Object.fromEntries(NAMES.map((name) => [name, new URLSearchParams(location.search).get(name) ?? ""]));
let board = { datasets: [], counts: {} };
let asked = [];
let one = null;
let choices = null;
let failed = null;
let turn = 0;
let may = new Set();

function go(change, quiet = true) {
  Object.assign(place, change);
  const query = new URLSearchParams(Object.entries(place).filter(([, value]) => value));
  history[quiet ? "replaceState" : "pushState"](null, "", query.size ? `?${query.toString().replaceAll("%3A", ":")}` : location.pathname);
}

async function load() {
  const mine = ++turn;
  if (!may.size) may = await allowed("opendata");
  try {
    const got = await Promise.all([
      view("board"),
      place.view === "requests" ? view("asked-for") : null,
      place.sel && place.view === "" ? view("case", { id: place.sel }).catch((problem) => problem) : null,
      choices ?? view("words", { lang: look.language.split("-")[0] }),
    ]);
    if (mine !== turn) return;
    board = got[0];
    asked = got[1]?.requests ?? [];
    [, , one, choices] = got;
    failed = null;
  } catch (problem) {
    if (mine !== turn) return;
    failed = problem;
  }
  show();
}

function turnTo(value) {
  go({ view: value, sel: "" }, false);
  by("list").replaceChildren(h("p", { class: "pad quiet" }, "Asking…"));
  load();
}

const fits = (it) => (!place.status || it.status === place.status) && (!place.q || `${it.key} ${it.title} ${it.owner}`.toLowerCase().includes(place.q.toLowerCase()));

function show() {
  const waiting = board.datasets.filter((it) => it.waits).length;
  by("which").replaceChildren(...WHICH.map(([value, word]) => h("button", { type: "button", "aria-pressed": String(place.view === value), on: { click: () => turnTo(value) } }, word)));
  for (const it of document.querySelectorAll(".board-only")) it.hidden = place.view !== "";
  const all = [["", "All states"], ...Object.entries(STATES).map(([value, [, word]]) => [value, `${word} ${board.counts[value] ?? 0}`])];
  const said = JSON.stringify([all, place.status]);
  if (by("status").said !== said) {
    by("status").said = said;
    by("status").replaceChildren(...all.map(([value, word]) => h("option", { value, selected: value === place.status }, word)));
  }
  put(by("sum"), failed ? "" : place.view === "" ? `${count(board.datasets.length, "dataset")}${waiting ? `, ${waiting} waiting for a second person` : ""}` : count(asked.length, "request"));
  by("add").hidden = !may.has("inventory") || place.view !== "";
  by("hand-out").hidden = place.view !== "" || !board.datasets.length;
  if (failed) return by("list").replaceChildren(fault("The catalogue could not be read", failed, press("tool", "Try again", load)));
  if (place.view === "requests") requests();
  else list();
  side();
  return undefined;
}

// ---- the lists

function list() {
  const lines = board.datasets.filter(fits);
  if (!lines.length) {
    const none = board.datasets.length ? notice("No such dataset", ["Nothing fits. Choose all states, or leave the search empty."]) : notice("Nothing is written down yet", ["Begin with what could be open: a ready-made proposal, or something of your own. A second person approves before anything leaves."], { button: may.has("inventory") ? press("do", "Add…", add) : null });
    return by("list").replaceChildren(none);
  }
  let body = by("list").querySelector("tbody.board");
  if (!body) {
    body = h("tbody", { class: "board" });
    by("list").replaceChildren(h("table", { class: "dat-table" }, h("caption", { class: "unseen" }, "Datasets"), h("thead", {}, h("tr", {}, ["Dataset", "State", "Owner", "Licence", "Rows", "Version", "Renewed", "Changed"].map((word) => h("th", { scope: "col" }, word)))), body));
  }
  keep(body, lines, (it) => it.id, () => h("tr", {}), row);
  return undefined;
}

function row(tr, it) {
  const what = JSON.stringify([it, place.sel === it.id]);
  if (tr.said === what) return;
  tr.said = what;
  const focused = tr.contains(document.activeElement);
  tr.className = place.sel === it.id ? "at" : "";
  const beside = it.fault ? h("span", { class: "sub grave" }, it.fault) : it.waits ? h("span", { class: "sub" }, "waits for a second person") : it.missing.length && it.status !== "inventoried" ? h("span", { class: "sub" }, `needs ${it.missing.join(", ")}`) : null;
  tr.replaceChildren(
    h("th", { scope: "row" }, h("button", { type: "button", class: "attr", dir: "auto", on: { click: () => pick(it.id) } }, it.title), h("span", { class: "sub id" }, it.key)),
    h("td", {}, stateOf(it), it.stale ? h("span", { class: "sub" }, sign("watch", "late")) : null, beside),
    h("td", {}, it.owner),
    h("td", {}, licenceText(it.licence)),
    h("td", { class: "num" }, it.rows ? it.rows.toLocaleString("en") : ""),
    h("td", { class: "num" }, it.version || ""),
    h("td", {}, it.periodicity.toLowerCase().replaceAll("_", " ")),
    h("td", { class: "since" }, it.modified ? h("time", { datetime: it.modified }, whenText(Date.parse(it.modified), now())) : ""),
  );
  if (focused) tr.querySelector("button").focus({ preventScroll: true });
}

function requests() {
  if (!asked.length) return by("list").replaceChildren(notice("Nobody has asked for data", ["What people ask for on the city's data pages comes here first; what you let be shown, others can support."]));
  const published = board.datasets.filter((it) => it.status === "published");
  by("list").replaceChildren(
    h("table", { class: "dat-table" }, h("caption", { class: "unseen" }, "Requests for data"), h("thead", {}, h("tr", {}, ["Request", "State", "Supporters", "Asked", ""].map((word) => h("th", { scope: "col" }, word || h("span", { class: "unseen" }, "What to do"))))), h("tbody", {}, asked.map((it) =>
      h("tr", {}, h("th", { scope: "row", dir: "auto" }, it.title, h("span", { class: "sub" }, it.text)), h("td", {}, sign(...(ASKED[it.status] ?? ["stale", it.status]))), h("td", { class: "num" }, String(it.votes ?? 0)), h("td", { class: "since" }, whenText(Date.parse(it.at), now())), h("td", {}, may.has("answer-request") ? press("tool", "Answer…", () => answer(it, published, does), { "aria-label": `Answer: ${it.title}` }) : null))))),
  );
  return undefined;
}

// ---- one of them

async function pick(id) {
  go({ sel: place.sel === id ? "" : id }, false);
  one = null;
  await load();
  if (place.sel) by("one").focus({ preventScroll: true });
}

function side() {
  const box = by("one");
  const shown = place.view === "" && place.sel && one;
  document.body.classList.toggle("has-side", Boolean(shown));
  box.hidden = !shown;
  const what = shown ? JSON.stringify([one, may.size]) : "";
  if (box.said === what) return undefined;
  box.said = what;
  if (!shown) return box.replaceChildren();
  const close = () => pick(place.sel);
  if (one instanceof Error) return box.replaceChildren(fault("This dataset could not be read", one, press("tool", "Close", close)));
  const held = box.contains(document.activeElement) ? document.activeElement.dataset.f : null;
  const done = async (words) => (told(words), await load());
  box.replaceChildren(...panel(one, { may: (verb) => may.has(verb), does, choices, close, done }));
  if (held) box.querySelector(`[data-f="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
  return undefined;
}

function told(words, bad = false, more = null) {
  by("said").hidden = !words;
  by("said").className = `dat-said${bad ? " bad" : ""}`;
  by("said").replaceChildren(h("span", {}, words, more ? [" ", more] : []), press("knob", "×", () => told(""), { "aria-label": "Close" }));
  aloud(words);
}

const DONE = { inventory: "Written down.", describe: "Kept.", propose: "Proposed; its table is being made.", approve: "Approved.", publish: "Published: everybody has it now.", release: "The next release is being made.", withdraw: "Withdrawn.", return: "Given back.", note: "Told.", "answer-request": "Answered." };

/** Do it; a refusal stands in the sheet (`sheeted`), or above the list. */
async function does(verb, said, sheeted = false) {
  if (verb === "usage") return usage(said.id);
  try {
    const body = await act(verb, said);
    told(DONE[verb] ?? "Done.");
    const made = verb === "inventory" && body.changed?.find((id) => id.includes(":Dataset:"));
    if (made) go({ sel: made }, false);
    await load();
    return body;
  } catch (problem) {
    // Whoever lets something out shows again who he is; what he has looked at stays on the screen.
    if (problem.status === 401) told("Show again who you are, then do it once more.", true, h("a", { href: "/sign-in?step=up", target: "_blank", rel: "noopener" }, "Show who I am"));
    if (sheeted) throw problem;
    if (problem.status !== 401) told(`${problem.message} ${problem.mend ?? ""}`, true);
    return null;
  }
}

async function usage(id) {
  try {
    const { days, total } = await view("usage", { id, days: "90" });
    const most = Math.max(1, ...days.map((it) => Object.values(it.downloads).reduce((a, b) => a + b, 0)));
    const lines = days.map((it) => {
      const many = Object.values(it.downloads).reduce((a, b) => a + b, 0);
      return h("tr", {}, h("th", { scope: "row" }, it.day), h("td", { class: "num" }, String(many)), h("td", {}, h("meter", { min: 0, max: most, value: many, "aria-label": `${it.day}: ${many}` })), h("td", {}, Object.entries(it.downloads).map(([form, n]) => `${form} ${n}`).join(", ")), h("td", { class: "num" }, String(it.api)), h("td", { class: "num quiet" }, String(it.bots)));
    });
    sheet("Use in the last 90 days", [lines.length ? h("div", { class: "dat-cells" }, h("table", { class: "dat-small" }, h("thead", {}, h("tr", {}, ["Day", "Downloads", "", "Forms", "Interfaces", "Robots"].map((word) => h("th", { scope: "col" }, word)))), h("tbody", {}, lines))) : h("p", { class: "quiet" }, "Nobody has taken it yet."), h("p", {}, `${total.all} downloads in all.`)], "Close", async () => {});
  } catch (problem) {
    told(`${problem.message} ${problem.mend ?? ""}`, true);
  }
}

async function add() {
  try {
    inventory((await view("proposals")).proposals, does);
  } catch (problem) {
    told(`${problem.message} ${problem.mend ?? ""}`, true);
  }
}

// ---- joined

by("find").value = place.q;
by("find").addEventListener("input", () => (go({ q: by("find").value.trim() }), show()));
by("status").addEventListener("change", () => (go({ status: by("status").value }), show()));
by("add").addEventListener("click", add);
by("hand-out").addEventListener("click", () => {
  const names = ["key", "title", "status", "owner", "licence", "contact", "periodicity", "modified", "version", "rows", "stale"];
  download(`${look.city}-datasets.csv`, csv([names, ...board.datasets.filter(fits).map((it) => names.map((name) => it[name] ?? ""))]));
});
addEventListener("popstate", () => {
  const query = new URLSearchParams(location.search);
  for (const name of NAMES) place[name] = query.get(name) ?? "";
  by("find").value = place.q;
  load();
});
await start({
  keys: [["b  r", "datasets, requests"], ["j  k", "next, previous; Enter opens"], ["n", "write one down"], ["/", "search"], ["Esc", "close"]],
  act: { b: () => turnTo(""), r: () => turnTo("requests"), n: () => by("add").click(), j: walk(".board .attr", 1), k: walk(".board .attr", -1), "/": () => by("find").focus(), Escape: () => (place.sel ? pick(place.sel) : false) },
});
await load();
watching(["Dataset", "DatasetRelease", "DataRequest"], () => true, load, (phase) => document.body.classList.toggle("unheard", phase !== "live"));
aloud(count(board.datasets.length, "dataset"));
document.documentElement.classList.add("ready");
