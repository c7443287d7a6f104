"""A rule's text: read, printed, read again; and where it cannot be read, exactly where."""

import json
import string
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hansa.apps.watch
from hansa import Entity, units
from hansa.apps.watch import tree
from hansa.apps.watch.printing import condition_text, rule_text
from hansa.apps.watch.rule import compiled, condition_of, read
from hansa.apps.watch.terms import CATEGORIES, SECOND, SEVERITIES, Unusable
from hansa.apps.watch.wording import Text, read_rule
from hansa.apps.watch.words import Unreadable, words

sys.path.insert(0, str(Path(__file__).parent))
from some_rules import trees

PACK = json.loads((Path(hansa.apps.watch.__file__).parent / "defaults.json").read_text())
FROST = (
    "when temperature of WeatherObserved is below 2 degC for 10 min\n"
    "  and at least 2 neighbours within 5 km are also below 3 degC, raise 'frost' high"
)
HEAD = tree.Limit("level", tree.Range(None, 3.0))


def read_back(node):
    return read_rule(f"when {condition_text(node, 'WaterObserved')} raise 'x'").condition


def test_the_sentence_of_the_issue_is_read():
    said = read_rule(FROST)
    assert (said.type, said.alarm, said.severity, said.category) == ("WeatherObserved", "frost", "high", "environment")
    assert said.condition == tree.All((
        tree.Lasting(tree.Limit("temperature", tree.Range(2.0, None, "CEL")), 600 * SECOND),
        tree.Near(2, tree.Group(within=5_000.0), "temperature", tree.Range(3.0, None, "CEL")),
    ))  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "level is above 3 m with hysteresis 0.2 m",
        "mean of level over 1 h is outside 1 to 3 m",
        "count of level over 2 h is below 1",
        "level rises faster than 0.5 m per h over 1 h with hysteresis 0.1 m",
        "level falls faster than 0.5 m per h over 30 min in at least 5 readings",
        "level is silent for 1 h",
        "level is flat for 6 h within 0.02 m in at least 5 readings",
        "level is implausible outside -1 to 20 m",
        "level is implausible",
        "pumpState is 'off'",
        "pumpState is true",
        "level is 3",
        "level is 2 m above the median of at least 3 neighbours within 5 km",
        "level is 2 m away from the median of at least 1 AirQualityObserved linked by refDevice",
        "not (level is above 3 m)",
        "not (level is above 3 m for 10 min) for 5 min",
        "(level is above 3 m or flow is below 1) for 1 d",
        "at least 2 of (level is above 3 m, flow is below 1, the month is May)",
        "(level is above 3 m and flow is below 1)\n  or the day is Monday to Wednesday or Friday",
        "level is above 3 m\n  and the time is between 22:00 and 06:00",
        "level is above 3 m\n  and at least 1 neighbour within 500 m said in the last 10 min is also above 3 m",
        "level is above 3 m\n  and at least 2 Pump like '*:mill*' linked by refPump have state 'off'",
        "'is' is above 3\n  and 'https://example.org/of' is below 2",
        "level is above 3 m for 1.5 s",
    ],
)
def test_what_is_printed_is_what_was_written(text):
    said = read_rule(f"when {text.replace('level', 'level of W', 1)} raise 'x'" if "level" in text
                     else f"when {text.replace(' is', ' of W is', 1)} raise 'x'")  # fmt: skip
    assert condition_text(said.condition, lines=True) == text


@settings(max_examples=200, deadline=None)
@given(trees(st.sampled_from([None, "MTR", "CEL", "2N", "INH", "P1", "59"])))
def test_a_tree_printed_and_read_is_the_same_tree(node):
    assert read_back(node) == node


@settings(max_examples=100, deadline=None)
@given(trees(st.sampled_from([None, "MTR", "CEL"])))
def test_a_tree_as_json_is_the_same_tree(node):
    assert tree.of_json(json.loads(json.dumps(tree.to_json(node)))) == node


names = st.text(string.ascii_letters + "_-.äж0", min_size=1, max_size=12).map(lambda s: "x" + s)
printable = st.text(min_size=1, max_size=30).filter(str.isprintable)


@settings(max_examples=300, deadline=None)
@given(
    st.builds(
        Text,
        names.filter(lambda s: s not in {"Alert", "WatchRule"}),
        st.one_of(st.none(), st.text(max_size=20).filter(lambda s: s.count("*") < 5)),
        st.just(HEAD),
        printable.filter(lambda s: s != "configuration"),
        st.sampled_from(SEVERITIES),
        st.sampled_from(CATEGORIES),
        st.one_of(st.none(), st.text(max_size=60)),
    )
)
def test_a_whole_rule_printed_and_read_is_the_same_rule(said):
    assert read_rule(rule_text(said.rule("urn:ngsi-ld:WatchRule:x"))) == said


