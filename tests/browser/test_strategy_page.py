"""/strategy and /solutions of a real, served city: a plan made and weighed, a neighbour's file, what everybody sees."""

import asyncio
import json

import httpx
import pytest
from payloads import PAYLOADS
from seen import until

from hansa.apps.solutions import exchange
from hansa.cli.demo import strategy
from looks import nameless, outside, small, weak
from served import Served

NOW = "2026-04-11T15:30:00Z"
CODE = "EC: ICT: WS: 1C"
XSS = PAYLOADS[0] if not isinstance(PAYLOADS, dict) else next(iter(PAYLOADS.values()))


class Door:
    """The desk of the served city."""

    def __init__(self, city):
        self.city = city

    async def ask(self, method, path, said=None):
        return (self.city.get(path) if method == "GET" else self.city.post(path, said)).json()


def kpi(period, value, target):
    said = {"framework": "u4ssc", "code": CODE, "name": "Smart water meters", "area": "city", "period": period}
    said |= {"kpiValue": value, "unit": "%", "status": "reported"}
    said["points"] = [{"key": "", "value": value, "target": target}]
    ident = f"urn:ngsi-ld:KeyPerformanceIndicator:test-{period}"
    attributes = {name: {"type": "Property", "value": it} for name, it in said.items()}
    return {"id": ident, "type": "KeyPerformanceIndicator", **attributes}


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    made = Served(tmp_path_factory.mktemp("strategy") / "city", "--clock", f"driven@{NOW}")
    asyncio.run(strategy.plan(Door(made), 1_775_921_400_000_000))
    values = [kpi("2023", 17.3, 90), kpi("2025", 42.1, 90)]
    assert made.post("/ngsi-ld/v1/entityOperations/upsert", values).status_code == 201
    yield made
    made.stop()


def measure(city, name):
    listed = city.get("/desk/strategy/plan").json()["measures"]
    return next(one["id"] for one in listed if one["name"].startswith(name))


def test_a_measure_is_proposed_from_the_page_and_decided(city, browse):
    page = browse("/strategy")
    until(page, "Smart water meters", ".str-table .attr")
    assert page.locator(".str-line .row").count() == 6
    page.click("#add")
    filled = {"name": "Leaks found by ear", "department": "utilities", "owner": "Water works", "capital": "96000"}
    filled |= {"from": "2026-05-01", "until": "2028-01-01", "reviewAt": "2027-06-01", "yearly": "14000", "year": "2024"}
    for name, value in filled.items():
        page.fill(f"#editor [name={name}]", value)
    page.fill("#editor [name=effects]", "u4ssc | EC: I: WS: 3C | -4 | % | 2 | city")
    page.fill("#editor [name=funding]", "public | 70 | budget")
    page.click("#editor .do")
    until(page, "sum to 70", "#editor .grave")
    page.fill("#editor [name=funding]", "public | 70 | budget\nprivate | 30")
    page.click("#editor .do")
    until(page, "Leaks found by ear", ".str-table .attr")
    page.click(".str-table .attr:has-text('Leaks found by ear')")
    page.click("#one >> text=Approved…")
    page.click("#editor .do")
    until(page, "Approved", "#one .str-marks .sign")
    page.reload()
    until(page, "Leaks found by ear", "#one h2")  # what is looked at is in the address


def test_what_a_measure_is_worth_follows_its_assumptions_in_the_address(city, browse):
    ident = measure(city, "One exchange")
    page = browse(f"/strategy?sel={ident}&rate=0.05")
    until(page, "Net present value", "#one dt")
    told = city.get(f"/desk/strategy/finance?id={ident}&rate=0.05").json()
    shown = page.locator("#one .str-figures dd").first.text_content()
    assert shown.replace(",", "").replace("−", "-").split("\u00a0")[0] == str(round(told["npv"]))
    assert "taken here" in page.locator("#one .str-slider").nth(5).text_content()
    page.fill("#one .str-slider input[aria-label^='Years']", "5")
    page.press("#one .str-slider input[aria-label^='Years']", "Tab")
    page.wait_for_url("**years=5**")
    five = city.get(f"/desk/strategy/finance?id={ident}&rate=0.05&years=5").json()
    until(page, f"{abs(round(five['npv'])):,}", "#one .str-figures dd")


def test_sliders_of_the_identity_keep_their_state_in_the_address(city, browse):
    page = browse("/strategy?view=identity&rate=0.02")
    until(page, "Advertising free", ".str-table th")
    assert page.locator("input[name=rate]").get_attribute("aria-valuetext") == "2\u00a0%"
    page.locator("input[name=transactions]").fill("60")
    page.wait_for_url("**transactions=60**")
    told = city.get("/desk/strategy/identity?rate=0.02&transactions=60").json()
    until(page, f"{round(told['models'][0]['total']):,}".replace("-", "−"), ".str-table .sub")
    assert "rate=0.02" in page.url


