"""The state machine of one connection, without a socket."""

import itertools

import pytest

from hansa.network.mqtt import Caps, Command, Reason
from hansa.network.mqtt import packets as k
from hansa.network.mqtt.codec import decode, encode
from hansa.network.mqtt.connection import Connection
from hansa.network.mqtt.framer import Framer
from hansa.network.mqtt.session import Published, Session, Sessions
from hansa.network.mqtt.states import MOVES, Answered, Asked, Left, State, Subscribed, Violated

BOTH = pytest.mark.parametrize("version", [4, 5])
OWN = "hansa/d1/json"
COMMANDS = k.Filter("hansa/d1/cmd", 1)


def said(machine: Connection) -> list[k.Packet]:
    framer = Framer(1 << 28)
    framer.feed(machine.data_to_send())
    return [decode(first, body, machine.version) for first, body in iter(framer.next, None)]


def hear(machine: Connection, *packets: k.Packet, version: int | None = None):
    return machine.receive_data(b"".join(encode(one, version or machine.version) for one in packets))


def opened(version: int = 4, caps: Caps | None = None, session: Session | None = None, **connect) -> Connection:
    machine = Connection(caps or Caps())
    (asked,) = hear(machine, k.Connect("c1", version, **connect), version=version)
    assert isinstance(asked, Asked)
    machine.accept(session or Session("d1", "c1"), resumed=session is not None)
    (acknowledged,) = said(machine)[:1]
    assert acknowledged.code == 0
    return machine


def publish(number: int = 0, qos: int = 1, topic: str = OWN, payload: bytes = b"{}", **rest) -> k.Publish:
    return k.Publish(topic, payload, qos, number, **rest)


EVERY_PACKET = [
    k.Connect("c1", 5), k.ConnAck(0), publish(1), k.PubAck(1), k.PubRec(1), k.PubRel(1), k.PubComp(1),
    k.Subscribe(1, (COMMANDS,)), k.SubAck(1, (0,)), k.Unsubscribe(1, ("a",)), k.UnsubAck(1, (0,)), k.PingReq(),
    k.PingResp(), k.Disconnect(), k.Auth(),
]  # fmt: skip


@pytest.mark.parametrize("packet", EVERY_PACKET, ids=[type(one).__name__ for one in EVERY_PACKET])
@pytest.mark.parametrize("state", [State.FRESH, State.OPEN])
def test_what_the_table_does_not_list_is_a_protocol_error(state, packet):
    machine = opened(5) if state is State.OPEN else Connection(Caps())
    data = encode(packet, 5)
    events = machine.receive_data(data)
    after = MOVES[state].get(data[0] >> 4)
    if after is None:
        assert [type(one) for one in events] == [Violated]
        assert events[0].code == Reason.PROTOCOL_ERROR
        assert machine.state is State.CLOSED
        expected = [0x82] if state is State.OPEN else []  # to a stranger nothing is said: his version is unknown
        assert [one.code for one in said(machine)] == expected
    else:
        assert machine.state is after
        assert not any(isinstance(one, Violated) for one in events)


def test_nothing_is_read_while_the_city_thinks_about_a_connect():
    machine = Connection(Caps())
    events = hear(machine, k.Connect("c1"), publish(1), version=4)
    assert [type(one) for one in events] == [Asked]
    assert machine.stopped
    machine.accept(Session("d1", "c1"), resumed=False)
    (message,) = machine.receive_data(b"")
    assert message.topic == OWN


def test_after_the_end_nothing_is_understood_and_nothing_kept():
    machine = opened()
    assert isinstance(hear(machine, k.Disconnect())[0], Left)
    assert machine.receive_data(b"\xff" * 1_000_000) == []
    assert machine.buffered == 0
    assert machine.data_to_send() == b""


@BOTH
def test_acknowledgements_keep_the_order_of_their_messages(version):
    machine = opened(version)
    first, second, third = hear(machine, publish(7), publish(5, qos=2), publish(6))
    machine.decide(third, 0)
    machine.decide(second, 0)
    assert said(machine) == []
    machine.decide(first, 0)
    assert said(machine) == [k.PubAck(7), k.PubRec(5), k.PubAck(6)]
    # A QoS 2 message stays known until its release, but its payload is not kept for that.
    assert machine.session.incoming == {5: second}
    assert second.payload == b""


