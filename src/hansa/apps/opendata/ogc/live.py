"""Features that are entities as they are now, read by `city.public`: policy decides of each."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from hansa import Asking, Entity, NotFound, geo
from hansa.apps.opendata.ogc import times
from hansa.apps.opendata.ogc.looking import Basket, Features, Fields, Kept, Segment, fields_of, looked, shape, time_of
from hansa.apps.opendata.ogc.wanted import Box, Want, narrowing
from hansa.apps.opendata.published import Published

SAMPLED: Final = 200
MEASURED: Final = 2_000
"""Entities whose places are looked at for the extent of what is live."""
CHUNK: Final = 5_000
"""Entities that are read at once, where they are looked at one by one."""


class Live:
    """Entities as they are now."""

    def __init__(self, city: Asking, one: Published) -> None:
        """Nothing is read yet, but for the kinds of what no release has told."""
        self.city = city
        self.type = one.type
        self.q = str(one.source["q"]) if one.source.get("q") else None
        self.names = tuple(name for name in one.attributes if name != "location")
        known, self.whole = fields_of(one.columns) if one.columns else self._sampled()
        self.fields = {name: known.get(name, "any") for name in self.names}
        self.time = time_of(self.fields)
        self.shapes = "any"
        self._box = one.bbox
        self._key = one.id

    def _sampled(self) -> Fields:
        version = self.city.version(self.type)
        kept = Kept.fields.get((self.type, self.names))
        if kept is not None and kept[0] == version:
            return kept[1]
        kinds: dict[str, set[str]] = {name: set() for name in self.names}
        for one in self.city.public.page(self.type, q=self.q, limit=SAMPLED):
            for name in self.names:
                if (value := _value(one, name)) is not None:
                    kinds[name].add(_kind_of(value))
        made = (
            {name: _joined(found) for name, found in kinds.items()},
            frozenset(name for name, found in kinds.items() if found == {"integer"}),
        )
        Kept.keep(Kept.fields, (self.type, self.names), (version, made))
        return made

    def page(self, want: Want, offset: int, limit: int) -> tuple[Features, int]:
        """By the city's index where that is enough."""
        segments, exact = self._segments(want)
        public = self.city.public
        if not exact:
            return looked(self._all(segments), want, self.time, offset, limit)
        basket = Basket(limit)
        matched = 0
        for one in segments:
            many = public.count(self.type, q=one.q, box=one.box)
            basket.fill(partial(self._read, one), max(0, offset - matched), many)
            matched += many
        return basket.features, matched

    def _read(self, segment: Segment, start: int, most: int) -> Features:
        found = self.city.public.page(self.type, q=segment.q, box=segment.box, limit=most, offset=start)
        return [self.feature(one) for one in found]

    def _segments(self, want: Want) -> tuple[list[Segment], bool]:
        """The parts of an answer, and whether the index alone decides."""
        q = _and(self.q, narrowing(want, self.fields))
        plain = not want.equal and want.node is None and not (want.span and self.time)
        if want.place is None:
            return [Segment(None, q)], plain
        # What crosses the antimeridian may be in both of its boxes, and would be counted twice.
        if len(want.boxes) != 1:
            return [Segment(None, q)], False
        nowhere = [Segment(None, _and(q, "!location"))] if self._unplaced() else []
        return [Segment(want.boxes[0], q), *nowhere], plain and want.square

    def _unplaced(self) -> bool:
        """Whether there are any that say no place: they are within each box."""
        version = self.city.version(self.type)
        kept = Kept.unplaced.get((self.type, self.q))
        if kept is None or kept[0] != version:
            kept = version, bool(self.city.public.page(self.type, q=_and(self.q, "!location"), limit=1))
            Kept.keep(Kept.unplaced, (self.type, self.q), kept)
        return kept[1]

    def _all(self, segments: Sequence[Segment]) -> Iterator[dict[str, Any]]:
        for one in segments:
            start = 0
            while found := self._read(one, start, CHUNK):
                yield from found
                start += len(found)
                if len(found) < CHUNK:
                    break

    def one(self, key: str) -> dict[str, Any]:
        """By its id, and only where it is of this collection."""
        found = self.city.public.get(key)
        if self.type not in found.types:
            raise NotFound(f"there is no feature {key[:100]} here", where="featureId")
        if self.q is not None:
            quoted = key.replace("\\", "").replace('"', "")
            if not self.city.public.page(self.type, q=f'({self.q});id=="{quoted}"', limit=1):
                raise NotFound(f"there is no feature {key[:100]} here", where="featureId")
        return self.feature(found)

    def feature(self, one: Entity) -> dict[str, Any]:
        """An entity as a feature, with the attributes that may be given."""
        said = {name: value for name in self.names if (value := _value(one, name)) is not None}
        return {"type": "Feature", "id": one.id, "geometry": shape(one.location), "properties": said}

    def box(self) -> Box | None:
        """Measured, where they are not too many; entities move, and a release tells only where they were."""
        version = self.city.version(self.type)
        kept = Kept.boxes.get(self._key)
        if kept is None or kept[0] != version:
            found = self.city.public.page(self.type, q=self.q, limit=MEASURED + 1)
            made = None if len(found) > MEASURED else _union(shape(one.location) for one in found)
            kept = (version, made)
            Kept.keep(Kept.boxes, self._key, kept)
        return kept[1]


def _union(shapes: Iterator[dict[str, Any] | None]) -> Box | None:
    boxes = [geo.bbox(one) for one in shapes if one is not None]
    if not boxes:
        return None
    return (
        min(one[0] for one in boxes),
        min(one[1] for one in boxes),
        max(one[2] for one in boxes),
        max(one[3] for one in boxes),
    )


def _value(one: Entity, name: str) -> Any:
    value = one.get(name)
    if isinstance(value, Mapping) and value.get("@type") in {"DateTime", "Date"}:
        return value.get("@value")
    return value


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "text" if times.when(value) is None else "time"
    return "any"


def _joined(kinds: set[str]) -> str:
    """The kind of what holds values of these."""
    if kinds and kinds <= {"number", "integer"}:
        return "number"
    return next(iter(kinds)) if len(kinds) == 1 else "any"


def _and(one: str | None, other: str | None) -> str | None:
    if one and other:
        return f"({one});({other})"
    return one or other
