"""Who is near whom: the same as measuring every pair; and how many are too many."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa import Attribute, entity, geo
from hansa.apps.watch import app, neighbours
from hansa.apps.watch.neighbours import Crowd, Grid, TooClose, metres, place_of
from hansa.apps.watch.tree import Group, to_json
from hansa.apps.watch.weighing import Other
from hansa.apps.watch.wording import read_rule
from hansa.testing import MemoryCity

places = st.lists(
    st.one_of(
        st.tuples(st.floats(16.9, 17.1), st.floats(47.9, 48.1)),
        st.tuples(st.sampled_from([-180.0, 179.99, -179.99, 180.0]), st.floats(-0.1, 0.1)),
        st.tuples(st.floats(-180, 180), st.floats(89.8, 90)),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(places, st.sampled_from([500.0, 5_000.0, 60_000.0]))
def test_the_grid_finds_whom_measuring_every_pair_finds(found, distance):
    known = {f"e{i}": place for i, place in enumerate(found)}
    grid = Grid(known, distance)
    for ident, place in known.items():
        expected = sorted(one for one, other in known.items() if one != ident and metres(place, other) <= distance)
        assert grid.near(place, ident) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((17.0, 48.0), (17.0, 49.0), 111_195.0),
        ((0.0, 0.0), (180.0, 0.0), 20_015_114.0),
        ((179.9, 0), (-179.9, 0), 22_239.0),
    ],
)
def test_distances_are_those_of_a_sphere_of_the_mean_radius(one, other, expected):
    assert metres(one, other) == pytest.approx(expected, rel=1e-4)
    point = [{"type": "Point", "coordinates": list(p)} for p in (one, other)]
    assert metres(one, other) == pytest.approx(geo.metres(*point), rel=6e-3)


@pytest.mark.parametrize(
    ("geometry", "place"),
    [
        ({"type": "Point", "coordinates": [17, 48]}, (17.0, 48.0)),
        ({"type": "LineString", "coordinates": [[17, 48], [18, 50]]}, (17.5, 49.0)),
        ({"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 2], [0, 0]]]}, (1.0, 1.0)),
        (None, None), ("here", None), ({"coordinates": "x"}, None), ({"coordinates": []}, None),
    ],
)  # fmt: skip
def test_a_place_is_a_point_or_the_middle_of_a_shape_or_nowhere(geometry, place):
    assert place_of(geometry) == place


def crowd_of(many, spread):
    crowd, draw = Crowd(), random.Random(1)
    crowd.said = {"t": {}}
    for i in range(many):
        place = [17 + draw.random() * spread, 48.0]
        crowd.meet(entity("W", f"e{i}", location={"type": "Point", "coordinates": place}))
        crowd.hear(f"urn:ngsi-ld:W:e{i}", "t", Other(1.0, None, 100))
    return crowd


def test_who_moves_is_looked_for_where_he_is():
    crowd = crowd_of(5, 0.001)
    group = Group(within=1_000.0)
    source = "urn:ngsi-ld:W:e0"
    assert len(crowd.close_to(source, crowd.places[source], group)) == 4
    crowd.meet(entity("W", "e1", location={"type": "Point", "coordinates": [18, 48]}))
    assert len(crowd.close_to(source, crowd.places[source], group)) == 3
    crowd.leave("urn:ngsi-ld:W:e2")
    assert len(crowd.close_to(source, crowd.places[source], group)) == 2


def test_only_what_was_said_before_counts_and_only_while_it_is_fresh():
    crowd = crowd_of(1, 0.0)
    ident = "urn:ngsi-ld:W:e0"
    crowd.hear(ident, "t", Other(2.0, None, 200))
    assert crowd.before("t", ident, 200, 1_000).value == 1.0
    assert crowd.before("t", ident, 201, 1_000).value == 2.0
    assert crowd.before("t", ident, 1_200, 1_000) is None
    crowd.hear(ident, "t", Other(9.0, None, 150))  # late
    assert crowd.before("t", ident, 201, 1_000).value == 2.0


def test_too_many_neighbours_of_one_source_are_refused(monkeypatch):
    monkeypatch.setattr(neighbours, "CLOSE", 3)
    crowd = crowd_of(6, 0.001)
    with pytest.raises(TooClose, match="5 neighbours within 1000 m"):
        crowd.close_to("urn:ngsi-ld:W:e0", crowd.places["urn:ngsi-ld:W:e0"], Group(within=1_000.0))


def ruled(text):
    said = read_rule(text)
    return entity("WatchRule", "near", watchedType=said.type, condition=to_json(said.condition), alarm=said.alarm)


def stations(city, many):
    now = city.clock.now()
    city.read(
        *(
            entity(
                "W", f"s{i}", t=Attribute(1.0, None, now), location={"type": "Point", "coordinates": [17 + i / 1e5, 48]}
            )
            for i in range(many)
        )
    )


NEAR = "when t of W is below 2 and at least 1 neighbour within 5 km is also below 2 raise 'near'"


def test_a_rule_over_more_entities_than_can_be_asked_is_refused_in_plain_words(monkeypatch):
    monkeypatch.setattr(neighbours, "CROWD", 5)
    city = MemoryCity(app)
    stations(city, 6)
    city.say(ruled(NEAR))
    (note,) = city.find("Alert")
    assert note["subCategory"] == "configuration"
    assert "more than 5 entities of W, too many to look at as neighbours" in note["description"]


def test_a_source_with_too_many_neighbours_is_noted_and_others_are_watched(monkeypatch):
    monkeypatch.setattr(neighbours, "CLOSE", 3)
    city = MemoryCity(app)
    city.say(ruled(NEAR))
    stations(city, 6)
    city.turn(seconds=60)
    assert {a["subCategory"] for a in city.find("Alert")} == {"configuration"}
    assert all(
        "neighbours within 5000 m, and a rule asks 3 at most" in one["description"] for one in city.find("Alert")
    )
