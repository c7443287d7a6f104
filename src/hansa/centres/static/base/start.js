// What every page of the context base begins with: the city's clock and health in the bar, keys, light and dark.

import { h, put } from "../dom.js";
import { ask } from "../doors.js";
import { clockLine, meant, startHelp, startTheme } from "../frame.js";
import { look, lasting } from "../words.js";
import { moment } from "../station.js";

const HEALTH_MS = 15_000;
const WAYS = [
  ["g", "then m, e, s, c: map, entities, subscriptions, contexts"],
  ["t", "light, dark, as the system"],
  ["?", "this sheet"],
];
const GO = { m: "/", e: "/entities", s: "/subscriptions", c: "/contexts" };
let clock = null; // {now, rate, simulated, heard}

/** The city's time in milliseconds, simulated or not. */
export const now = () => (clock ? clock.now + (performance.now() - clock.heard) * clock.rate : Date.now());

/** What whoever looks may do: {write, administer}. The doors decide again. */
export const may = look.may ?? { write: false, administer: false };

/** Say something to those who cannot see it appear. */
export const aloud = (words) => put(document.getElementById("aloud"), words);

async function health() {
  const box = document.getElementById("fresh");
  const text = box.querySelector(".fresh-text");
  try {
    const { body } = await ask("/health");
    const at = moment(body.now);
    if (at !== null) clock = { now: at, rate: body.rate ?? 1, simulated: body.simulated === true, heard: performance.now() };
    const behind = body.rules?.behind_s > 5 ? `, rules ${lasting(body.rules.behind_s * 1000)} behind` : "";
    box.className = `fresh ${body.status === "ok" ? "live" : "waiting"}`;
    put(text, { ok: `City in order${behind}`, full: "Disk full: nothing new is taken" }[body.status] ?? `City ${body.status}${behind}`);
  } catch (fault) {
    box.className = "fresh failed";
    put(text, fault.message);
  }
}

const tick = () => clock && document.getElementById("clock").replaceChildren(...clockLine(now(), clock.simulated, clock.rate));

/**
 * Start the frame of a page. `keys` are its own ([[keys, what]]), `act` what they do by key; `themed` is called after
 * light became dark. Resolves when the city's time is known, or cannot be.
 */
export async function start({ keys = [], act = {}, themed } = {}) {
  const theme = startTheme(themed);
  const help = startHelp([...keys, ...WAYS]);
  let going = -Infinity; // a page that has just begun was not asked to go anywhere
  addEventListener("keydown", (event) => {
    if (!meant(event)) return;
    const to = performance.now() - going < 1500 ? GO[event.key] : null;
    going = -Infinity;
    const fn = to ? () => location.assign(to) : { g: () => (going = performance.now()), t: theme, "?": help, ...act }[event.key];
    if (!fn) return;
    if (fn(event) !== false) event.preventDefault();
  });
  if (themed) matchMedia("(prefers-color-scheme: dark)").addEventListener("change", themed);
  await health();
  tick();
  setInterval(tick, 1000);
  setInterval(health, HEALTH_MS);
}

/** A fault as a notice: what the city said, where, how to mend it, and the whole of it for those who want it. */
export function fault(heading, it, button = null) {
  const problem = it.problem;
  return h(
    "div",
    { class: "notice bad", role: "alert" },
    h("h2", {}, heading),
    h("p", {}, it.message),
    problem?.where ? h("p", {}, "At ", h("code", {}, problem.where)) : null,
    it.mend ? h("p", {}, it.mend) : null,
    it.status === 401 ? h("p", {}, h("a", { href: `${problem?.stepUp ?? "/sign-in?"}&next=${encodeURIComponent(location.pathname + location.search)}` }, "Sign in")) : null,
    button,
    problem ? h("details", { class: "data" }, h("summary", {}, `Problem details (${it.status})`), h("pre", { class: "code" }, JSON.stringify(problem, null, 2))) : null,
  );
}

/** A button that copies what `text()` gives, and says that it did. */
export function copier(text, label = "Copy") {
  const button = h("button", { type: "button", class: "link" }, label);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      put(button, "Copied");
      aloud("Copied");
    } catch {
      put(button, "Not allowed here");
    }
    setTimeout(() => put(button, label), 1600);
  });
  return button;
}

/** What j and k do: go `by` further among what `selector` finds, from where one is. */
export function walk(selector, by) {
  return () => {
    const all = [...document.querySelectorAll(selector)];
    const at = all.indexOf(document.activeElement);
    all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + by))]?.focus();
  };
}
