"""From what a station said to what the equation takes: plausible values, dew point, pressure tendency.

Pure; held by tests/apps/test_frost_science.py.
"""

from datetime import date, datetime
from typing import NamedTuple

from hansa.apps.frost.events import Observation
from hansa.apps.frost.science import DEPRESSION_C, Inputs, dew_point

DEW_CARRY_MIN = 180
"""How long a dew point holds when later observations lack it."""

TENDENCY_MIN = 360
"""The time over which the pressure tendency is taken."""

TENDENCY_MAX_HPA = 12.0
"""A larger tendency is cut: a barometer that was moved or exchanged must not forecast frost."""

Dew = tuple[int, float]
"""A dew point in °C and the minute it was measured at."""

Pressures = tuple[tuple[int, float], ...]
"""Pressures in hPa with their minutes, oldest first."""


class Reading(NamedTuple):
    """One usable observation: local time, minutes from noon, air temperature, dew point, pressure if said."""

    at: datetime
    minute: int
    air_c: float
    dew: Dew | None
    pressure_hpa: float | None


def minutes(evening: date, at: datetime) -> int:
    """Minutes from noon of the evening's day to a local time."""
    return ((at.toordinal() - evening.toordinal()) * 24 + at.hour - 12) * 60 + at.minute


def reading(seen: Observation, at: datetime, evening: date, known: Dew | None) -> Reading | None:
    """The usable part of an observation, or None without a finite air temperature between -60 and 60 °C.

    The dew point as measured, else from humidity, else the one `known` if it is at most three hours old.
    """
    air_c = _within(seen.air_c, -60.0, 60.0)
    if air_c is None:
        return None
    minute = minutes(evening, at)
    dew_c = _within(seen.dew_point_c, -80.0, 60.0)
    if dew_c is None:
        humidity = _within(seen.humidity_percent, 1.0, 110.0)
        dew_c = None if humidity is None else dew_point(air_c, min(humidity, 100.0))
    dew = None
    if dew_c is not None:
        dew = (minute, min(dew_c, air_c))
    elif known is not None and minute - known[0] <= DEW_CARRY_MIN:
        dew = known
    return Reading(at, minute, air_c, dew, _within(seen.pressure_hpa, 500.0, 1100.0))


def equation_inputs(air_c: float, dew: Dew | None, pressures: Pressures) -> Inputs:
    """The equation's inputs; what was not measured is replaced by what is usual."""
    tendency_hpa = 0.0
    if len(pressures) > 1:
        (then_min, then_hpa), (now_min, now_hpa) = pressures[0], pressures[-1]
        if now_min - then_min >= TENDENCY_MIN - 60:
            tendency_hpa = (now_hpa - then_hpa) * TENDENCY_MIN / (now_min - then_min)
    tendency_hpa = max(-TENDENCY_MAX_HPA, min(TENDENCY_MAX_HPA, tendency_hpa))
    return air_c, air_c - DEPRESSION_C if dew is None else dew[1], 1.0, tendency_hpa


def keep_pressure(past: Pressures, minute: int, pressure_hpa: float | None) -> Pressures:
    """The pressures with one more: at most one in half an hour and the newest, none older than seven hours."""
    if pressure_hpa is None:
        return past
    kept = [(then, value) for then, value in past if minute - then <= TENDENCY_MIN + 60]
    if len(kept) > 1 and kept[-1][0] - kept[-2][0] < 30:
        kept.pop()
    # The tendency wants the pressure nearest to six hours ago: drop the first while the next is old enough.
    while len(kept) > 1 and minute - kept[1][0] >= TENDENCY_MIN:
        kept.pop(0)
    return (*kept, (minute, pressure_hpa))


def _within(value: float | None, low: float, high: float) -> float | None:
    """The value as a float if it is a number between the limits, else None."""
    # Compared before it is converted: a number of 400 digits has no float, and NaN is in no order with any.
    return float(value) if value is not None and low <= value <= high else None
