// The panel of layers: what is shown, how, how strongly, in which order, at which time, and what its marks mean.

import { h, keep, put } from "../dom.js";
import { ask, door } from "../doors.js";
import { mainOf, figure, look, title, unitOf } from "../words.js";
import { COLOURS, RAMP, SHAPES } from "./shape.js";
import { go, layersSaid, layersText, watch } from "./where.js";

/** Types that are drawn as what they are, or that stand nowhere: no layer of points. */
export const NO_LAYER = new Set([
  ...["Alert", "AlarmRule", "WatchRule", "WeatherForecast", "FrostStation", "Device", "Subscription", "Command", "DeadLetter", "Proposal"],
  ...["District", "River", "WaterBody", "RoadSegment", "Road", "RailwayTrack", "Building", "AgriParcel", "Geofence", "MapPicture"],
  ...["IncidentTask", "IncidentLog", "RunBook", "RunBookRun", "Allocation", "Shift", "ShiftEntry", "VitalSign", "VitalSigns", "ForecastOutcome", "ForecastSkill", "KeyPerformanceIndicator"],
]);
const MODES = [["clusters", "Clusters"], ["marks", "Single marks"], ["heat", "Heat map"]];
const FAMILY = "M"; // of shapes: drawn as SVG in the legend

/** Colour and shape of a layer: with eight of each, no two of 64 are alike. */
const looks = (i) => ({ colour: i % 8, shape: (i + 3 * Math.floor(i / 8)) % 8 });

export function startLayers(feed) {
  const box = document.getElementById("layer-list");
  let types = []; // all that the city has
  let layers = [];
  let counts = {};
  let legends = {};
  let known = false; // how many there are of each is known
  const attrs = new Map(); // type -> names of its numbers, once asked

  function made(type, i, said) {
    return { type, on: true, mode: "clusters", by: "", opacity: 100, then: true, ...said, ...looks(types.indexOf(type) >= 0 ? types.indexOf(type) : i) };
  }

  /** Take the layers that the address names, and those of types that it does not name (hidden, if it names any). */
  function read() {
    const said = layersSaid();
    const known = (said ?? []).filter((one) => types.includes(one.type)).map((one, i) => made(one.type, i, one));
    const rest = types.filter((type) => !known.some((one) => one.type === type)).map((type, i) => made(type, known.length + i, { on: !said }));
    layers = [...known, ...rest];
    send();
    draw();
  }

  function send() {
    // Those that are hidden are not even asked for. The first of the list lies on top.
    const shown = layers.filter((one) => one.on);
    feed.to("layers", { layers: [...shown].reverse().map((one) => ({ type: one.type, on: one.on, mode: one.mode, by: one.by, attrs: one.by ? [one.by] : Object.hasOwn(look.words.main, one.type) ? mainOf(one.type) : [], opacity: Math.round(one.opacity * 2.55), then: one.then, colour: one.colour, shape: one.shape })) });
  }

  function change(type, said, { quiet = false } = {}) {
    layers = layers.map((one) => (one.type === type ? { ...one, ...said } : one));
    told({ quiet });
  }

  function told({ quiet = false } = {}) {
    const plain = layers.every((one) => one.on && one.mode === "clusters" && !one.by && one.opacity === 100 && one.then) && layers.every((one, i) => one.type === types[i]);
    go({ l: plain ? "" : layersText(layers.filter((one) => one.on || one.mode !== "clusters" || one.by || one.opacity !== 100)) || "none" }, { quiet });
    send();
    draw();
  }

  function move(type, by) {
    const from = layers.findIndex((one) => one.type === type);
    const to = from + by;
    if (to < 0 || to >= layers.length) return;
    const [one] = layers.splice(from, 1);
    layers.splice(to, 0, one);
    told();
    box.children[to]?.querySelector(by < 0 ? ".up" : ".down")?.focus();
  }

  async function numbers(type) {
    if (attrs.has(type)) return attrs.get(type);
    attrs.set(type, []);
    try {
      const { body } = await ask(door("types", type));
      const named = (body.attributeDetails ?? []).filter((one) => (one.attributeTypes ?? []).includes("Property")).map((one) => one.attributeName ?? one.id);
      attrs.set(type, [...new Set([...mainOf(type).filter((one) => named.includes(one)), ...named])]);
    } catch {
      attrs.delete(type); // the choice stays empty until it is opened again
    }
    draw();
    return attrs.get(type);
  }

  function draw() {
    keep(
      box,
      layers,
      (one) => one.type,
      (one) => {
        const details = h("details", { class: "layer-more" }, h("summary", {}, h("span", { class: "unseen" }, "Settings of "), "⋯"), h("div", { class: "layer-set" }));
        details.addEventListener("toggle", () => details.open && numbers(one.type));
        return h("li", { class: "layer" },
          h("label", { class: "layer-head" }, h("input", { type: "checkbox", on: { change: (event) => change(one.type, { on: event.target.checked }) } }), h("span", { class: "glyph" }), h("b", {}), h("span", { class: "num quiet" })),
          details,
          h("div", { class: "layer-legend" }));
      },
      (row, one) => {
        const [head, more, legend] = row.children;
        const name = title(one.type, "types");
        head.children[0].checked = one.on;
        const glyph = svg(one);
        if (head.children[1].dataset.now !== glyph.key) {
          head.children[1].dataset.now = glyph.key;
          head.children[1].replaceChildren(glyph.make());
        }
        put(head.children[2], name);
        put(head.children[3], one.on ? (counts[one.type] ?? 0).toLocaleString("en") : "hidden");
        put(more.querySelector("summary .unseen"), `Settings of ${name}`);
        settings(more.lastElementChild, one, name);
        legendOf(legend, one);
        row.classList.toggle("off", !one.on);
        row.hidden = known && one.on && !counts[one.type]; // a type without a place is no layer
      },
    );
  }

  function settings(box_, one, name) {
    const key = JSON.stringify([one, attrs.get(one.type) ?? [], layers.findIndex((it) => it.type === one.type), layers.length]);
    if (box_.dataset.now === key || (box_.contains(document.activeElement) && document.activeElement.type === "range")) return;
    box_.dataset.now = key;
    const focus = document.activeElement && box_.contains(document.activeElement) ? document.activeElement.className : "";
    const select = (label, value, options, act, kind) => {
      const made_ = h("select", { "aria-label": `${label} of ${name}`, class: kind, on: { change: (event) => act(event.target.value) } }, options.map(([v, word]) => h("option", { value: v }, word)));
      made_.value = value;
      return h("label", { class: "line" }, h("span", {}, label), made_);
    };
    const names = [...new Set([...(one.by ? [one.by] : []), ...(attrs.get(one.type) ?? [])])];
    const slider = h("input", { type: "range", min: 10, max: 100, step: 10, value: one.opacity, class: "s-opacity", "aria-label": `Opacity of ${name}, percent`, on: { input: (event) => change(one.type, { opacity: Number(event.target.value) }, { quiet: true }) } });
    box_.replaceChildren(
      select("Shown as", one.mode, MODES, (mode) => change(one.type, { mode }), "s-mode"),
      select("Colour by", one.by, [["", "one colour"], ...names.map((attr) => [attr, title(attr, "attributes")])], (by) => change(one.type, { by }), "s-by"),
      h("label", { class: "line" }, h("span", {}, "Opacity"), slider),
      select("Time", one.then ? "1" : "0", [["1", "of the time bar"], ["0", "always now"]], (then) => change(one.type, { then: then === "1" }), "s-then"),
      h("div", { class: "line" }, h("span", {}, "Order"), h("span", { class: "pair wrap" }, h("button", { type: "button", class: "tool up", "aria-label": `${name}: one up`, on: { click: () => move(one.type, -1) } }, "↑"), h("button", { type: "button", class: "tool down", "aria-label": `${name}: one down`, on: { click: () => move(one.type, 1) } }, "↓"), h("button", { type: "button", class: "tool", on: { click: () => only(one.type) } }, "Only this"))),
    );
    if (focus) box_.querySelector(`.${focus.split(" ").join(".")}`)?.focus();
  }

  function only(type) {
    layers = layers.map((one) => ({ ...one, on: one.type === type }));
    told();
  }

  function legendOf(box_, one) {
    const range = one.by && one.on ? legends[one.type] : null;
    const key = range ? `${range.low} ${range.high} ${one.by}` : "";
    if (box_.dataset.now === key) return;
    box_.dataset.now = key;
    if (!range) return box_.replaceChildren();
    const unit = unitOf(range.unit);
    const bar = h("span", { class: "ramp", role: "img", "aria-label": `Colours from ${figure(range.low, unit)} to ${figure(range.high, unit)} ${unit}` });
    bar.style.background = `linear-gradient(90deg, ${RAMP.map(([r, g, b]) => `rgb(${r} ${g} ${b})`).join(",")})`;
    box_.replaceChildren(h("span", {}, title(one.by, "attributes")), h("span", { class: "num" }, figure(range.low, unit)), bar, h("span", { class: "num" }, `${figure(range.high, unit)} ${unit}`));
  }

  feed.on("types", ({ types: found }) => {
    types = found.filter((type) => !NO_LAYER.has(type) && !type.startsWith("urn:") && !/hansa/i.test(type)).sort((a, b) => title(a, "types").localeCompare(title(b, "types"))).slice(0, 100);
    read();
  });
  feed.on("state", ({ counts: found, legend, phase }) => {
    counts = found;
    legends = Object.fromEntries(legend.map((one) => [one.type, one]));
    known = phase === "live";
    draw();
  });
  watch((changed, { back }) => back && changed.has("l") && read());
  return {
    all: () => layers,
    shown: () => layers.filter((one) => one.on),
    placed: () => types.filter((type) => counts[type]),
    draw,
  };
}

