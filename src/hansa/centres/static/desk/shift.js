// /shift and /ccc/shift: who sits at a desk, what was entered for good, and the handover that two people sign.

import { csv, download, h, keep, notice, press, put } from "../dom.js";
import { ask, DESK, REALM, room } from "../doors.js";
import { aloud, fault, now, start } from "../base/start.js";
import { moment } from "../station.js";
import { age, clockText, count, dayText, lasting, look, whenText } from "../words.js";
import { allowed } from "./acts.js";

const by = (id) => document.getElementById(id);
const EVERY_MS = 10_000;
const DESK_NAME = REALM === "security" ? "ccc" : "coc";
const KINDS = { note: "Note", call: "Call", decision: "Decision", unusual: "Unusual", correction: "Correction", begin: "Began", handover: "Handed over", accepted: "Accepted", end: "Ended without a handover" };
const SURE = ["not proven", "one secret", "two factors", "a passkey"];
const DEFAULTS = { desk: DESK_NAME, sel: "" };
const place = { ...DEFAULTS };
let me = "";
let may = new Set();
let shifts = [];
let log = { entries: [], newest: 0, next: null };
let failed = null;
let proven = new Map(); // id -> {held, ...}
let turn = 0;
let older = 0; // entries that were asked for beyond the first page

const door = (name, given = {}) => `${DESK}/brain/${name}${Object.keys(given).length ? `?${new URLSearchParams(given)}` : ""}`;
const open = () => shifts.filter((one) => one.desk === place.desk && one.status !== "closed");
const mine = () => open().find((one) => one.who === me);

function where() {
  const given = new URLSearchParams(location.search);
  for (const name of Object.keys(DEFAULTS)) place[name] = given.get(name) ?? DEFAULTS[name];
  if (!/^[a-z0-9][a-z0-9-]{0,39}$/.test(place.desk)) place.desk = DESK_NAME;
}

function go(change) {
  if ("desk" in change && change.desk !== place.desk) [log, older, proven] = [{ entries: [], newest: 0, next: null }, 0, new Map()];
  Object.assign(place, change);
  const given = new URLSearchParams(Object.entries(place).filter(([name, value]) => value && value !== DEFAULTS[name]));
  history.pushState(null, "", given.size ? `?${given}` : location.pathname);
  by("verified").replaceChildren();
  load();
}

async function load() {
  const own = ++turn;
  try {
    const [all, page] = await Promise.all([ask(door("shifts", { limit: 100 })), ask(door("log", { desk: place.desk, limit: Math.min(200, 50 + older) }))]);
    if (own !== turn) return;
    shifts = all.body.shifts;
    log = page.body;
    failed = null;
    by("desks").replaceChildren(...all.body.desks.map((one) => h("option", { value: one })));
  } catch (problem) {
    if (own !== turn) return;
    failed = problem;
  }
  show();
}

// ---- the log

function show() {
  if (document.activeElement !== by("desk")) by("desk").value = place.desk;
  const here = open();
  by("sits").replaceChildren(here.length ? h("span", { class: "sits" }, here.map((one) => h("span", {}, h("b", { class: "id" }, one.who), ` since ${whenText(moment(one.begin) ?? now(), now())}${one.status === "handed" ? ", handed over" : ""}`))) : h("span", { class: "quiet" }, "Nobody sits at this desk."));
  by("hand-out").hidden = by("verify").hidden = !log.entries.length;
  if (failed) by("log").replaceChildren(fault("The shift log could not be read", failed, press("", "Try again", load)));
  else if (!log.entries.length) by("log").replaceChildren(notice("Nothing is entered yet", ["Begin a shift, and whatever you enter stands for good: nobody changes or deletes it, you neither. A mistake is put right by a correction."]));
  else list();
  enterForm();
  side();
}

