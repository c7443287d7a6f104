"""Slow hashes where nobody else waits for them: one thread, a short queue, and those that are known go first.

A password costs 35 ms and 19 MB on purpose. A thousand guesses a second must not take the city's time or memory: more
than wait here are refused at once, the thread leaves the processor to the loop, and after a hash for somebody unknown
it rests for as long as that took.
"""

import asyncio
import heapq
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any, Final, TypeVar

from hansa.errors import Busy

T = TypeVar("T")
_NICE: Final = 10
_REST_S: Final = 1.0


class Hashing:
    """Calls of slow functions, one after the other."""

    def __init__(self, most: int) -> None:
        """At most `most` wait; half of the room is kept for those that are known."""
        self._most = most
        self._waiting: list[tuple[int, int, Callable[[], None]]] = []
        self._number = count()
        self._changed = threading.Condition()
        self._ended = False
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    async def call(self, work: Callable[..., T], *given: Any, known: bool = False) -> T:
        """What `work(*given)` answers; Busy when too many wait already."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def tell(made: T | None, fault: Exception | None) -> None:
            if answer.done():
                return
            if fault is not None:
                answer.set_exception(fault)
            else:
                answer.set_result(made)  # type: ignore[arg-type]  # it is what work gave

        def run() -> None:
            if answer.cancelled():  # whoever asked has left: nobody needs the work
                return
            made, fault = None, None
            try:
                made = work(*given)
            except Exception as raised:  # noqa: BLE001  # it is the asker's
                fault = raised
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(tell, made, fault)

        with self._changed:
            if len(self._waiting) >= (self._most if known else self._most // 2):
                raise Busy("too many sign in with passwords just now", mend="a passkey opens at once; else wait")
            heapq.heappush(self._waiting, (0 if known else 1, next(self._number), run))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="passwords", daemon=True)
                self._thread.start()
            self._changed.notify()
        return await answer

    def _work(self) -> None:
        with suppress(OSError, AttributeError):  # where the system has it: the loop goes first
            here = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, here, min(19, os.getpriority(os.PRIO_PROCESS, here) + _NICE))
        while True:
            with self._changed:
                while not self._waiting and not self._ended:
                    self._changed.wait()
                if self._ended:
                    return
                rank, _, run = heapq.heappop(self._waiting)
            began = time.monotonic()
            run()
            if rank:
                with self._changed:
                    self._changed.wait_for(self._hurried, min(time.monotonic() - began, _REST_S))

    def _hurried(self) -> bool:
        """Whether there is no time to rest: somebody known waits."""
        return self._ended or bool(self._waiting and self._waiting[0][0] == 0)

    def close(self) -> None:
        """End; who waits is not answered any more."""
        with self._changed:
            self._ended = True
            self._waiting.clear()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(5)
