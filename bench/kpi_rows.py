"""Rows over indicators: 91 of them, 20 years, 300 districts recomputed, and what one changed input takes."""

import statistics
import time
from collections.abc import Iterator

import numpy as np

from bench.rows import Bench, Row
from hansa import kpi

_INDICATORS = "u4ssc"


def kpi_(bench: Bench) -> Iterator[Row]:
    """Everything from its inputs; and one input after another changed, with its dependants and all nodes above."""
    framework = kpi.framework(_INDICATORS)
    areas = [f"district-{nth}" for nth in range(30 if bench.quick else 300)]
    years = [str(2006 + nth) for nth in range(20)]
    engine = kpi.Engine(framework, areas, years)
    random = np.random.default_rng(7)
    for name in framework.inputs:
        engine.fill(name, random.uniform(1, 1000, (len(areas), len(years))))
    for code, key in engine.data:
        engine.put_target(code, key, 50.0)
    engine.recompute()  # numpy is warm
    began = time.perf_counter()
    engine.recompute()
    whole_s = time.perf_counter() - began
    cells = len(areas) * len(years)
    scored = sum(int(np.isfinite(engine.percents(path)).sum()) for path in framework.nodes)
    yield Row(
        row="kpi: recomputed whole",
        asked="under 10 s",
        measured=f"{whole_s:.2f} s, {len(engine.data) * cells / whole_s:,.0f} data points a second",
        floor=None,
        ratio=None,
        ok=whole_s < 10,
        how=f"{len(framework.indicators)} indicators ({len(engine.data)} data points) of {framework.id}, {len(years)} "
        f"years, {len(areas)} districts, and {scored:,} percents of nodes; one process, formulas over numpy arrays",
    )
    yield _changed(engine, framework, areas, years)


def _changed(engine: kpi.Engine, framework: kpi.Framework, areas: list[str], years: list[str]) -> Row:
    """Each input changed once; the one with the most dependants decides."""
    times = []
    for nth, name in enumerate(framework.inputs):
        area, year = areas[nth % len(areas)], years[nth % len(years)]
        began = time.perf_counter()
        changed = engine.put(name, area, year, 500.0 + nth)
        times.append((time.perf_counter() - began, len(changed.points), name))
    before = {path: engine.percents(path) for path in framework.nodes}
    engine.recompute()
    same = all(np.array_equal(before[path], engine.percents(path), equal_nan=True) for path in framework.nodes)
    took = [one for one, _, _ in times]
    most = max(times, key=lambda one: one[1])
    return Row(
        row="kpi: one changed input",
        asked="its dependants under 100 ms",
        measured=f"median {statistics.median(took) * 1e3:.2f} ms, max {max(took) * 1e3:.2f} ms; "
        f"`{most[2]}` with {most[1]} dependants {most[0] * 1e3:.2f} ms",
        floor=None,
        ratio=None,
        ok=max(took) < 0.1 and same,
        how=f"each of {len(times)} inputs once, with the points and nodes above; then all is recomputed: the same",
    )
