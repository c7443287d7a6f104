// /participation: what waits for a moderator, the processes and their proposals, votes, surveys. For the city's staff.

import { csv, download, h, notice, press, put, sign } from "../dom.js";
import { allowed, sheet } from "../desk/acts.js";
import { aloud, fault, now, start, walk } from "../base/start.js";
import { watching, who } from "../incidents/told.js";
import { count, look, whenText } from "../words.js";
import { act, area, choices, date, field, inWords, lines, money, status, text, title, view } from "./told.js";

const by = (id) => document.getElementById(id);
const WHICH = [["", "To moderate"], ["proposals", "Proposals"], ["processes", "Processes"], ["votes", "Votes"], ["surveys", "Surveys"]];
const NAMES = ["view", "process", "sel"];
const place = Object.fromEntries(NAMES.map((name) => [name, new URLSearchParams(location.search).get(name) ?? ""]));
let found = [];
let more = 0;
let processes = [];
let failed = null;
let may = new Set();
let turn = 0;

function go(change, quiet = true) {
  Object.assign(place, change);
  const query = new URLSearchParams(Object.entries(place).filter(([, value]) => value));
  history[quiet ? "replaceState" : "pushState"](null, "", query.size ? `?${query.toString().replaceAll("%3A", ":")}` : location.pathname);
}

const READ = {
  "": async () => {
    const told = await view("queue");
    more = told.more;
    return told.waiting;
  },
  proposals: async () => (place.process ? (await view("proposals", { process: place.process, limit: "200" })).proposals : []),
  processes: async () => processes,
  votes: async () => (await view("ballots")).ballots,
  surveys: async () => (await view("surveys")).surveys,
};

async function load() {
  const mine = ++turn;
  if (!may.size) may = await allowed("participation");
  try {
    processes = (await view("processes")).processes;
    if (place.view === "proposals" && !place.process && processes.length) go({ process: processes[0].id });
    more = 0;
    const read = await READ[place.view in READ ? place.view : ""]();
    if (mine !== turn) return;
    found = read;
    failed = null;
    if (place.sel && !found.some(({ id }) => id === place.sel)) go({ sel: "" }); // it waits no longer
  } catch (problem) {
    if (mine !== turn) return;
    failed = problem;
  }
  show();
}

// ---- lists

const named = (id) => title(processes.find((one) => one.id === id)?.title) || "";
const at = (said) => (said ? whenText(Date.parse(said), now()) : "");
const cell = (...said) => h("td", {}, ...said);
const figure = (said) => h("td", { class: "figure" }, said);
const head = (one, words, sub) => h("th", { scope: "row" }, h("button", { type: "button", class: "attr", on: { click: () => choose(one.id) } }, words || one.id), sub ? h("span", { class: "sub" }, sub) : null);

const LISTS = {
  "": {
    columns: ["Text", "Held because", "State", ">Flags", "Written"],
    row: (one) => [head(one, (one.title || one.text).slice(0, 120), one.kind === "ParticipationComment" ? "comment" : "proposal"), cell(inWords(one.held?.rule || one.held?.by || "flags"), h("span", { class: "sub" }, one.held?.reason ?? "")), cell(one.appeal === "open" ? sign("watch", one.mayDecide ? "Appeal" : "Appeal, for somebody else") : status(one.shown)), figure(one.flags || ""), cell(at(one.at))],
    none: ["Nothing waits", ["What a rule or a flag marks is hidden until somebody of the city has looked. It appears here."]],
  },
  proposals: {
    columns: ["Proposal", "State", ">Support", ">Comments", ">Cost"],
    row: (one) => [head(one, one.title, [one.category, one.district].filter(Boolean).join(", ")), cell(status(one.status)), figure(one.support), figure(one.comments), figure(money(one.cost))],
    none: ["No proposals", ["Nobody has proposed anything in this process."]],
  },
  processes: {
    columns: ["Process", "Phase", "Residents may", ">Proposals"],
    row: (one) => [head(one, title(one.title), inWords(one.kind)), cell(one.status === "draft" ? sign("stale", "Draft") : status(one.phase)), cell(one.allows.map(inWords).join(", ")), figure(one.proposals)],
    none: ["No processes", ["Begin one: what it is about, and when residents may do what."]],
  },
  votes: {
    columns: ["Question", "State", "Opens", "Closes"],
    row: (one) => [head(one, title(one.question), named(one.process)), cell(status(one.status), h("span", { class: "sub" }, one.fault ?? "")), cell(at(one.opens)), cell(at(one.closes))],
    none: ["No votes", ["Draft one for a process: its question, its options, its rule."]],
  },
  surveys: {
    columns: ["Survey", "State", ">Answers"],
    row: (one) => [head(one, title(one.title), named(one.process)), cell(status(one.status)), figure(one.answered)],
    none: ["No surveys", ["Draft one: questions, and whether people may answer without their names."]],
  },
};

