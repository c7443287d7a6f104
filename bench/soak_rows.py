"""The row of memory: an hour of ordinary load, and what the city holds at each minute of it."""

import time
from collections.abc import Iterator
from statistics import median
from typing import Final

from bench.crowd import PATIENCE_S
from bench.machine import LOAD_CORE, Served, pss_mb, python
from bench.rows import Bench, Row

RATE: Final = 300  # requests a second: a tenth of what a city can do, so that an hour ends with as much as it asks
CONNECTIONS: Final = 64
MINUTES: Final = 60
WARM: Final = 10  # minutes until caches are as full as they get
GROWN: Final = 1.05


def soak(bench: Bench) -> Iterator[Row]:
    """An hour of reads and writes; the last ten minutes held against ten after the caches were full."""
    minutes, step_s, warm = (12, 1.0, 4) if bench.quick else (MINUTES, 60.0, WARM)
    with Served(bench.folder, bench.large()) as served:
        words = [served.url, str(RATE), f"{minutes * step_s:.0f}", str(CONNECTIONS), str(bench.entities)]
        crowd = python(bench.folder, LOAD_CORE, "-m", "bench.crowd", *words)
        held: list[float] = []
        for _ in range(minutes):
            time.sleep(step_s)
            held.append(pss_mb([served.pid]))
        crowd.communicate(timeout=120)
    if crowd.returncode:
        raise RuntimeError(f"the crowd ended with {crowd.returncode}")
    before, after = median(held[warm : 2 * warm]), median(held[-warm:])
    yield Row(
        row=f"memory over {minutes} minutes of {RATE} requests a second",
        asked="flat",
        measured=f"{held[0]:.0f} MB, then {before:.0f}, at the end {after:.0f}, at most {max(held):.0f}",
        floor=None,
        ratio=None,
        ok=after <= GROWN * before,
        how=f"bench/crowd.py, answered within {PATIENCE_S:g} s; proportional set size of the serving process",
    )
