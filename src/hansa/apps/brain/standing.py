"""How the city stands: alarms, incidents, tasks, what waits and what was decided; what a handover begins with.

The words of alarms, incidents, commands and resources are those of their own apps; an entity that lacks one is taken as
it is. Held by tests/apps/test_brain_seeing.py.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from hansa import City, Entity
from hansa.apps.brain.logbook import SHIFT
from hansa.apps.brain.seeing import ROWS, worse
from hansa.apps.brain.signs import SIGN
from hansa.apps.brain.words import instant, iso, only, plainly

SEVERITIES: Final = ("critical", "high", "medium", "low", "informational")
ALIVE: Final = frozenset({"new", "verified", "open", "contained"})
LINES: Final = 50
"""Lines of one section that a handover begins with."""
_WAITING: Final[dict[str, frozenset[str]]] = {
    "Command": frozenset({"proposed", "waiting", "pending", "confirming", "approved"}),
    "Allocation": frozenset({"proposed", "waiting"}),
    "RunBookRun": frozenset({"proposed", "running", "waiting"}),
}
_WHO: Final = ("decidedBy", "approvedBy", "acceptedBy", "endedBy", "by", "requestedBy", "proposedBy")
_WHEN: Final = ("decidedAt", "endedAt", "dateEnded", "acceptedAt", "at", "dateIssued", "since", "proposedAt")
_WHAT: Final = ("name", "title", "description", "reason", "commandDevice", "runBook")


def decisions(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """What is proposed and waits for somebody, and what was decided lately, by whom, with its outcome."""
    only(asked, set())
    waiting: list[dict[str, Any]] = []
    decided: list[dict[str, Any]] = []
    for kind, states in _WAITING.items():
        for one in city.find(kind, limit=ROWS):
            (waiting if one.get("status") in states else decided).append(_decision(one))
    waiting += [
        {"id": one.id, "kind": "RunBook", "what": str(one.get("runBook")), "of": line(one), "status": "suggested",
         "at": one.get("dateIssued"), "by": "rules"}
        for one in city.find("Alert", 'status=="open"', limit=ROWS)
        if one.get("runBook") and not one.get("incident")
    ]  # fmt: skip
    waiting += [
        {"id": one.id, "kind": "Handover", "what": f"desk {one.get('desk')}", "status": "waits to be accepted",
         "at": one.get("handedAt"), "by": one.get("who")}
        for one in city.find(SHIFT, 'status=="handed"', limit=100)
    ]  # fmt: skip
    decided.sort(key=lambda one: str(one["at"] or ""), reverse=True)
    waiting.sort(key=lambda one: str(one["at"] or ""))
    return {"now": iso(city.now()), "waiting": waiting[:200], "decided": decided[:50]}


def _decision(one: Entity) -> dict[str, Any]:
    def first(names: Iterable[str]) -> Any:
        return next((one[name] for name in names if name in one), None)

    outcome = first(("outcome", "result", "response", "statusReason"))
    return {
        "id": one.id,
        "kind": one.type,
        "what": str(first(_WHAT) or one.key)[:200],
        "status": one.get("status"),
        "by": first(_WHO),
        "at": first(_WHEN),
        "outcome": None if outcome is None else str(outcome)[:200],
        "incident": one.get("incident"),
    }


def draft(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """What a handover begins with: the city as it is now, in sections of lines that the outgoing person edits."""
    only(asked, set())
    now = city.now()
    ringing = alarms(city)
    signs = city.find(SIGN, 'state=="silent"|state=="flapping"', limit=ROWS)
    away = [one for one in ringing if aside(one, now)]
    sections = {
        "Open alarms": [_alarm_line(one) for one in ringing if one not in away],
        "Out of service and shelved": [f"{line(one)}: {_why_aside(one, now)}" for one in away],
        "Incidents": [_incident_line(one) for one in incidents(city)],
        "Tasks": [_task_line(one) for one in tasks(city)],
        "Commands waiting": [
            f"{one.get('commandDevice', one.key)}: {one.get('status')}"
            for one in city.find("Command", limit=ROWS)
            if one.get("status") in _WAITING["Command"]
        ],
        "Silent sources": [_sign_line(one) for one in sorted(signs, key=lambda one: worse(one, now))],
        "Unusual": [],
    }
    return {"now": iso(now), "sections": {name: _cut(lines) for name, lines in sections.items()}}


def _cut(lines: list[str]) -> list[str]:
    if len(lines) <= 50:
        return lines
    return [*lines[:49], f"and {len(lines) - 49} more"]


def alarms(city: City) -> list[Entity]:
    """Open alarms, the gravest and newest first."""
    found = city.find("Alert", 'status=="open"', limit=ROWS)
    found.sort(key=lambda one: str(one.get("lastRaised") or one.get("dateIssued") or ""), reverse=True)
    return sorted(found, key=lambda one: (acknowledged(one), SEVERITIES.index(severity(one))))


def incidents(city: City) -> list[Entity]:
    """Incidents that are not over, the gravest first."""
    found = [one for one in city.find("Incident", limit=ROWS) if one.get("status") in ALIVE]
    return sorted(found, key=lambda one: SEVERITIES.index(severity(one)))


def tasks(city: City) -> list[Entity]:
    """Tasks that are not done."""
    over = {"done", "closed", "cancelled", "completed", "skipped"}
    return [one for one in city.find("IncidentTask", limit=ROWS) if one.get("status") not in over]


def severity(one: Entity) -> str:
    """Its severity; one that nobody knows is informational."""
    found = one.get("severity")
    return found if found in SEVERITIES else "informational"


def acknowledged(one: Entity) -> bool:
    """Whether somebody has acknowledged this very raising."""
    times = one.get("activations")
    seen = one.get("acknowledgedActivation")
    count = times if isinstance(times, int) and not isinstance(times, bool) else 1
    return isinstance(seen, int) and not isinstance(seen, bool) and seen >= max(1, count)


def aside(one: Entity, now: int) -> bool:
    """Whether it was put aside: out of service, suppressed by design, shelved."""
    return one.get("outOfService") is True or one.get("suppressed") is True or _later(one.get("shelvedUntil"), now)


def _later(value: Any, now: int) -> bool:
    at = instant(value)
    return at is not None and at > now


def _why_aside(one: Entity, now: int) -> str:
    if one.get("outOfService") is True:
        return f"out of service, {one.get('outOfServiceReason', 'no reason given')}"
    return f"shelved until {one.get('shelvedUntil')}, {one.get('shelvedReason', 'no reason given')}" if now else ""


def line(one: Entity) -> str:
    """What it says, in a line."""
    said = one.get("description")
    if isinstance(said, str) and said.strip():
        return " ".join(said.split())[:160]
    return f"{one.get('subCategory') or one.get('category') or one.type}: {one.get('alertSource', one.key)}"[:160]


def _alarm_line(one: Entity) -> str:
    seen = "acknowledged" if acknowledged(one) else "NOT acknowledged"
    return f"{severity(one)}, {seen}: {line(one)}"


def _incident_line(one: Entity) -> str:
    drill = "DRILL, " if one.get("drill") is True else ""
    return f"{drill}{severity(one)}, {one.get('status')}: {one.get('name') or one.get('title') or one.key}"[:300]


def _task_line(one: Entity) -> str:
    due = f", due {one['dueAt']}" if "dueAt" in one else ""
    name = one.get("name") or one.get("title") or one.get("description") or one.key
    return f"{name} ({one.get('status', 'open')}{due})"[:300]


def _sign_line(one: Entity) -> str:
    heard = "" if (at := instant(one.get("heard"))) is None else f", last heard {plainly(at)}"
    return f"{one.get('name')} ({one.get('measures', one.get('kind'))}): {one.get('state')}{heard}"[:300]
