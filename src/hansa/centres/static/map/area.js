// The hand on the map: a box or a line drawn by hand chooses an area; polygons, lines and circles are drawn and mended.

import { narrow } from "../dom.js";
import { east, south } from "./table.js";
import { go, watch, where } from "./where.js";

const EARTH = 6_371_008.8;
const MOST = 120; // corners of an area: it stands in the address

const metres = ([a, b], [c, d]) => {
  const [p, q] = [(b * Math.PI) / 180, (d * Math.PI) / 180];
  const s = Math.sin((q - p) / 2) ** 2 + Math.cos(p) * Math.cos(q) * Math.sin(((c - a) * Math.PI) / 360) ** 2;
  return 2 * EARTH * Math.asin(Math.sqrt(s));
};

/** A circle as a ring of [lon, lat], 48 corners; `radius` in metres. */
export function circle([lon, lat], radius) {
  const ring = [];
  for (let i = 0; i <= 48; i++) {
    const turn = (i / 48) * 2 * Math.PI;
    const up = (radius / EARTH) * (180 / Math.PI);
    ring.push([lon + (up * Math.cos(turn)) / Math.cos((lat * Math.PI) / 180), lat + up * Math.sin(turn)]);
  }
  return ring;
}

/** Fewer corners, none farther than `far` pixels from the line between its neighbours (Douglas and Peucker). */
function thin(points, far) {
  if (points.length < 3) return points;
  const keep = new Uint8Array(points.length);
  keep[0] = keep[points.length - 1] = 1;
  const todo = [[0, points.length - 1]];
  while (todo.length) {
    const [a, b] = todo.pop();
    let [worst, most] = [-1, far];
    const [[ax, ay], [bx, by]] = [points[a], points[b]];
    const long = Math.hypot(bx - ax, by - ay) || 1e-9;
    for (let i = a + 1; i < b; i++) {
      const d = Math.abs((by - ay) * points[i][0] - (bx - ax) * points[i][1] + bx * ay - by * ax) / long;
      if (d > most) [worst, most] = [i, d];
    }
    if (worst >= 0) {
      keep[worst] = 1;
      todo.push([a, worst], [worst, b]);
    }
  }
  return points.filter((_, i) => keep[i]);
}

