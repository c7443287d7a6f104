"""/brain, /shift and the wall of a real, served city: the worst first, what two people sign, a picture that stays."""

import re
from types import SimpleNamespace

import pytest
from seen import until

from looks import nameless, outside, small, weak
from served import Served
from signed_in import SignedIn

PROFILE = {
    "name": "probe",
    "type": "RadiationObserved",
    "interval_s": 600,
    "channels": {"doseRate": {"name": "doseRate", "unit": "P72"}},
}
XSS = "<img src=x onerror=alert(1)>"
ROWS = ".vital-table tbody tr"


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    made = Served(tmp_path_factory.mktemp("brain") / "city")
    for n in range(3):
        made.enrol(f"probe-{n}", PROFILE)
    alert = {
        "id": "urn:ngsi-ld:Alert:a",
        "type": "Alert",
        "status": {"type": "Property", "value": "open"},
        "severity": {"type": "Property", "value": "high"},
        "description": {"type": "Property", "value": f"River above 3 m {XSS}"},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [17.1, 48.3]}},
    }
    assert made.post("/ngsi-ld/v1/entities", alert).status_code == 201
    assert made.post("/ngsi-ld/v1/entities", alert | {"id": "urn:ngsi-ld:Alert:b"}).status_code == 201
    made.until(lambda: sum(made.get("/desk/brain/vitals").json()["states"].values()) == 3, 40.0)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def people(city):
    found = {"ada": SignedIn(city, "ada")}
    told = city.post("/admin/invitations", {"name": "ben", "shown": "Ben", "roles": ["operator"], "departments": []})
    found["ben"] = SignedIn(SimpleNamespace(link=told.json()["link"]), "ben")
    yield found
    for one in found.values():
        one.close()


@pytest.fixture
def seat(browse, people):
    """A browser in which one of them is signed in."""

    def sit(name, path, **how):
        cookies = [
            {"name": one.name, "value": one.value, "domain": "127.0.0.1", "path": "/", "expires": -1,
             "httpOnly": True, "secure": False, "sameSite": "Lax"}
            for one in people[name].client.cookies.jar
        ]  # fmt: skip
        return browse(path, storage_state={"cookies": cookies, "origins": []}, **how)

    return sit


def test_sources_are_counted_listed_and_narrowed_and_all_of_it_is_in_the_address(browse):
    page = browse("/brain", width=1440, height=900)
    until(page, "probe-1", ROWS)
    assert page.locator(ROWS).count() == 3
    until(page, "Never heard", f"{ROWS} .vsign")
    until(page, "0", ".tile b")
    until(page, "alarms open", ".tile .word")
    page.click("#states button:has-text('Silent')")
    until(page, "No such source", "#sources h2")
    assert "state=silent" in page.url
    page.go_back()
    until(page, "probe-1", ROWS)
    page.keyboard.press("/")
    page.keyboard.type("probe-2")
    page.wait_for_function("() => document.querySelectorAll('.vital-table tbody tr').length === 1")
    assert "q=probe-2" in page.url
    page.reload()
    until(page, "probe-2", ROWS)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.querySelectorAll('.vital-table tbody tr').length === 3")
    page.click(".group")
    assert "in=RadiationObserved" in page.url
    with page.expect_download() as got:
        page.click("#hand-out")
    assert "probe-0" in got.value.path().read_text()


def test_what_stands_beside_the_signs(browse):
    page = browse("/brain", width=1440, height=900)
    until(page, "Nothing was predicted yet", "#pane-beside h2")
    page.click("#tab-decided")
    until(page, "Waits for somebody", "#pane-beside h2")
    page.click("#tab-parts")
    until(page, "App brain", "#pane-beside th")
    until(page, "In order", "#pane-beside th")
    page.focus("#tab-parts")
    page.keyboard.press("ArrowRight")
    until(page, "Of what, or of whom?", "#pane-beside h2")
    assert "tab=seen" in page.url
    page.fill("[name=of]", "urn:ngsi-ld:Alert:a")
    page.keyboard.press("Enter")
    until(page, "Nobody", "#pane-beside h2")