function show() {
  const list = LISTS[place.view] ?? LISTS[""];
  by("which").replaceChildren(...WHICH.map(([value, word]) => h("button", { type: "button", "aria-pressed": String(place.view === value), on: { click: () => turnTo(value) } }, word)));
  by("of-process").hidden = place.view !== "proposals";
  choices(by("process"), processes.map((one) => [one.id, title(one.title)]), place.process);
  put(by("sum"), failed ? "" : `${count(found.length, "line")}${more ? `, ${more} more` : ""}`);
  const add = { processes: ["describe", "New process…"], votes: ["draft-ballot", "New vote…"], surveys: ["draft-survey", "New survey…"] }[place.view];
  by("add").hidden = !add || !may.has(add[0]);
  if (add) put(by("add"), add[1]);
  by("hand-out").hidden = !found.length;
  if (failed) by("list").replaceChildren(fault("This could not be read", failed, h("button", { type: "button", on: { click: load } }, "Try again")));
  else if (!found.length) by("list").replaceChildren(notice(...list.none));
  else by("list").replaceChildren(h("table", { class: "par-table" }, h("caption", { class: "unseen" }, "Participation"), h("thead", {}, h("tr", {}, list.columns.map((word) => h("th", { scope: "col", class: word[0] === ">" ? "figure" : null }, word.replace(">", ""))))), h("tbody", {}, found.map((one) => h("tr", { class: place.sel === one.id ? "at" : "" }, ...list.row(one))))));
  panel();
}

function turnTo(value) {
  go({ view: value, sel: "" }, false);
  load();
}

function choose(id) {
  go({ sel: place.sel === id ? "" : id }, false);
  show();
  if (place.sel) by("one").focus({ preventScroll: true });
}

// ---- one of them

async function panel() {
  const one = found.find(({ id }) => id === place.sel);
  const box = by("one");
  document.body.classList.toggle("has-side", Boolean(one));
  box.hidden = !one;
  if (!one) return box.replaceChildren();
  let parts;
  try {
    parts = await (PANELS[place.view] ?? PANELS[""])(one);
  } catch (problem) {
    parts = [fault("This could not be read", problem)];
  }
  if (one.id !== place.sel) return undefined;
  return box.replaceChildren(h("header", { class: "side-head" }, h("h2", {}, title(one.title || one.question) || (one.kind === "ParticipationComment" ? "Comment" : "Proposal")), press("knob close", "×", () => choose(one.id), { "aria-label": "Close" })), ...parts.flat().filter(Boolean));
}

const facts = (pairs) => h("dl", { class: "facts" }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== "").flatMap(([word, value]) => [h("dt", {}, word), h("dd", {}, value)]));
const tools = (...all) => h("p", { class: "head-tools" }, all.flat().filter(Boolean));
const tool = (verb, word, work, kind = "tool") => (may.has(verb) ? press(kind, word, work) : null);

