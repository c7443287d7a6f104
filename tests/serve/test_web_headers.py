"""What every answer tells a browser: each route of the documentation, its errors too, over HTTP and HTTPS.

Each check is tried on an answer from which one thing was taken away, so that it is known to be able to fail.
"""

import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from served import KNOWN, Served
from signed_in import SignedIn

ROUTES = re.findall(
    r"^\| `(GET|POST|PUT|PATCH|DELETE) (/[^`?]*)",
    (Path(__file__).parents[2] / "docs" / "endpoints.md").read_text(),
    re.MULTILINE,
)
APP = "https://app.example"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("web")
    (folder / "city").mkdir()
    (folder / "city" / "hansa.toml").write_text(f'[serve]\ncors = ["{APP}"]\n')
    made = Served(folder / "city", trusted=False)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def ada(city: Served) -> Iterator[SignedIn]:
    made = SignedIn(city)
    yield made
    made.close()


GIVEN = ("/api/", "/data/", "/ogc", "/sta/", "/kpi/", "/solutions/")
"""What is given to everybody, also to programs in the pages of others: the same answer whoever asks."""


def faults(answer: httpx.Response, *, secure: bool = False, private: bool = False, given: bool = False) -> list[str]:
    """What an answer lacks, or has too much."""
    head = answer.headers
    kind = head.get("content-type", "")
    found = []
    if head.get("x-content-type-options") != "nosniff":
        found.append("nosniff")
    if secure and not re.fullmatch(r"max-age=[0-9]{8,}.*", head.get("strict-transport-security", "")):
        found.append("hsts")
    if private and "no-store" not in head.get("cache-control", ""):
        found.append("no-store")
    several = {"set-cookie", "link", "vary"}
    found += [f"{name} twice" for name in head if len(head.get_list(name)) > 1 and name not in several]
    if "server" in head or "x-powered-by" in head:
        found.append("says what it is made of")
    allowed = {"null"} if given else {"*", "null"}
    if head.get("access-control-allow-origin") in allowed or "access-control-allow-credentials" in head:
        found.append("cors")
    if kind.startswith("text/html"):
        said = [part.strip().partition(" ")[::2] for part in head.get("content-security-policy", "").split(";")]
        policy = {name: set(values.split()) for name, values in said}
        if policy.get("default-src") != {"'none'"} or policy.get("frame-ancestors") != {"'none'"}:
            found.append("policy")
        if policy.get("base-uri") != {"'none'"} or policy.get("form-action") != {"'self'"}:
            found.append("policy of forms")
        loose = {"'unsafe-inline'", "'unsafe-eval'", "*", "http:", "https:", "data:", "blob:"}
        if any(policy.get(one, loose) & loose for one in ("script-src", "style-src")):
            found.append("policy of scripts")
        for name, value in (
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ):
            if head.get(name) != value:
                found.append(name)
        if "camera=()" not in head.get("permissions-policy", ""):
            found.append("permissions-policy")
        if "no-store" not in head.get("cache-control", ""):
            found.append("a page is kept")
        scripts = re.compile(r"<script([^>]*)>([^<]*)")
        if re.search(r"<style|\sstyle=|\son[a-z]+=|=[\"']?\s*javascript:", scripts.sub("", answer.text), re.IGNORECASE):
            found.append("inline")
        inline = [how for how, what in scripts.findall(answer.text) if what.strip() and "application/json" not in how]
        found += ["inline script"] * len(inline)
    return found


def filled(path: str) -> str:
    return re.sub(r"\{[a-z]+\}", "urn:ngsi-ld:T:x", path)


def asked(client: httpx.Client, method: str, path: str, **more: Any) -> httpx.Response:
    """One answer; of one that never ends, its head."""
    with client.stream(method, filled(path), **more) as answer:
        if "text/event-stream" not in answer.headers.get("content-type", ""):
            answer.read()
        else:
            answer._content = b""
        return answer


def test_the_documentation_names_routes_at_all() -> None:
    assert len(ROUTES) > 80
    assert ("GET", "/") in ROUTES


