"""Every endpoint in docs/endpoints.md is there, and every endpoint that is there is in it."""

import ast
import base64
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hansa.platform.admin import Admin
from hansa.platform.ngsild.binding import ROUTES

TEXT = (Path(__file__).parents[2] / "docs" / "endpoints.md").read_text("utf-8")
ROW = re.compile(r"^\| `([A-Z]+) (/\S*)` \| [^|\s]", re.MULTILINE)
SAID = set(ROW.findall(TEXT))
MOUNT = "/ngsi-ld/v1/"

PROFILE = {"name": "weather", "type": "WeatherObserved", "channels": {"temperature": "temperature"}}
READING = {"id": "urn:ngsi-ld:Bench:b1", "type": "Bench", "height": {"type": "Property", "value": 0.4}}


def anonymous(path: str) -> str:
    """A path whose variable segments have no names."""
    return re.sub(r"\{\w+\}", "*", path)


def admin_routes() -> Iterator[tuple[str, str]]:
    """What `Admin.handle` matches: `case ("POST", "devices", name, "renew")`."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(Admin.handle)))
    for case in (one for one in ast.walk(tree) if isinstance(one, ast.match_case)):
        assert isinstance(case.pattern, ast.MatchSequence)
        words = [ast.literal_eval(p.value) if isinstance(p, ast.MatchValue) else "*" for p in case.pattern.patterns]
        yield words[0], "/admin/" + "/".join(words[1:])


def test_every_route_of_the_administrator_is_documented_and_nothing_else() -> None:
    assert {(verb, anonymous(path)) for verb, path in SAID if path.startswith("/admin/")} == set(admin_routes())


def test_every_route_of_ngsi_ld_is_documented_and_nothing_else() -> None:
    said = {(verb, anonymous(path)) for verb, path in SAID if path.startswith(MOUNT)}
    assert said == {(verb, MOUNT + path) for path, verbs in ROUTES.items() for verb in verbs}


@pytest.mark.parametrize("mount", ["/ngsi-ld/v1/", "/ccc/ngsi-ld/v1/"])
def test_a_city_answers_every_documented_route_of_ngsi_ld_and_no_other(city: Any, mount: str) -> None:
    for path in {path for _, path in SAID if path.startswith(MOUNT)}:
        asked = mount + re.sub(r"\{\w+\}", "urn:x:1", path.removeprefix(MOUNT))
        told = httpx.options(city.url + asked, trust_env=False)
        assert told.status_code == 204, asked
        verbs = set(told.headers["allow"].split(", ")) - {"HEAD", "OPTIONS"}
        assert verbs == {verb for verb, one in SAID if one == path}, path
    assert httpx.options(f"{city.url}{mount}nothing", trust_env=False).status_code == 404


def test_a_city_answers_every_other_documented_endpoint(city: Any) -> None:
    """Each is called once, as somebody would who read the page; a page that says more or less than this is wrong."""
    called: set[tuple[str, str]] = set()

    def call(verb: str, path: str, status: int, body: Any = None, **variable: str) -> Any:
        called.add((verb, path))
        asked = path.format(**variable)
        basic = variable.get("basic")
        headers = {"authorization": f"Basic {basic}"} if basic else {}
        answer = httpx.request(verb, city.url + asked, json=body, headers=headers, timeout=30, trust_env=False)
        assert answer.status_code == status, f"{verb} {asked}: {answer.status_code} {answer.text[:300]}"
        return answer

    page = call("GET", "/", 200).text
    call("GET", "/static/{file}", 200, file=re.findall(r'"/static/([^"]+\.css[^"]*)"', page)[0])
    assert call("GET", "/health", 200).json()["status"] == "ok"
    assert call("GET", "/ready", 200).json() == {"ready": True}
    assert "hansa_log_seq" in call("GET", "/metrics", 200).text
    for path in ("/live", "/ccc/live"):
        with httpx.stream("GET", city.url + path, timeout=30, trust_env=False) as stream:
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
    letters = call("GET", "/admin/deadletters", 200).json()
    assert len(letters) == 2
    unread, unknown = (one["id"] for one in sorted(letters, key=lambda one: one["detail"]["format"]))
    call("POST", "/admin/deadletters/{id}/retry", 400, id=unread)
    call("DELETE", "/admin/deadletters/{id}", 204, id=unknown)
    call("POST", "/admin/devices/{name}/state", 200, {"state": "quarantined"}, name="north")
    call("POST", "/admin/devices/{name}/renew", 200, name="north")
    writes = [{"kind": "upsert", "id": READING["id"], "doc": READING}]
    assert call("POST", "/admin/import", 200, writes).json() == {"taken": 1, "refused": []}
    assert "wall" in call("PUT", "/admin/clock", 400, {"now": "2026-11-22T18:00:00Z"}).json()["detail"]

    assert called == {(verb, path) for verb, path in SAID if not path.startswith(MOUNT)}


def test_a_path_that_is_not_documented_is_not_there(city: Any) -> None:
    for path in ("/nothing", "/admin/nothing", "/collect/json/more", "/static/nothing.css"):
        assert city.get(path).status_code == 404, path
