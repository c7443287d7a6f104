// What an entity says, and how a station is doing. The same judgement as stations.py. An entity is concise NGSI-LD.

import { mainOf, unitOf } from "./words.js";

export const STATES = ["alarm", "watch", "stale", "missing", "ok"];
export const SEVERITIES = ["critical", "high", "medium", "low", "informational"];
const MEMBERS = new Set(["id", "type", "location", "scope", "@context"]);
export const NO_STATION = new Set(["Alert", "WeatherForecast", "FrostStation", "Device", "Subscription", "WatchRule", "Command", "VitalSign", "VitalSigns", "ForecastSkill", "ForecastOutcome", "Shift", "ShiftEntry"]);

const isMap = (it) => typeof it === "object" && it !== null && !Array.isArray(it);

/** One instance of an attribute: with several datasets, the one without a datasetId. */
function instance(stated) {
  if (!Array.isArray(stated)) return stated;
  const whole = stated.filter(isMap);
  return whole.find((one) => !("datasetId" in one)) ?? whole[0] ?? null;
}

/** The value of an attribute in any of its concise shapes; null when it is not said. */
export function said(entity, name) {
  const stated = instance(entity?.[name]);
  if (isMap(stated)) {
    for (const member of ["value", "object", "vocab", "json"]) if (member in stated) return stated[member];
    if (isMap(stated.languageMap)) return Object.values(stated.languageMap)[0] ?? null;
  }
  return stated ?? null;
}

/** A text of an entity, never an object shown as [object Object]. */
export const text = (entity, name) => {
  const value = said(entity, name);
  return typeof value === "string" ? value : typeof value === "number" || typeof value === "boolean" ? String(value) : "";
};

/** A number of an entity, else null. */
export const number = (entity, name) => {
  const value = said(entity, name);
  return typeof value === "number" && Number.isFinite(value) ? value : null;
};

/** Milliseconds of a date-time, also inside {"@value": ...}; null for anything else. */
export function moment(stated) {
  const written = isMap(stated) ? stated["@value"] : stated;
  if (typeof written !== "string") return null;
  const zoned = /(Z|[+-]\d\d:?\d\d)$/.test(written) || written.length < 16 ? written : `${written}Z`;
  const at = Date.parse(zoned.replace(/(\.\d{3})\d+/, "$1"));
  return Number.isFinite(at) ? at : null;
}

export const kindOf = (entity) => String((Array.isArray(entity?.type) ? entity.type[0] : entity?.type) ?? "");
export const keyOf = (id) => String(id).split(":").pop();

/** What people call an entity: its name, else the last part of its id. */
export function named(entity) {
  const name = text(entity, "name").trim();
  return name || keyOf(entity?.id ?? "");
}

/** The geometry of an entity, checked: a known type with coordinates; else null. */
export function shapeOf(entity) {
  let it = instance(entity?.location);
  if (isMap(it) && isMap(it.value)) it = it.value;
  return isMap(it) && typeof it.type === "string" && Array.isArray(it.coordinates) ? it : null;
}

/** [longitude, latitude] of an entity with a point; null otherwise, or where the point is not on Earth. */
export function pointOf(entity) {
  const shape = shapeOf(entity);
  if (shape?.type !== "Point") return null;
  const [lon, lat] = shape.coordinates;
  const sound = Number.isFinite(lon) && Number.isFinite(lat) && Math.abs(lon) <= 180 && Math.abs(lat) <= 85;
  return sound ? [lon, lat] : null;
}

/** The numeric properties of an entity: name, value, unit and time (milliseconds or null). */
export function readings(entity) {
  const found = [];
  for (const name of Object.keys(entity)) {
    if (MEMBERS.has(name)) continue;
    const stated = instance(entity[name]);
    const value = said(entity, name);
    if (typeof value !== "number" || !Number.isFinite(value)) continue;
    const whole = isMap(stated) ? stated : {};
    found.push({ name, value, code: whole.unitCode ?? "", unit: unitOf(whole.unitCode), at: moment(whole.observedAt) });
  }
  return found;
}

/** A station made of an entity; null when the entity is none (no point, or a thing that says nothing of the city). */
export function station(entity) {
  const kind = kindOf(entity);
  if (NO_STATION.has(kind)) return null;
  const point = pointOf(entity);
  if (!point) return null;
  const all = readings(entity);
  const timed = all.filter((one) => one.at !== null);
  if (!timed.length && !/(Observed|Record|Measurement)$/.test(kind) && !("refDevice" in entity)) return null;
  const by = new Map(all.map((one) => [one.name, one]));
  const names = [...mainOf(kind), ...timed.map((one) => one.name), ...by.keys()];
  const main = by.get(names.find((name) => by.has(name))) ?? null;
  const newest = timed.reduce((latest, one) => Math.max(latest, one.at), -Infinity);
  return { id: entity.id, entity, kind, name: named(entity), point, readings: all, by, main, newest: timed.length ? newest : null };
}

/** One of STATES. `alerts` are the open ones of this station; `after` its patience in milliseconds: {stale, missing}. */
export function state(it, alerts, now, after) {
  let watch = false;
  let silent = false;
  for (const one of alerts) {
    if (text(one, "subCategory") === "silence") silent = true;
    else if (["critical", "high"].includes(text(one, "severity"))) return "alarm";
    else watch = true;
  }
  if (watch) return "watch";
  if (it.newest === null || now - it.newest > after.missing) return "missing";
  return silent || now - it.newest > after.stale ? "stale" : "ok";
}