def test_a_second_decision_changes_nothing():
    machine = opened()
    (message,) = hear(machine, publish(1))
    machine.decide(message, 0)
    machine.decide(message, 0x89)
    assert said(machine) == [k.PubAck(1)]
    assert machine.state is State.OPEN


def test_a_refusal_is_told_in_5_and_acknowledged_in_3_1_1():
    for version, code in ((4, 0), (5, 0x87)):
        machine = opened(version)
        (message,) = hear(machine, publish(1))
        machine.decide(message, 0x87)
        assert said(machine) == [k.PubAck(1, code)]


@BOTH
def test_a_message_that_could_not_be_taken_is_not_acknowledged(version):
    machine = opened(version)
    (message,) = hear(machine, publish(1))
    machine.decide(message, Reason.SERVER_BUSY)
    assert [type(one) for one in said(machine)] == ([k.Disconnect] if version == 5 else [])
    assert machine.state is State.CLOSED


def test_a_qos_0_message_is_answered_with_nothing():
    machine = opened()
    (message,) = hear(machine, publish(qos=0))
    machine.decide(message, 0x87)
    assert said(machine) == []


@BOTH
def test_qos_2_hands_a_message_in_once_however_often_it_comes(version):
    machine = opened(version)
    (message,) = hear(machine, publish(9, qos=2))
    assert hear(machine, publish(9, qos=2, dup=True)) == []
    machine.decide(message, 0)
    assert said(machine) == [k.PubRec(9)]
    assert hear(machine, publish(9, qos=2, dup=True)) == []
    assert said(machine) == [k.PubRec(9)]
    hear(machine, k.PubRel(9))
    assert said(machine) == [k.PubComp(9)]
    hear(machine, k.PubRel(9))
    assert said(machine) == [k.PubComp(9, 0x92 if version == 5 else 0)]
    assert len(hear(machine, publish(9, qos=2))) == 1


@BOTH
def test_qos_2_hands_a_message_in_once_across_reconnects(version):
    session = Session("d1", "c1")
    before = opened(version, session=session, clean=False)
    (message,) = hear(before, publish(9, qos=2))
    before.lost("cable cut")
    after = opened(version, session=session, clean=False)
    assert hear(after, publish(9, qos=2, dup=True)) == []
    before.decide(message, 0)
    after.settle()
    assert said(before) == []
    assert said(after) == [k.PubRec(9)]


def test_a_qos_2_message_that_an_earlier_connection_could_not_hand_in_may_come_again():
    session = Session("d1", "c1")
    before = opened(5, session=session)
    (message,) = hear(before, publish(9, qos=2))
    before.lost("cable cut")
    after = opened(5, session=session)
    hear(after, publish(9, qos=2, dup=True))
    before.decide(message, Reason.SERVER_BUSY)
    after.settle()
    assert [type(one) for one in said(after)] == [k.Disconnect]
    again = opened(5, session=session)
    assert len(hear(again, publish(9, qos=2, dup=True))) == 1


@BOTH
def test_a_device_that_lost_its_memory_may_use_its_numbers_again(version):
    session, caps = Session("d1", "c1"), Caps(receive_maximum=2, qos2_ids=2)
    before = opened(version, caps, session)
    for message in hear(before, publish(1, qos=2), publish(2, qos=2)):
        before.decide(message, 0)
    before.lost("power cut")
    after = opened(version, caps, session)
    first, second = hear(after, publish(1, qos=2, payload=b"new"), publish(3))
    assert first.payload == b"new"
    after.decide(first, 0)
    after.decide(second, 0)
    assert said(after) == [k.PubRec(1), k.PubAck(3)]
    hear(after, k.PubRel(1))
    assert said(after) == [k.PubComp(1)]
    assert list(session.incoming) == [2]


def test_a_late_refusal_does_not_free_the_number_of_a_newer_message():
    machine = opened(5)
    (old,) = hear(machine, publish(9, qos=2))
    (new,) = hear(machine, publish(9, qos=2))
    machine.decide(old, 0x99)
    assert machine.session.incoming == {9: new}
    machine.decide(new, 0)
    assert said(machine) == [k.PubRec(9, 0x99), k.PubRec(9)]


def test_a_session_that_never_releases_anything_stays_small():
    session, caps = Session("d1", "c1"), Caps(qos2_ids=3)
    for visit in range(5):
        machine = opened(4, caps, session)
        for message in hear(machine, *[publish(3 * visit + number, qos=2) for number in (1, 2, 3)]):
            machine.decide(message, 0)
        machine.lost("power cut")
        assert len(session.incoming) <= 6
    assert list(session.incoming) == [10, 11, 12, 13, 14, 15]


