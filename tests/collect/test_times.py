"""When a reading was taken, and what no city believes."""

import contextlib
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa import clock
from hansa.collect.times import micros, stamp, text
from hansa.errors import BadRequest
from hansa.limits import DEFAULT, Limits

NOW = clock.parse("2026-11-22T18:00:05Z")
VIENNA = ZoneInfo("Europe/Vienna")


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("2026-11-22T18:00:00Z", "2026-11-22T18:00:00Z"),
        ("2026-11-22T19:00:00+01:00", "2026-11-22T18:00:00Z"),
        ("2026-11-22T18:00:00.250000Z", "2026-11-22T18:00:00.25Z"),
        ("2026-11-22T18:00Z", "2026-11-22T18:00:00Z"),
        ("2026-11-22 18:00:00Z", "2026-11-22T18:00:00Z"),
        ("2026-11-22t18:00:00z", "2026-11-22T18:00:00Z"),
        (" 2026-11-22T18:00:00Z ", "2026-11-22T18:00:00Z"),
        (1795370400, "2026-11-22T18:00:00Z"),
        (1795370400.5, "2026-11-22T18:00:00.5Z"),
        (1795370400000, "2026-11-22T18:00:00Z"),
        (1795370400000000, "2026-11-22T18:00:00Z"),
        ("1795370400", "2026-11-22T18:00:00Z"),
        (None, "2026-11-22T18:00:05Z"),
    ],
)
def test_every_usual_form_of_a_time_is_understood(raw, canonical):
    assert stamp(raw, NOW) == canonical


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("2026-11-22T18:05:06Z", "301 s|5 minutes ahead of the city's clock"),
        ("2030-01-01T00:00:00Z", "3 years ahead"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z is 57 years ago"),
        (0, "57 years ago"),
        (12.5, "57 years ago"),
        ("2026-11-22T18:00:00", "says no time zone"),
        ("2026-13-22T18:00:00Z", "not a date-time"),
        ("2026-02-30T18:00:00Z", "not a date-time"),
        ("2026-W47-7T18:00:00Z", "not a date-time"),
        ("yesterday", "not a date-time"),
        ("", "not a date-time"),
        ("9" * 400, "not a date-time"),
        (-1, "is no time"),
        (1e300, "is no time"),
        (float("nan"), "is no time"),
        (10**400, "is no time"),
        (True, "neither text nor a number"),
        ([], "neither text nor a number"),
    ],
)
def test_what_is_no_time_or_not_believable_is_refused(raw, message):
    with pytest.raises(BadRequest, match=message) as refused:
        stamp(raw, NOW)
    assert refused.value.mend


def test_the_city_believes_by_its_own_clock_up_to_its_limits():
    assert stamp("2026-11-22T18:05:05Z", NOW) == "2026-11-22T18:05:05Z"
    old = clock.parse("2015-01-01T00:00:00Z")
    assert stamp("2015-01-01T00:04:00Z", old) == "2015-01-01T00:04:00Z"
    assert stamp("1990-01-01T00:00:00Z", NOW, None, Limits(past_s=1e10)) == "1990-01-01T00:00:00Z"


def test_a_local_time_is_understood_where_the_profile_names_the_zone():
    assert stamp("2026-11-22T19:00:00", NOW, VIENNA) == "2026-11-22T18:00:00Z"
    assert stamp("2026-07-01 12:00", NOW, VIENNA) == "2026-07-01T10:00:00Z"
    assert stamp("2026-11-22T18:00:00Z", NOW, VIENNA) == "2026-11-22T18:00:00Z"
    assert stamp("2026-11-22T20:00:00+02:00", NOW, VIENNA) == "2026-11-22T18:00:00Z"


def test_the_hour_that_autumn_repeats_is_the_one_that_has_been():
    first, second = (clock.parse(f"2026-10-25T0{hour}:31:00Z") for hour in (0, 1))
    assert stamp("2026-10-25T02:30", first, VIENNA) == "2026-10-25T00:30:00Z"
    assert stamp("2026-10-25T02:30", second, VIENNA) == "2026-10-25T01:30:00Z"


def test_in_a_table_the_hour_that_autumn_repeats_follows_the_row_before():
    said = ["01:00", "02:00", "02:30", "02:00", "02:30", "03:00"]
    at, found = None, []
    for one in said:
        at = micros(f"2026-10-25T{one}", NOW, VIENNA, DEFAULT, at)
        found.append(text(at)[11:16])
    assert found == ["23:00", "00:00", "00:30", "01:00", "01:30", "02:00"]


def test_a_local_time_that_spring_leaves_out_is_refused():
    with pytest.raises(BadRequest, match="did not exist in Europe/Vienna: clocks went forward"):
        stamp("2026-03-29T02:30", NOW, VIENNA)


@given(
    st.datetimes(datetime(2017, 1, 1), datetime(2026, 11, 1)),  # noqa: DTZ001
    st.sampled_from(
        ["Europe/Vienna", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu"]
    ),
)
def test_a_local_time_is_what_the_zone_says(when, name):
    zone = ZoneInfo(name)
    try:
        found = clock.moment(micros(when.isoformat(), NOW, zone, DEFAULT))
    except BadRequest:  # it did not exist: there and back is another time
        assert when.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) != when
    else:
        assert found.astimezone(zone).replace(tzinfo=None) == when


@given(st.datetimes(datetime(2017, 1, 1), datetime(2026, 11, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_time_keeps_its_instant_to_the_microsecond(when):
    assert clock.parse(stamp(when.isoformat(), NOW)) == clock.micros(when)
    assert stamp(clock.micros(when), NOW) == clock.text(clock.micros(when))


@given(st.text(max_size=30) | st.text("0123456789-:TZ+. ", max_size=30) | st.floats() | st.integers(), st.booleans())
def test_no_time_raises_anything_but_a_bad_request(raw, local):
    with contextlib.suppress(BadRequest):
        canonical = stamp(raw, NOW, VIENNA if local else None, Limits(past_s=1e12))
        assert clock.text(clock.parse(canonical)) == canonical
