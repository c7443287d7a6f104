"""What a query over the city gives for a period: the number, and by what it is known (its lineage).

A query says how much work it was, so that a round can stop in time. Too much for one query is a fault that is told,
never a sum over a part.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from hansa import BadRequest, City, Entity, NotFound, Refusal, geo, labels, units, windows
from hansa.apps.scorecard.nouns import Spell
from hansa.apps.scorecard.queries import BUCKETS, How, Readings, Things
from hansa.apps.scorecard.shapes import area_m2, centre, length_m
from hansa.apps.scorecard.times import iso, moment

ENTITIES: Final = 20_000
"""Of one query: 0.3 s in memory. A city with more lights asks by district."""
SERIES: Final = 500
"""Things whose year of history one query sums up."""
SHOWN: Final = 50
"""Ids that lineage names; how many there were it says besides."""
SERIES_WORK: Final = 50
"""What summing up a year of one thing costs, in entities read."""
SAMPLE: Final = 20
"""Things that are looked at one by one for how their attributes are labelled: that is given by type, in the main."""
FEW: Final = 5
"""Things of one area that are not open themselves: fewer are not told to the public, as in the open data."""
NAMES: Final = 20
"""Attributes that one q asks of."""
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_NAMED: Final = re.compile(r"(?<![\w.:@-])[A-Za-z_][\w:/#-]*")
DAY: Final = BUCKETS["day"]


@dataclass(frozen=True, slots=True)
class Got:
    """What a query gave: `value` None and `fault` where it gave nothing."""

    value: float | None
    lineage: dict[str, Any] = field(default_factory=dict)
    completeness: float | None = None
    fault: str = ""
    work: int = 1
    label: str | None = None
    """Under which label the number stands; None is the realm's own, staff's."""


def evaluate(how: How, city: City, spell: Spell, area: str = "city") -> Got:
    """The value of a query for a period and an area. What is wrong with the data is the `fault`; nothing is raised.

    Refusal where the query itself cannot be asked: a q that is none, a unit that is none.
    """
    if spell.future:
        return Got(None, fault=f"{spell.period} has not begun")
    got = _evaluated(how, city, spell, area)
    # The last of a double's digits are of the order of summing up, and no one's reading.
    return got if got.value is None else replace(got, value=float(f"{got.value:.12g}"))


def _label(city: City, found: list[Entity], *names: str) -> tuple[str | None, str]:
    """Under which label a number made of these stands; and why there is none, where some are personal or secret.

    The rounds ask with the app's eyes, which see all of the realm, and an input is read by all of the staff.
    """
    said = [one.label for one in found]
    # What is found does not say how single attributes are labelled; each by itself does.
    said += [it for one in found[:SAMPLE] if names for it in labels.of(city.get(one.id), *names)]
    label = labels.strictest(said)
    if label is not None and labels.rank(label) > 1:
        return None, "some of these are personal or guarded: a scorecard does not count them"
    return label, ""


def _guards(city: City, kind: str, *questions: str) -> str:
    """Why a question is not asked: what it asks of is personal or secret of things, also of those it does not hold for.

    Without this, whoever may bind a query could ask whether somebody is among the patients, and see 1 or 0.
    """
    names = {name for one in questions for name in _NAMED.findall(_QUOTED.sub("", one))}
    if len(names) > NAMES:
        return f"a q asks of at most {NAMES} attributes"
    for name in sorted(names):
        if fault := _label(city, city.find(kind, name, None, SAMPLE), name)[1]:
            return fault
    return ""


def _evaluated(how: How, city: City, spell: Spell, area: str) -> Got:
    if isinstance(how, Things):
        if not how.lasting and not spell.running:
            return Got(None, fault="this is about what is so now; only the running year can be asked")
        return _things(how, city, spell, area)
    if isinstance(how, Readings):
        return _readings(how, city, spell, area)
    return Got(None, fault="a table is asked when it is bound")


def _things(how: Things, city: City, spell: Spell, area: str) -> Got:
    q, of = how.asked(spell)
    found = found_of(city, how.type, q, how.within, area)
    if len(found) > ENTITIES:
        return Got(None, fault=_many(how.type, ENTITIES), work=len(found))
    if not found and not city.find(how.type, None, None, 1):
        # Nothing known is not the same as none there.
        return Got(None, fault=f"the city knows of no {how.type}", completeness=0.0)
    label, guarded = _label(city, found, *how.attribute.split(".."), "location")
    guarded = guarded or _guards(city, how.type, q, of)
    if guarded:
        return Got(None, fault=guarded, work=len(found))
    got = _counted(how, city, q, of, found, area)
    open_ = bool(found) and all((one.label or "").partition(";")[0] == "open" for one in found)
    return replace(got, label=label, lineage=got.lineage | {"few": not open_ and _is_few(got.lineage, how, area)})


def _is_few(told: Mapping[str, Any], how: Things, area: str) -> bool:
    """Whether a number is of so few things of a part of the city that it would tell of one of them."""
    many = [told.get("entities", 0), told.get("part", 0)]
    return (area != "city" or bool(how.within)) and any(0 < one < FEW for one in many)


def _counted(how: Things, city: City, q: str, of: str, found: list[Entity], area: str) -> Got:
    told = _told(how.type, q, how.aggregate, how.attribute, area, how.within, found) | {"asOf": iso(city.now())}
    work = len(found) + 1
    if how.aggregate == "count":
        return Got(len(found) * how.scale, told, 1.0, work=work)
    if how.aggregate == "share":
        return _share(how, city, q, of, found, told, area)
    if how.aggregate == "distinct":
        values = {str(one[how.attribute]) for one in found if how.attribute in one}
        return Got(len(values) * how.scale, told, _part(len(values), len(found)), work=work)
    numbers, fault = _numbers(how, found)
    told |= {"came": len(numbers), "expected": len(found)}
    if fault:
        return Got(None, told, fault=fault, work=work)
    if not numbers and (how.aggregate != "sum" or found):
        return Got(None, told, 0.0, fault=f"no {how.type} says its {how.attribute}", work=work)
    whole = len(numbers) / len(found) if found else 1.0
    return Got(_joined(how.aggregate, numbers) * how.scale, told, whole, work=work)


def _share(how: Things, city: City, q: str, of: str, found: list[Entity], told: dict[str, Any], area: str) -> Got:
    part = found_of(city, how.type, f"({q});({of})" if q else of, how.within, area)
    work = len(found) + len(part) + 1
    told |= {"part": len(part), "of": of}
    if not found:
        return Got(None, told, 0.0, fault=f"there is no {how.type} to take a share of", work=work)
    return Got(100.0 * len(part) / len(found) * how.scale, told, 1.0, work=work)


def _readings(how: Readings, city: City, spell: Spell, area: str) -> Got:
    found = found_of(city, how.type, how.q, how.within, area)
    if len(found) > SERIES:
        return Got(None, fault=_many(how.type, SERIES), work=len(found))
    label, guarded = _label(city, found, how.attribute)
    guarded = guarded or _guards(city, how.type, how.q)
    if guarded:
        return Got(None, fault=guarded, work=len(found))
    return replace(_summed(how, city, spell, found, area), label=label)


def _summed(how: Readings, city: City, spell: Spell, found: list[Entity], area: str) -> Got:
    length = BUCKETS[how.bucket]
    buckets = max(1, math.ceil((spell.seen - spell.since) / length))
    told = _told(how.type, how.q, how.each, how.attribute, area, how.within, found)
    told |= {"since": iso(spell.since), "until": iso(spell.seen), "across": how.across, "asOf": iso(city.now())}
    numbers, readings, came, expected, mute = [], 0, 0.0, 0.0, []
    for one in found:
        parts = city.summary(one.id, how.attribute, spell.since, spell.seen, length)
        many = sum(part.many for part in parts)
        readings += many
        if how.interval_s is not None:
            wanted = max(1.0, (spell.seen - spell.since) / 1e6 / how.interval_s)
            came, expected = came + min(wanted, many), expected + wanted
        else:
            came, expected = came + len({part.period for part in parts}), expected + buckets
        if not many:
            mute.append(one.id)
            continue
        value = _of_year(how, city, one, parts, spell)
        if value is None:
            mute.append(one.id)
            continue
        if how.unit:
            try:
                value = _converted(value, one, how.attribute, how.unit)
            except Refusal as why:
                return Got(None, told, fault=why.detail, work=SERIES_WORK * len(found) + 1)
        numbers.append(value)
    told |= {"readings": readings, "came": round(came), "expected": round(expected), "silent": mute[:SHOWN]}
    work = SERIES_WORK * len(found) + 1
    whole = min(1.0, came / expected) if expected else 0.0
    if not numbers:
        return Got(None, told, 0.0, fault=f"no {how.type} has readings of {how.attribute} in {spell.period}", work=work)
    return Got(_joined(how.across, numbers) * how.scale, told, whole, work=work)


def _of_year(how: Readings, city: City, one: Entity, parts: Iterable[Any], spell: Spell) -> float | None:
    """One number of one thing's year."""
    parts = list(parts)
    if how.above is not None:
        return float(sum(part.total / part.many > how.above for part in parts))
    if how.below is not None:
        return float(sum(part.total / part.many < how.below for part in parts))
    many = sum(part.many for part in parts)
    total = math.fsum(part.total for part in parts)
    low, high = min(part.low for part in parts), max(part.high for part in parts)
    if how.each == "last":
        points = windows.numbers(city.history(one.id, how.attribute, spell.since, spell.seen, last=1))
        return points[-1][1] if points else None
    by = {"mean": total / many, "sum": total, "min": low, "max": high, "rise": high - low, "count": float(many)}
    return float(by[how.each])


