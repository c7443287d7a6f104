"""OGC API - Features, Part 1 (17-069r4): each requirement, asked for through the door."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ogc_city import CRS84, LAMPS, Door, dataset, header, ogc_city, released

from hansa import entity

GEO = "application/geo+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
LAMP = "urn:ngsi-ld:Streetlight:lamp-"


def req(*idents: str) -> Any:
    """The requirements that a test is of: it runs under the name of each."""
    return pytest.mark.parametrize("requirement", ["+".join(idents)])


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    return Door(ogc_city(), "features")


def links(value: dict[str, Any], rel: str) -> list[dict[str, Any]]:
    return [one for one in value["links"] if one["rel"] == rel]


def link(value: dict[str, Any], rel: str) -> dict[str, Any]:
    return links(value, rel)[0]


def path_of(door: Door, href: str) -> str:
    assert href.startswith(door.url), href
    return href[len(door.url) :]


# ---- Landing page, API definition, conformance


@req("/req/core/root-op", "/req/core/root-success")
def test_the_landing_page_leads_to_all_there_is(door: Door, requirement: str) -> None:
    told = door.json("")
    assert link(told, "service-desc")["href"] == f"{door.url}/api?f=json"
    assert link(told, "service-doc")["type"] == "text/html"
    for rel, path in (("conformance", "/conformance"), ("data", "/collections")):
        assert link(told, rel)["href"] == door.url + path
    assert door.ask("/").status == 200, "with a slash at its end, too"
    with pytest.raises(Exception, match="no such place"):
        door.city.ask("GET", "/ogc")


@req("/req/core/api-definition-op", "/req/core/api-definition-success")
def test_the_api_definition_comes_in_the_form_that_its_link_names(door: Door, requirement: str) -> None:
    landing = door.json("")
    for rel in ("service-desc", "service-doc"):
        one = link(landing, rel)
        for told in (door.ask(path_of(door, one["href"])), door.ask("/api", {"accept": one["type"]})):
            assert told.status == 200
            assert told.kind.decode().replace("; charset=utf-8", "") == one["type"]
    assert json.loads(door.ask("/api", {"accept": OPENAPI}).body)["openapi"] == "3.0.3"


@req("/req/core/conformance-op", "/req/core/conformance-success")
def test_conformance_lists_the_classes_that_are_kept(door: Door, requirement: str) -> None:
    told = door.json("/conformance")["conformsTo"]
    spec = "http://www.opengis.net/spec/"
    for one in ("core", "oas30", "html", "geojson"):
        assert f"{spec}ogcapi-features-1/1.0/conf/{one}" in told
    assert f"{spec}ogcapi-features-2/1.0/conf/crs" in told
    assert f"{spec}ogcapi-features-3/1.0/conf/features-filter" in told
    assert f"{spec}cql2/1.0/conf/cql2-text" in told
    assert not any("transaction" in one or "features-4" in one for one in told), "nothing can be written here"
    assert len(told) == len(set(told))


# ---- HTTP and parameters


@req("/req/core/http")
def test_http_is_kept(door: Door, requirement: str) -> None:
    told = door.ask("/collections/lamps/items?limit=1")
    etag = header(told, "etag")
    again = door.ask("/collections/lamps/items?limit=1", {"if-none-match": etag})
    assert (again.status, again.body) == (304, b"")
    assert door.ask("/collections/lamps/items?limit=2", {"if-none-match": etag}).status == 200
    assert header(told, "access-control-allow-origin") == "*"
    assert header(told, "vary") == "Accept"
    assert 'rel="self"' in header(told, "link")
    assert door.ask("/collections/lamps/items", method="POST").status == 405
    assert door.ask("", {"accept": "image/png"}).status == 406
    assert door.ask("", {"accept": "text/html;q=0.2, application/json;q=0.1"}).kind == b"text/html; charset=utf-8"
    assert door.ask("", {"accept": "text/html;q=0, */*"}).kind == b"application/json"


def test_an_answer_is_the_same_an_hour_later_when_nothing_changed(door: Door) -> None:
    before = header(door.ask("/collections/lamps/items"), "etag")
    door.city.turn(seconds=3_600)
    told = door.ask("/collections/lamps/items")
    assert header(told, "etag") == before, "the time stamp alone makes no other answer"
    assert json.loads(told.body)["timeStamp"] == "2026-04-01T19:00:00Z"


@req("/req/core/query-param-unknown")
@pytest.mark.parametrize(
    "path",
    ["?x=1", "/api?x=1", "/conformance?limit=1", "/collections?bbox=1,2,3,4", "/collections/lamps?x",
    "/collections/lamps/items?secret=1",
     "/collections/lamps/items?Limit=1", "/collections/lamps/queryables?x=1",
     f"/collections/lamps/items/{LAMP}01?limit=1"],
)  # fmt: skip
def test_an_unknown_parameter_is_400(door: Door, requirement: str, path: str) -> None:
    assert "there is no parameter" in door.wrong(path)


@req("/req/core/query-param-invalid")
@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=-1", "limit=ten", "limit=1.5", "limit=", "offset=-1", "bbox=1,2,3", "bbox=a,b,c,d",
    "bbox=1,2,3,nan",
     "bbox=16,49,17,48", "bbox=-181,0,0,1", "bbox=0,0,0,91", "bbox=1,2,9,3,4,5", "datetime=yesterday",
     "datetime=2026-13-01T00:00:00Z",
     "datetime=2026-02-01T00:00:00Z/2026-01-01T00:00:00Z", "datetime=1/2/3", "datetime=2026-01-01T00:00:00",
     "power=high", "power=1_0", "power=%D9%A3", "bbox=1_0,2,30,4",
     "broken=maybe", "installedAt=soon", "crs=mars", "f=xml", "bbox=" + "1," * 200, "filter=power %3D %3D 1",
     "power=nan"],
)  # fmt: skip
def test_an_invalid_value_is_400(door: Door, requirement: str, query: str) -> None:
    problem = door.wrong(f"/collections/lamps/items?{query}")
    assert "detail" in problem


def test_an_error_can_be_read_by_a_page_of_another_origin(door: Door) -> None:
    told = door.ask("/collections/nowhere")
    assert (told.status, told.kind) == (404, b"application/problem+json")
    assert header(told, "access-control-allow-origin") == "*"
    assert "It named people" in door.wrong("/collections/withdrawn", 410)
    door.wrong("/collections/draft", 404)
    door.wrong("/collections/numbers", 404)
    door.wrong("/collections/lamps/tiles", 404)
    door.wrong("/nowhere", 404)


# ---- Collections


@req("/req/core/fc-md-op", "/req/core/fc-md-success", "/req/core/fc-md-items")
def test_every_dataset_with_places_is_a_collection(door: Door, requirement: str) -> None:
    told = door.json("/collections")
    assert {one["id"] for one in told["collections"]} == {
        "buoys", "cells", "dim", "lamps", "parks", "trees", "weather", "zones",
    }  # fmt: skip
    for one in told["collections"]:
        assert {"id", "links", "title", "extent", "itemType", "crs"} <= one.keys()


def test_many_collections_come_a_page_at_a_time(door: Door) -> None:
    seen: list[str] = []
    path = "/collections?limit=3"
    while path:
        told = door.json(path)
        assert len(told["collections"]) <= 3
        seen += [one["id"] for one in told["collections"]]
        found = links(told, "next")
        path = path_of(door, found[0]["href"]) if found else ""
    assert seen == [one["id"] for one in door.json("/collections")["collections"]]
    door.wrong("/collections?limit=0")


@req("/req/core/fc-md-links", "/req/core/fc-rel-type")
def test_links_of_the_collections_have_types(door: Door, requirement: str) -> None:
    told = door.json("/collections")
    assert link(told, "self")["href"] == f"{door.url}/collections"
    assert link(told, "alternate")["type"] == "text/html"
    items = door.json("/collections/trees/items?limit=10&offset=20")
    for value in (told, items, door.json("/collections/lamps"), door.json("")):
        for one in value["links"]:
            assert one["href"]
            assert one["type"]
    assert {one["rel"] for one in items["links"]} == {"self", "alternate", "next", "prev", "collection"}


@req("/req/core/fc-md-items-links")
def test_a_collection_links_its_items_in_each_form(door: Door, requirement: str) -> None:
    for one in door.json("/collections")["collections"]:
        found = {it["type"]: it["href"] for it in links(one, "items")}
        assert set(found) == {GEO, "text/html"}
        told = door.ask(path_of(door, found[GEO]))
        assert (told.status, told.kind) == (200, GEO.encode())


@req("/req/core/fc-md-extent", "/req/core/fc-md-extent-multi")
def test_the_extent_holds_all_features(door: Door, requirement: str) -> None:
    for one in door.json("/collections")["collections"]:
        (west, south, east, north), *more = one["extent"]["spatial"]["bbox"]
        assert more == []
        box = f"{west},{south},{east},{north}"
        path = f"/collections/{one['id']}/items"
        all_of_them = door.json(path)["numberMatched"]
        assert door.json(f"{path}?bbox={box}")["numberMatched"] == all_of_them
        if "temporal" in one["extent"]:
            since, until = one["extent"]["temporal"]["interval"][0]
            span = f"{since or '..'}/{until or '..'}"
            assert door.json(f"{path}?datetime={span}")["numberMatched"] == all_of_them
    lamps = door.json("/collections/lamps")["extent"]["spatial"]
    assert lamps == {"bbox": [[16.0, 48.0, 16.28, 48.0]], "crs": CRS84}, "measured, not as it was last released"


@req("/req/core/sfc-md-op", "/req/core/sfc-md-success")
def test_a_collection_says_of_itself_what_the_list_says(door: Door, requirement: str) -> None:
    for listed in door.json("/collections")["collections"]:
        own = door.json(f"/collections/{listed['id']}")
        for name in ("id", "title", "description", "extent", "itemType", "crs", "storageCrs"):
            assert own.get(name) == listed.get(name)
        there = {(one["rel"], one["href"]) for one in own["links"]}
        assert {(one["rel"], one["href"]) for one in listed["links"]} <= there
    assert own["title"] == "The zones"
    assert link(own, "license")["href"].endswith("/CC_BY_4_0")


# ---- Items


@req("/req/core/fc-op", "/req/core/fc-response")
def test_items_are_the_features_of_the_collection(door: Door, requirement: str) -> None:
    told = door.json("/collections/lamps/items?limit=1000")
    assert len(told["features"]) == LAMPS
    for one in told["features"]:
        assert set(one["properties"]) <= {"name", "power", "height", "broken", "installedAt"}, "what is given, no more"
    assert not any("hidden" in one["id"] for one in told["features"]), "what is not open is not there"
    assert door.json("/collections/dim/items")["numberMatched"] == 6
    assert door.json("/collections/trees/items")["numberMatched"] == 250
    assert [one["id"] for one in door.json("/collections/zones/items")["features"]] == ["z1"]


@req("/req/core/fc-limit-definition", "/req/core/fc-limit-response-1")
@pytest.mark.parametrize("ident", ["lamps", "trees", "buoys"])
def test_no_more_than_the_limit(door: Door, requirement: str, ident: str) -> None:
    said = door.json("/api")["components"]["parameters"]["limit"]["schema"]
    assert said == {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 100}
    for limit in (1, 7):
        assert len(door.json(f"/collections/{ident}/items?limit={limit}")["features"]) == limit
    told = door.json(f"/collections/{ident}/items?limit=99999999")
    assert len(told["features"]) == told["numberMatched"], "more than the most is the most, and no error"
    assert len(door.json(f"/collections/{ident}/items")["features"]) == min(100, told["numberMatched"])


@req("/req/core/fc-links")
@pytest.mark.parametrize("ident", ["lamps", "trees", "cells", "buoys"])
@pytest.mark.parametrize(
    "more", ["", "&bbox=-180,-90,180,90", "&datetime=2000-01-01T00:00:00Z/..", "&filter=id IS NOT NULL"]
)
def test_pages_follow_one_another_without_gap_or_twice(door: Door, requirement: str, ident: str, more: str) -> None:
    size = 60 if ident == "trees" else 17
    path = f"/collections/{ident}/items?limit={size}{more.replace(' ', '%20')}"
    seen: list[str] = []
    pages = 0
    while path:
        told = door.json(path)
        assert told["numberReturned"] == len(told["features"]) <= size
        seen += [one["id"] for one in told["features"]]
        assert link(told, "alternate")["type"] == "text/html"
        pages += 1
        found = links(told, "next")
        path = path_of(door, found[0]["href"]) if found else ""
    assert len(seen) == len(set(seen)) == told["numberMatched"]
    assert pages == -(-told["numberMatched"] // size)


def test_a_page_beyond_the_end_is_empty_and_leads_back(door: Door) -> None:
    for ident in ("lamps", "trees"):
        told = door.json(f"/collections/{ident}/items?offset=5000&limit=10")
        assert (told["features"], told["numberReturned"]) == ([], 0)
        assert links(told, "next") == []
        assert links(told, "prev")


@req("/req/core/fc-bbox-definition", "/req/core/fc-bbox-response")
def test_a_box_holds_what_meets_it(door: Door, requirement: str) -> None:
    at = "/collections/lamps/items?limit=100&bbox="
    assert door.ids(at + "16.005,47.9,16.025,48.1") == ["lamp-01", "lamp-02", "lamp-29"], "and what has no place"
    assert door.ids(at + "16.005,47.9,-5,16.025,48.1,900") == ["lamp-01", "lamp-02", "lamp-29"], (
        "heights decide nothing"
    )
    assert door.ids(at + "16.01,48,16.02,48") == ["lamp-01", "lamp-02", "lamp-29"], "its edge is in it"
    assert door.ids(at + "16.01,48.0,16.01,48.0") == ["lamp-01", "lamp-29"], "a box may be a point"
    assert door.ids(at + "0,0,1,1") == ["lamp-29"]
    schema = door.json("/api")["components"]["parameters"]["bbox"]
    assert (schema["style"], schema["explode"], schema["schema"]["items"]) == ("form", False, {"type": "number"})
    trees = door.json("/collections/trees/items?bbox=16.0095,48,16.0205,49")["features"]
    assert [one["properties"]["girth"] for one in trees] == list(range(10, 21))
    assert door.json("/collections/cells/items?bbox=16.05,47,16.25,49")["numberMatched"] == 3, "two and one nowhere"
    assert door.ids("/collections/zones/items?bbox=16.15,48.01,16.16,48.02") == ["z1"]
    assert door.ids("/collections/zones/items?bbox=16.0,48.1,16.05,48.2") == [], "its box, and not itself"


@req("/req/core/fc-bbox-response")
def test_a_box_may_cross_the_antimeridian(door: Door, requirement: str) -> None:
    assert door.ids("/collections/parks/items?bbox=179,-20,-179,-10") == ["park-1", "park-2"]
    assert door.ids("/collections/parks/items?bbox=-179.9,-20,-179,-10") == ["park-2"]
    assert door.ids("/collections/parks/items?bbox=179,-20,-179,-17.05") == ["park-2"]
    assert door.json("/collections/trees/items?bbox=170,-90,16.0095,90&limit=1")["numberMatched"] == 10
    assert door.json("/collections/lamps/items?bbox=170,-90,16.0095,90&limit=1")["numberMatched"] == 2


@req("/req/core/fc-time-definition", "/req/core/fc-time-response")
@pytest.mark.parametrize(
    ("span", "count"),
    [
        ("2010-05-01T00:00:00Z", 3 + 1),
        ("2010-05-01T02:00:00%2B02:00", 3 + 1),
        ("2010-05-01T02:00:00+02:00", 3 + 1),
        ("2010-05-01", 3 + 1),
        ("2010-01-01T00:00:00Z/2011-12-31T00:00:00Z", 6 + 1),
        ("../2011-12-31T00:00:00Z", 6 + 1),
        ("/2011-12-31T00:00:00Z", 6 + 1),
        ("2018-01-01T00:00:00Z/..", 2 + 3 + 1),
        ("2018-01-01T00:00:00Z/", 2 + 3 + 1),
        ("../..", 30),
        ("1999-01-01T00:00:00Z", 1),
    ],
)
def test_datetime_takes_instants_and_intervals(door: Door, requirement: str, span: str, count: int) -> None:
    told = door.json(f"/collections/lamps/items?limit=100&datetime={span}")
    assert told["numberMatched"] == count, "the one that says no time is always there"


@req("/req/core/fc-time-response")
def test_datetime_of_a_table_is_asked_of_the_table(door: Door, requirement: str) -> None:
    at = "/collections/trees/items?limit=1&datetime="
    assert door.json(at + "2026-01-05T00:00:00Z")["numberMatched"] == 9
    assert door.json(at + "2026-01-05")["numberMatched"] == 9
    assert door.json(at + "2026-01-01T00:00:00Z/2026-01-02T12:00:00Z")["numberMatched"] == 18
    assert door.json(at + "2027-01-01T00:00:00Z/..")["numberMatched"] == 0
    assert door.json("/collections/cells/items?datetime=2027-01-01T00:00:00Z")["numberMatched"] == 6, "no time, always"


@req("/req/core/fc-numberMatched", "/req/core/fc-numberReturned", "/req/core/fc-timeStamp")
def test_numbers_say_how_many_there_are_and_came(door: Door, requirement: str) -> None:
    for query, matched in (("", 30), ("&broken=true", 3), ("&bbox=16,48,16.1,49", 12), ("&filter=power>250", 4)):
        told = door.json(f"/collections/lamps/items?limit=2{query}")
        assert (told["numberMatched"], told["numberReturned"], len(told["features"])) == (matched, 2, 2)
        assert re.match(r"2026-04-01T\d\d:00:00Z$", told["timeStamp"])


@req("/req/core/fc-response")
def test_properties_are_parameters(door: Door, requirement: str) -> None:
    at = "/collections/lamps/items?"
    assert door.ids(at + "name=Lamp%203") == ["lamp-03"]
    assert door.ids(at + "name=Stra%C3%9Fe%207%20%C3%89toile") == ["lamp-07"]
    assert door.ids(at + "power=100") == ["lamp-10"]
    assert door.ids(at + "height=5.5&broken=false") == ["lamp-02"]
    assert door.ids(at + "broken=true&limit=2") == ["lamp-03", "lamp-13"]
    assert door.ids(at + "installedAt=2013-05-01T00:00:00Z&broken=true") == ["lamp-03", "lamp-13", "lamp-23"]
    assert door.ids(at + f"id={LAMP}05") == ["lamp-05"]
    assert door.ids(at + "name=%22%3Bpower%3E0") == []
    assert door.ids("/collections/trees/items?species=oak&girth=9") == ["tree-0009"]
    assert door.ids("/collections/trees/items?id=tree-0009") == ["tree-0009"]
    assert door.ids("/collections/cells/items?n=9") == ["row-5"]


# ---- One feature


@req("/req/core/f-op", "/req/core/f-success")
@pytest.mark.parametrize("ident", ["lamps", "parks", "dim", "trees", "cells", "zones", "buoys", "weather"])
def test_every_feature_is_at_its_own_address(door: Door, requirement: str, ident: str) -> None:
    for one in door.json(f"/collections/{ident}/items?limit=5")["features"]:
        from urllib.parse import quote

        told = door.json(f"/collections/{ident}/items/{quote(one['id'], safe='')}")
        assert {name: told[name] for name in ("id", "geometry", "properties", "type")} == one


@req("/req/core/f-op")
def test_what_is_not_of_the_collection_is_not_found(door: Door, requirement: str) -> None:
    for ident in (f"{LAMP}hidden", f"{LAMP}99", "urn:ngsi-ld:Garden:park-0", "x", "a/b", "%00"):
        door.wrong(f"/collections/lamps/items/{ident}", 404)
    door.wrong(f"/collections/dim/items/{LAMP}06", 404)
    assert door.json(f"/collections/dim/items/{LAMP}05")["properties"] == {"power": 50}
    for ident in ("row-6", "row-x", "5", "row--1", "row-" + "9" * 30):
        door.wrong(f"/collections/cells/items/{ident}", 404)
    for ident in ("tree-9999", "tree-0001@2026-01-01T00:00:00Z"):
        door.wrong(f"/collections/trees/items/{ident}", 404)
    for ident in ("a", "a@soon", "@", "a@2026-03-09T00:00:00Z"):
        door.wrong(f"/collections/buoys/items/{ident}", 404)


@req("/req/core/f-links")
def test_a_feature_links_itself_and_its_collection(door: Door, requirement: str) -> None:
    told = door.json(f"/collections/lamps/items/{LAMP}01")
    assert path_of(door, link(told, "self")["href"]) == f"/collections/lamps/items/{LAMP.replace(':', '%3A')}01"
    assert link(told, "alternate")["type"] == "text/html"
    assert link(told, "collection")["href"] == f"{door.url}/collections/lamps"
    assert link(told, "self")["type"] == GEO


@req("/req/core/crs84")
def test_geometries_are_in_longitude_and_latitude_unless_asked(door: Door, requirement: str) -> None:
    told = door.ask("/collections/lamps/items?limit=1")
    assert json.loads(told.body)["features"][0]["geometry"] == {"type": "Point", "coordinates": [16.0, 48.0]}
    assert header(told, "content-crs") == f"<{CRS84}>"


# ---- GeoJSON, HTML, OpenAPI


@req("/req/geojson/definition")
def test_features_are_geojson_and_the_rest_is_json(door: Door, requirement: str) -> None:
    for path in ("", "/conformance", "/collections", "/collections/lamps"):
        assert door.ask(path, {"accept": "application/json"}).kind == b"application/json"
    for path in ("/collections/lamps/items", f"/collections/lamps/items/{LAMP}01"):
        assert door.ask(path).kind == GEO.encode()
        assert door.ask(path, {"accept": GEO}).kind == GEO.encode()
        assert door.ask(path + "?f=json", {"accept": "text/html"}).kind == GEO.encode(), "f says more than Accept"


@req("/req/geojson/content")
def test_geojson_is_what_rfc_7946_says(door: Door, requirement: str) -> None:
    from hansa import geo

    for ident in ("lamps", "parks", "trees", "zones", "cells"):
        told = door.json(f"/collections/{ident}/items")
        assert told["type"] == "FeatureCollection"
        for one in told["features"]:
            assert (one["type"], isinstance(one["properties"], dict)) == ("Feature", True)
            if one["geometry"] is not None:
                geo.validate(one["geometry"])
                assert set(one["geometry"]) == {"type", "coordinates"}
    assert told["features"][-1]["geometry"] is None
    one = door.json(f"/collections/lamps/items/{LAMP}02")
    assert (one["id"], "links" in one) == (f"{LAMP}02", True)


PAGES = ["", "/api", "/conformance", "/collections", "/collections/lamps", "/collections/lamps/queryables",
         "/collections/lamps/items", f"/collections/lamps/items/{LAMP}01", "/collections/zones/items"]  # fmt: skip


@req("/req/html/definition", "/req/html/content")
@pytest.mark.parametrize("path", PAGES)
def test_every_answer_has_a_page_with_all_that_json_says(door: Door, requirement: str, path: str) -> None:
    told = door.ask(path, {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (told.status, told.kind) == (200, b"text/html; charset=utf-8")
    page = told.body.decode()
    assert page.startswith("<!doctype html>")
    assert not re.search(r"<script|<style|style=|<img|<link|onclick", page), (
        "nothing runs, nothing comes from elsewhere"
    )
    value = json.loads(door.ask(path, {"accept": "application/json"}).body)
    import html

    body = html.unescape(page)
    for one in value.get("links", []):
        if one["rel"] not in {"self", "alternate"}:
            assert f'href="{one["href"]}"' in body
    for text in _texts(value):
        assert text in body


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and "href" not in value:
        for name, one in value.items():
            if name != "links":
                yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, str):
        yield value


def test_a_page_runs_nothing_that_an_entity_says(door: Door) -> None:
    from hansa import Entity

    nasty = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    one = entity("Fountain", "f", name=nasty, location={"type": "Point", "coordinates": [16.0, 48.0]})
    door.city.say(
        Entity(one.doc, label="open"),
        entity("Dataset", "fountains", status="published", title={"en": nasty}, licence="CC0", version=1,
               source={"kind": "entities", "type": "Fountain", "attributes": ["name"]}),
    )  # fmt: skip
    try:
        for path in ("/collections/fountains", "/collections/fountains/items", "/collections"):
            page = door.ask(path + "?f=html").body.decode()
            assert "<script>" not in page
            assert "<img" not in page
            assert "&lt;script&gt;" in page
    finally:
        door.city.say(entity("Dataset", "fountains", status="withdrawn"))


@req("/req/oas30/oas-definition-1", "/req/oas30/oas-definition-2")
def test_the_definition_is_a_valid_openapi_document(door: Door, requirement: str) -> None:
    told = door.ask("/api")
    assert told.kind == OPENAPI.encode()
    doc = json.loads(told.body)
    assert doc["openapi"].startswith("3.0.")
    assert doc["info"]["title"]
    assert doc["servers"] == [{"url": door.url}]
    for found in re.findall(r'"\$ref": ?"#/([^"]+)"', json.dumps(doc)):
        at: Any = doc
        for part in found.split("/"):
            at = at[part]
    idents = [one["get"]["operationId"] for one in doc["paths"].values()]
    assert len(idents) == len(set(idents))
    for path, one in doc["paths"].items():
        names = set(re.findall(r"\{(\w+)\}", path))
        given = [_resolved(doc, it) for it in one["get"]["parameters"]]
        assert names == {it["name"] for it in given if it["in"] == "path"}


def _resolved(doc: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = doc["components"]["parameters"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one
    return found


@req("/req/oas30/oas-impl")
def test_all_that_the_definition_names_is_there(door: Door, requirement: str) -> None:
    doc = door.json("/api")
    values = {"collectionId": "lamps", "featureId": f"{LAMP}01"}
    asked = {
        "limit": "3", "offset": "0", "bbox": "16,48,17,49", "bbox-crs": CRS84, "crs": CRS84, "datetime": "../..",
        "f": "json",
        "filter": "TRUE", "filter-lang": "cql2-text", "filter-crs": CRS84,
    }  # fmt: skip
    own = {"integer": "1", "number": "1.5", "boolean": "true"}
    for path, one in doc["paths"].items():
        given = [_resolved(doc, it) for it in one["get"]["parameters"]]
        at = re.sub(r"\{(\w+)\}", lambda it: values[it[1]], path)
        for it in given:
            if it["in"] == "query":
                value = asked.get(it["name"]) or own.get(it["schema"]["type"], "2010-05-01T00:00:00Z")
                told = door.ask(f"{at}?{it['name']}={value}")
                assert told.status == 200, (path, it["name"], told.body)


@req("/req/oas30/completeness", "/req/oas30/exceptions-codes")
def test_the_definition_names_every_status(door: Door, requirement: str) -> None:
    doc = door.json("/api")
    for path, one in doc["paths"].items():
        assert {"200", "304", "400", "404", "406", "410", "413", "500", "503"} <= one["get"]["responses"].keys(), path
        assert one["get"]["responses"]["200"]["content"]
    assert "application/problem+json" in doc["components"]["responses"]["400"]["content"]


@req("/req/oas30/security")
def test_nothing_is_access_controlled(door: Door, requirement: str) -> None:
    doc = door.json("/api")
    assert "security" not in doc
    assert "securitySchemes" not in doc["components"]
    assert door.city.ask("GET", "/ogc/features/collections", by="person:ada").status == 200


def test_what_is_taken_is_counted_and_what_is_looked_up_is_not() -> None:
    from hansa.apps.opendata import usage

    door = Door(ogc_city(), "features")
    for path in ("", "/api", "/collections", "/collections/lamps", "/collections/lamps/queryables"):
        door.ask(path)
    door.wrong("/collections/lamps/items?x=1")
    assert usage.counts(door.city.acts).now("lamps") == {}
    door.ask("/collections/lamps/items?limit=1")
    door.ask(f"/collections/lamps/items/{LAMP}01", {"user-agent": "Googlebot/2.1"})
    Door(door.city, "edr").ask("/collections/weather/cube?bbox=17,48,18,49")
    door.city.turn(seconds=61)
    door.ask("/collections/trees/items?limit=1")
    days = {one["dataset"]: one["days"] for one in door.city.find("DatasetUsage")}
    assert days["lamps"] == {"2026-04-01": {"api": 1, "bots": 1}}
    assert days["weather"] == {"2026-04-01": {"api": 1}}


# ---- Rows that are not as they should be, and answers that are too heavy


def test_an_answer_of_heavy_shapes_is_shorter_and_the_next_goes_on(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    from hansa.apps.opendata.ogc import looking

    monkeypatch.setattr(looking, "POSITIONS", 7)
    for ident, many in (("lamps", 30), ("trees", 250)):
        for more in ("", "&filter=id%20LIKE%20%27%25%27"):
            told = door.json(f"/collections/{ident}/items?limit=50{more}")
            assert (told["numberReturned"], told["numberMatched"]) == (7, many)
            following = door.json(path_of(door, link(told, "next")["href"]))
            ids = {one["id"] for one in told["features"] + following["features"]}
            assert len(ids) == 14


def test_rows_of_one_id_twice_and_of_half_a_place_are_told_apart(door: Door) -> None:
    rows = [
        ["a", 16.0, 48.0, "2026-01-01T00:00:00Z"],
        ["a", 16.0, 48.0, "2026-01-01T00:00:00Z"],
        ["b", None, 48.0, "2026-01-01T00:00:00Z"],
        ["b", 16.0, None, "2026-01-02T00:00:00Z"],
        ["c", None, None, "2026-01-02T00:00:00Z"],
    ]
    door.city.say(released(door.city, "twice", ["id", "lon", "lat", "time"], rows))
    try:
        told = door.json("/collections/twice/items")
        assert [one["id"] for one in told["features"]] == [f"row-{n}" for n in range(5)]
        assert [one["geometry"] is None for one in told["features"]] == [False, False, True, True, True]
        assert door.json("/collections/twice/items?bbox=16,48,16,48")["numberMatched"] == 5
        assert door.json("/collections/twice/items?bbox=17,48,18,49")["numberMatched"] == 3
        assert door.json("/collections/twice/items/row-3")["properties"] == {"time": "2026-01-02T00:00:00Z"}
        rows[0][0] = "d"
        door.city.say(released(door.city, "twice", ["id", "lon", "lat", "time"], rows))
        told = door.json("/collections/twice/items?bbox=17,48,18,49")
        assert {one["id"][:1] for one in told["features"]} == {"b", "c"}
        assert "@" in told["features"][0]["id"]
    finally:
        door.city.say(entity("Dataset", "twice", status="withdrawn"))


def test_odd_values_are_told_as_json_can(door: Door) -> None:
    from hansa import Entity

    odd = {"name": "a\u0007b", "list": [1, {"x": None}], "tiny": 1e-300, "deep": {"a": [[[]]]}}
    one = entity("Oddity", "o", location={"type": "Point", "coordinates": [16.0, 48.0, 9.0]}, **odd)
    source = {"kind": "entities", "type": "Oddity", "attributes": ["name", "list", "tiny", "deep", "never"]}
    door.city.say(Entity(one.doc, label="open"), dataset("odd", source=source))
    try:
        (told,) = door.json("/collections/odd/items")["features"]
        assert told["properties"] == odd
        assert told["geometry"]["coordinates"] == [16.0, 48.0, 9.0]
        assert "list" not in door.json("/collections/odd/queryables")["properties"]
        assert door.ask("/collections/odd/items?f=html").status == 200
    finally:
        door.city.say(entity("Dataset", "odd", status="withdrawn"))


def test_ids_may_be_numbers_and_properties_be_called_like_parameters(door: Door) -> None:
    rows = [[n, 16.0, 48.0, n * 2, "x"] for n in range(5)]
    door.city.say(released(door.city, "counted", ["id", "lon", "lat", "limit", "f"], rows))
    try:
        at = "/collections/counted/items"
        assert door.ids(f"{at}?id=3") == ["3"]
        assert door.json(f"{at}/3")["properties"] == {"limit": 6, "f": "x"}
        assert door.json(f"{at}?limit=2&f=json")["numberMatched"] == 5
        assert door.ids(f"{at}?filter=limit%3E4%20AND%20f%3D%27x%27%20AND%20id%3C%3E%274%27") == ["3"]
        for wrong in ("9", "x", "3.5"):
            door.wrong(f"{at}/{wrong}", 404)
    finally:
        door.city.say(entity("Dataset", "counted", status="withdrawn"))


def test_a_place_that_is_no_number_makes_no_map(door: Door) -> None:
    door.city.say(released(door.city, "words", ["id", "lon", "lat"], [["a", "16 E", "48 N"]]))
    try:
        door.wrong("/collections/words", 404)
    finally:
        door.city.say(entity("Dataset", "words", status="withdrawn"))


# ---- Whatever is sent


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["limit", "bbox", "datetime", "filter", "crs", "power", "name", "offset", "f", "installedAt"]),
    value=st.one_of(st.text(max_size=40), st.from_regex(r"[-0-9.,eE/TZ:]{0,40}", fullmatch=True)),
    ident=st.sampled_from(["lamps", "trees", "cells"]),
)
def test_whatever_is_asked_is_answered_or_refused(door: Door, name: str, value: str, ident: str) -> None:
    from urllib.parse import quote

    told = door.ask(f"/collections/{ident}/items?{name}={quote(value, safe='')}")
    assert told.status in {200, 400}
    json.loads(told.body) if told.kind != b"text/html; charset=utf-8" else told.body.decode()
