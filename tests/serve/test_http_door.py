"""A real city over HTTP: devices with their credentials, strangers, the administrator, and pages that listen."""

import base64
import http.client
import json
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from door_clients import PROFILE, WAIT_S, stamp

from served import KNOWN, Served


def fresh() -> str:
    return f"h{uuid.uuid4().hex[:10]}"


def collect(city: Any, who: tuple[str, str], body: Any, kind: str = "json", **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.post(
        f"{city.url}/collect/{kind}",
        content=content,
        auth=who,
        headers=headers,
        verify=KNOWN,
        trust_env=False,
        timeout=30,
    )


def temperature(city: Any, name: str) -> Any:
    got = city.get(f"/ngsi-ld/v1/entities/urn:ngsi-ld:WeatherObserved:{name}")
    return got.json()["temperature"]["value"] if got.status_code == 200 else None


def letters(city: Any, name: str) -> list[dict[str, Any]]:
    return [one for one in city.get("/admin/deadletters?limit=1000").json() if one["source"] == name]


@pytest.fixture(scope="module")
def north(city: Any) -> tuple[str, str]:
    name = fresh()
    return name, city.enrol(name, PROFILE)


# Devices


def test_a_reading_posted_is_a_reading_stored(city: Any, north: tuple[str, str]) -> None:
    told = collect(city, north, {"temperature": 3.5})
    assert (told.status_code, told.json()) == (200, {"taken": 1, "refused": []})
    assert temperature(city, north[0]) == 3.5
    for kind, body, value in (
        ("weather", b'{"temperature": 4}', 4),
        ("senml", b'[{"n": "temperature", "u": "Cel", "v": 5}]', 5),
        ("csv", b"at,temperature\n%b,6\n" % stamp(-20).encode(), 6),
    ):
        assert collect(city, north, body, kind).status_code == 200
        assert temperature(city, north[0]) == value
    typed = collect(
        city,
        north,
        b"at,temperature\n%b,7\n" % stamp(-40).encode(),
        "auto",
        **{"content-type": "text/csv; charset=utf-8"},
    )
    assert typed.status_code == 200
    assert temperature(city, north[0]) == 7
    assert collect(city, north, b"x", "auto", **{"content-type": "text/html"}).status_code == 415


def test_a_claim_is_exchanged_over_http_until_the_secret_is_first_used(city: Any) -> None:
    name = fresh()
    claim = city.post("/admin/devices", {"name": name, "profile": PROFILE}).json()["claim"]
    assert collect(city, (name, claim), {"temperature": 1}).status_code == 403
    first = city.post("/collect/claim", {"device": name, "claim": claim}).json()["secret"]
    again = httpx.post(city.url + "/collect/claim", auth=(name, claim), trust_env=False)
    assert again.status_code == 200, "as Basic credentials too, and again: the first answer may have been lost"
    second = again.json()["secret"]
    assert collect(city, (name, first), {"temperature": 1}).status_code == 401
    assert collect(city, (name, second), {"temperature": 2}).status_code == 200
    over = city.post("/collect/claim", {"device": name, "claim": claim})
    assert over.status_code == 400
    assert "claim" in over.json()["detail"]
    assert collect(city, (name, claim), {"temperature": 1}).status_code == 401
    assert temperature(city, name) == 2


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"{", b'{"device": 1, "claim": 2}', b'{"device": "nobody", "claim": "x"}']
)
def test_a_claim_that_is_none_is_refused(city: Any, body: bytes) -> None:
    told = httpx.post(city.url + "/collect/claim", content=body, trust_env=False)
    assert told.status_code == 400
    assert told.headers["content-type"] == "application/problem+json"


def test_wrong_credentials_get_one_answer(city: Any, north: tuple[str, str]) -> None:
    answers = set()
    for who in ((north[0], "wrong"), ("nobody", "wrong"), (north[0], ""), ("", "")):
        told = collect(city, who, {"temperature": 1})
        answers.add((told.status_code, told.json()["detail"]))
    assert answers == {(401, "unknown device or wrong secret")}
    for header in ("", "Basic", "Basic !!!", "Basic " + base64.b64encode(b"nocolon").decode(), "Bearer x",
                   "Basic " + base64.b64encode(b"\xff:\xff").decode()):  # fmt: skip
        told = httpx.post(city.url + "/collect/json", content=b"{}", headers={"authorization": header}, trust_env=False)
        assert told.status_code == 401, header
        assert "www-authenticate" in told.headers


