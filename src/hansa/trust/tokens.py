"""Services and tokens: programs that ask in their own name, and what a token may be used for.

A service proves itself by a key of its own, of which the city knows the public half (RFC 7523), and gets a token for
ten minutes; or it bears an API token that somebody made for it, with a scope and an end. A token is
`hansa_<id>_<secret>`: the id is public, of the secret the city keeps the hash. A scope only ever takes away: whoever
bears the token may do what its owner may do now, and of that what the scope names. Pure decisions; `platform.machines`
keeps what is decided. Times are wall time in microseconds.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from hansa.clock import SECOND
from hansa.errors import AlreadyExists, BadRequest, NotFound
from hansa.model.core_context import VOCAB
from hansa.trust.actors import ROLES, SINGLE, TWO_FACTORS, Actor
from hansa.trust.jose import Key, read_key

VERBS: Final = ("read", "create", "update", "delete", "command", "subscribe", "export", "administer", "declassify")
"""What can be done with information, as policies call it."""
GROUPS: Final = {"write": ("create", "update", "delete"), "admin": ("administer",)}
"""Words of a scope for several verbs."""

_NO_SERVICE: Final = frozenset(
    {*("administrator", "device", "neighbour", "resident"), *("supervisor", "command", "data_officer")}
)
SERVICE_ROLES: Final = tuple(role for role in ROLES if role not in _NO_SERVICE)
"""What a service may be. Powers that two people give are a person's; devices and neighbours have doors of their own."""

ACCESS_S: Final = 600
"""How long a token lives that a service got for its signature."""
TOKEN_DAYS: Final = 366
"""How long an API token may live at most: what nobody renews once a year, nobody needs."""
SERVICE_KEYS: Final = 5
ITEMS: Final = 50
DEPARTMENTS: Final = 50

_PREFIX: Final = "hansa"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}\Z", re.ASCII)
_DEPARTMENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z", re.ASCII)
_TYPE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+._~:/?#@!$&'()*;=%-]{0,511}\Z", re.ASCII)
_TEXT: Final = re.compile(r"hansa_([a-z0-9]{16})_([A-Za-z0-9_-]{43})\Z", re.ASCII)
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789"


# Scopes


def scope_of(said: object) -> frozenset[str]:
    """A scope: items `verb` or `verb:Type`, at least one. Raises BadRequest, naming the item."""
    if not isinstance(said, list) or not 0 < len(said) <= ITEMS:
        raise BadRequest(
            f"a scope is a list of 1 to {ITEMS} items", where="scope", mend="such as read:WeatherObserved, read, write"
        )
    return frozenset(map(_item, said))


def _item(said: object) -> str:
    verb, colon, kind = said.partition(":") if isinstance(said, str) else ("", "", "")
    kind = kind.removeprefix(VOCAB)
    if (verb not in VERBS and verb not in GROUPS) or (colon and not _TYPE.match(kind)):
        words = ", ".join((*VERBS, *GROUPS))
        raise BadRequest(f"{str(said)[:80]!r} is nothing of a scope", where="scope", mend=f"{words}; or verb:Type")
    return f"{verb}:{kind}" if colon else verb


def within(scope: frozenset[str] | None, verb: str, types: str | Iterable[str] = ()) -> bool:
    """Whether a scope lets a verb be used on an entity of these types, as documents name them; None lets everything.

    Each of its types must be named, or the verb without a type; an entity whose type is not known (no `types`) needs
    the verb without one.
    """
    return scope is None or _within(scope, verb, (types,) if isinstance(types, str) else tuple(types))


@lru_cache(10_000)
def _within(scope: frozenset[str], verb: str, types: tuple[str, ...]) -> bool:
    words = [verb, *(word for word, verbs in GROUPS.items() if verb in verbs)]
    if not scope.isdisjoint(words):
        return True
    return bool(types) and all(any(f"{word}:{kind}" in scope for word in words) for kind in types)


