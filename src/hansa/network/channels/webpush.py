"""Web push: RFC 8030 (delivery), RFC 8291 with RFC 8188 (encryption, aes128gcm), RFC 8292 (VAPID, who we are).

A subscription is what a browser's `PushSubscription.toJSON()` says: `{"endpoint", "keys": {"p256dh", "auth"}}`. Only
that browser can read what is sent. Held by tests/network/test_channel_push.py with the RFC's own example.
"""

import base64
import binascii
import hmac
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hansa.network.channels.marked import Patience, post, refused
from hansa.network.channels.said import Failed, Handed, Notice, Outcome, part, shortened
from hansa.network.http import Egress

PLAIN: Final = 3_993  # bytes: what a push service must take is 4,096, less the header, the tag and the padding's byte
RECORD: Final = 4_096
POINT: Final = 65  # bytes of an uncompressed point of P-256
AUTH: Final = 16
TOKEN_S: Final = 3_600.0  # for which one VAPID token is used; RFC 8292 allows a day
ORIGINS: Final = 256  # push services of which a token is remembered: there are about five
TTL_S: Final = 86_400  # for which the service keeps what a sleeping phone cannot take
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
_GONE: Final = frozenset((404, 410))
_LATER: Final = frozenset((408, 425, 429))


class Unreadable(ValueError):
    """A subscription that is none."""


def vapid_key(secret: bytes) -> ec.EllipticCurvePrivateKey:
    """The city's P-256 key, made of 32 random bytes that are kept sealed; the same bytes always make the same key."""
    number = int.from_bytes(hmac.digest(secret, b"hansa vapid", sha256) + hmac.digest(secret, b"more", sha256))
    return ec.derive_private_key(number % (_ORDER - 1) + 1, ec.SECP256R1())


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    """A public key as 65 bytes."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def b64(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unb64(text: str) -> bytes:
    """Bytes of base64url (or base64, as some browsers say it), padded or not; Unreadable when it is none."""
    text = text.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("not base64url") from None


def encrypt(
    plain: bytes,
    theirs: bytes,
    auth: bytes,
    *,
    salt: bytes | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """One record that only the subscriber reads (RFC 8291). `salt` and `key` are drawn anew for each unless said.

    Raises Unreadable when the subscriber's key or secret is none.
    """
    if len(theirs) != POINT or len(auth) != AUTH:
        raise Unreadable("p256dh has 65 bytes, auth 16")
    if len(plain) > PLAIN:
        raise Unreadable(f"{len(plain):,} bytes, more than {PLAIN:,}")
    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs)
    except ValueError:
        raise Unreadable("p256dh is no point of P-256") from None
    key = key or ec.generate_private_key(ec.SECP256R1())
    salt = salt or os.urandom(16)
    ours = point(key.public_key())
    shared = hmac.digest(auth, key.exchange(ec.ECDH(), public), sha256)
    ikm = hmac.digest(shared, b"WebPush: info\0" + theirs + ours + b"\1", sha256)
    prk = hmac.digest(salt, ikm, sha256)
    content = hmac.digest(prk, b"Content-Encoding: aes128gcm\0\1", sha256)[:16]
    nonce = hmac.digest(prk, b"Content-Encoding: nonce\0\1", sha256)[:12]
    sealed = AESGCM(content).encrypt(nonce, plain + b"\2", b"")
    return salt + RECORD.to_bytes(4) + bytes((len(ours),)) + ours + sealed


class WebPush:
    """Tells browsers. `contact` is how a push service reaches the city's people: mailto: or https:."""

    def __init__(
        self,
        through: Egress,
        secret: bytes,
        contact: str,
        *,
        width: int = 32,
        per_s: float = 1_000.0,
        ttl_s: int = TTL_S,
        plain: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`plain` lets endpoints be http (a LAN's own, tests)."""
        self.width, self.per_s = width, per_s
        self._through = through
        self._patience = Patience(through.limits.egress_s)
        self._key = vapid_key(secret)
        self.public = b64(point(self._key.public_key()))
        """What a browser's `applicationServerKey` is."""
        self._contact = contact
        self._ttl = str(ttl_s)
        self._schemes = ("https", "http") if plain else ("https",)
        self._now = now
        self._tokens: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def endpoint(self, to: Any) -> str:
        """The push service."""
        return _origin(part(to, "endpoint"))[:256]

    async def aclose(self) -> None:
        """The egress is not ours alone."""

    async def send(self, notice: Notice) -> Outcome:
        """Encrypt and post it; 404 and 410 mean that the browser has unsubscribed."""
        url = part(notice.to, "endpoint")
        if not url.startswith(tuple(f"{one}://" for one in self._schemes)):
            return Failed(True, "malformed: a push endpoint is an https URL")
        try:
            theirs, auth = unb64(part(notice.to, "keys", "p256dh")), unb64(part(notice.to, "keys", "auth"))
            body = encrypt(payload(notice), theirs, auth)
        except Unreadable as fault:
            return Failed(True, f"malformed: {fault}")
        origin = _origin(url)
        headers = {
            "TTL": self._ttl,
            "Urgency": "high",
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "Topic": b64(sha256((notice.thread or notice.id).encode()).digest())[:32],
            "Authorization": self._authorization(origin),
        }
        answer = await post(self._through, url, body, headers, self._patience.wait_s(origin))
        self._patience.heard(origin, answer)
        if isinstance(answer, Failed):
            return answer
        if answer.ok:
            return Handed(answer.headers.get("location", "")[-200:])
        if answer.status in _GONE:
            return Failed(True, f"unsubscribed: the push service answered {answer.status}")
        why = f"the push service answered {answer.status}"
        if answer.status >= 500 or answer.status in _LATER:
            return refused(answer, why)
        return Failed(True, f"refused: {why}")

    def _authorization(self, origin: str) -> str:
        now = self._now()
        known = self._tokens.get(origin)
        if known is None or now - known[0] > TOKEN_S or now < known[0]:
            known = self._tokens[origin] = now, self._signed(origin, now)
            if len(self._tokens) > ORIGINS:
                self._tokens.popitem(last=False)
        return known[1]

    def _signed(self, origin: str, now: float) -> str:
        claims = {"aud": origin, "exp": int(now) + 43_200, "sub": self._contact}
        text = f"{b64(orjson.dumps({'typ': 'JWT', 'alg': 'ES256'}))}.{b64(orjson.dumps(claims))}"
        r, s = decode_dss_signature(self._key.sign(text.encode(), ec.ECDSA(SHA256())))
        return f"vapid t={text}.{b64(r.to_bytes(32) + s.to_bytes(32))}, k={self.public}"


def payload(notice: Notice) -> bytes:
    """What the service worker gets: JSON that fits, the body cut first."""
    said = {
        "id": notice.key,
        "tag": sha256((notice.thread or notice.id).encode()).hexdigest()[:32],
        "title": shortened(notice.title, 300),
        "body": notice.short or notice.body,
        "url": notice.link,
        "lang": notice.language,
        "dir": "rtl" if notice.language.partition("-")[0] in {"ar", "fa", "he", "ur"} else "auto",
        "again": notice.again,
        "at": notice.at,
    }
    raw = orjson.dumps(said)
    room = PLAIN
    while len(raw) > PLAIN and room > 0:  # quotes and backslashes take more room in JSON than they have bytes
        room -= max(64, len(raw) - PLAIN)
        said["body"] = shortened(str(said["body"])[:PLAIN], max(0, room))
        raw = orjson.dumps(said)
    return raw


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}".lower()
