// Attributes as people read them: kind, value, unit, age, in any of the forms in which NGSI-LD writes them.

import { h } from "../dom.js";
import { entityPage } from "./ways.js";
import { moment, named } from "../station.js";
import { age, degrees, figure, unitOf, whenText } from "../words.js";

/** The member that holds the value of each kind of attribute (CIM 009, 4.5). */
export const MEMBER = Object.freeze(Object.assign(Object.create(null), { Property: "value", Relationship: "object", GeoProperty: "value", LanguageProperty: "languageMap", VocabProperty: "vocab", ListProperty: "valueList", ListRelationship: "objectList", JsonProperty: "json" }));
const ENTITY_MEMBERS = new Set(["id", "type", "scope", "@context", "createdAt", "modifiedAt", "deletedAt", "expiresAt"]);
const OWN = new Set(["type", "observedAt", "unitCode", "datasetId", "createdAt", "modifiedAt", "deletedAt", "expiresAt", "instanceId", "objectType", "previousValue", "previousObject", "entity", "entityList", ...Object.values(MEMBER)]);
const GEO = new Set(["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection"]);
const LONG = 80;

const isMap = (it) => typeof it === "object" && it !== null && !Array.isArray(it);
const isGeometry = (it) => isMap(it) && GEO.has(it.type) && (Array.isArray(it.coordinates) || Array.isArray(it.geometries));
const list = (it) => (Array.isArray(it) ? it : [it]);

/** The names of an entity's attributes, in its own order. */
export const attributeNames = (entity) => Object.keys(entity).filter((name) => !ENTITY_MEMBERS.has(name));

/** The instances of an attribute, whatever form it is in: {kind, value, unit, code, at, dataset, created, modified, subs}. */
export function instances(stated) {
  const several = Array.isArray(stated) && stated.length > 0 && stated.every((one) => isMap(one) && (one.type in MEMBER || "datasetId" in one));
  if (!several && isMap(stated) && isMap(stated.dataset)) return Object.entries(stated.dataset).map(([name, value]) => ({ ...instance(value), dataset: name === "@none" ? "" : name })); // simplified
  return (several ? stated : [stated]).map(instance);
}

function instance(stated) {
  const plain = (value, kind = isGeometry(value) ? "GeoProperty" : "Property") => ({ kind, value, unit: "", code: "", at: null, dataset: "", created: null, modified: null, subs: [], linked: [] });
  if (!isMap(stated) || isGeometry(stated)) return plain(stated);
  const kind = stated.type in MEMBER ? stated.type : Object.keys(MEMBER).find((one) => one !== "GeoProperty" && MEMBER[one] in stated);
  if (!kind) return plain(stated);
  const value = stated[MEMBER[kind]];
  const of = kind === "Property" && !stated.type && isGeometry(value) ? "GeoProperty" : kind;
  return {
    ...plain(value, of),
    code: typeof stated.unitCode === "string" ? stated.unitCode : "",
    unit: unitOf(stated.unitCode),
    at: moment(stated.observedAt),
    dataset: stated.datasetId ?? "",
    created: moment(stated.createdAt),
    modified: moment(stated.modifiedAt),
    linked: kind === "Relationship" || kind === "ListRelationship" ? [stated.entity ?? stated.entityList ?? []].flat().filter(isMap) : [],
    subs: Object.entries(stated).filter(([name]) => !OWN.has(name)),
  };
}

/** The ids that a relationship points at. */
export function targets({ kind, value }) {
  if (kind === "Relationship") return list(value).filter((one) => typeof one === "string");
  if (kind === "ListRelationship") return list(value).map((one) => one?.object ?? one).filter((one) => typeof one === "string");
  return [];
}

/** A value as text, for files and for reading aloud. */
export function plainText({ kind, value }) {
  if (value === null || value === undefined) return "";
  if (kind === "Relationship" || kind === "ListRelationship") return targets({ kind, value }).join(" ");
  return typeof value === "string" ? value : typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** A number as it was said, with a true minus: a page of one thing rounds nothing. */
export const exact = (value) => String(value).replace("-", "−");

const short = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
const json = (value, most) => h("code", { class: "json", title: JSON.stringify(value).slice(0, 2000) }, short(JSON.stringify(value) ?? "", most));

/** What a geometry is, in a few words. */
function placeText(shape) {
  if (!isGeometry(shape)) return "no geometry";
  if (shape.type === "Point" && Number.isFinite(shape.coordinates[0]) && Number.isFinite(shape.coordinates[1])) return `${degrees(shape.coordinates[1], "NS")} ${degrees(shape.coordinates[0], "EW")}`;
  const many = JSON.stringify(shape.coordinates ?? shape.geometries).split("],[").length;
  return `${shape.type}, ${many} positions`;
}

/** The value of an instance, as elements; `whole` shows all of it, else what a cell of a table can hold. */
export function valueElements(one, { whole = false, asked = {} } = {}) {
  const { kind, value, unit } = one;
  const most = whole ? 2000 : LONG;
  if (value === null || value === undefined) return [h("span", { class: "quiet" }, "nothing")];
  if (kind === "Relationship" || kind === "ListRelationship") {
    const ids = targets(one);
    const known = new Map(one.linked.map((entity) => [entity.id, named(entity)])); // where join brought it along
    const links = ids.slice(0, whole ? 200 : 2).map((id) => h("a", { class: known.has(id) ? null : "id", href: entityPage(id, asked), title: id }, known.get(id) ?? (whole ? id : id.split(":").slice(-1)[0] || id)));
    const joined = links.flatMap((link, i) => (i ? [whole ? h("br") : ", ", link] : [link]));
    return ids.length > links.length ? [...joined, ` and ${ids.length - links.length} more`] : joined;
  }
  if (kind === "GeoProperty" && isGeometry(value)) return [h("span", { class: "geo" }, placeText(value))];
  if (kind === "LanguageProperty" && isMap(value)) {
    const said = Object.entries(value);
    if (whole) return said.flatMap(([tongue, text], i) => [i ? h("br") : "", h("span", { class: "tongue" }, tongue), " ", String(text)]);
    return [h("span", { class: "tongue" }, said[0]?.[0] ?? ""), " ", short(String(said[0]?.[1] ?? ""), most), said.length > 1 ? h("span", { class: "quiet" }, ` +${said.length - 1}`) : ""];
  }
  if (kind === "VocabProperty") return [h("span", { class: "vocab" }, short(list(value).map(String).join(", "), most))];
  if (kind === "JsonProperty" || kind === "ListProperty") return [json(value, most)];
  if (typeof value === "number") return [h("b", { class: "value" }, whole ? exact(value) : figure(value, unit)), unit ? h("span", { class: "unit" }, `\u00a0${unit}`) : ""];
  if (typeof value === "boolean") return [h("span", { class: "truth" }, value ? "true" : "false")];
  if (typeof value === "object") return [isMap(value) && "@value" in value ? String(value["@value"]) : json(value, most)];
  const text = String(value);
  return [short(text, most)];
}

/** How old an instance is, with the time itself for those who point at it. */
export function ageElement(at, now) {
  if (at === null || at === undefined) return h("span", { class: "quiet" }, "—");
  return h("time", { datetime: new Date(at).toISOString(), title: new Date(at).toISOString() }, at > now + 60_000 ? `${whenText(at, now)}` : age(at, now));
}
