"""A town of people in one process, and browsers that come to its door, each with its cookies and its passkeys."""

import asyncio
from pathlib import Path
from typing import Any

import orjson

from hansa.errors import HansaError
from hansa.limits import Limits
from hansa.platform.accounts import Accounts
from hansa.platform.appointing import Appointing
from hansa.platform.enrolling import Enrolling
from hansa.platform.http import Headers, Request, Response, problem
from hansa.platform.people import People
from hansa.platform.people_door import PeopleDoor
from hansa.platform.proving import Proving
from hansa.platform.sign_in import AccountDoor
from hansa.trust.callers import Callers
from hansa.trust.labels import ADMINISTRATOR
from soft_key import SoftKey

SECOND = 1_000_000
ORIGIN = "https://city.example"


class Town:
    """Everybody of a city, and its doors; time is turned by hand."""

    def __init__(self, folder: Path, url: str = ORIGIN, **limits: Any) -> None:
        self.folder = folder
        self.url = url
        self.limits = Limits(**limits)
        self.at = 1_800_000_000 * SECOND
        self.noted: list[tuple[str, str, dict[str, Any]]] = []
        self.open()

    def open(self) -> None:
        accounts = Accounts(self.folder / "trust.db", b"k" * 32)
        self.people = People(accounts, self.limits, note=self.note, now=lambda: self.at)
        self.proving = Proving(self.people, "City")
        self.appointing = Appointing(self.people)
        self.door = AccountDoor(self.proving, Enrolling(self.proving), url=self.url)
        self.desk = PeopleDoor(self.people, self.appointing, lambda: self.url)
        self.callers = Callers("token", trust_loopback=False, session=self.people.session)

    def close(self) -> None:
        self.proving.close()
        self.people.close()

    def reopen(self) -> None:
        self.close()
        self.open()

    def note(self, kind: str, actor: str, what: dict[str, Any], *, session: str = "") -> None:
        self.noted.append((kind, actor, what))

    def later(self, seconds: float) -> None:
        self.at += round(seconds * SECOND)

    def first(self) -> str:
        return str(asyncio.run(self.people.first()))

    def machine(self, method: str, *path: str, **said: Any) -> Any:
        """The administrator of the machine itself asks; problem details where it is refused."""
        request = Request(method, list(path[1:]), body=orjson.dumps(said) if said else b"", sight=ADMINISTRATOR)
        return self._told(getattr(self.desk, path[0])(request))

    def invited(self, *roles: str, **what: Any) -> str:
        """A link that the machine's own administrator makes, while there are not two to decide together."""
        status, told, _ = self.machine("POST", "invitations", roles=list(roles), **what)
        assert status == 201, told
        return str(told["link"])

    def _told(self, asked: Any) -> Any:
        async def run() -> Response:
            try:
                return await asked
            except HansaError as fault:
                return problem(fault)

        response = asyncio.run(run())
        return response.status, orjson.loads(response.body) if response.body else None, response


class Browser:
    """One browser: cookies, passkeys, and what it says of itself."""

    def __init__(self, town: Town, address: str = "10.0.0.1", origin: str = ORIGIN) -> None:
        self.town = town
        self.address = address
        self.origin = origin
        self.cookies: dict[str, str] = {}
        self.keys: list[SoftKey] = []
        self.said: dict[str, str] = {}

    def headers(self) -> list[tuple[bytes, bytes]]:
        said = {
            "host": self.origin.split("://")[1], "origin": self.origin, "sec-fetch-site": "same-origin",
            "x-hansa": "page", "user-agent": "Soft/1.0",
            "cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
        } | self.said  # fmt: skip
        return [(name.encode(), value.encode()) for name, value in said.items() if value]

    def ask(self, method: str, path: str, **said: Any) -> tuple[int, Any, Response]:
        """Ask the door of accounts, or with `admin/` before it an administrators' one: status, body, answer."""
        headers = self.headers()
        sight = None

        async def run() -> Response:
            nonlocal sight
            try:
                sight = self.town.callers.sight(self.address, headers, method)
                parts = path.split("/")
                body = orjson.dumps(said) if said else b""
                if parts[0] == "admin":
                    request = Request(method, parts[2:], body=body, headers=Headers(headers), sight=sight)
                    return await getattr(self.town.desk, parts[1])(request)
                request = Request(method, parts, body=body, headers=Headers(headers), sight=sight)
                return await self.town.door.handle(request, self.address, secure=self.origin.startswith("https"))
            except HansaError as fault:
                return problem(fault)

        response = asyncio.run(run())
        for name, value in response.headers:
            if name == b"set-cookie":
                one, _, how = value.decode().partition(";")
                key, _, text = one.partition("=")
                self.cookies.pop(key, None)
                if "Max-Age=0" not in how:
                    self.cookies[key] = text
        return response.status, orjson.loads(response.body) if response.body else None, response

    def good(self, method: str, path: str, **said: Any) -> Any:
        status, body, _ = self.ask(method, path, **said)
        assert status < 300, body
        return body

    def key(self, **how: Any) -> SoftKey:
        self.keys.append(SoftKey(self.origin, **how))
        return self.keys[-1]

    def enrol(self, link: str, name: str = "ada", shown: str = "Ada") -> Any:
        """Come in by a link, with a new passkey."""
        who = {"link": link.rsplit("/", 1)[-1], "name": name, "shown": shown}
        made = self.key().make(self.good("POST", "enrol/ask", **who))
        return self.good("POST", "enrol/passkey", **who, credential=made, called="Phone")

    def enrol_by_password(self, link: str, name: str, password: str, *, codes: bool = True) -> str:
        """Come in by a link, with a password; the secret of the authenticator."""
        who = {"link": link.rsplit("/", 1)[-1], "name": name, "shown": name.title()}
        secret = self.good("POST", "enrol/codes", **who)["secret"] if codes else ""
        self.good("POST", "enrol/password", **who, password=password, code=self.code(secret) if codes else "")
        return secret

    def code(self, secret: str) -> str:
        """What an authenticator shows now."""
        import pyotp

        return str(pyotp.TOTP(secret).at(self.town.at // SECOND))

    def sign_in(self, key: SoftKey | None = None, **wrong: Any) -> tuple[int, Any, Response]:
        options = self.good("POST", "sign-in")
        return self.ask("POST", "sign-in/passkey", credential=(key or self.keys[-1]).sign(options, **wrong))

    def again(self, key: SoftKey | None = None) -> tuple[int, Any, Response]:
        options = self.good("POST", "again")
        return self.ask("POST", "again/passkey", credential=(key or self.keys[-1]).sign(options))
