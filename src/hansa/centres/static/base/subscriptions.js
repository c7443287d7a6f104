// /subscriptions: who is told what, how that goes, and what could not be told.

import { h, keep, press, put, sign } from "../dom.js";
import { ask, API, door } from "../doors.js";
import { address, headers, read } from "./asked.js";
import { confirm } from "./edit.js";
import { letterList, readLetters } from "./letters.js";
import { ageElement } from "./shown.js";
import { aloud, copier, fault, may, now, start, walk } from "./start.js";
import { subscribeForm } from "./subscribe.js";
import { moment } from "../station.js";
import { age, count } from "../words.js";

const by = (id) => document.getElementById(id);
const PAGE = 500;
const AGAIN_MS = 5000;
const LETTERS_MS = 30_000; // all letters are asked for more rarely: they are heavy
const said = { sel: "", view: "", new: "", tenant: "" };
let query = {}; // what a new one is made from
let all = [];
let total = 0;
let letters = { list: [], fault: null, more: false }; // of all
let mine = { list: [], fault: null, more: false }; // of the subscription that is shown
let lettersAt = -Infinity;
let busy = false;
let failed = null;

// ---- where the page is

function where() {
  const given = new URLSearchParams(location.search);
  for (const name of Object.keys(said)) said[name] = given.get(name) ?? "";
  query = read(location.search);
}

function go(change, { quiet = false } = {}) {
  Object.assign(said, change);
  const given = new URLSearchParams(said.new ? address(query).slice(1) : "");
  for (const [name, value] of Object.entries(said)) if (value) given.set(name, value);
  const text = given.toString().replaceAll("%3A", ":");
  history[quiet ? "replaceState" : "pushState"](null, "", text ? `?${text}` : location.pathname);
  show();
}

const whose = () => headers({ tenant: said.tenant });

// ---- reading

async function load({ anew = true } = {}) {
  if (busy) return;
  busy = true;
  const every = may.administer && (anew || said.view === "letters" || performance.now() - lettersAt > LETTERS_MS);
  try {
    const asking = ask(`${API}/subscriptions?options=sysAttrs&limit=${PAGE}&count=true`, { headers: whose() });
    const [{ body, headers: got }, found, ofOne] = await Promise.all([asking, every ? readLetters() : letters, may.administer && said.sel ? readLetters(said.sel) : mine]);
    all = body;
    total = Number(got.get("NGSILD-Results-Count") ?? body.length);
    if (every) lettersAt = performance.now();
    [letters, mine] = [found, ofOne];
    failed = null;
  } catch (problem) {
    failed = problem;
  }
  busy = false;
  show();
}

// ---- how one is doing

const ours = (one) => (one.id === said.sel ? mine : letters).list.filter((letter) => letter.kind === "notification" && letter.source === one.id && (letter.detail?.tenant ?? "") === said.tenant);

/** [state, word] of a subscription: what the sign before it says. */
function doing(one) {
  const { status, lastFailure, lastSuccess, timesSent } = one.notification ?? {};
  if (one.status === "expired") return ["missing", "Expired"];
  if (one.status === "paused" || one.isActive === false) return ["stale", "Paused"];
  if (status === "failed" || (lastFailure && (!lastSuccess || lastFailure > lastSuccess))) return ["alarm", "Failing"];
  if (ours(one).length) return ["watch", "Missed some"];
  return timesSent ? ["ok", "Telling"] : ["ok", "Waiting"];
}

const called = (one) => one.subscriptionName || one.id.split(":").pop();

function about(one) {
  const types = (one.entities ?? []).map((it) => [it.type, it.id && [it.id].flat().join(", "), it.idPattern && `id like ${it.idPattern}`].filter(Boolean).join(" "));
  return [types.join("; "), one.watchedAttributes?.join(", "), one.q].filter(Boolean).join(" · ") || "everything";
}

// ---- the list

function show() {
  const view = said.view === "letters" ? "letters" : "list";
  by("see-list").setAttribute("aria-pressed", String(view === "list"));
  by("see-letters").setAttribute("aria-pressed", String(view === "letters"));
  by("see-letters").hidden = !may.administer;
  put(by("see-letters"), letters.list.length ? `Dead letters ${letters.list.length}${letters.more ? "+" : ""}` : "Dead letters");
  by("make").hidden = !may.write;
  if (document.activeElement !== by("tenant")) by("tenant").value = said.tenant;
  if (failed) {
    put(by("sum"), "");
    by("list").replaceChildren(fault("The subscriptions could not be read", failed, h("button", { type: "button", on: { click: load } }, "Try again")));
  } else if (view === "letters") showLetters();
  else showList();
  panel();
}

