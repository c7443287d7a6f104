// The wall: full screen, turns by itself, is read from five metres and needs nobody. All of it is in the address:
//   ?wall=alarms,map,vitals,incidents,forecasts,shift   which panels, in this order
//   &every=20   seconds each stands     &dim=22-6   darker from ten to six     &light=dark|light
// It shows nothing about persons: the city's own view for walls leaves that out, whoever signed the wall in.

import { h, put } from "../dom.js";
import { API, ask, DESK, REALM } from "../doors.js";
import { plainGround } from "../ground-plain.js";
import { box, fitting, inks, kindOfShape, shape } from "../ground.js";
import { moment } from "../station.js";
import { age, count, figure, hourText, dayText, look, title, unitOf, withUnit } from "../words.js";
import { bar, STATES, stateSign, strip, WORDS } from "./signs.js";

export const PANELS = ["alarms", "map", "vitals", "incidents", "forecasts", "shift"];
const DEFAULT = ["alarms", "map", "vitals", "incidents"];
const TITLES = { alarms: "Alarms", map: "Where", vitals: "Vital signs", incidents: "Incidents", forecasts: "Ahead", shift: "Desks" };
const ASK_MS = 10_000;
const STALE_MS = 45_000;
const PAUSE_MS = 60_000;
const SHIFT_MS = 60_000; // a picture that never moves burns in
const AROUND = [[0, 0], [5, 0], [5, 5], [0, 5], [-5, 5], [-5, 0], [-5, -5], [0, -5], [5, -5]];
const SEVERITIES = ["critical", "high", "medium", "low", "informational"];

/** What an address asks for; what is nonsense in it is said in `odd`, and the rest holds. */
export function wanted(given) {
  const odd = [];
  const said = (given.get("wall") ?? "").split(",").map((one) => one.trim()).filter(Boolean);
  const panels = [...new Set(said.filter((one) => PANELS.includes(one)))];
  for (const one of said) if (!PANELS.includes(one) && one !== "1" && one !== "on") odd.push(`no panel ${one.slice(0, 30)}`);
  const number = Number(given.get("every") ?? 20);
  const every = Number.isFinite(number) && number >= 5 && number <= 3600 ? number : 20;
  if (given.has("every") && every !== number) odd.push("every is from 5 to 3600 seconds");
  const hours = /^([01]?\d|2[0-3])-([01]?\d|2[0-3])$/.exec(given.get("dim") ?? "");
  if (given.get("dim") && !hours) odd.push("dim is two hours, like 22-6");
  const light = ["dark", "light"].includes(given.get("light")) ? given.get("light") : "";
  return { panels: panels.length ? panels : DEFAULT, every, dim: hours ? [Number(hours[1]), Number(hours[2])] : null, light, odd };
}

/** Whether an hour is between two, over midnight too. */
export const within = (hour, [from, to]) => (from === to ? false : from < to ? hour >= from && hour < to : hour >= from || hour < to);

