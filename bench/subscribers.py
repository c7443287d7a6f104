"""Subscribers of the bench: they subscribe, write at an even pace, and note when they are told of each write.

    python -m bench.subscribers URL PORT SUBSCRIPTIONS RATE SECONDS     prints a JSON object

Subscriptions are of five kinds, mixed: an id, an equality, a band between two numbers, a pattern of ids, a circle. They
were made before (`subscribe`) and expect to be told at PORT. Each write meets the filter of exactly one. Latency is
from when a write was due until its notification was here, so it holds the write's own commit. All of it in one process
with one clock, at both ends of the city.
"""

import asyncio
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import uvloop

from hansa.clock import Clock
from hansa.limits import Limits
from hansa.model.change import Refused, Write
from hansa.network.contexts import Contexts
from hansa.network.http import Egress
from hansa.platform.city import City
from hansa.platform.sqlite import SqliteStore
from hansa.platform.subscriptions import Subscriptions
from hansa.trust.labels import ADMINISTRATOR

CONNECTIONS: Final = 32
PATHS: Final = 20  # endpoints that share the subscriptions
TRIES: Final = 50  # of a request that is refused
QUIET_S: Final = 10.0  # how long the last notifications may take
KINDS: Final = ("Named", "Coded", "Banded", "Patterned", "Placed")
SHARES: Final = (30, 30, 20, 10, 10)  # of a hundred subscriptions
PATIENT: Final = Limits(inbox_s=60.0)
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def kind_of(number: int) -> str:
    """Which kind a subscription is of."""
    place = number * 37 % 100  # so that neighbours differ
    for kind, share in zip(KINDS, SHARES, strict=True):
        if place < share:
            return kind
        place -= share
    raise AssertionError("the shares are not a hundred")


