"""Windows over readings: what the last hour, day or run of a measured value says.

A point is anything whose first member is an instant (microseconds) and whose second is a number, oldest first: plain
pairs, or what `City.history` answers once `numbers` has dropped what is no number. Values keep their own unit; spans
are microseconds, as all instants of hansa are. A function that cannot say answers None; nothing here raises for a
hole in the data. Held by tests/analytics/test_windows.py.
"""

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Any, Final, Literal

from hansa.errors import BadRequest

__all__ = [
    "HOUR",
    "Average",
    "Gap",
    "How",
    "Pair",
    "Run",
    "Window",
    "counts",
    "flat",
    "gaps",
    "last",
    "maximum",
    "mean",
    "minimum",
    "number",
    "numbers",
    "resample",
    "robust_slope",
    "slope",
    "spread",
]

HOUR: Final = 3_600_000_000
"""Microseconds of an hour."""

PAIRED: Final = 300
"""Points that `robust_slope` compares with each other: 45,000 pairs, some 15 ms."""

GRID: Final = 100_000
"""Periods of one resampled series; more is a slip in the period, not a question."""

Pair = tuple[int, float]
Gap = tuple[int, int]
How = Literal["mean", "min", "max", "last"]


def number(value: Any) -> float | None:
    """The value as a finite float, or None: true is no number, nor is NaN, an infinity, text or a 400-digit integer."""
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else None
    if kind is int:
        try:
            return float(value)
        except OverflowError:
            return None
    return None


def numbers(points: Iterable[Sequence[Any]]) -> list[Pair]:
    """The points that hold a finite number, in order of time; of several at one instant the last one said."""
    kept: dict[int, float] = {}
    for point in points:
        value = number(point[1])
        if value is not None:
            kept[point[0]] = value
    return sorted(kept.items())


def last(points: Sequence[Sequence[Any]]) -> Any:
    """The newest value, or None when there is no point."""
    return points[-1][1] if points else None


def mean(points: Sequence[Sequence[Any]], until: int | None = None) -> float | None:
    """The mean over time: each value holds until the next, the last one until `until` (its own instant, when not said).

    Points at or after `until` do not count. With no time between the points it is their plain mean; None without any.
    """
    held = points if until is None else [p for p in points if p[0] < until]
    if not held:
        return None
    ends = [p[0] for p in held[1:]]
    ends.append(held[-1][0] if until is None else until)
    whole = ends[-1] - held[0][0]
    if whole <= 0:
        return math.fsum(p[1] for p in held) / len(held)
    return math.fsum(p[1] * ((end - p[0]) / whole) for p, end in zip(held, ends, strict=True))


def minimum(points: Sequence[Sequence[Any]]) -> float | None:
    """The lowest value, or None when there is no point."""
    return min((p[1] for p in points), default=None)


def maximum(points: Sequence[Sequence[Any]]) -> float | None:
    """The highest value, or None when there is no point."""
    return max((p[1] for p in points), default=None)


def spread(points: Sequence[Sequence[Any]]) -> float | None:
    """Highest less lowest, or None when there is no point."""
    if not points:
        return None
    values = [p[1] for p in points]
    return float(max(values) - min(values))


def slope(points: Sequence[Sequence[Any]]) -> float | None:
    """The change per hour by least squares; None with fewer than two instants."""
    if len(points) < 2:
        return None
    origin = points[0][0]
    hours = [(p[0] - origin) / HOUR for p in points]
    middle = sum(hours) / len(hours)
    level = sum(p[1] for p in points) / len(points)
    along = sum((h - middle) ** 2 for h in hours)
    if along == 0.0:
        return None
    return float(sum((h - middle) * (p[1] - level) for h, p in zip(hours, points, strict=True)) / along)


def robust_slope(points: Sequence[Sequence[Any]]) -> float | None:
    """The change per hour by Theil and Sen: the median slope of all pairs; None with fewer than two instants.

    Nearly a third of the readings may be wrong without moving it far. Only the newest `PAIRED` points are compared.
    Sources: H. Theil (1950); P. K. Sen, J. Amer. Statist. Assoc. 63 (1968) 1379-1389.
    """
    newest = points[-PAIRED:]
    slopes = [
        (later[1] - one[1]) * HOUR / (later[0] - one[0])
        for i, one in enumerate(newest)
        for later in newest[i + 1 :]
        if later[0] != one[0]
    ]
    return float(median(slopes)) if slopes else None


