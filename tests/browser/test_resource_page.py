"""/resources of a real, served city: the board, rosters, and who should go where, decided by people."""

import pytest
from payloads import PAYLOADS

from looks import nameless, outside, small, weak

R = "urn:ngsi-ld:Resource:"


def until(page, words, selector):
    """Wait until something that a selector finds says words."""
    page.locator(selector).filter(has_text=words).first.wait_for(state="attached")


def prop(value):
    return {"type": "Property", "value": value}


def point(x, y=0.0):
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [16 + x * 0.01, 48 + y * 0.01]}}


def unit(name, x, can, /, **said):
    told = {"name": name.title(), "resourceKind": "team", "capabilities": can, "status": "available"} | said
    return {
        "id": R + name,
        "type": "Resource",
        "location": point(x),
        **{key: prop(value) for key, value in told.items()},
    }


@pytest.fixture
def town(city):
    """A street, four units, two incidents: nearest first sends the wrong one."""
    for kind in ("Resource", "Incident", "Allocation", "IncidentLog"):
        ids = [one["id"] for one in city.get(f"/ngsi-ld/v1/entities?type={kind}&limit=1000").json()]
        if ids:
            city.post("/ngsi-ld/v1/entityOperations/delete", ids)
    them = [
        {"id": f"urn:ngsi-ld:RoadSegment:{n}", "type": "RoadSegment", "maximumAllowedSpeed": prop(50),
         "location": {"type": "GeoProperty", "value": {"type": "LineString", "coordinates": [
             point(n)["value"]["coordinates"], point(n + 1)["value"]["coordinates"]]}}}
        for n in range(6)
    ]  # fmt: skip
    them += [
        unit("left", 1.9, ["pump"]),
        unit("right", 2.2, ["pump"]),
        unit("broken", 2.0, ["pump"], status="out-of-service"),
        unit("school", 3.0, ["bed"], resourceKind="shelter", capacity=40, occupied=4),
    ]
    assert city.post("/ngsi-ld/v1/entityOperations/upsert", them).status_code in {201, 204}
    city.incidents = []
    for name, x, severity in (("Cellar", 2.05, "high"), ("Quay", 5.0, "high")):
        told = city.post("/desk/incidents/raise", {"name": name, "severity": severity, "location": point(x)["value"]})
        (ident,) = [one for one in told.json()["changed"] if ":Incident:" in one]
        city.incidents.append(ident)
        done = city.post("/desk/incidents/need", {"id": ident, "capability": "pump", "count": 1})
        assert done.status_code == 200, done.text
    return city


def said(city, name):
    return city.get(f"/ngsi-ld/v1/entities/{R}{name}?options=keyValues").json()


def test_a_unit_is_assigned_goes_and_comes_back(town, browse):
    page = browse("/resources")
    until(page, "Left", ".board .attr")
    page.click("button.attr:has-text('Left')")
    page.click("#one >> text=Assign…")
    page.select_option("#editor [name=incident]", label="Cellar")
    until(page, "There in", "#editor .hint")
    page.click("#editor .do")
    until(page, "Assigned", ".board tr:has-text('Left') .sign")
    assert said(town, "left")["assignedTo"] == town.incidents[0]
    page.click("#one >> text=On scene")
    until(page, "On scene", ".board tr:has-text('Left') .sign")
    page.click("#one >> text=Release")
    until(page, "Available", ".board tr:has-text('Left') .sign")


def test_what_somebody_else_does_comes_by_itself_and_a_refusal_is_said(town, browse):
    page = browse("/resources?sel=" + R + "right")
    until(page, "Right", "#one h2")
    assert town.post("/desk/resources/assign", {"id": R + "right", "incident": town.incidents[1]}).status_code == 200
    until(page, "Assigned", ".board tr:has-text('Right') .sign")
    page.click("button.attr:has-text('Broken')")
    page.click("#one >> text=Back in service")
    until(page, "Available", ".board tr:has-text('Broken') .sign")


def test_the_best_answer_stands_beside_the_plain_one_and_people_decide(town, browse):
    page = browse("/resources")
    page.keyboard.press("l")
    until(page, "Best", ".res-head h2")
    until(page, "Nearest first", ".res-head h2")
    until(page, "proven down to", ".res-head")
    until(page, "weight × 240", ".res-small")
    until(page, "1 that cannot be sent", "summary")
    until(page, "Decide as proposed: send 2", ".res-decide .do")
    page.fill("[aria-label=Note]", "as the book says")
    page.click(".res-decide .do")
    until(page, "2 units sent", "#said")
    (record,) = town.get("/ngsi-ld/v1/entities?type=Allocation&options=keyValues").json()
    assert record["asProposed"] is True
    assert record["note"] == "as the book says"
    assert {said(town, name)["status"] for name in ("left", "right")} == {"assigned"}


