"""Forecasts held against what came, in a city: hand-made ones, and those that frost makes of real weather."""

import math
import random
from datetime import UTC, datetime, timedelta

import pytest
from slow_rounds import slowly

from hansa import Attribute, entity
from hansa.apps.brain import _foresight, app
from hansa.apps.brain.foresight import outcome_id
from hansa.apps.frost import app as frost
from hansa.model.change import Write
from hansa.testing import MemoryCity
from hansa.trust.labels import Sight

STATION = "urn:ngsi-ld:WeatherObserved:north"
BEGIN = datetime(2026, 4, 1, tzinfo=UTC)


def iso(when):
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def at(hours):
    return iso(BEGIN + timedelta(hours=hours))


@pytest.fixture
def city():
    with MemoryCity(slowly(app, 600), start=iso(BEGIN)).closing() as made:
        yield made


def measure(city, hours, of_hour):
    """The station says its temperature every hour up to `hours`."""
    begin = city.clock.now()
    for hour in range(round(hours)):
        city.turn(to=begin + hour * 3_600_000_000)
        air = of_hour((city.clock.now() - BEGIN.timestamp() * 1e6) / 3.6e9)
        city.read(entity("WeatherObserved", "north", temperature=Attribute(air, "CEL", city.clock.now())))
    city.turn(to=begin + round(hours) * 3_600_000_000)


def predict(city, name="n1", *, since=36.0, until=44.0, low=1.0, **more):
    said = {"validFrom": at(since), "validTo": at(until), "temperatureMin": Attribute(low, "CEL"), **more}
    said = {"refStation": Attribute(STATION, kind="Relationship")} | said
    found = entity("WeatherForecast", name, **said)
    found.label = more.get("label")
    city.write(Write("say", found.id, found.doc, label=None), sight=None)


def skill(city, lead, name="temperatureMin"):
    for one in city.find("ForecastSkill"):
        if one.get("forecastAttribute") == name and one.get("lead") == lead:
            return one
    return None


def test_a_forecast_is_held_against_the_least_of_its_time_and_against_yesterday(city):
    # Today between 36 and 44 h: 4, 4, ... and -1 at 40; the day before at the same hours: 3 and 2 at 16.
    values = {40: -1.0, 16: 2.0}
    measure(city, 24, lambda hour: values.get(hour, 3.0))
    predict(city, low=1.0)
    measure(city, 10, lambda _: 4.0)
    predict(city, low=0.5)  # said again at 34 h, two hours ahead
    measure(city, 14, lambda hour: values.get(hour, 4.0))
    found = city.get(outcome_id("urn:ngsi-ld:WeatherForecast:n1"))
    assert found["counted"] is True
    scores = found["scores"]["temperatureMin"]
    assert (scores["came"], scores["persistence"], scores["unit"]) == (-1.0, 2.0, "CEL")
    assert {lead: said for lead, (_, said) in scores["leads"].items()} == {
        "12": 1.0, "6": 1.0, "3": 1.0, "1": 0.5, "0": 0.5,
    }  # fmt: skip
    twelve, one = skill(city, 12), skill(city, 1)
    assert (twelve["n"], twelve["bias"], twelve["mae"], twelve["rmse"]) == (1, 2.0, 2.0, 2.0)
    assert twelve["skill"] == pytest.approx(1 - 4 / 9, abs=1e-4)
    assert one["bias"] == 1.5
    assert skill(city, 24) is None


def test_errors_of_many_nights_add_up(city):
    measure(city, 24, lambda _: 5.0)
    for night, low in enumerate((1.0, 2.0, 6.0)):  # what comes is 3 each night
        predict(city, f"n{night}", since=36 + 24 * night, until=44 + 24 * night, low=low)
        measure(city, 24, lambda hour: 3.0 if hour % 24 == 15 else 5.0)
    measure(city, 2, lambda _: 5.0)
    found = skill(city, 6)
    assert found["n"] == 3
    assert found["bias"] == pytest.approx(0.0)
    assert found["mae"] == pytest.approx(2.0)
    assert found["rmse"] == pytest.approx((14 / 3) ** 0.5, abs=1e-4)
    # persistence: 5 against 3, then 3 against 3 twice
    assert found["skill"] == pytest.approx(1 - 14 / 4, abs=1e-4)


