"""Plots as SVG: axes of round numbers, bars from zero, gaps that are seen, figures that people read."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.centres import plots, scales
from hansa.centres.catalogue import catalogue

EN, FR = catalogue("en"), catalogue("fr")
REAL = st.floats(allow_nan=False, allow_infinity=False, width=32)


def told(plot, rows, *, x="time", bin_=None, series=(), columns=None):
    """What the app answers, as far as a drawing needs it."""
    by = {"name": "id", "at": 1} if series else None
    axes = {"x": {"name": "x", "type": x, "at": 0, "bin": bin_}, "y": {"name": "y", "unit": "", "agg": "mean",
            "at": 2 if series else 1}, "by": by, "lat": None}  # fmt: skip
    names = columns or ["x", *(["id"] if series else []), "y"]
    return {"plot": plot, "axes": axes, "rows": rows, "series": list(series), "columns": [{"name": it} for it in names]}


@settings(max_examples=50)
@given(REAL, REAL)
def test_an_axis_holds_what_is_plotted_in_round_steps(one, other):
    low, high = sorted((float(one), float(other)))
    ticks = scales.nice(low, high)
    slack = max(abs(low), abs(high)) * 1e-6 + 1e-12
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack
    assert 2 <= len(ticks) <= 12
    assert ticks == sorted(ticks)


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T08:00:00Z", ["2026-01-01", "03:00", "06:00"]),
        ("2026-01-01T00:00:00Z", "2026-01-25T00:00:00Z", ["2026-01-01", "2026-01-08", "2026-01-15", "2026-01-22"]),
        ("2026-01-01T00:00:00Z", "2026-12-01T00:00:00Z", ["2026-01", "2026-04", "2026-07", "2026-10"]),
        ("2001-01-01T00:00:00Z", "2026-01-01T00:00:00Z", ["2010", "2020"]),
    ],
)
def test_instants_on_an_axis_are_those_that_people_know(low, high, labels):
    assert [one.text for one in scales.times(scales.seconds(low), scales.seconds(high))] == labels


def test_figures_have_four_digits_that_mean_something():
    assert [scales.figure(one, EN) for one in (0, 3.14159, 1234.5, 0.000123456, -2.5, 7, None, "a", 1e20)] == [
        "0", "3.142", "1,234", "0.0001235", "−2.5", "7", "–", "a", "1e+20",
    ]  # fmt: skip
    assert scales.figure(2.5, FR) == "2,5"


def test_a_line_is_broken_where_something_is_missing_and_dashed_over_it():
    days = [1, 2, 3, 6, 7]
    rows = [[f"2026-01-0{day}T00:00:00Z", float(day)] for day in days]
    made = plots.plot(told("line", rows, bin_="day"), EN)
    kinds = [one.kind for one in made.paths]
    assert kinds == ["line", "gap"]
    assert made.paths[0].d.count("M") == 2
    whole = plots.plot(told("line", rows[:3], bin_="day"), EN)
    assert [one.kind for one in whole.paths] == ["line"]


def test_bars_stand_on_zero_also_below_it():
    made = plots.plot(told("bar", [[0, -2.0], [1, 4.0]], x="number", bin_=1), EN)
    below, above = made.bars
    assert made.zero is not None
    assert below.y == pytest.approx(made.zero)
    assert above.y + above.height == pytest.approx(made.zero)
    assert all(one.height > 0 for one in made.bars)


def test_names_stand_beside_lying_bars_and_long_ones_are_cut():
    rows = [["a" * 60, 3.0], ["<b>", 1.0]]
    made = plots.plot(told("bar", rows, x="text"), EN)
    assert made.lying
    assert [one.text for one in made.left] == ["a" * 21 + "…", "<b>"]
    assert made.bars[0].width > made.bars[1].width


def test_colours_stand_for_series():
    rows = [[f"2026-01-0{day}T00:00:00Z", name, day] for day in (1, 2, 3) for name in ("a", "b")]
    made = plots.plot(told("line", rows, bin_="day", series=("a", "b")), EN)
    assert made.legend == [(0, "a"), (1, "b")]
    assert {one.colour for one in made.paths} == {0, 1}


def test_places_are_in_classes_by_value():
    rows = [[17.0 + n / 10, 48.0, float(n), f"s{n}"] for n in range(10)]
    said = told("map", rows, x="number", columns=["lon", "lat", "y", "id"])
    said["axes"]["y"]["at"], said["axes"]["lat"] = 2, {"name": "lat", "at": 1}
    made = plots.plot(said, EN)
    assert len(made.legend) == plots.CLASSES
    assert [one["class"] for one in made.points] == sorted(one["class"] for one in made.points)
    assert made.points[0]["text"] == "s0: 0"
    assert made.domain == (17.0, 17.9, 48.0, 48.0)


def test_nothing_is_drawn_of_nothing():
    for plot in ("line", "bar", "scatter", "hist", "map"):
        made = plots.plot(told(plot, []), EN)
        assert [*made.paths, *made.bars, *made.points] == []
    assert not plots.plot(told("line", [["no time", 1.0]]), EN).paths


@settings(max_examples=50)
@given(
    st.sampled_from(["line", "bar", "scatter", "hist"]),
    st.lists(st.tuples(REAL, st.one_of(REAL, st.none())), max_size=20),
)
def test_whatever_numbers_come_the_drawing_stays_in_its_box(plot, rows):
    made = plots.plot(told(plot, [list(row) for row in rows], x="number"), EN)
    for one in made.bars:
        assert all(math.isfinite(it) for it in (one.x, one.y, one.width, one.height))
        assert one.width >= 0
        assert one.height >= -0.2
    for one in (*made.left, *made.bottom):
        assert -1 <= one.at <= 1_001
