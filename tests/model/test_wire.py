"""The wire forms of NGSI-LD: what comes in becomes one document, and goes out as it was asked for."""

import math
import time
from typing import Any

import orjson
import pytest

from hansa.errors import BadRequest, InvalidRequest, TooLarge
from hansa.limits import Limits
from hansa.model.context import CORE, Context
from hansa.model.entity import Stamps
from hansa.model.terms import Load
from hansa.model.wire import (
    NULL,
    View,
    attribute_in,
    completed,
    entity_in,
    entity_out,
    form_of,
    is_identity,
    json_in,
    json_out,
    spliceable,
)

ID = "urn:ngsi-ld:WeatherObserved:north"
POINT = {"type": "Point", "coordinates": [17.1, 48.1]}
AT = "2026-11-22T18:00:00Z"
NO_LOAD: Load = {}.__getitem__
USER = Context.of(
    {"ex": "https://example.org/", "warmth": "ex:warmth", "Station": "ex:Station", "Blue": "ex:Blue", "by": "ex:by"},
    NO_LOAD,
)


def said(**attributes: Any) -> dict[str, Any]:
    return {"id": ID, "type": "WeatherObserved", **attributes}


def read(value: Any, **options: Any) -> Any:
    """What `value`, said of one attribute, becomes in the document."""
    return entity_in(said(a=value), CORE, **options)["a"]


