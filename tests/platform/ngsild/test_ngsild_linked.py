"""Linked entities, orderings, GeoJSON and older versions through the door.

Clauses 4.5.16, 4.5.23, 4.23, 4.3.6.8, 5.2.43, 5.5.13, 6.3.6, 6.3.15 and 6.3.18.
"""

from typing import Any

import pytest
from conftest_ngsild import PUBLIC, Api, header, links, opened, said, small, station

ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"
GEO = "application/geo+json"


def place(lon: float) -> dict[str, Any]:
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [lon, 48.0]}}


def to(*keys: str) -> dict[str, Any]:
    uris = [f"urn:x:{key}" for key in keys]
    return {"type": "Relationship", "object": uris if len(uris) > 1 else uris[0]}


@pytest.fixture
def town(quick: Api) -> Api:
    """Two houses in a street of a town, and what somebody said of them."""
    quick.made(
        {"id": "urn:x:h1", "type": "House", "name": "Ähre", "in": to("s1"), "location": place(17.2), "rooms": 4},
        {"id": "urn:x:h2", "type": "House", "name": "Zebra", "in": to("s1"), "location": place(17.1), "rooms": "many"},
        {"id": "urn:x:h3", "type": "House", "name": "azur", "in": to("gone")},
        {"id": "urn:x:s1", "type": "Street", "name": "Hauptgasse", "in": to("t1"), "width": 7},
        {"id": "urn:x:t1", "type": "Town", "name": "Altstadt"},
    )
    return quick


def ids(response: Any) -> list[str]:
    body = said(response)
    return [one["id"].rsplit(":", 1)[1] for one in (body["features"] if isinstance(body, dict) else body)]


def test_linked_entities_come_inline_or_flat(town: Api) -> None:
    inline = said(town.get("entities/urn:x:h1", "join=inline&joinLevel=2"))
    assert inline["in"]["entity"]["in"]["entity"]["name"]["value"] == "Altstadt"
    assert ids(town.get("entities", "type=House&join=flat&joinLevel=2")) == ["h1", "h2", "h3", "s1", "t1"]
    assert ids(town.get("entities/urn:x:h3", "join=flat")) == ["h3"]  # an array all the same (4.5.23.3)
    assert said(town.get("entities/urn:x:h1", "join=@none&joinLevel=3")) == said(town.get("entities/urn:x:h1"))
    body = {
        "type": "Query",
        "entities": [{"type": "House"}],
        "join": "flat",
        "joinLevel": 1,
        "containedBy": ["urn:x:s1"],
    }
    assert ids(town.post("entityOperations/query", body)) == ["h1", "h2", "h3"]
    simple = said(town.get("entities/urn:x:h1", "join=inline&options=keyValues&pick=id,in{name}"))
    assert simple == {"id": "urn:x:h1", "in": {"name": "Hauptgasse"}}
    shown = said(town.get("entities/urn:x:h1", "join=inline&options=sysAttrs"))
    assert "createdAt" in shown["in"]["entity"]


def test_a_page_counts_those_that_match_and_not_those_they_link_to(town: Api) -> None:
    page = town.get("entities", "type=House&join=flat&limit=2&count=true")
    assert ids(page) == ["h1", "h2", "s1"]
    assert header(page, "ngsild-results-count") == "3"
    assert "join=flat" in links(page)["next"]


def test_q_and_attrs_reach_into_linked_entities(town: Api) -> None:
    def found(q: str, level: int = 1) -> list[str]:
        return ids(town.get("entities", {"type": "House", "q": q, "join": "inline", "joinLevel": level}))

    assert found("in{width}==7") == ["h1", "h2"]
    assert found("in{Street,Lane:width}>7") == []
    assert found('in{in{name}}=="Altstadt"', 2) == ["h1", "h2"]
    assert found("!in{width}") == ["h3"]
    shown = said(town.get("entities", "type=House&attrs=in{width}&join=inline&id=urn:x:h1"))[0]
    assert set(shown) == {"id", "type", "in"}
    assert set(shown["in"]["entity"]) == {"id", "type", "width"}


