"""Every endpoint in docs/endpoints.md is there, and every endpoint that is there is in it."""

import ast
import base64
import inspect
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import httpx
import pyotp
import pytest
from joserfc.jwk import OKPKey

from hansa import clock, platform
from hansa.platform.ngsild.binding import ROUTES
from soft_key import SoftKey

TEXT = (Path(__file__).parents[2] / "docs" / "endpoints.md").read_text("utf-8")
ROW = re.compile(r"^\| `([A-Z]+) (/\S*)` \| [^|\s]", re.MULTILINE)
SAID = set(ROW.findall(TEXT))
MOUNT = "/ngsi-ld/v1/"
PEOPLE = re.compile(r"/(account|sign-in|enrol|me|people|admin/people|admin/invitations)(/|$)")
VERB = re.compile(r"'(GET|POST|PUT|PATCH|DELETE)'")

PROFILE = {"name": "weather", "type": "WeatherObserved", "channels": {"temperature": "temperature"}}
READING = {"id": "urn:ngsi-ld:Bench:b1", "type": "Bench", "height": {"type": "Property", "value": 0.4}}


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    """One client for all: making one costs more than a request."""
    with httpx.Client(trust_env=False, verify=False, timeout=30) as client:
        yield client


def key(name: str) -> dict[str, Any]:
    """The public key of a service."""
    return {**OKPKey.generate_key().as_dict(private=False), "kid": name}


def anonymous(path: str) -> str:
    """A path whose variable segments have no names."""
    return re.sub(r"\{\w+\}", "*", path)


def doors() -> dict[Any, list[tuple[str, str]]]:
    """The modules that have doors below `/admin`, and the routes that each names above its code."""
    modules = (import_module(f"hansa.platform.{one.name}") for one in iter_modules(platform.__path__))
    named = ((one, re.findall(r"([A-Z]+) +(/admin/[^\s,]+)", one.__doc__ or "")) for one in modules)
    return {one: [(verb, re.sub(r"<\w+>", "*", path)) for verb, path in routes] for one, routes in named if routes}


def admin_cases(door: Any) -> int:
    """How many routes a door tells apart: cases that begin with a verb, or are guarded by one."""
    cases = [one for one in ast.walk(ast.parse(inspect.getsource(door))) if isinstance(one, ast.match_case)]
    return sum(
        bool(VERB.search(ast.unparse(one.pattern) + (ast.unparse(one.guard) if one.guard else ""))) for one in cases
    )


