// The picture of an instant on the city's ground: the same ground and signs as the live map, fed by a record.

import { narrow, put } from "../dom.js";
import { box, fitting, inks, shape } from "../ground.js";
import { plainGround } from "../ground-plain.js";
import { marks } from "../marks.js";
import { age, look, title, withUnit } from "../words.js";

const WORLD = { centre: [10, 30], zoom: 1.6 };

/** Start it in #map. `model` has stations, shapes and now(); `chosen(id)` is called when somebody takes one. */
export async function startChart(model, { view, moved, chosen }) {
  const field = document.getElementById("map");
  const bed = document.getElementById("ground");
  const tip = document.getElementById("tip");
  const over = marks(document.getElementById("marks"));
  let ink = inks();
  let laid = "[]";
  let [shapes, selected, hovered, fitted, placed] = [[], "", "", false, !!view];
  const ground = await made(view ?? (look.location ? { centre: look.location, zoom: 11 } : WORLD));
  field.dataset.ground = ground.name;

  async function made(at) {
    if (webgl()) {
      try {
        const { glGround } = await import("../ground-gl.js");
        return await glGround(bed, ink, at);
      } catch (fault) {
        console.warn("WebGL failed; the plain ground takes over.", fault);
        bed.replaceChildren();
        bed.className = "";
      }
    }
    return plainGround(bed, ink, at);
  }

  const inset = { left: 0, right: 0, top: 0, bottom: 0 };
  let due = false;
  let cost = 0; // of the last drawing, in milliseconds
  function paint() {
    due = false;
    if (!field.clientWidth || document.hidden) return;
    const begun = performance.now();
    const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    const lively = over.draw({ ground, ink, inset, covered: [], stations: [...model.stations.values()], shapes, selected, hovered, figureOf: (it) => it.main, now: model.now(), scale });
    cost = performance.now() - begun;
    if (lively) draw();
  }
  function draw() {
    if (due) return;
    due = true;
    requestAnimationFrame(paint);
  }

  function whole() {
    const bounds = box([...model.stations.values()].map((it) => it.point)) ?? box(shapes.flatMap((one) => [...one.lines.flat(), ...one.areas.flat(2)]));
    if (bounds) ground.go(fitting(bounds, field.clientWidth, field.clientHeight, { left: 50, right: 60, top: 50, bottom: 50 }), { animate: false });
  }

  function refresh({ anew }) {
    if (anew) {
      // Roads and buildings are mostly where they were: the ground is laid anew only where something else lies there.
      const told = JSON.stringify([...model.shapes.values()].map((one) => [one.id, one.location]));
      if (told !== laid) {
        laid = told;
        shapes = [...model.shapes.values()].map(shape).filter(Boolean);
        ground.setShapes(shapes);
      }
      if (!fitted && model.stations.size + shapes.length) {
        fitted = true;
        if (!placed) whole();
      }
    }
    draw();
  }

  const at = (event) => {
    const frame = bed.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  };
  function hover(it, x = 0, y = 0) {
    hovered = it?.id ?? "";
    bed.classList.toggle("over", !!it);
    tip.hidden = !it;
    if (it) {
      put(tip, `${it.name} · ${title(it.kind, "types")}${it.main ? ` · ${withUnit(it.main.value, it.main.unit)}, ${age(it.main.at, model.now())} old then` : ""}`);
      tip.style.left = `${Math.max(0, Math.min(field.clientWidth - tip.offsetWidth - 8, x + 16))}px`;
      tip.style.top = `${y + 18 + tip.offsetHeight > field.clientHeight ? y - tip.offsetHeight - 12 : y + 18}px`;
    }
    draw();
  }
  bed.addEventListener("pointermove", (event) => (event.pointerType === "touch" || event.buttons ? hover(null) : hover(over.near(...at(event), 14), ...at(event))));
  bed.addEventListener("pointerleave", () => hover(null));
  let down = null;
  bed.addEventListener("pointerdown", (event) => (down = at(event)), true);
  bed.addEventListener("click", (event) => {
    const [x, y] = at(event);
    if (down && Math.hypot(x - down[0], y - down[1]) > 6) return;
    const it = over.near(x, y, event.pointerType === "touch" ? 24 : 16);
    if (it) chosen(it.id);
  });
  ground.onMove(paint);
  ground.onGrab(() => ((placed = true), hover(null)));
  ground.onSettle(() => {
    if (!placed) return;
    const { centre, zoom } = ground.view();
    moved(`${centre[0].toFixed(4)},${centre[1].toFixed(4)},${zoom.toFixed(2)}`);
  });
  new ResizeObserver(() => {
    ground.resize();
    if (!placed && fitted) whole();
    draw();
  }).observe(field);
  const zoom = (by) => ((placed = true), ground.go({ centre: ground.view().centre, zoom: ground.view().zoom + by }));
  document.getElementById("zoom-in").addEventListener("click", () => zoom(1));
  document.getElementById("zoom-out").addEventListener("click", () => zoom(-1));
  document.getElementById("zoom-all").addEventListener("click", () => ((placed = false), whole()));
  return {
    refresh,
    draw,
    zoom,
    cost: () => cost,
    whole: () => ((placed = false), whole()),
    select(id) {
      selected = id;
      const point = model.stations.get(id)?.point;
      if (point && !narrow()) {
        const [x, y] = ground.project(point);
        if (x < 40 || y < 40 || x > field.clientWidth - 40 || y > field.clientHeight - 40) ground.go({ centre: point, zoom: ground.view().zoom });
      }
      draw();
    },
    reink() {
      ink = inks();
      ground.setInk(ink);
      draw();
    },
  };
}

function webgl() {
  if (new URLSearchParams(location.search).has("plain")) return false;
  try {
    // Without a graphics card the plain ground is far quicker, where there are no tiles that it cannot show.
    const context = document.createElement("canvas").getContext("webgl2", { failIfMajorPerformanceCaveat: !look.tiles });
    context?.getExtension("WEBGL_lose_context")?.loseContext();
    return !!context;
  } catch {
    return false;
  }
}
