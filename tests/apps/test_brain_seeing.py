"""What the brain's pages are told: the worst first, hidden things nowhere, and on the wall nothing about a person."""

import json
from datetime import UTC, datetime

import pytest
from slow_rounds import slowly

from hansa import Attribute, Refusal, entity
from hansa.analytics.acts import Acts
from hansa.apps.brain import app
from hansa.testing import MemoryCity
from hansa.trust.labels import Sight

STAFF = Sight("person:ada", classes=frozenset({"open", "smart"}))


@pytest.fixture
def city():
    with MemoryCity(slowly(app, 10), start="2026-04-01T00:00:00Z").closing() as made:
        yield made


def iso(at):
    return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def devices(city, count):
    made = []
    for n in range(count):
        asset = f"urn:ngsi-ld:WaterObserved:d{n}"
        said = {"name": f"Probe {n}", "deviceState": "active", "reportingInterval": 300.0, "readings": 1}
        one = entity("Device", f"d{n}", lastSeen=iso(city.clock.now()), controlledAsset=asset, **said)
        made.append(one)
    city.say(*made)


def as_seen(city, sight, name, **asked):
    """A view with somebody's own sight."""
    acts = Acts(city, [app])
    import asyncio

    found, view = acts.seen("brain", name)
    view = type(view)(view.name, view.looks, frozenset())
    return asyncio.run(acts.look(found, view, asked, sight))


def test_the_worst_come_first_and_everybody_is_counted(city):
    devices(city, 5)
    city.turn(seconds=10)
    for n in (0, 1):
        city.say(entity("Device", f"d{n}", lastSeen=iso(city.clock.now() + 1_000_000), readings=2))
    city.turn(seconds=530)
    city.say(entity("Device", "d0", lastSeen=iso(city.clock.now()), readings=3))
    city.turn(seconds=10)
    told = city.view("vitals")
    assert told["states"] == {"silent": 0, "flapping": 0, "late": 4, "new": 0, "fresh": 1, "off": 0}
    assert [one["state"] for one in told["rows"]] == ["late"] * 4 + ["fresh"]
    assert told["rows"][-1]["heard"] is not None
    assert told["groups"]["type"]["WaterObserved"]["late"] == 4
    assert told["pulse"]["old"] is False
    assert told["more"] is False


def test_rows_are_narrowed_by_state_group_and_text(city):
    devices(city, 12)
    city.turn(seconds=10)
    assert len(city.view("vitals", {"text": "probe 1"})["rows"]) == 3
    assert city.view("vitals", {"type": "WaterObserved", "limit": "5"})["more"] is True
    assert city.view("vitals", {"type": "Nothing"})["rows"] == []
    assert city.view("vitals", {"department": "-"})["rows"] != []
    assert city.view("vitals", {"state": "silent,flapping"})["rows"] == []


@pytest.mark.parametrize(
    "asked", [{"state": "sick"}, {"limit": "-1"}, {"limit": "x"}, {"colour": "red"}, {"type": "x" * 201}]
)
def test_nonsense_in_a_question_is_told(city, asked):
    with pytest.raises(Refusal):
        city.view("vitals", asked)


@pytest.mark.parametrize("name", ['a"b', "a\\", '";state=="silent', "(", "|", "<script>"])
def test_odd_names_are_names(city, name):
    one = entity("Device", "odd", name="odd", deviceState="active", areaServed=name)
    city.say(one)
    city.turn(seconds=10)
    assert [row["area"] for row in city.view("vitals", {"area": name})["rows"]] == [name]


def test_a_city_without_devices_says_that_it_has_none(city):
    told = city.view("vitals")
    assert (told["rows"], told["groups"], told["pulse"]) == ([], {}, None)
    city.turn(seconds=10)
    assert city.view("vitals")["pulse"] is None, "nobody looks after nothing"
    devices(city, 1)
    city.turn(seconds=60)
    assert city.view("vitals")["pulse"]["old"] is False


def test_signs_that_nobody_renews_are_told_as_old(city):
    devices(city, 1)
    city.turn(seconds=10)
    city.rules.apps.clear()
    city.clock.turn(city.clock.now() + 3_600 * 1_000_000)
    assert city.view("vitals")["pulse"]["old"] is True


def test_what_one_may_not_see_is_in_no_row_count_or_line(city):
    hidden = entity("Device", "spy", name="spy", deviceState="active", reportingInterval=60.0)
    hidden.label = "security"
    worn = entity("Device", "watch", name="Bo's watch", deviceState="active", controlledAsset="urn:ngsi-ld:Wearable:bo")
    wearer = entity("Wearable", "bo", pulse=60)
    wearer.label = "personal;subject=person:bo"
    ring = entity("Alert", "x", status="open", severity="high", description="Bo fell")
    ring.label = "personal;subject=person:bo"
    city.say(hidden, wearer, worn, ring)
    devices(city, 1)
    city.turn(seconds=3_600)
    whole = city.view("vitals")
    assert sum(whole["states"].values()) == 3
    for view in ("vitals", "decisions", "draft", "wall", "predictions"):
        said = json.dumps(as_seen(city, STAFF, view))
        for word in ("spy", "watch", "Wearable", "Bo"):
            assert word not in said, (view, word)
    assert sum(as_seen(city, STAFF, "vitals")["states"].values()) == 1
    # And whoever sees all of it: on the wall, nothing about a person.
    wall = json.dumps(city.view("wall"))
    assert "Bo" not in wall
    assert "person:" not in wall


