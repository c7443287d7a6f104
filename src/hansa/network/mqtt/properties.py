"""The properties of MQTT 5 (section 2.2.2.2): one table, read both ways.

Properties are a mapping from their name in the standard (`session_expiry_interval`) to int, str or bytes. Those that
may come more than once are tuples: `user_property` of pairs, and `subscription_identifier` in a PUBLISH of ints.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from hansa.network.mqtt.reasons import ProtocolError, Reason, malformed, violation
from hansa.network.mqtt.wire import Reader, pack_binary, pack_text, pack_varint

Properties = Mapping[str, Any]

NONE: Properties = MappingProxyType({})

# Packet types as they stand in the fixed header; WILL is the second property list of a CONNECT.
WILL, CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = range(8)
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = range(8, 16)

# A quarter megabyte of user properties would become ten megabytes of Python, and nobody here reads them.
REPEATS_MAX = 100

_WIDTH = {"byte": 1, "flag": 1, "two": 2, "two_positive": 2, "alias": 2, "four": 4, "four_positive": 4}
_REPEATABLE = {"user_property", "subscription_identifier"}


class _Property(Struct, frozen=True):
    id: int
    name: str
    kind: str
    packets: frozenset[int]


def _rows(*rows: tuple[int, str, str, tuple[int, ...]]) -> list[_Property]:
    return [_Property(number, name, kind, frozenset(packets)) for number, name, kind, packets in rows]


_ALL = (WILL, CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK)
_ANSWERS = (CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, DISCONNECT, AUTH)

_TABLE = _rows(
    (0x01, "payload_format_indicator", "flag", (PUBLISH, WILL)),
    (0x02, "message_expiry_interval", "four", (PUBLISH, WILL)),
    (0x03, "content_type", "text", (PUBLISH, WILL)),
    (0x08, "response_topic", "text", (PUBLISH, WILL)),
    (0x09, "correlation_data", "binary", (PUBLISH, WILL)),
    (0x0B, "subscription_identifier", "varint", (PUBLISH, SUBSCRIBE)),
    (0x11, "session_expiry_interval", "four", (CONNECT, CONNACK, DISCONNECT)),
    (0x12, "assigned_client_identifier", "text", (CONNACK,)),
    (0x13, "server_keep_alive", "two", (CONNACK,)),
    (0x15, "authentication_method", "text", (CONNECT, CONNACK, AUTH)),
    (0x16, "authentication_data", "binary", (CONNECT, CONNACK, AUTH)),
    (0x17, "request_problem_information", "flag", (CONNECT,)),
    (0x18, "will_delay_interval", "four", (WILL,)),
    (0x19, "request_response_information", "flag", (CONNECT,)),
    (0x1A, "response_information", "text", (CONNACK,)),
    (0x1C, "server_reference", "text", (CONNACK, DISCONNECT)),
    (0x1F, "reason_string", "text", _ANSWERS),
    (0x21, "receive_maximum", "two_positive", (CONNECT, CONNACK)),
    (0x22, "topic_alias_maximum", "two", (CONNECT, CONNACK)),
    (0x23, "topic_alias", "alias", (PUBLISH,)),
    (0x24, "maximum_qos", "flag", (CONNACK,)),
    (0x25, "retain_available", "flag", (CONNACK,)),
    (0x26, "user_property", "pair", (*_ALL, DISCONNECT, AUTH)),
    (0x27, "maximum_packet_size", "four_positive", (CONNECT, CONNACK)),
    (0x28, "wildcard_subscription_available", "flag", (CONNACK,)),
    (0x29, "subscription_identifier_available", "flag", (CONNACK,)),
    (0x2A, "shared_subscription_available", "flag", (CONNACK,)),
)
_BY_ID = {row.id: row for row in _TABLE}
_BY_NAME = {row.name: row for row in _TABLE}


def read_properties(reader: Reader, packet: int) -> Properties:
    """The property list at the reader's place; unknown, misplaced, doubled or impossible ones are protocol errors."""
    length = reader.varint()
    if not length:
        return NONE
    end = reader.at + length
    if end > reader.end:
        raise malformed("properties longer than their packet")
    inner = Reader(reader.body, reader.at, end)
    found: dict[str, Any] = {}
    while inner.more():
        row = _BY_ID.get(inner.varint())
        if row is None or packet not in row.packets:
            raise malformed("a property that this packet cannot have")
        value = _read(inner, row)
        if row.name in _REPEATABLE and not (packet == SUBSCRIBE and row.kind == "varint"):
            found.setdefault(row.name, []).append(value)
            if len(found[row.name]) > REPEATS_MAX:
                raise ProtocolError(Reason.QUOTA_EXCEEDED, f"{row.name} more than {REPEATS_MAX} times")
        elif row.name in found:
            raise violation(f"{row.name} twice")
        else:
            found[row.name] = value
    reader.at = end
    return {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}


def _read(reader: Reader, row: _Property) -> Any:
    if row.kind == "text":
        return reader.text()
    if row.kind == "binary":
        return reader.binary()
    if row.kind == "pair":
        return reader.text(), reader.text()
    value = reader.varint() if row.kind == "varint" else reader.number(_WIDTH[row.kind])
    if row.kind == "alias" and not value:
        raise ProtocolError(Reason.TOPIC_ALIAS_INVALID, "topic alias 0")
    if (row.kind == "flag" and value > 1) or (row.kind in {"two_positive", "four_positive", "varint"} and not value):
        raise violation(f"{row.name} cannot be {value}")
    return value


def pack_properties(properties: Properties, packet: int) -> bytes:
    """A property list with its length; ValueError for one that this packet cannot have."""
    if not properties:
        return b"\0"
    out = bytearray()
    for name, value in properties.items():
        row = _BY_NAME.get(name)
        if row is None or packet not in row.packets:
            raise ValueError(f"{name!r} is no property of this packet")
        for single in value if isinstance(value, tuple) else (value,):
            out.append(row.id)
            out += _pack(row, single)
    return pack_varint(len(out)) + bytes(out)


def _pack(row: _Property, value: Any) -> bytes:
    if row.kind == "text":
        return pack_text(value)
    if row.kind == "binary":
        return pack_binary(value)
    if row.kind == "pair":
        return pack_text(value[0]) + pack_text(value[1])
    if row.kind == "varint":
        return pack_varint(value)
    packed: bytes = value.to_bytes(_WIDTH[row.kind], "big")
    return packed
