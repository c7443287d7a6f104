"""Entries of the audit log: canonical, without secrets, and found by what they say."""

import math

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from hansa.errors import BadRequest, TooLarge
from hansa.trust.audit import LEFT_OUT, TEXT, Entry, cleaned, halves, is_secret, told_to, words

AT = 1_795_369_200_123_456


def made(what, kind="policy", actor="person:ada", session="s1"):
    before, after = halves(kind, actor, what, session=session, realm="open")
    return b"%b%d%b" % (before, AT, after)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
VALUES = st.recursive(
    SCALARS,
    lambda one: st.lists(one, max_size=4) | st.dictionaries(st.text(max_size=9), one, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=12), VALUES, max_size=5), st.text(max_size=30), st.text(max_size=30))
def test_an_entry_is_canonical_whatever_it_says(what, actor, session):
    body = made(what, actor=actor, session=session)
    assert rfc8785.dumps(orjson.loads(body)) == body
    entry = Entry.read(body)
    assert entry.at == AT
    assert rfc8785.dumps(entry.shown()) == body


def test_secrets_are_left_out_by_name_at_every_depth():
    said = cleaned(
        {
            "device": "pump-7",
            "Password": "correct horse",
            "body": {"client_secret": 1, "nested": [{"accessToken": ["x"]}, {"x-api-key": "k", "fine": "yes"}]},
            "claim": "9f…",
        }
    )
    assert said == {
        "device": "pump-7",
        "Password": LEFT_OUT,
        "body": {
            "client_secret": LEFT_OUT,
            "nested": [{"accessToken": LEFT_OUT}, {"x-api-key": LEFT_OUT, "fine": "yes"}],
        },
        "claim": LEFT_OUT,
    }
    assert not any(is_secret(name) for name in ("device", "entity", "session", "keyboard", "purpose", "reason", "name"))


@pytest.mark.parametrize(
    "secret",
    [
        "hansa_0123456789abcdef_" + "Ab3-_" * 8 + "xyz",
        "hansa-key-1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.00112233",
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl",
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ\n-----END PRIVATE KEY-----",
        "Bearer 0123456789abcdef",
        "Basic YWRhOnNlY3JldA==",
        "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA",
    ],
)
def test_secrets_are_left_out_by_their_look(secret):
    said = cleaned({"asked": f"it said {secret} here", "list": [secret]})
    assert secret not in str(said)
    assert said["list"] == [LEFT_OUT]
    assert said["asked"].startswith("it said ")


def test_secrets_in_addresses_are_left_out_and_the_address_stays():
    said = cleaned({"asked": "https://ada:pw1234@city.example/enrol?id=7&token=abcdef&x=1"})["asked"]
    assert said == f"https://ada:{LEFT_OUT}@city.example/enrol?id=7&token={LEFT_OUT}&x=1"


def test_what_is_no_canonical_number_or_text_is_kept_as_text():
    said = cleaned({"big": 2**70, "nan": math.nan, "inf": -math.inf, "half": "\ud800", "many": {"b", "a"}})
    assert said == {"big": str(2**70), "nan": "nan", "inf": "-inf", "half": "?", "many": ["a", "b"]}


def test_long_texts_are_cut_and_say_so():
    said = cleaned({"asked": "x" * 100_000})["asked"]
    assert len(said) <= TEXT
    assert said.endswith("… (100000 characters)")


def test_what_cannot_be_kept_is_refused():
    nested = {}
    for _ in range(40):
        nested = {"in": nested}
    with pytest.raises(TooLarge):
        made(nested)
    with pytest.raises(BadRequest):
        made({"at": object()})
    for kind in ("", "Login", "a b", "x" * 60, "log\n"):
        with pytest.raises(BadRequest):
            made({}, kind=kind)
    for body in (b"", b"[]", b"{}", b'{"at":"x"}', made({}).replace(b'"person:ada"', b"7")):
        with pytest.raises(BadRequest):
            Entry.read(body)


def test_an_entry_is_found_by_who_what_and_whose():
    entry = Entry.read(made({"of": {"person:bo": ["urn:x:1"]}, "entities": ["urn:x:2", "urn:x:2"]}, "read-personal"))
    assert words(entry) == [
        "about:person:bo", "actor:person:ada", "entity:urn:x:1", "entity:urn:x:2", "kind:read-personal", "session:s1",
    ]  # fmt: skip
    assert "about:person:ada" in words(Entry.read(made({}, "login")))
    assert words(Entry.read(made({"device": "pump-7", "entity": 7, "of": [1]}, session=""))) == [
        "actor:person:ada", "entity:pump-7", "kind:policy",
    ]  # fmt: skip


def test_a_person_is_told_what_is_his_and_nothing_of_others():
    entry = Entry.read(
        made(
            {
                "asked": "GET entities?q=name==Cy",
                "of": {"person:bo": ["urn:x:1"], "person:cy": ["urn:x:2"]},
                "entities": ["urn:x:3"],
                "purpose": "care",
                "times": 3,
            },
            "read-personal",
        )
    )
    told = told_to("person:bo", entry)
    assert told == {
        "actor": "person:ada",
        "at": AT,
        "kind": "read-personal",
        "what": {"asked": "GET entities", "entities": ["urn:x:1"], "purpose": "care", "times": 3},
    }
    assert "urn:x" not in str(told_to("person:di", entry))


def test_nobody_and_nothing_goes_unseen_by_being_called_like_a_secret() -> None:
    token = "hansa_aaaaaaaaaaaaaaaa_" + "A" * 43
    signed = "urn:x:eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln"
    kept = cleaned({"entities": [signed, token], "device": token, "why": f"with {token}", "token": token})
    assert kept["entities"] == [signed, token]
    assert kept["device"] == token
    assert token not in kept["why"]
    assert kept["token"] == LEFT_OUT
