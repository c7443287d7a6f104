"""The gate: who must come again later, decided before anything is done for him (DESIGN, invariant 10).

Past what a city can do, every request that is taken makes all that wait behind it later, until none is answered while
anybody still listens. So the gate knows how many requests wait for their turn of the loop and how long a turn takes,
and refuses those that would wait too long: 503 with Retry-After, in a tenth of the time that a write takes. Writes
are refused first, reads when it is half as bad again, `/health` and its like never. Where the disk is what is slow,
requests wait in the inbox instead, which refuses by itself (`platform.inbox`).

The gate knows addresses too: one that asks too often is refused as quickly (429), one that holds too many connections
gets no more. Whoever speaks too slowly, or takes no answer, holds a place that somebody else could have: once a second
the gate looks at all connections and closes those that are past their time (slow loris).
"""

import re
import time
from collections import deque
from typing import Any, ClassVar, Final

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from hansa.errors import Busy, HansaError, InvalidRequest, TooLong, TooMany
from hansa.limits import Limits
from hansa.platform.http import GUARDED, Receive, Scope, Send, answer, problem
from hansa.serve.guests import Entry, Guests
from hansa.trust.rates import Visitor

_READS: Final = (b"GET ", b"HEAD", b"OPTI")
_ALWAYS: Final = (b"GET /health", b"GET /ready", b"GET /metrics")
_PATIENCE: Final = 1.5  # of a read, which needs one turn, in that of a write, which needs three
_AHEAD: Final = 16  # of a shorter queue, the time it took says nothing about a turn
_SHARE: Final = 0.05  # of the newest turn in the mean: it follows within some fifty
_BUSY: Final = Busy("the city has more to do than it can", mend="try again in a second")
_OFTEN: Final = TooMany("this address asks too often", mend="ask less often, or in batches")
_LONG: Final = TooLong("the head of the request is too long", mend="fewer and shorter headers")
_BAD: Final = InvalidRequest("this is no HTTP request")
_THROWN_AWAY: Final = 8  # times the largest body: of one that was refused
_CROWDED: Final = 0.75  # of the connections: from there on, a head has a fifth of its time


class Gate:
    """What waits for its turn, and how long a turn takes; who is here, and how often he came."""

    def __init__(self, limits: Limits, guests: Guests | None = None) -> None:
        """Refuse what would wait longer than `limits.queue_s`, and who is past the other limits."""
        self.limits = limits
        self.guests = guests or Guests(limits, limits.http_connections)
        self._queue_s = limits.queue_s
        self._waiting: deque[tuple[float, int]] = deque()  # when each came, and how many were before it
        self.turn_s = 0.0002  # before anything was measured; a read is faster, a write slower
        self.refused = 0
        self.limited = 0  # requests of those who came too often
        self.slow = 0  # connections closed because nothing came, or nothing was taken
        self.newest = 0.0  # when the newest that was admitted came
        self.connections: set[Any] = set()

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

    def sweep(self) -> None:
        """One look at every connection, once a second."""
        crowded = len(self.connections) > _CROWDED * self.limits.http_connections
        head_s = self.limits.head_s / 5 if crowded else self.limits.head_s
        for one in tuple(self.connections):
            if not one.in_time(head_s):
                self.slow += 1
                one.transport.abort()

    def protocol(self) -> "type[Gated]":
        """The HTTP protocol of a server behind this gate."""
        return type("Gated", (Gated,), {"gate": self})


