// A long list of which only what is looked at is made: ten thousand rows scroll as one does.

import { keep } from "../dom.js";

const AROUND = 8; // rows beyond the edges, so that nothing is blank while one scrolls

/**
 * Rows in `box` (which scrolls): `make(item)` makes one, `update(row, item, index)` says what is new of it. What it gives:
 * `show(items)`, `reveal(index)`, `again()` (say all that is seen anew). The row of `held()` stays, wherever one scrolls,
 * so that the keyboard's focus is not lost. All rows are as high as `--row` of the box.
 */
export function rows(box, { key, make, update, held }) {
  const space = document.createElement("div");
  space.className = "rows-space";
  space.setAttribute("role", "rowgroup");
  box.replaceChildren(space);
  let items = [];
  let places = new Map();
  let height = 0;

  const measure = () => {
    const probe = document.createElement("div");
    probe.className = "rows-probe";
    box.append(probe);
    height = probe.getBoundingClientRect().height || 34;
    probe.remove();
  };

  function draw() {
    const first = Math.max(0, Math.floor(box.scrollTop / height) - AROUND);
    const last = Math.min(items.length, Math.ceil((box.scrollTop + box.clientHeight) / height) + AROUND);
    const seen = items.slice(first, last);
    const kept = places.get(held());
    if (kept !== undefined && kept < first) seen.unshift(items[kept]);
    if (kept !== undefined && kept >= last) seen.push(items[kept]);
    keep(space, seen, key, make, (row, item) => {
      const index = places.get(key(item));
      row.style.transform = `translateY(${index * height}px)`;
      update(row, item, index);
    });
  }

  function show(next) {
    if (!height) measure();
    items = next;
    places = new Map(items.map((item, index) => [key(item), index]));
    space.style.height = `${items.length * height}px`;
    draw();
  }

  let due = 0;
  box.addEventListener("scroll", () => (due ||= requestAnimationFrame(() => ((due = 0), draw()))), { passive: true });
  new ResizeObserver(() => {
    measure();
    show(items);
  }).observe(box);

  return {
    show,
    again: draw,
    reveal(index) {
      if (index < 0) return;
      const top = index * height;
      if (top < box.scrollTop) box.scrollTop = top;
      else if (top + height > box.scrollTop + box.clientHeight) box.scrollTop = top + height - box.clientHeight;
      draw();
    },
    /** The element of an item, where it is made. */
    of: (name) => [...space.children].find((row) => row.dataset.key === name),
    /** How many rows one sees at once. */
    page: () => Math.max(1, Math.floor(box.clientHeight / (height || 34)) - 1),
  };
}
