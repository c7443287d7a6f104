"""Rows of a rule tried on what was: 30 days of 1,000 series with a value every five minutes, through the door."""

import math
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx

from bench.machine import Served
from bench.rows import Bench, Row
from hansa import clock
from hansa.model.change import Change, Write
from hansa.platform.sqlite import SqliteStore

STEP: Final = 300 * clock.SECOND
DAYS: Final = 30
_OF: Final = "temperature of WeatherObserved"
RULES: Final = (
    (
        "a limit with hysteresis and a hold-off",
        f"when {_OF} is below -1 degC with hysteresis 1 degC for 30 min raise 'x'",
    ),
    (
        "a mean of three hours, at night",
        f"when mean of {_OF} over 3 h is below 0 degC and the time is between 20:00 and 08:00 raise 'x'",
    ),
    ("a slope", f"when {_OF} falls faster than 2 degC per h over 1 h raise 'x'"),
    (
        "at least two neighbours within 5 km",
        f"when {_OF} is below 2 degC for 10 min and at least 2 neighbours within 5 km are also below 3 degC raise 'x'",
    ),
)


def trial(bench: Bench) -> Iterator[Row]:
    """A rule tried on 8.64 million values, as an operator tries it: through the door, looking at its progress."""
    many = 50 if bench.quick else 1_000
    data = bench.data()
    begin, values = _made(data, many)
    span = {"from": clock.text(begin), "to": clock.text(begin + DAYS * 288 * STEP)}
    with Served(bench.folder, data, core=None) as served:
        for what, rule in RULES:
            took, looks, found = _tried(served.url, {"rule": rule, **span})
            result = found["result"]
            yield Row(
                row=f"a rule tried on 30 days of {many:,} series: {what}",
                asked="< 20 s, with progress",
                measured=f"{took:.1f} s, {found['cpu_s']:.1f} s of CPU, progress told {looks} times, "
                f"{result['rings']:,} rings",
                floor=None,
                ratio=None,
                ok=took < 20.0,
                how=f"{values:,} values; POST /desk/trials, then asked every 0.2 s; one process of its own",
            )


def _tried(url: str, said: dict[str, Any]) -> tuple[float, int, dict[str, Any]]:
    with httpx.Client(base_url=url, trust_env=False, timeout=60, headers={"x-hansa": "page"}) as client:
        began = time.monotonic()
        ident = client.post("/desk/trials", json=said).raise_for_status().json()["id"]
        seen: set[float] = set()
        while True:
            found = client.get(f"/desk/trials/{ident}").raise_for_status().json()
            if found["state"] not in {"waiting", "running"}:
                assert found["state"] == "done", found
                return time.monotonic() - began, len(seen), found
            seen.add(found["progress"])
            time.sleep(0.2)


def _made(data: Path, many: int) -> tuple[int, int]:
    """Make the city: its stations through the store, their history straight into the table."""
    store = SqliteStore(data / "open.db")
    begin = (time.time_ns() // 1_000 // STEP - DAYS * 288) * STEP
    draw = random.Random(1)
    last = {"type": "Property", "value": 5.0, "unitCode": "CEL", "observedAt": clock.text(begin)}

    def station(i: int) -> dict[str, Any]:
        place = [17 + draw.random() / 2, 48 + draw.random() / 3]
        return {
            "id": f"urn:ngsi-ld:WeatherObserved:s{i:04}",
            "type": "WeatherObserved",
            "temperature": last,
            "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": place}},
        }

    try:
        writes = (Write("create", one["id"], one) for one in map(station, range(many)))
        for outcome in store.load(writes, "bench", begin):
            assert isinstance(outcome, Change)
        n, u = store.names.number("temperature"), store.names.number("CEL")
        for (e,) in list(store.db.execute("SELECT e FROM entity WHERE id LIKE 'urn:ngsi-ld:WeatherObserved:%'")):
            given = {"e": e, "n": n, "u": u, "begin": begin, "step": STEP, "many": DAYS * 288, "turn": math.tau / 288}
            with store.db:
                store.db.execute("DELETE FROM history WHERE e = ?", (e,))
                store.db.execute(_FILL, given)
        store.db.pragma("wal_checkpoint(TRUNCATE)")
        return begin, int(next(iter(store.db.execute("SELECT count(*) FROM history WHERE n = ?", (n,))))[0])
    finally:
        store.close()


# A day's course, weather that passes over the city, and noise: nights with frost at some stations.
_FILL: Final = (
    "WITH RECURSIVE t(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM t WHERE i < :many - 1) "
    "INSERT INTO history SELECT :e, :n, 0, :begin + i * :step, 2 + i, round(6 - 5 * cos(i % 288 * :turn) "
    "+ 4 * sin(i / 700.0 + :e * 0.01) + ((i * 7919 + :e * 31) % 200 - 100) / 100.0, 2), :u, NULL FROM t"
)
