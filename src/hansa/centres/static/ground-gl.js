// The ground drawn by MapLibre (WebGL): smooth, and able to lay tiles under the city's own shapes.

import { calm } from "./dom.js";
import { ORDER, WIDTHS } from "./ground.js";
import { look } from "./words.js";

/** A ground in `box`; rejects where WebGL is missing or broken. */
export async function glGround(box, ink, view) {
  const { Map: GlMap } = await import("./vendor/maplibre-gl/maplibre-gl.mjs");
  const map = new GlMap({
    container: box,
    style: style(ink),
    center: view.centre,
    zoom: view.zoom,
    maxPitch: 0,
    maxZoom: 19,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    attributionControl: false,
    keyboard: false, // arrow keys go from station to station; see map.js
    renderWorldCopies: false,
    fadeDuration: 0,
  });
  map.touchZoomRotate.disableRotation();
  await new Promise((resolve, reject) => {
    map.once("load", resolve);
    map.once("error", (event) => event.error?.name === "webglcontextcreationerror" && reject(event.error));
    setTimeout(() => (map.loaded() ? resolve() : resolve()), 5000); // a tile server that hangs must not hold up the page
  });
  map.on("error", () => {}); // a tile that is missing is a hole in the picture, not a fault of the page
  map.getCanvas().setAttribute("tabindex", "-1");
  map.getCanvas().setAttribute("aria-hidden", "true");
  let shapes = [];
  return {
    name: "gl",
    project: (point) => {
      const { x, y } = map.project(point);
      return [x, y];
    },
    unproject: (pixel) => map.unproject(pixel).toArray(),
    view: () => ({ centre: map.getCenter().toArray(), zoom: map.getZoom() }),
    go(to, { animate = true } = {}) {
      const target = { center: to.centre, zoom: to.zoom };
      if (animate && !calm()) map.easeTo({ ...target, duration: 650 });
      else map.jumpTo(target);
    },
    onMove: (fn) => map.on("render", fn),
    onSettle: (fn) => map.on("moveend", fn),
    onGrab: (fn) => map.on("dragstart", fn),
    resize: () => map.resize(),
    setShapes(found) {
      shapes = found;
      map.getSource("city")?.setData(geojson(shapes));
    },
    setInk(next) {
      map.setStyle(style(next, geojson(shapes)), { diff: true });
    },
  };
}

function geojson(shapes) {
  const features = shapes.flatMap(({ kind, minor, lines, areas }) => {
    const properties = { kind: minor ? "minor" : kind };
    return [
      ...lines.map((coordinates) => ({ type: "Feature", properties, geometry: { type: "LineString", coordinates } })),
      ...areas.map((coordinates) => ({ type: "Feature", properties, geometry: { type: "Polygon", coordinates } })),
    ];
  });
  return { type: "FeatureCollection", features };
}

const absolute = (address) => (address.startsWith("/") ? location.origin + address : address);

/** The style of the city's own shapes (features with a `kind`, or the address of such), over tiles if there are any. */
export function style(ink, data = geojson([])) {
  const width = (kind, more = 0) => {
    const [near, far] = WIDTHS[kind];
    return ["interpolate", ["exponential", 1.5], ["zoom"], 10, near + (near ? more : 0), 16, far + more];
  };
  const of = (kind, geometry) => ["all", ["==", ["get", "kind"], kind], ["==", ["geometry-type"], geometry]];
  const fills = { district: ink.district, parcel: ink.parcel, water: ink.water, building: ink.building, other: ink.parcel };
  const strokes = { district: ink["ink-3"], parcel: ink.hedge, water: ink.shore, building: ink.wall, road: ink.road, rail: ink.rail, other: ink.rail };
  const layers = [{ id: "land", type: "background", paint: { "background-color": ink.land } }];
  const sources = { city: { type: "geojson", data, tolerance: 0.2 } };
  const zooms = look.tilesZooms ? { minzoom: look.tilesZooms[0], maxzoom: look.tilesZooms[1] } : {};
  if (look.tiles && look.tilesKind === "raster") {
    sources.tiles = { type: "raster", tiles: [absolute(look.tiles)], tileSize: 256, ...zooms };
    layers.push({ id: "tiles", type: "raster", source: "tiles", paint: ink.dark ? { "raster-brightness-max": 0.45, "raster-saturation": -0.7 } : { "raster-saturation": -0.35, "raster-opacity": 0.85 } });
  } else if (look.tiles) {
    sources.tiles = { type: "vector", tiles: [absolute(look.tiles)], maxzoom: 14, ...zooms };
    layers.push(...vectorLayers(ink));
  }
  const line = (id, filter, colour, widths, more = {}) => layers.push({ id, type: "line", source: "city", filter, layout: { "line-cap": "round", "line-join": "round" }, paint: { "line-color": colour, "line-width": widths, ...more } });
  for (const kind of ORDER) {
    if (kind in fills) layers.push({ id: `${kind}-fill`, type: "fill", source: "city", filter: of(kind, "Polygon"), paint: { "fill-color": fills[kind], "fill-opacity": look.tiles ? { building: 0.8, water: 0.7 }[kind] ?? 0.3 : kind === "district" ? 0.5 : 1 } });
    if (kind in fills) line(`${kind}-edge`, of(kind, "Polygon"), strokes[kind], kind === "water" ? 0.8 : width(kind), kind === "district" ? { "line-dasharray": [4, 3] } : {});
    if (kind === "road") {
      for (const way of ["minor", "road"]) line(`${way}-casing`, of(way, "LineString"), ink.casing, width(way, 1.6));
      for (const way of ["minor", "road"]) line(way, of(way, "LineString"), ink.road, width(way));
      line("square", of("road", "Polygon"), ink.casing, 0.8);
    } else if (kind === "water") {
      line("water-shore", of("water", "LineString"), ink.shore, width("water", 1.4));
      line("water-line", of("water", "LineString"), ink.water, width("water"));
    } else line(`${kind}-line`, of(kind, "LineString"), strokes[kind], width(kind), kind === "district" ? { "line-dasharray": [4, 3] } : {});
  }
  return { version: 8, sources, layers };
}

// The layers that most vector tiles of OpenStreetMap have; a tile without one of them just lacks it.
function vectorLayers(ink) {
  const layer = (id, type, from, paint) => ({ id: `tiles-${id}`, type, source: "tiles", "source-layer": from, paint });
  return [
    layer("green", "fill", "landcover", { "fill-color": ink.parcel, "fill-opacity": 0.6 }),
    layer("water", "fill", "water", { "fill-color": ink.water }),
    layer("waterway", "line", "waterway", { "line-color": ink.shore, "line-width": 1 }),
    layer("building", "fill", "building", { "fill-color": ink.building }),
    layer("casing", "line", "transportation", { "line-color": ink.casing, "line-width": 2.4 }),
    layer("road", "line", "transportation", { "line-color": ink.road, "line-width": 1.2 }),
    layer("border", "line", "boundary", { "line-color": ink["ink-3"], "line-width": 0.6, "line-dasharray": [4, 3] }),
  ];
}
