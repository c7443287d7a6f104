"""The server's side of one MQTT connection as a state machine: bytes in, events and bytes out, no socket, no clock.

`states.MOVES` says what may come in which state, `Connection` what follows from it. Whatever the peer sends, nothing is
raised: a violation becomes a `Violated` event and the farewell that its version knows (MQTT 5: CONNACK or DISCONNECT
with a reason code; 3.1.1: a CONNACK with a return code, or just the close).

QoS 2 follows method B of 3.1.1's figure 4.3: a message is handed in when its PUBLISH comes and only its identifier is
kept, because the PUBREC then means what a PUBACK means, that the message is durable.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from hansa.network.mqtt import properties as p
from hansa.network.mqtt.caps import Caps
from hansa.network.mqtt.codec import decode, decode_publish, encode
from hansa.network.mqtt.doors import Command
from hansa.network.mqtt.framer import Framer
from hansa.network.mqtt.packets import (
    ConnAck,
    Connect,
    Disconnect,
    Packet,
    PingResp,
    PubAck,
    PubComp,
    Publish,
    PubRel,
    SubAck,
    Subscribe,
    UnsubAck,
    Unsubscribe,
)
from hansa.network.mqtt.properties import NONE
from hansa.network.mqtt.reasons import ACKNOWLEDGED, ProtocolError, Reason, connect_return, violation
from hansa.network.mqtt.session import UNDECIDED, Published, Session, Subscription
from hansa.network.mqtt.states import MOVES, Answered, Asked, Event, Left, State, Subscribed, Violated
from hansa.network.mqtt.topics import command_topic, is_filter, receives_commands

NOT_TAKEN = "the message could not be taken, send it again"
REASON_CHARS = 200  # a sentence for the log of a device


class Connection:
    """One connection. Feed it with `receive_data`, answer its events, write what `data_to_send` gives.

    While `stopped`, bytes may be left: read no more, and call `receive_data(b"")` in a later turn of the loop. While
    `held`, that does nothing before some of the messages are decided.
    """

    __slots__ = (
        "_aliases",
        "_caps",
        "_device",
        "_events",
        "_framer",
        "_inherited",
        "_out",
        "_peer_packet_bytes",
        "_repeat",
        "_unacknowledged",
        "_unanswered",
        "_undecided",
        "_undecided_bytes",
        "_window",
        "blocked",
        "ending",
        "expiry_s",
        "keep_alive_s",
        "session",
        "state",
        "stopped",
        "version",
    )

    def __init__(self, caps: Caps) -> None:
        """A connection on which nothing has come yet."""
        self._caps = caps
        self._framer = Framer(min(caps.connect_bytes, caps.packet_bytes))
        self._out: list[bytes] = []
        self._events: list[Event] = []
        self._aliases: dict[int, str] = {}
        self._device = ""
        self._unanswered: deque[Published] = deque()  # QoS 1 and 2 in the order of their PUBLISHes
        self._unacknowledged = 0  # QoS 1 alone, for the Receive Maximum
        self._inherited = 0  # QoS 2 messages that earlier connections of the session left unreleased
        self._undecided = 0
        self._undecided_bytes = 0
        self._window = 1  # commands that the device takes at once
        self._repeat: list[int] = []  # identifiers in flight since an earlier connection, still to be sent again
        self._peer_packet_bytes = 0  # 0: the peer named no limit
        self.state = State.FRESH
        self.version = 0
        self.keep_alive_s = 0
        self.expiry_s = 0
        self.session = Session("", "")
        self.blocked = False  # the peer takes no bytes: start no further command
        self.stopped = False  # bytes may be left that were not looked at yet
        self.ending = ""  # why it ended, once closed

    @property
    def held(self) -> bool:
        """Whether as much is undecided, or decided and waiting for its turn, as one connection may have."""
        most = self._caps.receive_maximum
        return (
            self._undecided >= most
            or len(self._unanswered) >= most
            or self._undecided_bytes >= self._caps.undecided_bytes
        )

    @property
    def buffered(self) -> int:
        """Bytes that have come and were not understood yet."""
        return len(self._framer)

    def receive_data(self, data: bytes) -> list[Event]:
        """What these bytes mean; after the end they mean nothing."""
        if self.state is State.CLOSED:
            return self.take_events()
        framer = self._framer
        if data:
            framer.feed(data)
        if self.stopped and len(framer) > self._caps.packet_bytes + self._caps.buffer_bytes:
            self._violated(ProtocolError(Reason.QUOTA_EXCEEDED, "more bytes than a paused connection may bring"))
            return self.take_events()
        try:
            self.stopped = True
            for _ in range(self._caps.turn_packets):
                if self.state is State.OPEN:
                    if self.held:
                        break
                elif self.state is not State.FRESH:
                    break
                frame = framer.next()
                if frame is None:
                    self.stopped = False
                    break
                first, body = frame
                if first & 0xF0 == 0x30 and self.state is State.OPEN:
                    self._on_publish(decode_publish(first, body, self.version), len(body))
                else:
                    self._on_packet(first, body)
        except ProtocolError as error:
            self._violated(error)
        return self.take_events()

    def take_events(self) -> list[Event]:
        """Events that answers and commands have caused since the last call."""
        events, self._events = self._events, []
        return events

    def data_to_send(self) -> bytes:
        """All that is to be written now, in one piece."""
        if not self._out:
            return b""
        data = b"".join(self._out)
        self._out.clear()
        return data

    # ------------------------------------------------------------------ answers of the city

    def accept(self, session: Session, *, resumed: bool, assigned: str = "") -> None:
        """Let the peer in under this session; what it had not acknowledged is sent again with DUP (4.4)."""
        if self.state is not State.ASKED:
            return
        caps = self._caps
        self.state = State.OPEN
        self.session, self._device = session, session.device
        self._framer.limit = caps.packet_bytes
        properties: dict[str, Any] = {}
        if self.version == 5:
            properties = {
                "receive_maximum": caps.receive_maximum,
                "maximum_packet_size": caps.packet_bytes,
                "topic_alias_maximum": caps.topic_aliases,
                "session_expiry_interval": self.expiry_s,
                "shared_subscription_available": 0,
            }
            if caps.maximum_qos < 2:
                properties["maximum_qos"] = caps.maximum_qos
            if assigned:
                properties["assigned_client_identifier"] = assigned
            if not 0 < self.keep_alive_s <= caps.keep_alive_s:
                self.keep_alive_s = properties["server_keep_alive"] = caps.keep_alive_s
        session.expiry_s = self.expiry_s
        # Who comes back again and again without releasing anything loses the oldest promises, not our memory.
        for packet_id in list(session.incoming)[: -caps.qos2_ids]:
            del session.incoming[packet_id]
        self._inherited = len(session.incoming)
        self._say(ConnAck(0, resumed, properties or NONE))
        self._repeat = list(session.in_flight)
        self.pump()

    def refuse(self, code: int, reason: str) -> None:
        """Turn the peer away with the CONNACK of its version."""
        if self.state in {State.FRESH, State.ASKED} and self.version:
            properties = {"reason_string": _sentence(reason)} if self.version == 5 else NONE
            self._say(ConnAck(code if self.version == 5 else connect_return(code), properties=properties))
        self._end(reason)

    def decide(self, published: Published, code: int) -> None:
        """The city's answer to a message; the acknowledgement goes out when all before it are decided (4.6)."""
        if published.code != UNDECIDED:
            return
        published.code = code
        published.payload = b""  # a decided message may still wait for its turn, and then for its PUBREL
        self._undecided -= 1
        self._undecided_bytes -= published.size
        if code not in ACKNOWLEDGED:
            # Not durable: no acknowledgement, and an identifier that is free for the next attempt.
            self._forget(published)
            self.disconnect(code, NOT_TAKEN)
        elif published.qos:
            self.settle()

    def settle(self) -> None:
        """Acknowledge what is decided, in order."""
        waiting = self._unanswered
        while waiting and waiting[0].code != UNDECIDED:
            published = waiting.popleft()
            code, packet_id = published.code, published.packet_id
            first = b"\x40"
            if published.qos == 1:
                self._unacknowledged -= 1
            elif code not in ACKNOWLEDGED:
                # It was handed in by an earlier connection of this session, and could not be taken there.
                self.disconnect(code, NOT_TAKEN)
                return
            else:
                first = b"\x50"
                if code >= 0x80 and self.version == 5:
                    self._forget(published)  # refused in PUBREC: no PUBREL follows (4.3.3)
            # 3.1.1 cannot refuse: what is recorded as a dead letter is acknowledged, or it would come for ever.
            if code and self.version == 5:
                self._out.append(first + b"\x03" + packet_id.to_bytes(2, "big") + bytes((code,)))
            else:
                self._out.append(first + b"\x02" + packet_id.to_bytes(2, "big"))

    def _forget(self, published: Published) -> None:
        """Free the identifier of a QoS 2 message, unless a newer message has it by now."""
        if self.session.incoming.get(published.packet_id) is published:
            del self.session.incoming[published.packet_id]

    def disconnect(self, code: int, reason: str) -> None:
        """End the connection from this side, with a DISCONNECT where the version has one."""
        if self.state is State.ASKED:
            self.refuse(code, reason)
        if self.state is State.OPEN and self.version == 5:
            self._say(Disconnect(code, {"reason_string": _sentence(reason)}))
        self._end(reason)

    def lost(self, reason: str) -> None:
        """The socket is gone: nothing can be said any more."""
        self._end(reason)
        self._out.clear()

    def deliver(self, command: Command) -> bool:
        """Send a command now or as soon as the device has answered earlier ones; False: not subscribed, or too many."""
        session = self.session
        if self.state is not State.OPEN or not session.subscriptions:
            return False
        if not session.knows(command.id):
            # While older ones rest with the city, a new one must not overtake them.
            if session.more or len(session.waiting) >= self._caps.commands_waiting:
                session.more = True
                return False
            session.waiting[command.id] = command
            self.pump()
        return True

    def pump(self) -> None:
        """Send waiting commands while the device may have more in flight."""
        session = self.session
        while (self._repeat or session.waiting) and not self.blocked and self.state is State.OPEN:
            if len(session.in_flight) - len(self._repeat) >= self._window:
                return
            if self._repeat:
                packet_id = self._repeat.pop(0)
                command = session.in_flight[packet_id]
                if not self._send_command(command, packet_id, dup=True):
                    del session.in_flight[packet_id]
                    self._events.append(Answered(command.id, Reason.PACKET_TOO_LARGE))
                continue
            granted = session.granted()
            if granted is None:
                return
            command = session.waiting.pop(next(iter(session.waiting)))
            packet_id = session.free_id() if granted else 0
            if not self._send_command(command, packet_id):
                self._events.append(Answered(command.id, Reason.PACKET_TOO_LARGE))
            elif granted:
                session.in_flight[packet_id] = command
            else:
                self._events.append(Answered(command.id, 0))

    def _send_command(self, command: Command, packet_id: int, *, dup: bool = False) -> bool:
        identifiers = {one.identifier for one in self.session.subscriptions.values()} - {0}
        properties = {"subscription_identifier": tuple(sorted(identifiers))} if identifiers else NONE
        qos = 1 if packet_id else 0
        packet = Publish(command_topic(self._device), command.payload, qos, packet_id, dup, properties=properties)
        return self._say(packet)

    # ------------------------------------------------------------------ what the peer says

    def _on_publish(self, packet: Publish, size: int) -> None:
        caps, session = self._caps, self.session
        topic, qos, packet_id, content_type = packet.topic, packet.qos, packet.packet_id, None
        if packet.properties:
            topic = self._topic(packet)
            content_type = packet.properties.get("content_type")
        if qos == 2 and packet.dup and packet_id in session.incoming:
            # Without DUP it is a new message [MQTT-3.3.1-1]: a device that lost its memory counts from 1 again.
            self._on_publish_again(session.incoming[packet_id])
            return
        if qos:
            if qos > caps.maximum_qos:
                raise ProtocolError(Reason.QOS_NOT_SUPPORTED, f"QoS {qos}")
            if self.version == 5 and self._unacknowledged + self._unreleased() >= caps.receive_maximum:
                raise ProtocolError(Reason.RECEIVE_MAXIMUM_EXCEEDED, "more unacknowledged messages than agreed")
        published = Published(topic, packet.payload, content_type, qos, packet_id, size)
        if qos:
            self._unanswered.append(published)
            if qos == 1:
                self._unacknowledged += 1
            elif self._unreleased() < caps.qos2_ids:
                session.incoming[packet_id] = published
            else:
                raise ProtocolError(Reason.QUOTA_EXCEEDED, "too many QoS 2 messages that were never released")
        self._undecided += 1
        self._undecided_bytes += size
        self._events.append(published)

    def _unreleased(self) -> int:
        """QoS 2 messages that wait for their release; not those of earlier connections, that may never get one."""
        return max(len(self.session.incoming) - self._inherited, 0)

    def _on_publish_again(self, known: Published) -> None:
        """A QoS 2 message that was handed in before, perhaps on an earlier connection: only its answer is repeated."""
        if known not in self._unanswered:
            self._unanswered.append(known)
            self.settle()

    def _topic(self, packet: Publish) -> str:
        properties = packet.properties
        if "subscription_identifier" in properties:
            raise violation("a subscription identifier from a client")
        alias = properties.get("topic_alias")
        if alias is None:
            return packet.topic
        if alias > self._caps.topic_aliases:
            raise ProtocolError(Reason.TOPIC_ALIAS_INVALID, f"topic alias {alias}")
        if packet.topic:
            self._aliases[alias] = packet.topic
        elif alias not in self._aliases:
            raise violation(f"topic alias {alias} was never set")
        return self._aliases[alias]

    def _on_packet(self, first: int, body: bytes) -> None:
        kind = first >> 4
        after = MOVES[self.state].get(kind)
        if after is None:
            raise violation(f"packet type {kind} while {self.state.name.lower()}")
        packet = decode(first, body, self.version)
        self.state = after
        _HANDLERS[kind](self, packet)

    def _on_connect(self, packet: Connect) -> None:
        caps = self._caps
        self.version, self.keep_alive_s = packet.version, packet.keep_alive_s
        asked_s = packet.properties.get("session_expiry_interval", 0)
        if packet.version == 4:
            asked_s = 0 if packet.clean else caps.session_expiry_s
        self.expiry_s = min(asked_s, caps.session_expiry_s)
        self._window = min(packet.properties.get("receive_maximum", 0xFFFF), caps.commands_in_flight)
        self._peer_packet_bytes = packet.properties.get("maximum_packet_size", 0)
        if "authentication_method" in packet.properties:
            raise ProtocolError(Reason.BAD_AUTHENTICATION_METHOD, "no extended authentication here", packet.version)
        if len(packet.client_id) > caps.client_id_chars:
            raise ProtocolError(Reason.CLIENT_IDENTIFIER_NOT_VALID, "the client identifier is too long", packet.version)
        if not packet.client_id and packet.version == 4 and not packet.clean:
            raise ProtocolError(Reason.CLIENT_IDENTIFIER_NOT_VALID, "a kept session needs a client identifier", 4)
        if packet.will is not None and packet.will.qos > caps.maximum_qos:
            raise ProtocolError(Reason.QOS_NOT_SUPPORTED, "the QoS of the will", packet.version)
        self._events.append(Asked(packet))

    def _on_puback(self, packet: PubAck) -> None:
        # One that is not in flight is the late answer to a session that was started anew.
        command = self.session.in_flight.pop(packet.packet_id, None)
        if command is not None:
            if packet.packet_id in self._repeat:
                self._repeat.remove(packet.packet_id)
            self._events.append(Answered(command.id, packet.code))
            self.pump()

    def _on_pubrel(self, packet: PubRel) -> None:
        known = self.session.incoming.get(packet.packet_id)
        if known is not None and known.code == UNDECIDED:
            raise violation("a PUBREL before its PUBREC")
        self.session.incoming.pop(packet.packet_id, None)
        missing = Reason.PACKET_IDENTIFIER_NOT_FOUND if known is None and self.version == 5 else 0
        self._say(PubComp(packet.packet_id, missing))

    def _on_subscribe(self, packet: Subscribe) -> None:
        identifier = packet.properties.get("subscription_identifier", 0)
        codes = []
        for one in packet.filters:
            code = self._grant(one.topic, one.qos)
            if code < 0x80:
                self.session.subscriptions[one.topic] = Subscription(code, identifier)
            codes.append(code if self.version == 5 or code < 0x80 else 0x80)
        self._say(SubAck(packet.packet_id, tuple(codes)))
        if any(code < 0x80 for code in codes):
            self._events.append(Subscribed())

    def _grant(self, topic: str, qos: int) -> int:
        if not is_filter(topic):
            return Reason.TOPIC_FILTER_INVALID
        if topic.startswith("$share/"):
            return Reason.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
        if not receives_commands(self._device, topic):
            return Reason.NOT_AUTHORIZED
        return min(qos, 1)

    def _on_unsubscribe(self, packet: Unsubscribe) -> None:
        gone = [self.session.subscriptions.pop(one, None) for one in packet.filters]
        codes = tuple(0 if one else int(Reason.NO_SUBSCRIPTION_EXISTED) for one in gone)
        self._say(UnsubAck(packet.packet_id, codes if self.version == 5 else ()))

    def _on_pingreq(self, _packet: Packet) -> None:
        self._say(PingResp())

    def _on_disconnect(self, packet: Disconnect) -> None:
        expiry_s = packet.properties.get("session_expiry_interval")
        if expiry_s is not None:
            if expiry_s and not self.expiry_s:
                self.state = State.OPEN  # the farewell is still ours to say
                raise violation("a session that was not to be kept cannot be kept now")
            self.session.expiry_s = min(expiry_s, self._caps.session_expiry_s)
        self._events.append(Left(with_will=packet.code != 0))
        self._end("the device disconnected")

    # ------------------------------------------------------------------ ends

    def _violated(self, error: ProtocolError) -> None:
        self._events.append(Violated(error.code, error.reason))
        if self.state is State.OPEN:
            self.disconnect(error.code, error.reason)
        else:
            # A CONNECT of 3.1.1 that does not conform gets no CONNACK [MQTT-3.1.4-1], but for what has a return code.
            answerable = error.version == 5 or error.code in _ANSWERABLE
            self.version = error.version if answerable else 0
            self.refuse(error.code, error.reason)

    def _end(self, reason: str) -> None:
        if self.state is not State.CLOSED or not self.ending:
            self.state = State.CLOSED
            self.ending = reason or "closed"
            self.stopped = False
            self._framer.clear()
            self._unanswered.clear()
            self._aliases.clear()

    def _say(self, packet: Packet) -> bool:
        """Queue a packet; False, and nothing said, if the peer takes no packets of that size (3.1.2.11.4)."""
        data = encode(packet, self.version)
        if self._peer_packet_bytes and len(data) > self._peer_packet_bytes:
            return False
        self._out.append(data)
        return True


_ANSWERABLE = frozenset({Reason.UNSUPPORTED_PROTOCOL_VERSION, Reason.CLIENT_IDENTIFIER_NOT_VALID})


def _sentence(reason: str) -> str:
    """A reason that MQTT can carry."""
    return reason[:REASON_CHARS].encode(errors="replace").decode().replace("\0", "")


_HANDLERS: dict[int, Callable[[Connection, Any], None]] = {
    p.CONNECT: Connection._on_connect,  # noqa: SLF001  (the table is part of the class, below it for its names)
    p.PUBACK: Connection._on_puback,  # noqa: SLF001
    p.PUBREL: Connection._on_pubrel,  # noqa: SLF001
    p.SUBSCRIBE: Connection._on_subscribe,  # noqa: SLF001
    p.UNSUBSCRIBE: Connection._on_unsubscribe,  # noqa: SLF001
    p.PINGREQ: Connection._on_pingreq,  # noqa: SLF001
    p.DISCONNECT: Connection._on_disconnect,  # noqa: SLF001
}
