"""Webhooks: JSON to a program of the recipient's, signed, and its signed answer as the word of a device.

`Hansa-Timestamp` holds seconds, `Hansa-Signature: v1=<hex>` HMAC-SHA256 by the recipient's secret of
`<timestamp>.<body>`. An answer `{"received": "<id>"}` confirms when it bears `Hansa-Timestamp` and `Hansa-Signature` of
`received.<timestamp>.<body>` by the same secret; a plain 200 is only `handed`. Held by
tests/network/test_channel_gateways.py.
"""

import hmac
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from hansa.network.channels.marked import Patience, post, refused
from hansa.network.channels.said import Failed, Handed, Notice, Outcome, part
from hansa.network.http import Answer, Egress

AGE_S: Final = 300  # by which the answer's clock may differ
_AGAIN: Final = frozenset((408, 425, 429))


class Webhook:
    """Tells programs."""

    def __init__(
        self, through: Egress, *, width: int = 32, per_s: float = 500.0, now: Callable[[], float] = time.time
    ) -> None:
        """Ask nobody yet."""
        self.width, self.per_s = width, per_s
        self._through = through
        self._patience = Patience(through.limits.egress_s)
        self._now = now

    def endpoint(self, to: Any) -> str:
        """The host."""
        try:
            return (urlsplit(address(to)).netloc or "")[:256]
        except ValueError:
            return ""

    async def aclose(self) -> None:
        """The egress closes its sockets itself."""

    async def send(self, notice: Notice) -> Outcome:
        """Post it; the answer may confirm."""
        body = orjson.dumps(document(notice))
        at = str(int(self._now()))
        headers = {"Content-Type": "application/json", "Idempotency-Key": notice.key, "Hansa-Timestamp": at}
        if notice.secret:
            headers["Hansa-Signature"] = signature(notice.secret, f"{at}.".encode() + body)
        host = self.endpoint(notice.to)
        answer = await post(self._through, address(notice.to), body, headers, self._patience.wait_s(host))
        self._patience.heard(host, answer)
        if isinstance(answer, Failed):
            return answer
        if answer.ok:
            return Handed(confirmed=self._confirmed(notice, answer))
        why = f"the endpoint answered {answer.status}"
        if answer.status == 410:
            return Failed(True, f"unsubscribed: {why}")
        if answer.status >= 500 or answer.status in _AGAIN:
            return refused(answer, why)
        return Failed(True, f"refused: {why}")

    def _confirmed(self, notice: Notice, answer: Answer) -> bool:
        at, signed = answer.headers.get("hansa-timestamp", ""), answer.headers.get("hansa-signature", "")
        if not notice.secret or not signed or not at.isascii() or not at.isdecimal() or len(at) > 12:
            return False
        if abs(int(at) - self._now()) > AGE_S or not signed.isascii():
            return False
        wanted = signature(notice.secret, f"received.{at}.".encode() + answer.body)
        if not hmac.compare_digest(wanted, signed.strip()):
            return False
        try:
            said = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            return False
        return isinstance(said, Mapping) and said.get("received") == notice.id


def signature(secret: str, body: bytes) -> str:
    """The value of the header."""
    return "v1=" + hmac.digest(secret.encode(), body, sha256).hex()


def document(notice: Notice) -> dict[str, Any]:
    """A notice for programs."""
    return {
        "id": notice.id,
        "warning": notice.thread,
        "title": notice.title,
        "short": notice.short,
        "body": notice.body,
        "language": notice.language,
        "again": notice.again,
        "link": notice.link,
        "at": notice.at,
        "rank": notice.rank,
    }


def address(to: Any) -> str:
    """The URL: the text itself, or `url` of an object."""
    return to if isinstance(to, str) else part(to, "url")