def test_a_city_without_sources_says_what_to_do(browse):
    page = browse("/ccc/brain", width=1440, height=900)
    until(page, "No sources yet", "#sources h2")
    until(page, "hansa device add", "#sources p")


def test_a_page_that_cannot_read_says_so_and_takes_up_again(browse):
    page = browse("/brain", width=1440, height=900)
    until(page, "probe-1", ROWS)
    page.route("**/desk/brain/vitals**", lambda route: route.fulfill(status=503, body='{"detail": "too busy"}'))
    page.click("#by button:has-text('Area')")
    until(page, "The vital signs could not be read", "#sources h2")
    page.unroute("**/desk/brain/vitals**")
    page.click('#sources button:has-text("Try again")')
    until(page, "probe-1", ROWS)


def test_two_people_hand_over_on_the_page(seat, people):
    hers = seat("ada", "/shift", width=1440, height=900)
    until(hers, "Nothing is entered yet", "#log h2")
    hers.click("button:has-text('Begin a shift')")
    hers.fill("#editor textarea", f"begun {XSS}")
    hers.click("#editor button[type=submit]")
    until(hers, "Began", ".entry b")
    hers.fill("#enter textarea", f"The mill called. {XSS}")
    hers.select_option("#enter select", "unusual")
    hers.keyboard.press("Tab")
    hers.focus("#enter textarea")
    hers.keyboard.press("Control+Enter")
    until(hers, "The mill called.", ".entry-text")
    assert hers.query_selector("#log img") is None
    hers.hover(".entry.unusual")
    hers.click(".entry.unusual .correct")
    hers.fill("#editor textarea", "It was the bakery.")
    hers.click("#editor button[type=submit]")
    until(hers, "corrected in no. 3", ".entry.unusual")
    hers.click("button:has-text('Hand over')")
    until(hers, "Open alarms", "#editor .edit-field")
    assert "River above 3 m" in hers.input_value("[name='section Open alarms']")
    assert "The mill called." in hers.input_value("[name='section Unusual']")
    hers.fill("#editor [name=text]", "Mind the bakery.")
    hers.click("#editor button[type=submit]")
    until(hers, "it waits to be accepted", ".shift-acts")
    his = seat("ben", "/shift", width=1440, height=900)
    his.click("button:has-text('Read and accept')")
    until(his, "Mind the bakery.", "#editor .to-read")
    until(his, "River above 3 m", "#editor .to-read")
    his.click("#editor button[type=submit]")
    until(his, "Your shift", "#side h2")
    until(his, "Accepted by person:ben", "#side .shifts")
    his.click("#verify")
    until(his, "Valid", ".verdict b")
    until(his, "as entered", ".entry .sign")
    assert his.locator(".entry .sign.alarm").count() == 0


def test_what_was_written_is_not_lost_when_the_city_refuses(seat, people):
    page = seat("ben", "/shift", width=1280, height=800)
    until(page, "Your shift", "#side h2")
    page.route("**/desk/brain/enter", lambda route: route.fulfill(status=401, body='{"detail": "who are you?"}'))
    page.fill("#enter textarea", "a long story")
    page.click("#enter button[type=submit]")
    until(page, "Who are you?", ".entered")
    assert page.input_value("#enter textarea") == "a long story"
    page.unroute("**/desk/brain/enter")
    page.click("#enter button[type=submit]")
    until(page, "a long story", ".entry-text")
    assert page.input_value("#enter textarea") == ""


