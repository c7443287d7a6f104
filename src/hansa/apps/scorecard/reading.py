"""What an officer has filled in: rows of a sheet as lines, or what is wrong with them, cell by cell.

Sheets come as people make them: the header further down, cells merged, commas for points, numbers as text, errors of
formulas. Nothing is guessed: what can be read two ways is asked back.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from hansa import BadRequest, Refusal, sheets
from hansa.apps.scorecard import asked
from hansa.apps.scorecard.nouns import WHOLE

ROWS: Final = 5_000
HEADER_WITHIN: Final = 100
"""Rows in which the header is looked for: a letterhead and a few notes are above it."""
TEXT: Final = 2_000
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "framework": ("framework",),
    "period": ("period", "year"),
    "area": ("area", "district"),
    "input": ("input", "input name"),
    "code": ("code", "codes", "indicator", "kpi"),
    "value": ("value", "values", "number", "amount"),
    "unit": ("unit", "units"),
    "status": ("status", "state"),
    "evidence": ("evidence", "source", "sources"),
    "reason": ("reason", "comment", "remark", "note"),
}
_STATUS: Final = {
    "": "", "reported": "reported", "verified": "reported", "yes": "reported",
    "not reported": "not reported", "nr": "not reported", "no": "not reported", "missing": "not reported",
    "not applicable": "not applicable", "n/a": "not applicable", "na": "not applicable",
}  # fmt: skip
_ERRORS: Final = re.compile(
    r"#(DIV/0!|N/A|NAME\?|NULL!|NUM!|REF!|VALUE!|SPILL!|CALC!|GETTING_DATA|####*)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Cell:
    """Where something stands: sheet, row (from 1) and column (from 0)."""

    sheet: str
    row: int
    column: int

    @property
    def name(self) -> str:
        """As spreadsheets write it: B7."""
        return f"{letters(self.column)}{self.row}"


@dataclass(frozen=True, slots=True)
class Line:
    """One value, or why there is none, as a row says it."""

    cell: Cell
    input: str
    period: str
    area: str
    value: float | None
    status: str
    evidence: str
    reason: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a cell, and how to mend it."""

    cell: Cell
    says: str
    mend: str
    input: str = ""
    period: str = ""

    def told(self) -> dict[str, Any]:
        """As a row of the report."""
        return {
            "sheet": self.cell.sheet, "row": self.cell.row, "cell": self.cell.name, "input": self.input,
            "period": self.period, "took": False, "says": self.says, "mend": self.mend,
        }  # fmt: skip


@dataclass(slots=True)
class Filled:
    """All of a file: its lines, its faults, and how many rows were left open."""

    lines: list[Line] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    open: int = 0


class _Wrong(Exception):
    """A cell cannot be read: which column, what, how to mend it."""

    def __init__(self, column: str, says: str, mend: str) -> None:
        super().__init__(says)
        self.column, self.says, self.mend = column, says, mend


