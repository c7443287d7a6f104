"""The frost science against published numbers, the night by hand, and the figures on real stations."""

# A night is reckoned in the station's local wall time, as the station files are.
# ruff: noqa: DTZ001, DTZ901

import csv
import gzip
import json
import math
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from time import process_time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.apps.frost.events import Dawn, Decision, Forecast, Observation, Outcome, Place
from hansa.apps.frost.inputs import equation_inputs, keep_pressure
from hansa.apps.frost.model import MARGIN_SDS, OWN_NIGHTS, WARN_CHANCE, Model
from hansa.apps.frost.night import Night, settle, step
from hansa.apps.frost.science import (
    DEPRESSION_C,
    FAO_POOLED,
    POOLED,
    chance_below,
    dew_point,
    fao_minimum,
    minimum,
    solve,
    sun,
    trend,
)
from hansa.apps.frost.skill import Record, nights, record, score

STATIONS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "weather_hourly"

# The ten radiation nights of FAO's worked example (chapter 5): air and dew point two hours after sunset, minimum.
FAO_AIR_C = (3.2, 0.8, 0.2, 2.6, 4.4, 5.2, 2.7, 1.2, 4.5, 5.6)
FAO_DEW_C = (-4.2, -8.8, -6.5, -6.2, -6.1, 2.6, -0.7, -1.7, -1.2, 0.1)
FAO_MINIMUM_C = (-3.1, -5.0, -6.3, -5.4, -4.0, -2.5, -4.8, -5.0, -4.4, -3.3)

DAY = datetime(2012, 3, 1, 12)


def line(xs, ys):
    """Slope and intercept by the solver under test."""
    n, sx = len(xs), sum(xs)
    sums = [[sum(x * x for x in xs), sx], [sx, n]]
    return solve(sums, [sum(x * y for x, y in zip(xs, ys, strict=True)), sum(ys)])


def hourly(air, *, start=DAY, hours=24, minute=0, dew=-2.0, pressure=None):
    """One observation an hour from noon; `air` is a function of the hour from noon, or a number."""
    say = air if callable(air) else lambda _: air
    return [Observation(start + timedelta(hours=h, minutes=minute), say(h), dew, None, pressure) for h in range(hours)]


def run(observations, place=None, night=None, model=None):
    """All events, and what is left behind."""
    night, model, events = night or Night(), model or Model(), []
    for seen in observations:
        night, model, more = step(night, model, seen, place)
        events.extend(more)
    return events, night, model


def only(kind, events):
    return [event for event in events if isinstance(event, kind)]


def year(days=60, seed=7, start=DAY, minute=53):
    """Hourly weather of invented but lifelike days, the same for the same seed."""
    rng = random.Random(seed)
    found = []
    for day in range(days):
        mean_c, swing_c, dew_c = rng.gauss(3.0, 4.0), rng.uniform(1.0, 7.0), rng.gauss(-3.0, 3.0)
        for hour in range(24):
            air_c = mean_c + swing_c * math.cos((hour - 3) / 24 * 2 * math.pi) + rng.gauss(0, 0.4)
            at = start + timedelta(days=day, hours=hour, minutes=minute)
            found.append(Observation(at, round(air_c, 1), round(min(dew_c, air_c), 1), None, rng.gauss(1013, 6)))
    return found


# Science


def test_the_fao_worked_example_gives_the_published_forecast():
    slope, level = line(FAO_AIR_C, FAO_MINIMUM_C)
    rest = [y - slope * x - level for x, y in zip(FAO_AIR_C, FAO_MINIMUM_C, strict=True)]
    dew_slope, dew_level = line(FAO_DEW_C, rest)
    # FAO's two regressions, one after the other; the forecast for 10 °C over 2 °C as published with the R package
    # `frost` (Diedrichs), which computes this very example.
    assert fao_minimum(10.0, 2.0, (slope, dew_slope, level + dew_level)) == pytest.approx(-0.7409219, abs=1e-6)


def test_one_regression_on_both_fits_the_worked_example_no_worse_than_two_in_a_row():
    rows = [(t, d, 1.0) for t, d in zip(FAO_AIR_C, FAO_DEW_C, strict=True)]
    xx = [[sum(r[i] * r[j] for r in rows) for j in range(3)] for i in range(3)]
    both = solve(xx, [sum(r[i] * y for r, y in zip(rows, FAO_MINIMUM_C, strict=True)) for i in range(3)])

    def squares(coefficients):
        return sum((y - minimum(r, coefficients)) ** 2 for r, y in zip(rows, FAO_MINIMUM_C, strict=True))

    assert squares(both) < squares((0.5028121, 0.0264716, -5.8219867))
    assert squares(both) < squares(FAO_POOLED)


