"""How ballots are counted: plain functions of choices, so that anybody finds the same result from the same ballots.

- `plurality`: the option with the most ballots; a tie is told, and decided by nobody here.
- `approval`: every option that was approved of, by how many.
- `greedy`: projects by approvals, each that still fits into the budget (its district's, where districts have one).
- `equal-shares`: the Method of Equal Shares for approvals with cost utilities (Peters, Pierczyński, Skowron,
  "Proportional Participatory Budgeting with Additive Utilities", NeurIPS 2021; as counted in Wieliczka and Aarau 2023):
  everybody has the same share; what is bought next is what its supporters pay the smallest part of its cost for, each
  at most what he has left. What nobody can afford any more is left to `greedy` with the rest of the budget.
Figures are whole units of money, and fractions where a share is not; nothing is rounded. Tests: test_ballots.py.
"""

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
    voters = sum(merged.values())
    if not voters or budget <= 0:
        return
    groups = list(merged.items())
    money = [Fraction(budget, voters)] * len(groups)
    backers: dict[str, list[int]] = {one.id: [] for one in options}
    for n, (chosen, _) in enumerate(groups):
        for ident in chosen:
            backers[ident].append(n)
    # What a project costs each of its supporters only ever rises, so an old figure is a bound: few are computed anew.
    known: dict[str, Fraction] = {one.id: Fraction(0) for one in options if one.cost > 0 and backers[one.id]}
    by_id = {one.id: one for one in options}
    while (best := _next(known, by_id, backers, groups, money, result.tally)) is not None:
        part, (_, cost, ident) = best
        for n in backers[ident]:
            money[n] -= min(money[n], part * cost)
        del known[ident]
        result.chosen.append(ident)
        result.steps.append(
            {
                "rule": "equal-shares",
                "option": ident,
                "votes": result.tally[ident],
                "cost": cost,
                "share": f"{part.numerator}/{part.denominator}" if part.denominator < 10**12 else f"{float(part):.12g}",
                "chosen": True,
            }
        )


def _next(
    known: dict[str, Fraction],
    by_id: Mapping[str, Option],
    backers: Mapping[str, Sequence[int]],
    groups: Sequence[tuple[tuple[str, ...], int]],
    money: Sequence[Fraction],
    tally: Mapping[str, int],
) -> tuple[Fraction, tuple[int, int, str]] | None:
    """What is bought next, and what part of its cost a supporter pays; what nobody can afford leaves `known`."""
    best: tuple[Fraction, tuple[int, int, str]] | None = None
    for ident in sorted(known, key=lambda it: (known[it], _rank(by_id[it], tally))):
        if best is not None and known[ident] > best[0]:
            break
        share = _share(by_id[ident].cost, backers[ident], groups, money)
        if share is None:
            del known[ident]
            continue
        known[ident] = share
        at = (share, _rank(by_id[ident], tally))
        if best is None or at < best:
            best = at
    return best


def _share(
    cost: int, backers: Sequence[int], groups: Sequence[tuple[tuple[str, ...], int]], money: Sequence[Fraction]
) -> Fraction | None:
    """The smallest part of its cost that each supporter must pay, who has less paying all he has; None: too dear."""
    left = Fraction(cost)
    people = sum(groups[n][1] for n in backers)
    for n in sorted(backers, key=lambda it: money[it]):
        if money[n] * people >= left:
            return left / (people * cost)
        left -= money[n] * groups[n][1]
        people -= groups[n][1]
    return None
