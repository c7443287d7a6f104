"""Vital signs of one source: how often it is expected, whether it is late, how much of a day came. Pure.

A source says nothing of itself; it is judged by when it was heard. Times are microseconds of the city's clock, lengths
seconds. What is expected is what the source was enrolled with, else what it did so far: the median gap between two
messages. It is *late* after one and a half of these (or its longest usual gap, the 99th percentile), *silent* after
three (or twice that gap), and *flapping* when it fell silent and came back often of late. Held by
tests/apps/test_brain_vitals.py.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

SECOND: Final = 1_000_000
HOUR: Final = 3_600 * SECOND
HOURS: Final = 24
"""Whole hours that completeness and the strip tell of."""

State = Literal["silent", "flapping", "late", "new", "fresh", "off"]
STATES: Final[tuple[State, ...]] = ("silent", "flapping", "late", "new", "fresh", "off")
"""Worst first. `new`: enrolled and never heard; `off`: nobody expects it to speak (quarantined, revoked)."""

THIN: Final = 3
FRESH: Final = 5
URGENT: Final[dict[State, int]] = {"silent": 0, "flapping": 1, "late": 2, "new": 4, "off": 6}
INCOMPLETE: Final = 0.9
"""A source of which less came in a day is not well, though it speaks."""
LATE: Final = 1.5
SILENT: Final = 3.0
LEARNED: Final = 5
"""Gaps from which a source's own interval is known."""
USUAL: Final = 50
"""Gaps from which its longest usual gap is known too; of fewer, the 99th percentile is just the worst."""
PATIENCE: Final = 5.0
"""So many intervals at most may a usual gap be: a source that is often away must not teach that this is well."""
FLAPS: Final = 3
"""Silences within `FLAP_S` that make a source one that flaps."""
FLAP_S: Final = 6 * 3_600.0
STEPS: Final = 8
"""Bins of a doubling: 9 % wide, and each says the mean of what is in it."""
MOST: Final = 2_000.0
"""Gaps that are remembered with full weight; then all of them weigh half, so that a source may change its ways."""
SLIP: Final = 0.005


class Gaps:
    """How long it was between messages: a histogram over doublings, from which median and percentiles are read."""

    __slots__ = ("_bins", "total")

    def __init__(self, bins: Mapping[str, Any] | None = None) -> None:
        """Nothing yet, or what `to_json` gave."""
        self._bins: dict[int, tuple[float, float]] = {}
        for key, (count, whole) in (bins or {}).items():
            self._bins[int(key)] = (float(count), float(whole))
        self.total = math.fsum(count for count, _ in self._bins.values())

    def add(self, gap_s: float, times: float = 1.0) -> None:
        """One more gap, or several alike; what is no length of time is passed over."""
        if not (gap_s > 0.0 and times > 0.0 and math.isfinite(gap_s)):
            return
        place = math.floor(math.log2(gap_s) * STEPS)
        count, whole = self._bins.get(place, (0.0, 0.0))
        self._bins[place] = (count + times, whole + gap_s * times)
        self.total += times
        while self.total > MOST:
            halves = {key: (c / 2, w / 2) for key, (c, w) in self._bins.items() if c > 1.0}
            self._bins, self.total = halves, math.fsum(c for c, _ in halves.values())

    def share(self, part: float) -> float | None:
        """The gap (s) that a `part` of all gaps do not pass, exact to one bin; None without any."""
        if not self._bins:
            return None
        wanted, seen = part * self.total, 0.0
        for key in sorted(self._bins):
            count, whole = self._bins[key]
            seen += count
            if seen >= wanted - SLIP:
                return whole / count
        return whole / count

    @property
    def median(self) -> float | None:
        """What is usual; None before `LEARNED` gaps."""
        return self.share(0.5) if self.total >= LEARNED else None

    @property
    def longest(self) -> float | None:
        """What is still usual: the 99th percentile; None before `USUAL` gaps."""
        return self.share(0.99) if self.total >= USUAL else None

    def to_json(self) -> dict[str, list[float]]:
        """Plain JSON."""
        return {str(key): [round(count, 2), round(whole, 1)] for key, (count, whole) in sorted(self._bins.items())}


