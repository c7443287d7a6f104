"""@contexts over HTTP: added, listed, served, deleted, reloaded, made for subscriptions.

Clauses 5.13.1 to 5.13.5, 6.29.3.1 to 6.30.3.2, 5.5.4, 5.5.6 and 5.5.10.
"""

import asyncio
import json
import queue
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from conftest_ngsild import PUBLIC, Api, header, opened, said

from hansa.model import core_context as core
from hansa.model.link import link, linked
from hansa.network.contexts import Contexts
from hansa.network.http import Egress
from hansa.platform.ngsild import NgsiLd
from hansa.platform.subscriptions import Subscriptions

WORDS = {"speed": "https://one.example/speed", "Car": "https://one.example/Car"}
ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"
MOUNT = "/ngsi-ld/v1/jsonldContexts/"
CAR = {"id": "urn:ngsi-ld:Car:1", "type": "Car", "speed": 50}
LD = "application/ld+json"


class Web:
    """A web server in the loop of the test: paths and what they answer; a status alone, or a body."""

    def __init__(self) -> None:
        self.says: dict[str, Any] = {}
        self.seen: list[str] = []
        self.port = 0

    async def start(self) -> None:
        self.server = await asyncio.start_server(self.connected, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ")[1]
        self.seen.append(path)
        found = self.says.get(path, 404)
        status = found if isinstance(found, int) else 200
        body = b"" if isinstance(found, int) else found if isinstance(found, bytes) else json.dumps(found).encode()
        writer.write(b"HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))
        await writer.drain()
        writer.close()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


class Town(Api):
    """The binding with @contexts, and a web server to have them from."""

    web: Web

    def add(self, value: Any, **headers: str) -> str:
        made = self.post("jsonldContexts", {"@context": value}, **headers)
        assert made.status == 201, made.body
        place = header(made, "location")
        assert place is not None
        assert place.startswith(MOUNT)
        return place.removeprefix(MOUNT)

    def details(self, ident: str, **headers: str) -> Any:
        shown = self.get(f"jsonldContexts/{quote(ident, safe='')}", "details=true", **headers)
        assert shown.status == 200, shown.body
        return said(shown)

    def listed(self, params: str = "", **headers: str) -> Any:
        return said(self.get("jsonldContexts", params, **headers))


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    for api in opened(tmp_path, direct=False):
        town = Town(api.city)
        town.runner = api.runner
        town.web = Web()
        egress = Egress(["127.0.0.0/8"])
        contexts = Contexts(egress, at=api.city.clock.now)
        subscriptions = Subscriptions(api.city, egress, contexts)
        town.door = NgsiLd(api.city, contexts, subscriptions)

        async def begin(subscriptions: Subscriptions = subscriptions, web: Web = town.web) -> None:
            await web.start()
            await subscriptions.start()
            await subscriptions.ready()

        async def end(
            subscriptions: Subscriptions = subscriptions,
            contexts: Contexts = contexts,
            egress: Egress = egress,
            web: Web = town.web,
        ) -> None:
            await subscriptions.aclose()
            await contexts.aclose()
            await egress.aclose()
            web.server.close()
            await web.server.wait_closed()
            await asyncio.sleep(0)

        town.runner.run(begin())
        yield town
        town.runner.run(end())


def problem(response: Any) -> tuple[int, str]:
    return response.status, said(response)["type"].removeprefix(ERRORS)


def test_what_is_hosted_is_served_listed_and_used_until_it_is_deleted(town: Town) -> None:
    ident = town.add(WORDS)
    assert ident.startswith("urn:ngsi-ld:jsonldContext:")
    served = town.get(f"jsonldContexts/{ident}")
    assert (served.kind, said(served)) == (b"application/json", {"@context": WORDS})
    assert town.get(f"jsonldContexts/{ident}", "details=false").body == served.body
    assert town.get(f"jsonldContexts/{ident}", accept=LD).kind == LD.encode()
    url = f"http://city.example{MOUNT}{ident}"
    assert town.listed("kind=Hosted", host="city.example") == [url]
    assert town.listed("kind=Cached") == [core.URL]
    assert town.listed("kind=ImplicitlyCreated") == []
    town.made(CAR, link=link(url))
    assert said(town.get("entities", "type=Car", link=link(url)))[0]["speed"]["value"] == 50
    assert "https://one.example/speed" in said(town.get(f"entities/{CAR['id']}"))
    assert town.delete(f"jsonldContexts/{ident}").status == 204
    assert problem(town.get(f"jsonldContexts/{ident}")) == (404, "ResourceNotFound")
    assert problem(town.delete(f"jsonldContexts/{ident}")) == (404, "ResourceNotFound")
    assert town.listed() == [core.URL]
    assert town.web.seen == []


def test_what_is_known_of_one_tells_its_kind_and_its_age_and_how_often_it_was_found(town: Town) -> None:
    ident = town.add(WORDS)
    first = town.details(ident, host="city.example")
    assert first == {
        "URL": f"http://city.example{MOUNT}{ident}",
        "localId": ident,
        "kind": "Hosted",
        "createdAt": "2026-11-22T13:00:00Z",
        "numberOfHits": 0,
    }
    town.made(CAR, link=link(first["URL"]))
    second = town.details(ident)  # the first look was a hit, and so was the entity
    assert (second["numberOfHits"], second["lastUsage"]) == (2, "2026-11-22T13:00:00Z")
    assert town.listed("details=true&kind=Hosted")[0]["numberOfHits"] == 3
    assert town.listed("details=true&kind=Hosted")[0]["numberOfHits"] == 3, "a list looks for none of them"


def test_a_cached_one_is_known_by_its_url_and_is_its_hosts_to_serve(town: Town) -> None:
    url = town.web.url("/c")
    town.web.says = {"/c": {"@context": [WORDS, "/inner"]}, "/inner": {"@context": {"a": "https://one.example/a"}}}
    town.made(CAR, link=link(url))
    shown = town.details(url)
    assert (shown["URL"], shown["kind"], shown["numberOfHits"]) == (url, "Cached", 1)
    assert shown["expiresAt"] > shown["createdAt"] == "2026-11-22T13:00:00Z"
    assert town.details(shown["localId"])["numberOfHits"] == 2
    assert town.details(town.web.url("/inner"))["numberOfHits"] == 1, "what a context brings in is cached too"
    assert set(town.listed("kind=Cached")) == {core.URL, url, town.web.url("/inner")}
    assert problem(town.get(f"jsonldContexts/{quote(url, safe='')}")) == (422, "OperationNotSupported")
    assert problem(town.get("jsonldContexts/http%3A%2F%2Fx.example%2F", "details=true")) == (404, "ResourceNotFound")
    assert town.delete(f"jsonldContexts/{shown['localId']}").status == 204
    assert problem(town.get(f"jsonldContexts/{quote(url, safe='')}", "details=true")) == (404, "ResourceNotFound")
    town.made(CAR | {"id": "urn:ngsi-ld:Car:2"}, link=link(url))
    assert town.web.seen == ["/c", "/inner", "/c"]


def test_a_reload_fetches_a_cached_one_anew_and_changes_nothing_when_that_fails(town: Town) -> None:
    url, path = town.web.url("/c"), f"jsonldContexts/{quote(town.web.url('/c'), safe='')}"
    town.web.says = {"/c": {"@context": WORDS}}
    town.made(CAR, link=link(url))
    town.web.says["/c"] = {"@context": {**WORDS, "speed": "https://two.example/speed"}}
    assert town.delete(path, "reload=true").status == 204
    assert "https://one.example/speed" in said(town.get(f"entities/{CAR['id']}", link=link(url)))
    for broken in (503, b"no json", {"words": {}}, {"@context": 5}, {"@context": {"a": "b", "b": "a"}}):
        town.web.says["/c"] = broken
        assert problem(town.delete(path, "reload=true")) == (504, "LdContextNotAvailable")
        town.made(CAR | {"id": "urn:ngsi-ld:Car:2"}, link=link(url))
        assert "https://two.example/speed" in said(town.get("entities/urn:ngsi-ld:Car:2"))
        assert town.delete("entities/urn:ngsi-ld:Car:2").status == 204
    assert town.delete(path, "reload=false").status == 204


def test_only_what_is_cached_can_be_reloaded(town: Town) -> None:
    ident = town.add(WORDS)
    for wrong in (ident, "nothing", "http%3A%2F%2Fx.example%2F"):
        assert problem(town.delete(f"jsonldContexts/{wrong}", "reload=true")) == (400, "BadRequestData")
    assert problem(town.delete("jsonldContexts/nothing")) == (404, "ResourceNotFound")
    assert problem(town.delete(f"jsonldContexts/{ident}", "reload=maybe")) == (400, "BadRequestData")
    assert town.details(ident)["kind"] == "Hosted"


def test_the_core_context_is_listed_and_stays_whichever_version_is_named(town: Town) -> None:
    for version in ("-v1.9", "-v1.6", ""):
        path = (
            f"jsonldContexts/{quote(f'https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context{version}.jsonld', safe='')}"
        )
        shown = said(town.get(path, "details=true"))
        assert (shown["URL"], shown["kind"]) == (core.URL, "Cached")
        assert problem(town.get(path)) == (422, "OperationNotSupported")
        assert problem(town.delete(path)) == (400, "BadRequestData")
        assert town.delete(path, "reload=true").status == 204
    assert said(town.get(f"jsonldContexts/{shown['localId']}", "details=true")) == shown
    assert town.listed() == [core.URL]
    assert town.web.seen == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", "InvalidRequest"),
        (b"", "InvalidRequest"),
        ({"speed": "https://one.example/speed"}, "InvalidRequest"),
        ([{"@context": WORDS}], "InvalidRequest"),
        ({"@context": 42}, "BadRequestData"),
        ({"@context": True}, "BadRequestData"),
        ({"@context": ["https://far.example/c", 7]}, "BadRequestData"),
        ({"@context": {"speed": 5}}, "BadRequestData"),
        ({"@context": "elsewhere.jsonld"}, "BadRequestData"),
        ({"@context": {"Car": {"@id": "https://one.example/Car", "@context": {}}}}, "BadRequestData"),
    ],
)
def test_what_is_no_context_is_not_hosted(body: Any, kind: str, town: Town) -> None:
    refused = town.post("jsonldContexts", body)
    assert problem(refused) == (400, kind)
    assert header(refused, "location") is None
    assert town.listed() == [core.URL]


