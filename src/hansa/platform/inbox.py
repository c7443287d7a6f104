"""The writer of a realm: a bounded inbox and one thread that commits what is waiting.

Group commit: while one transaction is on its way to the disk, others queue, and the next takes them all. Whoever
submitted is answered only after the commit (invariant 2). Items with a place go first, so that rules keep up.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

import structlog

from hansa.clock import Clock
from hansa.errors import Busy, Full, HansaError
from hansa.limits import Limits
from hansa.model.change import Change
from hansa.platform.store import Item, Outcome, Result, Store

GATHER_FROM: Final = 100
GATHER_S: Final = 0.03
"""After a commit of so many writes the next waits a little for more: under load, pages are written once for many."""

Done = Callable[[Result], None]
Watcher = Callable[[list[Change]], None]

log = structlog.get_logger("hansa.inbox")


@dataclass(slots=True)
class _Waiting:
    item: Item
    done: Done
    loop: asyncio.AbstractEventLoop | None


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
        self._stopping = False
        self._busy = False  # the last commit was a large one: more is on its way
        self._watchers: list[Watcher] = []
        self._thread = threading.Thread(target=self._run, name=f"writer-{store.realm}", daemon=True)
        self.full: str | None = None  # why the disk takes nothing, while it does not
        self.commits = 0
        self.written = 0
        self._thread.start()

    @property
    def size(self) -> int:
        """Writes that wait."""
        return self._size

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Hear of every committed Change, in order, in the writer's thread; returns how to stop."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def submit(self, item: Item, done: Done, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Queue an item; `done` is called once, after the commit, in `loop` or else in the writer's thread.

        Raises Busy when the inbox is full: nothing was taken.
        """
        size = len(item.writes)
        if self._size + size > self._limits.inbox and not item.places and self._size:
            raise Busy(
                f"{self._size:,} writes are waiting for the {self._store.realm} realm", mend="try again in a second"
            )
        waiting = _Waiting(item, done, loop)
        with self._ready:
            if self._stopping:
                raise Busy("the city is shutting down")
            (self._first if item.places else self._waiting).append(waiting)
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
        """Commit what waits, then end the thread."""
        with self._ready:
            self._stopping = True
            self._ready.notify()
        self._thread.join()

    def _take(self) -> list[_Waiting]:
        """All that waits, up to a commit's cap; empty only when stopping."""
        with self._ready:
            while not self._waiting and not self._first and not self._stopping:
                self._ready.wait()
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
            self._size -= size
            self._busy = size >= GATHER_FROM
            return taken

    def _run(self) -> None:
        while taken := self._take():
            try:
                results = self._store.commit([one.item for one in taken], self._clock.now())
            except Exception as fault:  # the writer must live: whatever it was, its senders hear of it
                log.exception("commit failed", realm=self._store.realm)
                results = [HansaError(f"the commit failed: {fault}")] * len(taken)
            self._after(taken, results)

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


def _answer(answers: list[tuple[Done, Any]]) -> None:
    """Tell everyone of one commit in one turn of the loop: a thread hop for each would cost more than the write."""
    for done, result in answers:
        try:
            done(result)
        except Exception:  # one broken caller must not silence the others
            log.exception("an answer could not be given")
