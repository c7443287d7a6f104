"""Why a Command that is pending is not sent after all: asked right before it would be.

A drill sends nothing; what came too late is too late; in the command centre it takes two people; and what an interlock
forbids at this very moment is not done. Whatever cannot be found out withholds too.
"""

from dataclasses import dataclass

import structlog

from hansa import clock
from hansa.errors import HansaError, NotFound
from hansa.model import command
from hansa.model.entity import Entity
from hansa.platform import two_people
from hansa.platform.city import City

log = structlog.get_logger("hansa.commands")


@dataclass(frozen=True, slots=True)
class Withheld:
    """The status that a command gets instead of being sent, and why; `inside` is for the audit log alone.

    Interlocks look with the city's own eyes: what they found may be guarded better than the command is.
    """

    status: str
    why: str
    inside: str = ""


def withheld(one: Entity, city: City, actor: str | None = None) -> Withheld | None:
    """Why this is not sent now; `actor` is who made it pending, where that is known."""
    try:
        return _withheld(one, city, actor)
    except Exception as fault:  # whatever it was: what cannot be weighed is not sent
        log.exception("a command could not be weighed", command=one.id)
        return Withheld("blocked", "it could not be weighed", str(fault)[:500])


def _withheld(one: Entity, city: City, actor: str | None) -> Withheld | None:
    if one.get("drill", False) is not False or _in_a_drill(one, city):
        return Withheld("drill", "a drill sends nothing")
    now = city.clock.now()
    if "sendBy" in one:
        try:
            late = now - clock.parse(str(one["sendBy"]))
        except HansaError:
            return Withheld("blocked", "until when it may be sent cannot be read")
        if late > 0:
            return Withheld("expired", f"it could not be sent until {one['sendBy']}")
    if city.realm in two_people.REALMS and not two_people.approved(one, actor):
        return Withheld("blocked", "it takes two people: one who asks, and another who approves exactly that")
    if why := command.blocked(city, str(one.get("commandDevice")), one.get("payload"), now, city.limits):
        many = "an interlock forbids it" if len(why) == 1 else f"{len(why)} interlocks forbid it"
        return Withheld("blocked", f"{many} at this moment", "; ".join(why)[:2_000])
    return None


def _in_a_drill(one: Entity, city: City) -> bool:
    incident = one.get("incident")
    if not isinstance(incident, str):
        return False
    try:
        return city.get(incident).get("drill", False) is not False
    except NotFound:  # an incident that is gone, or never was, makes no drill
        return False
