"""The words of a request become stored names and come back, as JSON-LD has it; PyLD is the oracle."""

import time
import warnings
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyld import jsonld
from pyld.context_resolver import ContextResolver

from hansa.errors import BadRequest, NoContext
from hansa.limits import Limits
from hansa.model import core_context as core
from hansa.model import link
from hansa.model.context import CORE, Context
from hansa.model.terms import check

VOCAB = "https://uri.etsi.org/ngsi-ld/default-context/"
CORE_PART = {"@vocab": core.VOCAB, **core.TERMS}


def nothing(url: str) -> Any:
    raise NoContext(f"{url} is not here")


def of(value: Any, documents: dict[str, Any] | None = None, limits: Limits | None = None) -> Context:
    def load(url: str) -> Any:
        if documents is None or url not in documents:
            return nothing(url)
        return documents[url]

    return Context.of(value, load, limits or Limits())


# The core @context


def test_an_unknown_term_belongs_to_the_default_context_and_is_stored_short() -> None:
    assert CORE.expand("temperature") == "temperature"
    assert CORE.expand(VOCAB + "temperature") == "temperature"
    assert core.whole("temperature") == VOCAB + "temperature"


def test_a_core_term_is_stored_short_however_it_is_written() -> None:
    for term in ("location", "ngsi-ld:location", "https://uri.etsi.org/ngsi-ld/location"):
        assert CORE.expand(term) == "location"
    assert CORE.expand("geojson:Point") == "Point"
    assert CORE.expand("ngsi-ld:hasValue") == "value"


def test_any_other_iri_is_stored_whole() -> None:
    assert CORE.expand("https://example.org/speed") == "https://example.org/speed"
    assert CORE.expand("ngsi-ld:unheardOf") == "https://uri.etsi.org/ngsi-ld/unheardOf"


def test_an_iri_whose_short_form_would_mean_something_else_stays_whole() -> None:
    assert CORE.expand(VOCAB + "location") == VOCAB + "location"
    assert CORE.expand(VOCAB + "a:b") == VOCAB + "a:b"
    assert CORE.expand(VOCAB) == VOCAB


def test_every_core_term_comes_back_from_its_iri() -> None:
    for term, iri in core.TERMS.items():
        if term not in core.PREFIXES:
            assert core.stored(iri) == term
            assert core.whole(term) == iri
            assert CORE.compact(CORE.expand(term)) == term


def test_every_version_of_the_core_context_is_the_built_in_one() -> None:
    for version in ("", "-v1.3", "-v1.6", "-v1.8", "-v1.9", "-v1.10"):
        url = f"https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context{version}.jsonld"
        assert core.is_core(url)
        assert of(url) is CORE
        assert of([url]) is CORE
        assert of(f"{url}#") is CORE
    assert not core.is_core("https://uri.etsi.org.evil.example/ngsi-ld/v1/ngsi-ld-core-context.jsonld")
    assert not core.is_core("https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld.evil")


def test_the_core_context_is_plain_and_one_with_words_is_not() -> None:
    assert CORE.plain
    assert of({"location": "https://example.org/elsewhere"}) is CORE
    assert not of({"speed": "https://example.org/speed"}).plain


# Words of a user's own


def test_a_users_term_goes_to_its_iri_and_back() -> None:
    context = of({"speed": "https://example.org/speed", "Car": {"@id": "https://example.org/Car", "@type": "@vocab"}})
    assert context.expand("speed") == "https://example.org/speed"
    assert context.compact("https://example.org/speed") == "speed"
    assert context.expand("Car") == "https://example.org/Car"
    assert context.compact("temperature") == "temperature"
    assert context.source == {
        "speed": "https://example.org/speed",
        "Car": {"@id": "https://example.org/Car", "@type": "@vocab"},
    }


def test_a_user_cannot_redefine_a_core_term() -> None:  # clauses 4.4, 5.5.5 and 5.5.7
    context = of({"location": "https://example.org/where", "Property": "https://example.org/P", "x": "https://e.org/x"})
    assert context.expand("location") == "location"
    assert context.expand("Property") == "Property"
    assert context.compact("https://example.org/where") == "https://example.org/where"


def test_a_users_vocabulary_gives_way_to_the_default_context_for_terms_that_nobody_defines() -> None:
    context = of({"@vocab": "https://example.org/", "speed": {"@type": "@id"}})
    assert context.expand("speed") == "https://example.org/speed"
    assert context.expand("colour") == "colour"
    with pytest.raises(BadRequest):  # nowhere to put it
        of([{"@vocab": "https://example.org/"}, {"@vocab": None, "speed": {"@type": "@id"}}])


