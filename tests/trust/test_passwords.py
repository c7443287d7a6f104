"""Passwords and one-time codes: long, not everybody's, not one's own name; once, and at most one step off."""

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.errors import BadRequest
from hansa.trust import passwords

NOW = 1_800_000_000


@pytest.mark.parametrize(
    "good",
    [
        "meadow kettle tram violin", "the bridge was painted green in 1987", "пароль на каждый день года",
        "xK4$vn2pLq9z", "今日は天気がいいから散歩しよう", "aaaa bbbb cccc dddd eeee ffff x",
        "liverpool street at dawn, raining",
    ],
)  # fmt: skip
def test_a_password_may_be_anything_long_whatever_its_letters(good: str) -> None:
    assert passwords.chosen(good, ("ada", "Lovelace")) == good


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("short", "12"), ("elevenchars", "12"), ("passwordpassword", "tries first"), ("P@ssw0rd2026!", "tries first"),
        ("Password1234567", "tries first"), ("123456789012", "keys beside"), ("qwertyuiop123", "keys beside"),
        ("abcdefghijkl", "keys beside"), ("lkjhgfdsapoiu", "keys beside"), ("aaaaaaaaaaaaa", "same few"),
        ("ababababababab", "same few"), ("lovelace2026!!", "own name"), ("Lovelace-Lovelace", "own name"),
        ("dragon4dragon5", "tries first"), ("correcthorsebatterystaple", "tries first"),
        ("Administrator1!", "tries first"),
        ("letmeinletmein1", "tries first"), ("ɐ" * 20, "same few"),
    ],
)  # fmt: skip
def test_what_everybody_tries_first_is_refused(bad: str, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        passwords.chosen(bad, ("ada", "Ada", "Lovelace"))


@pytest.mark.parametrize("none", [None, 12, [], "", "x" * 257, "\ud800 half a character here"])
def test_what_is_no_password_is_refused(none: object) -> None:
    with pytest.raises(BadRequest):
        passwords.chosen(none)


def test_a_password_is_the_same_however_it_is_typed() -> None:
    assert passwords.normal("Ångström ﬁle meadow") == passwords.normal("Ångström file meadow")


@given(st.text(max_size=60))
def test_no_text_breaks_the_rules(said: str) -> None:
    try:
        assert len(passwords.chosen(said, (said[:5], "ada"))) >= passwords.SHORTEST
    except BadRequest as fault:
        assert fault.where == "password"  # noqa: PT017  # either is good


def test_a_hash_knows_its_password_and_no_other() -> None:
    kept = passwords.kept("meadow kettle tram violin")
    assert kept.startswith("$argon2id$")
    assert passwords.matches("meadow kettle tram violin", kept)
    assert not passwords.matches("meadow kettle tram violin ", kept)
    assert not passwords.matches("meadow kettle tram violin", "")
    assert not passwords.matches("meadow kettle tram violin", "no hash")
    assert not passwords.outdated(kept)
    assert passwords.outdated(kept.replace("t=2", "t=1"))


def test_a_code_works_once_and_one_step_off() -> None:
    secret = passwords.new_totp()
    at = pyotp.TOTP(secret).at
    step = NOW // 30

    def said(code: str, used: int = 0) -> int | None:
        return passwords.code_step(secret, code, NOW * 1_000_000, used)

    assert said(at(NOW)) == step
    assert said(at(NOW - 30)) == step - 1
    assert said(at(NOW + 30)) == step + 1
    assert said(f"{at(NOW)[:3]} {at(NOW)[3:]}") == step
    assert said(at(NOW), used=step) is None, "used up"
    assert said(at(NOW - 30), used=step) is None, "an older one too"
    for wrong in (at(NOW - 90), at(NOW + 90)):
        if wrong not in {at(NOW + by) for by in (-30, 0, 30)}:
            assert said(wrong) is None


@pytest.mark.parametrize("wrong", [None, 123456, "", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "123456\n", ["123456"]])
def test_what_is_no_code_is_none(wrong: object) -> None:
    assert passwords.code_step(passwords.new_totp(), wrong, NOW * 1_000_000, 0) is None
    assert passwords.code_step("", "123456", NOW * 1_000_000, 0) is None


def test_an_authenticator_is_told_its_secret_as_a_picture_and_as_text() -> None:
    secret = passwords.new_totp()
    uri = passwords.totp_uri(secret, "ada", "Hansa & Co")
    assert uri.startswith("otpauth://totp/")
    assert secret in uri
    assert len(secret) == 32
    picture = passwords.totp_picture(uri)
    assert 'xmlns="http://www.w3.org/2000/svg"' in picture
    assert "<script" not in picture
