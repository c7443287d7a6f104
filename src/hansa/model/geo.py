"""GeoJSON geometries and the NGSI-LD geoquery (RFC 7946; CIM 009 v1.9.1, clauses 4.7.1 and 4.10).

Relations with points, intersects, disjoint and near are our own (`planar`). within, contains, overlaps and equals
between lines and polygons are a field of traps with a library that knows them all: GEOS, through shapely, which is
imported when such a question first meets such an answer (21 MB and 0.1 s, numpy included).

near measures to the nearest point of an extended geometry. maxDistance includes its number and minDistance does not,
as a buffer includes its edge.
"""

import json
import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from hansa.errors import BadRequest, TooLarge
from hansa.limits import DEFAULT, Limits
from hansa.model import overlay
from hansa.model.entity import GEOMETRIES
from hansa.model.planar import EARTH_M, Box, Shape, boxes_meet, distance_m, haversine_m, meet, points_relate

RELATIONS: Final = frozenset(("within", "contains", "overlaps", "intersects", "equals", "disjoint"))
WORLD: Final[Box] = (-180.0, -90.0, 180.0, 90.0)

_NEAR = re.compile(r"near;(max|min)Distance==((?:0|[1-9][0-9]{0,18})(?:\.[0-9]{1,19})?(?:[eE][+-]?[0-9]{1,2})?)")
_LEVELS: Final = {  # how many lists enclose a position
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}


def validate(geometry: Any, limits: Limits = DEFAULT) -> None:
    """Raise BadRequest unless `geometry` is a GeoJSON geometry (no collection), TooLarge beyond limits.geometry.

    Rings are closed and have four positions at least; one that crosses itself is let in, for sensors' footprints do.
    """
    if not isinstance(geometry, dict):
        raise _wrong("a geometry is an object with type and coordinates", "")
    kind = geometry.get("type")
    if not isinstance(kind, str) or kind not in GEOMETRIES:
        raise BadRequest(
            f"{str(kind)[:40]!r} is not a type of geometry",
            where="type",
            mend="use one of " + ", ".join(sorted(GEOMETRIES)),
        )
    left = _validate(geometry.get("coordinates"), _LEVELS[kind], kind, "coordinates", limits.geometry)
    if left < 0:
        raise TooLarge(f"a geometry of more than {limits.geometry} positions", where="coordinates")


def _validate(said: Any, level: int, kind: str, where: str, left: int) -> int:
    """Check one level of lists; how many positions are left to the cap."""
    if level == 0:
        _position(said, where)
        return left - 1
    if not isinstance(said, list) or not said:
        raise _wrong(f"a {kind} has a list here that is not empty", where)
    for i, one in enumerate(said):
        left = _validate(one, level - 1, kind, f"{where}[{i}]", left)
        if left < 0:
            return left
    if level == 1:
        if kind.endswith("LineString") and len(said) < 2:
            raise _wrong("a line has two positions at least", where)
        if kind.endswith("Polygon") and (len(said) < 4 or said[0] != said[-1]):
            raise _wrong("a ring has four positions at least and ends where it began", where)
    return left


def _position(said: Any, where: str) -> None:
    if not isinstance(said, list) or not 2 <= len(said) <= 4:
        raise _wrong("a position is [longitude, latitude] or [longitude, latitude, altitude]", where)
    for number in said:
        if type(number) not in {int, float} or not abs(number) < 1e9:
            raise _wrong("a position is made of finite numbers", where)
    if not -180 <= said[0] <= 180 or not -90 <= said[1] <= 90:
        raise _wrong(f"longitude {said[0]} or latitude {said[1]} is out of range", where)


def _wrong(why: str, where: str) -> BadRequest:
    return BadRequest(why, where=where or None, mend="see RFC 7946, section 3.1; longitude comes first")


def bbox(geometry: dict[str, Any]) -> Box:
    """West, south, east and north of a valid geometry."""
    if geometry["type"] == "Point":
        lon, lat = geometry["coordinates"][:2]
        return lon, lat, lon, lat
    return Shape.of(geometry).box


def metres(one: dict[str, Any], other: dict[str, Any]) -> float:
    """Metres between the nearest points of two valid geometries."""
    return distance_m(Shape.of(one), Shape.of(other))


