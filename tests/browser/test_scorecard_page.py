"""/scorecard and /{language}/city of a real, served city: the template, a binding, the card, the method, the public."""

import json
from pathlib import Path

import axe_playwright_python
import pytest
from payloads import PAYLOADS
from seen import until

from hansa import sheets
from looks import nameless, outside, small, weak

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
JUDGE = """async (values) => (await axe.run({ runOnly: { type: "tag", values }, resultTypes: ["violations"],
  rules: { "color-contrast": { enabled: false } } }))
  .violations.flatMap((one) => one.nodes.map((it) => `${one.id} ${it.target} ${it.failureSummary}`.slice(0, 300)))"""
FILLED = {"households_with_internet": 8120, "households": 10000, "fixed_broadband_subscriptions": "4 500,5"}


def judged(page):
    """What axe finds, but for contrast, which `weak` measures in a tenth of the time."""
    page.evaluate(AXE)
    return page.evaluate(JUDGE, TAGS)


def done(city, act, **said):
    told = city.post(f"/desk/scorecard/{act}", said)
    assert told.status_code == 200, told.text
    return told.json()


def inputs(city, **asked):
    rows = city.get("/desk/scorecard/inputs", params={"framework": "u4ssc", "period": "2025", **asked}).json()["rows"]
    return {one["input"]: one for one in rows}


@pytest.fixture(scope="module")
def used(city):
    """The city uses U4SSC; two years of two numbers, targets for them, hotspots that can be counted."""
    done(city, "adopt", framework="u4ssc")
    said = {"framework": "u4ssc", "evidence": {"text": "the register"}}
    for period, online in (("2023", 7000), ("2024", 7600), ("2025", 8000)):
        done(city, "enter", input="households", value=10000, period=period, **said)
        done(city, "enter", input="households_with_internet", value=online, period=period, **said)
        done(city, "enter", input="population", value=25000, period=period, **said)
    done(city, "enter", input="fixed_broadband_subscriptions", value=3000, period="2025", **said)
    done(city, "target", framework="u4ssc", code="EC: ICT: ICT: 1C", target=95, year=2030, reason="the council")
    spots = [{"id": f"urn:ngsi-ld:Hotspot:{n}", "type": "Hotspot", "status": {"type": "Property", "value": state}}
             for n, state in enumerate(("working", "working", "broken"))]  # fmt: skip
    assert city.post("/ngsi-ld/v1/entityOperations/upsert", spots).status_code in {201, 204}
    city.until(lambda: city.get("/desk/scorecard/card?framework=u4ssc&period=2025").json()["card"]["counts"]["scored"])
    return city


def test_a_framework_is_chosen_on_the_page(used, browse):
    done(used, "leave", framework="u4ssc")
    page = browse("/scorecard")
    page.click("button:has-text('U4SSC key performance indicators')")
    until(page, "households with internet access", ".kpi-rows th")
    assert "view=inputs" in page.url


def test_the_template_is_fetched_filled_and_sent_again(used, browse, tmp_path):
    page = browse("/scorecard?view=inputs&period=2025")
    with page.expect_download() as fetched:
        page.click("text=Template (XLSX)")
    path = tmp_path / fetched.value.suggested_filename
    fetched.value.save_as(path)
    first, *rest = sheets.read(path.read_bytes())
    heads = first.rows[0]
    name, value, evidence = (heads.index(one) for one in ("input", "value", "evidence"))
    for row in first.rows[1:]:
        if row[name] in FILLED:
            row[value], row[evidence] = FILLED[row[name]], "a letter of the office"
    wrong = [list(row) for row in first.rows]
    wrong[1][value] = "1.234"  # a thousand, or a little more than one
    path.write_bytes(sheets.write([sheets.Sheet(first.name, wrong), *rest]))
    page.click("text=Upload filled template…")
    page.set_input_files("#editor [name=file]", path)
    page.check("#editor [name=correct]")
    page.fill("#editor [name=reason]", "the office counted again")
    page.click("#editor .do")
    until(page, "1.234", "#editor .kpi-report li")
    path.write_bytes(sheets.write([sheets.Sheet(first.name, first.rows), *rest]))
    page.set_input_files("#editor [name=file]", path)
    page.click("#editor .do")
    until(page, "The sheet is taken", "#said")
    until(page, "8,120 household", ".kpi-rows td")
    known = inputs(used)
    assert known["households_with_internet"]["value"] == 8120
    assert known["fixed_broadband_subscriptions"]["value"] == 4500.5
    assert known["households_with_internet"]["how"] == "table"


