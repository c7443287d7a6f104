"""Live pages: Changes as server-sent events, resumed without a gap.

An event's id is the Change's `seq`. A page that returns names the last one it saw and gets what it missed, from memory
or from the log; one that cannot be served so (or that cannot keep up) gets `reset` and loads the state anew.

Pages of one sight that listen to the same are a crowd: what a Change is for them is decided and written once. A large
crowd is told in larger pieces, each page at its own moment, so that two thousand residents do not stand between an
operator and his alarm.
"""

import asyncio
import secrets
import time
from bisect import bisect_right
from collections import deque
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import suppress
from typing import Any, Final

import orjson

from hansa import clock
from hansa.limits import Limits
from hansa.model.change import Change
from hansa.model.context import CORE
from hansa.model.entity import alias
from hansa.model.wire import entity_out

BEAT_S: Final = 5.0
"""How often the clock is told; also what shows a dead connection."""

Shows = Callable[[Change], Change | None]
"""A Change as one sight may see it, or None."""


TOLD_A_SECOND: Final = 2_000.0
"""How often one crowd is told together; some 50 us each, so a tenth of a core."""


class Stream:
    """One listening page."""

    __slots__ = ("behind", "many", "next_s", "ready", "turned", "waiting")

    def __init__(self) -> None:
        """A page that has heard nothing yet."""
        self.waiting: list[bytes] = []
        self.many = 0  # events in them
        self.ready = asyncio.Event()
        self.behind = False
        self.turned = False
        self.next_s = 0.0

    def hear(self, block: bytes, many: int, most: int) -> None:
        """Let so many more events wait for it; beyond `most` it has to begin anew."""
        self.waiting.append(block)
        self.many += many
        if self.many > most:
            self.waiting.clear()
            self.many = 0
            self.behind = True
        self.ready.set()

    def taken(self) -> bytes:
        """All that waits for it."""
        block = b"".join(self.waiting)
        self.waiting.clear()
        self.many = 0
        return block


class Crowd:
    """Pages that see the same, and listen to the same."""

    __slots__ = ("kinds", "placed", "shows", "streams")

    def __init__(self, kinds: frozenset[str] | None, shows: Shows, *, placed: bool = True) -> None:
        """`kinds` are the types it wants; None: all. Without `placed` it is not told where in the log anything is."""
        self.kinds = kinds
        self.placed = placed
        self.shows = shows
        self.streams: set[Stream] = set()

    @property
    def pace_s(self) -> float:
        """How long each of its pages waits from one piece to the next."""
        return len(self.streams) / TOLD_A_SECOND

    def wants(self, change: Change) -> bool:
        """Whether the Change is of a type it listens to."""
        if change.tenant:
            return False
        return self.kinds is None or any(alias(kind) in self.kinds for kind in change.entity.types)

    def event(self, change: Change) -> bytes | None:
        """A Change as they are told it; None when it is not for them."""
        if not self.wants(change):
            return None
        shown = self.shows(change)
        return None if shown is None else render(shown, placed=self.placed)


