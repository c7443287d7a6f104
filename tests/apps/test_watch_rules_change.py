"""WatchRules that come, change and go; sources that go; nonsense beside good rules; the default pack."""

import json
from pathlib import Path

import pytest

import hansa.apps.watch
from hansa import Attribute, Entity, entity
from hansa.apps.watch import app
from hansa.model.change import Write
from hansa.testing import MemoryCity

PACK = json.loads((Path(hansa.apps.watch.__file__).parent / "defaults.json").read_text())
RULE = "urn:ngsi-ld:WatchRule:flood"


def rule(name="flood", **said):
    about = {"kind": "threshold", "watchedType": "WaterObserved", "watchedAttribute": "level", "high": 3.0}
    return entity("WatchRule", name, **{**about, **said})


def read(city, value, ident="bridge", name="level"):
    city.turn(seconds=1)
    city.read(entity("WaterObserved", ident, **{name: Attribute(value, "MTR", city.clock.now())}))


def states(city):
    return {a["alertSource"].rsplit(":", 1)[1]: a["status"] for a in city.find("Alert")}


def kinds(city):
    return {(a["subCategory"], a["status"]) for a in city.find("Alert")}


def alarm(city):
    (found,) = city.find("Alert")
    return found


@pytest.fixture
def city():
    city = MemoryCity(app)
    city.say(rule())
    return city


def test_a_new_rule_judges_what_stands_already(city):
    read(city, 2.5)
    assert not city.find("Alert")
    city.say(rule("low water", low=2.7, high=9.0))
    assert alarm(city)["watchRule"] == "urn:ngsi-ld:WatchRule:low water"


def test_a_rule_and_readings_that_arrive_together_make_one_alarm_without_flapping(city):
    read(city, 1.0)
    at = city.clock.now()
    later = [entity("WaterObserved", "bridge", level=Attribute(v, "MTR", at + i)) for i, v in enumerate([1.5, 4.0], 1)]
    city.say(rule(high=2.0), *later)
    assert [c.entity["status"] for c in city.changes if "Alert" in c.entity.types] == ["open"]


def test_a_lower_limit_raises_and_a_higher_one_clears_at_once(city):
    read(city, 2.5)
    city.say(rule(high=2.0))
    assert states(city) == {"bridge": "open"}
    city.say(rule(high=2.6))
    assert states(city) == {"bridge": "closed"}


def test_another_limit_that_still_holds_is_said(city):
    read(city, 3.5)
    city.say(rule(high=3.2))
    assert (alarm(city)["status"], alarm(city)["limit"]) == ("open", 3.2)


def test_another_severity_is_said(city):
    read(city, 3.5)
    assert alarm(city)["severity"] == "medium"
    city.say(rule(severity="critical"))
    assert (alarm(city)["status"], alarm(city)["severity"]) == ("open", "critical")


def test_a_rule_switched_off_closes_its_alarms_at_once(city):
    read(city, 3.5)
    city.say(rule(enabled=False))
    assert states(city) == {"bridge": "closed"}
    read(city, 3.6)
    assert states(city) == {"bridge": "closed"}
    city.say(rule(enabled=True))
    assert states(city) == {"bridge": "open"}


def test_a_rule_taken_away_raises_nothing_more_and_its_alarms_close_within_a_round(city):
    read(city, 3.5)
    city.write(Write("delete", RULE))
    read(city, 3.9, ident="mill")
    assert "mill" not in states(city)
    city.turn(seconds=61)
    assert states(city) == {"bridge": "closed"}
    assert "gone" in alarm(city)["description"]


def test_a_rule_that_now_means_something_else_closes_what_it_meant(city):
    read(city, 3.5)
    city.say(rule(watchedAttribute="flow"))
    assert states(city) == {"bridge": "closed"}
    city.say(rule(watchedAttribute="level"))
    assert states(city) == {"bridge": "open"}
    city.say(rule(watchedType="AirQualityObserved"))
    assert states(city) == {"bridge": "closed"}


def test_a_rule_of_another_kind_closes_the_old_alarm_and_raises_its_own(city):
    read(city, 3.5)
    city.say(rule(kind="implausible", maximum=1.0))
    assert kinds(city) == {
        ("threshold", "closed"),
        ("implausible", "open"),
    }


def test_a_rule_narrowed_closes_the_alarms_outside(city):
    read(city, 3.5)
    read(city, 3.5, ident="mill")
    city.say(rule(watchedId="*:mill"))
    assert states(city) == {"bridge": "closed", "mill": "open"}


