"""People: names, roles, links, and how surely somebody must be known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.errors import BadRequest, Unauthenticated
from hansa.trust import people
from hansa.trust.actors import PASSKEY, SINGLE, TWO_FACTORS, UNKNOWN, Actor
from hansa.trust.people import Person, StepUp, hash_of, link, needs

NOW = 1_800_000_000_000_000


def test_whoever_is_not_known_surely_enough_is_told_how_surely_he_must_be() -> None:
    needs(Actor("person:ada", assurance=PASSKEY), TWO_FACTORS)
    needs(Actor("person:ada", assurance=TWO_FACTORS), TWO_FACTORS)
    with pytest.raises(StepUp) as fault:
        needs(Actor("person:ada", assurance=SINGLE), PASSKEY)
    said = fault.value.problem()
    assert (said["status"], said["level"], said["stepUp"]) == (401, PASSKEY, "/sign-in?step=up")
    with pytest.raises(Unauthenticated) as fault:
        needs(UNKNOWN, SINGLE)
    assert not isinstance(fault.value, StepUp)


def test_everybody_but_a_resident_is_an_official() -> None:
    assert not people.official({"resident"})
    assert not people.official(())
    for role in set(people.PERSON_ROLES) - {"resident"}:
        assert people.official({role})
        assert people.official({"resident", role})
    assert not {"service", "device", "neighbour"} & set(people.PERSON_ROLES)


@pytest.mark.parametrize("good", ["ada", "ada.lovelace", "a", "4711", "x-y_z", " Ada ", "a" * 63])
def test_a_name_of_an_account(good: str) -> None:
    assert people.name_of(good) == good.strip().lower()


@pytest.mark.parametrize("bad", [None, 7, "", "ada lovelace", "ädа", "-ada", "a" * 64, "ada\n.", "a/b", "person:ada"])
def test_no_name_of_an_account(bad: object) -> None:
    with pytest.raises(BadRequest):
        people.name_of(bad)


def test_how_somebody_is_called_is_one_line_without_tricks() -> None:
    assert people.shown_of("  Ada   Lovelace ") == "Ada Lovelace"
    assert people.shown_of("Zoë Ångström 李") == "Zoë Ångström 李"
    for bad in (None, "", " ", "x" * 101, "a\u202eb", "a\x00b", "a\u200db", "\ud800", 7, ["x"]):
        with pytest.raises(BadRequest):
            people.shown_of(bad)


@pytest.mark.parametrize("bad", [None, [], "administrator", ["device"], ["operator", "king"], [["operator"]], [7], {}])
def test_no_roles_of_a_person(bad: object) -> None:
    with pytest.raises(BadRequest):
        people.roles_of(bad)


@given(st.recursive(st.none() | st.text(max_size=5) | st.integers(), st.lists, max_leaves=5))
def test_no_departments_break_anything(said: object) -> None:
    try:
        assert all(isinstance(one, str) for one in people.departments_of(said))
    except BadRequest as fault:
        assert fault.where == "departments"  # noqa: PT017  # either is good


def test_a_link_is_kept_as_a_hash_and_ends() -> None:
    made, secret = link("invite", "person:ada", NOW, 60, roles=frozenset({"operator"}))
    assert made.hash == hash_of(secret)
    assert secret not in repr(made)
    assert made.public != hash_of(secret).hex()[:16]
    assert made.good(NOW + 59_000_000)
    assert not made.good(NOW + 60_000_000)
    assert link("invite", "person:ada", NOW, 60)[1] != secret


def test_sessions_end_when_roles_departments_or_state_change_and_for_nothing_else() -> None:
    ada = Person("ada", "Ada", frozenset({"operator"}))
    assert not people.changed(ada, shown="Ada L.")[1]
    assert people.changed(ada, roles=frozenset({"auditor"}))[1]
    assert people.changed(ada, departments=frozenset({"parks"}))[1]
    assert people.changed(ada, disabled=True)[1]
