"""What anybody wants plotted of what is published, said in an address: short, readable, and all of it.

    d=weather&plot=line&x=time&y=temperature&agg=mean&bin=day&by=name&f=temperature>3;name=North|South
    d=weather&j=stations&on=id,time@day:day&plot=scatter&x=temperature&y=height

`Spec` is the address read with care; `Plan` what is asked of the tables for it: never more than 2,000 points leave,
whatever a dataset holds, for they are put together where the rows are. Held by tests/apps/test_explore.py.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil, floor, isfinite, log10
from typing import Any, Final

from hansa import Refusal

PLOTS: Final = ("line", "bar", "scatter", "hist", "map")
MEASURES: Final = ("mean", "sum", "min", "max", "median", "count", "distinct")
SPANS: Final = ("minute", "hour", "day", "week", "month", "quarter", "year")
POINTS: Final = 2_000
"""Of one plot: what a screen shows and a phone draws."""
SERIES: Final = 8
"""Lines or colours side by side: as many as people can tell apart."""
BARS: Final = 40
_BINS: Final = 30
_LINE: Final = 800
"""Steps of one line where nobody says how fine."""
_FILTERS: Final = 6
_PAIRS: Final = 3
_TEXT: Final = 1_000
_SPAN_S: Final = dict(zip(SPANS, (60, 3_600, 86_400, 604_800, 2_629_746, 7_889_238, 31_556_952), strict=True))
_OPS: Final = {"=": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "~": "like"}
_OP: Final = re.compile(r"!=|<=|>=|=|<|>|~")
_NAMES: Final = ("d", "plot", "x", "y", "agg", "bin", "by", "f", "j", "on")
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

    def address(self) -> dict[str, str]:
        """The parameters that say it, and no others."""
        filters = ";".join(one.said() for one in self.filters)
        values = (self.dataset, self.plot, self.x, self.y, self.agg, self.bin, self.by, filters, self.join, self.on)
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
        said.get("on", "") if said.get("j") else "",
    )  # fmt: skip


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
    column = _known(columns, name, "on")
    if not mark:
        return name
    if column.type == "time" and to in SPANS:
        return {"column": name, "to": to}
    if column.numeric and (width := _number(to)) is not None and width > 0:
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
    return [_condition(one, _known(columns, one.column, "f")) for one in spec.filters]


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
        number = _number(said)
        if number is None:
            raise Refusal(f"{column.name} holds numbers; {said[:40]!r} is none", where="f")
        return number
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


def _number(said: str) -> float | None:
    try:
        found = float(said)
    except ValueError:
        return None
    if not isfinite(found):
        return None
    return int(found) if found.is_integer() and abs(found) < 2**53 else found


def _known(columns: Columns, name: str, at: str) -> Column:
    found = columns.get(name)
    if found is None:
        raise Refusal(f"there is no column {name[:60]!r}", where=at, mend=f"one of {', '.join(list(columns)[:20])}")
    return found


# ---- what is asked of the tables


@dataclass(frozen=True, slots=True)
class Plan:
    """A plot that can be made: which columns are its axes, and how they are put together.

    `bin` is a span, a width, or nothing; `y` is nothing where rows are counted.
    """

    plot: str
    x: Column
    y: Column | None
    agg: str
    bin: str | float | None
    by: Column | None
    lat: Column | None = None

    @property
    def measured(self) -> str:
        """What the column of values is called."""
        if self.plot == "scatter" and self.y is not None:
            return self.y.name
        return "count" if self.y is None else f"{self.agg} of {self.y.name}"

    def measure(self) -> dict[str, Any]:
        """As questions have it."""
        if self.y is None:
            return {"as": "count", "name": self.measured}
        return {"of": self.y.name, "as": self.agg, "name": self.measured}

    def cut(self) -> Any:
        """What rows are put together by."""
        return self.x.name if self.bin is None else {"column": self.x.name, "to": self.bin}

    def known(self) -> list[dict[str, Any]]:
        """Rows that say nothing of an axis are not in the plot."""
        axes = [self.x, *([self.y] if self.y is not None else []), *([self.lat] if self.lat is not None else [])]
        return [{"column": one.name, "op": "!=", "value": None} for one in axes]


def planned(spec: Spec, columns: Columns, rows: int) -> Plan:
    """The plot that is asked for; what is left open is chosen so that it shows something. Refusal."""
    plot = spec.plot or _usual(spec, columns)
    y = _known(columns, spec.y, "y") if spec.y else _measured(plot, spec, columns)
    agg = spec.agg or ("mean" if y is not None and y.numeric else "count")
    if y is not None and not y.numeric and agg not in {"count", "distinct"}:
        raise Refusal(f"{y.name} holds no numbers", where="y", mend="choose count or distinct")
    by = _known(columns, spec.by, "by") if spec.by and plot not in {"hist", "map"} else None
    if plot == "map":
        return _mapped(y, agg, spec, columns, rows)
    x = _known(columns, spec.x, "x") if spec.x else _axis(plot, columns, y)
    if by is not None and by.name == x.name:
        by = None
    if x.type == "geometry" or (y is not None and y.type == "geometry"):
        raise Refusal("shapes are not plotted", where="x", mend="choose another column, or the map")
    if plot == "hist":
        if not x.numeric:
            raise Refusal(f"{x.name} holds no numbers", where="x", mend="a histogram is of numbers")
        return Plan("hist", x, None, "count", _width(spec, x, _BINS), None)
    if plot == "scatter":
        if y is None or not y.numeric or not (x.numeric or x.type == "time"):
            raise Refusal("a scatter plot has two columns of numbers", where="y")
        return Plan("scatter", x, y, agg, None, by)
    if plot == "line" and not (x.numeric or x.type == "time"):
        raise Refusal(f"{x.name} has no order for a line", where="x", mend="choose a time or a number, or bars")
    return Plan(plot, x, y, agg, _step(spec, x, plot, many=SERIES if by is not None else 1), by)


def _usual(spec: Spec, columns: Columns) -> str:
    kinds = {one.type for one in columns.values()}
    if spec.x and spec.x in columns:
        return "line" if columns[spec.x].type == "time" else "bar"
    if "time" in kinds:
        return "line"
    if {"lon", "lat"} <= set(columns):
        return "map"
    return "bar" if "text" in kinds or "boolean" in kinds else "hist"


def _measured(plot: str, spec: Spec, columns: Columns) -> Column | None:
    """What is plotted where nobody says: the first number that is no coordinate. Counting is said as `agg=count`."""
    if plot == "hist" or spec.agg == "count":
        return None
    return next((one for one in columns.values() if one.numeric and one.name not in {"lon", "lat", spec.x}), None)


def _axis(plot: str, columns: Columns, y: Column | None) -> Column:
    wanted = {"line": ("time",), "scatter": ("number", "integer"), "hist": ("number", "integer")}.get(
        plot, ("text", "boolean", "time")
    )
    named = [one for one in columns.values() if one.name not in {"id", "lon", "lat"} and one != y]
    for one in (*named, *columns.values()):
        if one.type in wanted:
            return one
    for one in columns.values():
        if one.type != "geometry" and (plot not in {"hist", "scatter", "line"} or one.numeric):
            return one
    raise Refusal("there is no column for this plot", where="x", mend="choose another kind of plot")


def _mapped(y: Column | None, agg: str, spec: Spec, columns: Columns, rows: int) -> Plan:
    lon, lat = columns.get("lon"), columns.get("lat")
    if lon is None or lat is None:
        raise Refusal("it does not say where things are", where="plot", mend="choose another kind of plot")
    width = _number(spec.bin) if spec.bin else None
    if spec.bin and (width is None or width <= 0):
        raise Refusal("a map is cut to squares of so many degrees", where="bin")
    # Few places are shown as they are; many as squares of a grid, each with what lies in it.
    if width is None and min(rows, max(lon.distinct, lat.distinct) or rows) > POINTS:
        reach = max(_reach(lon), _reach(lat))
        width = _nice(reach / 40) if reach else None
    return Plan("map", lon, y, agg, width, None, lat)


def _reach(column: Column) -> float:
    low, high = column.low, column.high
    known = isinstance(low, int | float) and isinstance(high, int | float)
    return float(high) - float(low) if known else 0.0


def _step(spec: Spec, x: Column, plot: str, many: int) -> str | float | None:
    """How fine: as it is said, else so that it fits."""
    if x.type == "time":
        if spec.bin:
            if spec.bin not in SPANS:
                raise Refusal(f"{spec.bin[:20]!r} is no step of time", where="bin", mend=", ".join(SPANS))
            return spec.bin
        seconds = _seconds(x)
        most = min(_LINE if plot == "line" else BARS, POINTS // many)
        return next((span for span in SPANS if seconds / _SPAN_S[span] <= most), "year")
    if not x.numeric:
        return None
    if spec.bin or (x.distinct or POINTS) > (_LINE if plot == "line" else BARS):
        return _width(spec, x, _LINE // many if plot == "line" else _BINS)
    return None


def _seconds(x: Column) -> float:
    try:
        low, high = (datetime.fromisoformat(str(one)) for one in (x.low, x.high))
        return (high - low).total_seconds()
    except (ValueError, TypeError):
        return 0.0


def _width(spec: Spec, x: Column, bins: int) -> float:
    if spec.bin:
        width = _number(spec.bin)
        if width is None or width <= 0:
            raise Refusal("a step is a number above zero", where="bin")
        return width
    reach = _reach(x)
    return _nice(reach / bins) if reach > 0 else 1


def _nice(width: float) -> float:
    """The next of 1, 2, 5, 10, 20 ..."""
    power = 10.0 ** floor(log10(width))
    step = next(one for one in (1, 2, 5, 10) if one * power >= width * (1 - 1e-9))
    made = step * power
    return int(made) if made.is_integer() else round(made, max(0, ceil(-log10(power)) + 1))