function showLetters() {
  put(by("sum"), letters.more ? `the newest ${letters.list.length}` : "");
  if (letters.fault) return by("list").replaceChildren(fault("The dead letters could not be read", letters.fault));
  if (!letters.list.length) return by("list").replaceChildren(h("div", { class: "notice" }, h("h2", {}, "No dead letter"), h("p", {}, "Whatever could not be used or delivered is kept here with its reason: messages of devices, rules that failed, notifications that were given up. There is none.")));
  letterList(by("list"), letters.list, { done: load, whole: true });
}

function showList() {
  const failing = all.filter((one) => doing(one)[0] === "alarm").length;
  put(by("sum"), [count(total, "subscription"), total > all.length ? `${all.length} shown` : "", failing ? `${failing} failing` : ""].filter(Boolean).join(", "));
  if (!all.length) {
    by("list").replaceChildren(h("div", { class: "notice" }, h("h2", {}, "Nobody has subscribed"), h("p", {}, "A subscription tells another program of changes as they happen, by HTTP or MQTT."), h("p", {}, "Put a query together under ", h("a", { href: "/entities" }, "Entities"), " and choose “Subscribe to this”.")));
    return;
  }
  let body = by("list").querySelector(".subs-table tbody");
  if (!body) {
    const heads = [["State"], ["Subscription"], ["About"], ["To"], ["Sent", "num"], ["Failed", "num"], ["Last", "num"]];
    by("list").replaceChildren(h("table", { class: "subs-table" }, h("caption", { class: "unseen" }, "Subscriptions"), h("thead", {}, h("tr", {}, heads.map(([word, kind]) => h("th", { scope: "col", class: kind ?? null }, word)))), h("tbody", {})));
    body = by("list").querySelector("tbody");
  }
  keep(body, all, (one) => one.id, row, fill);
}

function row(one) {
  const name = h("button", { type: "button", class: "attr", on: { click: () => open(one.id) } });
  const number = () => h("td", { class: "num" });
  return h("tr", { data: { id: one.id } }, h("td", {}, h("span", {})), h("th", { scope: "row" }, name, h("span", { class: "sub id" })), h("td", { class: "about-cell" }), h("td", { class: "id" }), number(), number(), number());
}

function fill(tr, one) {
  const [state, name, what, to, sent, bad, last] = tr.children;
  const [how, word] = doing(one);
  const told = one.notification ?? {};
  state.firstChild.className = `sign ${how}`;
  put(state.firstChild, word);
  put(name.firstChild, called(one));
  put(name.lastChild, one.id);
  put(what, about(one));
  put(to, host(told.endpoint?.uri));
  to.title = told.endpoint?.uri ?? "";
  put(sent, String(told.timesSent ?? 0));
  put(bad, told.timesFailed ? String(told.timesFailed) : "");
  bad.classList.toggle("grave", how === "alarm");
  const at = moment(told.lastNotification);
  put(last, at === null ? "never" : age(at, now()));
  tr.classList.toggle("at", one.id === said.sel);
}

function host(uri) {
  try {
    const { protocol, host, pathname } = new URL(uri);
    return `${protocol === "http:" || protocol === "https:" ? "" : `${protocol}//`}${host}${pathname === "/" ? "" : pathname}`;
  } catch {
    return String(uri ?? "");
  }
}

// ---- one of them

function open(id) {
  mine = { list: letters.list.filter((letter) => letter.source === id), fault: letters.fault, more: false }; // until they are read
  go({ sel: id, new: "" });
  load({ anew: false });
}

let shown = ""; // what the panel holds

function panel() {
  const box = by("one");
  const one = all.find((it) => it.id === said.sel);
  const wanted = said.new && may.write ? "new" : said.sel && !failed ? `one ${said.sel} ${JSON.stringify(one)} ${JSON.stringify(ours(one ?? { id: "" }).map((it) => it.id))}` : "";
  document.body.classList.toggle("has-side", wanted !== "");
  if (wanted === shown) return;
  const same = shown.split(" ")[1] === wanted.split(" ")[1] && wanted.startsWith("one");
  shown = wanted;
  box.hidden = !wanted;
  if (!wanted) return box.replaceChildren();
  if (wanted === "new") subscribeForm(box, query, { done: made, close: () => go({ new: "" }) });
  else detail(box, one, same);
}

