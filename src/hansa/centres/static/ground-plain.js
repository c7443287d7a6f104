// The ground drawn on a plain canvas, for browsers without WebGL: the same shapes, the same looks, no tiles.

import { calm, h } from "./dom.js";
import { ORDER, mercator, unmercator, widthAt } from "./ground.js";

const [NEAREST, FARTHEST] = [19, 0];

export function plainGround(box, ink, view) {
  const canvas = h("canvas", { class: "plain", "aria-hidden": "true" });
  box.append(canvas);
  const ctx = canvas.getContext("2d");
  let shapes = [];
  let centre = mercator(view.centre);
  let zoom = view.zoom;
  let [width, height] = [1, 1];
  let due = false;
  const [moved, settled, grabbed] = [new Set(), new Set(), new Set()];
  const world = () => 512 * 2 ** zoom;
  const place = ([x, y]) => [(x - centre[0]) * world() + width / 2, (y - centre[1]) * world() + height / 2];
  const at = ([px, py]) => [(px - width / 2) / world() + centre[0], (py - height / 2) / world() + centre[1]];

  function redraw() {
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      draw();
      for (const fn of moved) fn();
    });
  }

  function draw() {
    const dense = devicePixelRatio || 1;
    ctx.setTransform(dense, 0, 0, dense, 0, 0);
    ctx.fillStyle = ink.land;
    ctx.fillRect(0, 0, width, height);
    ctx.lineJoin = ctx.lineCap = "round";
    for (const kind of ORDER) {
      const here = shapes.filter((one) => one.kind === kind);
      for (const one of here) areas(one);
      if (kind === "road" || kind === "water") for (const one of here) lines(one, kind === "road" ? ink.casing : ink.shore, 1.6);
      for (const one of here) lines(one, { road: ink.road, water: ink.water, rail: ink.rail }[kind] ?? ink.hedge, 0);
    }
  }

  const trace = (ring) => ring.forEach((point, i) => ctx[i ? "lineTo" : "moveTo"](...place(point)));

  function areas({ kind, flat }) {
    for (const rings of flat.areas) {
      ctx.beginPath();
      for (const ring of rings) trace(ring);
      ctx.globalAlpha = kind === "district" ? 0.5 : 1;
      ctx.fillStyle = { water: ink.water, building: ink.building, district: ink.district }[kind] ?? ink.parcel;
      ctx.fill("evenodd");
      ctx.globalAlpha = 1;
      ctx.strokeStyle = { water: ink.shore, building: ink.wall, district: ink["ink-3"] }[kind] ?? ink.hedge;
      ctx.lineWidth = kind === "water" ? 0.8 : widthAt(kind, zoom);
      ctx.setLineDash(kind === "district" ? [5, 4] : []);
      ctx.stroke();
      ctx.setLineDash([]);
    }
  }

  function lines({ kind, minor, flat }, colour, more) {
    ctx.strokeStyle = colour;
    ctx.lineWidth = widthAt(minor ? "minor" : kind, zoom) + more;
    for (const ring of flat.lines) {
      ctx.beginPath();
      trace(ring);
      ctx.stroke();
    }
  }

  function zoomAt(pixel, by) {
    const under = at(pixel);
    zoom = Math.min(NEAREST, Math.max(FARTHEST, zoom + by));
    const now = at(pixel);
    centre = [centre[0] + under[0] - now[0], centre[1] + under[1] - now[1]];
    redraw();
  }

  const settle = () => settled.forEach((fn) => fn());
  const fingers = new Map();
  box.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
    canvas.setPointerCapture?.(event.pointerId);
  });
  box.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = [event.offsetX, event.offsetY];
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const far = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]) || 1;
      zoomAt([(now[0] + other[0]) / 2, (now[1] + other[1]) / 2], Math.log2(far(now, other) / far(before, other)));
    } else {
      centre = [centre[0] - (now[0] - before[0]) / world(), centre[1] - (now[1] - before[1]) / world()];
      grabbed.forEach((fn) => fn());
      redraw();
    }
    fingers.set(event.pointerId, now);
  });
  for (const name of ["pointerup", "pointercancel"]) box.addEventListener(name, (event) => fingers.delete(event.pointerId) && settle());
  let wheel = 0;
  box.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomAt([event.offsetX, event.offsetY], -event.deltaY / (event.deltaMode ? 12 : 400));
    clearTimeout(wheel);
    wheel = setTimeout(settle, 200);
  }, { passive: false });

  const ground = {
    name: "plain",
    project: (point) => place(mercator(point)),
    unproject: (pixel) => unmercator(at(pixel)),
    view: () => ({ centre: unmercator(centre), zoom }),
    go(to, { animate = true } = {}) {
      const from = { centre: [...centre], zoom };
      const target = mercator(to.centre);
      const begun = performance.now();
      const long = animate && !calm() ? 500 : 0;
      const step = () => {
        const t = long ? Math.min(1, (performance.now() - begun) / long) : 1;
        const ease = 1 - (1 - t) ** 3;
        zoom = from.zoom + (Math.min(NEAREST, Math.max(FARTHEST, to.zoom)) - from.zoom) * ease;
        centre = [from.centre[0] + (target[0] - from.centre[0]) * ease, from.centre[1] + (target[1] - from.centre[1]) * ease];
        redraw();
        if (t < 1) requestAnimationFrame(step);
        else settle();
      };
      step();
    },
    onMove: (fn) => moved.add(fn),
    onSettle: (fn) => settled.add(fn),
    onGrab: (fn) => grabbed.add(fn),
    resize() {
      [width, height] = [Math.max(1, box.clientWidth), Math.max(1, box.clientHeight)];
      const dense = devicePixelRatio || 1;
      [canvas.width, canvas.height] = [Math.round(width * dense), Math.round(height * dense)];
      redraw();
    },
    setShapes(found) {
      const flat = (ring) => ring.map(mercator);
      shapes = found.map((one) => ({ ...one, flat: { lines: one.lines.map(flat), areas: one.areas.map((rings) => rings.map(flat)) } }));
      redraw();
    },
    setInk(next) {
      ink = next;
      redraw();
    },
  };
  ground.resize();
  return ground;
}