def test_every_route_of_the_administrator_is_documented_and_nothing_else() -> None:
    said = {(verb, anonymous(path)) for verb, path in SAID if path.startswith("/admin/")}
    listed = doors()
    assert len(listed) > 3
    assert said == {route for routes in listed.values() for route in routes}
    for door, routes in listed.items():
        assert len(routes) == admin_cases(door), door.__name__


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
    for path in (
        "/entities",
        "/subscriptions",
        "/contexts",
        "/approvals",
        "/sharing",
        "/resources",
        "/participation",
        "/requests",
        "/warnings",
        "/commands",
        "/scorecard",
        "/strategy",
        "/solutions",
        "/incidents",
        "/run-books",
        "/map",
        "/rules",
    ):
        assert 'type="module"' in call("GET", path, 200).text
    for path in ("/entities/{id}", "/incidents/{id}"):
        assert 'type="module"' in call("GET", path, 200, id="urn:x:1").text
    for path in ("", "warnings", "subscribe", "report", "near", "services", "works", "take-part", "street", "city"):
        assert 'type="module"' in call("GET", f"/en/{path}", 200).text
    assert 'type="module"' in call("GET", "/en/city/{framework}", 404, framework="none").text
    call("GET", "/kpi/{framework}.{form}", 404, framework="u4ssc", form="csv")
    for path in ("/en/about", "/en/data", "/en/data/requests", "/data"):
        assert 'type="module"' in call("GET", path, 200).text
    assert 'type="module"' in call("GET", "/en/data/{dataset}", 404, dataset="none").text
    assert call("GET", "/en/data/explore", 303).headers["location"] == "/en/data"
    assert call("GET", "/sta/v1.1", 200).json()["serverSettings"]["conformance"]
    assert call("GET", "/sta/v1.1/{rest}", 200, rest="Things").json() == {"value": []}
    assert 'type="module"' in call("GET", "/en/solutions", 200).text
    listed = call("GET", "/solutions/catalogue.jsonld", 200).json()["entries"]
    assert "urn:hansa:solution:hansa:app-frost" in {one["id"] for one in listed}
    assert 'type="module"' in call("GET", "/en/solutions/{id}", 404, id="urn:x:1").text
    for path in ("/en/warnings/{id}", "/en/w/{token}", "/en/requests/{id}", "/en/r/{token}"):
        assert 'type="module"' in call("GET", path, 404, id="urn:x:1", token="none").text
    assert call("GET", "/manifest.webmanifest", 200).json()["start_url"] == "/en/"
    assert "KNOWS" in call("GET", "/worker.js", 200).text
    call("POST", "/media/{id}", 404, id="urn:x:1")
    call("GET", "/media/{id}/{sha256}", 404, id="urn:x:1", sha256="0" * 64)
    call("GET", "/photos/{id}/{sha256}", 404, id="urn:x:1", sha256="0" * 64)
    told = {"service_code": "tree", "lat": "48", "long": "16", "attribute[blocks]": "no"}
    reported = http.post(f"{city.url}/open311/v2/requests.json", data=told)
    assert reported.status_code == 201
    called.add(("POST", "/open311/v2/requests.{format}"))
    (made,) = reported.json()
    for path in ("discovery", "services", "requests"):
        call("GET", f"/open311/v2/{path}.{{format}}", 200, format="xml")
    call("GET", "/open311/v2/services/{code}.{format}", 200, code="tree", format="xml")
    for path in ("requests", "request"):
        call("GET", f"/open311/v2/{path}/{{id}}.{{format}}", 200, id=made["service_request_id"], format="json")
    call("GET", "/open311/v2/tokens/{token}.{format}", 200, token=made["token"], format="json")
    call("GET", "/data/{id}", 303, id="catalog")
    assert "<feed" in call("GET", "/data/{id}.{form}", 200, id="feed", form="atom").text
    call("GET", "/data/{id}/{version}.{form}", 404, id="none", version="1", form="csv")
    call("GET", "/data/{id}/{what}", 404, id="none", what="preview")
    assert call("GET", "/api/3", 200).json() == {"version": 3}
    for path in ("/api/3/action", "/api/action"):
        assert call("GET", f"{path}/{{name}}", 200, name="site_read").json()["result"] is True
        assert call("POST", f"{path}/{{name}}", 200, {}, name="package_list").json()["result"] == []
    for path in ("", "/api", "/conformance", "/collections"):
        call("GET", f"/ogc/features{path}", 200)
        call("GET", f"/ogc/edr{path}", 200)
    for path in ("", "/queryables", "/items", "/items/{feature}"):
        call("GET", f"/ogc/features/collections/{{id}}{path}", 404, id="none", feature="1")
    queries = "position radius area cube trajectory locations locations/{ids} items items/{station} instances"
    for path in ("", *(f"/{one}" for one in queries.split()), "/instances/{version}"):
        call("GET", f"/ogc/edr/collections/{{id}}{path}", 404, id="none", ids="a", station="a", version="1")
    for path in ("", "/given", "/published"):
        call("GET", f"/votes/{{key}}{path}", 404, key="none")
    for path in ("/sign", "/cast"):
        call("POST", f"/votes/{{key}}{path}", 404, {}, key="none")
    assert "<feed" in call("GET", "/cap/feed.atom", 200).text
    assert "BEGIN CERTIFICATE" in call("GET", "/cap/certificate.pem", 200).text
    call("GET", "/cap/{identifier}.xml", 404, identifier="none")
    assert call("POST", "/cap", 400, {}).json()["where"] == "signature"
    call("POST", "/w/{token}", 404, {}, token="none")
    assert call("POST", "/w/code/{recipient}", 400, {}, recipient="none").json()["where"] == "code"
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
    assert call("POST", "/admin/services", 201, {"name": "ledger", "keys": [key("a")]}).json()["keys"][0]["kid"] == "a"
    assert [one["name"] for one in call("GET", "/admin/services", 200).json()] == ["ledger"]
    call("POST", "/admin/services/{name}/keys", 200, {"key": key("b")}, name="ledger")
    call("DELETE", "/admin/services/{name}/keys/{kid}", 200, name="ledger", kid="a")
    made = call("POST", "/admin/tokens", 201, {"owner": "service:ledger", "scope": ["read"], "days": 1}).json()
    assert [one["id"] for one in call("GET", "/admin/tokens", 200).json()] == [made["id"]]
    call("DELETE", "/admin/tokens/{id}", 204, id=made["id"])
    call("POST", "/admin/services/{name}/revoke", 200, name="ledger")
    assert call("POST", "/token", 400).json()["error"] == "invalid_request"
    assert 'type="module"' in call("GET", "/audit", 200).text
    entries = call("GET", "/audit/entries", 200).json()["entries"]
    assert {"device", "audit-begun"} <= {one["entry"]["kind"] for one in entries}
    assert call("GET", "/audit/entries/{n}", 200, n="0").json()["kind"] == "audit-begun"
    assert call("GET", "/audit/proof/{n}", 200, n="0").json()["n"] == 0
    assert call("GET", "/audit/consistency", 400).json()["where"] == "first"
    head = call("GET", "/audit/head", 200).text
    assert call("GET", "/audit/heads", 200).json()[0]["note"] == head
    assert len(call("GET", "/audit/keys", 200).text.splitlines()) == 3
    never = {"realm": "open", "entries": [["urn:x:never", "0" * 64]]}
    assert '"held":false' in call("POST", "/audit/held", 200, never).text
    call("POST", "/audit/cosign", 400)
    call("POST", "/audit/witness/add-checkpoint", 400)
    assert call("GET", "/audit/witness/seen", 200).json() == []
    call("POST", "/admin/exports", 204, {"realm": "open", "log": False})
    assert call("GET", "/oidc", 200).json() == []
    call("GET", "/oidc/{provider}/login", 404, provider="none")
    call("GET", "/oidc/{provider}/callback", 404, provider="none")
    for path in ("proposals", "break-glass", "derivations"):
        assert call("GET", f"/admin/{path}", 200).json() == []
    call("GET", "/admin/proposals/{id}", 404, id="none")
    call("POST", "/admin/proposals", 400, {"kind": "nothing", "what": {}, "reason": "x"})
    call("POST", "/admin/proposals/{id}/approve", 404, {"digest": "x"}, id="none")
    call("POST", "/admin/proposals/{id}/refuse", 404, {"reason": "x"}, id="none")
    call("POST", "/admin/break-glass", 403, {"roles": ["command"], "minutes": 5, "reason": "x"})
    call("POST", "/admin/break-glass/{id}/end", 404, {"reason": "x"}, id="none")
    call("POST", "/admin/derivations/{name}/end", 403, {"reason": "x"}, name="none")
    assert call("GET", "/admin/grants", 200).json() == {"departments": [], "speaksFor": [], "grants": []}
    call("POST", "/admin/grants", 403, {"owner": "parks", "to": "department:water"})
    call("POST", "/admin/grants/{id}/end", 404, id="none")
    call("POST", "/admin/ownership", 403, {"owner": "parks", "ids": ["urn:x:1"]})
    schema = {"$id": "https://example.org/lamp.json", "properties": {"type": {"const": "Lamp"}}}
    assert call("POST", "/admin/models", 201, {"name": "lamp.json", "schema": schema}).json()["type"] == "Lamp"
    assert [one["type"] for one in call("GET", "/admin/models", 200).json()] == ["Lamp"]
    lamp = {"entity": {"id": "urn:ngsi-ld:Lamp:1", "type": "Lamp"}}
    assert call("POST", "/admin/models/check", 200, lamp).json()["models"][0]["faults"] == []
    call("DELETE", "/admin/models/{word}", 200, word="Lamp")
    for path in ("/policies", "/why"):
        assert 'type="module"' in call("GET", path, 200).text
    told = call("GET", "/.well-known/authzen-configuration", 200).json()
    assert told["access_evaluation_endpoint"] == f"{city.url}/access/v1/evaluation"
    asked = {
        "subject": {"type": "person", "id": "ada", "properties": {"roles": ["operator"]}},
        "action": {"name": "read"},
        "resource": {"type": READING["type"], "id": READING["id"]},
    }
    assert call("POST", "/access/v1/evaluation", 200, asked).json()["decision"] is True
    many = call("POST", "/access/v1/evaluations", 200, {**asked, "evaluations": [{}, {}]}).json()["evaluations"]
    assert [one["decision"] for one in many] == [True, True]
    assert call("GET", "/access/v1/why", 400).json()["where"] == "id"
    assert http.get(f"{city.url}/access/v1/why?id={READING['id']}&roles=resident").json()["decision"] is False
    assert [one["realm"] for one in call("GET", "/access/v1/policies", 200).json()["policies"]] == ["open", "security"]
    text = call("GET", "/access/v1/policies/{realm}", 200, realm="security").json()["text"]
    assert call("POST", "/access/v1/policies/{realm}/check", 200, {"text": text}, realm="open").json()["faults"] == []
    assert call("POST", "/access/v1/policies/{realm}/trial", 200, {"text": text}, realm="open").json()["changes"]
    for path in ("points", "live"):
        assert call("GET", f"/map/{path}", 400).json()["where"] == "types"
    assert call("GET", "/map/shapes", 400).json()["where"] == "kinds"
    call("GET", "/map/tiles/{z}/{x}/{y}", 404, z="0", x="0", y="0")
    assert call("GET", "/map/pictures", 200).json() == []
    assert call("POST", "/map/pictures", 400, {}).json()["where"] == "name"
    call("GET", "/map/pictures/{id}/{z}/{x}/{y}", 404, id="urn:x:1", z="0", x="0", y="0")
    assert isinstance(call("GET", "/desk", 200).json()["apps"], list)
    call("POST", "/desk/{app}/{act}", 404, {"id": "x"}, app="none", act="none")
    call("GET", "/desk/{app}/{view}", 404, app="none", view="none")
    for path in ("receipt", "reply"):
        call("POST", f"/sms/{{secret}}/{path}", 404, {}, secret="none")
    ident = call("POST", "/desk/trials", 201, {"rule": "nonsense"}).json()["id"]
    assert [one["id"] for one in call("GET", "/desk/trials", 200).json()["trials"]] == [ident]
    call("GET", "/desk/trials/{id}", 200, id=ident)
    call("DELETE", "/desk/trials/{id}", 200, id=ident)
    assert call("GET", "/desk/rewind", 400).json()["where"] == "at"
    for path in ("rewind/changes", "rewind/day", "rewind/film", "screens"):
        assert call("GET", f"/desk/{path}", 400).json()["where"] == "from"
    assert "does not keep" in call("POST", "/desk/screens", 400, {"page": "map"}).json()["detail"]
    assert "wall" in call("PUT", "/admin/clock", 400, {"now": "2026-11-22T18:00:00Z"}).json()["detail"]

    assert called == {(verb, path) for verb, path in SAID if not path.startswith(MOUNT) and not PEOPLE.match(path)}


