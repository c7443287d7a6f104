"""Tables of readings: a header line that names channels, then a line for each time.

    at;t;rh
    2026-11-22T18:00:00Z;3.1;81

The separator is `,`, `;` or a tab, whichever the header has most of. The time is in the profile's `time` column or in
one of `TIME_COLUMNS`. Each line stands alone: a bad one is refused with its number, a bad cell without its neighbours,
an empty cell says nothing. Times without a zone are understood in the profile's, in the order of the file.

`rows` reads files of any length, a line at a time. Report: 2.1.1. Tests: tests/collect/test_csv_table.py.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from hansa.collect.decoded import Decoded, Rejected, has_reading, position
from hansa.collect.profile import Channel, Profile, Source
from hansa.collect.times import believed, micros, text
from hansa.errors import BadRequest, TooLarge
from hansa.limits import DEFAULT, Limits
from hansa.model.change import Write
from hansa.model.entity import Doc

TIME_COLUMNS: Final = ("at", "time", "observedat", "timestamp", "datetime", "date_time", "dateobserved", "time_utc")
"""Columns that hold the time when there is none of the profile's name (compared without case)."""

_SEPARATORS: Final = ",;\t"
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?\Z")
_WHOLE = re.compile(r"[+-]?[0-9]+\Z")
_BOOLEANS: Final = {"true": True, "false": False, "1": True, "0": False}


class Row(NamedTuple):
    """One line of a table: its number (the header is 1), the write it became, and what of it was refused."""

    line: int
    write: Write | None
    refused: list[Rejected]


def decode(payload: bytes, source: Source, now: int, limits: Limits = DEFAULT) -> Decoded:
    """Readings of a table sent as one message; BadRequest when it is not UTF-8 or its header cannot be used."""
    if len(payload) > limits.body:
        raise TooLarge(
            f"the table is {len(payload):,} bytes; at most {limits.body:,} are taken", mend="use `hansa import`"
        )
    try:
        table = payload.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise BadRequest(f"the table is not UTF-8 (byte {fault.start})", mend="save it as UTF-8") from None
    if table.count("\n") > limits.commit + 1:
        raise TooLarge(f"more than {limits.commit:,} lines in one message", mend="use `hansa import` for a file")
    decoded = Decoded()
    for row in rows(table.split("\n"), source, now, limits):
        if row.write is not None:
            decoded.writes.append(row.write)
        for one in row.refused:
            decoded.refuse(one.error, one.where, one.raw)
    return decoded


def rows(lines: Iterable[str], source: Source, now: int, limits: Limits = DEFAULT) -> Iterator[Row]:
    """Each line of a table as it comes; blank lines are left out. BadRequest when the header cannot be used.

    For files older than `limits.past_s`, hand over limits that allow it.
    """
    table: _Table | None = None
    for number, raw in enumerate(lines, 1):
        line = raw.rstrip("\r\n")
        if not line.strip():
            continue
        if table is None:
            table = _Table(_header(line.removeprefix("\ufeff"), source.profile, limits), source, now, limits)
            continue
        yield table.row(number, line)
    if table is None:
        raise BadRequest("an empty table", mend="begin it with a line that names the columns, such as at,temperature")


@dataclass(frozen=True, slots=True)
class _Header:
    separator: str
    width: int
    time: int
    cells: tuple[tuple[int, str, Channel], ...]  # place, column, channel
    position: tuple[int, int] | None


def _header(line: str, profile: Profile, limits: Limits) -> _Header:
    separator = max(_SEPARATORS, key=line.count)
    names = [name.strip() for name in _split(line, separator, limits)]
    said = [name for name in names if name]
    if len(set(said)) != len(said):
        twice = next(name for name in said if said.count(name) > 1)
        raise BadRequest(f"the column {twice[:64]!r} is there twice", where="line 1")
    places = {name: place for place, name in enumerate(names) if name}
    time = places.get(profile.time)
    if time is None:
        lower = {name.lower(): place for name, place in places.items()}
        time = next((lower[name] for name in TIME_COLUMNS if name in lower), None)
    if time is None:
        raise BadRequest(
            f"no column holds the time: {', '.join(said)[:200]}",
            where="line 1",
            mend=f"name it {profile.time}, or name it in the profile's time",
        )
    where = None
    if profile.position is not None and all(name in places for name in profile.position):
        where = (places[profile.position[0]], places[profile.position[1]])
    cells = []
    for name, place in places.items():
        channel = profile.channels.get(name)
        if channel is None and profile.others != "ignore" and place != time and not (where and place in where):
            if profile.others == "refuse":
                raise BadRequest(f"the column {name[:64]!r} is not in the profile {profile.name}", where="line 1")
            channel = profile.unlisted(name)
        if channel is not None:
            cells.append((place, name, channel))
    if not cells and where is None:
        raise BadRequest(
            f"no column is in the profile {profile.name}: {', '.join(said)[:200]}",
            where="line 1",
            mend=f"the profile knows {', '.join(list(profile.channels)[:12])}",
        )
    return _Header(separator, len(names), time, tuple(cells), where)


