// Who should go where: both answers beside each other, and people decide, as proposed or otherwise.

import { h, keep, notice, press } from "../dom.js";
import { aloud, fault } from "../base/start.js";
import { severityOf } from "../incidents/told.js";
import { count } from "../words.js";
import { act, etaOf, room, tail, text, view } from "./told.js";

const minutes = (cost) => `${Math.round(cost).toLocaleString("en")} weighted min`;
const keyOf = (one) => `${one.resource} ${one.incident} ${one.capability}`;

/** The part of the page in `box`; `may(verb)`, `done(words)` when something was decided. What it gives: `load()`. */
export function allocation(box, { may, done }) {
  let told = null;
  let chosen = null; // ids of incidents, null: all that ask
  let pairs = []; // what is to be decided, as edited
  let edited = false;
  let failed = null;
  let board = [];
  const note = text("note", 500, { placeholder: "a word on why (kept with the decision)", "aria-label": "Note" });
  const fail = h("p", { class: "grave", role: "alert" });

  async function load() {
    try {
      const [proposal, every] = await Promise.all([view("propose", chosen ? { incidents: chosen.join(",") } : {}), view("board")]);
      told = proposal;
      board = every.resources;
      failed = null;
      pairs = told.best.sent.map((one) => ({ ...one, take: true }));
      edited = false;
    } catch (problem) {
      failed = problem;
    }
    fail.textContent = "";
    show();
  }

  function show() {
    if (failed) return box.replaceChildren(fault("No proposal could be made", failed, h("button", { type: "button", on: { click: load } }, "Try again")));
    if (!told.incidents.length) return box.replaceChildren(notice("No incident asks for anything", ["What an incident needs is said on its page: a capability, how many, how pressing.", "Here those needs are met together: all at once is better than one after the other."]));
    box.replaceChildren(
      h("section", { class: "res-part", "aria-label": "What is asked for" }, h("h2", {}, "What is asked for"), h("ul", { class: "res-asks" }, told.incidents.map(asks))),
      h("section", { class: "res-part", "aria-label": "Proposal" }, heads(), table(), unmet(), decide(), left()),
      h("section", { class: "res-part res-small" }, h("p", {}, told.formula), h("ul", {}, Object.entries(told.how).map(([word, why]) => h("li", {}, h("b", {}, word), `: ${why}`)))),
    );
    return undefined;
  }

  const asks = (one) =>
    h("li", {}, h("label", { class: "check" }, h("input", { type: "checkbox", checked: chosen === null || chosen.includes(one.id), on: { change: (event) => pick(one.id, event.target.checked) } }), h("b", {}, one.name)), severityOf(one.severity), h("span", {}, one.needs.map((it) => `${it.count} × ${it.capability}${it.priority === one.severity ? "" : ` (${it.priority})`}${it.open < it.count ? `, ${it.count - it.open} sent` : ""}`).join("; ")), one.place ? null : h("span", { class: "grave" }, "has no position"), one.faults.map((why) => h("span", { class: "grave" }, why)));

  function pick(id, on) {
    const all = told.incidents.map((one) => one.id);
    const now = new Set(chosen ?? all);
    now[on ? "add" : "delete"](id);
    if (!now.size) return load();
    chosen = [...now];
    return load();
  }

  function heads() {
    const { best, nearest, saved } = told;
    return h(
      "div",
      { class: "res-heads" },
      h("div", { class: "res-head best" }, h("h2", {}, best.optimal ? "Best" : "Best found"), h("b", { class: "res-cost" }, minutes(best.cost)), h("p", { class: "quiet" }, best.optimal ? `No answer costs less: proven down to ${Math.round(best.bound).toLocaleString("en")}.` : "The search was stopped before it was proven.")),
      h("div", { class: "res-head" }, h("h2", {}, "Nearest first"), h("b", { class: "res-cost" }, minutes(nearest.cost)), h("p", { class: "quiet" }, saved > 0.5 ? `${Math.round(saved).toLocaleString("en")} more: ${Math.round((100 * saved) / Math.max(best.cost, 1e-9))} % dearer.` : "As good, here.")),
      h("div", { class: "res-head" }, h("h2", {}, "Considered"), h("b", { class: "res-cost" }, count(told.considered, "unit")), h("p", { class: "quiet" }, told.left.length ? `${told.left.length} cannot be sent now.` : "Whoever can be sent.")),
    );
  }

  function table() {
    const plain = new Map(told.nearest.sent.map((one) => [`${one.incident} ${one.capability}`, []]));
    for (const one of told.nearest.sent) plain.get(`${one.incident} ${one.capability}`).push(one);
    const names = new Map(told.incidents.map((one) => [one.id, one.name]));
    if (!pairs.length) return h("p", { class: "pad quiet" }, "Nobody can be sent: every unit that could do it is busy, off duty, or has no way there.");
    const body = h("tbody", {});
    keep(body, pairs, keyOf, () => h("tr", {}), (tr, one) => {
      const others = (plain.get(`${one.incident} ${one.capability}`) ?? []).filter((it) => it.resource !== one.resource && !pairs.some((pair) => keyOf(pair) === keyOf(it)));
      const able = board.filter((it) => it.capabilities.includes(one.capability) && (!it.kept || it.id === one.resource) && (it.id === one.resource || !pairs.some((pair) => pair.resource === it.id)));
      const select = h("select", { "aria-label": `Unit for ${names.get(one.incident)}: ${one.capability}`, disabled: !may("allocate"), on: { change: (event) => swap(one, event.target.value) } }, able.map((it) => h("option", { value: it.id, selected: it.id === one.resource }, `${it.name}${room(it) ? `, ${room(it)}` : ""}`)));
      tr.className = one.take ? "" : "off";
      tr.replaceChildren(
        h("td", { class: "c-pick" }, h("input", { type: "checkbox", "aria-label": `Send ${one.name}`, checked: one.take, on: { change: (event) => ((one.take = event.target.checked), (edited = true), show()) } })),
        h("th", { scope: "row" }, names.get(one.incident) ?? tail(one.incident)),
        h("td", {}, one.places > 1 ? `${one.places} × ${one.capability}` : one.capability),
        h("td", { class: "c-unit" }, select),
        h("td", { class: "num" }, etaOf(one.eta)),
        h("td", { class: "quiet" }, others.length ? others.map((it) => h("span", {}, it.name, " ", etaOf(it.eta))) : "the same"),
      );
    });
    return h("table", { class: "res-table" }, h("caption", { class: "unseen" }, "The best answer, with the nearest-first one beside it"), h("thead", {}, h("tr", {}, [h("span", { class: "unseen" }, "Send"), "Incident", "For", "Unit", "There in", "Nearest first would send"].map((word, i) => h("th", { scope: "col", class: i === 4 ? "num" : null }, word)))), body);
  }

  async function swap(one, id) {
    const other = board.find((it) => it.id === id);
    Object.assign(one, { resource: id, name: other.name, take: true, eta: null });
    told.basis[id] = other.state;
    edited = true;
    show();
    try {
      const found = (await view("nearest", { incident: one.incident, capability: one.capability, count: "200" })).resources.find((it) => it.id === id);
      one.eta = found?.eta ?? null;
    } catch {
      // its time is not known; it can be sent all the same
    }
    show();
  }

  const unmet = () => (told.best.unmet.length ? h("p", { class: "res-unmet" }, h("b", {}, "Not met: "), told.best.unmet.map((one) => `${one.count} × ${one.capability} for ${told.incidents.find((it) => it.id === one.incident)?.name ?? tail(one.incident)}`).join("; "), ".") : null);

  const left = () => (told.left.length ? h("details", { class: "data" }, h("summary", {}, `${told.left.length} that cannot be sent`), h("ul", { class: "res-left" }, told.left.map((one) => h("li", {}, h("b", {}, one.name), ` ${one.why}`)))) : null);

  function decide() {
    if (!may("allocate") || !pairs.length) return fail;
    const many = pairs.filter((one) => one.take).length;
    const whole = !edited && many === pairs.length;
    const go = press("do", whole ? `Decide as proposed: send ${many}` : `Decide as edited: send ${many}`, async () => {
      go.disabled = true;
      fail.textContent = "";
      try {
        const sent = pairs.filter((one) => one.take).map(({ resource, incident, capability, places }) => ({ resource, incident, capability, places }));
        await act("allocate", { pairs: sent, basis: told.basis, ...(note.value.trim() ? { note: note.value.trim() } : {}) });
        note.value = "";
        done(`${count(sent.length, "unit")} sent.`);
        await load();
      } catch (problem) {
        fail.textContent = `${problem.message} ${problem.mend ?? ""}`;
        aloud(fail.textContent);
        go.disabled = false;
      }
    });
    go.disabled = !many;
    return h("div", { class: "res-decide" }, note, go, edited ? press("tool", "As proposed", load) : null, press("tool", "Propose anew", load), fail);
  }

  /** Somebody changed something: whether what is on the screen can still be decided. */
  async function stale() {
    if (!told) return;
    try {
      board = (await view("board")).resources;
    } catch {
      return; // the decision will say it
    }
    const states = new Map(board.map((one) => [one.id, one.state]));
    const changed = pairs.filter((one) => one.take && states.get(one.resource) !== told.basis[one.resource]);
    fail.textContent = changed.length ? `${changed.map((one) => one.name).join(", ")} changed since this was proposed. Propose anew.` : "";
  }

  return { load, stale };
}
