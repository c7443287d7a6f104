"""What a wall shows, in large type: counts and the gravest lines. Nothing that is about a person, whoever signed it in.

Held by tests/apps/test_brain_seeing.py.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from hansa import City, Entity, Refusal
from hansa.apps.brain.foresight import SKILL
from hansa.apps.brain.logbook import SHIFT
from hansa.apps.brain.predicted import KEPT, current, skill_of
from hansa.apps.brain.seeing import ROWS, groups_of, pulse_of, totals, worse
from hansa.apps.brain.signs import SIGN
from hansa.apps.brain.standing import SEVERITIES, acknowledged, alarms, aside, incidents, line, severity, tasks
from hansa.apps.brain.words import instant, iso, only

PERSONAL: Final = ("personal",)
WALL: Final = 12
"""Lines of a panel: what is read from five metres."""


def wall(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """What a wall shows, in large type: counts and the gravest lines. Nothing that is about a person."""
    only(asked, {"panels"})
    wanted = [one for one in asked.get("panels", "").split(",") if one] or list(PANELS)
    if wrong := set(wanted) - set(PANELS):
        raise Refusal(f"there is no panel {min(wrong)[:40]}", where="panels", mend=", ".join(PANELS))
    return {"now": iso(city.now()), "panels": {name: PANELS[name](city) for name in dict.fromkeys(wanted)}}


def _wall_alarms(city: City) -> dict[str, Any]:
    found = [one for one in alarms(city) if shown(one)]
    ringing = [one for one in found if not aside(one, city.now())]
    counts = Counter(severity(one) for one in ringing)
    return {
        "total": len(ringing),
        "aside": len(found) - len(ringing),
        "severities": {name: counts[name] for name in SEVERITIES if counts[name]},
        "unacknowledged": sum(not acknowledged(one) for one in ringing),
        "lines": [
            {
                "severity": severity(one),
                "text": line(one),
                "since": one.get("lastRaised") or one.get("dateIssued"),
                "acknowledged": acknowledged(one),
                "place": one.location,
                "id": one.id,
            }
            for one in ringing[:WALL]
        ],
        "places": [
            {"severity": severity(one), "place": one.location} for one in ringing[:500] if one.location is not None
        ],
    }


def _wall_vitals(city: City) -> dict[str, Any]:
    groups = groups_of(city)
    now = city.now()
    wrong = 'state=="silent"|state=="flapping"|state=="late"'
    signs = [one for one in city.find(SIGN, wrong, limit=ROWS) if shown(one)]
    signs.sort(key=lambda one: worse(one, now))
    return {
        "states": totals(groups),
        "pulse": pulse_of(city, now),
        "areas": groups.get("area", {}),
        "lines": [
            {
                "state": one.get("state"),
                "text": one.get("name"),
                "measures": one.get("measures"),
                "area": one.get("area"),
                "since": one.get("heard") or one.get("since"),
                "strip": one.get("strip"),
            }
            for one in signs[:WALL]
        ],
    }


def _wall_incidents(city: City) -> dict[str, Any]:
    found = [one for one in incidents(city) if shown(one)]
    due = [one for one in tasks(city) if shown(one)]
    now = city.now()
    return {
        "total": len(found),
        "tasks": len(due),
        "late": sum(1 for one in due if (at := instant(one.get("dueAt"))) is not None and at < now),
        "lines": [
            {
                "severity": severity(one),
                "text": str(one.get("name") or one.get("title") or one.key)[:120],
                "status": one.get("status"),
                "drill": one.get("drill") is True,
                "since": one.get("dateRaised"),
            }
            for one in found[:WALL]
        ],
    }


def _wall_forecasts(city: City) -> dict[str, Any]:
    now = city.now()
    kept = city.find(SKILL, limit=KEPT)
    skills = [skill_of(one) for one in kept if one.get("forecastAttribute")]
    ahead = list(current(city, sorted({str(one.get("forecastType")) for one in kept}), skills, now))
    ahead.sort(key=lambda one: (one["warned"] is not True, one["said"]))
    return {
        "total": len({one["id"] for one in ahead}),
        "warned": len({one["id"] for one in ahead if one["warned"] is True}),
        "lines": ahead[:WALL],
        "skills": [one for one in skills if one["lead"] is not None and one["n"]][:WALL],
    }


def _wall_shift(city: City) -> dict[str, Any]:
    """Which desks are taken; not by whom: the wall hangs where visitors pass."""
    found = city.find(SHIFT, 'status!="closed"', limit=100)
    lines = [
        {"desk": one.get("desk"), "since": one.get("begin"), "handed": one.get("status") == "handed",
         "without": one.get("begunWithout") is True}
        for one in sorted(found, key=lambda one: str(one.get("desk", "")))
    ]  # fmt: skip
    return {"total": len(lines), "lines": lines[:WALL]}


PANELS: Final[dict[str, Callable[[City], dict[str, Any]]]] = {
    "alarms": _wall_alarms,
    "vitals": _wall_vitals,
    "incidents": _wall_incidents,
    "forecasts": _wall_forecasts,
    "shift": _wall_shift,
}


def shown(one: Entity) -> bool:
    """Whether a wall may show it."""
    return not (one.label or "").startswith(PERSONAL)
