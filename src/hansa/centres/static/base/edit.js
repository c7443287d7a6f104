// Changing what is said of an entity, through the public API: every sheet shows the request that it will send.

import { h } from "../dom.js";
import { ask, door } from "../doors.js";
import { headers } from "./asked.js";
import { instances, MEMBER, targets, valueElements } from "./shown.js";
import { aloud, fault, now } from "./start.js";
import { unitOf } from "../words.js";

const KINDS = Object.keys(MEMBER);
const TEXTS = new Set(["GeoProperty", "LanguageProperty", "ListProperty", "ListRelationship", "JsonProperty"]);
const HINTS = {
  Property: "A number, a text, true or false, or JSON.",
  Relationship: "The id of an entity; several on lines of their own.",
  GeoProperty: "GeoJSON, longitude first: {\"type\": \"Point\", \"coordinates\": [11.02, 46.42]}",
  LanguageProperty: "A text for each language: {\"en\": \"Apple\", \"it\": \"Mela\"}",
  VocabProperty: "A term of the vocabulary.",
  ListProperty: "A JSON array, in order.",
  ListRelationship: "A JSON array of ids, in order: [\"urn:ngsi-ld:Parcel:1\"]",
  JsonProperty: "Any JSON; it is kept as it is.",
};
const sheet = () => document.getElementById("editor");

// ---- values between text and JSON

/** How a value is best written in a field: what it is, and its text. */
function written(one) {
  if (one.kind === "Relationship") return { as: "text", text: targets(one).join("\n") };
  if (one.kind === "ListRelationship") return { as: "json", text: JSON.stringify(targets(one), null, 1) };
  if (one.kind === "VocabProperty") return { as: "text", text: [one.value].flat().join("\n") };
  if (typeof one.value === "number") return { as: "number", text: String(one.value) };
  if (typeof one.value === "boolean") return { as: "truth", text: String(one.value) };
  if (typeof one.value === "string" && !TEXTS.has(one.kind)) return { as: "text", text: one.value };
  return { as: "json", text: JSON.stringify(one.value, null, 1) };
}

/** The member that a field makes: {value: 4.5}, {object: ...}; raises Error in words for people. */
function member(kind, as, text) {
  const several = text.split("\n").map((one) => one.trim()).filter(Boolean);
  const name = MEMBER[kind];
  if (!text.trim() && !(kind === "Property" && as === "text")) throw new Error("A value is needed.");
  if (kind === "Relationship" || kind === "VocabProperty") return { [name]: several.length > 1 ? several : several[0] };
  if (kind === "Property" && as === "number") {
    const value = Number(text.trim().replace("−", "-").replace(/^(-?\d+),(\d+)$/, "$1.$2"));
    if (!Number.isFinite(value)) throw new Error("That is no number.");
    return { [name]: value };
  }
  if (kind === "Property" && as === "truth") {
    if (!/^(true|false)$/.test(text.trim())) throw new Error("Write true or false.");
    return { [name]: text.trim() === "true" };
  }
  if (kind === "Property" && as === "text") return { [name]: text };
  let value;
  try {
    value = JSON.parse(text);
  } catch (wrong) {
    throw new Error(`That is no JSON: ${wrong.message}`);
  }
  if (kind === "ListRelationship" && Array.isArray(value)) return { [name]: value.map((one) => (typeof one === "string" ? { object: one } : one)) };
  return { [name]: value };
}

// ---- the sheet

/**
 * Open a sheet: `fields` and below them the request that `request()` makes ({method, path, send}) and sends when asked
 * to. `before(send)` may hold it up; `sent(answer)` gives words where the answer is no success.
 */
