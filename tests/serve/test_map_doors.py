"""What maps ask for, of a real city: points, what moves, shapes, the base map, pictures from above."""

import io
import json
import threading

import httpx
import pytest
from PIL import Image

from hansa.platform.cutting import mercator
from pmtiles_file import archive
from served import KNOWN

KMH = "KMH"
TYPES = "types=Vehicle"
LINE = {"type": "LineString", "coordinates": [[17.1, 48.3], [17.2, 48.3]]}
AREA = {"type": "Polygon", "coordinates": [[[17.1, 48.3], [17.2, 48.3], [17.2, 48.4], [17.1, 48.3]]]}
HERE = "corners=17.1,48.3,17.2,48.4"


def vehicle(i, lon=17.1, lat=48.3, **more):
    return {
        "id": f"urn:ngsi-ld:Vehicle:v{i}",
        "type": "Vehicle",
        "name": {"type": "Property", "value": f"Tram {i}"},
        "speed": {
            "type": "Property",
            "value": 10 + len(str(i)) if isinstance(i, str) else 10 + i,
            "unitCode": KMH,
            "observedAt": "2026-11-22T10:00:00Z",
        },
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [lon, lat]}},
        **more,
    }


@pytest.fixture(scope="module")
def filled(city):
    for one in (vehicle(1), vehicle(2, 17.2), vehicle(3, location={"type": "GeoProperty", "value": LINE})):
        assert city.post("/ngsi-ld/v1/entities", one).status_code == 201
    for kind, shape, more in (
        ("RoadSegment", LINE, {"roadClass": "residential"}),
        ("Building", AREA, {"height": 12.5}),
        ("Building", {"type": "Point", "coordinates": [17.1, 48.3]}, {}),
    ):
        said = {name: {"type": "Property", "value": value} for name, value in more.items()}
        place = {"type": "GeoProperty", "value": shape}
        made = {"id": f"urn:ngsi-ld:{kind}:{shape['type']}", "type": kind, "location": place, **said}
        assert city.post("/ngsi-ld/v1/entities", made).status_code == 201
    return city


def rows(block):
    columns = ("id", "lon", "lat", "value", "at", "name")
    return [dict(zip(columns, one, strict=True)) for one in zip(*(block[name] for name in columns), strict=True)]


def points(city, query):
    answer = city.get(f"/map/points?{query}")
    assert answer.status_code == 200, answer.text
    return [
        one | {"id": block["prefix"] + one["id"]}
        for line in answer.text.splitlines()
        for block in [json.loads(line)]
        for one in rows(block)
    ]


class Listening:
    """A map that listens, in a thread of its own."""

    def __init__(self, city, query):
        self.heard = []
        self.came = threading.Condition()
        self._client = httpx.Client(verify=KNOWN, trust_env=False, timeout=30)
        self._stream = self._client.stream("GET", f"{city.url}/map/live?{query}")
        self._answer = self._stream.__enter__()
        assert self._answer.status_code == 200
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        event = ""
        try:
            for line in self._answer.iter_lines():
                if line.startswith("event: "):
                    event = line[7:]
                elif line.startswith("data: "):
                    with self.came:
                        self.heard.append((event, json.loads(line[6:])))
                        self.came.notify_all()
        except httpx.HTTPError:
            pass

    def until(self, wanted, within_s=15.0):
        with self.came:
            assert self.came.wait_for(lambda: any(wanted(*one) for one in self.heard), within_s), self.heard[-5:]
            return next(one[1] for one in self.heard if wanted(*one))

    def close(self):
        self._client.close()


def test_points_come_in_columns_and_only_what_has_a_point(filled):
    found = points(filled, f"{TYPES}&show=Vehicle:speed")
    assert {one["id"]: (one["lon"], one["value"]) for one in found} == {
        "urn:ngsi-ld:Vehicle:v1": (17.1, 11),
        "urn:ngsi-ld:Vehicle:v2": (17.2, 12),
    }
    assert found[0]["name"] == "Tram 1"
    assert found[0]["at"] == 1795341600
    assert [one["value"] for one in points(filled, f"{TYPES}&show=Vehicle:weight")] == [None, None]
    assert points(filled, "types=Nothing") == []


@pytest.mark.parametrize(
    ("query", "where"),
    [("", "types"), ("types=" + ",".join(f"T{i}" for i in range(101)), "types"), (f"{TYPES}&show=Bus:speed", "show"),
     (f"{TYPES}&show=Vehicle:", "show"), (f"{TYPES}&colour=red", "query"), (f"{TYPES}&at=yesterday", None)],
)  # fmt: skip
def test_what_no_map_asks_is_refused(filled, query, where):
    answer = filled.get(f"/map/points?{query}")
    assert answer.status_code == 400
    if where:
        assert answer.json()["where"] == where
    live = filled.get(f"/map/live?{query}")
    assert live.status_code == 400


