"""One instance of an attribute and a fragment laid over it (5.5.8, 5.5.12): members, values, and its own attributes."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.errors import BadRequest
from hansa.model.context import CORE
from hansa.model.wire import attribute_in
from hansa.platform.patch import find, is_null, merged, updated

NULL = "urn:ngsi-ld:null"
D1, D2 = {"datasetId": "urn:d:1"}, {"datasetId": "urn:d:2"}


def value(of: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": of, **more}


def said(body: Any) -> Any:
    """What somebody writes, as a merge reads it."""
    return attribute_in(body, CORE, "a", mode="merge")


def merge(old: dict[str, Any] | None, body: Any, lang: str | None = None, *, same_kind: bool = False) -> Any:
    kept = copy.deepcopy(old)
    new = merged(old, said(body), lang=lang, same_kind=same_kind)
    assert old == kept
    return new


LANGUAGES = {"type": "LanguageProperty", "languageMap": {"en": "water", "sk": "voda"}}
LIST = {"type": "ListProperty", "valueList": [1, 2]}
ROUTE = {"type": "ListRelationship", "objectList": [{"object": "urn:x:1"}]}
LINK = {"type": "Relationship", "object": "urn:x:1", "objectType": "Stop"}
PLACE = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [1, 2]}}
BLOB = {"type": "JsonProperty", "json": {"a": 1, "b": None}}
TERM = {"type": "VocabProperty", "vocab": "Male"}


@pytest.mark.parametrize(
    ("old", "body", "new"),
    [
        (value(1, unitCode="CEL"), {"value": 2}, value(2, unitCode="CEL")),
        (value(1, unitCode="CEL"), 2, value(2, unitCode="CEL")),
        (value(1, unitCode="CEL"), {"unitCode": NULL, "value": 3}, value(3)),
        (value({"x": 1, "y": {"z": 1}}), {"value": {"y": {"z": NULL, "w": 2}}}, value({"x": 1, "y": {"w": 2}})),
        (value(5), {"value": {"x": {"y": NULL}}}, value({"x": {}})),
        (value([1, 2]), {"value": [3]}, value([3])),
        (LANGUAGES, {"languageMap": {"en": NULL, "de": "Wasser"}},
         {**LANGUAGES, "languageMap": {"sk": "voda", "de": "Wasser"}}),
        (LIST, {"value": [3]}, {**LIST, "valueList": [3]}),
        (LIST, {"valueList": [3]}, {**LIST, "valueList": [3]}),
        (ROUTE, {"objectList": ["urn:x:2"]}, {**ROUTE, "objectList": [{"object": "urn:x:2"}]}),
        (LINK, {"object": ["urn:x:2", "urn:x:3"]}, {**LINK, "object": ["urn:x:2", "urn:x:3"]}),
        (LINK, {"objectType": NULL}, {"type": "Relationship", "object": "urn:x:1"}),
        (PLACE, {"type": "Point", "coordinates": [3, 4]}, {**PLACE, "value": {"type": "Point", "coordinates": [3, 4]}}),
        (BLOB, {"json": {"b": 2, "a": NULL, "c": None}}, {**BLOB, "json": {"b": 2, "c": None}}),
        (TERM, {"vocab": ["A", "B"]}, {**TERM, "vocab": ["A", "B"]}),
        (value(1), {"type": "Relationship", "object": "urn:x:9"}, {"type": "Relationship", "object": "urn:x:9"}),
    ],
)  # fmt: skip
def test_a_merge_goes_down_into_every_kind(old: dict[str, Any], body: Any, new: dict[str, Any]) -> None:
    assert merge(old, body) == new


def test_what_is_new_is_made_whole_and_of_what_is_null_nothing() -> None:
    assert merge(None, {"value": {"x": NULL, "y": 1}, "unitCode": NULL, "sub": {"value": 2}}) == value(
        {"y": 1}, sub=value(2)
    )
    assert merge(None, {"json": {"x": NULL, "y": None}}) == {"type": "JsonProperty", "json": {"y": None}}
    with pytest.raises(BadRequest, match="needs a value"):
        merge(None, {"unitCode": "CEL"})


SEVERAL = [value(1), value(2, **D1)]


@pytest.mark.parametrize(
    ("old", "body", "new"),
    [
        (SEVERAL, {"value": 5}, [value(5), value(2, **D1)]),
        (SEVERAL, {"value": 5, **D1}, [value(1), value(5, **D1)]),
        (SEVERAL, {"value": 5, **D2}, [*SEVERAL, value(5, **D2)]),
        (SEVERAL, [{"value": NULL, **D1}, {"value": 7}], value(7)),
        (SEVERAL, NULL, value(2, **D1)),
        (SEVERAL, {"value": NULL, **D2}, SEVERAL),
        (value(1, deep=value(2)), {"deep": {"value": 3}, "value": 1}, value(1, deep=value(3))),
        (value(1, deep=value(2)), {"deep": NULL, "unitCode": "CEL"}, value(1, unitCode="CEL")),
        (value(1), {"type": "Relationship", "object": "urn:x:1"}, {"type": "Relationship", "object": "urn:x:1"}),
        (None, {"value": 5}, value(5)),
        (None, NULL, None),
    ],
)
def test_a_merge_finds_the_same_instance_of_an_attributes_own_attribute(old: Any, body: Any, new: Any) -> None:
    before = value(1) if old is None else value(1, sub=old)
    assert merge(before, {"sub": body, "value": 1}) == (value(1) if new is None else value(1, sub=new))


def test_a_partial_update_puts_whole_members_in_the_place_of_others() -> None:
    old = value({"x": 1, "y": 2}, unitCode="CEL", sub=SEVERAL)
    assert updated(old, said({"value": {"x": 3}})) == value({"x": 3}, unitCode="CEL", sub=SEVERAL)
    assert updated(old, said({"unitCode": NULL, "value": 1})) == value(1, sub=SEVERAL)
    assert updated(old, said({"value": 1, "sub": {"value": 9}})) == value(
        1, unitCode="CEL", sub=[value(9), value(2, **D1)]
    )
    assert updated(old, said({"value": 1, "sub": [{"value": NULL}, {"value": NULL, **D1}]})) == value(1, unitCode="CEL")
    with pytest.raises(BadRequest) as refused:
        updated(old, said({"type": "Relationship", "object": "urn:x:1"}))
    assert refused.value.where == "type"
    with pytest.raises(BadRequest) as refused:
        updated(old, said({"value": 1, "sub": {"unitCode": "CEL"}}))
    assert refused.value.where == "sub", "what is replaced needs to be whole"


def test_what_is_simplified_speaks_of_the_kind_that_is_there() -> None:
    assert merge(LANGUAGES, "eau", "fr", same_kind=True)["languageMap"] == {"en": "water", "sk": "voda", "fr": "eau"}
    assert merge(LANGUAGES, ["eau"], "fr", same_kind=True)["languageMap"]["fr"] == ["eau"]
    assert merge(LANGUAGES, "eau", same_kind=True)["languageMap"]["@none"] == "eau"
    assert merge(LINK, "urn:x:7", same_kind=True) == {**LINK, "object": "urn:x:7"}
    assert merge(ROUTE, ["urn:x:7"], same_kind=True) == {**ROUTE, "objectList": [{"object": "urn:x:7"}]}
    for old, body in ((TERM, "Male"), (LINK, "no URI"), (PLACE, 5), (BLOB, 5), (LIST, 5), (value(1), {"vocab": "x"})):
        with pytest.raises(BadRequest):
            merge(old, body, same_kind=True)


def test_instances_are_told_apart_by_their_dataset() -> None:
    assert find(SEVERAL, None) == value(1)
    assert find(SEVERAL, "urn:d:1") == value(2, **D1)
    assert find(SEVERAL, "urn:d:2") is None
    assert find(value(1), "urn:d:1") is None
    assert find(None, None) is None
    assert is_null({"object": NULL})
    assert not is_null(value("x", unitCode=NULL))


leaf = st.none() | st.integers(0, 2) | st.sampled_from(["x", NULL])
trees = st.recursive(leaf, lambda inner: st.dictionaries(st.sampled_from("xyz"), inner, max_size=3), max_leaves=8)


def rfc7396(target: Any, patch: Any) -> Any:
    """The pseudocode of RFC 7396, section 2, word for word, with the NGSI-LD Null for null."""
    if isinstance(patch, dict):
        if not isinstance(target, dict):
            target = {}
        target = dict(target)
        for name, inner in patch.items():
            if inner == NULL:
                target.pop(name, None)
            else:
                target[name] = rfc7396(target.get(name), inner)
        return target
    return patch


@given(trees.filter(lambda one: one != NULL), trees.filter(lambda one: one != NULL))
def test_values_merge_as_rfc_7396_says(old: Any, new: Any) -> None:
    before = {"type": "JsonProperty", "json": [old]}
    assert merged(value(old), {"value": new}, lang=None, same_kind=False)["value"] == rfc7396(old, new)
    assert merged(before, {"json": {"in": new}}, lang=None, same_kind=False)["json"] == rfc7396([old], {"in": new})
