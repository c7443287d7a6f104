"""What a station says, in words: its state, its main reading with unit and age, and what is wrong there.

The same judgement as `static/station.js`, which makes it again for every reading that arrives; this one serves the
page as it is first sent, which works without any script. An entity is the concise form of NGSI-LD (CIM 009, 4.5.17).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files
from math import isfinite
from typing import Any, Final, TypeAlias

import msgspec

from hansa import clock
from hansa.errors import BadRequest
from hansa.model.units import UNITS

Entity: TypeAlias = Mapping[str, Any]

STATES: Final = ("alarm", "watch", "stale", "missing", "ok")
SEVERITIES: Final = ("critical", "high", "medium", "low", "informational")
NO_STATION: Final = frozenset(
    {
        "Alert",
        "WeatherForecast",
        "FrostStation",
        "Device",
        "Subscription",
        "WatchRule",
        "Command",
        "VitalSign",
        "VitalSigns",
        "ForecastSkill",
        "ForecastOutcome",
        "Shift",
        "ShiftEntry",
    }
)
_ALARMING: Final = frozenset({"critical", "high"})
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_\s-]+")
_MEMBERS: Final = frozenset({"id", "type", "location", "scope", "@context"})
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400


@cache
def words() -> dict[str, Any]:
    """The words of the page: units (UN/CEFACT code to symbol), attributes, types, kinds, severities, states."""
    said = msgspec.json.decode(files(__package__).joinpath("words.json").read_bytes(), type=dict[str, Any])
    return said | {"units": {code: one.symbol for code, one in UNITS.items()}}


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure: what it is of, its value, its unit's symbol, and when it was observed (microseconds)."""

    name: str
    value: float
    unit: str
    at: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list of stations, ready to be read."""

    id: str
    name: str
    kind: str
    state: str
    state_word: str
    label: str
    figure: str
    unit: str
    age: str


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """One open alert, ready to be read."""

    id: str
    severity: str
    severity_word: str
    title: str
    source: str
    description: str
    age: str


def said(entity: Entity, name: str) -> Any:
    """The value of an attribute in any of its concise shapes; None when it is not said."""
    stated = entity.get(name)
    if isinstance(stated, list):  # several datasets: the one without a datasetId is the default
        whole = [one for one in stated if isinstance(one, Mapping)]
        stated = next((one for one in whole if "datasetId" not in one), whole[0] if whole else None)
    if isinstance(stated, Mapping):
        for member in ("value", "object", "vocab", "json"):
            if member in stated:
                return stated[member]
        if isinstance(tongues := stated.get("languageMap"), Mapping):
            return next(iter(tongues.values()), None)
    return stated


def moment(stated: Any) -> int | None:
    """Microseconds of a date-time, also inside `{"@value": ...}`; None for anything else."""
    if isinstance(stated, Mapping):
        stated = stated.get("@value")
    try:
        return clock.parse(stated, zone_needed=False) if isinstance(stated, str) else None
    except BadRequest:
        return None


def title(name: str, among: str) -> str:
    """The word for a term: from `words.json`, else the term itself, pulled apart at its humps."""
    known: Any = words()[among].get(name)
    if isinstance(known, str):
        return known
    plain = _HUMP.sub(" ", name.rsplit("/", 1)[-1].rsplit("#", 1)[-1]).strip()
    return plain[:1].upper() + plain[1:]


def named(entity: Entity) -> str:
    """What people call an entity: its name, else the last part of its id."""
    name = said(entity, "name")
    return name if isinstance(name, str) and name.strip() else str(entity.get("id", "")).rsplit(":", 1)[-1]


def kind_of(entity: Entity) -> str:
    """The first type of an entity."""
    kind = entity.get("type", "")
    return str(kind[0] if isinstance(kind, list) and kind else kind)


def _finite(value: Any) -> float | None:
    """A number that a double can hold; None for anything else, true and false included."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # JSON may hold an integer of 400 digits
        return None
    return number if isfinite(number) else None


def readings(entity: Entity) -> list[Reading]:
    """The numeric properties of an entity, in its own order."""
    found = []
    for name, stated in entity.items():
        value = _finite(said(entity, name))
        if name in _MEMBERS or value is None:
            continue
        whole: Mapping[str, Any] = stated if isinstance(stated, Mapping) else {}
        code = whole.get("unitCode", "")
        unit = words()["units"].get(code, code) if isinstance(code, str) else ""
        found.append(Reading(name, value, unit, moment(whole.get("observedAt"))))
    return found


def main_reading(entity: Entity) -> Reading | None:
    """The reading that speaks for a station: temperature, else its type's, else the first with a time."""
    said_here = {one.name: one for one in readings(entity)}
    wanted = words()["main"].get(kind_of(entity), ["temperature"])
    timed = [name for name, one in said_here.items() if one.at is not None]
    return next((said_here[name] for name in [*wanted, *timed, *said_here] if name in said_here), None)