class _Table:
    """A table whose header is known; remembers the time of the row before, for the hour that autumn repeats."""

    def __init__(self, header: _Header, source: Source, now: int, limits: Limits) -> None:
        self.header = header
        self.source = source
        self.profile = source.profile
        self.now = now
        self.limits = limits
        self.previous: int | None = None

    def row(self, number: int, line: str) -> Row:
        """Decode one line."""
        header = self.header
        source = self.source
        where = f"line {number}"
        refused: list[Rejected] = []
        try:
            cells = _split(line, header.separator, self.limits)
            if len(cells) != header.width:
                raise BadRequest(f"{len(cells)} cells where the header has {header.width}")  # noqa: TRY301
            at_us = self._time(cells[header.time])
        except BadRequest as fault:
            return Row(number, None, [Rejected.of(fault, where, line)])
        at = text(at_us)
        doc: Doc = {"id": source.entity, "type": self.profile.type}
        for place, column, channel in header.cells:
            cell = cells[place].strip()
            if not cell:
                continue
            try:
                value = self._value(cell, channel)
                if value is None:
                    continue
                if channel.name in doc:
                    raise BadRequest(f"{channel.name} is said twice in one line")  # noqa: TRY301
            except BadRequest as fault:
                refused.append(Rejected.of(fault, f"{where}, {column}", cell))
                continue
            if channel.unit is None:
                doc[channel.name] = {"type": "Property", "value": value, "observedAt": at}
            else:
                doc[channel.name] = {"type": "Property", "value": value, "unitCode": channel.unit, "observedAt": at}
        if header.position is not None:
            self._position(cells, at, doc, where, refused)
        write = None
        if has_reading(doc):
            write = Write("read", source.entity, doc, label=source.label, tenant=source.tenant)
        return Row(number, write, refused)

    def _time(self, cell: str) -> int:
        if not cell.strip():
            raise BadRequest("the line says no time")
        at = micros(cell, self.now, self.profile.zoneinfo, self.limits, self.previous)
        self.previous = at
        return believed(at, self.now, self.limits)

    def _value(self, cell: str, channel: Channel) -> Any:
        """What a cell says to a channel; None when it is the profile's word for nothing."""
        profile = self.profile
        if profile.missing and cell in profile.missing:
            return None
        says = channel.says
        if says == "text":
            return channel.take(cell)
        if says == "boolean":
            return channel.take(_BOOLEANS.get(cell.lower(), cell))
        number = self._number(cell)
        if number is None:
            if says is None:
                return channel.take({"true": True, "false": False}.get(cell.lower(), cell))
            raise BadRequest(
                f"{channel.name} is {cell[:32]!r}, not a number",
                mend='if it is a decimal comma, say "decimal": "," in the profile' if "," in cell else None,
            )
        if profile.missing and number in profile.missing:
            return None
        return channel.take(number)

    def _number(self, cell: str) -> float | None:
        said = cell if self.profile.decimal == "." else cell.replace(",", ".") if "." not in cell else ""
        if not _NUMBER.match(said):
            return None
        if len(said) > self.limits.digits:
            raise BadRequest(f"a number of more than {self.limits.digits} digits")
        return int(said) if _WHOLE.match(said) else float(said)

    def _position(self, cells: list[str], at: str, doc: Doc, where: str, refused: list[Rejected]) -> None:
        said = [cells[place].strip() for place in self.header.position or ()]
        if not any(said):
            return
        try:
            doc["location"] = position(self._number(said[0]), self._number(said[1]), at)
        except BadRequest as fault:
            refused.append(Rejected.of(fault, where, ", ".join(said)))


def _split(line: str, separator: str, limits: Limits) -> list[str]:
    if len(line) > limits.message:
        raise TooLarge(f"a line of {len(line):,} characters")
    if '"' not in line:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator, strict=True))
    except csv.Error as fault:
        raise BadRequest(
            f"not a line of a table: {fault}", mend="close every quote; double one inside a text"
        ) from None
