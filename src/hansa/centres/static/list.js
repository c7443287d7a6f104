// All stations as a table: what the map shows, for those who would rather read, and for files.

import { csv, download, h, keep, notice, put } from "./dom.js";
import { go, place, watch } from "./place.js";
import { STATES } from "./station.js";
import { age, count, figure, title } from "./words.js";

const STEP = 300;
const COLUMNS = [
  ["state", "State", (a, b) => STATES.indexOf(a.how) - STATES.indexOf(b.how)],
  ["name", "Station", (a, b) => a.it.name.localeCompare(b.it.name, undefined, { numeric: true })],
  ["type", "Type", (a, b) => a.kind.localeCompare(b.kind)],
  ["reading", "Reading", (a, b) => a.label.localeCompare(b.label)],
  ["value", "Value", (a, b) => (a.one?.value ?? Infinity) - (b.one?.value ?? Infinity), "num"],
  ["age", "Age", (a, b) => (b.one?.at ?? -Infinity) - (a.one?.at ?? -Infinity), "num"],
  ["alarms", "Alarms", (a, b) => b.alarms - a.alarms, "num"],
];

export function startList(city, { figureOf, filter, retry }) {
  const box = document.getElementById("stations");
  let many = STEP;
  let made = null;
  const visible = () => place.view === "list";

  function rows() {
    const [name, down] = place.sort.startsWith("-") ? [place.sort.slice(1), -1] : [place.sort, 1];
    const order = (COLUMNS.find(([key]) => key === name) ?? COLUMNS[0])[2];
    const all = [...city.stations.values()].filter(filter).map((it) => {
      const one = place.show ? figureOf(it) : it.main;
      return { it, one, how: city.stateOf(it), kind: title(it.kind, "types"), label: one ? title(one.name, "attributes") : "", alarms: city.alertsOf(it).length };
    });
    return all.sort((a, b) => down * order(a, b) || COLUMNS[1][2](a, b));
  }

  function build() {
    const head = h("tr", {}, COLUMNS.map(([key, word, , kind]) => h("th", { scope: "col", class: kind ?? null, data: { key } }, h("button", { type: "button", on: { click: () => go({ sort: place.sort === key ? `-${key}` : key }, { quiet: true }) } }, word))));
    const body = h("tbody", {});
    const caption = h("caption", {}, h("span", { class: "sum" }), h("button", { type: "button", class: "link", on: { click: save } }, "CSV"));
    const more = h("button", { type: "button", class: "more", on: { click: () => ((many += STEP * 4), refresh()) } });
    made = { head, body, caption, more };
    box.replaceChildren(h("table", {}, caption, h("thead", {}, head), body), more);
  }

  function save() {
    const lines = rows().map(({ it, one, how, alarms }) => [it.id, it.name, it.kind, how, one?.name ?? "", one?.value ?? "", one?.code ?? "", one?.at ? new Date(one.at).toISOString() : "", alarms, it.point[0], it.point[1]]);
    download("stations.csv", csv([["id", "name", "type", "state", "attribute", "value", "unitCode", "observedAt", "alarms", "longitude", "latitude"], ...lines]));
  }

  function refresh() {
    if (!visible()) return;
    if (!city.loadedOnce) {
      if (city.phase === "failed") {
        made = null;
        box.replaceChildren(notice("The city cannot be shown", [city.fault.message, city.fault.mend], { bad: true, button: h("button", { type: "button", on: { click: retry } }, "Try again now") }));
      }
      return; // until then, the list that came with the page stands
    }
    const all = rows();
    if (!all.length) {
      made = null;
      const hidden = city.stations.size > 0;
      box.replaceChildren(hidden ? notice("No station of the types chosen", ["The filter hides all stations."], { button: h("button", { type: "button", on: { click: () => go({ types: "" }) } }, "Show all types") }) : notice("No station yet", ["Nothing with a place on the map has reported.", "Enrol a device with “hansa device add”, send real station files with “hansa feed DIR”, or start the demo valley with “hansa up --demo”."]));
      return;
    }
    if (!made) build();
    const now = city.now();
    put(made.caption.firstChild, count(all.length, "station"));
    for (const th of made.head.children) th.setAttribute("aria-sort", place.sort === th.dataset.key ? "ascending" : place.sort === `-${th.dataset.key}` ? "descending" : "none");
    keep(
      made.body,
      all.slice(0, many),
      ({ it }) => it.id,
      ({ it }) => h("tr", { on: { click: () => go({ sel: it.id, attr: "" }) } }, h("td", {}, h("span", {})), h("th", { scope: "row" }, h("button", { type: "button" })), h("td", {}), h("td", {}), h("td", { class: "num" }, h("b", {}), h("span", { class: "unit" })), h("td", { class: "num" }), h("td", { class: "num" })),
      (row, { it, one, how, kind, label, alarms }) => {
        const [state, name, type, reading, value, old, tally] = row.children;
        state.firstChild.className = `sign ${how}`;
        put(state.firstChild, title(how, "states"));
        put(name.firstChild, it.name);
        put(type, kind);
        put(reading, label);
        put(value.firstChild, one ? figure(one.value, one.unit) : "—");
        put(value.lastChild, one?.unit ? ` ${one.unit}` : "");
        put(old, one ? age(one.at, now) : "never");
        put(tally, alarms ? String(alarms) : "");
        row.className = `${how}${it.id === place.sel ? " at" : ""}`;
      },
    );
    made.more.hidden = all.length <= many;
    put(made.more, `Show more of the other ${all.length - many}`);
  }

  let due = 0;
  city.listen(({ all, phase }) => {
    if (all || phase) refresh();
    else due ||= setTimeout(() => ((due = 0), refresh()), 1000); // a list that is re-sorted faster cannot be read
  });
  watch(refresh);
  setInterval(refresh, 2000);
  refresh();
}
