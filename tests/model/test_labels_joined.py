"""One label for what is made of several things: whoever sees it sees each of them, by the policies that hansa ships."""

import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa import entity, labels
from hansa.model.entity import Entity, Stamps
from hansa.serve.front import _PURPOSE
from hansa.trust.actors import TWO_FACTORS, Actor
from hansa.trust.labels import CLASSES, Label, Sight
from hansa.trust.policy import Policy, shipped

PURPOSES = ("", "care", "research", "none")


def label(kind, owner, purposes, subject):
    bound = tuple(sorted(purposes)) if kind != "open" else ()  # what is open is for everybody
    return str(Label(kind, owner, "", bound, subject))


LABELS = st.none() | st.builds(
    label,
    st.sampled_from(CLASSES),
    st.sampled_from(["", "health", "parks"]),
    st.sets(st.sampled_from(["care", "research"])),
    st.sampled_from(["", "person:ann"]),
)
PEOPLE = [
    Actor(f"person:{role}-{own}", frozenset({role}), frozenset({own} if own else ()), TWO_FACTORS)
    for role in ("operator", "supervisor", "command", "engineer", "data_officer", "auditor", "administrator", "member")
    for own in (("", "health", "parks") if role == "member" else ("",))
]
PEOPLE += [
    Actor("person:ann", frozenset({"resident"}), assurance=TWO_FACTORS),
    Actor("person:both", frozenset({"member"}), frozenset({"health", "parks"}), TWO_FACTORS),
]
SERVICES = [
    Actor(f"service:{own}", frozenset({"service"}), frozenset({own}), TWO_FACTORS) for own in ("health", "parks")
]
POLICIES = {realm: Policy(shipped(realm), "1") for realm in ("open", "security")}
_known = {}


def sees(who, said, realm, purpose):
    key = who.id, said, realm, purpose
    if key not in _known:
        it = Label.parse(said)
        _known[key] = (
            POLICIES[realm]
            .decide(who, "read", it, realm=realm, purpose=purpose, subject=bool(it.subject) and it.subject == who.id)
            .allowed
        )
    return _known[key]


@settings(max_examples=400, deadline=None)
@given(st.lists(LABELS, min_size=1, max_size=4), st.sampled_from(["open", "security"]))
def test_whoever_sees_what_was_made_sees_each_of_what_it_was_made_of(parts, realm):
    whole = labels.full(labels.strictest(parts, realm), realm)
    said = [labels.full(one, realm) for one in parts]
    kinds = {labels.rank(one) for one in said}
    who = list(PEOPLE)
    if {2, 3} <= kinds and realm == "open":  # as the module says: of both the command centre sees too much
        who = [one for one in who if "command" not in one.roles]
    if {1, 2} <= kinds and realm == "security":  # nor does the data officer see there what is not about persons
        who = [one for one in who if "data_officer" not in one.roles]
    if kinds <= {0, 1}:
        who += SERVICES
    for one, purpose in product(who, PURPOSES):
        if sees(one, whole, realm, purpose):
            for part in (it for it in said if labels.rank(it)):  # what is open is for everybody, where it is so
                assert sees(one, part, realm, purpose), (one.id, purpose, whole, part)


@given(st.lists(LABELS, min_size=1, max_size=4))
def test_nor_is_it_of_a_lower_class_or_for_another_purpose(parts):
    whole = labels.full(labels.strictest(parts), "open")
    for top, purpose in product(range(1, 5), PURPOSES):
        sight = Sight("x", purpose, frozenset(CLASSES[:top]))
        if sight.sees(whole):
            for part in parts:
                it = Label.parse(labels.full(part, "open"))
                if it.kind == "personal" or labels.rank(whole) == labels.rank(str(it)):
                    assert sight.sees(str(it)), (purpose, whole, part)


@given(st.lists(LABELS, min_size=1, max_size=3), st.sampled_from(["open", "security"]))
def test_the_order_and_what_is_said_twice_are_no_matter_and_what_was_made_covers_its_parts(parts, realm):
    whole = labels.strictest(parts, realm)
    assert labels.strictest([*parts[::-1], *parts], realm) == whole
    assert str(Label.parse(labels.full(whole, realm))) == labels.full(whole, realm)
    assert labels.covers(labels.full(whole, realm), [whole], realm)


@pytest.mark.parametrize(
    ("parts", "realm", "expected"),
    [
        ([], "open", None),
        ([None, "open"], "open", None),
        (["open"], "security", None),
        ([None, "smart"], "open", None),
        ([None, "personal;owner=health"], "open", "personal;owner=health"),
        ([None, "personal;owner=health"], "security", "security;owner=several;purposes=(none)"),
        (["smart;owner=parks", "smart;owner=roads"], "open", "smart;owner=several"),
        (["smart;owner=parks", None], "open", "smart;owner=several"),
        (["personal;owner=a;purposes=x", "smart;owner=a"], "open", "personal;owner=a;purposes=x"),
        (["personal;owner=a", "security"], "open", "security;owner=several;purposes=(none)"),
        (["personal;purposes=x,y", "personal;purposes=y,z"], "open", "personal;purposes=y"),
        (["personal;purposes=x", "personal;purposes=z"], "open", "personal;purposes=(none)"),
        (["personal;subject=person:a", None], "open", "personal"),
        (
            ["personal;subject=person:a", "personal;owner=x;subject=person:a"],
            "open",
            "personal;owner=several;subject=person:a",
        ),
        (["personal;subject=person:a", "smart;subject=person:a"], "open", "personal"),
        (["smart;licence=CC0-1.0", None], "open", None),
        (["smart;licence=CC0-1.0"], "open", "smart;licence=CC0-1.0"),
        (["personal;owner=care", "smart;licence=CC0-1.0"], "open", "personal;owner=care"),
    ],
)
def test_one_label_stands_for_several(parts, realm, expected):
    assert labels.strictest(parts, realm) == expected


def test_no_request_can_name_the_purpose_of_what_may_serve_none():
    assert not _PURPOSE.match(labels.NOTHING.encode())
    assert _PURPOSE.match(b"care")
    assert not re.search("[;,=]", labels.NOTHING), "it is one word of a label"


def test_what_covers_is_what_all_of_its_readers_see():
    assert labels.covers("smart;owner=several", ["smart;owner=parks", None, "open"])
    assert labels.covers("personal;owner=care", [None])
    assert labels.covers("smart;licence=CC0-1.0", [None, "smart"])
    assert not labels.covers("smart;owner=parks", ["smart;owner=roads"])
    assert not labels.covers(None, ["personal"])
    assert labels.covers(None, ["smart"], "security")
    assert not labels.covers("smart", [None], "security")


def test_an_attribute_stands_under_its_own_label_and_under_that_of_its_entity():
    one = entity("Vehicle", "v", name="x")
    where = "https://smartdatamodels.org/dataModel.Transportation/speed"
    made = Entity(one.doc, Stamps(0, 0, {}, {"name": "personal", where: "security"}), "open", "smart;owner=parks")
    assert labels.of(made) == ["smart;owner=parks"]
    assert labels.of(made, "name", "colour") == ["smart;owner=parks", "personal"]
    assert labels.of(made, "speed") == ["smart;owner=parks", "security"]
    assert labels.of(one, "name") == [None]
