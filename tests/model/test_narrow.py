"""Invariant 9: what the index lets through is never less than what the evaluator does, and where exact, the same."""

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from hansa import clock
from hansa.model.entity import MEMBERS, instances
from hansa.model.narrow import (
    CUT,
    ELEMENTS,
    WIDE,
    AllOf,
    AnyOf,
    Anything,
    Between,
    Has,
    OneOf,
    holds,
    index_value,
    narrow,
)
from hansa.model.qlang import parse_q
from hansa.model.qtree import And, Bool, Compare, Day, Exists, Like, Moment, Or, Path, Span
from hansa.model.query import compile_q

BIG = 2**53
_names = st.sampled_from(["a", "b", "observedAt", "createdAt"])
_moments = st.integers(-2, 2).map(lambda d: 1_600_000_000_000_000 + d * 40_000_000_000)
_strings = st.one_of(
    st.sampled_from(
        [
            "",
            "x",
            "y",
            "true",
            "5",
            "s",
            "t",
            "w",
            WIDE,
            "as",
            "an5.0",
            "b1",
            "x" * CUT,
            "x" * CUT + "y",
            "x" * (CUT - 1),
        ]
    ),
    st.sampled_from(["\U0010ffff", "https://uri.etsi.org/ngsi-ld/default-context/x", "2020-09-13", "10:00:00Z"]),
    _moments.map(clock.text),
    _moments.map(lambda at: clock.text(at + 50_400_000_000)[:-1].split(".")[0] + "+14:00"),
)
_numbers = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([0.0, -0.0, 0.5, 2.0, BIG, BIG + 1, BIG - 1, float(BIG), -BIG - 1, 10**30, 10**400, 1e300]),
)
_scalars = _strings | _numbers | st.booleans()
_typed = st.builds(lambda v: {"@type": "X", "@value": v}, _scalars)
_lists = st.lists(_scalars | _typed | st.just([1]) | st.none(), max_size=3) | st.integers(
    ELEMENTS - 1, ELEMENTS + 2
).map(lambda n: list(range(n)))
_plain = _scalars | _typed | _lists | st.just({"type": "Point"}) | st.just({"x": 1}) | st.none()
_uris = st.sampled_from(["urn:a", "urn:b", "x", "urn:" + "l" * 70])
_maps = st.dictionaries(
    st.sampled_from(["en", "de"]), _strings | st.lists(_strings, max_size=2), max_size=2
) | st.integers(ELEMENTS - 1, ELEMENTS + 2).map(lambda n: {str(i): f"v{i}" for i in range(n)})
_instance = st.one_of(
    st.builds(lambda v: {"type": "Property", "value": v}, _plain),
    st.builds(lambda v: {"type": "JsonProperty", "json": v}, _plain),
    st.builds(lambda v: {"type": "ListProperty", "valueList": v}, _lists),
    st.builds(lambda v: {"type": "Relationship", "object": v}, _uris | st.lists(_uris, max_size=3) | st.just(5)),
    st.builds(
        lambda v: {"type": "ListRelationship", "objectList": [{"object": u} for u in v]}, st.lists(_uris, max_size=3)
    ),
    st.builds(lambda v: {"type": "VocabProperty", "vocab": v}, _strings | st.lists(_strings, max_size=2)),
    st.builds(lambda v: {"type": "LanguageProperty", "languageMap": v}, _maps),
)
_docs = st.builds(
    lambda entries: {"id": "urn:x", "type": "X", **entries},
    st.dictionaries(
        st.sampled_from(["a", "b", "observedAt"]),
        _instance
        | st.lists(_instance, min_size=2, max_size=3).map(
            lambda many: [{**m, "datasetId": f"urn:{i}"} for i, m in enumerate(many)]
        ),
        max_size=2,
    ),
)
_ordered = _strings | _numbers | _moments.map(Moment) | st.just(Day(737_681))
_paths = st.one_of(
    st.builds(lambda n: Path((n,)), _names),
    st.builds(lambda n: Path((n,)), st.sampled_from(["a", "b"])),
    st.sampled_from([Path(("a", "value")), Path(("a", "datasetId")), Path(("a",), ("en",)), Path(("a",), ("x",))]),
)
_terms = st.one_of(
    st.builds(Exists, _paths),
    st.builds(
        Compare,
        _paths,
        st.sampled_from(["==", "!="]),
        st.lists(_ordered | _uris | st.booleans().map(Bool), min_size=1, max_size=2).map(tuple),
    ),
    st.builds(Compare, _paths, st.sampled_from(["==", "!="]), st.tuples(st.builds(Span, _ordered, _ordered))),
    st.builds(Compare, _paths, st.sampled_from([">", ">=", "<", "<="]), st.tuples(_ordered)),
    st.builds(Like, _paths, st.sampled_from(["x", "^$"]), st.booleans()),
)
_trees = st.recursive(
    _terms,
    lambda inner: st.builds(And, st.tuples(inner, inner)) | st.builds(Or, st.tuples(inner, inner)),
    max_leaves=4,
)  # fmt: skip


