"""Frost in a city: an evening that warns and one that does not, dawn and outcome, restarts, and every odd reading."""

import math
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from hansa import Attribute, entity
from hansa.app import App, Every
from hansa.apps.frost import app
from hansa.apps.frost.entities import record_of, severity
from hansa.apps.frost.events import Observation
from hansa.apps.frost.hearing import number
from hansa.apps.frost.skill import nights, record, score
from hansa.clock import SECOND, micros, text
from hansa.model.change import Write
from hansa.testing import MemoryCity

NORTH = "urn:ngsi-ld:WeatherObserved:north"
ALERT = "urn:ngsi-ld:Alert:frost-north"
STATE = "urn:ngsi-ld:FrostStation:north"
DAY = datetime(2012, 3, 1, 12, tzinfo=UTC)
PLACE = {"type": "Point", "coordinates": [17.1, 48.1]}

UNITS = {"temperature": "CEL", "dewPoint": "CEL", "relativeHumidity": "P1", "atmosphericPressure": "A97"}


def city_at(start=DAY, *, every_s=600, store=None, **settings):
    """A city with frost; its round is made every so often, or (0) never."""
    frost = App("frost", report=app.report, reads=set(app.reads), writes=set(app.writes))
    frost.handlers = app.handlers
    frost.rounds = [Every(one.round, every_s * SECOND) for one in app.rounds if every_s]
    return MemoryCity(frost, start=micros(start), settings={"frost": settings}, store=store)


def station(at, ident="north", about=None, **values):
    said = {name: Attribute(value, UNITS[name], micros(at)) for name, value in values.items()}
    return entity("WeatherObserved", ident, **said, **(about or {}))


def hear(city, at, about=None, ident="north", **values):
    """The clock comes to `at`, and the station says what it measured then."""
    city.turn(to=max(micros(at), city.clock.now()))
    return city.read(station(at, ident, about, **values))


def evening(city, air_c, dew_c=-5.0, *, start=DAY, until_h=9, minute=5, **more):
    """Hourly readings from noon on, the same air all the time."""
    for hour in range(until_h):
        hear(city, start + timedelta(hours=hour, minutes=minute), temperature=air_c, dewPoint=dew_c, **more)


def night_of(city, day=DAY, key="north"):
    return city.get(f"urn:ngsi-ld:WeatherForecast:frost-{key}-{day.date().isoformat()}")


def alerts(city, status=None):
    return [one for one in city.find("Alert") if status is None or one["status"] == status]


def times(city, ident):
    """How many Changes of an entity there were."""
    return [change for change in city.changes if change.entity.id == ident]


def weather(days, seed=7, minute=53, start=DAY):
    """Hourly weather of invented but lifelike days, the same for the same seed."""
    rng = random.Random(seed)
    found = []
    for day in range(days):
        mean_c, swing_c, dew_c = rng.gauss(3.0, 4.0), rng.uniform(1.0, 7.0), rng.gauss(-3.0, 3.0)
        for hour in range(24):
            air_c = round(mean_c + swing_c * math.cos((hour - 3) / 24 * 2 * math.pi) + rng.gauss(0, 0.4), 1)
            at = start + timedelta(days=day, hours=hour, minutes=minute)
            values = {"temperature": air_c, "dewPoint": round(min(dew_c, air_c), 1)}
            values["atmosphericPressure"] = round(rng.gauss(1013, 6), 1)
            found.append((at, values))
    return found


def directly(rows):
    """The records by the science alone."""
    seen = (
        Observation(
            at.replace(tzinfo=None), v.get("temperature"), v.get("dewPoint"), None, v.get("atmosphericPressure")
        )
        for at, v in rows
    )
    return [one for one in (record(NORTH, out) for out in nights(seen)) if one is not None]


def records(city):
    return sorted((r for r in map(record_of, city.find("WeatherForecast")) if r is not None), key=lambda r: r.evening)


# An evening that warns, and one that does not


