"""What every answer bears for the browser that gets it, and who asks too often: one place, before any door.

Headers are made once and differ by little: whether the answer came by TLS, and whether it was made for one person.
JSON bears what keeps a browser from taking it for something else; a page bears a whole policy, of which its own route
may say each part itself. No page of another origin reads anything, unless `cors` names it, and then without a cookie.
Report: 4.2. Source: OWASP ASVS 5.0 chapter 3 (web frontend security); the Fetch standard for CORS.
"""

import time
from typing import Any, Final

from hansa.errors import TooMany
from hansa.limits import Limits
from hansa.platform.http import GUARDED, Pairs, Response, Scope, Send, problem
from hansa.trust.labels import Sight
from hansa.trust.rates import Identities, Visitor

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; worker-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""What a page may do that does not say it itself: nothing but what it came with, from where it came."""
SIGN_IN: Final = frozenset({"account", "token"})
"""First segments of the paths by which somebody says who he is: what is posted there is counted for itself."""

_COSTLY: Final = ("/password", "/codes")

_NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
_HSTS: Final = (b"strict-transport-security", b"max-age=31536000")
_PRIVATE: Final = (b"cache-control", b"private, no-store")
_JSON: Final[tuple[tuple[Pairs, Pairs], tuple[Pairs, Pairs]]] = (
    ((_NOSNIFF,), (_NOSNIFF, _PRIVATE)),
    ((_NOSNIFF, _HSTS), (_NOSNIFF, _HSTS, _PRIVATE)),
)
_EVERY: Final = (
    _NOSNIFF,
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_PAGE: Final = (
    *_EVERY,
    (b"content-security-policy", POLICY.encode()),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=(), serial=(), bluetooth=()"),
    (b"cache-control", b"no-store"),
)
_EXPOSED: Final = b"Link, Location, NGSILD-Results-Count, NGSILD-Tenant, NGSILD-Warning, NGSILD-EntityMap, ETag"
_MAY_SAY: Final = b"Authorization, Content-Type, Accept, Link, NGSILD-Tenant, NGSILD-EntityMap, If-Match, If-None-Match"


class Shield:
    """The headers of answers, and the buckets of those who ask."""

    def __init__(self, limits: Limits, cors: tuple[str, ...] = ()) -> None:
        """Pages of the origins `cors` may ask `/ngsi-ld`."""
        self._identities = Identities(limits)
        self.cors = frozenset(one.encode() for one in cors)
        self.limited = 0

    # Who comes too often

    def charge(self, visitor: Visitor, sight: Sight, *, device: bool = False) -> None:
        """Count a request; TooMany when an identity, or an address that says none, has asked too often.

        Devices name themselves to their own door (`device`), so of them only those are counted that it did not know.
        """
        now = time.monotonic()
        if sight.classes is None or sight.who.kind != "public":
            bucket = self._identities.of(sight.actor, now)
            here = bucket.take(now)
        else:
            bucket = visitor.strangers
            here = bucket.level(now) >= 1.0 if device else bucket.take(now)
        if not here:
            self._refuse(bucket.wait_s(now), "you ask too often")

    def unknown(self, visitor: Visitor) -> None:
        """Count a request whose asker said who he is, and was not believed."""
        visitor.strangers.take(time.monotonic())

    def sign_in(self, scope: Scope) -> Response | None:
        """Count what is posted to a door of sign-in; the refusal when that was too often."""
        visitor: Visitor | None = scope.get(GUARDED)
        now = time.monotonic()
        if visitor is None or scope["method"] != "POST":
            return None
        # A passkey cannot be guessed: who shares an address with somebody who guesses still comes in with one.
        # Nor can a link be; but what is drawn and hashed for whoever has one is counted as a password is.
        free = scope["path"].startswith("/account/") and not scope["path"].rstrip("/").endswith(_COSTLY)
        if free or visitor.sign_ins.take(now):
            return None
        self.limited += 1
        wait_s = visitor.sign_ins.wait_s(now)
        return problem(TooMany("this address signs in too often", wait_s, mend="wait a little"))

    def _refuse(self, wait_s: int, why: str) -> None:
        self.limited += 1
        raise TooMany(why, wait_s, mend="ask less often, or in batches")

    # What an answer bears

    def headers(self, scope: Scope, sight: Sight) -> Pairs:
        """Of JSON."""
        return _JSON[scope["scheme"] == "https"][sight.who.session != ""]

    def wrapped(self, scope: Scope, send: Send) -> Send:
        """`send`, with what the answer of a page or file does not say itself."""
        secure = scope["scheme"] == "https"

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"] = list(message.get("headers", ()))
                said = dict(headers)
                all_of = _PAGE if said.get(b"content-type", b"").startswith(b"text/html") else _EVERY
                headers += [one for one in all_of if one[0] not in said]
                if secure:
                    headers.append(_HSTS)
            await send(message)

        return sent

    # Whose pages may read

    def origin(self, scope: Scope) -> Pairs:
        """What a page of another origin needs to read this answer; nothing when it may not."""
        for name, value in scope["headers"]:
            if name == b"origin":
                if value not in self.cors:
                    break
                return (
                    (b"access-control-allow-origin", value),
                    (b"vary", b"origin"),
                    (b"access-control-expose-headers", _EXPOSED),
                )
        return ((b"vary", b"origin"),)

    def preflight(self, scope: Scope) -> Response | None:
        """The answer to a browser that asks whether a page may ask; None when this is no such question."""
        if scope["method"] != "OPTIONS":
            return None
        said = dict(scope["headers"])
        if b"access-control-request-method" not in said or said.get(b"origin") not in self.cors:
            return None
        return Response(
            204,
            headers=[
                (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE"),
                (b"access-control-allow-headers", _MAY_SAY),
                (b"access-control-max-age", b"600"),
            ],
        )
