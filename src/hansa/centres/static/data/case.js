// One dataset, for those who keep the catalogue: what is said of it, what waits for a second person, what was released.

import { h, press, sign } from "../dom.js";
import { sheet } from "../desk/acts.js";
import { now } from "../base/start.js";
import { count, whenText } from "../words.js";
import { describe, propose, upload } from "./forms.js";
import { area, bytes, field, guardText, hint, inWords, licenceText, publicPath, sourceText, stateOf, stepText, who } from "./told.js";

const when = (at) => (at ? whenText(Date.parse(at), now()) : "");
const cell = (value) => (value === null || value === undefined ? "–" : typeof value === "number" ? String(+value.toPrecision(8)) : String(value).slice(0, 80));

/** The panel of `one` (the view `case`). `may(verb)`, `does(verb, said, sheeted)`, `choices` (the view `words`), `me`. */
export function panel(one, { may, does, choices, close, done }) {
  const tool = (verb, word, work, kind = "tool") => (may(verb) ? press(kind, word, work, { "data-f": word }) : null);
  const simple = (verb, word, question, name, more = {}) => tool(verb, word, () => sheet(question, [h("label", { class: "stack" }, h("span", {}, more.label ?? "Why"), area(name, more.most ?? 500, { required: true })), more.hint ? hint(more.hint) : null].filter(Boolean), word.replace("…", ""), (form) => does(verb, { id: one.id, ...form }, true)), more.kind);
  const waits = one.waits && one.candidate.status === "made";
  const over = one.status === "withdrawn";
  const tools = over ? [] : [
    waits && one.status !== "approved" ? tool("approve", "Approve", () => does("approve", { id: one.id, sha256: one.candidate.sha256 }), "do") : null,
    (one.status === "approved" || (one.waits && one.approvedBy)) && one.candidate.status === "made" ? tool("publish", one.version ? "Release what was approved" : "Publish", () => does("publish", { id: one.id }), "do") : null,
    tool("describe", "Describe…", () => describe(one, choices, does)),
    tool("propose", "Propose…", () => propose(one, does)),
    tool("upload", "Upload…", () => upload(one, done)),
    one.waits ? simple("return", "Return…", "Why it cannot leave like this", "why") : null,
    one.status === "published" ? tool("release", "Release now", () => does("release", { id: one.id })) : null,
    one.status === "published" ? simple("note", "Change note…", "Tell those who use it", "text", { most: 2_000, label: "Note", hint: "It stands beside the newest release and in the feed." }) : null,
    simple("withdraw", "Withdraw…", `Withdraw ${one.title}`, "why", { kind: "tool grave", hint: "Its addresses then answer 410 with this reason." }),
  ];
  return [
    h("header", { class: "side-head" }, h("h2", {}, one.title), press("knob", "×", close, { "aria-label": "Close" })),
    h("p", {}, stateOf(one), " ", one.status === "published" ? h("a", { href: publicPath(`data/${one.key}`) }, "as everybody sees it") : h("span", { class: "id" }, one.key)),
    over ? h("p", { class: "grave" }, `Withdrawn: ${one.withdrawn}`) : null,
    one.fault ? h("p", { class: "grave", role: "alert" }, one.fault) : null,
    one.missing.length && !over ? h("p", { class: "dat-missing" }, sign("watch", `To be published it needs ${one.missing.join(", ")}.`)) : null,
    h("div", { class: "head-tools" }, tools.filter(Boolean)),
    ...(one.waits || one.status === "approved" || one.candidate.status ? candidate(one) : []),
    h("h3", {}, "What leaves"),
    h("dl", { class: "facts" }, fact("From", sourceText(one.source?.kind ? one.source : one.suggested?.source)), ...(one.steps.length ? fact("Steps", h("ol", { class: "dat-steps" }, one.steps.map((it) => h("li", { class: "mono" }, stepText(it))))) : []), fact("Persons", guardText(one.guard?.kind ? one.guard : one.suggested?.guard))),
    h("h3", {}, "What is said"),
    h("dl", { class: "facts" }, fact("Description", inWords(one.said.description)), fact("Languages", Object.keys(one.said.title ?? {}).join(", ")), fact("Licence", licenceText(one.said.licence)), fact("Themes", (one.said.themes ?? []).join(", ")), fact("Keywords", inWords(one.said.keywords)?.toString().replaceAll(",", ", ")), fact("Publisher", inWords(one.said.publisher?.name)), fact("Contact", one.contact), fact("Renewed", one.periodicity.toLowerCase().replaceAll("_", " ")), fact("Next", one.nextAt && !one.nextAt.startsWith("9") ? when(one.nextAt) : ""), fact("Owner", one.owner)),
    ...(one.columns.length ? [h("h3", {}, "Data dictionary"), table(["Column", "Kind", "Unit", "Meaning", "Filled"], one.columns.map((it) => [it.name, it.type, it.unit || "", inWords(it.says), one.quality.columns?.[it.name] === undefined ? "" : `${Math.round(one.quality.columns[it.name] * 100)} %`]))] : []),
    one.undescribed?.length ? h("p", { class: "hint" }, `Not described yet: ${one.undescribed.join(", ")}.`) : null,
    ...(one.releases.length ? [h("h3", {}, "Releases"), table(["Version", "When", "Rows", "Size", "Note"], one.releases.map((it) => [h("a", { href: it.urls.csv, download: true }, String(it.version)), when(it.at), String(it.rows), bytes(it.size), it.note ?? ""]))] : []),
    one.version ? h("h3", {}, "Use") : null,
    one.version ? h("p", {}, `${count(one.usage.month, "download")} this month, ${one.usage.all} in all; asked ${one.usage.api} times through interfaces. `, press("link", "By day", () => does("usage", { id: one.id }))) : null,
    h("h3", {}, "Log"),
    h("ol", { class: "dat-log" }, one.log.map((it) => h("li", {}, h("time", { datetime: it.at }, when(it.at)), h("span", {}, h("b", {}, it.did), ` by ${who(it.by)}`, it.text ? h("span", { class: "sub" }, it.text) : null)))),
  ].filter(Boolean);
}

