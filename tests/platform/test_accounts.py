"""The file of accounts: what is written is there again, sealed, and changes hands only whole."""

from dataclasses import replace
from pathlib import Path

import pytest

from hansa.errors import AlreadyExists, BadRequest, HansaError, NotFound
from hansa.platform.accounts import Accounts
from hansa.trust.people import Passkey, Person, link

KEY = b"k" * 32
NOW = 1_800_000_000_000_000
ADA = Person("ada", "Ada", frozenset({"administrator", "auditor"}), frozenset({"parks"}), made_at=NOW)
PHONE = Passkey(b"phone", "ada", b"public", 3, "city.example", "Phone", NOW)


@pytest.fixture
def accounts(tmp_path: Path):
    made = Accounts(tmp_path / "trust.db", KEY)
    yield made
    made.close()


def test_what_was_written_is_read_again(accounts: Accounts, tmp_path: Path) -> None:
    accounts.keep(ADA)
    accounts.add_passkey(PHONE, 20)
    made, _ = link("invite", "person:ada", NOW, 60, roles=frozenset({"operator"}), departments=frozenset({"water"}))
    accounts.add_link(made)
    again = Accounts(tmp_path / "trust.db", KEY)
    assert again.person("ada") == ADA
    assert again.people() == [ADA]
    assert again.passkeys("ada") == [again.passkey(b"phone")] == [PHONE]
    assert again.link(made.hash) == made
    assert again.links() == [made]
    assert again.person("eve") is None
    assert again.passkey(b"other") is None
    again.close()


def test_the_file_is_sealed_and_its_owners_alone(accounts: Accounts, tmp_path: Path) -> None:
    accounts.keep(replace(ADA, totp="JBSWY3DPEHPK3PXP"))
    for file in tmp_path.iterdir():
        assert b"JBSWY3DPEHPK3PXP" not in file.read_bytes()
        assert b"ada" not in file.read_bytes()
    assert (tmp_path / "trust.db").stat().st_mode & 0o077 == 0
    with pytest.raises(BadRequest):
        Accounts(tmp_path / "trust.db", b"j" * 32)


def test_a_link_is_used_up_together_with_what_it_makes(accounts: Accounts) -> None:
    made, _ = link("invite", "person:ada", NOW, 60)
    accounts.add_link(made)
    accounts.keep(ADA)
    with pytest.raises(AlreadyExists):
        accounts.open_link(made, ADA, None)
    assert accounts.link(made.hash) == made, "refused, it is still there"
    bob = replace(ADA, name="bob", handle=b"b" * 32)
    accounts.add_passkey(PHONE, 20)
    with pytest.raises(AlreadyExists):
        accounts.open_link(made, bob, replace(PHONE, person="bob"))
    assert accounts.person("bob") is None, "a passkey that is known makes no account"
    accounts.open_link(made, bob, replace(PHONE, id=b"other", person="bob"))
    assert accounts.person("bob") == bob
    with pytest.raises(NotFound):
        accounts.open_link(made, replace(bob, name="eve", handle=b"e" * 32), None)


def test_who_is_let_in_again_has_nothing_of_before(accounts: Accounts) -> None:
    accounts.keep(ADA)
    accounts.add_passkey(PHONE, 20)
    made, _ = link("recover", "person:ben", NOW, 60, person="ada")
    accounts.add_link(made)
    accounts.open_link(made, ADA, replace(PHONE, id=b"new"))
    assert [one.id for one in accounts.passkeys("ada")] == [b"new"]


def test_a_code_and_a_count_are_used_once_even_at_the_same_time(accounts: Accounts) -> None:
    accounts.keep(ADA)
    accounts.add_passkey(PHONE, 20)
    assert accounts.count_code("ada", 7)
    assert not accounts.count_code("ada", 7)
    assert not accounts.count_code("ada", 6)
    after = replace(PHONE, count=4, used_at=NOW)
    assert accounts.use_passkey(PHONE, after)
    assert not accounts.use_passkey(PHONE, after)
    assert accounts.passkey(b"phone") == after


def test_what_the_city_signs_with_is_made_once(accounts: Accounts, tmp_path: Path) -> None:
    one = accounts.secret("devices")
    assert len(one) == 32
    assert accounts.secret("devices") == one != accounts.secret("challenges")
    again = Accounts(tmp_path / "trust.db", KEY)
    assert again.secret("devices") == one
    again.close()


def test_a_file_of_a_newer_hansa_is_left_alone(accounts: Accounts, tmp_path: Path) -> None:
    accounts._db.execute("UPDATE said SET value = x'0009' WHERE name = 'version'")
    with pytest.raises(HansaError, match="version 9"):
        Accounts(tmp_path / "trust.db", KEY)
