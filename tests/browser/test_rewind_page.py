"""/rewind of a real, served city: the picture of any time, played on; and a film of it without the city."""

import time
from urllib.parse import quote

import httpx
import pytest
from seen import WITHIN_MS, until

from hansa import clock
from looks import nameless, outside, small, weak
from served import KNOWN, Served

STATION = "urn:ngsi-ld:WeatherObserved:ridge"
ALERT = "urn:ngsi-ld:Alert:frost-ridge"


def prop(value, **more):
    return {"type": "Property", "value": value, **more}


def stamp():
    time.sleep(0.01)
    told = clock.text(time.time_ns() // 1_000_000 * 1_000)
    time.sleep(0.01)
    return told


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """One that keeps for a week what is on screen."""
    folder = tmp_path_factory.mktemp("rewound") / "city"
    folder.mkdir()
    (folder / "hansa.toml").write_text("[serve]\nscreens = 7\n")
    one = Served(folder)
    yield one
    one.stop()


class Past:
    """What happened, and the instants between."""

    def __init__(self, city):
        self.city = city
        self.say(STATION, "WeatherObserved", name=prop("Ridge"), temperature=self.reading(4.0),
                 location={"type": "GeoProperty", "value": {"type": "Point", "coordinates": [17.1, 48.1]}})  # fmt: skip
        road = {"type": "LineString", "coordinates": [[17.0, 48.0], [17.2, 48.2]]}
        self.say("urn:ngsi-ld:Road:1", "Road", name=prop("Ridge road"), location={"type": "GeoProperty", "value": road})
        self.calm = stamp()
        self.patch(STATION, temperature=self.reading(-1.5))
        self.say(ALERT, "Alert", status=prop("open"), severity=prop("high"), subCategory=prop("frost"),
                 alertSource={"type": "Relationship", "object": STATION})  # fmt: skip
        self.rings = stamp()
        self.patch(ALERT, status=prop("closed"))
        self.patch(STATION, temperature=self.reading(6.5))
        self.over = stamp()

    def reading(self, value):
        return prop(value, unitCode="CEL", observedAt=stamp())

    def say(self, ident, kind, **attributes):
        answer = self.city.post("/ngsi-ld/v1/entities", {"id": ident, "type": kind, **attributes})
        assert answer.status_code == 201, answer.text

    def patch(self, ident, **attributes):
        url = f"{self.city.url}/ngsi-ld/v1/entities/{ident}/attrs"
        assert httpx.patch(url, json=attributes, verify=KNOWN, trust_env=False).status_code == 204


@pytest.fixture(scope="module")
def past(city):
    return Past(city)


def at(page, when):
    page.wait_for_function(
        """(at) => {
          const it = document.getElementById("past");
          return it.dataset.shown === at && !it.hasAttribute("aria-busy");
        }""",
        arg=js(when),
    )


def js(when):
    """As a browser writes it."""
    head, _, rest = when.rstrip("Z").partition(".")
    return f"{head}.{(rest + '000')[:3]}Z"


def test_the_picture_of_a_time_is_shown_and_is_unmistakably_the_past(past, browse):
    page = browse(f"/rewind?at={quote(past.calm)}&sel={quote(STATION)}")
    at(page, past.calm)
    until(page, "4.0 °C", "#one")
    assert page.inner_text(".past-tag").lower() == "past"
    assert page.evaluate("getComputedStyle(document.body, '::after').borderTopWidth") != "0px"
    assert page.query_selector_all("main form, main [contenteditable]") == []
    until(page, "alarm raised", "#done")
    page.click("#after")
    page.wait_for_function("(sel) => new URLSearchParams(location.search).get('sel') === sel", arg=ALERT)
    until(page, "open", "#one")
    page.click("#before")
    page.go_back()
    page.reload()
    page.wait_for_selector("html.ready", state="attached")


def test_the_list_says_how_stations_did_then(past, browse):
    page = browse(f"/rewind?at={quote(past.rings)}&view=list")
    until(page, "−1.5 °C", "#list")
    until(page, "Alarm", "#list .sign")
    page.fill("#pick", "1999-01-01T00:00:00")
    page.dispatch_event("#pick", "change")
    until(page, "Ridge", "#list")  # the time line does not go before the city's memory begins


def test_it_plays_on_and_stops_where_now_begins(past, browse):
    page = browse(f"/rewind?at={quote(past.calm)}&rate=60&sel={quote(STATION)}&view=list")
    at(page, past.calm)
    page.click("#play")
    until(page, "6.5 °C", "#one")
    until(page, "Play", "#play")
    assert "rate=60" in page.url


def test_rates_and_times_that_make_no_sense_are_put_right(past, browse):
    page = browse("/rewind?at=yesterday&rate=-1e9&view=nothing")
    assert page.get_attribute("#rates [aria-pressed=true]", "aria-pressed") == "true"
    assert page.inner_text("#rates [aria-pressed=true]") == "×20"
    page = browse("/rewind?at=2999-01-01T00:00:00Z&rate=1e9")
    assert page.inner_text("#rates [aria-pressed=true]") == "×60"


def test_everything_can_be_read_reached_and_named(past, browse):
    for how in ({}, {"width": 390, "height": 844}, {"color_scheme": "dark"}):
        page = browse(f"/rewind?at={quote(past.rings)}&sel={quote(STATION)}", **how)
        at(page, past.rings)
        assert nameless(page) == []
        assert small(page) == []
        assert weak(page, "main *") == []
        assert outside(page, "main :is(button, input, a, h2, h3, p, li)") == []


def test_what_was_on_screen_is_told_on_the_page_kept_and_shown_in_the_past(past, browse):
    page = browse(f"/audit?sel={quote(STATION)}")
    until(page, "Screen noted, 7 days", ".screens-told")
    found = past.city.until(lambda: screens(past.city, "audit"))
    assert (found[0]["selected"], found[0]["by"]) == (STATION, "administrator")
    page = browse(f"/rewind?at={quote(stamp())}")
    until(page, "audit", "#screens")
    until(page, f"/audit?sel={quote(STATION)}", "#screens a")


def screens(city, page):
    """What was told of a page."""
    now = time.time_ns() // 1_000
    span = f"from={clock.text(now - 600_000_000)}&to={clock.text(now + 1_000_000)}"
    return [one for one in city.get(f"/desk/screens?{span}").json()["screens"] if one["page"] == page]


def test_a_film_plays_without_the_city(past, browse, browser, tmp_path):
    page = browse(f"/rewind?at={quote(past.rings)}")
    page.click("#film")
    page.fill("#film-of [name=from]", past.calm[:19])
    page.fill("#film-of [name=purpose]", "training")
    with page.expect_download() as got:
        page.click("#film-of [type=submit]")
    file = tmp_path / "film.html"
    got.value.save_as(file)
    faults, asked = [], []
    context = browser.new_context(offline=True, reduced_motion="reduce")
    film = context.new_page()
    film.set_default_timeout(WITHIN_MS)
    film.on("pageerror", lambda fault: faults.append(str(fault)))
    film.on("console", lambda said: said.type == "error" and faults.append(said.text))
    film.on("request", lambda one: one.url.startswith("file:") or asked.append(one.url))
    film.goto(file.as_uri())
    film.wait_for_selector("html[data-ready]", state="attached")
    until(film, "operation", "footer")  # who sits at the machine itself has this one purpose
    until(film, "smart", "footer code")
    film.click("#after")
    until(film, "frost-ridge", "#one")
    until(film, "open", "#one")
    film.click("#rates button:last-child")
    film.click("#play")
    until(film, "closed", "#one")
    until(film, "Play", "#play")
    film.click("summary")
    until(film, "temperature 6.5", "#table")
    film.evaluate("() => fetch('https://example.org/').then(() => 1, () => 2)")
    context.close()
    assert [one for one in faults if "example.org" not in one] == []
    assert asked == [] or all("example.org" in one for one in asked)