class Live:
    """Every listening page of a realm. Lives in the event loop's thread."""

    def __init__(
        self,
        city_clock: clock.Clock,
        limits: Limits,
        since: Callable[[int, int], list[Change]],
        head: Callable[[], int],
    ) -> None:
        """`since` reads the log (in a thread), `head` is its newest seq."""
        self._clock = city_clock
        self._limits = limits
        self._since = since
        self._head = head
        self._recent: deque[Change] = deque(maxlen=limits.recent)
        self._crowds: dict[Hashable, Crowd] = {}
        self._reading = asyncio.Lock()
        self.seq = head()
        self.closing = False

    @property
    def streams(self) -> int:
        """How many pages listen."""
        return sum(len(crowd.streams) for crowd in self._crowds.values())

    def push(self, changes: list[Change]) -> None:
        """Tell everyone; called once a commit."""
        self._recent.extend(changes)
        self.seq = changes[-1].seq
        for crowd in self._crowds.values():
            events = [event for event in map(crowd.event, changes) if event is not None]
            if events:
                block = b"".join(events)
                for stream in crowd.streams:
                    stream.hear(block, len(events), self._limits.stream)

    def turned(self) -> None:
        """The clock was set: say so to everyone."""
        for stream in self._every():
            stream.turned = True
            stream.ready.set()

    def stop(self) -> None:
        """End every stream, so that the server can close."""
        self.closing = True
        for stream in self._every():
            stream.ready.set()

    def _every(self) -> list[Stream]:
        return [stream for crowd in self._crowds.values() for stream in crowd.streams]

    async def events(
        self,
        since: int | None,
        kinds: frozenset[str] | None,
        shows: Shows,
        *,
        placed: bool = True,
        sees: Hashable = None,
    ) -> AsyncGenerator[bytes, None]:
        """The events of one page, for ever: hello (or what it missed), then Changes, and the clock every 5 s.

        `sees` is equal for pages to which `shows` shows the same (None: this one alone).

        Whoever does not see everything could count by places what he does not see: without `placed` he is told none,
        and after an interruption that he must load the page anew.
        """
        stream = Stream()
        key: Hashable = stream if sees is None else (sees, kinds, placed)
        crowd = self._crowds.setdefault(key, Crowd(kinds, shows, placed=placed))
        crowd.streams.add(stream)
        try:
            begun = self.seq
            hello = orjson.dumps({"seq": begun} if placed else {}).decode()
            yield f"retry: 1000\nevent: hello\ndata: {hello}\n\n".encode() + self._time()
            if since is not None and placed:
                async for block in self._missed(since, begun, crowd):
                    yield block
            told = time.monotonic()
            while not self.closing:
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, told + BEAT_S - time.monotonic())):
                        await stream.ready.wait()
                if stream.turned or time.monotonic() - told >= BEAT_S:
                    told = time.monotonic()
                    stream.turned = False
                    yield self._time()
                if stream.waiting and (early := stream.next_s - time.monotonic()) > 0.0:
                    await asyncio.sleep(early)
                stream.ready.clear()
                if stream.behind:
                    stream.behind = False
                    yield b"event: reset\ndata: {}\n\n"
                if block := stream.taken():
                    yield block
                    # Each at its own moment: all at once would hold up everybody else.
                    stream.next_s = time.monotonic() + crowd.pace_s * (0.5 + secrets.randbelow(1_000) / 1_000)
        finally:
            crowd.streams.discard(stream)
            if not crowd.streams:
                self._crowds.pop(key, None)

    async def _missed(self, since: int, until: int, crowd: Crowd) -> AsyncGenerator[bytes, None]:
        if since > until or until - since > self._limits.recent * 10:
            yield b"event: reset\ndata: {}\n\n"
            return
        recent = list(self._recent)
        if not recent or recent[0].seq > since + 1:
            older_until = recent[0].seq - 1 if recent else until
            while since < older_until:
                async with self._reading:  # the log's reader serves one at a time
                    changes = await asyncio.to_thread(self._since, since, 500)
                changes = [one for one in changes if one.seq <= older_until]
                if not changes:
                    break
                since = changes[-1].seq
                if block := self._block(changes, crowd):
                    yield block
        at = bisect_right(recent, since, key=lambda one: one.seq)
        if block := self._block([one for one in recent[at:] if one.seq <= until], crowd):
            yield block

    @staticmethod
    def _block(changes: list[Change], crowd: Crowd) -> bytes:
        return b"".join(event for event in map(crowd.event, changes) if event is not None)

    def _time(self) -> bytes:
        now = {"now": clock.text(self._clock.now()), "rate": self._clock.rate, "simulated": self._clock.simulated}
        return b"event: clock\ndata: " + orjson.dumps(now) + b"\n\n"


def render(change: Change, *, placed: bool = True) -> bytes:
    """One Change as an event; with its place in the log, or without."""
    entity = change.entity
    data: dict[str, Any] = {
        **({"seq": change.seq} if placed else {}),
        "id": entity.id,
        "type": entity.types,
        "at": clock.text(change.at),
        "gone": change.gone,
        "changed": sorted({part.name for part in change.parts}),
    }
    if not change.gone:
        data["entity"] = entity_out(entity.doc, CORE, "concise")
    place = b"id: %d\n" % change.seq if placed else b""
    return b"%bevent: change\ndata: %b\n\n" % (place, orjson.dumps(data))
