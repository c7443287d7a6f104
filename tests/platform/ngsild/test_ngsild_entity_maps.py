"""Entity maps: entities that a sequence of requests is about (5.5.9.3, 5.5.14, 5.14.1 to 5.14.4)."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest_ngsild import Api, header, links, opened, said, small, station

from hansa.errors import BadRequest
from hansa.platform.entity_maps import seconds
from hansa.platform.http import Response
from hansa.trust.labels import ADMINISTRATOR


def key(response: Response) -> str:
    return str(header(response, "ngsild-entitymap")).rpartition("/")[2]


def named(api: Api, place: str, params: str) -> Response:
    return api.get("entities", params, ngsild_entitymap=place)


def ids(response: Response) -> list[str]:
    return [one["id"].rsplit(":", 1)[1] for one in said(response)]


@pytest.fixture
def five(quick: Api) -> Api:
    quick.made(*(station(f"s{i}", float(i)) for i in range(5)))
    return quick


def test_a_query_makes_a_map_that_further_pages_stay_with(five: Api) -> None:
    first = five.get("entities", "type=WeatherObserved&limit=2&entityMap=true&entityMapLifetime=PT10M")
    assert (first.status, ids(first)) == (201, ["s0", "s1"])
    place = str(header(first, "ngsild-entitymap"))
    five.made(station("later"))
    five.delete("entities/urn:ngsi-ld:WeatherObserved:s1")
    five.patch("entities/urn:ngsi-ld:WeatherObserved:s2", {"temperature": {"value": 99}})
    page = named(five, place, "type=WeatherObserved&q=temperature<50&limit=2&count=true")
    assert (page.status, ids(page), header(page, "ngsild-results-count")) == (200, ["s0", "s3"], "3")
    assert header(page, "ngsild-entitymap") == place
    assert "offset=2" in links(page)["next"]
    assert list(said(five.get("entityMaps/" + key(first)))["entityMap"]) == [
        f"urn:ngsi-ld:WeatherObserved:s{i}" for i in (0, 3, 4)
    ]
    last = named(five, place, "type=WeatherObserved&limit=2&offset=2")
    assert ids(last) == ["s4"]
    assert "next" not in links(last)
    assert ids(named(five, place, "type=WeatherObserved&orderBy=temperature;desc&limit=2")) == ["s4", "s3"]
    assert ids(named(five, place, "type=WeatherObserved&id=urn:ngsi-ld:WeatherObserved:s4")) == ["s4"]


def test_who_names_a_map_that_is_gone_gets_a_new_one(five: Api) -> None:
    again = named(five, "urn:ngsi-ld:EntityMap:gone", "type=WeatherObserved")
    assert again.status == 201
    assert "gone" not in key(again)
    one = five.get("entities/urn:ngsi-ld:WeatherObserved:s1", "entityMap=true")
    assert (one.status, said(one)["type"]) == (200, "WeatherObserved")
    assert said(five.get("entityMaps/" + key(one)))["entityMap"] == {"urn:ngsi-ld:WeatherObserved:s1": ["@none"]}
    place = str(header(one, "ngsild-entitymap"))
    same = five.get("entities/urn:ngsi-ld:WeatherObserved:s1", ngsild_entitymap=place)
    assert header(same, "ngsild-entitymap") == place


def test_a_map_is_made_told_changed_and_deleted(five: Api) -> None:
    made = five.get("entityMaps", "type=WeatherObserved&q=temperature>2&entityMapLifetime=P9999D")
    assert (made.status, said(made)["type"]) == (201, "EntityMap")
    assert said(made)["expiresAt"] == "2026-11-22T14:00:00Z"  # an hour, whatever was asked for
    assert len(said(made)["entityMap"]) == 2
    posted = five.post("entityMaps", {"type": "Query", "entities": [{"type": "WeatherObserved"}]})
    assert (posted.status, len(said(posted)["entityMap"])) == (201, 5)
    path = "entityMaps/" + key(made)
    change = {"expiresAt": "2026-11-22T13:10:00Z", "entityMap": {"urn:x:y": ["@none"]}}
    assert five.patch(path, change).status == 204
    told = said(five.get(path))
    assert (told["expiresAt"], "urn:x:y" in told["entityMap"]) == ("2026-11-22T13:10:00Z", False)
    assert five.patch(path, {"expiresAt": "2000-01-01T00:00:00Z"}).status == 204
    assert five.get(path).status == 404
    assert five.delete("entityMaps/" + key(posted)).status == 204
    assert five.delete("entityMaps/" + key(posted)).status == 404


def test_a_map_is_nobody_elses(five: Api) -> None:
    five.made(station("s9"), ngsild_tenant="other")
    path = "entityMaps/" + key(five.get("entityMaps", "type=WeatherObserved"))
    assert five.get(path, ngsild_tenant="other").status == 404
    assert five.delete(path, ngsild_tenant="other").status == 404
    assert five.get(path, sight=replace(ADMINISTRATOR, actor="somebody")).status == 404
    assert five.get(path).status == 200


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("entityMaps/not a uri", "", 400),
        ("entityMaps/urn:x:y", "", 404),
        ("entityMaps/urn:x:y", "limit=1", 400),
        ("entityMaps", "id=urn:x:y", 400),
        ("entityMaps", "type=T&entityMapLifetime=1hour", 400),
        ("entityMaps", "type=T&entityMapLifetime=P", 400),
        ("entities", "type=T&entityMap=perhaps", 400),
        ("entities", "type=T&entityMapLifetime=PT1M", 400),
        ("entities/urn:x:y", "entityMap=1", 400),
    ],
)
def test_what_makes_no_sense_is_refused(five: Api, path: str, params: str, status: int) -> None:
    assert five.get(path, params).status == status


@pytest.mark.parametrize("body", [[], 5, {"expiresAt": 5}, {"expiresAt": "tomorrow"}, {"colour": "red"}])
def test_a_map_takes_no_nonsense(five: Api, body: Any) -> None:
    path = "entityMaps/" + key(five.get("entityMaps", "type=WeatherObserved"))
    assert five.patch(path, body).status == 400


def test_maps_are_kept_up_to_a_number_and_a_size(tmp_path: Path) -> None:
    for api in opened(tmp_path, direct=True, limits=small(entity_maps=2, mapped=4)):
        api.made(*(station(f"s{i}", float(i)) for i in range(5)))
        assert api.get("entityMaps", "type=WeatherObserved").status == 403
        paths = [
            "entityMaps/" + key(api.get("entityMaps", f"type=WeatherObserved&q=temperature=={i}")) for i in range(3)
        ]
        assert [api.get(path).status for path in paths] == [404, 200, 200]
        large = "entityMaps/" + key(api.get("entityMaps", "type=WeatherObserved&q=temperature<4"))
        assert [api.get(path).status for path in (*paths, large)] == [404, 404, 404, 200]


def test_durations_are_read() -> None:
    assert seconds("PT1H30M") == 5_400
    assert seconds("P1Y2M1W1DT1.5S") == 365 * 86_400 + 60 * 86_400 + 8 * 86_400 + 1
    for bad in ("", "P", "PT", "P1", "1D", "P-1D", "PT1H1H", "P1DT", "p1d"):
        with pytest.raises(BadRequest):
            seconds(bad)
