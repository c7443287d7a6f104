"""From text to tree and back, and what is refused on the way."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.errors import BadRequest
from hansa.limits import Limits
from hansa.model.qlang import parse_q
from hansa.model.qtree import (
    And,
    Bool,
    Compare,
    Day,
    Exists,
    Hop,
    Hour,
    Like,
    Moment,
    Or,
    Path,
    Span,
    hops,
    names,
    render,
)

_names = st.sampled_from(["temperature", "a", "b2", "observedAt", "größe", "x_y", "true", "e5"])
_members = st.sampled_from(["city", "en", "en-GB", "*", "PM10", "@id", "0"])
_texts = (
    st.text(max_size=8)
    .filter(lambda s: s.isprintable() or "\n" in s)
    .filter(lambda s: not any("\ud800" <= c <= "\udfff" for c in s))
)
_numbers = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
_moments = st.integers(-(10**15), 4 * 10**15).map(Moment)
_ordered = st.one_of(
    _numbers, _texts, _moments, st.integers(1, 3_000_000).map(Day), st.integers(0, 86_399_999_999).map(Hour)
)
_values = _ordered | st.booleans().map(Bool)


def _paths(depth=2):
    plain = st.builds(
        Path,
        st.lists(_names, min_size=1, max_size=3).map(tuple),
        st.lists(_members, max_size=2).map(tuple),
    )
    if depth == 0:
        return plain
    hop = st.builds(Hop, st.lists(st.sampled_from(["Device", "Sensor"]), max_size=2).map(tuple), _paths(depth - 1))
    return plain | st.builds(lambda name, hop: Path((name,), (), hop), _names, hop)


_terms = st.one_of(
    st.builds(Exists, _paths()),
    st.builds(Compare, _paths(), st.sampled_from(["==", "!="]), st.lists(_values, min_size=1, max_size=3).map(tuple)),
    st.builds(Compare, _paths(), st.sampled_from(["==", "!="]), st.tuples(st.builds(Span, _ordered, _ordered))),
    st.builds(Compare, _paths(), st.sampled_from([">", ">=", "<", "<="]), st.tuples(_ordered)),
    st.builds(Like, _paths(), st.sampled_from(["a.*", "^(x|y)$", 'say "hi"', r"a\.b\\", "[;)|]", "ä"]), st.booleans()),
)


def _joined(kind):
    def join(parts):
        flat = tuple(term for part in parts for term in (part.terms if isinstance(part, kind) else (part,)))
        return kind(flat)

    return join


trees = st.recursive(
    _terms,
    lambda inner: st.lists(inner, min_size=2, max_size=3).flatmap(
        lambda parts: st.sampled_from([_joined(And)(parts), _joined(Or)(parts)])
    ),
    max_leaves=8,
)


@settings(max_examples=120, deadline=None)
@given(trees)
def test_the_text_of_a_tree_is_read_as_the_same_tree(tree):
    assert parse_q(render(tree)) == tree


@settings(max_examples=120, deadline=None)
@given(
    st.text(max_size=40)
    | st.text(alphabet='ab.[]{}();|=!<>~,"\\:0159-TZ+e* ', max_size=40)
    | st.lists(
        st.sampled_from(
            [
                "a",
                "b.c",
                "[x]",
                "{",
                "}",
                "(",
                ")",
                ";",
                "|",
                "==",
                "!=",
                ">",
                "~=",
                "!~=",
                "..",
                ",",
                '"s"',
                "5",
                "true",
                "2020-01-01",
                "2020-01-01T00:00:00Z",
                "10:00:00Z",
                "urn:x:y",
                "T:",
                "(?i)a",
                '"',
                "1e999",
            ]
        ),
        max_size=12,
    ).map("".join)
)
def test_any_text_is_a_query_or_a_bad_request(text):
    with contextlib.suppress(BadRequest):
        tree = parse_q(text)
        assert parse_q(render(tree)) == tree


def test_and_binds_closer_than_or_and_parentheses_closest():
    a, b, c = (Exists(Path((n,))) for n in "abc")
    assert parse_q("a|b;c") == Or((a, And((b, c))))
    assert parse_q("(a|b);c") == And((Or((a, b)), c))
    assert parse_q("a;(b;c)") == And((a, b, c))
    assert parse_q("((a))") == a


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("temperature==20", Compare(Path(("temperature",)), "==", (20,))),
        ('brandName!="Mercedes"', Compare(Path(("brandName",)), "!=", ("Mercedes",))),
        ("a==1,2.5,true", Compare(Path(("a",)), "==", (1, 2.5, Bool(True)))),
        ('color=="black", "red"', Compare(Path(("color",)), "==", ("black", "red"))),
        ("a==10..20", Compare(Path(("a",)), "==", (Span(10, 20),))),
        ("a!=-1.5e2..2", Compare(Path(("a",)), "!=", (Span(-150.0, 2),))),
        ("t.observedAt>=1970-01-01T00:00:01Z", Compare(Path(("t", "observedAt")), ">=", (Moment(1_000_000),))),
        ("d==1970-01-01", Compare(Path(("d",)), "==", (Day(719_163),))),
        ("h<00:00:01.5Z", Compare(Path(("h",)), "<", (Hour(1_500_000),))),
        ("a==urn:ngsi-ld:X:1", Compare(Path(("a",)), "==", ("urn:ngsi-ld:X:1",))),
        ("a==http://x.org/a..b", Compare(Path(("a",)), "==", ("http://x.org/a..b",))),
        ('address[city]=="Berlin"', Compare(Path(("address",), ("city",)), "==", ("Berlin",))),
        ("s.raw[air.pm]==40", Compare(Path(("s", "raw"), ("air", "pm")), "==", (40,))),
        ('c[*]=="red"', Compare(Path(("c",), ("*",)), "==", ("red",))),
        ("sensor{humidity}==40", Compare(Path(("sensor",), (), Hop((), Path(("humidity",)))), "==", (40,))),
        ("sensor{Device:humidity}", Exists(Path(("sensor",), (), Hop(("Device",), Path(("humidity",)))))),
        (
            "a{T,U:b{V:c.d[e]}}",
            Exists(Path(("a",), (), Hop(("T", "U"), Path(("b",), (), Hop(("V",), Path(("c", "d"), ("e",))))))),
        ),
        ("name~=(a|b);c", And((Like(Path(("name",)), "(a|b)"), Exists(Path(("c",)))))),
        ('(n!~="^x|y$")', Like(Path(("n",)), "^x|y$", negated=True)),
        ("n~=[)|;]+|m", Or((Like(Path(("n",)), "[)|;]+"), Exists(Path(("m",)))))),
        ("schema:name", Exists(Path(("schema:name",)))),
        ("größe>1", Compare(Path(("größe",)), ">", (1,))),
    ],
)
def test_the_forms_of_clause_4_9_are_understood(text, tree):
    assert parse_q(text) == tree


@pytest.mark.parametrize(
    "text",
    [
        "", "(", ")", "a)", "(a", "()", ";", "a;", "|a", "a||b", "a==", "a=5", "a==5 6", "a>true", "a>1,2", "a>1..2",
        "a==true..false", "a>urn:x:y", "a>Male", "a==5x", "a==Male..Zoe x",
        "a~=", 'a~=""', "a~=(", 'a=="x', 'a=="\\x"', 'a=="\\ud800"', "a=='x'",
        "1a", "_a", "a.", "a..b", "a[", "a[]", "a[b", "a[b][c]", "a{", "a{}", "a{b", "a{T:}", "a.b{c}", "a==01",
        "a==1e999",
        "a==2020-13-01", "a==2020-01-01T25:00:00Z", "a==25:00:00Z", "a==2020-01-01T10:00:00+02:00",
        "!", "!!a", "!a==5", "!(a)", "a===5", "a==" + "1" * 41, "a==5;;b",
    ],
)  # fmt: skip
def test_what_is_no_query_is_refused_with_its_place(text):
    with pytest.raises(BadRequest, match="q:") as caught:
        parse_q(text)
    assert caught.value.where.startswith("q[")
    assert caught.value.problem()["type"].endswith("BadRequestData")


def test_the_place_is_the_character_at_which_the_query_stops_being_one():
    with pytest.raises(BadRequest, match=r"character 8 \('oops'\)"):
        parse_q("a==1;b>oops")


def test_a_query_has_a_largest_length_depth_and_pattern():
    parse_q("(" * 60 + "a" + ")" * 60)
    for hostile in ("(" * 5_000 + "a", "a{" * 5_000, "a" + ".a" * 5_000, "a[x" + ".x" * 5_000 + "]"):
        with pytest.raises(BadRequest, match="nested deeper"):
            parse_q(hostile)
    with pytest.raises(BadRequest, match="characters"):
        parse_q("a;" * 10_000 + "a")
    with pytest.raises(BadRequest, match="pattern"):
        parse_q("a~=" + "x" * 300)
    with pytest.raises(BadRequest, match="too long"):
        parse_q("a" * 30, limits=Limits(name=20))


def test_names_are_expanded_and_members_of_json_are_not():
    def far(name):
        return "https://x.org/" + name

    tree = parse_q("a.b[c.d]==1", far, expand_member=far)
    assert tree.path == Path((far("a"), far("b")), (far("c"), far("d")))
    assert parse_q("a[c]==1", far, expand_member=far, json_keys=["a"]).path.within == ("c",)
    assert parse_q("a[*]==1", far, expand_member=far).path.within == ("*",)
    assert parse_q("r{T:a}", far).path == Path((far("r"),), (), Hop((far("T"),), Path((far("a"),))))


def test_values_are_expanded_only_where_asked():
    def far(name):
        return "https://x.org/" + name

    assert parse_q("gender==Male", far, expand_values=["gender"]).values == ("https://x.org/Male",)
    assert parse_q('gender=="Male",Other', far, expand_values=["gender"]).values == (
        "https://x.org/Male",
        "https://x.org/Other",
    )
    assert parse_q('gender=="Male"', far).values == ("Male",)
    assert parse_q("gender==Male", far).values == ("Male",)


def test_a_tree_knows_its_names_and_how_far_it_follows_relationships():
    tree = parse_q("a>1|b{c{d}}==2;a.e")
    assert names(tree) == {"a", "b"}
    assert hops(tree) == 2
    assert hops(parse_q("a")) == 0
