"""Watch in a city: each kind with its negative, hysteresis, hold-off, restarts, late readings, one alarm only."""

from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa import Attribute, entity
from hansa.analytics.backtest import MemoryCity as Bare
from hansa.analytics.rules import Rules
from hansa.apps.watch import app
from hansa.clock import Clock
from hansa.errors import HansaError
from hansa.model.change import Write
from hansa.platform.city import City
from hansa.platform.sqlite import SqliteStore
from hansa.testing import MemoryCity
from hansa.trust.labels import ADMINISTRATOR

BRIDGE = "urn:ngsi-ld:WaterObserved:bridge"


def rule(name="flood", **said):
    about = {"kind": "threshold", "watchedType": "WaterObserved", "watchedAttribute": "level", "unit": "MTR"}
    if said.get("kind", "threshold") == "threshold":
        about["high"] = 3.0
    return entity("WatchRule", name, **{**about, **said})


def gauge(city, value, *, ident="bridge", at=None, unit="MTR", **more):
    now = city.clock.now() if at is None else at
    return entity("WaterObserved", ident, level=Attribute(value, unit, now), **more)


def city_with(*rules):
    city = MemoryCity(app)
    city.say(*rules)
    return city


def alarms(city, status="open"):
    return city.find("Alert", q=f'status=="{status}"')


def alarm(city):
    (found,) = city.find("Alert")
    return found


def said(city):
    """How many Changes of Alerts there were."""
    return sum("Alert" in change.entity.types for change in city.changes)


def walk(city, *values, every_s=60, **more):
    for value in values:
        city.turn(seconds=every_s)
        city.read(gauge(city, value, **more))


# Threshold


def test_a_value_above_the_limit_raises_one_alarm_with_figure_unit_place_and_evidence():
    city = city_with(rule(severity="high", category="naturalDisaster"))
    place = {"type": "Point", "coordinates": [17.1, 48.1]}
    walk(city, 2.9)
    assert city.find("Alert") == []
    walk(city, 3.4, name="Mill Bridge", location=place)
    found = alarm(city)
    assert found["description"] == "Level of Mill Bridge is 3.4 m, above 3 m since 1 Jan 2026 00:02 UTC."
    assert (found["status"], found["severity"], found["subCategory"]) == ("open", "high", "threshold")
    assert (found["category"], found["alertSource"], found["location"]) == ("naturalDisaster", BRIDGE, place)
    assert found["dateIssued"] == "2026-01-01T00:02:00Z"
    assert found["watchRule"] == "urn:ngsi-ld:WatchRule:flood"
    assert found.attribute("value") == Attribute(3.4, "MTR", city.clock.now())
    assert found.attribute("limit") == Attribute(3.0, "MTR")
    reading = next(c for c in reversed(city.changes) if c.entity.id == BRIDGE)
    assert found["evidence"] == {
        "rule": "urn:ngsi-ld:WatchRule:flood", "attribute": "level", "side": "above", "value": 3.4, "limit": 3.0,
        "unit": "MTR", "at": "2026-01-01T00:02:00Z", "since": "2026-01-01T00:02:00Z", "seq": reading.seq,
    }  # fmt: skip
    assert city.changes[-1].cause == str(reading.seq)


@pytest.mark.parametrize(
    ("values", "states"),
    [
        ([3.1, 2.9, 2.81, 2.8, 3.0, 3.05], "ooocco"),
        ([3.0, 3.0, 3.0], "..."),
        ([3.2, 2.0, 3.2, 2.0], "ococ"),
        ([2.0, 0.9, 1.1, 1.19, 1.2], ".oooc"),
        ([3.5, 0.5, 2.0], "ooc"),
    ],
)
def test_the_alarm_follows_the_hysteresis(values, states):
    city = city_with(rule(low=1.0, hysteresis=0.2))
    seen = ""
    for value in values:
        walk(city, value)
        seen += {"open": "o", "closed": "c"}[city.find("Alert")[0]["status"]] if city.find("Alert") else "."
    assert seen == states


def test_clearing_says_when_and_the_next_raise_forgets_the_end():
    city = city_with(rule())
    walk(city, 3.5, 2.0)
    found = alarm(city)
    assert (found["status"], found["validTo"]) == ("closed", "2026-01-01T00:02:00Z")
    assert found["description"] == (
        "Level of bridge is back at 2 m. The alarm stood from 1 Jan 2026 00:01 UTC to 1 Jan 2026 00:02 UTC."
    )
    walk(city, 3.6)
    again = alarm(city)
    assert (again["status"], again["dateIssued"], again.id) == ("open", "2026-01-01T00:03:00Z", found.id)
    assert "validTo" not in again


