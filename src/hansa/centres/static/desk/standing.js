// What an alarm is at a moment (ISA-18.2). The same judgement as apps/alarms/standing.py, on concise or normalized Alerts.

import { moment, said, SEVERITIES, text } from "../station.js";

export { SEVERITIES };
export const STATES = ["UNACK", "RTN-UNACK", "ACK", "NORM"];
export const WORDS = { UNACK: "New", ACK: "Acknowledged", "RTN-UNACK": "Over, unseen", NORM: "Over" };

const count = (alert, name) => {
  const value = said(alert, name);
  return Number.isInteger(value) && value > 0 ? value : 0;
};

export const isOurs = (alert) => String(alert.id).startsWith("urn:ngsi-ld:Alert:desk-");
export const active = (alert) => said(alert, "status") !== "closed";
/** Which raising stands or stood last. */
export const activation = (alert) => count(alert, "activations") || (active(alert) ? 1 : 0);
export const acknowledged = (alert) => count(alert, "acknowledgedActivation") >= activation(alert);
export const stateOf = (alert) => (active(alert) ? (acknowledged(alert) ? "ACK" : "UNACK") : acknowledged(alert) ? "NORM" : "RTN-UNACK");
export const severityOf = (alert) => (SEVERITIES.includes(said(alert, "severity")) ? said(alert, "severity") : "informational");
/** When this raising began (milliseconds), or null. */
export const began = (alert) => moment(said(alert, "lastRaised")) ?? moment(said(alert, "dateIssued"));
export const raisings = (alert) => Math.max(count(alert, "activations"), count(alert, "raises"), active(alert) ? 1 : 0);
export const level = (alert) => (stateOf(alert) === "UNACK" ? count(alert, "escalation") : 0);

const later = (alert, name, now) => {
  const until = moment(said(alert, name));
  return until !== null && until > now;
};

/** Why it does not ring: out of service, suppressed, shelved, or nothing. */
export function aside(alert, now) {
  const out = said(alert, "outOfService") === true && (moment(said(alert, "outOfServiceUntil")) === null || later(alert, "outOfServiceUntil", now));
  if (out) return "out of service";
  if (said(alert, "suppressed") === true) return "suppressed";
  return later(alert, "shelvedUntil", now) ? "shelved" : "";
}

/** The alarm as a line of the list shows it; made once for each Change. */
export function line(alert, now) {
  return {
    id: alert.id,
    alert,
    state: stateOf(alert),
    severity: severityOf(alert),
    kind: text(alert, "subCategory") || text(alert, "category") || "alert",
    category: text(alert, "category"),
    source: text(alert, "alertSource"),
    description: text(alert, "description"),
    began: began(alert),
    cleared: moment(said(alert, "lastCleared")) ?? moment(said(alert, "validTo")),
    times: raisings(alert),
    level: level(alert),
    assignee: text(alert, "assignee"),
    root: text(alert, "rootAlarm"),
    aside: aside(alert, now),
  };
}

/** What rings first stands first: unseen before seen, escalated, then the gravest, then the newest. */
export function order(a, b) {
  return STATES.indexOf(a.state) - STATES.indexOf(b.state) || b.level - a.level || SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || (b.began ?? 0) - (a.began ?? 0) || (a.id < b.id ? -1 : 1);
}
