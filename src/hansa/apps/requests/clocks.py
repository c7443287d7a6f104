"""Service-level clocks: by when a request is to be answered and done, in working hours.

While the resident is asked something, they stand.

    answer   from the report until the first public word of the city
    close    from the report (or from when it was reopened) until it is closed

A clock warns when four fifths of its hours are gone, and is breached when all are; both stay said once they were.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hansa import City, Entity, Refusal
from hansa.apps.requests.services import Service
from hansa.apps.requests.times import iso, micros
from hansa.apps.requests.working import Calendar

WARNS: Final = 0.8
NEVER: Final = "9999-12-31T00:00:00Z"
_ALWAYS: Final = Calendar("UTC", (((0, 1_440),),) * 7)
CLOCKS: Final = ("answer", "close")


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock of a request: when it warns and when it is due (microseconds)."""

    name: str
    warns: int
    due: int


def calendar(city: City, name: str = "") -> Calendar:
    """The calendar of this name in the setting `calendars` (`default` where none is named); `always` never rests."""
    zone = str(city.setting("timezone") or "UTC")
    said = city.setting("calendars")
    known = said if isinstance(said, Mapping) else {}
    if name == "always" and name not in known:
        return _ALWAYS
    try:
        return Calendar.of(known.get(name or "default", known.get("default")), zone)
    except Refusal:  # a setting that cannot be read must not keep residents from being heard
        return Calendar.of(None, zone)


def running(one: Entity, service: Service, hours: Calendar) -> list[Clock]:
    """The clocks of a request that have not been met; none while it waits for the resident, is closed or joined."""
    if one.get("status") != "open" or one.get("into") or waiting(one):
        return []
    made = []
    if not one.get("firstAnswerAt"):
        made.append(_clock("answer", micros(one.get("requestedAt")), service.answer_h, one, hours))
    made.append(_clock("close", micros(one.get("clockFrom") or one.get("requestedAt")), service.close_h, one, hours))
    return made


def due(name: str, one: Entity, service: Service, hours: Calendar) -> int:
    """By when it was to be answered or done, waits counted off."""
    since = one.get("requestedAt") if name == "answer" else one.get("clockFrom") or one.get("requestedAt")
    return _clock(name, micros(since), service.answer_h if name == "answer" else service.close_h, one, hours).due


def waiting(one: Entity) -> bool:
    """Whether the resident has been asked, and has not answered."""
    waits = _waits(one)
    return bool(waits) and not waits[-1][1]


def state(one: Entity, service: Service, hours: Calendar, at: int) -> dict[str, Any]:
    """The attributes of a request that its clocks give at an instant."""
    clocks = running(one, service, hours)
    warned = set(_words(one.get("warned")))
    breached = set(_words(one.get("breached")))
    following = []
    for each in clocks:
        if at > each.due:
            breached.add(each.name)
        elif at >= each.warns:
            warned.add(each.name)
            following.append(each.due + 1_000_000)
        else:
            following.append(each.warns)
    found = {each.name: iso(each.due) for each in clocks}
    if clocks:
        word = "breached" if any(at > each.due for each in clocks) else "running"
    else:
        word = "stopped" if waiting(one) and one.get("status") == "open" else "ended"
    return {
        "answerDue": found.get("answer", ""),
        "closeDue": found.get("close", ""),
        "nextDue": iso(min(following)) if following else NEVER,
        "clock": word,
        "warned": sorted(warned),
        "breached": sorted(breached),
    }


def _clock(name: str, since: int, level_h: float, one: Entity, hours: Calendar) -> Clock:
    level = round(level_h * 3_600)
    waited = sum(hours.worked(max(first, since), last) for first, last in _waits(one) if last > since)
    return Clock(name, hours.after(since, round(level * WARNS) + waited), hours.after(since, level + waited))


def _waits(one: Entity) -> list[tuple[int, int]]:
    said = one.get("waits")
    some = said if isinstance(said, list) else []
    return [(micros(it.get("from")), micros(it.get("until"))) for it in some if isinstance(it, Mapping)]


def _words(said: Any) -> list[str]:
    return [one for one in said if one in CLOCKS] if isinstance(said, list) else []
