// The small map of the query builder: where the answers lie, and where one asks, drawn with the pointer.

import { h } from "../dom.js";
import { ask, API } from "../doors.js";
import { box as boxAround, fitting, inks, shape } from "../ground.js";
import { plainGround } from "../ground-plain.js";
import { headers } from "./asked.js";
import { named, shapeOf } from "../station.js";
import { degrees, look, title } from "../words.js";

const WORLD = { centre: [10, 30], zoom: 1 };
const AROUND = 1000; // entities that are drawn for orientation
const EARTH_M = 40_075_016.686;
const STEPS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 45]; // degrees between two lines of the graticule
const REACH = 12;
const SMALL = 6; // pixels: a press, not a drag

const finite = (pair) => Array.isArray(pair) && Number.isFinite(pair[0]) && Number.isFinite(pair[1]) && Math.abs(pair[0]) <= 180 && Math.abs(pair[1]) <= 85;
const round = (value) => Number(value.toFixed(5));
const metresPerPixel = (lat, zoom) => (EARTH_M * Math.cos((lat * Math.PI) / 180)) / (512 * 2 ** zoom);

/** The parts of a geometry: {points, lines, areas}, lists of positions, of lines and of lists of rings. */
function parts(it) {
  const c = it?.coordinates;
  const [points, lines, areas] = { Point: [[c], [], []], MultiPoint: [c, [], []], LineString: [[], [c], []], MultiLineString: [[], c, []], Polygon: [[], [], [c]], MultiPolygon: [[], [], c] }[it?.type] ?? [[], [], []];
  const several = (it) => (Array.isArray(it) ? it : []);
  const sound = (ring) => several(ring).length > 0 && ring.every(finite);
  return { points: several(points).filter(finite), lines: several(lines).filter(sound), areas: several(areas).filter((rings) => several(rings).length && rings.every(sound)) };
}

const positions = ({ points, lines, areas }) => [...points, ...lines.flat(), ...areas.flat(2)];

