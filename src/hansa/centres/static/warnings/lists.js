// The other lists of the page: who is warned, what is approved in advance, whom a human has to reach.

import { h, notice, press } from "../dom.js";
import { now } from "../base/start.js";
import { when, who } from "../incidents/told.js";
import { count } from "../words.js";
import { because, bring, standing } from "./forms.js";
import { act, KINDS, stateOf, table, TONGUES, view } from "./told.js";

/** Recipients: how many, by channel, a page of them; import. */
export async function recipients(box, { may, done, again }) {
  const it = await view("recipients");
  const tools = h("div", { class: "warn-tools" }, may("import") ? press("do", "Import a list…", () => bring((told) => done(`${count(told.changed.length, "recipient")} imported.`))) : null ?? "");
  if (!it.total) return box.replaceChildren(h("div", { class: "warn-pad" }, notice("Nobody is on the list yet", ["People subscribe themselves on the public site. Lists that the city vouches for are imported here."]), tools));
  return box.replaceChildren(
    h(
      "div",
      { class: "warn-pad" },
      tools,
      h("dl", { class: "warn-figures" }, [...Object.entries(it.status), ...Object.entries(it.channels).map(([kind, many]) => [KINDS[kind] ?? kind, many])].map(([word, many]) => h("div", {}, h("dt", {}, word), h("dd", {}, many.toLocaleString("en"))))),
      table("Recipients", [["Who"], ["Language"], ["Places"], ["Channels"], ["Groups"], ["State"], ["Contact"]], it.rows.map((one) => [one.name || one.id.split(":").pop(), TONGUES[one.language] ?? one.language, one.places.map((place) => place.name || `${place.lat}, ${place.lon}`).join("; ") || "anywhere", one.channels.map((c) => `${KINDS[c.kind] ?? c.kind} ${c.to}${c.stopped ? ` (${c.stopped})` : c.verified ? "" : " (not verified)"}`).join("; "), one.groups.join(", "), one.status, [one.contact.name, one.contact.phone].filter(Boolean).join(" ")])),
      it.total > it.rows.length ? h("p", { class: "quiet" }, `The first ${it.rows.length} of ${it.total.toLocaleString("en")}.`) : "",
      press("tool", "Look again", again),
    ),
  );
}

/** Standing approvals. */
export async function approvals(box, { may, done, said }) {
  const it = await view("approvals");
  const tool = (one, verb, word, fn) => (may(verb) ? press("tool", word, fn, { "data-f": `${verb} ${one.id}` }) : null);
  const agree = async (one) => {
    try {
      await act("agree", { id: one.id });
      done("Approved: such alerts become warnings at once.");
    } catch (problem) {
      said(`${problem.message} ${problem.mend ?? ""}`, true);
    }
  };
  const add = may("allow") ? press("do", "Propose one…", () => standing(it.kinds, null, () => done("Proposed. Somebody else approves it."))) : "";
  const rows = it.approvals.map((one) => [one.kind ?? h("span", {}, one.sender, h("span", { class: "mono hint" }, `: ${(one.events ?? []).join(", ") || "nothing"}, signed by ${one.signer ?? "nobody"}`)), stateOf(one.state === "revoked" ? "discarded" : one.state), one.severityMost, `${one.perNight} a night`, when(one.until, now()), (one.groups ?? []).join(", ") || "everybody", `${who(one.proposedBy)}${one.approvedBy ? `, ${who(one.approvedBy)}` : ""}`, h("span", {}, one.state === "proposed" ? tool(one, "agree", "Approve", () => agree(one)) ?? "" : "", ["proposed", "approved"].includes(one.state) ? tool(one, "revoke", "Revoke…", () => because("Revoke this approval", "Revoke", "revoke", one.id, () => done("Revoked."))) ?? "" : "")]);
  box.replaceChildren(h("div", { class: "warn-pad" }, h("div", { class: "warn-tools" }, add), rows.length ? table("Standing approvals", [["For"], ["State"], ["At most"], ["Warnings"], ["Until"], ["Groups"], ["By"], [""]], rows) : notice("No standing approvals", ["Every alert becomes a proposal, and two people decide. Where minutes count, as with frost at night, two people may approve alerts of a kind in advance."])));
}

/** Whom a human has to reach, to be printed. */
export async function tree(box, { ident }) {
  const it = await view("tree", ident ? { id: ident } : {});
  if (!it.total) return box.replaceChildren(h("div", { class: "warn-pad" }, notice("Nobody waits for a call", ["Whoever no channel reaches stands here, with whom it falls to."])));
  return box.replaceChildren(
    h("div", { class: "warn-pad" }, h("div", { class: "warn-tools" }, press("tool", "Print", () => print())), it.lists.map((one) => h("section", { class: "warn-tree" }, h("h2", {}, `${one.name} ${one.phone}`), table(`To be reached by ${one.name}`, [["Who"], ["Numbers"], ["Language"], ["Since"], ["Why"], ["Reached?"]], one.of.map((line) => [line.name || line.id.split(":").pop(), line.numbers.join(", ") || "none known", TONGUES[line.language] ?? line.language, when(line.since, now()), line.why, "☐ yes ☐ no"]))))),
  );
}
