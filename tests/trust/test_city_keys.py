import re
import string

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given
from hypothesis import strategies as st

from hansa.errors import BadRequest
from hansa.trust.keys import CityKey, KeyRing

KEY = CityKey(bytes(range(32)))


def test_a_key_is_written_on_a_line_and_read_again() -> None:
    for _ in range(50):
        made = CityKey.fresh()
        assert re.fullmatch(r"hansa-key-1\.[A-Za-z0-9_-]{43}\.[0-9a-f]{8}", made.text())
        assert CityKey.read(f"  {made.text()}\n") == made
        assert CityKey.read(made.secret.hex().upper()) == made
    assert CityKey.fresh() != CityKey.fresh()


def test_a_key_is_never_shown() -> None:
    ring = KeyRing((KEY,), "here")
    for shown in (repr(KEY), str(KEY), repr(ring), f"{ring}", KEY.id):
        assert KEY.secret.hex() not in shown
        assert KEY.text()[12:55] not in shown
        assert repr(KEY.secret) not in shown


@given(at=st.integers(0, 63), to=st.sampled_from(string.ascii_letters + string.digits + "._-"))
def test_a_character_that_was_copied_wrong_is_noticed(at: int, to: str) -> None:
    text = KEY.text()
    wrong = text[:at] + to + text[at + 1 :]
    if wrong == text:
        assert CityKey.read(wrong) == KEY
        return
    with pytest.raises(BadRequest) as told:
        CityKey.read(wrong)
    assert text[12:40] not in str(told.value), "an error repeats no key"


@pytest.mark.parametrize("text", ["", "secret", "hansa-key-1.", KEY.text()[:-1], KEY.text() + "0", "0" * 64, "a1" * 32,
                                  KEY.secret.hex()[:-1], "ключ"])  # fmt: skip
def test_what_is_no_key_is_refused_with_how_one_looks(text: str) -> None:
    with pytest.raises(BadRequest) as told:
        CityKey.read(text)
    assert not text or text not in str(told.value)


def test_each_file_has_a_key_of_its_own() -> None:
    keys = {KEY.of(name) for name in ("security.db", "trust.db", "audit-open.db", "")} | {
        CityKey.fresh().of("trust.db")
    }
    assert len(keys) == 5
    assert all(len(one) == 32 for one in keys)
    assert KEY.of("trust.db") == CityKey(bytes(range(32))).of("trust.db")


def test_they_are_derived_as_rfc_5869_says() -> None:
    import hashlib
    import hmac

    extracted = hmac.digest(bytes(32), KEY.secret, hashlib.sha256)
    expanded = HKDFExpand(SHA256(), 32, b"hansa file\0trust.db").derive(extracted)
    assert KEY.of("trust.db") == expanded


def test_a_key_file_has_a_line_a_key_and_remarks() -> None:
    old = CityKey.fresh()
    ring = KeyRing.read(f"# two of them\n\n{KEY.text()}  # the new one\n{old.text()}\n{old.text()}\n", "file")
    assert ring.keys == (KEY, old)
    assert ring.newest == KEY
    assert KeyRing.read(ring.text()).keys == ring.keys
    assert KeyRing.read(f"{KEY.text()} {old.secret.hex()}").keys == ring.keys, "as in a variable"


@pytest.mark.parametrize("text", ["", "# nothing\n", "\n".join(CityKey.fresh().text() for _ in range(17))])
def test_a_key_file_without_keys_or_with_a_heap_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="keys in it"):
        KeyRing.read(text, "file")


def test_a_bad_line_of_a_key_file_is_named() -> None:
    with pytest.raises(BadRequest) as told:
        KeyRing.read(f"{KEY.text()}\n{KEY.text()[:-2]}\n", "security.key")
    assert told.value.where == "security.key, line 2"