def test_an_input_is_bound_to_a_query_which_is_tried_first(used, browse):
    year = used.get("/health").json()["now"][:4]  # what stands now is of the running year
    page = browse(f"/scorecard?view=inputs&period={year}&q=hotspots")
    page.click("button.attr:has-text('hotspots')")
    page.click("#one >> text=Bind to a query…")
    page.fill("#editor [name=type]", "Hotspot")
    page.fill("#editor [name=q]", 'status=="working"')
    page.click("#editor >> text=Try it")
    until(page, "2 hotspot", "#editor .kpi-trial")
    assert inputs(used, period=year)["public_wifi_hotspots"]["value"] is None
    page.fill("#editor [name=q]", "status==")
    page.click("#editor >> text=Try it")
    page.wait_for_selector("#editor .kpi-trial .grave")
    page.fill("#editor [name=q]", 'status=="working"')
    page.click("#editor .do")
    until(page, "is bound", "#said")
    used.until(lambda: inputs(used, period=year)["public_wifi_hotspots"]["value"] == 2)
    page.reload()
    until(page, "2 hotspot", ".kpi-rows td")
    until(page, "Hotspot", "#one .facts code")
    until(page, "2 entities", "#one summary")


def test_a_number_leads_to_its_formula_its_inputs_and_where_it_goes(used, browse, tmp_path):
    page = browse("/scorecard?period=2025")
    page.click(".kpi-numbers .attr:has-text('Household Internet Access')")
    until(page, "EC: ICT: ICT: 1C", ".kpi-name")
    until(page, "100 × households_with_internet ÷ households", ".symbols")
    until(page, "/ 10,000 = 8", ".put-in")
    until(page, "read in the standard", ".facts dd")
    until(page, "95 % by 2030", ".facts dd")
    assert page.locator(".kpi-trend .was-dot").count() == 3
    assert page.locator(".kpi-trend .ahead.linear").count() == 1
    page.click("text=Set a target…")
    page.fill("#editor [name=target]", "1.234")
    page.fill("#editor [name=year]", "2031")
    page.fill("#editor [name=reason]", "x")
    page.click("#editor .do")
    until(page, "two ways", "#editor .grave")
    page.fill("#editor [name=target]", "90")
    page.click("#editor .do")
    until(page, "is set", "#said")
    until(page, "95 % by 2030", ".facts dd")
    page.click("text=Drop a target…")
    page.select_option("#editor [name=id]", index=1)
    page.fill("#editor [name=reason]", "it was a trial")
    page.click("#editor .do")
    until(page, "is dropped", "#said")
    path = tmp_path / "cities.csv"
    path.write_text(
        "city,code,point,period,value,unit,source\nBrno,EC: ICT: ICT: 1C,,2024,91.5,%,https://brno.example/kpi\n"
    )
    page.click("text=Add cities' values…")
    page.set_input_files("#editor [name=file]", path)
    page.click("#editor .do")
    until(page, "Brno", ".kpi-table tbody th")
    until(page, "(this one)", ".kpi-table tbody th")
    page.go_back()
    until(page, "Snapshot", "h2")


def test_the_card_says_how_complete_it_is_and_a_category_shows_its_numbers(used, browse):
    page = browse("/scorecard?period=2025")
    until(page, "of 91 indicators are reported", ".kpi-honest p")
    until(page, "with more than 20 % missing", ".kpi-honest p")
    assert page.locator(".tile").count() == 27
    assert page.locator(".snapshot h4").count() == 7
    page.click(".tile:has-text('Innovation')")
    until(page, "Patents", ".kpi-numbers td")
    assert "Innovation" in page.evaluate("document.activeElement.textContent")  # who pressed it by key is still there
    assert page.locator(".kpi-numbers tbody th.code").count() == 3
    assert "node=Economy" in page.url
    page.keyboard.press("3")
    until(page, "households in the city", ".kpi-rows th")
    page.keyboard.press("/")
    page.keyboard.type("hospital")
    until(page, "1 input", ".kpi-tools")
    page.keyboard.press("Escape")
    page.click("#which >> text=Gaps & what helps")
    until(page, "statistics office", ".kpi-holders h3")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_it_can_be_read_and_used_on_any_screen(used, browse, width, scheme):
    page = browse("/scorecard?period=2025", width=width, height=900, color_scheme=scheme)
    for at, ready in (("1", ".tile"), ("2", ".symbols"), ("3", ".kpi-rows tbody tr"), ("4", ".kpi-holders"),
                      ("5", ".kpi-files")):  # fmt: skip
        page.keyboard.press(at)
        page.wait_for_selector(ready)
        assert "[object" not in page.inner_text("main")
        assert weak(page, "body *") == []
        assert nameless(page) == []
        assert small(page) == []
        assert outside(page, "main h2, .head-line *, .kpi-part > *, .tile") == []
        if width > 1000:  # what axe finds does not hang on the width, and it is slow
            assert judged(page) == []


