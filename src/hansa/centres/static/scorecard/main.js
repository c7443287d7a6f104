// /scorecard: the card, one number, the inputs, gaps and what helps, files. All of its state is in the address.

import { h, notice, press, put } from "../dom.js";
import { allowed } from "../desk/acts.js";
import { aloud, fault, start, walk } from "../base/start.js";
import { act, count, view } from "./told.js";
import { showCard } from "./card.js";
import { showFiles } from "./files.js";
import { showHelps } from "./helps.js";
import { showIndicator } from "./indicator.js";
import { showInput, showInputs } from "./inputs.js";

const by = (id) => document.getElementById(id);
const TABS = [["", "Card"], ["indicator", "Number"], ["inputs", "Inputs"], ["gaps", "Gaps & what helps"], ["files", "Files"]];
const NAMES = ["view", "framework", "period", "area", "code", "node", "level", "status", "q", "sel", "years"];
const place = {};
const read = () => NAMES.forEach((name) => (place[name] = new URLSearchParams(location.search).get(name) ?? ""));
read();
let used = null; // the frameworks, as the city tells them
let told = {}; // what was asked last, by tab
let failed = null;
let turn = 0;
let may = new Set();

/** Change the address, and show what it now says; of another tab, period or number it is asked first. */
function go(change, quiet = false) {
  const anew = ["view", "framework", "period", "area", "code", "years"].some((name) => name in change && change[name] !== place[name]);
  Object.assign(place, change);
  const query = new URLSearchParams(NAMES.map((name) => [name, place[name]]).filter(([, value]) => value));
  history[quiet ? "replaceState" : "pushState"](null, "", query.size ? `?${query.toString().replaceAll("%3A", ":")}` : location.pathname);
  if (anew) {
    told = { ...told, [place.view]: null };
    by("list").scrollTop = 0;
    load();
  } else show();
}

const open = (code) => go({ view: "indicator", code, sel: "" });
const deeds = () => ({ may, go, open, reload: load, say, close: () => go({ sel: "" }) });

async function load() {
  const mine = ++turn;
  if (!may.size) may = await allowed("scorecard");
  show();
  try {
    used = (await view("frameworks")).frameworks;
    const first = used.find((one) => one.id === place.framework) ?? used.find((one) => one.used);
    if (!first || !first.used) {
      failed = null;
      if (mine === turn) show();
      return;
    }
    const asked = { framework: first.id, ...(place.period ? { period: place.period } : {}), ...(place.area ? { area: place.area } : {}) };
    const found = await {
      "": () => view("card", asked),
      files: () => view("card", asked),
      gaps: () => view("loop", { ...asked, ...(place.years ? { years: place.years } : {}) }),
      inputs: async () => view("inputs", { ...asked, period: place.period || (await view("card", asked)).card.period }),
      indicator: async () => {
        const code = place.code || (await view("card", asked)).card.indicators[0]?.code;
        return code ? view("method", { ...asked, code }) : { empty: true };
      },
    }[place.view]();
    if (mine !== turn) return;
    told = { ...told, [place.view]: found };
    failed = null;
  } catch (problem) {
    if (mine !== turn) return;
    failed = problem;
  }
  show();
}

const current = () => used?.find((one) => one.id === place.framework) ?? used?.find((one) => one.used) ?? null;
const periodOf = (it) => it?.card?.period ?? it?.period ?? place.period;

function show() {
  by("which").replaceChildren(...TABS.map(([value, word]) => h("button", { type: "button", "aria-pressed": String(place.view === value), on: { click: () => go({ view: value, sel: "", status: "", q: "" }) } }, word)));
  const box = by("list");
  const one = current();
  picks(one);
  const it = told[place.view];
  if (failed && !it) return box.replaceChildren(fault("The scorecard could not be read", failed, h("button", { type: "button", on: { click: load } }, "Try again")));
  if (used === null || (one?.used && !it)) return box.replaceChildren(h("p", { class: "pad quiet" }, "Reading…"));
  if (!one?.used) return box.replaceChildren(begin());
  const seen = place.view ? null : box.querySelector(".kpi-head");
  const at = seen ? box.scrollTop : 0;
  const again = holding(box);
  if (it.empty) box.replaceChildren(notice("No indicators", ["This framework is a frame without indicators: the city loads those that it has bought or made."]));
  else if (place.view === "") showCard(box, it, place, deeds());
  else if (place.view === "indicator") showIndicator(box, it, place, deeds());
  else if (place.view === "inputs") showInputs(box, it, place, deeds());
  else if (place.view === "gaps") showHelps(box, it, place, deeds());
  else showFiles(box, it, place, deeds());
  if (at) box.scrollTop = at;
  again();
  side(it);
  document.documentElement.dataset.shown = place.view || "card";
  return undefined;
}