def covered(asked: frozenset[str], held: frozenset[str] | None) -> bool:
    """Whether all that one scope names, the other names too."""
    for item in asked:
        word, _, kind = item.partition(":")
        if not all(within(held, verb, (kind,) if kind else ()) for verb in GROUPS.get(word, (word,))):
            return False
    return True


# Services


@dataclass(frozen=True, slots=True)
class Service:
    """A program with an account of its own."""

    name: str
    roles: frozenset[str]
    departments: frozenset[str]
    scope: frozenset[str] | None
    """What it is for, at most; None: all that its roles let it do."""
    keys: tuple[Key, ...]
    note: str
    made_at: int
    made_by: str
    revoked_at: int = 0

    @property
    def id(self) -> str:
        """Who it is in the log."""
        return f"service:{self.name}"

    def actor(self, roles: frozenset[str] | None = None, **how: Any) -> Actor:
        """It as somebody who asks, with all of its roles or those alone."""
        held = self.roles if roles is None else self.roles & roles
        return Actor(self.id, held | {"service"}, self.departments, **how)


def service_of(said: dict[str, Any], now: int, by: str) -> Service:
    """A new service as somebody describes it; BadRequest."""
    if extra := sorted(said.keys() - {"name", "roles", "departments", "scope", "keys", "note"}):
        raise BadRequest(f"a service has no {extra[0][:40]}", where=extra[0][:40])
    name = said.get("name")
    if not isinstance(name, str) or not _NAME.match(name):
        raise BadRequest("this is no name of a service", where="name", mend="small letters, digits, '-' and '.'")
    keys = said.get("keys", [])
    if not isinstance(keys, list):
        raise BadRequest("keys is a list of public JWKs", where="keys")
    made = Service(
        name,
        roles_of(said.get("roles", []), SERVICE_ROLES),
        departments_of(said.get("departments", [])),
        scope_of(said["scope"]) if said.get("scope") is not None else None,
        (),
        note_of(said.get("note", "")),
        now,
        by,
    )
    for key in keys:
        made = with_key(made, read_key(key))
    return made


def with_key(service: Service, key: Key, *, alone: bool = False) -> Service:
    """The service with one key more, or that one alone; BadRequest for too many, AlreadyExists for the same again."""
    keys = () if alone else service.keys
    if any(one.kid == key.kid for one in keys):
        raise AlreadyExists(f"{service.name} has a key of that name already", where="kid", mend="remove it first")
    if len(keys) >= SERVICE_KEYS:
        raise BadRequest(f"{service.name} has {SERVICE_KEYS} keys already", where="keys", mend="remove an old one")
    return replace(service, keys=(*keys, key))


def without_key(service: Service, kid: str) -> Service:
    """The service without a key; NotFound."""
    left = tuple(one for one in service.keys if one.kid != kid)
    if len(left) == len(service.keys):
        raise NotFound(f"{service.name} has no key {kid[:64]!r}", where="kid")
    return replace(service, keys=left)


def revoked(service: Service, now: int) -> Service:
    """The service, shut out: its keys are forgotten, its name stays taken, for the log's sake."""
    return replace(service, keys=(), revoked_at=now)


def roles_of(said: object, known: tuple[str, ...]) -> frozenset[str]:
    """Roles out of those that are known; BadRequest."""
    if not isinstance(said, list) or not all(isinstance(one, str) and one in known for one in said):
        raise BadRequest("these are no roles that can be given here", where="roles", mend=", ".join(known))
    return frozenset(said)


def departments_of(said: object) -> frozenset[str]:
    """Departments, perhaps none; BadRequest."""
    sound = isinstance(said, list) and len(said) <= DEPARTMENTS
    if not sound or not all(isinstance(one, str) and _DEPARTMENT.match(one) for one in said):  # type: ignore[attr-defined]  # a list
        raise BadRequest("these are no departments", where="departments", mend="names of letters, digits, '-' and '_'")
    return frozenset(said)  # type: ignore[call-overload,no-any-return]  # a list of texts


