"""Finding what an address means among the rows: filtered, ordered, a page of it, and how many there are in all.

Observations are read from history in pieces, by what the filter says of their time, and only so many are looked at:
a question beyond that is refused with what narrows it.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cmp_to_key
from itertools import islice
from typing import Any, Final

from hansa import NotFound, Refusal
from hansa.apps.opendata.sta.asking import MOST, TOP, Options
from hansa.apps.opendata.sta.bounds import Bounds, bounds_of
from hansa.apps.opendata.sta.expressions import Path, Tree
from hansa.apps.opendata.sta.rows import Row, Source
from hansa.apps.opendata.sta.sets import IDS
from hansa.apps.opendata.sta.spots import Spot
from hansa.apps.opendata.sta.things import Stream
from hansa.apps.opendata.sta.values import Several, Test, compiled, order_of, truth

LOOKED: Final = 60_000
"""Rows that one question looks at one by one: a door has 10 s, and a row takes some 20 us."""
STREAMS: Final = 5_000
"""Datastreams whose Observations are counted, or put in one order, together: each is read by itself, in some 0.2 ms."""
_PIECE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, whether there are more, where they go on, and how many there are in all, where that was asked."""

    rows: list[Row]
    more: bool
    total: int | None = None
    after: int | None = None


class Finding:
    """What is found in one question. It counts what it looks at."""

    def __init__(self, source: Source) -> None:
        """Of what is published."""
        self.source = source
        self.now = source.city.now()
        self._left = LOOKED

    def page(self, spot: Spot, asked: Options) -> Page:
        """A page of a collection."""
        top = min(MOST, TOP if asked.top is None else asked.top)
        if spot.kind.name == "Observations":
            return self._observations(spot, asked, top)
        rows = self.source.many(spot.below, spot.link) if spot.below is not None else self.source.rows(spot.kind.name)
        test = self._test(asked.test)
        if asked.order or asked.count:
            held = [row for row in self._looked(rows) if test is None or truth(test(row))]
            self._sort(held, asked)
            chosen = held[asked.skip : asked.skip + top]
            return Page(chosen, len(held) > asked.skip + top, len(held) if asked.count else None)
        fitting = (row for row in self._looked(rows) if test is None or truth(test(row)))
        chosen = list(islice(fitting, asked.skip, asked.skip + top + 1))
        return Page(chosen[:top], len(chosen) > top)

    def _test(self, tree: Tree | None) -> Test | None:
        return None if tree is None else compiled(tree, self.reach, self.now)

    def _sort(self, rows: list[Row], asked: Options) -> None:
        for tree, down in reversed(asked.order):
            key = compiled(tree, self.reach, self.now)
            rows.sort(key=_weighed(key), reverse=down)

    def _looked(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            self._left -= 1
            if self._left < 0:
                raise Refusal(
                    f"it would look at more than {LOOKED:,} entities",
                    where="$filter",
                    mend="say which Datastream, and from when to when (phenomenonTime)",
                )
            yield row

    def reach(self, row: Row, names: tuple[str, ...]) -> Any:
        """The value at a path from a row: through links, and into members. None where nothing was said."""
        name = names[0]
        link = row.kind.links.get(name)
        if link is None:
            if name in IDS:
                return row.id
            value = row[name]
            for inner in names[1:]:
                value = value.get(inner) if isinstance(value, dict) else None
            return value
        if not link.many:
            return self.reach(self.source.one(row, name), names[1:])
        if name == "Observations":
            raise Refusal("many Observations cannot be weighed in one filter", where="$filter", mend="ask for them")
        return Several([self.reach(one, names[1:]) for one in self._looked(self.source.many(row, name))])

    # ---- Observations

    def _observations(self, spot: Spot, asked: Options, top: int) -> Page:
        bounds = bounds_of(asked.test)
        streams = self._streams(spot, bounds)
        if asked.count or asked.order:
            streams = list(islice(streams, STREAMS + 1))  # they are gone through twice, or all at once
            if len(streams) > STREAMS:
                raise Refusal(
                    f"more than {STREAMS:,} Datastreams cannot be counted or ordered together",
                    where="$filter",
                    mend="say which Datastream or Thing",
                )
        test = None if bounds.whole else self._test(asked.test)
        by_time = len(asked.order) == 1 and asked.order[0][0] == Path(("phenomenonTime",))
        down = by_time and asked.order[0][1]
        total = self._count(streams, bounds, test) if asked.count else None
        if asked.order and not by_time:
            rows = [row for row in self._all(streams, bounds, down=False) if test is None or truth(test(row))]
            self._sort(rows, asked)
            return Page(rows[asked.skip : asked.skip + top], len(rows) > asked.skip + top, total)
        single = isinstance(streams, list) and len(streams) == 1
        if single and asked.after is not None:
            bounds = bounds.before(asked.after) if down else bounds.behind(asked.after)
        want = asked.skip + top + 1
        if by_time and not single:
            ways = [self._walk(one, bounds, down=down, piece=min(want, _PIECE)) for one in streams]
            rows_ = heapq.merge(*ways, key=lambda row: row.at, reverse=down)
            found: Iterable[Row] = self._looked(rows_)
        else:
            found = self._all(streams, bounds, down=down, piece=min(want, _PIECE) if test is None else _PIECE)
        fitting = (row for row in found if test is None or truth(test(row)))
        chosen = list(islice(fitting, asked.skip, asked.skip + top + 1))
        after = chosen[top - 1].at if single and len(chosen) > top and top else None
        return Page(chosen[:top], len(chosen) > top, total, after)

    def _streams(self, spot: Spot, bounds: Bounds) -> Iterable[Stream]:
        below = spot.below
        if below is not None and below.kind.name == "Datastreams" and below.stream is not None:
            streams: Iterable[Stream] = [below.stream]
        elif below is not None and below.thing is not None:
            streams = list(below.thing.streams.values())
        elif bounds.streams is not None:
            streams = []
            for ident in bounds.streams:
                try:
                    streams.append(self.source.stream(ident))
                except NotFound:
                    continue  # a filter that nothing fits finds nothing
        else:
            streams = self.source.streams()
        return streams

    def _all(self, streams: Iterable[Stream], bounds: Bounds, *, down: bool, piece: int = _PIECE) -> Iterator[Row]:
        for stream in streams:
            yield from self._looked(self._walk(stream, bounds, down=down, piece=piece))

    def _walk(self, stream: Stream, bounds: Bounds, *, down: bool, piece: int) -> Iterator[Row]:
        """The Observations of a Datastream between two times, read in pieces."""
        since, until = self._between(stream, bounds)
        ident, name = stream.thing.entity.id, stream.name
        while since is None or until is None or since < until:
            if down:
                points = self.source.public.history(ident, name, since, until, last=piece)
                for point in reversed(points):
                    yield self.source.observation(stream, point)
            else:
                points = self.source.public.history(ident, name, since, until, limit=piece)
                for point in points:
                    yield self.source.observation(stream, point)
            if len(points) < piece:
                return
            if down:
                until = points[0].at
            else:
                since = points[-1].at + 1
            piece = _PIECE

    def _between(self, stream: Stream, bounds: Bounds) -> tuple[int | None, int | None]:
        first, last = self.source.bounds(stream)
        since = max((one for one in (first, bounds.since) if one is not None), default=None)
        until = min((one for one in (last, bounds.until) if one is not None), default=None)
        return since, until

    def _count(self, streams: Iterable[Stream], bounds: Bounds, test: Test | None) -> int:
        if test is not None:
            return sum(1 for row in self._all(streams, bounds, down=False) if truth(test(row)))
        total = 0
        for stream in streams:
            since, until = self._between(stream, bounds)
            if since is None or until is None or since < until:
                sums = self.source.public.summary(stream.thing.entity.id, stream.name, since, until)
                total += sum(one.many for one in sums)
        return total


def _weighed(key: Test) -> Callable[[Row], Any]:
    """By which rows are sorted: their values, of whatever kinds."""
    weighed = cmp_to_key(order_of)
    return lambda row: weighed(key(row))
