"""/alarms and /alarms/load of a real, served city: keys alone, live, many at once, hostile text, small screens."""

import csv
import io
import json
import random
from itertools import count

import pytest
from payloads import PAYLOADS
from seen import until

from hansa import entity
from hansa.apps.alarms import standing
from looks import nameless, outside, small, weak

ROW = ".alarm-row"


def raised(city, kind, source="", **said):
    told = city.post("/desk/alarms/raise", {"source": source or city.source, "kind": kind, **said})
    assert told.status_code == 200, told.text
    return told.json()["id"]


NUMBERS = count(1)


def kinds(page):
    return [one.inner_text() for one in page.query_selector_all(f"{ROW} .c-what b")]


@pytest.fixture
def desk(city):
    """The city, with no alarm in it, and a source of a test's own."""
    ids = [one["id"] for one in city.get("/desk/alarms/list?kept=2000000").json()["alarms"]]
    for at in range(0, len(ids), 1_000):
        some = ids[at : at + 1_000]
        city.until(lambda some=some: city.post("/ngsi-ld/v1/entityOperations/delete", some).status_code in {204, 207})
    city.source = f"urn:ngsi-ld:WaterObserved:bridge-{next(NUMBERS)}"
    return city


def test_alarms_are_listed_the_gravest_first_and_a_new_one_comes_by_itself(desk, browse):
    raised(desk, "smell", severity="low")
    raised(desk, "leak", severity="high")
    page = browse("/alarms")
    until(page, "Leak", f"{ROW} b")
    assert kinds(page) == ["Leak", "Smell"]
    assert page.title().startswith("(2) ")
    raised(desk, "fire", severity="critical", description="Smoke on the bridge")
    until(page, "Fire", f"{ROW} b")
    assert kinds(page) == ["Fire", "Leak", "Smell"]
    until(page, "New alarm, Critical: Fire", "#ring")
    assert page.title().startswith("(3) ")


def test_everything_is_done_with_keys_alone(desk, browse):
    first, second = raised(desk, "first", severity="high"), raised(desk, "second", severity="low")
    page = browse("/alarms")
    until(page, "First", f"{ROW} b")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.dataset.id") == first
    page.keyboard.press("a")
    until(page, "1 alarm acknowledged.", "#said")
    until(page, "Acknowledged", f"{ROW} .astate")
    assert desk.get(f"/ngsi-ld/v1/entities/{first}").json()["acknowledgedActivation"]["value"] == 1
    page.keyboard.press("*")
    until(page, "2 alarms chosen", "#bulk")
    page.keyboard.press("s")
    page.keyboard.type("Sensors are being cleaned")
    page.keyboard.press("Enter")
    until(page, "2 alarms shelved.", "#said")
    until(page, "No such alarm", ".alarm-note h2")
    page.keyboard.press("f")
    page.keyboard.press("f")
    until(page, "shelved", f"{ROW} .astate")
    assert "show=aside" in page.url
    page.keyboard.press("k")
    page.keyboard.press("u")
    until(page, "1 alarm brought back.", "#said")
    page.keyboard.press("?")
    until(page, "bring back from the shelf", "#keys dd")
    page.keyboard.press("Escape")
    page.goto(f"{desk.url}/alarms?show=all&sel={second}")
    until(page, "Second", "#one h2")
    page.keyboard.press("c")
    page.keyboard.type("A crew is on its way")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    until(page, "A crew is on its way", ".alarm-story .comment")
    page.keyboard.press("e")
    until(page, "1 alarm cleared.", "#said")
    until(page, "Over, unseen", "#one .astate")
    page.keyboard.press("Escape")
    assert page.is_hidden("#one")


def test_a_refusal_stays_in_its_sheet_and_nothing_typed_is_lost(desk, browse):
    raised(desk, "leak")
    page = browse("/alarms")
    until(page, "Leak", f"{ROW} b")
    page.keyboard.press("j")
    page.keyboard.press("s")
    page.keyboard.press("Enter")
    until(page, "reason is missing", "#editor [role=alert]")
    assert page.evaluate("document.activeElement.name") == "reason"
    page.keyboard.type("Known")
    page.keyboard.press("Enter")
    until(page, "1 alarm shelved.", "#said")


def test_of_many_those_that_cannot_be_say_why(desk, browse):
    alarms = [raised(desk, f"zz{n}") for n in range(4)]
    desk.post("/desk/alarms/shelve", {"id": alarms[0], "minutes": 5, "reason": "x"})
    page = browse("/alarms?show=all&q=zz")
    until(page, "Zz3", f"{ROW} b")
    page.keyboard.press("*")
    page.keyboard.press("u")
    until(page, "1 alarm brought back. ", "#said")
    assert "refused: it is not shelved" in page.inner_text("#said").lower()


