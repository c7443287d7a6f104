"""The load of the desk: figures of EEMUA 191 and ISA-18.2, against numbers made by hand."""

import csv
import io

import pytest

from hansa import Answer, Refusal, entity
from hansa.apps.alarms import app, load
from hansa.apps.alarms.load import Raised
from hansa.apps.alarms.standing import SECOND, ident, instant
from hansa.testing import MemoryCity

BOSS = {"roles": ("supervisor",)}
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
START = instant("2026-11-22T00:00:00Z")


def at(minutes):
    return START + int(minutes * MINUTE)


def rung(*minutes, alarm="a", lasts=30.0, severity="low"):
    return [Raised(alarm, at(one), None if lasts is None else at(one + lasts), severity) for one in minutes]


# ---- by hand


def test_periods_are_ten_minutes_and_take_their_beginning_but_not_their_end():
    times = [at(one) for one in (0, 9.99, 10, 25, 29.99, 30, -1)]
    assert load.periods(times, START, at(30)) == [2, 1, 2]
    assert load.periods(times, START, at(35)) == [2, 1, 2, 1], "the last one may be shorter"
    assert load.periods(times, START, START) == []


def test_the_rate_is_an_average_over_all_of_the_time_and_each_operator():
    assert load.rate(144, START, at(1_440), 1) == pytest.approx(1.0)
    assert load.rate(144, START, at(1_440), 3) == pytest.approx(1 / 3)
    assert load.rate(0, START, START, 1) == 0


def test_a_flood_begins_above_ten_and_ends_below_five():
    counts = [10, 11, 7, 5, 4, 30, 2, 12]
    found = load.floods(counts, START, at(75), 1)
    assert found == [
        load.Flood(at(10), at(40), 23, 11),
        load.Flood(at(50), at(60), 30, 30),
        load.Flood(at(70), at(75), 12, 12),
    ]
    assert load.floods(counts, START, at(75), 3) == [], "thirty are ten for each of three"
    assert load.floods([], START, START, 1) == []


def test_offenders_are_in_order_and_of_equals_the_lower_id_comes_first():
    found = load.offenders(
        [*rung(1, 2, 3, alarm="c"), *rung(1, alarm="b"), *rung(1, alarm="a"), *rung(5, 6, alarm="d")], 3
    )
    assert found == [("c", 3), ("d", 2), ("a", 1)]


def test_three_raisings_in_a_minute_chatter_and_two_do_not():
    assert load.chattering(rung(0, 0.5, 1.0)) == {"a": 3}, "a minute to the second is a minute"
    assert load.chattering(rung(0, 0.5, 1.01)) == {}
    assert load.chattering(rung(0, 0.5, 1.0, 1.2, 9, 20, 20.1, 20.2)) == {"a": 7}
    assert load.chattering([*rung(0, 0.5), *rung(0.7, alarm="b")]) == {}, "each alarm for itself"


def test_what_is_over_within_a_minute_is_fleeting_unless_it_chatters_or_stands():
    assert load.fleeting(rung(0, 10, lasts=1.0)) == {"a": 2}
    assert load.fleeting(rung(0, 10, lasts=1.01)) == {}
    assert load.fleeting(rung(0, 0.1, 0.2, 10, lasts=0.05)) == {"a": 1}, "three chatter, the fourth flees"
    assert load.fleeting(rung(0, lasts=None)) == {}


def test_what_stands_for_more_than_a_day_is_stale():
    now = START + 25 * HOUR
    assert load.stale({"old": START, "edge": START + HOUR, "new": now}, now) == {"old": 25 * HOUR}


def test_shares_are_of_alarms_alone():
    found = load.shares(["low"] * 8 + ["medium"] * 2 + ["informational"] * 90)
    assert found == {"critical": 0.0, "high": 0.0, "medium": 20.0, "low": 80.0}
    assert load.shares([]) == {"critical": 0.0, "high": 0.0, "medium": 0.0, "low": 0.0}


