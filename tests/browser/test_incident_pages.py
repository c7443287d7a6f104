"""/incidents, /incidents/{id} and /run-books of a real, served city: raise, work, draw, write, two rooms, screens."""

import json
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

import pytest
from seen import until

from looks import nameless, outside, small, weak

DESK = "/desk/incidents"
SCRIPT = "<img src=x onerror=alert(1)>"


def act(city, verb, ident="", **said):
    answer = city.post(f"{DESK}/{verb}", {"id": ident, **said} if ident else said)
    assert answer.status_code == 200, answer.text
    return answer.json()["changed"]


def due(city):
    year = int(city.get("/health").json()["now"][:4])
    return f"{year + 1}-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def filled(city):
    """A city with run-books, two alarms and an incident that goes on."""
    for one in json.loads(files("hansa.apps.incidents").joinpath("run-books.json").read_text("utf-8")):
        assert city.post("/ngsi-ld/v1/entities", one).status_code == 201
    for i, place in enumerate(([15.43, 47.07], [15.44, 47.08])):
        alarm = {
            "id": f"urn:ngsi-ld:Alert:w{i}",
            "type": "Alert",
            "category": {"type": "Property", "value": "water"},
            "subCategory": {"type": "Property", "value": "flood"},
            "severity": {"type": "Property", "value": "critical"},
            "status": {"type": "Property", "value": "open"},
            "description": {"type": "Property", "value": f"Water is high at gauge {i}"},
            "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": place}},
        }
        assert city.post("/ngsi-ld/v1/entities", alarm).status_code == 201
    city.incident = act(city, "raise", name="Flood at the mill", alarms=["urn:ngsi-ld:Alert:w0"], description=SCRIPT)[0]
    act(city, "note", city.incident, text=SCRIPT)
    act(city, "task", city.incident, name="Close the road", owner="person:bo", due=due(city))
    return city


def page_of(city):
    return f"/incidents/{city.incident}"


def test_an_incident_is_raised_by_hand_and_from_chosen_alarms(filled, browse):
    page = browse("/incidents")
    until(page, "Flood at the mill", ".inc-table")
    page.keyboard.press("n")
    page.fill("dialog [name=name]", "Tree on the line")
    page.check("dialog [name=drill]")
    page.click("dialog button[type=submit]")
    until(page, "Tree on the line", "h1")
    assert page.is_visible("#drill")
    page.goto(f"{filled.url}/incidents?alarms=urn:ngsi-ld:Alert:w1")
    until(page, "from alarms", "dialog h2")
    page.click("dialog button[type=submit]")
    until(page, "Water is high at gauge 1", "h1")
    assert not page.is_visible("#drill")


def test_a_refusal_stands_in_the_sheet_and_nothing_typed_is_lost(filled, browse):
    page = browse(page_of(filled))
    page.click("[data-f=add-task]")
    page.fill("dialog [name=name]", "Sandbags")
    page.fill("dialog [name=minutes]", "9999999")
    page.fill("dialog [name=owner]", "person:dan")
    page.click("dialog button[type=submit]")
    until(page, "more than a year ahead", "dialog [role=alert]")
    assert page.input_value("dialog [name=name]") == "Sandbags"
    page.fill("dialog [name=minutes]", "30")
    page.click("dialog button[type=submit]")
    until(page, "Sandbags", "#tasks")
    until(page, "Task 2 for person:dan", "#log")


def test_from_verified_to_contained_with_the_keyboard_and_the_log_tells_it(filled, browse):
    page = browse(page_of(filled))
    page.keyboard.press("r")
    page.click("dialog button[type=submit]")
    until(page, "Verified", "#head")
    page.click("[data-f=boss]")
    page.fill("dialog [name=person]", "person:anna")
    page.click("dialog button[type=submit]")
    until(page, "In command: anna", "#head")
    page.keyboard.press("r")
    page.click("dialog button[type=submit]")
    until(page, "verified → open", "#log")
    page.keyboard.press("n")
    page.keyboard.type("The mill is evacuated")
    page.select_option("#entry-kind", "decision")
    page.focus("#entry-text")
    page.keyboard.press("Control+Enter")
    until(page, "The mill is evacuated", "#log .k-decision")
    assert page.input_value("#entry-text") == ""


