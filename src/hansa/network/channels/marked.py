"""Sockets that go first: TCP marked DSCP 46 (expedited forwarding, RFC 3246), and HTTP over such.

`hansa link` reserves room on a congested line for packets that bear this mark.
"""

import asyncio
import socket
import ssl
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import Final

from hansa.errors import BadRequest, HansaError
from hansa.limits import Limits
from hansa.network.channels.said import Failed
from hansa.network.connection import Connection, Reply
from hansa.network.deliver import retry_after_s
from hansa.network.http import Answer, Egress, Resolve
from hansa.network.wall import Walled

DSCP: Final = 46
TOS: Final = DSCP << 2  # the two low bits are for congestion (RFC 3168)
STRANGER_S: Final = 2.5
NAMES: Final = 4_096  # endpoints of which it is remembered whether they answer
_CHUNK: Final = 65_536

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_sent: ContextVar[list[bool]] = ContextVar("sent")


def mark(sock: socket.socket) -> None:
    """Mark what this socket sends, IPv4 and IPv6."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, TOS)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, TOS)


async def connect(address: str, port: int, tls: ssl.SSLContext | None, name: str) -> Streams:
    """Connect to an address that was judged, marked from the first packet on; the certificate is that of `name`."""
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        mark(sock)
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
        host = None if tls is None else name
        return await asyncio.open_connection(sock=sock, ssl=tls, server_hostname=host, limit=_CHUNK)
    except BaseException:
        sock.close()
        raise


class _Line(Connection):
    """An HTTP connection that is marked, and tells whether anything was said on it."""

    async def exchange(self, request: bytes, head_max: int, body_max: int) -> Reply:
        if (sent := _sent.get(None)) is not None:
            sent.append(True)
        return await super().exchange(request, head_max, body_max)


async def _open(address: str, port: int, tls: ssl.SSLContext | None, name: str) -> Connection:
    return _Line(*await connect(address, port, tls, name))


def egress(
    allow: Iterable[str], limits: Limits, *, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None
) -> Egress:
    """An egress wall whose connections are marked."""
    return Egress(allow, limits, resolve=resolve, tls=tls, open_=_open)


class Patience:
    """How long an endpoint is waited for that a recipient named: one that never answered gets a short while.

    Each time it does not answer that is twice as long, up to all that the egress allows, so that one which is merely
    slow is told in the end.
    """

    def __init__(self, most_s: float) -> None:
        """Nobody has answered yet."""
        self._most_s = most_s
        self._waits: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, name: str) -> float:
        """For this one."""
        return self._waits.get(name, min(STRANGER_S, self._most_s))

    def heard(self, name: str, answer: "Answer | Failed") -> None:
        """What it said, or that it said nothing."""
        if isinstance(answer, Answer):
            wait_s = self._most_s
        elif not answer.everybody:
            return  # it was not asked
        else:
            before = self.wait_s(name)
            wait_s = STRANGER_S if before >= self._most_s > STRANGER_S else min(self._most_s, before * 2)
        self._waits[name] = wait_s
        self._waits.move_to_end(name)
        if len(self._waits) > NAMES:
            self._waits.popitem(last=False)


async def post(
    through: Egress, url: str, body: bytes, headers: Mapping[str, str], wait_s: float | None = None
) -> Answer | Failed:
    """POST something; what was answered, whatever its status, or why nothing was. Redirects are not followed."""
    sent: list[bool] = []
    token = _sent.set(sent)
    try:
        return await through.ask(url, "POST", headers=headers, body=body, wait_s=wait_s, follow=False)
    except Walled as fault:
        return Failed(True, f"refused: {fault.detail}"[:300])
    except BadRequest as fault:
        return Failed(True, f"malformed: {fault.detail}"[:300])
    except HansaError as fault:
        return Failed(False, fault.detail[:300], everybody=True, perhaps=bool(sent))
    finally:
        _sent.reset(token)


def refused(answer: Answer, why: str, *, everybody: bool = True) -> Failed:
    """What an answer of 5xx, 408, 425 or 429 says: later. A server that fails may have done it before it failed.

    One that says when to come again has looked and sent us away.
    """
    wait_s = retry_after_s(answer.headers.get("retry-after"))
    perhaps = answer.status >= 500 and wait_s is None
    return Failed(False, why, wait_s, everybody=everybody, perhaps=perhaps)
