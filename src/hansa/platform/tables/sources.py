"""Rows for tables, out of the city or out of a sheet, written to a CSV of ours that DuckDB reads with known types.

    entities   a row each: id, lon, lat, geometry where it is no point, attributes
    history    a row for each entity and instant: id, lon, lat, time, attributes
    sheet      a CSV or XLSX as somebody sent it
    rows       said by an app

What a column holds is decided by all that is in it: numbers if all are, else texts.
tests/platform/test_tables.py
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

import orjson

from hansa import clock
from hansa.errors import BadRequest, HansaError, TooLarge
from hansa.model import geo
from hansa.model.entity import Entity
from hansa.platform.city import simple_query
from hansa.platform.store import Reader, Span
from hansa.platform.tables.words import listed, members, moment, new_name, told_apart
from hansa.trust.labels import Sight

ROWS: Final = 5_000_000
"""Of one table; a city that has more releases it by years."""
_SAID: Final = 20_000  # rows that an app says in a recipe
_ATTRIBUTES: Final = 200
_CHUNK: Final = 256  # entities whose history is read together
NULL: Final = "\\N"
_SQL: Final = {"number": "DOUBLE", "integer": "BIGINT", "boolean": "BOOLEAN", "time": "TIMESTAMP", "text": "VARCHAR"}
_WHOLE: Final = 2**53
_ZERO: Final = frozenset("0123456789")


@dataclass(slots=True)
class Kind:
    """What a column turns out to hold, value by value."""

    seen: str = ""

    def note(self, value: Any) -> None:
        """One more value; None says nothing."""
        if value is None:
            return
        if isinstance(value, bool):
            kind = "boolean"
        elif isinstance(value, int):
            kind = "integer" if -_WHOLE < value < _WHOLE else "text"
        elif isinstance(value, float):
            kind = "number"
        else:
            kind = "time" if isinstance(value, str) and _is_time(value) else "text"
        if not self.seen:
            self.seen = kind
        elif kind != self.seen:
            self.seen = "number" if {kind, self.seen} == {"integer", "number"} else "text"

    @property
    def type(self) -> str:
        """What it holds; a column without any value is text."""
        return self.seen or "text"


@dataclass(slots=True)
class Sheet:
    """A CSV that is being written, and what its columns hold."""

    path: Path
    columns: list[str]
    kinds: list[Kind] = field(default_factory=list)
    rows: int = 0

    def write(self, rows: Iterable[Sequence[Any]]) -> "Sheet":
        """All rows, in order. TooLarge."""
        self.kinds = [Kind() for _ in self.columns]
        with self.path.open("w", encoding="utf-8", newline="") as file:
            for row in rows:
                self.rows += 1
                if self.rows > ROWS:
                    raise TooLarge(
                        f"more than {ROWS:,} rows", where="from", mend="release it by years, or by districts"
                    )
                for kind, value in zip(self.kinds, row, strict=True):
                    kind.note(value)
                file.write(",".join(map(_cell, row)) + "\n")
        return self

    @property
    def types(self) -> dict[str, str]:
        """Columns and what they hold."""
        return {name: kind.type for name, kind in zip(self.columns, self.kinds, strict=True)}

    def sql(self) -> str:
        """How SQL says it."""
        columns = ", ".join(f"{_text(name)}: {_text(_SQL[kind])}" for name, kind in self.types.items())
        return (
            f"read_csv({_text(str(self.path))}, header = false, delim = ',', quote = '\"', escape = '\"', "
            f"nullstr = {_text(NULL)}, allow_quoted_nulls = false, new_line = '\\n', parallel = false, "
            f"max_line_size = 16000000, auto_detect = false, columns = {{{columns}}})"
        )


def rows_of(reader: Reader, source: Mapping[str, Any], sight: Sight) -> tuple[list[str], Iterator[list[Any]]]:
    """The columns and rows of what a recipe is `from`. BadRequest says what is wrong with it."""
    match source.get("kind"):
        case "entities":
            told = members(source, "from", frozenset({"kind", "type", "q", "attributes"}))
            names = _names(told)
            columns = ["id", "lon", "lat", "geometry", *names]
            return columns, (_entity_row(one, names) for one in _all(reader, told, sight))
        case "history":
            told = members(source, "from", frozenset({"kind", "type", "q", "attributes", "since", "until"}))
            names = _names(told)
            return ["id", "lon", "lat", "time", *names], _history_rows(reader, told, names, sight)
        case "rows":
            told = members(source, "from", frozenset({"kind", "columns", "rows"}))
            return _said(told)
    raise BadRequest(f"{str(source.get('kind'))[:20]!r} is nothing that tables are made of", where="from.kind")


def _said(told: Mapping[str, Any]) -> tuple[list[str], Iterator[list[Any]]]:
    columns = [new_name(one, "", "from.columns") for one in listed(told.get("columns"), "from.columns", _ATTRIBUTES)]
    if not columns:
        raise BadRequest("columns have names", where="from.columns")
    told_apart(columns, "from.columns")
    rows = listed(told.get("rows"), "from.rows", _SAID)
    for n, row in enumerate(rows):
        if not isinstance(row, list | tuple) or len(row) != len(columns):
            raise BadRequest(f"row {n} has not {len(columns)} cells", where=f"from.rows[{n}]")
    return columns, ([_flat(cell) for cell in row] for row in rows)


def _names(told: Mapping[str, Any]) -> list[str]:
    names = listed(told.get("attributes"), "from.attributes", _ATTRIBUTES)
    taken = {"id", "lon", "lat", "time", "geometry"}
    for one in names:
        if not isinstance(one, str) or not one or len(one) > 500 or one in taken:
            raise BadRequest(f"{str(one)[:40]!r} is no attribute that is a column", where="from.attributes")
        taken.add(one)
    told_apart(taken, "from.attributes")
    if not names:
        raise BadRequest("which attributes?", where="from.attributes", mend='"attributes": ["temperature"]')
    return names


def _all(reader: Reader, told: Mapping[str, Any], sight: Sight) -> Iterator[Entity]:
    kind, q = told.get("type"), told.get("q")
    if not isinstance(kind, str) or not kind or not (q is None or isinstance(q, str)):
        raise BadRequest("entities of which type?", where="from.type")
    return reader.every("", simple_query(kind, q, None), sight, stamps=False)


def _entity_row(one: Entity, names: Sequence[str]) -> list[Any]:
    lon, lat, shape = _place(one)
    return [one.id, lon, lat, shape, *(_flat(one.get(name)) for name in names)]


def _place(one: Entity) -> tuple[float | None, float | None, str | None]:
    where = one.location
    if not isinstance(where, Mapping):
        return None, None, None
    if where.get("type") == "Point":
        lon, lat, *_ = where.get("coordinates") or (None, None)
        return (None, None, None) if lon is None or lat is None else (float(lon), float(lat), None)
    try:
        west, south, east, north = geo.bbox(dict(where))
    except (HansaError, ValueError, TypeError, KeyError, IndexError):
        return None, None, None
    return (west + east) / 2, (south + north) / 2, orjson.dumps(where).decode()


def _history_rows(reader: Reader, told: Mapping[str, Any], names: Sequence[str], sight: Sight) -> Iterator[list[Any]]:
    since, until = _instant(told, "since"), _instant(told, "until")
    wanted = frozenset(names)
    here = ((one.id, *_place(one)[:2]) for one in _all(reader, told, sight))
    span = Span(None, since, until)
    while chunk := list(islice(here, _CHUNK)):
        places = {ident: (lon, lat) for ident, lon, lat in chunk}
        found = reader.moments("", [ident for ident, _, _ in chunk], sight, span, (wanted, frozenset()), ROWS)
        for ident, series in found:
            by: dict[int, list[Any]] = {}
            for (name, dataset), moments in series.items():
                if dataset is not None:
                    continue
                column = names.index(name)
                for one in moments:
                    row = by.get(one.at)
                    if row is None:
                        row = by[one.at] = [None] * len(names)
                    row[column] = _flat(one.instance.get("value"))
            for at in sorted(by):
                yield [ident, *places[ident], clock.text(at), *by[at]]


def _instant(told: Mapping[str, Any], name: str) -> int | None:
    said = told.get(name)
    if said is None:
        return None
    if not isinstance(said, str):
        raise BadRequest(f"{name} is a time", where=f"from.{name}", mend="2026-01-31T12:00:00Z")
    return clock.parse(said)


def _flat(value: Any) -> Any:
    """A value as one cell: objects and lists as their JSON, times that say so as times."""
    if isinstance(value, Mapping) and value.get("@type") in {"DateTime", "Date"}:
        return str(value.get("@value"))
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return orjson.dumps(value).decode()


def _cell(value: Any) -> str:
    """A cell as DuckDB reads it: `NULL` stands without quotes, so that a text of its two signs stays one."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        if not value.endswith("Z") and _is_time(value):  # as it stands where it is in UTC: texts beside it stay texts
            value = f"{moment(value, 'time').isoformat()}Z"
        plain = value.replace("\0", "").replace('"', '""')
        return f'"{plain}"'
    if isinstance(value, float) and not math.isfinite(value):  # of a sheet, `1e999`
        return NULL
    return repr(value)


def _is_time(text: str) -> bool:
    """Whether a text is an instant as this city writes it; dates alone stay texts, for they have no hour."""
    if not 19 <= len(text) <= 35 or text[4] != "-" or text[10] != "T" or text[0] not in _ZERO:
        return False
    try:
        moment(text, "time")
    except BadRequest:
        return False
    return True


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
