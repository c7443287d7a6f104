"""The City: one way in, for one realm.

Every write goes through `write` or `submit`, every read has a sight. Synchronous; the edge submits and is called back.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hansa.clock import Clock
from hansa.errors import HansaError, NotFound
from hansa.limits import DEFAULT, Limits
from hansa.model.change import Change, Delete, Nothing, Refused, Write
from hansa.model.entity import Entity
from hansa.model.query import Query
from hansa.platform.expiry import Expiry
from hansa.platform.inbox import Done, Inbox, Watcher
from hansa.platform.store import Item, Outcome, Point, Reader, Result, Store
from hansa.trust.labels import Sight


class City:
    """One realm of the city: read it, write to it, watch it.

    `sight` is who asks when a call does not say. `direct` commits in the calling thread (tests, imports, backtests).
    """

    def __init__(
        self, store: Store, clock: Clock, sight: Sight, limits: Limits = DEFAULT, *, direct: bool = False
    ) -> None:
        """Stand on `store`; from now on only this City writes to it."""
        self.store = store
        self.clock = clock
        self.sight = sight
        self.limits = limits
        self.inbox: Inbox | None = None if direct else Inbox(store, clock, limits)
        self._expiry = Expiry(store, clock, limits)
        self._watchers: list[Watcher] = []
        self._readers = threading.local()
        self._opened: list[Reader] = []
        self._only: Reader | None = store.reader(clock.now) if direct else None

    @property
    def realm(self) -> str:
        """Which realm this is."""
        return self.store.realm

    # Reading

    @property
    def reader(self) -> Reader:
        """The calling thread's reader."""
        if self._only is not None:
            return self._only
        found: Reader | None = getattr(self._readers, "reader", None)
        if found is None:
            found = self._readers.reader = self.store.reader(self.clock.now)
            self._opened.append(found)
        return found

    def get(self, ident: str, *, sight: Sight | None = None, tenant: str = "") -> Entity:
        """One entity; NotFound when it is not there or not for this sight."""
        found = self.reader.entity(tenant, ident, sight or self.sight)
        if found is None:
            raise NotFound(f"there is no entity {ident}", where=ident)
        return found

    def find(
        self,
        type: str | None = None,  # noqa: A002  # the standard's word
        q: str | None = None,
        near: tuple[float, float, float] | None = None,
        limit: int = 1_000,
        *,
        query: Query | None = None,
        offset: int = 0,
        sight: Sight | None = None,
        tenant: str = "",
    ) -> list[Entity]:
        """Entities that match, perhaps none. `near` is longitude, latitude, metres."""
        if query is None:
            query = simple_query(type, q, near)
        return self.reader.find(tenant, query, sight or self.sight, limit, offset)

    def count(self, query: Query, *, sight: Sight | None = None, tenant: str = "") -> int:
        """How many entities match."""
        return self.reader.count(tenant, query, sight or self.sight)

    def history(
        self,
        ident: str,
        name: str,
        since: int | None = None,
        until: int | None = None,
        *,
        last: int | None = None,
        sight: Sight | None = None,
        tenant: str = "",
    ) -> list[Point]:
        """Points of one attribute, oldest first; times in microseconds."""
        return self.reader.history(tenant, ident, name, sight or self.sight, since, until, last)

    # Writing

    def write(self, *writes: Write, sight: Sight | None = None, cause: str | None = None) -> list[Outcome]:
        """Make it so, durably. A refusal drops only its own write; raises when none of it could be stored."""
        item = item_of(writes, sight or self.sight, cause)
        if self.inbox is None:
            return self.commit([item])[0]
        return self.inbox.future(item).result()

    def commit(self, items: Sequence[Item]) -> list[list[Outcome]]:
        """Commit items in this thread; a direct City only. Raises the first item's failure."""
        if self.inbox is not None:
            raise HansaError("this city has a writer of its own; submit to it")
        at = self.clock.now()
        gone = self._expiry.due(items, at)
        results = self.store.commit(items if gone is None else [gone, *items], at)
        told = [one for result in results if not isinstance(result, HansaError) for one in result]
        changes = [one for one in told if isinstance(one, Change)]
        if changes:
            for watcher in list(self._watchers):
                watcher(changes)
        if gone is not None:
            self._expiry.done(results.pop(0))
        done: list[list[Outcome]] = []
        for result in results:
            if isinstance(result, HansaError):
                raise result
            done.append(result)
        return done

    def submit(
        self,
        writes: Sequence[Write],
        done: Done,
        *,
        sight: Sight | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
        cause: str | None = None,
    ) -> None:
        """Queue writes; `done` is called once, when they are durable or failed, in `loop` if given. Raises Busy."""
        self.submit_item(item_of(writes, sight or self.sight, cause), done, loop)

    def submit_item(self, item: Item, done: Done, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Queue an item as it is, with its places (rules)."""
        if self.inbox is None:
            done(self.commit([item])[0])
        else:
            self.inbox.submit(item, done, loop)

    def write_places(self, places: dict[str, bytes]) -> None:
        """Note where readers of the log stand."""
        item = Item((), self.sight.actor, places=places)
        if self.inbox is None:
            self.commit([item])
        else:
            self.inbox.future(item).result()

    async def awrite(self, *writes: Write, sight: Sight | None = None, cause: str | None = None) -> list[Outcome]:
        """`write` for the event loop."""
        return await self.acommit(item_of(writes, sight or self.sight, cause))

    async def acommit(self, item: Item) -> list[Outcome]:
        """What became of an item's writes, once they are durable; for the event loop. Raises why none was stored."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Outcome]] = loop.create_future()

        def done(result: Result) -> None:
            if answer.done():
                return
            if isinstance(result, HansaError):
                answer.set_exception(result)
            else:
                answer.set_result(result)

        self.submit_item(item, done, loop)
        return await answer

    def put(self, *news: Entity, sight: Sight | None = None, tenant: str = "") -> list[Change]:
        """Say what is so; what was so already makes no Change. Raises the first refusal."""
        writes = [Write("say", one.id, one.doc, label=one.label, tenant=tenant) for one in news]
        return _changes(self.write(*writes, sight=sight))

    def delete(self, ident: str, name: str | None = None, *, sight: Sight | None = None, tenant: str = "") -> None:
        """Take an entity, or one of its attributes, away. Raises NotFound."""
        _changes(self.write(delete_write(Delete(ident, name), tenant), sight=sight))

    # Hearing

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Hear of every Change after its commit, in the writer's thread; returns how to stop."""
        if self.inbox is not None:
            return self.inbox.watch(watcher)
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def since(self, seq: int, limit: int = 1_000) -> list[Change]:
        """Changes after `seq`; `store.since`, for one thread at a time."""
        return self.store.since(seq, limit)

    def close(self) -> None:
        """Commit what waits and let go of the store."""
        if self.inbox is not None:
            self.inbox.stop()
        for reader in self._opened:
            reader.close()
        self.store.close()

    @contextmanager
    def closing(self) -> Iterator["City"]:
        """Close at the end of a `with`."""
        try:
            yield self
        finally:
            self.close()


def item_of(writes: Sequence[Write], sight: Sight, cause: str | None = None) -> Item:
    """Writes of somebody, which the writer weighs by his sight; the system itself may write anything."""
    return Item(writes, sight.actor, cause, sight=None if sight.everything else sight)


def simple_query(kind: str | None, q: str | None, near: tuple[float, float, float] | None) -> Query:
    """The query of `find`: a type selection, a q, and a circle of longitude, latitude, metres."""
    if near is None:
        return Query.parse(types=kind, q=q)
    longitude, latitude, metres = near
    return Query.parse(
        types=kind,
        q=q,
        georel=f"near;maxDistance=={metres}",
        geometry="Point",
        coordinates=[longitude, latitude],
    )


def delete_write(delete: Delete, tenant: str = "") -> Write:
    """The Write of a Delete."""
    if delete.name is None:
        return Write("delete", delete.id, tenant=tenant)
    return Write("delete_attr", delete.id, name=delete.name, dataset="@all", tenant=tenant)


def _changes(outcomes: Sequence[Any]) -> list[Change]:
    for one in outcomes:
        if isinstance(one, Refused):
            raise one.error
    return [one for one in outcomes if not isinstance(one, Nothing)]


__all__ = ["City", "delete_write", "simple_query"]
