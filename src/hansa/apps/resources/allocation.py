"""Which unit goes where, for several incidents at once: the best answer, and the plain nearest-first one beside it.

What is minimised, in words: every minute until a unit is there counts by how grave the incident is, and a unit that
is asked for and not sent counts as if it came after `unmet_min` minutes. In signs, with x the number of places that
unit u gives to need n, t the minutes from u to n, w the weight of n's priority, c how many n asks for:

    minimise   sum over u, n of  w[n] * t[u, n] * x[u, n]
                 +  sum over n of  w[n] * unmet_min * (c[n] - sum over u of x[u, n])
    so that    sum over u of x[u, n] <= c[n],   sum over n of x[u, n] <= free[u],   x whole,
               x[u, n] = 0 where u cannot do what n asks, or finds no way there

It is a transportation problem, whose corners are whole numbers; HiGHS solves it to the end (scipy.optimize.milp, gap 0)
and says the bound that proves it. Of each need only the nearest units count, as many as places are asked for in all: if
a further one were sent, one of these would be free, and sooner there. So a proposal takes as long as what is asked for,
not as what the city has. The nearest-first answer takes needs by weight, then by age, and gives each the
nearest unit that is left: what a dispatcher does by hand. tests/apps/test_resources_allocation.py tries all answers of
small cases.
"""

import heapq
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_matrix

WEIGHTS: Final = MappingProxyType({"critical": 8.0, "high": 4.0, "medium": 2.0, "low": 1.0, "informational": 0.5})
"""How much a minute counts, by the severity words of an Alert: each is twice as grave as the next."""
UNMET_MIN: Final = 240.0  # a unit that would take longer is not sent
UNITS: Final = 2_000  # of one proposal
NEEDS: Final = 500  # of one proposal
COUNT: Final = 10_000  # that one need asks for
PAIRS: Final = 10_000  # of a unit and a need, of one proposal: HiGHS takes a second for them
SOLVE_S: Final = 3.0  # HiGHS is asked to stop then; what it has is not called optimal, and its bound says how far off


@dataclass(frozen=True, slots=True)
class Need:
    """What an incident asks for: `count` times a capability, and how grave it is."""

    incident: str
    capability: str
    count: int = 1
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Unit:
    """What may be sent: what it can do, and how many places it has to give (a team 1, a shelter its free beds)."""

    id: str
    capabilities: frozenset[str]
    free: int = 1


@dataclass(frozen=True, slots=True)
class Sent:
    """A unit for a need (by its number among the needs), with how many of its places, and when it is there."""

    unit: str
    need: int
    places: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """Who is sent where, what that costs (weighted minutes), and what is left unmet by need."""

    sent: tuple[Sent, ...]
    cost: float
    unmet: tuple[int, ...]
    optimal: bool = False
    bound: float | None = None
    """No answer costs less than this."""

    @property
    def gap(self) -> float | None:
        """By what share of its cost a better answer could be cheaper at most; None where nothing is known."""
        if self.bound is None:
            return None
        return max(0.0, (self.cost - self.bound) / self.cost) if self.cost > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Compared:
    """Both answers to one question."""

    best: Answer
    nearest: Answer

    @property
    def saved(self) -> float:
        """How many weighted minutes the best answer saves."""
        return self.nearest.cost - self.best.cost


def propose(
    needs: Sequence[Need], units: Sequence[Unit], seconds: Sequence[Sequence[float]], unmet_min: float = UNMET_MIN
) -> Compared:
    """Both answers; `seconds[u][n]` from unit u to need n, infinite or NaN without a way."""
    return Compared(best(needs, units, seconds, unmet_min), nearest(needs, units, seconds, unmet_min))


