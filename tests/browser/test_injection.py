"""Nothing that anybody says becomes more than text on a page: 200 payloads in every field, in a real browser.

Each page is looked at after it has shown them; a fault that is planted in the page's own modules is found, so that the
looking is known to see.
"""

import asyncio
import contextlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from payloads import PAYLOADS, WATCH, found
from seen import WITHIN_MS, until

from served import Served

sys.path.append(str(Path(__file__).parents[1] / "serve"))
from signed_in import SignedIn

AT = "2026-11-22T12:00:00Z"
PROFILE = {"name": "weather", "type": "WeatherObserved", "channels": {"t": {"name": "temperature", "unit": "CEL"}}}
NAME = (
    "</title></script></style><script>planted(1)</script><img src=x onerror=planted(2)>\"'><x-planted>{{1234567*7}}<!--"
)
FULL = "urn:ngsi-ld:Planted:full"


def text(value):
    return {"type": "Property", "value": value}


def place(n):
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [11 + n / 1_000, 46 + n / 1_000]}}


def kinds(n, payload):
    """One payload in each kind of attribute."""
    yield f"p{n}", text(payload) | {"unitCode": payload[:60], "observedAt": AT, "note": text(payload)}
    yield f"l{n}", {"type": "LanguageProperty", "languageMap": {"en": payload, "x": payload}}
    yield f"j{n}", {"type": "JsonProperty", "json": {payload: payload, "__proto__": {"planted": payload}}}
    yield f"s{n}", {"type": "ListProperty", "valueList": [payload, {"x": payload}]}
    yield f"v{n}", {"type": "VocabProperty", "vocab": payload}


def seed(city):
    """Entities, alerts, subscriptions, dead letters and @contexts, full of payloads."""
    with httpx.Client(base_url=city.url, trust_env=False, timeout=60) as client:
        entities(lambda path, said: client.post(path, json=said))
        others(city, client)


def entities(post):
    def upsert(some):
        for at in range(0, len(some), 100):
            told = post("/ngsi-ld/v1/entityOperations/upsert", some[at : at + 100])
            assert told.status_code in {201, 204}, told.text[:2_000]

    upsert([
        {"id": f"urn:ngsi-ld:Planted:{n}", "type": "Planted", "name": text(one), "description": text(one),
         "address": text({"streetAddress": one, one: one}), "status": text(one), "location": place(n),
         "temperature": text(n) | {"unitCode": "CEL", "observedAt": AT}}
        for n, one in enumerate(PAYLOADS)
    ])  # fmt: skip
    upsert([
        {"id": f"urn:ngsi-ld:Alert:{n}", "type": "Alert", "status": text("open"), "category": text(one),
         "subCategory": text(one), "description": text(one), "severity": text(one), "name": text(one),
         "alertSource": text(f"urn:ngsi-ld:Planted:{n}"), "dateIssued": text(AT), "location": place(n)}
        for n, one in enumerate(PAYLOADS)
    ])  # fmt: skip
    full = {"id": FULL, "type": "Planted", "name": text(PAYLOADS[0]), "location": place(1)}
    for n, one in enumerate(PAYLOADS):
        full |= dict(kinds(n, one))
    upsert([full])


