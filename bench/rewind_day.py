"""A day with five million Changes, made fast: the log as a city would have written it, and the state it came to.

Of 10,000 entities: 8,000 stations with three readings each, 1,700 vehicles that move, 300 alarms that come and go, and
acts of people. Rows of the log are packed as the store packs them and put in by the table; history is left out, for
rewind reads the log alone.
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from hansa import clock
from hansa.model.change import Change, Part, Write
from hansa.model.entity import Doc  # a bench is no library
from hansa.platform import codec
from hansa.platform.sqlite import SqliteStore
from hansa.platform.sqlite.plan import type_word

BEGIN: Final = clock.parse("2026-04-01T00:00:00Z")
DAY: Final = 86_400 * clock.SECOND
_READ: Final = ("temperature", "relativeHumidity", "windSpeed")
_PILE: Final = 20_000


def _number(value: float, at: int, unit: str | None = None) -> Doc:
    one: Doc = {"type": "Property", "value": value, "observedAt": clock.text(at)}
    return one if unit is None else {**one, "unitCode": unit}


def _place(x: float, y: float) -> Doc:
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [round(x, 5), round(y, 5)]}}


def _docs(rng: random.Random) -> Iterator[Doc]:
    at = BEGIN
    for i in range(8_000):
        yield {
            "id": f"urn:ngsi-ld:WeatherObserved:s{i:04}", "type": "WeatherObserved",
            "name": {"type": "Property", "value": f"Station {i}"},
            "location": _place(17.0 + rng.random() / 3, 48.0 + rng.random() / 3),
            "temperature": _number(10.0, at, "CEL"), "relativeHumidity": _number(0.7, at),
            "windSpeed": _number(2, at, "MTS"),
        }  # fmt: skip
    for i in range(1_700):
        yield {
            "id": f"urn:ngsi-ld:Vehicle:v{i:04}", "type": "Vehicle", "name": {"type": "Property", "value": f"Bus {i}"},
            "location": _place(17.0 + rng.random() / 3, 48.0 + rng.random() / 3), "speed": _number(0.0, at, "KMH"),
        }  # fmt: skip
    for i in range(300):
        yield {
            "id": f"urn:ngsi-ld:Alert:a{i:03}", "type": "Alert", "category": {"type": "Property", "value": "weather"},
            "severity": {"type": "Property", "value": "high"}, "status": {"type": "Property", "value": "closed"},
            "alertSource": {"type": "Relationship", "object": f"urn:ngsi-ld:WeatherObserved:s{i:04}"},
        }  # fmt: skip


def made(path: Path, many: int) -> None:
    """Write a store with `many` Changes in a day at `path`."""
    rng = random.Random(5)  # no secret
    store = SqliteStore(path)
    docs = list(_docs(rng))
    for outcome in store.load((Write("create", one["id"], one) for one in docs), "bench", BEGIN):
        assert isinstance(outcome, Change)
    db, names = store.db, store.names
    actors = ("device:gateway", "app:watch", "person:anna")
    for word in (*actors, "type"):
        names.intern(word)
    with db:
        names.flush()
    names.settled(committed=True)
    held = [[e, seq] for e, seq in db.execute("SELECT e, seq FROM entity ORDER BY e LIMIT ?", (len(docs),))]
    kinds = [names.number(type_word("", one["type"])) for one in docs]
    seq = store.head()
    rows: list[tuple[Any, ...]] = []
    step = DAY / many
    db.pragma("wal_autocheckpoint", 20_000)
    for k in range(many - seq):
        at = BEGIN + int((k + 1) * step)
        draw = rng.random()
        who = actors[0]
        if draw < 0.78:
            i, name = rng.randrange(8_000), _READ[k % 3]
            old = docs[i][name]
            new = _number(round(old["value"] + rng.uniform(-0.5, 0.5), 1), at - 700_000, old.get("unitCode"))
            parts = [Part(name, None, "updated", old, new)]
            docs[i][name] = new
        elif draw < 0.9995:
            i = 8_000 + rng.randrange(1_700)
            one = docs[i]
            x, y = one["location"]["value"]["coordinates"]
            there = _place(x + rng.uniform(-0.001, 0.001), y + rng.uniform(-0.001, 0.001))
            speed = _number(round(rng.uniform(0, 60), 1), at - 500_000, "KMH")
            parts = [
                Part("location", None, "updated", one["location"], there),
                Part("speed", None, "updated", one["speed"], speed),
            ]  # fmt: skip
            one["location"], one["speed"] = there, speed
        else:
            i, who = 9_700 + rng.randrange(300), actors[1 + k % 2]
            old = docs[i]["status"]
            new = {"type": "Property", "value": "closed" if old["value"] == "open" else "open"}
            parts = [Part("status", None, "updated", old, new)]
            docs[i]["status"] = new
        e, last = held[i]
        seq += 1
        body = codec.pack_change(parts, who, None, 0, 0, at, names.intern)
        rows.append((seq, e, at, last, body, kinds[i]))
        held[i][1] = seq
        if len(rows) == _PILE:
            _put(db, rows)
    _put(db, rows)
    store.close()
    _settle(path, docs, held)


def _put(db: Any, rows: list[tuple[Any, ...]]) -> None:
    with db:
        db.executemany("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)", rows)
    rows.clear()


def _settle(path: Path, docs: list[Doc], held: list[list[int]]) -> None:
    """State and indexes as the log says: the newest Change of each entity, its document."""
    import orjson

    store = SqliteStore(path)
    with store.db:
        rows = [(orjson.dumps(doc), seq, e) for doc, (e, seq) in zip(docs, held, strict=True)]
        store.db.executemany("UPDATE entity SET doc = ?, seq = ? WHERE e = ?", rows)
    store.db.pragma("wal_checkpoint(TRUNCATE)")
    store.close()
