"""Run-books as people go through them: versions, branches, waits, evidence, drills; on the real store and rules."""

import json
from pathlib import Path
from typing import Any

import pytest

from hansa import Attribute, Conflict, Forbidden, NotFound, Refusal, entity
from hansa.apps import incidents
from hansa.apps.incidents import app
from hansa.model.change import Write
from hansa.testing import MemoryCity

BOOK = "urn:ngsi-ld:RunBook:flood"
GAUGE = "urn:ngsi-ld:WaterObserved:mill"
STEPS: list[dict[str, Any]] = [
    {"id": "look", "kind": "manual", "title": "Look at the gauge", "withinMinutes": 10, "evidence": True},
    {"id": "call", "kind": "notify", "title": "Call the team", "to": ["operations", "person:dan"], "message": "Come"},
    {"id": "high", "kind": "condition", "title": "High?", "entity": "$gauge", "attribute": "waterLevel", "is": ">=",
     "value": 3, "unit": "MTR", "freshMinutes": 30, "then": "pump", "else": "rest"},
    {"id": "rest", "kind": "wait", "title": "Wait", "minutes": 20, "next": "end"},
    {"id": "pump", "kind": "command", "title": "Start the pump", "owner": "operations", "withinMinutes": 5,
     "device": "pump-7", "payload": {"on": True}},
    {"id": "falls", "kind": "wait", "title": "Until it falls", "entity": "$gauge", "attribute": "waterLevel", "is": "<",
     "value": 2, "atMostMinutes": 60, "else": "end"},
    {"id": "open", "kind": "manual", "title": "Open the road"},
]  # fmt: skip


@pytest.fixture
def city() -> MemoryCity:
    made = MemoryCity(app, start="2026-04-01T18:00:00Z")
    publish(made)
    level(made, 3.4)
    return made


def publish(city: MemoryCity, ident: str = BOOK, **said: Any) -> None:
    told = {"name": "Flood", "steps": STEPS, "needs": {"gauge": "The gauge"}, "reviewDate": "2027-01-01",
            "forAlarms": [{"category": "water"}], "sources": [{"title": "The handbook"}]}  # fmt: skip
    city.act("publish", ident, by="person:eng", roles=["engineer"], **(told | said))


def level(city: MemoryCity, metres: float, **more: Any) -> None:
    at = city.clock.now()
    one = entity("WaterObserved", "mill", waterLevel=Attribute(metres, "MTR", at))
    one.label = more.get("label")
    city.say(one)


def started(city: MemoryCity, **said: Any) -> tuple[str, str]:
    ident = city.act("raise", name="Flood", commander="person:ada", drill=said.pop("incident_drill", False))[
        0
    ].entity.id
    changes = city.act("run", ident, book=BOOK, **({"with": {"gauge": GAUGE}} | said))
    return ident, next(one.entity.id for one in changes if one.entity.type == "RunBookRun")


def course(city: MemoryCity, ident: str) -> dict[str, Any]:
    (run,) = city.view("picture", {"id": ident})["runs"]
    return run


def states(city: MemoryCity, ident: str) -> list[str]:
    return [one["state"] for one in course(city, ident)["steps"]]


def test_a_run_goes_step_by_step_and_conditions_decide_themselves(city: MemoryCity) -> None:
    ident, run = started(city)
    assert course(city, ident)["current"] == "look"
    city.turn(seconds=60)
    city.act(
        "do-step",
        run,
        step="look",
        text="it stands at the mark",
        capture=[{"entity": GAUGE, "attribute": "waterLevel"}],
    )
    city.act("do-step", run, step="call")
    told = course(city, ident)
    assert (told["current"], states(city, ident)[2]) == ("pump", "passed")
    assert told["steps"][2]["word"]["reading"]["value"] == 3.4
    assert told["steps"][0]["word"]["captured"][0] == {
        "entity": GAUGE, "attribute": "waterLevel", "value": 3.4, "unit": "MTR", "at": "2026-04-01T18:00:00Z",
    }  # fmt: skip
    city.turn(seconds=600)
    assert course(city, ident)["steps"][4]["late"] is True
    city.act("do-step", run, step="pump")
    level(city, 1.5)
    city.turn(seconds=10)
    assert course(city, ident)["current"] == "open"
    city.act("do-step", run, step="open")
    told = course(city, ident)
    assert (told["status"], told["current"]) == ("done", None)
    assert "ended" in city.get(run)
    with pytest.raises(Refusal, match="this run is over"):
        city.act("do-step", run, step="open")
    review = city.view("review", {"id": ident})
    assert review["runs"][0]["late"] == ["Start the pump"]
    assert any("High?: yes (waterLevel 3.4 MTR)" in one["text"] for one in review["timeline"])


