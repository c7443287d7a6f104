"""Rows over HTTP: a large city's start, and its reads and writes beside a floor of the same run."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from bench.machine import CITY_CORE, LOAD_CORE, Served, cpu_s, end, on_core, python
from bench.rows import Bench, Row, skipped

CONNECTIONS: Final = 64
RATIO: Final = 0.6
MODES: Final = {  # mode of load.lua: what it is, how many a second are asked, the status of a good answer
    "get": ("GET by id", 11_000, "200"),
    "query": ("query type+q limit 20, 1 % match", 4_000, "200"),
    "query50": ("query type+q limit 20, half match", 4_000, "200"),
    "patchattr": ("PATCH one attribute, durable", 3_000, "204"),
    "create5": ("POST five attributes, durable", 2_500, "201"),
}


def ready(bench: Bench) -> Iterator[Row]:
    """`hansa serve` on an existing city, three starts, the slowest."""
    data = bench.large()
    took = []
    for _ in range(3):
        with Served(bench.folder, data) as served:
            took.append(served.ready_s)
            assert served.health()["realms"]["open"]["seq"] >= bench.entities
    slowest = max(took)
    yield Row(
        row=f"ready on {bench.entities:,} entities",
        asked="≤ 3 s",
        measured=f"{slowest:.2f} s",
        floor=None,
        ratio=None,
        ok=slowest <= 3,
        how="from the start of the process to its last line of where it is; one core; slowest of three",
    )


def http(bench: Bench) -> Iterator[Row]:
    """Each mode against hansa and against the floor, one after the other, both on the same core."""
    how = f"wrk, {CONNECTIONS} connections, {bench.entities:,} entities; one core each for the server and for wrk"
    if shutil.which("wrk") is None:
        for what, asked, _ in MODES.values():
            yield skipped(what, f"{asked:,}/s and ≥ {RATIO} of the floor", "wrk is not installed", how)
        return
    mine, theirs = bench.large(), bench.large()
    floor = python(bench.folder, CITY_CORE, "-m", "bench.floor", "serve", str(theirs / "open.db"))
    try:
        assert floor.stdout is not None
        floor_url = f"http://127.0.0.1:{int(floor.stdout.readline())}"
        with Served(bench.folder, mine) as served:
            for mode, (what, asked, good) in MODES.items():
                below = _wrk(bench, floor_url, mode, [floor.pid])
                above = _wrk(bench, served.url, mode, served.pids)
                yield _row(what, asked, good, above=above, below=below, how=how)
    finally:
        end(floor)


def _row(what: str, asked: int, good: str, *, above: dict[str, Any], below: dict[str, Any], how: str) -> Row:
    wanted = f"{asked:,}/s and ≥ {RATIO} of the floor"
    for who, one in (("hansa", above), ("the floor", below)):
        if set(one["statuses"]) != {good} or one["lost"]:
            return skipped(what, wanted, f"{who} answered {one['statuses']}, {one['lost']} lost", how)
    ratio = above["rate"] / below["rate"]
    return Row(
        row=what,
        asked=wanted,
        measured=f"{above['rate']:,.0f}/s, p50 {above['p50_ms']:.1f} ms, p99 {above['p99_ms']:.1f} ms, "
        f"{above['cpu_us']:.0f} us of CPU each",
        floor=f"{below['rate']:,.0f}/s, {below['cpu_us']:.0f} us each",
        ratio=round(ratio, 2),
        ok=above["rate"] >= asked and ratio >= RATIO,
        how=how,
    )


def _wrk(bench: Bench, url: str, mode: str, pids: list[int]) -> dict[str, Any]:
    before = cpu_s(pids)
    seconds = 3 if bench.quick else 10
    script = str(Path(__file__).with_name("load.lua"))
    said = subprocess.run(
        [
            *on_core(LOAD_CORE), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "20s", "-s", script,
            url, "--", mode, str(bench.entities),
        ],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    found = next((line[7:] for line in said.splitlines() if line.startswith("RESULT ")), None)
    if found is None:
        raise RuntimeError(f"wrk said nothing of use: {said[-500:]}")
    result: dict[str, Any] = json.loads(found)
    spent = sum(cpu_s(pids)) - sum(before)
    # CPU says the same on a machine that is busy with other things; a rate does not.
    return result | {"cpu_us": 1e6 * spent / max(1.0, result["rate"] * seconds)}