def test_a_cold_dry_evening_raises_one_alert_that_a_grower_can_read():
    city = city_at()
    evening(city, 3.0, about={"name": "North orchard", "location": PLACE})
    (alert,) = alerts(city)
    assert alert.id == ALERT
    assert (alert["category"], alert["subCategory"], alert["status"], alert["severity"]) == (
        "weather", "frost", "open", "high",
    )  # fmt: skip
    assert alert["description"] == (
        "Frost likely at North orchard tonight: minimum −1.4 °C ± 2.3 expected before dawn (chance 73 %)."
    )
    assert (alert["dateIssued"], alert["validTo"]) == ("2012-03-01T20:05:00Z", "2012-03-02T09:00:00Z")
    assert (alert["alertSource"], alert["location"]) == (NORTH, PLACE)
    assert alert.attribute("forecast") == Attribute(-1.4, "CEL")
    evidence = alert["evidence"]
    assert evidence["step"] == "raised"
    assert evidence["decision"]["temperature"] == 3.0
    assert evidence["decision"]["dewPoint"] == -5.0
    assert evidence["nights"] == 0
    assert evidence["coefficients"] == [0.588, 0.335, -1.498, -0.355]
    assert evidence["margin"] == pytest.approx(0.871, abs=0.001)
    assert "FAO" in evidence["source"]


def test_a_mild_evening_is_forecast_and_raises_nothing():
    city = city_at()
    evening(city, 12.0, 6.0)
    assert alerts(city) == []
    night = night_of(city)
    assert night["warned"] is False
    assert night["temperatureMin"] == pytest.approx(7.6)


def test_the_forecast_of_a_night_says_all_that_the_page_and_the_score_ask_for():
    city = city_at()
    evening(city, 3.0, until_h=7)
    before = night_of(city)
    assert "warned" not in before
    assert before["temperatureMin"] == pytest.approx(-1.4)
    evening(city, 3.0, start=DAY + timedelta(hours=7), until_h=2)
    night = night_of(city)
    assert night.attribute("refStation") == Attribute(NORTH, kind="Relationship")
    assert (night["night"], night["asOf"], night["decidedAt"]) == (
        "2012-03-01", "2012-03-01T20:05:00Z", "2012-03-01T20:05:00Z",
    )  # fmt: skip
    assert (night["validFrom"], night["validTo"]) == ("2012-03-01T21:00:00Z", "2012-03-02T09:00:00Z")
    assert night["warned"] is True
    assert night.attribute("decidedMin").value == pytest.approx(0.588 * 3 - 0.335 * 5 - 1.498)
    assert night["pooled"] == pytest.approx(0.612 * 3 - 0.333 * 5 - 1.834)
    assert night["airAtDecision"] == 3.0
    assert night["chance"] == pytest.approx(0.73)
    assert night.attribute("sd") == Attribute(2.3, "CEL")
    assert "baseline" not in night, "there was no night before"
    assert "outcome" not in night


def test_severity_follows_chance_and_then_depth():
    assert [severity(c, -1.0) for c in (0.05, 0.2, 0.4, 0.8)] == ["informational", "low", "medium", "high"]
    assert severity(0.8, -3.0) == "critical"
    assert severity(0.4, -3.0) == "medium"


def test_later_warmth_takes_no_warning_back_and_later_cold_adds_none():
    city = city_at()
    evening(city, 3.0)
    hear(city, DAY + timedelta(hours=12), temperature=9.0, dewPoint=5.0)
    (alert,) = alerts(city)
    assert (alert["status"], alert["severity"]) == ("open", "informational")
    assert alert["evidence"]["step"] == "updated"
    assert alert["evidence"]["observation"] == {"at": "2012-03-02T00:00:00Z", "temperature": 9.0}
    assert alert["dateIssued"] == "2012-03-01T20:05:00Z"
    assert "air now 9.0 °C" in alert["description"]
    assert night_of(city)["warned"] is True
    assert night_of(city)["temperatureMin"] > 2.0

    mild = city_at()
    evening(mild, 12.0, 6.0)
    hear(mild, DAY + timedelta(hours=12), temperature=-3.0, dewPoint=-6.0)
    assert alerts(mild) == []
    assert night_of(mild)["warned"] is False
    assert night_of(mild)["temperatureMin"] <= -3.0


