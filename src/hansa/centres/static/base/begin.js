// What /entities shows before anything is asked: what there is to ask for.

import { h, notice } from "../dom.js";
import { ask, API } from "../doors.js";
import { address, headers } from "./asked.js";
import { title } from "../words.js";

const COUNTED = 40; // types that are counted; more would be more requests than the answer is worth
const AT_ONCE = 4;

/** The types of the city in `box`: [{typeName, attributeNames}]; `choose(type)` asks for one. */
export function begin(box, known, said, choose) {
  if (!known.length) {
    box.replaceChildren(notice(said.tenant ? "Nothing is known here" : "This city holds nothing yet", ["POST an entity to /ngsi-ld/v1/entities, enrol a device with “hansa device add”, or start the demo valley with “hansa up --demo”.", said.tenant ? "A tenant begins with the first entity that is sent under its name." : ""].filter(Boolean)));
    return;
  }
  const cells = new Map();
  const rows = known.map((one) => {
    const cell = h("td", { class: "num" });
    cells.set(one.typeName, cell);
    const link = h("a", { href: address({ ...said, type: one.typeName }), on: { click: (event) => !event.ctrlKey && !event.metaKey && !event.shiftKey && (event.preventDefault(), choose(one.typeName)) } }, one.typeName);
    const word = title(one.typeName, "types");
    return h("tr", {}, h("th", { scope: "row" }, link, word.toLowerCase() === one.typeName.toLowerCase() ? null : h("span", { class: "quiet" }, ` ${word}`)), cell, h("td", { class: "names" }, (one.attributeNames ?? []).join(", ")));
  });
  box.replaceChildren(
    h("div", { class: "notice" }, h("h1", {}, "Ask the city"), h("p", {}, "Choose a type, or put a query together on the left. Whatever you build is an NGSI-LD URL that any program can ask too.")),
    h("table", { class: "types-table" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Type"), h("th", { scope: "col", class: "num" }, "Entities"), h("th", { scope: "col" }, "Attributes"))), h("tbody", {}, rows)),
  );
  tally([...cells.keys()].slice(0, COUNTED), cells, said);
}

async function tally(types, cells, said) {
  const one = async () => {
    for (let type = types.shift(); type !== undefined; type = types.shift()) {
      try {
        const { headers: got } = await ask(`${API}/entities?type=${encodeURIComponent(type)}&limit=0&count=true`, { headers: headers(said) });
        cells.get(type).textContent = Number(got.get("NGSILD-Results-Count")).toLocaleString("en");
      } catch {
        cells.get(type).textContent = "—";
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}
