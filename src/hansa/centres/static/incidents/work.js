// What is done in an incident: its tasks, and its run-books step by step.

import { h, press, sign } from "../dom.js";
import { left, when, who } from "./told.js";

const tool = (word, work, f, more = {}) => press("tool", word, work, { "data-f": f, ...more });
const SIGNS = { on: ["watch", "Now"], done: ["ok", "Done"], passed: ["ok", "Passed"], decided: ["ok", "Decided"], skipped: ["stale", "Skipped"], ahead: ["missing", "Ahead"] };

/** The tasks, late ones first. */
export function tasks(desk) {
  const { tasks: told } = desk.it;
  const shown = told.rows.slice(0, desk.shownTasks);
  return [
    h("p", { class: "quiet" }, told.total ? `${told.open} open, ${told.late} late, ${told.total} in all` : "No task yet."),
    shown.length ? h("ul", { class: "inc-tasks" }, shown.map((one) => task(desk, one))) : null,
    told.rows.length > shown.length ? tool(`${told.rows.length - shown.length} more`, desk.more, "more-tasks") : null,
    desk.may("task") ? tool("Add a task", () => desk.open("task"), "add-task", { "aria-keyshortcuts": "a" }) : null,
  ];
}

function task(desk, one) {
  const due = h("span", { class: one.late ? "grave due" : "due quiet", title: one.due }, left(one.due, desk.now()));
  const does = [
    desk.may("finish-task") ? press("tool done-it", "Done", () => desk.do("finish-task", one.id), { "data-f": `done-${one.id}`, "aria-label": `Done: ${one.name}` }) : null,
    desk.may("edit-task") ? press("link", "Change", () => desk.open("editTask", one), { "data-f": `change-${one.id}`, "aria-label": `Change: ${one.name}` }) : null,
    desk.may("drop-task") ? press("link", "Drop", () => desk.open("drop", one), { "data-f": `drop-${one.id}`, "aria-label": `Drop: ${one.name}` }) : null,
  ];
  return h("li", { class: one.late ? "inc-task late" : "inc-task" }, h("span", { class: "attr", dir: "auto", tabindex: "0", "data-f": `task-${one.id}` }, h("span", { class: "quiet" }, `${one.n} `), one.name), h("span", { class: "owner" }, who(one.owner)), due, h("span", { class: "does" }, does), one.text ? h("span", { class: "quiet more" }, one.text) : null);
}

/** The run-books: those that run, those that fit. */
export function runs(desk) {
  const { it } = desk;
  const running = new Set(it.runs.filter((one) => one.status === "running").map((one) => one.book));
  const fitting = it.books.filter((one) => !running.has(one.id));
  return [
    ...it.runs.map((one) => run(desk, one)),
    fitting.length && desk.may("run") ? h("ul", { class: "inc-list inc-fitting" }, fitting.map((one) => h("li", {}, h("span", { class: "kind quiet" }, "fits"), h("span", { class: "text", dir: "auto" }, one.name, one.overdue ? h("span", { class: "grave" }, " review overdue") : null), tool("Start", () => desk.open("run", one), `run-${one.id}`, { "aria-label": `Start ${one.name}` })))) : null,
    it.runs.length || fitting.length ? null : h("p", { class: "quiet" }, "No run-book runs, and none is written for this."),
    desk.may("run") ? tool("Start a run-book", () => desk.open("run", null), "start-run", { "aria-keyshortcuts": "b" }) : null,
  ];
}

function run(desk, one) {
  const words = { running: "", done: "done", stopped: `stopped: ${one.stoppedFor ?? ""}` };
  const done = one.steps.filter((step) => !["on", "ahead"].includes(step.state)).length;
  return h(
    "article",
    { class: `inc-run ${one.status}`, "aria-label": one.name },
    h("header", {}, one.drill ? h("strong", { class: "drill-flag" }, "Drill") : null, h("h3", {}, one.name), h("span", { class: "quiet" }, `version ${one.version}, by ${who(one.startedBy)} `, when(one.startedAt, desk.now()), ` · ${done} of ${one.steps.length}`, words[one.status] ? ` · ${words[one.status]}` : ""), one.status === "running" && desk.may("stop-run") ? press("link", "Stop", () => desk.open("stop", one), { "data-f": `stop-${one.id}`, "aria-label": `Stop ${one.name}` }) : null),
    h("ol", {}, one.steps.map((step) => stepOf(desk, one, step))),
  );
}

