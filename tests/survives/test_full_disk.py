"""A disk that takes nothing more, below a real city: a cap on its files' size, lowered and lifted while it runs."""

import json
import resource
from collections.abc import Callable
from typing import Any

import httpx
import paho.mqtt.client as paho

from hansa import clock
from hansa.platform.sqlite import SqliteStore
from hansa.trust.labels import ADMINISTRATOR

PROFILE = {
    "name": "weather",
    "type": "WeatherObserved",
    "channels": {"temperature": {"name": "temperature", "unit": "CEL"}},
}
ROOM = resource.RLIM_INFINITY


def test_a_full_disk_acknowledges_nothing_says_so_and_goes_on_when_there_is_room(serve: Callable[..., Any]) -> None:
    city = serve()
    secret = city.enrol("north", PROFILE)
    start = clock.Clock().now() - 3_600 * clock.SECOND

    def say(n: int) -> httpx.Response:
        body = json.dumps({"temperature": n, "at": clock.text(start + n * clock.SECOND)})
        return httpx.post(f"{city.url}/collect/json", content=body, auth=("north", secret), trust_env=False)

    def status() -> str:
        return str(city.get("/health").json()["status"])

    assert say(1).status_code == 200
    assert status() == "ok"
    resource.prlimit(city.process.pid, resource.RLIMIT_FSIZE, (4_096, ROOM))
    refused = say(2)
    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    assert refused.json()["type"].endswith("StorageFull")
    assert status() == "full"
    assert city.get("/ready").status_code == 503
    assert city.get("/ngsi-ld/v1/entities/urn:ngsi-ld:WeatherObserved:north").status_code == 200, "it can still be read"

    acknowledged: list[int] = []
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="north", clean_session=False)
    client.username_pw_set("north", secret)
    client.reconnect_delay_set(1, 1)
    client.on_publish = lambda _client, _data, mid, _code, _properties: acknowledged.append(mid)
    client.connect("127.0.0.1", city.mqtt_port)
    client.loop_start()
    body = json.dumps({"temperature": 3, "at": clock.text(start + 3 * clock.SECOND)})
    info = client.publish("hansa/north/json", body, qos=1)
    city.until(lambda: status() == "full")
    assert not acknowledged, "what is not on the disk is not acknowledged"

    resource.prlimit(city.process.pid, resource.RLIMIT_FSIZE, (ROOM, ROOM))
    city.until(lambda: status() == "ok")
    city.until(lambda: info.mid in acknowledged)
    client.loop_stop()
    client.disconnect()
    assert say(2).status_code == 200
    assert city.stop() == 0
    store = SqliteStore(city.folder / "open.db")
    assert list(store.check()) == []
    reader = store.reader()
    points = reader.history("", "urn:ngsi-ld:WeatherObserved:north", "temperature", ADMINISTRATOR)
    assert [point.value for point in points] == [1, 2, 3]
    reader.close()
    store.close()