def test_prefixes_expand_and_compact() -> None:
    context = of({"ex": "https://example.org/ns#", "speed": "ex:speed", "slash": "https://example.org/x"})
    assert context.expand("ex:colour") == "https://example.org/ns#colour"
    assert context.expand("speed") == "https://example.org/ns#speed"
    assert context.compact("https://example.org/ns#colour") == "ex:colour"
    assert context.compact("https://example.org/ns#speed") == "speed"
    # JSON-LD 1.1 takes a term for a prefix only when its IRI ends like one.
    assert context.expand("slash:y") == "slash:y"
    assert of({"p": {"@id": "https://example.org/x", "@prefix": True}}).expand("p:y") == "https://example.org/xy"


def test_a_short_name_that_means_something_else_to_the_user_is_shown_under_the_prefix_of_the_core() -> None:
    context = of({"temperature": "https://example.org/temperature"})
    assert context.compact("temperature") == "ngsi-ld:default-context/temperature"
    assert context.expand("ngsi-ld:default-context/temperature") == "temperature"
    assert context.expand(VOCAB + "temperature") == "temperature"


def test_by_the_core_alone_a_name_is_shown_as_it_is_stored() -> None:
    for name in ("temperature", VOCAB + "location", "https://uri.etsi.org/ngsi-ld/unheardOf", "https://e.org/x"):
        assert CORE.compact(name) == name


def test_of_several_terms_for_one_iri_the_shortest_is_used() -> None:
    iri = "https://example.org/t"
    assert of({"longer": iri, "t": iri, "s": iri}).compact(iri) == "s"


def test_a_term_that_stands_for_nothing_is_refused_not_lost() -> None:
    for nil in (None, {"@id": None}):
        context = of({"speed": nil})
        with pytest.raises(BadRequest, match="stands for nothing"):
            context.expand("speed")


def test_names_follow_the_grammar() -> None:
    for good in ("temperature", "Größe", "a1_b", "ngsi-ld:x", "https://example.org/x", "ex:y"):
        CORE.name(good)
    for bad in ("", "1a", "_a", "a b", "a-b", "a.b", "@id", "a:b c", "x<y", "https://e.org/<", "@value", ":a"):
        with pytest.raises(BadRequest):
            CORE.name(bad)
    with pytest.raises(BadRequest):
        CORE.name("a" * 3_000)
    with pytest.raises(BadRequest):
        CORE.name(VOCAB + "wind-speed")


def test_the_context_of_json_ld_ends_with_the_core_so_that_any_processor_can_read_it() -> None:
    """Clause 5.2.3."""
    words = {"a": "https://e.org/a"}
    documents = {"https://c.example/a.jsonld": {"@context": words}}
    assert CORE.member == core.URL
    assert of(words).member == of([words]).member == [words, core.URL]
    assert of("https://c.example/a.jsonld", documents).member == ["https://c.example/a.jsonld", core.URL]
    older = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.6.jsonld"
    for whole in ([words, core.URL], [older, words]):
        assert of(whole).member == whole


# Contexts from elsewhere


def test_remote_contexts_are_loaded_and_may_name_others_beside_them() -> None:
    documents = {
        "https://c.example/a.jsonld": {"@context": ["b.jsonld", {"speed": "https://example.org/speed"}]},
        "https://c.example/b.jsonld": {"@context": {"colour": "https://example.org/colour"}},
    }
    context = of(["https://c.example/a.jsonld", {"mass": "https://example.org/mass"}], documents)
    for term in ("speed", "colour", "mass"):
        assert context.expand(term) == f"https://example.org/{term}"


def test_a_later_context_overrides_an_earlier_one_and_null_forgets() -> None:
    first, second = {"a": "https://e.org/1", "b": "https://e.org/b"}, {"a": "https://e.org/2"}
    assert of([first, second]).expand("a") == "https://e.org/2"
    assert of([first, second]).expand("b") == "https://e.org/b"
    assert of([first, None, second]).expand("b") == "b"
    assert of(None) is CORE


def test_a_remote_context_that_cannot_be_had_is_a_neighbours_fault() -> None:
    with pytest.raises(NoContext):
        of("https://c.example/absent.jsonld")
    with pytest.raises(NoContext):
        of({"@import": "https://c.example/absent.jsonld"})


