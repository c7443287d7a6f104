"""People joined: their file, how they come in and what they are, and the doors by which the front leads to them."""

import asyncio
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import structlog

from hansa.errors import HansaError
from hansa.platform.accounts import Accounts
from hansa.platform.appointing import Appointing
from hansa.platform.enrolling import Enrolling
from hansa.platform.http import Request, Response
from hansa.platform.noting import Note
from hansa.platform.people import People
from hansa.platform.people_door import PeopleDoor, address
from hansa.platform.proposals import Proposals
from hansa.platform.proving import Proving
from hansa.platform.sign_in import AccountDoor
from hansa.serve.keys import Keys
from hansa.settings import Settings
from hansa.trust.actors import TWO_FACTORS, Actor
from hansa.trust.callers import is_loopback
from hansa.trust.labels import Sight, named
from hansa.trust.people import StepUp

FILE: Final = "trust.db"
SWEEP_S: Final = 60.0

log = structlog.get_logger("hansa.people")


class Town:
    """Everybody of a city, and the doors to them."""

    def __init__(self, settings: Settings, keys: Keys, *, seen: Callable[[Actor], Sight] = named) -> None:
        """Open the file of accounts; the folder's lock is the caller's. `seen` says what an actor sees."""
        accounts = Accounts(settings.data / FILE, keys.seal(settings.data / FILE))
        self.secret = accounts.secret
        self.where = public(settings, f"http://{settings.http}")
        self.people = People(accounts, settings.limits, seen=seen)
        self.proving = Proving(self.people, settings.name)
        self.appointing = Appointing(self.people)
        enrolling = Enrolling(self.proving)
        self.account = AccountDoor(self.proving, enrolling, url=settings.url)
        door = PeopleDoor(self.people, self.appointing, lambda: self.where)
        self.doors = {"people": door.people, "invitations": door.invitations}
        """Those below `/admin`, by first segment."""

    def join(self, proposals: Proposals, note: Note) -> None:
        """Let two administrators decide together, and tell the audit."""
        self.appointing.on(proposals)
        self.people.note = note

    async def handle(self, request: Request, scope_client: tuple[str, int] | None, scheme: str) -> Response:
        """A request to `/account`."""
        return await self.account.handle(request, scope_client[0] if scope_client else "", secure=scheme == "https")

    def fresh(self, who: Actor) -> None:
        """Raise StepUp for a person who has not shown lately who he is, in the session by which he came."""
        if who.kind != "person":
            return
        session = self.people.session_of(who)
        if session is None:  # it has ended since, or he came by a token, which shows nothing
            raise StepUp(TWO_FACTORS, "this needs you to show again who you are")
        self.proving.lately(session)

    async def first(self, where: str) -> str:
        """The address at which the first administrator comes in; empty when there is one. `where` opens the city."""
        self.where = where
        secret = await self.people.first()
        return "" if secret is None else address(where, secret)

    async def forever(self) -> None:
        """What is done once a minute."""
        while True:
            await asyncio.sleep(SWEEP_S)
            try:
                await self.people.sweep()
                await self.proving.sweep()
            except HansaError as fault:
                log.warning("sessions could not be tidied", error=fault.detail)

    def close(self) -> None:
        """Close the file."""
        self.proving.close()
        self.people.close()


def public(settings: Settings, url: str) -> str:
    """Where a browser opens the city: by name, since passkeys are made for a name and for no number."""
    if settings.url:
        return settings.url.rstrip("/")
    parts = urlsplit(url)
    if parts.hostname and is_loopback(parts.hostname):
        return f"{parts.scheme}://localhost:{parts.port}"
    return url
