"""Requests that mean harm: each is answered with a problem, and in a time that nobody else notices."""

import asyncio
import json
import random
import time
from pathlib import Path
from typing import Any

import apsw
import pytest
from conftest_ngsild import Api, header, opened, said, small, station

from hansa.platform.http import Headers, Request
from hansa.platform.store import TooSlow
from hansa.trust.labels import ADMINISTRATOR

ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"
STATION = "urn:ngsi-ld:WeatherObserved:0"
OTHER = {"type": "Relationship"}


def place(lon: float, lat: float = 48.0) -> dict[str, Any]:
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [lon, lat]}}


def zigzag(count: int) -> str:
    return json.dumps([[17 + i % 7, 40 + i % 5] for i in range(count)])


def test_an_order_that_takes_for_ever_is_given_up(tmp_path: Path) -> None:
    for api in opened(tmp_path, direct=True, limits=small(read_s=0.1)):
        api.made(*(station(str(i), location=place(17 + i / 100)) for i in range(40)))
        params = {"type": "WeatherObserved", "local": "true", "orderBy": "location;dist-asc"}
        far = {"orderGeometry": "LineString", "orderFrom": zigzag(1_200)}
        begun = time.process_time()
        answer = api.get("entities", params | far)
        assert (answer.status, said(answer)["type"]) == (403, ERRORS + "TooComplexQuery")
        assert time.process_time() - begun < 2.0
        assert api.get("entities", params | {"orderFrom": "[17,48]"}).status == 200


def test_relationships_in_a_ring_are_followed_no_longer_than_anybody_waits(tmp_path: Path) -> None:
    for api in opened(tmp_path, direct=True, limits=small(read_s=0.005)):
        ring = [f"urn:ngsi-ld:WeatherObserved:{i}" for i in range(150)]
        api.made(*(station(str(i), next={**OTHER, "object": ring[(i + 1) % 150]}) for i in range(150)))
        answer = api.get("entities", {"type": "WeatherObserved", "join": "inline", "joinLevel": "9", "limit": "150"})
        assert (answer.status, said(answer)["type"]) == (403, ERRORS + "TooComplexQuery")
        assert api.get(f"entities/{STATION}", {"join": "inline"}).status == 200


def test_a_read_that_is_stopped_in_a_small_look_up_is_late_and_not_broken(quick: Api) -> None:
    """SQLite stops whatever runs when the time is up: also what plans a query."""
    reader = quick.city.reader
    with pytest.raises(TooSlow), reader.deadline(1_000):
        raise apsw.InterruptError
    with pytest.raises(apsw.BusyError), reader.deadline(1_000):
        raise apsw.BusyError


def test_a_polygon_that_is_a_scribble_stops_nobody(quick: Api) -> None:
    chance = random.Random(3)
    ring = [[17 + round(chance.random(), 4), 48 + round(chance.random(), 4)] for _ in range(400)]
    scribble = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    quick.made(station("0", location={"type": "GeoProperty", "value": scribble}))
    begun = time.process_time()
    box = "[[[17.2,48.2],[17.8,48.2],[17.8,48.8],[17.2,48.2]]]"
    for relation in ("within", "contains", "overlaps", "equals", "intersects", "disjoint"):
        geo = {"type": "WeatherObserved", "georel": relation, "geometry": "Polygon"}
        for coordinates in (box, json.dumps(scribble["coordinates"], separators=(",", ":"))):
            answer = quick.get("entities", geo | {"coordinates": coordinates})
            assert answer.status in {200, 413}, answer.body
    assert time.process_time() - begun < 5.0


@pytest.mark.parametrize(
    ("q", "why"),
    [
        ("|".join(["a"] * 501), "more than 500 conditions"),
        ("(" * 8_000 + "a" + ")" * 8_000, "nested deeper"),
        (";".join(["a==1"] * 4_000), "characters"),
        ('a~="' + "(a|b)*" * 100 + '"', "the pattern has"),
        ('a~="(a{255}){255}"', "q:"),
    ],
)
def test_a_question_without_end_is_refused(quick: Api, q: str, why: str) -> None:
    answer = quick.get("entities", {"type": "WeatherObserved", "q": q})
    assert (answer.status, said(answer)["type"]) == (400, ERRORS + "BadRequestData")
    assert why in said(answer)["detail"]
    assert len(answer.body) < 1_000
    assert quick.get("entities", {"type": "WeatherObserved", "q": "|".join(["a"] * 500)}).status == 200


def test_an_entity_of_too_many_attributes_or_instances_is_refused(quick: Api) -> None:
    several = [{"type": "Property", "value": i, "datasetId": f"urn:d:{i}"} for i in range(1_001)]
    many = {f"a{i}": i for i in range(5_000)}
    for body in ({"id": "urn:a:b", "type": "T", "a": several}, {"id": "urn:a:b", "type": "T", **many}):
        answer = quick.post("entities", body)
        assert answer.status == 413, answer.body
        assert quick.get("entities/urn:a:b").status == 404
    assert quick.post("entities", {"id": "urn:a:b", "type": "T", "a": several[:1_000]}).status == 201


def test_a_thousand_at_once_to_one_entity_are_all_there_in_the_end(tmp_path: Path) -> None:
    for api in opened(tmp_path, direct=False):
        api.made({"id": "urn:a:b", "type": "T", "both": {"type": "Property", "value": {"none": 0}}})

        async def patched(path: str, body: Any, at: Api = api) -> None:
            raw = json.dumps(body).encode()
            pairs = [(b"content-type", b"application/json"), (b"content-length", str(len(raw)).encode())]
            request = Request("PATCH", ["entities", "urn:a:b", *path.split()], b"", raw, Headers(pairs), ADMINISTRATOR)
            while (answer := await at.door.handle(request)).status == 503:  # too many at once: come again, as it says
                assert int(header(answer, "retry-after") or 0) > 0
                await asyncio.sleep(0.01)
            assert answer.status == 204, answer.body

        async def all_at_once(ask: Any = patched) -> None:
            merges = (ask("", {"both": {"type": "Property", "value": {f"k{i}": i}}}) for i in range(500))
            await asyncio.gather(*merges, *(ask("attrs", {f"a{i}": i}) for i in range(500)))

        api.runner.run(all_at_once())
        doc = said(api.get("entities/urn:a:b"))
        assert doc["both"]["value"] == {"none": 0, **{f"k{i}": i for i in range(500)}}
        assert [doc[f"a{i}"]["value"] for i in range(500)] == list(range(500))
        assert list(api.city.store.check()) == []


def test_composed_and_decomposed_letters_are_two_ids(quick: Api) -> None:
    """RFC 3987, 5.3.2.2: who compares IRIs does not normalise them."""
    quick.made({"id": "urn:x:\u00e9", "type": "T"}, {"id": "urn:x:e\u0301", "type": "T"})
    assert said(quick.get("entities/urn:x:\u00e9"))["id"] == "urn:x:\u00e9"
    quick.delete("entities/urn:x:\u00e9")
    assert said(quick.get("entities/urn:x:e\u0301"))["id"] == "urn:x:e\u0301"


@pytest.mark.parametrize("ident", ["urn:x:a\r\nset-cookie: b", "urn:x:a b", "urn:x:<a>", "urn:x:\u0000"])
def test_no_id_breaks_out_of_a_header(quick: Api, ident: str) -> None:
    answer = quick.post("entities", {"id": ident, "type": "T"})
    assert (answer.status, said(answer)["where"]) == (400, "id")
    assert not any(b"\n" in value for _, value in answer.headers)
