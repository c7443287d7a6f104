"""Polygons and circles on the Earth: what is wrong with them, what lies in them, and how a map draws them.

An edge is a straight line in degrees, the shorter way round: between two points more than 180 degrees of longitude
apart it runs over the antimeridian (RFC 7946, 3.1.9 asks that such a shape be cut there; CAP says nothing). A polygon
that crosses itself covers whatever it winds around at all: rather one warned too many than one too few.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

from hansa.apps.warnings.cap.faults import Wrong, refuse
from hansa.apps.warnings.cap.message import Area, Circle, Point, Polygon
from hansa.apps.warnings.cap.values import POINTS, number, point

EARTH_M: Final = 6_371_008.8  # mean radius (IUGG)
HALF_ROUND_KM: Final = 20_016.0  # no point is farther from another
PAIRS: Final = 200_000  # of edges held against each other before one gives up
RIM: Final = 64  # corners that a circle is drawn with
PLACES: Final = 6  # decimals of a degree that a drawn corner keeps: a tenth of a metre
_BANDS: Final = 128
_Edge = tuple[float, float, float, float]  # lat, lon, lat, lon; longitudes unrolled, so they may pass 180


def unrolled(polygon: Polygon) -> list[Point]:
    """The corners with longitudes that go on beyond 180 degrees, where the polygon passes the antimeridian."""
    found: list[Point] = []
    shift = 0.0
    for at, (lat, lon) in enumerate(polygon):
        if at:
            step = lon - polygon[at - 1].lon
            # From -180 straight to 180 is once around the map, as those write it who mean the whole Earth.
            if 180.0 < abs(step) < 360.0:
                shift -= math.copysign(360.0, step)
        found.append(Point(lat, lon + shift))
    return found


def wrong_with(polygon: Polygon) -> Iterator[Wrong]:
    """What CAP refuses of a polygon (clause 3.2.4): at least four points, the last the first; and what no map can draw.

    A crossing, and a polygon too long to look for one, are told last.
    """
    if len(polygon) < 4:
        yield Wrong("polygon-few", f"has {len(polygon)} points; a closed polygon has at least four")
        return
    if polygon[0] != polygon[-1]:
        yield Wrong("polygon-open", "its last point is not its first")
        return
    corners = unrolled(polygon)
    if abs(corners[0].lon - corners[-1].lon) > 1.0:
        yield Wrong("polygon-pole", "runs around a pole; what of the Earth it means nobody can tell: cut it in two")
        return
    if not any(_turn(corners[0], one, other) for one, other in pairwise(corners)):
        yield Wrong("polygon-flat", "all its points lie on one line")
        return
    crossing = _crossing(corners)
    if crossing is None:
        yield Wrong("polygon-complex", f"{len(polygon):,} points: whether it crosses itself was not looked at")
    elif crossing:
        yield Wrong("polygon-crossing", f"crosses itself between the points {crossing[0] + 1} and {crossing[1] + 1}")


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b.lat - a.lat) * (c.lon - a.lon) - (b.lon - a.lon) * (c.lat - a.lat)


def _crossing(corners: Sequence[Point]) -> tuple[int, int] | tuple[()] | None:
    """Two edges that cross properly; () where none do, None where it would take too long to say."""
    edges = sorted(
        (min(a.lat, b.lat), max(a.lat, b.lat), at, a, b) for at, (a, b) in enumerate(pairwise(corners)) if a != b
    )
    left = PAIRS
    for place, (_, top, at, a, b) in enumerate(edges):
        for later in range(place + 1, len(edges)):
            low, _, other, c, d = edges[later]
            if low > top or left <= 0:
                break
            left -= 1
            apart = max(a.lon, b.lon) < min(c.lon, d.lon) or max(c.lon, d.lon) < min(a.lon, b.lon)
            if not apart and _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0:
                return min(at, other), max(at, other)
        if left <= 0:
            return None
    return ()


class Ground:
    """Areas made ready for many questions: made once for a message, asked for each recipient."""

    def __init__(self, areas: Iterable[Area]) -> None:
        """Only polygons and circles are ground; what a geocode stands for is not known here."""
        areas = tuple(areas)
        self._rings = [_Ring(it) for area in areas for it in area.polygons if len(it) > 2]
        self._circles = [it for area in areas for it in area.circles]

    @property
    def sized(self) -> bool:
        """Whether there is any polygon or circle at all."""
        return bool(self._rings or self._circles)

    def covers(self, lat: float, lon: float) -> bool:
        """Whether the point lies in one of them; the rim belongs to it."""
        return self.reaches(lat, lon, 0.0)

    def reaches(self, lat: float, lon: float, radius_m: float) -> bool:
        """Whether a circle around the point touches one of them."""
        here = Point(lat, lon)
        if any(metres(here, Point(it.lat, it.lon)) <= it.radius_km * 1_000 + radius_m for it in self._circles):
            return True
        return any(ring.reaches(lat, lon, radius_m) for ring in self._rings)


def metres(one: Point, other: Point) -> float:
    """The distance over the sphere (haversine)."""
    lat1, lat2 = math.radians(one.lat), math.radians(other.lat)
    half = math.sin((lat2 - lat1) / 2) ** 2
    half += math.cos(lat1) * math.cos(lat2) * math.sin(math.radians(other.lon - one.lon) / 2) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(half)))


class _Ring:
    """A polygon whose edges lie in bands of latitude: a point is held against those of its own band only."""

    def __init__(self, polygon: Polygon) -> None:
        corners = unrolled(polygon)
        self.low, self.high = min(it.lat for it in corners), max(it.lat for it in corners)
        self.west, self.east = min(it.lon for it in corners), max(it.lon for it in corners)
        self.step = (self.high - self.low) / _BANDS or 1.0
        self.edges: list[_Edge] = [(*a, *b) for a, b in pairwise(corners)]
        self.bands: list[list[_Edge]] = [[] for _ in range(_BANDS + 1)]
        for edge in self.edges:
            for band in range(self._band(min(edge[0], edge[2])), self._band(max(edge[0], edge[2])) + 1):
                self.bands[band].append(edge)

    def _band(self, lat: float) -> int:
        return min(_BANDS, max(0, int((lat - self.low) / self.step)))

    def reaches(self, lat: float, lon: float, radius_m: float) -> bool:
        margin = math.degrees(radius_m / EARTH_M)
        if not self.low - margin <= lat <= self.high + margin:
            return False
        # Near a pole a metre is any number of degrees of longitude: there nothing is ruled out by them.
        wide = margin / max(1e-9, math.cos(math.radians(min(89.999, abs(lat) + margin))))
        for turn in (-360.0, 0.0, 360.0):
            there = lon + turn
            if self.west - wide <= there <= self.east + wide and (
                self._winds(lat, there) or self._near(lat, there, radius_m)
            ):
                return True
        return False

    def _winds(self, lat: float, lon: float) -> bool:
        """Whether the polygon goes around the point at all (winding number), or the point lies on its rim."""
        if not self.low <= lat <= self.high:
            return False
        around = 0
        for lat1, lon1, lat2, lon2 in self.bands[self._band(lat)]:
            side = (lon2 - lon1) * (lat - lat1) - (lon - lon1) * (lat2 - lat1)
            if side == 0.0 and min(lon1, lon2) <= lon <= max(lon1, lon2) and min(lat1, lat2) <= lat <= max(lat1, lat2):
                return True
            if lat1 <= lat < lat2:
                around += side > 0
            elif lat2 <= lat < lat1:
                around -= side < 0
        return around != 0

    def _near(self, lat: float, lon: float, radius_m: float) -> bool:
        """Whether an edge comes as near as this, on the plane that touches the Earth at the point."""
        if radius_m <= 0:
            return False
        margin = math.degrees(radius_m / EARTH_M)
        first, last = self._band(lat - margin), self._band(lat + margin)
        # An edge in several bands is met once a band; that is cheaper than remembering which were met.
        near = self.edges if last - first > 8 else (it for band in self.bands[first : last + 1] for it in band)
        east = math.cos(math.radians(lat))
        most = math.degrees(radius_m / EARTH_M)
        return any(
            _distance((lat1 - lat, (lon1 - lon) * east), (lat2 - lat, (lon2 - lon) * east)) <= most
            for lat1, lon1, lat2, lon2 in near
        )


def _distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    """How far the line from a to b is from 0, 0."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    part = 0.0 if length == 0 else max(0.0, min(1.0, -(a[0] * dx + a[1] * dy) / length))
    return math.hypot(a[0] + part * dx, a[1] + part * dy)


