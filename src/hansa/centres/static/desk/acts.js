// What people do with alarms: the acts of the desk, on one or on many, and the sheets in which they say why.

import { h, press } from "../dom.js";
import { ask, DESK } from "../doors.js";
import { count } from "../words.js";
import { activation } from "./standing.js";

const AT_ONCE = 1000;

/** Which acts of an app whoever looks may do; none when nobody knows. */
export async function allowed(app) {
  try {
    const { body } = await ask(DESK);
    return new Set(body.apps.find((one) => one.app === app)?.acts.map((one) => one.name) ?? []);
  } catch {
    return new Set();
  }
}

/**
 * Do `verb` with each of `ids`: {done, refused}, the refused as problem details; `far(many)` hears how many are through.
 * Raises Failed when the city does not answer.
 */
export async function act(verb, ids, said = {}, far = () => {}) {
  const told = { done: [], refused: [] };
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const { body } = await ask(`${DESK}/alarms/${verb}`, { method: "POST", send: { ids: ids.slice(at, at + AT_ONCE), ...said } });
    told.done.push(...body.done);
    told.refused.push(...body.refused);
    far(told.done.length + told.refused.length);
  }
  return told;
}

/** Acknowledge alarms as they stand on the screen: of what was raised again meanwhile, the city says so. */
export async function acknowledge(alerts, far) {
  const by = new Map();
  for (const alert of alerts) by.set(activation(alert), [...(by.get(activation(alert)) ?? []), alert.id]);
  const told = { done: [], refused: [] };
  for (const [number, ids] of by) {
    const one = await act("acknowledge", ids, { activation: number }, (many) => far?.(told.done.length + told.refused.length + many));
    told.done.push(...one.done);
    told.refused.push(...one.refused);
  }
  return told;
}

/** What came of an act, in words. */
export function came(told, done) {
  const words = told.done.length ? `${count(told.done.length, "alarm")} ${done}.` : "Nothing was changed.";
  if (!told.refused.length) return words;
  const why = [...new Set(told.refused.map((one) => one.detail))];
  return `${words} ${told.refused.length} refused: ${why.slice(0, 3).join("; ")}${why.length > 3 ? ` and ${why.length - 3} other reasons` : ""}.`;
}

const field = (label, control) => h("label", { class: "line" }, h("span", {}, label), control);
const text = (name, most, more = {}) => h("input", { name, maxlength: most, autocomplete: "off", ...more });
const SPANS = [[15, "15 min"], [60, "1 h"], [240, "4 h"], [480, "8 h"], [1440, "24 h"]];

/** A sheet that asks `question` with `fields` and does `work(said)`; a refusal stands in the sheet and nothing is lost. */
export function sheet(question, fields, word, work) {
  const dialog = document.getElementById("editor");
  const fault = h("p", { class: "grave", role: "alert" });
  const send = h("button", { type: "submit", class: "do" }, word);
  const form = h("form", { class: "edit", novalidate: true }, h("h2", { id: "editor-title" }, question), ...fields, fault, h("div", { class: "edit-end" }, send, press("tool", "Cancel", () => dialog.close())));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    fault.textContent = "";
    try {
      await work(Object.fromEntries(new FormData(form)));
      dialog.close();
    } catch (problem) {
      fault.textContent = `${problem.message}${problem.mend ? ` ${problem.mend}` : ""}`;
      form.elements[problem.problem?.where]?.focus?.();
    } finally {
      send.disabled = false;
    }
  });
  dialog.replaceChildren(form);
  dialog.showModal();
  form.querySelector("input:not([type=radio]), select, textarea")?.focus();
}

/** How long, as choices. */
const spans = (chosen) =>
  h("fieldset", { class: "line" }, h("legend", { class: "unseen" }, "How long"), h("span", { "aria-hidden": "true" }, "For"), h("span", { class: "spans-of" }, SPANS.map(([minutes, word]) => h("label", { class: "check" }, h("input", { type: "radio", name: "minutes", value: minutes, checked: minutes === chosen }), word))));

const those = (n) => (n === 1 ? "this alarm" : `${n} alarms`);

/** The sheets, by act: each asks, then calls `send(verb, said, done)`. */
export const sheets = {
  shelve: (n, send) => sheet(`Shelve ${those(n)}`, [spans(60), field("Why", text("reason", 500, { required: true }))], "Shelve", ({ minutes, reason }) => send("shelve", { minutes: Number(minutes), reason }, "shelved")),
  comment: (n, send) => sheet(`Comment on ${those(n)}`, [h("label", { class: "stack" }, h("span", { class: "unseen" }, "Comment"), h("textarea", { name: "text", rows: 4, maxlength: 2000 }))], "Comment", ({ text: words }) => send("comment", { text: words }, "commented")),
  assign: (n, send) => sheet(`Assign ${those(n)}`, [field("To", text("to", 200, { placeholder: "person:…, or empty for nobody" }))], "Assign", ({ to }) => send("assign", { to }, "assigned")),
  "out-of-service": (n, send) => sheet(`Take ${those(n)} out of service`, [field("Why", text("reason", 500, { required: true })), h("p", { class: "hint" }, "It does not ring until it is put back into service.")], "Take out", ({ reason }) => send("out-of-service", { reason }, "taken out of service")),
  root: (n, send) => sheet(`At the root of ${those(n)}`, [field("Alarm", text("root", 2048, { class: "mono", placeholder: "its id, or empty for none" }))], "Set the root", ({ root }) => send("root", { root }, "put under their root")),
  suppress: (n, send) =>
    sheet(`Suppress ${those(n)} by design`, [field("While alarm", text("alarm", 2048, { class: "mono", placeholder: "the id of an alarm that stands" })), h("p", { class: "hint" }, "Or left empty: while its source says that it is maintained (status). Empty the reason too to end all suppression."), field("Why", text("reason", 500))], "Suppress", ({ alarm, reason }) =>
      send("suppress", alarm || reason ? { when: [alarm ? { alarm } : { attribute: "status" }], reason } : { when: [] }, "changed"),
    ),
};

/** The sheet in which an alarm is raised by hand; `done(id)` with what it is now called. */
export function raise(done) {
  const severities = ["critical", "high", "medium", "low", "informational"].map((one) => h("option", { value: one, selected: one === "medium" }, one));
  sheet(
    "Raise an alarm",
    [field("About", text("source", 2048, { placeholder: "an entity's id, or a place in words" })), field("What", text("kind", 200, { placeholder: "flood, fire, intrusion" })), field("Severity", h("select", { name: "severity" }, severities)), h("label", { class: "line" }, h("span", {}, "In words"), h("textarea", { name: "description", rows: 3, maxlength: 2000 }))],
    "Raise",
    async (said) => {
      const { body } = await ask(`${DESK}/alarms/raise`, { method: "POST", send: Object.fromEntries(Object.entries(said).filter(([, value]) => value.trim())) });
      done(body.id);
    },
  );
}
