"""What no feature does by itself: a message ends in one place, there are no side doors, a GET changes nothing."""

import asyncio
import json
import re
import socket
import ssl
from collections.abc import Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

import pytest
import structlog

from hansa.limits import Limits
from hansa.platform.http import Bodies, Request, Response
from hansa.serve.front import Front
from hansa.serve.shield import Shield
from hansa.serve.tls import CIPHERS
from hansa.trust.callers import Callers
from served import Served

ROUTES = (
    "/", "/entities", "/subscriptions", "/contexts", "/sign-in", "/me", "/people", "/health", "/ready", "/metrics",
    "/openapi.json", "/account", "/admin/people", "/admin/invitations", "/admin/devices", "/admin/tokens",
    "/admin/services", "/admin/proposals", "/audit/keys", "/audit/entries", "/ngsi-ld/v1/entities?type=Thing",
    "/ngsi-ld/v1/entities/urn:ngsi-ld:Thing:a", "/ngsi-ld/v1/types", "/ngsi-ld/v1/subscriptions",
    "/ngsi-ld/v1/jsonldContexts", "/ngsi-ld/v1/temporal/entities?type=Thing&timerel=before&timeAt=2030-01-01T00:00:00Z",
    "/ngsi-ld/v1/nowhere", "/nowhere", "/collect/json", "/token", "/static/hansa.css", "/static/nowhere.js",
)  # fmt: skip


@pytest.fixture(scope="module")
def town(city: Served) -> Served:
    """A city with one entity."""
    made = city.post("/ngsi-ld/v1/entities", {"id": "urn:ngsi-ld:Thing:a", "type": "Thing", "size": 1})
    assert made.status_code == 201
    return city


def raw(city: Served, request: bytes, *, half: bool = False) -> bytes:
    """All that is answered to some bytes until the connection is closed: as the request wishes, or `half` by us."""
    with socket.create_connection(("127.0.0.1", urlsplit(city.url).port), 20) as one:
        one.sendall(request)
        if half:
            one.shutdown(socket.SHUT_WR)
        said = b""
        while part := one.recv(65_536):
            said += part
    return said


def statuses(said: bytes) -> list[int]:
    return [int(one) for one in re.findall(rb"^HTTP/1\.1 (\d{3})", said, re.MULTILINE)]


def place(city: Served) -> int:
    """How far the log is: every write of whatever kind moves it."""
    found = city.get("/health").json()
    return int(found["seq"] if "seq" in found else found["realms"]["open"]["seq"])


@pytest.mark.parametrize("path", ROUTES)
def test_every_answer_with_a_body_says_its_media_type_and_is_that(town: Served, path: str) -> None:
    answer = town.get(path)
    if not answer.content:
        return
    media = answer.headers["content-type"]
    if "json" in media:
        json.loads(answer.content)
    else:
        assert media.startswith("text/")
        assert "charset=utf-8" in media
        answer.content.decode("utf-8")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "TRACK", "DEBUG", "PROPFIND"])
def test_methods_that_tell_or_tunnel_are_not_there(town: Served, method: str) -> None:
    for path in ("/", "/entities", "/ngsi-ld/v1/entities", "/admin/people", "/health"):
        said = raw(town, f"{method} {path} HTTP/1.1\r\nhost: localhost\r\nx-told: canary\r\n\r\n".encode(), half=True)
        assert all(one >= 400 for one in statuses(said)), (method, path, said[:200])
        assert b"canary" not in said


