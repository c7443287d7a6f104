"""The page of a real, served city in a real browser: a reading arrives on the map, and an alarm appears.

In through the devices' door, out through the page; nothing is put in by hand. What a real city cannot be made to do on
purpose is in `tests/centres/test_page_live.py`.
"""

import json

import httpx
import pytest
from seen import until

PLACE = {"type": "Point", "coordinates": [11.02, 46.42]}
PROFILE = {
    "name": "probe",
    "type": "RadiationObserved",
    "interval_s": 600,
    "channels": {"doseRate": {"name": "doseRate", "unit": "P72", "low": 0, "high": 1000000}},
}
RULE = {
    "id": "urn:ngsi-ld:WatchRule:probe",
    "type": "WatchRule",
    "kind": {"type": "Property", "value": "threshold"},
    "watchedType": {"type": "Property", "value": "RadiationObserved"},
    "watchedAttribute": {"type": "Property", "value": "doseRate"},
    "high": {"type": "Property", "value": 60},
    "hysteresis": {"type": "Property", "value": 6},
    "severity": {"type": "Property", "value": "critical"},
    "category": {"type": "Property", "value": "environment"},
}


@pytest.fixture
def page(browse):
    """The page, live; at the end, no script has failed and nobody but the city was asked."""
    made = browse("/")
    made.wait_for_selector(".fresh.live")
    return made


@pytest.fixture(scope="module")
def probe(city):
    """A device with a place, and a rule that watches it; `say(value)` sends a reading through the HTTP door."""
    made = city.post("/ngsi-ld/v1/entities", RULE)
    assert made.status_code == 201, made.text
    secret = city.enrol("probe-1", PROFILE, location=PLACE)

    def say(value):
        answer = httpx.post(
            f"{city.url}/collect/json",
            content=json.dumps({"doseRate": value}),
            headers={"content-type": "application/json"},
            auth=("probe-1", secret),
            trust_env=False,
            timeout=30,
        )
        assert answer.is_success, answer.text

    return say


def test_a_reading_arrives_on_the_map_and_an_alarm_appears_and_goes(page, probe):
    on_map = "#map-list [role=option]"
    probe(0.113)
    until(page, "probe-1: Dose rate 0.11 µSv/h", on_map)
    until(page, "In order", on_map)
    until(page, "0 open", "#desk-sum")
    probe(75.5)
    until(page, "probe-1: Dose rate 75.5 µSv/h", on_map)
    until(page, "Critical", "#alarms .sev")
    until(page, "Alarm", on_map)
    until(page, "probe-1", "#alarm-aloud")
    page.keyboard.press("j")
    until(page, "probe-1", "#panel h2")
    until(page, "75.5", "#panel .figures .figure")
    until(page, "readings", "#panel .note")
    probe(0.12)
    until(page, "0.12", "#panel .figures .figure")
    page.wait_for_selector("#alarms .sev.critical", state="detached")


def test_the_page_comes_back_after_a_reload_with_what_one_saw(page, probe):
    probe(0.2)
    until(page, "probe-1", "#map-list [role=option]")
    page.keyboard.press("/")
    page.keyboard.type("probe")
    page.keyboard.press("Enter")
    until(page, "probe-1", "#panel h2")
    page.reload()
    until(page, "probe-1", "#panel h2")
    until(page, "0.2", "#panel .figures .figure")


def test_the_page_without_scripts_lists_the_station(city, probe):
    probe(0.3)
    text = httpx.get(f"{city.url}/", trust_env=False, timeout=30).text
    assert "probe-1" in text
    assert "0.3" in text
