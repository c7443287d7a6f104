// The plan on a time line: a bar for each measure, phases behind, what waits for what, reviews, today. A drawing and a table.

import { h } from "../dom.js";
import { costOf, inWords, s, state } from "./told.js";

const LEFT = 230;
const LEAST = 704;
const HIGH = 26;
const TOP = 42;
const day = (said) => Date.parse(`${said}T00:00:00Z`);

/** The drawing of these lines; `choose(id)` is called for one that is pressed. */
export function timeLine(lines, { phases, today, chosen, choose, room }) {
  const WIDE = Math.max(LEAST, room);
  const ends = [...lines, ...phases].flatMap((it) => [day(it.from), day(it.until)]).concat(day(today)).filter(Number.isFinite);
  const first = new Date(Math.min(...ends)).getUTCFullYear();
  const last = new Date(Math.max(...ends)).getUTCFullYear() + 1;
  const [from, until] = [Date.UTC(first, 0, 1), Date.UTC(last, 0, 1)];
  const x = (at) => LEFT + ((at - from) / (until - from)) * (WIDE - LEFT - 12);
  const high = TOP + lines.length * HIGH + 8;
  const at = new Map(lines.map((it, i) => [it.id, TOP + i * HIGH]));
  const drawn = s("svg", { class: "str-line", viewBox: `0 0 ${WIDE} ${high}`, role: "group", "aria-label": "Time line of the measures" });
  for (const it of phases) {
    drawn.append(s("rect", { class: "phase", x: x(day(it.from)), y: 18, width: Math.max(2, x(day(it.until)) - x(day(it.from)) - 2), height: 18, rx: 2 }), s("text", { class: "year", x: x(day(it.from)) + 4, y: 31 }, it.name));
  }
  const step = Math.max(1, Math.ceil((last - first) / 14));
  for (let year = first; year <= last; year += step) {
    const place = x(Date.UTC(year, 0, 1));
    drawn.append(s("line", { class: "grid", x1: place, x2: place, y1: 16, y2: high }), year < last ? s("text", { class: "year", x: place + 3, y: 12 }, year) : "");
  }
  for (const it of lines) {
    const y = at.get(it.id);
    const [begin, end] = [x(day(it.from)), x(day(it.until))];
    const name = it.name.length > 34 ? `${it.name.slice(0, 33)}…` : it.name;
    const row = s("g", { class: `row${it.id === chosen ? " at" : ""}`, tabindex: 0, role: "button", "aria-label": `${it.name}, ${inWords(it.status)}, ${it.from} to ${it.until}${it.late ? ", late" : ""}` }, s("rect", { class: "under", x: 0, y: y - 3, width: WIDE, height: HIGH }), s("text", { x: 6, y: y + 13 }, name), s("rect", { class: `bar ${it.status}${it.late ? " late" : ""}`, x: begin, y: y + 2, width: Math.max(3, end - begin), height: HIGH - 12, rx: 2 }), it.reviewAt ? s("path", { class: "review", d: `M${x(day(it.reviewAt))} ${y + 1}l6 8-6 8-6-8z` }, s("title", {}, `review ${it.reviewAt}`)) : null, s("title", {}, `${it.name}: ${it.from} to ${it.until}`));
    row.addEventListener("click", () => choose(it.id));
    row.addEventListener("keydown", (event) => (event.key === "Enter" || event.key === " ") && (event.preventDefault(), choose(it.id)));
    drawn.append(row);
    const early = new Set(it.early.map((one) => one.id));
    for (const id of it.dependsOn ?? []) {
      if (!at.has(id)) continue;
      const needed = lines.find((one) => one.id === id);
      // From its end, between the rows, to the beginning of what waits.
      const down = at.get(id) < y;
      const [x0, x1, middle] = [x(day(needed.until)) - 2, begin + 2, down ? y - 2 : y + HIGH - 4];
      drawn.append(s("path", { class: `needs${early.has(id) ? " early" : ""}`, d: `M${x0} ${at.get(id) + (down ? 16 : 2)}V${middle}H${x1}V${down ? y + 2 : y + 16}` }));
    }
  }
  drawn.append(s("line", { class: "today", x1: x(day(today)), x2: x(day(today)), y1: 14, y2: high }, s("title", {}, `today, ${today}`)));
  return h("div", { class: "str-scroll" }, drawn);
}

/** The same as a table. */
export function table(lines, { chosen, choose }) {
  return h(
    "table",
    { class: "str-table" },
    h("caption", { class: "unseen" }, "Measures"),
    h("thead", {}, h("tr", {}, ["Measure", "Status", "When", "Owner", "Cost", "Who pays", "Review"].map((word) => h("th", { scope: "col" }, word)))),
    h(
      "tbody",
      {},
      lines.map((it) =>
        h(
          "tr",
          { class: it.id === chosen ? "at" : "" },
          h("th", { scope: "row" }, h("button", { type: "button", class: "attr", on: { click: () => choose(it.id) } }, it.name), h("span", { class: "sub" }, [it.department, it.phase].filter(Boolean).join(" · "))),
          h("td", {}, it.late ? state("late") : state(it.status)),
          h("td", { class: "wide" }, `${it.from} – ${it.until}`, it.early.map((one) => h("span", { class: "sub" }, `too early: ${one.name}, ${one.why}`))),
          h("td", {}, it.owner),
          h("td", {}, it.cost ? costOf(it.cost) : ""),
          h("td", {}, (it.funding ?? []).map((one) => h("span", { class: "sub" }, `${inWords(one.kind)} ${one.share}\u00a0%`))),
          h("td", {}, h("span", { class: "day" }, it.reviewAt ?? ""), it.review ? [" ", state(it.review)] : null),
        ),
      ),
    ),
  );
}
