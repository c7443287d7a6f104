"""The gate: who must come again later, decided before anything is done for him (DESIGN, invariant 10).

Past what a city can do, every request that is taken makes all that wait behind it later, until none is answered while
anybody still listens. So the gate knows how many requests wait for their turn of the loop and how long a turn takes,
and refuses those that would wait too long: 503 with Retry-After, in a tenth of the time that a write takes. Writes
are refused first, reads when it is half as bad again, `/health` and its like never. Where the disk is what is slow,
requests wait in the inbox instead, which refuses by itself (`platform.inbox`).
"""

import re
import time
from collections import deque
from typing import Any, ClassVar, Final

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from hansa.errors import Busy
from hansa.limits import Limits
from hansa.platform.http import Receive, Scope, Send, answer, problem

_READS: Final = (b"GET ", b"HEAD", b"OPTI")
_ALWAYS: Final = (b"GET /health", b"GET /ready", b"GET /metrics")
_PATIENCE: Final = 1.5  # of a read, which needs one turn, in that of a write, which needs three
_AHEAD: Final = 16  # of a shorter queue, the time it took says nothing about a turn
_SHARE: Final = 0.05  # of the newest turn in the mean: it follows within some fifty
_BUSY: Final = Busy("the city has more to do than it can", mend="try again in a second")


class Gate:
    """What waits for its turn, and how long a turn takes."""

    def __init__(self, limits: Limits) -> None:
        """Refuse what would wait longer than `limits.queue_s`."""
        self._queue_s = limits.queue_s
        self._waiting: deque[tuple[float, int]] = deque()  # when each came, and how many were before it
        self.turn_s = 0.0002  # before anything was measured; a read is faster, a write slower
        self.refused = 0
        self.newest = 0.0  # when the newest that was admitted came

    @property
    def wait_s(self) -> float:
        """How long a request that comes now will wait for its turn."""
        return len(self._waiting) * self.turn_s

    def admits(self, *, reads: bool) -> bool:
        """Whether a request that comes now will have its turn in time."""
        return len(self._waiting) * self.turn_s <= (_PATIENCE * self._queue_s if reads else self._queue_s)

    def admitted(self) -> None:
        """One more waits."""
        self.newest = time.monotonic()
        self._waiting.append((self.newest, len(self._waiting)))

    def began(self) -> None:
        """The one that waited longest has its turn: the loop takes them in the order in which they came."""
        came, ahead = self._waiting.popleft()
        if ahead >= _AHEAD:
            self.turn_s += ((time.monotonic() - came) / ahead - self.turn_s) * _SHARE

    def protocol(self) -> type[HttpToolsProtocol]:
        """The HTTP protocol of a server behind this gate."""
        return type("Gated", (_Gated,), {"gate": self})


class _Gated(HttpToolsProtocol):
    """uvicorn's protocol; a request that is all there and comes too late is refused without being read."""

    gate: ClassVar[Gate]
    _midway = False
    _refused_at = 0.0

    def data_received(self, data: bytes) -> None:
        """Bytes of a request: refused at once, or read."""
        gate = self.gate
        if (
            not gate.admits(reads=data.startswith(_READS))
            and not self._midway
            and (self.cycle is None or self.cycle.response_complete)
            and not data.startswith(_ALWAYS)
            and _whole(data)
        ):
            gate.refused += 1
            self._refused_at = gate.newest
            if self.flow.write_paused:
                self.transport.abort()  # it asks and asks, and reads no answer
            else:
                self.transport.write(_REFUSED)
            return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """A request has begun to come: until it is all there, what follows is part of it, whatever it looks like."""
        self._midway = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """It is all there."""
        self._midway = False
        super().on_message_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection on which nothing was asked for a while; what was refused was asked too."""
        if self._refused_at + self.timeout_keep_alive > time.monotonic():
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        else:
            super().timeout_keep_alive_handler()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Let a request wait for its turn; those that came in pieces, or beyond the connections, are refused here."""
        scope = cycle.scope
        reads = scope["method"] in {"GET", "HEAD", "OPTIONS"}
        if app is not self.app or not (
            self.gate.admits(reads=reads) or scope["path"] in {"/health", "/ready", "/metrics"}
        ):
            self.gate.refused += 1
            super()._start_asgi_task(cycle, _refuse)  # type: ignore[arg-type]  # the house's words for ASGI, and uvicorn's
            return
        self.gate.admitted()
        super()._start_asgi_task(cycle, self._turn)

    def _turn(self, scope: Any, receive: Any, send: Any) -> Any:
        self.gate.began()
        return self.app(scope, receive, send)


_ODD = re.compile(rb"\r\n(?:transfer-encoding|expect|upgrade|connection:(?! *keep-alive\r))", re.IGNORECASE)
_SIZE = re.compile(rb"\r\ncontent-length:[ \t]*([^\r]*)", re.IGNORECASE)


def _whole(data: bytes) -> bool:
    """Whether these bytes are one request, all of it and nothing else, that leaves its connection open."""
    end = data.find(b"\r\n\r\n") + 4
    if end == 3 or data.find(b" HTTP/1.1\r\n", 0, data.find(b"\r\n") + 2) < 0 or _ODD.search(data, 0, end):
        return False
    sizes = _SIZE.findall(data, 0, end)
    if not sizes:
        return len(data) == end
    return len(sizes) == 1 and sizes[0].isdigit() and len(sizes[0]) < 12 and int(sizes[0]) == len(data) - end


async def _refuse(_scope: Scope, _receive: Receive, send: Send) -> None:
    await answer(send, problem(_BUSY))


def _refusal() -> bytes:
    response = problem(_BUSY)
    body = orjson.dumps(_BUSY.problem())
    headers = [(b"content-type", response.kind), (b"content-length", str(len(body)).encode()), *response.headers]
    lines = b"".join(b"%b: %b\r\n" % one for one in headers)
    return b"HTTP/1.1 503 Service Unavailable\r\n" + lines + b"\r\n" + body


_REFUSED: Final = _refusal()
"""The whole answer, made once."""