class Expected(NamedTuple):
    """When a source is due (seconds after it was last heard), and how that is known."""

    interval_s: float | None
    late_s: float
    silent_s: float
    how: Literal["declared", "learned", "default"]


def expected(declared_s: Any, gaps: Gaps, unknown: tuple[float, float], delay_s: float) -> Expected:
    """What to expect of a source. `unknown` holds for one whose interval nobody knows: (late, silent).

    `delay_s` is how long it may take until the city knows that it spoke: nobody is late by that alone.
    """
    how: Literal["declared", "learned"] = "declared"
    interval = declared_s if isinstance(declared_s, int | float) and not isinstance(declared_s, bool) else None
    if interval is None or not math.isfinite(interval) or interval <= 0:
        interval, how = gaps.median, "learned"
    if interval is None:
        return Expected(None, unknown[0] + delay_s, unknown[1] + delay_s, "default")
    usual = min(gaps.longest or 0.0, PATIENCE * interval)
    late = max(LATE * interval, usual)
    return Expected(float(interval), late + delay_s, max(SILENT * interval, 2.0 * usual, late) + delay_s, how)


@dataclass(slots=True)
class Source:
    """One source, as it is remembered: when it was heard, how much came in each hour, how often it fell silent."""

    id: str
    gaps: Gaps = field(default_factory=Gaps)
    heard: int = 0
    """When it was last heard; 0: never."""
    begun: int = 0
    """Since when it is expected; 0: not yet known."""
    hours: dict[int, list[int]] = field(default_factory=dict)
    """Hour (since 1970) -> [received, refused]."""
    fell: list[int] = field(default_factory=list)
    """When it fell silent, of late."""
    state: State = "new"
    since: int = 0

    def hear(self, at: int, taken: int = 1, refused: int = 0, first: int | None = None) -> None:
        """It spoke last `at`: of its messages so many were `taken`, so many `refused`. None of them was before `first`.

        What it said in one breath after a long silence must not look as if it had been said all along.
        """
        if refused > 0:
            self._hour(at)[1] += refused
        if at <= self.heard:
            return
        many = max(1, taken)
        begin = self.heard or (at if first is None else min(first, at))
        early = begin if first is None else max(begin, min(first, at))
        step = (at - early) / many
        if self.heard:
            self.gaps.add((early - begin + step) / SECOND)
            self.gaps.add(step / SECOND, many - 1)
        if taken > 0:
            self._spread(early, at, taken)
        self.heard = at
        self.begun = self.begun or at

    def _spread(self, begin: int, end: int, many: int) -> None:
        """Put `many` messages, the last of them at `end`, into their hours."""
        first, last = begin // HOUR, end // HOUR
        if many == 1 or first == last or last - first > HOURS + 1:
            self._hour(end)[0] += many
            return
        left = many
        for hour in range(first, last):
            part = min((hour + 1) * HOUR, end) - max(hour * HOUR, begin)
            some = min(left, int(many * part / (end - begin)))
            self._hour(hour * HOUR)[0] += some
            left -= some
        self._hour(end)[0] += left

    def _hour(self, at: int) -> list[int]:
        hour = at // HOUR
        found = self.hours.get(hour)
        if found is None:
            found = self.hours[hour] = [0, 0]
            for old in [one for one in self.hours if one < hour - HOURS - 1]:
                del self.hours[old]
        return found

    def judge(self, now: int, due: Expected, *, active: bool = True) -> State:
        """What state it is in; a change of it is noted."""
        state = self._judged(now, due, active=active)
        if state != self.state or not self.since:
            if state == "silent":
                self.fell.append(self.heard + int(due.silent_s * SECOND))
            self.state, self.since = state, now
        return state

    def _judged(self, now: int, due: Expected, *, active: bool) -> State:
        if not active:
            return "off"
        if not self.heard:
            return "new"
        overdue_s = (now - self.heard) / SECOND
        if overdue_s > due.silent_s:
            return "silent"
        edge = now - int(FLAP_S * SECOND)
        self.fell = [one for one in self.fell if one > edge][-2 * FLAPS :]
        if len(self.fell) >= FLAPS:
            return "flapping"
        return "late" if overdue_s > due.late_s else "fresh"

    def turns(self, due: Expected) -> int | None:
        """When it will be in another state without another word; None when it will not."""
        if self.state in {"new", "off", "silent"} or not self.heard:
            return None
        late = self.heard + int(due.late_s * SECOND)
        silent = self.heard + int(due.silent_s * SECOND)
        if self.state == "flapping":
            return min(silent, min(self.fell, default=silent) + int(FLAP_S * SECOND)) + 1
        return (late if self.state == "fresh" else silent) + 1

    def day(self, now: int, interval_s: float | None) -> "Day":
        """The last 24 whole hours."""
        end = now // HOUR
        first = max(end - HOURS, -(-self.begun // HOUR)) if self.begun else end
        rows = [self.hours.get(hour, (0, 0)) for hour in range(end - HOURS, end)]
        got = sum(one[0] for hour, one in zip(range(end - HOURS, end), rows, strict=True) if hour >= first)
        refused = sum(one[1] for one in rows) + self.hours.get(end, (0, 0))[1]
        if not interval_s or end <= first:
            return Day(got, None, refused, None, strip(rows, first - end + HOURS, interval_s))
        wanted = max(1.0, (end - first) * 3_600.0 / interval_s)
        return Day(got, wanted, refused, min(1.0, got / wanted), strip(rows, first - end + HOURS, interval_s))


class Day(NamedTuple):
    """What came in 24 whole hours: `wanted` and `complete` (0 to 1) where it is known how often it should speak."""

    got: int
    wanted: float | None
    refused: int
    complete: float | None
    strip: str


def strip(hours: Iterable[Any], first: int, interval_s: float | None) -> str:
    """A sign an hour, oldest first: `0` nothing to `9` all of it, `-` before it was expected.

    Where it speaks less than once an hour, or nobody knows how often, an hour is `9` when anything came and `·` else.
    """
    wanted = 3_600.0 / interval_s if interval_s else None
    signs = []
    for place, (got, _) in enumerate(hours):
        if place < first:
            signs.append("-")
        elif wanted is None or wanted < 1.0:
            signs.append("9" if got else "·")
        else:
            part = min(1.0, got / max(1.0, math.floor(wanted)))
            signs.append("0" if not got else str(max(1, min(9, math.floor(9 * part + 0.001)))))
    return "".join(signs)


def learn(source: Source, spoken: Iterable[tuple[int, int]]) -> None:
    """Take up what a source did before this process began: (when it was heard, how much it had said by then).

    Only what is older than the source was last heard counts; its gaps are added where none are known yet.
    """
    points = sorted((at, many) for at, many in spoken if many >= 0)
    if not points:
        return
    known = source.gaps.total > 0
    before: tuple[int, int] | None = None
    for at, many in points:
        if before is not None and at > before[0] and many > before[1]:
            source._spread(before[0], at, many - before[1])  # noqa: SLF001  # its own module
            if not known:
                source.gaps.add((at - before[0]) / SECOND / (many - before[1]), many - before[1])
        before = (at, many)
    source._spread(points[0][0], points[0][0], 1)  # noqa: SLF001  # that it had said something, it said just then
    source.begun = points[0][0] if not source.begun else min(source.begun, points[0][0])


def urgency(state: State, complete: float | None, refused: int) -> int:
    """Where a source stands among all, the worst first: in the order of `STATES`, but a fresh one of which less than
    `INCOMPLETE` came, or something had to be refused, comes before those that were never heard.
    """
    if state == "fresh":
        return FRESH if (complete is None or complete >= INCOMPLETE) and not refused else THIN
    return URGENT[state]
