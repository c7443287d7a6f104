// Places on a map, coloured and sized by value: MapLibre, fetched when somebody maps something.

import { h } from "../dom.js";
import { site } from "./site.js";

/** A map in the place of `plot`. Resolves to {picture(), remove()}; rejects where there is no WebGL. */
export async function places(plot, drawn, readout) {
  // Read while it stands in the page: elsewhere nothing has a colour.
  const inks = Object.fromEntries(["--land", "--paper", "--p0", "--p1", "--p2", "--p3", "--p4"].map((name) => [name, lasting(name, plot)]));
  const ink = (name) => inks[name];
  const sheet = h("link", { rel: "stylesheet", href: `/static/${site.mark}/vendor/maplibre-gl/maplibre-gl.css` });
  document.head.append(sheet);
  const { Map: GlMap } = await import("../vendor/maplibre-gl/maplibre-gl.mjs");
  const box = h("div", { class: "map-of", role: "application", "aria-label": plot.querySelector(".ax-in").getAttribute("aria-label") });
  if (site.tiles && site.credit) box.append(h("span", { class: "credit" }, site.credit));
  plot.replaceWith(box);
  const [west, east, south, north] = drawn.domain;
  const data = { type: "FeatureCollection", features: drawn.points.map((one) => ({ type: "Feature", properties: { class: one.class, text: one.text }, geometry: { type: "Point", coordinates: one.at } })) };
  const sources = { places: { type: "geojson", data } };
  const layers = [{ id: "land", type: "background", paint: { "background-color": ink("--land") } }];
  if (site.tiles) {
    sources.tiles = { type: "raster", tiles: [site.tiles.startsWith("/") ? location.origin + site.tiles : site.tiles], tileSize: 256 };
    layers.push({ id: "tiles", type: "raster", source: "tiles", paint: { "raster-saturation": -0.5, "raster-opacity": 0.8 } });
  }
  const step = (of) => ["match", ["get", "class"], ...[0, 1, 2, 3].flatMap((n) => [n, of(n)]), of(4)];
  layers.push({ id: "places", type: "circle", source: "places", paint: { "circle-color": step((n) => ink(`--p${n}`)), "circle-radius": step((n) => 5 + 1.5 * n), "circle-stroke-color": ink("--paper"), "circle-stroke-width": 1 } });
  let map;
  try {
    map = new GlMap({ container: box, style: { version: 8, sources, layers }, bounds: [[west, south], [east, north]], fitBoundsOptions: { padding: 40, maxZoom: 14 }, attributionControl: false, dragRotate: false, pitchWithRotate: false, touchPitch: false, fadeDuration: 0, canvasContextAttributes: { preserveDrawingBuffer: true } });
  } catch (fault) {
    box.replaceWith(plot);
    throw fault;
  }
  map.touchZoomRotate.disableRotation();
  map.on("error", () => {}); // a tile that is missing is a hole in the picture
  for (const event of ["mousemove", "click"]) {
    map.on(event, (it) => {
      const [found] = map.getLayer("places") ? map.queryRenderedFeatures([[it.point.x - 6, it.point.y - 6], [it.point.x + 6, it.point.y + 6]], { layers: ["places"] }) : [];
      readout.textContent = found?.properties.text ?? "";
    });
  }
  await new Promise((ready) => {
    map.once("load", ready);
    setTimeout(ready, 5_000); // tiles that hang must not hold up the places
  });
  box.dataset.ready = String(drawn.points.length);
  return {
    picture: async () => map.getCanvas().toDataURL("image/png"),
    remove: () => map.remove(),
  };
}

// MapLibre reads no light-dark() and no variables: it is given what the browser made of them.
function lasting(name, beside) {
  const probe = h("span", { hidden: true });
  beside.append(probe);
  probe.style.color = `var(${name})`;
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
