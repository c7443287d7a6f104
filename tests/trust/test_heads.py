"""Signed heads: what is signed holds, anything else does not, and others' notes can be read."""

from base64 import b64decode, b64encode
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from hansa.errors import BadRequest
from hansa.trust.heads import LOG, WITNESS, Head, Note, Signer, Verifier, signature_lines

KEY = Ed25519PrivateKey.from_private_bytes(sha256(b"a key for tests").digest())
LOGS = Signer("city.example/audit/open", KEY)
SEES = Signer("neighbour.example/witness", Ed25519PrivateKey.from_private_bytes(sha256(b"another").digest()), WITNESS)
HEAD = Head("city.example/audit/open", 40_961, sha256(b"root").digest(), ("time 1795369200",))


def test_a_head_is_three_lines_and_its_keepers_own():
    text = HEAD.text
    assert text.splitlines()[:2] == ["city.example/audit/open", "40961"]
    assert Head.parse(text) == HEAD
    assert HEAD.at == 1_795_369_200
    assert Head(HEAD.origin, 0, HEAD.root).at is None


def test_a_signed_head_holds_by_its_key_and_by_no_other():
    note = Note.parse(LOGS.sign(HEAD))
    assert note.head == HEAD
    assert note.signed_by([LOGS.public, SEES.public]) == [LOGS.public]
    stranger = Signer(LOGS.public.name, Ed25519PrivateKey.generate()).public
    assert note.signed_by([stranger]) == []
    longer = Note.parse(LOGS.sign(HEAD).replace("40961", "40962"))
    assert longer.signed_by([LOGS.public]) == []


def test_a_witness_signs_when_it_saw_a_head():
    line = SEES.line(HEAD.text, 1_795_369_260)
    note = Note.parse(LOGS.sign(HEAD) + line)
    assert note.signed_by([LOGS.public, SEES.public]) == [LOGS.public, SEES.public]
    ((_, blob),) = signature_lines(line)
    later = bytearray(blob)
    later[11] ^= 1
    assert not SEES.public.holds(HEAD.text, bytes(later)), "its time is signed too"
    assert not SEES.public.holds(HEAD.text, blob[:-1])
    # A witness's signature cannot be passed off as the log's, nor the log's as a witness's.
    assert not Verifier(SEES.public.name, SEES.public.raw, LOG).holds(HEAD.text, blob)


def test_a_key_is_told_by_name_id_and_bytes():
    for signer in (LOGS, SEES):
        vkey = signer.public.vkey
        assert Verifier.parse(vkey).vkey == vkey
        name, ident, coded = vkey.split("+", 2)
        raw = b64decode(coded)
        assert sha256(name.encode() + b"\n" + raw).digest()[:4].hex() == ident
        other = b64encode(raw[:-1] + bytes([raw[-1] ^ 1])).decode()
        for wrong in (
            f"{name}+{ident}+{other}",
            f"{name}x+{ident}+{coded}",
            f"{name}+{ident}",
            "",
            f"{name}+{ident}+!",
        ):
            with pytest.raises(BadRequest):
                Verifier.parse(wrong)


def test_the_example_of_the_signed_note_specification_holds():
    # The key and note that Go's golang.org/x/mod/sumdb/note documents.
    key = Verifier.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    note = Note.parse(
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
        "\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    assert note.signed_by([key]) == [key]
    with pytest.raises(BadRequest):
        _ = note.head


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        "a b\n1\n" + "A" * 43 + "=\n",
        "a\n01\n" + "A" * 43 + "=\n",
        "a\n-1\n" + "A" * 43 + "=\n",
        "a\n1\nAAAA\n",
        "a\n1\n" + "A" * 43 + "=",
        "a\n1\n" + "A" * 43 + "=\n\nmore\n",
        "a\n1\n" + "A" * 42 + "B=\n",
        "a\n" + "9" * 19 + "\n" + "A" * 43 + "=\n",
    ],
)
def test_what_is_no_head_is_refused(text):
    with pytest.raises(BadRequest):
        Head.parse(text)


@given(st.text(max_size=300))
def test_rubbish_is_no_note_and_no_crash(text):
    for read in (Note.parse, Head.parse, Verifier.parse, signature_lines):
        try:
            read(text)
        except BadRequest:
            continue


@pytest.mark.parametrize(
    "line", ["- a AAAAAA==\n", "— a\n", "— a !\n", "— a+b AAAAAA==\n", "", "— a AAAAAA==" * 2, "— a AA==\n" * 33]
)
def test_what_is_no_signature_line_is_refused(line):
    with pytest.raises(BadRequest):
        signature_lines(line)
