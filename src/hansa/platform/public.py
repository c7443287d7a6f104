"""The city as a stranger sees it, for apps that give things away: what is for everybody, as policy has it, and no more.

What an app reads with its own sight it must weigh before it says it to everybody; what it reads here, policy has
weighed. ADR 0018. Held by tests/platform/test_public_eyes.py.
"""

from collections.abc import Callable, Sequence
from math import isfinite

from hansa.errors import BadRequest, NotFound
from hansa.model.entity import Entity
from hansa.model.query import Query
from hansa.platform.store import Bucket, Point, Reader, Span
from hansa.trust.labels import Sight

_POINTS = 200_000  # of one attribute that are looked at one by one, where not all of them are plain numbers
Box = tuple[float, float, float, float]


class PublicCity:
    """One realm by the sight of whoever is unknown."""

    __slots__ = ("_reader", "_sight")

    def __init__(self, reader: Callable[[], Reader], sight: Sight) -> None:
        """`reader` is the calling thread's."""
        self._reader = reader
        self._sight = sight

    def get(self, ident: str, /) -> Entity:
        """One entity; raises NotFound."""
        found = self._reader().entity("", ident, self._sight)
        if found is None:
            raise NotFound(f"there is no entity {ident[:200]}", where=ident[:200])
        return found

    def page(
        self,
        type: str,  # noqa: A002  # the standard's word
        *,
        q: str | None = None,
        box: Box | None = None,
        limit: int = 1_000,
        offset: int = 0,
    ) -> list[Entity]:
        """Entities of a type, always in the same order. BadRequest of q and box."""
        return self._reader().find("", _query(type, q, box), self._sight, limit, offset)

    def count(self, type: str, *, q: str | None = None, box: Box | None = None) -> int:  # noqa: A002
        """How many there are."""
        return self._reader().count("", _query(type, q, box), self._sight)

    def history(
        self,
        ident: str,
        name: str,
        since: int | None = None,
        until: int | None = None,
        *,
        last: int | None = None,
        limit: int = 10_000,
    ) -> list[Point]:
        """Points of one attribute, oldest first."""
        return self._reader().history("", ident, name, self._sight, since, until, last, limit)

    def summary(
        self, ident: str, name: str, since: int | None = None, until: int | None = None, length: int = 0
    ) -> list[Bucket]:
        """Plain numbers of one attribute by periods."""
        return summary(self._reader(), self._sight, ident, name, since, until, length)


def summary(
    reader: Reader, sight: Sight, ident: str, name: str, since: int | None, until: int | None, length: int
) -> list[Bucket]:
    """The plain numbers of one attribute's history by periods of `length` microseconds from `since` on (0: all in one).

    What is no number is left out. BadRequest when the length is below zero.
    """
    if length < 0:
        raise BadRequest("a period has a length above zero", where="length")
    origin = since or 0
    if not sight.everything and (name, None) not in reader.series("", ident, sight):
        return []
    found = reader.buckets("", ident, (name, None), Span(None, since, until), origin, length)
    if found is not None:
        return found
    points = reader.history("", ident, name, sight, since, until, limit=_POINTS)
    return _summed([(one.at, one.value) for one in points], origin, length)


def _summed(points: Sequence[tuple[int, object]], origin: int, length: int) -> list[Bucket]:
    by: dict[int, list[float]] = {}
    for at, value in points:
        if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
            by.setdefault((at - origin) // length if length else 0, []).append(value)
    made = []
    for period in sorted(by):
        values = by[period]
        mean = sum(values) / len(values)
        made.append(
            Bucket(
                period,
                len(values),
                len(set(values)),
                min(values),
                max(values),
                sum(values),
                sum(value * value for value in values),
                sum((value - mean) ** 2 for value in values),
            )
        )
    return made


def _query(kind: str, q: str | None, box: Box | None) -> Query:
    if box is None:
        return Query.parse(types=kind, q=q)
    west, south, east, north = box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return Query.parse(types=kind, q=q, georel="intersects", geometry="Polygon", coordinates=[ring])
