"""The asyncio side of the MQTT door: sockets, keep-alive, take-over, back-pressure; no policy, no thread.

`Endpoint` holds what all connections share, `link.Link` is one connection. What a message means is `Doors`' business.
"""

import asyncio
import secrets
import ssl
import time
from collections.abc import Callable
from functools import partial

import structlog
from msgspec import Struct

from hansa.network.accept import Admit, Door, anybody
from hansa.network.mqtt.caps import Caps
from hansa.network.mqtt.doors import Command, Doors, Peer, Refusal
from hansa.network.mqtt.link import Link
from hansa.network.mqtt.packets import Connect, Will
from hansa.network.mqtt.reasons import Reason
from hansa.network.mqtt.session import UNDECIDED, Published, Session, Sessions
from hansa.network.mqtt.topics import is_name, is_own

log = structlog.get_logger(__name__)


class Counters(Struct):
    """What has happened since the start, for `/metrics`."""

    opened: int = 0
    turned_away: int = 0  # over the cap on connections
    connected: int = 0
    refused: int = 0  # CONNECTs
    violations: int = 0
    timed_out: int = 0  # keep-alive, no CONNECT, or no byte taken
    taken_over: int = 0
    published: int = 0
    rejected: int = 0  # messages decided with a code of 0x80 and up
    commands_sent: int = 0  # or queued behind others for the same device
    commands_done: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


