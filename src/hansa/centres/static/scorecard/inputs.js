// Inputs: what is there and what is not; entered with evidence, bound to a query, sent in a filled template, verified.

import { h, notice, press } from "../dom.js";
import { sheet } from "../desk/acts.js";
import { now } from "../base/start.js";
import { whenText } from "../words.js";
import { act, area, choose, count, field, file, percent, send, stateOf, text, typed, valued, view } from "./told.js";
import { binder } from "./bind.js";

const STATUS = [["", "Any status"], ["nothing", "Nothing yet"], ["reported", "Reported"], ["verified", "Verified"], ["not reported", "Not reported"], ["not applicable", "Does not apply"], ["bound", "Bound to a query"], ["failing", "Binding fails"]];

const fits = (one, place) =>
  (!place.status || (place.status === "nothing" ? !one.status : place.status === "bound" ? one.binding : place.status === "failing" ? one.binding?.status === "failing" : one.status === place.status)) &&
  (!place.q || `${one.input} ${one.says} ${one.codes.join(" ")} ${one.holders.join(" ")}`.toLowerCase().includes(place.q.toLowerCase()));

/** The list in `box`. `told` is what the view `inputs` says. */
export function showInputs(box, told, place, deeds) {
  const { may, go, reload, say } = deeds;
  const asked = { framework: told.framework, period: told.period, area: told.area === "city" ? "" : told.area };
  const rows = told.rows.filter((one) => fits(one, place));
  const pick = h("select", { "aria-label": "Status", on: { change: () => go({ status: pick.value }) } }, STATUS.map(([value, word]) => h("option", { value, selected: value === place.status }, word)));
  const there = told.counts;
  const tools = h(
    "div",
    { class: "kpi-tools" },
    pick,
    h("span", { class: "quiet" }, `${count(rows.length, "input")}; in all ${there.verified} verified, ${there.reported} reported, ${there.nothing} with nothing yet`),
    h("span", { class: "gap" }),
    h("a", { class: "tool", href: file("template", { ...asked, kind: "xlsx" }), download: "" }, "Template (XLSX)"),
    h("a", { class: "link", href: file("template", { ...asked, kind: "csv" }), download: "" }, "CSV"),
    may.has("upload") ? press("tool", "Upload filled template…", () => upload(told, reload, say)) : null,
    may.has("bind_standard") ? press("tool", "Standard bindings", () => standard(told, reload, say)) : null,
  );
  if (!rows.length) return box.replaceChildren(tools, notice(told.rows.length ? "No such input" : "No inputs", [told.rows.length ? "Nothing fits. Choose any status, or leave the search empty." : "This framework names no inputs."]));
  const body = h("tbody", {}, rows.map((one) => line(one, place, go)));
  box.replaceChildren(tools, h("div", { class: "kpi-scroll", tabindex: 0, role: "region", "aria-label": "Inputs" }, h("table", { class: "kpi-table kpi-rows" }, h("caption", { class: "unseen" }, "Inputs"), h("thead", {}, h("tr", {}, ["Input", "Value", "Status", "Where from", "Used by"].map((word, i) => h("th", { scope: "col", class: i === 1 ? "num" : null }, word)))), body)));
  return undefined;
}

function line(one, place, go) {
  const from = one.binding ? [one.binding.status === "failing" ? h("span", { class: "grave" }, "binding fails") : "query", one.binding.fault ? h("span", { class: "sub grave" }, one.binding.fault) : null] : one.how ? [one.how] : one.holders.length ? [h("span", { class: "quiet" }, one.holders.join(", "))] : [];
  return h(
    "tr",
    { class: place.sel === one.input ? "at" : "" },
    h("th", { scope: "row" }, press("attr", one.says, () => go({ sel: place.sel === one.input ? "" : one.input }), { "aria-expanded": String(place.sel === one.input) }), h("span", { class: "sub code" }, one.input)),
    h("td", { class: "num" }, h("b", {}, valued(one.value, one.unit)), one.provisional ? h("span", { class: "sub" }, "provisional") : null),
    h("td", {}, stateOf(one.status), one.completeness !== null && one.completeness !== undefined && one.completeness < 1 ? h("span", { class: "sub" }, `${percent(one.completeness * 100, 0)} complete`) : null),
    h("td", {}, from),
    h("td", { class: "code" }, one.codes.slice(0, 4).join(", "), one.codes.length > 4 ? ` and ${one.codes.length - 4} more` : ""),
  );
}

