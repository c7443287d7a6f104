"""How often one may come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.errors import BadRequest
from hansa.limits import Limits
from hansa.trust.rates import Bucket, Identities, Visitors, forwarded, networks, within

SMALL = Limits(addresses=3, connect_rate=1.0, address_rate=10.0, stranger_rate=1.0, sign_ins=6.0, identity_rate=5.0)


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    one = Bucket(2.0, 3.0, 0.0)
    assert [one.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert one.wait_s(0.0) == 1
    assert not one.take(0.4)
    assert one.take(0.5)
    assert not one.take(0.5)
    assert [one.take(100.0) for _ in range(4)] == [True, True, True, False]


def test_a_bucket_that_is_never_filled_says_to_come_in_an_hour() -> None:
    one = Bucket(0.0, 1.0, 0.0)
    assert one.take(0.0)
    assert not one.take(1e9)
    assert one.wait_s(1e9) == 3_600


@given(st.lists(st.floats(0, 3), max_size=200), st.floats(0.1, 50), st.floats(1, 20))
def test_no_more_is_taken_than_burst_and_rate_allow(steps: list[float], rate: float, burst: float) -> None:
    one, now, taken = Bucket(rate, burst, 0.0), 0.0, 0
    for step in steps:
        now += step
        taken += one.take(now)
    assert taken <= burst + rate * now + 1e-6


def test_time_that_runs_backwards_fills_no_bucket() -> None:
    one = Bucket(1.0, 1.0, 10.0)
    assert one.take(10.0)
    assert not one.take(5.0)


def test_one_network_of_ipv6_is_one_visitor_and_so_is_an_address_in_either_form() -> None:
    all_of = Visitors(SMALL)
    assert all_of.of("2001:db8::1", 0.0) is all_of.of("2001:db8::ffff:1", 0.0)
    assert all_of.of("2001:db8::1", 0.0) is not all_of.of("2001:db8:0:1::1", 0.0)
    assert all_of.of("::ffff:10.0.0.1", 0.0) is all_of.of("10.0.0.1", 0.0)
    assert all_of.of("10.0.0.2", 0.0) is not all_of.of("10.0.0.1", 0.0)


def test_who_is_unlimited_has_no_buckets() -> None:
    all_of = Visitors(SMALL, ["127.0.0.1", "::1", "10.0.0.0/8"])
    for free in ("127.0.0.1", "::1", "10.9.9.9", "::ffff:10.1.1.1"):
        assert all_of.of(free, 0.0) is None
    for other in ("127.0.0.2", "::2", "11.0.0.1", "unix", "10.0.0.1.evil"):
        assert all_of.of(other, 0.0) is not None


def test_only_so_many_are_remembered_and_those_who_are_here_are_not_forgotten() -> None:
    all_of = Visitors(SMALL)
    here = all_of.known("a", 0.0)
    here.open = 1
    for n in range(1_000):
        all_of.known(f"n{n}", 0.0)
    assert len(all_of) == 3
    assert all_of.known("a", 0.0) is here
    again = all_of.known("n999", 0.0)
    all_of.known("new", 0.0)
    assert all_of.known("n999", 0.0) is again, "the one that was silent longest went"


def test_when_all_are_here_room_is_made_and_nothing_is_lost() -> None:
    all_of = Visitors(SMALL)
    for n in range(5):
        all_of.known(f"n{n}", 0.0).open = 1
    assert len(all_of) == 5
    all_of.known("n0", 0.0).open = 0
    all_of.known("x", 0.0)
    assert len(all_of) <= 6


def test_identities_have_a_bucket_each_and_a_cap_together() -> None:
    all_of = Identities(SMALL)
    assert sum(all_of.of("person:ada", 0.0).take(0.0) for _ in range(100)) == 10
    assert all_of.of("person:eve", 0.0).take(0.0)
    for n in range(1_000):
        all_of.of(f"n{n}", 0.0)
    assert len(all_of._known) == 3


TRUSTED = networks(["10.0.0.0/8", "::1"], "trusted_proxies")


@pytest.mark.parametrize(
    ("said", "who"),
    [
        ([b"203.0.113.7"], "203.0.113.7"),
        ([b"1.2.3.4, 203.0.113.7"], "203.0.113.7"),  # the first is whatever the asker wrote
        ([b"127.0.0.1", b"203.0.113.7, 10.0.0.9"], "203.0.113.7"),
        ([b"203.0.113.7:4711"], "203.0.113.7"),
        ([b"[2001:db8::7]:4711"], "2001:db8::7"),
        ([b"2001:db8::7"], "2001:db8::7"),
        ([b"10.0.0.1, 10.0.0.2"], None),
        ([b"unknown"], None),
        ([b"203.0.113.7, unknown"], None),
        ([b""], None),
        ([], None),
        ([b"\xff\xfe"], None),
    ],
)
def test_of_whom_a_proxy_speaks_the_last_that_is_no_proxy_counts(said: list[bytes], who: str | None) -> None:
    assert forwarded(said, TRUSTED) == who


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_whatever_a_header_says_an_address_comes_of_it_or_nothing(said: list[bytes]) -> None:
    found = forwarded(said, TRUSTED)
    assert found is None or (networks([found], "x") and not within(found, TRUSTED))


@pytest.mark.parametrize("said", ["", "proxy.example", "10.0.0.0/99", "10.0.0.1/8"])
def test_what_is_no_network_is_refused(said: str) -> None:
    with pytest.raises(BadRequest, match="no address"):
        networks([said], "unlimited")