@pytest.mark.parametrize("context", [{"@language": 5}, {"@base": "http://[::1"}, [WORDS, {"@direction": "up"}]])
def test_a_context_that_is_no_json_ld_is_refused_by_its_member_hosted_and_inline(context: Any, town: Town) -> None:
    member = next(iter(context[-1] if isinstance(context, list) else context))
    entity = {"id": "urn:ngsi-ld:Car:1", "type": "Car", "@context": context}
    for refused in (
        town.post("jsonldContexts", {"@context": context}),
        town.post("entities", entity, content_type=LD),
    ):
        assert problem(refused) == (400, "BadRequestData")
        assert said(refused)["where"] == f"@context.{member}"
    assert town.listed() == [core.URL]
    assert town.get("entities/urn:ngsi-ld:Car:1").status == 404


def test_a_parameter_that_is_not_theirs_is_refused_by_name(town: Town) -> None:
    assert town.get("jsonldContexts", "kind=Odd").status == 400
    assert town.get("jsonldContexts", "details=perhaps").status == 400
    assert town.get("jsonldContexts", "limit=1").status == 400
    assert town.get("jsonldContexts/x", "reload=true").status == 400
    assert town.delete("jsonldContexts/x", "details=true").status == 400
    assert town.post("jsonldContexts", {"@context": WORDS}, "kind=Hosted").status == 400
    assert town.post("jsonldContexts", {"@context": WORDS}, content_type="text/plain").status == 415


