// The sheets in which staff say what a dataset is, where it comes from, and how persons are guarded.

import { h } from "../dom.js";
import { sheet } from "../desk/acts.js";
import { area, choose, field, hint, inWords, LANGUAGES, send, stepsIn, stepsText, text } from "./told.js";

const words = (list) => String(list ?? "").split(/[,\n]+/).map((one) => one.trim()).filter(Boolean);
const said = (texts) => Object.fromEntries(Object.entries(texts).filter(([, value]) => value.length));

/** Write down that something could be open. */
export function inventory(proposals, does) {
  const free = proposals.filter((one) => !one.taken);
  const ready = choose("proposal", [["", "something of your own"], ...free.map((one) => [one.key, inWords(one.title)])], "");
  const own = h("div", {}, field("Key", text("key", 60, { class: "mono", placeholder: "bike-counters", pattern: "[a-z0-9][a-z0-9-]*" })), field("Title", text("title", 200)), field("Owner", text("owner", 200, { placeholder: "which department" })));
  ready.addEventListener("change", () => (own.hidden = Boolean(ready.value)));
  sheet("What could be open", [field("Of", ready), own, hint("The key stays: it is in every address of the dataset.")], "Write down", ({ proposal, key, title, owner }) => does("inventory", proposal ? { proposal } : { key: key.trim(), title, ...(owner.trim() ? { owner: owner.trim() } : {}) }, true));
}

/** Say what it is, in as many languages as one can. */
export function describe(one, choices, does) {
  const it = one.said;
  const columns = (it.columns?.length ? it.columns : one.candidate.columns ?? one.columns ?? []).map((column) => ({ name: column.name, unit: column.unit ?? "", says: column.says ?? {} }));
  const language = ([code, name], i) =>
    h("details", { class: "dat-tongue", open: i === 0 }, h("summary", {}, name),
      field("Title", text(`title.${code}`, 200, { value: it.title?.[code] ?? "", lang: code, dir: "auto" })),
      h("label", { class: "stack" }, h("span", {}, "Description"), area(`description.${code}`, 5_000, { lang: code, dir: "auto" }, it.description?.[code] ?? "")),
      field("Keywords", text(`keywords.${code}`, 2_000, { value: (it.keywords?.[code] ?? []).join(", "), lang: code, dir: "auto" })),
      columns.length ? h("div", { class: "dat-says" }, columns.map((column, n) => field(column.name, text(`says.${n}.${code}`, 1_000, { value: column.says?.[code] ?? "", lang: code, dir: "auto", placeholder: "what it means" })))) : null);
  sheet(
    `Describe ${one.title}`,
    [
      ...LANGUAGES.map(language),
      field("Licence", choose("licence", [["", "choose"], ...choices.licences.map((kind) => [kind.key, kind.name])], it.licence ?? "")),
      field("Renewed", choose("periodicity", choices.frequencies.map(({ key }) => [key, key.toLowerCase().replaceAll("_", " ")]), it.periodicity ?? "UNKNOWN")),
      h("fieldset", {}, h("legend", {}, "Themes"), h("div", { class: "dat-themes" }, choices.themes.map((theme) => h("label", { class: "check" }, h("input", { type: "checkbox", name: `theme.${theme.key}`, checked: (it.themes ?? []).includes(theme.key) }), theme.name)))),
      field("Publisher", text("publisher", 200, { value: inWords(it.publisher?.name) })),
      field("Contact", text("contact.name", 200, { value: it.contact?.name ?? "", placeholder: "who answers" })),
      field("E-mail", text("contact.email", 254, { type: "email", value: it.contact?.email ?? "" })),
      columns.length ? h("fieldset", {}, h("legend", {}, "Units"), h("div", { class: "dat-says" }, columns.map((column, n) => field(column.name, text(`unit.${n}`, 40, { value: column.unit }))))) : null,
    ].filter(Boolean),
    "Keep",
    (form) => {
      const byLanguage = (name, read = (value) => value.trim()) => said(Object.fromEntries(LANGUAGES.map(([code]) => [code, read(form[`${name}.${code}`] ?? "")])));
      const told = {
        id: one.id,
        title: byLanguage("title"),
        description: byLanguage("description"),
        keywords: byLanguage("keywords", words),
        themes: choices.themes.map(({ key }) => key).filter((key) => form[`theme.${key}`]),
        periodicity: form.periodicity,
      };
      if (form.licence) told.licence = form.licence;
      if (form.publisher.trim()) told.publisher = { ...(it.publisher ?? {}), name: form.publisher.trim() };
      const contact = said({ name: form["contact.name"].trim(), email: form["contact.email"].trim(), url: it.contact?.url ?? "" });
      if (contact.email || contact.url) told.contact = contact;
      if (columns.length) told.columns = columns.map((column, n) => ({ name: column.name, unit: form[`unit.${n}`].trim(), says: said(Object.fromEntries(LANGUAGES.map(([code]) => [code, (form[`says.${n}.${code}`] ?? "").trim()]))) }));
      for (const name of ["description", "keywords"]) if (!Object.keys(told[name]).length) delete told[name];
      if (!told.themes.length) delete told.themes;
      return does("describe", told, true);
    },
  );
}

const GUARDS = [["open", "labelled open: nothing else leaves"], ["cells", "counted, no cell below k persons"], ["none", "a sheet that is about no person"], ["rows", "a sheet about persons, groups of k at least"]];

