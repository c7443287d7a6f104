"""The row of subscriptions: how long from a write to whoever wanted to hear of it, among thousands who did not."""

import json
import socket
from collections.abc import Iterator
from typing import Any, Final

from bench.machine import LOAD_CORE, Served, cpu_s, end, pss_mb, python
from bench.rows import Bench, Row
from bench.subscribers import subscribe

SUBSCRIPTIONS: Final = 10_000
RATE: Final = 500
P99_MS: Final = 1_000.0


def subscriptions(bench: Bench) -> Iterator[Row]:
    """All of them at rest, then 500 writes a second, each for one of them."""
    many, seconds = (1_000, 3) if bench.quick else (SUBSCRIPTIONS, 12)
    data = bench.data()
    (data / "hansa.toml").write_text('[serve]\negress_allow = ["127.0.0.0/8"]\n')
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = subscribe(data, many, port)
    with Served(bench.folder, data) as served:
        before_s = cpu_s([served.pid])[0]
        words = [served.url, str(port), str(many), str(RATE), str(seconds)]
        crowd = python(bench.folder, LOAD_CORE, "-m", "bench.subscribers", *words)
        try:
            said, _ = crowd.communicate(timeout=90)
        finally:
            end(crowd)
        if crowd.returncode:
            raise RuntimeError(f"the subscribers ended with {crowd.returncode}")
        took_s = cpu_s([served.pid])[0] - before_s
        memory = pss_mb([served.pid])
        waiting = served.health()["realms"]["open"]["notifications_waiting"]
    one: dict[str, Any] = json.loads(said)
    how = (
        f"bench/subscribers.py: {many:,} subscriptions (by id 30 %, equality 30 %, a band of numbers 20 %, a pattern "
        f"of ids 10 %, a circle 10 %), {RATE}/s PATCH for {seconds} s, 20 endpoints; one core each for both sides"
    )
    yield Row(
        row=f"write to delivery, {many:,} subscriptions, {RATE} writes/s, one match a write",
        asked="at least once, stable id, p99 < 1 s",
        measured=f"p50 {one['p50_ms']:,.0f} ms, p99 {one['p99_ms']:,.0f} ms, at most {one['max_ms']:,.0f} ms; "
        f"{one['told']:,} of {one['writes']:,} told, {one['doubled']} doubled, {one['wrong']} to the wrong one; "
        f"{one['statuses'].get('503', 0)} refused at first; {took_s:.1f} s of CPU in all, {memory:.0f} MB",
        floor=None,
        ratio=None,
        ok=one["p99_ms"] < P99_MS
        and not one["missing"]
        and not one["wrong"]
        and not one["doubled"]
        and not waiting
        and one["statuses"].get("204") == one["writes"],
        how=how,
    )
    yield Row(
        row="subscriptions made",
        asked="reported",
        measured=f"{made:,.0f}/s, durable; ready on {many:,} of them in {served.ready_s:.1f} s",
        floor=None,
        ratio=None,
        ok=None,
        how=how,
    )