def test_people_may_decide_otherwise(town, browse):
    page = browse("/resources?view=allocate")
    page.wait_for_selector(".res-table tbody tr")
    page.uncheck(".res-table tbody tr:has-text('Quay') [type=checkbox]")
    until(page, "Decide as edited: send 1", ".res-decide .do")
    page.click(".res-decide .do")
    until(page, "1 unit sent", "#said")
    (record,) = town.get("/ngsi-ld/v1/entities?type=Allocation&options=keyValues").json()
    assert record["asProposed"] is False
    assert record["cost"] > record["bestCost"]


def test_a_proposal_that_somebody_else_made_stale_says_so_and_is_not_decided(town, browse):
    page = browse("/resources?view=allocate")
    page.wait_for_selector(".res-table tbody tr")
    assert (
        town.post(
            "/desk/resources/status", {"id": R + "left", "status": "out-of-service", "reason": "engine"}
        ).status_code
        == 200
    )
    until(page, "Left changed since this was proposed", ".res-decide .grave")
    page.click(".res-decide .do")
    until(page, "has changed since this was proposed", ".res-decide .grave")
    assert said(town, "right")["status"] == "available"
    page.click("text=Propose anew")
    until(page, "2 that cannot be sent", "summary")


def test_a_roster_is_written_in_lines_and_what_is_none_is_said(town, browse):
    page = browse("/resources?sel=" + R + "left")
    page.click("#one >> text=Roster…")
    page.wait_for_selector("#editor textarea")
    page.fill("#editor textarea", "needed 2\nzone Europe/Vienna\nada daily 00:00-12:00\nada sometimes")
    page.click("#editor .do")
    until(page, "Line 4 is none of these", "#editor .grave")
    page.fill(
        "#editor textarea",
        "needed 2\nzone Europe/Vienna\nada daily 00:00-12:00\nbo sat,sun 22:00-06:00\noff bo 2026-12-24",
    )
    page.click("#editor .do")
    page.wait_for_selector("#editor:not([open])", state="attached")
    assert said(town, "left")["roster"] == {
        "needed": 2,
        "zone": "Europe/Vienna",
        "weekly": [
            {
                "who": "person:ada",
                "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
                "from": "00:00",
                "to": "12:00",
            },
            {"who": "person:bo", "days": ["sat", "sun"], "from": "22:00", "to": "06:00"},
        ],
        "off": [{"who": "person:bo", "from": "2026-12-24", "to": "2026-12-24"}],
    }
    page.click("#one >> text=Roster…")
    page.wait_for_selector("#editor textarea")
    assert page.input_value("#editor textarea").splitlines() == [
        *("needed 2", "zone Europe/Vienna", "ada daily 00:00-12:00", "bo sat,sun 22:00-06:00"),
        "off bo 2026-12-24 2026-12-24",
    ]
    page.keyboard.press("Escape")
    page.click("#which >> text=Checks")
    until(page, "of 2", ".res-part td.grave, .res-part td")


def test_text_that_came_from_outside_stays_text(town, browse):
    them = [
        unit(f"p{n}", 1, [text[:70]], name=text, resourceKind=text, assignedFor=text)
        for n, text in enumerate(PAYLOADS[:60])
    ]
    town.post("/ngsi-ld/v1/entityOperations/upsert", them)
    page = browse("/resources")
    page.evaluate("() => { window.planted = () => (window.harmed = true); }")
    page.wait_for_selector(".board tr >> nth=50")
    for n in (5, 25, 45):
        page.locator(".board .attr").nth(n).click()
    page.keyboard.press("c")
    page.wait_for_selector(".res-part h2")
    assert page.evaluate("window.harmed") is None
    assert page.locator("x-planted, main script, main img").count() == 0


@pytest.mark.parametrize(
    "path",
    ["/resources", f"/resources?sel={R}school", "/resources?view=allocate", "/resources?view=checks", "/ccc/resources"],
)
@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_it_can_be_read_and_used_on_any_screen(town, browse, path, scheme, width):
    given = town.post("/desk/resources/assign", {"id": R + "school", "incident": town.incidents[0], "places": 5})
    assert given.status_code == 200, given.text
    page = browse(path, width=width, height=900, color_scheme=scheme)
    page.wait_for_selector(
        ".res-held" if "sel" in path else ".notice h2" if "ccc" in path else ".res-table tbody tr, .res-part .quiet"
    )
    assert weak(page, "body *") == []
    assert nameless(page) == []
    assert small(page) == []
    assert outside(page, "main h2, .res-table tbody tr, .side, .head-line *, .res-part *") == []
