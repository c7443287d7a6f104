"""OGC API - Features, Part 2 (18-058r1): coordinate reference systems, and their arithmetic against known points."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ogc_city import CRS84, EPSG, Door, header, ogc_city

from hansa.apps.opendata.ogc import crs as systems

LAMP = "urn:ngsi-ld:Streetlight:lamp-01"


def req(*idents: str) -> Any:
    return pytest.mark.parametrize("requirement", ["+".join(idents)])


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    return Door(ogc_city(), "features")


def crs_of(door: Door, ident: str = "lamps") -> list[str]:
    found: list[str] = door.json(f"/collections/{ident}")["crs"]
    return found


@req("/req/crs/crs-uri", "/req/crs/fc-md-crs-list")
def test_a_collection_lists_its_systems_by_uri(door: Door, requirement: str) -> None:
    found = crs_of(door)
    assert found == [CRS84, f"{EPSG}4326", f"{EPSG}3857", f"{EPSG}25833", f"{EPSG}32633"]
    assert len(crs_of(door, "parks")) == 4, "around the antimeridian ETRS89 is of no use"


@req("/req/crs/fc-md-crs-list-global")
def test_the_global_list_has_all_of_them(door: Door, requirement: str) -> None:
    told = door.json("/collections")
    for one in told["collections"]:
        assert set(one["crs"]) <= set(told["crs"])
        assert "#/crs" not in one["crs"]


@req("/req/crs/fc-md-storageCrs", "/req/crs/fc-md-storageCrs-valid-value")
def test_the_storage_system_is_one_of_them(door: Door, requirement: str) -> None:
    for one in door.json("/collections")["collections"]:
        assert one["storageCrs"] == CRS84
        assert one["storageCrs"] in one["crs"]


@req("/req/crs/fc-crs-definition", "/req/crs/fc-bbox-crs-definition")
def test_the_parameters_are_defined(door: Door, requirement: str) -> None:
    doc = door.json("/api")
    for name in ("crs", "bbox-crs"):
        one = doc["components"]["parameters"][name]
        assert one["schema"] == {"type": "string", "format": "uri"}
        assert (one["in"], one["required"], one["style"], one["explode"]) == ("query", False, "form", False)


@req("/req/crs/fc-crs-action")
@pytest.mark.parametrize(
    ("code", "x", "y"),
    [
        ("4326", 48.0, 16.01),
        ("3857", 1782225.05, 6106854.83),
        ("25833", 575341.056, 5316793.734),
        ("32633", 575341.056, 5316793.734),
    ],
)
def test_answers_come_in_the_system_that_is_asked_for(
    door: Door, requirement: str, code: str, x: float, y: float
) -> None:
    at = f"/collections/lamps/items/{LAMP}?crs={EPSG}{code}"
    assert door.json(at)["geometry"]["coordinates"] == pytest.approx([x, y], abs=0.02)
    many = door.json(f"/collections/lamps/items?limit=2&crs={EPSG}{code}")["features"]
    assert many[1]["geometry"]["coordinates"] == pytest.approx([x, y], abs=0.02)


def test_every_part_of_a_shape_is_presented(door: Door) -> None:
    plain = door.json("/collections/zones/items/z1")["geometry"]["coordinates"][0]
    turned = door.json(f"/collections/zones/items/z1?crs={EPSG}4326")["geometry"]
    assert turned["type"] == "Polygon"
    assert turned["coordinates"][0] == [[lat, lon] for lon, lat in plain]


@req("/req/crs/fc-crs-default-value", "/req/crs/ogc-crs-header", "/req/crs/ogc-crs-header-value", "/req/crs/geojson")
def test_the_header_says_in_which_system_an_answer_is(door: Door, requirement: str) -> None:
    for path in ("/collections/lamps/items?limit=1", f"/collections/lamps/items/{LAMP}?f=json"):
        told = door.ask(path)
        assert header(told, "content-crs") == f"<{CRS84}>"
        found = json.loads(told.body)
        shape = (found.get("features") or [found])[0]["geometry"]["coordinates"]
        assert 16 <= shape[0] <= 17
        assert shape[1] == 48.0
        for code in ("4326", "3857"):
            assert header(door.ask(f"{path}&crs={EPSG}{code}"), "content-crs") == f"<{EPSG}{code}>"


@req("/req/crs/fc-bbox-crs-action", "/req/crs/fc-bbox-crs-default-value")
def test_a_box_is_read_in_its_own_system(door: Door, requirement: str) -> None:
    at = "/collections/lamps/items?limit=100&bbox="
    two = ["lamp-01", "lamp-02", "lamp-29"]
    assert door.ids(at + "16.005,47.9,16.025,48.1") == two
    assert door.ids(f"{at}16.005,47.9,16.025,48.1&bbox-crs={CRS84}") == two
    assert door.ids(f"{at}47.9,16.005,48.1,16.025&bbox-crs={EPSG}4326") == two
    west, south = systems.named("EPSG:3857").forward(16.005, 47.9)  # type: ignore[union-attr]
    east, north = systems.named("EPSG:3857").forward(16.025, 48.1)  # type: ignore[union-attr]
    assert door.ids(f"{at}{west},{south},{east},{north}&bbox-crs={EPSG}3857") == two
    # In UTM the sides of a box are no meridians: lamp 0 stands at 574,595 east and lamp 3 at 576,833 (PROJ).
    assert door.ids(f"{at}574700,5316000,576800,5317000&bbox-crs={EPSG}25833") == two
    for more in (f"&crs={EPSG}3857", "&power=10", "&filter=power%3D10"):
        assert "lamp-01" in door.ids(f"{at}47.9,16.005,48.1,16.025&bbox-crs={EPSG}4326{more}")


@req("/req/crs/fc-bbox-crs-action")
def test_a_box_in_any_system_is_asked_of_a_table_too(door: Door, requirement: str) -> None:
    at = "/collections/trees/items?limit=1&bbox="
    assert door.json(f"{at}48.0095,16.0095,48.0205,16.0205&bbox-crs={EPSG}4326")["numberMatched"] == 11
    corners = [systems.named("EPSG:25833").forward(lon, lat) for lon, lat in ((16.0095, 48.0095), (16.0205, 48.0205))]  # type: ignore[union-attr]
    box = ",".join(f"{value:.3f}" for corner in corners for value in corner)
    assert door.json(f"{at}{box}&bbox-crs={EPSG}25833")["numberMatched"] == 11


@req("/req/crs/fc-crs-valid-value", "/req/crs/crs-exception")
@pytest.mark.parametrize(
    "crs", [f"{EPSG}9999", f"{EPSG}25832", "http://example.org/crs", "4326", "", "EPSG:", "urn:x" * 300]
)
def test_a_system_that_is_not_offered_is_400(door: Door, requirement: str, crs: str) -> None:
    assert "no coordinate reference system of this collection" in door.wrong(f"/collections/lamps/items?crs={crs}")
    door.wrong(f"/collections/lamps/items/{LAMP}?crs={crs}")


@req("/req/crs/fc-bbox-crs-valid-value", "/req/crs/bbox-crs-exception")
def test_a_box_in_a_system_that_is_not_offered_is_400(door: Door, requirement: str) -> None:
    assert "bbox-crs" in door.wrong(f"/collections/lamps/items?bbox=1,2,3,4&bbox-crs={EPSG}9999")
    door.wrong(f"/collections/lamps/items?bbox=5,4,3,2&bbox-crs={EPSG}3857")
    door.wrong(f"/collections/lamps/items?bbox=1,2,3,1e12&bbox-crs={EPSG}25833")
    door.wrong("/collections/lamps/items?bbox=16,48,17,49&bbox-crs=x")


@pytest.mark.parametrize(
    "said", ["EPSG:3857", "[EPSG:3857]", "urn:ogc:def:crs:EPSG::3857", "https://www.opengis.net/def/crs/EPSG/0/3857"]
)
def test_short_names_mean_the_same(door: Door, said: str) -> None:
    told = door.ask(f"/collections/lamps/items?limit=1&crs={said}")
    assert (told.status, header(told, "content-crs")) == (200, f"<{EPSG}3857>")


# ---- The arithmetic


@pytest.mark.parametrize(
    ("code", "lon", "lat", "x", "y"),
    [
        # As PROJ (pyproj 3.7.2) has them, to the millimetre.
        ("EPSG:25832", 9.0, 50.0, 500_000.0, 5_538_630.703),
        ("EPSG:25832", 11.57549, 48.13743, 691_602.176, 5_334_783.340),
        ("EPSG:3857", 180.0, 0.0, 20_037_508.343, 0.0),
        ("EPSG:3857", 0.0, 85.051_128_779_8, 0.0, 20_037_508.343),
    ],
)
def test_known_points_are_where_they_are(code: str, lon: float, lat: float, x: float, y: float) -> None:
    found = systems.named(code)
    assert found is not None
    assert found.forward(lon, lat) == pytest.approx((x, y), abs=0.002)


@settings(max_examples=50, deadline=None)
@given(
    code=st.sampled_from(["CRS84", "EPSG:4326", "EPSG:3857", "EPSG:25833", "EPSG:32633", "EPSG:32733", "EPSG:32601"]),
    away=st.floats(-6, 6),
    lat=st.floats(-80, 80),
)
def test_there_and_back_is_where_it_began(code: str, away: float, lat: float) -> None:
    found = systems.named(code)
    assert found is not None
    lon = (away + (-177 if code.endswith("01") else 15) + 180) % 360 - 180
    back = found.back(*found.forward(lon, lat))
    assert abs((back[0] - lon + 180) % 360 - 180) < 1e-9
    assert abs(back[1] - lat) < 1e-9


@settings(max_examples=30, deadline=None)
@given(x=st.floats(-1e8, 1e8), y=st.floats(-1e8, 1e8), code=st.sampled_from(["EPSG:3857", "EPSG:25833", "EPSG:32733"]))
def test_numbers_from_nowhere_lead_to_numbers(x: float, y: float, code: str) -> None:
    found = systems.named(code)
    assert found is not None
    assert all(map(math.isfinite, found.back(x, y)))
