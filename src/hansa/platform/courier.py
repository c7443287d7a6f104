"""The courier: what is `waiting` goes out, and what became of it is written down (report section 2.1.2).

A `Delivery` that waits is first written down as `sending`, durably, and then sent: after kill -9 whatever was `sending`
was perhaps sent, and goes out once more as `again`. Each write stands on the document that was read: what the app or a
recipient has said meanwhile stays, and ours is thought over. Held by tests/platform/test_courier.py.
"""

import asyncio
import heapq
import itertools
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import structlog

from hansa.errors import Busy, HansaError, NotFound
from hansa.model.change import Change
from hansa.model.entity import Entity, entity
from hansa.model.query import Query
from hansa.network.channels.said import Channel, Handed, Outcome, Receipt, reference
from hansa.platform.city import City
from hansa.platform.lane import BASE_S, Claimed, Lane
from hansa.platform.ledger import ACTOR, BUSY_S, GATHER_S, KIND, Ledger
from hansa.platform.newcomers import Job
from hansa.platform.notices import (
    OVER,
    Token,
    Untellable,
    attempted,
    channel_of,
    confirmed,
    kind_of,
    notice,
    rank_of,
    target,
)
from hansa.platform.returns import OPEN, Returns

if TYPE_CHECKING:
    from hansa.platform.store import Outcome as Stored

HELD: Final = 50_000  # deliveries of one channel in memory, 300 bytes each; more wait in the store until there is room
LOOK_S: Final = 2.0
SLICE: Final = 20  # deliveries looked at in one turn of the loop: some 3 ms
HUMAN: Final = frozenset(("print", "phone"))

log = structlog.get_logger("hansa.courier")


class _Found(NamedTuple):
    """A delivery that waits in the store; the gravest is the least."""

    rank: int
    id: str
    kind: str
    endpoint: str


