"""What questions and recipes say of columns, read with care: names that are there, values of their kind, few of each.

Everything here makes a piece of SQL whose names were looked up among the table's own and whose values are bound.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final

from hansa.errors import BadRequest, TooLarge

MOST: Final = 64
"""Of whatever a question lists: columns to group by, measures, conditions, steps."""
_LISTED: Final = 1_000  # values of one `in`
_TEXT: Final = 2_000
SPANS: Final = ("minute", "hour", "day", "week", "month", "quarter", "year")
_OPS: Final = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
NUMBERS: Final = frozenset({"number", "integer"})
_MEASURES: Final = {
    "sum": "sum({})",
    "mean": "avg({})",
    "min": "min({})",
    "max": "max({})",
    "median": "median({})",
    "p95": "quantile_cont({}, 0.95)",
    "distinct": "count(DISTINCT {})",
    "count": "count({})",
}
_UNSAYABLE: Final = re.compile("[\ud800-\udfff]")  # halves of a character, which no UTF-8 holds
_ANY: Final = frozenset({"count", "distinct", "min", "max"})
"""Measures of columns that are no numbers, too."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that can be meant: its name for people, how SQL says it, and of which kind its values are."""

    name: str
    sql: str
    type: str


Columns = Mapping[str, Column]


class Given(dict[str, Any]):
    """The values that are bound to a statement, by the name under which it says them."""

    def put(self, value: Any) -> str:
        """One more; what stands for it."""
        name = f"p{len(self)}"
        self[name] = value
        return f"${name}"


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def told_apart(names: Iterable[str], where: str) -> None:
    """Columns are told apart whatever their case, for DuckDB knows none: `keep` of one must not be another's values."""
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            raise BadRequest(f"two columns would be called {name!r}", where=where, mend="upper and lower case are one")
        seen.add(name.casefold())


def columns_of(types: Mapping[str, str], prefix: str = "") -> dict[str, Column]:
    """The columns of one table."""
    return {name: Column(name, f"{prefix}{quoted(name)}", kind) for name, kind in types.items()}


def one_of(columns: Columns, said: Any, where: str) -> Column:
    """The column that is named. BadRequest."""
    found = columns.get(said) if isinstance(said, str) else None
    if found is None:
        there = ", ".join(list(columns)[:20])
        raise BadRequest(f"there is no column {str(said)[:80]!r}", where=where, mend=f"one of {there}"[:400])
    return found


def listed(said: Any, where: str, most: int = MOST) -> list[Any]:
    """A list that is not too long; None is none. BadRequest, TooLarge."""
    if said is None:
        return []
    if not isinstance(said, Sequence) or isinstance(said, str | bytes):
        raise BadRequest(f"{where} is a list", where=where)
    if len(said) > most:
        raise TooLarge(f"{len(said):,} in {where}; {most:,} are the most", where=where)
    return list(said)


def members(said: Any, where: str, allowed: frozenset[str]) -> dict[str, Any]:
    """An object of these members and no others. BadRequest."""
    if not isinstance(said, Mapping):
        raise BadRequest(f"{where} is an object", where=where)
    if extra := sorted(str(one) for one in set(said) - allowed):
        raise BadRequest(f"{where} has no {extra[0][:40]!r}", where=where, mend=", ".join(sorted(allowed)))
    return dict(said)


def value_of(column: Column, said: Any, where: str) -> Any:
    """A value to compare a column with, of the column's kind. BadRequest."""
    kind = column.type
    if kind in NUMBERS:
        if isinstance(said, bool) or not isinstance(said, int | float) or not isfinite(said):
            raise BadRequest(f"{column.name} holds numbers", where=where)
        return said
    if kind == "boolean":
        if not isinstance(said, bool):
            raise BadRequest(f"{column.name} is true or false", where=where)
        return said
    if not isinstance(said, str) or len(said) > _TEXT or _UNSAYABLE.search(said):
        raise BadRequest(f"{column.name} holds texts of at most {_TEXT:,} characters", where=where)
    return moment(said, where) if kind == "time" else said


