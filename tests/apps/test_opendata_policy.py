"""Who may keep the catalogue, as the shipped policy decides it."""

import pytest

from hansa.apps.opendata.dataset import LABEL
from hansa.trust.actors import PASSKEY, Actor
from hansa.trust.labels import Label
from hansa.trust.policy import SHIPPED, Policy, shipped

OPEN_DATA = Label("smart", "open-data", "", ())


@pytest.mark.parametrize("role", ["data_officer", "supervisor", "engineer"])
def test_those_who_keep_the_catalogue_write_it(role: str) -> None:
    policy = Policy(shipped("open"), SHIPPED)
    who = Actor("person:ada", frozenset({role}), frozenset(), PASSKEY)
    for verb in ("create", "update", "read"):
        assert policy.decide(who, verb, OPEN_DATA, realm="open").allowed, verb
    assert LABEL == "smart;owner=open-data"


def test_a_data_officer_writes_nothing_else_and_not_with_one_factor() -> None:
    policy = Policy(shipped("open"), SHIPPED)
    who = Actor("person:ada", frozenset({"data_officer"}), frozenset(), PASSKEY)
    for label in (
        Label("smart", "works", "", ()),
        Label("smart", "", "", ()),
        Label("open", "open-data", "", ()),
        Label("personal", "open-data", "", ()),
    ):
        assert not policy.decide(who, "update", label, realm="open").allowed, label
    once = Actor("person:ada", frozenset({"data_officer"}), frozenset(), 1)
    assert not policy.decide(once, "update", OPEN_DATA, realm="open").allowed
    member = Actor("person:bob", frozenset({"member"}), frozenset({"works"}), PASSKEY)
    assert not policy.decide(member, "update", OPEN_DATA, realm="open").allowed
