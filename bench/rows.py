"""What is measured: the rows, what issues 2 and 3 ask of each, and the context they share."""

from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree
from typing import TypedDict

from bench import seeds


class Row(TypedDict):
    """One measured figure. `floor` and `ratio` are None where there is no floor; `ok` None: reported, not asked."""

    row: str
    asked: str
    measured: str
    floor: str | None
    ratio: float | None
    ok: bool | None
    how: str


class Bench:
    """One run: its folder, whether it is a quick one, and the city of 100,000 entities that several rows share."""

    def __init__(self, folder: Path, *, quick: bool) -> None:
        """Work in `folder`, which the caller takes away afterwards."""
        self.folder = folder
        self.quick = quick
        self.import_rate: float | None = None
        self._made = 0

    @property
    def entities(self) -> int:
        """How many entities the large city has."""
        return 10_000 if self.quick else 100_000

    def data(self) -> Path:
        """A new, empty data folder."""
        self._made += 1
        made = self.folder / f"city{self._made}"
        made.mkdir()
        return made

    def large(self) -> Path:
        """A copy of the large city's folder, for one row to write to."""
        first = self.folder / "large"
        if not first.exists():
            self.import_rate = seeds.entities(first, self.entities)
        return Path(copytree(first, self.data(), dirs_exist_ok=True))


def skipped(row: str, asked: str, why: str, how: str) -> Row:
    """A row that could not be measured here."""
    return Row(row=row, asked=asked, measured=f"not measured: {why}", floor=None, ratio=None, ok=None, how=how)


Measure = Callable[[Bench], Iterator[Row]]


def known() -> dict[str, Measure]:
    """Every row by its name, in the order of docs/performance.md."""
    from bench import (
        allocation_rows,
        attack_rows,
        audit_rows,
        desk_rows,
        history_rows,
        http_rows,
        incident_rows,
        kpi_rows,
        link_rows,
        map_rows,
        million_rows,
        mqtt_rows,
        opendata_rows,
        overload_rows,
        policy_rows,
        request_rows,
        rewind_rows,
        sealed_rows,
        sight_rows,
        soak_rows,
        store_rows,
        subscription_rows,
        trial_rows,
        vitals_rows,
        warning_rows,
    )

    return {
        "ready": http_rows.ready,
        "readings": mqtt_rows.readings,
        "catchup": mqtt_rows.catchup,
        "http": http_rows.http,
        "overload": overload_rows.overload,
        "subscriptions": subscription_rows.subscriptions,
        "import": million_rows.imports,
        "million": million_rows.million,
        "history": history_rows.history,
        "disk": store_rows.disk,
        "page": mqtt_rows.page,
        "memory": mqtt_rows.memory,
        "attack": attack_rows.attack,
        "audit": audit_rows.audit,
        "policy": policy_rows.policy,
        "sight": sight_rows.sight,
        "sealed": sealed_rows.sealed_,
        "map": map_rows.map_,
        "soak": soak_rows.soak,
        "rewind": rewind_rows.rewind,
        "crowd": desk_rows.crowd,
        "screen": desk_rows.screen,
        "rooms": desk_rows.rooms,
        "incidents": incident_rows.incidents,
        "requests": request_rows.requests,
        "allocation": allocation_rows.allocation,
        "trial": trial_rows.trial,
        "vitals": vitals_rows.vitals,
        "warnings": warning_rows.warnings,
        "link": link_rows.link,
        "kpi": kpi_rows.kpi_,
        "opendata": opendata_rows.opendata,
    }