@pytest.mark.parametrize(
    "value",
    [
        5,
        True,
        "",
        "not a url",
        "file:///etc/passwd",
        "ftp://e.org/x",
        "http://[",
        "https://" + "a" * 3_000,
        {"a": 5},
        {"a": "relative"},
        {"a": "b", "b": "a"},
        {"a": {"@id": 5}},
        {"a": {"@id": "https://e.org/a", "@type": 5}},
        {"a": {"@id": "https://e.org/a", "@container": "@nowhere"}},
        {"a": {"@id": "https://e.org/a", "@hostile": 1}},
        {"": "https://e.org/a"},
        {"@id": "https://e.org/a"},
        {"@vocab": 7},
        {"@version": 2},
        {"@import": 5},
        {"@propagate": "maybe", "a": "https://e.org/a"},
        {"a": "@context"},
        {"p": {"@id": "@id", "@prefix": True}},
        {"a": {"@id": "https://e.org/a", "@context": {"b": 5}}, "c": [1]},
        [{"a": "https://e.org/a"}, [{"b": "https://e.org/b"}]],
    ],
)
def test_what_is_no_context_is_a_bad_request(value: Any) -> None:
    with pytest.raises(BadRequest):
        of(value)


@pytest.mark.parametrize(
    ("member", "bad", "good"),
    [
        ("@language", [5, True, [], {}], ["sk", "de-AT", None]),
        ("@direction", ["up", 1, [], {}], ["ltr", "rtl", None]),
        ("@base", ["http://[::1", "a b", 5, False, []], ["https://e.org/x/", "http://[::1]/", "../up", "", None]),
        ("@protected", ["yes", 0, None], [True]),
    ],
)
def test_a_member_that_changes_no_name_is_still_to_be_json_ld(member: str, bad: list[Any], good: list[Any]) -> None:
    """A context that is kept here goes out to others, whose processors would refuse it."""
    for value in bad:
        for context in ({member: value}, ["https://c.example/a.jsonld", {member: value, "a": "https://e.org/a"}]):
            with pytest.raises(BadRequest, match=member) as refused:
                check(context)
            assert refused.value.where == f"@context.{member}"
        with pytest.raises(BadRequest, match=member):
            of({member: value, "a": "https://e.org/a"})
    for value in good:
        check({member: value, "a": "https://e.org/a"})
        assert of({member: value, "a": "https://e.org/a"}).expand("a") == "https://e.org/a"


def test_the_base_of_a_context_from_elsewhere_means_nothing_and_its_language_must_be_one() -> None:
    """JSON-LD processors look at @base only where no remote context is being read."""
    url = "https://c.example/a.jsonld"
    found = of(url, {url: {"@context": {"@base": "http://[::1", "a": "https://e.org/a"}}})
    assert found.expand("a") == "https://e.org/a"
    with pytest.raises(BadRequest, match="@language"):
        of(url, {url: {"@context": {"@language": 5, "a": "https://e.org/a"}}})


def test_a_remote_document_without_a_context_is_a_bad_request() -> None:
    for document in ({}, [], "text", {"context": {}}):
        with pytest.raises(BadRequest, match="no @context"):
            of("https://c.example/a.jsonld", {"https://c.example/a.jsonld": document})


def test_contexts_that_name_each_other_end_at_the_cap() -> None:
    a, b = "https://c.example/a", "https://c.example/b"
    with pytest.raises(BadRequest, match="nests more than"):
        of(a, {a: {"@context": b}, b: {"@context": a}})
    fan = {a: {"@context": [b] * 1_000}, b: {"@context": {}}}
    with pytest.raises(BadRequest, match="other contexts"):
        of(a, fan)
    with pytest.raises(BadRequest, match="nests more than 2"):
        of({"@context": {"@context": {"@context": {"a": "https://e.org/a"}}}}, limits=Limits(context_depth=2))


def test_a_context_that_grows_without_end_is_refused_quickly() -> None:
    chain: dict[str, Any] = {"t0": "https://e.org/"}
    for n in range(1, 20_000):
        chain[f"t{n}"] = f"t{n - 1}:{'x' * 20}/"
    began = time.perf_counter()
    with pytest.raises(BadRequest, match="more than 2048 characters"):
        of(chain)
    with pytest.raises(BadRequest):
        of(dict(reversed(chain.items())))
    with pytest.raises(BadRequest, match="more than"):
        of([{f"t{n}": "https://e.org/" for n in range(Limits().context_terms + 1)}])
    with pytest.raises(BadRequest, match="may hold"):
        of({"a": {"@id": "https://e.org/a", "@protected": True}, **chain})
    assert time.perf_counter() - began < 5.0


