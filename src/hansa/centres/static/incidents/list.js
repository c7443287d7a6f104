// /incidents: what goes on, gravest first; and the sheet in which an incident is raised.

import { csv, download, h, keep, notice, put } from "../dom.js";
import { sheet, allowed } from "../desk/acts.js";
import { aloud, fault, now, start, walk } from "../base/start.js";
import { count, lasting, look } from "../words.js";
import { act, area, call, choose, drillFlag, field, input, page, SEVERITIES, severityOf, stateOf, view, watching, when, who } from "./told.js";

const by = (id) => document.getElementById(id);
const WHICH = [["", "Going on"], ["resolved", "Resolved"], ["reviewed,merged", "Closed"], ["all", "All"]];
const DRILLS = [["", "All"], ["false", "Real"], ["true", "Drills"]];
const given = new URLSearchParams(location.search);
const said = { status: given.get("status") ?? "", drill: given.get("drill") ?? "", text: given.get("text") ?? "" };
let found = [];
let more = false;
let failed = null;
let turn = 0;
let may = new Set();

async function load() {
  const mine = ++turn;
  try {
    const body = await view("list", Object.fromEntries(Object.entries(said).filter(([, value]) => value)));
    if (mine !== turn) return;
    found = body.incidents;
    more = body.more;
    failed = null;
  } catch (problem) {
    if (mine !== turn) return;
    failed = problem;
  }
  show();
}

function go(change) {
  Object.assign(said, change);
  const query = new URLSearchParams(Object.entries(said).filter(([, value]) => value));
  history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
  load();
}

const choice = (box, options, name) => box.replaceChildren(...options.map(([value, word]) => h("button", { type: "button", "aria-pressed": String(said[name] === value), on: { click: () => go({ [name]: value }) } }, word)));

function show() {
  choice(by("which"), WHICH, "status");
  choice(by("drills"), DRILLS, "drill");
  const late = found.reduce((sum, one) => sum + one.late, 0);
  put(by("sum"), failed ? "" : `${count(found.length, "incident")}${more ? " and more" : ""}${late ? `, ${count(late, "task")} late` : ""}`);
  by("raise").hidden = !may.has("raise");
  by("hand-out").hidden = !found.length;
  if (failed && !found.length) return by("list").replaceChildren(fault("The incidents could not be read", failed, h("button", { type: "button", on: { click: load } }, "Try again")));
  if (!found.length) return by("list").replaceChildren(nothing());
  let body = by("list").querySelector("tbody");
  if (!body) {
    body = h("tbody", {});
    const heads = ["Incident", "State", "Severity", "In command", "Since", "Tasks", "Alarms"];
    by("list").replaceChildren(h("table", { class: "subs-table inc-table" }, h("caption", { class: "unseen" }, "Incidents, gravest first"), h("thead", {}, h("tr", {}, heads.map((word) => h("th", { scope: "col" }, word)))), body));
  }
  keep(body, found, (one) => one.id, () => h("tr", {}), row);
}

function row(tr, one) {
  const what = JSON.stringify([one, Math.floor(now() / 30_000)]);
  if (tr.said === what) return;
  tr.said = what;
  const focused = tr.contains(document.activeElement);
  const open = one.tasksOpen ? `${one.tasksOpen} open` : one.tasks ? "all done" : "none";
  tr.replaceChildren(
    h("th", { scope: "row" }, h("a", { class: "attr", href: page(one.id) }, one.drill ? drillFlag() : null, one.name), h("span", { class: "quiet id" }, ` ${call(one.id)}`)),
    h("td", {}, stateOf(one.status)),
    h("td", {}, severityOf(one.severity)),
    h("td", {}, one.commander ? who(one.commander) : h("span", { class: "quiet" }, "nobody")),
    h("td", { class: "since" }, when(one.dateRaised, now()), h("span", { class: "quiet" }, ` ${lasting(Math.max(0, now() - Date.parse(one.dateRaised)))}`)),
    h("td", {}, open, one.late ? h("span", { class: "grave" }, ` ${one.late} late`) : null),
    h("td", { class: "num" }, one.alarms || "—"),
  );
  if (focused) tr.querySelector("a").focus({ preventScroll: true });
}

function nothing() {
  if (said.text || said.drill || said.status) return notice("No such incident", ["Nothing fits. Choose “All”, or leave the search empty."]);
  return notice("Nothing goes on", ["Incidents are raised from alarms, from a report, or here by hand.", "An exercise is raised in the same way, with the mark “drill”."]);
}

/** The sheet; `alarms` are ids that were chosen elsewhere. */
function raise(alarms = []) {
  const named = alarms.length ? h("p", { class: "hint" }, `From ${count(alarms.length, "alarm")}: name, severity and place come from them where nothing else is said.`) : null;
  sheet(
    alarms.length ? "Raise an incident from alarms" : "Raise an incident",
    [
      named,
      field("Name", input("name", 200, { required: !alarms.length, placeholder: alarms.length ? "as the first alarm says" : "what happened, and where" })),
      field("Severity", choose("severity", alarms.length ? [["", "the gravest alarm's"], ...SEVERITIES] : SEVERITIES, alarms.length ? "" : "medium")),
      field("Category", input("category", 60, { placeholder: "flood, fire, frost, utility …", list: "categories" })),
      field("What happened", area("description", 20_000)),
      field("In command", input("commander", 200, { placeholder: "person:…, or nobody yet" })),
      h("label", { class: "check" }, h("input", { type: "checkbox", name: "drill" }), "Drill: nothing is sent, everything is kept"),
      h("datalist", { id: "categories" }, ["flood", "fire", "frost", "air quality", "pump station", "utility", "traffic", "health", "security"].map((value) => h("option", { value }))),
    ].filter(Boolean),
    "Raise",
    async ({ drill, ...words }) => {
      const told = Object.fromEntries(Object.entries(words).filter(([, value]) => value.trim()));
      const { changed } = await act("raise", "", { ...told, ...(drill ? { drill: true } : {}), ...(alarms.length ? { alarms } : {}) });
      location.assign(page(changed[0]));
    },
  );
}

by("find").value = said.text;
by("find").addEventListener("input", () => go({ text: by("find").value.trim() }));
by("raise").addEventListener("click", () => raise());
by("hand-out").addEventListener("click", () => {
  const names = ["id", "name", "status", "severity", "category", "drill", "commander", "dateRaised", "dateVerified", "dateCommanded", "dateOpened", "dateContained", "dateResolved", "tasks", "tasksOpen", "late", "alarms"];
  download(`${look.city}-incidents.csv`, csv([names, ...found.map((one) => names.map((name) => one[name] ?? ""))]));
});
await start({
  keys: [["n", "raise an incident"], ["j  k", "next, previous; Enter opens"], ["/", "search"]],
  act: { n: () => by("raise").click(), j: walk(".inc-table .attr", 1), k: walk(".inc-table .attr", -1), "/": () => by("find").focus() },
});
if (given.get("sel")) location.replace(page(given.get("sel")));
may = await allowed("incidents");
await load();
watching(["Incident", "IncidentTask"], () => true, load, (phase) => document.body.classList.toggle("unheard", phase !== "live"));
setInterval(() => document.hidden || failed || show(), 30_000);
if (given.get("alarms") && may.has("raise")) raise(given.get("alarms").split(",").filter(Boolean));
aloud(count(found.length, "incident"));
document.documentElement.classList.add("ready");
