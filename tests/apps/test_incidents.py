"""Incidents as people work with them: acts and views of the app, on the real store and rules."""

import csv
import io
import re
from typing import Any

import pytest

from hansa import Attribute, Conflict, Forbidden, NotFound, Refusal, entity
from hansa.apps.incidents import app, words
from hansa.model.change import Refused
from hansa.testing import MemoryCity

START = "2026-04-01T18:00:00Z"
SOON = "2026-04-01T19:00:00Z"
SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture
def city() -> MemoryCity:
    return MemoryCity(app, start=START)


def alarm(city: MemoryCity, key: str, label: str | None = None, **said: Any) -> str:
    one = entity(
        "Alert", key, **{"severity": "high", "status": "open", "category": "water", "description": f"Water at {key}",
                         "alertSource": f"urn:ngsi-ld:Gauge:{key}",
                         "location": {"type": "Point", "coordinates": [15.4, 47.0]}, **said},
    )  # fmt: skip
    one.label = label
    city.say(one)
    return one.id


def raised(city: MemoryCity, **said: Any) -> str:
    changes = city.act("raise", **({"name": "Flood"} | said))
    return changes[0].entity.id


def log(city: MemoryCity, ident: str) -> list[str]:
    return [one["text"] for one in reversed(city.view("log", {"id": ident})["lines"])]


def picture(city: MemoryCity, ident: str) -> dict[str, Any]:
    told: dict[str, Any] = city.view("picture", {"id": ident})
    return told


def opened(city: MemoryCity, **said: Any) -> str:
    ident = raised(city, commander="person:ada", **said)
    city.act("move", ident, to="verified")
    city.act("move", ident, to="open")
    return ident


# ---- raising


def test_an_incident_is_raised_from_alarms_with_their_words_place_and_severity(city: MemoryCity) -> None:
    one, two = (
        alarm(city, "a"),
        alarm(city, "b", severity="critical", location={"type": "Point", "coordinates": [15.5, 47.1]}),
    )
    ident = city.act("raise", alarms=[one, two])[0].entity.id
    found = city.get(ident)
    assert found["name"] == "Water at a (and 1 more)"
    assert (found["severity"], found["status"], found["raisedFrom"], found["drill"]) == (
        "critical",
        "new",
        "alarms",
        False,
    )
    assert found["area"]["type"] == "Polygon"
    assert found.location["type"] == "Point"
    assert city.get(one)["incident"] == city.get(two)["incident"] == ident
    assert log(city, ident) == ["Raised: Water at a (and 1 more)"]
    assert re.fullmatch(r"urn:ngsi-ld:Incident:260401-[0-9a-z]{5}", ident)


def test_an_alarm_is_in_one_incident_at_a_time(city: MemoryCity) -> None:
    one = alarm(city, "a")
    first = raised(city, alarms=[one])
    with pytest.raises(Conflict, match="in an incident already"):
        raised(city, alarms=[one])
    city.act("move", first, to="resolved", reason="a false alarm")
    assert city.get(raised(city, alarms=[one]))["status"] == "new"


def test_by_hand_it_needs_a_name_and_two_of_one_moment_are_two(city: MemoryCity) -> None:
    with pytest.raises(Refusal, match="needs a name"):
        city.act("raise")
    assert raised(city) != raised(city)


def test_an_id_that_was_asked_for_is_given_once(city: MemoryCity) -> None:
    ident = "urn:ngsi-ld:Incident:mine"
    assert city.act("raise", ident, name="x")[0].entity.id == ident
    with pytest.raises(Conflict, match="raised already"):
        city.act("raise", ident, name="x")
    with pytest.raises(Refusal, match="begins with"):
        city.act("raise", "urn:ngsi-ld:Other:mine", name="x")


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"alarms": ["urn:ngsi-ld:Alert:none"]}, None), ({"alarms": "x"}, "alarms"), ({"alarms": [7]}, "alarms[0]"),
        ({"severity": "huge"}, "severity"), ({"drill": "yes"}, "drill"), ({"area": {"type": "Point"}}, "area"),
        ({"location": {"type": "Point", "coordinates": [999, 0]}}, "location"), ({"location": "x"}, "location"),
        ({"name": "x" * 201}, "name"), ({"name": 7}, "name"), ({"nonsense": 1}, "nonsense"),
        ({"source": "god"}, "source"), ({"description": "x" * 20_001}, "description"),
    ],
)  # fmt: skip
def test_what_cannot_be_raised_is_refused_by_name(city: MemoryCity, said: dict[str, Any], where: str | None) -> None:
    with pytest.raises((Refusal, NotFound)) as fault:
        raised(city, **said)
    assert where is None or fault.value.where == where
    assert city.find("Incident") == []


