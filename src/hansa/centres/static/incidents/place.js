// The map of an incident: its area, its alarms, what is linked; and an area drawn by hand.

import { ask, API } from "../doors.js";
import { box as boxAround, fitting, inks, shape } from "../ground.js";
import { plainGround } from "../ground-plain.js";
import { look } from "../words.js";

const AROUND = 1000; // entities that are drawn for orientation
const WORLD = { centre: [10, 30], zoom: 1 };
const SMALL = 6; // pixels: the same press
const round = (value) => Number(value.toFixed(6));

/** The positions of a geometry, flat. */
function positions(it) {
  const flat = (said) => (!Array.isArray(said) ? [] : typeof said[0] === "number" ? [said] : said.flatMap(flat));
  return flat(it?.coordinates).filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y) && Math.abs(y) <= 85);
}

const outlines = (area) => (area?.type === "Polygon" ? [area.coordinates] : area?.type === "MultiPolygon" ? area.coordinates : []);

/** Start the map. `drawn(geometry)` hears of an area that somebody drew; `said(words)` of what to do next. */
export async function startPlace({ drawn, said }) {
  const field = document.getElementById("field");
  const bed = document.getElementById("ground");
  const canvas = document.getElementById("marks");
  const ctx = canvas.getContext("2d");
  const view = look.location ? { centre: look.location, zoom: 11 } : WORLD;
  let ink = inks();
  let ring = null; // of an area that is being drawn
  let here = null; // where the hand is
  let it = { area: null, things: [] };
  let fitted = false;
  const ground = await make();

  async function make() {
    if (look.tiles) {
      try {
        return await (await import("../ground-gl.js")).glGround(bed, ink, view);
      } catch {
        bed.replaceChildren(); // without WebGL the plain ground does
      }
    }
    return plainGround(bed, ink, view);
  }

  function draw() {
    const dense = devicePixelRatio || 1;
    const [w, hgt] = [field.clientWidth, field.clientHeight];
    if (!w) return;
    if (canvas.width !== Math.round(w * dense) || canvas.height !== Math.round(hgt * dense)) [canvas.width, canvas.height] = [Math.round(w * dense), Math.round(hgt * dense)];
    ctx.setTransform(dense, 0, 0, dense, 0, 0);
    ctx.clearRect(0, 0, w, hgt);
    for (const rings of outlines(it.area)) zone(rings, false);
    if (ring) zone([here ? [...ring, here] : ring], true);
    for (const { kind, at } of it.things) mark(kind, at);
    if (ring) for (const at of ring) mark("corner", at);
  }

  function zone(rings, open) {
    ctx.strokeStyle = ctx.fillStyle = ink.accent;
    ctx.lineWidth = 2;
    ctx.setLineDash(open ? [5, 4] : []);
    ctx.beginPath();
    for (const one of rings) one.forEach((at, i) => ctx[i ? "lineTo" : "moveTo"](...ground.project(at)));
    ctx.globalAlpha = 0.14;
    ctx.fill("evenodd");
    ctx.globalAlpha = 1;
    ctx.stroke();
    ctx.setLineDash([]);
  }

  function mark(kind, at) {
    const [x, y] = ground.project(at);
    const r = kind === "corner" ? 3.5 : 6;
    ctx.fillStyle = { alarm: ink.alarm, corner: ink.accent }[kind] ?? ink.ok;
    ctx.strokeStyle = ink.paper;
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    if (kind === "alarm") for (const [dx, dy] of [[0, -r], [r, 0], [0, r], [-r, 0]]) ctx.lineTo(x + dx, y + dy);
    else ctx.arc(x, y, r * 0.75, 0, 7);
    ctx.closePath();
    ctx.fill();
    ctx.stroke();
  }

  function whole() {
    const all = [...positions(it.area), ...it.things.map(({ at }) => at)];
    const found = boxAround(all);
    if (found && field.clientWidth) ground.go(fitting(found, field.clientWidth, field.clientHeight, { left: 30, right: 30, top: 30, bottom: 30 }, 15), { animate: false });
    return all.length > 0;
  }

  function show(area, things) {
    it = { area, things: things.map(({ kind, location }) => ({ kind, at: positions(location)[0] })).filter(({ at }) => at) };
    if (!fitted) fitted = whole();
    draw();
  }

  /** What else there is, faintly: a map without anything on it tells nobody where he is. */
  async function surroundings() {
    try {
      const { body } = await ask(`${API}/entities?attrs=location&limit=${AROUND}`);
      ground.setShapes(body.map(shape).filter(Boolean));
      if (!fitted) {
        const found = boxAround(body.flatMap((one) => positions(one.location?.value ?? one.location)));
        if (found && !look.location) ground.go(fitting(found, field.clientWidth, field.clientHeight, { left: 20, right: 20, top: 20, bottom: 20 }, 13), { animate: false });
      }
      draw();
    } catch {
      // The incident is drawn without them.
    }
  }

  // ---- drawing by hand

  function begin() {
    ring = [];
    field.classList.add("drawing");
    said("Press the corners of the area; Enter or a double press ends, Escape leaves.");
    draw();
  }

  function leave() {
    ring = here = null;
    field.classList.remove("drawing");
    said("");
    draw();
  }

  function close() {
    const made = ring;
    leave();
    if (made.length < 3) return said("An area has three corners at least.");
    drawn({ type: "Polygon", coordinates: [[...made, made[0]].map((at) => at.map(round))] });
  }

  const at = (event) => {
    const frame = field.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (!ring || event.button) return;
    event.preventDefault();
    const pixel = at(event);
    const last = ring.at(-1);
    if (!last || Math.hypot(...ground.project(last).map((one, i) => one - pixel[i])) >= SMALL) ring.push(ground.unproject(pixel));
    draw();
  });
  canvas.addEventListener("pointermove", (event) => ring?.length && ((here = ground.unproject(at(event))), draw()));
  canvas.addEventListener("dblclick", () => ring && close());
  addEventListener("keydown", (event) => {
    if (!ring) return;
    if (event.key === "Escape") event.stopPropagation(), leave();
    else if (event.key === "Enter") event.preventDefault(), event.stopPropagation(), close();
  }, true);
  ground.onMove(draw);
  new ResizeObserver(() => (ground.resize(), draw())).observe(field);
  surroundings();
  return { show, begin, whole: () => (whole(), draw()), reink: () => ((ink = inks()), ground.setInk(ink), draw()) };
}