function guardFields(guard, kinds) {
  const kind = choose("guard", GUARDS.filter(([name]) => kinds.includes(name)), guard?.kind ?? kinds[0]);
  const measures = (guard?.measures ?? []).map((one) => `${one.as}${one.of ? ` ${one.of}` : ""} ${one.name ?? ""}`.trim()).join(", ");
  const more = h("div", {},
    field("By", text("by", 500, { value: (guard?.by ?? []).join(", "), placeholder: "columns that could tell somebody apart" })),
    field("k", text("k", 6, { type: "number", min: 2, value: guard?.k ?? "", placeholder: "the city's own" })),
    field("Person", text("person", 120, { value: guard?.person ?? "", placeholder: "column that says whose it is, if any" })));
  const counted = h("div", {}, field("Counted", text("measures", 500, { value: measures, placeholder: "count n, mean wait_s wait" })));
  const rows = h("div", {}, field("Sensitive", text("sensitive", 120, { value: guard?.sensitive ?? "" })), field("l", text("l", 4, { type: "number", min: 2, value: guard?.l ?? "" })));
  const show = () => {
    more.hidden = !["cells", "rows"].includes(kind.value);
    counted.hidden = kind.value !== "cells";
    rows.hidden = kind.value !== "rows";
  };
  kind.addEventListener("change", show);
  show();
  return [field("Persons", kind), more, counted, rows];
}

function guardIn(form, before) {
  const guard = { kind: form.guard };
  if (!["cells", "rows"].includes(form.guard)) return guard;
  Object.assign(guard, { by: words(form.by) });
  if (form.k) guard.k = Number(form.k);
  if (form.person.trim()) guard.person = form.person.trim();
  if (form.guard === "rows" && form.sensitive.trim()) Object.assign(guard, { sensitive: form.sensitive.trim(), l: Number(form.l || 2) });
  if (form.guard === "cells") {
    guard.measures = words(form.measures).map((one) => {
      const [as, ...rest] = one.split(/\s+/);
      return rest.length > 1 ? { as, of: rest[0], name: rest[1] } : { as, name: rest[0] ?? as };
    });
    if (!guard.measures.length) delete guard.measures;
    for (const name of ["closed", "share"]) if (before?.[name] !== undefined) guard[name] = before[name];
  }
  return guard;
}

/** Say what is to leave, by which steps, and how persons are guarded. */
export function propose(one, does) {
  const from = [one.pending, { source: one.source, steps: one.steps, guard: one.guard }, one.suggested].find((it) => it?.source?.kind) ?? { source: { kind: "entities" }, steps: [], guard: { kind: "open" } };
  const kind = choose("kind", [["entities", "entities, as they are"], ["history", "entities, over time"], ["sheet", "the sheet that was uploaded"]], from.source.kind);
  const live = h("div", {},
    field("Type", text("type", 300, { value: from.source.type ?? "", placeholder: "WeatherObserved" })),
    field("Attributes", text("attributes", 3_000, { value: (from.source.attributes ?? []).join(", ") })),
    field("Only", text("q", 1_000, { class: "mono", value: from.source.q ?? "", placeholder: 'status=="open"' })));
  const days = h("div", {}, field("Days", text("days", 5, { type: "number", min: 1, value: from.source.days ?? 365 })));
  const show = () => {
    live.hidden = kind.value === "sheet";
    days.hidden = kind.value !== "history";
  };
  kind.addEventListener("change", show);
  show();
  sheet(
    `Propose ${one.title}`,
    [
      field("From", kind), live, days,
      h("label", { class: "stack" }, h("span", {}, "Steps, one in a line"), area("steps", 8_000, { class: "mono", spellcheck: "false", rows: 4, placeholder: "round lon 0.001\ntruncate time hour\ndrop geometry" }, stepsText(from.steps))),
      hint("keep, drop: columns. rename old new. round column 0.01. truncate column hour. band column 10. where column == value."),
      ...guardFields(from.guard, GUARDS.map(([name]) => name)),
    ],
    "Propose",
    (form) => {
      const source = form.kind === "sheet" ? { kind: "sheet" } : { kind: form.kind, type: form.type.trim(), attributes: words(form.attributes), ...(form.q.trim() ? { q: form.q.trim() } : {}), ...(form.kind === "history" ? { days: Number(form.days || 365) } : {}) };
      return does("propose", { id: one.id, source, steps: stepsIn(form.steps), guard: guardIn(form, from.guard) }, true);
    },
  );
}

/** Send a sheet as what it is made of. */
export function upload(one, done) {
  const again = one.status === "published" && one.source?.kind === "sheet";
  sheet(
    `Upload a sheet for ${one.title}`,
    [field("Sheet", h("input", { type: "file", name: "file", accept: ".csv,.xlsx,text/csv", required: true })), hint("CSV or XLSX, up to 64 MB and a million rows. The first row names the columns."), ...(again ? [hint("It is the next edition of what two people agreed upon: it is released as it comes.")] : guardFields(one.pending?.guard ?? one.guard, ["none", "rows"]))],
    "Upload",
    async (form) => {
      if (!form.file?.size) throw new Error("Choose a file first.");
      await send("upload", { id: one.id, ...(again ? {} : { guard: JSON.stringify(guardIn(form)) }), file: form.file });
      await done("Uploaded; its table is being made.");
    },
  );
}