def test_an_incident_is_guarded_as_the_most_guarded_of_its_alarms(city: MemoryCity) -> None:
    one = alarm(city, "fall", label="personal;owner=care", description="Mrs Novak fell")
    ident = raised(city, alarms=[one])
    assert city.get(ident).label == "personal;owner=care"
    city.act("note", ident, text="called her")
    city.act("task", ident, name="Visit", owner="person:bo", due=SOON)
    assert {one.label for kind in ("IncidentLog", "IncidentTask") for one in city.find(kind)} == {"personal;owner=care"}
    open_ = raised(city, alarms=[alarm(city, "free", label="open")])
    assert city.get(open_).label is None  # staff only: what is public makes no public incident


def test_what_is_guarded_more_strictly_is_not_named_in_an_incident(city: MemoryCity) -> None:
    ident = raised(city)
    with pytest.raises(Refusal, match="guarded more strictly"):
        city.act("link", ident, alarms=[alarm(city, "fall", label="personal;owner=care")])
    assert "alarms" not in city.get(ident)


def test_a_drill_looks_at_alarms_and_takes_none_away(city: MemoryCity) -> None:
    one = alarm(city, "a")
    ident = raised(city, alarms=[one], drill=True)
    assert city.get(ident)["drill"] is True
    assert "incident" not in city.get(one)
    assert city.get(raised(city, alarms=[one]))["status"] == "new"


# ---- states and posts


def test_from_raised_to_reviewed_each_step_is_dated_and_logged(city: MemoryCity) -> None:
    ident = raised(city)
    city.turn(seconds=120)
    city.act("move", ident, to="verified")
    with pytest.raises(Refusal, match="nobody is in command"):
        city.act("move", ident, to="open")
    city.turn(seconds=60)
    city.act("post", ident, post="commander", person="person:ada")
    for to in ("open", "contained", "resolved", "reviewed"):
        city.turn(seconds=600)
        city.act("move", ident, to=to)
    found = city.get(ident)
    assert [found[name] for name in words.DATES.values()] == [
        "2026-04-01T18:00:00Z", "2026-04-01T18:02:00Z", "2026-04-01T18:13:00Z", "2026-04-01T18:23:00Z",
        "2026-04-01T18:33:00Z", "2026-04-01T18:43:00Z",
    ]  # fmt: skip
    assert found["dateCommanded"] == "2026-04-01T18:03:00Z"
    assert log(city, ident)[1:3] == ["new → verified", "person:ada takes command"]
    with pytest.raises(Refusal, match="does not become open"):
        city.act("move", ident, to="open", reason="x")
    with pytest.raises(Refusal, match="reviewed and closed"):
        city.act("describe", ident, name="another")


def test_only_who_has_a_post_or_is_senior_decides(city: MemoryCity) -> None:
    ident = opened(city)
    with pytest.raises(Forbidden):
        city.act("move", ident, by="person:bo", to="contained")
    city.act("post", ident, post="operations", person="person:bo")
    city.act("move", ident, by="person:bo", to="contained")
    with pytest.raises(Forbidden):
        city.act("move", ident, by="person:bo", to="resolved")
    city.act("move", ident, by="person:cy", roles=["supervisor"], to="resolved")
    with pytest.raises(Forbidden):
        city.act("raise", by="person:dan", roles=["resident"], name="x")


