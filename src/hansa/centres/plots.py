"""Plots drawn where the figures are: axes, paths and bars as SVG, so that a page shows them without any script.

A plot is three drawings side by side (values, plot, what they are of), each in thousandths of its box, so that one
answer fits a telephone and a wall. `plot(told, words)` takes what `/desk/opendata/explore` answers;
templates/public/plot.html
draws what it returns. Measured is solid, missing dashed. Held by tests/centres/test_plots.py.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import isfinite
from typing import Any, Final

from hansa.centres.catalogue import Catalogue
from hansa.centres.scales import Mark, figure, nice, seconds, times

WIDE: Final = 1_000.0
_DAY: Final = 86_400.0
_SPANS: Final = {
    "minute": 60.0,
    "hour": 3_600.0,
    "day": _DAY,
    "week": 7 * _DAY,
    "month": 31 * _DAY,
    "quarter": 92 * _DAY,
    "year": 366 * _DAY,
}
_LABEL: Final = 22  # letters of a name beside its bar
_COLOURS: Final = 8
CLASSES: Final = 5
"""Of values on a map: as many as are told apart by size and lightness together."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar, in thousandths; of which colour."""

    x: float
    y: float
    width: float
    height: float
    colour: int


@dataclass(frozen=True, slots=True)
class Path:
    """A path in thousandths: `line`, `gap` or `dots`, of a colour."""

    kind: str
    colour: int
    d: str


@dataclass(slots=True)
class Plot:
    """All of it. `lying`: its bars lie, and the names are to their left."""

    kind: str
    left: list[Mark] = field(default_factory=list)
    bottom: list[Mark] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    legend: list[tuple[int, str]] = field(default_factory=list)
    lying: bool = False
    height: int = 320
    zero: float | None = None
    points: list[dict[str, Any]] = field(default_factory=list)
    domain: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


def plot(told: Mapping[str, Any], words: Catalogue) -> Plot:
    """The drawing of an answer; one without rows is empty."""
    rows = told["rows"]
    kind = str(told["plot"])
    if not rows:
        return Plot(kind)
    if kind == "map":
        return _mapped(told, words)
    x = told["axes"]["x"]
    if kind == "bar" and x["bin"] is None and x["type"] not in {"number", "integer", "time"}:
        return _lying(told, words)
    return _standing(told, words, kind)


# ---- standing: values upwards, what they are of from left to right


def _listed(told: Mapping[str, Any], number: Callable[[Any], float]) -> dict[Any, list[tuple[float, float]]]:
    """The points of each series, by its name; None where there is one alone."""
    axes = told["axes"]
    by = axes["by"]["at"] if axes["by"] else None
    lists: dict[Any, list[tuple[float, float]]] = {one: [] for one in (told["series"] if by is not None else [None])}
    for row in told["rows"]:
        point = number(row[axes["x"]["at"]]), _plain(row[axes["y"]["at"]])
        name = row[by] if by is not None else None
        if all(map(isfinite, point)) and name in lists:
            lists[name].append(point)
    return lists


