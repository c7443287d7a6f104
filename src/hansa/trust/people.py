"""People: what an account is, what roles it may bear, how surely each way of signing in says who somebody is.

A person has passkeys, or a password with a second factor; whoever has any role but `resident` is an official, and a
password alone lets no official in. Nobody has a credential before he opened a `Link`: the first administrator's, an
invitation, or one by which two administrators let somebody in again. Pure decisions; what is kept is kept by
`platform/accounts`. Times are wall time in microseconds. Report: 4.2.
"""

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from hansa.errors import BadRequest, Unauthenticated
from hansa.trust.actors import PASSKEY, ROLES, SINGLE, TWO_FACTORS, UNPROVEN, Actor

PERSON_ROLES: Final = tuple(role for role in ROLES if role not in {"service", "device", "neighbour"})
"""What a person may be."""

METHODS: Final = {
    "password": SINGLE,
    "password+totp": TWO_FACTORS,
    "passkey": PASSKEY,
    "oidc": SINGLE,
    "oidc+two": TWO_FACTORS,
}
"""How a person signs in, and how surely that says who he is; an OpenID provider may vouch for two factors."""

FIRST: Final = frozenset({"administrator", "engineer", "operator"})
"""What the first person of a city is: in a village one does the work of many. He can give up what others take on."""

LEVELS: Final = {UNPROVEN: "none", SINGLE: "one secret", TWO_FACTORS: "two factors", PASSKEY: "a passkey"}

SHOWN: Final = 100
"""Characters of how somebody is called, and of the name of a passkey."""
DEPARTMENTS: Final = 50
"""Of one person."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}\Z", re.ASCII)
_DEPARTMENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z", re.ASCII)


class StepUp(Unauthenticated):
    """Known, but not surely enough for this, or not lately enough."""

    kind = "https://hansa.city/errors/StepUp"
    title = "Show again who you are"

    def __init__(self, level: int, detail: str = "") -> None:
        """`level` is what is needed, one of `trust.actors`."""
        said = detail or f"this needs {LEVELS[level]}"
        super().__init__(said, mend="show again who you are: /sign-in?step=up")
        self.level = level

    def problem(self) -> dict[str, Any]:
        """Problem details, with the level that is needed and where it is reached."""
        return super().problem() | {"level": self.level, "stepUp": "/sign-in?step=up"}


def needs(actor: Actor, level: int) -> None:
    """Let pass whoever is known at least so surely; Unauthenticated for nobody, StepUp for everybody else."""
    if actor.assurance >= level:
        return
    if actor.kind == "public":
        raise Unauthenticated("who are you?", mend="sign in")
    raise StepUp(level)


def official(roles: Iterable[str]) -> bool:
    """Whether these are the roles of somebody who works for the city: then no password alone lets him in."""
    return bool(set(roles) - {"resident"})


@dataclass(frozen=True, slots=True)
class Person:
    """An account. Its actor is `person:<name>`."""

    name: str
    """What he signs in by: small letters, digits, `-`, `_` and `.`."""
    shown: str
    roles: frozenset[str]
    departments: frozenset[str] = frozenset()
    disabled: bool = False
    handle: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    """What authenticators know him by: random, and nothing of his."""
    password: str = ""
    """An argon2id hash, or empty."""
    totp: str = ""
    """The secret of his one-time codes (base32), or empty."""
    counter: int = 0
    """The step of the newest one-time code that was used: it and older ones are used up."""
    made_at: int = 0
    seen_at: int = 0

    @property
    def id(self) -> str:
        """Who he is in the log."""
        return f"person:{self.name}"

    @property
    def official(self) -> bool:
        """Whether a password alone does not do."""
        return official(self.roles)

    @property
    def provider(self) -> str:
        """The OpenID provider that says who he is, and what; empty for whoever has what he signs in by here."""
        provider, colon, _ = self.name.partition(":")
        return provider if colon else ""

    @property
    def words(self) -> tuple[str, ...]:
        """What his password must not be made of."""
        return (self.name, *self.shown.split())


@dataclass(frozen=True, slots=True)
class Passkey:
    """One authenticator of a person."""

    id: bytes
    person: str
    key: bytes
    """Its public key (COSE)."""
    count: int
    """How often it has signed, as it says itself; synced ones say 0."""
    site: str
    """The host that it was made for: it signs for no other."""
    called: str
    made_at: int
    used_at: int = 0
    synced: bool = False
    doubted: bool = False
    """Whether it has once counted backwards: there may be a copy of it. Then it opens nothing."""

    @property
    def public(self) -> str:
        """What it is called by in addresses."""
        return hashlib.sha256(self.id).hexdigest()[:16]


Kind = Literal["first", "invite", "recover"]


@dataclass(frozen=True, slots=True)
class Link:
    """A way in that works once: of the first administrator, of somebody invited, or of somebody let in again."""

    hash: bytes
    kind: Kind
    person: str
    """The account that it lets in again; for an invitation the name that is suggested, if any."""
    shown: str
    roles: frozenset[str]
    departments: frozenset[str]
    by: str
    made_at: int
    until: int
    holders: tuple[str, ...] = ()
    """The two people who agreed upon it, each of whom has a half of its secret; empty: it has one secret."""

    @property
    def public(self) -> str:
        """What it is called by in lists: nobody can open it by that."""
        return hashlib.sha256(self.hash).hexdigest()[:16]

    def good(self, now: int) -> bool:
        """Whether it still opens anything."""
        return now < self.until


def link(kind: Kind, by: str, now: int, seconds: float, **what: Any) -> tuple[Link, str]:
    """A new link, and the secret that is said once and kept only as a hash."""
    secret = new_secret()
    said = {"person": "", "shown": "", "roles": frozenset[str](), "departments": frozenset[str](), **what}
    return Link(hash_of(secret), kind, by=by, made_at=now, until=now + round(seconds * 1e6), **said), secret


def halved(one: Link, holders: Iterable[str]) -> Link:
    """The link with two halves that nobody has been told yet, in the place of the one secret, which is forgotten."""
    return replace(one, hash=secrets.token_bytes(32), holders=tuple(sorted(holders)))


def new_secret() -> str:
    """256 random bits, as text without dots: both halves of a link are said with a dot between them."""
    return secrets.token_urlsafe(32)


def hash_of(secret: str) -> bytes:
    """How a random secret of 256 bits is kept: it needs no slow hash, as a password does."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