def test_command_is_handed_over_by_who_has_it_or_a_supervisor_and_never_left(city: MemoryCity) -> None:
    ident = opened(city)
    with pytest.raises(Refusal, match="is in command"):
        city.act("post", ident, by="person:bo", post="commander", person="person:bo")
    with pytest.raises(Refusal, match="handed over"):
        city.act("post", ident, post="commander", person="person:ada", off=True)
    city.act("post", ident, post="commander", person="person:bo")
    assert city.get(ident)["commander"] == "person:bo"
    assert city.get(ident)["roles"]["commander"] == ["person:bo"]
    city.act("post", ident, by="person:bo", post="safety", person="Chief Novak, fire brigade")
    with pytest.raises(Refusal, match="already"):
        city.act("post", ident, by="person:bo", post="safety", person="Chief Novak, fire brigade")
    city.act("post", ident, by="person:bo", post="safety", person="Chief Novak, fire brigade", off=True)
    assert "safety" not in city.get(ident)["roles"]
    with pytest.raises(Refusal, match="one of commander"):
        city.act("post", ident, post="king", person="x")


def test_a_reopened_incident_says_why(city: MemoryCity) -> None:
    ident = opened(city)
    city.act("move", ident, to="resolved", reason="water gone")
    assert city.get(ident)["outcome"] == "water gone"
    with pytest.raises(Refusal, match="resolved"):
        city.act("task", ident, name="x", owner="y", due=SOON)
    with pytest.raises(Refusal, match="needs a reason"):
        city.act("move", ident, to="open")
    city.act("move", ident, to="open", reason="it is back")
    assert city.view("review", {"id": ident})["reopened"] == 1


def test_two_who_edit_the_same_word_do_not_overwrite_each_other(city: MemoryCity) -> None:
    ident = raised(city)
    city.act("describe", ident, name="Flood at the mill", was={"name": "Flood"})
    with pytest.raises(Conflict, match="somebody else changed the name"):
        city.act("describe", ident, by="person:bo", name="Flood in the north", was={"name": "Flood"})
    city.act("describe", ident, by="person:bo", severity="critical", was={"severity": "medium"})
    with pytest.raises(Refusal, match="says already"):
        city.act("describe", ident, name="Flood at the mill")


# ---- tasks


def test_a_task_has_an_owner_and_a_due_time_and_is_late_after_it(city: MemoryCity) -> None:
    ident = opened(city)
    for missing in ({"owner": "x", "due": SOON}, {"name": "x", "due": SOON}, {"name": "x", "owner": "y"}):
        with pytest.raises(Refusal):
            city.act("task", ident, **missing)
    with pytest.raises(Refusal, match="in the past"):
        city.act("task", ident, name="x", owner="y", due="2026-04-01T17:59:00Z")
    task = city.act("task", ident, name="Sandbags", owner="person:bo", due=SOON)[-1].entity.id
    assert picture(city, ident)["tasks"]["rows"][0]["late"] is False
    city.turn(seconds=7_200)
    told = picture(city, ident)["tasks"]
    assert (told["total"], told["open"], told["late"], told["rows"][0]["late"]) == (1, 1, 1, True)
    assert city.view("list")["incidents"][0]["late"] == 1
    city.act("finish-task", task, text="300 bags")
    assert log(city, ident)[-1] == "Task 1 done, late: Sandbags — 300 bags"
    with pytest.raises(Conflict, match="done already"):
        city.act("finish-task", task)
    city.act("reopen-task", task, due="2026-04-01T21:00:00Z")
    with pytest.raises(Refusal, match="text"):
        city.act("drop-task", task)
    city.act("edit-task", task, owner="person:cy", due="2026-04-01T22:00:00Z")
    city.act("drop-task", task, text="not needed")
    assert picture(city, ident)["tasks"]["open"] == 0
    assert [one["status"] for one in city.view("tasks", {"id": ident})["tasks"]] == ["dropped"]


def test_more_tasks_than_a_page_holds_are_counted_and_the_late_ones_shown_first(city: MemoryCity) -> None:
    ident = opened(city)
    city.say(
        *(
            entity("IncidentTask", f"t{i}", incident=Attribute(ident, kind="Relationship"), n=i, name=f"task {i}",
                   owner="x", status="open", dueAt=SOON if i % 10 else "2026-04-01T17:00:00Z", madeAt=START)
            for i in range(1, 1_501)
        ),
        entity("Incident", ident, tasks=10_000, tasksOpen=1_500),
    )  # fmt: skip
    told = picture(city, ident)["tasks"]
    assert (told["open"], told["late"], len(told["rows"])) == (1_500, 150, 1_000)
    assert [one["late"] for one in told["rows"]] == [True] * 150 + [False] * 850
    more = city.view("tasks", {"id": ident, "offset": "1490", "limit": "100"})
    assert more["total"] == 1_500
    assert len(more["tasks"]) == 10
    with pytest.raises(Refusal, match="at most 10,000"):
        city.act("task", ident, name="x", owner="y", due=SOON)


