"""instanceIds say nothing of the log, and lead back to what they name."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.platform.sqlite.schema import connect
from hansa.platform.sqlite.veil import Key, Veil

WORD = st.integers(0, 2**63 - 2)
AT = st.integers(-(2**62), 2**62)


@given(seq=WORD, d=WORD, at=AT, secret=st.binary(min_size=16, max_size=16))
def test_an_instance_id_names_one_instance(seq: int, d: int, at: int, secret: bytes) -> None:
    veil = Veil(secret)
    assert veil.key(veil.ident(seq, d, at)) == Key(seq, d, at)
    assert veil.ident(seq + 1, d, at) != veil.ident(seq, d, at)


def test_two_instance_ids_do_not_tell_how_much_happened_between_them() -> None:
    veil, other = Veil(b"k" * 16), Veil(b"l" * 16)
    blocks = [int(veil.ident(seq, 0, 0).split(":")[3].partition(".")[0], 16) for seq in range(1_000, 1_200)]
    gaps = {abs(one - two) for one, two in pairwise(blocks)}
    assert len(gaps) == 199, "every step looks like another"
    assert min(gaps).bit_length() > 100
    assert veil.ident(7, 0, 0) != other.ident(7, 0, 0), "each file has a key of its own"


@pytest.mark.parametrize(
    "ident", ["", "urn:ngsi-ld:Instance:1.0.1", "urn:x:y", "urn:ngsi-ld:Instance:" + "g" * 32 + ".1"]
)
def test_what_is_no_instance_id_names_nothing(ident: str) -> None:
    assert Veil(b"k" * 16).key(ident) is None


def test_a_file_keeps_its_key(tmp_path: Path) -> None:
    def ident() -> str:
        db = connect(tmp_path / "one.db", write=True)
        try:
            return Veil.of(db).ident(1, 2, 3)
        finally:
            db.close()

    first = ident()
    assert ident() == first
    assert re.fullmatch(r"urn:ngsi-ld:Instance:[0-9a-f]{32}\.3", first)