@settings(max_examples=200, deadline=None)
@given(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e299, max_value=1e299),
    st.sampled_from(sorted(units.UNITS)),
)
def test_every_number_and_unit_is_read_as_it_was_printed(value, unit):
    node = tree.Limit("level", tree.Range(None, value, unit))
    assert read_back(node) == node


@pytest.mark.parametrize("span", [1, 59, 60, 61, 3_600, 86_400, 86_401, 31_622_400])
def test_every_span_is_read_as_it_was_printed(span):
    node = tree.Lasting(HEAD, span * SECOND)
    assert read_back(node) == node


def test_every_rule_of_the_pack_reads_as_a_sentence_and_back():
    for doc in PACK:
        rule = read(Entity(doc))
        assert compiled(condition_of(rule), rule) == rule
        assert read_rule(rule_text(rule)).rule(rule.id) == replace(rule, alarm=rule.kind), rule_text(rule)


@pytest.mark.parametrize(
    ("text", "line", "column", "expected"),
    [
        ("", 1, 1, "when"),
        ("frost please", 1, 1, "when"),
        ("when temperature of W is below 2 degX raise 'x'", 1, 34, "a unit such as degC"),
        ("when temperature of W is below 2degX raise 'x'", 1, 33, "a unit such as degC"),
        ("when temperature is below 2 raise 'x'", 1, 6, "a type"),
        ("when a of W is above 3", 1, 23, "raise"),
        ("when a of W is above 3 raise x", 1, 30, "in quotes"),
        ("when a of W is above 3 raise 'x' terrible", 1, 34, "a severity"),
        ("when a of W is above 3 raise 'x' high as weathr", 1, 42, "a category"),
        ("when a of W is above 3 raise 'x", 1, 30, "a closing '"),
        ("when a of W is above 3 raise 'x' high please", 1, 39, "the end of the rule"),
        ("when a of W is above 3\n and b is below 1\n or c is above 2 raise 'x'", 3, 2, "parentheses"),
        ("when a of W is above 3\n and b of V is above 1 raise 'x'", 2, 11, "the type W"),
        ("when a of W is above three raise 'x'", 1, 22, "a number"),
        ("when a of W is outside 3 to 1 m raise 'x'", 1, 24, "the lower value first"),
        ("when a of W is above 3 for ever raise 'x'", 1, 28, "a span"),
        ("when a of W is above 3 for 0 s raise 'x'", 1, 28, "a second up to a year"),
        ("when a of W is above 3 for 500 d raise 'x'", 1, 28, "a second up to a year"),
        ("when a of W is above 3 with hysteresis 1 degC raise 'x'", 1, 40, "in the unit of the limit"),
        ("when the time is between 25:00 and 06:00 raise 'x'", 1, 26, "a time of day"),
        ("when the day is Funday raise 'x'", 1, 17, "a day of the week"),
        ("when the month is May raise 'x'", 1, 6, "about the source itself"),
        ("when (a of W is above 3 raise 'x'", 1, 25, "')'"),
        ("when a of W like '*a*b*c*d*e*' is above 3 raise 'x'", 1, 18, "at most 4 stars"),
        ("when a of Alert is above 3 raise 'x'", 1, 11, "does not write itself"),
        ("when a of W is above 3 raise 'configuration'", 1, 30, "not 'configuration'"),
        ("when a of W is above 3 and at least 2 neighbours within 5 years have b 1 raise 'x'", 1, 59, "a distance"),
        ("when a of W is above 3 and at least 2 neighbours within 500 km are also above 2 raise 'x'", 1, 57, "100 km"),
        ("when a of W is above 3 and at least 0 neighbours within 5 km have b 1 raise 'x'", 1, 37, "whole number"),
        ("when at least 3 of (a of W is above 3, b is above 2) raise 'x'", 1, 52, "at least 3 conditions"),
        ("when count of a of W over 1 h is above 3 m raise 'x'", 1, 40, "a count has none"),
        ("when mean of a of W is above 3 raise 'x'", 1, 21, "over"),
        ("when a of W rises faster than 3 m per day raise 'x'", 1, 39, "s, min or h"),
        ("when a of W rises faster than 0 m per h raise 'x'", 1, 6, "above zero"),
        ("when is of W is above 3 raise 'x'", 1, 6, "an attribute"),
        ("when a of W is above 1e999 raise 'x'", 1, 22, "a number"),
        ("when a of W is above " + "9" * 500 + " raise 'x'", 1, 22, "a number"),
        ("when " + "(" * 200 + "a of W is above 3" + ")" * 200 + " raise 'x'", 1, 22, "at most 8 deep"),
        ("when " + "not " * 200 + "a of W is above 3 raise 'x'", 1, 74, "at most 8 deep"),
        ("when " + " and ".join(["a of W is above 3"] * 60) + " raise 'x'", 1, 6, "at most 50 parts"),
        ("x" * 10_001, 1, 1, "at most 10,000 characters"),
        ("when a\x00b of W is above 3 raise 'x'", 1, 6, "an attribute"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_where_and_what_was_expected(text, line, column, expected):
    with pytest.raises(Unreadable) as caught:
        read_rule(text)
    assert (caught.value.line, caught.value.column) == (line, column), caught.value
    assert expected in caught.value.expected, caught.value


WORDS = (
    "when and or not ( ) , at least 2 of is above below 3 m degC for 10 min neighbours within 5 km are also raise 'x'"
    " high the time between 22:00 06:00 level W rises faster than per h over silent flat median"
)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(WORDS.split()), st.text(max_size=6)), max_size=25))
def test_no_text_does_anything_but_be_read_or_say_where_not(said):
    try:
        found = read_rule(" ".join(said))
    except Unreadable as fault:
        found = fault
    if isinstance(found, Unreadable):
        assert min(found.line, found.column) >= 1
    else:
        assert read_back(found.condition) == found.condition


