"""Gaps and projections: numbers against other implementations, and silence where a series says nothing."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa import kpi
from hansa.errors import BadRequest

RISING = [(2018, 40.0), (2019, 44.0), (2020, 47.0), (2021, 53.0), (2022, 55.0), (2023, 61.0)]


# --- gaps ---


def test_a_gap_says_what_has_to_change_every_year():
    found = kpi.gap(60, 90, "higher", year=2025, by=2030)
    assert (found.gap, found.met, found.years, found.yearly_change) == (30, False, 5, 6.0)
    assert found.percent_of_target == pytest.approx(66.6666667)
    assert 60 * (1 + found.yearly_rate) ** 5 == pytest.approx(90)


def test_where_less_is_better_the_change_is_downwards():
    found = kpi.gap(20, 10, "lower", year=2025, by=2030)
    assert (found.gap, found.yearly_change) == (10, -2.0)
    assert found.yearly_rate < 0


def test_a_met_target_has_no_gap():
    found = kpi.gap(95, 90, "higher", year=2025, by=2030)
    assert (found.met, found.gap, found.yearly_change) == (True, -5, 0.0)
    assert kpi.gap(0, 0, "lower").met


def test_near_what_is_best_is_a_gap_on_either_side():
    assert kpi.gap(0.8, 1, "best", best=1).gap == pytest.approx(0.2)
    assert kpi.gap(1.2, 1, "best", best=1).gap == pytest.approx(0.2)
    assert kpi.gap(1.0, 1, "best", best=1).met


@pytest.mark.parametrize(("year", "by"), [(None, None), (2030, 2030), (2031, 2030), (2025, None)])
def test_without_years_left_no_change_is_told(year, by):
    assert kpi.gap(60, 90, "higher", year=year, by=by).yearly_change is None


def test_through_zero_there_is_no_rate():
    assert kpi.gap(0, 90, "higher", year=2025, by=2030).yearly_rate is None


@pytest.mark.parametrize(
    ("value", "target", "direction"),
    [(float("nan"), 1, "higher"), (1, float("inf"), "higher"), (1, 2, "none"), (1, 2, "up")],
)
def test_a_gap_of_nothing_is_refused(value, target, direction):
    with pytest.raises(BadRequest):
        kpi.gap(value, target, direction)


def test_goal_distance_and_growth_are_as_the_notes_have_them():
    assert kpi.goal_distance(60, 80) == 25
    assert kpi.goal_distance(90, 80) == 0
    assert kpi.goal_distance(60, 80, lowest=40) == 50
    assert kpi.years_to_goal(50, 2015, 60, 2020, 72) == pytest.approx(10)  # 20 % in five years, and as much again
    assert kpi.years_to_goal(50, 2015, 45, 2020, 72) is None  # it goes the other way
    assert kpi.years_to_goal(50, 2015, 50, 2020, 72) is None
    assert kpi.years_to_goal(50, 2015, 45, 2020, 50) == 0
    with pytest.raises(BadRequest):
        kpi.goal_distance(1, 5, lowest=5)
    with pytest.raises(BadRequest):
        kpi.years_to_goal(0, 2015, 45, 2020, 72)


# --- projections ---


def test_a_line_and_its_band_are_those_of_a_textbook():
    found = kpi.projected(RISING, 2026, level=0.9)
    years, values = zip(*RISING, strict=True)
    middle = sum(years) / 6
    slope, at_middle = np.polyfit([year - middle for year in years], values, 1)
    error = math.sqrt(sum((y - at_middle - slope * (x - middle)) ** 2 for x, y in RISING) / 4)
    for one in found.years:
        assert one.value == pytest.approx(at_middle + slope * (one.year - middle))
        # 2.131847: Student's t of 4 degrees of freedom, 5 % above it, as tables print it.
        half = 2.131847 * error * math.sqrt(1 + 1 / 6 + (one.year - middle) ** 2 / 17.5)
        assert (one.low, one.high) == (pytest.approx(one.value - half), pytest.approx(one.value + half))
    assert [one.year for one in found.years] == [2024, 2025, 2026]


def test_a_band_widens_with_the_years():
    widths = [one.high - one.low for one in kpi.projected(RISING, 2030, high=math.inf, low=-math.inf).years]
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]


def test_two_points_make_a_line_and_no_band():
    found = kpi.projected([(2020, 10.0), (2022, 14.0)], 2024)
    assert [(one.value, one.low, one.high) for one in found.years] == [(16.0, None, None), (18.0, None, None)]
    assert "nothing can be said" in found.said
    assert found.backtest is None


def test_three_points_have_a_band_and_say_that_they_are_few():
    found = kpi.projected([(2020, 10.0), (2021, 14.0), (2022, 15.0)], 2023)
    assert found.years[0].low < found.years[0].value < found.years[0].high
    assert "few" in found.said
    assert found.backtest is None


def test_a_share_that_fills_up_stays_below_its_bound():
    series = [(2010 + n, 100 / (1 + math.exp(-(n - 5) / 2))) for n in range(11)]
    found = kpi.projected(series, 2030, "logistic")
    for one in found.years:
        assert one.value == pytest.approx(100 / (1 + math.exp(-(one.year - 2015) / 2)), abs=1e-6)
        assert one.low <= one.value <= one.high <= 100
    straight = kpi.projected(series, 2030)
    assert straight.years[-1].value == 100  # cut off


def test_a_value_on_its_bound_can_still_be_projected():
    found = kpi.projected([(2020, 0.0), (2021, 50.0), (2022, 100.0)], 2024, "logistic")
    assert all(0 <= one.low <= one.value <= one.high <= 100 for one in found.years)


def test_a_long_series_says_how_the_method_did_on_its_own_past():
    line = [(2010 + n, 10.0 + 2 * n) for n in range(8)]
    tried = kpi.projected(line, 2020).backtest
    assert (tried.many, tried.error, tried.unchanged_error) == (5, pytest.approx(0, abs=1e-9), 2.0)
    still = [(2010 + n, 50.0 + (n % 2)) for n in range(12)]
    tried = kpi.projected(still, 2023).backtest
    assert tried.error > 0


@pytest.mark.parametrize(
    ("series", "until", "more"),
    [
        ([], 2030, {}),
        ([(2020, 1.0)], 2030, {}),
        ([(2020, 1.0), (2020, 2.0)], 2030, {}),
        ([(2020, 1.0), (2021, float("nan"))], 2030, {}),
        ([(2020, 1.0), (2021, 1e300)], 2030, {}),
        (RISING, 2023, {}),
        (RISING, 2300, {}),
        (RISING, 2030, {"how": "by hope"}),
        (RISING, 2030, {"level": 1.0}),
        (RISING, 2030, {"low": 10, "high": 10}),
        (RISING, 2030, {"how": "logistic", "high": 50}),
        (RISING, 2030, {"how": "logistic", "high": math.inf}),
        ([(n, 1.0) for n in range(300)], 310, {}),
    ],
)
def test_what_cannot_be_projected_is_refused(series, until, more):
    with pytest.raises(BadRequest):
        kpi.projected(series, until, **more)


@settings(max_examples=50)
@given(
    st.dictionaries(st.integers(1990, 2020), st.floats(0, 100), min_size=2, max_size=15),
    st.integers(1, 20),
    st.sampled_from(["linear", "logistic"]),
)
def test_a_projection_stays_within_its_bounds_and_its_band(series, more, how):
    found = kpi.projected(list(series.items()), max(series) + more, how)
    assert len(found.years) == more
    for one in found.years:
        assert 0 <= one.value <= 100
        if one.low is not None:
            assert 0 <= one.low <= one.value <= one.high <= 100
