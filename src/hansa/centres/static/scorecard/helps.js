// Gaps, what would help most, and what is not there with who usually has it.

import { h, notice, press } from "../dom.js";
import { band, count, number, part, percent, table, valued } from "./told.js";

/** Gaps and helps in `box`; `told` is what the view `loop` says. */
export function showHelps(box, told, place, { go, open }) {
  box.replaceChildren(gaps(told, open), helps(told, place, go, open), missing(told, open));
}

function gaps({ gaps: all }, open) {
  if (!all.length) return part("Gap to target", notice("No gap to show", ["No number that has a target is short of it.", "A gap needs a target, and the city sets its own: on the page of a number, “Set a target…”."]));
  const rows = all.map((it) => [
    [press("attr", it.name, () => open(it.code)), it.key ? h("span", { class: "sub" }, it.point) : null],
    valued(it.value, it.unit),
    [valued(it.target, it.unit), it.by ? h("span", { class: "sub" }, `by ${it.by}`) : null],
    h("b", {}, valued(it.gap, it.unit)),
    it.yearly_change === null ? h("span", { class: "quiet" }, "no year is set") : [valued(it.yearly_change, it.unit), it.yearly_rate === null ? null : h("span", { class: "sub" }, `${percent(it.yearly_rate * 100)} a year`)],
    band(it.step, it.percentOfTarget === null ? "" : percent(it.percentOfTarget)),
  ]);
  return part("Gap to target", table("Gaps", [["Indicator", false], ["Value", true], ["Target", true], ["Gap", true], ["Needed a year", true], ["Of target", false]], rows));
}

function helps(told, place, go, open) {
  const years = h("input", { type: "number", min: 1, max: 50, value: told.years, "aria-label": "Years of yearly cost", on: { change: () => go({ years: years.value }) } });
  const head = h("p", { class: "kpi-tools" }, h("span", {}, "Price: capital and"), years, h("span", {}, "years of yearly cost, not discounted"));
  if (!told.helps.length) return part("What would help most", head, notice("Nothing to weigh", [told.unreckoned.length ? "None of the solutions and measures can be reckoned: why stands below." : "No solution or measure states an effect on this framework.", "Effects are said in the solutions bank and on the measures of the strategy."]), unreckoned(told));
  return part("What would help most", h("p", { class: "hint plain" }, told.how), head, h("ol", { class: "kpi-helps" }, told.helps.map((one) => candidate(one, told, open))), unreckoned(told));
}

function candidate(one, told, open) {
  const moved = `${one.gain.percent > 0 ? "+" : ""}${number(one.gain.percent)} percentage points of the whole`;
  const gain = one.gain.percent !== 0 ? moved : one.gain.met > 0 ? "no band is passed yet" : "no gain in the score";
  return h(
    "li",
    {},
    h("h3", {}, h("a", { href: one.kind === "solution" ? `/solutions?sel=${one.id}` : `/strategy?sel=${one.id}` }, one.name), " ", h("span", { class: "quiet" }, one.kind, one.status ? `, ${one.status}` : "")),
    h("p", { class: "kpi-marks" }, h("b", {}, gain), one.price ? h("span", {}, `${number(one.price.total)} ${one.price.currency} over ${one.price.years} years`) : h("span", { class: "quiet" }, "no cost is known"), one.per_price === null ? null : h("span", {}, `${number(one.per_price)} points for a million ${told.currency}`), h("span", {}, "Look again on ", h("time", { datetime: one.review }, one.review))),
    h("ul", { class: "kpi-list" }, one.effects.map((it) => h("li", {}, press("attr", it.name, () => open(it.code)), it.key ? ` (${it.point})` : "", `: ${valued(it.before, it.unit)} → `, h("b", {}, valued(it.after, it.unit)), it.target === null ? " (no target)" : ` of ${valued(it.target, it.unit)}`, it.points_before === null ? "" : `, ${number(it.points_before)} → ${number(it.points_after)} points`, it.held ? ", held at the limit of the number" : ""))),
    one.skipped.length ? h("p", { class: "quiet" }, `Not reckoned: ${one.skipped.map((it) => `${it.code}: ${it.why}`).join("; ")}.`) : null,
    h("p", { class: "quiet" }, `Supposed: ${one.assumptions.join("; ")}.`),
  );
}

const unreckoned = ({ unreckoned: all }) => (all.length ? h("details", { class: "data" }, h("summary", {}, `${count(all.length, "candidate")} that cannot be reckoned`), h("ul", { class: "kpi-list" }, all.map((one) => h("li", {}, h("b", {}, one.name), `: ${one.skipped.map((it) => `${it.code}: ${it.why}`).join("; ") || "it states no effect"}`)))) : null);

function missing({ missing: all }, open) {
  if (!all.length) return part("Not reported", h("p", {}, "Every indicator that applies here is reported."));
  return part(
    "Not reported, and who usually has the data",
    h("p", { class: "hint plain" }, "An indicator stands with each who can be asked."),
    h("div", { class: "kpi-holders" }, all.map((one) => h("section", {}, h("h3", {}, one.holder || "Nobody named", " ", h("span", { class: "quiet" }, count(one.indicators.length, "indicator"))), h("ul", { class: "kpi-list" }, one.indicators.map((it) => h("li", {}, press("attr", it.name, () => open(it.code)), it.missing.length ? h("span", { class: "sub" }, `missing: ${it.missing.join(", ")}`) : null, it.fault ? h("span", { class: "sub grave" }, it.fault) : null)))))),
  );
}
