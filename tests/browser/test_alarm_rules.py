"""/rules of a real, served city: a rule is written, explained, tried on what was, saved, compared and taken back."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from payloads import PAYLOADS
from seen import until

from looks import nameless, outside, small, weak

FLOOD = "when level of WaterObserved is above 3 m for 10 min\nraise 'flood' high"
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def rivers(city):
    """Three gauges over ten days, an incident in them, and a rule of a single kind."""
    now = datetime.now(UTC).replace(microsecond=0)
    for n in range(3):
        points = [
            {
                "type": "Property", "unitCode": "MTR", "observedAt": f"{(now - (240 - i) * HOUR):%Y-%m-%dT%H:%M:%SZ}",
                "value": round(2.0 + 1.4 * math.sin(i / 12 + n), 2),
            }
            for i in range(240)
        ]  # fmt: skip
        place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [17.1 + n / 100, 48.1]}}
        told = city.post(
            "/ngsi-ld/v1/temporal/entities",
            {
                "id": f"urn:ngsi-ld:WaterObserved:gauge-{n}",
                "type": "WaterObserved",
                "level": points,
                "location": [place],
            },
        )
        assert told.status_code in {201, 204}, told.text
    begin, end = (now - 100 * HOUR).isoformat(), (now - 60 * HOUR).isoformat()
    for entity in (
        {"id": "urn:ngsi-ld:Incident:flood", "type": "Incident",
         "name": {"type": "Property", "value": "Flood at the mill"},
         "dateRaised": {"type": "Property", "value": begin}, "dateResolved": {"type": "Property", "value": end}},
        {"id": "urn:ngsi-ld:WatchRule:old", "type": "WatchRule", "kind": {"type": "Property", "value": "silence"},
         "watchedType": {"type": "Property", "value": "WaterObserved"},
         "silentFor": {"type": "Property", "value": 360000},
         "watchedAttribute": {"type": "Property", "value": "level"}},
        {"id": "urn:ngsi-ld:WatchRule:broken", "type": "WatchRule", "kind": {"type": "Property", "value": "guess"},
         "watchedType": {"type": "Property", "value": "WaterObserved"}},
    ):  # fmt: skip
        assert city.post("/ngsi-ld/v1/entities", entity).status_code == 201
    return city


def save(city, text, **more):
    told = city.post("/desk/watch/save", {"text": text, "reason": "a test", **more})
    assert told.status_code == 200, told.text
    return told.json()["id"]


def test_the_list_says_what_every_rule_says_and_what_is_to_mend(rivers, browse):
    page = browse("/rules")
    until(page, "old", ".open-rule")
    words = page.inner_text("#list")
    assert "when level of WaterObserved is silent for 100 h" in words
    assert "To mend" in words
    page.click("text=To mend")
    assert page.locator(".open-rule").all_inner_texts() == ["broken"]
    assert "show=broken" in page.url


def test_a_rule_is_written_explained_tried_saved_compared_and_taken_back(rivers, browse):
    page = browse("/rules?sel=new")
    page.fill("#rule-text", FLOOD.replace("3 m", "3 metr"))
    until(page, "Line 1, column 40", ".rule-fault")
    assert "expected a unit such as degC" in page.inner_text(".rule-fault")
    assert page.is_disabled(".rule-save .do")
    page.fill("#rule-text", FLOOD)
    until(page, "level is above 3 m", ".rule-leaf")
    assert page.inner_text(".rule-joins") == "This has held for 10 min"
    page.click(".rule-leaf button >> nth=0")
    chosen = (
        "document.activeElement.value.slice(document.activeElement.selectionStart, document.activeElement.selectionEnd)"
    )
    assert page.evaluate(chosen) == "level of WaterObserved is above 3 m"
    page.click("text=Edit")
    page.fill(".rule-leaf input", "level of WaterObserved is above 3.2 m")
    page.keyboard.press("Enter")
    until(page, "level is above 3.2 m", ".rule-leaf")
    assert "above 3.2 m" in page.input_value("#rule-text")

    page.click(".rule-try .tool")
    until(page, "Would have rung", ".rule-verdict")
    assert "for real incidents, missed none" in page.inner_text(".rule-verdict")
    assert page.locator(".rule-line .incident").count() == 1
    assert page.locator(".rule-line .ring").count() > 3
    assert "trial=trial-" in page.url

    page.fill(".rule-save input", "the spring flood came unseen")
    page.click(".rule-save .do")
    until(page, "version 1", ".rule-one")
    assert rivers.get("/ngsi-ld/v1/entities/urn:ngsi-ld:WatchRule:flood").json()["version"]["value"] == 1

    page.fill("#rule-text", FLOOD)
    until(page, "level is above 3 m", ".rule-leaf")
    page.fill(".rule-save input", "rings too late")
    page.click(".rule-save .do")
    until(page, "version 2", ".rule-one")
    page.click("text=What changed >> nth=0")
    until(page, "+ when level of WaterObserved is above 3 m for 10 min", ".rule-diff")
    page.click("text=Go back to this")
    page.fill("dialog [name=reason]", "it was right")
    page.click("dialog .do")
    until(page, "version 3", ".rule-one")
    assert "above 3.2 m" in page.input_value("#rule-text")

    page.click("text=Switch off")
    page.fill("dialog [name=reason]", "works on the weir")
    page.click("dialog .do")
    until(page, "Off", ".rule-one .rule-state")
    assert rivers.get("/ngsi-ld/v1/entities/urn:ngsi-ld:WatchRule:flood").json()["enabled"]["value"] is False


def test_two_who_edit_at_once_are_told(rivers, browse):
    ident = save(rivers, FLOOD.replace("flood", "both"))
    page = browse(f"/rules?sel={ident}")
    until(page, "version 1", ".rule-one")
    save(rivers, FLOOD.replace("flood", "both").replace("3 m", "4 m"), id=ident)
    page.fill(".rule-save input", "mine")
    page.click(".rule-save .do")
    until(page, "has saved version 2 meanwhile", ".rule-edit .grave")


def test_hostile_text_stays_text(rivers, browse):
    for n, payload in enumerate(PAYLOADS[:6]):
        word = "".join(c for c in payload if c.isprintable())[:90].replace("'", "''")
        save(
            rivers, f"when level of WaterObserved is above 9 m raise '{word}'", id=f"urn:ngsi-ld:WatchRule:hostile-{n}"
        )
    page = browse("/rules?sel=urn:ngsi-ld:WatchRule:hostile-0")
    until(page, "version 1", ".rule-one")
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_it_can_be_read_and_reached_in_every_light_and_width(rivers, browse, width, scheme):
    ident = save(rivers, FLOOD.replace("flood", f"look {width} {scheme}"))
    for path in ("/rules", f"/rules?sel={ident}"):
        page = browse(path, width=width, height=900, color_scheme=scheme)
        until(page, "look-" if "sel" not in path else "version 1", "#list" if "sel" not in path else ".rule-one")
        assert outside(page, "main *") == []
        assert nameless(page) == []
        assert small(page) == []
        assert weak(page, "main") == []


def test_the_command_centre_has_rules_of_its_own(rivers, browse):
    page = browse("/ccc/rules")
    until(page, "There are no rules yet", "#list")