def test_nobody_sees_linked_entities_that_are_not_for_him(quick: Api) -> None:
    quick.labelled({"id": "urn:x:a", "type": "T", "to": to("b", "c"), "n": {"type": "Property", "value": 1}}, "open")
    quick.labelled({"id": "urn:x:b", "type": "T", "n": {"type": "Property", "value": 2}}, "security")
    secret = {
        "id": "urn:x:c",
        "type": "T",
        "n": {"type": "Property", "value": 3},
        "m": {"type": "Property", "value": 4},
    }
    quick.labelled(secret, "open", {"n": "security"})
    flat = said(quick.get("entities/urn:x:a", "join=flat&options=keyValues", PUBLIC))
    assert flat[1:] == [{"id": "urn:x:c", "type": "T", "m": 4}]
    assert len(said(quick.get("entities/urn:x:a", "join=flat"))) == 3
    assert said(quick.get("entities", "type=T&q=to{n}==2&join=inline", PUBLIC)) == []
    assert said(quick.get("entities", "type=T&orderBy=n&options=keyValues&pick=id", PUBLIC)) == [
        {"id": "urn:x:a"},
        {"id": "urn:x:c"},
    ]


def test_too_many_linked_entities_are_refused_by_name(tmp_path: Any) -> None:
    for api in opened(tmp_path, direct=True, limits=small(linked=2, ordered=2)):
        api.made({"id": "urn:x:a", "type": "T", "to": to("b", "c", "d")})
        api.made(*({"id": f"urn:x:{key}", "type": "T"} for key in "bcd"))
        refused = api.get("entities/urn:x:a", "join=flat")
        assert (refused.status, said(refused)["where"]) == (403, "joinLevel")
        refused = api.get("entities", "type=T&orderBy=id")
        assert (refused.status, said(refused)["where"]) == (403, "orderBy")
        assert ids(api.get("entities", "type=T&orderBy=id&id=urn:x:c,urn:x:b")) == ["b", "c"]


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ("orderBy=name", ["h1", "h3", "h2"]),
        ("orderBy=name;desc", ["h2", "h3", "h1"]),
        ("orderBy=name&collation=sv", ["h3", "h2", "h1"]),
        ("orderBy=rooms", ["h1", "h2", "h3"]),
        ("orderBy=rooms;desc", ["h2", "h1", "h3"]),
        ("orderBy=location;dist-asc&orderFrom=[17,48]", ["h2", "h1", "h3"]),
        ("orderBy=location;dist-desc&orderFrom=[17,48]&orderGeometry=Point", ["h1", "h2", "h3"]),
        ("orderBy=type,id;desc&local=true", ["h3", "h2", "h1"]),
    ],
)
def test_answers_come_in_the_order_asked_for_page_by_page(town: Api, order: str, found: list[str]) -> None:
    assert ids(town.get("entities", f"type=House&{order}")) == found
    first = town.get("entities", f"type=House&limit=2&count=true&{order}")
    assert ids(first) == found[:2]
    assert header(first, "ngsild-results-count") == "3"
    assert ids(town.get("entities", links(first)["next"].partition("?")[2])) == found[2:]


def test_a_body_orders_too(town: Api) -> None:
    ordering = {"orderBy": ["location;dist-desc", "name"], "coordinates": [17, 48], "geometry": "Point"}
    body = {"type": "Query", "entities": [{"type": "House"}], "ordering": ordering}
    assert ids(town.post("entityOperations/query", body)) == ["h1", "h2", "h3"]


def test_selectors_may_differ_in_everything(town: Api) -> None:
    def found(*selectors: dict[str, Any], params: str = "") -> list[str]:
        return sorted(ids(town.post("entityOperations/query", {"type": "Query", "entities": list(selectors)}, params)))

    assert found({"type": "House", "id": "urn:x:h1"}, {"type": "Town"}) == ["h1", "t1"]
    assert found({"type": "House", "idPattern": "h[12]$"}, {"type": "Street", "id": ["urn:x:s1"]}) == ["h1", "h2", "s1"]
    assert found({"type": "House", "id": "urn:x:h1"}, {"type": "House", "idPattern": "h3"}) == ["h1", "h3"]
    assert found({"type": "House", "id": "urn:x:s1"}, {"type": "Street", "id": "urn:x:h1"}) == []
    assert found({"type": "*", "idPattern": ":t"}, {"type": "House", "id": "urn:x:h1"}) == ["h1", "t1"]
    assert found({"type": "House"}, {"type": "Town"}, params="limit=1") == ["h1"]
    counted = town.post(
        "entityOperations/query",
        {"type": "Query", "entities": [{"type": "House", "id": "urn:x:h1"}, {"type": "Town"}]},
        "count=true&limit=0",
    )
    assert header(counted, "ngsild-results-count") == "2"
    both = {"type": "Query", "entities": [{"type": "House", "id": "urn:x:h1"}, {"type": "Town"}], "q": "name"}
    assert sorted(ids(town.post("entityOperations/query", both))) == ["h1", "t1"]


