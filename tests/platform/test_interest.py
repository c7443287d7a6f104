"""Who wants to hear of a Change: triggers, the index against asking everybody, and what a sight may not see."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.model.change import Change, Part, Write
from hansa.model.context import CORE
from hansa.model.entity import Entity, Stamps
from hansa.platform import merge
from hansa.platform.interest import Interests, Shown, wants
from hansa.platform.subscription_in import read
from hansa.trust.labels import ADMINISTRATOR, PUBLIC

ROOM = {"id": "urn:x:1", "type": "Room", "a": {"type": "Property", "value": 1}}


def subscription(n=0, tenant="", **said):
    doc = {
        "id": f"urn:s:{n}",
        "type": "Subscription",
        "entities": [{"type": "Room"}],
        "notification": {"endpoint": {"uri": "http://r.example/"}},
        **said,
    }
    one = read({k: v for k, v in doc.items() if v is not None}, tenant, CORE, CORE)
    one.sight = ADMINISTRATOR
    return one


def happening(*writes, before=None, label=None):
    """The Change of the last of these writes on one entity."""
    state = None if before is None else merge.State(before, Stamps(1, 1, {}, {}), label)
    for seq, (kind, doc) in enumerate(writes, 1):
        name = doc.pop("name", None) if kind == "delete_attr" else None
        merged = merge.apply(state, Write(kind, "urn:x:1", doc, name=name, dataset="@all" if name else None), seq)
        was, state = state, merged.state
    doc = was.doc if merged.gone else state.doc
    stamps = state.stamps
    return Change(
        seq, Entity(doc, stamps, "open", label), merged.gone, tuple(merged.parts), "x", None, 0, seq, "", merged.new
    )


def told(one, change, sight=ADMINISTRATOR):
    shown = Shown.of(change, sight, "open", change.entity.stamps)
    return shown is not None and wants(one, change, shown, {})


def prop(value):
    return {"type": "Property", "value": value}


CREATED = happening(("create", dict(ROOM)))
UPDATED = happening(("append", {"id": "urn:x:1", "a": prop(2)}), before=ROOM)
APPENDED = happening(("append", {"id": "urn:x:1", "b": prop(2)}), before=ROOM)
TAKEN = happening(("delete_attr", {"name": "a"}), before=ROOM)
SCOPED = happening(("append", {"id": "urn:x:1", "scope": "/S"}), before=ROOM)
GONE = happening(("delete", {}), before=ROOM)
ALL = {"created": CREATED, "updated": UPDATED, "appended": APPENDED, "taken": TAKEN, "scoped": SCOPED, "gone": GONE}


@pytest.mark.parametrize(
    ("triggers", "watched", "expected"),
    [
        (None, None, "created updated appended"),
        (None, ["a"], "created updated"),
        (None, ["b"], "appended"),
        (["entityCreated"], None, "created"),
        (["entityCreated"], ["b"], ""),
        (["entityUpdated"], None, "created updated appended taken scoped gone"),
        (["entityUpdated"], ["a"], "created updated taken gone"),
        (["entityUpdated"], ["b"], "appended"),
        (["entityDeleted"], None, "gone"),
        (["entityDeleted"], ["b"], ""),
        (["attributeCreated"], None, "created appended"),
        (["attributeUpdated"], None, "updated"),
        (["attributeDeleted"], None, "taken gone"),
        (["attributeDeleted"], ["b"], ""),
        (["attributeDeleted", "entityDeleted"], ["a"], "taken gone"),
    ],
)
def test_what_triggers_a_notification(triggers, watched, expected):
    one = subscription(notificationTrigger=triggers, watchedAttributes=watched)
    assert {name for name, change in ALL.items() if told(one, change)} == set(expected.split())


def test_late_news_triggers_nothing():
    old = {**ROOM, "a": {**prop(1), "observedAt": "2026-01-02T00:00:00Z"}}
    late = happening(("read", {"id": "urn:x:1", "a": {**prop(5), "observedAt": "2026-01-01T00:00:00Z"}}), before=old)
    assert [part.status for part in late.parts] == ["late"]
    assert not told(subscription(notificationTrigger=["entityUpdated"]), late)


@pytest.mark.parametrize(
    ("said", "yes"),
    [
        ({"q": "a==2"}, True),
        ({"q": "a>2"}, False),
        ({"scopeQ": "/S"}, False),
        ({"entities": [{"type": "House"}, {"type": "Room", "idPattern": "x:1$"}]}, True),
        ({"entities": [{"type": "Room", "idPattern": "x:2$"}]}, False),
        ({"entities": [{"type": "Room", "id": "urn:x:2"}]}, False),
        ({"entities": [{"type": "*"}]}, True),
        ({"entities": [{"type": "(Room;Warm)"}]}, False),
    ],
)
def test_the_entity_must_be_as_was_asked(said, yes):
    one = subscription(**said)
    assert told(one, UPDATED) is yes
    index = Interests()
    index.add(one)
    assert index.candidates(UPDATED) == [one] or not yes


def test_whoever_leaves_is_found_no_more_and_leaves_nothing_behind():
    index = Interests()
    everybody = [
        subscription(1),
        subscription(2, entities=[{"type": "*"}]),
        subscription(3, entities=[{"type": "Room", "id": "urn:x:1"}]),
        subscription(4, watchedAttributes=["a", "b"], q="a>1"),
        subscription(5, entities=[{"type": "Room|(Room;Warm)"}], q="a>1"),
    ]
    for one in everybody:
        index.add(one)
    assert set(index.candidates(UPDATED)) == set(everybody)
    assert everybody[3].condition is everybody[4].condition, "the same question is decided once"
    for one in everybody:
        index.remove(one)
        assert one not in index.candidates(UPDATED)
    assert not index._shelves
    assert not index._tenants


def test_tenants_do_not_hear_of_each_other():
    index = Interests()
    index.add(subscription(1, tenant="parks"))
    assert index.candidates(UPDATED) == []


kinds = st.sampled_from(["Room", "House", "*", "(Room;House)", "Room|House"])
names = st.sampled_from(["a", "b", "c"])
selectors = st.fixed_dictionaries(
    {"type": kinds},
    optional={
        "id": st.sampled_from(["urn:x:1", "urn:x:2"]),
        "idPattern": st.sampled_from(
            [
                *(
                    "x:1$",
                    "x:2$",
                    "1$",
                    "^urn:x",
                    "^urn:x:1$",
                    "^urn:y",
                    "^urn:x:12*",
                    "^urn:x:+1",
                    "^ur?n",
                    "^a|x",
                    "x.1",
                ),
                *(
                    "x:[12]$",
                    "^urn:[xy]:1$",
                    "(x|y):1$",
                    "y$|1$",
                    "^urn:x:1{1}$",
                    "urn",
                    ".*:1$",
                    "[^1]$",
                    "^urn:x:12$",
                ),
            ]
        ),
    },
)
circle = {"georel": "near;maxDistance==2000", "geometry": "Point", "coordinates": [1, 2]}
square = {"georel": "within", "geometry": "Polygon", "coordinates": [[[0, 1], [2, 1], [2, 3], [0, 3], [0, 1]]]}
places = st.builds(
    lambda asked, name: {**asked, "geoproperty": name},
    st.sampled_from(
        [
            *(circle, square, {**square, "georel": "intersects"}, {**square, "georel": "disjoint"}),
            *(
                {**circle, "coordinates": [1.01, 2]},
                {**circle, "coordinates": [180, 0]},
                {**circle, "coordinates": [5, 89.999]},
            ),
            *({**circle, "georel": "near;minDistance==10"}, {**circle, "georel": "near;maxDistance==20000000"}),
            {**square, "georel": "equals", "geometry": "Point", "coordinates": [1, 2]},
        ]
    ),
    names,
)
subscriptions = st.fixed_dictionaries(
    {"entities": st.lists(selectors, min_size=1, max_size=2)},
    optional={
        "watchedAttributes": st.lists(names, min_size=1, max_size=2),
        "q": st.sampled_from(
            [
                *("a>1", "a>=2", "a<2", "a<=1", "b", "a==2;b", "b;a>0", "a==1,2", 'a=="x"', "a!=1", "b|a>1", "a==true"),
                *("a>0;a<3", "a>=1;a<=1", "a<2;a>0;b", "a>2;a<1", "a>0;b<9", "a==0..1;b", 'a>"w";a<"y"'),
                *('a=="https://uri.etsi.org/ngsi-ld/default-context/x"', 'a!="x"', "a==1..2", "a>=1;a<=2", "a[m]==1"),
            ]
        ),
        "geoQ": places,
        "notificationTrigger": st.lists(
            st.sampled_from(["entityCreated", "entityUpdated", "entityDeleted", "attributeDeleted"]), min_size=1
        ),
    },
)


values = st.one_of(
    st.sampled_from([0, 1, 2, 3, 1.0, 2.5, -1, True, False, "x", "1", [1, "x"], {"m": 1}]).map(prop),
    st.sampled_from(
        [
            prop({"@type": "T", "@value": 2}),
            prop({"@type": "T", "@value": "x"}),
            {"type": "Relationship", "object": "x"},
            {"type": "Relationship", "object": ["x", "y"]},
            {"type": "ListRelationship", "objectList": [{"object": "x"}]},
            {"type": "LanguageProperty", "languageMap": {"en": "x", "de": "y"}},
            {"type": "VocabProperty", "vocab": "x"},
            {"type": "VocabProperty", "vocab": ["y", "x"]},
            {"type": "JsonProperty", "json": {"x": 1}},
            {"type": "ListProperty", "valueList": [1, 2, "x"]},
            {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [1, 2]}},
            {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [-180, 0.001, 7]}},
            {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [100, 89.9999]}},
            {"type": "GeoProperty", "value": {"type": "LineString", "coordinates": [[1, 2], [1.3, 2.4]]}},
            {"type": "GeoProperty", "value": {"type": "LineString", "coordinates": [[-50, -50], [60, 70]]}},
            prop({"type": "Point", "coordinates": "odd"}),
            [
                {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [50, 50]}},
                {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [1, 2]}, "datasetId": "urn:d:1"},
            ],
            [prop(0), {**prop(9), "datasetId": "urn:d:1"}],
            [prop(0), {**prop(2), "datasetId": "urn:d:1"}],
            [{**prop("x"), "datasetId": "urn:d:1"}, {**prop(1), "datasetId": "urn:d:2"}],
        ]
    ),
)


@given(
    st.lists(subscriptions, max_size=8),
    st.sampled_from(["Room", "House", ["Room", "House"]]),
    st.dictionaries(names, values, min_size=1),
    st.sampled_from(["create", "append", "delete"]),
)
@settings(deadline=None)
def test_the_index_finds_whoever_would_be_told_if_everybody_were_asked(said, kind, attributes, verb):
    doc = {"id": "urn:x:1", "type": kind, **attributes}
    if verb == "create":
        change = happening(("create", doc))
    elif verb == "append":
        change = happening(("append", {"id": "urn:x:1", "a": prop(2)}), before=doc)
    else:
        change = happening(("delete", {}), before=doc)
    everybody = [subscription(n, **one) for n, one in enumerate(said)]
    index = Interests()
    for one in everybody:
        index.add(one)
    found = index.candidates(change)
    assert len(found) == len(set(found))
    known = {}
    shown = Shown.of(change, ADMINISTRATOR, "open", change.entity.stamps)
    assert {one for one in found if wants(one, change, shown, known)} == {one for one in everybody if told(one, change)}


def labelled(change, label, **labels):
    stamps = Stamps(1, 1, {}, labels)
    return Change(
        change.seq,
        Entity(change.entity.doc, stamps, "open", label),
        change.gone,
        change.parts,
        "x",
        None,
        0,
        1,
        "",
        change.new,
    )


def test_nobody_hears_of_what_he_may_not_see():
    one = subscription()
    assert not told(one, UPDATED, PUBLIC), "unlabelled is not public"
    assert told(one, labelled(UPDATED, "open"), PUBLIC)
    hidden = labelled(UPDATED, "open", a="personal")
    assert told(one, hidden)
    assert not told(one, hidden, PUBLIC), "a change of a hidden attribute is hidden"
    asked = subscription(q="a==2", notificationTrigger=["entityUpdated"])
    both = Change(
        2,
        Entity({**ROOM, "a": prop(2), "b": prop(1)}, Stamps(1, 1, {}, {"a": "personal"}), "open", "open"),
        False,
        (Part("a", None, "updated", prop(1), prop(2)), Part("b", None, "created", None, prop(1))),
        "x",
        None,
        0,
        1,
    )
    assert told(asked, both)
    assert not told(asked, both, PUBLIC), "nor can it be asked about"
    shown = Shown.of(both, PUBLIC, "open", both.entity.stamps)
    assert "a" not in shown.doc
    assert set(shown.happened) == {"b"}


def test_what_cannot_be_judged_is_hidden():
    shown = Shown.of(labelled(UPDATED, "open"), PUBLIC, "open", None)
    assert set(shown.doc) == {"id", "type"}
    assert not shown.happened