/** Fill `root` with the wall that the address asks for, for ever. */
export function wall(root, given) {
  const { panels, every, dim, light, odd } = wanted(given);
  const known = { panels: {}, at: 0, trouble: "", status: 0 };
  let clock = null;
  let at = 0;
  let due = performance.now() + every * 1000;
  let paused = 0;
  let tries = 0;
  let version = null;
  let shapes = null;
  let ground = null;

  if (light) document.documentElement.dataset.theme = light;
  document.title = `${TITLES[panels[0]]} · ${look.city}`;
  const now = () => (clock ? clock.now + (performance.now() - clock.heard) * clock.rate : Date.now());
  const stage = h("div", { class: "wall-stage" });
  const time = h("time", { class: "wall-clock" });
  const day = h("span", { class: "wall-day" });
  const lamp = h("p", { class: "wall-lamp", role: "status" });
  const name = h("h1", { class: "wall-title" });
  const turns = h("ol", { class: "wall-turns", "aria-label": "Panels" }, panels.map((one) => h("li", {}, h("button", { type: "button", on: { click: () => show(panels.indexOf(one), true) } }, TITLES[one], h("i", {})))));
  const foot = h("p", { class: "wall-foot" });
  root.hidden = false;
  root.replaceChildren(h("header", { class: "wall-head" }, h("div", {}, name, h("span", { class: "wall-room" }, `${look.city}${REALM === "security" ? " · command centre" : ""}`)), lamp, h("div", { class: "wall-when" }, time, day)), stage, h("footer", { class: "wall-end" }, turns, foot));

  // ---- what is known

  async function refresh() {
    try {
      const names = panels.map((one) => (one === "map" ? "alarms" : one));
      const { body } = await ask(`${DESK}/brain/wall?panels=${[...new Set(names)].join(",")}`);
      const health = await ask("/health");
      clock = { now: moment(health.body.now) ?? Date.now(), rate: health.body.rate ?? 1, heard: performance.now() };
      if (version !== null && health.body.version && health.body.version !== version) return location.reload(); // the city is another version: so is its page
      version = health.body.version ?? version;
      Object.assign(known, { panels: body.panels, at: performance.now(), trouble: "", status: 0 });
      tries = 0;
    } catch (fault) {
      Object.assign(known, { trouble: fault.message, status: fault.status ?? 0 });
      tries += 1;
    }
    draw();
    setTimeout(refresh, Math.min(ASK_MS * (1 + tries), 30_000));
  }

  // ---- turning

  function show(number, byHand = false) {
    at = (number + panels.length) % panels.length;
    due = performance.now() + every * 1000;
    if (byHand) pause();
    draw();
  }

  function pause() {
    paused = performance.now() + PAUSE_MS;
    tick();
  }

  function tick() {
    const shown = now();
    put(time, hourText(shown));
    time.dateTime = new Date(shown).toISOString();
    put(day, dayText(shown));
    const left = paused - performance.now();
    root.classList.toggle("paused", left > 0);
    if (left > 0) {
      due = performance.now() + every * 1000;
      put(foot, `Held. Goes on in ${Math.ceil(left / 1000)} s; space goes on now.`);
    } else {
      put(foot, odd.length ? `In the address: ${odd.join("; ")}.` : "");
      if (performance.now() >= due && panels.length > 1) show(at + 1);
    }
    const part = 1 - Math.max(0, Math.min(1, (due - performance.now()) / (every * 1000)));
    const line = turns.children[at].querySelector("i");
    line.style.inlineSize = `${(part * 100).toFixed(1)}%`;
    if (dim) root.classList.toggle("dim", within(Number(hourText(shown).slice(0, 2)), dim));
    const silent = performance.now() - known.at;
    const old = known.at && silent > STALE_MS;
    root.classList.toggle("old", Boolean(old));
    lamp.className = `wall-lamp ${known.trouble ? "failed" : old ? "failed" : known.at ? "live" : "waiting"}`;
    put(lamp, known.trouble ? (known.status === 401 || known.status === 403 ? "Signed out: sign this wall in again" : `No answer for ${age(0, silent)}. Trying again.`) : known.at ? "" : "Reading…");
  }

  let step = 0;
  setInterval(() => {
    step = (step + 1) % AROUND.length;
    root.style.translate = `${AROUND[step][0]}px ${AROUND[step][1]}px`;
  }, SHIFT_MS);
  setInterval(tick, 250);

  let still = 0;
  const awake = () => {
    root.classList.add("awake");
    clearTimeout(still);
    still = setTimeout(() => root.classList.remove("awake"), 4000);
  };
  addEventListener("pointermove", (event) => {
    awake();
    if (Math.abs(event.movementX) + Math.abs(event.movementY) > 2) pause();
  });
  addEventListener("pointerdown", () => {
    awake();
    pause();
  });
  addEventListener("keydown", (event) => {
    const acts = {
      " ": () => (paused > performance.now() ? (paused = 0) : pause()),
      ArrowRight: () => show(at + 1, true),
      ArrowLeft: () => show(at - 1, true),
      f: () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen?.().catch(() => null)),
      Escape: () => location.assign(location.pathname),
    };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (acts[event.key]) {
      event.preventDefault();
      acts[event.key]();
      tick();
    } else if (event.key.length === 1) pause();
  });

  // ---- drawing

  function draw() {
    const panel = panels[at];
    put(name, TITLES[panel]);
    [...turns.children].forEach((li, i) => {
      li.firstChild.setAttribute("aria-current", String(i === at));
      if (i !== at) li.querySelector("i").style.inlineSize = "0";
    });
    root.dataset.panel = panel;
    if (!known.at) return stage.replaceChildren(h("p", { class: "wall-note" }, known.trouble || "Reading…"));
    if (panel === "map") return map(known.panels.alarms);
    ground = null;
    stage.replaceChildren(...[DRAW[panel](known.panels[panel], now())].flat());
    const told = known.panels[panel];
    trim(panel === "vitals" ? told.states.silent + told.states.flapping + told.states.late : told.total);
  }

  /** What does not fit is counted, not cut in the middle. */
  function trim(all) {
    const list = stage.querySelector(".wall-lines");
    if (!list) return;
    const rest = h("p", { class: "wall-rest" }, "and more");
    if (all > list.children.length) stage.append(rest);
    while (list.children.length > 1 && list.scrollHeight > list.clientHeight + 1) {
      list.lastElementChild.remove();
      stage.append(rest);
    }
    const hidden = all - list.children.length;
    if (hidden > 0) put(rest, `and ${hidden} more`);
    else rest.remove();
  }

  async function map(alarms) {
    if (!ground) {
      const bed = h("div", { class: "wall-map" });
      const over = h("canvas", { class: "wall-over", "aria-hidden": "true" });
      stage.replaceChildren(h("div", { class: "wall-field" }, bed, over), side(alarms));
      ground = plainGround(bed, inks(), { centre: look.location ?? [0, 0], zoom: 11 });
      ground.over = over;
      ground.resize();
      shapes ??= await surroundings();
      if (!ground) return;
      ground.setShapes(shapes.filter(Boolean));
      ground.onMove(() => marks());
    } else stage.lastElementChild.replaceWith(side(alarms));
    ground.places = alarms.places.map((one) => ({ severity: one.severity, at: middle(one.place) })).filter((one) => one.at);
    const points = [...ground.places.map((one) => one.at), ...shapes.flatMap((one) => [...one.lines.flat(), ...one.areas.flat(2)])];
    const bounds = box(points);
    const { clientWidth: w, clientHeight: tall } = ground.over;
    if (bounds && w) ground.go(fitting(bounds, w, tall, { left: 60, right: 60, top: 40, bottom: 40 }, 15), { animate: false });
    marks();
  }

  function marks() {
    if (!ground) return;
    const { over } = ground;
    const dense = devicePixelRatio || 1;
    const [w, tall] = [over.clientWidth, over.clientHeight];
    [over.width, over.height] = [w * dense, tall * dense];
    const ctx = over.getContext("2d");
    ctx.scale(dense, dense);
    const ink = inks();
    for (const { severity, at: point } of [...ground.places].reverse()) {
      const [x, y] = ground.project(point);
      const r = Math.max(9, Math.min(w, tall) * (severity === "critical" ? 0.024 : severity === "high" ? 0.02 : 0.015));
      ctx.beginPath();
      const corners = severity === "critical" ? 8 : severity === "high" ? 4 : 3;
      for (let i = 0; i < corners; i++) {
        const turn = (i / corners) * 2 * Math.PI - Math.PI / 2 + (corners === 8 ? Math.PI / 8 : 0);
        ctx[i ? "lineTo" : "moveTo"](x + r * Math.cos(turn), y + r * Math.sin(turn));
      }
      ctx.closePath();
      ctx.fillStyle = severity === "critical" || severity === "high" ? ink.alarm : ink.watch;
      ctx.strokeStyle = ink.paper;
      ctx.lineWidth = Math.max(2, r / 5);
      ctx.stroke();
      ctx.fill();
    }
  }

  async function surroundings() {
    try {
      const { body: types } = await ask(`${API}/types`);
      const drawn = (types.typeList ?? []).filter((one) => kindOfShape(one) !== "other").slice(0, 20);
      if (!drawn.length) return [];
      const { body } = await ask(`${API}/entities?type=${drawn.map(encodeURIComponent).join(",")}&limit=1000`);
      return body.map(shape).filter(Boolean);
    } catch {
      return [];
    }
  }

  draw();
  tick();
  refresh();
}

