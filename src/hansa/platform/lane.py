"""What waits for one channel, in order of rank, and what rests because the other side fails. No store, no socket.

An endpoint that fails as a whole rests with growing pauses, everything for it parked, and one message finds out whether
it is back: no spinning, whatever waits. A single recipient that fails rests alone. The courier says what a message is
and writes down what became of it. Held by tests/platform/test_courier.py.
"""

import asyncio
import heapq
import itertools
import math
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from hansa.network.channels.said import Channel, Failed, Handed, Notice, Outcome
from hansa.platform.newcomers import Job, Newcomers

BATCH: Final = 200  # claimed at once: so many are perhaps sent when the city is cut off
OPEN: Final = 500  # whose outcome is not written down yet
BASE_S: Final = 1.0
STREAK: Final = 6  # failures without a success between them, after which an endpoint is taken for down
CAP_S: Final = 300.0  # an endpoint that was away for a day is asked every five minutes
SOON_S: Final = 8.0  # at most, for one that failed with others going well: it may be its endpoint's bad moment
TRIES: Final = 12  # for one recipient whose own mailbox fails: some 40 minutes
FRESH_S: Final = 60.0  # after so long without one that was taken, a channel of which a part fails is down
CLOSE_S: Final = 5.0  # what is on its way when the city ends

log = structlog.get_logger("hansa.courier")


@dataclass(slots=True)
class Claimed:
    """A delivery that is written down as being sent."""

    job: Job
    notice: Notice
    doc: dict[str, object]
    """As it was written."""


@dataclass(slots=True)
class _Endpoint:
    streak: int = 0
    failures: int = 0
    until: float = 0.0
    probing: bool = False
    parked: deque[Job] = field(default_factory=deque)


Claim = Callable[[Sequence[Job]], Awaitable[list[Claimed]]]
Finish = Callable[[Claimed, Outcome | None], Coroutine[Any, Any, bool]]
"""Write down what became of it (None: it was not sent after all); whether it is to be tried again."""