def test_readings_that_say_the_same_alarm_again_make_no_change_until_there_is_a_new_extreme():
    city = city_with(rule(hysteresis=0.2))
    walk(city, 3.1)
    before = said(city)
    walk(city, 3.2, 3.15, 3.05, 3.25)
    assert said(city) == before
    walk(city, 3.4)
    assert said(city) == before + 1
    assert alarm(city)["value"] == 3.4
    walk(city, 3.3, 3.2)
    assert said(city) == before + 1


def test_a_hundred_raises_at_once_make_one_alarm():
    city = city_with(rule())
    at = city.clock.now()
    city.read(*(gauge(city, 3.1 + i / 1_000, at=at + i) for i in range(100)))
    assert len([c for c in city.changes if c.entity.id == BRIDGE]) == 100
    assert len(city.find("Alert")) == 1
    assert said(city) == 1


def test_a_hundred_threads_that_raise_at_once_make_one_alarm(tmp_path):
    store = SqliteStore(tmp_path / "city.db")
    city = City(store, Clock(), ADMINISTRATOR)
    city.write(Write("say", rule().id, rule().doc))

    def commit(item):
        done = Future()
        city.submit_item(item, done.set_result)
        assert not isinstance(done.result(10), Exception)

    reader = store.reader()
    rules = Rules([app], reader, city.clock, place=store.place, head=lambda: 1, walk=store.walk, commit=commit)
    rules.apps[0].city.find("WatchRule")

    def raise_one(i):
        one = entity("WaterObserved", "bridge", level=Attribute(3.1 + i / 1_000, "MTR", i + 1))
        city.write(Write("upsert_update", one.id, one.doc))

    with ThreadPoolExecutor(100) as threads:
        waiting = [threads.submit(raise_one, i) for i in range(100)]
        while not all(one.done() for one in waiting):
            rules.step()
    rules.settle()
    found = city.find("Alert")
    changes = [c for c in store.since(0, 1_000) if "Alert" in c.entity.types]
    assert len([c for c in store.since(0, 1_000) if c.entity.id == BRIDGE]) == 100
    assert [a["status"] for a in found] == ["open"]
    assert len(changes) == 1
    reader.close()
    city.close()


def test_every_source_and_every_rule_has_an_alarm_of_its_own():
    city = city_with(rule(), rule("spill", high=3.2), rule("elsewhere", watchedType="AirQualityObserved"))
    walk(city, 3.5)
    walk(city, 3.5, ident="mill")
    assert len({a.id for a in alarms(city)}) == 4


def test_a_rule_can_be_for_some_sources_only():
    city = city_with(rule(watchedId="*:mill*"))
    walk(city, 3.5)
    walk(city, 3.5, ident="mill-1")
    assert alarm(city)["alertSource"] == "urn:ngsi-ld:WaterObserved:mill-1"


def test_units_are_converted_and_the_alarm_speaks_the_rules_unit():
    city = city_with(rule())
    walk(city, 290, unit="CMT")
    assert not city.find("Alert")
    walk(city, 340, unit="CMT")
    assert alarm(city).attribute("value").unit == "MTR"
    assert alarm(city)["value"] == pytest.approx(3.4)


def test_a_unit_that_does_not_convert_is_noted_once_and_the_note_goes_when_it_does():
    city = city_with(rule())
    walk(city, 99, 98, unit="CEL")
    note = alarm(city)
    assert (note["subCategory"], note["status"], note["alertSource"]) == ("configuration", "open", BRIDGE)
    assert "CEL" in note["description"]
    assert said(city) == 1
    walk(city, 2.0)
    assert alarm(city)["status"] == "closed"


@pytest.mark.parametrize("value", ["3.9", True, {"a": 1}, [9], "NaN"])
def test_what_is_no_number_is_no_measurement(value):
    city = city_with(rule())
    walk(city, value)
    assert not city.find("Alert")
    assert not city.find("DeadLetter")


def test_a_smart_data_models_name_is_the_same_attribute():
    city = city_with(rule())
    iri = "https://smartdatamodels.org/dataModel.Environment/"
    walk(city, 1.0)
    city.say(entity(iri + "WaterObserved", BRIDGE + "2", **{iri + "level": Attribute(3.3, "MTR", city.clock.now())}))
    assert alarm(city)["alertSource"] == BRIDGE + "2"