const PANELS = {
  "": async (one) => {
    const { entries } = await view("moderated", { about: one.id });
    const decide = (decision, word) => sheet(word, [field("Reason", area("reason", 1000, { required: true })), h("p", { class: "hint" }, "Its author is told the reason, and may appeal to somebody else.")], word, ({ reason }) => does("moderate", { about: one.id, decision, reason }, true));
    return [
      h("p", { class: "par-text", lang: one.language, dir: "auto" }, [one.title, one.text].filter(Boolean).join("\n\n")),
      one.appealText ? [h("h3", {}, "The appeal"), h("p", { class: "par-text", dir: "auto" }, one.appealText)] : null,
      one.mayDecide ? tools(tool("moderate", "Show it", () => decide("show", "Show it"), "do"), tool("moderate", "Hide it", () => decide("hide", "Hide it"))) : h("p", { class: "quiet" }, "Somebody else decides about this: you wrote it, or you have hidden it."),
      facts([["Held by", inWords(one.held?.by)], ["Rule", inWords(one.held?.rule)], ["Flags", one.flags || null], ["Name shown", one.author], ["Written", at(one.at)], ["Id", h("span", { class: "id" }, one.id)]]),
      entries.length ? [h("h3", {}, "Record"), h("ol", { class: "par-record" }, entries.map((it) => h("li", {}, h("b", {}, inWords(it.did)), ` ${at(it.at)}, ${it.by.includes(":") ? who(it.by) : it.by}`, h("span", { class: "sub" }, [it.reason, it.note].filter(Boolean).join(" · ")))))] : null,
    ].flat();
  },
  proposals: async (line) => {
    const one = await view("proposal", { id: line.id });
    const assess = (state, word) => sheet(word, [field("Reason", area("reason", 1000, { required: true })), field("Cost", text("cost", 12, { type: "number", min: 0, value: one.cost ?? "" }))], word, ({ reason, cost }) => does("assess", { id: one.id, status: state, reason, ...(cost ? { cost: Number(cost) } : {}) }, true));
    const steps = one.delivery.milestones;
    return [
      h("p", { class: "par-text", lang: one.language, dir: "auto" }, one.text),
      tools(["submitted", "admissible", "rejected"].includes(one.status) ? [tool("assess", "Admissible…", () => assess("admissible", "It can be done")), tool("assess", "Rejected…", () => assess("rejected", "It cannot be done"))] : [], ["admissible", "chosen", "under-way", "delivered"].includes(one.status) ? tool("deliver", "Progress…", () => progress(one)) : null),
      facts([["State", status(one.status)], ["Reason", one.reason], ["Support", one.support], ["Cost", money(one.cost)], ["Spent", money(one.delivery.spent)], ["Works", one.delivery.works.join(", ")], ["Versions", one.version], ["Made", at(one.at)], ["Id", h("span", { class: "id" }, one.id)]]),
      steps.length ? [h("h3", {}, "Milestones"), h("ol", { class: "par-record" }, steps.map((it) => h("li", {}, h("b", {}, title(it.title)), it.done ? ` done ${at(it.done)}` : ` due ${at(it.due)}`, it.delay ? h("span", { class: "sub" }, it.delay) : null)))] : null,
      one.versions.length > 1 ? [h("h3", {}, "Versions"), h("ol", { class: "par-record" }, one.versions.map((it) => h("li", {}, h("b", {}, `${it.n}`), ` ${at(it.at)} ${it.why}`)))] : null,
    ].flat();
  },
  processes: async (one) => [
    h("p", {}, title(one.summary)),
    tools(one.status === "draft" ? tool("publish", "Publish", () => does("publish", { id: one.id }), "do") : null, one.status === "open" ? tool("close", "End it…", () => sheet("End this process", [field("Reason", area("reason", 1000, { required: true }))], "End it", ({ reason }) => does("close", { id: one.id, reason }, true))) : null, tool("describe", "Phases…", () => process(one))),
    h("h3", {}, "Phases"),
    h("ol", { class: "par-record" }, one.phases.map((it) => h("li", {}, h("b", {}, inWords(it.phase)), ` ${at(it.begins)} – ${at(it.ends)}`, h("span", { class: "sub" }, it.allows.map(inWords).join(", "))))),
    facts([["Budget", one.budget ? `${money(one.budget.sum)} ${one.budget.currency}` : null], ["Districts", one.districts.join(", ")], ["Proposals", one.proposals], ["Comments", one.comments], ["Id", h("span", { class: "id" }, one.id)]]),
  ],
  votes: async (line) => {
    const one = await view("ballot", { id: line.id });
    const most = Math.max(1, ...Object.values(one.result?.tally ?? {}));
    return [
      tools(["draft", "refused"].includes(one.status) ? tool("open-ballot", "Open it", () => does("open-ballot", { id: one.id }), "do") : null),
      one.fault ? h("p", { class: "grave" }, one.fault) : null,
      one.status === "draft" ? h("p", { class: "quiet" }, "Once it is open, nothing of it is changed: not the question, not the options, not the close.") : null,
      one.result ? [h("p", {}, `${one.result.given} were given a ballot, ${one.result.cast} were cast.`), h("div", { class: "par-bars" }, one.options.flatMap((it) => [h("span", {}, title(it.text), one.result.chosen.includes(it.id) ? " ✓" : ""), h("meter", { min: 0, max: most, value: one.result.tally[it.id], "aria-label": title(it.text) }), h("span", { class: "n" }, String(one.result.tally[it.id]))])), h("p", {}, h("a", { href: `/votes/${encodeURIComponent(one.id.split(":").pop())}/published` }, "All ballots, to be counted by anybody"))] : h("ul", { class: "par-record" }, one.options.map((it) => h("li", {}, title(it.text), it.cost ? ` ${money(it.cost)}` : ""))),
      facts([["State", status(one.status)], ["Counted by", inWords(one.rule)], ["Budget", one.budget ? `${money(one.budget)} ${one.currency ?? ""}` : null], ["Who", [...one.who.roles, ...one.who.departments].join(", ") || "everybody who is signed in"], ["Opens", at(one.opens)], ["Closes", at(one.closes)], ["Fingerprint", one.fingerprint ? h("span", { class: "id" }, one.fingerprint) : null], ["Root", one.result ? h("span", { class: "id" }, one.result.root) : null]]),
    ].flat();
  },
  surveys: async (line) => {
    const [one, told] = await Promise.all([view("survey", { id: line.id }), line.status === "closed" ? view("survey-results", { id: line.id }) : null]);
    const of = new Map((told?.questions ?? []).map((it) => [it.id, it]));
    return [
      tools(one.status === "draft" ? tool("open-survey", "Open it", () => does("open-survey", { id: one.id }), "do") : null, one.status === "open" ? tool("close-survey", "Close it", () => does("close-survey", { id: one.id })) : null),
      h("p", {}, told === null ? "What was answered is told when it is closed." : told.n === null ? `Fewer than ${told.hiddenBelow} have answered.` : count(told.n, "answer")),
      ...one.questions.flatMap((it) => [h("h3", {}, title(it.text)), told ? bars(it, of.get(it.id), told.hiddenBelow) : null]),
    ];
  },
};

