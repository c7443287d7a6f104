// Where something is: where this phone is, or a spot on the map; both only fill in the figures that the form sends.

import { position, say } from "./site.js";

/** Tell whoever wants to know (`place`) that the figures of a form were filled in. */
function fill(box, { lon, lat }, words) {
  box.querySelector("[data-place-lon]").value = lon.toFixed(6);
  box.querySelector("[data-place-lat]").value = lat.toFixed(6);
  box.querySelector("[data-place-said]").textContent = words;
  box.dispatchEvent(new CustomEvent("place", { bubbles: true, detail: { lon, lat } }));
}

for (const box of document.querySelectorAll("[data-place]")) {
  const said = box.querySelector("[data-place-said]");
  const chartBox = box.querySelector("[data-place-chart]");
  let move = null;
  box.querySelector("[data-place-mine]").addEventListener("click", async () => {
    said.textContent = say("place.wait");
    try {
      const found = await position();
      fill(box, found, say("place.found", { metres: found.metres }));
      move?.([found.lon, found.lat]);
    } catch (fault) {
      said.textContent = fault.message;
    }
  });
  box.querySelector("[data-place-map]").addEventListener("click", async () => {
    chartBox.hidden = !chartBox.hidden;
    if (chartBox.hidden || move) return;
    const { chart } = await import("./map.js");
    const [lon, lat] = ["lon", "lat"].map((one) => box.querySelector(`[data-place-${one}]`).value.trim());
    const at = lon && lat && Number.isFinite(Number(lon)) && Number.isFinite(Number(lat)) ? [Number(lon), Number(lat)] : null;
    move = chart(chartBox, { at, aim: (found) => fill(box, found, say("place.chosen")) }).move;
  });
}
