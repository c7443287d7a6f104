// What is drawn over the marks by the page itself: the numbers of clusters, what is pointed at, and the hand's drawing.

import { inks } from "../ground.js";
import { latOf, lonOf } from "./table.js";

const LABELS = 600; // numbers of one picture; more cannot be read

/** A canvas over the ground. `paint()` draws it anew, in the same frame as the ground. */
export function overlay(canvas, ground) {
  const ctx = canvas.getContext("2d");
  let ink = inks();
  let picture = null;
  let at = null; // the point that is selected: [lon, lat]
  let hover = null;
  const hands = new Set(); // what else draws: fn(ctx, project, ink)
  const project = ([x, y]) => ground.project([lonOf(x), latOf(y)]);

  function size() {
    const dense = devicePixelRatio || 1;
    const [w, h] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(w * dense) || canvas.height !== Math.round(h * dense)) [canvas.width, canvas.height] = [Math.round(w * dense), Math.round(h * dense)];
    ctx.setTransform(dense, 0, 0, dense, 0, 0);
    ctx.clearRect(0, 0, w, h);
    return [w, h];
  }

  function paint() {
    const [w, h] = size();
    if (picture) {
      if (ground.name === "plain") plainMarks(w, h);
      ctx.font = `650 11px ${getComputedStyle(document.body).fontFamily}`;
      ctx.textAlign = "center";
      ctx.textBaseline = "middle";
      let many = 0;
      for (const [x, y, n, worst, bright] of picture.labels) {
        const [px, py] = project([x, y]);
        if (px < -20 || py < -20 || px > w + 20 || py > h + 20) continue;
        if (++many > LABELS) break;
        ctx.fillStyle = bright ? "#10202b" : "#ffffff";
        ctx.fillText(short(n), px, py + 0.5);
        if (worst > 1) {
          ctx.font = `800 12px ${getComputedStyle(document.body).fontFamily}`;
          ctx.fillStyle = worst === 3 ? ink.alarm : ink.watch;
          ctx.strokeStyle = ink.paper;
          ctx.lineWidth = 3;
          const up = 10 + 3 * Math.log10(n);
          ctx.strokeText(worst === 3 ? "◆" : "▲", px + up, py - up);
          ctx.fillText(worst === 3 ? "◆" : "▲", px + up, py - up);
          ctx.font = `650 11px ${getComputedStyle(document.body).fontFamily}`;
        }
      }
    }
    for (const fn of hands) fn(ctx, ground.project, ink);
    for (const [point, wide] of [[hover, 10], [at, 13]]) {
      if (!point) continue;
      const [px, py] = ground.project(point);
      for (const [colour, width] of [[ink.paper, 5], [ink.accent, 2.5]]) {
        ctx.beginPath();
        ctx.arc(px, py, wide, 0, 7);
        ctx.strokeStyle = colour;
        ctx.lineWidth = width;
        ctx.stroke();
      }
    }
  }

  // Without WebGL: the same marks, as circles alone, by this canvas.
  function plainMarks(w, h) {
    const { bytes, floats, count, anchor } = picture;
    for (let i = 0; i < count; i++) {
      const [px, py] = project([floats[i * 4] + anchor[0], floats[i * 4 + 1] + anchor[1]]);
      if (px < -30 || py < -30 || px > w + 30 || py > h + 30) continue;
      const b = i * 16 + 8;
      ctx.fillStyle = `rgba(${bytes[b]},${bytes[b + 1]},${bytes[b + 2]},${bytes[b + 3] / 255})`;
      ctx.beginPath();
      ctx.arc(px, py, bytes[b + 4] / 4, 0, 7);
      ctx.fill();
    }
  }

  return {
    paint,
    hands,
    show(made) {
      picture = { ...made, bytes: new Uint8Array(made.buffer), floats: new Float32Array(made.buffer) };
    },
    /** The mark nearest to a pixel: its row (-1: a cluster), how far, where; null when none is within `reach`. */
    near(x, y, reach) {
      if (!picture) return null;
      const [lon, lat] = ground.unproject([x, y]);
      const { floats, bytes, rows, count, anchor } = picture;
      const scale = 512 * 2 ** ground.view().zoom;
      const mx = (lon / 360 + 0.5 - anchor[0]) * scale;
      const my = (0.5 - Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) / (2 * Math.PI) - anchor[1]) * scale;
      let best = null;
      for (let i = count - 1; i >= 0; i--) {
        const far = Math.hypot(floats[i * 4] * scale - mx, floats[i * 4 + 1] * scale - my) - (rows[i] < 0 ? bytes[i * 16 + 12] / 4 : 0);
        if (far < reach && (!best || far < best.far)) best = { far, row: rows[i], point: [lonOf(floats[i * 4] + anchor[0]), latOf(floats[i * 4 + 1] + anchor[1])] };
      }
      return best;
    },
    point(which, point) {
      if (which === "hover") hover = point;
      else at = point;
      ground.redraw();
    },
    reink() {
      ink = inks();
    },
  };
}

const short = (n) => (n < 1000 ? String(n) : n < 10_000 ? `${(n / 1000).toFixed(1)}k` : `${Math.round(n / 1000)}k`);