def ground(areas: Area | Iterable[Area]) -> Ground:
    """One area or several, ready to be asked what lies in them."""
    return Ground((areas,) if isinstance(areas, Area) else areas)


def geometry(areas: Area | Iterable[Area]) -> dict[str, Any] | None:
    """The polygons and circles as GeoJSON (lon, lat), cut at the antimeridian; None where there are none.

    Circles have 64 corners; outer rings run anticlockwise (RFC 7946, 3.1.6).
    """
    shapes: list[list[Point]] = []
    for area in (areas,) if isinstance(areas, Area) else areas:
        for ring in (*area.polygons, *(rim(it) for it in area.circles if it.radius_km > 0)):
            shapes += _cut(unrolled(ring))
    drawn = [[[round(lon, PLACES), round(lat, PLACES)] for lat, lon in _anticlockwise(it)] for it in shapes]
    if not drawn:
        return None
    if len(drawn) == 1:
        return {"type": "Polygon", "coordinates": [drawn[0]]}
    return {"type": "MultiPolygon", "coordinates": [[ring] for ring in drawn]}


def rim(circle: Circle) -> Polygon:
    """A circle as a polygon that touches it from within; one that holds a pole is drawn to the pole's parallel."""
    angle = circle.radius_km * 1_000 / EARTH_M
    lat, lon = math.radians(circle.lat), math.radians(circle.lon)
    if abs(lat) + angle >= math.pi / 2 - 1e-9:
        edge = max(-90.0, math.degrees(lat - angle)) if lat >= 0 else -90.0
        top = min(90.0, math.degrees(lat + angle)) if lat < 0 else 90.0
        return (Point(edge, -180.0), Point(edge, 180.0), Point(top, 180.0), Point(top, -180.0), Point(edge, -180.0))
    found = []
    for corner in range(RIM):
        bearing = -2 * math.pi * corner / RIM
        there = math.asin(math.sin(lat) * math.cos(angle) + math.cos(lat) * math.sin(angle) * math.cos(bearing))
        east = math.sin(bearing) * math.sin(angle) * math.cos(lat)
        turned = lon + math.atan2(east, math.cos(angle) - math.sin(lat) * math.sin(there))
        found.append(Point(math.degrees(there), (math.degrees(turned) + 180.0) % 360.0 - 180.0))
    return (*found, found[0])


