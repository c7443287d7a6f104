"""What a department lends: to whom, for what, until when, and that it can be taken back."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa import clock
from hansa.errors import AlreadyExists, BadRequest, Forbidden
from hansa.trust.actors import PASSKEY, SINGLE, Actor
from hansa.trust.ownership import give, lent, speaks_for, take_back

NOW = 1_800_000_000_000_000
DAY = 86_400_000_000


def member(name, *departments, roles=("member",), **more):
    said = {"assurance": PASSKEY, "method": "passkey"} | more
    return Actor(f"person:{name}", frozenset(roles), frozenset(departments), **said)


ADA = member("ada", "parks")
SAID = {"owner": "parks", "to": "department:water", "purpose": "irrigation", "until": clock.text(NOW + DAY)}


def grant(**more):
    return give(SAID | more, ADA, NOW, "g")


def test_what_is_lent_is_lent_for_a_purpose_and_a_time():
    wim = member("wim", "water")
    assert lent([grant()], wim, "parks", NOW) == ({"irrigation"}, NOW + DAY)
    assert lent([grant()], wim, "parks", NOW + DAY - 1) == ({"irrigation"}, NOW + DAY)
    assert lent([grant()], wim, "parks", NOW + DAY) == (frozenset(), None)
    assert lent([grant()], wim, "roads", NOW) == (frozenset(), None)
    assert lent([grant()], member("rob", "roads"), "parks", NOW) == (frozenset(), None)


def test_the_answer_holds_until_the_first_of_several_ends():
    two = [grant(), replace(grant(purpose="research"), until=NOW + 5), replace(grant(), until=NOW + 9)]
    wim = member("wim", "water")
    assert lent(two, wim, "parks", NOW) == ({"irrigation", "research"}, NOW + 5)
    assert lent(two, wim, "parks", NOW + 5) == ({"irrigation"}, NOW + 9)


def test_it_is_for_those_verbs_and_classes_only():
    one, wim = grant(verbs=["read"], classes=["smart"]), member("wim", "water")
    assert lent([one], wim, "parks", NOW, verb="read", kind="smart")[0]
    for verb, kind in (("export", "smart"), ("update", "smart"), ("read", "personal"), ("read", "security")):
        assert not lent([one], wim, "parks", NOW, verb=verb, kind=kind)[0]


@pytest.mark.parametrize(
    ("to", "who"),
    [
        ("person:wim", member("wim")),
        ("neighbour:graz", Actor("neighbour:graz")),
        ("service:ledger", Actor("service:ledger")),
        ("department:water", Actor("service:pump", departments=frozenset({"water"}))),
    ],
)
def test_a_department_a_neighbour_a_service_and_a_person_can_be_lent_to(to, who):
    assert lent([grant(to=to)], who, "parks", NOW)[0]
    assert not lent([grant(to=to)], Actor("person:other"), "parks", NOW)[0]
    assert not lent([grant(to="person:x")], who, "parks", NOW)[0]


@pytest.mark.parametrize(
    "who",
    [
        member("eve", "water"),
        member("eve", "parks", roles=("operator", "administrator")),
        member("eve", "parks", assurance=SINGLE),
        member("eve", "parks", method="passkey+break-glass"),
        Actor("service:x", frozenset({"member"}), frozenset({"parks"}), PASSKEY),
        Actor("public"),
    ],
)
def test_only_people_of_the_department_who_are_surely_known_give_and_take_back(who):
    assert not speaks_for(who, "parks")
    with pytest.raises(Forbidden):
        give(SAID, who, NOW, "g")
    with pytest.raises(Forbidden):
        take_back(grant(), who, NOW)


def test_what_was_taken_back_is_lent_no_more():
    ended = take_back(grant(), member("sue", "parks", roles=("supervisor",)), NOW + 3)
    assert (ended.ended_by, ended.ended_at, ended.holds(NOW + 3)) == ("person:sue", NOW + 3, False)
    assert lent([ended], member("wim", "water"), "parks", NOW + 3) == (frozenset(), None)
    with pytest.raises(AlreadyExists):
        take_back(ended, ADA, NOW + 4)
    with pytest.raises(AlreadyExists):
        take_back(grant(), ADA, NOW + DAY)


@pytest.mark.parametrize(
    "wrong",
    [
        {"owner": None},
        {"owner": "par ks"},
        {"to": "water"},
        {"to": "department:"},
        {"to": "public"},
        {"to": "department:parks"},
        {"purpose": ""},
        {"purpose": "any thing"},
        {"purpose": None},
        {"until": None},
        {"until": "tomorrow"},
        {"until": clock.text(NOW)},
        {"until": clock.text(NOW + 367 * DAY)},
        {"verbs": []},
        {"verbs": ["delete"]},
        {"verbs": "read"},
        {"verbs": [{}]},
        {"classes": ["personal"]},
        {"classes": ["security"]},
        {"reason": 3},
        {"reason": "x" * 2_001},
        {"also": 1},
    ],
)
def test_what_cannot_be_lent_is_refused(wrong):
    with pytest.raises((BadRequest, Forbidden)):
        grant(**wrong)


def test_both_sides_see_it_and_who_watches_over_them():
    one = grant()
    for who in (ADA, member("wim", "water"), member("aud", roles=("auditor",))):
        assert one.concerns(who)
    assert not one.concerns(member("rob", "roads"))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["department:water", "person:wim", "department:roads"]),
            st.sampled_from(["irrigation", "research"]),
            st.integers(1, 50),
            st.booleans(),
        ),
        max_size=6,
    ),
    st.integers(0, 60),
)
def test_until_the_moment_that_it_names_the_answer_is_the_same(made, at):
    grants = [
        replace(grant(to=to, purpose=purpose), until=NOW + end, ended_by="x" if over else "")
        for to, purpose, end, over in made
    ]
    wim = member("wim", "water")
    purposes, until = lent(grants, wim, "parks", NOW + at)
    for later in range(at, 61):
        if until is None or NOW + later < until:
            assert lent(grants, wim, "parks", NOW + later)[0] == purposes
        else:
            break
    assert until is None or until > NOW + at
