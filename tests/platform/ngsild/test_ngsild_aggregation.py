"""Aggregates of what was so through time (4.5.19, 5.2.44, 5.7.3, 5.7.4)."""

import math
import statistics
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from conftest_ngsild import Api, opened, said, small
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_ngsild_temporal import CAR, PATH, at, car, speeds

from hansa import clock
from hansa.errors import BadRequest
from hansa.platform.ngsild.aggregation import METHODS, Duration, piled

ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"
T0 = clock.parse("2026-01-31T00:00:00Z")
HOUR = 3_600 * clock.SECOND


def aggregates(api: Api, methods: str, period: str = "PT0S", more: str = "") -> Any:
    return said(api.get(PATH, f"format=aggregatedValues&aggrMethods={methods}&aggrPeriodDuration={period}{more}"))


def only(api: Api, name: str, methods: str = ",".join(METHODS)) -> dict[str, Any]:
    """The aggregates of an attribute over all time, by method."""
    return {m: rows[0][0] for m, rows in aggregates(api, methods).get(name, {}).items() if m in METHODS}


def instances(*values: Any, **more: Any) -> list[dict[str, Any]]:
    return [{"type": "Property", "value": value, "observedAt": at(i), **more} for i, value in enumerate(values)]


def test_plain_numbers_are_summed_by_periods_from_the_first_instant_on(quick: Api) -> None:
    quick.post("temporal/entities", car(speed=speeds(1, 2, 7, 12, start=10.0)))
    told = aggregates(quick, "avg,max,totalCount", "PT5M")
    assert told["speed"] == {
        "type": "Property",
        "avg": [[11.5, at(1), at(6)], [17.0, at(6), at(11)], [22.0, at(11), at(16)]],
        "max": [[12.0, at(1), at(6)], [17.0, at(6), at(11)], [22.0, at(11), at(16)]],
        "totalCount": [[2, at(1), at(6)], [1, at(6), at(11)], [1, at(11), at(16)]],
    }
    assert set(told) == {"id", "type", "speed"}


def test_periods_begin_where_the_time_asked_for_begins_and_empty_ones_are_left_out(quick: Api) -> None:
    quick.post("temporal/entities", car(speed=speeds(1, 7, 12)))
    window = f"&timerel=between&timeAt={at(0)}&endTimeAt={at(12)}"
    assert aggregates(quick, "sum", "PT3M", window)["speed"]["sum"] == [[1, at(0), at(3)], [7, at(6), at(9)]]
    assert aggregates(quick, "sum", "PT0S", window)["speed"]["sum"] == [[8, at(0), at(12)]]
    assert aggregates(quick, "sum", "P0D")["speed"]["sum"] == [[20, at(1), at(12)]]
    assert aggregates(quick, "sum", more="&lastN=2")["speed"]["sum"] == [[19, at(7), at(12)]]


@pytest.mark.parametrize(
    ("values", "due"),
    [
        ([2, 4, 4, 5.5], {"avg": 3.875, "distinctCount": 3, "max": 5.5, "min": 2, "sum": 15.5, "totalCount": 4}),
        ([True, False, True], {"avg": 2 / 3, "distinctCount": 2, "max": 1, "min": 0, "sum": 2, "sumsq": 2}),
        (["b", "a", "a"], {"distinctCount": 2, "max": "b", "min": "a", "totalCount": 3}),
        ([[1, 2], [3], []], {"avg": 1, "distinctCount": 3, "max": 2, "min": 0, "sum": 3, "totalCount": 3}),
        ([{"a": 1}, {"a": 1}], {"distinctCount": 1, "totalCount": 2}),
        (
            [{"@type": "Time", "@value": "08:00:00Z"}, {"@type": "Time", "@value": "09:00:01Z"}],
            {"avg": "08:30:00.5Z", "min": "08:00:00Z", "max": "09:00:01Z", "distinctCount": 2},
        ),
        (
            [{"@type": "DateTime", "@value": "2026-01-02T00:00:00Z"}, {"@type": "DateTime", "@value": at(0)}],
            {"min": "2026-01-02T00:00:00Z", "max": at(0), "totalCount": 2},
        ),
        ([{"@type": "URI", "@value": "urn:a:b"}], {"distinctCount": 1, "totalCount": 1}),
    ],
)
def test_each_sort_of_value_has_the_methods_of_the_table(quick: Api, values: list[Any], due: dict[str, Any]) -> None:
    quick.post("temporal/entities", car(thing=instances(*values)))
    told = only(quick, "thing")
    assert {method: told[method] for method in due} == pytest.approx(due) if _numeric(due) else due
    others = {"sum", "sumsq", "stddev", "avg"} - due.keys()
    assert others.isdisjoint(told) or _numeric(due)


