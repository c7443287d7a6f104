// /policies: the policy of a realm as rules and as text; a change of it written, checked, tried and proposed.

import { h, press, put, sign } from "../dom.js";
import { ask } from "../doors.js";
import { aloud, copier, fault, start, walk } from "../base/start.js";
import { count, look } from "../words.js";
import { keep, kept as keptTyped } from "../people/typed.js";
import { signIn } from "../people/way.js";
import { ruleElement, whoText } from "./rules.js";

const by = (id) => document.getElementById(id);
const DOOR = "/access/v1/policies";
const CHECK_MS = 500;
const SHOWN = 200; // changes of a trial that are listed; all of them are in the API's answer
const VIEWS = [["", "Rules"], ["text", "Text"]];
const said = { realm: "", view: "", version: "", rule: "", edit: "", proposal: "" };
const at = (realm) => `${DOOR}/${encodeURIComponent(realm)}`;
let realms = [];
let one = null; // what is shown: {realm, version, holds, text, rules, versions}
let drawn = 0;

function where() {
  const given = new URLSearchParams(location.search);
  for (const name of Object.keys(said)) said[name] = given.get(name) ?? "";
}

function go(change) {
  Object.assign(said, change);
  const given = new URLSearchParams(Object.entries(said).filter(([, value]) => value));
  history.pushState(null, "", given.size ? `?${given}` : location.pathname);
  return show();
}

async function show() {
  const mine = ++drawn;
  try {
    if (!realms.length) realms = (await ask(DOOR)).body.policies;
    if (said.proposal) return await proposal(mine);
    const realm = said.realm || realms[0].realm;
    const version = said.version ? `?version=${encodeURIComponent(said.version)}` : "";
    const got = (await ask(at(realm) + version)).body;
    if (mine !== drawn) return;
    one = got;
    head();
    if (said.edit && look.watches) return write();
    side(one.versions.length ? versions() : null);
    if (said.view === "text") text();
    else rules();
  } catch (problem) {
    if (mine !== drawn) return;
    side(null);
    by("list").replaceChildren(fault("The policy could not be read", problem, h("button", { type: "button", on: { click: show } }, "Try again")));
  }
}

function head() {
  const toggle = (word, on, change) => h("button", { type: "button", "aria-pressed": String(on), on: { click: () => go(change) } }, word);
  by("realms").replaceChildren(...realms.map((each) => toggle(each.realm[0].toUpperCase() + each.realm.slice(1), each.realm === one.realm, { realm: each.realm, version: "", rule: "", edit: "", proposal: "" })));
  by("views").replaceChildren(...VIEWS.map(([view, word]) => toggle(word, !said.edit && said.view === view, { view, edit: "" })));
  const all = one.versions.length ? [...one.versions.map((each) => each.version), "shipped"] : [];
  by("version-line").hidden = !all.length || Boolean(said.edit);
  by("version").replaceChildren(...all.map((each, i) => h("option", { value: i ? each : "", selected: each === one.version }, i ? each : `${each}, which holds`)));
  put(by("sum"), one.holds ? `${count(one.rules.length, "rule")}${all.length ? "" : ", as hansa ships it"}` : "no longer holds");
  by("edit").hidden = !look.watches || Boolean(said.edit) || !one.holds;
}

function side(content, editing = false) {
  by("one").hidden = !content;
  by("one").replaceChildren(...(content ?? []));
  document.body.classList.toggle("has-side", Boolean(content));
  document.body.classList.toggle("editing", editing);
}

const versions = () => [
  h("header", { class: "side-head" }, h("h2", {}, "Versions")),
  h("ul", { class: "versions" }, one.versions.map((each) => h("li", {}, h("b", {}, each.version), ` since ${each.at.slice(0, 16).replace("T", " ")} UTC`, h("span", { class: "sub" }, `${each.reason} Proposed by ${each.by}, approved by ${each.approvedBy.join(", ")}.`)))),
];

// ---- reading it

function rules() {
  if (!one.rules.length) return text(); // of a version that does not hold there is the text alone
  const lines = one.text.split("\n");
  const parts = [];
  let next = 0;
  for (const rule of one.rules) {
    for (; next < rule.lines[0]; next++) {
      const heading = /^\/\/ -{2,} (.+)$/.exec(lines[next]);
      if (heading) parts.push(h("h3", {}, heading[1]));
    }
    parts.push(ruleElement(one.realm, rule, { open: rule.id === said.rule, at: rule.id === said.rule }));
  }
  by("list").replaceChildren(
    h("div", { class: "rules" }, h("p", { class: "quiet" }, "Nothing is allowed unless a rule permits it. One rule that forbids is stronger than all that permit."), parts),
  );
  document.querySelector(".rule.at")?.scrollIntoView();
}

