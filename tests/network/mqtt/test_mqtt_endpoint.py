"""The MQTT door on a real socket, with a client of raw packets and a clock by hand."""

import asyncio
import datetime as dt
import gc
import ipaddress
import resource
import socket
import ssl
import tracemalloc

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from mqtt_fakes import Clock, FakeDoors, FakePeer, RawClient, door, until

from hansa.network.mqtt import Caps, Command, Endpoint, Reason
from hansa.network.mqtt import packets as k
from hansa.network.mqtt.codec import encode
from hansa.network.mqtt.link import Link

OWN = "hansa/d1/json"
SUBSCRIBE = k.Subscribe(1, (k.Filter("hansa/d1/cmd", 1),))
KEPT = {"properties": {"session_expiry_interval": 600}}


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request):
    """Runs a coroutine in each of the two loops that hansa may live in."""

    def run_in_loop(coroutine):
        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(coroutine)

    return run_in_loop


def message(number: int = 0, qos: int = 1, topic: str = OWN, payload: bytes = b"{}", **rest) -> k.Publish:
    return k.Publish(topic, payload, qos, number, **rest)


def only_link(endpoint: Endpoint) -> Link:
    (link,) = endpoint.links
    return link


@pytest.mark.parametrize("version", [4, 5])
def test_a_message_is_acknowledged_when_the_city_has_it(run, version):
    async def main():
        doors = FakeDoors(answer=lambda *_: None)
        async with door(doors) as (endpoint, port):
            client, acknowledged = await RawClient.connect(port, version=version)
            assert acknowledged.code == 0
            assert not acknowledged.session_present
            client.say(message(7), k.PingReq())
            assert await client.hear() == k.PingResp()  # the message came before, and is not acknowledged yet
            assert doors.messages == [("d1", OWN, b"{}", None)]
            doors.undecided[0](0)
            assert await client.hear() == k.PubAck(7)
            client.say(k.Disconnect())
            await client.hear_end()
            await until(lambda: not endpoint.connections)
            assert doors.gone == [("d1", "the device disconnected")]
            assert (endpoint.counters.connected, endpoint.counters.published) == (1, 1)
            await client.close()

    run(main())


@pytest.mark.parametrize(("version", "code"), [(4, 4), (5, 0x86)])
def test_a_wrong_password_is_refused_and_the_socket_closed(run, version, code):
    async def main():
        doors = FakeDoors()
        async with door(doors) as (endpoint, port):
            client = await RawClient.open(port, version)
            client.say(k.Connect("c", version, username="d1", password=b"guess"), message(1) if version == 4 else b"")
            assert (await client.hear()).code == code
            await client.hear_end()
            await client.close()
            assert doors.messages == doors.gone == []
            assert endpoint.counters.refused == 1

    run(main())


def test_a_refused_message_on_another_topic_is_told_to_a_client_of_5(run):
    async def main():
        doors = FakeDoors(lambda peer, topic, _: 0 if topic.startswith(f"hansa/{peer.device}/") else 0x87)
        async with door(doors) as (endpoint, port):
            client, _ = await RawClient.connect(port, version=5)
            client.say(message(1, topic="hansa/d2/json"), message(2))
            assert await client.hear() == k.PubAck(1, 0x87)
            assert await client.hear() == k.PubAck(2)
            assert endpoint.counters.rejected == 1
            await client.close()

    run(main())


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (encode(k.Connect("c1", 5), 5), 0x82),
        (b"\x30\xff\xff\xff\x7f", 0x95),
        (b"\x32\x08\0\3a\xffb\0\1\0", 0x81),
        (b"\x32\x08\0\3a/#\0\1\0", 0x90),
        (b"\0\0", 0x81),
    ],
    ids=["second CONNECT", "packet too large", "bad UTF-8", "wildcard", "no packet"],
)
def test_violations_end_the_connection_with_their_reason_code(run, data, code):
    async def main():
        doors = FakeDoors()
        async with door(doors) as (endpoint, port):
            for version in (5, 4):
                client, _ = await RawClient.connect(port, version=version)
                client.say(data)
                if version == 5:
                    assert (await client.hear()).code == code
                await client.hear_end()
                await client.close()
            assert endpoint.counters.violations == 2
            assert [device for device, _ in doors.gone] == ["d1", "d1"]
            assert doors.messages == []

    run(main())


