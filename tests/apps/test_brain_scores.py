"""Forecast errors by hand, and against the textbook's table."""

import math

import pytest

from hansa.apps.brain.scores import DAY, HOUR, Sums, came, cases, meant, stood

START = 1_000 * DAY


def test_bias_mae_rmse_and_skill_are_those_that_one_counts_by_hand():
    sums = Sums()
    # forecast, measured, persistence: errors +1, -2, +3; persistence's 2, 0, 4
    for said, measured, held in ((3.0, 2.0, 4.0), (0.0, 2.0, 2.0), (5.0, 2.0, 6.0)):
        sums = sums.add(said, measured, held)
    assert sums.n == 3
    assert sums.bias == pytest.approx(2 / 3)
    assert sums.mae == pytest.approx(2.0)
    assert sums.rmse == pytest.approx(math.sqrt(14 / 3))
    assert sums.skill == pytest.approx(1 - 14 / 20)


def test_a_forecast_that_is_worse_than_persistence_has_a_skill_below_zero():
    assert Sums().add(5.0, 0.0, 1.0).skill == pytest.approx(1 - 25.0)


def test_nothing_is_said_of_nothing():
    none = Sums()
    assert (none.bias, none.mae, none.rmse, none.skill) == (None, None, None, None)
    assert (none.detected, none.false_share, none.success) == (None, None, None)
    assert Sums().add(1.0, 0.0).skill is None  # nobody knows what persistence would have said
    assert Sums().add(1.0, 0.0, 0.0).skill is None  # and a perfect one cannot be beaten


def test_skill_is_of_the_same_cases_for_both():
    sums = Sums().add(2.0, 0.0, 4.0).add(100.0, 0.0)  # the second has no persistence: it counts for the rmse alone
    assert sums.skill == pytest.approx(0.75)
    assert sums.rmse == pytest.approx(math.sqrt((4 + 10_000) / 2))


def test_finleys_tornadoes_are_scored_as_in_the_textbooks():
    """J. P. Finley 1884 as in Wilks: 28 hits, 72 false alarms, 23 misses, 2680 correct rejections."""
    sums = Sums(hits=27, false_alarms=72, misses=23, rejections=2_680).warn(warned=True, came=True)
    assert sums.detected == pytest.approx(0.549, abs=0.0005)
    assert sums.false_share == pytest.approx(0.720, abs=0.0005)
    assert sums.success == pytest.approx(0.228, abs=0.0005)


def test_each_warning_goes_into_its_own_field():
    sums = Sums()
    for warned, came_ in ((True, True), (True, False), (False, True), (False, False), (False, False)):
        sums = sums.warn(warned=warned, came=came_)
    assert (sums.hits, sums.false_alarms, sums.misses, sums.rejections) == (1, 1, 1, 2)


def test_sums_are_kept_read_back_added_and_taken_from_each_other():
    early = Sums().add(1.0, 0.0, 2.0)
    later = early.add(3.0, 0.0, 1.0).warn(warned=True, came=False)
    assert Sums.of(later.to_json()) == later
    assert (later - early) == Sums().add(3.0, 0.0, 1.0).warn(warned=True, came=False)
    assert early + (later - early) == later


@pytest.mark.parametrize("nonsense", [None, [], [1, 2], "x", [True] * 11, [float("nan")] * 11, {"n": 1}])
def test_what_are_no_sums_are_none(nonsense):
    assert Sums.of(nonsense) == Sums()


@pytest.mark.parametrize(
    ("name", "of", "how"),
    [("temperatureMin", "temperature", "min"), ("levelMax", "level", "max"),
     ("temperatureMinimum", "temperature", "min"), ("precipitation", "precipitation", "mean"), ("Min", "Min", "mean")],
)  # fmt: skip
def test_a_name_says_what_it_is_held_against(name, of, how):
    assert meant(name) == (of, how)


def hourly(*values, at=START):
    return [(at + i * HOUR, value) for i, value in enumerate(values)]


def test_what_came_is_least_greatest_or_mean_of_the_time():
    points = hourly(5.0, 3.0, -1.0, 4.0, -9.0)
    until = START + 4 * HOUR  # the fifth is no longer of it
    assert came(points, START, until, "min") == -1.0
    assert came(points, START, until, "max") == 5.0
    assert came(points, START, until, "mean") == pytest.approx(2.75)


def test_a_time_that_was_hardly_measured_does_not_count():
    points = hourly(*range(12))
    assert came(points, START, START + 12 * HOUR, "min") == 0
    assert came(points[:9], START, START + 12 * HOUR, "min") == 0
    assert came(points[:8], START, START + 12 * HOUR, "min") is None
    assert came([], START, START + HOUR, "min") is None


def test_texts_truths_and_holes_are_no_measurements():
    points = [(START, "3"), (START + 1, True), (START + 2, None), (START + 3, float("nan"))]
    assert came(points, START, START + HOUR, "mean") is None


def test_in_an_instant_what_stood_then_counts_if_it_is_not_too_old():
    assert came(hourly(1.0, 2.0), START + HOUR + 10, START + HOUR + 10, "mean") == 2.0
    assert came(hourly(1.0), START + 2 * HOUR, START + 2 * HOUR, "mean") is None


def test_a_forecast_is_looked_at_as_it_stood_at_each_lead():
    versions = [(START - 10 * HOUR, 5.0), (START - 2 * HOUR, 3.0), (START + HOUR, 99.0)]
    found = cases(versions, START, 2.0, 4.0)
    assert [(one.lead_h, one.said) for one in found] == [(6, 5.0), (3, 5.0), (1, 3.0), (0, 3.0)]
    assert stood(versions, START - 11 * HOUR) is None


def test_what_is_said_afterwards_is_no_forecast():
    assert cases([(START + 1, 2.0)], START, 2.0, None) == []