def test_odd_contexts_are_read_by_pyld_and_name_their_terms() -> None:
    documents = {"https://c.example/i.jsonld": {"@context": {"speed": "https://e.org/speed"}}}
    assert of({"@version": 1.1, "@import": "https://c.example/i.jsonld"}, documents).expand("speed") == (
        "https://e.org/speed"
    )
    odd = {
        "@protected": True,
        "@propagate": True,
        "ex": "https://e.org/",
        "ex:wheel": {"@id": "ex:wheel"},
        "back": {"@reverse": "ex:forth"},
    }
    context = of([odd, core.URL])
    assert context.expand("ex:wheel") == "https://e.org/wheel"
    assert context.expand("back") == "back"


def test_a_scoped_context_is_refused_wherever_it_stands() -> None:
    """Clauses 4.4 and 5.5.7: it could give the terms of the core another meaning within a term or a type."""
    scoped = {"Car": {"@id": "https://e.org/Car", "@context": {"speed": "https://e.org/carSpeed"}}}
    documents = {"https://c.example/s.jsonld": {"@context": scoped}}
    for value in (
        scoped,
        [scoped],
        {"@context": scoped},
        {"Car": {"@id": "https://e.org/Car", "@context": None}},
        {"Car": {"@id": "https://e.org/Car", "@context": "https://c.example/absent.jsonld"}},
        "https://c.example/s.jsonld",
        {"@version": 1.1, "@import": "https://c.example/s.jsonld"},
        {"@propagate": False, "speed": "https://e.org/speed"},
    ):
        with pytest.raises(BadRequest, match="scope"):
            of(value, documents)


def test_a_protected_term_that_is_redefined_is_a_bad_request() -> None:
    with pytest.raises(BadRequest, match="protected"):
        of([{"@protected": True, "a": "https://e.org/1"}, {"a": "https://e.org/2"}])


# PyLD is the oracle

NAMES = st.sampled_from(["a", "b", "speed", "ex", "Thing", "location", "value", "p", "größe"])
IRIS = st.sampled_from(
    [
        "https://e.org/",
        "https://e.org/x#",
        "https://e.org/speed",
        "urn:x:y",
        VOCAB + "a",
        VOCAB + "zz",
        "https://e.org/p/q",
    ]
)
WRITTEN = st.one_of(
    IRIS,
    st.builds("{}:{}".format, NAMES, NAMES),
    NAMES,
    st.none(),
    st.sampled_from(["@id", "@type", "geojson:Point", "ngsi-ld:x", "rel", "http:x"]),
)
DEFINED = st.one_of(
    WRITTEN,
    st.fixed_dictionaries(
        {"@id": WRITTEN},
        optional={
            "@type": st.sampled_from(["@id", "@vocab", "https://e.org/T"]),
            "@prefix": st.booleans(),
            "@container": st.sampled_from(["@set", "@list", "@index", ["@set"], ["@index", "@set"]]),
            "@language": st.sampled_from(["sk", None]),
            "@direction": st.sampled_from(["ltr", None]),
        },
    ),
    st.just({"@type": "@id"}),
)
PARTS = st.one_of(
    st.dictionaries(NAMES, DEFINED, max_size=6),
    st.builds(
        lambda vocab, rest: {"@vocab": vocab, **rest},
        st.sampled_from(["https://e.org/v/", "https://e.org/w#"]),
        st.dictionaries(NAMES, DEFINED, max_size=4),
    ),
    st.none(),
    st.just(core.URL),
)


def oracle(parts: list[Any], words: list[str], documents: dict[str, Any] | None = None) -> dict[str, str] | None:
    """What PyLD expands the words to; None when it refuses the @context."""
    whole = [CORE_PART if part == core.URL else part for part in parts]

    def loader(url: str, _options: Any) -> Any:
        document = {"@context": CORE_PART} if core.is_core(url) else (documents or {})[url]
        return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": document}

    document = {"@context": [*whole, CORE_PART]} | {word: {"@value": at} for at, word in enumerate(words)}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expanded = jsonld.expand(
                document, {"documentLoader": loader, "contextResolver": ContextResolver({}, loader)}
            )
    except jsonld.JsonLdError:
        return None
    except TypeError:  # a prefix that stands for nothing is beyond PyLD
        assume(False)
    node: dict[str, Any] = expanded[0] if expanded else {}
    return {words[one["@value"]]: iri for iri, values in node.items() for value in values for one in inside(value)}


