"""SensorThings, asked by whoever means no good: whatever is asked is an answer or a fault of the asker's."""

from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa import Attribute, Entity, entity
from hansa.apps.opendata import app
from hansa.apps.opendata.sta import found
from hansa.apps.opendata.sta.expressions import Call, Literal, Path, When, parsed
from hansa.apps.opendata.sta.values import compiled
from hansa.errors import BadRequest, Refusal
from hansa.testing import MemoryCity

WORDS = [
    "result", "phenomenonTime", "resultTime", "Datastream/Thing/name", "Datastream/id", "properties/a/b", "eq", "ne",
    "gt", "and", "or", "not", "add", "div", "mod", "(", ")", ",", "'x'", "''", "1", "-2.5", "1e300", "null", "true",
    "2026-04-01T18:00:00Z", "2026-04-01", "12:00:00", "duration'P1D'", "geography'POINT (1 2)'", "length(",
    "substring(",
    "geo.distance(", "year(", "now()", "concat(", "round(", "9" * 40, "$", "'",
]  # fmt: skip


@pytest.fixture(scope="module")
def city():
    made = MemoryCity(app, start="2026-04-01T18:00:00Z")
    now = made.clock.now()
    for n in range(30):
        temperature = Attribute(float(n), "CEL", now - n * 60_000_000)
        made.read(Entity(entity("WeatherObserved", "north", temperature=temperature).doc, label="open"))
    source = {"kind": "history", "type": "WeatherObserved", "sight": "public", "attributes": ["temperature"]}
    dataset = entity("Dataset", "weather", status="published", title={"en": "W"}, licence="CC_BY_4_0", source=source)
    made.say(Entity(dataset.doc, label="open"))
    return made


def asked(city, path):
    """The status of what is answered, or of the asker's fault."""
    try:
        return city.ask("GET", f"/sta/v1.1/{path}").status
    except BadRequest as fault:
        return fault.status


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join), st.sampled_from(["$filter", "$orderby", "$expand"]))
def test_whatever_is_asked_is_an_answer_or_a_fault_of_the_askers(city, text, option):
    assert asked(city, f"Observations?{option}={quote(text)}") in {200, 400, 404, 501}


@pytest.mark.parametrize("text", ["geography'POINT (1 2)'", "duration'P1D'", "12:00:00", "null", "now()", "true"])
def test_rows_are_ordered_by_values_of_whatever_kind(city, text):
    assert asked(city, f"Observations?$orderby={quote(text)}") == 200


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=40))
def test_whatever_path_is_asked_is_an_answer_or_not_there(city, text):
    assert asked(city, text.replace("?", "").replace("#", "")) in {200, 204, 400, 404}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 div 0", None), ("1e300 mul 1e300", None), ("'a' add 1", None), ("length(1)", None), ("year('x')", None),
        ("substring('abc', -5)", "abc"), ("substring('abc', 1, 1)", "b"), ("round(2.5)", 3), ("round(-2.5)", -3),
        ("concat('a', 1)", None), ("1 eq '1'", False), ("1 ne '1'", True), ("null eq null", True), ("1 gt null", None),
        ("not null", False), ("true and not false", True), ("1 add 2 mul 3 eq 7", True), ("(1 add 2) mul 3 eq 9", True),
        ("maxdatetime() add duration'P999999D' gt now()", True), ("date(2026-04-01T23:59:59Z) eq 2026-04-01", True),
        ("geo.length(geography'POINT (1 1)') eq 0", True), ("st_within('x', geography'POINT (1 1)')", None),
        ("5 mod 0", None), ("'it''s'", "it's"),
        ("2026-04-01T00:00:00Z/2026-04-02T00:00:00Z lt 2026-04-03T00:00:00Z", True),
    ],
)  # fmt: skip
def test_nothing_fails_on_a_value(text, value):
    assert compiled(parsed(text), lambda _row, _names: None, 0)(None) == value


def test_an_expression_is_read_as_the_standard_binds_it():
    assert parsed("a or b and not c eq 1") == Call(
        "or",
        (Path(("a",)), Call("and", (Path(("b",)), Call("not", (Call("eq", (Path(("c",)), Literal(1))),))))),
    )
    assert parsed("2026-04-01T00:00:00.123456789Z") == Literal(When(1775001600123456, 1775001600123456))


def test_a_question_that_looks_at_too_much_is_refused_with_what_narrows_it(city, monkeypatch):
    monkeypatch.setattr(found, "LOOKED", 10)
    with pytest.raises(Refusal) as fault:
        city.ask("GET", "/sta/v1.1/Observations?$filter=result%20gt%2099")
    assert "phenomenonTime" in fault.value.mend
    city.ask("GET", "/sta/v1.1/Observations?$top=5")
    ident = "urn:ngsi-ld:WeatherObserved:north~temperature"
    city.ask("GET", f"/sta/v1.1/Datastreams('{ident}')/Observations?$top=1&$count=true")


def test_too_many_datastreams_are_not_counted_together(city, monkeypatch):
    monkeypatch.setattr(found, "STREAMS", 0)
    for option in ("$count=true", "$orderby=phenomenonTime"):
        with pytest.raises(Refusal):
            city.ask("GET", f"/sta/v1.1/Observations?{option}")
    assert city.ask("GET", "/sta/v1.1/Observations").status == 200


def test_an_expansion_that_would_be_too_large_is_refused(city, monkeypatch):
    monkeypatch.setattr("hansa.apps.opendata.sta.answers.WRITTEN", 20)
    with pytest.raises(Refusal):
        city.ask("GET", "/sta/v1.1/Things?$expand=Datastreams($expand=Observations($top=30))")
