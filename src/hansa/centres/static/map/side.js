// Beside the map: what is in view, what was chosen by an area, one thing with its way, and the watched areas.

import { h, notice, put } from "../dom.js";
import { API, ask, DESK, door, room } from "../doors.js";
import { readings, named, pointOf } from "../station.js";
import { age, count, hourText, title, unitOf, withUnit } from "../words.js";
import { rowsIn } from "./rows.js";
import { go, where } from "./where.js";

const SEEN = 200; // of what is in view are listed; the worst come first
const TABS = [["list", "In view"], ["area", "Area"], ["fences", "Watched"]];
const LINKED = 50; // alarms that one address names
const VERBS = [["acknowledge", "Acknowledge"]];

export function startSide({ feed, ground, over, area, fences, now, free, place }) {
  const by = (id) => document.getElementById(id);
  const panes = { list: by("pane-list"), area: by("pane-area"), fences: by("pane-fences"), one: by("pane-one") };
  const tabs = by("side-tabs");
  let seen = [];
  let chosen = { n: 0, counts: {}, tally: [], alerts: [] };
  let shown = "list";
  let open_ = null;
  const self = { track: null };
  let begun = false; // what was shown before anybody asked stays behind the map of a phone

  for (const [name, word] of TABS) {
    tabs.append(h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `pane-${name}`, data: { tab: name }, on: { click: () => show(name) } }, word));
    panes[name].setAttribute("aria-labelledby", `tab-${name}`);
  }
  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const at = (TABS.findIndex(([name]) => name === shown) + step + TABS.length) % TABS.length;
    show(TABS[at][0]);
    by(`tab-${TABS[at][0]}`).focus();
  });

  function show(name) {
    shown = name;
    if (name !== "one") go({ side: name === "list" ? "" : name }, { quiet: true });
    for (const [key, pane] of Object.entries(panes)) pane.hidden = key !== name;
    for (const tab of tabs.children) {
      const is = tab.dataset.tab === name;
      tab.setAttribute("aria-selected", String(is));
      tab.tabIndex = is || name === "one" ? 0 : -1;
    }
    if (innerWidth <= 860 && name !== "list" && begun) by("see-side").click();
    if (name === "list") visible();
    if (name === "area") areaList.draw();
    if (name === "fences") fences.show();
  }

  // ---- what is in view

  const summary = h("p", { class: "side-sum quiet", role: "status" });
  panes.list.append(summary);
  const viewList = rowsIn(panes.list, { name: "Points in view, worst first", now, open: (one) => open(one.id), ask: async (from, n) => seen.slice(from, from + n) });

  let due = 0;
  function visible() {
    if (due) return;
    due = setTimeout(async () => {
      due = 0;
      if (shown !== "list" || document.hidden) return;
      const found = await feed.ask("visible", { most: SEEN });
      seen = found.rows;
      put(summary, found.n ? `${found.n.toLocaleString("en")} in view${found.n > SEEN ? `, the ${SEEN} worst listed` : ""}` : "Nothing in view. Move the map, or show other layers.");
      viewList.set(seen.length);
    }, 250);
  }
  setInterval(visible, 3000);

  // ---- an area

  const areaHead = h("div", { class: "area-head" });
  const areaSum = h("div", { class: "area-sum" });
  const areaTools = h("div", { class: "area-tools" });
  panes.area.append(areaHead, areaSum, areaTools);
  const areaList = rowsIn(panes.area, { name: "Points in the area", now, open: (one) => open(one.id), ask: async (from, n) => (await feed.ask("rows", { from, n })).rows });

  const corner = (name, label) => h("label", { class: "pair" }, h("span", {}, label), h("input", { name, inputmode: "decimal", class: "mono", size: 9, required: true }));
  const coordinates = h("details", { class: "by-hand" }, h("summary", {}, "By coordinates"), h("form", { on: { submit: byCoordinates } }, corner("west", "West"), corner("south", "South"), corner("east", "East"), corner("north", "North"), h("button", { class: "tool", type: "submit" }, "Choose"), h("p", { class: "grave", role: "alert" })));
  areaHead.append(
    h("div", { class: "pair wrap" },
      h("button", { type: "button", class: "tool", data: { hand: "box" }, on: { click: () => area.begin("box") } }, "Box"),
      h("button", { type: "button", class: "tool", data: { hand: "lasso" }, on: { click: () => area.begin("lasso") } }, "By hand"),
      h("button", { type: "button", class: "tool", on: { click: wholeView } }, "All in view"),
      h("button", { type: "button", class: "tool", id: "area-clear", on: { click: () => area.clear() } }, "Let go")),
    coordinates,
  );

  function wholeView() {
    const [w, s, e, n] = ground.bounds();
    area.set([[w, s], [e, s], [e, n], [w, n]]);
    show("area");
  }

  function byCoordinates(event) {
    event.preventDefault();
    const said = event.target.elements;
    const [w, s, e, n] = ["west", "south", "east", "north"].map((name) => Number(said[name].value.replace(",", ".")));
    const sound = [w, s, e, n].every(Number.isFinite) && w < e && s < n && Math.abs(w) <= 180 && Math.abs(e) <= 180 && Math.abs(s) <= 85 && Math.abs(n) <= 85;
    put(event.target.querySelector(".grave"), sound ? "" : "West and south must be less than east and north; longitudes up to 180, latitudes up to 85 degrees.");
    if (!sound) return;
    area.set([[w, s], [e, s], [e, n], [w, n]]);
    ground.fit([w, s, e, n], free());
  }

  const sortBox = h("select", { "aria-label": "Order of the list", on: { change: (event) => (feed.to("sort", { by: event.target.value }), areaList.set(chosen.n, { top: true })) } }, [["state", "worst first"], ["-value", "highest value first"], ["value", "lowest value first"], ["-age", "oldest first"], ["age", "newest first"], ["name", "by name"], ["type", "by type"]].map(([v, word]) => h("option", { value: v }, word)));
  const told = h("p", { class: "told", role: "status" });
  areaTools.append(
    h("div", { class: "pair wrap" }, sortBox, h("button", { type: "button", class: "tool", on: { click: () => out("csv") } }, "CSV"), h("button", { type: "button", class: "tool", on: { click: () => out("geojson") } }, "GeoJSON"), h("button", { type: "button", class: "tool", on: { click: link } }, "Link")),
    h("div", { class: "pair wrap", id: "area-acts" }),
    told,
  );

  async function out(kind) {
    const blob = await feed.ask("written", { kind });
    const url = URL.createObjectURL(blob);
    const made = h("a", { href: url, download: `area.${kind}` });
    made.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }

  async function link() {
    try {
      await navigator.clipboard.writeText(location.href);
      put(told, "The address of this area is in your clipboard.");
    } catch {
      put(told, "The address above is a link to this area.");
    }
  }

  feed.on("selected", (message) => {
    chosen = message;
    drawArea();
    areaList.set(message.n);
  });
  area.listen((polygon) => {
    if (polygon) show("area");
    else {
      chosen = { n: 0, counts: {}, tally: [], alerts: [] };
      areaList.set(0);
    }
    drawArea();
  });

  function drawArea() {
    const is = !!area.polygon();
    by("area-clear").hidden = !is;
    areaTools.hidden = !is;
    if (!is) return areaSum.replaceChildren(h("p", { class: "quiet" }, "Choose an area with a box, by hand, or by its coordinates: what lies in it is listed here, and can be written out or acted on."));
    const words = [["alarm", 0], ["watch", 1], ["stale", 2], ["missing", 3]].filter(([, i]) => chosen.tally[i]);
    areaSum.replaceChildren(
      h("p", {}, h("b", {}, count(chosen.n.toLocaleString("en"), "point")), ` in the area`),
      h("ul", { class: "tally" }, Object.entries(chosen.counts).sort((a, b) => b[1] - a[1]).map(([type, n]) => h("li", {}, `${title(type, "types")} `, h("b", {}, n.toLocaleString("en")))), words.map(([word, i]) => h("li", {}, h("span", { class: `sign ${word}` }, title(word, "states")), " ", h("b", {}, chosen.tally[i].toLocaleString("en"))))),
    );
    const acts = by("area-acts");
    const n = chosen.alerts.length;
    acts.replaceChildren(...(n ? [h("span", {}, count(n, "alarm")), ...VERBS.map(([verb, word]) => h("button", { type: "button", class: "tool", on: { click: (event) => act(verb, word, event.target) } }, word)), h("a", { class: "tool", href: room(`/incidents?alarms=${chosen.alerts.slice(0, LINKED).map(encodeURIComponent).join(",")}`) }, "Raise an incident")] : []));
  }

  async function act(verb, word, button) {
    const ids = chosen.alerts;
    button.disabled = true;
    put(told, `${word}…`);
    try {
      const { body } = await ask(`${DESK}/alarms/${verb}`, { method: "POST", send: { ids } });
      const [done, refused] = [body?.done?.length ?? 0, body?.refused ?? []];
      put(told, `${word}: ${count(done, "alarm")} done${refused.length ? `, ${refused.length} refused: ${refused[0].detail ?? ""}` : ""}.`);
    } catch (fault) {
      put(told, `${fault.message} ${fault.mend}`);
    }
    button.disabled = false;
  }

  // ---- one

  async function open(id, { fly = false } = {}) {
    open_ = id;
    go({ sel: id }, { quiet: !where.sel === false });
    show("one");
    const one = await feed.ask("one", { id });
    if (one) {
      over.point("at", one.point);
      const [x, y] = ground.project(one.point);
      const field = by("field");
      if (fly || x < 20 || y < 20 || x > field.clientWidth - 60 || y > field.clientHeight - 60) {
        place();
        ground.go({ centre: one.point, zoom: Math.max(14, ground.view().zoom) });
      }
    }
    card(id, one);
  }

  function close() {
    if (shown !== "one") return false;
    open_ = null;
    over.point("at", null);
    go({ sel: "" });
    show(where.side || "list");
    return true;
  }

  async function card(id, one) {
    const pane = panes.one;
    const head = h("header", {}, h("div", {}, h("h2", {}, one?.name ?? id.split(":").pop()), h("p", { class: "under" }, one ? title(one.type, "types") : "")), h("button", { type: "button", class: "knob close", "aria-label": "Close", on: { click: close } }, "×"));
    const body = h("div", { class: "one-body" });
    pane.replaceChildren(head, body);
    if (one) body.append(h("p", {}, h("span", { class: `sign ${one.state}` }, title(one.state, "states")), one.at ? ` · ${age(one.at, now())} ago` : ""));
    const way = h("div", { class: "way" });
    const facts = h("dl", { class: "facts" });
    body.append(way, facts, h("p", { class: "links" }, h("a", { href: `/entities/${encodeURIComponent(id).replaceAll("%3A", ":")}` }, "All of it"), h("a", { href: `${API}/entities/${encodeURIComponent(id)}` }, "JSON"), h("button", { type: "button", class: "link", on: { click: () => center(id) } }, "Centre")));
    ways(way, id);
    if (one?.alerts.length) body.prepend(h("p", {}, h("a", { href: room(`/alarms?sel=${encodeURIComponent(one.alerts[0])}`) }, count(one.alerts.length, "open alarm"))));
    try {
      const { body: entity } = await ask(`${door("entities", id)}?options=concise`);
      if (open_ !== id) return;
      put(head.querySelector("h2"), named(entity));
      for (const it of readings(entity)) {
        facts.append(h("dt", {}, title(it.name, "attributes")), h("dd", {}, h("b", {}, withUnit(it.value, it.unit)), it.at ? h("span", { class: "quiet" }, ` ${age(it.at, now())} ago`) : null));
      }
      const point = pointOf(entity);
      if (point) facts.append(h("dt", {}, "Place"), h("dd", { class: "mono" }, `${point[1].toFixed(5)}, ${point[0].toFixed(5)}`));
    } catch (fault) {
      if (open_ === id) body.append(notice("It cannot be read", [fault.message, fault.mend], { bad: true }));
    }
  }

  async function center(id) {
    const one = await feed.ask("one", { id });
    if (one) ground.go({ centre: one.point, zoom: Math.max(15, ground.view().zoom) });
  }

  function ways(box, id) {
    const said = h("span", { class: "quiet", role: "status" });
    const hours = h("select", { "aria-label": "How far back" }, [[1, "1 hour"], [6, "6 hours"], [24, "24 hours"], [168, "7 days"]].map(([v, word]) => h("option", { value: v }, word)));
    hours.value = String(self.track?.of(id)?.hours ?? 6);
    const button = h("button", { type: "button", class: "tool", "aria-pressed": String(!!self.track?.of(id)) }, "Its way");
    const draw = async () => {
      button.setAttribute("aria-pressed", "true");
      put(said, "Reading…");
      try {
        const places = await self.track.show(id, Number(hours.value));
        put(said, places.length > 1 ? `${count(places.length, "place")}, from ${hourText(places[0][2])} to ${hourText(places.at(-1)[2])}` : "It did not move in that time.");
      } catch (fault) {
        put(said, `${fault.message} ${fault.mend ?? ""}`);
      }
    };
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-pressed") === "true") {
        button.setAttribute("aria-pressed", "false");
        put(said, "");
        return self.track.hide(id);
      }
      draw();
    });
    hours.addEventListener("change", () => button.getAttribute("aria-pressed") === "true" && draw());
    box.replaceChildren(h("div", { class: "pair wrap" }, button, hours, said));
  }

  // ---- search

  const search = by("search");
  const found = by("found");
  let hits = [];
  let pick = -1;
  let turn = 0;
  async function look() {
    const words = search.value.trim();
    const mine = ++turn;
    hits = words ? await feed.ask("find", { words }) : [];
    if (mine !== turn) return;
    pick = hits.length ? 0 : -1;
    list(words);
  }
  function list(words) {
    found.hidden = !words;
    search.setAttribute("aria-expanded", String(!!words));
    found.replaceChildren(...(hits.length ? hits.map((one, i) => h("li", { role: "option", id: `found-${i}`, "aria-selected": String(i === pick), on: { pointerdown: (event) => (event.preventDefault(), take(i)) } }, h("span", { class: `sign ${one.state}` }, title(one.state, "states")), h("b", {}, one.name), h("span", { class: "kind" }, title(one.type, "types")), h("span", { class: "num" }, one.value === null ? "" : withUnit(one.value, unitOf(one.unit))))) : [h("li", { class: "none" }, "Nothing of that name is shown.")]));
    if (pick >= 0) search.setAttribute("aria-activedescendant", `found-${pick}`);
    else search.removeAttribute("aria-activedescendant");
  }
  function take(i) {
    const one = hits[i];
    search.value = "";
    hits = [];
    list("");
    search.blur();
    if (one) open(one.id, { fly: true });
  }
  search.addEventListener("input", look);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return (search.value = ""), list(""), search.blur();
    if (event.key === "Enter" && pick >= 0) return event.preventDefault(), take(pick);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !hits.length) return;
    event.preventDefault();
    pick = (pick + step + hits.length) % hits.length;
    list(search.value);
  });
  search.addEventListener("blur", () => (found.hidden = true));

  fences.pane(panes.fences);
  drawArea();
  show(TABS.some(([name]) => name === where.side) ? where.side : "list");
  begun = true;
  feed.on("state", () => shown === "list" && visible());
  return Object.assign(self, { open, close, show, visible, search: () => search.focus() });
}