def test_the_pooled_equation_by_hand():
    assert fao_minimum(5.0, -2.0) == pytest.approx(0.612 * 5.0 - 0.333 * 2.0 - 1.834)
    assert minimum((5.0, -2.0, 1.0, 3.0), POOLED) == pytest.approx(0.588 * 5 - 0.335 * 2 - 1.498 - 0.355 * 3)
    assert fao_minimum(5.0, -8.0) < fao_minimum(5.0, -2.0), "dry air cools further"


def test_the_trend_gives_the_published_values():
    published = (-0.8250406, -1.5602865, -2.1244606, -2.6000813, -3.0191115, -3.3979438, -3.7463161)
    for hour, expected_c in enumerate(published, start=1):
        assert trend(0.95, -5.45, hour / 13) == pytest.approx(expected_c, abs=1e-6)
    assert trend(0.95, -5.45, 1.0) == pytest.approx(-5.45)
    assert trend(0.95, -5.45, -1.0) == 0.95
    assert trend(0.95, -5.45, 7.0) == pytest.approx(-5.45)


def test_dew_point_follows_the_psychrometric_table():
    assert dew_point(20.0, 50.0) == pytest.approx(9.3, abs=0.1)
    assert dew_point(30.0, 70.0) == pytest.approx(23.9, abs=0.1)
    assert dew_point(0.0, 80.0) == pytest.approx(-3.0, abs=0.1)
    assert dew_point(12.0, 100.0) == pytest.approx(12.0)


def test_the_margin_is_the_chance_from_which_a_warning_pays():
    assert chance_below(0.0, 0.0, 2.0) == 0.5
    assert chance_below(0.0, 1.96, 1.0) == pytest.approx(0.025, abs=1e-4)
    assert chance_below(0.0, MARGIN_SDS * 2.5, 2.5) == pytest.approx(WARN_CHANCE, abs=1e-4)


@pytest.mark.parametrize(
    ("where", "clocks"),
    [
        ((date(2024, 6, 21), 51.5074, -0.1278, 1), ("04:43", "21:21")),  # London
        ((date(2024, 12, 21), 40.7128, -74.0060, -5), ("07:17", "16:32")),  # New York
        ((date(2024, 6, 21), -33.8688, 151.2093, 10), ("07:00", "16:54")),  # Sydney
        ((date(2024, 12, 21), 53.5500, 9.9930, 1), ("08:35", "16:02")),  # Hamburg
    ],
)
def test_sunrise_and_sunset_agree_with_the_almanac(where, clocks):
    for minute, clock in zip(sun(*where), clocks, strict=True):
        hours, minutes = map(int, clock.split(":"))
        assert minute == pytest.approx(hours * 60 + minutes, abs=1.0)


def test_where_the_sun_does_not_set_there_is_no_sunset():
    assert sun(date(2024, 6, 21), 69.65, 18.96, 2) is None
    assert sun(date(2024, 12, 21), 69.65, 18.96, 1) is None
    assert sun(date(2024, 6, 21), 90.0, 0.0, 0) is None
    assert sun(date(2024, 3, 20), 69.65, 18.96, 1) is not None


@given(st.dates(date(1950, 1, 1), date(2100, 1, 1)), st.floats(-60, 60), st.floats(-180, 180), st.integers(-12, 14))
def test_the_sun_rises_before_it_sets_and_the_day_is_of_lifelike_length(day, latitude, longitude, offset_h):
    rise, sets = sun(day, latitude, longitude, offset_h)
    assert 300 < sets - rise < 1150


def test_a_system_without_one_answer_is_refused():
    with pytest.raises(ZeroDivisionError):
        solve([[1.0, 2.0], [2.0, 4.0]], [1.0, 2.0])


# Inputs