def test_the_loop_joins_gaps_with_measures_and_a_review_says_what_came(city, browse):
    turned = httpx.put(f"{city.url}/admin/clock", json={"now": "2026-04-11T17:00:00Z"}, trust_env=False)
    assert turned.status_code == 200, turned.text
    verdicts = lambda: {one["verdict"] for one in city.get("/desk/strategy/reviews").json()["outcomes"]}  # noqa: E731
    city.until(lambda: "as expected" in verdicts())
    page = browse("/strategy?view=loop")
    until(page, "Smart water meters", ".str-table th")
    until(page, "As expected", ".str-part .sign")
    until(page, "+24.8 of +24", ".str-list li")
    page.click("#which >> text=Reviews")
    page.click("text=Looked at… >> nth=0")
    page.fill("#editor [name=note]", "the third winter will show")
    page.click("#editor .do")
    until(page, "the third winter will show", ".str-marks .quiet")
    page.go_back()
    until(page, "Gaps, and what is done about them", "h2")


def test_a_neighbours_file_is_taken_in_looked_at_and_shown_to_everybody(city, browse):
    page = browse("/solutions?view=queue")
    until(page, "Street lamps that dim", ".str-table .attr")
    page.click("tr:has-text('Street lamps that dim') >> text=Accept")
    page.locator("tr:has-text('Street lamps that dim')").wait_for(state="detached")
    assert "Street lamps that dim" in city.get("/en/solutions?theme=energy").text
    sent = city.get("/solutions/catalogue.jsonld?theme=energy")
    assert sent.headers["content-type"].startswith("application/ld+json")
    (entry,) = sent.json()["entries"]
    assert entry["origin"]["city"] == "Brodno (simulated)"
    forged = {"identifier": entry["id"]} | {
        name: value for name, value in entry.items() if name not in {"id", "type", "digest", "origin"}
    }
    forged |= {"name": XSS[:150], "version": entry["version"]}
    document = exchange.document([forged], "Lesno", "https://lesno.example/x", NOW)
    page.click("#import")
    page.set_input_files("#editor input[type=file]", {"name": "x.json", "mimeType": "application/json", "buffer": b"{"})
    page.click("#editor .do")
    until(page, "That file is no JSON", "#editor .grave")
    file = {"name": "x.json", "mimeType": "application/json", "buffer": json.dumps(document).encode()}
    page.set_input_files("#editor input[type=file]", file)
    page.click("#editor .do")
    until(page, "1 conflict", ".str-part p")
    page.click(".str-part .link")
    until(page, "Conflict", ".str-edition .sign")
    assert XSS[:20] in page.locator(".str-edition table").text_content()  # as text, and nothing has run
    page.click("text=Keep ours…")
    page.fill("#editor [name=reason]", "it is Brodno's to change")
    page.click("#editor .do")
    page.locator(".str-edition").wait_for(state="detached")


def test_the_bank_is_searched_and_narrowed_in_the_address(city, browse):
    page = browse("/solutions")
    until(page, "Cycle ways", ".str-table .attr")
    page.fill("#find", "water")
    page.wait_for_url("**q=water**")
    until(page, "in name", ".str-why")
    page.fill("#find", "")
    page.wait_for_url(lambda url: "q=" not in url)
    page.click("#facets button:has-text('Claimed')")
    page.wait_for_url("**evidence=claimed**")
    until(page, "Building permits", ".str-table .attr")
    assert page.locator(".str-table .attr").count() == 1
    assert "evidence=claimed" in page.get_attribute("#export", "href")
    page.reload()
    until(page, "1 solution", "#sum")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_can_be_read_and_used_on_a_desk_and_a_phone(city, browse, scheme):
    sel = measure(city, "Smart water meters")
    addresses = (f"/strategy?sel={sel}", "/strategy?view=identity", "/strategy?view=register", "/solutions")
    for address in addresses if scheme == "light" else addresses[:2]:
        page = browse(address, color_scheme=scheme)
        page.locator(".str-table").first.wait_for()
        assert weak(page, "main *") == [], address
        assert nameless(page) == [], address
        assert small(page) == [], address
        page.set_viewport_size({"width": 390, "height": 800})
        if address == "/solutions":  # what narrows stands above the list, and not on it
            box = "document.getElementById('{}').getBoundingClientRect()"
            assert page.evaluate(f"{box.format('narrowing')}.bottom <= {box.format('list')}.top + 1")
        assert outside(page, "main .tool, main .attr, main h2, main select, main .do") == [], address
