"""Bytes to packets and back: both versions, both directions, and what must not pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mqtt_strategies import PATIENT, spoken

from hansa.network.mqtt import Reason, properties, topics
from hansa.network.mqtt.codec import FILTERS_MAX, decode, encode
from hansa.network.mqtt.framer import Framer
from hansa.network.mqtt.packets import (
    Auth,
    ConnAck,
    Connect,
    Disconnect,
    Filter,
    PingReq,
    PubAck,
    Publish,
    PubRel,
    SubAck,
    Subscribe,
    UnsubAck,
)
from hansa.network.mqtt.reasons import ProtocolError, connect_return
from hansa.network.mqtt.wire import Reader, pack_binary, pack_text, pack_varint

LIMIT = 1 << 20


def frames(data: bytes, limit: int = LIMIT) -> list[tuple[int, bytes]]:
    framer = Framer(limit)
    framer.feed(data)
    return list(iter(framer.next, None))


def read(data: bytes, version: int = 4):
    (frame,) = frames(data)
    return decode(*frame, version)


@PATIENT
@given(spoken)
def test_what_is_written_is_read_back_the_same(case):
    version, packet = case
    assert read(encode(packet, version), version) == packet


@PATIENT
@given(st.lists(spoken, min_size=1, max_size=4), st.data())
def test_a_stream_means_the_same_however_it_is_cut(cases, data):
    whole = b"".join(encode(packet, version) for version, packet in cases)
    expected = frames(whole)
    assert len(expected) == len(cases)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    framer, found = Framer(LIMIT), []
    for start, stop in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        framer.feed(whole[start:stop])
        found += iter(framer.next, None)
    assert found == expected
    assert len(framer) == 0


@PATIENT
@given(st.binary(max_size=200), st.sampled_from([4, 5]))
def test_any_bytes_are_a_packet_or_a_protocol_error(data, version):
    try:
        found = frames(data)
    except ProtocolError:
        return
    for first, body in found:
        try:
            packet = decode(first, body, version)
        except ProtocolError:
            continue
        # What is understood can be said again, and means the same then.
        said = packet.version if isinstance(packet, Connect) else version
        assert read(encode(packet, said), said) == packet


# Written out from the standard's own examples and tables, so that encoder and decoder cannot agree on an error.
VECTORS = [
    (4, PingReq(), "c000"),
    (4, Publish("a/b", b"", 1, 10), "3207 0003 612f62 000a"),
    (4, Publish("a", b"x", 2, 258, dup=True, retain=True), "3d06 0001 61 0102 78"),
    (4, ConnAck(0, session_present=True), "2002 01 00"),
    (4, PubAck(300), "4002 012c"),
    (4, PubRel(1), "6202 0001"),
    (4, Subscribe(10, (Filter("a/b", 1), Filter("c/d", 2))), "820e 000a 0003 612f62 01 0003 632f64 02"),
    (4, SubAck(10, (0, 2, 0x80)), "9005 000a 00 02 80"),
    (4, UnsubAck(10), "b002 000a"),
    (4, Disconnect(), "e000"),
    (4, Connect("A", 4, clean=True, keep_alive_s=10), "100d 0004 4d515454 04 02 000a 0001 41"),
    (5, Connect("A", 5, clean=True, keep_alive_s=10), "100e 0004 4d515454 05 02 000a 00 0001 41"),
    (5, Publish("a", b"x", 1, 1), "3207 0001 61 0001 00 78"),
    (5, PubAck(1), "4002 0001"),
    (5, PubAck(1, 0x87), "4003 0001 87"),
    (5, PubAck(1, 0x87, {"reason_string": "no"}), "4009 0001 87 05 1f 0002 6e6f"),
    (5, Subscribe(1, (Filter("a", 1, no_local=True, retain_handling=2),), {"subscription_identifier": 300}),
     "820a 0001 03 0bac02 0001 61 25"),
    (5, Disconnect(0x8E), "e001 8e"),
    (5, Disconnect(0, {"session_expiry_interval": 5}), "e007 00 05 11 00000005"),
    (5, Auth(0x18, {"authentication_method": "m"}), "f006 18 04 15 0001 6d"),
]  # fmt: skip


@pytest.mark.parametrize(("version", "packet", "dump"), VECTORS, ids=[vector[2] for vector in VECTORS])
def test_packets_look_on_the_wire_as_the_standard_says(version, packet, dump):
    data = bytes.fromhex(dump)
    assert encode(packet, version) == data
    assert read(data, version) == packet


def raw(first: int, body: bytes) -> bytes:
    return bytes((first,)) + pack_varint(len(body)) + body


V5 = b"\0\4MQTT\5"
TOO_MANY = b"\x26\0\0\0\0" * (properties.REPEATS_MAX + 1)
BAD = [
    ("packet type 0", 4, b"\0\0", 0x81),
    ("flags of a PINGREQ", 4, b"\xc1\0", 0x81),
    ("flags of a SUBSCRIBE", 4, raw(0x80, b"\0\1\0\1a\0"), 0x81),
    ("QoS 3", 4, raw(0x36, b"\0\1a\0\1"), 0x81),
    ("DUP with QoS 0", 4, raw(0x38, b"\0\1a"), 0x81),
    ("five length bytes", 4, b"\x30\xff\xff\xff\xff\x01", 0x81),
    ("padded length", 4, b"\xc0\x80\x00", 0x81),
    ("larger than the limit", 4, b"\x30\xff\xff\xff\x7f", 0x95),
    ("PUBLISH too short", 4, raw(0x30, b"\0"), 0x81),
    ("topic longer than packet", 4, raw(0x30, b"\0\5abc"), 0x81),
    ("no packet id", 4, raw(0x32, b"\0\1a\0"), 0x81),
    ("packet id 0", 4, raw(0x32, b"\0\1a\0\0"), 0x81),
    ("PUBACK id 0", 4, raw(0x40, b"\0\0"), 0x81),
    ("U+0000", 4, raw(0x30, b"\0\3a\0b"), 0x81),
    ("surrogate", 4, raw(0x30, b"\0\3\xed\xa0\x80"), 0x81),
    ("overlong UTF-8", 4, raw(0x30, b"\0\2\xc0\xaf"), 0x81),
    ("+ in topic", 4, raw(0x30, b"\0\3a/+"), 0x90),
    ("# in topic", 5, raw(0x30, b"\0\1#\0"), 0x90),
    ("empty topic", 4, raw(0x30, b"\0\0x"), 0x81),
    ("empty topic without alias", 5, raw(0x30, b"\0\0\0x"), 0x82),
    ("no property length", 5, raw(0x30, b"\0\1a"), 0x81),
    ("properties too long", 5, raw(0x30, b"\0\1a\x7f"), 0x81),
    ("unknown property", 5, raw(0x30, b"\0\1a\2\x7e\0"), 0x81),
    ("misplaced property", 5, raw(0x30, b"\0\1a\3\x21\0\1"), 0x81),
    ("property twice", 5, raw(0x30, b"\0\1a\4\1\0\1\0"), 0x82),
    ("flag of 2", 5, raw(0x30, b"\0\1a\2\1\2"), 0x82),
    ("topic alias 0", 5, raw(0x30, b"\0\1a\3\x23\0\0"), 0x94),
    ("subscription identifier 0", 5, raw(0x82, b"\0\1\2\x0b\0\0\1a\0"), 0x82),
    ("wildcard in response topic", 5, raw(0x30, b"\0\1a\4\x08\0\1#"), 0x82),
    ("CONNECT reserved flag", 4, raw(0x10, b"\0\4MQTT\4\3\0\0\0\0"), 0x81),
    ("will QoS without will", 4, raw(0x10, b"\0\4MQTT\4\x0a\0\0\0\0"), 0x81),
    ("will QoS 3", 4, raw(0x10, b"\0\4MQTT\4\x1e\0\0\0\0\0\1a\0\0"), 0x81),
    ("password without name", 4, raw(0x10, b"\0\4MQTT\4\x42\0\0\0\0\0\1a"), 0x81),
    ("bytes behind a CONNECT", 4, raw(0x10, b"\0\4MQTT\4\2\0\0\0\0x"), 0x81),
    ("another protocol", 4, raw(0x10, b"\0\4HTTP\4\2\0\0\0\0"), 0x81),
    ("MQTT 3.1", 4, raw(0x10, b"\0\6MQIsdp\3\2\0\0\0\0"), 0x84),
    ("MQTT 6", 4, raw(0x10, b"\0\4MQTT\6\2\0\0\0\0"), 0x84),
    ("receive maximum 0", 5, raw(0x10, V5 + b"\2\0\0\3\x21\0\0\0\0"), 0x82),
    ("authentication data alone", 5, raw(0x10, V5 + b"\2\0\0\4\x16\0\1a\0\0"), 0x82),
    ("will under a wildcard", 4, raw(0x10, b"\0\4MQTT\4\6\0\0\0\0\0\1#\0\0"), 0x90),
    ("SUBSCRIBE to nothing", 4, raw(0x82, b"\0\1"), 0x82),
    ("SUBSCRIBE with QoS 3", 4, raw(0x82, b"\0\1\0\1a\3"), 0x81),
    ("options in 3.1.1", 4, raw(0x82, b"\0\1\0\1a\4"), 0x81),
    ("reserved options", 5, raw(0x82, b"\0\1\0\0\1a\x40"), 0x81),
    ("retain handling 3", 5, raw(0x82, b"\0\1\0\0\1a\x30"), 0x82),
    ("no local on a share", 5, raw(0x82, b"\0\1\0" + pack_text("$share/g/a") + b"\4"), 0x82),
    ("too many filters", 4, raw(0x82, b"\0\1" + b"\0\1a\0" * (FILTERS_MAX + 1)), 0x97),
    ("UNSUBSCRIBE from nothing", 4, raw(0xA2, b"\0\1"), 0x82),
    ("too many user properties", 5,
     raw(0x30, b"\0\1a" + pack_varint(len(TOO_MANY)) + TOO_MANY), 0x97),
    ("code of a PUBACK", 5, raw(0x40, b"\0\1\x42"), 0x81),
    ("code of a DISCONNECT", 5, raw(0xE0, b"\3"), 0x81),
    ("body of a PINGREQ", 4, raw(0xC0, b"x"), 0x81),
    ("AUTH in 3.1.1", 4, raw(0xF0, b""), 0x81),
    ("code of an AUTH", 5, raw(0xF0, b"\1"), 0x81),
    ("CONNACK flags", 4, raw(0x20, b"\2\0"), 0x81),
    ("CONNACK code", 4, raw(0x20, b"\0\6"), 0x81),
    ("SUBACK code", 4, raw(0x90, b"\0\1\3"), 0x81),
    ("UNSUBACK code", 5, raw(0xB0, b"\0\1\0\1"), 0x81),
]  # fmt: skip


@pytest.mark.parametrize(("version", "data", "code"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_what_the_standard_forbids_is_refused_with_its_reason_code(version, data, code):
    with pytest.raises(ProtocolError) as caught:
        read(data, version)
    assert caught.value.code == code
    assert caught.value.reason


@pytest.mark.parametrize("first", range(256))
def test_a_first_byte_that_cannot_be_is_refused_before_a_second_comes(first):
    fixed = {kind << 4 | (2 if kind in {6, 8, 10} else 0) for kind in range(1, 16)} - {0x30}
    publish = {
        0x30 | dup << 3 | qos << 1 | retain for qos in (0, 1, 2) for retain in (0, 1) for dup in {0, int(qos > 0)}
    }
    framer = Framer(LIMIT)
    framer.feed(bytes((first,)))
    if first in fixed | publish:
        assert framer.next() is None
    else:
        with pytest.raises(ProtocolError):
            framer.next()


def test_a_packet_over_the_limit_is_refused_when_its_length_is_known():
    body = bytes(98)
    assert frames(raw(0x30, body), limit=100) == [(0x30, body)]
    with pytest.raises(ProtocolError) as caught:
        frames(b"\x30\x63", limit=100)
    assert caught.value.code == Reason.PACKET_TOO_LARGE


def test_a_framer_keeps_nothing_of_what_it_has_understood():
    framer = Framer(LIMIT)
    framer.feed(raw(0x30, bytes(100_000)) + b"\xc0")
    assert framer.next() is not None
    assert framer.next() is None
    assert len(framer) == 1
    assert len(framer._buffer) == 1
    framer.feed(b"\0")
    assert framer.next() == (0xC0, b"")
    assert framer._buffer == b""


@pytest.mark.parametrize(
    ("value", "dump"),
    [(0, "00"), (127, "7f"), (128, "8001"), (16_383, "ff7f"), (16_384, "808001"), (268_435_455, "ffffff7f")],
)
def test_variable_byte_integers_are_those_of_the_standard(value, dump):
    assert pack_varint(value).hex() == dump
    assert Reader(bytes.fromhex(dump)).varint() == value


@pytest.mark.parametrize("dump", ["8000", "ffffffff01", "80", "ffffffff"])
def test_impossible_variable_byte_integers_are_malformed(dump):
    with pytest.raises(ProtocolError):
        Reader(bytes.fromhex(dump)).varint()


def test_what_cannot_be_said_is_the_callers_error():
    for wrong in (
        lambda: pack_varint(268_435_456),
        lambda: pack_text("a\0b"),
        lambda: pack_text("\ud800"),
        lambda: pack_binary(bytes(65_536)),
        lambda: encode(Publish("a", b"", 1, 0), 4),
        lambda: encode(PubAck(1, 0x87), 4),
        lambda: encode(Disconnect(0x8E), 4),
        lambda: encode(Auth(), 4),
        lambda: encode(UnsubAck(1, (0,)), 4),
        lambda: encode(Publish("a", b"", properties={"content_type": "x"}), 4),
        lambda: encode(Publish("a", b"", properties={"receive_maximum": 1}), 5),
        lambda: encode(Subscribe(1, (Filter("a", no_local=True),)), 4),
        lambda: encode(Connect("a", 4, password=b"x"), 4),
    ):
        with pytest.raises(ValueError):
            wrong()


def test_a_byte_order_mark_is_part_of_its_string():
    assert read(raw(0x30, b"\0\4\xef\xbb\xbfa")).topic == "\ufeffa"


@pytest.mark.parametrize("good", ["a", "a/b", "+", "#", "a/+/b", "a/#", "/", "+/+", "$share/g/a"])
def test_filters_of_the_standard_are_filters(good):
    assert topics.is_filter(good)


@pytest.mark.parametrize("bad", ["", "a+", "a/#/b", "a#", "+a/b", "##", "a\0"])
def test_crippled_filters_are_none(bad):
    assert not topics.is_filter(bad)


def test_only_filters_that_match_the_own_command_topic_alone_receive_commands():
    assert topics.receives_commands("d1", "hansa/d1/cmd")
    assert topics.receives_commands("d1", "hansa/d1/cmd/#")
    for other in ("hansa/d2/cmd", "hansa/+/cmd", "hansa/d1/+", "hansa/d1/#", "#", "hansa/d1/cmd/+", "hansa/d1"):
        assert not topics.receives_commands("d1", other)


def test_return_codes_of_3_1_1_are_the_nearest_to_those_of_5():
    assert [connect_return(code) for code in (0, 0x84, 0x85, 0x86, 0x87, 0x89, 0x97)] == [0, 1, 2, 4, 5, 3, 3]