def test_the_pressure_tendency_is_taken_over_six_hours():
    kept = ()
    for minute in range(0, 541, 20):
        kept = keep_pressure(kept, minute, 1000.0 + minute / 60.0)
    assert len(kept) < 16
    assert kept[-1][0] - kept[0][0] == pytest.approx(360, abs=30)
    assert equation_inputs(5.0, (540, 1.0), kept) == pytest.approx((5.0, 1.0, 1.0, 6.0))


def test_a_tendency_needs_five_hours_and_a_barometer_that_stayed_in_place():
    assert equation_inputs(5.0, (0, 1.0), ((0, 1000.0), (200, 1005.0)))[3] == 0.0
    assert equation_inputs(5.0, (0, 1.0), ((0, 1000.0), (360, 900.0)))[3] == -12.0
    assert equation_inputs(5.0, (0, 1.0), ())[3] == 0.0


def test_without_a_dew_point_the_usual_depression_stands_in():
    assert equation_inputs(5.0, None, ())[1] == 5.0 - DEPRESSION_C


# Model


def learned(count, truth=(0.7, 0.2, -1.0, -0.3), seed=3):
    rng, model = random.Random(seed), Model()
    for _ in range(count):
        air_c = rng.uniform(-5, 15)
        inputs = (air_c, air_c - rng.uniform(0, 9), 1.0, rng.uniform(-5, 5))
        model = model.learn(inputs, {8: model.equation(inputs)}, minimum(inputs, truth))
    return model


def test_the_pooled_coefficients_hold_until_the_thirtieth_night():
    assert learned(OWN_NIGHTS - 1).coefficients == POOLED
    assert learned(OWN_NIGHTS).coefficients != POOLED


def test_the_fit_finds_the_coefficients_that_made_the_nights():
    assert learned(365).coefficients == pytest.approx((0.7, 0.2, -1.0, -0.3), abs=0.02)


def test_the_uncertainty_is_fitted_and_shrinks_as_the_forecasts_get_better():
    assert learned(0).sd_c(8) == pytest.approx(2.26)
    assert learned(200).sd_c(8) < 1.0
    assert learned(0).sd_c(12, left=0.25) == pytest.approx(1.13)
    assert learned(0).sd_c(12, left=-5.0) > 0.0


def test_learning_leaves_the_model_before_it_as_it_was():
    before = learned(40)
    known = json.dumps(before.to_json())
    before.learn((1.0, 1.0, 1.0, 0.0), {8: 0.0}, -20.0)
    assert json.dumps(before.to_json()) == known


def test_the_bias_of_an_hour_is_learned_except_at_the_decision():
    model = Model()
    for _ in range(60):
        model = model.learn((5.0, 0.0, 1.0, 0.0), {7: 0.0, 8: 0.0}, -2.0)
    assert -2.0 < model.bias_c(7) < -1.5
    assert model.bias_c(8) == 0.0
    assert model.bias_c(3) == 0.0


def test_an_input_that_never_varies_leaves_the_fit_solvable():
    model = Model()
    for night in range(40):
        air_c = night / 4.0
        model = model.learn((air_c, air_c - DEPRESSION_C, 1.0, 0.0), {}, air_c - 4.0)
    assert model.equation((6.0, 6.0 - DEPRESSION_C, 1.0, 0.0)) == pytest.approx(2.0, abs=0.2)


def test_a_model_survives_json_exactly():
    model = learned(50)
    again = Model.from_json(json.loads(json.dumps(model.to_json())))
    assert again == model


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"nights": 1, "xx": [1], "xy": [1], "errors": {}},
        {"nights": 1, "xx": [math.nan] * 16, "xy": [0.0] * 4, "errors": {}},
        {"nights": "many", "xx": [], "xy": [], "errors": {}},
        {"nights": 1, "xx": None, "xy": [], "errors": {}},
        {"nights": 31, "xx": [-1.0, *[0.0] * 15], "xy": [0.0] * 4, "errors": {}},
        {"nights": 1, "xx": [0.0] * 16, "xy": [0.0] * 4, "errors": {"8": [1.0]}},
        {"nights": 1, "xx": [0.0] * 16, "xy": [0.0] * 4, "errors": {"8": [1.0, 0.0, math.inf]}},
    ],
)
def test_what_is_no_model_is_refused(document):
    with pytest.raises(ValueError, match=r"not a frost model|could not convert|invalid literal"):
        Model.from_json(document)


# The night


def test_forecasts_begin_at_six_where_there_is_no_location():
    events, _, _ = run(hourly(5.0, hours=9))
    assert [event.as_of.hour for event in only(Forecast, events)] == [18, 19, 20]


