"""Telling: from a Change to what a subscriber is sent, at least once.

A Change is matched (`interest`), rendered (`notify`) and queued (`network.deliver`) in the event loop. How far that has
come is a place in the log, written at most once a second: everything up to it was delivered or is a dead letter, except
for the few subscriptions that the place names with a place of their own. After a crash the log is read from there, so a
receiver may be told twice, with the same notification id, and never not at all.

One Change makes one notification. Where a subscriber cannot keep up with that, or asked for throttling, one carries
several entities; its id is then that of its last Change, and need not be the same after a crash.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
import structlog

from hansa import clock
from hansa.errors import HansaError, NotFound
from hansa.model.change import Change, Refused, Write
from hansa.model.entity import Stamps
from hansa.network.deliver import TRIES, Deliveries, Delivery, Told
from hansa.network.http import Answer, Egress
from hansa.platform import notify
from hansa.platform.city import City
from hansa.platform.deadletters import TENANT, DeadLetter, payload_of
from hansa.platform.follower import Follower, Since, log_of
from hansa.platform.interest import Interests, Known, Shown, wants
from hansa.platform.notify import Renderings
from hansa.platform.store import Item, Outcome, Result
from hansa.platform.subscription import Subscription
from hansa.trust.labels import ADMINISTRATOR, Sight

READER: Final = "subscriptions"
"""The name under which the place in the log is kept, and under which the city writes about its notifications."""

APART: Final = 500  # subscriptions with a place of their own; more, and the common place waits for them
CROWD: Final = 50  # notifications that wait for an endpoint; from there on, several entities go into one
GROUP: Final = 100  # entities of such a one
PENDING: Final = 1_000  # entities that wait for a throttled notification; more, and it goes before its time

log = structlog.get_logger("hansa.subscriptions")


class _Place(msgspec.Struct, array_like=True):
    """Everything up to `seq` is dealt with, except for (tenant, id) from its own seq on."""

    seq: int
    apart: list[tuple[str, str, int]] = []


@dataclass(slots=True)
class _State:
    """What is under way for one subscription."""

    undone: dict[int, None] = field(default_factory=dict)  # seqs neither delivered nor dead, in order
    pending: dict[str, tuple[int, bytes]] = field(default_factory=dict)  # entity -> newest, while throttled
    crowd: dict[str, tuple[int, bytes]] = field(default_factory=dict)  # entities for the next notification
    timer: asyncio.TimerHandle | None = None
    next_at: float = 0.0


@dataclass(frozen=True, slots=True)
class _Ref:
    """What a delivery is about."""

    key: tuple[str, str]
    seqs: tuple[int, ...]
    name: str
    letter: str | None = None


class Telling:
    """Tells subscribers. It knows the subscriptions that are entered, follows the log, and keeps its place in it.

    All methods belong to one event loop.
    """

    def __init__(
        self,
        city: City,
        egress: Egress,
        *,
        since: Since | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.monotonic,
        tries: int = TRIES,
    ) -> None:
        """Follow nothing yet. `since` reads the log; None: by a reader of its own."""
        self._city = city
        self._egress = egress
        self._now = now
        self._let_go: Callable[[], None] | None = None
        if since is None:
            since, self._let_go = log_of(city.store)
        self._since = since
        self.deliveries = Deliveries(self._send, self._told, city.limits, sleep=sleep, tries=tries)
        self.subscriptions: dict[tuple[str, str], Subscription] = {}
        self.dirty: set[tuple[str, str]] = set()  # whose counters have changed
        self._states: dict[tuple[str, str], _State] = {}
        self._crowded: dict[tuple[str, str], dict[tuple[str, str], None]] = {}  # endpoint -> who gathers
        self._interests = Interests()
        self._place = _Place(0)
        self._began = _Place(0)
        self._apart: dict[tuple[str, str], int] = {}
        self._follower: Follower | None = None

    @property
    def seen(self) -> int:
        """The newest Change that was looked at."""
        return self._place.seq if self._follower is None else self._follower.seen

    async def find_place(self) -> None:
        """Read where the last life came to; a city that never told anybody begins at the log's end."""
        kept = self._city.store.place(READER)
        if kept is None:
            await self._write_place(_Place(self._city.store.head()))
        else:
            self._place = msgspec.msgpack.decode(kept, type=_Place)
        self._began = self._place
        self._apart = {(tenant, ident): seq for tenant, ident, seq in self._began.apart}

    def follow(self) -> None:
        """Begin to tell."""
        first = min([self._began.seq, *(seq - 1 for seq in self._apart.values())])
        self._follower = Follower(self._city, self._take, first, self._since, hold=self.deliveries.pressed)
        self._follower.start()

    async def caught_up(self) -> None:
        """Wait until Changes are heard of as they come."""
        if self._follower is not None:
            await self._follower.caught_up()

    async def stop(self) -> None:
        """Tell nobody any more. What is undone will be told by the next life."""
        if self._follower is not None:
            await self._follower.aclose()
        await self.deliveries.aclose()
        for state in self._states.values():
            if state.timer is not None:
                state.timer.cancel()

    def let_go(self) -> None:
        """Let go of the log."""
        if self._let_go is not None:
            self._let_go()

    def enter(self, one: Subscription) -> None:
        """Tell it from now on."""
        self.subscriptions[one.key] = one
        self._interests.add(one)

    def replace(self, old: Subscription, one: Subscription) -> None:
        """Tell `one` in place of `old`; what waits goes out as it was."""
        self._disperse(old.key)
        one.counters = old.counters
        self._interests.remove(old)
        self.enter(one)

    def leave(self, one: Subscription) -> None:
        """Tell it no more, not even what waits."""
        self._interests.remove(one)
        del self.subscriptions[one.key]
        state = self._states.pop(one.key, None)
        if state is not None and state.timer is not None:
            state.timer.cancel()
        self.deliveries.drop(lambda delivery: delivery.ref.key != one.key)

    async def retry(self, letter_id: str) -> None:
        """Queue a notification that was given up once more; its dead letter goes when it is delivered.

        Raises NotFound when there is no such letter, or its subscription or its Changes are gone.
        """
        letter = self._city.get(letter_id, tenant=TENANT, sight=ADMINISTRATOR)
        detail = letter.get("detail")
        if letter.get("kind") != "notification" or not isinstance(detail, dict):
            raise NotFound(f"{letter_id} is no notification that was given up", where=letter_id)
        key = str(detail.get("tenant", "")), str(letter.get("source"))
        one = self.subscriptions.get(key)
        if one is None:
            raise NotFound(f"the subscription {key[1]} is gone", where=letter_id)
        ref = _Ref(key, tuple(detail.get("seqs", ())), str(detail.get("notification")), letter_id)
        body = payload_of(letter)
        if body is None:  # too long for the letter: the log has it
            body = await self._again(one, ref.name, ref.seqs)
        self._put(one, body, ref)

    # From a Change to a queue

    def _take(self, changes: list[Change]) -> None:
        """Match Changes and queue what follows."""
        now = self._city.clock.now()
        for change in changes:
            if change.tenant == TENANT:
                continue
            candidates = self._interests.candidates(change)
            if candidates:
                self._match(change, candidates, now)

    def _match(self, change: Change, candidates: Sequence[Subscription], now: int) -> None:
        seen: dict[Sight, tuple[Shown, Known, Renderings] | None] = {}
        old = change.seq <= self._began.seq
        for one in candidates:
            if change.at < one.created or one.status(now) != "active" or (old and not self._missed(one, change.seq)):
                continue
            if one.sight in seen:
                sight = seen[one.sight]
            else:
                stamps = self._stamps(change)
                shown = Shown.of(change, one.sight, self._city.realm, stamps)
                sight = seen[one.sight] = None if shown is None else (shown, {}, Renderings(change, shown))
            if sight is not None and wants(one, change, sight[0], sight[1]):
                self._tell(one, change.seq, change.entity.id, sight[2].of(one))

    def _missed(self, one: Subscription, seq: int) -> bool:
        """Whether the last life left this Change undone for this subscription."""
        first = self._apart.get(one.key)
        return first is not None and seq >= first

    def _stamps(self, change: Change) -> Stamps | None:
        """When its parts were made, and their labels. The log does not say; the state does, as long as it is there."""
        if change.entity.stamps is not None:
            return change.entity.stamps
        now = self._city.reader.entity(change.tenant, change.entity.id, ADMINISTRATOR)
        return None if now is None else now.stamps

    def _tell(self, one: Subscription, seq: int, ident: str, entity: bytes) -> None:
        state = self._states.setdefault(one.key, _State())
        state.undone[seq] = None
        if not one.throttling_s:
            self._crowd(one, state, seq, ident, entity)
            return
        before = state.pending.pop(ident, None)
        if before is not None:  # the newer says it all
            state.undone.pop(before[0], None)
        state.pending[ident] = seq, entity
        wait_s = state.next_at - self._now()
        if wait_s <= 0 or len(state.pending) >= PENDING:
            self._throttled(one.key)
        elif state.timer is None:
            state.timer = asyncio.get_running_loop().call_later(wait_s, self._throttled, one.key)

    def _crowd(self, one: Subscription, state: _State, seq: int, ident: str, entity: bytes) -> None:
        """Send it, or, when many wait already, let it travel with others."""
        if not state.crowd and self.deliveries.waiting_for(_end(one)) < CROWD:
            self._notify(one, [(seq, entity)])
            return
        if ident in state.crowd:  # one notification says one thing of an entity
            self._disperse(one.key)
        state.crowd[ident] = seq, entity
        self._crowded.setdefault(_end(one), {})[one.key] = None
        if len(state.crowd) >= GROUP:
            self._disperse(one.key)

    def _disperse(self, key: tuple[str, str]) -> None:
        """Send what has gathered."""
        state, one = self._states.get(key), self.subscriptions.get(key)
        if state is not None and one is not None and state.crowd:
            crowd, state.crowd = list(state.crowd.values()), {}
            self._notify(one, crowd)

    def _room(self, end: tuple[str, str]) -> None:
        """An endpoint has taken something: those that gathered for it may go."""
        if end in self._crowded and self.deliveries.waiting_for(end) <= CROWD // 2:
            for key in self._crowded.pop(end):
                self._disperse(key)

    def _throttled(self, key: tuple[str, str]) -> None:
        """Send what has waited for the end of the throttling time, as one notification."""
        state = self._states.get(key)
        one = self.subscriptions.get(key)
        if state is None:
            return
        if state.timer is not None:
            state.timer.cancel()
            state.timer = None
        pending, state.pending = list(state.pending.values()), {}
        if one is None or one.status(self._city.clock.now()) != "active":
            for seq, _ in pending:
                state.undone.pop(seq, None)
            return
        if pending:
            state.next_at = self._now() + one.throttling_s
            self._notify(one, pending)

    def _notify(self, one: Subscription, entities: Sequence[tuple[int, bytes]]) -> None:
        seqs = tuple(seq for seq, _ in entities)
        name = notify.ident(one.key, max(seqs))
        body = notify.body(one, name, self._city.clock.now(), [entity for _, entity in entities])
        self._put(one, body, _Ref(one.key, seqs, name))

    def _put(self, one: Subscription, body: bytes, ref: _Ref) -> None:
        end = one.endpoint
        self.deliveries.put(
            Delivery(_end(one), end.uri, body, notify.headers(one), ref, wait_s=end.wait_s, rest_s=end.rest_s)
        )

    # From a queue to its fate

    async def _send(self, delivery: Delivery) -> Answer:
        return await self._egress.ask(
            delivery.url,
            "POST",
            headers=delivery.headers,
            body=delivery.body,
            wait_s=delivery.wait_s,
            body_max=self._city.limits.message,
        )

    async def _again(self, one: Subscription, name: str, seqs: Sequence[int]) -> bytes:
        """A notification made once more from the log."""
        entities: list[bytes] = []
        for seq in seqs:
            found = await asyncio.to_thread(self._since, seq - 1, 1)
            if not found or found[0].seq != seq:
                raise NotFound(f"the log does not hold Change {seq:,} any more", where=name)
            stamps = self._stamps(found[0])
            shown = Shown.of(found[0], one.sight, self._city.realm, stamps)
            if shown is not None:
                entities.append(Renderings(found[0], shown).of(one))
        if not entities:
            raise NotFound("whoever asked for it may not see it any more", where=name)
        return notify.body(one, name, self._city.clock.now(), entities)

    def _told(self, told: Told) -> None:
        """Count an attempt; settle what was delivered or given up."""
        ref: _Ref = told.delivery.ref
        now = self._city.clock.now()
        one = self.subscriptions.get(ref.key)
        if one is not None and told.tried:
            counters, at = one.counters, clock.text(now)
            counters.sent += 1
            counters.last = at
            counters.good = told.fate == "delivered"
            if counters.good:
                counters.last_good = at
            else:
                counters.failed += 1
                counters.last_bad = at
            self.dirty.add(ref.key)
        if told.fate == "delivered":
            self._settle(ref)
            if ref.letter is not None:
                self._later([Write("delete", ref.letter, tenant=TENANT)], lambda _: None)
        elif told.fate == "given up":
            self._bury(told, ref, now)
        self._room((ref.key[0], told.delivery.url))

    def _bury(self, told: Told, ref: _Ref, now: int) -> None:
        """Keep what was given up as a dead letter; only then is it settled."""
        tenant, ident = ref.key
        detail = {"tenant": tenant, "notification": ref.name, "seqs": list(ref.seqs), "endpoint": told.delivery.url}
        # Its headers may hold the subscriber's password: they stay with the subscription.
        letter = DeadLetter(
            "notification", ident, f"{tenant}\0{ref.name}", told.reason, now, told.delivery.body, detail
        )
        log.info("a notification was given up", subscription=ident, tenant=tenant, why=told.reason)

        def buried(result: Result) -> None:
            if isinstance(result, HansaError):  # the place stays before it, so the next life tries again
                log.warning("a dead letter could not be kept", subscription=ident, why=result.detail)
            else:
                self._settle(ref)

        self._later([letter.write()], buried)

    def _later(self, writes: Sequence[Write], done: Callable[[Result], None]) -> None:
        """Submit from where nobody waits."""
        try:
            self._city.submit_item(Item(writes, READER), done, asyncio.get_running_loop())
        except HansaError as fault:
            done(fault)

    def _settle(self, ref: _Ref) -> None:
        state = self._states.get(ref.key)
        if state is None:
            return
        for seq in ref.seqs:
            state.undone.pop(seq, None)
        if not state.undone and state.next_at <= self._now():
            del self._states[ref.key]

    # The place in the log

    def _reached(self) -> _Place:
        first = [(next(iter(state.undone)), key) for key, state in self._states.items() if state.undone]
        seq = self.seen
        if seq < self._began.seq:  # still looking at what the last life left undone
            return self._place
        first.sort()
        if len(first) > APART:
            seq = min(seq, first[APART][0] - 1)
            first = first[:APART]
        return _Place(seq, [(*key, own) for own, key in first if own <= seq])

    async def _write_place(self, place: _Place) -> None:
        await durably(self._city, Item([], READER, places={READER: msgspec.msgpack.encode(place)}))
        self._place = place

    async def flush(self) -> None:
        """Write the place, if it moved."""
        if self._follower is not None and (place := self._reached()) != self._place:
            await self._write_place(place)


def _end(one: Subscription) -> tuple[str, str]:
    """What has one queue: an endpoint, as one tenant uses it, so that no tenant fills another's."""
    return one.tenant, one.endpoint.uri


async def durably(city: City, item: Item, then: Callable[[], None] | None = None) -> None:
    """Wait until it is durable. `then` runs in the loop before any Change that was committed later is heard of."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[None] = loop.create_future()

    def done(result: Result) -> None:
        fault = result if isinstance(result, HansaError) else _refusal(result, item)
        if fault is None and then is not None:
            then()
        if answer.done():
            return
        if fault is None:
            answer.set_result(None)
        else:
            answer.set_exception(fault)

    city.submit_item(item, done, loop)
    await answer


def _refusal(outcomes: Sequence[Outcome], item: Item) -> HansaError | None:
    """What one write was refused with. Of many (counters), those whose subscription is gone by now do not matter."""
    if len(item.writes) != 1:
        return None
    return next((one.error for one in outcomes if isinstance(one, Refused)), None)
