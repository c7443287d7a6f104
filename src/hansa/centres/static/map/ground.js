// The ground of an operators' map: tiles or the city's own roads and buildings, houses with their height when it is
// tilted, pictures from above, tracks, areas. Without WebGL a plain canvas shows the same, flat.

import { calm } from "../dom.js";
import { inks } from "../ground.js";
import { plainGround } from "../ground-plain.js";
import { MarkLayer } from "./marks.js";

const EMPTY = { type: "FeatureCollection", features: [] };

/** A ground in `box`: project, unproject, view, go, whatever lies on it. `shapes` is where its shapes are read. */
export async function startGround(box, view, shapes) {
  if (webgl()) {
    try {
      return await glGround(box, view, shapes);
    } catch (fault) {
      console.warn("WebGL failed; the plain ground takes over.", fault);
      box.replaceChildren();
      box.className = "";
    }
  }
  return flatGround(box, view, shapes);
}

async function glGround(box, view, shapes) {
  const [{ Map: GlMap }, { style }] = await Promise.all([import("../vendor/maplibre-gl/maplibre-gl.mjs"), import("../ground-gl.js")]);
  let ink = inks();
  const map = new GlMap({
    container: box,
    style: style(ink, EMPTY),
    center: view.centre,
    zoom: view.zoom,
    bearing: view.bearing ?? 0,
    pitch: view.pitch ?? 0,
    maxPitch: 70,
    maxZoom: 20,
    attributionControl: false,
    keyboard: false,
    renderWorldCopies: false,
    fadeDuration: 0,
    canvasContextAttributes: { antialias: false, powerPreference: "high-performance" },
  });
  await new Promise((resolve, reject) => {
    map.once("style.load", resolve);
    map.once("error", (event) => event.error?.name === "webglcontextcreationerror" && reject(event.error));
    setTimeout(resolve, 5000);
  });
  map.on("error", () => {}); // a tile that is missing is a hole in the picture, not a fault of the page
  const canvas = map.getCanvas();
  canvas.setAttribute("tabindex", "-1");
  canvas.setAttribute("aria-hidden", "true");
  const layer = new MarkLayer();
  for (const name of ["fences", "tracks"]) map.addSource(name, { type: "geojson", data: EMPTY });
  for (const one of over(ink)) map.addLayer(one);
  map.addLayer(layer);
  await warm(map);
  const paint = () => {
    const light = (text) => text.match(/[\d.]+/g).slice(0, 3).map((n) => Number(n) / 255);
    layer.ink = { edge: light(ink.paper), alarm: light(ink.alarm), watch: light(ink.watch) };
  };
  paint();
  const pictures = new Set();
  const ground = {
    name: "gl",
    map,
    project: (point) => {
      const { x, y } = map.project(point);
      return [x, y];
    },
    unproject: (pixel) => map.unproject(pixel).toArray(),
    view: () => ({ centre: map.getCenter().toArray(), zoom: map.getZoom(), bearing: map.getBearing(), pitch: map.getPitch() }),
    bounds: () => map.getBounds().toArray().flat(),
    go(to, { animate = true } = {}) {
      const target = { center: to.centre, zoom: to.zoom, ...("bearing" in to ? { bearing: to.bearing } : {}), ...("pitch" in to ? { pitch: to.pitch } : {}) };
      if (animate && !calm()) map.easeTo({ ...target, duration: 500 });
      else map.jumpTo(target);
    },
    fit(bounds, padding, { animate = false, closest = 15 } = {}) {
      map.fitBounds([[bounds[0], bounds[1]], [bounds[2], bounds[3]]], { padding, maxZoom: closest, animate: animate && !calm() });
    },
    onMove: (fn) => map.on("render", fn),
    onChange: (fn) => map.on("move", fn),
    onSettle: (fn) => map.on("moveend", fn),
    resize: () => map.resize(),
    redraw: () => map.triggerRepaint(),
    show(picture) {
      layer.show(picture);
      map.triggerRepaint();
    },
    reink() {
      ink = inks();
      paint();
      // Only paint differs between light and dark; a new style would take away what was laid over it.
      for (const one of [...style(ink, EMPTY).layers, ...over(ink)]) {
        if (!map.getLayer(one.id)) continue;
        for (const [name, value] of Object.entries(one.paint ?? {})) map.setPaintProperty(one.id, name, value);
      }
      map.triggerRepaint();
    },
    shapes(address) {
      map.getSource("city")?.setData(new URL(address, location.href).href);
    },
    base(shown) {
      for (const one of map.getStyle().layers) {
        if (one.source === "city") map.setLayoutProperty(one.id, "visibility", (one.id === "houses" ? shown.houses : shown.city) ? "visible" : "none");
        if (one.source === "tiles") map.setLayoutProperty(one.id, "visibility", shown.tiles ? "visible" : "none");
      }
    },
    lines: (name, data) => map.getSource(name)?.setData(data),
    pictures(list) {
      const wanted = new Map(list.filter((one) => one.on).map((one) => [`picture-${one.id}`, one]));
      for (const id of [...pictures]) {
        if (wanted.has(id)) continue;
        map.removeLayer(id);
        map.removeSource(id);
        pictures.delete(id);
      }
      for (const [id, one] of wanted) {
        if (!pictures.has(id)) {
          // No URL of its own: that would escape the braces.
          map.addSource(id, { type: "raster", tiles: [location.origin + one.tiles], tileSize: 256, bounds: one.bounds, minzoom: one.minzoom, maxzoom: one.maxzoom });
          map.addLayer({ id, type: "raster", source: id, paint: { "raster-fade-duration": 0 } }, map.getLayer("houses") ? "houses" : "marks");
          pictures.add(id);
        }
        map.setPaintProperty(id, "raster-opacity", one.opacity / 100);
      }
    },
  };
  if (shapes) ground.shapes(shapes);
  return ground;
}