def _cut(corners: list[Point]) -> list[list[Point]]:
    """The pieces of an unrolled polygon, each within -180 and 180."""
    found = []
    west, east = min(it.lon for it in corners), max(it.lon for it in corners)
    for turn in range(math.floor((west + 180) / 360), math.ceil((east + 180) / 360)):
        piece = [Point(lat, lon - 360.0 * turn) for lat, lon in corners]
        for limit, sign in ((-180.0, 1.0), (180.0, -1.0)):
            piece = _clipped(piece, limit, sign)
        if len(piece) >= 4:
            found.append(piece)
    return found


def _clipped(corners: list[Point], limit: float, sign: float) -> list[Point]:
    """What lies east (1) or west (-1) of a meridian (Sutherland and Hodgman)."""
    found: list[Point] = []
    for a, b in pairwise(corners):
        inside, then = (a.lon - limit) * sign >= 0, (b.lon - limit) * sign >= 0
        if inside:
            found.append(a)
        if inside != then:
            found.append(Point(a.lat + (b.lat - a.lat) * (limit - a.lon) / (b.lon - a.lon), limit))
    return [*found, found[0]] if len(found) >= 3 else []


def _anticlockwise(ring: list[Point]) -> list[Point]:
    twice = sum(a.lon * b.lat - b.lon * a.lat for a, b in pairwise(ring))
    return ring if twice >= 0 else ring[::-1]


def rings(drawn: Any, where: str = "area") -> tuple[Polygon, ...]:
    """A Polygon or MultiPolygon of GeoJSON, as drawn on a map, as CAP's polygons; Refused when it is none.

    CAP has no holes, so those are refused; longitudes beyond 180 are turned back. Whether a polygon is closed and does
    not cross itself is for `check` to say.
    """
    try:
        return _rings(drawn)
    except Wrong as fault:
        raise refuse(fault.code, where, fault.why) from None


def _rings(drawn: Any) -> tuple[Polygon, ...]:
    if not isinstance(drawn, dict) or drawn.get("type") not in {"Polygon", "MultiPolygon"}:
        raise Wrong("json", "is no Polygon or MultiPolygon of GeoJSON")
    said = drawn.get("coordinates")
    shapes = said if drawn["type"] == "MultiPolygon" else [said]
    if not isinstance(shapes, list) or not all(isinstance(it, list) and it for it in shapes):
        raise Wrong("json", "has no coordinates")
    if any(len(it) > 1 for it in shapes):
        raise Wrong("polygon-form", "has a hole; CAP's polygons have none: draw two areas")
    return tuple(_ring(it[0]) for it in shapes)


def _ring(said: Any) -> Polygon:
    if not isinstance(said, list) or len(said) > POINTS:
        raise Wrong("polygon-form", f"is no ring of at most {POINTS:,} positions")
    found = []
    for place in said:
        if not isinstance(place, list) or len(place) not in {2, 3}:
            raise Wrong("polygon-form", "a position is no [longitude, latitude]")
        lon, lat = number(place[0]), number(place[1])
        if not -540.0 <= lon <= 540.0:
            raise Wrong("coordinates", f"a longitude of {lon}")
        turned = lon if -180.0 <= lon <= 180.0 else (lon + 180.0) % 360.0 - 180.0
        found.append(point(round(lat, PLACES), round(turned, PLACES)))
    return tuple(found)
