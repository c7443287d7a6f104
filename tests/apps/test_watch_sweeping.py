"""A rule over whole series rings when the rule engine rings, reading by reading."""

import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hansa.apps.watch import sweeping, tree
from hansa.apps.watch.signals import Series
from hansa.apps.watch.sweeping import ROUND, Ring, Sweep
from hansa.apps.watch.terms import SECOND
from hansa.apps.watch.weighing import Other, Scales

sys.path.insert(0, str(Path(__file__).parent))
from some_rules import NAMES, trees

START = 1_767_222_000 * SECOND  # 2025-12-31T23:00:00Z: midnight, a month's and a year's end are near
ZONE = ZoneInfo("Europe/Vienna")


def one_by_one(scales, own, others, until):
    """The rule engine: rounds every minute, readings between them; when the alarm stood."""
    events = sorted({at for points in own.values() for at, _ in points})
    if not events:
        return []
    first = -((START - events[0]) // ROUND) * ROUND + START
    times = sorted({(2 * t, None) for t in range(first, until, ROUND)} | {(2 * at + 1, at) for at in events})
    mind, since, stood = None, None, []
    for key, reading in times:
        if reading is None and mind is None:
            continue
        mind = mind or scales.mind()
        if reading is not None:
            for name, points in own.items():
                for at, value in points:
                    if at == reading:
                        scales.hear(mind, name, at, value, None)

        def asked(group, name, now=key // 2):
            for series in others:
                said = [(at, value) for at, value in series.get(name, ()) if at < now]
                if said and now - group.fresh < said[-1][0]:
                    yield Other(said[-1][1], None, said[-1][0])

        holds = scales.weigh(mind, key // 2, asked)
        assert not (holds.rings is True and holds.stays is not True)
        if since is None and holds.rings is True:
            since = key // 2
        elif since is not None and holds.stays is False:
            stood.append(Ring(since, key // 2))
            since = None
    return stood if since is None else [*stood, Ring(since, None)]


def series_of(points):
    at = np.array([one[0] for one in points], np.int64)
    values = [one[1] for one in points]
    plain = all(type(one) in {int, float} for one in values)
    number = np.array([float(v) if type(v) in {int, float} else np.nan for v in values], np.float64)
    return Series(at, number, None, None if plain else values)


def at_once(scales, own, others, until):
    known = {(f"o{i}", name): series_of(points) for i, one in enumerate(others) for name, points in one.items()}
    asked = sweeping.Others(known, lambda _source, _group: [f"o{i}" for i in range(len(others))])
    found = Sweep(scales, until, START, asked).rings("it", {name: series_of(points) for name, points in own.items()})
    return [one if one.until is None or one.until < until else Ring(one.since, None) for one in found]


gaps = st.sampled_from([20, 45, 60, 90, 300, 300, 300, 421, 1_200, 5_400])
values = st.one_of(st.integers(-24, 24).map(lambda n: n / 4), st.just(0.1), st.just(2.0))


@st.composite
def points(draw, what=values, most=25):
    at, found = START + draw(st.integers(0, 600)) * SECOND, []
    for gap, value in draw(st.lists(st.tuples(gaps, what), max_size=most)):
        at += gap * SECOND
        found.append((at, value))
    return found


doors = points(st.sampled_from(["open", "shut", True, False, 1, 2.5]), most=8)
sources = st.fixed_dictionaries({"level": points(), "flow": points(), "door": doors})
neighbours = st.lists(st.fixed_dictionaries({"level": points(), "flow": points()}), max_size=3)


@settings(max_examples=300, deadline=None)
@given(trees(), sources, neighbours)
@example(
    tree.Lasting(tree.Limit("level", tree.Range(None, 1.0)), 600 * SECOND),
    {"level": [(START + n * 300 * SECOND, 2.0) for n in range(4)], "flow": [], "door": []},
    [],
)
def test_a_rule_over_whole_series_rings_when_the_engine_does(node, own, others):
    until = max((p[0] for one in (own, *others) for some in one.values() for p in some), default=START) + 3 * ROUND
    scales = Scales(node, ZONE)
    own = {name: own[name] for name in NAMES if name in scales.names}
    assert at_once(scales, own, others, until) == one_by_one(scales, own, others, until)
