"""Somebody who has come into a city by its link, with a password and an authenticator, as a browser would."""

import ssl
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pyotp

from served import Served

PASSWORD = "seven grey herons at the weir"


class SignedIn:
    """A browser that is signed in: its cookies, its origin, and every secret that it was told."""

    def __init__(self, city: Served, name: str = "ada", *, ca: Path | None = None) -> None:
        place = urlsplit(city.link)
        self.origin = f"{place.scheme}://{place.netloc}"
        known = ssl.create_default_context(cafile=str(ca) if ca else None)
        self.client = httpx.Client(base_url=self.origin, verify=known, trust_env=False, timeout=30)
        self.link = place.path.rsplit("/", 1)[-1]
        who = {"link": self.link, "name": name, "shown": "Ada"}
        told = self.page("POST", "/account/enrol/codes", who).json()
        self.totp = str(told["secret"])
        code = pyotp.TOTP(self.totp).now()
        said = {**who, "password": PASSWORD, "code": code}
        self.entered = self.page("POST", "/account/enrol/password", said)
        assert self.entered.status_code == 200, self.entered.text
        self.secrets = [self.link, self.totp, PASSWORD, *self.client.cookies.values()]

    def page(self, method: str, path: str, said: object = None) -> httpx.Response:
        """What a page of the city asks."""
        headers = {"origin": self.origin, "sec-fetch-site": "same-origin", "x-hansa": "page"}
        return self.client.request(method, path, json=said, headers=headers)

    def close(self) -> None:
        self.client.close()
