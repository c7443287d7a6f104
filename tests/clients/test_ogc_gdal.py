"""GDAL, through pyogrio, reads the city's OGC API - Features as it reads anybody's (driver OAPIF); so do others."""

import json
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pyogrio
import pytest
import shapely

from served import Served
from signed_in import SignedIn

if TYPE_CHECKING:
    from pathlib import Path

TREES = 2_500
DATASET = "urn:ngsi-ld:Dataset:"
MEANS = {"id": "Which", "lon": "Longitude", "lat": "Latitude", "species": "Species", "girth": "Girth in cm",
"height": "Height in m",
         "planted": "When", "time": "When", "wave": "Height of waves", "wind": "What wind"}  # fmt: skip


def trees() -> str:
    lines = ["id,lon,lat,species,girth,height,planted"]
    for n in range(TREES):
        species = ("oak", "lime", "plane")[n % 3]
        when = f"2026-01-{1 + n % 28:02}T06:00:00Z"
        lines.append(
            f"t{n:04},{16 + n % 50 / 100:.2f},{48 + n // 50 / 100:.2f},{species},{n},{n / 4 + 0.05:.2f},{when}"
        )
    return "\n".join(lines) + "\n"


def buoys() -> str:
    lines = ["id,lon,lat,time,wave,wind"]
    lines += [f"b{n % 2},{17 + n % 2 / 2},48.1,2026-03-01T{n // 2:02}:00:00Z,{n / 2 + 0.25},calm" for n in range(48)]
    return "\n".join(lines) + "\n"


def two_people(city: Served) -> list[SignedIn]:
    first = SignedIn(city)
    links = [first.page("POST", "/admin/invitations", {"roles": ["engineer"]}).json()["link"] for _ in range(2)]
    first.close()
    return [SignedIn(SimpleNamespace(link=link), name) for link, name in zip(links, ("bo", "cy"), strict=True)]  # type: ignore[arg-type]


def done(who: SignedIn, act: str, **said: Any) -> None:
    told = who.page("POST", f"/desk/opendata/{act}", said)
    assert told.status_code == 200, told.text


def publish(one: SignedIn, other: SignedIn, key: str, sheet: str) -> None:
    """One person proposes, another agrees: no dataset leaves by one pair of eyes."""
    done(one, "inventory", key=key, title={"en": f"The {key}"})
    columns = [{"name": name, "says": {"en": MEANS[name]}} for name in sheet.partition("\n")[0].split(",")]
    done(one, "describe", id=DATASET + key, description={"en": f"All {key}."}, licence="CC_BY_4_0",
    keywords={"en": [key]},
         themes=["ENVI"], periodicity="DAILY", columns=columns, publisher={"name": {"en": "The city"}},
         contact={"name": "Data office", "email": "data@city.example"})  # fmt: skip
    told = one.client.post(
        "/desk/opendata/upload",
        data={"id": DATASET + key, "guard": '{"kind": "none"}'},
        files={"file": (f"{key}.csv", sheet.encode(), "text/csv")},
        headers={"origin": one.origin, "sec-fetch-site": "same-origin", "x-hansa": "page"},
    )
    assert told.status_code == 200, told.text
    end = time.monotonic() + 30
    while True:
        candidate = one.page("GET", f"/desk/opendata/case?id={DATASET}{key}").json().get("candidate") or {}
        if candidate.get("status") == "made":
            break
        assert candidate.get("status") != "failed", candidate
        assert time.monotonic() < end, candidate
        time.sleep(0.05)
    done(other, "approve", id=DATASET + key, sha256=candidate["sha256"])
    done(one, "publish", id=DATASET + key)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("ogc") / "city"
    city = Served(folder, trusted=False)
    try:
        bo, cy = two_people(city)
        publish(bo, cy, "trees", trees())
        publish(bo, cy, "buoys", buoys())
        bo.close()
        cy.close()
        pyogrio.set_gdal_config_options(
            {"GDAL_HTTP_TIMEOUT": "30", "GDAL_HTTP_PROXY": "", "NO_PROXY": "127.0.0.1,localhost"}
        )
        yield city.url
    finally:
        city.stop()


def read(url: str, layer: str, **how: Any) -> tuple[dict[str, Any], np.ndarray, dict[str, np.ndarray]]:
    """What GDAL makes of a layer: about it, its geometries, its columns."""
    about, _, shapes, columns = pyogrio.raw.read(f"OAPIF:{url}/ogc/features", layer=layer, **how)
    return about, shapely.from_wkb(shapes), dict(zip(about["fields"], columns, strict=True))


