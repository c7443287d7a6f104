"""What money over years is worth: present value, rate of return, payback, benefit and cost, sensitivity, chance.

Pure functions: numbers in, numbers out. Flows are of one currency and of one kind of prices; year 0 is now, and what
happens in year t happens at its end. Rates are shares (0.03 is 3 %). Who asks says every assumption, and every answer
of the app repeats them. Held against the worked examples of spreadsheet manuals and identities by
tests/apps/test_strategy_finance.py.
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from itertools import pairwise
from statistics import fmean, pstdev
from typing import Any, Final

YEAR_DAYS: Final = 365.0
"""Of irregular flows, as spreadsheets count: each year has so many days."""
YEARS: Final = 60
"""The longest that anything is looked at: beyond it a discounted euro is a coin."""
RUNS: Final = 20_000
_TRIES: Final = 200
_LOW: Final = -0.999
_HIGH: Final = 100.0


class Wrong(ValueError):
    """Numbers that make no sense together; `where` names the one."""

    def __init__(self, why: str, where: str) -> None:
        """`why` is for people."""
        super().__init__(why)
        self.where = where


def npv(rate: float, flows: Sequence[float]) -> float:
    """Net present value of yearly flows, the first of them now (year 0). Wrong when the rate is -1 or below."""
    if rate <= -1:
        raise Wrong("a rate is above -100 %", "rate")
    return math.fsum(flow / (1 + rate) ** year for year, flow in enumerate(flows))


def xnpv(rate: float, flows: Sequence[tuple[date, float]]) -> float:
    """Net present value, at the day of the first, of flows on any days. Wrong when one is before the first."""
    if rate <= -1:
        raise Wrong("a rate is above -100 %", "rate")
    if not flows:
        return 0.0
    first = flows[0][0]
    if any(day < first for day, _ in flows):
        raise Wrong("no flow is before the first one", "flows")
    return math.fsum(flow / (1 + rate) ** ((day - first).days / YEAR_DAYS) for day, flow in flows)


def irr(flows: Sequence[float]) -> float | None:
    """The rate at which the flows are worth nothing; None where there is none, or more than one.

    Flows whose sign turns once have one at most (Descartes); where it turns more often, no rate is told.
    """
    return _rate(lambda rate: npv(rate, flows), flows)


def xirr(flows: Sequence[tuple[date, float]]) -> float | None:
    """The same of flows on any days."""
    return _rate(lambda rate: xnpv(rate, flows), [flow for _, flow in sorted(flows)])


def _rate(worth: Callable[[float], float], flows: Sequence[float]) -> float | None:
    signs = [flow > 0 for flow in flows if flow]
    if sum(one != other for one, other in pairwise(signs)) != 1:
        return None
    low, high = _LOW, _HIGH
    if worth(low) * worth(high) > 0:
        return None
    for _ in range(_TRIES):
        middle = (low + high) / 2
        if worth(low) * worth(middle) <= 0:
            high = middle
        else:
            low = middle
    return (low + high) / 2


def annuity(rate: float, years: int, worth: float) -> float:
    """The yearly sum, at each year's end, that is worth as much as `worth` now (a loan's payment)."""
    if years < 1:
        raise Wrong("an annuity runs a year at least", "years")
    if rate <= -1:
        raise Wrong("a rate is above -100 %", "rate")
    # Through logarithms, so that a rate of next to nothing is no division by it.
    return worth / years if rate == 0 else -worth * rate / math.expm1(-years * math.log1p(rate))


def payback(flows: Sequence[float], rate: float = 0.0) -> float | None:
    """After how many years the flows have come back for good (within the year: evenly); None when they do not.

    With a rate: of discounted flows. Of flows that fall below zero again later, the last crossing counts.
    """
    total, crossed = 0.0, None
    for year, flow in enumerate(flows):
        worth = flow / (1 + rate) ** year
        if total < 0 <= total + worth:
            crossed = year - 1 + (-total / worth)
        elif total >= 0 > total + worth:
            crossed = None
        total += worth
    return (0.0 if crossed is None and flows and flows[0] >= 0 else crossed) if total >= 0 else None


def real(nominal: float, inflation: float) -> float:
    """The real rate of a nominal one (Fisher): (1 + nominal) / (1 + inflation) - 1."""
    if inflation <= -1:
        raise Wrong("inflation is above -100 %", "inflation")
    return (1 + nominal) / (1 + inflation) - 1


def nominal_flows(flows: Sequence[float], inflation: float) -> list[float]:
    """Flows at prices of year 0, as they will be paid."""
    return [flow * (1 + inflation) ** year for year, flow in enumerate(flows)]


@dataclass(frozen=True, slots=True)
class Money:
    """A sum with its currency; sums of different currencies are not added, for there is no rate of exchange here."""

    amount: float
    currency: str

    def __add__(self, other: "Money") -> "Money":
        """Their sum; Wrong when the currencies differ."""
        if self.currency != other.currency:
            raise Wrong(f"{self.currency} and {other.currency} are not added", "currency")
        return Money(self.amount + other.amount, self.currency)


@dataclass(frozen=True, slots=True)
class Case:
    """What a measure costs and brings, and all that is assumed of it.

    `capital` is paid in year 0. Yearly cost begins in year 1, benefit after `delay` more years, and grows over `ramp`
    years to its full height in equal steps. Sums are at prices of year 0; the discount rate is real, or nominal and
    then made real by `inflation`. `residual`: share of the capital that it is still worth at the end.
    """

    capital: float
    yearly: float
    benefit: float
    years: int
    rate: float
    inflation: float = 0.0
    rate_is_nominal: bool = False
    delay: int = 0
    ramp: int = 1
    residual: float = 0.0
    beneficiaries: float = 0.0

    def __post_init__(self) -> None:
        """Wrong where the numbers make no sense."""
        if not 1 <= self.years <= YEARS:
            raise Wrong(f"years are 1 to {YEARS}", "years")
        if not -0.5 < self.rate <= 1:
            raise Wrong("a discount rate is between -50 % and 100 %", "rate")
        if not -0.5 < self.inflation <= 1:
            raise Wrong("inflation is between -50 % and 100 %", "inflation")
        if not 0 <= self.residual <= 1:
            raise Wrong("what is left is a share of the capital", "residual")
        if min(self.capital, self.yearly, self.beneficiaries) < 0 or self.delay < 0 or self.ramp < 1:
            raise Wrong("costs, years and people are not below zero", "capital")

    @property
    def real_rate(self) -> float:
        """The rate that flows at prices of year 0 are discounted with."""
        return real(self.rate, self.inflation) if self.rate_is_nominal else self.rate

    @property
    def share(self) -> list[float]:
        """The share of its full height that the benefit has in each year."""
        return [min(1.0, max(0.0, (year - self.delay) / self.ramp)) for year in range(self.years + 1)]

    @property
    def costs(self) -> list[float]:
        """What is paid each year; what it is worth at the end is taken off."""
        told = [self.capital, *([self.yearly] * self.years)]
        told[-1] -= self.capital * self.residual
        return told

    @property
    def benefits(self) -> list[float]:
        """What it brings each year."""
        return [self.benefit * share for share in self.share]


def appraise(case: Case) -> dict[str, Any]:
    """All figures of a case: net present value, ratio, payback, rate of return, cost a person and year, flows."""
    rate, costs, benefits = case.real_rate, case.costs, case.benefits
    flows = [benefit - cost for benefit, cost in zip(benefits, costs, strict=True)]
    cost, benefit = npv(rate, costs), npv(rate, benefits)
    people = npv(rate, [case.beneficiaries * share for share in case.share])
    return {
        "npv": benefit - cost,
        "costs": cost,
        "benefits": benefit,
        "ratio": benefit / cost if cost > 0 else None,
        "irr": irr(flows),
        "payback": payback(flows),
        "discountedPayback": payback(flows, rate),
        "annual": annuity(rate, case.years, cost),
        "perPersonYear": cost / people if people > 0 else None,
        "perPerson": cost / case.beneficiaries if case.beneficiaries > 0 else None,
        "realRate": rate,
        "flows": flows,
    }


def tornado(case: Case, ranges: Mapping[str, tuple[float, float]]) -> list[dict[str, Any]]:
    """How far the net present value moves when one assumption is lower or higher, one at a time; the widest first."""
    known = {it.name for it in fields(Case)}
    told = []
    for name, (low, high) in ranges.items():
        if name not in known or low > high:
            raise Wrong("a range is of an assumption, from low to high", name)
        ends = [npv_of(_with(case, {name: value})) for value in (low, high)]
        swing = abs(ends[1] - ends[0])
        told.append({"name": name, "low": low, "high": high, "npvLow": ends[0], "npvHigh": ends[1], "swing": swing})
    return sorted(told, key=lambda it: (-it["swing"], it["name"]))


def monte_carlo(case: Case, ranges: Mapping[str, tuple[float, float]], runs: int, seed: int) -> dict[str, Any]:
    """The net present value when all assumptions vary at once, each for itself (triangular, peak at what is assumed).

    The same seed gives the same answer. Wrong when what is assumed is outside of its range.
    """
    if not 100 <= runs <= RUNS:
        raise Wrong(f"100 to {RUNS:,} runs", "runs")
    for name, (low, high) in ranges.items():
        if not low <= getattr(case, name) <= high:
            raise Wrong(f"{name} is assumed outside of its range", name)
    draw = random.Random(seed)  # noqa: S311  # nosec B311  # chance that anybody can repeat, and no secret
    found = sorted(
        npv_of(_with(case, {n: draw.triangular(low, high, getattr(case, n)) for n, (low, high) in ranges.items()}))
        for _ in range(runs)
    )
    return {
        "runs": runs,
        "seed": seed,
        "mean": fmean(found),
        "deviation": pstdev(found),
        "p5": _quantile(found, 0.05),
        "p50": _quantile(found, 0.5),
        "p95": _quantile(found, 0.95),
        "belowZero": sum(one < 0 for one in found) / runs,
    }


def npv_of(case: Case) -> float:
    """The net present value of a case alone."""
    return npv(case.real_rate, case.benefits) - npv(case.real_rate, case.costs)


def _with(case: Case, change: Mapping[str, float]) -> Case:
    whole = {name: round(value) if name in {"years", "delay", "ramp"} else value for name, value in change.items()}
    return replace(case, **whole)  # type: ignore[arg-type]  # whole years are whole


def _quantile(values: Sequence[float], share: float) -> float:
    """Of sorted values, evenly between two (Hyndman and Fan's type 7, as spreadsheets do)."""
    place = share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (place - low) * (values[high] - values[low])
