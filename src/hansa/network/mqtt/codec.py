"""Bytes to packets and back, MQTT 3.1.1 and 5, both directions, without a socket.

`decode` reads one packet, `encode` writes one; `framer.Framer` cuts a stream into them. What a peer got wrong is a
`ProtocolError` with its reason code; what a caller got wrong is a ValueError. Section numbers are those of MQTT 5.
"""

from collections.abc import Callable

from hansa.network.mqtt import properties as p
from hansa.network.mqtt.packets import (
    Auth,
    ConnAck,
    Connect,
    Disconnect,
    Filter,
    Packet,
    PingReq,
    PingResp,
    PubAck,
    PubComp,
    Publish,
    PubRec,
    PubRel,
    SubAck,
    Subscribe,
    UnsubAck,
    Unsubscribe,
    Will,
)
from hansa.network.mqtt.properties import NONE, pack_properties, read_properties
from hansa.network.mqtt.reasons import ACKNOWLEDGED, ProtocolError, Reason, malformed, violation
from hansa.network.mqtt.topics import is_name
from hansa.network.mqtt.wire import Reader, pack_binary, pack_text, pack_varint, text

FILTERS_MAX = 1_000  # a SUBSCRIBE of a quarter megabyte could name 60,000 filters; no device has so many


def decode(first: int, body: bytes, version: int) -> Packet:
    """One packet from its first byte and body; `version` (4 or 5) is disregarded by CONNECT, which brings its own."""
    kind = first >> 4
    if kind == p.PUBLISH:
        return decode_publish(first, body, version)
    reader = Reader(body)
    packet = _DECODERS[kind](reader, version)
    reader.finish()
    return packet


def decode_publish(first: int, body: bytes, version: int) -> Publish:
    """A PUBLISH, the one packet whose speed matters: no reader, one pass."""
    size = len(body)
    if size < 2:
        raise malformed("a PUBLISH without a topic")
    at = 2 + (body[0] << 8 | body[1])
    if at > size:
        raise malformed("a topic longer than its packet")
    topic = text(body[2:at])
    if "+" in topic or "#" in topic:
        raise ProtocolError(Reason.TOPIC_NAME_INVALID, "a wildcard in the topic of a PUBLISH")
    qos = first >> 1 & 3
    packet_id = 0
    if qos:
        if at + 2 > size:
            raise malformed("a PUBLISH without its packet identifier")
        packet_id = body[at] << 8 | body[at + 1]
        if not packet_id:
            raise malformed("packet identifier 0")
        at += 2
    properties = NONE
    if version == 5:
        if at < size and not body[at]:
            at += 1
        else:
            reader = Reader(body, at)
            properties = read_properties(reader, p.PUBLISH)
            at = reader.at
    if not topic and "topic_alias" not in properties:
        raise (violation if version == 5 else malformed)("an empty topic")
    if "response_topic" in properties and not is_name(properties["response_topic"]):
        raise violation("a wildcard in a response topic")
    return Publish(topic, body[at:], qos, packet_id, first & 8 != 0, first & 1 != 0, properties)


def _decode_connect(reader: Reader, _version: int) -> Connect:
    name, level = reader.binary(), reader.number(1)
    if name == b"MQTT" and level in {4, 5}:
        try:
            return _decode_connect_rest(reader, level)
        except ProtocolError as error:
            error.version = level
            raise
    if name in {b"MQTT", b"MQIsdp"}:
        farewell = 5 if name == b"MQTT" and level > 5 else 4
        raise ProtocolError(Reason.UNSUPPORTED_PROTOCOL_VERSION, f"MQTT protocol level {level}", farewell)
    raise malformed("the protocol name is not MQTT")


