// One request: what was reported, what it may be the same as, what people do with it, and its log.

import { h, press, sign } from "../dom.js";
import { sheet } from "../desk/acts.js";
import { now } from "../base/start.js";
import { count, whenText } from "../words.js";
import { area, choose, dueOf, field, inWords, KINDS, stepOf, text } from "./told.js";

const PARTS = { metres: "distance", same: "service", group: "kind", days: "time", words: "words", answers: "answers", other: "other answers" };
const when = (at) => whenText(Date.parse(at), now());
const who = (by) => ({ public: "resident", "app:requests": "the city" })[by] ?? String(by ?? "").replace(/^person:/, "");

/** The panel of `one` (the view `case`). `may(verb)`, `does(verb, said, sheeted)`, `open(id)`, `close()`, `board` for names. */
export function panel(one, { may, does, open, close, board }) {
  const tool = (verb, word, work, kind = "tool") => (may(verb) ? press(kind, word, work, { "data-f": word }) : null);
  const does1 = (verb, said = {}) => does(verb, { id: one.entity, ...said });
  const asks = (verb, question, fields, word, said = (it) => it) => tool(verb, word, () => sheet(question, fields(), word.replace("…", ""), (it) => does(verb, { id: one.entity, ...said(it) }, true)));
  const open_ = one.status === "open" && !one.into;
  const departments = board.departments.filter((it) => it !== one.department).map((it) => [it, it]);
  const toResident = (name, value = "") => h("label", { class: "stack" }, h("span", {}, "To whoever asked"), area(name, 5000, { required: true }, value));
  const tools = open_
    ? [
        asks("answer", "Answer", () => [toResident("text", inWords(one.answer))], "Answer…"),
        asks("close", "Close it", () => [field("Outcome", choose("outcome", [["done", "Done"], ["declined", "Declined"]])), toResident("text", inWords(one.answer))], "Close…"),
        asks("ask-resident", "Ask whoever reported it", () => [toResident("text"), h("p", { class: "hint" }, "Until the reply, the clock stands.")], "Ask…"),
        asks("triage", "Look at it", () => [field("Priority", choose("priority", [["high", "High"], ["normal", "Normal"], ["low", "Low"]], one.priority)), field("Service", choose("service", Object.entries(board.services).map(([code, names]) => [code, inWords(names)]), one.service)), field("Words", choose("show", [["yes", "may be public"], ["no", "stay with us"]], "yes"))], "Triage…", ({ priority, service, show }) => ({ priority, service, show: show === "yes" })),
        asks("step", "Go a step", () => [field("Step", choose("step", [["planned", "Planned"], ["in-progress", "Under way"], ["triaged", "Looked at"]])), field("Note", text("note", 2000, { placeholder: "for us" })), field("Tell", text("text", 2000, { placeholder: "to whoever asked; or nothing" }))], "Step…"),
        asks("route", "Pass it on", () => [field("To", choose("department", departments)), field("Why", text("note", 2000))], "Pass on…"),
        asks("join", "Join it to another", () => [field("Request", text("into", 60, { required: true, class: "mono", placeholder: "R…" })), h("p", { class: "hint" }, "It then follows that one, and its reporter hears the answer too. It can be undone.")], "Join…"),
        asks("place", "Put it where it is", () => [field("Longitude", text("lon", 20, { inputmode: "decimal", value: one.lon ?? "" })), field("Latitude", text("lat", 20, { inputmode: "decimal", value: one.lat ?? "" }))], "Place…"),
      ]
    : [one.into ? tool("split", "Split again", () => does1("split"), "do") : asks("reopen-case", "Reopen it", () => [field("Why", text("note", 2000, { required: true }))], "Reopen…")];
  tools.push(asks("hide", "Write it without what tells of a person", () => [h("label", { class: "stack" }, h("span", {}, "Description"), area("description", 5000, { rows: 6 }, one.description)), field("Address", text("address", 300, { value: one.address }))], "Hide…"));
  const questions = new Map(one.questions.map((it) => [it.code, it]));
  const answers = Object.entries(one.answers).map(([code, said]) => {
    const it = questions.get(code);
    const names = new Map((it?.values ?? []).map((value) => [value.key, inWords(value.names)]));
    return [it ? inWords(it.description) : code, [said].flat().map((key) => names.get(String(key)) ?? String(key)).join(", ")];
  });
  const facts = [
    ["Reported", `${when(one.at)}, by ${{ web: "the city's page", app: "the app", phone: "telephone", paper: "letter", open311: "Open311" }[one.channel] ?? one.channel}`],
    ["People", one.people > 1 ? count(one.people, "person", "people") : null],
    ["Department", one.department],
    ["District", board.districts[one.district] ?? one.district],
    ["Address", one.address],
    ["Place", one.lon === null ? h("span", { class: "grave" }, "not known") : h("a", { href: `/map?at=${one.lon},${one.lat},17` }, `${one.lat.toFixed(5)}, ${one.lon.toFixed(5)}`)],
    ["Answer by", one.answerDue ? when(one.answerDue) : null],
    ["Done by", one.closeDue ? when(one.closeDue) : null],
    ["Over its time", one.breached.length ? h("span", { class: "grave" }, one.breached.join(", ")) : null],
    ["Public", one.listed ? (one.shown ? "yes, with its words" : "place and state; its words when looked at") : "no, by its kind"],
    ["Rated", one.rating.score ? `${one.rating.score} of 5${one.rating.comment ? `: ${one.rating.comment}` : ""}` : null],
    ...answers,
    ["Id", h("span", { class: "id" }, one.id)],
  ];
  return [
    h("header", { class: "side-head" }, h("h2", {}, inWords(one.names)), h("button", { type: "button", class: "knob close", "aria-label": "Close", "data-f": "close", on: { click: close } }, "×")),
    h("p", { class: "req-marks" }, stepOf(one), one.priority === "high" ? sign("alarm", "High priority") : null, dueOf(one, now())),
    one.description ? h("p", { class: "req-words", lang: one.language, dir: "auto" }, one.description) : h("p", { class: "quiet" }, "No words came with it."),
    one.hiddenAt ? h("p", { class: "quiet" }, `Words hidden ${when(one.hiddenAt)}.`) : null,
    one.photographs.length ? h("ul", { class: "req-photos" }, one.photographs.map((it, n) => photo(it, n, tool, does))) : null,
    h("p", { class: "head-tools" }, tools.filter(Boolean)),
    ...suggested(one, tool, does, open),
    one.into ? h("p", {}, "Follows ", press("attr", one.into.split(":").pop(), () => open(one.into.split(":").pop())), ".") : null,
    one.followers.length ? h("div", {}, h("h3", {}, "Joined to it"), h("ul", { class: "req-joined" }, one.followers.map((it) => h("li", {}, press("attr", it.id, () => open(it.id)), " ", it.description)))) : null,
    one.question.text && one.clock === "stopped" ? h("p", { class: "req-ask" }, h("b", {}, "Asked: "), inWords(one.question.text)) : null,
    Object.keys(one.answer).length ? h("div", {}, h("h3", {}, "Answer"), h("p", { class: "req-words", dir: "auto" }, inWords(one.answer))) : null,
    h("dl", { class: "facts" }, facts.filter(([, value]) => value).flatMap(([word, value]) => [h("dt", {}, word), h("dd", { dir: "auto" }, value)])),
    h("h3", {}, "Log"),
    h("ol", { class: "req-log" }, one.log.map((it) => h("li", {}, h("time", { datetime: it.at }, when(it.at)), h("span", {}, h("b", {}, KINDS[it.kind] ?? it.kind), ` ${who(it.by)}`, it.text ? h("span", { class: "sub", dir: "auto" }, `told: ${inWords(it.text)}`) : null, it.note ? h("span", { class: "sub", dir: "auto" }, it.note) : null, more(it.more))))),
  ].filter(Boolean);
}

