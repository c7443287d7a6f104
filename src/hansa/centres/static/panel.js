// The panel of one station: its readings, its chart, its alarms, and where everything came from.

import { chart, gaps, usual } from "./chart.js";
import { entityLink, forecasts, history, historyLink } from "./city.js";
import { csv, download, h, keep, notice, put, sign } from "./dom.js";
import { alertItem } from "./desk.js";
import { go, place, watch } from "./place.js";
import { keyOf, kindOf, said, text } from "./station.js";
import { night, skillSection } from "./skill.js";
import { age, count, degrees, figure, look, title, whenText, withUnit } from "./words.js";

const SPANS = { "6h": 6, "24h": 24, "7d": 168, "30d": 720 };
const SPAN_WORDS = { "6h": "6 h", "24h": "24 h", "7d": "7 d", "30d": "30 d" };
const HOUR = 3_600_000;

export function startPanel(city) {
  const panel = document.getElementById("panel");
  let open = null; // {id, parts, plot, nights, series, abort, before}

  function span() {
    return (SPANS[place.win] ?? 24) * HOUR;
  }

  function selected() {
    const it = city.stations.get(place.sel);
    return it ? (it.by.get(place.attr) ?? it.main ?? null) : null;
  }

  function show() {
    if (open && open.id !== place.sel) close();
    if (!place.sel) return;
    if (!open) build();
    update();
    load();
  }

  function close() {
    open.abort?.abort();
    open.plot?.destroy();
    const back = open.before;
    const inside = panel.contains(document.activeElement);
    open = null;
    panel.hidden = true;
    panel.replaceChildren();
    document.body.classList.remove("has-panel");
    if (inside && !place.sel) (back?.isConnected ? back : document.getElementById("map-list")).focus?.({ preventScroll: true });
  }

  function build() {
    const part = {
      name: h("h2", { id: "panel-name" }),
      under: h("p", { class: "under" }),
      state: h("p", { class: "how" }),
      alerts: h("ol", { class: "alarms here" }),
      figures: h("div", { class: "figures", role: "group", "aria-label": "Readings; choose one for the chart" }),
      spans: h("div", { class: "spans", role: "group", "aria-label": "Time shown" }),
      title: h("h3", { class: "what" }),
      readout: h("p", { class: "readout" }),
      chart: h("div", { class: "plot", tabindex: "0", role: "img", "aria-label": "Chart. Left and right arrow read it out; the table has the same data." }),
      note: h("p", { class: "quiet note" }),
      key: h("ul", { class: "legend", "aria-label": "Signs of the chart" }),
      table: h("details", { class: "data" }, h("summary", {}, "Table")),
      links: h("p", { class: "links" }),
      skill: h("div", {}),
      about: h("details", { class: "about" }, h("summary", {}, "About this station"), h("dl", {})),
    };
    for (const name of look.windows) part.spans.append(h("button", { type: "button", data: { span: name }, on: { click: () => go({ win: name }) } }, SPAN_WORDS[name] ?? name));
    part.table.open = place.table === "1";
    part.table.addEventListener("toggle", () => (go({ table: part.table.open ? "1" : "" }, { quiet: true }), fillTable()));
    const shut = h("button", { type: "button", class: "knob close", "aria-label": "Close", "aria-keyshortcuts": "Escape", on: { click: () => go({ sel: "", attr: "" }) } }, "×");
    const before = document.activeElement;
    panel.replaceChildren(
      h("header", {}, h("div", {}, part.name, part.under), shut),
      h("div", { class: "scroll", tabindex: "-1" }, part.state, part.alerts, part.figures, h("div", { class: "plot-head" }, part.title, part.spans), part.readout, part.chart, part.note, part.key, part.table, part.links, part.skill, part.about),
    );
    panel.setAttribute("aria-labelledby", "panel-name");
    panel.hidden = false;
    document.body.classList.add("has-panel");
    open = { id: place.sel, part, plot: null, nights: null, series: new Map(), before };
    if (city.stations.has(place.sel)) loadNights();
  }

  function update() {
    if (!open) return;
    const { part } = open;
    const it = city.stations.get(open.id);
    const now = city.now();
    if (!it) return absent();
    open.part.absent?.remove();
    put(part.name, it.name);
    const [lon, lat] = it.point;
    put(part.under, `${title(it.kind, "types")} · ${degrees(lat, "NS")} ${degrees(lon, "EW")}`);
    const how = city.stateOf(it);
    const fresh = it.newest === null ? "has never reported" : `newest reading ${age(it.newest, now)} ago`;
    part.state.replaceChildren(sign(how, title(how, "states")), h("span", {}, fresh));
    const about = city.alertsOf(it);
    keep(part.alerts, about, (one) => one.id, (one) => alertItem(one), (item, one) => item.update(one, city, { here: true }));
    part.alerts.hidden = !about.length;
    const chosen = selected();
    const timed = it.readings.filter((one) => one.at !== null); // a height above the sea is no reading
    keep(
      part.figures,
      timed.length ? timed : it.readings,
      (one) => one.name,
      (one) => h("button", { type: "button", on: { click: () => go({ attr: one.name }) } }, h("span", { class: "label" }), h("span", { class: "value" }, h("span", { class: "figure" }), h("span", { class: "unit" })), h("span", { class: "age" })),
      (button, one) => {
        const [label, value, old] = button.children;
        put(label, title(one.name, "attributes"));
        put(value.firstChild, figure(one.value, one.unit));
        put(value.lastChild, one.unit ? `\u00a0${one.unit}` : "");
        put(old, one.at === null ? "no time given" : `${age(one.at, now)} ago`);
        button.classList.toggle("old", one.at !== null && now - one.at > city.patience(it).stale);
        button.setAttribute("aria-pressed", String(one.name === chosen?.name));
      },
    );
    for (const button of part.spans.children) button.setAttribute("aria-pressed", String(button.dataset.span === place.win));
    describe(it);
    append(it);
  }

  function absent() {
    const { part } = open;
    put(part.name, city.nameOf(open.id) || "Unknown");
    if (part.absent?.isConnected && part.told === city.loadedOnce) return;
    part.told = city.loadedOnce;
    part.absent = city.loadedOnce ? notice("This station is not here", ["It was removed, or the link names another city.", "Press Esc to close this, or search with /."]) : notice("Reading the city…", []);
    part.state.replaceChildren(part.absent);
  }

  function describe(it) {
    const list = open.part.about.lastElementChild;
    const device = said(it.entity, "refDevice");
    const of = typeof device === "string" ? city.entities.get(device) : null;
    const rows = [["Id", h("a", { href: entityLink(it.id), class: "id" }, it.id)], ["Type", it.kind]];
    if (typeof device === "string") {
      rows.push(["Device", h("a", { href: entityLink(device), class: "id" }, device)]);
      if (of) rows.push(["Device state", text(of, "deviceState") || "not said"], ["Readings, refused", `${text(of, "readings") || "0"}, ${text(of, "refusals") || "0"}`]);
    }
    for (const name of Object.keys(it.entity)) {
      if (["id", "type", "name", "location", "refDevice", "@context"].includes(name) || (it.by.get(name)?.at ?? null) !== null) continue;
      const value = said(it.entity, name);
      const one = it.by.get(name);
      rows.push([title(name, "attributes"), one ? withUnit(one.value, one.unit) : typeof value === "object" ? JSON.stringify(value) : String(value)]);
    }
    const key = JSON.stringify(rows.map(([a, b]) => [a, b.textContent ?? b]));
    if (list.dataset.key === key) return;
    list.dataset.key = key;
    list.replaceChildren(...rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
  }

  async function loadNights() {
    const { id } = open;
    try {
      const found = await forecasts(id);
      if (open?.id !== id) return;
      open.nights = new Map(found.map((one) => [one.id, one]));
    } catch {
      if (open?.id === id) open.nights = new Map(); // the chart stands without them
    }
    drawNights();
    redraw();
  }

  function nights() {
    return [...(open?.nights?.values() ?? [])].map(night).filter((one) => one);
  }

  function drawNights() {
    const made = skillSection(nights(), city.now());
    open.part.skill.replaceChildren(...(made ? [made] : []));
  }

  async function load() {
    const chosen = selected();
    if (!open || !chosen) {
      if (open) nothing("No figure yet", "This station has a place on the map, and has said nothing that could be drawn.");
      return;
    }
    const it = city.stations.get(open.id);
    const second = it.readings.find((one) => one.name !== chosen.name && one.code && one.code === chosen.code) ?? null;
    const key = `${chosen.name} ${place.win}`;
    if (open.key === key) return;
    open.key = key;
    open.abort?.abort();
    open.abort = new AbortController();
    const { signal } = open.abort;
    const until = city.now();
    const since = until - span();
    open.shown = { name: chosen.name, second, since, values: null, others: null, cut: false };
    open.part.chart.classList.add("wait");
    put(open.part.note, "");
    try {
      const [one, two] = await Promise.all([history(open.id, chosen.name, since, Infinity, { signal }), second ? history(open.id, second.name, since, Infinity, { signal }) : null]);
      Object.assign(open.shown, { values: one.values, others: two?.values ?? null, cut: one.cut });
      append(it);
      redraw();
    } catch (fault) {
      if (fault.name === "AbortError" || !open) return;
      open.key = null;
      nothing("The history could not be read", `${fault.message} ${fault.mend ?? ""}`, h("button", { type: "button", on: { click: load } }, "Try again"));
    } finally {
      open?.part.chart.classList.remove("wait");
    }
  }

  function nothing(heading, line, button = null) {
    open.plot?.destroy();
    open.plot = null;
    open.part.chart.replaceChildren(notice(heading, [line], { button }));
    open.part.readout.replaceChildren();
  }

  /** A reading that has just arrived goes on the end of the chart, in its place in time. */
  function append(it) {
    const shown = open?.shown;
    if (!shown?.values) return;
    let fresh = false;
    for (const [name, values] of [[shown.name, shown.values], [shown.second?.name, shown.others]]) {
      const one = it.by.get(name);
      if (!one || one.at === null || !values || (values.length && values.at(-1)[0] >= one.at)) continue;
      values.push([one.at, one.value]);
      fresh = true;
    }
    if (fresh) redraw();
  }

  function redraw() {
    const it = city.stations.get(open?.id);
    const shown = open?.shown;
    if (!it || !shown?.values) return;
    const { part } = open;
    const now = city.now();
    const one = it.by.get(shown.name);
    const since = now - span();
    const values = shown.values.filter(([at]) => at >= since);
    const label = title(shown.name, "attributes");
    part.title.replaceChildren(label, one?.unit ? h("span", { class: "unit" }, ` ${one.unit}`) : "");
    const frost = shown.name === "temperature" && one?.unit === "°C";
    const seen = frost ? nights().filter((n) => n.from !== null && n.to !== null && n.to > since) : [];
    const stale = values.length > 0 && now - values.at(-1)[0] > city.patience(it).stale;
    links(it, shown, values, since);
    legend({ second: shown.second, seen, stale, holes: gaps(values).length });
    if (!values.length && !seen.length) {
      const wider = look.windows.find((name) => SPANS[name] * HOUR > span() && (it.newest === null || now - it.newest < SPANS[name] * HOUR));
      return nothing(`Nothing in the last ${SPAN_WORDS[place.win] ?? place.win}`, it.newest === null ? "This station has never reported. Check that its device is on and enrolled." : `The newest reading is ${age(it.newest, now)} old.`, wider ? h("button", { type: "button", on: { click: () => go({ win: wider }) } }, `Show ${SPAN_WORDS[wider]}`) : null);
    }
    if (!open.plot) {
      part.chart.replaceChildren();
      open.plot = chart(part.chart, part.readout);
    }
    const second = shown.second && shown.others ? { label: title(shown.second.name, "attributes"), values: shown.others.filter(([at]) => at >= since) } : null;
    open.plot.show({ label, unit: one?.unit ?? "", values, second, nights: seen, since, now, stale, zero: one?.unit === "°C" });
    const step = usual(values);
    put(part.note, shown.cut ? `Only the newest ${values.length.toLocaleString("en")} readings are drawn; the JSON link pages through all.` : `${count(values.length, "reading")}${step ? `, usually every ${age(0, step).replace("\u00a0", " ")}` : ""}.`);
    open.rows = values;
    fillTable();
  }

  function legend({ second, seen, stale, holes }) {
    const signs = [["k-solid", "measured"]];
    if (second) signs.push(["k-thin", title(second.name, "attributes").toLowerCase()]);
    if (seen.length) signs.push(["k-dots", "forecast minimum ± sd"]);
    if (holes) signs.push(["k-dash", "missing"]);
    if (stale) signs.push(["k-stale", "stale"]);
    const key = signs.map(([, words]) => words).join();
    if (open.part.key.dataset.key === key) return;
    open.part.key.dataset.key = key;
    open.part.key.replaceChildren(...signs.map(([kind, words]) => h("li", {}, h("i", { class: kind }), words)));
  }

  function links(it, shown, values, since) {
    const { links: box } = open.part;
    const name = `${keyOf(it.id)}-${shown.name}-${place.win}.csv`.replace(/[^\w.-]+/g, "_");
    box.replaceChildren(
      h("button", { type: "button", class: "link", on: { click: () => download(name, csv([["observedAt", "id", shown.name, "unitCode"], ...values.map(([at, value]) => [new Date(at).toISOString(), it.id, value, it.by.get(shown.name)?.code ?? ""])])) } }, "CSV"),
      h("a", { href: historyLink(it.id, shown.name, since) }, "JSON"),
      h("a", { href: entityLink(it.id) }, "Entity"),
    );
  }

  function fillTable() {
    const { table } = open.part;
    if (!table.open || !open.rows) return;
    const now = city.now();
    const one = city.stations.get(open.id)?.by.get(open.shown.name);
    const others = new Map(open.shown.others ?? []);
    const head = [h("th", { scope: "col" }, "Observed"), h("th", { scope: "col", class: "num" }, `${title(open.shown.name, "attributes")}${one?.unit ? `, ${one.unit}` : ""}`)];
    if (open.shown.second) head.push(h("th", { scope: "col", class: "num" }, `${title(open.shown.second.name, "attributes")}, ${one?.unit ?? ""}`));
    const rows = open.rows.slice(-500).reverse().map(([at, value]) => h("tr", {}, h("td", {}, whenText(at, now)), h("td", { class: "num" }, figure(value, one?.unit)), open.shown.second ? h("td", { class: "num" }, others.has(at) ? figure(others.get(at), one?.unit) : "—") : null));
    const made = h("div", { class: "table-box", tabindex: "0", role: "region", "aria-label": "Readings" }, h("table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows)));
    const old = table.querySelector(".table-box");
    const top = old?.scrollTop ?? 0;
    if (old) old.replaceWith(made);
    else table.append(made);
    made.scrollTop = top;
  }

  watch((changed) => {
    if (["sel", "attr", "win"].some((name) => changed.has(name))) follow();
  });
  function follow() {
    if (!place.sel) return open && close();
    show();
    if (open) redrawSoon();
  }
  let soon = 0;
  function redrawSoon() {
    if (soon) return;
    soon = setTimeout(() => {
      soon = 0;
      redraw();
    }, 900);
  }
  city.listen(({ ids, all }) => {
    if (!place.sel) return;
    if (!open) return show();
    if (all || ids.has(open.id)) {
      if (!open.nights && city.stations.has(open.id)) loadNights();
      update();
      if (!open.shown) load();
    } else if ([...ids].some((id) => city.alerts.has(id))) update();
    let told = false;
    for (const id of ids) {
      const entity = city.entities.get(id);
      if (open.nights && kindOf(entity) === "WeatherForecast" && said(entity, "refStation") === open.id) told = !!open.nights.set(id, entity);
    }
    if (told) drawNights(), redraw();
  });
  setInterval(() => (update(), open && redrawSoon()), 2000);
  follow();
  return { reink: () => open?.plot && redraw(), focus: () => panel.querySelector(".close")?.focus() };
}