def test_warnings_are_counted_as_hits_false_alarms_misses_and_rejections(city):
    measure(city, 24, lambda _: 5.0)
    nights = [(-1.0, -2.0, True), (-1.0, 1.0, True), (1.0, -2.0, False), (2.0, 3.0, False)]
    for night, (low, came, warned) in enumerate(nights):
        predict(city, f"n{night}", since=36 + 24 * night, until=44 + 24 * night, low=low, warned=warned)
        measure(city, 24, lambda hour, came=came: came if hour % 24 == 15 else 5.0)
    measure(city, 2, lambda _: 5.0)
    found = skill(city, 6)
    assert (found["detected"], found["falseShare"]) == (0.5, 0.5)
    assert found["success"] == pytest.approx(1 / 3, abs=1e-4)
    of_warnings = skill(city, None)
    assert of_warnings["n"] == 4
    assert (of_warnings["detected"], "rmse" in of_warnings) == (0.5, False)


def test_what_is_said_after_its_time_has_begun_is_no_forecast(city):
    measure(city, 37, lambda _: 5.0)
    predict(city)
    measure(city, 10, lambda _: 5.0)
    found = city.get(outcome_id("urn:ngsi-ld:WeatherForecast:n1"))
    assert found["counted"] is False
    assert "too late" in found["reason"]
    assert skill(city, 0) is None


def test_a_night_that_was_hardly_measured_does_not_count(city):
    measure(city, 37, lambda _: 5.0)
    predict(city, since=40, until=48)
    city.turn(seconds=20 * 3_600)
    assert city.get(outcome_id("urn:ngsi-ld:WeatherForecast:n1"))["counted"] is False


@pytest.mark.parametrize(
    "more",
    [{"validFrom": "tomorrow"}, {"validFrom": at(60)}, {"refStation": "x"}, {"validFrom": at(-9_999)},
     {"refStation": Attribute("urn:ngsi-ld:WeatherObserved:nobody", kind="Relationship")},
     {"temperatureMin": "cold"}, {"temperatureMin": True}, {"temperatureMin": Attribute(1.0, "MTR")}],
)  # fmt: skip
def test_a_forecast_that_cannot_be_judged_stops_nobody(city, more):
    measure(city, 30, lambda _: 5.0)
    predict(city, "bad", **more)
    predict(city, "good", low=4.0)
    measure(city, 20, lambda _: 5.0)
    assert skill(city, 3)["n"] == 1
    assert city.find("DeadLetter") == []


def test_a_forecast_counts_once_whatever_happens(city):
    measure(city, 24, lambda _: 5.0)
    predict(city)
    measure(city, 24, lambda _: 5.0)
    _foresight.clear()
    predict(city, description="said again, long after")
    city.turn(seconds=7_200)
    assert skill(city, 3)["n"] == 1


def test_a_restart_before_the_time_loses_no_forecast(city):
    measure(city, 24, lambda _: 5.0)
    predict(city)
    _foresight.clear()
    measure(city, 24, lambda _: 5.0)
    assert skill(city, 3)["n"] == 1
    assert {one["app"] for one in city.find("ForecastSkill")} == {"administrator"}


def test_a_unit_that_converts_is_converted(city):
    measure(city, 24, lambda _: 5.0)
    predict(city, temperatureMin=Attribute(50.0, "FAH"))
    measure(city, 24, lambda _: 5.0)
    assert skill(city, 3)["bias"] == pytest.approx(50.0 - 41.0)
    assert skill(city, 3)["unit"] == "FAH"


def test_the_forecasts_of_security_have_a_record_of_their_own(city):
    measure(city, 24, lambda _: 5.0)
    found = entity("WeatherForecast", "s", refStation=Attribute(STATION, kind="Relationship"),
                   validFrom=at(36), validTo=at(44), temperatureMin=Attribute(5.0, "CEL"))  # fmt: skip
    found.label = "security"
    city.say(found)
    predict(city)
    measure(city, 24, lambda _: 5.0)
    labels = {(one.label, one["n"]) for one in city.find("ForecastSkill") if one.get("lead") == 3}
    assert labels == {("security", 1), (None, 1)}
    assert city.get(outcome_id(found.id)).label == "security"


