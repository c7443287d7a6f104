"""Services and tokens, kept: tables of `trust.db`, and all of it in memory, where every request looks.

`bearer` is what the front door asks. What changes is on disk before it is answered, so that a token that was revoked
stays so; only when each was last used is written once a minute. The file is that of people's accounts too, these tables
are for this module alone.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import orjson

from hansa.clock import SECOND
from hansa.errors import AlreadyExists, BadRequest, Busy, NotFound, Unauthenticated
from hansa.limits import DEFAULT, Limits
from hansa.platform.sqlite import sealed
from hansa.trust import tokens as rules
from hansa.trust.actors import Actor
from hansa.trust.jose import Rules, read_key, validate
from hansa.trust.tokens import Service, Token, Tokens

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS machine_service (name TEXT PRIMARY KEY, doc BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS machine_token (
    id TEXT PRIMARY KEY, hash BLOB NOT NULL, owner TEXT NOT NULL, until INTEGER NOT NULL, used_at INTEGER NOT NULL,
    doc BLOB NOT NULL) WITHOUT ROWID;
-- Signed requests for a token that were used, until they have ended: none is used twice, whatever happens between.
CREATE TABLE IF NOT EXISTS machine_spent (
    service TEXT NOT NULL, jti TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (service, jti)) WITHOUT ROWID;
"""

ASSERTION_S: Final = 300.0
"""How long a service's signed request may live (RFC 7523, 3): long enough for any clock, short for a thief."""
_SPENT: Final = 1_000
"""Signed requests of one service within that time: three a second, for tokens that live ten minutes."""
_ACCESS: Final = 100
"""Tokens that a service got for its signature, and holds at once; the oldest goes."""

Work = tuple[str, tuple[Any, ...]]
Owners = Callable[[str], Actor | None]
"""A person as he is now, by his id; None when he may do nothing any more."""


def _no_people(_ident: str) -> Actor | None:
    return None


def _nothing() -> None:
    """Nobody need hear of it."""


def wall() -> int:
    """Wall time in microseconds: tokens live by it, whatever the city's clock says."""
    return time.time_ns() // 1_000


