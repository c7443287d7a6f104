// The delivery board of one warning: the funnel, states by channel, what a channel is worth, and who has not confirmed.

import { h, press } from "../dom.js";
import { fault, now } from "../base/start.js";
import { field, input, left, when } from "../incidents/told.js";
import { sheet } from "../desk/acts.js";
import { count, lasting } from "../words.js";
import { act, file, KINDS, percent, STATUSES, table, view } from "./told.js";

const FUNNEL = { recipients: "Recipients", sent: "Sent", accepted: "Taken by a gateway", confirmed: "Confirmed", human: "With a human" };
const LIVE_MS = 3000;

/** The board in `box`; `may(verb)`. What it gives: `show(id)`, `hide()`. */
export function delivery(box, { may }) {
  let id = null;
  let status = "open";
  let turn = 0;
  let timer = 0;

  async function load() {
    clearTimeout(timer);
    const mine = ++turn;
    if (!id) return;
    try {
      const [board, rows] = await Promise.all([view("board", { id }), view("deliveries", { id, status })]);
      if (mine !== turn) return;
      draw(board, rows);
      const open = Object.entries(board.status).some(([name, many]) => many && ["held", "waiting", "sending", "handed", "failed", "escalated"].includes(name));
      if (open || board.planning?.status === "planning") timer = setTimeout(() => (document.hidden ? (timer = setTimeout(load, LIVE_MS)) : load()), LIVE_MS);
    } catch (problem) {
      if (mine !== turn) return;
      box.replaceChildren(h("h3", {}, "Delivery"), fault("The delivery board cannot be read", problem, press("tool", "Try again", load)));
    }
  }

  function draw(board, rows) {
    const held = box.contains(document.activeElement) ? document.activeElement.dataset.f : null;
    const most = Math.max(1, board.total);
    const figures = Object.entries(board.status);
    box.replaceChildren(
      h("h3", {}, "Delivery"),
      board.planning?.status === "planning" ? h("p", { role: "status" }, `Being addressed: ${percent(board.planning.share)} of all recipients looked at.`) : null ?? "",
      board.total ? h("table", { class: "warn-funnel" }, h("caption", { class: "unseen" }, "Funnel"), h("tbody", {}, board.funnel.map(({ step, many }) => h("tr", {}, h("th", { scope: "row" }, FUNNEL[step]), h("td", { class: "num", "data-figure": step }, many.toLocaleString("en")), h("td", {}, h("meter", { min: 0, max: most, value: many, "aria-label": FUNNEL[step] })))))) : h("p", { class: "quiet" }, "Nobody in the area is on the list, so nobody is told. People subscribe on the public site; staff import lists under Recipients."),
      h("dl", { class: "warn-figures" }, figures.map(([name, many]) => h("div", {}, h("dt", {}, STATUSES[name] ?? name), h("dd", { "data-status": name }, many.toLocaleString("en"))))),
      board.seconds.p50 === null ? "" : h("p", { class: "quiet" }, `From the decision to a confirmation: half within ${lasting(board.seconds.p50 * 1000)}, nine in ten within ${lasting(board.seconds.p90 * 1000)}.`),
      board.next ? h("p", {}, `Next step: ${count(board.next.many, "recipient")} `, when(board.next.at, now()), `, ${left(board.next.at, now())}.`) : "",
      board.again ? h("p", { class: "quiet" }, `${count(board.again, "recipient")} told again on another channel, marked as again.`) : "",
      Object.keys(board.channels).length ? table("States by channel", [["Channel"], ...Object.keys(STATUSES).filter((name) => board.status[name]).map((name) => [STATUSES[name], true])], Object.entries(board.channels).map(([kind, many]) => [KINDS[kind] ?? kind, ...Object.keys(STATUSES).filter((name) => board.status[name]).map((name) => many[name] ?? 0)])) : "",
      ...worth(board),
      h("div", { class: "warn-tools" }, h("h3", {}, status === "open" ? "Not confirmed yet" : "Deliveries"), pick(), h("a", { class: "tool", href: file("export", { id }), download: "deliveries.csv" }, "CSV"), h("a", { class: "tool", href: `?view=tree&sel=${encodeURIComponent(id)}` }, "Telephone list")),
      rows.rows.length ? list(rows) : h("p", { class: "quiet" }, status === "open" ? "Everybody has confirmed, or it has ended." : "None."),
    );
    if (held) box.querySelector(`[data-f="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
  }

  /** Taken beside confirmed: a channel that takes everything and brings nothing is seen. */
  function worth(board) {
    if (!board.worth.length) return [];
    return [
      h("h3", {}, "What each channel is worth"),
      table("What each channel is worth", [["Channel"], ["Taken", true], ["Failed", true], ["Confirmed", true], ["Share", true], [""]], board.worth.map((one) => [KINDS[one.channel] ?? one.channel, one.accepted, one.failed, one.confirmed, percent(one.share), one.doubt ? h("span", { class: "warn-doubt" }, "▲ takes much, few confirm: look at this gateway") : ""])),
    ];
  }

  const pick = () => {
    const select = h("select", { "aria-label": "Which", "data-f": "status" }, [["open", "not confirmed"], ...Object.entries(STATUSES)].map(([value, word]) => h("option", { value, selected: value === status }, word)));
    select.addEventListener("change", () => ((status = select.value), load()));
    return select;
  };

  const next = (one) => (one.next ? [one.next === "human" ? `${one.human.name}` : KINDS[one.next] ?? one.next, one.due ? ` ${left(one.due, now())}` : ""] : one.status === "escalated" ? `${one.human.name} ${one.human.phone}` : "");

  function list(rows) {
    const tools = (one) => ["reached", "unreached"].filter((verb) => may(verb) && (verb === "reached" ? ["escalated", "unreached", "handed", "waiting"].includes(one.status) : one.status === "escalated")).map((verb) => press("tool", verb === "reached" ? "Reached" : "Not reached", () => sheet(`${one.name || "This recipient"}: ${verb === "reached" ? "reached" : "not reached"}`, [field("How", input("note", 500, { placeholder: verb === "reached" ? "spoken to on the telephone" : "rang three times" }))], "Note it", async ({ note }) => (await act(verb, { id: one.id, note }), load())), { "data-f": `${verb} ${one.id}` }));
    return h("div", {}, table("Deliveries", [["Who"], ["Channel"], ["State"], ["Next"], ["Tries", true], ["Why"], [""]], rows.rows.map((one) => [one.name || one.id.split(":").pop(), `${KINDS[one.channel] ?? "none"} ${one.to}`, h("span", {}, one.status === "handed" && ["phone", "print"].includes(one.channel) ? "for a human to do" : STATUSES[one.status] ?? one.status, one.odd.length ? h("span", { class: "quiet" }, ` · ${one.odd.some((it) => it.late) ? "answered late" : "answered something else"}`) : ""), next(one), one.tries, one.why, tools(one)])), rows.total > rows.rows.length ? h("p", { class: "quiet" }, `The first ${rows.rows.length} of ${rows.total.toLocaleString("en")}; the CSV has all.`) : "");
  }

  return {
    show(ident) {
      if (ident !== id) {
        box.replaceChildren(h("h3", {}, "Delivery"), h("p", { class: "quiet" }, "Counting…"));
        status = "open";
      }
      id = ident;
      return load();
    },
    hide() {
      id = null;
      turn++;
      clearTimeout(timer);
      box.replaceChildren();
    },
  };
}