function bars(question, told, least) {
  if (question.kind === "text") return h("p", { class: "quiet" }, "What people wrote is not told.");
  if (!told.counts) return h("p", { class: "quiet" }, `Fewer than ${least} have answered this.`);
  const words = new Map((question.options ?? []).map((one) => [one.id, title(one.text)]));
  return h("div", { class: "par-bars" }, Object.entries(told.counts).flatMap(([id, many]) => [h("span", {}, words.get(id) ?? id), many === null ? h("span", { class: "quiet" }, "hidden") : h("meter", { min: 0, max: Math.max(1, told.n), value: many, "aria-label": words.get(id) ?? id }), h("span", { class: "n" }, many === null ? `< ${least}` : String(many))]));
}

// ---- doing

function told(words, bad = false) {
  by("said").hidden = !words;
  by("said").className = `par-told${bad ? " bad" : ""}`;
  by("said").replaceChildren(h("span", {}, words), press("knob", "×", () => told(""), { "aria-label": "Close" }));
  aloud(words);
}

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

const local = (said) => (said ? said.slice(0, 16) : "");
const PHASE = "collect, discuss, assess, vote or deliver; from and to in UTC: collect 2026-03-01 2026-04-01";

function process(one = null) {
  const written = (one?.phases ?? []).map((it) => `${it.phase} ${local(it.begins)} ${local(it.ends)}`).join("\n");
  sheet(
    one ? "Say it anew" : "New process",
    [
      field("Title", text("title", 150, { required: true, value: title(one?.title) })),
      field("Summary", area("summary", 5000, { required: true }, title(one?.summary))),
      h("label", { class: "stack" }, h("span", {}, "Phases, a line each"), h("textarea", { name: "phases", rows: 5, class: "mono", spellcheck: "false", "aria-describedby": "par-how" }, written)),
      h("p", { class: "hint plain", id: "par-how" }, PHASE),
      one ? null : field("Budget", text("sum", 12, { type: "number", min: 1, placeholder: "nothing: no budget" })),
      one ? null : field("Currency", text("currency", 3, { value: "EUR" })),
      one ? null : field("Categories", text("categories", 1000, { placeholder: "green, roads" })),
      one ? null : field("Districts", text("districts", 1000, { placeholder: "north, south" })),
    ].filter(Boolean),
    "Keep",
    async ({ title: name, summary, phases, sum, currency, categories, districts }) => {
      const language = look.language.split("-")[0];
      const names = (said) => (said ?? "").split(",").map((it) => it.trim()).filter(Boolean);
      const said = { title: { ...one?.title, [language]: name }, summary: { ...one?.summary, [language]: summary }, phases: lines(phases).map(([phase, begins, ends]) => ({ phase, begins: date(begins), ends: date(ends) })) };
      if (!one) Object.assign(said, { kind: sum ? "budget" : "consultation", categories: names(categories), districts: names(districts), ...(sum ? { budget: { sum: Number(sum), currency } } : {}) });
      await does("describe", one ? { id: one.id, ...said } : said, true);
    },
  );
}