/** The mark of a layer as SVG: its shape in its colour. */
export function svg(one) {
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark" || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  const colour = one.by ? `rgb(${RAMP[2].join(" ")})` : COLOURS[one.colour % COLOURS.length][dark ? 1 : 0];
  const path = {
    circle: `${FAMILY}8 1.5a6.5 6.5 0 1 0 .01 0z`,
    square: `${FAMILY}2.5 2.5h11v11h-11z`,
    triangle: `${FAMILY}8 1.5 15 14H1z`,
    diamond: `${FAMILY}8 .5 15.5 8 8 15.5.5 8z`,
    hexagon: `${FAMILY}8 1l6 3.5v7L8 15l-6-3.5v-7z`,
    cross: `${FAMILY}5.5 1h5v4.5H15v5h-4.5V15h-5v-4.5H1v-5h4.5z`,
    pentagon: `${FAMILY}8 1l7 5.2-2.7 8.3H3.7L1 6.2z`,
    drop: `${FAMILY}8 .5C11 5 13 7.500 13 10.200a5 5 0 0 1-10 0C3 7.500 5 5 8 .5z`,
  }[SHAPES[one.shape]];
  return {
    key: `${colour} ${one.shape}`,
    make() {
      const NS = "http://www.w3.org/2000/svg";
      const made = document.createElementNS(NS, "svg");
      made.setAttribute("viewBox", "0 0 16 16");
      made.setAttribute("aria-hidden", "true");
      const line = document.createElementNS(NS, "path");
      line.setAttribute("d", path);
      line.style.fill = colour;
      made.append(line);
      return made;
    },
  };
}

