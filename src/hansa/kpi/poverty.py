"""Poverty of several dimensions by the Alkire-Foster method: who is deprived in enough of them, and how much so.

A household or person is deprived in a dimension below its cutoff, and poor when the weights of those dimensions come to
`k` or more. H is the share of people who are poor, A how deprived the poor are on average, M0 = H * A (the adjusted
headcount; the multidimensional poverty index is M0 with the weights and cutoffs of its year). M0 divides exactly over
groups (districts) and over dimensions, which is why a city can see where it comes from.

S. Alkire, J. Foster: Counting and multidimensional poverty measurement, Journal of Public Economics 95 (2011).
Tests: tests/kpi/test_kpi_poverty.py.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hansa.errors import BadRequest

DIMENSIONS: Final = 100  # of one measure; the global index has ten
CLOSE: Final = 1e-9  # ten weights of 1/6 and 1/18 come to a third but for their rounding


@dataclass(frozen=True, slots=True)
class Poverty:
    """A measure of some people.

    `deprived[j]`: the share of them who are poor and deprived in dimension j (the censored headcount). `parts[j]`: what
    dimension j contributes to `m0`, as a share of it; 0 where nobody is poor.
    """

    people: float
    headcount: float  # H
    intensity: float  # A; 0 where nobody is poor
    m0: float
    deprived: tuple[float, ...]
    parts: tuple[float, ...]


def poverty(
    rows: Sequence[Sequence[float]],
    cutoffs: Sequence[float],
    weights: Sequence[float],
    k: float,
    *,
    people: Sequence[float] | None = None,
) -> Poverty:
    """The measure of `rows`, a household or person each with an achievement a dimension; `people`: how many in each.

    `k` is in the unit of the weights (of four weights of 1, 2 means two dimensions). BadRequest where shapes differ,
    a number is not finite, a weight or the number of people is not above 0, or `k` is not within the weights.
    """
    share = _weights(cutoffs, weights)
    needed = k / math.fsum(weights)
    if not math.isfinite(needed) or not 0 < needed <= 1 + CLOSE:
        raise BadRequest(
            f"k is {k:g}, and the weights come to {math.fsum(weights):g}", where="k", mend="0 < k <= their sum"
        )
    sizes = [1.0] * len(rows) if people is None else list(people)
    if len(sizes) != len(rows) or not rows:
        raise BadRequest(f"{len(rows)} rows and the people of {len(sizes)}", where="people")
    poor, deep, lacking = [], [], [[] for _ in share]  # type: tuple[list[float], list[float], list[list[float]]]
    for nth, (row, size) in enumerate(zip(rows, sizes, strict=True)):
        if len(row) != len(share) or not all(map(math.isfinite, row)) or not (math.isfinite(size) and size > 0):
            raise BadRequest(f"row {nth + 1} is not {len(share)} finite numbers of somebody", where=f"rows[{nth}]")
        below = [one < cutoff for one, cutoff in zip(row, cutoffs, strict=True)]
        score = math.fsum(weight for weight, lacks in zip(share, below, strict=True) if lacks)
        if score < needed - CLOSE:
            continue
        poor.append(size)
        deep.append(size * score)
        for one, lacks in zip(lacking, below, strict=True):
            one.append(size if lacks else 0.0)
    total, many = math.fsum(sizes), math.fsum(poor)
    m0 = math.fsum(deep) / total
    deprived = tuple(math.fsum(one) / total for one in lacking)
    parts = tuple(weight * one / m0 if m0 else 0.0 for weight, one in zip(share, deprived, strict=True))
    return Poverty(total, many / total, math.fsum(deep) / many if many else 0.0, m0, deprived, parts)


def by_group(
    rows: Sequence[Sequence[float]],
    groups: Sequence[str],
    cutoffs: Sequence[float],
    weights: Sequence[float],
    k: float,
    *,
    people: Sequence[float] | None = None,
) -> Mapping[str, Poverty]:
    """The measure of each group of rows; M0 of all is theirs, weighted by their people. Raises as `poverty` does."""
    sizes = [1.0] * len(rows) if people is None else list(people)
    if not len(groups) == len(rows) == len(sizes):
        raise BadRequest(f"{len(rows)} rows, {len(groups)} groups, the people of {len(sizes)}", where="groups")
    of: dict[str, list[int]] = {}
    for nth, group in enumerate(groups):
        of.setdefault(group, []).append(nth)
    return {
        group: poverty([rows[nth] for nth in those], cutoffs, weights, k, people=[sizes[nth] for nth in those])
        for group, those in sorted(of.items())
    }


def _weights(cutoffs: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The weights, to sum to 1."""
    if len(cutoffs) != len(weights) or not 1 <= len(weights) <= DIMENSIONS:
        raise BadRequest(f"{len(cutoffs)} cutoffs and {len(weights)} weights", where="weights")
    if not all(map(math.isfinite, cutoffs)) or not all(math.isfinite(one) and one > 0 for one in weights):
        raise BadRequest("a cutoff is not finite, or a weight is not above 0", where="weights")
    return [one / math.fsum(weights) for one in weights]
