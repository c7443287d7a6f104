"""The condition of a rule as a small tree: what must hold for its alarm to ring.

A tree is data (`of_json`, `to_json`) and a sentence (`wording`, `printing`), one and the same. Its leaves look at the
rule's own source, at its neighbours, or at the calendar; above them stand `all`, `any`, `not`, `at least n of` and
`lasting`. Instants and spans are microseconds here, seconds in JSON; a limit is in its leaf's own unit.
Held by tests/apps/test_watch_text.py.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from math import isfinite
from typing import Any, Final

from hansa import units
from hansa.apps.watch.terms import DAYS, LONGEST_S, MONTHS, OWN, SECOND, Unusable, glob_fault, is_term

DEPTH: Final = 8
LEAVES: Final = 50
NEAR: Final = 4  # leaves of one tree that look at neighbours: each asks many entities
FARTHEST_M: Final = 100_000.0
MOST_READINGS: Final = 1_000
FRESH: Final = 3_600_000_000
"""How old what a neighbour said may be, unless the rule says otherwise: a sensor that died says nothing of now."""
MEASURES: Final = ("mean", "min", "max", "sum", "count")


@dataclass(frozen=True, slots=True)
class Range:
    """The last good values: beyond `low` or `high` the leaf is true. One of them may be None; `unit` of both."""

    low: float | None
    high: float | None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """A value (or what `measure` makes of those of the span `over`) lies beyond a range."""

    attribute: str
    beyond: Range
    hysteresis: float = 0.0
    measure: str | None = None
    over: int = 0


@dataclass(frozen=True, slots=True)
class Equals:
    """The attribute says just this: a text, true or false, a number."""

    attribute: str
    value: str | bool | float


@dataclass(frozen=True, slots=True)
class Rate:
    """The slope over a span passes so much an hour; `side` is rises, falls or changes."""

    attribute: str
    side: str
    per_hour: float
    unit: str | None = None
    over: int = 3_600 * SECOND
    hysteresis: float = 0.0
    readings: int = 3


@dataclass(frozen=True, slots=True)
class Silent:
    """Nothing was heard of the attribute for so long."""

    attribute: str
    span: int


@dataclass(frozen=True, slots=True)
class Flat:
    """The value has not moved by more than the tolerance for so long, over so many readings."""

    attribute: str
    span: int
    tolerance: float = 0.0
    unit: str | None = None
    readings: int = 3


@dataclass(frozen=True, slots=True)
class Implausible:
    """What no sensor can have measured: no finite number, or outside the range."""

    attribute: str
    beyond: Range


@dataclass(frozen=True, slots=True)
class Group:
    """Other entities: of a type (None: the source's own), within metres or named by a relationship of the source.

    Only what they said within `fresh` counts.
    """

    type: str | None = None
    like: str | None = None
    within: float | None = None
    linked: str | None = None
    fresh: int = FRESH


@dataclass(frozen=True, slots=True)
class Near:
    """At least so many others say something beyond a range, or say just this."""

    least: int
    group: Group
    attribute: str
    beyond: Range | None = None
    value: str | bool | float | None = None


@dataclass(frozen=True, slots=True)
class Apart:
    """The source's value lies so far from the median of at least so many others; `side`: above, below or away."""

    attribute: str
    by: float
    side: str
    group: Group
    unit: str | None = None
    least: int = 3


@dataclass(frozen=True, slots=True)
class Daytime:
    """The city's clock stands between two times of day, in minutes; from the later to the earlier over midnight."""

    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Weekday:
    """It is one of these days (0 is Monday) in the city's zone."""

    days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Month:
    """It is one of these months (1 is January) in the city's zone."""

    months: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class All:
    """Every one of them."""

    of: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least `least` of them; `any` is one."""

    of: tuple["Node", ...]
    least: int = 1


@dataclass(frozen=True, slots=True)
class Not:
    """It does not hold."""

    of: "Node"


@dataclass(frozen=True, slots=True)
class Lasting:
    """It has held for so long: the hold-off."""

    of: "Node"
    span: int


Node = (
    Limit | Equals | Rate | Silent | Flat | Implausible | Near | Apart | Daytime | Weekday | Month | All | Some | Not
    | Lasting
)  # fmt: skip
Own = Limit | Equals | Rate | Silent | Flat | Implausible | Apart
OWN_LEAVES: Final = (Limit, Equals, Rate, Silent, Flat, Implausible, Apart)


def parts(node: Node) -> tuple[Node, ...]:
    """The nodes right below one."""
    if isinstance(node, All | Some):
        return node.of
    return (node.of,) if isinstance(node, Not | Lasting) else ()


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it, from left to right."""
    yield node
    for one in parts(node):
        yield from walk(one)


def own(node: Node) -> Iterator[Own]:
    """The leaves that look at an attribute of the source itself."""
    return (one for one in walk(node) if isinstance(one, OWN_LEAVES))


def subject(node: Node) -> str:
    """The attribute that the rule is about first; raises Unusable when it looks at none of its source."""
    for one in own(node):
        return one.attribute
    raise Unusable("condition: it looks at no attribute of its source")


# JSON


def to_json(node: Node) -> dict[str, Any]:
    """The tree as JSON that reads as a sentence."""
    return _SAY[type(node)](node)


def _range_json(one: Range) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if one.low is not None and one.high is not None:
        said["outside"] = [one.low, one.high]
    elif one.high is not None:
        said["above"] = one.high
    else:
        said["below"] = one.low
    return said if one.unit is None else said | {"unit": one.unit}


def _limit_json(node: Any) -> dict[str, Any]:
    head: dict[str, Any] = {"attribute": node.attribute}
    if node.measure is not None:
        head = {node.measure: node.attribute, "over": seconds(node.over)}
    return head | _range_json(node.beyond) | _unless("hysteresis", node.hysteresis, 0.0)


def _implausible_json(node: Any) -> dict[str, Any]:
    return {"attribute": node.attribute, "implausible": [node.beyond.low, node.beyond.high]} | _unless(
        "unit", node.beyond.unit, None
    )


def _group_json(group: Group) -> dict[str, Any]:
    said = _unless("type", group.type, None) | _unless("like", group.like, None)
    where = {"within": group.within} if group.linked is None else {"linkedBy": group.linked}
    return said | where | ({} if group.fresh == FRESH else {"fresh": seconds(group.fresh)})


def _near_json(node: Any) -> dict[str, Any]:
    what = {"is": node.value} if node.beyond is None else _range_json(node.beyond)
    return {"atLeast": node.least, "neighbours": _group_json(node.group), "attribute": node.attribute} | what


def _unless(name: str, value: Any, default: Any) -> dict[str, Any]:
    return {} if value == default else {name: value}


_SAY: Final[dict[type, Callable[[Any], dict[str, Any]]]] = {
    Limit: _limit_json,
    Equals: lambda n: {"attribute": n.attribute, "is": n.value},
    Rate: lambda n: {"attribute": n.attribute, n.side: n.per_hour}
    | _unless("unit", n.unit, None)
    | {"over": seconds(n.over)}
    | _unless("hysteresis", n.hysteresis, 0.0)
    | _unless("readings", n.readings, 3),
    Silent: lambda n: {"attribute": n.attribute, "silentFor": seconds(n.span)},
    Flat: lambda n: {"attribute": n.attribute, "flatFor": seconds(n.span)}
    | _unless("tolerance", n.tolerance, 0.0)
    | _unless("unit", n.unit, None)
    | _unless("readings", n.readings, 3),
    Implausible: _implausible_json,
    Near: _near_json,
    Apart: lambda n: {"attribute": n.attribute, "apart": n.by, "side": n.side}
    | _unless("unit", n.unit, None)
    | {"atLeast": n.least, "neighbours": _group_json(n.group)},
    Daytime: lambda n: {"time": [clock_text(n.since), clock_text(n.until)]},
    Weekday: lambda n: {"weekdays": [DAYS[one] for one in n.days]},
    Month: lambda n: {"months": [MONTHS[one - 1] for one in n.months]},
    All: lambda n: {"all": [to_json(one) for one in n.of]},
    Some: lambda n: ({"any": [to_json(one) for one in n.of]} if n.least == 1 else {"atLeast": n.least, "of": [
        to_json(one) for one in n.of
    ]}),
    Not: lambda n: {"not": to_json(n.of)},
    Lasting: lambda n: {"lasting": seconds(n.span), "that": to_json(n.of)},
}  # fmt: skip


def seconds(micros: int) -> int | float:
    """A span as JSON says it."""
    return micros // SECOND if micros % SECOND == 0 else micros / SECOND


def clock_text(minutes: int) -> str:
    """`22:00` of 1,320 minutes."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def of_json(said: Any) -> Node:
    """The tree of such JSON, checked; raises Unusable that says where, what and why."""
    node = _Reading().node(said, "condition", 1)
    check(node)
    return node


class _Reading:
    """Reads JSON; every member is known, and of its kind."""

    def __init__(self) -> None:
        self._left = 4 * LEAVES  # nodes: what a hostile document could make of a few bytes

    def node(self, said: Any, where: str, depth: int) -> Node:
        self._left -= 1
        if depth > DEPTH or self._left < 0:
            raise Unusable(f"{where}: a condition is at most {DEPTH} deep and has at most {LEAVES} parts")
        if not isinstance(said, Mapping) or not all(isinstance(name, str) for name in said):
            raise Unusable(f"{where}: {said!r:.40} is no condition; it is an object such as {{'all': [...]}}")
        left = dict(said)
        node = self._of(left, where, depth)
        if left:
            raise Unusable(f"{where}: {next(iter(left))[:40]!r} means nothing here")
        return node

    def _of(self, said: dict[str, Any], where: str, depth: int) -> Node:
        for name, make in (("all", All), ("any", Some)):
            if name in said:
                some = self._many(said.pop(name), f"{where}.{name}", depth)
                return make(some) if len(some) > 1 else some[0]
        if "not" in said:
            return Not(self.node(said.pop("not"), f"{where}.not", depth + 1))
        if "lasting" in said:
            span = _span(said, "lasting", where)
            return Lasting(self.node(said.pop("that", None), f"{where}.that", depth + 1), span)
        if "of" in said:
            some = self._many(said.pop("of"), f"{where}.of", depth)
            least = _whole(said, "atLeast", where, None, len(some))
            return Some(some, least) if len(some) > 1 else some[0]
        return _leaf(said, where)

    def _many(self, said: Any, where: str, depth: int) -> tuple[Node, ...]:
        if not isinstance(said, list | tuple) or not said:
            raise Unusable(f"{where}: a list of conditions, at least one")
        return tuple(self.node(one, f"{where}[{i}]", depth + 1) for i, one in enumerate(said))


def _leaf(said: dict[str, Any], where: str) -> Node:
    calendar = _calendar(said, where)
    if calendar is not None:
        return calendar
    for measure in MEASURES:
        if measure in said:
            attribute = _term(said, measure, where)
            over = _span(said, "over", where)
            unit = _unit(said, where)
            return Limit(attribute, _range(said, where, unit), _positive(said, "hysteresis", where), measure, over)
    attribute = _term(said, "attribute", where)
    if "neighbours" in said:
        return _of_others(said, attribute, where)
    if "silentFor" in said:
        return Silent(attribute, _span(said, "silentFor", where))
    if "is" in said:
        return Equals(attribute, _value(said.pop("is"), f"{where}.is"))
    return _of_numbers(said, attribute, where)


def _calendar(said: dict[str, Any], where: str) -> Node | None:
    if "time" in said:
        both = said.pop("time")
        if not isinstance(both, list | tuple) or len(both) != 2:
            raise Unusable(f'{where}.time: two times such as ["22:00", "06:00"]')
        return Daytime(clock_minutes(both[0], f"{where}.time"), clock_minutes(both[1], f"{where}.time"))
    if "weekdays" in said:
        return Weekday(_words(said.pop("weekdays"), DAYS, f"{where}.weekdays", 0))
    if "months" in said:
        return Month(_words(said.pop("months"), MONTHS, f"{where}.months", 1))
    return None


def _of_numbers(said: dict[str, Any], attribute: str, where: str) -> Node:
    unit = _unit(said, where)
    if "flatFor" in said:
        readings = _whole(said, "readings", where, 3, MOST_READINGS)
        return Flat(attribute, _span(said, "flatFor", where), _positive(said, "tolerance", where), unit, readings)
    if "implausible" in said:
        both = said.pop("implausible")
        if not isinstance(both, list | tuple) or len(both) != 2:
            raise Unusable(f"{where}.implausible: [lowest, highest], null for none")
        low, high = (None if one is None else _number(one, f"{where}.implausible") for one in both)
        return Implausible(attribute, Range(low, high, unit))
    for side in ("rises", "falls", "changes"):
        if side in said:
            fast = _number(said.pop(side), f"{where}.{side}")
            over = _span(said, "over", where, 3_600 * SECOND)
            back = _positive(said, "hysteresis", where)
            return Rate(attribute, side, fast, unit, over, back, _whole(said, "readings", where, 3, MOST_READINGS))
    return Limit(attribute, _range(said, where, unit), _positive(said, "hysteresis", where))


def _of_others(said: dict[str, Any], attribute: str, where: str) -> Node:
    group = _group(said.pop("neighbours"), f"{where}.neighbours")
    unit = _unit(said, where)
    if "apart" in said:
        by = _number(said.pop("apart"), f"{where}.apart")
        side = said.pop("side", "away")
        if side not in {"above", "below", "away"}:
            raise Unusable(f"{where}.side: above, below or away")
        return Apart(attribute, by, side, group, unit, _whole(said, "atLeast", where, 3, 1_000))
    least = _whole(said, "atLeast", where, 1, 1_000)
    if "is" in said:
        return Near(least, group, attribute, None, _value(said.pop("is"), f"{where}.is"))
    return Near(least, group, attribute, _range(said, where, unit))


def _group(said: Any, where: str) -> Group:
    if not isinstance(said, Mapping):
        raise Unusable(f'{where}: an object such as {{"within": 5000}}')
    left = dict(said)
    kind = left.pop("type", None)
    like = left.pop("like", None)
    within = None if "within" not in left else _number(left.pop("within"), f"{where}.within")
    linked = left.pop("linkedBy", None)
    fresh = _span(left, "fresh", where, FRESH)
    if left:
        raise Unusable(f"{where}: {str(next(iter(left)))[:40]!r} means nothing here")
    return Group(kind, like, within, linked, fresh)


def _number(value: Any, where: str) -> float:
    if type(value) not in {int, float} or abs(value) > 1e300 or not isfinite(value):
        raise Unusable(f"{where}: {value!r:.40} is no number")
    return float(value)


def _positive(said: dict[str, Any], name: str, where: str) -> float:
    return _number(said.pop(name, 0.0), f"{where}.{name}")


def _whole(said: dict[str, Any], name: str, where: str, default: int | None, most: int) -> int:
    value = said.pop(name, default)
    if type(value) is not int or not 1 <= value <= most:
        raise Unusable(f"{where}.{name}: a whole number from 1 to {most}")
    return value


def _span(said: dict[str, Any], name: str, where: str, default: int | None = None) -> int:
    if name not in said and default is not None:
        return default
    return round(min(max(_number(said.pop(name, None), f"{where}.{name}"), -1.0), 1e9) * SECOND)


def _term(said: dict[str, Any], name: str, where: str) -> str:
    value = said.pop(name, None)
    if not isinstance(value, str):
        raise Unusable(f"{where}: which {name}? {value!r:.40} is no name")
    return value


def _unit(said: dict[str, Any], where: str) -> str | None:
    value = said.pop("unit", None)
    if value is not None and not isinstance(value, str):
        raise Unusable(f"{where}.unit: {value!r:.40} is no UN/CEFACT code")
    return value


def _range(said: dict[str, Any], where: str, unit: str | None) -> Range:
    if "outside" in said:
        both = said.pop("outside")
        if not isinstance(both, list | tuple) or len(both) != 2:
            raise Unusable(f"{where}.outside: [lowest, highest]")
        return Range(_number(both[0], f"{where}.outside"), _number(both[1], f"{where}.outside"), unit)
    if "above" in said:
        return Range(None, _number(said.pop("above"), f"{where}.above"), unit)
    if "below" in said:
        return Range(_number(said.pop("below"), f"{where}.below"), None, unit)
    raise Unusable(f"{where}: what of it? above, below, outside, is, rises, falls, silentFor, flatFor ...")


def _value(value: Any, where: str) -> str | bool | float:
    if isinstance(value, str | bool):
        return value
    return _number(value, where)


def _words(said: Any, known: tuple[str, ...], where: str, first: int) -> tuple[int, ...]:
    if not isinstance(said, list | tuple) or not all(isinstance(one, str) and one in known for one in said):
        raise Unusable(f"{where}: some of {', '.join(known)}")
    return tuple(sorted({known.index(one) + first for one in said}))


def clock_minutes(text: Any, where: str) -> int:
    """Minutes of the day of `22:00`; raises Unusable."""
    if isinstance(text, str) and len(text) == 5 and text[2] == ":" and text.isascii():
        hours, minutes = text[:2], text[3:]
        if hours.isdigit() and minutes.isdigit() and int(hours) < 24 and int(minutes) < 60:
            return int(hours) * 60 + int(minutes)
    raise Unusable(f"{where}: {text!r:.20} is no time of day such as 22:00")


# What every tree must be, however it was said


def check(node: Node) -> None:
    """Raise Unusable for a tree that cannot be judged, or would cost too much."""
    leaves = near = 0
    for one, depth in _deep(node, 1):
        if depth > DEPTH:
            raise Unusable(f"condition: it is more than {DEPTH} deep")
        leaves += not parts(one)
        near += isinstance(one, Near | Apart)
        if leaves > LEAVES or near > NEAR:
            raise Unusable(f"condition: at most {LEAVES} parts, {NEAR} of them about neighbours")
        _check(one)
    subject(node)


def _deep(node: Node, depth: int) -> Iterator[tuple[Node, int]]:
    yield node, depth
    if depth <= DEPTH:
        for one in parts(node):
            yield from _deep(one, depth + 1)


def _check(one: Node) -> None:
    for field in fields(one):
        value = getattr(one, field.name)
        if field.name in {"over", "span"} and value and not 0 < value <= LONGEST_S * SECOND:
            raise Unusable(f"condition: a span is longer than nothing and at most a year, not {value / SECOND:g} s")
        if field.name == "attribute" and not is_term(value):
            raise Unusable(f"condition: {value!r:.60} is no name of an attribute")
        if field.name == "unit":
            check_unit(value)
        if isinstance(value, Range):
            _check_range(value)
        if isinstance(value, Group):
            _check_group(value)
        if field.name in {"hysteresis", "tolerance"} and not 0.0 <= value <= 1e300:
            raise Unusable(f"condition: {field.name} is not below zero")
    _check_more(one)


def _check_more(one: Node) -> None:
    for wrong, why in _FAULTS.get(type(one), ()):
        if wrong(one):
            raise Unusable(f"condition: {why}")
    if isinstance(one, Equals | Near) and isinstance(one.value, str):
        _check_text(one.value)


_BRIEF: Final = (lambda n: n.span < SECOND, "a span is at least a second")
_BRIEF_OVER: Final = (lambda n: 0 < n.over < SECOND, "a span is at least a second")
_READINGS: Final = (
    lambda n: not 2 <= n.readings <= MOST_READINGS,
    f"it takes 2 to {MOST_READINGS:,} readings to see whether a value moves",
)
_MANY: Final = (lambda n: not 1 <= n.least <= 1_000, "at least 1 and at most 1,000 neighbours")
_JOINED: Final = (lambda n: len(n.of) < 2, "what is joined are two or more")
_FAULTS: Final[dict[type, tuple[tuple[Callable[[Any], bool], str], ...]]] = {
    Limit: (
        (lambda n: (n.measure is None) != (n.over == 0), "mean, min, max, sum and count are taken over a span"),
        (lambda n: n.measure == "count" and n.beyond.unit is not None, "a count has no unit"),
        (lambda n: n.beyond.low is None and n.beyond.high is None, "a limit is above or below something"),
        _BRIEF_OVER,
    ),
    Rate: (
        (lambda n: not 0.0 < n.per_hour <= 1e300, "a rate is above zero; rises, falls or changes says which way"),
        _BRIEF_OVER,
        _READINGS,
    ),
    Silent: (_BRIEF,),
    Flat: (_BRIEF, _READINGS),
    Lasting: (_BRIEF,),
    Near: (
        _MANY,
        (lambda n: (n.beyond is None) == (n.value is None), "neighbours are beyond a limit, or say just this"),
        (lambda n: n.beyond is not None and n.beyond.low is None and n.beyond.high is None, "above or below what?"),
    ),
    Apart: (_MANY, (lambda n: not 0.0 < n.by <= 1e300, "the distance from the median is above zero")),
    Daytime: (
        (lambda n: not (0 <= n.since < 1_440 and 0 <= n.until < 1_440), "a time of day is from 00:00 to 23:59"),
        (lambda n: n.since == n.until, "a time of day begins and ends at two times"),
    ),
    Weekday: ((lambda n: not n.days, "which days?"),),
    Month: ((lambda n: not n.months, "which months?"),),
    All: (_JOINED,),
    Some: (_JOINED, (lambda n: not 1 <= n.least <= len(n.of), "more are to hold than there are")),
}


def _check_text(value: str) -> None:
    if len(value) > 200 or not all(c.isprintable() for c in value):
        raise Unusable("condition: a text to compare with is at most 200 printable characters")


def check_unit(code: str | None) -> None:
    """Raise Unusable for a unit that hansa does not know."""
    if code is not None and code not in units.UNITS:
        raise Unusable(f"condition: the unit {code!r:.40} is no UN/CEFACT code that hansa knows")


def _check_range(one: Range) -> None:
    check_unit(one.unit)
    if one.low is not None and one.high is not None and one.low > one.high:
        raise Unusable(f"condition: {one.low:g} lies above {one.high:g}")


def _check_group(one: Group) -> None:
    if one.type is not None and (not is_term(one.type) or one.type in OWN):
        raise Unusable(f"condition: {one.type!r:.60} is no type of neighbours")
    if one.like is not None and (fault := glob_fault(one.like)) is not None:
        raise Unusable(f"condition: like: {fault}")
    if (one.within is None) == (one.linked is None):
        raise Unusable("condition: neighbours are within a distance, or linked by a relationship")
    if one.within is not None and not 0.0 < one.within <= FARTHEST_M:
        raise Unusable(f"condition: neighbours are within {FARTHEST_M / 1_000:g} km")
    if one.linked is not None and not is_term(one.linked):
        raise Unusable(f"condition: {one.linked!r:.60} is no name of a relationship")
    if not SECOND <= one.fresh <= LONGEST_S * SECOND:
        raise Unusable("condition: what neighbours said is fresh for a second up to a year")
