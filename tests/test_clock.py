"""The city's clock: instants in and out, time that only goes forward, a simulated time that can be turned."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa import clock
from hansa.clock import SECOND, Clock
from hansa.errors import BadRequest

NOON = clock.parse("2026-04-11T12:00:00Z")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("2026-11-22T18:00:00Z", "2026-11-22T18:00:00Z"),
        ("2026-11-22T19:00:00+01:00", "2026-11-22T18:00:00Z"),
        ("2026-11-22T19:00:00+0100", "2026-11-22T18:00:00Z"),
        ("2026-11-22T12:30:00-05:30", "2026-11-22T18:00:00Z"),
        ("2026-11-22T18:00Z", "2026-11-22T18:00:00Z"),
        ("2026-11-22T18:00:00.250Z", "2026-11-22T18:00:00.25Z"),
        ("2026-11-22T18:00:00,25Z", "2026-11-22T18:00:00.25Z"),
        ("2026-11-22T18:00:00.123456789Z", "2026-11-22T18:00:00.123456Z"),
        ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
    ],
)
def test_an_instant_is_read_and_written_in_utc(said: str, shown: str) -> None:
    assert clock.text(clock.parse(said)) == shown


@pytest.mark.parametrize(
    "said",
    [
        "", "now", "2026-11-22", "2026-11-22 18:00:00Z", "2026-W47-7T18:00:00Z", "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z", "2026-11-22T25:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T18:60:00Z",
        "2026-11-22T18:00:00+99:00", "2026-11-22T18:00:00Z\n", "2026-11-22T18:00:00Z ", "0000-01-01T00:00:00Z",
        "+2026-11-22T18:00:00Z", "1795370400", "2026-11-22T18:00:00.Z", "x" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_instant_is_refused_and_not_repeated_at_length(said: str) -> None:
    with pytest.raises(BadRequest) as fault:
        clock.parse(said)
    assert "date-time" in fault.value.detail
    assert len(fault.value.detail) < 200


def test_an_instant_without_a_zone_is_refused_unless_the_caller_knows_its_zone() -> None:
    with pytest.raises(BadRequest, match="time zone"):
        clock.parse("2026-11-22T18:00:00")
    assert clock.parse("2026-11-22T18:00:00", zone_needed=False) == clock.parse("2026-11-22T18:00:00Z")


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))  # noqa: DTZ001  # made aware below
def test_text_and_parse_are_each_others_inverse(when: datetime) -> None:
    at = clock.micros(when.replace(tzinfo=UTC))
    assert clock.parse(clock.text(at)) == at
    assert clock.micros(clock.moment(at)) == at
    assert len(clock.text(at)) >= 20, "also the years below 1000 have four digits"


def test_wall_time_is_wall_time_and_cannot_be_set() -> None:
    wall = Clock()
    assert abs(wall.now() - time.time_ns() // 1_000) < 5 * SECOND
    assert not wall.simulated
    with pytest.raises(BadRequest, match="wall time"):
        wall.turn(NOON)
    assert wall.spec()[:2] == (None, 1.0)


def test_a_wall_clock_that_jumps_back_is_held_until_time_has_caught_up(monkeypatch: pytest.MonkeyPatch) -> None:
    at = [1_000 * SECOND]
    monkeypatch.setattr(time, "time_ns", lambda: at[0] * 1_000)
    wall = Clock()
    assert wall.now() == 1_000 * SECOND
    at[0] = 400 * SECOND
    assert wall.now() == 1_000 * SECOND
    at[0] = 1_001 * SECOND
    assert wall.now() == 1_001 * SECOND


def test_a_driven_clock_stands_still_until_it_is_turned_and_never_goes_back() -> None:
    driven = Clock(NOON, rate=0.0)
    assert driven.simulated
    assert driven.now() == driven.now() == NOON
    driven.turn(NOON + 5 * SECOND)
    assert driven.now() == NOON + 5 * SECOND
    driven.turn(NOON)
    assert driven.now() == NOON + 5 * SECOND
    assert driven.spec()[:2] == (NOON + 5 * SECOND, 0.0)


def test_a_simulated_clock_runs_at_its_rate_and_goes_on_from_where_it_was_turned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real_s = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: real_s[0])
    fast = Clock(NOON, rate=60.0)
    real_s[0] += 2.0
    assert fast.now() == NOON + 120 * SECOND
    other, follower = Clock(*fast.spec()), Clock(NOON, rate=0.0)
    follower.follow(fast.spec())
    assert other.now() == follower.now() == fast.now(), "the rules process has the very same clock"
    fast.turn(NOON + 3_600 * SECOND)
    real_s[0] += 1.0
    assert fast.now() == NOON + 3_660 * SECOND
    assert other.now() == NOON + 180 * SECOND


def test_moments_are_aware() -> None:
    assert clock.moment(NOON).utcoffset() == timedelta(0)
