"""The writer of a realm: a bounded inbox, one thread that writes what is waiting, and one that brings it to the disk.

Group commit: while one transaction is written, others queue, and the next takes them all; while one is on its way to
the disk, the next is written already. Whoever submitted is answered, and whoever watches is told, only when it is on
the disk (invariant 2). Items with a place go first, so that rules keep up.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import structlog

from hansa.clock import Clock
from hansa.errors import Busy, Full, HansaError
from hansa.limits import Limits
from hansa.model.change import Change
from hansa.platform.expiry import Expiry
from hansa.platform.store import Item, Outcome, Result, Store

GATHER_FROM: Final = 100
GATHER_S: Final = 0.03
"""After a commit of so many writes the next waits a little for more: under load, pages are written once for many."""

_WRITE_S: Final = 0.0002  # of one write among many, before any was measured
_SHARE: Final = 0.2  # of the newest large commit in the mean

Done = Callable[[Result], None]
Watcher = Callable[[list[Change]], None]

log = structlog.get_logger("hansa.inbox")


@dataclass(slots=True)
class _Waiting:
    item: Item
    done: Done
    loop: asyncio.AbstractEventLoop | None


class _Commit(NamedTuple):
    """What was written in one transaction, and how many of its writes were counted as waiting."""

    taken: Sequence[_Waiting]
    results: Sequence[Result]
    size: int


class Inbox:
    """Takes items from any thread, commits them in its own, answers each in the thread or loop it came from."""

    def __init__(self, store: Store, clock: Clock, limits: Limits) -> None:
        """Own the writing side of `store` from now on."""
        self._store = store
        self._clock = clock
        self._limits = limits
        self._ready = threading.Condition()
        self._waiting: deque[_Waiting] = deque()
        self._first: deque[_Waiting] = deque()
        self._size = 0
        self._answered = 0.0  # when somebody was last answered, or the first came in when nobody waited
        self._write_s = _WRITE_S
        self._stopping = False
        self._busy = False  # the last commit was a large one: more is on its way
        self._expiry = Expiry(store, clock, limits)
        self._watchers: list[Watcher] = []
        self._committed = threading.Condition()
        self._commits: deque[_Commit] = deque()  # not on the disk yet
        self._ended = False  # there will be no more of them
        self._broken: HansaError | None = None  # why nothing is taken any more
        self._thread = threading.Thread(target=self._run, name=f"writer-{store.realm}", daemon=True)
        self._syncer = threading.Thread(target=self._sync, name=f"syncer-{store.realm}", daemon=True)
        self.full: str | None = None  # why the disk takes nothing, while it does not
        self.commits = 0
        self.written = 0
        self._thread.start()
        self._syncer.start()

    @property
    def size(self) -> int:
        """Writes that wait, or are not on the disk yet."""
        return self._size

    @property
    def wait_s(self) -> float:
        """How long a write that comes now will wait, by how many are before it; a disk that stands still counts too."""
        if not self._size:
            return 0.0
        return max(time.monotonic() - self._answered, self._size * self._write_s)

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Hear of every Change that is on the disk, in order, in the syncer's thread; returns how to stop."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def submit(self, item: Item, done: Done, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Queue an item; `done` is called once, when it is on the disk, in `loop` or else in the syncer's thread.

        Raises Busy when the inbox is full, or when it would wait longer than `limits.inbox_s`: nothing was taken.
        """
        size = len(item.writes)
        full = self._size + size > self._limits.inbox or self.wait_s > self._limits.inbox_s
        if full and self._size and not item.places:
            raise Busy(
                f"{self._size:,} writes are waiting for the {self._store.realm} realm", mend="try again in a second"
            )
        waiting = _Waiting(item, done, loop)
        with self._ready:
            if self._stopping:
                raise Busy("the city is shutting down")
            if self._broken is not None:
                raise self._broken
            (self._first if item.places else self._waiting).append(waiting)
            if not self._size:
                self._answered = time.monotonic()
            self._size += size
            self._ready.notify()

    def future(self, item: Item) -> "Future[list[Outcome]]":
        """Queue an item from a thread; the future raises what the whole item failed with."""
        answer: Future[list[Outcome]] = Future()

        def done(result: Result) -> None:
            if isinstance(result, HansaError):
                answer.set_exception(result)
            else:
                answer.set_result(result)

        self.submit(item, done)
        return answer

    def stop(self) -> None:
        """Commit what waits, then end both threads."""
        with self._ready:
            self._stopping = True
            self._ready.notify()
        self._thread.join()
        with self._committed:
            self._ended = True
            self._committed.notify()
        self._syncer.join()

    def _take(self) -> list[_Waiting]:
        """All that waits, up to a commit's cap; empty when stopping, or when something may have expired."""
        patience = None if self._waiting or self._first else self._expiry.patience_s()
        with self._ready:
            if not self._waiting and not self._first and not self._stopping:
                self._ready.wait(patience)
        if self._busy and not self._first and not self._stopping:
            time.sleep(GATHER_S)
        with self._ready:
            taken: list[_Waiting] = []
            size = 0
            for queue in (self._first, self._waiting):
                while queue and (not taken or size + len(queue[0].item.writes) <= self._limits.commit):
                    one = queue.popleft()
                    size += len(one.item.writes)
                    taken.append(one)
            self._busy = size >= GATHER_FROM
            return taken

    def _run(self) -> None:
        while True:
            taken = self._take()
            if not taken and self._stopping:
                return
            at = self._clock.now()
            items = [one.item for one in taken]
            size = sum(len(item.writes) for item in items)
            if (gone := self._expiry.due(items, at)) is not None:
                taken.insert(0, _Waiting(gone, _nobody, None))
                items.insert(0, gone)
            if not taken:
                continue
            results = self._written(items, at)
            if gone is not None:
                self._expiry.done(results[0])
            with self._committed:
                self._commits.append(_Commit(taken, results, size))
                self._committed.notify()

    def _written(self, items: Sequence[Item], at: int) -> Sequence[Result]:
        try:
            return self._store.write(items, at)
        except Exception as fault:  # the writer must live: whatever it was, its senders hear of it
            log.exception("commit failed", realm=self._store.realm)
            return [HansaError(f"the commit failed: {fault}")] * len(items)

    def _sync(self) -> None:
        """Bring to the disk what has been written meanwhile, all of it at once, then answer; for ever."""
        while True:
            with self._committed:
                while not self._commits and not self._ended:
                    self._committed.wait()
                commits = list(self._commits)
                self._commits.clear()
            if not commits:
                return
            try:
                if self._broken is None:
                    self._store.sync()
            except OSError as fault:
                # What the disk holds is not known from here on, and a second try may be told a lie: nothing more is
                # taken until the files are opened anew, which finds out.
                log.critical("the disk failed; start the city again", realm=self._store.realm, why=str(fault))
                self._broken = Full(f"the disk failed: {fault}", mend="look after the disk, then start the city again")
            self._pace(sum(one.size for one in commits))
            for taken, results, size in commits:
                self._after(taken, results if self._broken is None else [self._broken] * len(taken))
                with self._ready:
                    self._size -= size

    def _pace(self, writes: int) -> None:
        """Note how fast writes get to the disk; a small commit says how slow the disk is, not a write."""
        now = time.monotonic()
        if writes >= GATHER_FROM:
            self._write_s += ((now - self._answered) / writes - self._write_s) * _SHARE
        self._answered = now

    def _after(self, taken: Sequence[_Waiting], results: Sequence[Result]) -> None:
        """Tell whoever watches, then whoever waits."""
        self.commits += 1
        self._notice(next((one.detail for one in results if isinstance(one, Full)), None))
        told = (one for result in results if not isinstance(result, HansaError) for one in result)
        changes = [one for one in told if isinstance(one, Change)]
        self.written += len(changes)
        if changes:
            for watcher in list(self._watchers):
                try:
                    watcher(changes)
                except Exception:  # a broken listener must not stop the city
                    log.exception("a watcher failed")
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Done, Any]]] = {}
        for one, result in zip(taken, results, strict=True):
            if one.loop is None:
                _answer([(one.done, result)])
            else:
                by_loop.setdefault(one.loop, []).append((one.done, result))
        for loop, answers in by_loop.items():
            try:
                loop.call_soon_threadsafe(_answer, answers)
            except RuntimeError:  # the loop has ended; what was committed stays committed
                log.info("nobody left to answer", answers=len(answers))

    def _notice(self, full: str | None) -> None:
        """Note whether the disk takes what it is given."""
        if full is not None and self.full is None:
            log.error("the disk takes nothing", realm=self._store.realm, why=full)
        if full is None and self.full is not None:
            log.info("the disk takes writes again", realm=self._store.realm)
        self.full = full


def _nobody(_: Result) -> None:
    """Nobody waits for what the writer does of itself."""


def _answer(answers: list[tuple[Done, Any]]) -> None:
    """Tell everyone of one commit in one turn of the loop: a thread hop for each would cost more than the write."""
    for done, result in answers:
        try:
            done(result)
        except Exception:  # one broken caller must not silence the others
            log.exception("an answer could not be given")
