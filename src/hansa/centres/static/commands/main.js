// /commands and /ccc/commands: what devices are to do, who asked, who agreed, and what came of it.

import { csv, download, h, keep, notice, press, put } from "../dom.js";
import { ask, REALM } from "../doors.js";
import { allowed, sheet } from "../desk/acts.js";
import { aloud, copier, fault, now, start, walk } from "../base/start.js";
import { page as incidentPage, watching, when, who } from "../incidents/told.js";
import { signIn } from "../people/way.js";
import { count, lasting, look } from "../words.js";
import { send } from "./send.js";
import { act, bad, code, due, expected, left, open, said, stateSign, view } from "./told.js";

const by = (id) => document.getElementById(id);
const WHICH = [["", "Last day"], ["open", "Under way"], ["bad", "To look at"], ["week", "Week"], ["interlocks", "Interlocks"]];
const given = new URLSearchParams(location.search);
const place = { show: given.get("show") ?? "", q: given.get("q") ?? "", sel: given.get("sel") ?? "" };
const picked = new Set();
let found = [];
let locks = [];
let failed = null;
let more = false;
let turn = 0;
let may = new Set();
let me = "";

function go(change, quiet = true) {
  Object.assign(place, change);
  const query = new URLSearchParams(Object.entries(place).filter(([, value]) => value));
  history[quiet ? "replaceState" : "pushState"](null, "", query.size ? `?${query}` : location.pathname);
}

async function load() {
  const mine = ++turn;
  if (!may.size) may = await allowed("commands"); // a city that was busy just then is asked again
  try {
    const [board, interlocks] = await Promise.all([view("board", place.show === "week" ? { hours: "168" } : {}), place.show === "interlocks" ? view("interlocks") : null]);
    if (mine !== turn) return;
    found = board.commands;
    more = board.more;
    locks = interlocks?.interlocks ?? locks;
    failed = null;
  } catch (problem) {
    if (mine !== turn) return;
    failed = problem;
  }
  show();
}

const waits = (one) => one.status === "requested" && !one.result;
const mine = (one) => (one.requestedBy ?? one.issuedBy) === me;
const mayApprove = (one) => may.has("approve") && waits(one) && !mine(one);
const fits = (one) => (place.show === "open" ? open(one) : place.show === "bad" ? bad(one) : true) && (!place.q || JSON.stringify(one).toLowerCase().includes(place.q.toLowerCase()));

function show() {
  by("which").replaceChildren(...WHICH.map(([value, word]) => h("button", { type: "button", "aria-pressed": String(place.show === value), on: { click: () => (go({ show: value, sel: "" }), load()) } }, word, value === "" || value === "interlocks" ? null : tally(value))));
  const waiting = found.filter(waits).length;
  put(by("sum"), failed ? "" : [`${count(found.length, "command")}${more ? " and more" : ""}`, waiting ? `${waiting} for approval` : ""].filter(Boolean).join(", "));
  by("send").hidden = !may.has("request");
  by("hand-out").hidden = !found.length;
  if (failed && !found.length) return by("list").replaceChildren(fault("The commands could not be read", failed, h("button", { type: "button", on: { click: load } }, "Try again")));
  bulk();
  if (place.show === "interlocks") interlocks();
  else list();
  panel();
}

function tally(value) {
  const many = value === "week" ? 0 : found.filter(value === "open" ? open : bad).length;
  return many ? h("span", { class: `cmd-many${value === "bad" ? " grave" : ""}` }, ` ${many}`) : null;
}

function list() {
  const lines = found.filter(fits);
  if (!lines.length) return by("list").replaceChildren(nothing());
  let body = by("list").querySelector("tbody.cmds");
  if (!body) {
    body = h("tbody", { class: "cmds" });
    by("list").replaceChildren(h("table", { class: "cmd-table" }, h("caption", { class: "unseen" }, "Commands, newest first"), h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "c-pick" }, h("span", { class: "unseen" }, "Choose")), ["Command", "State", "Time", "Asked for by", "Approved by", "When"].map((word) => h("th", { scope: "col", class: word === "Time" ? "num" : null }, word)))), body));
  }
  keep(body, lines, (one) => one.id, () => h("tr", {}), row);
}

