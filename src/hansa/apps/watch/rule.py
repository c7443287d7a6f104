"""A WatchRule read: what to watch, on which entities, with which limits. Held by tests/apps/test_watch_rule.py."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import translate
from typing import Any, Final

from hansa import Entity, units, windows

KINDS: Final = ("threshold", "rate", "silence", "flat", "implausible")
SEVERITIES: Final = ("informational", "low", "medium", "high", "critical")
CATEGORIES: Final = ("traffic", "naturalDisaster", "weather", "environment", "health", "security", "agriculture")
"""Severities and categories of the Smart Data Models' Alert."""

OWN: Final = frozenset({"Alert", "WatchRule"})
"""What watch itself reads and writes: watching it would answer itself for ever."""

LIMITS: Final = ("high", "low", "minimum", "maximum", "perHour", "hysteresis", "tolerance")
"""What is measured in the unit of the watched attribute."""

SECOND: Final = 1_000_000
LONGEST_S: Final = 366 * 86_400.0
_TERM: Final = re.compile(r"[A-Za-z][\w.-]*\Z|https?://\S+\Z|urn:\S+\Z")


@dataclass(frozen=True, slots=True)
class Rule:
    """One WatchRule, checked. Times are microseconds; limits are in `unit` (a UN/CEFACT code), a rate's per hour."""

    id: str
    kind: str
    type: str
    attribute: str
    low: float | None = None
    high: float | None = None
    hysteresis: float = 0.0
    hold_off: int = 0
    average: int = 0  # of a threshold: the limit is for the mean over this time
    window: int = 0  # of a rate: the readings that make one slope
    lasting: int = 0  # of silence and flat: how long it must be
    tolerance: float = 0.0
    readings: int = 3
    unit: str | None = None
    severity: str = "medium"
    category: str = "environment"
    text: str | None = None
    match: Callable[[str], Any] | None = None

    @property
    def name(self) -> str:
        """The last part of the id."""
        return self.id.removeprefix("urn:ngsi-ld:WatchRule:")

    @property
    def plain(self) -> bool:
        """Whether a reading within low..high is all that matters."""
        return not self.average and self.kind in {"threshold", "implausible"}

    def wants(self, source: str) -> bool:
        """Whether it is about this entity."""
        return self.match is None or self.match(source) is not None


class Unusable(Exception):  # it is a finding, not a fault of ours
    """A WatchRule that cannot be used; says which attribute and why."""


def read(entity: Entity) -> Rule | None:
    """The Rule of a WatchRule entity; None when it is switched off; raises Unusable when it says nonsense."""
    said = _Said(entity)
    if said.of("enabled", True) is False:
        return None
    kind = said.word("kind", KINDS, None)
    type_, attribute = said.term("watchedType"), said.term("watchedAttribute")
    if type_ in OWN:
        raise Unusable(f"watchedType: watch does not watch {type_} entities, for it writes them")
    if (on := said.of("enabled", True)) is not True:
        raise Unusable(f"enabled: {on!r:.40} is neither true nor false")
    low, high = said.limits(kind)
    return Rule(
        id=entity.id,
        kind=kind,
        type=type_,
        attribute=attribute,
        low=low,
        high=high,
        hysteresis=said.number("hysteresis", 0.0, least=0.0),
        hold_off=said.time("holdOff", 0.0),
        average=said.time("averagedOver", 0.0) if kind == "threshold" else 0,
        window=said.time("window", 3_600.0, least=1.0) if kind == "rate" else 0,
        lasting=_lasting(said, kind),
        tolerance=said.number("tolerance", 0.0, least=0.0),
        readings=int(said.number("minimumReadings", 3.0, least=2.0)),
        unit=said.unit(),
        severity=said.word("severity", SEVERITIES, "medium"),
        category=said.word("category", CATEGORIES, "environment"),
        text=said.text("template"),
        match=said.pattern("watchedId"),
    )


def _lasting(said: "_Said", kind: str) -> int:
    name = {"silence": "silentFor", "flat": "flatFor"}.get(kind)
    return 0 if name is None else said.time(name, None, least=1.0)


