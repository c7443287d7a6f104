"""The map sketch of a report: area, alarms and linked things in a box of points, north up, with a scale. Pure.

An equirectangular picture around its middle: true enough over some tens of kilometres, and no base map is needed.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

KM_DEGREE: Final = 111.32  # of latitude
_STEPS_M: Final = (10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 1_000_000)
_LEAST: Final = 0.002  # degrees: a single place still has surroundings

Pair = tuple[float, float]


class Sketch(NamedTuple):
    """What to draw in a box of `width` x `height`, y upwards."""

    width: float
    height: float
    areas: list[list[Pair]]
    marks: list[tuple[Pair, str, str]]  # where, kind (alarm, link, resource), label
    bar: float
    bar_says: str


def drawn(area: Any, things: Iterable[tuple[str, Mapping[str, Any]]], width: float, height: float) -> Sketch | None:
    """The sketch of an area and of things (kind, {location, name}); None when nothing says where it is."""
    rings = _rings(area)
    points = [(point, kind, str(one.get("name", ""))) for kind, one in things for point in _points(one.get("location"))]
    every = [pair for ring in rings for pair in ring] + [point for point, _, _ in points]
    if not every:
        return None
    west, east = min(x for x, _ in every), max(x for x, _ in every)
    if east - west > 180:  # over the antimeridian: the east of the map lies beyond 180
        rings = [[_beyond(pair) for pair in ring] for ring in rings]
        points = [(_beyond(point), kind, name) for point, kind, name in points]
        every = [_beyond(pair) for pair in every]
        west, east = min(x for x, _ in every), max(x for x, _ in every)
    south, north = min(y for _, y in every), max(y for _, y in every)
    wide = max(0.05, math.cos(math.radians((south + north) / 2)))
    span = max((east - west) * wide / (width * 0.84), (north - south) / (height * 0.84), _LEAST / width)
    middle = ((west + east) / 2, (south + north) / 2)

    def at(pair: Pair) -> Pair:
        return width / 2 + (pair[0] - middle[0]) * wide / span, height / 2 + (pair[1] - middle[1]) / span

    metres = span * KM_DEGREE * 1_000
    bar = max((one for one in _STEPS_M if one / metres <= width / 3), default=_STEPS_M[0])
    says = f"{bar // 1_000} km" if bar >= 1_000 else f"{bar} m"
    marks = [(at(point), kind, name) for point, kind, name in points]
    return Sketch(width, height, [[at(pair) for pair in ring] for ring in rings], marks, bar / metres, says)


def svg(it: Sketch) -> str:
    """The sketch as SVG; its words are escaped."""
    parts = [f'<svg viewBox="0 0 {it.width:g} {it.height:g}" role="img" aria-label="Map sketch">']
    parts.append(f'<rect width="{it.width:g}" height="{it.height:g}" fill="#f2f2ee" stroke="#999"/>')
    for ring in it.areas:
        told = " ".join(f"{x:.1f},{it.height - y:.1f}" for x, y in ring)
        parts.append(f'<polygon points="{told}" fill="#a30f6c22" stroke="#a30f6c" stroke-width="1.5"/>')
    for (x, y), kind, _ in it.marks:
        top = it.height - y
        if kind == "alarm":
            parts.append(f'<path d="M{x:.1f} {top - 6:.1f}l6 6-6 6-6-6z" fill="#c3300a"/>')
        else:
            parts.append(f'<circle cx="{x:.1f}" cy="{top:.1f}" r="4" fill="#1b6f93"/>')
    foot = it.height - 10
    parts.append(f'<path d="M12 {foot:g}h{it.bar:.1f}" stroke="#222" stroke-width="2"/>')
    parts.append(f'<text x="12" y="{foot - 5:g}" font-size="10">{it.bar_says}</text>')
    parts.append(f'<text x="{it.width - 20:g}" y="18" font-size="12">N ↑</text></svg>')
    return "".join(parts)


def _rings(area: Any) -> list[list[Pair]]:
    said = area if isinstance(area, dict) else {}
    polygons = {"Polygon": [said.get("coordinates")], "MultiPolygon": said.get("coordinates")}.get(
        str(said.get("type"))
    )
    return [
        [(float(x), float(y)) for x, y, *_ in rings[0]] for rings in polygons or [] if isinstance(rings, list) and rings
    ]


def _points(location: Any) -> list[Pair]:
    """One point for a thing: its own, or the first of its shape."""
    said = location.get("coordinates") if isinstance(location, dict) else None
    while isinstance(said, list) and said and isinstance(said[0], list):
        said = said[0]
    good = isinstance(said, list) and len(said) >= 2 and all(isinstance(one, int | float) for one in said[:2])
    return [(float(said[0]), float(said[1]))] if good and said is not None else []


def _beyond(pair: Pair) -> Pair:
    return (pair[0] + 360 if pair[0] < 0 else pair[0], pair[1])
