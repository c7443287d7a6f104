"""Hostile bytes: nothing escapes the state machine, and its memory stays flat."""

import itertools
import random
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st
from mqtt_strategies import PATIENT, packets, versions

from hansa.network.mqtt import Caps, Command
from hansa.network.mqtt import packets as k
from hansa.network.mqtt.codec import encode
from hansa.network.mqtt.connection import Connection
from hansa.network.mqtt.session import Published, Session
from hansa.network.mqtt.states import Asked, State, Violated

CAPS = Caps(packet_bytes=4_096, connect_bytes=1_024, receive_maximum=20, qos2_ids=30, buffer_bytes=80_000)


def drive(machine: Connection, pieces: list[bytes], *, late: bool = False) -> tuple[list, bytes]:
    """Feed the pieces as an endpoint would; events as values, and what was written.

    Messages are decided at once, or all of them at the end: what a PUBREL means depends on whether its PUBREC is out.
    """
    told, written, undecided = [], b"", []
    for piece in pieces:
        events = machine.receive_data(piece)
        while events:
            for event in events:
                if isinstance(event, Asked):
                    machine.accept(Session("d1", "c1"), resumed=False)
                if isinstance(event, Published):
                    told.append((event.topic, event.payload, event.qos, event.packet_id, event.content_type))
                    undecided.append(event)
                    if not late:
                        decide(machine, undecided)
                else:
                    told.append(event)
            events = machine.receive_data(b"") if machine.stopped and not machine.held else machine.take_events()
        written += machine.data_to_send()
    decide(machine, undecided)
    return told, written + machine.data_to_send()


def decide(machine: Connection, undecided: list[Published]) -> None:
    for message in undecided:
        machine.decide(message, len(message.payload) % 2 * 0x87)
    undecided.clear()


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:stop] for start, stop in itertools.pairwise(edges)]


def check(machine: Connection) -> None:
    """What holds whatever has come."""
    assert machine.buffered <= CAPS.buffer_bytes + CAPS.packet_bytes
    assert len(machine.session.incoming) <= 2 * CAPS.qos2_ids
    assert len(machine.session.subscriptions) <= 2
    assert len(machine._aliases) <= CAPS.topic_aliases
    assert len(machine._unanswered) <= CAPS.receive_maximum
    if machine.state is State.CLOSED:
        assert machine.buffered == 0
        assert machine.ending


@st.composite
def conversations(draw):
    """A connection that begins well more often than not, goes on with any packets, and is spoiled in places."""
    version = draw(versions)
    said = [encode(k.Connect("c1", version), version)] if draw(st.integers(0, 9)) else []
    said += [encode(one, version) for one in draw(st.lists(packets(version), max_size=6))]
    data = bytearray(b"".join(said))
    for place, byte in draw(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=3)):
        if data and draw(st.booleans()):
            data[place % len(data)] = byte
    if data and draw(st.booleans()):
        del data[draw(st.integers(0, len(data))) :]
    return bytes(data) + draw(st.binary(max_size=20))


@PATIENT
@given(conversations(), st.lists(st.integers(0, 10_000), max_size=5))
def test_a_spoiled_conversation_means_the_same_however_it_is_cut(data, places):
    whole = Connection(CAPS)
    expected = drive(whole, [data], late=True)
    for pieces in (cut(data, places), [data[at : at + 1] for at in range(len(data))]):
        machine = Connection(CAPS)
        assert drive(machine, pieces, late=True) == expected
        assert machine.state is whole.state
        check(machine)


@PATIENT
@given(st.lists(st.binary(max_size=100), max_size=20))
def test_random_bytes_are_never_more_than_a_violation(pieces):
    machine = Connection(CAPS)
    told, _ = drive(machine, pieces)
    assert sum(isinstance(one, Violated) for one in told) <= 1
    check(machine)


@PATIENT
@given(
    versions.flatmap(lambda version: st.tuples(st.just(version), st.lists(packets(version), max_size=10))),
    st.lists(st.sampled_from(["decide", "settle", "busy", "command", "block", "free", "end", "lost"]), max_size=10),
    st.randoms(use_true_random=False),
)
def test_answers_in_any_order_and_at_any_time_raise_nothing(talk, deeds, chance):
    version, said = talk
    machine = Connection(CAPS)
    machine.receive_data(encode(k.Connect("c1", version), version))
    machine.accept(Session("d1", "c1"), resumed=False)
    machine.receive_data(encode(k.Subscribe(1, (k.Filter("hansa/d1/cmd", chance.randint(0, 1)),)), version))
    steps, undecided = [*said, *deeds], []
    chance.shuffle(steps)
    for number, step in enumerate(steps):
        if not isinstance(step, str):
            undecided += [one for one in machine.receive_data(encode(step, version)) if isinstance(one, Published)]
        elif step in {"decide", "busy"} and undecided:
            machine.decide(undecided.pop(chance.randrange(len(undecided))), 0x89 if step == "busy" else 0)
        elif step == "settle":
            machine.settle()
        elif step == "command":
            machine.deliver(Command(str(number), b"x"))
        elif step in {"block", "free"}:
            machine.blocked = step == "block"
            machine.pump()
        elif step == "end":
            machine.disconnect(0x8B, "over")
        elif step == "lost":
            machine.lost("gone")
        check(machine)


def test_memory_stays_flat_under_a_flood():
    chance = random.Random(1)
    bad, good = [], []
    for version in (4, 5):
        hello = encode(k.Connect("c1", version), version)
        talk = [
            encode(k.Publish("hansa/d1/x", chance.randbytes(200), q, n), version) for q in (1, 2) for n in (1, 2, 3)
        ]
        talk += [encode(k.PubRel(n), version) for n in (1, 2, 3)] + [encode(k.PingReq(), version)]
        good.append((hello, talk))
        bad += [hello + b"".join(chance.choices(talk, k=9)) + chance.randbytes(2_000) for _ in range(20)]
    bad.append(b"\x30\xff\xff\xff\x7f" + bytes(50_000))
    machines = []
    for hello, _ in good:
        machines.append(Connection(CAPS))
        drive(machines[-1], [hello])

    def flood() -> None:
        for data in bad:
            drive(Connection(CAPS), [data])
        for machine, (_, talk) in zip(machines, good, strict=True):
            drive(machine, chance.choices(talk, k=500))
            assert machine.state is State.OPEN

    flood()
    tracemalloc.start()
    try:
        flood()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(5):
            flood()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 20_000
    assert peak < 2_000_000
