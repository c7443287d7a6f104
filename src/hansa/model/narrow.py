"""What an index can say about a query: never less than the evaluator lets through, and sometimes exactly that.

The store keeps, for each instance of a top-level attribute, the rows of `index_value`; `narrow` turns a `q` tree into
comparisons of such rows. Both stand here because they must agree (invariant 9; tests/model/test_narrow.py compares
them with the evaluator on random documents). A row is

- a number (an integer beyond 2**53 as the nearest double, as SQLite and PostgreSQL compare it),
- a text that begins with its sort: `s` a string, `b` a truth value, `a` an element of a list (then its own sort),
  cut to 64 characters after that; order is by code point (SQLite's BINARY, PostgreSQL's "C"),
- `WIDE`, alone, where a list has too many elements to write down,
- None, alone, where there is nothing to compare (objects, geometries): the attribute exists.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from hansa import clock
from hansa.model.entity import MEMBERS, VALUE_OF
from hansa.model.qtree import And, Bool, Compare, Exists, Like, Moment, Node, Or, Span, Value
from hansa.model.query import TEMPORAL, iris, objects, said_in

Row = int | float | str | None

CUT: Final = 64  # characters of a string that the index holds
ELEMENTS: Final = 64  # rows of one instance
WIDE: Final = "w"
"""The row of an instance with more than ELEMENTS values: any comparison may hold."""
_DOUBLE: Final = 2**53
_DAY_US: Final = 86_400 * clock.SECOND


@dataclass(frozen=True, slots=True)
class Anything:
    """No narrowing: every entity may match."""

    exact = False


@dataclass(frozen=True, slots=True)
class Has:
    """There is a row of `name`."""

    name: str
    exact: bool


@dataclass(frozen=True, slots=True)
class OneOf:
    """A row of `name` equals one of `rows`."""

    name: str
    rows: tuple[int | float | str, ...]
    exact: bool


@dataclass(frozen=True, slots=True)
class Between:
    """A row of `name` lies between `low` and `high`, which are of one sort (both numbers, or both text).

    Numbers run to infinity where the query sets no bound, so that text is left out by the comparison itself.
    """

    name: str
    low: int | float | str
    high: int | float | str
    low_in: bool
    high_in: bool
    exact: bool


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds for the entity (each perhaps by another row)."""

    parts: tuple["Narrowing", ...]
    exact: bool


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Some part holds."""

    parts: tuple["Narrowing", ...]
    exact: bool


Narrowing = Anything | Has | OneOf | Between | AllOf | AnyOf
"""`exact`: what the rows let through is what the evaluator lets through, so that it need not be asked."""


def index_value(instance: Any) -> list[Row]:
    """The rows that the index holds for one attribute instance; never empty."""
    if type(instance) is not dict:
        return _rows(instance)
    kind = instance.get("type", "Property")
    if kind in {"Relationship", "ListRelationship"}:
        return _rows(objects(instance))
    if kind == "LanguageProperty":
        return _several(row for value in said_in(instance.get("languageMap")) for row in _rows(value))
    if kind == "VocabProperty":
        return _rows(iris(instance.get("vocab")))
    return _rows(instance.get(VALUE_OF.get(kind, "value")))


def narrow(node: Node, wide: frozenset[str] | None = None) -> Narrowing:
    """What rows must be there for the tree to hold.

    `wide` are the names of which the store holds a WIDE row anywhere. If it knows them, equality on all others is
    exact; None means that it does not know, and every equality looks for WIDE too.
    """
    if isinstance(node, And | Or):
        parts = tuple(narrow(term, wide) for term in node.terms)
        if isinstance(node, And):
            kept = tuple(part for part in parts if not isinstance(part, Anything))
            if not kept:
                return Anything()
            return AllOf(kept, len(kept) == len(parts) and all(part.exact for part in kept))
        if any(isinstance(part, Anything) for part in parts):
            return Anything()
        return AnyOf(parts, all(part.exact for part in parts))
    name, path = node.path.names[0], node.path
    if name in MEMBERS:
        return Anything()
    deep = len(path.names) > 1 or bool(path.within) or path.hop is not None
    if isinstance(node, Exists):
        return Anything() if node.negated else Has(name, exact=not deep)
    has = Has(name, exact=False)
    if deep or isinstance(node, Like) or name in TEMPORAL:
        return has
    if node.op == "!=" or (wide is not None and name in wide):
        return has
    found = _equal(node, name, has) if node.op == "==" else _ordered(name, node.op, node.values[0], has)
    return found if wide is not None else _or_wide(found, name)


def holds(narrowing: Narrowing, rows: dict[str, list[Row]]) -> bool:
    """Whether the rows of one entity, by name, satisfy a narrowing: what the store's SQL must compute."""
    match narrowing:
        case AllOf(parts):
            return all(holds(part, rows) for part in parts)
        case AnyOf(parts):
            return any(holds(part, rows) for part in parts)
        case Has(name):
            return bool(rows.get(name))
        case OneOf(name, wanted):
            return any(row is not None and row in wanted for row in rows.get(name, ()))
        case Between(name):
            return any(_between(narrowing, row) for row in rows.get(name, ()))
    return True


