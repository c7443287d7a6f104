"""Escalation: what nobody acknowledges in time is brought before others, level by level.

Levels are a setting; those that ship are ours, for the standards leave the times to each site (EEMUA 191 asks for time
enough to act, and that somebody is named). A level is made from the age of the raising alone, so that rounds that come
late, twice or after a restart say the same.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from hansa import Attribute, City, Entity, entity
from hansa.apps.alarms.standing import SECOND, SEVERITIES, UNACK, aside, began, iso, severity, state, whole

STANDING: Final = 20_000  # alarms that one round looks at
ONCE: Final = 450  # words of one round; the next says the rest

SHIPPED: Final = {
    "critical": [[120, "role:supervisor"], [300, "role:command"]],
    "high": [[300, "role:supervisor"], [900, "role:command"]],
    "medium": [[1_800, "role:supervisor"]],
    "low": [[14_400, "role:supervisor"]],
}
"""Seconds without an acknowledgement, and who is named then. Informational alerts ask nobody for anything."""


class Level(NamedTuple):
    """After so long (microseconds), these are named."""

    after: int
    whom: tuple[str, ...]


def levels(setting: Any) -> dict[str, list[Level]]:
    """The levels by severity, from the setting `escalation`; a severity that it does not name soundly is as shipped.

    `[apps.alarms.escalation]` with `critical = [[60, "person:anna", "role:supervisor"], [300, "role:command"]]`.
    """
    said = setting if isinstance(setting, Mapping) else {}
    return {
        grave: _levels(said[grave]) if _sound(said.get(grave)) else _levels(SHIPPED.get(grave, []))
        for grave in SEVERITIES
    }


def _levels(rows: Any) -> list[Level]:
    return sorted(Level(int(row[0] * SECOND), tuple(row[1:])) for row in rows)


def _sound(rows: Any) -> bool:
    return isinstance(rows, list) and all(
        isinstance(row, list)
        and len(row) > 1
        and isinstance(row[0], int | float)
        and not isinstance(row[0], bool)
        and 0 < row[0] < 1e8
        and all(isinstance(one, str) and one for one in row[1:])
        for row in rows
    )


def level(alert: Entity, now: int, by_severity: Mapping[str, list[Level]]) -> tuple[int, tuple[str, ...]]:
    """How far an alarm has escalated, and who is named last; 0 while it has not, or need not."""
    since = began(alert)
    if since is None or state(alert) != UNACK or aside(alert, now):
        return 0, ()
    reached = [one for one in by_severity[severity(alert)] if now - since >= one.after]
    return len(reached), reached[-1].whom if reached else ()


def escalate(city: City) -> Iterator[Entity]:
    """Bring before others what nobody has acknowledged in time."""
    by_severity, now, said = levels(city.setting("escalation")), city.now(), 0
    for alert in city.find("Alert", 'status!="closed"', limit=STANDING):
        reached, whom = level(alert, now, by_severity)
        # Acknowledged, it keeps the level that it had reached: that belongs to its story.
        if reached == whole(alert, "escalation") or (not reached and state(alert) != UNACK):
            continue
        yield entity(
            alert.type,
            alert.id,
            escalation=Attribute(reached, at=now),
            escalatedAt=iso(now) if reached else None,
            escalatedTo=list(whom) if reached else None,
        )
        said += 1
        if said >= ONCE:
            return