def test_what_somebody_else_does_appears_and_what_is_typed_stays(filled, browse):
    page = browse(page_of(filled))
    page.fill("#entry-text", "half a sen")
    act(filled, "note", filled.incident, text="seen from the bridge")
    until(page, "seen from the bridge", "#log")
    assert page.input_value("#entry-text") == "half a sen"
    assert page.evaluate("document.activeElement.id") == "entry-text"


def test_a_run_book_that_fits_is_started_and_gone_through(filled, browse):
    page = browse(page_of(filled))
    until(page, "Flood at a river gauge", ".inc-fitting")
    page.click('[aria-label="Start Flood at a river gauge"]')
    page.fill('dialog [name="$gauge"]', "urn:ngsi-ld:WaterObserved:none")
    page.fill('dialog [name="$pump"]', "pump-7")
    page.check("dialog [name=drill]")
    page.click("dialog button[type=submit]")
    until(page, "Is the gauge right?", ".inc-step.on")
    page.click(".inc-step.on .done-it")
    page.click("dialog button[type=submit]")
    until(page, "wants evidence", "dialog [role=alert]")
    page.fill("dialog [name=text]", "It agrees with the camera")
    page.click("dialog button[type=submit]")
    until(page, "Call in the flood team", ".inc-step.on")
    page.click(".inc-step.on .done-it")
    page.click("dialog button[type=submit]")
    until(page, "DRILL, not sent", "#log")
    until(page, "Cannot be decided: there is no urn:ngsi-ld:WaterObserved:none", ".inc-step.on")
    page.click("text=Decide by hand")
    page.fill("dialog [name=text]", "seen")
    page.click("dialog button[type=submit]")
    until(page, "Close the riverside road", ".inc-step.on")
    assert filled.get("/ngsi-ld/v1/entities?type=Command,Notice").json() == []


def test_an_area_is_drawn_on_the_map_and_one_that_crosses_itself_is_refused(filled, browse):
    page = browse(page_of(filled))
    before = filled.get(f"{DESK}/picture?id={filled.incident}").json()["incident"]["area"]

    def draw(*corners):
        page.click("[data-f=draw]")
        field = page.query_selector("#field").bounding_box()
        for x, y in corners:
            page.mouse.click(field["x"] + field["width"] * x, field["y"] + field["height"] * y)
        page.keyboard.press("Enter")

    draw((0.3, 0.3), (0.7, 0.7), (0.7, 0.3), (0.3, 0.7))
    until(page, "Self-intersection", "#said")
    draw((0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7))
    until(page, "Area drawn", "#log")
    after = filled.get(f"{DESK}/picture?id={filled.incident}").json()["incident"]["area"]
    assert after != before
    assert len(after["coordinates"][0]) == 5


def test_a_task_is_finished_without_a_mouse(filled, browse):
    act(filled, "task", filled.incident, name="With keys alone", owner="person:bo", due=due(filled))
    page = browse(page_of(filled))
    until(page, "With keys alone", "#tasks")
    for _ in range(30):
        page.keyboard.press("j")
        if "With keys alone" in page.evaluate("document.activeElement.textContent"):
            break
    page.keyboard.press("x")
    until(page, "done: With keys alone", "#log")


def test_the_log_goes_back_in_pages(filled, browse):
    ident = act(filled, "raise", name="Talkative")[0]
    with ThreadPoolExecutor(16) as pool:  # they share commits
        list(pool.map(lambda i: act(filled, "note", ident, text=f"note {i}"), range(120)))
    page = browse(f"/incidents/{ident}")
    until(page, "note 2", "#log")
    assert page.locator("#log > li").count() == 100
    page.click("#older")
    until(page, "Raised: Talkative", "#log")
    assert page.locator("#log > li").count() == 121
    assert not page.is_visible("#older")


