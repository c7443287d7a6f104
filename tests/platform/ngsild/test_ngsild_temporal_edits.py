"""Telling and correcting what was so through time (5.6.11 to 5.6.16), and what becomes of the state and the log."""

from pathlib import Path
from typing import Any

import pytest
from conftest_ngsild import Api, opened, said, small
from test_ngsild_temporal import CAR, PATH, at, car, speeds, told, values

from hansa.model.change import Change


def ids(api: Api, name: str = "speed") -> list[str]:
    return [one["instanceId"] for one in said(api.get(PATH))[name]]


def changes(api: Api) -> list[Change]:
    return api.city.store.since(0, 100)


def test_an_instance_at_the_same_instant_takes_the_place_of_the_other_and_keeps_its_name(api: Api) -> None:
    api.post("temporal/entities", car(speed=speeds(1, 2, 3)))
    before = ids(api)
    assert api.post(f"{PATH}/attrs", {"speed": [{**speeds(2)[0], "value": 22.0}]}).status == 204
    assert (values(api.get(PATH)), ids(api)) == ([1, 22, 3], before)
    assert said(api.get(f"entities/{CAR}"))["speed"]["value"] == 3
    api.post(f"{PATH}/attrs", {"speed": [{**speeds(3)[0], "value": 33.0}]})
    assert (values(api.get(PATH)), ids(api)) == ([1, 22, 33], before)
    assert said(api.get(f"entities/{CAR}"))["speed"]["value"] == 33
    head = api.city.store.head()
    api.post(f"{PATH}/attrs", {"speed": [{**speeds(2)[0], "value": 22.0}, {**speeds(3)[0], "value": 33.0}]})
    assert api.city.store.head() == head  # it was said already


def test_an_instance_is_corrected_under_its_name(api: Api) -> None:
    api.post("temporal/entities", car(speed=speeds(1, 2, 3)))
    first, second, _ = ids(api)
    api.city.clock.turn(api.city.clock.now() + 60_000_000)
    new = {"type": "Property", "value": 20, "observedAt": at(5), "quality": {"type": "Property", "value": "good"}}
    for body in (new, [new], {"speed": [new]}):
        assert api.patch(f"{PATH}/attrs/speed/{second}", body).status == 204
    assert values(api.get(PATH)) == [1, 3, 20]
    assert sorted(ids(api)) == sorted([first, second, ids(api)[1]])
    told_of = next(one for one in said(api.get(PATH, "options=sysAttrs"))["speed"] if one["instanceId"] == second)
    assert (told_of["createdAt"], told_of["modifiedAt"]) == ("2026-11-22T13:00:00Z", "2026-11-22T13:01:00Z")
    assert told_of["quality"]["value"] == "good"
    assert said(api.get(f"entities/{CAR}"))["speed"]["value"] == 3  # what it says now was not corrected
    made = "timeproperty=createdAt&timerel=after&timeAt=2026-11-22T13:00:30Z"
    changed = "timeproperty=modifiedAt&timerel=after&timeAt=2026-11-22T13:00:30Z"
    assert values(api.get(PATH, made)) == []
    assert values(api.get(PATH, changed)) == [20]
    assert list(api.city.store.check()) == []


def test_correcting_what_was_said_last_corrects_what_is(api: Api) -> None:
    api.post("temporal/entities", car(speed=speeds(1, 2)))
    newest = ids(api)[-1]
    assert api.patch(f"{PATH}/attrs/speed/{newest}", {**speeds(2)[0], "value": 2.5}).status == 204
    assert said(api.get(f"entities/{CAR}"))["speed"]["value"] == 2.5
    change = changes(api)[-1]
    assert [(part.name, part.status, part.old["value"], part.new["value"]) for part in change.parts] == [
        ("speed", "updated", 2.0, 2.5)
    ]
    assert change.actor == api.sight.actor
    gone = {"type": "Property", "value": "urn:ngsi-ld:null", "observedAt": at(2)}
    assert api.patch(f"{PATH}/attrs/speed/{newest}", gone).status == 204
    assert "speed" not in said(api.get(f"entities/{CAR}"))
    assert [one["value"] for one in told(api.get(PATH))] == [1, "urn:ngsi-ld:null"]
    assert list(api.city.store.check()) == []


