"""Labels and sights: what is unlabelled is nobody's business, and a purpose is not a password."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.errors import BadRequest
from hansa.trust.labels import ADMINISTRATOR, CLASSES, NOBODY, PUBLIC, Label, Sight, app_sight, unlabelled


def test_a_label_is_read_in_any_order_and_written_in_one() -> None:
    said = "smart;purposes=research,irrigation;licence=CC0-1.0;owner=parks"
    label = Label.parse(said)
    assert label == Label("smart", "parks", "CC0-1.0", ("irrigation", "research"))
    assert str(label) == "smart;owner=parks;licence=CC0-1.0;purposes=irrigation,research"
    assert Label.parse("open") == Label("open")
    assert str(Label.parse("open;owner=;purposes=")) == "open"


words = st.text("abcdefgh-.0123456789", min_size=1, max_size=8)


@given(st.sampled_from(CLASSES), st.just("") | words, st.just("") | words, st.lists(words, unique=True, max_size=4))
def test_every_label_is_read_back_as_it_was_written(kind: str, owner: str, licence: str, purposes: list[str]) -> None:
    label = Label(kind, owner, licence, tuple(sorted(purposes)))
    assert Label.parse(str(label)) == label


@pytest.mark.parametrize("said", ["", "public", "OPEN", "open ", ";owner=parks", "open;colour=red", "x" * 1_000])
def test_what_is_no_label_is_refused(said: str) -> None:
    with pytest.raises(BadRequest):
        Label.parse(said)


def test_what_is_unlabelled_is_never_public() -> None:
    for realm in ("open", "security"):
        assert not PUBLIC.sees(unlabelled(realm))
        assert not NOBODY.sees(unlabelled(realm))
    assert unlabelled("open") == "smart"
    assert unlabelled("security") == "security"


def test_the_public_sees_what_is_explicitly_open_and_nobody_sees_nothing() -> None:
    assert PUBLIC.sees("open")
    assert PUBLIC.sees("open;owner=parks;purposes=research"), "what is open is open for every purpose"
    for kind in ("smart", "personal", "security"):
        assert not PUBLIC.sees(kind)
    for kind in CLASSES:
        assert not NOBODY.sees(kind)


def test_a_purpose_is_needed_as_well_as_the_class() -> None:
    carer = Sight("carer", "care", frozenset({"personal"}))
    assert carer.sees("personal")
    assert carer.sees("personal;purposes=care,billing")
    assert not carer.sees("personal;purposes=billing")
    assert not carer.sees("smart;purposes=care")
    assert not carer.everything


def test_the_administrator_and_an_app_in_its_own_realm_see_everything() -> None:
    for sight in (ADMINISTRATOR, app_sight("frost")):
        assert sight.everything
        assert all(sight.sees(kind) for kind in CLASSES)
    assert app_sight("frost").actor == "app:frost"
    assert Sight("somebody") == Sight("somebody", "", frozenset()), "who is not told what he may see sees nothing"
