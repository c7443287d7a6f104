"""Every endpoint in docs/endpoints.md is there, and every endpoint that is there is in it."""

import ast
import base64
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hansa.platform import admin
from hansa.platform.ngsild.binding import ROUTES

TEXT = (Path(__file__).parents[2] / "docs" / "endpoints.md").read_text("utf-8")
ROW = re.compile(r"^\| `([A-Z]+) (/\S*)` \| [^|\s]", re.MULTILINE)
SAID = set(ROW.findall(TEXT))
MOUNT = "/ngsi-ld/v1/"
VERB = re.compile(r"'(GET|POST|PUT|PATCH|DELETE)'")

PROFILE = {"name": "weather", "type": "WeatherObserved", "channels": {"temperature": "temperature"}}
READING = {"id": "urn:ngsi-ld:Bench:b1", "type": "Bench", "height": {"type": "Property", "value": 0.4}}


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    """One client for all: making one costs more than a request."""
    with httpx.Client(trust_env=False, verify=False, timeout=30) as client:
        yield client


def anonymous(path: str) -> str:
    """A path whose variable segments have no names."""
    return re.sub(r"\{\w+\}", "*", path)


def admin_cases() -> int:
    """How many routes the administrator's door tells apart: cases that begin with a verb, or are guarded by one."""
    cases = [one for one in ast.walk(ast.parse(inspect.getsource(admin))) if isinstance(one, ast.match_case)]
    return sum(
        bool(VERB.search(ast.unparse(one.pattern) + (ast.unparse(one.guard) if one.guard else ""))) for one in cases
    )


def test_every_route_of_the_administrator_is_documented_and_nothing_else() -> None:
    said = {(verb, anonymous(path)) for verb, path in SAID if path.startswith("/admin/")}
    listed = re.findall(r"([A-Z]+) +(/admin/[^\s,]+)", admin.__doc__ or "")
    assert said == {(verb, re.sub(r"<\w+>", "*", path)) for verb, path in listed}
    assert len(said) == admin_cases()


def test_every_route_of_ngsi_ld_is_documented_and_nothing_else() -> None:
    said = {(verb, anonymous(path)) for verb, path in SAID if path.startswith(MOUNT)}
    assert said == {(verb, MOUNT + path) for path, verbs in ROUTES.items() for verb in verbs}


@pytest.mark.parametrize("mount", ["/ngsi-ld/v1/", "/ccc/ngsi-ld/v1/"])
def test_a_city_answers_every_documented_route_of_ngsi_ld_and_no_other(
    city: Any, http: httpx.Client, mount: str
) -> None:
    for path in {path for _, path in SAID if path.startswith(MOUNT)}:
        asked = mount + re.sub(r"\{\w+\}", "urn:x:1", path.removeprefix(MOUNT))
        told = http.options(city.url + asked)
        assert told.status_code == 204, asked
        verbs = set(told.headers["allow"].split(", ")) - {"HEAD", "OPTIONS"}
        assert verbs == {verb for verb, one in SAID if one == path}, path
    assert http.options(f"{city.url}{mount}nothing").status_code == 404