def test_one_instance_goes_and_the_log_keeps_who_took_it(api: Api) -> None:
    api.post("temporal/entities", car(speed=speeds(1, 2)))
    first, newest = ids(api)
    assert api.delete(f"{PATH}/attrs/speed/{newest}").status == 204
    assert values(api.get(PATH)) == [1]
    assert said(api.get(f"entities/{CAR}"))["speed"]["value"] == 2  # 5.6.5 takes away what is, 5.6.15 what was
    (part,) = changes(api)[-1].parts
    assert (part.name, part.status, part.old["value"], part.new) == ("speed", "late", 2.0, None)
    assert api.delete(f"{PATH}/attrs/speed/{newest}").status == 404
    assert api.delete(f"{PATH}/attrs/speed/{first}").status == 204
    assert list(api.city.store.check()) == []


def test_a_series_or_all_of_an_attribute_goes(api: Api) -> None:
    other = [{**one, "datasetId": "urn:d:1"} for one in speeds(2)]
    api.post("temporal/entities", car(speed=[*speeds(1), *other], fuel=speeds(1)))
    assert api.delete(f"{PATH}/attrs/speed", "datasetId=urn:d:2").status == 404
    assert api.delete(f"{PATH}/attrs/speed").status == 204
    assert values(api.get(PATH)) == [2]
    assert api.delete(f"{PATH}/attrs/speed", "datasetId=urn:d:1").status == 204
    assert "speed" not in said(api.get(PATH))
    api.post("temporal/entities", car(speed=[*speeds(3), *other]))
    assert api.delete(f"{PATH}/attrs/speed", "deleteAll=true").status == 204
    assert set(said(api.get(PATH))) == {"id", "type", "fuel"}
    assert len(said(api.get(f"entities/{CAR}"))["speed"]) == 2
    assert list(api.city.store.check()) == []


def test_an_evolution_that_was_deleted_can_begin_again(api: Api) -> None:
    api.post("temporal/entities", car(speed=speeds(1, 2)))
    assert api.delete(PATH).status == 204
    assert api.get(PATH).status == 404
    assert said(api.get(f"entities/{CAR}"))["speed"]["value"] == 2
    assert api.post(f"{PATH}/attrs", {"speed": speeds(3)}).status == 404
    assert api.post("temporal/entities", car(speed=speeds(1, 2))).status == 201
    assert values(api.get(PATH)) == [1, 2]
    assert api.post("temporal/entities", car(speed=speeds(1, 2))).status == 204
    assert list(api.city.store.check()) == []


def test_the_history_of_what_is_gone_is_edited_too(api: Api) -> None:
    api.post("temporal/entities", car(speed=speeds(1, 2)))
    first = ids(api)[0]
    api.delete(f"entities/{CAR}")
    assert api.patch(f"{PATH}/attrs/speed/{first}", {**speeds(1)[0], "value": 9}).status == 204
    assert [one["value"] for one in told(api.get(PATH))] == [9, 2, "urn:ngsi-ld:null"]
    assert api.delete(f"{PATH}/attrs/speed/{first}").status == 204
    assert api.get(f"entities/{CAR}").status == 404
    assert [(change.entity.type, change.gone) for change in changes(api)[-2:]] == [("Vehicle", False)] * 2
    api.made(car(fuel=speeds(1)[0]))
    again = changes(api)[-1]
    assert (again.new, again.before) == (True, None)
    assert list(api.city.store.check()) == []