# ---- Parts


def found_of(city: City, kind: str, q: str, within: str, area: str) -> list[Entity]:
    """Entities of a query, no more than one beyond the cap; of an area those whose middle lies in it."""
    found = sorted(city.find(kind, q or None, None, ENTITIES + 1), key=lambda one: one.id)
    for border in dict.fromkeys(one for one in (within, "" if area == "city" else area) if one):
        try:
            shape = city.get(border).location
        except NotFound:
            raise Refusal(f"there is no area {border}", where="how.within") from None
        if not isinstance(shape, dict) or "coordinates" not in shape:
            raise Refusal(f"{border} has no place", where="how.within")
        lies = geo.GeoQuery.parse("within", str(shape.get("type")), shape["coordinates"])
        found = [one for one in found if (middle := centre(one.location)) is not None and lies.matches(middle)]
    return found


def _told(kind: str, q: str, how: str, attribute: str, area: str, within: str, found: list[Entity]) -> dict[str, Any]:
    said = {"how": "query", "type": kind, "q": q, "aggregate": how, "attribute": attribute, "area": area}
    return said | {"within": within, "entities": len(found), "ids": [one.id for one in found[:SHOWN]]}


def _numbers(how: Things, found: list[Entity]) -> tuple[list[float], str]:
    numbers: list[float] = []
    for one in found:
        value = measure(one, how.attribute)
        if value is None:
            continue
        if how.unit and not how.attribute.startswith("@"):
            try:
                value = _converted(value, one, how.attribute, how.unit)
            except Refusal as why:
                return [], why.detail
        numbers.append(value)
    return numbers, ""


