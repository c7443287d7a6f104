"""Scopes, and what a service may be: pure decisions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import OKPKey
from signed import public

from hansa.errors import BadRequest, NotFound
from hansa.trust import jose, tokens

PUBLIC = public()


@given(st.text(max_size=80))
def test_no_other_text_is_a_token(text):
    assert tokens.Tokens().find(text, 0) is None


# Scopes


@pytest.mark.parametrize(
    ("scope", "verb", "types", "may"),
    [
        (["read"], "read", ["Alert"], True), (["read"], "read", [], True), (["read"], "update", ["Alert"], False),
        (["read:Alert"], "read", ["Alert"], True), (["read:Alert"], "read", ["Person"], False),
        (["read:Alert"], "read", [], False), (["read:Alert"], "read", ["Alert", "Person"], False),
        (["read:Alert", "read:Person"], "read", ["Alert", "Person"], True),
        (["write"], "create", ["A"], True), (["write"], "delete", [], True), (["write"], "read", ["A"], False),
        (["write:A"], "update", ["A"], True), (["write:A"], "update", ["B"], False),
        (["write"], "command", ["A"], False),
        (["admin"], "administer", [], True), (["admin"], "read", ["A"], False), (["read"], "administer", [], False),
        (["command:Command"], "command", ["Command"], True), (["read:Alert"], "subscribe", ["Alert"], False),
        (["read:AlertOld"], "read", ["Alert"], False), (["read:Alert"], "read", ["AlertOld"], False),
    ],
)  # fmt: skip
def test_a_scope_lets_what_it_names_and_nothing_else(scope, verb, types, may):
    assert tokens.within(tokens.scope_of(scope), verb, types) is may
    assert tokens.within(None, verb, types)
    assert len(types) != 1 or tokens.within(tokens.scope_of(scope), verb, types[0]) is may


def test_a_type_of_the_default_context_has_one_name():
    assert tokens.scope_of(["read:https://uri.etsi.org/ngsi-ld/default-context/Alert"]) == {"read:Alert"}
    assert tokens.scope_of(["read:https://smartdatamodels.org/Alert"]) == {"read:https://smartdatamodels.org/Alert"}


@pytest.mark.parametrize(
    "said",
    [
        *(None, [], "read", [""], ["*"], ["reads"], ["read:"], [":Alert"], ["read:A B"], ["READ"], [7], ["read"] * 51),
        *(["read:" + "x" * 600], ['read:"'], ["read:A\n"], ["read Alert"], {"read": 1}),
    ],
)
def test_what_is_no_scope_is_refused(said):
    with pytest.raises(BadRequest) as caught:
        tokens.scope_of(said)
    assert caught.value.where == "scope"


@given(
    st.sets(st.sampled_from(["read", "write", "create", "read:A", "write:A", "create:A", "update:A", "read:B"])),
    st.sets(st.sampled_from(["read", "write", "create", "read:A", "write:A", "create:A", "update:A", "read:B"])),
)
def test_what_is_covered_lets_nothing_more(asked, held):
    if asked and tokens.covered(frozenset(asked), frozenset(held)):
        for verb in tokens.VERBS:
            for types in ([], ["A"], ["B"], ["A", "B"]):
                if tokens.within(frozenset(asked), verb, types):
                    assert tokens.within(frozenset(held), verb, types)


# What a service may be


@pytest.mark.parametrize(
    "said",
    [
        {}, {"name": ""}, {"name": "Ledger"}, {"name": "a b"}, {"name": "../x"}, {"name": "x" * 64}, {"name": 7},
        {"roles": ["administrator"]}, {"roles": ["device"]}, {"roles": ["neighbour"]}, {"roles": ["king"]},
        {"roles": "member"},
        {"departments": ["a b"]}, {"departments": [7]}, {"departments": ["x"] * 51}, {"scope": []}, {"scope": "read"},
        {"keys": [OKPKey.generate_key().as_dict(private=True)]}, {"keys": [{"kty": "oct", "k": "AAAA"}]}, {"keys": {}},
        {"note": "a\nb"}, {"note": "x" * 201}, {"note": 7}, {"secret": "x"}, {"keys": [PUBLIC, PUBLIC]},
    ],
)  # fmt: skip
def test_what_is_no_service_is_refused(said):
    with pytest.raises(BadRequest):
        tokens.service_of(said if not said or "name" in said else {"name": "ledger", **said}, 0, "x")


def test_a_service_has_five_keys_at_most():
    made = tokens.service_of({"name": "ledger"}, 0, "x")
    for _ in range(5):
        made = tokens.with_key(made, jose.read_key(OKPKey.generate_key().as_dict(private=False)))
    with pytest.raises(BadRequest, match="5 keys"):
        tokens.with_key(made, jose.read_key(PUBLIC))
    assert [key.kid for key in tokens.with_key(made, jose.read_key(PUBLIC), alone=True).keys] == [
        jose.read_key(PUBLIC).kid
    ]
    with pytest.raises(NotFound):
        tokens.without_key(made, "x")
