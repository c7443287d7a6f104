"""What anybody wants plotted of what is published, said in an address: short, readable, and all of it.

    d=weather&plot=line&x=time&y=temperature&agg=mean&bin=day&by=name&f=temperature>3;name=North|South
    d=weather&j=stations&on=id,time@day:day&plot=scatter&x=temperature&y=height

`Spec` is the address read with care, its conditions and its join against the columns that there are; `plan` makes of it
what is asked of the tables. Held by tests/apps/test_explore.py.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any, Final

from hansa import Refusal

PLOTS: Final = ("line", "bar", "scatter", "hist", "map")
MEASURES: Final = ("mean", "sum", "min", "max", "median", "count", "distinct")
SPANS: Final = ("minute", "hour", "day", "week", "month", "quarter", "year")
_FILTERS: Final = 6
_PAIRS: Final = 3
_TEXT: Final = 1_000
_OPS: Final = {"=": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "~": "like"}
_OP: Final = re.compile(r"!=|<=|>=|=|<|>|~")
_NAMES: Final = ("d", "plot", "x", "y", "agg", "bin", "by", "f", "j", "on", "v")
NUMBERS: Final = frozenset({"number", "integer"})


@dataclass(frozen=True, slots=True)
class Filter:
    """`column op value`, the value as it was written."""

    column: str
    op: str
    value: str

    def said(self) -> str:
        """As it stands in an address."""
        return f"{self.column}{self.op}{self.value}".replace(";", ";;")


@dataclass(frozen=True, slots=True)
class Spec:
    """What is to be plotted, as the address says it; empty where it says nothing."""

    dataset: str
    plot: str = ""
    x: str = ""
    y: str = ""
    agg: str = ""
    bin: str = ""
    by: str = ""
    filters: tuple[Filter, ...] = ()
    join: str = ""
    on: str = ""
    versions: tuple[int, ...] = ()
    """Of the dataset, and of the joined one: a plot that stays as it is. Without it, the newest."""

    def address(self) -> dict[str, str]:
        """The parameters that say it, and no others."""
        filters = ";".join(one.said() for one in self.filters)
        values = (
            self.dataset,
            self.plot,
            self.x,
            self.y,
            self.agg,
            self.bin,
            self.by,
            filters,
            self.join,
            self.on,
            ",".join(map(str, self.versions)),
        )
        return {name: value for name, value in zip(_NAMES, values, strict=True) if value}


@dataclass(frozen=True, slots=True)
class Column:
    """A column that can be chosen: `low` and `high` where they are known, `table` 0 or 1."""

    name: str
    type: str
    unit: str = ""
    low: Any = None
    high: Any = None
    distinct: int = 0
    table: int = 0

    @property
    def numeric(self) -> bool:
        """Whether one can calculate with it."""
        return self.type in NUMBERS


Columns = Mapping[str, Column]


def read(said: Mapping[str, str]) -> Spec:
    """The plot that an address says. Refusal of what is none; which columns there are is known later."""
    for name, text in said.items():
        if len(text) > _TEXT:
            raise Refusal(f"{_TEXT:,} characters are the most", where=name[:20])
    plot, agg = said.get("plot", ""), said.get("agg", "")
    if plot and plot not in PLOTS:
        raise Refusal(f"{plot[:20]!r} is no plot", where="plot", mend=", ".join(PLOTS))
    if agg and agg not in MEASURES:
        raise Refusal(f"{agg[:20]!r} is no measure", where="agg", mend=", ".join(MEASURES))
    if not said.get("d"):
        raise Refusal("which dataset?", where="d")
    parts = re.split(r"(?<!;);(?!;)", said.get("f", ""))
    filters = tuple(_filter(one.replace(";;", ";")) for one in parts if one.strip())
    if len(filters) > _FILTERS:
        raise Refusal(f"{_FILTERS} conditions are the most", where="f")
    names = ("x", "y")
    x, y = (said.get(name, "") for name in names)
    return Spec(
        said["d"], plot, x, y, agg, said.get("bin", ""), said.get("by", ""), filters, said.get("j", ""),
        said.get("on", "") if said.get("j") else "", _versions(said.get("v", "")),
    )  # fmt: skip


def _versions(text: str) -> tuple[int, ...]:
    parts = text.split(",") if text else []
    if len(parts) > 2 or not all(one.isascii() and one.isdecimal() and 0 < len(one) < 8 for one in parts):
        raise Refusal(f"{text[:20]!r} names no releases", where="v", mend="3, or 3,1 where two are joined")
    return tuple(map(int, parts))


def _filter(text: str) -> Filter:
    match = _OP.search(text)
    if match is None or not match.start():
        raise Refusal(f"{text[:60]!r} is no condition", where="f", mend="name=North, temperature>3")
    return Filter(text[: match.start()].strip(), match.group(), text[match.end() :].strip())


def pairs(said: str, mine: Columns, theirs: Columns) -> list[list[Any]]:
    """On what two tables are joined: `a:b`, `a` where both are called so, `time@day:day`. Refusal.

    Where nothing is said, on what both have under one name and of one kind: an id, else one text, and the time.
    """
    if not said:
        return _shared(mine, theirs)
    found = []
    for one in said.split(","):
        left, mark, right = one.strip().partition(":")
        found.append([_edge(left, mine), _edge(right if mark else left, theirs)])
    if len(found) > _PAIRS:
        raise Refusal(f"{_PAIRS} pairs are the most", where="on")
    return found


def _edge(said: str, columns: Columns) -> Any:
    name, mark, to = said.strip().partition("@")
    column = known(columns, name, "on")
    if not mark:
        return name
    if column.type == "time" and to in SPANS:
        return {"column": name, "to": to}
    if column.numeric and (width := number(to)) is not None and width > 0:
        return {"column": name, "to": width}
    raise Refusal(f"{name} is not cut to {to[:20]!r}", where="on", mend="time@day, height@10")


def _shared(mine: Columns, theirs: Columns) -> list[list[Any]]:
    both = [
        name
        for name, column in mine.items()
        if name in theirs and theirs[name].type == column.type and name not in {"lon", "lat", "geometry"}
    ]
    times = [name for name in both if mine[name].type == "time"][:1]
    keys = [name for name in both if name == "id"] or [name for name in both if mine[name].type == "text"][:1]
    found: list[list[Any]] = [[name, name] for name in keys]
    found += [[{"column": name, "to": "hour"}, {"column": name, "to": "hour"}] for name in times]
    if not found:
        raise Refusal("they have no column in common", where="on", mend="say on which: on=a:b")
    return found


def said_of(found: Sequence[Sequence[Any]]) -> str:
    """A join as an address has it."""

    def edge(one: Any) -> str:
        return f"{one['column']}@{one['to']}" if isinstance(one, dict) else str(one)

    return ",".join(edge(a) if a == b else f"{edge(a)}:{edge(b)}" for a, b in found)


def joined(mine: Columns, theirs: Columns) -> dict[str, Column]:
    """The columns of two tables side by side, named as questions name them."""
    both = dict(mine)
    for name, one in theirs.items():
        key = f"b.{name}" if name in both else name
        both[key] = Column(key, one.type, one.unit, one.low, one.high, one.distinct, 1)
    return both


def where(spec: Spec, columns: Columns) -> list[dict[str, Any]]:
    """The conditions as questions have them: values of their column's kind. Refusal."""
    return [_condition(one, known(columns, one.column, "f")) for one in spec.filters]


