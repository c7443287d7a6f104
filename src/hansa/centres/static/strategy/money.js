// Money: what a measure is worth on its assumptions, how far each moves that; ways to pay for a digital identity, with sliders.

import { h, put } from "../dom.js";
import { fault } from "../base/start.js";
import { inWords, money, named, percent, plain, s, view } from "./told.js";

const SHARES = new Set(["rate", "inflation", "residual", "ceiling", "margin", "deterred"]);
const NAMED = { perUser: "Cost a person", fixed: "Cost a year", build: "To build it", enrolment: "To enrol one", savesRelying: "Saved by services", savesUser: "Saved by people", enrolFee: "Fee at enrolment", yearFee: "Fee a year", transactionFee: "Fee a transaction", adIncome: "Advertising given up", deterred: "Kept away by a fee", benefit: "Benefit a year", yearly: "Cost a year", ceiling: "Adoption in the end", midpoint: "Half of them after" };
const ACTORS = { government: "Government", residents: "Residents", relyingParties: "Services", operator: "Operator" };
const worded = (name) => NAMED[name] ?? inWords(name);

/** A figure of an assumption, with its unit. */
const shown = (name, value) => (SHARES.has(name) ? percent(value) : plain(value, Math.abs(value) < 10 ? 2 : 0));

const figure = (word, value) => h("div", {}, h("dt", {}, word), h("dd", {}, value));