def test_a_refused_qos_2_message_needs_no_release_in_5():
    machine = opened(5)
    (message,) = hear(machine, publish(9, qos=2))
    machine.decide(message, 0x99)
    assert said(machine) == [k.PubRec(9, 0x99)]
    assert machine.session.incoming == {}


def test_a_release_before_its_receipt_is_a_violation():
    machine = opened(5)
    hear(machine, publish(9, qos=2))
    assert isinstance(hear(machine, k.PubRel(9))[0], Violated)


def test_qos_2_identifiers_that_are_never_released_are_capped():
    machine = opened(4, Caps(qos2_ids=3))
    for number in range(1, 4):
        (message,) = hear(machine, publish(number, qos=2))
        machine.decide(message, 0)
    (violated,) = hear(machine, publish(4, qos=2))
    assert violated.code == Reason.QUOTA_EXCEEDED


def test_a_client_of_5_that_exceeds_the_receive_maximum_is_sent_away():
    machine = opened(5, Caps(receive_maximum=2))
    for message in hear(machine, publish(1, qos=2), publish(2, qos=2)):
        machine.decide(message, 0)  # but not released
    (violated,) = hear(machine, publish(3))
    assert violated.code == Reason.RECEIVE_MAXIMUM_EXCEEDED
    assert said(machine)[-1].code == 0x93


@BOTH
def test_messages_that_wait_behind_an_undecided_one_are_held_too(version):
    machine = opened(version, Caps(receive_maximum=3))
    first, *others = hear(machine, *[publish(number) for number in range(1, 4)])
    for message in others:
        machine.decide(message, 0)
    assert hear(machine, publish(4)) == []
    assert machine.held
    machine.decide(first, 0)
    assert len(said(machine)) == 3
    assert len(machine.receive_data(b"")) == 1


def test_a_client_of_3_1_1_is_held_instead():
    machine = opened(4, Caps(receive_maximum=2))
    messages = hear(machine, *[publish(number) for number in range(1, 6)])
    assert len(messages) == 2
    assert machine.held
    assert machine.stopped
    assert machine.receive_data(b"") == []
    machine.decide(messages[0], 0)
    (third,) = machine.receive_data(b"")
    assert third.packet_id == 3


def test_many_large_undecided_messages_hold_a_connection_too():
    machine = opened(4, Caps(undecided_bytes=1_000))
    assert len(hear(machine, *[publish(number, payload=bytes(600)) for number in range(1, 5)])) == 2


def test_a_paused_connection_that_brings_more_all_the_same_is_ended():
    machine = opened(4, Caps(receive_maximum=1, buffer_bytes=1_000, packet_bytes=1_000))
    hear(machine, *[publish(number) for number in range(1, 5)])
    assert machine.receive_data(bytes(1_000)) == []
    events = machine.receive_data(bytes(1_000))
    assert events[0].code == Reason.QUOTA_EXCEEDED
    assert machine.buffered == 0


@BOTH
def test_only_the_own_command_topic_can_be_subscribed(version):
    machine = opened(version)
    wanted = ["hansa/d1/cmd", "hansa/d2/cmd", "#", "a#", "hansa/d1/cmd/#", "$share/g/hansa/d1/cmd"]
    (subscribed,) = hear(machine, k.Subscribe(3, tuple(k.Filter(topic, 2) for topic in wanted)))
    assert isinstance(subscribed, Subscribed)
    codes = (1, 0x80, 0x80, 0x80, 1, 0x80) if version == 4 else (1, 0x87, 0x87, 0x8F, 1, 0x9E)
    assert said(machine) == [k.SubAck(3, codes)]
    hear(machine, k.Unsubscribe(4, ("hansa/d1/cmd", "x")))
    assert said(machine) == [k.UnsubAck(4, (0, 0x11) if version == 5 else ())]


def test_a_refused_subscription_receives_no_command():
    machine = opened()
    assert hear(machine, k.Subscribe(3, (k.Filter("hansa/d2/cmd", 1),))) == []
    assert not machine.deliver(Command("x", b"open"))


def subscribed(version: int = 4, qos: int = 1, caps: Caps | None = None, **connect) -> Connection:
    machine = opened(version, caps, **connect)
    hear(machine, k.Subscribe(1, (k.Filter("hansa/d1/cmd", qos),)))
    said(machine)
    return machine