def test_a_template_says_it_in_the_citys_words():
    city = city_with(rule(template="{source}: {value} > {limit} seit {since} {0} {x.__class__} {other}"))
    walk(city, 3.5)
    assert alarm(city)["description"] == "bridge: 3.5 m > 3 m seit 1 Jan 2026 00:01 UTC {0} {x.__class__} {other}"


def test_personal_readings_make_personal_alarms_and_open_ones_stay_with_the_staff():
    city = city_with(rule())
    city.turn(seconds=60)
    for ident, label in (("a", "personal"), ("b", "open")):
        one = gauge(city, 3.5, ident=ident)
        city.write(Write("read", one.id, one.doc, label=label))
    assert {a["alertSource"][-1]: a.label for a in alarms(city)} == {"a": "personal", "b": None}


# The mean


def test_a_mean_is_judged_over_its_time_and_a_peak_is_not():
    city = city_with(rule(averagedOver=3_600))
    walk(city, *[2.0] * 60, 9.0, *[2.0] * 5)
    assert not city.find("Alert")  # one minute of 9 in an hour of 2
    walk(city, *[4.0] * 45)
    assert alarm(city)["status"] == "open"
    assert alarm(city)["description"].startswith("The mean level of bridge over 1 h is 3.")
    assert (
        alarm(city)["evidence"]["since"] == "2026-01-01T01:34:00Z"
    )  # 28 of the last 60 minutes were at 4, and one at 9


def test_a_mean_of_too_little_measurement_is_not_judged():
    city = city_with(rule(averagedOver=3_600))
    walk(city, *[9.0] * 44)
    assert not city.find("Alert")
    walk(city, 9.0, 9.0, 9.0)
    assert alarm(city)["status"] == "open"


# Hold-off


def test_a_hold_off_raises_only_what_lasts():
    city = city_with(rule(holdOff=300))
    walk(city, 3.5, 3.5, 2.0, 3.5, 3.5, 3.5, 3.5, 3.5)
    assert not city.find("Alert")
    walk(city, 3.6)
    assert alarm(city)["evidence"]["since"] == "2026-01-01T00:04:00Z"
    assert alarm(city)["dateIssued"] == "2026-01-01T00:09:00Z"


def test_a_hold_off_that_has_lasted_raises_though_nobody_speaks_again():
    city = city_with(rule(holdOff=300))
    walk(city, 3.5)
    city.turn(seconds=240)
    assert not city.find("Alert")
    city.turn(seconds=120)
    found = alarm(city)
    assert (found["value"], found["evidence"]["since"]) == (3.5, "2026-01-01T00:01:00Z")
    assert city.changes[-1].cause is None


def test_a_hold_off_that_ended_in_time_raises_nothing_in_a_round():
    city = city_with(rule(holdOff=300))
    walk(city, 3.5, 2.5)
    city.turn(seconds=900)
    assert not city.find("Alert")


# Rate


def test_a_fast_rise_raises_and_a_slow_one_does_not():
    city = city_with(rule(kind="rate", perHour=0.5, window=1_800))
    walk(city, *(1.0 + i * 0.007 for i in range(60)))  # 0.42 m/h
    assert not city.find("Alert")
    walk(city, *(1.42 + i * 0.02 for i in range(30)))  # 1.2 m/h
    found = alarm(city)
    assert found["status"] == "open"
    assert "rises by" in found["description"]
    assert "m/h, faster than 0.5 m/h" in found["description"]
    walk(city, *[2.0] * 40)
    assert alarm(city)["status"] == "closed"


def test_a_rate_may_watch_one_direction_only():
    city = city_with(rule(kind="rate", perHour=0.5, window=1_800, direction="rise"))
    walk(city, *(9.0 - i * 0.05 for i in range(30)))
    assert not city.find("Alert")
    city.say(rule(kind="rate", perHour=0.5, window=1_800, direction="fall"))
    walk(city, 7.5)
    assert "falls by 3 m/h, faster than 0.5 m/h" in alarm(city)["description"]


def test_a_rate_is_known_of_readings_that_come_every_second_too():
    city = city_with(rule(kind="rate", perHour=0.5, window=600))
    walk(city, *(1.0 + i * 0.001 for i in range(200)), every_s=1)
    assert alarm(city)["status"] == "open"