class Gated(HttpToolsProtocol):
    """uvicorn's protocol; a request that is all there and comes too late is refused without being read."""

    gate: ClassVar[Gate]
    entry: Entry | None = None
    visitor: Visitor | None = None
    _proxied = False
    _midway = False
    _headless = True  # the head of a request is still to come, all of it or a part
    _refused_at = 0.0
    _waited = 0  # looks of the sweeper since the request began, or the connection
    _stuck = 0  # the same since the reader took no more
    _still = 0  # the same since the last byte of a body
    _heard = 0  # what had come by then
    _came = 0  # bytes of this request: of the head while it comes, then of the body

    def came(self, entry: Entry) -> "Gated":
        """Who is at the other end."""
        self.entry = entry
        self.visitor = entry.visitor
        self._proxied = entry.proxy
        return self

    def connection_made(self, transport: Any) -> None:
        """A connection."""
        super().connection_made(transport)
        self.gate.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended."""
        self.gate.connections.discard(self)
        if self.entry is not None:
            self.entry.leave()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        if self.cycle is None or self.cycle.response_complete:
            # Each holds the other, and TLS hangs on them: forty kilobytes that would wait for the collector.
            self.cycle = self.flow = self.transport = None  # type: ignore[assignment]

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
            self._refuse_unread(_REFUSED)
            return
        visitor = self.visitor
        if (
            visitor is not None
            and not self._midway
            and (self.cycle is None or self.cycle.response_complete)
            and visitor.requests.level(time.monotonic()) < 1.0
            and _whole(data)
        ):
            gate.limited += 1
            self._refuse_unread(_LIMITED)
            return
        if self._headless:
            self._came += len(data)
            if self._came > gate.limits.head and self._is_long(data):
                self._end(_TOO_LONG)
                return
        super().data_received(data)

    def _refuse_unread(self, words: bytes) -> None:
        self._refused_at = time.monotonic()
        self._waited = 0
        if self.flow.write_paused:
            self.transport.abort()  # it asks and asks, and reads no answer
        else:
            self.transport.write(words)

    def _is_long(self, data: bytes) -> bool:
        """Whether it is the head that is long: a body in the same bytes may be."""
        end = data.find(b"\r\n\r\n")
        return end < 0 or self._came - len(data) + end > self.gate.limits.head

    def _end(self, words: bytes) -> None:
        self.transport.write(words)
        self.transport.close()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn names it
        """Answer what is no HTTP; the parser's own words help nobody."""
        self._end(_NO_HTTP)

    def on_message_begin(self) -> None:
        """A request has begun to come: until it is all there, what follows is part of it, whatever it looks like."""
        self._midway = True
        self._waited = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is all there."""
        self._headless = False
        self._came = self._still = self._heard = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of its body. Of one that was answered already, too large as it is, the rest is thrown away: whoever is
        cut off while he sends may never read why.
        """
        self._came += len(body)
        if self.cycle.response_complete and self._came > _THROWN_AWAY * self.gate.limits.body:
            self.transport.close()
            return
        super().on_body(body)

    def on_message_complete(self) -> None:
        """It is all there."""
        self._midway = False
        self._headless = True
        self._came = 0
        super().on_message_complete()

    def in_time(self, head_s: float) -> bool:
        """Whether the other end speaks and listens as quickly as it must; asked once a second."""
        if self.transport is None or self.transport.is_closing():
            return True
        limits = self.gate.limits
        if self.flow.write_paused:
            self._stuck += 1
            return self._stuck <= limits.write_s
        self._stuck = 0
        if self._midway:
            if self.flow.read_paused:  # it is we who do not listen
                return True
            self._waited += 1
            if self._headless:
                return self._waited <= head_s
            self._still = 0 if self._came != self._heard else self._still + 1
            self._heard = self._came
            # What came quickly buys no right to fall silent, and to hold what has come.
            slow = self._waited > limits.body_s + self._came / max(limits.body_rate, 1.0)
            return not slow and self._still <= limits.body_s
        if self.timeout_keep_alive_task is None and (self.cycle is None or self.cycle.response_complete):
            # It has said nothing yet, or what ends the waiting for a request and begins none: an empty line.
            self._waited += 1
            return self._waited <= head_s
        return True

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
        scope: Any = cycle.scope
        visitor = self._of(scope) if self._proxied else self.visitor
        if visitor is not None:
            scope[GUARDED] = visitor
            if not visitor.requests.take(time.monotonic()):
                self.gate.limited += 1
                super()._start_asgi_task(cycle, _limit)  # type: ignore[arg-type]  # as below
                return
        reads = scope["method"] in {"GET", "HEAD", "OPTIONS"}
        if app is not self.app or not (
            self.gate.admits(reads=reads) or scope["path"] in {"/health", "/ready", "/metrics"}
        ):
            self.gate.refused += 1
            super()._start_asgi_task(cycle, _refuse)  # type: ignore[arg-type]  # the house's words for ASGI, and uvicorn's
            return
        if len(scope["headers"]) > self.gate.limits.heads:
            super()._start_asgi_task(cycle, _too_long)  # type: ignore[arg-type]  # as above
            return
        self.gate.admitted()
        super()._start_asgi_task(cycle, self._turn)

    def _of(self, scope: Any) -> Visitor | None:
        """Whom a trusted proxy asks for: what the rest of the city takes for the other end."""
        guests = self.gate.guests
        address, secure = guests.behind(scope["headers"])
        if secure is not None:
            scope["scheme"] = "https" if secure else "http"
        if address is None:  # a proxy that says nothing is one address like any other
            address = self.client[0] if self.client else ""
            return guests.visitors.known(address, time.monotonic())
        scope["client"] = (address, 0)
        return guests.visitors.of(address, time.monotonic())

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
    await answer(send, problem(_BUSY), more=_PLAIN)


async def _limit(_scope: Scope, _receive: Receive, send: Send) -> None:
    await answer(send, problem(_OFTEN), more=_PLAIN)


async def _too_long(_scope: Scope, _receive: Receive, send: Send) -> None:
    await answer(send, problem(_LONG), more=(*_PLAIN, (b"connection", b"close")))


_PLAIN: Final = ((b"x-content-type-options", b"nosniff"),)


def _refusal(status: bytes, fault: HansaError, *more: tuple[bytes, bytes]) -> bytes:
    response = problem(fault)
    body = orjson.dumps(fault.problem())
    headers = [(b"content-type", response.kind), (b"content-length", str(len(body)).encode()), *response.headers]
    lines = b"".join(b"%b: %b\r\n" % one for one in (*headers, *_PLAIN, *more))
    return b"HTTP/1.1 " + status + b"\r\n" + lines + b"\r\n" + body


_CLOSE: Final = (b"connection", b"close")
_REFUSED: Final = _refusal(b"503 Service Unavailable", _BUSY)
_LIMITED: Final = _refusal(b"429 Too Many Requests", _OFTEN)
_TOO_LONG: Final = _refusal(b"431 Request Header Fields Too Large", _LONG, _CLOSE)
_NO_HTTP: Final = _refusal(b"400 Bad Request", _BAD, _CLOSE)
"""The whole answers, made once."""
