// /strategy: the plan, the loop from index to next stage, money, shared blocks, the register, the city, reviews.

import { csv, download, h, notice, press, put } from "../dom.js";
import { allowed } from "../desk/acts.js";
import { aloud, fault, start, walk } from "../base/start.js";
import { count } from "../words.js";
import * as forms from "./forms.js";
import { identity, worth } from "./money.js";
import { table, timeLine } from "./plan.js";
import { act, changeOf, costOf, inWords, money, named, percent, plain, state, tail, view as asks } from "./told.js";

const by = (id) => document.getElementById(id);
const view = (name, asked) => asks("strategy", name, asked);
const WHICH = [["", "Plan"], ["loop", "Loop"], ["review", "Reviews"], ["identity", "Identity"], ["blocks", "Shared blocks"], ["register", "Register"], ["city", "City"]];
const OWN = ["view", "department", "sel"];
const ASKED = { "": "plan", loop: "loop", review: "reviews", blocks: "blocks", register: "register", city: "city" };
let place = {};
let told = null;
let one = null;
let failed = null;
let turn = 0;
let may = new Set();

const read = () => (place = { view: "", department: "", sel: "", ...Object.fromEntries(new URLSearchParams(location.search)) });
/** What the address says besides what this page is at: the assumptions of a reckoning. */
const others = () => Object.fromEntries(Object.entries(place).filter(([name, value]) => !OWN.includes(name) && value));

function go(change, quiet = true) {
  Object.assign(place, change);
  const query = new URLSearchParams(Object.entries(place).filter(([, value]) => value));
  history[quiet ? "replaceState" : "pushState"](null, "", query.size ? `?${query.toString().replaceAll("%3A", ":")}` : location.pathname);
}

const ways = identity(by("list"), { asked: others, keepAsked: (name, value) => go({ [name]: value }) });

async function load() {
  const mine = ++turn;
  if (!may.size) may = await allowed("strategy");
  if (place.view === "identity") {
    frame();
    panel();
    return ways.load();
  }
  try {
    const name = ASKED[place.view] ?? "plan";
    const whole = place.sel && place.view === "" ? Promise.all([view("one", { id: place.sel }), view("finance", { ...others(), id: place.sel }).catch((problem) => ({ problem }))]).then(([it, worth_]) => ({ ...it, worth: worth_ })) : null;
    const [found, chosen] = await Promise.all([view(name, name === "blocks" && place.reuse ? { reuse: place.reuse } : {}), whole?.catch((problem) => ({ problem })) ?? null]);
    if (mine !== turn) return undefined;
    [told, one, failed] = [found, chosen, null];
  } catch (problem) {
    if (mine !== turn) return undefined;
    failed = problem;
  }
  show();
  return undefined;
}

function frame() {
  by("which").replaceChildren(...WHICH.map(([value, word]) => press("", word, () => turnTo(value), { "aria-pressed": String(place.view === value) })));
  for (const it of document.querySelectorAll(".plan-only")) it.hidden = place.view !== "";
  by("add").hidden = !(place.view === "" && may.has("measure"));
  by("hand-out").hidden = !told || place.view === "identity";
  put(by("hand-out"), place.view === "" ? "CSV" : "JSON");
  if (place.view !== "") put(by("sum"), "");
}

function show() {
  frame();
  if (failed) return by("list").replaceChildren(fault("It could not be read", failed, h("button", { type: "button", on: { click: load } }, "Try again")));
  panel(); // before the drawing, which is as wide as there is room
  ({ loop, review: reviews, blocks, register, city })[place.view]?.() ?? plan();
  named(by("list"));
  return undefined;
}

function turnTo(value) {
  place = { view: "", department: "", sel: "" };
  go({ view: value }, false);
  [told, one] = [null, null];
  by("list").replaceChildren(h("p", { class: "pad quiet" }, "Asking…"));
  load();
}

