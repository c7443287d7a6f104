"""What leaves is what was declared, and nothing beside it: values made coarse, ids that tell nothing, groups."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.errors import BadRequest
from hansa.model.entity import Attribute, Entity, entity
from hansa.trust.derivations import Derivation, coarse

REALMS = ("open", "security")
KEY = bytes(32)
SAID = {
    "name": "crowd",
    "source": "security",
    "target": "open",
    "type": "CrowdCount",
    "makes": "Crowd",
    "label": "open;licence=CC0-1.0",
    "attributes": {
        "people": {"of": "peopleCount", "kind": "number", "step": 10, "unit": "IE"},
        "square": {"of": "square", "kind": "choice", "among": ["north", "south"]},
        "calm": {"of": "calm", "kind": "flag"},
    },
}


def derivation(**more):
    return Derivation.parse(SAID | more, REALMS)


def count(**more):
    said = {"peopleCount": 123, "square": "north", "calm": True} | more
    return entity("CrowdCount", "camera-of-the-mosque", realm="security", **said)


def shown(doc):
    return {name: one["value"] if isinstance(one, dict) else one for name, one in doc.items() if name != "id"}


def test_exactly_what_was_declared_leaves():
    secret = "canary"
    full = count(
        peopleCount=Attribute(
            123, "C62", 1_800_000_000_000_000, extra={"provider": {"type": "Property", "value": secret}}
        ),
        operator=secret,
        square="north",
        scope=secret,
    )
    full.doc["square"]["seenBy"] = {"type": "Property", "value": secret}
    full.doc["calm"] = [
        {"type": "Property", "value": True},
        {"type": "Property", "value": False, "datasetId": f"urn:{secret}"},
    ]
    made = derivation().derived(full, KEY)
    assert shown(made) == {"type": "Crowd", "people": 120, "square": "north", "calm": True}
    assert made["people"] == {"type": "Property", "value": 120, "unitCode": "IE"}
    assert secret not in json.dumps(made)
    assert "mosque" not in json.dumps(made)


def test_ids_tell_nothing_and_stay():
    one, two = derivation().derived(count(), KEY), derivation().derived(count(), KEY)
    assert one["id"] == two["id"]
    assert one["id"].startswith("urn:ngsi-ld:Crowd:crowd-")
    assert derivation().derived(count(), b"x" * 32)["id"] != one["id"]  # who guesses ids has not the key


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("square", "Ada Lovelace"),
        ("square", 3),
        ("peopleCount", "many"),
        ("peopleCount", True),
        ("peopleCount", {"of": "whom"}),
        ("peopleCount", math.inf),
        ("peopleCount", ["Ada"]),
        ("calm", "Ada"),
        ("calm", 1),
    ],
)
def test_a_value_of_another_kind_does_not_leave(name, value):
    made = derivation().derived(count(**{name: value}), KEY)
    out = {"square": "square", "peopleCount": "people", "calm": "calm"}[name]
    assert out not in made
    assert len(made) == 4


@pytest.mark.parametrize(
    "doc",
    [
        {"type": "Relationship", "object": "urn:ngsi-ld:Person:ada"},
        {"type": "LanguageProperty", "languageMap": {"en": "Ada"}},
        {"type": "JsonProperty", "json": {"who": "Ada"}},
        {"type": "VocabProperty", "vocab": "Ada"},
        {"type": "Property", "value": 5, "datasetId": "urn:x"},
    ],
)
def test_only_the_default_instance_of_a_property_leaves(doc):
    one = count()
    made = derivation().derived(Entity({**one.doc, "peopleCount": doc}, realm="security"), KEY)
    assert "people" not in made


def test_nothing_comes_of_nothing():
    assert derivation().derived(entity("CrowdCount", "x", realm="security", other=1), KEY) is None


def test_time_and_place_leave_only_when_declared_and_coarse():
    where = {"type": "Point", "coordinates": [11.023456, 46.423456]}
    one = count(location=where, peopleCount=Attribute(50, None, 1_800_000_123_456_789))
    plain = derivation().derived(one, KEY)
    assert "location" not in plain
    assert "observedAt" not in plain["people"]
    made = derivation(place_m=500, time_s=3_600).derived(one, KEY)
    assert made["people"]["observedAt"] == "2027-01-15T08:00:00Z"
    lon, lat = made["location"]["value"]["coordinates"]
    assert (lon, lat) != (11.023456, 46.423456)
    assert abs(lat - 46.423456) * 111_320 <= 250.1
    assert abs(lon - 11.023456) * 111_320 * math.cos(math.radians(lat)) <= 251
    area = {"type": "Polygon", "coordinates": [[[1, 1], [2, 1], [2, 2], [1, 1]]]}
    assert "location" not in derivation(place_m=500).derived(count(location=area), KEY)


@given(
    st.floats(-180, 180),
    st.floats(-90, 90),
    st.floats(-180, 180),
    st.floats(-90, 90),
    st.sampled_from([1.0, 50.0, 500.0, 20_000.0, 1e6]),
)
def test_places_of_one_square_look_the_same(lon, lat, other_lon, other_lat, metres):
    first = coarse({"type": "Point", "coordinates": [lon, lat]}, metres)
    second = coarse({"type": "Point", "coordinates": [other_lon, other_lat]}, metres)
    for one in (first, second):
        x, y = one["coordinates"]
        assert -180 <= x <= 180
        assert -90 <= y <= 90
    # How many squares there are is bounded by their size, so the middle cannot be the place itself.
    assert (abs(first["coordinates"][1] - lat) * 111_320) <= metres / 2 + 1


@given(st.floats(-1e9, 1e9, allow_nan=False), st.sampled_from([0.1, 0.5, 1.0, 10.0, 25.0]))
def test_a_step_leaves_nothing_finer(value, step):
    one = derivation(attributes={"a": {"of": "peopleCount", "kind": "number", "step": step}})
    made = one.derived(count(peopleCount=value), KEY)["a"]["value"]
    assert abs(made - value) <= step / 2 + 1e-6
    assert abs(made / step - round(made / step)) < 1e-4


def test_a_declaration_says_itself_again():
    for more in (
        {},
        {"place_m": 100, "time_s": 60, "purpose": "events", "tenant": "t"},
        {
            "attributes": {},
            "aggregate": {"least": 5, "count": "n", "mean": {"speed": {"of": "speed", "kind": "number", "step": 1}}},
        },
    ):
        one = derivation(**more)
        assert Derivation.parse(one.to_json(), REALMS) == one
        assert derivation(**more).to_json() == one.to_json()


WRONG = [
    {"name": "Crowd Count"},
    {"name": None},
    {"source": "open"},
    {"target": "security"},
    {"target": "nowhere"},
    {"type": ""},
    {"type": "A|B"},
    {"type": 3},
    {"makes": "urn:x"},
    {"makes": "Command"},
    {"label": "public"},
    {"label": None},
    {"reads": []},
    {"reads": ["secret"]},
    {"reads": ["personal"]},
    {"reads": "security"},
    {"attributes": {}},
    {"attributes": []},
    {"attributes": {"a": "b"}},
    {"attributes": {"a": {"of": "b"}}},
    {"attributes": {"a": {"kind": "number"}}},
    {"attributes": {"a": {"of": "b", "kind": "anything"}}},
    {"attributes": {"a": {"of": "b", "kind": "choice"}}},
    {"attributes": {"a": {"of": "b", "kind": "choice", "among": "x"}}},
    {"attributes": {"a": {"of": "b", "kind": "text", "among": ["x"]}}},
    {"attributes": {"a": {"of": "b", "kind": "flag", "step": 3}}},
    {"attributes": {"a": {"of": "b", "kind": "number", "step": -1}}},
    {"attributes": {"a": {"of": "b", "kind": "number", "step": math.nan}}},
    {"attributes": {"a": {"of": "location", "kind": "text"}}},
    {"attributes": {"type": {"of": "b", "kind": "text"}}},
    {"attributes": {"location": {"of": "b", "kind": "text"}}},
    {"attributes": {"a b": {"of": "b", "kind": "text"}}},
    {"attributes": {"a": {"of": "b", "kind": "text", "sub": True}}},
    {"attributes": {f"a{n}": {"of": "b", "kind": "text"} for n in range(51)}},
    {"place_m": -1},
    {"place_m": "far"},
    {"time_s": True},
    {"also": 1},
    {"aggregate": []},
    {"aggregate": {"least": 2, "count": "n"}},
    {"aggregate": {"count": "n"}},
    {"aggregate": {"least": 5, "count": "people"}},
    {"aggregate": {"least": 5, "count": "n", "mean": {"m": {"of": "speed", "kind": "number"}}}},
    {"aggregate": {"least": 5, "count": "n", "mean": {"m": {"of": "speed", "kind": "text"}}}},
    {"aggregate": {"least": 5, "count": "n", "mean": []}},
    {"aggregate": {"least": 5, "count": "n"}, "time_s": 60},
    {"aggregate": {"least": 5, "count": "n"}, "attributes": {"a": {"of": "b", "kind": "text"}}},
    {"aggregate": {"least": 5, "count": "n"}, "attributes": {"a": {"of": "b", "kind": "number"}}},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_no_derivation_is_refused(wrong):
    with pytest.raises(BadRequest):
        derivation(**wrong)


TOGETHER = {
    "attributes": {"square": {"of": "square", "kind": "choice", "among": ["north", "south"]}},
    "aggregate": {"least": 3, "count": "n", "mean": {"speed": {"of": "speed", "kind": "number", "step": 0.5}}},
    "reads": ["security", "personal"],
}


def test_a_group_leaves_when_it_is_large_enough():
    one = derivation(**TOGETHER)
    members = [one.member(count(square="north", speed=speed)) for speed in (1.0, 2.0, 3.2)]
    group = members[0][0]
    values = [values for _, values in members]
    assert one.together(group, values[:2], KEY) is None
    assert shown(one.together(group, values, KEY)) == {"type": "Crowd", "square": "north", "n": 3, "speed": 2.0}


def test_a_mean_of_too_few_does_not_leave():
    one = derivation(**TOGETHER)
    values = [(1.0,), (2.0,), (None,)]
    made = one.together({"square": {"type": "Property", "value": "north"}}, values, KEY)
    assert "speed" not in made
    assert made["n"]["value"] == 3


def test_who_lacks_what_makes_a_group_belongs_to_none():
    one = derivation(**TOGETHER)
    assert one.member(count(square="elsewhere", speed=1)) is None
    assert one.member(count(square="south", speed="fast"))[1] == (None,)
