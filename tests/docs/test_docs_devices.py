"""What docs/devices.md tells somebody who connects a device: its examples decode, and its way in leads in."""

import json
import re
import threading
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as paho
import pytest

from hansa import clock
from hansa.collect import FORMATS, Profile, Source
from hansa.collect.standard import STANDARD
from hansa.trust.devices import CLAIM_DAYS, STATES

TEXT = (Path(__file__).parents[2] / "docs" / "devices.md").read_text("utf-8")
EXAMPLES = dict(re.findall(r"^```\w+ ([\w-]+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))  # fmt: skip
PROFILE = Profile.from_json(json.loads(EXAMPLES["profile"]))
SOURCE = Source("north", "urn:ngsi-ld:WeatherObserved:north", PROFILE)
NOW = clock.parse("2026-11-22T18:00:30Z")


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_an_example_of_each_format_says_the_same(name: str) -> None:
    decoded = FORMATS[name](EXAMPLES[name].encode(), SOURCE, NOW)
    assert decoded.refused == []
    (write,) = decoded.writes
    said = {key: (one["value"], one["observedAt"]) for key, one in write.doc.items() if key not in {"id", "type"}}
    at = "2026-11-22T18:00:00Z"
    assert said == {
        "temperature": (3.1, at),
        "dewPoint": (pytest.approx(-1.2, abs=0.001), at),
        "windSpeed": (4.2, at),
    }


def test_every_member_of_a_profile_is_documented() -> None:
    table = TEXT.split("## The profile")[1].split("## MQTT")[0]
    members = set(re.findall(r"^\| `(\w+)` \| [^|\s]", table, re.MULTILINE))
    unsaid = {"dotted", "by_name", "zoneinfo"}  # worked out, not said
    assert members == {name for name in Profile.__dataclass_fields__ if name not in unsaid}


def test_states_profiles_and_the_claims_life_are_as_documented() -> None:
    assert set(re.findall(r"^\| `(\w+)` \| ", TEXT.split("## The profile")[0], re.MULTILINE)) == set(STATES)
    listed = TEXT.split("Profiles that come with hansa")[1].split("## MQTT")[0]
    assert set(re.findall(r"`(\w+)`", listed)) == set(STANDARD)
    assert f"good for {CLAIM_DAYS} days" in TEXT


class Client:
    """One MQTT client that remembers what it was told."""

    def __init__(self, port: int, password: str) -> None:
        self.heard: list[dict[str, Any]] = []
        self.came = threading.Event()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="north", protocol=paho.MQTTv5)
        self.client.username_pw_set("north", password)
        self.client.on_connect = lambda *_: self.client.subscribe("hansa/north/cmd", qos=1)
        self.client.on_message = self._hear
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def _hear(self, _client: Any, _data: Any, message: Any) -> None:
        self.heard.append(json.loads(message.payload))
        self.came.set()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def test_the_way_in_over_mqtt_and_a_command_back(city: Any) -> None:
    enrolled = city.post("/admin/devices", {"name": "north", "profile": json.loads(EXAMPLES["profile"])})
    new = Client(city.mqtt_port, enrolled.json()["claim"])
    assert new.came.wait(10), "no secret came"
    new.close()

    device = Client(city.mqtt_port, new.heard[0]["secret"])
    try:
        sent = device.client.publish("hansa/north/orchard", '{"temperature": 3.1}', qos=1)
        sent.wait_for_publish(10)
        assert sent.is_published()
        reading = city.get("/ngsi-ld/v1/entities/urn:ngsi-ld:WeatherObserved:north").json()
        assert reading["temperature"]["value"] == 3.1

        made = city.post("/ngsi-ld/v1/entities", json.loads(EXAMPLES["command"]))
        assert made.status_code == 201, made.text
        assert device.came.wait(10), "no command came"
        assert device.heard == [{"command": "urn:ngsi-ld:Command:close-7", "payload": {"gate": "close"}}]
        url = "/ngsi-ld/v1/entities/urn:ngsi-ld:Command:close-7?options=keyValues"
        done = city.until(lambda: (told := city.get(url).json())["status"] == "delivered" and told)
        assert "deliveredAt" in done
    finally:
        device.close()


def test_the_claim_is_worth_nothing_once_the_secret_was_used(city: Any) -> None:
    enrolled = city.post("/admin/devices", {"name": "south", "profile": json.loads(EXAMPLES["profile"])}).json()
    claim = {"device": "south", "claim": enrolled["claim"]}
    first = city.post("/collect/claim", claim).json()["secret"]
    again = city.post("/collect/claim", claim).json()["secret"]  # the answer was lost: nobody is locked out
    assert first != again
    told = httpx.post(f"{city.url}/collect/json", json={"temperature": 3.1}, auth=("south", again), trust_env=False)
    assert told.status_code == 200
    assert city.post("/collect/claim", claim).status_code == 400
