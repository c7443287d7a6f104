"""OGC API - Environmental Data Retrieval 1.1 (19-086r6): each requirement, asked for through the door."""

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ogc_city import CRS84, EPSG, Door, dataset, header, ogc_city, released, table

from hansa import Entity, entity

COV = "application/prs.coverage+json"
NORTH, SOUTH = "urn:ngsi-ld:WeatherObserved:north", "urn:ngsi-ld:WeatherObserved:south"
QUERIES = {
    "position": "coords=POINT(17.1 48.1)",
    "radius": "coords=POINT(17.1 48.1)&within=5&within-units=km",
    "area": "coords=POLYGON((17 48,17.2 48,17.2 48.2,17 48.2,17 48))",
    "cube": "bbox=17,48,17.2,48.2",
    "trajectory": "coords=LINESTRING(17 48.1,17.2 48.1)",
}


def req(*idents: str) -> Any:
    return pytest.mark.parametrize("requirement", ["+".join(idents)])


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    city = ogc_city()
    rows = [["a", 17.1, 48.1, "2026-02-01T00:00:00Z", 9.5]]
    recipe = {"from": {"kind": "rows", "columns": ["id", "lon", "lat", "time", "wave"], "rows": rows}}
    old = table(city, recipe | {"sight": "app", "steps": []})
    new = city.get("urn:ngsi-ld:Dataset:buoys")["table"]
    for version, sha in ((1, old["sha256"]), (2, new)):
        city.say(entity("DatasetRelease", f"buoys-{version}", dataset="urn:ngsi-ld:Dataset:buoys", version=version,
                        status="released", sha256=sha, rows=1, releasedAt="2026-04-01T00:00:00Z"))  # fmt: skip
    return Door(city, "edr")


def link(value: dict[str, Any], rel: str) -> dict[str, Any]:
    return next(one for one in value["links"] if one["rel"] == rel)


def path_of(door: Door, href: str) -> str:
    assert href.startswith(door.url), href
    return href[len(door.url) :]