def refused(value: Any, where: str | None, context: Context = CORE, **options: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        entity_in(value, context, **options)
    if where is not None:
        assert caught.value.where == where
    return caught.value


# JSON


def test_json_comes_in_and_goes_out() -> None:
    body = b'{"a": [1, 2.5, "\xc3\xa9", true, null]}'
    assert json_out(json_in(body)) == b'{"a":[1,2.5,"\xc3\xa9",true,null]}'


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[1,]", b"NaN", b"[Infinity]", b"-Infinity", b"01", b'"\x01"', b"{} x", b'"\xff"', b'"\xed\xa0\x80"',
     b'"\\ud800"', b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", b"'a'", b"{a:1}"],
)  # fmt: skip
def test_what_is_not_json_is_an_invalid_request(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        json_in(body)


def test_a_byte_order_mark_is_named() -> None:
    with pytest.raises(InvalidRequest, match="byte order mark"):
        json_in(b"\xef\xbb\xbf{}")


def test_json_that_nests_too_deep_is_too_large_however_deep() -> None:
    for depth in (65, 900, 10_000, 1_000_000):
        for start, end in ((b"[", b"]"), (b'{"a":', b"}")):
            with pytest.raises(TooLarge):
                json_in(start * depth + b"1" + end * depth)
    json_in(b"[" * 64 + b"]" * 64)
    json_in(b"[" + b"[]," * 10_000 + b"[]]")
    json_in(b'["' + b"[" * 1_000 + b'"]')


def test_a_number_of_400_digits_is_refused_and_a_text_of_them_is_not() -> None:
    for number in (b"1" * 400, b"-" + b"7" * 41, b"0." + b"3" * 400, b"1e400", b"1" * 5_000):
        with pytest.raises(BadRequest):
            json_in(b'{"a": ' + number + b"}")
    assert json_in(b'{"a": "' + b"1" * 400 + b'"}') == {"a": "1" * 400}
    assert json_in(b'{"a\\"": "\\"' + b"1" * 400 + b'"}') == {'a"': '"' + "1" * 400}


def test_a_whole_number_beyond_64_bits_becomes_a_double_that_can_go_out() -> None:
    found = json_in(b'{"a": [18446744073709551615, 18446744073709551616, -123456789012345678901234567890]}')
    assert found == {"a": [2**64 - 1, float(2**64), -1.2345678901234568e29]}
    assert orjson.loads(json_out(found)) == found


# Entities in


def test_a_normalized_entity_is_its_own_document() -> None:
    body = said(
        temperature={"type": "Property", "value": 3.1, "unitCode": "CEL", "observedAt": AT},
        location={"type": "GeoProperty", "value": POINT},
        refDevice={"type": "Relationship", "object": "urn:ngsi-ld:Device:1", "objectType": "Device"},
        refs={"type": "Relationship", "object": ["urn:x:1", "urn:x:2"]},
        name={"type": "LanguageProperty", "languageMap": {"en": "North", "de-AT": ["Nord"], "@none": "N"}},
        colour={"type": "VocabProperty", "vocab": ["Blue", "https://example.org/Red"]},
        raw={"type": "JsonProperty", "json": {"id": None, "value": [None, NULL]}},
        series={"type": "ListProperty", "valueList": [1, "a", {"b": [2]}], "unitCode": "CEL"},
        route={"type": "ListRelationship", "objectList": [{"object": "urn:x:1"}, {"object": "urn:x:2"}]},
        scope=["/Bratislava/North", "Orchard"],
        deep={
            "type": "Property",
            "value": False,
            "accuracy": {"type": "Property", "value": 0.1, "by": {"type": "Relationship", "object": "urn:x:3"}},
        },
        many=[{"type": "Property", "value": 1}, {"type": "Property", "value": 2, "datasetId": "urn:d:2"}],
    )  # fmt: skip
    assert entity_in(body, CORE) == body
    assert entity_out(entity_in(body, CORE), CORE) == body


def test_concise_says_the_same_as_normalized() -> None:
    concise = said(
        temperature=3.1,
        wind={"value": 4, "unitCode": "MTS", "observedAt": AT},
        location=POINT,
        area={"value": POINT, "observedAt": AT},
        refDevice={"object": "urn:ngsi-ld:Device:1"},
        name={"languageMap": {"en": "North"}},
        colour={"vocab": "Blue"},
        raw={"json": {"a": 1}},
        series={"valueList": [1, 2]},
        route={"objectList": ["urn:x:1", {"object": "urn:x:2"}]},
        address={"street": "Main", "number": 3},
        tags=["a", "b"],
        empty=[],
        many=[{"value": 1}, {"value": 2, "datasetId": "urn:d:2"}],
        deep={"value": 1, "accuracy": 0.1},
    )
    normalized = said(
        temperature={"type": "Property", "value": 3.1},
        wind={"type": "Property", "value": 4, "unitCode": "MTS", "observedAt": AT},
        location={"type": "GeoProperty", "value": POINT},
        area={"type": "GeoProperty", "value": POINT, "observedAt": AT},
        refDevice={"type": "Relationship", "object": "urn:ngsi-ld:Device:1"},
        name={"type": "LanguageProperty", "languageMap": {"en": "North"}},
        colour={"type": "VocabProperty", "vocab": "Blue"},
        raw={"type": "JsonProperty", "json": {"a": 1}},
        series={"type": "ListProperty", "valueList": [1, 2]},
        route={"type": "ListRelationship", "objectList": [{"object": "urn:x:1"}, {"object": "urn:x:2"}]},
        address={"type": "Property", "value": {"street": "Main", "number": 3}},
        tags={"type": "Property", "value": ["a", "b"]},
        empty={"type": "Property", "value": []},
        many=[{"type": "Property", "value": 1}, {"type": "Property", "value": 2, "datasetId": "urn:d:2"}],
        deep={"type": "Property", "value": 1, "accuracy": {"type": "Property", "value": 0.1}},
    )
    assert entity_in(concise, CORE) == entity_in(normalized, CORE) == normalized


def test_simplified_input_reads_every_value_as_a_value() -> None:
    doc = entity_in(
        said(
            address={"type": "PostalAddress", "value": "Main"},
            location=POINT,
            name={"languageMap": {"en": "North"}},
            many={"dataset": {"@none": 1, "urn:d:2": 2}},
            list=[{"value": 1}],
        ),
        CORE,
        simplified=True,
    )
    assert doc["address"] == {"type": "Property", "value": {"type": "PostalAddress", "value": "Main"}}
    assert doc["location"]["type"] == "GeoProperty"
    assert doc["name"]["type"] == "LanguageProperty"
    assert doc["many"][1] == {"type": "Property", "value": 2, "datasetId": "urn:d:2"}
    assert doc["list"] == {"type": "Property", "value": [{"value": 1}]}
    refused(said(many={"dataset": {"no uri": 1}}), "many.no uri", simplified=True)


def test_names_types_and_vocabulary_are_stored_under_the_core_context() -> None:
    body = {
        "@id": ID,
        "@type": ["Station", "Point"],
        "warmth": {
            "type": "Property",
            "value": 1,
            "by": {"object": "urn:x:1", "objectType": "Station"},
            "valueType": "DateTime",
        },
        "colour": {"vocab": ["Blue", "Red"]},
        "ex:other": 1,
        "https://uri.etsi.org/ngsi-ld/location": POINT,
    }  # fmt: skip
    doc = entity_in(body, USER)
    assert doc == {
        "id": ID,
        "type": ["https://example.org/Station", "Point"],
        "https://example.org/warmth": {
            "type": "Property",
            "value": 1,
            "https://example.org/by": {
                "type": "Relationship",
                "object": "urn:x:1",
                "objectType": "https://example.org/Station",
            },
            "valueType": "DateTime",
        },
        "colour": {"type": "VocabProperty", "vocab": ["https://example.org/Blue", "Red"]},
        "https://example.org/other": {"type": "Property", "value": 1},
        "location": {"type": "GeoProperty", "value": POINT},
    }
    out = entity_out(doc, USER)
    assert set(out) == {"id", "type", "warmth", "colour", "ex:other", "location"}
    assert out["type"] == ["Station", "Point"]
    assert out["warmth"]["by"]["objectType"] == "Station"
    assert out["colour"]["vocab"] == ["Blue", "Red"]
    assert entity_in(out, USER) == doc
    assert "https://example.org/warmth" in entity_out(doc, CORE)


def test_times_become_utc_and_stay_as_they_are_when_they_are_fine() -> None:
    for text, canonical in (
        (AT, AT),
        ("2026-11-22T18:00:00.250Z", "2026-11-22T18:00:00.250Z"),
        ("2026-11-22T18:00:00,25Z", "2026-11-22T18:00:00.25Z"),
    ):
        assert read({"value": 1, "observedAt": text})["observedAt"] == canonical
    for bad in (
        "2026-11-22", "yesterday", "2026-11-22T18:00:00", "2026-13-22T18:00:00Z", "2026-11-22T19:00:00+01:00",
        "2026-11-22T18:00Z", "2026-11-22T18:00:00.1234567Z", "2026-11-22t18:00:00z", 5, None, [], NULL, {},
    ):  # fmt: skip
        refused(said(a={"value": 1, "observedAt": bad}), "a.observedAt")
    refused({**said(), "expiresAt": "soon"}, "expiresAt")
    assert entity_in({**said(), "expiresAt": AT}, CORE)["expiresAt"] == AT


def test_what_the_system_says_is_ignored_when_others_say_it() -> None:
    body = {
        **said(
            a={"value": 1, "createdAt": "x", "modifiedAt": None, "instanceId": 5, "previousValue": 2, "deletedAt": 1}
        ),
        "createdAt": "x",
        "modifiedAt": 5,
    }
    assert entity_in(body, CORE) == said(a={"type": "Property", "value": 1})


def test_the_default_instance_has_no_dataset() -> None:
    assert read({"value": 1, "datasetId": "@none"}) == {"type": "Property", "value": 1}
    assert read([{"value": 1, "datasetId": "@none"}]) == {"type": "Property", "value": 1}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (5, None),
        ([], None),
        ({}, "id"),
        ({"id": ID}, "type"),
        ({"type": "T"}, "id"),
        ({"id": None, "type": "T"}, "id"),
        ({"id": "north", "type": "T"}, "id"),
        ({"id": "urn:a b", "type": "T"}, "id"),
        ({"id": NULL, "type": "T"}, "id"),
        ({"id": "urn:" + "x" * 3_000, "type": "T"}, "id"),
        ({"id": ID, "type": []}, "type"),
        ({"id": ID, "type": 5}, "type"),
        ({"id": ID, "type": ["T", None]}, "type"),
        ({"id": ID, "type": NULL}, "type"),
        ({"id": ID, "type": "a b"}, "type"),
        ({**said(), "scope": "/a//b"}, "scope"),
        ({**said(), "scope": ["/a", "/9"]}, "scope"),
        ({**said(), "scope": []}, "scope"),
        ({**said(), "scope": "/"}, "scope"),
        ({**said(), "scope": "/a-b"}, "scope"),
        ({**said(), "scope": NULL}, "scope"),
        ({**said(), "scope": 7}, "scope"),
    ],
)
def test_a_faulty_entity_is_refused_with_its_place(body: Any, where: str | None) -> None:
    refused(body, where)


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (None, "a"),
        (NULL, "a"),
        (math.nan, "a"),
        (math.inf, "a"),
        (2**70, "a"),
        ({"value": None}, "a.value"),
        ({"value": NULL}, "a.value"),
        ({"value": {"b": [1, None]}}, "a.value.b[1]"),
        ({"value": {"b": NULL}}, "a.value.b"),
        ({"b": {"c": None}}, "a.b.c"),
        ({"type": "Property"}, "a"),
        ({"type": "property", "value": 1}, "a.type"),
        ({"type": None, "value": 1}, "a.type"),
        ({"type": ["Property"], "value": 1}, "a.type"),
        ({"type": "PostalAddress", "street": "x"}, "a.type"),
        ({"value": 1, "object": "urn:x:1"}, "a"),
        ({"type": "Property", "value": 1, "object": "urn:x:1"}, "a.object"),
        ({"type": "Relationship", "value": 1}, "a.value"),
        ({"object": "not a uri"}, "a.object"),
        ({"object": []}, "a.object"),
        ({"object": ["urn:x:1", 5]}, "a.object"),
        ({"object": "urn:x:1", "unitCode": "CEL"}, "a.unitCode"),
        ({"object": NULL}, "a.object"),
        ({"value": 1, "unitCode": 5}, "a.unitCode"),
        ({"value": 1, "unitCode": ""}, "a.unitCode"),
        ({"value": 1, "unitCode": None}, "a.unitCode"),
        ({"unitCode": "CEL"}, "a"),
        ({"value": 1, "datasetId": "x"}, "a.datasetId"),
        ({"value": 1, "datasetId": NULL}, "a.datasetId"),
        ({"value": 1, "@context": {}}, "a.@context"),
        ({"value": 1, "id": ID}, "a.id"),
        ({"value": 1, "entityIdSealed": "x"}, "a.entityIdSealed"),
        ({"value": 1, "entity": {}}, "a.entity"),
        ({"value": 1, "b": {"value": None}}, "a.b.value"),
        ({"value": 1, "a b": 1}, "a.a b"),
        ({"value": 1, "@value": 1}, "a.@value"),
        ([{"value": 1}, {"value": 2}], "a[1]"),
        ([{"value": 1, "datasetId": "urn:d:1"}, {"value": 2, "datasetId": "urn:d:1"}], "a[1]"),
        ([{"value": 1}, 5], "a[1]"),
        ([{"value": 1}, {"value": None, "datasetId": "urn:d:1"}], "a[1].value"),
        ({"languageMap": "x"}, "a.languageMap"),
        ({"languageMap": {"": "x"}}, "a.languageMap"),
        ({"languageMap": {"en": 5}}, "a.languageMap.en"),
        ({"languageMap": {"en": []}}, "a.languageMap.en"),
        ({"languageMap": {"@none": NULL}}, "a.languageMap.@none"),
        ({"languageMap": {"en": "x"}, "unitCode": "CEL"}, "a.unitCode"),
        ({"vocab": 5}, "a.vocab"),
        ({"vocab": []}, "a.vocab"),
        ({"json": 5}, "a.json"),
        ({"json": None}, "a.json"),
        ({"valueList": 5}, "a.valueList"),
        ({"valueList": [None]}, "a.valueList[0]"),
        ({"objectList": ["x"]}, "a.objectList[0]"),
        ({"objectList": [{"object": "urn:x:1", "more": 1}]}, "a.objectList[0]"),
        ({"type": "GeoProperty", "value": 5}, None),
        ({"type": "GeoProperty", "value": "{"}, "a.value"),
        ({"type": "GeoProperty", "value": {"type": "Pointless", "coordinates": [1, 2]}}, None),
        ({"type": "GeoProperty", "value": POINT, "unitCode": "MTR"}, "a.unitCode"),
        ({"type": "Point"}, "a.type"),
    ],
)
def test_a_faulty_attribute_is_refused_with_its_place(value: Any, where: str | None) -> None:
    fault = refused(said(a=value), where)
    assert fault.detail
    assert (fault.where or "").startswith("a")


