"""In which order entities stand (4.23)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.errors import BadRequest
from hansa.limits import Limits
from hansa.model.entity import Stamps
from hansa.model.ordering import Ordering
from hansa.model.qlang import identity


def prop(value, **more):
    return {"type": "Property", "value": value, **more}


def sort(docs, order_by, stamps=None, **more):
    """The keys of documents, given as {key: members}, in order."""
    ordering = Ordering.parse(order_by, identity, **more)
    whole = {key: {"id": f"urn:x:{key}", "type": "T", **doc} for key, doc in docs.items()}
    return [key for key, doc in sorted(whole.items(), key=lambda one: ordering.key(one[1], (stamps or {}).get(one[0])))]


MIXED = {
    "number": {"a": prop(5)},
    "string": {"a": prop("abc")},
    "object": {"a": prop({"x": 1})},
    "array": {"a": {"type": "ListProperty", "valueList": [1]}},
    "truth": {"a": prop(True)},
    "time": {"a": prop("10:00:00Z")},
    "date": {"a": prop("2026-11-22")},
    "moment": {"a": prop("2026-11-22T10:00:00Z")},
    "null": {"a": {"type": "JsonProperty", "json": None}},
    "absent": {},
}


def test_values_stand_among_their_own_kind_and_what_is_absent_comes_last():
    assert sort(dict(reversed(MIXED.items())), "a") == list(MIXED)
    assert sort(MIXED, "a;desc") == [*list(MIXED)[7::-1], "null", "absent"]


def test_numbers_strings_and_times_stand_as_such():
    docs = {str(i): {"a": prop(value)} for i, value in enumerate([10, 9, -1.5, 9.5])}
    assert sort(docs, "a") == ["2", "1", "3", "0"]
    assert sort(docs, "a;desc") == ["0", "3", "1", "2"]
    docs = {str(i): {"a": prop(value)} for i, value in enumerate(["b", "á", "A", "a"])}
    assert sort(docs, "a") == ["3", "2", "1", "0"]
    docs = {
        "late": {"a": prop({"@type": "DateTime", "@value": "2026-01-01T10:00:00Z"})},
        "early": {"a": prop("2026-01-01T09:59:59.5Z")},
    }
    assert sort(docs, "a") == ["early", "late"]


def test_one_term_after_the_other_and_then_the_id():
    docs = {"c": {"a": prop(1), "b": prop(1)}, "b": {"a": prop(1), "b": prop(2)}, "a": {"a": prop(2), "b": prop(1)}}
    assert sort(docs, "a,b") == ["c", "b", "a"]
    assert sort(docs, "b;desc,a;asc") == ["b", "c", "a"]
    assert sort(docs, "zzz") == ["a", "b", "c"]
    assert sort(docs, "id;desc") == ["c", "b", "a"]


def test_paths_lead_to_sub_attributes_members_of_values_and_stamps():
    docs = {
        "x": {"a": prop({"city": "Zürich"}, observedAt="2026-01-02T00:00:00Z", s=prop(1))},
        "y": {"a": prop({"city": "Amsterdam"}, observedAt="2026-01-03T00:00:00Z", s=prop(0))},
    }
    assert sort(docs, "a[city]") == ["y", "x"]
    assert sort(docs, "a.observedAt") == ["x", "y"]
    assert sort(docs, "a.s") == ["y", "x"]
    assert sort(docs, "a.s.nothing") == ["x", "y"]
    stamps = {"x": Stamps(2, 3, {"a": {"": [5, 5]}}, {}), "y": Stamps(1, 4, {"a": {"": [6, 4]}}, {})}
    assert sort(docs, "createdAt", stamps) == ["y", "x"]
    assert sort(docs, "modifiedAt", stamps) == ["x", "y"]
    assert sort(docs, "a.createdAt", stamps) == ["x", "y"]
    assert sort(docs, "a.modifiedAt", stamps) == ["y", "x"]


def test_of_several_instances_the_default_counts_and_of_languages_the_default():
    docs = {
        "x": {
            "a": [prop(0, datasetId="urn:d:1"), prop(9)],
            "l": {"type": "LanguageProperty", "languageMap": {"en": "z"}},
        },
        "y": {"a": prop(5), "l": {"type": "LanguageProperty", "languageMap": {"en": "zz", "@none": "a"}}},
    }
    assert sort(docs, "a") == ["y", "x"]
    assert sort(docs, "l") == ["y", "x"]
    assert sort(docs, "l[en]") == ["x", "y"]
    linked = {
        "x": {"a": {"type": "Relationship", "object": "urn:b"}},
        "y": {"a": {"type": "Relationship", "object": "urn:a"}},
    }
    assert sort(linked, "a") == ["y", "x"]


def point(lon, lat):
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [lon, lat]}}


def test_by_distance_the_nearest_comes_first_and_what_has_no_place_last():
    docs = {"far": {"a": point(10, 45)}, "near": {"a": point(8.1, 40)}, "text": {"a": prop("x")}, "none": {}}
    assert sort(docs, "a;dist-asc", order_from="[8,40]") == ["near", "far", "text", "none"]
    assert sort(docs, "a;dist-desc", order_from="[8,40]") == ["far", "near", "text", "none"]
    line = sort(docs, "a;dist-asc", order_from="[[10,45],[11,46]]", order_geometry="LineString")
    assert line[:2] == ["far", "near"]


def test_an_ordering_has_a_largest_size():
    with pytest.raises(BadRequest):
        Ordering.parse(",".join(["a"] * 65), identity)
    with pytest.raises(BadRequest):
        Ordering.parse("a;dist-asc", identity, order_from="[" + "[1,2]," * 20 + "[1,2]]", order_geometry="LineString",
                       limits=Limits(geometry=10))  # fmt: skip


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | st.text(max_size=3)
    | st.sampled_from(["2026-11-22", "2026-13-45", "10:00:00Z", "2026-11-22T10:00:00Z", "2026"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


@given(values=st.lists(_values, max_size=6), text=st.sampled_from(["a", "a;desc", "a[x],a;asc", "a;dist-asc,a"]))
def test_whatever_is_stored_has_one_order(values, text):
    docs = {str(i): {"a": prop(value)} for i, value in enumerate(values)}
    order = sort(docs, text, order_from="[8,40]")
    assert order == sort(dict(reversed(docs.items())), text, order_from="[8,40]")
    assert sorted(order) == sorted(docs)
