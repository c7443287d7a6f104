// The form that a query is put together in: what is in its fields is what is asked.

import { h } from "../dom.js";
import { ask, API } from "../doors.js";
import { compose, headers, OPERATORS, parse } from "./asked.js";

const PLAIN = ["type", "id", "idPattern", "q", "geometry", "coordinates", "geoproperty", "scopeQ", "pick", "omit", "orderBy", "options", "lang", "limit", "tenant", "context", "more"];
const EMPTY = { name: "", op: "==", value: "", other: "" };

/** Start the form. `changed(said)` hears of every change of a field, `submitted(said)` of what is asked. */
export function startBuilder({ changed, submitted }) {
  const form = document.getElementById("builder");
  const box = document.getElementById("conditions");
  const hint = document.getElementById("q-said");
  const field = (name) => form.elements.namedItem(name);
  let rows = [{ ...EMPTY }];
  let offset = "";
  let known = []; // [{typeName, attributeNames}]
  let asked = ""; // whose types are known: tenant and @context

  /** What the fields say. */
  function said() {
    const made = {};
    for (const name of PLAIN) if (field(name).value.trim()) made[name] = field(name).value.trim();
    if (!field("count").checked) made.count = "false";
    if (offset) made.offset = offset;
    const relation = field("georel").value;
    if (relation === "near") made.georel = `near;${field("bound").value}==${field("distance").value.trim().replace(",", ".") || "0"}`;
    else if (relation) made.georel = relation;
    else for (const name of ["geometry", "coordinates", "geoproperty"]) delete made[name];
    return made;
  }

  /** Fill the fields. */
  function fill(said) {
    for (const name of PLAIN) field(name).value = said[name] ?? (name === "geometry" ? "Point" : "");
    const options = field("options");
    if (said.options && options.value !== said.options) options.append(h("option", {}, said.options)), (options.value = said.options);
    field("count").checked = said.count !== "false";
    const near = /^near;(maxDistance|minDistance)==(.*)$/.exec(said.georel ?? "");
    field("georel").value = near ? "near" : (said.georel ?? "");
    if (near) [field("bound").value, field("distance").value] = [near[1], near[2]];
    offset = said.offset ?? "";
    conditions(said.q ?? "");
    shape();
  }

  /** Only what matters for the relation that is chosen. */
  function shape() {
    const relation = field("georel").value;
    document.getElementById("placed").hidden = !relation;
    document.getElementById("distance-line").hidden = relation !== "near";
    document.getElementById("unplace").hidden = !relation;
  }

  // ---- conditions, and the q that they make

  function conditions(q) {
    const found = parse(q);
    box.hidden = found === null;
    hint.hidden = found !== null;
    hint.textContent = found === null ? "Written by hand: it says more than rows of conditions can show." : "";
    if (found) rows = found.length ? found : [{ ...EMPTY }];
    draw();
  }

  function draw() {
    box.replaceChildren(...rows.map(line), h("button", { type: "button", class: "tool", on: { click: add } }, "Add a condition"));
  }

  function add() {
    rows.push({ ...EMPTY });
    draw();
    [...box.querySelectorAll("input[data-part=name]")].at(-1).focus();
  }

  function line(row, at) {
    const part = (name, more) => h("input", { data: { part: name }, maxlength: 1000, ...more, on: { input: (event) => ((row[name] = event.target.value), composed()) } });
    const name = part("name", { list: "known-attributes", placeholder: "attribute", "aria-label": `Attribute of condition ${at + 1}` });
    const value = part("value", { placeholder: "value", "aria-label": `Value of condition ${at + 1}` });
    const other = part("other", { placeholder: "to", "aria-label": `Upper value of condition ${at + 1}` });
    const op = h("select", { "aria-label": `Comparison of condition ${at + 1}`, on: { change: (event) => ((row.op = event.target.value), reach(), composed()) } }, OPERATORS.map(([sign, word]) => h("option", { value: sign }, word)));
    [name.value, op.value, value.value, other.value] = [row.name, row.op, row.value, row.other];
    const gone = h("button", { type: "button", class: "knob", "aria-label": `Take condition ${at + 1} away`, on: { click: () => take(at) } }, "×");
    const reach = () => {
      value.hidden = row.op === "has";
      other.hidden = row.op !== "..";
    };
    reach();
    return h("div", { class: "condition" }, name, op, h("span", { class: "pair" }, value, other), gone);
  }

  function take(at) {
    rows.splice(at, 1);
    if (!rows.length) rows.push({ ...EMPTY });
    draw();
    composed();
    (box.querySelectorAll(".knob")[Math.max(0, at - 1)] ?? box).focus();
  }

  function composed() {
    field("q").value = compose(rows);
    moved();
  }

  // ---- what can be suggested

  async function suggest() {
    const now = said();
    const key = `${now.tenant ?? ""} ${now.context ?? ""}`;
    if (asked !== key) {
      asked = key;
      try {
        const { body } = await ask(`${API}/types?details=true`, { headers: headers(now) });
        known = Array.isArray(body) ? body : [];
      } catch {
        known = []; // suggestions only: what is asked will say what is wrong
      }
    }
    const chosen = new Set((now.type ?? "").split(/[,|;()]/).filter(Boolean));
    const narrow = known.filter((one) => chosen.has(one.typeName));
    const names = new Set((narrow.length ? narrow : known).flatMap((one) => one.attributeNames ?? []));
    document.getElementById("known-types").replaceChildren(...known.map((one) => h("option", { value: one.typeName })));
    document.getElementById("known-attributes").replaceChildren(...[...names].sort().map((name) => h("option", { value: name })));
    return known;
  }

  // ---- what happens to the form

  function moved() {
    offset = ""; // another question begins at its first page
    shape();
    changed(said());
  }

  form.addEventListener("input", (event) => {
    if (event.target.name === "q") conditions(event.target.value);
    if (event.target.name) moved();
  });
  form.addEventListener("change", (event) => ["tenant", "context", "type"].includes(event.target.name) && suggest());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submitted(said());
  });
  document.getElementById("clear").addEventListener("click", () => submitted({}));
  document.getElementById("unplace").addEventListener("click", () => place(null));

  /** Set the place: {georel, geometry, coordinates} as text, or null for anywhere. */
  function place(to) {
    const near = /^near;(\w+)==(.*)$/.exec(to?.georel ?? "");
    field("georel").value = near ? "near" : (to?.georel ?? "");
    if (near) [field("bound").value, field("distance").value] = [near[1], near[2]];
    if (to) [field("geometry").value, field("coordinates").value] = [to.geometry, to.coordinates];
    moved();
  }

  return { said, fill, suggest, place, distance: () => Number(field("distance").value) || 500, focus: () => field("type").focus() };
}