def test_what_is_refused_in_part_and_in_whole_is_said_and_kept(city: Any) -> None:
    name = fresh()
    who = (name, city.enrol(name, PROFILE))
    partly = collect(city, who, [{"temperature": 1}, {"temperature": 1000}, 7])
    assert partly.status_code == 207
    assert partly.json()["taken"] == 1
    assert len(partly.json()["refused"]) == 2
    wholly = collect(city, who, {"temperature": 1000})
    assert wholly.status_code == 400
    assert "not plausible" in wholly.json()["detail"]
    assert collect(city, who, {}, "yaml").status_code == 404
    assert collect(city, who, b"\xff").status_code == 400
    assert len(letters(city, name)) == 4
    assert temperature(city, name) == 1


def test_there_is_a_cap_on_every_body(city: Any, north: tuple[str, str]) -> None:
    limits = city.get("/health").json()["limits"]
    assert collect(city, north, b" " * (limits["message"] + 1)).status_code == 413
    huge = collect(city, north, b" " * 20_000_000)
    assert huge.status_code == 413
    assert huge.json()["type"].endswith("TooLarge")
    parts = (b" " * 100_000 for _ in range(200))  # no length is said beforehand
    try:
        chunked = httpx.post(f"{city.url}/collect/json", content=parts, auth=north, trust_env=False, timeout=30)
        assert chunked.status_code == 413
    except httpx.WriteError:
        pass  # hung up on in the middle of it, which is as good
    deep = b"[" * 10_000 + b"]" * 10_000
    assert collect(city, north, deep).status_code in {400, 413}
    assert city.get("/health").json()["status"] == "ok"


def test_a_revoked_device_is_a_stranger(city: Any) -> None:
    name = fresh()
    who = (name, city.enrol(name, PROFILE))
    assert collect(city, who, {"temperature": 1}).status_code == 200
    city.post(f"/admin/devices/{name}/state", {"state": "quarantined"})
    kept = collect(city, who, {"temperature": 2})
    assert kept.status_code == 403
    assert len(letters(city, name)) == 1
    city.post(f"/admin/devices/{name}/state", {"state": "revoked"})
    assert collect(city, who, {"temperature": 3}).status_code == 401
    assert temperature(city, name) == 1


@pytest.mark.parametrize(("method", "path"), [("GET", "json"), ("POST", ""), ("POST", "json/deeper"), ("PUT", "json")])
def test_the_devices_door_takes_posts_alone(city: Any, north: tuple[str, str], method: str, path: str) -> None:
    told = httpx.request(method, f"{city.url}/collect/{path}", auth=north, trust_env=False)
    assert told.status_code == 404
    assert told.json()["detail"]


# Everybody


def test_health_readiness_and_figures_are_told(city: Any) -> None:
    health = city.get("/health").json()
    assert health["status"] == "ok"
    assert set(health["realms"]) == {"open", "security"}
    assert health["limits"]["inbox"] == 20_000
    assert health["rules"]["running"]
    ready = city.get("/ready")
    assert (ready.status_code, ready.json()) == (200, {"ready": True})
    figures = city.get("/metrics")
    assert figures.headers["content-type"].startswith("text/plain")
    assert 'hansa_log_seq{realm="open"}' in figures.text
    assert httpx.head(city.url + "/health", trust_env=False).content == b""


PATHS = [
    "/", "/ngsi-ld/v1/entities?type=WeatherObserved", "/ngsi-ld/v1/types", "/ccc/ngsi-ld/v1/entities?type=X", "/live",
    "/ccc/live", "/admin/devices", "/admin/deadletters", "/nowhere", "/ngsi-ld/v1/entities/urn:x:a",
    "/ngsi-ld/v1/subscriptions", "/ngsi-ld/v1/temporal/entities?type=X",
]  # fmt: skip


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:

    one = Served(tmp_path_factory.mktemp("closed") / "city", trusted=False)
    yield one
    one.stop()