def test_a_command_is_done_when_the_device_says_so():
    machine = subscribed()
    assert machine.deliver(Command("x", b"open"))
    assert machine.deliver(Command("x", b"open"))  # asked twice, sent once
    (sent,) = said(machine)
    assert (sent.topic, sent.payload, sent.qos, sent.dup) == ("hansa/d1/cmd", b"open", 1, False)
    assert hear(machine, k.PubAck(sent.packet_id + 1)) == []
    assert hear(machine, k.PubAck(sent.packet_id)) == [Answered("x", 0)]
    assert hear(machine, k.PubAck(sent.packet_id)) == []


def test_a_device_of_5_can_refuse_a_command():
    machine = subscribed(5)
    machine.deliver(Command("x", b"open"))
    (sent,) = said(machine)
    assert hear(machine, k.PubAck(sent.packet_id, 0x83)) == [Answered("x", 0x83)]


def test_a_device_that_subscribed_with_qos_0_answers_nothing():
    machine = subscribed(qos=0)
    assert machine.deliver(Command("x", b"open"))
    assert said(machine) == [k.Publish("hansa/d1/cmd", b"open")]
    assert machine.take_events() == [Answered("x", 0)]


def test_commands_in_flight_and_waiting_are_capped_and_none_is_lost():
    machine = subscribed(caps=Caps(commands_in_flight=2, commands_waiting=3))
    taken = [machine.deliver(Command(str(number), b"")) for number in range(7)]
    assert taken == [True] * 5 + [False] * 2
    assert machine.session.more
    first, _ = said(machine)
    hear(machine, k.PubAck(first.packet_id))
    assert len(said(machine)) == 1
    # There is room again, but older commands rest with the city: a new one does not overtake them.
    assert not machine.deliver(Command("new", b""))
    machine.session.more = False
    assert machine.deliver(Command("new", b""))


def test_a_command_too_large_for_the_returning_device_is_told_once():
    before = subscribed(5, properties={"session_expiry_interval": 60})
    before.deliver(Command("big", bytes(100)))
    before.lost("cable cut")
    after = Connection(Caps())
    small = {"maximum_packet_size": 80, "session_expiry_interval": 60}
    hear(after, k.Connect("c1", 5, clean=False, properties=small), version=5)
    after.accept(before.session, resumed=True)
    assert after.take_events() == [Answered("big", Reason.PACKET_TOO_LARGE)]
    assert [type(one) for one in said(after)] == [k.ConnAck]
    assert before.session.in_flight == {}


def test_the_receive_maximum_of_the_device_is_kept():
    machine = subscribed(5, properties={"receive_maximum": 1})
    machine.deliver(Command("a", b""))
    machine.deliver(Command("b", b""))
    (sent,) = said(machine)
    hear(machine, k.PubAck(sent.packet_id))
    assert len(said(machine)) == 1


def test_a_command_larger_than_the_device_takes_is_told_and_not_sent():
    machine = subscribed(5, properties={"maximum_packet_size": 60})
    machine.deliver(Command("big", bytes(100)))
    machine.deliver(Command("small", b""))
    assert [one.payload for one in said(machine)] == [b""]
    assert machine.take_events() == [Answered("big", Reason.PACKET_TOO_LARGE)]


def test_unanswered_commands_are_repeated_with_dup_when_the_device_returns():
    before = subscribed(5, properties={"session_expiry_interval": 60})
    before.deliver(Command("a", b"1"))
    before.deliver(Command("b", b"2"))
    sent = said(before)
    before.lost("cable cut")
    after = Connection(Caps())
    hear(after, k.Connect("c1", 5, clean=False, properties={"receive_maximum": 1}), version=5)
    after.accept(before.session, resumed=True)
    acknowledged, again = said(after)
    assert acknowledged.session_present
    assert (again.packet_id, again.payload, again.dup) == (sent[0].packet_id, b"1", True)
    assert hear(after, k.PubAck(again.packet_id)) == [Answered("a", 0)]
    (second,) = said(after)
    assert (second.packet_id, second.dup) == (sent[1].packet_id, True)


def test_no_command_is_started_while_the_peer_takes_no_bytes():
    machine = subscribed()
    machine.blocked = True
    assert machine.deliver(Command("x", b""))
    assert said(machine) == []
    machine.blocked = False
    machine.pump()
    assert len(said(machine)) == 1


