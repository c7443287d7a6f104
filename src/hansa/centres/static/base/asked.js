// What is asked of the context base: words of a query as the page's address, as the NGSI-LD URL, and as curl.

import { API } from "../doors.js";

/** The parameters of GET /entities in the order in which people read them, then what travels as headers. */
const PARAMS = ["type", "id", "idPattern", "q", "georel", "geometry", "coordinates", "geoproperty", "scopeQ", "pick", "omit", "orderBy", "options", "lang", "limit", "offset", "count"];
const HEADERS = ["tenant", "context"];
const PAGE = new Set(["new", "sel", "view", "attr", "set", "win", "doc"]); // what pages say of themselves
export const LIMIT = 50;

const CONTEXT_REL = "http://www.w3.org/ns/json-ld#context";

// Readable where a URL may be: ids and lists keep their colons and commas.
const escaped = (value) => encodeURIComponent(value).replace(/%(3A|2C|2F|3B|3D|40|28|29|5B|5D|24)/g, (whole) => decodeURIComponent(whole));

/** What an address asks for: {type, q, ...}; members that are not said are absent. What has no field is in `more`. */
export function read(search) {
  const said = {};
  const more = [];
  for (const [name, value] of new URLSearchParams(search)) {
    if (PARAMS.includes(name) || HEADERS.includes(name)) said[name] = value;
    else if (!PAGE.has(name)) more.push(`${name}=${value}`);
  }
  if (more.length) said.more = more.join("&");
  for (const name of Object.keys(said)) if (!said[name]) delete said[name];
  return said;
}

/** The parameters that have no field, as they were written: [[name, value]]. */
const others = (said) => (said.more ?? "").split("&").map((one) => one.trim().replace(/^\?/, "").split(/=(.*)/s)).filter(([name, value]) => name && value && !PARAMS.includes(name)).map(([name, value]) => [name, value]);

/** The address of this page for what is asked. */
export function address(said, names = [...PARAMS, ...HEADERS]) {
  const text = query(said, names);
  return text ? `?${text}` : "";
}

const query = (said, names) => [...names.filter((name) => said[name]).map((name) => [name, said[name]]), ...others(said)].map(([name, value]) => `${escaped(name)}=${escaped(value)}`).join("&");

/** Whether anything is asked for at all. */
export const isAsked = (said) => ["type", "id", "idPattern", "q", "georel", "scopeQ", "pick", "more"].some((name) => said[name]);

/** What is asked as the API takes it: a whole page with its count, unless that is said otherwise. */
function asParams(said) {
  const made = { ...said, limit: said.limit ?? String(LIMIT), count: said.count === "false" ? "" : "true" };
  // The standard finds a query too wide that names no type, attribute or place; local=true asks this broker alone.
  if (!made.type && !made.q && !made.georel && isAsked(made) && !/(^|&)(local|attrs)=/.test(made.more ?? "")) made.local = "true";
  return made;
}

/** The NGSI-LD URL, from the root of this city. */
export const url = (said) => `${API}/entities?${query(asParams(said), [...PARAMS, "local"])}`;

/** The headers that go with it. */
export function headers(said) {
  const made = {};
  if (said.tenant) made["NGSILD-Tenant"] = said.tenant;
  if (said.context) made.Link = `<${said.context.replaceAll(">", "%3E")}>; rel="${CONTEXT_REL}"; type="application/ld+json"`;
  return made;
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The same as a command. */
export function curl(path, { method = "GET", send = null, more = {} } = {}) {
  const parts = ["curl", ...(method === "GET" ? [] : ["-X", method]), quoted(location.origin + path)];
  for (const [name, value] of Object.entries({ ...(send === null ? {} : { "Content-Type": "application/json" }), ...more })) parts.push("-H", quoted(`${name}: ${value}`));
  if (send !== null) parts.push("-d", quoted(JSON.stringify(send)));
  return parts.join(" ");
}

// ---- q: conditions, and back

/** What stands between an attribute and a value; `has` has none. */
export const OPERATORS = [["==", "is"], ["!=", "is not"], [">", "above"], [">=", "at least"], ["<", "below"], ["<=", "at most"], ["~=", "matches"], ["!~=", "does not match"], ["..", "from … to"], ["has", "is said"]];

/** A value as q writes it: numbers, truth and times as they are, ranges and lists of them too, everything else quoted. */
function literal(text, op) {
  const said = text.trim();
  if (op === "~=" || op === "!~=") return JSON.stringify(said);
  if (/^".*"$/.test(said) || isPlain(said)) return said;
  const several = said.split(/\s*,\s*/);
  if ((op === "==" || op === "!=") && several.length > 1 && several.every((one) => one && (isPlain(one) || /^"[^"]*"$/.test(one)))) return several.join(",");
  return JSON.stringify(said);
}

const isPlain = (text) => /^(true|false|-?\d+(\.\d+)?([eE][+-]?\d+)?|\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?)$/.test(text);

/** Conditions ({name, op, value, other}) as q; those without a name are left out. */
export const compose = (rows) => rows.filter(({ name }) => name.trim()).map(condition).join(";");

function condition({ name, op, value, other = "" }) {
  const path = name.trim();
  if (op === "has") return path;
  if (op === "..") return `${path}==${literal(value, op)}..${literal(other, op)}`;
  return `${path}${op}${literal(value, op)}`;
}

const TERM = /^([^\s"<>=!~;|(),]+)(?:(==|!=|>=|<=|!~=|~=|>|<)("(?:[^"\\]|\\.)*"|[^\s"();|]+))?$/;

/** q as conditions; null where it says more than they can, and has to be written by hand. */
export function parse(q) {
  if (!q) return [];
  const rows = [];
  for (const term of q.match(/(?:"(?:[^"\\]|\\.)*"|[^;"])+/g) ?? []) {
    const found = TERM.exec(term.trim());
    if (!found) return null;
    const [, name, op, value] = found;
    if (!op) rows.push({ name, op: "has", value: "", other: "" });
    else {
      const range = op === "==" ? /^([^",]+)\.\.([^",]+)$/.exec(value) : null;
      rows.push(range ? { name, op: "..", value: range[1], other: range[2] } : { name, op, value: bare(value), other: "" });
    }
  }
  return compose(rows) === q ? rows : null;
}

function bare(value) {
  if (!value.startsWith('"')) return value;
  try {
    const text = JSON.parse(value);
    return isPlain(text) ? value : text; // "12" in quotes is a text, and stays one
  } catch {
    return value;
  }
}
