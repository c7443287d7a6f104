"""The rows of incidents: many hands on one incident through the door, and the whole picture of a very large one."""

import threading
import time
from collections.abc import Iterator
from typing import Any, Final

from bench.machine import Served
from bench.rows import Bench, Row

OPERATORS: Final = 100
EACH: Final = 10
P99_S: Final = 2.0
TASKS: Final = 10_000
LINES: Final = 2_000
PICTURE_S: Final = 1.0
PDF_S: Final = 3.0
START: Final = "2026-04-01T18:00:00Z"


def incidents(bench: Bench) -> Iterator[Row]:
    """Notes, tasks and costs of many operators on one incident; then the page and the report of 10,000 tasks."""
    yield _together(bench)
    yield from _large(bench)


def _together(bench: Bench) -> Row:
    import httpx

    hands, each = (20, 5) if bench.quick else (OPERATORS, EACH)
    took: list[float] = []
    wrong: list[str] = []
    with Served(bench.folder, bench.data()) as served, httpx.Client(trust_env=False, timeout=60) as client:
        desk = f"{served.url}/desk/incidents"
        ident = client.post(f"{desk}/raise", json={"name": "Flood"}).json()["changed"][0]

        def operator(who: int) -> None:
            with httpx.Client(trust_env=False, timeout=60) as mine:
                for i in range(each):
                    began = time.perf_counter()
                    answer = mine.post(f"{desk}/note", json={"id": ident, "text": f"{who}/{i}"})
                    took.append(time.perf_counter() - began)
                    if answer.status_code != 200:
                        wrong.append(answer.text)

        began = time.perf_counter()
        threads = [threading.Thread(target=operator, args=(who,)) for who in range(hands)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        whole = time.perf_counter() - began
        lines = client.get(f"{desk}/log", params={"id": ident, "limit": "1000"}).json()
        broken = client.get(f"{desk}/review", params={"id": ident}).json()["log"]["broken"]
    took.sort()
    p99 = took[int(len(took) * 0.99) - 1]
    said = {one["text"] for one in lines["lines"]}
    kept = lines["total"] - 1
    good = not wrong and not broken and kept == hands * each and (kept > 999 or len(said) == kept + 1)
    return Row(
        row=f"incidents: {hands} operators write into one log at once, {each} lines each, durable",
        asked=f"none lost, p99 under {P99_S:g} s",
        measured=f"{kept} of {hands * each} kept, log {broken or 'whole'}; {kept / whole:,.0f} lines/s, "
        f"p99 {p99 * 1e3:.0f} ms",
        floor=None,
        ratio=None,
        ok=good and p99 < P99_S,
        how="bench/incident_rows.py: POST /desk/incidents/note, city on one core; each line is two Changes and a "
        "digest in the audit log, on the disk before the answer",
    )


def _large(bench: Bench) -> Iterator[Row]:
    from hansa import Attribute, entity
    from hansa.apps.incidents import app
    from hansa.testing import MemoryCity

    tasks, lines = (1_000, 200) if bench.quick else (TASKS, LINES)
    with MemoryCity(app, start=START, keep=False).closing() as city:
        ident = city.act("raise", name="Flood", commander="person:ada")[0].entity.id
        for n in range(0, tasks, 1_000):
            city.say(
                *(
                    entity("IncidentTask", f"t{i}", incident=Attribute(ident, kind="Relationship"), n=i,
                           name=f"task {i}", owner="person:bo", status="open", dueAt="2026-04-01T19:00:00Z",
                           madeAt=START)
                    for i in range(n, n + 1_000)
                )
            )  # fmt: skip
        city.say(entity("Incident", ident, tasks=tasks, tasksOpen=tasks))
        for i in range(lines):
            city.act("note", ident, text=f"line {i}: what was seen from the bridge, and by whom")
        picture = max(_timed(city, "picture", {"id": ident}) for _ in range(5))
        listed = max(_timed(city, "list", {}) for _ in range(5))
        report = max(_timed(city, "report", {"id": ident, "form": "pdf"}) for _ in range(3))
        review = max(_timed(city, "review", {"id": ident, "form": "pdf"}) for _ in range(2))
    yield Row(
        row=f"incidents: the page of an incident of {tasks:,} open tasks and {lines:,} lines",
        asked=f"under {PICTURE_S:g} s",
        measured=f"picture {picture * 1e3:.0f} ms, list {listed * 1e3:.0f} ms (the slowest of 5)",
        floor=None,
        ratio=None,
        ok=picture < PICTURE_S and listed < PICTURE_S,
        how="bench/incident_rows.py: the views `picture` and `list`, as the pages ask them",
    )
    yield Row(
        row="incidents: its situation report as PDF",
        asked=f"under {PDF_S:g} s",
        measured=f"{report:.2f} s; the review with every line {review:.2f} s",
        floor=None,
        ratio=None,
        ok=report < PDF_S,
        how="bench/incident_rows.py: the views `report` and `review` with form=pdf",
    )


def _timed(city: Any, view: str, asked: dict[str, str]) -> float:
    began = time.perf_counter()
    city.view(view, asked)
    return time.perf_counter() - began
