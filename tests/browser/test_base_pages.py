"""The pages of the context base of a real, served city, walked by hand: ask, open, follow, change, subscribe, retry."""

import http.server
import json
import threading
from urllib.parse import unquote

import httpx
import pytest
from seen import until

from looks import nameless, outside, small, weak
from served import KNOWN, Served

WEIR = "urn:ngsi-ld:WaterObserved:weir"
HARBOUR = "urn:ngsi-ld:WaterObserved:harbour"
PROBE = "urn:ngsi-ld:Device:probe-7"
AT = "2026-11-20T08:00:00Z"
JSON = {"content-type": "application/json"}


def water(ident, name, lon, level, **more):
    return {
        "id": ident,
        "type": "WaterObserved",
        "name": {"type": "Property", "value": name},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [lon, 46.42]}},
        "level": {"type": "Property", "value": level, "unitCode": "MTR", "observedAt": AT},
        "refDevice": {"type": "Relationship", "object": PROBE},
        "banner": {"type": "LanguageProperty", "languageMap": {"en": "Do not swim", "it": "Non nuotare"}},
        **more,
    }


SEED = [
    water(WEIR, "Mill weir", 11.02, 1.25),
    water(HARBOUR, "Harbour", 11.30, 3.5),
    {"id": PROBE, "type": "Device", "name": {"type": "Property", "value": "Probe 7"}},
]