def test_members_of_the_standard_are_no_names_of_attributes() -> None:
    for name in ("observedAt", "datasetId", "value", "object", "unitCode", "instanceId", "ngsi-ld:hasValue", "@value"):
        refused(said(**{name: {"type": "Property", "value": 1}}), name)
    for name in ("status", "description", "title", "name"):
        assert name in entity_in(said(**{name: 1}), CORE)


def test_two_words_for_one_name_are_refused() -> None:
    refused(said(a=1, **{"https://uri.etsi.org/ngsi-ld/default-context/a": 2}), None)


def test_a_geometry_may_come_as_a_text() -> None:
    assert read({"type": "GeoProperty", "value": '{"type":"Point","coordinates":[1,2]}'})["value"]["type"] == "Point"


def test_a_proof_carries_its_sealed_members() -> None:
    proof = {"type": "Property", "value": {"type": "DataIntegrityProof"}, "entityIdSealed": ID, "entityTypeSealed": "T"}
    assert read({"type": "Property", "value": 1, "ngsildproof": proof})["ngsildproof"] == proof


def test_a_json_literal_may_hold_null() -> None:
    literal = {"@type": "@json", "@value": None}
    assert read({"value": literal}) == {"type": "Property", "value": literal}


def test_attributes_and_values_that_nest_too_deep_are_too_large() -> None:
    value: Any = 1
    attribute: Any = {"value": 1}
    for _ in range(5_000):
        value = [value]
        attribute = {"value": 1, "b": attribute}
    for deep in ({"value": value}, value, {"json": value}, attribute):
        with pytest.raises(TooLarge):
            read(deep)