/** Start the map. `placed(to)` hears of what was drawn ({georel, geometry, coordinates}), `hovered(id)` of what is pointed at. */
export async function startSketch({ placed, distance, hovered }) {
  const field = document.getElementById("sketch");
  const bed = document.getElementById("ground");
  const canvas = document.getElementById("marks");
  const tip = document.getElementById("tip");
  const ctx = canvas.getContext("2d");
  let ink = inks();
  let results = []; // {id, entity, points, lines, areas}
  let around = []; // positions of what else there is
  let where = null; // what is asked: {near: {at, m}} or parts
  let over = null; // id
  let tool = null;
  let drawing = null; // what is being drawn
  let whose = null; // whose surroundings are shown
  const ground = await makeGround();

  async function makeGround() {
    const view = look.location ? { centre: look.location, zoom: 11 } : WORLD;
    if (look.tiles) {
      try {
        return await (await import("../ground-gl.js")).glGround(bed, ink, view);
      } catch {
        bed.replaceChildren(); // without WebGL the plain ground does, without tiles
      }
    }
    return plainGround(bed, ink, view);
  }

  // ---- drawing

  function draw() {
    const dense = devicePixelRatio || 1;
    const [w, hgt] = [field.clientWidth, field.clientHeight];
    if (!w) return;
    if (canvas.width !== Math.round(w * dense) || canvas.height !== Math.round(hgt * dense)) [canvas.width, canvas.height] = [Math.round(w * dense), Math.round(hgt * dense)];
    ctx.setTransform(dense, 0, 0, dense, 0, 0);
    ctx.clearRect(0, 0, w, hgt);
    graticule(w, hgt);
    ctx.fillStyle = ink["ink-3"];
    ctx.globalAlpha = 0.45;
    for (const at of around) dot(at, 1.4);
    ctx.globalAlpha = 1;
    for (const one of results) if (one.id !== over) thing(one, ink.ok, 3.2);
    asked(drawing ?? where);
    const lit = results.find((one) => one.id === over);
    if (lit) thing(lit, ink.accent, 5.5);
  }

  function dot(at, r) {
    const [x, y] = ground.project(at);
    ctx.beginPath();
    ctx.arc(x, y, r, 0, 7);
    ctx.fill();
    return [x, y];
  }

  function thing({ points, lines, areas }, colour, r) {
    ctx.strokeStyle = ctx.fillStyle = colour;
    ctx.lineWidth = r > 4 ? 2.5 : 1.5;
    for (const rings of areas) {
      ctx.beginPath();
      rings.forEach(trace);
      ctx.globalAlpha = r > 4 ? 0.3 : 0.14;
      ctx.fill("evenodd");
      ctx.globalAlpha = 1;
      ctx.stroke();
    }
    for (const ring of lines) {
      ctx.beginPath();
      trace(ring);
      ctx.stroke();
    }
    for (const at of points) {
      ctx.fillStyle = ink.paper;
      dot(at, r + 1.2);
      ctx.fillStyle = colour;
      dot(at, r);
    }
  }

  const trace = (ring) => ring.forEach((at, i) => ctx[i ? "lineTo" : "moveTo"](...ground.project(at)));

  function asked(it) {
    if (!it) return;
    ctx.strokeStyle = ctx.fillStyle = ink.accent;
    ctx.lineWidth = 1.6;
    ctx.setLineDash([5, 3]);
    if (it.near) {
      const [x, y] = ground.project(it.near.at);
      const r = it.near.m / metresPerPixel(it.near.at[1], ground.view().zoom);
      ctx.beginPath();
      ctx.arc(x, y, Math.min(r, 20_000), 0, 7);
      ctx.globalAlpha = 0.12;
      ctx.fill();
      ctx.globalAlpha = 1;
      ctx.stroke();
      ctx.setLineDash([]);
      ctx.beginPath();
      for (const [dx, dy] of [[1, 0], [0, 1]]) ctx.moveTo(x - dx * 5, y - dy * 5), ctx.lineTo(x + dx * 5, y + dy * 5);
      ctx.stroke();
    } else {
      for (const rings of it.areas) {
        ctx.beginPath();
        rings.forEach(trace);
        ctx.globalAlpha = 0.12;
        ctx.fill("evenodd");
        ctx.globalAlpha = 1;
        ctx.stroke();
      }
      for (const ring of it.lines) ctx.beginPath(), trace(ring), ctx.stroke();
      ctx.setLineDash([]);
      for (const at of it.points) dot(at, 3.5);
    }
    ctx.setLineDash([]);
  }

  function graticule(w, hgt) {
    const [[west, north], [east, south]] = [ground.unproject([0, 0]), ground.unproject([w, hgt])];
    const step = STEPS.find((one) => (east - west) / one <= 4) ?? 45;
    ctx.strokeStyle = ink.graticule;
    ctx.fillStyle = ink["ink-2"];
    ctx.lineWidth = 1;
    ctx.font = '10px "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif';
    const digits = step >= 1 ? -1 : step >= 0.1 ? 0 : 1;
    ctx.textAlign = "center";
    for (let lon = Math.ceil(west / step) * step; lon < east; lon += step) {
      const [x] = ground.project([lon, 0]);
      line(x, 0, x, hgt);
      if (x > 30 && x < w - 30) ctx.fillText(degrees(lon, "EW", digits), x, hgt - 4);
    }
    ctx.textAlign = "left";
    for (let lat = Math.ceil(south / step) * step; lat < north; lat += step) {
      const [, y] = ground.project([0, lat]);
      line(0, y, w, y);
      if (y > 12 && y < hgt - 16) ctx.fillText(degrees(lat, "NS", digits), 4, y - 3);
    }
  }

  function line(x0, y0, x1, y1) {
    ctx.beginPath();
    ctx.moveTo(x0, y0);
    ctx.lineTo(x1, y1);
    ctx.stroke();
  }

  // ---- what is shown

  function show(entities, { fit = false } = {}) {
    results = entities.map((entity) => ({ id: entity.id, entity, ...parts(shapeOf(entity)) })).filter((one) => positions(one).length);
    over = null;
    const said = document.getElementById("sketch-said");
    said.hidden = !entities.length || results.length > 0;
    said.textContent = "None of these has a place in this answer.";
    if (fit) whole();
    draw();
  }

  /** Show what is asked for. */
  function condition(said) {
    where = null;
    const near = /^near;(maxDistance|minDistance)==([\d.]+)$/.exec(said.georel ?? "");
    try {
      const it = parts({ type: said.geometry, coordinates: JSON.parse(said.coordinates ?? "null") });
      if (near && it.points.length) where = { near: { at: it.points[0], m: Number(near[2]) } };
      else if (positions(it).length) where = it;
    } catch {
      // Coordinates that are being typed are not drawn; the city says what is wrong with them.
    }
    draw();
    surroundings(said);
  }

  /** What else there is, faintly: a map without anything on it tells nobody where he is. */
  async function surroundings(said) {
    const key = `${said.tenant ?? ""} ${said.context ?? ""}`;
    if (whose === key) return;
    whose = key;
    try {
      const { body } = await ask(`${API}/entities?attrs=location&limit=${AROUND}`, { headers: headers({ tenant: said.tenant }) });
      around = body.flatMap((one) => parts(shapeOf(one)).points);
      ground.setShapes(body.map(shape).filter(Boolean));
      if (!results.length) whole();
      draw();
    } catch {
      around = [];
    }
  }

  function bounds() {
    const all = results.flatMap(positions);
    if (where?.near) {
      const { at, m } = where.near;
      const [dy, dx] = [m / 111_320, m / (111_320 * Math.max(0.05, Math.cos((at[1] * Math.PI) / 180)))];
      all.push([at[0] - dx, at[1] - dy], [at[0] + dx, at[1] + dy]);
    } else if (where) all.push(...positions(where));
    return boxAround(all.length ? all : around);
  }

  function whole() {
    const found = bounds();
    if (found && field.clientWidth) ground.go(fitting(found, field.clientWidth, field.clientHeight, { left: 24, right: 24, top: 18, bottom: 22 }, 15), { animate: false });
  }

  // ---- hands

  const at = (event) => {
    const frame = field.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  };

  function use(name) {
    tool = tool === name ? null : name;
    drawing = null;
    field.classList.toggle("drawing", tool !== null);
    for (const button of document.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
    draw();
  }

  function done(to) {
    use(null);
    if (to) placed(to);
  }

  const nearText = (at, m) => ({ georel: `near;maxDistance==${Math.max(1, Math.round(m))}`, geometry: "Point", coordinates: JSON.stringify(at.map(round)) });
  const areaText = (ring) => ({ georel: "within", geometry: "Polygon", coordinates: JSON.stringify([[...ring, ring[0]].map((one) => one.map(round))]) });

  function boxOf(a, b) {
    const [p, q] = [ground.unproject(a), ground.unproject(b)];
    const [w, s, e, n] = boxAround([p, q]);
    return [[w, s], [e, s], [e, n], [w, n]];
  }

  let from = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (!tool || event.button) return;
    event.preventDefault();
    if (tool === "area") return corner(at(event));
    canvas.setPointerCapture(event.pointerId);
    from = at(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    const here = at(event);
    if (tool === "area" && drawing) {
      drawing.areas = drawing.ring.length > 1 ? [[[...drawing.ring, ground.unproject(here)]]] : [];
      drawing.lines = [[...drawing.ring, ground.unproject(here)]];
    } else if (from && tool === "near") drawing = { near: { at: ground.unproject(from), m: Math.hypot(here[0] - from[0], here[1] - from[1]) * metresPerPixel(ground.unproject(from)[1], ground.view().zoom) } };
    else if (from && tool === "box") drawing = { points: [], lines: [], areas: [[boxOf(from, here)]] };
    else return;
    draw();
  });
  canvas.addEventListener("pointerup", (event) => {
    if (!from) return;
    const [here, begun] = [at(event), from];
    from = null;
    const small = Math.hypot(here[0] - begun[0], here[1] - begun[1]) < SMALL;
    if (tool === "near") done(nearText(ground.unproject(begun), small ? distance() : drawing.near.m));
    else if (tool === "box") small ? use(null) : done(areaText(boxOf(begun, here)));
  });
  canvas.addEventListener("pointercancel", () => ((from = null), use(null)));
  canvas.addEventListener("dblclick", () => tool === "area" && close());

  function corner(pixel) {
    drawing ??= { ring: [], points: [], lines: [], areas: [] };
    const last = drawing.ring.at(-1);
    if (last && Math.hypot(...ground.project(last).map((one, i) => one - pixel[i])) < SMALL) return; // the second click of two
    drawing.ring.push(ground.unproject(pixel));
    drawing.points = drawing.ring;
    draw();
  }

  function close() {
    const ring = drawing?.ring ?? [];
    if (ring.length < 3) return use(null);
    // The standard wants outer rings anticlockwise, as RFC 7946 does.
    const turn = ring.reduce((sum, [x, y], i) => sum + x * ring[(i + 1) % ring.length][1] - y * ring[(i + 1) % ring.length][0], 0);
    done(areaText(turn < 0 ? [...ring].reverse() : ring));
  }

  addEventListener("keydown", (event) => {
    if (!tool) return;
    if (event.key === "Escape") use(null);
    else if (event.key === "Enter" && tool === "area") event.preventDefault(), close();
  }, true);
  for (const button of document.querySelectorAll("[data-tool]")) button.addEventListener("click", () => use(button.dataset.tool));
  document.getElementById("near-here").addEventListener("click", () => placed(nearText(ground.view().centre, distance())));
  document.getElementById("whole").addEventListener("click", () => (whole(), draw()));

  function nearest([x, y]) {
    let best = null;
    for (const one of results) for (const point of positions(one)) {
      const [px, py] = ground.project(point);
      const far = Math.hypot(px - x, py - y);
      if (far < REACH && (!best || far < best.far)) best = { one, far, px, py };
    }
    return best;
  }

  function point(found) {
    const id = found?.one.id ?? null;
    if (id !== over) hovered(id);
    over = id;
    bed.classList.toggle("over", !!found);
    tip.hidden = !found;
    if (found) {
      tip.replaceChildren(h("b", {}, named(found.one.entity)), h("span", { class: "kind" }, title([found.one.entity.type].flat()[0], "types")));
      tip.style.left = `${Math.max(4, Math.min(field.clientWidth - tip.offsetWidth - 4, found.px + 10))}px`;
      tip.style.top = `${found.py + 40 > field.clientHeight ? found.py - tip.offsetHeight - 8 : found.py + 10}px`;
    }
    draw();
  }

  bed.addEventListener("pointermove", (event) => !event.buttons && point(nearest(at(event))));
  bed.addEventListener("pointerleave", () => point(null));
  bed.addEventListener("click", (event) => {
    const found = nearest(at(event));
    if (!found) return;
    point(found);
    const link = document.querySelector(`#results tr[data-id="${CSS.escape(found.one.id)}"] a`);
    link?.focus();
    link?.scrollIntoView({ block: "center" });
  });
  ground.onMove(draw);
  new ResizeObserver(() => (ground.resize(), draw())).observe(field);
  return {
    show,
    condition,
    hover: (id) => ((over = id), draw()),
    reink: () => ((ink = inks()), ground.setInk(ink), draw()),
  };
}
