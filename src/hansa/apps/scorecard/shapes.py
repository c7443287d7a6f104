"""Length, area and middle of GeoJSON geometries, on the sphere."""

import math
from itertools import pairwise
from typing import Any, Final

EARTH_M: Final = 6_371_008.8
"""Mean radius (IUGG)."""

Position = list[float]


def length_m(shape: Any) -> float | None:
    """Metres of a LineString or of all of a MultiLineString, along great circles; None of anything else."""
    kind, lines = _kind(shape)
    if kind == "LineString":
        lines = [lines]
    elif kind != "MultiLineString":
        return None
    return math.fsum(_metres(a, b) for line in lines for a, b in pairwise(line))


def area_m2(shape: Any) -> float | None:
    """Square metres of a Polygon or MultiPolygon less its holes; None of anything else.

    Chamberlain and Duquette, Some algorithms for polygons on a sphere (JPL 07-03, 2007), equation 1: for what is not
    large against the Earth. Good to a few parts in a thousand (the Earth is no sphere).
    """
    kind, polygons = _kind(shape)
    if kind == "Polygon":
        polygons = [polygons]
    elif kind != "MultiPolygon":
        return None
    whole = 0.0
    for rings in polygons:
        whole += abs(_ring(rings[0])) - math.fsum(abs(_ring(hole)) for hole in rings[1:])
    return whole


def centre(shape: Any) -> dict[str, Any] | None:
    """The middle of the box around a geometry, as a Point; None when there is none."""
    kind, found = _kind(shape)
    if not kind:
        return None
    spots: list[Position] = []
    pile = [found]
    while pile:
        one = pile.pop()
        if one and isinstance(one[0], int | float):
            spots.append(one)
        else:
            pile.extend(one)
    if not spots:
        return None
    lon, lat = ([one[n] for one in spots] for n in (0, 1))
    return {"type": "Point", "coordinates": [(min(lon) + max(lon)) / 2, (min(lat) + max(lat)) / 2]}


def _kind(shape: Any) -> tuple[str, Any]:
    if not isinstance(shape, dict) or not isinstance(shape.get("coordinates"), list):
        return "", []
    return str(shape.get("type")), shape["coordinates"]


def _metres(a: Position, b: Position) -> float:
    (lon_a, lat_a), (lon_b, lat_b) = (map(math.radians, one[:2]) for one in (a, b))
    half = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(half)))


def _ring(ring: list[Position]) -> float:
    total = 0.0
    for n in range(len(ring) - 1):
        (lon_a, lat_a), (lon_b, lat_b) = (map(math.radians, one[:2]) for one in (ring[n], ring[n + 1]))
        total += (lon_b - lon_a) * (2 + math.sin(lat_a) + math.sin(lat_b))
    return total * EARTH_M * EARTH_M / 2