function fact(name, value) {
  if (value === "" || value === null || value === undefined) return [];
  return [h("dt", {}, name), h("dd", { dir: "auto" }, value)];
}

function table(head, rows) {
  return h("div", { class: "dat-cells", tabindex: "0", role: "region", "aria-label": head.join(", ") }, h("table", { class: "dat-small" }, h("thead", {}, h("tr", {}, head.map((word) => h("th", { scope: "col" }, word)))), h("tbody", {}, rows.map((row) => h("tr", {}, row.map((it) => h("td", { dir: "auto" }, it)))))));
}

/** What a second person looks at: what is to leave, how small its smallest group is, and the first of its rows. */
function candidate(one) {
  const it = one.candidate;
  const pending = one.pending?.source ? one.pending : { source: one.source, steps: one.steps, guard: one.guard };
  const state = it.status === "made" ? sign("ok", `${count(it.rows, "row")} wait`) : it.status === "failed" ? sign("alarm", "It could not be made") : it.status ? sign("watch", "Being made…") : null;
  return [
    h("h3", {}, "What waits for a second person"),
    h("section", { class: "dat-waits", "aria-label": "What waits for a second person" },
      h("p", {}, state, one.proposedBy ? ` proposed by ${who(one.proposedBy)}` : "", one.approvedBy && one.status === "approved" ? `, approved by ${who(one.approvedBy)}` : ""),
      it.fault ? h("p", { class: "grave" }, it.fault) : null,
      h("dl", { class: "facts" }, fact("From", sourceText(pending.source)), (pending.steps ?? []).length ? fact("Steps", h("ol", { class: "dat-steps" }, pending.steps.map((step) => h("li", { class: "mono" }, stepText(step))))) : [], fact("Persons", guardText(pending.guard)), ...checked(it.check), fact("SHA-256", it.sha256 ? h("span", { class: "mono id" }, it.sha256) : "")),
      it.sample?.rows?.length ? table(it.sample.columns.map((column) => column.name ?? column), it.sample.rows.slice(0, 8).map((row) => row.map(cell))) : null),
  ];
}

/** The check for persons, in figures. */
function checked(check) {
  if (!check || !Object.keys(check).length) return [];
  const names = { smallest: "Smallest group", k: "k", reached: "k reached", l: "l", kinds: "Kinds in a group", suppressed: "Left out", left: "Left out", groups: "Groups", cells: "Cells", total: "Records", share: "Share left out" };
  const known = Object.entries(check).filter(([name, value]) => name in names && ["number", "string"].includes(typeof value));
  const faults = (check.faults ?? []).map((one) => h("li", { class: "grave" }, one));
  return [
    ...(check.ok === undefined ? [] : fact("Check", check.ok ? sign("ok", "It holds") : sign("alarm", "It does not hold"))),
    ...known.flatMap(([name, value]) => fact(names[name], typeof value === "number" ? String(+value.toPrecision(4)) : value)),
    ...(faults.length ? fact("Faults", h("ul", {}, faults)) : []),
  ];
}

/** The sheet in which a request for data is answered. */
export function answer(one, published, does) {
  sheet(
    `Answer: ${one.title}`,
    [
      h("p", { class: "dat-words", dir: "auto" }, one.text),
      field("It is", h("select", { name: "status" }, [["open", "shown, open"], ["planned", "planned"], ["published", "published now"], ["declined", "declined"], ["hidden", "not shown"]].map(([value, word]) => h("option", { value, selected: value === (one.status === "new" ? "open" : one.status) }, word)))),
      h("label", { class: "stack" }, h("span", {}, "Answer, for everybody"), area("answer", 2_000, {}, inWords(one.answer))),
      field("Dataset", h("select", { name: "dataset" }, h("option", { value: "" }, "–"), published.map((it) => h("option", { value: it.key, selected: it.key === one.dataset }, it.title)))),
    ],
    "Answer",
    (form) => does("answer-request", { id: one.id.startsWith("urn:") ? one.id : `urn:ngsi-ld:DataRequest:${one.id}`, status: form.status, answer: form.answer.trim(), ...(form.dataset ? { dataset: form.dataset } : {}) }, true),
  );
}

