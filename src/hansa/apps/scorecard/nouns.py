"""The names of things: ids that are made, never drawn; areas, and periods as calendar years of the city's time zone."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from zoneinfo import ZoneInfo

from hansa import City, Entity, NotFound, Refusal

WHOLE: Final = "city"
"""The area that is the whole city; any other is the id of an entity."""
FIRST_YEAR: Final = 1900
WORD: Final = 200
"""Characters of a code, an input's name or an area's id."""
MOST: Final = 20_000
"""Entities of one kind that are looked at: 91 indicators of 20 years of ten districts."""
_YEAR: Final = re.compile(r"[0-9]{4}\Z")
_ID: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}\Z")
_SAFE: Final = re.compile(r"[^\s\"'`;|&()<>\\\x00-\x1f\x7f]{1,200}\Z")


@dataclass(frozen=True, slots=True)
class Spell:
    """A period: the text of its year, its ends in microseconds (the last not in it), and how it stands to now."""

    period: str
    since: int
    until: int
    now: int

    @property
    def running(self) -> bool:
        """Whether it is the present year: what is counted now is not the whole of it."""
        return self.since <= self.now < self.until

    @property
    def future(self) -> bool:
        """Whether it has not begun."""
        return self.now < self.since

    @property
    def seen(self) -> int:
        """Until when there can be readings: its end, or now."""
        return min(self.until, max(self.since, self.now))


def zone(city: City) -> ZoneInfo:
    """The city's time zone."""
    return ZoneInfo(str(city.setting("timezone") or "UTC"))


def period_of(city: City, at: int) -> str:
    """The calendar year in which an instant lies."""
    return f"{datetime.fromtimestamp(at // 1_000_000, zone(city)).year:04}"


def spell(city: City, period: str) -> Spell:
    """A calendar year as a span. Refusal when it is none."""
    period = checked_period(period)
    where, year = zone(city), int(period)
    ends = [_micros(datetime(y, 1, 1, tzinfo=where)) for y in (year, year + 1)]
    return Spell(period, ends[0], ends[1], city.now())


def _micros(when: datetime) -> int:
    return round(when.timestamp()) * 1_000_000


def checked_period(said: Any, where: str = "period") -> str:
    """The text of a year. Refusal when it is none; a whole number will do."""
    if type(said) is int or (type(said) is float and said.is_integer()):
        said = str(int(said))
    if not isinstance(said, str) or not _YEAR.match(said.strip()) or int(said) < FIRST_YEAR or int(said) > 9_000:
        raise Refusal(f"{str(said)[:40]!r} is no period", where=where, mend="a calendar year, such as 2025")
    return said.strip()


def past_or_running(city: City, said: Any, where: str = "period") -> Spell:
    """A year of which something can be known. Refusal for one that has not begun."""
    found = spell(city, checked_period(said, where))
    if found.future:
        raise Refusal(f"{found.period} has not begun", where=where, mend="a year until now")
    return found


def checked_framework(said: Any) -> str:
    """A framework's id as text. Refusal when it cannot be one."""
    if not isinstance(said, str) or not _ID.match(said):
        raise Refusal("there is no such framework", where="framework", mend="u4ssc, or another that the city uses")
    return said


def checked_area(city: City, said: Any) -> str:
    """An area: `city`, or the id of an entity that has a place. Refusal when it is none."""
    if said is None or said in ("", WHOLE):
        return WHOLE
    if not isinstance(said, str) or not _SAFE.match(said):
        raise Refusal("an area is the id of an entity, or 'city'", where="area")
    try:
        shape = city.get(said).location
    except NotFound:
        raise Refusal(f"there is no area {said}", where="area", mend="the id of a district, or 'city'") from None
    if not isinstance(shape, dict) or shape.get("type") not in {"Polygon", "MultiPolygon"}:
        raise Refusal(f"{said} has no polygon as its location", where="area", mend="a district with its border")
    return said


# ---- Ids


def _id(kind: str, head: str, *parts: str) -> str:
    # Codes and areas hold colons, spaces and slashes; a hash of all parts is a good name in every URI.
    return f"urn:ngsi-ld:{kind}:{head}-{sha256(chr(31).join((head, *parts)).encode()).hexdigest()[:24]}"


def framework_id(framework: str) -> str:
    """Of a framework that the city uses."""
    return f"urn:ngsi-ld:KpiFramework:{framework}"


def indicator_id(framework: str, code: str, area: str, period: str) -> str:
    """Of the value of an indicator."""
    return _id("KeyPerformanceIndicator", framework, code, area, period)


def input_id(framework: str, name: str, area: str, period: str) -> str:
    """Of one number."""
    return _id("KpiInput", framework, name, area, period)


def binding_id(framework: str, name: str, area: str) -> str:
    """Of how an input is obtained."""
    return _id("KpiBinding", framework, name, area)


def target_id(framework: str, code: str, point: str, area: str, year: int) -> str:
    """Of a target for a year."""
    return _id("KpiTarget", framework, code, point, area, str(year))


def publication_id(framework: str, period: str) -> str:
    """Of the word that a period is public."""
    return _id("KpiPublication", framework, period)


def city_id(framework: str, place: str, code: str, point: str, period: str) -> str:
    """Of another city's value."""
    return _id("KpiCity", framework, place, code, point, period)


# ---- Looking up


def known(city: City, ident: str) -> Entity | None:
    """One entity, or None."""
    try:
        return city.get(ident)
    except NotFound:
        return None


def indicators(
    city: City,
    framework: str,
    period: str | None = None,
    area: str | None = WHOLE,
    code: str | None = None,
    *,
    most: int = MOST,
) -> list[Entity]:
    """Values of a framework's indicators (`area` None: of every area), by code and period."""
    found = city.find(
        "KeyPerformanceIndicator", _q(framework=framework, period=period, area=area, code=code), None, most
    )
    return sorted(found, key=lambda one: (str(one.get("code")), str(one.get("period"))))


def inputs(
    city: City, framework: str, period: str | None = None, area: str | None = WHOLE, name: str | None = None
) -> list[Entity]:
    """Inputs of a framework (`area` None: of every area), by name and period."""
    found = city.find("KpiInput", _q(framework=framework, period=period, area=area, input=name), None, MOST)
    return sorted(found, key=lambda one: (str(one.get("input")), str(one.get("period"))))


def of_kind(city: City, kind: str, **said: str | None) -> list[Entity]:
    """Entities of one of the app's types of which all that is said holds."""
    return city.find(kind, _q(**said) or None, None, MOST)


def _q(**said: str | None) -> str:
    parts = []
    for name, value in said.items():
        if value is None:
            continue
        if len(value) > WORD:
            raise Refusal(f"{name} cannot be {value[:40]!r}", where=name)
        # A city's own codes hold whatever people write: brackets, quotes, ampersands.
        parts.append(f"{name}=={json.dumps(value, ensure_ascii=False)}")
    return ";".join(parts)