function list() {
  let body = by("log").querySelector("ol");
  if (!body) {
    body = h("ol", { class: "entries" });
    by("log").replaceChildren(body, h("p", { class: "pad" }, press("tool", "Earlier entries", () => { older += 50; load(); }, { id: "more" })));
  }
  const corrected = new Map(log.entries.filter((one) => one.corrects).map((one) => [one.corrects, one.number]));
  keep(body, log.entries, (one) => one.id, () => h("li", {}), (li, one) => {
    const state = JSON.stringify([one, proven.get(one.id) ?? null, corrected.get(one.id) ?? 0, place.sel === one.id, mine()?.id]);
    if (li.dataset.said === state) return;
    li.dataset.said = state;
    li.className = `entry ${one.kind}${place.sel === one.id ? " at" : ""}`;
    li.replaceChildren(...entry(one, corrected.get(one.id)));
  });
  by("more").hidden = log.next === null || older >= 150;
}

function entry(one, corrected) {
  const at = moment(one.at);
  const proof = proven.get(one.id);
  const happened = moment(one.happenedAt);
  const broken = one.follows === false ? h("span", { class: "sign alarm" }, "the one before was changed") : "";
  const held = proof ? (proof.held ? h("span", { class: "sign" }, "as entered") : h("span", { class: "sign alarm" }, "altered, or never entered")) : "";
  const sure = one.assurance !== undefined ? h("span", { class: "sub" }, `signed by ${one.by} ${one.by.startsWith("person:") ? `with ${SURE[one.assurance] ?? "?"}` : "at the machine itself"}, digest ${one.digest.slice(0, 12)}…`) : "";
  return [
    h("time", { datetime: at === null ? null : new Date(at).toISOString(), title: at === null ? null : `${dayText(at)} ${clockText(at)}` }, at === null ? "?" : whenText(at, now())),
    h("div", { class: "entry-body" }, h("p", { class: "entry-head" }, h("b", {}, KINDS[one.kind] ?? one.kind), h("span", { class: "id" }, one.by), h("span", { class: "quiet" }, `no. ${one.number}`), one.begunWithout ? h("span", { class: "sign watch" }, "without a handover") : "", happened !== null ? h("span", { class: "quiet" }, `happened ${whenText(happened, now())}`) : "", corrected ? h("a", { class: "sign watch", href: `#n${corrected}` }, `corrected in no. ${corrected}`) : "", one.corrects ? h("span", { class: "quiet" }, `corrects no. ${one.corrects.split("-").pop()}`) : "", broken, held), one.text ? h("p", { class: "entry-text" }, one.text) : "", facts(one.facts), one.about?.length ? h("p", { class: "links" }, one.about.map((id) => h("a", { class: "id", href: `/entities/${encodeURIComponent(id).replaceAll("%3A", ":")}` }, id))) : "", sure),
    mine() && ["note", "call", "decision", "unusual", "correction"].includes(one.kind) ? press("link", "Correct", () => correct(one), { class: "link correct" }) : "",
  ];
}

const facts = (said) => (said && Object.keys(said).length ? h("dl", { class: "hand-facts" }, Object.entries(said).flatMap(([name, lines]) => [h("dt", {}, name), h("dd", {}, h("ul", {}, [lines].flat().map((line) => h("li", {}, line))))])) : "");

// ---- entering

