// /resources and /ccc/resources: what can be sent, how it stands, who is on duty; who should go where; what is wrong.

import { csv, download, h, keep, notice, press, put } from "../dom.js";
import { ask, DESK } from "../doors.js";
import { allowed, sheet } from "../desk/acts.js";
import { aloud, fault, now, start, walk } from "../base/start.js";
import { page as incidentPage, watching, when, who } from "../incidents/told.js";
import { count, look, whenText } from "../words.js";
import { allocation } from "./allocate.js";
import { HELP, read, written } from "./roster.js";
import { act, etaOf, field, hasPlaces, room, stateOf, STATUSES, tail, text, view } from "./told.js";

const by = (id) => document.getElementById(id);
const WHICH = [["", "Board"], ["allocate", "Allocate"], ["checks", "Checks"]];
const NAMES = ["view", "kind", "status", "q", "sel"];
const place = Object.fromEntries(NAMES.map((name) => [name, new URLSearchParams(location.search).get(name) ?? ""]));
let found = [];
let checked = null;
let incidents = new Map();
let failed = null;
let turn = 0;
let may = new Set();

function go(change, quiet = true) {
  Object.assign(place, change);
  const query = new URLSearchParams(Object.entries(place).filter(([, value]) => value));
  history[quiet ? "replaceState" : "pushState"](null, "", query.size ? `?${query.toString().replaceAll("%3A", ":")}` : location.pathname);
}

const proposal = allocation(by("list"), { may: (verb) => may.has(verb), done: (words) => told(words) });

async function load() {
  const mine = ++turn;
  if (!may.size) may = await allowed("resources"); // a city that was busy just then is asked again
  try {
    const [board, checks] = await Promise.all([view("board"), place.view === "checks" ? view("checks") : null]);
    let named = [];
    try {
      named = (await ask(`${DESK}/incidents/list`)).body.incidents;
    } catch {
      // no incidents here, or not for whoever asks: their ids are shown
    }
    if (mine !== turn) return;
    found = board.resources;
    checked = checks ?? checked;
    incidents = new Map(named.map((one) => [one.id, one]));
    failed = null;
  } catch (problem) {
    if (mine !== turn) return;
    failed = problem;
  }
  show();
}

const fits = (one) => (!place.kind || one.kind === place.kind) && (!place.status || (place.status === "ready" ? !one.kept : one.status === place.status)) && (!place.q || `${one.name} ${one.kind} ${one.capabilities.join(" ")} ${one.id} ${(one.onDuty ?? []).join(" ")} ${incidents.get(one.assignedTo)?.name ?? ""}`.toLowerCase().includes(place.q.toLowerCase()));

function options(select, all, chosen, none) {
  const what = JSON.stringify([all, chosen]);
  if (select.said === what) return;
  select.said = what;
  select.replaceChildren(h("option", { value: "" }, none), ...all.map(([value, word]) => h("option", { value, selected: value === chosen }, word)));
}

function show() {
  by("which").replaceChildren(...WHICH.map(([value, word]) => h("button", { type: "button", "aria-pressed": String(place.view === value), on: { click: () => turnTo(value) } }, word)));
  for (const one of document.querySelectorAll(".board-only")) one.hidden = place.view !== "";
  options(by("kind"), [...new Set(found.map((one) => one.kind).filter(Boolean))].sort().map((one) => [one, one]), place.kind, "All kinds");
  options(by("status"), [["ready", "Can be sent"], ...Object.entries(STATUSES).map(([value, [, word]]) => [value, word])], place.status, "Any status");
  const ready = found.filter((one) => !one.kept).length;
  put(by("sum"), failed ? "" : `${count(found.length, "resource")}, ${ready} can be sent`);
  by("add").hidden = !may.has("describe") || place.view !== "";
  by("hand-out").hidden = !found.length || place.view !== "";
  if (failed && !found.length) return by("list").replaceChildren(fault("The resources could not be read", failed, h("button", { type: "button", on: { click: load } }, "Try again")));
  if (place.view === "checks") checks();
  else if (place.view === "") board();
  panel();
  return undefined;
}