def rows_of(doc):
    return {
        name: [row for one in instances(entry) for row in index_value(one)]
        for name, entry in doc.items()
        if name not in MEMBERS
    }


@settings(max_examples=300, deadline=None)
@given(_trees, _docs)
def test_the_index_lets_through_whatever_matches_and_only_that_where_it_is_exact(tree, doc):
    rows = rows_of(doc)
    wide = frozenset(name for name, said in rows.items() if WIDE in said)
    answer = compile_q(tree)(doc)
    for known in (None, wide, wide | {"b"}):
        narrowing = narrow(tree, known)
        let = holds(narrowing, rows)
        event(f"answer {answer}, exact {narrowing.exact}, let {let}")
        assert let or not answer
        if narrowing.exact:
            assert let is answer


_few = st.sampled_from([0, 1, 1.0, 2, "x", "y", "1", True, False, BIG, BIG + 1, "x" * CUT])
_few_wanted = _few.map(lambda v: Bool(v) if isinstance(v, bool) else v)
_few_ordered = st.sampled_from([0, 1, 1.5, 2, "x", "y", BIG - 1, BIG])
_few_entries = st.one_of(
    st.builds(lambda v: {"type": "Property", "value": v}, _few | st.lists(_few, max_size=2)),
    st.builds(lambda v: {"type": "Relationship", "object": v}, st.sampled_from(["x", "y"])),
    st.builds(lambda v: {"type": "LanguageProperty", "languageMap": {"en": v}}, st.sampled_from(["x", ["x", "y"]])),
)
_few_terms = st.one_of(
    st.builds(Exists, st.just(Path(("a",)))),
    st.builds(Compare, st.just(Path(("a",))), st.just("=="), st.lists(_few_wanted, min_size=1, max_size=2).map(tuple)),
    st.builds(Compare, st.just(Path(("a",))), st.just("=="), st.tuples(st.builds(Span, _few_ordered, _few_ordered))),
    st.builds(Compare, st.just(Path(("a",))), st.sampled_from([">", ">=", "<", "<="]), st.tuples(_few_ordered)),
)


@settings(max_examples=400, deadline=None)
@given(
    _few_terms | st.builds(And, st.tuples(_few_terms, _few_terms)) | st.builds(Or, st.tuples(_few_terms, _few_terms)),
    st.lists(_few_entries, min_size=1, max_size=2),
)
def test_what_is_said_to_be_exact_is_exact_where_values_collide(tree, entry):
    doc = {"id": "urn:x", "type": "X", "a": entry[0] if len(entry) == 1 else entry}
    answer = compile_q(tree)(doc)
    for known in (None, frozenset()):
        narrowing = narrow(tree, known)
        let = holds(narrowing, rows_of(doc))
        event(f"answer {answer}, exact {narrowing.exact}, let {let}")
        assert let or not answer
        if narrowing.exact:
            assert let is answer


@pytest.mark.parametrize(
    ("q", "one"),
    [
        (f"a>{BIG}", {"type": "Property", "value": BIG + 1}),
        (f"a<{-BIG}", {"type": "Property", "value": -BIG - 1}),
        (f"a=={BIG + 1}", {"type": "Property", "value": [BIG + 1]}),
        ("a==0", {"type": "Property", "value": [-0.0]}),
        ("a==-0.0", {"type": "Property", "value": [0]}),
        ("a<=2020-09-13T20:00:00Z", {"type": "Property", "value": "2020-09-14T10:00:00+14:00"}),
        ("a>=2020-09-13T04:00:00Z", {"type": "Property", "value": "2020-09-12T20:00:00-08:00"}),
        ("a==2020-09-13T20:00:00Z..2020-09-13T20:00:00Z", {"type": "Property", "value": "2020-09-14T10:00:00+14:00"}),
        ('a=="https://uri.etsi.org/ngsi-ld/default-context/x"', {"type": "VocabProperty", "vocab": "x"}),
        ('a=="https://uri.etsi.org/ngsi-ld/default-context/x"', {"type": "VocabProperty", "vocab": ["y", "x"]}),
        ('a>"x"', {"type": "LanguageProperty", "languageMap": {str(i): f"y{i}" for i in range(100)}}),
        ("a==99", {"type": "Property", "value": list(range(100))}),
        ('observedAt=="2020-09-13T20:00:00Z"', {"type": "Property", "value": "2020-09-14T10:00:00+14:00"}),
    ],
)
def test_what_matches_is_let_through_where_rows_are_coarse(q, one):
    tree = parse_q(q)
    doc = {"id": "urn:x", "type": "X", tree.path.names[0]: one}
    assert compile_q(tree)(doc)
    wide = frozenset("a") if WIDE in index_value(one) else frozenset()
    assert holds(narrow(tree), rows_of(doc))
    assert holds(narrow(tree, wide), rows_of(doc))


