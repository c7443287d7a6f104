"""The MQTT door and the clients that devices really use: paho, aiomqtt, mosquitto's tools."""

import asyncio
import queue
import subprocess

import pytest
from mqtt_fakes import WAIT_S, FakeDoors, door, missing, running, tool, until

from hansa.network.mqtt import Command

try:
    import paho.mqtt.client as paho
except ImportError:
    paho = None
try:
    import aiomqtt
except ImportError:
    aiomqtt = None

OWN = "hansa/d1/json"


@pytest.fixture(params=[4, 5], ids=["3.1.1", "5"])
def version(request):
    return request.param


def paho_client(version: int, client_id: str = "logger", *, kept: bool = False) -> tuple:
    """A paho client and the queue of what it hears."""
    if paho is None:
        missing("paho-mqtt")
    protocol = paho.MQTTv5 if version == 5 else paho.MQTTv311
    clean = {} if version == 5 else {"clean_session": not kept}
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=client_id, protocol=protocol, **clean)
    client.username_pw_set("d1", "secret")
    heard: queue.Queue = queue.Queue()
    client.on_connect = lambda _client, _data, flags, reason, _properties: heard.put(
        ("connected", reason.value if version == 5 else int(reason.is_failure), flags.session_present)
    )
    client.on_publish = lambda _client, _data, number, reason, _properties: heard.put(
        ("published", number, reason.value)
    )
    client.on_message = lambda _client, _data, message: heard.put(
        ("message", message.topic, message.payload, message.qos, message.dup)
    )
    client.on_subscribe = lambda _client, _data, _number, reasons, _properties: heard.put(
        ("subscribed", [reason.value for reason in reasons])
    )
    client.on_disconnect = lambda _client, _data, _flags, reason, _properties: heard.put(("gone", reason.value))
    return client, heard


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_paho_publishes(version, qos):
    doors = FakeDoors()
    with running(doors) as (_, port, _):
        client, heard = paho_client(version)
        client.connect("127.0.0.1", port)
        client.loop_start()
        assert heard.get(timeout=WAIT_S) == ("connected", 0, False)
        for number in range(100):
            client.publish(OWN, b"%d" % number, qos)
        for _ in range(100):
            assert heard.get(timeout=WAIT_S)[0] == "published"
        doors.wait(lambda: len(doors.messages) == 100)
        client.disconnect()
        assert heard.get(timeout=WAIT_S) == ("gone", 0)
        client.loop_stop()
        doors.wait(lambda: doors.gone)
    assert doors.messages == [("d1", OWN, b"%d" % number, None) for number in range(100)]


def test_paho_hears_its_commands_and_again_after_its_return(version):
    doors = FakeDoors()
    with running(doors) as (endpoint, port, loop):

        def send(name: str) -> None:
            loop.call_soon_threadsafe(endpoint.send, "d1", name, name.encode())

        client, heard = paho_client(version, kept=True)
        kept = {}
        if version == 5:
            wish = paho.Properties(paho.PacketTypes.CONNECT)
            wish.SessionExpiryInterval = 60
            kept = {"clean_start": False, "properties": wish}
        client.connect("127.0.0.1", port, **kept)
        client.loop_start()
        assert heard.get(timeout=WAIT_S) == ("connected", 0, False)
        client.subscribe([("hansa/d1/cmd", 1), ("hansa/d2/cmd", 1)])
        assert heard.get(timeout=WAIT_S) == ("subscribed", [1, 0x87 if version == 5 else 0x80])
        send("open")
        assert heard.get(timeout=WAIT_S) == ("message", "hansa/d1/cmd", b"open", 1, False)
        doors.wait(lambda: doors.done == [("d1", "open", 0)])
        client.disconnect()
        assert heard.get(timeout=WAIT_S)[0] == "gone"
        client.loop_stop()
        doors.wait(lambda: doors.gone)
        doors.pending["d1"] = [Command("close", b"close")]
        client, heard = paho_client(version, kept=True)  # the device, restarted
        client.connect("127.0.0.1", port, **kept)
        client.loop_start()
        assert heard.get(timeout=WAIT_S) == ("connected", 0, True)
        assert heard.get(timeout=WAIT_S) == ("message", "hansa/d1/cmd", b"close", 1, False)
        doors.wait(lambda: ("d1", "close", 0) in doors.done)
        client.disconnect()
        assert heard.get(timeout=WAIT_S)[0] == "gone"
        client.loop_stop()