# ---- objectives, costs, notes, findings


def test_objectives_are_met_or_dropped_by_command_and_planning(city: MemoryCity) -> None:
    ident = opened(city)
    city.act("objective", ident, text="Keep the hospital dry")
    with pytest.raises(Forbidden):
        city.act("objective", ident, by="person:bo", text="mine")
    city.act("objective", ident, n=1, state="met")
    assert city.get(ident)["objectives"][0]["state"] == "met"
    with pytest.raises(Conflict):
        city.act("objective", ident, n=1, state="met")
    with pytest.raises(Refusal, match="no objective 2"):
        city.act("objective", ident, n=2, state="met")


def test_costs_are_summed_by_currency_and_voided_never_erased(city: MemoryCity) -> None:
    ident = opened(city)
    city.act("cost", ident, what="Sandbags", amount=0.1, currency="EUR")
    city.act("cost", ident, what="Fuel", amount=0.2, currency="EUR")
    city.act("cost", ident, what="Pump", amount=1_000, currency="CHF")
    assert picture(city, ident)["spent"] == {"CHF": 1000.0, "EUR": 0.3}
    city.act("cost", ident, void=3, reason="lent, not bought")
    assert picture(city, ident)["spent"] == {"EUR": 0.3}
    assert len(city.get(ident)["cost"]) == 3
    for wrong in (
        {"amount": -1},
        {"amount": 0.001},
        {"amount": "5"},
        {"currency": "euro"},
        {"currency": "E€R"},
        {"amount": 1e13},
    ):
        with pytest.raises(Refusal):
            city.act("cost", ident, **({"what": "x", "amount": 1, "currency": "EUR"} | wrong))


def test_a_megabyte_of_text_is_refused_and_a_long_note_is_kept_whole(city: MemoryCity) -> None:
    ident = raised(city)
    with pytest.raises(Refusal, match="20,000 are kept"):
        city.act("note", ident, text="x" * 1_000_000)
    city.act("note", ident, text="y" * 20_000, kind="decision")
    assert log(city, ident)[-1] == "y" * 20_000
    for wrong in ({"text": ""}, {"text": " \n"}, {}, {"text": "x", "kind": "state"}):
        with pytest.raises(Refusal):
            city.act("note", ident, **wrong)


def test_findings_come_when_the_work_is_over_and_an_action_has_an_owner(city: MemoryCity) -> None:
    ident = opened(city)
    with pytest.raises(Refusal, match="this incident is open"):
        city.act("finding", ident, kind="improve", text="x")
    city.act("move", ident, to="resolved", reason="over")
    city.act("finding", ident, kind="went-well", text="The barriers held")
    with pytest.raises(Refusal):
        city.act("finding", ident, kind="action", text="Buy pumps")
    city.act("finding", ident, kind="action", text="Buy pumps", owner="person:bo", due="2026-06-01T00:00:00Z")
    assert [one["kind"] for one in city.view("review", {"id": ident})["findings"]] == ["went-well", "action"]


def test_what_is_needed_is_said_once_a_capability_and_taken_back_with_none(city: MemoryCity) -> None:
    ident = opened(city, severity="high")
    city.act("need", ident, capability="pump", count=2)
    city.act("need", ident, capability="pump", count=3, priority="critical")
    city.act("need", ident, capability="team", count=1)
    assert city.get(ident)["needs"] == [
        {"capability": "pump", "count": 3, "priority": "critical"},
        {"capability": "team", "count": 1, "priority": "high"},
    ]
    city.act("need", ident, capability="pump", count=0)
    assert [one["capability"] for one in city.get(ident)["needs"]] == ["team"]
    for wrong in ({"count": -1}, {"count": 1e9}, {"capability": ""}, {"priority": "huge"}):
        with pytest.raises(Refusal):
            city.act("need", ident, **({"capability": "x", "count": 1} | wrong))


