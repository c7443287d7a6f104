"""Where something is: within the city or not, and in which district."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from hansa import City, Entity, Refusal, geo

MOST: Final = 2_000
"""Districts of a city; Tokyo's special wards have 23, with their quarters some 900."""
_EARTH_M: Final = 6_371_008.8

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class District:
    """A part of the city: its key, what it is called, and its rings."""

    key: str
    name: str
    shape: Mapping[str, Any]
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Ground:
    """The city as a place: its districts, and the area beyond which nothing is reported (None: nobody has said)."""

    districts: tuple[District, ...]
    area: tuple[Mapping[str, Any], ...]
    box: tuple[float, float, float, float] | None

    def district(self, point: Point) -> District | None:
        """The first district that holds a point, by key."""
        return next((one for one in self.districts if _in_box(point, one.box) and _holds(one.shape, point)), None)

    def must_hold(self, point: Point) -> None:
        """Refusal, with what the area is, unless a point is in the city."""
        if self.box is None or any(_holds(one, point) for one in self.area):
            return
        west, south, east, north = self.box
        raise Refusal(
            f"{point[1]:.5f}, {point[0]:.5f} is outside the city, which lies between {south:.4f} and {north:.4f} "
            f"north and {west:.4f} and {east:.4f} east",
            where="lon",
            mend="mark the place on the map; for places outside, ask the neighbouring town",
        )


def point_of(lon: Any, lat: Any) -> Point | None:
    """A position from numbers or texts; None when neither is said. Refusal for one that is none."""
    if lon in (None, "") and lat in (None, ""):
        return None
    try:
        made = float(lon), float(lat)
    except (TypeError, ValueError, OverflowError):
        raise Refusal("longitude and latitude are numbers", where="lon") from None
    if isinstance(lon, bool) or isinstance(lat, bool) or not all(map(math.isfinite, made)):
        raise Refusal("longitude and latitude are numbers", where="lon")
    if abs(made[0]) > 180 or abs(made[1]) > 90:
        raise Refusal("longitude is from -180 to 180, latitude from -90 to 90", where="lon")
    return made


def point_in(one: Entity) -> Point | None:
    """The position of an entity that has a point."""
    place = one.location
    if isinstance(place, Mapping) and place.get("type") == "Point":
        return float(place["coordinates"][0]), float(place["coordinates"][1])
    return None


def metres(one: Point, other: Point) -> float:
    """The distance on the ground (haversine)."""
    lon1, lat1, lon2, lat2 = map(math.radians, (*one, *other))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_M * math.asin(min(1.0, math.sqrt(half)))


_KEPT: dict[Hashable, Ground] = {}
_KEPT_MOST: Final = 16  # as many sights as ask at once


def ground(city: City) -> Ground:
    """The districts and the area of a city; kept until a District changes."""
    version = (city.version("District"), repr(city.setting("area")))
    kept = _KEPT.get(version)
    if kept is None:
        if len(_KEPT) >= _KEPT_MOST:
            _KEPT.clear()
        kept = _KEPT[version] = _ground(city)
    return kept


def _ground(city: City) -> Ground:
    found = []
    for one in city.find("District", limit=MOST):
        shape = one.location
        if isinstance(shape, Mapping) and shape.get("type") in {"Polygon", "MultiPolygon"}:
            found.append(District(one.key, str(one.get("name") or one.key), shape, geo.bbox(dict(shape))))
    districts = tuple(sorted(found, key=lambda one: one.key))
    said = city.setting("area")
    if isinstance(said, Mapping):
        geo.validate(dict(said))
        area: tuple[Mapping[str, Any], ...] = (said,)
    elif isinstance(said, list) and len(said) == 4:
        west, south, east, north = map(float, said)
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        area = ({"type": "Polygon", "coordinates": [ring]},)
    else:
        area = tuple(one.shape for one in districts)
    boxes = [geo.bbox(dict(one)) for one in area]
    box = None
    if boxes:
        box = min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)
    return Ground(districts, area, box)


def _in_box(point: Point, box: tuple[float, float, float, float]) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def _holds(shape: Mapping[str, Any], point: Point) -> bool:
    """Whether a polygon holds a point: even-odd, so that holes are outside. Edges may fall to either side."""
    parts = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
    return any(sum(_crossings(ring, point) for ring in rings) % 2 == 1 for rings in parts)


def _crossings(ring: list[list[float]], point: Point) -> int:
    x, y = point
    many = 0
    for (x1, y1, *_), (x2, y2, *_) in pairwise(ring):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
            many += 1
    return many