def resample(
    points: Sequence[Sequence[Any]],
    period: int,
    how: How = "mean",
    since: int | None = None,
    until: int | None = None,
) -> list[tuple[int, float | None]]:
    """A regular grid: (start of the period, value), None where the period has no reading.

    Periods of `period` microseconds stand at multiples since 1970 UTC, from the one that holds `since` (else the first
    point) to the last that begins before `until` (else the one of the last point). "mean" is the plain mean of the
    period's readings. BadRequest for a period that is not above zero, or for more than `GRID` periods.
    """
    take = _HOW.get(how)
    if take is None:
        raise BadRequest(f"{how!r} is no way to resample", mend="use mean, min, max or last")
    if period <= 0:
        raise BadRequest("a period is longer than nothing", where="period")
    if not points and (since is None or until is None):
        return []
    begin = (points[0][0] if since is None else since) // period
    end = points[-1][0] // period + 1 if until is None else -(-until // period)
    if end - begin > GRID:
        raise BadRequest(f"{end - begin} periods are more than {GRID}", where="period", mend="take a longer period")
    found: dict[int, list[float]] = {}
    for at, value in ((p[0], p[1]) for p in points):
        if (since is None or at >= since) and (until is None or at < until):
            found.setdefault(at // period, []).append(value)
    return [(k * period, take(found[k]) if k in found else None) for k in range(begin, end)]


_HOW: Final[dict[str, Callable[[list[float]], float]]] = {
    "mean": lambda values: math.fsum(values) / len(values),
    "min": min,
    "max": max,
    "last": lambda values: values[-1],
}


def gaps(
    points: Sequence[Sequence[Any]], longest: int, since: int | None = None, until: int | None = None
) -> list[Gap]:
    """Silences longer than `longest` microseconds, as (last heard, heard again).

    With `since` and `until` the silences before the first and after the last point count too.
    """
    instants = [p[0] for p in points]
    if since is not None:
        instants.insert(0, since)
    if until is not None:
        instants.append(until)
    return [(one, later) for one, later in pairwise(instants) if later - one > longest]


def flat(points: Sequence[Sequence[Any]], tolerance: float = 0.0) -> tuple[int, int]:
    """How long the newest values have not moved: (microseconds, readings) of the longest run up to the last point.

    Within a run the highest and the lowest differ by at most `tolerance`. (0, 0) without points.
    """
    if not points:
        return 0, 0
    low = high = points[-1][1]
    count = 0
    begin = points[-1][0]
    for point in reversed(points):
        low, high = min(low, point[1]), max(high, point[1])
        if high - low > tolerance:
            break
        begin = point[0]
        count += 1
    return points[-1][0] - begin, count


def counts(points: Sequence[Sequence[Any]], span: int) -> list[tuple[int, int]]:
    """At each point, how many lie in the `span` microseconds that end with it: (at, count), itself included."""
    instants = [p[0] for p in points]
    return [(at, i + 1 - bisect_left(instants, at - span + 1, 0, i + 1)) for i, at in enumerate(instants)]


class Window:
    """The points of the last `span` microseconds, at most `most` of them, for a rule that must not read history.

    `add` takes readings as they come and leaves out what is older than the newest. Plain JSON out and in.
    """

    __slots__ = ("_points", "most", "span")

    def __init__(self, span: int, most: int = 240, points: Iterable[Sequence[Any]] = ()) -> None:
        """Hold `span` microseconds, filled with `points`."""
        if span <= 0 or most <= 0:
            raise BadRequest("a window needs a span and a count above zero")
        self.span = span
        self.most = most
        self._points: deque[Pair] = deque(maxlen=most)
        for point in points:
            self.add(point[0], point[1])

    def add(self, at: int, value: float) -> bool:
        """Take a reading; False, and nothing happens, when it is older than the newest. One instant holds one."""
        points = self._points
        if points:
            newest = points[-1][0]
            if at < newest:
                return False
            if at == newest:
                points.pop()
        points.append((at, value))
        edge = at - self.span
        while points[0][0] <= edge:
            points.popleft()
        return True

    def __len__(self) -> int:
        """How many points it holds."""
        return len(self._points)

    def __iter__(self) -> Iterator[Pair]:
        """Its points, oldest first."""
        return iter(self._points)

    @property
    def points(self) -> list[Pair]:
        """Its points, oldest first; every function of this module takes them."""
        return list(self._points)

    @property
    def newest(self) -> int | None:
        """The instant of its newest point, or None."""
        return self._points[-1][0] if self._points else None

    @property
    def covered(self) -> int:
        """Microseconds from its oldest to its newest point."""
        return self._points[-1][0] - self._points[0][0] if self._points else 0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON of the window; exact."""
        return {"span": self.span, "most": self.most, "points": [list(p) for p in self._points]}

    @classmethod
    def from_json(cls, document: Any) -> "Window":
        """The window of such a document; BadRequest when it is not one."""
        try:
            return cls(
                int(document["span"]), int(document["most"]), [(int(a), float(v)) for a, v in document["points"]]
            )
        except (KeyError, TypeError, ValueError) as fault:
            raise BadRequest(f"not a window: {fault!r}") from fault


class Average:
    """The mean over the last `span` microseconds in constant space, however many readings there are.

    Each value holds until the next reading, but no longer than a quarter of the span, so that a silence is not taken
    for measurement. The span is cut into `SLOTS` slots, so its far edge is exact to one slot.
    """

    SLOTS: Final = 60
    __slots__ = ("_last", "_slots", "covered", "span")

    def __init__(self, span: int, points: Iterable[Sequence[Any]] = ()) -> None:
        """Average over `span` microseconds, beginning with `points`."""
        if span < self.SLOTS:
            raise BadRequest("an average needs a longer span")
        self.span = span
        self.covered = 0  # microseconds of the span for which a value is known
        self._slots: deque[list[Any]] = deque()  # [number, value * microseconds, microseconds]
        self._last: Pair | None = None
        for point in points:
            self.add(point[0], point[1])

    def add(self, at: int, value: float) -> bool:
        """Take a reading; False, and nothing happens, when it is older than the newest."""
        if self._last is not None:
            begin, held = self._last
            if at < begin:
                return False
            self._hold(begin, min(at, begin + self.span // 4), held)
        self._last = (at, value)
        oldest = (at - self.span) * self.SLOTS // self.span
        while self._slots and self._slots[0][0] <= oldest:
            self.covered -= self._slots.popleft()[2]
        return True

    def _hold(self, begin: int, end: int, value: float) -> None:
        """Spread the time that a value held over the slots."""
        slot_no = begin * self.SLOTS // self.span
        while begin < end:
            edge = min(end, -(-(slot_no + 1) * self.span // self.SLOTS))
            if not self._slots or self._slots[-1][0] != slot_no:
                self._slots.append([slot_no, 0.0, 0])
            slot = self._slots[-1]
            slot[1] += value * (edge - begin)
            slot[2] += edge - begin
            self.covered += edge - begin
            begin = edge
            slot_no += 1

    @property
    def mean(self) -> float | None:
        """The mean, or None before two readings."""
        return math.fsum([slot[1] for slot in self._slots]) / self.covered if self.covered else None


class Run:
    """How long a value has not moved, one reading at a time: the longest newest run whose spread is within `tolerance`.

    The same answer as `flat` over all readings, but it keeps only the points that can still become the run's highest or
    lowest: a handful for noise, one for a sensor that hangs.
    """

    __slots__ = ("_begin", "_first", "_high", "_low", "_newest", "_next", "tolerance")

    def __init__(self, tolerance: float = 0.0, points: Iterable[Sequence[Any]] = ()) -> None:
        """Begin with `points`."""
        self.tolerance = tolerance
        self._low: deque[list[Any]] = deque()  # [number, value, instant of the reading after it], values rising
        self._high: deque[list[Any]] = deque()  # the same, values falling
        self._next = 0
        self._newest = 0
        self._first = 0
        self._begin = 0
        for point in points:
            self.add(point[0], point[1])

    def add(self, at: int, value: float) -> bool:
        """Take the next reading; False, and nothing happens, when it is not newer than the one before."""
        if self._low and at <= self._newest:
            return False
        self._newest = at
        entry: list[Any] = [self._next, value, 0]
        if self._low:
            self._low[-1][2] = at  # both queues end with the reading before, the same list
        else:
            self._begin = at
        while self._low and self._low[-1][1] >= value:
            self._low.pop()
        while self._high and self._high[-1][1] <= value:
            self._high.pop()
        self._low.append(entry)
        self._high.append(entry)
        self._next += 1
        while self._high[0][1] - self._low[0][1] > self.tolerance:
            out = self._low if self._low[0][0] < self._high[0][0] else self._high
            gone = out.popleft()
            self._first, self._begin = gone[0] + 1, gone[2]
        return True

    @property
    def begin(self) -> int:
        """The instant of the run's first reading."""
        return self._begin

    @property
    def count(self) -> int:
        """Readings of the run."""
        return self._next - self._first
