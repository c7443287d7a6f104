// The parts of an incident's page: its head, objectives, posts, alarms and links, resources and costs, the review.

import { h, press, sign } from "../dom.js";
import { room } from "../doors.js";
import { entityPage } from "../base/ways.js";
import { lasting } from "../words.js";
import { bytes, call, drillFlag, file, mediaOf, page, POSTS, severityOf, stateOf, when, who } from "./told.js";

const tool = (word, work, f, more = {}) => press("tool", word, work, { "data-f": f, ...more });
const MOVES = { verified: "Verify", open: "Open", contained: "Contain", resolved: "Resolve", reviewed: "Close the review" };
const DATES = [["Raised", "dateRaised"], ["Verified", "dateVerified"], ["Commander", "dateCommanded"], ["Opened", "dateOpened"], ["Contained", "dateContained"], ["Resolved", "dateResolved"], ["Reviewed", "dateReviewed"]];

/** State, clock and commander, and the ways onward. */
export function headOf(desk) {
  const { it, id } = desk;
  const one = it.incident;
  const since = Date.parse(one.dateRaised);
  const moves = desk.may("move") ? it.moves.map((to, i) => press(i ? "tool" : "do", one.status === "contained" && to === "open" ? "Open again" : one.status === "resolved" && to === "open" ? "Reopen" : MOVES[to], () => desk.open("move", to), { "data-f": `to-${to}` })) : [];
  const into = one.status === "merged" ? h("p", { class: "inc-into" }, "Merged into ", h("a", { href: page(one.mergedInto) }, call(one.mergedInto)), ". Go on there.") : null;
  const links = [
    h("a", { href: file("report", { id, form: "pdf" }), "data-f": "pdf" }, "Situation report (PDF)"),
    h("a", { href: file("report", { id, form: "html" }), "data-f": "html" }, "HTML"),
    h("a", { href: file("review", { id, form: "pdf" }), "data-f": "review" }, "Review (PDF)"),
    h("a", { href: file("review", { id, form: "csv" }), "data-f": "csv" }, "Timeline (CSV)"),
    press("link", "Print", () => print(), { "data-f": "print" }),
    one.splitFrom ? h("a", { href: page(one.splitFrom) }, `split from ${call(one.splitFrom)}`) : null,
    ...it.merged.map((other) => h("a", { href: page(other.id) }, `with ${call(other.id)}`)),
  ];
  return [
    h("div", { class: "inc-title" }, one.drill ? drillFlag() : null, h("h1", { dir: "auto" }, one.name), h("span", { class: "id quiet" }, call(id))),
    h("div", { class: "inc-marks" }, stateOf(one.status), severityOf(one.severity), h("span", {}, one.category), Number.isNaN(since) ? null : h("span", { class: "inc-age" }, "for ", h("b", { id: "age" }, lasting(Math.max(0, desk.now() - since)))), h("span", { class: "inc-boss" }, one.commander ? ["In command: ", h("b", {}, who(one.commander))] : h("b", { class: "grave" }, "Nobody in command")), it.tasks.late ? h("b", { class: "grave" }, `${it.tasks.late} late`) : null),
    h("div", { class: "moves" }, moves, desk.may("post") && one.status !== "merged" && one.status !== "reviewed" ? tool(one.commander ? "Hand over" : "Name a commander", () => desk.open("post", "commander"), "boss") : null, desk.may("describe") && one.status !== "merged" ? tool("Edit", () => desk.open("describe"), "edit") : null, desk.may("merge") && one.status !== "merged" && one.status !== "reviewed" ? [tool("Merge", () => desk.open("merge"), "merge"), tool("Split", () => desk.open("split"), "split")] : null),
    into,
    one.description ? h("p", { class: "inc-what", dir: "auto" }, one.description) : null,
    h("ol", { class: "inc-dates" }, DATES.filter(([, name]) => one[name]).map(([word, name]) => h("li", {}, h("span", { class: "quiet" }, word), " ", when(one[name], desk.now())))),
    h("p", { class: "links inc-links" }, links),
    h("nav", { class: "inc-jump", "aria-label": "On this page" }, [["Log", "h-log"], ["Tasks", "h-tasks"], ["Run-books", "h-runs"], ["Where", "h-where"], ["Alarms", "h-alarms"], ["Posts", "h-people"]].map(([word, to]) => h("a", { href: `#${to}` }, word))),
  ];
}

