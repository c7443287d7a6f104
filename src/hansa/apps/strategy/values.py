"""Values of indicators as the city reports them (`KeyPerformanceIndicator`), by the years that they are of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from hansa import City, Entity
from hansa.apps.strategy.words import PERIODS

_KNOWN: Final = ("reported", "verified")
_MOST: Final = 1e15


@dataclass(frozen=True, slots=True)
class Value:
    """One value of an indicator, and the years (or parts of years) that it is of: from, and to before."""

    begin: float
    end: float
    period: str
    value: float
    unit: str
    provisional: bool = False


def span(period: Any) -> tuple[float, float] | None:
    """The years of a period: `2025`, `2025-Q3`, `2025-07`; None for what is none."""
    said = str(period)
    if len(said) < 4 or not said[:4].isascii() or not said[:4].isdigit():
        return None
    year, rest = int(said[:4]), said[4:]
    if not rest:
        return (year, year + 1)
    if rest[:2] == "-Q" and rest[2:] in {"1", "2", "3", "4"}:
        part = int(rest[2:])
        return (year + (part - 1) / 4, year + part / 4)
    if len(rest) == 3 and rest[0] == "-" and rest[1:].isdigit() and 1 <= int(rest[1:]) <= 12:
        part = int(rest[1:])
        return (year + (part - 1) / 12, year + part / 12)
    return None


def point_of(one: Entity, point: str) -> Mapping[str, Any]:
    """What an indicator says of one of its points; nothing where it has none of that key."""
    listed = one.get("points")
    for it in listed if isinstance(listed, list) else []:
        if isinstance(it, Mapping) and str(it.get("key") or "") == point:
            return it
    return {}


def number(value: Any) -> float | None:
    """A plain number; None for whatever else."""
    plain = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST
    return float(value) if plain else None


def of(one: Entity, point: str = "") -> Value | None:
    """The value that an entity reports, or that of one of its points."""
    years = span(one.get("period"))
    if years is None or one.get("status") not in _KNOWN:
        return None
    value = number(one.get("kpiValue")) if not point else None
    value = number(point_of(one, point).get("value")) if value is None else value
    if value is None:
        return None
    return Value(*years, str(one["period"]), value, str(one.get("unit") or ""), bool(one.get("provisional")))


def reported(city: City, framework: str, code: str, point: str = "", area: str = "city") -> list[Value]:
    """What the city has of an indicator, oldest first; a year that still runs is left out."""
    q = f'framework=="{framework}";code=="{code}";area=="{area}"'
    found = (of(one, point) for one in city.find("KeyPerformanceIndicator", q, limit=PERIODS))
    return sorted((it for it in found if it is not None and not it.provisional), key=lambda it: (it.begin, it.end))


def year_of(day: str) -> float:
    """A day as a year and its part."""
    when = datetime.strptime(day[:10], "%Y-%m-%d").replace(tzinfo=UTC)
    return when.year + (when.timetuple().tm_yday - 1) / 366