def others(city, client):
    for one in PAYLOADS:
        said = {
            "type": "Subscription", "entities": [{"type": "Planted"}], "subscriptionName": one, "description": one,
            "isActive": False, "notification": {"endpoint": {
                "uri": f"http://127.0.0.1:9/{quote(one)}", "receiverInfo": [{"key": "X-Note", "value": quote(one)}]}},
        }  # fmt: skip
        told = client.post("/ngsi-ld/v1/subscriptions", json=said)
        assert told.status_code == 201, told.text
    secret = city.enrol("planted", PROFILE)
    for n, one in enumerate(PAYLOADS):
        context = {"@context": {f"t{n}": f"https://x.example/{quote(one, safe='')}"}}
        client.post("/ngsi-ld/v1/jsonldContexts", json=context)
        headers = {"content-type": "application/json"}
        client.post("/collect/json", content=one.encode(), headers=headers, auth=("planted", secret))
        named = client.post("/admin/devices", json={"name": one, "profile": {**PROFILE, "name": one}})
        assert named.status_code in {201, 400}


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted") / "city"
    folder.mkdir()
    (folder / "hansa.toml").write_text(f"[city]\nname = {json.dumps(NAME)}\n", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANSA_EGRESS_ALLOW", "127.0.0.0/8")
        made = Served(folder)
    seed(made)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def ada(city):
    made = SignedIn(city)
    for n, one in enumerate(PAYLOADS):
        said = {"name": f"guest{n}", "shown": one, "roles": ["resident"], "departments": [one[:40]]}
        told = made.page("POST", "/admin/invitations", said)
        if told.status_code == 400:  # a name of letters that can be printed; and a department is a word
            told = made.page("POST", "/admin/invitations", said | {"departments": []})
        assert told.status_code in {201, 400, 429, 503}, told.text
    yield made
    made.close()


@pytest.fixture
def watched(browser, city):
    """Open pages in which every payload that runs is noticed."""
    with contextlib.ExitStack() as opened:
        context = browser.new_context(reduced_motion="reduce")
        opened.callback(context.close)
        context.add_init_script(WATCH)
        context.set_default_timeout(3 * WITHIN_MS)

        def open_page(path, *, cookies=None, change=None):
            if cookies:
                context.add_cookies([{"name": k, "value": v, "url": "http://localhost"} for k, v in cookies.items()])
            page = context.new_page()
            dialogs = []
            page.on("dialog", lambda one: (dialogs.append(one.message), one.dismiss()))
            if change is not None:
                module, old, new = change

                def planted(route):
                    answer = route.fetch()
                    body = answer.text()
                    assert old in body
                    route.fulfill(response=answer, body=body.replace(old, new))

                page.route(f"**/{module}", planted)
            page.goto(city.url.replace("127.0.0.1", "localhost") + path)
            page.wait_for_selector("html.ready", state="attached")
            assert dialogs == []
            return page

        yield open_page


def test_there_are_two_hundred_and_no_two_are_the_same():
    assert len(set(PAYLOADS)) >= 200


def test_the_page_shows_names_and_alarms_as_text(watched):
    page = watched("/")
    until(page, PAYLOADS[3], "body")
    assert found(page) == []


def test_the_list_of_entities_shows_text(watched):
    page = watched("/entities?type=Planted&limit=1000")
    until(page, "entities", "#sum")
    until(page, PAYLOADS[3], "#results")
    assert found(page) == []


def test_an_entity_with_payloads_in_every_kind_of_attribute_shows_text(watched):
    page = watched(f"/entities/{FULL}")
    until(page, PAYLOADS[3], "main")
    until(page, "p199", "main")
    assert found(page) == []
    page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    assert found(page) == []


def test_subscriptions_and_dead_letters_show_text(watched, city):
    page = watched("/subscriptions")
    until(page, PAYLOADS[3], "main")
    assert found(page) == []
    ident = city.get("/ngsi-ld/v1/subscriptions?limit=1").json()[0]["id"]
    assert found(watched(f"/subscriptions?sel={quote(ident)}")) == []
    letters = watched("/subscriptions?view=letters")
    until(letters, "planted", "main")
    assert found(letters) == []


def test_contexts_show_text(watched):
    page = watched("/contexts")
    until(page, "jsonldContexts", "main")
    assert found(page) == []


@pytest.mark.parametrize("path", ["/me", "/people", "/audit", "/approvals", "/policies", "/why", "/sharing"])
def test_pages_of_people_and_of_trust_show_text(watched, ada, city, path):
    if city.get(path).status_code == 404:
        pytest.skip("this city has no such page")
    page = watched(path, cookies=dict(ada.client.cookies))
    page.wait_for_load_state("networkidle")
    assert found(page) == []


@pytest.mark.parametrize(
    "where",
    [
        "/entities?type={}", "/entities?type=Planted&q={}", "/subscriptions?sel={}", "/entities/{}", "/sign-in?next={}",
        "/enrol/{}", "/?sel={}#{}",
    ],
)  # fmt: skip
def test_what_stands_in_the_address_stays_text(watched, where):
    page = watched("/entities")
    origin = page.evaluate("location.origin")
    for at in range(0, len(PAYLOADS), 70):  # as many as an address has room for
        said = " ".join(PAYLOADS[at : at + 70])
        if where.startswith("/enrol"):  # one segment of a path
            said = said.replace("/", "")
        page.goto(origin + where.replace("{}", quote(said, safe="")))
        page.wait_for_selector("html.ready", state="attached")
        assert found(page) == [], at


def test_whoever_is_sent_to_sign_in_lands_on_the_city(watched):
    for away in ("//evil.example", "https://evil.example/", "/\\evil.example", "javascript:planted(0)"):
        page = watched(f"/sign-in?next={quote(away, safe='')}")
        assert found(page) == []
        assert page.evaluate("location.host").startswith("localhost:")


# The looking sees


def test_a_page_that_read_text_as_html_would_be_found(watched):
    worse = "  for (const one of children.flat()) if (typeof one === 'string') made.innerHTML = one;\n  return made;"
    page = watched("/entities?type=Planted&limit=1000", change=("dom.js", "  return made;", worse))
    page.wait_for_function("() => window.__planted.length > 0")
    assert any(one.startswith("policy: ") for one in found(page)), "and the policy still stops it from running"


def test_nothing_that_comes_from_outside_adds_to_every_object(watched):
    page = watched(f"/entities/{FULL}")  # its JSON is full of members called __proto__
    until(page, PAYLOADS[3], "main")
    merge = """(said) => {
      "use strict";
      const into = {};
      const merged = (to, from) => {
        for (const key of Object.keys(from)) {
          if (typeof from[key] === "object") merged((to[key] ??= {}), from[key]);
          else to[key] = from[key];
        }
      };
      try { merged(into, JSON.parse(said)); } catch (fault) { return fault.name; }
      return String({}.planted);
    }"""
    assert page.evaluate(merge, '{"__proto__": {"planted": "yes"}}') == "TypeError", "a careless merge ends here"
    assert page.evaluate("() => ({}).planted") is None


def test_a_link_that_runs_would_be_found(watched):
    page = watched("/entities")
    page.evaluate(
        "() => { const a = document.createElement('a'); a.href = 'java\\tscript:planted(1)'; document.body.append(a); }"
    )
    assert any(one.startswith("scheme") for one in found(page))
    page.evaluate("() => document.body.append(document.createElement('x-planted'))")
    assert any(one.startswith("element") for one in found(page))


def test_no_page_can_be_framed(watched, browser, city):
    """A page of another origin that puts this one in a frame gets nothing to see; what may be framed would be seen."""
    context = browser.new_context()
    framing = f"<iframe src='{city.url}/sign-in'></iframe><iframe src='http://other.example/'></iframe>"
    try:
        page = context.new_page()
        page.route("http://attacker.example/", lambda route: route.fulfill(content_type="text/html", body=framing))
        page.route("http://other.example/", lambda route: route.fulfill(content_type="text/html", body="yes"))
        page.goto("http://attacker.example/")
        page.wait_for_load_state("networkidle")
        frames = {one.url for one in page.frames[1:]}
        assert frames == {"http://other.example/", "chrome-error://chromewebdata/"}
    finally:
        context.close()


# The templates, without a browser


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, sorted(name for name, _ in attrs)))