def test_notices_and_commands_are_written_by_a_persons_act(city: MemoryCity) -> None:
    ident, run = started(city)
    city.act("post", ident, post="operations", person="person:bo")
    city.act("do-step", run, step="look", text="seen")
    assert city.find("Notice") == city.find("Command") == []
    city.act("do-step", run, step="call")
    (notice,) = city.find("Notice")
    assert notice["to"] == ["person:bo", "person:dan"]
    assert notice["status"] == "written"
    assert notice["incident"] == ident
    city.turn(seconds=100)
    assert city.find("Command") == []  # the step is on, and waits for somebody
    changes = city.act("do-step", run, step="pump")
    (command,) = city.find("Command")
    assert (command["commandDevice"], command["payload"], command["status"]) == ("pump-7", {"on": True}, "pending")
    assert {one.actor for one in changes} == {"person:ada"}
    assert {one.actor for one in city.changes if one.entity.type in {"Command", "Notice"}} == {"person:ada"}


def test_a_command_that_an_interlock_blocks_is_not_written(city: MemoryCity) -> None:
    ident, run = started(city)
    city.act("do-step", run, step="look", text="seen")
    city.act("do-step", run, step="call")
    city.say(
        entity(
            "Interlock", "dry", name="Never dry", devices=["pump-7"], payload={"on": True}, enabled=True,
            **{"while": [{"entity": GAUGE, "attribute": "waterLevel", "is": ">", "value": 3.0}]},
        )
    )  # fmt: skip
    with pytest.raises(Refusal, match="an interlock blocks it: Never dry"):
        city.act("do-step", run, step="pump")
    assert city.find("Command") == []
    assert course(city, ident)["current"] == "pump"
    level(city, 2.0)
    city.act("do-step", run, step="pump")
    assert city.find("Command")[0]["status"] == "pending"


@pytest.mark.parametrize("how", [{"drill": True}, {"incident_drill": True}])
def test_a_drill_sends_nothing_and_keeps_what_it_would_have_sent(city: MemoryCity, how: dict[str, bool]) -> None:
    ident, run = started(city, **how)
    city.act("do-step", run, step="look", text="seen")
    city.act("do-step", run, step="call")
    city.act("do-step", run, step="pump")
    assert city.find("Command") == []
    assert city.find("Notice") == []
    told = course(city, ident)
    assert told["drill"] is True
    assert told["steps"][4]["word"]["wouldCommand"] == {"device": "pump-7", "payload": {"on": True}}
    assert any("DRILL, not sent" in one["text"] for one in city.view("log", {"id": ident})["lines"])


def test_skipping_needs_a_reason_and_leads_on(city: MemoryCity) -> None:
    ident, run = started(city)
    with pytest.raises(Refusal, match="text"):
        city.act("skip-step", run, step="look")
    city.act("skip-step", run, step="look", text="the camera shows it")
    city.act("skip-step", run, step="call", text="they are here")
    assert states(city, ident)[:3] == ["skipped", "skipped", "passed"]
    assert city.view("review", {"id": ident})["runs"][0]["skipped"][0]["why"] == "the camera shows it"
    assert city.find("Notice") == []


def test_evidence_that_is_asked_for_must_be_given(city: MemoryCity) -> None:
    _, run = started(city)
    with pytest.raises(Refusal, match="wants evidence"):
        city.act("do-step", run, step="look")
    with pytest.raises(Refusal, match="says no ice"):
        city.act("do-step", run, step="look", capture=[{"entity": GAUGE, "attribute": "ice"}])
    with pytest.raises(NotFound):
        city.act("do-step", run, step="look", capture=[{"entity": "urn:ngsi-ld:X:none", "attribute": "x"}])
    city.act("do-step", run, step="look", links=["https://city.example/picture/7"])