const kindOf = (line) => (/^\s*\/\//.test(line) ? "comment" : /^@/.test(line) ? "note" : null);

function text() {
  const rule = one.rules.find((each) => each.id === said.rule);
  const [first, last] = rule?.lines ?? [0, -1];
  const lines = one.text.replace(/\n$/, "").split("\n");
  by("list").replaceChildren(
    h("p", { class: "links pad" }, copier(() => one.text)),
    h("ol", { class: "law" }, lines.map((line, i) => h("li", { id: `L${i + 1}`, class: first <= i + 1 && i + 1 <= last ? "at" : null }, h("code", { class: kindOf(line) }, line || " ")))),
  );
  document.querySelector(".law .at")?.scrollIntoView();
}

// ---- a change of it

function write() {
  const kept = `hansa.policy.${one.realm}`;
  let draft = null;
  try {
    draft = sessionStorage.getItem(kept);
  } catch {
    // Without storage the draft lives as long as the page.
  }
  const area = h("textarea", { name: "text", spellcheck: "false", autocapitalize: "off", "aria-label": `The policy of the realm ${one.realm}` });
  area.value = draft ?? one.text;
  const numbers = h("pre", { "aria-hidden": "true" });
  by("list").replaceChildren(h("div", { class: "desk" }, numbers, area));
  const faults = h("div", { id: "faults", "aria-live": "polite" });
  const tried = h("div", { id: "tried" });
  const told = h("div", { id: "told" });
  const reason = h("textarea", { name: "reason", maxlength: "2000", "aria-label": "Why the policy should be changed", placeholder: "Why? Whoever approves it reads this, and so does the audit." });
  const before = keptTyped();
  if (before?.name === "reason") reason.value = before.what;
  const propose = press("do", "Propose it", send, { id: "propose", disabled: true });
  const tryIt = press("tool", "Try it", trial, { id: "try", disabled: true });
  let wrong = new Set();
  let timer = 0;
  let checked = 0;

  function numbered() {
    const many = area.value.split("\n").length;
    numbers.replaceChildren(...Array.from({ length: many }, (_, i) => [wrong.has(i + 1) ? h("b", {}, String(i + 1)) : String(i + 1), "\n"]).flat());
    numbers.scrollTop = area.scrollTop;
  }

  function jump(line) {
    const lines = area.value.split("\n");
    const from = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    area.focus();
    area.setSelectionRange(from, from + (lines[line - 1] ?? "").length);
    area.scrollTop = (line - 4) * parseFloat(getComputedStyle(area).lineHeight);
  }

  function say(found) {
    wrong = new Set(found.map((each) => each.line));
    numbered();
    const same = area.value === one.text;
    tryIt.disabled = propose.disabled = found.length > 0 || same;
    if (found.length) faults.replaceChildren(h("ol", { class: "faults" }, found.map((each) => h("li", {}, h("button", { type: "button", on: { click: () => jump(each.line) } }, `Line ${each.line}`), h("span", {}, each.reason, each.rule ? h("span", { class: "sub" }, each.rule) : null)))));
    else faults.replaceChildren(h("p", { class: "quiet" }, same ? "As it holds: nothing would change." : "It is strictly valid."));
  }

  async function check() {
    const mine = ++checked;
    try {
      const { body } = await ask(`${at(one.realm)}/check`, { method: "POST", send: { text: area.value } });
      if (mine === checked) say(body.faults);
    } catch (problem) {
      if (mine === checked) faults.replaceChildren(fault("It could not be checked", problem));
    }
  }

  async function trial() {
    tryIt.disabled = true;
    tried.replaceChildren(h("p", { class: "quiet" }, "Trying it…"));
    try {
      tried.replaceChildren(...trialElements((await ask(`${at(one.realm)}/trial`, { method: "POST", send: { text: area.value } })).body));
    } catch (problem) {
      tried.replaceChildren(fault("It could not be tried", problem));
    }
    tryIt.disabled = false;
  }

  async function send() {
    propose.disabled = true;
    try {
      const what = { realm: one.realm, text: area.value, replaces: one.version };
      const { body } = await ask("/admin/proposals", { method: "POST", send: { kind: "policy", what, reason: reason.value } });
      forget();
      aloud("Proposed");
      go({ edit: "", rule: "", proposal: body.id });
    } catch (problem) {
      if (problem.problem?.stepUp) {
        keep("reason", reason.value); // the text is kept anyway
        signIn(true);
        return;
      }
      told.replaceChildren(fault("It was not proposed", problem));
      propose.disabled = false;
    }
  }

  function forget() {
    try {
      sessionStorage.removeItem(kept);
    } catch {
      // there was none
    }
  }

  area.addEventListener("input", () => {
    try {
      sessionStorage.setItem(kept, area.value);
    } catch {
      // it is in the page
    }
    numbered();
    tryIt.disabled = propose.disabled = true;
    tried.replaceChildren();
    clearTimeout(timer);
    timer = setTimeout(check, CHECK_MS);
  });
  area.addEventListener("scroll", () => (numbers.scrollTop = area.scrollTop));
  side(
    [
      h("header", { class: "side-head" }, h("h2", {}, "A change of the policy"), press("tool", "Leave", () => (forget(), go({ edit: "" })), { id: "leave" })),
      h("section", { class: "step" }, h("h3", {}, "What is wrong"), faults),
      h("section", { class: "step" }, h("h3", {}, "What it would change"), h("p", { class: "quiet" }, "It is tried against what was asked of the policy that holds. Nothing takes effect by that."), h("p", { class: "head-tools" }, tryIt), tried),
      h("section", { class: "step" }, h("h3", {}, "Propose it"), h("p", { class: "quiet" }, "It takes effect when a second person approves exactly this."), reason, told, h("p", { class: "head-tools" }, propose)),
      h("details", { class: "document folded" }, h("summary", {}, "What a policy may speak of"), h("div", { id: "words" })),
    ],
    true,
  );
  words();
  numbered();
  check();
  area.focus();
  area.setSelectionRange(0, 0);
}

async function words() {
  try {
    by("words").replaceChildren(h("pre", { class: "code", tabindex: "0", "aria-label": "The schema" }, (await ask(DOOR)).body.schema));
  } catch (problem) {
    by("words")?.replaceChildren(h("p", { class: "quiet" }, problem.message));
  }
}

const verdict = (it) => h("td", {}, sign(it.allowed ? "permit" : "forbid", it.allowed ? "allowed" : "denied"), h("span", { class: "sub" }, it.reasons.join(", ")));

/** What a trial found: {asked, changes}. */
function trialElements({ asked, changes, against }) {
  const sum = changes.length ? `${count(changes.length, "request")} of ${count(asked, "kind")} that were asked would be answered otherwise.` : `All ${count(asked, "kind")} of requests that were asked would be answered as now.`;
  const rows = changes.slice(0, SHOWN).map((it) => h("tr", {}, h("th", { scope: "row" }, whoText(it)), h("td", {}, it.verb, h("span", { class: "sub" }, it.label, it.purpose ? ` for ${it.purpose}` : "", it.subject ? ", about himself" : "")), h("td", { class: "num" }, String(it.count)), verdict(it.before), verdict(it.after)));
  const titles = ["Who", "Asked to", "Times", "Now", "Then"].map((word) => h("th", { scope: "col", class: word === "Times" ? "num" : null }, word));
  return [
    h("p", { role: "status" }, h("b", {}, sum), h("span", { class: "sub" }, `Against version ${against}.`)),
    changes.length ? h("div", { class: "trial-wide" }, h("table", { class: "trial" }, h("caption", { class: "unseen" }, "What would change, for whom"), h("thead", {}, h("tr", {}, titles)), h("tbody", {}, rows))) : null,
    changes.length > SHOWN ? h("p", { class: "quiet" }, `${changes.length - SHOWN} more.`) : null,
  ].filter(Boolean);
}

// ---- a change that waits for its second person

async function proposal(mine) {
  const { body } = await ask(`/admin/proposals/${encodeURIComponent(said.proposal)}`);
  const what = body.what;
  const holds = (await ask(at(what.realm))).body;
  if (mine !== drawn) return;
  one = holds;
  head();
  by("edit").hidden = true;
  const lines = (what.changes || "").split("\n");
  const kind = (line) => (/^(\+\+\+|---|@@)/.test(line) ? "place" : line[0] === "+" ? "more" : line[0] === "-" ? "less" : null);
  by("list").replaceChildren(h("ol", { class: "changes" }, lines.map((line) => h("li", { class: kind(line) }, line || " "))));
  const tried = h("div", { id: "tried" }, h("p", { class: "quiet" }, "Trying it…"));
  side([
    h("header", { class: "side-head" }, h("h2", {}, "A proposed change"), press("tool", "Leave", () => go({ proposal: "", realm: what.realm }), { id: "leave" })),
    h("dl", { class: "facts" }, [["State", body.state], ["Proposed by", body.by], ["Why", body.reason], ["Replaces", what.replaces], ["Approved by", body.approvedBy.join(", ") || "nobody yet"], ["Until", body.until]].flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    h("p", { class: "head-tools pad-above" }, h("a", { class: "tool", href: `/approvals#p-${body.id}` }, "Approve or refuse it")),
    h("section", { class: "step" }, h("h3", {}, "What it would change"), tried),
  ]);
  if (!look.watches || body.state !== "waiting") return tried.replaceChildren(h("p", { class: "quiet" }, "It is tried while it waits, by those who watch over policies."));
  try {
    tried.replaceChildren(...trialElements((await ask(`${at(what.realm)}/trial`, { method: "POST", send: { text: what.text } })).body));
  } catch (problem) {
    tried.replaceChildren(fault("It could not be tried", problem));
  }
}

// ---- joined

by("edit").addEventListener("click", () => go({ edit: "1", rule: "", version: "" }));
by("version").addEventListener("change", (event) => go({ version: event.target.value, rule: "" }));
addEventListener("popstate", () => (where(), show()));
where();
await start({
  keys: [["j  k", "next, previous rule; Enter opens"], ["n", "propose a change"]],
  act: { j: walk(".rule summary", 1), k: walk(".rule summary", -1), n: () => (by("edit").hidden ? false : by("edit").click()) },
});
await show();
document.documentElement.classList.add("ready");
