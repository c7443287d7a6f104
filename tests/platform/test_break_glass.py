"""Break-glass: two people, an hour at most, and nothing of it in secret."""

import asyncio

import orjson
import pytest
from two_people import ADA, BEN, OLA, Noted, Wall, person, realms, run, sight

from hansa.errors import AlreadyExists, BadRequest, Forbidden, NotFound, Unauthenticated
from hansa.model.change import Write
from hansa.platform.breakglass import BreakGlass
from hansa.platform.deadletters import TENANT
from hansa.platform.http import Request
from hansa.platform.proposals import Proposals
from hansa.trust.breakglass import is_widened
from hansa.trust.labels import NOBODY, Sight

SUE = person("sue", "supervisor")
WHAT = {"roles": ["command"], "minutes": 30}


class Station:
    def __init__(self, cities, noted=None, wall=None):
        self.city = cities["security"]
        self.noted, self.wall = noted or Noted(), wall or Wall()
        self.told = []
        self.proposals = Proposals(self.city, note=self.noted, now=self.wall)
        self.glass = BreakGlass(self.city, self.proposals, note=self.noted, now=self.wall)
        self.glass.changed.append(self.told.append)

    async def break_it(self, what=WHAT, who=SUE):
        one = await self.proposals.propose("break-glass", what, sight(who), "the river rises")
        return await self.proposals.approve(one.id, BEN, one.digest)

    def did(self):
        return [what["did"] for kind, _, what, _ in self.noted.lines if kind == "break-glass"]


def at_station(tmp_path, test):
    async def work():
        with realms(tmp_path) as cities:
            station = Station(cities)
            await station.glass.start()
            try:
                await test(station)
            finally:
                await station.glass.aclose()

    run(work())


def test_rights_begin_with_the_second_person_and_end_with_their_time(tmp_path):
    async def test(station):
        one = await station.proposals.propose("break-glass", WHAT, sight(SUE), "the river rises")
        assert station.glass.widened(SUE) is SUE
        with pytest.raises(Forbidden):
            await station.proposals.approve(one.id, SUE, one.digest)
        await station.proposals.approve(one.id, BEN, one.digest)
        wide = station.glass.widened(SUE)
        assert wide.roles == {"supervisor", "command"}
        assert is_widened(wide)
        assert station.glass.widened(OLA) is OLA
        assert station.glass.ends(SUE.id) == station.wall() + 30 * 60_000_000
        assert station.told == ["person:sue"]
        station.wall.turn(30 * 60 - 1)
        assert is_widened(station.glass.widened(SUE))
        station.wall.turn(1)
        assert station.glass.widened(SUE) is SUE

    at_station(tmp_path, test)


def test_no_clock_that_is_turned_back_makes_it_longer(tmp_path):
    async def test(station):
        one = await station.proposals.propose("break-glass", WHAT | {"minutes": 1}, sight(SUE), "the river rises")
        loop = asyncio.get_running_loop()
        began = loop.time()
        await station.proposals.approve(one.id, BEN, one.digest)
        station.wall.turn(-86_400)
        (timer,) = station.glass._timers.values()
        assert timer.when() <= began + 61  # of a clock that only goes forward
        timer._run()
        assert station.glass.widened(SUE) is SUE
        assert station.told == ["person:sue", "person:sue"]
        await asyncio.gather(*station.glass._ending)
        assert station.did() == ["began", "ended"]

    at_station(tmp_path, test)


def test_the_data_officer_is_told(tmp_path):
    async def test(station):
        done = await station.break_it()
        officer = Sight("person:dora", classes=frozenset({"personal"}), who=person("dora", "data_officer"))
        (notice,) = station.city.find("Notice", sight=officer)
        assert (notice["status"], notice["who"], notice["audience"]) == ("open", "person:sue", "data_officer")
        assert notice["description"] == "the river rises"
        assert notice["approvedBy"] == ["person:ben"]
        await station.glass.end(done.id, person("dora", "data_officer"), "not needed")
        (notice,) = station.city.find("Notice", sight=officer)
        assert notice["status"] == "over"

    at_station(tmp_path, test)


def test_it_begins_in_one_write_with_its_approval_and_its_notice(tmp_path):
    async def test(station):
        await station.break_it()
        changes = station.city.since(0)
        ats = {one.at for one in changes if one.entity.type in {"BreakGlass", "Notice"}}
        assert len(ats) == 1
        assert {one.actor for one in changes if one.entity.type == "Notice"} == {"person:ben"}

    at_station(tmp_path, test)


def test_it_is_ended_early_by_those_concerned_and_by_nobody_else(tmp_path):
    async def test(station):
        for who in (SUE, ADA, person("dora", "data_officer")):
            done = await station.break_it()
            for other in (OLA, person("aud", "auditor"), person("r", "resident")):
                with pytest.raises(NotFound):
                    await station.glass.end(done.id, other, "why")
            with pytest.raises(BadRequest):
                await station.glass.end(done.id, who, " ")
            await station.glass.end(done.id, who, "the river falls")
            assert station.glass.widened(SUE) is SUE
            assert station.glass._timers == {}
            with pytest.raises(NotFound):
                await station.glass.end(done.id, who, "again")
        assert station.did() == ["began", "ended"] * 3
        assert station.told == ["person:sue"] * 6

    at_station(tmp_path, test)


