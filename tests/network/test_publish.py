"""Publishing to brokers: a real mosquitto with its own client, and one that answers as a test wants it to."""

import asyncio
import json
import queue
import ssl
import threading
from contextlib import asynccontextmanager, contextmanager

import paho.mqtt.client as paho
import pytest

from hansa.errors import BadRequest
from hansa.limits import Limits
from hansa.network.broker import address
from hansa.network.http import Egress, Unanswered, Unreachable
from hansa.network.mqtt.codec import decode, encode
from hansa.network.mqtt.framer import Framer
from hansa.network.mqtt.packets import ConnAck, Connect, Disconnect, PubAck, PubComp, Publish, PubRec, PubRel
from hansa.network.publish import Publisher
from hansa.network.wall import Walled
from mosquitto import Mosquitto, certificate

NAMES = {4: "mqtt3.1.1", 5: "mqtt5.0"}


def run(work):
    return asyncio.run(asyncio.wait_for(work, 30))


@asynccontextmanager
async def publisher(allow=("127.0.0.0/8",), limits=None, tls=None, **options):
    async with Egress(allow, limits or Limits(), tls=tls) as egress:
        one = Publisher(egress, limits or Limits(), **options)
        try:
            yield one
        finally:
            await one.aclose()


def to(port, version=5, qos=1, who="", topic="city/rooms", scheme="mqtt"):
    info = [("MQTT-Version", NAMES[version]), ("MQTT-QoS", str(qos))]
    return address(f"{scheme}://{who}127.0.0.1:{port}/{topic}", info)


@contextmanager
def listening(port, topic):
    """A subscriber with QoS 2; what it hears, in order."""
    heard, ready = queue.Queue(), threading.Event()
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.on_message = lambda _client, _data, message: heard.put(message.payload)
    client.on_subscribe = lambda *_: ready.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.subscribe(topic, 2)
    assert ready.wait(10)
    try:
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()


@pytest.fixture
def broker(tmp_path, program):
    with Mosquitto(program, tmp_path / "broker") as one:
        yield one


@pytest.mark.parametrize("version", [4, 5])
def test_a_subscriber_of_mosquitto_hears_every_message_of_every_quality_once(broker, version):
    async def work():
        async with publisher() as one:
            for n in range(30):
                await one.publish(to(broker.port, version, n % 3), json.dumps({"n": n}).encode())
            assert len(one) == 1, "one connection carries them all"

    with broker.subscriber("city/#", version) as heard:
        run(work())
        assert sorted(heard.next()["n"] for _ in range(30)) == list(range(30))
        assert heard.heard.empty()


def test_many_can_publish_at_once(broker):
    async def work():
        async with publisher() as one:
            await asyncio.gather(*(one.publish(to(broker.port, qos=1 + n % 2), b'{"n":%d}' % n) for n in range(300)))

    # paho hears here: mosquitto 2.0.11 stalls under mixed QoS 1 and 2 with its own client, whoever publishes.
    with listening(broker.port, "city/rooms") as heard:
        run(work())
        assert sorted(json.loads(heard.get(timeout=10))["n"] for _ in range(300)) == list(range(300))
        assert heard.empty()


@pytest.mark.parametrize("version", [4, 5])
def test_the_user_in_the_address_is_let_in_and_a_wrong_one_refused_for_good(tmp_path, program, version):
    async def work(port):
        async with publisher() as one:
            await one.publish(to(port, version, who="anna:s%20cret@"), b'{"hello":1}')
            for wrong in ("anna:guess@", "", "anna@"):
                with pytest.raises(BadRequest, match="refuses the connection"):
                    await one.publish(to(port, version, who=wrong), b"{}")

    with (
        Mosquitto(program, tmp_path / "closed", ("anna", "s cret")) as broker,
        broker.subscriber("city/rooms", version) as heard,
    ):
        run(work(broker.port))
        assert heard.next() == {"hello": 1}
        assert heard.heard.empty()


def test_a_broker_behind_tls_is_reached_when_its_certificate_is_trusted(tmp_path, program):
    cert, key = certificate(tmp_path)
    with Mosquitto(program, tmp_path / "tls", tls=(cert, key)) as broker:

        async def work():
            async with publisher(tls=ssl.create_default_context(cafile=cert)) as one:
                await one.publish(to(broker.port, scheme="mqtts"), b"{}")
            async with publisher() as one:
                with pytest.raises(Unreachable):
                    await one.publish(to(broker.port, scheme="mqtts"), b"{}")

        run(work())


def test_a_broker_that_comes_back_is_connected_anew(tmp_path, program):
    async def work():
        async with publisher() as one:
            with Mosquitto(program, tmp_path / "b") as broker:
                await one.publish(to(broker.port), b"1")
                port = broker.port
            with pytest.raises(Unreachable):
                await one.publish(to(port), b"2")
            with Mosquitto(program, tmp_path / "b", port=port):
                await one.publish(to(port), b"3")

    run(work())


