"""Figures of whole series: limits passed, means, slopes, extremes. Each is the figure that the rule engine comes to.

Sums taken in another order differ in their last digits. So whatever lies that close to a limit is made again in the
engine's own way (`_exactly`). Used by `sweeping`; held by tests/apps/test_watch_sweeping.py.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from hansa import windows
from hansa.apps.watch.measuring import COVERED, DECIBEL, SLOPED, SLOPES
from hansa.apps.watch.science import energy, level
from hansa.apps.watch.signals import FAR, Bools, Floats, Ints, Series, Signal, changes, filled
from hansa.apps.watch.tree import Flat, Implausible, Limit, Rate
from hansa.apps.watch.weighing import limits_of, same


def known(series: Series, unit: str | None, *, unique: bool = False) -> tuple[Ints, Floats]:
    """Instants and numbers of the readings that are some; `unique`: of several at one instant, the last."""
    number = series.numbers(unit)
    at = series.at
    there = ~np.isnan(number)
    if not there.all():
        at, number = at[there], number[there]
    if unique and len(at) > 1:
        last = np.append(at[1:] != at[:-1], True)
        if not last.all():
            at, number = at[last], number[last]
    return at, number


def crossed(
    keys: Ints, number: Floats, low: float | None, high: float | None, hysteresis: float, *, whole: bool = False
) -> Signal:
    """Beyond a range; what stays, stays until it is back by the hysteresis. `whole`: at every key, not at changes."""
    pure = np.zeros(len(number), bool)
    if high is not None:
        pure |= number > high
    if low is not None:
        pure |= number < low
    rings = pure.astype(np.int8)
    stays = rings
    if hysteresis and pure.any():
        held = np.zeros(len(number), bool)
        if high is not None:
            held |= _held(number > high, number > high - hysteresis)
        if low is not None:
            held |= _held(number < low, number < low + hysteresis)
        stays = held.astype(np.int8)
    return Signal(keys, rings, stays) if whole else changes(keys, rings, stays)


def _held(begins: Bools, goes_on: Bools) -> Bools:
    found: Bools = filled(np.where(begins, 1, np.where(goes_on, -1, 0)), 0) == 1
    return found


def edges(low: float | None, high: float | None, hysteresis: float) -> list[float]:
    """Every figure that a measure is compared with."""
    found = [] if high is None else [high, high - hysteresis]
    return found if low is None else [*found, low, low + hysteresis]


def _exactly(measure: Floats, error: Any, edges: Iterable[float], exact: Callable[[int], float | None]) -> Floats:
    """Make again, as the rule engine does, what lies so close to an edge that rounding could decide."""
    close = np.zeros(len(measure), bool)
    for edge in edges:
        close |= np.abs(measure - edge) <= error
    for i in np.flatnonzero(close):
        found = exact(int(i))
        measure[i] = math.nan if found is None else found
    return measure


def sums(number: Floats, left: Ints, right: Ints, edges: list[float]) -> Floats:
    """The sum of each stretch."""
    whole = np.concatenate([[0.0], np.cumsum(number)])
    measure = whole[right] - whole[left]
    error = 1e-9 * (1.0 + float(np.abs(whole).max()))
    return _exactly(measure, error, edges, lambda i: math.fsum(number[left[i] : right[i]].tolist()))


class Extremes:
    """Lowest or highest of any stretch of a series: blocks of powers of two, two of which cover every stretch."""

    def __init__(self, number: Floats, take: Any) -> None:
        """Of a series; `take` is np.minimum or np.maximum."""
        self._take = take
        self._levels = [number]

    def of(self, left: Ints, right: Ints) -> Floats:
        """Of the readings from `left` up to `right` (not included); none is empty."""
        long = right - left
        step = np.frexp(long.astype(np.float64))[1] - 1  # the exponent of the largest power of two within
        found = np.empty(len(left))
        for one in np.unique(step):
            while len(self._levels) <= one:
                was = self._levels[-1]
                half = 1 << (len(self._levels) - 1)
                self._levels.append(self._take(was[:-half], was[half:]))
            here = step == one
            block = self._levels[one]
            found[here] = self._take(block[left[here]], block[right[here] - (1 << int(one))])
        return found


def flat(node: Flat, at: Ints, number: Floats) -> Bools:
    """Stuck, where highest and lowest of all that the span and the count ask for lie within the tolerance."""
    place = np.arange(len(at))
    begin = np.minimum(np.searchsorted(at, at - node.span, "right") - 1, place - node.readings + 1)
    ask = np.flatnonzero(begin >= 0)
    stuck = np.zeros(len(at), bool)
    left, right = begin[ask], place[ask] + 1
    spread = Extremes(number, np.maximum).of(left, right) - Extremes(number, np.minimum).of(left, right)
    stuck[ask] = spread <= node.tolerance * (1.0 + 1e-9)
    return stuck


def slopes(node: Rate, at: Ints, number: Floats) -> tuple[Ints, Floats]:
    """The readings at which a slope could be told, and the slopes (per hour)."""
    least = node.over // SLOPES
    if len(at) > 1 and int(np.diff(at).min()) < least:
        kept, newest = [], -FAR
        for i, when in enumerate(at.tolist()):
            if when - newest >= least:
                kept.append(i)
                newest = when
        at, number = at[kept], number[kept]
    place = np.arange(len(at))
    left = np.maximum(np.searchsorted(at, at - node.over, "right"), place - SLOPES + 1)
    many = place - left + 1
    ready = (many >= node.readings) & (at - at[left] >= SLOPED * node.over)
    x = np.zeros((5, len(at)))
    for lag in range(int(many.max(initial=1))):
        here = np.flatnonzero(many > lag)
        hours = (at[here - lag] - at[here]) / windows.HOUR
        value = number[here - lag] - number[here]
        for row, what in zip(x, (np.ones(len(here)), hours, value, hours * hours, hours * value), strict=True):
            row[here] += what
    n, sx, sy, sxx, sxy = x
    along = sxx - sx * sx / np.maximum(n, 1)
    ready &= along > 0.0
    slope = np.where(ready, (sxy - sx * sy / np.maximum(n, 1)) / np.where(along > 0, along, 1.0), 0.0)

    def exact(i: int) -> float | None:
        points = list(zip(at[left[i] : i + 1].tolist(), number[left[i] : i + 1].tolist(), strict=True))
        return windows.number(windows.slope(points)) if ready[i] else 0.0

    scale = np.maximum.accumulate(np.abs(number)) * windows.HOUR / node.over
    slope = _exactly(slope, 1e-9 * (1.0 + scale), edges(*limits_of(node), node.hysteresis), exact)
    ready &= np.isfinite(slope)
    return at[ready], slope[ready]


def means(node: Limit, at: Ints, number: Floats) -> tuple[Ints, Floats]:
    """The readings at which a mean could be told, and the means (of decibel, of their energies)."""
    span = node.over
    decibel = node.beyond.unit == DECIBEL
    base = np.array([energy(one) for one in number.tolist()]) if decibel else number
    held = np.minimum(np.diff(at), span // 4)
    time = np.concatenate([[0], np.cumsum(held)])
    area = np.concatenate([[0.0], np.cumsum(base[:-1] * held)])
    slots = windows.Average.SLOTS
    edge = -(-(((at - span) * slots) // span + 1) * span // slots)
    place = np.searchsorted(at, edge, "right") - 1
    into = np.minimum(edge - at[np.maximum(place, 0)], np.append(held, span // 4)[np.maximum(place, 0)])
    before = place >= 0
    covered = time - np.where(before, time[np.maximum(place, 0)] + into, 0)
    whole = area - np.where(before, area[np.maximum(place, 0)] + base[np.maximum(place, 0)] * into, 0.0)
    ready = covered >= COVERED * span
    mean = np.where(ready, whole / np.maximum(covered, 1), 0.0)
    error: Any = 1e-8 * (1.0 + np.maximum.accumulate(np.abs(base)))
    if decibel:
        error = 10.0 * (error + 1e-300) / np.maximum(np.abs(mean), 1e-300)
        mean = 10.0 * np.log10(np.maximum(mean, 1e-300))

    def exact(i: int) -> float | None:
        average = windows.Average(span)
        for when, what in zip(at[max(place[i], 0) : i + 1].tolist(), number[max(place[i], 0) : i + 1], strict=True):
            average.add(when, energy(float(what)) if decibel else float(what))
        found = average.mean
        return windows.number(found if found is None or not decibel else level(found))

    mean = _exactly(mean, error, edges(*limits_of(node), node.hysteresis), exact)
    ready &= np.isfinite(mean)
    return at[ready], mean[ready]


def equal(series: Series, value: Any) -> Bools:
    """Which readings say just this."""
    if series.raw is not None:
        return np.array([same(one, value) for one in series.raw], bool)
    if isinstance(value, str | bool):
        return np.zeros(len(series.at), bool)
    return np.asarray(series.number == value)


def strange(node: Implausible, series: Series) -> Signal:
    """What no sensor can have measured."""
    number = series.numbers(node.beyond.unit)
    low, high = node.beyond.low, node.beyond.high
    strange = np.isnan(number)
    if high is not None:
        strange |= number > high
    if low is not None:
        strange |= number < low
    if series.raw is not None:
        strange &= np.array([one is not None for one in series.raw], bool)
    fitting = series.fitting(node.beyond.unit)
    says = strange[fitting].astype(np.int8)
    return changes(series.at[fitting] * 2 + 1, says, says)
