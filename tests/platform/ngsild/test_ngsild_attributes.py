"""Attributes: appended, updated, patched, replaced, deleted (5.6.2 to 5.6.5, 5.6.19, 5.2.18, 5.2.19)."""

import pytest
from conftest_ngsild import NOON, Api, said, station

NORTH = "urn:ngsi-ld:WeatherObserved:north"
PATH = f"entities/{NORTH}"
VOCAB = "https://uri.etsi.org/ngsi-ld/default-context/"


def now(api: Api) -> dict[str, object]:
    return said(api.get(PATH))


def test_appending_adds_what_is_new_and_replaces_what_was(api: Api) -> None:
    api.made(station("north"))
    assert api.post(f"{PATH}/attrs", {"temperature": {"value": 4}, "windSpeed": 2}).status == 204
    assert now(api)["temperature"] == {"type": "Property", "value": 4}
    assert now(api)["windSpeed"] == {"type": "Property", "value": 2}


def test_appending_without_overwriting_tells_what_it_left_alone(api: Api) -> None:
    api.made(station("north", scope="/a"))
    news = {"temperature": {"value": 4}, "windSpeed": 2, "scope": "/b"}
    answer = api.post(f"{PATH}/attrs", news, "options=noOverwrite")
    assert answer.status == 207
    told = said(answer)
    assert sorted(told["updated"]) == [VOCAB + "windSpeed", "https://uri.etsi.org/ngsi-ld/scope"]
    assert [one["attributeName"] for one in told["notUpdated"]] == [VOCAB + "temperature"]
    assert told["notUpdated"][0]["reason"]
    assert now(api)["temperature"] == station("north")["temperature"]
    assert now(api)["scope"] == ["/a", "/b"]
    assert api.post(f"{PATH}/attrs", {"a": 1}, "options=overwrite").status == 400


def test_updating_replaces_whole_attributes_and_null_takes_away(api: Api) -> None:
    api.made(station("north", humidity={"type": "Property", "value": 0.7}))
    change = {"temperature": {"value": 4}, "humidity": "urn:ngsi-ld:null", "windSpeed": 2}
    assert api.patch(f"{PATH}/attrs", change).status == 204
    assert now(api) == {
        "id": NORTH,
        "type": "WeatherObserved",
        "temperature": {"type": "Property", "value": 4},
        "windSpeed": {"type": "Property", "value": 2},
    }


def test_a_scope_is_updated_only_where_there_is_one(api: Api) -> None:
    api.made(station("north"), station("south", scope="/a"))
    without = api.patch(f"{PATH}/attrs", {"scope": "/b", "temperature": {"value": 4}})
    assert without.status == 207
    assert [one["attributeName"] for one in said(without)["notUpdated"]] == ["https://uri.etsi.org/ngsi-ld/scope"]
    assert "scope" not in now(api)
    assert api.patch("entities/urn:ngsi-ld:WeatherObserved:south/attrs", {"scope": "/a"}).status == 204


def test_a_partial_update_leaves_the_members_that_it_does_not_say(api: Api) -> None:
    api.made(station("north", refDevice={"type": "Relationship", "object": "urn:ngsi-ld:Device:1"}))
    assert api.patch(f"{PATH}/attrs/temperature", {"type": "Property", "value": 4}).status == 204
    assert now(api)["temperature"] == {"type": "Property", "value": 4, "unitCode": "CEL", "observedAt": NOON}
    assert api.patch(f"{PATH}/attrs/temperature", {"unitCode": "urn:ngsi-ld:null"}).status == 204
    assert "unitCode" not in now(api)["temperature"]  # type: ignore[operator]
    assert api.patch(f"{PATH}/attrs/refDevice", {"providedBy": {"type": "Property", "value": "x"}}).status == 204
    assert now(api)["refDevice"] == {
        "type": "Relationship",
        "object": "urn:ngsi-ld:Device:1",
        "providedBy": {"type": "Property", "value": "x"},
    }


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"{PATH}/attrs/windSpeed", {"value": 2}, 404),
        ("entities/urn:a:b/attrs/temperature", {"value": 2}, 404),
        (f"{PATH}/attrs/temperature", {"type": "Relationship", "object": "urn:a:b"}, 400),
        (f"{PATH}/attrs/temperature", {"object": "urn:a:b"}, 400),
        (f"{PATH}/attrs/temperature", {"value": {"a": "urn:ngsi-ld:null"}}, 400),
        (f"{PATH}/attrs/temperature", [{"value": 1}, {"value": 2, "datasetId": "urn:d:1"}], 400),
        (f"{PATH}/attrs/temperature", {"value": 2, "datasetId": "urn:d:1"}, 404),
        (f"{PATH}/attrs/scope", "/a", 400),
        (f"{PATH}/attrs/type", "T", 400),
        (f"{PATH}/attrs/not a name", {"value": 2}, 400),
        ("entities/north/attrs/temperature", {"value": 2}, 400),
    ],
)
def test_a_partial_update_that_cannot_be_is_refused(quick: Api, path: str, body: object, status: int) -> None:
    quick.made(station("north"))
    assert quick.patch(path, body).status == status
    assert now(quick) == station("north")


