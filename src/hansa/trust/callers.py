"""Who is calling over HTTP: pure decisions on what a request says of itself.

A caller is a person whose browser bears a session's cookie, a program with a bearer token, whoever reads the city's own
token from its data folder, or, with `--trust-loopback`, whoever sits at this machine. Everybody else is nobody.

A cookie comes along with whatever makes a browser ask, so it counts only for what a page of this city asks: to change
anything, a request says that it comes from the same origin, and bears a header that no other site can make a browser
send. That is decided here, once, for every door.
"""

import hmac
import re
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from hansa.errors import Forbidden
from hansa.trust.actors import Actor
from hansa.trust.labels import ADMINISTRATOR, NOBODY, Sight, named

_FORWARDED: Final = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip", b"via")
# Read strictly, and not as a URL: whoever needs leniency here is not this machine's own browser.
_HOST: Final = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]*)?\Z")
_LOOPBACK_NAMES: Final = frozenset({"localhost", "localhost."})
_NAMING: Final = (b"authorization", b"cookie")
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

COOKIE: Final = "__Host-hansa"
"""The cookie of a session over HTTPS: no other host, path or unencrypted page can set or read it."""
PLAIN_COOKIE: Final = "hansa"
"""The same on this machine without HTTPS."""
PAGE: Final = b"x-hansa"
"""A header by which a page of ours asks: a browser sends it to another origin only after asking there first."""


def is_loopback(host: str) -> bool:
    """Whether a host (name or address) is this very machine."""
    if host.lower() in _LOOPBACK_NAMES:
        return True
    try:
        return ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return False


def _no_bearer(_token: str) -> Actor | None:
    return None


def _no_session(_secret: bytes) -> Sight | None:
    return None


class Callers:
    """Decides for each request; remembers nothing but what it was given."""

    def __init__(
        self,
        token: str,
        *,
        trust_loopback: bool,
        bearer: Callable[[str], Actor | None] = _no_bearer,
        session: Callable[[bytes], Sight | None] = _no_session,
        seen: Callable[[Actor], Sight] = named,
    ) -> None:
        """`token` is the administrator's, a random text from the data folder.

        `bearer` knows every other token, `session` the secret of a cookie; `seen` says what an actor sees.
        """
        self._token = f"Bearer {token}".encode()
        self._trust_loopback = trust_loopback
        self._hosts: dict[bytes, bool] = {}
        self.bearer = bearer
        self.session = session
        self.seen = seen
        self.origins: frozenset[bytes] = frozenset()
        """Origins that are this city's too, whatever Host a proxy makes of them."""

    def sight(self, peer: str | None, headers: Iterable[tuple[bytes, bytes]], method: str = "GET") -> Sight:
        """Who this is. `peer` is the address at the other end of the connection, `headers` in lower case.

        A browser on this machine may be sent here by any web page: so a foreign Origin or Host is not trusted, nor is
        what a proxy passed on. Forbidden for what another site's page asks in somebody's name.
        """
        trusted = self._trust_loopback and peer is not None and (peer == "127.0.0.1" or is_loopback(peer))
        named = False
        for name, value in headers:
            if name in _NAMING:
                if name == b"cookie":
                    found = self._by_cookie(value, headers, method)
                    if found is not None:
                        return found
                    continue
                if hmac.compare_digest(value, self._token):
                    return ADMINISTRATOR
                found = self._by_bearer(value)
                if found is not None:
                    return found
                trusted = False  # whoever names himself is not taken for somebody else
            elif trusted:
                if name == b"host":
                    named = True
                    trusted = self._is_here(value)
                else:
                    trusted = self._is_direct(name, value)
        return ADMINISTRATOR if trusted and named else NOBODY

    def _by_bearer(self, value: bytes) -> Sight | None:
        if value[:7].lower() != b"bearer " or not value.isascii():
            return None
        who = self.bearer(value[7:].decode().strip())
        return None if who is None else self.seen(who)

    def _by_cookie(self, value: bytes, headers: Iterable[tuple[bytes, bytes]], method: str) -> Sight | None:
        secret, plain = secret_in(value)
        found = None if secret is None else self.session(secret)
        if found is None:
            return None
        said = dict(headers)
        if plain and not self._is_here(said.get(b"host", b"")):
            return None  # beyond this machine, anybody on the way could have set that one
        if b"authorization" in said:
            return None  # a program that names itself is that program
        if method in _SAFE:
            return found if _may_read(said) else None
        same_page(said, self.origins)
        return found

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


def secret_in(cookies: bytes) -> tuple[bytes | None, bool]:
    """The secret of a session in a Cookie header, and whether it is the plain one, which HTTPS does not guard."""
    plain = None
    for part in cookies.split(b";"):
        name, _, value = part.strip().partition(b"=")
        if name == b"__Host-hansa":
            return value, False
        if name == b"hansa" and plain is None:
            plain = value
    return plain, True


def same_page(headers: dict[bytes, bytes], origins: frozenset[bytes] = frozenset()) -> None:
    """Let pass what a page of this city asks; Forbidden for what another site's page made a browser ask (CSRF)."""
    origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site")
    said = origin is not None or site is not None
    here = origin in origins or _same_host(origin, headers.get(b"host"))
    if not said or (site is not None and site != b"same-origin") or not here:
        raise Forbidden("this was not asked by a page of this city", where="origin", mend="open the city's own page")
    if PAGE not in headers:
        raise Forbidden("this was not asked by a page of this city", where=PAGE.decode(), mend="say X-Hansa: page")


def _same_host(origin: bytes | None, host: bytes | None) -> bool:
    """Whether an Origin is that of the Host that was asked; where none is said, Sec-Fetch-Site has spoken."""
    if origin is None:
        return True
    scheme, _, rest = origin.partition(b"://")
    return scheme in {b"https", b"http"} and host is not None and rest.lower() == host.lower()


def _may_read(headers: dict[bytes, bytes]) -> bool:
    """Whether a browser was not made to ask this by another site's page, except by following a link to here."""
    site = headers.get(b"sec-fetch-site")
    if site is None or site in {b"same-origin", b"none"}:
        return True
    return headers.get(b"sec-fetch-mode") == b"navigate" and headers.get(b"sec-fetch-dest") == b"document"
