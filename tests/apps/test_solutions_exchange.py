"""What cities exchange: one text and one digest for the same entry, with its origin; hostile ones are refused."""

import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa import Refusal
from hansa.apps.solutions import entry, exchange
from hansa.apps.solutions.canonical import canonical, digest

LAMPS = {
    "kind": "project",
    "name": "Lamps that dim",
    "summary": "Street lamps that dim when nobody is there.",
    "language": "en",
    "theme": "energy",
    "need": "power for street lamps",
    "maturity": "running",
    "licence": "CC-BY-4.0",
    "cost": {"capital": 200_000, "yearly": 4_000.5, "currency": "EUR", "year": 2024},
    "effects": [
        {"framework": "u4ssc", "code": "EC: I: EN: 1C", "unit": "%", "change": -12.5, "perYears": 2,
         "evidence": "measured", "source": "meters of 400 lamps, 2023 and 2024"},
    ],
}  # fmt: skip
SENDER = {"city": "Brodno", "source": "https://brodno.example/solutions/catalogue.jsonld"}


def listed(ident="urn:hansa:solution:brodno:lamps", version=1, **more):
    return {"identifier": ident, "version": version} | LAMPS | more


def sent(*entries):
    return exchange.document(entries or (listed(),), "Brodno", SENDER["source"], "2026-04-01T00:00:00Z")


# RFC 8785, appendix B: the bits of a double, and how it is written.
VECTORS = [
    ("0000000000000000", "0"), ("8000000000000000", "0"), ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"), ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"), ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"), ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"), ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"), ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"), ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"), ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"), ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"), ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"), ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]  # fmt: skip


@pytest.mark.parametrize(("bits", "written"), VECTORS)
def test_a_number_is_written_as_rfc_8785_writes_it(bits, written):
    assert canonical(struct.unpack(">d", bytes.fromhex(bits))[0]) == written


def test_members_stand_in_the_order_of_utf_16_and_nothing_is_escaped_without_need():
    # RFC 8785, 3.2.3: the order of these names, and 3.2.2.2.
    names = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}
    assert list(json.loads(canonical(names)).values()) == [2, 4, 6, 7, 1, 5, 3]
    assert canonical({"a": '\u20ac$\u000f\nA\'B"\\"/'}) == '{"a":"€$\\u000f\\nA\'B\\"\\\\\\"/"}'
    with pytest.raises(ValueError, match="finite"):
        canonical(float("nan"))
    with pytest.raises(ValueError, match="bytes"):
        canonical(b"")


JSON = st.recursive(
    st.none() | st.booleans() | st.text(st.characters(codec="utf-8"), max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=50)
@given(JSON)
def test_what_is_written_reads_as_it_was_and_is_written_alike_again(value):
    try:
        text = canonical(value)
    except UnicodeEncodeError:  # half a character is no text
        return
    assert json.loads(text, parse_int=float) == value
    assert canonical(json.loads(text)) == text


def test_an_exported_document_is_read_back_as_it_was():
    said = json.loads(json.dumps(sent()))
    entries, sender = exchange.opened(said)
    it = exchange.judged(entries[0], 0, sender)
    assert (it.identifier, it.version, it.told) == ("urn:hansa:solution:brodno:lamps", 1, LAMPS)
    assert it.origin == SENDER
    assert it.digest == entry.edition(it.identifier, 1, LAMPS)


def test_the_same_entries_make_the_same_document_in_whatever_order():
    one, two = listed(), listed("urn:hansa:solution:brodno:ponds", name="Ponds")
    assert canonical(sent(one, two)) == canonical(sent(two, one))
    assert sent(one)["digest"] != sent(two)["digest"]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"schema": "hansa-solutions/2"}, "document.schema"),
        ({"type": "Catalog"}, "document.schema"),
        ({"entries": []}, "document.entries"),
        ({"entries": {}}, "document.entries"),
        ({"entries": [{}] * 401}, "document.entries"),
        ({"city": ""}, "document.city"),
        ({"source": "javascript:alert(1)"}, "document.source"),
        ({"digest": "sha256:" + "0" * 64}, "document.digest"),
        ({"more": 1}, "document.more"),
    ],
)
def test_a_document_that_is_none_is_refused(change, where):
    with pytest.raises(Refusal) as fault:
        exchange.opened(sent() | change)
    assert fault.value.where == where
    with pytest.raises(Refusal):
        exchange.opened([])