async function made(id) {
  aloud("Subscribed");
  await load();
  query = {};
  go({ new: "", sel: id });
}

function detail(box, one, same) {
  const focusable = () => [...box.querySelectorAll("button, a, summary, [tabindex]")];
  const focused = same ? focusable().indexOf(document.activeElement) : -1;
  const opened = same ? [...box.querySelectorAll("details[open]")].map((it) => it.dataset.name) : [];
  const top = same ? box.scrollTop : 0;
  const shut = h("button", { type: "button", class: "knob close", "aria-label": "Close", "aria-keyshortcuts": "Escape", on: { click: () => go({ sel: "" }) } }, "×");
  if (!one) {
    box.replaceChildren(h("header", { class: "side-head" }, h("h2", {}, "Not here"), shut), h("p", {}, "There is no subscription ", h("code", { class: "id" }, said.sel), said.tenant ? " in this tenant." : "."));
    return;
  }
  const [how, word] = doing(one);
  const told = one.notification;
  const given = ours(one);
  const active = one.status !== "paused" && one.isActive !== false;
  const facts = [
    ["Tells of", about(one)],
    ["On", one.notificationTrigger?.join(", ")],
    ["Every", one.timeInterval ? `${one.timeInterval} s` : null],
    ["Where", one.geoQ ? `${one.geoQ.georel} ${one.geoQ.geometry} ${JSON.stringify(one.geoQ.coordinates)}` : null],
    ["Scope", one.scopeQ],
    ["To", told.endpoint.uri],
    ["As", [told.endpoint.accept, told.format].filter(Boolean).join(", ")],
    ["Shows", (told.attributes ?? told.pick)?.join(", ")],
    ["At most every", one.throttling ? `${one.throttling} s` : null],
    ["Until", one.expiresAt],
    ["Made", one.createdAt],
    ["Description", one.description],
  ].filter(([, value]) => value);
  const tally = [["sent", told.timesSent ?? 0], ["failed", told.timesFailed ?? 0], ["dead letters", may.administer ? given.length : null]].filter(([, n]) => n !== null);
  const last = [["Last notification", told.lastNotification], ["Last success", told.lastSuccess], ["Last failure", told.lastFailure]].map(([name, at]) => [name, moment(at)]);
  const tools = [
    press("tool", active ? "Pause" : "Resume", (event) => turn(event.target, one, !active), { id: "pause" }),
    h("a", { class: "tool", href: `/entities${address(asQuery(one))}` }, "What it asks for"),
    press("tool grave", "Delete", () => take(one), { id: "take" }),
  ];
  const deliveries = h("div", { class: "deliveries" });
  const list = h("div", {});
  box.replaceChildren(
    h("header", { class: "side-head" }, h("div", {}, h("h2", {}, called(one)), h("p", {}, sign(how, word), " ", h("code", { class: "id" }, one.id))), shut),
    may.write ? h("p", { class: "head-tools" }, tools) : "",
    h("div", { id: "turn-said" }),
    h("dl", { class: "record" }, tally.map(([name, n]) => h("div", {}, h("dt", {}, name), h("dd", { class: name !== "sent" && n ? "grave" : null }, `${n.toLocaleString("en")}${name === "dead letters" && mine.more ? "+" : ""}`)))),
    h("dl", { class: "facts" }, last.flatMap(([name, at]) => [h("dt", {}, name), h("dd", {}, at === null ? "never" : [ageElement(at, now()), " ago"])]), facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    deliveries,
    may.administer ? h("h3", {}, "Dead letters") : "",
    list,
    h("details", { class: "data document", data: { name: "document" } }, h("summary", {}, "Document"), h("p", { class: "links" }, copier(() => JSON.stringify(one, null, 2)), h("a", { href: door("subscriptions", one.id) }, "API")), h("pre", { class: "code", tabindex: "0", "aria-label": "Document" }, JSON.stringify(one, null, 2))),
  );
  if (may.administer) {
    if (mine.fault) list.replaceChildren(fault("The dead letters could not be read", mine.fault));
    else if (given.length) letterList(list, given, { done: load });
    else list.replaceChildren(h("p", { class: "quiet" }, "None: nothing was given up."));
    attempts(deliveries, one);
  }
  for (const name of opened) for (const it of box.querySelectorAll("details")) if (it.dataset.name === name) it.open = true;
  box.scrollTop = top;
  if (focused >= 0) focusable()[focused]?.focus({ preventScroll: true }); // what changed must not take the focus away
  if (!same) box.focus({ preventScroll: true });
}

/** What is under way to its endpoint, and the newest attempts. */
async function attempts(box, one) {
  try {
    const tenant = said.tenant ? `&tenant=${encodeURIComponent(said.tenant)}` : "";
    const { body } = await ask(`/admin/deliveries?subscription=${encodeURIComponent(one.id)}${tenant}`);
    const waiting = body.waiting ? h("p", {}, `${count(body.waiting, "notification")} waiting for the endpoint${body.tries ? `, the first after ${count(body.tries, "attempt")}` : ""}.`) : "";
    const rows = body.attempts.map((it) => h("tr", {}, h("td", { class: "num" }, ageElement(moment(it.at), now())), h("td", {}, sign({ delivered: "ok", failed: "watch" }[it.fate] ?? "alarm", it.fate)), h("td", {}, it.reason, h("span", { class: "sub id" }, it.notification.split(":").pop().slice(0, 12)))));
    const heads = [["Age", "num"], ["Fate"], ["What was said"]].map(([word, kind]) => h("th", { scope: "col", class: kind ?? null }, word));
    const table = h("div", { class: "table-box", tabindex: "0", role: "region", "aria-label": "Deliveries" }, h("table", {}, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows)));
    box.replaceChildren(h("h3", {}, "Deliveries"), waiting, rows.length ? table : h("p", { class: "quiet" }, "No attempt since the city was started."));
  } catch (problem) {
    box.replaceChildren(h("h3", {}, "Deliveries"), h("p", { class: "quiet" }, problem.message));
  }
}