# Silence


def test_silence_is_raised_by_the_clock_and_ends_with_the_next_reading():
    city = city_with(rule(kind="silence", silentFor=600))
    walk(city, 1.0, 1.0)
    city.turn(seconds=540)
    assert not city.find("Alert")
    city.turn(seconds=120)
    found = alarm(city)
    assert (found["status"], found["subCategory"]) == ("open", "silence")
    assert found["description"] == (
        "Level of bridge has not been heard since 1 Jan 2026 00:02 UTC; it is silent for more than 10 min."
    )
    city.turn(seconds=3_600)
    assert said(city) == 1
    city.read(gauge(city, 1.0))
    assert alarm(city)["status"] == "closed"
    assert "is heard again" in alarm(city)["description"]


def test_silence_is_of_the_attribute_not_of_the_entity():
    city = city_with(rule(kind="silence", silentFor=600))
    walk(city, 1.0)
    for _ in range(15):
        city.turn(seconds=60)
        city.read(entity("WaterObserved", "bridge", flow=Attribute(5, "MQS", city.clock.now())))
    assert alarm(city)["status"] == "open"


def test_what_never_spoke_is_not_silent():
    city = city_with(rule(kind="silence", silentFor=600))
    city.say(entity("WaterObserved", "planned", name="Planned gauge"))
    city.turn(seconds=7_200)
    assert not city.find("Alert")


def test_silence_can_be_of_a_place():
    city = city_with(rule("collar", kind="silence", watchedType="Animal", watchedAttribute="location", silentFor=600))
    city.say(entity("Animal", "wolf", location={"type": "Point", "coordinates": [17.0, 48.0]}))
    city.turn(seconds=660)
    assert alarm(city)["location"] == {"type": "Point", "coordinates": [17.0, 48.0]}


# Flat line


def test_a_value_that_does_not_move_is_flat_and_one_that_moves_is_not():
    city = city_with(rule(kind="flat", flatFor=600))
    walk(city, *[1.0] * 10, 1.01, *[1.0] * 10)
    assert not city.find("Alert")
    walk(city, 1.0)
    assert alarm(city)["evidence"]["since"] == "2026-01-01T00:12:00Z"
    assert "has not moved from 1 m" in alarm(city)["description"]
    walk(city, 1.0)
    assert said(city) == 1
    walk(city, 1.02)
    assert alarm(city)["status"] == "closed"


def test_flat_may_allow_a_tremble():
    city = city_with(rule(kind="flat", flatFor=600, tolerance=0.02))
    walk(city, *[1.0, 1.02] * 6)
    assert alarm(city)["status"] == "open"


def test_two_readings_far_apart_are_not_yet_a_flat_line():
    city = city_with(rule(kind="flat", flatFor=600, minimumReadings=4))
    walk(city, 1.0, 1.0, 1.0, every_s=600)
    assert not city.find("Alert")
    walk(city, 1.0)
    assert alarm(city)["status"] == "open"


# Implausible


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (990, "says 990 m at 1 Jan 2026 00:01 UTC, which cannot be: plausible is nothing above 20 m."),
        (-7, "says -7 m at 1 Jan 2026 00:01 UTC, which cannot be: plausible is nothing below 0 m."),
        ("NaN", "says 'NaN' at 1 Jan 2026 00:01 UTC, which is no number."),
        (True, "says True at 1 Jan 2026 00:01 UTC, which is no number."),
        ("x" * 5_000, "x" * 100 + "' at 1 Jan 2026 00:01 UTC, which is no number."),
    ],
)
def test_an_implausible_value_is_named_and_cleared_by_a_plausible_one(value, words):
    city = city_with(rule(kind="implausible", minimum=0, maximum=20))
    walk(city, value)
    assert alarm(city)["description"].endswith(words)
    walk(city, 20)
    assert alarm(city)["status"] == "closed"


def test_an_alarm_that_passes_no_limit_any_more_says_none():
    city = city_with(rule(kind="implausible", minimum=0, maximum=20))
    walk(city, 990)
    assert alarm(city)["limit"] == 20.0
    walk(city, "NaN")
    assert "limit" not in alarm(city)
    assert alarm(city)["value"] == "NaN"
    walk(city, 10, 990, 10, "NaN")
    assert "limit" not in alarm(city)
    assert not city.find("DeadLetter")


