// /solutions: what helped elsewhere and here, found with reasons; what waits for somebody who looks; what was imported.

import { h, narrow as isNarrow, notice, press, put } from "../dom.js";
import { allowed, sheet } from "../desk/acts.js";
import { aloud, fault, now, start, walk } from "../base/start.js";
import { count, whenText } from "../words.js";
import { act as does_, area, changeOf, costOf, field, inWords, number, named, pick, plain, rows, state, tail, text, view as asks } from "../strategy/told.js";

const by = (id) => document.getElementById(id);
const act = (verb, said) => does_("solutions", verb, said);
const view = (name, asked) => asks("solutions", name, asked);
const WHICH = [["", "Bank"], ["queue", "Waiting"], ["imports", "Imports"]];
const FACETS = [["theme", "Theme"], ["need", "Need"], ["kind", "Kind"], ["evidence", "Evidence"], ["cost", "Cost in five years"], ["indicator", "Indicator"], ["licence", "Licence"]];
const THEMES = ["agriculture", "buildings", "culture", "data", "economy", "education", "energy", "environment", "government", "health", "identity", "mobility", "safety", "waste", "water"];
const NAMES = ["view", "q", ...FACETS.map(([name]) => name), "from", "sel"];
const PAGE = 50;
const place = Object.fromEntries(NAMES.map((name) => [name, new URLSearchParams(location.search).get(name) ?? ""]));
let told = null;
let one = null;
let failed = null;
let turn = 0;
let may = new Set();

function go(change, quiet = true) {
  Object.assign(place, change);
  const query = new URLSearchParams(Object.entries(place).filter(([, value]) => value));
  history[quiet ? "replaceState" : "pushState"](null, "", query.size ? `?${query.toString().replaceAll("%3A", ":")}` : location.pathname);
}

const narrow = () => Object.fromEntries(["q", ...FACETS.map(([name]) => name)].filter((name) => place[name]).map((name) => [name, place[name]]));

async function load() {
  const mine = ++turn;
  if (!may.size) may = await allowed("solutions");
  try {
    const asked = { "": () => view("search", { ...narrow(), limit: PAGE, offset: place.from || 0 }), queue: () => view("queue"), imports: () => view("imports") }[place.view] ?? (() => view("search"));
    const [list, chosen] = await Promise.all([asked(), place.sel ? view("solution", { id: place.sel }).catch((problem) => ({ problem })) : null]);
    if (mine !== turn) return;
    [told, one, failed] = [list, chosen, null];
  } catch (problem) {
    if (mine !== turn) return;
    failed = problem;
  }
  show();
}

function show() {
  by("which").replaceChildren(...WHICH.map(([value, word]) => press("", word, () => (go({ view: value, sel: "", from: "" }, false), (told = null), load()), { "aria-pressed": String(place.view === value) })));
  for (const it of document.querySelectorAll(".bank-only")) it.hidden = place.view !== "";
  if (document.activeElement !== by("find")) by("find").value = place.q;
  by("add").hidden = !may.has("describe") || place.view !== "";
  by("import").hidden = !may.has("import");
  const query = new URLSearchParams(narrow());
  by("export").href = `/solutions/catalogue.jsonld${query.size ? `?${query}` : ""}`;
  by("narrowing").hidden = place.view !== "";
  document.querySelector(".str-bank").classList.toggle("whole", place.view !== "");
  if (failed) return by("list").replaceChildren(fault("The bank could not be read", failed, h("button", { type: "button", on: { click: load } }, "Try again")));
  if (!told) return by("list").replaceChildren(h("p", { class: "pad quiet" }, "Asking…"));
  if (place.view === "queue") queue();
  else if (place.view === "imports") imports();
  else bank();
  named(by("list"));
  panel();
  return undefined;
}

// ---- the bank

