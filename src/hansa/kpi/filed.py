"""What a city says in a file: rows become values, targets and inputs of one period, or a list of all that is wrong.

    EC: ICT: ICT: 1C: {value: 80.2, target: 95}
    EC: ICT: ICT: 2C: {fixed_broadband_subscriptions: 15000, households: 17000, target: 40}
    EN: EN: AQ: 1C:
      points:
        no2: {value: 18.5, target: 10}
    EC: I: T: 4A: {value: {private: 55, public: 30, walking: 10, cycling: 4, para: 1}, target: {private: 40}}

Beside codes the file may say `period: 2024`, `framework:`, `city:` and `inputs:`. A value may have a `unit`: it is
converted, or refused with the reason. Numbers are written as 1234.5, and nothing else is taken for one.

Tests: tests/kpi/test_kpi_filed.py.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Final

from hansa.errors import BadRequest
from hansa.kpi import units
from hansa.kpi.framework import Framework, Indicator
from hansa.kpi.plausibility import faults, filled, period_faults
from hansa.kpi.rows import CELL, Row, csv_rows, text_of, yaml_rows
from hansa.kpi.scoring import STATUSES, Reported
from hansa.kpi.values import Fault

SHOWN: Final = 200  # faults that are listed; a file with more is wrong as a whole
_OF_FILE: Final = frozenset(["framework", "city", "name", "area", "note", "notes", "source", "sources", "evidence"])
_OF_CODE: Final = frozenset(["note", "notes", "source", "sources", "evidence", "name", "comment", "quality"])
_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?")
_UNSAID: Final = {"nr": "not reported", "n/a": "not applicable", "na": "not applicable"}


class BadFile(BadRequest):
    """Theirs: a file of values that cannot be scored. `faults` has all that was found, by line."""

    def __init__(self, found: Sequence[Fault]) -> None:
        """Say the first, and how many there are."""
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        super().__init__(f"{found[0]}{more}", mend="mend the file; nothing was scored")
        self.faults = list(found)

    def problem(self) -> dict[str, object]:
        """Problem details, with every fault."""
        listed = [{"code": one.code, "point": one.point, "where": one.where, "says": one.says} for one in self.faults]
        return super().problem() | {"faults": listed}


@dataclass(frozen=True, slots=True)
class Filed:
    """What a file says of one period. `reported` has also the values that its inputs give."""

    reported: Mapping[str, Reported]
    inputs: Mapping[str, float]
    period: str | None
    warnings: Sequence[Fault]


@dataclass(slots=True)
class _Said:
    """What was gathered of one code."""

    values: dict[str, float | None] = field(default_factory=dict)
    targets: dict[str, float | None] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    status: str = "reported"
    line: int = 0


def read_values(
    framework: Framework, body: bytes, kind: str = "yaml", *, period: str | None = None, now_year: int | None = None
) -> Filed:
    """The values of a file (`yaml` or `csv`) for one framework and period.

    `period` chooses among several in the file; without it a code may be of one period only. BadFile has
    every fault: unknown codes and names with near ones, texts where a number belongs, two values for one period, a year
    to come, what is not plausible; BadRequest, when the file does not read at all.
    """
    rows = list((csv_rows if kind == "csv" else yaml_rows)(text_of(body)))
    gathered = _Gathering(framework, kind)
    of_period = gathered.chosen(rows, period)
    for row in of_period:
        gathered.take(row)
    return gathered.done(now_year)


class _Gathering:
    """Rows on their way to values; what is wrong is put beside, and the rest is looked at all the same."""

    def __init__(self, framework: Framework, kind: str) -> None:
        self.framework = framework
        self.csv = kind == "csv"
        self.said: dict[str, _Said] = {}
        self.inputs: dict[str, float] = {}
        self.input_lines: dict[str, int] = {}
        self.units: dict[tuple[str, str], tuple[str, int]] = {}
        self.input_units: dict[str, tuple[str, int]] = {}
        self.period: str | None = None
        self.others: list[str] = []  # further periods: of other codes
        self.faults: list[Fault] = []

    def wrong(self, row: Row, says: str, code: str | None = None, key: str = "") -> None:
        named = (row.code if code is None else code)[:CELL]
        # A file of somebody else's does not write to the terminal what moves its cursor.
        named = "".join(one if one.isprintable() else "\ufffd" for one in named)
        self.faults.append(Fault("error", named, key, says, f"line {row.line}"))

    # --- which period ---

    def chosen(self, rows: Iterable[Row], wanted: str | None) -> list[Row]:
        """The rows of the period that is wanted; or all, where no code speaks of two."""
        by_line: dict[int, str] = {}
        by_code: dict[str, str] = {}
        whole: str | None = None
        kept = []
        for row in rows:
            if not row.path and row.code in {"period", "year"}:
                whole = row.text
            elif row.path in {("period",), ("year",)} and row.text:
                by_line[row.line] = row.text
                by_code[row.code] = row.text
            else:
                kept.append(row)

        def period_of(row: Row) -> str | None:
            said = by_line.get(row.line) if self.csv else by_code.get(row.code)
            return said or whole

        of_codes: dict[str, set[str]] = {}
        for row in kept:
            if (one := period_of(row)) is not None:
                of_codes.setdefault(row.code, set()).add(one)
        periods = sorted(set().union(*of_codes.values(), [whole] if whole else []))
        if wanted is not None:
            if periods and wanted not in periods:
                raise BadRequest(f"the file does not speak of {wanted}", mend=f"it has {', '.join(periods[:10])}")
            self.period = wanted
            return [row for row in kept if period_of(row) in {None, wanted}]
        for code, several in of_codes.items():
            if len(several) > 1:
                told = ", ".join(sorted(several)[:10])
                raise BadRequest(
                    f"the file speaks of {told}", where=code[:CELL] or None, mend="say which with --period"
                )
        if periods:
            *self.others, self.period = periods
        return kept

    # --- a row ---

    def take(self, row: Row) -> None:
        code = self.framework.code(row.code)
        if code is not None:
            self.of_code(row, self.framework.indicators[code], row.path)
        elif row.code in {"inputs", "values", "indicators"} and not self.csv:
            self.wrapped(row)
        elif self.csv and not row.code:
            self.of_city(row)
        elif row.code in _OF_FILE and not self.csv:
            self.about(row)
        else:
            self.unknown(row)

    def wrapped(self, row: Row) -> None:
        """`inputs:` of the whole file, or `values:` around all codes."""
        if not row.path:
            if row.text is not None:
                self.wrong(row, f"{row.code} is no mapping")
        elif row.code == "inputs":
            self.input(row, row.path, None)
        else:
            self.take(Row(row.line, row.path[0], row.path[1:], row.text, row.quoted))

    def of_city(self, row: Row) -> None:
        if row.path[:1] == ("inputs",):
            self.input(row, row.path[1:], None)
        elif row.path[:1] and row.path[0] in self.framework.inputs:
            self.input(row, row.path, None)
        elif row.path and row.path[0] not in _OF_CODE:
            self.wrong(row, f"{row.path[-1]} of no code")

    def about(self, row: Row) -> None:
        """What the file says of itself; a framework must be the one that is scored."""
        if row.code == "framework" and row.text is not None and row.text != self.framework.id:
            self.wrong(row, f"the file is of {row.text[:80]!r}, not of {self.framework.id!r}")

    def unknown(self, row: Row) -> None:
        if any(one.code == row.code[:CELL] for one in self.faults):
            return
        try:
            self.framework.indicator(row.code)
        except BadRequest as fault:
            self.wrong(row, f"{fault.detail}{f' ({fault.mend})' if fault.mend else ''}")

    def of_code(self, row: Row, one: Indicator, path: tuple[str, ...]) -> None:
        said = self.said.setdefault(one.code, _Said(line=row.line))
        if not path or path == ("value",):
            if not path and row.text is None:
                return
            self.value(row, one, said, self.only(one), "value")
        elif path[0] in {"value", "target", "status", "unit"} and len(path) <= 2:
            if path == ("status",):
                self.status(row, one, said)
            else:
                key = self.point(row, one, path[1]) if len(path) == 2 else self.only(one, any_key=path[0] == "unit")
                self.value(row, one, said, key, path[0])
        elif path[0] == "points" and len(path) >= 2:
            self.of_point(row, one, said, path[1], path[2:])
        elif path[0] == "inputs":
            self.input(row, path[1:], one)
        elif path[0] in self.framework.inputs:
            self.input(row, path, one)
        elif (key := _point_key(one, path[0])) is not None and not one.single:
            self.of_point(row, one, said, key, path[1:])
        elif path[0] not in _OF_CODE:
            self.field(row, one, path[0])

    def of_point(self, row: Row, one: Indicator, said: _Said, name: str, rest: tuple[str, ...]) -> None:
        key = self.point(row, one, name)
        what = rest[0] if rest else "value"
        if len(rest) > 1 or what not in {"value", "target", "unit", "status", *_OF_CODE}:
            self.wrong(row, f"{'.'.join(rest)[:80]!r} is nothing that a data point has: value, target, unit", one.code)
        elif what == "status":
            if row.text is not None and row.text.lower() in {"not reported", "not applicable", "nr", "n/a"}:
                said.values.setdefault(key or "", None)
        elif what not in _OF_CODE:
            self.value(row, one, said, key, what)

    def field(self, row: Row, one: Indicator, name: str) -> None:
        known = ["value", "target", "status", "unit", *one.inputs, *(key for key in one.points if key)]
        if name.isdigit():
            self.wrong(row, f"{name[:40]!r} stands alone: a number with a comma is written with a point", one.code)
            return
        near = get_close_matches(name[:CELL], known, n=3) or list(one.inputs) or known
        self.wrong(row, f"{name[:80]!r} is neither a field nor an input (perhaps {' or '.join(near)})", one.code)

    def only(self, one: Indicator, *, any_key: bool = False) -> str:
        """The key of an indicator that is one number, or is said as one."""
        said = self.said[one.code]
        if one.single or not any_key or any(held.get("") is not None for held in (said.values, said.targets)):
            return ""
        return "*"

    def point(self, row: Row, one: Indicator, name: str) -> str | None:
        key = _point_key(one, name)
        if key is None:
            keys = ", ".join(one.points) if not one.single else "one number, without a key"
            self.wrong(row, f"it has no data point {name[:60]!r}: it has {keys}", one.code)
        return key

    def status(self, row: Row, one: Indicator, said: _Said) -> None:
        text = (row.text or "reported").strip().lower().replace("_", " ")
        text = _UNSAID.get(text, text)
        if text not in STATUSES:
            self.wrong(row, f"{text[:60]!r} is no status: {', '.join(STATUSES)}", one.code)
        else:
            said.status = text

    def value(self, row: Row, one: Indicator, said: _Said, key: str | None, what: str) -> None:
        if key is None:
            return
        if what == "unit":
            if row.text:
                self.units[one.code, key] = (row.text, row.line)
            return
        held = said.values if what == "value" else said.targets
        mark = f"{what} {key}"
        if mark in said.lines and held.get(key) is not None:
            self.wrong(row, f"a {what} stands in line {said.lines[mark]} too: two values for one period", one.code, key)
            return
        if row.text is None:
            held.setdefault(key, None)
            return
        if what == "value" and (status := _UNSAID.get(row.text.strip().lower())):
            held[key] = None
            said.status = status if one.single else said.status
            return
        number = self.number(row, one.code, key, one.points[key].unit if key in one.points else one.unit)
        if number is not None:
            held[key], said.lines[mark] = number, row.line

    def input(self, row: Row, path: tuple[str, ...], one: Indicator | None) -> None:
        code = one.code if one is not None else ""
        if not path:
            if row.text is not None:
                self.wrong(row, "inputs are a mapping of names", code)
            return
        name = path[0]
        if name not in self.framework.inputs:
            near = get_close_matches(name[:CELL], one.inputs if one is not None else self.framework.inputs, n=3)
            perhaps = f" (perhaps {' or '.join(near)})" if near else ""
            self.wrong(row, f"{name[:80]!r} is no input{perhaps}", code)
            return
        if len(path) > 2 or (len(path) == 2 and path[1] not in {"value", "unit", *_OF_CODE}):
            self.wrong(row, f"{'.'.join(path)[:80]!r}: an input has a value and a unit", code)
        elif len(path) == 2 and path[1] == "unit":
            self.input_units[name] = (row.text or "", row.line)
        elif (len(path) == 1 or path[1] == "value") and row.text is not None:
            number = self.number(row, code, "", self.framework.inputs[name].unit)
            before = self.inputs.get(name)
            if number is not None and before is not None and before != number:
                line = self.input_lines[name]
                self.wrong(
                    row, f"{name} is {number:g} here and {before:g} in line {line}: two values for one period", code
                )
            elif number is not None:
                self.inputs[name], self.input_lines[name] = number, row.line

    def number(self, row: Row, code: str, key: str, unit: str | None) -> float | None:
        text = (row.text or "").strip()
        if unit == "1" and not row.quoted and text.lower() in {"yes", "no", "true", "false"}:
            return float(text.lower() in {"yes", "true"})
        if _NUMBER.fullmatch(text):
            found = float(text)
            if math.isfinite(found):
                return found
            self.wrong(row, f"{text[:40]} is beyond what a number can be", code, key)
        else:
            self.wrong(row, _no_number(text, unit), code, key)
        return None

    # --- all rows are in ---

    def done(self, now_year: int | None) -> Filed:
        self.converted()
        reported = {code: Reported(one.values, one.targets, one.status) for code, one in self.said.items()}
        looked = faults(self.framework, reported, inputs=self.inputs, period=self.period, now_year=now_year)
        for one in self.others:
            looked += period_faults(one, now_year)
        if self.others:
            told = f"values of several periods: {', '.join([*self.others[:10], self.period or ''])}"
            looked.append(Fault("warning", "", "", told, "period"))
        found = self.faults + [self.placed(one) for one in looked]
        if any(one.severity == "error" for one in found):
            wrong = [one for one in found if one.severity == "error"]
            raise BadFile(sorted(dict.fromkeys(wrong), key=_by_line)[:SHOWN])
        whole, _ = filled(self.framework, reported, self.inputs)
        return Filed(whole, self.inputs, self.period, sorted(found, key=_by_line)[:SHOWN])

    def converted(self) -> None:
        """Values that came in units of their own, in the framework's; refused where they do not convert."""
        for (code, key), (text, line) in self.units.items():
            said, points = self.said[code], self.framework.indicators[code].points
            for one in points if key == "*" else (key,):
                for held in (said.values, said.targets):
                    unit = points[one].unit if one in points else self.framework.indicators[code].unit
                    held[one] = self.into(held.get(one), text, unit, line, (code, one))
        for name, (text, line) in self.input_units.items():
            unit = self.framework.inputs[name].unit
            made = self.into(self.inputs.get(name), text, unit, line, ("", ""))
            if made is not None:
                self.inputs[name] = made

    def into(self, value: float | None, come: str, asked: str | None, line: int, of: tuple[str, str]) -> float | None:
        if value is None or asked is None:
            return value
        try:
            return units.converted(value, come, asked)
        except BadRequest as fault:
            self.faults.append(Fault("error", *of, fault.detail, f"line {line}"))
            return None

    def placed(self, one: Fault) -> Fault:
        """A fault with the line that it is about."""
        said = self.said.get(one.code.split(", ")[0])
        line = self.input_lines.get(one.where or "") or (
            said.lines.get(f"value {one.point}", said.line) if said is not None else 0
        )
        return replace(one, where=f"line {line}") if line else one


