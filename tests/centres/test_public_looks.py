"""The public site in a browser: readable and usable by everybody, on a slow line, without a line, without script."""

import json
import re
import socket
import threading
import time
from pathlib import Path

import axe_playwright_python
import pytest
import uvicorn
from told_town import PAGES, ToldTown, warning

from hansa.centres.catalogue import _RULES, LANGUAGES
from looks import nameless, outside, small, weak

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
JUDGE = """async (values) => (await axe.run({ runOnly: { type: "tag", values }, resultTypes: ["violations"] }))
  .violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((it) => it.html.slice(0, 120)).join(" | ")}`)"""
WITHIN_MS = 30_000
LOOKED = tuple(
    one
    for one in PAGES
    if one
    not in {
        "subscribe?step=done",
        "subscribe?manage=tok",
        "warnings",
        "near?at=11.0,46.4",
        "works",
        "offline",
        "street",
        "take-part",
        "subscribe?step=code&id=r1",
        "requests/R7KQ2M4HXCE",
        "report",
    }
)
"""What is looked at closely: one page of each make."""
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"


@pytest.fixture(scope="module")
def served():
    town = ToldTown()
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            town.app, log_level="error", lifespan="off", interface="asgi3", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
        thread.start()
        # localhost: a browser lets no worker in from any other place without TLS
        town.url = f"http://localhost:{door.getsockname()[1]}"
        yield town
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def town(served):
    fresh = ToldTown()
    served.answers, served.done, served.asked, served.refuses = fresh.answers, [], [], None
    return served


def eventually(page, question, arg=None):
    """What an asynchronous question answers once it is something; the browser answers, so this is no sleep."""
    end = time.monotonic() + WITHIN_MS / 1000
    while not (found := page.evaluate(question, arg)):
        assert time.monotonic() < end, question
        page.evaluate("() => new Promise((done) => setTimeout(done, 30))")
    return found


@pytest.fixture
def look(browser, town):
    """Open pages; at the end nothing was raised, and nobody but the city was asked."""
    faults, strangers, open_ones = [], [], []

    def opened(path="/en/", *, width=390, height=844, workers="block", wait=True, of=browser, **how):
        context = of.new_context(
            viewport={"width": width, "height": height}, reduced_motion="reduce", service_workers=workers, **how
        )
        open_ones.append(context)
        page = context.new_page()
        page.set_default_timeout(WITHIN_MS)
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.on("request", lambda one: one.url.startswith((town.url, "blob:", "data:")) or strangers.append(one.url))
        if path:
            page.goto(town.url + path)
        if path and wait:
            page.wait_for_selector("html.ready", state="attached")
        return page

    yield opened
    for one in open_ones:
        one.close()
    assert faults == []
    assert strangers == []


@pytest.mark.parametrize(
    ("language", "width", "scheme", "pages"), [("en", 1440, "light", LOOKED), ("ar", 390, "dark", LOOKED[::2])]
)
def test_everybody_can_use_every_page(look, town, language, width, scheme, pages):
    page = look(f"/{language}/", width=width, color_scheme=scheme)
    found = {}
    for path in pages:
        page.goto(f"{town.url}/{language}/{path}")
        page.wait_for_selector("html.ready", state="attached")
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = !one.matches('.tongues')")
        page.evaluate(AXE)
        faults = page.evaluate(JUDGE, RULES)
        faults += [f"weak: {one}" for one in weak(page, "body *")] + [f"nameless: {one}" for one in nameless(page)]
        faults += [f"small: {one}" for one in small(page)] + [
            f"outside: {one}" for one in outside(page, "main *, .top *, .tabs *")
        ]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            faults.append("wider than the window")
        if faults:
            found[path] = faults
    assert found == {}


def test_dark_and_light_and_both_widths_are_readable_in_every_language(look, town):
    page = look()
    for language, width, scheme in [("ja", 320, "light"), ("fr", 320, "dark"), ("ar", 1440, "light")]:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        for path in ("", "report?service=lamp", "subscribe"):
            page.goto(f"{town.url}/{language}/{path}")
            assert (language, path, page.evaluate("document.documentElement.scrollWidth")) == (language, path, width)
            assert (language, path, weak(page, "body *"), outside(page, "main *, .top *, .tabs *")) == (
                language,
                path,
                [],
                [],
            )


def test_a_keyboard_is_enough(look):
    page = look(width=1280)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id || location.hash") in {"main", "#main"}
    page.focus(".tongues summary")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/fr/")
    assert page.get_attribute("html", "lang") == "fr"


