"""Areas on the Earth: what lies in them, over the antimeridian too, held against shapely; how a map draws them."""

import math
import time
from typing import Any

import cap_messages as made
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import shape

from hansa.apps.warnings import cap
from hansa.apps.warnings.cap import shapes

P = cap.Point
FIJI = (P(-20.0, 176.0), P(-20.0, -178.0), P(-15.0, -178.0), P(-15.0, 176.0), P(-20.0, 176.0))
BOW = (P(0.0, 0.0), P(2.0, 2.0), P(2.0, 0.0), P(0.0, 2.0), P(0.0, 0.0))
STAR = (*(P(math.sin(it * 0.8 * math.pi), math.cos(it * 0.8 * math.pi)) for it in range(5)), P(0.0, 1.0))


def ground(*polygons: Any, circles: Any = ()) -> cap.Ground:
    return cap.ground(made.area(polygons=polygons, circles=circles))


def crossing(polygon: Any) -> list[str]:
    return [it.code for it in shapes.wrong_with(polygon)]


def test_a_point_in_the_polygon_is_covered_and_one_beside_it_is_not() -> None:
    valley = ground(made.SQUARE)
    assert valley.covers(48.1, 17.1)
    assert valley.covers(48.0, 17.1)  # on its rim
    assert valley.covers(48.2, 17.2)  # in its corner
    assert not valley.covers(48.1, 17.3)
    assert not valley.covers(17.1, 48.1)


def test_over_the_antimeridian_the_short_way_is_meant() -> None:
    fiji = ground(FIJI)
    assert all(fiji.covers(-17.0, lon) for lon in (177.0, 180.0, -180.0, -179.0))
    assert not any(fiji.covers(-17.0, lon) for lon in (0.0, 175.0, -177.0, 90.0))
    drawn = cap.geometry(made.area(polygons=(FIJI,)))
    assert drawn["type"] == "MultiPolygon"
    assert sorted(shape(drawn).geoms[at].bounds for at in (0, 1)) == [
        (-180.0, -20.0, -178.0, -15.0),
        (176.0, -20.0, 180.0, -15.0),
    ]
    assert crossing(FIJI) == []


def test_the_whole_earth_is_no_shape_without_area() -> None:
    earth = (P(-90.0, -180.0), P(-90.0, 180.0), P(90.0, 180.0), P(90.0, -180.0), P(-90.0, -180.0))
    assert crossing(earth) == []
    assert ground(earth).covers(48.0, 17.0)
    assert shape(cap.geometry(made.area(polygons=(earth,)))).area == 360 * 180


def test_a_circle_covers_by_distance_also_over_the_antimeridian_and_the_pole() -> None:
    near = ground(circles=(cap.Circle(48.0, 179.9, 20.0),))
    assert near.covers(48.0, -179.9)
    assert not near.covers(48.0, -179.0)
    assert ground(circles=(cap.Circle(89.9, 0.0, 50.0),)).covers(89.9, 180.0)
    assert ground(circles=(cap.Circle(48.0, 17.0, 0.0),)).covers(48.0, 17.0)
    assert not ground(circles=(cap.Circle(48.0, 17.0, 0.0),)).covers(48.0, 17.001)


def test_distances_are_those_of_the_sphere() -> None:
    # A quarter and half of the way round, and one degree (mean radius 6371.0088 km).
    assert cap.metres(P(0.0, 0.0), P(90.0, 0.0)) == pytest.approx(10_007_557.2, rel=1e-6)
    assert cap.metres(P(0.0, 0.0), P(0.0, 180.0)) == pytest.approx(20_015_114.4, rel=1e-6)
    assert cap.metres(P(0.0, 179.5), P(0.0, -179.5)) == pytest.approx(111_195.08, rel=1e-6)


def test_whoever_is_near_enough_is_reached() -> None:
    valley = ground(made.SQUARE)
    # 0.01 degrees of latitude are 1,112 m.
    assert valley.reaches(47.99, 17.1, 1_200.0)
    assert not valley.reaches(47.99, 17.1, 1_000.0)
    assert valley.reaches(48.1, 17.1, 0.0)
    assert valley.reaches(48.1, 17.1, 5.0)
    assert ground(FIJI).reaches(-17.0, -177.99, 1_100.0)
    assert not ground(FIJI).reaches(-17.0, -177.99, 1_000.0)
    assert ground(circles=(cap.Circle(48.0, 17.0, 1.0),)).reaches(48.01, 17.0, 113.0)
    assert not ground(circles=(cap.Circle(48.0, 17.0, 1.0),)).reaches(48.01, 17.0, 111.0)


def test_areas_without_shape_cover_nothing_and_say_so() -> None:
    names = cap.ground([made.area(polygons=(), geocodes=(cap.Named("UGC", "MTZ014"),))])
    assert not names.sized
    assert not names.covers(48.1, 17.1)
    assert cap.geometry(made.area(polygons=())) is None
    assert ground(made.SQUARE).sized


def test_a_polygon_that_crosses_itself_covers_all_that_it_winds_around() -> None:
    assert crossing(BOW) == ["polygon-crossing"]
    assert crossing(STAR) == ["polygon-crossing"]
    assert ground(BOW).covers(0.5, 1.0)
    assert ground(BOW).covers(1.5, 1.0)
    assert not ground(BOW).covers(1.0, 0.3)
    assert ground(STAR).covers(0.0, 0.0)  # the middle, which counting crossings alone would leave out
    assert crossing(made.SQUARE) == []