HOSTILE = [
    ({"id": "javascript:alert(1)"}, "id"),
    ({"id": 'urn:hansa:solution:x";q'}, "id"),
    ({"version": 0}, "version"),
    ({"version": True}, "version"),
    ({"name": "<script>" + "x" * 200}, "name"),
    ({"name": "lamps\u202espmal"}, "name"),
    ({"name": "a\x00b"}, "name"),
    ({"summary": {"$ne": 1}}, "summary"),
    ({"theme": "all"}, "theme"),
    ({"licence": "GPL; rm -rf"}, "licence"),
    ({"cost": {"capital": float("inf"), "yearly": 0, "currency": "EUR", "year": 2024}}, "cost.capital"),
    ({"cost": {"capital": 10**400, "yearly": 0, "currency": "EUR", "year": 2024}}, "cost.capital"),
    ({"cost": {"capital": 1, "yearly": -1, "currency": "EUR", "year": 2024}}, "cost.yearly"),
    ({"cost": {"capital": 1, "yearly": 1, "currency": "euro", "year": 2024}}, "cost.currency"),
    ({"contact": {"name": "Ada", "url": "http://x.example"}}, "contact.url"),
    ({"contact": {"name": "Ada", "url": "javascript://x.example/%0aalert(1)"}}, "contact.url"),
    ({"contact": {"name": "Ada", "email": "ada@x"}}, "contact.email"),
    ({"standards": ["x"] * 31}, "standards"),
    ({"effects": [LAMPS["effects"][0] | {"evidence": "sworn"}]}, "effects[0].evidence"),
    ({"effects": [{k: v for k, v in LAMPS["effects"][0].items() if k != "source"}]}, "effects[0].source"),
    ({"effects": [LAMPS["effects"][0] | {"code": 'x";y'}]}, "effects[0].code"),
    ({"effects": [LAMPS["effects"][0] | {"perYears": 0}]}, "effects[0].perYears"),
    ({"runsIn": [{"city": "Orlava", "since": "2024-02-30"}]}, "runsIn[0].since"),
    ({"label": "open"}, "label"),
    ({"name": " Lamps that dim"}, "name"),
    ({"name": "Lampe\u0301s"}, "name"),
    ({"status": "listed"}, "status"),
    ({"origin": {"city": "Orlava", "source": "ftp://x"}}, "origin.source"),
]


@pytest.mark.parametrize(("change", "where"), HOSTILE)
def test_hostile_content_is_refused_with_its_place(change, where):
    said = dict(sent()["entries"][0]) | change
    with pytest.raises(Refusal) as fault:
        exchange.judged(said, 3, SENDER)
    assert fault.value.where == f"entries[3].{where}"


def test_what_was_changed_on_the_way_is_refused():
    said = dict(sent()["entries"][0]) | {"name": "Lamps that shine"}
    with pytest.raises(Refusal, match="changed on the way"):
        exchange.judged(said, 0, SENDER)


def test_provenance_keeps_the_city_it_came_from_and_the_one_that_passed_it_on():
    said = exchange.document(
        [listed(origin={"city": "Brodno"})], "Lesno", "https://lesno.example/x", "2026-04-01T00:00:00Z"
    )
    entries, sender = exchange.opened(said)
    assert exchange.judged(entries[0], 0, sender).origin == {"city": "Brodno", "via": "Lesno"}


@settings(max_examples=50)
@given(
    st.recursive(JSON, lambda it: st.dictionaries(st.sampled_from([*entry.CONTENT, "id", "version"]), it, max_size=6))
)
def test_whatever_is_sent_is_an_entry_or_a_refusal(said):
    with pytest.raises(Refusal):
        exchange.judged(said, 0, SENDER)
    with pytest.raises(Refusal):
        exchange.opened(said)


def test_a_digest_is_of_all_that_is_said():
    assert digest({"a": 1.0}) == digest({"a": 1})
    assert entry.edition("urn:x:y", 1, LAMPS) != entry.edition("urn:x:y", 2, LAMPS)
    assert entry.edition("urn:x:y", 1, LAMPS) != entry.edition("urn:x:z", 1, LAMPS)
