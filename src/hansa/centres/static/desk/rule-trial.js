// A rule tried on what was: how far it is, and what came of it, rings against real incidents on one line of time.

import { csv, download, h, notice, press, put } from "../dom.js";
import { ask, DESK, room } from "../doors.js";
import { aloud, fault, now } from "../base/start.js";
import { moment } from "../station.js";
import { count, lasting, shortDayText, whenText } from "../words.js";

const LOOK_MS = 400;
const DAY = 86_400_000;
const WIDE = 1000;
const local = (at) => new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
const iso = (value) => (value ? new Date(value).toISOString() : null);
const share = (value) => (value === null || value === undefined ? "–" : `${Math.round(value * 100)} %`);

const svg = (tag, props, ...children) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(props)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

/** The pane in which the text of an editor is tried. */
export function trial(edit, one, { go, place }) {
  const from = h("input", { type: "datetime-local", value: local(now() - 30 * DAY) });
  const to = h("input", { type: "datetime-local", value: local(now()) });
  const before = h("input", { type: "number", min: 0, max: 43_200, step: 1, value: 120 });
  const told = h("div", { class: "rule-told" });
  const run = press("tool", "Try it", () => begin());
  let turn = 0;

  async function begin() {
    const mine = ++turn;
    told.replaceChildren(progress({ progress: 0, doing: "begins" }));
    try {
      const said = { rule: edit.text(), from: iso(from.value), to: iso(to.value), before: Math.max(0, Number(before.value) || 0) * 60 };
      if (one.id) said.id = one.id;
      const { body } = await ask(`${DESK}/trials`, { method: "POST", send: said });
      go({ trial: body.id }, { quiet: true });
      await follow(body.id, mine);
    } catch (problem) {
      if (mine === turn) told.replaceChildren(fault("It could not be tried", problem));
    }
  }

  async function follow(id, mine) {
    for (;;) {
      let found;
      try {
        found = (await ask(`${DESK}/trials/${encodeURIComponent(id)}`)).body;
      } catch (problem) {
        if (mine === turn) told.replaceChildren(problem.status === 404 ? "" : fault("It could not be tried", problem));
        return;
      }
      if (mine !== turn || !told.isConnected) return;
      if (found.state === "done") return done(found);
      if (found.state === "failed") return told.replaceChildren(failed(found.fault));
      if (found.state === "ended") return told.replaceChildren(notice("It was ended", ["Nothing was found out."]));
      update(found, id);
      await new Promise((again) => setTimeout(again, LOOK_MS));
    }
  }

  function update(found, id) {
    const bar = told.querySelector("progress");
    if (!bar) return told.replaceChildren(progress(found, id));
    bar.value = found.progress;
    put(told.querySelector(".doing"), words(found));
    if (!told.querySelector(".end")) told.querySelector(".rule-progress").append(ender(id));
    return null;
  }

  const words = (found) => `${Math.round(found.progress * 100)} %${found.doing ? `, ${found.doing}` : ""}`;
  const ender = (id) => press("link end", "End it", () => ask(`${DESK}/trials/${encodeURIComponent(id)}`, { method: "DELETE" }).catch(() => null));
  const progress = (found, id = null) => h("div", { class: "rule-progress", role: "status" }, h("progress", { max: 1, value: found.progress, "aria-label": "How far the trial is" }), h("span", { class: "doing quiet" }, found.state === "waiting" ? "waits for its turn" : words(found)), id ? ender(id) : null);
  const failed = (problem) => notice("It could not be tried", [problem.detail, problem.mend].filter(Boolean), { bad: true });

  function done(found) {
    const it = found.result;
    aloud(it.says);
    told.replaceChildren(
      h("p", { class: "rule-verdict" }, `${it.says[0].toUpperCase()}${it.says.slice(1)}.`),
      h("dl", { class: "record" }, fact("Rings", it.rings), fact("For real", it.incidents.length ? it.real : "–"), fact("False", it.incidents.length ? it.false : "–"), fact("Precision", share(it.precision)), fact("Recall", share(it.recall)), fact("Stood", lasting(it.stood_s * 1000)), it.alarms ? fact("Really rang", it.alarms.rang) : null, it.alarms ? fact("Of these, tried too", it.alarms.both) : null),
      timeline(it),
      incidents(it),
      sources(it),
      rings(it),
      h("p", { class: "quiet" }, `${count(it.sources, "source")}, ${it.values.toLocaleString("en")} values, in ${found.took_s.toFixed(1)} s. What you may not see does not count.`),
    );
  }

  const form = h("div", { class: "rule-try" }, h("label", {}, h("span", {}, "From"), from), h("label", {}, h("span", {}, "To"), to), h("label", {}, h("span", {}, "Counts before an incident (min)"), before), run, ...[7, 30, 90].map((days) => press("link", `last ${days} days`, () => { from.value = local(now() - days * DAY); to.value = local(now()); begin(); })));
  if (place.trial) follow(place.trial, turn);
  return h("section", { class: "rule-trial" }, h("h3", {}, "Try it on what was"), form, told);
}

