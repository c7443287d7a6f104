"""Profiles: what they take, and that a wrong one says what is wrong and where."""

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.collect import Channel, Profile
from hansa.errors import BadRequest

WHOLE = {
    "name": "orchard-station",
    "type": "WeatherObserved",
    "interval_s": 600,
    "time": "ts",
    "zone": "Europe/Vienna",
    "position": ["gps.lat", "gps.lon"],
    "others": "take",
    "missing": ["NA", -9999],
    "decimal": ",",
    "channels": {
        "t": {"name": "temperature", "unit": "CEL", "from_unit": "FAH", "low": -60, "high": 60},
        "open": {"name": "doorOpen", "says": "boolean"},
    },
}


def test_a_profile_read_and_written_is_the_same():
    assert Profile.from_json(WHOLE).to_json() == WHOLE
    assert Profile.from_json(Profile.from_json(WHOLE).to_json()) == Profile.from_json(WHOLE)


def test_a_channel_may_be_just_a_name():
    profile = Profile.from_json({"name": "p", "type": "Device", "channels": {"b": "batteryLevel"}})
    assert profile.channels["b"] == Channel("batteryLevel")
    assert profile.to_json()["channels"] == {"b": {"name": "batteryLevel"}}


@pytest.mark.parametrize(
    ("change", "where", "message"),
    [
        ({"type": None}, "type", "cannot be nothing"),
        ({"type": "no type"}, "type", "is no entity type"),
        ({"name": "a/b"}, "name", "no profile name"),
        ({"colour": 1}, "colour", "not a member"),
        ({"interval_s": 0}, "interval_s", "more than 0"),
        ({"zone": "Mars/Olympus"}, "zone", "no time zone"),
        ({"zone": "../etc/passwd"}, "zone", "no time zone"),
        ({"zone": "Europe"}, "zone", "no time zone"),
        ({"others": "eat"}, "others", "not one of"),
        ({"decimal": ";"}, "decimal", "neither"),
        ({"position": ["lat"]}, "position", "not two keys"),
        ({"missing": [None]}, "missing", "not a list such as"),
        ({"channels": {}, "others": "ignore"}, "channels", "nothing would be taken"),
        ({"channels": {"t": 3}}, "channels.t", "not an object but a number"),
        ({"channels": {"t": {}}}, "channels.t", "needs the name"),
        ({"channels": {"t": {"name": "id"}}}, "channels.t.name", "member of the entity"),
        ({"channels": {"t": {"name": "location"}}}, "channels.t.name", "member of the entity"),
        ({"channels": {"t": {"name": "air temperature"}}}, "channels.t.name", "no attribute name"),
        ({"channels": {"t": {"name": "t", "unit": "Cel"}}}, "channels.t.unit", "not a unit code"),
        ({"channels": {"t": {"name": "t", "from_unit": "CEL"}}}, "channels.t.unit", "convert to what"),
        ({"channels": {"t": {"name": "t", "unit": "CEL", "from_unit": "MTS"}}}, "channels.t.from_unit", "of speed"),
        ({"channels": {"t": {"name": "t", "low": 5, "high": 1}}}, "channels.t.low", "nothing would be plausible"),
        ({"channels": {"t": {"name": "t", "low": "cold"}}}, "channels.t.low", "cannot be text"),
        ({"channels": {"t": {"name": "t", "low": True}}}, "channels.t.low", "cannot be true or false"),
        ({"channels": {"t": {"name": "t", "says": "colour"}}}, "channels.t.says", "not one of"),
        ({"channels": {"t": {"name": "t", "says": "text", "unit": "CEL"}}}, "channels.t.says", "only numbers"),
    ],
)
def test_a_wrong_profile_says_what_is_wrong_and_where(change, where, message):
    with pytest.raises(BadRequest, match=message) as refused:
        Profile.from_json({**WHOLE, **change})
    assert refused.value.where == where


def test_a_profile_without_a_name_is_refused():
    with pytest.raises(BadRequest, match="needs 'name'"):
        Profile.from_json({"type": "Device", "channels": {"t": "t"}})


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*WHOLE, "x"]), inner),
        max_leaves=20,
    )
)
def test_no_document_makes_a_profile_raise_anything_else(body):
    with contextlib.suppress(BadRequest):
        assert Profile.from_json(body).name


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (61, "temperature 61 CEL is not plausible: -60 to 60 is"),
        (-60.001, "not plausible"),
        (math.nan, "no finite number"),
        (math.inf, "no finite number"),
        (10**300, "not plausible"),
        (10**400, "not plausible|no finite number"),
        ("3.1", "text, not a number"),
        (True, "true or false, not a number"),
        ([1], "an array, not a number"),
        ({}, "an object, not a number"),
        (None, "nothing, not a number"),
    ],
)
def test_what_is_no_plausible_number_is_refused(raw, message):
    with pytest.raises(BadRequest, match=message):
        Channel("temperature", unit="CEL", low=-60, high=60).take(raw)


def test_the_range_is_checked_after_the_conversion_and_the_refusal_says_both_values():
    channel = Channel("windSpeed", unit="MTS", from_unit="KMH", low=0, high=90)
    assert channel.take(324) == 90.0
    with pytest.raises(BadRequest, match=r"windSpeed 90\.27.* MTS \(said as 325\) is not plausible"):
        channel.take(325)


def test_infinities_are_refused_also_without_a_range():
    with pytest.raises(BadRequest, match="no finite number"):
        Channel("x").take(-math.inf)
    with pytest.raises(BadRequest, match="no finite number"):
        Channel("x", unit="MMT", from_unit="KMT").take(1.7e308)


def test_an_integer_beyond_64_bits_becomes_a_double():
    assert Channel("count").take(2**63 - 1) == 2**63 - 1
    assert type(Channel("count").take(2**63)) is float


def test_text_is_text_but_without_nul():
    assert Channel("note", says="text").take("Grüß Gott") == "Grüß Gott"
    with pytest.raises(BadRequest, match="NUL"):
        Channel("note").take("a\x00b")
