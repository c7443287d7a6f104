"""Joined rules in a city: the same alarms as over whole series, restarts, others, labels, and bad rules."""

import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hansa import Attribute, entity
from hansa.analytics.rules import Rules
from hansa.apps.watch import app, tree
from hansa.apps.watch.sweeping import ROUND, Ring
from hansa.apps.watch.weighing import Scales
from hansa.apps.watch.wording import read_rule
from hansa.model.change import Write
from hansa.testing import MemoryCity, replay

sys.path.insert(0, str(Path(__file__).parent))
import test_watch_sweeping as sweeps
from some_rules import NAMES, trees

FROST = (
    "when temperature of WeatherObserved is below 2 degC for 10 min and at least 2 neighbours within 5 km"
    " are also below 3 degC, raise 'frost' high as weather"
)
S = "urn:ngsi-ld:WeatherObserved:s"


def ruled(text, name="frost", **more):
    said = read_rule(text)
    like = {} if said.like is None else {"watchedId": said.like}
    return entity(
        "WatchRule", name, watchedType=said.type, condition=tree.to_json(said.condition), alarm=said.alarm,
        severity=said.severity, category=said.category, template=said.template, **like, **more,
    )  # fmt: skip


def station(city, i, value, unit="CEL", **more):
    place = {"type": "Point", "coordinates": [17 + i * 0.01, 48.0]}
    return entity(
        "WeatherObserved", f"s{i}", temperature=Attribute(value, unit, city.clock.now()), location=place, **more
    )


def night(city, *values, minutes=5):
    city.turn(seconds=60 * minutes)
    city.read(*(station(city, i, value) for i, value in enumerate(values)))


def open_(city):
    return {a["alertSource"].rsplit(":", 1)[1] for a in city.find("Alert", q='status=="open"')}


def cold(rule=FROST, **more):
    city = MemoryCity(app)
    city.say(ruled(rule, **more))
    for _ in range(4):
        night(city, 1.0, 2.5, 2.5, 8.0)
    return city


def test_one_cold_station_among_cold_neighbours_rings_once_and_says_why():
    city = cold()
    (found,) = city.find("Alert")
    assert (found["status"], found["subCategory"], found["severity"]) == ("open", "frost", "high")
    assert (found["alertSource"], found["watchRule"]) == (f"{S}0", "urn:ngsi-ld:WatchRule:frost")
    assert found["description"] == (
        "Frost: s0: temperature is below 2 °C (1 °C); at least 2 neighbours within 5 km are also below 3 °C "
        "(2 of them); since 1 Jan 2026 00:15 UTC."
    )
    assert found["evidence"]["because"][0] == {"says": "temperature is below 2 °C", "value": 1.0, "limit": 2.0}
    assert sum("Alert" in c.entity.types for c in city.changes) == 1
    night(city, 4.0, 2.5, 2.5, 8.0)
    (found,) = city.find("Alert")
    assert found["status"] == "closed"
    assert "stood from 1 Jan 2026 00:15 UTC to 1 Jan 2026 00:25 UTC" in found["description"]


@pytest.mark.parametrize(
    ("values", "rings"),
    [((1.0, 2.5, 8.0, 2.5), True), ((1.0, 8.0, 8.0, 2.5), False), ((2.5, 2.5, 2.5, 2.5), False)],
)
def test_it_rings_only_where_both_hold(values, rings):
    city = MemoryCity(app)
    city.say(ruled(FROST))
    for _ in range(4):
        night(city, *values)
    assert open_(city) == ({"s0"} if rings else set())


def test_a_neighbour_that_fell_silent_no_longer_counts():
    city = cold()
    assert open_(city) == {"s0"}
    for _ in range(13):  # what is older than an hour is nothing of now
        city.turn(seconds=300)
        city.read(station(city, 0, 1.0))
    assert open_(city) == set()


