// Watched areas: drawn by hand or by coordinates, mended corner by corner, saved as entities that the app watches.

import { h, keep, narrow, put } from "../dom.js";
import { API, ask, door } from "../doors.js";
import { kindOf, named, said, shapeOf, text } from "../station.js";
import { count, title } from "../words.js";
import { circle } from "./area.js";

const SEVERITIES = ["informational", "low", "medium", "high", "critical"];
const KINDS = [["polygon", "Area"], ["circle", "Circle"], ["line", "Line"]];
const PAGE = 1000;

/** The shape of a fence as it is drawn: {kind, points} or {kind: "circle", centre, radius}; null for what cannot be. */
function drawn(entity) {
  const shape = shapeOf(entity);
  const radius = Number(said(entity, "radius"));
  if (shape?.type === "Point") return { kind: "circle", centre: shape.coordinates.slice(0, 2), radius: radius > 0 ? radius : 25 };
  if (shape?.type === "LineString") return { kind: "line", points: shape.coordinates.map((one) => one.slice(0, 2)), radius: radius >= 0 ? radius : 25 };
  if (shape?.type === "Polygon") return { kind: "polygon", points: shape.coordinates[0].slice(0, -1).map((one) => one.slice(0, 2)) };
  return null;
}

/** A shape as GeoJSON; the ring of an area runs against the clock (RFC 7946). */
function geometry(shape) {
  if (shape.kind === "circle") return { type: "Point", coordinates: shape.centre };
  if (shape.kind === "line") return { type: "LineString", coordinates: shape.points };
  const turn = shape.points.reduce((sum, [x, y], i) => {
    const [u, v] = shape.points[(i + 1) % shape.points.length];
    return sum + (u - x) * (v + y);
  }, 0);
  const ring = turn < 0 ? shape.points : [...shape.points].reverse();
  return { type: "Polygon", coordinates: [[...ring, ring[0]]] };
}