def test_pairs_of_value_and_time_are_read_as_they_are_told(quick: Api) -> None:
    pairs = {
        "speed": {"type": "Property", "values": [[1.0, at(1)], [2.0, at(2)]]},
        "parked": {"type": "Relationship", "objects": [["urn:p:1", at(1)], [["urn:p:1", "urn:p:2"], at(2)]]},
        "name": {"type": "LanguageProperty", "languageMaps": [[{"languageMap": {"en": "x"}}, at(1)]]},
        "kind": {"type": "VocabProperty", "vocabs": [[{"vocab": "Big"}, at(1)]]},
        "raw": {"type": "JsonProperty", "jsons": [[{"json": {"a": 1}}, at(1)]]},
        "list": {"type": "ListProperty", "valueLists": [[[1, 2], at(1)]]},
        "crew": {"type": "ListRelationship", "objectLists": [[["urn:p:1"], at(1)]]},
        "place": {"type": "GeoProperty", "values": [[{"type": "Point", "coordinates": [1, 2]}, at(1)]]},
    }
    assert quick.post("temporal/entities", car(**pairs)).status == 201
    shown = said(quick.get(PATH, "format=temporalValues"))
    assert {name: shown[name] for name in pairs} == pairs
    assert said(quick.get(f"entities/{CAR}"))["parked"]["object"] == ["urn:p:1", "urn:p:2"]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"speed": [{"type": "Property"}]}, "speed[0]"),
        ({"speed": []}, "speed"),
        ({"speed": [{"type": "Property", "value": 1, "observedAt": "now"}]}, "speed[0].observedAt"),
        ({"speed": {"type": "Property", "values": [[1]]}}, "speed.values[0]"),
        ({"speed": {"type": "Property", "values": {"a": 1}}}, "speed.values"),
        ({"speed": {"type": "Relationship", "values": [[1, at(1)]]}}, "speed.values"),
        ({"speed": {"type": "Property", "values": [[1, "now"]]}}, "speed.values[0].observedAt"),
        ({"speed": {"type": "Relationship", "value": "urn:ngsi-ld:null"}}, "speed.type"),
        ({"speed": [[speeds(1)[0]]]}, "speed[0]"),
        ({"scope": [{"type": "Property", "value": "a b"}]}, "scope[0].scope"),
        ({"scope": [{"type": "Property", "value": "/A", "unitCode": "CEL"}]}, "scope[0].unitCode"),
        ({"scope": [{"type": "Property", "value": "/A"}, "/B"]}, "scope[1]"),
        ({"scope": [{"type": "Property", "value": "/A", "observedAt": 5}]}, "scope[0].observedAt"),
        ({"expiresAt": "urn:ngsi-ld:null", "speed": speeds(1)}, "expiresAt"),
        ({"createdat": 1, "value": speeds(1)}, "value"),
    ],
)
def test_what_is_wrong_with_an_evolution_is_named(quick: Api, body: dict[str, Any], where: str) -> None:
    refused = quick.post("temporal/entities", car(**body))
    assert (refused.status, said(refused)["where"]) == (400, where), said(refused)
    assert quick.get(PATH).status == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("DELETE", "temporal/entities/car", None, 400),
        ("DELETE", "temporal/entities/urn:v:9", None, 404),
        ("DELETE", f"{PATH}/attrs/no(name", None, 400),
        ("DELETE", f"{PATH}/attrs/value", None, 400),
        ("DELETE", f"{PATH}/attrs/fuel", None, 404),
        ("DELETE", f"{PATH}/attrs/speed?datasetId=one", None, 400),
        ("DELETE", f"{PATH}/attrs/speed?deleteAll=maybe", None, 400),
        ("DELETE", f"{PATH}/attrs/speed?colour=red", None, 400),
        ("DELETE", f"{PATH}/attrs/speed/one", None, 400),
        ("DELETE", f"{PATH}/attrs/speed/urn:ngsi-ld:Instance:1", None, 404),
        ("DELETE", f"{PATH}/attrs/speed/urn:ngsi-ld:Instance:1.0.1", None, 404),
        ("DELETE", f"{PATH}/attrs/speed/urn:ngsi-ld:Instance:ffffffffffffffff.0.1", None, 404),
        ("PATCH", f"{PATH}/attrs/speed/one", speeds(1)[0], 400),
        ("PATCH", f"{PATH}/attrs/speed/urn:i:1", speeds(1)[0], 404),
        ("PATCH", f"{PATH}/attrs/fuel/urn:i:1", speeds(1)[0], 404),
        ("PATCH", "temporal/entities/urn:v:9/attrs/speed/urn:i:1", speeds(1)[0], 404),
        ("PATCH", f"{PATH}/attrs/speed/urn:i:1", speeds(1, 2), 400),
        ("PATCH", f"{PATH}/attrs/speed/urn:i:1", {"type": "Property"}, 400),
        ("POST", f"{PATH}/attrs", {"speed": speeds(1), "id": "urn:v:9"}, 400),
        ("POST", f"{PATH}/attrs", {}, 400),
        ("POST", f"{PATH}/attrs", 5, 400),
        ("POST", "temporal/entities/urn:v:9/attrs", {"speed": speeds(1)}, 404),
    ],
)
def test_an_edit_that_cannot_be_is_refused(quick: Api, method: str, path: str, body: Any, status: int) -> None:
    quick.post("temporal/entities", car(speed=speeds(1)))
    path, _, params = path.partition("?")
    refused = quick.ask(method, path, body, params)
    assert (refused.status, said(refused)["status"]) == (status, status), refused.body
    assert values(quick.get(PATH)) == [1]


def test_more_instances_than_one_change_may_hold_are_refused(tmp_path: Path) -> None:
    for api in opened(tmp_path, direct=True, limits=small(pushed=3)):
        assert api.post("temporal/entities", car(speed=speeds(1, 2), fuel=speeds(1, 2))).status == 413
        pairs = {"type": "Property", "values": [[i, at(i)] for i in range(4)]}
        assert api.post("temporal/entities", car(speed=pairs)).status == 400
        assert api.get(PATH).status == 404
        assert api.post("temporal/entities", car(speed=speeds(1, 2), fuel=speeds(1))).status == 201