@pytest.mark.parametrize(
    "path",
    [
        "/.git/config", "/.git/HEAD", "/.env", "/hansa.toml", "/admin.token", "/open.db", "/security.key", "/trust.db",
        "/static/", "/static", "/static/base/", "/static/vendor/", "/static/../web.py", "/static/%2e%2e/web.py",
        "/static/..%2fweb.py", "/static/%252e%252e/web.py", "/static//etc/passwd", "/..%2f..%2fetc%2fpasswd",
        "/enrol/../admin.token", "/static/.hidden", "/docs", "/redoc", "/console", "/debug", "/server-status",
    ],
)  # fmt: skip
def test_nothing_of_the_folder_or_the_source_and_no_listing_is_served(town: Served, path: str) -> None:
    # Raw, since a client would tidy the dots away.
    said = raw(town, f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
    assert statuses(said) == [404] or statuses(said) == [400], said[:300]
    assert b"root:" not in said
    assert b"import " not in said


def test_every_cipher_is_forward_secret_and_authenticated() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    weak = [one["name"] for one in context.get_ciphers() if "GCM" not in one["name"] and "POLY1305" not in one["name"]]
    assert weak, "a context as Python makes it lets some pass, so this test would see them"
    context.set_ciphers(CIPHERS)
    names = [str(one["name"]) for one in context.get_ciphers()]
    assert [one for one in names if not re.search(r"GCM|POLY1305", one)] == []
    assert [one for one in names if not one.startswith(("TLS_", "ECDHE-"))] == []
    assert "256" in names[0]


# Where a message ends


@pytest.mark.parametrize(
    "head",
    [
        b"content-length: 5\r\ntransfer-encoding: chunked\r\n",
        b"transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        b"content-length: 5\r\ncontent-length: 6\r\n",
        b"content-length: 5, 6\r\n",
        b"content-length: +5\r\n",
        b"content-length: 0x5\r\n",
        b"content-length: -1\r\n",
        b"transfer-encoding: xchunked\r\n",
        b"transfer-encoding: chunked, identity\r\n",
        b"transfer-encoding : chunked\r\n",
        b"content-length : 5\r\n",
        b"x: a\r\n content-length: 5\r\n",
        b"x: a\0b\r\n",
    ],
)
def test_a_request_whose_end_could_be_read_two_ways_hides_no_second_one(town: Served, head: bytes) -> None:
    hidden = b"GET /ngsi-ld/v1/types HTTP/1.1\r\nhost: localhost\r\n\r\n"
    said = raw(
        town, b"POST /ngsi-ld/v1/entities HTTP/1.1\r\nhost: localhost\r\n" + head + b"\r\n0\r\n\r\n" + hidden, half=True
    )
    # Either it is refused, or it ended in one place; never is it taken and something else of it answered as well.
    assert statuses(said)[:1] != [201], said[:300]
    assert len(statuses(said)) <= 2
    if len(statuses(said)) == 2:
        assert statuses(said)[0] >= 400
        assert statuses(said)[1] in {200, 400}


def test_lines_end_where_http_says(town: Served) -> None:
    assert statuses(raw(town, b"GET /ready HTTP/1.1\r\nhost: localhost\r\n\r\n", half=True)) == [200]
    split = town.get("/ready", headers={"x-a": "b"})
    assert split.status_code == 200
    said = raw(
        town,
        b"GET /ngsi-ld/v1/entities/urn:ngsi-ld:Thing:a%0d%0aset-cookie:%20a=b HTTP/1.1\r\nhost: localhost\r\n\r\n",
        half=True,
    )
    assert b"\r\nset-cookie: a=b" not in said.lower()


# What GET does


def test_a_get_changes_nothing_whatever_it_asks_for(town: Served) -> None:
    before = place(town)
    for path in ROUTES:
        for more in ("", "?a=b", "?delete=true", "?_method=DELETE"):
            if "?" in path and more:
                continue
            for headers in ({}, {"x-http-method-override": "DELETE"}, {"x-method-override": "PUT"}):
                town.get(path + more, headers=headers)
    for path in (
        "/ngsi-ld/v1/entityOperations/delete",
        "/admin/import",
        "/account/sign-out",
        "/token",
        "/collect/claim",
    ):
        assert town.get(path).status_code in {400, 401, 404, 405}
    assert town.get("/ngsi-ld/v1/entities/urn:ngsi-ld:Thing:a").status_code == 200
    assert place(town) == before


def test_a_form_of_another_site_is_no_request(town: Served) -> None:
    """A form can send three media types without asking first; none of them is taken where something changes."""
    before = place(town)
    doc = '{"id": "urn:ngsi-ld:Thing:form", "type": "Thing"}'
    for media in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a"):
        for path in ("/ngsi-ld/v1/entities", "/ngsi-ld/v1/entityOperations/create"):
            said = raw(
                town,
                f"POST {path} HTTP/1.1\r\nhost: localhost\r\norigin: https://evil.example\r\ncontent-type: {media}\r\n"
                f"content-length: {len(doc)}\r\nconnection: close\r\n\r\n{doc}".encode(),
            )
            assert statuses(said)[0] >= 400, (media, path, said[:200])
    assert place(town) == before


@pytest.mark.parametrize(
    "path",
    [
        "/ngsi-ld/v1/entities?type=Thing&limit=1&limit=2",
        "/ngsi-ld/v1/entities?type=Thing&q=size==1&q=size==2",
        "/ngsi-ld/v1/entities?type=Thing&type=Other",
        "/ngsi-ld/v1/temporal/entities?type=Thing&timerel=before&timerel=after&timeAt=2030-01-01T00:00:00Z",
    ],
)
def test_a_parameter_that_is_said_twice_is_refused(town: Served, path: str) -> None:
    assert town.get(path).status_code == 400


def test_a_parameter_counts_where_it_belongs_and_nowhere_else(town: Served) -> None:
    """Not in a body, a header or a cookie: nobody else's words are taken for the query's."""
    told = {"type": "Nothing", "cookie": "type=Nothing", "limit": "0"}
    assert len(town.get("/ngsi-ld/v1/entities?type=Thing", headers=told).json()) == 1


# What errors tell


def tracks(text: str) -> list[str]:
    """What would tell of the inside: traces, paths, SQL, types of Python."""
    signs = r"Traceback|File \"|\.py\b|site-packages|apsw|sqlite|SELECT |INSERT |\bNoneType\b|object at 0x|/home/|/tmp/"
    return re.findall(signs, text)


def test_no_error_tells_of_the_inside(town: Served) -> None:
    asked: list[tuple[str, str, bytes]] = [
        ("POST", "/ngsi-ld/v1/entities", b"{"),
        ("POST", "/ngsi-ld/v1/entities", b"\xff\xfe"),
        ("POST", "/ngsi-ld/v1/entities", b'{"id": 5, "type": {}}'),
        ("POST", "/ngsi-ld/v1/entityOperations/create", b"[[[[]]]]"),
        ("GET", "/ngsi-ld/v1/entities?q=((((", b""),
        ("GET", "/ngsi-ld/v1/entities?type=Thing&georel=near&geometry=Point&coordinates=x", b""),
        ("GET", "/ngsi-ld/v1/entities?type=' OR 1=1 --".replace(" ", "%20"), b""),
        ("PATCH", "/ngsi-ld/v1/entities/%ff%fe", b"{}"),
        ("POST", "/admin/devices", b"[]"),
        ("POST", "/admin/proposals", b'{"kind": 1}'),
        ("POST", "/account/sign-in/passkey", b'{"credential": {"id": "a"}}'),
        ("POST", "/account/enrol", b'{"link": {}}'),
        ("POST", "/token", b"grant_type=nothing"),
        ("POST", "/collect/json", b"{}"),
        ("GET", "/audit/entries?since=never", b""),
        ("DELETE", "/admin/tokens/nobody", b""),
    ]
    for method, path, body in asked:
        head = f"{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n"
        said = raw(town, f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        assert [one < 500 for one in statuses(said)] == [True], (method, path, said[:300])
        assert tracks(said.decode("latin-1")) == [], (method, path, said)
        assert b"server: " not in said.lower()


def test_what_breaks_inside_is_logged_with_all_and_told_to_nobody() -> None:
    """No door is known to break, so one is made that does."""
    front = Front.__new__(Front)
    front._url, front._body, front._bodies = 1_000, 1_000, Bodies(1_000)
    front._callers = Callers("t" * 43, trust_loopback=True)
    front._shield = Shield(Limits())
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def breaks(_request: Request) -> Response:
        raise RuntimeError("apsw: SELECT secret FROM /tmp/trust.db")

    headers = [(b"host", b"localhost")]
    scope = {
        "method": "GET",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "scheme": "http",
        "path": "/x",
    }
    with structlog.testing.capture_logs() as logged:
        asyncio.run(front._answer(scope, receive, send, breaks, b"x"))
    assert sent[0]["status"] == 500
    body = b"".join(message.get("body", b"") for message in sent)
    assert tracks(body.decode()) == []
    assert b"secret" not in body
    assert [(one["event"], one["log_level"]) for one in logged] == [("a request failed", "error")]


def test_a_track_would_be_found() -> None:
    assert tracks('Traceback (most recent call last): File "a.py"')
    assert tracks("apsw.SQLError: near SELECT x")


@pytest.fixture
def shut(serve: Callable[..., Served]) -> Served:
    """A city that knows nobody yet and trusts nobody."""
    return serve(trusted=False)


def test_strangers_are_shown_what_is_meant_for_them_and_nothing_else(shut: Served) -> None:
    """Monitoring and the API's description are public by intent (docs/endpoints.md), and name no entity."""
    public = {"/health", "/ready", "/openapi.json", "/audit/keys", "/sign-in", "/static/hansa.css"}
    for path in ROUTES:
        answer = shut.get(path)
        if path in public:
            assert answer.status_code == 200, path
        else:
            assert answer.status_code in {401, 404, 405}, (path, answer.status_code)
    text = shut.get("/health").text
    assert "urn:" not in text
    assert str(shut.folder) not in text
    assert "security" not in text
    assert tracks(text) == []
