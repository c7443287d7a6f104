// What is predicted, and how wrong such forecasts were so far: by app, attribute and lead, from the city's own history.

import { h, notice } from "../dom.js";
import { ask, DESK } from "../doors.js";
import { now } from "../base/start.js";
import { moment } from "../station.js";
import { count, figure, title, unitOf, whenText, withUnit } from "../words.js";

const signed = (value, unit = "") => (value === null || value === undefined ? "—" : `${value > 0 ? "+" : ""}${withUnit(value, unit)}`);
const part = (value) => (value === null || value === undefined ? "—" : `${Math.round(value * 100)} %`);

/** The pane of predictions. */
export async function foretold() {
  const { body } = await ask(`${DESK}/brain/predictions`);
  if (!body.skills.length && !body.current.length) {
    const said = body.waiting.map((one) => `${one.app} predicts (${title(one.type, "types")}); its first forecast is judged when its time is over.`);
    return notice("Nothing was predicted yet", said.length ? said : ["A forecast is an entity whose type ends with Forecast. It says for when (validFrom, validTo) and for what (refStation); when its time is over it is held against what was measured, and its error stands here.", "The app frost predicts the night's minimum of every weather station from sunset on."]);
  }
  const made = [];
  const by = Map.groupBy ? Map.groupBy(body.skills, key) : group(body.skills);
  for (const [, rows] of by) made.push(...one(rows));
  made.push(...current(body.current));
  made.push(...settled(body.settled));
  return h("div", { class: "foretold" }, made);
}

const key = (it) => `${it.app} ${it.type} ${it.attribute}`;
function group(rows) {
  const found = new Map();
  for (const it of rows) found.set(key(it), [...(found.get(key(it)) ?? []), it]);
  return found;
}

function one(rows) {
  const [first] = rows;
  const unit = unitOf(first.unit);
  const leads = rows.filter((it) => it.lead !== null && it.n).sort((a, b) => a.lead - b.lead);
  const most = Math.max(...leads.map((it) => it.rmse ?? 0), 0.001);
  const warned = rows.filter((it) => it.hits + it.falseAlarms + it.misses + it.rejections > 0).sort((a, b) => (a.lead ?? -1) - (b.lead ?? -1));
  const error = (it) => {
    const bar = h("i", { class: "err", "aria-hidden": "true" });
    bar.style.inlineSize = `${((it.rmse / most) * 100).toFixed(1)}%`;
    return h("td", { class: "num err-cell" }, bar, h("span", {}, withUnit(it.rmse, unit)));
  };
  return [
    h("h2", {}, title(first.attribute, "attributes"), h("span", { class: "sub" }, `${first.app} says it (${title(first.type, "types")}); ${count(Math.max(...leads.map((it) => it.n), 0), "case")} judged`)),
    leads.length
      ? h(
          "table",
          { class: "skill-table" },
          h("caption", { class: "unseen" }, "Error by lead"),
          h("thead", {}, h("tr", {}, [["Ahead"], ["RMSE"], ["Bias"], ["MAE"], ["Skill"], ["30 days"], ["Cases"]].map(([word]) => h("th", { scope: "col", class: word === "Ahead" ? null : "num", title: HELP[word] ?? null }, word)))),
          h("tbody", {}, leads.map((it) => h("tr", {}, h("th", { scope: "row" }, it.lead ? `${it.lead} h` : "start"), error(it), h("td", { class: "num" }, signed(it.bias, unit)), h("td", { class: "num" }, withUnit(it.mae, unit)), h("td", { class: it.skill !== null && it.skill < 0 ? "num grave-text" : "num" }, it.skill === null ? "—" : `${it.skill > 0 ? "+" : "−"}${figure(Math.abs(it.skill))}`), h("td", { class: "num" }, it.recent.n ? withUnit(it.recent.rmse, unit) : "—"), h("td", { class: "num" }, String(it.n))))),
        )
      : h("p", { class: "quiet" }, "None of its forecasts could be judged yet."),
    warned.length
      ? h(
          "table",
          { class: "skill-table warned" },
          h("caption", {}, "As a warning"),
          h("thead", {}, h("tr", {}, ["Ahead", "Hits", "Misses", "False", "Quiet", "Detected", "False share"].map((word) => h("th", { scope: "col", class: word === "Ahead" ? null : "num" }, word)))),
          h("tbody", {}, warned.map((it) => h("tr", {}, h("th", { scope: "row" }, it.lead === null ? "as warned" : it.lead ? `${it.lead} h` : "start"), [it.hits, it.misses, it.falseAlarms, it.rejections].map((n) => h("td", { class: "num" }, String(n))), h("td", { class: "num" }, part(it.detected)), h("td", { class: "num" }, part(it.falseShare))))),
        )
      : "",
  ];
}