/** What stands beside the list: one input, and what can be done with it. */
export async function showInput(box, one, told, deeds) {
  const { may, close, reload, say } = deeds;
  const tool = (verb, word, work, kind = "tool") => (may.has(verb) ? press(kind, word, work) : null);
  const doing = (verb, said, done) => async () => {
    try {
      await act(verb, said);
      say(done);
      await reload();
    } catch (problem) {
      say(`${problem.message} ${problem.mend ?? ""}`, true);
    }
  };
  const asked = { framework: told.framework, input: one.input, period: told.period, ...(told.area === "city" ? {} : { area: told.area }) };
  const facts = [
    ["Value", h("b", {}, valued(one.value, one.unit))],
    ["Period", `${told.period}${told.running ? ", which is not over" : ""}`],
    ["Unit", one.unit],
    ["By", one.by ? `${one.by}${one.at ? `, ${whenText(Date.parse(one.at), now())}` : ""}` : null],
    ["Evidence", evidence(one.evidence)],
    ["Reason", one.reason],
    ["Verified", one.verifiedBy ? `${one.verifiedBy}, ${whenText(Date.parse(one.verifiedAt), now())}` : one.verifiable ? "not yet; somebody other than who entered it may" : null],
    ["Query", one.binding ? h("code", { class: "wrap" }, JSON.stringify(one.binding.how)) : null],
    ["Usually has it", one.holders.join(", ")],
    ["Used by", one.codes.join(", ")],
  ];
  const lineage = h("div", {});
  box.replaceChildren(
    h("header", { class: "side-head" }, h("h2", {}, one.says), h("button", { type: "button", class: "knob close", "aria-label": "Close", on: { click: close } }, "×")),
    h("p", { class: "kpi-marks" }, stateOf(one.status)),
    h(
      "p",
      { class: "head-tools" },
      [
        tool("enter", one.value === null || one.value === undefined ? "Enter…" : "Correct…", () => enter(one, told, asked, reload, say), "do"),
        one.verifiable && one.id ? tool("verify", "Verify", doing("verify", { id: one.id, value: one.value }, "Verified.")) : null,
        tool("bind", one.binding ? "Change the query…" : "Bind to a query…", () => binder(one, told, reload, say)),
        one.binding ? tool("refresh", "Ask again", doing("refresh", { id: one.binding.id, period: told.period }, "Asked again.")) : null,
        one.binding ? tool("unbind", "Unbind", doing("unbind", { id: one.binding.id }, "Unbound; its values stay.")) : null,
        tool("enter", "Not reported…", () => none(one, asked, "not reported", reload, say)),
        tool("enter", "Does not apply…", () => none(one, asked, "not applicable", reload, say)),
      ].filter(Boolean),
    ),
    h("dl", { class: "facts" }, facts.filter(([, value]) => value).flatMap(([word, value]) => [h("dt", {}, word), h("dd", {}, value)])),
    lineage,
  );
  if (!one.id) return;
  try {
    const whole = await view("input", { id: one.id });
    const history = whole.history ?? [];
    lineage.replaceChildren(
      h("h3", {}, "Where it comes from"),
      h("dl", { class: "facts" }, Object.entries(whole.lineage ?? {}).filter(([name, value]) => name !== "ids" && value !== null && value !== "").flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, typeof value === "object" ? JSON.stringify(value) : String(value))])),
      (whole.lineage?.ids ?? []).length ? h("details", { class: "data" }, h("summary", {}, count(whole.lineage.entities ?? whole.lineage.ids.length, "entity", "entities")), h("ul", { class: "kpi-list" }, whole.lineage.ids.map((id) => h("li", {}, h("a", { href: `/entities/${id}` }, id))))) : "",
      history.length > 1 ? h("div", {}, h("h3", {}, "Earlier"), h("ul", { class: "kpi-list" }, history.slice(-10).reverse().map((it) => h("li", {}, h("time", {}, whenText(typeof it.at === "number" ? it.at / 1000 : Date.parse(it.at), now())), ` ${valued(it.value, one.unit)}`)))) : "",
    );
  } catch (problem) {
    lineage.replaceChildren(h("p", { class: "grave" }, problem.message));
  }
}