def test_all_figures_of_an_hour_by_hand():
    """An hour of two operators: 27 raisings, 24 of them in the second ten minutes."""
    storm = [Raised(f"s{n}", at(10 + n * 0.4), None, "medium") for n in range(21)]
    loud = rung(12, 12.2, 12.4, alarm="loud", lasts=0.1, severity="critical")
    calm = rung(0, 30, 50, alarm="calm", lasts=0.5)
    told = load.figures([*storm, *loud, *calm], {"old": START - 30 * HOUR, "s1": at(10.4)}, START, at(60), 2)
    assert told["raisings"] == 27
    assert [one["raisings"] for one in told["periods"]] == [1, 24, 0, 1, 0, 1]
    assert told["per10min"] == pytest.approx(27 / 6 / 2)
    assert (told["busiest"], told["busiestEach"]) == (24, 12)
    assert told["overPercent"] == pytest.approx(100 / 6)
    assert told["floods"] == [{"begin": at(10), "end": at(20), "raisings": 24, "peak": 24}]
    assert told["floodPercent"] == pytest.approx(100 / 6)
    assert told["offenders"][:2] == [
        {"alarm": "calm", "raisings": 3, "percent": pytest.approx(300 / 27)},
        {"alarm": "loud", "raisings": 3, "percent": pytest.approx(300 / 27)},
    ]
    assert told["topTenPercent"] == pytest.approx(100 * 14 / 27), "two with three, eight of the others with one"
    assert (told["chattering"], told["fleeting"], told["stale"]) == (1, 1, 1)
    assert told["fleetingAlarms"] == [{"alarm": "calm", "measure": 3}]
    assert told["staleAlarms"] == [{"alarm": "old", "measure": 31 * HOUR}]
    assert told["shares"]["critical"] == pytest.approx(300 / 27)
    bands = {one["figure"]: one["band"] for one in told["bands"]}
    assert bands == {
        "per10min": "bad", "busiestEach": "bad", "overPercent": "bad", "floodPercent": "bad", "topTenPercent": "bad",
        "chattering": "bad", "fleeting": "bad", "stale": "ok", "grave": "bad",
    }  # fmt: skip


def test_nothing_that_rang_is_within_every_band():
    told = load.figures([], {}, START, at(60))
    assert {one["band"] for one in told["bands"]} == {"ok"}
    assert all(one["source"] and one["target"] for one in told["bands"])


def test_one_and_a_half_in_ten_minutes_are_at_the_edge():
    told = load.figures(rung(*range(0, 60, 20), *range(1, 60, 10)), {}, START, at(60))
    assert {one["figure"]: one["band"] for one in told["bands"]}["per10min"] == "watch"


# ---- from a city's history


@pytest.fixture
def city():
    return MemoryCity(app, start="2026-11-22T00:00:00Z")


def ring(city, kind, *minutes, severity="low", over=0.5):
    for one in minutes:
        city.clock.turn(at(one))
        city.act("raise", source="x", kind=kind, severity=severity)
        if over:
            city.clock.turn(at(one + over))
            city.act("clear", source="x", kind=kind)
    return ident("x", kind)


def asked(city, begin="2026-11-22T00:00:00Z", end="2026-11-22T02:00:00Z", **more):
    city.clock.turn(max(city.clock.now(), instant(end)))
    return city.view("load", {"from": begin, "to": end, **more})


def test_the_load_is_read_from_the_history_of_the_alarms(city):
    often = ring(city, "often", 1, 2, 3, 61)
    once = ring(city, "once", 70, severity="high", over=0)
    told = asked(city)
    assert told["raisings"] == 5
    assert [one["raisings"] for one in told["periods"]] == [3, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0]
    assert told["per10min"] == pytest.approx(5 / 12)
    assert [(one["alarm"], one["raisings"]) for one in told["offenders"]] == [(often, 4), (once, 1)]
    assert (told["offenders"][0]["kind"], told["offenders"][0]["source"]) == ("often", "x")
    assert told["shares"] == {"critical": 0, "high": 20.0, "medium": 0, "low": 80.0}
    assert told["fleetingAlarms"][0]["measure"] == 4
    assert told["stale"] == 0
    assert asked(city, end="2026-11-23T02:00:00Z")["staleAlarms"][0]["measure"] == pytest.approx(24 * 3_600 + 50 * 60)