def test_report_and_review_are_handed_out_as_files(filled, browse):
    page = browse(page_of(filled))
    for name in ("pdf", "html", "review", "csv"):
        with page.expect_download() as got:
            page.click(f"[data-f={name}]")
        assert got.value.path().stat().st_size > 200


def test_an_incident_that_is_not_there_says_so(filled, browse):
    page = browse("/incidents/urn:ngsi-ld:Incident:none")
    until(page, "There is no such incident", "#head h2")
    assert not page.is_visible("#body")


def test_the_command_centre_has_pages_and_incidents_of_its_own(filled, browse):
    page = browse("/ccc/incidents")
    until(page, "Nothing goes on", "#list h2")
    page.keyboard.press("n")
    page.fill("dialog [name=name]", "Intruder at the dam")
    page.click("dialog button[type=submit]")
    until(page, "Intruder at the dam", "h1")
    assert "/ccc/incidents/" in page.url
    page.goto(f"{filled.url}/incidents?status=all")
    until(page, "Flood at the mill", ".inc-table")
    assert "Intruder" not in page.inner_text("main")


def test_run_books_are_read_published_anew_and_faults_are_named(filled, browse):
    page = browse("/run-books?sel=urn:ngsi-ld:RunBook:air-quality")
    until(page, "Ozone above the information threshold", "#one h2")
    until(page, "Directive (EU) 2024/2881", "#one a")
    page.click("text=Publish a new version")
    said = json.loads(page.input_value("dialog [name=body]"))
    said["steps"][0]["next"] = "nowhere"
    page.fill("dialog [name=body]", json.dumps(said))
    page.click("dialog button[type=submit]")
    until(page, "There is no step nowhere", "dialog [role=alert]")
    del said["steps"][0]["next"]
    said["name"] = "Ozone, anew"
    page.fill("dialog [name=body]", json.dumps(said))
    page.click("dialog button[type=submit]")
    until(page, "Ozone, anew", "#one h2")
    page.click("text=All versions")
    until(page, "Earlier version", "#list")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1024, "dark"), (390, "dark"), (390, "light")])
def test_the_pages_can_be_read_by_everybody_on_every_screen(filled, browse, width, scheme):
    for path in ("/incidents", page_of(filled), "/run-books?sel=urn:ngsi-ld:RunBook:frost-night"):
        page = browse(path, width=width, color_scheme=scheme)
        assert nameless(page) == []
        assert weak(page, "main *") == []
        assert outside(page, "main :is(input, select, textarea, button, time, h1, h2)") == []
        assert small(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")


def test_what_a_stranger_wrote_is_text_on_the_page(filled, browse):
    page = browse(page_of(filled))
    until(page, SCRIPT, "#log")
    until(page, SCRIPT, ".inc-what")
    assert page.query_selector("main img") is None


def test_a_photograph_is_attached_saved_and_taken_away(filled, browse, tmp_path):
    photo = tmp_path / "quay.jpg"
    photo.write_bytes(b"\xff\xd8\xff\xe0" + bytes(2_000))
    page = browse(page_of(filled))
    page.click("[data-f=attach]")
    page.set_input_files("dialog [name=file]", str(photo))
    page.fill("dialog [name=caption]", SCRIPT)
    page.click("dialog button[type=submit]")
    until(page, SCRIPT, "#more .inc-list a")
    with page.expect_download() as got:
        page.click("#more a[download]")
    assert got.value.path().read_bytes() == photo.read_bytes()
    (tmp_path / "tool.exe").write_bytes(b"MZ\x90\0")
    page.click("[data-f=attach]")
    page.set_input_files("dialog [name=file]", str(tmp_path / "tool.exe"))
    page.click("dialog button[type=submit]")
    until(page, "no file that is taken", "dialog [role=alert]")
    page.keyboard.press("Escape")
    page.click('[aria-label="Take away quay.jpg"]')
    page.fill("dialog [name=reason]", "a face")
    page.click("dialog button[type=submit]")
    until(page, "No photographs or papers yet", "#more")
    until(page, "quay.jpg taken away: a face", "#log")