function progress(one) {
  const written = one.delivery.milestones.map((it) => [it.key, it.due.slice(0, 10), (it.done ?? "-").slice(0, 10), title(it.title), it.delay].filter(Boolean).join(" | ")).join("\n");
  sheet(
    "How far is it?",
    [
      field("State", h("select", { name: "status" }, ["chosen", "under-way", "delivered", "not-chosen"].map((it) => h("option", { value: it, selected: it === one.status }, inWords(it))))),
      field("Spent", text("spent", 12, { type: "number", min: 0, value: one.delivery.spent ?? "" })),
      field("Reason", area("reason", 1000, {}, one.reason ?? "")),
      field("Works", text("works", 2000, { value: one.delivery.works.join(", "), placeholder: "ids" })),
      h("label", { class: "stack" }, h("span", {}, "Milestones: key | due | done or - | title | why it is late"), h("textarea", { name: "milestones", rows: 5, class: "mono", spellcheck: "false" }, written)),
    ],
    "Keep",
    async ({ status: state, spent, reason, works, milestones }) => {
      const language = look.language.split("-")[0];
      const was = new Map(one.delivery.milestones.map((it) => [it.key, it]));
      const steps = milestones.split("\n").map((it) => it.split("|").map((part) => part.trim())).filter(([key]) => key).map(([key, due, done, name, delay]) => ({ key, title: { ...was.get(key)?.title, [language]: name ?? "" }, due: date(due), ...(done && done !== "-" ? { done: date(done) } : {}), ...(delay ? { delay } : {}) }));
      await does("deliver", { id: one.id, status: state, ...(spent ? { spent: Number(spent) } : {}), ...(reason.trim() ? { reason } : {}), works: works.split(",").map((it) => it.trim()).filter(Boolean), milestones: steps }, true);
    },
  );
}

const KINDS = { plurality: ["choice", "one option, the most ballots"], approval: ["approval", "several options"], greedy: ["budget", "projects by approvals, within the budget"], "equal-shares": ["budget", "projects by equal shares"] };

function newVote() {
  sheet(
    "New vote",
    [
      field("Process", h("select", { name: "process" }, processes.map((one) => h("option", { value: one.id }, title(one.title))))),
      field("Question", text("question", 1000, { required: true })),
      field("Rule", h("select", { name: "rule" }, Object.entries(KINDS).map(([value, [, word]]) => h("option", { value }, word)))),
      h("label", { class: "stack" }, h("span", {}, "Options, a line each: id | text | cost; or the id of an admissible proposal"), h("textarea", { name: "options", rows: 6, class: "mono", spellcheck: "false" })),
      field("Budget", text("budget", 12, { type: "number", min: 1 })),
      field("Opens (UTC)", text("opens", 20, { placeholder: "2026-05-01 08:00", required: true })),
      field("Closes (UTC)", text("closes", 20, { placeholder: "2026-05-08 20:00", required: true })),
      field("Districts", text("departments", 500, { placeholder: "departments of those who may vote; empty: all residents" })),
    ],
    "Keep as a draft",
    async ({ process: of, question, rule, options, budget, opens, closes, departments }) => {
      const language = look.language.split("-")[0];
      const kind = KINDS[rule][0];
      const listed = options.split("\n").map((it) => it.split("|").map((part) => part.trim())).filter(([id]) => id).map(([id, words, cost]) => ({ ...(id.includes(":") ? { proposal: id } : { id, text: { [language]: words ?? id } }), ...(cost ? { cost: Number(cost) } : {}) }));
      await does("draft-ballot", { process: of, question: { [language]: question }, kind, rule, options: listed, opens: date(opens), closes: date(closes), who: { roles: ["resident"], departments: departments.split(",").map((it) => it.trim()).filter(Boolean), assurance: 2 }, ...(kind === "budget" ? { budget: Number(budget) } : {}) }, true);
    },
  );
}