# Fragments


def test_a_fragment_may_leave_out_id_and_type() -> None:
    assert entity_in({"a": 1}, CORE, partial=True) == {"a": {"type": "Property", "value": 1}}
    assert entity_in({}, CORE, partial=True) == {}
    refused({"id": "x", "a": 1}, "id", partial=True)
    refused({"type": None}, "type", partial=True)


@pytest.mark.parametrize("mode", ["update", "merge"])
@pytest.mark.parametrize(
    "value",
    [
        NULL,
        {"type": "Property", "value": NULL},
        {"value": NULL},
        {"object": NULL},
        {"languageMap": {"@none": NULL}},
        {"languageMap": NULL},
        {"valueList": [NULL]},
        {"objectList": [NULL]},
        {"vocab": NULL},
        {"json": NULL},
        {"type": "GeoProperty", "value": NULL},
        [{"value": NULL}],
    ],
)
def test_what_is_to_go_is_null_however_it_is_spelt(mode: Any, value: Any) -> None:
    assert read(value, mode=mode) == NULL
    with pytest.raises(BadRequest):
        read(value, mode="whole")


def test_an_instance_with_a_dataset_goes_by_itself() -> None:
    gone = {"type": "Property", "value": NULL, "datasetId": "urn:d:1"}
    assert read(gone, mode="update") == gone
    relation = {"type": "Relationship", "object": NULL, "datasetId": "urn:d:1"}
    assert read([gone, {"type": "Property", "value": 1}], mode="update") == [gone, {"type": "Property", "value": 1}]
    assert read(relation, mode="merge") == relation