def test_forecasts_begin_at_sunset_where_there_is_a_location():
    hamburg = Place(53.55, 9.99, 1.0)
    winter, _, _ = run(hourly(5.0, start=datetime(2012, 12, 21, 12), hours=9), hamburg)
    summer, _, _ = run(hourly(15.0, start=datetime(2012, 6, 21, 12), hours=9), hamburg)
    assert only(Forecast, winter)[0].as_of.hour == 17  # sunset 16:02
    assert only(Forecast, summer)[0].as_of.hour == 20  # sunset 20:53 in winter time, but the decision is due
    assert len(only(Decision, summer)) == 1


def test_the_decision_is_taken_at_the_first_observation_from_eight_to_half_past():
    seen = [
        Observation(DAY.replace(hour=19, minute=50), 9.0, 1.0),
        Observation(DAY.replace(hour=20, minute=10), 5.0, 1.0),
        Observation(DAY.replace(hour=20, minute=20), 1.0, 1.0),
    ]
    events, _, _ = run(seen)
    (decision,) = only(Decision, events)
    assert (decision.air_c, decision.as_of) == (5.0, seen[1].at)
    assert decision.tmin_c == pytest.approx(minimum((5.0, 1.0, 1.0, 0.0), POOLED))


def test_a_station_that_reports_before_the_hour_is_decided_by_its_last_word_by_half_past():
    events, _, _ = run(hourly(lambda h: 10.0 - h, minute=53, hours=10))
    (decision,) = only(Decision, events)
    assert decision.as_of == DAY.replace(hour=19, minute=53)
    assert decision.air_c == 3.0


def test_a_timer_takes_the_same_decision_earlier():
    seen = hourly(lambda h: 10.0 - h, minute=53, hours=10)
    _, night, model = run(seen[:8])
    assert settle(night, model, DAY.replace(hour=20, minute=30)).events == ()
    (decision,) = settle(night, model, DAY.replace(hour=20, minute=31)).events
    assert [decision] == only(Decision, run(seen)[0])


def test_a_station_that_was_silent_at_eight_informs_but_decides_nothing():
    seen = [each for each in hourly(-3.0) if each.at.hour not in {19, 20}]
    events, _, _ = run([*seen, *hourly(-3.0, start=DAY + timedelta(days=1), hours=2)])
    assert only(Decision, events) == []
    assert not any(event.warn for event in only(Forecast, events) if event.as_of.hour != 18)
    (outcome,) = only(Outcome, events)
    assert outcome.counted
    assert outcome.decision is None


def test_a_decision_stands_whatever_the_night_says_later():
    warm = run([*hourly(9.0, hours=9), *hourly(-5.0, start=DAY + timedelta(hours=9), hours=10)])[0]
    cold = run([*hourly(1.0, hours=9), *hourly(15.0, start=DAY + timedelta(hours=9), hours=10)])[0]
    for events, word in ((warm, False), (cold, True)):
        (decision,) = only(Decision, events)
        later = [event for event in only(Forecast, events) if event.as_of > decision.as_of]
        assert decision.warn is word
        assert {event.warn for event in later} == {word}
    assert only(Forecast, warm)[-1].tmin_c <= -5.0
    assert only(Forecast, warm)[-1].chance > 0.9


def test_the_forecast_is_never_above_what_has_been_measured():
    events, _, _ = run(hourly(lambda h: 8.0 - h if h < 14 else h - 18.0, hours=22))
    low_c = math.inf
    for event in only(Forecast, events):
        if event.as_of >= DAY.replace(hour=21):
            hour = round((event.as_of - DAY) / timedelta(hours=1))
            low_c = min(low_c, 8.0 - hour if hour < 14 else hour - 18.0)
            assert event.tmin_c <= low_c


def test_a_night_that_cools_along_the_trend_keeps_its_forecast_and_a_departure_is_carried_to_dawn():
    decided, _, _ = run(hourly(6.0, hours=9))
    (decision,) = only(Decision, decided)
    at = DAY.replace(hour=23)
    # Without a location the trend ends at 07:00, eleven hours after the decision.
    on_trend_c = trend(6.0, decision.tmin_c, 3 / 11)
    for departure_c in (0.0, 1.5, -1.5):
        seen = [*hourly(6.0, hours=9), Observation(at, on_trend_c + departure_c, -2.0)]
        expected_c = min(decision.tmin_c + departure_c, on_trend_c + departure_c)
        assert only(Forecast, run(seen)[0])[-1].tmin_c == pytest.approx(expected_c)