def test_time_alone_raises_and_clears():
    text = "when level of Tank is above 3 and the time is between 00:30 and 01:00, raise 'night' low"
    city = MemoryCity(app)
    city.say(ruled(text, "night"))
    city.turn(seconds=60)
    city.read(entity("Tank", "t", level=Attribute(5.0, None, city.clock.now())))
    assert open_(city) == set()
    city.turn(to="2026-01-01T00:30:00Z")
    assert open_(city) == {"t"}
    city.turn(to="2026-01-01T01:00:00Z")
    assert open_(city) == set()


def test_the_time_of_day_is_the_citys():
    text = "when level of Tank is above 3 and the time is between 01:30 and 02:00, raise 'night' low"
    city = MemoryCity(app, settings={"watch": {"timezone": "Europe/Vienna"}})
    city.say(ruled(text, "night"))
    city.read(entity("Tank", "t", level=Attribute(5.0, None, city.clock.now())))
    city.turn(to="2026-01-01T00:31:00Z")
    assert open_(city) == {"t"}


def test_linked_entities_are_asked_and_others_are_not():
    text = "when flow of Gate is above 1 and at least 1 Pump linked by refPump has state 'off', raise 'dry' high"
    city = MemoryCity(app)
    city.say(ruled(text, "dry"))
    pumps = [f"urn:ngsi-ld:Pump:{i}" for i in range(2)]
    for one, state in zip(pumps, ("on", "off"), strict=True):
        city.read(entity("Pump", one, state=Attribute(state, None, city.clock.now())))
    for i in range(2):
        city.turn(seconds=60)
        flow = Attribute(2.0, None, city.clock.now())
        city.read(entity("Gate", f"g{i}", flow=flow, refPump=Attribute(pumps[i], kind="Relationship")))
    assert open_(city) == {"g1"}


def test_a_changed_rule_is_held_against_what_stands_and_one_that_is_off_closes_its_alarms():
    city = cold()
    city.say(ruled(FROST.replace("below 2 degC", "below 0 degC")))
    assert open_(city) == set()
    city.say(ruled(FROST))
    assert open_(city) == {"s0"}
    city.say(entity("WatchRule", "frost", enabled=False))
    assert open_(city) == set()


def test_a_rule_that_cannot_be_used_says_what_is_wrong_with_it():
    city = MemoryCity(app)
    city.say(entity("WatchRule", "bad", watchedType="Tank", alarm="x", condition={"all": [{"attribute": "level"}]}))
    (note,) = city.find("Alert")
    assert note["subCategory"] == "configuration"
    assert "condition" in note["description"]
    city.say(entity("WatchRule", "bad", condition={"attribute": "level", "above": 3}))
    assert [a["status"] for a in city.find("Alert")] == ["closed"]


def test_a_unit_that_does_not_convert_is_noted_and_forgotten():
    city = cold()
    city.turn(seconds=60)
    city.read(station(city, 5, 4.0, unit="MTR"))
    (note,) = city.find("Alert", q='subCategory=="configuration"')
    assert "comes in MTR" in note["description"]
    city.turn(seconds=60)
    city.read(station(city, 5, 4.0))
    assert [a["status"] for a in city.find("Alert", q='subCategory=="configuration"')] == ["closed"]


def test_a_source_that_goes_takes_its_alarm_along():
    city = cold()
    city.write(Write("delete", f"{S}0"))
    assert open_(city) == set()


def test_late_readings_change_nothing():
    city = cold()
    now = city.clock.now()
    city.read(entity("WeatherObserved", "s0", temperature=Attribute(20.0, "CEL", now - 60_000_000)))
    city.turn(seconds=120)
    assert open_(city) == {"s0"}


# Restarts


def restarted(city):
    old = city.rules
    city.rules = Rules(
        [one.app for one in old.apps], city.reader, city.clock, place=city.store.place, head=city.store.head,
        walk=city.store.walk, commit=city._commit_rules,
    )  # fmt: skip
    for now, was in zip(city.rules.apps, old.apps, strict=True):
        now.place, now.rounds = was.place, dict(was.rounds)


