// /alarms/load and /ccc/alarms/load: how much the alarms ask of people, by the measures of EEMUA 191 and ISA-18.2.

import { h, notice, put } from "../dom.js";
import { ask, DESK, room } from "../doors.js";
import { fault, now, start } from "../base/start.js";
import { moment } from "../station.js";
import { count, lasting, title, whenText } from "../words.js";

const by = (id) => document.getElementById(id);
const HOUR = 3_600_000;
const WINDOWS = { "8h": 8 * HOUR, "24h": 24 * HOUR, "7d": 168 * HOUR, "31d": 744 * HOUR };
const DEFAULTS = { win: "24h", to: "", operators: "" };
const NAMES = {
  per10min: ["Alarms in ten minutes, an operator", "average over all of the time"],
  busiestEach: ["Busiest ten minutes, an operator", "most of any period"],
  overPercent: ["Periods with more than ten", "of all ten-minute periods"],
  floodPercent: ["Time in flood", "from a period of more than ten to one of fewer than five"],
  topTenPercent: ["The ten loudest alarms", "their part of all that rang"],
  chattering: ["Chattering alarms", "three times or more within a minute"],
  fleeting: ["Fleeting alarms", "over within a minute, and not chattering"],
  stale: ["Stale alarms", "standing for more than 24 hours"],
  grave: ["High and critical", "of all that rang"],
};
const PERCENT = new Set(["overPercent", "floodPercent", "topTenPercent", "grave"]);
const BAND = { ok: "within", watch: "at the edge", bad: "beyond" };
const GUIDANCE = { low: 80, medium: 15, high: 5, critical: 1 };
const place = { ...DEFAULTS };
let asked = 0;
let shown = null;

function where() {
  const given = new URLSearchParams(location.search);
  for (const name of Object.keys(DEFAULTS)) place[name] = given.get(name) ?? DEFAULTS[name];
  if (!Object.hasOwn(WINDOWS, place.win)) place.win = "24h";
}

function go(change) {
  Object.assign(place, change);
  const given = new URLSearchParams(Object.entries(place).filter(([name, value]) => value && value !== DEFAULTS[name]));
  history.pushState(null, "", given.size ? `?${given}` : location.pathname);
  load();
}

function way(format) {
  const to = place.to && !Number.isNaN(Date.parse(place.to)) ? Date.parse(place.to) : now();
  const given = new URLSearchParams({ from: new Date(to - WINDOWS[place.win]).toISOString(), to: new Date(to).toISOString() });
  if (place.operators) given.set("operators", place.operators);
  if (format) given.set("format", format);
  return `${DESK}/alarms/load?${given}`;
}

async function load() {
  const turn = ++asked;
  head();
  by("figures").classList.add("wait");
  try {
    const { body } = await ask(way());
    if (turn !== asked) return;
    shown = body;
    show(body);
  } catch (problem) {
    if (turn === asked) by("figures").replaceChildren(fault("The load could not be computed", problem, h("button", { type: "button", on: { click: () => load() } }, "Try again")));
  }
  if (turn === asked) by("figures").classList.remove("wait");
  head();
}

function head() {
  by("windows").replaceChildren(...Object.keys(WINDOWS).map((win) => h("button", { type: "button", "aria-pressed": String(win === place.win), on: { click: () => go({ win }) } }, win)));
  const form = by("asked");
  if (document.activeElement !== form.elements.to) form.elements.to.value = place.to;
  if (document.activeElement !== form.elements.operators) form.elements.operators.value = place.operators || (shown?.operators ?? "");
  by("csv").href = way("csv");
  by("json").href = way("json");
  put(by("sum"), shown ? `${count(shown.raisings, "alarm")} rang, of ${count(shown.alarms, "Alert")}${shown.cut ? " looked at; there are more" : ""}` : "");
}

const figure = (name, value) => (PERCENT.has(name) ? `${value.toFixed(value < 10 ? 1 : 0)} %` : Number.isInteger(value) ? String(value) : value.toFixed(2));

function show(told) {
  const tables = [
    ["Loudest", "offenders", (one) => `${one.raisings}×`, (one) => `${one.percent.toFixed(1)} %`],
    ["Chattering", "chatteringAlarms", (one) => `${one.measure}×`, () => ""],
    ["Fleeting", "fleetingAlarms", (one) => `${one.measure}×`, () => ""],
    ["Stale", "staleAlarms", (one) => lasting(one.measure * 1000), () => ""],
  ];
  by("figures").replaceChildren(
    ...(told.raisings ? [] : [notice("Nothing rang in this time", ["That is within every band. Choose a longer time, or another end."])]),
    bands(told),
    periods(told),
    shares(told),
    h("div", { class: "load-tables" }, tables.map(([word, name, measure, part]) => ranked(word, told[name], measure, part))),
  );
}

function bands(told) {
  return h(
    "table",
    { class: "load-bands" },
    h("caption", {}, "Figures, their bands and where these come from"),
    h("thead", {}, h("tr", {}, ["Figure", "Measured", "Target", "Band", "Source"].map((word, i) => h("th", { scope: "col", class: i === 1 ? "num" : null }, word)))),
    h(
      "tbody",
      {},
      told.bands.map((one) =>
        h("tr", { data: { figure: one.figure } }, h("th", { scope: "row" }, NAMES[one.figure][0], h("span", { class: "sub" }, NAMES[one.figure][1])), h("td", { class: "num" }, h("b", {}, figure(one.figure, one.measured))), h("td", {}, one.target), h("td", {}, h("span", { class: `sign ${{ ok: "ok", watch: "watch", bad: "alarm" }[one.band]}` }, BAND[one.band])), h("td", { class: "quiet" }, one.source)),
      ),
    ),
  );
}

