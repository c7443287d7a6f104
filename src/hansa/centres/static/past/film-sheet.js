// The sheet that makes a film: of an incident, or of a span that somebody chooses.

import { aloud, fault } from "../base/start.js";
import { h, put } from "../dom.js";
import { DESK, Failed } from "../doors.js";
import { nameOf } from "./record.js";

const local = (at) => new Date(at).toISOString().slice(0, 19);

/** `button` opens `sheet`; `incidents()`, `span()` and `area()` are what it proposes. Times in the sheet are UTC. */
export function filmSheet({ button, sheet, incidents, span, area }) {
  button.addEventListener("click", () => {
    const known = incidents();
    const [from, to] = span();
    const which = h("select", { name: "incident" }, h("option", { value: "" }, "a span that I choose"), known.map((one) => h("option", { value: one.id }, nameOf(one))));
    const [since, until] = [h("input", { type: "datetime-local", step: "1", name: "from", value: local(from) }), h("input", { type: "datetime-local", step: "1", name: "to", value: local(to) })];
    const where = h("input", { name: "area", value: area(), placeholder: "west,south,east,north; empty: everywhere" });
    const what = h("input", { name: "types", placeholder: "types, by commas; empty: all" });
    const why = h("input", { name: "purpose", maxlength: "64", placeholder: "investigation", pattern: "[A-Za-z0-9][A-Za-z0-9._\\-]*" });
    const status = h("p", { class: "quiet", role: "status" });
    const spanned = h("div", { class: "film-span" }, h("label", {}, "From (UTC)", since), h("label", {}, "To (UTC)", until), h("label", {}, "Area", where));
    which.addEventListener("change", () => (spanned.hidden = !!which.value));
    const send = h("button", { type: "submit", class: "tool" }, "Make the film");
    const form = h("form", { class: "film-form", on: { submit: make } },
      h("h2", { id: "film-title" }, "Film"),
      h("p", {}, "One file with everything in it: it plays without the city, without a network. What you may not take away is not in it. That you made it is noted."),
      h("label", {}, "Of", which), spanned, h("label", {}, "Types", what), h("label", {}, "Purpose", why), status,
      h("div", { class: "film-keys" }, send, h("button", { type: "button", class: "tool", on: { click: () => sheet.close() } }, "Close")));
    sheet.replaceChildren(form);
    sheet.showModal();

    async function make(event) {
      event.preventDefault();
      send.disabled = true;
      put(status, "Making it…");
      const query = new URLSearchParams();
      if (which.value) query.set("incident", which.value);
      else {
        query.set("from", `${since.value}Z`.replace(/(T\d\d:\d\d)Z$/, "$1:00Z"));
        query.set("to", `${until.value}Z`.replace(/(T\d\d:\d\d)Z$/, "$1:00Z"));
        if (where.value.trim()) query.set("area", where.value.trim());
      }
      if (what.value.trim()) query.set("types", what.value.trim());
      try {
        const answer = await fetch(`${DESK}/rewind/film?${query}`, { headers: why.value ? { "hansa-purpose": why.value } : {} });
        if (!answer.ok) {
          const problem = await answer.json().catch(() => null);
          throw new Failed(problem?.detail ?? `The city answered ${answer.status}`, problem?.mend ?? "", answer.status, problem);
        }
        const film = await answer.blob();
        const name = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition") ?? "")?.[1] ?? "film.html";
        const url = URL.createObjectURL(film);
        h("a", { href: url, download: name }).click();
        setTimeout(() => URL.revokeObjectURL(url), 30_000);
        put(status, `${name}, ${(film.size / 1e6).toFixed(1)} MB`);
        aloud("The film is made");
      } catch (problem) {
        status.replaceChildren(fault("No film", problem));
      }
      send.disabled = false;
    }
  });
}
