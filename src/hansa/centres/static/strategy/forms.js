// The sheets of strategy: a measure, its next state, an agreement, a rule, a sandbox, phases, gates, the questionnaire.

import { h } from "../dom.js";
import { sheet } from "../desk/acts.js";
import { area, field, inWords, number, pick, rows, text } from "./told.js";

const EFFECT = "framework | code | change | unit | years | area";
const lines = (said) => String(said ?? "").split("\n").map((one) => one.trim()).filter(Boolean);
const list = (said) => String(said ?? "").split(",").map((word) => word.trim()).filter(Boolean);
const stack = (word, control, hint = null) => h("label", { class: "stack" }, h("span", {}, word), control, hint ? h("span", { class: "hint plain" }, hint) : null);
const day = (name, value) => text(name, 10, { placeholder: "2026-01-01", value: value ?? "" });
const some = (value) => (Array.isArray(value) ? value.length > 0 : value !== "" && value !== null && value !== undefined);

/** A measure, added or said anew: `all` are the others, for what it waits for. */
export function measure(it, all, send) {
  const names = new Map(all.map((one) => [one.name, one.id]));
  const effects = (it?.effects ?? []).map((e) => [e.framework, e.code, e.change, e.unit, e.perYears, e.area].join(" | ")).join("\n");
  sheet(
    it ? `Edit ${it.name}` : "Propose a measure",
    [
      field("Name", text("name", 150, { required: true, value: it?.name ?? "" })),
      field("Department", text("department", 60, { required: true, value: it?.department ?? "" })),
      field("Owner", text("owner", 90, { required: true, value: it?.owner ?? "", placeholder: "person:…, or a name" })),
      field("From", day("from", it?.from)),
      field("Until", day("until", it?.until)),
      field("Looked at", day("reviewAt", it?.reviewAt)),
      field("Phase", text("phase", 60, { value: it?.phase ?? "" })),
      field("Capital", text("capital", 16, { inputmode: "decimal", value: it?.cost?.capital ?? "" })),
      field("A year", text("yearly", 16, { inputmode: "decimal", value: it?.cost?.yearly ?? "" })),
      field("Currency", text("currency", 3, { value: it?.cost?.currency ?? "EUR" })),
      field("Prices of", text("year", 4, { inputmode: "numeric", value: it?.cost?.year ?? "" })),
      field("Benefit", text("benefitYearly", 16, { inputmode: "decimal", value: it?.benefitYearly ?? "", placeholder: "a year, in money" })),
      field("People", text("beneficiaries", 12, { inputmode: "decimal", value: it?.beneficiaries ?? "" })),
      stack("Who pays, one a line", area("funding", 2000, (it?.funding ?? []).map((f) => [f.kind, f.share, f.source ?? ""].join(" | ")).join("\n")), "public, mixed or private | share in % | source; together 100"),
      stack("Payments by their days, one a line", area("payments", 8000, (it?.payments ?? []).map((one) => `${one.on} | ${one.amount}`).join("\n")), "2026-05-01 | -40000; what is paid is below zero"),
      stack("What it is to move, one a line", area("effects", 4000, effects, { class: "mono" }), EFFECT),
      stack("Waits for, one a line", area("dependsOn", 4000, (it?.needs ?? []).map((one) => one.name).join("\n"))),
      field("Workflows", text("workflows", 1000, { value: (it?.workflows ?? []).join(", ") })),
      stack("Building blocks, one a line", area("blocks", 2000, (it?.blocks ?? []).map((b) => [b.name, b.cost ?? ""].join(" | ")).join("\n")), "name | what it would cost alone"),
      field("SDG targets", text("sdg", 200, { value: (it?.sdg ?? []).join(", "), placeholder: "11.2, 9.1" })),
      stack("Stakeholders, one a line", area("stakeholders", 2000, (it?.stakeholders ?? []).map((one) => `${one.name} | ${one.role}`).join("\n")), "name | role"),
      stack("Summary", area("summary", 4000, it?.summary ?? "")),
    ],
    "Keep",
    (said) => {
      const cost = said.capital || said.yearly ? { capital: number(said.capital || 0), yearly: number(said.yearly || 0), currency: said.currency, year: number(said.year) } : null;
      const whole = {
        ...Object.fromEntries(["name", "department", "owner", "from", "until", "reviewAt", "phase", "summary"].map((name) => [name, said[name].trim()])),
        cost,
        benefitYearly: said.benefitYearly ? number(said.benefitYearly) : null,
        beneficiaries: said.beneficiaries ? number(said.beneficiaries) : null,
        funding: rows(said.funding).map(([kind, share, source]) => ({ kind, share: number(share), ...(source ? { source } : {}) })),
        payments: rows(said.payments).map(([on, amount]) => ({ on, amount: number(amount) })),
        effects: rows(said.effects).map(([framework, code, change, unit, perYears, place]) => ({ framework, code, change: number(change), unit: unit ?? "", perYears: number(perYears), ...(place ? { area: place } : {}) })),
        dependsOn: lines(said.dependsOn).map((one) => names.get(one) ?? one),
        workflows: list(said.workflows),
        blocks: rows(said.blocks).map(([name, sum]) => ({ name, ...(sum ? { cost: number(sum) } : {}) })),
        sdg: list(said.sdg),
        stakeholders: rows(said.stakeholders).map(([name, role]) => ({ name, role: role ?? "" })),
      };
      return send("measure", it ? { id: it.id, ...Object.fromEntries(Object.entries(whole).map(([name, value]) => [name, some(value) || name === "summary" ? value : null])) } : Object.fromEntries(Object.entries(whole).filter(([, value]) => some(value))));
    },
  );
}