def test_packet_identifiers_go_round_and_leave_out_those_in_flight():
    session = Session("d1", "c1")
    session.in_flight = {1: Command("x", b"")}
    session.last_id = 0xFFFF
    assert session.free_id() == 2


def test_a_subscription_identifier_comes_back_with_each_command():
    machine = opened(5)
    hear(machine, k.Subscribe(1, (COMMANDS,), {"subscription_identifier": 42}))
    said(machine)
    machine.deliver(Command("x", b""))
    assert said(machine)[0].properties == {"subscription_identifier": (42,)}


def test_topic_aliases_stand_for_their_topics():
    machine = opened(5)
    alias = {"topic_alias": 3}
    first, second = hear(machine, publish(1, properties=alias), publish(2, topic="", properties=alias))
    assert first.topic == second.topic == OWN


@pytest.mark.parametrize(
    ("topic", "alias", "code"), [("", 3, 0x82), (OWN, 17, 0x94), ("", 17, 0x94)], ids=["unset", "over", "over unset"]
)
def test_topic_aliases_beyond_the_agreed_end_the_connection(topic, alias, code):
    (violated,) = hear(opened(5), publish(1, topic=topic, properties={"topic_alias": alias}))
    assert violated.code == code


def test_a_subscription_identifier_from_a_device_is_a_violation():
    (violated,) = hear(opened(5), publish(1, properties={"subscription_identifier": (1,)}))
    assert violated.code == 0x82


def test_the_content_type_is_handed_in_and_user_properties_are_not():
    properties = {"content_type": "application/senml+json", "user_property": (("a", "b"),)}
    (message,) = hear(opened(5), publish(1, properties=properties))
    assert message.content_type == "application/senml+json"


def test_a_qos_that_is_not_taken_is_refused():
    (violated,) = hear(opened(5, Caps(maximum_qos=1)), publish(1, qos=2))
    assert violated.code == Reason.QOS_NOT_SUPPORTED


def test_connack_tells_a_client_of_5_what_it_may_do():
    machine = Connection(Caps(maximum_qos=1, keep_alive_s=100, session_expiry_s=50))
    hear(machine, k.Connect("", 5, keep_alive_s=0, properties={"session_expiry_interval": 0xFFFFFFFF}), version=5)
    machine.accept(Session("d1", "made"), resumed=False, assigned="made")
    (acknowledged,) = said(machine)
    told = acknowledged.properties
    assert told["assigned_client_identifier"] == "made"
    assert told["server_keep_alive"] == machine.keep_alive_s == 100
    assert told["session_expiry_interval"] == 50
    assert told["maximum_qos"] == 1
    assert told["receive_maximum"] == 100
    assert told["shared_subscription_available"] == 0


def test_a_keep_alive_that_is_short_enough_is_the_clients_own():
    machine = opened(5, keep_alive_s=30)
    assert machine.keep_alive_s == 30
    assert opened(4, keep_alive_s=0).keep_alive_s == 0


@pytest.mark.parametrize(
    ("connect", "five", "three"),
    [
        ({"client_id": "x" * 300}, 0x85, 2),
        ({"client_id": "", "clean": False}, None, 2),
        ({"client_id": "c", "will": k.Will("hansa/d1/x", b"", 2)}, 0x9B, None),
        ({"client_id": "c", "properties": {"authentication_method": "SCRAM"}}, 0x8C, None),
    ],
    ids=["long name", "no name to keep", "will QoS", "extended authentication"],
)
def test_a_connect_that_cannot_be_is_answered_as_its_version_can(connect, five, three):
    for version, code in ((5, five), (4, three)):
        if code is None:
            continue
        machine = Connection(Caps(maximum_qos=1))
        (violated,) = hear(machine, k.Connect(**{"version": version, **connect}), version=version)
        assert isinstance(violated, Violated)
        (acknowledged,) = said(machine)
        assert acknowledged.code == code


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"\x10\x0c\0\4MQTT\3\2\0\0\0\0", b"\x20\2\0\1"),
        (b"\x10\x0e\0\6MQIsdp\3\2\0\0\0\0", b"\x20\2\0\1"),
        (b"\x10\x0c\0\4MQTT\4\3\0\0\0\0", b""),
        (b"\x10\x0c\0\4HTTP\4\2\0\0\0\0", b""),
        (b"GET / HTTP/1.1\r\n\r\n", b""),
        (b"\x16\x03\x01\x02\x00\x01\x00", b""),
    ],
    ids=["level 3", "3.1", "malformed", "other protocol", "HTTP", "TLS"],
)
def test_strangers_are_answered_only_where_the_standard_has_an_answer(data, answer):
    machine = Connection(Caps())
    assert [type(one) for one in machine.receive_data(data)] == [Violated]
    assert machine.data_to_send() == answer
    assert machine.state is State.CLOSED