/** A bar from `low` to `high` on an axis from `least` to `most`, zero marked. */
function bar(low, high, least, most, kind) {
  const span = most - least || 1;
  const x = (value) => ((value - least) / span) * 100;
  return s("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, s("rect", { class: kind, x: x(Math.min(low, high)), y: 1, width: Math.max(0.4, Math.abs(x(high) - x(low))), height: 8 }), s("line", { class: "zero", x1: x(0), x2: x(0), y1: 0, y2: 10, "vector-effect": "non-scaling-stroke" }));
}

/** What a measure is worth: figures, assumptions that may be changed, sensitivity, chance. `change(name, value)` keeps them in the address. */
export function worth(told, { change }) {
  const c = told.currency;
  const ends = told.tornado.flatMap((it) => [it.npvLow, it.npvHigh]).concat(0, told.npv);
  const [least, most] = [Math.min(...ends), Math.max(...ends)];
  const years = (value) => (value === null ? "not within these years" : `${plain(value)} years`);
  const chance = told.chance;
  return [
    h("dl", { class: "str-figures" }, figure("Net present value", money(told.npv, c)), figure("Benefit to cost", told.ratio === null ? "—" : plain(told.ratio, 2)), figure("Rate of return", told.irr === null ? "none" : percent(told.irr)), figure("Paid back", years(told.payback)), figure("Paid back, discounted", years(told.discountedPayback)), figure("Cost a year (annuity)", money(told.annual, c)), figure("Cost a person", told.perPerson === null ? "nobody counted" : money(told.perPerson, c)), figure("Cost a person and year", told.perPersonYear === null ? "nobody counted" : money(told.perPersonYear, c))),
    told.payments ? h("p", {}, `Its ${told.payments.many} payments by their days, ${told.payments.from} to ${told.payments.until}: worth ${money(told.payments.npv, c)} on the first, rate of return ${told.payments.irr === null ? "none" : percent(told.payments.irr)}.`) : "",
    h("h3", {}, "What moves it: one assumption at a time"),
    h("div", { class: "str-bars", role: "table", "aria-label": "Sensitivity" }, told.tornado.flatMap((it) => [h("span", { role: "cell" }, worded(it.name), h("span", { class: "sub" }, `${shown(it.name, it.low)} to ${shown(it.name, it.high)}`)), bar(it.npvLow, it.npvHigh, least, most, Math.min(it.npvLow, it.npvHigh) < 0 ? "lo" : "pos"), h("span", { class: "n", role: "cell" }, `${money(it.npvLow)} to ${money(it.npvHigh)}`)])),
    h("h3", {}, "By chance, all at once"),
    h("p", {}, `${plain(chance.runs)} runs, seed ${chance.seed}: in half of them above ${money(chance.p50, c)}, in nine of ten between ${money(chance.p5)} and ${money(chance.p95, c)}. Below zero in ${percent(chance.belowZero)}.`),
    h("h3", {}, "Assumptions"),
    h("div", { class: "str-sliders" }, told.assumptions.map((it) => h("label", { class: "str-slider" }, h("span", {}, worded(it.name)), h("b", {}, shown(it.name, it.value)), h("input", { type: "number", step: "any", value: it.value, "aria-label": `${worded(it.name)}: ${it.says}`, on: { change: (event) => change(it.name, event.target.value) } }), h("span", { class: "sub" }, `${it.says}; ${it.from}`)))),
    h("p", { class: "str-how" }, `${told.how} Prices of ${told.priceYear}.`),
  ];
}

/** The page of ways to pay for a digital identity, in `box`; `asked()` is what the address says, `keepAsked` keeps it. */
export function identity(box, { asked, keepAsked }) {
  let turn = 0;
  let waiting = 0;
  let made = null; // the sliders stay while answers come
  const answer = h("div", {});

  async function load() {
    const mine = ++turn;
    try {
      const told = await view("strategy", "identity", asked());
      if (mine !== turn) return;
      if (made !== box.firstElementChild || !made) sliders(told);
      result(told);
    } catch (problem) {
      if (mine === turn) (made ? answer : box).replaceChildren(fault("It could not be reckoned", problem));
    }
  }

  function sliders(told) {
    const lines = told.assumptions.map((it) => {
      // Wide ranges move by their logarithm, so that a city of a thousand and one of a million both fit.
      const wide = it.least > 0 && it.most / it.least > 1000;
      const top = it.name === "population" || it.most <= 100 || wide ? it.most : Math.max(it.value * 4, 10);
      const to = (value) => (wide ? Math.log10(value) : value);
      const back = (value) => (wide ? Number((10 ** value).toPrecision(3)) : value);
      const step = wide ? 0.01 : it.name === "years" || it.unit.startsWith("people") ? 1 : (Math.min(top, it.most) - it.least) / 400;
      const value = h("b", {}, shown(it.name, it.value));
      const input = h("input", { type: "range", min: to(it.least), max: to(Math.min(top, it.most)), step, value: to(it.value), name: it.name, "aria-valuetext": shown(it.name, it.value) });
      input.addEventListener("input", () => {
        const said = Number(back(Number(input.value)).toPrecision(6));
        put(value, shown(it.name, said));
        input.setAttribute("aria-valuetext", shown(it.name, said));
        keepAsked(it.name, String(said));
        clearTimeout(waiting);
        waiting = setTimeout(load, 120);
      });
      return h("label", { class: "str-slider" }, h("span", {}, worded(it.name)), value, input, h("span", { class: "sub" }, `${it.unit}; ${it.says}; ${it.from}`));
    });
    made = h("section", { class: "str-part" }, h("h2", {}, "Paying for a digital identity"), answer, h("details", { class: "about", open: true }, h("summary", {}, "The city's numbers"), h("div", { class: "str-sliders" }, lines)));
    box.replaceChildren(made);
  }

  function result(told) {
    const worths = told.models.flatMap((it) => Object.values(it.npv)).concat(0);
    const [least, most] = [Math.min(...worths), Math.max(...worths)];
    const year = (value) => (value === null ? "not within these years" : value === 0 ? "at once" : `year ${value}`);
    answer.replaceChildren(
      h(
        "table",
        { class: "str-table" },
        h("caption", { class: "unseen" }, "Models"),
        h("thead", {}, h("tr", {}, ["Model", "Pays", "Has of it (net present value)", "Cost a person", "Have one", "Pays for itself", "Fee that would"].map((word) => h("th", { scope: "col" }, word)))),
        h("tbody", {}, told.models.map((it) => h("tr", {}, h("th", { scope: "row" }, inWords(it.model), h("span", { class: "sub" }, it.says)), h("td", {}, Object.entries(it.pays).map(([who, sum]) => h("span", { class: "sub" }, `${ACTORS[who]} ${money(sum)}`))), h("td", { class: "wide" }, h("div", { class: "str-bars" }, Object.entries(it.npv).flatMap(([who, sum]) => [h("span", {}, ACTORS[who]), bar(0, sum, least, most, sum < 0 ? "neg" : "pos"), h("span", { class: "n" }, money(sum))])), h("span", { class: "sub" }, `together ${money(it.total)}`)), h("td", {}, money(it.perPerson), h("span", { class: "sub" }, `${money(it.perPersonYear)} a year`)), h("td", {}, plain(it.enrolled, 0)), h("td", {}, year(it.breakEvenAll), h("span", { class: "sub" }, `operator: ${["concession", "advertising-free"].includes(it.model) ? year(it.breakEven.operator) : "the government"}`)), h("td", {}, it.fee ? [money(it.fee.breakEven), h("span", { class: "sub" }, it.fee.unit)] : ""))))
      ),
      h("p", { class: "str-how" }, told.how),
    );
    named(answer);
  }

  return { load };
}
