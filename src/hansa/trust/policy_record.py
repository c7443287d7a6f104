"""What was asked of the policy: each distinct decision once, with how often and when last. Bounded; no names of people.

A new policy is tried against it before it takes effect (`policy_trial`). Persons and devices are recorded by what they
are, not who they are. Times are wall time in seconds.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from hansa.errors import BadRequest
from hansa.limits import DEFAULT
from hansa.trust.actors import Actor
from hansa.trust.labels import Label

_NAMED: Final = frozenset({"service", "neighbour", "app"})
_LETS_GO: Final = 10  # a tenth of what is kept, the longest not asked, makes room


class Asked:
    """One distinct decision that was asked. `lent` are purposes, `subject` whether it is about himself."""

    __slots__ = ("actor", "count", "label", "last", "lent", "purpose", "realm", "subject", "verb")

    def __init__(
        self, actor: Actor, verb: str, label: Label, realm: str, purpose: str, lent: frozenset[str], subject: bool
    ) -> None:
        """Not asked yet."""
        self.actor = actor
        self.verb = verb
        self.label = label
        self.realm = realm
        self.purpose = purpose
        self.lent = lent
        self.subject = subject
        self.count = 0
        self.last = 0.0

    def to_json(self) -> dict[str, Any]:
        """As it is kept, and shown."""
        return {
            "actor": self.actor.id,
            "roles": sorted(self.actor.roles),
            "departments": sorted(self.actor.departments),
            "assurance": self.actor.assurance,
            "verb": self.verb,
            "label": str(self.label),
            "realm": self.realm,
            "purpose": self.purpose,
            "lent": sorted(self.lent),
            "subject": self.subject,
            "count": self.count,
            "last": self.last,
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "Asked":
        """One that was kept; BadRequest, KeyError, TypeError or ValueError when it is none."""
        actor = Actor(
            str(said["actor"]), frozenset(said["roles"]), frozenset(said["departments"]), int(said["assurance"])
        )
        made = cls(
            *(actor, str(said["verb"]), Label.parse(said["label"]), str(said["realm"]), str(said["purpose"])),
            *(frozenset(said["lent"]), bool(said["subject"])),
        )
        made.count, made.last = int(said["count"]), float(said["last"])
        return made


class Record:
    """The decisions that were asked, at most so many; those that were not asked for the longest time go."""

    def __init__(self, most: int = DEFAULT.asked, now: Callable[[], float] = time.time) -> None:
        """Nothing yet."""
        self._most = most
        self._known: dict[tuple[Any, ...], Asked] = {}
        self.now = now

    def __len__(self) -> int:
        """How many."""
        return len(self._known)

    def __iter__(self) -> Iterator[Asked]:
        """All of them, the most asked first."""
        return iter(sorted(self._known.values(), key=lambda one: (-one.count, str(one.label), one.verb)))

    def of(
        self, actor: Actor, verb: str, label: Label, realm: str, purpose: str, lent: frozenset[str], subject: bool
    ) -> Asked:
        """The line of such a decision; whoever answers it counts on it."""
        kind = actor.kind
        ident = actor.id if kind in _NAMED else kind
        key = (ident, actor.roles, actor.departments, actor.assurance, verb, label, realm, purpose, lent, subject)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= self._most:
                self._make_room()
            who = Actor(ident, actor.roles, actor.departments, actor.assurance)
            found = self._known[key] = Asked(who, verb, label, realm, purpose, lent, subject)
        return found

    def _make_room(self) -> None:
        oldest = sorted(self._known.items(), key=lambda item: item[1].last)
        for key, _ in oldest[: max(1, self._most // _LETS_GO)]:
            self._known.pop(key, None)

    def to_json(self, most: int) -> list[dict[str, Any]]:
        """The most asked, to be kept."""
        return [one.to_json() for _, one in zip(range(most), self, strict=False)]

    def take(self, kept: object) -> None:
        """Know again what was kept; what this version cannot read is left out."""
        for said in kept if isinstance(kept, list) else []:
            try:
                one = Asked.from_json(said)
            except (BadRequest, KeyError, TypeError, ValueError):
                continue
            found = self.of(one.actor, one.verb, one.label, one.realm, one.purpose, one.lent, one.subject)
            found.count += one.count
            found.last = max(found.last, one.last)
