"""From a query to SQL that may narrow.

A plan names one driver, the most promising index range, and says whether the rows it yields are the answer (`exact`) or
candidates that the evaluator must still see (invariant 9). Other conditions stay with the evaluator: intersecting index
ranges in SQLite costs more than asking the few documents that the best range leaves.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hansa.model.narrow import AllOf, AnyOf, Anything, Between, Has, Narrowing, OneOf, narrow
from hansa.model.qtree import names as named
from hansa.model.query import Query

Given = list[Any]
Box = tuple[float, float, float, float]


_SEEN = " /* seen */"


@dataclass(frozen=True, slots=True)
class Plan:
    """`source` is a SELECT of entity numbers (each once, in index order); `exact`: it is the answer."""

    source: str
    given: Given
    exact: bool

    def seen(self, where: str) -> str:
        """The source, of attributes alone whose label `where` lets pass; entities' own stay with the caller."""
        return self.source.replace(_SEEN, f" AND ({where.replace('{}', 'label')})")


def type_word(tenant: str, kind: str) -> str:
    """How a tenant's type is interned: types of different tenants share no index."""
    return f"{tenant} {kind}" if tenant else kind


def plan(
    query: Query,
    tenant: int,
    types: list[int] | None,
    names: Callable[[str], int | None],
    several: Callable[[int, int], int | None],
) -> Plan | None:
    """The plan of a query; None when nothing can match.

    `types` are the numbers of the types that matter (None: any), `names` numbers an attribute name. `several` says of a
    type's attribute whether some entity has several rows of it (0), even too many for the index (1), or none (None).
    """
    if query.ids is not None:
        marks = ",".join("?" * len(query.ids))
        only = query.types is None and query.q is None and query.geo is None and query.attrs is None
        return Plan(
            f"SELECT e FROM entity WHERE tenant = ? AND id IN ({marks}) AND doc IS NOT NULL",  # noqa: S608  # marks only
            [tenant, *sorted(query.ids)],
            only and query.scope_q is None and not query.selectors,
        )
    if types is not None and not types:
        return None
    simple = query.id_pattern is None and query.scope_q is None and not query.selectors
    plain_types = query.types is None or all(len(group) == 1 for group in query.types)
    if query.geo is not None and (boxes := query.geo.boxes) is not None:
        n = names(query.geo.name)
        return None if n is None else _by_place(n, boxes, types)
    if types is None:
        return Plan("SELECT e FROM entity WHERE tenant = ? AND doc IS NOT NULL", [tenant], _nothing_else(query))
    narrowing: Narrowing = Anything()
    if query.q is not None:
        wide = frozenset(
            name for name in named(query.q) if (n := names(name)) is not None and any(several(t, n) for t in types)
        )
        narrowing = narrow(query.q, wide)
    elif query.attrs is not None:
        narrowing = AnyOf(tuple(Has(name, exact=True) for name in sorted(query.attrs)), exact=True)
    if isinstance(narrowing, Anything):
        exact = simple and plain_types and query.q is None and query.geo is None and query.attrs is None
        return Plan(*_by_type(types), exact)
    driver = _driver(narrowing)
    found = _range(driver, types, names, several)
    if found is None:
        return None
    alone = driver is narrowing and getattr(driver, "exact", False) and (query.q is None or query.attrs is None)
    return Plan(*found, exact=simple and plain_types and query.geo is None and alone)


def _nothing_else(query: Query) -> bool:
    return query == Query()


def _by_type(types: list[int]) -> tuple[str, Given]:
    if len(types) == 1:
        return "SELECT e FROM type WHERE t = ?", [types[0]]
    marks = ",".join("?" * len(types))
    return f"SELECT DISTINCT e FROM type WHERE t IN ({marks})", list(types)  # noqa: S608  # marks only


def _by_place(n: int, boxes: tuple[Box, ...], types: list[int] | None) -> Plan:
    # The R*Tree keeps 32-bit floats, rounded outwards; the evaluator decides on what lies at the edge.
    where = " OR ".join(["east >= ? AND west <= ? AND north >= ? AND south <= ?"] * len(boxes))
    sql = f"SELECT DISTINCT place.e FROM geo JOIN place USING (g) WHERE ({where}) AND place.n = ?"  # noqa: S608
    given: Given = [edge for west, south, east, north in boxes for edge in (west, east, south, north)]
    given.append(n)
    if types is not None:
        marks = ",".join("?" * len(types))
        sql += f" AND EXISTS (SELECT 1 FROM type WHERE t IN ({marks}) AND type.e = place.e)"  # noqa: S608
        given += types
    return Plan(sql, given, exact=False)


def _driver(narrowing: Narrowing) -> Narrowing:
    """The one part to drive by: an equality before a range before mere existence."""
    if isinstance(narrowing, AllOf):
        return min((_driver(part) for part in narrowing.parts), key=_promise)
    return narrowing


def _promise(part: Narrowing) -> int:
    match part:
        case OneOf():
            return 0
        case Between(_, low, high):
            return 1 if isinstance(low, str) or not (math.isinf(low) or math.isinf(high)) else 2  # type: ignore[arg-type]
        case AnyOf(parts):
            return max(_promise(one) for one in parts) + 1
    return 3


def _range(
    part: Narrowing,
    types: list[int],
    names: Callable[[str], int | None],
    several: Callable[[int, int], int | None],
) -> tuple[str, Given] | None:
    """The SELECT of one part over all types; None when it can match nothing."""
    if isinstance(part, AnyOf):
        found = [one for p in part.parts if (one := _range(_driver(p), types, names, several)) is not None]
        if not found:
            return None
        if len(found) == 1:
            return found[0]
        return " UNION ".join(sql for sql, _ in found), [value for _, given in found for value in given]
    if isinstance(part, Anything | AllOf):
        return _by_type(types)
    n = names(part.name)
    if n is None:
        return None
    where, values = _condition(part)
    if len(types) == 1:
        # With one row an entity there are no duplicates to look for, and that look costs as much as the search.
        distinct = "" if several(types[0], n) is None else "DISTINCT "
        return f"SELECT {distinct}e FROM attr WHERE t = ? AND n = ?{where}{_SEEN}", [types[0], n, *values]  # noqa: S608
    marks = ",".join("?" * len(types))
    return f"SELECT DISTINCT e FROM attr WHERE t IN ({marks}) AND n = ?{where}{_SEEN}", [*types, n, *values]  # noqa: S608


def _condition(part: Has | OneOf | Between) -> tuple[str, Given]:
    match part:
        case OneOf(_, rows):
            marks = ",".join("?" * len(rows))
            return f" AND v IN ({marks})", list(rows)
        case Between(_, low, high, low_in, high_in):
            # Both bounds are of one sort, so that numbers never let text through nor text numbers.
            return f" AND v {'>=' if low_in else '>'} ? AND v {'<=' if high_in else '<'} ?", [low, high]
    return "", []
