"""Rows over a city of a million entities: its import, its queries and counts, and batches over HTTP."""

import http.client
import json
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from bench import seeds
from bench.machine import ROOT, Served, environment
from bench.rows import Bench, Row

ASKED_MS: Final = 50.0
STALL_MS: Final = 20.0
IMPORT: Final = 15_000
UPSERT: Final = 2_500
ENTITIES: Final = "/ngsi-ld/v1/entities?"
_CIRCLE: Final = "near;maxDistance==500"


def small(count: int) -> Iterator[dict[str, Any]]:
    """Entities of five attributes, as `create5` of load.lua sends them."""
    draw = random.Random(2)
    for i in range(count):
        yield {
            "id": f"urn:ngsi-ld:Entity:small-{i}",
            "type": "Entity",
            "level": {"type": "Property", "value": draw.randrange(100)},
            "temperature": {
                "type": "Property", "value": round(30 * draw.random(), 2), "unitCode": "CEL",
                "observedAt": "2026-04-01T12:00:00Z",
            },
            "humidity": {"type": "Property", "value": round(draw.random(), 2)},
            "name": {"type": "Property", "value": f"Station {i}"},
            "location": {"type": "GeoProperty", "value": _point(draw)},
        }  # fmt: skip


def _point(draw: random.Random) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [round(3 + draw.random(), 6), round(43 + draw.random(), 6)]}


def imports(bench: Bench) -> Iterator[Row]:
    """`hansa import` of NDJSON into an empty city: entities of five attributes, and of eleven."""
    count = 20_000 if bench.quick else 300_000
    for what, docs in (("five attributes", small(count)), ("eleven attributes, 1.1 kB", seeds.stations(count))):
        yield _imported(bench, bench.data(), what, docs, count)


