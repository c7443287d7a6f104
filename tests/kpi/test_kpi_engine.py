"""The engine says, cell by cell, what `score` says; and one change touches what hangs on it and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kpi_small import BANDS, document, one

from hansa import kpi
from hansa.errors import BadRequest

SMALL = kpi.load(document())
AREAS, YEARS = ["north", "south", "west"], ["2023", "2024"]


def full(seed=1):
    """An engine over random numbers, some of them missing, zero or negative, with targets."""
    random = np.random.default_rng(seed)
    engine = kpi.Engine(SMALL, AREAS, YEARS)
    for name in SMALL.inputs:
        values = random.choice([np.nan, 0.0, -1.0, 0.5, 1.0, 2.0, 3.0, 30.0, 33.0, 100.0], (3, 2))
        engine.fill(name, values)
    for code, key in engine.data:
        for area in AREAS:
            engine.put_target(code, key, float(random.choice([-1.0, 0.0, 1.0, 2.0, 90.0])), area)
    engine.recompute()
    return engine


def same(engine):
    """Whether every cell is what `score` makes of the same values."""
    for area in AREAS:
        for year in YEARS:
            scored = engine.scored(area, year)
            for code, key in engine.data:
                cell, point = engine.cell(code, key, area, year), scored.indicators[code].data_points[key]
                assert (cell.value, cell.points) == (point.value, point.points)
                assert cell.percent_of_target == pytest.approx(point.percent_of_target)
            for path, node in scored.nodes.items():
                assert engine.percent(path, area, year) == node.percent
                whole = engine.percents(path)[AREAS.index(area), YEARS.index(year)]
                assert (np.isnan(whole) and node.percent is None) or whole == node.percent


@pytest.mark.parametrize("seed", range(12))
def test_every_cell_is_what_score_makes_of_it(seed):
    same(full(seed))


CHANGES = st.tuples(
    st.sampled_from(sorted(SMALL.inputs)), st.sampled_from(AREAS), st.sampled_from(YEARS),
    st.one_of(st.none(), st.sampled_from([0.0, 1.0, -2.0, 40.0]), st.floats(-1e9, 1e9)),
)  # fmt: skip


@settings(max_examples=25)
@given(st.lists(CHANGES, min_size=1, max_size=5), st.integers(0, 50))
def test_changes_one_by_one_are_the_same_as_all_at_once(changes, seed):
    engine, other = full(seed), full(seed)
    for name, area, year, value in changes:
        engine.put(name, area, year, value)
        other.put(name, area, year, value)
    other.recompute()
    for path in SMALL.nodes:
        assert np.array_equal(engine.percents(path), other.percents(path), equal_nan=True)
    for code, key in engine.data:
        assert np.array_equal(engine.values(code, key), other.values(code, key), equal_nan=True)


def test_a_change_says_what_it_touched_and_leaves_the_rest():
    engine = kpi.Engine(SMALL, AREAS, YEARS, kpi.Targets("1", "", {("A: X: 1C", ""): 80.0}))
    engine.recompute()
    assert engine.dependants("online") == [("A: X: 1C", "")]
    engine.put("households", "north", "2024", 100)
    changed = engine.put("online", "north", "2024", 60)
    assert changed.points == {("A: X: 1C", ""): kpi.Cell(60.0, 3, 75.0)}
    assert changed.nodes == {("A", "X"): 75.0, ("A",): 75.0, (): 75.0}
    assert engine.value("A: X: 1C", "", "south", "2024") is None
    assert engine.percent((), "north", "2023") is None
    taken = engine.put("online", "north", "2024", None)
    assert taken.points == {("A: X: 1C", ""): kpi.Cell(None, None, None)}
    assert taken.nodes[()] is None


def test_a_division_by_zero_is_told_and_leaves_no_value():
    engine = kpi.Engine(SMALL, AREAS, YEARS)
    engine.put("online", "north", "2024", 5)
    changed = engine.put("households", "north", "2024", 0)
    assert changed.points["A: X: 1C", ""].value is None
    assert ["households" in one.says for one in changed.faults] == [True]
    assert "households is 0" in engine.fault("A: X: 1C", "", "north", "2024")
    assert engine.fault("A: X: 1C", "", "south", "2024") is None


def test_a_value_that_is_said_goes_before_its_inputs():
    engine = kpi.Engine(SMALL, AREAS, YEARS)
    engine.put("online", "north", "2024", 50)
    engine.put("households", "north", "2024", 100)
    assert engine.put_value("A: X: 1C", "", "north", "2024", 51).points["A: X: 1C", ""].value == 51
    engine.recompute()
    assert engine.value("A: X: 1C", "", "north", "2024") == 51
    assert engine.put_value("A: X: 1C", "", "north", "2024", None).points["A: X: 1C", ""].value == 50


def test_values_can_be_filled_in_at_once():
    engine = kpi.Engine(SMALL, AREAS, YEARS)
    engine.fill_values("A: X: 1C", "", np.full((3, 2), 40.0))
    engine.put_target("A: X: 1C", "", 80.0, "north", "2024")
    engine.recompute()
    assert engine.percent((), "north", "2024") == 50.0
    assert engine.percent((), "south", "2024") is None


def test_what_does_not_fit_the_cube_is_refused():
    engine = kpi.Engine(SMALL, AREAS, YEARS)
    for call in (
        lambda: kpi.Engine(SMALL, [], YEARS),
        lambda: kpi.Engine(SMALL, ["a", "a"], YEARS),
        lambda: kpi.Engine(SMALL, [str(n) for n in range(10_000)], [str(n) for n in range(100)]),
        lambda: engine.put("nothing", "north", "2024", 1),
        lambda: engine.put("online", "east", "2024", 1),
        lambda: engine.put("online", "north", "2025", 1),
        lambda: engine.put("online", "north", "2024", float("nan")),
        lambda: engine.put("online", "north", "2024", "5"),
        lambda: engine.put("online", "north", "2024", 10**400),
        lambda: engine.put_value("A: X: 9C", "", "north", "2024", 1),
        lambda: engine.put_target("A: X: 1C", "2nd", 1),
        lambda: engine.fill("online", np.zeros((2, 2))),
        lambda: engine.percent(("C",), "north", "2024"),
    ):
        with pytest.raises(BadRequest):
            call()


def test_other_ways_of_scoring_have_values_and_are_scored_cell_by_cell():
    made = kpi.load(document(levels=["pillar"], indicators=[one("A1", ["A"])], checks=[], scoring={"kind": "minmax"}))
    engine = kpi.Engine(made, AREAS, YEARS)
    engine.fill("a1", np.array([[0.0, 1.0], [5.0, 1.0], [10.0, 1.0]]))
    engine.recompute()
    others = {("A1", ""): [float(value) for value in engine.values("A1")[:, 0]]}
    assert engine.scored("south", "2023", compared=others).whole.score == 5.5
    assert engine.percent((), "south", "2023") is None


def test_bands_that_give_other_points_are_summed_by_the_most():
    bands = [BANDS[0] | {"to": 50}, {"from": 50, "to": None, "points": 10, "name": "50+"}]
    made = kpi.load(document(scoring={"kind": "points", "bands": bands}))
    engine = kpi.Engine(made, AREAS, YEARS)
    engine.put_target("A: X: 2C", "", 10)
    name = next(iter(made.indicators["A: X: 2C"].inputs))
    assert engine.put(name, "north", "2024", 100).nodes[()] == 10.0
    assert engine.put(name, "north", "2024", 10).nodes[()] == 100.0
    assert engine.scored("north", "2024").whole.percent == 100.0


def test_u4ssc_is_recomputed_where_one_input_changes():
    framework = kpi.framework("u4ssc")
    engine = kpi.Engine(framework, ["city"], ["2024"])
    engine.put("households", "city", "2024", 1000)
    changed = engine.put("households_with_internet", "city", "2024", 802)
    assert changed.points["EC: ICT: ICT: 1C", ""].value == pytest.approx(80.2)
    assert len(engine.dependants("population")) > 20
