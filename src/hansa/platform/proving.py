"""Signing in, and showing again who one is: by a passkey, or by a password and a one-time code.

Whoever fails hears the same, after the same work, whether there is such an account or not. A guess is let through only
by `trust.lockout`, its hash is made by `hashing`; passkeys pass both by.
"""

import time
from dataclasses import replace
from typing import Any, Final

from hansa.errors import BadRequest, Busy, HansaError, TooMany, Unauthenticated
from hansa.platform.hashing import Hashing
from hansa.platform.people import Entered, People, Visit
from hansa.trust import passkeys, passwords
from hansa.trust.actors import SINGLE, TWO_FACTORS
from hansa.trust.lockout import Lockout
from hansa.trust.passkeys import Challenges
from hansa.trust.people import Passkey, Person, StepUp
from hansa.trust.sessions import Session

_REMEMBERED: Final = 100_000  # good answers, for five minutes each: 300 sign-ins a second


class Proving:
    """Finds out who it is."""

    def __init__(self, people: People, city: str) -> None:
        """`city` is what authenticators call this city."""
        self.people = people
        self.city = city
        self.challenges = Challenges(people.accounts.secret("challenges"), _REMEMBERED)
        self.lockout = Lockout(people.accounts.secret("devices"), people.limits.guessers)
        self.hashing = Hashing(people.limits.hashes)
        self.refused = 0
        """Guesses that were not let through, since the audit was last told."""

    def close(self) -> None:
        """End the thread of hashes."""
        self.hashing.close()

    async def sweep(self) -> None:
        """Once a minute: tell the audit how many guesses were turned away."""
        if refused := self.refused:
            self.refused = 0
            await self.people.noted("login-failed", "public", {"refused": refused})

    # Passkeys

    def ask(self, visit: Visit) -> dict[str, Any]:
        """What a browser is asked to sign in with any passkey of this city. BadRequest where there can be none."""
        challenge = self.challenges.new(f"sign in {site_of(visit)}", self.people.now())
        return passkeys.request(challenge, visit.site)

    async def by_passkey(self, visit: Visit, said: object) -> Entered:
        """Somebody signs in with a passkey."""
        person = await self._signed(visit, said, f"sign in {site_of(visit)}")
        return await self.people.enter(person, "passkey", visit)

    async def _signed(self, visit: Visit, said: object, purpose: str, holder: str = "") -> Person:
        """Whose passkey has answered; Unauthenticated, the same for all that is not good."""
        people = self.people
        answer, ident, challenge = passkeys.answered(said)
        self.challenges.check(challenge, purpose, people.now())
        passkey = await people.do(people.accounts.passkey, ident)
        person = None if passkey is None else people.known.get(passkey.person)
        turn = people.turn("" if person is None else person.name)
        if passkey is None or person is None or person.disabled or (holder and person.name != holder):
            if person is None:  # anybody can say this as often as he likes: it is counted, and not written down
                self.refused += 1
            else:
                await self._failed(visit, person, "passkey", "it is not known here")
            raise Unauthenticated("this passkey is not known here", where="credential", mend="take another one")
        try:
            after = passkeys.used(answer, challenge, visit.site, passkey, person, people.now())
        except HansaError as fault:
            await self._failed(visit, person, "passkey", fault.detail)
            raise
        self.challenges.use(challenge, people.now())
        fresh = await people.do(people.accounts.use_passkey, passkey, after)
        if after.doubted or not fresh:
            await self._failed(visit, person, "passkey", "its count went backwards: there may be a copy of it")
            raise Unauthenticated(
                "this passkey counts backwards: there may be a copy of it, and it opens nothing any more",
                where="credential",
                mend="sign in with another one, remove this one, and tell an administrator",
            )
        self._same(person, turn)
        return person

    def _same(self, person: Person, turn: int) -> None:
        """Unauthenticated when what somebody signed in by was taken away while it was looked at."""
        if self.people.turn(person.name) != turn:
            raise Unauthenticated("what you sign in by was changed just now", mend="sign in with what it is now")

    # Passwords

    async def by_password(self, visit: Visit, name: object, password: object, code: object) -> Entered:
        """Somebody signs in with a password, and a one-time code if he has one; officials must."""
        text = name.strip().lower()[:100] if isinstance(name, str) else ""
        person = self.people.known.get(text)
        turn = self.people.turn(text)
        method = await self._known(visit, text, person, password, code)
        if method is None or person is None:
            raise Unauthenticated(
                "name, password or code is wrong", where="password", mend="try again, or use a passkey"
            )
        self._same(person, turn)
        return await self.people.enter(person, method, visit)

    async def _known(
        self, visit: Visit, name: str, person: Person | None, password: object, code: object
    ) -> str | None:
        """By which method this is the person; None when it is not. TooMany, Busy."""
        people = self.people
        text = passwords.normal(password)
        try:
            attempt = self.lockout.attempt(
                name, visit.address, visit.device, time.monotonic(), exists=person is not None
            )
        except TooMany:
            self.refused += 1
            raise
        hashed = "" if person is None else person.password
        try:
            right = await self.hashing.call(passwords.matches, text, hashed, known=attempt.known)
        except Busy:
            attempt.right(time.monotonic())  # it was not looked at
            raise
        person = people.known.get(name)  # as he is after the hash
        method = None
        # nosemgrep: secrets-are-compared-in-equal-time  # two hashes that are kept: neither was said
        if right and person is not None and person.password == hashed and not person.disabled:
            method = await self._second(person, code)
        if method is None:
            await self._failed(visit, person, "password", "wrong")
            return None
        attempt.right(time.monotonic())
        if passwords.outdated(hashed):
            await self._hash_anew(name, text, hashed)
        return method

    async def _second(self, person: Person, code: object) -> str | None:
        """By which method a person with the right password comes in: the code is used up."""
        people = self.people
        if not person.totp:
            return None if person.official else "password"
        step = passwords.code_step(person.totp, code, people.now(), person.counter)
        if step is None or not await people.do(people.accounts.count_code, person.name, step):
            return None
        people.known[person.name] = replace(people.known[person.name], counter=step)
        return "password+totp"

    async def _hash_anew(self, name: str, text: str, before: str) -> None:
        made = await self.hashing.call(passwords.kept, text, known=True)
        async with self.people.changing:
            person = self.people.known[name]
            # nosemgrep: secrets-are-compared-in-equal-time  # two hashes that are kept: neither was said
            if person.password == before:
                await self.people.keep(replace(person, password=made))

    async def _failed(self, visit: Visit, person: Person | None, method: str, why: str) -> None:
        # A name that nobody bears may be a password in the wrong field: it is not written down.
        about = {"person": person.name if person else "", "method": method, "why": why, "address": visit.address}
        await self.people.noted("login-failed", "public" if person is None else person.id, about)

    # Showing it again

    async def ask_again(self, visit: Visit, session: Session) -> dict[str, Any]:
        """What the holder of a session is asked to show again who he is: one of his own passkeys."""
        people = self.people
        challenge = self.challenges.new(f"again {session.id} {site_of(visit)}", people.now())
        own = await people.do(people.accounts.passkeys, session.person)
        return passkeys.request(challenge, visit.site, [one for one in own if not one.doubted])

    async def again_by_passkey(self, visit: Visit, session: Session, said: object) -> Entered:
        """The holder of a session shows again who he is, by a passkey of his."""
        await self._signed(visit, said, f"again {session.id} {site_of(visit)}", session.person)
        return await self.people.prove(session, "passkey")

    async def again_by_password(self, visit: Visit, session: Session, password: object, code: object) -> Entered:
        """The same by password, and code if he has one."""
        person = self.people.person(session.person)
        turn = self.people.turn(person.name)
        method = await self._known(visit, person.name, person, password, code)
        if method is None:
            raise Unauthenticated("password or code is wrong", where="password", mend="try again, or use a passkey")
        self._same(person, turn)
        return await self.people.prove(session, method)

    def lately(self, session: Session) -> Person:
        """The holder of a session, who has shown lately who he is; StepUp."""
        person = self.people.person(session.person)
        if self.people.sessions.get(session.id) is not session:
            raise Unauthenticated("this session has ended", mend="sign in")
        if not session.fresh(self.people.now(), self.people.limits.step_s):
            level = TWO_FACTORS if person.official else SINGLE
            raise StepUp(level, "this needs you to show again who you are")
        return person

    async def own(self, person: Person) -> list[Passkey]:
        """The passkeys of somebody."""
        return await self.people.do(self.people.accounts.passkeys, person.name)


def site_of(visit: Visit) -> str:
    """The origin that asks; BadRequest where a browser lets no passkey be: at an address instead of a name."""
    host = visit.site.host
    if not host or host.replace(".", "").isdecimal() or ":" in host:
        raise BadRequest(
            "a passkey needs a name in the address, not a number", where="host", mend="on this machine: localhost"
        )
    return visit.site.origin
