"""What a policy cannot tell apart is decided once, and what it can is decided each by itself."""

import pytest

from hansa.trust.actors import PASSKEY, Actor
from hansa.trust.labels import Label
from hansa.trust.policy import SHIPPED, Policy, shipped
from hansa.trust.policy_looks import looks
from hansa.trust.policy_record import Record

SMART = Label("smart", "parks", "", ("irrigation",))


def when(condition, scope="principal, action, resource"):
    return f'@id("a") @reason("Because.") permit ({scope}) when {{ {condition} }};'


def person(name):
    return Actor(f"person:{name}", frozenset({"member"}), frozenset({"parks"}), PASSKEY)


@pytest.mark.parametrize(
    ("condition", "purposes"),
    [
        ("true", set()),
        ("resource.purposes.contains(context.purpose)", set()),
        ("context.lent.contains(context.purpose) || context.subject", set()),
        ('context.purpose == "a"', {"a"}),
        ('"b" != context.purpose && !(context.purpose == "c")', {"b", "c"}),
        ('["a", "d"].contains(context.purpose)', {"a", "d"}),
        ('if context.purpose == "" then context.subject else resource.purposes.contains(context.purpose)', {""}),
        ('context.purpose like "*ing"', None),
        ("context.purpose == resource.owner", None),
        ("principal.departments.contains(context.purpose)", None),
        ('[context.purpose].contains("a")', None),
        ('["a", context.purpose].contains("a")', None),
        ('["a", resource.owner].contains(context.purpose)', None),
        ("resource.purposes.containsAny([context.purpose])", None),
        ('{p: context.purpose} == {p: "a"}', None),
        ('{p: context.purpose}.p == "a"', None),
        ('context == {purpose: "a", lent: ["a"], subject: true}', None),
        ('(if context.subject then context else context).purpose == "a"', None),
    ],
)
def test_what_a_policy_does_with_a_purpose_is_understood_or_not_guessed(condition, purposes):
    found = looks(when(condition))
    assert found.purposes == (None if purposes is None else frozenset(purposes))


@pytest.mark.parametrize(
    ("text", "who"),
    [
        (when("true"), False),
        (when('principal in Role::"member"'), False),
        (when("true", 'principal == Actor::"person:ada", action, resource'), True),
        (when('principal == Actor::"person:ada"'), True),
        (when('principal in [Actor::"person:ada"]'), True),
        (when('resource.owner == "Actor::\\"person:ada\\""'), False),
    ],
)
def test_whether_a_policy_names_somebody_is_known(text, who):
    assert looks(text).who is who


def test_of_thousands_of_purposes_and_people_each_label_is_decided_once(monkeypatch):
    policy, weighed = Policy(shipped("open"), SHIPPED, record=Record(50)), []
    weigh = Policy.weigh
    monkeypatch.setattr(Policy, "weigh", lambda self, *one, **how: weighed.append(how) or weigh(self, *one, **how))
    for at in range(1_000):
        assert not policy.decide(person(str(at)), "read", SMART, realm="open", purpose=f"p{at}").allowed
    assert len(weighed) == 1
    assert policy.decide(person("x"), "read", SMART, realm="open", purpose="irrigation").allowed
    assert not policy.decide(person("x"), "read", SMART, realm="open", purpose="").allowed
    assert len(weighed) == 2


def test_somebody_who_is_named_is_told_apart_from_all_others():
    policy = Policy(when('principal == Actor::"person:ada"'), "1")
    assert policy.decide(person("ada"), "read", SMART, realm="open").allowed
    assert not policy.decide(person("bo"), "read", SMART, realm="open").allowed


def test_words_that_no_json_can_hold_spoil_no_other_decision():
    policy = Policy(when("true"), "1")
    for purpose, allowed in (("\ud800", False), ("x", True), ("\ud801", False), ("y", True)):
        assert policy.decide(person("a"), "read", SMART, realm="open", purpose=purpose).allowed is allowed
    assert not policy.decide(person("\ud800"), "read", SMART, realm="open").allowed
    assert policy.decide(person("b"), "read", SMART, realm="open").allowed
