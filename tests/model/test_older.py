"""What older readers get (4.3.6.8)."""

from hansa.model.context import CORE
from hansa.model.older import older

DOC = {
    "id": "urn:a:b",
    "type": ["T", "U"],
    "scope": "/a",
    "expiresAt": "2027-01-01T00:00:00Z",
    "p": {"type": "Property", "value": 1, "unitCode": "CEL", "observedAt": "2026-01-01T00:00:00Z", "valueType": "x"},
    "several": [{"type": "Property", "value": 1, "datasetId": "urn:d:1"}, {"type": "Property", "value": 2}],
    "l": {"type": "LanguageProperty", "languageMap": {"en": "x"}},
    "v": {"type": "VocabProperty", "vocab": ["A", "https://example.org/B"]},
    "j": {"type": "JsonProperty", "json": {"a": 1}},
    "n": {"type": "ListProperty", "valueList": [1, 2]},
    "r": {
        "type": "Relationship",
        "object": "urn:a:c",
        "objectType": "T",
        "why": {"type": "VocabProperty", "vocab": "W"},
    },
    "s": {"type": "ListRelationship", "objectList": [{"object": "urn:a:c"}, {"object": "urn:a:d"}]},
    "g": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [1, 2]}},
}


def test_a_reader_of_this_version_or_a_newer_one_gets_what_is_there():
    assert older(DOC, (1, 9), CORE.compact) is DOC
    assert older(DOC, (2, 0), CORE.compact) is DOC


def test_a_reader_of_the_last_version_misses_only_what_is_new():
    found = older(DOC, (1, 8), CORE.compact)
    assert found == {k: v for k, v in DOC.items() if k != "expiresAt"} | {
        "p": {k: v for k, v in DOC["p"].items() if k != "valueType"}
    }


def test_what_an_older_reader_does_not_know_falls_back_to_properties_and_relationships():
    found = older(DOC, (1, 5), CORE.compact)
    assert found["v"] == {"type": "Property", "value": ["A", "https://example.org/B"]}
    assert found["j"] == {"type": "Property", "value": {"a": 1}}
    assert found["n"] == {"type": "Property", "value": [1, 2]}
    assert found["s"] == {"type": "Relationship", "object": ["urn:a:c", "urn:a:d"]}
    assert found["r"] == {"type": "Relationship", "object": "urn:a:c", "why": {"type": "Property", "value": "W"}}
    assert found["l"] == DOC["l"]
    assert found["scope"] == "/a"
    assert found["several"] == DOC["several"]


def test_the_first_readers_get_one_type_one_instance_and_little_else():
    found = older(DOC, (1, 0), CORE.compact)
    assert found["type"] == "T"
    assert "scope" not in found
    assert found["several"] == {"type": "Property", "value": 2}
    assert found["p"] == {"type": "Property", "value": 1}
    assert found["l"] == {"type": "Property", "value": {"en": "x"}}
    assert found["g"] == DOC["g"]


def test_what_was_always_there_is_left_as_it_is():
    plain = {"id": "urn:a:b", "type": "T", "p": {"type": "Property", "value": 1}}
    assert older(plain, (1, 0), CORE.compact) is plain
