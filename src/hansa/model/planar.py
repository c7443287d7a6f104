"""Geometry as clause 4.10 needs it: where a point lies, whether shapes meet, and how far apart they are.

Positions are (longitude, latitude) in degrees. Relations are planar, as GeoJSON's straight lines are (RFC 7946, 3.1.1),
and their sign tests are exact: a point on an edge is on it. Distances are metres on a sphere of the earth's mean
radius, within 0.6 % of the ellipsoid's. Rings are read even-odd, so that one that crosses itself still has an inside.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

from hansa.errors import TooLarge

Point = tuple[float, float]
Segment = tuple[Point, Point]
Vector = tuple[float, float, float]
Box = tuple[float, float, float, float]
"""West, south, east, north."""
Arc = tuple[Vector, Vector, Vector, float]
"""Both ends, the middle, and how far (straight) the ends are from it, as unit vectors."""

EARTH_M: Final = 6_371_008.8  # mean radius of the WGS 84 ellipsoid (IUGG)
PAIRS: Final = 1_000_000  # of segments compared for one distance or one meeting
STEP_DEG: Final = 0.1  # a longer line is not a great circle; its pieces nearly are, to a metre
PIECES: Final = 200  # of one segment
ARCS: Final = 100_000  # of one shape
OUTSIDE, BOUNDARY, INSIDE = range(3)


@dataclass(slots=True)
class Shape:
    """A geometry taken apart. `dimension` 0, 1 or 2 says which of the lists is filled; polygons are lists of rings."""

    dimension: int
    points: list[Point]
    lines: list[list[Point]]
    polygons: list[list[list[Point]]]
    box: Box
    _arcs: list[Arc] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, geometry: dict[str, Any]) -> "Shape":
        """Take apart a GeoJSON geometry that `geo.validate` has let through."""
        kind, said = geometry["type"], geometry["coordinates"]
        many = said if kind.startswith("Multi") else [said]
        if kind.endswith("Point"):
            points = [_point(one) for one in many]
            return cls(0, points, [], [], _box(points))
        if kind.endswith("LineString"):
            lines = [[_point(one) for one in line] for line in many]
            return cls(1, [], lines, [], _box([p for line in lines for p in line]))
        polygons = [[[_point(one) for one in ring] for ring in rings] for rings in many]
        return cls(2, [], [], polygons, _box([p for rings in polygons for ring in rings for p in ring]))

    def segments(self) -> Iterator[Segment]:
        """Every straight piece of its lines and rings."""
        for line in self.lines:
            yield from pairwise(line)
        for rings in self.polygons:
            for ring in rings:
                yield from pairwise(ring)

    def corners(self) -> list[Point]:
        """One position of each connected part."""
        return self.points or [line[0] for line in self.lines] or [rings[0][0] for rings in self.polygons]

    def arcs(self) -> list[Arc]:
        """Its segments as unit vectors, long ones in pieces; a point is an arc without length."""
        if self._arcs is None:
            self._arcs = [(v, v, v, 0.0) for v in map(_vector, self.points)]
            for begin, end in self.segments():
                self._arcs += _pieces(begin, end)
                if len(self._arcs) > ARCS:
                    self._arcs = None
                    raise TooLarge(f"a geometry that takes more than {ARCS} arcs to measure", where="geometry")
        return self._arcs


def _point(position: list[float]) -> Point:
    return float(position[0]), float(position[1])


def _box(points: list[Point]) -> Box:
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return min(xs), min(ys), max(xs), max(ys)


def boxes_meet(one: Box, other: Box) -> bool:
    """Whether two boxes share a point."""
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def side(a: Point, b: Point, p: Point) -> int:
    """1 when `p` is left of the line from a to b, -1 right, 0 on it; exact for doubles (bound: Shewchuk 1997)."""
    left = (a[0] - p[0]) * (b[1] - p[1])
    right = (a[1] - p[1]) * (b[0] - p[0])
    turn = left - right
    if abs(turn) <= 3.4e-16 * (abs(left) + abs(right)) and (left or right):
        ax, ay, bx, by, px, py = map(Fraction, (*a, *b, *p))
        exact = (ax - px) * (by - py) - (ay - py) * (bx - px)
        return (exact > 0) - (exact < 0)
    return (turn > 0) - (turn < 0)


def on_segment(a: Point, b: Point, p: Point) -> bool:
    """Whether `p` lies on the closed segment."""
    return (
        min(a[0], b[0]) <= p[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= p[1] <= max(a[1], b[1]) and side(a, b, p) == 0
    )


def segments_meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether two closed segments share a point."""
    if max(a[0], b[0]) < min(c[0], d[0]) or max(c[0], d[0]) < min(a[0], b[0]):
        return False
    if max(a[1], b[1]) < min(c[1], d[1]) or max(c[1], d[1]) < min(a[1], b[1]):
        return False
    # With their boxes overlapping, neither wholly beside the other's line is enough, also for collinear ones.
    return side(a, b, c) * side(a, b, d) <= 0 and side(c, d, a) * side(c, d, b) <= 0


