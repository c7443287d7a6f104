// The sheets of an incident's page: each asks what an act needs, and a refusal stands in it with nothing lost.

import { h } from "../dom.js";
import { sheet } from "../desk/acts.js";
import { area, attach, choose, field, inMinutes, input, page, POSTS, SEVERITIES, view, who } from "./told.js";
import { said as saidOf } from "./work.js";

const WORDS = { verified: "Verify", open: "Open", contained: "Contain", resolved: "Resolve", reviewed: "Close the review" };
const raise = { raise: true };
const person = (name, value = "", more = {}) => input(name, 200, { value, placeholder: "person:…, or a name", ...more });
const hint = (words) => h("p", { class: "hint" }, words);
const minutes = (value = 30) => h("span", { class: "with-unit" }, input("minutes", 6, { type: "number", min: 1, value, required: true }), h("span", { class: "quiet" }, "minutes from now"));
const ids = (text) => text.split(/[\s,]+/).filter(Boolean);

export const sheets = {
  move: (desk, to) => sheet(`${WORDS[to]}?`, [to === "open" && !desk.it.incident.commander ? hint("Name a commander first.") : null, field("Reason", area("reason", 20_000, { rows: 3 }))].filter(Boolean), WORDS[to], ({ reason }) => desk.do("move", desk.id, { to, ...(reason.trim() ? { reason } : {}) }, raise)),
  post: (desk, chosen) => sheet("Who is who", [field("Post", choose("post", POSTS, chosen)), field("Who", person("person", "", { required: true }))], "Name", ({ post, person: whom }) => desk.do("post", desk.id, { post, person: whom }, raise)),
  describe: (desk) => {
    const was = desk.it.incident;
    sheet(
      "Edit the incident",
      [field("Name", input("name", 200, { value: was.name, required: true })), field("Severity", choose("severity", SEVERITIES, was.severity)), field("Category", input("category", 60, { value: was.category ?? "" })), h("label", { class: "line" }, h("span", {}, "What happened"), h("textarea", { name: "description", rows: 6, maxlength: 20_000 }, was.description ?? ""))],
      "Keep",
      (words) => {
        const new_ = Object.fromEntries(Object.entries(words).filter(([name, value]) => value !== (was[name] ?? "")));
        return desk.do("describe", desk.id, { ...new_, was: Object.fromEntries(Object.keys(new_).map((name) => [name, was[name] ?? ""])) }, raise);
      },
    );
  },
  area: (desk) => sheet("The area as text", [h("label", { class: "stack" }, h("span", {}, "GeoJSON Polygon"), h("textarea", { name: "area", rows: 8, maxlength: 100_000, class: "mono" }, desk.it.incident.area ? JSON.stringify(desk.it.incident.area) : '{"type": "Polygon", "coordinates": [[[lon, lat], …]]}'))], "Keep", ({ area: text }) => desk.do("area", desk.id, { area: parsed(text) }, raise)),
  objective: (desk) => sheet("What is to be reached?", [field("Objective", area("text", 1_000, { rows: 3, required: true }))], "Add", ({ text }) => desk.do("objective", desk.id, { text }, raise)),
  task: (desk) => sheet("A task", [field("What", input("name", 200, { required: true })), field("Owner", person("owner", "", { required: true })), field("Due", minutes()), field("How", area("text", 5_000, { rows: 2 }))], "Add", ({ name, owner, minutes: many, text }) => desk.do("task", desk.id, { name, owner, due: inMinutes(many, desk.now()), ...(text.trim() ? { text } : {}) }, raise)),
  editTask: (desk, one) => sheet(`Change: ${one.name}`, [field("Owner", person("owner", one.owner, { required: true })), field("Due", h("span", { class: "with-unit" }, input("minutes", 6, { type: "number", min: 1, placeholder: "as it is" }), h("span", { class: "quiet" }, "minutes from now")))], "Change", ({ owner, minutes: many }) => desk.do("edit-task", one.id, { ...(owner !== one.owner ? { owner } : {}), ...(many ? { due: inMinutes(many, desk.now()) } : {}) }, raise)),
  drop: (desk, one) => sheet(`Drop: ${one.name}`, [field("Why", area("text", 5_000, { rows: 3, required: true }))], "Drop", ({ text }) => desk.do("drop-task", one.id, { text }, raise)),
  link: (desk) => sheet("Link to this incident", [field("Alarms", area("alarms", 10_000, { rows: 2, class: "mono", placeholder: "ids" })), field("Others", area("entities", 10_000, { rows: 2, class: "mono", placeholder: "ids of entities" }))], "Link", ({ alarms, entities }) => desk.do("link", desk.id, { alarms: ids(alarms), entities: ids(entities) }, raise)),
  need: (desk) => sheet("What is needed", [field("Capability", input("capability", 100, { required: true, placeholder: "pump, team, ambulance …" })), field("How many", input("count", 4, { type: "number", min: 0, value: 1, required: true })), field("Priority", choose("priority", SEVERITIES, desk.it.incident.severity)), hint("None of it any more: 0.")], "Say", ({ capability, count, priority }) => desk.do("need", desk.id, { capability, count: Number(count), priority }, raise)),
  cost: (desk) => sheet("A cost", [field("What", input("what", 200, { required: true })), field("Amount", input("amount", 16, { inputmode: "decimal", required: true })), field("Currency", input("currency", 3, { value: "EUR", required: true }))], "Note", ({ what, amount, currency }) => desk.do("cost", desk.id, { what, amount: Number(amount.replace(",", ".")), currency: currency.toUpperCase() }, raise)),
  void: (desk, one) => sheet(`Void: ${one.what}`, [field("Why", area("reason", 1_000, { rows: 3, required: true }))], "Void", ({ reason }) => desk.do("cost", desk.id, { void: one.n, reason }, raise)),
  attach: (desk) => {
    const given = input("file", null, { type: "file", required: true, accept: "image/jpeg,image/png,image/webp,image/gif,application/pdf,video/mp4,text/plain" });
    sheet("A file", [field("File", given), field("What it shows", input("caption", 200)), hint("JPEG, PNG, WebP, GIF, PDF, MP4 or text, up to 25 MB. Whoever sees this incident sees it; it is not looked at for viruses.")], "Attach", async ({ caption }) => {
      if (!given.files[0]) throw Object.assign(new Error("Choose a file."), { mend: "" });
      await attach(desk.id, given.files[0], caption.trim());
      await desk.again();
    });
  },
  detach: (desk, one) => sheet(`Take away: ${one.name}`, [field("Why", area("reason", 1_000, { rows: 3, required: true })), hint("Its bytes go for good; the log keeps that it was there, and its hash.")], "Take away", ({ reason }) => desk.do("detach", desk.id, { sha256: one.sha256, reason }, raise)),
  finding: (desk) =>
    sheet(
      "A finding",
      [field("Kind", choose("kind", [["went-well", "Went well"], ["improve", "To improve"], ["decision", "A decision, looked back on"], ["action", "An action to take"]], "improve")), field("What", area("text", 5_000, { required: true })), field("Owner", person("owner", "", { placeholder: "of an action" })), field("Days", input("days", 4, { type: "number", min: 1, placeholder: "until it is done" }))],
      "Add",
      ({ kind, text, owner, days }) => desk.do("finding", desk.id, { kind, text, ...(kind === "action" ? { owner, due: inMinutes(Number(days || 30) * 1440, desk.now()) } : {}) }, raise),
    ),
  async merge(desk) {
    const { incidents } = await view("list");
    const others = incidents.filter((one) => one.id !== desk.id && one.drill === desk.it.incident.drill);
    sheet("Merge this incident into another", [others.length ? null : hint("There is no other that goes on."), field("Into", choose("into", others.map((one) => [one.id, `${one.name} (${one.id.split(":").pop()})`]))), field("Why", area("reason", 20_000, { rows: 3 })), hint("Its alarms and links go over; its tasks, runs and log are shown there. Nothing is lost.")].filter(Boolean), "Merge", async ({ into, reason }) => {
      await desk.do("merge", desk.id, { into, ...(reason.trim() ? { reason } : {}) }, raise);
      location.assign(page(into));
    });
  },
  split: (desk) => {
    const { it } = desk;
    const box = (kind, one, word) => h("label", { class: "check" }, h("input", { type: "checkbox", name: `${kind} ${one.id}` }), word);
    const list = (kind, word, many, name) => (many.length ? h("fieldset", { class: "inc-picks" }, h("legend", {}, word), many.slice(0, 200).map((one) => box(kind, one, name(one)))) : null);
    sheet("Split off a second incident", [field("Name", input("name", 200, { required: true })), list("alarms", "Alarms that go with it", it.alarms, (one) => one.description ?? one.name), list("links", "Links", it.links, (one) => one.name), list("tasks", "Tasks", it.tasks.rows, (one) => one.name), field("Why", area("reason", 20_000, { rows: 2 }))].filter(Boolean), "Split", async ({ name, reason, ...boxes }) => {
      const of = (kind) => Object.keys(boxes).filter((one) => one.startsWith(`${kind} `)).map((one) => one.slice(kind.length + 1));
      const told = await desk.do("split", desk.id, { name, alarms: of("alarms"), links: of("links"), tasks: of("tasks"), ...(reason.trim() ? { reason } : {}) }, raise);
      location.assign(page(told.changed[0]));
    });
  },
  async run(desk, book) {
    const { books } = book ? { books: [book] } : await view("books");
    const known = books.map((one) => [one.id, `${one.name} (version ${one.version})`]);
    const fields = h("div", { class: "stack" });
    const select = choose("book", known);
    const asks = () => {
      const one = books.find(({ id }) => id === select.value);
      fields.replaceChildren(...(one?.asks ?? []).map((name) => field(one.needs?.[name.slice(1)] ?? name, input(name, 2_048, { class: "mono", placeholder: name === "$source" ? "the source of its alarm" : "an id" }))));
    };
    select.addEventListener("change", asks);
    asks();
    sheet("Start a run-book", [books.length ? null : hint("No run-book is in use yet."), field("Run-book", select), fields, h("label", { class: "check" }, h("input", { type: "checkbox", name: "drill", checked: desk.it.incident.drill, disabled: desk.it.incident.drill }), "Only try it: a drill sends nothing")].filter(Boolean), "Start", ({ book: ident, drill, ...words }) => desk.do("run", desk.id, { book: ident, with: Object.fromEntries(Object.entries(words).filter(([, value]) => value.trim()).map(([name, value]) => [name.slice(1), value.trim()])), ...(drill ? { drill: true } : {}) }, raise));
  },
  step: (desk, one, step) =>
    sheet(
      step.title,
      [step.text ? h("p", {}, step.text) : null, step.kind === "manual" ? null : h("p", {}, saidOf(step)), one.drill && step.kind !== "manual" ? hint("A drill: nothing is sent.") : null, h("label", { class: "line" }, h("span", {}, step.evidence ? "Evidence" : "Note"), h("textarea", { name: "text", rows: 3, maxlength: 5_000 })), field("Reading of", input("entity", 2_048, { class: "mono", placeholder: "an entity's id" })), field("Attribute", input("attribute", 200)), field("Links", input("links", 5_000, { class: "mono", placeholder: "https://…" }))].filter(Boolean),
      step.kind === "notify" ? "Send the notice" : step.kind === "command" ? "Send the command" : "Done",
      ({ text, entity, attribute, links }) => desk.do("do-step", one.id, { step: step.id, ...(text.trim() ? { text } : {}), ...(entity.trim() ? { capture: [{ entity: entity.trim(), attribute: attribute.trim() }] } : {}), ...(links.trim() ? { links: ids(links) } : {}) }, raise),
    ),
  skip: (desk, one, step) => sheet(`Skip: ${step.title}`, [field("Why", area("text", 5_000, { rows: 3, required: true }))], "Skip", ({ text }) => desk.do("skip-step", one.id, { step: step.id, text }, raise)),
  decide: (desk, one, step) => sheet(`Decide: ${step.title}`, [h("p", { class: "quiet" }, saidOf(step)), field("It holds", choose("answer", [["yes", "yes"], ["no", "no"]])), field("Why", area("text", 5_000, { rows: 3, required: true }))], "Decide", ({ answer, text }) => desk.do("decide-step", one.id, { step: step.id, answer: answer === "yes", text }, raise)),
  assign: (desk, one, step) => sheet(`Who does it: ${step.title}`, [field("Owner", person("owner", who(step.owner) === step.owner ? "" : step.owner, { required: true }))], "Assign", ({ owner }) => desk.do("assign-step", one.id, { step: step.id, owner }, raise)),
  stop: (desk, one) => sheet(`Stop: ${one.name}`, [field("Why", area("text", 5_000, { rows: 3, required: true }))], "Stop", ({ text }) => desk.do("stop-run", one.id, { text }, raise)),
};

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text; // the city says what is wrong with it
  }
}
