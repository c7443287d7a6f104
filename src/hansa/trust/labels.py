"""Labels on what is known, and the sight of who asks.

Every entity and attribute bears a label: a class (`open`, `smart`, `personal`, `security`), the owning department,
a licence and the purposes it may serve. A `Sight` says who asks and for what; every read and write has one. Policy is
asked once per label, never per row.
"""

from dataclasses import dataclass, field
from typing import Final

from hansa.errors import BadRequest
from hansa.trust.actors import PASSKEY, UNKNOWN, Actor

CLASSES: Final = ("open", "smart", "personal", "security")


@dataclass(frozen=True, slots=True)
class Label:
    """What kind of information this is, whose, and what for."""

    kind: str
    owner: str = ""
    licence: str = ""
    purposes: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Label":
        """Read `smart;owner=parks;licence=CC0-1.0;purposes=irrigation,research`."""
        kind, *rest = text.split(";")
        if kind not in CLASSES:
            raise BadRequest(f"{kind[:40]!r} is no class of information", mend=f"one of {', '.join(CLASSES)}")
        said = dict(part.partition("=")[::2] for part in rest if part)
        if extra := set(said) - {"owner", "licence", "purposes"}:
            raise BadRequest(f"a label has no {', '.join(sorted(extra))}", mend="owner, licence, purposes")
        purposes = tuple(sorted(p for p in said.get("purposes", "").split(",") if p))
        return cls(kind, said.get("owner", ""), said.get("licence", ""), purposes)

    def __str__(self) -> str:
        """The one canonical text of this label."""
        parts = [self.kind]
        if self.owner:
            parts.append(f"owner={self.owner}")
        if self.licence:
            parts.append(f"licence={self.licence}")
        if self.purposes:
            parts.append(f"purposes={','.join(self.purposes)}")
        return ";".join(parts)


def unlabelled(realm: str) -> str:
    """What something without a label is: staff only in `open`, security in `security`. Never public."""
    return "security" if realm == "security" else "smart"


@dataclass(frozen=True, slots=True)
class Sight:
    """Who asks, and for what purpose. `classes` None sees every class; a purpose must be one of the label's, if any."""

    actor: str
    purpose: str = ""
    classes: frozenset[str] | None = field(default_factory=frozenset)
    who: Actor = UNKNOWN

    @property
    def everything(self) -> bool:
        """Whether nothing is hidden, so that stored bytes may be the answer."""
        return self.classes is None

    def sees(self, label: str) -> bool:
        """Whether information under this label may be shown."""
        if self.classes is None:
            return True
        parsed = Label.parse(label)
        if parsed.kind not in self.classes:
            return False
        return not parsed.purposes or parsed.kind == "open" or self.purpose in parsed.purposes


ADMINISTRATOR: Final = Sight(
    *("administrator", "operation", None),
    Actor("administrator", frozenset({"administrator"}), assurance=PASSKEY, method="loopback"),
)
"""The city's administrator; until people exist, whoever sits at the machine itself (`--trust-loopback`)."""

NOBODY: Final = Sight("nobody")
"""An unknown caller: sees nothing."""

PUBLIC: Final = Sight("public", classes=frozenset({"open"}))
"""A resident without an account: what is explicitly open."""


def app_sight(name: str) -> Sight:
    """The sight of an app: everything in its own realm, under its own name."""
    return Sight(f"app:{name}", name, None)
