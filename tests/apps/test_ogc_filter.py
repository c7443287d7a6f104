"""OGC API - Features, Part 3 (19-079r2) and CQL2 text (21-065r2): each requirement, asked for through the door."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ogc_city import CRS84, EPSG, Door, ogc_city

from hansa import Refusal
from hansa.apps.opendata.ogc import cql, wkt
from hansa.apps.opendata.ogc.tree import like


def req(*idents: str) -> Any:
    return pytest.mark.parametrize("requirement", ["+".join(idents)])


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    return Door(ogc_city(), "features")


def of(door: Door, said: str, ident: str = "lamps", more: str = "") -> list[str]:
    return [one[-2:] for one in door.ids(f"/collections/{ident}/items?limit=1000&filter={quote(said)}{more}")]


def count(door: Door, said: str, ident: str = "trees") -> int:
    found: int = door.json(f"/collections/{ident}/items?limit=1&filter={quote(said)}")["numberMatched"]
    return found


def wrong(door: Door, said: str, ident: str = "lamps") -> str:
    return door.wrong(f"/collections/{ident}/items?filter={quote(said)}")


# ---- Queryables


@req("/req/queryables/get-queryables-op", "/req/features-filter/get-queryables-op")
def test_every_collection_has_queryables(door: Door, requirement: str) -> None:
    for one in door.json("/collections")["collections"]:
        told = door.ask(f"/collections/{one['id']}/queryables")
        assert (told.status, told.kind) == (200, b"application/schema+json")
    door.wrong("/collections/numbers/queryables", 404)


@req("/req/queryables/get-queryables-response")
def test_queryables_are_a_json_schema(door: Door, requirement: str) -> None:
    told = door.json("/collections/lamps/queryables?f=json")
    assert told["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert told["$id"] == f"{door.url}/collections/lamps/queryables"
    assert (told["type"], told["additionalProperties"]) == ("object", False)
    properties = told["properties"]
    assert properties["geometry"] == {"format": "geometry-any", "x-ogc-role": "primary-geometry"}
    assert "type" not in properties["geometry"]
    assert properties["installedAt"] == {"type": "string", "format": "date-time"}
    assert {name: one.get("type") for name, one in properties.items() if name != "geometry"} == {
        "id": "string", "name": "string", "power": "integer", "height": "number", "broken": "boolean",
        "installedAt": "string",
    }  # fmt: skip
    assert door.json("/collections/trees/queryables")["properties"]["geometry"]["format"] == "geometry-point"


@req("/req/queryables/queryables-link", "/req/features-filter/queryables-link")
def test_a_collection_links_its_queryables(door: Door, requirement: str) -> None:
    for value in (*door.json("/collections")["collections"], door.json("/collections/lamps")):
        (one,) = (it for it in value["links"] if it["rel"] == "http://www.opengis.net/def/rel/ogc/1.0/queryables")
        assert one["href"] == f"{door.url}/collections/{value['id']}/queryables"
        assert one["type"] == "application/schema+json"


@req("/req/queryables/expression-construction", "/req/basic-cql2/property")
def test_a_filter_names_queryables_and_nothing_else(door: Door, requirement: str) -> None:
    for name in door.json("/collections/lamps/queryables")["properties"]:
        assert door.ask(f"/collections/lamps/items?filter={name}%20IS%20NOT%20NULL").status == 200
    for name in ("secret", "location", "Power", "type", "properties.power", '"na me"'):
        assert "no queryable" in wrong(door, f"{name} = 'x'")
    assert of(door, '"power" = 10') == ["01"]
    assert "28" not in of(door, "installedAt >= DATE('2000-01-01')"), "what is not said is NULL"


@req("/req/queryables-query-parameters/parameters")
def test_every_simple_queryable_is_a_parameter(door: Door, requirement: str) -> None:
    values = {"string": "Lamp 1", "integer": "10", "number": "5", "boolean": "false"}
    for name, one in door.json("/collections/lamps/queryables")["properties"].items():
        if name != "geometry":
            value = "2011-05-01T00:00:00Z" if one.get("format") == "date-time" else values[one["type"]]
            value = "urn:ngsi-ld:Streetlight:lamp-01" if name == "id" else value
            assert "lamp-01" in door.ids(f"/collections/lamps/items?{name}={quote(value)}&limit=100"), name
    doc = door.json("/api")["paths"]["/collections/trees/items"]["get"]["parameters"]
    said = {one["name"]: one["schema"]["type"] for one in doc if "name" in one}
    assert said == {"id": "string", "species": "string", "girth": "integer", "planted": "string"}


# ---- The parameters


@req("/req/filter/filter-param", "/req/features-filter/filter-param")
def test_filter_is_a_parameter(door: Door, requirement: str) -> None:
    doc = door.json("/api")
    assert doc["components"]["parameters"]["filter"]["schema"] == {"type": "string"}
    assert {"$ref": "#/components/parameters/filter"} in doc["paths"]["/collections/{collectionId}/items"]["get"][
        "parameters"
    ]
    assert of(door, "power = 10") == ["01"]
    assert wrong(door, "")


@req("/req/filter/filter-lang-param", "/req/features-filter/filter-lang-param")
def test_filter_lang_is_cql2_text(door: Door, requirement: str) -> None:
    schema = door.json("/api")["components"]["parameters"]["filter-lang"]["schema"]
    assert schema == {"type": "string", "enum": ["cql2-text"], "default": "cql2-text"}
    assert of(door, "power = 10", more="&filter-lang=cql2-text") == ["01"]
    for lang in ("cql2-json", "cql-text", "ecql", ""):
        door.wrong(f"/collections/lamps/items?filter=power%3D10&filter-lang={lang}")


@req("/req/filter/filter-crs-param", "/req/features-filter/filter-crs-param")
def test_filter_crs_says_how_geometries_are_written(door: Door, requirement: str) -> None:
    said = "S_INTERSECTS(geometry, POLYGON((47.9 16.005,47.9 16.025,48.1 16.025,48.1 16.005,47.9 16.005)))"
    assert of(door, said, more=f"&filter-crs={EPSG}4326") == ["01", "02"]
    assert of(door, "S_INTERSECTS(geometry, BBOX(47.9,16.005,48.1,16.025))", more=f"&filter-crs={EPSG}4326") == [
        "01",
        "02",
    ]
    box = "S_INTERSECTS(geometry, BBOX(574700,5316000,576800,5317000))"
    assert of(door, box, more=f"&filter-crs={EPSG}25833&crs={EPSG}3857") == ["01", "02"]
    door.wrong(f"/collections/lamps/items?filter=TRUE&filter-crs={EPSG}9999")


@req("/req/filter/filter-crs-wgs84")
def test_without_it_they_are_in_longitude_and_latitude(door: Door, requirement: str) -> None:
    said = "S_INTERSECTS(geometry, POLYGON((16.005 47.9,16.025 47.9,16.025 48.1,16.005 48.1,16.005 47.9)))"
    assert of(door, said) == of(door, said, more=f"&filter-crs={CRS84}") == ["01", "02"]


@req("/req/filter/mixing-expressions", "/req/features-filter/response")
def test_a_filter_and_the_other_parameters_must_all_hold(door: Door, requirement: str) -> None:
    assert of(door, "broken = TRUE") == ["03", "13", "23"]
    assert of(door, "broken = TRUE", more="&bbox=16.1,47,16.2,49") == ["13"]
    assert of(door, "broken = TRUE", more="&power=230") == ["23"]
    assert of(door, "broken = TRUE OR power = 0", more="&datetime=2010-01-01T00:00:00Z/2012-01-01T00:00:00Z") == ["00"]
    assert of(door, "power > 50", "dim") == []
    assert count(door, "species = 'oak'") == 84
    at = f"/collections/trees/items?limit=1&filter={quote('girth < 100')}"
    assert door.json(f"{at}&species=oak")["numberMatched"] == 34
    assert door.json(f"{at}&species=oak&bbox=16,48,16.0105,49")["numberMatched"] == 4
    assert door.json(f"{at}&datetime=2026-01-01T00:00:00Z")["numberMatched"] == 4


@req("/req/filter/response")
def test_only_what_a_filter_says_true_of_is_there(door: Door, requirement: str) -> None:
    assert len(of(door, "TRUE")) == 30
    assert of(door, "FALSE") == []
    assert count(door, "TRUE") == 250
    assert "28" not in of(door, "installedAt < TIMESTAMP('2030-01-01T00:00:00Z')"), "unknown is not true"
    assert "28" not in of(door, "NOT installedAt < TIMESTAMP('2030-01-01T00:00:00Z')"), "nor is its contrary"


@req("/req/features-filter/response")
@pytest.mark.parametrize(
    "said",
    ["power", "power =", "= 10", "power = 10 AND", "power == 10", "power = 'ten'", "name = 5", "broken = 1",
    "(power = 10", "power = 10)",
     "power BETWEEN 1", "power IN ()", "power IN (1,", "name LIKE 5", "power LIKE 'x'", "NOT", "power IS",
     "power IS NOT", "geometry = 5",
     "S_INTERSECTS(geometry)", "S_INTERSECTS(power, POINT(1 2))", "S_INTERSECTS(geometry, POINT(1))",
     "S_TOUCHES(geometry, POINT(1 2))",
     "S_INTERSECTS(POINT(1 2), POINT(1 2))", "S_INTERSECTS(geometry, BBOX(1,2,3))",
     "S_INTERSECTS(geometry, POLYGON((0 0,1 1,0 1)))",
     "S_INTERSECTS(geometry, POINT(500 2))", "T_AFTER(installedAt)", "T_AFTER(power, DATE('2020-01-01'))",
     "T_AFTER(installedAt, 'soon')",
     "installedAt > DATE('2020-13-01')", "installedAt > TIMESTAMP('2020-01-01')",
     "INTERVAL('2021-01-01','2020-01-01') = installedAt",
     "power + 1 = 10", "avg(power) = 1", "name = 'open", 'name = "x"', "power = 1e999", "power; DROP TABLE x",
     "power = 10 XOR power = 1",
     "name LIKE '" + "%" * 300 + "'", "power = " + "1" * 30 + "e" + "9" * 5],
)  # fmt: skip
def test_what_is_no_filter_is_400(door: Door, requirement: str, said: str) -> None:
    assert wrong(door, said)


def test_a_filter_is_not_endless(door: Door) -> None:
    assert "more than 200 conditions" in wrong(door, " OR ".join(["power = 1"] * 201))
    assert "brackets" in wrong(door, "(" * 31 + "power = 1" + ")" * 31)
    assert of(door, "(" * 30 + "power = 10" + ")" * 30) == ["01"]
    assert "a list of more than" in wrong(door, "power IN (" + ",".join(["1"] * 1_001) + ")")
    assert "most" in wrong(door, "name = '" + "x" * 20_000 + "'")
    points = ",".join(f"{n / 100} 1" for n in range(1_001))
    assert "positions" in wrong(door, f"S_INTERSECTS(geometry, LINESTRING({points}))")


# ---- Basic CQL2


@req("/req/basic-cql2/cql2-filter", "/req/cql2-text/basic-cql2")
@pytest.mark.parametrize(
    ("said", "ids"),
    [
        ("power = 10 OR power = 20 AND broken = TRUE", ["01"]),
        ("(power = 10 OR power = 20) AND broken = FALSE", ["01", "02"]),
        ("NOT power > 10", ["00", "01"]),
        ("not (power > 10 or power = 0)", ["01"]),
        ("NOT NOT power = 10", ["01"]),
        ("broken AND power < 100", ["03"]),
        ("NOT broken AND power <= 10", ["00", "01"]),
        ("  power=10  ", ["01"]),
        ("id = 'urn:ngsi-ld:Streetlight:lamp-05'", ["05"]),
        ("power = 10 OR FALSE", ["01"]),
    ],
)
def test_predicates_are_joined(door: Door, requirement: str, said: str, ids: list[str]) -> None:
    assert of(door, said) == ids


@req("/req/basic-cql2/binary-comparison-predicate")
@pytest.mark.parametrize(
    ("said", "ids"),
    [
        ("power = 280", ["28"]),
        ("power <> 10 AND power < 30", ["00", "02"]),
        ("power < 10", ["00"]),
        ("power <= 10", ["00", "01"]),
        ("power > 270", ["28", "29"]),
        ("power >= 280.0", ["28", "29"]),
        ("height = 4.5", ["00"]),
        ("height < 5.5e0", ["00", "01"]),
        ("power > -1 AND power < +1", ["00"]),
        ("name = 'Straße 7 Étoile'", ["07"]),
        ("name > 'Lamp 8' AND name < 'M'", ["09"]),
        ("broken = TRUE AND power > 200", ["23"]),
        ("broken <> FALSE AND power > 200", ["23"]),
        ("10 = power", ["01"]),
        ("10 > power", ["00"]),
        ("power = height", []),
        ("installedAt = TIMESTAMP('2019-05-01T00:00:00Z')", ["09", "19", "29"]),
        ("installedAt = TIMESTAMP('2019-05-01T01:00:00+01:00')", ["09", "19", "29"]),
        ("installedAt = DATE('2019-05-01')", ["09", "19", "29"]),
        ("installedAt > DATE('2019-04-30') AND installedAt < DATE('2019-05-02')", ["09", "19", "29"]),
        ("installedAt > '2019-04-30' AND power > 200", ["29"]),
    ],
)
def test_values_are_compared(door: Door, requirement: str, said: str, ids: list[str]) -> None:
    assert of(door, said) == ids


@req("/req/basic-cql2/null-predicate")
def test_what_is_not_said_is_null(door: Door, requirement: str) -> None:
    assert of(door, "installedAt IS NULL") == ["28"]
    assert len(of(door, "installedAt IS NOT NULL")) == 29
    assert of(door, "geometry IS NULL") == ["29"]
    assert of(door, "NOT geometry IS NOT NULL") == ["29"]
    assert count(door, "wind IS NULL", "buoys") == 12
    assert count(door, "wind IS NOT NULL", "buoys") == 36
    assert count(door, "geometry IS NULL", "cells") == 1


# ---- Advanced comparisons, case, accents


@req("/req/advanced-comparison-operators/between-predicate", "/req/cql2-text/advanced-comparison-operators")
def test_between_takes_both_ends(door: Door, requirement: str) -> None:
    assert of(door, "power BETWEEN 10 AND 30") == ["01", "02", "03"]
    assert of(door, "power BETWEEN 30 AND 10") == []
    assert of(door, "power NOT BETWEEN 10 AND 270") == ["00", "28", "29"]
    assert of(door, "power BETWEEN 10 AND 30 AND broken = TRUE") == ["03"]
    assert "28" not in of(door, "installedAt NOT BETWEEN DATE('2001-01-01') AND DATE('2002-01-01')")
    assert count(door, "girth BETWEEN 10 AND 20") == 11


@req("/req/advanced-comparison-operators/in-predicate")
def test_in_is_one_of_a_list(door: Door, requirement: str) -> None:
    assert of(door, "power IN (10, 20, 999)") == ["01", "02"]
    assert of(door, "name IN ('Lamp 1', 'Lamp 2', 'lamp 3')") == ["01", "02"]
    assert len(of(door, "power NOT IN (10, 20)")) == 28
    assert of(door, "power IN (10, 20) AND name NOT IN ('Lamp 1')") == ["02"]
    assert count(door, "species IN ('oak', 'lime') AND girth IN (0, 1, 2)") == 2
    assert wrong(door, "power IN (1, 'x')")


@req("/req/advanced-comparison-operators/like-predicate")
@pytest.mark.parametrize(
    ("pattern", "ids"),
    [
        ("Lamp 2_", ["20", "21", "22", "23", "24", "25", "26", "27", "28", "29"]),
        ("Lamp 1", ["01"]),
        ("%toile", ["07"]),
        ("Straße 7%", ["07"]),
        ("%7%", ["07", "17", "27"]),
        ("lamp 1", []),
        ("Lamp 1\\%", []),
        ("%", [f"{n:02}" for n in range(30)]),
        ("", []),
        ("Lamp%1", ["01", "11", "21"]),
    ],
)
def test_like_has_wildcards(door: Door, requirement: str, pattern: str, ids: list[str]) -> None:
    assert of(door, f"name LIKE '{pattern}'") == ids
    assert len(of(door, f"name NOT LIKE '{pattern}'")) == 30 - len(ids)


@req("/req/case-insensitive-comparison/casei-function", "/req/cql2-text/case-insensitive-comparison")
def test_casei_forgets_case(door: Door, requirement: str) -> None:
    assert of(door, "CASEI(name) = casei('LAMP 1')") == ["01"]
    assert of(door, "CASEI(name) LIKE CASEI('STRASSE%')") == ["07"], "folded in full"
    assert of(door, "CASEI(name) IN (casei('LAMP 1'), casei('lamp 2'))") == ["01", "02"]
    assert of(door, "CASEI(name) IS NULL") == []
    assert wrong(door, "CASEI(power) = 'x'")


@req("/req/accent-insensitive-comparison/accenti-function", "/req/cql2-text/accent-insensitive-comparison")
def test_accenti_forgets_accents(door: Door, requirement: str) -> None:
    assert of(door, "ACCENTI(name) LIKE '%Etoile'") == ["07"]
    assert of(door, "ACCENTI(name) LIKE accenti('%Étoile')") == ["07"]
    assert of(door, "CASEI(ACCENTI(name)) = 'strasse 7 etoile'") == ["07"]
    assert of(door, "name LIKE '%Etoile'") == []


@req("/req/cql2-text/escaping")
@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("'it''s'", "it's"),
        (r"'it\'s'", "it's"),
        (r"'a\tb\n'", "a\tb\n"),
        (r"'\\'", "\\"),
        (r"'\a\b\v\f\r'", "\a\b\v\f\r"),
        ("''", ""),
    ],
)
def test_texts_have_escapes(requirement: str, said: str, value: str) -> None:
    node = cql.parsed(f"name = {said}", {"name": "text"})
    assert node.says({"id": "1", "geometry": None, "properties": {"name": value}}) is True
    assert node.says({"id": "1", "geometry": None, "properties": {"name": value + "x"}}) is False


# ---- Space and time


@req("/req/basic-spatial-functions/spatial-functions", "/req/cql2-text/basic-spatial-functions")
@pytest.mark.parametrize(
    ("said", "ids"),
    [
        ("S_INTERSECTS(geometry, BBOX(16.005,47,16.025,49))", ["01", "02"]),
        ("S_INTERSECTS(geometry, BBOX(16.005,47,0,16.025,49,9))", ["01", "02"]),
        ("s_intersects(geometry,POINT(16.01 48))", ["01"]),
        ("S_INTERSECTS(geometry, MULTIPOINT((16.01 48),(16.03 48)))", ["01", "03"]),
        ("S_INTERSECTS(geometry, MULTIPOINT(16.01 48,16.03 48))", ["01", "03"]),
        ("S_INTERSECTS(geometry, LINESTRING(16.005 48,16.02 48))", ["01", "02"]),
        ("S_INTERSECTS(geometry, POLYGON Z((16.005 47 1,16.025 47 1,16.025 49 1,16.005 49 1,16.005 47 1)))", ["01",
        "02"]),
        ("S_INTERSECTS(geometry, POLYGON((16 47,17 47,17 49,16 49,16 47),(16.02 47,17 47,17 49,16.02 49,16.02 47)))",
        ["00", "01", "02"]),
        ("S_INTERSECTS(MULTIPOLYGON(((16.005 47,16.015 47,16.015 49,16.005 49,16.005 47))), geometry)", ["01"]),
        ("S_DISJOINT(geometry, BBOX(16.005,47,17,49))", ["00"]),
    ],
)  # fmt: skip
def test_features_meet_a_geometry(door: Door, requirement: str, said: str, ids: list[str]) -> None:
    assert of(door, said) == ids


@req("/req/basic-spatial-functions/spatial-predicate")
def test_what_has_no_place_is_neither_here_nor_elsewhere(door: Door, requirement: str) -> None:
    assert len(of(door, "S_INTERSECTS(geometry, BBOX(-180,-90,180,90))")) == 29
    assert of(door, "NOT S_INTERSECTS(geometry, BBOX(-180,-90,180,90))") == []
    assert of(door, "S_INTERSECTS(geometry, BBOX(16,47,16.015,49)) OR geometry IS NULL") == ["00", "01", "29"]
    assert of(door, "S_INTERSECTS(geometry, BBOX(179,-20,-179,-10))", "parks") == ["-1", "-2"]
    assert count(door, "S_INTERSECTS(geometry, BBOX(16.0095,48,16.0205,49)) AND species = 'oak'") == 3


@req("/req/temporal-functions/temporal-functions", "/req/cql2-text/temporal-functions")
@pytest.mark.parametrize(
    ("said", "count"),
    [
        ("T_AFTER(installedAt, DATE('2018-12-31'))", 3),
        ("T_AFTER(installedAt, '2018-12-31')", 3),
        ("T_BEFORE(installedAt, TIMESTAMP('2011-05-01T00:00:00Z'))", 3),
        ("T_EQUALS(installedAt, TIMESTAMP('2011-05-01T00:00:00Z'))", 3),
        ("T_INTERSECTS(installedAt, INTERVAL('2011-05-01','2012-05-01'))", 6),
        ("T_DISJOINT(installedAt, INTERVAL('2011-01-01','..'))", 3),
        ("T_DURING(installedAt, INTERVAL('2011-01-01','2012-01-01'))", 3),
        ("T_DURING(installedAt, INTERVAL('2011-05-01T00:00:00Z','2012-01-01'))", 0),
        ("T_STARTS(installedAt, INTERVAL('2011-05-01T00:00:00Z','2012-01-01'))", 3),
        ("T_FINISHES(installedAt, INTERVAL('2011-01-01','2011-05-01T00:00:00Z'))", 3),
        ("T_MEETS(INTERVAL('2011-01-01','2011-05-01T00:00:00Z'), installedAt)", 3),
        ("T_METBY(INTERVAL('2011-05-01T00:00:00Z','..'), installedAt)", 3),
        ("T_CONTAINS(INTERVAL('2011-01-01','2012-01-01'), installedAt)", 3),
        ("T_STARTEDBY(INTERVAL('2011-05-01T00:00:00Z','2012-01-01'), installedAt)", 3),
        ("T_FINISHEDBY(INTERVAL('2011-01-01','2011-05-01T00:00:00Z'), installedAt)", 3),
        ("T_OVERLAPS(installedAt, INTERVAL('2011-01-01','2012-01-01'))", 0),
        ("T_OVERLAPPEDBY(installedAt, INTERVAL('2011-01-01','2012-01-01'))", 0),
    ],
)
def test_times_lie_to_one_another(door: Door, requirement: str, said: str, count: int) -> None:
    assert len(of(door, said)) == count


@req("/req/temporal-functions/temporal-predicates")
def test_what_says_no_time_is_neither_before_nor_after(door: Door, requirement: str) -> None:
    assert len(of(door, "T_AFTER(installedAt, DATE('2001-01-01'))")) == 29
    assert of(door, "NOT T_AFTER(installedAt, DATE('2001-01-01'))") == []
    assert count(door, "T_AFTER(planted, DATE('2026-01-27'))") == 8
    assert count(door, "planted >= TIMESTAMP('2026-01-28T00:00:00Z')") == 8


# ---- What a table is asked, and what is looked at one by one, is the same


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_table_answers_as_if_each_row_had_been_looked_at(door: Door, data: st.DataObject) -> None:
    texts = ["species = 'oak'", "species LIKE 'L%'", "species LIKE 'l%'", "species LIKE '%K'", "species LIKE '%a_e'"]
    more = ["species IN ('oak','lime')", "planted > DATE('2026-01-05')", "planted IS NULL", "girth BETWEEN 2 AND 5"]
    places = ["id = 'tree-0003'", "S_INTERSECTS(geometry, BBOX(16,48,16.0045,49))"]
    signs = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
    numbers = st.tuples(signs, st.integers(-1, 12)).map(lambda it: f"girth {it[0]} {it[1]}")
    atoms = st.one_of(numbers, st.sampled_from([*texts, *more, *places]))
    parts = data.draw(st.lists(atoms, min_size=1, max_size=3))
    said = data.draw(st.sampled_from([" AND ", " OR "])).join(parts)
    said = f"girth < 12 AND ({said})"
    asked = set(of(door, said, "trees"))
    node = cql.parsed(
        said, {"girth": "number", "species": "text", "planted": "time", "id": "text", "geometry": "geometry"}
    )
    rows = list(door.json("/collections/trees/items?limit=12")["features"])
    assert asked == {one["id"][-2:] for one in rows if node.says(one) is True}


@settings(max_examples=50, deadline=None)
@given(value=st.text("ab%_\\", max_size=8), pattern=st.text("ab%_\\", max_size=6))
def test_like_is_as_slow_as_a_pattern_and_means_what_a_regular_expression_means(value: str, pattern: str) -> None:
    import re

    made, escaped = "", False
    for char in pattern:
        if escaped or char not in "%_\\":
            made, escaped = made + re.escape(char), False
        elif char == "\\":
            escaped = True
        else:
            made += ".*" if char == "%" else "."
    assert like(value, pattern) == bool(re.fullmatch(made, value, re.DOTALL))


def test_like_has_no_bad_day() -> None:
    assert not like("a" * 5_000, "%a%a%a%a%a%a%b")


@settings(max_examples=50, deadline=None)
@given(said=st.text("power=10 AND(')BBOX,S_INTERSECTSgeometry", max_size=60))
def test_whatever_is_written_is_a_filter_or_is_refused(said: str) -> None:
    try:
        node = cql.parsed(said, {"power": "number", "geometry": "geometry"})
    except Refusal as fault:
        assert fault.where  # noqa: PT017  # either is right
    else:
        assert node.says({"id": "1", "geometry": None, "properties": {}}) in {True, False, None}


@settings(max_examples=50, deadline=None)
@given(said=st.text("POLYGNTZM(), 1.5e-9", max_size=60))
def test_whatever_is_written_is_a_geometry_or_is_refused(said: str) -> None:
    try:
        made = wkt.geometry(said, "coords")
    except Refusal as fault:
        assert fault.where == "coords"  # noqa: PT017
    else:
        assert json.dumps(made)
