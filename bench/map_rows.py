"""The operators' map in a real browser: 100,000 live points of which a thousand a second move."""

import importlib
import json
import os
import random
import shutil
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from bench import seeds
from bench.machine import Served, cpu_s, end, pss_mb, python
from bench.map_crowd import moved
from bench.rows import Bench, Row, skipped

FIRST_S, LONGEST_MS, TAB_MB = 3.0, 100.0, 500.0
RATE: Final = 1_000
# Both WebGL and the page's own layers by SwiftShader: a machine without a graphics card.
ARGS: Final = [
    "--headless", "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
]  # fmt: skip
_WATCH: Final = """
window.longs = [];
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.longs.push([one.startTime, one.duration]);
}).observe({ type: "longtask", buffered: true });
"""
_FIRST: Final = "() => performance.getEntriesByName('hansa-first-picture')[0]?.startTime"


def map_(bench: Bench) -> Iterator[Row]:
    """The door of points, and what a tab of it takes while it is moved and zoomed."""
    many = 10_000 if bench.quick else 100_000
    data = bench.data()
    fill(data, many)
    with Served(bench.folder, data, None) as served:
        took = sorted(_read(served.url) for _ in range(3))
        yield Row(
            row=f"/map/points of {many:,}",
            asked="about 1 s",
            measured=f"{statistics.median(took):.2f} s",
            floor=None,
            ratio=None,
            ok=statistics.median(took) <= 1.5,
            how="median of three reads of all columns, over HTTP, with the administrator's sight",
        )
        yield from _tab(bench, served, many)


def fill(data: Path, many: int) -> None:
    """A city with so many vehicles."""
    draw = random.Random(1)
    at = "2026-04-01T10:00:00Z"
    some = (moved(i, draw, at) | {"name": {"type": "Property", "value": f"Vehicle {i}"}} for i in range(many))
    seeds.load(data, some)


def _read(url: str) -> float:
    began = time.monotonic()
    with urllib.request.urlopen(f"{url}/map/points?types=Vehicle&show=Vehicle:speed") as answer:
        answer.read()
    return time.monotonic() - began


def _tab(bench: Bench, served: Served, many: int) -> Iterator[Row]:
    row = f"/map with {many:,} points, {RATE:,} moves/s"
    how = "Chromium headless, WebGL by SwiftShader, 1440 x 900; the map is zoomed, dragged and pointed at meanwhile"
    chromium = os.environ.get("HANSA_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        play = importlib.import_module("playwright.sync_api").sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        yield skipped(row, f"first picture {FIRST_S:g} s", "playwright and Chromium are needed", how)
        return
    seconds = 10.0 if bench.quick else 60.0
    with play() as running, _moving(bench, served, many, seconds + 60) as crowd:
        browser = running.chromium.launch(executable_path=chromium, args=ARGS)
        try:
            said = _watched(browser, served, seconds)
        finally:
            browser.close()
    after = [took for at, took in said["longs"] if at > said["first"]]
    longest = max(after, default=0.0)
    # Where others use the machine too, a task waits for its turn of a core: what it computed is its own.
    tasks = f"{len(after)} over 50 ms; {said['computed']:.0f} ms of CPU in the longest"
    load = f"load {os.getloadavg()[0]:.0f}; moves taken {crowd['rate']:,.0f}/s; server {said['cpu']:.2f} cores"
    for name, asked, told, ok in (
        ("first picture", f"≤ {FIRST_S:g} s", f"{said['first'] / 1e3:.2f} s", said["first"] <= FIRST_S * 1e3),
        (
            "longest task of the main thread",
            f"≤ {LONGEST_MS:g} ms",
            f"{longest:.0f} ms ({tasks})",
            longest <= LONGEST_MS,
        ),
        ("the tab", f"< {TAB_MB:g} MB", f"{said['tab']:.0f} MB", said["tab"] < TAB_MB),
    ):
        yield Row(row=f"{row}: {name}", asked=asked, measured=told, floor=None, ratio=None, ok=ok, how=f"{how}; {load}")


@contextmanager
def _moving(bench: Bench, served: Served, many: int, seconds: float) -> Iterator[dict[str, float]]:
    """Move points meanwhile; `rate` is how many a second were taken, once it is over."""
    where, _, port = served.url.removeprefix("http://").rpartition(":")
    said: dict[str, float] = {"rate": 0.0}
    process = python(bench.folder, None, "-m", "bench.map_crowd", where, port, str(many), str(RATE), str(seconds))
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield said
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired, ValueError):
            said["rate"] = json.loads(process.communicate(timeout=10)[0])["rate"]
        end(process)


def _watched(browser: Any, served: Served, seconds: float) -> dict[str, Any]:
    """First picture (ms), long tasks, memory of the tab (MB) and cores of the server."""
    devtools = browser.new_browser_cdp_session()
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.add_init_script(_WATCH)
    cpu, began = sum(cpu_s(served.pids)), time.monotonic()
    page.goto(f"{served.url}/map")
    page.wait_for_function(_FIRST, timeout=60_000)
    page.wait_for_function("() => window.hansaMap.phase === 'live'", timeout=60_000)
    browser.start_tracing(page=page, categories=["-*", "toplevel"])
    box = page.locator("#ground").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    most, turn, end_at = 0.0, 0, time.monotonic() + seconds
    while time.monotonic() < end_at:
        _hand(page, x, y, turn)
        turn += 1
        time.sleep(1.0)
        processes = devtools.send("SystemInfo.getProcessInfo")["processInfo"]
        most = max(most, *(pss_mb([one["id"]]) for one in processes if one["type"] == "renderer"))
    return {
        "computed": _computed(browser.stop_tracing()),
        "first": page.evaluate(_FIRST),
        "longs": page.evaluate("() => window.longs"),
        "tab": most,
        "cpu": (sum(cpu_s(served.pids)) - cpu) / (time.monotonic() - began),
    }


def _computed(trace: bytes) -> float:
    """The most CPU (ms) of one task of the tab's main thread."""
    events = json.loads(trace)["traceEvents"]
    names = {(one["pid"], one["tid"]): one["args"]["name"] for one in events if one["name"] == "thread_name"}
    busy = [one for one in events if "tdur" in one and names.get((one["pid"], one["tid"])) == "CrRendererMain"]
    return max((one["tdur"] / 1e3 for one in busy), default=0.0)


def _hand(page: Any, x: float, y: float, turn: int) -> None:
    page.mouse.move(x + turn % 3 * 20, y)
    match turn % 4:
        case 0:
            page.mouse.wheel(0, -240)
        case 1:
            page.mouse.down()
            page.mouse.move(x + 120, y + 40, steps=8)
            page.mouse.up()
        case 2:
            page.mouse.wheel(0, 240)
