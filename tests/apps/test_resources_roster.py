"""Rosters: who is on duty, when too few are, and who is in two places at once."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa import Refusal
from hansa.apps.resources.roster import DAY, SECOND, Duty, clashes, instant, iso, read

T0 = instant("2026-04-11T00:00:00Z")
HOUR = 3_600 * SECOND


def shift(who, begin, end):
    return {"who": who, "from": begin, "to": end}


def test_a_shift_holds_from_its_begin_up_to_its_end():
    roster = read({"shifts": [shift("person:ada", "2026-04-11T06:00:00Z", "2026-04-11T14:00:00Z")]})
    assert roster.on_duty(T0 + 6 * HOUR) == ["person:ada"]
    assert roster.on_duty(T0 + 14 * HOUR - 1) == ["person:ada"]
    assert roster.on_duty(T0 + 14 * HOUR) == []
    assert roster.on_duty(T0 + 6 * HOUR - 1) == []


def test_a_night_belongs_to_the_day_on_which_it_begins():
    roster = read({"weekly": [{"who": "bo", "days": ["sat"], "from": "22:00", "to": "06:00"}]})
    assert roster.on_duty(T0 + 23 * HOUR) == ["bo"]  # 2026-04-11 is a Saturday
    assert roster.on_duty(T0 + 29 * HOUR) == ["bo"]  # Sunday at five
    assert roster.on_duty(T0 + 5 * HOUR) == []  # Saturday at five is Friday's night
    assert roster.on_duty(T0 + 30 * HOUR) == []


def test_the_calendar_keeps_local_time_over_the_change_of_clocks():
    # On 2026-03-29 clocks in Vienna go from 02:00 to 03:00.
    roster = read(
        {"zone": "Europe/Vienna", "weekly": [{"who": "bo", "days": ["sat", "sun"], "from": "08:00", "to": "16:00"}]}
    )
    saturday, sunday = roster.duties(instant("2026-03-28T00:00:00Z"), instant("2026-03-30T00:00:00Z"))
    assert (iso(saturday.begin), iso(sunday.begin)) == ("2026-03-28T07:00:00Z", "2026-03-29T06:00:00Z")
    assert saturday.end - saturday.begin == sunday.end - sunday.begin == 8 * HOUR
    night = read({"zone": "Europe/Vienna", "weekly": [{"who": "bo", "days": ["sat"], "from": "22:00", "to": "06:00"}]})
    (short,) = night.duties(instant("2026-03-28T12:00:00Z"), instant("2026-03-30T00:00:00Z"))
    assert short.end - short.begin == 7 * HOUR


def test_days_off_take_the_calendar_away_and_no_single_shift():
    roster = read(
        {
            "weekly": [{"who": "bo", "days": ["sat", "sun"], "from": "08:00", "to": "16:00"}],
            "shifts": [shift("bo", "2026-04-11T20:00:00Z", "2026-04-11T22:00:00Z")],
            "off": [{"who": "bo", "from": "2026-04-11", "to": "2026-04-11"}],
        }
    )
    assert [iso(one.begin) for one in roster.duties(T0, T0 + 2 * DAY)] == [
        "2026-04-11T20:00:00Z",
        "2026-04-12T08:00:00Z",
    ]


def test_gaps_say_how_many_are_there():
    roster = read(
        {
            "needed": 2,
            "shifts": [
                shift("ada", "2026-04-11T00:00:00Z", "2026-04-11T12:00:00Z"),
                shift("bo", "2026-04-11T04:00:00Z", "2026-04-11T12:00:00Z"),
                shift("bo", "2026-04-11T05:00:00Z", "2026-04-11T06:00:00Z"),  # twice the same person is one
            ],
        }
    )
    assert roster.gaps(T0, T0 + 16 * HOUR) == [(T0, T0 + 4 * HOUR, 1), (T0 + 12 * HOUR, T0 + 16 * HOUR, 0)]
    assert read({"needed": 0}).gaps(T0, T0 + DAY) == []


def test_whoever_is_in_two_places_at_once_is_named_with_both():
    one = read({"shifts": [shift("ada", "2026-04-11T06:00:00Z", "2026-04-11T14:00:00Z")]})
    other = read({"shifts": [shift("ada", "2026-04-11T13:00:00Z", "2026-04-11T20:00:00Z")]})
    after = read({"shifts": [shift("ada", "2026-04-11T14:00:00Z", "2026-04-11T20:00:00Z")]})
    assert clashes({"a": one, "b": other}, T0, T0 + DAY) == [("ada", "a", "b", T0 + 13 * HOUR, T0 + 14 * HOUR)]
    assert clashes({"a": one, "b": after}, T0, T0 + DAY) == []


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ([], "roster"),
        ({"nights": []}, "roster.nights"),
        ({"needed": True}, "roster.needed"),
        ({"needed": -1}, "roster.needed"),
        ({"zone": "Atlantis/City"}, "roster.zone"),
        ({"zone": "../etc/passwd"}, "roster.zone"),
        ({"zone": 7}, "roster.zone"),
        ({"shifts": {}}, "roster.shifts"),
        ({"shifts": [{}] * 1_001}, "roster.shifts"),
        ({"shifts": [{"who": "a"}]}, "roster.shifts[0]"),
        ({"shifts": [shift("", "2026-04-11T06:00:00Z", "2026-04-11T14:00:00Z")]}, "roster.shifts[0].who"),
        ({"shifts": [shift("a", "2026-04-11T06:00:00", "2026-04-11T14:00:00Z")]}, "roster.shifts[0]"),
        ({"shifts": [shift("a", "2026-04-11T14:00:00Z", "2026-04-11T06:00:00Z")]}, "roster.shifts[0]"),
        ({"shifts": [shift("a", "2026-04-11T14:00:00Z", "2027-04-11T06:00:00Z")]}, "roster.shifts[0]"),
        ({"weekly": [{"who": "a", "days": ["funday"], "from": "06:00", "to": "14:00"}]}, "roster.weekly[0].days"),
        ({"weekly": [{"who": "a", "days": [{}], "from": "06:00", "to": "14:00"}]}, "roster.weekly[0].days"),
        ({"weekly": [{"who": "a", "days": ["mon"], "from": "24:00", "to": "14:00"}]}, "roster.weekly[0]"),
        ({"weekly": [{"who": "a", "days": ["mon"], "from": "06:00", "to": "06:00"}]}, "roster.weekly[0]"),
        ({"off": [{"who": "a", "from": "yesterday", "to": "2026-04-11"}]}, "roster.off[0]"),
        ({"off": [{"who": "a", "from": "2026-04-12", "to": "2026-04-11"}]}, "roster.off[0]"),
    ],
)
def test_what_is_no_roster_is_refused_at_its_place(said, where):
    with pytest.raises(Refusal) as told:
        read(said)
    assert told.value.where == where


spans = st.tuples(st.sampled_from("abc"), st.integers(0, 47), st.integers(1, 30))


@given(st.lists(spans, max_size=8), st.integers(0, 3))
def test_gaps_and_duties_agree_at_every_instant(made, needed):
    roster = read(
        {"needed": needed, "shifts": [shift(w, iso(T0 + b * HOUR), iso(T0 + (b + n) * HOUR)) for w, b, n in made]}
    )
    gaps = roster.gaps(T0, T0 + 2 * DAY)
    for hour in range(48):
        at = T0 + hour * HOUR + 7
        there = len(roster.on_duty(at))
        inside = [many for begin, end, many in gaps if begin <= at < end]
        assert inside == ([there] if there < needed else [])
    assert all(a[1] <= b[0] for a, b in pairwise(gaps))


@given(st.lists(st.tuples(st.sampled_from(["x", "y"]), st.integers(0, 20), st.integers(1, 9)), max_size=8))
def test_every_clash_is_one_and_none_is_missed(made):
    rosters = {}
    for n, (who, begin, hours) in enumerate(made):
        rosters[str(n)] = read({"shifts": [shift(who, iso(T0 + begin * HOUR), iso(T0 + (begin + hours) * HOUR))]})
    found = {(who, *sorted((a, b))) for who, a, b, _, _ in clashes(rosters, T0, T0 + 3 * DAY)}
    known = {
        (w, *sorted((str(i), str(j))))
        for i, (w, b, n) in enumerate(made)
        for j, (v, c, m) in enumerate(made[:i])
        if w == v and b < c + m and c < b + n
    }
    assert found == known


def test_a_far_instant_lays_out_no_century():
    roster = read({"weekly": [{"who": "a", "days": ["mon"], "from": "06:00", "to": "14:00"}]})
    assert len(roster.duties(T0, T0 + 36_500 * DAY)) < 20
    assert Duty(1, 2, "a") < Duty(2, 3, "a")