class Machines:
    """The services of a city, and everybody's tokens. All methods belong to the event loop."""

    def __init__(
        self,
        path: Path | str,
        key: bytes | None,
        limits: Limits = DEFAULT,
        *,
        people: Owners = _no_people,
        now: Callable[[], int] = wall,
    ) -> None:
        """Take up what the file holds; `key` is what it is sealed with.

        `people` knows the owners of tokens that are persons; it may be set later. `now` is wall time in microseconds.
        """
        if not Path(path).exists():
            Path(path).touch(mode=0o600)
        self.people = people
        self.renewed: Callable[[], None] = _nothing
        """Told when a service or a token is no longer what it was: what was decided for it is decided again."""
        self._db = sealed.connect(path, key)
        self._limits = limits
        self._now = now
        self._writing = asyncio.Lock()
        self._services: dict[str, Service] = {}
        self._actors: dict[str, Actor] = {}
        self._tokens = Tokens()
        self._proved: dict[str, tuple[Actor, Actor]] = {}
        self._spent: dict[str, dict[str, int]] = {}
        self._turns: dict[str, int] = {}
        """How often all tokens of somebody were ended in this life."""
        self._resting: frozenset[str] = frozenset()
        self._noted = now()
        self._db.pragma("journal_mode", "wal")
        self._db.pragma("synchronous", "full")
        self._db.execute(_TABLES)
        self._load()

    def _load(self) -> None:
        for name, doc in self._db.execute("SELECT name, doc FROM machine_service"):
            self._know(_service_in(name, orjson.loads(doc)))
        rows = self._db.execute("SELECT id, hash, owner, until, used_at, doc FROM machine_token WHERE until > ?",
                                (self._now(),))  # fmt: skip
        for ident, hashed, owner, until, used_at, doc in rows:
            self._tokens.take(_token_in(ident, hashed, owner, until, used_at, orjson.loads(doc)))
        for service, jti, until in self._db.execute("SELECT service, jti, until FROM machine_spent"):
            self._spent.setdefault(service, {})[jti] = until

    def close(self) -> None:
        """Write down when tokens were used, and close the file."""
        self._commit(self._used())
        self._db.close()

    # Who asks

    def bearer(self, text: str) -> Actor | None:
        """Whoever bears a token, as he is now; None when it is none, has ended, or its owner may do nothing."""
        token = self._tokens.find(text, self._now())
        if token is None:
            return None
        owner = self._owner(token.owner)
        if owner is None:
            return None
        known = self._proved.get(token.id)
        if known is None or known[0] is not owner:
            known = self._proved[token.id] = owner, token.actor(owner)
        return known[1]

    def current(self, actor: Actor) -> Actor | None:
        """A service, or the bearer of somebody's token, as he is now: what was begun in his name goes on by that.

        None when the service, or the token that somebody made, is gone. A token that a service got for its signature
        ends after minutes, and what was begun with it goes on. Whoever came in another way is as he was.
        """
        if actor.method not in {"token", "private_key_jwt"}:
            return actor
        owner = self._owner(actor.id)
        if owner is None:
            return None
        if actor.method == "token":
            token = self._tokens.get(actor.session)
            return None if token is None or self._now() >= token.until else token.actor(owner)
        return replace(actor, roles=owner.roles, departments=owner.departments)

    def _owner(self, ident: str) -> Actor | None:
        return self._actors.get(ident) if ident.startswith("service:") else self.people(ident)

    # Services

    def services(self) -> list[Service]:
        """All of them, by name, with those that are shut out."""
        return [self._services[name] for name in sorted(self._services)]

    def knows(self, name: str) -> bool:
        """Whether there is, or was, a service of that name."""
        return name in self._services

    def service(self, name: str) -> Service:
        """One that is not shut out; NotFound."""
        found = self._services.get(name)
        if found is None or found.revoked_at:
            raise NotFound(f"there is no service {name[:64]!r}", where="service", mend="hansa service list")
        return found

    async def add(self, service: Service) -> None:
        """Know a new service; AlreadyExists for a name that was ever given."""
        if service.name in self._services:
            raise AlreadyExists(f"there is, or was, a service {service.name}", where="name", mend="take another name")
        if len(self._services) >= self._limits.services:
            raise BadRequest(f"{self._limits.services:,} services are the most", where="name")
        self._know(service)
        try:
            await self._write([_service_out(service)])
        except BaseException:
            self._forget(service)
            raise

    async def change(self, service: Service) -> None:
        """A service has other keys, or is shut out.

        What it got for a signature ends at once with any key of it: nobody knows which was signed by that one. Shut
        out, the tokens that somebody made for it end too.
        """
        lost = {key.kid for key in self.service(service.name).keys} - {key.kid for key in service.keys}
        gone = self._tokens.of(service.id, access=True) if lost or service.revoked_at else []
        gone += self._tokens.of(service.id, access=False) if service.revoked_at else []
        ended = [self._end(token.id) for token in gone]
        self._know(service)
        self.renewed()
        await self._write([_service_out(service), *ended])

    def _know(self, service: Service) -> None:
        self._services[service.name] = service
        if service.revoked_at:
            self._actors.pop(service.id, None)
        else:
            self._actors[service.id] = service.actor()

    def _forget(self, service: Service) -> None:
        self._services.pop(service.name, None)
        self._actors.pop(service.id, None)

    # Tokens

    def tokens(self, owner: str | None = None) -> list[Token]:
        """The tokens that somebody made and that have not ended, of one owner or of all."""
        now = self._now()
        every = list(self._tokens) if owner is None else self._tokens.of(owner, access=False)
        return sorted((one for one in every if not one.access and now < one.until), key=lambda one: one.made_at)

    async def make(
        self,
        owner: str,
        by: str,
        *,
        days: object,
        scope: frozenset[str],
        roles: frozenset[str] | None = None,
        note: str = "",
    ) -> tuple[Token, str]:
        """A token with a scope and an end, and its text, which nobody is told a second time."""
        now = self._now()
        held = self._owner(owner)
        if held is None:
            raise NotFound(f"there is no {owner[:80]}", where="owner", mend="a service, or yourself")
        if roles is not None and (more := sorted(roles - held.roles)):
            raise BadRequest(f"its owner has not the role {more[0]}", where="roles")
        if owner.startswith("service:") and not rules.covered(scope, self.service(owner[8:]).scope):
            raise BadRequest("the service itself is not for all of that", where="scope")
        if len(self.tokens(owner)) >= self._limits.tokens:
            raise BadRequest(
                f"{self._limits.tokens} tokens of one owner are the most", where="owner", mend="revoke one"
            )
        token, text = rules.mint(
            owner, now, rules.end_of(days, now), by, scope=scope, roles=roles, note=rules.note_of(note)
        )
        turn = self._turns.get(owner)
        await self._write([_token_out(token)])
        if self._turns.get(owner) != turn:  # all that he had ended while this was written
            await self._write([self._end(token.id)])
            raise Unauthenticated("your tokens have ended", mend="sign in again")
        self._tokens.take(token)  # only now: what is not on disk is nothing
        return token, text

    async def revoke(self, ident: str) -> Token:
        """End a token at once; NotFound."""
        token = self._tokens.get(ident)
        if token is None or token.access:
            raise NotFound(f"there is no token {ident[:64]!r}", where="token", mend="hansa token list")
        work = self._end(ident)
        self.renewed()
        await self._write([work])
        return token

    async def end_all(self, owner: str) -> int:
        """End all tokens of somebody at once, and such as are just being made; how many there were."""
        self._turns[owner] = self._turns.get(owner, 0) + 1
        work = [self._end(one.id) for one in self._tokens.of(owner, access=False)]
        if work:
            self.renewed()
            await self._write(work)
        return len(work)

    def _end(self, ident: str) -> Work:
        self._tokens.forget(ident)
        self._proved.pop(ident, None)
        return "DELETE FROM machine_token WHERE id = ?", (ident,)

    # Tokens for a signature

    async def issue(self, name: str, assertion: str, audience: frozenset[str], scope: list[str]) -> tuple[Token, str]:
        """A token of ten minutes for a service that has signed for it (RFC 7523), for what it asks of its scope.

        Raises Unauthenticated with the reason, Busy, BadRequest about `scope`. An unknown service and a wrong
        signature are told alike.
        """
        now = self._now()
        service = self._services.get(name)
        held = Rules(name, audience, ASSERTION_S, needs=frozenset({"sub"}),
                     types=frozenset({"", "jwt", "client-authentication+jwt"}))  # fmt: skip
        written: list[Work] = []
        claims = validate(assertion, () if service is None else service.keys, held, now / SECOND,
                          lambda who, jti, until: self._spend(who, jti, round(until * SECOND), written))  # fmt: skip
        if service is None or claims["sub"] != name:
            raise Unauthenticated("it speaks for somebody else", where="sub", mend="iss and sub are the service's name")
        wanted = rules.scope_of(scope) if scope else service.scope
        if wanted is not None and not rules.covered(wanted, service.scope):
            raise BadRequest("the service is not for all of that", where="scope")
        before = self._tokens.of(service.id, access=True)
        surplus = before[: max(0, len(before) + 1 - _ACCESS)]
        until = now + rules.ACCESS_S * SECOND
        token, text = rules.mint(service.id, now, until, service.id, scope=wanted, access=True)
        await self._write([*written, _token_out(token), *(self._end(one.id) for one in surplus)])
        if self._services.get(name) is not service:  # it was shut out, or its keys changed, while this was written
            await self._write([self._end(token.id)])
            raise Unauthenticated("no key that is known signed this token", where="signature")
        self._tokens.take(token)
        return token, text

    def _spend(self, service: str, jti: str, until: int, written: list[Work]) -> bool:
        spent = self._spent.setdefault(service, {})
        if jti in spent:
            return False
        if len(spent) >= _SPENT:
            now = self._now()
            for old in [one for one, end in spent.items() if end <= now]:
                del spent[old]
            if len(spent) >= _SPENT:
                raise Busy(f"{service} asks for tokens too often", mend=f"use each for {rules.ACCESS_S} s")
        spent[jti] = until
        written.append(("INSERT OR IGNORE INTO machine_spent VALUES (?, ?, ?)", (service, jti, until)))
        return True

    # Keeping

    async def flush(self) -> None:
        """Write down when tokens were used, and let go of what has ended. Once a minute."""
        now = self._now()
        ended = self._tokens.ended(now)
        work = [*self._used(), *(self._end(token.id) for token in ended)]
        # Somebody's tokens may rest, or be good again, by time alone: what was begun with them hears of it here.
        resting = frozenset(one.owner for one in self._tokens if self._owner(one.owner) is None)
        if resting != self._resting or not all(token.access for token in ended):
            self._resting = resting
            self.renewed()
        for service, spent in list(self._spent.items()):
            left = {jti: end for jti, end in spent.items() if end > now}
            if len(left) < len(spent):
                work.append(("DELETE FROM machine_spent WHERE service = ? AND until <= ?", (service, now)))
                self._spent[service] = left
            if not left:
                del self._spent[service]
        if work:
            await self._write(work)

    def _used(self) -> Iterable[Work]:
        since, self._noted = self._noted, self._now()
        for token in self._tokens:
            if token.used_at >= since:
                yield "UPDATE machine_token SET used_at = ? WHERE id = ?", (token.used_at, token.id)

    async def _write(self, work: Iterable[Work]) -> None:
        async with self._writing:
            await asyncio.to_thread(self._commit, list(work))

    def _commit(self, work: Iterable[Work]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for sql, values in work:
                self._db.execute(sql, values)
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise


def _service_out(service: Service) -> Work:
    doc = {
        "roles": sorted(service.roles),
        "departments": sorted(service.departments),
        "scope": None if service.scope is None else sorted(service.scope),
        "keys": [dict(key.jwk) for key in service.keys],
        "note": service.note,
        "made": [service.made_at, service.made_by],
        "revoked": service.revoked_at,
    }
    return "INSERT OR REPLACE INTO machine_service VALUES (?, ?)", (service.name, orjson.dumps(doc))


def _service_in(name: str, doc: dict[str, Any]) -> Service:
    return Service(
        name,
        frozenset(doc["roles"]),
        frozenset(doc["departments"]),
        None if doc["scope"] is None else frozenset(doc["scope"]),
        tuple(map(read_key, doc["keys"])),
        doc["note"],
        doc["made"][0],
        doc["made"][1],
        doc["revoked"],
    )


def _token_out(token: Token) -> Work:
    doc = {
        "roles": None if token.roles is None else sorted(token.roles),
        "scope": None if token.scope is None else sorted(token.scope),
        "made": [token.made_at, token.made_by],
        "note": token.note,
        "access": token.access,
    }
    row = token.id, token.hash, token.owner, token.until, token.used_at, orjson.dumps(doc)
    return "INSERT INTO machine_token VALUES (?, ?, ?, ?, ?, ?)", row


def _token_in(ident: str, hashed: bytes, owner: str, until: int, used_at: int, doc: dict[str, Any]) -> Token:
    roles, scope = (None if doc[name] is None else frozenset(doc[name]) for name in ("roles", "scope"))
    at, by = doc["made"]
    return Token(ident, hashed, owner, roles, scope, until, at, by, doc["note"], doc["access"], used_at)
