"""Follows the log in the event loop: live while it keeps up, from the log itself while it does not.

The writer's thread hands over each commit's Changes with one hop. When more wait than memory should hold, the follower
lets go of them and reads them from the log instead, and it starts that way too: from its place, wherever that is. Both
ways give the same Changes in the same order, each once.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

import structlog

from hansa.model.change import Change
from hansa.platform.city import City
from hansa.platform.sqlite import SqliteStore
from hansa.platform.sqlite.log import LogReader
from hansa.platform.store import Store

Since = Callable[[int, int], list[Change]]
"""Changes after a seq, at most so many: `Store.since`, or a log reader of one's own. Called in one thread at a time."""

WAITING: Final = 20_000  # Changes that the loop has not looked at yet
BATCH: Final = 200  # Changes read from the log, or looked at in one turn of the loop

log = structlog.get_logger("hansa.follower")


class Follower:
    """Hands every Change after `seen` to `take`, in order, in the loop that called `start`.

    `hold`, if given, says when what comes from the log should wait a moment (its receiver is busy and well).
    """

    def __init__(
        self,
        city: City,
        take: Callable[[list[Change]], None],
        seen: int,
        since: Since,
        *,
        hold: Callable[[], bool] = lambda: False,
        waiting: int = WAITING,
    ) -> None:
        """Follow nothing yet."""
        self._city = city
        self._take = take
        self.seen = seen
        self._since = since
        self._hold = hold
        self._waiting_max = waiting
        self._lock = threading.Lock()
        self._live = False
        self._newest = 0
        self._waiting: deque[list[Change]] = deque()
        self._count = 0
        self._scheduled = False
        self._behind = asyncio.Event()
        self._caught_up = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._reading: asyncio.Future[list[Change]] | None = None
        self._unwatch: Callable[[], None] | None = None

    @property
    def live(self) -> bool:
        """Whether it hears of Changes as they are committed."""
        return self._live

    def start(self) -> None:
        """Begin where it stood."""
        self._loop = asyncio.get_running_loop()
        self._unwatch = self._city.watch(self._heard)
        self._behind.set()
        self._task = self._loop.create_task(self._follow(), name="follower")

    async def caught_up(self) -> None:
        """Wait until it is live."""
        await self._caught_up.wait()

    async def aclose(self) -> None:
        """Stop; what was not handed over will be read from the log next time. No thread reads it any more then."""
        if self._unwatch is not None:
            self._unwatch()
            self._unwatch = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._reading is not None:  # a thread cannot be called off, and what it reads through is about to be closed
            await asyncio.gather(self._reading, return_exceptions=True)
        with self._lock:
            self._live = False
            self._waiting.clear()

    def _heard(self, changes: list[Change]) -> None:
        """In the writer's thread, once a commit."""
        with self._lock:
            self._newest = changes[-1].seq
            if not self._live:
                return
            if self._count + len(changes) > self._waiting_max:
                self._live = False  # the log holds them
            else:
                self._waiting.append(changes)
                self._count += len(changes)
            if self._scheduled:
                return
            self._scheduled = True
        try:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._drain)
        except RuntimeError:  # the loop has ended
            self._live = False

    def _drain(self) -> None:
        """Look at some of what waits, then let others have the loop."""
        left = BATCH
        while left > 0:
            with self._lock:
                if not self._waiting:
                    self._scheduled = False
                    if not self._live:
                        self._caught_up.clear()
                        self._behind.set()
                    return
                changes = self._waiting.popleft()
                self._count -= len(changes)
                if len(changes) > left:
                    self._waiting.appendleft(changes[left:])
                    self._count += len(changes) - left
                    changes = changes[:left]
            left -= len(changes)
            self._hand(changes)
        if self._loop is not None:
            self._loop.call_soon(self._drain)

    def _hand(self, changes: list[Change]) -> None:
        # The log may have shown what a slow watcher call brings once more.
        fresh = changes if changes[0].seq > self.seen else [one for one in changes if one.seq > self.seen]
        if not fresh:
            return
        try:
            self._take(fresh)
        except Exception:  # one Change that nobody foresaw must not end all notifications
            log.exception("a batch of changes was passed over", first=fresh[0].seq, last=fresh[-1].seq)
        self.seen = fresh[-1].seq

    async def _follow(self) -> None:
        while True:
            await self._behind.wait()
            try:
                self._reading = asyncio.ensure_future(asyncio.to_thread(self._since, self.seen, BATCH))
                changes = await asyncio.shield(self._reading)
            except Exception:  # a log that cannot be read now may be readable in a second
                log.exception("the log cannot be read")
                await asyncio.sleep(1.0)
                continue
            if changes:
                self._hand(changes)
                await self._rest()
                continue
            with self._lock:
                if self._newest <= self.seen:
                    self._live = True
                    self._behind.clear()
                    self._caught_up.set()

    async def _rest(self) -> None:
        """Wait for a busy receiver that is well; never for long."""
        for _ in range(100):
            if not self._hold():
                return
            await asyncio.sleep(0.05)


def log_of(store: Store) -> tuple[Since, Callable[[], None]]:
    """A way to read a store's log beside everybody else, from any one thread at a time, and how to let go of it."""
    lock = threading.Lock()
    if isinstance(store, SqliteStore) and store.path != ":memory:":
        own = LogReader(store.connect(), store.realm)
        since, close = own.since, own.close
    else:
        since, close = store.since, _nothing

    def locked(seq: int, limit: int) -> list[Change]:
        with lock:
            return since(seq, limit)

    def closed() -> None:
        with lock:  # whoever still reads comes to his end first
            close()

    return locked, closed


def _nothing() -> None:
    """The store closes its own."""