def test_without_script_everything_is_there_and_a_report_is_sent(look, town):
    page = look("/en/report?service=lamp", java_script_enabled=False, wait=False)
    assert page.locator("[data-place-mine]").is_hidden()
    page.fill("[name=address]", "Bridge Street 4")
    page.fill("textarea[name=description]", "The lamp is dark.")
    page.select_option("[name='a.how']", "dark")
    page.click("text=Send report")
    page.wait_for_url("**/en/r/tok-1?sent=1")
    assert "Thank you" in page.inner_text("main")
    assert town.done[0][3]["address"] == "Bridge Street 4"
    for path in ("", "subscribe", "near", "take-part/urn:ngsi-ld:Ballot:v1", "r/tok-1"):
        page.goto(f"{town.url}/ja/{path}")
        assert page.locator("h1").count() == 1, path
        assert page.locator("main .js-only:visible").count() == 0, path


def test_an_answer_of_the_city_is_shown_where_the_form_was(look, town):
    from hansa.errors import BadRequest

    page = look("/en/report?service=lamp")
    assert page.locator("fieldset[data-when]").is_hidden(), "asked only of what flickers"
    page.select_option("[name='a.how']", "flicker")
    assert page.locator("fieldset[data-when]").is_visible()
    page.fill("textarea[name=description]", "x")
    town.refuses = BadRequest("far away", where="lon")
    page.click("text=Send report")
    page.wait_for_selector("#fault")
    assert "not in the city" in page.inner_text("#fault")
    assert page.evaluate("document.activeElement.id") == "fault"
    assert page.input_value("textarea[name=description]") == "x"
    town.refuses = None
    page.click("text=Send report")
    page.wait_for_url("**/en/r/tok-1?sent=1")
    page.goto(f"{town.url}/en/")
    page.wait_for_selector("#mine a[href='/en/r/tok-1']")


def test_a_place_comes_from_the_phone_or_the_map(look, town):
    town.answers["requests/near"] = {
        "requests": [{"id": "R7KQ2M4HXCA", "names": {"en": "Street lamp"}, "metres": 12, "lon": 11, "lat": 46}]
    }
    page = look(
        "/en/report?service=lamp", geolocation={"longitude": 11.05, "latitude": 46.45}, permissions=["geolocation"]
    )
    page.click("[data-place-mine]")
    page.wait_for_function("() => document.querySelector('[name=lon]').value === '11.050000'")
    page.wait_for_selector("#same a[href='/en/requests/R7KQ2M4HXCA']")
    page.click("[data-place-map]")
    page.focus(".chart")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => Number(document.querySelector('[name=lon]').value) > 11.05")
    page.goto(f"{town.url}/en/near")
    page.wait_for_selector("html.ready", state="attached")
    page.click("[data-open]")
    page.wait_for_selector(".pins button[aria-label='Street lamp']")


def test_my_place_is_remembered_by_the_phone_alone(look, town):
    page = look("/en/", geolocation={"longitude": 11.05, "latitude": 46.45}, permissions=["geolocation"])
    page.click("[data-here]")
    page.wait_for_url("**/en/?at=11.0500*")
    page.wait_for_selector("html.ready", state="attached")
    page.goto(f"{town.url}/en/")
    page.wait_for_selector("#now >> text=For your place.")
    page.click("text=Show the whole city")
    page.wait_for_selector("html.ready", state="attached")
    page.goto(f"{town.url}/en/")
    page.wait_for_selector("html.ready", state="attached")
    assert page.evaluate("localStorage.getItem('hansa.here')") is None
    assert page.context.cookies() == []


# ---- an app on a phone


def test_the_first_visit_is_small_and_painted_within_two_seconds_on_slow_4g(look, town, record_property):
    painted, sizes, whole = min(visited(look, town) for _ in range(2))  # a machine that is busy elsewhere is no line
    record_property("first paint, ms", round(painted))
    record_property("bytes of the page, of everything", (sum(sizes), whole))
    assert 0 < painted < 2_000
    assert sum(sizes) < 100_000
    assert whole < 150_000


def visited(look, town):
    """A first visit at 1.6 Mbit/s, 150 ms, with a quarter of the processor: ms, bytes of answers, of everything."""
    page = look("", workers="allow")
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    line.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 93_750},
    )
    line.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    sizes = []
    line.on("Network.loadingFinished", lambda said: sizes.append(said["encodedDataLength"]))
    page.goto(f"{town.url}/en/")
    page.wait_for_selector("html.ready", state="attached")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    painted = page.evaluate(PAINTED)
    # What the worker fetches besides is counted by its size on disk: the browser's own count does not tell.
    knows = json.loads(re.match(r"const KNOWS = (.*);\n", page.request.get(f"{town.url}/worker.js").text())[1])
    paths = [*knows["files"], "/worker.js", *(f"/en/{one}" for one in knows["pages"])]
    bodies = [len(page.request.get(town.url + one).body()) for one in paths]
    return painted, sizes, sum(bodies) + 300 * len(bodies)


def test_it_can_be_installed(look):
    page = look("/ja/", workers="allow")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    line = page.context.new_cdp_session(page)
    told = line.send("Page.getAppManifest")
    assert told["errors"] == []
    assert json.loads(told["data"])["start_url"] == "/ja/"
    wrong = [one["errorId"] for one in line.send("Page.getInstallabilityErrors")["installabilityErrors"]]
    assert [one for one in wrong if one != "in-incognito"] == []  # which a test's window always is


