// Who saw what: of an entity, who was shown it and when; of a person, what he was shown. From the audit log, by its own
// door, which decides whom it answers and notes that he asked.

import { h, notice } from "../dom.js";
import { ask, DESK, REALM } from "../doors.js";
import { fault, now } from "../base/start.js";
import { moment } from "../station.js";
import { clockText, count, dayText } from "../words.js";

const SAW = { "read-personal": "saw personal data", "read-security": "saw security information", screen: "had it on screen" };
const LIMIT = 200;
const DAY_MS = 86_400_000;
let form = null;
let key = "";
let answer = null;

/** The pane of who saw what. */
export async function seen({ place, go }) {
  form ??= made(go);
  for (const name of ["of", "who", "since"]) if (document.activeElement !== form.elements[name]) form.elements[name].value = place[name];
  const asked = [place.of, place.who, place.since].join("\n");
  if (!place.of && !place.who) return [form, notice("Of what, or of whom?", ["Name an entity: everybody who was shown it, when, and for what. Or a person: all that he was shown.", "The audit log answers auditors, data officers and administrators, and notes that they asked."])];
  if (asked !== key || !answer) {
    key = asked;
    answer = await find(place);
  }
  return [form, answer];
}

function made(go) {
  const field = (name, word, more) => h("label", { class: "pair" }, h("span", {}, word), h("input", { name, maxlength: 2048, autocomplete: "off", class: "mono", ...more }));
  const it = h("form", { class: "head-line seen-asked", role: "search" }, field("of", "Entity", { placeholder: "urn:ngsi-ld:…" }), field("who", "Person", { placeholder: "person:…", maxlength: 200 }), field("since", "From", { type: "datetime-local" }), h("button", { type: "submit", class: "tool" }, "Look"));
  it.addEventListener("submit", (event) => {
    event.preventDefault();
    key = "";
    go(Object.fromEntries(["of", "who", "since"].map((name) => [name, it.elements[name].value.trim()])));
  });
  return it;
}

async function find({ of, who, since }) {
  const found = [];
  const begin = Date.parse(since);
  try {
    for (const kind of ["read-personal", "read-security"]) {
      const given = new URLSearchParams({ realm: REALM, kind, limit: LIMIT });
      if (of) given.set("entity", of);
      if (who) given.set("actor", who);
      if (!Number.isNaN(begin)) given.set("since", new Date(begin).toISOString());
      const { body } = await ask(`/audit/entries?${given}`);
      found.push(...body.entries.map(({ n, entry }) => ({ n, kind, at: entry.at / 1000, who: entry.actor, session: entry.session, things: things(entry.what), purpose: entry.what.purpose, asked: entry.what.asked })));
    }
  } catch (problem) {
    return fault("The audit log does not answer", problem);
  }
  if (who || of) found.push(...(await screens(of, who, begin)));
  found.sort((a, b) => b.at - a.at);
  if (!found.length) return notice("Nobody", [of ? "Nobody was shown personal or security information of this in that time." : "He was shown no personal or security information in that time.", "What is open or smart information is not noted by reader."]);
  const people = new Set(found.map((one) => one.who));
  return h(
    "div",
    { class: "foretold" },
    h("h2", {}, of ? `${count(people.size, "person or service", "people and services")} saw it` : `${who} saw ${count(new Set(found.flatMap((one) => one.things)).size, "thing")}`, h("span", { class: "sub" }, `${count(found.length, "entry", "entries")}${found.length >= LIMIT ? " and more: /audit has all" : ""}`)),
    h(
      "table",
      { class: "parts-table" },
      h("thead", {}, h("tr", {}, ["When", of ? "Who" : "What", "How"].map((word) => h("th", { scope: "col" }, word)))),
      h("tbody", {}, found.slice(0, LIMIT).map((one) => h("tr", {}, h("td", {}, h("time", { datetime: new Date(one.at).toISOString() }, `${dayText(one.at) === dayText(now()) ? "" : `${dayText(one.at)} `}${clockText(one.at)}`)), h("th", { scope: "row", class: "id" }, of ? one.who : one.things.slice(0, 5).join(", ") + (one.things.length > 5 ? ` and ${one.things.length - 5} more` : "")), h("td", {}, [SAW[one.kind], one.purpose ? `for ${one.purpose}` : "", one.asked].filter(Boolean).join(" · "))))),
    ),
  );
}

/** What was on whose screen, where a city keeps it; the door decides who may know. */
async function screens(of, who, begin) {
  const since = Number.isNaN(begin) ? now() - DAY_MS : begin;
  try {
    const given = new URLSearchParams({ from: new Date(since).toISOString(), to: new Date(Math.min(now(), since + DAY_MS) + 1000).toISOString() });
    if (who) given.set("by", who);
    const { body } = await ask(`${DESK}/screens?${given}`);
    const told = Array.isArray(body) ? body : (body.screens ?? []);
    const fits = (one) => (!of || [one.selected, one.url].some((it) => String(it ?? "").includes(of))) && (!who || one.by === who);
    return told.filter(fits).map((one) => ({ n: 0, kind: "screen", at: Number(one.at) || (moment(one.at) ?? 0), who: one.by, things: [one.selected || one.url].filter(Boolean), asked: one.page }));
  } catch {
    return []; // not kept here, or not for whoever asks
  }
}

const things = (what) => [what.entity, ...(what.entities ?? []), ...Object.values(what.of ?? {}).flat()].filter((one) => typeof one === "string");