function bank() {
  put(by("sum"), told ? count(told.total, "solution") : "");
  facets();
  if (!told.solutions.length) return by("list").replaceChildren(Object.keys(narrow()).length ? notice("Nothing fits", ["Leave out a word, or choose less on the left."], { button: press("", "All solutions", () => (go(Object.fromEntries(NAMES.map((name) => [name, ""])), false), load())) }) : notice("Nothing in the bank yet", ["Describe a project of this city, or import what another city exports."]));
  const from = Number(place.from || 0);
  by("list").replaceChildren(...[
    h("table", { class: "str-table" }, h("caption", { class: "unseen" }, "Solutions"), h("thead", {}, h("tr", {}, ["Solution", "Need", "Effect", "Evidence", "Cost", "Licence"].map((word) => h("th", { scope: "col" }, word)))), h("tbody", {}, told.solutions.map(row))),
    told.total > PAGE ? h("p", { class: "pad" }, from ? press("tool", "Before", () => (go({ from: String(Math.max(0, from - PAGE)) }, false), load())) : null, ` ${from + 1} to ${Math.min(told.total, from + PAGE)} of ${told.total} `, from + PAGE < told.total ? press("tool", "Next", () => (go({ from: String(from + PAGE) }, false), load())) : null) : null,
    place.q ? h("p", { class: "pad str-how" }, told.how) : null,
  ].filter(Boolean));
  return undefined;
}

function row(it) {
  const effects = it.effects ?? [];
  const why = it.why?.length ? h("span", { class: "sub str-why", title: told.how }, `${plain(it.score, 2)}: ${it.why.map((w) => `“${w.word}” in ${w.field} ${plain(w.points, 2)}`).join(", ")}`) : null;
  return h(
    "tr",
    { class: place.sel === it.id ? "at" : "" },
    h("th", { scope: "row" }, h("button", { type: "button", class: "attr", on: { click: () => choose(it.id) } }, it.name), h("span", { class: "sub" }, [inWords(it.kind), it.theme, it.maturity].filter(Boolean).join(" · ")), why),
    h("td", { class: "wide" }, it.need),
    h("td", { class: "wide" }, effects.slice(0, 2).map((e) => h("span", { class: "sub" }, `${e.code} ${changeOf(e)}`)), it.measured ? measuredLine(it) : null),
    h("td", {}, effects.length ? state(best(effects)) : ""),
    h("td", {}, it.cost ? costOf(it.cost) : ""),
    h("td", {}, it.licence),
  );
}

const best = (effects) => ["measured", "modelled", "claimed"].find((word) => effects.some((e) => e.evidence === word));
const measuredLine = (it) => (it.measured.length ? it.measured.slice(0, 2).map((m) => h("span", { class: "sub" }, `${m.code} ${m.change === null ? m.said : `${changeOf(m)} (${m.nBefore} before, ${m.nAfter} since)`}`)) : h("span", { class: "quiet" }, "not measured yet"));

function facets() {
  by("facets").replaceChildren(
    ...FACETS.map(([name, word]) => {
      const values = told.facets[name] ?? [];
      if (!values.length || (values.length === 1 && !place[name])) return null;
      return h("div", {}, h("h3", {}, word), values.slice(0, 8).map(({ value, count: n }, i) => h("button", { type: "button", class: i > 3 ? "more" : "", "aria-pressed": String(place[name] === value), on: { click: () => (go({ [name]: place[name] === value ? "" : value, from: "" }, false), load()) } }, h("span", {}, name === "theme" || name === "kind" || name === "evidence" ? inWords(value) : value), h("span", { class: "n" }, n))));
    }).filter(Boolean),
  );
}

// ---- one of them

function choose(id) {
  go({ sel: place.sel === id ? "" : id }, false);
  one = null;
  load().then(() => place.sel && by("one").focus({ preventScroll: true }));
}

