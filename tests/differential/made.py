"""Entities, fragments and questions, made at random, of few names so that they meet."""

import json
from datetime import UTC, date, datetime, time
from typing import Any

from hypothesis import strategies as st
from naive_broker import NULL
from naive_query import DEFAULT, Both, Either, Geo, Order, Question, Scopes, Term, Types, Word, geometry

IDS = ["urn:x:a", "urn:x:b", "urn:x:ä", "https://example.org/things/c?d=1"]
TYPES = ["Lamp", "Strom", "Gerät", "https://example.org/Other"]
NAMES = ["speed", "größe", "near1", "area"]
SUBS = ["accuracy", "quelle"]
DATASETS = ["urn:d:1", "urn:d:2", "@none"]
LONG = "long " * 13  # 65 characters: more than an index holds
SCOPES = ["/Madrid", "/Madrid/Gardens", "/Madrid/Gardens/Norte", "Ljubljana/Center", "/Ärz_1"]
SPEECH = ["en", "de-AT", "@none"]

numbers = st.one_of(
    st.integers(-3, 3),
    st.sampled_from(
        [0.0, -0.0, 0.1, 1.5, 2.0, -1e300, 5e-324, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 1e308, 2**64 - 1]
    ),
)
strings = st.one_of(
    st.sampled_from(
        [
            *(
                "",
                "5",
                "true",
                "ä",
                "Ä",
                "a\u0308",
                "z",
                "a",
                "b|c;d",
                'quo"te',
                "back\\slash",
                "null",
                "nul\x00l",
                "😀",
                "\uffff",
            ),
            *("2026-04-01T12:00:00Z", "2026-04-01T14:00:00+02:00", "2026-04-01T12:00:00.5Z", "2026-04-01", "12:00:00Z"),
            *("urn:x:a", "urn:x:b", LONG + "a", LONG + "b", "Male"),
        ]
    ),
    st.text("abäz0 ", max_size=3),
)
scalars = st.one_of(numbers, strings, st.booleans())
values = st.one_of(
    scalars,
    st.lists(scalars, max_size=3),
    st.just([*range(70), "many"]),
    st.fixed_dictionaries(
        {}, optional={"city": scalars, "deep": st.fixed_dictionaries({"n": scalars}), "a b": scalars}
    ),
    st.fixed_dictionaries({"@type": st.just("https://example.org/T"), "@value": st.one_of(strings, numbers)}),
)
uris = st.sampled_from([*IDS, "urn:y"])
moments = st.sampled_from(
    ["2026-04-01T12:00:00Z", "2026-04-01T12:00:01.5Z", "2026-04-01T12:00:00,25Z", "2026-03-31T23:59:59Z"]
)
words = st.sampled_from(["Male", "https://example.org/Other", "x y"])
grid = st.integers(0, 3).map(lambda n: n / 50)
boxes = st.one_of(
    st.tuples(grid, grid).map(lambda at: (*at, *at)),
    st.tuples(grid, grid, grid, grid).map(
        lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]) + 0.02, max(b[1], b[3]) + 0.02)
    ),
)
texts = st.dictionaries(
    st.sampled_from(SPEECH), st.one_of(strings, st.lists(strings, min_size=1, max_size=2)), min_size=1
)
jsons = st.one_of(
    st.dictionaries(st.sampled_from(["value", "city", "@id", "type"]), st.one_of(scalars, st.none()), max_size=2),
    st.lists(st.dictionaries(st.sampled_from(["city"]), scalars, max_size=1), max_size=2),
)

KINDS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "Property": st.fixed_dictionaries({"value": values}),
    "GeoProperty": st.fixed_dictionaries({"value": boxes.map(geometry)}),
    "Relationship": st.fixed_dictionaries({"object": st.one_of(uris, st.lists(uris, min_size=1, max_size=3))}),
    "LanguageProperty": st.fixed_dictionaries({"languageMap": texts}),
    "VocabProperty": st.fixed_dictionaries({"vocab": st.one_of(words, st.lists(words, min_size=1, max_size=2))}),
    "JsonProperty": st.fixed_dictionaries({"json": jsons}),
    "ListProperty": st.fixed_dictionaries({"valueList": st.lists(scalars, max_size=3)}),
    "ListRelationship": st.fixed_dictionaries(
        {"objectList": st.lists(st.one_of(uris, uris.map(lambda uri: {"object": uri})), max_size=3)}
    ),
}