class Lane:
    """The deliveries of one channel. All methods belong to the event loop."""

    def __init__(
        self,
        kind: str,
        channel: Channel,
        claim: Claim,
        finish: Finish,
        wanted: Callable[[str], bool],
        *,
        now: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
        base_s: float = BASE_S,
    ) -> None:
        """Nothing waits yet. `wanted` says at the last moment whether a delivery is still to go."""
        self.kind = kind
        self.channel = channel
        self._claim, self._finish, self._wanted = claim, finish, wanted
        self._now, self._jitter, self._base_s = now, jitter, base_s
        self._ready: list[Job] = []
        self._worst = -1  # no rank in any queue is beyond
        self._newcomers = Newcomers(channel.width)
        self._timers: list[tuple[float, int, Job | str]] = []
        self._orders = itertools.count()
        self._endpoints: dict[str, _Endpoint] = {}
        self._tries: dict[str, int] = {}
        self._since: dict[str, float] = {}
        self._turn = asyncio.Semaphore(channel.width)
        self._open = asyncio.Semaphore(OPEN)
        self._work: set[asyncio.Task[Any]] = set()
        self._wake = asyncio.Event()
        self._tokens = float(min(channel.width, channel.per_s))
        self._filled = now()
        self._begun: deque[Claimed] = deque()  # written down, and not sent yet
        self._filling = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._good_at = -math.inf
        self.handed = 0
        self.failed = 0
        self.why = ""

    def start(self) -> None:
        """Begin."""
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._run(), name=f"claims {self.kind}"),
            loop.create_task(self._dispatch(), name=f"channel {self.kind}"),
        ]

    async def aclose(self) -> None:
        """Claim nothing more, and wait a little for what is on its way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for one in self._begun:  # it did not go out, so it will be news when it does
            self._keep(self._finish(one, None))
        if self._work:
            await asyncio.wait(self._work, timeout=CLOSE_S)
        for work in self._work:
            work.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)

    def put(self, ident: str, rank: int, endpoint: str) -> None:
        """A delivery waits; the caller sees to it that it does so once."""
        since = self._since.setdefault(ident, self._now())
        self._worst = max(self._worst, rank)
        self._queue(Job(rank, next(self._orders), ident, endpoint, since))
        self._wake.set()

    def displace(self, rank: int, many: int, spared: Callable[[str], bool]) -> list[str]:
        """Let go of the worst that wait, if they are of a worse rank: their ids.

        It costs a look at all that wait, so ask for many. What is written down as being sent, or is `spared`, stays.
        """
        if rank >= self._worst:
            return []
        timed = (one[2] for one in self._timers if isinstance(one[2], Job))
        parked = (job for endpoint in self._endpoints.values() for job in endpoint.parked)
        queued = list(itertools.chain(self._ready, parked, timed, self._newcomers.waiting()))
        worst = heapq.nlargest(many, (job for job in queued if job.rank > rank and not spared(job.id)))
        gone = {job.id for job in worst}
        self._worst = max((job.rank for job in queued if job.id not in gone), default=-1)
        if not gone:
            self._worst = min(self._worst, rank)  # none but such that are spared
            return []
        self._ready = [job for job in self._ready if job.id not in gone]
        heapq.heapify(self._ready)
        self._timers = [one for one in self._timers if not isinstance(one[2], Job) or one[2].id not in gone]
        heapq.heapify(self._timers)
        for endpoint in self._endpoints.values():
            endpoint.parked = deque(job for job in endpoint.parked if job.id not in gone)
        self._newcomers.drop(lambda job: job.id in gone)
        for ident in gone:
            self.forget(ident)
        return list(gone)

    def forget(self, ident: str) -> None:
        """It is told, or will not be."""
        self._tries.pop(ident, None)
        self._since.pop(ident, None)

    @property
    def waiting(self) -> int:
        """How many wait or are being sent."""
        return len(self._since)

    @property
    def oldest_s(self) -> float:
        """For how long the oldest waits."""
        first = next(iter(self._since.values()), None)
        return 0.0 if first is None else max(0.0, self._now() - first)

    @property
    def up(self) -> bool:
        """Whether what it speaks to takes what it gets, or something of it did lately."""
        failing = any(one.streak for one in self._endpoints.values())
        return not failing or self._now() - self._good_at < FRESH_S

    # What is due

    def _due(self) -> list[Job]:
        now = self._now()
        while self._timers and self._timers[0][0] <= now:
            _, _, what = heapq.heappop(self._timers)
            if isinstance(what, Job):
                self._queue(what)
            elif (endpoint := self._endpoints.get(what)) is not None and endpoint.parked and endpoint.until <= now:
                self._queue(endpoint.parked.popleft())
        most = min(BATCH, self.channel.width * 4, self._room(now))
        due: list[Job] = []
        while len(due) < most and (job := self._next()) is not None:
            endpoint = self._endpoints.get(job.endpoint)
            if endpoint is not None and endpoint.failures:
                if endpoint.probing or endpoint.until > now:
                    endpoint.parked.append(job)
                    continue
                endpoint.probing = True  # one finds out; what comes of it, also that it is not sent, ends that
            self._newcomers.goes(job)
            due.append(job)
        self._tokens -= len(due)
        return due

    def _queue(self, job: Job) -> None:
        if self._newcomers.settled(job.endpoint):
            heapq.heappush(self._ready, job)
        else:
            self._newcomers.put(job, failed=job.id in self._tries)

    def _next(self) -> Job | None:
        """The gravest that may go, and the first of those; newcomers that failed go when nobody else does."""
        first = self._newcomers.first()
        while self._ready:
            job = self._ready[0]
            if first is not None and first < (False, job.rank, job.order):
                break
            heapq.heappop(self._ready)
            if self._newcomers.settled(job.endpoint):
                return job
            self._queue(job)  # its endpoint has lost its standing since
            first = self._newcomers.first()
        return None if first is None else self._newcomers.pop()

    def _room(self, now: float) -> int:
        """How many may be sent now by the rate."""
        rate = self.channel.per_s
        self._tokens = min(max(1.0, rate / 4), self._tokens + (now - self._filled) * rate)
        self._filled = now
        return int(self._tokens)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            due = self._due()
            if due:
                try:
                    claimed = await self._claim(due)
                except Exception:  # whatever it was: they wait in the store, and are looked at again
                    log.exception("deliveries could not be claimed", channel=self.kind)
                    for job in due:
                        self._newcomers.left(job)
                        self._free(job)
                        self._at(self._now() + self._base_s, job)
                    continue
                began = {one.job.id for one in claimed}
                for job in due:
                    if job.id not in began:
                        self._newcomers.left(job)
                        self._free(job)
                self._begun += claimed
                self._filling.set()
                while len(self._begun) >= self.channel.width:
                    self._wake.clear()
                    await self._wake.wait()
                continue
            wait_s = None
            if self._ready or self._newcomers.first() is not None:
                wait_s = max(0.005, (1.0 - self._tokens) / self.channel.per_s)
            elif self._timers:
                wait_s = max(0.005, self._timers[0][0] - self._now())
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()

    async def _dispatch(self) -> None:
        """Send what is written down, while the next is being written: neither waits for the other."""
        while True:
            while not self._begun:
                self._filling.clear()
                await self._filling.wait()
            await self._open.acquire()
            await self._turn.acquire()
            self._keep(self._one(self._begun.popleft()))
            if len(self._begun) < self.channel.width:
                self._wake.set()

    def _keep(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _one(self, one: Claimed) -> None:
        job, outcome = one.job, None
        began = self._now()
        try:
            try:
                if not self._rests(job) and self._wanted(job.id):
                    outcome = await self.channel.send(one.notice)
            except Exception as fault:  # a channel raises nothing; one that does must not lose what it was given
                log.exception("a channel failed in an unforeseen way", channel=self.kind)
                outcome = Failed(False, f"{type(fault).__name__}", perhaps=True)
            finally:
                self._turn.release()
            self._judged(job, outcome, self._now() - began)
            outcome = self._noticed(job, outcome)
            if await self._finish(one, outcome):
                self._again(job, outcome)
            else:
                self.forget(job.id)
        finally:
            self._open.release()

    # What comes of it

    def _rests(self, job: Job) -> bool:
        """Whether its endpoint has failed since it was claimed."""
        endpoint = self._endpoints.get(job.endpoint)
        return endpoint is not None and endpoint.failures > 0 and not endpoint.probing

    def _judged(self, job: Job, outcome: Outcome | None, after_s: float) -> None:
        """What it says of its endpoint as one that has yet to show itself, or has."""
        if isinstance(outcome, Handed):
            for freed in self._newcomers.took(job.endpoint, after_s=after_s):
                heapq.heappush(self._ready, freed)
        elif isinstance(outcome, Failed) and outcome.everybody:
            endpoint = self._endpoints.get(job.endpoint)
            down = endpoint is not None and endpoint.streak + 1 >= STREAK
            self._newcomers.failed(job.endpoint, down=down)
        if self._newcomers.left(job):
            self._wake.set()

    def _noticed(self, job: Job, outcome: Outcome | None) -> Outcome | None:
        if outcome is None:
            return None
        if isinstance(outcome, Failed) and outcome.everybody:
            self._tries[job.id] = self._tries.get(job.id, 0) + 1
            self._rest(job.endpoint, outcome)
            return outcome
        if isinstance(outcome, Failed) and outcome.why.startswith("malformed:"):
            self._free(job)  # nobody was asked
        else:
            self._back(job.endpoint)
        if isinstance(outcome, Handed):
            self.handed += 1
            self._good_at = self._now()
            return outcome
        if not outcome.for_good:
            self._tries[job.id] = tries = self._tries.get(job.id, 0) + 1
            if tries >= TRIES:
                outcome = Failed(True, f"given up: {outcome.why}")
        self.failed += outcome.for_good
        return outcome

    def _rest(self, name: str, outcome: Failed) -> None:
        endpoint = self._endpoints.setdefault(name, _Endpoint())
        now = self._now()
        self.why = outcome.why
        if endpoint.failures and not endpoint.probing:
            return  # one of several that were under way when it began to fail
        endpoint.streak += 1
        if endpoint.streak < STREAK and outcome.wait_s is None:
            return  # a line that loses a few is no line that is down: the others go on
        if not name:  # one gateway for all, so what it did before says nothing any more
            self._good_at = -math.inf
        endpoint.failures += 1
        endpoint.probing = False
        whole = min(CAP_S, self._base_s * 2.0 ** min(endpoint.failures - 1, 20))
        pause_s = max(whole * (0.5 + self._jitter() / 2), min(outcome.wait_s or 0.0, CAP_S))
        endpoint.until = now + pause_s
        heapq.heappush(self._timers, (endpoint.until, next(self._orders), name))
        self._wake.set()

    def _back(self, name: str) -> None:
        endpoint = self._endpoints.get(name)
        if endpoint is None:
            return
        del self._endpoints[name]
        self.why = ""
        if not endpoint.failures:
            return
        for job in endpoint.parked:
            self._soon(job)
        self._wake.set()

    def _free(self, job: Job) -> None:
        """A job that was taken and not sent: if it was to find out whether its endpoint is back, another does."""
        endpoint = self._endpoints.get(job.endpoint)
        if endpoint is not None and endpoint.probing:
            endpoint.probing, endpoint.until = False, self._now()
            heapq.heappush(self._timers, (endpoint.until, next(self._orders), job.endpoint))

    def _again(self, job: Job, outcome: Outcome | None) -> None:
        if outcome is None or (isinstance(outcome, Failed) and outcome.everybody):
            endpoint = self._endpoints.get(job.endpoint)
            if endpoint is not None and endpoint.failures:
                endpoint.parked.append(job)
                if not endpoint.probing and endpoint.until <= self._now():
                    heapq.heappush(self._timers, (endpoint.until, next(self._orders), job.endpoint))
            else:
                self._soon(job)
            self._wake.set()
            return
        tries = self._tries.get(job.id, 1)
        wait_s = outcome.wait_s if isinstance(outcome, Failed) and outcome.wait_s else 0.0
        self._tries.setdefault(job.id, tries)
        whole = min(CAP_S, self._base_s * 2.0**tries)
        self._at(self._now() + max(min(wait_s, CAP_S), whole * (0.5 + self._jitter() / 2)), job)

    def _soon(self, job: Job) -> None:
        """Its endpoint is back. What failed itself, perhaps it alone, waits a little: others need not fail with it."""
        tries = self._tries.get(job.id, 0)
        if tries < 2:
            self._queue(job)
        else:
            self._at(self._now() + min(SOON_S, self._base_s * 2.0 ** min(tries - 2, 20)), job)

    def _at(self, when: float, job: Job) -> None:
        heapq.heappush(self._timers, (when, next(self._orders), job))
        self._wake.set()
