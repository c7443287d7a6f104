"""What each kind of Write does to a state: tables, by hand, from the clauses of CIM 009 that `Kind` names."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa import clock
from hansa.errors import AlreadyExists, BadRequest, HansaError, NotFound
from hansa.model.change import EDITS, KINDS, Write
from hansa.model.entity import Stamps
from hansa.platform.merge import Merged, State, apply

T0 = clock.parse("2026-04-01T00:00:00Z")
NULL = "urn:ngsi-ld:null"
ID = "urn:x:a"
HERE = KINDS - EDITS - {"instances"}  # the others are about history


def value(said: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": said, **more}


def at(minute: int) -> dict[str, str]:
    return {"observedAt": clock.text(T0 + minute * 60 * clock.SECOND)}


def doc(kind: Any = "Thing", **said: Any) -> dict[str, Any]:
    return {"id": ID, "type": kind, **said}


def state(**said: Any) -> State:
    return apply(None, Write("create", ID, doc(**said)), T0).state


def after(before: State | None, kind: str, said: dict[str, Any] | None = None, **more: Any) -> Merged:
    return apply(before, Write(kind, ID, said or {}, **more), T0 + 7)  # type: ignore[arg-type]


def told(merged: Merged) -> list[tuple[str, str]]:
    return sorted((part.name, part.status) for part in merged.parts)


A1, A2, B1, B2 = value(1), value(2), value(10), value(20)
NONE = {"type": "Property", "value": NULL}
GOING = value(1, expiresAt=clock.text(T0))
STAYING = value(1, expiresAt=clock.text(T0 + 8))


def json_value(said: Any) -> dict[str, Any]:
    return {"type": "JsonProperty", "json": said}


JSON_X = json_value({"x": 1, "y": 2})

# (kind, what was, what is said, what then is, what happened)
TABLE: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any], list[tuple[str, str]]]] = [
    ("append", {"a": A1}, {"a": A2, "b": B1}, {"a": A2, "b": B1}, [("a", "updated"), ("b", "created")]),
    ("append", {"a": A1}, {"a": A1}, {"a": A1}, [("a", "updated")]),
    ("append_new", {"a": A1}, {"a": A2, "b": B1}, {"a": A1, "b": B1}, [("b", "created")]),
    ("append_new", {"a": A1}, {"a": A2}, {"a": A1}, []),
    ("update", {"a": A1, "b": B1}, {"a": A2}, {"a": A2, "b": B1}, [("a", "updated")]),
    ("update", {"a": A1}, {"a": NONE}, {}, [("a", "deleted")]),
    ("patch_attr", {"a": value(1, unitCode="CEL")}, {"a": {"value": 2}}, {"a": value(2, unitCode="CEL")},
     [("a", "updated")]),
    ("patch_attr", {"a": value(1, unitCode="CEL")}, {"a": {"unitCode": NULL}}, {"a": A1}, [("a", "updated")]),
    ("patch_attr", {"a": value({"x": 1, "y": 2})}, {"a": {"value": {"x": 3}}}, {"a": value({"x": 3})},
     [("a", "updated")]),
    ("patch_attr", {"a": A1}, {"a": {"value": NULL}}, {}, [("a", "deleted")]),
    ("replace_attr", {"a": value(1, unitCode="CEL")}, {"a": A2}, {"a": A2}, [("a", "updated")]),
    ("merge", {"a": value(1, unitCode="CEL")}, {"a": value(2)}, {"a": value(2, unitCode="CEL")}, [("a", "updated")]),
    ("merge", {"a": value({"x": 1, "y": 2})}, {"a": value({"x": 3, "z": 4})}, {"a": value({"x": 3, "y": 2, "z": 4})},
     [("a", "updated")]),
    ("merge", {"a": value({"x": 1, "y": 2})}, {"a": value({"x": NULL})}, {"a": value({"y": 2})}, [("a", "updated")]),
    ("merge", {"a": A1, "b": B1}, {"a": NONE, "b": B2}, {"b": B2}, [("a", "deleted"), ("b", "updated")]),
    ("merge", {"a": A1}, {"b": B1}, {"a": A1, "b": B1}, [("b", "created")]),
    ("replace", {"a": A1, "b": B1}, {"a": A2}, {"a": A2}, [("a", "updated"), ("b", "deleted")]),
    ("upsert", {"a": A1, "b": B1}, {"b": B2}, {"b": B2}, [("a", "deleted"), ("b", "updated")]),
    ("upsert_update", {"a": A1, "b": B1}, {"b": B2}, {"a": A1, "b": B2}, [("b", "updated")]),
    ("upsert_update", {"a": A1}, {"a": NONE, "b": B1}, {"b": B1}, [("a", "deleted"), ("b", "created")]),
    ("merge", {"a": JSON_X}, {"a": json_value({"y": None, "x": NULL})}, {"a": json_value({"y": None})},
     [("a", "updated")]),
    ("expire", {"a": GOING, "b": B1}, {}, {"b": B1}, [("a", "deleted")]),
    ("expire", {"a": [GOING, value(2, datasetId="urn:x:d")]}, {}, {"a": value(2, datasetId="urn:x:d")},
     [("a", "deleted")]),
    ("expire", {"a": value(1, sub=GOING, other=B1)}, {}, {"a": value(1, other=B1)}, [("a", "updated")]),
    ("expire", {"a": STAYING, "b": value({"expiresAt": "2001-01-01T00:00:00Z"})}, {},
     {"a": STAYING, "b": value({"expiresAt": "2001-01-01T00:00:00Z"})}, []),
    ("read", {"a": A1}, {"a": A1}, {"a": A1}, []),
    ("read", {"a": A1}, {"a": A2}, {"a": A2}, [("a", "updated")]),
    ("read", {"a": value(1, **at(5))}, {"a": value(1, **at(5))}, {"a": value(1, **at(5))}, []),
    ("read", {"a": value(1, **at(5))}, {"a": value(1, **at(6))}, {"a": value(1, **at(6))}, [("a", "updated")]),
    ("read", {"a": value(1, **at(5))}, {"a": value(2, **at(5))}, {"a": value(2, **at(5))}, [("a", "updated")]),
    ("read", {"a": value(1, **at(5))}, {"a": value(2, **at(4))}, {"a": value(1, **at(5))}, [("a", "late")]),
    ("read", {"a": value(1, **at(5))}, {"a": value(2, **at(4)), "b": B1}, {"a": value(1, **at(5)), "b": B1},
     [("a", "late"), ("b", "created")]),
    ("say", {"a": A1}, {"a": A1}, {"a": A1}, []),
    ("say", {"a": A1}, {"a": value(True)}, {"a": value(True)}, [("a", "updated")]),
    ("say", {"a": A1, "b": B1}, {"a": A2}, {"a": A2, "b": B1}, [("a", "updated")]),
    ("say", {"a": value(1, **at(5))}, {"a": value(2, **at(4))}, {"a": value(2, **at(4))}, [("a", "updated")]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "was", "said", "then", "happened"), TABLE)
def test_a_write_does_what_its_clause_says(
    kind: str, was: dict[str, Any], said: dict[str, Any], then: dict[str, Any], happened: list[tuple[str, str]]
) -> None:
    before = state(**was)
    kept = copy.deepcopy(before)
    merged = after(before, kind, doc(**said) if kind not in {"patch_attr", "replace_attr"} else {"id": ID, **said})
    assert merged.state.doc == doc(**then)
    assert told(merged) == happened
    assert before == kept, "the state before is not touched"
    assert not merged.new
    assert not merged.gone


def test_every_kind_is_in_a_test() -> None:
    assert {row[0] for row in TABLE} | {"create", "delete", "delete_attr"} >= HERE


@pytest.mark.parametrize("kind", ["create", "upsert", "upsert_update", "read", "say"])
def test_these_make_what_is_not_there(kind: str) -> None:
    merged = after(None, kind, doc(a=A1, scope="/north"))
    assert merged.new
    assert merged.state.doc == doc(a=A1, scope="/north")
    assert told(merged) == [("a", "created"), ("scope", "created"), ("type", "created")]
    assert merged.state.stamps.attrs == {"a": {"": [T0 + 7, T0 + 7]}}
    with pytest.raises(BadRequest, match="needs a type"):
        after(None, kind, {"id": ID, "a": A1})
    for name, null in (("b", NONE), ("b", NULL), ("scope", NULL), ("expiresAt", NULL)):
        with pytest.raises(BadRequest, match="take away") as refused:
            after(None, kind, doc(a=A1, **{name: null}))
        assert refused.value.where == name


@pytest.mark.parametrize(
    "kind",
    [
        "append", "append_new", "update", "patch_attr", "replace_attr", "delete_attr", "delete", "merge", "replace",
        "expire",
    ],
)  # fmt: skip
def test_these_need_one_that_is_there(kind: str) -> None:
    with pytest.raises(NotFound, match=ID):
        after(None, kind, doc(a=A1))
    gone = after(state(a=A1), "delete").state
    with pytest.raises(NotFound, match=ID):
        after(gone, kind, doc(a=A1))


def test_what_is_there_is_not_created_again() -> None:
    with pytest.raises(AlreadyExists, match=ID):
        after(state(a=A1), "create", doc(a=A1))
    gone = after(state(a=A1), "delete").state
    again = after(gone, "create", doc("Other", b=B1))
    assert again.new
    assert again.state.doc == doc("Other", b=B1), "what comes again brings nothing of what it was"
    assert again.state.stamps.created == T0 + 7


def test_deleting_says_what_was_taken_away() -> None:
    merged = after(state(a=A1, b=[B1, value(2, datasetId="urn:d:1")], scope="/x"), "delete")
    assert merged.gone
    assert merged.state.doc is None
    assert told(merged) == [("a", "deleted"), ("b", "deleted"), ("b", "deleted"), ("scope", "deleted"),
                            ("type", "deleted")]  # fmt: skip
    assert [part.old for part in merged.parts if part.name == "a"] == [A1]


def test_an_attribute_is_deleted_by_its_instance_or_whole() -> None:
    other = value(2, datasetId="urn:d:1")
    many = state(a=[A1, other])
    assert after(many, "delete_attr", name="a").state.doc == doc(a=other)
    assert after(many, "delete_attr", name="a", dataset="urn:d:1").state.doc == doc(a=A1)
    assert after(many, "delete_attr", name="a", dataset="@all").state.doc == doc()
    assert after(state(a=A1, scope="/x"), "delete_attr", name="scope").state.doc == doc(a=A1)
    for name, dataset in (("b", None), ("a", "urn:d:2"), ("b", "@all"), ("scope", None), (None, None)):
        with pytest.raises(NotFound, match="no attribute"):
            after(many, "delete_attr", name=name, dataset=dataset)


@pytest.mark.parametrize("kind", ["patch_attr", "replace_attr"])
def test_an_attribute_that_is_not_there_cannot_be_patched_or_replaced(kind: str) -> None:
    for said in ({"b": B1}, {"a": value(1, datasetId="urn:d:1")}):
        with pytest.raises(NotFound, match="no attribute"):
            after(state(a=A1), kind, {"id": ID, **said})


def test_a_patch_cannot_change_what_kind_of_attribute_it_is() -> None:
    with pytest.raises(BadRequest, match="Property") as fault:
        after(state(a=A1), "patch_attr", {"id": ID, "a": {"type": "Relationship", "object": "urn:x:b"}})
    assert fault.value.where == "a.type"
    merged = after(state(a=A1), "merge", doc(a={"type": "Relationship", "object": "urn:x:b"}))
    assert merged.state.doc == doc(a={"type": "Relationship", "object": "urn:x:b"}), "a merge puts the new one there"


def test_instances_are_told_apart_by_their_dataset() -> None:
    other, more = value(2, datasetId="urn:d:1"), value(3, datasetId="urn:d:2")
    merged = after(state(a=[A1, other]), "append", doc(a=more))
    assert merged.state.doc == doc(a=[A1, other, more])
    changed = value(5, datasetId="urn:d:1")
    assert after(merged.state, "append", doc(a=[changed])).state.doc == doc(a=[A1, changed, more]), "in its old place"
    assert after(state(a=[A1, other]), "replace", doc(a=other)).state.doc == doc(a=other)
    assert after(state(a=A1), "append_new", doc(a=[A2, other])).state.doc == doc(a=[A1, other])


def test_types_are_added_and_never_taken_away_but_by_replacing() -> None:
    for kind in ("append", "update", "merge", "say", "upsert_update"):
        assert after(state(a=A1), kind, doc("Other")).state.doc == doc(["Thing", "Other"], a=A1)
        assert after(state(a=A1), kind, doc(["Thing"])).state.doc == doc("Thing", a=A1)
    assert after(state(a=A1), "replace", doc("Other")).state.doc == doc("Other")


def test_a_device_does_not_change_what_kind_of_thing_it_speaks_for() -> None:
    with pytest.raises(BadRequest, match="not a Other") as fault:
        after(state(a=A1), "read", doc("Other", a=A2))
    assert fault.value.where == "type"
    both = apply(None, Write("create", ID, doc(["Thing", "Other"], a=A1)), T0).state
    assert after(both, "read", doc("Other", a=A2)).state.doc == doc(["Thing", "Other"], a=A2)


def test_scopes_are_replaced_added_to_or_left_alone() -> None:
    one = state(a=A1, scope="/north")
    assert after(one, "append", doc(scope="/south")).state.doc == doc(a=A1, scope="/south")
    assert after(one, "append_new", doc(scope=["/north", "/south"])).state.doc == doc(a=A1, scope=["/north", "/south"])
    assert after(one, "append_new", doc(scope="/north")).parts == []
    assert after(one, "update", doc(scope="/south")).state.doc == doc(a=A1, scope="/south")
    assert after(state(a=A1), "update", doc(scope="/south")).state.doc == doc(a=A1), "update makes no scope"
    assert after(one, "merge", doc(scope=NULL)).state.doc == doc(a=A1)


def test_stamps_say_when_each_instance_came_and_last_changed() -> None:
    one = after(state(a=A1), "append", doc(a=A2, b=B1)).state
    assert one.stamps.created == T0
    assert one.stamps.modified == T0 + 7
    assert one.stamps.attrs == {"a": {"": [T0, T0 + 7]}, "b": {"": [T0 + 7, T0 + 7]}}
    same = after(one, "say", doc(a=A2))
    assert same.state is one, "nothing happened, so nothing was modified"
    assert "b" not in after(one, "delete_attr", name="b").state.stamps.attrs


def test_a_late_reading_leaves_state_and_stamps_as_they_were() -> None:
    one = state(a=value(1, **at(5)))
    late = after(one, "read", doc(a=value(9, **at(1))))
    assert late.state is one
    assert [(part.status, part.old, part.new) for part in late.parts] == [("late", None, value(9, **at(1)))]


def test_the_same_instant_written_otherwise_is_the_same_reading() -> None:
    one = state(a=value(1, observedAt="2026-04-01T00:05:00Z"))
    said = value(1, observedAt="2026-04-01T00:05:00.000Z")
    merged = after(one, "read", doc(a=said))
    assert all(part.status != "late" for part in merged.parts)
    later = after(one, "read", doc(a=value(2, observedAt="2026-04-01T02:05:00.5Z")))
    assert later.state.doc == doc(a=value(2, observedAt="2026-04-01T02:05:00.5Z"))
    late = after(one, "read", doc(a=value(2, observedAt="2026-04-01T02:00:00+02:00")))
    assert told(late) == [("a", "late")], "instants are compared, not texts"


def test_labels_are_part_of_what_happened() -> None:
    labelled = apply(None, Write("create", ID, doc(a=A1), label="open", labels={"a": "personal"}), T0)
    assert labelled.state.label == "open"
    assert labelled.state.stamps.labels == {"a": "personal"}
    assert [part.new for part in labelled.parts if part.name == "@label"] == [
        {"label": "open", "labels": {"a": "personal"}}
    ]
    same = after(labelled.state, "say", doc(a=A1))
    assert same.parts == []
    again = after(labelled.state, "say", doc(a=A1), label="smart")
    assert told(again) == [("@label", "updated")]
    assert again.state.label == "smart"
    assert after(labelled.state, "upsert", doc(a=A2)).state.label == "open", "who says no label leaves it"


def test_merging_sets_when_what_changed_was_observed() -> None:
    one = state(a=value(1, **at(1)), b=B1)
    said = after(one, "merge", doc(a=value(2), b=B2), observed=T0 + 9 * 60 * clock.SECOND)
    assert said.state.doc == doc(a=value(2, **at(9)), b=B2), "only where there was one"


def test_merging_a_plain_string_says_it_in_the_language_given() -> None:
    one = state(a={"type": "LanguageProperty", "languageMap": {"sk": "voda", "en": "water"}})
    merged = after(one, "merge", {"id": ID, "a": {"value": "Wasser"}}, lang="de")
    assert merged.state.doc == doc(
        a={"type": "LanguageProperty", "languageMap": {"sk": "voda", "en": "water", "de": "Wasser"}}
    )


def test_what_is_simplified_keeps_the_kind_of_what_is_there() -> None:
    """Clause 6.5.3.4: an attempt to change it is refused."""
    one = state(a={"type": "VocabProperty", "vocab": "Male"}, b=A1)
    same = {"type": "VocabProperty", "vocab": "Female"}
    assert after(one, "merge", {"id": ID, "a": same}, same_kind=True).state.doc == doc(a=same, b=A1)
    with pytest.raises(BadRequest, match="it is a Property, not a VocabProperty") as refused:
        after(one, "merge", {"id": ID, "b": same}, same_kind=True)
    assert refused.value.where == "b"
    assert (after(one, "merge", {"id": ID, "b": same}).state.doc or {})["b"] == same


def test_an_entity_expires_as_if_it_were_deleted() -> None:
    one = apply(None, Write("create", ID, doc(a=A1, expiresAt=clock.text(T0 + 7), scope="/x")), T0).state
    assert apply(one, Write("expire", ID), T0 + 6).parts == []
    merged = after(one, "expire")
    assert merged.gone
    assert merged.state.doc is None
    assert told(merged) == [("a", "deleted"), ("expiresAt", "deleted"), ("scope", "deleted"), ("type", "deleted")]


scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["x", NULL])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=2)
)
attributes = st.dictionaries(st.sampled_from("ab"), values.map(value), max_size=2)


@given(st.sampled_from(sorted(HERE)), attributes, attributes)
def test_no_write_touches_the_state_before_it_and_parts_say_all_that_changed(
    kind: str, was: dict[str, Any], said: dict[str, Any]
) -> None:
    before = State(doc(**was), Stamps(T0, T0, {}, {}))
    kept = copy.deepcopy(before)
    try:
        merged = after(before, kind, doc(**said), name="a")
    except HansaError:
        return
    finally:
        assert before == kept
    back = dict(merged.state.doc or {})
    changed = {part.name for part in merged.parts if part.status != "late"}
    if not merged.gone:
        for name in {*was, *back} - {"id", "type"}:
            assert (name in changed) or back.get(name) == was.get(name)
