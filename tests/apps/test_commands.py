"""Commands: asked for, approved by somebody else, read back, and an alarm when nobody answers."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from hansa import Attribute, Conflict, Entity, NotFound, Refusal, command, entity
from hansa.apps.commands import app
from hansa.apps.commands.answers import alert_of
from hansa.clock import text
from hansa.errors import Forbidden
from hansa.model.change import Write
from hansa.platform.commands import Commands
from hansa.platform.sqlite import SqliteStore
from hansa.testing import MemoryCity

GATE = "urn:ngsi-ld:Gate:gate-1"
OPEN = {"gate": "open"}
EXPECTS = {"attribute": "gateState", "value": "open", "within": 30}
TAKES = [
    {"name": "move", "payload": {"gate": {"enum": ["open", "close"]}}},
    {"name": "turn", "payload": {"speed": {"min": 0, "max": 10}}},
]


class Valley(MemoryCity):
    """A city whose commands are really sent, to a device that is played by the test."""

    def __init__(self, realm: str = "open") -> None:
        self.sent: list[tuple[str, Any]] = []
        super().__init__(app, start="2026-04-11T12:00:00Z", store=SqliteStore(":memory:", realm=realm))
        self.commands = Commands(self, self.limits)
        self.commands.send = self._send
        self.watch(self.commands.heard)
        self.say(
            entity("Device", "gate-1", deviceState="active", controlledAsset=GATE),
            entity("Gate", "gate-1", name="Weir gate", gateState="closed", opening=0.0),
        )

    def _send(self, _device: str, ident: str, payload: bytes) -> bool:
        self.sent.append((ident, json.loads(payload)["payload"]))
        return True

    def only(self) -> Entity:
        (one,) = self.find("Command")
        return one

    def delivered(self, ident: str = "", *, accepted: bool = True) -> None:
        self.commands.done(ident or self.only().id, accepted=accepted)
        self.rules.settle()

    def reports(self, **said: Any) -> None:
        at = self.clock.now()
        self.read(entity("Gate", "gate-1", **{name: Attribute(value, at=at) for name, value in said.items()}))


def close(one: Valley) -> Iterator[Valley]:
    with one.closing():
        yield one


@pytest.fixture
def city() -> Iterator[Valley]:
    yield from close(Valley())


@pytest.fixture
def centre() -> Iterator[Valley]:
    yield from close(Valley("security"))


def ask(city: Valley, **said: Any) -> Entity:
    told = {"device": "gate-1", "payload": OPEN, "reason": "river falls"} | said
    city.turn(seconds=0.01)  # nobody asks for two things in one instant
    before = {one.id for one in city.find("Command")}
    city.act("request", **told)
    (made,) = [one for one in city.find("Command") if one.id not in before]
    return made


def alert(city: Valley) -> Entity | None:
    return next(iter(city.find("Alert")), None)


# ---- one person, in the open realm


def test_what_is_asked_for_is_sent_delivered_and_read_back(city: Valley) -> None:
    one = ask(city, expects=EXPECTS)
    assert city.sent == [(one.id, OPEN)]
    city.turn(seconds=3)
    city.delivered()
    assert "result" not in city.only()
    city.turn(seconds=5)
    city.reports(gateState="open")
    one = city.only()
    assert (one["status"], one["result"], one["answer"]["value"]) == ("delivered", "confirmed", "open")
    assert one["requestedBy"] == "person:ada"
    city.turn(seconds=600)
    assert alert(city) is None


def test_what_was_so_before_confirms_nothing_until_it_is_reported_again(city: Valley) -> None:
    city.reports(gateState="open")
    city.turn(seconds=1)
    ask(city, expects=EXPECTS)
    city.delivered()
    assert "result" not in city.only()
    city.turn(seconds=1)
    city.reports(gateState="open")
    assert city.only()["result"] == "confirmed"


def test_a_device_that_reports_before_its_receipt_is_in_is_believed(city: Valley) -> None:
    ask(city, expects=EXPECTS)
    city.turn(seconds=1)
    city.reports(gateState="open")
    assert "result" not in city.only()
    city.delivered()
    assert city.only()["result"] == "confirmed"


def test_a_clock_that_is_wrong_makes_no_difference_and_a_late_reading_none_either(city: Valley) -> None:
    city.turn(seconds=3_600)
    city.reports(gateState="closed")
    ask(city, expects=EXPECTS)
    city.delivered()
    ago = city.clock.now() - 1_800_000_000
    city.read(entity("Gate", "gate-1", gateState=Attribute("open", at=ago)))  # half an hour ago, before the last one
    assert "result" not in city.only()
    slow = city.clock.now() + 20_000_000  # its clock is ahead
    city.read(entity("Gate", "gate-1", gateState=Attribute("open", at=slow)))
    assert city.only()["result"] == "confirmed"


def test_a_number_is_read_back_within_its_tolerance(city: Valley) -> None:
    ask(city, expects={"attribute": "opening", "value": 50, "tolerance": 2})
    city.delivered()
    city.turn(seconds=1)
    city.reports(opening=47.9)
    assert "result" not in city.only()
    city.turn(seconds=1)
    city.reports(opening=48.1)
    assert city.only()["result"] == "confirmed"


def test_what_another_thing_reports_is_no_answer(city: Valley) -> None:
    city.say(entity("Gate", "gate-2", gateState="closed"))
    ask(city, expects=EXPECTS)
    city.delivered()
    city.turn(seconds=1)
    city.read(entity("Gate", "gate-2", gateState=Attribute("open", at=city.clock.now())))
    city.reports(opening=1.0)
    assert "result" not in city.only()


def test_nothing_to_read_back_is_answered_by_the_receipt(city: Valley) -> None:
    ask(city)
    city.delivered()
    assert city.only()["result"] == "delivered"
    city.delivered()  # twice
    assert city.only()["result"] == "delivered"


def test_a_command_that_is_not_confirmed_is_an_alarm_and_a_late_answer_clears_it(city: Valley) -> None:
    ask(city, expects=EXPECTS)
    city.delivered()
    city.turn(seconds=40)
    assert city.only()["result"] == "not confirmed"
    raised = alert(city)
    assert raised is not None
    assert raised.id == alert_of("gate-1")
    assert (raised["subCategory"], raised["status"], raised["alertSource"]) == (
        "command-unanswered",
        "open",
        "urn:ngsi-ld:Device:gate-1",
    )
    assert "gateState" in raised["description"]
    city.turn(seconds=40)
    city.reports(gateState="open")
    assert city.only()["result"] == "confirmed"
    assert city.only()["answer"]["late"] is True
    raised = alert(city)
    assert raised is not None
    assert raised["status"] == "closed"


def test_a_device_that_is_not_reached_is_one_alarm_whatever_waits_for_it(city: Valley) -> None:
    first, second = ask(city), ask(city, payload={"gate": "close"})
    city.turn(seconds=70)
    assert {one["result"] for one in city.find("Command")} == {"not delivered"}
    assert len(city.find("Alert")) == 1
    assert city.commands.pending("gate-1") == [], "what came too late is not done any more"
    assert {one["status"] for one in city.find("Command")} == {"expired"}
    assert {first.id, second.id} == {one.id for one in city.find("Command")}
    ask(city, payload={"gate": "close"})
    city.commands.done(next(one.id for one in city.find("Command") if "result" not in one), accepted=True)
    city.rules.settle()
    raised = alert(city)
    assert raised is not None
    assert raised["status"] == "closed"


def test_a_receipt_that_comes_late_after_all_is_heard(city: Valley) -> None:
    ask(city)
    city.turn(seconds=70)
    assert city.only()["result"] == "not delivered"
    city.delivered()
    assert city.only()["result"] == "delivered"
    raised = alert(city)
    assert raised is not None
    assert raised["status"] == "closed"


def test_a_device_that_refuses_is_an_alarm_too(city: Valley) -> None:
    ask(city)
    city.delivered(accepted=False)
    assert city.only()["result"] == "rejected"
    raised = alert(city)
    assert raised is not None
    assert "refused" in raised["description"]


def test_a_restart_in_between_changes_nothing(city: Valley) -> None:
    from hansa.apps import commands

    ask(city, expects=EXPECTS)
    commands._memories.clear()
    city.delivered()
    commands._memories.clear()
    city.turn(seconds=40)
    assert city.only()["result"] == "not confirmed"
    commands._memories.clear()
    city.reports(gateState="open")
    assert city.only()["result"] == "confirmed"
    raised = alert(city)
    assert raised is not None
    assert raised["status"] == "closed"


def test_commands_of_others_are_followed_as_well(city: Valley) -> None:
    city.say(entity("Command", "x", commandDevice="gate-1", payload=OPEN, status="pending"))
    assert len(city.sent) == 1
    city.turn(seconds=70)
    assert city.only()["result"] == "not delivered"


def test_several_devices_get_a_command_each_all_or_none(city: Valley) -> None:
    city.say(entity("Device", "gate-2", deviceState="active"))
    city.act("request", devices=["gate-1", "gate-2"], payload=OPEN, reason="test")
    assert {one["commandDevice"] for one in city.find("Command")} == {"gate-1", "gate-2"}
    city.turn(seconds=1)
    with pytest.raises(NotFound):
        city.act("request", devices=["gate-1", "gate-3"], payload=OPEN, reason="test")
    assert len(city.find("Command")) == 2


def test_a_drill_sends_nothing(city: Valley) -> None:
    city.say(entity("Incident", "d", drill=True, status="open"))
    one = ask(city, incident="urn:ngsi-ld:Incident:d")
    assert (one["status"], one["drill"]) == ("drill", True)
    assert ask(city, drill=True)["status"] == "drill"
    assert city.sent == []
    assert {it["result"] for it in city.find("Command")} == {"drill"}
    sneaky = {"commandDevice": "gate-1", "payload": OPEN, "status": "pending"}
    city.say(entity("Command", "x", **sneaky, drill=True))
    incident = Attribute("urn:ngsi-ld:Incident:d", kind="Relationship")
    city.say(entity("Command", "y", **sneaky, incident=incident), entity("Command", "z", **sneaky, drill="yes"))
    assert city.sent == []
    assert {it["status"] for it in city.find("Command")} == {"drill"}


@pytest.mark.parametrize(
    ("said", "fault", "where"),
    [
        ({"device": "gate-9"}, NotFound, "urn:ngsi-ld:Device:gate-9"),
        ({"device": 7}, Refusal, "device"),
        ({"device": ""}, Refusal, "device"),
        ({"payload": {}}, Refusal, "payload"),
        ({"payload": "open"}, Refusal, "payload"),
        ({"payload": {"gate": "ajar"}}, Refusal, "payload"),
        ({"payload": {"gate": "open", "and": 1}}, Refusal, "payload"),
        ({"payload": {"speed": 11}}, Refusal, "payload"),
        ({"payload": {"speed": "fast"}}, Refusal, "payload"),
        ({"payload": {"gate": "x" * 5_000}}, Refusal, "payload"),
        ({"reason": ""}, Refusal, "reason"),
        ({"reason": None}, Refusal, "reason"),
        ({"colour": "red"}, Refusal, "colour"),
        ({"drill": "yes"}, Refusal, "drill"),
        ({"twoPeople": 1}, Refusal, "twoPeople"),
        ({"sendWithin": 0}, Refusal, "sendWithin"),
        ({"sendWithin": 1.5}, Refusal, "sendWithin"),
        ({"incident": GATE}, Refusal, "incident"),
        ({"incident": "urn:ngsi-ld:Incident:none"}, NotFound, "urn:ngsi-ld:Incident:none"),
        ({"expects": "open"}, Refusal, "expects"),
        ({"expects": {"attribute": "gateState"}}, Refusal, "expects"),
        ({"expects": EXPECTS | {"by": 1}}, Refusal, "expects"),
        ({"expects": EXPECTS | {"entity": "urn:ngsi-ld:Gate:none"}}, Refusal, "expects.entity"),
        ({"expects": EXPECTS | {"attribute": "colour"}}, Refusal, "expects.attribute"),
        ({"expects": EXPECTS | {"value": 1}}, Refusal, "expects.value"),
        ({"expects": EXPECTS | {"value": None}}, Refusal, "expects.value"),
        ({"expects": {"attribute": "opening", "value": "half"}}, Refusal, "expects.value"),
        ({"expects": {"attribute": "opening", "value": 5, "tolerance": -1}}, Refusal, "expects.tolerance"),
        ({"expects": EXPECTS | {"tolerance": 1}}, Refusal, "expects.tolerance"),
        ({"expects": EXPECTS | {"within": 0}}, Refusal, "expects.within"),
        ({"expects": EXPECTS | {"within": True}}, Refusal, "expects.within"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_where_it_is_wrong(city: Valley, said: Any, fault: Any, where: str) -> None:
    city.say(entity("Device", "gate-1", supportedCommands=TAKES))
    told = {"device": "gate-1", "payload": OPEN, "reason": "test"} | said
    with pytest.raises(fault) as refused:
        city.act("request", **told)
    assert refused.value.where == where
    assert city.find("Command") == []
    assert city.sent == []


def test_a_device_that_says_what_it_takes_takes_that(city: Valley) -> None:
    city.say(entity("Device", "gate-1", supportedCommands=TAKES))
    ask(city, payload={"speed": 10})
    assert city.sent[-1][1] == {"speed": 10}
    city.say(entity("Device", "gate-1", supportedCommands=[{"name": 7}]))
    with pytest.raises(Refusal, match="cannot be read"):
        ask(city)


@pytest.mark.parametrize("state", ["quarantined", "revoked", "enrolled"])
def test_a_device_that_is_not_active_takes_nothing(city: Valley, state: str) -> None:
    city.say(entity("Device", "gate-1", deviceState=state))
    with pytest.raises(Refusal, match=state):
        ask(city)


def test_the_same_request_again_is_one_command(city: Valley) -> None:
    ident = "urn:ngsi-ld:Command:once"
    city.act("request", ident, device="gate-1", payload=OPEN, reason="test")
    with pytest.raises(Conflict, match="already"):
        city.act("request", ident, device="gate-1", payload=OPEN, reason="test")
    assert len(city.sent) == 1


def test_what_is_delivered_is_not_taken_back_and_what_waits_is(city: Valley) -> None:
    one = ask(city, twoPeople=True)
    with pytest.raises(Refusal, match="somebody else"):
        city.act("cancel", one.id, by="person:bo")
    city.act("cancel", one.id, by="person:eva", roles=("supervisor",), reason="too early")
    assert city.only()["status"] == city.only()["result"] == "cancelled"
    with pytest.raises(Conflict):
        city.act("cancel", one.id)
    sent = ask(city)
    city.delivered(sent.id)
    with pytest.raises(Conflict, match="too late"):
        city.act("cancel", sent.id)


def test_only_so_many_wait_for_one_device(city: Valley) -> None:
    for _ in range(50):
        city.turn(seconds=0.1)
        ask(city, twoPeople=True)
    with pytest.raises(Conflict, match="wait for gate-1"):
        ask(city)


def test_a_command_is_guarded_as_what_it_is_about(city: Valley) -> None:
    city.write(Write("say", GATE, {"id": GATE, "type": "Gate"}, label="security;owner=dam"))
    one = ask(city, expects=EXPECTS)
    assert city.get(one.id).label == "security;owner=dam"
    city.turn(seconds=70)
    raised = alert(city)
    assert raised is not None
    assert raised.label == "security;owner=dam"


# ---- interlocks

LEVEL = {"entity": "urn:ngsi-ld:RiverGauge:weir", "attribute": "waterLevel", "is": ">", "value": 3.0}


def lock(city: Valley, **said: Any) -> None:
    told = {"name": "Level", "devices": ["gate-1"], "payload": OPEN, "while": [LEVEL], "reason": "dam book 4.2"} | said
    city.act("interlock", "urn:ngsi-ld:Interlock:level", roles=("supervisor",), **told)


def test_an_interlock_forbids_at_the_act_and_again_at_the_sending(city: Valley) -> None:
    city.say(entity("RiverGauge", "weir", name="Weir", waterLevel=3.5))
    lock(city)
    with pytest.raises(Conflict, match=r"waterLevel of Weir is 3\.5"):
        ask(city)
    city.say(entity("Command", "past-the-act", commandDevice="gate-1", payload=OPEN, status="pending"))
    assert city.sent == []
    assert city.only()["status"] == "blocked"
    # What interlocks see with the city's own eyes may be guarded better than the command is.
    assert city.only()["withheldBecause"] == "an interlock forbids it at this moment"
    assert city.only()["result"] == "withheld"
    ask(city, payload={"gate": "close"})
    assert len(city.sent) == 1


def test_what_waits_for_its_device_is_weighed_again_when_it_returns(city: Valley) -> None:
    city.say(entity("RiverGauge", "weir", waterLevel=2.0))
    lock(city)
    one = ask(city)
    assert [ident for ident, _ in city.commands.pending("gate-1")] == [one.id]
    city.say(entity("RiverGauge", "weir", waterLevel=4.0))
    assert city.commands.pending("gate-1") == []
    assert city.only()["status"] == "blocked"


def test_an_interlock_on_what_is_not_there_blocks(city: Valley) -> None:
    lock(city)
    with pytest.raises(Conflict, match="not there"):
        ask(city)
    city.say(entity("Interlock", "level", **{"while": [{"odd": 1}]}))
    with pytest.raises(Conflict, match="cannot be used, so it blocks"):
        ask(city, payload={"gate": "close"})


@pytest.mark.parametrize(
    "said",
    [
        {"while": []},
        {"while": [LEVEL | {"is": "?"}]},
        {"payload": 7},
        {"devices": []},
        {"enabled": "no"},
        {"reason": ""},
        {"x": 1},
    ],
)
def test_an_interlock_that_is_none_is_not_written(city: Valley, said: Any) -> None:
    with pytest.raises(Refusal):
        lock(city, **said)
    assert city.find("Interlock") == []


def test_who_previews_sees_what_is_in_the_way_and_what_was_switched_off(city: Valley) -> None:
    city.say(entity("RiverGauge", "weir", name="Weir", waterLevel=3.5))
    lock(city)
    asked = {"devices": "gate-1,gate-9", "payload": json.dumps(OPEN), "expects": json.dumps(EXPECTS)}
    first, second = city.view("preview", asked)["devices"]
    assert first["blocked"]
    assert (first["now"], first["soAlready"], first["twoPeople"]) == ("closed", False, False)
    assert second["faults"][0]["detail"].startswith("there is no entity")
    assert city.view("interlocks")["interlocks"][0]["blocks"]
    city.act(
        "interlock",
        "urn:ngsi-ld:Interlock:level",
        roles=("supervisor",),
        enabled=False,
        reason="works",
        by="person:eva",
    )
    (first,) = city.view("preview", asked | {"devices": "gate-1"})["devices"]
    assert first["blocked"] == []
    assert [(it["name"], it["by"], it["why"]) for it in first["off"]] == [("Level", "person:eva", "works")]
    for bad in ({"devices": ""}, {"devices": "gate-1", "payload": "{"}):
        with pytest.raises(Refusal):
            city.view("preview", bad)


# ---- two people, in the command centre


def approve(city: Valley, one: Entity, by: str = "person:bo", **said: Any) -> None:
    city.act("approve", one.id, by=by, roles=("command",), **({"hash": command.digest(one)} | said))


def test_in_the_command_centre_nothing_is_sent_before_a_second_person_approves(centre: Valley) -> None:
    one = ask(centre, expects=EXPECTS)
    assert one["status"] == "requested"
    assert centre.sent == []
    shown = centre.view("board")["commands"][0]
    approve(centre, one, hash=shown["hash"])
    assert centre.sent == [(one.id, OPEN)]
    one = centre.only()
    assert (one["approvedBy"], one["requestedBy"]) == ("person:bo", "person:ada")
    centre.delivered()
    centre.turn(seconds=1)
    centre.reports(gateState="open")
    assert centre.only()["result"] == "confirmed"


def test_nobody_approves_his_own_and_nobody_twice(centre: Valley) -> None:
    one = ask(centre)
    with pytest.raises(Refusal, match="somebody else"):
        approve(centre, one, by="person:ada")
    with pytest.raises(Forbidden):
        centre.act("approve", one.id, by="person:bo", roles=("operator",), hash=command.digest(one))
    approve(centre, one)
    with pytest.raises(Conflict, match="nobody waits"):
        approve(centre, one)
    assert len(centre.sent) == 1


@pytest.mark.parametrize("said", [{"hash": "0" * 64}, {"hash": None}, {"hashes": 7}, {"hashes": {}}])
def test_whoever_approves_says_exactly_what(centre: Valley, said: Any) -> None:
    one = ask(centre)
    with pytest.raises(Conflict, match="not what was asked for"):
        approve(centre, one, **({"hash": None} | said))
    approve(centre, one, hash=None, hashes={one.id: command.digest(one)})
    assert len(centre.sent) == 1


def test_what_was_asked_for_long_ago_is_not_approved(centre: Valley) -> None:
    one = ask(centre)
    centre.turn(seconds=905)
    with pytest.raises((Refusal, Conflict)):
        approve(centre, one)
    assert centre.only()["result"] == "not approved"
    assert centre.sent == []
    assert alert(centre) is None


def test_an_interlock_that_has_come_to_hold_stops_the_approval(centre: Valley) -> None:
    centre.say(entity("RiverGauge", "weir", waterLevel=2.0))
    lock(centre)
    one = ask(centre)
    centre.say(entity("RiverGauge", "weir", waterLevel=4.0))
    with pytest.raises(Conflict, match="interlock"):
        approve(centre, one)
    assert centre.sent == []


def test_a_second_person_may_say_no(centre: Valley) -> None:
    one = ask(centre)
    with pytest.raises(Refusal):
        centre.act("deny", one.id, by="person:bo", roles=("command",))
    centre.act("deny", one.id, by="person:bo", roles=("command",), reason="not now")
    assert (centre.only()["status"], centre.only()["result"]) == ("denied", "denied")
    with pytest.raises(Conflict):
        approve(centre, one)


@pytest.mark.parametrize(
    "forged",
    [
        {},
        {"requestedBy": "person:ada"},
        {"requestedBy": "person:ada", "approvedBy": "person:ada"},
        {"requestedBy": "person:ada", "approvedBy": "person:bo"},
        {"requestedBy": "person:ada", "approvedBy": "person:bo", "approvedHash": "0" * 64},
    ],
)
def test_what_is_pending_without_two_people_is_not_sent_whoever_wrote_it(centre: Valley, forged: Any) -> None:
    centre.say(entity("Command", "x", commandDevice="gate-1", payload=OPEN, status="pending", **forged))
    assert centre.sent == []
    assert centre.only()["status"] == "blocked"
    assert "two people" in centre.only()["withheldBecause"]
    assert centre.commands.pending("gate-1") == []


def test_a_payload_that_is_changed_after_the_approval_is_not_sent(centre: Valley) -> None:
    one = ask(centre)
    approve(centre, one)
    centre.sent.clear()
    centre.say(entity("Command", one.key, payload={"gate": "burst"}))
    assert centre.sent == []
    assert centre.only()["status"] == "blocked"


def test_the_board_shows_what_is_under_way_and_lately_was(city: Valley) -> None:
    ask(city)
    city.delivered()
    city.turn(seconds=25 * 3_600)
    open_one = ask(city, twoPeople=True)
    told = city.view("board")
    assert [it["id"] for it in told["commands"]] == [open_one.id]
    assert told["at"].startswith(text(city.clock.now())[:19])
    assert len(city.view("board", {"hours": "48"})["commands"]) == 2
    with pytest.raises(Refusal):
        city.view("board", {"hours": "-1"})
    assert city.view("devices")["devices"][0]["asset"] == GATE


def test_what_a_run_book_has_a_device_do_waits_for_a_second_person_in_the_command_centre() -> None:
    from hansa.apps.incidents import app as incidents

    store = SqliteStore(":memory:", realm="security")
    with MemoryCity(incidents, app, store=store, start="2026-04-11T12:00:00Z").closing() as city:

        def do(app_: str, act: str, ident: str = "", **said: Any) -> list[Entity]:
            return [it.entity for it in city.act(act, ident, app=app_, roles=("command",), **said)]

        raised = next(it.id for it in do("incidents", "raise", name="Flood") if "Incident" in it.types)
        step = {"id": "s", "kind": "command", "title": "Open", "device": "gate-1", "payload": OPEN}
        book = "urn:ngsi-ld:RunBook:b"
        told = {"name": "b", "summary": "s", "reviewDate": "2027-01-01", "sources": [{"title": "dam book"}]}
        do("incidents", "publish", book, steps=[step], **told)
        run = next(it.id for it in do("incidents", "run", raised, book=book) if "RunBookRun" in it.types)
        do("incidents", "do-step", run, step="s")
        (one,) = city.find("Command")
        assert (one["status"], one["requestedBy"]) == ("requested", "person:ada")
        (line,) = city.view("board", app="commands")["commands"]
        city.act("approve", one.id, app="commands", by="person:bo", roles=("command",), hash=line["hash"])
        assert city.get(one.id)["status"] == "pending"


# ---- what is read back under another label


CARE = "personal;owner=care"


def guard(city: Valley, label: str | None, attribute: str | None = None) -> None:
    one = entity("Gate", "gate-1", gateState="closed")
    city.write(
        Write("say", one.id, one.doc, label=label, labels=None if attribute is None else {"gateState": attribute})
    )


@pytest.mark.parametrize(("label", "attribute"), [(CARE, None), (None, CARE)])
def test_a_command_is_guarded_as_what_it_reads_back_is(city: Valley, label: str | None, attribute: str | None) -> None:
    guard(city, label, attribute)
    one = ask(city, expects=EXPECTS)
    assert city.get(one.id).label == CARE
    city.delivered()
    city.turn(seconds=40)
    found = alert(city)
    assert found is not None
    assert found.label == CARE


def test_the_alarm_of_a_device_that_did_not_do_it_tells_no_value(city: Valley) -> None:
    ask(city, expects=EXPECTS)
    city.delivered()
    city.reports(gateState="ajar")
    city.turn(seconds=40)
    found = alert(city)
    assert found is not None
    assert "gateState was not as asked" in found["description"]
    assert not {"ajar", "closed", "open"} & set(found["description"].replace("'", " ").split())


@pytest.mark.parametrize(("label", "attribute"), [(CARE, None), (None, CARE)])
def test_what_came_to_be_guarded_more_strictly_is_neither_compared_nor_told(
    city: Valley, label: str | None, attribute: str | None
) -> None:
    one = ask(city, expects=EXPECTS)
    guard(city, label, attribute)
    city.delivered()
    city.reports(gateState="open")
    assert "result" not in city.get(one.id)
    city.turn(seconds=40)
    assert city.get(one.id)["result"] == "not confirmed"
    assert "answer" not in city.get(one.id)
    found = alert(city)
    assert found is not None
    assert "guarded otherwise" in found["description"]


def test_an_alarm_keeps_to_the_label_of_what_it_told_before(city: Valley) -> None:
    guard(city, CARE)
    ask(city, expects=EXPECTS)
    city.delivered()
    city.turn(seconds=40)
    one = entity("Device", "gate-1", deviceState="active")
    city.write(Write("say", one.id, one.doc, label="personal;owner=police"))
    made = ask(city)
    assert city.get(made.id).label == "personal;owner=police"
    city.turn(seconds=100)
    found = alert(city)
    assert found is not None
    assert "not reached" in found["description"]
    assert found.label == "personal;owner=several"


def test_a_command_to_one_department_s_device_that_another_s_reads_back_is_neither_s(city: Valley) -> None:
    guard(city, "smart;owner=parks")
    one = entity("Device", "gate-1", deviceState="active")
    city.write(Write("say", one.id, one.doc, label="smart;owner=roads"))
    assert city.get(ask(city, expects=EXPECTS).id).label == "smart;owner=several"
    assert city.get(ask(city).id).label == "smart;owner=roads"