def _standing(told: Mapping[str, Any], words: Catalogue, kind: str) -> Plot:
    axes = told["axes"]
    timed = axes["x"]["type"] == "time"
    number: Callable[[Any], float] = seconds if timed else _plain
    lists = _listed(told, number)
    every = [point for one in lists.values() for point in one]
    if not every:
        return Plot(kind)
    step = _step(axes["x"]["bin"], lists, timed=timed)
    barred = kind in {"bar", "hist"}
    low, high = min(x for x, _ in every), max(x for x, _ in every)
    if barred:  # a bar begins where its step does
        high += step
    if low == high:
        low, high = low - 0.5, high + 0.5
    bottoms = times(low, high) if timed else [Mark(one, figure(_short(one), words)) for one in nice(low, high)]
    if not timed:
        low, high = min(low, bottoms[0].at), max(high, bottoms[-1].at)
    values = [y for _, y in every]
    ticks = nice(min(0.0, *values), max(0.0, *values)) if barred else nice(min(values), max(values))
    bottom, top = ticks[0], ticks[-1]

    def across(x: float) -> float:
        return round((x - low) / (high - low) * WIDE, 1)

    def up(y: float) -> float:
        return round(WIDE - (y - bottom) / (top - bottom) * WIDE, 1)

    made = Plot(
        kind,
        [Mark(up(one), figure(_short(one), words)) for one in ticks],
        [Mark(across(one.at), one.text) for one in bottoms],
        domain=(low, high, bottom, top),
        zero=up(0.0) if bottom < 0 < top else None,
    )
    for n, one in enumerate(lists):
        colour = n % _COLOURS
        if kind == "line":
            made.paths += _lines(lists[one], colour, across, up, step)
        elif kind == "scatter":
            made.paths.append(Path("dots", colour, _dots(lists[one], across, up)))
        else:
            made.bars += _bars(lists[one], n, len(lists), step, across, up)
        if one is not None:
            made.legend.append((colour, str(one)))
    made.points = _points(lists, across, up)
    return made