function panel() {
  const box = by("one");
  document.body.classList.toggle("has-side", Boolean(one));
  box.hidden = !one;
  if (!one) return box.replaceChildren();
  const close = h("button", { type: "button", class: "knob close", "aria-label": "Close", on: { click: () => choose(place.sel) } }, "×");
  if (one.problem) return box.replaceChildren(h("header", { class: "side-head" }, h("h2", {}, "Not here"), close), fault("It could not be read", one.problem));
  const tools = [
    one.kind !== "app" && !one.origin && may.has("describe") && one.status !== "withdrawn" ? press("tool", "Edit…", () => describe(one)) : null,
    one.app || one.state === "installed" ? (may.has("app") ? press("tool", "Since when, and for what…", () => since(one)) : null) : null,
    one.status === "listed" && !one.app && may.has("withdraw") ? press("tool", "Withdraw…", () => sheet(`Withdraw ${one.name}`, [field("Why", text("reason", 1000, { required: true }))], "Withdraw", (said) => done("withdraw", { id: one.id, ...said }))) : null,
    ...(one.status === "submitted" ? decisions(one) : []),
  ].filter(Boolean);
  const facts = [["Theme", inWords(one.theme)], ["Need", one.need], ["Kind", inWords(one.kind)], ["Maturity", inWords(one.maturity)], ["Cost", one.cost ? costOf(one.cost) : null], ["Licence", one.licence], ["Standards", one.standards?.join(", ")], ["Workflows", one.workflows?.join(", ")], ["Brings", one.blocks?.join(", ")], ["Runs in", one.runsIn?.map((it) => [it.city, it.country, it.since && `since ${it.since}`].filter(Boolean).join(", ")).join("; ")], ["Here since", one.installedAt], ["Report section", one.report], ["Contact", contact(one.contact)], ["From", one.origin ? [one.origin.city, one.origin.via ? ` by way of ${one.origin.via}` : ""] : null], ["Withdrawn, rejected", one.reason], ["Edition", one.version], ["Digest", one.digest ? h("span", { class: "id" }, one.digest) : null], ["Between cities", h("span", { class: "id" }, one.identifier)]];
  return box.replaceChildren(
    h("header", { class: "side-head" }, h("h2", { lang: one.language, dir: "auto" }, one.name), close),
    h("p", { class: "str-marks" }, state(one.status), one.state === "installed" ? h("span", {}, "Installed here") : null),
    h("p", { class: "head-tools" }, tools),
    h("p", { class: "str-text", lang: one.language, dir: "auto" }, one.summary),
    ...(one.effects?.length ? [h("h3", {}, "Effects"), h("ul", { class: "str-list" }, one.effects.map((e) => h("li", {}, state(e.evidence), ` ${e.framework} ${e.code}${e.point ? ` ${e.point}` : ""}: `, h("b", {}, changeOf(e)), e.source ? h("span", { class: "sub" }, e.source) : null)))] : []),
    ...(one.measured ? [h("h3", {}, "Measured here"), one.measured.length ? h("ul", { class: "str-list" }, one.measured.map((m) => h("li", {}, `${m.framework} ${m.code}: `, m.change === null ? "" : h("b", {}, `${plain(m.before, 2)} → ${plain(m.after, 2)} ${m.unit ?? ""} (${m.change > 0 ? "+" : ""}${plain(m.change, 2)})`), h("span", { class: "sub" }, m.said)))) : h("p", { class: "quiet" }, "Nobody has named an indicator that it is to move.")] : []),
    h("dl", { class: "facts" }, facts.filter(([, value]) => value).flatMap(([word, value]) => [h("dt", {}, word), h("dd", {}, value)])),
    ...(one.editions?.length ? [h("h3", {}, "Other editions wait"), ...one.editions.map((it) => edition(it, one))] : []),
  );
}

const contact = (it) => (it ? [it.name, it.email ? [", ", h("a", { href: `mailto:${it.email}` }, it.email)] : null, it.url ? [", ", h("a", { href: it.url, rel: "noopener noreferrer" }, it.url)] : null].flat() : null);
const decisions = (it) => (may.has("moderate") ? [press("do", "Accept", () => done("moderate", { id: it.id, decision: "accept" })), press("tool", "Reject…", () => sheet(`Reject ${it.name}`, [field("Why", text("reason", 1000, { required: true }))], "Reject", (said) => done("moderate", { id: it.id, decision: "reject", ...said })))] : []);

/** An edition that waits beside what is here: what differs, and the choice. */
function edition(it, here) {
  const names = [...new Set([...Object.keys(it.content), ...Object.keys(here)])].filter((name) => it.content[name] !== undefined || ["cost", "effects", "standards", "contact", "runsIn", "blocks", "workflows"].includes(name));
  const differs = names.filter((name) => JSON.stringify(it.content[name]) !== JSON.stringify(here[name]));
  const shown = (value) => (value === undefined ? h("span", { class: "quiet" }, "not said") : typeof value === "string" ? value : h("span", { class: "json" }, JSON.stringify(value)));
  return h(
    "section",
    { class: "str-edition" },
    h("p", { class: "str-marks" }, state(it.why), ` version ${it.version}, from ${it.origin?.city ?? "elsewhere"}`),
    h("table", { class: "str-table" }, h("thead", {}, h("tr", {}, ["", "Here", "There"].map((word) => h("th", { scope: "col" }, word)))), h("tbody", {}, differs.map((name) => h("tr", {}, h("th", { scope: "row" }, inWords(name)), h("td", {}, shown(here[name])), h("td", {}, shown(it.content[name])))))),
    may.has("choose") ? h("p", { class: "head-tools" }, press("do", "Take that", () => done("choose", { id: it.id, decision: "accept" })), press("tool", "Keep ours…", () => sheet("Keep what is here", [field("Why", text("reason", 1000, { required: true }))], "Keep", (said) => done("choose", { id: it.id, decision: "reject", ...said })))) : null,
  );
}

