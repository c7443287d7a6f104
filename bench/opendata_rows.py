"""Rows over open data: a million rows on a page in Chromium, as CSV with the city's memory watched, as Parquet."""

import json
import os
import shutil
import statistics
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from bench.machine import Served
from bench.rows import Bench, Row, skipped

MANY: Final = 1_000_000
FIRST_S: Final = 2.0
RATE: Final = 20.0  # MB/s
PARQUET_S: Final = 1.0
_PART: Final = 1 << 20
_KEY: Final = "weather"
_ASKED: Final = ("page to first plot under 2 s", "streams at 20 MB/s with flat memory", "under 1 s")
_HOW: Final = "`hansa bench opendata`: a released dataset of stations by the minute (id, time, temperature, lon, lat)"


def opendata(bench: Bench) -> Iterator[Row]:
    """Publish a table of a million rows, then take it as people do."""
    many = 50_000 if bench.quick else MANY
    data = bench.data()
    with Served(bench.folder, data, core=None) as served:
        _publish(served, data, many)
        yield _plotted(served, many)
        yield from _taken(served, many)


def _publish(served: Served, data: Path, many: int) -> None:
    """What two people have agreed on and want released, said at the importers' door."""
    from hansa.cli.demo import opendata as demo
    from hansa.platform.tables.engine import Engine

    source = (
        "(SELECT 's' || (i % 50) AS id, TIMESTAMP '2026-01-01' + to_minutes(CAST(i // 50 AS INTEGER)) AS time, "
        "round(10 + 8 * sin(i / 72000.0) + (i % 50) / 10.0 + (hash(i) % 100) / 50.0, 2) AS temperature, "
        f"17.05 + (i % 50) / 500.0 AS lon, 48.1 + (i % 50) / 700.0 AS lat FROM range({many}) AS t(i))"
    )
    types = {"id": "text", "time": "time", "temperature": "number", "lon": "number", "lat": "number"}
    engine = Engine(data / "tables")
    made = engine.make(source, types, [])
    engine.close()
    now = time.time_ns() // 1_000
    seed = next(iter(demo.records(now)))
    said = {name: {"type": "Property", "value": value} for name, value in _dataset(made.sha256, types).items()}
    doc = seed["doc"] | said | {"id": f"urn:ngsi-ld:Dataset:{_KEY}", "type": "Dataset"}
    write = {"kind": "say", "id": doc["id"], "doc": doc, "label": seed["label"]}
    answer = _asked(served, "/admin/import", [write])
    if answer.get("refused"):
        raise RuntimeError(f"the city refuses the dataset: {answer['refused']}")
    end = time.monotonic() + 300
    while not _answers(served, f"/data/{_KEY}.parquet"):
        if time.monotonic() > end:
            raise RuntimeError("the city made no release within five minutes")
        time.sleep(0.5)


def _dataset(sha256: str, types: dict[str, str]) -> dict[str, Any]:
    columns = [{"name": name, "unit": "", "says": {"en": name}} for name in types]
    return {
        "title": {"en": "Weather by the minute"},
        "source": {"kind": "table", "sha256": sha256},
        "steps": [],
        "guard": {"kind": "none"},
        "dictionary": columns,
        "wanted": {"version": 1, "for": "release", "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())},
    }


def _asked(served: Served, path: str, said: Any) -> dict[str, Any]:
    request = urllib.request.Request(
        served.url + path, json.dumps(said).encode(), {"content-type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: dict[str, Any] = json.loads(answer.read())
    return found


def _answers(served: Served, path: str) -> bool:
    try:
        with urllib.request.urlopen(served.url + path, timeout=60) as answer:
            return int(answer.headers["content-length"]) > 0
    except urllib.error.HTTPError:
        return False


def _plotted(served: Served, many: int) -> Row:
    """From asking for the page to the plot in it, in a new browser context each time: nothing is cached there."""
    row = f"open data: {many:,} rows, page to first plot"
    chromium = os.environ.get("HANSA_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        return skipped(row, _ASKED[0], "no Chromium here", _HOW)
    from playwright.sync_api import sync_playwright

    took = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
        for _ in range(7):
            page = browser.new_context().new_page()
            began = time.perf_counter()
            page.goto(f"{served.url}/en/data/explore?d={_KEY}", wait_until="commit")
            page.wait_for_selector("svg.plot, figure svg", state="visible")
            took.append(time.perf_counter() - began)
            page.context.close()
        browser.close()
    first, rest = took[0], took[1:]
    return Row(
        row=row,
        asked=_ASKED[0],
        measured=f"first {first:.2f} s (the process that answers begins), then p50 {statistics.median(rest):.2f} s, "
        f"worst {max(rest):.2f} s",
        floor=None,
        ratio=None,
        ok=max(took) < FIRST_S,
        how=_HOW + "; Chromium without cache, on the same cores",
    )


def _taken(served: Served, many: int) -> Iterator[Row]:
    """The files: made with the first that asks, then streamed."""
    first_s, size, _ = _read(served, f"/data/{_KEY}.csv")
    before = _memory(served)
    took, most = [], 0.0
    for _ in range(5):
        seconds, size, peak = _read(served, f"/data/{_KEY}.csv")
        took.append(seconds)
        most = max(most, peak - before)
    rate = size / 1e6 / statistics.median(took)
    yield Row(
        row=f"open data: {many:,} rows as CSV ({size / 1e6:.0f} MB)",
        asked=_ASKED[1],
        measured=f"{rate:,.0f} MB/s; the first, which makes the file, {size / 1e6 / first_s:.0f} MB/s; "
        f"the city grows by {most / 1e3:.1f} MB while it streams",
        floor=None,
        ratio=None,
        ok=size / 1e6 / first_s >= RATE and rate >= RATE and most < 32_000,
        how=_HOW,
    )
    seconds, size, _ = _read(served, f"/data/{_KEY}.parquet")
    yield Row(
        row=f"open data: {many:,} rows as Parquet ({size / 1e6:.1f} MB)",
        asked=_ASKED[2],
        measured=f"{seconds:.3f} s",
        floor=None,
        ratio=None,
        ok=seconds < PARQUET_S,
        how=_HOW,
    )


def _read(served: Served, path: str) -> tuple[float, int, float]:
    """Seconds, bytes, and the most memory (kB, PSS) that the city had meanwhile."""
    size, peak, looked = 0, 0.0, 0
    began = time.perf_counter()
    with urllib.request.urlopen(served.url + path, timeout=120) as answer:
        while part := answer.read(_PART):
            size += len(part)
            if size - looked > 8 * _PART:
                looked, peak = size, max(peak, _memory(served))
    return time.perf_counter() - began, size, peak


def _memory(served: Served) -> float:
    lines = Path(f"/proc/{served.pid}/smaps_rollup").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("Pss:")))
