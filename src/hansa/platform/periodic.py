"""Periodic notifications: what is so, told whenever a `timeInterval` has passed (CIM 009 v1.9.1, clause 5.8.6).

The intervals of a subscription are counted from its creation by the city's clock, so they are the same in every life of
the city: what fell due while nobody was there is told once, at the beginning of the next. The id of a notification is
made of the instant at which it was due.
"""

import asyncio
import heapq
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import structlog

from hansa import clock
from hansa.clock import SECOND
from hansa.errors import HansaError
from hansa.model.entity import Entity
from hansa.model.query import Query
from hansa.platform import notify
from hansa.platform.city import City
from hansa.platform.dispatch import Ref
from hansa.platform.linked import documents, fetching
from hansa.platform.progress import Key
from hansa.platform.rendering import pictured
from hansa.platform.store import TooSlow
from hansa.platform.subscription import Subscription

LOOK_S: Final = 1.0  # a clock that is turned by hand is looked at so often

log = structlog.get_logger("hansa.subscriptions")


class Periodic:
    """The subscriptions with a timeInterval. `put` queues a notification's bytes. All in one event loop."""

    def __init__(self, city: City, put: Callable[[Subscription, bytes, Ref], None]) -> None:
        """Nobody waits for anything yet."""
        self._city = city
        self._put = put
        self._known: dict[Key, Subscription] = {}
        self._due: dict[Key, int] = {}
        self._heap: list[tuple[int, Key]] = []
        self._under_way: dict[Key, int] = {}
        self._woken = asyncio.Event()

    def enter(self, one: Subscription) -> None:
        """Tell it from now on, or as it is now."""
        self._known[one.key] = one
        last = one.counters.last
        self._plan(one, one.created if last is None else max(one.created, clock.parse(last)))
        self._woken.set()

    def leave(self, key: Key) -> None:
        """Tell it no more."""
        self._known.pop(key, None)
        self._due.pop(key, None)
        self._under_way.pop(key, None)

    def settled(self, key: Key) -> None:
        """One of its notifications was delivered, or is a dead letter."""
        left = self._under_way.get(key, 0) - 1
        if left > 0:
            self._under_way[key] = left
        else:
            self._under_way.pop(key, None)

    async def run(self) -> None:
        """Tell whatever falls due, until it is cancelled."""
        while True:
            await self.tick()
            self._woken.clear()
            try:
                async with asyncio.timeout(self._wait_s()):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def tick(self) -> None:
        """Tell what is due by now."""
        now = self._city.clock.now()
        while self._heap and self._heap[0][0] <= now:
            due, key = heapq.heappop(self._heap)
            one = self._known.get(key)
            if one is None or self._due.get(key) != due:
                continue  # it is gone, or planned anew
            self._plan(one, now)
            # Whoever has not taken the last one is not helped by another: the next one says all that is so then.
            if one.status(now) == "active" and key not in self._under_way:
                await self._tell(one, due)

    def _plan(self, one: Subscription, after: int) -> None:
        """The first end of an interval that comes after an instant."""
        interval = max(1, round(one.interval_s * SECOND))
        due = one.created + ((after - one.created) // interval + 1) * interval
        self._due[one.key] = due
        heapq.heappush(self._heap, (due, one.key))

    def _wait_s(self) -> float:
        rate = self._city.clock.rate
        if not self._heap or rate <= 0:
            return LOOK_S
        return min(LOOK_S, max(0.005, (self._heap[0][0] - self._city.clock.now()) / SECOND / rate))

    async def _tell(self, one: Subscription, due: int) -> None:
        try:
            # A city that commits in its caller's thread has one reader, for that thread.
            found = self._found(one) if self._city.inbox is None else await asyncio.to_thread(self._found, one)
        except (HansaError, TooSlow) as fault:
            log.warning("a periodic notification could not be made", id=one.id, tenant=one.tenant, why=str(fault))
            return
        if self._known.get(one.key) is not one:
            return  # it was changed or taken away meanwhile
        page, now = self._city.limits.page, self._city.clock.now()
        for at in range(0, len(found), page):
            part = f"{due}" if not at else f"{due}/{at // page}"
            name = notify.ident(one.key, f"at {part}")
            self._under_way[one.key] = self._under_way.get(one.key, 0) + 1
            self._put(one, notify.body(one, name, now, found[at : at + page]), Ref(one.key, (), name))

    def _found(self, one: Subscription) -> list[bytes]:
        """All that a subscription asks for, in its view."""
        limits, condition = self._city.limits, one.condition
        reader = self._city.reader
        fetch = fetching(reader, one.tenant, one.sight.hearing, limits)
        asked, match = Query() if condition is None else condition.query, None
        if condition is not None and condition.follows:  # that is decided here, as it is for a Change
            match = asked.compile(documents(fetch))
            asked = replace(asked, q=None)
        several = tuple(Query(types=s.types, ids=s.ids, id_pattern=s.like) for s in one.selectors)
        if len(several) == 1:
            asked = replace(asked, types=several[0].types, ids=several[0].ids, id_pattern=several[0].id_pattern)
        else:
            asked = replace(asked, selectors=several)
        found: dict[str, bytes] = {}
        with reader.deadline(limits.read_s * 1_000):
            for entity in self._pages(one, asked):
                if match is None or match(entity.doc, entity.stamps):
                    found[entity.id] = pictured(one, entity, fetch)
                if len(found) >= limits.interval_entities:
                    log.warning("more entities than a periodic notification tells", id=one.id, tenant=one.tenant)
                    break
        if one.sight.rights is not None:
            one.sight.rights.told("notification")
        return [shown for shown in found.values() if shown]

    def _pages(self, one: Subscription, query: Query) -> Iterator[Entity]:
        limit, offset = self._city.limits.page, 0
        while page := self._city.reader.find(one.tenant, query, one.sight.hearing, limit, offset, stamps=True):
            yield from page
            if len(page) < limit:
                return
            offset += limit