const part = (heading, ...inside) => h("section", { class: "str-part" }, heading ? h("h2", {}, heading) : null, ...inside.flat().filter(Boolean));
const head = (words) => h("thead", {}, h("tr", {}, words.map((word) => h("th", { scope: "col" }, word))));
const open = (id, name) => h("button", { type: "button", class: "attr", on: { click: () => ((place = { view: "", department: "", sel: "" }), go({ sel: id }, false), load()) } }, name);

// ---- the plan

function plan() {
  const select = by("department");
  const what = JSON.stringify([told.departments, place.department]);
  if (select.said !== what) {
    select.said = what;
    select.replaceChildren(h("option", { value: "" }, "All departments"), ...told.departments.map((value) => h("option", { value, selected: value === place.department }, value)));
  }
  const lines = told.measures.filter((it) => !place.department || it.department === place.department);
  put(by("sum"), count(lines.length, "measure"));
  if (!lines.length) return by("list").replaceChildren(notice(told.measures.length ? "None of this department" : "No measures yet", ["A measure says what is to be done, by whom, what it costs, who pays, and which indicator it is to move.", "When its review is due, the city compares what was expected with what came."], { button: may.has("measure") ? press("", "Propose a measure…", add) : null }));
  const how = { phases: told.phases, today: told.today, chosen: place.sel, choose, room: by("list").clientWidth - 32 };
  by("list").replaceChildren(
    part(null, timeLine(lines, how), h("p", { class: "legend" }, "◆ review · red line: begins before what it waits for has ended · dashed: proposed")),
    table(lines, how),
    part("Money", told.money.length ? h("table", { class: "str-table" }, head(["Currency", "Capital", "A year", "Who pays"]), h("tbody", {}, told.money.map((it) => h("tr", {}, h("th", { scope: "row" }, it.currency), h("td", {}, money(it.capital)), h("td", {}, money(it.yearly)), h("td", { class: "wide" }, Object.entries(it.by).map(([who, sum]) => `${inWords(who)} ${money(sum)}`).join(", ")))))) : h("p", { class: "quiet" }, "No measure has said what it costs.")),
    part("Phases", told.phases.length ? h("ul", { class: "str-list" }, told.phases.map((it) => h("li", {}, h("b", {}, it.name), ` ${it.from} – ${it.until}`, it.goal ? h("span", { class: "sub" }, it.goal) : null))) : h("p", { class: "quiet" }, "The plan has no phases yet."), may.has("phases") ? press("tool", "Phases…", () => forms.phases(told.phases, send)) : null),
  );
  return true;
}

function choose(id) {
  const sel = place.sel === id ? "" : id;
  place = { view: "", department: place.department, sel: "" };
  go({ sel }, false);
  one = null;
  load().then(() => place.sel && by("one").focus({ preventScroll: true }));
}

