// One number: what it is, how it went and goes, who else has it, and how it came about, down to the readings.

import { h, press } from "../dom.js";
import { sheet } from "../desk/acts.js";
import { whenText } from "../words.js";
import { now } from "../base/start.js";
import { act, area, band, choose, count, field, number, part, percent, picture, send, stateOf, table, text, typed, valued, view } from "./told.js";

const SAID = { read: "read in the standard", recalled: "recalled, not read", ours: "ours", none: "not known" };

/** One number in `box`. `told` is what the view `method` says. */
export function showIndicator(box, told, place, { may, go, reload, say }) {
  const { account: it, line, courses } = told;
  const target = may.has("target") ? press("do", "Set a target…", () => setTarget(told, reload, say)) : null;
  const drop = may.has("drop_target") && it.points.some((one) => one.target !== null) ? press("tool", "Drop a target…", () => dropTarget(told, reload, say)) : null;
  box.replaceChildren(
    h(
      "section",
      { class: "kpi-part kpi-one" },
      h("p", { class: "quiet" }, it.path.join(" / "), it.level ? ` · ${it.level}` : ""),
      h("h2", { class: "kpi-name" }, it.name, " ", h("span", { class: "code" }, it.code)),
      h("p", { class: "kpi-marks" }, stateOf(it.status), line.points === null ? h("span", { class: "quiet" }, it.status === "not reported" ? "" : "not scored") : band(line.step, line.band), it.provisional ? h("span", { class: "quiet" }, "provisional: the period is not over") : null),
      it.fault ? h("p", { class: "grave" }, it.fault) : null,
      it.warnings.map((one) => h("p", { class: "grave" }, one)),
      h("p", {}, it.definition),
      h("p", { class: "head-tools" }, target, drop, it.status === "not reported" ? press("tool", "Enter its inputs", () => go({ view: "inputs", q: it.inputs.find((one) => one.status === "not reported")?.input ?? "", status: "" })) : null),
    ),
    ...courses.map((one) => course(one, line, courses.length > 1)),
    method(it, go),
    inputs(it),
    compare(told, may.has("compare") ? press("tool", "Add cities' values…", () => addCities(told, reload, say)) : null),
    standing(it),
  );
}

