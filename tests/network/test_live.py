"""Live pages: crowds that see the same are judged once, large ones told in larger pieces, and nobody misses a thing."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import aclosing
from typing import Any

import pytest

from hansa import clock, entity
from hansa.limits import Limits
from hansa.model.change import Change, Part
from hansa.network import live
from hansa.network.live import Live

NOW = 1_795_000_000_000_000


def change(seq: int, kind: str = "Lamp") -> Change:
    one = entity(kind, str(seq), level=seq)
    return Change(
        seq, one, False, (Part("level", None, "created", None, {"value": seq}),), "test", None, 0, NOW, new=True
    )


class Eyes:
    """What one sight is shown, and how often anybody asked."""

    def __init__(self, only: Callable[[Change], bool] = lambda _one: True) -> None:
        self.only = only
        self.asked = 0

    def __call__(self, one: Change) -> Change | None:
        self.asked += 1
        return one if self.only(one) else None


class Page:
    """A page that listens; what it was told, piece by piece."""

    def __init__(
        self, city: Live, eyes: Eyes, sees: Hashable = None, kinds: frozenset[str] | None = None, **more: Any
    ) -> None:
        self.pieces: list[list[int]] = []
        self.resets = 0
        self.task = asyncio.create_task(self._hear(city.events(None, kinds, eyes, sees=sees, **more)))

    async def _hear(self, events: AsyncGenerator[bytes, None]) -> None:
        async with aclosing(events):
            async for block in events:
                self.resets += block.count(b"event: reset")
                if told := [int(one) for one in re.findall(rb"urn:ngsi-ld:\w+:(\d+)\",", block)]:
                    self.pieces.append(list(dict.fromkeys(told)))

    @property
    def told(self) -> list[int]:
        return [one for piece in self.pieces for one in piece]


def run(scene: Callable[[Live], Any], **limits: int) -> None:
    async def played() -> None:
        city = Live(clock.Clock(NOW, rate=0.0), Limits(**limits), lambda _since, _many: [], lambda: 0)
        await scene(city)
        city.stop()

    asyncio.run(played())


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110  # there is no event for what a page was told
            await asyncio.sleep(0.005)


def test_of_pages_that_see_the_same_a_change_is_judged_once() -> None:
    async def scene(city: Live) -> None:
        eyes = Eyes()
        pages = [Page(city, eyes, "residents") for _ in range(50)]
        await until(lambda: city.streams == 50)
        city.push([change(1), change(2)])
        city.push([change(3)])
        await until(lambda: all(page.told == [1, 2, 3] for page in pages))
        assert eyes.asked == 3

    run(scene)


def test_pages_that_see_or_want_something_else_are_told_something_else() -> None:
    async def scene(city: Live) -> None:
        odd, all_ = Eyes(lambda one: one.seq % 2 == 1), Eyes()
        some = Page(city, odd, "some")
        every = Page(city, all_, "every")
        trees = Page(city, all_, "every", frozenset({"Tree"}))
        alone = Page(city, all_)
        await until(lambda: city.streams == 4)
        city.push([change(1), change(2, "Tree"), change(3)])
        await until(lambda: every.told == [1, 2, 3] and alone.told == [1, 2, 3])
        assert (some.told, trees.told) == ([1, 3], [2])

    run(scene)


def test_a_large_crowd_is_told_in_larger_pieces_and_misses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "TOLD_A_SECOND", 100.0)

    async def scene(city: Live) -> None:
        many = [Page(city, Eyes(), "many") for _ in range(20)]
        operator = Page(city, Eyes(), "one")
        await until(lambda: city.streams == 21)
        for seq in range(1, 41):
            city.push([change(seq)])
            await asyncio.sleep(0.005)
        await until(lambda: all(page.told == list(range(1, 41)) for page in (*many, operator)))
        pieces = max(len(page.pieces) for page in many)
        assert pieces < 16, "a fifth of a second apart, give or take"
        assert len(operator.pieces) > pieces, "nobody stands between an operator and what happens"

    run(scene)


def test_a_page_that_cannot_keep_up_begins_anew_and_the_others_go_on() -> None:
    async def scene(city: Live) -> None:
        slow, quick = Page(city, Eyes(), "a"), Page(city, Eyes(), "b", frozenset({"Tree"}))
        await until(lambda: city.streams == 2)
        city.push([change(seq) for seq in range(1, 13)])
        city.push([change(13, "Tree")])
        await until(lambda: slow.resets == 1 and quick.told == [13])
        assert quick.resets == 0

    run(scene, stream=10)


def test_a_crowd_that_left_is_forgotten() -> None:
    async def scene(city: Live) -> None:
        eyes = Eyes()
        pages = [Page(city, eyes, "residents") for _ in range(3)]
        await until(lambda: city.streams == 3)
        for page in pages:
            page.task.cancel()
        await asyncio.gather(*(page.task for page in pages), return_exceptions=True)
        assert city.streams == 0
        city.push([change(1)])
        assert eyes.asked == 0

    run(scene)
