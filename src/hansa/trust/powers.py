"""Powers: what somebody can be that one administrator does not give alone, nor to himself.

A role is a power when it stands behind proposals (any rule of `approvals.RULES`), or when the policies that hold now
show, to whoever bears it, what is about other persons or is security information. Nothing here is a list kept by hand:
a rule or a policy that gives a role more makes a power of it. Policies are asked about invented labels, owners and
purposes, and about those that they name themselves. Pure. Report: 4.2; docs/trust.md, insiders.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from hansa.trust.actors import PASSKEY, Actor
from hansa.trust.approvals import RULES
from hansa.trust.labels import Label
from hansa.trust.people import PERSON_ROLES
from hansa.trust.policy import Policy

COUNTING: Final = frozenset(role for rule in RULES.values() for role in rule.asks | rule.approves)
"""Roles that stand behind what is proposed."""

_PROBE: Final = "a-department-or-purpose"  # such as no policy names
_NAMED: Final = re.compile(r'(?<!::)"([A-Za-z0-9][A-Za-z0-9_.-]{0,63})"', re.ASCII)
_MOST: Final = 6  # names in one policy that are tried; of one that names more, every role is a power
_GRAVE: Final = {"open": ("personal", "security")}  # in any other realm, everything
_CLASSES: Final = ("personal", "security", "smart", "open")
_LOOKING: Final = ("read", "export", "subscribe")


def powers(policies: Mapping[str, Policy]) -> frozenset[str]:
    """Roles of people that two people give, as the policies of the realms stand."""
    found = set(COUNTING & set(PERSON_ROLES))
    for role in PERSON_ROLES:
        if role not in found and sees(policies, "person", [role]):
            found.add(role)
    # What no role opens by itself, some may open together.
    rest = [role for role in PERSON_ROLES if role not in found and role != "resident"]
    if sees(policies, "person", [*rest, "resident"]):
        found.update(rest)
    return frozenset(found)


def sees(
    policies: Mapping[str, Policy],
    kind: str,
    roles: Iterable[str],
    departments: Iterable[str] | None = None,
    assurance: int = PASSKEY,
) -> bool:
    """Whether an actor of a kind with these roles, of these departments (None: of any), known so surely, is shown what
    is about other persons, or is security information.
    """
    for realm, policy in policies.items():
        named = _names(policy)
        if len(named) > _MOST:
            return True
        own = frozenset({*named, _PROBE} if departments is None else departments)
        # Of departments that no policy names, one is as another.
        who = Actor(f"{kind}:nobody", frozenset(roles), own, assurance, "passkey")
        for label, purpose in _labels(realm, {"", *named, *own}, [*named, _PROBE]):
            for verb in _LOOKING:
                if policy.weigh(who, verb, label, realm=realm, purpose=purpose, lent=frozenset({purpose})).allowed:
                    return True
    return False


def _names(policy: Policy) -> list[str]:
    """What a policy compares with: its words in quotes, but for roles and the like, and for what is said to people."""
    lines = (line for line in policy.text.splitlines() if not line.lstrip().startswith(("@", "//")))
    return sorted({name for line in lines for name in _NAMED.findall(line)})


def _labels(realm: str, owners: Iterable[str], purposes: list[str]) -> Iterator[tuple[Label, str]]:
    for kind in _GRAVE.get(realm, _CLASSES):
        for owner in sorted(owners):
            yield Label(kind, owner), ""
            for purpose in purposes:
                yield Label(kind, owner, purposes=tuple(sorted(purposes))), purpose