def best(
    needs: Sequence[Need], units: Sequence[Unit], seconds: Sequence[Sequence[float]], unmet_min: float = UNMET_MIN
) -> Answer:
    """The answer that costs least."""
    pairs = _near(needs, _pairs(needs, units, seconds, unmet_min))
    if not pairs:
        answer = _answer((), needs, unmet_min)
        return Answer(answer.sent, answer.cost, answer.unmet, optimal=True, bound=answer.cost)
    gain = np.array([needs[n].weight * (minutes - unmet_min) for _, n, minutes in pairs])
    rows = [u for u, _, _ in pairs] + [len(units) + n for _, n, _ in pairs]
    cols = [*range(len(pairs)), *range(len(pairs))]
    caps = [float(one.free) for one in units] + [float(one.count) for one in needs]
    table = coo_matrix((np.ones(len(rows)), (rows, cols)), shape=(len(caps), len(pairs))).tocsr()
    limit = np.array([min(units[u].free, needs[n].count) for u, n, _ in pairs], dtype=float)
    found = milp(
        gain,
        constraints=LinearConstraint(table, -np.inf, np.array(caps)),
        bounds=Bounds(0.0, limit),
        integrality=np.ones(len(pairs)),
        options={"mip_rel_gap": 0.0, "time_limit": SOLVE_S},
    )
    if found.x is None:  # stopped before it had anything: the plain answer is one, and no better is known
        return nearest(needs, units, seconds, unmet_min)
    taken = np.rint(found.x).astype(int)
    sent = tuple(
        Sent(units[u].id, n, int(times), minutes * 60.0)
        for (u, n, minutes), times in zip(pairs, taken, strict=True)
        if times > 0
    )
    answer = _answer(sent, needs, unmet_min)
    none = unmet_min * sum(one.weight * one.count for one in needs)
    return Answer(
        answer.sent, answer.cost, answer.unmet, optimal=found.status == 0, bound=none + float(found.mip_dual_bound)
    )


def nearest(
    needs: Sequence[Need], units: Sequence[Unit], seconds: Sequence[Sequence[float]], unmet_min: float = UNMET_MIN
) -> Answer:
    """The gravest need first (the earlier of two alike), each served by the nearest units that are left."""
    by_need: dict[int, list[tuple[float, int]]] = {}
    for u, n, minutes in _pairs(needs, units, seconds, unmet_min):
        by_need.setdefault(n, []).append((minutes, u))
    left = [one.free for one in units]
    sent: list[Sent] = []
    for n in sorted(range(len(needs)), key=lambda n: -needs[n].weight):
        asked = needs[n].count
        for minutes, u in sorted(by_need.get(n, ())):
            if not asked:
                break
            if given := min(left[u], asked):
                left[u] -= given
                asked -= given
                sent.append(Sent(units[u].id, n, given, minutes * 60.0))
    return _answer(tuple(sent), needs, unmet_min)


def pairs_most(needs: Sequence[Need], units: Sequence[Unit]) -> int:
    """How many pairs the best answer is looked for among, at most: known before any way is."""
    asked = sum(one.count for one in needs)
    able = Counter(word for one in units if one.free > 0 for word in one.capabilities)
    return sum(min(asked, able[one.capability]) for one in needs if one.count > 0)


def formula(weights: Mapping[str, float] = WEIGHTS, unmet_min: float = UNMET_MIN) -> str:
    """The objective as a sentence with its numbers, for people who decide by it."""
    said = ", ".join(f"{name} {weight:g}" for name, weight in weights.items())
    return (
        f"Cost = sum of weight × minutes until each unit is there, plus weight × {unmet_min:g} for each that is asked "
        f"for and not sent. Weights: {said}. A unit that would take longer than {unmet_min:g} minutes is not sent."
    )


def _pairs(
    needs: Sequence[Need], units: Sequence[Unit], seconds: Sequence[Sequence[float]], unmet_min: float
) -> list[tuple[int, int, float]]:
    """Unit, need and minutes of all that can be, and is better than not to be sent."""
    return [
        (u, n, float(seconds[u][n]) / 60.0)
        for u, unit in enumerate(units)
        if unit.free > 0
        for n, need in enumerate(needs)
        if need.count > 0
        and need.capability in unit.capabilities
        and math.isfinite(seconds[u][n])
        and seconds[u][n] / 60.0 < unmet_min
    ]


def _near(needs: Sequence[Need], pairs: list[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    """Of each need the nearest, as many as are asked for in all."""
    asked = sum(one.count for one in needs)
    of: dict[int, list[tuple[float, int]]] = {}
    for u, n, minutes in pairs:
        of.setdefault(n, []).append((minutes, u))
    return [(u, n, minutes) for n, them in of.items() for minutes, u in heapq.nsmallest(asked, them)]


def _answer(sent: tuple[Sent, ...], needs: Sequence[Need], unmet_min: float) -> Answer:
    left = [need.count for need in needs]
    cost = 0.0
    for one in sent:
        left[one.need] -= one.places
        cost += needs[one.need].weight * one.seconds / 60.0 * one.places
    cost += sum(need.weight * unmet_min * n for need, n in zip(needs, left, strict=True))
    return Answer(sent, cost, tuple(left))
