// The sheets of warnings: begin one from a template, change a draft, cancel; a list of recipients, a standing approval.

import { h } from "../dom.js";
import { sheet } from "../desk/acts.js";
import { area, choose, field, input } from "../incidents/told.js";
import { now } from "../base/start.js";
import { act, TONGUES } from "./told.js";

const iso = (text) => (text ? new Date(text).toISOString().replace(/\.\d+Z$/, "Z") : undefined);
const local = (text) => {
  const at = new Date(text ?? "");
  return Number.isNaN(at.getTime()) ? "" : new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};
const given = (said) => Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined && value !== ""));
const FIELDS = { place: "Place", low: "Lowest, °C", high: "Highest, °C", from: "From", until: "Until", assembly: "Go to", why: "Why", what: "What is over" };

/** Begin a warning: of which hazard, with what in its placeholders. */
export function begin(forms, done) {
  const names = Object.keys(forms.templates);
  const fields = h("div", {});
  const which = choose("template", [...names.map((name) => [name, `${forms.hazards[forms.templates[name].event]} (version ${forms.templates[name].version})`]), ["", "Words of my own"]], names[0]);
  const fill = () => {
    const one = forms.templates[which.value];
    fields.replaceChildren(
      ...(one
        ? one.fields.map((name) => field(FIELDS[name] ?? name, input(`v-${name}`, 120, { required: true })))
        : [field("Hazard", choose("event", Object.entries(forms.hazards), "other")), field("Severity", choose("severity", forms.severity, "Moderate")), field("Title (en)", input("title", 160)), field("Short (en)", input("short", 300)), h("label", { class: "stack" }, h("span", {}, "Text (en)"), area("body", 5000))]),
    );
  };
  which.addEventListener("change", fill);
  fill();
  sheet(
    "Write a warning",
    [field("From", which), fields, field("Area in words (en)", input("desc", 160, { placeholder: "the valley between the bridges" })), field("It is", choose("status", forms.status, "Actual")), h("p", { class: "hint" }, "It is a draft. You draw its area next; then somebody else approves it.")],
    "Begin",
    async (said) => {
      const one = forms.templates[said.template];
      const values = one ? Object.fromEntries(one.fields.map((name) => [name, said[`v-${name}`]])) : null;
      const place = said.desc || said["v-place"];
      const areaDesc = place ? Object.fromEntries(forms.languages.map((tongue) => [tongue, place])) : undefined;
      const made = one ? { template: said.template, values } : { event: said.event, severity: said.severity, texts: { en: { title: said.title, short: said.short, body: said.body } } };
      const told = await act("draft", given({ ...made, status: said.status, areaDesc }));
      done(told.changed.find((id) => id.includes(":Warning:")));
    },
  );
}

/** Change a draft. */
export function change(one, forms, done, verb = "edit") {
  const texts = one.words ?? {};
  const tongue = (code) =>
    h("details", { open: code === "en" }, h("summary", {}, TONGUES[code]), h("div", { lang: code, dir: code === "ar" ? "rtl" : "ltr" }, field("Title", input(`title-${code}`, 160, { value: texts[code]?.title ?? "" })), field("Short", input(`short-${code}`, 300, { value: texts[code]?.short ?? "" })), h("label", { class: "stack" }, h("span", {}, "Text"), area(`body-${code}`, 5000, {}, texts[code]?.body)), h("label", { class: "stack" }, h("span", {}, "What to do"), area(`do-${code}`, 5000, { rows: 2 })), field("Area in words", input(`desc-${code}`, 160, { value: one.areaDesc?.[code] ?? "" }))));
  const groups = forms.languages.map(tongue);
  groups.forEach((box, i) => {
    const code = forms.languages[i];
    box.querySelector(`[name=body-${code}]`).value = texts[code]?.body ?? "";
    box.querySelector(`[name=do-${code}]`).value = one.instruction?.[code] ?? "";
  });
  sheet(
    verb === "edit" ? "Change the draft" : "Update the warning",
    [
      field("Severity", choose("severity", forms.severity, one.severity)),
      field("Urgency", choose("urgency", forms.urgency, one.urgency)),
      field("Certainty", choose("certainty", forms.certainty, one.certainty)),
      field("It is", choose("status", forms.status, one.status)),
      field("Asks people to", choose("responseType", forms.responseType, one.responseType?.[0] ?? "None")),
      field("Ends", input("expires", 30, { type: "datetime-local", value: local(one.expires) })),
      field("Only for groups", input("groups", 300, { value: (one.groups ?? []).join(", "), placeholder: "empty: everybody" })),
      ...groups,
    ],
    verb === "edit" ? "Keep" : "Begin the update",
    async (said) => {
      const all = Object.fromEntries(forms.languages.filter((code) => said[`title-${code}`] || said[`short-${code}`] || said[`body-${code}`]).map((code) => [code, { title: said[`title-${code}`], short: said[`short-${code}`], body: said[`body-${code}`] }]));
      const map = (name) => Object.fromEntries(forms.languages.map((code) => [code, said[`${name}-${code}`]]).filter(([, value]) => value));
      const rest = one.responseType?.slice(1) ?? [];
      const told = await act(verb, given({ id: one.id, severity: said.severity, urgency: said.urgency, certainty: said.certainty, status: said.status, responseType: [...new Set([said.responseType, ...rest])], expires: iso(said.expires), groups: said.groups.split(",").map((word) => word.trim()).filter(Boolean), texts: all, instruction: map("do"), areaDesc: map("desc"), ...(verb === "edit" ? { seen: one.logged } : {}) }));
      done(told.changed.find((id) => id.includes(":Warning:")) ?? one.id);
    },
  );
}