function panel() {
  const box = by("one");
  const shown = place.view === "" ? one : null;
  document.body.classList.toggle("has-side", Boolean(shown));
  box.hidden = !shown;
  if (!shown) return box.replaceChildren();
  const close = h("button", { type: "button", class: "knob close", "aria-label": "Close", on: { click: () => choose(place.sel) } }, "×");
  if (one.problem) return box.replaceChildren(h("header", { class: "side-head" }, h("h2", {}, "Not here"), close), fault("It could not be read", one.problem));
  const tools = [may.has("measure") ? press("tool", "Edit…", () => forms.measure(one, told.measures, send)) : null, ...(may.has("decide") ? one.next.map((to) => press(to === "dropped" ? "tool" : "do", `${inWords(to)}…`, () => forms.decide(one, to, send))) : [])].filter(Boolean);
  const facts = [["Department", one.department], ["Owner", one.owner], ["When", `${one.from} – ${one.until}`], ["Looked at", one.reviewAt], ["Phase", one.phase], ["Cost", one.cost ? costOf(one.cost) : null], ["Who pays", one.funding?.map((it) => `${inWords(it.kind)} ${it.share} %${it.source ? ` (${it.source})` : ""}`).join(", ")], ["Waits for", one.needs.length ? h("ul", {}, one.needs.map((it) => h("li", {}, it.name, " ", state(it.status)))) : null], ["Needed by", one.neededBy.map((it) => it.name).join(", ")], ["Stakeholders", one.stakeholders?.map((it) => `${it.name} (${it.role})`).join(", ")], ["Workflows", one.workflows?.join(", ")], ["Blocks", one.blocks?.map((it) => it.name).join(", ")], ["SDG targets", one.sdg?.join(", ")], ["Agreements", one.agreements.map((it) => it.name).join(", ")], ["Rules", one.rules.map((it) => it.name).join(", ")], ["Sandboxes", one.sandboxes.map((it) => it.name).join(", ")], ["Solution", one.solution ? h("a", { href: `/solutions?sel=${encodeURIComponent(one.solution)}` }, tail(one.solution)) : null]];
  return box.replaceChildren(
    h("header", { class: "side-head" }, h("h2", {}, one.name), close),
    h("p", { class: "str-marks" }, state(one.status)),
    h("p", { class: "head-tools" }, tools),
    one.summary ? h("p", { class: "str-text" }, one.summary) : "",
    ...(one.effects?.length ? [h("h3", {}, "What it is to move"), h("ul", { class: "str-list" }, one.effects.map((it) => h("li", {}, `${it.framework} ${it.code}${it.point ? ` ${it.point}` : ""}: `, h("b", {}, changeOf(it)))))] : []),
    ...(one.outcomes.length ? [h("h3", {}, "What came"), ...one.outcomes.map(outcome)] : []),
    h("dl", { class: "facts" }, facts.filter(([, value]) => value).flatMap(([word, value]) => [h("dt", {}, word), h("dd", {}, value)])),
    h("h3", {}, "What it is worth"),
    ...(one.worth.problem ? [h("p", { class: "quiet" }, one.worth.problem.message)] : worth(one.worth, { change: (name, value) => (go({ [name]: value }), load()) })),
    ...(one.decisions.length ? [h("h3", {}, "Decided"), h("ul", { class: "str-list" }, one.decisions.map((it) => h("li", {}, state(it.status), ` ${it.at.slice(0, 10)}, ${it.by}`, it.reason ? h("span", { class: "sub" }, it.reason) : null)))] : []),
  );
}

/** An outcome, with its numbers. */
function outcome(it) {
  return h(
    "div",
    {},
    h("p", { class: "str-marks" }, state(it.verdict), ` review of ${it.reviewAt}`, it.seenBy ? h("span", { class: "quiet" }, ` looked at by ${it.seenBy}: ${it.note ?? ""}`) : may.has("review") ? press("tool", "Looked at…", () => forms.review(it, send)) : null),
    h("ul", { class: "str-list" }, it.effects.map((e) => h("li", {}, state(e.verdict), ` ${e.code}: `, e.actual === undefined ? "" : `${plain(e.before, 2)} (${e.beforePeriod}) → ${plain(e.after, 2)} (${e.afterPeriod}): ${e.actual > 0 ? "+" : ""}${plain(e.actual, 2)} of ${e.expected > 0 ? "+" : ""}${plain(e.expected, 2)} ${e.unit ?? ""}`, h("span", { class: "sub" }, e.said)))),
  );
}

// ---- the loop