class Endpoint:
    """The MQTT door of one city.

    `now` is a monotonic clock in seconds; with `sweep` called by hand, a test turns it as it likes.
    """

    def __init__(self, doors: Doors, caps: Caps | None = None, *, now: Callable[[], float] = time.monotonic) -> None:
        """An endpoint that listens nowhere yet."""
        self.doors = doors
        self.caps = caps or Caps()
        self.now = now
        self.counters = Counters()
        self.links: set[Link] = set()
        self.sessions = Sessions(self.caps)
        self._wills: dict[Session, tuple[float, Peer, Will]] = {}
        self._dirty: list[Link] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._servers: list[Door] = []
        self.admit_from: Admit = anybody  # who may connect, by his address; set it before `listen`
        self._sweeper: asyncio.TimerHandle | None = None
        self._empty: asyncio.Event | None = None

    @property
    def connections(self) -> int:
        """Open sockets, known devices or not."""
        return len(self.links)

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> tuple[str, int]:
        """Open a door, as many as you like; returns where it is (port 0 takes a free one). OSError if it is taken."""
        loop = self.attach()
        # A handshake has the time that a CONNECT has; the socket counts as a connection when it is through.
        door = Door(
            *(host, port, partial(Link, self), self.admit_from),
            tls=tls,
            handshake_s=self.caps.connect_s,
            close_s=self.caps.close_s,
        )
        self._servers.append(door)
        if self._sweeper is None:
            self._sweeper = loop.call_later(self.caps.sweep_s, self._sweep_again)
        return door.open()

    def attach(self) -> asyncio.AbstractEventLoop:
        """Live in the running loop."""
        self._loop = asyncio.get_running_loop()
        return self._loop

    async def close(self) -> None:
        """Say goodbye to everybody and close; wills stay unsaid, for it is not the devices that vanish (3.1.2.5)."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for server in self._servers:
            server.close()
        if self.links:
            self._empty = asyncio.Event()
            for link in tuple(self.links):
                link.will = None
                link.finish(Reason.SERVER_SHUTTING_DOWN, "the server shuts down")
            try:
                await asyncio.wait_for(self._empty.wait(), self.caps.close_s)
            except TimeoutError:
                for link in tuple(self.links):
                    link.abort()
                await self._empty.wait()
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()

    # ------------------------------------------------------------------ what the city asks

    def send(self, device: str, command_id: str, payload: bytes) -> bool:
        """Send a command to a device if it is there and subscribed; else False, and `Doors.commands` gives it later."""
        command = Command(command_id, payload)
        taken = False
        for session in self.sessions.of(device):
            if isinstance(session.link, Link):
                taken = session.link.deliver(command) or taken
        return taken

    def kick(self, device: str, code: int = Reason.NOT_AUTHORIZED) -> int:
        """Close all connections of a device at once and forget its sessions, wills too; returns how many were open."""
        closed = 0
        for session in self.sessions.of(device):
            session.expiry_s = 0
            self._wills.pop(session, None)
            if isinstance(session.link, Link):
                session.link.will = None
                session.link.finish(code, "the device was shut out")
                closed += 1
            self.sessions.drop(session)
        return closed

    def sweep(self) -> None:
        """Do what is due: keep-alive, strangers, stalled peers, delayed wills, old sessions."""
        now = self.now()
        for link in tuple(self.links):
            link.check(now)
        for session in [one for one, (due, _, _) in self._wills.items() if due <= now]:
            self._will_due(session)
        self.sessions.sweep(now, self._will_due)

    def _sweep_again(self) -> None:
        if self._loop is not None:
            self._sweeper = self._loop.call_later(self.caps.sweep_s, self._sweep_again)
        self.sweep()

    # ------------------------------------------------------------------ what links ask

    def admit(self, link: Link, packet: Connect, address: str) -> tuple[Session, Peer, bool, str] | Refusal:
        """Ask the city, end the older connection of the same client, and find or open the session.

        Returns session, peer, whether the session was resumed, and the client identifier if it had to be assigned.
        """
        assigned = "" if packet.client_id else f"hansa-{secrets.token_hex(8)}"
        client_id = packet.client_id or assigned
        answer = self.doors.connect(client_id, packet.username, packet.password, address)
        if isinstance(answer, Refusal):
            return answer
        refusal = None
        if not is_name(answer.device) or "/" in answer.device:
            refusal = Refusal(Reason.IMPLEMENTATION_SPECIFIC_ERROR, "the device's name cannot be a level of a topic")
        elif packet.will is not None and not is_own(answer.device, packet.will.topic):
            refusal = Refusal(Reason.NOT_AUTHORIZED, "a will under another topic than the device's own")
        session = None if refusal else self._session(answer.device, client_id, clean=packet.clean)
        if session is None:
            refusal = refusal or Refusal(Reason.QUOTA_EXCEEDED, "the device has too many connections")
            self._disconnected(answer, refusal.reason)
            return refusal
        resumed = session.expiry_s > 0
        session.link = link
        self.sessions.resume(session)
        self._wills.pop(session, None)  # it is back before its will was due (3.1.3.2.2)
        return session, answer, resumed, assigned

    def _session(self, device: str, client_id: str, *, clean: bool) -> Session | None:
        session = self.sessions.find(device, client_id)
        if session is None:
            return self.sessions.open(device, client_id)
        if isinstance(session.link, Link):
            self.counters.taken_over += 1
            session.link.finish(Reason.SESSION_TAKEN_OVER, "the session was taken over")
        if clean or not session.expiry_s:
            self._will_due(session)  # the old session ends here, and its will with it
            self.sessions.drop(session)
            return self.sessions.open(device, client_id)
        return session

    def left(self, session: Session, peer: Peer, will: Will | None, reason: str) -> None:
        """The connection of a peer has ended; `will` if it is to be published."""
        now = self.now()
        session.link = None
        if will is not None:
            delay_s = min(will.properties.get("will_delay_interval", 0), session.expiry_s, self.caps.will_delay_s)
            self._wills[session] = (now + delay_s, peer, will)
            if not delay_s:
                self._will_due(session)
        self.sessions.leave(session, now)
        self._disconnected(peer, reason)

    def _disconnected(self, peer: Peer, reason: str) -> None:
        try:
            self.doors.disconnected(peer, reason)
        except Exception:  # a farewell must not keep the sweeper from the other connections
            log.exception("mqtt farewell failed", device=peer.device)

    def _will_due(self, session: Session) -> None:
        _, peer, will = self._wills.pop(session, (0.0, None, None))
        if peer is not None and will is not None:
            try:
                self.doors.publish(peer, will.topic, will.payload, will.properties.get("content_type"), _nobody_waits)
            except Exception:  # as above
                log.exception("mqtt will failed", device=peer.device)

    def decided(self, link: Link, published: Published, code: int) -> None:
        """The city's answer to a message; may come twice, late, or after the connection has gone."""
        if published.code != UNDECIDED:
            return
        if code >= 0x80:
            self.counters.rejected += 1
        link.machine.decide(published, code)
        self.soon(link)
        if published.qos == 2:
            # The device may have come back meanwhile, and sent it again there.
            successor = link.session.link if link.session is not None else None
            if isinstance(successor, Link) and successor is not link:
                successor.machine.settle()
                self.soon(successor)

    def soon(self, link: Link) -> None:
        """Write what a link has to say at the end of this turn of the loop: one write, however many answers."""
        if not link.dirty:
            link.dirty = True
            if not self._dirty and self._loop is not None:
                self._loop.call_soon(self._flush)
            self._dirty.append(link)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for link in dirty:
            link.dirty = False
            link.go_on()

    def gone(self, link: Link) -> None:
        """A socket is closed."""
        self.links.discard(link)
        if self._empty is not None and not self.links:
            self._empty.set()


def _nobody_waits(_code: int) -> None:
    """A will is acknowledged to nobody."""
