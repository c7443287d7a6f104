"""Ownership by department: what is a department's, it shares and lends, for a purpose and a time, and takes back.

Whose something is says its label (`owner`). A `Grant` lends all that a department owns, of some classes, to another
department, a neighbour city, a service or a person, for one purpose. Pure: policy asks `lent`. Times are wall time in
microseconds. MISSION M07; report: 4.2.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from hansa import clock
from hansa.clock import SECOND
from hansa.errors import AlreadyExists, BadRequest, Forbidden
from hansa.trust.actors import TWO_FACTORS, Actor
from hansa.trust.breakglass import is_widened

VERBS: Final = ("read", "subscribe", "export")
"""What can be lent: to look, to be told, to take along. What is another's, nobody changes."""
LENT: Final = ("open", "smart")
"""Classes that can be lent; what is about persons, or is security, passes by other ways."""
LONGEST_DAYS: Final = 366
_DEPARTMENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z", re.ASCII)
_TO: Final = re.compile(r"(?:department|neighbour|person|service):[A-Za-z0-9][A-Za-z0-9_.@-]{0,127}\Z", re.ASCII)
_PURPOSE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}\Z", re.ASCII)
_REASON: Final = 2_000
_MEMBERS: Final = frozenset({"owner", "to", "purpose", "verbs", "classes", "until", "reason"})


@dataclass(frozen=True, slots=True)
class Grant:
    """What one department lends to somebody, for what, and until when."""

    id: str
    owner: str
    to: str
    purpose: str
    verbs: frozenset[str]
    classes: frozenset[str]
    until: int
    by: str
    at: int
    reason: str = ""
    ended_by: str = ""
    ended_at: int = 0

    def holds(self, now: int) -> bool:
        """Whether it was neither taken back nor is over."""
        return not self.ended_by and now < self.until

    def is_to(self, who: Actor) -> bool:
        """Whether it is this Actor who may use it."""
        kind, _, name = self.to.partition(":")
        return name in who.departments if kind == "department" else self.to == who.id

    def concerns(self, who: Actor) -> bool:
        """Whether it exists for him: both sides see it, and those who watch over both."""
        watches = who.roles & {"administrator", "auditor", "data_officer"}
        return self.owner in who.departments or self.is_to(who) or bool(watches)


def speaks_for(who: Actor, department: str) -> bool:
    """Whether he may dispose of what is a department's: one of its people, surely known, with rights of his own."""
    return (
        who.kind == "person"
        and department in who.departments
        and bool(who.roles & {"member", "supervisor"})
        and who.assurance >= TWO_FACTORS
        and not is_widened(who)
    )


def check_speaks_for(who: Actor, department: str) -> None:
    """Forbidden unless he does."""
    if not speaks_for(who, department):
        raise Forbidden(
            f"this is for people of the department {department[:64]}", mend="sign in with a passkey or a second factor"
        )


def give(said: dict[str, Any], who: Actor, now: int, ident: str) -> Grant:
    """A new Grant. BadRequest naming what is wrong; Forbidden when it is not his department's to give."""
    if unknown := said.keys() - _MEMBERS:
        raise BadRequest(f"a grant has no {min(unknown)[:40]!r}", mend=", ".join(sorted(_MEMBERS)))
    owner = department(said.get("owner"), "owner")
    check_speaks_for(who, owner)
    to = _matching(said.get("to"), "to", _TO, "department:<name>, neighbour:<name>, person:<name> or service:<name>")
    if to == f"department:{owner}":
        raise BadRequest("it is this department's already", where="to")
    until = said.get("until")
    if not isinstance(until, str):
        raise BadRequest("until is a time, as 2026-12-24T18:00:00Z", where="until")
    end = clock.parse(until)
    if not now < end <= now + LONGEST_DAYS * 86_400 * SECOND:
        raise BadRequest(f"until lies ahead, at most {LONGEST_DAYS} days", where="until")
    reason = said.get("reason", "")
    if not isinstance(reason, str) or len(reason) > _REASON:
        raise BadRequest(f"a reason of at most {_REASON:,} characters", where="reason")
    return Grant(
        id=ident,
        owner=owner,
        to=to,
        purpose=_matching(said.get("purpose"), "purpose", _PURPOSE, "a word of small letters, digits and '-'"),
        verbs=_some_of(said.get("verbs", ["read", "subscribe"]), "verbs", VERBS),
        classes=_some_of(said.get("classes", ["smart"]), "classes", LENT),
        until=end,
        by=who.id,
        at=now,
        reason=reason,
    )


def take_back(grant: Grant, who: Actor, now: int) -> Grant:
    """The Grant, ended; only somebody of the department that gave it may."""
    check_speaks_for(who, grant.owner)
    if not grant.holds(now):
        raise AlreadyExists("this is over already", where=grant.id)
    return replace(grant, ended_by=who.id, ended_at=now)


def lent(
    grants: Iterable[Grant], who: Actor, owner: str, now: int, *, verb: str = "read", kind: str = "smart"
) -> tuple[frozenset[str], int | None]:
    """For which purposes an owner lends to an Actor what he asks for, and until when that holds (None: for ever)."""
    purposes, until = set(), None
    for one in grants:
        if one.owner == owner and one.holds(now) and verb in one.verbs and kind in one.classes and one.is_to(who):
            purposes.add(one.purpose)
            until = one.until if until is None else min(until, one.until)
    return frozenset(purposes), until


def department(said: Any, where: str) -> str:
    """The name of a department; BadRequest."""
    return _matching(said, where, _DEPARTMENT, "a department: letters, digits, '-' and '_'")


def _matching(said: Any, where: str, shape: "re.Pattern[str]", mend: str) -> str:
    if not isinstance(said, str) or not shape.match(said):
        raise BadRequest(f"{where} is not said as it must be", where=where, mend=mend)
    return said


def _some_of(said: Any, where: str, among: tuple[str, ...]) -> frozenset[str]:
    if not isinstance(said, list) or not said or any(one not in among for one in said):
        raise BadRequest(f"{where} is a list of {', '.join(among)}", where=where)
    return frozenset(said)
