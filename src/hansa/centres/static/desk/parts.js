// The parts of the city itself: store, rules, apps, subscriptions, audit, and what could not be used.

import { h } from "../dom.js";
import { API, ask } from "../doors.js";
import { may, now } from "../base/start.js";
import { moment } from "../station.js";
import { age, count, lasting } from "../words.js";
import { stateSign } from "./signs.js";

const quietly = (path, otherwise) => ask(path).then(({ body }) => body, () => otherwise);

/** The pane of parts. */
export async function parts() {
  const [health, subs, letters] = await Promise.all([ask("/health").then(({ body }) => body), quietly(`${API}/subscriptions?limit=1000`, null), may.administer ? quietly("/admin/deadletters?limit=1000", null) : null]);
  const made = [];
  if (!health.realms) {
    made.push(h("h2", {}, "City"), h("p", {}, stateSign(health.status === "ok" ? "fresh" : "late", "", PART)), h("p", { class: "quiet" }, "The parts one by one are told to engineers and administrators."));
  } else {
    const rows = [];
    for (const [realm, it] of Object.entries(health.realms)) {
      rows.push([it.full ? "silent" : it.waiting > 10_000 ? "late" : "fresh", `Store ${realm}`, it.full ? it.full : `${it.seq.toLocaleString("en")} Changes, ${it.waiting} wait to be written`]);
      rows.push([it.notifications_waiting > 1000 ? "late" : "fresh", `Notifications ${realm}`, `${it.subscriptions ?? 0} subscriptions, ${it.notifications_waiting} wait to be delivered`]);
    }
    rows.push([health.rules.running ? (health.rules.behind_s > 10 ? "late" : health.rules.restarts > 2 ? "flapping" : "fresh") : "silent", "Rules", health.rules.running ? `${health.rules.behind} Changes behind (${lasting(health.rules.behind_s * 1000)}), ${count(health.rules.restarts, "restart")}` : "not running: nothing raises alarms now"]);
    for (const [realm, it] of Object.entries(health.audit)) rows.push([it.full ? "silent" : it.waiting > 1000 ? "late" : "fresh", `Audit ${realm}`, it.full ? "cannot be written: what must be noted is refused" : `${it.waiting} entries wait`]);
    rows.push(["fresh", "Devices' door", `${health.messages.taken.toLocaleString("en")} messages, ${health.messages.refused.toLocaleString("en")} refused, ${health.mqtt.connections} connected`]);
    rows.push([health.requests.wait_s > 1 ? "late" : "fresh", "Requests", `wait ${Math.round(health.requests.wait_s * 1000)} ms, ${health.requests.refused} told to come later`]);
    for (const app of health.apps) rows.push([health.rules.running ? "fresh" : "silent", `App ${app.name}`, `runs, section ${app.report}`]);
    for (const app of health.off) rows.push(["silent", `App ${app.name}`, `off: ${app.reason}`]);
    made.push(h("h2", {}, "Parts of the city", h("span", { class: "sub" }, `up for ${lasting(health.up_s * 1000)}`)), table(rows));
  }
  if (subs?.length) {
    const worst = { failed: 0, paused: 1, expired: 2 };
    const rows = subs.map((one) => {
      const to = one.notification ?? {};
      const last = moment(to.lastNotification);
      const bad = to.status === "failed" || one.status === "failed";
      return [bad ? "silent" : one.status === "paused" ? "off" : one.status === "expired" ? "off" : "fresh", one.subscriptionName || one.description || one.id, `${last === null ? "nothing told yet" : `told ${age(last, now())} ago, ${to.timesSent ?? 0} times`}${to.timesFailed ? `, failed ${to.timesFailed} times` : ""}`, worst[one.status] ?? (bad ? 0 : 3)];
    });
    made.push(h("h2", {}, "Subscriptions", h("span", { class: "sub" }, count(subs.length, "subscription"))), table(rows.sort((a, b) => a[3] - b[3]).slice(0, 50)));
  }
  if (letters) {
    const by = new Map();
    for (const one of letters) by.set(`${one.kind} ${one.source}`, [...(by.get(`${one.kind} ${one.source}`) ?? []), one]);
    const rows = [...by.values()].sort((a, b) => b.length - a.length).slice(0, 30).map((some) => ["late", `${some[0].source} (${some[0].kind})`, `${count(some.length, "letter")}: ${some[0].reason}`.slice(0, 220)]);
    made.push(h("h2", {}, "Could not be used", h("span", { class: "sub" }, letters.length ? `${count(letters.length, "dead letter")}${letters.length >= 1000 ? " and more" : ""}: kept with their reason` : "")));
    made.push(rows.length ? table(rows, { late: "Kept" }) : h("p", { class: "quiet" }, "No dead letters: everything that came could be used."));
  }
  return h("div", { class: "foretold" }, made);
}

const PART = { silent: "Fails", flapping: "Restarts", late: "Behind", fresh: "In order", off: "At rest" };
const table = (rows, words = PART) => h("table", { class: "parts-table" }, h("tbody", {}, rows.map(([state, name, said]) => h("tr", {}, h("th", { scope: "row" }, stateSign(state, "", words), " ", h("b", {}, name)), h("td", {}, said)))));
