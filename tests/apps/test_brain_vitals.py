"""Vital signs by hand: what a source is expected to do, when it is late, and how much of a day came."""

import pytest

from hansa.apps.brain.vitals import FLAPS, HOUR, SECOND, Gaps, Source, expected, learn, urgency

START = 1_000 * 24 * HOUR
UNKNOWN = (5_400.0, 86_400.0)


def heard(minutes, *, gaps=None):
    """A source that was heard at these minutes."""
    source = Source("urn:ngsi-ld:Device:a", gaps or Gaps())
    for minute in minutes:
        source.hear(START + minute * 60 * SECOND)
    return source


def test_the_median_and_the_99th_percentile_of_gaps_are_those_that_one_counts_by_hand():
    gaps = Gaps()
    for _ in range(98):
        gaps.add(300.0)
    gaps.add(900.0)
    gaps.add(7_200.0)
    assert gaps.median == 300.0
    assert gaps.longest == 900.0  # the 99th of a hundred


def test_a_few_gaps_are_no_habit():
    gaps = Gaps()
    for _ in range(4):
        gaps.add(60.0)
    assert gaps.median is None
    gaps.add(60.0)
    assert gaps.median == 60.0
    assert gaps.longest is None


def test_a_source_may_change_its_ways():
    gaps = Gaps()
    gaps.add(60.0, 10_000)
    gaps.add(600.0, 1_500)
    assert gaps.median == 600.0
    assert gaps.total <= 2_000


@pytest.mark.parametrize("nonsense", [0.0, -1.0, float("nan"), float("inf")])
def test_what_is_no_length_of_time_teaches_nothing(nonsense):
    gaps = Gaps()
    gaps.add(nonsense)
    assert gaps.share(0.5) is None


def test_gaps_are_kept_and_read_back():
    gaps = Gaps()
    gaps.add(300.0, 60)
    assert Gaps(gaps.to_json()).median == 300.0


def test_a_declared_interval_counts_before_what_was_learned():
    gaps = Gaps()
    gaps.add(3_600.0, 10)
    due = expected(300.0, gaps, UNKNOWN, 0.0)
    assert due[:] == (300.0, 450.0, 900.0, "declared")
    assert expected(None, gaps, UNKNOWN, 0.0)[:] == (3_600.0, 5_400.0, 10_800.0, "learned")
    assert expected(None, Gaps(), UNKNOWN, 60.0)[:] == (None, 5_460.0, 86_460.0, "default")


@pytest.mark.parametrize("nonsense", [True, "300", float("nan"), 0, -5, [300], float("inf")])
def test_an_interval_that_is_none_is_not_believed(nonsense):
    assert expected(nonsense, Gaps(), UNKNOWN, 0.0).how == "default"


def test_a_gap_that_is_usual_makes_nobody_late():
    gaps = Gaps()
    gaps.add(300.0, 95)
    gaps.add(1_000.0, 5)
    assert expected(300.0, gaps, UNKNOWN, 0.0)[:3] == (300.0, 1_000.0, 2_000.0)


def test_being_away_often_does_not_teach_that_this_is_well():
    gaps = Gaps()
    gaps.add(300.0, 90)
    gaps.add(86_400.0, 10)
    assert expected(300.0, gaps, UNKNOWN, 0.0).late_s == 1_500.0


def test_a_source_is_fresh_then_late_then_silent_then_fresh_again():
    source, due = heard([0]), expected(300.0, Gaps(), UNKNOWN, 0.0)
    states = {minute: source.judge(START + minute * 60 * SECOND, due) for minute in (1, 7, 8, 15, 16, 60)}
    assert states == {1: "fresh", 7: "fresh", 8: "late", 15: "late", 16: "silent", 60: "silent"}
    assert source.since == START + 16 * 60 * SECOND
    source.hear(START + 61 * 60 * SECOND)
    assert source.judge(START + 61 * 60 * SECOND, due) == "fresh"


def test_a_source_says_itself_when_it_will_be_in_another_state():
    source, due = heard([0]), expected(300.0, Gaps(), UNKNOWN, 0.0)
    source.judge(START, due)
    for state in ("late", "silent"):
        turns = source.turns(due)
        assert turns is not None
        assert source.judge(turns - 1, due) != state
        assert source.judge(turns, due) == state
    assert source.turns(due) is None


