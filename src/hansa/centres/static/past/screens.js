// Tells the city what is on this screen, where the city says that it keeps that, and says so on the page.

import { ask, DESK } from "../doors.js";
import { h } from "../dom.js";
import { look } from "../words.js";

const LOOK_MS = 1000;
const STILL_MS = 1500; // somebody who only passes through has not looked
const page = document.body.dataset.page ?? "";
let told = "";
let seen = "";
let since = 0;
let ends = false;

function now() {
  if (document.hidden) return { page: "", url: "", selected: "" };
  const query = new URLSearchParams(location.search);
  return { page, url: (location.pathname + location.search).slice(0, 2000), selected: (query.get("sel") ?? "").slice(0, 2000) };
}

async function look_() {
  if (ends) return;
  const it = JSON.stringify(now());
  if (it !== seen) [seen, since] = [it, performance.now()];
  if (it === told || performance.now() - since < STILL_MS) return;
  told = it;
  try {
    await ask(`${DESK}/screens`, { method: "POST", send: JSON.parse(it) });
  } catch (fault) {
    if (fault.status === 429 || !fault.status || fault.status >= 500) told = "";
    else ends = true; // not for this one to tell
  }
}

if (look.screens > 0) {
  const days = `${look.screens} ${look.screens === 1 ? "day" : "days"}`;
  document.querySelector(".bar .knobs")?.before(h("p", { class: "screens-told", title: `This city keeps which page you look at and what you chose there, for ${days}: for rewind, and for who saw what. You can read your own.` }, h("span", { "aria-hidden": "true" }, "◉"), h("span", {}, ` Screen noted, ${days}`)));
  setInterval(look_, LOOK_MS);
  document.addEventListener("visibilitychange", look_);
}
