"""What is out of order, in plain numbers: a limit passed, with hysteresis; a value no sensor can have measured.

Pure functions; no I/O and nothing of hansa. Held by tests/apps/test_watch_science.py.
"""

import math
from typing import Any, Final, NamedTuple

ABOVE: Final = "above"
BELOW: Final = "below"
STRANGE: Final = "strange"


class Crossing(NamedTuple):
    """Which side of the range a value is on (above, below, or strange: no number at all), and the limit it passed."""

    side: str
    limit: float | None


class Judged(NamedTuple):
    """What was measured, what is out of order, and since when (microseconds) if the kind itself knows."""

    measure: float | None
    found: Crossing | None
    since: int | None = None


def crossing(
    value: float, low: float | None, high: float | None, hysteresis: float = 0.0, was: str | None = None
) -> Crossing | None:
    """The limit that `value` passes, or None when all is well.

    `high` and `low` are the last good values: what equals them is good. Once `was` says that a side has been passed, it
    stays passed until the value is back by `hysteresis` or more: at or below high - hysteresis, at or above
    low + hysteresis.
    """
    if high is not None and (value > high or (was == ABOVE and value > high - hysteresis)):
        return Crossing(ABOVE, high)
    if low is not None and (value < low or (was == BELOW and value < low + hysteresis)):
        return Crossing(BELOW, low)
    return None


def implausible(value: Any, number: float | None, lowest: float | None, highest: float | None) -> Crossing | None:
    """Why `value` cannot be a measurement: it is no finite number (`number` is None), or outside lowest..highest."""
    if number is None:
        return None if value is None else Crossing(STRANGE, None)
    return crossing(number, lowest, highest)


def further(value: float, extreme: float, side: str, limit: float | None, hysteresis: float) -> bool:
    """Whether `value` is a new extreme that is worth saying again.

    It is when it lies beyond the extreme last said by the hysteresis or, without one, by a tenth of the limit (of the
    extreme, where the limit is 0). So a river that rises for hours makes a handful of updates, not one a reading.
    """
    step = hysteresis or abs(limit or extreme) / 10.0
    beyond = value - extreme if side == ABOVE else extreme - value
    return beyond > 0.0 and beyond >= step


def energy(level_db: float) -> float:
    """What a level in decibel stands for, relative to its reference: levels add and average only as energies."""
    return float(10.0 ** (min(max(level_db, -2_000.0), 2_000.0) / 10.0))


def level(mean: float) -> float:
    """The level in decibel of a mean of energies (ISO 1996-1: the equivalent continuous level)."""
    return 10.0 * math.log10(max(mean, 1e-300))


def lasted(began: int, now: int, needed: int) -> bool:
    """Whether what began at `began` has lasted for `needed` (all in microseconds)."""
    return now - began >= needed
