// The map: a ground, the marks over it, and the hands that move them.

import { h, keep, narrow, notice, put } from "./dom.js";
import { box, fitting, inks, shape } from "./ground.js";
import { plainGround } from "./ground-plain.js";
import { marks } from "./marks.js";
import { go, place, watch } from "./place.js";
import { age, look, title, withUnit } from "./words.js";

const WORLD = { centre: [10, 30], zoom: 1.6 }; // what is shown before anything is known
const LISTED = 200; // stations that a screen reader finds on the map; the list has all

/** Start the map. `figureOf(it)` is the reading that is shown at a station, or null; `filter(it)` whether it is shown. */
export async function startMap(city, { figureOf, filter, retry }) {
  const field = document.getElementById("map");
  const canvas = document.getElementById("marks");
  const list = document.getElementById("map-list");
  const tip = document.getElementById("tip");
  const bed = document.getElementById("ground");
  let ink = inks();
  const over = marks(canvas);
  let [hovered, fitted, placed] = ["", false, false];
  let shapes = [];
  let shown = [];

  const ground = await makeGround();
  field.dataset.ground = ground.name;
  put(document.getElementById("credit"), ["Drawn from the city's own entities", look.tiles && ground.name === "gl" ? look.tilesCredit : ""].filter(Boolean).join(" · "));

  async function makeGround() {
    const view = wanted() ?? (look.location ? { centre: look.location, zoom: 11 } : WORLD);
    if (webgl()) {
      try {
        const { glGround } = await import("./ground-gl.js");
        return await glGround(bed, ink, view);
      } catch (fault) {
        console.warn("WebGL failed; the plain ground takes over.", fault);
        bed.replaceChildren();
        bed.className = "";
      }
    }
    return plainGround(bed, ink, view);
  }

  /** The view that the address asks for: lon,lat,zoom. */
  function wanted() {
    const [lon, lat, zoom] = place.at.split(",").map(Number);
    return place.at && [lon, lat, zoom].every(Number.isFinite) && Math.abs(lon) <= 180 && Math.abs(lat) <= 85 ? { centre: [lon, lat], zoom } : null;
  }

  /** What lies over the map at its sides: the panel. */
  function inset() {
    const panel = document.getElementById("panel");
    const free = { left: 0, right: 0, top: 0, bottom: 0 };
    if (panel.hidden) return free;
    const [a, b] = [field.getBoundingClientRect(), panel.getBoundingClientRect()];
    if (narrow()) free.bottom = Math.max(0, a.bottom - b.top);
    else if (document.dir === "rtl") free.right = Math.max(0, a.right - b.left);
    else free.left = Math.max(0, b.right - a.left);
    return free;
  }

  /** The boxes [x0, y0, x1, y1] that controls cover: no label goes under them. */
  function covered() {
    const frame = field.getBoundingClientRect();
    return [...field.querySelectorAll(".zooms, .credit")]
      .map((one) => one.getBoundingClientRect())
      .filter((one) => one.width)
      .map((one) => [one.left - frame.left, one.top - frame.top, one.right - frame.left, one.bottom - frame.top]);
  }

  const pad = () => {
    const free = inset();
    return { left: free.left + 60, right: free.right + 90, top: free.top + 50, bottom: free.bottom + 60 };
  };

  let due = false;
  let cost = 0; // of the last drawing, in milliseconds
  let judged = 0; // when all states were last asked for; in between, only new readings are
  function paint() {
    due = false;
    if (!field.clientWidth || document.hidden || place.view === "list") return;
    const begun = performance.now();
    const all = begun - judged > 1000;
    if (all) judged = begun;
    for (const it of shown) if (all || it.how === undefined) it.how = city.stateOf(it);
    const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    const lively = over.draw({ ground, ink, inset: inset(), covered: covered(), stations: shown, shapes, selected: place.sel, hovered, figureOf, now: city.now(), scale });
    cost = performance.now() - begun;
    if (lively) draw();
  }

  /** Draw soon: in the next frame, or later where drawing is dear, so that the page stays at hand. */
  function draw() {
    if (due) return;
    due = true;
    if (cost > 12) setTimeout(() => requestAnimationFrame(paint), cost * 3);
    else requestAnimationFrame(paint);
  }

  function refresh({ ids, all }) {
    if (all || [...ids].some((id) => city.alerts.has(id) || !city.entities.has(id))) judged = 0; // an alarm changes a state
    shown = [...city.stations.values()].filter(filter);
    if (all || [...ids].some((id) => city.shapes.has(id))) {
      shapes = [...city.shapes.values()].map(shape).filter(Boolean);
      ground.setShapes(shapes);
    }
    if (!fitted && city.loadedOnce) {
      fitted = true;
      if (wanted()) placed = true;
      else wholeCity();
      if (place.sel) fly(place.sel, { animate: false });
    }
    empty();
    draw();
    relist();
  }

  /** Show the whole city. */
  function wholeCity({ animate = false } = {}) {
    const points = shown.map((it) => it.point);
    const bounds = box(points) ?? box(shapes.flatMap((one) => [...one.lines.flat(), ...one.areas.flat(2)]));
    if (bounds) ground.go(fitting(bounds, field.clientWidth, field.clientHeight, pad()), { animate });
  }

  /** Bring a station (by id) into the middle of what is free. */
  function fly(id, { animate = true, point = city.stations.get(id)?.point } = {}) {
    if (!point || !field.clientWidth) return draw();
    const free = inset();
    const [x, y] = ground.project(point);
    const margin = 40;
    const [w, hgt] = [field.clientWidth, field.clientHeight];
    const seen = x > free.left + margin && x < w - free.right - margin && y > free.top + margin && y < hgt - free.bottom - margin;
    const zoom = ground.view().zoom;
    const all = box(shown.map((it) => it.point));
    const near = all ? Math.min(14, fitting(all, w, hgt, pad()).zoom + 1) : 13;
    if (seen && zoom >= near - 1.5) return draw();
    const to = fitting([point[0], point[1], point[0], point[1]], w, hgt, pad(), Math.max(zoom, near));
    ground.go(to, { animate });
  }

  function empty() {
    const said = document.getElementById("map-said");
    const failed = city.phase === "failed";
    said.hidden = city.loadedOnce && shown.length > 0;
    if (said.hidden) return;
    if (failed) said.replaceChildren(notice("The city cannot be shown", [city.fault.message, city.fault.mend], { bad: true, button: h("button", { type: "button", on: { click: retry } }, "Try again now") }));
    else if (!city.loadedOnce) said.replaceChildren(notice("Reading the city…", []));
    else if (city.stations.size) said.replaceChildren(notice("No station of the types chosen", ["The filter hides all stations."], { button: h("button", { type: "button", on: { click: () => go({ types: "" }) } }, "Show all types") }));
    else said.replaceChildren(notice("No station yet", ["Nothing with a place on the map has reported.", "Enrol a device with “hansa device add”, send real station files with “hansa feed DIR”, or start the demo valley with “hansa up --demo”."]));
  }

  // A screen reader cannot see a canvas: the stations in view, in words, as options of one list.
  let listing = 0;
  function relist() {
    if (listing) return;
    listing = setTimeout(() => {
      listing = 0;
      const now = city.now();
      const seen = over.visible().slice(-LISTED);
      keep(
        list,
        seen,
        (it) => it.id,
        (it) => h("div", { role: "option", id: `on-map-${it.id}`, data: { id: it.id } }),
        (option, it) => {
          const one = figureOf(it);
          const figure = one ? `${title(one.name, "attributes")} ${withUnit(one.value, one.unit)}, ${age(one.at, now)} ago` : "no reading";
          put(option, `${it.name}: ${figure}, ${title(it.how ?? city.stateOf(it), "states")}`);
          option.setAttribute("aria-selected", String(it.id === place.sel));
        },
      );
      if (place.sel) list.setAttribute("aria-activedescendant", `on-map-${place.sel}`);
      else list.removeAttribute("aria-activedescendant");
    }, 300);
  }

  function hover(it, x = 0, y = 0) {
    if ((it?.id ?? "") !== hovered) {
      hovered = it?.id ?? "";
      bed.classList.toggle("over", !!it);
      draw();
    }
    tip.hidden = !it;
    if (!it) return;
    const one = figureOf(it) ?? it.main;
    const now = city.now();
    tip.replaceChildren(
      h("b", {}, it.name),
      h("span", { class: "kind" }, title(it.kind, "types")),
      h("span", { class: `sign ${it.how ?? "ok"}` }, title(it.how ?? "ok", "states")),
      one ? h("span", { class: "now" }, `${title(one.name, "attributes")} `, h("b", {}, withUnit(one.value, one.unit)), ` · ${age(one.at, now)} ago`) : h("span", {}, "never reported"),
    );
    const [w, hgt] = [field.clientWidth, field.clientHeight];
    tip.style.left = `${Math.min(w - tip.offsetWidth - 8, x + 16)}px`;
    tip.style.top = `${y + 18 + tip.offsetHeight > hgt ? y - tip.offsetHeight - 12 : y + 18}px`;
  }

  const at = (event) => {
    const frame = bed.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  };
  bed.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch" || event.buttons) return hover(null);
    const [x, y] = at(event);
    hover(over.near(x, y, 14), x, y);
  });
  bed.addEventListener("pointerleave", () => hover(null));
  let down = null;
  bed.addEventListener("pointerdown", (event) => (down = at(event)), true);
  bed.addEventListener("click", (event) => {
    const [x, y] = at(event);
    if (down && Math.hypot(x - down[0], y - down[1]) > 6) return; // that was a drag
    const it = over.near(x, y, event.pointerType === "touch" ? 24 : 16);
    if (it) go({ sel: it.id, attr: "" });
  });

  list.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.shiftKey) {
      const step = [field.clientWidth / 2 + way[0] * 140, field.clientHeight / 2 + way[1] * 140];
      return ground.go({ centre: ground.unproject(step), zoom: ground.view().zoom });
    }
    const seen = over.visible();
    const to = place.sel ? over.next(place.sel, ...way) : over.near(field.clientWidth / 2, field.clientHeight / 2, Infinity);
    const it = to ?? (seen.some((one) => one.id === place.sel) ? null : seen[0]);
    if (it) go({ sel: it.id, attr: "" }, { quiet: !!place.sel });
  });

  const zoom = (by) => {
    const free = inset();
    const middle = [(field.clientWidth + free.left - free.right) / 2, (field.clientHeight + free.top - free.bottom) / 2];
    const { centre, zoom: z } = ground.view();
    const [a, b] = [ground.unproject(middle), centre];
    const f = 1 - 2 ** -by;
    ground.go({ centre: [b[0] + (a[0] - b[0]) * f, b[1] + (a[1] - b[1]) * f], zoom: z + by });
  };
  document.getElementById("zoom-in").addEventListener("click", () => zoom(1));
  document.getElementById("zoom-out").addEventListener("click", () => zoom(-1));
  document.getElementById("zoom-all").addEventListener("click", () => wholeCity({ animate: true }));

  ground.onMove(() => {
    // In the same frame as the ground, or the marks would swim behind it.
    paint();
  });
  ground.onGrab(() => ((placed = true), hover(null)));
  ground.onSettle(() => {
    relist();
    if (!placed) return;
    const { centre, zoom: z } = ground.view();
    go({ at: `${centre[0].toFixed(4)},${centre[1].toFixed(4)},${z.toFixed(2)}` }, { quiet: true });
  });

  new ResizeObserver(() => {
    ground.resize();
    if (!placed && fitted && !place.sel) wholeCity();
    draw();
  }).observe(field);
  const reink = () => {
    ink = inks();
    ground.setInk(ink);
    draw();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", reink);
  watch((changed, { back }) => {
    if (changed.has("types")) refresh({ ids: new Set(), all: false });
    if (changed.has("sel") && place.sel) setTimeout(() => fly(place.sel), 0);
    if (changed.has("at") && back && wanted()) ground.go(wanted());
    if (["sel", "show", "view", "types"].some((name) => changed.has(name))) draw(), relist();
  });
  city.listen(refresh);
  setInterval(() => (draw(), relist()), 5000); // states and ages change by themselves
  document.addEventListener("visibilitychange", draw);
  refresh({ ids: new Set(), all: true });
  return { fly, zoom, whole: () => wholeCity({ animate: true }), reink, draw, focus: () => list.focus() };
}

function webgl() {
  if (new URLSearchParams(location.search).has("plain")) return false; // to see the plain ground on purpose
  try {
    const context = document.createElement("canvas").getContext("webgl2");
    context?.getExtension("WEBGL_lose_context")?.loseContext();
    return !!context;
  } catch {
    return false;
  }
}