def test_each_dataset_is_an_instance_of_its_own(api: Api) -> None:
    two = [{"type": "Property", "value": 1}, {"type": "Property", "value": 2, "datasetId": "urn:d:2"}]
    api.made(station("north", level=two))
    assert api.patch(f"{PATH}/attrs/level", {"value": 9, "datasetId": "urn:d:2"}).status == 204
    assert now(api)["level"] == [two[0], two[1] | {"value": 9}]
    assert api.delete(f"{PATH}/attrs/level", "datasetId=urn:d:3").status == 404
    assert api.delete(f"{PATH}/attrs/level", "datasetId=urn:d:2").status == 204
    assert now(api)["level"] == two[0]
    assert api.delete(f"{PATH}/attrs/level").status == 204
    assert "level" not in now(api)


def test_deleting_all_instances_leaves_none(api: Api) -> None:
    two = [{"type": "Property", "value": 1}, {"type": "Property", "value": 2, "datasetId": "urn:d:2"}]
    api.made(station("north", level=two))
    assert api.delete(f"{PATH}/attrs/level", "deleteAll=true").status == 204
    assert "level" not in now(api)
    assert api.delete(f"{PATH}/attrs/level", "deleteAll=true").status == 404
    assert api.delete(f"{PATH}/attrs/type").status == 400
    assert api.delete(f"{PATH}/attrs/temperature", "deleteAll=perhaps").status == 400


def test_a_replaced_attribute_keeps_nothing_of_what_it_was(api: Api) -> None:
    api.made(station("north"))
    assert api.put(f"{PATH}/attrs/temperature", {"type": "Property", "value": 4}).status == 204
    assert now(api)["temperature"] == {"type": "Property", "value": 4}
    assert api.put(f"{PATH}/attrs/windSpeed", {"type": "Property", "value": 4}).status == 404
    assert api.put(f"{PATH}/attrs/temperature", {"type": "Property"}).status == 400


def test_a_change_is_made_only_to_the_type_that_was_named(api: Api) -> None:
    api.made(station("north"))
    for method, path, body in (
        ("POST", f"{PATH}/attrs", {"a": 1}),
        ("PATCH", f"{PATH}/attrs", {"a": 1}),
        ("PATCH", f"{PATH}/attrs/temperature", {"value": 1}),
        ("PUT", f"{PATH}/attrs/temperature", {"value": 1}),
        ("PATCH", PATH, {"a": 1}),
        ("DELETE", f"{PATH}/attrs/temperature", None),
    ):
        assert api.ask(method, path, body, "type=Device").status == 404, (method, path)
    assert now(api) == station("north")
    assert api.patch(f"{PATH}/attrs", {"a": 1}, "type=WeatherObserved").status == 204


def test_a_hundred_patches_at_once_lose_none(api: Api) -> None:
    import asyncio

    from hansa.platform.http import Headers, Request

    api.made(station("north"))

    async def all_at_once() -> list[int]:
        headers = Headers([(b"content-type", b"application/json"), (b"content-length", b"9")])
        asked = [
            Request("POST", ["entities", NORTH, "attrs"], b"", b'{"a%d": %d}' % (i, i), headers, api.sight)
            for i in range(100)
        ]
        return [one.status for one in await asyncio.gather(*(api.door.handle(one) for one in asked))]

    assert api.runner.run(all_at_once()) == [204] * 100
    assert sum(name.startswith("a") for name in now(api)) == 100
