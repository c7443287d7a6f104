// A long list of points: only what is in sight is made, the arrow keys go through all of it.

import { h, put } from "../dom.js";
import { age, title, unitOf, withUnit } from "../words.js";

const AHEAD = 10; // rows made above and below what is in sight

/** A list in `box`. `ask(from, n)` gives rows, `open(one)` is called for one chosen, `now()` is the city's time. */
export function rowsIn(box, { ask, open, now, name }) {
  const body = h("div", { class: "rows-body", role: "presentation" });
  const list = h("div", { class: "rows", role: "listbox", tabindex: "0", "aria-label": name }, body);
  box.append(list);
  let n = 0;
  let at = -1;
  let turn = 0;
  let made = new Map(); // index -> element
  const high = () => body.querySelector(".row")?.offsetHeight || 40;

  async function draw() {
    const mine = ++turn;
    const size = high();
    const from = Math.max(0, Math.floor(list.scrollTop / size) - AHEAD);
    const many = Math.min(n - from, Math.ceil((list.clientHeight || 600) / size) + 2 * AHEAD);
    const rows = many > 0 ? await ask(from, many) : [];
    if (mine !== turn) return;
    body.style.blockSize = `${n * size}px`;
    const next = new Map();
    rows.forEach((one, i) => {
      const index = from + i;
      const row = made.get(index) ?? h("div", { class: "row", role: "option", id: `${list.id || "row"}-${index}` }, h("span", { class: "row-state" }), h("b", {}), h("span", { class: "kind" }), h("span", { class: "num figure-small" }), h("span", { class: "num age" }));
      row.style.insetBlockStart = `${index * size}px`;
      row.onclick = () => {
        at = index;
        open(one);
        mark();
      };
      const [state, called, kind, value, old] = row.children;
      state.className = `row-state sign ${one.state}`;
      put(state, title(one.state, "states"));
      put(called, one.name);
      put(kind, title(one.type, "types"));
      put(value, one.value === null ? "" : withUnit(one.value, unitOf(one.unit)));
      put(old, one.at === null ? "" : age(one.at, now()));
      row.setAttribute("aria-setsize", String(n));
      row.setAttribute("aria-posinset", String(index + 1));
      next.set(index, row);
    });
    for (const [index, row] of made) if (next.get(index) !== row) row.remove();
    for (const row of next.values()) if (!row.isConnected) body.append(row);
    const first = !made.size && next.size;
    made = next;
    mark();
    if (first && high() !== size) draw();
  }

  function mark() {
    for (const [index, row] of made) {
      row.classList.toggle("at", index === at);
      row.setAttribute("aria-selected", String(index === at));
    }
    if (made.has(at)) list.setAttribute("aria-activedescendant", made.get(at).id);
    else list.removeAttribute("aria-activedescendant");
  }

  async function step(to) {
    at = Math.max(0, Math.min(n - 1, to));
    const size = high();
    if (at * size < list.scrollTop) list.scrollTop = at * size;
    else if ((at + 1) * size > list.scrollTop + list.clientHeight) list.scrollTop = (at + 1) * size - list.clientHeight;
    await draw();
  }

  list.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
  list.addEventListener("keydown", async (event) => {
    const page = Math.max(1, Math.floor(list.clientHeight / high()) - 1);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: n - 1, PageDown: at + page, PageUp: at - page }[event.key];
    if (to !== undefined && n) {
      event.preventDefault();
      event.stopPropagation();
      return step(to);
    }
    if (event.key === "Enter" && at >= 0 && at < n) {
      event.preventDefault();
      const [one] = await ask(at, 1);
      if (one) open(one);
    }
  });

  return {
    /** There are `count` rows now. */
    set(count, { top = false } = {}) {
      n = count;
      if (top) {
        at = -1;
        list.scrollTop = 0;
      }
      draw();
    },
    draw,
    list,
  };
}