/** What becomes of a measure. */
export const decide = (it, to, send) => sheet(`${it.name}: ${inWords(to)}`, [field("Why", text("reason", 1000, { required: ["dropped", "proposed"].includes(to) }))], inWords(to), ({ reason }) => send("decide", { id: it.id, status: to, ...(reason ? { reason } : {}) }));

/** An outcome was looked at. */
export const review = (it, send) => sheet(`Looked at: ${it.name}`, [stack("What is to be learnt", area("note", 1000, "", { required: true })), field("Again on", day("reviewAt"))], "Keep", ({ note, reviewAt }) => send("review", { id: it.id, note, ...(reviewAt ? { reviewAt } : {}) }));

/** Something of the register. */
export const entries = {
  agreement: (send) => sheet("Enter an agreement", [field("Name", text("name", 150)), field("Kind", pick("kind", ["memorandum", "contract", "partnership", "data-sharing", "concession"])), stack("Parties, one a line", area("parties", 4000), "name | duty; duty"), field("From", day("from")), field("Until", day("until")), field("Looked at", day("reviewAt")), stack("Summary", area("summary", 4000))], "Keep", (said) => send("agreement", { ...said, parties: rows(said.parties).map(([name, duties]) => ({ name, duties: (duties ?? "").split(";").map((one) => one.trim()).filter(Boolean) })) })),
  rule: (send) => sheet("Enter a rule", [field("Name", text("name", 150)), field("Kind", pick("kind", ["by-law", "standard", "data-protection", "procurement", "law", "guideline"])), field("State", pick("state", ["draft", "in-force", "ended"])), field("Reference", text("reference", 150)), field("Authority", text("authority", 150)), field("From", day("from")), field("Until", day("until")), stack("Summary", area("summary", 4000))], "Keep", (said) => send("rule", Object.fromEntries(Object.entries(said).filter(([name, value]) => value || name === "summary")))),
  sandbox: (send) => sheet("Enter a regulatory sandbox", [field("Name", text("name", 150)), stack("Scope", area("scope", 4000)), field("Authority", text("authority", 150)), field("From", day("from")), field("Until", day("until")), stack("Safeguards, one a line", area("safeguards", 4000)), stack("Criteria by which it is judged, one a line", area("exit", 4000))], "Keep", (said) => send("sandbox", { ...said, safeguards: lines(said.safeguards), exit: lines(said.exit) })),
};

/** The end of a sandbox: each criterion, the result. */
export const sandboxEnd = (it, send) => sheet(`End ${it.name}`, [...it.exit.map((one, i) => h("fieldset", {}, h("legend", {}, one), h("label", { class: "check" }, h("input", { type: "checkbox", name: `met-${i}` }), "met"), text(`note-${i}`, 1000, { "aria-label": `Note on: ${one}` }))), field("Result", pick("result", ["adopted", "changed", "stopped", "prolonged"])), stack("Report", area("report", 4000))], "End", (said) => send("sandbox-end", { id: it.id, result: said.result, report: said.report, criteria: it.exit.map((_, i) => ({ met: said[`met-${i}`] === "on", note: said[`note-${i}`] ?? "" })) }));

/** The phases of the plan. */
export const phases = (all, send) => sheet("The phases of the plan", [stack("One a line", area("phases", 8000, all.map((one) => [one.name, one.from, one.until, one.goal ?? ""].join(" | ")).join("\n"), { class: "mono" }), "name | from | until | goal")], "Keep", (said) => send("phases", { phases: rows(said.phases).map(([name, from, until, goal]) => ({ name, from, until, goal: goal ?? "" })) }));

/** What opens a stage. */
export const gates = (stage, all, send) => sheet(`What opens the stage ${inWords(stage)}`, [stack("Criteria, one a line", area("criteria", 8000, all.map((one) => [one.framework, one.code, one.op, one.value, one.unit ?? ""].join(" | ")).join("\n"), { class: "mono" }), "framework | code | >=, <=, > or < | value | unit")], "Keep", (said) => send("gates", { stage, criteria: rows(said.criteria).map(([framework, code, op, value, unit]) => ({ framework, code, op, value: number(value), unit: unit ?? "" })) }));

/** The questions about the city. */
export const questions = (told, send) => sheet("What kind of city is it?", Object.entries(told.questions).map(([name, one]) => stack(one.asks, pick(name, Object.entries(one.choices), told.answers[name], "not known"))), "Keep", (said) => send("profile", { answers: Object.fromEntries(Object.entries(said).filter(([, value]) => value)) }));

/** Another kind than the answers speak for, with the reason. */
export const kind = (told, send) => sheet("Another kind of city", [field("Kind", pick("kind", Object.keys(told.types), told.judged.kind)), field("Why", text("reason", 1000, { required: true }))], "Keep", (said) => send("profile", said));

/** The next stage. */
export const stage = (told, send) => sheet(told.next ? `Go to ${inWords(told.next)}` : "Go to a stage", [field("Stage", pick("stage", told.stages, told.next ?? told.stage)), field("Why", text("reason", 1000, { placeholder: told.open ? "" : "its criteria are not met: say why all the same" }))], "Go", (said) => send("stage", { stage: said.stage, ...(said.reason ? { reason: said.reason } : {}) }));