def test_only_the_step_that_is_on_is_done_and_only_once(city: MemoryCity) -> None:
    _, run = started(city)
    with pytest.raises(Refusal, match="this step is not on"):
        city.act("do-step", run, step="pump")
    with pytest.raises(Refusal, match="no such step"):
        city.act("do-step", run, step="nothing")
    city.act("do-step", run, step="look", text="x")
    with pytest.raises(Conflict, match="done already"):
        city.act("do-step", run, step="look", text="x")
    with pytest.raises(Refusal, match="nothing to decide"):
        city.act("decide-step", run, step="call", answer=True, text="x")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda city: city.turn(seconds=3_600), "older than 30 minutes"),
        (lambda city: city.delete(GAUGE), "there is no"),
        (lambda city: city.delete(GAUGE, "waterLevel"), "says no waterLevel"),
        (
            lambda city: city.say(entity("WaterObserved", "mill", waterLevel=Attribute(340, "CMT", city.clock.now()))),
            "not in the unit MTR",
        ),
        (
            lambda city: city.say(
                entity("WaterObserved", "mill", waterLevel=Attribute("high", None, city.clock.now()))
            ),
            "compare",
        ),
        (lambda city: level(city, 3.4, label="personal;owner=water"), "guarded in another way"),
        (lambda city: level(city, 3.4, label="smart;owner=water;purposes=irrigation"), "guarded in another way"),
    ],
)
def test_what_cannot_be_decided_says_why_and_waits_for_a_person(city: MemoryCity, spoil: Any, why: str) -> None:
    ident, run = started(city)
    city.act("do-step", run, step="look", text="x")
    spoil(city)
    city.act("do-step", run, step="call")
    city.turn(seconds=10)
    told = course(city, ident)
    assert told["current"] == "high"
    assert why in told["stuck"]
    with pytest.raises(Refusal, match="ends by itself"):
        city.act("do-step", run, step="high")
    with pytest.raises(Refusal):
        city.act("decide-step", run, step="high", answer=False)
    city.act("decide-step", run, step="high", answer=False, text="seen from the bridge: below the mark")
    told = course(city, ident)
    assert (told["current"], told["stuck"]) == ("rest", "")


def test_another_departments_reading_decides_and_its_figure_is_not_told(city: MemoryCity) -> None:
    ident, run = started(city)
    city.act("do-step", run, step="look", text="x")
    level(city, 3.4, label="smart;owner=water")
    city.act("do-step", run, step="call")
    told = course(city, ident)
    assert told["current"] == "pump"
    assert told["steps"][2]["word"]["reading"] == {"entity": GAUGE, "owned": True}
    assert "3.4" not in str(city.view("review", {"id": ident}))


def test_a_condition_on_an_attribute_that_is_guarded_alone_is_not_decided(city: MemoryCity) -> None:
    ident, run = started(city)
    city.act("do-step", run, step="look", text="x")
    one = entity("WaterObserved", "mill", waterLevel=Attribute(3.4, "MTR", city.clock.now()))
    city.write(Write("say", one.id, one.doc, labels={"waterLevel": "personal;owner=water"}))
    city.act("do-step", run, step="call")
    told = course(city, ident)
    assert told["current"] == "high"
    assert "guarded in another way" in city.get(run)["stuck"]


def test_a_reading_that_is_guarded_otherwise_is_not_kept_in_a_run(city: MemoryCity) -> None:
    _, run = started(city)
    level(city, 3.4, label="personal;owner=water")
    with pytest.raises(Refusal, match="guarded in another way"):
        city.act("do-step", run, step="look", capture=[{"entity": GAUGE, "attribute": "waterLevel"}])


def test_a_wait_ends_at_its_minute_and_a_wait_for_a_level_at_its_last(city: MemoryCity) -> None:
    level(city, 1.0)
    ident, run = started(city)
    city.act("do-step", run, step="look", text="x")
    city.act("do-step", run, step="call")
    assert course(city, ident)["current"] == "rest"
    city.turn(seconds=19 * 60)
    assert course(city, ident)["current"] == "rest"
    city.turn(seconds=70)
    assert course(city, ident)["status"] == "done"
    level(city, 3.3)
    other, second = started(city)
    city.act("do-step", second, step="look", text="x")
    city.act("do-step", second, step="call")
    city.act("do-step", second, step="pump")
    for _ in range(13):
        city.turn(seconds=300)
        level(city, 3.3)
    told = course(city, other)
    assert told["status"] == "done"
    assert told["steps"][5]["word"]["answer"] is False


def test_steps_are_handed_to_others_and_runs_are_stopped_with_a_reason(city: MemoryCity) -> None:
    ident, run = started(city)
    city.act("assign-step", run, step="pump", owner="person:bo")
    assert course(city, ident)["steps"][4]["owner"] == "person:bo"
    with pytest.raises(Refusal):
        city.act("assign-step", run, step="nothing", owner="x")
    with pytest.raises(Refusal):
        city.act("stop-run", run)
    city.act("stop-run", run, text="a false alarm")
    assert course(city, ident)["status"] == "stopped"
    with pytest.raises(Refusal, match="over"):
        city.act("do-step", run, step="look", text="x")


