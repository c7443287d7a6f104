"""Who is calling over HTTP: pure decisions on what a request says of itself.

Until people exist there is one caller with rights, the city's administrator: whoever reads the city's own token from
its data folder, or, with `--trust-loopback`, whoever sits at this machine. Everybody else is nobody.
"""

import hmac
import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from hansa.trust.labels import ADMINISTRATOR, NOBODY, Sight

_FORWARDED: Final = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip", b"via")
# Read strictly, and not as a URL: whoever needs leniency here is not this machine's own browser.
_HOST: Final = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]*)?\Z")
_LOOPBACK_NAMES: Final = frozenset({"localhost", "localhost."})


def is_loopback(host: str) -> bool:
    """Whether a host (name or address) is this very machine."""
    if host.lower() in _LOOPBACK_NAMES:
        return True
    try:
        return ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return False


class Callers:
    """Decides for each request; remembers nothing but what it was given."""

    def __init__(self, token: str, *, trust_loopback: bool) -> None:
        """`token` is the administrator's, a random text from the data folder."""
        self._token = f"Bearer {token}".encode()
        self._trust_loopback = trust_loopback
        self._hosts: dict[bytes, bool] = {}

    def sight(self, peer: str | None, headers: Iterable[tuple[bytes, bytes]]) -> Sight:
        """Who this is. `peer` is the address at the other end of the connection, `headers` in lower case.

        A browser on this machine may be sent here by any web page: so a foreign Origin or Host is not trusted, nor is
        what a proxy passed on.
        """
        trusted = self._trust_loopback and peer is not None and (peer == "127.0.0.1" or is_loopback(peer))
        named = False
        for name, value in headers:
            if name == b"authorization":
                if hmac.compare_digest(value, self._token):
                    return ADMINISTRATOR
                trusted = False  # whoever names himself is not taken for somebody else
            elif trusted:
                if name == b"host":
                    named = True
                    trusted = self._is_here(value)
                else:
                    trusted = self._is_direct(name, value)
        return ADMINISTRATOR if trusted and named else NOBODY

    def _is_here(self, host: bytes) -> bool:
        known = self._hosts.get(host)
        if known is None:
            shape = _HOST.match(host)
            known = shape is not None and is_loopback(shape[1].decode())
            if len(self._hosts) < 1_000:
                self._hosts[host] = known
        return known

    def _is_direct(self, name: bytes, value: bytes) -> bool:
        """Whether a header leaves it possible that the caller sits here and asks for himself."""
        if name == b"origin":
            return self._is_own(value)
        if name == b"sec-fetch-site":
            return value in {b"same-origin", b"none"}
        return name not in _FORWARDED

    @staticmethod
    def _is_own(origin: bytes) -> bool:
        try:
            host = urlsplit(origin.decode("latin-1")).hostname
        except ValueError:
            return False
        return host is not None and is_loopback(host)
