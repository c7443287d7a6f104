"""Frost science in plain numbers: FAO's minimum equation and temperature trend, chance, dew point, sunrise and sunset.

Pure functions of floats and dates; no I/O and nothing of hansa, so that an engineer can check a forecast with a pencil.
Sources: R. L. Snyder and J. P. de Melo-Abreu, *Frost Protection: fundamentals, practice and economics*, vol. 1, FAO
Environment and Natural Resources Series 10, Rome 2005, chapter 5 (minimum and trend); NOAA Global Monitoring
Laboratory, solar calculation details, after J. Meeus, *Astronomical Algorithms* (sun). Held by
tests/apps/test_frost_science.py.
"""

import math
from collections.abc import Sequence
from datetime import date

FAO_POOLED = (0.612, 0.333, -1.834)
"""b, c, d of Tp = b*T0 + c*Td + d for a station without nights of its own (docs/frost.md says from which nights)."""

POOLED = (0.588, 0.335, -1.498, -0.355)
"""The same with a fourth term: the pressure tendency over six hours, in hPa."""

POOLED_SD_C = 2.26
"""Residual standard deviation of POOLED on the nights that it was fitted on."""

DEPRESSION_C = 5.8
"""Mean of T0 - Td on those nights: stands in for a dew point that nobody measured."""

Inputs = tuple[float, float, float, float]
"""What the equation takes: T0 (°C), Td (°C), 1, pressure tendency (hPa in six hours)."""


def fao_minimum(air_c: float, dew_point_c: float, coefficients: Sequence[float] = FAO_POOLED) -> float:
    """Tonight's minimum in °C by the FAO equation Tp = b*T0 + c*Td + d, from values some two hours after sunset."""
    b, c, d = coefficients
    return b * air_c + c * dew_point_c + d


def minimum(inputs: Sequence[float], coefficients: Sequence[float]) -> float:
    """The FAO equation with hansa's pressure term: the sum of coefficient times input, in °C."""
    return sum(k * x for k, x in zip(coefficients, inputs, strict=True))


def trend(start_c: float, minimum_c: float, fraction: float) -> float:
    """Temperature in °C on the way from `start_c` to `minimum_c` when `fraction` of the time to sunrise has passed.

    FAO's square-root law: a surface that radiates under a clear sky cools fast at first, then ever more slowly.
    """
    return start_c + (minimum_c - start_c) * math.sqrt(min(1.0, max(0.0, fraction)))


def chance_below(limit_c: float, mean_c: float, sd_c: float) -> float:
    """Probability (0 to 1) that a normal variable of this mean and standard deviation is at or below the limit."""
    return 0.5 * math.erfc((mean_c - limit_c) / (sd_c * math.sqrt(2.0)))


def dew_point(air_c: float, humidity_percent: float) -> float:
    """Dew point in °C from air temperature and relative humidity (0 < humidity <= 100).

    Magnus form with the constants of Alduchov and Eskridge (1996), good to 0.4 % of vapour pressure from -40 to 50 °C.
    """
    gamma = math.log(humidity_percent / 100.0) + 17.625 * air_c / (243.04 + air_c)
    return 243.04 * gamma / (17.625 - gamma)


def solve(matrix: Sequence[Sequence[float]], vector: Sequence[float]) -> tuple[float, ...]:
    """Solve a small square system by elimination with pivoting; raises ZeroDivisionError when it is singular."""
    rows = [[*row, value] for row, value in zip(matrix, vector, strict=True)]
    size = len(rows)
    for i in range(size):
        pivot = max(range(i, size), key=lambda j: abs(rows[j][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for j in range(i + 1, size):
            factor = rows[j][i] / rows[i][i]
            for k in range(i, size + 1):
                rows[j][k] -= factor * rows[i][k]
    answer = [0.0] * size
    for i in reversed(range(size)):
        known = sum(rows[i][k] * answer[k] for k in range(i + 1, size))
        answer[i] = (rows[i][size] - known) / rows[i][i]
    return tuple(answer)


def sun(day: date, latitude: float, longitude: float, utc_offset_h: float) -> tuple[float, float] | None:
    """Sunrise and sunset of a local day, in minutes after local midnight; None where it does not cross the horizon.

    Latitude north and longitude east in degrees. NOAA's equations, the horizon at -0.833° (refraction and half the
    sun's disc); within about a minute between the polar circles. Minutes may lie outside 0..1440 where a clock is far
    from the sun.
    """
    noon = 720.0 - 4.0 * longitude + 60.0 * utc_offset_h
    edges = []
    for side in (-1.0, 1.0):
        minute = noon
        # The sun moves on between noon and the horizon, so its place is taken again at the time just found.
        for _ in range(2):
            declination, equation_min = _sun_place(day, minute - 60.0 * utc_offset_h)
            hour_angle = _hour_angle(latitude, declination)
            if hour_angle is None:
                return None
            minute = noon - equation_min + side * 4.0 * hour_angle
        edges.append(minute)
    return edges[0], edges[1]


def _sun_place(day: date, utc_minute: float) -> tuple[float, float]:
    """Declination (radians) and equation of time (minutes) at a minute of a UTC day."""
    century = (day.toordinal() - 730120.5 + utc_minute / 1440.0) / 36525.0
    mean_long = math.radians((280.46646 + century * (36000.76983 + century * 0.0003032)) % 360.0)
    anomaly = math.radians(357.52911 + century * (35999.05029 - 0.0001537 * century))
    eccentricity = 0.016708634 - century * (0.000042037 + 0.0000001267 * century)
    centre = (
        math.sin(anomaly) * (1.914602 - century * (0.004817 + 0.000014 * century))
        + math.sin(2.0 * anomaly) * (0.019993 - 0.000101 * century)
        + math.sin(3.0 * anomaly) * 0.000289
    )
    node = math.radians(125.04 - 1934.136 * century)
    apparent = mean_long + math.radians(centre - 0.00569 - 0.00478 * math.sin(node))
    obliquity = math.radians(23.439291 - 0.0130042 * century + 0.00256 * math.cos(node))
    declination = math.asin(math.sin(obliquity) * math.sin(apparent))
    y = math.tan(obliquity / 2.0) ** 2
    equation = (
        y * math.sin(2.0 * mean_long)
        - 2.0 * eccentricity * math.sin(anomaly)
        + 4.0 * eccentricity * y * math.sin(anomaly) * math.cos(2.0 * mean_long)
        - 0.5 * y * y * math.sin(4.0 * mean_long)
        - 1.25 * eccentricity * eccentricity * math.sin(2.0 * anomaly)
    )
    return declination, 4.0 * math.degrees(equation)


def _hour_angle(latitude: float, declination: float) -> float | None:
    """Degrees between solar noon and the horizon, or None when the sun stays on one side of it."""
    north = math.radians(max(-89.9, min(89.9, latitude)))
    cosine = (math.cos(math.radians(90.833)) - math.sin(north) * math.sin(declination)) / (
        math.cos(north) * math.cos(declination)
    )
    return math.degrees(math.acos(cosine)) if -1.0 <= cosine <= 1.0 else None