def test_a_city_answers_every_documented_endpoint_of_people(serve: Callable[..., Any]) -> None:
    """In the order in which people meet them, each with what it answers."""
    city = serve(trusted=False)
    origin = city.link.split("/enrol/")[0]
    page = {"origin": origin, "sec-fetch-site": "same-origin", "x-hansa": "page"}
    phone, laptop = SoftKey(origin), SoftKey(origin)
    who = {"link": city.link.rsplit("/", 1)[1], "name": "ada", "shown": "Ada"}
    called: set[tuple[str, str]] = set()
    cookies: dict[str, str] = {}
    with httpx.Client(base_url=city.url, trust_env=False, timeout=30, headers=page) as http:
        http.headers["host"] = origin.removeprefix("http://")

        def call(verb: str, path: str, status: int, body: Any = None, **variable: str) -> Any:
            called.add((verb, path))
            told = http.request(verb, path.format(**variable), json=body)
            assert told.status_code == status, f"{verb} {path}: {told.status_code} {told.text[:300]}"
            for one in told.headers.get_list("set-cookie"):  # of the name that was asked, not of the address behind it
                name, _, value = one.partition(";")[0].partition("=")
                cookies[name] = value
            http.headers["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
            return told.json() if told.content and "json" in told.headers["content-type"] else told.text

        for path in ("/sign-in", "/enrol/{link}"):
            assert 'type="module"' in call("GET", path, 200, link="x")
        assert call("POST", "/account/enrol", 200, who)["kind"] == "first"
        assert call("POST", "/account/enrol/codes", 200, who)["svg"]
        call("POST", "/account/enrol/password", 400, {**who, "password": "short"})
        made = phone.make(call("POST", "/account/enrol/ask", 200, who))
        call("POST", "/account/enrol/passkey", 200, {**who, "credential": made, "called": "Phone"})
        for path in ("/me", "/people"):
            assert 'type="module"' in call("GET", path, 200)
        (here,) = call("GET", "/account", 200)["sessions"]

        more = laptop.make(call("POST", "/account/passkeys/ask", 200))
        ident = call("POST", "/account/passkeys", 201, {"credential": more, "called": "Laptop"})["id"]
        call("PATCH", "/account/passkeys/{id}", 204, {"called": "Old laptop"}, id=ident)
        call("DELETE", "/account/passkeys/{id}", 204, id=ident)
        code = pyotp.TOTP(call("POST", "/account/codes", 200)["secret"]).now()
        call("PUT", "/account/password", 204, {"password": "meadow kettle tram violin", "code": code})
        call("POST", "/account/again/password", 401, {"password": "meadow kettle tram violin", "code": code})
        call("DELETE", "/account/password", 204)
        signed = phone.sign(call("POST", "/account/again", 200))
        call("POST", "/account/again/passkey", 200, {"credential": signed})
        call("DELETE", "/account/sessions", 204)
        call("DELETE", "/account/sessions/{id}", 404, id="none")

        assert [one["name"] for one in call("GET", "/admin/people", 200)["people"]] == ["ada"]
        call("PATCH", "/admin/people/{name}", 200, {"shown": "Ada L."}, name="ada")
        call("POST", "/admin/people/{name}/recover", 403, name="ada")
        ident = call("POST", "/admin/invitations", 201, {"roles": ["operator"]})["id"]
        assert [one["id"] for one in call("GET", "/admin/invitations", 200)] == [ident]
        ident = call("POST", "/admin/invitations/{id}/tell", 200, id=ident)["id"]
        call("DELETE", "/admin/invitations/{id}", 204, id=ident)
        call("POST", "/admin/invitations/first", 404)
        assert call("DELETE", "/admin/people/{name}/sessions", 200, name="ada") == {"ended": 1}

        call("POST", "/account/sign-in/password", 401, {"name": "ada", "password": "meadow kettle tram violin"})
        signed = phone.sign(call("POST", "/account/sign-in", 200))
        call("POST", "/account/sign-in/passkey", 200, {"credential": signed})
        assert call("GET", "/account", 200)["sessions"][0]["id"] != here["id"]
        call("POST", "/account/sign-out", 204)
        call("GET", "/account", 401)
    assert called == {(verb, path) for verb, path in SAID if PEOPLE.match(path)}


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
    assert clock.parse(city.get("/health").json()["now"]) >= clock.parse("2026-04-11T20:00:00Z")


def test_a_path_that_is_not_documented_is_not_there(city: Any) -> None:
    for path in ("/nothing", "/admin/nothing", "/collect/json/more", "/static/nothing.css"):
        assert city.get(path).status_code == 404, path