def test_a_forecast_that_hardly_moves_is_not_said_again_within_the_hour():
    city = city_at()
    evening(city, 12.0, 6.0, until_h=7)
    count = len(times(city, night_of(city).id))
    for minute in range(10, 50, 10):
        hear(city, DAY + timedelta(hours=6, minutes=minute), temperature=12.1, dewPoint=6.0)
    assert len(times(city, night_of(city).id)) == count
    hear(city, DAY + timedelta(hours=6, minutes=55), temperature=11.0, dewPoint=6.0)
    assert len(times(city, night_of(city).id)) == count + 1


# Dawn and outcome


def test_after_sunrise_the_alert_is_cleared_with_its_evidence():
    city = city_at()
    evening(city, 3.0, about={"location": PLACE})
    for hour in range(9, 18):
        hear(city, DAY + timedelta(hours=hour, minutes=5), temperature=-1.0, dewPoint=-5.0)
    assert alerts(city, "open"), "it is cold and dark"
    hear(city, DAY + timedelta(hours=18, minutes=20), temperature=0.6, dewPoint=-5.0)
    (alert,) = alerts(city)
    assert (alert["status"], alert["validTo"]) == ("closed", "2012-03-02T06:20:00Z")
    assert alert["evidence"]["step"] == "cleared"
    assert alert["evidence"]["observation"] == {"at": "2012-03-02T06:20:00Z", "temperature": 0.6, "lowest": -1.0}
    assert "the lowest of the night was −1.0 °C" in alert["description"]


def test_the_outcome_stands_beside_the_forecast_of_record_and_a_score_can_be_made_of_it():
    city = city_at()
    for day in range(2):
        for hour in range(24):
            air_c = 3.0 if hour < 9 else -2.5
            at = DAY + timedelta(days=day, hours=hour, minutes=5)
            hear(city, at, temperature=air_c, dewPoint=-5.0)
    first, second = night_of(city), night_of(city, DAY + timedelta(days=1))
    assert (first["outcome"], first["hours"], first["counted"], first["frost"]) == (-2.5, 12, True, True)
    assert (first["temperatureMin"], first["asOf"]) == (-1.4, "2012-03-01T20:05:00Z"), "the forecast of record again"
    assert record_of(first) is None, "there was nothing to persist from"
    assert second["baseline"] == -2.5
    (one,) = records(city)
    assert (one.evening, one.persistence_c, one.tmin_c, one.hansa_warn, one.at_risk) == (
        DAY.date() + timedelta(days=1), -2.5, -2.5, True, True,
    )  # fmt: skip
    table = score([one])
    assert next(r for r in table if r["method"] == "hansa" and r["subset"] == "spring")["pod"] == 1.0


def test_a_night_with_too_few_hours_is_over_and_does_not_count():
    city = city_at()
    evening(city, 3.0, until_h=12)
    city.turn(to=micros(DAY + timedelta(hours=22)))
    night = night_of(city)
    assert (night["counted"], night["hours"], night["outcome"]) == (False, 3, 3.0)
    assert "frost" not in night
    assert record_of(night) is None


# The clock alone


