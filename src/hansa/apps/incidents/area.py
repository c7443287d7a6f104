"""The area of an incident: drawn by a person and looked at, or taken from where its alarms are. GEOS does the geometry.

Coordinates are WGS 84, longitude first (RFC 7946). An area that reaches over the antimeridian is kept cut in two, as
section 3.1.9 there wants it.
"""

import importlib
import itertools
import math
from collections.abc import Iterable
from typing import Any, Final

from hansa import Refusal, geo
from hansa.apps.incidents.words import POSITIONS_MAX

MARGIN_M: Final = 250.0  # around each alarm: a sensor stands for the place around it
_METRES: Final = 111_320.0  # of a degree of latitude

Geometry = dict[str, Any]
Pair = tuple[float, float]


def drawn(said: Any) -> Geometry:
    """A polygon that somebody drew, or a multipolygon, as it is kept. Refusal says what is wrong with it."""
    geometry = _geos("geometry")
    if not isinstance(said, dict) or said.get("type") not in {"Polygon", "MultiPolygon"}:
        raise Refusal("area is a GeoJSON Polygon or MultiPolygon", where="area", mend="draw it on the map")
    if set(said) - {"type", "coordinates", "bbox"}:
        raise Refusal("area is a geometry, and nothing else", where="area", mend="leave out properties")
    if _positions(said.get("coordinates")) > POSITIONS_MAX:
        raise Refusal(f"area has more than {POSITIONS_MAX:,} positions", where="area", mend="draw it more simply")
    try:
        geo.validate(said)
    except Exception as fault:
        if getattr(fault, "status", 500) >= 500:
            raise
        raise Refusal(f"area: {fault}", where="area", mend=getattr(fault, "mend", None)) from None
    made = geometry.shape({"type": said["type"], "coordinates": said["coordinates"]})
    if not made.is_valid:
        why = _geos("validation").explain_validity(made)
        raise Refusal(
            f"this area is no area: {why}", where="area", mend="draw it anew, so that its edge does not cross itself"
        )
    if made.area == 0:
        raise Refusal("this area is empty", where="area")
    west, _, east, _ = made.bounds
    if east - west > 180:
        raise Refusal("this area is wider than half the world", where="area", mend="cut it at the antimeridian")
    turned = _geos("geometry.polygon").orient(made) if made.geom_type == "Polygon" else made
    return _kept(turned)


def around(places: Iterable[Any]) -> Geometry | None:
    """The area around geometries: their convex hull and a margin; None when none of them is one."""
    points: list[Pair] = []
    for one in places:
        try:
            geo.validate(one)
        except Exception:  # noqa: BLE001, S112  # a source without a sound place says nothing about where  # nosec B112
            continue
        points += _flat(one["coordinates"])
    if not points:
        return None
    if max(x for x, _ in points) - min(x for x, _ in points) > 180:  # they lie on both sides of the antimeridian
        points = [(x + 360 if x < 0 else x, y) for x, y in points]
    hull = _hull([rim for x, y in points[:POSITIONS_MAX] for rim in _rim(x, y)])
    if min(x for x, _ in hull) >= -180 and max(x for x, _ in hull) <= 180:
        return {"type": "Polygon", "coordinates": [_plain(hull)]}
    return _cut(hull)


def _cut(ring: list[Pair]) -> Geometry:
    """A ring that reaches over the antimeridian, as the parts on either side."""
    affinity, geometry = _geos("affinity"), _geos("geometry")
    hull = geometry.Polygon(ring)
    parts = [
        affinity.translate(part, -shift)
        for shift in (-360.0, 0.0, 360.0)
        if not (part := hull.intersection(geometry.box(shift - 180, -90, shift + 180, 90))).is_empty
        and part.geom_type == "Polygon"
    ]
    return _kept(parts[0] if len(parts) == 1 else geometry.MultiPolygon(parts))


def _hull(points: list[Pair]) -> list[Pair]:
    """The convex hull, anticlockwise and closed (Andrew's monotone chain): no library is loaded in mid-alarm."""
    chain: list[Pair] = []
    for way in (sorted(set(points)), sorted(set(points), reverse=True)):
        half: list[Pair] = []
        for x, y in way:
            while len(half) > 1 and _turn(half[-2], half[-1], (x, y)) <= 0:
                half.pop()
            half.append((x, y))
        chain += half[:-1]
    return [*chain, chain[0]]


def _turn(a: Pair, b: Pair, c: Pair) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def joined(one: Geometry | None, other: Geometry | None) -> Geometry | None:
    """Two areas as one; the first alone where together they are more than is kept."""
    if one is None or other is None:
        return one or other
    geometry = _geos("geometry")
    made = _kept(geometry.shape(one).union(geometry.shape(other)))
    return made if _positions(made["coordinates"]) <= POSITIONS_MAX else one


def centre(area: Geometry | None) -> Geometry | None:
    """A point of an area for a map's sign: the middle of its largest part, or a corner where that lies outside."""
    if area is None:
        return None
    polygons = [area["coordinates"]] if area["type"] == "Polygon" else area["coordinates"]
    ring = max((rings[0] for rings in polygons), key=lambda one: abs(_middle(one)[2]))
    x, y, _ = _middle(ring)
    inside = False
    for (x1, y1, *_), (x2, y2, *_) in itertools.pairwise(ring):
        if (y1 > y) is not (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return {"type": "Point", "coordinates": _plain([x, y] if inside else list(ring[0][:2]))}


def _middle(ring: list[Any]) -> tuple[float, float, float]:
    """The centroid of a ring and twice its area (signed); measured from a corner, which keeps small ones exact."""
    x0, y0, *_ = ring[0]
    twice = sx = sy = 0.0
    for (x1, y1, *_), (x2, y2, *_) in itertools.pairwise(ring):
        cross = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        twice += cross
        sx += (x1 + x2 - 2 * x0) * cross
        sy += (y1 + y2 - 2 * y0) * cross
    return (x0 + sx / (3 * twice), y0 + sy / (3 * twice), twice) if twice else (x0, y0, 0.0)


def _geos(part: str) -> Any:
    """A part of shapely: 0.1 s and 20 MB, only where an area is looked at."""
    return importlib.import_module(f"shapely.{part}")


def _rim(x: float, y: float) -> list[Pair]:
    """Eight positions at MARGIN_M around one."""
    up = MARGIN_M / _METRES
    wide = min(1.0, up / max(0.01, math.cos(math.radians(y))))
    turns = [i * math.pi / 4 for i in range(8)]
    return [(x + wide * math.cos(t), max(-90.0, min(90.0, y + up * math.sin(t)))) for t in turns]


def _flat(said: Any) -> list[Pair]:
    if said and isinstance(said[0], int | float):
        return [(float(said[0]), float(said[1]))]
    return [one for part in said for one in _flat(part)]


def _positions(said: Any, depth: int = 0) -> int:
    """How many positions a list of lists holds, without trusting that it is one."""
    if not isinstance(said, list) or depth > 4:
        return 0
    if said and not isinstance(said[0], list):
        return 1
    return sum(_positions(part, depth + 1) for part in said)


def _kept(shape: Any) -> Geometry:
    made: Geometry = _plain(_geos("geometry").mapping(shape))
    return made


def _plain(said: Any) -> Any:
    """GeoJSON as it is stored: lists, and a decimetre."""
    if isinstance(said, dict):
        return {name: _plain(value) for name, value in said.items()}
    if isinstance(said, list | tuple):
        return [_plain(one) for one in said]
    return round(said, 6) if isinstance(said, float) else said
