// Search: a box that knows every station by name, type and id.

import { h } from "./dom.js";
import { go } from "./place.js";
import { title, withUnit } from "./words.js";

const SHOWN = 12;
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

export function startFind(city) {
  const input = document.getElementById("search");
  const list = document.getElementById("found");
  let found = [];
  let at = -1;

  function look() {
    const words = plain(input.value).split(/\s+/).filter(Boolean);
    if (!words.length) return close();
    const scored = [];
    for (const it of city.stations.values()) {
      const [name, rest] = [plain(it.name), plain(`${title(it.kind, "types")} ${it.id}`)];
      if (!words.every((word) => name.includes(word) || rest.includes(word))) continue;
      scored.push([name.startsWith(words[0]) ? 0 : name.includes(words[0]) ? 1 : 2, it]);
    }
    scored.sort((a, b) => a[0] - b[0] || a[1].name.localeCompare(b[1].name, undefined, { numeric: true }));
    found = scored.slice(0, SHOWN).map(([, it]) => it);
    at = found.length ? 0 : -1;
    list.replaceChildren(
      ...(found.length
        ? found.map((it, i) =>
            h("li", { role: "option", id: `found-${i}`, on: { pointerdown: (event) => (event.preventDefault(), take(it)) } }, h("span", { class: `sign ${city.stateOf(it)}` }, title(city.stateOf(it), "states")), h("b", {}, it.name), h("span", { class: "kind" }, title(it.kind, "types")), it.main ? h("span", { class: "num" }, withUnit(it.main.value, it.main.unit)) : null),
          )
        : [h("li", { class: "none" }, `No station is called “${input.value.slice(0, 40)}”.`)]),
    );
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    mark();
  }

  function mark() {
    [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === at)));
    if (at >= 0) input.setAttribute("aria-activedescendant", `found-${at}`);
    else input.removeAttribute("aria-activedescendant");
  }

  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function take(it) {
    input.value = "";
    close();
    input.blur();
    go({ sel: it.id, attr: "" });
  }

  input.addEventListener("input", look);
  input.addEventListener("focus", () => input.value && look());
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by && found.length && !list.hidden) {
      event.preventDefault();
      at = (at + by + found.length) % found.length;
      mark();
    } else if (event.key === "Enter" && found[at] && !list.hidden) take(found[at]);
    else if (event.key === "Escape") {
      event.stopPropagation();
      if (input.value) input.value = "";
      else input.blur();
      close();
    }
  });
  return { focus: () => input.focus() };
}
