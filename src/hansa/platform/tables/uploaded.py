"""A CSV or XLSX that somebody sent, as rows for a table: names from its first row, values of the kind that all have.

In a column of numbers each cell is one; `007` stays a text, for it is a code. Decimal commas are read where semicolons
part the cells. BadRequest says which line is wrong, and why. tests/platform/test_tables.py
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Any, Final

from hansa.collect import sheets
from hansa.errors import BadRequest, TooLarge

_WIDE: Final = 500
_WHOLE: Final = re.compile(r"-?(?:0|[1-9]\d{0,17})\Z")
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9]\d{0,17})?\.\d+(?:[eE][+-]?\d{1,3})?\Z")
_COMMA: Final = re.compile(r"-?(?:0|[1-9]\d{0,17}),\d+\Z")


def rows_of_sheet(body: bytes) -> tuple[list[str], Iterator[list[Any]]]:
    """Its columns and rows; of an XLSX the first sheet with anything on it. BadRequest, TooLarge."""
    if sheets.kind_of(body) == sheets.CSV:
        return _csv(body)
    for sheet in sheets.read(body):
        filled = [row for row in sheet.rows if any(cell is not None for cell in row)]
        if not filled:
            continue
        if sheet.merged:
            top, left, *_ = sheet.merged[0]
            raise BadRequest(f"cells are merged at row {top + 1}, column {left + 1}", where="file", mend="part them")
        columns = _named(filled[0])
        return columns, ([_value(cell) for cell in _wide(row, len(columns), n + 2)] for n, row in enumerate(filled[1:]))
    raise BadRequest("there is nothing in it", where="file")


def _csv(body: bytes) -> tuple[list[str], Iterator[list[Any]]]:
    text = sheets.text_of(body)
    delimiter = sheets.delimiter_of(text)
    if text[:4].lower() == "sep=":
        text = text.partition("\n")[2]

    def lines() -> Iterator[tuple[int, list[str]]]:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        try:
            for row in reader:
                if any(cell.strip() for cell in row):
                    yield reader.line_num, row
        except csv.Error as fault:
            raise BadRequest(f"line {reader.line_num} cannot be read: {fault}", where="file") from None

    first = next(lines(), None)
    if first is None:
        raise BadRequest("there is nothing in it", where="file")
    columns = _named(first[1])
    commas = delimiter == ";"
    numeric = _numeric(lines(), len(columns), commas=commas)

    def rows() -> Iterator[list[Any]]:
        told = lines()
        next(told)
        for line, row in told:
            cells = _wide(row, len(columns), line)
            yield [
                _number(cell, commas=commas) if number and cell else _text(cell)
                for cell, number in zip(cells, numeric, strict=True)
            ]

    return columns, rows()


def _numeric(lines: Iterator[tuple[int, list[str]]], width: int, *, commas: bool) -> list[bool]:
    """Which columns hold numbers and nothing else."""
    next(lines)
    still, any_ = [True] * width, [False] * width
    for _, row in lines:
        for n, cell in enumerate(row[:width]):
            if still[n] and (plain := cell.strip()):
                still[n] = any_[n] = _number(plain, commas=commas) is not None
    return [one and there for one, there in zip(still, any_, strict=True)]


def _number(cell: str, *, commas: bool) -> int | float | None:
    text = cell.strip()
    if _WHOLE.match(text):
        return int(text)
    if _DECIMAL.match(text):
        return float(text)
    return float(text.replace(",", ".")) if commas and _COMMA.match(text) else None


def _text(cell: str) -> Any:
    plain = cell.strip()
    if plain in {"true", "false"}:
        return plain == "true"
    return plain or None


def _value(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return f"{cell.isoformat()}Z"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return int(cell)
    return cell


def _named(row: Sequence[Any]) -> list[str]:
    """The names of columns: each its own, none empty."""
    while row and row[-1] in {None, ""}:
        row = row[:-1]
    if len(row) > _WIDE:
        raise TooLarge(f"{len(row):,} columns; {_WIDE} are the most", where="file")
    found: list[str] = []
    taken: set[str] = set()
    for n, cell in enumerate(row):
        name = " ".join(str(cell if cell is not None else "").split())[:100]
        name = "".join(char for char in name if char.isprintable()) or f"column {n + 1}"
        while name.casefold() in taken:  # for a table upper and lower case are one
            name = f"{name} {n + 1}"
        taken.add(name.casefold())
        found.append(name)
    if not found:
        raise BadRequest("the first row names the columns, and is empty", where="file")
    return found


def _wide(row: Sequence[Any], width: int, line: int) -> list[Any]:
    if len(row) > width and any(cell not in {None, ""} for cell in row[width:]):
        raise BadRequest(f"line {line} has {len(row)} cells, the first {width}", where="file")
    return [cell for cell, _ in zip_longest(row[:width], range(width), fillvalue=None)]
