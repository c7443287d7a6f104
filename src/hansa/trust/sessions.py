"""Sessions: who has signed in, how, and until when.

The secret is 256 random bits in a cookie; only its hash is kept. A session ends by itself, some time after it began
and sooner when nobody uses it; it gets a new secret whenever its holder shows again who he is, and it ends when his
roles change. The table lives in memory, since every request looks here; `platform/accounts` keeps it across restarts.
Times are wall time in microseconds. Report: 4.2.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from hansa.trust.actors import Actor
from hansa.trust.labels import Sight
from hansa.trust.people import METHODS, Person

SECOND: Final = 1_000_000
_NOTED: Final = 60 * SECOND  # what is written down of when a session was used


@dataclass(slots=True)
class Session:
    """One browser in which somebody has signed in."""

    id: str
    """Its public name: for lists and the audit."""
    hash: bytes
    person: str
    method: str
    began: int
    until: int
    idle: int
    """How long it lives unused (microseconds)."""
    seen: int
    proven: int
    """When its holder last showed who he is."""
    address: str = ""
    agent: str = ""
    sight: Sight | None = None
    noted: int = 0

    @property
    def assurance(self) -> int:
        """How surely its holder is who he says."""
        return METHODS[self.method]

    def lives(self, now: int) -> bool:
        """Whether it has not ended by itself."""
        return now < self.until and now < self.seen + self.idle

    def fresh(self, now: int, seconds: float) -> bool:
        """Whether its holder has shown who he is within the last `seconds`."""
        return now < self.proven + round(seconds * SECOND)


def secret_hash(secret: bytes) -> bytes:
    """How the secret of a cookie is kept."""
    return hashlib.sha256(secret).digest()


class Sessions:
    """Every session of the city, found by its secret."""

    def __init__(self, seen: Callable[[Actor], Sight], each: int) -> None:
        """`seen` says what an actor sees; `each` is the most that one person has: the oldest goes."""
        self._seen = seen
        self._each = each
        self.ended: Callable[[str], None] = _nothing
        """Told the public name of each session that has ended."""
        self._by_hash: dict[bytes, Session] = {}
        self._by_id: dict[str, Session] = {}
        self._people: dict[str, dict[str, Session]] = {}

    def __len__(self) -> int:
        """How many."""
        return len(self._by_hash)

    def __iter__(self) -> Iterator[Session]:
        """All of them."""
        return iter(list(self._by_id.values()))

    def take(self, session: Session, person: Person) -> list[Session]:
        """Know a session of a person; the sessions that had to go for it."""
        self._name(session, person)
        self._by_hash[session.hash] = session
        self._by_id[session.id] = session
        own = self._people.setdefault(session.person, {})
        own[session.id] = session
        gone = sorted(own.values(), key=lambda one: one.seen)[: max(0, len(own) - self._each)]
        for one in gone:
            self.end(one.id)
        return gone

    def _name(self, session: Session, person: Person) -> None:
        who = Actor(person.id, person.roles, person.departments, session.assurance, session.method, session.id)
        session.sight = self._seen(who)

    def begin(
        self,
        person: Person,
        method: str,
        now: int,
        *,
        lasts_s: float,
        idle_s: float,
        address: str = "",
        agent: str = "",
    ) -> tuple[Session, str, list[Session]]:
        """A new session, its secret, and the sessions that had to go for it."""
        secret = secrets.token_urlsafe(32)
        made = Session(
            secrets.token_hex(8),
            secret_hash(secret.encode()),
            person.name,
            method,
            now,
            now + round(lasts_s * SECOND),
            round(idle_s * SECOND),
            now,
            now,
            address[:64],
            agent[:200],
            noted=now,
        )
        return made, secret, self.take(made, person)

    def renew(self, session: Session, person: Person, method: str, now: int) -> str:
        """Its holder has shown again who he is: a new secret, and the surer of both methods."""
        secret = secrets.token_urlsafe(32)
        del self._by_hash[session.hash]
        session.hash = secret_hash(secret.encode())
        self._by_hash[session.hash] = session
        session.proven = session.seen = session.noted = now
        if METHODS[method] > session.assurance:
            session.method = method
        self._name(session, person)
        return secret

    def find(self, secret: bytes, now: int) -> Session | None:
        """The session of a secret, which is thereby used; None for an unknown or ended one."""
        found = self._by_hash.get(hashlib.sha256(secret).digest())
        if found is None or not found.lives(now):
            return None
        found.seen = now
        return found

    def get(self, ident: str) -> Session | None:
        """A session by its public name, whether it has ended by itself or not."""
        return self._by_id.get(ident)

    def of(self, person: str, now: int) -> list[Session]:
        """The living sessions of a person, the newest first."""
        own = [one for one in self._people.get(person, {}).values() if one.lives(now)]
        return sorted(own, key=lambda one: one.began, reverse=True)

    def end(self, ident: str) -> Session | None:
        """End one; it, if there was one."""
        found = self._by_id.pop(ident, None)
        if found is not None:
            self._by_hash.pop(found.hash, None)
            own = self._people[found.person]
            own.pop(ident, None)
            if not own:
                del self._people[found.person]
            self.ended(ident)
        return found

    def end_all(self, person: str, but: str = "") -> list[Session]:
        """End all sessions of a person, except one."""
        return [one for ident in list(self._people.get(person, ())) if ident != but and (one := self.end(ident))]

    def swept(self, now: int) -> list[Session]:
        """End what has ended by itself."""
        return [one for one in self if not one.lives(now) and self.end(one.id)]

    def used(self, now: int) -> Iterable[Session]:
        """Those whose last use is to be written down: once a minute each is enough."""
        for one in self:
            if one.seen - one.noted >= _NOTED or (one.seen > one.noted and now - one.noted >= _NOTED):
                one.noted = one.seen
                yield one


def _nothing(_ident: str) -> None:
    """Nobody is told."""
