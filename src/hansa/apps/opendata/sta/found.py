"""Finding what an address means among the rows: filtered, ordered, a page of it, and how many there are in all.

Observations are read from history in pieces, by what the filter says of their time, and only so many are looked at:
a question beyond that is refused with what narrows it.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from itertools import islice
from typing import Any, Final

from hansa import NotFound, Refusal
from hansa.apps.opendata.sta.asking import MOST, TOP, Options, Step
from hansa.apps.opendata.sta.expressions import Call, Literal, Path, Tree, When
from hansa.apps.opendata.sta.rows import Row, Source, Stream
from hansa.apps.opendata.sta.sets import IDS, SETS, Kind
from hansa.apps.opendata.sta.values import Several, Test, compiled, order_of, truth

LOOKED: Final = 60_000
"""Rows that one question looks at one by one: a door has 2 s, and a row takes some 10 us."""
_PIECE: Final = 5_000
_EVER: Final = 2**62


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, whether there are more, where they go on, and how many there are in all, where that was asked."""

    rows: list[Row]
    more: bool
    total: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a path leads: to many of a kind, below a row and link perhaps; or to one row, or a property of it."""

    kind: Kind
    row: Row | None = None
    below: Row | None = None
    link: str = ""
    member: tuple[str, ...] = ()
    raw: bool = False
    refs: bool = False

    @property
    def many(self) -> bool:
        """Whether it is a collection."""
        return self.row is None


def spot(source: Source, steps: Sequence[Step]) -> Spot:
    """Follow a path. NotFound where it leads nowhere (clause 9.2)."""
    first = steps[0]
    kind = SETS.get(first.name)
    if kind is None:
        raise NotFound(f"there is no set {first.name[:60]!r}", where="path", mend=f"there are {', '.join(SETS)}")
    row: Row | None = None
    below: Row | None = None
    link = ""
    if first.ident is not None:
        row = source.row(kind.name, first.ident)
    for n, step in enumerate(steps[1:], 1):
        if step.name == "$ref" and n == len(steps) - 1:
            return Spot(kind, row, below, link, refs=True)
        if row is None:
            raise NotFound(f"{step.name[:60]!r} is of one entity, and these are many", where="path")
        to = row.kind.links.get(step.name)
        if to is None:
            return _member(row, steps[n:])
        kind = SETS[to.to]
        if not to.many:
            if step.ident is not None:
                raise NotFound(f"there is one {step.name}", where="path")
            row, below, link = source.one(row, step.name), None, ""
        elif step.ident is None:
            below, link, row = row, step.name, None
        else:
            row = _among(source, row, step)
            below, link = None, ""
    return Spot(kind, row, below, link)


def _among(source: Source, row: Row, step: Step) -> Row:
    """One of those at a link, by its id."""
    if step.name == "Observations":
        found = source.row("Observations", str(step.ident))
        ours = row.stream is None or (found.stream is not None and found.stream.id == row.stream.id)
        if ours and found.thing is not None and row.thing is not None and found.thing.entity.id == row.thing.entity.id:
            return found
        raise NotFound("there is no such Observation here", where="path")
    for one in source.many(row, step.name):
        if one.id == step.ident:
            return one
    raise NotFound(f"there is no such entity among its {step.name}", where="path")


def _member(row: Row, steps: Sequence[Step]) -> Spot:
    """A property, a member of it, or its plain value."""
    names = [step.name for step in steps]
    raw = names[-1] == "$value"
    if raw:
        names.pop()
    known = names and (names[0] in row.kind.properties or (names[0] in IDS and len(names) == 1))
    if not known or any(step.ident is not None for step in steps):
        raise NotFound(f"{row.kind.name} have no {'/'.join(step.name for step in steps)[:80]!r}", where="path")
    return Spot(row.kind, row, member=tuple(names), raw=raw)


def value_at(row: Row, names: Sequence[str]) -> Any:
    """The value of a property or of a member of it. NotFound."""
    if names[0] in IDS:
        return row.id
    value = row[names[0]]
    for name in names[1:]:
        if not isinstance(value, dict) or name not in value:
            raise NotFound(f"there is no {'/'.join(names)[:80]!r}", where="path")
        value = value[name]
    return value


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
        bounds = _bounds(asked.test)
        streams = self._streams(spot, bounds)
        if asked.count:
            streams = list(streams)  # they are gone through twice
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

    def _streams(self, spot: Spot, bounds: "Bounds") -> Iterable[Stream]:
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

    def _all(self, streams: Iterable[Stream], bounds: "Bounds", *, down: bool, piece: int = _PIECE) -> Iterator[Row]:
        for stream in streams:
            yield from self._looked(self._walk(stream, bounds, down=down, piece=piece))

    def _walk(self, stream: Stream, bounds: "Bounds", *, down: bool, piece: int) -> Iterator[Row]:
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

    def _between(self, stream: Stream, bounds: "Bounds") -> tuple[int | None, int | None]:
        first, last = self.source.bounds(stream)
        since = max((one for one in (first, bounds.since) if one is not None), default=None)
        until = min((one for one in (last, bounds.until) if one is not None), default=None)
        return since, until

    def _count(self, streams: Iterable[Stream], bounds: "Bounds", test: Test | None) -> int:
        if test is not None:
            return sum(1 for row in self._all(streams, bounds, down=False) if truth(test(row)))
        total = 0
        for stream in streams:
            since, until = self._between(stream, bounds)
            if since is None or until is None or since < until:
                sums = self.source.public.summary(stream.thing.entity.id, stream.name, since, until)
                total += sum(one.many for one in sums)
        return total


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a filter says of the time of Observations (since included, until not) and of their Datastreams.

    `whole`: it says nothing else, so that what lies within need not be weighed once more.
    """

    since: int | None = None
    until: int | None = None
    streams: tuple[str, ...] | None = None
    whole: bool = True

    def behind(self, at: int) -> "Bounds":
        """Only what is later."""
        return Bounds(at + 1 if self.since is None else max(self.since, at + 1), self.until, self.streams, self.whole)

    def before(self, at: int) -> "Bounds":
        """Only what is earlier."""
        return Bounds(self.since, at if self.until is None else min(self.until, at), self.streams, self.whole)