@pytest.mark.parametrize("data", [encode(message(1), 4), b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01"])
def test_who_does_not_begin_with_connect_gets_no_answer(run, data):
    async def main():
        doors = FakeDoors()
        async with door(doors) as (_, port):
            client = await RawClient.open(port)
            client.say(data)
            await client.hear_end()
            await client.close()
            assert doors.asked == doors.messages == []

    run(main())


def test_acknowledgements_keep_their_order_and_go_out_in_one_write(run):
    async def main():
        doors = FakeDoors(answer=lambda *_: None)
        async with door(doors) as (endpoint, port):
            client, _ = await RawClient.connect(port)
            client.say(*[message(number) for number in range(1, 51)])
            await until(lambda: len(doors.undecided) == 50)
            link, writes = only_link(endpoint), []
            transport, link._transport = link._transport, None

            class Spy:
                def write(self, data):
                    writes.append(data)
                    transport.write(data)

                def __getattr__(self, name):
                    return getattr(transport, name)

            link._transport = Spy()
            for done in reversed(doors.undecided):
                done(0)
            assert [(await client.hear()).packet_id for _ in range(50)] == list(range(1, 51))
            assert len(writes) == 1
            await client.close()

    run(main())


def test_silence_ends_a_connection_after_one_and_a_half_times_its_keep_alive(run):
    async def main():
        doors, clock = FakeDoors(), Clock()
        async with door(doors, Caps(sweep_s=3_600), clock) as (endpoint, port):
            client, _ = await RawClient.connect(port, version=5, keep_alive_s=10)
            endless, _ = await RawClient.connect(port, "d2", version=4, keep_alive_s=0)
            clock.at_s += 14
            client.say(k.PingReq())
            assert await client.hear() == k.PingResp()
            clock.at_s += 15
            endpoint.sweep()
            client.say(k.PingReq())
            assert await client.hear() == k.PingResp()
            clock.at_s += 15.1
            endpoint.sweep()
            assert (await client.hear()).code == Reason.KEEP_ALIVE_TIMEOUT
            await client.hear_end()
            assert doors.gone == [("d1", "keep-alive: nothing heard")]
            endless.say(k.PingReq())
            assert await endless.hear() == k.PingResp()
            await client.close()
            await endless.close()

    run(main())


def test_a_stranger_who_says_nothing_is_closed_after_ten_seconds(run):
    async def main():
        clock = Clock()
        async with door(FakeDoors(), Caps(sweep_s=3_600), clock) as (endpoint, port):
            client = await RawClient.open(port)
            client.say(b"\x10\x20\0\4MQ")  # the beginning of a CONNECT buys no time
            await until(lambda: endpoint.counters.bytes_in)
            clock.at_s += 9
            endpoint.sweep()
            assert endpoint.connections == 1
            clock.at_s += 1.1
            endpoint.sweep()
            await client.hear_end()
            assert endpoint.counters.timed_out == 1
            await client.close()

    run(main())


def test_a_second_connection_of_the_same_client_takes_over(run):
    async def main():
        doors = FakeDoors()
        async with door(doors) as (endpoint, port):
            first, _ = await RawClient.connect(port, version=5, **KEPT)
            first.say(SUBSCRIBE)
            await first.hear()
            second, acknowledged = await RawClient.connect(port, version=5, clean=False, **KEPT)
            assert acknowledged.session_present
            assert (await first.hear()).code == Reason.SESSION_TAKEN_OVER
            await first.hear_end()
            assert doors.gone == [("d1", "the session was taken over")]
            assert endpoint.send("d1", "x", b"open")
            assert (await second.hear()).payload == b"open"
            await first.close()
            await second.close()

    run(main())


def test_another_device_cannot_take_over_by_a_client_identifier(run):
    async def main():
        doors = FakeDoors()
        async with door(doors) as (_, port):
            first, _ = await RawClient.connect(port, "d1", version=5, client_id="logger", **KEPT)
            second, acknowledged = await RawClient.connect(port, "d2", version=5, client_id="logger", clean=False)
            assert not acknowledged.session_present
            first.say(k.PingReq())
            assert await first.hear() == k.PingResp()
            assert doors.gone == []
            await first.close()
            await second.close()

    run(main())


def test_a_device_has_a_few_connections_and_no_more(run):
    async def main():
        doors = FakeDoors()
        async with door(doors, Caps(sessions_per_device=2)) as (_, port):
            clients = [(await RawClient.connect(port, version=5, client_id=name))[0] for name in ("a", "b")]
            third, acknowledged = await RawClient.connect(port, version=5, client_id="c")
            assert acknowledged.code == Reason.QUOTA_EXCEEDED
            assert doors.gone == [("d1", "the device has too many connections")]
            for client in (*clients, third):
                await client.close()

    run(main())


def test_a_nameless_client_is_named(run):
    async def main():
        doors = FakeDoors()
        async with door(doors) as (_, port):
            client, acknowledged = await RawClient.connect(port, version=5, client_id="")
            assert acknowledged.properties["assigned_client_identifier"] == doors.asked[0][0] != ""
            older, acknowledged = await RawClient.connect(port, version=4, client_id="")
            assert acknowledged.code == 0
            assert doors.asked[1][3].startswith("127.0.0.1:")
            await client.close()
            await older.close()

    run(main())


@pytest.mark.parametrize("version", [4, 5])
def test_commands_wait_for_a_device_and_are_repeated_until_it_answers(run, version):
    kept = {"clean": False} | (KEPT if version == 5 else {})

    async def main():
        doors = FakeDoors()
        async with door(doors) as (endpoint, port):
            assert not endpoint.send("d1", "first", b"1")
            client, _ = await RawClient.connect(port, version=version, **kept)
            assert not endpoint.send("d1", "first", b"1")  # there, but not subscribed
            doors.pending["d1"] = [Command("first", b"1")]
            client.say(SUBSCRIBE)
            assert isinstance(await client.hear(), k.SubAck)
            sent = await client.hear()
            assert (sent.topic, sent.payload, sent.qos, sent.dup) == ("hansa/d1/cmd", b"1", 1, False)
            client.writer.transport.abort()
            await until(lambda: not endpoint.connections)
            assert not endpoint.send("d1", "second", b"2")
            doors.pending["d1"].append(Command("second", b"2"))
            client, acknowledged = await RawClient.connect(port, version=version, **kept)
            assert acknowledged.session_present
            again, second = await client.hear(), await client.hear()
            assert (again.packet_id, again.payload, again.dup) == (sent.packet_id, b"1", True)
            assert (second.payload, second.dup) == (b"2", False)
            client.say(k.PubAck(again.packet_id), k.PubAck(second.packet_id), k.PingReq())
            assert await client.hear() == k.PingResp()
            assert doors.done == [("d1", "first", 0), ("d1", "second", 0)]
            await client.close()

    run(main())


def test_a_clean_session_forgets_its_subscription(run):
    async def main():
        doors = FakeDoors()
        async with door(doors) as (endpoint, port):
            client, _ = await RawClient.connect(port, clean=False)
            client.say(SUBSCRIBE)
            await client.hear()
            await client.close()
            await until(lambda: not endpoint.connections)
            client, acknowledged = await RawClient.connect(port, clean=True)
            assert not acknowledged.session_present
            assert not endpoint.send("d1", "x", b"")
            await client.close()

    run(main())


def test_commands_beyond_the_queue_rest_with_the_city_and_come_later(run):
    async def main():
        doors = FakeDoors()
        doors.pending["d1"] = [Command(str(number), b"%d" % number) for number in range(20)]
        async with door(doors, Caps(commands_in_flight=2, commands_waiting=3)) as (endpoint, port):
            client, _ = await RawClient.connect(port)
            client.say(SUBSCRIBE)
            await client.hear()
            assert not endpoint.send("d1", "late", b"20")
            doors.pending["d1"].append(Command("late", b"20"))
            for number in range(21):
                sent = await client.hear()
                assert sent.payload == b"%d" % number
                client.say(k.PubAck(sent.packet_id))
            await until(lambda: len(doors.done) == 21)
            assert doors.pending["d1"] == []
            await client.close()

    run(main())


def test_the_city_hears_of_an_answer_before_it_is_asked_for_more(run):
    async def main():
        doors = FakeDoors()
        doors.pending["d1"] = [Command("big", bytes(100)), Command("small", b"")]
        async with door(doors) as (endpoint, port):
            client, _ = await RawClient.connect(port, version=5, **KEPT)
            client.say(SUBSCRIBE)
            for _ in range(3):
                await client.hear()
            client.writer.transport.abort()
            await until(lambda: not endpoint.connections)
            small = {"session_expiry_interval": 600, "maximum_packet_size": 80}
            client, _ = await RawClient.connect(port, version=5, clean=False, properties=small)
            assert (await client.hear()).payload == b""
            assert doors.done == [("d1", "big", Reason.PACKET_TOO_LARGE)]
            await client.close()

    run(main())


def test_with_qos_0_a_command_is_sent_once(run):
    async def main():
        doors = FakeDoors()
        doors.pending["d1"] = [Command("x", b"open")]
        async with door(doors) as (_, port):
            client, _ = await RawClient.connect(port)
            once = k.Filter("hansa/d1/cmd", 0)
            client.say(k.Subscribe(1, (once,)), k.Subscribe(2, (once,)), k.PingReq())
            heard = [await client.hear() for _ in range(4)]
            assert sum(isinstance(one, k.Publish) for one in heard) == 1
            assert doors.done == [("d1", "x", 0)]
            await client.close()

    run(main())


def test_qos_2_hands_in_once_across_a_reconnect(run):
    async def main():
        doors = FakeDoors(answer=lambda *_: None)
        async with door(doors) as (endpoint, port):
            client, _ = await RawClient.connect(port, clean=False)
            client.say(message(9, qos=2))
            await until(lambda: doors.undecided)
            client.writer.transport.abort()
            await until(lambda: not endpoint.connections)
            client, acknowledged = await RawClient.connect(port, clean=False)
            assert acknowledged.session_present
            client.say(message(9, qos=2, dup=True), k.PingReq())
            assert await client.hear() == k.PingResp()
            doors.undecided[0](0)
            assert await client.hear() == k.PubRec(9)
            client.say(k.PubRel(9))
            assert await client.hear() == k.PubComp(9)
            assert len(doors.messages) == 1
            await client.close()

    run(main())


def test_a_message_that_could_not_be_taken_ends_the_connection_and_those_behind_it_wait(run):
    async def main():
        doors = FakeDoors(answer=lambda _peer, _topic, payload: 0x89 if payload == b"2" else 0)
        async with door(doors) as (_, port):
            client, _ = await RawClient.connect(port, version=5)
            client.say(*[message(number, payload=b"%d" % number) for number in (1, 2, 3)])
            assert await client.hear() == k.PubAck(1)
            assert (await client.hear()).code == Reason.SERVER_BUSY
            await client.hear_end()
            assert [payload for _, _, payload, _ in doors.messages] == [b"1", b"2"]
            await client.close()

    run(main())


def test_a_will_is_published_when_a_device_vanishes_and_not_when_it_leaves(run):
    will = k.Will("hansa/d1/status", b"gone", properties={"content_type": "text/plain"})

    async def main():
        doors = FakeDoors()
        async with door(doors) as (endpoint, port):
            client, _ = await RawClient.connect(port, version=5, will=will)
            client.say(k.Disconnect())
            await client.hear_end()
            await client.close()
            assert doors.messages == []
            for farewell in (k.Disconnect(4), b"\0\0"):
                client, _ = await RawClient.connect(port, version=5, will=will)
                client.say(farewell)
                await client.close()
                await until(lambda: not endpoint.connections)
            assert doors.messages == [("d1", "hansa/d1/status", b"gone", "text/plain")] * 2

    run(main())


def test_a_delayed_will_waits_and_is_dropped_when_the_device_returns(run):
    will = k.Will("hansa/d1/status", b"gone", properties={"will_delay_interval": 60})

    async def main():
        doors, clock = FakeDoors(), Clock()
        async with door(doors, Caps(sweep_s=3_600), clock) as (endpoint, port):
            for back in (True, False):
                client, _ = await RawClient.connect(port, version=5, clean=False, will=will, **KEPT)
                client.writer.transport.abort()
                await until(lambda: not endpoint.connections)
                clock.at_s += 59
                endpoint.sweep()
                assert doors.messages == []
                if back:
                    client, _ = await RawClient.connect(port, version=5, clean=False, **KEPT)
                    client.say(k.Disconnect())
                    await client.hear_end()
                    await client.close()
                clock.at_s += 2
                endpoint.sweep()
            assert len(doors.messages) == 1

    run(main())


def test_a_will_under_another_topic_is_refused(run):
    async def main():
        doors = FakeDoors()
        async with door(doors) as (_, port):
            for version, code in ((4, 5), (5, 0x87)):
                will = k.Will("hansa/d2/status", b"lie")
                client, acknowledged = await RawClient.connect(port, version=version, will=will)
                assert acknowledged.code == code
                await client.close()
            assert len(doors.gone) == 2
            assert doors.messages == []

    run(main())


def test_a_revoked_device_is_silent_at_once(run):
    async def main():
        doors = FakeDoors()
        async with door(doors) as (endpoint, port):
            client, _ = await RawClient.connect(port, version=5, will=k.Will("hansa/d1/status", b"gone"), **KEPT)
            other, _ = await RawClient.connect(port, "d2")

            def revoke(peer: FakePeer, _topic: str, _payload: bytes) -> int:
                assert endpoint.kick(peer.device, Reason.NOT_AUTHORIZED) == 1
                return 0x87

            doors.answer = revoke
            handed_in = []
            publish = doors.publish
            doors.publish = lambda *message: (handed_in.append(message), publish(*message))[1]
            client.say(message(1), message(2))
            assert (await client.hear()).code == Reason.NOT_AUTHORIZED
            await client.hear_end()
            assert len(handed_in) == 1  # neither the second message nor the will
            assert endpoint.kick("d1") == 0
            other.say(k.PingReq())
            assert await other.hear() == k.PingResp()
            await client.close()
            await other.close()

    run(main())


def test_a_connection_with_too_much_undecided_is_not_read(run):
    async def main():
        doors, clock = FakeDoors(answer=lambda *_: None), Clock()
        async with door(doors, Caps(receive_maximum=10, sweep_s=3_600), clock) as (endpoint, port):
            client, _ = await RawClient.connect(port, keep_alive_s=10)
            client.say(*[message(number) for number in range(1, 101)])
            await until(lambda: len(doors.undecided) == 10)
            assert only_link(endpoint)._paused
            clock.at_s += 1_000  # it may be talking, we do not listen
            endpoint.sweep()
            answered = 0
            while answered < 100:
                await until(lambda: doors.undecided)
                assert len(doors.undecided) <= 10
                batch, doors.undecided[:] = list(doors.undecided), []
                for done in batch:
                    done(0)
                for _ in batch:
                    answered += 1
                    assert (await client.hear()).packet_id == answered
            assert not only_link(endpoint)._paused
            clock.at_s += 16
            endpoint.sweep()
            await client.hear_end()
            await client.close()

    run(main())


def test_a_peer_that_never_reads_costs_little_and_is_dropped(run):
    async def main():
        doors, clock = FakeDoors(), Clock()
        caps = Caps(write_bytes=10_000, sweep_s=3_600)
        async with door(doors, caps, clock) as (endpoint, port):
            client, _ = await RawClient.connect(port, version=5)
            client.reader._transport.pause_reading()
            link = only_link(endpoint)
            for transport, option in ((link._transport, socket.SO_SNDBUF), (client.writer.transport, socket.SO_RCVBUF)):
                transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, option, 4_096)
            ping = encode(k.PingReq(), 4) * 50_000
            while link._stalled_at is None:
                client.writer.write(ping)
                await asyncio.sleep(0)
                if client.writer.transport.get_write_buffer_size() > 1_000_000:
                    await until(lambda: link._stalled_at or client.writer.transport.get_write_buffer_size() < 500_000)
            # One chunk of pings may be answered before the pause is felt; then nothing more is read.
            assert link._paused
            assert link._transport.get_write_buffer_size() < caps.write_bytes + 300_000
            assert link.machine.buffered < caps.buffer_bytes
            clock.at_s += 61
            endpoint.sweep()
            await until(lambda: not endpoint.connections)
            assert doors.gone == [("d1", "the peer takes no bytes")]
            assert endpoint.counters.timed_out == 1
            client.writer.transport.abort()
            await client.close()

    run(main())


def test_a_slow_peer_that_reads_again_gets_everything(run):
    async def main():
        doors = FakeDoors()
        async with door(doors, Caps(write_bytes=1_000)) as (endpoint, port):
            client, _ = await RawClient.connect(port)
            client.say(SUBSCRIBE)
            await client.hear()
            link = only_link(endpoint)
            link.pause_writing()
            assert endpoint.send("d1", "x", b"open")
            client.say(message(1))
            assert link._paused
            link.resume_writing()
            heard = [await client.hear(), await client.hear()]
            assert {type(one) for one in heard} == {k.Publish, k.PubAck}
            await client.close()

    run(main())


def test_one_busy_connection_does_not_keep_the_others_waiting(run):
    async def main():
        doors = FakeDoors()
        async with door(doors, Caps(turn_packets=10)) as (_, port):
            busy, _ = await RawClient.connect(port)
            other, _ = await RawClient.connect(port, "d2")
            busy.say(*[message(qos=0)] * 5_000, message(1))
            await until(lambda: doors.messages)
            other.say(k.Publish("hansa/d2/json", b"{}"))
            await until(lambda: any(device == "d2" for device, *_ in doors.messages))
            assert len(doors.messages) < 4_000
            assert await busy.hear() == k.PubAck(1)
            assert len(doors.messages) == 5_002
            await busy.close()
            await other.close()

    run(main())


def test_a_city_that_fails_at_a_connect_refuses_it(run):
    async def main():
        doors = FakeDoors()
        doors.connect = lambda *_: 1 / 0
        async with door(doors) as (_, port):
            for version, code in ((4, 3), (5, 0x83)):
                client, acknowledged = await RawClient.connect(port, version=version)
                assert acknowledged.code == code
                await client.hear_end()
                await client.close()

    run(main())


def test_over_the_cap_a_socket_is_closed_at_once(run):
    async def main():
        doors = FakeDoors()
        async with door(doors, Caps(connections=2)) as (endpoint, port):
            clients = [(await RawClient.connect(port, name))[0] for name in ("d1", "d2")]
            third = await RawClient.open(port)
            await third.hear_end()
            assert endpoint.counters.turned_away == 1
            for client in clients:
                client.say(k.PingReq())
                assert await client.hear() == k.PingResp()
            for client in (*clients, third):
                await client.close()

    run(main())


def test_a_thousand_idle_connections_are_cheap():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4_096)), hard))

    async def main():
        doors, clock, count = FakeDoors(), Clock(), 1_000
        async with door(doors, Caps(sweep_s=3_600), clock) as (endpoint, port):
            loop = asyncio.get_running_loop()
            hello = [encode(k.Connect(f"c{n}", 4, False, 600, f"d{n}", b"secret"), 4) for n in range(count)]
            hello = [one + encode(k.Subscribe(1, (k.Filter(f"hansa/d{n}/cmd", 1),)), 4) for n, one in enumerate(hello)]
            sockets = []
            gc.collect()
            tracemalloc.start()
            before, _ = tracemalloc.get_traced_memory()
            for one in hello:
                raw = socket.socket()
                raw.setblocking(False)
                await loop.sock_connect(raw, ("127.0.0.1", port))
                await loop.sock_sendall(raw, one)
                sockets.append(raw)
            await until(
                lambda: sum(bool(link.session and link.session.subscriptions) for link in endpoint.links) == count
            )
            doors.asked.clear()
            gc.collect()
            after, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert (after - before) / count < 12_000
            clock.at_s += 10
            start = loop.time()
            endpoint.sweep()
            assert loop.time() - start < 0.1
            assert endpoint.connections == count
            for raw in sockets:
                raw.close()

    asyncio.run(main())


