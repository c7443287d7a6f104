"""One socket of the MQTT door: carries bytes between a transport, the state machine and the city."""

import asyncio
import socket
from functools import partial
from typing import TYPE_CHECKING, cast

import structlog

from hansa.network.accept import Entry
from hansa.network.mqtt.connection import Connection
from hansa.network.mqtt.doors import Command, Peer, Refusal
from hansa.network.mqtt.packets import Connect, Will
from hansa.network.mqtt.reasons import ACKNOWLEDGED, Reason
from hansa.network.mqtt.session import Published, Session
from hansa.network.mqtt.states import Answered, Asked, Event, Left, State, Subscribed, Violated

if TYPE_CHECKING:
    from hansa.network.mqtt.endpoint import Endpoint

log = structlog.get_logger(__name__)


class Link(asyncio.Protocol):
    """One connection, from its socket's first byte to its last; thousands of them are idle most of the time."""

    __slots__ = (
        "_closed_at",
        "_endpoint",
        "_entry",
        "_hungry",
        "_opened_at",
        "_paused",
        "_peer",
        "_seen_at",
        "_stalled_at",
        "_transport",
        "address",
        "dirty",
        "machine",
        "session",
        "will",
    )

    def __init__(self, endpoint: "Endpoint", entry: Entry | None = None) -> None:
        """A link that asyncio is about to connect; `entry` is told when it has ended."""
        self._endpoint = endpoint
        self._entry = entry
        self._transport: asyncio.Transport | None = None
        self._peer: Peer | None = None
        self._opened_at = self._seen_at = endpoint.now()
        self._closed_at: float | None = None
        self._stalled_at: float | None = None  # since when the peer takes no bytes
        self._paused = False
        self._hungry = False  # the device can take commands that rest with the city
        self.machine = Connection(endpoint.caps)
        self.session: Session | None = None
        self.will: Will | None = None
        self.address = ""
        self.dirty = False  # the endpoint will call `go_on` in this turn of the loop

    # ------------------------------------------------------------------ what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A socket; over the cap it is closed before it costs more."""
        endpoint = self._endpoint
        self._transport = cast("asyncio.Transport", transport)
        endpoint.counters.opened += 1
        endpoint.links.add(self)
        self.address = _address(transport.get_extra_info("peername"))
        if len(endpoint.links) > endpoint.caps.connections:
            endpoint.counters.turned_away += 1
            self.machine.lost("too many connections")
            self.abort()
            return
        self._transport.set_write_buffer_limits(high=endpoint.caps.write_bytes)
        raw = transport.get_extra_info("socket")
        if raw is not None:
            # A 3.1.1 client may want no keep-alive at all: then the kernel finds out that it is gone.
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def data_received(self, data: bytes) -> None:
        """Bytes came; whatever goes wrong with them ends this connection and nothing else."""
        endpoint = self._endpoint
        endpoint.counters.bytes_in += len(data)
        self._seen_at = endpoint.now()
        self._take(data)

    def eof_received(self) -> None:
        """The peer will say no more: asyncio closes, and `connection_lost` follows."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self._end(self.machine.ending or (f"connection lost: {exc}" if exc else "connection lost"))
        self.machine.lost("connection lost")
        self._transport = None
        if self._entry is not None:
            self._entry.leave()
        self._endpoint.gone(self)

    def pause_writing(self) -> None:
        """The peer takes no bytes: it is not read either, and gets no further command."""
        self._stalled_at = self._endpoint.now()
        self.machine.blocked = True
        self._gate()

    def resume_writing(self) -> None:
        """It does again."""
        self._stalled_at = None
        self.machine.blocked = False
        self.machine.pump()
        self.go_on()

    # ------------------------------------------------------------------ what the endpoint calls

    def go_on(self) -> None:
        """Look at bytes that were held back, and write what there is to say."""
        room = self.machine.stopped and not self.machine.held and self._stalled_at is None
        self._take(b"" if room else None)

    def deliver(self, command: Command) -> bool:
        """Send a command, or queue it behind others; False if it is left with the city."""
        taken = self.machine.deliver(command)
        if taken:
            self._endpoint.counters.commands_sent += 1
            self._endpoint.soon(self)
        return taken

    def finish(self, code: int, reason: str) -> None:
        """End this connection from our side, at once for the city, and as soon as the farewell is out for the peer."""
        self.machine.disconnect(code, reason)
        self._write()

    def abort(self) -> None:
        """Drop the socket without another word."""
        if self._transport is not None:
            self._transport.abort()

    def check(self, now: float) -> None:
        """One look of the sweeper."""
        endpoint = self._endpoint
        caps, machine = endpoint.caps, self.machine
        if self._closed_at is not None:
            if now - self._closed_at > caps.close_s:
                self.abort()
        elif self._stalled_at is not None:
            if now - self._stalled_at > caps.write_stall_s:
                endpoint.counters.timed_out += 1
                machine.disconnect(Reason.UNSPECIFIED_ERROR, "the peer takes no bytes")
                self._write()
                self.abort()
        elif machine.state is State.FRESH:
            if now - self._opened_at > caps.connect_s:
                endpoint.counters.timed_out += 1
                self.finish(Reason.UNSPECIFIED_ERROR, "no CONNECT came")
        # While we do not read, silence is ours.
        elif machine.keep_alive_s and not self._paused and now - self._seen_at > 1.5 * machine.keep_alive_s:
            endpoint.counters.timed_out += 1
            self.finish(Reason.KEEP_ALIVE_TIMEOUT, "keep-alive: nothing heard")

    # ------------------------------------------------------------------ the work

    def _take(self, data: bytes | None) -> None:
        """Bytes to look at, b"" to look at those that were held back, None for neither."""
        machine, endpoint = self.machine, self._endpoint
        try:
            events = machine.take_events() if data is None else machine.receive_data(data)
            while events:
                self._handle(events)
                events = machine.take_events()
                if self._hungry and not events:
                    self._refill()
                    events = machine.take_events()
            if machine.stopped and not machine.held and self._stalled_at is None:
                endpoint.soon(self)  # the rest in the next turn: other connections come in between
            self._write()
        except Exception:  # a fault of ours or the city's ends one connection, never the endpoint
            log.exception("mqtt connection failed", address=self.address)
            self.finish(Reason.IMPLEMENTATION_SPECIFIC_ERROR, "internal error")

    def _handle(self, events: list[Event]) -> None:
        endpoint = self._endpoint
        publish, decided = endpoint.doors.publish, endpoint.decided
        for event in events:
            if type(event) is Published:
                if self._peer is None:
                    return  # shut out or taken over meanwhile: nothing more of this connection is handed in
                endpoint.counters.published += 1
                code = publish(
                    self._peer, event.topic, event.payload, event.content_type, partial(decided, self, event)
                )
                if code is not None:
                    if code >= 0x80:
                        endpoint.counters.rejected += 1
                    self.machine.decide(event, code)
                    if code not in ACKNOWLEDGED:
                        return  # this one will come again, so those behind it must not overtake it
            else:
                self._handle_rare(event)

    def _handle_rare(self, event: Event) -> None:
        endpoint = self._endpoint
        if isinstance(event, Asked):
            self._admit(event.packet)
        elif isinstance(event, Violated):
            endpoint.counters.violations += 1
        elif isinstance(event, Left) and not event.with_will:
            self.will = None
        elif self._peer is None or self.session is None:
            return
        elif isinstance(event, Answered):
            endpoint.counters.commands_done += 1
            endpoint.doors.command_done(self._peer, event.command_id, event.code)
            self._hungry = self._hungry or (self.session.more and not self.session.waiting)
        elif isinstance(event, Subscribed):
            self._hungry = True

    def _refill(self) -> None:
        """Fetch commands, when the city has heard of all answers: it would give those that were just answered again."""
        self._hungry = False
        session = self.session
        if self._peer is None or session is None or not session.subscriptions:
            return
        session.more = False
        for command in self._endpoint.doors.commands(self._peer):
            if not session.knows(command.id) and not self.deliver(command):
                break

    def _admit(self, packet: Connect) -> None:
        endpoint, machine = self._endpoint, self.machine
        answer = endpoint.admit(self, packet, self.address)
        if isinstance(answer, Refusal):
            endpoint.counters.refused += 1
            machine.refuse(answer.code, answer.reason)
            return
        self.session, self._peer, resumed, assigned = answer
        self.will = packet.will
        endpoint.counters.connected += 1
        machine.accept(self.session, resumed=resumed, assigned=assigned)
        self._hungry = True

    def _write(self) -> None:
        transport, machine = self._transport, self.machine
        if transport is None:
            return
        data = machine.data_to_send()
        if data and self._closed_at is None:
            self._endpoint.counters.bytes_out += len(data)
            transport.write(data)
        if machine.state is State.CLOSED:
            if self._closed_at is None:
                self._closed_at = self._endpoint.now()
                self._end(machine.ending)
                transport.close()
        else:
            self._gate()

    def _gate(self) -> None:
        """Read only while there is room for what comes."""
        hold = self.machine.stopped or self._stalled_at is not None
        if hold is self._paused or self._transport is None or self._closed_at is not None:
            return
        self._paused = hold
        if hold:
            self._transport.pause_reading()
        else:
            self._seen_at = self._endpoint.now()
            self._transport.resume_reading()

    def _end(self, reason: str) -> None:
        """Tell the city, once."""
        peer, self._peer = self._peer, None
        if peer is not None and self.session is not None:
            will, self.will = self.will, None
            self._endpoint.left(self.session, peer, will, reason)


def _address(peername: object) -> str:
    if isinstance(peername, tuple) and len(peername) >= 2:
        host, port = peername[:2]
        return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
    return "unknown"
