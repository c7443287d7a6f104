"""Boxes as they are asked for, in any system, across the antimeridian too, as geometries in longitude and latitude."""

import math
import re
from dataclasses import dataclass
from typing import Any

from hansa import Refusal, geo
from hansa.apps.opendata.ogc.crs import Crs

Box = tuple[float, float, float, float]
_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?\s*\Z", re.ASCII)


def number(said: str) -> float:
    """A finite number as JSON and WKT write them, with a sign if need be; NaN for everything else."""
    made = float(said) if len(said) < 100 and _NUMBER.match(said) else math.nan
    return made if math.isfinite(made) else math.nan


@dataclass(frozen=True, slots=True)
class Boxed:
    """A box that is asked for: what must meet it, the boxes that hold it, and whether these are it (`square`)."""

    place: geo.GeoQuery
    boxes: tuple[Box, ...]
    square: bool


def asked(said: str, crs: Crs, where: str = "bbox") -> Boxed:
    """Four numbers, or six with heights, which decide nothing here (no data has any). Refusal."""
    numbers = [number(one) for one in said.split(",")] if len(said) < 400 else []
    if len(numbers) not in {4, 6} or not all(map(math.isfinite, numbers)):
        raise Refusal("a box has four numbers, or six, with commas", where=where, mend="bbox=west,south,east,north")
    half = len(numbers) // 2
    if half == 3 and numbers[2] > numbers[5]:
        raise Refusal("the least height is above the greatest", where=where)
    box = (numbers[0], numbers[1], numbers[half], numbers[half + 1])
    made = boxed(box, crs, where)
    square = crs.geographic or crs.name == "EPSG:3857"
    return Boxed(meeting(made), held(made), square)


def meeting(geometry: dict[str, Any]) -> geo.GeoQuery:
    """What asks whether another geometry meets this one. BadRequest of what is out of range."""
    return geo.GeoQuery.parse("intersects", geometry["type"], geometry["coordinates"])


def held(geometry: dict[str, Any]) -> tuple[Box, ...]:
    """The box of each of its polygons, or of the whole of what is none."""
    if geometry["type"] != "MultiPolygon":
        return (geo.bbox(geometry),)
    return tuple(geo.bbox({"type": "Polygon", "coordinates": rings}) for rings in geometry["coordinates"])


def boxed(box: tuple[float, float, float, float], crs: Crs, where: str) -> dict[str, Any]:
    """A box in a system as a geometry in longitude and latitude; two polygons where it crosses the antimeridian.

    The sides of a box of a projected system are curves in degrees: each is followed in 16 steps. Refusal.
    """
    a, b, c, d = box
    if crs.geographic:
        west, south = crs.back(a, b)
        east, north = crs.back(c, d)
        if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
            raise Refusal(
                f"{','.join(map(str, box))} is no box: south below north, within 180 and 90 degrees",
                where=where,
                mend="write it as "
                + ("west,south,east,north" if crs.name.startswith("CRS84") else "south,west,north,east"),
            )
        if west <= east:
            return {"type": "Polygon", "coordinates": [_ring(west, south, east, north)]}
        rings = [[_ring(west, south, 180.0, north)], [_ring(-180.0, south, east, north)]]
        return {"type": "MultiPolygon", "coordinates": rings}
    if a > c or b > d or max(map(abs, box)) > 1e8:
        raise Refusal(f"{','.join(map(str, box))} is no box of {crs.name}", where=where)
    steps = [n / 16 for n in range(16)]
    edge = [
        *((a + (c - a) * n, b) for n in steps),
        *((c, b + (d - b) * n) for n in steps),
        *((c - (c - a) * n, d) for n in steps),
        *((a, d - (d - b) * n) for n in steps),
    ]
    ring = [[max(-180.0, min(180.0, lon)), lat] for lon, lat in (crs.back(x, y) for x, y in edge)]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def _ring(west: float, south: float, east: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]