def _numeric(due: dict[str, Any]) -> bool:
    return all(type(value) is not str for value in due.values()) and "sum" in due


def test_relationships_are_counted_and_nothing_else(quick: Api) -> None:
    parked = [{"type": "Relationship", "object": f"urn:p:{i % 2}", "observedAt": at(i)} for i in range(3)]
    quick.post("temporal/entities", car(parked=parked))
    assert aggregates(quick, "totalCount,distinctCount,max")["parked"] == {
        "type": "Relationship",
        "totalCount": [[3, at(0), at(2)]],
        "distinctCount": [[2, at(0), at(2)]],
    }


def test_what_suits_no_method_is_refused_when_it_is_named_and_else_left_out(quick: Api) -> None:
    quick.post("temporal/entities", car(plate=instances("A1"), speed=speeds(1)))
    assert set(aggregates(quick, "avg")) == {"id", "type", "speed"}
    window = f"type=Vehicle&timerel=after&timeAt={at(0)}&"
    for path, params in ((PATH, ""), ("temporal/entities", window)):
        refused = quick.get(path, f"{params}attrs=plate&format=aggregatedValues&aggrMethods=avg")
        assert (refused.status, said(refused)["type"]) == (400, ERRORS + "InvalidRequest")
        assert said(refused)["where"] == "aggrMethods"


def test_an_end_has_no_value(quick: Api) -> None:
    quick.made(car(speed=speeds(1)[0]))
    quick.delete(f"entities/{CAR}/attrs/speed")
    assert aggregates(quick, "totalCount")["speed"]["totalCount"][0][0] == 1


def test_sums_by_the_store_and_by_hand_are_the_same(quick: Api) -> None:
    numbers = [0.1 * i * (-1) ** i + 1e6 for i in range(40)]
    quick.post("temporal/entities", car(plain=instances(*numbers), rich=instances(*numbers, quality=1)))
    plain, rich = only(quick, "plain"), only(quick, "rich")
    assert plain == pytest.approx(rich)
    assert plain["stddev"] == pytest.approx(statistics.pstdev(numbers))
    assert plain["sumsq"] == pytest.approx(math.fsum(n * n for n in numbers))


def test_a_query_tells_aggregates_of_each_entity_by_get_and_by_post(quick: Api) -> None:
    for i in (1, 2):
        quick.post("temporal/entities", car(speed=speeds(i)) | {"id": f"urn:v:{i}"})
    window = f"type=Vehicle&timerel=after&timeAt={at(0)}"
    got = said(quick.get("temporal/entities", f"{window}&options=aggregatedValues&aggrMethods=max"))
    body = {"type": "Query", "entities": [{"type": "Vehicle"}], "temporalQ": {"timerel": "after", "timeAt": at(0)}}
    for params in (
        {"aggrParams": {"aggrMethods": ["max"], "aggrPeriodDuration": "PT0S"}},
        {"temporalQ": {**body["temporalQ"], "aggrMethods": "max"}},  # type: ignore[dict-item]
    ):
        assert said(quick.post("temporal/entityOperations/query", body | params)) == got
    assert [one["speed"]["max"][0][0] for one in got] == [1, 2]


