"""Walking along relationships (4.5.23)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.errors import TooManyResults
from hansa.model.context import CORE
from hansa.model.entity import Entity
from hansa.model.wire import View
from hansa.platform.joined import Join, joined


def graph(edges):
    """Entities by URI, each with the relationship `to`, to one or several."""
    nodes = {node: Entity({"id": node, "type": "T"}) for some in edges.items() for node in (some[0], *some[1])}
    for node, targets in edges.items():
        if targets:
            nodes[node].doc["to"] = {"type": "Relationship", "object": targets if len(targets) > 1 else targets[0]}
    return nodes


def shown(nodes, roots, join, view=None, most=100):
    met = joined([nodes[root] for root in roots], view or View(CORE, "simplified"), join, nodes.get, most)
    return [one.shown() for one in met]


def tree(one):
    """An entity shown inline as (id, [those below])."""
    if isinstance(one, str):
        return one
    below = one.get("to", [])
    return (one["id"], [tree(other) for other in (below if isinstance(below, list) else [below])])


def test_inline_entities_stand_in_the_relationships_as_deep_as_asked():
    nodes = graph({"urn:a": ["urn:b"], "urn:b": ["urn:c"], "urn:c": ["urn:d"]})
    assert tree(shown(nodes, ["urn:a"], Join(False, 1))[0]) == ("urn:a", [("urn:b", ["urn:c"])])
    assert tree(shown(nodes, ["urn:a"], Join(False, 2))[0]) == ("urn:a", [("urn:b", [("urn:c", ["urn:d"])])])


def test_flat_entities_stand_after_those_that_link_to_them_and_once():
    nodes = graph({"urn:a": ["urn:c", "urn:d"], "urn:b": ["urn:d", "urn:a"], "urn:d": ["urn:e"]})
    assert [one["id"] for one in shown(nodes, ["urn:a", "urn:b"], Join(True, 2))] == [
        "urn:a", "urn:b", "urn:c", "urn:d", "urn:e",
    ]  # fmt: skip
    assert [one["id"] for one in shown(nodes, ["urn:a"], Join(True, 1))] == ["urn:a", "urn:c", "urn:d"]


def test_loops_end_and_what_is_known_already_is_left_out():
    nodes = graph({"urn:a": ["urn:b"], "urn:b": ["urn:a"]})
    assert tree(shown(nodes, ["urn:a"], Join(False, 10))[0]) == ("urn:a", [("urn:b", ["urn:a"])])
    known = Join(False, 10, frozenset({"urn:b"}))
    assert tree(shown(nodes, ["urn:a"], known)[0]) == ("urn:a", ["urn:b"])
    assert len(shown(nodes, ["urn:a"], Join(True, 10, frozenset({"urn:b"})))) == 1


def test_each_entity_of_a_query_begins_anew_inline():
    nodes = graph({"urn:a": ["urn:c"], "urn:b": ["urn:c"], "urn:c": []})
    assert [tree(one) for one in shown(nodes, ["urn:a", "urn:b"], Join(False, 1))] == [
        ("urn:a", [("urn:c", [])]),
        ("urn:b", [("urn:c", [])]),
    ]


def test_what_is_not_there_stays_a_uri_and_lists_keep_their_order():
    nodes = graph({"urn:a": ["urn:c", "urn:gone", "urn:b"], "urn:b": [], "urn:c": []})
    del nodes["urn:gone"]
    assert tree(shown(nodes, ["urn:a"], Join(False))[0]) == ("urn:a", [("urn:c", []), "urn:gone", ("urn:b", [])])
    normal = shown(nodes, ["urn:a"], Join(False), View(CORE))[0]["to"]
    assert normal["object"] == ["urn:c", "urn:gone", "urn:b"]
    assert [one["id"] for one in normal["entity"]] == ["urn:c", "urn:b"]


def test_a_list_relationship_shows_its_entities_as_a_list():
    nodes = graph({"urn:b": []})
    nodes["urn:a"] = Entity(
        {"id": "urn:a", "type": "T", "stops": {"type": "ListRelationship", "objectList": [{"object": "urn:b"}]}}
    )
    below = {"id": "urn:b", "type": "T"}
    assert shown(nodes, ["urn:a"], Join(False), View(CORE))[0]["stops"]["entityList"] == [below]
    assert shown(nodes, ["urn:a"], Join(False), View(CORE, "concise"))[0]["stops"] == {
        "objectList": ["urn:b"],
        "entityList": [below],
    }
    assert shown(nodes, ["urn:a"], Join(False))[0]["stops"] == [below]


def test_only_instances_that_are_shown_are_followed():
    nodes = graph({"urn:b": [], "urn:c": []})
    several = [
        {"type": "Relationship", "object": "urn:b", "datasetId": "urn:d:1"},
        {"type": "Relationship", "object": "urn:c"},
    ]
    nodes["urn:a"] = Entity({"id": "urn:a", "type": "T", "to": several})
    chosen = View(CORE, datasets={"urn:d:1"})
    assert [one["id"] for one in shown(nodes, ["urn:a"], Join(True), chosen)] == ["urn:a", "urn:b"]
    assert [one["id"] for one in shown(nodes, ["urn:a"], Join(True), View(CORE, omit={"to"}))] == ["urn:a"]


def test_of_linked_entities_is_shown_what_is_said_of_them():
    nodes = graph({"urn:a": ["urn:b"], "urn:b": ["urn:c"]})
    nodes["urn:b"].doc["name"] = {"type": "Property", "value": "B"}
    view = View(CORE, "simplified", pick={"id": None, "to": {"name": None}})
    assert shown(nodes, ["urn:a"], Join(False, 2), view) == [{"id": "urn:a", "to": {"name": "B"}}]
    view = View(CORE, "simplified", omit={"type": None, "to": {"to": None, "type": None}})
    assert shown(nodes, ["urn:a"], Join(False, 2), view) == [{"id": "urn:a", "to": {"id": "urn:b", "name": "B"}}]
    view = View(CORE, "simplified", pick={"id": None, "to": {"nothing": None}})
    assert shown(nodes, ["urn:a"], Join(False, 2), view) == [{"id": "urn:a", "to": "urn:b"}]


def test_an_answer_holds_only_so_many():
    nodes = graph({"urn:a": [f"urn:{i}" for i in range(20)]})
    assert len(shown(nodes, ["urn:a"], Join(True), most=20)) == 21
    with pytest.raises(TooManyResults):
        shown(nodes, ["urn:a"], Join(True), most=19)


_nodes = st.sampled_from([f"urn:{i}" for i in range(6)])


@given(
    edges=st.dictionaries(_nodes, st.lists(_nodes, max_size=3, unique=True), min_size=1),
    flat=st.booleans(),
    level=st.integers(1, 10),
)
def test_every_walk_ends_and_nobody_is_his_own_descendant(edges, flat, level):
    nodes = graph(edges)
    roots = sorted(edges)[:2]
    answer = shown(nodes, roots, Join(flat, level), most=100_000)
    if flat:
        ids = [one["id"] for one in answer]
        assert len(ids) == len(set(ids))
        return

    def check(one, above):
        if isinstance(one, str):
            return
        assert one[0] not in above
        assert len(above) <= level
        for below in one[1]:
            check(below, {*above, one[0]})

    for one in answer:
        check(tree(one), set())
