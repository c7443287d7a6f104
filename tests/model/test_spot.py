"""Points in columns: what of an entity is on a map, and what is not said."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.model.entity import Entity
from hansa.model.spot import Spot, block, feature, spot

HERE = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [17.1, 48.3, 200.0]}}


def made(**said):
    doc = {"id": "urn:ngsi-ld:Tram:1", "type": "Tram"}
    for name, value in said.items():
        doc[name] = value if isinstance(value, dict | list) else {"type": "Property", "value": value}
    return Entity(doc)


def area(*ring):
    return {"type": "GeoProperty", "value": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}}


def test_the_first_attribute_asked_for_that_is_a_number_speaks():
    one = made(location=HERE, speed={"type": "Property", "value": 31.5, "unitCode": "KMH"}, load=7, doors="shut")
    assert spot(one, {"Tram": ("doors", "speed", "load")})[3:8] == (17.1, 48.3, 31.5, "speed", "KMH")
    assert spot(one, {"Tram": ("doors",)})[5:8] == (None, None, None)
    assert spot(one, {})[5:8] == (31.5, "speed", "KMH")  # nobody said which: the first number


@pytest.mark.parametrize("value", [True, "12", None, 1e301, -1e301, [1], {"a": 1}])
def test_what_is_no_number_is_no_value(value):
    said = {"type": "Property", "value": value}
    assert spot(made(location=HERE, speed=said), {"Tram": ("speed",)}).value is None
    assert spot(made(location=HERE, speed=said), {}).value is None


@pytest.mark.parametrize(
    "place",
    [
        None,
        {"type": "GeoProperty", "value": {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}},
        {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [190, 2]}},
        {"type": "Property", "value": "somewhere"},
        [{**HERE, "datasetId": "urn:a"}, {**HERE, "datasetId": "urn:b"}],
    ],
)
def test_what_has_no_point_on_earth_is_not_on_the_map(place):
    assert spot(made(**({} if place is None else {"location": place})), {}) is None


def test_the_default_instance_the_newest_time_and_any_name_count():
    one = made(
        location=[{**HERE, "datasetId": "urn:gps"}, HERE],
        speed=[{"type": "Property", "value": 1, "datasetId": "urn:x", "observedAt": "2026-11-22T11:00:00Z"}],
        load={"type": "Property", "value": 2, "observedAt": "2026-11-22T10:00:00Z"},
        name={"type": "LanguageProperty", "languageMap": {"de": "Straßenbahn"}},
        refDevice={"type": "Relationship", "object": "urn:ngsi-ld:Device:d"},
    )
    found = spot(one, {})
    assert (found.name, found.value, found.at, found.device) == ("Straßenbahn", 2, 1795341600, "urn:ngsi-ld:Device:d")
    assert spot(made(location=HERE, load={"type": "Property", "value": 2, "observedAt": "late"}), {}).at is None


def test_an_iri_of_the_smart_data_models_is_the_same_place():
    doc = {"id": "urn:x:1", "type": "Tram", "https://smartdatamodels.org/location": HERE}
    assert spot(Entity(doc), {})[3:5] == (17.1, 48.3)


@given(
    st.lists(
        st.builds(
            Spot,
            *(st.text(max_size=8), st.sampled_from(["A", "B"]), st.none() | st.text(max_size=3)),
            *(st.floats(-180, 180), st.floats(-90, 90), st.none() | st.floats(allow_nan=False, allow_infinity=False)),
            *(st.none() | st.sampled_from(["x", "y"]), st.none() | st.sampled_from(["KMH"])),
            *(st.none() | st.integers(0, 2**31), st.none() | st.just("d")),
        ),
        max_size=6,
    )
)
def test_a_block_gives_back_what_went_in(spots):
    told = json.loads(block(spots, ["gone"]))
    columns = ("id", "type", "name", "lon", "lat", "value", "of", "unit", "at")
    assert {len(told[name]) for name in columns} == {len(spots)}
    for i, one in enumerate(spots):
        assert told["prefix"] + told["id"][i] == one.id
        assert told["types"][told["type"][i]] == one.kind
        assert (told["lon"][i], told["lat"][i], told["value"][i]) == (one.lon, one.lat, one.value)
        assert (None if told["of"][i] is None else told["attrs"][told["of"][i]]) == one.of
        assert (None if told["unit"][i] is None else told["units"][told["unit"][i]]) == one.unit
    assert told["gone"] == ["gone"]


@pytest.mark.parametrize(
    ("said", "height"),
    [
        *(({"height": 9.5}, 9.5), ({"buildingHeight": 7}, 7), ({"floorsAboveGround": 3}, 9.0)),
        *(({}, None), ({"height": -3}, None)),
    ],
)
def test_a_house_is_as_high_as_it_is_said_to_be(said, height):
    house = made(location=area([1, 1], [2, 1], [2, 2]), **said)
    assert feature(house, {"Tram": "building"})["properties"].get("height") == height
    assert "height" not in feature(house, {"Tram": "parcel"})["properties"]


def test_a_small_road_is_minor_and_a_point_is_no_shape():
    line = {"type": "GeoProperty", "value": {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}}
    assert feature(made(location=line, roadClass="residential"), {"Tram": "road"})["properties"]["kind"] == "minor"
    assert feature(made(location=line, roadClass="primary"), {"Tram": "road"})["properties"]["kind"] == "road"
    assert feature(made(location=HERE), {"Tram": "road"}) is None
    assert feature(made(), {"Tram": "road"}) is None
