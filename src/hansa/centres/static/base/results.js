// What a query found, as a table and as files.

import { csv, download, h } from "../dom.js";
import { ask } from "../doors.js";
import { headers, url } from "./asked.js";
import { ageElement, attributeNames, instances, plainText, valueElements } from "./shown.js";
import { entityPage } from "./ways.js";
import { kindOf, named } from "../station.js";
import { title } from "../words.js";

const COLUMNS = 8; // attributes that have a column; the rest is one click away
const LATE = ["location", "name", "description"]; // they say little in a column, or stand in the first

/** The attributes that have a column: those asked for, else those that most of the entities have. */
function columns(entities, said) {
  const seen = new Map();
  for (const entity of entities) for (const name of attributeNames(entity)) seen.set(name, (seen.get(name) ?? 0) + 1);
  const picked = (said.pick ?? "").split(/[,|]/).map((one) => one.trim()).filter((name) => seen.has(name));
  if (picked.length) return { shown: picked, hidden: [] };
  const names = [...seen.keys()].filter((name) => name !== "name");
  const weight = (name) => seen.get(name) - (LATE.includes(name) ? entities.length * 2 : 0);
  names.sort((a, b) => weight(b) - weight(a));
  return { shown: names.slice(0, COLUMNS), hidden: names.slice(COLUMNS) };
}

/** The table of what was found; a column's name orders by it, and once more the other way (`order`, as the API has it). */
export function resultTable(entities, said, now, { hovered, order }) {
  const { shown, hidden } = columns(entities, said);
  const one = new Set(entities.map(kindOf)).size === 1;
  const sorter = (name, word, kind) => {
    const by = said.orderBy ?? "";
    const how = by === name || by === `${name};asc` ? "ascending" : by === `${name};desc` ? "descending" : "none";
    return h("th", { scope: "col", class: kind, title: name, "aria-sort": how }, h("button", { type: "button", on: { click: () => order(how === "ascending" ? `${name};desc` : how === "descending" ? "" : name) } }, word));
  };
  const head = [sorter("name", "Entity", null), sorter("id", "Id", "ids"), one ? null : h("th", { scope: "col" }, "Type"), ...shown.map((name) => sorter(name, title(name, "attributes"), numeric(entities, name) ? "num" : null)), hidden.length ? h("th", { scope: "col", class: "quiet", title: hidden.join(", ") }, "more") : null];
  const rows = entities.map((entity) => {
    const called = named(entity);
    const more = hidden.filter((name) => name in entity).length;
    return h(
      "tr",
      { data: { id: entity.id }, on: { pointerenter: () => hovered(entity.id), pointerleave: () => hovered(null), focusin: () => hovered(entity.id) } },
      h("th", { scope: "row" }, h("a", { href: entityPage(entity.id, said), title: entity.id }, called)),
      h("td", { class: "ids id", title: entity.id }, entity.id),
      one ? null : h("td", { class: "type" }, [entity.type].flat().join(", ")),
      ...shown.map((name) => cell(entity, name, said, now)),
      hidden.length ? h("td", { class: "quiet" }, more ? `+${more}` : "") : null,
    );
  });
  return h("table", { class: "found-table" }, h("caption", { class: "unseen" }, "Entities found"), h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows));
}

const numeric = (entities, name) => entities.some((entity) => name in entity && typeof instances(entity[name])[0].value === "number");

function cell(entity, name, said, now) {
  if (!(name in entity)) return h("td", { class: "absent" });
  const all = instances(entity[name]);
  const main = all.find((it) => !it.dataset) ?? all[0];
  return h("td", { class: typeof main.value === "number" ? "num" : null }, valueElements(main, { asked: said }), all.length > 1 ? h("span", { class: "quiet" }, ` ×${all.length}`) : null, main.at === null ? null : h("span", { class: "age" }, ageElement(main.at, now)));
}

/** The files of the answer: links that hand it out. */
export function answerLinks(said, found) {
  const button = (word, fn) => h("button", { type: "button", class: "link", on: { click: fn } }, word);
  const name = (said.type ?? "entities").replace(/[^\w.-]+/g, "_");
  return [
    button("CSV", () => download(`${name}.csv`, csv(table(found())))),
    button("JSON-LD", (event) => file(event.target, said, "application/ld+json", `${name}.jsonld`)),
    button("GeoJSON", (event) => file(event.target, said, "application/geo+json", `${name}.geojson`)),
  ];
}

async function file(button, said, accept, name) {
  const word = button.textContent;
  button.setAttribute("aria-busy", "true");
  try {
    const { body } = await ask(url(said), { headers: headers(said), accept });
    download(name, JSON.stringify(body, null, 2), accept);
  } catch (problem) {
    button.textContent = problem.status === 406 ? `no ${word} here` : problem.message;
    setTimeout(() => (button.textContent = word), 4000);
  }
  button.removeAttribute("aria-busy");
}

/** The answer as rows: one for each entity, and for each attribute its value, unit and time. */
function table(entities) {
  const names = [...new Set(entities.flatMap(attributeNames))];
  const all = (entity, name) => (name in entity ? instances(entity[name]) : []);
  const has = (name, part) => entities.some((entity) => all(entity, name).some((one) => one[part]));
  const parts = names.map((name) => ({ name, code: has(name, "code"), at: has(name, "at"), several: Math.max(1, ...entities.map((entity) => all(entity, name).length)) }));
  const head = ["id", "type", ...parts.flatMap(({ name, code, at, several }) => Array.from({ length: several }, (_, i) => [several > 1 ? `${name}[${i}]` : name, several > 1 ? `${name}[${i}].datasetId` : null, code ? `${name}.unitCode` : null, at ? `${name}.observedAt` : null]).flat().filter((one) => one !== null))];
  const rows = entities.map((entity) => [
    entity.id,
    [entity.type].flat().join(" "),
    ...parts.flatMap(({ name, code, at, several }) =>
      Array.from({ length: several }, (_, i) => {
        const one = all(entity, name)[i];
        return [one ? (typeof one.value === "number" ? one.value : plainText(one)) : "", several > 1 ? (one?.dataset ?? "") : null, code ? (one?.code ?? "") : null, at ? (one?.at ? new Date(one.at).toISOString() : "") : null];
      }).flat().filter((value) => value !== null),
    ),
  ]);
  return [head, ...rows];
}