def test_a_plausible_value_is_not():
    city = city_with(rule(kind="implausible", minimum=0, maximum=20))
    walk(city, 0, 20, 10.5)
    assert not city.find("Alert")


# Late, out of order


def test_a_late_reading_neither_raises_nor_clears():
    city = city_with(rule())
    walk(city, 2.0, 2.0)
    start = city.clock.now()
    city.read(gauge(city, 9.0, at=start - 30_000_000))
    assert not city.find("Alert")
    walk(city, 3.5)
    city.read(gauge(city, 1.0, at=start - 20_000_000))
    assert alarm(city)["status"] == "open"


def test_an_older_reading_that_a_program_writes_over_a_newer_one_neither_raises_nor_clears():
    city = city_with(rule())
    walk(city, 2.0)
    city.say(gauge(city, 9.0, at=city.clock.now() - 1_000_000))
    assert not city.find("Alert")


@pytest.mark.parametrize(
    ("old", "new", "late"),
    [
        ("2026-01-01T00:30:00Z", "2026-01-01T01:00:00+02:00", True),
        ("2026-01-01T00:30:00.500Z", "2026-01-01T00:30:00Z", True),
        ("2026-01-01T00:30:00Z", "2026-01-01T00:30:00.500Z", False),
        ("2026-01-01T00:30:00Z", "2026-01-01T02:00:00+01:00", False),
    ],
)
def test_what_is_older_is_decided_by_the_instant_not_by_its_text(old, new, late):
    city = city_with(rule())
    city.turn(seconds=7_200)
    for at, value in ((old, 1.0), (new, 9.0)):
        doc = {"id": BRIDGE, "type": "WaterObserved", "level": {"type": "Property", "value": value, "observedAt": at}}
        city.write(Write("upsert_update", BRIDGE, doc))
    assert bool(city.find("Alert")) is not late


def test_late_readings_do_not_disturb_a_flat_line_or_a_slope():
    city = city_with(rule(kind="flat", flatFor=600), rule("fast", kind="rate", perHour=0.5, window=1_800))
    for _ in range(12):
        walk(city, 1.0)
        city.read(gauge(city, 8.0, at=city.clock.now() - 90_000_000))
    assert [a["subCategory"] for a in alarms(city)] == ["flat"]


# Restarts


def restarted(city):
    """Another process over the same store: nothing in memory is left."""
    return Bare(app, store=city.store, start=city.clock.now())


KINDS = {
    "threshold": (rule(), [2.0, 3.5, 3.6, 2.9, 3.5, 3.5, 1.0]),
    "hold-off": (rule(holdOff=150), [2.0, 3.5, 3.6, 3.7, 3.8, 2.0, 3.5]),
    "mean": (rule(averagedOver=480), [2.0, 3.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 3.0, 1.0, 1.0, 1.0]),
    "mean and hold-off": (rule(averagedOver=240, holdOff=150), [2.0, 3.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 1.0, 1.0]),
    "rate": (rule(kind="rate", perHour=5, window=600), [1.0, 1.1, 1.3, 1.6, 1.9, 2.1, 2.1, 2.1, 2.1, 2.1, 2.1, 2.1]),
    "rate and hold-off": (
        rule(kind="rate", perHour=5, window=600, holdOff=100), [1.0, 1.1, 1.3, 1.6, 1.9, 2.1, 2.4, 2.5, 2.5, 2.5, 2.5],
    ),
    "flat": (rule(kind="flat", flatFor=240), [1.0, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.2]),
    "flat with a tremble": (rule(kind="flat", flatFor=240, tolerance=0.1), [1.0, 1.1, 1.15, 1.15, 1.1, 1.05, 1.1, 1.3]),
    "implausible": (rule(kind="implausible", maximum=3), [1.0, 9.0, "x", 2.0]),
    "silence": (rule(kind="silence", silentFor=170), [1.0, None, None, None, 2.0, 2.0, None, None, None, 3.0]),
}  # fmt: skip