let drafted = "";
function enterForm() {
  const own = mine();
  const form = by("enter");
  form.hidden = !own;
  if (!own || form.dataset.shift === own.id) return;
  form.dataset.shift = own.id;
  const text = h("textarea", { name: "text", rows: 2, maxlength: 20_000, placeholder: "Enter for good…", "aria-label": "What is to be entered", required: true });
  text.value = drafted;
  const kind = h("select", { name: "kind", "aria-label": "Kind" }, ["note", "call", "decision", "unusual"].map((one) => h("option", { value: one }, KINDS[one])));
  const happened = h("input", { name: "happenedAt", type: "datetime-local", "aria-label": "When it happened, if not now", title: "When it happened, if not now" });
  const said = h("p", { class: "entered", role: "status" });
  const send = h("button", { type: "submit", class: "do" }, "Enter");
  form.replaceChildren(text, h("div", { class: "enter-line" }, kind, happened, said, send));
  text.addEventListener("input", () => (drafted = text.value));
  text.addEventListener("keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && form.requestSubmit());
  let click = crypto.randomUUID?.() ?? String(Math.random());
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (!text.value.trim()) return;
    send.disabled = true;
    put(said, "Entering…");
    try {
      await ask(door("enter"), { method: "POST", send: { id: own.id, text: text.value, kind: kind.value, key: click, ...(happened.value ? { happenedAt: new Date(happened.value).toISOString() } : {}) } });
      click = crypto.randomUUID?.() ?? String(Math.random());
      drafted = text.value = happened.value = "";
      kind.value = "note";
      put(said, "Entered.");
      await load();
    } catch (problem) {
      put(said, `${problem.message} ${problem.mend ?? ""}`); // what was written stays in the field
      said.classList.add("grave-text");
    }
    send.disabled = false;
    text.focus();
  };
}

/** A sheet that asks and does; a refusal stands in the sheet, and nothing that was written is lost. */
function sheet(heading, fields, word, work) {
  const dialog = by("editor");
  const told = h("div", { role: "alert" });
  const send = h("button", { type: "submit", class: "do" }, word);
  const form = h("form", { class: "edit", method: "dialog" }, h("h2", { id: "editor-title" }, heading), fields, told, h("div", { class: "edit-end" }, h("button", { type: "button", class: "tool", on: { click: () => dialog.close() } }, "Cancel"), send));
  dialog.classList.toggle("wide", Boolean(form.querySelector(".hand-facts, .facts-edit")));
  dialog.replaceChildren(form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    try {
      await work(form.elements);
      dialog.close();
      await load();
    } catch (problem) {
      told.replaceChildren(problem.problem?.stepUp ? stepUp() : fault("It was not done", problem));
    }
    send.disabled = false;
  });
  dialog.showModal();
  form.querySelector("textarea, input")?.focus();
}

const stepUp = () => h("div", { class: "notice" }, h("h2", {}, "Show again who you are"), h("p", {}, "A handover is signed by whoever has just proven who he is. Do so in another tab, come back here, and sign: what you wrote stays."), h("p", {}, h("a", { class: "tool", href: "/sign-in?step=up", target: "_blank", rel: "noopener" }, "Show who I am")));

const field = (label, control) => h("label", { class: "edit-field" }, h("span", {}, label), control);
const area = (name, rows, more = {}) => h("textarea", { name, rows, maxlength: 20_000, ...more });

function correct(one) {
  const own = mine();
  sheet(`Correct no. ${one.number}`, [h("p", { class: "quiet" }, "What was entered stays; this stands beside it."), h("blockquote", { class: "entry-text" }, one.text ?? ""), field("What is right", area("text", 4, { required: true }))], "Enter the correction", ({ text }) => ask(door("enter"), { method: "POST", send: { id: own.id, kind: "correction", corrects: one.id, text: text.value } }));
}

// ---- beginning, handing over, accepting, ending

