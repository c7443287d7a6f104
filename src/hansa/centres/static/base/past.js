// The past of one attribute: its chart where it is a number, its values as a table, and both as files.

import { chart, gaps, usual } from "../chart.js";
import { csv, download, h, notice, put } from "../dom.js";
import { ask, door } from "../doors.js";
import { headers } from "./asked.js";
import { exact } from "./shown.js";
import { fault, now } from "./start.js";
import { moment } from "../station.js";
import { age, count, title, whenText } from "../words.js";

const SPANS = { "6h": 6, "24h": 24, "7d": 168, "30d": 720, "1y": 8766 };
const WORDS = { "6h": "6 h", "24h": "24 h", "7d": "7 d", "30d": "30 d", "1y": "1 y" };
const HOUR = 3_600_000;
const LAST = 1000; // instances of one answer
const PAGES = 5;
const ROWS = 200;
const STALE = 5_400_000;

const iso = (at) => new Date(at).toISOString().replace(".000Z", "Z");

/** Where the past of an attribute is found: its newest instances after a moment, or between two. */
function pastPath({ id, name, one }, since, until = null) {
  const span = until === null ? `timerel=after&timeAt=${iso(since)}` : `timerel=between&timeAt=${iso(since)}&endTimeAt=${iso(until)}`;
  // What was never observed has the time at which it was said.
  const clock = one.at === null ? "&timeproperty=modifiedAt" : "";
  return `${door("temporal", "entities", id)}?attrs=${encodeURIComponent(name)}&${span}${clock}&lastN=${LAST}&options=temporalValues`;
}

/** The values of an attribute since a moment: {rows: [[at, value]], cut}. */
async function read(what, since, signal) {
  const found = new Map();
  let until = null;
  for (let page = 0; page < PAGES; page++) {
    let body;
    try {
      ({ body } = await ask(pastPath(what, since, until), { headers: headers(what.whose), signal }));
    } catch (problem) {
      if (problem.status === 404) break; // nothing was said of it in that time
      throw problem;
    }
    const series = [body?.[what.name] ?? []].flat().find((one) => (one.datasetId ?? "") === what.one.dataset);
    const pairs = Object.values(series ?? {}).find(Array.isArray) ?? [];
    const before = found.size;
    let oldest = Infinity;
    for (const [value, written] of pairs) {
      const at = moment(written);
      if (at === null) continue;
      oldest = Math.min(oldest, at);
      found.set(at, value);
    }
    if (pairs.length < LAST || found.size === before) return { rows: sorted(found), cut: false };
    until = oldest;
  }
  return { rows: sorted(found), cut: found.size >= LAST * PAGES };
}

const sorted = (found) => [...found].sort((a, b) => a[0] - b[0]);