/** The query that asks for what a subscription tells of. */
function asQuery(one) {
  const [first, ...more] = one.entities ?? [];
  const geo = one.geoQ ?? {};
  return {
    tenant: said.tenant,
    type: [first, ...more].map((it) => it?.type).filter(Boolean).join(","),
    id: [first?.id ?? []].flat().join(","),
    idPattern: first?.idPattern,
    q: one.q,
    scopeQ: one.scopeQ,
    georel: geo.georel,
    geometry: geo.geometry,
    coordinates: typeof geo.coordinates === "object" ? JSON.stringify(geo.coordinates) : geo.coordinates,
    geoproperty: geo.geoproperty,
  };
}

async function turn(button, one, active) {
  button.disabled = true;
  try {
    await ask(door("subscriptions", one.id), { method: "PATCH", send: { isActive: active }, headers: whose() });
    aloud(active ? "Resumed" : "Paused");
    await load();
    by("pause")?.focus();
  } catch (problem) {
    by("turn-said").replaceChildren(fault("That was refused", problem));
    button.disabled = false;
  }
}

function take(one) {
  confirm({
    heading: `Delete ${called(one)}?`,
    fields: [h("p", {}, h("code", { class: "id" }, one.notification.endpoint.uri), " will be told nothing more, not even what waits.")],
    word: "Delete the subscription",
    request: () => ({ method: "DELETE", path: door("subscriptions", one.id), headers: whose() }),
    done: async () => (go({ sel: "" }, { quiet: true }), load()),
  });
}

// ---- joined

by("see-list").addEventListener("click", () => go({ view: "" }));
by("see-letters").addEventListener("click", () => go({ view: "letters" }));
by("make").addEventListener("click", () => ((query = {}), go({ new: "1", sel: "" })));
by("tenant").addEventListener("change", (event) => (go({ tenant: event.target.value.trim(), sel: "" }), load()));
addEventListener("popstate", () => (where(), load()));
where();
await start({
  keys: [["j  k", "next, previous; Enter opens"], ["n", "new subscription"], ["p", "pause, resume"], ["d", "dead letters"], ["Esc", "close"]],
  act: { j: walk(".subs-table .attr", 1), k: walk(".subs-table .attr", -1), n: () => by("make").click(), p: () => by("pause")?.click(), d: () => go({ view: said.view ? "" : "letters" }), Escape: () => (said.sel || said.new ? go({ sel: "", new: "" }) : false) },
});
await load();
setInterval(() => document.hidden || load({ anew: false }), AGAIN_MS);
document.documentElement.classList.add("ready");
