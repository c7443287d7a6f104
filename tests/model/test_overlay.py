"""Relations that GEOS decides: rings that cross themselves, and what would keep it busy for minutes."""

import math
import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.errors import TooLarge
from hansa.model.geo import GeoQuery
from hansa.model.overlay import related, resolved
from hansa.model.planar import BOUNDARY, INSIDE, Shape, locate

shapely = pytest.importorskip("shapely")

PLACES = st.tuples(st.integers(0, 6), st.integers(0, 6))


def polygon(places: list[Any]) -> dict[str, Any]:
    ring = [list(place) for place in places]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def scribble(size: int, seed: int = 1) -> dict[str, Any]:
    chance = random.Random(seed)
    return polygon([(17 + chance.random(), 48 + chance.random()) for _ in range(size)])


def circle(size: int, lon: float) -> dict[str, Any]:
    turns = [2 * math.pi * i / size for i in range(size)]
    return polygon([(lon + 0.1 * math.cos(turn), 48 + 0.1 * math.sin(turn)) for turn in turns])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(ring=st.lists(PLACES, min_size=3, max_size=9), at=PLACES)
def test_a_ring_that_crosses_itself_has_the_inside_that_planar_gives_it(ring: list[Any], at: Any) -> None:
    geometry = polygon(ring)
    made = resolved(geometry)
    assert made.is_valid
    place = (at[0] + 0.37, at[1] + 0.61)  # on no edge
    where = locate(place, Shape.of(geometry))
    if where != BOUNDARY and made.boundary.distance(shapely.Point(place)) > 1e-9:
        assert made.intersects(shapely.Point(place)) == (where == INSIDE)


def test_a_bow_tie_is_two_triangles() -> None:
    tie = polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    assert resolved(tie).area == pytest.approx(2.0)
    left = polygon([(0, 0), (1, 1), (0, 2)])
    assert related("within", left, resolved(tie))
    assert not related("within", polygon([(0, 0), (2, 0), (1, 1)]), resolved(tie))


def test_parts_that_lie_over_each_other_are_one_area() -> None:
    one, other = polygon([(0, 0), (2, 0), (2, 2), (0, 2)]), polygon([(1, 1), (3, 1), (3, 3), (1, 3)])
    both = {"type": "MultiPolygon", "coordinates": [one["coordinates"], other["coordinates"]]}
    assert resolved(both).area == pytest.approx(7.0)


def test_borders_of_thousands_of_positions_are_compared() -> None:
    assert related("overlaps", circle(4_000, 17.0), resolved(circle(4_000, 17.05)))
    assert not related("overlaps", circle(4_000, 17.0), resolved(circle(4_000, 17.5)))


@pytest.mark.parametrize("relation", ["within", "contains", "overlaps", "equals"])
def test_a_scribble_is_refused_before_it_takes_long(relation: str) -> None:
    begun = time.process_time()
    query = GeoQuery.parse(relation, "Polygon", scribble(300)["coordinates"])
    with pytest.raises(TooLarge, match="cross"):
        query._holds(Shape.of(scribble(300, 1)), scribble(300, 1))
    assert time.process_time() - begun < 5.0  # GEOS alone would take minutes


def test_a_scribble_in_the_store_refuses_a_question_that_meets_it_and_no_other() -> None:
    query = GeoQuery.parse("overlaps", "Polygon", circle(50, 17.5)["coordinates"])
    with pytest.raises(TooLarge):
        query.matches(scribble(300))
    assert not query.matches(circle(50, 20.0))


def test_thousands_of_lines_beside_each_other_are_refused() -> None:
    def stripes(north: float, count: int) -> list[list[list[float]]]:
        return [[[17, 48 + north + i / 10_000], [18, 48 + north + i / 10_000]] for i in range(count)]

    between = {"type": "MultiLineString", "coordinates": stripes(0.00005, 2_000)}
    assert not GeoQuery.parse("intersects", "MultiLineString", stripes(0.0, 100)).matches(between)
    with pytest.raises(TooLarge, match="beside"):
        GeoQuery.parse("intersects", "MultiLineString", stripes(0.0, 2_000)).matches(between)