def test_a_later_version_and_a_malformed_connect_of_5_are_answered_in_5():
    for data, code in ((b"\x10\x0d\0\4MQTT\6\2\0\0\0\0\0", 0x84), (b"\x10\x0d\0\4MQTT\5\3\0\0\0\0\0", 0x81)):
        machine = Connection(Caps())
        machine.receive_data(data)
        assert said(machine)[0].code == code


def test_a_stranger_may_bring_less_than_a_device():
    caps = Caps(connect_bytes=100)
    (violated,) = hear(Connection(caps), k.Connect("x" * 100), version=4)
    assert violated.code == Reason.PACKET_TOO_LARGE
    (message,) = hear(opened(4, caps), publish(1, payload=bytes(1_000)))
    assert isinstance(message, Published)


def test_a_refusal_bears_the_code_of_the_version():
    for version, code in ((4, 4), (5, 0x86)):
        machine = Connection(Caps())
        hear(machine, k.Connect("c", version), version=version)
        machine.refuse(Reason.BAD_USER_NAME_OR_PASSWORD, "no \0 such \ud800 device" + "!" * 1_000)
        (acknowledged,) = said(machine)
        assert acknowledged.code == code
        assert machine.state is State.CLOSED


def test_disconnect_may_shorten_a_session_but_not_begin_one():
    kept = opened(5, properties={"session_expiry_interval": 60})
    hear(kept, k.Disconnect(0, {"session_expiry_interval": 5}))
    assert kept.session.expiry_s == 5
    unkept = opened(5)
    events = hear(unkept, k.Disconnect(0, {"session_expiry_interval": 5}))
    assert [type(one) for one in events] == [Violated]
    assert said(unkept)[0].code == 0x82


def test_a_device_may_leave_and_want_its_will_published():
    assert hear(opened(5), k.Disconnect(4)) == [Left(with_will=True)]
    assert hear(opened(5), k.Disconnect()) == [Left(with_will=False)]


def test_messages_before_a_violation_are_still_handed_in():
    machine = opened()
    events = machine.receive_data(encode(publish(1), 4) + b"\0\0")
    assert [type(one) for one in events] == [Published, Violated]


def test_a_client_identifier_is_looked_up_under_its_device_only():
    sessions = Sessions(Caps())
    session = sessions.open("d1", "logger")
    assert sessions.find("d1", "logger") is session
    assert sessions.find("d2", "logger") is None


def test_a_device_has_a_few_sessions_and_the_oldest_absent_one_makes_room():
    sessions = Sessions(Caps(sessions_per_device=2))
    first, second = sessions.open("d1", "a"), sessions.open("d1", "b")
    assert sessions.open("d1", "c") is None
    first.expiry_s = second.expiry_s = 60
    sessions.leave(second, 1.0)
    sessions.leave(first, 2.0)
    assert sessions.open("d1", "c") is not None
    assert sessions.find("d1", "b") is None
    assert sessions.find("d1", "a") is first


def test_absent_sessions_expire_and_are_capped():
    sessions, ended = Sessions(Caps(sessions=3)), []
    for number in range(5):
        session = sessions.open(f"d{number}", "c")
        session.expiry_s = 10 * number + 10
        sessions.leave(session, 0.0)
    assert len(sessions) == 3
    sessions.sweep(29.9, ended.append)
    assert ended == []
    sessions.sweep(30.0, ended.append)
    assert [one.device for one in ended] == ["d2"]
    sessions.sweep(1e9)
    assert len(sessions) == 0


@BOTH
def test_every_interleaving_of_three_decisions_gives_the_same_acknowledgements(version):
    for order in itertools.permutations(range(3)):
        machine = opened(version)
        messages = hear(machine, publish(1), publish(2), publish(3))
        for number in order:
            machine.decide(messages[number], 0)
        assert [one.packet_id for one in said(machine)] == [1, 2, 3]
