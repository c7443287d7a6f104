"""Types and attributes that there are (5.7.5 to 5.7.10), and the documents that tell it (5.2.24 to 5.2.28)."""

import time
from collections.abc import Iterator

import pytest
from conftest_ngsild import PUBLIC, Api, said, station

from hansa.model.change import Write
from hansa.platform.ngsild import inventory
from hansa.platform.store import TooSlow
from hansa.trust.labels import ADMINISTRATOR

ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"
VOCAB = "https://uri.etsi.org/ngsi-ld/default-context/"


def filled(api: Api) -> None:
    api.made(station("a"), station("b", refDevice={"type": "Relationship", "object": "urn:ngsi-ld:Device:1"}))
    api.made({"id": "urn:ngsi-ld:Device:1", "type": ["Device", "Thing"], "temperature": 1})


def test_types_are_listed_and_described(quick: Api) -> None:
    assert said(quick.get("types"))["typeList"] == []
    filled(quick)
    listed = said(quick.get("types"))
    assert (listed["type"], listed["typeList"]) == ("EntityTypeList", ["Device", "Thing", "WeatherObserved"])
    assert listed["id"].startswith("urn:ngsi-ld:EntityTypeList:")
    assert said(quick.get("types"))["id"] == listed["id"]
    details = said(quick.get("types", "details=true"))
    assert details[2] == {
        "id": VOCAB + "WeatherObserved",
        "type": "EntityType",
        "typeName": "WeatherObserved",
        "attributeNames": ["refDevice", "temperature"],
    }
    assert quick.get("types", "details=perhaps").status == 400


def test_one_type_is_told_with_counts_and_kinds(quick: Api) -> None:
    filled(quick)
    told = said(quick.get("types/WeatherObserved"))
    assert (told["type"], told["entityCount"]) == ("EntityTypeInfo", 2)
    assert {one["attributeName"]: one["attributeTypes"] for one in told["attributeDetails"]} == {
        "refDevice": ["Relationship"],
        "temperature": ["Property"],
    }
    quick.delete("entities/urn:ngsi-ld:Device:1")
    missing = quick.get("types/Device")
    assert (missing.status, said(missing)["type"]) == (404, ERRORS + "ResourceNotFound")
    refused = quick.get("types/not a type")
    assert (refused.status, said(refused)["where"]) == (400, "type")


def test_attributes_are_listed_and_described(quick: Api) -> None:
    filled(quick)
    assert said(quick.get("attributes"))["attributeList"] == ["refDevice", "temperature"]
    details = said(quick.get("attributes", "details=true"))
    assert details[1]["typeNames"] == ["Device", "Thing", "WeatherObserved"]
    told = said(quick.get("attributes/temperature"))
    assert (told["attributeCount"], told["attributeTypes"]) == (3, ["Property"])
    assert quick.get("attributes/windSpeed").status == 404


def test_a_city_without_a_place_for_contexts_says_so(quick: Api) -> None:
    assert quick.get("jsonldContexts").status == 422
    assert quick.post("jsonldContexts", {"@context": {}}).status == 422


def test_the_indexes_and_the_entities_tell_the_same_names(quick: Api) -> None:
    filled(quick)
    quick.made({"id": "urn:ngsi-ld:Device:2", "type": "Device", "bare": {"type": "Property", "value": {"a": 1}}})
    quick.made({"id": "urn:ngsi-ld:Empty:1", "type": "Empty"})
    quick.made({"id": "urn:ngsi-ld:Device:3", "type": "Device", "elsewhere": 1}, ngsild_tenant="other")
    quick.delete("entities/urn:ngsi-ld:WeatherObserved:b/attrs/refDevice")
    quick.delete("entities/urn:ngsi-ld:Device:1")
    reader = quick.city.reader
    for tenant in ("", "other", "nobody"):
        walked: dict[str, set[str]] = {}
        for kind in reader.types(tenant):
            for one in quick.city.find(kind, tenant=tenant):
                walked.setdefault(kind, set()).update(one.names)
        assert reader.attributes(tenant) == walked
        assert inventory.names(reader, tenant, ADMINISTRATOR) == walked
    assert said(quick.get("types"))["typeList"] == ["Device", "Empty", "WeatherObserved"]
    assert said(quick.get("attributes", ngsild_tenant="other"))["attributeList"] == ["elsewhere"]
    assert said(quick.get("types", sight=PUBLIC))["typeList"] == []


def test_a_type_of_fifty_thousand_entities_is_told_at_once(quick: Api) -> None:
    """5.7.7 and 5.7.10 are asked by pages that somebody waits for; an attribute that was always of one kind costs no
    document, and one of which two kinds were said no more of them than show both."""

    def cars() -> Iterator[Write]:
        for n in range(50_000):
            speed = {"type": "Property", "value": n}
            if n % 1_000 == 500:
                speed = {"type": "Relationship", "object": "urn:x:limit"}
            owner = {"type": "Relationship", "object": "urn:x:me"}
            yield Write("create", f"urn:x:{n}", {"id": f"urn:x:{n}", "type": "Car", "speed": speed, "owner": owner})

    for _ in quick.city.store.load(cars(), "me", quick.city.clock.now()):
        pass
    began = time.process_time()
    told, owner = said(quick.get("types/Car")), said(quick.get("attributes/owner"))
    assert quick.get("types/Bus").status == 404
    assert time.process_time() - began < 0.8
    speed = said(quick.get("attributes/speed"))
    reader = quick.city.reader
    with reader.deadline(1.0), pytest.raises(TooSlow):  # and who is called off leaves no snapshot behind
        reader.of_attribute("", "speed")
    assert reader._db.get_autocommit()
    kinds = {one["attributeName"]: one["attributeTypes"] for one in told["attributeDetails"]}
    assert (told["entityCount"], kinds) == (50_000, {"speed": ["Property", "Relationship"], "owner": ["Relationship"]})
    assert (speed["attributeCount"], speed["attributeTypes"]) == (50_000, ["Property", "Relationship"])
    assert (owner["attributeCount"], owner["typeNames"]) == (50_000, ["Car"])
