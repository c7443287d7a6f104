"""The row of the shared line: warnings over 1 Mbit/s full of bulk, with `hansa link set` and without."""

from collections.abc import Iterator
from typing import Final

from bench.line import Line, Told, impossible
from bench.rows import Bench, Row, skipped

ASKED_S: Final = 2.0
_ROW: Final = "warnings over 1 Mbit/s saturated by bulk"
_ASKED: Final = f"100 % delivered, p99 under {ASKED_S:.0f} s"
_HOW: Final = (
    "two network namespaces, a token bucket of 1 Mbit/s and half a second of plain queue each way; both ways full of "
    "4 TCP streams and 1.5 Mbit/s of UDP; each warning a POST of 500 bytes on a connection of its own, marked EF, "
    "every other by IPv6, until its 201; `hansa link set --rate 950kbit` at both ends, or nothing (the floor)"
)


def link(bench: Bench) -> Iterator[Row]:
    """Three hundred warnings, ten a second and all at once: without the reservation, with it at one end and at both."""
    if why := impossible():
        yield skipped(_ROW, _ASKED, why, _HOW)
        return
    count, every_s, patience_s = (40, 0.05, 5.0) if bench.quick else (300, 0.1, 30.0)

    def measured(*ends: str, apart_s: float) -> Told:
        with Line(*ends) as line:
            return line.warn(count, apart_s, patience_s=patience_s, settle_s=3.0)

    plain, half, held = (measured(*ends, apart_s=every_s) for ends in ((), ("near",), ("near", "far")))
    ok = held.lost == 0 and held.heard == count and held.quantile(0.99) < ASKED_S
    yield _row(_ROW, _ASKED, held, ok=ok, floor=plain, patience_s=patience_s)
    alone = "the same where only the city's end is shared: answers come back over a line that nobody shares"
    yield _row(alone, "reported", half, ok=None, floor=None, patience_s=patience_s)
    plain, held = (measured(*ends, apart_s=0.0) for ends in ((), ("near", "far")))
    yield _row(f"the same, {count} warnings at once", "reported", held, ok=None, floor=plain, patience_s=patience_s)


def _row(row: str, asked: str, held: Told, *, ok: bool | None, floor: Told | None, patience_s: float) -> Row:
    beside = None if floor is None else f"without: {_told(floor, patience_s)}"
    return Row(
        row=row, asked=asked, measured=_told(held, patience_s), floor=beside, ratio=None, ok=ok, how=_HOW,
    )  # fmt: skip


def _told(told: Told, patience_s: float) -> str:
    def s(share: float) -> str:
        took = told.quantile(share)
        return f"over {patience_s:.0f} s" if took > patience_s else f"{took:.3f} s"

    count = len(told.took_s) + told.lost
    share = f"{len(told.took_s) / count:.1%} of {count} acknowledged"
    return f"{share}, p50 {s(0.5)}, p99 {s(0.99)}, slowest {s(1 - 1e-9)}; bulk {told.bulk_kbit:.0f} kbit/s of TCP out"
