"""Publishing to other people's MQTT brokers, for notifications whose endpoint is one (CIM 009, clause 7).

One connection to each broker (as each user), opened when there is something to say and closed when there has been
nothing for a while. It is reached as every other machine is: through the egress wall, at the very address that was
judged. The packets are those of `network.mqtt.codec`, MQTT 3.1.1 and 5. A session is always a clean one: what was not
acknowledged is said again by whoever wanted it said, with the same notification id.
"""

import asyncio
import secrets
import ssl
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from hansa.errors import BadRequest
from hansa.limits import DEFAULT, Limits
from hansa.network.broker import Address, Broker
from hansa.network.http import Egress, Open, Unanswered, Unreachable
from hansa.network.mqtt.codec import decode, encode
from hansa.network.mqtt.framer import Framer
from hansa.network.mqtt.packets import (
    ConnAck,
    Connect,
    Disconnect,
    Packet,
    PubAck,
    PubComp,
    Publish,
    PubRec,
    PubRel,
)
from hansa.network.mqtt.reasons import ProtocolError, Reason

BROKERS: Final = 256  # connections kept; beyond it the one that rested longest goes
IDLE_S: Final = 30.0  # after so long without a message a connection is closed
KEEP_ALIVE_S: Final = 120  # longer than it may rest, so no pings are needed
INFLIGHT: Final = 100  # messages of one connection that wait for their acknowledgement
_CHUNK: Final = 65_536
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_ANSWER: Final = 65_536  # bytes of one packet from a broker: acknowledgements are short

_FOR_GOOD: Final = frozenset(
    (
        *(Reason.UNSUPPORTED_PROTOCOL_VERSION, Reason.CLIENT_IDENTIFIER_NOT_VALID, Reason.BAD_USER_NAME_OR_PASSWORD),
        *(Reason.NOT_AUTHORIZED, Reason.BANNED, Reason.BAD_AUTHENTICATION_METHOD, Reason.TOPIC_NAME_INVALID),
        *(Reason.PACKET_TOO_LARGE, Reason.PAYLOAD_FORMAT_INVALID, Reason.QOS_NOT_SUPPORTED),
    )
)
"""Refusals that no other try mends, as 4xx are over HTTP."""
_OLD_FOR_GOOD: Final = frozenset((1, 2, 4, 5))  # the same among the return codes of 3.1.1


