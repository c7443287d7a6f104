"""How good forecasts were: sums from which bias, errors and skill are read, and how one forecast is held against what
came. Pure. Sources: A. H. Murphy, Mon. Wea. Rev. 116 (1988) 2417 (skill); D. S. Wilks, Statistical Methods in the
Atmospheric Sciences, chapter on forecast verification (contingency tables). Held by tests/apps/test_brain_scores.py.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

SECOND: Final = 1_000_000
HOUR: Final = 3_600 * SECOND
DAY: Final = 24 * HOUR
LEADS: Final = (72, 48, 24, 12, 6, 3, 1, 0)
"""Hours before its time at which a forecast is looked at, as it stood then."""
COVERED: Final = 0.75
"""Part of the hours of a forecast's time in which something must have been measured, for the time to count."""

How = Literal["min", "max", "mean"]
Points = Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Sums:
    """All that need be kept of many errors (forecast less measured): they can be added, and taken from each other."""

    n: int = 0
    error: float = 0.0
    size: float = 0.0
    square: float = 0.0
    held_n: int = 0
    """Of these, cases in which it is also known what persistence would have said."""
    held_square: float = 0.0
    """The forecast's squares in those cases."""
    persistence_square: float = 0.0
    hits: int = 0
    false_alarms: int = 0
    misses: int = 0
    rejections: int = 0

    def add(self, said: float, came: float, persistence: float | None = None) -> "Sums":
        """One more case."""
        error = said - came
        square = error * error
        held = persistence is not None
        return Sums(
            self.n + 1,
            self.error + error,
            self.size + abs(error),
            self.square + square,
            self.held_n + held,
            self.held_square + (square if held else 0.0),
            self.persistence_square + ((persistence - came) ** 2 if persistence is not None else 0.0),
            self.hits,
            self.false_alarms,
            self.misses,
            self.rejections,
        )

    def warn(self, *, warned: bool, came: bool) -> "Sums":
        """One more warning, or none, and whether what it warns of came."""
        table = [self.hits, self.false_alarms, self.misses, self.rejections]
        table[(0 if came else 1) if warned else (2 if came else 3)] += 1
        return Sums(*self.to_json()[:7], *table)

    def __sub__(self, other: "Sums") -> "Sums":
        """What came since `other`, which was kept earlier."""
        return Sums(*(a - b for a, b in zip(self.to_json(), other.to_json(), strict=True)))

    def __add__(self, other: "Sums") -> "Sums":
        """Both together."""
        return Sums(*(a + b for a, b in zip(self.to_json(), other.to_json(), strict=True)))

    @property
    def bias(self) -> float | None:
        """The mean error: above zero, it says too much."""
        return self.error / self.n if self.n else None

    @property
    def mae(self) -> float | None:
        """The mean size of the error."""
        return self.size / self.n if self.n else None

    @property
    def rmse(self) -> float | None:
        """The root of the mean square."""
        return math.sqrt(max(0.0, self.square) / self.n) if self.n else None

    @property
    def skill(self) -> float | None:
        """1 less its mean square over that of persistence, in the same cases: 1 perfect, 0 no better, below: worse."""
        if not self.held_n or self.persistence_square <= 0.0:
            return None
        return 1.0 - self.held_square / self.persistence_square

    @property
    def detected(self) -> float | None:
        """POD: events that were warned of."""
        events = self.hits + self.misses
        return self.hits / events if events else None

    @property
    def false_share(self) -> float | None:
        """FAR: warnings after which nothing came."""
        warned = self.hits + self.false_alarms
        return self.false_alarms / warned if warned else None

    @property
    def success(self) -> float | None:
        """CSI: hits among all that was warned of or came."""
        every = self.hits + self.false_alarms + self.misses
        return self.hits / every if every else None

    def to_json(self) -> list[Any]:
        """Plain JSON."""
        return [
            self.n, self.error, self.size, self.square, self.held_n, self.held_square, self.persistence_square,
            self.hits, self.false_alarms, self.misses, self.rejections,
        ]  # fmt: skip

    @classmethod
    def of(cls, document: Any) -> "Sums":
        """Read it back; nothing at all where this is none."""
        if not isinstance(document, list) or len(document) != 11 or not all(_is_number(one) for one in document):
            return cls()
        return cls(*document)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


class Meant(NamedTuple):
    """What an attribute of a forecast is held against: which measured attribute, and what of it."""

    name: str
    how: How


_EXTREME: Final = re.compile(r"(?P<name>[A-Za-z]\w*?)(?P<how>Min|Max|Minimum|Maximum)\Z")


def meant(name: str) -> Meant:
    """`temperatureMin` is the least `temperature` of the forecast's time; without such an end it is the mean."""
    found = _EXTREME.match(name)
    if found is None:
        return Meant(name, "mean")
    return Meant(found["name"], "min" if found["how"].startswith("Min") else "max")


def came(points: Points, since: int, until: int, how: How) -> float | None:
    """What was measured from `since` to before `until`; None where too little was to say so.

    In an instant (`since` equals `until`) it is what stood then, not older than an hour.
    """
    numbers = [(p[0], float(p[1])) for p in points if _is_number(p[1])]
    if until <= since:
        standing = [p for p in numbers if since - HOUR <= p[0] <= since]
        return standing[-1][1] if standing else None
    inside = [p for p in numbers if since <= p[0] < until]
    slots = max(1, round((until - since) / HOUR))
    width = (until - since) / slots
    if len({int((p[0] - since) / width) for p in inside}) < COVERED * slots:
        return None
    values = [p[1] for p in inside]
    return min(values) if how == "min" else max(values) if how == "max" else math.fsum(values) / len(values)


def stood(versions: Points, at: int) -> tuple[int, float] | None:
    """The version that stood at an instant: (when it was said, what it said); None when nothing was said by then."""
    said = [(p[0], float(p[1])) for p in versions if p[0] <= at and _is_number(p[1])]
    return said[-1] if said else None


class Case(NamedTuple):
    """One forecast at one lead, held against what came."""

    lead_h: int
    issued: int
    said: float
    came: float
    persistence: float | None


def cases(versions: Points, since: int, measured: float, persistence: float | None) -> list[Case]:
    """A forecast at each lead at which it had been said: one that came late has no longer leads."""
    found = []
    for lead in LEADS:
        standing = stood(versions, since - lead * HOUR)
        if standing is not None:
            found.append(Case(lead, standing[0], standing[1], measured, persistence))
    return found
