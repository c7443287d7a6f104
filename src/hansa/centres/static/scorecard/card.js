// The card: how the city stands by dimension, the snapshot, radars, wheel, and every number in a table.

import { csv, download, h, notice, press } from "../dom.js";
import { band, count, number, part, percent, picture, stateOf, table, valued } from "./told.js";

const key = (path) => path.join("/");

/** Every node of a tree, a node before what is below it. */
export const walk = (nodes) => nodes.flatMap((one) => [one, ...walk(one.children)]);
const leaves = (node) => (node.children.length ? node.children.flatMap(leaves) : [node]);

/** The card in `box`. `place` has node, level, status, q; `go(change)` changes the address; `open(code)` shows a number. */
export function showCard(box, told, place, { go, open }) {
  const { card } = told;
  const chosen = walk(card.nodes).find((one) => key(one.path) === place.node) ?? null;
  box.replaceChildren(
    headline(told),
    part("Snapshot", h("p", { class: "hint plain" }, "Every category in its band. Choose one to see its numbers below."), snapshot(card, place, go), legend(card)),
    part("Shape", h("div", { class: "kpi-shapes" }, h("figure", {}, picture(told.pictures.wheel, `Wheel of all categories: ${card.nodes.map((one) => `${one.name} ${percent(one.percent)}`).join(", ")}`, "wheel"), h("figcaption", {}, "Dimensions within, categories outside")), card.nodes.map((one) => radar(one, told.pictures.radars[one.name])))),
    course(told),
    numbers(card, chosen, place, { go, open }),
  );
}

function headline({ card, said }) {
  const { whole, counts } = card;
  const sentences = [
    `${counts.came} of ${counts.total} indicators are reported, ${counts.verified} of them verified; ${counts["not reported"]} are not reported, ${counts["not applicable"]} do not apply here.`,
    counts.ask ? `${Math.round(counts.missing_share * 100)} % are missing: with more than 20 % missing, the standard has the city asked, and this card is no basis for comparing cities.` : "",
    counts.without_target ? `${count(counts.without_target, "reported indicator")} ${counts.without_target === 1 ? "is" : "are"} not scored, or not in full: no target is set. No target is ever made up.` : "",
    counts.provisional ? `${count(counts.provisional, "number")} ${counts.provisional === 1 ? "is" : "are"} provisional: the period is not over.` : "",
  ].filter(Boolean);
  const recalled = Object.entries(said.scoring).filter(([, how]) => how !== "read").map(([name, how]) => `${name} ${how}`);
  return h(
    "section",
    { class: "kpi-part kpi-head", "aria-label": "How the city stands" },
    h("div", { class: "kpi-whole" }, h("b", { class: "kpi-big" }, percent(whole.percent)), band(whole.step, whole.band), h("span", { class: "quiet" }, whole.scored ? `${number(whole.score)} of ${number(whole.possible)} points, over ${count(whole.scored, "data point")}` : "nothing has both a value and a target")),
    h("ol", { class: "kpi-dims" }, card.nodes.map((one) => h("li", {}, h("h3", {}, one.name), h("b", {}, percent(one.percent)), band(one.step, one.band), h("span", { class: "quiet" }, `${one.came} of ${one.total} reported`)))),
    h("div", { class: counts.ask ? "kpi-honest grave-of" : "kpi-honest" }, sentences.map((line) => h("p", {}, line)), recalled.length ? h("p", { class: "quiet" }, `Of the scoring: ${recalled.join(", ")}.`) : null),
  );
}

function snapshot(card, place, go) {
  const tile = (one) =>
    h(
      "li",
      {},
      h("button", { type: "button", class: `tile ${one.step ? `band-${one.step}` : "band-none"}`, "aria-pressed": String(place.node === key(one.path)), on: { click: () => go({ node: place.node === key(one.path) ? "" : key(one.path) }) } }, h("span", { class: "tile-name" }, h("span", { class: "tile-n" }, one.n), one.name), h("span", { class: "tile-said" }, h("span", { class: "bars", "aria-hidden": "true" }, [1, 2, 3, 4].map((n) => h("i", { class: one.step && n <= one.step ? "full" : "" }))), one.percent === null ? "not scored" : percent(one.percent), h("span", { class: "tile-came" }, `${one.came}/${one.total}`))),
    );
  return h(
    "div",
    { class: "snapshot" },
    card.nodes.map((dimension) =>
      h("section", { "aria-label": dimension.name }, h("h3", {}, dimension.name, " ", h("span", { class: "quiet" }, percent(dimension.percent))), h("div", { class: "subs-of" }, (dimension.children.length ? dimension.children : [dimension]).map((sub) => h("div", { class: "sub-of" }, h("h4", {}, sub.name, " ", h("span", { class: "quiet" }, percent(sub.percent))), h("ul", { class: "tiles" }, leaves(sub).map(tile)))))),
    ),
  );
}

const legend = (card) => h("p", { class: "kpi-legend" }, card.bands.map((one) => band(one.step, `${one.name} % of target`)), band(null, "not scored"), h("span", { class: "quiet" }, " n/m: reported of all"));

function radar(node, drawn) {
  const axes = leaves(node);
  return h("figure", {}, picture(drawn, `${node.name}, 0 to 100 %: ${axes.map((one) => `${one.name} ${percent(one.percent)}`).join(", ")}`, "radar-of"), h("figcaption", {}, h("b", {}, `${node.name} ${percent(node.percent)}`), h("ol", { class: "axes" }, axes.map((one) => h("li", {}, h("span", { class: "tile-n" }, one.n), one.name, h("span", { class: "num" }, percent(one.percent)))))));
}