def coverages(value: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = value["coverages"] if value["type"] == "CoverageCollection" else [value]
    return found


def stations(door: Door, path: str) -> list[str]:
    told = door.ask(path)
    if told.status == 204:
        return []
    assert told.status == 200, told.body
    return sorted(one["id"].rpartition(":")[2] for one in coverages(json.loads(told.body)))


def valid(value: dict[str, Any]) -> None:
    """CoverageJSON, as its specification has PointSeries (OGC 21-069r2, 6 and 9.11.9)."""
    assert value["type"] in {"Coverage", "CoverageCollection"}
    many = value["type"] == "CoverageCollection"
    if many:
        assert value["domainType"] == "PointSeries"
    for name, one in value["parameters"].items():
        assert one["type"] == "Parameter"
        assert set(one["observedProperty"]["label"]) == {"en"}
        assert "unit" not in one or {"symbol", "label"} & one["unit"].keys(), name
    for one in coverages(value):
        assert (one["type"], one["domain"]["type"]) == ("Coverage", "Domain")
        referencing = value["referencing"] if many else one["domain"]["referencing"]
        assert [it for entry in referencing for it in sorted(entry["coordinates"])] == ["x", "y", "t"]
        axes = one["domain"]["axes"]
        assert set(axes) == {"x", "y", "t"}
        assert len(axes["x"]["values"]) == len(axes["y"]["values"]) == 1
        instants = axes["t"]["values"]
        assert instants == sorted(set(instants))
        assert set(one["ranges"]) == set(value["parameters"])
        for it in one["ranges"].values():
            assert (it["type"], it["axisNames"], it["shape"]) == ("NdArray", ["t"], [len(instants)])
            kinds = {"float": (int, float), "integer": (int,), "string": (str,)}[it["dataType"]]
            assert len(it["values"]) == len(instants)
            assert all(cell is None or isinstance(cell, kinds) for cell in it["values"])


# ---- Core


@req("/req/core/root-op", "/req/core/root-success")
def test_the_landing_page_leads_to_all_there_is(door: Door, requirement: str) -> None:
    told = door.json("")
    for rel in ("self", "alternate", "service-desc", "service-doc", "conformance", "data"):
        one = link(told, rel)
        assert door.ask(path_of(door, one["href"])).status == 200
        assert one["type"]


@req("/req/core/api-definition-op", "/req/core/api-definition-success")
def test_the_api_definition_comes_as_its_links_say(door: Door, requirement: str) -> None:
    for rel in ("service-desc", "service-doc"):
        one = link(door.json(""), rel)
        told = door.ask(path_of(door, one["href"]), {"accept": one["type"]})
        assert (told.status, told.kind.decode().replace("; charset=utf-8", "")) == (200, one["type"])


@req("/req/core/conformance", "/req/core/conformance-success")
def test_conformance_lists_what_is_kept(door: Door, requirement: str) -> None:
    told = door.json("/conformance")["conformsTo"]
    spec = "http://www.opengis.net/spec/"
    for one in ("ogcapi-common-1/1.0/conf/core", "ogcapi-common-2/1.0/conf/collections", "ogcapi-edr-1/1.1/conf/core",
                "ogcapi-edr-1/1.1/conf/covjson", "ogcapi-edr-1/1.1/conf/queries"):  # fmt: skip
        assert spec + one in told
    assert not any(word in one for one in told for word in ("gml", "post", "corridor"))


@req("/req/core/http")
def test_http_is_kept(door: Door, requirement: str) -> None:
    told = door.ask("/collections/weather/position?coords=POINT(17.1 48.1)")
    again = door.ask("/collections/weather/position?coords=POINT(17.1 48.1)", {"if-none-match": header(told, "etag")})
    assert (again.status, header(told, "access-control-allow-origin")) == (304, "*")
    assert door.ask("/collections", method="DELETE").status == 405
    assert door.ask("/collections/weather/position?coords=POINT(17.1 48.1)", {"accept": "image/png"}).status == 406
    door.wrong("/collections/withdrawn", 410)
    for path in (
        "/nowhere",
        "/collections/lamps",
        "/collections/trees",
        "/collections/weather/corridor",
        "/collections/x/area",
    ):
        door.wrong(path, 404)


# ---- Collections


@req("/req/collections/rc-md-op", "/req/collections/rc-md-success")
def test_every_series_is_a_collection(door: Door, requirement: str) -> None:
    told = door.json("/collections")
    assert [one["id"] for one in told["collections"]] == ["buoys", "weather"]
    assert {"self", "alternate"} <= {one["rel"] for one in told["links"]}


@req("/req/collections/src-md-op", "/req/collections/src-md-success")
def test_a_collection_says_of_itself_what_the_list_says(door: Door, requirement: str) -> None:
    for listed in door.json("/collections")["collections"]:
        own = door.json(f"/collections/{listed['id']}")
        assert {name: own[name] for name in own if name != "links"} == {
            name: listed[name] for name in listed if name != "links"
        }


@req("/req/core/rc-collection-info-links", "/req/core/rc-md-query-links")
def test_links_of_a_collection_lead_to_its_queries(door: Door, requirement: str) -> None:
    for ident in ("weather", "buoys"):
        told = door.json(f"/collections/{ident}")
        assert {"self", "alternate", "data", "license"} <= {one["rel"] for one in told["links"]}
        assert all(one["rel"] and one["type"] for one in told["links"])


@req("/req/edr/rc-collection-info")
def test_a_collection_has_all_that_edr_wants(door: Door, requirement: str) -> None:
    for one in door.json("/collections")["collections"]:
        assert {"id", "title", "description", "keywords", "links", "extent", "data_queries", "crs", "output_formats",
                "within_units", "parameter_names"} <= one.keys()  # fmt: skip
        assert one["output_formats"] == ["CoverageJSON", "GeoJSON", "CSV", "HTML"]


@req("/req/core/rc-extent")
def test_the_extent_holds_all_stations_and_times(door: Door, requirement: str) -> None:
    for one in door.json("/collections")["collections"]:
        west, south, east, north = one["extent"]["spatial"]["bbox"][0]
        since, until = one["extent"]["temporal"]["interval"][0]
        told = door.json(f"/collections/{one['id']}/cube?bbox=-180,-90,180,90")
        for it in coverages(told):
            axes = it["domain"]["axes"]
            assert west <= axes["x"]["values"][0] <= east
            assert south <= axes["y"]["values"][0] <= north
            assert since <= axes["t"]["values"][0]
            assert until is None or axes["t"]["values"][-1] <= until
    assert one["extent"]["temporal"]["interval"][0] == ["2026-03-31T18:00:00Z", None], "what is live goes on"


@req("/req/edr/rc-parameters")
def test_parameters_have_units_and_observed_properties(door: Door, requirement: str) -> None:
    names = door.json("/collections/weather")["parameter_names"]
    assert list(names) == ["temperature", "relativeHumidity"]
    one = names["temperature"]
    assert one == {
        "type": "Parameter",
        "id": "temperature",
        "data-type": "float",
        "observedProperty": {"id": "https://uri.etsi.org/ngsi-ld/default-context/temperature", "label": "temperature"},
        "unit": {"label": {"en": "°C"}, "symbol": "°C"},
    }
    buoys = door.json("/collections/buoys")["parameter_names"]
    assert {name: it["data-type"] for name, it in buoys.items()} == {"wave": "float", "wind": "string"}
    assert buoys["wave"]["observedProperty"]["id"] == f"{door.url}/collections/buoys#wave"


@req("/req/edr/rc-data-queries", "/req/edr/rc-common-query-type", "/req/edr/rc-common-variables")
def test_queries_say_where_and_how(door: Door, requirement: str) -> None:
    told = door.json("/collections/weather")
    assert {*QUERIES, "locations", "items"} == told["data_queries"].keys()
    for name, one in told["data_queries"].items():
        assert one["link"]["href"] == f"{door.url}/collections/weather/{name}"
        assert one["link"]["rel"] == "data"
        variables = one["link"]["variables"]
        assert variables["query_type"] == name
        assert variables["default_output_format"] in variables["output_formats"]
        assert set(variables["output_formats"]) <= set(told["output_formats"])


@req("/req/edr/rc-crs", "/req/core/crs")
def test_systems_have_names_and_wkt(door: Door, requirement: str) -> None:
    told = door.json("/collections/weather")
    details = told["data_queries"]["area"]["link"]["variables"]["crs_details"]
    assert (
        [one["crs"] for one in details]
        == told["crs"]
        == ["CRS84", "EPSG:4326", "EPSG:3857", "EPSG:25833", "EPSG:32633"]
    )
    assert len({one["crs"] for one in details}) == len(details)
    for one in details:
        assert one["wkt"].count("[") == one["wkt"].count("]")
        assert one["wkt"].startswith(("GEOGCS[", "PROJCS["))
    plain = door.ask("/collections/weather/position?coords=POINT(17.1 48.1)")
    assert header(plain, "content-crs") == f"<{told['extent']['spatial']['crs']}>" == f"<{CRS84}>"


@req("/req/edr/rc-radius-variables", "/req/edr/rc-cube-variables", "/req/edr/rc-items-variables")
def test_some_queries_have_more_to_say(door: Door, requirement: str) -> None:
    told = door.json("/collections/weather")["data_queries"]
    assert told["radius"]["link"]["variables"]["within_units"] == ["m", "km", "mi", "ft", "nmi"]
    assert told["cube"]["link"]["variables"]["height_units"] == ["m"]
    assert told["items"]["link"]["variables"]["query_type"] == "items"
    assert told["locations"]["link"]["variables"]["multiple_locations"] is True


@req("/req/core/rc-bbox-definition", "/req/core/rc-bbox-response")
def test_collections_are_found_by_box(door: Door, requirement: str) -> None:
    def ids(query: str) -> list[str]:
        return [one["id"] for one in door.json(f"/collections?{query}")["collections"]]

    assert ids("bbox=17.4,48,18,49") == ["buoys"]
    assert ids("bbox=17.25,48,0,18,49,9") == ["buoys", "weather"]
    assert ids("bbox=0,0,1,1") == []
    assert ids("bbox=170,-90,17.1,90") == ["buoys", "weather"], "across the antimeridian"
    for wrong in ("1,2,3", "1,2,3,x", "17,49,18,48", "0,0,999,1"):
        door.wrong(f"/collections?bbox={wrong}")


@req("/req/core/datetime-definition")
def test_collections_are_found_by_time(door: Door, requirement: str) -> None:
    def ids(said: str) -> list[str]:
        return [one["id"] for one in door.json(f"/collections?datetime={said}")["collections"]]

    assert ids("2026-03-01T12:00:00Z") == ["buoys"]
    assert ids("2027-01-01T00:00:00Z/..") == ["weather"], "it goes on"
    assert ids("../2026-03-01T00:00:00Z") == ["buoys"]
    door.wrong("/collections?datetime=now")


# ---- Queries in common


@req("/req/edr/coords-definition", "/req/edr/rc-core-query-parameters", "/req/edr/rc-f-definition",
     "/req/edr/REQ_rc-crs-definition", "/req/edr/REQ_rc-parameter-name-definition", "/req/edr/z-definition",
     "/req/edr/within-definition", "/req/edr/within-units-definition")  # fmt: skip
def test_the_definition_has_the_parameters(door: Door, requirement: str) -> None:
    doc = door.json("/api")
    known = doc["components"]["parameters"]
    for name in ("coords", "within", "within-units", "z", "datetime", "parameter-name", "crs", "f"):
        assert (known[name]["style"], known[name]["explode"]) == ("form", False)
    assert known["coords"]["required"]
    for name in QUERIES:
        for path in (
            f"/collections/{{collectionId}}/{name}",
            f"/collections/{{collectionId}}/instances/{{instanceId}}/{name}",
        ):
            given = {one["$ref"].rpartition("/")[2] for one in doc["paths"][path]["get"]["parameters"]}
            assert {"collectionId", "datetime", "parameter-name", "crs", "f", "z"} <= given
            assert ("bbox" if name == "cube" else "coords") in given


@pytest.mark.parametrize("name", QUERIES)
@req("/req/core/query-param-unknown")
def test_an_unknown_parameter_is_400(door: Door, requirement: str, name: str) -> None:
    assert "there is no parameter" in door.wrong(f"/collections/weather/{name}?{QUERIES[name]}&x=1")
    assert "there is no parameter" in door.wrong("/collections/weather/locations?coords=POINT(1 2)")


@pytest.mark.parametrize("name", QUERIES)
@req("/req/covjson/definition", "/req/covjson/content")
def test_every_query_answers_coveragejson(door: Door, requirement: str, name: str) -> None:
    for ident in ("weather", "buoys"):
        told = door.ask(f"/collections/{ident}/{name}?{QUERIES[name]}")
        assert (told.status, told.kind) == (200, COV.encode())
        valid(json.loads(told.body))
        assert len(coverages(json.loads(told.body))) == 1


def test_coveragejson_by_its_other_name(door: Door) -> None:
    told = door.ask("/collections/weather/area?" + QUERIES["area"], {"accept": "application/vnd.cov+json"})
    assert told.kind == b"application/vnd.cov+json"
    valid(json.loads(told.body))


@req("/req/edr/REQ_rc-f-response")
@pytest.mark.parametrize("name", QUERIES)
def test_every_query_answers_in_each_form(door: Door, requirement: str, name: str) -> None:
    at = f"/collections/weather/{name}?{QUERIES[name]}"
    kinds = {
        "CoverageJSON": COV,
        "GeoJSON": "application/geo+json",
        "CSV": "text/csv; charset=utf-8",
        "HTML": "text/html; charset=utf-8",
    }
    for form, kind in kinds.items():
        for said in (form, form.lower()):
            told = door.ask(f"{at}&f={said}")
            assert (told.status, told.kind.decode()) == (200, kind)
    assert "there is no form" in door.wrong(f"{at}&f=GRIB")
    assert door.ask(at, {"accept": "text/csv"}).kind == b"text/csv; charset=utf-8"


@req("/req/edr/parameter-name-response")
def test_only_the_parameters_that_are_asked_for(door: Door, requirement: str) -> None:
    at = "/collections/weather/position?coords=POINT(17.1 48.1)"
    both = door.json(at)
    assert list(both["ranges"]) == ["temperature", "relativeHumidity"]
    assert both["ranges"]["temperature"]["values"] == [float(n) for n in range(24)]
    assert both["ranges"]["relativeHumidity"]["values"][:4] == [50, None, 52, None]
    one = door.json(at + "&parameter-name=relativeHumidity")
    assert list(one["ranges"]) == list(one["parameters"]) == ["relativeHumidity"]
    assert len(one["domain"]["axes"]["t"]["values"]) == 12, "instants of others are gone"
    assert list(door.json(at + "&parameter-name=relativeHumidity, temperature")["ranges"]) == [
        "relativeHumidity",
        "temperature",
    ]
    for wrong in ("secret", "temperature,secret", "", "Temperature"):
        assert "no parameter of this collection" in door.wrong(f"{at}&parameter-name={wrong}")


@req("/req/core/datetime-response")
@pytest.mark.parametrize(
    ("said", "hours"),
    [
        ("2026-03-01T03:00:00Z", [3]),
        ("2026-03-01T04:00:00%2B01:00", [3]),
        ("2026-03-01T03:00:00Z/2026-03-01T05:00:00Z", [3, 4, 5]),
        ("../2026-03-01T02:00:00Z", [0, 1, 2]),
        ("2026-03-01T21:30:00Z/..", [22, 23]),
        ("2026-03-01T03:00:00Z,2026-03-01T07:00:00Z", [3, 7]),
        ("R3/2026-03-01T02:00:00Z/PT2H", [2, 4, 6]),
        ("2026-03-01", list(range(24))),
        ("2025-03-01T00:00:00Z/2025-04-01T00:00:00Z", []),
    ],
)
def test_only_the_times_that_are_asked_for(door: Door, requirement: str, said: str, hours: list[int]) -> None:
    told = door.ask(f"/collections/buoys/position?coords=POINT(17.1 48.1)&parameter-name=wave&datetime={said}")
    assert told.status == (200 if hours else 204)
    if hours:
        value = json.loads(told.body)
        assert value["domain"]["axes"]["t"]["values"] == [f"2026-03-01T{hour:02}:00:00Z" for hour in hours]
        assert value["ranges"]["wave"]["values"] == [hour / 2 for hour in hours]


@pytest.mark.parametrize("said", ["soon", "", "2026-03-02T00:00:00Z/2026-03-01T00:00:00Z",
    "R0/2026-03-01T00:00:00Z/PT1H",
                                  "R3/2026-03-01T00:00:00Z/PT0S", "R9999/2026-03-01T00:00:00Z/PT1H", "R3/x/PT1H",
                                  "R3/2026-03-01/P",
                                  ",".join(["2026-03-01T00:00:00Z"] * 501)])  # fmt: skip
def test_what_is_no_time_is_400(door: Door, said: str) -> None:
    door.wrong(f"/collections/buoys/position?coords=POINT(17.1 48.1)&datetime={said}")


@req("/req/edr/REQ_rc-crs-response")
def test_answers_come_in_the_system_that_is_asked_for(door: Door, requirement: str) -> None:
    told = door.ask(f"/collections/weather/position?coords=POINT(48.1 17.1)&crs={EPSG}4326")
    value = json.loads(told.body)
    assert header(told, "content-crs") == f"<{EPSG}4326>"
    assert (value["domain"]["axes"]["x"]["values"], value["domain"]["axes"]["y"]["values"]) == ([17.1], [48.1])
    assert value["domain"]["referencing"][0]["coordinates"] == ["y", "x"], "latitude is its first axis"
    utm = door.json("/collections/weather/cube?bbox=650000,5329000,657000,5332000&crs=EPSG:25833")
    valid(utm)
    assert utm["referencing"][0]["system"] == {"type": "ProjectedCRS", "id": f"{EPSG}25833"}
    assert utm["coverages"][0]["domain"]["axes"]["x"]["values"][0] == pytest.approx(656_383, abs=600)
    geojson = door.json("/collections/weather/locations?crs=EPSG:4326")["features"][0]["geometry"]["coordinates"]
    assert geojson == [48.1, 17.1]
    for wrong in ("EPSG:9999", "mars", ""):
        door.wrong(f"/collections/weather/position?coords=POINT(17.1 48.1)&crs={wrong}")


@req("/req/edr/z-response", "/req/edr/cube-z-response")
def test_heights_decide_nothing_where_there_are_none(door: Door, requirement: str) -> None:
    for name in ("position", "cube"):
        at = f"/collections/weather/{name}?{QUERIES[name]}"
        plain = door.json(at)
        for z in ("10", "0/100", "10,20,30", "R20/100/50", "../850", "500/.."):
            assert door.json(f"{at}&z={z}") == plain
        for z in ("high", "1/x", "nan", ",".join(["1"] * 200)):
            door.wrong(f"{at}&z={z}")


@req("/req/edr/query_type/no-data")
@pytest.mark.parametrize(
    "query",
    ["position?coords=POINT(0 0)", "radius?coords=POINT(0 0)&within=1&within-units=km", "cube?bbox=0,0,1,1",
    "trajectory?coords=LINESTRING(0 0,1 1)",
     "area?coords=POLYGON((0 0,1 0,1 1,0 0))", "position?coords=POINT(17.1 48.1)&datetime=1999-01-01T00:00:00Z"],
)  # fmt: skip
def test_no_data_is_204(door: Door, requirement: str, query: str) -> None:
    for ident in ("weather", "buoys"):
        told = door.ask(f"/collections/{ident}/{query}")
        assert (told.status, told.body) == (204, b"")


@req("/req/edr/coords-response")
@pytest.mark.parametrize(
    "coords",
    ["", "POINT", "POINT()", "POINT(1)", "POINT(1 2", "POINT(1,2)", "POINT(1 2 3 4)", "POINT M(1 2 3)",
    "POINT(1 2)POINT(1 2)", "POINT(x y)",
     "POINT(1e999 2)", "POINT(200 2)", "POINT(1 95)", "SRID=4326;POINT(1 2)", "POINT((1 2))", "CIRCLE(1 2)", "1,2",
     "GEOMETRYCOLLECTION(POINT(1 2))",
     "POLYGON((1 2,3 4,5 6))", "MULTIPOINT(" + ",".join(["1 2"] * 1_001) + ")", "POINT(" + "1" * 30_000 + " 2)"],
)  # fmt: skip
def test_what_is_no_point_is_400(door: Door, requirement: str, coords: str) -> None:
    for name in ("position", "radius"):
        assert "coord" in door.wrong(f"/collections/weather/{name}?coords={coords}&within=1&within-units=km".replace(
            "&within=1&within-units=km", "" if name == "position" else "&within=1&within-units=km"))  # fmt: skip


# ---- Position, radius, area, cube, trajectory


@req("/req/queries/position", "/req/edr/rc-position", "/req/edr/point-coords-response")
def test_a_position_is_spoken_for_by_the_nearest_station(door: Door, requirement: str) -> None:
    at = "/collections/weather/position?coords="
    assert stations(door, at + "POINT(17.1 48.1)") == ["north"]
    assert stations(door, at + "POINT(17.12 48.1)") == ["north"]
    assert stations(door, at + "POINT(17.19 48.1)") == ["north"]
    assert stations(door, at + "POINT Z(17.21 48.1 300)") == ["south"]
    assert stations(door, at + "point(17.3 48.1)") == ["south"]
    assert stations(door, at + "MULTIPOINT((17.1 48.1),(17.3 48.1))") == ["north", "south"]
    assert stations(door, at + "MULTIPOINT(17.1 48.1,17.11 48.1)") == ["north"]
    assert stations(door, at + "POINT(17.6 48.1)") == [], "22 km away, nobody speaks for it"
    assert door.json(at + "POINT(17.1 48.1)")["type"] == "Coverage"
    assert "missing" in door.wrong("/collections/weather/position")
    door.wrong(at + "LINESTRING(17 48,18 48)")


@req(
    "/req/queries/radius",
    "/req/edr/rc-radius",
    "/req/edr/REQ_rc-within-response",
    "/req/edr/REQ_rc-within-units-response",
)
def test_a_radius_has_a_unit(door: Door, requirement: str) -> None:
    at = "/collections/weather/radius?coords=POINT(17.1 48.1)"
    assert stations(door, at + "&within=14&within-units=km") == ["north"], "the other is 14.86 km away"
    assert stations(door, at + "&within=15&within-units=km") == ["north", "south"]
    assert stations(door, at + "&within=15000&within-units=m") == ["north", "south"]
    assert stations(door, at + "&within=9.5&within-units=miles") == ["north", "south"]
    assert stations(door, at + "&within=9&within-units=mi") == ["north"]
    assert stations(door, at + "&within=8.1&within-units=nmi") == ["north", "south"]
    assert stations(
        door, at.replace("POINT(17.1 48.1)", "MULTIPOINT(17.1 48.1,17.3 48.1)") + "&within=1&within-units=km"
    ) == ["north", "south"]
    for wrong, word in (
        ("", "within is missing"), ("&within=5", "within-units is missing"), ("&within-units=km", "within is missing"),
        ("&within=5&within-units=parsec", "no unit here"), ("&within=-5&within-units=km", "above 0"),
        ("&within=x&within-units=km", "above 0"),
        ("&within=nan&within-units=km", "above 0"), ("&within=99999&within-units=km", "up to 1,000 km"),
    ):  # fmt: skip
        assert word in door.wrong(at + wrong)
    assert "coords is missing" in door.wrong("/collections/weather/radius?within=5&within-units=km")


@req("/req/edr/rc-area", "/req/edr/polygon-coords-response")
def test_an_area_has_the_stations_in_it(door: Door, requirement: str) -> None:
    at = "/collections/{}/area?coords="
    for ident, names in (("weather", ["north", "south"]), ("buoys", ["a", "b"])):
        path = at.format(ident)
        assert stations(door, path + "POLYGON((17 48,17.2 48,17.2 48.2,17 48.2,17 48))") == names[:1]
        assert stations(door, path + "POLYGON((17 48,18 48,18 49,17 49,17 48))") == names
        assert (
            stations(door, path + "MULTIPOLYGON(((17 48,17.2 48,17.2 48.2,17 48.2,17 48)),((0 0,1 0,1 1,0 0)))")
            == names[:1]
        )
        hole = "(17.05 48.05,17.15 48.05,17.15 48.15,17.05 48.15,17.05 48.05)"
        assert stations(door, path + f"POLYGON((17 48,18 48,18 49,17 49,17 48),{hole})") == names[1:]
        assert stations(door, path + "POLYGON((17 48,17.2 48.25,17 48.25,17 48))") == [], "in its box, and not in it"
        for wrong in (
            "",
            "POINT(17 48)",
            "POLYGON((17 48,18 48,17 48))",
            "POLYGON((17 48,18 48,18 49,17 49))",
            "POLYGON(17 48,18 48,18 49,17 48)",
        ):
            door.wrong(path + wrong)
    assert "missing" in door.wrong("/collections/weather/area")


@req("/req/edr/rc-cube", "/req/edr/rc-bbox-definition-cube", "/req/edr/rc-bbox-response-cube")
def test_a_cube_is_a_box(door: Door, requirement: str) -> None:
    at = "/collections/weather/cube?bbox="
    assert stations(door, at + "17,48,17.2,49") == ["north"]
    assert stations(door, at + "17,48,0,18,49,100") == ["north", "south"]
    assert stations(door, at + "17.1,48.1,17.1,48.1") == ["north"]
    assert stations(door, at + "170,-90,17.2,90") == ["north"]
    assert stations(door, at + "48,17,49,17.2&crs=EPSG:4326") == ["north"]
    assert "bbox is missing" in door.wrong("/collections/weather/cube")
    for wrong in ("1,2,3", "a,b,c,d", "17,49,18,48", "17,48,18,99", ""):
        door.wrong(at + wrong)


@req("/req/edr/rc-trajectory", "/req/edr/linestring-coords-response")
def test_a_trajectory_passes_stations(door: Door, requirement: str) -> None:
    at = "/collections/weather/trajectory?coords="
    assert stations(door, at + "LINESTRING(17 48.1,17.2 48.1)") == ["north"]
    assert stations(door, at + "LINESTRING(17 48.105,17.4 48.105)") == ["north", "south"]
    assert stations(door, at + "LINESTRING Z(17 48.1 5,17.2 48.1 9)") == ["north"]
    assert stations(door, at + "MULTILINESTRING((17 48.1,17.2 48.1),(17.29 48.1,17.31 48.1))") == ["north", "south"]
    assert stations(door, at + "LINESTRING(17 48.12,17.4 48.12)") == [], "2 km aside"
    assert "not understood" in door.wrong(at + "LINESTRING M(17 48.1 1,17.2 48.1 2)")
    for wrong in ("", "POINT(17 48)", "LINESTRING(17 48)", "LINESTRING(17 48,18)"):
        door.wrong(at + wrong)


# ---- Locations, items, instances


@req("/req/edr/rc-locations")
def test_locations_are_listed_with_their_places(door: Door, requirement: str) -> None:
    told = door.json("/collections/weather/locations")
    assert told["type"] == "FeatureCollection"
    assert {one["id"]: one["geometry"]["coordinates"] for one in told["features"]} == {
        NORTH: [17.1, 48.1],
        SOUTH: [17.3, 48.1],
    }
    assert (told["numberMatched"], told["numberReturned"]) == (2, 2)
    assert door.ids("/collections/weather/locations?bbox=17.2,48,18,49") == ["south"]
    assert door.ids("/collections/buoys/locations?bbox=17.2,48,18,49") == ["b"]
    assert door.ids("/collections/buoys/locations?datetime=2026-03-01T03:00:00Z") == ["a", "b"]
    assert door.json("/collections/buoys/locations?datetime=1999-03-01T03:00:00Z")["features"] == []
    assert "hidden" not in str(told), "what is not open is not there"


@req("/req/edr/rc-limit-definition", "/req/edr/rc-limit-response")
def test_locations_are_paged(door: Door, requirement: str) -> None:
    told = door.json("/collections/weather/locations?limit=1")
    assert (told["numberMatched"], told["numberReturned"]) == (2, 1)
    following = door.json(path_of(door, link(told, "next")["href"]))
    assert [one["id"] for one in told["features"] + following["features"]] == [NORTH, SOUTH]
    assert not any(one["rel"] == "next" for one in following["links"])
    assert len(door.json("/collections/weather/locations?limit=99999")["features"]) == 2
    for wrong in ("0", "-1", "x", "1.5"):
        door.wrong(f"/collections/weather/locations?limit={wrong}")


@req("/req/edr/rc-locations")
def test_a_location_has_its_data(door: Door, requirement: str) -> None:
    told = door.json(f"/collections/weather/locations/{NORTH}?parameter-name=temperature")
    valid(told)
    assert (told["type"], told["id"]) == ("Coverage", NORTH)
    assert told == door.json("/collections/weather/position?coords=POINT(17.1 48.1)&parameter-name=temperature")
    assert stations(door, f"/collections/weather/locations/{NORTH},{SOUTH}") == ["north", "south"]
    assert stations(door, "/collections/buoys/locations/a,b?datetime=2026-03-01T01:00:00Z") == ["a", "b"]
    for wrong in ("urn:ngsi-ld:WeatherObserved:hidden", "x", f"{NORTH},x", "urn:ngsi-ld:Streetlight:lamp-01"):
        door.wrong(f"/collections/weather/locations/{wrong}", 404)
    door.wrong("/collections/buoys/locations/x", 404)
    door.wrong("/collections/buoys/locations/,")


@req("/req/edr-geojson/content", "/req/edr-geojson/definition", "/req/geojson/content", "/req/geojson/definition")
def test_geojson_has_the_properties_of_edr(door: Door, requirement: str) -> None:
    for path in ("locations", "items", "area?f=GeoJSON&" + QUERIES["area"], "locations/" + NORTH + "?f=geojson"):
        told = door.ask(f"/collections/weather/{path}")
        assert told.kind == b"application/geo+json"
        value = json.loads(told.body)
        assert value["type"] == "FeatureCollection"
        assert {"self", "alternate"} <= {one["rel"] for one in value["links"]}
        assert [one["id"] for one in value["parameters"]] == ["temperature", "relativeHumidity"]
        for one in value["features"]:
            assert {"datetime", "parameter-name", "label", "edrqueryendpoint"} <= one["properties"].keys()
            assert door.ask(path_of(door, one["properties"]["edrqueryendpoint"])).status == 200
    hours = [one["properties"] for one in value["features"]]
    assert [one["temperature"] for one in hours] == [float(n) for n in range(24)]
    assert "relativeHumidity" not in hours[1]
    assert hours[1]["parameter-name"] == ["temperature"]


@req("/req/edr/rc-items")
def test_items_are_the_stations(door: Door, requirement: str) -> None:
    told = door.json("/collections/weather/items")
    assert [one["id"] for one in told["features"]] == [NORTH, SOUTH]
    one = door.json(f"/collections/weather/items/{NORTH}")
    assert (one["type"], one["id"], one["properties"]["label"]) == ("Feature", NORTH, "North")
    assert link(one, "collection")["href"] == f"{door.url}/collections/weather"
    door.wrong("/collections/weather/items/x", 404)
    assert door.ids("/collections/buoys/items?bbox=17.2,48,18,49") == ["b"]


@req("/req/instances/rc-md-op", "/req/instances/rc-md-success")
def test_instances_are_the_releases(door: Door, requirement: str) -> None:
    told = door.json("/collections/buoys/instances")
    assert [one["id"] for one in told["instances"]] == ["2", "1"]
    assert door.json("/collections/weather/instances")["instances"] == []
    collection = door.json("/collections/buoys")
    assert link(collection, "instance")["href"] == f"{door.url}/collections/buoys/instances"
    assert "instances" in collection["data_queries"]


@req("/req/instances/src-md-op", "/req/instances/src-md-success")
def test_a_release_can_be_asked_as_it_was(door: Door, requirement: str) -> None:
    for listed in door.json("/collections/buoys/instances")["instances"]:
        own = door.json(f"/collections/buoys/instances/{listed['id']}")
        assert {name: own[name] for name in ("id", "title", "extent")} == {
            name: listed[name] for name in ("id", "title", "extent")
        }
    assert list(own["parameter_names"]) == ["wave"]
    old = door.json("/collections/buoys/instances/1/position?coords=POINT(17.1 48.1)")
    assert old["ranges"]["wave"]["values"] == [9.5]
    assert stations(door, "/collections/buoys/instances/2/cube?bbox=17,48,18,49") == ["a", "b"]
    assert door.ids("/collections/buoys/instances/1/locations") == ["a"]
    for wrong in ("3", "x", "-1", "9999999"):
        door.wrong(f"/collections/buoys/instances/{wrong}", 404)
    door.wrong("/collections/buoys/instances/1/corridor", 404)


# ---- Forms


@req("/req/html/definition", "/req/html/content")
@pytest.mark.parametrize("path", ["", "/api", "/conformance", "/collections", "/collections/weather",
    "/collections/buoys/instances",
                                  "/collections/buoys/instances/1", "/collections/weather/locations",
                                  f"/collections/weather/items/{NORTH}",
                                  "/collections/weather/cube?bbox=17,48,18,49"])  # fmt: skip
def test_everything_is_a_page_too(door: Door, requirement: str, path: str) -> None:
    told = door.ask(path, {"accept": "text/html"})
    assert (told.status, told.kind) == (200, b"text/html; charset=utf-8")
    page = told.body.decode()
    assert page.startswith("<!doctype html>")
    assert "<a href=" in page
    assert not re.search(r"<script|<style|style=|<link|<img", page)


@req("/req/json/definition", "/req/json/content")
def test_what_is_no_data_is_json(door: Door, requirement: str) -> None:
    for path in ("", "/conformance", "/collections", "/collections/weather", "/collections/buoys/instances"):
        told = door.ask(path)
        assert told.kind == b"application/json"
        assert isinstance(json.loads(told.body)["links"], list)


def test_csv_has_a_row_for_each_instant_and_runs_nothing(door: Door) -> None:
    rows = list(csv.reader(io.StringIO(door.ask("/collections/weather/cube?bbox=17,48,18,49&f=CSV").body.decode())))
    assert rows[0] == ["id", "x", "y", "datetime", "temperature", "relativeHumidity"]
    assert rows[1] == [NORTH, "17.1", "48.1", "2026-03-31T18:00:00Z", "0.0", "50"]
    assert rows[2][-1] == ""
    assert len(rows) == 1 + 48
    from hansa.apps.opendata.ogc.coverages import csv_of
    from hansa.apps.opendata.ogc.crs import LON_LAT
    from hansa.apps.opendata.ogc.series import Station, Track

    nasty = Track(Station("=id", "x", 1.0, 2.0), [0], {"word": ["=cmd|' /C calc'!A0"], "n": [-5]})
    row = list(csv.reader(io.StringIO(csv_of([nasty], ["word", "n"], LON_LAT).decode())))[1]
    assert row == ["'=id", "1.0", "2.0", "1970-01-01T00:00:00Z", "'=cmd|' /C calc'!A0", "-5"]


@req(
    "/req/oas30/oas-definition-1",
    "/req/oas30/oas-definition-2",
    "/req/oas30/completeness",
    "/req/oas30/exceptions-codes",
)
def test_the_definition_is_a_valid_openapi_document(door: Door, requirement: str) -> None:
    doc = door.json("/api")
    assert doc["openapi"].startswith("3.0.")
    for found in re.findall(r'"\$ref": ?"#/([^"]+)"', json.dumps(doc)):
        at: Any = doc
        for part in found.split("/"):
            at = at[part]
    idents = [one["get"]["operationId"] for one in doc["paths"].values()]
    assert len(idents) == len(set(idents))
    for one in doc["paths"].values():
        assert {"200", "400", "404", "410", "413", "500", "503"} <= one["get"]["responses"].keys()
    assert "204" in doc["paths"]["/collections/{collectionId}/position"]["get"]["responses"]


@req("/req/oas30/oas-impl", "/req/oas30/security")
def test_all_paths_of_the_definition_answer(door: Door, requirement: str) -> None:
    doc = door.json("/api")
    assert "securitySchemes" not in doc["components"]
    values = {"collectionId": "buoys", "instanceId": "2", "locId": "a", "itemId": "a"}
    for path in doc["paths"]:
        at = re.sub(r"\{(\w+)\}", lambda it: values[it[1]], path)
        query = QUERIES.get(at.rpartition("/")[2], "")
        assert door.ask(f"{at}?{query}" if query else at).status == 200, path


# ---- Too much


def test_what_is_too_much_for_one_answer_is_413(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    from hansa.apps.opendata.ogc import series

    monkeypatch.setattr(series, "VALUES", 30)
    for ident in ("weather", "buoys"):
        assert "values" in door.wrong(f"/collections/{ident}/cube?bbox=17,48,18,49", 413)
    assert stations(door, "/collections/buoys/cube?bbox=17,48,18,49&datetime=2026-03-01T01:00:00Z") == ["a", "b"]
    monkeypatch.setattr(series, "STATIONS", 1)
    for ident in ("weather", "buoys"):
        assert "stations" in door.wrong(f"/collections/{ident}/locations", 413)


def test_what_takes_too_long_is_503(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    from hansa.apps.opendata.ogc import looking

    monkeypatch.setattr(looking, "BUDGET_S", -1.0)
    told = door.ask("/collections/buoys/cube?bbox=17,48,18,49")
    assert (told.status, header(told, "retry-after")) == (503, "5")
    features = Door(door.city, "features")
    assert features.ask("/collections/lamps/items?filter=power%3C5").status == 503
    assert features.ask("/collections/lamps/items?bbox=16,47,17,49").status == 200, "the index needs no time"
    monkeypatch.setattr(looking, "BUDGET_S", 2.0)
    monkeypatch.setattr(looking, "LOOKED_AT", 255)
    assert features.ask("/collections/lamps/items?filter=power%3C5").status == 200


def test_a_station_that_moved_is_in_both_places(door: Door) -> None:
    rows = [["bus", 17.0, 48.0, "2026-03-01T00:00:00Z", 1], ["bus", 17.5, 48.5, "2026-03-01T01:00:00Z", 2]]
    recipe = {
        "from": {"kind": "rows", "columns": ["id", "lon", "lat", "time", "load"], "rows": rows},
        "sight": "app",
        "steps": [],
    }
    made = table(door.city, recipe)
    door.city.say(
        entity("Dataset", "buses", status="published", title={"en": "Buses"}, licence="CC0", version=1,
        table=made["sha256"],
               columns=made["columns"], source={"kind": "table"}, spatial={"bbox": [17.0, 48.0, 17.5, 48.5]})
    )  # fmt: skip
    told = door.json("/collections/buses/locations/bus")
    assert [one["ranges"]["load"]["values"] for one in told["coverages"]] == [[1], [2]]
    assert door.json("/collections/buses/area?coords=POLYGON((16.9 47.9,17.1 47.9,17.1 48.1,16.9 48.1,16.9 47.9))")[
        "coverages"
    ][0]["ranges"]["load"]["values"] == [1]
    assert door.json("/collections/buses")["extent"]["temporal"]["interval"] == [[None, None]]
    door.city.say(entity("Dataset", "buses", status="withdrawn"))


def test_a_series_of_some_stations_has_no_others(door: Door) -> None:
    source = {"kind": "history", "type": "WeatherObserved", "attributes": ["temperature"], "q": 'name=="North"'}
    door.city.say(dataset("one", source=source))
    try:
        assert stations(door, "/collections/one/cube?bbox=17,48,18,49") == ["north"]
        assert stations(door, f"/collections/one/locations/{NORTH}") == ["north"]
        door.wrong(f"/collections/one/locations/{SOUTH}", 404)
        assert door.json("/collections/one")["extent"]["spatial"]["bbox"] == [[17.1, 48.1, 17.1, 48.1]]
    finally:
        door.city.say(entity("Dataset", "one", status="withdrawn"))


def test_stations_may_have_numbers_for_names_and_two_rows_of_one_instant(door: Door) -> None:
    rows = [[n % 2, 17.0 + n % 2, 48.0, f"2026-03-01T0{n // 2}:00:00Z", n, "a" if n < 2 else None] for n in range(6)]
    rows.append([1, 18.0, 48.0, "2026-03-01T02:00:00Z", 50, None])
    door.city.say(released(door.city, "numbered", ["id", "lon", "lat", "time", "load", "word"], rows))
    try:
        assert stations(door, "/collections/numbered/cube?bbox=16,47,19,49") == ["0", "1"]
        one = door.json("/collections/numbered/locations/1")
        assert one["ranges"]["load"]["values"] == [1, 3, 50]
        assert one["ranges"]["word"]["values"] == ["a", None, None]
        assert stations(door, "/collections/numbered/locations/0,1") == ["0", "1"]
        for wrong in ("2", "x", "1e400", "nan"):
            door.wrong(f"/collections/numbered/locations/{wrong}", 404)
        features = Door(door.city, "features")
        assert features.json("/collections/numbered/items?id=row-3")["numberMatched"] == 1
    finally:
        door.city.say(dataset("numbered", status="withdrawn"))


def test_a_guarded_series_is_read_from_its_release_alone(door: Door) -> None:
    weather = door.city.get("urn:ngsi-ld:Dataset:weather")
    try:
        door.city.say(Entity({**weather.doc, "guard": {"type": "Property", "value": {"kind": "rows", "k": 5}}}))
        told = door.json("/collections/weather")
        assert told["parameter_names"]["temperature"]["observedProperty"]["id"].endswith("#temperature")
        features = Door(door.city, "features")
        assert len(features.json("/collections/weather/items")["features"]) == 48
    finally:
        door.city.say(Entity({**weather.doc, "guard": {"type": "Property", "value": {"kind": "open"}}}))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.sampled_from(["position", "radius", "area", "cube", "trajectory", "locations"]),
    name=st.sampled_from(
        ["coords", "within", "within-units", "bbox", "z", "datetime", "parameter-name", "crs", "f", "limit"]
    ),
    value=st.one_of(st.text(max_size=30), st.from_regex(r"(POINT|POLYGON|R)?[-(),0-9. eE/TZ:]{0,30}", fullmatch=True)),
)
def test_whatever_is_asked_is_answered_or_refused(door: Door, query: str, name: str, value: str) -> None:
    from urllib.parse import quote

    told = door.ask(f"/collections/weather/{query}?{name}={quote(value, safe='')}")
    assert told.status in {200, 204, 400}
