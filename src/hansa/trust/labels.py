"""Labels on what is known, and the sight of who asks.

Every entity and attribute bears a label: a class (`open`, `smart`, `personal`, `security`), the owning department,
a licence, the purposes it may serve, and of whom it tells. A `Sight` says who asks and for what; every read and write
has one. Policy is asked once per label, never per row.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Protocol

from hansa.errors import BadRequest
from hansa.trust.actors import PASSKEY, UNKNOWN, Actor

CLASSES: Final = ("open", "smart", "personal", "security")
AUDITED: Final = frozenset({"personal", "security"})
"""Classes of which it is written down who was shown what."""


@dataclass(frozen=True, slots=True)
class Label:
    """What kind of information this is, whose, and what for."""

    kind: str
    owner: str = ""
    licence: str = ""
    purposes: tuple[str, ...] = ()
    subject: str = ""
    """Of whom it tells, as the id of an Actor."""

    @classmethod
    def parse(cls, text: str) -> "Label":
        """Read `smart;owner=parks;licence=CC0-1.0;purposes=irrigation,research`."""
        kind, *rest = text.split(";")
        if kind not in CLASSES:
            raise BadRequest(f"{kind[:40]!r} is no class of information", mend=f"one of {', '.join(CLASSES)}")
        said = dict(part.partition("=")[::2] for part in rest if part)
        if extra := set(said) - {"owner", "licence", "purposes", "subject"}:
            raise BadRequest(f"a label has no {', '.join(sorted(extra))}", mend="owner, licence, purposes, subject")
        purposes = tuple(sorted(p for p in said.get("purposes", "").split(",") if p))
        return cls(kind, said.get("owner", ""), said.get("licence", ""), purposes, said.get("subject", ""))

    def __str__(self) -> str:
        """The one canonical text of this label."""
        parts = [self.kind]
        if self.owner:
            parts.append(f"owner={self.owner}")
        if self.licence:
            parts.append(f"licence={self.licence}")
        if self.purposes:
            parts.append(f"purposes={','.join(self.purposes)}")
        if self.subject:
            parts.append(f"subject={self.subject}")
        return ";".join(parts)


@lru_cache(maxsize=10_000)
def parsed(text: str) -> Label:
    """`Label.parse`, remembered: a city has few labels, and asks for them with every row."""
    return Label.parse(text)


def unlabelled(realm: str) -> str:
    """What something without a label is: staff only in `open`, security in `security`. Never public."""
    return "security" if realm == "security" else "smart"


class Rights(Protocol):
    """What policy lets an actor do, decided once a label. See `trust.sights`."""

    @property
    def epoch(self) -> int:
        """Another number when what was decided may be decided otherwise now."""

    @property
    def hearing(self) -> "Sight":
        """The sight of the same actor, in which only that is seen of which he may also be told unasked."""

    @property
    def typed(self) -> bool:
        """Whether the token that he came with is for entities of some types alone."""

    def covers(self, verb: str, types: Iterable[str]) -> bool:
        """Whether that token is for entities of these types."""

    def may(self, verb: str, label: str) -> bool:
        """Whether he may do this with information under this label."""

    def saw(self, ident: str, label: str) -> None:
        """He was shown something of this entity that is personal or security information."""

    def told(self, how: str) -> None:
        """What he was shown lately went to him of itself, as a notification does: have it written down."""


@dataclass(frozen=True, slots=True)
class Sight:
    """Who asks, and for what purpose.

    What he sees is for policy to say (`rights`); of the system itself, and in tests, for `classes`: None sees every
    class, and else a purpose must be one of the label's, if it has any.
    """

    actor: str
    purpose: str = ""
    classes: frozenset[str] | None = field(default_factory=frozenset)
    who: Actor = UNKNOWN
    rights: Rights | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing can be hidden: the system itself asks."""
        return self.classes is None

    @property
    def blind(self) -> bool:
        """Whether there is nothing that this one may see, whatever there is."""
        return self.rights is None and self.classes is not None and not self.classes

    @property
    def epoch(self) -> int:
        """Another number when `sees` and `may` may answer otherwise than before."""
        return 0 if self.rights is None else self.rights.epoch

    @property
    def hearing(self) -> "Sight":
        """This sight, for what is told unasked: it sees what it also hears."""
        return self if self.rights is None else self.rights.hearing

    @property
    def typed(self) -> bool:
        """Whether entities of some types alone are for this one, so that labels do not say it all."""
        return self.rights is not None and self.rights.typed

    def covers(self, verb: str, types: Iterable[str]) -> bool:
        """Whether entities of these types are for this one to do that with."""
        return self.rights is None or not self.rights.typed or self.rights.covers(verb, types)

    def sees(self, label: str) -> bool:
        """Whether information under this label may be shown."""
        return self.may("read", label)

    def hears(self, label: str) -> bool:
        """Whether news of information under this label may be told."""
        return self.sees(label) and (self.rights is None or self.rights.may("subscribe", label))

    @property
    def served(self) -> "Sight":
        """The system, doing what this one asked it for: a place of its own is no information of anybody's."""
        return Sight(self.actor, self.purpose, None, self.who)

    def may(self, verb: str, label: str) -> bool:
        """Whether this may be done with information under this label."""
        if self.classes is None:
            return True
        if self.rights is not None:
            return self.rights.may(verb, label)
        said = parsed(label)
        if verb != "read" or said.kind not in self.classes:
            return False
        return not said.purposes or said.kind == "open" or self.purpose in said.purposes


ADMINISTRATOR: Final = Sight(
    *("administrator", "operation", None),
    Actor("administrator", frozenset({"administrator"}), assurance=PASSKEY, method="loopback"),
)
"""The city's administrator; until people exist, whoever sits at the machine itself (`--trust-loopback`)."""

NOBODY: Final = Sight("nobody")
"""An unknown caller: sees nothing."""

PUBLIC: Final = Sight("public", classes=frozenset({"open"}))
"""A resident without an account: what is explicitly open."""


def named(who: Actor) -> Sight:
    """Somebody who is known and of whom nothing is decided yet: sees nothing."""
    return Sight(who.id, who=who)


def app_sight(name: str) -> Sight:
    """The sight of an app: everything in its own realm, under its own name."""
    return Sight(f"app:{name}", name, None)