def test_every_route_answers_a_stranger_with_headers(city: Served) -> None:
    with httpx.Client(base_url=city.url, verify=KNOWN, trust_env=False, timeout=30) as client:
        for method, path in ROUTES:
            if path == "/account/enrol/password":
                continue  # asked in other tests, for what it costs
            answer = asked(client, method, path)
            given = path.startswith(GIVEN)
            assert faults(answer, given=given) == [], (method, path)
            answer = asked(client, method, path, headers={"accept": "text/html"})
            assert faults(answer, given=given) == [], (method, path)


def test_every_route_answers_whoever_is_signed_in_with_headers_and_is_not_kept(ada: SignedIn) -> None:
    pages = 0
    for method, path in ROUTES:
        if method != "GET":
            continue
        answer = asked(ada.client, method, path, headers={"sec-fetch-site": "same-origin"})
        private = path not in {"/health", "/ready", "/metrics", "/openapi.json"} and not path.startswith("/static")
        assert faults(answer, private=private, given=path.startswith(GIVEN)) == [], (path, dict(answer.headers))
        pages += answer.headers.get("content-type", "").startswith("text/html")
    assert pages >= 8


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404), ("POST", "/", 405), ("GET", "/static/none.js", 404), ("GET", "/ngsi-ld/v1/none", 404),
        ("GET", "/%ff", 404), ("GET", "/ngsi-ld/v1/entities?q=((", 400), ("TRACE", "/", 405),
        ("GET", "/static/../x", 404),
    ],
)  # fmt: skip
def test_errors_bear_them_too(ada: SignedIn, method: str, path: str, status: int) -> None:
    answer = ada.page(method, path)
    assert answer.status_code in {status, 400, 403, 404, 405}
    assert faults(answer) == []


def test_what_is_sent_as_garbage_is_answered_with_headers(city: Served) -> None:
    place = urlsplit(city.url)
    with socket.create_connection((place.hostname, place.port), timeout=20) as one:
        one.sendall(b"GET \x00 HTTP/9\r\n\r\n")
        said = one.recv(4_096)
    assert b"x-content-type-options: nosniff" in said


def test_over_https_every_answer_says_to_stay_there(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANSA_URL", "https://localhost")
        made = Served(tmp_path / "secure", "--http", "0.0.0.0:0", trusted=False)
    try:
        port = urlsplit(made.url).port
        known = ssl.create_default_context(cafile=str(tmp_path / "secure" / "tls" / "ca.pem"))
        with httpx.Client(verify=known, trust_env=False, timeout=30) as client:
            for path in ("/", "/sign-in", "/health", "/ngsi-ld/v1/types", "/static/none", "/admin/devices", "/nowhere"):
                answer = client.get(f"https://localhost:{port}{path}", headers={"accept": "text/html"})
                assert faults(answer, secure=True) == [], path
    finally:
        made.stop()


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("x-content-type-options", None, "nosniff"),
        ("content-security-policy", None, "policy"),
        ("content-security-policy", "default-src 'none'; script-src 'self' 'unsafe-inline'", "policy of scripts"),
        ("content-security-policy", "default-src 'self'", "policy"),
        ("x-frame-options", "SAMEORIGIN", "x-frame-options"),
        ("referrer-policy", None, "referrer-policy"),
        ("cross-origin-opener-policy", None, "cross-origin-opener-policy"),
        ("cross-origin-resource-policy", None, "cross-origin-resource-policy"),
        ("permissions-policy", None, "permissions-policy"),
        ("cache-control", "public", "a page is kept"),
        ("access-control-allow-origin", "*", "cors"),
        ("server", "uvicorn", "says what it is made of"),
        ("strict-transport-security", None, "hsts"),
    ],
)
def test_a_header_that_is_missing_would_be_missed(ada: SignedIn, name: str, value: str | None, fault: str) -> None:
    answer = ada.client.get("/entities")
    assert faults(answer) == []
    headers = {key: text for key, text in answer.headers.items() if key not in {name, "content-encoding"}}
    if value is not None:
        headers[name] = value
    assert fault in faults(httpx.Response(200, headers=headers, text=answer.text), secure=True)


