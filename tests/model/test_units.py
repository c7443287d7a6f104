"""Units: codes, conversions there and back, and what does not convert."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.errors import BadRequest
from hansa.model.units import SENML, UNITS, convert, from_senml, symbol, unit

PAIRS = sorted((a, b) for a in UNITS for b in UNITS if UNITS[a].dimension == UNITS[b].dimension)


@pytest.mark.parametrize(
    ("value", "origin", "target", "answer"),
    [
        (32, "FAH", "CEL", 0.0),
        (-40, "FAH", "CEL", -40.0),
        (212, "FAH", "CEL", 100.0),
        (0, "CEL", "KEL", 273.15),
        (21.3, "CEL", "KEL", 294.45),
        (36, "KMH", "MTS", 10.0),
        (1, "KNT", "MTS", 1852 / 3600),
        (1, "HM", "MTS", 0.44704),
        (1013.25, "A97", "ATM", 1.0),
        (1, "A97", "MBR", 1.0),
        (1, "KWH", "3B", 3.6),
        (2.5, "GP", "GQ", 2500.0),
        (1, "M1", "GP", 1000.0),
        (60, "L2", "MQH", 3.6),
        (1, "G51", "MQH", 3.6),
        (0.1, "P72", "P73", 100.0),
        (180, "DD", "C81", math.pi),
        (1, "M72", "2N", 10.0),
        (10, "DBM", "DBW", -20.0),  # the example of RFC 8798
        (1, "FOT", "INH", 12.0),
        (1, "G42", "D10", 0.0001),
        (50, "P1", "C62", 0.5),
        (400, "59", "61", 400_000.0),
        (1, "E64", "AD", 1024.0),
    ],
)
def test_published_conversions_come_out_exactly(value, origin, target, answer):
    assert convert(value, origin, target) == answer


@given(st.sampled_from(PAIRS), st.floats(-1e9, 1e9))
def test_a_value_converted_there_and_back_is_the_same(pair, value):
    origin, target = pair
    back = convert(convert(value, origin, target), target, origin)
    # A shifted scale (°C over K) cannot keep more than the shift's last bit.
    slack = 1e-9 if UNITS[origin].shift != UNITS[target].shift else 1e-300
    assert math.isclose(back, value, rel_tol=1e-12, abs_tol=slack)


def test_units_of_different_things_do_not_convert_and_the_refusal_names_both():
    with pytest.raises(BadRequest, match="CEL is a unit of temperature, MTS of speed") as refused:
        convert(1, "CEL", "MTS")
    assert refused.value.mend == "give the value in a unit of speed"


def test_mass_and_volume_concentrations_do_not_convert():
    with pytest.raises(BadRequest, match="mass concentration"):
        convert(1, "GQ", "61")


@pytest.mark.parametrize("wrong", ["°C", "Cel", "cel"])
def test_an_unknown_code_is_refused_with_the_one_that_was_meant(wrong):
    with pytest.raises(BadRequest, match="not a unit code") as refused:
        unit(wrong)
    assert refused.value.mend is not None
    assert "write CEL" in refused.value.mend


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e308, 10**400])
def test_what_is_not_finite_is_refused(value):
    with pytest.raises(BadRequest, match="beyond what can be said"):
        convert(value, "KMT", "MMT")


def test_pages_have_symbols_and_a_plain_count_has_none():
    assert [symbol(code) for code in ("CEL", "MTS", "GQ", "P1", "KWH", "P72")] == [
        "°C",
        "m/s",
        "µg/m³",
        "%",
        "kWh",
        "µSv/h",
    ]
    assert symbol("C62") == ""
    assert symbol("XYZ") == "XYZ"


def test_each_senml_unit_has_a_code_that_is_known():
    assert set(SENML.values()) <= set(UNITS)
    assert from_senml("%RH") == "P1"
    assert from_senml("%") == "C62"  # RFC 8428: the same as "/", not a percentage
    assert from_senml("ug/m3") == "GQ"


def test_a_senml_unit_that_is_not_registered_is_refused():
    with pytest.raises(BadRequest, match="not a SenML unit"):
        from_senml("furlong")


def test_the_first_unit_of_a_dimension_is_its_base():
    bases = {one.dimension for one in UNITS.values() if one.scale == 1 and one.shift == 0}
    assert bases == {one.dimension for one in UNITS.values()}