def moment(said: str, where: str) -> datetime:
    """An instant, in UTC and without saying so, as tables have it. BadRequest."""
    try:
        at = datetime.fromisoformat(said)
        return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo is not None else at
    except (ValueError, OverflowError):  # of the first year there is no time east of UTC
        raise BadRequest(f"{said[:40]!r} is no time", where=where, mend="2026-01-31T12:00:00Z") from None


def condition(columns: Columns, said: Any, given: Given, where: str) -> str:
    """`{"column", "op", "value"}` as SQL; its values go to `given`. BadRequest."""
    told = members(said, where, frozenset({"column", "op", "value", "do"}))
    column, op, value = one_of(columns, told.get("column"), where), told.get("op", "=="), told.get("value")
    if op == "in":
        values = [value_of(column, one, where) for one in listed(value, where, _LISTED)]
        if not values:
            return "FALSE"
        return f"{column.sql} IN ({', '.join(given.put(one) for one in values)})"
    if op == "like":
        if column.type not in {"text", "geometry"}:
            raise BadRequest(f"{column.name} is no text", where=where)
        return f"{column.sql} ILIKE {given.put(value_of(column, value, where))}"
    if value is None and op in ("==", "!="):
        return f"{column.sql} IS {'NOT ' if op == '!=' else ''}NULL"
    if not isinstance(op, str) or op not in _OPS:
        raise BadRequest(f"{str(op)[:20]!r} compares nothing", where=where, mend="==, !=, <, <=, >, >=, in, like")
    return f"{column.sql} {_OPS[op]} {given.put(value_of(column, value, where))}"


def bucket(columns: Columns, said: Any, given: Given, where: str) -> Column:
    """What rows are grouped by: a column, or one cut into spans or widths. BadRequest."""
    if isinstance(said, str):
        return one_of(columns, said, where)
    told = members(said, where, frozenset({"column", "to"}))
    column, to = one_of(columns, told.get("column"), where), told.get("to")
    if to is None:
        return column
    return cut(column, to, given, where)


def cut(column: Column, to: Any, given: Given, where: str) -> Column:
    """A column in coarser steps: times by span, numbers by width. BadRequest."""
    if column.type == "time" and to in SPANS:
        return Column(column.name, f"date_trunc('{to}', {column.sql})", "time")
    if column.type in NUMBERS and isinstance(to, int | float) and not isinstance(to, bool) and isfinite(to) and to > 0:
        # Rounded again, so that 0.1 * 3 is 0.3 to whoever reads it.
        width = f"CAST({given.put(to)} AS DOUBLE)"
        sql = f"round(floor({column.sql} / {width} + 1e-9) * {width}, 9)"
        return Column(column.name, sql, "number")
    how = f"one of {', '.join(SPANS)}" if column.type == "time" else "a width above zero"
    raise BadRequest(f"{column.name} cannot be cut to {str(to)[:20]!r}", where=where, mend=how)


def measure(columns: Columns, said: Any, where: str) -> Column:
    """`{"of", "as", "name"}` as an aggregate. BadRequest."""
    told = members(said, where, frozenset({"of", "as", "name"}))
    how, of = told.get("as", "count"), told.get("of")
    if not isinstance(how, str) or how not in _MEASURES:
        raise BadRequest(f"{str(how)[:20]!r} is no measure", where=where, mend=", ".join(_MEASURES))
    if of is None and how == "count":
        return Column(new_name(told.get("name"), "count", where), "count(*)", "integer")
    column = one_of(columns, of, where)
    if how not in _ANY and column.type not in NUMBERS:
        raise BadRequest(f"{column.name} holds no numbers, of which there would be a {how}", where=where)
    kind = "integer" if how in {"count", "distinct"} else column.type if how in {"min", "max"} else "number"
    name = new_name(told.get("name"), f"{how}_{column.name}", where)
    return Column(name, _MEASURES[how].format(column.sql), kind)


def new_name(said: Any, default: str, where: str) -> str:
    """What a column is to be called. BadRequest."""
    name = default if said is None else said
    if not isinstance(name, str) or not 0 < len(name) <= 120 or not name.isprintable():
        raise BadRequest("a column has a name of 1 to 120 characters", where=where)
    return name
