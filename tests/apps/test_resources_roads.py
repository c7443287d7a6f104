"""Times over roads, held against a Bellman-Ford that knows every position and no shortcut."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from hansa import Attribute, entity
from hansa.apps.resources import roads, streets
from hansa.apps.resources.roads import BESIDE_M, REACH_M, WALK_MPS, Network, Segment, straight_m

STEP = 0.004  # degrees between the crossings of a made-up town: some 400 m
EAST, NORTH = 16.0, 48.0


def at(x, y):
    return (EAST + x * STEP, NORTH + y * STEP)


def road(ident, *line, speed=10.0, forward=True, backward=True):
    return Segment(ident, tuple(at(x, y) for x, y in line), speed, forward, backward)


def metres(a, b):
    return float(straight_m([a], [b])[0, 0])


# ---- the oracle: every position is a node, a place is put into the pieces that it hangs on, and edges are relaxed


def _near(place, a, b):
    """The nearest point of a piece, on a plane that touches the earth here; good to millimetres over 1 km."""
    k = math.cos(math.radians(place[1]))
    ax, ay = (a[0] - place[0]) * k, a[1] - place[1]
    bx, by = (b[0] - place[0]) * k, b[1] - place[1]
    dx, dy = bx - ax, by - ay
    share = min(1.0, max(0.0, -(ax * dx + ay * dy) / (dx * dx + dy * dy)))
    off = math.hypot(ax + dx * share, ay + dy * share) * math.pi / 180 * 6_371_008.8
    return off, share


def oracle(segments, starts, goals):
    pieces = []
    for one in segments:
        if one.forward or one.backward:
            line = [p for i, p in enumerate(one.line) if i == 0 or p != one.line[i - 1]]
            pieces += [(a, b, one) for a, b in pairwise(line)]
    splits = {n: [] for n in range(len(pieces))}
    edges, names = [], {}
    for kind, places in (("start", starts), ("goal", goals)):
        for n, place in enumerate(places):
            offs = [_near(place, a, b) for a, b, _ in pieces]
            least = min((off for off, _ in offs), default=math.inf)
            names[kind, n] = least
            assume(all(abs(off - edge) > 0.05 for off, _ in offs for edge in (least + BESIDE_M, REACH_M)))
            if least > REACH_M:
                continue
            for at_piece, (off, share) in enumerate(offs):
                if off <= least + BESIDE_M:
                    spot = (kind, n, at_piece)
                    splits[at_piece].append((share, spot))
                    walk = off / WALK_MPS
                    edges.append(((kind, n), spot, walk) if kind == "start" else (spot, (kind, n), walk))
    for n, (a, b, one) in enumerate(pieces):
        whole = metres(a, b) / one.speed_mps
        along = [(0.0, a), *sorted(splits[n], key=lambda s: s[0]), (1.0, b)]
        for (s, u), (t, v) in pairwise(along):
            same = isinstance(u[0], str) and isinstance(v[0], str) and (t - s) * whole * one.speed_mps < 0.1
            same |= s == t  # who hangs on the very end of a one-way street stands on its crossing
            if one.forward or same:
                edges.append((u, v, (t - s) * whole))
            if one.backward or same:
                edges.append((v, u, (t - s) * whole))
    answer = np.full((len(starts), len(goals)), np.inf)
    for i in range(len(starts)):
        best = {("start", i): 0.0}
        changed = True
        while changed:
            changed = False
            for u, v, s in edges:
                if u in best and best[u] + s < best.get(v, math.inf) - 1e-12:
                    best[v], changed = best[u] + s, True
        for j in range(len(goals)):
            answer[i, j] = best.get(("goal", j), math.inf)
    answer[[n for (kind, n), off in names.items() if kind == "start" and off > REACH_M], :] = np.nan
    answer[:, [n for (kind, n), off in names.items() if kind == "goal" and off > REACH_M]] = np.nan
    return answer


spots = st.tuples(st.integers(0, 3), st.integers(0, 3))
lines = st.lists(spots, min_size=2, max_size=4).filter(lambda line: all(a != b for a, b in pairwise(line)))
drawn = st.builds(
    lambda line, speed, ways: road("r", *line, speed=speed, forward=ways[0], backward=ways[1]),
    lines,
    st.sampled_from([3.0, 8.0, 14.0, 36.0]),
    st.sampled_from([(True, True), (True, True), (True, False), (False, True), (False, False)]),
)
# An odd share of a step keeps places from lying exactly between two roads, where either may be the nearest.
places = st.tuples(st.integers(-3, 40), st.integers(-3, 40)).map(
    lambda p: at(p[0] * 0.0897 + 0.0113, p[1] * 0.0913 + 0.0071)
)


@example(
    [road("r", (1, 2), (0, 2), (2, 1), speed=3.0, backward=False)],
    [at(0.0113, 2.0157)],
    [at(-0.0784, 1.8331)],
)
@settings(deadline=None, max_examples=150)
@given(st.lists(drawn, max_size=7), st.lists(places, min_size=1, max_size=3), st.lists(places, min_size=1, max_size=3))
def test_times_are_those_of_bellman_and_ford(segments, starts, goals):
    asked = Network(segments).times(starts, goals)
    known = oracle(segments, starts, goals)
    assert np.array_equal(np.isnan(asked), np.isnan(known))
    assert np.array_equal(np.isinf(asked), np.isinf(known))
    there = np.isfinite(known)
    # The oracle's plane and the sphere part by centimetres on a long slant.
    assert np.allclose(asked[there], known[there], rtol=2e-4, atol=0.3)


def test_a_straight_road_takes_its_length_by_its_speed():
    town = Network([road("a", (0, 0), (1, 0), (2, 0), speed=10.0)])
    assert town.times([at(0, 0)], [at(2, 0)])[0, 0] == pytest.approx(metres(at(0, 0), at(2, 0)) / 10.0, rel=1e-6)
    assert town.length_m == pytest.approx(metres(at(0, 0), at(1, 0)) * 2, rel=1e-6)


def test_a_oneway_is_driven_one_way():
    town = Network([road("a", (0, 0), (2, 0), forward=True, backward=False), road("b", (0, 0), (0, 1), (2, 1), (2, 0))])
    ahead, back = at(0.5, 0), at(1.5, 0)
    straight = town.times([ahead], [back])[0, 0]
    around = town.times([back], [ahead])[0, 0]
    assert straight == pytest.approx(metres(ahead, back) / 10.0, rel=1e-3)
    assert around > 3 * straight


def test_what_is_closed_is_driven_round_and_without_a_way_round_not_reached():
    ends = [road("w", (0, 0), (1, 0)), road("e", (2, 0), (3, 0))]
    middle, closed = road("m", (1, 0), (2, 0)), road("m", (1, 0), (2, 0), forward=False, backward=False)
    detour = road("d", (1, 0), (1, 2), (2, 2), (2, 0))
    here, there = [at(0, 0)], [at(3, 0)]
    open_s = Network([*ends, middle]).times(here, there)[0, 0]
    round_s = Network([*ends, closed, detour]).times(here, there)[0, 0]
    assert open_s < round_s < math.inf
    assert math.isinf(Network([*ends, closed]).times(here, there)[0, 0])


def test_a_bridge_over_a_road_is_no_junction():
    town = Network([road("over", (0, 1), (2, 1)), road("under", (1, 0), (1, 2))])
    assert math.isinf(town.times([at(0, 1)], [at(1, 2)])[0, 0])
    joined = Network([road("x", (0, 1), (1, 1), (2, 1)), road("y", (1, 0), (1, 1), (1, 2))])
    assert math.isfinite(joined.times([at(0, 1)], [at(1, 2)])[0, 0])


def test_of_two_roads_between_the_same_crossings_the_quicker_counts():
    slow, quick = road("s", (0, 0), (1, 0), speed=2.0), road("q", (0, 0), (1, 0), speed=20.0)
    one = Network([quick]).times([at(0, 0)], [at(1, 0)])[0, 0]
    both = Network([slow, quick]).times([at(0, 0)], [at(1, 0)])[0, 0]
    assert both == pytest.approx(one)


def test_a_place_far_from_every_road_is_not_on_the_network():
    town = Network([road("a", (0, 0), (1, 0))])
    beside, far = (at(0.5, 0)[0], NORTH + 0.005), (at(0.5, 0)[0], NORTH + 0.05)
    took = town.times([at(0, 0)], [beside, far])[0]
    assert took[0] == pytest.approx(
        metres(at(0, 0), at(0.5, 0)) / 10.0 + metres(at(0.5, 0), beside) / WALK_MPS, rel=1e-3
    )
    assert math.isnan(took[1])
    assert town.off_m([far])[0] == pytest.approx(0.05 * 111_195, rel=0.01)


def test_a_city_without_roads_answers_that_there_are_none():
    empty = Network([])
    assert math.isnan(empty.times([at(0, 0)], [at(1, 0)])[0, 0])
    assert empty.off_m([at(0, 0)]) == [math.inf]
    assert (empty.nodes, empty.edges, empty.length_m, empty.connected()) == (0, 0, 0.0, 0.0)
    assert empty.times([], [at(0, 0)]).shape == (0, 1)


def test_a_road_over_the_antimeridian_is_one_road():
    town = Network(
        [Segment("w", ((179.99, 0.0), (180.0, 0.0)), 10.0), Segment("e", ((-180.0, 0.0), (-179.99, 0.0)), 10.0)]
    )
    assert town.times([(179.99, 0.0)], [(-179.99, 0.0)])[0, 0] == pytest.approx(0.02 * 111_195 / 10.0, rel=1e-3)


def test_lines_without_length_are_passed_over():
    town = Network([Segment("dot", ((16.0, 48.0), (16.0, 48.0)), 10.0), road("a", (0, 0), (1, 0))])
    assert town.edges == 1


def test_how_much_of_the_town_hangs_together_is_known():
    whole = Network([road("a", (0, 0), (1, 0)), road("b", (1, 0), (2, 0))])
    apart = Network([road("a", (0, 0), (1, 0)), road("b", (2, 2), (3, 2))])
    trap = Network([road("a", (0, 0), (1, 0)), road("b", (1, 0), (2, 0), backward=False)])
    assert whole.connected() == 1.0
    assert apart.connected() == 0.5
    assert trap.connected() == pytest.approx(2 / 3)


def test_a_road_around_the_world_does_not_fill_the_memory():
    world = Network([Segment("w", tuple((float(x), 0.0) for x in range(-179, 180)), 30.0)] * 20)
    assert world.off_m([(10.0, 0.001)])[0] < 300


# ---- from the city's own entities


def segment(**said):
    line = said.pop("line", [list(at(0, 0)), list(at(1, 0))])
    return entity("RoadSegment", "r", location={"type": "LineString", "coordinates": line}, **said)


@pytest.mark.parametrize(
    ("said", "mps"),
    [
        ({"maximumAllowedSpeed": 50}, 50 * 0.8 / 3.6),
        ({"maximumAllowedSpeed": Attribute(30, "HM")}, 30 * 1.609344 * 0.8 / 3.6),
        ({"maximumAllowedSpeed": Attribute(10, "MTS")}, 8.0),
        ({"roadClass": "motorway"}, 25.0),
        ({"maximumAllowedSpeed": 0, "roadClass": "primary"}, 65 / 3.6),
        ({"maximumAllowedSpeed": -5, "roadClass": "primary"}, 65 / 3.6),
        ({"maximumAllowedSpeed": "fast", "roadClass": "primary"}, 65 / 3.6),
        ({"maximumAllowedSpeed": Attribute(50, "CEL"), "roadClass": "primary"}, 65 / 3.6),
        ({"maximumAllowedSpeed": True, "roadClass": ["primary"]}, 25 / 3.6),
        ({}, 25 / 3.6),
    ],
)
def test_a_road_is_driven_below_its_limit_and_without_one_as_its_class(said, mps):
    (found,) = streets.segments_of(segment(**said))
    assert found.speed_mps == pytest.approx(mps, rel=1e-6)


@pytest.mark.parametrize(
    ("said", "ways"),
    [
        ({}, (True, True)),
        ({"oneway": True}, (True, False)),
        ({"oneway": "-1"}, (False, True)),
        ({"oneway": "no"}, (True, True)),
        ({"laneUsage": ["forward"]}, (True, False)),
        ({"laneUsage": ["backward"]}, (False, True)),
        ({"laneUsage": ["forward", "backward"]}, (True, True)),
        ({"allowedDirections": "both"}, (True, True)),
        ({"allowedDirections": {"odd": 1}}, (True, True)),
        ({"status": "closed"}, (False, False)),
        ({"status": "open"}, (True, True)),
        ({"status": ["flooded"]}, (False, False)),
        ({"status": "closed", "oneway": True}, (False, False)),
    ],
)
def test_where_a_road_may_be_driven(said, ways):
    (found,) = streets.segments_of(segment(**said))
    assert (found.forward, found.backward) == ways


@pytest.mark.parametrize(
    "line", [[], [[16.0, 48.0]], [[16.0, 48.0], "x"], [[16.0, 48.0], [17.5, 48.0]], [[16.0, True], [16.0, 48.0]], "x"]
)
def test_what_is_no_road_is_refused_with_its_reason_and_the_others_stay(line):
    town, told = streets.network([segment(line=line), segment(), entity("RoadSegment", "bare")])
    assert (town.edges, told.segments, told.refusals) == (1, 1, 2)
    assert all(told.refused.values())


def test_how_the_roads_were_read_is_told():
    _, told = streets.network([segment(status="closed"), segment(maximumAllowedSpeed=30), segment(roadClass="odd")])
    assert (told.segments, told.closed, told.unsaid) == (3, 1, 2)


def test_a_road_of_several_lines_is_all_of_them():
    both = entity(
        "RoadSegment",
        "m",
        location={
            "type": "MultiLineString",
            "coordinates": [[list(at(0, 0)), list(at(1, 0))], [list(at(2, 0)), list(at(3, 0))]],
        },
    )
    assert len(streets.segments_of(both)) == 2


def test_dijkstra_goes_from_a_few_places_at_a_time_and_the_times_are_the_same(monkeypatch):
    network = Network([road(f"{x}", (x, 0), (x + 1, 0)) for x in range(6)])
    places = [at(x + 0.3, 0) for x in range(6)]
    slices = []
    search = roads.dijkstra

    def counted(graph, **how):
        slices.append(len(how["indices"]))
        return search(graph, **how)

    monkeypatch.setattr(roads, "dijkstra", counted)
    found = network.times(places, places)
    assert slices == [2, 2, 2]
    monkeypatch.setattr(roads, "AT_ONCE", 100)
    assert np.array_equal(network.times(places, places), found)
    assert slices[3:] == [6]