@pytest.mark.parametrize(
    "planted", ["<p style='x'>", "<img onerror=x>", "<style>", "<a href='javascript:x'>", "<script>x</script>"]
)
def test_what_stands_inline_would_be_seen(ada: SignedIn, planted: str) -> None:
    answer = ada.client.get("/entities")
    headers = {key: text for key, text in answer.headers.items() if key != "content-length"}
    assert faults(httpx.Response(200, headers=headers, text=answer.text + planted))


# Cookies


def cookie_faults(said: str, *, secure: bool) -> list[str]:
    name, _, rest = said.partition("=")
    flags = {one.strip().lower() for one in rest.split(";")[1:]}
    found = [one for one in ("httponly", "path=/") if one not in flags]
    if not flags & {"samesite=lax", "samesite=strict"}:
        found.append("samesite")
    if any(one.startswith("domain") for one in flags):
        found.append("domain")
    if secure and ("secure" not in flags or not name.startswith("__Host-")):
        found.append("secure")
    return found


def test_cookies_are_for_no_script_and_no_other_site(ada: SignedIn) -> None:
    said = ada.entered.headers.get_list("set-cookie")
    assert len(said) == 2
    for one in said:
        assert cookie_faults(one, secure=False) == []
        for planted in (one.replace("; HttpOnly", ""), re.sub("; SameSite=[A-Za-z]+", "", one), one + "; Domain=x"):
            assert cookie_faults(planted, secure=False), planted
    assert len(ada.client.cookies["hansa"]) >= 43, "256 bits"


def test_over_https_cookies_are_bound_to_host_and_https(tmp_path: Path) -> None:
    made = Served(tmp_path / "secure", "--http", "0.0.0.0:0", trusted=False)
    try:
        made.link = re.sub(r"//[^/:]+:", "//localhost:", made.link)
        somebody = SignedIn(made, ca=tmp_path / "secure" / "tls" / "ca.pem")
        said = somebody.entered.headers.get_list("set-cookie")
        assert len(said) == 2
        for one in said:
            assert cookie_faults(one, secure=True) == []
            assert "secure" in cookie_faults(one.replace("; Secure", ""), secure=True)
            assert "secure" in cookie_faults(one.replace("__Host-", ""), secure=True)
        assert faults(somebody.client.get("/account"), secure=True, private=True) == []
        somebody.close()
    finally:
        made.stop()


# Requests that another site makes a browser send


