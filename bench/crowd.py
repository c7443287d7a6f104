"""A crowd: an open loop of HTTP requests, which does not wait for answers before it asks again, as people do not.

    python -m bench.crowd URL RATE SECONDS CONNECTIONS ENTITIES     prints a JSON object

RATE requests are due every second, whatever became of those before. One that finds no free connection waits for one,
and is given up when it has waited `PATIENCE_S`. An answer is good when it came within `PATIENCE_S` of when its request
was due. What is asked: half PATCH of one attribute, a fifth POST of an entity, a fifth GET by id, a tenth queries.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter, deque
from typing import Any, Final
from urllib.parse import urlsplit

import uvloop

PATIENCE_S: Final = 1.0
_TICK_S: Final = 0.002
_WRITES: Final = ("PATCH", "POST")


class Crowd:
    """Everybody who asks, and what became of it."""

    def __init__(self, host: str, entities: int, seed: int) -> None:
        """Ask about `entities` entities of seeds.stations."""
        self._head = f"HTTP/1.1\r\nhost: {host}\r\naccept: application/json\r\n"
        self._entities = entities
        self._draw = random.Random(seed)
        self._run = f"{seed}-{time.time_ns()}"
        self._made = 0
        self.idle: list[Asker] = []
        self.waiting: deque[float] = deque()  # when each was due
        self.open = True
        self.good: Counter[str] = Counter()  # by method
        self.late = 0
        self.given_up = 0
        self.lost = 0
        self.statuses: Counter[int] = Counter()
        self.took: list[float] = []  # of good answers, seconds
        self.refused: list[float] = []  # of 503 and 429, seconds from when they were sent
        self.without_retry_after = 0

    def due(self, at: float) -> None:
        """One more request is due."""
        if self.idle:
            self.idle.pop().ask(at)
        else:
            self.waiting.append(at)

    def free(self, asker: "Asker") -> None:
        """A connection has nothing to do: the oldest that still waits takes it."""
        now = time.monotonic()
        while self.waiting:
            at = self.waiting.popleft()
            if now - at < PATIENCE_S:
                asker.ask(at)
                return
            self.given_up += 1
        self.idle.append(asker)

    def request(self) -> tuple[str, bytes]:
        """What is asked next, and its method."""
        what = self._draw.random()
        one = self._draw.randrange(self._entities)
        base = "/ngsi-ld/v1/entities"
        if what < 0.5:
            body = f'{{"type":"Property","value":{self._draw.randrange(100)}}}'
            return self._bytes("PATCH", f"{base}/urn:ngsi-ld:Entity:load-{one}/attrs/level", body)
        if what < 0.7:
            self._made += 1
            body = (
                f'{{"id":"urn:ngsi-ld:Entity:{self._run}-{self._made}","type":"Entity",'
                f'"level":{{"type":"Property","value":{one % 100}}},"name":{{"type":"Property","value":"St {one}"}}}}'
            )
            return self._bytes("POST", base, body)
        if what < 0.9:
            return self._bytes("GET", f"{base}/urn:ngsi-ld:Entity:load-{one}")
        return self._bytes("GET", f"{base}?type=Entity&limit=20&q=level=={one % 100}")

    def _bytes(self, method: str, path: str, body: str = "") -> tuple[str, bytes]:
        more = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n" if body else ""
        return method, f"{method} {path} {self._head}{more}\r\n{body}".encode()

    def answered(self, method: str, status: int, head: bytes, due: float, sent: float) -> None:
        """Note what became of a request."""
        now = time.monotonic()
        self.statuses[status] += 1
        if status in {429, 503}:
            self.refused.append(now - sent)
            self.without_retry_after += b"retry-after:" not in head
        elif now - due > PATIENCE_S:
            self.late += 1
        elif status < 300:
            self.good[method] += 1
            self.took.append(now - due)


class Asker(asyncio.Protocol):
    """One connection, with one request on its way at a time."""

    def __init__(self, crowd: Crowd) -> None:
        """Ask for `crowd`."""
        self._crowd = crowd
        self._transport: Any = None
        self._buffer = b""
        self._method = ""
        self._due = self._sent = 0.0

    def connection_made(self, transport: Any) -> None:
        """It can be used."""
        self._transport = transport
        self._crowd.free(self)

    def ask(self, due: float) -> None:
        """Send the next request, which was due at `due`."""
        self._method, request = self._crowd.request()
        self._due, self._sent = due, time.monotonic()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """A part of an answer."""
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        head = head.lower()
        at = head.find(b"content-length:")
        size = 0 if at < 0 else int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(body) < size:
            return
        self._buffer = b""
        status, method = int(head[9:12]), self._method
        self._method = ""
        self._crowd.answered(method, status, head, self._due, self._sent)
        if b"connection: close" not in head:
            self._crowd.free(self)

    def connection_lost(self, _fault: Exception | None) -> None:
        """The other end has gone; another connection takes its place while there is something to ask."""
        if self._method:
            self._crowd.lost += 1
        if self in self._crowd.idle:
            self._crowd.idle.remove(self)


async def press(url: str, rate: float, seconds: float, connections: int, entities: int, seed: int) -> dict[str, Any]:
    """Ask `rate` a second for `seconds`; what became of it."""
    place = urlsplit(url)
    crowd = Crowd(place.netloc, entities, seed)
    loop = asyncio.get_running_loop()
    for begun in range(0, connections, 100):
        some = range(min(100, connections - begun))
        await asyncio.gather(*(loop.create_connection(lambda: Asker(crowd), place.hostname, place.port) for _ in some))
    began = time.monotonic()
    asked = 0
    while (now := time.monotonic()) < began + seconds:
        while began + asked / rate <= now:
            crowd.due(began + asked / rate)
            asked += 1
        await asyncio.sleep(_TICK_S)
    await asyncio.sleep(PATIENCE_S)
    took, refused = sorted(crowd.took), sorted(crowd.refused)
    return {
        "asked": asked / seconds,
        "good": sum(crowd.good.values()) / seconds,
        "writes": sum(crowd.good[one] for one in _WRITES) / seconds,
        "reads": crowd.good["GET"] / seconds,
        "refused": len(refused) / seconds,
        "late": crowd.late / seconds,
        "given_up": (crowd.given_up + len(crowd.waiting)) / seconds,
        "lost": crowd.lost,
        "statuses": {str(one): n for one, n in sorted(crowd.statuses.items())},
        "p99_ms": 1e3 * _at(took, 0.99),
        "refused_p99_ms": 1e3 * _at(refused, 0.99),
        "without_retry_after": crowd.without_retry_after,
    }


def _at(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0


if __name__ == "__main__":
    url, rate, seconds, connections, entities = sys.argv[1:6]
    said = uvloop.run(press(url, float(rate), float(seconds), int(connections), int(entities), time.time_ns() % 10**9))
    print(json.dumps(said), flush=True)