def test_a_station_whose_forecasts_came_out_too_cold_still_never_forecasts_above_its_low():
    model = Model()
    for _ in range(60):
        model = model.learn((6.0, -2.0, 1.0, 0.0), {18: 0.0}, 5.0)
    assert model.bias_c(18) > 4.0
    seen = [*hourly(6.0, hours=9), *hourly(1.0, start=DAY + timedelta(hours=9), hours=10)]
    assert only(Forecast, run(seen, None, None, model)[0])[-1].tmin_c == 1.0


def test_the_outcome_is_the_minimum_from_nine_to_nine():
    air = dict.fromkeys(range(24), 5.0) | {8: -9.0, 9: 1.0, 21: 0.0, 22: -9.0}
    events, _, _ = run([*hourly(air.get), *hourly(5.0, start=DAY + timedelta(days=1), hours=1)])
    (outcome,) = only(Outcome, events)
    assert (outcome.evening, outcome.tmin_c, outcome.hours, outcome.frost) == (date(2012, 3, 1), 0.0, 13, True)


def test_eleven_hours_count_and_ten_do_not():
    for hours, counted in ((11, True), (10, False)):
        events, _, model = run([*hourly(5.0, hours=9 + hours), *hourly(5.0, start=DAY + timedelta(days=1), hours=1)])
        (outcome,) = only(Outcome, events)
        assert (outcome.hours, outcome.counted, model.nights) == (hours, counted, int(counted))
        assert outcome.frost is (False if counted else None)


def test_many_values_in_one_hour_are_one_hour():
    seen = [Observation(DAY + timedelta(hours=9, minutes=m), 5.0, 1.0) for m in range(60)]
    events, _, _ = run([*seen, *hourly(5.0, start=DAY + timedelta(days=1), hours=1)])
    assert only(Outcome, events)[0].hours == 1


def test_dawn_clears_when_the_sun_is_up_and_the_air_above_zero():
    place = Place(51.5, 0.0, 0.0)  # sunrise 06:46
    events, _, _ = run(hourly(lambda h: -1.0 if h < 20 else 1.0, hours=24), place)
    (dawn,) = only(Dawn, events)
    assert (dawn.as_of.hour, dawn.low_c) == (8, -1.0)
    assert all(event.as_of < dawn.as_of for event in only(Forecast, events))


def test_dawn_comes_at_nine_where_the_air_stays_cold_or_there_is_no_location():
    tomorrow = hourly(-1.0, start=DAY + timedelta(days=1), hours=1)
    for place in (Place(51.5, 0.0, 0.0), None):
        (dawn,) = only(Dawn, run([*hourly(-1.0, hours=22), *tomorrow], place)[0])
        assert dawn.as_of == DAY + timedelta(hours=21)


def test_persistence_is_the_last_counted_night_of_at_most_three_days():
    def evening(day):
        return hourly(4.0, start=DAY + timedelta(days=day), hours=9)

    _, night, model = run(hourly(-3.0))
    for day, expected in ((1, -3.0), (3, -3.0), (4, None)):
        assert only(Decision, run(evening(day), None, night, model)[0])[0].baseline_c == expected
    assert only(Decision, run(evening(0))[0])[0].baseline_c is None


def test_a_late_or_repeated_observation_changes_nothing():
    seen = year(3)
    events, night, model = run(seen)
    mixed = []
    for before, each in pairwise(seen):
        mixed += [each, each, replace(before, air_c=-40.0), replace(each, air_c=-40.0)]
    assert run([seen[0], *mixed]) == (events, night, model)


@pytest.mark.parametrize("broken", [None, math.nan, math.inf, -math.inf, 10**400, 999.0, -273.0])
def test_an_unusable_temperature_is_as_good_as_silence(broken):
    seen = year(3)
    spoilt = []
    for each in seen:
        spoilt += [replace(each, at=each.at - timedelta(minutes=1), air_c=broken), each]
    assert only(Outcome, run(spoilt)[0]) == only(Outcome, run(seen)[0])