@st.composite
def instances(draw: st.DrawFn, *, deep: int = 1, dataset: bool = True, kind: str | None = None) -> dict[str, Any]:
    """One whole instance of an attribute, normalized or concise."""
    kind = kind or draw(st.sampled_from(["Property", "Property", *KINDS]))
    said = draw(KINDS[kind])
    # Without its type an instance is concise; some values need it to be what they are (4.5.1).
    if draw(st.booleans()) or (kind == "Property" and type(said["value"]) is dict):
        said = {"type": kind, **said}
    if draw(st.integers(0, 3)) == 0:
        said["observedAt"] = draw(moments)
    if kind == "Property" and draw(st.integers(0, 3)) == 0:
        said["unitCode"] = draw(st.sampled_from(["CEL", "C62"]))
    if dataset and draw(st.integers(0, 2)) == 0:
        said["datasetId"] = draw(st.sampled_from(DATASETS))
    if deep and draw(st.integers(0, 3)) == 0:
        said[draw(st.sampled_from(SUBS))] = draw(instances(deep=deep - 1, dataset=False))
    return said


@st.composite
def attributes(draw: st.DrawFn, name: str) -> Any:
    """An attribute: an instance, or several with datasetIds of their own."""
    kind = {"location": "GeoProperty", "area": draw(st.sampled_from(["GeoProperty", "GeoProperty", None]))}.get(name)
    some = [draw(instances(kind=kind)) for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3])))]
    by = {one.get("datasetId", "@none"): one for one in some}
    return list(by.values()) if len(by) > 1 else some[-1]


scopes = st.one_of(st.sampled_from(SCOPES), st.lists(st.sampled_from(SCOPES), min_size=2, max_size=3, unique=True))
kinds = st.one_of(st.sampled_from(TYPES), st.lists(st.sampled_from(TYPES), min_size=1, max_size=3, unique=True))


@st.composite
def entities(draw: st.DrawFn, *, whole: bool = True, ident: bool = True) -> dict[str, Any]:
    """An entity, or a fragment of one that says something."""
    said: dict[str, Any] = {"id": draw(st.sampled_from(IDS))} if ident else {}
    if whole or draw(st.integers(0, 3)) == 0 or (ident and draw(st.integers(0, 3))):
        said["type"] = draw(kinds)
    if draw(st.integers(0, 3)) == 0:
        said["scope"] = draw(scopes)
    for name in draw(st.lists(st.sampled_from([*NAMES, "location"]), max_size=3, unique=True)):
        said[name] = draw(attributes(name))
    if len(said) == ident:
        said["speed"] = draw(instances())
    return said


nothings = st.sampled_from([NULL, {"type": "Property", "value": NULL}, {"value": NULL}])


@st.composite
def parts(draw: st.DrawFn, *, deep: bool) -> Any:
    """Part of an instance, for a merge (`deep`: also down in its value) or a partial update."""
    said = draw(
        st.one_of(
            instances(),
            st.just({}),
            st.fixed_dictionaries({"value": st.sampled_from([1, "s", {"city": "b"}, {"deep": {"n": 2}}])}),
            *(
                [
                    st.fixed_dictionaries(
                        {"type": st.just("Property"), "value": st.just({"city": NULL, "deep": {"n": NULL, "m": 1}})}
                    ),
                    st.fixed_dictionaries(
                        {"type": st.just("LanguageProperty"), "languageMap": st.just({"en": NULL, "fr": "f"})}
                    ),
                ]
                if deep
                else []
            ),
        )
    )
    said = dict(said)
    for member in draw(st.lists(st.sampled_from(["observedAt", "unitCode", *SUBS]), max_size=2, unique=True)):
        said[member] = draw(
            st.one_of(st.just(NULL), instances(deep=0, dataset=False)) if member in SUBS else st.just(NULL)
        )
    if draw(st.integers(0, 2)) == 0:
        said["datasetId"] = draw(st.sampled_from(DATASETS))
    if not {"type", "observedAt", "unitCode", "datasetId", "value", "languageMap"} & said.keys():
        said["observedAt"] = draw(moments)  # else it would read as a value, not as an attribute
    return said


@st.composite
def fragments(draw: st.DrawFn, *, deep: bool, ident: bool = False) -> dict[str, Any]:
    """A fragment for an update (`deep` False) or a merge, which may take away."""
    said = draw(entities(whole=False, ident=ident))
    if draw(st.integers(0, 5)) == 0:
        said["scope"] = NULL
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=2, unique=True)):
        if deep and draw(st.booleans()):
            said[name] = draw(parts(deep=True))
        else:
            gone = draw(nothings)
            if type(gone) is dict and draw(st.booleans()):
                gone = {**gone, "datasetId": draw(st.sampled_from(DATASETS))}
            said[name] = gone
    return said


def typed(said: Any) -> Any:
    """The same with a type wherever there is a value: alone in a fragment, it could be meant for any kind."""
    if type(said) is list:
        return [typed(one) for one in said]
    if type(said) is not dict:
        return said
    said = {name: typed(one) if name in {*NAMES, *SUBS, "location"} else one for name, one in said.items()}
    if "value" in said and "type" not in said:
        geometry = type(said["value"]) is dict and "coordinates" in said["value"]
        said = {"type": "GeoProperty" if geometry else "Property", **said}
    return said


# Questions


def word(value: Any) -> Word:
    return Word(json.dumps(value, ensure_ascii=False), value)