RESTARTED = [
    FROST,
    "when temperature of WeatherObserved is below 2 degC with hysteresis 1 degC and wind is below 3, raise 'x'",
    (
        "when (temperature of WeatherObserved is below 2 degC and at least 2 neighbours within 5 km are also below"
        " 3 degC) for 10 min, raise 'x'"
    ),
    "when count of temperature of WeatherObserved over 30 min is below 3 and wind is below 3, raise 'x'",
    "when max of temperature of WeatherObserved over 15 min is below 2 degC or wind is silent for 20 min, raise 'x'",
    "when not (temperature of WeatherObserved is above 1 degC for 10 min) and wind is below 3, raise 'x'",
    "when temperature of WeatherObserved falls faster than 4 degC per h over 20 min and wind is below 3, raise 'x'",
    "when temperature of WeatherObserved is 2 degC below the median of at least 2 neighbours within 5 km, raise 'x'",
]


@pytest.mark.parametrize("text", RESTARTED)
def test_a_restart_at_any_moment_gives_the_same_alarms(text):
    course = [5.0, 1.5, 1.0, 1.0, 2.5, 2.5, None, None, 4.0, 1.0, 1.2, 1.0, None, None, None, None, 6.0, 0.5]

    def play(restart_at):
        city = MemoryCity(app)
        city.say(ruled(text))
        states = []
        for i, value in enumerate(course):
            if i == restart_at:
                restarted(city)
            if value is None:
                city.turn(seconds=300)
            else:
                city.turn(seconds=300)
                wind = Attribute(1.0, None, city.clock.now())
                city.read(*(station(city, n, value + n / 4, wind=wind) for n in range(3)))
            states.append(open_(city))
        return states

    whole = play(None)
    assert any(whole)
    for moment in (2, 5, 7, 10, 11, 13, 14, 15):
        assert play(moment) == whole, moment


# The same as over whole series


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    trees().filter(lambda n: not any(isinstance(x, tree.Month | tree.Weekday) for x in tree.walk(n))),
    st.fixed_dictionaries({"level": sweeps.points(most=12), "flow": sweeps.points(most=12), "door": sweeps.doors}),
    st.lists(st.fixed_dictionaries({"level": sweeps.points(most=8)}), max_size=2),
)
def test_a_city_says_the_same_alarms_as_a_rule_over_whole_series(node, own, others):
    said = [(p[0], "it", name, p[1]) for name, some in own.items() for p in some]
    said += [(p[0], f"o{i}", name, p[1]) for i, one in enumerate(others) for name, some in one.items() for p in some]
    until = max((one[0] for one in said), default=sweeps.START) + 3 * ROUND
    city = MemoryCity(app, start=sweeps.START, settings={"watch": {"timezone": "Europe/Vienna"}})
    city.say(
        entity("WatchRule", "r", watchedType="Tank", condition=tree.to_json(node), alarm="x", watchedId="*:it"),
        *(
            entity("Tank", f"o{i}", location={"type": "Point", "coordinates": [17, 48]})
            for i in range(len(others))
        ),
        entity("Tank", "it", location={"type": "Point", "coordinates": [17, 48]}),
    )  # fmt: skip

    pile = {}
    for at, ident, name, value in said:
        pile.setdefault((at, ident), {})[name] = Attribute(value, None, at)
    replay(
        city,
        (
            (at, Write("read", one.id, one.doc))
            for (at, ident), some in sorted(pile.items(), key=lambda it: it[0])
            for one in [entity("Tank", ident, **some)]
        ),
    )
    city.turn(to=until - ROUND)
    stood = []
    for change in city.changes:
        if "Alert" in change.entity.types and change.entity.get("subCategory") == "x":
            if change.entity["status"] == "open" and (not stood or stood[-1].until is not None):
                stood.append(Ring(change.at, None))
            elif change.entity["status"] == "closed" and stood[-1].until is None:
                stood[-1] = Ring(stood[-1].since, change.at)
    scales = Scales(node, ZoneInfo("Europe/Vienna"))
    mine = {name: own[name] for name in NAMES if name in scales.names}
    expected = sweeps.at_once(scales, mine, [{**one, "flow": []} for one in others], until - ROUND + 1)
    assert stood == expected