@pytest.mark.parametrize("broken", [None, math.nan, math.inf, 10**400, -300.0])
def test_unusable_companions_of_the_temperature_are_done_without(broken):
    seen = [replace(each, dew_point_c=broken, humidity_percent=broken, pressure_hpa=broken) for each in year(3)]
    decisions = only(Decision, run(seen)[0])
    assert len(decisions) == 3
    assert all(d.dew_point_c is None and d.tendency_hpa == 0.0 and math.isfinite(d.tmin_c) for d in decisions)


def test_a_dew_point_is_taken_from_humidity_or_carried_for_three_hours():
    seen = [Observation(DAY.replace(hour=20), 8.0, None, 60.0)]
    assert only(Decision, run(seen)[0])[0].dew_point_c == pytest.approx(dew_point(8.0, 60.0))
    for hour, known in ((17, -1.5), (16, None)):
        seen = [Observation(DAY.replace(hour=hour), 9.0, -1.5), Observation(DAY.replace(hour=20), 8.0)]
        assert only(Decision, run(seen)[0])[0].dew_point_c == known


def test_a_dew_point_above_the_air_is_taken_as_saturated():
    assert only(Decision, run([Observation(DAY.replace(hour=20), 3.0, 8.0)])[0])[0].dew_point_c == 3.0


def test_weeks_of_silence_end_one_night_and_begin_another():
    events, night, _ = run([*hourly(2.0, hours=9), *hourly(2.0, start=DAY + timedelta(days=40), hours=9)])
    (outcome,) = only(Outcome, events)
    assert (outcome.counted, outcome.hours) == (False, 0)
    assert night.evening == date(2012, 4, 10)


def test_the_zone_of_a_time_changes_nothing_but_the_sun():
    zone = timezone(timedelta(hours=1))
    naive, aware = year(3), [replace(each, at=each.at.replace(tzinfo=zone)) for each in year(3)]
    assert run(aware)[0] == run(naive)[0]
    hamburg = Place(53.55, 9.99)
    assert run(aware, hamburg)[0] == run(naive, hamburg)[0]
    assert run(naive, Place(53.55, 9.99, 4.0))[0] != run(naive, hamburg)[0]


def test_a_clock_that_is_put_back_waits_until_it_has_caught_up():
    zone, start = ZoneInfo("Europe/Berlin"), datetime(2012, 10, 27, 10, tzinfo=UTC)
    seen = [Observation((start + timedelta(hours=h)).astimezone(zone), 4.0, 1.0) for h in range(26)]
    (outcome,) = only(Outcome, run(seen)[0])
    assert (outcome.hours, outcome.counted) == (13, True)


@pytest.mark.parametrize("at", [datetime.min, datetime.max, datetime(1899, 12, 31)])
def test_a_time_out_of_this_world_is_refused(at):
    with pytest.raises(ValueError, match="year"):
        step(Night(), Model(), Observation(at, 1.0))


def test_a_station_that_is_woken_at_any_moment_says_the_same():
    seen = year(4)
    plain = run(seen)
    night, model, events = Night(), Model(), []
    for each in seen:
        night = Night.from_json(json.loads(json.dumps(night.to_json())))
        model = Model.from_json(json.loads(json.dumps(model.to_json())))
        night, model, more = step(night, model, each)
        events.extend(more)
    assert (events, night, model) == plain


@pytest.mark.parametrize("document", [{}, {"last": 3}, {**Night().to_json(), "flags": [1]}])
def test_what_is_no_night_is_refused(document):
    with pytest.raises(ValueError, match=r"not a frost night|not enough values"):
        Night.from_json(document)


def test_a_decision_of_other_fields_is_refused():
    decision = only(Decision, run(hourly(1.0, hours=9))[0])[0]
    assert Decision.from_json(json.loads(json.dumps(decision.to_json()))) == decision
    with pytest.raises(ValueError, match="not a frost decision"):
        Decision.from_json({**decision.to_json(), "mood": 1})


def test_the_model_is_a_new_one_only_when_a_night_was_learned():
    night, model = Night(), Model()
    for each in year(5):
        after = step(night, model, each)
        learnt = any(isinstance(event, Outcome) and event.counted for event in after.events)
        assert (after.model is not model) is learnt
        night, model = after.night, after.model
    assert model.nights == 5


# Nothing from the future