def test_a_tenant_has_its_own(town: Town) -> None:
    ident = town.add(WORDS, ngsild_tenant="parks")
    for tenant in ({}, {"ngsild_tenant": "roads"}):
        for answer in (
            town.get(f"jsonldContexts/{ident}", **tenant),
            town.get(f"jsonldContexts/{ident}", "details=true", **tenant),
            town.delete(f"jsonldContexts/{ident}", **tenant),
        ):
            assert problem(answer) == (404, "ResourceNotFound")
        assert town.listed(**tenant) == [core.URL]
    assert said(town.get(f"jsonldContexts/{ident}", ngsild_tenant="parks")) == {"@context": WORDS}
    assert len(town.listed(ngsild_tenant="parks")) == 2


def test_who_sees_only_what_is_open_may_fetch_one_and_not_see_which_there_are(town: Town) -> None:
    ident = town.add(WORDS)
    assert town.get(f"jsonldContexts/{ident}", sight=PUBLIC).status == 200
    assert town.get("jsonldContexts", sight=PUBLIC).status == 403
    for method, path, body in (
        ("POST", "jsonldContexts", {"@context": {}}),
        ("DELETE", f"jsonldContexts/{ident}", None),
    ):
        assert town.ask(method, path, body, sight=PUBLIC).status == 403
    assert town.details(ident)["kind"] == "Hosted"