def test_the_choice_is_in_the_address_and_back_undoes_it(desk, browse):
    raised(desk, "leak", severity="high", category="water")
    raised(desk, "smell", severity="low", category="air")
    page = browse("/alarms")
    until(page, "Smell", f"{ROW} b")
    page.click("#severities [data-value=high]")
    until(page, "1 alarm", "#sum")
    assert kinds(page) == ["Leak"]
    page.select_option("#category", "water")
    assert page.url.endswith("?sev=high&cat=water")
    page.reload()
    until(page, "Leak", f"{ROW} b")
    assert kinds(page) == ["Leak"]
    page.go_back()
    page.go_back()
    until(page, "Smell", f"{ROW} b")
    page.fill("#find", "nothing fits this")
    until(page, "No such alarm", ".alarm-note h2")
    page.click("text=Show all")
    until(page, "Smell", f"{ROW} b")


def test_an_area_narrows_the_list(desk, browse):
    ring = [[17.0, 48.0], [17.2, 48.0], [17.2, 48.2], [17.0, 48.2], [17.0, 48.0]]
    area = {"id": "urn:ngsi-ld:District:old", "type": "District", "name": "Old town",
            "location": {"type": "Polygon", "coordinates": [ring]}}  # fmt: skip
    assert desk.post("/ngsi-ld/v1/entities", area).status_code in {201, 409}
    raised(desk, "inside", location={"type": "Point", "coordinates": [17.1, 48.1]})
    raised(desk, "outside", location={"type": "Point", "coordinates": [17.3, 48.1]})
    raised(desk, "nowhere")
    page = browse("/alarms?area=urn:ngsi-ld:District:old")
    until(page, "Inside", f"{ROW} b")
    assert kinds(page) == ["Inside"]
    assert page.input_value("#area") == "urn:ngsi-ld:District:old"


def test_an_alarm_tells_what_it_is_and_what_happened(desk, browse):
    root = raised(desk, "power", description="No power at the weir")
    alarm = raised(desk, "no flow", value=0.2, limit=1.5, unitCode="MTR", severity="high")
    assert desk.post("/desk/alarms/root", {"id": alarm, "root": root}).status_code == 200
    assert desk.post("/desk/alarms/acknowledge", {"id": alarm, "comment": "Pump is off"}).status_code == 200
    page = browse(f"/alarms?sel={alarm}")
    until(page, "0.2 m", "#one dd")
    until(page, "1.5 m", "#one dd")
    until(page, "acknowledged", ".alarm-story li")
    until(page, "Pump is off", ".alarm-story .comment")
    page.click("text=Power, bridge-")
    until(page, "No power at the weir", "#one .alarm-words")
    until(page, "1 alarm under it", "#one h3")
    page.go_back()
    until(page, "No flow", "#one h2")


@pytest.mark.parametrize("text", PAYLOADS[:6])
def test_hostile_text_is_text(desk, browse, text):
    raised(desk, text[:200], source=text, description=text, category=text[:200])
    alarm = standing.ident(text, text[:200])
    desk.post("/desk/alarms/comment", {"id": alarm, "text": text})
    page = browse(f"/alarms?sel={alarm}")
    page.wait_for_selector(f"{ROW}")
    page.wait_for_selector(".alarm-story .comment")
    assert page.inner_text(".alarm-words").split() == text.split()
    assert page.evaluate("() => document.querySelectorAll('main script, main img, main iframe').length") == 0


def test_thousands_of_alarms_stay_a_list_of_few_rows(desk, browse):
    for at in range(0, 2_000, 500):
        some = [
            {"id": f"urn:ngsi-ld:Alert:many{n}", "type": "Alert", "status": "open", "severity": "low",
             "subCategory": "threshold", "dateIssued": "2026-11-22T10:00:00Z", "alertSource": f"urn:x:{n}"}
            for n in range(at, at + 500)
        ]  # fmt: skip
        desk.until(lambda some=some: desk.post("/ngsi-ld/v1/entityOperations/upsert", some).status_code in {201, 204})
    page = browse("/alarms")
    until(page, "2000 alarms", "#sum")
    assert page.locator(ROW).count() < 80
    page.evaluate("() => document.getElementById('rows').scrollTop = 1e9")
    page.wait_for_selector(f"{ROW}[aria-rowindex='2001']")
    assert page.locator(ROW).count() < 80
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.getAttribute('aria-rowindex')") == "2001"
    page.keyboard.press("Home")
    page.wait_for_selector(f"{ROW}[aria-rowindex='2']")


def test_the_list_is_handed_out(desk, browse):
    raised(desk, "leak", description="=1+1", severity="high")
    page = browse("/alarms")
    until(page, "Leak", f"{ROW} b")
    with page.expect_download() as got:
        page.click("#hand-out")
    rows = list(csv.reader(io.StringIO(got.value.path().read_text())))
    assert rows[0][:3] == ["id", "severity", "state"]
    assert rows[1][1:3] == ["high", "UNACK"]
    assert "'=1+1" in rows[1]


