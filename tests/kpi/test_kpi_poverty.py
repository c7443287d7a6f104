"""Poverty of several dimensions: the textbook's matrix, its decompositions, and what cannot be measured."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.errors import BadRequest
from hansa.kpi.poverty import by_group, poverty

# The worked example of Alkire and Foster: income, years of schooling, health, and a service, of four people.
ROWS: list[list[float]] = [[13.1, 14, 4, 1], [15.2, 7, 5, 0], [12.5, 10, 1, 0], [20, 11, 3, 1]]
CUTOFFS: list[float] = [13, 12, 3, 1]
EQUAL: list[float] = [1, 1, 1, 1]
GLOBAL = [1 / 6] * 4 + [1 / 18] * 6  # health, education; living standards


def test_the_textbooks_matrix_gives_its_headcount_intensity_and_adjusted_headcount() -> None:
    found = poverty(ROWS, CUTOFFS, EQUAL, 2)
    assert (found.headcount, found.intensity, found.m0) == (0.5, 0.75, 0.375)
    assert found.deprived == (0.25, 0.5, 0.25, 0.5)
    assert sum(found.parts) == pytest.approx(1)


def test_only_those_deprived_in_everything_are_poor_at_the_highest_k_and_all_deprived_at_the_lowest() -> None:
    assert poverty(ROWS, CUTOFFS, EQUAL, 4).headcount == 0.25
    assert poverty(ROWS, CUTOFFS, EQUAL, 1).headcount == 0.75


def test_the_scale_of_the_weights_does_not_matter() -> None:
    assert poverty(ROWS, CUTOFFS, [0.25] * 4, 0.5) == poverty(ROWS, CUTOFFS, EQUAL, 2)


def test_who_is_deprived_in_exactly_a_third_of_the_global_weights_is_poor() -> None:
    # Six times 1/18 is a third but for rounding: the person must not fall out by it.
    row = [1.0] * 4 + [0.0] * 6
    assert poverty([row], [0.5] * 10, GLOBAL, 1 / 3).headcount == 1
    assert poverty([[1.0] * 5 + [0.0] * 5], [0.5] * 10, GLOBAL, 1 / 3).headcount == 0


def test_a_household_counts_by_its_people() -> None:
    found = poverty(ROWS, CUTOFFS, EQUAL, 2, people=[5, 1, 1, 3])
    assert found.people == 10
    assert found.headcount == pytest.approx(0.2)
    assert found.m0 == pytest.approx(0.15)


def test_where_nobody_is_poor_everything_is_nought() -> None:
    found = poverty([[20, 20, 20, 20]], CUTOFFS, EQUAL, 2)
    assert (found.headcount, found.intensity, found.m0, set(found.parts)) == (0, 0, 0, {0.0})


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 3), min_size=3, max_size=3), st.sampled_from("abc"), st.integers(1, 9)),
        min_size=1,
        max_size=30,
    ),
    st.lists(st.integers(1, 5), min_size=3, max_size=3),
    st.floats(0.1, 1),
)
def test_the_whole_is_the_groups_by_their_people_and_the_dimensions_by_their_weights(
    said: list[tuple[list[int], str, int]], weights: list[int], part: float
) -> None:
    rows, groups, people = [one[0] for one in said], [one[1] for one in said], [one[2] for one in said]
    k = part * sum(weights)
    whole = poverty(rows, [2, 2, 2], weights, k, people=people)
    parts = by_group(rows, groups, [2, 2, 2], weights, k, people=people)
    assert sum(one.m0 * one.people for one in parts.values()) / whole.people == pytest.approx(whole.m0)
    assert whole.m0 == pytest.approx(whole.headcount * whole.intensity)
    assert sum(w * h for w, h in zip(weights, whole.deprived, strict=True)) / sum(weights) == pytest.approx(whole.m0)
    assert 0 <= whole.m0 <= whole.headcount <= 1


@pytest.mark.parametrize(
    ("rows", "cutoffs", "weights", "k", "people"),
    [
        ([], CUTOFFS, EQUAL, 2, None),
        ([[1, 2]], CUTOFFS, EQUAL, 2, None),
        ([[1, 2, 3, float("nan")]], CUTOFFS, EQUAL, 2, None),
        (ROWS, CUTOFFS, EQUAL, 0, None),
        (ROWS, CUTOFFS, EQUAL, 5, None),
        (ROWS, CUTOFFS, EQUAL, float("nan"), None),
        (ROWS, CUTOFFS, [1, 1, 1, 0], 2, None),
        (ROWS, CUTOFFS, [1, 1, 1], 2, None),
        (ROWS, CUTOFFS, EQUAL, 2, [1, 1, 1]),
        (ROWS, CUTOFFS, EQUAL, 2, [1, 1, 1, 0]),
        (ROWS, [13, 12, 3, float("inf")], EQUAL, 2, None),
    ],
)
def test_what_cannot_be_measured_is_refused(
    rows: list[list[float]], cutoffs: list[float], weights: list[float], k: float, people: list[float] | None
) -> None:
    with pytest.raises(BadRequest):
        poverty(rows, cutoffs, weights, k, people=people)


def test_groups_that_do_not_fit_the_rows_are_refused() -> None:
    with pytest.raises(BadRequest):
        by_group(ROWS, ["north", "south"], CUTOFFS, EQUAL, 2)