def test_a_map_hears_what_moves_what_goes_and_what_rings(filled):
    page = Listening(filled, TYPES)
    page.until(lambda event, _: event == "ready")
    told = page.until(lambda event, _: event == "points")
    assert told["id"]
    moved = {"location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [17.5, 48.3]}}}
    for _ in range(3):
        assert filled.post("/ngsi-ld/v1/entities/urn:ngsi-ld:Vehicle:v2/attrs", moved).status_code == 204
    block = page.until(lambda event, data: event == "moved" and 17.5 in data["lon"])
    assert block["prefix"] + block["id"][0] == "urn:ngsi-ld:Vehicle:v2"
    alert = {
        "id": "urn:ngsi-ld:Alert:a1",
        "type": "Alert",
        "status": {"type": "Property", "value": "open"},
        "severity": {"type": "Property", "value": "high"},
        "alertSource": {"type": "Property", "value": "urn:ngsi-ld:Vehicle:v1"},
    }
    assert filled.post("/ngsi-ld/v1/entities", alert).status_code == 201
    rung = page.until(lambda event, data: event == "alarms" and "urn:ngsi-ld:Alert:a1" in data)
    assert rung["urn:ngsi-ld:Alert:a1"] == ["urn:ngsi-ld:Vehicle:v1", "high", None]
    assert filled.post("/ngsi-ld/v1/entities", vehicle(9)).status_code == 201
    page.until(lambda event, data: event == "moved" and any("v9" in data["prefix"] + one for one in data["id"]))
    gone = httpx.delete(f"{filled.url}/ngsi-ld/v1/entities/urn:ngsi-ld:Vehicle:v9", verify=KNOWN, trust_env=False)
    assert gone.status_code == 204
    page.until(lambda event, data: event == "moved" and "urn:ngsi-ld:Vehicle:v9" in data["gone"])
    other = {**vehicle(1), "id": "urn:ngsi-ld:Bus:b1", "type": "Bus"}
    assert filled.post("/ngsi-ld/v1/entities", other).status_code == 201
    assert filled.post("/ngsi-ld/v1/entities/urn:ngsi-ld:Vehicle:v1/attrs", moved).status_code == 204
    page.until(lambda event, data: event == "moved" and "v1" in "".join(data["prefix"] + one for one in data["id"]))
    assert not any("Bus" in json.dumps(data) for _, data in page.heard)  # nobody asked for buses
    page.close()


def test_what_was_is_told_as_it_was(filled):
    before = filled.get("/health").json()["now"]
    there = {"location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [17.9, 48.3]}}}
    was = {one["id"]: one["lon"] for one in points(filled, TYPES)}["urn:ngsi-ld:Vehicle:v1"]
    assert filled.post("/ngsi-ld/v1/entities/urn:ngsi-ld:Vehicle:v1/attrs", there).status_code == 204
    now = {one["id"]: one["lon"] for one in points(filled, TYPES)}
    then = {one["id"]: one["lon"] for one in points(filled, f"{TYPES}&at={before}")}
    assert now["urn:ngsi-ld:Vehicle:v1"] == 17.9
    assert then["urn:ngsi-ld:Vehicle:v1"] == was
    assert filled.get(f"/map/points?{TYPES}&at=2001-01-01T00:00:00Z").status_code == 400


def test_shapes_are_the_ground_with_their_kinds_and_heights(filled):
    answer = filled.get("/map/shapes?kinds=road:RoadSegment,building:Building")
    assert answer.status_code == 200
    found = {one["properties"]["id"]: one for one in answer.json()["features"]}
    assert found["urn:ngsi-ld:RoadSegment:LineString"]["properties"]["kind"] == "minor"
    assert found["urn:ngsi-ld:Building:Polygon"]["properties"]["height"] == 12.5
    assert "urn:ngsi-ld:Building:Point" not in found
    for query in ("", "kinds=road", "kinds=volcano:X", "types=RoadSegment"):
        assert filled.get(f"/map/shapes?{query}").status_code == 400


def test_a_stranger_is_told_nothing(serve):
    city = serve(trusted=False)
    for path in (
        "points?types=Vehicle",
        "live?types=Vehicle",
        "shapes?kinds=road:RoadSegment",
        "pictures",
        "tiles/0/0/0",
    ):
        for room in ("/map/", "/ccc/map/"):
            assert city.get(room + path).status_code == 401, path


def test_the_base_map_is_read_from_the_citys_own_file(serve, tmp_path):
    (tmp_path / "city").mkdir()
    (tmp_path / "city" / "valley.pmtiles").write_bytes(archive({(0, 0, 0): b"world", (2, 1, 1): b"two"}))
    (tmp_path / "city" / "hansa.toml").write_text('[city]\ntiles = "valley.pmtiles"\n')
    city = serve()
    answer = city.get("/map/tiles/2/1/1")
    assert (answer.status_code, answer.content) == (200, b"two")
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert city.get("/map/tiles/2/1/2").status_code == 204
    for path in ("x/1/1", "2/1", "2/1/1/1", "2/-1/1", "999999999999/1/1"):
        assert city.get(f"/map/tiles/{path}").status_code == 404
    page = city.get("/map", headers={"accept": "text/html"})
    assert "/map/tiles/{z}/{x}/{y}" in page.text
    assert "connect-src 'self';" in page.headers["content-security-policy"]


def photo(colour=(200, 30, 30), size=(300, 200)):
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG")
    return out.getvalue()


def test_a_picture_from_above_is_cut_kept_and_taken_away(filled):
    corners = "17.1,48.304;17.106,48.304;17.106,48.300;17.1,48.300"
    send = {"content": photo(), "headers": {"content-type": "image/jpeg"}, "trust_env": False, "timeout": 60}
    made = httpx.post(f"{filled.url}/map/pictures?name=Flood+at+noon&corners={corners}", **send)
    assert made.status_code == 201, made.text
    ident = made.json()["id"]
    (one,) = [it for it in filled.get("/map/pictures").json() if it["id"] == ident]
    assert one["name"] == "Flood at noon"
    assert one["bounds"] == [17.1, 48.3, 17.106, 48.304]
    z = one["maxzoom"]
    x, y = (int(one * 2**z) for one in mercator(17.103, 48.302))
    tile = filled.get(one["tiles"].replace("{z}", str(z)).replace("{x}", str(x)).replace("{y}", str(y)))
    assert tile.status_code == 200
    assert tile.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(tile.content)).size == (256, 256)
    assert filled.get(f"/map/pictures/{ident}/{z}/0/0").status_code == 204
    assert filled.get(f"/map/pictures/urn:ngsi-ld:MapPicture:none/{z}/{x}/{y}").status_code == 404
    assert filled.get(f"/map/pictures/urn:ngsi-ld:Vehicle:v1/{z}/{x}/{y}").status_code == 404
    gone = httpx.delete(f"{filled.url}/ngsi-ld/v1/entities/{ident}", verify=KNOWN, trust_env=False)
    assert gone.status_code == 204
    assert filled.get(f"/map/pictures/{ident}/{z}/{x}/{y}").status_code == 404
    assert httpx.get(f"{filled.url}/ccc/map/pictures", verify=KNOWN, trust_env=False).json() == []


@pytest.mark.parametrize(
    ("query", "body", "where"),
    [
        ("name=x&corners=1,2;3,4", photo(), "corners"),
        (HERE, photo(), "name"),
        (f"name=x&{HERE}", b"no picture", "body"),
        ("name=x&corners=17.2,48.3,17.1,nan", photo(), "corners"),
        ("name=x&corners=-170,48.3,170,48.4", photo(), "corners"),
        ("name=x&corners=17.1,48.3,17.1,48.3", photo(), "body"),
    ],
)
def test_what_is_no_picture_from_above_is_refused(filled, query, body, where):
    answer = httpx.post(f"{filled.url}/map/pictures?{query}", content=body, verify=KNOWN, trust_env=False, timeout=60)
    assert answer.status_code == 400, answer.text
    assert answer.json()["where"] == where


def test_doors_of_maps_know_their_verbs(filled):
    answer = filled.post("/map/points?types=Vehicle", {})
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert filled.get("/map/nothing").status_code == 404


def test_somebody_with_a_token_sees_on_the_map_what_policy_shows_him(filled):
    city = filled
    road = {"type": "GeoProperty", "value": LINE}
    for key, label in (("open", "open"), ("staff", None), ("secret", "security")):
        walker = {**vehicle(key), "id": f"urn:ngsi-ld:Walker:{key}", "type": "Walker"}
        trail = {"id": f"urn:ngsi-ld:Trail:{key}", "type": "Trail", "location": road}
        for doc in (walker, trail):
            said = [{"kind": "say", "id": doc["id"], "doc": doc, "label": label}]
            assert city.post("/admin/import", said).json()["refused"] == []
    made = {"name": "eye", "roles": ["operator"], "departments": [], "scope": None}
    assert city.post("/admin/services", made).status_code == 201
    token = city.post("/admin/tokens", {"owner": "service:eye", "scope": ["read", "subscribe"], "days": 2}).json()[
        "token"
    ]
    bearer = {"authorization": f"Bearer {token}"}
    seen = city.get("/map/points?types=Walker", headers=bearer)
    assert {one["name"] for line in seen.text.splitlines() for one in rows(json.loads(line))} == {
        "Tram open",
        "Tram staff",
    }
    shapes = city.get("/map/shapes?kinds=road:Trail", headers=bearer).json()["features"]
    assert {one["properties"]["id"] for one in shapes} == {"urn:ngsi-ld:Trail:open", "urn:ngsi-ld:Trail:staff"}
    with httpx.stream(
        "GET", f"{city.url}/map/live?types=Walker", headers=bearer, verify=KNOWN, trust_env=False, timeout=30
    ) as live:
        heard = ""
        for line in live.iter_lines():
            heard += line
            if line == "event: ready":
                break
    assert "Tram staff" in heard
    assert "secret" not in heard
    everything = city.get("/map/points?types=Walker").text
    assert "Tram secret" in everything
    assert city.get("/ccc/map/points?types=Walker", headers=bearer).text == ""
