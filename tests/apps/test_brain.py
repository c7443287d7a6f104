"""Vital signs of a city's sources: from Device entities to what the page shows, restarts and hidden ones included."""

from datetime import UTC, datetime

import pytest
from slow_rounds import slowly

from hansa import Attribute, entity
from hansa.apps.brain import _signs, app
from hansa.apps.brain.signs import PULSE_ID, sign_id
from hansa.testing import MemoryCity

MINUTE = 60_000_000


@pytest.fixture
def city():
    with MemoryCity(slowly(app, 10), start="2026-04-01T00:00:00Z").closing() as made:
        yield made


@pytest.fixture
def days():
    with MemoryCity(slowly(app, 60), start="2026-04-01T00:00:00Z").closing() as made:
        yield made


def iso(at):
    return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def device(ident, **said):
    said = {"name": ident, "deviceState": "active", "reportingInterval": 300.0, "readings": 0, "refusals": 0} | said
    return entity("Device", ident, **said)


def speak(city, name, readings, **said):
    """What the city writes down of a device that has just spoken."""
    city.say(entity("Device", name, lastSeen=iso(city.clock.now()), readings=readings, **said))


def sign(city, name):
    return city.get(sign_id(f"urn:ngsi-ld:Device:{name}"))


def run(city, minutes, names, step=5):
    """Devices speak every so many minutes."""
    for count in range(0, minutes, step):
        for name in names:
            speak(city, name, round(city.clock.now() / MINUTE / step) % 1_000_000 + 1)
        city.turn(seconds=step * 60)
        del count


def counts(city):
    whole = {}
    for one in city.find("VitalSigns"):
        for name, row in one.get("counts", {}).get("kind", {}).items():
            whole[name] = [a + b for a, b in zip(whole.get(name, [0] * 6), row, strict=True)]
    return whole


def test_a_device_that_speaks_is_fresh_and_one_that_stops_is_late_then_silent_then_back(city):
    city.say(device("a"))
    city.turn(seconds=10)
    assert sign(city, "a")["state"] == "new"
    run(city, 60, ["a"])
    assert sign(city, "a")["state"] == "fresh"
    last = city.clock.now() - 5 * MINUTE
    city.turn(seconds=4 * 60)
    assert sign(city, "a")["state"] == "late"
    city.turn(seconds=10 * 60)
    found = sign(city, "a")
    assert found["state"] == "silent"
    assert found["heard"] == iso(last)
    assert found["interval"] == 300.0
    assert found["intervalIs"] == "declared"
    speak(city, "a", 10_000_000)
    city.turn(seconds=10)
    assert sign(city, "a")["state"] == "fresh"
    assert "heard" not in sign(city, "a")  # its Device says it


def test_an_interval_that_nobody_declared_is_learned(city):
    city.say(device("a", reportingInterval=None))
    run(city, 200, ["a"], step=10)
    city.turn(seconds=3_600)
    found = sign(city, "a")
    assert (found["interval"], found["intervalIs"]) == (600.0, "learned")
    assert found["state"] == "silent"


def test_the_day_of_a_device_is_told_once_an_hour(days):
    days.say(device("a"))
    run(days, 26 * 60, ["a"])
    assert sign(days, "a")["completeness"] == pytest.approx(1.0, abs=0.02)
    assert sign(days, "a")["strip"] == "9" * 24
    days.turn(seconds=12 * 3_600)
    found = sign(days, "a")
    assert found["completeness"] == pytest.approx(0.5, abs=0.05)
    assert found["strip"].endswith("0" * 11)


def test_what_a_source_says_wrong_is_counted(city):
    city.say(device("a"))
    run(city, 30, ["a"])
    speak(city, "a", 9_999_999, refusals=3)
    city.turn(seconds=3_600)
    assert sign(city, "a")["refused"] == 3


def test_a_device_that_speaks_nonsense_alone_is_heard_but_not_complete(days):
    days.say(device("a"))
    for n in range(26 * 12):
        days.say(entity("Device", "a", lastSeen=iso(days.clock.now()), refusals=n))
        days.turn(seconds=300)
    found = sign(days, "a")
    assert found["state"] == "fresh"
    assert found["completeness"] == 0.0
    assert found["refused"] > 280


def test_sources_are_counted_by_kind_type_department_and_area(city):
    ring = [[17.0, 48.0], [17.2, 48.0], [17.2, 48.2], [17.0, 48.2], [17.0, 48.0]]
    city.say(entity("District", "old", name="Old town", location={"type": "Polygon", "coordinates": [ring]}))
    for n in range(3):
        one = device(f"d{n}", controlledAsset=f"urn:ngsi-ld:WaterObserved:d{n}")
        one.doc["location"] = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [17.1 + n, 48.1]}}
        one.label = "smart;owner=waterworks" if n else None
        city.say(one)
    run(city, 30, ["d0", "d1"])
    whole = {}
    for one in city.find("VitalSigns"):
        for group, rows in one.get("counts", {}).items():
            for name, row in rows.items():
                whole[group, name] = [a + b for a, b in zip(whole.get((group, name), [0] * 6), row, strict=True)]
    assert whole["kind", "device"] == [0, 0, 0, 1, 2, 0]
    assert whole["type", "WaterObserved"] == [0, 0, 0, 1, 2, 0]
    assert whole["department", "waterworks"] == [0, 0, 0, 1, 1, 0]
    assert whole["department", "-"] == [0, 0, 0, 0, 1, 0]
    assert whole["area", "Old town"] == [0, 0, 0, 0, 1, 0]
    assert whole["area", "-"] == [0, 0, 0, 1, 1, 0]


