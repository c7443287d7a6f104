"""What becomes of rows on their way into a table: a recipe's steps, in order, made into one statement.

Each step takes the columns as the one before left them. `suppress` is what keeps small groups from leaving: rows whose
combination of values is borne by fewer than k go. tests/platform/test_tables.py
"""

from collections.abc import Mapping
from typing import Any, Final

from hansa.errors import BadRequest
from hansa.platform.tables.words import (
    MOST,
    NUMBERS,
    Column,
    Given,
    bucket,
    columns_of,
    condition,
    cut,
    listed,
    measure,
    members,
    new_name,
    one_of,
    quoted,
    told_apart,
)

Types = dict[str, str]
"""Columns by name, and what they hold."""
_K: Final = 1_000_000


def stepped(source: str, types: Types, steps: Any) -> tuple[str, Given, Types]:
    """The statement, its values, and the columns that it makes. BadRequest says which step is wrong, and how."""
    given = Given()
    sql = f"SELECT * FROM {source}"  # noqa: S608  # ours
    for n, step in enumerate(listed(steps, "steps", MOST)):
        where = f"steps[{n}]"
        do = step.get("do") if isinstance(step, Mapping) else None
        if not isinstance(do, str) or do not in _STEPS:
            raise BadRequest(f"{str(do)[:20]!r} is no step", where=where, mend=", ".join(_STEPS))
        allowed, make = _STEPS[do]
        said = members(step, where, allowed | {"do"})
        (head, tail), types = make(said, columns_of(types), given, where)
        sql = f"{head} FROM ({sql}) AS s{tail}"
    if not types:
        raise BadRequest("no column is left", where="steps")
    return sql, given, types


Made = tuple[tuple[str, str], Types]


def _keep(said: Mapping[str, Any], columns: Mapping[str, Column], _: Given, where: str) -> Made:
    named = [one_of(columns, one, where) for one in listed(said.get("columns"), where, 500)]
    if said["do"] == "drop":
        gone = {one.name for one in named}
        named = [one for one in columns.values() if one.name not in gone]
    return _chosen({one.name: one for one in named}, where)


def _rename(said: Mapping[str, Any], columns: Mapping[str, Column], _: Given, where: str) -> Made:
    to = said.get("to")
    if not isinstance(to, Mapping):
        raise BadRequest("to says new names by old ones", where=where)
    for old in to:
        one_of(columns, old, where)
    named: dict[str, Column] = {}
    for one in columns.values():
        name = new_name(to.get(one.name), one.name, where)
        if name in named:
            raise BadRequest(f"two columns would be called {name!r}", where=where)
        named[name] = one
    return _chosen(named, where)


def _round(said: Mapping[str, Any], columns: Mapping[str, Column], given: Given, where: str) -> Made:
    column = one_of(columns, said.get("column"), where)
    return _chosen({**columns, column.name: cut(column, said.get("to"), given, where)}, where)


def _band(said: Mapping[str, Any], columns: Mapping[str, Column], given: Given, where: str) -> Made:
    column, width = one_of(columns, said.get("column"), where), said.get("width")
    if column.type not in NUMBERS or isinstance(width, bool) or not isinstance(width, int) or width < 1:
        raise BadRequest("a band is of a column with numbers, and has a whole width", where=where)
    of = given.put(width)
    low = f"CAST(floor({column.sql} / CAST({of} AS DOUBLE)) * {of} AS BIGINT)"
    high = f"CAST(floor({column.sql} / CAST({of} AS DOUBLE)) * {of} + {of} - 1 AS BIGINT)"
    return _chosen({**columns, column.name: Column(column.name, f"({low} || '-' || {high})", "text")}, where)


def _filter(said: Mapping[str, Any], columns: Mapping[str, Column], given: Given, where: str) -> Made:
    term = condition(columns, said, given, where)
    return ("SELECT *", f" WHERE {term}"), {name: one.type for name, one in columns.items()}


def _group(said: Mapping[str, Any], columns: Mapping[str, Column], given: Given, where: str) -> Made:
    by = [bucket(columns, one, given, where) for one in listed(said.get("by"), where)]
    measures = [measure(columns, one, where) for one in listed(said.get("measures"), where)]
    named: dict[str, Column] = {}
    for one in (*by, *measures):
        if one.name in named:
            raise BadRequest(f"two columns would be called {one.name!r}", where=where)
        named[one.name] = one
    (head, _), types = _chosen(named, where)
    grouped = f" GROUP BY {', '.join(str(n + 1) for n in range(len(by)))}" if by else ""
    return (head, grouped), types


def _suppress(said: Mapping[str, Any], columns: Mapping[str, Column], given: Given, where: str) -> Made:
    k, types = said.get("k"), {name: one.type for name, one in columns.items()}
    if isinstance(k, bool) or not isinstance(k, int) or not 1 < k <= _K:
        raise BadRequest("k is a number above 1", where=where)
    if "count" in said:  # rows that are groups already, and say how many they stand for
        column = one_of(columns, said["count"], where)
        if column.type not in NUMBERS:
            raise BadRequest(f"{column.name} holds no numbers", where=where)
        return ("SELECT *", f" WHERE {column.sql} >= {given.put(k)}"), types
    by = [one_of(columns, one, where) for one in listed(said.get("by"), where)]
    over = f"PARTITION BY {', '.join(one.sql for one in by)}" if by else ""
    return ("SELECT *", f" QUALIFY count(*) OVER ({over}) >= {given.put(k)}"), types


def _chosen(named: Mapping[str, Column], where: str) -> Made:
    if not named:
        raise BadRequest("no column is left", where=where)
    told_apart(named, where)
    parts = ", ".join(f"{one.sql} AS {quoted(name)}" for name, one in named.items())
    return (f"SELECT {parts}", ""), {name: one.type for name, one in named.items()}


_STEPS: Final = {
    "keep": (frozenset({"columns"}), _keep),
    "drop": (frozenset({"columns"}), _keep),
    "rename": (frozenset({"to"}), _rename),
    "round": (frozenset({"column", "to"}), _round),
    "truncate": (frozenset({"column", "to"}), _round),
    "band": (frozenset({"column", "width"}), _band),
    "where": (frozenset({"column", "op", "value"}), _filter),
    "group": (frozenset({"by", "measures"}), _group),
    "suppress": (frozenset({"by", "k", "count"}), _suppress),
}
