"""Questions to tables, as data, made into one statement.

    {"table": sha, "join": {"table": sha, "on": [[a, b]], "kind": "inner"}, "where": [...], "by": [...],
     "measures": [...], "columns": [...], "order": [["n", "desc"]], "limit": 1000, "offset": 0, "sample": 2000}

tests/platform/test_tables.py
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hansa.errors import BadRequest
from hansa.platform.tables.words import (
    Column,
    Given,
    bucket,
    columns_of,
    condition,
    listed,
    measure,
    members,
    one_of,
    quoted,
    told_apart,
)

ROWS: Final = 10_000
"""Of one answer; whoever wants more takes the file."""
_OFFSET: Final = 100_000_000
_MEMBERS: Final = frozenset(
    {"table", "join", "where", "by", "measures", "columns", "order", "limit", "offset", "sample"}
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement, the values that are bound to it, and what its columns hold. One row more than `limit` is asked."""

    sql: str
    given: Given = field(repr=False)
    columns: list[Column]
    limit: int


def tables_of(query: Any) -> list[str]:
    """The tables that a question is about: one or two. BadRequest."""
    told = members(query, "query", _MEMBERS)
    join = told.get("join")
    names = [told.get("table"), *([] if join is None else [_join(join).get("table")])]
    found = [one for one in names if isinstance(one, str)]
    if len(found) < len(names):
        raise BadRequest("a question names its table", where="table")
    return found


def asked(query: Mapping[str, Any], types: list[Mapping[str, str]], sources: list[str]) -> Asked:
    """The statement. `types` are the columns of the tables, `sources` how SQL says them. BadRequest, TooLarge."""
    given = Given()
    columns: dict[str, Column] = columns_of(types[0], "a.")
    source = f"{sources[0]} AS a"
    if len(sources) > 1:
        other = columns_of(types[1], "b.")
        source += f" {_joined(query['join'], columns, other, sources[1], given)}"
        for name, column in other.items():
            columns[f"b.{name}" if name in columns else name] = column
    where = [condition(columns, one, given, "where") for one in listed(query.get("where"), "where")]
    if "by" in query or "measures" in query:
        made, sql = _grouped(query, columns, source, where, given)
    else:
        made, sql = _plain(query, columns, source, where)
    limit, offset = _number(query, "limit", ROWS, 1_000), _number(query, "offset", _OFFSET, 0)
    sql += _order(query, made) + f" LIMIT {limit + 1} OFFSET {offset}"
    return Asked(sql, given, list(made.values()), limit)


def _join(said: Any) -> dict[str, Any]:
    return members(said, "join", frozenset({"table", "on", "kind"}))


def _joined(said: Any, columns: Mapping[str, Column], other: Mapping[str, Column], source: str, given: Given) -> str:
    join = _join(said)
    kind = join.get("kind", "inner")
    if not isinstance(kind, str) or kind not in {"inner", "left"}:
        raise BadRequest("tables are joined inner or left", where="join")
    pairs = listed(join.get("on"), "join", 4)
    if not pairs:
        raise BadRequest("on which columns are the tables joined?", where="join", mend='"on": [["id", "id"]]')
    terms = []
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise BadRequest("on is a list of pairs", where="join")
        mine = bucket(columns, pair[0], given, "join")
        theirs = bucket(other, pair[1], given, "join")
        if _kind(mine) != _kind(theirs):
            raise BadRequest(f"{mine.name} and {theirs.name} are not of one kind", where="join")
        terms.append(f"{mine.sql} = {theirs.sql}")
    return f"{kind.upper()} JOIN {source} AS b ON {' AND '.join(terms)}"


def _kind(column: Column) -> str:
    return "number" if column.type in {"number", "integer"} else column.type


def _plain(
    query: Mapping[str, Any],
    columns: Mapping[str, Column],
    source: str,
    where: list[str],
) -> tuple[dict[str, Column], str]:
    wanted = listed(query.get("columns"), "columns", 200)
    made = {name: one_of(columns, name, "columns") for name in wanted} if wanted else dict(columns)
    names = ", ".join(f"{column.sql} AS {quoted(name)}" for name, column in made.items())
    sql = f"SELECT {names} FROM {source}{_where(where)}"  # noqa: S608  # names that were looked up
    if "sample" in query:
        sql = (
            f"SELECT * FROM ({sql}) USING SAMPLE reservoir({_number(query, 'sample', ROWS, ROWS)} ROWS) REPEATABLE (1)"  # noqa: S608
        )
    return {name: Column(name, quoted(name), column.type) for name, column in made.items()}, sql


def _grouped(
    query: Mapping[str, Any],
    columns: Mapping[str, Column],
    source: str,
    where: list[str],
    given: Given,
) -> tuple[dict[str, Column], str]:
    if query.get("columns") or "sample" in query:
        raise BadRequest("what is grouped has the columns of by and measures", where="columns")
    by = [bucket(columns, one, given, "by") for one in listed(query.get("by"), "by")]
    measures = [measure(columns, one, "measures") for one in listed(query.get("measures"), "measures")]
    made: dict[str, Column] = {}
    parts = []
    for one in (*by, *(measures or [measure(columns, {}, "measures")])):
        if one.name in made:
            raise BadRequest(f"two columns would be called {one.name!r}", where="measures", mend="give one a name")
        made[one.name] = Column(one.name, quoted(one.name), one.type)
        parts.append(f"{one.sql} AS {quoted(one.name)}")
    told_apart(made, "measures")
    grouped = f" GROUP BY {', '.join(str(n + 1) for n in range(len(by)))}" if by else ""
    return made, f"SELECT {', '.join(parts)} FROM {source}{_where(where)}{grouped}"  # noqa: S608  # the same


def _where(terms: list[str]) -> str:
    return f" WHERE {' AND '.join(terms)}" if terms else ""


def _order(query: Mapping[str, Any], made: Mapping[str, Column]) -> str:
    terms = []
    for one in listed(query.get("order"), "order", 8):
        name, way = one if isinstance(one, list | tuple) and len(one) == 2 else (one, "asc")
        if not isinstance(way, str) or way not in {"asc", "desc"}:
            raise BadRequest("rows are ordered asc or desc", where="order")
        terms.append(f"{one_of(made, name, 'order').sql} {way.upper()} NULLS LAST")
    return f" ORDER BY {', '.join(terms)}" if terms else ""


def _number(query: Mapping[str, Any], name: str, most: int, default: int) -> int:
    said = query.get(name, default)
    if isinstance(said, bool) or not isinstance(said, int) or not 0 <= said <= most:
        raise BadRequest(f"{name} is a number up to {most:,}", where=name)
    return said