def test_who_was_never_heard_is_new_and_who_is_put_aside_is_off():
    source, due = Source("a"), expected(300.0, Gaps(), UNKNOWN, 0.0)
    assert source.judge(START, due) == "new"
    assert source.judge(START, due, active=False) == "off"
    source = heard([0])
    assert source.judge(START + 24 * HOUR, due, active=False) == "off"


def test_a_source_that_falls_silent_and_comes_back_again_and_again_flaps():
    source, due = Source("a"), expected(300.0, Gaps(), UNKNOWN, 0.0)
    at = START
    for times in range(FLAPS + 1):
        source.hear(at)
        state = source.judge(at, due)
        assert (state == "flapping") is (times >= FLAPS)
        at += 20 * 60 * SECOND
        source.judge(at, due)
    for minute in range(0, 400, 5):  # well for six hours: it has stopped
        source.hear(at + minute * 60 * SECOND)
        state = source.judge(at + minute * 60 * SECOND, due)
    assert state == "fresh"


def test_a_clock_that_runs_backwards_is_not_believed():
    source = heard([10])
    source.hear(START)
    assert source.heard == START + 600 * SECOND
    assert source.gaps.total == 0


def test_a_whole_day_is_whole_and_half_a_day_is_half():
    source = heard(range(0, 26 * 60, 5))
    day = source.day(START + 26 * HOUR, 300.0)
    assert (day.got, day.wanted, day.complete, day.strip) == (288, 288.0, 1.0, "9" * 24)
    source = heard([m for m in range(0, 26 * 60, 5) if m < 14 * 60])
    day = source.day(START + 26 * HOUR, 300.0)
    assert (day.got, day.complete, day.strip) == (144, 0.5, "9" * 12 + "0" * 12)


def test_a_source_that_began_this_morning_is_not_blamed_for_the_night():
    source = heard(range(0, 180, 5))
    day = source.day(START + 3 * HOUR, 300.0)
    assert (day.got, day.complete) == (36, 1.0)
    assert day.strip == "-" * 21 + "999"


def test_one_that_speaks_once_in_six_hours_is_whole_with_four():
    source = heard([-1_000, *range(0, 25 * 60, 360)])
    day = source.day(START + 24 * HOUR, 21_600.0)
    assert (day.got, day.complete) == (4, 1.0)
    assert day.strip == "9·····" * 4


def test_nobody_expects_a_number_where_no_interval_is_known():
    day = heard([0, 5, 10]).day(START + HOUR, None)
    assert (day.wanted, day.complete, day.got) == (None, None, 3)


def test_much_that_was_said_in_one_breath_after_a_silence_fills_no_silence():
    source = heard([0])
    at = START + 10 * HOUR + 1_800 * SECOND
    source.hear(at, 120, 0, at - 60 * SECOND)
    assert source.gaps.share(1.0) > 9 * 3_600
    assert source.day(at + HOUR, 300.0).strip[-11:] == "10000000009"


def test_what_was_refused_is_counted_and_counts_as_a_word_but_as_no_reading():
    source = heard([0])
    source.hear(START + 5 * 60 * SECOND, 0, 1)
    day = source.day(START + HOUR, 300.0)
    assert (day.got, day.refused) == (1, 1)
    assert source.heard == START + 5 * 60 * SECOND


def test_the_past_of_a_source_is_learned_from_what_it_had_said_by_then():
    source = Source("a")
    learn(source, [(START + i * 600 * SECOND, 100 + i) for i in range(145)])
    assert source.gaps.median == 600.0
    assert source.day(START + 24 * HOUR, 600.0).complete == 1.0
    learn(Source("b"), [])
    learn(source, [(START, -5)])


def test_a_counter_that_began_anew_takes_nothing_back():
    source = Source("a")
    learn(source, [(START, 100), (START + HOUR, 3), (START + 2 * HOUR, 5)])
    assert source.day(START + 3 * HOUR, 3_600.0).got >= 0


def test_the_worst_comes_first():
    rows = [("silent", 1.0, 0), ("flapping", 1.0, 0), ("late", None, 0), ("fresh", 0.89, 0), ("fresh", 1.0, 3),
            ("new", None, 0), ("fresh", 0.9, 0), ("off", None, 9)]  # fmt: skip
    order = [urgency(*one) for one in rows]
    assert order == sorted(order)
    assert order[3] == order[4] < order[5] < order[6]
    assert urgency("fresh", None, 0) == order[6]