WEATHER = st.lists(
    st.tuples(
        st.integers(1, 600),
        st.one_of(st.none(), st.floats(-30, 30), st.just(math.nan)),
        st.one_of(st.none(), st.floats(-40, 30)),
        st.one_of(st.none(), st.floats(950, 1050)),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 45 * 24), WEATHER)
def test_what_comes_later_never_changes_a_decision(cut, weather):
    past = YEAR[:cut]
    at, future = past[-1].at, []
    for gap_min, air_c, dew_c, pressure_hpa in weather:
        at += timedelta(minutes=gap_min)
        future.append(Observation(at, air_c, dew_c, None, pressure_hpa))
    decided = {d.evening: d for d in only(Decision, run(YEAR)[0])}
    told = {d.evening: d for d in only(Decision, run([*past, *future])[0])}
    for evening, decision in told.items():
        if past[-1].at >= datetime(evening.year, evening.month, evening.day, 20, 31):
            assert decision == decided[evening]
    # And none that was due is missing, once the clock has moved on.
    due = {e for e in decided if past[-1].at >= datetime(e.year, e.month, e.day, 20, 31)}
    assert due <= set(told)


YEAR = year(45)


def test_a_decision_rests_on_the_finished_nights_before_it_and_no_other():
    outcomes = only(Outcome, run(YEAR)[0])
    assert [outcome.decision.nights for outcome in outcomes] == list(range(len(outcomes)))
    model = Model()
    for outcome in outcomes:
        decision = outcome.decision
        assert decision.coefficients == model.coefficients
        inputs = (decision.air_c, decision.dew_point_c, 1.0, decision.tendency_hpa)
        model = model.learn(inputs, {}, outcome.tmin_c)


def test_the_outcome_of_a_night_reaches_the_next_decision_and_not_its_own():
    frosty = [replace(each, air_c=-15.0) if 9 <= day_hour(each) < 22 else each for each in YEAR]
    plain, changed = (only(Outcome, run(seen)[0]) for seen in (YEAR, frosty))
    assert plain[0].decision == changed[0].decision
    assert plain[1].decision.baseline_c != changed[1].decision.baseline_c
    assert plain[40].decision.coefficients != changed[40].decision.coefficients


def day_hour(seen):
    """Hours from the first evening's noon."""
    return (seen.at - DAY) / timedelta(hours=1)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 6 * 1440), max_size=60))
def test_timers_never_change_what_becomes_known(ticks):
    seen = YEAR[: 6 * 24]
    times = sorted([*((each.at, each) for each in seen), *((DAY + timedelta(minutes=m), None) for m in ticks)], key=key)
    night, model, events = Night(), Model(), []
    for at, each in times:
        night, model, more = settle(night, model, at) if each is None else step(night, model, each)
        events.extend(more)
    plain = run(seen)
    for kind in (Decision, Forecast, Outcome):
        assert only(kind, events)[: len(only(kind, plain[0]))] == only(kind, plain[0])
    assert model.nights - plain[2].nights in {0, 1}, "a tick may end the last night earlier, nothing else"


def key(pair):
    return pair[0], pair[1] is not None


@settings(max_examples=100, deadline=None)
@given(st.permutations(range(48)), WEATHER)
def test_no_order_of_observations_breaks_the_night(order, weather):
    seen = [YEAR[i] for i in order]
    seen += [Observation(DAY + timedelta(minutes=m), air, dew, dew, hpa) for m, air, dew, hpa in weather]
    events, night, model = run(seen)
    assert Night.from_json(json.loads(json.dumps(night.to_json()))) == night
    assert Model.from_json(json.loads(json.dumps(model.to_json()))) == model
    assert all(math.isfinite(event.tmin_c) and event.sd_c > 0 for event in only(Forecast, events))
    assert len({d.evening for d in only(Decision, events)}) == len(only(Decision, events))


# Skill


def made(**changed):
    return replace(Record("s", date(2012, 3, 10), 5.0, 1.0, 1.0, 1.0, hansa_warn=False, tmin_c=1.0), **changed)


def row(rows, method, subset):
    (found,) = (each for each in rows if (each["method"], each["subset"]) == (method, subset))
    return found