def _decode_connect_rest(reader: Reader, version: int) -> Connect:
    flags = reader.number(1)
    will_flag, will_qos = flags & 0x04, flags >> 3 & 3
    if flags & 0x01 or will_qos == 3 or (not will_flag and flags & 0x38):
        raise malformed("the flags of a CONNECT")
    if version == 4 and flags & 0x40 and not flags & 0x80:
        raise malformed("a password without a user name")
    keep_alive_s = reader.number(2)
    properties = read_properties(reader, p.CONNECT) if version == 5 else NONE
    if "authentication_data" in properties and "authentication_method" not in properties:
        raise violation("authentication data without a method")
    client_id = reader.text()
    will = None
    if will_flag:
        will_properties = read_properties(reader, p.WILL) if version == 5 else NONE
        topic, payload = reader.text(), reader.binary()
        if not is_name(topic):
            raise ProtocolError(Reason.TOPIC_NAME_INVALID, "the topic of a will")
        will = Will(topic, payload, will_qos, flags & 0x20 != 0, will_properties)
    username = reader.text() if flags & 0x80 else None
    password = reader.binary() if flags & 0x40 else None
    reader.finish()
    return Connect(client_id, version, flags & 0x02 != 0, keep_alive_s, username, password, will, properties)


def _decode_connack(reader: Reader, version: int) -> ConnAck:
    flags, code = reader.number(1), reader.number(1)
    if flags > 1 or (flags and code):
        raise malformed("the flags of a CONNACK")
    if (version == 4 and code > 5) or (version == 5 and 0 < code < 0x80):
        raise malformed("the code of a CONNACK")
    return ConnAck(code, flags == 1, read_properties(reader, p.CONNACK) if version == 5 else NONE)


_RELEASE_CODES = frozenset({0x00, 0x92})


def _acknowledgement(
    make: Callable[[int, int, p.Properties], Packet], kind: int, codes: frozenset[int]
) -> Callable[[Reader, int], Packet]:
    def read(reader: Reader, version: int) -> Packet:
        packet_id, code, properties = reader.packet_id(), 0, NONE
        if version == 5 and reader.more():
            code = reader.number(1)
            if code not in codes:
                raise malformed(f"reason code {code:#x} in an acknowledgement")
            if reader.more():
                properties = read_properties(reader, kind)
        return make(packet_id, code, properties)

    return read


def _decode_subscribe(reader: Reader, version: int) -> Subscribe:
    packet_id = reader.packet_id()
    properties = read_properties(reader, p.SUBSCRIBE) if version == 5 else NONE
    filters = []
    while reader.more():
        topic, options = reader.text(), reader.number(1)
        qos, handling = options & 3, options >> 4 & 3
        if qos == 3 or options & 0xC0 or (version == 4 and options & 0xFC):
            raise malformed("the options of a subscription")
        if handling == 3:
            raise violation("retain handling 3")
        if options & 4 and topic.startswith("$share/"):
            raise violation("no local on a shared subscription")
        filters.append(Filter(topic, qos, options & 4 != 0, options & 8 != 0, handling))
        _check_count(filters)
    if not filters:
        raise violation("a SUBSCRIBE without a filter")
    return Subscribe(packet_id, tuple(filters), properties)


def _check_count(filters: list[Filter] | list[str]) -> None:
    if len(filters) > FILTERS_MAX:
        raise ProtocolError(Reason.QUOTA_EXCEEDED, f"more than {FILTERS_MAX} filters in a packet")


def _decode_suback(reader: Reader, version: int) -> SubAck:
    packet_id = reader.packet_id()
    properties = read_properties(reader, p.SUBACK) if version == 5 else NONE
    codes = tuple(reader.rest())
    if not codes or any(2 < code < 0x80 or (version == 4 and code > 0x80) for code in codes):
        raise malformed("the codes of a SUBACK")
    return SubAck(packet_id, codes, properties)


def _decode_unsubscribe(reader: Reader, version: int) -> Unsubscribe:
    packet_id = reader.packet_id()
    properties = read_properties(reader, p.UNSUBSCRIBE) if version == 5 else NONE
    filters = []
    while reader.more():
        filters.append(reader.text())
        _check_count(filters)
    if not filters:
        raise violation("an UNSUBSCRIBE without a filter")
    return Unsubscribe(packet_id, tuple(filters), properties)


