"""Measured effect: how the indicators that an app names stood before it was installed, and how they stand since.

A change after something is not a change because of it: what is told is the difference, on how many values it stands,
and nothing where there are none. The period in which the app was installed is neither before nor after.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import fmean
from typing import Any, Final, Protocol

from hansa import Entity
from hansa.apps.solutions.words import PERIODS

_KNOWN: Final = ("reported", "verified")
MOST: Final = 1e15
"""No city has an indicator beyond it; what is, is a mistake."""
SAID: Final = {
    "when": "not measured yet: nobody has said when it was installed",
    "before": "not measured yet: there is no value from before it was installed",
    "after": "not measured yet: there is no value from since it was installed",
    "both": "not measured yet: the city has no value of this indicator",
}


class Finds(Protocol):
    """Where values are read: the city as whoever asks sees it, or as everybody does."""

    def find(self, type: str, q: str | None = None, *, limit: int = 1_000) -> list[Entity]:  # noqa: A002
        """Entities that match."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of an indicator, and the years (or parts of years) that it is of: from, and to before."""

    begin: float
    end: float
    value: float
    unit: str


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


def of(one: Entity, point: str = "") -> Value | None:
    """The value that an entity of KeyPerformanceIndicator reports, or that of one of its points."""
    years = span(one.get("period"))
    if years is None or one.get("status") not in _KNOWN or one.get("provisional"):  # a year that still runs is none
        return None
    value = one.get("kpiValue") if not point else None
    if value is None:
        listed = one.get("points")
        for it in listed if isinstance(listed, list) else []:
            if isinstance(it, Mapping) and str(it.get("key", "")) == point:
                value = it.get("value")
    if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > MOST:
        return None
    return Value(*years, float(value), str(one.get("unit") or ""))


def values(city: Finds, said: Mapping[str, Any], area: str = "city") -> list[Value]:
    """What the city has of an indicator, oldest first."""
    q = f'framework=="{said["framework"]}";code=="{said["code"]}";area=="{area}"'
    listed = city.find("KeyPerformanceIndicator", q, limit=PERIODS)
    known = [value for one in listed if (value := of(one, str(said.get("point") or ""))) is not None]
    return sorted(known, key=lambda it: (it.begin, it.end))


def year_of(day: str) -> float:
    """A day as a year and its part."""
    when = datetime.strptime(day[:10], "%Y-%m-%d").replace(tzinfo=UTC)
    return when.year + (when.timetuple().tm_yday - 1) / 366


def change(said: Mapping[str, Any], listed: Sequence[Value], installed: str | None) -> dict[str, Any]:
    """Before, after, and the difference: means of the values, and how many they are of."""
    told: dict[str, Any] = {name: said[name] for name in ("framework", "code", "point", "unit") if said.get(name)}
    told |= {"before": None, "after": None, "change": None, "nBefore": 0, "nAfter": 0}
    if not installed:
        return told | {"said": SAID["when"]}
    at = year_of(installed)
    before = [it for it in listed if it.end <= at]
    after = [it for it in listed if it.begin >= at]
    told |= {"nBefore": len(before), "nAfter": len(after)}
    if len({it.unit for it in (*before, *after) if it.unit}) > 1:
        return told | {"said": "not measured: the values are of different units"}
    if not before or not after:
        return told | {"said": SAID["both" if not (before or after) else "after" if before else "before"]}
    told["before"], told["after"] = fmean(it.value for it in before), fmean(it.value for it in after)
    told["change"] = told["after"] - told["before"]
    told["unit"] = before[0].unit or told.get("unit", "")
    own = f"{len(before)} {'value' if len(before) == 1 else 'values'} before, {len(after)} since"
    return told | {"said": f"measured on {own}; other things have changed too"}