def inside(value: dict[str, Any]) -> list[Any]:
    found: list[Any] = value.get("@list", [value])
    return found


@settings(max_examples=150, deadline=None)
@given(st.lists(PARTS, max_size=3))
def test_expansion_is_what_pyld_says(parts: list[Any]) -> None:
    words = ["a", "b", "speed", "ex", "Thing", "p", "größe", "other", "ex:t", "a:t", "p:speed", "ngsi-ld:t", "http:x"]
    # Aliases of keywords make other documents of these words; what they map to is tested by itself.
    assume(not any(iri in {"@id", "@type"} for part in parts if part and part != core.URL for iri in mapped(part)))
    expected = oracle(parts, words)
    if expected is None:
        with pytest.raises(BadRequest):
            of(parts)
        return
    context = of(parts)
    for word in words:
        if word in expected:
            assert core.whole(context.expand(word)) == expected[word]
        else:
            with pytest.raises(BadRequest):
                context.expand(word)


def mapped(part: dict[str, Any]) -> list[Any]:
    return [d.get("@id") if isinstance(d, dict) else d for d in part.values()]


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(NAMES, st.one_of(IRIS, st.builds("ex:{}".format, NAMES)), max_size=6), IRIS, NAMES)
def test_compaction_is_what_pyld_says_for_words_of_a_users_own(part: dict[str, Any], start: str, rest: str) -> None:
    assume("location" not in part and "value" not in part)
    iri = start if not start.endswith(("/", "#")) else start + rest
    try:
        context = of(part)
        answer = jsonld.compact([{iri: [{"@value": 1}]}], [part, CORE_PART])
    except (BadRequest, jsonld.JsonLdError):
        assume(False)
        return
    (expected,) = (key for key in answer if key != "@context")
    found = context.compact(core.stored(iri))
    assert found == expected
    assert context.expand(found) == core.stored(iri)


# Contexts from elsewhere, nested, imported and protected: what only a whole processor reads

OWN = st.sampled_from(["a", "b", "speed", "ex", "Thing", "größe"])
PROTECTED = st.builds(lambda iri, held: {"@id": iri, "@protected": held}, WRITTEN, st.booleans())
ODD = st.one_of(
    st.dictionaries(OWN, st.one_of(DEFINED, PROTECTED), max_size=4),
    st.builds(
        lambda part, held: {"@protected": held, **part}, st.dictionaries(OWN, WRITTEN, max_size=3), st.booleans()
    ),
    st.builds(lambda part: {"@version": 1.1, "@propagate": True, **part}, st.dictionaries(OWN, WRITTEN, max_size=3)),
)
LOCAL_PARTS = st.one_of(PARTS, ODD, st.lists(ODD, max_size=2))
INNER = "https://c.example/contexts/inner.jsonld"
OUTER = "https://c.example/contexts/outer.jsonld"
WHOLE = st.lists(
    st.one_of(
        LOCAL_PARTS,
        st.sampled_from([INNER, OUTER]),
        st.builds(lambda part: {"@version": 1.1, "@import": INNER, **part}, st.dictionaries(OWN, WRITTEN, max_size=2)),
    ),
    max_size=3,
)


@settings(max_examples=120, deadline=None)
@given(WHOLE, st.dictionaries(OWN, st.one_of(WRITTEN, PROTECTED), max_size=4), st.lists(LOCAL_PARTS, max_size=2))
def test_expansion_by_contexts_from_elsewhere_is_what_pyld_says(
    parts: list[Any], inner: dict[str, Any], outer: list[Any]
) -> None:
    documents = {INNER: {"@context": inner}, OUTER: {"@context": ["inner.jsonld", *outer]}}
    words = ["a", "b", "speed", "ex", "Thing", "größe", "other", "ex:t", "a:t", "ngsi-ld:t"]
    assume(not _aliases([*parts, inner, *outer]))
    expected = oracle(parts, words, documents)
    if expected is None:
        with pytest.raises(BadRequest):
            of(parts, documents)
        return
    context = of(parts, documents)
    for word in words:
        if word in expected:
            assert core.whole(context.expand(word)) == expected[word]
        else:
            with pytest.raises(BadRequest):
                context.expand(word)