const svg = (tag, props, ...children) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(props)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

/** Bars of ten minutes each; where there are more than the picture is wide, the fullest of those that fall together. */
function periods(told) {
  const all = told.periods;
  const bars = Math.min(all.length, 288);
  const most = Math.max(FLOOD * told.operators * 1.3, ...all.map((one) => one.raisings));
  const [wide, high] = [1000, 160];
  const y = (many) => high - (many / most) * high;
  const line = FLOOD * told.operators;
  const made = Array.from({ length: bars }, (_, i) => {
    const some = all.slice(Math.floor((i * all.length) / bars), Math.max(Math.floor(((i + 1) * all.length) / bars), Math.floor((i * all.length) / bars) + 1));
    const fullest = some.reduce((a, b) => (b.raisings > a.raisings ? b : a), some[0]);
    const bar = svg("rect", { x: (i * wide) / bars, width: Math.max(1, wide / bars - 0.6), y: y(fullest.raisings), height: high - y(fullest.raisings), class: fullest.raisings > line ? "over" : "within" });
    bar.append(svg("title", {}, `${whenText(moment(fullest.at), now())}: ${fullest.raisings}`));
    return bar;
  });
  const words = `Alarms in each ten minutes from ${told.from} to ${told.to}; most ${told.busiest}, more than ${line} is a flood.`;
  return h(
    "figure",
    { class: "load-periods" },
    h("figcaption", {}, "Every ten minutes", h("span", { class: "quiet" }, ` more than ${line} is a flood; most ${told.busiest}${told.floods.length ? `; ${count(told.floods.length, "flood")}` : ""}`)),
    svg("svg", { viewBox: `0 0 ${wide} ${high}`, preserveAspectRatio: "none", role: "img", "aria-label": words }, ...made, svg("line", { x1: 0, x2: wide, y1: y(line), y2: y(line), class: "limit" })),
    h("p", { class: "load-axis quiet" }, h("span", {}, whenText(moment(told.from), now())), h("span", {}, whenText(moment(told.to), now()))),
    told.floods.length ? h("ul", { class: "load-floods" }, told.floods.slice(0, 50).map((one) => h("li", {}, h("span", { class: "sign alarm" }, "Flood"), ` ${whenText(moment(one.begin), now())} for ${lasting(moment(one.end) - moment(one.begin))}: ${one.raisings} alarms, ${one.peak} in the worst ten minutes`))) : null,
    h("details", { class: "data" }, h("summary", {}, "Data"), h("div", { class: "table-box" }, h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "From"), h("th", { scope: "col", class: "num" }, "Alarms"))), h("tbody", {}, all.filter((one) => one.raisings).slice(-500).map((one) => h("tr", {}, h("td", {}, one.at), h("td", { class: "num" }, String(one.raisings)))))))),
  );
}
const FLOOD = 10;

function shares(told) {
  const row = (grave) => {
    const bar = h("span", { class: `bar-of ${grave}` });
    bar.style.inlineSize = `${told.shares[grave]}%`;
    const mark = h("span", { class: "mark" });
    mark.style.insetInlineStart = `${GUIDANCE[grave]}%`;
    return h("tr", {}, h("th", { scope: "row" }, h("span", { class: `sev ${grave}` }, title(grave, "severities"))), h("td", { class: "num" }, h("b", {}, `${told.shares[grave].toFixed(1)} %`)), h("td", { class: "num quiet" }, `${grave === "critical" ? "under " : "about "}${GUIDANCE[grave]} %`), h("td", { class: "bar-cell" }, bar, mark));
  };
  return h("table", { class: "load-shares" }, h("caption", {}, "Severities of what rang, beside the guidance of EEMUA 191 (80, 15, 5)", told.informational ? h("span", { class: "quiet" }, ` ${told.informational} for information are no alarms`) : null), h("thead", { class: "unseen" }, h("tr", {}, ["Severity", "Measured", "Guidance", "Bar"].map((word) => h("th", { scope: "col" }, word)))), h("tbody", {}, ["critical", "high", "medium", "low"].map(row)));
}

function ranked(word, some, measure, part) {
  if (!some.length) return h("section", {}, h("h3", {}, word), h("p", { class: "quiet" }, "None."));
  return h(
    "section",
    {},
    h("h3", {}, `${word} · ${some.length}`),
    h("table", {}, h("thead", { class: "unseen" }, h("tr", {}, ["Severity", "Alarm", "Measure", "Part"].map((one) => h("th", { scope: "col" }, one)))), h("tbody", {}, some.slice(0, 20).map((one) => h("tr", {}, h("td", {}, h("span", { class: `sev ${one.severity}` }, title(one.severity, "severities"))), h("th", { scope: "row" }, h("a", { href: room(`/alarms?show=all&sel=${encodeURIComponent(one.alarm).replaceAll("%3A", ":")}`) }, title(one.kind ?? "alert", "kinds")), h("bdi", { class: "sub" }, String(one.source ?? one.alarm))), h("td", { class: "num" }, h("b", {}, measure(one))), h("td", { class: "num quiet" }, part(one)))))),
  );
}

by("asked").addEventListener("submit", (event) => {
  event.preventDefault();
  const { to, operators } = by("asked").elements;
  go({ to: to.value, operators: operators.value });
});
addEventListener("popstate", () => (where(), load()));
where();
await start({ keys: [["a", "the alarms"]], act: { a: () => location.assign(room("/alarms")) } });
await load();
setInterval(() => place.to || document.hidden || load(), 60_000);
document.documentElement.classList.add("ready");
