"""Features that are rows of released tables, asked by `city.tables`: what a table is does not change."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, Final

from hansa import Asking, NotFound
from hansa.apps.opendata.ogc import times
from hansa.apps.opendata.ogc.looking import Basket, Features, Kept, Key, Segment, fields_of, looked, shape, time_of
from hansa.apps.opendata.ogc.wanted import Box, Want, Where, asked_of_table
from hansa.apps.opendata.published import Published

ROWS: Final = 10_000


def columns_of(city: Asking, one: Published, sha256: str) -> Sequence[Mapping[str, Any]]:
    """The columns of a table: as the release told them, else counted once, for a table does not change. NotFound."""
    if sha256 == one.table and all("nulls" in column for column in one.columns):
        return one.columns
    kept = Kept.columns.get(sha256)
    if kept is None:
        kept = city.tables.columns(sha256)
        Kept.keep(Kept.columns, sha256, kept)
    return kept


class Rows:
    """The rows of a released table."""

    def __init__(self, city: Asking, one: Published, sha256: str | None = None) -> None:
        """Of the newest release, or of another."""
        self.city = city
        self.sha = sha256 or one.table or ""
        columns = columns_of(city, one, self.sha)
        self.columns = {str(it["name"]): str(it["type"]) for it in columns}
        self.fields, self.whole = fields_of(columns)
        self.nulls = {str(it["name"]): int(it.get("nulls") or 0) for it in columns}
        self.time = time_of(self.fields)
        self.shapes = "any" if "geometry" in self.columns else "point"
        self.key = self._key()
        self.extended = "geometry" in self.columns and any(
            it["name"] == "geometry" and it.get("distinct", 1) for it in columns
        )

    def _key(self) -> Key:
        """The column, or the two, that no two rows share: what a table is does not change."""
        kept = Kept.keys.get(self.sha)
        if kept is None:
            kept = Key()
            if "id" in self.columns and not self.nulls["id"]:
                measures = [{"as": "count", "name": "n"}, {"of": "id", "as": "distinct", "name": "ids"}]
                told = self.city.tables.ask({"table": self.sha, "measures": measures, "limit": 1})
                rows, ids = told["rows"][0] if told["rows"] else (0, 0)
                if rows == ids:
                    kept = Key(("id",))
                elif self.columns.get("time") == "time" and not self.nulls["time"] and self._once():
                    kept = Key(("id", "time"))
            Kept.keep(Kept.keys, self.sha, kept)
        return kept

    def _once(self) -> bool:
        """Whether no two rows are of one id and instant."""
        told = self.city.tables.ask(
            {
                "table": self.sha,
                "by": ["id", "time"],
                "measures": [{"as": "count", "name": "n"}],
                "columns": [],
                "order": [["n", "desc"]],
                "limit": 1,
            }
        )
        return not told["rows"] or told["rows"][0][2] == 1

    def page(self, want: Want, offset: int, limit: int) -> tuple[Features, int]:
        """By the table's own filters where they are enough."""
        # Ids are texts outside: only where the column has texts it can be asked for them.
        textual = self.key.columns == ("id",) and self.columns["id"] == "text"
        known = {name: kind for name, kind in self.columns.items() if textual or name != "id"}
        where, exact = asked_of_table(want, known, self.nulls, self.time)
        segments = [Segment(where=tuple(where))]
        if want.place is not None:
            exact = exact and want.square and not self.extended
            if not self.extended:
                segments = [Segment(where=(*where, *in_box(box))) for box in want.boxes]
                segments += [Segment(where=(*where, *it)) for it in self._nowhere()]
        if not self.key.columns and (where or want.place is not None):
            segments, exact = [Segment()], False  # a row's number is known only where all rows are counted
        if not exact:
            return looked(self._all(segments), want, self.time, offset, limit)
        basket = Basket(limit)
        matched = 0
        for one in segments:
            many = self._count(one.where)
            basket.fill(partial(self._read, one.where), max(0, offset - matched), many)
            matched += many
        return basket.features, matched

    def _nowhere(self) -> Iterator[list[Where]]:
        """Conditions of rows that say no place, or half of one: they are within each box."""
        if self.nulls.get("lon"):
            yield [{"column": "lon", "op": "==", "value": None}]
        if self.nulls.get("lat"):
            yield [{"column": "lon", "op": "!=", "value": None}, {"column": "lat", "op": "==", "value": None}]

    def _count(self, where: tuple[Where, ...]) -> int:
        """Of a table that does not change: the pages of one question count once."""
        key = (self.sha, json.dumps(where))
        kept = Kept.counts.get(key)
        if kept is None:
            kept = self._counted(where)
            Kept.keep(Kept.counts, key, kept)
        return kept

    def _counted(self, where: tuple[Where, ...]) -> int:
        told = self.city.tables.ask(
            {"table": self.sha, "where": list(where), "measures": [{"as": "count", "name": "n"}], "limit": 1}
        )
        return int(told["rows"][0][0]) if told["rows"] else 0

    def _read(self, where: tuple[Where, ...], offset: int, limit: int) -> Features:
        told = self.city.tables.ask(
            {"table": self.sha, "where": list(where), "limit": min(limit, ROWS), "offset": offset}
        )
        names = told["columns"]
        names = [one["name"] if isinstance(one, Mapping) else one for one in names]
        return [self._feature(dict(zip(names, row, strict=True)), offset + n) for n, row in enumerate(told["rows"])]

    def _all(self, segments: Sequence[Segment]) -> Iterator[dict[str, Any]]:
        for one in segments:
            offset = 0
            while found := self._read(one.where, offset, ROWS):
                yield from found
                offset += len(found)
                if len(found) < ROWS:
                    break

    def one(self, key: str) -> dict[str, Any]:
        """The row of an id."""
        missing = NotFound(f"there is no feature {key[:100]} here", where="featureId")
        if not self.key.columns:
            number = key.removeprefix("row-")
            if number == key or not number.isascii() or not number.isdigit() or len(number) > 8:
                raise missing
            found = self._read((), int(number), 1)
        else:
            values = key.rsplit("@", len(self.key.columns) - 1)
            if len(values) != len(self.key.columns):
                raise missing
            where = [
                _equals(name, value, self.columns[name]) for name, value in zip(self.key.columns, values, strict=True)
            ]
            if any(one is None for one in where):
                raise missing
            found = self._read(tuple(one for one in where if one is not None), 0, 1)
        if not found:
            raise missing
        return found[0]

    def _feature(self, row: Mapping[str, Any], number: int) -> dict[str, Any]:
        said = {name: row[name] for name in self.fields if row.get(name) is not None}
        return {"type": "Feature", "id": self.key.of(row, number), "geometry": _placed(row), "properties": said}


def _equals(name: str, value: str, kind: str) -> Where | None:
    if kind in {"number", "integer"}:
        try:
            return {"column": name, "op": "==", "value": int(value) if kind == "integer" else float(value)}
        except ValueError:
            return None
    if kind == "time" and times.span_of(value[:40]) is None:
        return None
    return {"column": name, "op": "==", "value": value}


def in_box(box: Box) -> list[Where]:
    """Conditions of rows whose point is in a box."""
    west, south, east, north = box
    bounds = (("lon", ">=", west), ("lon", "<=", east), ("lat", ">=", south), ("lat", "<=", north))
    return [{"column": name, "op": op, "value": value} for name, op, value in bounds]


def _placed(row: Mapping[str, Any]) -> dict[str, Any] | None:
    said = row.get("geometry")
    if isinstance(said, str) and said:
        return _read_shape(said)
    lon, lat = row.get("lon"), row.get("lat")
    if lon is None or lat is None:
        return None
    return {"type": "Point", "coordinates": [lon, lat]}


@lru_cache(maxsize=2_048)
def _read_shape(said: str) -> dict[str, Any] | None:
    try:
        return shape(json.loads(said))
    except (ValueError, RecursionError):
        return None
