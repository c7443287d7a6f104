// What is proposed and waits for somebody, and what was decided lately, by whom, with its outcome.

import { h, notice } from "../dom.js";
import { ask, DESK, room } from "../doors.js";
import { now } from "../base/start.js";
import { moment } from "../station.js";
import { age, count, whenText } from "../words.js";

const WHERE = { Command: "/commands", Allocation: "/resources", RunBookRun: "/run-books", RunBook: "/alarms", Handover: "/shift" };
const KINDS = { RunBookRun: "Run-book", RunBook: "Run-book suggested", Allocation: "Allocation", Command: "Command", Handover: "Handover", Proposal: "Two people" };

/** The pane of decisions; tells the band how much waits. */
export async function decided({ waiting }) {
  const [mine, proposals] = await Promise.all([ask(`${DESK}/brain/decisions`).then(({ body }) => body), open()]);
  const rows = [...proposals.filter((one) => one.state === "waiting").map(proposal), ...mine.waiting];
  const ended = [...proposals.filter((one) => one.state !== "waiting").map(proposal), ...mine.decided].sort((a, b) => String(b.at ?? "").localeCompare(String(a.at ?? "")));
  const yours = proposals.filter((one) => one.mayApprove).length;
  waiting(rows.length, yours ? `${count(yours, "proposal")} for you to decide` : rows.length ? "proposed, not decided" : "nothing is proposed");
  return h(
    "div",
    { class: "foretold" },
    h("h2", {}, "Waits for somebody", h("span", { class: "sub" }, rows.length ? count(rows.length, "thing") : "")),
    rows.length ? list(rows) : notice("Nothing waits", ["Proposals that take two people, allocations, commands and run-books that wait for somebody stand here."]),
    h("h2", {}, "Decided lately"),
    ended.length ? list(ended.slice(0, 50)) : h("p", { class: "quiet" }, "Nothing was decided yet."),
  );
}

/** Proposals that exist for whoever looks; none where he may not ask. */
async function open() {
  try {
    return (await ask("/admin/proposals")).body;
  } catch {
    return [];
  }
}

const proposal = (one) => ({ id: one.id, kind: "Proposal", what: one.kind, status: one.state, by: one.endedBy ?? one.by, at: one.endedAt ?? one.at, of: one.reason, outcome: one.outcome, yours: one.mayApprove, href: "/approvals" });

const list = (rows) =>
  h(
    "ol",
    { class: "deeds" },
    rows.map((one) => {
      const at = moment(one.at);
      const href = one.href ?? (one.id?.startsWith("urn:") && WHERE[one.kind] ? room(WHERE[one.kind]) : null);
      return h(
        "li",
        { class: one.yours ? "yours" : null },
        h("span", { class: "kind" }, KINDS[one.kind] ?? one.kind),
        h("span", { class: "what" }, href ? h("a", { href }, one.what) : one.what, one.of ? h("span", { class: "sub" }, one.of) : "", one.outcome ? h("span", { class: "sub" }, one.outcome) : ""),
        h("span", { class: "how" }, h("b", {}, one.status ?? ""), one.by ? h("span", { class: "sub id" }, one.by) : ""),
        h("time", { datetime: at === null ? null : new Date(at).toISOString(), title: at === null ? null : whenText(at, now()) }, at === null ? "" : age(at, now())),
      );
    }),
  );