@pytest.mark.parametrize(
    ("params", "where"),
    [
        ("format=aggregatedValues", "aggrMethods"),
        ("format=aggregatedValues&aggrMethods=median", "aggrMethods"),
        ("format=aggregatedValues&aggrMethods=", "aggrMethods"),
        ("format=aggregatedValues&aggrMethods=avg&aggrPeriodDuration=1h", "aggrPeriodDuration"),
        ("aggrMethods=avg", "aggrMethods"),
        ("aggrMethods=avg&format=temporalValues", "aggrMethods"),
        ("aggrPeriodDuration=PT1H", "aggrPeriodDuration"),
        ("options=aggregatedValues,temporalValues&aggrMethods=avg", "options"),
    ],
)
def test_what_is_wrong_with_aggregates_is_named(quick: Api, params: str, where: str) -> None:
    quick.post("temporal/entities", car(speed=speeds(1)))
    refused = quick.get(PATH, params)
    assert (refused.status, said(refused)["where"]) == (400, where)


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"aggrParams": 5}, "aggrParams"),
        ({"aggrParams": {"aggrMethods": "median"}}, "aggrMethods"),
        ({"aggrParams": {"aggrMethods": [5]}}, "aggrParams.aggrMethods"),
        ({"aggrParams": {"aggrMethods": []}}, "aggrParams.aggrMethods"),
        ({"aggrParams": {"aggrMethods": ["avg"], "aggrPeriodDuration": 5}}, "aggrParams.aggrPeriodDuration"),
        ({"aggrParams": {"methods": ["avg"]}}, "aggrParams.methods"),
        ({"temporalQ": {"timerel": "after", "timeAt": 5}}, "temporalQ.timeAt"),
        ({"temporalQ": {"timerel": "after", "timeAt": at(0), "lastN": 1.5}}, "temporalQ.lastN"),
        ({"temporalQ": {"timerel": "after", "timeAt": at(0), "lastN": True}}, "temporalQ.lastN"),
    ],
)
def test_what_is_wrong_with_a_body_is_named(quick: Api, more: dict[str, Any], where: str) -> None:
    body = {"type": "Query", "entities": [{"type": "Vehicle"}], "temporalQ": {"timerel": "after", "timeAt": at(0)}}
    refused = quick.post("temporal/entityOperations/query", body | more)
    assert (refused.status, said(refused)["where"]) == (400, where), said(refused)


@pytest.fixture
def tight(tmp_path: Path) -> Iterator[Api]:
    """A city that tells five instants, and looks at ten one by one."""
    yield from opened(tmp_path, direct=True, limits=small(instants=5, aggregated=10))


def test_more_than_may_be_is_refused(tight: Api) -> None:
    tight.post("temporal/entities", car(plain=instances(*range(12)), rich=instances(*range(12), quality=1)))
    for params in ("aggrPeriodDuration=PT1M&pick=plain", "pick=rich"):
        refused = tight.get(PATH, f"format=aggregatedValues&aggrMethods=avg&{params}")
        assert (refused.status, said(refused)["type"]) == (403, ERRORS + "TooManyResults"), params
    assert tight.get(PATH, "format=aggregatedValues&aggrMethods=avg&pick=plain").status == 200


def test_a_format_goes_before_an_option(quick: Api) -> None:
    quick.post("temporal/entities", car(speed=speeds(1)))
    told = said(quick.get(PATH, "format=temporalValues&options=aggregatedValues&aggrMethods=avg"))
    assert told["speed"]["values"] == [[1.0, at(1)]]


# Durations