def letters(column: int) -> str:
    """The name of a column: A, Z, AA."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def filled(found: Sequence[Any], framework: Any, period: str) -> Filled:
    """The lines of every sheet that has a header; `period` is what rows without one are of. Refusal where none has."""
    made, seen = Filled(), 0
    for sheet in found:
        rows = _spread(sheet)
        header = _header(rows)
        if header is None:
            continue
        seen += 1
        if len(rows) - header[0] > ROWS:
            raise Refusal(f"{sheet.name!r} has more than {ROWS:,} rows", where="file", mend="send them in parts")
        _sheet(made, sheet, rows, header, framework, period)
    if not seen:
        raise Refusal(
            "no row of the file names the columns",
            where="file",
            mend="a header with input (or code) and value, as in the template",
        )
    _doubles(made)
    return made


def _sheet(
    made: Filled,
    sheet: Any,
    rows: Sequence[Sequence[Any]],
    header: tuple[int, dict[str, int]],
    framework: Any,
    period: str,
) -> None:
    top, columns = header
    covered = _covered(sheet, columns.get("value", -1))
    for at in range(top + 1, len(rows)):
        row = {name: _cell(rows[at], column) for name, column in columns.items()}
        says = {name: row.get(name) for name in ("value", "status")}
        if all(_empty(one) for one in says.values()):
            # A row of the template that nobody filled in says nothing; nor does an empty one.
            made.open += any(not _empty(row.get(name)) for name in ("input", "code"))
            continue
        where = Cell(sheet.name, at + 1, columns["value"])
        try:
            made.lines.append(_line(row, where, framework, period, merged=at in covered))
        except _Wrong as why:
            cell = Cell(sheet.name, at + 1, columns.get(why.column, columns["value"]))
            named = row.get("input") if not _empty(row.get("input")) else row.get("code")
            made.faults.append(
                Fault(cell, why.says, why.mend, str(named or "")[:200], str(row.get("period") or "")[:40])
            )


def _line(row: Mapping[str, Any], where: Cell, framework: Any, period: str, *, merged: bool) -> Line:
    if merged:
        raise _Wrong("value", "one merged cell is the value of several rows", "unmerge it; a value for each row")
    whose = _text(row, "framework")
    if whose and whose.lower() != framework.id:
        raise _Wrong(
            "framework", f"this row is of the framework {whose[:80]}", f"send it to that one, or write {framework.id}"
        )
    name = _input(row, framework)
    year = _year(row, period)
    status = _STATUS.get(_text(row, "status").lower())
    if status is None:
        raise _Wrong(
            "status", f"{_text(row, 'status')[:40]!r} is no status", "reported, not reported, or not applicable"
        )
    reason = _text(row, "reason")
    if _empty(row.get("value")):
        if status == "reported":
            raise _Wrong("value", "it is reported, and has no value", "write the value, or: not reported")
        if not reason:
            raise _Wrong("reason", f"it is {status}, and nobody says why", "write the reason")
        value = None
    else:
        if status in {"not reported", "not applicable"}:
            raise _Wrong("status", f"it has a value, and is {status}", "clear one of the two")
        value = _unit(row, read_number(row["value"]), framework.inputs[name].unit)
        status = "reported"
    return Line(where, name, year, _text(row, "area") or WHOLE, value, status, _text(row, "evidence"), reason)


def read_number(said: Any) -> float:
    """The number of a cell; _Wrong says why it is none."""
    if isinstance(said, bool):
        raise _Wrong("value", "yes or no is not a number", "write 1 or 0 where that is meant")
    if isinstance(said, datetime | date):
        raise _Wrong(
            "value",
            "the cell holds a date",
            "spreadsheets make dates of 1.5 and 3/4: format it as a number, and write it again",
        )
    if isinstance(said, int | float):
        return asked_number(float(said))
    text = str(said).strip()
    if _ERRORS.match(text):
        raise _Wrong("value", f"the cell holds an error, {text[:20]}", "mend the formula, or write the value")
    if text.startswith(("=", "@", "+=")):
        raise _Wrong(
            "value", "the cell holds a formula without its result", "open it, calculate, save, or paste the value"
        )
    try:
        return asked_number(sheets.number(text))
    except BadRequest as why:
        raise _Wrong("value", why.detail, why.mend or "write the number alone, its unit in the column for it") from None


def asked_number(value: float) -> float:
    """A finite number that is not absurd."""
    try:
        return asked.number(value, "value")
    except Refusal as why:
        raise _Wrong("value", why.detail, "such as 1234.5") from None


def _unit(row: Mapping[str, Any], value: float, wanted: str) -> float:
    try:
        return asked.in_unit(value, _text(row, "unit"), wanted)
    except BadRequest as why:
        raise _Wrong("unit", why.detail, f"say it in {wanted}") from None


def _input(row: Mapping[str, Any], framework: Any) -> str:
    said = _text(row, "input")
    if said:
        if said.lower() in framework.inputs:
            return said.lower()
        if said in framework.inputs:
            return said
        near = difflib.get_close_matches(said.lower()[:80], list(framework.inputs), 3, 0.6)
        raise _Wrong("input", f"{framework.id} has no input {said[:80]!r}", ", ".join(near) or "as in the template")
    code = _text(row, "code")
    if not code:
        raise _Wrong("input", "the row does not say what it is", "the input's name, as in the template")
    try:
        indicator = framework.indicator(code)
    except BadRequest as why:
        raise _Wrong("code", why.detail, why.mend or "as in the template") from None
    if len(indicator.inputs) > 1:
        raise _Wrong("input", f"{indicator.code} has several inputs", f"say which: {', '.join(indicator.inputs)}"[:300])
    return str(next(iter(indicator.inputs)))


def _year(row: Mapping[str, Any], usual: str) -> str:
    said = row.get("period")
    if _empty(said):
        if not usual:
            raise _Wrong("period", "the row does not say its year", "a column period, or period when sending")
        return usual
    if isinstance(said, datetime | date):
        raise _Wrong("period", "the cell holds a date", "a year, such as 2025")
    if isinstance(said, float) and said.is_integer():
        said = str(int(said))
    text = str(said).strip()
    if not re.fullmatch(r"[0-9]{4}", text):
        raise _Wrong("period", f"{text[:40]!r} is no year", "such as 2025")
    return text


# ---- Cells


def _text(row: Mapping[str, Any], name: str) -> str:
    said = row.get(name)
    if _empty(said):
        return ""
    if isinstance(said, float) and said.is_integer():
        said = int(said)
    return str(said).strip()[:TEXT]


def _empty(said: Any) -> bool:
    return said is None or (isinstance(said, str) and not said.strip())


def _cell(row: Sequence[Any], column: int) -> Any:
    return row[column] if column < len(row) else None


def _header(rows: Sequence[Sequence[Any]]) -> tuple[int, dict[str, int]] | None:
    """The first row that names a value and what it is of, and where each column is."""
    names = {word: name for name, words in COLUMNS.items() for word in words}
    for at, row in enumerate(rows[:HEADER_WITHIN]):
        found: dict[str, int] = {}
        for column, said in enumerate(row):
            name = names.get(str(said).strip().lower()) if isinstance(said, str) else None
            if name is not None:
                found.setdefault(name, column)
        if "value" in found and ("input" in found or "code" in found):
            return at, found
    return None


def _spread(sheet: Any) -> list[list[Any]]:
    """Its rows, with what a merged cell says in each of the cells that it covers."""
    rows = [list(row) for row in sheet.rows]
    for top, left, bottom, right in sheet.merged:
        if top >= len(rows) or left >= len(rows[top]):
            continue
        said = rows[top][left]
        for at in range(top, min(bottom, len(rows) - 1) + 1):
            rows[at] += [None] * (right + 1 - len(rows[at])) if right - len(rows[at]) < 200 else []
            for column in range(left, min(right + 1, len(rows[at]))):
                rows[at][column] = said
    return rows


def _covered(sheet: Any, column: int) -> set[int]:
    """Rows whose value is one merged cell of several."""
    return {
        at for top, left, bottom, right in sheet.merged if left <= column <= right and bottom > top
        for at in range(top, bottom + 1)
    }  # fmt: skip


def _doubles(made: Filled) -> None:
    """Two values for one period: neither is taken. The same value twice is said once."""
    by: dict[tuple[str, str, str], list[Line]] = {}
    for line in made.lines:
        by.setdefault((line.input, line.period, line.area), []).append(line)
    kept: list[Line] = []
    for lines in by.values():
        if len({(one.value, one.status) for one in lines}) == 1:
            kept.append(lines[0])
            continue
        for one in lines:
            others = ", ".join(other.cell.name for other in lines if other is not one)
            made.faults.append(
                Fault(
                    one.cell,
                    f"there is another value for {one.period}, in {others}",
                    "keep one of them",
                    one.input,
                    one.period,
                )
            )
    made.lines = kept


def first(faults: Iterable[Fault]) -> str:
    """The first fault, in a sentence."""
    return next((f"{one.cell.name}: {one.says}" for one in faults), "")
