"""What looking at features has in common, of entities and of rows: how long it may take, and what is remembered.

A feature is GeoJSON: `{"type": "Feature", "id", "geometry", "properties"}`, in longitude and latitude.
"""

import time as clock
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from hansa.apps.opendata.ogc.refused import TooLong, TooMuch
from hansa.apps.opendata.ogc.wanted import Box, Want, Where

BUDGET_S: Final = 2.0
"""For one question that must look at features one by one: longer, and others wait for it."""
LOOKED_AT: Final = 200_000
POSITIONS: Final = 500_000
"""Of all geometries of one answer: some 10 MB of GeoJSON."""
AT_ONCE: Final = 1_000
OWN: Final = frozenset({"id", "lon", "lat", "geometry"})
"""Columns that are no properties."""
_KINDS: Final = {"number": "number", "integer": "number", "boolean": "boolean", "time": "time", "text": "text"}

Features = list[dict[str, Any]]
Fields = tuple[dict[str, str], frozenset[str]]
"""Properties and their kinds (number, text, boolean, time, any); and those that hold whole numbers alone."""


def budget() -> float:
    """Until when a question that begins now may take."""
    return clock.monotonic() + BUDGET_S


def in_time(end: float) -> None:
    """Raise TooLong when the time is up."""
    if clock.monotonic() > end:
        raise TooLong(
            f"it takes longer than {BUDGET_S:g} s",
            mend="narrow it by bbox, or by a comparison with a value; or take the whole as a file",
        )


@dataclass(slots=True)
class Basket:
    """The features of an answer: so many, and together of so many positions; the next page goes on where it is full."""

    limit: int
    features: Features = field(default_factory=list)
    weight: int = 0

    @property
    def room(self) -> int:
        """How many more there may be."""
        return self.limit - len(self.features) if self.weight < POSITIONS else 0

    def put(self, one: dict[str, Any]) -> None:
        """One more, where there is room."""
        if self.room > 0:
            self.features.append(one)
            self.weight += _positions((one["geometry"] or {}).get("coordinates", ()))

    def fill(self, read: Callable[[int, int], Features], start: int, end: int) -> None:
        """With those from `start` on, of which there are until `end`, a few at a time."""
        while self.room > 0 and start < end:
            found = read(start, min(self.room, AT_ONCE))
            for one in found:
                self.put(one)
            start += len(found)
            if not found:
                return


def _positions(coordinates: Any) -> int:
    if not coordinates or not isinstance(coordinates[0], list | tuple):
        return 1
    return sum(_positions(one) for one in coordinates)


def looked(
    found: Iterator[dict[str, Any]], want: Want, time: str | None, offset: int, limit: int
) -> tuple[Features, int]:
    """Those that are wanted of many, one by one."""
    end = budget()
    kept = Basket(limit)
    matched = 0
    for n, one in enumerate(found):
        if n % 256 == 0:
            in_time(end)
            if n > LOOKED_AT:
                raise TooMuch(
                    f"more than {LOOKED_AT:,} features would have to be looked at",
                    mend="narrow it by bbox, or by a comparison with a value; or take the whole as a file",
                )
        if want.holds(one, time):
            if matched >= offset:
                kept.put(one)
            matched += 1
    return kept.features, matched


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of what is asked: all parts one after the other are the answer."""

    box: Box | None = None
    q: str | None = None
    where: tuple[Where, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """Of which columns the id of a row is made; of none: of its number."""

    columns: tuple[str, ...] = ()

    def of(self, row: Mapping[str, Any], number: int) -> str:
        """The id of a row."""
        return "@".join(str(row[name]) for name in self.columns) if self.columns else f"row-{number}"


class Kept:
    """What was measured, by what it was measured of."""

    MOST: ClassVar[int] = 500
    boxes: ClassVar[dict[Hashable, tuple[Hashable, Box | None]]] = {}
    columns: ClassVar[dict[Hashable, Sequence[Mapping[str, Any]]]] = {}
    keys: ClassVar[dict[Hashable, Key]] = {}
    unplaced: ClassVar[dict[Hashable, tuple[Hashable, bool]]] = {}
    counts: ClassVar[dict[Hashable, int]] = {}
    fields: ClassVar[dict[Hashable, tuple[Hashable, Fields]]] = {}

    @classmethod
    def keep(cls, where: dict[Any, Any], key: Hashable, value: Any) -> None:
        """One more; when there are too many, all are forgotten."""
        if len(where) >= cls.MOST:
            where.clear()
        where[key] = value


def shape(said: Any) -> dict[str, Any] | None:
    """A geometry as GeoJSON has it and no more; None for what is none."""
    if not isinstance(said, Mapping) or not isinstance(said.get("coordinates"), list) or not said["coordinates"]:
        return None
    return {"type": said["type"], "coordinates": said["coordinates"]}


def located(columns: Sequence[Mapping[str, Any]]) -> bool:
    """Whether rows say where they are, in a way that can be asked for."""
    kinds = {str(one.get("name")): str(one.get("type")) for one in columns}
    return "geometry" in kinds or all(kinds.get(name) in {"number", "integer"} for name in ("lon", "lat"))


def fields_of(columns: Sequence[Mapping[str, Any]]) -> Fields:
    """The properties that columns make, by kind, and those that are whole numbers."""
    named = {str(one["name"]): str(one.get("type")) for one in columns if one["name"] not in OWN}
    whole = frozenset(name for name, kind in named.items() if kind == "integer")
    return {name: _KINDS.get(kind, "any") for name, kind in named.items()}, whole


def time_of(fields: Mapping[str, str]) -> str | None:
    """The property that says when: one of a known name, else the first that is a time."""
    found = [name for name, kind in fields.items() if kind == "time"]
    for name in ("time", "dateObserved", "observedAt", "validFrom", "dateIssued", "date"):
        if name in found:
            return name
    return found[0] if found else None
