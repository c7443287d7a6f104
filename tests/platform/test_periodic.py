"""Periodic notifications (timeInterval, 5.8.6): by the city's clock, which the tests turn by hand."""

import asyncio
import time

import pytest
from living import LIMITS, Life, run, wanted
from receiver import Receiver

from hansa.clock import SECOND, Clock
from hansa.errors import BadRequest
from hansa.limits import Limits
from hansa.model.change import Write
from hansa.model.entity import entity

NOON = 1_800_000_000 * SECOND


class Hours:
    """A city whose clock stands still until it is turned, and then tells what fell due."""

    def __init__(self, path, at=NOON, limits=LIMITS):
        self.clock = Clock(at, rate=0.0)
        self.life = Life(path / "open.db", limits=limits, clock=self.clock)

    async def __aenter__(self):
        # Only the test's own hand moves it: a look of its own could come in between, and one called off half way
        # would have told nobody.
        self.life.subs._telling.periodic.run = asyncio.Event().wait
        await self.life.begin()
        return self

    async def __aexit__(self, *_):
        await self.life.end()

    async def pass_s(self, seconds):
        self.clock.turn(self.clock.now() + round(seconds * SECOND))
        await self.life.subs._telling.periodic.tick()

    async def quiet(self, receiver):
        await self.life.until(lambda: not self.life.subs.shown()["notifications_waiting"])
        assert receiver.got.empty()


def test_what_is_so_is_told_whenever_the_interval_has_passed_and_never_else(tmp_path):
    async def work():
        async with Receiver() as receiver, Hours(tmp_path) as hours:
            life = hours.life
            await life.room("a", temperature=1)
            ident = await life.subs.create(wanted(receiver, timeInterval=10, notification={"format": "keyValues"}))
            await life.room("a", temperature=2)
            await hours.pass_s(9.9)
            await hours.quiet(receiver)
            ids = set()
            for second in (10, 20, 30):
                await hours.pass_s(10.1 if second == 10 else 10)
                got = await receiver.next()
                assert got.json["subscriptionId"] == ident
                assert got.data == [{"id": "urn:ngsi-ld:Room:a", "type": "Room", "temperature": 2}]
                ids.add(got.json["id"])
                await hours.quiet(receiver)
            assert len(ids) == 3
            assert life.subs.get(ident)["notification"]["timesSent"] == 3
            await life.subs.delete(ident)
            await hours.pass_s(20)
            await hours.quiet(receiver)

    run(work())


def test_all_that_match_are_told_and_where_none_does_nobody_is(tmp_path):
    async def work():
        async with Receiver() as receiver, Hours(tmp_path) as hours:
            life = hours.life
            near = {"type": "Point", "coordinates": [17.1, 48.1]}
            await life.subs.create(
                wanted(
                    receiver,
                    timeInterval=5,
                    entities=[{"type": "Room", "idPattern": "[ab]$"}, {"type": "House", "id": "urn:ngsi-ld:House:h"}],
                    q="temperature>20",
                    geoQ={"georel": "near;maxDistance==1000", "geometry": "Point", "coordinates": [17.1, 48.1]},
                    notification={"pick": ["id"]},
                )
            )
            await hours.pass_s(5)
            await hours.quiet(receiver)
            await life.room("a", temperature=21, location=near)
            await life.room("b", temperature=20, location=near)
            await life.room("c", temperature=30, location=near)
            house = entity("House", "h", temperature=25, location=near)
            await life.city.awrite(Write("create", house.id, house.doc))
            await life.room("a", tenant="parks", temperature=99, location=near, kind="create")
            await hours.pass_s(5)
            assert sorted(one["id"] for one in (await receiver.next()).data) == [
                "urn:ngsi-ld:House:h",
                "urn:ngsi-ld:Room:a",
            ]
            await hours.quiet(receiver)

    run(work())


def test_a_query_that_follows_relationships_is_answered_too(tmp_path):
    async def work():
        async with Receiver() as receiver, Hours(tmp_path) as hours:
            life = hours.life
            for key, value in (("low", 0.3), ("full", 0.9)):
                device = entity("Device", key, battery=value)
                await life.city.awrite(Write("create", device.id, device.doc))
                link = {"type": "Relationship", "object": device.id}
                room = {"id": f"urn:ngsi-ld:Room:{key}", "type": "Room", "has": link}
                await life.city.awrite(Write("create", room["id"], room))
            await life.subs.create(wanted(receiver, timeInterval=5, q="has{battery}<0.5"))
            await hours.pass_s(5)
            assert [one["id"] for one in (await receiver.next()).data] == ["urn:ngsi-ld:Room:low"]
            await hours.quiet(receiver)

    run(work())


