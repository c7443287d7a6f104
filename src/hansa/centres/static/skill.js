// How good the frost forecasts have been at one station: nights that are over, against persistence.

import { h } from "./dom.js";
import { moment, number, said, text } from "./station.js";
import { count, figure, shortDayText, withUnit } from "./words.js";

const FROST_C = 0;
const SHOWN = 21; // nights drawn
const SVG = "http://www.w3.org/2000/svg";

/** A WeatherForecast entity as a night; null when it says no minimum. */
export function night(entity) {
  const value = number(entity, "temperatureMin");
  if (value === null) return null;
  return {
    id: entity.id,
    date: text(entity, "night"),
    value,
    sd: number(entity, "sd") ?? 0,
    baseline: number(entity, "baseline"),
    outcome: number(entity, "outcome"),
    decided: number(entity, "decidedMin"), // of record, to more places than the figure that is shown
    warned: typeof said(entity, "warned") === "boolean" ? said(entity, "warned") : null, // null: not decided yet
    counted: said(entity, "counted") !== false, // too few readings, and the night proves nothing
    asOf: moment(said(entity, "asOf")),
    from: moment(said(entity, "validFrom")),
    to: moment(said(entity, "validTo")),
  };
}

/** One of hit, miss, false, quiet; null while the night is not over, was never decided, or does not count. */
export function verdict({ outcome, warned, counted }) {
  if (outcome === null || warned === null || !counted) return null;
  const frost = outcome <= FROST_C;
  return frost ? (warned ? "hit" : "miss") : warned ? "false" : "quiet";
}

const ofRecord = (one) => one.decided ?? one.value;

/** The record of nights: counts, mean absolute error of forecast and baseline (°C), and the forecast's bias. */
export function record(nights) {
  const over = nights.filter(verdict);
  const mean = (list) => (list.length ? list.reduce((sum, v) => sum + v, 0) / list.length : null);
  const tally = { hit: 0, miss: 0, false: 0, quiet: 0 };
  for (const one of over) tally[verdict(one)] += 1;
  const based = over.filter((one) => one.baseline !== null);
  return {
    nights: over.length,
    ...tally,
    error: mean(over.map((one) => Math.abs(ofRecord(one) - one.outcome))),
    baseline: mean(based.map((one) => Math.abs(one.baseline - one.outcome))),
    bias: mean(over.map((one) => ofRecord(one) - one.outcome)),
  };
}

/** The section of the panel; null where nothing was ever forecast. */
export function skillSection(nights, now) {
  if (!nights.length) return null;
  const sorted = [...nights].sort((a, b) => (a.date < b.date ? -1 : 1));
  const sum = record(sorted);
  const tonight = sorted.findLast((one) => one.outcome === null && one.to !== null && one.to > now);
  const box = h("section", { class: "skill", "aria-label": "Frost forecast" }, h("h3", {}, "Frost forecast"));
  if (tonight) {
    box.append(
      h(
        "p",
        { class: "tonight" },
        h("span", { class: "figure" }, figure(tonight.value, "°C")),
        h("span", { class: "unit" }, " °C"),
        h("span", { class: "pm" }, tonight.sd ? ` ± ${figure(tonight.sd, "°C")}` : ""),
        h("span", { class: "aside" }, `tonight's minimum${{ true: ", warned", false: ", no warning", null: ", to be decided at 20:00" }[tonight.warned]}${tonight.baseline === null ? "" : `; persistence says ${withUnit(tonight.baseline, "°C")}`}`),
      ),
    );
  }
  if (!sum.nights) {
    box.append(h("p", { class: "quiet" }, "No night is over yet; the record starts tomorrow."));
    return box;
  }
  const cell = (value, unit, label, kind = "") => h("div", { class: kind }, h("dt", {}, label), h("dd", {}, value, unit ? h("span", { class: "unit" }, ` ${unit}`) : null));
  box.append(
    h(
      "dl",
      { class: "record" },
      cell(figure(sum.error, "°C"), "°C", "mean error"),
      cell(figure(sum.baseline, "°C"), "°C", "persistence"),
      cell(String(sum.hit), "", "hits", "hit"),
      cell(String(sum.miss), "", "missed", "miss"),
      cell(String(sum.false), "", "false alarms", "false"),
    ),
    strip(sorted.filter(verdict).slice(-SHOWN)),
    h(
      "p",
      { class: "quiet" },
      `${count(sum.nights, "night")} so far at this station, ${count(sum.hit + sum.miss, "frost")}; on average ${sum.bias >= 0 ? "too warm" : "too cold"} by ${withUnit(Math.abs(sum.bias), "°C")}. `,
      h("span", { class: "key" }, h("i", { class: "k-band" }), "forecast ± ", h("i", { class: "k-dot" }), "what came"),
    ),
  );
  return box;
}

