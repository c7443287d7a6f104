"""Windows over readings, against hand-computed numbers and naive versions."""

import json
import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa import windows
from hansa.errors import BadRequest

MINUTE = 60_000_000
HOUR = windows.HOUR


def at_minutes(*pairs):
    return [(int(minute * MINUTE), float(value)) for minute, value in pairs]


LADDER = at_minutes((0, 1.0), (30, 3.0), (60, 2.0), (90, 6.0))


def test_the_last_value_is_the_newest_and_nothing_of_nothing():
    assert windows.last(LADDER) == 6.0
    assert windows.last([]) is None


def test_the_mean_weighs_each_value_by_the_time_it_held():
    # 10 holds for 10 minutes, 20 for 50: (10 * 10 + 20 * 50) / 60
    points = at_minutes((0, 10), (10, 20), (60, 99))
    assert windows.mean(points) == pytest.approx(1_100 / 60)


def test_the_mean_until_an_instant_lets_the_last_value_hold_so_long():
    points = at_minutes((0, 10), (10, 20))
    assert windows.mean(points) == 10.0
    assert windows.mean(points, until=40 * MINUTE) == pytest.approx((10 * 10 + 20 * 30) / 40)
    assert windows.mean(points, until=10 * MINUTE) == 10.0  # what begins at the end does not count


def test_the_mean_of_one_instant_is_the_plain_mean_and_of_nothing_none():
    assert windows.mean([(5, 2.0), (5, 4.0)]) == 3.0
    assert windows.mean([]) is None
    assert windows.mean(LADDER, until=0) is None


def test_minimum_maximum_and_spread():
    assert (windows.minimum(LADDER), windows.maximum(LADDER), windows.spread(LADDER)) == (1.0, 6.0, 5.0)
    assert (windows.minimum([]), windows.maximum([]), windows.spread([])) == (None, None, None)


def test_the_slope_is_per_hour_by_least_squares():
    assert windows.slope(at_minutes((0, 1), (30, 2), (60, 3))) == pytest.approx(2.0)
    # Hours 0, .5, 1, 1.5, values 1, 3, 2, 6: sum of products 3.5, of squares 1.25
    assert windows.slope(LADDER) == pytest.approx(3.5 / 1.25)


def test_there_is_no_slope_within_one_instant():
    assert windows.slope([(5, 1.0)]) is None
    assert windows.slope([(5, 1.0), (5, 2.0)]) is None
    assert windows.robust_slope([(5, 1.0), (5, 2.0)]) is None


def test_the_robust_slope_does_not_believe_a_single_spike_and_the_plain_one_does():
    points = at_minutes(*((m, m / 60) for m in range(0, 100, 10)))
    points[4] = (points[4][0], 50.0)
    assert windows.robust_slope(points) == pytest.approx(1.0)
    assert abs(windows.slope(points) - 1.0) > 1.0


def test_the_robust_slope_is_the_median_of_all_pairs():
    # Slopes per hour: 0-30 4, 0-60 1, 0-90 10/3, 30-60 -2, 30-90 3, 60-90 8
    assert windows.robust_slope(LADDER) == pytest.approx((3 + 10 / 3) / 2)


@pytest.mark.parametrize(
    ("how", "expected"), [("mean", [2.0, 4.0]), ("min", [1.0, 2.0]), ("max", [3.0, 6.0]), ("last", [3.0, 6.0])]
)
def test_resampling_makes_a_regular_grid(how, expected):
    assert windows.resample(LADDER, HOUR, how) == list(zip([0, HOUR], expected, strict=True))


def test_resampling_shows_holes_as_none_and_ends_where_it_is_told():
    points = at_minutes((10, 1), (130, 3))
    assert windows.resample(points, HOUR) == [(0, 1.0), (HOUR, None), (2 * HOUR, 3.0)]
    assert windows.resample(points, HOUR, since=-HOUR, until=HOUR) == [(-HOUR, None), (0, 1.0)]
    assert windows.resample([], HOUR, since=0, until=HOUR) == [(0, None)]
    assert windows.resample([], HOUR) == []


