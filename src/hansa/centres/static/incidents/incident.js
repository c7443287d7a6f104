// /incidents/{id}: the whole picture of one incident on one page. What is typed here is never lost to what changes.

import { h, keep, put } from "../dom.js";
import { room } from "../doors.js";
import { allowed } from "../desk/acts.js";
import { aloud, fault, now, start, walk } from "../base/start.js";
import { lasting } from "../words.js";
import { headOf, people, goals, alarms, more, findings } from "./parts.js";
import { runs, tasks } from "./work.js";
import { sheets } from "./sheets.js";
import { startPlace } from "./place.js";
import { act, call, clock, renew, view, watching, who } from "./told.js";

const by = (id) => document.getElementById(id);
const id = decodeURIComponent(location.pathname.split("/").pop());
const TYPES = ["Incident", "IncidentTask", "IncidentLog", "RunBookRun", "Alert", "Resource", "Command", "Notice"];
const KINDS = { state: "State", role: "Post", objective: "Objective", task: "Task", note: "Note", decision: "Decision", message: "Message", run: "Run-book", link: "Link", cost: "Cost", merge: "Merge", area: "Area", described: "Changed", review: "Review", media: "File", need: "Need" };
let it = null; // the picture
let older = []; // lines that were asked for besides
let may = new Set();
let place = null;
let asked = 0;
let shownTasks = 100;

/** What the parts need: the picture, the city's now, what one may do, how it is done. */
const desk = {
  id,
  get it() {
    return it;
  },
  now,
  may: (verb) => may.has(verb),
  do: doing,
  again: () => load(),
  open: (name, ...given) => sheets[name](desk, ...given),
  more: () => ((shownTasks += 200), draw()),
  get shownTasks() {
    return shownTasks;
  },
};

async function load() {
  const turn = ++asked;
  try {
    const body = await view("picture", { id });
    if (turn !== asked) return;
    it = body;
  } catch (problem) {
    if (turn !== asked) return;
    if (!it || problem.status === 404) {
      by("body").hidden = true;
      it = null;
      const text = problem.status === 404 ? "There is no such incident" : "The incident could not be read";
      return renew(by("head"), [text, problem.message], () => fault(text, problem, h("p", {}, h("a", { href: room("/incidents") }, "All incidents"))));
    }
    return say(problem.message, problem.mend, true);
  }
  draw();
}

/** Do something, say what came of it, and look again. Raises Failed when `raise` is set, else says why. */
async function doing(verb, whom, said = {}, { raise = false, done = "" } = {}) {
  try {
    const told = await act(verb, whom, said);
    if (done) say(done);
    await load();
    return told;
  } catch (problem) {
    if (raise) throw problem;
    say(problem.message, problem.mend, true);
    await load();
    return null;
  }
}

function say(words, mend = "", bad = false) {
  const box = by("said");
  box.hidden = !words;
  box.classList.toggle("bad", bad);
  box.replaceChildren(h("span", {}, words, mend ? ` ${mend}` : ""), h("button", { type: "button", class: "knob", "aria-label": "Put away", on: { click: () => (box.hidden = true) } }, "×"));
  if (!bad) setTimeout(() => (box.hidden = true), 6000);
}

function draw() {
  if (!it) return;
  const one = it.incident;
  document.title = `${one.drill ? "DRILL · " : ""}${one.name} · hansa`;
  by("body").hidden = false;
  by("drill").hidden = !one.drill;
  document.body.classList.toggle("is-drill", one.drill === true);
  const minute = Math.floor(now() / 30_000);
  renew(by("head"), [one, it.moves, it.tasks.late, it.merged.length, minute, may.size], () => headOf(desk));
  renew(by("goals"), [one.objectives, one.status, may.size], () => goals(desk));
  renew(by("people"), [one.commander, one.roles, may.size], () => people(desk));
  renew(by("alarms"), [it.alarms, it.links, it.unseen, minute, may.size], () => alarms(desk));
  renew(by("more"), [it.resources, it.commands, it.notices, one.cost, one.needs, one.media, it.spent, may.size], () => more(desk));
  renew(by("tasks"), [it.tasks, minute, shownTasks, may.size], () => tasks(desk));
  renew(by("runs"), [it.runs, it.books, minute, may.size], () => runs(desk));
  const over = one.status === "resolved" || one.status === "reviewed";
  by("found-part").hidden = !over;
  if (over) renew(by("found"), [one.findings, it.log.total, may.size], () => findings(desk));
  by("entry").hidden = !may.has("note");
  log();
  place?.show(one.area ?? null, [...it.alarms.map(({ location }) => ({ kind: "alarm", location })), ...[...it.links, ...it.resources].map(({ location }) => ({ kind: "link", location }))]);
}

// ---- the log

