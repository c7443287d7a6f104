"""What is wrong with a policy is said line by line; what could end the process, or not be seen, never gets to Cedar."""

import subprocess
import sys

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.limits import DEFAULT
from hansa.trust.policy import Policy, PolicyInvalid, schema, shipped
from hansa.trust.policy_text import rules

SCHEMA = cedarpy.Schema.from_str(schema())
HEAD = '@id("a")\n@reason("Because.")\n'
GOOD = HEAD + "permit (principal, action, resource);"


def faults(text):
    with pytest.raises(PolicyInvalid) as refused:
        Policy(text, "1")
    problem = refused.value.problem()
    assert problem["status"] == 400
    assert problem["where"] == f"line {problem['faults'][0]['line']}"
    return [(one["line"], one["reason"]) for one in problem["faults"]]


def fault(text):
    [one] = faults(text)
    return one


def test_a_good_one_is_read_with_the_places_of_its_rules():
    two = "// first\n" + GOOD + "\n\n" + GOOD.replace('"a"', '"b-2"').replace("permit", "forbid") + " // end"
    first, second = Policy(two, "1").rules
    assert (first.id, first.effect, first.reason, first.first, first.last) == ("a", "permit", "Because.", 2, 4)
    assert (second.id, second.effect, second.first, second.last) == ("b-2", "forbid", 6, 8)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "no rule"),
        ("// nothing\n", 1, "no rule"),
        ('@reason("x")\npermit (principal, action, resource);', 1, "@id"),
        ('@id("A b")\n@reason("x")\npermit (principal, action, resource);', 1, "@id"),
        ('@id("a")\npermit (principal, action, resource);', 1, "@reason"),
        ('@id("a") @reason(" ")\npermit (principal, action, resource);', 1, "@reason"),
        (HEAD + "permit (principal, action, resource)", 1, "does not end"),
        (HEAD + "permit (principal,\n action, resource\nwhen { true };", 3, "not closed"),
        (HEAD + "permit (principal, action, resource) when {\n  context.subject }\n  };", 5, "closes nothing"),
        (HEAD + "permit (principal, action, resource)\nwhen { context.purpose ==\n == };", 5, "unexpected token"),
        (HEAD + 'permit (principal, action, resource)\nwhen { context.purpose == "x };', 4, "quote"),
        (HEAD + "permit (principal, action, resourc);", 3, "resourc"),
        (HEAD + "allow (principal, action, resource);", 3, "allow"),
        (HEAD + "permit (principal, action, resource) # x\n;", 3, "invalid"),
        (HEAD + "permit (principal == ?principal, action, resource);", 1, "slots"),
        (HEAD + 'permit (principal in Role::"mayor", action, resource);', 3, "mayor"),
        (HEAD + 'permit (principal, action,\n resource in Class::"secret");', 4, "secret"),
        (HEAD + 'permit (principal, action == Action::"fly", resource);', 3, "fly"),
        (HEAD + 'permit (principal in Group::"x", action, resource);', 3, "Group"),
        (HEAD + "permit (principal, action, resource)\nunless {\n  principal.cleared\n};", 5, "cleared"),
        (HEAD + "permit (principal, action, resource)\nwhen { principal.assurance };", 4, "Bool"),
        (HEAD + 'permit (principal, action, resource)\nwhen {\n  context.purpose < "b" };', 4, "expected"),
        (HEAD + "permit (principal, action, resource);\u202e", 3, "U+202E"),
        (HEAD + 'permit (principal, action, resource) when { context.purpose == "a\u200bb" };', 3, "U+200B"),
        (HEAD + "permit (principal, action, resource);\x00", 3, "U+0000"),
        (HEAD + "permit (prіncipal, action, resource);", 3, "quotes"),  # a Cyrillic i
    ],
)
def test_what_is_wrong_is_said_with_its_line(text, line, says):
    said = fault(text)
    assert said[0] == line, said
    assert says in said[1]


def test_all_that_is_wrong_is_said_at_once():
    wrong = HEAD + "permit (principal, action, resource) when { principal.xa };"
    bad = [wrong.replace('a"', f'a{at}"').replace("xa", f"x{at}") for at in range(3)]
    assert [line for line, _ in faults("\n".join(bad))] == [3, 6, 9]
    assert [reason for _, reason in faults(GOOD + "\n" + GOOD)] == ["two rules are called a"]
    many = "\n".join("permit (principal, action, resource);" for _ in range(200))
    assert len(faults(many)) == 50


def test_a_name_in_words_of_any_language_may_be_compared_with():
    text = HEAD + 'permit (principal, action, resource) when { resource.owner == "Grünflächen 公园" };'
    assert len(rules(text, SCHEMA)) == 1


DEEP = {
    "brackets": "(" * 30_000 + "true" + ")" * 30_000,
    "lists": "[" * 30_000 + "]" * 30_000 + " == []",
    "words": " && ".join(["true"] * 12_000),
    "ifs": "if true then " * 4_000 + "true" + " else true" * 4_000,
    "calls": "context.lent" + '.contains("a")' * 6_000,
    "sums": "1" + "+1" * 40_000 + " == 1",
    "nots": "!" * 60_000 + "true",
    "signs": "1 == " + "-" * 60_000 + "1",
    "open brackets": "(" * 60_000,
    "quotes": '"' * 60_001,
}


@pytest.mark.parametrize("kind", DEEP)
def test_a_text_that_would_end_the_process_is_refused(kind):
    text = HEAD + f"permit (principal, action, resource) when {{ {DEEP[kind]} }};"
    assert len(text) < DEFAULT.policy
    assert fault(text)[0] == 3
    assert fault(HEAD + "permit (principal, action, resource);" + "x" * DEFAULT.policy)[1].startswith("100,")


def test_such_a_text_does_end_a_process_that_hands_it_to_cedar():
    """The trap, shown: when Cedar bears it, the guard may go."""
    deep = '"permit(principal, action, resource) when {" + "(" * 9999 + "true" + ")" * 9999 + "};"'
    code = f"import cedarpy; cedarpy.PolicySet.from_str({deep})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode < 0


def test_what_is_as_deep_and_long_as_may_be_is_read():
    deep = "(" * 20 + "true" + ")" * 20
    assert Policy(HEAD + f"permit (principal, action, resource) when {{ {deep} }};", "1").rules
    long = " && ".join(["context.subject"] * 240)
    assert Policy(HEAD + f"permit (principal, action, resource) when {{ {long} }};", "1").rules


def test_more_rules_than_anybody_reads_are_refused():
    text = "\n".join(GOOD.replace('"a"', f'"a{at}"') for at in range(501))
    assert "501 rules" in fault(text)[1]


def read(text):
    try:
        return Policy(text, "1").rules, ()
    except PolicyInvalid as refused:
        return (), refused.faults


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_is_written_is_read_or_refused_with_a_line(data):
    """Parts of the shipped text, mixed with what breaks it: nothing but PolicyInvalid comes of it."""
    text = shipped("security")
    for _ in range(data.draw(st.integers(1, 3))):
        begin = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(begin, min(len(text), begin + 200)))
        put = data.draw(st.one_of(st.sampled_from(list('(){}[];"\\@/,.!?|&=<>-\n')), st.text(max_size=4)))
        text = text[:begin] + put + text[end:]
    found, wrong = read(text)
    assert all(1 <= one.line <= text.count("\n") + 1 and one.reason for one in wrong)
    assert len({one.id for one in found}) == len(found)
    assert all(one.text.endswith(";") for one in found)
    assert found or wrong
