// A rule's text and its parts, which explain each other: what is written is read by the city while one types.

import { h, press, put } from "../dom.js";
import { ask, DESK } from "../doors.js";
import { sheet } from "./acts.js";

const WAIT_MS = 250;
const JOINS = { all: "All of these hold", any: "Any of these holds", not: "This does not hold" };
const EXAMPLES = [
  "level of WaterObserved is above 3 m with hysteresis 0.2 m for 10 min",
  "mean of pm10 of AirQualityObserved over 1 h is above 50 µg/m³",
  "level rises faster than 0.5 m per h · is silent for 1 h · is flat for 6 h · doorState is 'open'",
  "at least 2 neighbours within 5 km are also below 3 °C · is 3 °C below the median of at least 3 neighbours within 5 km",
  "the time is between 22:00 and 06:00 · the day is Saturday or Sunday · the month is November to March",
  "(this or that) and not (something else) · at least 2 of (one, another, a third)",
];

/** The editor of a rule: {box, text(), changed(), ask(title, act, said)}. */
export function editor(one, { may, saved }) {
  const writes = may.has("save");
  const area = h("textarea", { class: "rule-text", id: "rule-text", rows: 6, maxlength: 10_000, spellcheck: "false", autocomplete: "off", readonly: !writes, "aria-describedby": "rule-fault" });
  area.value = one.text ?? "";
  const first = area.value;
  const wrong = h("p", { class: "rule-fault", id: "rule-fault", role: "status", "aria-live": "polite" });
  const parts = h("div", { class: "rule-outline" });
  const why = h("input", { maxlength: 500, autocomplete: "off", placeholder: "in a few words" });
  const refused = h("p", { class: "grave", role: "alert" });
  const save = press("do", "Save", () => store());
  let waiting = 0;
  let turn = 0;
  let leaves = [];
  let good = false;

  async function read() {
    const mine = ++turn;
    if (!area.value.trim()) return tell(null, null);
    try {
      const { body } = await ask(`${DESK}/watch/parse?${new URLSearchParams({ text: area.value })}`);
      if (mine === turn) tell(body, null);
    } catch (problem) {
      if (mine === turn) tell(null, problem);
    }
    return null;
  }

  function tell(body, problem) {
    good = Boolean(body && !body.fault);
    save.disabled = !good;
    area.setAttribute("aria-invalid", String(Boolean(body?.fault)));
    if (problem) return wrong.replaceChildren(h("span", { class: "grave" }, problem.message));
    if (!body) {
      leaves = [];
      parts.replaceChildren();
      return wrong.replaceChildren();
    }
    if (body.fault) {
      wrong.replaceChildren(press("link grave", `Line ${body.line}, column ${body.column}`, () => jump(body.line, body.column)), h("span", {}, `expected ${body.expected}; found ${body.found}`));
      return null;
    }
    parts.inert = false;
    wrong.replaceChildren();
    leaves = [];
    const [whole] = outline(body.outline);
    parts.replaceChildren(whole, h("p", { class: "quiet" }, `then '${body.alarm}' rings, ${body.severity}, for each ${body.type}${body.like ? ` like ${body.like}` : ""}.`), writes ? press("tool", "Add a part", () => add(body.outline)) : "");
    mark();
    return null;
  }

  function jump(line, column) {
    const begin = area.value.split("\n").slice(0, line - 1).reduce((sum, it) => sum + it.length + 1, 0) + column - 1;
    const end = begin + (/^[^\s,()]+/.exec(area.value.slice(begin))?.[0].length ?? 1);
    pick(begin, end);
  }

  function pick(begin, end) {
    area.focus();
    area.setSelectionRange(begin, end);
  }

  /** A node as elements: what joins, and each part with where it stands in the text. */
  function outline(node) {
    if (node.what === "leaf") return [leaf(node)];
    const word = node.what === "lasting" ? `This has held for ${node.for}` : node.what === "some" ? `At least ${node.least} of these hold` : JOINS[node.what];
    return [h("div", { class: "rule-parts", role: "group", "aria-label": word }, h("p", { class: "rule-joins" }, word), node.of.flatMap(outline))];
  }

  function leaf(node) {
    const at = node.at;
    const box = h("div", { class: "rule-leaf" });
    const says = press("", node.says, () => pick(...at), { title: "Show it in the text" });
    const edit = writes ? press("link", "Edit", () => change(box, node)) : null;
    box.append(...[says, edit].filter(Boolean));
    leaves.push({ at, box });
    return box;
  }

  function change(box, node) {
    const field = h("input", { value: area.value.slice(...node.at), maxlength: 1000, "aria-label": "This part" });
    const done = () => {
      area.setRangeText(field.value, node.at[0], node.at[1], "select");
      read();
      area.focus();
    };
    field.addEventListener("keydown", (event) => {
      if (!["Enter", "Escape"].includes(event.key)) return;
      event.stopPropagation();
      event.preventDefault(); // else the key goes on to where the focus is by then
      if (event.key === "Enter") done();
      else read();
    });
    box.replaceChildren(field, press("tool", "Apply", done));
    field.focus();
  }

  function add(outlined) {
    const end = area.value.search(/\braise\s+['"]/);
    const place = end < 0 ? area.value.length : area.value.slice(0, end).replace(/[\s,]+$/, "").length;
    const word = outlined.what === "any" ? "or" : "and";
    const begin = `\n  ${word} `;
    const part = "the time is between 22:00 and 06:00";
    area.setRangeText(begin + part + (end < 0 ? "" : "\n"), place, end < 0 ? place : end);
    pick(place + begin.length, place + begin.length + part.length);
    read();
  }

  /** Mark the part in which the caret stands. */
  function mark() {
    const here = document.activeElement === area ? area.selectionStart : -1;
    for (const { at, box } of leaves) box.classList.toggle("at", here >= at[0] && here <= at[1]);
  }

  async function send(act, said) {
    const { body } = await ask(`${DESK}/watch/${act}`, { method: "POST", send: { id: one.id, version: one.version, ...said } });
    await saved(body.id || one.id, "Saved");
  }

  async function store() {
    put(refused, "");
    if (!why.value.trim()) {
      put(refused, "Say in a few words why.");
      why.focus();
      return;
    }
    save.disabled = true;
    try {
      await send("save", { text: area.value, reason: why.value });
    } catch (problem) {
      put(refused, `${problem.message}${problem.mend ? ` ${problem.mend}` : ""}`);
      save.disabled = !good;
    }
  }

  const confirmed = (question, act, said) => sheet(question, [h("label", { class: "line" }, h("span", {}, "Why"), h("input", { name: "reason", maxlength: 500, autocomplete: "off", required: true }))], "Do it", ({ reason }) => send(act, { ...said, reason }));
  const turned = one.enabled ? ["Switch off", "disable"] : ["Switch on", "enable"];

  area.addEventListener("input", () => {
    parts.inert = true; // its places are of another text now
    clearTimeout(waiting);
    waiting = setTimeout(read, WAIT_MS);
  });
  for (const event of ["keyup", "click", "focus", "blur"]) area.addEventListener(event, mark);
  read();
  const box = h(
    "section",
    { class: "rule-edit" },
    one.fault ? h("p", { class: "grave" }, `It cannot be used: ${one.fault}`) : "",
    h("h3", {}, h("label", { for: "rule-text" }, "The rule")),
    area,
    wrong,
    h("details", { class: "folded" }, h("summary", {}, "How to write one"), h("div", { class: "rule-help" }, EXAMPLES.map((it) => h("code", {}, it)), h("p", {}, "A rule ends with raise 'name', and perhaps a severity, as a category, saying 'a sentence'."))),
    h("h3", {}, "Its parts"),
    parts,
    writes ? h("div", { class: "rule-save" }, h("label", {}, h("span", {}, "Why"), why), save, one.id ? press("tool", turned[0], () => confirmed(`${turned[0]} ${one.name}`, turned[1], {})) : "") : h("p", { class: "quiet" }, "Supervisors and engineers change rules."),
    refused,
  );
  return { box, text: () => area.value, changed: () => writes && area.value !== first, good: () => good, ask: confirmed };
}