def wish(**more: Any) -> dict[str, Any]:
    endpoint = {"uri": "http://127.0.0.1:9/notify"}
    return {"type": "Subscription", "entities": [{"type": "Car"}], "notification": {"endpoint": endpoint}, **more}


def test_a_subscription_with_words_of_its_own_gets_a_context_that_its_receiver_can_fetch(town: Town) -> None:
    body = wish(**{"@context": [WORDS, core.URL]})
    made = town.post("subscriptions", body, content_type=LD, host="city.example")
    assert made.status == 201, made.body
    url = said(town.get(f"subscriptions/{header(made, 'location').rpartition('/')[2]}"))["jsonldContext"]
    assert [url] == town.listed("kind=ImplicitlyCreated", host="city.example")
    ident = url.rpartition("/")[2]
    assert said(town.get(f"jsonldContexts/{ident}")) == {"@context": [WORDS, core.URL]}
    town.made(CAR, link=link(url))
    assert town.details(ident)["kind"] == "ImplicitlyCreated"
    again = town.post("subscriptions", body, content_type=LD, host="city.example")
    assert again.status == 201
    assert len(town.listed("kind=ImplicitlyCreated")) == 1, "the same words are kept once"
    assert problem(town.delete(f"jsonldContexts/{ident}", "reload=true")) == (400, "BadRequestData")
    assert town.delete(f"jsonldContexts/{ident}").status == 204


def test_a_subscription_whose_context_has_a_url_needs_no_other(town: Town) -> None:
    url = town.web.url("/c")
    town.web.says["/c"] = {"@context": WORDS}
    for more, headers in (
        ({"@context": [url, core.URL]}, {"content_type": LD}),
        ({"@context": [core.URL]}, {"content_type": LD}),
        ({}, {"link": link(url)}),
        ({"@context": WORDS, "jsonldContext": url}, {"content_type": LD}),
    ):
        made = town.post("subscriptions", wish(**more), host="city.example", **headers)
        assert made.status == 201, made.body
    assert town.listed("kind=ImplicitlyCreated") == []
    # Nor is one made for a request that does not say what the city is called.
    assert town.post("subscriptions", wish(**{"@context": WORDS}), content_type=LD).status == 201
    assert town.listed("kind=ImplicitlyCreated") == []


def test_a_query_with_words_of_its_own_is_answered_in_json_that_names_them_by_a_url(town: Town) -> None:
    town.made(CAR | {"@context": WORDS}, content_type=LD)
    body = {"type": "Query", "entities": [{"type": "Car"}], "@context": WORDS}
    told = town.post("entityOperations/query", body, content_type=LD, host="city.example")
    (url,) = town.listed("kind=ImplicitlyCreated", host="city.example")
    assert header(told, "link") == link(url)
    assert said(told)[0]["speed"]["value"] == 50
    assert said(town.get(f"jsonldContexts/{url.rpartition('/')[2]}")) == {"@context": [WORDS, core.URL]}
    # JSON-LD holds them itself; and nothing is created for who may only look.
    body["@context"] = {**WORDS, "mass": "https://one.example/mass"}
    told = town.post("entityOperations/query", body, content_type=LD, host="city.example", accept=LD)
    assert said(told)[0]["@context"] == [body["@context"], core.URL]
    told = town.ask("POST", "entityOperations/query", body, sight=PUBLIC, content_type=LD, host="city.example")
    assert told.status == 200
    assert core.URL in (header(told, "link") or "")
    assert len(town.listed("kind=ImplicitlyCreated")) == 1