@pytest.mark.parametrize(("period", "how"), [(0, "mean"), (-5, "mean"), (1, "mean"), (HOUR, "median")])
def test_resampling_refuses_what_is_no_grid(period, how):
    with pytest.raises(BadRequest):
        windows.resample(LADDER, period, how)


def test_gaps_are_silences_longer_than_asked_with_the_edges_when_said():
    points = at_minutes((0, 1), (10, 1), (40, 1))
    assert windows.gaps(points, 29 * MINUTE) == [(10 * MINUTE, 40 * MINUTE)]
    assert windows.gaps(points, 30 * MINUTE) == []
    assert windows.gaps(points, 29 * MINUTE, -HOUR, 2 * HOUR) == [
        (-HOUR, 0),
        (10 * MINUTE, 40 * MINUTE),
        (40 * MINUTE, 2 * HOUR),
    ]
    assert windows.gaps([], MINUTE) == []


def test_flat_is_the_longest_run_up_to_the_last_point():
    points = at_minutes((0, 1), (10, 5), (20, 5), (30, 5.1))
    assert windows.flat(points) == (0, 1)
    assert windows.flat(points, 0.2) == (20 * MINUTE, 3)
    assert windows.flat(points[:3]) == (10 * MINUTE, 2)
    assert windows.flat([]) == (0, 0)


def test_counts_slide_with_the_points():
    points = at_minutes((0, 1), (10, 1), (20, 1), (60, 1))
    assert [n for _, n in windows.counts(points, 20 * MINUTE)] == [1, 2, 2, 1]  # the far edge is outside
    assert [n for _, n in windows.counts(points, 20 * MINUTE + 1)] == [1, 2, 3, 1]


def test_numbers_drops_what_is_no_number_and_sorts():
    said = [
        (3, 1.0),
        (1, "2"),
        (2, True),
        (4, float("nan")),
        (5, float("inf")),
        (6, 10**400),
        (0, 7),
        (3, 2.0),
        (8, None),
    ]
    assert windows.numbers(said) == [(0, 7.0), (3, 2.0)]


def test_a_window_holds_a_span_and_no_more_than_so_many():
    window = windows.Window(HOUR, most=3)
    for minute in (0, 10, 20, 30):
        assert window.add(minute * MINUTE, minute)
    assert window.points == at_minutes((10, 10), (20, 20), (30, 30))
    assert window.covered == 20 * MINUTE
    window.add(80 * MINUTE, 1.0)  # exactly an hour after 20, which falls out
    assert window.points == at_minutes((30, 30), (80, 1))


def test_a_window_takes_no_older_reading_and_replaces_the_same_instant():
    window = windows.Window(HOUR, points=[(100, 1.0)])
    assert not window.add(99, 5.0)
    assert window.add(100, 2.0)
    assert window.points == [(100, 2.0)]
    assert len(window) == 1


def test_a_window_survives_json_exactly():
    window = windows.Window(HOUR, 10, [(1, 0.1), (2, 1e300)])
    again = windows.Window.from_json(json.loads(json.dumps(window.to_json())))
    assert (again.span, again.most, again.points) == (window.span, window.most, window.points)


@pytest.mark.parametrize(
    "document", [None, {}, [], {"span": 1, "most": 1, "points": [[1]]}, {"span": 0, "most": 1, "points": []}]
)
def test_a_window_refuses_other_json(document):
    with pytest.raises(BadRequest):
        windows.Window.from_json(document)


def test_an_average_forgets_what_is_older_than_its_span():
    average = windows.Average(HOUR)
    for minute in range(121):
        average.add(minute * MINUTE, 10.0 if minute < 60 else 20.0)
    assert average.mean == pytest.approx(20.0, abs=0.2)
    assert average.covered == pytest.approx(HOUR, rel=0.04)


