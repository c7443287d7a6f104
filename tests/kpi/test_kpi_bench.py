"""The figures of the engine: it is measured by `hansa bench kpi`, and holds by far what is asked."""

import time

import numpy as np
from bench import kpi_rows
from bench.rows import Bench

from hansa import kpi


def test_the_rows_are_measured_and_all_at_once_is_the_same_as_one_by_one(tmp_path):
    rows = {row["row"]: row for row in kpi_rows.kpi_(Bench(tmp_path, quick=True))}
    assert list(rows) == ["kpi: recomputed whole", "kpi: one changed input"]
    assert rows["kpi: recomputed whole"]["ok"]


def test_91_indicators_of_20_years_and_300_districts_are_recomputed_in_10_seconds_of_cpu():
    framework = kpi.framework("u4ssc")
    engine = kpi.Engine(framework, [str(nth) for nth in range(300)], [str(2006 + nth) for nth in range(20)])
    for name in framework.inputs:
        engine.fill(name, np.full((300, 20), 7.0))
    began = time.process_time()
    engine.recompute()
    assert time.process_time() - began < 10
    began = time.process_time()
    changed = engine.put("population", "7", "2010", 1000)
    assert time.process_time() - began < 0.1
    assert len(changed.points) == len(engine.dependants("population"))