function middle(place) {
  let at = place?.coordinates;
  while (Array.isArray(at) && Array.isArray(at[0])) at = at[0];
  return Array.isArray(at) && Number.isFinite(at[0]) && Number.isFinite(at[1]) ? at : null;
}

/** All is well: then how much of it there is, part by part of the city. */
function areas(them) {
  const rows = Object.entries(them).sort(([, a], [, b]) => b.fresh - a.fresh);
  const most = Math.max(1, ...rows.map(([, row]) => row.fresh + row.off));
  return lines(rows.map(([name, row]) => h("li", { class: "ahead" }, h("b", {}, name === "-" ? "Elsewhere" : name), h("span", { class: "wall-bar" }, bar(row, most)), h("span", { class: "wall-age" }, `${row.fresh} ${WORDS.fresh.toLowerCase()}`))));
}

// ---- the panels

const huge = (text, word, how = "") => h("p", { class: `wall-huge ${how}` }, h("b", {}, text), h("span", {}, word));
const lines = (items) => h("ol", { class: "wall-lines" }, items);
const calm = (text) => h("p", { class: "wall-calm" }, text);

/** Beside the map: how many of which, and what the gravest are. */
const side = (alarms) => h("div", { class: "wall-side" }, tally(alarms), h("ul", { class: "wall-names" }, alarms.lines.slice(0, 4).map((one) => h("li", {}, one.text))));