const keyOf = (line) => `${line.incident} ${line.n}`;

function log() {
  const known = new Set(it.log.lines.map(keyOf));
  const every = [...it.log.lines, ...older.filter((line) => !known.has(keyOf(line)))];
  keep(by("log"), every, keyOf, lineOf, () => {});
  by("older").hidden = every.length >= it.log.total;
}

function lineOf(line) {
  const from = line.incident !== id ? h("span", { class: "quiet id" }, call(line.incident)) : null;
  return h(
    "li",
    { class: `inc-line k-${Object.hasOwn(KINDS, line.kind) ? line.kind : "other"}` },
    h("time", { datetime: line.at, title: `${line.at}, line ${line.n}` }, day(line.at), clock(line.at)),
    h("span", { class: "by", title: line.by }, who(line.by)),
    h("span", { class: "kind" }, KINDS[line.kind] ?? line.kind),
    h("span", { class: "text", dir: "auto" }, line.text, from),
  );
}

/** The day of a line, where it is not today's. */
function day(text) {
  const at = new Date(text);
  return new Date(now()).toDateString() === at.toDateString() ? "" : `${at.getDate()}.${at.getMonth() + 1}. `;
}

async function further() {
  const own = [...it.log.lines, ...older].filter((line) => line.incident === id);
  const oldest = Math.min(...own.map((line) => line.n), (it.incident.lines ?? 0) + 1);
  try {
    const all = [id, ...it.merged.map((one) => one.id)];
    for (const ident of all) {
      const least = ident === id ? oldest : Math.min(...[...it.log.lines, ...older].filter((line) => line.incident === ident).map((line) => line.n), Infinity);
      if (least <= 1) continue;
      const { lines } = await view("log", { id: ident, limit: 500, ...(Number.isFinite(least) ? { before: least } : {}) });
      older.push(...lines.map((line) => ({ ...line, incident: ident })));
    }
    older.sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : b.n - a.n));
    log();
  } catch (problem) {
    say(problem.message, problem.mend, true);
  }
}

by("older").addEventListener("click", further);
by("entry").addEventListener("submit", async (event) => {
  event.preventDefault();
  const [text, kind] = [by("entry-text"), by("entry-kind")];
  const words = text.value;
  if (!words.trim()) return text.focus();
  put(by("entry-fault"), "");
  try {
    await doing("note", id, { text: words, kind: kind.value }, { raise: true });
    if (text.value === words) text.value = "";
    kind.value = "note";
    aloud("Written");
  } catch (problem) {
    put(by("entry-fault"), `${problem.message} ${problem.mend ?? ""}`); // what was typed stays
  }
  text.focus();
});
by("entry-text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.preventDefault(), by("entry").requestSubmit();
});

// ---- joined

const press = (selector) => () => document.querySelector(selector)?.click();
await start({
  keys: [["n", "write into the log; Ctrl Enter sends"], ["a", "add a task"], ["b", "start a run-book"], ["r", "raise the state"], ["k  j", "through tasks and steps"], ["x", "finish the task, do the step"], ["p", "print"]],
  act: {
    n: () => by("entry-text").focus(),
    a: press("[data-f=add-task]"),
    b: press("[data-f=start-run]"),
    r: press("#head .moves button"),
    j: walk(".inc-task > .attr, .inc-step.on > .attr", 1),
    k: walk(".inc-task > .attr, .inc-step.on > .attr", -1),
    x: () => document.activeElement?.closest(".inc-task, .inc-step")?.querySelector(".done-it")?.click(),
    p: () => print(),
  },
  themed: () => place?.reink(),
});
may = await allowed("incidents");
await load();
place = await startPlace({
  drawn: (made) => doing("area", id, { area: made }, { done: "Area kept." }),
  said: (words) => ((by("map-said").hidden = !words), put(by("map-said"), words)),
});
const tool = (word, work, f) => h("button", { type: "button", class: "tool", "data-f": f, on: { click: work } }, word);
by("map-tools").replaceChildren(...(may.has("area") ? [tool("Draw the area", () => place.begin(), "draw"), tool("From its alarms", () => doing("area", id, { hull: true }), "hull"), tool("As text…", () => desk.open("area"), "area")] : []), tool("Whole", () => place.whole(), "whole"));
draw();
watching(
  TYPES,
  (text) => !it || text.includes(id) || [...it.alarms, ...it.merged].some((one) => text.includes(one.id)),
  load,
  (phase) => document.body.classList.toggle("unheard", phase !== "live"),
);
setInterval(() => document.hidden || draw(), 15_000);
setInterval(() => it && document.getElementById("age") && put(document.getElementById("age"), lasting(Math.max(0, now() - Date.parse(it.incident.dateRaised)))), 1000);
document.documentElement.classList.add("ready");
