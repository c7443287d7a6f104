"""What is out of order, in plain numbers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.apps.watch.science import (
    ABOVE,
    BELOW,
    STRANGE,
    Crossing,
    crossing,
    energy,
    further,
    implausible,
    lasted,
    level,
)


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (3.0, None, 3.0, None),  # what equals the limit is good
        (3.1, None, 3.0, Crossing(ABOVE, 3.0)),
        (1.0, 1.0, 3.0, None),
        (0.9, 1.0, 3.0, Crossing(BELOW, 1.0)),
        (2.0, 1.0, 3.0, None),
        (-1e9, None, 3.0, None),
        (5.0, None, None, None),
    ],
)
def test_a_limit_is_the_last_good_value(value, low, high, expected):
    assert crossing(value, low, high) == expected


@pytest.mark.parametrize(
    ("values", "sides"),
    [
        ([2.9, 3.1, 2.9, 2.81, 2.8, 3.0], [None, ABOVE, ABOVE, ABOVE, None, None]),
        ([1.1, 0.9, 1.1, 1.19, 1.25, 1.0], [None, BELOW, BELOW, BELOW, None, None]),
        ([3.1, 0.9, 1.1, 3.1], [ABOVE, BELOW, BELOW, ABOVE]),  # from one side straight to the other
        ([3.1, 2.0, 3.05], [ABOVE, None, ABOVE]),
    ],
)
def test_hysteresis_holds_a_side_until_the_value_is_well_back(values, sides):
    was, seen = None, []
    for value in values:
        found = crossing(value, 1.0, 3.0, 0.2, was)
        was = None if found is None else found.side
        seen.append(was)
    assert seen == sides


@settings(deadline=None)
@given(st.lists(st.floats(-10, 10)), st.floats(0, 5))
def test_hysteresis_never_raises_by_itself_and_never_clears_beyond_the_limit(values, hysteresis):
    was = None
    for value in values:
        found = crossing(value, -1.0, 1.0, hysteresis, was)
        if was is None:
            assert (found is not None) == (value > 1.0 or value < -1.0)
        if found is None:
            assert -1.0 <= value <= 1.0
        was = None if found is None else found.side


@pytest.mark.parametrize(
    ("value", "number", "expected"),
    [
        (20, 20.0, None),
        (-51, -51.0, Crossing(BELOW, -50.0)),
        (990, 990.0, Crossing(ABOVE, 60.0)),
        ("NaN", None, Crossing(STRANGE, None)),
        (True, None, Crossing(STRANGE, None)),
        (None, None, None),
    ],
)
def test_implausible_is_outside_the_range_or_no_number(value, number, expected):
    assert implausible(value, number, -50.0, 60.0) == expected


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ((3.2, 3.1, ABOVE, 3.0, 0.2), False),
        ((3.4, 3.1, ABOVE, 3.0, 0.2), True),
        ((3.3, 3.1, ABOVE, 3.0, 0.0), False),  # a tenth of the limit is 0.3
        ((3.5, 3.1, ABOVE, 3.0, 0.0), True),
        ((2.0, 3.1, ABOVE, 3.0, 0.0), False),
        ((-5.0, -3.0, BELOW, 0.0, 0.0), True),
        ((-3.1, -3.0, BELOW, 0.0, 0.0), False),
        ((-2.0, -3.0, BELOW, 0.0, 0.0), False),
    ],
)
def test_a_new_extreme_is_worth_saying_only_when_it_is_a_step_further(case, expected):
    assert further(*case) is expected


def test_what_has_lasted_exactly_as_long_as_needed_has_lasted():
    assert lasted(10, 20, 10)
    assert not lasted(10, 19, 10)


def test_levels_average_as_energies():
    # 60 dB and 70 dB: 10 log10((1e6 + 1e7) / 2) = 67.4 dB, not 65
    assert level((energy(60.0) + energy(70.0)) / 2) == pytest.approx(67.404, abs=0.001)
    assert level(energy(1e300)) == pytest.approx(2_000.0)
    assert level(0.0) == -3_000.0