# ---- links, merge and split


def test_links_are_added_and_taken_away_and_the_alarm_is_free_again(city: MemoryCity) -> None:
    ident = raised(city)
    one, thing = alarm(city, "a"), "urn:ngsi-ld:Building:mill"
    city.say(entity("Building", "mill", name="The mill"))
    city.act("link", ident, alarms=[one], entities=[thing])
    with pytest.raises(Refusal, match="linked already"):
        city.act("link", ident, alarms=[one])
    with pytest.raises(Refusal, match="no alarm"):
        city.act("link", ident, alarms=[thing])
    told = picture(city, ident)
    assert [it["id"] for it in told["alarms"]] == [one]
    assert told["links"][0]["name"] == "The mill"
    city.act("unlink", ident, alarms=[one], reason="another brook")
    assert "alarms" not in city.get(ident)
    assert "incident" not in city.get(one)
    with pytest.raises(Refusal, match="none of these"):
        city.act("unlink", ident, alarms=[one])


def test_merging_loses_nothing_and_every_link_stays(city: MemoryCity) -> None:
    one, two = alarm(city, "a"), alarm(city, "b", severity="critical")
    first, second = raised(city, name="North", alarms=[one]), raised(city, name="South", alarms=[two])
    city.act("note", first, text="seen from the bridge")
    city.act("task", first, name="Close the road", owner="person:bo", due=SOON)
    city.act("cost", first, what="Tape", amount=5, currency="EUR")
    city.act("merge", first, into=second, reason="one river")
    gone, kept = city.get(first), city.get(second)
    assert (gone["status"], gone["statusBefore"], gone["mergedInto"]) == ("merged", "new", second)
    assert set(kept["alarms"]) == {one, two}
    assert kept["severity"] == "critical"
    assert city.get(one)["incident"] == second
    told = picture(city, second)
    texts = [it["text"] for it in told["log"]["lines"]]
    assert "seen from the bridge" in texts
    assert f"{first} merged into this one: one river" in texts
    assert told["tasks"]["open"] == 1
    assert told["spent"] == {"EUR": 5.0}
    assert [it["id"] for it in told["merged"]] == [first]
    with pytest.raises(Refusal, match="merged into another"):
        city.act("task", first, name="x", owner="y", due=SOON)
    assert city.view("review", {"id": second})["log"]["broken"] == ""


def test_a_task_of_a_merged_incident_is_still_finished(city: MemoryCity) -> None:
    first, second = raised(city, name="North"), raised(city, name="South")
    task = city.act("task", first, name="x", owner="y", due=SOON)[-1].entity.id
    city.act("merge", first, into=second)
    city.act("finish-task", task)
    assert picture(city, second)["tasks"]["open"] == 0


def test_merging_into_itself_in_a_ring_or_across_a_drill_is_refused(city: MemoryCity) -> None:
    first, second, third = (raised(city, name=name) for name in "abc")
    with pytest.raises(Refusal, match="into itself"):
        city.act("merge", first, into=first)
    city.act("merge", first, into=second)
    with pytest.raises(Refusal, match="merged itself"):
        city.act("merge", second, into=first)
    city.act("merge", second, into=third)
    with pytest.raises(Refusal, match="merged into another"):
        city.act("merge", first, into=third)
    assert {it["id"] for it in picture(city, third)["merged"]} == {first, second}
    with pytest.raises(Refusal, match="drill"):
        city.act("merge", raised(city, drill=True), into=third)
    with pytest.raises(Refusal, match="no incident"):
        city.act("merge", third, into=alarm(city, "a"))
    with pytest.raises(NotFound):
        city.act("merge", third, into="urn:ngsi-ld:Incident:none")


def test_a_ring_that_somebody_wrote_by_hand_does_not_hang_the_page(city: MemoryCity) -> None:
    first, second = raised(city, name="a"), raised(city, name="b")
    city.say(entity("Incident", first, merged=Attribute([second, first], kind="Relationship")),
             entity("Incident", second, merged=Attribute(first, kind="Relationship")))  # fmt: skip
    assert [it["id"] for it in picture(city, first)["merged"]] == [second]