@dataclass(slots=True)
class _Slot:
    """The place of one broker's connection."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    line: "_Line | None" = None
    users: int = 0
    timer: asyncio.TimerHandle | None = None


class Publisher:
    """Publishes. One for a process; close it in the loop that used it, before its Egress."""

    def __init__(
        self, egress: Egress, limits: Limits = DEFAULT, *, idle_s: float = IDLE_S, open_: "Open[Streams] | None" = None
    ) -> None:
        """Connect to nobody yet; `open_` opens the connections."""
        self._open = open_ or _open
        self._egress = egress
        self._limits = limits
        self._idle_s = idle_s
        self._slots: OrderedDict[Broker, _Slot] = OrderedDict()
        self._closed = False

    def __len__(self) -> int:
        """How many connections there are."""
        return sum(slot.line is not None for slot in self._slots.values())

    async def aclose(self) -> None:
        """Say goodbye to every broker."""
        self._closed = True
        for slot in self._slots.values():
            self._rest(slot)
        self._slots.clear()
        await asyncio.sleep(0)  # the sockets close in the loop's next turn

    async def publish(self, to: Address, payload: bytes, wait_s: float | None = None) -> None:
        """Publish one message; it is taken when this returns (with QoS 0: it is on its way).

        `wait_s` (None: `limits.egress_s`) bounds all of it. Raises Walled, Unreachable, Unanswered, and BadRequest
        when the broker refuses for good: the user, the topic, a message as long as this.
        """
        if self._closed:
            raise Unreachable("hansa is shutting down", where=to.url)
        wait_s = self._limits.egress_s if wait_s is None else wait_s
        slot = self._slots.setdefault(to.broker, _Slot())
        self._slots.move_to_end(to.broker)
        slot.users += 1
        if slot.timer is not None:
            slot.timer.cancel()
            slot.timer = None
        try:
            async with asyncio.timeout(wait_s):
                line = await self._line(slot, to.broker)
                await line.publish(to, payload)
        except TimeoutError:
            # Whatever it was about to say may belong to this message: the next one begins anew.
            self._rest(slot)
            raise Unanswered(f"not acknowledged within {wait_s:g} s", where=to.url) from None
        except (OSError, ProtocolError) as fault:
            self._rest(slot)
            raise Unreachable(f"{fault or 'it broke off'}"[:300], where=to.url) from None
        finally:
            slot.users -= 1
            self._spare()
            if not slot.users and slot.line is not None:
                slot.timer = asyncio.get_running_loop().call_later(
                    min(self._idle_s, slot.line.rest_s), self._rest, slot
                )

    async def _line(self, slot: _Slot, broker: Broker) -> "_Line":
        async with slot.turn:
            if slot.line is None or slot.line.broken is not None:
                self._rest(slot)
                slot.line = await self._connect(broker)
            return slot.line

    async def _connect(self, broker: Broker) -> "_Line":
        streams = await self._egress.reach(broker.host, broker.port, self._open, tls=broker.tls)
        line = _Line(*streams, broker.version)
        try:
            await line.greet(broker)
        except BaseException:
            line.close()
            raise
        return line

    def _rest(self, slot: _Slot) -> None:
        if slot.timer is not None:
            slot.timer.cancel()
            slot.timer = None
        if slot.line is not None:
            slot.line.close()
            slot.line = None

    def _spare(self) -> None:
        """Let go of what was used longest ago, when there are too many brokers."""
        if len(self._slots) > BROKERS:
            key = next((key for key, slot in self._slots.items() if not slot.users), None)
            if key is not None:
                self._rest(self._slots.pop(key))


class _Line:
    """One connection to a broker, as its client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, version: int) -> None:
        self._reader = reader
        self._writer = writer
        self._version = version
        self._framer = Framer(_ANSWER)
        self._waiting: dict[int, asyncio.Future[Packet]] = {}
        self._last = 0
        self._room = asyncio.Semaphore(INFLIGHT)
        self._qos_max = 2
        self._packet_max = 268_435_460  # bytes; what the protocol's own length field can say
        self._listener: asyncio.Task[None] | None = None
        self.rest_s = KEEP_ALIVE_S / 2
        self.broken: Exception | None = None

    async def greet(self, broker: Broker) -> None:
        """Connect; raises BadRequest when the broker refuses for good, ProtocolError, OSError."""
        password = None if broker.password is None else broker.password.encode()
        ident = f"hansa{secrets.token_hex(8)}"
        self._write(Connect(ident, self._version, True, KEEP_ALIVE_S, broker.user, password))
        while (frame := self._framer.next()) is None:
            await self._read()
        packet = decode(*frame, self._version)
        if not isinstance(packet, ConnAck):
            raise ProtocolError(Reason.PROTOCOL_ERROR, "the broker does not answer a CONNECT")
        if packet.code:
            why = f"the broker refuses the connection with code {packet.code:#x}"
            if packet.code in (_OLD_FOR_GOOD if self._version == 4 else _FOR_GOOD):
                raise BadRequest(why, where=broker.host)
            raise ProtocolError(packet.code, why)
        said = packet.properties
        self._room = asyncio.Semaphore(min(INFLIGHT, said.get("receive_maximum", INFLIGHT)))
        self._qos_max = said.get("maximum_qos", 2)
        self._packet_max = said.get("maximum_packet_size", self._packet_max)
        if keep_alive_s := said.get("server_keep_alive", 0):
            self.rest_s = keep_alive_s / 2
        self._listener = asyncio.get_running_loop().create_task(self._listen(), name=f"broker {broker.host}")

    async def publish(self, to: Address, payload: bytes) -> None:
        """Publish and wait for what the quality of service promises."""
        qos = min(to.qos, self._qos_max)
        if len(payload) + len(to.topic.encode()) + 16 > self._packet_max:
            raise BadRequest(f"the broker takes {self._packet_max:,} bytes, not {len(payload):,}", where=to.url)
        if not qos:
            self._write(Publish(to.topic, payload))
            await self._writer.drain()
            return
        async with self._room:
            ident = self._free()
            try:
                answer = await self._exchange(Publish(to.topic, payload, qos, ident), ident)
                self._check(answer, PubAck if qos == 1 else PubRec, to)
                if qos == 2:
                    self._check(await self._exchange(PubRel(ident), ident), PubComp, to)
            finally:
                self._waiting.pop(ident, None)

    def close(self) -> None:
        """Say goodbye and let go of the socket at once."""
        if self._listener is not None:
            self._listener.cancel()
        self._fail(ConnectionResetError("it was closed"))
        if not self._writer.is_closing():
            self._writer.write(encode(Disconnect(), self._version))
            self._writer.close()

    def _free(self) -> int:
        """A packet identifier that is not in use."""
        for _ in range(INFLIGHT + 1):
            self._last = self._last % 0xFFFF + 1
            if self._last not in self._waiting:
                break
        return self._last

    async def _exchange(self, packet: Publish | PubRel, ident: int) -> Packet:
        if self.broken is not None:
            raise self.broken
        answer: asyncio.Future[Packet] = asyncio.get_running_loop().create_future()
        self._waiting[ident] = answer
        self._write(packet)
        await self._writer.drain()
        return await answer

    @staticmethod
    def _check(answer: Packet, wanted: type, to: Address) -> None:
        if not isinstance(answer, wanted) or not isinstance(answer, PubAck | PubRec | PubComp):
            raise ProtocolError(Reason.PROTOCOL_ERROR, "the broker acknowledges what was not sent")
        if answer.code < 0x80:
            return
        why = f"the broker refuses the message with code {answer.code:#x}"
        if answer.code in _FOR_GOOD:
            raise BadRequest(why, where=to.url)
        raise Unreachable(why, where=to.url)

    def _write(self, packet: Packet) -> None:
        self._writer.write(encode(packet, self._version))

    async def _read(self) -> None:
        data = await self._reader.read(_CHUNK)
        if not data:
            raise ConnectionResetError("the broker broke off")
        self._framer.feed(data)

    async def _listen(self) -> None:
        """Hand every acknowledgement to whoever waits for it, until the connection ends."""
        try:
            while True:
                while (frame := self._framer.next()) is not None:
                    self._take(decode(*frame, self._version))
                await self._read()
        except (OSError, ProtocolError) as fault:
            self._fail(fault)
            self._writer.transport.abort()

    def _take(self, packet: Packet) -> None:
        if isinstance(packet, Disconnect):
            raise ProtocolError(packet.code, f"the broker says goodbye with code {packet.code:#x}")
        if isinstance(packet, PubAck | PubRec | PubComp):
            waiting = self._waiting.get(packet.packet_id)
            if waiting is not None and not waiting.done():
                waiting.set_result(packet)

    def _fail(self, fault: Exception) -> None:
        if self.broken is None:
            self.broken = fault
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(fault)


async def _open(
    address: str, port: int, tls: ssl.SSLContext | None, name: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to an address that was judged; the certificate must be that of `name`."""
    return await asyncio.open_connection(
        address, port, ssl=tls, server_hostname=None if tls is None else name, limit=_CHUNK
    )
