"""What people say in a JSON object, read with care: of its kind and size, or refused by name."""

import unicodedata
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa import Refusal, saying


@pytest.mark.parametrize(
    ("read", "value", "found"),
    [
        (lambda said: saying.text(said, "it", 10), "  e\u0301t\u00e9 ", "\u00e9t\u00e9"),
        (lambda said: saying.text(said, "it", 10, lines=True), "a\r\nb", "a\nb"),
        (lambda said: saying.word(said, "it", ("a", "b")), "b", "b"),
        (lambda said: saying.number(said, "it", 0, 5), 2.0, 2),
        (lambda said: saying.whole(said, "it", 0, 5), 3, 3),
        (lambda said: saying.link(said, "it", 90), "https://city.example/a?b=1", "https://city.example/a?b=1"),
        (lambda said: saying.mail(said, "it"), "office@city.example", "office@city.example"),
        (lambda said: saying.currency(said, "it"), "EUR", "EUR"),
        (lambda said: saying.texts(said, "it", 3, 5), ["b", "a", "b"], ["b", "a"]),
        (lambda said: saying.day(said, "it"), "2026-05-01", "2026-05-01"),
        (lambda said: saying.flag(said, "it"), False, False),
        (lambda said: saying.code(said, "it"), "EC: ICT: ICT: 1C", "EC: ICT: ICT: 1C"),
        (lambda said: saying.figure(said, "it", 1.0, 0.0, 9.0), "2.5", 2.5),
        (lambda said: saying.count(said, "it", 20, 100), "7", 7),
    ],
)
def test_what_is_said_well_is_taken_as_it_was_meant(read, value, found):
    assert read({"it": value}) == found


@pytest.mark.parametrize(
    ("read", "values"),
    [
        (lambda said: saying.text(said, "it", 5), ["", "  ", "abcdef", "a\nb", "\u202ea", "a\0", 7, None, "\ud800"]),
        (lambda said: saying.word(said, "it", ("a", "b")), ["c", "", None, 1, ["a"]]),
        (lambda said: saying.number(said, "it", 0, 5), [-1, 6, True, "3", None, float("nan"), 10**400]),
        (lambda said: saying.whole(said, "it", 0, 5), [2.0, True, "2", 6]),
        (lambda said: saying.link(said, "it", 90), ["http://city.example", "javascript:alert(1)", "https://a b", ""]),
        (lambda said: saying.mail(said, "it"), ["office", "a@b", "a b@city.example", 1]),
        (lambda said: saying.currency(said, "it"), ["eur", "EURO", "", None]),
        (lambda said: saying.texts(said, "it", 2, 5), ["a", ["a", "b", "c"], [1], ["abcdef"], None]),
        (lambda said: saying.parts(said, "it", 2), [{}, [1], [{}, {}, {}]]),
        (lambda said: saying.day(said, "it"), ["2026-5-1", "2026-02-30", "1066-10-14", "", None, 20260501]),
        (lambda said: saying.flag(said, "it"), ["true", 1, None]),
        (lambda said: saying.code(said, "it"), ['a"b', "a|b", "(", ""]),
        (lambda said: saying.figure(said, "it", 1.0, 0.0, 9.0), ["x", "10", "nan", "1" * 50]),
        (lambda said: saying.count(said, "it", 20, 100), ["0", "101", "x", "\u0663", "1" * 12]),
        (lambda said: saying.only(said, "other"), ["whatever"]),
    ],
)
def test_what_is_not_is_refused_by_its_name(read, values):
    for value in values:
        with pytest.raises(Refusal) as refused:
            read({"it": value})
        assert "it" in (refused.value.where or ""), value


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)))
@settings(max_examples=50)
def test_nothing_that_is_said_makes_it_stumble(value):
    with suppress(Refusal):
        assert saying.text({"it": value}, "it", 20) == unicodedata.normalize("NFC", value).strip()
    with suppress(Refusal):
        assert len(saying.texts({"it": value}, "it", 5, 20)) <= 5