def test_the_wall_turns_by_itself_halts_at_a_key_and_is_read_from_afar(browse):
    page = browse("/brain?wall=alarms,vitals&every=5", width=1920, height=1080)
    turn = passing(page)
    until(page, "alarms open", ".wall-huge")
    until(page, "River above 3 m", ".wall-lines")
    assert page.query_selector(".wall img") is None
    assert re.fullmatch(r"\d\d:\d\d", page.inner_text(".wall-clock"))
    # A capital of 15 mm on a screen of 55 inches (0.63 mm a pixel) is read from five metres: 34 pixels of type.
    sizes = page.evaluate(
        """() => ['.wall-lines b', '.wall-tally', '.wall-huge span', '.wall-clock', '.wall-title']
            .map((one) => parseFloat(getComputedStyle(document.querySelector(one)).fontSize))"""
    )
    assert min(sizes) >= 34
    assert outside(page, ".wall *") == []
    turn(6)
    until(page, "Vital signs", ".wall-title")  # nobody touched it
    turn(6)
    until(page, "Alarms", ".wall-title")
    page.keyboard.press("ArrowRight")
    until(page, "Vital signs", ".wall-title")
    until(page, "Held. Goes on in", ".wall-foot")
    turn(6)
    assert page.inner_text(".wall-title") == "Vital signs"
    page.keyboard.press(" ")
    until(page, "Alarms", ".wall-title")
    assert "wall=alarms,vitals" in page.url


def test_a_wall_of_nonsense_shows_what_it_can_and_says_what_is_wrong(browse):
    page = browse(f"/brain?wall=moon,{XSS}&every=0&dim=99-1&light=purple", width=1920, height=1080)
    until(page, "Alarms", ".wall-title")
    until(page, "no panel moon", ".wall-foot")
    until(page, "every is from 5 to 3600 seconds", ".wall-foot")
    assert page.query_selector(".wall img") is None
    assert page.locator(".wall-turns li").count() == 4


def passing(page):
    """The page's own time is ours to turn from now on: nobody waits for its rounds."""
    page.clock.install()
    page.reload()
    return lambda seconds: page.clock.fast_forward(seconds * 1_000)


def test_a_wall_without_the_city_keeps_its_picture_and_takes_up_again(browse):
    page = browse("/brain?wall=alarms", width=1920, height=1080)
    turn = passing(page)
    until(page, "River above 3 m", ".wall-lines")
    page.route("**/desk/brain/wall**", lambda route: route.abort())
    turn(30)
    until(page, "No answer", ".wall-lamp")
    assert "River above 3 m" in page.inner_text(".wall-lines")
    page.unroute("**/desk/brain/wall**")
    turn(60)
    page.wait_for_function("() => document.querySelector('.wall-lamp').textContent === ''")


def test_a_wall_that_was_signed_out_says_so(browse):
    page = browse("/brain?wall=alarms", width=1920, height=1080)
    turn = passing(page)
    until(page, "River above 3 m", ".wall-lines")
    page.route("**/desk/brain/wall**", lambda route: route.fulfill(status=401, body='{"detail": "who are you?"}'))
    turn(30)
    until(page, "Signed out", ".wall-lamp")


def test_a_wall_dims_at_night_and_moves_so_that_nothing_burns_in(browse):
    page = browse("/brain?wall=alarms&dim=0-23&light=dark", width=1920, height=1080)
    until(page, "alarms open", ".wall-huge")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    hour = int(page.inner_text(".wall-clock")[:2])
    assert page.evaluate("document.querySelector('.wall').classList.contains('dim')") is (hour < 23)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
@pytest.mark.parametrize("path", ["/brain", "/ccc/brain", "/brain?tab=parts", "/shift", "/ccc/shift"])
def test_the_pages_can_be_read_and_used_by_everybody(browse, path, width, height):
    page = browse(path, width=width, height=height)
    page.wait_for_selector("#sources :is(table, h2), #log :is(ol, h2)", state="attached")
    assert nameless(page) == []
    assert small(page) == []
    assert outside(page, "main :is(input, select, time, .tile, .group:first-child)") == []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert weak(page, "body") == []