/** Start the panel in `box`; `go({win})` changes the window that is shown. */
export function startPast(box, { go }) {
  let under = null;
  let shown = null; // {what, win, said, rows}
  let plot = null;
  const part = {
    title: h("h2", { class: "what" }),
    spans: h("div", { class: "spans", role: "group", "aria-label": "Time shown" }, Object.keys(SPANS).map((name) => h("button", { type: "button", data: { span: name }, on: { click: () => go({ win: name }) } }, WORDS[name]))),
    readout: h("p", { class: "readout" }),
    chart: h("div", { class: "plot", tabindex: "0", role: "img", "aria-label": "Chart. Left and right arrow read it out; the table has the same data." }),
    note: h("p", { class: "quiet note" }),
    key: h("ul", { class: "legend", "aria-label": "Signs of the chart" }),
    table: h("div", { class: "table-box", tabindex: "0", role: "region", "aria-label": "History" }),
    links: h("p", { class: "links" }),
  };
  box.append(h("div", { class: "plot-head" }, part.title, part.spans), part.readout, part.chart, part.note, part.key, part.table, part.links);

  function show(what, win) {
    box.hidden = !what;
    if (!what) return;
    const name = Object.hasOwn(SPANS, win) ? win : "24h";
    const said = JSON.stringify([what.name, what.one.dataset, what.one.value, what.one.at, what.one.modified]);
    const same = shown && shown.what.name === what.name && shown.what.one.dataset === what.one.dataset && shown.win === name;
    if (same && shown.said === said) return;
    shown = { what, win: name, said, rows: same ? shown.rows : null };
    for (const button of part.spans.children) button.setAttribute("aria-pressed", String(button.dataset.span === name));
    part.title.replaceChildren(title(what.name, "attributes"), what.one.unit ? h("span", { class: "unit" }, ` ${what.one.unit}`) : "", what.one.dataset ? h("span", { class: "quiet id" }, ` ${what.one.dataset}`) : "");
    load();
  }

  async function load() {
    under?.abort();
    under = new AbortController();
    const { signal } = under;
    const { what, win } = shown;
    const since = now() - SPANS[win] * HOUR;
    part.chart.classList.add("wait");
    try {
      const { rows, cut } = await read(what, since, signal);
      shown.rows = rows;
      draw(since, rows, cut);
    } catch (problem) {
      if (problem.name === "AbortError") return;
      nothing();
      part.chart.replaceChildren(fault("The history could not be read", problem, h("button", { type: "button", on: { click: load } }, "Try again")));
    }
    part.chart.classList.remove("wait");
  }

  function nothing() {
    plot?.destroy();
    plot = null;
    for (const one of [part.readout, part.key, part.table, part.links]) one.replaceChildren();
    part.chart.classList.remove("none");
    part.chart.hidden = part.table.hidden = false;
    put(part.note, "");
  }

  function draw(since, rows, cut) {
    const { what, win } = shown;
    const at = now();
    const numbers = rows.filter(([, value]) => typeof value === "number");
    if (!rows.length) {
      nothing();
      part.table.hidden = true;
      part.chart.classList.add("none");
      const wider = Object.keys(SPANS)[Object.keys(SPANS).indexOf(win) + 1];
      const newest = what.one.at ?? what.one.modified;
      part.chart.replaceChildren(notice(`Nothing in the last ${WORDS[win]}`, [newest === null ? "No time was ever said with it." : `It was last said ${age(newest, at)} ago.`], { button: wider ? h("button", { type: "button", on: { click: () => go({ win: wider }) } }, `Show ${WORDS[wider]}`) : null }));
      return;
    }
    const drawn = numbers.length > 0;
    if (!drawn || !plot) nothing();
    part.chart.hidden = !drawn;
    const stale = at - (rows.at(-1)?.[0] ?? at) > STALE;
    if (drawn) {
      if (!plot) part.chart.replaceChildren(), (plot = chart(part.chart, part.readout));
      plot.show({ label: title(what.name, "attributes"), unit: what.one.unit, values: numbers, second: null, nights: [], since, now: at, stale, zero: what.one.unit === "°C" });
      const signs = [["k-solid", "measured"], gaps(numbers).length ? ["k-dash", "missing"] : null, stale ? ["k-stale", "stale"] : null].filter(Boolean);
      part.key.replaceChildren(...signs.map(([kind, word]) => h("li", {}, h("i", { class: kind }), word)));
    }
    const step = usual(rows);
    put(part.note, cut ? `The newest ${rows.length.toLocaleString("en")} values; the JSON link pages through all.` : `${count(rows.length, "value")}${step ? `, usually every ${age(0, step).replace("\u00a0", " ")}` : ""}${what.one.at === null ? ", by the time they were said" : ""}.`);
    table(rows, at);
    links(rows, since);
  }

  function table(rows, at) {
    const { what } = shown;
    const cells = rows.slice(-ROWS).reverse().map(([when, value]) => h("tr", {}, h("td", {}, h("time", { title: new Date(when).toISOString() }, whenText(when, at))), typeof value === "number" ? h("td", { class: "num" }, exact(value)) : h("td", {}, typeof value === "string" ? value : JSON.stringify(value))));
    const numeric = rows.some(([, value]) => typeof value === "number");
    part.table.replaceChildren(h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, what.one.at === null ? "Said" : "Observed"), h("th", { scope: "col", class: numeric ? "num" : null }, `Value${what.one.unit ? `, ${what.one.unit}` : ""}`))), h("tbody", {}, cells)));
  }

  function links(rows, since) {
    const { what, win } = shown;
    const name = `${what.id.split(":").pop()}-${what.name}-${win}.csv`.replace(/[^\w.-]+/g, "_");
    const lines = rows.map(([at, value]) => [new Date(at).toISOString(), what.id, typeof value === "number" ? value : typeof value === "string" ? value : JSON.stringify(value), what.one.code]);
    part.links.replaceChildren(h("button", { type: "button", class: "link", on: { click: () => download(name, csv([["observedAt", "id", what.name, "unitCode"], ...lines])) } }, "CSV"), h("a", { href: pastPath(what, since) }, "JSON"), h("span", { class: "quiet" }, rows.length > ROWS ? `${ROWS} newest in the table` : ""));
  }

  return { show, reink: () => plot?.reink() };
}