/** Ask for a reason, and do it. */
export const because = (question, word, verb, id, done, hint = "") => sheet(question, [field("Why", input("reason", 500, { required: true })), hint ? h("p", { class: "hint" }, hint) : null].filter(Boolean), word, async ({ reason }) => done(await act(verb, { id, reason })));

/** That quiet hours and choices do not count. */
export const override = (one, done) => sheet("Reach everybody in the area", [field("Why", input("overrideReason", 500, { required: true })), h("p", { class: "hint" }, "Quiet hours and chosen hazards do not count then. For a supervisor or the command to say.")], "Reach everybody", async ({ overrideReason }) => (await act("edit", { id: one.id, override: true, overrideReason }), done()));

/** Import a list of recipients. */
export const bring = (done) =>
  sheet(
    "Import recipients",
    [h("label", { class: "stack" }, h("span", {}, "CSV with a head line"), area("csv", 400_000, { rows: 10, class: "mono", placeholder: "name,language,place,lon,lat,radius_m,email,sms,groups,contact,contact_phone" })), h("p", { class: "hint" }, "You vouch for these addresses. A wrong line is said with its number, and nothing is imported.")],
    "Import",
    async ({ csv }) => done(await act("import", { csv })),
  );

/** Propose a standing approval for an area. */
export function standing(kinds, geometry, done) {
  sheet(
    "Propose a standing approval",
    [
      field("Alerts of kind", choose("kind", kinds)),
      field("Severity at most", choose("severityMost", ["Severe", "Moderate", "Minor"], "Severe")),
      field("A night, at most", input("perNight", 3, { type: "number", min: 1, max: 50, value: 10 })),
      field("Until", input("until", 20, { type: "date", value: new Date(now() + 60 * 86_400_000).toISOString().slice(0, 10) })),
      field("Only for groups", input("groups", 300, { value: "growers" })),
      ...(geometry ? [] : [field("West, south", input("sw", 40, { placeholder: "17.0, 48.0", required: true })), field("East, north", input("ne", 40, { placeholder: "17.3, 48.2", required: true }))]),
      h("p", { class: "hint" }, "Such an alert becomes a warning at once, without anybody looking. A second person approves this."),
    ],
    "Propose",
    async (said) => {
      const corner = (text) => text.split(",").map(Number);
      const box = geometry ? null : [corner(said.sw), corner(said.ne)];
      const area = geometry ?? { type: "Polygon", coordinates: [[box[0], [box[1][0], box[0][1]], box[1], [box[0][0], box[1][1]], box[0]]] };
      done(await act("allow", { kind: said.kind, severityMost: said.severityMost, perNight: Number(said.perNight), until: `${said.until}T12:00:00Z`, groups: said.groups.split(",").map((word) => word.trim()).filter(Boolean), area }));
    },
  );
}
