"""What goes by itself (CIM 009, clause 4.22): when, and what is left then."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa import clock
from hansa.model.transient import alive, expires

T0 = clock.parse("2026-04-01T00:00:00Z")


def at(second: int) -> str:
    return clock.text(T0 + second * clock.SECOND)


def value(said: Any, until: int | None = None, **more: Any) -> dict[str, Any]:
    one = {"type": "Property", "value": said, **more}
    return one if until is None else {**one, "expiresAt": at(until)}


def doc(until: int | None = None, **said: Any) -> dict[str, Any]:
    one = {"id": "urn:x:a", "type": "Thing", **said}
    return one if until is None else {**one, "expiresAt": at(until)}


@pytest.mark.parametrize(
    ("said", "first"),
    [
        (doc(a=value(1)), None),
        (doc(5, a=value(1, 7)), 5),
        (doc(9, a=value(1, 7)), 7),
        (doc(a=[value(1), value(2, 3, datasetId="urn:d:1")]), 3),
        (doc(a=value(1, sub=value(1, 4))), 4),
        (doc(a=value({"expiresAt": at(1)}, j={"type": "JsonProperty", "json": {"expiresAt": "never"}})), None),
        (doc(a=value(1, sub=[value(1, 8), value(2, 6, datasetId="urn:d:1")])), 6),
    ],
)
def test_the_first_instant_of_all_that_is_said_counts(said: dict[str, Any], first: int | None) -> None:
    assert expires(said) == (None if first is None else T0 + first * clock.SECOND)


def test_what_says_an_instant_is_there_before_it_and_not_from_it_on() -> None:
    one = doc(a=value(1, 5), b=value(2))
    assert alive(one, T0 + 5 * clock.SECOND - 1) is one
    assert alive(one, T0 + 5 * clock.SECOND) == doc(b=value(2))
    assert alive(doc(5), T0 + 5 * clock.SECOND) is None


def test_one_of_several_instances_goes_alone_and_the_last_one_takes_the_attribute_with_it() -> None:
    here, there = value(1, 5), value(2, 9, datasetId="urn:d:1")
    one = doc(a=[here, there, value(3, datasetId="urn:d:2")])
    assert alive(one, T0 + 5 * clock.SECOND) == doc(a=[there, value(3, datasetId="urn:d:2")])
    assert alive(one, T0 + 9 * clock.SECOND) == doc(a=value(3, datasetId="urn:d:2"))
    assert alive(doc(a=[here, there]), T0 + 9 * clock.SECOND) == doc()


def test_an_attribute_loses_what_of_its_own_has_expired() -> None:
    one = doc(a=value(1, sub=value(2, 5, deep=value(3)), other=value(4, deep=value(5, 5))))
    assert alive(one, T0 + 5 * clock.SECOND) == doc(a=value(1, other=value(4)))


untils = st.none() | st.integers(0, 9)
leaves = st.builds(value, st.integers(0, 3) | st.just({"expiresAt": "x"}), untils)
inner = st.builds(lambda one, sub: one if sub is None else {**one, "sub": sub}, leaves, st.none() | leaves)
entries = inner | st.lists(inner, min_size=2, max_size=2).map(
    lambda both: [both[0], {**both[1], "datasetId": "urn:d:1"}]
)
docs = st.builds(lambda until, said: doc(until, **said), untils, st.dictionaries(st.sampled_from("abc"), entries))


@given(docs, st.integers(-1, 10))
def test_what_is_left_expires_later_and_nothing_is_touched(one: dict[str, Any], second: int) -> None:
    kept = copy.deepcopy(one)
    now = T0 + second * clock.SECOND
    left = alive(one, now)
    assert one == kept
    first = expires(one)
    assert (left is one) == (first is None or first > now)
    if left is not None:
        assert (later := expires(left)) is None or later > now
        assert alive(left, now) is left
