"""Entities as GeoJSON (4.5.16, 4.5.17)."""

from hansa.model.context import CORE
from hansa.model.wire import View
from hansa.model.wire_geo import collection, feature


def point(lon, dataset=None):
    one = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [lon, 48]}}
    return one if dataset is None else one | {"datasetId": dataset}


DOC = {
    "id": "urn:a:b",
    "type": "T",
    "location": [point(9, "urn:d:gps"), point(1)],
    "area": [point(3, "urn:d:1"), point(4, "urn:d:2")],
    "speed": {"type": "Property", "value": 5},
}


def made(view=None, name=None):
    view = view or View(CORE)
    return feature(view.entity(DOC), DOC, view, name)


def lon(one):
    return None if one["geometry"] is None else one["geometry"]["coordinates"][0]


def test_a_feature_has_the_default_instance_as_its_geometry_and_all_else_as_properties():
    one = made()
    assert (one["id"], one["type"], lon(one)) == ("urn:a:b", "Feature", 1)
    assert one["properties"] == {name: value for name, value in DOC.items() if name != "id"}
    simple = made(View(CORE, "simplified"))
    assert simple["properties"]["speed"] == 5
    assert set(simple["properties"]["location"]["dataset"]) == {"@none", "urn:d:gps"}
    assert lon(simple) == 1


def test_what_cannot_be_chosen_is_null():
    assert lon(made(name="speed")) is None
    assert lon(made(name="nothing")) is None
    assert lon(made(name="area")) is None  # no default, and nobody said which


def test_datasets_choose_the_geometry():
    assert lon(made(View(CORE, datasets={"urn:d:gps"}))) == 9
    assert lon(made(View(CORE, datasets={"urn:d:gps", "@none"}))) == 1
    assert lon(made(View(CORE, datasets={"urn:d:1"}), "area")) == 3
    assert lon(made(View(CORE, datasets={"urn:d:1", "urn:d:2"}), "area")) is None
    assert lon(made(View(CORE, datasets={"urn:d:none"}))) is None


def test_what_is_picked_does_not_move_a_feature():
    one = made(View(CORE, pick={"speed"}))
    assert one["properties"] == {"speed": DOC["speed"]}
    assert (one["id"], lon(one)) == ("urn:a:b", 1)


def test_features_are_collected():
    assert collection([made()])["features"] == [made()]
    assert collection([]) == {"type": "FeatureCollection", "features": []}