class Courier:
    """Sends the deliveries of one realm. All methods belong to the event loop in which it was made."""

    def __init__(
        self,
        city: City,
        channels: Mapping[str, Channel],
        token: Token,
        origin: Callable[[], str],
        *,
        trusted: frozenset[str] = frozenset(),
        now: Callable[[], float] = time.monotonic,
        base_s: float = BASE_S,
    ) -> None:
        """Send nothing before `start`. `trusted` are the kinds of channels whose receipts confirm.

        `origin` is where the city is found.
        """
        self._loop = asyncio.get_running_loop()
        self._city = city
        self._token, self._origin = token, origin
        self._ledger = Ledger(city)
        self._returns = Returns(city, self._ledger, trusted)
        self.lanes = {
            kind: Lane(kind, channel, self._claim, self._finish, self._wanted, now=now, base_s=base_s)
            for kind, channel in channels.items()
        }
        self._known: dict[str, str] = {}  # deliveries in memory, and their lane
        self._missed: set[str] = set()  # of those, such that were said anew meanwhile
        self._perhaps: set[str] = set()  # of those, such that were being sent when the city ended
        self._new: deque[Entity] = deque()  # heard of, and not queued yet
        self._taking = False
        self._over: set[str] = set()  # of those, such that need not go out any more
        self._held: Counter[str] = Counter()  # how many of them are of each lane
        self._more: set[str] = set()  # lanes of which others wait in the store
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    # Life

    async def start(self) -> None:
        """Take up what the last life left, and begin."""
        for lane in self.lanes.values():
            lane.start()
        self._spawn(self._look())

    async def aclose(self) -> None:
        """Let what is on its way come to its end, as far as it does soon; close the channels."""
        self._closed = True
        await asyncio.gather(*(lane.aclose() for lane in self.lanes.values()))
        for one in list(self._tasks):
            one.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(lane.channel.aclose() for lane in self.lanes.values()), return_exceptions=True)

    def shown(self) -> dict[str, Any]:
        """Figures for `/health`, by kind of channel."""
        return {
            kind: {
                "state": "up" if lane.up else "down",
                "waiting": lane.waiting,
                "handed": lane.handed,
                "failed": lane.failed,
                "oldest_s": round(lane.oldest_s, 1),
                "why": lane.why,
            }
            for kind, lane in self.lanes.items()
        }

    def heard(self, changes: Sequence[Change]) -> None:
        """What happened in the realm: new deliveries, and what devices said of their commands."""
        for change in changes:
            if change.gone or change.tenant or change.actor == ACTOR:
                continue
            one = change.entity
            if KIND in one.types:
                status = one.get("status")
                if status == "waiting":
                    self._over.discard(one.id)
                    self._new.append(one)
                elif status != "sending" and one.id in self._known:  # somebody has ended it, or it is confirmed
                    self._over.add(one.id)
            elif "Command" in one.types and "delivery" in one and {"status", "result"} & change.names:
                self._spawn(self._returns.answered(one))
        if self._new and not self._taking:
            self._taking = True
            self._take_some()

    def _take_some(self) -> None:
        """Queue what was heard of, a little in each turn of the loop: an approval makes ten thousand."""
        for _ in range(min(len(self._new), SLICE * 10)):
            self._take(self._new.popleft())
        self._taking = bool(self._new)
        if self._taking:
            self._loop.call_soon(self._take_some)

    async def _look(self) -> None:
        """What waits in the store: at the start, and whenever there was more than is held."""
        everywhere = frozenset((*self.lanes, ""))
        await self._scan("sending", everywhere)
        await self._scan("waiting", everywhere)
        while True:
            await asyncio.sleep(LOOK_S)
            if room := frozenset(kind for kind in self._more if self._held[kind] < HELD // 2):
                self._more -= room
                await self._scan("waiting", room)

    async def _scan(self, status: str, kinds: AbstractSet[str]) -> None:
        """Queue what has a status and goes by one of these channels ("": by none), the gravest of each."""
        query = Query.parse(types=KIND, q=f'status=="{status}"')
        city = self._city

        def found() -> Iterator[_Found]:
            many: dict[str, list[_Found]] = {kind: [] for kind in kinds}
            for one in city.reader.every("", query, city.sight, stamps=False):
                if one.get("status") != status or one.id in self._known:
                    continue
                seen = self._found(one)
                mine = many.get(seen.kind if seen.kind in self.lanes else "")
                if mine is None:
                    continue
                mine.append(seen)
                if len(mine) > 2 * HELD:
                    mine[:] = heapq.nsmallest(HELD + 1, mine)  # one too many, so that it is known that there are more
            return itertools.chain.from_iterable(heapq.nsmallest(HELD + 1, mine) for mine in many.values())

        for i, seen in enumerate(await asyncio.to_thread(found)):
            if status == "sending" and seen.id not in self._known:
                self._perhaps.add(seen.id)
            self._put(seen)
            if not i % 500:
                await asyncio.sleep(0)

    # What waits

    def _take(self, one: Entity) -> None:
        """Queue a delivery, once."""
        if one.id in self._known:
            self._missed.add(one.id)
        else:
            self._put(self._found(one))

    def _found(self, one: Entity) -> "_Found":
        kind = kind_of(one)
        lane = self.lanes.get(kind)
        endpoint = "" if lane is None else lane.channel.endpoint(channel_of(one).get("to"))
        return _Found(rank_of(one), one.id, kind, endpoint)

    def _put(self, seen: "_Found") -> None:
        if seen.id in self._known:
            self._missed.add(seen.id)
            return
        lane = self.lanes.get(seen.kind)
        kind = "" if lane is None else seen.kind
        if self._held[kind] >= HELD and not self._displaced(kind, seen.rank):
            self._more.add(kind)
            return
        self._known[seen.id] = kind
        self._held[kind] += 1
        if lane is not None:
            lane.put(seen.id, seen.rank, seen.endpoint)
        else:
            self._spawn(self._aside(seen.id, seen.kind))

    def _displaced(self, kind: str, rank: int) -> bool:
        """Whether there is room for a graver one, now that some of the least grave wait in the store alone."""
        lane = self.lanes.get(kind)
        gone = [] if lane is None else lane.displace(rank, HELD // 16 + 1, self._perhaps.__contains__)
        for ident in gone:
            self._forget(ident)
        if gone:
            self._more.add(kind)
        return bool(gone)

    def _forget(self, ident: str) -> None:
        kind = self._known.pop(ident, None)
        if kind is not None:
            self._held[kind] -= 1
        self._perhaps.discard(ident)
        self._over.discard(ident)

    async def _aside(self, ident: str, kind: str) -> None:
        """What no machine sends: a human does, or nobody can."""
        if kind in HUMAN:
            said = {"status": "handed"}, "handed", "waits for a human"
        else:
            said = {"status": "failed"}, "failed", f"off: this city has no channel {kind[:40]}"

        def make(now: Entity) -> dict[str, Any] | None:
            if now.get("status") != "waiting" or kind_of(now) in self.lanes:
                return None
            return {**said[0], "attempts": attempted(now, self._city.clock.now(), *said[1:])}

        await self._ledger.alter(ident, make)
        self._done(ident)

    def _done(self, ident: str) -> None:
        """It is out of memory; unless it waits again since."""
        self._forget(ident)
        if ident in self._missed:
            self._missed.discard(ident)
            with suppress(NotFound):
                one = self._city.get(ident)
                if one.get("status") == "waiting":
                    self._take(one)

    def _wanted(self, ident: str) -> bool:
        """Whether a delivery that is written down as being sent is still to be sent."""
        return ident not in self._over

    # From waiting to sending

    async def _claim(self, jobs: Sequence[Job]) -> list[Claimed]:
        """Write deliveries down as being sent; those of which that is on the disk."""
        warnings: dict[str, Entity | None] = {}
        begun: list[tuple[Job, Any, asyncio.Future[Stored]]] = []
        origin, now = self._origin(), self._city.clock.now()
        for i, job in enumerate(jobs):
            if i % SLICE == SLICE - 1:
                await asyncio.sleep(0)  # others wait for the loop too
            try:
                one = self._city.get(job.id)
                said, made = self._begun(one, warnings, origin, now)
            except NotFound:
                self._drop(job)
                continue
            if not said:
                self._drop(job)
                continue
            begun.append((job, made, self._ledger.queue(self._ledger.item(one, said))))
        self._ledger.flush()
        claimed: list[Claimed] = []
        refused: HansaError | None = None
        for job, made, answer in begun:
            try:
                outcome = await answer
            except HansaError as fault:
                refused = fault
                self._retake(job, BUSY_S)
                continue
            if isinstance(outcome, Change) and made is not None:
                self._perhaps.discard(job.id)
                claimed.append(Claimed(job, made, outcome.entity.doc))
            elif isinstance(outcome, Change):
                self._drop(job)
            else:  # somebody else wrote it meanwhile: look again
                self._retake(job, GATHER_S)
        if refused is not None:
            if not isinstance(refused, Busy):
                log.warning("deliveries could not be written down, and wait", why=refused.detail)
            await asyncio.sleep(BUSY_S)
        return claimed

    def _begun(
        self, one: Entity, warnings: dict[str, Entity | None], origin: str, now: int
    ) -> tuple[dict[str, Any], Any]:
        """What is said of a delivery that is about to be sent, and its notice; nothing when it is not to be sent."""
        status = one.get("status")
        perhaps = status == "sending" and one.id in self._perhaps
        if status != "waiting" and not perhaps:
            return {}, None
        if kind_of(one) != self._known.get(one.id):
            self._missed.add(one.id)
            return {}, None
        about = target(one, "warning")
        if about and about not in warnings:
            try:
                warnings[about] = self._city.get(about)
            except NotFound:
                warnings[about] = None
        warning = warnings.get(about)
        if about and (warning is None or warning.get("state") in OVER):
            why = "its warning is no longer in force"
            return {"status": "ended", "attempts": attempted(one, now, "ended", why)}, None
        said: dict[str, Any] = {"status": "sending"}
        if perhaps:
            why = "the city was cut off while it was sent"
            said |= {"again": True, "attempts": attempted(one, now, "perhaps", why)}
            one = Entity(one.doc | entity(KIND, one.id, **said).doc)
        try:
            return said, notice(one, warning, self._token, origin, now)
        except Untellable as fault:
            return {"status": "failed", "attempts": attempted(one, now, "failed", str(fault))}, None

    def _drop(self, job: Job) -> None:
        kind = self._known.get(job.id, "")
        if kind in self.lanes:
            self.lanes[kind].forget(job.id)
        self._done(job.id)

    def _retake(self, job: Job, wait_s: float) -> None:
        lane = self.lanes.get(self._known.get(job.id, ""))
        if lane is not None:
            self._loop.call_later(wait_s, lane.put, job.id, job.rank, job.endpoint)

    # From sending to what became of it

    async def _finish(self, one: Claimed, outcome: Outcome | None) -> bool:
        """Write down what became of it; whether it waits again."""
        if isinstance(outcome, Handed) and outcome.ref:
            outcome = replace(outcome, ref=reference(outcome.ref))  # anything can stand in it
            self._returns.remember(f"{self._known.get(one.job.id, '')}:{outcome.ref}", one.job.id)

        def make(now: Entity) -> dict[str, Any] | None:
            return self._became(now, one, outcome)

        try:
            after = await self._ledger.alter(one.job.id, make, Entity(one.doc))
        except HansaError as fault:
            log.exception("what became of a delivery could not be written", delivery=one.job.id, why=fault.detail)
            self._perhaps.add(one.job.id)  # it stands as being sent, and goes out again
            return True
        if after is not None and after.get("status") == "waiting" and not self._closed:
            same = kind_of(after) == self._known.get(one.job.id) and after.get("step") == Entity(one.doc).get("step")
            if same:
                self._missed.discard(one.job.id)
                return True
            self._missed.add(one.job.id)
        # Forgotten first: it may be taken anew at once, by this lane too.
        lane = self.lanes.get(self._known.get(one.job.id, ""))
        if lane is not None:
            lane.forget(one.job.id)
        self._done(one.job.id)
        return False

    def _became(self, now: Entity, one: Claimed, outcome: Outcome | None) -> dict[str, Any] | None:
        """What is said of a delivery after a send. Whatever somebody else has made of it meanwhile stays."""
        at = self._city.clock.now()
        ours = now.get("status") == "sending" and now.get("step") == Entity(one.doc).get("step")
        if outcome is None:
            return {"status": "waiting"} if ours else None
        if isinstance(outcome, Handed):
            word = "confirmed" if outcome.confirmed else "handed"
            said: dict[str, Any] = {"attempts": attempted(now, at, word, outcome.why, outcome.ref)}
            if outcome.ref:
                said["gatewayRef"] = f"{kind_of(Entity(one.doc))}:{outcome.ref}"
            if ours:
                said["status"] = word
            if outcome.confirmed and (ours or now.get("status") in OPEN):
                said |= confirmed(now, at, "device")
            return said
        said = {"attempts": attempted(now, at, "failed" if outcome.for_good else "later", outcome.why)}
        if outcome.perhaps and now.get("again") is not True:
            said["again"] = True
        if ours:
            said["status"] = "failed" if outcome.for_good else "waiting"
        return said

    # What comes back

    def receipt(self, kind: str, said: Receipt) -> None:
        """A gateway says what became of a message: noted, and no confirmation unless the operator trusts it."""
        self._spawn(self._returns.receipt(kind, said))

    def replied(self, number: str, said: str) -> None:
        """Somebody answered from his phone: an entity, for the app to make sense of."""
        self._spawn(self._returns.reply(number, said))

    def _spawn(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("the courier could not do something", error=repr(fault))