def test_without_a_line_it_starts_says_of_when_it_is_and_keeps_a_report_until_there_is_one(look, town):
    page = look("/en/", workers="allow")
    eventually(page, "async () => Boolean(await caches.match('/en/') && await caches.match('/en/offline'))")
    page.goto(f"{town.url}/en/report")  # whose forms are kept then, each of them
    eventually(
        page, "async () => Boolean(await caches.match('/en/report') && await caches.match('/en/report?service=lamp'))"
    )
    page.context.set_offline(True)
    page.goto(f"{town.url}/en/")
    page.wait_for_selector("html.ready", state="attached")
    assert "No connection. This is as of" in page.inner_text("#line")
    assert "Frost tonight" in page.inner_text("main")
    page.goto(f"{town.url}/en/about")
    assert page.inner_text("h1") == "No connection"
    page.goto(f"{town.url}/en/report?service=lamp")
    page.wait_for_selector("html.ready", state="attached")
    page.fill("textarea[name=description]", "Dark, and no signal here.")
    page.select_option("[name='a.how']", "dark")
    page.click("text=Send report")
    page.wait_for_selector("#kept")
    assert town.done == []
    page.goto(f"{town.url}/en/report")
    page.wait_for_selector("#waiting >> text=Street lamp")
    page.context.set_offline(False)
    page.goto(f"{town.url}/en/")
    page.wait_for_selector("#mine a[href='/en/r/tok-1']")
    assert [one[1] for one in town.done] == ["report"]
    assert town.done[0][3]["description"] == "Dark, and no signal here."
    assert len(town.done[0][3]["key"]) >= 22


def test_a_warning_that_is_pushed_is_shown_in_its_language_and_once_as_new(windowed, look, town):
    page = look("/ja/", of=windowed, workers="allow", permissions=["notifications"])
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    line = page.context.new_cdp_session(page)
    found = []
    line.on("ServiceWorker.workerRegistrationUpdated", lambda said: found.extend(said["registrations"]))
    line.send("ServiceWorker.enable")
    while not (ours := next((one for one in found if one["scopeURL"] == f"{town.url}/"), None)):
        page.evaluate("() => new Promise((done) => requestAnimationFrame(done))")  # lets what the browser says come in
    said = {
        "title": "今夜は霜",
        "body": "明け方に−3 °C",
        "url": "https://city.example/w/tok-1",
        "lang": "ja",
        "tag": "chain-1",
        "severity": "Severe",
        "again": False,
    }
    shown = """async (n) => { const all = await (await navigator.serviceWorker.ready).getNotifications();
      return all.length >= n && all.map((it) => [it.title, it.lang, it.tag, it.silent ?? false, it.data.link]); }"""
    for one in (json.dumps(said), json.dumps(said | {"again": True}), "no JSON"):
        line.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": town.url, "registrationId": ours["registrationId"], "data": one},
        )
    told = eventually(page, shown, 2)
    assert sorted(told) == [
        ["Warning of the city", "en", "", False, ""],
        ["今夜は霜", "ja", "chain-1", True, "https://city.example/w/tok-1"],
    ]


def test_a_newer_version_is_told_and_taken_when_somebody_wants_it(look, town):
    page = look("/en/", workers="allow")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    page.goto(f"{town.url}/en/warnings")
    page.wait_for_selector("html.ready", state="attached")
    was = town.site._worker
    try:
        town.site._worker = was.replace(b'"mark":"', b'"mark":"new-', 1)
        page.evaluate("navigator.serviceWorker.ready.then((one) => one.update()).then(() => true)")
        page.wait_for_selector("#line >> text=There is a new version")
        with page.expect_navigation():
            page.click("text=Use it now")
    finally:
        town.site._worker = was


def test_plural_forms_are_those_of_the_standard(look):
    counts = [*range(205), 999, 1_000, 1_000_000, 1_000_001, 2_000_000]
    page = look()
    theirs = page.evaluate(
        """([all, counts]) => Object.fromEntries(
          all.map((one) => [one, counts.map((n) => new Intl.PluralRules(one).select(n))]))""",
        [list(LANGUAGES), counts],
    )
    assert {one: [_RULES[one](n) for n in counts] for one in LANGUAGES} == theirs


def test_a_warning_is_drawn_on_a_map_when_asked_for(look, town):
    town.answers["warnings/warning"] = {"warning": warning(), "chain": []}
    page = look("/en/warnings/urn:ngsi-ld:Warning:1")
    asked = []
    page.on("request", lambda one: asked.append(one.url))
    page.click("[data-open]")
    page.wait_for_selector(".chart canvas")
    assert any(one.endswith("/map.js") for one in asked)
