"""Units of indicators: what fits, what converts, and what is refused with its reason."""

from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.errors import BadRequest
from hansa.kpi import units
from hansa.kpi.units import converted, of_code, unit


@pytest.mark.parametrize(
    ("text", "scale", "of"),
    [
        ("%", Fraction(1, 100), {}),
        ("% of GDP", Fraction(1, 100), {}),
        ("km2", Fraction(10**6), {"metre": 2}),
        ("km^2", Fraction(10**6), {"metre": 2}),
        ("µg/m³", Fraction(1, 10**9), {"kilogram": 1, "metre": -3}),
        ("km / 100 000 person", Fraction(1, 100), {"metre": 1, "person": -1}),
        ("km / 100000 inhabitants", Fraction(1, 100), {"metre": 1, "person": -1}),
        ("number / 100 000 inhabitants", Fraction(1, 100_000), {"number": 1, "person": -1}),
        ("l / day / capita", Fraction(1, 86_400_000), {"metre": 3, "second": -1, "person": -1}),
        ("t CO2e", Fraction(1000), {"kilogram CO2e": 1}),
        ("MW", Fraction(10**6), {"joule": 1, "second": -1}),
        ("yes/no", Fraction(1), {}),
        ("index 0-1", Fraction(1), {}),
        ("water_meter", Fraction(1), {"water_meter": 1}),
        ("live births", Fraction(1), {"live_birth": 1}),
    ],
)
def test_a_unit_is_a_product_of_bases_with_a_scale(text, scale, of):
    found = unit(text)
    assert (found.scale, dict(found.of)) == (scale, of)


@pytest.mark.parametrize("text", ["", "km /", "km / / m", "0 person", "kmh2!", "KM", "%%§", "x" * 200, "9" * 80, "/"])
def test_what_is_no_unit_is_refused(text):
    with pytest.raises(BadRequest):
        unit(text)


def test_a_slip_names_what_is_near():
    with pytest.raises(BadRequest) as said:
        unit("kWH")
    assert "kWh" in str(said.value.mend)


@pytest.mark.parametrize(
    ("value", "come", "asked", "answer"),
    [
        (1.5, "km2", "ha", 150.0),
        (1, "GJ", "kWh", 277.77777777777777),
        (3, "MWh / year", "kWh / year", 3000.0),
        (1, "KMT", "m", 1000.0),  # UN/CEFACT, as entities bear it
        (20, "mg/m3", "ug/m3", 20_000.0),
        (0.5, "ppm", "%", 0.00005),
        (12, "bed / 1000 person", "bed / 100 000 person", 1200.0),
        (5, "number / 1000 person", "bed / 100 000 person", 500.0),  # `number` is a number of whatever is counted
    ],
)
def test_what_measures_the_same_converts(value, come, asked, answer):
    assert converted(value, come, asked) == pytest.approx(answer, rel=1e-12)


@pytest.mark.parametrize(
    ("come", "asked"),
    [
        ("person", "household"),
        ("t", "tCO2e"),
        ("kWh", "kW"),
        ("bed", "meter"),
        ("EUR", "USD"),
        ("%", "km"),
        ("CEL", "m"),
    ],
)
def test_what_measures_something_else_does_not(come, asked):
    with pytest.raises(BadRequest):
        converted(1, come, asked)


@pytest.mark.parametrize(("come", "asked"), [("ppm", "ug/m3"), ("ug/m3", "ppm"), ("ppb", "ug/m3"), ("ppb", "mg/m3")])
def test_a_share_of_air_is_never_taken_for_a_mass_in_it(come, asked):
    with pytest.raises(BadRequest, match=r"molar mass.*temperature"):
        converted(40, come, asked)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e308])
def test_a_value_that_is_not_finite_does_not_convert(value):
    with pytest.raises(BadRequest):
        converted(value, "km2", "m2")


def test_a_year_of_365_or_366_days_is_a_year_and_one_of_360_is_not():
    year = unit("year")
    days = {many: units.Unit(unit("day").scale * many, unit("day").of) for many in (360, 365, 366)}
    assert days[365].fits(year)
    assert days[366].fits(year)
    assert not days[360].fits(year)


def test_a_code_of_a_unit_that_no_indicator_is_made_of_is_refused():
    assert of_code("MTQ").of == (("metre", 3),)
    with pytest.raises(BadRequest):
        of_code("FAH")


WORDS = st.sampled_from(["%", "km", "m2", "person", "household", "bed", "kWh", "year", "100 000", "1", "l", "ug", "MW"])


@settings(max_examples=50)
@given(st.lists(WORDS, min_size=1, max_size=4), st.lists(WORDS, max_size=3))
def test_a_unit_divided_by_itself_is_nothing_and_fits_itself(up, down):
    whole = unit(" ".join(up) + "".join(f" / {one}" for one in down))
    assert whole.fits(whole)
    assert whole / whole == units.ONE
    assert whole * units.ONE == whole


@settings(max_examples=50)
@given(st.text(max_size=140))
def test_any_text_is_a_unit_or_refused(text):
    with suppress(BadRequest):
        assert unit(text).scale > 0
