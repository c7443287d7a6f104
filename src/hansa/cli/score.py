"""`hansa score`: how good an app is on real data, by running the app itself over it in time order."""

import json
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.table import Table

from hansa import app as apps_
from hansa.analytics.backtest import MemoryCity
from hansa.app import App, Every
from hansa.apps.frost.entities import record_of
from hansa.apps.frost.hearing import UNITS as HEARD
from hansa.apps.frost.skill import Record
from hansa.apps.frost.skill import score as skill_score
from hansa.cli.stations import UNITS, BadLine, Values, readings, station_files, station_name
from hansa.clock import SECOND, text
from hansa.errors import BadRequest
from hansa.model.change import Write

HOUR: Final = 3_600 * SECOND
BATCH: Final = 250  # readings of one transaction: half of what a rules process takes at once
SHOWN: Final = 10  # bad lines of a file that are named; all are counted
NIGHTS: Final = 100_000  # forecasts of one station: more than two centuries


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of one station file: the nights that count, the readings played, and the lines that were of no use."""

    file: Path
    records: list[Record]
    readings: int
    bad: list[BadLine]
    bad_count: int


def judge(file: Path, zone: str = "UTC") -> Judged:
    """Play one station's file to the frost app in a city of its own, and take the nights from its WeatherForecasts.

    `zone` is that of the file's local times. Raises what `readings` raises. Held by tests/apps/test_frost_score.py.
    """
    bad: list[BadLine] = []
    rows: list[tuple[int, Values]] = []
    bad_count = 0
    for row in readings(file, ZoneInfo(zone)):
        if isinstance(row, BadLine):
            bad_count += 1
            if len(bad) < SHOWN:
                bad.append(row)
        else:
            rows.append(row)
    if not rows:
        return Judged(file, [], 0, bad, bad_count)
    # In time order; of lines with the same time the first in the file stands.
    rows.sort(key=lambda row: row[0])
    city = MemoryCity(_frost(), start=rows[0][0], settings={"frost": {"timezone": zone}}, keep=False)
    try:
        for chunk in batched(_writes(f"urn:ngsi-ld:WeatherObserved:{station_name(file)}", rows)):
            # As in a city that catches up after an outage: the readings first, then what falls due by the clock.
            city.clock.turn(chunk[-1][0])
            city.write(*(write for _, write in chunk))
            city.rules.rounds()
            city.rules.settle()
        city.turn(seconds=2 * 86_400)  # the last night is over even if the file ends in it
        found = map(record_of, city.find("WeatherForecast", limit=NIGHTS))
        records = sorted((one for one in found if one is not None), key=lambda one: one.evening)
    finally:
        city.close()
    return Judged(file, records, len(rows), bad, bad_count)


def judge_all(folder: Path, zone: str = "UTC") -> Iterator[Judged]:
    """Every station file of a folder, in the order of their names; stations share nothing, so each has a process."""
    files = station_files(folder)
    workers = min(len(files), os.cpu_count() or 1)
    if workers == 1:
        yield from (judge(file, zone) for file in files)
        return
    # Not forked: a caller may have threads.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(judge, files, [zone] * len(files))


def table(judged: Iterable[Judged]) -> list[dict[str, Any]]:
    """The rows of the score over all stations."""
    return skill_score(record for one in judged for record in one.records)


@click.command()
@click.argument("app")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--timezone", "zone", default="UTC", show_default=True, help="The zone of the files' local times.")
@click.option("--json", "as_json", is_flag=True, help="The rows as JSON.")
def score(app: str, folder: Path, zone: str, *, as_json: bool) -> None:
    """How good an app is: `hansa score frost DIR` plays a folder of station files to it, in time order.

    A night is forecast by what was known by 20:30 of it, and learned from when it is over.
    """
    if app != "frost":
        raise BadRequest(f"there is no score for an app {app!r}", mend="hansa score frost DIR")
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as fault:
        raise BadRequest(f"{zone!r} is not a time zone", mend="write it as Europe/Bratislava") from fault
    judged = list(judge_all(folder, zone))
    rows = table(judged)
    if as_json:
        click.echo(json.dumps(rows, indent=1))
    else:
        Console().print(_shown(rows))
        nights = sum(len(one.records) for one in judged)
        count = sum(one.readings for one in judged)
        click.echo(f"{len(judged)} stations, {count:,} readings, {nights:,} nights scored")
    for one in judged:
        if one.bad_count:
            click.echo(f"{one.file.name}: {one.bad_count:,} lines of no use", err=True)
            for line in one.bad:
                click.echo(f"  line {line.number}: {line.reason}", err=True)


def _frost() -> App:
    """The app as it runs in a city, with its round made by the hour.

    What falls due by the clock is the same whenever it is asked for, and a year has half a million minutes.
    """
    found, off = apps_.installed(["frost"])
    if not found:
        raise BadRequest(f"the app frost does not run: {off[0].reason}", mend="hansa apps")
    (whole,) = found
    frost = App(whole.name, report=whole.report, reads=set(whole.reads), writes=set(whole.writes), realm=whole.realm)
    frost.handlers = whole.handlers
    frost.rounds = [Every(one.round, max(one.period, HOUR)) for one in whole.rounds]
    return frost


def _writes(ident: str, rows: Iterable[tuple[int, Values]]) -> Iterator[tuple[int, Write]]:
    for at, values in rows:
        observed = text(at)
        doc: dict[str, Any] = {"id": ident, "type": "WeatherObserved"}
        for name in HEARD.keys() & values.keys():  # the app hears no wind
            doc[name] = {"type": "Property", "value": values[name], "unitCode": UNITS[name], "observedAt": observed}
        if len(doc) > 2:
            yield at, Write("read", ident, doc)


def batched(readings: Iterable[tuple[int, Write]]) -> Iterator[list[tuple[int, Write]]]:
    """Readings by the batch: what the app says does not hang on how many it is told at once."""
    rest = iter(readings)
    while chunk := list(islice(rest, BATCH)):
        yield chunk


def _shown(rows: list[dict[str, Any]]) -> Table:
    shown = Table("subset", "method", *(title for title in ("nights", "events", "POD", "FAR", "CSI", "RMSE °C")))
    for column in shown.columns[2:]:
        column.justify = "right"
    subsets = list(dict.fromkeys(row["subset"] for row in rows))
    for subset in subsets:
        chosen = [row for row in rows if row["subset"] == subset]
        for row in chosen:
            figures = [_figure(row[name], 3) for name in ("pod", "far", "csi")]
            shown.add_row(
                subset, row["method"], f"{row['nights']:,}", f"{row['events']:,}", *figures, _figure(row["rmse"], 2),
                end_section=row is chosen[-1],
            )  # fmt: skip
    return shown


def _figure(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


commands = {"score": score}
