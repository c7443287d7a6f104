"""Devices as tests hold them: a paho client that remembers what it was told."""

import queue
import time
from typing import Any, Self

import paho.mqtt.client as paho

WAIT_S = 20

PROFILE = {
    "name": "weather",
    "type": "WeatherObserved",
    "channels": {
        "temperature": {"name": "temperature", "unit": "CEL", "low": -60, "high": 60},
        "humidity": {"name": "relativeHumidity", "unit": "P1"},
    },
}


def profile(kind: str = "WeatherObserved", name: str = "weather") -> dict[str, Any]:
    return {**PROFILE, "name": name, "type": kind}


class DeviceClient:
    """One device with one connection; what it hears waits in queues."""

    def __init__(self, port: int, name: str, secret: str, *, version: int = 5, session_s: int = 0) -> None:
        self.name = name
        self.version = version
        protocol = paho.MQTTv5 if version == 5 else paho.MQTTv311
        clean = {} if version == 5 else {"clean_session": True}
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=name, protocol=protocol, **clean)
        self.client.username_pw_set(name, secret)
        self.connected: queue.Queue[Any] = queue.Queue()
        self.published: queue.Queue[tuple[int, int]] = queue.Queue()
        self.heard: queue.Queue[Any] = queue.Queue()
        self.subscribed: queue.Queue[list[int]] = queue.Queue()
        self.gone: queue.Queue[Any] = queue.Queue()
        self.client.on_connect = lambda _c, _d, _f, reason, _p: self.connected.put(reason)
        self.client.on_publish = lambda _c, _d, mid, reason, _p: self.published.put((mid, reason.value))
        self.client.on_message = lambda _c, _d, message: self.heard.put(message)
        self.client.on_subscribe = lambda _c, _d, _m, reasons, _p: self.subscribed.put([r.value for r in reasons])
        self.client.on_disconnect = lambda _c, _d, _f, reason, _p: self.gone.put(reason)
        kept: dict[str, Any] = {}
        if version == 5 and session_s:
            wish = paho.Properties(paho.PacketTypes.CONNECT)
            wish.SessionExpiryInterval = session_s
            kept = {"clean_start": False, "properties": wish}
        self.client.connect("127.0.0.1", port, **kept)
        self.client.loop_start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        self.close()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def is_let_in(self) -> bool:
        return not self.connected.get(timeout=WAIT_S).is_failure

    def subscribe(self) -> list[int]:
        self.client.subscribe(f"hansa/{self.name}/cmd", 1)
        return self.subscribed.get(timeout=WAIT_S)

    def say(self, body: bytes | str, kind: str = "json", *, topic: str | None = None, qos: int = 1) -> int:
        """Publish and wait for the acknowledgement; its reason code (3.1.1 knows only 0)."""
        mid = self.client.publish(topic or f"hansa/{self.name}/{kind}", body, qos).mid
        while True:
            told, code = self.published.get(timeout=WAIT_S)
            if told == mid:
                return code

    def hear(self) -> Any:
        return self.heard.get(timeout=WAIT_S)


def shut_out(client: DeviceClient) -> None:
    """Wait until the city has closed the connection, and keep the client from coming back by itself."""
    client.gone.get(timeout=WAIT_S)
    client.client.loop_stop()


def stamp(seconds_ago: float = 0.0) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds_ago))
