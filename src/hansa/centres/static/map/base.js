// What lies below the points: roads and houses, tiles, and pictures from above, each to be shown or hidden.

import { h, keep, put } from "../dom.js";
import { ask, room } from "../doors.js";
import { look } from "../words.js";
import { go, watch, where } from "./where.js";

export function startBase({ ground }) {
  const box = document.getElementById("base-list");
  let pictures = [];
  const off = () => new Set(where.base.split(",").filter(Boolean));

  function toggle(name, on) {
    const set = off();
    if (on) set.delete(name);
    else set.add(name);
    go({ base: [...set].join(",") });
    draw();
  }

  function draw() {
    const hidden = off();
    ground.base({ city: !hidden.has("city"), houses: !hidden.has("houses"), tiles: !hidden.has("tiles") });
    ground.pictures(pictures.map((one) => ({ ...one, on: !hidden.has(one.id) })));
    const rows = [["city", "Roads, water, houses"], ...(ground.name === "gl" ? [["houses", "Houses in their height"]] : []), ...(look.tiles ? [["tiles", "Base map"]] : []), ...pictures.map((one) => [one.id, one.name])];
    keep(
      box,
      rows,
      ([name]) => name,
      ([name]) => h("li", { class: "layer" }, h("label", { class: "layer-head" }, h("input", { type: "checkbox", on: { change: (event) => toggle(name, event.target.checked) } }), h("b", {}))),
      (row, [name, word]) => {
        row.firstChild.firstChild.checked = !hidden.has(name);
        put(row.firstChild.lastChild, word);
      },
    );
  }

  /** A picture from above: a file, and where it lies: over the map as it is shown, or by its corners. */
  function adder() {
    const told = h("p", { class: "told", role: "status" });
    const corners = h("input", { name: "corners", class: "mono", "aria-label": "Corners of the picture", placeholder: "as the map shows, or west,south,east,north" });
    const form = h("form", { class: "picture-form", autocomplete: "off" },
      h("input", { type: "file", name: "file", accept: "image/png,image/jpeg,image/webp,image/tiff", required: true, "aria-label": "A picture" }),
      h("input", { name: "name", required: true, maxlength: 200, placeholder: "What it shows", "aria-label": "What it shows" }),
      corners,
      h("p", { class: "hint" }, "Four corners (longitude,latitude;…) from the upper left with the clock place one that lies turned."),
      h("button", { type: "submit", class: "tool" }, "Add"), told);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const [file] = form.elements.file.files;
      const place = corners.value.trim() || ground.bounds().map((n) => n.toFixed(6)).join(",");
      put(told, "Cutting it…");
      try {
        const answer = await fetch(`${room("/map/pictures")}?${new URLSearchParams({ name: form.elements.name.value, corners: place })}`, { method: "POST", body: file, headers: { "content-type": file.type || "application/octet-stream", "x-hansa": "page" } });
        const said = await answer.json();
        if (!answer.ok) throw new Error([said.detail ?? said.title, said.mend].filter(Boolean).join("; "));
        form.reset();
        put(told, "It lies on the map.");
        await readPictures();
      } catch (fault) {
        put(told, `It was not taken: ${fault.message}`);
      }
    });
    return h("details", { class: "by-hand add-picture" }, h("summary", {}, "Add a picture from above"), form);
  }

  async function readPictures() {
    try {
      const { body } = await ask(room("/map/pictures"));
      pictures = body.map((one) => ({ ...one, opacity: 100 }));
    } catch {
      pictures = []; // a map without pictures from above is a map
    }
    draw();
  }

  watch((changed) => changed.has("base") && draw());
  return {
    start() {
      draw();
      if (look.may?.write && ground.name === "gl") box.after(adder());
      readPictures();
    },
    draw,
  };
}
