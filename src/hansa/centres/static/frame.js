// What the bar of every page does: light and dark, and the sheet of keys.

import { h, put } from "./dom.js";
import "./past/screens.js";
import { clockText, dayText, hourText, zoneText } from "./words.js";

const NEXT = { "": "light", light: "dark", dark: "" };
const chosen = () => document.documentElement.dataset.theme ?? "";

/** The button for light and dark; `changed` is called after each choice. What it gives takes the next choice. */
export function startTheme(changed = () => {}) {
  const button = document.getElementById("theme");

  function say() {
    button.setAttribute("aria-label", `Colours: ${{ light: "light", dark: "dark", "": "as the system" }[chosen()]}. Change`);
    put(button.firstElementChild, { light: "○", dark: "●", "": "◐" }[chosen()]);
  }

  function next() {
    const to = NEXT[chosen()];
    if (to) document.documentElement.dataset.theme = to;
    else delete document.documentElement.dataset.theme;
    try {
      if (to) localStorage.setItem("hansa.theme", to);
      else localStorage.removeItem("hansa.theme");
    } catch {
      // Without storage the choice holds for this page.
    }
    changed();
    say();
  }

  button.addEventListener("click", next);
  say();
  return next;
}

/** The sheet of `keys` ([[keys, what]]) with `more` elements below; what it gives opens and closes it. */
export function startHelp(keys, more = () => []) {
  const sheet = document.getElementById("keys");

  function toggle() {
    if (sheet.open) return sheet.close();
    sheet.replaceChildren(
      h("h2", { id: "keys-title" }, "Keys"),
      h("dl", {}, keys.flatMap(([names, what]) => [h("dt", {}, names.split(" ").filter(Boolean).map((one) => h("kbd", {}, one))), h("dd", {}, what)])),
      ...more(),
      h("form", { method: "dialog" }, h("button", {}, "Close")),
    );
    sheet.showModal();
  }

  document.getElementById("help").addEventListener("click", toggle);
  sheet.addEventListener("click", (event) => event.target === sheet && sheet.close());
  return toggle;
}

/** Whether a key is meant for the page: nobody is typing, no sheet is open, no browser's key is held. */
export function meant(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return false;
  return event.key === "Escape" || !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || event.target.type === "checkbox";
}

/** The city's time as the bar shows it; a clock that is not the wall's says so. */
export function clockLine(now, simulated, rate) {
  const time = h("time", { datetime: new Date(now).toISOString() }, h("span", { class: "day" }, `${dayText(now)} `), h("b", {}, rate >= 30 ? hourText(now) : clockText(now)), h("span", { class: "zone" }, ` ${zoneText(now)}`));
  if (!simulated) return [time];
  const how = rate === 0 ? "simulated, held" : rate === 1 ? "simulated" : `simulated ×${+rate.toFixed(1)}`;
  return [time, h("span", { class: "simulated", title: "This is not wall time: the city's clock is simulated." }, how)];
}