function loop() {
  const { gaps, stage } = told;
  const short = gaps.filter((it) => it.gap);
  put(by("sum"), `${count(told.reported, "value")} reported, ${told.withTarget} with a target, ${count(short.length, "gap")}`);
  by("list").replaceChildren(
    part("Stage", h("p", { class: "str-marks" }, h("b", {}, inWords(stage.stage)), stage.next ? ` next: ${inWords(stage.next)} ` : " the last one", stage.next ? state(stage.open ? "met" : "not met") : null), criteria(stage.criteria), stage.next && !stage.criteria.length ? h("p", { class: "quiet" }, "Nobody has written down what opens it: see City.") : null),
    part(
      "Gaps, and what is done about them",
      gaps.length
        ? h("table", { class: "str-table" }, head(["Indicator", "Now", "Target", "Gap", "Still to come of measures", "Left", "What helped elsewhere"]), h("tbody", {}, gaps.map((it) => h("tr", {}, h("th", { scope: "row" }, it.name, h("span", { class: "sub" }, `${it.framework} ${it.code}${it.point ? ` ${it.point}` : ""}`)), h("td", {}, `${plain(it.value, 2)} ${it.unit}`, h("span", { class: "sub" }, `${it.period}${it.provisional ? ", still running" : ""}`)), h("td", {}, plain(it.target, 2), it.year ? h("span", { class: "sub" }, `by ${it.year}`) : null), h("td", {}, it.gap === null ? h("span", { class: "quiet" }, it.said) : it.met ? state("met") : plain(it.gap, 2)), h("td", { class: "wide" }, it.measures.length ? it.measures.map((m) => h("span", { class: "sub" }, open(m.id, m.name), ` ${m.ahead > 0 ? "+" : ""}${plain(m.ahead, 2)} of ${changeOf(m)}, ${inWords(m.status).toLowerCase()}`)) : it.met ? "" : h("span", { class: "grave" }, "nothing")), h("td", {}, it.left === null || it.met ? "" : plain(it.left, 2)), h("td", { class: "wide" }, it.met ? "" : it.solutions.map((one_) => h("span", { class: "sub" }, h("a", { href: `/solutions?sel=${encodeURIComponent(one_.id)}` }, one_.name), ` ${one_.change > 0 ? "+" : ""}${plain(one_.change, 2)}, ${one_.evidence}`)))))))
        : notice("No gap can be told", ["A gap is between what the city has reported and a target that it has set itself.", "Values and targets are entered at the scorecard."], { button: h("a", { href: "/scorecard" }, "To the scorecard") }),
    ),
    part("What came of measures", told.outcomes.length ? told.outcomes.slice(0, 20).map((it) => h("div", {}, h("h3", {}, open(it.measure, it.name)), outcome(it))) : h("p", { class: "quiet" }, "No review was due yet.")),
  );
  return true;
}

const criteria = (all) => (all.length ? h("ul", { class: "str-list" }, all.map((it) => h("li", {}, state(it.state), ` ${it.framework} ${it.code} ${it.op} ${plain(it.value, 2)} ${it.unit ?? ""}`, h("span", { class: "sub" }, it.now === null ? "no value" : `now ${plain(it.now, 2)} (${it.period})`)))) : null);

// ---- reviews

function reviews() {
  put(by("sum"), `${told.due.filter((it) => it.review === "due").length} due`);
  if (!told.due.length && !told.outcomes.length) return by("list").replaceChildren(notice("Nothing to look at", ["Measures that were approved, and say what they are to move and when that is looked at, stand here."]));
  by("list").replaceChildren(
    part("To be looked at", h("table", { class: "str-table" }, head(["Measure", "Review", "", "Owner"]), h("tbody", {}, told.due.map((it) => h("tr", {}, h("th", { scope: "row" }, open(it.id, it.name)), h("td", {}, it.reviewAt), h("td", {}, it.review ? state(it.review) : ""), h("td", {}, it.owner)))))),
    part("What came", told.outcomes.length ? told.outcomes.map((it) => h("div", {}, h("h3", {}, open(it.measure, it.name)), outcome(it))) : h("p", { class: "quiet" }, "No review was due yet.")),
  );
  return true;
}

// ---- shared blocks