function row(tr, one) {
  const at = now();
  const what = JSON.stringify([one, place.sel === one.id, picked.has(one.id), left(one, at), may.size]);
  if (tr.said === what) return;
  tr.said = what;
  const focused = tr.contains(document.activeElement) ? document.activeElement.className : null;
  tr.className = [place.sel === one.id ? "at" : "", bad(one) ? "bad" : ""].join(" ").trim();
  const box = mayApprove(one) ? h("input", { type: "checkbox", class: "pick", "aria-label": `Choose ${one.commandDevice}`, checked: picked.has(one.id), on: { change: (event) => (picked[event.target.checked ? "add" : "delete"](one.id), bulk()) } }) : null;
  tr.replaceChildren(
    h("td", { class: "c-pick" }, box),
    h("th", { scope: "row" }, h("button", { type: "button", class: "attr", on: { click: () => choose(one.id) } }, one.commandDevice ?? "?"), h("span", { class: "cmd-said-of" }, said(one.payload)), one.drill ? h("strong", { class: "cmd-drill" }, "Drill") : null, h("span", { class: "sub" }, one.reason ?? "")),
    h("td", {}, stateSign(one)),
    h("td", { class: "num cmd-left" }, left(one, at)),
    h("td", {}, who(one.requestedBy ?? one.issuedBy ?? "—")),
    h("td", {}, one.approvedBy ? who(one.approvedBy) : waits(one) ? h("span", { class: "quiet" }, "nobody yet") : "—"),
    h("td", { class: "since" }, when(one.requestedAt ?? one.dateIssued ?? one.resultAt, at)),
  );
  if (focused !== null) tr.querySelector(focused.includes("pick") ? ".pick" : ".attr")?.focus({ preventScroll: true });
}

function nothing() {
  if (place.q || place.show === "open" || place.show === "bad") return notice(place.show === "bad" && !place.q ? "Nothing to look at" : "No such command", [place.show === "bad" && !place.q ? "Every command of the last day was answered." : "Nothing fits. Choose “Last day”, or leave the search empty."]);
  return notice("No command in this time", [REALM === "security" ? "Here one person asks for a command, and another approves it before it is sent." : "A command goes to its device at once; what comes back is read and compared.", "What must not be done while something is so stands under “Interlocks”."]);
}

// ---- many at once

function bulk() {
  for (const id of picked) if (!found.some((one) => one.id === id && mayApprove(one))) picked.delete(id);
  by("bulk").hidden = !picked.size;
  if (!picked.size) return;
  by("bulk").replaceChildren(h("b", {}, `${picked.size} chosen`), press("do", `Approve ${picked.size}`, () => approve(found.filter((one) => picked.has(one.id)))), press("tool", "Deny…", () => deny([...picked])), press("link", "Choose none", () => (picked.clear(), show())));
}

function told(words, isBad = false) {
  by("said").hidden = !words;
  by("said").className = `cmd-said${isBad ? " bad" : ""}`;
  by("said").replaceChildren(h("span", {}, words), press("knob", "×", () => told(""), { "aria-label": "Close" }));
  aloud(words);
}

/** Approve exactly what stands on the screen: each with its hash. */
async function approve(those) {
  const asked = those.map((one) => h("li", {}, h("b", {}, one.commandDevice), " ", said(one.payload), h("span", { class: "sub" }, `asked for by ${who(one.requestedBy)}: ${one.reason ?? ""}`), one.expects ? h("span", { class: "sub" }, `then ${expected(one.expects)}`) : null));
  sheet(those.length === 1 ? "Approve this command?" : `Approve these ${those.length} commands?`, [h("ul", { class: "cmd-lines" }, asked), h("p", { class: "hint plain" }, "Each is sent as it stands here, right after; interlocks are asked once more.")], those.length === 1 ? "Approve and send" : "Approve and send all", async () => {
    try {
      const body = await act("approve", those.length === 1 ? { id: those[0].id, hash: those[0].hash } : { ids: those.map((one) => one.id), hashes: Object.fromEntries(those.map((one) => [one.id, one.hash])) });
      const refused = body.refused ?? [];
      told(refused.length ? `${body.done.length} approved, ${refused.length} not: ${refused.map((one) => one.detail).join("; ")}` : `${count(those.length, "command")} approved.`, refused.length > 0);
      picked.clear();
      load();
    } catch (problem) {
      if (problem.problem?.stepUp) return signIn(true);
      throw problem;
    }
    return undefined;
  });
}

const reason = (question, word, work) => sheet(question, [h("label", { class: "line" }, h("span", {}, "Why"), h("input", { name: "reason", maxlength: 500, required: true, autocomplete: "off" }))], word, ({ reason: why }) => work(why));
const deny = (ids) => reason(ids.length === 1 ? "Deny this command" : `Deny ${ids.length} commands`, "Deny", async (why) => (await act("deny", { ids, reason: why }), picked.clear(), load()));
const cancel = (one) => reason("Take this command back", "Take back", async (why) => (await act("cancel", { id: one.id, ...(why ? { reason: why } : {}) }), load()));

// ---- one of them

function choose(id) {
  go({ sel: place.sel === id ? "" : id }, false);
  show();
  if (place.sel) by("one").focus({ preventScroll: true });
}