def test_members_of_an_instance_and_of_an_entity_can_go() -> None:
    body = {"a": {"type": "Property", "value": 1, "unitCode": NULL, "b": NULL}, "scope": NULL, "expiresAt": NULL}
    assert entity_in(body, CORE, partial=True, mode="merge") == body
    whole = {"a": {"type": "Property", "value": 1}, "scope": NULL, "expiresAt": NULL}
    assert entity_in(body, CORE, partial=True, mode="update") == whole, "it is replaced, by one that has no such member"
    several = {"a": {"value": 1, "b": [{"value": 1}, {"value": NULL, "datasetId": "urn:d:1"}]}}
    assert entity_in(several, CORE, partial=True, mode="update")["a"]["b"] == {"type": "Property", "value": 1}
    refused({"a": {"value": 1, "datasetId": NULL}}, "a.datasetId", partial=True, mode="merge")


def test_only_a_merge_goes_into_values() -> None:
    assert read({"value": {"street": NULL}}, mode="merge") == {"value": {"street": NULL}}
    refused(said(a={"value": {"street": NULL}}), "a.value.street", mode="update")


def test_a_list_is_replaced_as_a_whole_so_nothing_in_it_can_go() -> None:
    for value in ([NULL], {"value": {"b": [1, NULL]}}, {"value": [{"b": NULL}]}, {"valueList": [1, NULL]}):
        with pytest.raises(BadRequest):
            read(value, mode="merge")


def test_json_null_says_nothing_in_any_mode() -> None:
    for mode in ("whole", "update", "merge"):
        for value in (None, {"value": None}, {"value": 1, "unitCode": None}, {"value": [None]}):
            refused(said(a=value), None, mode=mode)