def test_the_load_is_shown_with_bands_and_handed_out(desk, browse):
    for n in range(12):
        raised(desk, f"storm{n}", severity="medium")
    page = browse("/alarms/load")
    page.wait_for_selector("[data-figure=per10min]")
    until(page, "beyond", "[data-figure=busiestEach] .sign")
    until(page, "Flood", ".load-floods .sign")
    assert page.locator(".load-periods rect.over").count() >= 1
    page.fill("[name=operators]", "50")
    page.click("#asked button[type=submit]")
    until(page, "more than 500 is a flood", "figcaption")
    assert "operators=50" in page.url
    told = json.loads(desk.get(page.get_attribute("#json", "href")).text)
    assert told["operators"] == 50
    assert desk.get(page.get_attribute("#csv", "href")).text.startswith("what,of,measured")
    page.goto(f"{desk.url}/alarms/load?operators=5000")
    until(page, "The load could not be computed", "#figures h2")


def test_a_city_that_does_not_answer_is_said_and_tried_again(desk, browse):
    raised(desk, "leak")
    page = browse("/")
    page.route("**/desk/alarms/list*", lambda route: route.fulfill(status=503, body="{}"))
    page.goto(f"{desk.url}/alarms")
    until(page, "The alarms could not be read", ".alarm-note h2")
    page.unroute("**/desk/alarms/list*")
    page.click("text=Try again")
    until(page, "Leak", f"{ROW} b")


def test_the_command_centre_has_a_desk_of_its_own(desk, browse):
    raised(desk, "leak")
    page = browse("/ccc/alarms")
    until(page, "No alarm", ".alarm-note h2")
    told = desk.post("/ccc/desk/alarms/raise", {"source": "gate 4", "kind": "intrusion", "severity": "high"})
    assert told.status_code == 200, told.text
    until(page, "Intrusion", f"{ROW} b")
    assert desk.get(f"/ngsi-ld/v1/entities/{told.json()['id']}").status_code == 404
    page.click("#to-load")
    page.wait_for_selector("[data-figure=per10min]")
    assert page.url.endswith("/ccc/alarms/load")


def drawn(number):
    """An Alert as nobody would write it, mostly."""
    rng = random.Random(number)
    some = {
        "status": ["open", "closed", "Closed", 7],
        "severity": ["critical", "low", "none", 3],
        "activations": [0, 1, 2, 3, -1, True, "2", 1.5],
        "acknowledgedActivation": [0, 1, 2, 3, False],
        "shelvedUntil": ["2026-11-22T19:00:00Z", "2026-11-22T17:00:00Z", "2026-11-22T20:00:00+01:00", "soon", 5],
        "outOfService": [True, False, "true"],
        "outOfServiceUntil": ["2026-11-22T19:00:00Z", "2026-11-22T17:00:00Z", ""],
        "suppressed": [True, False, 1],
        "lastRaised": ["2026-11-22T17:30:00.25Z", "then"],
        "dateIssued": ["2026-11-22T17:00:00Z"],
    }
    said = {name: rng.choice(values) for name, values in some.items() if rng.random() < 0.6}
    return entity("Alert", f"drawn-{number}", **said)


def test_the_page_judges_a_state_as_the_city_does(desk, browse):
    alerts = [drawn(number) for number in range(400)]
    now = standing.instant("2026-11-22T18:00:00Z")
    page = browse("/alarms")
    told = page.evaluate(
        """async ([docs, now]) => {
          const at = document.querySelector("script[src$='desk/alarms.js']").src.replace("alarms.js", "standing.js");
          const page = await import(at);
          return docs.map((one) =>
            [page.stateOf(one), page.aside(one, now), page.severityOf(one), page.activation(one), page.began(one)]);
        }""",
        [[one.doc for one in alerts], now / 1_000],
    )
    for one, said in zip(alerts, told, strict=True):
        since = standing.began(one)
        expected = [
            standing.state(one), standing.aside(one, now), standing.severity(one), standing.activation(one),
            None if since is None else since / 1_000,
        ]  # fmt: skip
        assert said == expected, one.doc


@pytest.mark.parametrize("path", ["/alarms", "/alarms?sel=", "/alarms/load"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_it_can_be_read_and_used_on_any_screen(desk, browse, path, scheme, width):
    alarm = raised(desk, "leak", severity="critical", description="Water in the cellar of the town hall")
    raised(desk, "smell", severity="medium")
    page = browse(f"{path}{alarm}" if path.endswith("=") else path, width=width, height=900, color_scheme=scheme)
    page.wait_for_selector(".load-bands" if "load" in path else ".alarm-story time" if "sel" in path else ROW)
    assert weak(page, "body *") == []
    assert nameless(page) == []
    assert small(page) == []
    assert outside(page, "main h2, .alarm-row .c-what b, .load-bands, .alarm-one") == []
