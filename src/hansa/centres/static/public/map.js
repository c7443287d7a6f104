// A small map for a slow line: the city's own raster tiles where it has some, points to press, areas, one spot to aim at.
// It is fetched when somebody asks for it; everything on it stands in a list beside it too.

import { h, press } from "../dom.js";
import { say, site } from "./site.js";

const TILE = 256;
const [NEAREST, FARTHEST] = [19, 3];
const project = ([lon, lat]) => [(lon + 180) / 360, (1 - Math.asinh(Math.tan((Math.min(85, Math.max(-85, lat)) * Math.PI) / 180)) / Math.PI) / 2];
const back = ([x, y]) => [x * 360 - 180, (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI];
const rings = (shape) => ({ Polygon: () => shape.coordinates, MultiPolygon: () => shape.coordinates.flat(), GeometryCollection: () => shape.geometries.flatMap(rings) })[shape?.type]?.() ?? [];

/**
 * Draw a map in `box`. `points`: [{lon, lat, name, href?}]; `shapes`: GeoJSON areas; `at`: [lon, lat] to begin with;
 * `aim`: called with {lon, lat} of the middle whenever somebody has moved it. Hands out {move([lon, lat])}.
 */
export function chart(box, { points = [], shapes = [], at = null, aim = null }) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const pins = h("div", { class: "pins" });
  const outer = h("div", { class: "chart", role: "application", tabindex: "0", "aria-label": aim ? say("map.aim") : say("map") }, canvas, pins,
    aim ? h("span", { class: "aim" }) : null,
    h("div", { class: "knobs-of" }, press("", "+", () => zoom(1), { "aria-label": say("map.in") }), press("", "−", () => zoom(-1), { "aria-label": say("map.out") })),
    site.tiles && site.credit ? h("span", { class: "credit" }, site.credit) : null);
  box.replaceChildren(outer);
  const ctx = canvas.getContext("2d");
  const tiles = new Map();
  let [width, height] = [1, 1];
  let level = 14;
  let centre = project(at ?? site.location ?? [0, 0]);
  let due = false;

  const world = () => TILE * 2 ** level;
  const place = (one) => { const [x, y] = project(one); return [(x - centre[0]) * world() + width / 2, (y - centre[1]) * world() + height / 2]; };
  const areas = shapes.map(rings);
  const marks = points.map((one) => {
    const button = one.href ? h("button", { type: "button", "aria-label": one.name, title: one.name, on: { click: () => location.assign(one.href) } }) : h("span", { class: "pin", role: "img", "aria-label": one.name });
    pins.append(button);
    return [one, button];
  });

  function fit() {
    const all = [...points.map(({ lon, lat }) => [lon, lat]), ...areas.flat(2)].filter((one) => one.every(Number.isFinite)).map(project);
    if (at || !all.length) return;
    const [xs, ys] = [all.map(([x]) => x), all.map(([, y]) => y)];
    centre = [(Math.min(...xs) + Math.max(...xs)) / 2, (Math.min(...ys) + Math.max(...ys)) / 2];
    const span = Math.max((Math.max(...xs) - Math.min(...xs)) / width, (Math.max(...ys) - Math.min(...ys)) / height, 1e-9);
    level = Math.max(FARTHEST, Math.min(16, Math.floor(Math.log2(0.8 / span / TILE))));
  }

  function draw() {
    due = false;
    const dense = devicePixelRatio || 1;
    const style = getComputedStyle(outer);
    ctx.setTransform(dense, 0, 0, dense, 0, 0);
    ctx.fillStyle = style.getPropertyValue("--land") ? style.backgroundColor : "#eee";
    ctx.fillRect(0, 0, width, height);
    if (site.tiles) ground();
    ctx.strokeStyle = ctx.fillStyle = style.color;
    for (const area of areas) {
      ctx.beginPath();
      for (const ring of area) { ring.forEach((one, i) => ctx[i ? "lineTo" : "moveTo"](...place(one))); ctx.closePath(); }
      ctx.globalAlpha = 0.14;
      ctx.fill("evenodd");
      ctx.globalAlpha = 1;
      ctx.lineWidth = 2;
      ctx.stroke();
    }
    for (const [one, button] of marks) {
      const [x, y] = place([one.lon, one.lat]);
      button.hidden = !(x > -20 && y > -20 && x < width + 20 && y < height + 20);
      button.style.left = `${x}px`;
      button.style.top = `${y}px`;
    }
  }

  function ground() {
    const many = 2 ** level;
    const [left, top] = [centre[0] * world() - width / 2, centre[1] * world() - height / 2];
    for (let x = Math.floor(left / TILE); x * TILE < left + width; x += 1) {
      for (let y = Math.max(0, Math.floor(top / TILE)); y < many && y * TILE < top + height; y += 1) {
        const path = site.tiles.replace("{z}", level).replace("{x}", ((x % many) + many) % many).replace("{y}", y);
        let tile = tiles.get(path);
        if (!tile) {
          tile = new Image();
          tile.addEventListener("load", redraw);
          tile.src = path;
          tiles.set(path, tile);
          if (tiles.size > 120) tiles.delete(tiles.keys().next().value);
        }
        if (tile.complete && tile.naturalWidth) ctx.drawImage(tile, x * TILE - left, y * TILE - top, TILE, TILE);
      }
    }
  }

  function redraw() {
    if (due) return;
    due = true;
    requestAnimationFrame(draw);
  }

  function aimed() {
    const [lon, lat] = back(centre);
    aim?.({ lon, lat });
  }

  function shift(dx, dy) {
    centre = [centre[0] + dx / world(), Math.min(1, Math.max(0, centre[1] + dy / world()))];
    redraw();
  }

  function zoom(by) {
    level = Math.max(FARTHEST, Math.min(NEAREST, level + by));
    redraw();
    aimed();
  }

  let held = null;
  outer.addEventListener("pointerdown", (event) => {
    if (event.target.closest("button")) return;
    held = [event.clientX, event.clientY];
    outer.setPointerCapture(event.pointerId);
  });
  outer.addEventListener("pointermove", (event) => {
    if (!held) return;
    shift(held[0] - event.clientX, held[1] - event.clientY);
    held = [event.clientX, event.clientY];
  });
  for (const name of ["pointerup", "pointercancel"]) outer.addEventListener(name, () => { if (held) { held = null; aimed(); } });
  outer.addEventListener("wheel", (event) => { event.preventDefault(); zoom(event.deltaY < 0 ? 1 : -1); }, { passive: false });
  outer.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-40, 0], ArrowRight: [40, 0], ArrowUp: [0, -40], ArrowDown: [0, 40] }[event.key];
    if (event.target !== outer || (!step && !["+", "-"].includes(event.key))) return;
    event.preventDefault();
    if (step) { shift(...step); aimed(); } else zoom(event.key === "+" ? 1 : -1);
  });
  let begun = false;
  new ResizeObserver(() => {
    [width, height] = [outer.clientWidth, outer.clientHeight];
    const dense = devicePixelRatio || 1;
    [canvas.width, canvas.height] = [width * dense, height * dense];
    if (!begun) { begun = true; fit(); }
    draw();
  }).observe(outer);
  outer.focus({ preventScroll: true });
  return { move: (one) => { centre = project(one); level = Math.max(level, 16); redraw(); } };
}