times = st.sampled_from(
    [
        Word("2026-04-01T12:00:00Z", datetime(2026, 4, 1, 12, tzinfo=UTC)),
        Word("2026-04-01T12:00:00.25Z", datetime(2026, 4, 1, 12, 0, 0, 250_000, tzinfo=UTC)),
        Word("2026-04-01", date(2026, 4, 1)),
        Word("12:00:00Z", time(12, tzinfo=UTC)),
        Word("2026-11-22T13:00:05Z", datetime(2026, 11, 22, 13, 0, 5, tzinfo=UTC)),
    ]
)
comparable = st.one_of(numbers.map(word), strings.map(word), times)
anything = st.one_of(
    comparable,
    st.booleans().map(word),
    st.sampled_from([Word(uri, uri) for uri in (*IDS[:3], "urn:y", DEFAULT + "Male", "https://example.org/Other")]),
)
patterns = st.sampled_from(["a", "^a", "z$", "[a-b]+", "(ä|z)", "^$", "long", ".", "^2026-"]).map(
    lambda p: Word(f'"{p}"', p)
)


FURTHER = [*((sub,) for sub in SUBS), ("observedAt",), ("unitCode",), ("modifiedAt",), ("quelle", "observedAt")]
WITHIN = [("city",), ("deep", "n"), ("deep",), ("en",), ("*",), ("value",), ("type",), ("city", "n")]
TIMED = {"createdAt", "modifiedAt", "observedAt"}
zero_to_two = st.just((word(0), word(2)))


@st.composite
def terms(draw: st.DrawFn) -> Term:
    """One condition."""
    path: tuple[str, ...] = (draw(st.sampled_from(NAMES)),)
    within: tuple[str, ...] = ()
    further = draw(st.integers(0, 9))
    if further == 0:
        path = (draw(st.sampled_from(["createdAt", "modifiedAt"])),)
    elif further <= 3:
        path += draw(st.sampled_from(FURTHER))
    if further > 6 or (further == 1 and path[-1] in SUBS):
        within = draw(st.sampled_from(WITHIN))
    timed = path[-1] in TIMED
    op = draw(st.sampled_from(["", "==", "!=", ">", ">=", "<", "<=", "..", "!..", *([] if timed else ["~=", "!~="])]))
    ordered = times if timed else comparable
    words: tuple[Word, ...] = ()
    if op in {"~=", "!~="}:
        words = (draw(patterns),)
    elif op in {"..", "!.."}:
        words = draw(st.one_of(st.tuples(ordered, ordered), zero_to_two))
    elif op in {"==", "!="}:
        words = tuple(draw(st.lists(times if timed else anything, min_size=1, max_size=2)))
    elif op:
        words = (draw(ordered),)
    return Term(path, within, op, words)


conditions = st.recursive(
    terms(),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: Both(tuple(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: Either(tuple(parts))),
    ),
    max_leaves=4,
)

geos = st.sampled_from(["location", "location", "area"])
metres = st.sampled_from([500.0, 2_500.0, 3_500.0, 6_000.0])
places = st.one_of(
    st.builds(
        Geo, st.sampled_from(["within", "contains", "intersects", "disjoint", "equals", "overlaps"]), boxes, name=geos
    ),
    st.builds(Geo, st.sampled_from(["maxDistance", "minDistance"]), boxes, metres, geos),
)
groups = st.lists(
    st.lists(st.sampled_from(TYPES[:3]), min_size=1, max_size=2, unique=True).map(tuple), min_size=1, max_size=2
)
scoped = st.lists(
    st.lists(
        st.sampled_from(["/Madrid", "/Madrid/#", "/Madrid/+", "/+/Center", "/+/Gardens/#", "/#", "/Ärz_1", "/+"]),
        min_size=1,
        max_size=2,
    ).map(tuple),
    min_size=1,
    max_size=2,
)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    """A query with some of its parts."""

    def perhaps(strategy: st.SearchStrategy[Any], one_in: int = 3) -> Any:
        return draw(strategy) if draw(st.integers(0, one_in - 1)) == 0 else None

    return Question(
        types=perhaps(groups.map(lambda found: Types(tuple(found))), 4),
        ids=perhaps(st.lists(st.sampled_from(IDS), min_size=1, max_size=2, unique=True).map(tuple), 12),
        pattern=perhaps(st.sampled_from(["^urn:", "ä$", "[ab]", r"\?d="]), 12),
        attrs=perhaps(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True).map(tuple), 8),
        q=perhaps(conditions, 1 if draw(st.integers(0, 2)) else 9),
        geo=perhaps(places, 5),
        scopes=perhaps(scoped.map(lambda found: Scopes(tuple(found))), 6),
    )


orders = st.builds(
    Order,
    st.sampled_from(["speed", "größe", "near1", "id"]),
    st.sampled_from(["", "asc", "desc"]),
)


__all__ = ["DATASETS", "IDS", "NAMES", "entities", "fragments", "instances", "orders", "parts", "questions", "typed"]