def test_a_draft_says_how_the_city_is(city):
    city.say(
        entity("Alert", "a", status="open", severity="high", description="River above 3 m", activations=2,
               acknowledgedActivation=1),
        entity("Alert", "b", status="open", severity="low", description="Probe flat", outOfService=True,
               outOfServiceReason="repair"),
        entity("Alert", "c", status="closed", severity="critical", description="over"),
        entity("Incident", "i", status="open", severity="high", name="Flood at the mill"),
        entity("Incident", "j", status="reviewed", severity="high", name="Old one"),
        entity("IncidentTask", "t", status="open", name="Close the road", dueAt="2026-04-01T01:00:00Z"),
        entity("IncidentTask", "u", status="done", name="Done"),
    )  # fmt: skip
    devices(city, 1)
    city.turn(seconds=7_200)
    sections = city.view("draft")["sections"]
    assert sections["Open alarms"] == ["high, NOT acknowledged: River above 3 m"]
    assert sections["Out of service and shelved"] == ["Probe flat: out of service, repair"]
    assert sections["Incidents"] == ["high, open: Flood at the mill"]
    assert sections["Tasks"] == ["Close the road (open, due 2026-04-01T01:00:00Z)"]
    assert sections["Silent sources"][0].startswith("Probe 0 (WaterObserved): silent, last heard 1 Apr 00:00 UTC")


def test_the_wall_shows_the_gravest_and_refuses_panels_that_are_none(city):
    for n in range(30):
        city.say(entity("Alert", f"a{n}", status="open", severity="low" if n else "critical", description=f"alarm {n}"))
    told = city.view("wall", {"panels": "alarms"})["panels"]["alarms"]
    assert told["total"] == 30
    assert told["lines"][0]["severity"] == "critical"
    assert len(told["lines"]) == 12
    assert list(city.view("wall", {"panels": "vitals,alarms"})["panels"]) == ["vitals", "alarms"]
    with pytest.raises(Refusal):
        city.view("wall", {"panels": "alarms,nonsense"})


def test_what_waits_and_what_was_decided(city):
    city.say(
        entity("Command", "c1", status="pending", commandDevice="pump-7", requestedBy="person:ada"),
        entity("Command", "c2", status="done", commandDevice="pump-8", result="running"),
        entity("Alert", "a", status="open", runBook=Attribute("urn:ngsi-ld:RunBook:flood", kind="Relationship"),
               description="River"),
    )  # fmt: skip
    city.act("begin", by="person:ada", desk="coc")
    shift = city.find("Shift")[0].id
    city.act("hand-over", shift, by="person:ada", text="x")
    told = city.view("decisions")
    assert {(one["kind"], one["status"]) for one in told["waiting"]} == {
        ("Command", "pending"), ("RunBook", "suggested"), ("Handover", "waits to be accepted"),
    }  # fmt: skip
    assert [(one["kind"], one["outcome"]) for one in told["decided"]] == [("Command", "running")]


def test_predictions_show_their_errors_so_far_and_lately(city):
    station = entity("WeatherObserved", "north", name="North", temperature=Attribute(5.0, "CEL", city.clock.now()))
    city.read(station)
    told = city.view("predictions")
    assert (told["skills"], told["current"], told["settled"]) == ([], [], [])
    night = entity(
        "WeatherForecast", "n", refStation=Attribute(station.id, kind="Relationship"), warned=True,
        validFrom="2026-04-01T06:00:00Z", validTo="2026-04-01T09:00:00Z", temperatureMin=Attribute(3.0, "CEL"),
    )  # fmt: skip
    city.say(night)
    told = city.view("predictions")
    assert told["waiting"] == [{"app": "administrator", "type": "WeatherForecast"}]
    assert [(one["of"], one["said"], one["rmse"]) for one in told["current"]] == [("North", 3.0, None)]
    for _ in range(24):
        city.turn(seconds=1_800)
        city.read(entity("WeatherObserved", "north", temperature=Attribute(5.0, "CEL", city.clock.now())))
    told = city.view("predictions")
    six = next(one for one in told["skills"] if one["lead"] == 6)
    assert (six["n"], six["bias"], six["rmse"], six["recent"]["n"]) == (1, -2.0, 2.0, 1)
    assert told["settled"][0]["scores"]["temperatureMin"]["came"] == 5.0
    assert told["current"] == []
    warned = next(one for one in told["skills"] if one["lead"] is None)
    assert (warned["falseAlarms"], warned["hits"]) == (1, 0)