/**
 * Draw one of each kind of shape, too faint to be seen, before there is a picture. What draws a kind is made when it is
 * first drawn, and everything waits for it: while nothing is shown yet, nobody minds.
 */
async function warm(map) {
  const [[w, s], [e, n]] = map.getBounds().toArray();
  const ring = [[w, s], [e, s], [e, n], [w, n], [w, s]];
  const features = [{ type: "Polygon", coordinates: [ring] }, { type: "LineString", coordinates: ring }, { type: "Point", coordinates: map.getCenter().toArray() }].map((geometry) => ({ type: "Feature", properties: {}, geometry }));
  map.addSource("warm", { type: "geojson", data: { type: "FeatureCollection", features } });
  for (const kind of ["fill", "line", "circle"]) map.addLayer({ id: `warm-${kind}`, type: kind, source: "warm", paint: { [`${kind}-opacity`]: 0.002 } });
  await new Promise((resolve) => {
    map.once("idle", resolve);
    setTimeout(resolve, 1500);
  });
  for (const kind of ["fill", "line", "circle"]) map.removeLayer(`warm-${kind}`);
  map.removeSource("warm");
}

/** What lies over the shapes and below the marks: houses with height, areas that are watched, tracks. */
function over(ink) {
  return [
    { id: "houses", type: "fill-extrusion", source: "city", minzoom: 13, filter: ["all", ["==", ["get", "kind"], "building"], [">", ["coalesce", ["get", "height"], 0], 0]], paint: { "fill-extrusion-color": ink.wall, "fill-extrusion-height": ["get", "height"], "fill-extrusion-opacity": 0.9 } },
    { id: "fence-fill", type: "fill", source: "fences", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": ink.accent, "fill-opacity": 0.09 } },
    { id: "fence-edge", type: "line", source: "fences", layout: { "line-join": "round" }, paint: { "line-color": ink.accent, "line-width": ["case", ["==", ["get", "at"], true], 3, 1.8], "line-dasharray": [4, 1.5] } },
    { id: "track-casing", type: "line", source: "tracks", filter: ["==", ["geometry-type"], "LineString"], layout: { "line-join": "round", "line-cap": "round" }, paint: { "line-color": ink.paper, "line-width": 5 } },
    { id: "track", type: "line", source: "tracks", filter: ["==", ["geometry-type"], "LineString"], layout: { "line-join": "round", "line-cap": "round" }, paint: { "line-color": ink.accent, "line-width": 2.5 } },
    { id: "track-dots", type: "circle", source: "tracks", minzoom: 12, filter: ["==", ["geometry-type"], "Point"], paint: { "circle-radius": 3, "circle-color": ink.paper, "circle-stroke-color": ink.accent, "circle-stroke-width": 1.5 } },
  ];
}

/** The plain ground, which draws shapes that it has read itself, and marks as the page draws them. */
function flatGround(box, view, shapes) {
  const flat = plainGround(box, inks(), view);
  const read = async (address) => {
    const { features = [] } = await fetch(address).then((answer) => (answer.ok ? answer.json() : {}));
    flat.setShapes(features.map(({ properties, geometry: { type, coordinates: c } }) => ({ kind: properties.kind === "minor" ? "road" : properties.kind, minor: properties.kind === "minor", name: properties.name ?? "", lines: { LineString: [c], MultiLineString: c }[type] ?? [], areas: { Polygon: [c], MultiPolygon: c }[type] ?? [] })));
  };
  const nothing = () => {};
  const ground = {
    ...flat,
    name: "plain",
    map: null,
    bounds: () => {
      const [[a, b], [c, d]] = [flat.unproject([0, box.clientHeight]), flat.unproject([box.clientWidth, 0])];
      return [a, b, c, d];
    },
    view: () => ({ ...flat.view(), bearing: 0, pitch: 0 }),
    fit(bounds, padding, { animate = false, closest = 15 } = {}) {
      const size = (d) => Math.log2((box[d === 0 ? "clientWidth" : "clientHeight"] - padding.left - padding.right) / 512 / Math.max(1e-9, (bounds[2 + d] - bounds[d]) / (d ? 180 : 360)));
      flat.go({ centre: [(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2], zoom: Math.min(closest, size(0), size(1)) }, { animate });
    },
    onChange: flat.onMove,
    redraw: () => flat.resize(),
    show: () => flat.resize(),
    reink: () => flat.setInk(inks()),
    shapes: (address) => read(address).catch(nothing),
    base: nothing,
    lines: nothing,
    pictures: nothing,
  };
  if (shapes) ground.shapes(shapes);
  return ground;
}

function webgl() {
  if (new URLSearchParams(location.search).has("plain")) return false; // to see the plain ground on purpose
  try {
    const context = document.createElement("canvas").getContext("webgl2");
    context?.getExtension("WEBGL_lose_context")?.loseContext();
    return !!context;
  } catch {
    return false;
  }
}
