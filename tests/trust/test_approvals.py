"""The two-person rule: another person, of the right role, surely known, in time, and of exactly what was proposed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.errors import AlreadyExists, BadRequest, Forbidden, TooLarge
from hansa.trust.actors import PASSKEY, ROLES, SINGLE, TWO_FACTORS, Actor
from hansa.trust.approvals import RULES, WHAT, Rule, approve, may_see, propose, refuse
from hansa.trust.breakglass import LENDABLE, Glass, asked, is_widened, widened

NOW = 1_800_000_000_000_000
HOUR = 3_600_000_000
RULE = Rule("policy", frozenset({"administrator"}), frozenset({"administrator", "data_officer"}), waits_s=3_600)


def person(name, *roles, assurance=PASSKEY, **more):
    return Actor(f"person:{name}", frozenset(roles), assurance=assurance, method="passkey", **more)


ADA, BEN = person("ada", "administrator"), person("ben", "administrator")
LOCAL = Actor("administrator", frozenset({"administrator"}), assurance=PASSKEY, method="loopback")
APP = Actor("app:frost")


def proposed(who=ADA, **more):
    return propose(RULE, {"text": "permit"}, who, "because", NOW, **more)


def test_what_one_proposes_another_approves():
    first = proposed()
    done = approve(first, RULE, BEN, first.digest, NOW + 1)
    assert (done.state, done.approved_by, done.by) == ("approved", ("person:ben",), "person:ada")
    assert first.state == "waiting"  # a step changes nothing that was


def test_nobody_approves_what_he_proposed_himself():
    with pytest.raises(Forbidden, match="another person"):
        approve(proposed(), RULE, ADA, proposed().digest, NOW)


@pytest.mark.parametrize(
    "who",
    [
        person("ben", "operator"),
        person("ben"),
        person("ben", "administrator", assurance=SINGLE),
        replace(LOCAL),
        replace(APP, roles=frozenset({"administrator"}), assurance=PASSKEY),
        Actor("service:x", frozenset({"administrator"}), assurance=PASSKEY),
        Actor("public", frozenset({"administrator"}), assurance=PASSKEY),
        replace(person("ben", "administrator"), method="passkey+break-glass"),
    ],
)
def test_only_a_person_of_the_role_with_two_factors_and_his_own_rights_approves_or_refuses(who):
    first = proposed()
    with pytest.raises(Forbidden):
        approve(first, RULE, who, first.digest, NOW)
    with pytest.raises(Forbidden):
        refuse(first, RULE, who, "no", NOW)


def test_what_an_app_or_the_machine_itself_proposes_takes_two_people():
    for who in (APP, LOCAL, Actor("service:x", frozenset({"administrator"}), assurance=SINGLE)):
        first = proposed(who)
        one = approve(first, RULE, ADA, first.digest, NOW)
        assert (one.state, one.needs) == ("waiting", 2)
        with pytest.raises(Forbidden, match="another person"):
            approve(one, RULE, ADA, one.digest, NOW)
        assert approve(one, RULE, BEN, one.digest, NOW).state == "approved"


@pytest.mark.parametrize(
    "who",
    [
        person("eve", "operator"),
        person("eve", "administrator", assurance=SINGLE),
        Actor("service:x", frozenset({"operator"})),
        Actor("device:d", frozenset({"administrator"}), assurance=PASSKEY),
        Actor("neighbour:graz", frozenset({"administrator"}), assurance=PASSKEY),
        Actor("public"),
    ],
)
def test_who_may_not_propose_is_refused(who):
    with pytest.raises(Forbidden):
        proposed(who)


def test_an_approval_is_of_what_was_read_and_of_nothing_else():
    first = proposed()
    for changed in (
        replace(first, what={"text": "permit all"}),
        replace(first, reason="another"),
        replace(first, until=first.until + 1),
        replace(first, by="person:eve"),
        replace(first, needs=0),
    ):
        with pytest.raises(AlreadyExists, match="not what was proposed"):
            approve(changed, RULE, BEN, first.digest, NOW)
    for digest in ("", "é", first.digest[:-1], first.digest.upper()):
        with pytest.raises(AlreadyExists):
            approve(first, RULE, BEN, digest, NOW)


def test_in_time_or_not_at_all():
    first = proposed()
    assert first.until == NOW + HOUR
    with pytest.raises(AlreadyExists, match="in time"):
        approve(first, RULE, BEN, first.digest, first.until)
    assert first.expired(first.until)
    assert not first.expired(first.until - 1)
    assert proposed(until=NOW + 5).until == NOW + 5
    assert proposed(until=NOW + 9 * HOUR).until == NOW + HOUR  # never longer than the rule says
    with pytest.raises(BadRequest):
        proposed(until=NOW)


def test_what_is_decided_stays_decided():
    first = proposed()
    for ended in (refuse(first, RULE, BEN, "no", NOW), approve(first, RULE, BEN, first.digest, NOW)):
        with pytest.raises(AlreadyExists, match="decided"):
            approve(ended, RULE, person("cy", "administrator"), first.digest, NOW)
        with pytest.raises(AlreadyExists, match="decided"):
            refuse(ended, RULE, BEN, "no", NOW)


def test_whoever_proposed_it_takes_it_back_and_says_why():
    back = refuse(proposed(), RULE, ADA, " mistaken ", NOW + 7)
    assert (back.state, back.ended_by, back.outcome, back.ended_at) == ("refused", "person:ada", "mistaken", NOW + 7)
    for silent in ("", "  ", "x" * 2_001):
        with pytest.raises(BadRequest):
            refuse(proposed(), RULE, ADA, silent, NOW)
        with pytest.raises(BadRequest):
            propose(RULE, {}, ADA, silent, NOW)


def test_a_rule_holds_for_its_own_kind_only():
    first = proposed()
    with pytest.raises(Forbidden):
        approve(first, RULES["recovery"], BEN, first.digest, NOW)


@pytest.mark.parametrize("what", [{"n": 2**60}, {"n": float("nan")}, {"t": "\ud800"}, {"\ud800": 1}, {"b": b"x"}])
def test_what_has_no_canonical_text_cannot_be_proposed(what):
    with pytest.raises(BadRequest):
        propose(RULE, what, ADA, "because", NOW)


def test_what_nobody_can_read_cannot_be_proposed():
    with pytest.raises(TooLarge):
        propose(RULE, {"t": "x" * WHAT}, ADA, "because", NOW)


def test_a_proposal_exists_for_whom_it_concerns():
    first = proposed()
    for who in (ADA, BEN, person("d", "data_officer"), person("e", "auditor")):
        assert may_see(first, RULE, who)
    for who in (person("r", "resident"), person("o", "operator"), Actor("public")):
        assert not may_see(first, RULE, who)


@given(
    roles=st.frozensets(st.sampled_from(ROLES)),
    other=st.frozensets(st.sampled_from(ROLES)),
    assurance=st.integers(0, 3),
    kind=st.sampled_from(sorted(RULES)),
    same=st.booleans(),
    late=st.integers(0, 8 * 86_400),
)
def test_whatever_is_approved_has_two_people_of_its_roles_behind_it(roles, other, assurance, kind, same, late):
    rule = RULES[kind]
    one = Actor("person:one", roles, assurance=assurance)
    two = Actor("person:one" if same else "person:two", other, assurance=assurance)
    sound = (
        roles & rule.asks and other & rule.approves and assurance >= TWO_FACTORS and not same and late < rule.waits_s
    )
    try:
        first = propose(rule, {}, one, "because", NOW)
        state = approve(first, rule, two, first.digest, NOW + late * 1_000_000).state
    except (Forbidden, AlreadyExists):
        state = "waiting"
    assert (state == "approved") == bool(sound)


# Break-glass


GLASS = Glass("g", "person:ada", frozenset({"command"}), "flood", NOW, NOW + HOUR, ("person:ben",))


def test_rights_are_lent_for_as_long_as_it_was_said_and_no_longer():
    ada = person("ada", "supervisor")
    for now in (NOW, NOW + HOUR - 1):
        wide = widened(ada, GLASS, now)
        assert wide.roles == {"supervisor", "command"}
        assert is_widened(wide)
        assert is_widened(widened(wide, GLASS, now))
    for now in (NOW - 1, NOW + HOUR):
        assert widened(ada, GLASS, now) is ada
    assert widened(ada, replace(GLASS, ended_by="person:ben"), NOW) is ada


@pytest.mark.parametrize(
    "who",
    [
        person("ben", "supervisor"),
        person("ada", "supervisor", assurance=SINGLE),
        person("ada", "supervisor", scope=frozenset({"read"})),
    ],
)
def test_they_are_lent_to_one_person_who_is_surely_known(who):
    assert widened(who, GLASS, NOW) is who


@pytest.mark.parametrize(
    "what",
    [
        {},
        {"roles": []},
        {"roles": "command"},
        {"roles": [1]},
        {"roles": ["administrator"]},
        {"roles": ["data_officer"]},
        {"roles": ["supervisor"]},
        {"roles": ["command"], "minutes": 61},
        {"roles": ["command"], "minutes": 0},
        {"roles": ["command"], "minutes": True},
        {"roles": ["command"], "minutes": 1.5},
        {"roles": ["command"], "for": "ever"},
    ],
)
def test_what_is_not_lent_cannot_be_asked_for(what):
    with pytest.raises(BadRequest):
        asked(what, person("ada", "supervisor"))


def test_what_is_asked_for_is_made_complete():
    assert asked({"roles": ["command", "command"]}, person("ada")) == {"roles": ["command"], "minutes": 60}
    assert LENDABLE.isdisjoint({"administrator", "data_officer", "auditor"})
