// The chart of a station: measured solid, forecast dotted in its band, stale grey, missing dashed.

import uPlot from "./vendor/uplot/uPlot.esm.js";
import { h } from "./dom.js";
import { inks } from "./ground.js";
import { age, hourText, look, shortDayText, whenText, withUnit } from "./words.js";

const HOUR = 3_600_000;
const FONT = '11px "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif';

/** The usual distance of readings, by the median; null for fewer than three. */
export function usual(values) {
  if (values.length < 3) return null;
  const gaps = values.slice(1).map(([at], i) => at - values[i][0]).sort((a, b) => a - b);
  return gaps[Math.floor(gaps.length / 2)];
}

/**
 * The gaps of a series: pairs of readings [from, to] that lie further apart than `times` what is usual around them.
 * Around them, not over all: a station whose history was loaded by the hour and which now speaks every ten minutes
 * was not missing before.
 */
export function gaps(values, times = 2.6, around = 6) {
  const steps = values.slice(1).map(([at], i) => at - values[i][0]);
  const middle = (list) => [...list].sort((a, b) => a - b)[Math.floor((list.length - 1) / 2)] ?? 0;
  return steps.flatMap((step, i) => {
    const [before, after] = [steps.slice(Math.max(0, i - around), i), steps.slice(i + 1, i + 1 + around)];
    if (before.length + after.length < 2) return [];
    return step > times * Math.max(middle(before), middle(after)) ? [[values[i], values[i + 1]]] : [];
  });
}

/**
 * A chart in `box`. `drawn` is what it shows: {label, unit, values, second: {label, values}|null, nights, since, now,
 * stale, zero}; values are [[milliseconds, value], ...], nights are forecasts {from, to, value, sd, baseline, outcome}.
 */
