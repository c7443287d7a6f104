// The sheet in which a command is put together: first what it would do is shown, then it is sent, or asked for.

import { h, press } from "../dom.js";
import { ask, DESK, REALM } from "../doors.js";
import { aloud } from "../base/start.js";
import { act, expected, said, view } from "./told.js";

const field = (label, control) => h("label", { class: "line" }, h("span", {}, label), control);
const input = (name, more = {}) => h("input", { name, autocomplete: "off", ...more });
const STRICT = REALM === "security";

/** A text as JSON; where it is none, a number or a truth that was meant, or the text itself. */
function meant(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A control for one member of a payload, by its pattern. */
function control(name, pattern) {
  const label = h("span", {}, name);
  if (pattern === null || typeof pattern !== "object") return [label, input(`p-${name}`, { value: JSON.stringify(pattern), readonly: true, class: "mono" })];
  if (Array.isArray(pattern.enum)) return [label, h("select", { name: `p-${name}` }, pattern.enum.map((one) => h("option", { value: JSON.stringify(one) }, String(one))))];
  if ("min" in pattern || "max" in pattern) return [label, input(`p-${name}`, { type: "number", step: "any", min: pattern.min, max: pattern.max, required: true })];
  return [label, input(`p-${name}`, { value: JSON.stringify(pattern), class: "mono" })];
}

/** What would happen, of each device. */
function shown(line) {
  const ways = [...line.faults.map((one) => h("p", { class: "grave" }, `${one.detail}.${one.mend ? ` ${one.mend}.` : ""}`)), ...line.blocked.map((why) => h("p", { class: "grave" }, "Interlock ", why)), ...line.off.map((one) => h("p", { class: "cmd-off" }, `Interlock ${one.name} is switched off${one.by ? ` by ${one.by.replace(/^person:/, "")}` : ""}${one.why ? `: ${one.why}` : ""}`))];
  const free = !line.faults.length && !line.blocked.length;
  return h(
    "li",
    { class: free ? "free" : "held" },
    h("b", {}, line.device),
    line.asset ? h("span", { class: "quiet id" }, ` ${line.asset}`) : null,
    free ? h("p", {}, line.twoPeople ? "Somebody else approves it, then it is sent." : "It is sent at once.", line.takes ? "" : " The device does not say what it takes; the payload goes as it is.") : null,
    line.expects ? h("p", {}, `Then ${expected(line.expects)}; it is ${JSON.stringify(line.now)} now${line.soAlready ? ", so it must be reported again" : ""}.`) : free ? h("p", { class: "quiet" }, "Nothing is read back: its receipt is the answer.") : null,
    ways,
  );
}

/** Open the sheet; `done()` when something was sent. `wanted` names a device. */
export async function send(dialog, done, wanted = "") {
  const { devices } = await view("devices");
  const known = devices.filter((one) => one.state === "active");
  let incidents = [];
  try {
    incidents = (await ask(`${DESK}/incidents/list`)).body.incidents;
  } catch {
    // no incidents here, or not for whoever asks
  }
  const pick = h("select", { name: "device", multiple: known.length > 1, size: known.length > 1 ? Math.min(6, known.length) : 1, required: true, "aria-describedby": "cmd-many" }, known.map((one) => h("option", { value: one.device, selected: one.device === wanted }, one.name && one.name !== one.device ? `${one.name} (${one.device})` : one.device)));
  const find = h("input", { type: "search", placeholder: "Find", "aria-label": "Find a device", on: { input: () => [...pick.options].forEach((one) => (one.hidden = !one.textContent.toLowerCase().includes(find.value.trim().toLowerCase()))) } });
  const what = h("div", { class: "cmd-what" });
  const told = h("div", { class: "cmd-told", "aria-live": "polite" });
  const go = h("button", { type: "submit", class: "do" }, "Look what it does");
  const form = h(
    "form",
    { class: "edit cmd-form", novalidate: true },
    h("h2", { id: "editor-title" }, STRICT ? "Ask for a command" : "Send a command"),
    known.length ? null : h("p", { class: "grave" }, "No device here takes commands."),
    known.length > 8 ? h("div", { class: "line" }, h("span", {}), find) : null,
    field("Device", pick),
    known.length > 1 ? h("p", { class: "hint", id: "cmd-many" }, "Several: hold Ctrl. Each gets a command of its own.") : null,
    what,
    h("fieldset", { class: "cmd-back" }, h("legend", {}, "Read back"), field("Attribute", input("attribute", { placeholder: "what then is reported; empty: nothing" })), field("Becomes", input("value", { class: "mono", placeholder: '"open", 50, true' })), field("Give or take", input("tolerance", { type: "number", min: 0, step: "any", placeholder: "0" })), field("Within", h("span", { class: "with-unit" }, input("within", { type: "number", min: 1, max: 86400, value: 60 }), "s")), field("Reported by", input("entity", { class: "mono", placeholder: "its own asset, unless said" }))),
    incidents.length ? field("Incident", h("select", { name: "incident" }, h("option", { value: "" }, "none"), incidents.map((one) => h("option", { value: one.id }, `${one.drill ? "DRILL " : ""}${one.name}`)))) : null,
    field("Why", input("reason", { maxlength: 500, required: true })),
    h("div", { class: "pair" }, h("label", { class: "check" }, h("input", { type: "checkbox", name: "drill" }), "Drill: nothing is sent"), STRICT ? null : h("label", { class: "check" }, h("input", { type: "checkbox", name: "twoPeople" }), "A second person approves")),
    told,
    h("div", { class: "edit-end" }, go, press("tool", "Cancel", () => dialog.close())),
  );

  const chosen = () => [...pick.selectedOptions].map((one) => one.value);
  const kinds = () => {
    const takes = chosen().map((name) => known.find((one) => one.device === name)?.takes ?? []);
    const first = takes[0] ?? [];
    return first.length && takes.every((one) => JSON.stringify(one) === JSON.stringify(first)) ? first : [];
  };
  const members = (kind) => [h("input", { type: "hidden", name: "kind", value: kind.name }), ...Object.entries(kind.payload).map(([name, pattern]) => h("label", { class: "line" }, ...control(name, pattern)))];
  function payloads() {
    const some = kinds();
    if (!some.length) return what.replaceChildren(h("label", { class: "stack" }, h("span", {}, "Payload (JSON)"), h("textarea", { name: "payload", rows: 3, class: "mono", spellcheck: "false" }, '{"": ""}')));
    const box = h("div", {});
    const choose = h("select", { name: "command" }, some.map((one) => h("option", { value: one.name }, one.name)));
    const fill = () => (box.replaceChildren(...members(some.find((one) => one.name === choose.value))), anew());
    choose.addEventListener("change", fill);
    what.replaceChildren(field("Command", choose), box);
    fill();
  }
  let ready = null; // what was looked at, word for word

  function anew() {
    ready = null;
    go.textContent = "Look what it does";
    told.replaceChildren();
  }

  function request() {
    const data = new FormData(form);
    const some = kinds().find((one) => one.name === data.get("command"));
    const payload = some ? Object.fromEntries(Object.keys(some.payload).map((name) => [name, meant(data.get(`p-${name}`))])) : meant(data.get("payload"));
    const attribute = data.get("attribute").trim();
    const expects = attribute ? { attribute, value: meant(data.get("value")), within: Number(data.get("within")) || 60, ...(data.get("tolerance") ? { tolerance: Number(data.get("tolerance")) } : {}), ...(data.get("entity").trim() ? { entity: data.get("entity").trim() } : {}) } : null;
    return { devices: chosen(), payload, reason: data.get("reason").trim(), ...(expects ? { expects } : {}), ...(data.get("incident") ? { incident: data.get("incident") } : {}), ...(data.get("drill") ? { drill: true } : {}), ...(data.get("twoPeople") ? { twoPeople: true } : {}) };
  }

  form.addEventListener("input", anew);
  pick.addEventListener("change", payloads);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    try {
      const wish = request();
      if (ready === JSON.stringify(wish)) {
        await act("request", wish);
        dialog.close();
        aloud(wish.drill ? "Noted as a drill" : STRICT || wish.twoPeople ? "It waits for approval" : "Sent");
        return done();
      }
      if (!wish.devices.length) throw Object.assign(new Error("Choose a device."), { mend: "" });
      if (!wish.reason) throw Object.assign(new Error("Say why."), { mend: "It is kept with the command.", where: "reason" });
      const { devices: lines } = await view("preview", { devices: wish.devices.join(","), payload: JSON.stringify(wish.payload), ...(wish.expects ? { expects: JSON.stringify(wish.expects) } : {}) });
      const free = lines.every((one) => !one.faults.length && !one.blocked.length);
      told.replaceChildren(h("h3", {}, `${said(wish.payload)}`), h("ul", { class: "cmd-lines" }, lines.map(shown)));
      told.scrollIntoView({ block: "nearest" });
      if (free) {
        ready = JSON.stringify(wish);
        go.textContent = wish.drill ? "Note the drill" : STRICT || wish.twoPeople ? "Ask for it" : wish.devices.length > 1 ? `Send to ${wish.devices.length} devices` : "Send it";
      }
    } catch (problem) {
      anew();
      told.replaceChildren(h("p", { class: "grave", role: "alert" }, `${problem.message} ${problem.mend ?? ""}`));
      form.elements[problem.problem?.where ?? problem.where]?.focus?.();
    } finally {
      go.disabled = false;
    }
    return undefined;
  });
  if (!pick.selectedOptions.length && pick.options.length) pick.options[0].selected = true;
  payloads();
  dialog.replaceChildren(form);
  dialog.showModal();
  pick.focus();
}