def test_who_has_rights_already_gets_no_more(tmp_path):
    async def test(station):
        first = await station.proposals.propose("break-glass", WHAT, sight(SUE), "the river rises")
        second = await station.proposals.propose("break-glass", WHAT, sight(SUE), "it rises more")
        await station.proposals.approve(first.id, BEN, first.digest)
        with pytest.raises(AlreadyExists):
            await station.proposals.approve(second.id, BEN, second.digest)
        with pytest.raises(AlreadyExists):
            await station.break_it()

    at_station(tmp_path, test)


def test_with_lent_rights_nobody_approves_and_nobody_asks(tmp_path):
    async def test(station):
        await station.break_it()
        one = await station.proposals.propose("break-glass", WHAT, sight(person("tom", "supervisor")), "me too")
        wide = station.glass.widened(SUE)
        with pytest.raises(Forbidden, match="lends"):
            await station.proposals.approve(one.id, wide, one.digest)
        with pytest.raises(AlreadyExists):
            await station.proposals.propose("break-glass", {"roles": ["engineer"]}, sight(wide), "more")

    at_station(tmp_path, test)


@pytest.mark.parametrize("who", [OLA, person("r", "resident"), person("sue", "supervisor", assurance=1)])
def test_who_may_not_ask_is_refused(tmp_path, who):
    async def test(station):
        with pytest.raises(Forbidden):
            await station.break_it(who=who)

    at_station(tmp_path, test)


def test_it_goes_on_after_a_restart_and_is_over_when_its_time_was(tmp_path):
    async def first(wall, noted):
        with realms(tmp_path) as cities:
            station = Station(cities, noted, wall)
            await station.break_it()
            await station.break_it(who=person("tom", "supervisor"), what=WHAT | {"minutes": 10})
            await station.glass.aclose()

    async def second(wall, noted):
        with realms(tmp_path) as cities:
            station = Station(cities, noted, wall)
            await station.glass.start()
            assert is_widened(station.glass.widened(SUE))
            tom = person("tom", "supervisor")
            assert station.glass.widened(tom) is tom
            kept = {one["who"]: one["state"] for one in station.city.find("BreakGlass", tenant=TENANT)}
            assert kept == {"person:sue": "open", "person:tom": "over"}
            await station.glass.aclose()

    wall, noted = Wall(), Noted()
    run(first(wall, noted))
    wall.turn(15 * 60)
    run(second(wall, noted))


def test_nobody_writes_himself_rights(tmp_path):
    async def test(station):
        forged = {
            "id": "urn:ngsi-ld:BreakGlass:mine",
            "type": "BreakGlass",
            "state": {"type": "Property", "value": "open"},
        }
        station.city.write(Write("create", forged["id"], forged))  # where a header leads
        await station.glass.start()
        assert station.glass._open == {}

    at_station(tmp_path, test)


def test_whatever_is_asked_is_noted_first(tmp_path):
    async def test(station):
        await station.break_it()
        await station.glass.asked_for(station.glass.widened(SUE), "GET", "/ccc/ngsi-ld/v1/entities?type=Person")
        kind, who, what, session = station.noted.lines[-1]
        assert (kind, who, what["did"], session) == ("break-glass", "person:sue", "asked", "s-sue")
        assert what["path"].startswith("/ccc/")
        station.noted.fails = True
        with pytest.raises(RuntimeError):
            await station.glass.asked_for(station.glass.widened(SUE), "GET", "/")

    at_station(tmp_path, test)


async def ask(glass, method, *path, body=None, who=SUE):
    seen = sight(who) if hasattr(who, "roles") else who
    raw = b"" if body is None else orjson.dumps(body)
    told = await glass.handle(Request(method, list(path), b"", raw, sight=seen))
    return told.status, orjson.loads(told.body) if told.body else None


def test_the_door(tmp_path):
    async def test(station):
        status, made = await ask(station.glass, "POST", body=WHAT | {"reason": "the river rises"})
        assert status == 201
        assert (await ask(station.glass, "GET"))[1] == []
        await station.proposals.approve(made["proposal"], BEN, made["digest"])
        for who, mine, may in ((SUE, True, True), (BEN, False, True), (person("aud", "auditor"), False, False)):
            (shown,) = (await ask(station.glass, "GET", who=who))[1]
            assert (shown["mine"], shown["mayEnd"], shown["state"]) == (mine, may, "open")
        assert (await ask(station.glass, "GET", who=OLA))[1] == []
        with pytest.raises(NotFound):
            await ask(station.glass, "POST", made["proposal"], "end", body={"reason": "x"}, who=OLA)
        assert (await ask(station.glass, "POST", made["proposal"], "end", body={"reason": "x"}))[0] == 204
        ((shown),) = (await ask(station.glass, "GET"))[1]
        assert (shown["state"], shown["endedBy"], shown["ending"]) == ("over", "person:sue", "x")
        with pytest.raises(Unauthenticated):
            await ask(station.glass, "GET", who=NOBODY)
        for body in ({}, {"reason": "x"}, WHAT | {"reason": 1}, WHAT | {"reason": "x", "until": "ever"}):
            with pytest.raises(BadRequest):
                await ask(station.glass, "POST", body=body)
        with pytest.raises(NotFound):
            await ask(station.glass, "DELETE", made["proposal"])

    at_station(tmp_path, test)