// ---- what waits, what came

function queue() {
  const { submitted, editions } = told;
  put(by("sum"), `${count(submitted.length, "entry", "entries")}, ${count(editions.length, "edition")} wait`);
  if (!submitted.length && !editions.length) return by("list").replaceChildren(notice("Nothing waits", ["What people hand in, and what is imported, stands here until somebody has looked."]));
  by("list").replaceChildren(
    ...(submitted.length ? [h("section", { class: "str-part" }, h("h2", {}, "From outside"), h("table", { class: "str-table" }, h("tbody", {}, submitted.map((it) => h("tr", { class: place.sel === it.id ? "at" : "" }, h("th", { scope: "row" }, h("button", { type: "button", class: "attr", on: { click: () => choose(it.id) } }, it.name), h("span", { class: "sub" }, it.origin ? `from ${it.origin.city}` : "handed in")), h("td", { class: "wide" }, it.need), h("td", {}, it.at ? whenText(Date.parse(it.at), now()) : ""), h("td", {}, h("span", { class: "str-does" }, decisions(it))))))))] : []),
    ...(editions.length ? [h("section", { class: "str-part" }, h("h2", {}, "Other editions of what is here"), ...editions.map((it) => h("div", {}, h("h3", {}, it.here.name), edition(it, it.here))))] : []),
  );
  return undefined;
}

function imports() {
  put(by("sum"), count(told.imports.length, "import"));
  if (!told.imports.length) return by("list").replaceChildren(notice("Nothing was imported yet", ["Another city exports what it has at /solutions/catalogue.jsonld; that file is taken in here.", "What is new waits for somebody who looks; what is here already is one."], { button: may.has("import") ? press("", "Import…", bring) : null }));
  by("list").replaceChildren(
    ...told.imports.map((it) => h("section", { class: "str-part" }, h("h2", {}, `${it.from}, ${whenText(Date.parse(it.at), now())}`), h("p", {}, Object.entries(it.counts).filter(([, n]) => n).map(([word, n]) => `${n} ${word}`).join(", ") || "nothing"), it.conflicts.length ? h("p", {}, state("conflict"), " one version, two texts: ", it.conflicts.map((id) => h("button", { type: "button", class: "link", on: { click: () => (go({ view: "queue" }, false), load()) } }, tail(id)))) : null, it.refused.length ? h("ul", { class: "str-list" }, it.refused.map((bad) => h("li", {}, h("code", {}, bad.where), ` ${bad.why}`))) : null)),
  );
  return undefined;
}

// ---- what people do

function say(words, bad = false) {
  by("said").hidden = !words;
  by("said").className = `str-said${bad ? " bad" : ""}`;
  by("said").replaceChildren(h("span", {}, words), press("knob", "×", () => say(""), { "aria-label": "Close" }));
  aloud(words);
}

async function done(verb, said, quiet = false) {
  try {
    await act(verb, said);
    await load();
  } catch (problem) {
    if (quiet || document.querySelector("dialog[open]")) throw problem;
    say(`${problem.message} ${problem.mend ?? ""}`, true);
  }
}

const list = (said) => said.split(",").map((word) => word.trim()).filter(Boolean);
const EFFECT = "framework | code | change | unit | years | evidence | source";