def test_touching_itself_is_no_crossing() -> None:
    hourglass = (P(0.0, 0.0), P(0.0, 2.0), P(1.0, 1.0), P(2.0, 2.0), P(2.0, 0.0), P(1.0, 1.0), P(0.0, 0.0))
    assert crossing(hourglass) == []
    spike = (P(0.0, 0.0), P(0.0, 1.0), P(0.0, 2.0), P(0.0, 1.0), P(1.0, 1.0), P(0.0, 0.0))
    assert crossing(spike) == []


@settings(max_examples=50, deadline=None)
@given(made.polygons(), st.floats(-85, 85), st.floats(-180, 180), st.booleans())
def test_what_is_covered_is_what_shapely_finds_in_what_is_drawn(
    polygon: Any, lat: float, lon: float, near: bool
) -> None:
    if near:
        lat = (lat + 3 * polygon[0].lat) / 4
        lon = polygon[0].lon + (lon - polygon[0].lon) / 20
        lon = (lon + 180) % 360 - 180
    drawn = shape(cap.geometry(made.area(polygons=(polygon,))))
    assert drawn.is_valid
    there = shapely.Point(lon, lat)
    if drawn.boundary.distance(there) > 1e-5:
        assert ground(polygon).covers(lat, lon) == drawn.contains(there)
    assert all(-180 <= it <= 180 for it in drawn.bounds[::2])
    assert ground(polygon).covers(*polygon[0])


@settings(max_examples=30, deadline=None)
@given(st.floats(-80, 80), st.floats(-180, 180), st.floats(0.1, 1_000))
def test_a_circle_is_drawn_on_its_rim_and_within_its_poles(lat: float, lon: float, radius: float) -> None:
    circle = cap.Circle(lat, lon, radius)
    drawn = shape(cap.geometry(made.area(polygons=(), circles=(circle,))))
    assert drawn.is_valid or drawn.buffer(0).area == pytest.approx(drawn.area, rel=0.01)
    rim = shapes.rim(circle)
    if abs(lat) + math.degrees(radius / 6371.0088) < 89.9:
        assert all(cap.metres(P(lat, lon), it) == pytest.approx(radius * 1_000, rel=1e-6) for it in rim)


LOOPS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=8, unique=True)


@settings(max_examples=50, deadline=None)
@given(LOOPS)
def test_a_crossing_found_is_one_that_shapely_finds(corners: list[tuple[int, int]]) -> None:
    ring = tuple(P(float(lat), float(lon)) for lat, lon in (*corners, corners[0]))
    if "polygon-crossing" in crossing(ring):
        assert not shapely.Polygon([(lon, lat) for lat, lon in ring]).is_valid
    if shapely.Polygon([(lon, lat) for lat, lon in ring]).is_valid:
        assert crossing(ring) == []


def test_what_is_drawn_on_a_map_becomes_polygons() -> None:
    drawn = cap.geometry(made.area())
    assert cap.check(made.with_area(polygons=cap.rings(drawn)), strict=True) == ()
    assert cap.rings({"type": "Polygon", "coordinates": [[[181, 1], [183, 1], [183, 2], [181, 1]]]})[0][0] == P(
        1.0, -179.0
    )
    two = {
        "type": "MultiPolygon",
        "coordinates": [[[[0, 0], [1, 0], [1, 1], [0, 0]]], [[[2, 2, 9], [3, 2], [3, 3], [2, 2]]]],
    }
    assert len(cap.rings(two)) == 2


@pytest.mark.parametrize(
    "drawn",
    [
        None,
        {"type": "Point", "coordinates": [1, 2]},
        {"type": "Polygon"},
        {"type": "Polygon", "coordinates": []},
        {"type": "MultiPolygon", "coordinates": [[]]},
        {"type": "Polygon", "coordinates": [[[1, 2], [3, "x"]]]},
        {"type": "Polygon", "coordinates": [[[1, float("nan")]]]},
        {"type": "Polygon", "coordinates": [[[1, 95]]]},
        {"type": "Polygon", "coordinates": [[[1_000, 5]]]},
        {"type": "Polygon", "coordinates": [[[1, 2]], [[1, 2]]]},
        {"type": "Polygon", "coordinates": [[7]]},
        {"type": "Polygon", "coordinates": 7},
    ],
)
def test_what_is_no_polygon_on_a_map_is_refused(drawn: Any) -> None:
    with pytest.raises(cap.Refused):
        cap.rings(drawn)


def many_cornered(corners: int) -> tuple[cap.Point, ...]:
    """A jagged coast: every second corner is farther out."""
    found = []
    for corner in range(corners):
        turn, out = 2 * math.pi * corner / corners, 1.0 + 0.3 * (corner % 2)
        found.append(P(round(48 + out * math.sin(turn), 6), round(17 + out * math.cos(turn), 6)))
    return (*found, found[0])


def test_ten_thousand_people_are_looked_up_in_a_jagged_coast_at_once() -> None:
    coast = many_cornered(2_000)
    began = time.process_time()
    there = ground(coast)
    found = sum(there.reaches(46 + (it % 100) / 25, 15 + (it // 100) / 25, 100.0) for it in range(10_000))
    assert time.process_time() - began < 10  # measured: 0.9 s
    assert 2_000 < found < 4_000


def test_a_polygon_made_to_take_long_is_given_up_on() -> None:
    # Every edge spans every latitude: each would have to be held against each.
    comb = tuple(P(48.0 + it % 2, round(10 + it * 0.001, 6)) for it in range(9_999))
    began = time.process_time()
    assert crossing((*comb, P(40.0, 15.0), comb[0])) == ["polygon-complex"]
    assert time.process_time() - began < 5
