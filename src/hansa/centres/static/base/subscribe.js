// A new subscription: fields that write the document, and the document, which is what is sent.

import { h, put } from "../dom.js";
import { ask, API } from "../doors.js";
import { headers } from "./asked.js";
import { copier, fault } from "./start.js";

const TRIGGERS = [["entityCreated", "entity made"], ["entityUpdated", "entity changed"], ["entityDeleted", "entity deleted"], ["attributeCreated", "attribute made"], ["attributeUpdated", "attribute changed"], ["attributeDeleted", "attribute deleted"]];
const words = (text) => text.split(/[\s,]+/).filter(Boolean);

/** The form in `box`, begun from a query; `done(id)` when it was taken, `close` when it is not wanted. */
export function subscribeForm(box, query, { done, close }) {
  const field = (name, more = {}) => {
    const made = h("input", { name, ...more });
    made.value = more.value ?? "";
    return made;
  };
  const line = (word, ...inner) => h("label", { class: "line" }, h("span", {}, word), ...inner);
  const f = {
    name: field("subscriptionName", { placeholder: "what people call it" }),
    type: field("type", { value: query.type, placeholder: "WeatherObserved" }),
    id: field("id", { value: query.id, class: "mono", placeholder: "any" }),
    idPattern: field("idPattern", { value: query.idPattern, class: "mono", placeholder: "any" }),
    q: field("q", { value: query.q, class: "mono", placeholder: "none" }),
    scopeQ: field("scopeQ", { value: query.scopeQ, class: "mono", placeholder: "any" }),
    watched: field("watchedAttributes", { placeholder: "any; temperature, dewPoint" }),
    shows: field("attributes", { value: (query.pick ?? "").split(",").filter((one) => one && one !== "id" && one !== "type").join(", "), placeholder: "all" }),
    uri: field("uri", { class: "mono", type: "url", required: true, placeholder: "https://… or mqtt://broker/topic" }),
    throttling: field("throttling", { inputmode: "numeric", placeholder: "each one" }),
    interval: field("timeInterval", { inputmode: "numeric", placeholder: "on change" }),
    expires: field("expiresAt", { class: "mono", placeholder: "never; 2027-01-01T00:00:00Z" }),
    tenant: field("tenant", { value: query.tenant, class: "mono", placeholder: "the city's own" }),
    context: field("context", { value: query.context, class: "mono", placeholder: "the core context" }),
  };
  const format = h("select", { name: "format" }, ["normalized", "concise", "simplified"].map((one) => h("option", {}, one)));
  if (/concise|simplified/.test(query.options ?? "")) format.value = query.options;
  const accept = h("select", { name: "accept" }, ["application/json", "application/ld+json", "application/geo+json"].map((one) => h("option", {}, one)));
  const boxes = TRIGGERS.map(([name, word]) => h("label", { class: "check" }, h("input", { type: "checkbox", value: name }), ` ${word}`));
  const changes = h("input", { type: "checkbox", name: "showChanges" });
  const text = h("textarea", { class: "mono", rows: "14", name: "document", spellcheck: "false", "aria-label": "The document that is sent" });
  const said = h("div", {});
  const hint = h("p", { class: "hint" });
  const go = h("button", { type: "submit", class: "do" }, "Subscribe");

  function document_() {
    const value = (one) => one.value.trim();
    const entity = { ...(value(f.id) ? { id: words(value(f.id)).length > 1 ? words(value(f.id)) : value(f.id) } : {}), ...(value(f.idPattern) ? { idPattern: value(f.idPattern) } : {}) };
    const types = value(f.type) ? words(value(f.type)) : entity.id || entity.idPattern ? ["*"] : [];
    const triggers = boxes.map((one) => one.firstChild).filter((one) => one.checked).map((one) => one.value);
    const geo = query.georel ? { georel: query.georel, geometry: query.geometry ?? "Point", coordinates: parsed(query.coordinates), ...(query.geoproperty ? { geoproperty: query.geoproperty } : {}) } : null;
    const seconds = (one) => (value(one) ? Number(value(one)) : undefined);
    return {
      type: "Subscription",
      ...(value(f.name) ? { subscriptionName: value(f.name) } : {}),
      ...(types.length ? { entities: types.map((type) => ({ type, ...entity })) } : {}),
      ...(value(f.watched) ? { watchedAttributes: words(value(f.watched)) } : {}),
      ...(value(f.q) ? { q: value(f.q) } : {}),
      ...(value(f.scopeQ) ? { scopeQ: value(f.scopeQ) } : {}),
      ...(geo ? { geoQ: geo } : {}),
      ...(triggers.length ? { notificationTrigger: triggers } : {}),
      ...(seconds(f.interval) === undefined ? {} : { timeInterval: seconds(f.interval) }),
      ...(seconds(f.throttling) === undefined ? {} : { throttling: seconds(f.throttling) }),
      ...(value(f.expires) ? { expiresAt: value(f.expires) } : {}),
      notification: {
        ...(value(f.shows) ? { attributes: words(value(f.shows)) } : {}),
        ...(format.value === "normalized" ? {} : { format: format.value }),
        ...(changes.checked ? { showChanges: true } : {}),
        endpoint: { uri: value(f.uri), accept: accept.value },
      },
    };
  }

  const write = () => {
    text.value = JSON.stringify(document_(), null, 2);
    put(hint, "This is what is sent. It can be written by hand too; a change of a field writes it anew.");
  };

  const form = h(
    "form",
    { class: "edit subscribe", autocomplete: "off", novalidate: true },
    h("header", { class: "side-head" }, h("h2", {}, "New subscription"), h("button", { type: "button", class: "knob close", "aria-label": "Close", on: { click: close } }, "×")),
    line("Name", f.name),
    h("h3", {}, "Tell of"),
    line("Type", f.type), line("Id", f.id), line("Id like", f.idPattern), line("Watch", f.watched), line("Only if", f.q), line("Scope", f.scopeQ),
    query.georel ? h("p", { class: "hint" }, `Where: ${query.georel}, ${query.geometry ?? "Point"} ${query.coordinates ?? ""}`) : null,
    h("fieldset", { class: "triggers" }, h("legend", {}, "When (attribute made or changed, unless you choose)"), boxes),
    h("h3", {}, "To"),
    line("Endpoint", f.uri), line("Media type", accept), line("Form", format), line("Show", f.shows), h("label", { class: "line" }, h("span", {}, "Before"), h("span", { class: "check" }, changes, " what was before, too")),
    h("h3", {}, "How often"),
    line("Rest, s", f.throttling), line("Every, s", f.interval), line("Until", f.expires),
    h("h3", {}, "Spoken as"),
    line("Tenant", f.tenant), line("@context", f.context),
    h("h3", {}, "Document"),
    hint, text,
    said,
    h("div", { class: "edit-end" }, copier(() => text.value), go, h("button", { type: "button", class: "tool", on: { click: close } }, "Cancel")),
  );
  form.addEventListener("input", (event) => event.target !== text && write());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    let send;
    try {
      send = JSON.parse(text.value);
    } catch (wrong) {
      said.replaceChildren(h("p", { class: "grave", role: "alert" }, `The document is no JSON: ${wrong.message}`));
      text.focus();
      return;
    }
    go.disabled = true;
    said.replaceChildren();
    try {
      const { headers: got } = await ask(`${API}/subscriptions`, { method: "POST", send, headers: headers({ tenant: f.tenant.value.trim(), context: f.context.value.trim() }) });
      await done(decodeURIComponent(got.get("Location").split("/").pop()), f.tenant.value.trim());
    } catch (problem) {
      said.replaceChildren(fault("The city refuses this", problem));
      said.scrollIntoView({ block: "nearest" });
    }
    go.disabled = false;
  });
  box.replaceChildren(form);
  write();
  (f.type.value ? f.uri : f.type).focus();
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text ?? "";
  }
}
