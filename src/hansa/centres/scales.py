"""Axes and figures: round numbers, instants that people know, digits that mean something. Held by test_plots.py."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, floor, isfinite, log10
from typing import Any, Final

from hansa.centres.catalogue import Catalogue

_TICKS: Final = 5
_DAY: Final = 86_400.0
_STEPS: Final = (
    60, 300, 900, 3_600, 10_800, 21_600, 43_200, _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 31 * _DAY, 92 * _DAY,
    183 * _DAY, 366 * _DAY, 2 * 366 * _DAY, 5 * 366 * _DAY, 10 * 366 * _DAY, 50 * 366 * _DAY,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mark:
    """A label of an axis: where (thousandths), and what."""

    at: float
    text: str


def nice(low: float, high: float, most: int = _TICKS) -> list[float]:
    """Round numbers from at or below `low` to at or above `high`, about `most` of them."""
    if not (isfinite(low) and isfinite(high)):
        return [0.0, 1.0]
    if low == high:
        low, high = (low - 1, high + 1) if low == 0 else (low - abs(low) * 0.1, high + abs(high) * 0.1)
    raw = (high - low) / most
    power = 10.0 ** floor(log10(raw)) if raw > 0 else 1.0
    step = next((one * power for one in (1, 2, 2.5, 5, 10) if one * power >= raw * (1 - 1e-9)), 10 * power)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [one * step for one in range(first, last + 1)][:50]


def seconds(at: Any) -> float:
    """Seconds of an ISO 8601 text since 1970; NaN where it is none."""
    try:
        made = datetime.fromisoformat(str(at))
    except ValueError:
        return float("nan")
    return (made if made.tzinfo else made.replace(tzinfo=UTC)).timestamp()


def times(low: float, high: float, most: int = 4) -> list[Mark]:
    """Instants that people know, between two, each as text: years, months, days, hours. `at` is in seconds."""
    span = max(high - low, 60.0)
    step = next((one for one in _STEPS if span / one <= most), _STEPS[-1])
    at = _begun(datetime.fromtimestamp(low, UTC), step)
    found: list[Mark] = []
    for _ in range(200):
        second = at.timestamp()
        if second > high + 1:
            break
        if second >= low - 1:
            found.append(Mark(second, _written(at, step)))
        at = _next(at, step)
    return found


def _begun(at: datetime, step: float) -> datetime:
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    if step < _DAY:
        return day + timedelta(seconds=floor((at - day).total_seconds() / step) * step)
    if step < 31 * _DAY:
        return day
    months = max(1, round(step / (30.5 * _DAY)))
    first = (day.year * 12 + day.month - 1) // months * months
    return datetime(max(1, first // 12), first % 12 + 1, 1, tzinfo=UTC)


def _next(at: datetime, step: float) -> datetime:
    if step < 31 * _DAY:
        return at + timedelta(seconds=step)
    months = at.year * 12 + at.month - 1 + max(1, round(step / (30.5 * _DAY)))
    return datetime(min(9_999, months // 12), months % 12 + 1, 1, tzinfo=UTC)


def _written(at: datetime, step: float) -> str:
    if step >= 360 * _DAY:
        return f"{at.year}"
    if step >= 28 * _DAY:
        return f"{at:%Y-%m}"
    return f"{at:%Y-%m-%d}" if step >= _DAY or (at.hour, at.minute) == (0, 0) else f"{at:%H:%M}"


def figure(value: Any, words: Catalogue) -> str:
    """A figure as people read it: four digits that mean something, grouped, no more."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if value == 0:
        return words.number(0)
    size = abs(value)
    if size >= 1e15 or size < 1e-6:
        return f"{value:.3g}"
    digits = 0 if isinstance(value, int) or size >= 1_000 else max(0, min(8, 3 - floor(log10(size))))
    text = f"{value:.{digits}f}"
    kept = len(text.rstrip("0").partition(".")[2]) if "." in text else 0
    return words.number(value, kept)