def test_splitting_takes_along_what_was_named_and_both_tell_of_it(city: MemoryCity) -> None:
    one, two = alarm(city, "a"), alarm(city, "b")
    ident = opened(city, alarms=[one, two])
    task = city.act("task", ident, name="Close the road", owner="person:bo", due=SOON)[-1].entity.id
    changes = city.act("split", ident, name="The other brook", alarms=[two], tasks=[task])
    other = changes[0].entity.id
    assert city.get(other)["splitFrom"] == ident
    assert city.get(other)["status"] == "verified"
    assert city.get(two)["incident"] == other
    assert city.get(one)["incident"] == ident
    assert picture(city, ident)["tasks"]["open"] == 0
    assert picture(city, other)["tasks"]["open"] == 1
    assert log(city, ident)[-1].startswith(f"Split off {other}")
    assert log(city, other) == [f"Split from {ident}: The other brook"]
    city.act("task", other, name="new", owner="x", due=SOON)
    with pytest.raises(Refusal, match="not among its alarms"):
        city.act("split", ident, name="x", alarms=[two])
    with pytest.raises(Refusal, match="no task of this"):
        city.act("split", ident, name="x", tasks=[task])


# ---- the log, the report, the review


def test_nobody_rewrites_a_line_and_a_log_that_was_cut_shows_in_the_review(city: MemoryCity) -> None:
    ident = raised(city)
    city.act("note", ident, text="The gate was open")
    assert city.view("review", {"id": ident})["log"]["broken"] == ""
    line = next(one for one in city.find("IncidentLog") if one["text"] == "The gate was open")
    (said,) = city.say(entity("IncidentLog", line.id, text="The gate was shut"))
    assert isinstance(said, Refused)
    assert "what was entered stays" in str(said.error)
    with pytest.raises(Forbidden):
        city.delete(line.id)
    (made,) = city.say(entity("IncidentLog", f"{line.id}-more", text="The gate was shut"))
    assert isinstance(made, Refused)
    # and what says how long the log is, and how it ends, cannot be bent to another log
    city.say(entity("Incident", ident, lines=1))
    assert "the last line is not the one" in city.view("review", {"id": ident})["log"]["broken"]
    city.say(entity("Incident", ident, lines=3))
    assert "1 of 3 lines are missing" in city.view("review", {"id": ident})["log"]["broken"]


def test_older_lines_come_in_pages(city: MemoryCity) -> None:
    ident = raised(city)
    for i in range(30):
        city.act("note", ident, text=f"note {i}")
    page = city.view("log", {"id": ident, "limit": "10"})
    assert page["total"] == 31
    assert [one["n"] for one in page["lines"]] == list(range(31, 21, -1))
    older = city.view("log", {"id": ident, "limit": "10", "before": "22"})
    assert [one["n"] for one in older["lines"]] == list(range(21, 11, -1))
    for wrong in ({"limit": "x"}, {"before": "-1"}):
        with pytest.raises(Refusal):
            city.view("log", {"id": ident, **wrong})


@pytest.mark.parametrize("view", ["report", "review"])
@pytest.mark.parametrize("form", ["html", "pdf"])
def test_reports_hold_what_is_so_and_script_in_every_field_is_text(city: MemoryCity, view: str, form: str) -> None:
    ident = opened(
        city, name=SCRIPT, description=SCRIPT, alarms=[alarm(city, "a", description=SCRIPT, category=SCRIPT)]
    )
    city.act("note", ident, text=SCRIPT + "\n\u202eليل Žilina 東京")
    city.act("task", ident, name=SCRIPT, owner=SCRIPT, due=SOON)
    city.act("objective", ident, text=SCRIPT)
    city.act("post", ident, post="safety", person=SCRIPT)
    city.act("cost", ident, what=SCRIPT, amount=3, currency="EUR")
    city.act("move", ident, to="resolved", reason=SCRIPT)
    city.act("finding", ident, kind="improve", text=SCRIPT)
    answer = city.view(view, {"id": ident, "form": form})
    assert answer.name.endswith(form)
    if form == "html":
        page = answer.body.decode()
        assert "<script" not in page
        assert "<img" not in page
        assert "&lt;script&gt;" in page
        assert page.count("<svg") == (1 if view == "report" else 0)
    else:
        assert answer.body.startswith(b"%PDF-")
        assert answer.body.rstrip().endswith(b"%%EOF")


