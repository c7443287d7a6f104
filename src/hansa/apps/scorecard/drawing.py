"""Pictures of a card as geometry: radar, wheel, the course of a number over years.

A picture is a list of plain shapes, each with a class that says what it means (`band-3`, `target`, `ahead`) and no
colour. Whoever shows it decides how that looks: pages make SVG of it, `pdf` makes a drawing of it. So the three show
one thing. Lengths are in units of the picture, y grows downwards, as in SVG.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

STEP: Final = math.radians(3)  # of an arc that is drawn as straight pieces: less than a tenth of a unit off
BARS: Final = 4  # of the mark of a band, which is told by how many of them are full
_MARK: Final = 2.6  # the width of one of them
NONE: Final = "band-none"

Points = list[tuple[float, float]]


@dataclass(slots=True)
class Drawing:
    """A picture: its size and its shapes, in the order in which they are laid one over the other."""

    width: float
    height: float
    parts: list[dict[str, Any]] = field(default_factory=list)

    def area(self, points: Iterable[tuple[float, float]], kind: str, title: str = "") -> None:
        """A closed shape."""
        self.parts.append({"kind": "area", "points": _told(points), "class": kind, "title": title})

    def line(self, points: Iterable[tuple[float, float]], kind: str) -> None:
        """A line through points."""
        self.parts.append({"kind": "line", "points": _told(points), "class": kind})

    def dot(self, x: float, y: float, radius: float, kind: str, title: str = "") -> None:
        """A circle."""
        self.parts.append(
            {"kind": "dot", "points": _told([(x, y)]), "radius": radius, "class": kind, "title": title}
        )  # fmt: skip

    def text(self, x: float, y: float, said: str, kind: str = "label", anchor: str = "middle") -> None:
        """Words; `anchor` is start, middle or end."""
        self.parts.append({"kind": "text", "points": _told([(x, y)]), "text": said, "class": kind, "anchor": anchor})

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {"width": self.width, "height": self.height, "parts": self.parts}


def _told(points: Iterable[tuple[float, float]]) -> list[list[float]]:
    return [[round(x, 2), round(y, 2)] for x, y in points]


def band_class(step: int | None) -> str:
    """The class of the band that is the `step`th of four, 1 the lowest; of none where nothing was scored."""
    return NONE if step is None else f"band-{step}"


def mark(on: Drawing, x: float, y: float, step: int | None) -> None:
    """Four bars around a point, as many of them full as the band says: what colour says, without colour."""
    left = x - BARS * (_MARK + 1) / 2
    for n in range(BARS):
        high = 3.0 + 2.0 * n
        kind = f"{'mark-full' if step is not None and n < step else 'mark-empty'} on-{step or 0}"
        a, b, foot = left + n * (_MARK + 1), left + n * (_MARK + 1) + _MARK, y + 5
        on.area([(a, foot), (b, foot), (b, foot - high), (a, foot - high)], kind)


def radar(axes: Sequence[dict[str, Any]], rings: Sequence[float], size: float = 260.0) -> Drawing:
    """A radar of 0 to 100 percent: `axes` have `n` (what stands at the end of the axis), `percent` or None, `step`.

    An axis without a percent breaks the line and is dashed: what was not scored is no zero. With fewer than three axes
    there is no area to see, and spokes with dots remain.
    """
    made = Drawing(size, size)
    middle, reach = size / 2, size / 2 - 22
    turn = 2 * math.pi / max(1, len(axes))

    def at(n: int, percent: float) -> tuple[float, float]:
        angle, far = n * turn - math.pi / 2, reach * max(0.0, min(percent, 100.0)) / 100
        return middle + far * math.cos(angle), middle + far * math.sin(angle)

    for ring in sorted({*(one for one in rings if 0 < one < 100), 100.0}):
        edge = [at(n, ring) for n in range(len(axes))] if len(axes) > 2 else _arc(middle, reach * ring / 100)
        made.line([*edge, edge[0]], "ring")
    for n, one in enumerate(axes):
        made.line([at(n, 0), at(n, 100)], "axis" if one["percent"] is not None else "axis missing")
        angle = n * turn - math.pi / 2
        x, y = middle + (reach + 12) * math.cos(angle), middle + (reach + 12) * math.sin(angle)
        made.text(x, y + 4, str(one["n"]))
    known = [one["percent"] is not None for one in axes]
    if len(axes) > 2 and all(known):
        made.area([at(n, one["percent"]) for n, one in enumerate(axes)], "radar")
    else:
        for n, one in enumerate(axes):
            after = (n + 1) % len(axes)
            if known[n] and known[after] and after != n:
                made.line([at(n, one["percent"]), at(after, axes[after]["percent"])], "radar-line")
    for n, one in enumerate(axes):
        if known[n]:
            made.dot(*at(n, one["percent"]), 4, band_class(one["step"]), _title(one))
    return made


def wheel(dimensions: Sequence[dict[str, Any]], headline: str, size: float = 360.0) -> Drawing:
    """Dimensions within, their sub-dimensions around them, categories outside, each in its band.

    `dimensions` are nodes with `n`, `name`, `percent`, `step` and `children`, three deep at most; every innermost node
    has the same share of the circle.
    """
    made = Drawing(size, size)
    middle = size / 2
    total = sum(_leaves(one) for one in dimensions)
    if not total:
        made.text(middle, middle + 5, headline, "headline")
        return made
    rings = [(size * 0.15, size * 0.24), (size * 0.245, size * 0.33), (size * 0.335, size * 0.465)]

    def lay(node: dict[str, Any], begin: float, depth: int) -> float:
        """One node and what is below it; where the next begins."""
        end = begin + 2 * math.pi * _leaves(node) / total
        near, far = rings[min(depth, 2)]
        if not node["children"]:
            far = rings[2][1]
        made.area(_sector(middle, near, far, begin, end), f"{band_class(node['step'])} sector", _title(node))
        angle, out = (begin + end) / 2, (near + far) / 2
        x, y = middle + out * math.cos(angle), middle + out * math.sin(angle)
        if not node["children"]:
            made.text(x, y - 2, str(node["n"]), f"on-band on-{node['step'] or 0}")
            mark(made, x, y + 6, node["step"])
        elif end - begin > 0.3:
            mark(made, x, y, node["step"])
        for child in node["children"] if depth < 2 else ():
            begin = lay(child, begin, depth + 1)
        return end

    at = -math.pi / 2
    for one in dimensions:
        at = lay(one, at, 0)
    made.text(middle, middle + 6, headline, "headline")
    return made


def course(
    values: Sequence[tuple[int, float]],
    *,
    target: float | None = None,
    ahead: Sequence[dict[str, Any]] = (),
    unit: str = "",
    width: float = 640.0,
    height: float = 220.0,
) -> Drawing:
    """A number over its periods: solid what was, a dashed line for the target, dotted what is projected, in its band.

    `values` are (year, value); `ahead` are projections: `{"kind", "points": [{"year", "value", "low", "high"}]}`.
    """
    made = Drawing(width, height)
    was = sorted(values)
    will = [(one["kind"], [it for it in one["points"] if it["value"] is not None]) for one in ahead]
    xs = [year for year, _ in was] + [it["year"] for _, them in will for it in them]
    ys = [value for _, value in was] + [
        it[name] for _, them in will for it in them for name in ("value", "low", "high")
    ]
    ys = [one for one in ys if one is not None] + ([] if target is None else [target])
    if not xs or not ys:
        return made
    left, right, top, foot = 56.0, width - 14, 24.0, height - 26
    x0, x1 = (min(xs), max(xs)) if max(xs) > min(xs) else (min(xs) - 1, max(xs) + 1)
    marks = ticks(min(ys), max(ys))
    y0, y1 = marks[0], marks[-1]

    def at(x: float, y: float) -> tuple[float, float]:
        return left + (right - left) * (x - x0) / (x1 - x0), foot - (foot - top) * (y - y0) / (y1 - y0)

    for one in marks:
        made.line([(left, at(x0, one)[1]), (right, at(x0, one)[1])], "ring")
        made.text(left - 6, at(x0, one)[1] + 4, f"{one:,.10g}", "label", "end")
    every = max(1, math.ceil((x1 - x0) / 10))
    for year in range(math.ceil(x0), math.floor(x1) + 1):
        if (year - math.ceil(x0)) % every == 0:
            made.text(at(year, y0)[0], height - 8, str(year))
    if unit:
        made.text(left, 12, unit, "label", "start")
    for kind, them in will:
        if len(them) > 1 and all(it.get("low") is not None and it.get("high") is not None for it in them):
            edge = [at(it["year"], it["low"]) for it in them] + [at(it["year"], it["high"]) for it in reversed(them)]
            made.area(edge, f"ahead-band {kind}")
    if target is not None:
        made.line([at(x0, target), at(x1, target)], "target")
    for kind, them in will:
        begin = [at(*was[-1])] if was and them and them[0]["year"] > was[-1][0] else []
        made.line([*begin, *(at(it["year"], it["value"]) for it in them)], f"ahead {kind}")
    made.line([at(*one) for one in was], "was")
    for year, value in was:
        made.dot(*at(year, value), 3.2, "was-dot", f"{year:g}: {value:g} {unit}".strip())
    return made


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers from at or below `low` to at or above `high`, some `about` of them, never fewer than two."""
    if not high - low > max(1e-9 * max(abs(low), abs(high)), 1e-200):  # flat, to what an axis can show
        span = abs(low) if abs(low) > 1e-190 else 1.0
        low, high = low - span / 2, high + span / 2
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(one * power for one in (1, 2, 2.5, 5, 10) if one * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{n * step:.12g}") for n in range(first, max(last, first + 1) + 1)]


def _leaves(node: dict[str, Any]) -> int:
    return sum(_leaves(one) for one in node["children"]) or 1


def _title(node: dict[str, Any]) -> str:
    said = "not scored" if node["percent"] is None else f"{node['percent']:.1f} %"
    return f"{node['name']}: {said}"


def _arc(middle: float, far: float) -> Points:
    return [(middle + far * math.cos(n * STEP), middle + far * math.sin(n * STEP)) for n in range(120)]


def _sector(middle: float, near: float, far: float, begin: float, end: float) -> Points:
    """A piece of a ring."""
    steps = max(1, math.ceil((end - begin) / STEP))
    angles = [begin + (end - begin) * n / steps for n in range(steps + 1)]
    out = [(middle + far * math.cos(one), middle + far * math.sin(one)) for one in angles]
    return out + [(middle + near * math.cos(one), middle + near * math.sin(one)) for one in reversed(angles)]