def measure(one: Entity, attribute: str) -> float | None:
    """What one thing counts for a query of this attribute; None where it says nothing of it."""
    if attribute == "@length":
        return length_m(one.location)
    if attribute == "@area":
        return area_m2(one.location)
    if ".." in attribute:
        begin, end = (moment(one.get(name)) for name in attribute.split("..", 1))
        return None if begin is None or end is None or end < begin else (end - begin) / 60e6
    return windows.number(one.get(attribute))


def _converted(value: float, one: Entity, attribute: str, unit: str) -> float:
    """A value in another unit. Refusal when a thing speaks of another kind: ppm is no mass in a volume."""
    try:
        own = one.attribute(attribute).unit
    except KeyError:
        own = None
    if own is None or own == unit:
        return value
    try:
        return units.convert(value, own, unit)
    except BadRequest as why:
        raise Refusal(f"{one.id} says {attribute} in {own}: {why.detail}", where="how.unit") from None


def _joined(how: str, numbers: list[float]) -> float:
    if how == "mean":
        return math.fsum(numbers) / len(numbers)
    if how == "sum":
        return math.fsum(numbers)
    return max(numbers) if how == "max" else min(numbers)


def _part(many: int, of: int) -> float:
    return 1.0 if of and many else 0.0


def _many(kind: str, most: int) -> str:
    return f"more than {most:,} {kind}: too many for one value; ask for less by q, or by district"
