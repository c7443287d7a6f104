"""Rows over the past: a day with five million Changes, any instant of it shown, and what the marks cost."""

import gc
import random
import resource
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import orjson

from bench.machine import Served
from bench.rewind_day import BEGIN, DAY, made
from bench.rows import Bench, Row
from hansa import clock
from hansa.analytics.rewind import Rewind
from hansa.analytics.rewind_sight import Asked, Eyes
from hansa.limits import DEFAULT
from hansa.platform.sqlite.marking import Marker
from hansa.platform.sqlite.marks import Marks
from hansa.platform.sqlite.schema import connect
from hansa.platform.sqlite.then import Then

_ASKED_S: Final = 3.0
_TOLD: Final = "state columns of 10,000 entities as JSON, over HTTP, one after another, at random times"


def rewind(bench: Bench) -> Iterator[Row]:
    """Any instant of a day: the answer, and the page; windows for playing at x60; and what marks cost."""
    many = 200_000 if bench.quick else 5_000_000
    data = bench.data()
    began = time.perf_counter()
    made(data / "open.db", many)
    load_s = time.perf_counter() - began
    log_mb = (data / "open.db").stat().st_size / 1e6
    yield _marked(data, many, load_s, log_mb)
    yield _cost(data, many, 10 if bench.quick else 60)
    with Served(bench.folder, data) as served:
        ask = _asker(served.url)
        ask(_at(BEGIN + DAY // 2))  # the process that answers starts with the first question
        times = sorted(_timed(ask) for _ in range(10 if bench.quick else 60))
        worst = times[-1]
        yield Row(
            row="rewind: any instant, the answer",
            asked=f"under {_ASKED_S:.0f} s",
            measured=f"p50 {_p(times, 50):.2f} s, p99 {_p(times, 99):.2f} s, max {worst:.2f} s",
            floor=None,
            ratio=None,
            ok=worst < _ASKED_S,
            how=f"{many:,} Changes in a day; {_TOLD}",
        )
        yield _played(ask)
        shown = _shown(served.url, 5 if bench.quick else 20)
        if shown:
            yield Row(
                row="rewind: any instant, shown on /rewind",
                asked=f"under {_ASKED_S:.0f} s",
                measured=f"p50 {_p(shown, 50):.2f} s, max {shown[-1]:.2f} s",
                floor=None,
                ratio=None,
                ok=shown[-1] < _ASKED_S,
                how="headless Chromium on the same machine: from choosing a time to the frame that shows it",
            )


def _marked(data: Path, many: int, load_s: float, log_mb: float) -> Row:
    """Marks of the whole log, made at once: what a day of them costs."""
    marks = Marks(data / "rewind-open.db", write=True)
    db = connect(data / "open.db")
    marker = Marker(db, marks, "open", DEFAULT.rewind_every)
    cpu, worst, count = time.process_time(), 0.0, 0
    while True:
        one = time.process_time()
        if marker.step(BEGIN + DAY) is None:
            break
        worst, count = max(worst, time.process_time() - one), count + 1
    cpu = time.process_time() - cpu
    db.close()
    marks.close()
    size = (data / "rewind-open.db").stat().st_size / 1e6
    return Row(
        row="rewind: marks of a day",
        asked="small beside the log",
        measured=f"{count} marks, {size:.0f} MB beside {log_mb:.0f} MB; {cpu:.0f} s of CPU in a niced process, "
        f"{worst:.2f} s a mark at most ({cpu / many * 1e6:.0f} us a Change)",
        floor=None,
        ratio=None,
        ok=size < log_mb / 4,
        how=f"{many:,} Changes of 10,000 entities, loaded in {load_s:.0f} s; memory at most "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB, the loader's included",
    )


def _cost(data: Path, many: int, times: int) -> Row:
    """What a picture takes of a core, whatever else the machine is at."""
    gc.set_threshold(500_000, 50, 1_000)  # as the process that answers
    then = Then(data / "open.db", data / "rewind-open.db", "open")
    past, found = Rewind(then), []
    for _ in range(times):
        at = BEGIN + int(_RANDOM.random() * DAY) + clock.SECOND
        began = time.process_time()
        orjson.dumps(past.picture(Asked(BEGIN + 2 * DAY, at), Eyes({"smart": True}, None, "smart")))
        found.append(time.process_time() - began)
    then.close()
    found.sort()
    return Row(
        row="rewind: any instant, of a core",
        asked=f"under {_ASKED_S:.0f} s",
        measured=f"p50 {_p(found, 50):.2f} s, p99 {_p(found, 99):.2f} s, max {found[-1]:.2f} s",
        floor=None,
        ratio=None,
        ok=found[-1] < _ASKED_S,
        how=f"{many:,} Changes in a day; CPU time of the process that answers, at random times",
    )


def _played(ask: Callable[[str], bytes]) -> Row:
    """Ten minutes of the city's time in windows, as a page that plays at x60 asks for them."""
    at = BEGIN + DAY // 3
    ask(_at(at))
    begun, told, window = time.perf_counter(), 0, 600
    for n in range(3):
        since, until = at + n * window * clock.SECOND, at + (n + 1) * window * clock.SECOND
        body = orjson.loads(ask(f"/desk/rewind/changes?from={clock.text(since)}&to={clock.text(until)}&step=15"))
        told += len(body["changes"])
    took = time.perf_counter() - begun
    real = 3 * window / 60
    return Row(
        row="rewind: playing at x60",
        asked="faster than it is shown",
        measured=f"{real:.0f} s of film in {took:.1f} s, {told / took:,.0f} Changes a second",
        floor=None,
        ratio=None,
        ok=took < real,
        how="three windows of ten minutes of the city's time",
    )


def _at(when: int) -> str:
    return f"/desk/rewind?at={clock.text(when)}"


def _asker(url: str) -> Callable[[str], bytes]:
    client = httpx.Client(base_url=url, trust_env=False, timeout=60)

    def ask(path: str) -> bytes:
        answer = client.get(path)
        assert answer.status_code == 200, answer.text[:300]
        return answer.content

    return ask


_RANDOM: Final = random.Random(7)  # no secret


def _timed(ask: Callable[[str], bytes]) -> float:
    at = BEGIN + int(_RANDOM.random() * DAY) + clock.SECOND
    began = time.perf_counter()
    body = ask(_at(at))
    took = time.perf_counter() - began
    assert body.count(b'"id"') == 10_000
    return took


def _shown(url: str, times: int) -> list[float]:
    """Seconds until the page shows a time that was chosen on it; nothing where there is no browser."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return []
    if chromium is None:
        return []
    found: list[float] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=_FLAGS)
        page: Any = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{url}/rewind?at={clock.text(BEGIN + DAY // 2)}")
        page.wait_for_selector("html.ready", state="attached", timeout=60_000)
        for _ in range(times):
            at = BEGIN + int(_RANDOM.random() * DAY // clock.SECOND) * clock.SECOND + clock.SECOND
            wanted = clock.text(at)
            began = time.perf_counter()
            page.evaluate(_CHOOSE, wanted[:19])
            page.wait_for_function(_SHOWN, arg=wanted[:19], timeout=60_000)
            page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            found.append(time.perf_counter() - began)
        browser.close()
    return sorted(found)


_FLAGS: Final = ["--no-sandbox"]  # it draws as it would for anybody without a graphics card
_CHOOSE: Final = """(at) => {
  const pick = document.getElementById("pick");
  pick.value = at;
  pick.dispatchEvent(new Event("change"));
}"""
_SHOWN: Final = """(at) => {
  const past = document.getElementById("past");
  return past.dataset.shown?.startsWith(at) && !past.hasAttribute("aria-busy");
}"""


def _p(times: list[float], percent: int) -> float:
    return times[min(len(times) - 1, len(times) * percent // 100)]
