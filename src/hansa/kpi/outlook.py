"""Where a number goes: how far from its target, how fast it has to move, and where it will be if it goes on as it did.

A projection never says more than its series: two points make a line and tell nothing of its error, so that there is no
band before three; and where a series is long enough, the same method is tried on its own past (`Backtest`), beside the
simplest rival, that everything stays as it is.

Sources: ordinary least squares and its prediction interval (any textbook; held against numpy and a printed table);
goal distance and projection at a constant rate as an open implementation by NTNU has them, which is no text of the ITU.

Tests: tests/kpi/test_kpi_outlook.py.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from hansa.errors import BadRequest
from hansa.kpi.framework import DIRECTIONS
from hansa.kpi.scoring import share

LEVEL: Final = 0.8  # of the band: four of five; with five points of a series, more would be a pretence
AHEAD: Final = 50  # years; a city plans to 2050 or so
POINTS: Final = 200  # of one series
TRIED: Final = 3  # points that a method has before it is tried on the next: below, it has no error either
NEAR: Final = 0.005  # of the range: how near to a bound a value is taken to be when it is on it (logistic)


@dataclass(frozen=True, slots=True)
class Gap:
    """How far a value is from its target. `gap`: what is missing in the direction that is better, 0 or less: met.

    `yearly_change`: what has to be added every year until `by`; `yearly_rate`: the same as a constant rate (0.05: 5 %),
    where both are above 0. None without years, or when there are none left (`years` <= 0).
    """

    gap: float
    percent_of_target: float | None
    met: bool
    years: int | None
    yearly_change: float | None
    yearly_rate: float | None


@dataclass(frozen=True, slots=True)
class Ahead:
    """A projected year; `low` and `high` None: nothing can be said of the error."""

    year: int
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Backtest:
    """The method on its own past, a year ahead each time: its mean absolute error, and that of "it stays as it is"."""

    many: int
    error: float
    unchanged_error: float


@dataclass(frozen=True, slots=True)
class Projection:
    """The years after a series. `said`: what to know about it, in a sentence."""

    how: str
    many: int
    level: float
    years: list[Ahead]
    said: str
    backtest: Backtest | None


def gap(
    value: float,
    target: float,
    direction: str,
    *,
    year: int | None = None,
    by: int | None = None,
    best: float | None = None,
) -> Gap:
    """How far a value of `year` is from a target of the year `by`, and how much it has to change every year.

    BadRequest: no finite numbers, or a direction in which nothing is better (`none`).
    """
    for one in (value, target):
        if not math.isfinite(one):
            raise BadRequest("a gap is between finite numbers", where=f"{one}")
    if direction not in DIRECTIONS or direction == "none":
        raise BadRequest(f"there is no gap where {direction!r:.20} is better", mend="higher, lower or best")
    percent, _ = share(value, target, direction, best)
    if direction == "best":
        around = 1.0 if best is None else best
        missing = abs(value - around) - abs(target - around)
    else:
        missing = target - value if direction == "higher" else value - target
    met = missing <= 0
    years = by - year if year is not None and by is not None else None
    if years is None or years <= 0 or met:
        return Gap(missing, percent, met, years, 0.0 if met and years else None, None)
    rate = (target / value) ** (1 / years) - 1 if value > 0 and target > 0 else None
    return Gap(missing, percent, met, years, (target - value) / years, rate)


def goal_distance(value: float, target: float, lowest: float = 0.0) -> float:
    """What is missing to a goal in percent: max(100 - 100 * (value - lowest) / (target - lowest), 0)."""
    if target == lowest:
        raise BadRequest("the target is the lowest value there is: no distance to it can be told")
    return max(100 - 100 * (value - lowest) / (target - lowest), 0.0)


def years_to_goal(baseline: float, baseline_year: int, value: float, year: int, target: float) -> float | None:
    """Years from the baseline until the target, at the growth rate between the two; None when it does not go there.

    `(year - baseline_year) * ln(target / baseline) / ln(value / baseline)`. BadRequest unless all are above 0 and the
    year is after the baseline's.
    """
    if not all(math.isfinite(one) and one > 0 for one in (baseline, value, target)) or year <= baseline_year:
        raise BadRequest("a rate of growth is between numbers above 0, of a year and a later one")
    moved, wanted = math.log(value / baseline), math.log(target / baseline)
    if wanted == 0:
        return 0.0
    return (year - baseline_year) * wanted / moved if moved and moved * wanted > 0 else None


def projected(
    series: Sequence[tuple[int, float]],
    until: int,
    how: str = "linear",
    *,
    low: float = 0.0,
    high: float = 100.0,
    level: float = LEVEL,
) -> Projection:
    """The years after a series up to `until`, with the band in which `level` of the values will lie if it goes on so.

    `linear`: a straight line, cut off at `low` and `high` (-inf and inf for none). `logistic`: an S between `low` and
    `high`, for shares that fill up; the error is of its straightened form. BadRequest: fewer than two years, a year
    twice, a number that is none, a value outside of the bounds of an S, `until` not after the series or too far.
    """
    points = _ordered(series, until)
    if not 0.5 <= level < 1:
        raise BadRequest("a level is between 0.5 and 1", where="level")
    if not low < high:
        raise BadRequest("the bounds are the wrong way around", where="low")
    there: Callable[[float], float]
    back: Callable[[float], float]
    if how == "linear":
        there, back = _same, _same
    elif how == "logistic":
        there, back = _straightened(low, high, points)
    else:
        raise BadRequest(f"{how!r:.40} is no way to project", where="how", mend="linear or logistic")

    def kept(value: float) -> float:
        return min(max(back(value), low), high)

    years, values = [year for year, _ in points], [there(value) for _, value in points]
    ahead = []
    for year in range(years[-1] + 1, until + 1):
        middle, half = _line(years, values, year, level)
        band = (None, None) if half is None else (kept(middle - half), kept(middle + half))
        ahead.append(Ahead(year, kept(middle), *band))
    many = len(points)
    return Projection(how, many, level, ahead, _told(how, many, level), _tried(years, values, points, kept))


def _same(value: float) -> float:
    return value


def _ordered(series: Sequence[tuple[int, float]], until: int) -> list[tuple[int, float]]:
    points = sorted(series)
    if not 2 <= len(points) <= POINTS:
        raise BadRequest(f"a series of {len(points)}: nothing can be projected from it", mend=f"2 to {POINTS} years")
    years = [year for year, _ in points]
    if len(set(years)) < len(years):
        raise BadRequest("two values for one year", where="series")
    if not all(math.isfinite(value) and abs(value) < 1e150 for _, value in points):
        raise BadRequest(
            "a value of the series is no finite number, or beyond what can be reckoned with", where="series"
        )
    if not years[-1] < until <= years[-1] + AHEAD:
        raise BadRequest(f"{until} is not within {AHEAD} years after {years[-1]}", where="until")
    return points


def _straightened(
    low: float, high: float, points: Sequence[tuple[int, float]]
) -> tuple[Callable[[float], float], Callable[[float], float]]:
    if not (math.isfinite(low) and math.isfinite(high)):
        raise BadRequest("an S runs between two bounds", where="low")
    if any(not low <= value <= high for _, value in points):
        raise BadRequest(f"a value of the series is outside {low:g}..{high:g}", where="series", mend="how=linear")

    def there(value: float) -> float:
        part = min(max((value - low) / (high - low), NEAR), 1 - NEAR)
        return math.log(part / (1 - part))

    def back(value: float) -> float:
        part = 1 / (1 + math.exp(-value)) if value > -700 else 0.0
        return low + (high - low) * part

    return there, back


def _line(years: Sequence[int], values: Sequence[float], year: int, level: float) -> tuple[float, float | None]:
    """The line's value in a year and half of its prediction interval; None with fewer than three points."""
    many = len(years)
    middle = math.fsum(years) / many
    mean = math.fsum(values) / many
    spread = math.fsum((one - middle) ** 2 for one in years)
    slope = math.fsum((x - middle) * (y - mean) for x, y in zip(years, values, strict=True)) / spread
    told = mean + slope * (year - middle)
    if many < 3:
        return told, None
    left = math.fsum((y - mean - slope * (x - middle)) ** 2 for x, y in zip(years, values, strict=True))
    error = math.sqrt(left / (many - 2) * (1 + 1 / many + (year - middle) ** 2 / spread))
    return told, _student(level, many - 2) * error


def _student(level: float, free: int) -> float:
    """Student's t that `level` of the values lie within, on both sides."""
    from scipy.special import stdtrit  # noqa: PLC0415 - only who projects needs it

    return float(stdtrit(free, (1 + level) / 2))


def _tried(
    years: Sequence[int],
    values: Sequence[float],
    points: Sequence[tuple[int, float]],
    kept: Callable[[float], float],
) -> Backtest | None:
    if len(points) <= TRIED:
        return None
    off, still = [], []
    for many in range(TRIED, len(points)):
        told, _ = _line(years[:many], values[:many], years[many], LEVEL)
        off.append(abs(kept(told) - points[many][1]))
        still.append(abs(points[many - 1][1] - points[many][1]))
    return Backtest(len(off), math.fsum(off) / len(off), math.fsum(still) / len(still))


def _told(how: str, many: int, level: float) -> str:
    shape = "a straight line" if how == "linear" else "an S that fills up"
    if many < 3:
        return f"{shape} through 2 points: of its error nothing can be said"
    tail = f"; {many} points are few, and the band is wide for it" if many < 5 else ""
    return f"{shape} through {many} points; {level:.0%} of values lie within the band if it goes on as it did{tail}"