function blocks() {
  const across = told.blocks.filter((it) => it.across).length;
  put(by("sum"), `${count(told.blocks.length, "block")} shared, ${across} across departments`);
  const reuse = h("input", { type: "number", min: 0, max: 1, step: 0.05, value: told.reuse, on: { change: (event) => (go({ reuse: event.target.value }), load()) } });
  by("list").replaceChildren(
    part("Building blocks that several measures need", h("label", { class: "pair str-reuse" }, h("span", {}, "Joining costs, as a share of what it would cost alone"), reuse), told.blocks.length ? h("table", { class: "str-table" }, head(["Block", "Departments", "Measures", "Alone", "Together", "Saved"]), h("tbody", {}, told.blocks.map((it) => h("tr", {}, h("th", { scope: "row" }, inWords(it.block)), h("td", {}, it.departments.join(", ")), h("td", { class: "wide" }, it.measures.map((m) => h("span", { class: "sub" }, open(m.id, m.name), m.because.length ? ` for ${m.because.join(", ")}` : "", m.cost === null ? "" : ` ${money(m.cost)}`))), ...["alone", "together", "saved"].map((name) => h("td", {}, it.savings.map((line) => h("span", { class: "sub" }, `${money(line[name], line.currency)}${name === "alone" ? ` (of ${line.of})` : ""}`)))))))) : notice("No block is shared", ["Measures name workflows and building blocks; what two of them need stands here."]), h("p", { class: "str-how" }, told.how)),
    told.chain.length ? part("From the goals to the blocks", h("table", { class: "str-table" }, head(["SDG target", "Measure", "Workflows", "Blocks"]), h("tbody", {}, told.chain.flatMap((it) => it.measures.map((m, i) => h("tr", {}, h("th", { scope: "row" }, i ? "" : it.target), h("td", {}, open(m.id, m.name)), h("td", { class: "wide" }, m.workflows.join(", ")), h("td", { class: "wide" }, m.blocks.join(", ")))))))) : "",
  );
  return true;
}

// ---- the register

function register() {
  put(by("sum"), `${count(told.agreements.length, "agreement")}, ${count(told.rules.length, "rule")}, ${told.sandboxes.length} ${told.sandboxes.length === 1 ? "sandbox" : "sandboxes"}`);
  const enter = (verb, word) => (may.has(verb) ? press("tool", word, () => forms.entries[verb](send)) : null);
  by("list").replaceChildren(
    part("Agreements", told.agreements.length ? h("table", { class: "str-table" }, head(["Agreement", "Stands", "Parties and duties", "When", "Looked at"]), h("tbody", {}, told.agreements.map((it) => h("tr", {}, h("th", { scope: "row" }, it.name, h("span", { class: "sub" }, inWords(it.kind))), h("td", {}, state(it.stands)), h("td", { class: "wide" }, it.parties.map((p) => h("span", { class: "sub" }, `${p.name}: ${p.duties.join("; ") || "no duty"}`))), h("td", {}, `${it.from} – ${it.until}`), h("td", {}, it.reviewAt, it.review ? [" ", state(it.review)] : null))))) : h("p", { class: "quiet" }, "None yet."), enter("agreement", "Enter an agreement…")),
    part("Rules", told.rules.length ? h("table", { class: "str-table" }, head(["Rule", "Stands", "Reference", "Authority", "Since"]), h("tbody", {}, told.rules.map((it) => h("tr", {}, h("th", { scope: "row" }, it.name, h("span", { class: "sub" }, inWords(it.kind))), h("td", {}, state(it.stands)), h("td", {}, it.reference), h("td", {}, it.authority), h("td", {}, [it.from, it.until].filter(Boolean).join(" – ")))))) : h("p", { class: "quiet" }, "None yet."), enter("rule", "Enter a rule…")),
    part("Regulatory sandboxes", told.sandboxes.length ? h("table", { class: "str-table" }, head(["Sandbox", "Stands", "Safeguards", "Judged by", "When", "Result"]), h("tbody", {}, told.sandboxes.map((it) => h("tr", {}, h("th", { scope: "row" }, it.name, h("span", { class: "sub" }, it.scope)), h("td", {}, state(it.stands)), h("td", { class: "wide" }, it.safeguards.map((one_) => h("span", { class: "sub" }, one_))), h("td", { class: "wide" }, (it.criteria ?? it.exit.map((criterion) => ({ criterion }))).map((one_) => h("span", { class: "sub" }, one_.met === undefined ? "" : state(one_.met ? "met" : "not met"), ` ${one_.criterion}${one_.note ? `: ${one_.note}` : ""}`))), h("td", {}, `${it.from} – ${it.until}`), h("td", {}, it.result ? [inWords(it.result), h("span", { class: "sub" }, it.report)] : it.stands !== "planned" && may.has("sandbox-end") ? press("tool", "End…", () => forms.sandboxEnd(it, send)) : ""))))) : h("p", { class: "quiet" }, "None yet."), enter("sandbox", "Enter a sandbox…")),
  );
  return true;
}