def test_a_city_that_raises_loses_one_connection_and_not_the_door(run):
    async def main():
        def broken(_peer, _topic, payload):
            if payload == b"bad":
                raise RuntimeError("a fault of the city")
            return 0

        doors = FakeDoors(answer=broken)
        async with door(doors) as (_, port):
            victim, _ = await RawClient.connect(port, version=5)
            other, _ = await RawClient.connect(port, "d2", version=5)
            victim.say(message(1, payload=b"bad"))
            assert (await victim.hear()).code == Reason.IMPLEMENTATION_SPECIFIC_ERROR
            await victim.hear_end()
            other.say(message(1))
            assert await other.hear() == k.PubAck(1)
            await victim.close()
            await other.close()

    run(main())


def test_decisions_after_the_end_are_harmless(run):
    async def main():
        doors = FakeDoors(answer=lambda *_: None)
        async with door(doors) as (endpoint, port):
            client, _ = await RawClient.connect(port)
            client.say(message(1))
            await until(lambda: doors.undecided)
            await client.close()
            await until(lambda: not endpoint.connections)
            doors.undecided[0](0)
            doors.undecided[0](0x87)
            await asyncio.sleep(0)
            assert endpoint.counters.rejected == 0

    run(main())


def test_a_door_that_closes_says_so(run):
    async def main():
        doors = FakeDoors()
        async with door(doors) as (endpoint, port):
            client, _ = await RawClient.connect(port, version=5, will=k.Will("hansa/d1/status", b"gone"))
            closing = asyncio.ensure_future(endpoint.close())
            assert (await client.hear()).code == Reason.SERVER_SHUTTING_DOWN
            await client.hear_end()
            await client.close()
            await closing
            assert endpoint.connections == 0
            assert doors.messages == []
            with pytest.raises(OSError):
                await RawClient.open(port)

    run(main())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for this machine, valid today."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    alternatives = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "door.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + built.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cafile=path)


def test_tls_carries_the_same_talk(run, certificate):
    server, trusting = certificate

    async def main():
        doors = FakeDoors()
        async with door(doors, tls=server) as (endpoint, port):
            client, acknowledged = await RawClient.connect(port, version=5, tls=trusting)
            assert acknowledged.code == 0
            client.say(*[message(number, payload=bytes(5_000)) for number in range(1, 51)])
            assert [(await client.hear()).packet_id for _ in range(50)] == list(range(1, 51))
            client.say(k.Disconnect())
            await client.hear_end()
            await client.close()
            await until(lambda: not endpoint.connections)

    run(main())


def test_plain_talk_at_a_tls_door_is_refused(run, certificate):
    server, _ = certificate

    async def main():
        doors = FakeDoors()
        async with door(doors, tls=server) as (endpoint, port):
            reader, writer = await asyncio.open_connection("localhost", port)
            client = RawClient(reader, writer, 4)
            client.say(k.Connect("c1", username="d1", password=b"secret"))
            async with asyncio.timeout(10):
                answer = await reader.read(1_000)
            assert not answer.startswith(b"\x20")  # a TLS alert or nothing, but no CONNACK
            await client.close()
            assert doors.asked == []
            assert endpoint.counters.connected == 0

    run(main())