def is_station(entity: Entity) -> bool:
    """Whether an entity measures: it says a number with its time, or is of a kind that will, or has a device."""
    if kind_of(entity) in NO_STATION:
        return False
    timed = any(one.at is not None for one in readings(entity))
    return timed or "refDevice" in entity or kind_of(entity).endswith(("Observed", "Record", "Measurement"))


def state(entity: Entity, alerts: Iterable[Entity], now: int, stale_s: float, missing_s: float) -> str:
    """One of STATES. `alerts` are the open ones of this station; `now` in microseconds.

    An alarm outweighs its station's silence, for somebody has to act on it; silence itself is no alarm of the city
    but a fault of the station, and shows as stale.
    """
    severities = {str(said(one, "severity")) for one in alerts if said(one, "subCategory") != "silence"}
    if severities:
        return "alarm" if severities & _ALARMING else "watch"
    times = [one.at for one in readings(entity) if one.at is not None]
    if not times or now - max(times) > missing_s * clock.SECOND:
        return "missing"
    silent = any(said(one, "subCategory") == "silence" for one in alerts)
    return "stale" if silent or now - max(times) > stale_s * clock.SECOND else "ok"


def figure(value: float, unit: str = "") -> str:
    """A number as people read it: decimals by unit and size, none for a count, a true minus (none before a zero)."""
    size = abs(value)
    if size >= 1e15:
        return f"{value:.2e}".replace("-", "−")
    counted = not unit and value == int(value)
    decimals = 0 if counted or size >= 100 else 1 if size >= 2 or unit in words()["tenths"] else 2
    # Halves go away from zero, as in a browser; Python's own formatting would round them to even.
    text = str(Decimal(value).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))
    if decimals == 2 and text.endswith("0"):
        text = text[:-1]
    return text.lstrip("-") if not text.strip("-0.") else text.replace("-", "−")


def age(at: int | None, now: int) -> str:
    """How long ago, in the largest whole unit: `40 s`, `12 min`, `3 h`, `2 d`; `no time` when nobody said."""
    if at is None:
        return "no time"
    seconds = max(0, (now - at) // clock.SECOND)
    if seconds < 2 * _MINUTE_S:
        return f"{seconds} s"
    if seconds < 2 * _HOUR_S:
        return f"{seconds // _MINUTE_S} min"
    if seconds < 2 * _DAY_S:
        return f"{seconds // _HOUR_S} h"
    return f"{seconds // _DAY_S} d"


def by_source(alerts: Iterable[Entity]) -> dict[str, list[Entity]]:
    """Alerts by the entity that they are about."""
    about: dict[str, list[Entity]] = {}
    for one in alerts:
        source = said(one, "alertSource")
        if isinstance(source, str):
            about.setdefault(source, []).append(one)
    return about


def rows(stations: Iterable[Entity], alerts: Iterable[Entity], now: int, stale_s: float, missing_s: float) -> list[Row]:
    """The list of stations, worst first, then by name."""
    about = by_source(alerts)
    out = []
    for one in stations:
        key = str(one.get("id", ""))
        main = main_reading(one)
        how = state(one, about.get(key, ()), now, stale_s, missing_s)
        out.append(
            Row(
                id=key,
                name=named(one),
                kind=title(kind_of(one), "types"),
                state=how,
                state_word=words()["states"][how],
                label=title(main.name, "attributes") if main else "",
                figure=figure(main.value, main.unit) if main else "—",
                unit=main.unit if main else "",
                age=age(main.at, now) if main else "never",
            )
        )
    return sorted(out, key=lambda row: (STATES.index(row.state), row.name))


def alarm_rows(alerts: Iterable[Entity], stations: Iterable[Entity], now: int) -> list[AlarmRow]:
    """The open alerts, gravest first, then the newest."""
    names = {str(one.get("id", "")): named(one) for one in stations}
    out = []
    for one in alerts:
        source, severity, since = said(one, "alertSource"), str(said(one, "severity")), moment(said(one, "dateIssued"))
        rank = SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)
        row = AlarmRow(
            id=str(one.get("id", "")),
            severity=severity if severity in SEVERITIES else "informational",
            severity_word=title(severity, "severities"),
            title=title(str(said(one, "subCategory") or said(one, "category") or "alert"), "kinds"),
            source=names.get(str(source), str(source or "").rsplit(":", 1)[-1]),
            description=str(said(one, "description") or ""),
            age=age(since, now),
        )
        out.append(((rank, -(since or 0)), row))
    return [row for _, row in sorted(out, key=lambda pair: pair[0])]


def freshness(stations: Iterable[Entity], listed: Iterable[Row], now: int) -> str:
    """How fresh the data is, in a sentence: `24 stations, newest 40 s ago, 2 stale`."""
    times = [one.at for station in stations for one in readings(station) if one.at is not None]
    listed = list(listed)
    if not listed:
        return "no stations yet"
    parts = [f"{len(listed)} station{'' if len(listed) == 1 else 's'}"]
    parts.append(f"newest {age(max(times), now)} ago" if times else "no reading yet")
    counts = {how: sum(row.state == how for row in listed) for how in ("stale", "missing")}
    return ", ".join([*parts, *(f"{count} {how}" for how, count in counts.items() if count)])