def test_the_table_by_hand():
    hit, missed = made(hansa_warn=True, tmin_c=0.0), made(tmin_c=-1.0)
    alarm, quiet = made(hansa_warn=True, tmin_c=2.0), made()
    found = row(score([hit, hit, missed, alarm, quiet]), "hansa", "all")
    assert found == {
        "method": "hansa",
        "subset": "all",
        "nights": 5,
        "events": 3,
        "pod": pytest.approx(2 / 3),
        "far": pytest.approx(1 / 3),
        "csi": pytest.approx(2 / 4),
        "rmse": pytest.approx(math.sqrt((1 + 1 + 4 + 1 + 0) / 5)),
    }


def test_each_method_is_judged_by_its_own_word():
    rows = score([made(persistence_c=0.0, fao_pooled_c=0.1, hansa_warn=False, tmin_c=-2.0)])
    assert [row(rows, method, "all")["pod"] for method in ("persistence", "fao_pooled", "hansa")] == [1.0, 0.0, 0.0]


def test_the_subsets_have_the_edges_that_were_asked_for():
    for air_c, inside in ((0.0, 0), (0.1, 1), (12.0, 1), (12.1, 0)):
        assert row(score([made(air_c=air_c)]), "hansa", "at_risk")["nights"] == inside
    for day, inside in ((59, 0), (60, 1), (151, 1), (152, 0)):
        evening = date(2013, 1, 1) + timedelta(days=day - 1)
        assert row(score([made(evening=evening)]), "hansa", "spring")["nights"] == inside


def test_no_nights_give_no_figures_instead_of_zeros():
    rows = score([])
    assert len(rows) == 9
    assert all(each[name] is None for each in rows for name in ("pod", "far", "csi", "rmse"))


def test_only_nights_that_all_methods_could_forecast_count():
    outcomes = list(nights(YEAR))
    assert len(outcomes) == 45
    assert record("s", outcomes[0]) is None, "nothing to persist from"
    assert record("s", outcomes[1]).tmin_c == outcomes[1].tmin_c
    assert record("s", replace(outcomes[1], decision=None)) is None
    assert record("s", replace(outcomes[1], counted=False)) is None


# Real stations


def station(path):
    def number(text):
        return float(text) if text else None

    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [
            Observation(
                datetime.fromisoformat(each["time_local"]),
                number(each["air_c"]),
                number(each["dew_point_c"]),
                number(each["humidity_percent"]),
                number(each["pressure_hpa"]),
            )
            for each in csv.DictReader(lines)
        ]


@pytest.mark.data
def test_the_figures_are_reached_on_all_real_stations():
    if not STATIONS.is_dir():
        pytest.skip(f"the station files are not at {STATIONS}")
    files = {path.name: station(path) for path in sorted(STATIONS.glob("*.csv.gz"))}
    begun = process_time()
    outcomes = [(name, outcome) for name, seen in files.items() for outcome in nights(seen)]
    records = [found for name, outcome in outcomes if (found := record(name, outcome))]
    rows = score(records)
    took_s = process_time() - begun
    assert len(files) == 22
    assert took_s < 15.0

    counted = [outcome for _, outcome in outcomes if outcome.counted]
    assert len(counted) == 7274
    assert len(records) > 0.98 * len(counted), "hardly a night may go without a decision"

    at_risk = row(rows, "hansa", "at_risk")
    assert at_risk["events"] > 700
    assert at_risk["pod"] >= 0.78
    assert at_risk["far"] <= 0.38
    assert at_risk["csi"] >= 0.54
    for subset in ("all", "at_risk", "spring"):
        ours, pooled, yardstick = (row(rows, method, subset) for method in ("hansa", "fao_pooled", "persistence"))
        assert ours["csi"] > pooled["csi"] > yardstick["csi"]
        assert ours["rmse"] < pooled["rmse"] < yardstick["rmse"]


@pytest.mark.data
def test_the_stated_uncertainty_is_the_real_one():
    if not STATIONS.is_dir():
        pytest.skip(f"the station files are not at {STATIONS}")
    within = total = 0
    for name in ("site-12", "site-33", "nyc-ewr", "site-3"):
        for outcome in nights(station(STATIONS / f"{name}.csv.gz")):
            if outcome.counted and outcome.decision is not None and outcome.decision.nights >= OWN_NIGHTS:
                total += 1
                within += abs(outcome.tmin_c - outcome.decision.tmin_c) <= 1.2816 * outcome.decision.sd_c
    assert total > 1200
    assert within / total == pytest.approx(0.80, abs=0.04)