def test_the_wall_stands_before_brokers_too():
    async def work():
        async with publisher(allow=()) as one:
            with pytest.raises(Walled):
                await one.publish(to(1883), b"{}")

    run(work())


class Odd:
    """A broker that answers as it is told; `answers(packet)` gives packets, None to break off, or () for silence."""

    def __init__(self, answers, version=5):
        self.answers = answers
        self.version = version
        self.got = []
        self.news = asyncio.Event()
        self.tasks = set()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def until(self, true):
        async with asyncio.timeout(5):
            while not true():
                self.news.clear()
                await self.news.wait()

    async def serve(self, reader, writer):
        self.tasks.add(asyncio.current_task())
        framer = Framer(1_000_000)
        try:
            while data := await reader.read(65_536):
                framer.feed(data)
                while (frame := framer.next()) is not None:
                    packet = decode(*frame, self.version)
                    self.got.append(packet)
                    self.news.set()
                    answers = self.answers(packet)
                    if answers is None:
                        return
                    for answer in answers:
                        writer.write(answer if isinstance(answer, bytes) else encode(answer, self.version))
        finally:
            writer.close()


def kindly(packet, **said):
    """As a broker should."""
    if isinstance(packet, Connect):
        return [ConnAck(0, properties=said)]
    if isinstance(packet, Publish):
        return {0: [], 1: [PubAck(packet.packet_id)], 2: [PubRec(packet.packet_id)]}[packet.qos]
    return [PubComp(packet.packet_id)] if isinstance(packet, PubRel) else []


def instead(kind, *answers):
    """Kindly, but for packets of one kind."""
    return lambda packet: [a(packet) for a in answers] if isinstance(packet, kind) else kindly(packet)


@pytest.mark.parametrize(
    ("answers", "qos", "fault"),
    [
        (lambda packet: (), 1, Unanswered),
        (lambda packet: None, 1, Unreachable),
        (instead(Connect, lambda p: ConnAck(0x88)), 1, Unreachable),
        (instead(Connect, lambda p: ConnAck(0x87)), 1, BadRequest),
        (instead(Connect, lambda p: PubAck(1)), 1, Unreachable),
        (instead(Connect, lambda p: b"HTTP/1.1 400 no\r\n\r\n"), 1, Unreachable),
        (instead(Publish), 1, Unanswered),
        (instead(Publish, lambda p: PubAck(p.packet_id, 0x97)), 1, Unreachable),
        (instead(Publish, lambda p: PubAck(p.packet_id, 0x90)), 1, BadRequest),
        (instead(Publish, lambda p: PubAck(p.packet_id + 1)), 1, Unanswered),
        (instead(Publish, lambda p: PubRec(p.packet_id)), 1, Unreachable),
        (instead(Publish, lambda p: PubRec(p.packet_id, 0x87)), 2, BadRequest),
        (instead(PubRel), 2, Unanswered),
        (instead(Publish, lambda p: Disconnect(0x8B)), 1, Unreachable),
        (instead(Publish, lambda p: b"\xf0\xff\xff\xff\xff\xff"), 1, Unreachable),
        (instead(Publish, lambda p: b"\x30" + b"\xff\xff\xff\x7f"), 1, Unreachable),
    ],
)
def test_whatever_a_broker_does_ends_in_a_fault_with_a_name(answers, qos, fault):
    async def work():
        async with Odd(answers) as broker, publisher() as one:
            with pytest.raises(fault):
                await one.publish(to(broker.port, qos=qos), b"{}", 0.3)
            broker.answers = kindly
            await one.publish(to(broker.port, qos=qos), b"{}", 5.0)

    run(work())


def test_what_a_broker_says_of_itself_is_heeded():
    async def work():
        said = {"maximum_qos": 0, "maximum_packet_size": 100, "receive_maximum": 1, "server_keep_alive": 10}
        async with Odd(lambda packet: kindly(packet, **said)) as broker, publisher() as one:
            await one.publish(to(broker.port, qos=2), b"{}")
            with pytest.raises(BadRequest, match="takes 100 bytes"):
                await one.publish(to(broker.port), b"x" * 200)
            await broker.until(lambda: len(broker.got) > 1)
            assert [packet.qos for packet in broker.got if isinstance(packet, Publish)] == [0]

    run(work())


def test_a_connection_that_rests_too_long_is_closed():
    async def work():
        async with Odd(kindly) as broker, publisher(idle_s=0.02) as one:
            await one.publish(to(broker.port), b"{}")
            assert len(one) == 1
            await broker.until(lambda: any(isinstance(packet, Disconnect) for packet in broker.got))
            assert len(one) == 0

    run(work())


def test_whoever_is_closed_publishes_nothing_more():
    async def work():
        async with publisher() as one:
            await one.aclose()
            with pytest.raises(Unreachable):
                await one.publish(to(1883), b"{}")

    run(work())
