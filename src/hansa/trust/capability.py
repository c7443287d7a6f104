"""Capabilities: a text that whoever holds it may show, made by this city for one app, that nobody else can make.

A link in a warning, the page of somebody's own request: who has the link is the one it was sent to. It says what it is
for (an id) in the open and bears a MAC of 128 bits over it and the app's name, so one app's links open nothing of
another's. It never ends by itself: what it opens is for the app to say each time. Report: 4.2.
"""

import base64
import binascii
import hmac
from hashlib import sha256
from typing import Final

_MAC: Final = 16  # bytes: 128 bits cannot be guessed through a door that limits how often one may ask
_LONGEST: Final = 2_048
_TEXT: Final = _MAC * 4 // 3 + 1  # characters of a MAC: 22


class Capabilities:
    """Makes and reads them; its key is the city's secret."""

    def __init__(self, key: bytes) -> None:
        """`key` is at least 32 random bytes."""
        self._key = key

    def token(self, app: str, text: str) -> str:
        """The capability of an app for `text`: URL-safe, 22 characters and 4/3 of the text's bytes."""
        return _plain(self._mac(app, text)) + _plain(text.encode())

    def told_by(self, app: str, token: str) -> str | None:
        """What a capability of this app is for; None when it is none."""
        if not _TEXT < len(token) <= _LONGEST or not token.isascii():
            return None
        try:
            mac, said = _bytes(token[:_TEXT]), _bytes(token[_TEXT:]).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        # Written one way only: else one link would have many spellings, each a stranger to whoever counts them.
        true = hmac.compare_digest(mac, self._mac(app, said))
        return said if true and hmac.compare_digest(token, self.token(app, said)) else None

    def visitor(self, address: str, day: int) -> str:
        """What stands for an address on one day: tells it from others, and not who it is."""
        return _plain(hmac.digest(self._key, f"visitor\0{day}\0{address}".encode(), sha256)[:12])

    def _mac(self, app: str, text: str) -> bytes:
        return hmac.digest(self._key, f"capability\0{app}\0{text}".encode(), sha256)[:_MAC]


def _plain(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
