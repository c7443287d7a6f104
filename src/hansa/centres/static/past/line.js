// A day as a line: how much happened when, alarms and incidents, and where one is. Also in a film: no other module.

import { kindOfMark } from "./record.js";

const FONT = `11px "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif`;
const STEPS = [60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

/**
 * A time line in `canvas`. `words(at)` names an instant; `go(at)` is called when somebody chooses one. What it gives:
 * `show({from, until, density, marks, at, now})`.
 */
export function timeLine(canvas, { words, hour, go }) {
  const ctx = canvas.getContext("2d");
  let shown = null;
  const [pad, foot] = [10, 16];

  const x = (at) => pad + ((at - shown.from) / (shown.until - shown.from)) * (canvas.clientWidth - 2 * pad);
  const time = (px) => shown.from + ((px - pad) / Math.max(1, canvas.clientWidth - 2 * pad)) * (shown.until - shown.from);
  const held = (at) => Math.round(Math.min(Math.min(shown.until, shown.now ?? Infinity), Math.max(shown.from, at)));

  function ink(name) {
    canvas.style.color = `var(--${name})`;
    const found = getComputedStyle(canvas).color;
    canvas.style.color = "";
    return found;
  }

  function draw() {
    if (!shown || !canvas.clientWidth) return;
    const dense = devicePixelRatio || 1;
    const [w, hgt] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(w * dense) || canvas.height !== Math.round(hgt * dense)) [canvas.width, canvas.height] = [Math.round(w * dense), Math.round(hgt * dense)];
    ctx.setTransform(dense, 0, 0, dense, 0, 0);
    ctx.clearRect(0, 0, w, hgt);
    const base = hgt - foot;
    const [soft, rule, text, alarm, watch, accent, ok] = ["stale", "rule", "ink-2", "alarm", "watch", "accent", "ok"].map(ink);
    const most = Math.max(1, ...shown.density.map((one) => one[1]));
    const wide = Math.max(1, x(shown.from + shown.width) - x(shown.from) - 0.5);
    ctx.fillStyle = soft;
    ctx.globalAlpha = 0.55;
    for (const [at, many] of shown.density) {
      const tall = Math.max(1, (base - 14) * Math.sqrt(many / most));
      ctx.fillRect(x(at), base - tall, Math.max(1, Math.min(wide, w - pad - x(at))), tall);
    }
    ctx.globalAlpha = 1;
    if (shown.now < shown.until) {
      ctx.fillStyle = rule;
      ctx.fillRect(x(shown.now), 0, w - pad - x(shown.now), base); // what has not happened yet
    }
    ctx.strokeStyle = rule;
    ctx.beginPath();
    ctx.moveTo(pad, base + 0.5);
    ctx.lineTo(w - pad, base + 0.5);
    const span = (shown.until - shown.from) / 1000;
    const step = STEPS.find((one) => (one / span) * (w - 2 * pad) > 56) ?? 86400;
    ctx.fillStyle = text;
    ctx.font = FONT;
    ctx.textAlign = "center";
    ctx.textBaseline = "alphabetic";
    const first = Math.ceil((shown.from - shown.zero) / 1000 / step) * step * 1000 + shown.zero;
    for (let at = first; at <= shown.until; at += step * 1000) {
      ctx.moveTo(Math.round(x(at)) + 0.5, base);
      ctx.lineTo(Math.round(x(at)) + 0.5, base + 4);
      if (x(at) > pad + 12 && x(at) < w - pad - 12) ctx.fillText(hour(at), x(at), hgt - 2);
    }
    ctx.stroke();
    for (const one of shown.marks) {
      const kind = kindOfMark(one);
      const px = x(one.at);
      if (kind === "alarm") {
        ctx.fillStyle = alarm;
        ctx.beginPath();
        for (const [dx, dy] of [[0, 1], [4, 5], [0, 9], [-4, 5]]) ctx.lineTo(px + dx, dy);
        ctx.fill();
      } else if (kind === "cleared") {
        ctx.strokeStyle = ok;
        ctx.beginPath();
        ctx.arc(px, 5, 2.5, 0, 7);
        ctx.stroke();
      } else if (kind === "incident") {
        ctx.fillStyle = accent;
        ctx.fillRect(px - 4, 1, 8, 8);
      } else if (kind === "command") {
        ctx.fillStyle = watch;
        ctx.beginPath();
        for (const [dx, dy] of [[-3, 1], [4, 5], [-3, 9]]) ctx.lineTo(px + dx, dy);
        ctx.fill();
      }
    }
    ctx.fillStyle = accent;
    ctx.fillRect(Math.round(x(shown.at)) - 1, 0, 2, base);
    ctx.beginPath();
    for (const [dx, dy] of [[-6, 0], [6, 0], [0, 7]]) ctx.lineTo(x(shown.at) + dx, base + dy - 7);
    ctx.fill();
  }

  let drags = false;
  const to = (event) => go(held(time(event.clientX - canvas.getBoundingClientRect().left)), { done: event.type !== "pointermove" });
  canvas.addEventListener("pointerdown", (event) => {
    if (!shown || event.button) return;
    drags = true;
    canvas.setPointerCapture?.(event.pointerId);
    to(event);
  });
  canvas.addEventListener("pointermove", (event) => drags && to(event));
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => {
      if (drags) to(event);
      drags = false;
    });
  }
  canvas.addEventListener("keydown", (event) => {
    if (!shown || event.ctrlKey || event.metaKey || event.altKey) return;
    const by = { ArrowLeft: -60_000, ArrowRight: 60_000, ArrowDown: -600_000, ArrowUp: 600_000, PageDown: -3_600_000, PageUp: 3_600_000 }[event.key];
    const at = event.key === "Home" ? shown.from : event.key === "End" ? shown.until : by ? shown.at + (document.dir === "rtl" && event.key.endsWith("t") ? -by : by) : null;
    if (at === null) return;
    event.preventDefault();
    event.stopPropagation();
    go(held(at), { done: true });
  });
  new ResizeObserver(draw).observe(canvas);
  return {
    draw,
    show(next) {
      shown = { width: 300_000, zero: 0, now: Infinity, ...shown, ...next };
      canvas.setAttribute("aria-valuemin", String(Math.round(shown.from / 1000)));
      canvas.setAttribute("aria-valuemax", String(Math.round(shown.until / 1000)));
      canvas.setAttribute("aria-valuenow", String(Math.round(shown.at / 1000)));
      canvas.setAttribute("aria-valuetext", words(shown.at));
      draw();
    },
  };
}