const STEPS = [["Asked for", "requestedAt", "requestedBy"], ["Approved", "approvedAt", "approvedBy"], ["Taken by the device", "deliveredAt", null], ["Came of it", "resultAt", null]];

function panel() {
  const one = place.show === "interlocks" ? null : found.find(({ id }) => id === place.sel);
  const box = by("one");
  document.body.classList.toggle("has-side", Boolean(one));
  box.hidden = !one;
  const what = one ? JSON.stringify([one, left(one, now()), may.size, me]) : "";
  if (box.said === what) return;
  box.said = what;
  if (!one) return box.replaceChildren();
  const held = box.contains(document.activeElement) ? document.activeElement.dataset.f : null;
  const facts = [["What", said(one.payload)], ["Why", one.reason], ["Reads back", one.expects ? expected(one.expects) : "nothing; its receipt is the answer"], ["It was", one.expects ? JSON.stringify(one.expects.was) : null], ["It is", one.answer ? `${JSON.stringify(one.answer.value)}${one.answer.late ? ", late" : ""}` : null], ["Withheld", one.withheldBecause], ["Ended", one.endedBy ? `by ${who(one.endedBy)}${one.endedReason ? `: ${one.endedReason}` : ""}` : null], ["Incident", one.incident ? h("a", { href: incidentPage(one.incident) }, one.incident.split(":").pop()) : null], ["Id", h("span", { class: "id" }, one.id)], ["SHA-256", one.hash ? h("span", { class: "id" }, one.hash) : null]];
  const steps = STEPS.filter(([, at]) => one[at]).map(([word, at, person]) => h("li", {}, when(one[at], now()), h("span", {}, word === "Came of it" ? stateSign(one) : word, person && one[person] ? ` by ${who(one[person])}` : "")));
  const next = left(one, now());
  const tools = [mayApprove(one) ? press("do", "Approve…", () => approve([one]), { "data-f": "approve" }) : null, may.has("deny") && waits(one) && !mine(one) ? press("tool", "Deny…", () => deny([one.id]), { "data-f": "deny" }) : null, may.has("cancel") && ["requested", "pending", "draft"].includes(one.status) && !one.result ? press("tool", "Take back…", () => cancel(one), { "data-f": "cancel" }) : null, waits(one) && mine(one) ? h("span", { class: "quiet" }, "You asked for it; somebody else approves it.") : null];
  box.replaceChildren(
    h("header", { class: "side-head" }, h("h2", {}, one.commandDevice ?? "?", one.drill ? h("strong", { class: "cmd-drill" }, "Drill") : null), h("button", { type: "button", class: "knob close", "aria-label": "Close", "data-f": "close", on: { click: () => choose(one.id) } }, "×")),
    h("p", { class: "cmd-marks" }, stateSign(one), next ? h("b", { class: due(one) < now() ? "grave" : "" }, next) : null),
    h("p", { class: "head-tools" }, tools),
    h("dl", { class: "facts" }, facts.filter(([, value]) => value).flatMap(([word, value]) => [h("dt", {}, word), h("dd", {}, value)])),
    h("h3", {}, "How it went"),
    h("ol", { class: "cmd-steps" }, steps),
    h("h3", {}, "Payload"),
    h("p", { class: "links" }, copier(() => JSON.stringify(one.payload))),
    code(one.payload),
  );
  if (held) box.querySelector(`[data-f="${held}"]`)?.focus({ preventScroll: true });
}

// ---- interlocks

const condition = (one) => `${one.attribute} of ${(one.entity ?? `any ${one.type}`).split(":").pop()} ${one.is} ${JSON.stringify(one.value)}${one.fresh_s ? `, or unknown for ${lasting(one.fresh_s * 1000)}` : ""}`;

