"""kill -9, of hansa and of its rules process, in mid-ingest."""

import json
import os
import random
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest

from hansa import clock
from hansa.platform.sqlite import SqliteStore
from hansa.trust.labels import ADMINISTRATOR

# The whole measure is fifty (docs/performance.md); a suite that runs at every change takes a tenth of it.
KILLS = int(os.environ.get("HANSA_KILLS", "6"))

TALLY = """
from hansa import App, entity

app = App("tally", report="4.1.1", reads={"WeatherObserved"}, writes={"Tally"})

@app.on("WeatherObserved", "temperature")
def count(change, city):
    if change.said("temperature") is not None:
        yield entity("Tally", str(change.seq), reading=change.entity["temperature"])
"""

PROFILE = {
    "name": "weather",
    "type": "WeatherObserved",
    "channels": {"temperature": {"name": "temperature", "unit": "CEL"}},
}


class Sender:
    """One device that publishes with QoS 1 and remembers what was acknowledged."""

    def __init__(self, port: int, secret: str, values: "Values") -> None:
        self.values = values
        self.sent: dict[int, int] = {}
        self.early: set[int] = set()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="north", protocol=paho.MQTTv5)
        self.client.username_pw_set("north", secret)
        self.client.on_publish = self._acknowledged
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def _acknowledged(self, _client: Any, _data: Any, mid: int, code: Any, _properties: Any) -> None:
        if code.is_failure:
            return
        with self.values.lock:
            value = self.sent.pop(mid, None)
            if value is None:
                self.early.add(mid)  # faster than `publish` could say which one it was
            else:
                self.values.acknowledged.add(value)
        self.values.arrived.set()

    def publish(self, value: int) -> None:
        body = json.dumps({"temperature": value, "at": clock.text(self.values.start + value * clock.SECOND)})
        info = self.client.publish("hansa/north/json", body, qos=1)
        with self.values.lock:
            if info.mid in self.early:
                self.early.discard(info.mid)
                self.values.acknowledged.add(value)
            else:
                self.sent[info.mid] = value

    def close(self) -> None:
        self.client.loop_stop()
        self.client.disconnect()


class Values:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.acknowledged: set[int] = set()
        self.arrived = threading.Event()
        self.start = clock.Clock().now() - 20_000 * clock.SECOND
        self.next = 0


@pytest.mark.timeout(KILLS * 20)
def test_kill_takes_nothing_that_was_acknowledged_and_doubles_nothing(
    serve: Callable[..., Any], package: Callable[[str, str], Path]
) -> None:
    rng = random.Random(9)
    city = serve(python_path=package("tally", TALLY))
    secret = city.enrol("north", PROFILE)
    values = Values()
    waiting: list[int] = []
    for kill in range(KILLS):
        sender = Sender(city.mqtt_port, secret, values)
        for value in waiting:  # as a device does that was not answered
            sender.publish(value)
        values.arrived.clear()
        begun = values.next
        for _ in range(rng.randrange(50, 300)):
            values.next += 1
            sender.publish(values.next)
        assert values.arrived.wait(10), "nothing was acknowledged"
        if kill % 2:
            rules = int(city.get("/health").json()["rules"]["pid"])
            os.kill(rules, signal.SIGKILL)
            city.until(lambda v=values.next: v in values.acknowledged)
        else:
            city.kill()
        sender.close()
        waiting = [v for v in range(begun + 1, values.next + 1) if v not in values.acknowledged]
        if not kill % 2:
            waiting = sorted({*waiting, *(v for v in range(1, values.next + 1) if v not in values.acknowledged)})
            city.start()
    sender = Sender(city.mqtt_port, secret, values)
    for value in waiting:
        sender.publish(value)
    city.until(lambda: len(values.acknowledged) == values.next)
    sender.close()
    city.until(lambda: city.get("/health").json()["rules"]["behind"] == 0)
    assert city.stop() == 0

    store = SqliteStore(city.folder / "open.db")
    assert list(store.check()) == []
    reader = store.reader()
    points = reader.history("", "urn:ngsi-ld:WeatherObserved:north", "temperature", ADMINISTRATOR, limit=100_000)
    assert [p.value for p in points] == list(range(1, values.next + 1)), "each reading once, none missing"
    readings, tallies = [], []
    seq = 0
    while page := store.since(seq, 1_000):
        seq = page[-1].seq
        readings += [str(c.seq) for c in page if c.entity.type == "WeatherObserved" and c.said("temperature")]
        tallies += [c.entity.key for c in page if c.entity.type == "Tally"]
    assert tallies == readings, "the rule has said one thing of each Change, in order"
    reader.close()
    store.close()
