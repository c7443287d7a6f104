"""What the standard says of certain names and members when they come in: each with its place when it is wrong."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.errors import BadRequest
from hansa.limits import Limits
from hansa.model.context import CORE
from hansa.model.wire import check_unique, entity_in, json_in
from hansa.model.wire_values import uri

NULL = "urn:ngsi-ld:null"
MERGE = {"simplified": "merge"}
POINT = {"type": "Point", "coordinates": [17.1, 48.1]}
PLACE = {"type": "GeoProperty", "value": POINT}


def read(mode: Any = "whole", **said: Any) -> dict[str, Any]:
    """The attributes of what is read; `mode` is "simplified" for a merge in that form."""
    simplified = mode == "simplified"
    doc = entity_in({"id": "urn:x:1", "type": "T", **said}, CORE, mode=MERGE.get(mode, mode), simplified=simplified)
    return {name: value for name, value in doc.items() if name not in {"id", "type"}}


def where(mode: Any = "whole", **said: Any) -> str | None:
    """The place of what is wrong."""
    with pytest.raises(BadRequest) as refused:
        read(mode, **said)
    return refused.value.where


# Output only members (5.2.5 and its like): passed over where they belong, refused where they are prohibited

VALUES: dict[str, tuple[str, Any, Any]] = {
    "Property": ("value", 1, 2),
    "GeoProperty": ("value", POINT, POINT),
    "Relationship": ("object", "urn:x:2", "urn:x:3"),
    "LanguageProperty": ("languageMap", {"en": "a"}, {"en": "b"}),
    "VocabProperty": ("vocab", "A", "B"),
    "JsonProperty": ("json", {"a": 1}, {"a": 2}),
    "ListProperty": ("valueList", [1], [2]),
    "ListRelationship": ("objectList", [{"object": "urn:x:2"}], [{"object": "urn:x:3"}]),
}


@pytest.mark.parametrize("kind", VALUES)
def test_the_previous_value_is_passed_over_in_its_own_kind_and_refused_in_others(kind: str) -> None:
    member, value, before = VALUES[kind]
    one = {"type": kind, member: value}
    for other, (name, _, _) in VALUES.items():
        previous = f"previous{name[0].upper()}{name[1:]}"
        if name == member:
            assert read(a={**one, previous: before}) == {"a": one}
        else:
            assert where(a={**one, previous: before}) == f"a.{previous}", other
        if name != member:
            assert where(a={**one, name: before}) == f"a.{name}"


@pytest.mark.parametrize("kind", VALUES)
def test_only_some_kinds_have_a_unit_a_value_type_or_an_object_type(kind: str) -> None:
    member, value, _ = VALUES[kind]
    one = {"type": kind, member: value}
    for name, said, kinds in (
        ("unitCode", "CEL", {"Property", "ListProperty"}),
        ("valueType", "langString", VALUES.keys() - {"Relationship", "ListRelationship"}),
        ("objectType", "Stop", {"Relationship", "ListRelationship"}),
    ):
        if kind in kinds:
            assert read(a={**one, name: said}) == {"a": {**one, name: said}}
        else:
            assert where(a={**one, name: said}) == f"a.{name}"


def test_the_value_type_of_languages_is_the_one_there_is() -> None:
    languages = {"type": "LanguageProperty", "languageMap": {"en": "a"}}
    assert read(a={**languages, "valueType": "langString"})["a"]["valueType"] == "langString"
    assert where(a={**languages, "valueType": "xsd:string"}) == "a.valueType"


# Names that the standard defines

PLACES = ["location", "observationSpace", "operationSpace"]


@pytest.mark.parametrize("name", PLACES)
def test_a_place_of_the_standard_is_a_geometry_however_it_is_written(name: str) -> None:
    text = '{"type": "Point", "coordinates": [17.1, 48.1]}'
    for said in (PLACE, POINT, text, {"value": POINT}, {"value": text}, {"type": "GeoProperty", "value": text}):
        assert read(**{name: said}) == {name: PLACE}
        assert read("merge", **{name: said}) == {name: PLACE}
    assert read("simplified", **{name: POINT}) == {name: PLACE}
    assert read("merge", **{name: NULL}) == {name: NULL}
    assert read("merge", **{name: {"value": NULL}}) == {name: NULL}
    several = [PLACE, {**PLACE, "datasetId": "urn:d:1"}]
    assert read(**{name: several}) == {name: several}


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize(
    "bad",
    [7, "here", [7], {"type": "Property", "value": 7}, {"value": 7}, {"type": "Relationship", "object": "urn:x:1"},
     {"object": "urn:x:1"}, True, {"x": 1}, [PLACE, {"type": "Property", "value": 1, "datasetId": "urn:d:1"}]],
)  # fmt: skip
def test_a_place_of_the_standard_is_nothing_else(name: str, bad: Any) -> None:
    assert (where(**{name: bad}) or "").startswith(name)


def test_an_attributes_own_location_is_nobodys_but_its_own() -> None:
    inner = {"type": "Property", "value": "upstairs"}
    assert read(a={"value": 1, "location": "upstairs"})["a"]["location"] == inner


def test_a_proof_is_an_object_and_alone_may_be_sealed() -> None:
    proof = {"type": "Property", "value": {"type": "DataIntegrityProof"}, "entityIdSealed": "urn:x:1"}
    sealed = {**proof, "entityTypeSealed": "T"}
    assert read(ngsildproof=sealed) == {"ngsildproof": sealed}
    assert read(a={"value": 1, "ngsildproof": sealed})["a"]["ngsildproof"] == sealed
    assert where(ngsildproof={**proof, "value": "x"}) == "ngsildproof.value"
    assert where(ngsildproof="x") == "ngsildproof.value"
    assert where(ngsildproof={**proof, "entityTypeSealed": 42}) == "ngsildproof.entityTypeSealed"
    assert where(a={"value": 1, "ngsildproof": {**proof, "value": [1]}}) == "a.ngsildproof.value"
    assert where(a={**proof}) == "a.entityIdSealed"


def test_what_json_ld_means_by_a_word_is_no_type() -> None:
    for word in ("type", "id", "@type", "@id", "@none"):
        assert where(type=word) == "type"
        assert where(type=["T", word]) == "type"


def test_what_is_said_in_two_words_is_said_twice() -> None:
    assert entity_in({"@id": "urn:x:1", "@type": "T"}, CORE) == {"id": "urn:x:1", "type": "T"}
    assert where(**{"@id": "urn:x:1"}) == "id"
    assert where(**{"@type": "T"}) == "type"
    assert read(a={"@type": "Property", "value": 1}) == {"a": {"type": "Property", "value": 1}}
    assert read(a={"type": "Property", "@type": "Property", "value": 1}) == {"a": {"type": "Property", "value": 1}}
    assert where(a={"type": "Property", "@type": "Relationship", "value": 1}) == "a.@type"


def test_a_dataset_of_the_simplified_form_can_go() -> None:
    read_ = read("simplified", a={"dataset": {"@none": 1, "urn:d:1": NULL}})
    assert read_ == {"a": [{"value": 1}, {"value": NULL, "datasetId": "urn:d:1"}]}
    assert where("simplified", a={"dataset": {"no URI": 1}}) == "a.no URI"


# Ids that look like others (4.5.1, RFC 3987)

SEEN = "ßÿĀπЖא中あ한글𝛑😀"
UNSEEN = [0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x180E, 0x200B, 0x200F, 0x202E, 0x2060, 0x2066, 0x2800, 0x3164,
          0xD800, 0xE000, 0xFDD0, 0xFE0F, 0xFEFF, 0xFFA0, 0xFFF9, 0xFFFE, 0x1D173, 0x1FFFE, 0xE0001, 0xE0100, 0xF0000,
          0x10FFFF, 0x85, 0x7F]  # fmt: skip


@pytest.mark.parametrize("code", UNSEEN, ids=hex)
def test_an_id_holds_nothing_that_nobody_sees(code: int) -> None:
    with pytest.raises(BadRequest):
        uri(f"urn:x:a{chr(code)}b", "id", Limits())


@pytest.mark.parametrize("sign", SEEN)
def test_an_id_may_hold_the_letters_of_any_tongue(sign: str) -> None:
    assert uri(f"urn:x:{sign}", "id", Limits()) == f"urn:x:{sign}"


# Names said twice in one object

docs = st.recursive(
    st.integers() | st.text(st.sampled_from('a:"\\ \u00e9\n'), max_size=4) | st.none(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b:", 'c"', "d\\"]), inner),
)


@given(docs, st.sampled_from([None, 1]), st.booleans())
def test_what_is_said_once_passes_however_it_is_written(value: Any, indent: int | None, ascii_only: bool) -> None:
    body = json.dumps(value, indent=indent, ensure_ascii=ascii_only).replace("b:", "b\\u003a").encode()
    check_unique(body, json_in(body))


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"a":1,"a":1}', "a"),
        (b'{"id":"urn:x:1","x":{"value":1,"value":2}}', "value"),
        (b'[{"a":[{"b" : 1,\n"c":2,"b"\t: {}}]}]', "b"),
        (b'{"a":":", "b":1, "b":":"}', "b"),
        (b'{"a":1,"\\u0061":2}', "a"),
    ],
)
def test_what_is_said_twice_is_named(body: bytes, name: str) -> None:
    with pytest.raises(BadRequest) as refused:
        check_unique(body, json_in(body))
    assert refused.value.where == name