export function startFences({ ground, area, types }) {
  let fences = [];
  let box = null;
  let form = null; // {id, shape, fields}
  let fault = "";
  const list = h("ul", { class: "fence-list", "aria-label": "Watched areas" });
  const told = h("p", { class: "side-sum quiet", role: "status" });
  const place = h("div", {});

  async function read() {
    try {
      const { body } = await ask(`${API}/entities?type=Geofence&options=concise&limit=${PAGE}`);
      fences = body.filter((one) => kindOf(one) === "Geofence");
      fault = "";
    } catch (why) {
      fault = why.status === 404 ? "" : `${why.message} ${why.mend}`;
    }
    draw();
  }

  function draw() {
    const features = fences.filter((one) => one.id !== form?.id).map((one) => {
      const shape = drawn(one);
      const whole = !shape ? shapeOf(one) : shape.kind === "circle" ? { type: "Polygon", coordinates: [circle(shape.centre, shape.radius)] } : geometry(shape);
      return whole && { type: "Feature", properties: {}, geometry: whole };
    });
    ground.lines("fences", { type: "FeatureCollection", features: features.filter(Boolean) });
    put(told, fault || (fences.length ? count(fences.length, "watched area") : "No area is watched yet. Draw one: an alarm will stand while something is in it that should not be, or out of it that should not leave."));
    keep(
      list,
      fences,
      (one) => one.id,
      (one) => h("li", {}, h("b", {}), h("p", { class: "quiet" }), h("span", { class: "pair" }, h("button", { type: "button", class: "tool", on: { click: () => edit(fences.find((it) => it.id === one.id)) } }, "Change"), h("button", { type: "button", class: "tool", on: { click: () => see(fences.find((it) => it.id === one.id)) } }, "Show"))),
      (row, one) => {
        const called = named(one);
        put(row.children[0], called);
        const kinds = [said(one, "forTypes") ?? []].flat();
        const on = said(one, "active") !== false;
        const words = [on ? null : "off", said(one, "onEnter") === false ? null : "coming in", said(one, "onExit") === true ? "leaving" : null, kinds.length ? kinds.map((kind) => title(kind, "types")).join(", ") : "everything that moves", title(text(one, "severity") || "medium", "severities")];
        put(row.children[1], words.filter(Boolean).join(" · "));
        row.querySelector("button").setAttribute("aria-label", `Change ${called}`);
        row.querySelectorAll("button")[1].setAttribute("aria-label", `Show ${called} on the map`);
        row.classList.toggle("at", one.id === form?.id);
      },
    );
  }

  function see(one) {
    const points = pointsOf(drawn(one));
    if (points?.length) ground.fit(bounds(points), { left: 60, right: 60, top: 60, bottom: 100 }, { animate: true, closest: 17 });
  }
  const pointsOf = (shape) => (shape?.kind === "circle" ? circle(shape.centre, shape.radius) : shape?.points);
  const bounds = (points) => points.reduce(([w, s, e, n], [x, y]) => [Math.min(w, x), Math.min(s, y), Math.max(e, x), Math.max(n, y)], [180, 90, -180, -90]);

  async function begin(kind) {
    stop();
    const shape = await area.draw(kind);
    if (shape) open({ id: "", shape: kind === "line" ? { ...shape, radius: 25 } : shape, entity: null });
  }

  function edit(entity) {
    const shape = drawn(entity);
    open({ id: entity.id, shape, entity });
    if (shape) see(entity);
  }

  function open(one) {
    form = one;
    build();
    mend();
    draw();
    if (narrow()) document.getElementById("see-side").click();
    place.querySelector("input")?.focus();
  }

  function mend() {
    const { shape } = form;
    area.mend(shape, (points) => {
      if (shape.kind === "circle") [shape.centre, shape.radius] = [points[0], Math.max(1, Math.round(area.metres(points[0], points[1])))];
      else shape.points = points;
      write();
    });
  }

  function stop() {
    form = null;
    area.mend(null);
    place.replaceChildren();
    draw();
  }

  const lines = (shape) => (shape.kind === "circle" ? [shape.centre] : shape.points).map((one) => one.map((n) => Number(n.toFixed(6))).join(", ")).join("\n");

  /** What the fields say of the shape, after the hand has moved it. */
  function write() {
    const fields = place.querySelector("form").elements;
    fields.corners.value = lines(form.shape);
    if (form.shape.radius !== undefined) fields.radius.value = String(Math.round(form.shape.radius));
  }

  function build() {
    const { entity, shape } = form;
    const kinds = new Set([said(entity, "forTypes") ?? []].flat());
    const offered = [...new Set([...kinds, ...types()])];
    const field = (label, control) => h("label", { class: "line" }, h("span", {}, label), control);
    const check = (name, word, on) => h("label", { class: "check" }, h("input", { type: "checkbox", name, checked: on }), word);
    const severity = h("select", { name: "severity" }, SEVERITIES.map((one) => h("option", { value: one }, title(one, "severities"))));
    severity.value = text(entity, "severity") || "medium";
    const corners = h("textarea", { name: "corners", class: "mono", rows: 4, spellcheck: "false", "aria-describedby": "corner-hint" });
    corners.value = shape ? lines(shape) : "";
    const wrong = h("p", { class: "grave", role: "alert" });
    const made = h("form", { class: "fence-form", autocomplete: "off", on: { submit: (event) => (event.preventDefault(), save(made, wrong)) } },
      h("h2", {}, form.id ? "Change the watched area" : { polygon: "A new area", circle: "A new circle", line: "A new line" }[shape.kind]),
      field("Name", h("input", { name: "name", required: true, maxlength: 200, value: entity ? named(entity) : "" })),
      h("div", { class: "pair wrap" }, h("span", {}, "Alarm when something is"), check("onEnter", "coming in", said(entity, "onEnter") !== false), check("onExit", "leaving", said(entity, "onExit") === true), check("active", "watched", said(entity, "active") !== false)),
      field("Severity", severity),
      h("fieldset", {}, h("legend", {}, "For (none: everything that moves)"), h("div", { class: "pair wrap" }, offered.map((kind) => h("label", { class: "check" }, h("input", { type: "checkbox", name: "kind", value: kind, checked: kinds.has(kind) }), title(kind, "types"))))),
      shape.kind === "polygon" ? null : field("Metres", h("input", { name: "radius", type: "number", min: 1, max: 100000, step: 1, required: true, value: Math.round(shape.radius ?? 25) })),
      field("Edge, metres", h("input", { name: "margin", type: "number", min: 0, max: 1000, step: 1, value: said(entity, "margin") ?? 15 })),
      h("details", { class: "by-hand" }, h("summary", {}, shape.kind === "circle" ? "Its middle" : "Its corners"), h("p", { class: "hint", id: "corner-hint" }, "Longitude, latitude; one a line. On the map: drag a corner, drag the middle of an edge to make one, Shift and click to take one away."), corners),
      wrong,
      h("div", { class: "pair wrap" }, h("button", { type: "submit", class: "do" }, "Save"), h("button", { type: "button", class: "tool", on: { click: stop } }, "Let go"), form.id ? h("button", { type: "button", class: "tool grave", on: { click: () => remove(wrong) } }, "Delete") : null));
    corners.addEventListener("change", () => {
      const points = parsed(corners.value, shape.kind);
      put(wrong, typeof points === "string" ? points : "");
      if (typeof points === "string") return;
      if (shape.kind === "circle") [shape.centre] = points;
      else shape.points = points;
      mend();
    });
    made.elements.radius?.addEventListener("input", (event) => {
      const metres = Number(event.target.value);
      if (metres > 0) shape.radius = metres;
      mend();
    });
    place.replaceChildren(made);
  }

  /** Points of a text, or what is wrong with it. */
  function parsed(said_, kind) {
    const points = said_.trim().split(/\n+/).map((line) => line.split(/[,;\s]+/).filter(Boolean).map(Number));
    if (points.some((one) => one.length !== 2 || !one.every(Number.isFinite) || Math.abs(one[0]) > 180 || Math.abs(one[1]) > 85)) return "Each line is a longitude and a latitude, such as 17.1, 48.3.";
    const least = { circle: 1, line: 2 }[kind] ?? 3;
    return points.length < least || (kind === "circle" && points.length > 1) ? `That takes ${kind === "circle" ? "one line" : `at least ${least} lines`}.` : points;
  }

  async function save(made, wrong) {
    const fields = made.elements;
    const points = parsed(fields.corners.value, form.shape.kind);
    if (typeof points === "string") return put(wrong, points);
    if (!fields.onEnter.checked && !fields.onExit.checked) return put(wrong, "Say when there is to be an alarm: coming in, leaving, or both.");
    const { id, shape } = form;
    const property = (value) => ({ type: "Property", value });
    const said_ = {
      name: property(fields.name.value.trim()),
      location: { type: "GeoProperty", value: geometry(shape) },
      forTypes: property([...made.querySelectorAll("[name=kind]:checked")].map((one) => one.value)),
      onEnter: property(fields.onEnter.checked),
      onExit: property(fields.onExit.checked),
      active: property(fields.active.checked),
      severity: property(fields.severity.value),
      margin: property(Number(fields.margin.value) || 0),
      ...(shape.kind === "polygon" ? {} : { radius: property(Math.round(shape.radius ?? 25)) }),
    };
    try {
      if (id) await ask(`${door("entities", id)}/attrs`, { method: "POST", send: said_ });
      else await ask(`${API}/entities`, { method: "POST", send: { id: `urn:ngsi-ld:Geofence:${slug(fields.name.value)}-${Math.random().toString(36).slice(2, 8)}`, type: "Geofence", ...said_ } });
      stop();
      await read();
    } catch (why) {
      put(wrong, `${why.message} ${why.mend}`);
    }
  }

  const slug = (name) => name.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 40) || "area";

  async function remove(wrong) {
    if (!confirm("Delete this watched area? Its alarms are closed.")) return;
    try {
      await ask(door("entities", form.id), { method: "DELETE" });
      stop();
      await read();
    } catch (why) {
      put(wrong, `${why.message} ${why.mend}`);
    }
  }

  return {
    pane(pane) {
      box = pane;
      const hands = h("div", { class: "area-head pair wrap" }, h("span", {}, "New:"), KINDS.map(([kind, word]) => h("button", { type: "button", class: "tool", on: { click: () => begin(kind) } }, word)), h("button", { type: "button", class: "tool", on: { click: middle } }, "By coordinates"));
      box.append(hands, place, told, list);
      read();
    },
    show: read,
    stop,
  };

  /** A small area in the middle of the map, to be told by its coordinates: for hands that draw nothing. */
  function middle() {
    const { centre, zoom } = ground.view();
    const far = 60 / (512 * 2 ** zoom) * 360;
    open({ id: "", shape: { kind: "polygon", points: [[-far, -far], [far, -far], [far, far], [-far, far]].map(([x, y]) => [centre[0] + x, centre[1] + y * Math.cos((centre[1] * Math.PI) / 180)].map((n) => Number(n.toFixed(6)))) }, entity: null });
    place.querySelector("details").open = true;
  }
}
