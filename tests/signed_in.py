"""Somebody who has come into a city by its link, with a password and an authenticator, as a browser would."""

import ssl
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pyotp

from hansa import settings
from hansa.platform.sqlite import sealed
from hansa.serve.keys import find_keys
from served import KNOWN, Served

PASSWORD = "seven grey herons at the weir"


class SignedIn:
    """A browser that is signed in: its cookies, its origin, and every secret that it was told."""

    def __init__(self, city: Served, name: str = "ada", *, ca: Path | None = None) -> None:
        place = urlsplit(city.link)
        self.origin = f"{place.scheme}://{place.netloc}"
        known = ssl.create_default_context(cafile=str(ca)) if ca else KNOWN
        self.client = httpx.Client(base_url=self.origin, verify=known, trust_env=False, timeout=30)
        self.link = place.path.rsplit("/", 1)[-1]
        who = {"link": self.link, "name": name, "shown": "Ada"}
        told = self.page("POST", "/account/enrol/codes", who).json()
        self.totp = str(told["secret"])
        self.codes = 1
        code = pyotp.TOTP(self.totp).now()
        said = {**who, "password": PASSWORD, "code": code}
        self.entered = self.page("POST", "/account/enrol/password", said)
        assert self.entered.status_code == 200, self.entered.text
        self.secrets = [self.link, self.totp, PASSWORD, *self.client.cookies.values()]

    def page(self, method: str, path: str, said: object = None) -> httpx.Response:
        """What a page of the city asks."""
        headers = {"origin": self.origin, "sec-fetch-site": "same-origin", "x-hansa": "page"}
        return self.client.request(method, path, json=said, headers=headers)

    def follow(self, city: Served) -> None:
        """Go on where a city is that was started anew, at another port."""
        self.origin = city.url.replace("127.0.0.1", "localhost")
        self.client.base_url = self.origin

    def again(self) -> None:
        """Show again who it is."""
        code = pyotp.TOTP(self.totp).at(time.time() + 30 * self.codes)
        self.codes += 1
        told = self.page("POST", "/account/again/password", {"password": PASSWORD, "code": code})
        assert told.status_code == 200, told.text

    def close(self) -> None:
        self.client.close()


def left_open(city: Served, *people: SignedIn) -> None:
    """As if an hour had gone by in which nobody showed who he is: the city is started anew with older sessions."""
    city.stop()
    path = city.folder / "trust.db"
    db = sealed.connect(path, find_keys(settings.load(city.folder)).seal(path))
    db.execute("UPDATE sessions SET proven = proven - 3600000000")
    db.close()
    city.start()
    for one in people:
        one.follow(city)