/** What is to be reached. */
export function goals(desk) {
  const { it, id } = desk;
  const listed = it.incident.objectives ?? [];
  const states = { open: ["watch", "Open"], met: ["ok", "Met"], dropped: ["stale", "Dropped"] };
  const set = (one, state, word) => press("link", word, () => desk.do("objective", id, { n: one.n, state }), { "data-f": `goal-${one.n}-${state}`, "aria-label": `${word}: ${one.text}` });
  return [
    listed.length ? h("ol", { class: "inc-goals" }, listed.map((one) => h("li", {}, sign(...(states[one.state] ?? states.open)), h("span", { class: "text", dir: "auto" }, one.text), desk.may("objective") ? h("span", { class: "does" }, one.state === "open" ? [set(one, "met", "Met"), set(one, "dropped", "Drop")] : set(one, "open", "Open again")) : null))) : h("p", { class: "quiet" }, "Nobody has said yet what is to be reached."),
    desk.may("objective") ? tool("Add an objective", () => desk.open("objective"), "add-goal") : null,
  ];
}

/** Who is who. */
export function people(desk) {
  const posts = desk.it.incident.roles ?? {};
  const rows = POSTS.filter((post) => posts[post]?.length);
  return [
    rows.length ? h("dl", { class: "facts" }, rows.flatMap((post) => [h("dt", {}, post), h("dd", {}, posts[post].map((one) => h("span", { class: "inc-person" }, who(one), post !== "commander" && desk.may("post") ? press("knob", "×", () => desk.do("post", desk.id, { post, person: one, off: true }), { "aria-label": `${who(one)} is no longer ${post}`, "data-f": `off-${post}-${one}` }) : null)))])) : h("p", { class: "quiet" }, "No posts are filled."),
    desk.may("post") ? tool("Fill a post", () => desk.open("post", "operations"), "fill") : null,
  ];
}

/** Alarms, and what else is linked. */
export function alarms(desk) {
  const { it } = desk;
  const unlink = (kind, one) => (desk.may("unlink") ? press("knob", "×", () => desk.do("unlink", desk.id, { [kind]: [one.id] }), { "aria-label": `Unlink ${one.description ?? one.name}`, "data-f": `un-${one.id}` }) : null);
  const rung = (one) => (one.status === "open" ? sign("alarm", one.acknowledged ? "Active, acknowledged" : "Active") : sign("ok", "Cleared"));
  return [
    it.alarms.length ? h("ul", { class: "inc-list inc-alarms" }, it.alarms.map((one) => h("li", {}, severityOf(one.severity), h("a", { class: "text", dir: "auto", href: room(`/alarms?sel=${encodeURIComponent(one.id)}`) }, one.description ?? one.name), h("span", { class: "quiet rung" }, rung(one), " ", when(one.dateIssued, desk.now())), unlink("alarms", one)))) : null,
    it.links.length ? h("ul", { class: "inc-list" }, it.links.map((one) => h("li", {}, h("span", { class: "kind quiet" }, one.type), h("a", { class: "text", dir: "auto", href: entityPage(one.id) }, one.name), one.status ? h("span", { class: "quiet" }, one.status) : null, unlink("entities", one)))) : null,
    it.alarms.length + it.links.length ? null : h("p", { class: "quiet" }, "Nothing is linked."),
    it.unseen ? h("p", { class: "quiet" }, `${it.unseen} more are gone, or not yours to see.`) : null,
    desk.may("link") ? tool("Link…", () => desk.open("link"), "link") : null,
  ];
}