def _weighed(key: Test) -> Callable[[Row], Any]:
    """By which rows are sorted: their values, of whatever kinds."""
    weighed = cmp_to_key(order_of)
    return lambda row: weighed(key(row))


_STREAM_IDS: Final = {("Datastream", name) for name in IDS}
_TURNED: Final = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge", "eq": "eq"}


def _bounds(tree: Tree | None) -> Bounds:
    """Of a filter: only what its parts that are joined by `and` say; the rest is weighed row by row."""
    since, until, whole = -_EVER, _EVER, True
    streams: tuple[str, ...] | None = None
    parts = [tree] if tree is not None else []
    while parts:
        part = parts.pop()
        match part:
            case Call("and", (one, other)):
                parts += [one, other]
            case Call(name, (Path(("phenomenonTime",)), Literal(When(start, end)))) if name in _TURNED:
                low, high, exact = _limits(name, start, end)
                since, until, whole = max(since, low), min(until, high), whole and exact
            case Call(name, (Literal(When(start, end)), Path(("phenomenonTime",)))) if name in _TURNED:
                low, high, _ = _limits(_TURNED[name], start, end)
                since, until, whole = max(since, low), min(until, high), False
            case Call("eq", (Path(names), Literal(str(ident)))) if names in _STREAM_IDS:
                streams = (ident,) if streams is None else tuple({ident} & set(streams))
            case _:
                whole = False
    return Bounds(since if since > -_EVER else None, until if until < _EVER else None, streams, whole)


def _limits(name: str, start: int, end: int) -> tuple[int, int, bool]:
    """From and until which instants fit, and whether all of them do."""
    match name:
        case "gt":
            return (end + 1 if start == end else end), _EVER, True
        case "ge":
            return start, _EVER, True
        case "lt":
            return -_EVER, start, True
        case "le":
            return -_EVER, end + 1, True
        case _:
            return start, end + 1, start == end