// ---- the city

function city() {
  const { judged, said } = told;
  by("list").replaceChildren(
    part("What kind of city", h("p", { class: "str-marks" }, h("b", {}, inWords(said?.kind ?? judged.kind ?? "not said")), said ? h("span", {}, `as the city says: ${said.reason}`) : null), h("p", {}, judged.said), judged.because.length ? h("table", { class: "str-table" }, head(["Question", "Answer", "Speaks for", "Because"]), h("tbody", {}, judged.because.map((it) => h("tr", {}, h("th", { scope: "row" }, it.question), h("td", {}, it.answer), h("td", {}, Object.entries(it.points).map(([kind, n]) => `${kind} ${n}`).join(", ")), h("td", { class: "wide" }, it.why))), h("tr", {}, h("th", { scope: "row" }, "Together"), h("td", {}), h("td", {}, Object.entries(judged.points).map(([kind, n]) => `${kind} ${n}`).join(", ")), h("td", {})))) : null, may.has("profile") ? h("p", { class: "head-tools" }, press("do", "Answer the questions…", () => forms.questions(told, send)), press("tool", "It is another kind…", () => forms.kind(told, send))) : null, h("p", { class: "str-how" }, told.how)),
    part("Stage", h("ol", { class: "str-marks" }, told.stages.map((it) => h("li", { "aria-current": it === told.stage ? "step" : null }, it === told.stage ? h("b", {}, `${inWords(it)} (here)`) : inWords(it)))), told.next ? h("h3", {}, `What opens ${inWords(told.next)}`) : null, criteria(told.criteria) ?? (told.next ? h("p", { class: "quiet" }, "Nobody has written it down.") : null), h("p", { class: "head-tools" }, told.next && may.has("gates") ? press("tool", "Write what opens it…", () => forms.gates(told.next, told.gates[told.next] ?? [], send)) : null, may.has("stage") ? press(told.open ? "do" : "tool", "Go to a stage…", () => forms.stage(told, send)) : null)),
  );
  return true;
}

// ---- what people do

function say(words, bad = false) {
  by("said").hidden = !words;
  by("said").className = `str-said${bad ? " bad" : ""}`;
  by("said").replaceChildren(h("span", {}, words), press("knob", "×", () => say(""), { "aria-label": "Close" }));
  aloud(words);
}

/** Do it: a refusal stands in the sheet that asked. */
async function send(verb, what) {
  await act("strategy", verb, what);
  say("");
  await load();
}

const add = () => forms.measure(null, told.measures, send);
by("add").addEventListener("click", add);
by("department").addEventListener("change", (event) => (go({ department: event.target.value }), show()));
by("hand-out").addEventListener("click", () => (place.view ? download(`${place.view}.json`, JSON.stringify(told, null, 1), "application/json") : download("measures.csv", csv([["measure", "department", "owner", "status", "from", "until", "reviewAt", "capital", "yearly", "currency", "prices of", "funding"], ...told.measures.map((it) => [it.name, it.department, it.owner, it.status, it.from, it.until, it.reviewAt, it.cost?.capital, it.cost?.yearly, it.cost?.currency, it.cost?.year, (it.funding ?? []).map((f) => `${f.kind} ${f.share} %`).join("; ")])]))));
addEventListener("popstate", () => {
  read();
  [told, one] = [null, null];
  load();
});

read();
await start({ keys: [["j k", "further down, further up; Enter opens"], ["n", "propose a measure"], ["Esc", "close"]], act: { j: walk("#list .attr", 1), k: walk("#list .attr", -1), n: () => by("add").hidden || add(), Escape: () => (place.sel ? choose(place.sel) : false) } });
await load();
document.documentElement.classList.add("ready");