def tags(city_name, *, escaped=True):
    """The elements of the sign-in page of a city of this name."""
    from jinja2 import Environment
    from starlette.applications import Starlette

    from hansa.centres.web import Look, routes

    with pytest.MonkeyPatch.context() as patch:
        if not escaped:
            begin = Environment.__init__
            patch.setattr(Environment, "__init__", lambda self, **how: begin(self, **(how | {"autoescape": False})))
        app = Starlette(routes=routes(dict, Look(city=city_name)))
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.request"}

    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": "/sign-in",
        "query_string": b"", "headers": [], "server": ("x", 80), "client": ("127.0.0.1", 1),
        "raw_path": b"/sign-in", "root_path": "",
    }  # fmt: skip
    with ThreadPoolExecutor(1) as thread:  # the browser's tests have a loop of their own in this one
        thread.submit(asyncio.run, app(scope, receive, send)).result()
    parser = Tags()
    parser.feed(b"".join(one.get("body", b"") for one in sent).decode())
    return parser.found


def test_a_citys_name_adds_no_element_to_its_pages():
    plain = tags("Hansa")
    for at in range(0, len(PAYLOADS), 20):
        assert tags(" ".join(PAYLOADS[at : at + 20])) == plain, at


def test_a_template_that_did_not_escape_would_be_found():
    assert tags("<x-planted>", escaped=False) != tags("Hansa", escaped=False)
