"""Station files: a folder of CSV (or CSV.gz) files, one a station, which `score` judges by and `feed` sends.

A file's first line names its columns; `time_local` and `air_c` must be among them, others that are not known are passed
over. Times carry no zone. A line that cannot be used is a `BadLine` with its number and reason, never the end.
"""

import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import repeat
from math import isfinite
from pathlib import Path
from typing import Final, TypeAlias

from hansa import clock
from hansa.errors import BadRequest

COLUMNS: Final = {
    "air_c": "temperature",
    "dew_point_c": "dewPoint",
    "humidity_percent": "relativeHumidity",
    "wind_mps": "windSpeed",
    "pressure_hpa": "atmosphericPressure",
}
"""Which attribute of a WeatherObserved a column holds."""

UNITS: Final = {
    "temperature": "CEL",
    "dewPoint": "CEL",
    "relativeHumidity": "P1",
    "windSpeed": "MTS",
    "atmosphericPressure": "A97",
}
"""The UN/CEFACT code of each attribute's unit as the files give it."""

ENDINGS: Final = (".csv", ".csv.gz")

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?\Z")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that could not be used: its number in the file (from 1, the names of the columns) and why."""

    number: int
    reason: str


Values: TypeAlias = dict[str, float]
"""What one line says, by attribute of a WeatherObserved, in the units of UNITS; a blank field is left out."""


def station_files(folder: Path) -> list[Path]:
    """The station files of a folder, by name; BadRequest when it has none, or two for the same station."""
    if not folder.is_dir():
        raise BadRequest(
            f"{folder} is not a folder", mend="give a folder of station files: one CSV or CSV.gz a station"
        )
    found = sorted(one for one in folder.iterdir() if one.name.endswith(ENDINGS) and one.is_file())
    if not found:
        raise BadRequest(f"there is no station file in {folder}", mend="one CSV or CSV.gz a station, see docs/frost.md")
    known: dict[str, Path] = {}
    for one in found:
        twin = known.setdefault(station_name(one), one)
        if twin is not one:
            raise BadRequest(f"{twin.name} and {one.name} would be the same station", where=str(folder))
    return found


def station_name(file: Path) -> str:
    """The station's name: `site-0` of `site-0.csv.gz`; what a device's name cannot hold becomes a dash."""
    return _UNSAFE.sub("-", file.name.removesuffix(".gz").removesuffix(".csv"))


def rows(file: Path) -> Iterator[tuple[datetime, Values] | BadLine]:
    """The lines of a station file in its own order: naive local time and values, or why not.

    BadRequest when the file as a whole is none: no such columns, not gzip, cut short.
    """
    opened = gzip.open if file.name.endswith(".gz") else open
    try:
        with opened(file, "rt", encoding="utf-8-sig", errors="replace", newline="") as stream:
            lines = csv.reader(stream)
            names = [name.strip() for name in next(lines, [])]
            if "time_local" not in names or "air_c" not in names:
                raise BadRequest("the first line does not name the columns time_local and air_c", where=str(file))
            columns = [(i, COLUMNS[name]) for i, name in enumerate(names) if name in COLUMNS]
            when = names.index("time_local")
            for _ in repeat(None):
                try:
                    line = next(lines, None)
                except csv.Error as fault:  # a null byte, or a field without end
                    yield BadLine(lines.line_num, str(fault))
                    continue
                if line is None:
                    return
                if line:
                    yield _row(line, len(names), when, columns, lines.line_num)
    except (OSError, EOFError, zlib.error) as fault:
        raise BadRequest(f"it cannot be read: {fault}", where=str(file)) from fault


def readings(file: Path, zone: tzinfo) -> Iterator[tuple[int, Values] | BadLine]:
    """The lines of a station file as (instant in microseconds, values), its local times taken in `zone`."""
    for row in rows(file):
        if isinstance(row, BadLine):
            yield row
        else:
            yield clock.micros(row[0].replace(tzinfo=zone)), row[1]


def _row(
    line: list[str], width: int, when: int, columns: list[tuple[int, str]], number: int
) -> tuple[datetime, Values] | BadLine:
    if len(line) != width:
        return BadLine(number, f"{len(line)} fields where the first line has {width}")
    time = line[when].strip()
    at = _moment(time)
    if at is None:
        return BadLine(number, f"time_local: {time[:40]!r} is not a time such as 2015-01-31T19:53")
    values = {}
    for i, name in columns:
        if not (field := line[i].strip()):
            continue
        try:
            values[name] = float(field)
        except ValueError:
            return BadLine(number, f"{name}: {field[:40]!r} is not a number")
        if not isfinite(values[name]):
            return BadLine(number, f"{name}: {field[:40]!r} is not a finite number")
    return at, values


def _moment(time: str) -> datetime | None:
    try:
        return datetime.fromisoformat(time) if _TIME.match(time) else None
    except ValueError:  # the 30th of February
        return None