FOREIGN: list[dict[str, str]] = [
    {},
    {"origin": "https://evil.example", "x-hansa": "page"},
    {"origin": "null", "x-hansa": "page"},
    {"sec-fetch-site": "cross-site", "x-hansa": "page"},
    {"sec-fetch-site": "same-site", "x-hansa": "page"},
    {"origin": "SELF", "sec-fetch-site": "same-site", "x-hansa": "page"},
    {"origin": "SELF.evil.example", "x-hansa": "page"},
    {"origin": "SELF"},  # a form can be sent so, a header cannot
    {"sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "none", "x-hansa": "page"},
    {"referer": "SELF/"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_no_other_site_changes_anything_in_somebodys_name(ada: SignedIn, headers: dict[str, str]) -> None:
    sent = {name: value.replace("SELF", ada.origin) for name, value in headers.items()}
    before = ada.page("GET", "/account").json()
    for method, path in ROUTES:
        if method == "GET" or path.startswith(("/collect", "/token")):
            continue
        for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
            answer = ada.client.request(
                method, filled(path), content=b'{"id":"urn:x:forged","type":"T"}', headers=sent | {"content-type": kind}
            )
            assert answer.status_code in {401, 403}, (method, path, kind, answer.status_code, answer.text)
    assert ada.page("GET", "/ngsi-ld/v1/entities/urn:x:forged").status_code == 404
    assert ada.page("GET", "/account").json()["sessions"][0]["id"] == before["sessions"][0]["id"]


def test_what_a_page_of_the_city_asks_is_done(ada: SignedIn) -> None:
    """The other side of the test above: the same request, from the same browser, of the right origin."""
    made = ada.page("POST", "/admin/invitations", {"name": "eve", "shown": "Eve", "roles": ["resident"]})
    assert made.status_code == 201, made.text
    ident = ada.page("GET", "/admin/invitations").json()
    assert "eve" in str(ident)


def test_another_sites_page_reads_nothing_in_somebodys_name(ada: SignedIn) -> None:
    for headers in ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, {"sec-fetch-site": "same-site"}):
        assert ada.client.get("/account", headers=headers).status_code == 401


# Whose pages may read


def test_pages_of_no_other_origin_may_read_but_those_of_the_setting(city: Served, ada: SignedIn) -> None:
    path = "/ngsi-ld/v1/types"
    token = (city.folder / "admin.token").read_text()
    bearer = {"authorization": f"Bearer {token}"}
    told = httpx.get(city.url + path, headers={"origin": APP, **bearer}, verify=KNOWN, trust_env=False)
    assert told.status_code == 200
    assert told.headers["access-control-allow-origin"] == APP
    assert "origin" in told.headers["vary"]
    assert "access-control-allow-credentials" not in told.headers
    for origin in ("https://evil.example", "null", f"{APP}.evil.example", "http://app.example", f"{APP}:444"):
        other = httpx.get(city.url + path, headers={"origin": origin, **bearer}, verify=KNOWN, trust_env=False)
        assert "access-control-allow-origin" not in other.headers
        assert "origin" in other.headers["vary"]
    for elsewhere in ("/admin/devices", "/account", "/", "/health", "/ccc/ngsi-ld/v1/types", "/live", "/token"):
        other = asked(ada.client, "GET", elsewhere, headers={"origin": APP, **bearer})
        assert not [name for name in other.headers if name.startswith("access-control")], elsewhere


def test_a_browser_that_asks_whether_a_page_may_ask_is_answered(city: Served) -> None:
    def told(origin: str, path: str = "/ngsi-ld/v1/entities/urn:x:a") -> httpx.Response:
        headers = {"origin": origin, "access-control-request-method": "PATCH"}
        return httpx.options(city.url + path, headers=headers, trust_env=False)

    yes = told(APP)
    assert yes.status_code == 204
    assert "PATCH" in yes.headers["access-control-allow-methods"]
    assert "authorization" in yes.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in yes.headers
    for no in (told("https://evil.example"), told(APP, "/admin/devices"), told(APP, "/account")):
        assert not [name for name in no.headers if name.startswith("access-control")]


# Where one is sent


AWAY = [
    *("//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example"),
    *("/\n/evil.example", "javascript:alert(1)", "data:text/html,x", "http:evil.example", "///evil.example", ""),
    *(" //evil.example", "/%09/evil.example", "x", "@evil.example", "//localhost@evil.example", "https:/evil.example"),
]


@pytest.mark.parametrize("away", AWAY)
def test_nobody_is_sent_to_another_site_by_signing_in(ada: SignedIn, away: str) -> None:
    from hansa.platform.sign_in import local

    landed = httpx.URL(ada.origin).join(local(away).replace("\\", "/"))
    assert (landed.host, landed.scheme) == (httpx.URL(ada.origin).host, "http")


@pytest.mark.parametrize(
    "path", ["//evil.example/x", "/\\evil.example", "/entities?next=//evil.example", "/%2f%2fevil"]
)
def test_nobody_is_sent_to_another_site_by_being_sent_to_sign_in(city: Served, path: str) -> None:
    place = urlsplit(city.url)
    with socket.create_connection((place.hostname, place.port), timeout=20) as one:
        one.sendall(
            f"GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: text/html\r\nconnection: close\r\n\r\n".encode()
        )
        said = b"".join(iter(lambda: one.recv(65_536), b""))
    assert b"HTTP/1.1 500" not in said
    for where in re.findall(rb"\r\nlocation: ([^\r]*)", said, re.IGNORECASE):
        assert where.startswith(b"/sign-in?next=")
        assert b"//evil" not in where.replace(b"%2F", b"/").partition(b"next=")[0]