class Endpoint:
    """A subscriber's door: it refuses until it is told to take."""

    def __init__(self):
        self.status = 400
        self.bodies = []
        ours = self

        class Door(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                ours.bodies.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(ours.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self.server.server_port}/told"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def endpoint():
    made = Endpoint()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """A city that may tell this machine's own doors."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANSA_EGRESS_ALLOW", "127.0.0.0/8")
        made = Served(tmp_path_factory.mktemp("base") / "city")
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def seeded(city):
    """The same entities before each test; what a test added besides is its own."""
    told = city.post("/ngsi-ld/v1/entityOperations/upsert", SEED)
    assert told.status_code in {201, 204}, told.text


def value_of(city, ident, name):
    return city.get(f"/ngsi-ld/v1/entities/{ident}?options=simplified").json().get(name)


def test_a_query_is_built_and_the_url_that_it_makes_finds_the_same(browse, city):
    page = browse("/entities")
    until(page, "WaterObserved", ".types-table")
    page.fill("[name=type]", "WaterObserved")
    page.fill(".condition [data-part=name]", "level")
    page.select_option(".condition select", ">")
    page.fill(".condition [data-part=value]", "2")
    path = unquote(page.get_attribute("#url", "data-path"))
    assert path == "/ngsi-ld/v1/entities?type=WaterObserved&q=level>2&limit=50&count=true"
    page.keyboard.press("Enter")
    until(page, "1 entity", "#sum")
    until(page, "3.5 m", ".found-table")
    assert "type=WaterObserved" in page.url  # what is asked is the page's own address
    found = city.get(page.get_attribute("#url", "data-path")).json()
    assert [one["id"] for one in found] == [HARBOUR]
    page.go_back()
    until(page, "Ask the city", "#results")
    page.go_forward()
    until(page, "3.5 m", ".found-table")
    page.reload()
    until(page, "3.5 m", ".found-table")
    assert page.input_value(".condition [data-part=value]") == "2"


def test_a_query_that_is_refused_says_what_is_wrong_and_where(browse):
    page = browse("/entities?type=WaterObserved&q=level%3E%3E")
    until(page, "The city refuses this query", "#results h2")
    until(page, "q: ", "#results .notice p")
    until(page, "BadRequestData", "#results pre")
    assert page.locator("#conditions").is_hidden()  # no row can show that
    page.fill("[name=q]", "level>9")
    page.keyboard.press("Enter")
    until(page, "Nothing found", "#results h2")


def test_what_is_drawn_on_the_map_is_asked_for(browse):
    page = browse("/entities?type=WaterObserved")
    until(page, "2 entities", "#sum")
    page.click("[data-tool=box]")
    box = page.locator("#sketch").bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + 4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 4, steps=4)
    page.mouse.up()
    until(page, "1 entity", "#sum")  # the western half
    until(page, "Mill weir", ".found-table")
    assert page.input_value("[name=georel]") == "within"
    page.click("#unplace")
    page.keyboard.press("Enter")
    page.click("#builder [type=submit]")
    until(page, "2 entities", "#sum")


def test_an_answer_is_put_in_order_and_taken_along_as_files(browse, city):
    page = browse("/entities?type=WaterObserved&join=inline&joinLevel=1")
    until(page, "Probe 7", ".found-table td")  # the linked entity came along
    for way, first in (("level;desc", "Harbour"), ("level", "Mill weir")):
        page.fill("[name=orderBy]", way)
        page.keyboard.press("Enter")
        page.wait_for_function("w => document.querySelector('.found-table tbody a')?.textContent === w", arg=first)
    page.click(".found-table thead >> text=Water level")
    page.wait_for_function("() => document.querySelector('.found-table tbody a')?.textContent === 'Harbour'")
    assert "orderBy=level;desc" in unquote(page.url)
    for word, holds in (("CSV", f"{WEIR},WaterObserved"), ("GeoJSON", "FeatureCollection"), ("JSON-LD", "@context")):
        with page.expect_download() as got:
            page.click(f"#sum >> text={word}")
        assert holds in got.value.path().read_text()


def test_an_entity_is_opened_its_relationship_followed_and_found_again_from_there(browse):
    page = browse("/entities?type=WaterObserved")
    page.click("text=Mill weir")
    until(page, "Mill weir", "#name")
    until(page, "1.25 m", "tr[data-name=level]")
    until(page, "Non nuotare", "tr[data-name=banner]")
    until(page, "GeoProperty", "tr[data-name=location]")
    page.click("tr[data-name=refDevice] a")
    until(page, "Probe 7", "#name")
    until(page, "Who points here (", "#around h2")  # besides the two, what looks after the probe by and by
    until(page, "Harbour", "#around")
    assert page.inner_text("#around").count("WaterObserved") == 2
    page.click("#around >> text=Mill weir")
    until(page, "Mill weir", "#name")


def test_a_value_is_changed_and_the_page_and_the_city_say_so(browse, city):
    page = browse(f"/entities/{WEIR}")
    page.click("tr[data-name=level] >> text=Change")
    page.fill("#editor [name=value]", "2.75")
    until(page, '"value": 2.75', "#editor pre")
    page.click("#editor [type=submit]")
    until(page, "2.75 m", "tr[data-name=level]")
    assert value_of(city, WEIR, "level") == 2.75
    until(page, "2.75", "#past table")
    # What somebody else says appears by itself.
    told = httpx.patch(
        f"{city.url}/ngsi-ld/v1/entities/{WEIR}/attrs/level", json={"value": 2.5}, verify=KNOWN, trust_env=False
    )
    assert told.status_code == 204
    until(page, "2.5 m", "tr[data-name=level]")


def test_a_bad_value_is_refused_in_words_and_nothing_changes(browse, city):
    page = browse(f"/entities/{WEIR}")
    page.click("tr[data-name=level] >> text=Change")
    page.fill("#editor [name=value]", "high")
    page.click("#editor [type=submit]")
    until(page, "That is no number", "#editor [role=alert]")
    page.fill("#editor [name=value]", "2")
    page.fill("#editor [name=observedAt]", "yesterday")
    page.click("#editor [type=submit]")
    until(page, "The city refuses this", "#editor h2")
    until(page, "observedAt", "#editor .notice")
    assert value_of(city, WEIR, "level") == 1.25


def test_what_somebody_else_said_meanwhile_is_not_overwritten_unasked(browse, city):
    page = browse(f"/entities/{WEIR}")
    page.click("tr[data-name=level] >> text=Change")
    told = httpx.patch(
        f"{city.url}/ngsi-ld/v1/entities/{WEIR}/attrs/level", json={"value": 9.0}, verify=KNOWN, trust_env=False
    )
    assert told.status_code == 204
    page.fill("#editor [name=value]", "1.5")
    page.click("#editor [type=submit]")
    until(page, "Somebody changed it meanwhile", "#editor h2")
    assert value_of(city, WEIR, "level") == 9.0
    page.click("text=Send mine all the same")
    until(page, "1.5 m", "tr[data-name=level]")
    assert value_of(city, WEIR, "level") == 1.5


def test_attributes_come_and_go_and_an_entity_goes_only_when_one_is_sure(browse, city):
    ident = "urn:ngsi-ld:Bench:b1"
    city.post("/ngsi-ld/v1/entities", {"id": ident, "type": "Bench", "seats": {"type": "Property", "value": 3}})
    page = browse(f"/entities/{ident}")
    page.click("#add")
    page.fill("#editor [name=name]", "seats")
    page.select_option("#editor [name=as]", "number")
    page.fill("#editor [name=value]", "4")
    page.click("#editor [type=submit]")
    until(page, "The city refuses this", "#editor h2")  # it is there already
    page.fill("#editor [name=name]", "paintedBy")
    page.select_option("#editor [name=kind]", "Relationship")
    page.fill("#editor [name=value]", PROBE)
    page.click("#editor [type=submit]")
    until(page, PROBE, "tr[data-name=paintedBy]")
    page.click("tr[data-name=seats] >> text=Delete")
    page.click("#editor [type=submit]")
    page.wait_for_selector("tr[data-name=seats]", state="detached")
    assert value_of(city, ident, "seats") is None
    page.click("#take")
    page.click("#editor >> text=Cancel")
    assert city.get(f"/ngsi-ld/v1/entities/{ident}").status_code == 200
    page.click("#take")
    page.click("#editor [type=submit]")
    page.wait_for_url("**/entities?type=Bench")
    assert city.get(f"/ngsi-ld/v1/entities/{ident}").status_code == 404


def test_an_entity_that_is_not_there_gets_a_page_that_says_so(browse):
    page = browse("/entities/urn:ngsi-ld:Bench:never")
    until(page, "There is no such entity", "#head h2")
    assert page.locator("#side").is_hidden()


def test_a_query_becomes_a_subscription_that_is_paused_resumed_and_deleted(browse, city, endpoint):
    page = browse("/entities?type=WaterObserved&q=level%3E2")
    page.click("#subscribe")
    until(page, "New subscription", "#one h2")
    page.fill("#one [name=subscriptionName]", "High water")
    page.click("#one [type=submit]")
    until(page, "The city refuses this", "#one .notice h2")  # it has no endpoint
    page.fill("#one [name=uri]", endpoint.url)
    page.click("#one [type=submit]")
    until(page, "High water", "#one h2")
    [kept] = city.get("/ngsi-ld/v1/subscriptions").json()
    assert (kept["entities"], kept["q"]) == ([{"type": "WaterObserved"}], "level>2")
    page.click("text=Pause")
    until(page, "Paused", ".subs-table .sign")
    assert city.get(f"/ngsi-ld/v1/subscriptions/{kept['id']}").json()["status"] == "paused"
    page.click("text=Resume")
    until(page, "Waiting", ".subs-table .sign")
    page.click("#take")
    page.click("#editor [type=submit]")
    until(page, "Nobody has subscribed", "#list h2")
    assert city.get("/ngsi-ld/v1/subscriptions").json() == []


def test_a_dead_letter_is_seen_with_its_reason_and_told_again(browse, city, endpoint):
    said = {
        "id": "urn:ngsi-ld:Subscription:desk",
        "type": "Subscription",
        "entities": [{"type": "WaterObserved"}],
        "watchedAttributes": ["level"],
        "notification": {"endpoint": {"uri": endpoint.url, "accept": "application/json"}},
    }
    assert city.post("/ngsi-ld/v1/subscriptions", said).status_code == 201
    endpoint.status = 400
    for level in (4.0, 4.5):
        httpx.patch(
            f"{city.url}/ngsi-ld/v1/entities/{WEIR}/attrs/level", json={"value": level}, verify=KNOWN, trust_env=False
        )
    city.until(lambda: len(city.get("/admin/deadletters?kind=notification").json()) == 2)
    both = city.get(f"/admin/deadletters?source={said['id']}").json()
    assert [one["at"] for one in both] == sorted((one["at"] for one in both), reverse=True)
    assert city.get("/admin/deadletters?limit=1").json() == both[:1]  # the newest
    assert city.get('/admin/deadletters?source=none"of\\ours').json() == []
    page = browse(f"/subscriptions?sel={said['id']}")
    until(page, "Failing", ".subs-table .sign")
    until(page, "the endpoint answered 400", "#one .why")
    until(page, "given up", "#one .deliveries td")
    page.click("#one .letter >> nth=0 >> text=What it said")
    until(page, '"level"', "#one .letter pre")
    page.click("#one .letter >> nth=0 >> text=Throw away")
    page.click("#one .letter >> nth=0 >> text=Throw away for good")
    until(page, "Try it again", "#one .letters-head")
    endpoint.status = 200
    before = len(endpoint.bodies)
    page.click("#one .letter >> text=Try again")
    until(page, "None: nothing was given up", "#one")
    city.until(lambda: len(endpoint.bodies) > before)
    assert json.loads(endpoint.bodies[-1])["subscriptionId"] == said["id"]
    assert city.get("/admin/deadletters").json() == []
    httpx.delete(f"{city.url}/ngsi-ld/v1/subscriptions/{said['id']}", verify=KNOWN, trust_env=False)


def test_what_waits_for_an_endpoint_that_is_out_of_order_is_shown_to_the_administrator(browse, city, endpoint):
    ident = "urn:ngsi-ld:Subscription:slow"
    said = {
        "id": ident,
        "type": "Subscription",
        "entities": [{"type": "WaterObserved"}],
        "watchedAttributes": ["level"],
        "notification": {"endpoint": {"uri": f"{endpoint.url}/slow", "accept": "application/json"}},
    }
    assert city.post("/ngsi-ld/v1/subscriptions", said).status_code == 201
    endpoint.status = 503
    httpx.patch(
        f"{city.url}/ngsi-ld/v1/entities/{WEIR}/attrs/level", json={"value": 7.0}, verify=KNOWN, trust_env=False
    )
    door = f"/admin/deliveries?subscription={ident}"
    city.until(lambda: city.get(door).json()["attempts"])
    told = city.get(door).json()
    assert told["waiting"] == 1
    assert told["tries"] >= 1
    assert {(one["fate"], one["reason"]) for one in told["attempts"]} == {("failed", "the endpoint answered 503")}
    page = browse(f"/subscriptions?sel={ident}")
    until(page, "1 notification waiting", "#one .deliveries p")
    until(page, "failed", "#one .deliveries .sign")
    endpoint.status = 200
    city.until(lambda: city.get(door).json()["waiting"] == 0)
    assert city.get(door).json()["attempts"][0]["fate"] == "delivered"  # the newest first
    until(page, "delivered", "#one .deliveries .sign")
    assert city.get(f"{door}&tenant=harbour").status_code == 404
    assert city.get(f"{door}&more=1").json()["where"] == "query"
    httpx.delete(f"{city.url}/ngsi-ld/v1/subscriptions/{ident}", verify=KNOWN, trust_env=False)
    assert city.get(door).status_code == 404


def test_a_context_is_hosted_shown_and_deleted(browse, city):
    page = browse("/contexts")
    page.click("#make")
    page.fill("#one [name=document]", '{"@context": {"luminosity": 7}}')
    page.click("#one [type=submit]")
    until(page, "The city refuses this", "#one .notice h2")
    page.fill("#one [name=document]", '{"@context": {"luminosity": "https://example.org/luminosity"}}')
    page.click("#one [type=submit]")
    until(page, "1 term", "#one")
    until(page, "Hosted", ".subs-table td")
    assert len(city.get("/ngsi-ld/v1/jsonldContexts?kind=Hosted").json()) == 1
    page.click("#take")
    page.click("#editor [type=submit]")
    until(page, "1 context", "#sum")  # the core one, which is built in and stays
    page.click(".subs-table >> text=core-context")
    until(page, "built in", "#one")
    assert page.locator("#take").count() == 0
    assert city.get("/ngsi-ld/v1/jsonldContexts?kind=Hosted").json() == []


PAGES = [
    "/entities?type=WaterObserved",
    f"/entities/{WEIR}",
    "/subscriptions?new=1&type=WaterObserved",
    "/contexts?new=1",
]


def test_every_page_fits_every_width_and_can_be_read_in_light_and_dark(browse):
    for path in PAGES:
        page = browse(path)
        for width, height in [(320, 640), (390, 844), (860, 700), (1101, 800), (2560, 1440)]:
            page.set_viewport_size({"width": width, "height": height})
            wide = page.evaluate("document.documentElement.scrollWidth")
            stuck = outside(page, ".bar *, .ways a, .head *, .made, .sum > *, .side-head *, .edit-end > *")
            assert (path, width, wide, stuck) == (path, width, width, [])
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert (path, scheme, weak(page, "body *")) == (path, scheme, [])
        assert (path, nameless(page), small(page)) == (path, [], [])


def test_a_phone_can_reach_the_end_of_every_page(browse):
    for path, last in [(PAGES[0], "#results tr:last-child"), (PAGES[1], "#around"), (PAGES[2], "#one [type=submit]")]:
        page = browse(path, width=390, height=700, has_touch=True)
        page.wait_for_selector(last)
        page.mouse.move(200, 400)
        page.mouse.wheel(0, 20_000)
        # Clear of the tabs below it, and not beyond the window.
        page.wait_for_function(
            """(last) => document.querySelector(last).getBoundingClientRect().bottom <=
                document.querySelector(".ways").getBoundingClientRect().top + 1""",
            arg=last,
        )


def test_the_pages_can_be_walked_with_the_keyboard_alone(browse):
    page = browse("/entities?type=WaterObserved")
    page.keyboard.press("?")
    until(page, "next, previous row", "#keys dd")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/entities/urn:*")
    page.wait_for_selector("html.ready", state="attached")
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_url("**/subscriptions")
