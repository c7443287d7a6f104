"""Cities to measure: devices enrolled, entities of the HTTP rows, a log that the rules have not seen."""

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from bench import hot
from hansa import app as apps
from hansa.analytics.rules import pack_place
from hansa.collect import Profile, json_plain
from hansa.model.change import Refused, Write
from hansa.model.context import CORE
from hansa.model.wire import entity_in
from hansa.platform.intake import credential_write, shown_write
from hansa.platform.sqlite import SqliteStore
from hansa.platform.store import Item
from hansa.trust.devices import Device, Devices

PROFILE: Final = Profile.from_json(
    {
        "name": "bench",
        "type": "BenchStation",
        "interval_s": 600,
        "channels": {
            "temperature": {"name": "temperature", "unit": "CEL", "low": -60, "high": 60},
            "humidity": {"name": "relativeHumidity", "low": 0, "high": 1},
            "pressure": {"name": "atmosphericPressure", "unit": "A97", "low": 800, "high": 1100},
        },
    }
)
SECOND: Final = 1_000_000


def devices(data: Path, count: int) -> Path:
    """Enrol `count` devices in a sleeping city; the file with their names and secrets."""
    now = time.time_ns() // 1_000
    known = Devices()
    secrets: dict[str, str] = {}
    writes: list[Write] = []
    for one in enrolled(known, count, secrets):
        writes += [credential_write(one), shown_write(one)]
    _load(data, writes, now)
    file = data / "secrets.json"
    file.write_text(json.dumps(secrets))
    return file


def enrolled(known: Devices, count: int, secrets: dict[str, str]) -> Iterator[Device]:
    """Devices that have their secrets and may speak."""
    now = time.time_ns() // 1_000
    for i in range(count):
        name = f"s{i:05d}"
        _, claim = known.enrol(name, PROFILE, now)
        device, secret = known.exchange(name, claim, now)
        known.settle(device, secret)
        secrets[name] = secret
        yield device


def entities(data: Path, count: int) -> float:
    """Import `count` entities of the HTTP rows into a sleeping city; how many a second that were."""
    began = time.monotonic()
    writes = (Write("upsert", doc["id"], doc) for doc in (entity_in(one, CORE) for one in stations(count)))
    _load(data, writes, time.time_ns() // 1_000)
    return count / (time.monotonic() - began)


def load(data: Path, some: Iterator[dict[str, Any]]) -> None:
    """Import entities (normalized NGSI-LD) into a sleeping city."""
    writes = (Write("upsert", doc["id"], doc) for doc in (entity_in(one, CORE) for one in some))
    _load(data, writes, time.time_ns() // 1_000)


def _load(data: Path, writes: Any, at: int) -> None:
    data.mkdir(parents=True, exist_ok=True)
    store = SqliteStore(data / "open.db")
    try:
        for outcome in store.load(writes, "bench", at):
            if isinstance(outcome, Refused):
                raise outcome.error
    finally:
        store.close()


def stations(count: int) -> Iterator[dict[str, Any]]:
    """Entities of load.lua's shape: 1.1 kB, plain, nested and several-instance Properties, a Relationship, a place."""
    draw = random.Random(1)  # the same city in every run
    for i in range(count):
        ident = f"urn:ngsi-ld:Entity:load-{i}"
        yield {
            "id": ident,
            "type": "Entity",
            "name": {"type": "Property", "value": f"Name of station {ident}"},
            "description": {"type": "Property", "value": "A short description of this station"},
            "stationCode": {"type": "Property", "value": f"S{draw.randrange(10_000):04d}"},
            "level": {"type": "Property", "value": draw.randrange(100)},
            "ammonium": [_sample(round(draw.random(), 2), "M1", x) for x in ("Bottom", "Surface")],
            "dissolvedOxygen": {
                "type": "Property",
                "value": round(8 + draw.random(), 2),
                "observedAt": "2026-04-01T10:00:00Z",
                "unitCode": "M1",
                "sandreCode": {"type": "Property", "value": "1311"},
            },
            "waterTemperature": [_sample(round(9 + 4 * draw.random(), 1), "CEL", x) for x in ("Bottom", "Surface")],
            "servesDataset": {"type": "Relationship", "object": "urn:ngsi-ld:Dataset:SurfaceWaterMonitoring"},
            "location": {
                "type": "GeoProperty",
                "value": {
                    "type": "Point",
                    "coordinates": [round(3 + draw.random(), 6), round(43 + draw.random(), 6)],
                },
            },
        }


def _sample(value: float, unit: str, dataset: str) -> dict[str, Any]:
    return {
        "type": "Property",
        "value": value,
        "observedAt": "2026-04-01T12:00:00Z",
        "unitCode": unit,
        "datasetId": f"urn:ngsi-ld:Dataset:{dataset}",
    }


def readings(store: SqliteStore, count: int, *, attributes: int = 1, stations_: int = 1_000, batch: int = 1_000) -> int:
    """Commit `count` messages of devices straight through the store, ten minutes apart; how many Changes they made.

    Each of `attributes` values (1 or 3) a message.
    """
    known = Devices()
    sources = [(one.actor, one.source) for one in enrolled(known, stations_, {})]
    draw = random.Random(2)
    rounds = -(-count // stations_)
    begin = (time.time_ns() // 1_000 // SECOND - rounds * 600) * SECOND
    at = made = 0
    items: list[Item] = []

    def flush() -> None:
        nonlocal made
        for result in store.commit(items, at):
            if isinstance(result, Exception):
                raise result
            made += len(result)
        items.clear()

    for n in range(count):
        turn, i = divmod(n, stations_)
        at = begin + turn * 600 * SECOND + i * 600_000
        said: dict[str, Any] = {"temperature": temperature(i, turn), "at": at // SECOND}
        if attributes > 1:
            said |= {"humidity": round(draw.random(), 2), "pressure": round(950 + 80 * draw.random(), 1)}
        actor, source = sources[i]
        items.append(Item(json_plain.reading(said, source, at).writes, actor))
        if len(items) >= batch:
            flush()
    if items:
        flush()
    return made


def temperature(station: int, turn: int) -> float:
    """The value of one reading: 5 to 25 °C, and every tenth of a station 25 °C more, which the bench's rule hears."""
    cool = 5 + (station * 7_919 + turn * 104_729) % 2_000 / 100
    return round(cool + 25 if (turn + station) % 10 == 0 else cool, 2)


def backlog(data: Path, count: int) -> int:
    """A city whose rules have seen nothing of `count` Changes; how many there are."""
    data.mkdir(parents=True, exist_ok=True)
    store = SqliteStore(data / "open.db")
    try:
        found, _ = apps.installed()
        # The bench's own app is found by the city's processes alone.
        places = {f"app:{name}": pack_place(0) for name in (*(one.name for one in found), hot.NAME)}
        store.commit([Item([], "bench", places=places)], 1)
        return readings(store, count, batch=2_000)
    finally:
        store.close()