export function chart(box, readout) {
  let plot = null;
  let drawn = null;
  let ink = inks();
  let size = [0, 0];

  function show(next) {
    drawn = next;
    ink = inks();
    const data = table(next);
    const [lo, hi] = reach(next);
    if (!plot) make(data);
    else {
      plot.setData(data, false);
      plot.batch(() => {
        plot.setScale("x", { min: next.since / 1000, max: last(next) / 1000 });
        plot.setScale("y", { min: lo, max: hi });
      });
    }
    if (plot.cursor.idx === null || plot.cursor.left < 0) say(null);
  }

  function make(data) {
    const [lo, hi] = reach(drawn);
    size = [box.clientWidth, box.clientHeight];
    const grid = { stroke: () => ink.rule, width: 1 };
    const axis = { stroke: () => ink["ink-2"], font: FONT, grid, ticks: { show: false }, gap: 4 };
    plot = new uPlot(
      {
        width: size[0],
        height: size[1],
        padding: [10, 18, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { size: 7, fill: () => ink.paper, width: 2 }, drag: { x: false, y: false } },
        tzDate: look.zone ? (s) => uPlot.tzDate(new Date(s * 1000), look.zone) : undefined,
        scales: { x: { time: true, min: drawn.since / 1000, max: last(drawn) / 1000 }, y: { auto: false, min: lo, max: hi } },
        axes: [
          { ...axis, size: 24, space: 56, values: (_, splits, __, ___, step) => splits.map((s) => (step >= 86_400 ? shortDayText(s * 1000) : step >= 21_600 || hourText(s * 1000) === "00:00" ? (hourText(s * 1000) === "00:00" ? shortDayText(s * 1000) : hourText(s * 1000)) : hourText(s * 1000))) },
          { ...axis, size: 44, space: 34, values: (_, splits) => splits.map((v) => String(+v.toFixed(3)).replace("-", "−")) },
        ],
        series: [
          {},
          { stroke: () => ink["ink-3"], width: 1, points: { show: false }, spanGaps: false },
          { stroke: () => ink.ok, width: 1.8, points: { show: false }, spanGaps: false },
        ],
        hooks: { drawAxes: [under], draw: [after], setCursor: [(u) => say(u.cursor.left >= 0 ? u.cursor.idx : null)] },
      },
      data,
      box,
    );
  }

  /** Times with both series, broken (null) inside gaps. */
  function table({ values, second }) {
    const breaks = (all) => gaps(all).map(([a, b]) => [(a[0] + b[0]) / 2, null]);
    const one = new Map([...values, ...breaks(values)]);
    const two = new Map(second ? [...second.values, ...breaks(second.values)] : []);
    const times = [...new Set([...one.keys(), ...two.keys()])].sort((a, b) => a - b);
    const column = (map) => times.map((at) => (map.has(at) ? map.get(at) : undefined)); // undefined: not said, null: missing
    return [times.map((at) => at / 1000), column(two), column(one)];
  }

  function reach({ values, second, nights, zero, stale }) {
    const all = [...values, ...(second?.values ?? [])].map(([, v]) => v);
    for (const night of nights) all.push(night.value - night.sd, night.value + night.sd);
    if (zero && all.length && Math.min(...all) < 6) all.push(0);
    if (!all.length) return [0, 1];
    let [lo, hi] = [Math.min(...all), Math.max(...all)];
    const room = Math.max((hi - lo) * 0.08, Math.abs(hi) * 0.005, 0.05);
    return [lo >= 0 && lo - room < 0 ? 0 : lo - room, hi + room];
  }

  const last = ({ now, nights }) => nights.reduce((end, night) => (night.to > now ? Math.max(end, night.to + HOUR / 2) : end), now);

  function under(u) {
    const { ctx, bbox } = u;
    const dense = devicePixelRatio || 1;
    const x = (at) => u.valToPos(at / 1000, "x", true);
    const y = (v) => u.valToPos(v, "y", true);
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    const end = x(drawn.now);
    if (end < bbox.left + bbox.width - 1) {
      ctx.fillStyle = ink.rule;
      ctx.globalAlpha = 0.35;
      ctx.fillRect(end, bbox.top, bbox.left + bbox.width - end, bbox.height);
      ctx.globalAlpha = 1;
    }
    if (drawn.zero && y(0) > bbox.top && y(0) < bbox.top + bbox.height) {
      ctx.strokeStyle = ink["ink-2"];
      ctx.lineWidth = dense;
      stroke(ctx, [[bbox.left, y(0)], [bbox.left + bbox.width, y(0)]], []);
    }
    for (const night of drawn.nights) {
      const [x0, x1] = [x(night.from), x(night.to)];
      ctx.fillStyle = ink.accent;
      ctx.globalAlpha = 0.14;
      ctx.fillRect(x0, y(night.value + night.sd), x1 - x0, y(night.value - night.sd) - y(night.value + night.sd));
      ctx.globalAlpha = 1;
      ctx.strokeStyle = ink.accent;
      ctx.lineWidth = 2 * dense;
      ctx.lineCap = "round";
      stroke(ctx, [[x0, y(night.value)], [x1, y(night.value)]], [0.1, 4.5 * dense]);
    }
    ctx.restore();
  }

  function after(u) {
    const { ctx, bbox } = u;
    const dense = devicePixelRatio || 1;
    const x = (at) => u.valToPos(at / 1000, "x", true);
    const y = (v) => u.valToPos(v, "y", true);
    const { values, now, stale } = drawn;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.strokeStyle = ink.stale;
    ctx.lineWidth = 1.4 * dense;
    ctx.lineCap = "butt";
    for (const [a, b] of gaps(values)) stroke(ctx, [[x(a[0]), y(a[1])], [x(b[0]), y(b[1])]], [5 * dense, 4 * dense]);
    const end = values.at(-1);
    if (end && stale) {
      ctx.lineWidth = 2 * dense;
      stroke(ctx, [[x(end[0]), y(end[1])], [x(now), y(end[1])]], []);
    }
    if (end) {
      ctx.fillStyle = stale ? ink.stale : ink.ok;
      ctx.beginPath();
      ctx.arc(x(end[0]), y(end[1]), 3.4 * dense, 0, 7);
      ctx.fill();
    }
    ctx.strokeStyle = ink["ink-2"];
    ctx.lineWidth = dense;
    if (x(now) < bbox.left + bbox.width - 2) stroke(ctx, [[x(now), bbox.top], [x(now), bbox.top + bbox.height]], [2 * dense, 3 * dense]);
    ctx.restore();
  }

  function say(idx) {
    if (!drawn) return;
    const at = idx === null || idx === undefined ? null : plot.data[0][idx] * 1000;
    const value = at === null ? (drawn.values.at(-1)?.[1] ?? null) : (plot.data[2][idx] ?? null);
    const second = at === null ? null : (plot.data[1][idx] ?? null);
    const parts = [];
    if (at === null) {
      const end = drawn.values.at(-1);
      if (end) parts.push(h("b", {}, withUnit(end[1], drawn.unit)), ` ${age(end[0], drawn.now)} ago`);
    } else {
      parts.push(h("time", {}, whenText(at, drawn.now)), " ", h("b", {}, value === null ? "missing" : withUnit(value, drawn.unit)));
      if (second !== null && drawn.second) parts.push(` · ${drawn.second.label.toLowerCase()} ${withUnit(second, drawn.unit)}`);
      const night = drawn.nights.find((one) => at >= one.from && at <= one.to);
      if (night) parts.push(` · forecast ${withUnit(night.value, drawn.unit)} ± ${withUnit(night.sd, drawn.unit)}`);
    }
    readout.replaceChildren(...parts);
  }

  box.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -12, PageDown: 12, Home: -1e9, End: 1e9 }[event.key];
    if (!by || !plot || !plot.data[0].length) return;
    event.preventDefault();
    event.stopPropagation();
    const from = plot.cursor.left >= 0 && plot.cursor.idx !== null ? plot.cursor.idx : plot.data[0].length;
    const idx = Math.min(plot.data[0].length - 1, Math.max(0, from + by));
    plot.setCursor({ left: plot.valToPos(plot.data[0][idx], "x"), top: 10 });
  });
  const fit = new ResizeObserver(() => {
    if (plot && (box.clientWidth !== size[0] || box.clientHeight !== size[1]) && box.clientWidth) {
      size = [box.clientWidth, box.clientHeight];
      plot.setSize({ width: size[0], height: size[1] });
    }
  });
  fit.observe(box);
  return {
    show,
    reink: () => ((ink = inks()), plot?.redraw()),
    destroy: () => (fit.disconnect(), plot?.destroy()),
  };
}

function stroke(ctx, points, dash) {
  ctx.setLineDash(dash);
  ctx.beginPath();
  points.forEach(([x, y], i) => ctx[i ? "lineTo" : "moveTo"](x, y));
  ctx.stroke();
  ctx.setLineDash([]);
}
