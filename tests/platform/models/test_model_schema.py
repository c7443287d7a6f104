"""One schema: what it takes, what it refuses, and what would make it endless."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.errors import BadRequest, HansaError, TooLarge
from hansa.platform.models import bounds
from hansa.platform.models.schema import Schema, described, key_values
from some_models import BENCH, BENCH_URL, COMMON, COMMON_URL, bench, model

DOCUMENTS = {COMMON_URL: COMMON}


def schema(document: Any) -> Schema:
    return Schema(document, document.get("$id", "https://models.example.org/one.json"), DOCUMENTS)


def paths(one: Schema, doc: dict[str, Any]) -> set[str]:
    return {fault.path for fault in one.faults(doc)}


def test_an_entity_that_is_as_its_model_says_has_no_fault_and_another_has() -> None:
    one = Schema(BENCH, BENCH_URL, DOCUMENTS)
    place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [16.4, 48.2]}}
    park = {"type": "Relationship", "object": "urn:ngsi-ld:Park:1"}
    when = {"type": "Property", "value": {"@type": "DateTime", "@value": "2026-11-22T12:00:00Z"}}
    assert one.faults(bench("a", 3, location=place, refPark=park, dateChecked=when)) == []
    assert paths(one, bench("a", "many")) == {"/seats"}
    assert paths(one, bench("a", 0)) == {"/seats"}
    line = {"type": "GeoProperty", "value": {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}}
    assert paths(one, bench("a", 3, location=line)) == {"/location"}
    assert paths(one, bench("a", 3, dateChecked={"type": "Property", "value": "soon"})) == {"/dateChecked"}
    assert paths(one, {"id": "urn:ngsi-ld:Bench:a", "type": "Bench"}) == {""}, "seats is missing"
    (fault,) = one.faults(bench("a", "many"))
    assert fault.rule == "type"
    assert "many" in fault.reason


def test_the_form_that_models_speak_of_is_values_under_short_terms() -> None:
    doc = {
        "id": "urn:x:1",
        "type": ["Other", "https://smartdatamodels.org/dataModel.Parks/Bench"],
        "scope": "/a",
        "https://smartdatamodels.org/dataModel.Parks/seats": {"type": "Property", "value": 2},
        "name": [
            {"type": "Property", "value": "second", "datasetId": "urn:d:2"},
            {"type": "Property", "value": "default"},
        ],
        "label": {"type": "LanguageProperty", "languageMap": {"en": "bench"}},
        "kin": {"type": "ListRelationship", "objectList": ["urn:x:2"]},
    }
    assert key_values(doc, "Bench") == {
        "id": "urn:x:1",
        "type": "Bench",
        "seats": 2,
        "name": "default",
        "label": {"en": "bench"},
        "kin": ["urn:x:2"],
    }


def test_a_schema_says_its_type_in_one_of_three_ways_or_none() -> None:
    assert described({"properties": {"type": {"enum": ["A"]}}}) == "A"
    assert described({"allOf": [{"$ref": "x"}, {"properties": {"type": {"const": "B"}}}]}) == "B"
    assert described({"properties": {"type": {"enum": ["A", "B"]}}}) is None
    assert described(COMMON) is None
    for odd in (None, 3, [], {"properties": 3}, {"allOf": {"a": 1}}, {"properties": {"type": {"enum": [3]}}}):
        assert described(odd) is None


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (model("A", type=12), "no JSON Schema"),
        (model("A", required="id"), "no JSON Schema"),
        (model("A", allOf=[{"$ref": "https://elsewhere.example.org/x.json"}]), "elsewhere.example.org/x.json"),
        (model("A", allOf=[{"$ref": f"{COMMON_URL}#/definitions/Gone"}]), "/definitions/Gone"),
        (model("A", allOf=[{"$ref": f"{COMMON_URL}#gone"}]), "JSON pointer"),
        (model("A", patternProperties={"(?=a)b": {}}), "regex"),
        (model("A", patternProperties={"(a{1,1000}){1,1000}": {}}), "regex"),
        (model("A", allOf=[{"$dynamicRef": "#x"}]), "$dynamicRef"),
        ({"type": "object"}, "which type"),
    ],
)
def test_what_is_no_schema_is_refused_in_words_that_name_it(document: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest) as caught:
        schema(document)
    assert words in caught.value.detail


def doubling(levels: int) -> dict[str, Any]:
    """2 ** levels steps for one value."""
    steps = {f"s{i}": {"allOf": [{"$ref": f"#/definitions/s{i + 1}"}] * 2} for i in range(levels)}
    return model("A", definitions={**steps, f"s{levels}": {}}, allOf=[{"$ref": "#/definitions/s0"}])


def test_a_schema_whose_work_multiplies_is_refused_before_anything_is_held_against_it() -> None:
    began = time.monotonic()
    with pytest.raises(TooLarge, match="more than"):
        schema(doubling(60))
    assert time.monotonic() - began < 2
    schema(doubling(5))


def test_a_schema_that_meets_itself_twice_at_one_place_is_refused_and_once_is_not() -> None:
    twice = model("A", properties={"type": {"const": "A"}, "part": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}})
    with pytest.raises(TooLarge, match="part"):
        schema(twice)
    tree = {"left": {"$ref": "#"}, "right": {"$ref": "#"}}
    once = schema(model("A", properties={"type": {"const": "A"}, **tree}, required=["id"]))
    assert paths(once, {"id": "urn:x:1", "type": "A"}) == set()


def test_a_schema_that_is_a_circle_in_place_ends() -> None:
    circle = model("A", definitions={"x": {"anyOf": [{"$ref": "#/definitions/x"}, {"type": "object"}]}})
    circle["allOf"] = [{"$ref": "#/definitions/x"}]
    assert schema(circle).faults({"id": "urn:x:1", "type": "A"}) == []


def test_a_schema_that_leads_too_deep_is_refused() -> None:
    chain = {f"s{i}": {"$ref": f"#/definitions/s{i + 1}"} for i in range(5_000)}
    with pytest.raises(TooLarge, match="deep"):
        schema(model("A", definitions={**chain, "s5000": {}}, allOf=[{"$ref": "#/definitions/s0"}]))


def test_no_value_can_hang_a_pattern() -> None:
    one = schema(model("A", properties={"type": {"const": "A"}, "name": {"pattern": "^(a+)+$"}}))
    began = time.monotonic()
    assert paths(one, {"id": "urn:x:1", "type": "A", "name": {"type": "Property", "value": "a" * 50_000 + "b"}})
    assert time.monotonic() - began < 1


WORDS = st.sampled_from(
    ["allOf", "anyOf", "$ref", "properties", "items", "type", "enum", "const", "required", "definitions", "not", "if"]
)
VALUES = st.recursive(
    st.sampled_from([None, True, 3, "A", "#", "#/definitions/a", "object", f"{COMMON_URL}#/definitions/Commons"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.just("a"), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(WORDS, VALUES, max_size=5))
def test_whatever_is_given_is_a_schema_or_refused(document: dict[str, Any]) -> None:
    document = {**json.loads(json.dumps(document)), "properties": {"type": {"const": "A"}, "a": document}}
    try:
        made = schema(document)
    except HansaError:
        return
    made.faults({"id": "urn:x:1", "type": "A", "a": {"type": "Property", "value": {"a": [1, {"type": "A"}]}}})


def test_a_file_is_the_same_by_its_place_in_the_repository_and_where_it_is_published() -> None:
    url = "https://smart-data-models.github.io/dataModel.Parks/parks-schema.json"
    raw = "https://raw.githubusercontent.com/smart-data-models/dataModel.Parks/master/parks-schema.json"
    documents = {url: {"definitions": {"height": {"type": "number"}}}}
    properties = {"type": {"const": "Tree"}, "height": {"$ref": f"{raw}#/definitions/height"}}
    one = Schema({"properties": properties}, "https://models.example.org/tree.json", documents)
    assert paths(one, {"id": "urn:x:1", "type": "Tree", "height": {"type": "Property", "value": "high"}}) == {"/height"}
    assert bounds.published(raw.replace("smart-data-models", "somebody")) != url


def test_a_reference_is_resolved_by_its_pointer() -> None:
    documents = {"https://a.example.org/x.json": {"a/b": [{"c": 1}]}}
    assert bounds.resolved("x.json#/a~1b/0/c", "https://a.example.org/y.json", documents)[0] == 1
    for odd in ("x.json#/a~1b/9", "x.json#/a~1b/x", "y.json", "x.json#/nothing"):
        with pytest.raises(BadRequest):
            bounds.resolved(odd, "https://a.example.org/y.json", documents)
