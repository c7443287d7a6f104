// /requests: what residents report, by whom it is done and by when; how well that goes; how the city's services stand.

import { csv, download, h, keep, notice, press, put } from "../dom.js";
import { allowed, sheet } from "../desk/acts.js";
import { aloud, fault, now, start, walk } from "../base/start.js";
import { watching } from "../incidents/told.js";
import { count, look, whenText } from "../words.js";
import { panel } from "./case.js";
import { standing } from "./city.js";
import { review } from "./review.js";
import { act, area, choose as choice, dueOf, field, inWords, stepOf, text, view } from "./told.js";

const by = (id) => document.getElementById(id);
const WHICH = [["", "Requests"], ["review", "Review"], ["city", "Services"]];
const NAMES = ["view", "status", "department", "service", "by", "q", "sel"];
const place = Object.fromEntries(NAMES.map((name) => [name, new URLSearchParams(location.search).get(name) ?? ""]));
let board = { requests: [], departments: [], districts: {}, services: {}, faults: [] };
let one = null;
let told_ = null; // what the view that is open said
let failed = null;
let turn = 0;
let may = new Set();

function go(change, quiet = true) {
  Object.assign(place, change);
  const query = new URLSearchParams(Object.entries(place).filter(([, value]) => value));
  history[quiet ? "replaceState" : "pushState"](null, "", query.size ? `?${query}` : location.pathname);
}

async function load() {
  const mine = ++turn;
  if (!may.size) may = await allowed("requests");
  const asked = Object.fromEntries(["status", "department", "service"].filter((name) => place[name]).map((name) => [name, place[name]]));
  try {
    const got = await Promise.all([
      view("board", asked),
      place.sel && place.view === "" ? view("case", { id: place.sel }).catch((problem) => problem) : null,
      place.view === "review" ? view("review", { by: place.by || "department" }) : place.view === "city" ? Promise.all([view("states"), view("works")]) : null,
    ]);
    if (mine !== turn) return;
    [board, one, told_] = got;
    failed = null;
  } catch (problem) {
    if (mine !== turn) return;
    failed = problem;
  }
  show();
}

function options(select, all, chosen, none) {
  const what = JSON.stringify([all, chosen]);
  if (select.said === what) return;
  select.said = what;
  select.replaceChildren(...(none ? [h("option", { value: "" }, none)] : []), ...all.map(([value, word]) => h("option", { value, selected: value === chosen }, word)));
}

const fits = (it) => !place.q || `${it.id} ${it.description} ${it.address} ${inWords(it.names)} ${it.department}`.toLowerCase().includes(place.q.toLowerCase());

function show() {
  by("which").replaceChildren(...WHICH.map(([value, word]) => h("button", { type: "button", "aria-pressed": String(place.view === value), on: { click: () => turnTo(value) } }, word)));
  for (const it of document.querySelectorAll(".board-only")) it.hidden = place.view !== "";
  for (const it of document.querySelectorAll(".review-only")) it.hidden = place.view !== "review";
  options(by("status"), [["closed", "Closed"], ["all", "Open and closed"]], place.status, "Open");
  options(by("department"), board.departments.map((it) => [it, it]), place.department, "All departments");
  options(by("service"), Object.entries(board.services).map(([code, names]) => [code, inWords(names)]), place.service, "All services");
  options(by("by"), [["department", "department"], ["district", "district"], ["service", "service"]], place.by || "department");
  const late = board.requests.filter((it) => it.late && it.status === "open" && !it.into).length;
  put(by("sum"), failed ? "" : `${count(board.requests.length, "request")}${board.more ? " and more" : ""}${late ? `, ${late} late` : ""}`);
  by("take").hidden = !may.has("take") || place.view !== "";
  by("hand-out").hidden = place.view === "city" || !board.requests.length;
  if (failed) return by("list").replaceChildren(fault("The requests could not be read", failed, h("button", { type: "button", on: { click: load } }, "Try again")));
  if (place.view === "review" && told_?.groups) by("list").replaceChildren(review(told_, (id) => (go({ view: "", status: "all", sel: id }, false), load())));
  else if (place.view === "city" && Array.isArray(told_)) by("list").replaceChildren(standing(told_[0].services, told_[1].works, { may: (verb) => may.has(verb), does }));
  else if (place.view === "") list();
  side();
  return undefined;
}

function turnTo(value) {
  go({ view: value, sel: "" }, false);
  told_ = null;
  by("list").replaceChildren(h("p", { class: "pad quiet" }, "Asking…"));
  load();
}

// ---- the list

function list() {
  const lines = board.requests.filter(fits);
  if (!lines.length) return by("list").replaceChildren(board.requests.length || place.department || place.service || place.status ? notice("No such request", ["Nothing fits. Choose all departments and services, or leave the search empty."]) : notice("Nothing is open", ["What residents report comes here by itself: from the city's page, the telephone app, other programs (Open311), and what you enter for those who call."], { button: may.has("take") ? h("button", { type: "button", on: { click: take } }, "Take a call…") : null }));
  let body = by("list").querySelector("tbody.board");
  if (!body) {
    body = h("tbody", { class: "board" });
    by("list").replaceChildren(h("table", { class: "req-table" }, h("caption", { class: "unseen" }, "Requests"), h("thead", {}, h("tr", {}, ["Request", "What was said", "Step", "Time", "Department", "Reported"].map((word) => h("th", { scope: "col" }, word)))), body));
  }
  keep(body, lines, (it) => it.id, () => h("tr", {}), row);
  return undefined;
}

