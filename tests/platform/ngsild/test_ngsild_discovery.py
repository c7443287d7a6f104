"""Types, attributes and contexts that there are (5.7.5 to 5.7.10, 5.13.3, 5.13.4)."""

from conftest_ngsild import Api, said, station

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
    assert quick.get("types/not a type").status == 400


def test_attributes_are_listed_and_described(quick: Api) -> None:
    filled(quick)
    assert said(quick.get("attributes"))["attributeList"] == ["refDevice", "temperature"]
    details = said(quick.get("attributes", "details=true"))
    assert details[1]["typeNames"] == ["Device", "Thing", "WeatherObserved"]
    told = said(quick.get("attributes/temperature"))
    assert (told["attributeCount"], told["attributeTypes"]) == (3, ["Property"])
    assert quick.get("attributes/windSpeed").status == 404


def test_contexts_in_use_are_listed_and_hosting_one_is_not_built(quick: Api) -> None:
    assert said(quick.get("jsonldContexts")) == []
    assert said(quick.get("jsonldContexts", "details=true&kind=Hosted")) == []
    assert quick.get("jsonldContexts", "kind=Odd").status == 400
    assert quick.get("jsonldContexts/https%3A%2F%2Fexample.org%2Fc").status == 404
    assert quick.post("jsonldContexts", {"@context": {}}).status == 422