/** Whatever has the focus in `box` has it again when the box was filled anew. */
function holding(box) {
  const every = () => [...box.querySelectorAll("button, select, input, summary, a, [tabindex]")];
  const it = document.activeElement;
  const at = box.contains(it) ? every().indexOf(it) : -1;
  if (at < 0) return () => {};
  const same = (one) => one && one.tagName === it.tagName && one.getAttribute("aria-label") === it.getAttribute("aria-label") && one.textContent === it.textContent;
  return () => {
    const all = every();
    (same(all[at]) ? all[at] : all.find(same))?.focus({ preventScroll: true });
  };
}

function picks(one) {
  const framework = by("framework");
  const period = by("period");
  const what = JSON.stringify([used, place.framework, periodOf(told[place.view])]);
  if (framework.said !== what) {
    framework.said = what;
    framework.replaceChildren(...(used ?? []).filter((it) => it.used).map((it) => h("option", { value: it.id, selected: it.id === one?.id }, it.name)));
    const chosen = periodOf(told[place.view]);
    const year = new Date().getFullYear();
    const years = [...new Set([...(one?.periods ?? []), chosen, String(year - 1), String(year)].filter(Boolean))].sort().reverse();
    period.replaceChildren(...years.map((value) => h("option", { value, selected: value === chosen }, value)));
  }
  by("framework").parentElement.hidden = !one?.used;
  by("period").parentElement.hidden = !one?.used;
  const numbers = told.indicator?.account && place.view === "indicator";
  by("code").parentElement.hidden = !numbers;
  if (numbers && by("codes").said !== one.id) {
    by("codes").said = one.id;
    view("card", { framework: one.id }).then(({ card }) => by("codes").replaceChildren(...card.indicators.map((it) => h("option", { value: it.code }, it.name)))).catch(() => {});
  }
  if (numbers) by("code").value = told.indicator.account.code;
  by("find").parentElement.hidden = !["", "inputs"].includes(place.view) || !one?.used;
  if (by("find").value !== place.q) by("find").value = place.q;
  put(by("sum"), one?.used && told[""] ? `${told[""].card.counts.came} of ${told[""].card.counts.total} reported` : "");
}

/** Where no framework is used yet. */
function begin() {
  const free = (used ?? []).filter((one) => !one.used);
  const adopt = async (id) => {
    try {
      await act("adopt", { framework: id });
      go({ framework: id, view: "inputs" }, true);
      await load();
    } catch (problem) {
      say(`${problem.message} ${problem.mend ?? ""}`, true);
    }
  };
  if (!may.has("adopt")) return notice("No framework yet", ["The city measures itself by no framework of indicators yet.", "A supervisor or an engineer chooses one here."]);
  return h("div", { class: "kpi-part" }, h("h2", {}, "Choose a framework"), h("p", {}, "What is measured, by which formula and from which inputs is the framework's; the values, and every target, are the city's own."), h("ul", { class: "kpi-files" }, free.map((one) => h("li", {}, press("do", one.name, () => adopt(one.id)), h("span", { class: "quiet" }, `${one.edition ?? ""}; ${count(one.indicators, "indicator")}${one.standard ? `, ${one.standard} inputs that a city can compute by itself` : ""}`)))));
}

function side(it) {
  const one = place.view === "inputs" && place.sel ? it.rows.find((row) => row.input === place.sel) : null;
  const box = by("one");
  document.body.classList.toggle("has-side", Boolean(one));
  box.hidden = !one;
  if (!one) return box.replaceChildren();
  const what = JSON.stringify(one);
  if (box.said === what && box.children.length) return undefined;
  box.said = what;
  showInput(box, one, it, deeds());
  return undefined;
}

function say(words, bad = false) {
  by("said").hidden = !words;
  by("said").className = `kpi-said${bad ? " bad" : ""}`;
  by("said").replaceChildren(h("span", {}, words), press("knob", "×", () => say(""), { "aria-label": "Close" }));
  aloud(words);
}

by("framework").addEventListener("change", () => go({ framework: by("framework").value, code: "", node: "", sel: "" }));
by("period").addEventListener("change", () => go({ period: by("period").value }));
by("code").addEventListener("change", () => by("code").value && go({ code: by("code").value }));
let due = 0;
by("find").addEventListener("input", () => {
  clearTimeout(due);
  due = setTimeout(() => {
    const held = document.activeElement === by("find");
    go({ q: by("find").value.trim() }, true);
    if (held) by("find").focus();
  }, 150);
});
addEventListener("popstate", () => {
  read();
  load();
});

await start({
  keys: [["1 … 5", "card, number, inputs, gaps, files"], ["/", "find"], ["j / k", "the next, the one before"], ["Esc", "close what is beside"]],
  act: {
    ...Object.fromEntries(TABS.map(([value], i) => [String(i + 1), () => go({ view: value, sel: "", status: "", q: "" })])),
    "/": () => (by("find").parentElement.hidden ? false : by("find").focus()),
    j: walk("#list .attr, #list .tile", 1),
    k: walk("#list .attr, #list .tile", -1),
    Escape: () => (place.sel ? go({ sel: "" }) : false),
  },
});
await load();
document.documentElement.classList.add("ready");