function row(tr, it) {
  const what = JSON.stringify([it, place.sel === it.id, Math.floor(now() / 60_000)]);
  if (tr.said === what) return;
  tr.said = what;
  const focused = tr.contains(document.activeElement);
  tr.className = place.sel === it.id ? "at" : "";
  const beside = [it.people > 1 ? `${it.people} people` : "", it.photos ? count(it.photos, "photo") : "", it.likely ? "perhaps the same as another" : "", it.joined ? `${it.joined} joined` : ""].filter(Boolean).join(", ");
  tr.replaceChildren(
    h("th", { scope: "row" }, h("button", { type: "button", class: "attr", on: { click: () => choose(it.id) } }, inWords(it.names)), h("span", { class: "sub id" }, it.id)),
    h("td", { class: "c-words", dir: "auto" }, it.description || h("span", { class: "quiet" }, "no words"), h("span", { class: "sub" }, [it.address, beside].filter(Boolean).join(" · "))),
    h("td", {}, stepOf(it), it.priority === "high" ? h("span", { class: "sub grave" }, "high priority") : null),
    h("td", { class: "c-due" }, dueOf(it, now())),
    h("td", {}, it.department, h("span", { class: "sub" }, board.districts[it.district] ?? it.district)),
    h("td", { class: "since" }, h("time", { datetime: it.at }, whenText(Date.parse(it.at), now()))),
  );
  if (focused) tr.querySelector("button").focus({ preventScroll: true });
}

// ---- one of them

async function choose(id) {
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
  const close = () => choose(place.sel);
  if (one instanceof Error) return box.replaceChildren(fault("This request could not be read", one, press("tool", "Close", close)));
  const held = box.contains(document.activeElement) ? document.activeElement.dataset.f : null;
  box.replaceChildren(...panel(one, { may: (verb) => may.has(verb), does, board, close, open: (id) => choose(id) }));
  if (held) box.querySelector(`[data-f="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
  return undefined;
}

function told(words, bad = false) {
  by("said").hidden = !words;
  by("said").className = `req-said${bad ? " bad" : ""}`;
  by("said").replaceChildren(h("span", {}, words), press("knob", "×", () => told(""), { "aria-label": "Close" }));
  aloud(words);
}

/** Do it; a refusal stands in the sheet (`sheeted`), or above the list. */
async function does(verb, said, sheeted = false) {
  try {
    const body = await act(verb, said);
    told("");
    await load();
    return body;
  } catch (problem) {
    if (sheeted) throw problem;
    told(`${problem.message} ${problem.mend ?? ""}`, true);
    return null;
  }
}

function take() {
  const services = Object.entries(board.services).map(([code, names]) => [code, inWords(names)]);
  sheet(
    "Take a call or a letter",
    [
      field("Came by", choice("channel", [["phone", "telephone"], ["paper", "letter"]])),
      field("Service", choice("service", services, "pothole")),
      h("label", { class: "stack" }, h("span", {}, "What is wrong"), area("description", 5000, { required: true })),
      field("Address", text("address", 300)),
      field("Longitude", text("lon", 20, { inputmode: "decimal" })),
      field("Latitude", text("lat", 20, { inputmode: "decimal" })),
      field("Answers", text("attributes", 2000, { class: "mono", placeholder: '{"fault": "out"}' })),
      field("Name", text("name", 120)),
      field("Telephone", text("phone", 30, { type: "tel" })),
      field("E-mail", text("email", 254, { type: "email" })),
    ],
    "Enter",
    async (said) => {
      const body = await does("take", Object.fromEntries(Object.entries(said).filter(([, value]) => value.trim())), true);
      if (body?.id) await choose(body.id.split(":").pop());
    },
  );
}

function handOut() {
  if (place.view === "review") return location.assign(`/desk/requests/review?by=${place.by || "department"}&format=csv`);
  const names = ["id", "service", "status", "step", "priority", "department", "district", "channel", "at", "due", "late", "people", "lon", "lat", "address", "description"];
  return download(`${look.city}-requests.csv`, csv([names, ...board.requests.filter(fits).map((it) => names.map((name) => it[name] ?? ""))]));
}

// ---- joined

by("find").value = place.q;
by("find").addEventListener("input", () => (go({ q: by("find").value.trim() }), show()));
for (const name of ["status", "department", "service", "by"]) by(name).addEventListener("change", () => (go({ [name]: by(name).value }), load()));
by("take").addEventListener("click", take);
by("hand-out").addEventListener("click", handOut);
addEventListener("popstate", () => {
  const query = new URLSearchParams(location.search);
  for (const name of NAMES) place[name] = query.get(name) ?? "";
  by("find").value = place.q;
  told_ = null;
  load();
});
await start({
  keys: [["b  r  v", "requests, review, services"], ["j  k", "next, previous; Enter opens"], ["n", "take a call"], ["/", "search"], ["Esc", "close"]],
  act: { b: () => turnTo(""), r: () => turnTo("review"), v: () => turnTo("city"), n: () => by("take").click(), j: walk(".board .attr", 1), k: walk(".board .attr", -1), "/": () => by("find").focus(), Escape: () => (place.sel ? choose(place.sel) : false) },
});
await load();
watching(["ServiceRequest", "CityService", "PlannedWork"], () => true, load, (phase) => document.body.classList.toggle("unheard", phase !== "live"));
setInterval(() => document.hidden || failed || place.view !== "" || load(), 60_000); // clocks run by themselves
aloud(count(board.requests.length, "request"));
document.documentElement.classList.add("ready");
