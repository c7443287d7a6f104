"""Coming in by a link, and what somebody signs in by: passkeys, a password, an authenticator for one-time codes.

A link is opened once, by whoever has its secret: a passkey is made, or a password is set (with an authenticator, for
officials), and in the same transaction the link is used up and the account is there. Nobody is left without a way in,
nor with a way in that does not do for his roles.
"""

import hashlib
import hmac
from dataclasses import replace
from typing import Any

from hansa.errors import AlreadyExists, BadRequest, Forbidden, NotFound
from hansa.platform.people import Entered, Visit
from hansa.platform.proving import Proving, site_of
from hansa.trust import passkeys, passwords
from hansa.trust.people import Link, Passkey, Person, name_of, shown_of
from hansa.trust.sessions import Session


class Enrolling:
    """How people come to have what they sign in by."""

    def __init__(self, proving: Proving) -> None:
        """With the challenges and hashes of `proving`."""
        self._proving = proving
        self._people = proving.people
        self._key = self._people.accounts.secret("handles")
        self._codes: dict[str, str] = {}  # secrets of authenticators that have not answered yet, by link or session

    # By a link

    def newcomer(self, link: Link, name: object, shown: object) -> Person:
        """Who comes in by a link: somebody new, by the name that he chose, or somebody who is known."""
        if link.kind == "recover":
            return replace(self._people.person(link.person), password="", totp="", counter=0)
        chosen = name_of(link.person or name)
        if chosen in self._people.known:
            raise AlreadyExists("this name is taken", where="name", mend="take another one")
        handle = hmac.new(self._key, link.hash + chosen.encode(), hashlib.sha256).digest()
        return Person(
            chosen, shown_of(shown or link.shown), link.roles, link.departments, handle=handle,
            made_at=self._people.now(),
        )  # fmt: skip

    async def ask(self, secret: object, name: object, shown: object, visit: Visit) -> dict[str, Any]:
        """What a browser is asked to make the first passkey of whoever comes in."""
        link = await self._people.link(secret)
        person = self.newcomer(link, name, shown)
        challenge = self._proving.challenges.new(_purpose(link, person, visit), self._people.now())
        return passkeys.creation(challenge, visit.site, self._proving.city, person)

    async def by_passkey(
        self, secret: object, name: object, shown: object, visit: Visit, said: object, called: object
    ) -> Entered:
        """Somebody comes in by a link, with a new passkey."""
        link = await self._people.link(secret)
        person = self.newcomer(link, name, shown)
        made = self._made(said, _purpose(link, person, visit), visit, person, called)
        return await self._open(link, person, made, "passkey", visit)

    async def codes(self, secret: object, name: object, shown: object) -> dict[str, str]:
        """The secret of an authenticator for whoever comes in by a link."""
        link = await self._people.link(secret)
        return await self._new_codes(f"link {link.public}", self.newcomer(link, name, shown))

    async def by_password(
        self, secret: object, name: object, shown: object, visit: Visit, password: object, code: object
    ) -> Entered:
        """Somebody comes in by a link, with a password, and a code of his authenticator; residents may do without."""
        link = await self._people.link(secret)
        person = self.newcomer(link, name, shown)
        text = await self._chosen(password, person)
        totp, step = self._answered(f"link {link.public}", person, code)
        hashed = await self._proving.hashing.call(passwords.kept, text, known=True)
        person = replace(person, password=hashed, totp=totp, counter=step)
        entered = await self._open(link, person, None, "password+totp" if totp else "password", visit)
        self._codes.pop(f"link {link.public}", None)
        return entered

    async def _open(self, link: Link, person: Person, made: Passkey | None, method: str, visit: Visit) -> Entered:
        people = self._people
        async with people.changing:
            people.link_again(link)
            if link.kind == "recover" and (now := people.known.get(person.name)) is not None:
                person = replace(now, password=person.password, totp=person.totp, counter=person.counter)
            about = {"did": "came in", "person": person.name, "link": link.kind, "by": link.by, "method": method}
            await people.noted("people", person.id, about)
            people.link_again(link)  # it may have been taken back while that was written down
            people.turned(person.name)
            await people.do(people.accounts.open_link, link, person, made)
            people.turned(person.name)
            people.sessions.end_all(person.name)
            people.known[person.name] = person
        if link.kind == "recover":
            await people.distrusted(person.id)
        people.renewed()
        return await people.enter(person, method, visit)

    # What somebody signs in by, changed by himself

    async def ask_more(self, session: Session, visit: Visit) -> dict[str, Any]:
        """What a browser is asked to make another passkey."""
        person = self._own_house(session)
        own = await self._proving.own(person)
        if len(own) >= self._people.limits.passkeys:
            raise BadRequest(f"{len(own)} passkeys are enough", where="passkeys", mend="remove one first")
        challenge = self._proving.challenges.new(f"more {session.id} {site_of(visit)}", self._people.now())
        return passkeys.creation(challenge, visit.site, self._proving.city, person, own)

    async def add_passkey(self, session: Session, visit: Visit, said: object, called: object) -> Passkey:
        """Another passkey of whoever is signed in."""
        people = self._people
        async with people.changing:  # while its owner is let in again, nothing of what he had comes back
            person = self._own_house(session)
            made = self._made(said, f"more {session.id} {site_of(visit)}", visit, person, called)
            await self._noted(session, "added a passkey", called=made.called)
            self._proving.lately(session)  # it may have ended while that was written down
            await people.do(people.accounts.add_passkey, made, people.limits.passkeys)
        return made

    async def call_passkey(self, session: Session, public: str, called: object) -> None:
        """Call one's passkey something else."""
        person = self._people.person(session.person)
        one, _ = await self._found(person, public)
        await self._people.do(self._people.accounts.call_passkey, one, shown_of(called, "called"))

    async def remove_passkey(self, session: Session, public: str) -> None:
        """Forget one of one's passkeys, but never the last way in. All other sessions end: it may have been stolen."""
        async with self._people.changing:
            person = self._proving.lately(session)
            one, own = await self._found(person, public)
            left = [other for other in own if other.id != one.id and not other.doubted]
            if not left and not _by_password(person):
                raise BadRequest("this is your only way in", where="passkey", mend="add another passkey first")
            await self._noted(session, "removed a passkey", called=one.called)
            await self._people.do(self._people.accounts.drop_passkey, one)
            self._people.turned(person.name)
        await self._end_others(session)

    async def codes_for(self, session: Session) -> dict[str, str]:
        """The secret of a new authenticator of whoever is signed in."""
        return await self._new_codes(f"session {session.id}", self._own_house(session))

    async def set_password(self, session: Session, password: object, code: object) -> None:
        """A new password, and a new authenticator if its code is said. All other sessions end."""
        people = self._people
        person = self._own_house(session)
        text = await self._chosen(password, person)
        totp, step = self._answered(f"session {session.id}", person, code)
        hashed = await self._proving.hashing.call(passwords.kept, text, known=True)
        async with people.changing:
            person = self._proving.lately(session)
            after = replace(person, password=hashed)
            if totp:
                after = replace(after, totp=totp, counter=step)
            await self._noted(session, "set a password", authenticator=bool(totp))
            self._proving.lately(session)
            await people.keep(after)
            people.turned(person.name)
        self._codes.pop(f"session {session.id}", None)
        await self._end_others(session)

    async def drop_password(self, session: Session) -> None:
        """Sign in by passkeys alone from now on."""
        people = self._people
        async with people.changing:
            person = self._proving.lately(session)
            if not any(not one.doubted for one in await self._proving.own(person)):
                raise BadRequest("this is your only way in", where="password", mend="add a passkey first")
            await self._noted(session, "dropped the password")
            await people.keep(replace(person, password="", totp="", counter=0))
            people.turned(person.name)
        await self._end_others(session)

    # Within

    def _own_house(self, session: Session) -> Person:
        """Whoever has shown lately who he is, if that is for this city to know; Forbidden for a provider's people.

        Else somebody whom his own house has put out would still come in by what he made here.
        """
        person = self._proving.lately(session)
        if person.provider:
            raise Forbidden("who you are is for your provider to say", mend="change what you sign in by over there")
        return person

    def _made(self, said: object, purpose: str, visit: Visit, person: Person, called: object) -> Passkey:
        answer, _, challenge = passkeys.answered(said)
        now = self._people.now()
        self._proving.challenges.check(challenge, purpose, now)
        name = shown_of(called or "Passkey", "called")
        made = passkeys.made(answer, challenge, visit.site, person.name, name, now)
        self._proving.challenges.use(challenge, now)
        return made

    async def _chosen(self, password: object, person: Person) -> str:
        """A password that may be set, normalised; of a long one that takes as long as a hash."""
        return await self._proving.hashing.call(passwords.chosen, password, person.words, known=True)

    async def _new_codes(self, whose: str, person: Person) -> dict[str, str]:
        self._codes.pop(whose, None)
        secret = self._codes[whose] = passwords.new_totp()
        # Whoever begins again and again keeps one; so there are as many as there are links and sessions, and no more.
        while len(self._codes) > self._people.limits.invitations + len(self._people.sessions):
            self._codes.pop(next(iter(self._codes)))
        uri = passwords.totp_uri(secret, person.name, self._proving.city)
        picture = await self._proving.hashing.call(passwords.totp_picture, uri, known=True)
        return {"secret": secret, "uri": uri, "svg": picture}

    def _answered(self, whose: str, person: Person, code: object) -> tuple[str, int]:
        """The secret of an authenticator whose code was said, and its step; none where none is needed."""
        if code in {None, ""}:
            if person.official and not person.totp:
                raise BadRequest(
                    "whoever works for the city needs an authenticator beside a password",
                    where="code",
                    mend="scan the picture, and type the code that it shows",
                )
            return "", 0
        secret = self._codes.get(whose, "")
        step = passwords.code_step(secret, code, self._people.now(), 0)
        if step is None:
            raise BadRequest(
                "this is not the code that the authenticator shows now", where="code", mend="wait for the next one"
            )
        return secret, step

    async def _found(self, person: Person, public: str) -> tuple[Passkey, list[Passkey]]:
        own = await self._proving.own(person)
        one = next((one for one in own if one.public == public), None)
        if one is None:
            raise NotFound("there is no such passkey", where="passkey")
        return one, own

    async def _noted(self, session: Session, did: str, **more: Any) -> None:
        about = {"did": did, "person": session.person, **more}
        await self._people.noted("people", f"person:{session.person}", about, session.id)

    async def _end_others(self, session: Session) -> None:
        """What somebody may have begun who has learnt what he signed in by: other sessions, and tokens."""
        await self._people.end(self._people.sessions.end_all(session.person, but=session.id))
        await self._people.distrusted(f"person:{session.person}")


def _purpose(link: Link, person: Person, visit: Visit) -> str:
    return f"enrol {link.public} {person.name} {site_of(visit)}"


def _by_password(person: Person) -> bool:
    """Whether somebody can sign in without a passkey."""
    return bool(person.password) and (bool(person.totp) or not person.official)