/** Night by night: the forecast's band and dotted line, and the minimum that came. */
function strip(nights) {
  const [W, H, P] = [420, 96, 14];
  const all = nights.flatMap((one) => [one.outcome, one.value - one.sd, one.value + one.sd, 0]);
  const [lo, hi] = [Math.min(...all) - 0.5, Math.max(...all) + 0.5];
  const y = (v) => 6 + ((hi - v) / (hi - lo)) * (H - P - 10);
  const wide = (W - 30) / Math.max(nights.length, 7);
  const svg = node("svg", { viewBox: `0 0 ${W} ${H}`, class: "strip", role: "img", "aria-label": `The last ${nights.length} nights, forecast against what came` });
  svg.append(node("line", { x1: 26, x2: W, y1: y(0), y2: y(0), class: "zero" }), label(22, y(0) + 3.5, "0°", "end"));
  nights.forEach((one, i) => {
    const x = 30 + wide * i;
    const middle = x + wide / 2 - 1;
    const how = verdict(one);
    const group = node("g", { class: how });
    const title = node("title", {});
    title.textContent = `${one.date}: forecast ${withUnit(one.value, "°C")} ± ${figure(one.sd)}, came ${withUnit(one.outcome, "°C")}${{ hit: ", warned and froze", miss: ", froze without warning", false: ", warned for nothing", quiet: "" }[how]}`;
    group.append(
      title,
      node("rect", { x: x, width: Math.max(2, wide - 3), y: y(one.value + one.sd), height: Math.max(1, y(one.value - one.sd) - y(one.value + one.sd)), class: "band" }),
      node("line", { x1: x + 1, x2: x + wide - 4, y1: y(one.value), y2: y(one.value), class: "said" }),
      sign(how, middle, y(one.outcome)),
    );
    svg.append(group);
  });
  const first = Date.parse(nights[0].date);
  const end = Date.parse(nights.at(-1).date);
  if (Number.isFinite(first)) svg.append(label(30, H - 2, shortDayText(first), "start"));
  if (Number.isFinite(end) && nights.length > 3) svg.append(label(30 + wide * nights.length - 4, H - 2, shortDayText(end), "end"));
  return svg;
}

function sign(how, x, y) {
  if (how === "miss") return node("path", { d: `M${x - 4} ${y - 4}l8 8M${x + 4} ${y - 4}l-8 8`, class: "came cross" });
  if (how === "false") return node("path", { d: `M${x} ${y - 5}l4.6 8h-9.2z`, class: "came" });
  if (how === "hit") return node("path", { d: `M${x} ${y - 4.8}l4.8 4.8l-4.8 4.8l-4.8 -4.8z`, class: "came" });
  return node("circle", { cx: x, cy: y, r: 2.7, class: "came" });
}

function label(x, y, words, anchor) {
  const made = node("text", { x, y, "text-anchor": anchor });
  made.textContent = words;
  return made;
}

function node(tag, props) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(props)) made.setAttribute(name, value);
  return made;
}