async function handOver(own) {
  let sections = {};
  try {
    sections = (await ask(door("draft"))).body.sections;
  } catch {
    // it is written by hand then
  }
  const known = log.entries.filter((one) => one.shift === own.id && one.kind === "unusual").map((one) => one.text);
  const fields = Object.entries(sections).map(([name, lines]) => {
    const all = name === "Unusual" ? [...known, ...lines] : lines;
    const made = area(`section ${name}`, Math.min(8, all.length ? all.length + 1 : 1), { placeholder: "nothing", maxlength: 60_000 });
    made.value = all.join("\n");
    return h("label", { class: "edit-field" }, h("span", {}, name, h("span", { class: "quiet" }, ` ${all.length || ""}`)), made);
  });
  sheet(
    "Hand over this shift",
    [h("p", { class: "quiet" }, "The city as it is now, a line each: strike out and add what whoever comes must know. You sign it; it cannot be changed, only written again."), field("In your own words", area("text", 4, { required: true })), h("div", { class: "facts-edit" }, fields)],
    "Sign and hand over",
    (elements) => {
      const said = Object.fromEntries(Object.keys(sections).map((name) => [name, elements[`section ${name}`].value.split("\n").map((line) => line.trim().slice(0, 500)).filter(Boolean).slice(0, 200)]));
      return ask(door("hand-over"), { method: "POST", send: { id: own.id, text: elements.text.value, facts: said } });
    },
  );
}

async function accept(one) {
  let page;
  try {
    page = (await ask(door("log", { desk: one.desk, limit: 200 }))).body;
  } catch (problem) {
    return sheet("Accept the handover", [fault("It could not be read", problem)], "Close", async () => null);
  }
  const read = page.entries.find((it) => it.id === one.handover);
  if (!read) return sheet("Accept the handover", [notice("It is not to be found", ["Ask whoever hands over to write it again."])], "Close", async () => null);
  sheet(
    `Handover of ${one.who}`,
    [h("p", { class: "quiet" }, `Written ${whenText(moment(read.at) ?? now(), now())}. By signing you take over the desk, and say that you read this.`), h("div", { class: "to-read", tabindex: "0", role: "region", "aria-label": "The handover" }, h("p", { class: "entry-text" }, read.text), facts(read.facts)), field("A word of your own", area("text", 2)), h("p", { class: "sub id" }, `digest ${read.digest}`)],
    "I have read it: sign and take over",
    ({ text }) => ask(door("accept"), { method: "POST", send: { id: one.id, digest: read.digest, ...(text.value.trim() ? { text: text.value } : {}) } }),
  );
}

const begin = () => sheet("Begin a shift", [h("p", {}, `At desk ${place.desk}.`), open().length || shifts.find((one) => one.desk === place.desk)?.closedBy === "none" ? h("p", { class: "sign watch" }, "Nothing was handed over to you: the log will say so.") : "", field("A first entry, if any", area("text", 2))], "Begin", ({ text }) => ask(door("begin"), { method: "POST", send: { desk: place.desk, ...(text.value.trim() ? { text: text.value } : {}) } }));
const end = (one) => sheet("End without a handover", [h("p", {}, "The log will show that nothing was handed over."), field("Why", area("text", 2, { required: true }))], "End the shift", ({ text }) => ask(door("end"), { method: "POST", send: { id: one.id, text: text.value } }));

function side() {
  const own = mine();
  const waits = open().find((one) => one.status === "handed" && one.who !== me);
  const acts = [];
  if (!may.size) acts.push(h("p", { class: "quiet" }, "You read this log; entering is for operators, supervisors and the command centre."));
  else if (waits && !own) acts.push(h("p", { class: "sign watch" }, `${waits.who} has handed over`), press("do", "Read and accept…", () => accept(waits)));
  else if (own) acts.push(own.status === "handed" ? h("p", { class: "quiet" }, "You have handed over; it waits to be accepted.") : "", press("do", own.status === "handed" ? "Write the handover again…" : "Hand over…", () => handOver(own)), press("tool", "End without…", () => end(own)));
  else acts.push(press("do", "Begin a shift…", begin));
  const rows = shifts.filter((one) => one.desk === place.desk);
  by("side").replaceChildren(
    h("header", { class: "side-head" }, h("div", {}, h("h2", {}, own ? "Your shift" : waits ? "A handover waits" : "Shifts"), own ? h("p", { class: "quiet" }, `since ${whenText(moment(own.begin) ?? now(), now())}, ${count(own.entries ?? 0, "entry", "entries")}`) : "")),
    h("div", { class: "shift-acts" }, acts),
    h("h3", {}, "How each was handed over"),
    rows.length ? h("ol", { class: "shifts" }, rows.slice(0, 40).map(row)) : h("p", { class: "quiet" }, "No shift yet."),
  );
}

