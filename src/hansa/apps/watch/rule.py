"""A WatchRule read: what to watch, on which entities, with which limits. Held by tests/apps/test_watch_rule.py."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from hansa import Entity, units, windows
from hansa.apps.watch import tree
from hansa.apps.watch.terms import (
    CATEGORIES,
    LONGEST_S,
    OWN,
    SECOND,
    SEVERITIES,
    Unusable,
    glob_fault,
    is_term,
    matcher,
)

__all__ = ["ALARM", "KINDS", "OWN", "RESERVED", "Rule", "Unusable", "compiled", "condition_of", "names_alarm", "read"]

KINDS: Final = ("threshold", "rate", "silence", "flat", "implausible")
"""What a single leaf is judged by, in few steps; `joined` is a whole tree."""

ALARM: Final = 100  # characters of what an alarm is called

RESERVED: Final = "configuration"
"""What the notes on rules that cannot be used are called."""

LIMITS: Final = ("high", "low", "minimum", "maximum", "perHour", "hysteresis", "tolerance")
"""What is measured in the unit of the watched attribute."""


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
    alarm: str | None = None  # what the alarm is called; without it, the kind
    condition: tree.Node | None = None  # of a joined rule: what no single kind can say

    @property
    def called(self) -> str:
        """What its alarms are called: part of their id."""
        return self.alarm or self.kind

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


def read(entity: Entity) -> Rule | None:
    """The Rule of a WatchRule entity; None when it is switched off; raises Unusable when it says nonsense."""
    said = _Said(entity)
    if said.of("enabled", True) is False:
        return None
    condition = said.of("condition")
    kind = said.word("kind", KINDS, None) if condition is None else ""
    type_, attribute = said.term("watchedType"), said.term("watchedAttribute") if condition is None else ""
    if type_ in OWN:
        raise Unusable(f"watchedType: watch does not watch {type_} entities, for it writes them")
    if (on := said.of("enabled", True)) is not True:
        raise Unusable(f"enabled: {on!r:.40} is neither true nor false")
    if condition is not None:
        return compiled(tree.of_json(condition), _head(said, type_))
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


def _head(said: "_Said", type_: str) -> Rule:
    """What a rule says beside its condition."""
    alarm = said.of("alarm")
    if not names_alarm(alarm):
        raise Unusable(f"alarm: what the alarm is called, at most {ALARM} printable characters, not {RESERVED}")
    return Rule(
        id=said.entity.id,
        kind="joined",
        type=type_,
        attribute="",
        severity=said.word("severity", SEVERITIES, "medium"),
        category=said.word("category", CATEGORIES, "environment"),
        text=said.text("template"),
        match=said.pattern("watchedId"),
        alarm=alarm,
    )


def names_alarm(value: Any) -> bool:
    """Whether an alarm can be called so."""
    return isinstance(value, str) and 0 < len(value) <= ALARM and value.isprintable() and value != RESERVED


def compiled(node: tree.Node, head: Rule) -> Rule:
    """The rule of a condition: one of the kinds where a single leaf says it all, else `joined`, with the whole tree."""
    single = _single(node)
    if single is None:
        return replace(head, kind="joined", attribute=tree.subject(node), condition=node)
    return replace(head, **single)


def _single(node: tree.Node) -> dict[str, Any] | None:
    """The fields of the rule of one kind that says the same as a tree, or None."""
    hold = 0
    if isinstance(node, tree.Lasting):
        hold, node = node.span, node.of
    if isinstance(node, tree.Limit) and node.measure in {None, "mean"}:
        limits = {"low": node.beyond.low, "high": node.beyond.high, "unit": node.beyond.unit}
        return _kind("threshold", node, hold) | limits | {"hysteresis": node.hysteresis, "average": node.over}
    if isinstance(node, tree.Rate):
        low = None if node.side == "rises" else -node.per_hour
        high = None if node.side == "falls" else node.per_hour
        limits = {"low": low, "high": high, "unit": node.unit}
        how = {"hysteresis": node.hysteresis, "window": node.over, "readings": node.readings}
        return _kind("rate", node, hold) | limits | how
    if isinstance(node, tree.Implausible):
        limits = {"low": node.beyond.low, "high": node.beyond.high, "unit": node.beyond.unit}
        return _kind("implausible", node, hold) | limits
    if isinstance(node, tree.Silent) and not hold:
        return _kind("silence", node, 0) | {"lasting": node.span}
    if isinstance(node, tree.Flat) and not hold:
        flat = {"lasting": node.span, "tolerance": node.tolerance, "unit": node.unit, "readings": node.readings}
        return _kind("flat", node, 0) | flat
    return None


def _kind(kind: str, node: tree.Own, hold: int) -> dict[str, Any]:
    return {"kind": kind, "attribute": node.attribute, "hold_off": hold}


def condition_of(rule: Rule) -> tree.Node:
    """The condition of a rule as a tree; `compiled` makes the same rule of it."""
    if rule.condition is not None:
        return rule.condition
    beyond = tree.Range(rule.low, rule.high, rule.unit)
    node: tree.Node
    if rule.kind == "threshold":
        measure = "mean" if rule.average else None
        node = tree.Limit(rule.attribute, beyond, rule.hysteresis, measure, rule.average)
    elif rule.kind == "rate":
        side = "rises" if rule.low is None else "falls" if rule.high is None else "changes"
        fast = rule.high if rule.high is not None else -(rule.low or 0.0)
        node = tree.Rate(rule.attribute, side, fast, rule.unit, rule.window, rule.hysteresis, rule.readings)
    elif rule.kind == "silence":
        return tree.Silent(rule.attribute, rule.lasting)
    elif rule.kind == "flat":
        return tree.Flat(rule.attribute, rule.lasting, rule.tolerance, rule.unit, rule.readings)
    else:
        node = tree.Implausible(rule.attribute, beyond)
    return tree.Lasting(node, rule.hold_off) if rule.hold_off else node


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
        if not is_term(value):
            raise Unusable(f"{name}: {value!r:.60} is no name")
        return str(value)

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
        if (fault := glob_fault(glob)) is not None:
            raise Unusable(f"{name}: {fault}")
        return matcher(glob)

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
