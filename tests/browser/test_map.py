"""/map of a real, served city: layers, areas, watched areas, ways, time; as people use it, and on a phone."""

import json
import re

import httpx
import pytest
from seen import until

from looks import nameless, outside, small, weak

ROWS = "#pane-list .row"


def vehicle(i, lon, lat, speed, kind="Vehicle"):
    at = "2026-11-22T10:00:00Z"
    return {
        "id": f"urn:ngsi-ld:{kind}:v{i}",
        "type": kind,
        "name": {"type": "Property", "value": f"Tram {i}"},
        "speed": {"type": "Property", "value": speed, "unitCode": "KMH", "observedAt": at},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [lon, lat]}},
    }


@pytest.fixture(scope="module")
def filled(city):
    """Forty vehicles in a square, two buses, a road, a house, an alarm."""
    some = [vehicle(i, 17.10 + i % 8 * 0.002, 48.30 + i // 8 * 0.002, 10 + i) for i in range(40)]
    some += [vehicle(i, 17.12, 48.31 + i * 0.001, 30, "Bus") for i in range(2)]
    ring = [[17.101, 48.301], [17.102, 48.301], [17.102, 48.302], [17.101, 48.302], [17.101, 48.301]]
    for kind, shape, more in (
        ("RoadSegment", {"type": "LineString", "coordinates": [[17.10, 48.30], [17.12, 48.31]]}, {}),
        ("Building", {"type": "Polygon", "coordinates": [ring]}, {"height": {"type": "Property", "value": 12}}),
    ):
        place = {"type": "GeoProperty", "value": shape}
        some.append({"id": f"urn:ngsi-ld:{kind}:1", "type": kind, "location": place, **more})
    said = {"status": "open", "severity": "high", "category": "traffic", "alertSource": "urn:ngsi-ld:Vehicle:v7"}
    alert = {name: {"type": "Property", "value": value} for name, value in said.items()}
    some.append({"id": "urn:ngsi-ld:Alert:a1", "type": "Alert", **alert})
    answer = city.post("/ngsi-ld/v1/entityOperations/upsert", some)
    assert answer.status_code in {201, 204}, answer.text
    return city


def opened(browse, query="", **how):
    page = browse(f"/map{query}", **how)
    page.wait_for_function("() => window.hansaMap?.phase === 'live' && window.hansaMap.n > 0")
    return page


def middle(page):
    box = page.locator("#ground").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def dragged(page, *points):
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=4)
    page.mouse.up()


def test_points_are_drawn_counted_and_listed_worst_first(filled, browse):
    page = opened(browse)
    until(page, "42 points", "#fresh")
    until(page, "Tram 7", f"{ROWS} b")
    assert page.inner_text(f"{ROWS}[aria-posinset='1']").split("\n")[0] == "Alarm"
    counts = {one.inner_text() for one in page.query_selector_all("#layer-list > li:not([hidden]) .layer-head")}
    assert {"Vehicles\n40", "Bus\n2"} <= counts
    assert page.evaluate("() => window.hansaMap.marks") > 0


def test_what_moves_moves_and_what_is_new_comes(filled, browse):
    page = opened(browse)
    place = {"location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [17.115, 48.305]}}}
    assert filled.post("/ngsi-ld/v1/entities/urn:ngsi-ld:Vehicle:v3/attrs", place).status_code == 204
    page.wait_for_function("() => window.hansaMap.moves > 0")
    assert filled.post("/ngsi-ld/v1/entities", vehicle(99, 17.11, 48.305, 5)).status_code == 201
    until(page, "43 points", "#fresh")
    assert httpx.delete(f"{filled.url}/ngsi-ld/v1/entities/urn:ngsi-ld:Vehicle:v99", trust_env=False).status_code == 204
    until(page, "42 points", "#fresh")


def test_layers_are_hidden_ordered_and_coloured_and_the_address_says_so(filled, browse):
    page = opened(browse)
    page.locator("#layer-list li", has_text="Bus").locator("input[type=checkbox]").first.uncheck()
    until(page, "40 points", "#fresh")
    vehicles = page.locator("#layer-list li", has_text="Vehicles")
    vehicles.locator("summary").click()
    vehicles.locator(".s-by").select_option("speed")
    until(page, "km/h", ".layer-legend")
    vehicles.locator(".s-mode").select_option("heat")
    page.wait_for_url(re.compile(r"l=Vehicle~1~h~speed"))
    page.reload()
    page.wait_for_function("() => window.hansaMap?.phase === 'live' && window.hansaMap.n === 40")
    until(page, "km/h", ".layer-legend")
    page.locator("#states label", has_text="Alarm").locator("input").uncheck()
    until(page, "39 in view", "#pane-list .side-sum")


def test_a_box_chooses_counts_writes_out_and_acts(filled, browse):
    page = opened(browse)
    x, y = middle(page)
    page.keyboard.press("-")
    page.wait_for_url(re.compile("at="))
    page.keyboard.press("b")
    until(page, "Drag a box", "#hand-hint")
    dragged(page, (x - 300, y - 320), (x + 330, y + 320))
    until(page, "42 points in the area", ".area-sum")
    until(page, "1 alarm", "#area-acts")
    assert "area=" in page.url
    with page.expect_download() as got:
        page.click("text=CSV")
    lines = got.value.path().read_text().splitlines()
    assert len(lines) == 43
    assert lines[0].startswith("id,name,type,state")
    with page.expect_download() as got:
        page.click("text=GeoJSON")
    features = json.loads(got.value.path().read_text())["features"]
    assert {one["properties"]["type"] for one in features} == {"Vehicle", "Bus"}
    page.click("#area-acts >> text=Acknowledge")
    until(page, "done", ".told")
    page.reload()
    until(page, "42 points in the area", ".area-sum")
    page.keyboard.press("Escape")
    page.click("#area-clear")
    until(page, "Choose an area", ".area-sum")


def test_an_area_can_be_chosen_without_a_hand(filled, browse):
    page = opened(browse, "?side=area")
    page.click("#pane-area summary")
    for name, value in (("west", "17.0999"), ("south", "48.2999"), ("east", "17.1021"), ("north", "48.3001")):
        page.fill(f"#pane-area [name={name}]", value)
    page.click("#pane-area form button")
    until(page, "2 points in the area", ".area-sum")
    page.fill("#pane-area [name=north]", "40")
    page.click("#pane-area form button")
    until(page, "must be less", "#pane-area .grave")
    page.focus("#pane-area .rows")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    until(page, "Tram", "#pane-one h2")


def test_a_watched_area_is_drawn_saved_mended_and_deleted(filled, browse):
    page = opened(browse)
    x, y = middle(page)
    page.keyboard.press("g")
    page.click("#pane-fences >> text=Circle")
    dragged(page, (x, y), (x + 60, y))
    page.fill(".fence-form [name=name]", "The <b>yard</b>")
    page.click(".fence-form >> text=Save")
    until(page, "The <b>yard</b>", ".fence-list b")
    (fence,) = filled.get("/ngsi-ld/v1/entities?type=Geofence&options=keyValues").json()
    assert fence["location"]["type"] == "Point"
    assert fence["radius"] > 10
    page.click(".fence-list >> text=Change")
    page.click(".fence-form summary")
    page.fill(".fence-form [name=corners]", "17.11")
    page.click(".fence-form >> text=Save")
    until(page, "Each line is", ".fence-form .grave")
    page.fill(".fence-form [name=corners]", "17.111, 48.301")
    page.check(".fence-form [name=onExit]")
    page.click(".fence-form >> text=Save")
    until(page, "leaving", ".fence-list")
    (fence,) = filled.get("/ngsi-ld/v1/entities?type=Geofence&options=keyValues").json()
    assert fence["location"]["coordinates"] == [17.111, 48.301]
    assert fence["onExit"] is True
    page.on("dialog", lambda one: one.accept())
    page.click(".fence-list >> text=Change")
    page.click(".fence-form >> text=Delete")
    until(page, "No area is watched", "#pane-fences")


def test_one_thing_its_way_and_another_time(filled, browse):
    page = opened(browse, "?sel=urn:ngsi-ld:Vehicle:v5")
    until(page, "Tram 5", "#pane-one h2")
    until(page, "15.0 km/h", ".facts")
    page.click("text=Its way")
    page.wait_for_function("() => /place|move/.test(document.querySelector('.way .quiet').textContent)")
    assert "track=" in page.url
    page.keyboard.press("Escape")
    page.wait_for_selector("#pane-one", state="hidden")
    page.keyboard.press("/")
    page.keyboard.type("tram 12")
    until(page, "Tram 12", "#found b")
    page.keyboard.press("Enter")
    until(page, "Tram 12", "#pane-one h2")
    page.keyboard.press("[")
    page.wait_for_selector("body.then")
    assert "t=" in page.url
    page.click("#time-now")
    page.wait_for_selector("body:not(.then)")


def test_everybody_can_read_it_on_every_screen(filled, browse):
    for width in (1440, 390):
        for scheme in ("light", "dark"):
            page = opened(browse, width=width, color_scheme=scheme)
            until(page, "Tram 7", "#pane-list b")
            if width == 390:
                page.click("[data-pane=layers]")
                assert page.is_visible("#layer-list")
                page.click("#see-side")
            assert nameless(page) == []
            assert weak(page, "main *") == []
            assert outside(page, "main :is(input, select, button)") == []
            assert small(page) == []


def test_without_webgl_the_plain_ground_shows_the_same(filled, browse):
    page = opened(browse, "?plain")
    assert page.get_attribute("#field", "data-ground") == "plain"
    until(page, "42 points", "#fresh")
    assert page.evaluate("() => window.hansaMap.marks") > 0


def test_the_command_centre_has_its_own(filled, browse):
    page = browse("/ccc/map")
    until(page, "No layer is shown", "#map-said")
    assert page.evaluate("() => JSON.parse(document.getElementById('look').textContent).realm") == "security"


def test_a_city_that_does_not_answer_is_said_so(filled, browse):
    page = opened(browse)
    page.route("**/map/live**", lambda route: route.abort())
    page.route("**/ngsi-ld/v1/types", lambda route: route.abort())
    page.reload()
    until(page, "The city cannot be shown", "#map-said")
    page.unroute("**/map/live**")
    page.unroute("**/ngsi-ld/v1/types")
    page.click("#map-said >> text=Try again now")
    until(page, "42 points", "#fresh")
