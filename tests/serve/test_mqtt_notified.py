"""Through the front door: a subscription made over HTTP, heard by mosquitto's own client over MQTT (CIM 009, 7.2)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mosquitto import Mosquitto

NAMES = {4: "mqtt3.1.1", 5: "mqtt5.0"}
ROOM = "urn:ngsi-ld:Room:1"


def wish(port: int, version: int) -> dict[str, Any]:
    endpoint = {
        "uri": f"mqtt://127.0.0.1:{port}/city/rooms",
        "notifierInfo": [{"key": "MQTT-Version", "value": NAMES[version]}, {"key": "MQTT-QoS", "value": "2"}],
    }
    notification = {"format": "keyValues", "endpoint": endpoint}
    return {"type": "Subscription", "entities": [{"type": "Room"}], "q": "warm>20", "notification": notification}


@pytest.mark.parametrize("version", [4, 5])
def test_mosquitto_sub_hears_of_what_was_asked_for_and_of_nothing_else(
    tmp_path: Path,
    program: Callable[[str], str],
    serve: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    version: int,
) -> None:
    monkeypatch.setenv("HANSA_EGRESS_ALLOW", "127.0.0.0/8")
    with Mosquitto(program, tmp_path / "broker") as broker, broker.subscriber("city/#", version) as heard:
        city = serve()
        made = city.post("/ngsi-ld/v1/subscriptions", wish(broker.port, version))
        assert made.status_code == 201, made.text
        for number, warm in ((1, 19), (2, 21)):
            room = {"id": f"{ROOM}{number}", "type": "Room", "warm": {"type": "Property", "value": warm}}
            assert city.post("/ngsi-ld/v1/entities", room).status_code == 201
        message = heard.next()
        assert message["metadata"]["Content-Type"] == "application/json"
        assert message["body"]["data"] == [{"id": f"{ROOM}2", "type": "Room", "warm": 21}]
        place = made.headers["location"]
        city.until(lambda: city.get(place).json()["notification"].get("timesSent") == 1)
        assert city.get(place).json()["notification"]["status"] == "ok"
        assert heard.heard.empty()


def test_a_broker_of_our_own_network_must_be_allowed_first(
    tmp_path: Path, program: Callable[[str], str], serve: Callable[..., Any]
) -> None:
    with Mosquitto(program, tmp_path / "broker") as broker:
        city = serve()
        refused = city.post("/ngsi-ld/v1/subscriptions", wish(broker.port, 5))
        assert refused.status_code == 400
        assert refused.json()["where"] == "notification.endpoint.uri"
        assert "egress_allow" in refused.json()["mend"]
        assert city.get("/ngsi-ld/v1/subscriptions").json() == []