def test_a_station_that_falls_silent_is_decided_and_cleared_by_the_clock():
    city = city_at(every_s=60)
    evening(city, 3.0, minute=53, until_h=8)  # its last word is of 19:53
    assert alerts(city) == []
    city.turn(to=micros(DAY + timedelta(hours=8, minutes=35)))
    assert alerts(city) == [], "a reading may be on its way for five minutes"
    city.turn(to=micros(DAY + timedelta(hours=8, minutes=37)))
    (alert,) = alerts(city, "open")
    assert alert["dateIssued"] == "2012-03-01T19:53:00Z"
    assert night_of(city)["warned"] is True
    city.turn(to=micros(DAY + timedelta(hours=21, minutes=4)))
    assert alerts(city, "open")
    city.turn(to=micros(DAY + timedelta(hours=21, minutes=8)))
    (alert,) = alerts(city, "closed")
    assert alert["description"].endswith("is over: it is morning; no value came in the night.")
    assert night_of(city)["counted"] is False
    said = len(city.changes)
    city.turn(seconds=3 * 86_400)
    assert len(city.changes) == said, "nothing is said twice"


def test_clock_and_observations_decide_alike():
    rows = weather(12, seed=9)
    live, bare = city_at(every_s=60), city_at(every_s=0)
    for at, values in rows:
        hear(live, at, **values)
        hear(bare, at, **values)
    want = directly(rows)
    assert len(want) == 11
    assert {one.hansa_warn for one in want} == {True, False}
    assert records(live) == records(bare) == want


def test_the_clock_does_not_overtake_a_reading_that_the_rules_have_not_heard_yet():
    city = city_at()
    evening(city, 12.0, 6.0, minute=53, until_h=8)
    rules, city.rules.apps = city.rules.apps, []  # the rules process is behind
    hear(city, DAY + timedelta(hours=8, minutes=10), temperature=2.0, dewPoint=-6.0)
    city.clock.turn(micros(DAY + timedelta(hours=8, minutes=50)))
    city.rules.apps = rules
    city.rules.rounds()
    assert "warned" not in night_of(city)
    city.rules.settle()
    assert night_of(city)["decidedAt"] == "2012-03-01T20:10:00Z"
    assert night_of(city)["warned"] is True


def test_a_reading_whose_change_was_put_aside_is_found_in_history():
    city = city_at()
    evening(city, 12.0, 6.0, minute=53, until_h=8)
    rules, city.rules.apps = city.rules.apps, []
    hear(city, DAY + timedelta(hours=8, minutes=10), temperature=2.0, dewPoint=-6.0)
    city.rules.apps = rules
    rules[0].place = city.store.head()
    city.turn(to=micros(DAY + timedelta(hours=9)))
    assert "warned" not in night_of(city), "it may still come"
    city.turn(to=micros(DAY + timedelta(hours=10)))
    assert night_of(city)["decidedAt"] == "2012-03-01T20:10:00Z"
    assert alerts(city, "open")


def test_a_station_without_a_thermometer_is_none_of_frost_s():
    city = city_at()
    hear(city, DAY, dewPoint=3.0)
    assert city.find("FrostStation") == []
    hear(city, DAY + timedelta(minutes=5), temperature=4.0)
    assert len(city.find("FrostStation")) == 1


# Restarts and repetition


@pytest.mark.parametrize("hour", [0, 6, 8, 9, 14, 19, 20, 30, 33])
def test_a_restart_in_the_middle_of_a_night_changes_no_decision(hour):
    rows = weather(4, seed=3)
    calm, torn = city_at(), city_at()
    for i, (at, values) in enumerate(rows):
        hear(calm, at, **values)
        if i == 24 + hour:  # another process goes on, with nothing but the store
            torn = city_at(at, store=torn.store)
        hear(torn, at, **values)
    assert records(torn) == records(calm) == directly(rows)
    assert [one.doc for one in torn.find("WeatherForecast")] == [one.doc for one in calm.find("WeatherForecast")]
    assert torn.get(STATE).doc == calm.get(STATE).doc
    assert [one.doc for one in alerts(torn)] == [one.doc for one in alerts(calm)]