def test_paho_is_told_why_a_message_was_refused():
    doors = FakeDoors(lambda peer, topic, _: 0 if topic.startswith(f"hansa/{peer.device}/") else 0x87)
    with running(doors) as (_, port, _):
        client, heard = paho_client(5)
        client.connect("127.0.0.1", port)
        client.loop_start()
        heard.get(timeout=WAIT_S)
        for topic, code in ((OWN, 0), ("hansa/d2/json", 0x87)):
            number = client.publish(topic, b"{}", 1).mid
            assert heard.get(timeout=WAIT_S) == ("published", number, code)
        client.disconnect()
        assert heard.get(timeout=WAIT_S)[0] == "gone"
        client.loop_stop()


def test_paho_with_a_wrong_password_stays_outside(version):
    doors = FakeDoors()
    with running(doors) as (_, port, _):
        client, heard = paho_client(version)
        client.username_pw_set("d1", "guess")
        client.connect("127.0.0.1", port)
        while client.loop(timeout=WAIT_S) == paho.MQTT_ERR_SUCCESS and heard.empty():
            pass
        kind, code, _ = heard.get(timeout=WAIT_S)
        assert (kind, bool(code)) == ("connected", True)
        client.disconnect()
        client.loop(timeout=0.1)
    assert doors.messages == []


def test_aiomqtt_publishes_and_hears_its_commands(version):
    if aiomqtt is None:
        missing("aiomqtt")

    async def main():
        doors = FakeDoors()
        async with door(doors) as (endpoint, port):
            protocol = aiomqtt.ProtocolVersion.V5 if version == 5 else aiomqtt.ProtocolVersion.V311
            async with aiomqtt.Client(
                "127.0.0.1", port, username="d1", password="secret", identifier="logger", protocol=protocol
            ) as client:
                await client.subscribe("hansa/d1/cmd", qos=1)
                for qos in (0, 1, 2):
                    await client.publish(OWN, b"%d" % qos, qos=qos)
                await until(lambda: len(doors.messages) == 3)
                assert endpoint.send("d1", "x", b"open")
                async with asyncio.timeout(WAIT_S):
                    async for message in client.messages:
                        assert (str(message.topic), message.payload) == ("hansa/d1/cmd", b"open")
                        break
                await until(lambda: doors.done)
            await until(lambda: doors.gone)
            assert doors.gone == [("d1", "the device disconnected")]

    asyncio.run(main())


VERSIONS = {4: "mqttv311", 5: "mqttv5"}


def mosquitto(program: str, port: int, version: int, *more: str) -> list[str]:
    return [
        tool(program),
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "-V",
        VERSIONS[version],
        "-u",
        "d1",
        "-P",
        "secret",
        *more,
    ]


@pytest.mark.parametrize("qos", ["0", "1", "2"])
def test_mosquitto_pub_publishes(version, qos):
    doors = FakeDoors()
    with running(doors) as (_, port, _):
        lines = b"".join(b"%d\n" % number for number in range(50))
        command = mosquitto("mosquitto_pub", port, version, "-q", qos, "-t", OWN, "-l")
        done = subprocess.run(command, input=lines, capture_output=True, timeout=WAIT_S, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        doors.wait(lambda: len(doors.messages) == 50)
    assert [payload for _, _, payload, _ in doors.messages] == [b"%d" % number for number in range(50)]


def test_mosquitto_pub_hears_that_a_secret_is_wrong(version):
    doors = FakeDoors()
    with running(doors) as (_, port, _):
        command = mosquitto("mosquitto_pub", port, version, "-t", OWN, "-m", "x", "-P", "guess")
        done = subprocess.run(command, capture_output=True, timeout=WAIT_S, check=False)
        assert done.returncode != 0
        assert b"ot authori" in done.stderr or b"bad user" in done.stderr.lower()
    assert doors.messages == []


def test_mosquitto_sub_hears_its_commands(version):
    doors = FakeDoors()
    doors.pending["d1"] = [Command("x", b"open")]
    with running(doors) as (_, port, _):
        command = mosquitto("mosquitto_sub", port, version, "-q", "1", "-t", "hansa/d1/cmd", "-C", "1")
        done = subprocess.run(command, capture_output=True, timeout=WAIT_S, check=False)
        assert (done.returncode, done.stdout) == (0, b"open\n")
        doors.wait(lambda: doors.done == [("d1", "x", 0)])


def test_mosquitto_sub_cannot_listen_to_others(version):
    doors = FakeDoors()
    with running(doors) as (_, port, _):
        command = mosquitto("mosquitto_sub", port, version, "-t", "hansa/d2/cmd", "-C", "1", "-W", "5")
        done = subprocess.run(command, capture_output=True, timeout=WAIT_S, check=False)
        assert b"denied" in done.stderr or b"rejected" in done.stderr
        assert done.stdout == b""