def test_every_page_of_a_drill_says_so(city: MemoryCity) -> None:
    ident = raised(city, drill=True)
    assert "DRILL" in city.view("report", {"id": ident}).body.decode()
    assert "DRILL" not in city.view("report", {"id": raised(city)}).body.decode()
    assert city.view("list", {"drill": "true"})["incidents"][0]["id"] == ident


def test_a_report_says_how_what_is_in_it_is_guarded(city: MemoryCity) -> None:
    ident = raised(city, alarms=[alarm(city, "fall", label="personal;owner=care", description="Mrs Novak fell")])
    assert "PERSONAL DATA" in city.view("report", {"id": ident}).body.decode()
    assert "PERSONAL DATA" not in city.view("report", {"id": raised(city)}).body.decode()


def test_a_long_line_does_not_break_the_pdf(city: MemoryCity) -> None:
    ident = raised(city)
    city.act("note", ident, text="x" * 20_000)
    city.act("note", ident, text="word " * 4_000)
    for i in range(5):
        city.act("note", ident, text=f"line {i}\n" * 500)
    assert city.view("review", {"id": ident, "form": "pdf"}).body.startswith(b"%PDF-")


def test_the_timeline_is_handed_out_as_a_table_that_runs_nothing(city: MemoryCity) -> None:
    ident = raised(city)
    city.act("note", ident, text="=cmd|' /C calc'!A0")
    rows = list(csv.reader(io.StringIO(city.view("review", {"id": ident, "form": "csv"}).body.decode())))
    assert rows[0] == ["at", "minutes", "by", "kind", "text"]
    assert rows[-1][-1] == "'=cmd|' /C calc'!A0"
    with pytest.raises(Refusal, match="html or pdf"):
        city.view("report", {"id": ident, "form": "exe"})


@pytest.mark.parametrize("view", ["picture", "log", "tasks", "report", "review"])
def test_views_of_nothing_say_so(city: MemoryCity, view: str) -> None:
    with pytest.raises(Refusal, match="which incident"):
        city.view(view)
    for ident in ("urn:ngsi-ld:Incident:none", alarm(city, "a")):
        with pytest.raises(NotFound):
            city.view(view, {"id": ident})


def test_the_list_is_of_what_goes_on_gravest_first_and_can_be_searched(city: MemoryCity) -> None:
    low, high = raised(city, name="Tree down", severity="low"), raised(city, name="River", severity="critical")
    over = raised(city, name="Old", severity="critical")
    city.act("move", over, to="resolved", reason="false")

    def ids(**said: str) -> list[str]:
        return [one["id"] for one in city.view("list", said)["incidents"]]

    assert ids() == [high, low]
    assert ids(status="all") == [high, low, over]
    assert ids(status="resolved") == [over]
    assert ids(text="tree") == [low]
    with pytest.raises(Refusal, match="status"):
        city.view("list", {"status": 'x";hidden'})


def test_every_act_writes_its_line(city: MemoryCity) -> None:
    ident = opened(city)
    n = city.get(ident)["lines"]
    acts: list[tuple[str, dict[str, Any]]] = [
        ("describe", {"name": "new"}), ("need", {"capability": "pump", "count": 2}),
        ("area", {"area": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}}),
        ("post", {"post": "scribe", "person": "x"}), ("note", {"text": "x"}), ("objective", {"text": "x"}),
        ("cost", {"what": "x", "amount": 1, "currency": "EUR"}), ("task", {"name": "x", "owner": "y", "due": SOON}),
        ("link", {"alarms": [alarm(city, "z")]}), ("area", {"hull": True}),
        ("unlink", {"alarms": ["urn:ngsi-ld:Alert:z"]}),
        ("split", {"name": "x"}), ("move", {"to": "contained"}),
    ]  # fmt: skip
    for i, (name, said) in enumerate(acts, start=1):
        city.act(name, ident, **said)
        assert city.get(ident)["lines"] == n + i, name
    assert city.view("review", {"id": ident})["log"]["broken"] == ""
