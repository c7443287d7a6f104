"""What each actor may see and do in one realm: policy asked once a label, and asked again when anything changed.

A `Sight` made here holds `rights` that look at the realm's `epoch` before they answer: when the policy has another
version, somebody lends or takes back, a role is given or withdrawn, every sight decides anew, also one that a
subscription has kept for a year.
"""

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from hansa.trust.actors import Actor
from hansa.trust.labels import Label, Sight, parsed
from hansa.trust.tokens import within

if TYPE_CHECKING:
    from hansa.trust.policy import Decision, Policy

Lent = Callable[[Actor, str, str, str], tuple[frozenset[str], float]]
"""For which purposes an owner (the second) lends information of a class (the last) to an actor, to do with it what a
verb says (the third), and until when that holds (wall time, seconds)."""
Current = Callable[[Actor], Actor | None]
"""An actor as he is now, with the roles that he has now; None when he is gone."""
Saw = Callable[[Actor, str, str, str], None]
"""An actor was shown something of an entity, under a label, for a purpose."""

Told = Callable[[Actor, str], object]
"""What an actor was shown lately went to him, in the way that is said."""

KEPT: Final = 10_000  # sights remembered, and labels decided by each
_NEVER: Final = float("inf")


def _nothing_lent(_actor: Actor, _owner: str, _verb: str, _kind: str) -> tuple[frozenset[str], float]:
    return frozenset(), _NEVER


def _unchanged(actor: Actor) -> Actor | None:
    return actor


class Sights:
    """Sights of one realm."""

    def __init__(
        self,
        realm: str,
        policy: "Policy",
        *,
        lent: Lent = _nothing_lent,
        current: Current = _unchanged,
        saw: Saw | None = None,
        told: Told | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Decide by `policy`. `saw` hears what was shown of personal and security information, `told` that all of it
        went out by itself.
        """
        self.realm = realm
        self.policy = policy
        self.lent = lent
        self.current = current
        self.saw = saw
        self.told = told
        self.now = now
        self.epoch = 1
        self._kept: dict[tuple[Actor, str], Sight] = {}

    def of(self, actor: Actor, purpose: str = "") -> Sight:
        """The sight of an actor who asks for a purpose."""
        key = actor, purpose
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            found = self._kept[key] = Sight(actor.id, purpose, frozenset(), actor, _Rights(self, actor, purpose))
        return found

    def renew(self, policy: "Policy | None" = None) -> None:
        """Decide everything anew: by another policy, or because something else has changed."""
        if policy is not None:
            self.policy = policy
        self.epoch += 1
        self._kept.clear()

    def decide(self, actor: Actor, verb: str, label: Label, purpose: str = "") -> "tuple[Decision, float]":
        """What policy says, and until when that holds."""
        lent, until = self.lent(actor, label.owner, verb, label.kind) if label.owner else (frozenset[str](), _NEVER)
        own = bool(label.subject) and label.subject == actor.id
        return (
            self.policy.decide(actor, verb, label, realm=self.realm, purpose=purpose, lent=lent, subject=own),
            until,
        )


class _Rights:
    """What one actor may do for one purpose."""

    __slots__ = ("_actor", "_epoch", "_hearing", "_known", "_purpose", "_sights", "_until", "_who", "typed")

    def __init__(self, sights: Sights, actor: Actor, purpose: str) -> None:
        self._sights = sights
        self._actor = actor
        self._purpose = purpose
        self._epoch = 0
        self._until = _NEVER
        self._who: Actor | None = actor
        self._known: dict[tuple[str, str], bool] = {}
        self._hearing: Sight | None = None
        self.typed = actor.scope is not None and any(":" in item for item in actor.scope)

    @property
    def hearing(self) -> Sight:
        """The same actor's sight of what he may be told unasked."""
        if self._hearing is None:
            self._hearing = Sight(self._actor.id, self._purpose, frozenset(), self._actor, _Hearing(self))
        return self._hearing

    def covers(self, verb: str, types: Iterable[str]) -> bool:
        """Whether the scope of his token names this verb for these types."""
        return within(self._actor.scope, verb, types)

    @property
    def epoch(self) -> int:
        """That of the realm; time alone ends what was lent."""
        if self._until <= self._sights.now():
            self._sights.renew()
        return self._sights.epoch

    def may(self, verb: str, label: str) -> bool:
        """Whether he may, as things stand now."""
        if self._epoch != (epoch := self.epoch):
            self._known = {}
            self._until = _NEVER
            self._who = self._sights.current(self._actor)
            self._epoch = epoch
        known = self._known.get((verb, label))
        if known is None:
            known = self._decided(verb, label)
            if len(self._known) < KEPT:
                self._known[verb, label] = known
        return known

    def _decided(self, verb: str, label: str) -> bool:
        who = self._who
        if who is None or not _in_scope(who.scope, verb):
            return False
        decision, until = self._sights.decide(who, verb, parsed(label), self._purpose)
        self._until = min(self._until, until)
        return decision.allowed

    def saw(self, ident: str, label: str) -> None:
        """Tell whoever writes down what was shown."""
        if self._sights.saw is not None:
            self._sights.saw(self._actor, ident, label, self._purpose)

    def told(self, how: str) -> None:
        """Have written down what went to him of itself."""
        if self._sights.told is not None:
            self._sights.told(self._actor, how)


class _Hearing:
    """The rights of one actor, where to see is to be told unasked."""

    __slots__ = ("_rights",)

    def __init__(self, rights: _Rights) -> None:
        self._rights = rights

    @property
    def epoch(self) -> int:
        return self._rights.epoch

    @property
    def typed(self) -> bool:
        return self._rights.typed

    @property
    def hearing(self) -> Sight:
        return self._rights.hearing

    def covers(self, verb: str, types: Iterable[str]) -> bool:
        said = list(types)
        return self._rights.covers(verb, said) and self._rights.covers("subscribe", said)

    def may(self, verb: str, label: str) -> bool:
        return self._rights.may(verb, label) and self._rights.may("subscribe", label)

    def saw(self, ident: str, label: str) -> None:
        self._rights.saw(ident, label)

    def told(self, how: str) -> None:
        self._rights.told(how)


def _in_scope(scope: frozenset[str] | None, verb: str) -> bool:
    """Whether a scope lets a verb be used on anything; of which types, `covers` says."""
    if scope is None or within(scope, verb):
        return True
    return any(within(scope, verb, (item.partition(":")[2],)) for item in scope if ":" in item)