function row(one) {
  const [begun, ended] = [moment(one.begin), moment(one.end)];
  const how = one.status === "open" ? h("span", { class: "vsign fresh" }, "Open") : one.status === "handed" ? h("span", { class: "vsign late" }, "Waits to be accepted") : one.closedBy === "handover" ? h("span", { class: "vsign fresh" }, `Accepted by ${one.acceptedBy}`) : h("span", { class: "vsign silent" }, `Without a handover${one.endedBy && one.endedBy !== one.who ? `, ended by ${one.endedBy}` : ""}`);
  return h("li", {}, h("b", { class: "id" }, one.who), h("span", {}, begun === null ? "" : `${whenText(begun, now())} – ${ended === null ? "" : whenText(ended, now())}`, begun === null ? "" : h("span", { class: "quiet" }, ` ${lasting((ended ?? now()) - begun)}`)), how, one.begunWithout ? h("span", { class: "quiet" }, "began without a handover") : "");
}

// ---- proving

async function verify() {
  const box = by("verified");
  box.replaceChildren(h("p", { class: "quiet pad" }, "Asking…"));
  try {
    const { body } = await ask(door("verify", { desk: place.desk }));
    const pairs = log.entries.map((one) => [one.id, one.digest]);
    const { body: audit } = await ask("/audit/held", { method: "POST", send: { realm: REALM, entries: pairs } });
    proven = new Map(audit.entries.map((one) => [one.entity, one]));
    const bad = audit.entries.filter((one) => !one.held);
    const sound = body.sound && !bad.length;
    box.replaceChildren(
      h("div", { class: `verdict ${sound ? "sound" : "broken"}` }, h("b", {}, sound ? "Valid" : "Altered"), h("span", {}, body.sound ? `All ${count(body.entries, "entry", "entries")} follow one another.` : body.faults.slice(0, 5).map((one) => `No. ${one.number}: ${one.what}.`).join(" ")), h("span", {}, bad.length ? `${bad.length} of the ${audit.entries.length} shown are not what the audit log has.` : `The audit log has the ${audit.entries.length} shown, word for word.`), h("button", { type: "button", class: "knob close", "aria-label": "Close", on: { click: () => box.replaceChildren() } }, "×")),
    );
    aloud(sound ? "The log is valid" : "The log was altered");
    if (by("log").querySelector("ol")) list();
  } catch (problem) {
    box.replaceChildren(fault("The log could not be verified", problem));
  }
}

by("verify").addEventListener("click", verify);
by("desk").addEventListener("change", () => /^[a-z0-9][a-z0-9-]{0,39}$/.test(by("desk").value) && go({ desk: by("desk").value }));
by("hand-out").addEventListener("click", () => {
  const names = ["number", "at", "by", "kind", "text", "happenedAt", "corrects", "digest", "previous"];
  download(`shift-log-${place.desk}.csv`, csv([names, ...log.entries.map((one) => names.map((name) => one[name] ?? ""))]));
});

async function whoAmI() {
  try {
    const { body } = await ask("/account");
    me = body.id ?? `person:${body.name}`;
  } catch {
    me = "administrator"; // the machine itself
  }
}

where();
addEventListener("popstate", () => {
  where();
  load();
});
await start({ keys: [["n", "enter something"], ["v", "verify the log"]], act: { n: () => by("enter").querySelector("textarea")?.focus(), v: verify } });
[may] = await Promise.all([allowed("brain"), whoAmI()]);
await load();
setInterval(() => document.hidden || document.querySelector("dialog[open]") || load(), EVERY_MS);
document.documentElement.classList.add("ready");