def note_of(said: object) -> str:
    """What somebody notes on a service or token: one line; BadRequest."""
    if not isinstance(said, str) or len(said) > 200 or not (said.isprintable() or not said):
        raise BadRequest("a note is one line of at most 200 characters", where="note")
    return said


# Tokens


@dataclass(slots=True)
class Token:
    """A token as the city keeps it."""

    id: str
    hash: bytes
    owner: str
    """The id of an Actor: `service:ledger` or `person:ada`."""
    roles: frozenset[str] | None
    """Of its owner's roles only these; None: all."""
    scope: frozenset[str] | None
    until: int
    made_at: int
    made_by: str
    note: str = ""
    access: bool = False
    """Whether a service got it for its signature, rather than somebody made it."""
    used_at: int = 0

    def actor(self, owner: Actor) -> Actor:
        """Whoever bears it, given its owner as he is now."""
        roles = owner.roles if self.roles is None else owner.roles & (self.roles | {"service"})
        assurance, method = (TWO_FACTORS, "private_key_jwt") if self.access else (SINGLE, "token")
        return Actor(owner.id, roles, owner.departments, assurance, method, self.id, self.scope)


def mint(
    owner: str,
    now: int,
    until: int,
    by: str,
    *,
    scope: frozenset[str] | None,
    roles: frozenset[str] | None = None,
    note: str = "",
    access: bool = False,
) -> tuple[Token, str]:
    """A new token, and its text, which is said once and kept only as a hash."""
    ident = "".join(secrets.choice(_ALPHABET) for _ in range(16))
    text = f"{_PREFIX}_{ident}_{secrets.token_urlsafe(32)}"
    return Token(ident, _hash(text), owner, roles, scope, until, now, by, note, access), text


def end_of(days: object, now: int) -> int:
    """When a token of so many days ends; BadRequest when it would have no end in sight."""
    if isinstance(days, bool) or not isinstance(days, int | float) or not 0 < days <= TOKEN_DAYS:
        raise BadRequest(f"a token lives for up to {TOKEN_DAYS} days", where="days", mend="say how many")
    return now + round(days * 86_400 * SECOND)


def _hash(text: str) -> bytes:
    # A random secret of 256 bits needs no slow hash; a person's password would.
    return hashlib.sha256(text.encode()).digest()


class Tokens:
    """Every token of the city by its id: one look-up and one hash a request."""

    def __init__(self) -> None:
        """None yet."""
        self._known: dict[str, Token] = {}
        self._owned: dict[str, dict[str, Token]] = {}

    def __len__(self) -> int:
        """How many."""
        return len(self._known)

    def __iter__(self) -> Iterator[Token]:
        """All of them."""
        return iter(list(self._known.values()))

    def take(self, token: Token) -> None:
        """Know a token."""
        self._known[token.id] = token
        self._owned.setdefault(token.owner, {})[token.id] = token

    def get(self, ident: str) -> Token | None:
        """A token by its id, whether it has ended or not."""
        return self._known.get(ident)

    def of(self, owner: str, *, access: bool) -> list[Token]:
        """The tokens of somebody, the oldest first: those that were made for him, or those he got for his signature."""
        return [one for one in self._owned.get(owner, {}).values() if one.access is access]

    def forget(self, ident: str) -> Token | None:
        """End a token; it, if there was one."""
        found = self._known.pop(ident, None)
        if found is not None:
            own = self._owned[found.owner]
            del own[ident]
            if not own:
                del self._owned[found.owner]
        return found

    def find(self, text: str, now: int) -> Token | None:
        """The token that this is, if it is one and has not ended."""
        shape = _TEXT.match(text)
        found = None if shape is None else self._known.get(shape[1])
        if found is None or not hmac.compare_digest(_hash(text), found.hash) or now >= found.until:
            return None
        found.used_at = now
        return found

    def ended(self, now: int) -> list[Token]:
        """Those that have ended by themselves."""
        return [one for one in self._known.values() if now >= one.until]
