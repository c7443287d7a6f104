"""Whole series as columns: the same as points, to the last bit; masked like every read."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.clock import SECOND, Clock, parse, text
from hansa.model.change import Write
from hansa.platform.city import City
from hansa.platform.sqlite import SqliteStore
from hansa.platform.sqlite.columns import ColumnReader
from hansa.platform.sqlite.schema import connect
from hansa.trust.labels import ADMINISTRATOR, Sight

BEGIN = parse("2026-04-10T00:00:00Z")
IDENT = "urn:ngsi-ld:Tank:t"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("columns") / "open.db"
    city = City(SqliteStore(path), Clock(BEGIN, rate=0.0), ADMINISTRATOR, direct=True)
    yield city, path
    city.close()


def columns(made, ident, sight=ADMINISTRATOR, until=BEGIN + 10_000 * SECOND):
    reader = ColumnReader(connect(made[1]), "open")
    try:
        return reader.column(ident, "level", sight, BEGIN, until)
    finally:
        reader.close()


def push(made, ident, points, label=None):
    city, _ = made
    city.clock.turn(city.clock.now() + 1)
    if not any(city.find("Tank", f'id=="{ident}"')) and city.reader.entity("", ident, ADMINISTRATOR) is None:
        city.write(Write("create", ident, {"id": ident, "type": "Tank"}, label=label))
    city.write(Write("instances", ident, {"id": ident, "type": "Tank", "level": points}))


def point(i, value, unit=None, **more):
    said = {"type": "Property", "value": value, "observedAt": text(BEGIN + i * SECOND), **more}
    return said if unit is None else {**said, "unitCode": unit}


numbers = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**53), 2**53))
count = iter(range(10_000))


@settings(max_examples=60, deadline=None)
@given(st.lists(numbers, min_size=1, max_size=30))
def test_a_number_comes_back_as_the_very_same_number(made, values):
    ident = f"{IDENT}-{next(count)}"
    push(made, ident, [point(i, v) for i, v in enumerate(values)])
    found = columns(made, ident)
    assert found.values == values
    assert [type(v) for v in found.values] == [type(v) for v in values]
    assert found.at == [BEGIN + i * SECOND for i in range(len(values))]
    assert found.plain
    points = made[0].history(ident, "level")
    assert [(p.at, p.value) for p in points] == list(zip(found.at, found.values, strict=True))


def test_units_are_one_or_each_ones_own(made):
    push(made, f"{IDENT}-u", [point(0, 1.0, "MTR"), point(1, 2.0, "MTR")])
    assert columns(made, f"{IDENT}-u")[2:4] == ("MTR", None)
    push(made, f"{IDENT}-v", [point(0, 1.0, "MTR"), point(1, 2.0), point(2, 3.0, "CMT")])
    assert columns(made, f"{IDENT}-v")[2:4] == (None, ["MTR", None, "CMT"])


def test_what_is_no_number_comes_as_it_is(made):
    push(
        made,
        f"{IDENT}-w",
        [point(0, "open"), point(1, True), point(2, {"a": [1]}), point(3, 4.0, note={"type": "Property", "value": 1})],
    )
    found = columns(made, f"{IDENT}-w")
    assert found.values == ["open", True, {"a": [1]}, 4.0]
    assert not found.plain


def test_a_span_is_asked_and_what_ended_is_no_reading(made):
    ident = f"{IDENT}-x"
    push(made, ident, [point(i, float(i)) for i in range(5)])
    assert columns(made, ident, until=BEGIN + 3 * SECOND).values == [0.0, 1.0, 2.0]
    made[0].write(Write("delete_attr", ident, name="level", dataset="@all"))
    assert columns(made, ident).values == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert columns(made, f"{IDENT}-none").values == []


def test_a_hidden_series_is_none(made):
    push(made, f"{IDENT}-y", [point(0, 1.0)], label="security")
    assert columns(made, f"{IDENT}-y", Sight("x", classes=frozenset({"smart"}))).at == []
    assert columns(made, f"{IDENT}-y", Sight("x", classes=frozenset({"security"}))).values == [1.0]