def test_words_that_are_too_many_to_be_kept_are_answered_in_full(town: Town) -> None:
    long = WORDS | {f"word{n}": f"https://one.example/{'x' * 100}{n}" for n in range(2_500)}
    town.made(CAR | {"@context": long}, content_type=LD)
    body = {"type": "Query", "entities": [{"type": "Car"}], "@context": long}
    told = town.post("entityOperations/query", body, content_type=LD, host="city.example")
    assert said(told)[0]["type"] == "https://one.example/Car"
    assert core.URL in (header(told, "link") or "")
    made = town.post("subscriptions", wish(**{"@context": long}), content_type=LD, host="city.example")
    assert made.status == 201, made.body
    assert town.post("jsonldContexts", {"@context": long}).status == 413
    assert town.listed() == [core.URL]


@pytest.mark.parametrize(
    ("found", "status", "kind"),
    [
        (404, 504, "LdContextNotAvailable"),
        (b"no json", 400, "BadRequestData"),
        ({"note": "none here"}, 400, "BadRequestData"),
        (
            {"@context": {"Car": {"@id": "https://x.example/C", "@context": {"speed": "https://x.example/s"}}}},
            400,
            "BadRequestData",
        ),
    ],
)
def test_a_request_whose_context_does_not_come_or_is_none_changes_nothing(
    found: Any, status: int, kind: str, town: Town
) -> None:
    town.web.says["/c"] = found
    refused = town.post("entities", CAR | {"@context": town.web.url("/c")}, content_type=LD)
    assert problem(refused) == (status, kind)
    assert town.get(f"entities/{CAR['id']}").status == 404


def test_a_city_hosts_contexts_durably(serve: Callable[..., Any]) -> None:
    city = serve()
    made = city.post("/ngsi-ld/v1/jsonldContexts", {"@context": WORDS})
    place = made.headers["location"]
    elsewhere = {"endpoint": {"uri": "https://example.org/notify"}}
    notified = wish(id="urn:ngsi-ld:Subscription:1", **{"notification": elsewhere, "@context": [WORDS]})
    subscribed = httpx.post(
        f"{city.url}/ngsi-ld/v1/subscriptions", json=notified, headers={"content-type": LD}, trust_env=False
    )
    assert subscribed.status_code == 201, subscribed.text
    city.stop()
    city.start()
    named = {"link": link(city.url + place)}
    entity = httpx.post(f"{city.url}/ngsi-ld/v1/entities", json=CAR, headers=named, trust_env=False)
    assert entity.status_code == 201, entity.text
    assert city.get(place).json() == {"@context": WORDS}
    assert city.get(f"/ngsi-ld/v1/entities/{CAR['id']}", headers=named).json()["type"] == "Car"
    implicit = city.get("/ngsi-ld/v1/subscriptions/urn:ngsi-ld:Subscription:1").json()["jsonldContext"]
    assert city.get("/" + implicit.split("/", 3)[3]).json() == {"@context": [WORDS, core.URL]}
    assert city.get("/ccc" + place).status_code == 404, "another realm knows nothing of it"


class _Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.told.put((dict(self.headers), json.loads(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def test_a_receiver_of_notifications_fetches_the_context_that_their_link_names(
    serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANSA_EGRESS_ALLOW", "127.0.0.0/8")
    monkeypatch.setenv("HANSA_URL", "https://city.example/")
    city = serve()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Receiver) as receiver:
        receiver.told = queue.Queue()
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{receiver.server_address[1]}/"
        body = wish(**{"notification": {"endpoint": {"uri": url}}, "@context": [WORDS]})
        api = f"{city.url}/ngsi-ld/v1"
        ld = {"headers": {"content-type": LD}, "trust_env": False}
        assert httpx.post(f"{api}/subscriptions", json=body, **ld).status_code == 201
        assert httpx.post(f"{api}/entities", json={**CAR, "@context": WORDS}, **ld).status_code == 201
        headers, told = receiver.told.get(timeout=20)
        receiver.shutdown()
    assert told["data"][0]["speed"]["value"] == 50
    url = linked(headers["Link"])
    assert url.startswith(f"https://city.example{MOUNT}"), "the receiver is not where the subscriber is"
    fetched = city.get(url.removeprefix("https://city.example"))
    assert fetched.json() == {"@context": [WORDS, core.URL]}
