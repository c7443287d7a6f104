"""Plots drawn where the figures are: axes, paths and bars as SVG, so that a page shows them without any script.

A plot is three drawings side by side (values, plot, what they are of), each in thousandths of its box, so that one answer
fits a telephone and a wall. `plot(told, words)` takes what `/desk/opendata/explore` answers; templates/public/plot.html
draws what it returns. Measured is solid, missing dashed. Held by tests/centres/test_plots.py.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil, floor, isfinite, log10
from typing import Any, Final

from hansa.centres.catalogue import Catalogue

WIDE: Final = 1_000.0
_TICKS: Final = 5
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
_STEPS: Final = (
    60, 300, 900, 3_600, 10_800, 21_600, 43_200, _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 31 * _DAY, 92 * _DAY,
    183 * _DAY, 366 * _DAY, 2 * 366 * _DAY, 5 * 366 * _DAY, 10 * 366 * _DAY, 50 * 366 * _DAY,
)  # fmt: skip
_LABEL: Final = 22  # letters of a name beside its bar
_COLOURS: Final = 8
CLASSES: Final = 5
"""Of values on a map: as many as are told apart by size and lightness together."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A label of an axis: where (thousandths), and what."""

    at: float
    text: str


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


# ---- scales


def nice(low: float, high: float, most: int = _TICKS) -> list[float]:
    """Round numbers from at or below `low` to at or above `high`, about `most` of them."""
    if not (isfinite(low) and isfinite(high)):
        return [0.0, 1.0]
    if low == high:
        low, high = (low - 1, high + 1) if low == 0 else (low - abs(low) * 0.1, high + abs(high) * 0.1)
    raw = (high - low) / most
    power = 10.0 ** floor(log10(raw)) if raw > 0 else 1.0
    step = next((one * power for one in (1, 2, 2.5, 5, 10) if one * power >= raw * (1 - 1e-9)), 10 * power)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [one * step for one in range(first, last + 1)][:50]


def seconds(at: Any) -> float:
    """Seconds of an ISO 8601 text since 1970; NaN where it is none."""
    try:
        made = datetime.fromisoformat(str(at))
    except ValueError:
        return float("nan")
    return (made if made.tzinfo else made.replace(tzinfo=UTC)).timestamp()


def times(low: float, high: float, most: int = 4) -> list[Mark]:
    """Instants that people know, between two, each as text: years, months, days, hours. `at` is in seconds."""
    span = max(high - low, 60.0)
    step = next((one for one in _STEPS if span / one <= most), _STEPS[-1])
    at = _begun(datetime.fromtimestamp(low, UTC), step)
    found: list[Mark] = []
    for _ in range(200):
        second = at.timestamp()
        if second > high + 1:
            break
        if second >= low - 1:
            found.append(Mark(second, _written(at, step)))
        at = _next(at, step)
    return found


def _begun(at: datetime, step: float) -> datetime:
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    if step < _DAY:
        return day + timedelta(seconds=floor((at - day).total_seconds() / step) * step)
    if step < 31 * _DAY:
        return day
    months = max(1, round(step / (30.5 * _DAY)))
    first = (day.year * 12 + day.month - 1) // months * months
    return datetime(max(1, first // 12), first % 12 + 1, 1, tzinfo=UTC)


def _next(at: datetime, step: float) -> datetime:
    if step < 31 * _DAY:
        return at + timedelta(seconds=step)
    months = at.year * 12 + at.month - 1 + max(1, round(step / (30.5 * _DAY)))
    return datetime(min(9_999, months // 12), months % 12 + 1, 1, tzinfo=UTC)


def _written(at: datetime, step: float) -> str:
    if step >= 360 * _DAY:
        return f"{at.year}"
    if step >= 28 * _DAY:
        return f"{at:%Y-%m}"
    return f"{at:%Y-%m-%d}" if step >= _DAY or (at.hour, at.minute) == (0, 0) else f"{at:%H:%M}"


def figure(value: Any, words: Catalogue) -> str:
    """A figure as people read it: four digits that mean something, grouped, no more."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if value == 0:
        return words.number(0)
    size = abs(value)
    if size >= 1e15 or size < 1e-6:
        return f"{value:.3g}"
    digits = 0 if isinstance(value, int) or size >= 1_000 else max(0, min(8, 3 - floor(log10(size))))
    text = f"{value:.{digits}f}"
    kept = len(text.rstrip("0").partition(".")[2]) if "." in text else 0
    return words.number(value, kept)


# ---- standing: values upwards, what they are of from left to right


def _standing(told: Mapping[str, Any], words: Catalogue, kind: str) -> Plot:
    axes, rows = told["axes"], told["rows"]
    timed = axes["x"]["type"] == "time"
    number: Callable[[Any], float] = seconds if timed else _plain
    by = axes["by"]["at"] if axes["by"] else None
    series = list(told["series"]) if by is not None else [None]
    lists: dict[Any, list[tuple[float, float]]] = {one: [] for one in series}
    for row in rows:
        point = number(row[axes["x"]["at"]]), _plain(row[axes["y"]["at"]])
        if all(map(isfinite, point)) and (row[by] if by is not None else None) in lists:
            lists[row[by] if by is not None else None].append(point)
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
    for n, one in enumerate(series):
        colour = n % _COLOURS
        if kind == "line":
            made.paths += _lines(lists[one], colour, across, up, step)
        elif kind == "scatter":
            made.paths.append(Path("dots", colour, _dots(lists[one], across, up)))
        else:
            made.bars += _bars(lists[one], n, len(series), step, across, up)
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
    gaps = sorted(b[0] - a[0] for one in lists.values() for a, b in zip(one, one[1:], strict=False) if b[0] > a[0])
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


def _dots(
    points: Sequence[tuple[float, float]], across: Callable[[float], float], up: Callable[[float], float]
) -> str:
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
    return [
        {"name": name, "at": [[across(x), up(y), x, y] for x, y in one]} for name, one in lists.items() if one
    ]


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
        for n, (a, b) in enumerate(zip(bounds, bounds[1:], strict=False))
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