def _imported(bench: Bench, data: Path, what: str, docs: Iterator[dict[str, Any]], count: int) -> Row:
    file = bench.folder / "import.ndjson"
    with file.open("wb") as out:
        out.writelines(orjson.dumps(doc) + b"\n" for doc in docs)
    began = time.monotonic()
    told = subprocess.run(
        [sys.executable, "-m", "hansa", "import", str(file), "--data", str(data)],
        env=environment(bench.folder), cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    rate = count / (time.monotonic() - began)
    file.unlink()
    taken = int(re.sub(r"\D", "", told.split(" taken")[0]))
    return Row(
        row=f"import of {count:,} entities of {what}",
        asked=f"{IMPORT:,}/s",
        measured=f"{rate:,.0f}/s, {taken:,} taken",
        floor=None,
        ratio=None,
        ok=rate >= IMPORT and taken == count,
        how="hansa import of an NDJSON file into an empty city, from its start to its end, on all cores",
    )


def million(bench: Bench) -> Iterator[Row]:
    """Queries, counts and places over a million entities, and what else they hold up; then batches over HTTP."""
    count = 20_000 if bench.quick else 1_000_000
    data = bench.data()
    yield _imported(bench, data, "eleven attributes, for the rows below", seeds.stations(count), count)
    times = 40 if bench.quick else 200
    draw = random.Random(3)
    with Served(bench.folder, data) as served:
        for what, asked in _queries(draw).items():
            yield _asked(served, f"{what}, {count:,} entities", asked, times)
        yield _upserts(served, bench)


def _queries(draw: random.Random) -> dict[str, Callable[[], str]]:
    """What is asked, and how: each time of another place or value."""

    def asks(**said: Any) -> str:
        return ENTITIES + urlencode({"type": "Entity", "limit": 20, **said})

    def around() -> str:
        west, south = 3 + draw.random(), 43 + draw.random()
        ring = [
            [west, south],
            [west + 0.006, south],
            [west + 0.006, south + 0.0045],
            [west, south + 0.0045],
            [west, south],
        ]
        return json.dumps([ring], separators=(",", ":"))

    return {
        "GET by id": lambda: f"/ngsi-ld/v1/entities/urn:ngsi-ld:Entity:load-{draw.randrange(20_000)}",
        "query type+q, 1 %": lambda: asks(q=f"level=={draw.randrange(100)}"),
        "query type+q, 50 %": lambda: asks(q="level<50"),
        "query type+q, 1 %, with count": lambda: asks(q=f"level=={draw.randrange(100)}", count="true"),
        "count of half a million": lambda: asks(q="level<50", count="true", limit=0),
        "count of all": lambda: asks(count="true", limit=0),
        "near, 500 m": lambda: asks(
            georel=_CIRCLE, geometry="Point", coordinates=json.dumps(_point(draw)["coordinates"])
        ),
        "within 500 m": lambda: asks(georel="within", geometry="Polygon", coordinates=around()),
        "near, 500 m, counted": lambda: asks(
            georel=_CIRCLE, geometry="Point", coordinates=json.dumps(_point(draw)["coordinates"]), count="true"
        ),
    }


def _asked(served: Served, what: str, asked: Callable[[], str], times: int) -> Row:
    host = served.url.removeprefix("http://")
    took, longest = [], _Longest(host)
    talk = http.client.HTTPConnection(host, timeout=60)
    with longest:
        for _ in range(times):
            began = time.perf_counter()
            talk.request("GET", asked())
            answer = talk.getresponse()
            body = answer.read()
            took.append(1e3 * (time.perf_counter() - began))
            if answer.status != 200:
                raise RuntimeError(f"{what}: {answer.status} {body[:300]!r}")
    talk.close()
    took.sort()
    p95 = took[int(0.95 * len(took))]
    return Row(
        row=what,
        asked=f"p95 < {ASKED_MS:.0f} ms, no stall over {STALL_MS:.0f} ms",
        measured=f"p50 {took[len(took) // 2]:.1f} ms, p95 {p95:.1f} ms; a GET beside it waits {longest.p99:.1f} ms at "
        f"p99, {longest.most:.1f} ms at most",
        floor=None,
        ratio=None,
        ok=p95 < ASKED_MS and longest.p99 < STALL_MS,
        how=f"one connection, {times} times, each of another value or place; beside it another that asks for one "
        "entity, again and again: what it waits is what the event loop was held up, and the machine",
    )


class _Longest:
    """Asks for the smallest answer again and again, and notes how long it waits."""

    def __init__(self, host: str) -> None:
        self._talk = http.client.HTTPConnection(host, timeout=60)
        self._took: list[float] = []
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()
        self._talk.close()
        self._took.sort()

    @property
    def most(self) -> float:
        return self._took[-1] if self._took else 0.0

    @property
    def p99(self) -> float:
        return self._took[int(0.99 * len(self._took))] if self._took else 0.0

    def _run(self) -> None:
        while not self._ends.wait(0.003):
            began = time.perf_counter()
            with suppress(OSError):
                self._talk.request("GET", "/ngsi-ld/v1/entities/urn:ngsi-ld:Entity:load-1")
                self._talk.getresponse().read()
            self._took.append(1e3 * (time.perf_counter() - began))


def _upserts(served: Served, bench: Bench) -> Row:
    """Batch upsert, half of it new."""
    host = served.url.removeprefix("http://")
    size, batches = 250, 8 if bench.quick else 60
    docs = list(small(size * batches // 2))
    bodies = [json.dumps(docs[i : i + size]).encode() for i in range(0, len(docs), size)] * 2
    left, lock, faults = list(bodies), threading.Lock(), []

    def work() -> None:
        talk = http.client.HTTPConnection(host, timeout=60)
        while True:
            with lock:
                if not left:
                    return
                body = left.pop()
            talk.request("POST", "/ngsi-ld/v1/entityOperations/upsert", body, {"content-type": "application/json"})
            answer = talk.getresponse()
            answer.read()
            if answer.status not in {201, 204}:
                faults.append(answer.status)

    began = time.monotonic()
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = size * len(bodies) / (time.monotonic() - began)
    return Row(
        row="batch upsert over HTTP",
        asked=f"{UPSERT:,} entities/s",
        measured=f"{rate:,.0f}/s" + (f", faults {faults[:3]}" if faults else ""),
        floor=None,
        ratio=None,
        ok=rate >= UPSERT and not faults,
        how=f"4 connections, {size} entities of five attributes a request, durable; half of them are new",
    )
