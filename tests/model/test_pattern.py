"""Patterns from anybody: the same answers as `re`, and no way to make them hang."""

import contextlib
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.errors import BadRequest
from hansa.model.pattern import NODES, REPEATS, TEXT, Pattern, pattern

_ATOMS = st.one_of(
    st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]", "[a-c]", "\\.", "\\d", "\\w", "1", "é", "[[:alpha:]]"]),
)


def _repeat(inner):
    ends = st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}", "*?"])
    return st.one_of(
        st.tuples(inner, ends).map(lambda t: f"(?:{t[0]}){t[1]}"),
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("|".join),
        inner.map(lambda t: f"({t})"),
        inner.map(lambda t: f"^{t}"),
        inner.map(lambda t: f"{t}$"),
    )


@settings(max_examples=300, deadline=None)
@given(st.recursive(_ATOMS, _repeat, max_leaves=6), st.lists(st.text(alphabet="abc1.é\n", max_size=8), max_size=5))
def test_a_pattern_finds_what_pythons_own_engine_finds(text, subjects):
    ours = Pattern(text)
    theirs = re.compile(text.replace("[[:alpha:]]", "[^\\W\\d_]").replace("$", "\\Z"), re.DOTALL)
    for subject in subjects:
        assert ours.found(subject) is (theirs.search(subject) is not None)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab()[]{}|*+?^$\\.,-:019i=d", max_size=30))
def test_any_text_is_a_pattern_or_a_bad_request(text):
    with contextlib.suppress(BadRequest):
        assert Pattern(text).found("aab01") in {True, False}


@pytest.mark.parametrize("hostile", ["(a+)+x", "(a|aa)*x", "(a*)*(a*)*x", "(.*a){12}x", "(a|b)*a(a|b){60}c"])
def test_patterns_that_stop_a_backtracking_engine_are_answered_at_once(hostile):
    begin = time.process_time()
    compiled = Pattern(hostile)
    for subject in ("a" * 3_000, "ab" * 1_500):
        assert not compiled.found(subject)
    assert time.process_time() - begin < 2.0


def test_repeats_of_nothing_inside_each_other_do_not_take_for_ever():
    with pytest.raises(BadRequest, match="too large"):
        Pattern("((((){255}){255}){255}){255}")
    with pytest.raises(BadRequest, match="too large"):
        Pattern("(a{100}){100}")
    assert Pattern(f"a{{{REPEATS}}}").found("a" * REPEATS)
    assert NODES > REPEATS


def test_groups_and_repeats_can_be_stacked_only_so_high():
    assert Pattern("(" * 50 + "a" + ")*" * 50).found("")
    for hostile in ("(" * 256, "(" * 51 + "a" + ")" * 51):
        with pytest.raises(BadRequest, match="inside each other"):
            Pattern(hostile)


@pytest.mark.parametrize("doubled", ["a**", "a*+", "a+*", "(ab)*{2}", "a{2}{3}", "a???", "x**$", "a" + "*" * 255])
def test_a_repeat_of_a_repeat_is_refused(doubled):
    with pytest.raises(BadRequest, match="repeats a repeat"):
        Pattern(doubled)
    assert Pattern("(a*)*b??").found("aab")  # in a group it is one, and so is "as few as possible"


def test_anchors_tie_a_pattern_to_the_ends():
    assert Pattern("^ab$").found("ab")
    assert not Pattern("^ab$").found("xab")
    assert not Pattern("^ab$").found("abx")
    assert Pattern("ab").found("xabx")
    assert Pattern("^$").found("")
    assert not Pattern("$^").found("x")
    assert not Pattern("^$").found("x")


def test_case_is_folded_when_asked_for():
    assert Pattern("(?i)bmw").found("My BMW")
    assert not Pattern("bmw").found("My BMW")


@pytest.mark.parametrize(
    "bad", ["(", ")", "a)", "[", "[z-a]", "*", "a{2,1}", "a{999}", "\\", "(?=a)", "\\1", "[[:no:]]", "{"]
)
def test_what_is_no_regular_expression_is_refused_with_its_place(bad):
    with pytest.raises(BadRequest, match="character"):
        Pattern(bad)


def test_a_pattern_and_a_text_have_a_largest_size():
    with pytest.raises(BadRequest, match="more than 256"):
        pattern("a" * 257)
    assert pattern("a" * 256).found("a" * 256)
    assert Pattern("a").found("a" * TEXT)
    assert not Pattern("a").found("a" * (TEXT + 1))


def test_forgetting_states_changes_no_answer():
    compiled = Pattern("a[^b]{3}c")
    for i in range(15_000):
        compiled.found(chr(0x4E00 + i))
    assert compiled.found("xaxyzc")
    assert not compiled.found("xaxbzc")


def test_patterns_are_equal_by_their_text():
    assert Pattern("a") == pattern("a")
    assert hash(Pattern("a")) == hash(pattern("a"))
    assert Pattern("a") != Pattern("b")
    assert repr(Pattern("a")) == "Pattern('a')"