const evidence = (it) => (it && (it.text || it.url || it.file) ? [it.text ?? "", it.url && /^https?:\/\//.test(it.url) ? h("a", { href: it.url, rel: "noreferrer noopener", target: "_blank" }, ` ${new URL(it.url).hostname}`) : it.url ?? "", it.file ? h("span", { class: "sub code" }, it.file.slice(0, 16)) : ""] : null);

function enter(one, told, asked, reload, say) {
  const again = one.value !== null && one.value !== undefined;
  sheet(
    `${one.says}, ${told.period}`,
    [
      field("Value", text("value", 40, { required: true, inputmode: "decimal", value: "" })),
      field("Unit", text("unit", 40, { value: one.unit })),
      h("label", { class: "line" }, h("span", {}, "Evidence"), area("text", 1000, { placeholder: "where the number stands: register, report, page" })),
      field("Its address", text("url", 500, { type: "url", placeholder: "https://…" })),
      field("Papers", h("input", { name: "papers", type: "file", multiple: true, accept: ".pdf,.csv,.xlsx" })),
      again ? field("Why it changes", text("reason", 500, { required: true })) : null,
      h("p", { class: "hint" }, "With a decimal point or comma. Somebody else verifies it."),
    ].filter(Boolean),
    again ? "Correct it" : "Enter it",
    async ({ value, unit, text: words, url, papers, reason }) => {
      const it = typed(value);
      if (Number.isNaN(it)) throw new Error(`“${value}” can be read in two ways, or is no number. Write 1234 or 1234.5.`);
      const said = { ...asked, value: it, unit, evidence: { ...(words ? { text: words } : {}), ...(url ? { url } : {}) }, ...(again ? { correct: true, reason } : {}) };
      const chosen = [...(document.querySelector("#editor [name=papers]")?.files ?? [])];
      if (chosen.length || (papers && papers.size)) {
        const form = new FormData();
        for (const [name, one_] of Object.entries(said)) form.append(name, typeof one_ === "object" ? JSON.stringify(one_) : String(one_));
        for (const paper of chosen) form.append("file", paper);
        await send("enter", form);
      } else await act("enter", said);
      say(`${one.says} is entered.`);
      await reload();
    },
  );
}

function none(one, asked, status, reload, say) {
  sheet(status === "not reported" ? `${one.says}: not reported` : `${one.says}: does not apply here`, [field("Why", area("reason", 500, { required: true })), h("p", { class: "hint" }, status === "not reported" ? "It counts as missing, and the card says so." : "It counts as not missing: say why the city cannot have it.")], "Say so", async ({ reason }) => {
    await act("enter", { ...asked, status, reason });
    say(`${one.says}: ${status}.`);
    await reload();
  });
}

async function standard(told, reload, say) {
  try {
    const answer = await act("bind_standard", { framework: told.framework });
    say(answer.changed?.length ? `${count(answer.changed.length, "binding")} made: their inputs are computed from what the city knows.` : "Every input that the city can compute is bound already.");
    await reload();
  } catch (problem) {
    say(`${problem.message} ${problem.mend ?? ""}`, true);
  }
}

function upload(told, reload, say) {
  const report = h("div", { class: "kpi-report" });
  sheet(
    "Upload a filled template",
    [
      field("Sheet", h("input", { name: "file", type: "file", required: true, accept: ".xlsx,.csv" })),
      h("label", { class: "check" }, h("input", { name: "partly", type: "checkbox", value: "true" }), "Take what is in order, even if other rows are not"),
      h("label", { class: "check" }, h("input", { name: "correct", type: "checkbox", value: "true" }), "Values that are there already are corrected"),
      field("Why", text("reason", 500, { placeholder: "of a correction" })),
      report,
    ],
    "Upload",
    async ({ file: sent, partly, correct, reason }) => {
      if (!sent || !sent.size) throw new Error("Choose the filled sheet.");
      const form = new FormData();
      form.append("framework", told.framework);
      if (partly) form.append("partly", "true");
      if (correct) form.append("correct", "true");
      if (reason) form.append("reason", reason);
      form.append("file", sent);
      try {
        await send("upload", form);
      } catch (problem) {
        const bad = (problem.problem?.rows ?? []).filter((row) => !row.took);
        report.replaceChildren(bad.length ? h("ul", { class: "kpi-list" }, bad.slice(0, 50).map((row) => h("li", {}, h("b", {}, row.cell || `row ${row.row}`), ` ${row.input ?? ""}: ${row.says} `, row.mend ? h("span", { class: "quiet" }, row.mend) : null))) : "");
        throw problem;
      }
      say("The sheet is taken; the card is computed anew.");
      await reload();
    },
  );
}