class _Said:
    """What the entity says, one checked member at a time."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity

    def of(self, name: str, default: Any = None) -> Any:
        return self.entity.get(name, default)

    def word(self, name: str, known: tuple[str, ...], default: str | None) -> str:
        value = self.of(name, default)
        if value not in known:
            raise Unusable(f"{name}: {value!r:.60} is none of {', '.join(known)}")
        return str(value)

    def term(self, name: str) -> str:
        value = self.of(name)
        if not isinstance(value, str) or len(value) > 2_048 or not _TERM.match(value):
            raise Unusable(f"{name}: {value!r:.60} is no name")
        return value

    def text(self, name: str) -> str | None:
        value = self.of(name)
        if value is not None and (not isinstance(value, str) or len(value) > 1_000):
            raise Unusable(f"{name}: not a text of at most 1,000 characters")
        return value

    def number(self, name: str, default: float | None, least: float | None = None) -> float:
        value = self.of(name, default)
        found = windows.number(value)
        if found is None:
            raise Unusable(f"{name}: {value!r:.60} is no number" if value is not None else f"{name} is missing")
        if least is not None and found < least:
            raise Unusable(f"{name}: {found:g} is less than {least:g}")
        return found

    def maybe(self, name: str) -> float | None:
        return None if self.of(name) is None else self.number(name, None)

    def time(self, name: str, default: float | None, least: float = 0.0) -> int:
        seconds = self.number(name, default, least)
        if seconds > LONGEST_S:
            raise Unusable(f"{name}: {seconds:g} s is more than a year")
        return int(seconds * SECOND)

    def unit(self) -> str | None:
        """The limits' own unitCode, or what `unit` says for them all."""
        found: dict[str, Any] = {n: self.entity.attribute(n).unit for n in LIMITS if n in self.entity}
        found["unit"] = self.of("unit")
        said = {name: code for name, code in found.items() if code is not None}
        for name, code in said.items():
            if not isinstance(code, str) or code not in units.UNITS:
                raise Unusable(f"{name}: the unit {code!r:.40} is no UN/CEFACT code that hansa knows")
        codes = sorted(set(said.values()))
        if len(codes) > 1:
            raise Unusable(f"{', '.join(said)}: the units {' and '.join(codes)} differ")
        return codes[0] if codes else None

    def pattern(self, name: str) -> Callable[[str], Any] | None:
        glob = self.of(name)
        if glob is None:
            return None
        # Few stars: what a glob's regular expression costs grows with them, and it is asked for every reading.
        if not isinstance(glob, str) or len(glob) > 256 or glob.count("*") > 4:
            raise Unusable(f"{name}: not a pattern of at most 256 characters and 4 stars")
        return _matcher(glob)

    def limits(self, kind: str) -> tuple[float | None, float | None]:
        if kind == "rate":
            per_hour = self.number("perHour", None)
            if per_hour <= 0.0:
                raise Unusable("perHour: a rate is above zero; direction says which way")
            way = self.word("direction", ("rise", "fall", "both"), "both")
            return (None if way == "rise" else -per_hour), (None if way == "fall" else per_hour)
        if kind not in {"threshold", "implausible"}:
            return None, None
        names = ("low", "high") if kind == "threshold" else ("minimum", "maximum")
        low, high = self.maybe(names[0]), self.maybe(names[1])
        if kind == "threshold" and low is None and high is None:
            raise Unusable("high or low is missing")
        if low is not None and high is not None and low > high:
            raise Unusable(f"{names[0]} ({low:g}) lies above {names[1]} ({high:g})")
        return low, high


class _matcher:  # noqa: N801  # it is called like a function, and two of the same glob are equal
    __slots__ = ("_match", "glob")

    def __init__(self, glob: str) -> None:
        self.glob = glob
        self._match = re.compile(translate(glob)).match

    def __call__(self, text: str) -> Any:
        return self._match(text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _matcher) and self.glob == other.glob

    def __hash__(self) -> int:
        return hash(self.glob)