def _by_line(one: Fault) -> tuple[int, str]:
    digits = (one.where or "").removeprefix("line ")
    return (int(digits) if digits.isdigit() else 0, one.code)


def _point_key(one: Indicator, name: str) -> str | None:
    """The key of a data point, however spelt: `pm_2.5` and `PM2.5` are one."""
    if name in one.points:
        return name
    squashed = {re.sub(r"[^0-9a-z]", "", key.casefold()): key for key in one.points if key}
    return squashed.get(re.sub(r"[^0-9a-z]", "", name.casefold()))


def _no_number(text: str, unit: str | None) -> str:
    """Why a text is no number, and what to write."""
    shown = repr(text[:40])
    if re.fullmatch(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}", text):
        return f"{shown} can be read two ways: write {text.replace(',', '')} or {text.replace(',', '.')}"
    if re.fullmatch(r"[+-]?\d{1,3}(?:[.\s\u00a0']\d{3})*,\d+|[+-]?\d+,\d+", text):
        return f"{shown} has a comma: write {re.sub(r'[^0-9,+-]', '', text).replace(',', '.')[:40]}"
    if re.fullmatch(r"[+-]?\d{1,3}(?:[,\s\u00a0']\d{3})+(?:\.\d+)?", text):
        return f"{shown} has signs between its digits: write {re.sub(r'[^0-9.+-]', '', text)[:40]}"
    if text.lower().lstrip("+-.") in {"nan", "inf", "infinity"}:
        return f"{shown} is no finite number"
    with_unit = re.fullmatch(r"([+-]?\d[\d.]*)\s*([^\W\d].*|%.*)", text)
    if with_unit is None or not _reads(with_unit[2]):
        return f"{shown} stands where a number belongs"
    try:
        units.converted(1.0, with_unit[2], unit or "1")
    except BadRequest as fault:
        return f"{shown} is no number, and {fault.detail}"
    return f"{shown} is a number with a unit: write {with_unit[1]}, and `unit: {with_unit[2]}`"


def _reads(unit: str) -> bool:
    try:
        units.read(unit)
    except BadRequest:
        return False
    return True
