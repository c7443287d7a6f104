"""/audit of a real, served city: search, open, prove, see what is about oneself."""

import json
from urllib.parse import quote

import pytest
from seen import until

from hansa.trust.heads import Verifier
from hansa.trust.proven import proven
from looks import nameless, outside, small, weak

PROFILE = {"name": "probe", "type": "RadiationObserved", "channels": {"doseRate": {"name": "doseRate", "unit": "P72"}}}
ROWS = ".audit-table tbody tr"


@pytest.fixture(scope="module")
def filled(city):
    """A city in which devices were enrolled, changed and commanded."""
    city.enrol("probe-1", PROFILE)
    city.enrol("probe-2", PROFILE)
    assert city.post("/admin/devices/probe-2/state", {"state": "quarantined"}).is_success
    command = {
        "id": "urn:ngsi-ld:Command:c1",
        "type": "Command",
        "commandDevice": {"type": "Property", "value": "probe-1"},
        "payload": {"type": "Property", "value": {"open": True, "password": "not-for-the-log"}},
        "status": {"type": "Property", "value": "pending"},
    }
    assert city.post("/ngsi-ld/v1/entities", command).status_code == 201
    city.until(lambda: city.get("/audit/entries?kind=command").json()["entries"])
    return city


def rows(page):
    return [one.inner_text() for one in page.query_selector_all(ROWS)]


def test_the_log_is_listed_searched_and_the_search_is_in_the_address(filled, browse):
    page = browse("/audit")
    until(page, "gave a command", ROWS)
    page.fill("[name=kind]", "device")
    page.fill("[name=entity]", "probe-2")
    page.click("#asked button[type=submit]")
    until(page, "2 entries", "#sum")
    assert all("probe-2" in one for one in rows(page))
    assert "kind=device" in page.url
    page.reload()
    until(page, "2 entries", "#sum")
    page.go_back()
    page.fill("[name=kind]", "")
    page.fill("[name=entity]", "nothing-has-this-name")
    page.keyboard.press("Enter")
    until(page, "No such entry", "#list h2")


def test_an_entry_is_opened_proven_and_the_proof_holds_without_the_city(filled, browse):
    page = browse("/audit?kind=command")
    until(page, "1 entry", "#sum")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    until(page, "urn:ngsi-ld:Command:c1", "#one .plain a")
    until(page, "(left out)", "#one pre")
    assert "not-for-the-log" not in page.content()
    page.click("#prove")
    until(page, "is in the signed head of", "#one .audit-proven")
    with page.expect_download() as got:
        page.click("text=Take the proof along")
    keys = [Verifier.parse(line) for line in filled.get("/audit/keys").text.splitlines()]
    shown = proven(got.value.path().read_bytes(), keys)
    assert shown.entry.what["entity"] == "urn:ngsi-ld:Command:c1"
    page.keyboard.press("Escape")
    page.wait_for_selector("#one", state="hidden")


def test_the_other_realm_and_what_is_about_oneself(filled, browse):
    page = browse("/audit")
    page.select_option("[name=realm]", "security")
    page.click("#asked button[type=submit]")
    until(page, "began this log", ROWS)
    assert "realm=security" in page.url
    page.click("#whose >> text=About me")
    until(page, "Nothing about you", "#list h2")
    assert not page.is_visible("[name=entity]")


def test_the_page_can_be_read_by_everybody_on_every_screen(filled, browse):
    for width in (1440, 390):
        page = browse("/audit?kind=device", width=width)
        until(page, "changed a device", ROWS)
        assert nameless(page) == []
        assert weak(page, "main *") == []
        assert outside(page, "main :is(input, select, button, time)") == []
        assert small(page) == []


def test_what_a_stranger_put_into_the_log_is_text_on_the_page(filled, browse):
    name = "<img src=x onerror=alert(1)>"
    assert filled.post("/admin/devices", {"name": name, "profile": PROFILE}).status_code == 400
    page = browse(f"/audit?kind=device&entity={quote(name)}")
    until(page, name, ROWS)
    page.click(".audit-table .attr")
    until(page, name, "#one pre")
    assert page.query_selector("#one img, #list img") is None


def test_a_page_that_cannot_read_the_log_says_what_to_do(filled, browse):
    page = browse("/audit")
    until(page, "gave a command", ROWS)
    page.route("**/audit/entries**", lambda route: route.fulfill(status=503, body=json.dumps({"detail": "too busy"})))
    page.click("#asked button[type=submit]")
    until(page, "The log could not be read", "#list h2")
    page.unroute("**/audit/entries**")
    page.click('#list button:has-text("Try again")')
    until(page, "gave a command", ROWS)
