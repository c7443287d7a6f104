"""What is asked of the tables for a plot: which columns are its axes, and how rows are put together.

Never more than 2,000 points leave, whatever a dataset holds, for they are put together where the rows are.
"""

from dataclasses import dataclass
from datetime import datetime
from math import ceil, floor, log10
from typing import Any, Final

from hansa import Refusal
from hansa.apps.opendata.explore import SPANS, Column, Columns, Spec, known, number

POINTS: Final = 2_000
"""Of one plot: what a screen shows and a phone draws."""
SERIES: Final = 8
"""Lines or colours side by side: as many as people can tell apart."""
BARS: Final = 40
_BINS: Final = 30
_LINE: Final = 800
"""Steps of one line where nobody says how fine."""
_SPAN_S: Final = dict(zip(SPANS, (60, 3_600, 86_400, 604_800, 2_629_746, 7_889_238, 31_556_952), strict=True))


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

    def told(self) -> list[dict[str, Any]]:
        """Rows that say nothing of an axis are not in the plot."""
        axes = [self.x, *([self.y] if self.y is not None else []), *([self.lat] if self.lat is not None else [])]
        return [{"column": one.name, "op": "!=", "value": None} for one in axes]


def planned(spec: Spec, columns: Columns, rows: int) -> Plan:
    """The plot that is asked for; what is left open is chosen so that it shows something. Refusal."""
    plot = spec.plot or _usual(spec, columns)
    y = known(columns, spec.y, "y") if spec.y else _measured(plot, spec, columns)
    agg = spec.agg or ("mean" if y is not None and y.numeric else "count")
    if y is not None and not y.numeric and agg not in {"count", "distinct"}:
        raise Refusal(f"{y.name} holds no numbers", where="y", mend="choose count or distinct")
    by = known(columns, spec.by, "by") if spec.by and plot not in {"hist", "map"} else None
    if plot == "map":
        return _mapped(y, agg, spec, columns, rows)
    x = known(columns, spec.x, "x") if spec.x else _axis(plot, columns, y)
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
    for kind in wanted:
        for one in named:
            if one.type == kind:
                return one
    for one in columns.values():
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
    width = number(spec.bin) if spec.bin else None
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
        width = number(spec.bin)
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