function turnTo(value) {
  go({ view: value, sel: "" }, false);
  by("list").replaceChildren(h("p", { class: "pad quiet" }, "Asking…"));
  show();
  if (value === "allocate") proposal.load();
  else load();
}

// ---- the board

function board() {
  const lines = found.filter(fits);
  if (!lines.length) return by("list").replaceChildren(found.length ? notice("No such resource", ["Nothing fits. Choose all kinds and any status, or leave the search empty."]) : notice("No resources yet", ["Teams, vehicles, shelters, beds and pumps are entities of type Resource.", "Add the first here, or write them through the NGSI-LD API."], { button: may.has("describe") ? h("button", { type: "button", on: { click: add } }, "Add a resource…") : null }));
  let body = by("list").querySelector("tbody.board");
  if (!body) {
    body = h("tbody", { class: "board" });
    by("list").replaceChildren(h("table", { class: "res-table" }, h("caption", { class: "unseen" }, "Resources"), h("thead", {}, h("tr", {}, ["Resource", "Status", "At", "Can", "On duty", "Places"].map((word) => h("th", { scope: "col" }, word)))), body));
  }
  keep(body, lines, (one) => one.id, () => h("tr", {}), row);
  return undefined;
}

function row(tr, one) {
  const what = JSON.stringify([one, place.sel === one.id, incidents.get(one.assignedTo)?.name]);
  if (tr.said === what) return;
  tr.said = what;
  const focused = tr.contains(document.activeElement);
  tr.className = place.sel === one.id ? "at" : "";
  tr.replaceChildren(
    h("th", { scope: "row" }, h("button", { type: "button", class: "attr", on: { click: () => choose(one.id) } }, one.name), h("span", { class: "sub" }, one.kind)),
    h("td", { class: "c-state" }, stateOf(one)),
    h("td", {}, at(one)),
    h("td", { class: "c-can" }, one.capabilities.join(", ")),
    h("td", {}, duty(one)),
    h("td", { class: "c-room" }, room(one)),
  );
  if (focused) tr.querySelector("button").focus({ preventScroll: true });
}

function at(one) {
  const ids = one.assignedTo ? [one.assignedTo] : (one.held ?? []).map((it) => it.incident);
  return [...new Set(ids)].flatMap((id, i) => [i ? ", " : "", h("a", { href: incidentPage(id) }, incidents.get(id)?.name ?? tail(id))]);
}

const duty = (one) => (one.onDuty === undefined ? h("span", { class: "quiet" }, "no roster") : one.onDuty.length ? [one.onDuty.map(who).join(", "), one.onDuty.length < one.needed ? h("span", { class: "grave" }, ` ${one.onDuty.length} of ${one.needed}`) : null, h("span", { class: "sub" }, `until ${whenText(Date.parse(one.until), now())}`)] : h("span", { class: one.needed ? "grave" : "quiet" }, "nobody"));

// ---- one of them

function choose(id) {
  go({ sel: place.sel === id ? "" : id }, false);
  show();
  if (place.sel) by("one").focus({ preventScroll: true });
}