def history_of_alarms(city, changes):
    return [
        (c.at, c.entity.id, c.entity.get("status"), c.entity.get("description"))
        for c in changes
        if "Alert" in c.entity.types
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stop", range(1, 12))
def test_a_restart_at_any_moment_gives_the_same_alarms(kind, stop):
    one_rule, values = KINDS[kind]

    def run(stops):
        city = city_with(one_rule)
        changes = city.changes
        for i, value in enumerate(values):
            if i == stops:
                city = restarted(city)
                city.changes = changes
                city.watch(changes.extend)
            city.turn(seconds=60)
            if value is not None:
                one = gauge(city, value)
                city.write(Write("read", one.id, one.doc))
        city.turn(seconds=200)
        return history_of_alarms(city, changes)

    expected = run(None)
    assert expected
    if stop < len(values):
        assert run(stop) == expected


STEP = st.tuples(st.sampled_from(["read", "read", "read", "late", "restart"]), st.integers(0, 60).map(lambda n: n / 10))


@settings(deadline=None, max_examples=30)
@given(st.lists(STEP, max_size=25), st.sampled_from([0.0, 0.5, 2.0]), st.sampled_from([0, 119, 120, 300]))
def test_whatever_comes_the_alarm_is_what_a_plain_loop_over_the_readings_says(steps, hysteresis, hold_off):
    city = city_with(rule(hysteresis=hysteresis, holdOff=hold_off))
    changes = city.changes
    expected, open_, since = [], False, None
    for step, value in steps:
        if step == "restart":
            city = restarted(city)
            city.watch(changes.extend)
            continue
        if step == "late":
            one = gauge(city, value, at=city.clock.now() - 30_000_000)
            if city.find("WaterObserved"):
                city.write(Write("read", one.id, one.doc))
            continue
        city.turn(seconds=60)
        now = city.clock.now()
        if since is not None and not open_ and now - since >= hold_off * 1_000_000:
            open_ = True  # in the round that fell due, before the reading
            expected.append("open")
        one = gauge(city, value)
        city.write(Write("read", one.id, one.doc))
        if value > 3.0 or (open_ and value > 3.0 - hysteresis):
            since = now if since is None else since
            if not open_ and now - since >= hold_off * 1_000_000:
                open_ = True
                expected.append("open")
        else:
            since = None
            if open_:
                open_ = False
                expected.append("closed")
    status = [
        part.new["value"] for c in changes if "Alert" in c.entity.types for part in c.parts if part.name == "status"
    ]
    assert status == expected


def test_a_change_that_comes_again_says_nothing_twice():
    city = city_with(rule())
    walk(city, 3.5)
    before = said(city)
    for change in [c for c in city.changes if c.entity.id == BRIDGE]:
        city.rules.again("watch", change)
    assert said(city) == before


def test_an_alarm_whose_commit_failed_is_raised_when_its_change_comes_again():
    city = city_with(rule())
    city.turn(seconds=60)
    kept = city.rules._commit

    def full(item):
        raise HansaError("the disk is full")

    city.rules._commit = full
    with pytest.raises(HansaError, match="full"):
        city.read(gauge(city, 3.5))
    city.rules._commit = kept
    city.rules.apps[0].city.forget()
    assert not city.find("Alert")
    city.rules.settle()
    assert alarm(city)["status"] == "open"


def behind(city, *values, every_s=60):
    """Readings that the city has taken and the app has not seen yet."""
    for value in values:
        city.clock.turn(city.clock.now() + every_s * 1_000_000)
        one = gauge(city, value)
        City.write(city, Write("read", one.id, one.doc))


def test_a_round_raises_no_hold_off_that_a_reading_on_its_way_has_ended():
    city = city_with(rule(holdOff=300))
    walk(city, 3.5)
    behind(city, 3.5, 3.5, 1.0, 1.0, 1.0, 1.0)
    city.turn(seconds=1)
    assert not city.find("Alert")


def test_a_round_raises_no_silence_that_a_reading_on_its_way_has_broken():
    city = city_with(rule(kind="silence", silentFor=300))
    walk(city, 1.0)
    behind(city, *[1.0] * 10)
    city.turn(seconds=1)
    assert not city.find("Alert")


def test_what_the_app_reads_after_an_outage_does_not_break_a_silence_that_lasts():
    city = city_with(rule(kind="silence", silentFor=300))
    walk(city, 1.0)
    behind(city, 1.0, 1.0)
    city.clock.turn(city.clock.now() + 3_600_000_000)
    city.turn(seconds=1)
    assert [c.entity["status"] for c in city.changes if "Alert" in c.entity.types] == ["open"]


def test_nothing_was_put_aside():
    city = city_with(*(one for one, _ in KINDS.values()))
    walk(city, 1, 9, "x", None, [], 1e308, -1e308, 10**30)
    assert not city.find("DeadLetter")