def place_of(number: int) -> list[float]:
    """A point of its own, kilometres from the next."""
    return [10.0 + number % 500 * 0.05, 40.0 + number // 500 * 0.05]


def wanted(number: int, port: int) -> dict[str, Any]:
    """One subscription."""
    kind = kind_of(number)
    ident = f"urn:ngsi-ld:{kind}:{number}"
    selector: dict[str, Any] = {"type": kind}
    more: dict[str, Any] = {}
    if kind == "Named":
        selector["id"] = ident
    elif kind == "Coded":
        more["q"] = f'code=="c{number}"'
    elif kind == "Banded":
        more["q"] = f"level>={number};level<{number + 1}"
    elif kind == "Patterned":
        selector["idPattern"] = f":{number}$"
    else:
        more["geoQ"] = {"georel": "near;maxDistance==500", "geometry": "Point", "coordinates": place_of(number)}
    return {
        "id": f"urn:ngsi-ld:Subscription:{number}",
        "type": "Subscription",
        "entities": [selector],
        "watchedAttributes": ["level"],
        **more,
        "notification": {
            "format": "keyValues",
            "attributes": ["mark"],
            "endpoint": {"uri": f"http://127.0.0.1:{port}/{number % PATHS}"},
        },
    }


def entity(number: int) -> dict[str, Any]:
    """The entity whose changes one subscription hears of."""
    kind = kind_of(number)
    return {
        "id": f"urn:ngsi-ld:{kind}:{number}",
        "type": kind,
        "code": {"type": "Property", "value": f"c{number}"},
        "level": {"type": "Property", "value": -1},
        "mark": {"type": "Property", "value": -1},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": place_of(number)}},
    }


def change(number: int, mark: int) -> bytes:
    """The body of a write; every one has another value."""
    level = number + mark % 9_973 / 10_000
    said = {"level": {"type": "Property", "value": level}, "mark": {"type": "Property", "value": mark}}
    return json.dumps(said).encode()


def subscribe(data: Path, many: int, port: int) -> float:
    """Make entities and subscriptions in a sleeping city; how many subscriptions a second that were."""
    store = SqliteStore(data / "open.db")
    at = time.time_ns() // 1_000
    writes = (Write("create", doc["id"], doc) for doc in map(entity, range(many)))
    for outcome in store.load(writes, "bench", at):
        if isinstance(outcome, Refused):
            raise outcome.error
    return asyncio.run(_subscribe(City(store, Clock(), ADMINISTRATOR, PATIENT), many, port))


async def _subscribe(city: City, many: int, port: int) -> float:
    egress = Egress(["127.0.0.0/8"])
    contexts = Contexts(egress)
    kept = Subscriptions(city, egress, contexts)
    await kept.start()
    began = time.perf_counter()
    for first in range(0, many, 500):
        await asyncio.gather(*(kept.create(wanted(n, port)) for n in range(first, min(many, first + 500))))
    took = time.perf_counter() - began
    await kept.aclose()
    await contexts.aclose()
    await egress.aclose()
    city.close()
    return many / took


class Told:
    """What was heard, by the number of its write."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.at: dict[int, float] = {}
        self.by: dict[int, str] = {}
        self.ids: dict[int, str] = {}
        self._news = asyncio.Event()
        self.doubled = 0
        self.doubled_with_another_id = 0

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the city's."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                found = _LENGTH.search(head)
                body = await reader.readexactly(int(found[1]) if found else 0)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                now = time.perf_counter()
                said = json.loads(body)
                for one in said["data"]:
                    self.note(one["mark"], said["id"], said["subscriptionId"], now)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            writer.close()

    async def until(self, many: int) -> None:
        """Wait until so many writes were told of."""
        while len(self.at) < many:
            self._news.clear()
            await self._news.wait()

    def note(self, mark: int, ident: str, subscription: str, now: float) -> None:
        """One entity of a notification."""
        if mark in self.at:
            self.doubled += 1
            self.doubled_with_another_id += self.ids[mark] != ident
            return
        self.at[mark], self.ids[mark], self.by[mark] = now, ident, subscription
        self._news.set()


class Asker:
    """Requests to the city over a few connections."""

    def __init__(self, url: str) -> None:
        """Not connected yet."""
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._waiting: asyncio.Queue[tuple[bytes, asyncio.Future[int]]] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self.statuses: Counter[int] = Counter()

    def start(self) -> None:
        """Connect."""
        self._tasks = [asyncio.create_task(self._run()) for _ in range(CONNECTIONS)]

    def stop(self) -> None:
        """Let go."""
        for task in self._tasks:
            task.cancel()

    async def ask(self, method: str, path: str, body: bytes) -> None:
        """Send one request in its turn, and again until it is taken: a city that is pressed says so (503)."""
        head = (
            f"{method} /ngsi-ld/v1/{path} HTTP/1.1\r\nhost: {self._host}:{self._port}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        for _ in range(TRIES):
            done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            self._waiting.put_nowait((head.encode() + body, done))
            status = await done
            self.statuses[status] += 1
            if status != 503:
                return
            await asyncio.sleep(0.1)

    async def _run(self) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        while True:
            request, done = await self._waiting.get()
            writer.write(request)
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                found = _LENGTH.search(head)
                await reader.readexactly(int(found[1]) if found else 0)
                done.set_result(int(head[9:12]))
                if b"\nconnection: close" not in head.lower():
                    continue
            except (asyncio.IncompleteReadError, ConnectionError):
                done.set_result(503)
            writer.close()
            reader, writer = await asyncio.open_connection(self._host, self._port)


async def run(url: str, port: int, many: int, rate: float, seconds: float) -> dict[str, Any]:
    """Write, and listen; what came of it."""
    told, asker = Told(), Asker(url)
    server = await asyncio.start_server(told.hear, "127.0.0.1", port)
    asker.start()
    due = await _write(asker, many, rate, seconds)
    with suppress(TimeoutError):
        async with asyncio.timeout(QUIET_S):
            await told.until(len(due))
    took = sorted(told.at[mark] - when for mark, (when, _) in due.items() if mark in told.at)
    meant = {mark: f"urn:ngsi-ld:Subscription:{number}" for mark, (_, number) in due.items()}
    wrong = sum(told.by[mark] != whose for mark, whose in meant.items() if mark in told.by)
    server.close()
    asker.stop()
    return {
        "statuses": {str(status): count for status, count in asker.statuses.items()},
        "writes": len(due),
        "told": len(told.at),
        "missing": len(due) - len(took),
        "wrong": wrong,
        "doubled": told.doubled,
        "doubled_with_another_id": told.doubled_with_another_id,
        "p50_ms": _at(took, 0.5),
        "p99_ms": _at(took, 0.99),
        "max_ms": _at(took, 1.0),
    }


async def _write(asker: Asker, many: int, rate: float, seconds: float) -> dict[int, tuple[float, int]]:
    """Writes at an even pace, each for a subscription of its own; when each was due, and whose it is."""
    due: dict[int, tuple[float, int]] = {}
    asked: list[asyncio.Task[None]] = []
    began = time.perf_counter()
    for mark, number in enumerate(_order(many, int(rate * seconds))):
        when = began + mark / rate
        if (ahead := when - time.perf_counter()) > 0:
            await asyncio.sleep(ahead)
        due[mark] = when, number
        path = f"entities/urn:ngsi-ld:{kind_of(number)}:{number}/attrs"
        asked.append(asyncio.create_task(asker.ask("PATCH", path, change(number, mark))))
    await asyncio.gather(*asked)
    return due


def _order(many: int, count: int) -> Iterator[int]:
    """Which subscription each write is for: all of them, in no order that anything could be cached by."""
    step = next(one for one in (7_919, 7_907, 7_901) if many % one)
    return (turn * step % many for turn in range(count))


def _at(took: list[float], part: float) -> float:
    return round(took[min(len(took) - 1, int(part * len(took)))] * 1e3, 1) if took else float("inf")


if __name__ == "__main__":
    url, port, many, rate, seconds = sys.argv[1:]
    print(json.dumps(uvloop.run(run(url, int(port), int(many), float(rate), float(seconds)))))
