// How an input is obtained from what the city knows: a query over entities or their history, tried before it is bound.

import { h, press } from "../dom.js";
import { sheet } from "../desk/acts.js";
import { act, choose, field, percent, text, valued, view } from "./told.js";

const FROM = [["entities", "entities as they are"], ["history", "their readings in the period"], ["table", "a table"]];
const AGGREGATES = ["count", "sum", "mean", "min", "max", "distinct", "share"].map((one) => [one, one]);
const ACROSS = ["mean", "sum", "min", "max"].map((one) => [one, one]);
const EACH = ["mean", "sum", "min", "max", "last", "count"].map((one) => [one, one]);
const FOLD = ["sum", "mean", "min", "max", "count", "first"].map((one) => [one, one]);

/** The sheet in which `one` is bound; its trial value stands there before anything is written. */
export function binder(one, told, reload, say) {
  const before = one.binding?.how ?? {};
  const kept = (name) => before[name] ?? "";
  const only = (kind, ...fields) => fields.map((it) => (it.dataset.from = kind, it));
  const from = choose("from", FROM, kept("from") || "entities");
  const trial = h("output", { class: "kpi-trial" }, "Not tried yet.");
  const rows = [
    field("From", from),
    ...only("entities history", field("Type", text("type", 200, { value: kept("type"), placeholder: "WaterMeter" })), field("Which", text("q", 1000, { class: "mono", value: kept("q"), placeholder: 'status=="working"; empty for all' }))),
    ...only("entities", field("Aggregate", choose("aggregate", AGGREGATES, kept("aggregate") || "count")), field("Part", text("of", 1000, { class: "mono", value: kept("of"), placeholder: 'for a share: smart==true' }))),
    ...only("entities history", field("Attribute", text("attribute", 200, { value: kept("attribute"), placeholder: "not needed to count" }))),
    ...only("history", field("Of each", choose("each", EACH, kept("each") || "mean")), field("Across", choose("across", ACROSS, kept("across") || "mean")), field("Expected every", text("interval_s", 10, { inputmode: "numeric", value: kept("interval_s"), placeholder: "seconds, for completeness" }))),
    ...only("table", field("Table", text("sha256", 64, { class: "mono", value: kept("sha256") })), field("Column", text("column", 200, { value: kept("column") })), field("Fold", choose("fold", FOLD, kept("aggregate") || "sum"))),
    field("Times", text("scale", 20, { inputmode: "decimal", value: kept("scale"), placeholder: "1" })),
    field("Since", text("since", 4, { inputmode: "numeric", value: "", placeholder: `${told.period}: the first period` })),
    h("p", { class: "kpi-tried" }, press("tool", "Try it", tryIt), trial),
  ];
  const show = () => {
    for (const it of rows) if (it.dataset.from) it.hidden = !it.dataset.from.split(" ").includes(from.value);
    trial.textContent = "Not tried yet.";
  };
  from.addEventListener("change", show);
  show();

  function how(said) {
    const source = said.from;
    const names = { entities: ["type", "q", "aggregate", "attribute", "of", "scale"], history: ["type", "q", "attribute", "each", "across", "interval_s", "scale"], table: ["sha256", "column", "scale"] }[source];
    const made = { from: source };
    for (const name of names) if (said[name] !== "" && said[name] !== undefined) made[name] = ["scale", "interval_s"].includes(name) ? Number(said[name]) : said[name];
    if (source === "table") made.aggregate = said.fold;
    if (made.aggregate !== "share") delete made.of;
    return made;
  }

  async function tryIt() {
    const form = document.querySelector("#editor form");
    trial.textContent = "Asking…";
    try {
      const it = await view("trial", { framework: told.framework, input: one.input, how: JSON.stringify(how(Object.fromEntries(new FormData(form)))), period: told.period, ...(told.area === "city" ? {} : { area: told.area }) });
      trial.replaceChildren(it.fault ? h("span", { class: "grave" }, it.fault) : h("span", {}, h("b", {}, valued(it.value, it.unit)), it.completeness === null || it.completeness === undefined ? "" : `, ${percent(it.completeness * 100, 0)} complete`, it.provisional ? ", provisional" : "", it.says ? h("span", { class: "sub" }, it.says) : ""));
    } catch (problem) {
      trial.replaceChildren(h("span", { class: "grave" }, `${problem.message} ${problem.mend ?? ""}`));
    }
  }

  sheet(`${one.says}, from what the city knows`, rows, "Bind it", async (said) => {
    await act("bind", { framework: told.framework, input: one.input, how: how(said), ...(said.since ? { since: said.since } : {}), ...(told.area === "city" ? {} : { area: told.area }) });
    say(`${one.says} is bound; it is computed by itself from now on.`);
    await reload();
  });
}
