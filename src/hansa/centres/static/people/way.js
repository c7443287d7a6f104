// What the pages of people share: where to go on, fields, buttons that wait, and the secret of an authenticator.

import { h } from "../dom.js";
import { fault } from "../base/start.js";
import { formOf, keepForm } from "./typed.js";

/** Where somebody came from, if that is a path of this city; the city decides again. */
export const next = () => {
  const said = new URLSearchParams(location.search).get("next") ?? "";
  return /^\/(?![/\\])/.test(said) ? said : "/";
};

/** Sign in (or show again who you are), and come back here. */
export const signIn = (step = false) => location.assign(`/sign-in?${step ? "step=up&" : ""}next=${encodeURIComponent(location.pathname + location.search + location.hash)}`);

/** A field with its word; `more` are attributes of the input. */
export function field(word, name, more = {}, hint = "") {
  const input = h("input", { name, id: `in-${name}`, "aria-describedby": hint ? `hint-${name}` : null, ...more });
  return h("div", { class: "way-field" }, h("label", { for: `in-${name}` }, word), input, hint ? h("p", { class: "hint", id: `hint-${name}` }, hint) : null);
}

/**
 * Do `work` while `button` waits; a fault is shown in `box` under `heading`. Whoever must show again who he is, is sent
 * to do so; what he has typed into a form with a name (`data-typed`) is there again when he comes back.
 */
export async function doing(button, box, heading, work) {
  const buttons = [...(button.closest("form, section, main") ?? document).querySelectorAll("button")];
  for (const one of buttons) one.disabled = true;
  box.replaceChildren();
  try {
    return await work();
  } catch (problem) {
    if (problem.problem?.stepUp) {
      const form = formOf(button);
      if (form) keepForm(form);
      signIn(true);
    } else {
      box.replaceChildren(fault(heading, problem));
      box.scrollIntoView({ block: "nearest" });
    }
    return undefined;
  } finally {
    for (const one of buttons) one.disabled = false;
  }
}

/** The secret of an authenticator: a picture to scan, and the same as text. */
export function authenticator({ svg, secret }) {
  const grouped = secret.match(/.{1,4}/g).join(" ");
  return h(
    "div",
    { class: "way-codes" },
    h("img", { src: `data:image/svg+xml,${encodeURIComponent(svg)}`, alt: "The secret as a picture to scan", width: "180", height: "180" }),
    h("div", {}, h("p", {}, "Scan this with an authenticator app, or type it in:"), h("p", { class: "mono secret" }, grouped), h("p", { class: "hint" }, "It is shown this once.")),
  );
}

/** A field for a one-time code. */
export const codeField = (word = "Code", hint = "") => field(word, "code", { class: "mono", inputmode: "numeric", autocomplete: "one-time-code", pattern: "[0-9 ]*", maxlength: "7", size: "8" }, hint);

/** Fill `box` with what there is. */
export const fill = (box, ...parts) => box.replaceChildren(...parts.flat().filter(Boolean));

/** Words for roles. */
export const ROLES = { resident: "Resident", operator: "Operator", supervisor: "Supervisor", command: "Command", engineer: "Engineer", data_officer: "Data officer", auditor: "Auditor", administrator: "Administrator", member: "Member of a department" };
export const roles = (list) => list.map((one) => ROLES[one] ?? one).join(", ");

/** A moment of the wall clock as people read it. */
export const when = (text) => (text ? new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" }).format(new Date(text)) : "never");

export { h };