function describe(it) {
  const effects = (it?.effects ?? []).map((e) => [e.framework, e.code, e.change, e.unit, e.perYears, e.evidence, e.source ?? ""].join(" | ")).join("\n");
  sheet(
    it ? `Edit ${it.name}` : "Add a solution of this city",
    [
      field("Name", text("name", 150, { required: true, value: it?.name ?? "" })),
      field("Kind", pick("kind", ["project", "device", "service", "rule"], it?.kind)),
      field("Theme", pick("theme", THEMES, it?.theme)),
      field("Need", text("need", 120, { required: true, value: it?.need ?? "" })),
      field("Summary", area("summary", 4000, it?.summary ?? "")),
      field("Maturity", pick("maturity", ["idea", "pilot", "running", "scaled"], it?.maturity)),
      field("Licence", text("licence", 60, { value: it?.licence ?? "CC-BY-4.0" })),
      field("Capital", text("capital", 16, { inputmode: "decimal", value: it?.cost?.capital ?? "" })),
      field("A year", text("yearly", 16, { inputmode: "decimal", value: it?.cost?.yearly ?? "" })),
      field("Currency", text("currency", 3, { value: it?.cost?.currency ?? "EUR" })),
      field("Prices of", text("year", 4, { inputmode: "numeric", value: it?.cost?.year ?? new Date(now()).getFullYear() })),
      h("label", { class: "stack" }, h("span", {}, "Effects, one a line"), area("effects", 8000, effects, { class: "mono", "aria-describedby": "sol-how" })),
      h("p", { class: "hint plain", id: "sol-how" }, EFFECT),
      field("Standards", text("standards", 1000, { value: it?.standards?.join(", ") ?? "" })),
    ],
    "Keep",
    (said) => {
      const cost = said.capital || said.yearly ? { capital: number(said.capital || 0), yearly: number(said.yearly || 0), currency: said.currency, year: number(said.year) } : null;
      const listed = rows(said.effects).map(([framework, code, change, unit, perYears, evidence, source]) => ({ framework, code, change: number(change), unit: unit ?? "", perYears: number(perYears), evidence, ...(source ? { source } : {}) }));
      const { name, kind, theme, need, summary, maturity, licence } = said;
      const whole = { name, kind, theme, need, summary, maturity, licence, ...(cost || it ? { cost } : {}), effects: listed.length ? listed : null, standards: list(said.standards).length ? list(said.standards) : null };
      return done("describe", it ? { id: it.id, ...whole } : Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== null)), true);
    },
  );
}

function since(it) {
  const named = (it.indicators ?? []).map((one_) => [one_.framework, one_.code, one_.unit ?? "", one_.point ?? ""].join(" | ")).join("\n");
  sheet(`${it.name}: since when, and for what`, [field("Here since", text("installedAt", 10, { placeholder: "2025-04-01", value: it.installedAt ?? "" })), h("label", { class: "stack" }, h("span", {}, "Indicators that it is to move, one a line"), area("indicators", 4000, named, { class: "mono" })), h("p", { class: "hint plain" }, "framework | code | unit | point. Its effect is the change of their reported values since.")], "Keep", (said) => done("app", { name: tail(it.id).replace(/^app-/, ""), ...(said.installedAt ? { installedAt: said.installedAt } : {}), indicators: rows(said.indicators).map(([framework, code, unit, point]) => ({ framework, code, unit: unit ?? "", ...(point ? { point } : {}) })) }, true));
}

function bring() {
  sheet("Import what another city exports", [h("label", { class: "stack" }, h("span", {}, "Its file (JSON-LD, up to 3 MB)"), h("input", { type: "file", name: "file", accept: ".jsonld,.json,application/ld+json,application/json", required: true })), h("p", { class: "hint plain" }, "What is new waits for somebody who looks. What is not in order is refused, entry by entry, and named.")], "Import", async ({ file }) => {
    if (!file?.size) throw Object.assign(new Error("Choose a file."), { mend: "" });
    let document_;
    try {
      document_ = JSON.parse(await file.text());
    } catch {
      throw Object.assign(new Error("That file is no JSON."), { mend: "Fetch it again from /solutions/catalogue.jsonld of the other city." });
    }
    await act("import", { document: document_ });
    go({ view: "imports", sel: "" }, false);
    told = null;
    await load();
  });
}

by("add").addEventListener("click", () => describe(null));
by("import").addEventListener("click", bring);
let typing = 0;
by("find").addEventListener("input", (event) => {
  clearTimeout(typing);
  typing = setTimeout(() => (go({ q: event.target.value.trim(), from: "" }), load()), 250);
});
addEventListener("popstate", () => {
  for (const name of NAMES) place[name] = new URLSearchParams(location.search).get(name) ?? "";
  told = null;
  load();
});

// Beside the list they stand open; above it, on a phone, whoever wants them opens them.
by("narrowing").open = !isNarrow();
await start({ keys: [["/", "find"], ["j k", "further down, further up"], ["Esc", "close"]], act: { "/": () => by("find").focus(), j: walk("#list .attr", 1), k: walk("#list .attr", -1), Escape: () => (place.sel ? choose(place.sel) : false) } });
await load();
document.documentElement.classList.add("ready");