def _condition(one: Filter, column: Column) -> dict[str, Any]:
    op = _OPS[one.op]
    if op == "like":
        if column.type not in {"text", "geometry"}:
            raise Refusal(f"{column.name} is no text", where="f")
        return {"column": column.name, "op": "like", "value": f"%{one.value}%"}
    if op in {"==", "!="} and not one.value:
        return {"column": column.name, "op": op, "value": None}
    if op == "==" and "|" in one.value:
        return {"column": column.name, "op": "in", "value": [_value(column, it) for it in one.value.split("|")[:100]]}
    return {"column": column.name, "op": op, "value": _value(column, one.value)}


def _value(column: Column, said: str) -> Any:
    if column.numeric:
        found = number(said)
        if found is None:
            raise Refusal(f"{column.name} holds numbers; {said[:40]!r} is none", where="f")
        return found
    if column.type == "boolean":
        if said not in {"true", "false"}:
            raise Refusal(f"{column.name} is true or false", where="f")
        return said == "true"
    if column.type == "time":
        try:
            datetime.fromisoformat(said)
        except ValueError:
            raise Refusal(f"{said[:40]!r} is no time", where="f", mend="2026-01-31 or 2026-01-31T12:00:00Z") from None
    return said


def number(said: str) -> float | None:
    """A finite figure, whole where it is whole; None where the text is none."""
    try:
        found = float(said)
    except ValueError:
        return None
    if not isfinite(found):
        return None
    return int(found) if found.is_integer() and abs(found) < 2**53 else found


def known(columns: Columns, name: str, at: str) -> Column:
    """The column that is named. Refusal."""
    found = columns.get(name)
    if found is None:
        raise Refusal(f"there is no column {name[:60]!r}", where=at, mend=f"one of {', '.join(list(columns)[:20])}")
    return found