/** What is needed and who came, commands and notices, money. */
export function more(desk) {
  const { it, id } = desk;
  const one = it.incident;
  const money = Object.entries(it.spent).map(([code, amount]) => `${amount.toLocaleString("en", { minimumFractionDigits: 2 })} ${code}`).join(", ");
  const costs = one.cost ?? [];
  return [
    h("h3", {}, "Resources"),
    (one.needs ?? []).length ? h("ul", { class: "inc-list" }, one.needs.map((need) => h("li", {}, h("span", { class: "kind quiet" }, "needs"), h("span", { class: "text", dir: "auto" }, `${need.count} × ${need.capability}`), need.priority ? severityOf(need.priority) : null))) : null,
    it.resources.length ? h("ul", { class: "inc-list" }, it.resources.map((each) => h("li", {}, h("span", { class: "kind quiet" }, "here"), h("a", { class: "text", dir: "auto", href: entityPage(each.id) }, each.name), h("span", { class: "quiet" }, each.status ?? "")))) : h("p", { class: "quiet" }, "No resource is assigned."),
    h("p", { class: "inc-tools" }, desk.may("need") ? tool("Say what is needed", () => desk.open("need"), "need") : null, h("a", { class: "tool", href: `${room("/resources")}?incident=${encodeURIComponent(id)}` }, "Find resources")),
    it.commands.length ? [h("h3", {}, "Commands"), h("ul", { class: "inc-list" }, it.commands.map((each) => h("li", {}, h("a", { class: "text", dir: "auto", href: entityPage(each.id) }, `${each.commandDevice}: ${JSON.stringify(each.payload)}`), h("span", { class: "quiet" }, each.status ?? ""))))] : null,
    it.notices.length ? [h("h3", {}, "Notices"), h("ul", { class: "inc-list" }, it.notices.map((each) => h("li", {}, h("span", { class: "text", dir: "auto" }, `${[each.to ?? []].flat().map(who).join(", ")}: ${each.message}`), h("span", { class: "quiet" }, each.status ?? ""))))] : null,
    h("h3", {}, "Costs", money ? h("b", {}, ` ${money}`) : ""),
    costs.length ? h("ul", { class: "inc-list" }, costs.map((each) => h("li", { class: each.void ? "void" : null }, h("span", { class: "text", dir: "auto" }, each.what, each.void ? h("span", { class: "quiet" }, ` void: ${each.void}`) : ""), h("span", { class: "num" }, `${each.amount.toLocaleString("en", { minimumFractionDigits: 2 })} ${each.currency}`), !each.void && desk.may("cost") ? press("knob", "×", () => desk.open("void", each), { "aria-label": `Void ${each.what}`, "data-f": `void-${each.n}` }) : null))) : h("p", { class: "quiet" }, "Nothing is noted."),
    desk.may("cost") ? tool("Note a cost", () => desk.open("cost"), "add-cost") : null,
    h("h3", {}, "Files"),
    one.media?.length ? h("ul", { class: "inc-list" }, one.media.map((each) => h("li", {}, h("a", { class: "text", dir: "auto", href: mediaOf(id, each), download: true }, each.caption || each.name), h("span", { class: "quiet" }, `${each.kind.split("/")[1]}, ${bytes(each.size)}, ${who(each.by)} `, when(each.at, desk.now())), desk.may("detach") ? press("knob", "×", () => desk.open("detach", each), { "aria-label": `Take away ${each.name}`, "data-f": `off-${each.sha256}` }) : null))) : h("p", { class: "quiet" }, "No photographs or papers yet."),
    desk.may("attach") ? tool("Attach a file", () => desk.open("attach"), "attach") : null,
  ];
}

/** What people found afterwards. */
export function findings(desk) {
  const listed = desk.it.incident.findings ?? [];
  const words = { "went-well": "Went well", improve: "Improve", decision: "Decision", action: "Action" };
  return [
    listed.length ? h("ul", { class: "inc-list" }, listed.map((one) => h("li", {}, h("b", {}, words[one.kind] ?? one.kind), h("span", { class: "text", dir: "auto" }, one.text), h("span", { class: "quiet" }, one.owner ? `${who(one.owner)}, ` : "", one.due ? when(one.due, desk.now()) : who(one.by))))) : h("p", { class: "quiet" }, "The figures of the review are made from the log; what they mean, people write here."),
    desk.may("finding") ? tool("Add a finding", () => desk.open("finding"), "finding") : null,
  ];
}
