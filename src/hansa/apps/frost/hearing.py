"""From a WeatherObserved as the city holds it to an `Observation`, and from local nights to instants and back.

A row may come whole or attribute by attribute: what was measured within a minute of the air temperature belongs to it,
what is older does not (the night itself remembers a dew point for three hours). Held by tests/apps/test_frost.py.
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from hansa import City, Entity, units
from hansa.apps.frost.events import Observation, Place
from hansa.apps.frost.night import YEARS

AIR: Final = "temperature"
UNITS: Final = {AIR: "CEL", "dewPoint": "CEL", "relativeHumidity": "P1", "atmosphericPressure": "A97"}
"""The attributes that frost hears, and the unit (UN/CEFACT) in which it takes them."""

TOGETHER: Final = 60_000_000
"""Microseconds within which readings are of one observation: less than station files' minutes can tell apart."""

AHEAD: Final = 3_600_000_000
"""A reading further ahead of the city's clock (microseconds) is passed over: it would silence its station till then."""

POINTS: Final = 10_000
"""The newest points of history that are heard again."""

HUGE: Final = 1e6
"""Beyond any measurement; a number of 400 digits must not reach arithmetic."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_IRIS = ("https://smartdatamodels.org/", "https://uri.fiware.org/ns/")


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The time zone of a name; ValueError when there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, OSError) as fault:
        raise ValueError(f"{name!r} is not a time zone: write it as Europe/Bratislava") from fault


def short(name: str) -> str:
    """The term of a Smart Data Models' IRI; other names stay."""
    return name.replace("#", "/").rsplit("/", 1)[1] if name.startswith(_IRIS) else name


def there(city: City, ident: str) -> Entity | None:
    """An entity, or None when the city has none of this id."""
    try:
        return city.get(ident)
    except Exception as fault:
        # The façade hands out no NotFound; its status is the part of it that an app can know.
        if getattr(fault, "status", None) != 404:
            raise
        return None


def instant(stated: Any) -> int | None:
    """Microseconds of an `observedAt`, or None when it is no date-time."""
    try:
        when = datetime.fromisoformat(stated)
        return (when - _EPOCH) // timedelta(microseconds=1)
    except (TypeError, ValueError, OverflowError):
        return None


def iso(at: int) -> str:
    """An instant as NGSI-LD writes it, to the second."""
    return (_EPOCH + timedelta(seconds=at // 1_000_000)).strftime("%Y-%m-%dT%H:%M:%SZ")


def local(at: int, where: tzinfo) -> datetime | None:
    """The station's wall time of an instant; None for a year that no night can be reckoned in."""
    try:
        here = (_EPOCH + timedelta(microseconds=at)).astimezone(where)
    except OverflowError:
        return None
    return here if here.year in YEARS else None


def utc(at: datetime, where: tzinfo) -> int:
    """The instant (microseconds) of a naive local time; in an hour that comes twice, its first."""
    return (at.replace(tzinfo=where) - _EPOCH) // timedelta(microseconds=1)


def place_of(station: Entity) -> Place | None:
    """Where a station stands, if it says so with a Point of two sane numbers."""
    spot = station.location
    match spot:
        case {"type": "Point", "coordinates": [float() | int() as east, float() | int() as north, *_]}:
            return Place(north, east) if abs(north) <= 90.0 and abs(east) <= 180.0 else None
    return None


def observation(station: Entity, at: int, when: datetime, *, companions: Iterable[str]) -> Observation:
    """What a station said at one instant.

    An attribute without a time of its own belongs to it only when it is one of the `companions`, which came with it.
    """
    found: dict[str, float | None] = {}
    for name, unit in UNITS.items():
        try:
            said = station.attribute(name)
        except KeyError:
            continue
        if name == AIR or (name in companions if said.at is None else abs(said.at - at) < TOGETHER):
            found[name] = number(said.value, said.unit, unit)
    return _observation(when, found)


def past(
    city: City, station: Entity, since: int, until: int, before_seq: int | None
) -> list[tuple[int, datetime, Observation]]:
    """What history knows of a station from `since` to before `until`, in the order in which the city took it.

    Only what was taken before the Change `before_seq`: the rest comes by the log. Times are in the zone of the city.
    """
    where = zone(city.setting("timezone", "UTC"))
    stored = {short(name): name for name in reversed(station.names) if short(name) in UNITS}
    series = {
        name: city.history(station.id, stored[name], since - TOGETHER, until + TOGETHER, last=POINTS) for name in stored
    }
    rows = []
    times = {name: [point.at for point in points] for name, points in series.items()}
    for point in sorted(series.pop(AIR, ()), key=lambda one: one.seq):
        when = local(point.at, where) if since <= point.at < until else None
        if when is None or (before_seq is not None and point.seq >= before_seq):
            continue
        found = {AIR: number(point.value, point.instance.get("unitCode"), UNITS[AIR])}
        for name, points in series.items():
            # The newest up to then, else the first after it.
            i = bisect_right(times[name], point.at) - 1
            near = [one for one in points[max(0, i) : i + 2] if abs(one.at - point.at) < TOGETHER]
            if near:
                found[name] = number(near[0].value, near[0].instance.get("unitCode"), UNITS[name])
        rows.append((point.at, when, _observation(when, found)))
    return rows


def number(value: Any, unit: Any, wanted: str) -> float | None:
    """The value in the wanted unit; None for what is no number, or of a unit that measures something else."""
    if type(value) not in {int, float} or not -HUGE < value < HUGE:
        return None
    if unit is None:
        # Smart Data Models gives humidity as a share of one.
        return value * 100.0 if wanted == "P1" and 0.0 < value <= 1.0 else float(value)
    if unit == wanted:
        return float(value)
    known, target = units.UNITS.get(unit) if isinstance(unit, str) else None, units.UNITS[wanted]
    if known is None or known.dimension != target.dimension:
        return None
    return units.convert(value, known.code, wanted)


def _observation(when: datetime, found: dict[str, float | None]) -> Observation:
    return Observation(
        when, found.get(AIR), found.get("dewPoint"), found.get("relativeHumidity"), found.get("atmosphericPressure")
    )