def test_a_city_answers_every_other_documented_endpoint(city: Any, http: httpx.Client) -> None:
    """Each is called once, as somebody would who read the page; a page that says more or less than this is wrong."""
    called: set[tuple[str, str]] = set()

    def call(verb: str, path: str, status: int, body: Any = None, **variable: str) -> Any:
        called.add((verb, path))
        asked = path.format(**variable)
        basic = variable.get("basic")
        headers = {"authorization": f"Basic {basic}"} if basic else {}
        answer = http.request(verb, city.url + asked, json=body, headers=headers)
        assert answer.status_code == status, f"{verb} {asked}: {answer.status_code} {answer.text[:300]}"
        return answer

    page = call("GET", "/", 200).text
    call("GET", "/static/{file}", 200, file=re.findall(r'"/static/([^"]+\.css[^"]*)"', page)[0])
    for path in ("/entities", "/subscriptions", "/contexts"):
        assert 'type="module"' in call("GET", path, 200).text
    assert 'type="module"' in call("GET", "/entities/{id}", 200, id="urn:x:1").text
    assert call("GET", "/health", 200).json()["status"] == "ok"
    assert call("GET", "/ready", 200).json() == {"ready": True}
    assert "hansa_log_seq" in call("GET", "/metrics", 200).text
    assert call("GET", "/openapi.json", 200).json()["openapi"] == "3.1.0"
    for path in ("/live", "/ccc/live"):
        with http.stream("GET", city.url + path) as stream:
            assert stream.status_code == 200
            assert stream.headers["content-type"] == "text/event-stream"
        assert path in TEXT
    called.add(("GET", "/live"))

    claim = call("POST", "/admin/devices", 201, {"name": "north", "profile": PROFILE}).json()["claim"]
    secret = call("POST", "/collect/claim", 200, {"device": "north", "claim": claim}).json()["secret"]
    basic = base64.b64encode(f"north:{secret}".encode()).decode()
    for kind in ("json", "weather", "auto"):
        assert (
            call("POST", "/collect/{format}", 200, {"temperature": 3.1}, format=kind, basic=basic).json()["taken"] == 1
        )
    call("POST", "/collect/{format}", 400, {"temperature": "cold", "at": "never"}, format="senml", basic=basic)
    call("POST", "/collect/{format}", 404, {"temperature": 3.1}, format="telegram", basic=basic)

    assert [one["name"] for one in call("GET", "/admin/devices", 200).json()] == ["north"]
    assert call("GET", "/admin/deliveries", 400).json()["where"] == "subscription"
    assert http.get(f"{city.url}/admin/deliveries?subscription=urn:x:1").status_code == 404
    letters = call("GET", "/admin/deadletters", 200).json()
    assert len(letters) == 2
    unread, unknown = (one["id"] for one in sorted(letters, key=lambda one: one["detail"]["format"]))
    call("POST", "/admin/deadletters/{id}/retry", 400, id=unread)
    call("DELETE", "/admin/deadletters/{id}", 204, id=unknown)
    call("PUT", "/admin/devices/{name}/profile", 200, PROFILE, name="north")
    call("PUT", "/admin/devices/{name}/profile", 400, {**PROFILE, "type": "Another"}, name="north")
    call("POST", "/admin/devices/{name}/state", 200, {"state": "quarantined"}, name="north")
    call("POST", "/admin/devices/{name}/renew", 200, name="north")
    writes = [{"kind": "upsert", "id": READING["id"], "doc": READING}]
    assert call("POST", "/admin/import", 200, writes).json() == {"taken": 1, "refused": []}
    schema = {"$id": "https://example.org/lamp.json", "properties": {"type": {"const": "Lamp"}}}
    assert call("POST", "/admin/models", 201, {"name": "lamp.json", "schema": schema}).json()["type"] == "Lamp"
    assert [one["type"] for one in call("GET", "/admin/models", 200).json()] == ["Lamp"]
    lamp = {"entity": {"id": "urn:ngsi-ld:Lamp:1", "type": "Lamp"}}
    assert call("POST", "/admin/models/check", 200, lamp).json()["models"][0]["faults"] == []
    call("DELETE", "/admin/models/{word}", 200, word="Lamp")
    assert "wall" in call("PUT", "/admin/clock", 400, {"now": "2026-11-22T18:00:00Z"}).json()["detail"]

    assert called == {(verb, path) for verb, path in SAID if not path.startswith(MOUNT)}


def test_a_driven_clock_is_turned_forward_and_never_back(serve: Callable[..., Any], http: httpx.Client) -> None:
    city = serve("--clock", "driven@2026-04-11T15:00:00Z")

    def turn(**said: Any) -> Any:
        told = http.put(f"{city.url}/admin/clock", json=said)
        assert told.status_code == 200, told.text
        return told.json()

    assert city.get("/health").json()["now"] == "2026-04-11T15:00:00Z"
    assert turn(now="2026-04-11T18:00:00Z") == {"now": "2026-04-11T18:00:00Z", "rate": 0.0}
    assert turn(now="2026-04-11T12:00:00Z")["now"] == "2026-04-11T18:00:00Z"
    assert turn(now="2026-04-11T20:00:00Z", rate=60)["rate"] == 60.0
    assert city.get("/health").json()["now"] >= "2026-04-11T20:00:00Z"


def test_a_path_that_is_not_documented_is_not_there(city: Any) -> None:
    for path in ("/nothing", "/admin/nothing", "/collect/json/more", "/static/nothing.css"):
        assert city.get(path).status_code == 404, path