@dataclass(frozen=True)
class GeoQuery:
    """A relation (`near_max` and `near_min` carry `limit_m`) to a reference geometry, asked of attribute `name`."""

    relation: str
    geometry: dict[str, Any]
    name: str = "location"
    limit_m: float = 0.0

    @classmethod
    def parse(
        cls,
        georel: str,
        geometry: str | None,
        coordinates: Any,
        geoproperty: str = "location",
        limits: Limits = DEFAULT,
    ) -> "GeoQuery":
        """Read the parameters of a request; `coordinates` is JSON text or a list, `geoproperty` the name as stored.

        BadRequest says what is wrong.
        """
        relation, limit_m = georel, 0.0
        near = _NEAR.fullmatch(georel)
        if near is not None:
            relation, limit_m = f"near_{near[1]}", float(near[2])
        if georel not in RELATIONS if near is None else limit_m <= 0:
            raise BadRequest(
                f"{georel[:80]!r} is not a geospatial relation",
                where="georel",
                mend="use near;maxDistance==2000, near;minDistance==2000 or one of " + ", ".join(sorted(RELATIONS)),
            )
        if geometry is None or coordinates is None:
            raise BadRequest("georel needs a geometry and its coordinates", where="geometry")
        if isinstance(coordinates, str):
            try:
                coordinates = json.loads(coordinates)
            except (ValueError, RecursionError):
                raise BadRequest(
                    "the coordinates are not JSON", where="coordinates", mend="write [17.1,48.1]"
                ) from None
        reference = {"type": geometry, "coordinates": coordinates}
        try:
            validate(reference, limits)
        except BadRequest as fault:
            fault.where = "geometry" if fault.where == "type" else fault.where
            raise
        return cls(relation, reference, geoproperty, limit_m)

    def __hash__(self) -> int:
        """By where it is, too: else all circles of one size, which differ by their places alone, were one bucket."""
        return hash((self.relation, self.name, self.limit_m, self.shape.box))

    @cached_property
    def shape(self) -> Shape:
        """The reference geometry, taken apart."""
        return Shape.of(self.geometry)

    @cached_property
    def boxes(self) -> tuple[Box, ...] | None:
        """Where an answer must reach into, for an index of boxes; None when it can be anywhere (disjoint, minDistance).

        Two boxes when the circle crosses the antimeridian.
        """
        if self.relation in {"disjoint", "near_min"}:
            return None
        if self.relation != "near_max":
            return (self.shape.box,)
        return around(self.shape.box, self.limit_m)

    def matches(self, geometry: Any) -> bool:
        """Whether the relation holds for a stored geometry; what is no geometry matches nothing."""
        try:
            if self.relation == "near_max" and geometry["type"] == "Point" and self.shape.dimension == 0:
                lon, lat = geometry["coordinates"][:2]
                return any(haversine_m((lon, lat), p) <= self.limit_m for p in self.shape.points)
            target = Shape.of(geometry)
        except (TypeError, KeyError, ValueError, IndexError, AttributeError):
            return False
        return self._holds(target, geometry)

    def _holds(self, target: Shape, geometry: dict[str, Any]) -> bool:
        mine, relation = self.shape, self.relation
        if relation == "near_max":
            if not any(boxes_meet(target.box, box) for box in self.boxes or ()):
                return False
            return distance_m(target, mine, self.limit_m) <= self.limit_m
        if relation == "near_min":
            return distance_m(target, mine, self.limit_m) > self.limit_m
        if relation == "disjoint":
            return not meet(target, mine)
        if relation == "intersects":
            return meet(target, mine)
        if not boxes_meet(target.box, mine.box):
            return False
        if target.dimension == 0 or mine.dimension == 0:
            return points_relate(target, mine, relation)
        if not _plausible(target, mine, relation):
            return False
        return overlay.related(relation, geometry, self._resolved)

    @cached_property
    def _resolved(self) -> Any:
        return overlay.resolved(self.geometry)


def around(box: Box, limit_m: float) -> tuple[Box, ...]:
    """Boxes that hold everything within `limit_m` of a box, poles and antimeridian minded."""
    # Pieces of long lines are measured as great circles, which bulge out of the box by a metre or two.
    angle = (limit_m * 1.000_001 + 5.0) / EARTH_M
    south, north = box[1] - math.degrees(angle), box[3] + math.degrees(angle)
    if south <= -90 or north >= 90:
        return ((-180.0, max(-90.0, south), 180.0, min(90.0, north)),)
    widest = math.radians(max(abs(box[1]), abs(box[3])))
    wider = math.degrees(math.asin(min(1.0, math.sin(min(angle, math.pi / 2)) / math.cos(widest))))
    west, east = box[0] - wider, box[2] + wider
    if east - west >= 360:
        return ((-180.0, south, 180.0, north),)
    if west < -180:
        return ((-180.0, south, east, north), (west + 360, south, 180.0, north))
    if east > 180:
        return ((west, south, 180.0, north), (-180.0, south, east - 360, north))
    return ((west, south, east, north),)


def _plausible(target: Shape, mine: Shape, relation: str) -> bool:
    """What boxes and dimensions can tell at once."""
    one, other = (target, mine) if relation != "contains" else (mine, target)
    if relation in {"overlaps", "equals"} and one.dimension != other.dimension:
        return False
    if relation == "equals":
        return one.box == other.box
    if relation == "overlaps":
        return True
    a, b = one.box, other.box
    return one.dimension <= other.dimension and a[0] >= b[0] and a[1] >= b[1] and a[2] <= b[2] and a[3] <= b[3]