def _plain(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")


def _short(value: float) -> float:
    """Without the dust of binary fractions."""
    rounded = round(value, 9)
    return int(rounded) if float(rounded).is_integer() and abs(rounded) < 1e15 else rounded


def _step(bin_: Any, lists: Mapping[Any, Sequence[tuple[float, float]]], *, timed: bool) -> float:
    """How far two neighbours are from each other: as they were cut, else as most of them are."""
    if timed and bin_ in _SPANS:
        return _SPANS[bin_]
    if isinstance(bin_, int | float) and not isinstance(bin_, bool):
        return float(bin_)
    gaps = sorted(b[0] - a[0] for one in lists.values() for a, b in pairwise(one) if b[0] > a[0])
    return gaps[len(gaps) // 2] if gaps else 1.0


def _lines(
    points: Sequence[tuple[float, float]],
    colour: int,
    across: Callable[[float], float],
    up: Callable[[float], float],
    step: float,
) -> list[Path]:
    line, gap, before = [], [], None
    for x, y in points:
        here = f"{across(x):g} {up(y):g}"
        if before is not None and x - before[0] > 1.6 * step:
            gap.append(f"M{across(before[0]):g} {up(before[1]):g}L{here}")
            line.append(f"M{here}")
        else:
            line.append(f"{'L' if before is not None else 'M'}{here}")
        before = (x, y)
    found = [Path("line", colour, "".join(line))]
    if gap:
        found.append(Path("gap", colour, "".join(gap)))
    if len(points) < 3 or len(gap) * 3 > len(points):  # what stands alone would not be seen
        found.append(Path("dots", colour, _dots(points, across, up)))
    return found


def _dots(points: Sequence[tuple[float, float]], across: Callable[[float], float], up: Callable[[float], float]) -> str:
    return "".join(f"M{across(x):g} {up(y):g}h0" for x, y in points)


def _bars(
    points: Sequence[tuple[float, float]],
    n: int,
    many: int,
    step: float,
    across: Callable[[float], float],
    up: Callable[[float], float],
) -> list[Bar]:
    found = []
    for x, y in points:
        left, right = across(x), across(x + step)
        wide = (right - left) * 0.92 / many
        top, foot = min(up(y), up(0.0)), max(up(y), up(0.0))
        found.append(Bar(round(left + (right - left) * 0.04 + n * wide, 1), top, round(wide, 1), foot - top, n))
    return found


def _points(
    lists: Mapping[Any, Sequence[tuple[float, float]]], across: Callable[[float], float], up: Callable[[float], float]
) -> list[dict[str, Any]]:
    """What a pointer finds: place and figures of each point."""
    return [{"name": name, "at": [[across(x), up(y), x, y] for x, y in one]} for name, one in lists.items() if one]


# ---- lying: names down the side


def _lying(told: Mapping[str, Any], words: Catalogue) -> Plot:
    axes, rows = told["axes"], told["rows"]
    by = axes["by"]["at"] if axes["by"] else None
    series = list(told["series"]) if by is not None else [None]
    names: dict[Any, dict[Any, float]] = {}
    for row in rows:
        value = _plain(row[axes["y"]["at"]])
        if isfinite(value):
            names.setdefault(row[axes["x"]["at"]], {})[row[by] if by is not None else None] = value
    if not names:
        return Plot("bar")
    values = [value for one in names.values() for value in one.values()]
    ticks = nice(min(0.0, *values), max(0.0, *values), 4)
    low, high = ticks[0], ticks[-1]

    def along(value: float) -> float:
        return round((value - low) / (high - low) * WIDE, 1)

    row_ = WIDE / len(names)
    thick = row_ * 0.72 / len(series)
    made = Plot("bar", lying=True, height=max(120, min(1_400, 26 * len(names) * (1 + (len(series) - 1) // 2))))
    for n, (name, said) in enumerate(names.items()):
        text = str(name)
        short = text if len(text) <= _LABEL else text[: _LABEL - 1] + "…"
        made.left.append(Mark(round((n + 0.5) * row_, 1), short))
        for k, one in enumerate(series):
            if one in said:
                left, right = sorted((along(0.0), along(said[one])))
                top = round(n * row_ + row_ * 0.14 + k * thick, 1)
                made.bars.append(Bar(left, top, round(right - left, 1), round(thick, 1), k % _COLOURS))
    made.bottom = [Mark(along(one), figure(_short(one), words)) for one in ticks]
    made.legend = [(k % _COLOURS, str(one)) for k, one in enumerate(series) if one is not None]
    made.domain = (low, high, 0.0, float(len(names)))
    return made


# ---- a map: values in classes


def _mapped(told: Mapping[str, Any], words: Catalogue) -> Plot:
    axes = told["axes"]
    lon, lat, y = (axes[name]["at"] for name in ("x", "lat", "y"))
    label = next((n for n, one in enumerate(told["columns"]) if one["name"] in {"name", "id"}), None)
    known = [row for row in told["rows"] if all(isfinite(_plain(row[at])) for at in (lon, lat, y))]
    if not known:
        return Plot("map")
    values = sorted(_plain(row[y]) for row in known)
    many = min(CLASSES, len(set(values)))
    edges = sorted({values[min(len(values) - 1, len(values) * n // many)] for n in range(1, many)})
    half = float(axes["x"]["bin"]) / 2 if isinstance(axes["x"]["bin"], int | float) else 0.0
    made = Plot("map", height=420)
    for row in known:
        value = _plain(row[y])
        made.points.append(
            {
                # A square of the grid is shown at its middle.
                "at": [round(_plain(row[lon]) + half, 6), round(_plain(row[lat]) + half, 6)],
                "class": sum(1 for edge in edges if value >= edge),
                "text": (f"{row[label]}: " if label is not None else "") + figure(value, words),
            }
        )
    bounds = [values[0], *edges, values[-1]]
    made.legend = [
        (n, figure(a, words) if a == b else f"{figure(a, words)} – {figure(b, words)}")
        for n, (a, b) in enumerate(pairwise(bounds))
    ]
    west, east = min(one["at"][0] for one in made.points), max(one["at"][0] for one in made.points)
    south, north = min(one["at"][1] for one in made.points), max(one["at"][1] for one in made.points)
    made.domain = (west, east, south, north)
    wide, high = max(east - west, 1e-6), max(north - south, 1e-6)
    for n in range(len(made.legend)):
        dots = "".join(
            f"M{40 + (one['at'][0] - west) / wide * 920:.1f} {960 - (one['at'][1] - south) / high * 920:.1f}h0"
            for one in made.points
            if one["class"] == n
        )
        if dots:
            made.paths.append(Path(f"place p{n}", n, dots))
    return made
