"""A command goes to its device when the audit has it, and not before."""

import asyncio
from concurrent.futures import Future

import pytest

from hansa.clock import Clock
from hansa.errors import Busy, Full
from hansa.limits import DEFAULT
from hansa.model.entity import entity
from hansa.platform import commands as commands_
from hansa.platform.city import City
from hansa.platform.commands import Commands
from hansa.platform.sqlite import SqliteStore
from hansa.trust.labels import ADMINISTRATOR


class Audit:
    """Takes notes, and answers when it is told to."""

    def __init__(self):
        self.notes = []
        self.answers = []
        self.fault = None

    def note(self, kind, actor, what, *, session=""):
        if self.fault is not None:
            raise self.fault
        self.notes.append((kind, actor, what))
        self.answers.append(Future())
        return self.answers[-1]


class Valve:
    """A city with one valve, whose commands are audited."""

    def __init__(self):
        self.city = City(SqliteStore(":memory:"), Clock(), ADMINISTRATOR, direct=True)
        self.audit = Audit()
        self.sent = []
        self.commands = Commands(self.city, DEFAULT, self.audit.note)
        self.commands.send = lambda device, ident, payload: self.sent.append((device, ident, payload)) or True

    def command(self, key="c1", **payload):
        said = entity("Command", key, commandDevice="valve-7", payload=payload or {"open": True}, status="pending")
        changes = self.city.put(said)
        self.commands.heard(changes)
        return said.id


async def until(true):
    for _ in range(1_000):
        if true():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("not so")


@pytest.fixture
def valve(monkeypatch):
    monkeypatch.setattr(commands_, "AGAIN_S", 0.01)
    one = Valve()
    yield one
    one.city.close()


def test_a_command_is_sent_when_the_audit_has_it_on_disk(valve):
    async def run():
        ident = valve.command()
        ((kind, actor, what),) = valve.audit.notes
        assert (kind, actor) == ("command", "administrator")
        assert what == {"entity": ident, "device": "valve-7", "payload": {"open": True}}
        await asyncio.sleep(0)
        assert valve.sent == []
        assert valve.commands.pending("valve-7") == [], "nor when the device comes back meanwhile"
        valve.audit.answers[0].set_result(1)
        await until(lambda: valve.sent)
        assert valve.sent == [("valve-7", ident, b'{"command":"%b","payload":{"open":true}}' % ident.encode())]

    asyncio.run(run())


@pytest.mark.parametrize("fault", [Busy("too many"), Full("no room")])
def test_a_command_that_cannot_be_noted_waits_until_it_can(valve, fault):
    async def run():
        valve.audit.fault = fault
        valve.command()
        await asyncio.sleep(0.05)
        assert valve.sent == []
        valve.audit.fault = None
        await until(lambda: valve.audit.answers)
        valve.audit.answers[-1].set_exception(fault)
        await until(lambda: len(valve.audit.answers) == 2)
        assert valve.sent == []
        valve.audit.answers[-1].set_result(2)
        await until(lambda: valve.sent)

    asyncio.run(run())


def test_a_command_that_was_taken_back_while_it_waited_is_not_sent(valve):
    async def run():
        valve.audit.fault = Busy("too many")
        ident = valve.command()
        valve.city.delete(ident)
        valve.audit.fault = None
        await until(lambda: not valve.commands._held)
        assert valve.audit.notes == []
        assert valve.sent == []

    asyncio.run(run())


def test_what_waits_for_a_device_is_noted_when_it_is_sent_and_not_sent_when_it_cannot_be(valve):
    async def run():
        ident = valve.command()
        valve.audit.answers[0].set_result(1)
        await until(lambda: valve.sent)
        assert [one for one, _ in valve.commands.pending("valve-7")] == [ident]
        assert valve.audit.notes[-1][2]["did"] == "sent to a device that came back"
        valve.audit.fault = Busy("too many")
        assert valve.commands.pending("valve-7") == []

    asyncio.run(run())


def test_of_a_long_payload_the_audit_keeps_the_hash(valve):
    async def run():
        valve.command(text="x" * 10_000)
        assert valve.audit.notes[0][2]["payload"]["bytes"] > 10_000
        valve.audit.answers[0].set_result(1)
        await until(lambda: valve.sent)
        assert b"x" * 10_000 in valve.sent[0][2]

    asyncio.run(run())
