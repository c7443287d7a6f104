"""What is pending is weighed right before it is sent: drills, what came too late, one person alone, interlocks."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pytest

from hansa import clock
from hansa.clock import Clock
from hansa.limits import DEFAULT
from hansa.model.change import Write
from hansa.model.entity import Attribute, Entity, entity
from hansa.platform import withholding
from hansa.platform.city import City
from hansa.platform.commands import Commands
from hansa.platform.sqlite import SqliteStore
from hansa.trust.labels import ADMINISTRATOR

LEVEL = {"entity": "urn:ngsi-ld:Gauge:weir", "attribute": "level", "is": ">", "value": 3}


class Town:
    """A city whose commands are really sent, and what of it is noted."""

    def __init__(self, realm: str = "open") -> None:
        self.city = City(SqliteStore(":memory:", realm=realm), Clock(), ADMINISTRATOR, direct=True)
        self.sent: list[str] = []
        self.notes: list[Any] = []
        self.commands = Commands(self.city, DEFAULT, lambda kind, who, what, session="": self.notes.append(what))
        self.commands.send = lambda _device, ident, _payload: self.sent.append(ident) or True  # type: ignore[func-returns-value]
        self.city.watch(self.commands.heard)

    def command(self, **said: Any) -> Entity:
        told = {"commandDevice": "gate", "payload": {"open": True}, "status": "pending"} | said
        self.city.put(entity("Command", "c", **told))
        return self.city.get("urn:ngsi-ld:Command:c")

    def in_s(self, seconds: float) -> str:
        return clock.text(self.city.clock.now() + int(seconds * 1_000_000))


@pytest.fixture
def town() -> Iterator[Town]:
    made = Town()
    yield made
    made.city.close()


def test_nothing_in_the_way_and_it_is_sent(town: Town) -> None:
    async def run() -> None:
        assert town.command()["status"] == "pending"
        assert town.sent == ["urn:ngsi-ld:Command:c"]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"drill": True}, "drill"),
        ({"drill": "no"}, "drill"),  # what is neither true nor false is not sent
        ({"sendBy": "2020-01-01T00:00:00Z"}, "expired"),
        ({"sendBy": "tomorrow"}, "blocked"),
        ({"sendBy": 7}, "blocked"),
        ({"incident": Attribute("urn:ngsi-ld:Incident:drill", kind="Relationship")}, "drill"),
    ],
)
def test_what_must_not_be_sent_says_why(town: Town, said: Any, status: str) -> None:
    town.city.put(entity("Incident", "drill", drill=True))
    one = town.command(**said)
    assert (town.sent, one["status"]) == ([], status)
    assert one["withheldBecause"]
    assert town.commands.pending("gate") == []


def test_an_incident_that_is_none_and_a_time_to_come_are_in_nobodys_way(town: Town) -> None:
    async def run() -> None:
        gone = Attribute("urn:ngsi-ld:Incident:gone", kind="Relationship")
        town.command(sendBy=town.in_s(60), incident=gone, drill=False)
        assert len(town.sent) == 1

    asyncio.run(run())


def test_why_an_interlock_forbids_it_is_for_the_audit_alone(town: Town) -> None:
    town.city.put(
        entity("Gauge", "weir", level=4), entity("Interlock", "l", name="VIP", devices=["gate"], **{"while": [LEVEL]})
    )
    one = town.command()
    assert (town.sent, one["status"]) == ([], "blocked")
    assert one["withheldBecause"] == "an interlock forbids it at this moment"
    assert any("not sent: VIP: level of weir is 4 (> 3)" in str(note.get("did")) for note in town.notes)


def test_what_cannot_be_weighed_is_not_sent(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(withholding.command, "blocked", broken)
    assert town.command()["status"] == "blocked"
    assert town.sent == []


def test_what_was_taken_back_while_it_was_noted_is_not_sent(town: Town) -> None:
    async def run() -> None:
        waits: Future[int] = Future()
        town.commands._note = lambda *_a, **_k: waits
        one = town.command()
        town.city.put(entity("Command", "c", status="cancelled"))
        town.commands._noted(waits_done(waits), one, "gate", "person:ada")
        assert town.sent == []
        town.city.delete(one.id)
        town.commands._noted(waits, one, "gate", "person:ada")
        assert town.sent == []

    asyncio.run(run())


def waits_done(one: Any) -> Any:
    one.set_result(1)
    return one


def test_in_the_command_centre_one_person_alone_sends_nothing() -> None:
    town = Town("security")
    assert town.command(requestedBy="person:ada", approvedBy="person:bo")["status"] == "blocked"
    assert town.sent == []
    town.city.close()


def test_what_is_too_much_to_look_at_by_the_citys_own_limits_is_not_sent(town: Town) -> None:
    town.city.limits = replace(DEFAULT, interlock_type=1)
    level = {"type": "Gauge", "attribute": "level", "is": ">", "value": 3}
    town.city.put(
        entity("Gauge", "a", level=1), entity("Gauge", "b", level=1),
        entity("Interlock", "l", name="VIP", devices=["gate"], **{"while": [level]}),
    )  # fmt: skip
    assert (town.command()["status"], town.sent) == ("blocked", [])
    assert any("more than 1 Gauge" in str(note.get("did")) for note in town.notes)


def test_whether_it_is_sent_tells_nothing_of_what_is_guarded_more_strictly(town: Town) -> None:
    town.city.put(entity("Interlock", "l", name="VIP", devices=["gate"], **{"while": [LEVEL]}))
    for level in (1, 9):
        gauge = entity("Gauge", "weir", level=level)
        town.city.write(Write("say", gauge.id, gauge.doc, label="personal;owner=care"))
        town.command(status="requested")
        one = town.command(at=level)
        assert (town.sent, one["status"], one["withheldBecause"]) == (
            [], "blocked", "an interlock forbids it at this moment",
        )  # fmt: skip
    assert "is 9" not in str(town.notes)
