"""The row of allocation: 50 units to 20 incidents over a city's own roads, proven best, the plain answer beside it."""

import random
import time
from collections.abc import Iterator
from typing import Any, Final

from bench.rows import Bench, Row

STREETS: Final = 101  # each way: 20,200 segments, 10,201 junctions
STEP: Final = 0.002  # degrees: some 220 m
UNITS: Final = 50
INCIDENTS: Final = 20
ASKED_S: Final = 1.0
VIEW_S: Final = 0.2
CAPABILITIES: Final = ("pump", "medic", "boat", "ladder")


def allocation(bench: Bench) -> Iterator[Row]:
    """Through the app's own views, as a page asks them: first with roads that nobody has asked about, then again."""
    from hansa import entity
    from hansa.apps.resources import app
    from hansa.testing import MemoryCity

    chance = random.Random(7)
    with MemoryCity(app, keep=False).closing() as city:
        streets = list(_streets(chance, 31 if bench.quick else STREETS))
        for n in range(0, len(streets), 1_000):
            city.say(*streets[n : n + 1_000])
        far = 30 if bench.quick else STREETS - 1
        for n in range(UNITS):
            can = chance.sample(CAPABILITIES, 2)
            city.say(entity("Resource", f"u{n}", status="available", capabilities=can, location=_point(chance, far)))
        for n in range(INCIDENTS):
            grave = chance.choice(("critical", "high", "medium", "low"))
            needs = [
                {"capability": one, "count": chance.choice((1, 1, 2))}
                for one in chance.sample(CAPABILITIES, chance.choice((1, 2, 3)))
            ]
            city.say(
                entity("Incident", f"i{n}", status="open", severity=grave, needs=needs, location=_point(chance, far))
            )
        first, _ = _timed(city, "propose", {})
        took = []
        for _ in range(5):
            seconds, told = _timed(city, "propose", {})
            took.append(seconds)
        nearest = [_timed(city, "nearest", {"incident": "urn:ngsi-ld:Incident:i0", "count": "50"})[0] for _ in range(5)]
    best, plain = told["best"], told["nearest"]
    worst, most = max(took), max(nearest)
    asked = sum(need["count"] for one in told["incidents"] for need in one["needs"])
    yield Row(
        row=f"allocation: {UNITS} units to {INCIDENTS} incidents ({asked} asked for), {len(streets):,} road segments",
        asked=f"optimal, under {ASKED_S:g} s; the plain greedy answer beside it",
        measured=f"{worst * 1e3:.0f} ms (the slowest of 5; {first:.1f} s where the roads are read first); cost "
        f"{best['cost']:.0f} weighted minutes, bound {best['bound']:.0f}, nearest first {plain['cost']:.0f} "
        f"({100 * (plain['cost'] / best['cost'] - 1):.1f} % dearer)",
        floor=None,
        ratio=None,
        ok=bool(best["optimal"]) and worst < ASKED_S and best["cost"] <= plain["cost"] + 0.01,
        how="bench/allocation_rows.py: the view `propose` of the app resources, as a page asks it; times by Dijkstra "
        "from every incident, HiGHS to gap 0",
    )
    yield Row(
        row=f"nearest by road: {UNITS} units to one incident, {len(streets):,} road segments",
        asked=f"under {VIEW_S * 1e3:.0f} ms after the first",
        measured=f"{most * 1e3:.0f} ms (the slowest of 5)",
        floor=None,
        ratio=None,
        ok=most < VIEW_S,
        how="bench/allocation_rows.py: the view `nearest`",
    )


def _timed(city: Any, view: str, asked: dict[str, str]) -> tuple[float, Any]:
    began = time.perf_counter()
    told = city.view(view, asked)
    return time.perf_counter() - began, told


def _streets(chance: random.Random, side: int) -> Iterator[Any]:
    from hansa import entity

    for x in range(side):
        for y in range(side):
            for dx, dy in ((1, 0), (0, 1)):
                if x + dx < side and y + dy < side:
                    middle = _at(x + dx / 2 + chance.uniform(-0.2, 0.2), y + dy / 2 + chance.uniform(-0.2, 0.2))
                    line = [_at(x, y), middle, _at(x + dx, y + dy)]
                    yield entity(
                        "RoadSegment",
                        f"r{x}-{y}-{dx}",
                        location={"type": "LineString", "coordinates": line},
                        maximumAllowedSpeed=chance.choice((30, 50, 70)),
                        status="closed" if chance.random() < 0.02 else "open",
                        laneUsage=["forward"] if chance.random() < 0.1 else ["forward", "backward"],
                    )


def _at(x: float, y: float) -> list[float]:
    return [16.0 + x * STEP, 48.0 + y * STEP]


def _point(chance: random.Random, far: int) -> dict[str, Any]:
    return {"type": "Point", "coordinates": _at(chance.uniform(0, far), chance.uniform(0, far))}