const fact = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value)));

function timeline(it) {
  const begin = moment(it.from);
  const end = moment(it.to);
  const x = (at) => Math.max(0, Math.min(WIDE, ((at - begin) / (end - begin)) * WIDE));
  const most = Math.max(1, ...Object.values(it.days));
  const days = Object.entries(it.days).map(([day, many]) => {
    const at = Date.parse(`${day}T00:00:00`);
    const tall = (many / most) * 34;
    return svg("rect", { class: "day", x: x(at), y: 38 - tall, width: Math.max(1.5, x(at + DAY) - x(at) - 1), height: tall }, svg("title", {}, `${day}: ${count(many, "ring")}`));
  });
  const ticks = it.listed.map((one) => svg("rect", { class: one.real.length ? "ring real" : "ring", x: x(moment(one.from)), y: 46, width: Math.max(1.5, x(one.to ? moment(one.to) : end) - x(moment(one.from))), height: 16 }, svg("title", {}, `${one.name}, ${one.from}`)));
  const real = it.incidents.map((one) => svg("rect", { class: one.caught ? "incident" : "incident missed", x: x(moment(one.from)), y: 72, width: Math.max(3, x(moment(one.to)) - x(moment(one.from))), height: 14 }, svg("title", {}, `${one.name}${one.caught ? "" : ", missed"}`)));
  const said = `${count(it.rings, "ring")} and ${count(it.incidents.length, "incident")} from ${shortDayText(begin)} to ${shortDayText(end)}`;
  return h(
    "figure",
    {},
    svg("svg", { class: "rule-line", viewBox: `0 0 ${WIDE} 90`, preserveAspectRatio: "none", role: "img", "aria-label": said }, svg("line", { class: "base", x1: 0, x2: WIDE, y1: 38, y2: 38 }), ...days, ...ticks, svg("line", { class: "base", x1: 0, x2: WIDE, y1: 88, y2: 88 }), ...real),
    h("div", { class: "rule-axis quiet" }, [0, 0.5, 1].map((part) => h("span", {}, shortDayText(begin + (end - begin) * part)))),
    h("figcaption", { class: "rule-key" }, h("span", {}, "Above: rings a day, ", String(most), " at most"), h("span", {}, h("i"), "rings"), h("span", { class: "real" }, h("i"), "for a real incident"), h("span", { class: "incident" }, h("i"), "incident"), h("span", { class: "missed" }, h("i"), "missed")),
  );
}

const box = (label, table) => h("div", { class: "table-box", tabindex: "0", role: "region", "aria-label": label }, table);
const heads = (...names) => h("thead", {}, h("tr", {}, names.map((name) => h("th", { scope: "col" }, name))));

function incidents(it) {
  if (!it.incidents.length) return "";
  const rows = it.incidents.map((one) => h("tr", {}, h("th", { scope: "row" }, one.id.startsWith("urn:") ? h("a", { href: room(`/incidents/${encodeURIComponent(one.id)}`) }, one.name) : one.name), h("td", {}, whenText(moment(one.from), now())), h("td", {}, one.caught ? (one.lead_s >= 0 ? `${lasting(one.lead_s * 1000)} before` : `${lasting(-one.lead_s * 1000)} after it began`) : h("b", { class: "grave" }, "missed"))));
  return h("details", { class: "folded", open: true }, h("summary", {}, `Incidents (${it.incidents.length})`), box("Incidents", h("table", {}, heads("Incident", "Began", "It rang"), h("tbody", {}, rows))));
}

function sources(it) {
  if (!it.bySource.length) return "";
  const rows = it.bySource.map((one) => h("tr", {}, h("th", { scope: "row" }, h("a", { href: room(`/entities/${encodeURIComponent(one.source)}`) }, one.name)), h("td", { class: "num" }, String(one.rings)), h("td", { class: "num" }, String(one.real)), h("td", { class: "num" }, lasting(one.stood_s * 1000))));
  return h("details", { class: "folded" }, h("summary", {}, `Sources that rang most (${it.bySource.length})`), box("Sources", h("table", {}, heads("Source", "Rings", "For real", "Stood"), h("tbody", {}, rows))));
}

function rings(it) {
  if (!it.listed.length) return "";
  const rows = it.listed.slice(0, 300).map((one) => h("tr", {}, h("td", {}, whenText(moment(one.from), now())), h("th", { scope: "row" }, one.name), h("td", {}, one.to ? lasting(moment(one.to) - moment(one.from)) : "still stands"), h("td", {}, one.real.length ? "for real" : "")));
  const out = press("link", "CSV", () => download("rings.csv", csv([["source", "from", "to", "incidents"], ...it.listed.map((one) => [one.source, one.from, one.to ?? "", one.real.join(" ")])])));
  return h("details", { class: "folded" }, h("summary", {}, `Rings (${it.rings.toLocaleString("en")}${it.rings > 300 ? ", the first 300" : ""})`), box("Rings", h("table", {}, heads("When", "Source", "How long", "")  , h("tbody", {}, rows))), out);
}
