"""Slow work for a few, one after the other: known ones first, too many refused at once, nobody else held up."""

import asyncio
import threading
import time

import pytest

from hansa.errors import Busy
from hansa.platform.hashing import Hashing


class Slow:
    """Work that waits until it may go on."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Event()
        self.done: list[object] = []

    def __call__(self, what: object) -> object:
        self.begun.set()
        self.go.wait(10)
        self.done.append(what)
        return what


def test_those_that_are_known_go_first_and_too_many_are_refused() -> None:
    async def run() -> list[object]:
        hashing, slow = Hashing(6), Slow()
        tasks = [asyncio.create_task(hashing.call(slow, 0))]
        await asyncio.to_thread(slow.begun.wait, 10)
        for n in range(1, 4):
            tasks.append(asyncio.create_task(hashing.call(slow, n)))
            await asyncio.sleep(0)
        with pytest.raises(Busy):
            await hashing.call(slow, "one too many")
        for n in range(3):
            tasks.append(asyncio.create_task(hashing.call(slow, f"known {n}", known=True)))
            await asyncio.sleep(0)
        assert len(hashing) == 6
        with pytest.raises(Busy):
            await hashing.call(slow, "one too many", known=True)
        slow.go.set()
        await asyncio.gather(*tasks)
        hashing.close()
        return slow.done

    assert asyncio.run(run()) == [0, "known 0", "known 1", "known 2", 1, 2, 3]


def test_work_of_somebody_who_has_left_is_not_done() -> None:
    async def run() -> list[object]:
        hashing, slow = Hashing(8), Slow()
        first = asyncio.create_task(hashing.call(slow, "first"))
        await asyncio.to_thread(slow.begun.wait, 10)
        gone = asyncio.create_task(hashing.call(slow, "gone"))
        last = asyncio.create_task(hashing.call(slow, "last"))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        slow.go.set()
        await asyncio.gather(first, last)
        hashing.close()
        return slow.done

    assert asyncio.run(run()) == ["first", "last"]


def test_a_fault_is_the_askers_and_the_next_one_is_served() -> None:
    def wrong(_what: object) -> None:
        raise ValueError("wrong")

    async def run() -> object:
        hashing = Hashing(8)
        with pytest.raises(ValueError, match="wrong"):
            await hashing.call(wrong, 1)
        found = await hashing.call(str, 7)
        hashing.close()
        return found

    assert asyncio.run(run()) == "7"


def test_the_loop_goes_on_while_a_hash_is_made() -> None:
    async def run() -> int:
        hashing = Hashing(8)
        task = asyncio.create_task(hashing.call(time.sleep, 0.2))
        turns = 0
        while not task.done():
            turns += 1
            await asyncio.sleep(0.001)
        hashing.close()
        return turns

    assert asyncio.run(run()) > 10


def test_a_thread_that_was_never_needed_is_not_there() -> None:
    before = threading.active_count()
    hashing = Hashing(8)
    hashing.close()
    assert threading.active_count() == before
