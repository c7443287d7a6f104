"""Break-glass: rights beyond one's own, for an hour at most, because a second person agreed that they are needed.

Pure: what may be asked for, and the Actor with what he was lent. That he has it can be seen of him (`is_widened`): with
lent rights nobody approves anything, and whatever is read by them is audited. Times are wall time in microseconds.
MISSION M06.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

from hansa.errors import BadRequest
from hansa.trust.actors import TWO_FACTORS, Actor

LONGEST_MIN: Final = 60
LENDABLE: Final = frozenset({"operator", "supervisor", "command", "engineer"})
"""Roles that can be lent: none by which people, policies or the audit could be changed for longer than the hour."""
SUFFIX: Final = "+break-glass"
"""What the method of a widened Actor ends with."""


@dataclass(frozen=True, slots=True)
class Glass:
    """Rights that somebody was lent."""

    id: str
    """That of the proposal by which he came to them."""
    who: str
    roles: frozenset[str]
    reason: str
    since: int
    until: int
    approved_by: tuple[str, ...]
    ended_by: str = ""
    """Who ended it before its time."""

    def holds(self, now: int) -> bool:
        """Whether it is in effect."""
        return not self.ended_by and self.since <= now < self.until


def asked(what: dict[str, Any], who: Actor) -> dict[str, Any]:
    """What somebody asks for: `{"roles": [...], "minutes": 60}`, complete. BadRequest when it cannot be asked for."""
    if unknown := what.keys() - {"roles", "minutes"}:
        raise BadRequest(f"break-glass has no {min(unknown)[:40]!r}", mend="roles, minutes")
    roles = what.get("roles")
    if not isinstance(roles, list) or not roles or not all(isinstance(one, str) for one in roles):
        raise BadRequest("roles is a list of roles", where="roles")
    if wrong := set(roles) - LENDABLE:
        raise BadRequest(
            f"the role {min(wrong)[:40]!r} is not lent", where="roles", mend=f"one of {', '.join(sorted(LENDABLE))}"
        )
    if set(roles) <= who.roles:
        raise BadRequest("these rights are your own already", where="roles")
    minutes = what.get("minutes", LONGEST_MIN)
    if type(minutes) is not int or not 0 < minutes <= LONGEST_MIN:
        raise BadRequest(f"minutes is a whole number from 1 to {LONGEST_MIN}", where="minutes")
    return {"roles": sorted(set(roles)), "minutes": minutes}


def widened(who: Actor, glass: Glass, now: int) -> Actor:
    """Who he is while it holds; he himself when it does not, or is not known surely enough."""
    if who.id != glass.who or not glass.holds(now) or who.assurance < TWO_FACTORS or who.scope is not None:
        return who
    return replace(who, roles=who.roles | glass.roles, method=who.method.removesuffix(SUFFIX) + SUFFIX)


def is_widened(who: Actor) -> bool:
    """Whether he acts with rights that he was lent."""
    return who.method.endswith(SUFFIX)
