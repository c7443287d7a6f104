"""Scores: points by share of target, their sums, and two other ways; every boundary; what is left out and why."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kpi_small import document, one

from hansa import kpi
from hansa.errors import BadRequest

SMALL = kpi.load(document())


def of_points(*percents):
    """A framework of as many indicators as shares, all of one category, and its score."""
    indicators = [one(f"A: X: {nth}C", ["A", "X"]) for nth in range(len(percents))]
    made = kpi.load(document(indicators=indicators, checks=[]))
    said = {f"A: X: {nth}C": kpi.reported(percent, 100.0) for nth, percent in enumerate(percents)}
    return kpi.score(made, said)


@pytest.mark.parametrize(
    ("percents", "points", "percent", "band"),
    [
        ([10, 70, 99, 0], [1, 3, 4, 1], 56.25, "33-66"),
        ([70, 96, 40], [3, 4, 2], 75.0, "66-95"),
        ([0], [1], 25.0, "0-33"),
        ([95], [4], 100.0, "95+"),
    ],
)
def test_points_are_summed_over_four_times_their_number(percents, points, percent, band):
    scored = of_points(*percents)
    assert [one.points for one in scored.indicators.values()] == points
    for path in (("A", "X"), ("A",), ()):
        assert (scored.nodes[path].percent, scored.nodes[path].band) == (percent, band)


@pytest.mark.parametrize(
    ("percent", "points", "band"),
    [
        (-5, 1, "0-33"), (0, 1, "0-33"), (32.999, 1, "0-33"), (33, 2, "33-66"), (65.999, 2, "33-66"), (66, 3, "66-95"),
        (94.999, 3, "66-95"), (95, 4, "95+"), (100, 4, "95+"), (250, 4, "95+"),
    ],
)  # fmt: skip
def test_a_band_begins_with_its_lower_bound(percent, points, band):
    found = kpi.band(SMALL.scoring, percent)
    assert (found.points, found.name) == (points, band)


@pytest.mark.parametrize(
    ("value", "target", "points"),
    [(29.7, 90, 2), (0.33, 1, 2), (59.4, 90, 3), (85.5, 90, 4), (0.57, 0.6, 4), (29.69, 90, 1)],
)
def test_what_is_a_bound_in_decimals_is_one_in_binary_too(value, target, points):
    scored = kpi.score(SMALL, {"A: X: 1C": kpi.reported(value, target)})
    assert scored.indicators["A: X: 1C"].points == points


@pytest.mark.parametrize(
    ("value", "target", "direction", "percent"),
    [
        (80, 100, "higher", 80.0),
        (120, 100, "higher", 120.0),
        (-10, 100, "higher", -10.0),
        (0, 100, "higher", 0.0),
        (20, 10, "lower", 50.0),
        (5, 10, "lower", 200.0),
        (3, 0, "lower", 0.0),  # a target of none that is not met
        (0.8, 1, "best", 80.0),
        (1.25, 1, "best", 80.0),
        (1, 0.8, "best", 125.0),
        (-1, 1, "best", 0.0),
    ],
)
def test_the_share_of_a_target_hangs_on_the_direction(value, target, direction, percent):
    assert kpi.share(value, target, direction, 1.0) == (percent, None)


@pytest.mark.parametrize(("value", "target"), [(0, 10), (0, 0), (-3, 10), (-3, 0), (1e-308, 1e308)])
def test_where_less_is_better_nothing_meets_every_target(value, target):
    assert kpi.share(value, target, "lower") == (None, None)
    found = kpi.score(SMALL, {"A: X: 2C": kpi.reported(value, target)}).indicators["A: X: 2C"]
    assert (found.points, found.band, found.percent_of_target) == (4, "95+", None)


@pytest.mark.parametrize(
    ("value", "target", "direction"),
    [
        (5, 0, "higher"),
        (5, -1, "higher"),
        (5, -1, "lower"),
        (5, 10, "none"),
        (-1e308, 1e-308, "higher"),
        (1, 0, "best"),
    ],
)
def test_a_share_that_says_nothing_is_not_scored_and_says_why(value, target, direction):
    percent, why = kpi.share(value, target, direction, 1.0)
    assert percent is None
    assert why


def test_what_is_not_reported_or_has_no_target_is_left_out_and_says_why():
    said = {
        "A: X: 1C": kpi.reported(80, None),
        "A: X: 2C": kpi.reported(20, 10),
        "A: Y: 1C": kpi.reported(5, 10),
        "B: Z: 2A": kpi.reported(1, 1, status="not applicable"),
        "B: Z: 3A": kpi.reported(7),
        "B: Z: 4A": kpi.reported(None, 7),
    }
    scored = kpi.score(SMALL, said)
    why = {code: one.data_points[""].why for code, one in scored.indicators.items() if one.data_points.get("")}
    assert why["A: X: 1C"] == "no target"
    assert why["A: X: 2C"] is None
    assert "direction" in why["A: Y: 1C"]
    assert why["B: Z: 2A"] == "not applicable"
    assert why["B: Z: 3A"] == "no target: the framework has none for it"
    assert why["B: Z: 4A"] == "not reported"
    assert scored.whole.percent == 50.0
    assert (scored.whole.scored, scored.whole.untargeted, scored.whole.unreported, scored.whole.total) == (1, 3, 4, 8)
    assert scored.nodes["B",].percent is None
    assert scored.nodes["B",].band is None


def test_every_data_point_counts_by_itself():
    said = {
        "B: Z: 1A": kpi.Reported({"open.dump": 10, "2nd": 90}, {"open.dump": 1, "2nd": 90}),
        "B: Z: 2A": kpi.reported(1, 1),
    }
    scored = kpi.score(SMALL, said)
    routes = scored.indicators["B: Z: 1A"]
    assert [one.points for one in routes.data_points.values()] == [1, 4]
    assert (routes.points, routes.percent_of_target, routes.percent, routes.band) == (2.5, None, 62.5, "33-66")
    assert scored.nodes["B", "Z"].percent == 75.0  # 1 + 4 + 4 of 12, not the mean of 62.5 and 100


def test_a_target_that_is_said_goes_before_the_city_s_version():
    targets = kpi.Targets("1", "", {("A: X: 1C", ""): 50.0, ("A: X: 2C", ""): 5.0})
    said = {"A: X: 1C": kpi.reported(50, 100), "A: X: 2C": kpi.reported(5)}
    scored = kpi.score(SMALL, said, targets=targets)
    assert scored.indicators["A: X: 1C"].percent_of_target == 50
    assert scored.indicators["A: X: 2C"].percent_of_target == 100


def test_an_indicator_of_several_data_points_may_be_said_as_one_number():
    summed = kpi.score(SMALL, {"B: Z: 1A": kpi.reported(100, 50)}).indicators["B: Z: 1A"]
    assert list(summed.data_points) == [""]
    assert (summed.points, summed.band) == (2, "33-66")
    (odd,) = kpi.faults(SMALL, {"B: Z: 1A": kpi.reported(50, 100)})
    assert (odd.severity, "data points of their own" in odd.says) == ("warning", True)


@pytest.mark.parametrize(
    "said",
    [
        {"A: X: 9C": kpi.reported(1, 1)},
        {"A: X: 1C": kpi.reported(float("nan"), 1)},
        {"A: X: 1C": kpi.reported(1, float("inf"))},
        {"A: X: 1C": kpi.reported("80", 1)},
        {"A: X: 1C": kpi.reported(True, 1)},
        {"A: X: 1C": kpi.reported(10**400, 1)},
        {"A: X: 1C": kpi.reported(1, 1, status="guessed")},
        {"B: Z: 1A": kpi.Reported({"": 1, "2nd": 1}, {"": 1})},
    ],
)
def test_what_cannot_be_scored_is_refused(said):
    with pytest.raises(BadRequest):
        kpi.score(SMALL, said)


def test_the_document_has_the_members_that_others_read():
    said = {"A: X: 1C": kpi.reported(66, 100), "B: Z: 1A": kpi.Reported({"2nd": 9}, {"2nd": 10})}
    made = kpi.score(SMALL, said).document()
    assert made["indicators"]["A: X: 1C"] | {"why": 0} == {
        "points": 3, "percent_of_target": 66.0, "band": "66-95", "percent": 75.0, "value": 66.0, "target": 100.0,
        "status": "reported", "why": 0,
    }  # fmt: skip
    assert made["indicators"]["B: Z: 1A"]["data_points"]["2nd"]["points"] == 3
    assert made["categories"]["A/X"] == {"percent": 75.0, "band": "66-95", "scored": 1, "total": 2}
    assert made["dimensions"]["B"]["percent"] == 75.0
    assert made["whole"]["percent"] == 75.0


FINITE = st.floats(-1e6, 1e6)


@settings(max_examples=50)
@given(FINITE, FINITE, st.floats(0.001, 1e6), st.sampled_from(["higher", "lower"]))
def test_what_is_better_never_scores_less(left, right, target, direction):
    code = "A: X: 2C" if direction == "lower" else "B: Z: 2A"
    made = document()
    made["indicators"][4]["direction"] = "higher"
    framework = kpi.load(made)
    worse, better = sorted([left, right], reverse=direction == "lower")
    got = [
        kpi.score(framework, {code: kpi.reported(value, target)}).indicators[code].points for value in (worse, better)
    ]
    assert got[0] <= got[1]
    assert all(1 <= one <= 4 for one in got)


@settings(max_examples=50)
@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(kpi.DIRECTIONS),
)
def test_any_share_is_finite_or_says_why(value, target, direction):
    percent, why = kpi.share(value, target, direction, 1.0)
    assert percent is None or (why is None and math.isfinite(percent))


# --- the other ways ---


def minmax(**more):
    indicators = [one("A1", ["A"]), one("A2", ["A"], "lower"), one("B1", ["B"])]
    return kpi.load(document(levels=["pillar"], indicators=indicators, checks=[], scoring={"kind": "minmax"}, **more))


OTHERS = {("A1", ""): [0.0, 10.0], ("A2", ""): [10.0, 30.0], ("B1", ""): [5.0]}


def test_between_cities_a_value_is_told_from_the_worst_to_the_best():
    said = {"A1": kpi.reported(5), "A2": kpi.reported(10), "B1": kpi.reported(5)}
    scored = kpi.score(minmax(), said, compared=OTHERS)
    got = {code: one.score for code, one in scored.indicators.items()}
    assert got == {"A1": 5.5, "A2": 10.0, "B1": None}
    assert scored.indicators["B1"].data_points[""].why == "all compared cities say the same"
    assert scored.nodes["A",].score == 7.75
    assert scored.nodes["A",].percent == pytest.approx(75)
    assert scored.whole.score == 7.75
    assert scored.nodes["B",].score is None


def test_between_cities_weights_are_equal_unless_they_are_said():
    said = {"A1": kpi.reported(0), "A2": kpi.reported(10), "B1": kpi.reported(10)}
    compared = OTHERS | {("B1", ""): [0.0]}
    assert kpi.score(minmax(), said, compared=compared).whole.score == (5.5 + 10) / 2
    weights = {"version": "1", "of": {"A": 3, "B": 1, "A1": 1, "A2": 0}}
    assert kpi.score(minmax(weights=weights), said, compared=compared).whole.score == (3 * 1 + 1 * 10) / 4


def test_without_another_city_nothing_is_scored():
    scored = kpi.score(minmax(), {"A1": kpi.reported(5)})
    assert scored.whole.score is None
    assert scored.indicators["A1"].data_points[""].why == "no other city to compare with"


def weighted(**of):
    indicators = [
        one("A1", ["A", "X"], unit="%"),
        one("A2", ["A", "X"], unit="%"),
        one("B1", ["A", "Y"], "lower", unit="1"),
    ]
    levels = ["primary", "secondary"]
    weights = {"version": "1", "of": {"A/X": 8, "A/Y": 2, "A1": 30, "A2": 70, "B1": 100} | of}
    return kpi.load(
        document(levels=levels, indicators=indicators, checks=[], scoring={"kind": "weighted"}, weights=weights)
    )


def test_by_weights_a_group_is_its_weight_times_its_weighted_shares():
    said = {"A1": kpi.reported(50), "A2": kpi.reported(100), "B1": kpi.reported(0.25)}
    scored = kpi.score(weighted(), said)
    assert scored.nodes["A", "X"].score == pytest.approx(8 * (0.3 * 0.5 + 0.7))
    assert scored.nodes["A", "Y"].score == pytest.approx(1.5)
    assert scored.whole.score == pytest.approx(8.3)
    assert scored.whole.possible == pytest.approx(10)
    assert scored.whole.percent == pytest.approx(83)


def test_what_has_no_weight_is_not_scored_and_makes_nothing_possible():
    said = {"A1": kpi.reported(50), "A2": kpi.reported(100), "B1": kpi.reported(0)}
    scored = kpi.score(weighted(A2=None), said)
    assert scored.indicators["A2"].data_points[""].why == "its weight is not known"
    assert (scored.nodes["A", "X"].score, scored.nodes["A", "X"].possible) == (pytest.approx(1.2), pytest.approx(2.4))
    assert kpi.score(weighted(**{"A/X": None}), said).nodes["A", "X"].score is None


def test_a_share_above_the_whole_is_the_whole():
    said = {"A1": kpi.reported(130), "A2": kpi.reported(-5), "B1": kpi.reported(3)}
    scored = kpi.score(weighted(), said)
    assert [one.percent for one in scored.indicators.values()] == [100, 0, 0]


def test_a_target_of_the_city_s_own_counts_where_the_framework_has_none():
    said = {"B: Z: 3A": kpi.reported(7, 10)}
    assert kpi.score(SMALL, said).indicators["B: Z: 3A"].points == 3
    (warning,) = kpi.faults(SMALL, said)
    assert (warning.severity, warning.says) == (
        "warning",
        "the framework has no target for it: this one is the city's own",
    )
    (fault,) = kpi.faults(SMALL, {"A: X: 1C": kpi.reported(7, float("nan"))})
    assert fault.severity == "error"