@pytest.mark.parametrize("path", PATHS)
def test_a_stranger_is_asked_who_he_is_on_every_path(closed: Any, path: str) -> None:
    assert closed.get(path).status_code == 401
    for method in ("POST", "PATCH", "PUT", "DELETE"):
        told = httpx.request(method, closed.url + path, json={"name": "x"}, trust_env=False)
        assert told.status_code in {401, 404, 405}, (method, told.text)
    wrong = closed.get(path, headers={"authorization": "Bearer wrong"})
    assert wrong.status_code == 401


def test_the_token_of_the_folder_opens(closed: Any) -> None:
    token = (closed.folder / "admin.token").read_text().strip()
    assert (closed.folder / "admin.token").stat().st_mode & 0o077 == 0, "readable by its owner alone"
    bearer = {"authorization": f"Bearer {token}"}
    assert closed.get("/admin/devices", headers=bearer).json() == []
    assert closed.get("/ngsi-ld/v1/entities?type=X", headers=bearer).json() == []
    assert closed.get("/health").status_code == 200
    assert token not in closed.log.read_text()


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"}, {"host": "localhost.evil.example:80"}, {"host": "[::1"}, {"origin": "http://evil.example"},
        {"origin": "null"}, {"forwarded": "for=127.0.0.1"}, {"x-forwarded-for": "127.0.0.1"},
        {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"authorization": "Bearer wrong"},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("path", ["/admin/devices", "/", "/live", "/ngsi-ld/v1/entities?type=X"])
def test_what_a_web_page_sent_here_is_not_trusted(city: Any, headers: dict[str, str], path: str) -> None:
    told = city.get(path, headers=headers)
    assert told.status_code == 401
    if path == "/admin/devices":
        wrote = httpx.post(
            city.url + path, json={"name": fresh(), "profile": PROFILE}, headers=headers, trust_env=False
        )
        assert wrote.status_code == 401


# The administrator


def test_the_administrators_door_says_what_is_wrong(city: Any) -> None:
    name = fresh()
    sound = {"name": name, "profile": PROFILE}
    far = {"type": "Point", "coordinates": [500, 0]}
    for body in (
        {}, [], {"name": name}, {**sound, "name": "no/name"}, {**sound, "name": 7}, {**sound, "profile": {"name": "x"}},
        {**sound, "realm": "x"}, {**sound, "realm": []}, {**sound, "location": far}, {**sound, "location": "here"},
        {**sound, "label": "x"}, {**sound, "label": 7}, {**sound, "entity": 7}, {**sound, "entity": "no uri"},
    ):  # fmt: skip
        told = city.post("/admin/devices", body)
        assert told.status_code == 400, (body, told.text)
    assert city.post("/admin/devices", {"name": name, "profile": PROFILE}).status_code == 201
    assert city.post("/admin/devices", {"name": name, "profile": PROFILE}).status_code == 409
    assert city.post("/admin/devices/nobody/renew", {}).status_code == 404
    assert city.post(f"/admin/devices/{name}/state", {"state": "asleep"}).status_code == 400
    assert city.post(f"/admin/devices/{name}/state", {"state": []}).status_code == 400
    assert city.get("/admin/nothing").status_code == 404
    assert city.get("/admin/deadletters?limit=0").status_code == 400
    assert city.get("/admin/deadletters?limit=x").status_code == 400
    assert city.get('/admin/deadletters?kind=a"b').status_code == 400
    put = httpx.put(city.url + "/admin/clock", json={"now": "2026-04-01T00:00:00Z"}, trust_env=False)
    assert put.status_code == 400
    assert "wall time" in put.json()["detail"]


@pytest.mark.parametrize(
    "said",
    [
        {}, [7], [{"kind": "upsert"}], [{"kind": "upsert", "id": "urn:x:a"}],
        [{"kind": "delete", "id": "urn:x:a", "doc": {}}],
        [{"kind": "say", "id": "urn:x:a", "doc": []}], [{"kind": "say", "id": "urn:x:a", "doc": {"id": "urn:x:b"}}],
        [{"kind": "say", "id": "urn:x:a", "doc": {"id": "urn:x:a", "type": "T", "n": 5}}],
        [{"kind": "say", "id": "urn:x:a", "doc": {"id": "urn:x:a", "type": "T"}, "label": "public"}],
    ],
    ids=str,
)  # fmt: skip
def test_an_import_that_is_none_is_refused(city: Any, said: Any) -> None:
    told = city.post("/admin/import", said)
    assert told.status_code == 400, told.text
    assert city.get("/ngsi-ld/v1/entities/urn:x:a").status_code == 404


# Pages that listen


class Page:
    """An event stream, read line by line."""

    def __init__(self, city: Any, query: str = "", **headers: str) -> None:
        host, port = city.url.removeprefix("http://").split(":")
        self.connection = http.client.HTTPConnection(host, int(port), timeout=WAIT_S)
        self.connection.request("GET", "/live" + query, headers=headers)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.read()

    def event(self) -> tuple[str, int | None, Any]:
        kind, ident, data = "", None, None
        while line := self.answer.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "id":
                ident = int(value)
            elif name == "data":
                data = json.loads(value)
        return kind, ident, data

    def changes(self, count: int) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        while len(found) < count:
            kind, ident, data = self.event()
            assert kind != "reset"
            if kind == "change":
                assert ident is not None
                found.append((ident, data["id"]))
        return found

    def close(self) -> None:
        self.connection.close()
        self.answer.close()


def make(city: Any, *names: str, kind: str = "Thing", **more: Any) -> list[str]:
    ids = [f"urn:x:{kind}:{name}:{uuid.uuid4().hex[:6]}" for name in names]
    for ident in ids:
        made = city.post("/ngsi-ld/v1/entities", {"id": ident, "type": kind, "n": 1, **more})
        assert made.status_code == 201, made.text
    return ids


def test_a_page_hears_hello_the_time_and_every_change_as_it_happens(city: Any) -> None:
    page = Page(city)
    kind, _, hello = page.event()
    assert kind == "hello"
    assert hello["seq"] == city.get("/health").json()["realms"]["open"]["seq"]
    kind, _, told = page.event()
    assert kind == "clock"
    assert abs(time.time() - time.mktime(time.strptime(told["now"][:19], "%Y-%m-%dT%H:%M:%S")) + time.timezone) < 60
    assert (told["rate"], told["simulated"]) == (1.0, False)
    (ident,) = make(city, "a")
    kind, seq, change = page.event()
    assert (kind, change["id"], change["seq"]) == ("change", ident, seq)
    assert change["entity"]["n"] == 1
    assert change["type"] == ["Thing"]
    assert change["gone"] is False
    assert httpx.delete(f"{city.url}/ngsi-ld/v1/entities/{ident}", trust_env=False).status_code == 204
    _, _, gone = page.event()
    assert gone["gone"] is True
    assert "entity" not in gone
    page.close()


def test_a_page_that_returns_gets_what_it_missed_from_memory(city: Any) -> None:
    ids = make(city, "a", "b")
    page = Page(city)
    before = page.event()[2]["seq"]
    page.close()
    ids = make(city, "c", "d", "e")
    only = "?type=Thing"  # the city also says how it is itself, when it likes
    for back in (Page(city, only, **{"Last-Event-ID": str(before)}), Page(city, f"{only}&since={before}")):
        told = back.changes(3)
        assert [ident for _, ident in told] == ids
        back.close()
    late = Page(city, only, **{"Last-Event-ID": str(told[1][0])})
    more = make(city, "f")
    assert [ident for _, ident in late.changes(2)] == [ids[2], *more], "without gap, and nothing twice"
    late.close()


def test_a_page_hears_the_types_it_asked_for(city: Any) -> None:
    page = Page(city, "?type=Wanted,Other")
    make(city, "a", kind="Unwanted")
    wanted = make(city, "b", kind="Wanted") + make(city, "c", kind="Other")
    assert [ident for _, ident in page.changes(2)] == wanted
    page.close()


def test_ten_pages_hear_the_same(city: Any) -> None:
    pages = [Page(city, "?type=Thing") for _ in range(10)]
    ids = make(city, *"abcde")
    heard = [page.changes(5) for page in pages]
    assert all(one == heard[0] for one in heard)
    assert [ident for _, ident in heard[0]] == ids
    assert city.get("/health").json()["pages"] >= 10
    for page in pages:
        page.close()
    city.until(lambda: city.get("/health").json()["pages"] == 0)


@pytest.mark.parametrize("query", ["?since=x", "?since=-1", "?since=" + "9" * 30, "?nothing=1", "?type=a&type=b"])
def test_a_page_that_asks_for_nonsense_is_told_so(city: Any, query: str) -> None:
    assert city.get("/live" + query).status_code == 400


def test_a_page_that_saw_what_never_happened_starts_again(city: Any) -> None:
    page = Page(city, "?since=999999999")
    assert page.event()[0] == "hello"
    assert page.event()[0] == "clock"
    assert page.event()[0] == "reset"
    page.close()


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A city that remembers little: what a page missed comes from the log, and a slow page is soon too slow."""

    folder = tmp_path_factory.mktemp("narrow") / "city"
    folder.mkdir()
    (folder / "hansa.toml").write_text("[limits]\nrecent = 5\nstream = 20\nstreams = 3\nbody = 1000000\n")
    one = Served(folder)
    yield one
    one.stop()


def test_a_page_that_was_long_away_gets_what_it_missed_from_the_log(narrow: Any) -> None:
    page = Page(narrow)
    before = page.event()[2]["seq"]
    page.close()
    ids = make(narrow, *map(str, range(20)))
    back = Page(narrow, f"?since={before}&type=Thing")  # the city itself says something too, once a minute
    assert [ident for _, ident in back.changes(20)] == ids
    ids = make(narrow, "x")
    assert [ident for _, ident in back.changes(1)] == ids
    back.close()
    narrow.stop()
    narrow.start()
    after = Page(narrow, f"?since={before}&type=Thing")
    assert len(after.changes(21)) == 21, "the memory is empty after a restart, the log is not"
    after.close()
    make(narrow, *map(str, range(40)))
    too_long = Page(narrow, f"?since={before}")
    assert [too_long.event()[0] for _ in range(3)] == ["hello", "clock", "reset"]
    too_long.close()


def test_a_page_that_cannot_keep_up_is_told_to_start_again_and_holds_nobody_up(narrow: Any) -> None:
    host, port = narrow.url.removeprefix("http://").split(":")
    with socket.socket() as slow, closing(Page(narrow)) as quick:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        slow.settimeout(WAIT_S)
        slow.connect((host, int(port)))
        slow.sendall(f"GET /live HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
        narrow.until(lambda: narrow.get("/health").json()["pages"] == 2)
        heard: list[tuple[int, str]] = []
        listener = threading.Thread(target=lambda: heard.extend(quick.changes(60)))
        listener.start()
        for n in range(60):
            make(narrow, str(n), kind="Big", text="x" * 200_000)
        listener.join(WAIT_S)
        assert len(heard) == 60
        told = b""
        while b"event: reset" not in told:
            more = slow.recv(1_000_000)
            assert more
            told = told[-20:] + more


def test_there_are_only_so_many_pages(narrow: Any) -> None:
    narrow.until(lambda: narrow.get("/health").json()["pages"] == 0)
    pages = [Page(narrow) for _ in range(3)]
    for page in pages:
        page.event()
    told = narrow.get("/live")
    assert told.status_code == 503
    assert told.headers["retry-after"]
    for page in pages:
        page.close()
    narrow.until(lambda: narrow.get("/health").json()["pages"] == 0)


def test_a_city_that_ends_ends_its_pages(serve: Callable[..., Any]) -> None:
    city = serve()
    page = Page(city)
    page.event()
    began = time.monotonic()
    assert city.stop() == 0
    assert time.monotonic() - began < 10
    while page.answer.readline():
        pass
    page.close()


def test_addresses_have_a_cap_and_paths_are_utf8(city: Any) -> None:
    assert city.get("/ngsi-ld/v1/entities?q=" + "x" * 20_000).status_code == 413
    assert city.get("/ngsi-ld/v1/entities/%ff%fe").status_code == 400
    assert city.get("/admin/%ff").status_code == 400