def test_what_frost_predicts_is_held_against_what_frost_itself_found_to_have_come():
    """Ten lifelike nights: from histories alone, brain finds the minima that frost noted, and scores each once."""
    rng = random.Random(7)
    with MemoryCity(slowly(frost, 600), slowly(app, 600), start=iso(BEGIN + timedelta(hours=12))).closing() as city:
        for hour in range(10 * 24):
            mean_c, swing_c = rng.gauss(3.0, 2.0) if hour % 24 == 0 else 3.0, 4.0
            air = round(mean_c + swing_c * math.cos((hour + 9) / 24 * 2 * math.pi) + rng.gauss(0, 0.4), 1)
            city.turn(to=int((BEGIN + timedelta(hours=12 + hour, minutes=53)).timestamp()) * 1_000_000)
            now = city.clock.now()
            city.read(
                entity(
                    "WeatherObserved",
                    "north",
                    temperature=Attribute(air, "CEL", now),
                    dewPoint=Attribute(-3.0, "CEL", now),
                )
            )
        nights = [one for one in city.find("WeatherForecast") if "outcome" in one]
        assert len(nights) >= 9
        for night in nights:
            found = city.get(outcome_id(night.id))
            assert found["counted"] is True
            assert found["app"] == "frost"
            assert found["scores"]["temperatureMin"]["came"] == night["outcome"]
            if "baseline" in night:
                assert found["scores"]["temperatureMin"]["persistence"] == night["baseline"]
            # What frost wrote there afterwards is no forecast: the last that counts was said before nine.
            assert found["scores"]["temperatureMin"]["leads"]["0"][0] <= night["validFrom"]
        assert skill(city, 0)["n"] == len(nights)
        assert 0.0 < skill(city, 0)["rmse"] < 3.0
        assert skill(city, 24) is None


CARE = "personal;owner=care"


def relabel(city, label, attribute):
    one = entity("WeatherObserved", "north", name="North")
    said = entity("WeatherObserved", "north", temperature=Attribute(4.0, "CEL", city.clock.now()))
    labelled = None if attribute is None else {"temperature": attribute}
    city.write(Write("say", one.id, {**one.doc, **said.doc}, label=label, labels=labelled))


@pytest.mark.parametrize(("label", "attribute"), [(CARE, None), (None, CARE)])
def test_what_is_measured_under_a_stricter_label_is_told_under_that_alone(city, label, attribute):
    measure(city, 24, lambda _: 3.0)
    predict(city, low=1.0)
    relabel(city, label, attribute)
    measure(city, 24, lambda _: 4.0)
    staff = Sight("person:ada", classes=frozenset({"open", "smart"}))
    (told,) = city.find("ForecastOutcome", sight=staff)
    assert (told["counted"], "scores" in told) == (False, False)
    assert [one["n"] for one in city.find("ForecastSkill", sight=staff)] == [0], "only that there are forecasts"
    hidden = city.get(outcome_id("urn:ngsi-ld:WeatherForecast:n1", CARE))
    assert (hidden.label, hidden["counted"]) == (CARE, True)
    assert {one.label for one in city.find("ForecastSkill") if one["n"]} == {CARE}


def test_of_a_hidden_thing_it_says_what_it_says_of_none(city):
    predict(city, "gone", refStation=Attribute("urn:ngsi-ld:WeatherObserved:none", kind="Relationship"))
    measure(city, 1, lambda _: 3.0)
    predict(city)
    relabel(city, CARE, None)
    measure(city, 47, lambda _: 4.0)
    gone, hidden = (city.get(outcome_id(f"urn:ngsi-ld:WeatherForecast:{name}")) for name in ("gone", "n1"))
    assert sorted(gone.names) == sorted(hidden.names)
    assert gone["reason"] == hidden["reason"] == "nothing is known of what it speaks of"


def test_a_department_s_forecast_of_what_is_nobody_s_is_the_department_s(city):
    measure(city, 24, lambda _: 3.0)
    said = {"validFrom": at(36), "validTo": at(44), "temperatureMin": Attribute(1.0, "CEL")}
    one = entity("WeatherForecast", "n1", refStation=Attribute(STATION, kind="Relationship"), **said)
    city.write(Write("say", one.id, one.doc, label="smart;owner=parks"))
    measure(city, 24, lambda _: 4.0)
    (told,) = city.find("ForecastOutcome")
    assert (told.label, told["counted"]) == ("smart;owner=parks", True)