function course(one, line, several) {
  const it = line.data_points.find((point) => point.key === one.key);
  const facts = [["Value", h("b", {}, valued(it.value, one.unit))]];
  if (one.target === null) facts.push(["Target", "none is set, so it is not scored; no target is ever made up"]);
  else {
    facts.push(["Target", `${valued(one.target, one.unit)}${one.gap?.by ? ` by ${one.gap.by}` : ""}`], ["Of target", it.percentOfTarget === null ? "—" : percent(it.percentOfTarget)]);
    if (one.gap) {
      facts.push(["Gap", one.gap.met ? "met" : valued(one.gap.gap, one.unit)]);
      if (!one.gap.met && one.gap.yearly_change !== null) facts.push(["Needed a year", valued(one.gap.yearly_change, one.unit)]);
    }
  }
  const years = [...new Set([...one.values.map((v) => v.year), ...one.ahead.flatMap((a) => a.points.map((p) => p.year))])].sort((a, b) => a - b);
  const rows = years.map((year) => [String(year), valued(one.values.find((v) => v.year === year)?.value, one.unit), ...one.ahead.map((a) => ahead(a.points.find((p) => p.year === year), one.unit))]);
  return part(
    several ? one.name : "Course",
    h(
      "div",
      { class: "kpi-course-of" },
      one.values.length ? h("figure", {}, picture(one.picture, `${one.name} by year: ${one.values.map((v) => `${v.year} ${valued(v.value, one.unit)}`).join(", ")}`, "kpi-trend"), h("figcaption", { class: "kpi-lines" }, h("span", { class: "was" }, "measured"), one.target === null ? null : h("span", { class: "target" }, "target"), one.ahead.map((a) => h("span", { class: `ahead ${a.kind}` }, `${a.kind}, with its band of error`)))) : h("p", { class: "quiet" }, "Nothing was reported of this number in any period."),
      h("dl", { class: "facts" }, facts.flatMap(([word, value]) => [h("dt", {}, word), h("dd", {}, value)])),
    ),
    one.ahead.length ? one.ahead.map((a) => h("p", { class: "hint plain" }, `${a.kind}: ${a.said}.${a.error === null ? "" : ` Tried on the city's own past it was off by ${valued(a.error, one.unit)} on average; “it stays as it is” by ${valued(a.unchanged_error, one.unit)}.`}`)) : one.values.length === 1 ? h("p", { class: "hint plain" }, "One year is no course: a projection needs two, its band of error three.") : null,
    rows.length > 1 ? h("details", { class: "data" }, h("summary", {}, "As a table"), table(`${one.name} by year`, [["Year", false], ["Measured", true], ...one.ahead.map((a) => [`Projected, ${a.kind}`, true])], rows)) : null,
  );
}

const ahead = (it, unit) => (it && it.value !== null ? `${valued(it.value, unit)}${it.low === null || it.low === undefined ? "" : ` (${number(it.low)} to ${number(it.high)})`}` : "");

function method(it, go) {
  return part(
    "How it is made",
    it.points.map((one) =>
      h("div", { class: "kpi-formula" }, it.points.length > 1 ? h("h3", {}, one.name) : null, one.symbols ? h("p", { class: "symbols" }, one.symbols) : h("p", {}, "No formula is known: the value is entered as it is."), one.words ? h("p", {}, one.words) : null, one.put_in ? h("p", { class: "symbols put-in" }, one.put_in) : one.symbols ? h("p", { class: "quiet" }, it.missing.length ? ["Not computed: ", ...it.missing.flatMap((name, i) => [i ? ", " : "", press("attr", name, () => go({ view: "inputs", q: name, status: "" }))]), it.missing.length === 1 ? " is missing." : " are missing."] : "Not computed.") : null),
    ),
    it.checks.length ? h("details", { class: "data" }, h("summary", {}, count(it.checks.length, "check")), h("ul", { class: "kpi-list" }, it.checks.map((one) => h("li", {}, `${one.says} (${one.severity})`)))) : null,
  );
}

function inputs(it) {
  if (!it.inputs.length) return null;
  const rows = it.inputs.map((one) => [
    [one.says, h("span", { class: "sub code" }, one.input)],
    h("b", {}, valued(one.value, one.unit)),
    stateOf(one.status),
    [one.words || (one.how ? one.how : "—"), one.at ? h("span", { class: "sub" }, whenText(Date.parse(one.at), now()), one.by ? `, ${one.by}` : "", one.verifiedBy ? `; verified by ${one.verifiedBy}` : "") : null, proof(one.evidence)],
    one.completeness === null ? "" : percent(one.completeness * 100, 0),
    one.id && one.how === "query" ? readings(one) : one.id ? h("a", { href: `/entities/${one.id}` }, "the entry") : "",
  ]);
  return part("What went in", table("Inputs", [["Input", false], ["Value", true], ["Status", false], ["Where from", false], ["Complete", true], ["Leads to", false]], rows, { kind: "kpi-inputs" }));
}

function proof(it) {
  if (!it?.text && !it?.url && !it?.file) return null;
  return h("span", { class: "sub" }, "Evidence: ", it.text ?? "", it.url && /^https?:\/\//.test(it.url) ? h("a", { href: it.url, rel: "noreferrer noopener", target: "_blank" }, ` ${new URL(it.url).hostname}`) : (it.url ?? ""), it.file ? ` file ${String(it.file).slice(0, 12)}…` : "");
}

function readings(one) {
  const box = h("details", { class: "kpi-readings" }, h("summary", {}, "readings"));
  let asked = false;
  box.addEventListener("toggle", async () => {
    if (!box.open || asked) return;
    asked = true;
    try {
      const found = await view("readings", { id: one.id, limit: 50 });
      box.append(
        h("p", { class: "quiet" }, found.says),
        h("ul", { class: "kpi-list" }, (found.entities ?? []).slice(0, 50).map((it) => h("li", {}, h("a", { href: `/entities/${it.id}` }, it.name || it.id), it.value === undefined ? "" : ` ${number(it.value)}`))),
        (found.readings ?? []).length ? table("Readings", [["At", false], ["Of", false], ["Value", true]], found.readings.slice(0, 50).map((it) => [it.at, it.entity.split(":").pop(), number(it.value)])) : "",
        found.more ? h("p", { class: "quiet" }, "… and more; the entities have all of them.") : "",
      );
    } catch (problem) {
      asked = false;
      box.append(h("p", { class: "grave" }, problem.message));
    }
  });
  return box;
}

function compare({ beside, courses }, add) {
  const shown = beside.filter((one) => one.lines.some((it) => !it.own));
  const tools = add ? h("p", { class: "kpi-tools" }, add) : null;
  if (!shown.length) return part("Beside other cities", h("p", { class: "quiet" }, "No values of other cities are here. They come by federation, or from what cities have published."), tools);
  return part(
    "Beside other cities",
    h("p", { class: "hint plain" }, "Published values of other years and ways of counting are no race: the period and the source stand beside each."),
    ...shown.map((one) => table(one.name, [["City", false], ["Value", true], ["Period", false], ["Source", false]], one.lines.map((it) => h("tr", { class: it.own ? "at" : "" }, h("th", { scope: "row" }, it.own ? `${it.city || "This city"} (this one)` : it.city), h("td", { class: "num" }, h("b", {}, valued(it.value, it.unit))), h("td", {}, it.period), h("td", {}, /^https?:\/\//.test(it.source) ? h("a", { href: it.source, rel: "noreferrer noopener", target: "_blank" }, new URL(it.source).hostname) : it.source, it.federated ? " (federated)" : ""))), { seen: courses.length > 1 })),
    tools,
  );
}

function addCities(told, reload, say) {
  sheet(
    "Values that other cities published",
    [field("Sheet", h("input", { name: "file", type: "file", required: true, accept: ".xlsx,.csv" })), h("p", { class: "hint" }, "Columns: city, code, point, period, value, unit, source. Each value names where it was published.")],
    "Add them",
    async ({ file }) => {
      if (!file || !file.size) throw new Error("Choose a sheet.");
      const form = new FormData();
      form.append("framework", told.framework.id);
      form.append("file", file);
      await send("compare", form);
      say("The values are here.");
      await reload();
    },
  );
}

async function dropTarget(told, reload, say) {
  try {
    const { targets } = await view("targets", { framework: told.framework.id, area: told.area });
    const mine = targets.filter((one) => one.code === told.account.code);
    if (!mine.length) return say("There is no target of this number any more.", true);
    const names = new Map(told.account.points.map((one) => [one.key, one]));
    sheet(`Drop a target of ${told.account.name}`, [field("Target", choose("id", mine.map((one) => [one.id, `${mine.length > 1 && one.point ? `${names.get(one.point)?.name ?? one.point}: ` : ""}${valued(one.target, names.get(one.point)?.unit)} by ${one.year}`]))), field("Why", area("reason", 500, { required: true }))], "Drop it", async ({ id, reason }) => {
      await act("drop_target", { id, reason });
      say("The target is dropped; without one, the number is not scored.");
      await reload();
    });
  } catch (problem) {
    say(`${problem.message} ${problem.mend ?? ""}`, true);
  }
  return undefined;
}

function standing(it) {
  const said = Object.entries(it.said).filter(([, how]) => how !== "none");
  return part(
    "What this stands on",
    h(
      "dl",
      { class: "facts" },
      [
        ["Sources", it.sources.length ? it.sources.flatMap((one, i) => [i ? ", " : "", one.url ? h("a", { href: one.url, rel: "noreferrer noopener", target: "_blank" }, one.said) : one.said]) : "none named"],
        ["Of the definition", said.length ? said.map(([name, how]) => `${name}: ${SAID[how] ?? how}`).join("; ") : "nobody said what was read"],
        ["Edition", it.edition],
        ["Verified by", it.verifiedBy ? `the role ${it.verifiedBy}` : "nobody yet"],
        ["Computed", it.computedAt ? whenText(Date.parse(it.computedAt), now()) : "not yet"],
        ["Who usually has the data", it.holders.join(", ") || "not known"],
        ["SDG", it.sdg.join(", ")],
        ["Notes", it.notes.join(" ")],
      ].filter(([, value]) => value && value.length).flatMap(([word, value]) => [h("dt", {}, word), h("dd", {}, value)]),
    ),
  );
}

function setTarget(told, reload, say) {
  const { account: it } = told;
  const several = it.points.length > 1;
  sheet(
    `A target for ${it.name}`,
    [
      several ? field("Of", choose("point", it.points.map((one) => [one.key, one.name]))) : null,
      field("Target", text("target", 30, { required: true, inputmode: "decimal", placeholder: it.points[0].unit })),
      field("By the year", text("year", 4, { required: true, inputmode: "numeric", pattern: "\\d{4}" })),
      field("Why", area("reason", 500, { required: true, placeholder: "who decided it, where it is written" })),
      h("p", { class: "hint" }, "Whole numbers or with a decimal point or comma. The standard publishes no targets: the city sets its own, and says why."),
    ].filter(Boolean),
    "Set it",
    async ({ point, target, year, reason }) => {
      const value = typed(target);
      if (Number.isNaN(value)) throw new Error(`“${target}” can be read in two ways, or is no number. Write 1234 or 1234.5.`);
      await act("target", { framework: told.framework.id, code: it.code, ...(several ? { point } : {}), ...(told.area === "city" ? {} : { area: told.area }), target: value, year: Number(year), reason });
      say(`The target of ${it.name} is set.`);
      await reload();
    },
  );
}
