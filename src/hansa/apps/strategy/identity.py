"""Ways to pay for a digital identity, compared on one city's numbers (report section 3).

Five models: who pays, who operates, and what each of four actors has of it over the years. Transfers between actors
cancel: the sum of what all have is the same as what the identity itself costs and saves at that adoption, whichever
model; a test holds that. Adoption is a logistic curve up to a ceiling; a fee that people pay keeps some of them away.

Nothing here is a price of any supplier: every number is an input, with its unit, and told with the answer.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from hansa.apps.strategy.finance import YEARS, Wrong, npv

MODELS: Final[Mapping[str, str]] = {
    "government": "the government builds, runs and pays it; nobody else pays",
    "user": "people pay at enrolment and each year",
    "relying": "services that rely on it pay for each transaction",
    "concession": "an operator builds and runs it; the government pays him for being available (PPP)",
    "advertising-free": "an operator builds and runs it; the government pays him what advertising would bring",
}
ACTORS: Final = ("government", "residents", "relyingParties", "operator")
BOUNDS: Final[Mapping[str, tuple[float, float, float, str, str]]] = {
    # name: least, most, what is assumed where nobody says otherwise, unit, what it is
    "population": (100, 2e9, 100_000, "people", "people who may have one"),
    "ceiling": (0.01, 1, 0.8, "share", "of them, in the end, have one when it is free"),
    "midpoint": (0.1, 30, 4, "years", "until half of those have one"),
    "steepness": (0.05, 5, 0.9, "per year", "of the logistic curve"),
    "build": (0, 1e10, 1_500_000, "money", "to build it"),
    "enrolment": (0, 1_000, 6, "money a person", "to enrol somebody"),
    "fixed": (0, 1e9, 400_000, "money a year", "to run it, whoever uses it"),
    "perUser": (0, 500, 0.6, "money a person and year", "to run it for each who has one"),
    "transactions": (0, 5_000, 20, "a person and year", "transactions of each who has one"),
    "savesRelying": (0, 1_000, 0.35, "money a transaction", "that a relying service saves"),
    "savesUser": (0, 1_000, 0.25, "money a transaction", "that a person saves, in time and ways"),
    "enrolFee": (0, 1_000, 8, "money a person", "fee at enrolment, where people pay"),
    "yearFee": (0, 500, 3, "money a person and year", "fee each year, where people pay"),
    "deterred": (0, 1, 0.03, "share for one unit of money", "of people who stay away for each unit of fee in a year"),
    "transactionFee": (0, 100, 0.2, "money a transaction", "that a relying service pays"),
    "margin": (0, 0.5, 0.08, "share", "that an operator earns on his cost"),
    "adIncome": (0, 500, 3, "money a person and year", "that advertising and selling data would bring"),
    "years": (2, YEARS, 15, "years", "that are looked at"),
    "rate": (-0.2, 0.5, 0.035, "share", "discount rate, real, the same for all"),
}


@dataclass(frozen=True, slots=True)
class City:
    """The numbers of one city; each of `BOUNDS`. Sums are at prices of year 0, in one currency."""

    population: float
    ceiling: float
    midpoint: float
    steepness: float
    build: float
    enrolment: float
    fixed: float
    perUser: float  # noqa: N815  # as addresses and answers name it
    transactions: float
    savesRelying: float  # noqa: N815
    savesUser: float  # noqa: N815
    enrolFee: float  # noqa: N815
    yearFee: float  # noqa: N815
    deterred: float
    transactionFee: float  # noqa: N815
    margin: float
    adIncome: float  # noqa: N815
    years: float
    rate: float

    def __post_init__(self) -> None:
        """Wrong when a number is beyond its bounds."""
        for it in fields(self):
            least, most, _, unit, says = BOUNDS[it.name]
            value = getattr(self, it.name)
            if not least <= value <= most:
                raise Wrong(f"{it.name} ({says}) is {least:g} to {most:g} {unit}", it.name)


def plain() -> City:
    """What is assumed where nobody says otherwise; of no city in particular."""
    return City(**{name: said[2] for name, said in BOUNDS.items()})


def adoption(city: City, fee: float = 0.0) -> list[float]:
    """How many have one at the end of each year, from 0 (nobody) on; `fee` is what a person pays a year for it."""
    years = round(city.years)
    stay = max(0.0, 1 - city.deterred * fee)
    top = city.population * city.ceiling * stay
    # The curve is moved so that it begins at nobody, and ends at its ceiling all the same.
    zero = _logistic(-city.steepness * city.midpoint)
    return [
        top * (_logistic(city.steepness * (t - city.midpoint)) - zero) / (1 - zero) if t else 0.0
        for t in range(years + 1)
    ]


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def compare(city: City) -> list[dict[str, Any]]:
    """Each model: who pays what, what each actor has of it, when it has paid for itself, what a person costs."""
    return [_model(city, name) for name in MODELS]


def _model(city: City, name: str) -> dict[str, Any]:
    # A fee at enrolment counts as spread over the years that somebody has it.
    fee = city.yearFee + city.enrolFee / city.years if name == "user" else 0.0
    people = adoption(city, fee)
    joined = [max(0.0, now - before) for before, now in zip([0.0, *people], people, strict=False)]
    used = [city.transactions * n for n in people]
    cost = [city.fixed + city.perUser * n + city.enrolment * new for n, new in zip(people, joined, strict=True)]
    cost[0] = city.build
    flows = {actor: [0.0] * len(people) for actor in ACTORS}
    operator = "operator" if name in {"concession", "advertising-free"} else "government"
    for t in range(len(people)):
        flows[operator][t] -= cost[t]
        flows["residents"][t] += city.savesUser * used[t]
        flows["relyingParties"][t] += city.savesRelying * used[t]
    paid = _transfers(city, name, people, joined, used, cost)
    for payer, payee, sums in paid:
        for t, amount in enumerate(sums):
            flows[payer][t] -= amount
            flows[payee][t] += amount
    worth = {actor: npv(city.rate, flows[actor]) for actor in ACTORS}
    who = npv(city.rate, cost)
    years = npv(city.rate, people)
    return {
        "model": name,
        "says": MODELS[name],
        "npv": worth,
        "total": sum(worth.values()),
        "pays": {payer: npv(city.rate, sums) for payer, _, sums in paid} or {"government": who},
        "cost": who,
        "perPersonYear": who / years if years > 0 else None,
        "perPerson": who / people[-1] if people[-1] > 0 else None,
        "enrolled": people[-1],
        "adoption": people,
        "breakEven": {actor: break_even(city.rate, flows[actor]) for actor in ("operator", "government")},
        "breakEvenAll": break_even(city.rate, [sum(flows[actor][t] for actor in ACTORS) for t in range(len(people))]),
        "fee": _needed(city, name, people, joined, used, who),
    }


def _transfers(
    city: City,
    name: str,
    people: Sequence[float],
    joined: Sequence[float],
    used: Sequence[float],
    cost: Sequence[float],
) -> list[tuple[str, str, list[float]]]:
    """Who pays whom, year by year."""
    match name:
        case "user":
            return [("residents", "government", _sums(city.yearFee, people, city.enrolFee, joined))]
        case "relying":
            return [("relyingParties", "government", [city.transactionFee * n for n in used])]
        case "concession":
            # An equal sum each year from 1 on, worth his cost and his margin: paid for being there, used or not.
            level = [0.0, *([1.0] * (len(people) - 1))]
            due = npv(city.rate, cost) * (1 + city.margin) / npv(city.rate, level)
            return [("government", "operator", [due * one for one in level])]
        case "advertising-free":
            return [("government", "operator", [city.adIncome * n for n in people])]
    return []


def _sums(yearly: float, people: Sequence[float], once: float, joined: Sequence[float]) -> list[float]:
    return [yearly * n + once * new for n, new in zip(people, joined, strict=True)]


def _needed(
    city: City, name: str, people: Sequence[float], joined: Sequence[float], used: Sequence[float], cost: float
) -> dict[str, Any] | None:
    """The fee at which whoever takes it has his cost back at the end: by the same adoption."""
    if name == "relying":
        base, unit = npv(city.rate, used), BOUNDS["transactionFee"][3]
    elif name == "user":
        base, unit = npv(city.rate, people), BOUNDS["yearFee"][3]
        cost -= city.enrolFee * npv(city.rate, joined)
    elif name == "advertising-free":
        base, unit = npv(city.rate, people), BOUNDS["adIncome"][3]
    else:
        return None
    return {"breakEven": cost / base if base > 0 else None, "unit": unit}


def break_even(rate: float, flows: Sequence[float]) -> int | None:
    """The first year from whose end on the discounted sum stays at zero or above; None when it does not."""
    total, found = 0.0, None
    for year, flow in enumerate(flows):
        total += flow / (1 + rate) ** year
        if total < -1e-6:
            found = None
        elif found is None:
            found = year
    return found
