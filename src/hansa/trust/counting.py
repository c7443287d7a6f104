"""How ballots are counted: plain functions of choices, so that anybody finds the same result from the same ballots.

- `plurality`: the option with the most ballots; a tie is told, and decided by nobody here.
- `approval`: every option that was approved of, by how many.
- `greedy`: projects by approvals, each that still fits into the budget (its district's, where districts have one).
- `equal-shares`: the Method of Equal Shares for approvals with cost utilities (Peters, Pierczyński, Skowron,
  "Proportional Participatory Budgeting with Additive Utilities", NeurIPS 2021; as counted in Wieliczka and Aarau 2023):
  everybody has the same share; what is bought next is what its supporters pay the smallest part of its cost for, each
  at most what he has left. What nobody can afford any more is left to `greedy` with the rest of the budget.
Figures are whole units of money; what a share is not is counted in whole parts of one unit: nothing is rounded.
Tests: test_ballots.py.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

RULES: Final = ("plurality", "approval", "greedy", "equal-shares")


@dataclass(frozen=True, slots=True)
class Option:
    """What can be chosen. `cost` is whole units of money, 0 where it costs nothing."""

    id: str
    cost: int = 0
    district: str = ""


@dataclass(slots=True)
class Result:
    """What came of it; `steps` tell how, in order."""

    tally: dict[str, int]
    chosen: list[str] = field(default_factory=list)
    tied: list[str] = field(default_factory=list)
    spent: int = 0
    steps: list[dict[str, Any]] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """As it is published."""
        return {
            "tally": self.tally,
            "chosen": self.chosen,
            "tied": self.tied,
            "spent": self.spent,
            "steps": self.steps,
        }


def count(
    rule: str,
    options: Sequence[Option],
    choices: Iterable[Sequence[str]],
    budget: int = 0,
    districts: Mapping[str, int] | None = None,
) -> Result:
    """Count `choices` (the ids that each ballot bears) by a rule of `RULES`.

    `districts`: what each may spend; then an option of a district is paid from that, and one of none from what of the
    budget no district has.
    """
    kinds = Counter(tuple(sorted(set(one))) for one in choices)
    tally = {one.id: 0 for one in options}
    for chosen, many in kinds.items():
        for ident in chosen:
            tally[ident] += many
    result = Result(tally)
    if rule == "plurality":
        top = max(tally.values(), default=0)
        first = sorted(ident for ident, many in tally.items() if many == top and top)
        result.chosen, result.tied = (first, []) if len(first) == 1 else ([], first)
    elif rule == "approval":
        result.chosen = sorted((it for it in tally if tally[it]), key=lambda it: (-tally[it], it))
    else:
        pots = _pots(options, budget, districts)
        if rule == "equal-shares":
            for name, sum_ in pots.items():
                mine = [one for one in options if _pot(one, pots) == name]
                _equal_shares(mine, kinds, sum_, result)
        _greedy(options, pots, result)
    return result


def _pots(options: Sequence[Option], budget: int, districts: Mapping[str, int] | None) -> dict[str, int]:
    named = {name: sum_ for name, sum_ in (districts or {}).items() if any(one.district == name for one in options)}
    return {"": budget - sum((districts or {}).values()), **dict(sorted(named.items()))}


def _pot(one: Option, pots: Mapping[str, int]) -> str:
    return one.district if one.district in pots else ""


def _rank(one: Option, tally: Mapping[str, int]) -> tuple[int, int, str]:
    """More approvals first, of as many the cheaper, and then by the name: so there is no tie."""
    return (-tally[one.id], one.cost, one.id)


def _greedy(options: Sequence[Option], pots: dict[str, int], result: Result) -> None:
    """Add what still fits, by approvals; what was chosen before is paid already."""
    left = dict(pots)
    there = set(result.chosen)
    for one in options:
        if one.id in there:
            left[_pot(one, pots)] -= one.cost
            result.spent += one.cost
    for one in sorted(options, key=lambda it: _rank(it, result.tally)):
        if one.id in there or not result.tally[one.id]:
            continue
        pot = _pot(one, pots)
        fits = one.cost <= left[pot]
        result.steps.append(
            {
                "rule": "greedy",
                "option": one.id,
                "votes": result.tally[one.id],
                "cost": one.cost,
                "left": left[pot],
                "chosen": fits,
            }
        )
        if fits:
            left[pot] -= one.cost
            result.spent += one.cost
            result.chosen.append(one.id)


def _equal_shares(options: Sequence[Option], kinds: Mapping[tuple[str, ...], int], budget: int, result: Result) -> None:
    """Buy what its supporters can pay for together. Who chose the same has the same left, so they are one group."""
    ids = {one.id for one in options}
    merged: Counter[tuple[str, ...]] = Counter()
    for chosen, many in kinds.items():
        if mine := tuple(it for it in chosen if it in ids):
            merged[mine] += many
    if not merged or budget <= 0:
        return
    purses = _Purses(merged, budget)
    # What a project costs each of its supporters only ever rises, so an old figure is a bound: few are computed anew.
    bounds = {one.id: 0.0 for one in options if one.cost > 0 and purses.backers.get(one.id)}
    by_id = {one.id: one for one in options}
    while (best := _next(bounds, by_id, purses, result.tally)) is not None:
        one, share = best
        part = Fraction(share.left, share.people * one.cost * purses.unit)
        purses.pay(one.id, share)
        del bounds[one.id]
        result.chosen.append(one.id)
        result.steps.append(
            {
                "rule": "equal-shares",
                "option": one.id,
                "votes": result.tally[one.id],
                "cost": one.cost,
                "share": f"{part.numerator}/{part.denominator}" if part.denominator < 10**12 else f"{float(part):.12g}",
                "chosen": True,
            }
        )


@dataclass(frozen=True, slots=True)
class _Share:
    """What each supporter pays at the most: `left / people` of the purses' unit. Exact."""

    left: int
    people: int