@settings(max_examples=300, deadline=None)
@given(_instance)
def test_an_instance_has_rows_of_few_sorts_and_never_none_at_all(one):
    rows = index_value(one)
    assert rows
    assert len(rows) <= ELEMENTS
    assert len(set(rows)) == len(rows)
    assert rows == [None] or None not in rows
    for row in rows:
        assert row is None or isinstance(row, int | float) or (row[0] in "sabw" and len(row) <= CUT + 2)
        if isinstance(row, int):
            assert abs(row) < BIG


@pytest.mark.parametrize(
    ("q", "exact"),
    [
        ("a>5", True),
        ("a==1..5", True),
        ("a==5", True),
        ("a==true", True),
        ('a=="open"', True),
        ("a==5,6", True),
        ("a", True),
        ("a>5;b<=7|a", True),
        ("a!=5", False),
        ('a>"x"', False),
        ('a~="x"', False),
        ("a.b==5", False),
        ("a[x]==5", False),
        (f"a>{BIG}", False),
        ('a=="' + "x" * CUT + '"', False),
        ("a==2020-01-01T00:00:00Z", False),
        ("a>5;createdAt>2020-01-01T00:00:00Z", False),
    ],
)
def test_common_questions_are_answered_by_the_index_alone(q, exact):
    assert narrow(parse_q(q), frozenset()).exact is exact


def test_what_narrows_is_what_the_store_can_look_up():
    assert narrow(parse_q("a>5")) == Between("a", 5, float("inf"), low_in=False, high_in=True, exact=True)
    assert narrow(parse_q("a==5"), frozenset()) == OneOf("a", (5, "an5.0"), exact=True)
    assert narrow(parse_q("a==5")) == OneOf("a", (5, "an5.0", WIDE), exact=False)
    assert narrow(parse_q("a==5"), frozenset("a")) == Has("a", exact=False)
    assert narrow(parse_q("a.b==5")) == Has("a", exact=False)
    assert narrow(parse_q("createdAt>2020-01-01T00:00:00Z")) == Anything()
    assert narrow(parse_q("a|createdAt")) == Anything()
    assert narrow(parse_q("createdAt;modifiedAt")) == Anything()
    assert narrow(parse_q("a;createdAt")) == AllOf((Has("a", exact=True),), exact=False)
    assert narrow(parse_q("a|b")) == AnyOf((Has("a", exact=True), Has("b", exact=True)), exact=True)
    after = narrow(parse_q("a>=2020-05-05T00:00:00Z"), frozenset())
    assert after == Between("a", "s2020-05-04", "t", low_in=True, high_in=True, exact=False)
    assert narrow(parse_q("a>=0001-01-01T00:00:00Z"), frozenset()) == Has("a", exact=False)


def test_rows_are_what_was_said_in_few_words():
    assert index_value({"type": "Property", "value": 3.5}) == [3.5]
    assert index_value({"type": "Property", "value": "open"}) == ["sopen"]
    assert index_value({"type": "Property", "value": False}) == ["b0"]
    assert index_value({"type": "Property", "value": [1, 1.0, "x", {}, True]}) == ["an1.0", "asx", "ab1"]
    assert index_value({"type": "Property", "value": []}) == [None]
    assert index_value({"type": "GeoProperty", "value": {"type": "Point", "coordinates": [1, 2]}}) == [None]
    assert index_value({"type": "Property", "value": list(range(ELEMENTS + 1))}) == [WIDE]
    assert index_value({"type": "Relationship", "object": "urn:a"}) == ["surn:a"]
    assert index_value({"type": "LanguageProperty", "languageMap": {"en": "red", "de": "rot"}}) == ["sred", "srot"]
