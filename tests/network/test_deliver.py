"""Deliveries: order, patience, and what happens to what is not taken. Time is turned by hand."""

import asyncio
import email.utils
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.errors import BadRequest
from hansa.limits import Limits
from hansa.network.deliver import CAP_S, Deliveries, Delivery, retry_after_s
from hansa.network.http import Answer, Unanswered
from hansa.network.wall import Walled


def run(work):
    return asyncio.run(asyncio.wait_for(work, 20))


class World:
    """A time of its own and endpoints that answer as told: a status, an error, or an Event to hang on."""

    def __init__(self, limits=None, **options):
        self.now_s = 0.0
        self.sleeps = []
        self.sent = []
        self.told = []
        self.says = {}
        self.news = asyncio.Event()
        self.deliveries = Deliveries(
            self.send,
            self.tell,
            limits or Limits(deliveries=5),
            sleep=self.sleep,
            now=lambda: self.now_s,
            jitter=lambda: 1.0,
            **options,
        )

    async def sleep(self, seconds):
        self.sleeps.append(seconds)
        self.now_s += seconds
        await asyncio.sleep(0)

    async def send(self, delivery):
        self.sent.append((delivery.url, delivery.ref))
        script = self.says.get(delivery.url, 200)
        said = script.pop(0) if isinstance(script, list) and len(script) > 1 else script
        said = said[0] if isinstance(said, list) else said
        if isinstance(said, asyncio.Event):
            await said.wait()
            said = 200
        if isinstance(said, Exception):
            raise said
        status, headers = said if isinstance(said, tuple) else (said, {})
        return Answer(status, headers, b"", delivery.url)

    def tell(self, told):
        self.told.append((told.delivery.ref, told.fate, told.reason))
        self.news.set()

    def put(self, url, ref, body=b"x", **more):
        self.deliveries.put(Delivery(url, url, body, {}, ref, **more))

    async def until(self, done):
        while not done():
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 5)

    def fates(self, fate):
        return [ref for ref, what, _ in self.told if what == fate]


def test_deliveries_arrive_in_order_and_leave_nothing_behind():
    async def work():
        world = World(Limits(deliveries=100))
        for n in range(50):
            world.put("a", n)
        await world.until(lambda: len(world.told) == 50)
        await asyncio.sleep(0)
        assert world.fates("delivered") == list(range(50))
        assert world.deliveries.waiting == 0
        assert not world.deliveries._endpoints
        assert world.deliveries._bytes == 0

    run(work())


def test_a_failure_is_tried_again_with_growing_rests_and_keeps_the_order():
    async def work():
        world = World()
        world.says["a"] = [503, Unanswered("late"), 500, 200]
        world.put("a", 1)
        world.put("a", 2)
        await world.until(lambda: len(world.fates("delivered")) == 2)
        assert [ref for _, ref in world.sent] == [1, 1, 1, 1, 2]
        assert world.sleeps == [1.0, 2.0, 4.0]
        assert [fate for _, fate, _ in world.told] == ["failed", "failed", "failed", "delivered", "delivered"]

    run(work())


@pytest.mark.parametrize("said", [400, 401, 404, 410, 302, BadRequest("no"), Walled("inner")])
def test_what_time_cannot_mend_is_given_up_at_once(said):
    async def work():
        world = World()
        world.says["a"] = [said, 200]
        world.put("a", 1)
        world.put("a", 2)
        await world.until(lambda: len(world.told) == 2)
        assert [fate for _, fate, _ in world.told] == ["given up", "delivered"]
        assert world.sleeps == []
        assert world.told[0][2]

    run(work())


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_what_time_may_mend_is_tried_again_after_the_time_asked_for(status):
    async def work():
        world = World()
        world.says["a"] = [(status, {"retry-after": "77"}), 200]
        world.put("a", 1)
        await world.until(lambda: world.fates("delivered"))
        assert world.sleeps == [77.0]

    run(work())


def test_after_so_many_tries_it_is_given_up_with_its_reason():
    async def work():
        world = World(tries=3)
        world.says["a"] = [500, 500, 500, 200]
        world.put("a", 1)
        world.put("a", 2)
        await world.until(lambda: world.fates("delivered"))
        assert world.fates("given up") == [1]
        assert "tried 3 times" in world.told[2][2]
        assert "500" in world.told[2][2]
        assert world.sleeps == [1.0, 2.0, 4.0], "the next one is spared the bad moment"

    run(work())