def locate(p: Point, shape: Shape) -> int:
    """INSIDE, on the BOUNDARY of, or OUTSIDE a shape, as the OGC's simple features have it (06-103r4, 6.1.15)."""
    west, south, east, north = shape.box
    if not (west <= p[0] <= east and south <= p[1] <= north):
        return OUTSIDE
    if shape.dimension == 0:
        return INSIDE if p in shape.points else OUTSIDE
    if shape.dimension == 1:
        if not any(on_segment(a, b, p) for a, b in shape.segments()):
            return OUTSIDE
        ends = sum((line[0] == p) + (line[-1] == p) for line in shape.lines)
        return BOUNDARY if ends % 2 else INSIDE
    return max(_in_rings(p, rings) for rings in shape.polygons)


def _in_rings(p: Point, rings: list[list[Point]]) -> int:
    x, y = p
    inside = False
    for ring in rings:
        a = ring[0]
        for b in ring[1:]:
            if (a[1] > y) != (b[1] > y):
                if a[0] > x and b[0] > x:
                    inside = not inside
                elif a[0] >= x or b[0] >= x:
                    turn = side(a, b, p)
                    if turn == 0:
                        return BOUNDARY
                    if (turn > 0) == (b[1] > a[1]):
                        inside = not inside
            elif (a[1] == y or b[1] == y) and on_segment(a, b, p):
                return BOUNDARY
            a = b
    return INSIDE if inside else OUTSIDE


def meet(one: Shape, other: Shape) -> bool:
    """Whether two shapes share a point."""
    if not boxes_meet(one.box, other.box):
        return False
    if one.dimension == 0:
        return any(locate(p, other) for p in one.points)
    if other.dimension == 0:
        return any(locate(p, one) for p in other.points)
    if other.dimension == 2 and any(locate(p, other) for p in one.corners()):
        return True
    if one.dimension == 2 and any(locate(p, one) for p in other.corners()):
        return True
    return _edges_meet(_within_box(one, other.box), _within_box(other, one.box))


def _within_box(shape: Shape, box: Box) -> list[tuple[float, float, Segment]]:
    """Segments near a box, with their span of longitudes, from west to east."""
    west, south, east, north = box
    near = [
        (min(a[0], b[0]), max(a[0], b[0]), (a, b))
        for a, b in shape.segments()
        if min(a[0], b[0]) <= east and max(a[0], b[0]) >= west and min(a[1], b[1]) <= north and max(a[1], b[1]) >= south
    ]
    near.sort()
    return near


