"""Following the log: every Change once and in order, live, behind, and in between."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import apsw
import pytest

from hansa.clock import Clock
from hansa.model.change import Write
from hansa.platform.city import City
from hansa.platform.follower import Follower, log_of
from hansa.platform.sqlite import SqliteStore
from hansa.trust.labels import ADMINISTRATOR


def run(work):
    return asyncio.run(asyncio.wait_for(work, 30))


def writes(first, count):
    value = {"type": "Property", "value": 1}
    return [
        Write("create", f"urn:x:{n}", {"id": f"urn:x:{n}", "type": "T", "a": value})
        for n in range(first, first + count)
    ]


@pytest.fixture
def city(tmp_path):
    with City(SqliteStore(tmp_path / "open.db"), Clock(), ADMINISTRATOR).closing() as city:
        yield city


class Ear:
    def __init__(self):
        self.heard = []
        self.news = asyncio.Event()
        self.fail = set()

    def take(self, changes):
        self.heard += [change.seq for change in changes]
        self.news.set()
        if self.fail.intersection(self.heard):
            self.fail.clear()
            raise RuntimeError("unforeseen")

    async def until(self, seq):
        while not self.heard or self.heard[-1] < seq:
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 10)


def following(test, city, seen=0, **options):
    async def work():
        since, close = log_of(city.store)
        ear = Ear()
        follower = Follower(city, ear.take, seen, since, **options)
        try:
            await test(ear, follower)
        finally:
            await follower.aclose()
            close()

    run(work())


def test_what_was_before_comes_from_the_log_and_what_comes_after_as_it_is_committed(city):
    city.write(*writes(0, 450))

    async def test(ear, follower):
        follower.start()
        await follower.caught_up()
        assert ear.heard == list(range(1, 451))
        assert follower.live
        await city.awrite(*writes(1_000, 300))
        await ear.until(750)
        assert ear.heard == list(range(1, 751))
        assert follower.seen == 750

    following(test, city)


def test_it_begins_at_its_place(city):
    city.write(*writes(0, 10))

    async def test(ear, follower):
        follower.start()
        await follower.caught_up()
        assert ear.heard == [8, 9, 10]

    following(test, city, seen=7)


def test_writers_in_the_middle_of_catching_up_are_heard_once(city):
    city.write(*writes(0, 1_000))

    async def test(ear, follower):
        follower.start()
        for n in range(40):
            await city.awrite(*writes(2_000 + n * 10, 10))
        await ear.until(1_400)
        assert ear.heard == list(range(1, 1_401))

    following(test, city)


def test_more_than_memory_should_hold_comes_from_the_log(city):
    async def test(ear, follower):
        follower.start()
        await follower.caught_up()
        # The loop is busy while the writer commits far more than may wait.
        for n in range(20):
            city.write(*writes(n * 50, 50))
        assert not follower.live
        await ear.until(1_000)
        await follower.caught_up()
        assert ear.heard == list(range(1, 1_001))
        await city.awrite(*writes(5_000, 1))
        await ear.until(1_001)

    following(test, city, waiting=120)


def test_a_taker_that_fails_misses_a_batch_and_no_more(city):
    async def test(ear, follower):
        follower.start()
        await follower.caught_up()
        ear.fail = {1}
        await city.awrite(*writes(0, 1))
        await ear.until(1)
        await city.awrite(*writes(1, 1))
        await ear.until(2)
        assert ear.heard == [1, 2]

    following(test, city)


def test_it_stops_when_nobody_reads_for_it_any_more(city):
    """A thread cannot be called off: the log would be closed under it."""
    city.write(*writes(0, 3))
    reading, go_on, done = threading.Event(), threading.Event(), []

    def slow(seq, limit):
        reading.set()
        assert go_on.wait(10)
        done.append(seq)
        return []

    async def work():
        ear = Ear()
        follower = Follower(city, ear.take, 0, slow)
        follower.start()
        assert await asyncio.to_thread(reading.wait, 10)
        stopping = asyncio.ensure_future(follower.aclose())
        for _ in range(10):
            await asyncio.sleep(0)
        assert not stopping.done()
        go_on.set()
        await stopping
        assert done == [0]
        assert ear.heard == []

    run(work())


def test_a_log_is_let_go_of_after_whoever_reads_it(tmp_path):
    """Closed while another thread is in it, SQLite says ThreadingViolationError."""
    with City(SqliteStore(tmp_path / "open.db"), Clock(), ADMINISTRATOR).closing() as city:
        city.write(*writes(0, 300))
        for _ in range(20):
            since, close = log_of(city.store)
            began = threading.Event()

            def read(since=since, began=began):
                began.set()
                return since(0, 300)

            with ThreadPoolExecutor(1) as pool:
                found = pool.submit(read)
                assert began.wait(10)
                close()
                fault = found.exception()
            assert fault is None or isinstance(fault, apsw.ConnectionClosedError)
            with pytest.raises(apsw.ConnectionClosedError):
                since(0, 1)


def test_after_it_was_stopped_it_hears_nothing(city):
    async def test(ear, follower):
        follower.start()
        await follower.caught_up()
        await follower.aclose()
        await city.awrite(*writes(0, 3))
        await asyncio.sleep(0)
        assert ear.heard == []

    following(test, city)