def test_geojson_has_its_context_where_it_is_preferred(town: Api) -> None:
    one = town.get("entities/urn:x:h1", "options=keyValues", accept=GEO)
    assert one.kind == GEO.encode()
    assert said(one)["geometry"] == {"type": "Point", "coordinates": [17.2, 48.0]}
    assert said(one)["properties"]["name"] == "Ähre"
    assert "@context" in said(one)
    assert header(one, "link") is None
    for prefer in ("body=json", 'respond-async, BODY="json"'):
        other = town.get("entities/urn:x:h1", accept=GEO, prefer=prefer)
        assert "@context" not in said(other)
        assert "ngsi-ld-core-context" in str(header(other, "link"))
    assert "@context" in said(town.get("entities/urn:x:h1", accept=GEO, prefer="body=ld+json"))
    many = town.get("entities", "type=House&limit=2", accept=GEO)
    assert said(many)["type"] == "FeatureCollection"
    assert all("@context" not in one for one in said(many)["features"])
    assert 'type="application/geo+json"' in next(v.decode() for k, v in many.headers if k == b"link")
    assert said(town.get("entities", "type=Nothing", accept=GEO))["features"] == []
    flat = town.get("entities/urn:x:h1", "join=flat", accept=GEO)
    assert ids(flat) == ["h1", "s1"]
    body = {"type": "Query", "entities": [{"type": "House"}]}
    assert len(said(town.post("entityOperations/query", body, "geometryProperty=name", accept=GEO))["features"]) == 3
    named = said(town.get("entities/urn:x:h1", "geometryProperty=location&pick=name", accept=GEO))
    assert (named["id"], set(named["properties"])) == ("urn:x:h1", {"name"})
    refused = town.get("entities/urn:x:h1", "geometryProperty=location")
    assert (refused.status, said(refused)["where"]) == (400, "geometryProperty")


def test_an_older_reader_is_told_what_it_got(quick: Api) -> None:
    quick.made(station("a", mood={"type": "VocabProperty", "vocab": "good"}))
    path = "entities/urn:ngsi-ld:WeatherObserved:a"
    for prefer in ("ngsi-ld=1.5", 'NGSI-LD="1.5"', "x, ngsi-ld=1.5;q=1"):
        answer = quick.get(path, prefer=prefer)
        assert (answer.status, header(answer, "preference-applied")) == (203, "ngsi-ld=1.5")
        assert said(answer)["mood"] == {"type": "Property", "value": "good"}
    same = quick.get(path, prefer="ngsi-ld=1.9")
    assert (same.status, header(same, "preference-applied")) == (200, "ngsi-ld=1.9")
    assert said(same)["mood"]["type"] == "VocabProperty"
    assert header(quick.get(path, prefer="ngsi-ld=7.0"), "preference-applied") == "ngsi-ld=1.9"
    for prefer in ("respond-async", "ngsi-ld=new", "ngsi-ld", ""):
        assert header(quick.get(path, prefer=prefer), "preference-applied") is None
    many = quick.get("entities", "type=WeatherObserved", prefer="ngsi-ld=1.0")
    assert many.status == 203
    assert said(many)[0]["temperature"] == {"type": "Property", "value": 3.1}
    assert header(quick.get("types", prefer="ngsi-ld=1.4"), "preference-applied") == "ngsi-ld=1.4"
    assert header(quick.get("entities/urn:x:none", prefer="ngsi-ld=1.4"), "preference-applied") is None