export function startArea({ feed, ground, over, field, bed }) {
  let polygon = null; // what is chosen: a ring of [lon, lat], not closed
  let hand = null; // what is being drawn: {kind, points, done, from}
  let mending = null; // corners being moved: {kind, points, changed, at}
  const listeners = new Set();
  const hint = document.getElementById("hand-hint");

  const pixel = (event) => {
    const frame = bed.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  };
  const lonlat = (event) => ground.unproject(pixel(event)).map((n) => Number(n.toFixed(6)));

  function set(ring, { quiet = false } = {}) {
    polygon = ring;
    go({ area: ring ? ring.map((one) => one.map((n) => n.toFixed(5)).join(",")).join(";") : "" }, { quiet });
    feed.to("select", { polygon: ring ? ring.map(([lon, lat]) => [east(lon), south(lat)]) : null });
    for (const fn of listeners) fn(polygon);
    ground.redraw();
  }

  function read() {
    const ring = where.area.split(";").map((one) => one.split(",").map(Number)).filter((one) => one.length === 2 && one.every(Number.isFinite) && Math.abs(one[0]) <= 180 && Math.abs(one[1]) <= 85);
    return ring.length >= 3 ? ring.slice(0, MOST) : null;
  }

  const HINTS = {
    box: "Drag a box over what you mean. Esc lets go.",
    lasso: "Draw around what you mean with the button held. Esc lets go.",
    polygon: "Click corner by corner; Enter or a click on the first corner ends it, Backspace takes one back.",
    line: "Click point by point; Enter ends it, Backspace takes one back.",
    circle: "Drag from the middle to the edge.",
  };

  function begin(kind, done = null) {
    cancel();
    hand = { kind, points: [], done, from: null, now: null };
    if (narrow()) document.querySelector("button[data-pane=map]").click(); // the hand needs the map
    field.classList.add("drawing");
    ground.map?.dragPan.disable();
    ground.map?.doubleClickZoom.disable();
    hint.textContent = HINTS[kind];
    hint.hidden = false;
    for (const one of document.querySelectorAll("[data-hand]")) one.setAttribute("aria-pressed", String(one.dataset.hand === kind));
    ground.redraw();
  }

  let ended = 0; // when the hand let go: the click that comes with it is the hand's, too
  function stop() {
    hand = null;
    ended = performance.now();
    field.classList.remove("drawing");
    ground.map?.dragPan.enable();
    ground.map?.doubleClickZoom.enable();
    hint.hidden = true;
    for (const one of document.querySelectorAll("[data-hand]")) one.setAttribute("aria-pressed", "false");
    ground.redraw();
  }

  function cancel() {
    if (!hand) return false;
    const { done } = hand;
    stop();
    done?.(null);
    return true;
  }

  function finish(points) {
    const { kind, done } = hand;
    const enough = { line: 2, circle: 2 }[kind] ?? 3;
    if (points.length < enough) return;
    stop();
    if (done) done(kind === "circle" ? { kind, centre: points[0], radius: Math.max(1, Math.round(metres(...points))) } : { kind, points });
    else set(points);
  }

  const ours = (event) => hand && bed.contains(event.target) && (event.button ?? 0) === 0;
  const swallow = (event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  field.addEventListener("pointerdown", (event) => {
    if (mending && bed.contains(event.target) && grab(event)) return;
    if (!ours(event)) return;
    swallow(event);
    const at = lonlat(event);
    if (hand.kind === "polygon" || hand.kind === "line") {
      const first = hand.points[0] && ground.project(hand.points[0]);
      const here = pixel(event);
      if (first && hand.kind === "polygon" && hand.points.length > 2 && Math.hypot(first[0] - here[0], first[1] - here[1]) < 12) return finish(hand.points);
      if (hand.points.length < MOST) hand.points.push(at);
    } else {
      hand.from = at;
      hand.points = [at];
      hand.pixels = [pixel(event)];
      bed.setPointerCapture?.(event.pointerId);
    }
    ground.redraw();
  }, true);
  field.addEventListener("pointermove", (event) => {
    if (mending?.at !== undefined && mending.at !== null) return drag(event);
    if (!hand || !(bed.contains(event.target) || hand.from)) return;
    event.stopPropagation();
    hand.now = lonlat(event);
    if (hand.from && hand.kind === "lasso") {
      hand.points.push(hand.now);
      hand.pixels.push(pixel(event));
    }
    ground.redraw();
  }, true);
  field.addEventListener("pointerup", (event) => {
    if (mending?.at !== undefined && mending.at !== null) {
      mending.at = null;
      ended = performance.now();
      ground.map?.dragPan.enable();
      return swallow(event);
    }
    if (!hand?.from) return;
    swallow(event);
    const to = lonlat(event);
    if (hand.kind === "box") {
      const [[a, b], [c, d]] = [hand.from, to];
      const [p, q] = [ground.project(hand.from), pixel(event)];
      if (Math.abs(p[0] - q[0]) < 4 || Math.abs(p[1] - q[1]) < 4) return void (hand.from = null);
      // Corners on the screen: a map that is turned gets a box as it is seen.
      const ring = [[p[0], p[1]], [q[0], p[1]], [q[0], q[1]], [p[0], q[1]]].map((one) => ground.unproject(one));
      finish(ring.every((one) => one.every(Number.isFinite)) ? ring : [[a, b], [c, b], [c, d], [a, d]]);
    } else if (hand.kind === "circle") finish([hand.from, to]);
    else {
      let far = 2;
      let kept = thin(hand.pixels, far);
      while (kept.length > MOST) kept = thin(hand.pixels, (far *= 1.6));
      const ring = kept.map((one) => ground.unproject(one));
      if (ring.length < 3) hand.from = null;
      else finish(ring);
    }
  }, true);
  for (const name of ["mousedown", "touchstart", "click", "dblclick"]) field.addEventListener(name, (event) => (hand || (mending && mending.at !== null)) && bed.contains(event.target) && swallow(event), { capture: true, passive: false });
  addEventListener("keydown", (event) => {
    if (!hand || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    if (event.key === "Enter" && ["polygon", "line"].includes(hand.kind)) {
      event.preventDefault();
      finish(hand.points);
    } else if (event.key === "Backspace") {
      event.preventDefault();
      hand.points.pop();
      ground.redraw();
    }
  });

  // ---- corners that are moved

  function grab(event) {
    const here = pixel(event);
    const reach = event.pointerType === "touch" ? 20 : 10;
    const near = (point) => {
      const [x, y] = ground.project(point);
      return Math.hypot(x - here[0], y - here[1]) < reach;
    };
    let at = mending.points.findIndex(near);
    if (at < 0 && mending.kind !== "circle") {
      // The middle of an edge makes a new corner.
      const middles = between(mending);
      const edge = middles.findIndex(near);
      if (edge >= 0 && mending.points.length < MOST) {
        at = edge + 1;
        mending.points.splice(at, 0, middles[edge]);
      }
    }
    if (at < 0) return false;
    if ((event.altKey || event.shiftKey) && mending.points.length > (mending.kind === "line" ? 2 : 3)) {
      mending.points.splice(at, 1);
      mending.changed(mending.points);
    } else {
      mending.at = at;
      ground.map?.dragPan.disable();
    }
    swallow(event);
    ground.redraw();
    return true;
  }

  const between = ({ kind, points }) => points.slice(0, kind === "line" ? -1 : undefined).map((one, i) => {
    const next = points[(i + 1) % points.length];
    return [(one[0] + next[0]) / 2, (one[1] + next[1]) / 2];
  });

  function drag(event) {
    swallow(event);
    mending.points[mending.at] = lonlat(event);
    mending.changed(mending.points);
    ground.redraw();
  }

  // ---- how it looks

  over.hands.add((ctx, project, ink) => {
    const line = (points, closed, dash = []) => {
      if (points.length < 2) return;
      for (const [colour, width] of [[ink.paper, 4], [ink.accent, 2]]) {
        ctx.beginPath();
        points.forEach((one, i) => ctx[i ? "lineTo" : "moveTo"](...project(one)));
        if (closed) ctx.closePath();
        ctx.strokeStyle = colour;
        ctx.lineWidth = width;
        ctx.setLineDash(colour === ink.accent ? dash : []);
        ctx.stroke();
        ctx.setLineDash([]);
      }
    };
    const dots = (points, wide) => {
      for (const one of points) {
        const [x, y] = project(one);
        ctx.beginPath();
        ctx.arc(x, y, wide, 0, 7);
        ctx.fillStyle = ink.paper;
        ctx.fill();
        ctx.strokeStyle = ink.accent;
        ctx.lineWidth = 2;
        ctx.stroke();
      }
    };
    if (polygon) {
      ctx.beginPath();
      polygon.forEach((one, i) => ctx[i ? "lineTo" : "moveTo"](...project(one)));
      ctx.closePath();
      ctx.globalAlpha = 0.1;
      ctx.fillStyle = ink.accent;
      ctx.fill();
      ctx.globalAlpha = 1;
      line(polygon, true);
    }
    if (mending) {
      const ring = mending.kind === "circle" ? circle(mending.points[0], metres(...mending.points)) : mending.points;
      line(ring, mending.kind !== "line");
      if (mending.kind !== "circle") {
        ctx.globalAlpha = 0.6;
        dots(between(mending), 3.5);
        ctx.globalAlpha = 1;
      }
      dots(mending.points, 6);
    }
    if (!hand) return;
    const { kind, points, from, now } = hand;
    if (kind === "box" && from && now) {
      const [p, q] = [project(from), project(now)];
      line([p, [q[0], p[1]], q, [p[0], q[1]]].map((one) => ground.unproject(one)), true, [6, 4]);
    } else if (kind === "circle" && from && now) line(circle(from, metres(from, now)), true, [6, 4]);
    else if (kind === "lasso") line(points, points.length > 2, [6, 4]);
    else {
      line(now && points.length ? [...points, now] : points, false, [6, 4]);
      dots(points, 5);
    }
  });

  for (const button of document.querySelectorAll("[data-hand]")) button.addEventListener("click", () => (hand?.kind === button.dataset.hand ? cancel() : begin(button.dataset.hand)));
  watch((changed, { back }) => {
    if (back && changed.has("area")) set(read(), { quiet: true });
  });
  const self = {
    begin,
    cancel,
    /** Draw something: {kind, points} or {kind: "circle", centre, radius}; null when it was let go. */
    draw: (kind) => new Promise((resolve) => begin(kind, resolve)),
    /** Let corners be moved; `changed(points)` hears of it. null ends it. */
    mend(shape, changed) {
      mending = shape ? { kind: shape.kind, points: shape.kind === "circle" ? [shape.centre, circle(shape.centre, shape.radius)[0]] : shape.points.map((one) => [...one]), changed, at: null } : null;
      ground.redraw();
    },
    set,
    clear: () => set(null),
    polygon: () => polygon,
    busy: () => !!hand || performance.now() - ended < 300 || (mending?.at ?? null) !== null,
    listen: (fn) => listeners.add(fn),
    metres,
  };
  const said = read();
  if (said) setTimeout(() => set(said, { quiet: true }), 0);
  return self;
}