# What may be said


def name_of(said: object) -> str:
    """The name of an account; BadRequest."""
    text = said.strip().lower() if isinstance(said, str) else ""
    if not _NAME.match(text):
        raise BadRequest(
            "this is no name of an account",
            where="name",
            mend="small letters, digits, '-', '_' and '.', at most 63, such as ada.lovelace",
        )
    return text


def shown_of(said: object, where: str = "shown") -> str:
    """How somebody or something is called, as one line of text; BadRequest."""
    text = " ".join(unicodedata.normalize("NFC", said).split()) if isinstance(said, str) else ""
    # Control and format characters can make one name look like another.
    odd = any(unicodedata.category(one).startswith("C") for one in text)
    if not text or len(text) > SHOWN or odd:
        raise BadRequest("this is no name to call somebody by", where=where, mend=f"one line, at most {SHOWN} signs")
    return text


def roles_of(said: object) -> frozenset[str]:
    """Roles that a person may have, at least one; BadRequest."""
    if not isinstance(said, list) or not said or not all(one in PERSON_ROLES for one in said if isinstance(one, str)):
        raise BadRequest("these are no roles of a person", where="roles", mend=f"of {', '.join(PERSON_ROLES)}")
    if not all(isinstance(one, str) for one in said):
        raise BadRequest("roles are texts", where="roles")
    return frozenset(said)


def departments_of(said: object) -> frozenset[str]:
    """Departments, perhaps none; BadRequest."""
    sound = isinstance(said, list) and len(said) <= DEPARTMENTS
    if not sound or not all(isinstance(one, str) and _DEPARTMENT.match(one) for one in said):  # type: ignore[attr-defined]  # a list
        raise BadRequest("these are no departments", where="departments", mend="names of letters, digits, '-' and '_'")
    return frozenset(said)  # type: ignore[call-overload,no-any-return]  # a list of texts


def changed(person: Person, **what: Any) -> tuple[Person, bool]:
    """The person with other roles, departments or state; and whether his sessions must end for it."""
    after = replace(person, **what)
    ends = (after.roles, after.departments, after.disabled) != (person.roles, person.departments, person.disabled)
    return after, ends
