"""GDAL, through pyogrio, reads the city's OGC API - Features as it reads anybody's (driver OAPIF); so do others."""

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

ROWS = 2_500
DATASET = "urn:ngsi-ld:Dataset:"
MEANS = {
    "id": "Which buoy", "lon": "Longitude", "lat": "Latitude", "time": "When it was measured", "wind": "What wind",
    "n": "Count", "wave": "Height of waves in m",
}  # fmt: skip


def buoys() -> str:
    """Fifty buoys on a grid, each measured for fifty hours: features, and series too."""
    lines = [",".join(MEANS)]
    for n in range(ROWS):
        buoy, hour = divmod(n, 50)
        when = f"2026-03-{1 + hour // 24:02}T{hour % 24:02}:00:00Z"
        place = f"{16 + buoy % 10 / 100:.2f},{48 + buoy // 10 / 100:.2f}"
        lines.append(f"b{buoy:02},{place},{when},{('calm', 'breeze', 'storm')[n % 3]},{n},{n / 4 + 0.05:.2f}")
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
    assert [name for name, _ in pyogrio.list_layers(f"OAPIF:{url}/ogc/features")] == ["buoys"]


def test_gdal_reads_more_than_a_page_with_types_and_crs(url: str) -> None:
    about, shapes, columns = read(url, "buoys")
    assert len(shapes) == ROWS, "page by page, each once"
    assert "CRS84" in about["crs"]
    assert len(set(columns["id"])) == ROWS
    order = np.argsort(columns["n"])
    assert columns["n"][order].tolist() == list(range(ROWS))
    assert columns["wave"].dtype == np.float64
    assert columns["wind"][order][:3].tolist() == ["calm", "breeze", "storm"]
    assert str(columns["time"].dtype).startswith("datetime64")
    assert str(columns["time"][order][25]).startswith("2026-03-02T01:00:00")
    one = shapes[order][51 * 11]
    assert (one.x, one.y) == (16.01, 48.01)
    info = pyogrio.read_info(f"OAPIF:{url}/ogc/features", layer="buoys")
    assert info["features"] == ROWS
    assert info["geometry_type"] in {"Point", "Unknown"}


def test_gdal_asks_for_a_box_and_for_what_a_filter_says(url: str) -> None:
    _, shapes, columns = read(url, "buoys", bbox=(16.015, 48.005, 16.045, 48.025))
    assert len(shapes) == 6 * 50
    assert all(16.02 <= one.x <= 16.04 and 48.01 <= one.y <= 48.02 for one in shapes)
    _, shapes, columns = read(url, "buoys", where="wind = 'calm' AND n < 30")
    assert sorted(columns["n"].tolist()) == list(range(0, 30, 3))
    _, shapes, _ = read(url, "buoys", bbox=(0.0, 0.0, 1.0, 1.0))
    assert len(shapes) == 0


def test_gdal_reads_in_another_system(url: str) -> None:
    about, shapes, columns = read(url, "buoys", CRS="EPSG:3857", max_features=60)
    assert about["crs"] == "EPSG:3857"
    at = columns["n"].tolist().index(50)
    assert (shapes[at].x, shapes[at].y) == pytest.approx((1_782_225.05, 6_106_854.83), abs=0.01)


def test_gdal_is_told_of_what_is_not_there(url: str) -> None:
    with pytest.raises(pyogrio.errors.DataLayerError):
        read(url, "nowhere")


def test_a_plain_client_gets_along_too(url: str) -> None:
    with httpx.Client(base_url=f"{url}/ogc", trust_env=False, timeout=30) as client:
        items = "/features/collections/buoys/items"
        told = client.get(items, params={"filter": "wind LIKE 'c%' AND n < 10", "limit": 2})
        assert told.headers["content-type"] == "application/geo+json"
        assert told.headers["access-control-allow-origin"] == "*"
        assert (told.json()["numberMatched"], told.json()["numberReturned"]) == (4, 2)
        (following,) = (one["href"] for one in told.json()["links"] if one["rel"] == "next")
        assert client.get(following).json()["numberReturned"] == 2
        head = client.head(items + "?limit=1")
        assert (head.status_code, head.content) == (200, b"")
        one = client.get(f"{items}/b%307@2026-03-01T02%3A00%3A00Z").json()
        assert (one["id"], one["properties"]["n"]) == ("b07@2026-03-01T02:00:00Z", 352)
        refused = client.get(items + "?limit=x")
        assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")
        assert refused.headers["access-control-allow-origin"] == "*"
        assert client.get("/features/collections/nowhere").status_code == 404
        page = client.get("/features/collections", headers={"accept": "text/html"})
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "<script" not in page.text
        position = "/edr/collections/buoys/position"
        data = client.get(position, params={"coords": "POINT(16.001 48)", "datetime": "2026-03-01T02:00:00Z/.."})
        assert data.headers["content-type"] == "application/prs.coverage+json"
        assert data.json()["id"] == "b00"
        assert data.json()["ranges"]["wave"]["values"][:2] == [0.55, 0.8]
        assert client.get(position, params={"coords": "POINT(0 0)"}).status_code == 204
        assert [one["id"] for one in client.get("/edr/collections").json()["collections"]] == ["buoys"]
        found = client.get("/edr/collections/buoys/instances").json()["instances"]
        assert [one["id"] for one in found] == ["1"]
        again = client.get("/edr/collections/buoys/instances/1/position", params={"coords": "POINT(16 48)"})
        assert len(again.json()["ranges"]["n"]["values"]) == 50