function interlocks() {
  const edit = may.has("interlock");
  const add = edit ? press("tool", "New interlock…", () => write(null)) : null;
  if (!locks.length) return by("list").replaceChildren(notice("No interlock", ["An interlock keeps a device from getting a payload while something is so: a gate that must not open while the water stands high.", "What it cannot know blocks too, and says so."], { button: edit ? h("button", { type: "button", on: { click: () => write(null) } }, "New interlock…") : null }));
  by("list").replaceChildren(
    h("p", { class: "pad" }, add),
    h("table", { class: "cmd-table" }, h("caption", { class: "unseen" }, "Interlocks"), h("thead", {}, h("tr", {}, ["Interlock", "Now", "Devices and payload", "While all of this is so", ""].map((word) => h("th", { scope: "col" }, word)))), h("tbody", {}, locks.filter((one) => !place.q || JSON.stringify(one).toLowerCase().includes(place.q.toLowerCase())).map((one) => h("tr", { class: one.fault ? "bad" : "" }, h("th", { scope: "row" }, h("span", { class: "attr" }, String(one.name)), h("span", { class: "sub" }, one.changedReason ?? "")), h("td", { class: "cmd-wrap" }, one.enabled ? h("span", { class: `sign ${one.blocks ? "alarm" : "ok"}` }, one.blocks ? "Blocks" : "Free") : h("span", { class: "sign stale" }, "Off"), h("span", { class: "sub" }, one.enabled ? one.blocks : `by ${who(one.changedBy ?? "?")}`)), h("td", { class: "cmd-wrap" }, [one.devices ?? []].flat().join(", "), h("span", { class: "sub mono" }, JSON.stringify(one.payload))), h("td", { class: "cmd-wrap" }, one.fault ? h("span", { class: "grave" }, one.fault) : (one.while ?? []).map((it) => h("span", { class: "cmd-cond" }, condition(it)))), h("td", { class: "does" }, edit ? [press("tool", one.enabled ? "Switch off…" : "Switch on…", () => reason(one.enabled ? `Switch off ${one.name}` : `Switch on ${one.name}`, one.enabled ? "Switch off" : "Switch on", async (why) => (await act("interlock", { id: one.id, enabled: !one.enabled, reason: why }), load()))), " ", press("tool", "Edit…", () => write(one))] : null))))),
  );
}

function write(one) {
  const area = (name, value, rows) => h("textarea", { name, rows, class: "mono", spellcheck: "false" }, value);
  sheet(
    one ? `Interlock ${one.name}` : "New interlock",
    [
      h("label", { class: "line" }, h("span", {}, "Name"), h("input", { name: "name", maxlength: 200, value: one?.name ?? "", autocomplete: "off" })),
      h("label", { class: "line" }, h("span", {}, "Devices"), h("input", { name: "devices", class: "mono", value: [one?.devices ?? []].flat().join(", "), placeholder: "gate-1, gate-2; * is all" })),
      h("label", { class: "stack" }, h("span", {}, "Must not get (pattern; {} is anything)"), area("payload", JSON.stringify(one?.payload ?? {}), 2)),
      h("label", { class: "stack" }, h("span", {}, "While all of this is so"), area("while", JSON.stringify(one?.while ?? [{ entity: "urn:ngsi-ld:…", attribute: "waterLevel", is: ">", value: 3, fresh_s: 900 }], null, 1), 7)),
      h("label", { class: "line" }, h("span", {}, "Why"), h("input", { name: "reason", maxlength: 500, autocomplete: "off" })),
    ],
    "Keep",
    async ({ name, devices, payload, while: conditions, reason: why }) => {
      const read = (text) => {
        try {
          return JSON.parse(text);
        } catch {
          return text; // the city says what is wrong with it
        }
      };
      await act("interlock", { ...(one ? { id: one.id } : {}), name, devices: devices.split(",").map((it) => it.trim()).filter(Boolean), payload: read(payload), while: read(conditions), reason: why });
      load();
    },
  );
}

// ---- joined

by("find").value = place.q;
by("find").addEventListener("input", () => (go({ q: by("find").value.trim() }), show()));
by("send").addEventListener("click", async () => {
  try {
    await send(by("editor"), load);
  } catch (problem) {
    told(`${problem.message} ${problem.mend ?? ""}`, true);
  }
});
by("hand-out").addEventListener("click", () => {
  const names = ["id", "commandDevice", "payload", "status", "result", "reason", "requestedBy", "requestedAt", "approvedBy", "approvedAt", "sendBy", "deliveredAt", "resultAt", "withheldBecause", "incident"];
  download(`${look.city}-commands.csv`, csv([names, ...found.filter(fits).map((one) => names.map((name) => (typeof one[name] === "object" ? JSON.stringify(one[name]) : one[name] ?? "")))]));
});
addEventListener("popstate", () => {
  const query = new URLSearchParams(location.search);
  for (const name of Object.keys(place)) place[name] = query.get(name) ?? "";
  by("find").value = place.q;
  load();
});
await start({
  keys: [["n", REALM === "security" ? "ask for a command" : "send a command"], ["j  k", "next, previous; Enter opens"], ["a", "approve what is open"], ["/", "search"], ["Esc", "close"]],
  act: { n: () => by("send").click(), j: walk(".cmd-table .attr", 1), k: walk(".cmd-table .attr", -1), a: () => document.querySelector('[data-f="approve"]')?.click(), "/": () => by("find").focus(), Escape: () => (place.sel ? choose(place.sel) : false) },
});
try {
  me = `person:${(await ask("/account")).body.name}`;
} catch {
  // the machine itself, or nobody: whoever asked is somebody else
}
await load();
watching(["Command", "Interlock"], () => true, load, (phase) => document.body.classList.toggle("unheard", phase !== "live"));
setInterval(() => document.hidden || failed || show(), 1_000);
aloud(count(found.length, "command"));
document.documentElement.classList.add("ready");
