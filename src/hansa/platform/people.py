"""The people of a running city: who they are now, their sessions, and the links that wait.

One thread of its own speaks to the file of accounts, so that no request waits for the disk of another; who people are
is held in memory too, since every session asks for it. `proving` lets them in, `enrolling` gives them what they sign in
by, `appointing` says what they are.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from hansa.errors import Forbidden, NotFound, Unauthenticated
from hansa.limits import Limits
from hansa.platform.accounts import Accounts
from hansa.platform.noting import Note, noted
from hansa.trust.actors import Actor
from hansa.trust.labels import Sight, named
from hansa.trust.passkeys import Site
from hansa.trust.people import FIRST, Link, Person, hash_of, link
from hansa.trust.sessions import Session, Sessions

T = TypeVar("T")


def wall() -> int:
    """Wall time in microseconds: people live by it, whatever the city's clock says."""
    return time.time_ns() // 1_000


@dataclass(frozen=True, slots=True)
class Visit:
    """The browser that asks: which address it has for the city, and what it is known by."""

    site: Site
    address: str = ""
    agent: str = ""
    device: str = ""
    """Its device cookie."""


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody has come in: his session, and the secret that his browser keeps."""

    person: Person
    session: Session
    secret: str


class People:
    """Everybody who has an account."""

    def __init__(
        self,
        accounts: Accounts,
        limits: Limits,
        *,
        seen: Callable[[Actor], Sight] = named,
        note: Note | None = None,
        now: Callable[[], int] = wall,
    ) -> None:
        """`seen` says what an actor sees, `note` is the audit, `now` wall time in microseconds."""
        self.accounts = accounts
        self.limits = limits
        self.note = note
        self.now = now
        self.sessions = Sessions(seen, limits.sessions_each)
        self.sessions.ended = self._ended
        self._until_gone: dict[str, asyncio.Future[None]] = {}
        self._turns: dict[str, int] = {}
        self._away: frozenset[str] = frozenset()
        self.renewed: Callable[[], None] = _nothing
        """Told when somebody came, or has other roles: what was decided for him is decided again."""
        self.distrusted: Callable[[str], Awaitable[None]] = _nobody
        """Told who was shut out, was let in again, or took away a way in: what was made in his name until then ends."""
        self.known = {one.name: one for one in accounts.people()}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="accounts")
        self.changing = asyncio.Lock()
        moment = now()
        for session in accounts.sessions():
            person = self.known.get(session.person)
            if person is not None and not person.disabled and session.lives(moment):
                self.sessions.take(session, person)

    async def do(self, work: Callable[..., T], *given: Any) -> T:
        """Do something with the file of accounts."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *given)

    def close(self) -> None:
        """Write down when sessions were last used, and close the file."""
        self._thread.shutdown()
        self.accounts.use_sessions([(one.id, one.seen) for one in self.sessions])
        self.accounts.close()

    async def sweep(self) -> None:
        """Once a minute: sessions and links that have ended by themselves go, and the use of the others is kept."""
        now = self.now()
        if gone := self.sessions.swept(now):
            await self.do(self.accounts.end_sessions, gone)
        if used := [(one.id, one.seen) for one in self.sessions.used(now)]:
            await self.do(self.accounts.use_sessions, used)
        away = frozenset(one.name for one in self.known.values() if self._lost(one))
        if away != self._away:  # what they began is decided again
            self._away = away
            self.renewed()
        for one in await self.do(self.accounts.links):
            if not one.good(now):
                await self.do(self.accounts.drop_link, one)

    # Who is who

    def session(self, secret: bytes) -> Sight | None:
        """The sight of whoever bears this cookie."""
        found = self.sessions.find(secret, self.now())
        return None if found is None else found.sight

    def session_of(self, actor: Actor) -> Session | None:
        """The session that somebody came by."""
        return self.sessions.get(actor.session) if actor.session else None

    def current(self, actor: Actor) -> Actor | None:
        """An actor with the roles that he has now; None when he is gone. Whoever is no person is as he was."""
        if actor.kind != "person":
            return actor
        person = self.known.get(actor.id.partition(":")[2])
        if person is None or person.disabled or self._lost(person):
            return None
        return replace(actor, roles=person.roles, departments=person.departments)

    def _lost(self, person: Person) -> bool:
        """Whether a provider's person has not been there for so long that he may have lost his place."""
        return bool(person.provider) and self.now() >= person.seen_at + round(self.limits.provider_s * 1e6)

    def person(self, name: object) -> Person:
        """An account; NotFound."""
        found = self.known.get(name) if isinstance(name, str) else None
        if found is None:
            raise NotFound(f"there is no account {str(name)[:64]!r}", where="name")
        return found

    def administrators(self) -> list[Person]:
        """Those who can sign in."""
        return [one for one in self.known.values() if "administrator" in one.roles and not one.disabled]

    async def keep(self, person: Person) -> None:
        """Write down what became of an account."""
        await self.do(self.accounts.keep, person)
        self.known[person.name] = person

    async def noted(self, kind: str, actor: str, what: dict[str, Any], session: str = "") -> None:
        """Tell the audit."""
        await noted(self.note, kind, actor, what, session=session)

    # Sessions

    async def enter(self, person: Person, method: str, visit: Visit, *, proven: int | None = None) -> Entered:
        """Somebody has shown who he is, just now or, to another house, at `proven`: a session for him."""
        limits, now = self.limits, self.now()
        person = self.known[person.name]
        if person.disabled:
            raise Forbidden("this account is closed", mend="ask an administrator")
        lasts, idle = (
            (limits.session_s, limits.session_idle_s)
            if person.official
            else (limits.session_resident_s, limits.session_resident_idle_s)
        )
        session, secret, gone = self.sessions.begin(
            person, method, now, lasts_s=lasts, idle_s=idle, address=visit.address, agent=visit.agent
        )
        if proven is not None:
            session.proven = min(proven, now)
        said = {"method": method, "address": visit.address}
        try:
            await self.noted("login", person.id, said, session.id)
            await self._write(session, gone)
        except BaseException:
            self.sessions.end(session.id)
            raise
        self.known[person.name] = replace(self.known[person.name], seen_at=now)
        return Entered(person, session, secret)

    async def prove(self, session: Session, method: str) -> Entered:
        """The holder of a session has shown again who he is."""
        person = self.person(session.person)
        self._lives(session)
        secret = self.sessions.renew(session, person, method, self.now())
        await self.noted("login", person.id, {"method": method, "again": True}, session.id)
        await self._write(session)
        return Entered(person, session, secret)

    def turn(self, person: str) -> int:
        """How often what somebody signs in by was taken away in this life: what was shown before is worth nothing."""
        return self._turns.get(person, 0)

    def turned(self, person: str) -> None:
        """What somebody signed in by until now counts for nothing any more, also where it is being looked at."""
        self._turns[person] = self.turn(person) + 1

    def _lives(self, session: Session) -> None:
        """Unauthenticated when a session has ended meanwhile."""
        if self.sessions.get(session.id) is not session:
            raise Unauthenticated("this session has ended", mend="sign in")

    async def _write(self, session: Session, gone: Iterable[Session] = ()) -> None:
        """Keep a session that began, or was renewed; Unauthenticated when it was ended meanwhile, and stays so."""
        self._lives(session)
        await self.do(self.accounts.keep_session, session, gone)
        try:
            self._lives(session)
        except Unauthenticated:  # it was ended while this was written: it must not live again after a restart
            await self.do(self.accounts.end_sessions, [session])
            raise

    def gone(self, actor: Actor) -> "asyncio.Future[None]":
        """Done when the session by which somebody came has ended: what streams to him ends with it."""
        found = self._until_gone.get(actor.session)
        if found is None:
            found = asyncio.get_running_loop().create_future()
            if self.sessions.get(actor.session) is not None:
                self._until_gone[actor.session] = found
        return found

    def _ended(self, ident: str) -> None:
        found = self._until_gone.pop(ident, None)
        if found is not None and not found.done():
            found.set_result(None)

    async def end(self, gone: Iterable[Session]) -> None:
        """These sessions have ended."""
        gone = list(gone)
        for one in gone:
            self.sessions.end(one.id)
        if gone:
            await self.do(self.accounts.end_sessions, gone)

    # Links

    async def first(self) -> str | None:
        """A new link for the first administrator, in the place of any earlier one; None when there is one already."""
        if self.administrators():
            return None
        made, secret = link("first", "the city", self.now(), self.limits.enrolment_s, roles=FIRST)
        old = [one for one in await self.do(self.accounts.links) if one.kind == "first"]
        await self.do(self.accounts.add_link, made, old)
        return secret

    async def link(self, secret: object) -> Link:
        """A link that still opens something; NotFound."""
        found = None
        if isinstance(secret, str) and 20 <= len(secret) <= 100:
            found = await self.do(self._link_of, secret)
        gone = found is not None and (
            not found.good(self.now())
            or (found.kind == "first" and bool(self.administrators()))
            or (found.kind == "recover" and self._shut(found.person))
        )
        if found is None or gone:
            raise NotFound(
                "this link is not good: it was used, it has ended, or it was taken back",
                where="link",
                mend="ask an administrator for another one; for the first one: hansa person enrol",
            )
        return found

    def _link_of(self, secret: str) -> Link | None:
        """The link of a secret, or of both halves of one with a dot between them. A half alone opens nothing."""
        if "." not in secret:
            return self.accounts.link(hash_of(secret))
        told = [self.accounts.half(hash_of(one)) for one in secret.split(".")]
        found, holders = told[0][0] if told[0] else None, sorted(one[1] for one in told if one)
        whole = found is not None and holders == list(found.holders) and all(one and one[0] == found for one in told)
        return found if whole else None

    async def half(self, secret: object) -> Link | None:
        """The link of which this is a half, while it waits for the other one."""
        if not isinstance(secret, str) or not 20 <= len(secret) <= 100:
            return None
        found = await self.do(self.accounts.half, hash_of(secret))
        return found[0] if found is not None and found[0].good(self.now()) else None

    def _shut(self, name: str) -> bool:
        person = self.known.get(name)
        return person is None or person.disabled

    def link_again(self, link: Link) -> None:
        """NotFound when a link has ended since, or the first administrator has come in by another."""
        used = link.kind == "first" and self.administrators()
        if used or not link.good(self.now()) or (link.kind == "recover" and self._shut(link.person)):
            raise NotFound("this link is not good any more", where="link", mend="ask for another one")


async def _nobody(_ident: str) -> None:
    """Nobody has anything."""


def _nothing() -> None:
    """Nobody is told."""