function open({ heading, fields, request, word, before = async () => null, sent = () => null, done, grave = false }) {
  const box = sheet();
  const said = h("div", {});
  const shown = h("pre", { class: "code request", tabindex: "0", "aria-label": "The request" });
  const go = h("button", { type: "submit", class: grave ? "tool grave" : "do" }, word);
  const cancel = h("button", { type: "button", class: "tool", on: { click: () => box.close() } }, "Cancel");
  const form = h("form", { class: "edit", novalidate: true }, h("h2", { id: "editor-title" }, heading), ...fields, said, shown, h("div", { class: "edit-end" }, go, cancel));

  function preview() {
    try {
      const { method, path, send } = request();
      shown.textContent = `${method} ${path}${send === undefined ? "" : `\n${JSON.stringify(send, null, 2)}`}`;
      shown.classList.remove("quiet");
    } catch (wrong) {
      shown.textContent = wrong.message;
      shown.classList.add("quiet");
    }
  }

  async function send() {
    let it;
    try {
      it = request();
    } catch (wrong) {
      said.replaceChildren(h("p", { class: "grave", role: "alert" }, wrong.message));
      return;
    }
    go.disabled = true;
    said.replaceChildren();
    try {
      const { path, ...how } = it;
      const answer = await ask(path, how);
      const refused = sent(answer);
      if (refused) throw refused;
      box.close();
      aloud("Done");
      await done();
    } catch (problem) {
      said.replaceChildren(fault("The city refuses this", problem));
    } finally {
      go.disabled = false;
    }
  }

  form.addEventListener("input", preview);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    const held = await before().catch(() => null); // what cannot be compared is decided by the city
    go.disabled = false;
    if (held) said.replaceChildren(h("div", { class: "notice bad", role: "alert" }, ...held(send)));
    else await send();
  });
  box.replaceChildren(form);
  box.showModal();
  preview();
  const first = grave ? cancel : (form.querySelector("input:not(:disabled), textarea") ?? go);
  first.focus();
  first.select?.();
  return { preview };
}

const line = (word, ...inner) => h("label", { class: "line" }, h("span", {}, word), ...inner);

/** Fields for kind, value, unit, time and data set; `said()` gives the attribute that they make. */
function attributeFields(one, { fixed }) {
  const start = written(one);
  const kind = h("select", { name: "kind", disabled: fixed }, KINDS.map((name) => h("option", {}, name)));
  kind.value = one.kind;
  const as = h("select", { name: "as", "aria-label": "The value is" }, [["number", "a number"], ["text", "a text"], ["truth", "true or false"], ["json", "JSON"]].map(([value, word]) => h("option", { value }, word)));
  as.value = start.as;
  const value = h("textarea", { name: "value", class: "mono", rows: start.text.includes("\n") || start.text.length > 60 ? "6" : "2", spellcheck: "false" });
  value.value = start.text;
  const hint = h("p", { class: "hint" });
  const unit = h("input", { name: "unitCode", class: "mono", maxlength: "100", placeholder: "none" });
  unit.value = one.code;
  const meaning = h("span", { class: "unit" });
  const at = h("input", { name: "observedAt", class: "mono", placeholder: "not said", maxlength: "40" });
  if (one.at !== null) at.value = iso(now());
  const clock = h("button", { type: "button", class: "tool", on: { click: () => ((at.value = iso(now())), at.dispatchEvent(new Event("input", { bubbles: true }))) } }, "Now");
  const set = h("input", { name: "datasetId", class: "mono", placeholder: "the default one", maxlength: "2000", disabled: fixed });
  set.value = one.dataset;
  const unitLine = line("Unit", h("span", { class: "pair" }, unit, meaning));
  const reach = () => {
    as.hidden = kind.value !== "Property";
    unitLine.hidden = !["Property", "ListProperty"].includes(kind.value);
    hint.textContent = HINTS[kind.value];
    meaning.textContent = unitOf(unit.value) === unit.value ? "" : unitOf(unit.value);
  };
  for (const it of [kind, unit]) it.addEventListener("input", reach);
  reach();
  return {
    fields: [fixed ? null : line("Kind", kind), line("Value", h("span", { class: "stack" }, value, as)), hint, unitLine, line("Observed", h("span", { class: "pair" }, at, clock)), fixed && !one.dataset ? null : line("Data set", set)].filter(Boolean),
    said() {
      const made = { ...(fixed ? {} : { type: kind.value }), ...member(kind.value, as.value, value.value) };
      if (!unitLine.hidden && unit.value.trim()) made.unitCode = unit.value.trim();
      if (at.value.trim()) made.observedAt = at.value.trim();
      if (set.value.trim()) made.datasetId = set.value.trim();
      return made;
    },
  };
}