def test_a_restart_hears_late_readings_in_the_order_in_which_they_came():
    cities = [city_at(), city_at()]
    for i, city in enumerate(cities):
        evening(city, 8.0, 3.0, minute=50, until_h=12)
        hear(city, DAY + timedelta(hours=11, minutes=20), temperature=-9.0, dewPoint=-9.0)  # 23:20, after 23:50
        if i:
            city = cities[i] = city_at(DAY + timedelta(hours=12), store=city.store)  # noqa: PLW2901
        for hour in range(12, 23):
            hear(city, DAY + timedelta(hours=hour, minutes=50), temperature=2.0, dewPoint=1.0)
    assert night_of(cities[0]).doc == night_of(cities[1]).doc
    assert night_of(cities[1])["outcome"] == 2.0, "what was said of the night stays said"


@pytest.mark.parametrize("every_s", [0, 600])
def test_a_restart_hears_nothing_that_the_log_has_yet_to_tell(every_s):
    city = city_at()
    evening(city, 8.0, 3.0, minute=50, until_h=12)
    behind = MemoryCity(start=city.clock.now(), store=city.store)  # the rules process is down, the city goes on
    hear(behind, DAY + timedelta(hours=12, minutes=50), temperature=2.0, dewPoint=1.0)
    hear(behind, DAY + timedelta(hours=12, minutes=10), temperature=-9.0, dewPoint=-9.0)  # late
    city = city_at(DAY + timedelta(hours=13), every_s=every_s, store=city.store)
    for hour in range(13, 23):
        hear(city, DAY + timedelta(hours=hour, minutes=50), temperature=2.0, dewPoint=1.0)
    assert night_of(city)["outcome"] == 2.0


def test_a_station_that_is_silent_over_a_restart_is_still_decided():
    city = city_at()
    evening(city, 3.0, minute=53, until_h=8)
    city = city_at(DAY + timedelta(hours=8, minutes=10), store=city.store)
    city.turn(to=micros(DAY + timedelta(hours=8, minutes=40)))
    assert night_of(city)["warned"] is True
    assert night_of(city)["decidedAt"] == "2012-03-01T19:53:00Z"
    assert alerts(city, "open")


def test_a_batch_whose_commit_fails_is_said_again_and_nothing_is_doubled():
    rows = weather(3, seed=3)
    calm, torn = city_at(), city_at()
    commit = torn.rules._commit
    failed = []

    def fail(item):
        failed.append(item)
        raise OSError("the disk is full")

    for i, (at, values) in enumerate(rows):
        hear(calm, at, **values)
        torn.turn(to=micros(at))
        if i % 5 == 3:
            torn.rules._commit = fail
            with suppress(OSError):  # of a reading of which nothing is said, nothing is committed
                torn.read(station(at, **values))
            torn.rules._commit = commit
            torn.rules.settle()
        else:
            torn.read(station(at, **values))
    assert failed
    assert records(torn) == records(calm) == directly(rows)
    assert len(times(torn, ALERT)) == len(times(calm, ALERT))


def test_what_is_remembered_and_makes_no_sense_is_learned_anew_from_history():
    rows = weather(4, seed=3)
    city = city_at()
    for at, values in rows[:80]:
        hear(city, at, **values)
    city.say(entity("FrostStation", "north", night=Attribute({"last": 5}, kind="JsonProperty")))
    city = city_at(rows[80][0], store=city.store)
    for at, values in rows[80:]:
        hear(city, at, **values)
    assert records(city) == directly(rows)


def test_a_station_with_a_past_is_known_at_first_sight():
    rows = weather(40)
    city = MemoryCity(start=micros(DAY))
    city.read(*(station(at, **values) for at, values in rows[:-1]))
    city = city_at(rows[-1][0], store=city.store)
    hear(city, rows[-1][0], **rows[-1][1])
    assert city.get(STATE)["model"]["nights"] == 40
    assert len(city.find("WeatherForecast")) <= 2, "of nights long gone it would be hindsight"


def test_readings_in_one_batch_bring_the_same_as_one_by_one():
    rows = weather(10, seed=5)
    one, many = city_at(), city_at(every_s=0)
    for at, values in rows:
        hear(one, at, **values)
    many.clock.turn(micros(rows[-1][0]))
    for i in range(0, len(rows), 77):
        many.read(*(station(at, **values) for at, values in rows[i : i + 77]))
    assert records(one) == records(many) == directly(rows)