def _decode_unsuback(reader: Reader, version: int) -> UnsubAck:
    packet_id = reader.packet_id()
    if version == 4:
        return UnsubAck(packet_id)
    properties = read_properties(reader, p.UNSUBACK)
    codes = tuple(reader.rest())
    if not codes or any(code not in {0x00, 0x11} and code < 0x80 for code in codes):
        raise malformed("the codes of an UNSUBACK")
    return UnsubAck(packet_id, codes, properties)


def _decode_disconnect(reader: Reader, version: int) -> Disconnect:
    if version == 4 or not reader.more():
        return Disconnect()
    code = reader.number(1)
    if 0 < code < 0x80 and code != Reason.DISCONNECT_WITH_WILL:
        raise malformed(f"reason code {code:#x} in a DISCONNECT")
    return Disconnect(code, read_properties(reader, p.DISCONNECT) if reader.more() else NONE)


def _decode_auth(reader: Reader, version: int) -> Auth:
    if version == 4:
        raise malformed("an AUTH in MQTT 3.1.1")
    if not reader.more():
        return Auth()
    code = reader.number(1)
    if code not in {0x00, 0x18, 0x19}:
        raise malformed(f"reason code {code:#x} in an AUTH")
    return Auth(code, read_properties(reader, p.AUTH) if reader.more() else NONE)


_DECODERS: dict[int, Callable[[Reader, int], Packet]] = {
    p.CONNECT: _decode_connect,
    p.CONNACK: _decode_connack,
    p.PUBACK: _acknowledgement(PubAck, p.PUBACK, ACKNOWLEDGED),
    p.PUBREC: _acknowledgement(PubRec, p.PUBREC, ACKNOWLEDGED),
    p.PUBREL: _acknowledgement(PubRel, p.PUBREL, _RELEASE_CODES),
    p.PUBCOMP: _acknowledgement(PubComp, p.PUBCOMP, _RELEASE_CODES),
    p.SUBSCRIBE: _decode_subscribe,
    p.SUBACK: _decode_suback,
    p.UNSUBSCRIBE: _decode_unsubscribe,
    p.UNSUBACK: _decode_unsuback,
    p.PINGREQ: lambda _reader, _version: PingReq(),
    p.PINGRESP: lambda _reader, _version: PingResp(),
    p.DISCONNECT: _decode_disconnect,
    p.AUTH: _decode_auth,
}


def encode(packet: Packet, version: int) -> bytes:
    """One packet as bytes; ValueError for what the version cannot say. CONNECT brings its own version."""
    first, body = _ENCODERS[type(packet)](packet, version)
    return bytes((first,)) + pack_varint(len(body)) + body


def _pack_id(packet_id: int) -> bytes:
    if not 0 < packet_id <= 0xFFFF:
        raise ValueError("a packet identifier is 1 to 65,535")
    return packet_id.to_bytes(2, "big")


def _listed(properties: p.Properties, kind: int, version: int) -> bytes:
    if version == 5:
        return pack_properties(properties, kind)
    if properties:
        raise ValueError("MQTT 3.1.1 has no properties")
    return b""


def _encode_connect(packet: Connect, _version: int) -> tuple[int, bytes]:
    version, will = packet.version, packet.will
    flags = 0x02 if packet.clean else 0
    body = _listed(packet.properties, p.CONNECT, version) + pack_text(packet.client_id)
    if will is not None:
        flags |= 0x04 | will.qos << 3 | (0x20 if will.retain else 0)
        body += _listed(will.properties, p.WILL, version) + pack_text(will.topic) + pack_binary(will.payload)
    if packet.username is not None:
        flags |= 0x80
        body += pack_text(packet.username)
    if packet.password is not None:
        if version == 4 and packet.username is None:
            raise ValueError("MQTT 3.1.1 has no password without a user name")
        flags |= 0x40
        body += pack_binary(packet.password)
    return 0x10, b"\0\4MQTT" + bytes((version, flags)) + packet.keep_alive_s.to_bytes(2, "big") + body