def test_an_average_does_not_take_a_silence_for_measurement():
    average = windows.Average(HOUR, at_minutes((0, 5)))
    assert average.mean is None
    average.add(50 * MINUTE, 7.0)
    assert average.mean == 5.0
    assert average.covered == HOUR // 4
    assert not average.add(49 * MINUTE, 100.0)
    assert average.mean == 5.0


CALM = settings(deadline=None, max_examples=60)  # a busy machine is no fault
VALUES = st.floats(-1e6, 1e6)
STEPS = st.lists(st.tuples(st.integers(1, 90 * MINUTE), VALUES), min_size=1, max_size=60)


def walk(steps):
    points, at = [], 0
    for step, value in steps:
        at += step
        points.append((at, value))
    return points


@CALM
@given(STEPS)
def test_the_mean_is_what_a_sum_over_steps_says_and_lies_between_the_extremes(steps):
    points = walk(steps)
    mean = windows.mean(points)
    if len(points) > 1:
        area = math.fsum(v * (later[0] - at) for (at, v), later in pairwise(points))
        assert mean == pytest.approx(area / (points[-1][0] - points[0][0]), rel=1e-9, abs=1e-6)
    assert windows.minimum(points) - 1e-6 <= mean <= windows.maximum(points) + 1e-6


@CALM
@given(STEPS, st.floats(-50, 50), st.floats(-50, 50))
def test_every_slope_of_a_straight_line_is_its_own(steps, level, per_hour):
    points = [(at, level + per_hour * at / HOUR) for at, _ in walk(steps)]
    if len(points) > 1 and points[-1][0] - points[0][0] > MINUTE:
        assert windows.slope(points) == pytest.approx(per_hour, abs=1e-6)
        assert windows.robust_slope(points) == pytest.approx(per_hour, abs=1e-3)


@CALM
@given(STEPS, st.integers(1, 3 * HOUR))
def test_counts_agree_with_counting(steps, span):
    points = walk(steps)
    assert windows.counts(points, span) == [
        (at, sum(1 for other, _ in points if at - span < other <= at)) for at, _ in points
    ]


@CALM
@given(STEPS, st.integers(MINUTE, 5 * HOUR))
def test_a_window_is_the_points_of_its_span(steps, span):
    points = walk(steps)
    window = windows.Window(span, 1_000, points)
    assert window.points == [p for p in points if p[0] > points[-1][0] - span]


@CALM
@given(st.lists(st.tuples(st.integers(1, HOUR), st.integers(0, 6)), min_size=1, max_size=80), st.integers(0, 4))
def test_a_run_is_what_flat_says_at_every_reading(steps, tolerance):
    points = walk(steps)
    run = windows.Run(tolerance)
    for i, (at, value) in enumerate(points):
        assert run.add(at, value)
        assert (at - run.begin, run.count) == windows.flat(points[: i + 1], tolerance)
    assert not run.add(points[-1][0], 99)


@CALM
@given(st.lists(st.tuples(st.integers(1, 5 * MINUTE), VALUES), min_size=2, max_size=60))
def test_an_average_within_its_span_is_the_mean(steps):
    points = walk(steps)
    average = windows.Average(6 * HOUR, points)  # nothing is held longer than it may be, nothing falls out
    assert average.mean == pytest.approx(windows.mean(points), rel=1e-6, abs=1e-6)
    assert average.covered == points[-1][0] - points[0][0]


@CALM
@given(STEPS, st.sampled_from([MINUTE * 7, HOUR, 3 * HOUR]))
def test_resampling_loses_no_reading(steps, period):
    points = walk(steps)
    grid = windows.resample(points, period, "max")
    assert max(v for _, v in grid if v is not None) == windows.maximum(points)
    assert [at for at, _ in grid] == list(range(grid[0][0], grid[-1][0] + 1, period))
    assert grid[-1][1] is not None


def test_every_name_of_windows_is_there_and_documented():
    for name in windows.__all__:
        assert hasattr(windows, name)
        if callable(getattr(windows, name)) and name not in {"Pair", "Gap", "How"}:
            assert getattr(windows, name).__doc__
