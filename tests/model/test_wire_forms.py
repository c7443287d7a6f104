"""Whatever comes in, in whichever form, gives one document or a BadRequest; whatever goes out can come back."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.errors import BadRequest
from hansa.model.context import CORE, Context
from hansa.model.entity import Entity, Stamps
from hansa.model.terms import Load
from hansa.model.wire import (
    NULL,
    attribute_in,
    completed,
    entity_in,
    entity_out,
    form_of,
    json_in,
    json_out,
    spliceable,
)

ID = "urn:ngsi-ld:WeatherObserved:north"
POINT = {"type": "Point", "coordinates": [17.1, 48.1]}
AT = "2026-11-22T18:00:00Z"
STAMPS = Stamps(0, 1_000_000, {"temperature": {"": [0, 1], "urn:d:1": [2_000_000, 3_000_000]}}, {})
NO_LOAD: Load = {}.__getitem__
USER = Context.of(
    {"ex": "https://example.org/", "warmth": "ex:warmth", "Station": "ex:Station", "Blue": "ex:Blue", "by": "ex:by"},
    NO_LOAD,
)

NAMES = st.sampled_from(["a", "b", "temperature", "https://example.org/warmth", "größe", "status"])
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["urn:x:1", AT]),
)
VALUES = st.recursive(
    SCALARS | st.just(POINT),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "value", "x", "@type", "unitCode", "datasetId", ""]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
URIS = st.sampled_from(["urn:x:1", "urn:ngsi-ld:Device:1", "https://example.org/x"])
TAGS = st.sampled_from(["en", "de-AT", "@none"])
TERMS = st.sampled_from(["Blue", "https://example.org/Blue", "DateTime"])


def shaped(kind: str, member: str, values: st.SearchStrategy[Any], **more: Any) -> st.SearchStrategy[dict[str, Any]]:
    always = {"type": st.just(kind), member: values}
    return st.fixed_dictionaries(always, optional={"observedAt": st.just(AT), "expiresAt": st.just(AT), **more})


BARE = st.one_of(
    shaped("Property", "value", VALUES, unitCode=st.just("CEL"), valueType=TERMS),
    shaped("GeoProperty", "value", st.just(POINT)),
    shaped("Relationship", "object", URIS | st.lists(URIS, min_size=1, max_size=3), objectType=TERMS),
    shaped("LanguageProperty", "languageMap", st.dictionaries(TAGS, st.text(max_size=5))),
    shaped("VocabProperty", "vocab", TERMS | st.lists(TERMS, min_size=1, max_size=3)),
    shaped("JsonProperty", "json", st.dictionaries(st.text(max_size=3), VALUES | st.none(), max_size=3)),
    shaped("ListProperty", "valueList", st.lists(VALUES, max_size=3)),
    shaped("ListRelationship", "objectList", st.lists(URIS.map(lambda uri: {"object": uri}), max_size=3)),
)  # fmt: skip
INSTANCES = st.recursive(
    BARE,
    lambda inner: st.builds(
        lambda one, name, sub: {**one, name: sub}, BARE, st.sampled_from(["accuracy", "https://example.org/by"]), inner
    ),
    max_leaves=3,
)
ENTRIES = INSTANCES | st.lists(INSTANCES, min_size=2, max_size=3).map(
    lambda many: [one if at == 0 else {**one, "datasetId": f"urn:d:{at}"} for at, one in enumerate(many)]
)
DOCS = st.builds(
    lambda kinds, attributes, more: {"id": ID, "type": kinds, **more, **attributes},
    st.sampled_from(["T", ["T", "https://example.org/Station"]]),
    st.dictionaries(NAMES, ENTRIES, max_size=4),
    st.fixed_dictionaries({}, optional={"scope": st.sampled_from(["/a", ["/a", "/b/c"]]), "expiresAt": st.just(AT)}),
)


@settings(max_examples=200, deadline=None)
@given(DOCS)
def test_a_canonical_document_goes_out_as_it_came_in(doc: dict[str, Any]) -> None:
    assert entity_in(doc, CORE) == doc
    assert entity_out(doc, CORE, sys_attrs=True) == doc
    stored = json_out(doc)
    assert json_in(stored) == doc
    if spliceable(stored):
        assert entity_out(doc, CORE) == doc


@settings(max_examples=300, deadline=None)
@given(DOCS, st.sampled_from([CORE, USER]), st.sampled_from(["normalized", "concise"]))
def test_no_form_but_simplified_loses_anything(doc: dict[str, Any], context: Context, form: Any) -> None:
    out = entity_out(doc, context, form, sys_attrs=True)
    assert entity_in(json_in(json_out(out)), context) == doc


@settings(max_examples=100, deadline=None)
@given(DOCS)
def test_every_document_can_be_shown_in_every_way(doc: dict[str, Any]) -> None:
    for form in ("normalized", "concise", "simplified"):
        out = entity_out(doc, USER, form_of(form), stamps=STAMPS, sys_attrs=True, lang="en", omit={"a"})
        json_out(out)
    Entity(doc).names  # noqa: B018 - an app can read it


WORDS = st.sampled_from(
    ["id", "type", "@id", "@type", "value", "object", "languageMap", "vocab", "json", "valueList", "objectList", "a",
     "b", "dataset", "datasetId",
     "observedAt", "unitCode", "scope", "entity", "@value", "@context", "coordinates", "lang"]
)  # fmt: skip
SAID = st.sampled_from(
    [
        "Property",
        "GeoProperty",
        "Relationship",
        "LanguageProperty",
        "ListProperty",
        "Point",
        "urn:x:1",
        NULL,
        AT,
        "@none",
    ]
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | SAID,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=600, deadline=None)
@given(
    JUNK | st.dictionaries(WORDS, JUNK, max_size=5).map(lambda body: {**body, "id": ID, "type": "T"}),
    st.booleans(),
    st.sampled_from(["whole", "update", "merge"]),
    st.booleans(),
    st.sampled_from([CORE, USER]),
)
def test_whatever_comes_in_gives_a_document_or_a_bad_request(
    body: Any, partial: bool, mode: Any, simplified: bool, context: Context
) -> None:
    try:
        doc = entity_in(body, context, partial=partial, mode=mode, simplified=simplified)
    except BadRequest:
        return
    json_out(doc)
    if mode == "whole":
        assert entity_in(doc, CORE, partial=partial) == doc
        for form in ("normalized", "concise", "simplified"):
            json_out(entity_out(doc, context, form, lang="en"))


@settings(max_examples=300, deadline=None)
@given(JUNK, st.sampled_from(["whole", "update", "merge"]))
def test_whatever_is_said_of_an_attribute_gives_instances_or_a_bad_request(body: Any, mode: Any) -> None:
    try:
        entry = attribute_in(body, CORE, "a", mode=mode)
    except BadRequest:
        return
    json_out(entry)
    if mode == "merge":
        try:
            whole = completed(entry)
        except BadRequest:
            return
        assert attribute_in(whole, CORE, "a", mode="whole") == whole


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:0123456789.eE+-\\u null', max_size=60).map(str.encode))
def test_whatever_bytes_come_in_give_json_or_a_bad_request(body: bytes) -> None:
    try:
        found = json_in(body)
    except BadRequest:
        return
    json_out(found)