class _Purses:
    """What every group has left, each in it: whole numbers of one unit of `1 / unit`, so nothing is rounded.

    Beside each stands the nearest float, right in 53 bits: it says quickly what cannot be the cheapest.
    """

    def __init__(self, groups: Mapping[tuple[str, ...], int], budget: int) -> None:
        self.unit = sum(groups.values())
        self.many = list(groups.values())
        self.exact = [budget] * len(groups)
        self.near = [budget / self.unit] * len(groups)
        self.backers: dict[str, list[int]] = {}
        for n, chosen in enumerate(groups):
            for ident in chosen:
                self.backers.setdefault(ident, []).append(n)

    def about(self, option: Option) -> tuple[float, float] | None:
        """Between which parts of its cost the share lies; None: it is surely too dear."""
        backers, near, many, cost = self.backers[option.id], self.near, self.many, option.cost
        backers.sort(key=near.__getitem__)
        left, people = float(cost), sum([many[n] for n in backers])
        # Each step errs by less than 2**-52 of the cost; the share by no more, for one supporter at least pays it.
        err = (2 * len(backers) + 8) * 2.0**-52
        for n in backers:
            if near[n] * people >= left:
                part = left / people / cost
                return part - err, part + err
            left -= near[n] * many[n]
            people -= many[n]
        return None if left > err * cost else (0.0, math.inf)

    def share(self, option: Option) -> _Share | None:
        """The smallest share that each supporter must pay, who has less paying all he has; None: too dear."""
        exact, many = self.exact, self.many
        backers = self.backers[option.id] = [n for n in self.backers[option.id] if exact[n]]
        backers.sort(key=exact.__getitem__)
        left, people = option.cost * self.unit, sum([many[n] for n in backers])
        for n in backers:
            if exact[n] * people >= left:
                return _Share(left, people)
            left -= exact[n] * many[n]
            people -= many[n]
        return None

    def pay(self, ident: str, share: _Share) -> None:
        """Every supporter pays his share, or all he has."""
        finer = share.people // math.gcd(share.left, share.people)
        if finer > 1:
            self.unit *= finer
            self.exact = [had * finer for had in self.exact]
        each = share.left * finer // share.people
        for n in self.backers[ident]:
            self.exact[n] = left = max(0, self.exact[n] - each)
            self.near[n] = left / self.unit


def _next(
    bounds: dict[str, float], by_id: Mapping[str, Option], purses: _Purses, tally: Mapping[str, int]
) -> tuple[Option, _Share] | None:
    """What is bought next: of which a supporter pays the smallest part. What nobody can afford leaves `bounds`."""
    while True:
        most = math.inf
        fresh: list[str] = []
        for ident in sorted(bounds, key=bounds.__getitem__):
            if bounds[ident] > most:
                break
            between = purses.about(by_id[ident])
            if between is None:
                del bounds[ident]
                continue
            bounds[ident] = between[0]
            most = min(most, between[1])
            fresh.append(ident)
        shares = {ident: purses.share(by_id[ident]) for ident in fresh if bounds[ident] <= most}
        dear = [ident for ident, share in shares.items() if share is None]
        for ident in dear:  # by a hair: what was compared with it is compared anew
            del bounds[ident]
        if dear:
            continue
        best: tuple[Option, _Share] | None = None
        for ident, share in shares.items():
            if share is not None and (best is None or _before(by_id[ident], share, *best, tally)):
                best = by_id[ident], share
        return best


def _before(one: Option, share: _Share, other: Option, than: _Share, tally: Mapping[str, int]) -> bool:
    """Whether of one a smaller part is paid than of the other; of the same, by their rank."""
    mine, its = share.left * than.people * other.cost, than.left * share.people * one.cost
    return mine < its or (mine == its and _rank(one, tally) < _rank(other, tally))