# Odd readings


def test_late_and_repeated_readings_change_nothing():
    rows = weather(6, seed=11)
    calm, noisy = city_at(), city_at()
    for i, (at, values) in enumerate(rows):
        hear(calm, at, **values)
        hear(noisy, at, **values)
        hear(noisy, at, **values)
        if i > 3:
            hear(noisy, rows[i - 3][0] + timedelta(minutes=7), temperature=-20.0, dewPoint=-30.0)
    assert records(noisy) == records(calm)
    assert len(records(calm)) == 5


def test_without_a_dew_point_humidity_serves_and_else_what_is_usual():
    humid, bare = city_at(), city_at()
    for hour in range(9):
        at = DAY + timedelta(hours=hour, minutes=5)
        hear(humid, at, temperature=3.0, relativeHumidity=55.0)
        hear(bare, at, temperature=3.0)
    assert night_of(humid)["decidedMin"] == pytest.approx(0.588 * 3 - 0.335 * 5.2 - 1.498, abs=0.05)
    assert night_of(bare)["decidedMin"] == pytest.approx(0.588 * 3 + 0.335 * (3.0 - 5.8) - 1.498)
    assert alerts(bare)[0]["evidence"]["decision"]["dewPoint"] is None


def test_an_old_dew_point_does_not_pass_for_a_new_one():
    city = city_at()
    hear(city, DAY + timedelta(hours=1), temperature=10.0, dewPoint=-20.0)
    for hour in range(2, 9):
        hear(city, DAY + timedelta(hours=hour, minutes=5), temperature=8.0)
    assert night_of(city)["decidedMin"] == pytest.approx(0.588 * 8 + 0.335 * (8.0 - 5.8) - 1.498)


@pytest.mark.parametrize("first", ["temperature", "dewPoint"])
def test_a_row_in_two_messages_is_one_observation(first):
    whole, apart = city_at(), city_at()
    for hour in range(8):
        at = DAY + timedelta(hours=hour, minutes=51)
        values = {"temperature": 4.0 - hour / 4, "dewPoint": -1.0 - hour / 2}
        hear(whole, at, **values)
        for name in sorted(values, key=lambda name: name != first):
            hear(apart, at + timedelta(seconds=(name != first) * 2), **{name: values[name]})
    for city in (whole, apart):
        city.turn(to=micros(DAY + timedelta(hours=8, minutes=40)))
    names = ("decidedMin", "chance", "warned", "pooled")
    assert [night_of(apart)[name] for name in names] == [night_of(whole)[name] for name in names]


def test_a_decision_that_was_taken_is_not_revised_by_the_rest_of_its_row():
    city = city_at()
    for hour in range(8):
        hear(city, DAY + timedelta(hours=hour, minutes=5), temperature=8.0, dewPoint=4.0)
    at = DAY + timedelta(hours=8, minutes=5)
    hear(city, at, temperature=3.0)
    made = night_of(city)["decidedMin"]
    hear(city, at, dewPoint=-10.0)
    assert night_of(city)["decidedMin"] == made


def test_a_reading_of_the_year_1800_or_of_next_week_is_passed_over():
    calm, odd = city_at(), city_at()
    rows = weather(3)
    for at, values in rows:
        hear(calm, at, **values)
        hear(odd, at, **values)
        odd.say(station(datetime(1800, 1, 1, tzinfo=UTC), temperature=-40.0))
        odd.say(station(at + timedelta(days=7), temperature=-40.0))
        odd.say(station(at, **values))
    assert records(odd) == records(calm)
    assert not odd.find("DeadLetter")