const HELP = {
  RMSE: "Root mean square error",
  MAE: "Mean absolute error",
  Skill: "1 less the mean square error over that of persistence (the same hours of the day before): above 0 is better than saying that tomorrow is as today",
  "30 days": "RMSE of the last 30 days",
};

function current(rows) {
  if (!rows.length) return [h("h2", {}, "Predicted now"), h("p", { class: "quiet" }, "No forecast's time is to come.")];
  rows.sort((a, b) => Number(b.warned === true) - Number(a.warned === true) || a.said - b.said);
  return [
    h("h2", {}, "Predicted now", h("span", { class: "sub" }, "with the error that such forecasts had so far")),
    h(
      "table",
      { class: "skill-table" },
      h("caption", { class: "unseen" }, "Forecasts whose time is to come"),
      h("thead", {}, h("tr", {}, [["Of"], ["What"], ["Says", "num"], ["When"]].map(([word, kind]) => h("th", { scope: "col", class: kind ?? null }, word)))),
      h(
        "tbody",
        {},
        rows.slice(0, 60).map((it) => h("tr", {}, h("th", { scope: "row" }, h("a", { href: `/entities/${encodeURIComponent(it.id).replaceAll("%3A", ":")}` }, it.of), it.warned ? h("span", { class: "sign watch says-warned" }, "warned") : ""), h("td", {}, title(it.attribute, "attributes")), h("td", { class: "num foretold-value" }, withUnit(it.said, unitOf(it.unit)), it.rmse === null ? "" : h("span", { class: "sub" }, `± ${figure(it.rmse, unitOf(it.unit))} (${count(it.cases, "case")})`)), h("td", {}, span(it)))),
      ),
    ),
  ];
}

function span(it) {
  const [since, until] = [moment(it.from ?? it.validFrom), moment(it.to ?? it.validTo)];
  return [since, until].map((at) => (at === null ? "?" : whenText(at, now()))).join(" – ");
}

function settled(rows) {
  if (!rows.length) return [];
  const lines = rows.flatMap((it) => Object.entries(it.scores ?? {}).map(([name, score]) => ({ it, name, score, lead: Object.keys(score.leads).map(Number).sort((a, b) => a - b)[0] })));
  const not = rows.filter((it) => !it.counted).length;
  return [
    h("h2", {}, "Judged lately", not ? h("span", { class: "sub" }, `${not} more could not be judged`) : ""),
    h(
      "table",
      { class: "skill-table" },
      h("caption", { class: "unseen" }, "Forecasts whose time is over"),
      h("thead", {}, h("tr", {}, [["Of"], ["Said", "num"], ["Came", "num"], ["Error", "num"], ["When"]].map(([word, kind]) => h("th", { scope: "col", class: kind ?? null }, word)))),
      h(
        "tbody",
        {},
        lines.slice(0, 40).map(({ it, score, lead }) => {
          const unit = unitOf(score.unit);
          const [, said] = score.leads[String(lead)];
          return h("tr", {}, h("th", { scope: "row" }, h("a", { href: `/entities/${encodeURIComponent(it.id).replaceAll("%3A", ":")}` }, String(it.refSource ?? it.refForecast ?? "").split(":").pop())), h("td", { class: "num foretold-value" }, withUnit(said, unit)), h("td", { class: "num" }, withUnit(score.came, unit)), h("td", { class: "num" }, signed(said - score.came, unit)), h("td", {}, span(it)));
        }),
      ),
    ),
  ];
}