def _between(want: Between, row: Row) -> bool:
    if isinstance(row, str):
        if not isinstance(want.low, str) or not isinstance(want.high, str):
            return False
        low, high = row >= want.low, row <= want.high
    elif row is None or isinstance(want.low, str) or isinstance(want.high, str):
        return False
    else:
        low, high = row >= want.low, row <= want.high
    return low and high and (want.low_in or row != want.low) and (want.high_in or row != want.high)


def _rows(value: Any) -> list[Row]:
    if type(value) is list:
        return _several(None if (row := _row(one)) is None else f"a{_text(row)}" for one in value)
    return [_row(value)]


def _several(rows: Iterable[Row]) -> list[Row]:
    """Distinct rows, or what stands for too many."""
    found: dict[Row, None] = {}
    for row in rows:
        if row == WIDE:
            return [WIDE]
        if row is not None:
            found[row] = None
            if len(found) > ELEMENTS:
                return [WIDE]
    return list(found) or [None]


def _row(value: Any) -> Row:
    kind = type(value)
    if kind is str:
        return f"s{value[:CUT]}"
    if kind is bool:
        return "b1" if value else "b0"
    if kind is int or kind is float:
        return _number(value)
    if kind is dict and "@value" in value and type(value["@value"]) is not dict:
        return _row(value["@value"])
    return None


def _number(value: float) -> int | float:
    if -_DOUBLE < value < _DOUBLE:
        return value
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _text(row: float | str) -> str:
    """A row as part of a text row: 5 and 5.0 are one number, and so are 0 and -0.0."""
    return row if isinstance(row, str) else f"n{float(row) + 0.0!r}"


def _equal(node: Compare, name: str, has: Has) -> Narrowing:
    rows: list[int | float | str] = []
    exact = True
    parts: list[Narrowing] = []
    for value in node.values:
        if isinstance(value, Span):
            parts.append(_span(name, value, has))
            continue
        row = _row(value.value if isinstance(value, Bool) else value)
        if row is None:  # a date or a time, which can be written in several ways
            return has
        rows += (row, f"a{_text(row)}")
        exact = exact and _sharp(value)
    if rows:
        parts.append(OneOf(name, tuple(dict.fromkeys(rows)), exact))
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts), all(part.exact for part in parts))


def _or_wide(found: Narrowing, name: str) -> Narrowing:
    """Numbers in order are never found in lists or languages, so they need not look for WIDE."""
    if isinstance(found, Has) or (isinstance(found, Between) and not isinstance(found.low, str)):
        return found
    if isinstance(found, OneOf):
        return OneOf(name, (*found.rows, WIDE), exact=False)
    return AnyOf((found, OneOf(name, (WIDE,), exact=False)), exact=False)


def _sharp(value: Value) -> bool:
    """Whether equal rows mean equal values."""
    if isinstance(value, int | float):
        return -_DOUBLE < value < _DOUBLE
    return isinstance(value, Bool) or (isinstance(value, str) and len(value) < CUT)


def _ordered(name: str, op: str, value: Value | Span, has: Has) -> Narrowing:
    above = op in {">", ">="}
    if isinstance(value, int | float):
        sharp = _sharp(value)
        edge = _number(value)
        edge_in = op in {">=", "<="} or not sharp
        if above:
            return Between(name, edge, math.inf, edge_in, high_in=True, exact=sharp)
        return Between(name, -math.inf, edge, low_in=True, high_in=edge_in, exact=sharp)
    if isinstance(value, str):
        if above:
            return _strings(name, f"s{value[:CUT]}", "t")
        return _strings(name, "s", f"s{value[:CUT]}")
    if isinstance(value, Moment):
        return _days(name, value.at if above else None, None if above else value.at, has)
    return has


def _span(name: str, span: Span, has: Has) -> Narrowing:
    match span:
        case Span(int() | float() as low, int() | float() as high):
            sharp = _sharp(low) and _sharp(high)
            return Between(name, _number(low), _number(high), low_in=True, high_in=True, exact=sharp)
        case Span(str(low), str(high)):
            return _strings(name, f"s{low[:CUT]}", f"s{high[:CUT]}")
        case Span(Moment(low), Moment(high)):
            return _days(name, low, high, has)
    return has


def _strings(name: str, low: str, high: str) -> Between:
    # Not exact: languages, relationships and vocabulary leave rows of this sort, and long strings are cut.
    return Between(name, low, high, low_in=True, high_in=True, exact=False)


def _days(name: str, low: int | None, high: int | None, has: Has) -> Narrowing:
    """Date-times are text in the index; a zone moves the date that is written by less than a day."""
    try:
        begin = "s" if low is None else f"s{_date(low - _DAY_US)}"
        end = "t" if high is None else f"s{_date(high + 2 * _DAY_US)}"
    except OverflowError:
        return has
    return _strings(name, begin, end)


def _date(at: int) -> str:
    ordinal = at // _DAY_US + _EPOCH
    if not 1 <= ordinal <= date.max.toordinal():
        raise OverflowError
    return date.fromordinal(ordinal).isoformat()


_EPOCH: Final = date(1970, 1, 1).toordinal()