@pytest.mark.parametrize("value", ["cold", True, None, [1.0], {"a": 1}, 10**400, 1e300, -273.0])
def test_a_temperature_that_is_none_disturbs_nothing(value):
    city = city_at()
    evening(city, 3.0, until_h=8)
    doc = station(DAY + timedelta(hours=8, minutes=2), temperature=1.0).doc
    doc["temperature"]["value"] = value
    city.turn(to=micros(DAY + timedelta(hours=8, minutes=2)))
    city.write(Write("say", doc["id"], doc))
    assert alerts(city) == []
    hear(city, DAY + timedelta(hours=8, minutes=5), temperature=3.0, dewPoint=-5.0)
    assert alerts(city, "open")
    assert not city.find("DeadLetter")


def test_other_units_are_converted_and_foreign_ones_passed_over():
    assert number(32.0, "FAH", "CEL") == pytest.approx(0.0)
    assert number(275.15, "KEL", "CEL") == pytest.approx(2.0)
    assert number(101_300, "PAL", "A97") == pytest.approx(1013.0)
    assert number(0.55, None, "P1") == pytest.approx(55.0)
    assert number(0.55, "C62", "P1") == pytest.approx(55.0)
    assert number(3.0, "MTS", "CEL") is None
    assert number(3.0, "nonsense", "CEL") is None
    assert number(3.0, ["CEL"], "CEL") is None


def test_a_smart_data_models_name_is_heard_as_well():
    city = city_at()
    iri = "https://smartdatamodels.org/dataModel.Weather/"
    for hour in range(9):
        at = DAY + timedelta(hours=hour, minutes=5)
        city.turn(to=micros(at))
        doc = station(at, temperature=3.0, dewPoint=-5.0).doc
        named = {**doc, "type": f"{iri}WeatherObserved"}
        for name in UNITS.keys() & doc.keys():
            named[iri + name] = named.pop(name)
        city.write(Write("read", doc["id"], named))
    assert alerts(city, "open")


def test_stations_of_the_same_last_name_keep_apart():
    city = city_at()
    other = "urn:ngsi-ld:Device:north"
    for hour in range(9):
        at = DAY + timedelta(hours=hour, minutes=5)
        hear(city, at, temperature=3.0, dewPoint=-5.0)
        hear(city, at, ident=other, temperature=14.0, dewPoint=9.0)
    assert {one["refStation"]: one["warned"] for one in city.find("WeatherForecast")} == {NORTH: True, other: False}
    assert len(alerts(city)) == 1


def test_nights_follow_the_city_s_own_time():
    city = city_at(timezone="America/New_York")
    evening(city, 3.0, start=DAY + timedelta(hours=5), until_h=9)
    night = night_of(city)
    assert night["decidedAt"] == "2012-03-02T01:05:00Z", "20:05 in New York"
    assert (night["night"], night["validFrom"]) == ("2012-03-01", "2012-03-02T02:00:00Z")


def test_a_secret_station_makes_no_open_forecast():
    city = city_at()
    for hour in range(9):
        at = DAY + timedelta(hours=hour, minutes=5)
        city.turn(to=micros(at))
        said = station(at, temperature=3.0, dewPoint=-5.0)
        city.write(Write("read", said.id, said.doc, label="security"))
    assert {one.label for one in city.find("WeatherForecast") + alerts(city)} == {"security"}


def test_a_station_that_is_taken_away_is_forgotten_after_its_night():
    city = city_at()
    evening(city, 3.0)
    city.delete(NORTH)
    city.turn(to=micros(DAY + timedelta(hours=22)))
    assert alerts(city, "open") == []
    assert city.find("FrostStation") == []


def test_what_is_said_bears_the_cause_and_never_says_the_same_twice():
    city = city_at()
    evening(city, 3.0)
    at = text(micros(DAY + timedelta(hours=8, minutes=5)))
    heard = next(c for c in city.changes if c.entity.id == NORTH and c.entity.doc["temperature"]["observedAt"] == at)
    raised = times(city, ALERT)[0]
    assert (raised.cause, raised.actor) == (str(heard.seq), "app:frost")
    assert len(times(city, ALERT)) == 1