function stepOf(desk, one, step) {
  const on = step.id === one.current;
  const automatic = step.kind === "condition" || step.kind === "wait";
  const word = step.word;
  const told = word && (word.text || (word.reading?.value !== undefined ? `${word.reading.attribute} ${word.reading.value} ${word.reading.unit}` : ""));
  const does = { notify: "Send the notice", command: "Send the command" }[step.kind] ?? "Done";
  const acts = [
    !automatic && desk.may("do-step") ? press("do done-it", one.drill && step.kind !== "manual" ? `${does} (drill)` : does, () => desk.open("step", one, step), { "data-f": `do-${one.id}-${step.id}` }) : null,
    automatic && desk.may("decide-step") ? press("tool", "Decide by hand", () => desk.open("decide", one, step), { "data-f": `decide-${one.id}-${step.id}` }) : null,
    desk.may("skip-step") ? press("link", "Skip", () => desk.open("skip", one, step), { "data-f": `skip-${one.id}-${step.id}`, "aria-label": `Skip ${step.title}` }) : null,
    desk.may("assign-step") ? press("link", "Assign", () => desk.open("assign", one, step), { "data-f": `assign-${one.id}-${step.id}`, "aria-label": `Assign ${step.title}` }) : null,
  ];
  return h(
    "li",
    { class: `inc-step ${on ? "on" : step.state}${step.late ? " late" : ""}` },
    sign(...(on ? SIGNS.on : (SIGNS[step.state] ?? SIGNS.ahead))),
    h("span", { class: "attr", ...(on ? { tabindex: "0", "data-f": `step-${one.id}-${step.id}` } : {}) }, step.title),
    h("span", { class: "owner quiet" }, who(step.owner)),
    on && step.due ? h("span", { class: step.late ? "grave due" : "due quiet", title: step.due }, left(step.due, desk.now())) : step.ended ? h("span", { class: "due quiet" }, when(step.ended, desk.now()), step.late ? h("b", { class: "grave" }, " late") : "") : null,
    on ? h("div", { class: "inc-step-more" }, step.text ? h("p", {}, step.text) : null, h("p", { class: "quiet" }, said(step)), on && one.stuck ? h("p", { class: "grave" }, `Cannot be decided: ${one.stuck}.`) : null, step.until ? h("p", { class: "quiet" }, "Until ", when(step.until, desk.now()), " at the latest") : null, h("p", { class: "inc-tools" }, acts)) : null,
    !on && told ? h("div", { class: "inc-step-more quiet" }, word.by ? `${who(word.by)}: ` : "", word.answer === true ? "yes. " : word.answer === false ? "no. " : "", told) : null,
  );
}

/** What a step is, in words. */
export function said(step) {
  const test = step.attribute ? `${step.attribute} of ${step.entity.split(":").pop()} ${step.is} ${step.value}${step.unit ? ` ${step.unit}` : ""}` : "";
  if (step.kind === "notify") return `To ${step.to.map(who).join(", ")}: “${step.message}”`;
  if (step.kind === "command") return `To ${step.device}: ${JSON.stringify(step.payload)}`;
  if (step.kind === "condition") return `When ${test}${step.then ? `, then ${step.then}` : ""}${step.else ? `, else ${step.else}` : ""}`;
  if (step.kind === "wait") return step.minutes !== undefined ? `${step.minutes} minutes` : `Until ${test}${step.atMostMinutes ? `, at most ${step.atMostMinutes} minutes` : ""}`;
  return step.evidence ? "Evidence is kept: words, links or a reading." : "";
}
