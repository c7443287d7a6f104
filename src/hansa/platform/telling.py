"""Telling: from a Change to what a subscriber is sent, at least once.

A Change is matched (`interest`), rendered (`notify`) and queued (`dispatch`) in the event loop; how far that has come
is `progress`. Subscriptions with a timeInterval hear of no Changes: they are told by `periodic`.

One Change makes one notification. Where a subscriber cannot keep up with that, or asked for throttling, one carries
several entities; its id is then that of its last Change, and need not be the same after a crash.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final

from hansa.clock import SECOND, parse
from hansa.errors import NotFound
from hansa.model.change import Change
from hansa.model.entity import Stamps
from hansa.model.query import Linked
from hansa.network.deliver import TRIES
from hansa.network.http import Egress
from hansa.platform import notify
from hansa.platform.city import City
from hansa.platform.deadletters import TENANT, payload_of
from hansa.platform.dispatch import Dispatch, Ref, end_of
from hansa.platform.follower import Follower, Since, log_of
from hansa.platform.interest import Interests, Known, Shown, note, wants
from hansa.platform.joined import Fetch
from hansa.platform.linked import documents, fetching
from hansa.platform.notify import Renderings
from hansa.platform.periodic import Periodic
from hansa.platform.progress import Key, Progress
from hansa.platform.subscription import Subscription
from hansa.trust.labels import ADMINISTRATOR, Sight

CROWD: Final = 50  # notifications that wait for an endpoint; from there on, several entities go into one
GROUP: Final = 100  # entities of such a one
PENDING: Final = 1_000  # entities that wait for a throttled notification; more, and it goes before its time


@dataclass(slots=True)
class _State:
    """What gathers for one subscription."""

    pending: dict[str, tuple[int, bytes]] = field(default_factory=dict)  # entity -> newest, while throttled
    crowd: dict[str, tuple[int, bytes]] = field(default_factory=dict)  # entities for the next notification
    timer: asyncio.TimerHandle | None = None
    next_at: float = 0.0


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
        self._now = now
        self._let_go: Callable[[], None] | None = None
        if since is None:
            since, self._let_go = log_of(city.store)
        self._since = since
        self.subscriptions: dict[Key, Subscription] = {}
        self.dispatch = Dispatch(city, egress, self.subscriptions, self._settled, self._room, sleep=sleep, tries=tries)
        self.periodic = Periodic(city, self.dispatch.put)
        self.progress = Progress(city)
        self._states: dict[Key, _State] = {}
        self._crowded: dict[Hashable, dict[Key, None]] = {}  # endpoint -> who gathers
        self._interests = Interests()
        self._follower: Follower | None = None
        self._clockwork: asyncio.Task[None] | None = None

    @property
    def seen(self) -> int:
        """The newest Change that was looked at."""
        return self.progress.seq if self._follower is None else self._follower.seen

    def follow(self) -> None:
        """Begin to tell."""
        self._follower = Follower(
            self._city, self._take, self.progress.first, self._since, hold=self.dispatch.deliveries.pressed
        )
        self._follower.start()
        self._clockwork = asyncio.get_running_loop().create_task(self.periodic.run(), name="periodic")

    async def caught_up(self) -> None:
        """Wait until Changes are heard of as they come."""
        if self._follower is not None:
            await self._follower.caught_up()

    async def stop(self) -> None:
        """Tell nobody any more. What is undone will be told by the next life."""
        if self._follower is not None:
            await self._follower.aclose()
        if self._clockwork is not None:
            self._clockwork.cancel()
            await asyncio.gather(self._clockwork, return_exceptions=True)
        await self.dispatch.aclose()
        for state in self._states.values():
            if state.timer is not None:
                state.timer.cancel()

    def let_go(self) -> None:
        """Let go of the log."""
        if self._let_go is not None:
            self._let_go()

    async def flush(self) -> None:
        """Write the place in the log, if it moved."""
        if self._follower is not None:
            await self.progress.flush(self.seen)

    def enter(self, one: Subscription) -> None:
        """Tell it from now on."""
        self.subscriptions[one.key] = one
        if one.interval_s:
            self.periodic.enter(one)
            return
        self._interests.add(one)
        if one.throttling_s and one.counters.last is not None and one.key not in self._states:
            # The last notification may have been another life's.
            rest_s = one.throttling_s - (self._city.clock.now() - parse(one.counters.last)) / SECOND
            if rest_s > 0:
                self._states[one.key] = _State(next_at=self._now() + rest_s)

    def replace(self, old: Subscription, one: Subscription) -> None:
        """Tell `one` in place of `old`; what waits goes out as it was."""
        self._disperse(old.key)
        one.counters = old.counters
        self._out(old)
        self.enter(one)

    def leave(self, one: Subscription) -> None:
        """Tell it no more, not even what waits."""
        self._out(one)
        del self.subscriptions[one.key]
        self.progress.forget(one.key)
        state = self._states.pop(one.key, None)
        if state is not None and state.timer is not None:
            state.timer.cancel()
        self.dispatch.forget(one.key)

    def _out(self, one: Subscription) -> None:
        if one.interval_s:
            self.periodic.leave(one.key)
        else:
            self._interests.remove(one)

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
        ref = Ref(key, tuple(detail.get("seqs", ())), str(detail.get("notification")), letter_id)
        # What may be told is asked anew, of whoever has only rights; and what was too long for the letter, the log has.
        body = None if one.sight.rights is not None else payload_of(letter)
        if body is None:
            body = await self._again(one, ref.name, ref.seqs)
        self.dispatch.put(one, body, ref)

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
        seen: dict[Sight, _Seen | None] = {}
        seq = change.seq
        for one in candidates:
            if change.at < one.created or one.status(now) != "active" or self.progress.passed(one.key, seq):
                continue
            if one.sight in seen:
                sight = seen[one.sight]
            else:
                sight = seen[one.sight] = self._see(change, one.sight)
            if sight is not None and wants(one, change, sight.shown, sight.known, sight.linked):
                entity = sight.renderings.of(one)
                if entity:
                    self._tell(one, seq, change.entity.id, entity)
                    if one.sight.rights is not None:
                        note(change.entity, one.sight, self._city.realm, self._stamps(change))

    def _see(self, change: Change, sight: Sight) -> "_Seen | None":
        shown = Shown.of(change, sight, self._city.realm, self._stamps(change))
        if shown is None:
            return None
        fetch = self._fetching(change.tenant, sight)
        return _Seen(shown, {}, Renderings(change, shown, fetch), documents(fetch))

    def _fetching(self, tenant: str, sight: Sight) -> Fetch:
        return fetching(self._city.reader, tenant, sight.hearing, self._city.limits)

    def _stamps(self, change: Change) -> Stamps | None:
        """When its parts were made, and their labels. The log does not say; the state does, as long as it is there."""
        if change.entity.stamps is not None:
            return change.entity.stamps
        now = self._city.reader.entity(change.tenant, change.entity.id, ADMINISTRATOR)
        return None if now is None else now.stamps

    def _tell(self, one: Subscription, seq: int, ident: str, entity: bytes) -> None:
        self.progress.note(one.key, seq)
        if not one.throttling_s and one.key not in self._states and self.dispatch.waiting(one) < CROWD:
            self._notify(one, [(seq, entity)])  # the usual case
            return
        state = self._states.setdefault(one.key, _State())
        if not one.throttling_s:
            self._crowd(one, state, seq, ident, entity)
            return
        before = state.pending.pop(ident, None)
        if before is not None:  # the newer says it all
            self.progress.settle(one.key, (before[0],))
        state.pending[ident] = seq, entity
        wait_s = state.next_at - self._now()
        if wait_s <= 0 or len(state.pending) >= PENDING:
            self._throttled(one.key)
        elif state.timer is None:
            state.timer = asyncio.get_running_loop().call_later(wait_s, self._throttled, one.key)

    def _crowd(self, one: Subscription, state: _State, seq: int, ident: str, entity: bytes) -> None:
        """Send it, or, when many wait already, let it travel with others."""
        if not state.crowd and self.dispatch.waiting(one) < CROWD:
            self._notify(one, [(seq, entity)])
            return
        if ident in state.crowd:  # one notification says one thing of an entity
            self._disperse(one.key)
        state.crowd[ident] = seq, entity
        self._crowded.setdefault(end_of(one), {})[one.key] = None
        if len(state.crowd) >= GROUP:
            self._disperse(one.key)

    def _disperse(self, key: Key) -> None:
        """Send what has gathered."""
        state, one = self._states.get(key), self.subscriptions.get(key)
        if state is not None and one is not None and state.crowd:
            crowd, state.crowd = list(state.crowd.values()), {}
            self._notify(one, crowd)

    def _room(self, end: Hashable) -> None:
        """An endpoint has taken something: those that gathered for it may go."""
        if end in self._crowded and self.dispatch.deliveries.waiting_for(end) <= CROWD // 2:
            for key in self._crowded.pop(end):
                self._disperse(key)

    def _throttled(self, key: Key) -> None:
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
            self.progress.settle(key, [seq for seq, _ in pending])
            return
        if pending:
            state.next_at = self._now() + one.throttling_s
            self._notify(one, pending)

    def _notify(self, one: Subscription, entities: Sequence[tuple[int, bytes]]) -> None:
        seqs = tuple(seq for seq, _ in entities)
        name = notify.ident(one.key, max(seqs))
        body = notify.body(one, name, self._city.clock.now(), [entity for _, entity in entities])
        self.dispatch.put(one, body, Ref(one.key, seqs, name))

    async def _again(self, one: Subscription, name: str, seqs: Sequence[int]) -> bytes:
        """A notification made once more from the log."""
        entities: list[bytes] = []
        for seq in seqs:
            found = await asyncio.to_thread(self._since, seq - 1, 1)
            if not found or found[0].seq != seq:
                raise NotFound(f"the log does not hold Change {seq:,} any more", where=name)
            shown = Shown.of(found[0], one.sight, self._city.realm, self._stamps(found[0]))
            if shown is not None:
                entities.append(Renderings(found[0], shown, self._fetching(one.tenant, one.sight)).of(one))
        if not entities:
            raise NotFound("whoever asked for it may not see it any more, or it told no Change", where=name)
        return notify.body(one, name, self._city.clock.now(), entities)

    def _settled(self, ref: Ref) -> None:
        if not ref.seqs:
            self.periodic.settled(ref.key)
            return
        self.progress.settle(ref.key, ref.seqs)
        state = self._states.get(ref.key)
        if state is not None and not state.pending and not state.crowd and state.next_at <= self._now():
            del self._states[ref.key]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A Change as one sight sees it, with all that is worked out for it once."""

    shown: Shown
    known: Known
    renderings: Renderings
    linked: Linked