function panel() {
  const one = place.view === "" ? found.find(({ id }) => id === place.sel) : null;
  const box = by("one");
  document.body.classList.toggle("has-side", Boolean(one));
  box.hidden = !one;
  const what = one ? JSON.stringify([one, may.size, incidents.size]) : "";
  if (box.said === what) return undefined;
  box.said = what;
  if (!one) return box.replaceChildren();
  const held = box.contains(document.activeElement) ? document.activeElement.dataset.f : null;
  const tool = (verb, word, work, kind = "tool") => (may.has(verb) ? press(kind, word, work, { "data-f": word }) : null);
  const sent = one.assignedTo || ["assigned", "travelling", "on-scene"].includes(one.status);
  const moves = sent ? [["travelling", "On its way"], ["on-scene", "On scene"]].filter(([value]) => value !== one.status).map(([value, word]) => tool("status", word, () => does("status", { id: one.id, status: value }))) : [];
  const tools = [
    !sent || hasPlaces(one) ? tool("assign", hasPlaces(one) ? "Give places…" : "Assign…", () => assign(one), "do") : null,
    moves,
    sent && !hasPlaces(one) ? tool("release", "Release", () => does("release", { id: one.id })) : null,
    one.status === "out-of-service" ? tool("status", "Back in service", () => does("status", { id: one.id, status: "available" })) : tool("status", "Out of service…", () => sheet(`Take ${one.name} out of service`, [field("Why", text("reason", 500, { required: true }))], "Take out", ({ reason }) => does("status", { id: one.id, status: "out-of-service", reason }, true))),
    one.capacity === undefined ? null : tool("occupy", "Count…", () => sheet(`How many are in ${one.name}?`, [field("Taken", text("occupied", 6, { type: "number", min: 0, max: one.capacity, value: one.occupied ?? 0 }))], "Keep", ({ occupied }) => does("occupy", { id: one.id, occupied: Number(occupied) }, true))),
    tool("roster", "Roster…", () => roster(one)),
    tool("describe", "Edit…", () => describe(one)),
  ];
  const facts = [["Kind", one.kind], ["Can", one.capabilities.join(", ")], ["For", one.assignedFor], ["Places", room(one)], ["Cannot be sent", one.kept], ["On duty", one.onDuty ? one.onDuty.map(who).join(", ") || "nobody" : null], ["Place", one.place ? one.place.map((it) => it.toFixed(5)).join(", ") : h("span", { class: "grave" }, "not known")], ["Id", h("span", { class: "id" }, one.id)]];
  box.replaceChildren(
    h("header", { class: "side-head" }, h("h2", {}, one.name), h("button", { type: "button", class: "knob close", "aria-label": "Close", "data-f": "close", on: { click: () => choose(one.id) } }, "×")),
    h("p", { class: "res-marks" }, stateOf(one), at(one)),
    h("p", { class: "head-tools" }, tools.flat().filter(Boolean)),
    h("dl", { class: "facts" }, facts.filter(([, value]) => value).flatMap(([word, value]) => [h("dt", {}, word), h("dd", {}, value)])),
    ...((one.held ?? []).length ? [h("h3", {}, "Given"), h("ul", { class: "res-held" }, one.held.map((it) => h("li", {}, h("a", { href: incidentPage(it.incident) }, incidents.get(it.incident)?.name ?? tail(it.incident)), ` ${it.places} × ${it.capability} `, tool("release", "Take back", () => does("release", { id: one.id, incident: it.incident })))))] : []),
  );
  if (held) box.querySelector(`[data-f="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
  return undefined;
}

function told(words, bad = false) {
  by("said").hidden = !words;
  by("said").className = `res-said${bad ? " bad" : ""}`;
  by("said").replaceChildren(h("span", {}, words), press("knob", "×", () => told(""), { "aria-label": "Close" }));
  aloud(words);
}

/** Do it; a refusal stands in the sheet (`sheeted`), or above the list. */
async function does(verb, said, sheeted = false) {
  try {
    await act(verb, said);
    told("");
    await load();
  } catch (problem) {
    if (sheeted) throw problem;
    told(`${problem.message} ${problem.mend ?? ""}`, true);
  }
}

async function assign(one) {
  const open = [...incidents.values()].filter((it) => !["resolved", "reviewed", "merged"].includes(it.status));
  const times = new Map();
  const rows = open.map((it) => h("option", { value: it.id }, it.name));
  const eta = h("p", { class: "hint" }, "");
  const select = h("select", { name: "incident", required: true }, h("option", { value: "" }, open.length ? "choose" : "nothing goes on"), rows);
  select.addEventListener("change", async () => {
    eta.replaceChildren();
    if (!select.value) return;
    try {
      if (!times.has(select.value)) times.set(select.value, (await view("nearest", { incident: select.value, count: "200", all: "true" })).resources.find((it) => it.id === one.id)?.eta);
      eta.replaceChildren("There in ", etaOf(times.get(select.value)));
    } catch (problem) {
      eta.textContent = problem.message;
    }
  });
  sheet(hasPlaces(one) ? `Give places in ${one.name}` : `Assign ${one.name}`, [field("Incident", select), eta, field("For", h("select", { name: "capability" }, one.capabilities.map((word) => h("option", { value: word }, word)))), hasPlaces(one) ? field("Places", text("places", 6, { type: "number", min: 1, value: 1 })) : null].filter(Boolean), hasPlaces(one) ? "Give" : "Assign", ({ incident, capability, places }) => does("assign", { id: one.id, incident, ...(capability ? { capability } : {}), ...(places ? { places: Number(places) } : {}) }, true));
}

function describe(one) {
  const [lon, lat] = one?.place ?? ["", ""];
  sheet(
    one ? `Edit ${one.name}` : "Add a resource",
    [
      field("Name", text("name", 200, { required: true, value: one?.name ?? "" })),
      field("Kind", text("resourceKind", 80, { required: true, value: one?.kind ?? "", list: "res-kinds", placeholder: "team, vehicle, shelter, bed, pump" })),
      field("Can", text("capabilities", 1_000, { value: one?.capabilities.join(", ") ?? "", placeholder: "pump, boat, medic" })),
      field("Places", text("capacity", 6, { type: "number", min: 0, value: one?.capacity ?? "" })),
      field("Longitude", text("lon", 20, { inputmode: "decimal", value: lon })),
      field("Latitude", text("lat", 20, { inputmode: "decimal", value: lat })),
      h("datalist", { id: "res-kinds" }, ["team", "vehicle", "shelter", "bed", "ward", "pump", "generator"].map((value) => h("option", { value }))),
    ],
    "Keep",
    async ({ name, resourceKind, capabilities, capacity, lon: x, lat: y }) => {
      const said = { name, resourceKind, capabilities: capabilities.split(",").map((word) => word.trim()).filter(Boolean), ...(capacity ? { capacity: Number(capacity) } : {}), ...(x && y ? { location: { type: "Point", coordinates: [Number(x), Number(y)] } } : {}) };
      await does("describe", one ? { id: one.id, ...said } : said, true);
    },
  );
}

const add = () => describe(null);

async function roster(one) {
  let seen = null;
  try {
    const { body } = await ask(`${DESK}/resources/duties?id=${encodeURIComponent(one.id)}`);
    seen = body.roster;
    const days = body.days;
    sheet(
      `Roster of ${one.name}`,
      [
        days.length ? h("ol", { class: "res-days" }, days.map((it) => h("li", {}, h("time", {}, whenText(Date.parse(it.from), now())), h("span", {}, `– ${whenText(Date.parse(it.to), now())} `, who(it.who))))) : h("p", { class: "quiet" }, "Nobody is on duty in the next week."),
        body.gaps.length ? h("p", { class: "grave" }, `${count(body.gaps.length, "gap")} in the next week, the first ${whenText(Date.parse(body.gaps[0].from), now())}.`) : null,
        h("label", { class: "stack" }, h("span", {}, "One line for each: who, days or a shift, from and to"), h("textarea", { name: "roster", rows: 9, class: "mono", spellcheck: "false", "aria-describedby": "res-how" }, written(seen ?? { needed: 1 }))),
        h("p", { class: "hint plain", id: "res-how" }, HELP),
      ].filter(Boolean),
      "Keep",
      ({ roster: said }) => does("roster", { id: one.id, roster: read(said), seen }, true),
    );
  } catch (problem) {
    told(`${problem.message} ${problem.mend ?? ""}`, true);
  }
}

// ---- what is wrong

function checks() {
  if (!checked) return by("list").replaceChildren(h("p", { class: "pad quiet" }, "Asking…"));
  const { gaps, clashes, faults, names } = checked;
  const name = (id) => names[id] ?? tail(id);
  const part = (head, many, none, columns, row_) => h("section", { class: "res-part" }, h("h2", {}, head), many.length ? h("table", { class: "res-table" }, h("caption", { class: "unseen" }, head), h("thead", {}, h("tr", {}, columns.map((word) => h("th", { scope: "col" }, word)))), h("tbody", {}, many.map(row_))) : h("p", { class: "quiet" }, none));
  const span = (one) => h("td", { class: "since" }, when(one.from, now()), " – ", when(one.to, now()));
  by("list").replaceChildren(
    part("People in two places at once", clashes, "Nobody, in the next week.", ["Who", "Where", "When"], (one) => h("tr", {}, h("th", { scope: "row" }, who(one.who)), h("td", {}, one.id === one.other ? `${name(one.id)}, twice` : `${name(one.id)} and ${name(one.other)}`), span(one))),
    part("Gaps in rosters", gaps, "None, in the next week.", ["Resource", "On duty", "When"], (one) => h("tr", {}, h("th", { scope: "row" }, name(one.id)), h("td", { class: one.there ? "" : "grave" }, `${one.there} of ${one.needed}`), span(one))),
    part("What cannot be", faults, "Nothing.", ["Resource", "Fault"], (one) => h("tr", {}, h("th", { scope: "row" }, name(one.id)), h("td", {}, one.fault))),
  );
  return undefined;
}

// ---- joined

by("find").value = place.q;
by("find").addEventListener("input", () => (go({ q: by("find").value.trim() }), show()));
for (const name of ["kind", "status"]) by(name).addEventListener("change", () => (go({ [name]: by(name).value }), show()));
by("add").addEventListener("click", add);
by("hand-out").addEventListener("click", () => download(`${look.city}-resources.csv`, csv([["id", "name", "kind", "status", "capabilities", "assignedTo", "assignedFor", "capacity", "occupied", "onDuty", "lon", "lat"], ...found.filter(fits).map((one) => [one.id, one.name, one.kind, one.status, one.capabilities.join(" "), one.assignedTo ?? "", one.assignedFor ?? "", one.capacity ?? "", one.occupied ?? "", (one.onDuty ?? []).join(" "), one.place?.[0] ?? "", one.place?.[1] ?? ""])])));
addEventListener("popstate", () => {
  const query = new URLSearchParams(location.search);
  for (const name of NAMES) place[name] = query.get(name) ?? "";
  by("find").value = place.q;
  if (place.view === "allocate") (show(), proposal.load());
  else load();
});
await start({
  keys: [["b  l  c", "board, allocate, checks"], ["j  k", "next, previous; Enter opens"], ["n", "add a resource"], ["/", "search"], ["Esc", "close"]],
  act: { b: () => turnTo(""), l: () => turnTo("allocate"), c: () => turnTo("checks"), n: () => by("add").click(), j: walk(".res-table .attr", 1), k: walk(".res-table .attr", -1), "/": () => by("find").focus(), Escape: () => (place.sel ? choose(place.sel) : false) },
});
await load();
if (place.view === "allocate") await proposal.load();
// A proposal that is being looked at is not changed under somebody's hands: he is told when it is stale.
watching(["Resource", "Incident", "Allocation"], () => true, () => (place.view === "allocate" ? proposal.stale() : load()), (phase) => document.body.classList.toggle("unheard", phase !== "live"));
setInterval(() => document.hidden || failed || place.view !== "" || load(), 60_000); // who is on duty changes by itself
aloud(count(found.length, "resource"));
document.documentElement.classList.add("ready");
