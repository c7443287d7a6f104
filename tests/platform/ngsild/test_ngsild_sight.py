"""Labels and sight: what somebody may not see does not exist for him, whichever way he asks (invariant 5)."""

import pytest
from conftest_ngsild import NOON, PUBLIC, Api, header, said, station

from hansa.trust.labels import Sight

OPEN, STAFF, HALF = (f"urn:ngsi-ld:WeatherObserved:{key}" for key in ("open", "staff", "half"))


@pytest.fixture
def town(quick: Api) -> Api:
    """Three stations: open, unlabelled (so staff only), and open but for one attribute."""
    secret = {
        "password": {"type": "Property", "value": "x1", "observedAt": NOON},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [17.1, 48.1]}},
    }
    quick.labelled(station("open", 1.0), "open")
    quick.labelled(station("staff", 2.0), None)
    quick.labelled(station("half", 3.0, **secret), "open", {"password": "smart", "location": "security"})
    return quick


def seen(api: Api, params: str, sight: Sight = PUBLIC) -> list[str]:
    found = api.get("entities", params + "&count=true", sight)
    assert found.status == 200, found.body
    assert header(found, "ngsild-results-count") == str(len(said(found)))
    return sorted(one.get("id", HALF).rsplit(":", 1)[1] for one in said(found))


def test_the_public_reads_what_is_open_and_the_administrator_all(town: Api) -> None:
    assert town.get(f"entities/{OPEN}", sight=PUBLIC).status == 200
    assert town.get(f"entities/{STAFF}", sight=PUBLIC).status == 404
    assert set(said(town.get(f"entities/{HALF}", sight=PUBLIC))) == {"id", "type", "temperature"}
    assert set(said(town.get(f"entities/{HALF}"))) == {"id", "type", "temperature", "password", "location"}


def test_queries_and_counts_are_answered_after_masking(town: Api) -> None:
    assert seen(town, "type=WeatherObserved") == ["half", "open"]
    assert seen(town, "type=WeatherObserved&q=temperature==2") == []
    assert seen(town, "type=WeatherObserved&id=" + STAFF) == []
    assert seen(town, "type=WeatherObserved", town.sight) == ["half", "open", "staff"]


def test_a_hidden_attribute_cannot_be_guessed_by_asking_for_it(town: Api) -> None:
    for params in ('q=password=="x1"', 'q=password!="nothing"', "q=password", "attrs=password", "pick=password"):
        assert seen(town, f"type=WeatherObserved&{params}") == [], params
        assert seen(town, f"type=WeatherObserved&{params}", town.sight) == ["half"]
    near = "georel=near%3BmaxDistance==10&geometry=Point&coordinates=[17.1,48.1]"
    assert seen(town, near) == []
    assert seen(town, near, town.sight) == ["half"]
    assert town.get(f"entities/{HALF}", "attrs=password", PUBLIC).status == 404


def test_history_is_masked_as_the_present_is(town: Api) -> None:
    assert town.get(f"temporal/entities/{STAFF}", sight=PUBLIC).status == 404
    assert set(said(town.get(f"temporal/entities/{HALF}", sight=PUBLIC))) == {"id", "type", "temperature"}
    assert "password" in said(town.get(f"temporal/entities/{HALF}"))
    times = "type=WeatherObserved&timerel=after&timeAt=2020-01-01T00:00:00Z&count=true"
    found = town.get("temporal/entities", times, PUBLIC)
    assert (len(said(found)), header(found, "ngsild-results-count")) == (2, "2")
    assert said(town.get("temporal/entities", times + '&q=password=="x1"', PUBLIC)) == []
    assert len(said(town.get("temporal/entities", times + '&q=password=="x1"'))) == 1


def test_types_and_attributes_tell_only_of_what_is_seen(town: Api) -> None:
    town.labelled(
        {"id": "urn:ngsi-ld:Camera:1", "type": "Camera", "lens": {"type": "Property", "value": 1}}, "security"
    )
    assert said(town.get("types", sight=PUBLIC))["typeList"] == ["WeatherObserved"]
    assert said(town.get("types"))["typeList"] == ["Camera", "WeatherObserved"]
    assert said(town.get("types/WeatherObserved", sight=PUBLIC))["entityCount"] == 2
    assert town.get("types/Camera", sight=PUBLIC).status == 404
    assert said(town.get("attributes", sight=PUBLIC))["attributeList"] == ["temperature"]
    assert town.get("attributes/password", sight=PUBLIC).status == 404


def test_who_may_only_look_may_not_write(town: Api) -> None:
    for method, path, body in (
        ("POST", "entities", station("new")),
        ("PATCH", f"entities/{OPEN}", {"a": 1}),
        ("DELETE", f"entities/{OPEN}", None),
        ("POST", f"entities/{OPEN}/attrs", {"a": 1}),
        ("POST", "entityOperations/upsert", [station("new")]),
        ("POST", "temporal/entities", station("new")),
        ("DELETE", "entities", None),
        ("GET", "subscriptions", None),
        ("POST", "jsonldContexts", {}),
    ):
        refused = town.ask(
            method, path, body, "type=WeatherObserved" if path == "entities" and not body else "", sight=PUBLIC
        )
        assert refused.status == 403, (method, path, refused.body)
    assert town.get(f"entities/{OPEN}").status == 200
    assert town.city.reader.row("", "urn:ngsi-ld:WeatherObserved:new", town.sight) is None
    assert town.delete("entities", "type=WeatherObserved").status == 204