def test_a_new_version_leaves_runs_and_the_old_version_as_they_are(city: MemoryCity) -> None:
    ident, _ = started(city)
    publish(city, steps=STEPS[:1], needs={}, name="Flood, shorter", version=2)
    with pytest.raises(Conflict, match="version 2 is the newest"):
        publish(city, version=2)
    assert len(course(city, ident)["steps"]) == 7
    assert course(city, ident)["version"] == 1
    old = city.get(f"{BOOK}:v1")
    assert (old["status"], len(old["steps"]), city.get(BOOK)["version"]) == ("superseded", 7, 2)
    assert [one["id"] for one in city.view("books")["books"]] == [BOOK]
    assert len(city.view("books", {"all": "1"})["books"]) == 2
    city.act("withdraw", BOOK, roles=["supervisor"])
    with pytest.raises(Refusal, match="no run-book in use"):
        city.act("run", ident, book=BOOK)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"steps": []}, "1 to 200"), ({"steps": [{**STEPS[0], "next": "look"}]}, "would loop"),
        ({"needs": {}}, r"\$gauge"),
        ({"reviewDate": "2020-01-01"}, "not to come"), ({"reviewDate": "soon"}, "a day"), ({"name": ""}, "empty"),
        ({"sources": [{"title": "x", "url": "javascript:alert(1)"}]}, "web address"), ({"forAlarms": [{}]}, "pattern"),
    ],
)  # fmt: skip
def test_what_is_no_run_book_is_not_published(city: MemoryCity, said: dict[str, Any], why: str) -> None:
    with pytest.raises(Refusal, match=why):
        publish(city, "urn:ngsi-ld:RunBook:new", **said)
    assert len(city.find("RunBook")) == 1


def test_operators_do_not_publish_and_ids_are_run_books_ids(city: MemoryCity) -> None:
    with pytest.raises(Forbidden):
        city.act("publish", BOOK, name="x")
    for wrong in ("urn:ngsi-ld:Building:x", "urn:ngsi-ld:RunBook:flood:v1"):
        with pytest.raises(Refusal, match="id is"):
            publish(city, wrong)


def test_what_a_run_needs_is_named_or_taken_from_the_alarm(city: MemoryCity) -> None:
    ident = city.act("raise", name="Flood")[0].entity.id
    with pytest.raises(Refusal, match=r"needs \$gauge"):
        city.act("run", ident, book=BOOK)
    with pytest.raises(NotFound):
        city.act("run", ident, book="urn:ngsi-ld:RunBook:none")
    source = [{**STEPS[2], "entity": "$source"}, STEPS[3], STEPS[4]]
    publish(city, "urn:ngsi-ld:RunBook:source", steps=source, needs={})
    city.say(entity("Alert", "a", status="open", alertSource=GAUGE, category="water"))
    with_alarm = city.act("raise", name="Flood", alarms=["urn:ngsi-ld:Alert:a"])[0].entity.id
    assert {one["id"] for one in city.view("picture", {"id": with_alarm})["books"]} == {
        BOOK,
        "urn:ngsi-ld:RunBook:source",
    }
    city.act("run", with_alarm, book="urn:ngsi-ld:RunBook:source")
    city.turn(seconds=10)
    assert course(city, with_alarm)["current"] == "pump"


def test_the_run_books_that_ship_can_be_imported_suggested_and_started(city: MemoryCity) -> None:
    for one in json.loads((Path(incidents.__file__).parent / "run-books.json").read_text("utf-8")):
        said = {name: part["value"] for name, part in one.items() if isinstance(part, dict)}
        city.say(entity("RunBook", one["id"], **said))
        ident = city.act("raise", name=one["id"])[0].entity.id
        city.act(
            "run", ident, book=one["id"], **{"with": {name: f"urn:ngsi-ld:Thing:{name}" for name in said["needs"]}}
        )
        assert course(city, ident)["current"] == said["steps"][0]["id"]
    city.say(entity("Alert", "n", category="weather", subCategory="frostNight", status="open"))
    told = city.view("books", {"for": "urn:ngsi-ld:Alert:n"})["books"]
    assert [one["id"] for one in told] == ["urn:ngsi-ld:RunBook:frost-night"]
    assert told[0]["overdue"] is False
