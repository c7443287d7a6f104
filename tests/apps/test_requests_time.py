"""Working calendars and service-level clocks, against days counted by hand."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa import Refusal, entity
from hansa.apps.requests import clocks
from hansa.apps.requests.services import _shipped
from hansa.apps.requests.times import iso, micros, moment
from hansa.apps.requests.working import Calendar
from requests_front import front

VIENNA = {"zone": "Europe/Vienna", "hours": {day: [["08:00", "16:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}}
H = 3_600
FIRST = 1_767_225_600  # 2026-01-01


def at(text: str) -> int:
    return moment(text, "at")


def test_a_promise_of_eight_hours_given_on_friday_afternoon_ends_on_monday() -> None:
    hours = Calendar.of(VIENNA)
    assert iso(hours.after(at("2026-05-08T14:00:00+02:00"), 8 * H)) == "2026-05-11T12:00:00Z"
    assert hours.worked(at("2026-05-08T14:00:00+02:00"), at("2026-05-11T14:00:00+02:00")) == 8 * H


def test_nobody_works_on_a_holiday() -> None:
    hours = Calendar.of(VIENNA | {"holidays": ["2026-05-01"]})
    assert iso(hours.after(at("2026-04-30T15:00:00+02:00"), 2 * H)) == "2026-05-04T07:00:00Z"
    assert Calendar.of(VIENNA).after(at("2026-04-30T15:00:00+02:00"), 2 * H) == at("2026-05-01T09:00:00+02:00")


@pytest.mark.parametrize(("night", "hours"), [("2026-03-29", 5), ("2026-10-25", 7), ("2026-06-07", 6)])
def test_the_night_on_which_clocks_change_counts_as_what_it_lasted(night: str, hours: int) -> None:
    nights = Calendar.of({"zone": "Europe/Vienna", "hours": {"sun": [["00:00", "06:00"]]}})
    day = datetime.fromisoformat(night).replace(tzinfo=UTC)
    since, until = (iso(round((day + timedelta(days=n)).timestamp()) * 1_000_000) for n in (-1, 2))
    assert nights.worked(at(since), at(until)) == hours * H


def test_a_time_that_the_clocks_jump_over_is_the_jump() -> None:
    early = Calendar.of({"zone": "Europe/Vienna", "hours": {"sun": [["02:30", "06:00"]]}})
    assert early.worked(at("2026-03-28T12:00:00Z"), at("2026-03-30T12:00:00Z")) == 3 * H


@settings(max_examples=40, deadline=None)
@given(
    start=st.integers(FIRST, FIRST + 700 * 24 * H),
    work=st.integers(1, 90 * H),
    zone=st.sampled_from(["Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_after_and_worked_are_each_others_inverse(start: int, work: int, zone: str) -> None:
    hours = Calendar.of(VIENNA | {"zone": zone, "holidays": ["2026-12-25"]})
    since = start * 1_000_000
    until = hours.after(since, work)
    assert hours.worked(since, until) == work
    local = datetime.fromtimestamp(until / 1_000_000, ZoneInfo(zone))
    assert local.weekday() < 5
    assert 8 <= local.hour + local.minute / 60 <= 16


@pytest.mark.parametrize(
    "said",
    [
        {"hours": {"monday": [["08:00", "16:00"]]}},
        {"hours": {"mon": [["16:00", "08:00"]]}},
        {"hours": {"mon": [["08:00", "12:00"], ["11:00", "16:00"]]}},
        {"hours": {"mon": [["8h", "16:00"]]}},
        {"hours": {"mon": [["08:00", "25:00"]]}},
        {"hours": {}},
        {"hours": {"mon": [["08:00", "16:00"]]}, "holidays": ["1st of May"]},
        {"hours": {"mon": [["08:00", "16:00"]]}, "zone": "Europe/Nowhere"},
        {"hours": {"mon": [["08:00", "16:00"]]}, "zone": "../../etc/passwd"},
        "always",
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused(said: object) -> None:
    with pytest.raises(Refusal) as told:
        Calendar.of(said)
    assert told.value.where


def test_while_the_resident_is_asked_the_clock_stands() -> None:
    hours, service = Calendar.of(VIENNA), _shipped().services["street-light"]  # 8 h to answer, 40 to the end
    asked, told = "2026-05-04T10:00:00Z", "2026-05-06T10:00:00Z"
    plain = {"status": "open", "requestedAt": "2026-05-04T06:00:00Z", "firstAnswerAt": asked}
    first = clocks.due("close", entity("ServiceRequest", "R", **plain), service, hours)
    waits = [{"from": asked, "until": told}]
    later = clocks.due("close", entity("ServiceRequest", "R", **plain, waits=waits), service, hours)
    assert iso(first) == "2026-05-08T14:00:00Z"
    assert iso(later) == "2026-05-12T14:00:00Z"  # two working days more
    standing = entity("ServiceRequest", "R", **plain, waits=[{"from": asked, "until": ""}])
    assert clocks.state(standing, service, hours, at("2026-07-01T00:00:00Z"))["clock"] == "stopped"
    assert not clocks.running(standing, service, hours)


def test_a_clock_warns_and_is_breached_and_the_department_hears_of_it() -> None:
    with front() as city:
        one = city.report(1)
        assert city.case(one)["answerDue"] == "2026-04-01T16:00:00Z"
        city.city.turn(seconds=6.5 * H)
        told = city.case(one)
        assert (told["warned"], told["breached"], told["clock"]) == (["answer"], [], "running")
        (alert,) = city.city.find("Alert")
        assert (alert["severity"], alert["near"], alert["breached"], alert["status"]) == ("low", 1, 0, "open")
        city.city.turn(seconds=2 * H)
        told = city.case(one)
        assert (told["breached"], told["clock"], told["late"]) == (["answer"], "breached", True)
        assert [line["kind"] for line in told["log"]] == ["received", "near", "breached"]
        assert city.city.find("Alert")[0]["severity"] == "medium"
        before = len(city.city.changes)
        city.city.turn(seconds=600)
        assert len(city.city.changes) == before, "what was said is not said again"
        city.staff("answer", one, text="We are on the way")
        city.staff("close", one)
        city.city.turn(seconds=60)
        assert city.city.find("Alert")[0]["status"] == "closed"
        (breach,) = city.ask("review", by="person:ada", roles=("operator",))["breaches"]
        assert breach["breached"] == ["answer"]


def test_an_answer_in_time_leaves_nothing_to_say() -> None:
    with front() as city:
        one = city.report(1)
        city.staff("answer", one, text="Tomorrow")
        city.staff("close", one)
        city.city.turn(seconds=10 * H)
        told = city.case(one)
        assert (told["breached"], told["clock"]) == ([], "ended")
        assert not city.city.find("Alert")


@pytest.mark.parametrize("said", ["yesterday", "2026-13-01", "2026-01-01T99:00:00Z", "9" * 50, "0001-01-01", 5, None])
def test_a_time_that_is_none_is_refused(said: object) -> None:
    with pytest.raises(Refusal):
        moment(said, "at")


def test_a_time_is_read_with_its_zone_also_when_the_plus_was_not_encoded() -> None:
    assert iso(moment("2026-05-01T10:00:00 02:00", "at")) == "2026-05-01T08:00:00Z"
    assert iso(moment("2026-05-01 10:00:00", "at")) == "2026-05-01T10:00:00Z"
    assert micros(iso(at("2026-05-01"))) == at("2026-05-01T00:00:00Z")
