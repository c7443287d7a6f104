"""The city's data in a browser: plotted, mapped, joined, shared, asked for; and published by two of the staff."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import axe_playwright_python
import pytest
from seen import until

import opendata_city as made
from looks import nameless, outside, small, weak
from served import Served

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
JUDGE = """async (values) => (await axe.run({ runOnly: { type: "tag", values }, resultTypes: ["violations"] }))
  .violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((it) => it.html.slice(0, 120)).join(" | ")}`)"""


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "city"
    folder.mkdir()
    (folder / "hansa.toml").write_text(made.TOML)
    one = Served(folder, trusted=False)
    one.url = one.url.replace("127.0.0.1", "localhost")
    yield one
    one.stop()


@pytest.fixture(scope="module")
def staff(city):
    """Two people; the weather and the stations are published."""
    people = made.two_people(city)
    made.published(*people, "weather", "Weather", made.weather(1_500))
    made.published(*people, "stations", "Stations", made.STATIONS)
    yield people
    for one in people:
        one.close()


def signed(who):
    """The browser of somebody who is signed in."""
    cookies = [{"name": name, "value": value, "domain": "localhost", "path": "/", "expires": -1, "httpOnly": True,
                "secure": False, "sameSite": "Lax"} for name, value in who.client.cookies.items()]  # fmt: skip
    return {"storage_state": {"cookies": cookies, "origins": []}}


def said(page):
    """What the address says."""
    return {name: one for name, (one,) in parse_qs(urlsplit(page.url).query).items()}


def shown(page):
    return page.locator("#explored tbody").first.inner_text(), page.locator(".ax-in").inner_html()


def test_a_stranger_finds_a_dataset_plots_it_and_shares_the_link(city, staff, browse):
    page = browse("/en/data")
    page.fill("input[name=q]", "weather")
    page.click("button:has-text('Search')")
    page.click("main .sets a:has-text('Weather')")
    until(page, "Air temperature", ".cells td")
    until(page, "Creative Commons Attribution 4.0", "main a")
    page.click("text=Plot or map it")
    page.wait_for_selector(".ax-in path.line")
    assert said(page) == {"d": "weather"}
    page.select_option("[name=by]", "id")
    page.wait_for_function("() => document.querySelectorAll('.ax-in path.line').length === 5")
    assert said(page) == {"d": "weather", "plot": "line", "x": "time", "y": "temperature", "agg": "mean", "by": "id"}
    assert page.locator("path.gap").count() == 1  # two days of one station are missing, and are seen to be
    page.click("summary:has-text('Only some rows')")
    page.select_option("[name=c0]", "id")
    page.fill("[name=v0]", "s1|s4")
    page.keyboard.press("Tab")
    page.wait_for_function("() => document.querySelectorAll('.ax-in path.line').length === 2")
    assert said(page)["f"] == "id=s1|s4"
    assert len(page.url) < 140
    there = shown(page)
    shared = browse(page.url.removeprefix(city.url))
    assert shown(shared) == there
    page.go_back()
    page.wait_for_function("() => document.querySelectorAll('.ax-in path.line').length === 5")


def test_the_plot_is_there_without_script_and_its_form_makes_a_short_address(city, staff, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{city.url}/en/data/explore?d=weather")
    assert page.locator(".ax-in path.line").count() == 1
    page.check("[name=plot][value=hist]")
    page.click("[data-show]")
    assert "go=" not in page.url
    assert said(page)["plot"] == "hist"
    context.close()


def test_two_datasets_are_joined_and_the_places_are_mapped(city, staff, browse):
    page = browse("/en/data/explore?d=weather&plot=bar&x=id")
    page.wait_for_selector(".drawn.lying rect")
    page.click("summary:has-text('Join another dataset')")
    page.select_option("[name=j]", "stations")
    page.wait_for_function("() => document.querySelector('[name=on]')?.value === 'id'")
    page.select_option("[name=x]", "district")
    page.wait_for_function("() => document.querySelectorAll('.drawn.lying rect').length === 3")
    rows = page.locator("#explored tbody tr").all_inner_texts()
    assert [one.split("\t")[0] for one in rows] == ["Harbour", "Hills", "Old Town"]  # the warmest first
    page.check("[name=plot][value=map]", force=True)
    page.wait_for_selector(".map-of[data-ready='5']")
    assert said(page)["plot"] == "map"
    assert page.locator(".legend li").count() == 5


def test_what_cannot_be_plotted_is_said_and_something_is_shown_all_the_same(city, staff, browse):
    page = browse("/en/data/explore?d=weather&plot=line&x=time&y=humidity")
    until(page, "there is no column 'humidity'", "#fault")
    assert page.locator(".ax-in path.line").count() == 1
    page = browse("/en/data/explore?d=weather&f=temperature%3E900")
    until(page, "No row fits", ".nothing")
    assert city.get("/en/data/explore?d=nothing").status_code == 404


def test_a_plot_is_kept_as_a_picture_and_as_figures(city, staff, browse):
    page = browse("/en/data/explore?d=weather&by=id", accept_downloads=True)
    files = {}
    for word in ("CSV", "SVG", "PNG"):
        with page.expect_download() as coming:
            page.click(f".seen .goes >> text={word}")
        files[word] = Path(coming.value.path()).read_bytes()
    assert files["CSV"].startswith(b"time,id,mean of temperature\r\n2026-01-01T00:00:00Z,s0,")
    assert files["SVG"].startswith(b"<svg")
    assert b"Mean of temperature by time" in files["SVG"]
    assert b"CC BY 4.0" in files["SVG"]
    assert files["PNG"].startswith(b"\x89PNG")
    page.hover(".ax-in", position={"x": 200, "y": 100})
    until(page, "2026-01", "[data-readout]")


def test_somebody_asks_for_data_the_city_answers_and_others_support_it(city, staff, browse):
    page = browse("/fr/data/requests")
    page.fill("[name=title]", "Comptages de vélos")
    page.fill("[name=text]", "Par heure, pour tracer des pistes.")
    page.click("form.sheet button")
    page.wait_for_url("**done=asked")
    assert "Comptages de vélos" not in page.inner_text("main")  # it is read first
    desk = browse("/data?view=requests", **signed(staff[0]))
    until(desk, "Comptages de vélos", "tbody th")
    desk.click("text=Answer…")
    desk.select_option("#editor [name=status]", "planned")
    desk.fill("#editor [name=answer]", "In spring.")
    desk.click("#editor .do")
    until(desk, "Planned", "tbody td")
    page.goto(f"{city.url}/en/data/requests")
    until(page, "In spring.", ".asked")
    page.click("text=I need this too")
    page.wait_for_url("**done=supported")
    until(page, "supporter", ".asked")


def test_one_person_proposes_another_approves_and_then_everybody_has_it(city, staff, browse):
    bo, cy = staff
    page = browse("/data", **signed(bo))
    page.click("#add")
    page.fill("#editor [name=key]", "trees")
    page.fill("#editor [name=title]", "Trees")
    page.click("#editor .do")
    until(page, "Trees", "#one h2")
    until(page, "To be published it needs", "#one")
    page.click("#one >> text=Upload…")
    page.set_input_files("#editor [name=file]", {"name": "trees.csv", "mimeType": "text/csv",
                         "buffer": b"id,kind,height\nt1,lime,12.5\nt2,oak,20\nt3,oak,8\n"})  # fmt: skip
    page.click("#editor .do")
    until(page, "3 rows wait", "#one")
    page.click("#one >> text=Describe…")
    page.fill("#editor [name='description.en']", "Trees in the streets.")
    page.click("#editor summary:has-text('Japanese')")
    page.fill("#editor [name='title.ja']", "街路樹")
    page.select_option("#editor [name=licence]", "CC_BY_4_0")
    page.check("#editor [name='theme.ENVI']")
    page.fill("#editor [name=publisher]", "City of Orlava")
    page.fill("#editor [name='contact.email']", "trees@orlava.example")
    page.fill("#editor [name='says.2.en']", "Height above ground")
    page.fill("#editor [name='unit.2']", "m")
    page.click("#editor .do")
    until(page, "Trees in the streets.", "#one dd")
    page.click("#one >> text=Approve")
    until(page, "Who proposed it does not approve it", "#said")
    assert city.get("/en/data/trees").status_code == 404
    other = browse("/data?sel=urn:ngsi-ld:Dataset:trees", **signed(cy))
    until(other, "oak", ".dat-waits td")
    other.click("#one >> text=Approve")
    until(other, "Approved", "#one .sign")
    other.click("#one >> text=Publish")
    until(other, "Published", "#one .sign")
    everybody = browse("/ja/data/trees")
    until(everybody, "街路樹", "h1")
    until(everybody, "Height above ground", ".cells td")
    until(page, "Published", "#one .sign")  # it came by itself


PAGES = (
    "data",
    "data/weather",
    "data/explore?d=weather&by=id",
    "data/explore?d=weather&plot=bar&x=id&f=id=s1",
    "data/requests",
)


@pytest.mark.parametrize(
    ("language", "width", "scheme", "pages"), [("en", 1280, "light", PAGES), ("ar", 390, "dark", PAGES[1::2])]
)
def test_everybody_can_use_the_data_pages(city, staff, browse, language, width, scheme, pages):
    page = browse(f"/{language}/data", width=width, color_scheme=scheme)
    found = {}
    for path in pages:
        page.goto(f"{city.url}/{language}/{path}")
        page.wait_for_selector("html.ready", state="attached")
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = !one.matches('.tongues')")
        found[path] = judged(page, width, "main *:not(.cells *), .top *")
    assert {path: faults for path, faults in found.items() if faults} == {}
    assert page.evaluate("document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_staff_can_use_their_page_of_data(city, staff, browse, width, scheme):
    page = browse("/data?sel=urn:ngsi-ld:Dataset:weather", width=width, color_scheme=scheme, **signed(staff[0]))
    until(page, "Data dictionary", "#one h3")
    assert judged(page, width, "main > *, #one > *, .bar *") == []
    page.click("#one >> text=Describe…")
    page.wait_for_selector("#editor[open]")
    assert judged(page, width, "#editor form > *") == []


def judged(page, width, within):
    page.evaluate(AXE)
    faults = page.evaluate(JUDGE, RULES)
    faults += [f"weak: {one}" for one in weak(page, "body *")] + [f"nameless: {one}" for one in nameless(page)]
    faults += [f"small: {one}" for one in small(page)] + [f"outside: {one}" for one in outside(page, within)]
    if page.evaluate("document.documentElement.scrollWidth") > width:
        faults.append("wider than the window")
    return faults