def test_words_know_their_place_after_a_quote_over_two_lines():
    assert [(w.text, w.line, w.column) for w in words("a 'b\nc' d\n  e")] == [
        ("a", 1, 1), ("b\nc", 1, 3), ("d", 2, 4), ("e", 3, 3), ("", 3, 4),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (None, "is no condition"),
        ([], "is no condition"),
        ({}, "attribute"),
        ({"all": []}, "at least one"),
        ({"all": "x"}, "at least one"),
        ({"attribute": "level"}, "what of it"),
        ({"attribute": "level", "above": "3"}, "no number"),
        ({"attribute": "level", "above": True}, "no number"),
        ({"attribute": "level", "above": float("nan")}, "no number"),
        ({"attribute": "level", "above": 10**400}, "no number"),
        ({"attribute": "level", "above": 3, "unit": "parsec"}, "UN/CEFACT"),
        ({"attribute": "level", "above": 3, "unit": 7}, "UN/CEFACT"),
        ({"attribute": "le vel", "above": 3}, "no name of an attribute"),
        ({"attribute": "level", "above": 3, "bellow": 2}, "means nothing"),
        ({"attribute": "level", "outside": [3, 1]}, "lies above"),
        ({"attribute": "level", "outside": [3]}, "lowest, highest"),
        ({"attribute": "level", "above": 3, "hysteresis": -1}, "not below zero"),
        ({"attribute": "level", "silentFor": 0}, "a second"),
        ({"attribute": "level", "silentFor": 1e12}, "a year"),
        ({"attribute": "level", "flatFor": 60, "readings": 1}, "readings"),
        ({"mean": "level", "above": 3}, "no number"),
        ({"count": "level", "over": 60, "above": 3, "unit": "MTR"}, "count has no unit"),
        ({"lasting": 60}, "is no condition"),
        ({"atLeast": 3, "of": [{"attribute": "a", "is": "x"}] * 2}, "from 1 to 2"),
        ({"time": ["22:00"]}, "two times"),
        ({"time": ["22:00", "9"]}, "no time of day"),
        ({"weekdays": ["Funday"]}, "some of Monday"),
        ({"weekdays": ["Monday"]}, "no attribute of its source"),
        ({"attribute": "a", "above": 1, "neighbours": {}}, "within a distance"),
        ({"attribute": "a", "above": 1, "neighbours": {"within": 1e9}}, "within 100 km"),
        ({"attribute": "a", "above": 1, "neighbours": {"within": 5, "linkedBy": "x"}}, "within a distance"),
        ({"attribute": "a", "above": 1, "neighbours": {"within": 5, "like": "*" * 9}}, "4 stars"),
        ({"attribute": "a", "above": 1, "neighbours": {"within": 5, "type": "Alert"}}, "no type of neighbours"),
    ],
)
def test_json_that_is_no_condition_says_what_and_why(said, why):
    with pytest.raises(Unusable, match=why):
        tree.of_json(said)


def test_a_tree_that_never_ends_or_bursts_is_refused():
    ring = {"not": None}
    ring["not"] = ring
    with pytest.raises(Unusable, match="8 deep"):
        tree.of_json(ring)
    wide = {"attribute": "a", "is": "x"}
    for _ in range(7):
        wide = {"all": [wide] * 10}
    with pytest.raises(Unusable, match="50 parts"):
        tree.of_json(wide)
    near = {"attribute": "a", "above": 1, "neighbours": {"within": 5}}
    with pytest.raises(Unusable, match="4 of them about neighbours"):
        tree.of_json({"all": [{"attribute": "a", "above": 1}, *[near] * 5]})
