"""The door of maps: `GET /map/points`, where everything is, in columns, as far as whoever asks may see it.

    GET /map/points?types=Vehicle,WaterObserved&show=Vehicle:speed        now; JSON, a block a line
    GET /map/points?types=Vehicle&at=2026-11-22T18:00:00Z                 as it was then, from history
    GET /map/shapes?kinds=road:RoadSegment,building:Building              lines and areas below the points, as GeoJSON
    GET /map/live?types=...&show=...                                      the same as events, then what moves

The columns are those of `model.spot`. All of it is read through the store's reader with the asker's sight, entity by
entity, and noted as any other read is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

import orjson

from hansa import clock
from hansa.errors import BadRequest, TooLarge
from hansa.limits import Limits
from hansa.model.context import CORE
from hansa.model.entity import Entity
from hansa.model.query import Query
from hansa.model.spot import KINDS, Spot, block, feature, spot
from hansa.model.wire import entity_in
from hansa.network.moves import alarms
from hansa.platform.city import City
from hansa.trust.labels import Sight

BLOCK: Final = 5_000
"""Points of one block: some 400 kB, which a browser reads in 10 ms."""
_TYPES: Final = 100
_ALERTS: Final = 10_000


@dataclass(frozen=True)
class Asked:
    """What a map shows: types, and for each which attributes speak for it; `at` (microseconds) for a time gone by."""

    types: tuple[str, ...]
    show: Mapping[str, tuple[str, ...]]
    at: int | None = None

    @classmethod
    def parse(cls, params: Mapping[str, str]) -> "Asked":
        """Read the parameters of a request; BadRequest names the one that is wrong."""
        if unknown := set(params) - {"types", "show", "at"}:
            raise BadRequest(f"a map has no parameter {min(unknown)[:40]}", where="query", mend="types, show, at")
        types = tuple(dict.fromkeys(one for one in params.get("types", "").split(",") if one))
        if not types or len(types) > _TYPES:
            raise BadRequest(f"name 1 to {_TYPES} types", where="types", mend="types=Vehicle,WaterObserved")
        show: dict[str, tuple[str, ...]] = {}
        for one in params.get("show", "").split(","):
            if not one:
                continue
            kind, colon, name = one.rpartition(":")
            if not colon or kind not in types or not name:
                raise BadRequest(f"{one[:80]!r} is no type with an attribute", where="show", mend="show=Vehicle:speed")
            show[kind] = (*show.get(kind, ()), name)
        at = params.get("at")
        return cls(types, show, None if at is None else clock.parse(at))

    @property
    def query(self) -> Query:
        """The same for the store."""
        return Query.parse(types=",".join(self.types))


def then(asked: Asked, picture: bytes) -> Iterator[bytes]:
    """The blocks of what the past told: `{"entities": [...]}` of concise NGSI-LD, masked already."""
    told = (spot(Entity(entity_in(one, CORE)), asked.show) for one in orjson.loads(picture)["entities"])
    found = (one for one in told if one is not None)
    while some := list(islice(found, BLOCK)):
        yield block(some)


def kinds_of(params: Mapping[str, str]) -> dict[str, str]:
    """Read `kinds=road:RoadSegment,building:Building`: the kind of each type. BadRequest when it is no such thing."""
    if unknown := set(params) - {"kinds"}:
        raise BadRequest(f"shapes have no parameter {min(unknown)[:40]}", where="query", mend="kinds")
    kinds: dict[str, str] = {}
    for one in params.get("kinds", "").split(","):
        kind, colon, name = one.partition(":")
        if not colon or kind not in KINDS or not name or len(kinds) >= _TYPES:
            raise BadRequest(f"{one[:80]!r} is no kind with a type", where="kinds", mend="kinds=road:RoadSegment")
        kinds[name] = kind
    return kinds


class Places:
    """Where everything of a realm is."""

    def __init__(self, city: City, limits: Limits) -> None:
        """Of the entities of `city`; at most `limits.points` in one picture."""
        self._city = city
        self._most = limits.points
        self._bytes = limits.shapes

    def blocks(self, asked: Asked, sight: Sight) -> Iterator[bytes]:
        """The picture, block by block. Raises TooLarge once there are more points than one picture holds."""
        rows = self._now(asked, sight)
        many = 0
        while some := list(islice(rows, BLOCK)):
            many += len(some)
            if many > self._most:
                raise TooLarge(f"more than {self._most:,} points", where="types", mend="show fewer types")
            yield block(some)

    def events(self, asked: Asked, sight: Sight) -> Iterator[bytes]:
        """The same as events; first the open alerts, which say how things are with what they are about."""
        yield alarms((one.id, one) for one in self._alerts(sight))
        for some in self.blocks(asked, sight):
            yield b"event: points\ndata: " + some + b"\n\n"

    def shapes(self, kinds: Mapping[str, str], sight: Sight) -> bytes:
        """Lines and areas of types as GeoJSON, each with the kind that `kinds` says of its type; for the ground."""
        parts: list[bytes] = []
        size = 0
        for entity in self._city.reader.every("", Query.parse(types=",".join(kinds)), sight, stamps=False):
            if (found := feature(entity, kinds)) is not None:
                parts.append(orjson.dumps(found))
                size += len(parts[-1])
                if size > self._bytes:
                    raise TooLarge(f"more than {self._bytes:,} bytes of shapes", where="kinds", mend="fewer types")
        return b'{"type":"FeatureCollection","features":[' + b",\n".join(parts) + b"]}"

    def _now(self, asked: Asked, sight: Sight) -> Iterator[Spot]:
        for entity in self._city.reader.every("", asked.query, sight, stamps=False):
            if (found := spot(entity, asked.show)) is not None:
                yield found

    def _alerts(self, sight: Sight) -> list[Entity]:
        query = Query.parse(types="Alert", q='status=="open"')
        return self._city.reader.find("", query, sight, _ALERTS)
