"""Live pages: Changes as server-sent events, resumed without a gap.

An event's id is the Change's `seq`. A page that returns names the last one it saw and gets what it missed, from memory
or from the log; one that cannot be served so (or that cannot keep up) gets `reset` and loads the state anew.
"""

import asyncio
import time
from bisect import bisect_right
from collections import deque
from collections.abc import AsyncGenerator, Callable
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


class Stream:
    """One listening page."""

    __slots__ = ("behind", "kinds", "placed", "ready", "shows", "turned", "waiting")

    def __init__(self, kinds: frozenset[str] | None, shows: Shows, *, placed: bool = True) -> None:
        """`kinds` are the types it wants; None: all. Without `placed` it is not told where in the log anything is."""
        self.kinds = kinds
        self.placed = placed
        self.shows = shows
        self.waiting: list[bytes] = []
        self.ready = asyncio.Event()
        self.behind = False
        self.turned = False

    def wants(self, change: Change) -> bool:
        """Whether the Change is of a type it listens to."""
        if change.tenant:
            return False
        return self.kinds is None or any(alias(kind) in self.kinds for kind in change.entity.types)


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
        self._streams: set[Stream] = set()
        self._reading = asyncio.Lock()
        self.seq = head()
        self.closing = False

    @property
    def streams(self) -> int:
        """How many pages listen."""
        return len(self._streams)

    def push(self, changes: list[Change]) -> None:
        """Tell everyone; called once a commit."""
        self._recent.extend(changes)
        self.seq = changes[-1].seq
        if not self._streams:
            return
        for change in changes:
            event: bytes | None = None  # made once for all who see the whole of it
            for stream in self._streams:
                if not stream.wants(change):
                    continue
                shown = stream.shows(change)
                if shown is None:
                    continue
                if shown is not change or not stream.placed:
                    stream.waiting.append(render(shown, placed=stream.placed))
                else:
                    event = event or render(change)
                    stream.waiting.append(event)
        for stream in self._streams:
            if stream.waiting:
                if len(stream.waiting) > self._limits.stream:
                    stream.waiting.clear()
                    stream.behind = True
                stream.ready.set()

    def turned(self) -> None:
        """The clock was set: say so to everyone."""
        for stream in self._streams:
            stream.turned = True
            stream.ready.set()

    def stop(self) -> None:
        """End every stream, so that the server can close."""
        self.closing = True
        for stream in self._streams:
            stream.ready.set()

    async def events(
        self, since: int | None, kinds: frozenset[str] | None, shows: Shows, *, placed: bool = True
    ) -> AsyncGenerator[bytes, None]:
        """The events of one page, for ever: hello (or what it missed), then Changes, and the clock every 5 s.

        Whoever does not see everything could count by places what he does not see: without `placed` he is told none,
        and after an interruption that he must load the page anew.
        """
        stream = Stream(kinds, shows, placed=placed)
        self._streams.add(stream)
        try:
            begun = self.seq
            hello = orjson.dumps({"seq": begun} if placed else {}).decode()
            yield f"retry: 1000\nevent: hello\ndata: {hello}\n\n".encode() + self._time()
            if since is not None and placed:
                async for block in self._missed(since, begun, stream):
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
                stream.ready.clear()
                if stream.behind:
                    stream.behind = False
                    yield b"event: reset\ndata: {}\n\n"
                block, stream.waiting = b"".join(stream.waiting), []
                if block:
                    yield block
        finally:
            self._streams.discard(stream)

    async def _missed(self, since: int, until: int, stream: Stream) -> AsyncGenerator[bytes, None]:
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
                if block := self._block(changes, stream):
                    yield block
        at = bisect_right(recent, since, key=lambda one: one.seq)
        if block := self._block([one for one in recent[at:] if one.seq <= until], stream):
            yield block

    @staticmethod
    def _block(changes: list[Change], stream: Stream) -> bytes:
        shown = [stream.shows(one) for one in changes if stream.wants(one)]
        return b"".join(render(one) for one in shown if one is not None)

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