@pytest.mark.parametrize(
    ("text", "months", "micros"),
    [
        ("PT0S", 0, 0),
        ("P0D", 0, 0),
        ("PT1H", 0, HOUR),
        ("P1D", 0, 24 * HOUR),
        ("P2W", 0, 14 * 24 * HOUR),
        ("P1M", 1, 0),
        ("P3Y6M4DT12H30M5S", 42, (4 * 24 + 12) * HOUR + 30 * 60 * clock.SECOND + 5 * clock.SECOND),
        ("PT0.5S", 0, clock.SECOND // 2),
        ("PT1,5S", 0, 3 * clock.SECOND // 2),
    ],
)
def test_durations_are_read(text: str, months: int, micros: int) -> None:
    assert Duration.of(text) == Duration(months, micros)


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "1H", "P1H", "P1DT", "PT1D", "P1W2D", "P-1D", "P1.5D", "PT1S ", "P1M1Y"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        Duration.of(text)
    assert refused.value.where == "aggrPeriodDuration"


def test_months_keep_the_day_as_far_as_they_have_it() -> None:
    ends = [clock.text(Duration(1).after(T0, i))[:10] for i in range(4)]
    assert ends == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]
    assert clock.text(Duration(12).after(clock.parse("2024-02-29T00:00:00Z"), 1)) == "2025-02-28T00:00:00Z"


@given(st.sampled_from([Duration(1), Duration(0, HOUR), Duration(13, 5), Duration()]), st.lists(st.integers(0, 2**51)))
def test_every_value_lies_in_its_period(duration: Duration, distances: list[int]) -> None:
    moments = [(T0 + d, {"type": "Property", "value": d}) for d in sorted(distances)]
    piles = piled(moments, duration, T0)
    assert sum(pile.of("totalCount") for pile in piles.values()) == len(distances)
    for period, pile in piles.items():
        low, high = pile.of("min"), pile.of("max")
        if duration.whole:
            assert period == 0
        else:
            assert duration.after(T0, period) <= T0 + low
            assert T0 + high < duration.after(T0, period + 1)


@given(st.text(max_size=20))
def test_no_text_breaks_the_reading_of_durations(text: str) -> None:
    with suppress(BadRequest):
        assert clock.text(Duration.of(text).after(T0, 1)) >= clock.text(T0)


JSON = st.recursive(
    st.one_of(
        st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False), st.text()
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)
SAID = st.one_of(
    st.builds(lambda value: {"type": "Property", "value": value}, JSON),
    st.builds(lambda value: {"type": "ListProperty", "valueList": [value]}, JSON),
    st.just({"type": "Relationship", "object": "urn:p:1"}),
    st.just({"type": "GeoProperty", "value": {"type": "Point", "coordinates": [1, 2]}}),
    st.just({"type": "LanguageProperty", "languageMap": {"en": "x"}}),
    st.just({"type": "VocabProperty", "vocab": "Big"}),
    st.just({"type": "Property", "value": "urn:ngsi-ld:null"}),
    st.builds(
        lambda kind, value: {"type": "Property", "value": {"@type": kind, "@value": value}},
        st.sampled_from(["Time", "DateTime", "Date", "URI", "xsd:time"]),
        st.one_of(JSON, st.sampled_from(["08:00:00Z", "24:00:00Z", "2026-01-02", at(1)])),
    ),
)


@pytest.mark.parametrize(
    ("values", "due"),
    [
        ([2**64 - 1], {"sum": 2**64 - 1, "sumsq": float((2**64 - 1) ** 2), "avg": float(2**64 - 1)}),
        ([2**64 - 1, 2**64 - 1], {"sum": float(2**65 - 2), "max": 2**64 - 1, "stddev": 0.0}),
        ([True, 1e308, 1e308, -1e308], {"min": -1e308, "sumsq": None, "stddev": None}),
        ([True, 1e308, 1e308], {"sum": None, "avg": None, "max": 1e308}),
    ],
)
def test_what_is_beyond_64_bits_is_a_double_and_what_is_beyond_that_is_null(
    quick: Api, values: list[Any], due: dict[str, Any]
) -> None:
    series = [{"type": "Property", "value": value, "observedAt": at(i)} for i, value in enumerate(values)]
    assert quick.post("temporal/entities", car(thing=series)).status == 201
    told = aggregates(quick, ",".join(due), "PT0S")["thing"]
    assert {method: told[method][0][0] for method in due} == due


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SAID, min_size=1, max_size=4), st.sampled_from(["PT0S", "PT1M", "P1M", "P999999W", "P9999Y"]))
def test_whatever_was_said_is_told_in_every_form(quick: Api, some: list[dict[str, Any]], period: str) -> None:
    quick.delete(f"entities/{CAR}")
    quick.delete(PATH)
    pushed = quick.post("temporal/entities", car(thing=[{**one, "observedAt": at(i)} for i, one in enumerate(some)]))
    assert pushed.status in {201, 400}, pushed.body
    if pushed.status == 400:
        return
    assert len(said(quick.get(PATH))["thing"]) == len(some)
    assert "thing" in said(quick.get(PATH, "format=temporalValues"))
    assert set(aggregates(quick, ",".join(METHODS), period)) <= {"id", "type", "thing"}
    assert list(quick.city.store.check()) == []