function photo(it, n, tool, does) {
  const word = it.published ? "Take back" : "Show to everybody";
  return h("li", {}, h("a", { href: it.path, target: "_blank", rel: "noopener", "aria-label": `Photograph ${n + 1}, in a new window` }, h("img", { src: it.path, alt: `Photograph ${n + 1}`, loading: "lazy" })), tool("publish-photo", `${word} (${n + 1})`, () => does("publish-photo", { id: it.entity, show: !it.published })), it.published ? sign("ok", "public") : null);
}

function suggested(one, tool, does, open) {
  if (!one.suggested.length || one.into || one.status !== "open") return [];
  const why = (it) => [`${Math.round(it.why.metres)} m`, it.why.days < 1 ? "the same day" : `${it.why.days} days apart`, it.why.sameService ? "same service" : "another service", `words ${Math.round(it.why.words * 100)} % alike`].join(", ");
  return [
    h("h3", {}, "Perhaps the same as"),
    h("ul", { class: "req-same" }, one.suggested.map((it) =>
      h("li", {}, h("p", {}, press("attr", it.id, () => open(it.id)), " ", h("meter", { min: 0, max: 1, value: it.score, "aria-label": "How likely" }), ` ${Math.min(99, Math.round(it.score * 100))} %`), h("p", { dir: "auto" }, it.other?.description ?? ""), h("p", { class: "quiet" }, why(it), ". ", Object.entries(it.why.parts ?? {}).filter(([name]) => name !== "base").map(([name, value]) => `${PARTS[name] ?? name} ${value > 0 ? "+" : ""}${value}`).join(", ")),
        h("p", { class: "head-tools" }, tool("join", `Join to ${it.id}`, () => does("join", { id: one.entity, into: it.id }), "do"), tool("not-the-same", `Not the same as ${it.id}`, () => does("not-the-same", { id: one.entity, other: it.id }))))))
  ];
}

function more(it) {
  const said = Object.entries(it ?? {}).filter(([, value]) => typeof value !== "object" || Array.isArray(value));
  return said.length ? h("span", { class: "sub" }, said.map(([name, value]) => `${name} ${[value].flat().join(", ")}`).join("; ")) : null;
}