def test_gdal_lists_the_datasets_as_layers(url: str) -> None:
    layers = pyogrio.list_layers(f"OAPIF:{url}/ogc/features")
    assert {name for name, _ in layers} == {"trees", "buoys"}


def test_gdal_reads_more_than_a_page_with_types_and_crs(url: str) -> None:
    about, shapes, columns = read(url, "trees")
    assert len(shapes) == TREES, "page by page, each once"
    assert "CRS84" in about["crs"]
    assert len(set(columns["id"])) == TREES
    order = np.argsort(columns["girth"])
    assert columns["girth"][order].tolist() == list(range(TREES))
    assert columns["height"].dtype == np.float64
    assert columns["species"][order][:3].tolist() == ["oak", "lime", "plane"]
    assert str(columns["planted"].dtype).startswith("datetime64")
    assert str(columns["planted"][order][1]).startswith("2026-01-02T06:00:00")
    first = shapes[order][51]
    assert (first.x, first.y) == (16.01, 48.01)
    info = pyogrio.read_info(f"OAPIF:{url}/ogc/features", layer="trees")
    assert info["features"] == TREES
    assert info["geometry_type"] in {"Point", "Unknown"}


def test_gdal_asks_for_a_box_and_for_what_a_filter_says(url: str) -> None:
    _, shapes, columns = read(url, "trees", bbox=(16.095, 48.095, 16.205, 48.205))
    assert len(shapes) == 121
    assert all(16.1 <= one.x <= 16.2 and 48.1 <= one.y <= 48.2 for one in shapes)
    _, shapes, columns = read(url, "trees", where="species = 'oak' AND girth < 30")
    assert sorted(columns["girth"].tolist()) == list(range(0, 30, 3))
    _, shapes, _ = read(url, "trees", bbox=(0.0, 0.0, 1.0, 1.0))
    assert len(shapes) == 0


def test_gdal_reads_in_another_system(url: str) -> None:
    about, shapes, columns = read(url, "trees", CRS="EPSG:3857", max_features=10)
    assert about["crs"] == "EPSG:3857"
    at = columns["id"].tolist().index("t0001")
    assert (shapes[at].x, shapes[at].y) == pytest.approx((1_782_225.05, 6_106_854.83), abs=0.01)


def test_gdal_is_told_of_what_is_not_there(url: str) -> None:
    with pytest.raises(pyogrio.errors.DataLayerError):
        read(url, "nowhere")


def test_a_plain_client_gets_along_too(url: str) -> None:
    with httpx.Client(base_url=f"{url}/ogc", trust_env=False, timeout=30) as client:
        told = client.get(
            "/features/collections/trees/items", params={"filter": "species LIKE 'o%' AND girth < 10", "limit": 2}
        )
        assert told.headers["content-type"] == "application/geo+json"
        assert told.headers["access-control-allow-origin"] == "*"
        assert (told.json()["numberMatched"], told.json()["numberReturned"]) == (4, 2)
        (following,) = (one["href"] for one in told.json()["links"] if one["rel"] == "next")
        assert client.get(following).json()["numberReturned"] == 2
        head = client.head("/features/collections/trees/items?limit=1")
        assert (head.status_code, head.content) == (200, b"")
        assert client.get("/features/collections/trees/items/t%30007").json()["id"] == "t0007"
        refused = client.get("/features/collections/trees/items?limit=x")
        assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")
        assert refused.headers["access-control-allow-origin"] == "*"
        assert client.get("/features/collections/nowhere").status_code == 404
        page = client.get("/features/collections", headers={"accept": "text/html"})
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "<script" not in page.text
        data = client.get(
            "/edr/collections/buoys/position",
            params={"coords": "POINT(17.01 48.1)", "datetime": "2026-03-01T02:00:00Z/.."},
        )
        assert data.headers["content-type"] == "application/prs.coverage+json"
        assert data.json()["ranges"]["wave"]["values"][:2] == [2.25, 3.25]
        assert client.get("/edr/collections/buoys/position", params={"coords": "POINT(0 0)"}).status_code == 204
        assert json.loads(client.get("/edr/collections").content)["collections"][0]["id"] == "buoys"