def test_a_new_hold_off_counts_from_when_the_condition_began(city):
    city.say(rule(high=5.0))
    for _ in range(5):
        city.turn(seconds=60)
        read(city, 4.0)
    city.say(rule(high=3.0, holdOff=600))
    assert not city.find("Alert")
    city.turn(seconds=420)
    assert states(city) == {"bridge": "open"}
    assert alarm(city)["evidence"]["since"] == "2026-01-01T00:01:01Z"


def test_nonsense_gets_a_note_and_the_rest_works(city):
    city.say(rule("bad", high="high"), rule("worse", kind="hunch"))
    read(city, 3.5)
    notes = [a for a in city.find("Alert") if a["subCategory"] == "configuration"]
    assert {a["alertSource"] for a in notes} == {"urn:ngsi-ld:WatchRule:bad", "urn:ngsi-ld:WatchRule:worse"}
    assert all("cannot be used" in a["description"] for a in notes)
    assert states(city)["bridge"] == "open"
    before = len(city.changes)
    city.turn(seconds=600)
    assert len(city.changes) == before  # the note is not said again every minute
    city.say(rule("bad", high=9.0))
    assert {a["alertSource"][-3:]: a["status"] for a in notes_of(city)} == {"bad": "closed", "rse": "open"}


def notes_of(city):
    return [a for a in city.find("Alert") if a["subCategory"] == "configuration"]


def test_a_good_rule_that_becomes_nonsense_closes_its_alarms_and_says_why(city):
    read(city, 3.5)
    city.say(rule(high=[1]))
    assert kinds(city) == {
        ("threshold", "closed"),
        ("configuration", "open"),
    }
    city.write(Write("delete", RULE))
    city.turn(seconds=61)
    assert {a["status"] for a in city.find("Alert")} == {"closed"}


def test_the_alarm_of_a_source_that_went_closes_within_a_round(city):
    read(city, 3.5)
    city.write(Write("delete", "urn:ngsi-ld:WaterObserved:bridge"))
    city.turn(seconds=61)
    assert states(city) == {"bridge": "closed"}


def test_the_alarm_of_an_attribute_that_went_closes_at_once(city):
    read(city, 3.5)
    read(city, 1.0, name="flow")
    city.write(Write("delete_attr", "urn:ngsi-ld:WaterObserved:bridge", name="level"))
    assert states(city) == {"bridge": "closed"}


def test_an_alarm_closed_by_hand_is_raised_again_by_the_next_reading_after_a_round(city):
    read(city, 3.5)
    city.say(entity("Alert", alarm(city).id, status="closed"))
    city.turn(seconds=61)
    assert states(city) == {"bridge": "closed"}
    read(city, 3.5)
    assert states(city) == {"bridge": "open"}


def test_rules_for_watchs_own_words_are_refused(city):
    city.say(rule("loop", watchedType="Alert", watchedAttribute="value", high=0))
    read(city, 3.5)
    assert {a["alertSource"] for a in notes_of(city)} == {"urn:ngsi-ld:WatchRule:loop"}


def test_a_new_rule_over_more_sources_than_one_call_may_raise_raises_the_rest_in_rounds(city):
    city.say(rule(high=5.0))
    city.say(*(entity("WaterObserved", str(i), level=4.0) for i in range(1_100)))
    city.say(rule(high=3.0))
    assert len(city.find("Alert", limit=2_000)) == 900
    city.turn(seconds=121)
    assert len(city.find("Alert", q='status=="open"', limit=2_000)) == 1_100
    assert not city.find("DeadLetter")


def test_the_default_pack_watches_without_a_fault():
    city = MemoryCity(app)
    city.write(*(Write("say", doc["id"], doc) for doc in PACK))
    assert not city.find("Alert")
    for minute in range(30):
        city.turn(seconds=60)
        now = city.clock.now()
        city.read(
            entity("WaterObserved", "bridge", height=Attribute(1.0 + minute / 30, "MTR", now)),
            entity("RadiationObserved", "roof", doseRate=Attribute(450, "P73", now)),
            entity(
                "IndoorEnvironmentObserved",
                "5b",
                co2=Attribute(1_400, "59", now),
                temperature=Attribute(21, "CEL", now),
            ),
            entity("AgriParcelRecord", "field", soilMoistureVwc=Attribute(23, "P1", now)),
        )
    found = {a["watchRule"].rsplit(":", 1)[1] for a in city.find("Alert")}
    assert found == {
        "river-rising",
        "radiation-raised",
        "indoor-co2",
    }
    assert not city.find("DeadLetter")


def test_the_pack_is_what_its_entities_say():
    listed = {"id", "type"}
    for doc in PACK:
        assert not {"unitCode", "observedAt", "datasetId"} & set(doc)  # members of attributes, not names of them
        assert Entity(doc).type == "WatchRule"
        assert all(v["type"] == "Property" for k, v in doc.items() if k not in listed)