def test_a_merge_leaves_unsaid_what_was_not_said() -> None:
    for value in (
        {"unitCode": "CEL"},
        {"value": 1},
        {"observedAt": AT},
        {"object": "urn:x:1"},
        {"b": {"value": 1}, "value": 2},
    ):
        assert attribute_in(value, CORE, "a") == value
    assert attribute_in(5, CORE, "a") == {"value": 5}
    assert attribute_in({"type": "Property", "unitCode": "CEL"}, CORE, "a") == {"type": "Property", "unitCode": "CEL"}
    assert attribute_in({"@context": {}, "value": 5}, CORE, "a") == {"value": 5}
    assert attribute_in({"value": 5}, CORE, "a", mode="whole") == {"type": "Property", "value": 5}
    with pytest.raises(BadRequest):
        attribute_in({"unitCode": "CEL"}, CORE, "a", mode="update")
    with pytest.raises(BadRequest):
        attribute_in({"value": 1}, CORE, "scope")


def test_a_merged_attribute_that_is_new_is_completed() -> None:
    assert completed({"value": 1, "unitCode": NULL, "b": {"object": "urn:x:1"}, "c": NULL}) == {
        "type": "Property",
        "value": 1,
        "b": {"type": "Relationship", "object": "urn:x:1"},
    }
    assert completed({"value": {"b": NULL, "c": {"d": NULL}}}) == {"type": "Property", "value": {"c": {}}}
    assert completed([{"value": POINT}]) == [{"type": "GeoProperty", "value": POINT}]
    for nothing in (NULL, {"unitCode": "CEL"}, {"type": "Property"}, {"value": NULL, "datasetId": "urn:d:1"}):
        with pytest.raises(BadRequest):
            completed(nothing)


# Out

DOC = said(
    temperature=[
        {"type": "Property", "value": 3.1, "unitCode": "CEL", "observedAt": AT},
        {"type": "Property", "value": 3.4, "datasetId": "urn:d:2"},
    ],
    name={"type": "LanguageProperty", "languageMap": {"en": "North", "de": "Nord", "fr-CH": "Nord (CH)"}},
    location={"type": "GeoProperty", "value": POINT, "expiresAt": AT},
    route={"type": "ListRelationship", "objectList": [{"object": "urn:x:1"}]},
    ref={"type": "Relationship", "object": "urn:x:1", "name": {"type": "LanguageProperty", "languageMap": {"en": "a"}}},
    raw={"type": "JsonProperty", "json": {"a": 1}},
    scope="/a",
    expiresAt=AT,
)
STAMPS = Stamps(0, 1_000_000, {"temperature": {"": [0, 1], "urn:d:2": [2_000_000, 3_000_000]}}, {})


def test_simplified_shows_values_alone() -> None:
    assert entity_out(DOC, CORE, "simplified") == said(
        temperature={"dataset": {"@none": 3.1, "urn:d:2": 3.4}},
        name={"languageMap": DOC["name"]["languageMap"]},
        location=POINT,
        route=["urn:x:1"],
        ref="urn:x:1",
        raw={"json": {"a": 1}},
        scope="/a",
    )


def test_concise_is_as_short_as_can_be_read_back() -> None:
    doc = said(
        a={"type": "Property", "value": 1},
        b={"type": "Property", "value": POINT},
        c={"type": "Property", "value": {"type": "x"}},
        d={"type": "Property", "value": [{"value": 1}]},
        e={"type": "Property", "value": {"street": "x"}},
        f={"type": "Relationship", "object": "urn:x:1"},
    )
    concise = entity_out(doc, CORE, "concise")
    assert concise == said(
        a=1,
        b={"type": "Property", "value": POINT},
        c={"value": {"type": "x"}},
        d={"value": [{"value": 1}]},
        e={"street": "x"},
        f={"object": "urn:x:1"},
    )
    assert entity_in(concise, CORE) == doc


def test_system_attributes_are_shown_only_when_asked_for() -> None:
    plain = entity_out(DOC, CORE, stamps=STAMPS)
    assert "expiresAt" not in plain
    assert "expiresAt" not in plain["location"]
    assert "createdAt" not in plain
    full = entity_out(DOC, CORE, stamps=STAMPS, sys_attrs=True)
    assert full["expiresAt"] == full["location"]["expiresAt"] == AT
    assert full["createdAt"] == "1970-01-01T00:00:00Z"
    assert full["modifiedAt"] == "1970-01-01T00:00:01Z"
    assert [one["modifiedAt"] for one in full["temperature"]] == ["1970-01-01T00:00:00.000001Z", "1970-01-01T00:00:03Z"]
    assert "createdAt" not in full["name"]
    one = said(a={"type": "Property", "value": 1})
    stamps = Stamps(0, 0, {"a": {"": [0, 0]}}, {})
    concise = entity_out(one, CORE, "concise", sys_attrs=True, stamps=stamps)
    assert concise["a"]["value"] == 1
    assert entity_out(DOC, CORE, sys_attrs=True) == DOC