def test_more_than_a_page_goes_in_several_notifications_and_no_more_than_the_cap(tmp_path):
    async def work():
        limits = Limits(egress_s=2.0, page=3, interval_entities=7)
        async with Receiver() as receiver, Hours(tmp_path, limits=limits) as hours:
            for n in range(9):
                await hours.life.room(f"r{n}", temperature=n)
            await hours.life.subs.create(wanted(receiver, timeInterval=5))
            await hours.pass_s(5)
            got = [await receiver.next() for _ in range(3)]
            assert [len(one.data) for one in got] == [3, 3, 1]
            assert len({one["id"] for each in got for one in each.data}) == 7
            assert len({each.json["id"] for each in got}) == 3
            await hours.quiet(receiver)

    run(work())


def test_the_paused_and_the_expired_are_not_told(tmp_path):
    async def work():
        async with Receiver() as receiver, Hours(tmp_path) as hours:
            life = hours.life
            await life.room("a", temperature=1)
            ident = await life.subs.create(wanted(receiver, timeInterval=5, isActive=False))
            await hours.pass_s(5)
            await hours.quiet(receiver)
            await life.subs.update(ident, {"isActive": True, "expiresAt": "2027-01-15T08:00:12Z"})  # 12 s after noon
            await hours.pass_s(5)
            await receiver.next()
            await hours.pass_s(5)
            await hours.quiet(receiver)
            assert life.subs.get(ident)["status"] == "expired"

    run(work())


def test_what_fell_due_while_nobody_was_there_is_told_once_in_the_next_life(tmp_path):
    async def work():
        async with Receiver() as receiver:
            async with Hours(tmp_path) as hours:
                await hours.life.room("a", temperature=1)
                await hours.life.subs.create(wanted(receiver, timeInterval=10))
                await hours.pass_s(10)
                first = await receiver.next()
                await hours.quiet(receiver)
            async with Hours(tmp_path, NOON + 47 * SECOND) as hours:
                await hours.pass_s(0)
                second = await receiver.next()
                await hours.quiet(receiver)
                await hours.pass_s(2)
                await hours.quiet(receiver)
                await hours.pass_s(1)
                third = await receiver.next()
                assert len({first.json["id"], second.json["id"], third.json["id"]}) == 3

    run(work())


def test_after_a_crash_what_may_be_told_twice_has_the_same_id(tmp_path):
    async def work():
        async with Receiver() as receiver:
            hours = Hours(tmp_path)
            await hours.life.begin()
            await hours.life.room("a", temperature=1)
            await hours.life.subs.create(wanted(receiver, timeInterval=10))
            await hours.pass_s(10)
            first = await receiver.next()
            await hours.life.crash()
            async with Hours(tmp_path, NOON + 11 * SECOND) as again:
                await again.pass_s(0)
                assert (await receiver.next()).json["id"] == first.json["id"]

    run(work())


def test_whoever_has_not_taken_the_last_one_is_not_sent_another(tmp_path):
    async def work():
        async with Receiver(lambda got: None) as receiver, Hours(tmp_path) as hours:
            await hours.life.room("a", temperature=1)
            await hours.life.subs.create(wanted(receiver, timeInterval=5))
            for _ in range(3):
                await hours.pass_s(5)
            await receiver.next()
            assert hours.life.subs.shown()["notifications_waiting"] == 1

    run(work())


def test_a_change_of_the_interval_counts_from_the_same_beginning(tmp_path):
    async def work():
        async with Receiver() as receiver, Hours(tmp_path) as hours:
            await hours.life.room("a", temperature=1)
            ident = await hours.life.subs.create(wanted(receiver, timeInterval=1_000))
            await hours.life.subs.update(ident, {"timeInterval": 5})
            await hours.pass_s(5)
            await receiver.next()
            await hours.life.subs.update(ident, {"timeInterval": "urn:ngsi-ld:null"})
            await hours.pass_s(5)
            await hours.quiet(receiver)
            await hours.life.room("a", temperature=2)
            assert (await receiver.next()).data[0]["temperature"]["value"] == 2

    run(work())


def test_an_interval_goes_with_entities_and_not_with_watching(tmp_path):
    async def work():
        async with Receiver() as receiver, Hours(tmp_path) as hours:
            for odd in ({"watchedAttributes": ["a"]}, {"throttling": 1}, {"timeInterval": 0.5}):
                with pytest.raises(BadRequest):
                    await hours.life.subs.create(wanted(receiver, **{"timeInterval": 5, **odd}))

    run(work())


def test_the_clockwork_runs_by_itself_on_a_clock_that_runs(tmp_path):
    async def work():
        async with Receiver() as receiver:
            clock = Clock(NOON, rate=100.0)
            life = await Life(tmp_path / "open.db", clock=clock).begin()
            try:
                await life.room("a", temperature=1)
                began = time.monotonic()
                await life.subs.create(wanted(receiver, timeInterval=10))
                for _ in range(3):
                    await receiver.next()
                assert 0.29 <= time.monotonic() - began < 3
            finally:
                await life.end()
            await asyncio.sleep(0)

    run(work())