def _aliases(value: Any) -> bool:
    """Whether keywords get other names: then a document of these words is another one."""
    if isinstance(value, list):
        return any(map(_aliases, value))
    if isinstance(value, dict):
        return any(iri in {"@id", "@type"} for iri in mapped(value))
    return False


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.dictionaries(NAMES, st.one_of(IRIS, st.builds("ex:{}".format, NAMES), st.none()), max_size=4), max_size=3
    ),
    IRIS,
    NAMES,
)
def test_compaction_by_several_contexts_is_what_pyld_says(parts: list[dict[str, Any]], start: str, rest: str) -> None:
    assume(not any(name in part for part in parts for name in ("location", "value")))
    iri = start if not start.endswith(("/", "#")) else start + rest
    try:
        context = of([*parts, core.URL])
        answer = jsonld.compact([{iri: [{"@value": 1}]}], [*parts, CORE_PART])
    except (BadRequest, jsonld.JsonLdError):
        assume(False)
        return
    except TypeError:  # a prefix that stands for nothing is beyond PyLD
        assume(False)
        return
    (expected,) = (key for key in answer if key != "@context")
    assert context.compact(core.stored(iri)) == expected


KEYS = st.text(max_size=8) | st.sampled_from(
    ["@id", "@context", "@type", "@vocab", "@import", "@protected", "@container", "@prefix", "a"]
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(JUNK)
def test_whatever_is_sent_as_a_context_gives_a_context_or_a_bad_request(value: Any) -> None:
    try:
        context = of(value)
    except (BadRequest, NoContext):
        return
    assert context.expand("id") == "id"
    assert context.expand("type") == "type"
    assert context.expand("location") == "location"


@settings(deadline=None)
@given(st.text(max_size=30))
def test_whatever_word_is_looked_up_comes_back_as_itself(word: str) -> None:
    context = of({"ex": "https://e.org/", "speed": "ex:speed"})
    name = context.expand(word)
    assert core.stored(core.whole(name)) == name
    assert context.expand(context.compact(name)) == name


# Link headers

REL = 'rel="http://www.w3.org/ns/json-ld#context"'


@pytest.mark.parametrize(
    "header",
    [
        f'<https://c.example/x.jsonld>; {REL}; type="application/ld+json"',
        f'<https://c.example/x.jsonld>;type="application/ld+json";{REL}',
        "<https://c.example/x.jsonld>; rel=http://www.w3.org/ns/json-ld#context",
        f'<https://other.example/>; rel=next, <https://c.example/x.jsonld>; {REL}; title="a, \\"b\\"; c"',
        f"  <https://c.example/x.jsonld> ; {REL.replace('rel', 'REL')} , ",
        '<https://c.example/x.jsonld>; rel="x http://www.w3.org/ns/json-ld#context"; rel="ignored"',
        f"<https://c.example/x.jsonld>; {REL}, <https://c.example/x.jsonld>; {REL}",
        link.link("https://c.example/x.jsonld"),
    ],
)
def test_a_link_header_names_the_context(header: str) -> None:
    assert link.linked(header) == "https://c.example/x.jsonld"


@pytest.mark.parametrize("header", [None, "", " , ", "<https://c.example/>; rel=next", "<https://c.example/>"])
def test_a_link_header_may_name_no_context(header: str | None) -> None:
    assert link.linked(header) is None


@pytest.mark.parametrize(
    "header", ["nonsense", "<open", f"<a>; {REL}, <b>; {REL}", '<a>; rel="open', f"<a>; {REL} <b>", "<a>>"]
)
def test_a_link_header_that_cannot_be_read_is_a_bad_request(header: str) -> None:
    with pytest.raises(BadRequest):
        link.linked(header)


@settings(deadline=None)
@given(st.text(alphabet='<>;=", \\relax:/#\t', max_size=60))
def test_whatever_the_link_header_says_gives_an_answer_or_a_bad_request(header: str) -> None:
    try:
        found = link.linked(header)
    except BadRequest:
        return
    assert found is None or isinstance(found, str)


def test_a_json_body_takes_its_context_from_the_header_and_an_ld_json_body_from_itself() -> None:
    header = link.link("https://c.example/x.jsonld")
    assert link.chosen(header, {"id": "x"}, ld=False) == "https://c.example/x.jsonld"
    assert link.chosen(None, {"id": "x"}, ld=False) is None
    assert link.chosen(None, {"@context": [core.URL]}, ld=True) == [core.URL]
    for wrong in (
        (None, {"@context": {}}, False),
        (header, {"@context": {}}, True),
        (None, {"id": "x"}, True),
        (None, [], True),
    ):
        with pytest.raises(BadRequest):
            link.chosen(wrong[0], wrong[1], ld=wrong[2])