function tally(alarms) {
  return h("ul", { class: "wall-tally" }, SEVERITIES.filter((one) => alarms.severities[one]).map((one) => h("li", {}, h("span", { class: `sev ${one}` }, title(one, "severities")), h("b", {}, String(alarms.severities[one])))), alarms.total ? [] : h("li", {}, calm("Nothing rings")));
}

const DRAW = {
  alarms: (it, now) => [
    h("div", { class: "wall-top" }, huge(String(it.total), it.total === 1 ? "alarm open" : "alarms open", it.severities.critical || it.severities.high ? "alarm" : it.total ? "watch" : "ok"), tally(it), it.unacknowledged ? h("p", { class: "wall-say" }, `${it.unacknowledged} not acknowledged`) : ""),
    it.lines.length ? lines(it.lines.map((one) => h("li", { class: one.acknowledged ? "seen" : "" }, h("span", { class: `sev ${one.severity}` }, title(one.severity, "severities")), h("b", {}, one.text), h("span", { class: "wall-age" }, age(moment(one.since), now))))) : calm("Nothing is out of order."),
  ],
  vitals: (it, now) => {
    const all = STATES.reduce((sum, one) => sum + it.states[one], 0);
    const wrong = STATES.filter((one) => it.states[one] && !["fresh", "off"].includes(one));
    return [
      h("div", { class: "wall-top" }, huge(String(it.states.silent), it.states.silent === 1 ? "source silent" : "sources silent", it.states.silent ? "alarm" : "ok"), h("ul", { class: "wall-tally" }, wrong.filter((one) => one !== "silent").map((one) => h("li", {}, stateSign(one), h("b", {}, String(it.states[one])))), h("li", {}, stateSign("fresh"), h("b", {}, `${it.states.fresh} of ${all}`))), it.pulse?.old ? h("p", { class: "wall-say" }, "Nobody looks after them just now") : ""),
      it.lines.length ? lines(it.lines.map((one) => h("li", {}, stateSign(one.state), h("b", {}, one.text), h("span", { class: "wall-small" }, [one.measures ? title(one.measures, "types") : "", one.area].filter(Boolean).join(" · ")), strip(one.strip), h("span", { class: "wall-age" }, age(moment(one.since), now))))) : all ? areas(it.areas) : calm("No sources are enrolled yet."),
    ];
  },
  incidents: (it, now) => [
    h("div", { class: "wall-top" }, huge(String(it.total), it.total === 1 ? "incident" : "incidents", it.total ? "watch" : "ok"), h("ul", { class: "wall-tally" }, h("li", {}, "Tasks open", h("b", {}, String(it.tasks))), it.late ? h("li", { class: "grave-text" }, "late", h("b", {}, String(it.late))) : "")),
    it.lines.length ? lines(it.lines.map((one) => h("li", {}, h("span", { class: `sev ${one.severity}` }, title(one.severity, "severities")), h("b", {}, one.drill ? `Drill: ${one.text}` : one.text), h("span", { class: "wall-small" }, String(one.status ?? "")), h("span", { class: "wall-age" }, age(moment(one.since), now))))) : calm("No incident is open."),
  ],
  forecasts: (it) => [
    h("div", { class: "wall-top" }, huge(String(it.warned), it.warned === 1 ? "warning ahead" : "warnings ahead", it.warned ? "watch" : "ok"), h("p", { class: "wall-small" }, it.total ? `${count(it.total, "forecast")} for what is to come` : "")),
    it.lines.length ? lines(it.lines.map((one) => h("li", { class: "ahead" }, one.warned ? h("span", { class: "sign watch" }, "Warned") : h("span", { class: "wall-small" }, "No warning"), h("b", {}, one.of), h("span", { class: "wall-small" }, title(one.attribute, "attributes")), h("b", { class: "foretold-value" }, withUnit(one.said, unitOf(one.unit))), h("span", { class: "wall-age" }, one.rmse === null ? "" : `± ${figure(one.rmse, unitOf(one.unit))}`)))) : calm("Nothing is predicted now."),
  ],
  shift: (it, now) => [
    h("div", { class: "wall-top" }, huge(String(it.total), it.total === 1 ? "desk staffed" : "desks staffed", it.total ? "ok" : "watch")),
    it.lines.length ? lines(it.lines.map((one) => h("li", {}, h("b", {}, `Desk ${one.desk}`), h("span", { class: one.handed ? "sign watch" : "wall-small" }, one.handed ? "Handover waits" : one.without ? "took over without a handover" : "staffed"), h("span", { class: "wall-age" }, age(moment(one.since), now))))) : calm("Nobody has begun a shift."),
  ],
};
