// The time bar: what the points said at another time, from the city's own history.

import { put } from "../dom.js";
import { dayText, hourText, look } from "../words.js";
import { go, watch, where } from "./where.js";

const SPAN = 24 * 3600_000; // the slider goes so far back; the field beside it as far as history does
const STEP = 10 * 60_000;

export function startTime({ feed, now }) {
  const slider = document.getElementById("time-slider");
  const word = document.getElementById("time-word");
  const exact = document.getElementById("time-exact");
  const back = document.getElementById("time-now");
  let due = 0;
  let end = null; // of the slider; it stands still while one looks back

  const said = () => (where.t && Number.isFinite(Date.parse(where.t)) ? Date.parse(where.t) : null);
  // The field speaks of the city's time, wherever the browser is.
  const form = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short", ...(look.zone ? { timeZone: look.zone } : {}) });
  const local = (at) => form.format(at).replace(" ", "T");
  const instant = (text) => {
    let at = Date.parse(`${text}Z`);
    for (let i = 0; i < 2; i++) at += Date.parse(`${text}Z`) - Date.parse(`${local(at)}Z`);
    return at;
  };

  function to(at, { quiet = true } = {}) {
    const then = at === null || at >= now() - STEP / 2 ? null : Math.round(at / 60_000) * 60_000;
    go({ t: then === null ? "" : new Date(then).toISOString().replace(":00.000Z", "Z") }, { quiet });
    draw();
    clearTimeout(due);
    due = setTimeout(() => feed.to("travel", { at: then }), then === null ? 0 : 250);
  }

  function draw() {
    const at = said();
    const t = now();
    if (at === null) end = t;
    end ??= t;
    document.body.classList.toggle("then", at !== null);
    slider.min = "0";
    slider.max = String(SPAN / STEP);
    slider.value = String(Math.max(0, Math.round((SPAN - (end - (at ?? end))) / STEP)));
    const text = at === null ? "Now" : `${dayText(at)}, ${hourText(at)}`;
    put(word, text);
    slider.setAttribute("aria-valuetext", text);
    if (document.activeElement !== exact) exact.value = local(at ?? t);
    back.hidden = at === null;
  }

  slider.addEventListener("input", () => to(Number(slider.value) >= SPAN / STEP ? null : end - SPAN + Number(slider.value) * STEP));
  exact.addEventListener("change", () => exact.value && to(instant(exact.value), { quiet: false }));
  back.addEventListener("click", () => to(null, { quiet: false }));
  feed.on("then", ({ at, n }) => at !== null && put(document.getElementById("aloud"), `${n} points as they were at ${hourText(at)}`));
  watch((changed, how) => {
    if (!how.back || !changed.has("t")) return;
    draw();
    feed.to("travel", { at: said() });
  });
  setInterval(() => said() === null && draw(), 30_000);
  setTimeout(draw, 1500); // the city's clock is known by then
  draw();
  if (said() !== null) feed.to("travel", { at: said() });
  return { step: (by) => to((said() ?? now()) + by * STEP), at: said };
}