def test_a_hidden_source_is_in_no_count_that_others_see(city):
    hidden = device("secret")
    hidden.label = "security"
    worn = device("watch-7", controlledAsset="urn:ngsi-ld:Wearable:7")
    wearer = entity("Wearable", "7", pulse=70)
    wearer.label = "personal;subject=person:bo"
    city.say(wearer, device("a"), hidden, worn)
    city.turn(seconds=10)
    labels = {one.label: one.get("counts", {}).get("kind") for one in city.find("VitalSigns") if "counts" in one}
    assert labels[None] == {"device": [0, 0, 0, 1, 0, 0]}
    assert labels["security"] == {"device": [0, 0, 0, 1, 0, 0]}
    assert labels["personal;subject=person:bo"] == {"device": [0, 0, 0, 1, 0, 0]}
    assert sign(city, "watch-7").label == "personal;subject=person:bo"


def test_a_source_that_is_relabelled_moves_and_is_left_nowhere(city):
    city.say(device("a"))
    city.turn(seconds=10)
    one = device("a")
    one.label = "security"
    city.say(one)
    city.turn(seconds=20)
    assert sign(city, "a").label == "security"
    labels = {it.label: it["counts"].get("kind") for it in city.find("VitalSigns") if "counts" in it}
    assert labels == {None: None, "security": {"device": [0, 0, 0, 1, 0, 0]}}


def test_a_device_that_is_gone_is_gone_from_the_signs(city):
    city.say(device("a"), device("b"))
    city.turn(seconds=10)
    city.delete("urn:ngsi-ld:Device:a")
    city.turn(seconds=10)
    assert [one["name"] for one in city.find("VitalSign")] == ["b"]
    assert counts(city) == {"device": [0, 0, 0, 1, 0, 0]}


def test_a_quarantined_device_is_expected_to_be_silent(days):
    days.say(device("a"))
    run(days, 30, ["a"])
    days.say(entity("Device", "a", deviceState="quarantined"))
    days.turn(seconds=86_400)
    assert sign(days, "a")["state"] == "off"


def test_a_restart_changes_nothing(days):
    days.say(device("a"), device("b"), device("c", reportingInterval=None))
    run(days, 26 * 60, ["a", "b", "c"])
    days.turn(seconds=1_800)
    before = {one.id: one.doc for one in [*days.find("VitalSign"), *days.find("VitalSigns")] if one.id != PULSE_ID}
    _signs.clear()
    changes = len(days.changes)
    days.turn(seconds=61)
    after = {one.id: one.doc for one in [*days.find("VitalSign"), *days.find("VitalSigns")] if one.id != PULSE_ID}
    assert after == before
    said = {one.entity.id for one in days.changes[changes:]}
    assert said <= {PULSE_ID}


def test_steady_sources_cost_no_changes(days):
    names = ["a", "b", "c"]
    days.say(*(device(name) for name in names))
    run(days, 27 * 60, names)
    before = len(days.changes)
    run(days, 60, names)
    said = [one for one in days.changes[before:] if one.actor == "app:brain" and one.entity.id != PULSE_ID]
    assert said == []


def test_a_feed_is_a_source_where_the_setting_names_its_type():
    feeds = {"brain": {"feeds": ["TrafficFlowObserved"]}}
    with MemoryCity(app, start="2026-04-01T00:00:00Z", settings=feeds).closing() as city:
        for n in range(20):
            city.say(entity("TrafficFlowObserved", "x", intensity=n), entity("Other", "x", intensity=n))
            city.turn(seconds=600)
        city.turn(seconds=3 * 3_600)
        (found,) = city.find("VitalSign")
        assert (found["kind"], found["measures"], found["state"]) == ("feed", "TrafficFlowObserved", "silent")
        assert found["interval"] == 600.0
        _signs.clear()
        city.turn(seconds=600)
        assert len(city.find("VitalSign")) == 1
        city.say(entity("TrafficFlowObserved", "x", intensity=99))
        city.turn(seconds=10)
        assert city.find("VitalSign")[0]["state"] == "fresh"


@pytest.mark.parametrize(
    "said",
    [{"lastSeen": "yesterday"}, {"lastSeen": 5}, {"readings": "many"}, {"readings": -3}, {"reportingInterval": "soon"},
     {"name": 7}, {"controlledAsset": ["x"]}, {"name": "<script>alert(1)</script>" * 100}, {"address": "x"}],
)  # fmt: skip
def test_nonsense_in_a_device_stops_nobody(city, said):
    city.say(device("bad", **said), device("good"))
    run(city, 30, ["good"])
    assert sign(city, "good")["state"] == "fresh"
    assert sign(city, "bad")["state"] == "new"
    assert city.find("DeadLetter") == []


def test_a_city_without_devices_says_so_and_nothing_else(city):
    city.turn(seconds=600)
    assert city.find("VitalSign") == []
    assert city.find("VitalSigns") == [], "an empty broker stays empty"
    city.say(device("a"))
    city.turn(seconds=600)
    assert [one for one in city.find("VitalSigns") if one.id.endswith(":pulse")]


def test_what_the_city_writes_down_late_makes_nobody_late(city):
    """A city whose clock runs fast writes down every ten minutes of its own time when its devices were heard."""
    city.say(device("a"))
    for n in range(1, 60):
        city.turn(seconds=600)
        late_s = 60 if n % 2 else 290
        city.say(entity("Device", "a", lastSeen=iso(city.clock.now() - late_s * 1_000_000), readings=2 * n))
        if n > 5:
            assert sign(city, "a")["state"] == "fresh"
    assert sign(city, "a")["completeness"] > 0.9


def test_a_value_with_a_unit_is_told(city):
    city.say(device("a"))
    city.turn(seconds=10)
    assert sign(city, "a").attribute("interval") == Attribute(300.0, "SEC")
