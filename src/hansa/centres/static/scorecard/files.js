// The card as files, for staff and for everybody; and whether it is public.

import { h, press } from "../dom.js";
import { sheet } from "../desk/acts.js";
import { act, area, field, file, part } from "./told.js";

const FORMS = [["pdf", "The whole card", "PDF: snapshot, radars, every number, gaps, how each came about"], ["sheet", "Fact sheet", "PDF of the first pages"], ["csv", "Every number", "CSV, a line for each data point"], ["jsonld", "For programs", "JSON-LD: KeyPerformanceIndicator of Smart Data Models, with its @context"]];
const OPEN = [["pdf", "PDF"], ["csv", "CSV"], ["jsonld", "JSON-LD"]];

/** Files in `box`. `told` is what the view `card` says. */
export function showFiles(box, told, place, { may, reload, say }) {
  const { card } = told;
  const asked = { framework: card.framework.id, period: card.period, area: card.area === "city" ? "" : card.area };
  const verb = told.public ? "withdraw" : "publish";
  const turn = may.has(verb)
    ? press("do", told.public ? "Withdraw…" : "Publish…", () =>
        sheet(told.public ? `Withdraw ${card.period}` : `Publish ${card.period}`, [h("p", {}, told.public ? "Its values are public no more. What was downloaded stays with whoever has it." : `All values of ${card.framework.name} for ${card.period} become open data: on the city's pages, at /kpi, for every program. What is missing is shown with them.`), told.public ? field("Why", area("reason", 500, { required: true })) : null].filter(Boolean), told.public ? "Withdraw" : "Publish", async ({ reason }) => {
          await act(verb, { framework: card.framework.id, period: card.period, ...(reason ? { reason } : {}) });
          say(told.public ? `${card.period} is withdrawn.` : `${card.period} is public.`);
          await reload();
        }),
      )
    : null;
  box.replaceChildren(
    part("For staff", h("ul", { class: "kpi-files" }, FORMS.map(([form, name, what]) => h("li", {}, h("a", { class: "tool", href: file("report", { ...asked, form }), download: "" }, name), h("span", { class: "quiet" }, what))))),
    part(
      "For everybody",
      told.public ? h("p", {}, `${card.period} is public: `, h("a", { href: `/en/city/${card.framework.id}?period=${card.period}` }, "the city's page")) : h("p", {}, `${card.period} is not published: whoever is not staff sees nothing of it.`),
      told.public ? h("ul", { class: "kpi-files" }, OPEN.map(([form, word]) => h("li", {}, h("a", { class: "tool", href: `/kpi/${card.framework.id}.${form}?period=${card.period}` }, word), h("span", { class: "mono" }, `/kpi/${card.framework.id}.${form}?period=${card.period}`)))) : null,
      turn ? h("p", { class: "head-tools" }, turn) : null,
    ),
  );
}
