"""A tree judged over whole series at once: the same answer as `weighing`, point by point, in a hundredth of the time.

What a node says is a `Signal`: the instants at which it changes, and what it says from there on. A leaf over 8,640
readings is a handful of changes, and all above it costs next to nothing. Held by tests/apps/test_watch_sweeping.py.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final, NamedTuple

import numpy as np

from hansa.apps.watch.figures import Extremes, crossed, edges, equal, flat, known, means, slopes, strange, sums
from hansa.apps.watch.signals import (
    FALSE,
    FAR,
    NOTHING,
    TRUE,
    UNKNOWN,
    Bits,
    Floats,
    Ints,
    Series,
    Signal,
    changes,
    filled,
    joined,
    latched,
    negated,
    said_at,
)
from hansa.apps.watch.terms import SECOND
from hansa.apps.watch.tree import (
    All,
    Apart,
    Daytime,
    Equals,
    Flat,
    Group,
    Implausible,
    Lasting,
    Limit,
    Month,
    Near,
    Not,
    Rate,
    Silent,
    Some,
    Weekday,
)
from hansa.apps.watch.weighing import WINDOWED, Scales, calendar_holds, limits_of

ROUND: Final = 60 * SECOND


class Ring(NamedTuple):
    """An alarm would have stood from one instant to another (microseconds); until None, it stands still."""

    since: int
    until: int | None


@dataclass(slots=True)
class Others:
    """What a trial knows of others: series by (entity, attribute), and who is asked by whom."""

    series: Mapping[tuple[str, str], Series]
    members: Callable[[str, Group], Sequence[str]]
    _spells: dict[tuple[str, int], tuple[Ints, Ints]] = field(default_factory=dict)


NOBODY: Final = Others({}, lambda _source, _group: ())


class Sweep:
    """A rule over a stretch of time: rounds fall on `first_round` and every minute from there."""

    def __init__(self, scales: Scales, until: int, first_round: int = 0, others: Others = NOBODY) -> None:
        """Up to `until` (not included)."""
        self.scales = scales
        self.until = until
        self.first_round = first_round % ROUND
        self.others = others
        self._calendars: dict[int, tuple[Ints, Bits]] = {}

    def rings(self, source: str, own: Mapping[str, Series]) -> list[Ring]:
        """When the alarm of a source would have stood, of the series of its own attributes by name."""
        read = [one.at for name, one in own.items() if name in self.scales.names and len(one.at)]
        if not read:
            return []
        at = read[0] if len(read) == 1 else np.unique(np.concatenate(read))
        whole = _Source(self, source, own, at * 2 + 1).signal(0)
        return [
            Ring(int(begin) // 2, None if end >= FAR else int(end) // 2)
            for begin, end in zip(*latched(whole), strict=True)
            if begin < 2 * self.until
        ]

    def calendar(self, i: int, since: int) -> tuple[Ints, Bits]:
        """When a calendar node may change, from `since` on, and what it says from there."""
        found = self._calendars.get(i)
        if found is None or found[0][0] > since:
            node: Any = self.scales.nodes[i]
            found = self._calendars[i] = _calendar(node, self.scales.zone, since, self.until)
        return found


class _Source:
    """The signals of one source."""

    def __init__(self, sweep: Sweep, source: str, own: Mapping[str, Series], looked: Ints) -> None:
        self.sweep = sweep
        self.source = source
        self.own = own
        self.looked = looked  # keys of its own readings

    def signal(self, i: int) -> Signal:
        """What a node says."""
        scales = self.sweep.scales
        node = scales.nodes[i]
        if isinstance(node, All | Some):
            least = len(node.of) if isinstance(node, All) else node.least
            return joined([self.signal(j) for j in scales.below[i]], least)
        if isinstance(node, Not):
            keys, rings, stays = self.signal(scales.below[i][0])
            return Signal(keys, negated(stays), negated(rings))
        if isinstance(node, Lasting):
            return self._lasting(node, self.signal(scales.below[i][0]))
        if isinstance(node, Near):
            return self._near(i, node)
        if isinstance(node, Apart):
            return self._apart(node)
        if isinstance(node, Daytime | Weekday | Month):
            times, says = self.sweep.calendar(i, int(self.looked[0]) // 2)
            return changes(self.looks(times), says, says)
        return self._leaf(node)

    def looks(self, times: Ints) -> Ints:
        """The key of the first look at or after each time: a round, or a reading of the source's own."""
        step = self.sweep.first_round
        rounds = 2 * (-((step - times) // ROUND) * ROUND + step)
        place = np.searchsorted(self.looked, 2 * times)
        reading = np.where(place < len(self.looked), self.looked[np.minimum(place, len(self.looked) - 1)], 2 * FAR // 2)
        found: Ints = np.maximum(np.minimum(rounds, reading), self.looked[0])
        return found

    # Leaves

    def _leaf(self, node: Any) -> Signal:
        series = self.own.get(node.attribute)
        if series is None or not len(series.at):
            return NOTHING
        if isinstance(node, Silent):
            return self._silent(node, series.at)
        if isinstance(node, Equals):
            says = equal(series, node.value).astype(np.int8)
            return changes(series.at * 2 + 1, says, says)
        if isinstance(node, Implausible):
            return strange(node, series)
        if isinstance(node, Limit) and node.measure in {"min", "max", "sum", "count"}:
            return self._stretch(node, *known(series, node.beyond.unit, unique=True))
        unit = node.beyond.unit if isinstance(node, Limit) else node.unit
        at, number = known(series, unit, unique=not isinstance(node, Limit) or node.measure is not None)
        if not len(at):
            return NOTHING
        if isinstance(node, Flat):
            says = flat(node, at, number).astype(np.int8)
            return changes(at * 2 + 1, says, says)
        low, high = limits_of(node)
        if isinstance(node, Rate):
            at, number = slopes(node, at, number)
        elif node.measure == "mean":
            at, number = means(node, at, number)
        return crossed(at * 2 + 1, number, low, high, node.hysteresis)

    def _silent(self, node: Silent, at: Ints) -> Signal:
        """Silent from the first look after the span on, until it is heard again."""
        begin = self.looks(at + node.span)
        heard = at * 2 + 1
        end = np.append(heard[1:], FAR)
        silent = begin < end
        keys = np.concatenate([heard, begin[silent]])
        says = np.concatenate([np.zeros(len(heard), np.int8), np.ones(int(silent.sum()), np.int8)])
        order = np.argsort(keys, kind="stable")
        return changes(keys[order], says[order], says[order])

    def _stretch(self, node: Limit, at: Ints, number: Floats) -> Signal:
        if not len(at):
            return NOTHING
        read = at * 2 + 1
        keys = np.unique(np.concatenate([self.looked[self.looked >= read[0]], self.looks(at + node.over)]))
        now = keys // 2
        right = np.searchsorted(read, keys, "right")
        left = np.maximum(np.searchsorted(at, now - node.over, "right"), right - WINDOWED)
        known = (right > 0) & (now - at[0] >= node.over)
        low, high = limits_of(node)
        if node.measure == "count":
            measure = (right - left).astype(np.float64)
        elif node.measure == "sum":
            measure = sums(number, left, right, edges(low, high, node.hysteresis))
            known &= np.isfinite(measure)
        else:
            known &= right > left
            measure = np.zeros(len(keys))
            ask = np.flatnonzero(known)
            table = Extremes(number, np.minimum if node.measure == "min" else np.maximum)
            measure[ask] = table.of(left[ask], right[ask])
        found = crossed(keys[known], measure[known], low, high, node.hysteresis, whole=True)
        rings = np.full(len(keys), UNKNOWN, np.int8)
        stays = np.full(len(keys), UNKNOWN, np.int8)
        rings[known], stays[known] = found.rings, found.stays
        return changes(keys, rings, stays)

    # Others

    def _near(self, i: int, node: Near) -> Signal:
        spells = [
            self._spells(i, node, ident, series)
            for ident in self.sweep.others.members(self.source, node.group)
            if (series := self.sweep.others.series.get((ident, node.attribute))) is not None and len(series.at)
        ]
        first = np.array([int(self.looked[0]) // 2], np.int64)
        if not spells:
            return Signal(self.looked[:1], np.zeros(1, np.int8), np.zeros(1, np.int8))
        begins = np.sort(np.concatenate([one[0] for one in spells]))
        ends = np.sort(np.concatenate([one[1] for one in spells]))
        keys = np.unique(self.looks(np.concatenate([first, begins, ends])))
        now = keys // 2
        many = np.searchsorted(begins, now, "right") - np.searchsorted(ends, now, "right")
        says = (many >= node.least).astype(np.int8)
        return changes(keys, says, says)

    def _spells(self, i: int, node: Near, ident: str, series: Series) -> tuple[Ints, Ints]:
        """From when on, and from when on no more, one other counts; made once for all who ask."""
        found = self.sweep.others._spells.get((ident, i))  # noqa: SLF001  # kept there, for all sources
        if found is None:
            found = self.sweep.others._spells[ident, i] = _spells(node, series)  # noqa: SLF001
        return found

    def _apart(self, node: Apart) -> Signal:
        own = self.own.get(node.attribute)
        if own is None:
            return NOTHING
        at, number = known(own, node.unit)
        if not len(at):
            return NOTHING
        others = [
            _seen(series, node.unit)
            for ident in self.sweep.others.members(self.source, node.group)
            if (series := self.sweep.others.series.get((ident, node.attribute))) is not None and len(series.at)
        ]
        read = at * 2 + 1
        times = [one[0] + 1 for one in others] + [one[0] + node.group.fresh for one in others]
        looks = self.looks(np.concatenate(times)) if times else self.looked[:1]
        keys = np.unique(np.concatenate([self.looked, looks]))
        keys = keys[keys >= read[0]]
        now = keys // 2
        values = np.full((len(others) or 1, len(keys)), np.nan)
        for row, (when, what) in zip(values, others, strict=False):
            place = np.searchsorted(when, now) - 1  # before the instant itself
            there = (place >= 0) & (now - node.group.fresh < when[np.maximum(place, 0)])
            row[there] = what[place[there]]
        middle, many = _medians(values)
        by = number[np.searchsorted(read, keys, "right") - 1] - middle
        far = by > node.by if node.side == "above" else -by > node.by if node.side == "below" else np.abs(by) > node.by
        says = np.where(many < node.least, UNKNOWN, far).astype(np.int8)
        return changes(keys, says, says)

    # Time

    def _lasting(self, node: Lasting, below: Signal) -> Signal:
        keys, rings, stays = below
        if not len(keys):
            return below
        place = np.arange(len(keys))
        reset = np.maximum.accumulate(np.where(rings == FALSE, place, -1))
        true = rings == TRUE
        earlier = np.concatenate([[-1], np.maximum.accumulate(np.where(true, place, -1))[:-1]])
        start = np.maximum.accumulate(np.where(true & (earlier <= reset), place, -1))
        since = keys[np.maximum(start, 0)] // 2
        ripe = self.looks(since + node.span)
        end = np.append(keys[1:], FAR)
        says = np.where(true, (ripe <= keys).astype(np.int8), rings)
        later = true & (ripe > keys) & (ripe < end)
        all_keys = np.concatenate([keys, ripe[later]])
        all_says = np.concatenate([says, np.ones(int(later.sum()), np.int8)])
        order = np.argsort(all_keys, kind="stable")
        rung = changes(all_keys[order], all_says[order], all_says[order])
        merged = np.unique(np.concatenate([rung.keys, keys]))
        ring, stay = said_at(rung.keys, rung.rings, merged), said_at(keys, stays, merged)
        on = filled(np.where(ring == TRUE, 1, np.where(stay == FALSE, 0, -1)), 0)
        return changes(merged, ring, np.where(on == 1, TRUE, ring).astype(np.int8))


# Others


def _seen(series: Series, unit: str | None) -> tuple[Ints, Floats]:
    """What others see of a series: of an instant the last word; NaN where it is no number in the unit."""
    number = series.numbers(unit)
    last = np.append(series.at[1:] != series.at[:-1], True)
    return series.at[last], number[last]


def _spells(node: Near, series: Series) -> tuple[Ints, Ints]:
    last = np.append(series.at[1:] != series.at[:-1], True)
    at = series.at[last]
    if node.beyond is None:
        says = equal(series, node.value)[last]
    else:
        number = series.numbers(node.beyond.unit)[last]
        says = np.zeros(len(at), bool)
        if node.beyond.high is not None:
            says |= number > node.beyond.high
        if node.beyond.low is not None:
            says |= number < node.beyond.low
    begin = at + 1
    end = np.minimum(np.append(at[1:] + 1, FAR), at + node.group.fresh)
    here = says & (begin < end)
    begin, end = begin[here], end[here]
    apart = begin[1:] > end[:-1]
    return begin[np.append(True, apart)] if len(begin) else begin, end[np.append(apart, True)] if len(end) else end


def _medians(values: Floats) -> tuple[Floats, Ints]:
    """The median of each column of what is no NaN, and how many those are."""
    many = (~np.isnan(values)).sum(0)
    ordered = np.sort(values, axis=0)
    column = np.arange(values.shape[1])
    high = np.maximum(many // 2, 0)
    low = np.maximum((many - 1) // 2, 0)
    top = np.minimum(high, values.shape[0] - 1)
    upper, lower = ordered[top, column], ordered[low, column]
    return np.where(many % 2 == 1, upper, (lower + upper) / 2), many


def _calendar(node: Daytime | Weekday | Month, zone: tzinfo, since: int, until: int) -> tuple[Ints, Bits]:
    """When a calendar node may change: at the hours, where clocks are changed, and at its own times of day."""
    begin = datetime.fromtimestamp(since // SECOND, UTC).replace(minute=0, second=0, microsecond=0)
    days = max(1, (until - since) // (86_400 * SECOND) + 2)
    times = {since}
    times.update(int((begin + timedelta(minutes=30 * n)).timestamp()) * SECOND for n in range(48 * int(days)))
    edges = (node.since, node.until) if isinstance(node, Daytime) else (0,)
    for day in range(-1, int(days) + 1):
        local = (begin + timedelta(days=day)).astimezone(zone)
        for minutes in edges:
            for fold in (0, 1):
                when = local.replace(hour=minutes // 60, minute=minutes % 60, fold=fold)
                times.add(int(when.timestamp()) * SECOND)
    found = np.array(sorted(one for one in times if since <= one <= until), np.int64)
    says = np.array([calendar_holds(node, int(one), zone) for one in found], np.int8)
    return found, says