function newSurvey() {
  sheet(
    "New survey",
    [
      field("Process", h("select", { name: "process" }, h("option", { value: "" }, "none"), processes.map((one) => h("option", { value: one.id }, title(one.title))))),
      field("Title", text("title", 150, { required: true })),
      h("label", { class: "check" }, h("input", { type: "checkbox", name: "anonymous", value: "yes", checked: true }), "People may answer without their names"),
      h("label", { class: "stack" }, h("span", {}, "Questions, a line each: kind | question | options with commas"), h("textarea", { name: "questions", rows: 7, class: "mono", spellcheck: "false", "aria-describedby": "par-kinds" })),
      h("p", { class: "hint plain", id: "par-kinds" }, "Kinds: one, many, scale (1 to 5), text. one | How do you come? | on foot, by bicycle"),
    ],
    "Keep as a draft",
    async ({ process: of, title: name, anonymous, questions }) => {
      const language = look.language.split("-")[0];
      const read = questions.split("\n").map((it) => it.split("|").map((part) => part.trim())).filter(([kind]) => kind);
      const asked = read.map(([kind, words, options], n) => ({ id: `q${n + 1}`, kind, text: { [language]: words ?? "" }, ...(kind === "one" || kind === "many" ? { options: (options ?? "").split(",").map((it) => it.trim()).filter(Boolean).map((it, m) => ({ id: `o${m + 1}`, text: { [language]: it } })) } : {}), ...(kind === "scale" ? { least: 1, most: 5 } : {}) }));
      await does("draft-survey", { title: { [language]: name }, questions: asked, anonymous: anonymous === "yes", ...(of ? { process: of } : {}) }, true);
    },
  );
}

// ---- joined

by("process").addEventListener("change", () => (go({ process: by("process").value, sel: "" }), load()));
by("add").addEventListener("click", () => ({ processes: () => process(), votes: newVote, surveys: newSurvey })[place.view]?.());
by("hand-out").addEventListener("click", () => {
  const names = [...new Set(found.flatMap((one) => Object.keys(one)))];
  const plain = (said) => (said !== null && typeof said === "object" ? JSON.stringify(said) : said);
  download(`${look.city}-participation-${place.view || "to-moderate"}.csv`, csv([names, ...found.map((one) => names.map((name) => plain(one[name])))]));
});
addEventListener("popstate", () => {
  const query = new URLSearchParams(location.search);
  for (const name of NAMES) place[name] = query.get(name) ?? "";
  load();
});
await start({
  keys: [["m  p  r  v  s", "to moderate, proposals, processes, votes, surveys"], ["j  k", "next, previous; Enter opens"], ["n", "new"], ["Esc", "close"]],
  act: { m: () => turnTo(""), p: () => turnTo("proposals"), r: () => turnTo("processes"), v: () => turnTo("votes"), s: () => turnTo("surveys"), n: () => by("add").hidden || by("add").click(), j: walk(".par-table .attr", 1), k: walk(".par-table .attr", -1), Escape: () => (place.sel ? choose(place.sel) : false) },
});
await load();
watching(["ParticipationComment", "ParticipationProposal", "ParticipationProcess", "Ballot", "Survey"], () => true, load, (phase) => document.body.classList.toggle("unheard", phase !== "live"));
aloud(count(found.length, "line"));
document.documentElement.classList.add("ready");