def _edges_meet(one: list[tuple[float, float, Segment]], other: list[tuple[float, float, Segment]]) -> bool:
    """Sweep from west to east, comparing only segments whose longitudes overlap."""
    merged = sorted([(s, 0) for s in one] + [(s, 1) for s in other])
    open_: tuple[list[tuple[float, float, Segment]], ...] = ([], [])
    compared = 0
    for segment, mine in merged:
        west, _, (a, b) = segment
        theirs = open_[1 - mine]
        theirs[:] = [s for s in theirs if s[1] >= west]
        compared += len(theirs)
        if compared > PAIRS:
            raise TooLarge(
                f"geometries of {len(one)} and {len(other)} segments beside each other",
                where="geometry",
                mend="ask with a simpler geometry",
            )
        if any(segments_meet(a, b, c, d) for _, _, (c, d) in theirs):
            return True
        open_[mine].append(segment)
    return False


def points_relate(one: Shape, other: Shape, relation: str) -> bool:
    """within, contains, overlaps or equals, where at least one of the shapes is of points."""
    if relation == "contains":
        one, other, relation = other, one, "within"
    if relation == "within":
        if one.dimension > 0:
            return False
        places = [locate(p, other) for p in one.points]
        return all(places) and INSIDE in places
    if one.dimension != other.dimension:
        return False
    mine, theirs = set(one.points), set(other.points)
    if relation == "equals":
        return mine == theirs
    return not mine.isdisjoint(theirs) and not mine <= theirs and not theirs <= mine


def haversine_m(one: Point, other: Point) -> float:
    """Metres between two positions."""
    lon1, lat1, lon2, lat2 = map(math.radians, (*one, *other))
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(h)))


def distance_m(one: Shape, other: Shape, enough_m: float = 0.0) -> float:
    """Metres between the nearest points of two shapes, 0 when they meet; the search may stop at `enough_m` or below.

    TooLarge when both are so detailed that comparing them would take seconds.
    """
    if one.dimension == 0 and other.dimension == 0 and len(one.points) == 1 and len(other.points) == 1:
        return haversine_m(one.points[0], other.points[0])
    if meet(one, other):
        return 0.0
    arcs, others = one.arcs(), other.arcs()
    if len(arcs) * len(others) > PAIRS:
        raise TooLarge(
            f"a distance between geometries of {len(arcs)} and {len(others)} segments",
            where="geometry",
            mend="ask with a simpler geometry",
        )
    best, enough, dist = math.pi, enough_m / EARTH_M, math.dist
    chord = 2.0  # of `best`
    for a, b, middle, reach in arcs:
        for c, d, center, radius in others:
            if dist(middle, center) - reach - radius > chord:
                continue
            found = min(_angle(a, c, d), _angle(b, c, d), _angle(c, a, b), _angle(d, a, b))
            if found < best:
                best, chord = found, 2 * math.sin(found / 2)
        if best <= enough:
            break
    return best * EARTH_M


def _vector(p: Point) -> Vector:
    lon, lat = math.radians(p[0]), math.radians(p[1])
    return math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)


def _pieces(a: Point, b: Point) -> Iterator[Arc]:
    count = min(PIECES, max(1, math.ceil(max(abs(b[0] - a[0]), abs(b[1] - a[1])) / STEP_DEG)))
    last = _vector(a)
    for i in range(1, count + 1):
        share = i / count
        here = _vector((a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share))
        x, y, z = last[0] + here[0], last[1] + here[1], last[2] + here[2]
        size = math.hypot(x, y, z)
        middle = (x / size, y / size, z / size)
        yield last, here, middle, math.dist(last, middle)
        last = here


def _cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _angle(p: Vector, a: Vector, b: Vector) -> float:
    """Radians from `p` to the arc of a great circle from a to b (less than a quarter turn)."""
    ends = min(math.dist(p, a), math.dist(p, b))
    nearest = 2 * math.asin(min(1.0, ends / 2))
    if a == b:
        return nearest
    normal = _cross(a, b)
    size = math.hypot(*normal)
    if size < 1e-8:  # under 6 cm: its ends are near enough, and its direction is noise
        return nearest
    if _dot(_cross(normal, a), p) > 0 and _dot(_cross(b, normal), p) > 0:
        return min(nearest, math.asin(min(1.0, abs(_dot(p, normal)) / size)))
    return nearest
