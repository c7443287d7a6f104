"""Live maps: what has moved or says something else now, told in columns a few times a second instead of one by one.

A page first hears of itself (`hello`), then the picture in blocks (`points`) which a thread reads, `ready`, and from
then on `moved`: the newest of each entity that changed since the last time, so that a page that is slow hears less
often and never more than there are entities. It listens before the picture is read: nothing falls between the two.
A page that was cut off begins anew. Alerts are told apart (`alarms`), because they are about other entities.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Hashable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import orjson

from hansa import clock
from hansa.errors import HansaError
from hansa.limits import Limits
from hansa.model.change import Change
from hansa.model.entity import Entity
from hansa.model.spot import Show, Spot, block, spot

TELL_S: Final = 0.5
"""How often a page is told: people see no more, and a browser draws no more than it must."""
BEAT_S: Final = 5.0

News = Callable[[Change], tuple[Entity | None] | None]
"""What one sight is told by a Change: the entity as it sees it now, or that it sees it no more (None); or nothing."""
Picture = Callable[[], Iterable[bytes]]
"""What there is now, as events; runs in a thread."""

_Spots = dict[tuple[Any, int], tuple[Entity, Spot | None]]
_T = TypeVar("_T")
_NONE: Final = object()


@dataclass(frozen=True, eq=False, slots=True)
class Asked:
    """What one page wants, and what it may hear.

    `kinds` are the types that it shows, `show` what speaks for each; `picture` reads what there is now. Whenever
    `epoch` gives another number, what may be seen is decided anew. Pages whose `group` is the same at an instant see
    the same then, and none of it is noted: what is made for one of them is for all. None: a page of its own.
    """

    kinds: frozenset[str]
    show: Show
    news: News
    epoch: Callable[[], int]
    picture: Picture
    group: Callable[[], Hashable | None] = lambda: None


class Page:
    """One listening map."""

    __slots__ = ("alarms", "asked", "moved", "queue", "shown", "told")

    def __init__(self, asked: Asked) -> None:
        """Nothing has moved yet."""
        self.asked = asked
        self.shown = tuple(sorted((kind, tuple(names)) for kind, names in asked.show.items()))
        self.told = asked.epoch()
        self.moved: dict[str, Entity | None] = {}
        self.alarms: dict[str, Entity | None] = {}
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue()

    @property
    def group(self) -> Hashable:
        """Whose pages see the same as this one now."""
        found = self.asked.group()
        return self if found is None else found


_Parts = asyncio.Queue[Any]
"""The parts of a picture; _NONE or an exception at its end."""


class _Reading:
    """A picture that is read for a page, and for whoever wants the same; nobody waits for one who takes it slowly."""

    def __init__(self, first: _Parts) -> None:
        """`first` has each part at once; the `others` have all of them at the end, if they still see the same then."""
        self.first = first
        self.others: list[tuple[Page, _Parts]] = []
        self.parts: list[bytes] = []

    def tell(self, part: bytes) -> None:
        """A part was read."""
        self.first.put_nowait(part)
        self.parts.append(part)


class Moves:
    """Every listening map of a realm. Lives in the event loop's thread."""

    def __init__(self, city_clock: clock.Clock, limits: Limits) -> None:
        """`limits.moves` is how many entities may wait for one page."""
        self._clock = city_clock
        self._most = limits.moves
        self._pages: set[Page] = set()
        self._ticking: asyncio.Task[None] | None = None
        self._reading = asyncio.Semaphore(limits.pictures)
        self._awaited: dict[Hashable, _Reading] = {}
        self._readings: set[asyncio.Task[None]] = set()
        self.closing = False

    @property
    def streams(self) -> int:
        """How many pages listen."""
        return len(self._pages)

    def push(self, changes: list[Change]) -> None:
        """Note what everyone is to be told; called once a commit."""
        if not self._pages:
            return
        groups = {page: page.group for page in self._pages}
        for change in changes:
            if change.tenant:
                continue
            entity = change.entity
            kinds = entity.types
            alarm = "Alert" in kinds
            heard: dict[Hashable, tuple[Entity | None] | None] = {}
            for page, group in groups.items():
                wanted = not page.asked.kinds.isdisjoint(kinds)
                if not wanted and not alarm:
                    continue
                if group not in heard:
                    heard[group] = page.asked.news(change)
                if (told := heard[group]) is None:
                    continue
                (now,) = told
                if wanted:
                    page.moved[entity.id] = now
                if alarm:
                    page.alarms[entity.id] = now

    async def in_turn(self, read: Callable[[], _T]) -> _T:
        """What `read` gives, in a thread: not more pictures at once than there may be."""
        async with self._reading:
            return await asyncio.to_thread(read)

    def turned(self) -> None:
        """The clock was set: say so to everyone."""
        for page in self._pages:
            page.queue.put_nowait(self._time())

    def stop(self) -> None:
        """End every stream, so that the server can close."""
        self.closing = True
        for page in self._pages:
            page.queue.put_nowait(None)

    def _read(self, page: Page) -> _Parts:
        """The picture that a page asks for."""
        parts: _Parts = asyncio.Queue()
        key = (page.group, page.asked.kinds, page.shown)
        reading = self._awaited.get(key)
        if reading is None:
            # One that has begun may be from before this page listened: the next is for all who come until then.
            reading = self._awaited[key] = _Reading(parts)
            task = asyncio.create_task(self._run(key, reading, page))
            self._readings.add(task)
            task.add_done_callback(self._readings.discard)
        else:
            reading.others.append((page, parts))
        return parts

    async def _run(self, key: tuple[Hashable, ...], reading: _Reading, page: Page) -> None:
        loop = asyncio.get_running_loop()

        def read() -> object:
            try:
                for part in page.asked.picture():
                    loop.call_soon_threadsafe(reading.tell, part)
            except Exception as fault:  # noqa: BLE001  # raised again where the page is
                return fault
            return _NONE

        async with self._reading:
            del self._awaited[key]
            last = await asyncio.to_thread(read)
        reading.first.put_nowait(last)
        for other, parts in reading.others:
            if other.group == key[0] and last is _NONE:
                for part in reading.parts:
                    parts.put_nowait(part)
                parts.put_nowait(_NONE)
            else:  # it sees something else by now, or the one that read could not: then it reads for itself
                again = _Reading(parts)
                task = asyncio.create_task(self._run_alone(again, other))
                self._readings.add(task)
                task.add_done_callback(self._readings.discard)

    async def _run_alone(self, reading: _Reading, page: Page) -> None:
        key = (page, page.asked.kinds, page.shown)
        self._awaited[key] = reading
        await self._run(key, reading, page)

    async def events(self, asked: Asked) -> AsyncGenerator[bytes, None]:
        """The events of one page, for ever."""
        page = Page(asked)
        self._pages.add(page)
        try:
            yield b"retry: 2000\nevent: hello\ndata: {}\n\n" + self._time()
            parts = self._read(page)
            while (part := await parts.get()) is not _NONE:
                if isinstance(part, HansaError):
                    yield b"event: fault\ndata: " + orjson.dumps(part.problem()) + b"\n\n"
                    return
                if isinstance(part, Exception):
                    raise part
                yield part
            yield b"event: ready\ndata: {}\n\n"
            if self._ticking is None:
                self._ticking = asyncio.create_task(self._tick())
            told = time.monotonic()
            while not self.closing:
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, told + BEAT_S - time.monotonic())):
                        if (events := await page.queue.get()) is None:
                            return
                        yield events
                if time.monotonic() - told >= BEAT_S:
                    told = time.monotonic()
                    yield self._time()
        finally:
            self._pages.discard(page)

    async def _tick(self) -> None:
        """Tell every page what has moved; pages that see and show the same share what is made for one."""
        while self._pages and not self.closing:
            await asyncio.sleep(TELL_S)
            spots: _Spots = {}
            blocks: dict[tuple[Any, ...], bytes] = {}
            for page in self._pages:
                if page.queue.empty():  # else it has not taken the last one: what moves meanwhile is told together
                    if events := self._due(page, spots, blocks):
                        page.queue.put_nowait(events)
                elif len(page.moved) > self._most:
                    page.moved.clear()
                    page.told = -1
        self._ticking = None

    @staticmethod
    def _due(page: Page, spots: _Spots, blocks: dict[tuple[Any, ...], bytes]) -> bytes:
        if page.told != page.asked.epoch():  # what may be seen is decided anew: so is the picture
            return b"event: reset\ndata: {}\n\n"
        events = b""
        if page.alarms:
            events += alarms(page.alarms.items())
            page.alarms = {}
        if page.moved:
            moved, page.moved = page.moved, {}
            key = (page.shown, *(ident if now is None else id(now) for ident, now in moved.items()))
            if key not in blocks:
                blocks[key] = _moved(moved, page, spots)
            events += blocks[key]
        return events

    def _time(self) -> bytes:
        now = {"now": clock.text(self._clock.now()), "rate": self._clock.rate, "simulated": self._clock.simulated}
        return b"event: clock\ndata: " + orjson.dumps(now) + b"\n\n"


def _moved(moved: dict[str, Entity | None], page: Page, spots: _Spots) -> bytes:
    rows: list[Spot] = []
    gone: list[str] = []
    for ident, entity in moved.items():
        found = None
        if entity is not None:
            key = page.shown, id(entity)
            if key not in spots:
                spots[key] = entity, spot(entity, page.asked.show)  # with the entity: its address is then its own
            found = spots[key][1]
        if found is None:
            gone.append(ident)
        else:
            rows.append(found)
    return b"event: moved\ndata: " + block(rows, gone) + b"\n\n"


def alarms(some: Iterable[tuple[str, Entity | None]]) -> bytes:
    """The event of alerts: by id what each is about and how grave it is; null for one that is not open any more."""
    told: dict[str, list[Any] | None] = {}
    for ident, alert in some:
        source = None if alert is None else alert.get("alertSource")
        still = alert is not None and alert.get("status") != "closed" and isinstance(source, str)
        told[ident] = [source, alert.get("severity"), alert.get("subCategory")] if alert is not None and still else None
    return b"event: alarms\ndata: " + orjson.dumps(told) + b"\n\n"