const iso = (at) => new Date(at).toISOString().replace(/\.\d+Z$/, "Z");

/** Change the value of an attribute (or of one data set of it): 5.6.4, but not over what somebody else said meanwhile. */
export function changeAttribute({ id, name, one, whose, done, stated }) {
  const { fields, said } = attributeFields(one, { fixed: true });

  async function meanwhile() {
    const { body } = await ask(`${door("entities", id)}?attrs=${encodeURIComponent(name)}&options=sysAttrs`, { headers: headers(whose) });
    if (JSON.stringify(body[name]) === JSON.stringify(stated)) return null;
    const theirs = instances(body[name] ?? null).find((it) => it.dataset === one.dataset);
    return (send) => [
      h("h2", {}, "Somebody changed it meanwhile"),
      h("p", {}, "It is now ", theirs ? valueElements(theirs, { asked: whose }) : "gone", "; when you opened this it was ", valueElements(one, { asked: whose }), "."),
      h("p", { class: "pair" }, h("button", { type: "button", on: { click: () => ((stated = body[name]), send()) } }, "Send mine all the same"), h("button", { type: "button", on: { click: () => (sheet().close(), done()) } }, "Keep theirs")),
    ];
  }

  open({
    heading: `Change ${name}`,
    fields,
    word: "Change",
    request: () => ({ method: "PATCH", path: door("entities", id, "attrs", name), send: said(), headers: headers(whose) }),
    before: meanwhile,
    done,
  });
}

/** Add an attribute, or another data set of one: 5.6.3; what is there already is not overwritten. */
export function addAttribute({ id, whose, done }) {
  const name = h("input", { name: "name", class: "mono", maxlength: "2000", placeholder: "temperature", required: true, autocomplete: "off" });
  const { fields, said } = attributeFields({ kind: "Property", value: "", code: "", at: null, dataset: "" }, { fixed: false });
  open({
    heading: "Add an attribute",
    fields: [line("Name", name), ...fields],
    word: "Add",
    request() {
      if (!name.value.trim()) throw new Error("A name is needed.");
      return { method: "POST", path: `${door("entities", id, "attrs")}?options=noOverwrite`, send: { [name.value.trim()]: said() }, headers: headers(whose) };
    },
    sent: ({ status, body }) => (status === 207 && body?.notUpdated?.length ? Object.assign(new Error(`${body.notUpdated[0].attributeName ?? name.value}: ${reason(body.notUpdated[0].reason)}`), { mend: "Close this and change the one that is there, or name another data set." }) : null),
    done,
  });
}

const reason = (said) => (typeof said === "string" ? said : (said?.detail ?? said?.title ?? "it is there already"));

/** Take an attribute (or one data set of it) away: 5.6.5. Asks first. */
export function takeAttribute({ id, name, one, whose, done }) {
  open({
    heading: `Delete ${name}?`,
    fields: [h("p", {}, "It is ", valueElements(one, { asked: whose }), one.dataset ? h("span", {}, " in the data set ", h("code", {}, one.dataset)) : "", ". Its history stays.")],
    word: "Delete",
    grave: true,
    request: () => ({ method: "DELETE", path: `${door("entities", id, "attrs", name)}${one.dataset ? `?datasetId=${encodeURIComponent(one.dataset)}` : ""}`, headers: headers(whose) }),
    done,
  });
}

/** Take the whole entity away: 5.6.6. Asks first. */
export function takeEntity({ id, whose, called, done }) {
  open({
    heading: `Delete ${called}?`,
    fields: [h("p", {}, "The entity ", h("code", { class: "id" }, id), " and all of its attributes. Relationships that point here will point at nothing.")],
    word: "Delete the entity",
    grave: true,
    request: () => ({ method: "DELETE", path: door("entities", id), headers: headers(whose) }),
    done,
  });
}

/** Ask before something that cannot be taken back: `request` as above. */
export function confirm(how) {
  open({ grave: true, ...how });
}