def test_the_load_counts_what_others_write_the_same(city):
    for minute in (1, 2, 30):
        city.clock.turn(at(minute))
        city.say(entity("Alert", "w", status="open", severity="medium"))
        city.clock.turn(at(minute + 0.5))
        city.say(entity("Alert", "w", status="closed"))
    told = asked(city)
    assert (told["raisings"], told["periods"][0]["raisings"], told["periods"][3]["raisings"]) == (3, 2, 1)
    assert told["fleetingAlarms"] == [
        {"alarm": "urn:ngsi-ld:Alert:w", "measure": 3, "kind": None, "source": None, "severity": "medium"}
    ]


def test_what_was_put_aside_when_it_came_rang_for_nobody(city):
    alert = ring(city, "k", 1)
    city.clock.turn(at(10))
    city.act("shelve", alert, minutes=20, reason="why")
    ring(city, "k", 12, 15, 31)
    city.clock.turn(at(40))
    city.act("out-of-service", alert, reason="why", **BOSS)
    ring(city, "k", 41)
    city.clock.turn(at(50))
    city.act("into-service", alert, **BOSS)
    ring(city, "k", 51)
    told = asked(city)
    assert [one["raisings"] for one in told["periods"]][:6] == [1, 0, 0, 1, 0, 1]


def test_shelving_that_was_ended_early_ends_then(city):
    alert = ring(city, "k", 1)
    city.clock.turn(at(10))
    city.act("shelve", alert, minutes=60, reason="why")
    city.clock.turn(at(20))
    city.act("unshelve", alert)
    ring(city, "k", 21)
    assert asked(city)["raisings"] == 2


def test_a_severity_is_that_of_its_raising(city):
    ring(city, "k", 1, severity="low")
    ring(city, "k", 2, severity="high")
    told = asked(city)
    assert (told["shares"]["low"], told["shares"]["high"]) == (50.0, 50.0)


def test_a_flood_of_real_alarms_is_seen(city):
    for n in range(15):
        ring(city, f"k{n}", 30 + n / 2, over=0)
    told = asked(city)
    assert told["floods"] == [
        {"begin": "2026-11-22T00:30:00Z", "end": "2026-11-22T00:40:00Z", "raisings": 15, "peak": 15}
    ]
    assert asked(city, operators="2")["floods"] == []


def test_the_load_is_handed_out_as_csv_that_no_spreadsheet_runs(city):
    city.act("raise", source="=cmd()", kind="+1")
    told = asked(city, format="csv")
    assert isinstance(told, Answer)
    rows = list(csv.reader(io.StringIO(told.body.decode())))
    assert rows[0] == ["what", "of", "measured", "target", "band", "source"]
    assert ["10 minutes", "2026-11-22T00:00:00Z", "1", "", "", ""] in rows
    assert any(row[4:] == ["'+1", "'=cmd()"] for row in rows)


@pytest.mark.parametrize(
    ("params", "where"),
    [
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-11-22"}, "to"),
        ({"from": "2026-11-22T02:00:00Z", "to": "2026-11-22T01:00:00Z"}, "from"),
        ({"from": "2020-01-01T00:00:00Z"}, "from"),
        ({"operators": "0"}, "operators"),
        ({"operators": "-1"}, "operators"),
        ({"operators": "²"}, "operators"),
        ({"operators": "99999999999999999999"}, "operators"),
        ({"format": "xlsx"}, "format"),
        ({"form": "csv"}, "form"),
    ],
)
def test_a_load_that_is_asked_wrongly_says_what_is_wrong(city, params, where):
    city.clock.turn(at(120))
    with pytest.raises(Refusal) as told:
        city.view("load", params)
    assert told.value.where == where