def _encode_connack(packet: ConnAck, version: int) -> tuple[int, bytes]:
    return 0x20, bytes((packet.session_present, packet.code)) + _listed(packet.properties, p.CONNACK, version)


def _encode_publish(packet: Publish, version: int) -> tuple[int, bytes]:
    first = 0x30 | (8 if packet.dup else 0) | packet.qos << 1 | (1 if packet.retain else 0)
    body = pack_text(packet.topic) + (_pack_id(packet.packet_id) if packet.qos else b"")
    return first, body + _listed(packet.properties, p.PUBLISH, version) + packet.payload


def _encode_acknowledgement(packet: PubAck | PubRec | PubRel | PubComp, version: int) -> tuple[int, bytes]:
    first = _ACKNOWLEDGEMENTS[type(packet)]
    body = _pack_id(packet.packet_id)
    if version == 5 and (packet.code or packet.properties):
        body += bytes((packet.code,))
        if packet.properties:
            body += pack_properties(packet.properties, first >> 4)
    elif packet.code or packet.properties:
        raise ValueError("MQTT 3.1.1 acknowledges without a code")
    return first, body


def _encode_subscribe(packet: Subscribe, version: int) -> tuple[int, bytes]:
    body = _pack_id(packet.packet_id) + _listed(packet.properties, p.SUBSCRIBE, version)
    for one in packet.filters:
        options = one.qos | one.no_local << 2 | one.retain_as_published << 3 | one.retain_handling << 4
        if version == 4 and options > 2:
            raise ValueError("MQTT 3.1.1 has no subscription options")
        body += pack_text(one.topic) + bytes((options,))
    return 0x82, body


def _encode_suback(packet: SubAck, version: int) -> tuple[int, bytes]:
    return 0x90, _pack_id(packet.packet_id) + _listed(packet.properties, p.SUBACK, version) + bytes(packet.codes)


def _encode_unsubscribe(packet: Unsubscribe, version: int) -> tuple[int, bytes]:
    filters = b"".join(map(pack_text, packet.filters))
    return 0xA2, _pack_id(packet.packet_id) + _listed(packet.properties, p.UNSUBSCRIBE, version) + filters


def _encode_unsuback(packet: UnsubAck, version: int) -> tuple[int, bytes]:
    if version == 4 and packet.codes:
        raise ValueError("an UNSUBACK of MQTT 3.1.1 has no codes")
    return 0xB0, _pack_id(packet.packet_id) + _listed(packet.properties, p.UNSUBACK, version) + bytes(packet.codes)


def _encode_ending(packet: Disconnect | Auth, version: int) -> tuple[int, bytes]:
    first, kind = (0xE0, p.DISCONNECT) if isinstance(packet, Disconnect) else (0xF0, p.AUTH)
    if version == 4 and (packet.code or packet.properties or kind == p.AUTH):
        raise ValueError("MQTT 3.1.1 has no AUTH, and no code in a DISCONNECT")
    if not packet.properties:
        return first, bytes((packet.code,)) if packet.code else b""
    return first, bytes((packet.code,)) + pack_properties(packet.properties, kind)


_ACKNOWLEDGEMENTS = {PubAck: 0x40, PubRec: 0x50, PubRel: 0x62, PubComp: 0x70}
_ENCODERS: dict[type, Callable[..., tuple[int, bytes]]] = {
    Connect: _encode_connect,
    ConnAck: _encode_connack,
    Publish: _encode_publish,
    **dict.fromkeys(_ACKNOWLEDGEMENTS, _encode_acknowledgement),
    Subscribe: _encode_subscribe,
    SubAck: _encode_suback,
    Unsubscribe: _encode_unsubscribe,
    UnsubAck: _encode_unsuback,
    PingReq: lambda _packet, _version: (0xC0, b""),
    PingResp: lambda _packet, _version: (0xD0, b""),
    Disconnect: _encode_ending,
    Auth: _encode_ending,
}