def test_text_that_came_from_outside_stays_text(used, browse):
    hostile = [text[:200] for text in PAYLOADS[:40]]
    point = {"key": "", "name": "x", "formula": "a", "unit": "1", "direction": "higher"}
    one = {"level": None, "type": None, "unit": "1", "direction": "higher", "period": "year"}
    them = [
        {**one, "code": f"P: {n}", "name": text, "definition": text, "path": ["Part"], "points": [point],
         "inputs": [{"name": "a", "says": hostile[3], "unit": "1"}], "holders": [text or "x"]}
        for n, text in enumerate(hostile) if text.strip()
    ]  # fmt: skip
    doc = {"id": "hostile", "name": hostile[1] or "x", "edition": "1", "levels": ["part"], "indicators": them,
           "scoring": {"kind": "points", "bands": [{"from": 0, "to": None, "points": 1, "name": "all"}]}}  # fmt: skip
    told = used.post("/desk/scorecard/adopt", {"text": json.dumps(doc)})
    assert told.status_code == 200, told.text
    page = browse("/scorecard?framework=hostile&period=2025")
    page.evaluate("() => { window.planted = () => (window.harmed = true); }")
    for at, ready in (("1", ".tile"), ("2", ".kpi-name"), ("3", ".kpi-rows tbody tr"), ("4", ".kpi-holders")):
        page.keyboard.press(at)
        page.wait_for_selector(ready)
    assert page.evaluate("window.harmed") is None
    assert page.locator("x-planted, main script, main img").count() == 0
    done(used, "leave", framework="hostile")


@pytest.fixture(scope="module")
def published(used):
    done(used, "publish", framework="u4ssc", period="2025")
    used.until(lambda: used.get("/kpi/u4ssc.csv").status_code == 200)
    return used


def test_residents_read_the_card_and_how_each_number_came_about(published, browse):
    page = browse("/en/city", width=390, height=800)
    until(page, "How the city stands, 2025", "h2")
    until(page, "of 91 indicators are reported", "main p")
    until(page, "no target is set", ".lines .under")
    page.click(".lines a:has-text('Household Internet Access')")
    until(page, "100 × households_with_internet ÷ households", ".symbols")
    until(page, "/ 10,000 = 8", ".put-in")
    until(page, "Read in the standard", "dt")
    assert "administrator" not in page.inner_text("main")
    for form, kind in (("csv", "text/csv"), ("jsonld", "application/ld+json"), ("pdf", "application/pdf")):
        answer = published.get(f"/kpi/u4ssc.{form}?period=2025")
        assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, kind)
    assert published.get("/kpi/u4ssc.csv?period=2024").status_code == 404
    assert published.get("/en/city/none-such").status_code == 404
    assert published.get("/en/city/u4ssc/none").status_code == 404


@pytest.mark.parametrize(("path", "width", "scheme"), [
    ("/ar/city", 390, "light"),
    ("/ja/city", 1280, "dark"),
    ("/ar/city/u4ssc/EC:%20ICT:%20ICT:%201C", 390, "dark"),
])  # fmt: skip
def test_the_public_pages_are_usable_in_any_language_and_on_a_phone(published, browse, path, width, scheme):
    page = browse(path, width=width, height=800, color_scheme=scheme)
    page.wait_for_selector("main h1")
    assert page.get_attribute("html", "dir") == ("rtl" if path.startswith("/ar") else "ltr")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert judged(page) == []
    assert weak(page, "body *") == []
    assert small(page) == []
    assert nameless(page) == []