function course({ card, trends }) {
  if (trends.length < 2) return null;
  const cell = (one, it) => {
    const found = it.nodes[one === null ? "" : key(one.path)];
    return found && found.percent !== null ? [percent(found.percent), h("span", { class: "sub" }, `${found.scored} scored`)] : "—";
  };
  const rows = [null, ...walk(card.nodes).filter((one) => one.path.length < 3)].map((one) => [h("span", { class: one === null ? "" : `deep-${one.path.length}` }, one === null ? "The whole" : one.name), ...trends.map((it) => cell(one, it))]);
  const came = [h("span", { class: "quiet" }, "Indicators reported"), ...trends.map((it) => `${it.came} of ${card.counts.total}`)];
  return part("Over the periods", h("p", { class: "hint plain" }, "A percent of few data points is not comparable with one of many: how many were scored stands below each."), table("Percent by period", [["", false], ...trends.map((it) => [it.period, true])], [...rows, came], { kind: "kpi-course" }));
}

// ---- every number

const STATUS = [["", "Any status"], ["verified", "Verified"], ["reported", "Reported"], ["not reported", "Not reported"], ["not applicable", "Does not apply"], ["untargeted", "Without a target"]];

function numbers(card, chosen, place, { go, open }) {
  const within = (one) => !chosen || chosen.codes.includes(one.code);
  const fits = (one) => within(one) && (!place.level || one.level === place.level) && (!place.status || (place.status === "untargeted" ? one.untargeted : one.status === place.status)) && (!place.q || `${one.code} ${one.name} ${one.path.join(" ")}`.toLowerCase().includes(place.q.toLowerCase()));
  const shown = card.indicators.filter(fits);
  const pick = (name, all) => {
    const made = h("select", { "aria-label": name, on: { change: () => go({ [name]: made.value }) } }, all.map(([value, word]) => h("option", { value, selected: value === place[name] }, word)));
    return made;
  };
  const save = () => download(`scorecard-${card.framework.id}-${card.period}.csv`, csv([["code", "indicator", "data point", "value", "unit", "target", "percent of target", "points", "band", "status"], ...shown.flatMap((one) => one.data_points.map((it) => [one.code, one.name, it.key, it.value ?? "", it.unit ?? "", it.target ?? "", it.percentOfTarget ?? "", it.points ?? "", it.band ?? "", one.status]))]));
  const tools = h("div", { class: "kpi-tools" }, pick("status", STATUS), pick("level", [["", "Core and advanced"], ["core", "Core"], ["advanced", "Advanced"]]), chosen ? press("tool", `${chosen.path.join(" / ")} ×`, () => go({ node: "" }), { "aria-label": `Show all, not only ${chosen.path.join(", ")}` }) : null, h("span", { class: "quiet" }, count(shown.length, "indicator")), h("span", { class: "gap" }), press("link", "CSV", save));
  if (!shown.length) return part("Every number", tools, notice("No such indicator", ["Nothing fits. Choose any status and all levels, or leave the search empty."]));
  const groups = [];
  for (const node of walk(card.nodes)) {
    const mine = node.children.length ? [] : shown.filter((one) => node.codes.includes(one.code));
    if (!node.children.length && !mine.length) continue;
    if (node.children.length && !shown.some((one) => node.codes.includes(one.code))) continue;
    groups.push(h("tr", { class: `node deep-${node.path.length}` }, h("th", { scope: "rowgroup", colspan: 2 }, node.name), h("td", { class: "num" }, percent(node.percent)), h("td", {}), h("td", {}, band(node.step, node.band)), h("td", { class: "num" }, ""), h("td", {}, `${node.came} of ${node.total}`)));
    for (const one of mine) groups.push(...lines(one, open));
  }
  return part("Every number", tools, table("Every number", [["Code", false], ["Indicator", false], ["Value", true], ["Target", true], ["Of target", false], ["Before", true], ["Status", false]], groups, { kind: "kpi-numbers" }));
}

function lines(one, open) {
  return one.data_points.map((it, i) => {
    const moved = it.before !== null && it.value !== null && it.before !== it.value ? (it.value > it.before ? "▲ from " : "▼ from ") : "";
    const why = it.value !== null && it.points === null ? it.why || "not scored" : "";
    return h(
      "tr",
      {},
      h("th", { scope: "row", class: "code" }, i ? "" : one.code),
      h("td", {}, i ? null : press("attr", one.name, () => open(one.code)), one.data_points.length > 1 ? h("span", { class: "sub" }, it.name) : null, i ? null : tags(one)),
      h("td", { class: "num" }, h("b", {}, valued(it.value, it.unit))),
      h("td", { class: "num" }, it.target === null ? "" : [valued(it.target, it.unit), it.year ? h("span", { class: "sub" }, `by ${it.year}`) : null]),
      h("td", {}, it.points === null ? h("span", { class: "quiet" }, why) : band(it.step, it.percentOfTarget === null ? it.band : percent(it.percentOfTarget))),
      h("td", { class: "num" }, it.before === null ? "" : [moved ? h("span", { class: "quiet" }, moved) : null, valued(it.before, it.unit), h("span", { class: "sub" }, one.period)]),
      h("td", {}, i ? "" : stateOf(one.status), i || !one.missing.length || one.status !== "not reported" ? null : h("span", { class: "sub" }, `missing: ${one.missing.join(", ")}`), !i && one.fault ? h("span", { class: "sub grave" }, one.fault) : null),
    );
  });
}

const tags = (one) => [one.provisional ? h("span", { class: "sub" }, "provisional: the period is not over") : null, one.warnings.length ? h("span", { class: "sub grave" }, one.warnings.join("; ")) : null, one.completeness !== null && one.completeness < 1 ? h("span", { class: "sub" }, `${Math.round(one.completeness * 100)} % complete`) : null];

