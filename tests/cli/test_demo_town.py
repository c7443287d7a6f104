"""The town of the demo valley: streets that meet, houses that stand beside them."""

import pytest

from hansa.apps.resources.roads import Network
from hansa.apps.resources.streets import segments_of
from hansa.cli.demo.land import base_map
from hansa.cli.demo.town import houses, streets, town
from hansa.model import geo
from hansa.model.entity import Entity

STREETS, HOUSES = list(streets()), [one for one in houses() if "location" in one]


def test_the_town_is_the_same_at_every_start():
    assert list(town()) == list(town())
    ids = [one["id"] for one in town()]
    assert len(ids) == len(set(ids))
    assert 200 < len(STREETS) < 500
    assert 200 < len(HOUSES) < 500


def test_every_geometry_is_valid_and_every_house_has_a_height():
    for one in (*STREETS, *HOUSES):
        geo.validate(one["location"]["value"])
    for one in houses():
        assert 3 < one["height"]["value"] < 40
    known = {one["id"] for one in base_map(24)}
    public = [one for one in houses() if "location" not in one]
    assert len(public) == 10
    assert {one["id"] for one in public} <= known


def test_no_house_stands_on_a_street_or_in_the_river():
    lines = [one["location"]["value"] for one in STREETS]
    lines += [one["location"]["value"] for one in base_map(24) if one["type"] == "River"]
    boxes = [geo.bbox(one) for one in lines]
    for house in HOUSES:
        shape = house["location"]["value"]
        west, south, east, north = geo.bbox(shape)
        for line, (w, s, e, n) in zip(lines, boxes, strict=True):
            if w <= east and e >= west and s <= north and n >= south:
                assert geo.metres(shape, line) > 0, house["id"]


@pytest.mark.parametrize("ends", [("street-00-00", "street-04-16"), ("street-00-03", "street-12-12")])
def test_from_every_corner_one_can_drive_to_every_other_also_over_the_river(ends):
    roads = [one for one in (*base_map(24), *STREETS) if one["type"] == "RoadSegment"]
    segments = [segment for one in roads for segment in segments_of(Entity(one))]
    network = Network(segments)
    found = {one["id"].rpartition("orlava-")[2]: one["location"]["value"]["coordinates"][0] for one in STREETS}
    a, b = (tuple(found[one]) for one in ends)
    for start, goal in ((a, b), (b, a)):
        (took,) = network.times([start], [goal]).ravel()
        assert 0 < took < 1_800