def test_attributes_are_picked_and_omitted() -> None:
    assert set(entity_out(DOC, CORE, attrs={"raw"})) == {"id", "type", "scope", "raw"}
    assert set(entity_out(DOC, CORE, pick={"raw", "id"})) == {"id", "raw"}
    assert set(entity_out(DOC, CORE, omit={"raw", "scope"})) == {
        "id",
        "type",
        "temperature",
        "name",
        "location",
        "route",
        "ref",
    }
    assert "createdAt" not in entity_out(DOC, CORE, pick={"id"}, sys_attrs=True, stamps=STAMPS)


def test_instances_are_chosen_by_dataset() -> None:
    assert entity_out(DOC, CORE, datasets={"urn:d:2"})["temperature"] == DOC["temperature"][1]
    assert entity_out(DOC, CORE, datasets={"@none"})["temperature"] == DOC["temperature"][0]
    assert "raw" not in entity_out(DOC, CORE, datasets={"urn:d:2"})
    assert "temperature" not in entity_out(DOC, CORE, datasets={"urn:d:9"})


@pytest.mark.parametrize(
    ("lang", "text", "tag"),
    [
        ("de", "Nord", "de"),
        ("de-AT", "Nord", "de"),
        ("fr", "Nord (CH)", "fr-CH"),
        ("FR-ch", "Nord (CH)", "fr-CH"),
        ("sk, de;q=0.5, en;q=0.9", "North", "en"),
        ("sk;q=1,*;q=0.1", "North", "en"),
        ("*", "North", "en"),
        ("sk", "North", "en"),
        ("de;q=0", "North", "en"),
    ],
)
def test_a_language_makes_a_property_of_a_language_property(lang: str, text: str, tag: str) -> None:
    out = entity_out(DOC, CORE, lang=lang)
    assert out["name"] == {"type": "Property", "value": text, "lang": tag}
    assert out["ref"]["name"] == {"type": "Property", "value": "a", "lang": "en"}
    assert entity_out(DOC, CORE, "simplified", lang=lang)["name"] == text


@pytest.mark.parametrize("lang", ["", "en;q=2", "en;q=x", "en;x=1", "e n", "en,,de", "<"])
def test_a_language_that_cannot_be_read_is_a_bad_request(lang: str) -> None:
    with pytest.raises(BadRequest):
        entity_out(DOC, CORE, lang=lang)


def test_the_identity_is_recognised_and_nothing_else_is() -> None:
    assert is_identity(CORE)
    assert View(CORE).identity
    assert not is_identity(USER)
    assert not is_identity(CORE, "concise")
    assert not is_identity(CORE, sys_attrs=True)
    for more in ({"attrs": ["a"]}, {"pick": ["a"]}, {"omit": ["a"]}, {"datasets": ["@none"]}, {"lang": "en"}):
        assert not is_identity(CORE, **more)  # type: ignore[arg-type]


def test_what_hides_something_is_not_spliced() -> None:
    assert not spliceable(json_out(DOC))
    assert spliceable(json_out(said(a={"type": "Property", "value": 1})))


def test_forms_have_their_names() -> None:
    assert form_of("keyValues") == form_of("simplified") == "simplified"
    with pytest.raises(BadRequest):
        form_of("pretty")


def test_the_limits_are_the_callers() -> None:
    with pytest.raises(TooLarge):
        read([[[[1]]]], limits=Limits(depth=3))
    with pytest.raises(BadRequest):
        entity_in({"id": "urn:long:enough", "type": "T"}, CORE, limits=Limits(name=10))


def test_an_entity_of_ten_attributes_is_read_and_written_in_microseconds() -> None:
    body = said(
        **{
            f"attribute{n}": {"type": "Property", "value": n / 7, "unitCode": "CEL", "observedAt": AT}
            for n in range(10)
        }
    )
    began = time.perf_counter()
    for _ in range(200):
        entity_in(body, CORE)
    # A tenth of what it takes would be news; ten times as much is a lost fast path, on any machine.
    assert (time.perf_counter() - began) / 200 < 1e-3