def test_what_is_older_than_a_day_is_given_up_without_another_try():
    async def work():
        world = World(tries=1_000)
        world.says["a"] = 500
        world.put("a", 1)
        await world.until(lambda: world.fates("given up"))
        assert world.now_s >= 86_400
        assert max(world.sleeps) == CAP_S
        assert "24 h" in world.told[-1][2]

    run(work())


def test_an_endpoint_that_hangs_delays_no_other():
    async def work():
        world = World()
        hang = world.says["a"] = asyncio.Event()
        world.put("a", 1)
        for n in range(5):
            world.put("b", n)
        await world.until(lambda: len(world.fates("delivered")) == 5)
        assert world.deliveries.waiting_for("a") == 1
        hang.set()
        await world.until(lambda: 1 in world.fates("delivered"))

    run(work())


def test_beyond_the_cap_the_oldest_that_wait_are_given_up():
    async def work():
        world = World()
        hang = world.says["a"] = asyncio.Event()
        world.put("a", "first")
        await asyncio.sleep(0)
        for n in range(8):
            world.put("a", n)
        assert world.fates("given up") == [0, 1, 2]
        assert "more than 5" in world.told[0][2]
        assert world.deliveries.waiting_for("a") == 6
        hang.set()
        await world.until(lambda: len(world.fates("delivered")) == 6)
        assert world.fates("delivered") == ["first", 3, 4, 5, 6, 7]

    run(work())


def test_all_bodies_together_are_capped_and_the_fullest_endpoint_pays():
    async def work():
        world = World(Limits(deliveries=1_000), bytes_max=1_000)
        world.says["a"] = world.says["b"] = asyncio.Event()
        world.put("b", "small", b"x" * 10)
        for n in range(30):
            world.put("a", n, b"x" * 100)
        assert "small" not in world.fates("given up")
        assert world.fates("given up") == list(range(21))
        assert world.deliveries._bytes <= 1_000
        await world.deliveries.aclose()

    run(work())


def test_what_is_no_longer_wanted_is_taken_out_in_silence():
    async def work():
        world = World()
        hang = world.says["a"] = asyncio.Event()
        for n in range(4):
            world.put("a", n)
        await asyncio.sleep(0)
        dropped = world.deliveries.drop(lambda delivery: delivery.ref % 2)
        assert [one.ref for one in dropped] == [0, 2]
        hang.set()
        await world.until(lambda: 3 in world.fates("delivered"))
        assert world.fates("delivered") == [1, 3]

    run(work())


def test_a_listener_that_fails_and_a_sender_that_fails_oddly_stop_nothing():
    async def work():
        world = World()
        world.says["a"] = [RuntimeError("unforeseen"), 200]
        good = world.tell

        def tell(told):
            good(told)
            raise RuntimeError("listener")

        world.deliveries._tell = tell
        world.put("a", 1)
        world.put("a", 2)
        await world.until(lambda: len(world.fates("delivered")) == 2)

    run(work())


def test_only_an_endpoint_that_is_well_presses():
    async def work():
        world = World(Limits(deliveries=10))
        hang = world.says["a"] = asyncio.Event()
        for n in range(7):
            world.put("a", n)
        await asyncio.sleep(0)
        assert world.deliveries.pressed()
        world.deliveries._endpoints["a"].failures = 1
        assert not world.deliveries.pressed()
        hang.set()
        await world.until(lambda: len(world.fates("delivered")) == 7)
        assert not world.deliveries.pressed()

    run(work())


def test_closing_leaves_what_waits_undone_and_takes_no_more():
    async def work():
        world = World()
        world.says["a"] = asyncio.Event()
        world.put("a", 1)
        world.put("a", 2)
        await asyncio.sleep(0)
        await world.deliveries.aclose()
        world.put("a", 3)
        assert world.told == []
        assert world.deliveries.waiting == 0

    run(work())


def test_a_rest_that_the_subscriber_asked_for_is_kept():
    async def work():
        world = World()
        world.says["a"] = [500, 200]
        world.put("a", 1, rest_s=30.0)
        await world.until(lambda: world.fates("delivered"))
        assert world.sleeps == [30.0]

    run(work())


def test_retry_after_is_seconds_or_a_date():
    assert retry_after_s("120") == 120.0
    assert retry_after_s(None) is None
    soon = retry_after_s(email.utils.formatdate(time.time() + 60, usegmt=True))
    assert 50 < soon <= 60
    assert retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0


@given(st.text(max_size=40))
@settings(deadline=None)
def test_any_retry_after_is_a_wait_or_nothing(text):
    wait_s = retry_after_s(text)
    assert wait_s is None or wait_s >= 0
