"""Lives of a city with its subscriptions, for tests: SQLite on disk, receivers on loopback."""

import asyncio
from contextlib import asynccontextmanager

from hansa.clock import Clock
from hansa.limits import Limits
from hansa.model.change import Write
from hansa.model.entity import entity
from hansa.model.query import Query
from hansa.network.contexts import Contexts
from hansa.network.http import Egress
from hansa.platform.city import City
from hansa.platform.deadletters import TENANT
from hansa.platform.sqlite import SqliteStore
from hansa.platform.subscriptions import Subscriptions
from hansa.trust.labels import ADMINISTRATOR

LIMITS = Limits(egress_s=2.0, subscriptions=4, deliveries=5)
LOOPBACK = ("127.0.0.0/8",)


def run(work):
    return asyncio.run(asyncio.wait_for(work, 30))


async def at_once(_):
    await asyncio.sleep(0)


class Life:
    """One life of a city with its subscriptions; `crash` ends it without a last word."""

    def __init__(self, path, limits=LIMITS, allow=LOOPBACK, clock=None, resolve=None, **options):
        self.city = City(SqliteStore(path), clock or Clock(), ADMINISTRATOR, limits)
        self.egress = Egress(allow, limits, resolve=resolve)
        self.contexts = Contexts(self.egress, limits)
        options.setdefault("sleep", at_once)
        self.subs = Subscriptions(self.city, self.egress, self.contexts, **options)

    async def begin(self, *, ready=True):
        await self.subs.start()
        if ready:
            await asyncio.wait_for(self.subs.ready(), 10)
        return self

    async def end(self):
        await self.subs.aclose()
        await self._let_go()

    async def crash(self):
        self.subs._task.cancel()
        await asyncio.gather(self.subs._task, return_exceptions=True)
        await self.subs._telling.stop()
        self.subs._telling.let_go()
        await self._let_go()

    async def _let_go(self):
        await self.contexts.aclose()
        await self.egress.aclose()
        self.city.close()

    async def room(self, key="a", kind="append", tenant="", label=None, **said):
        one = entity("Room", key, **said)
        if kind in {"append", "update"} and one.id not in self.rooms:
            kind = "create"
        self.rooms.add(one.id)
        await self.city.awrite(Write(kind, one.id, {} if kind == "delete" else one.doc, tenant=tenant, label=label))

    @property
    def rooms(self):
        return self.__dict__.setdefault("_rooms", set())

    def letters(self):
        return self.city.find(query=Query.parse(types="DeadLetter"), tenant=TENANT)

    async def until(self, done):
        for _ in range(2_000):
            if done():
                return
            await asyncio.sleep(0.005)
        raise AssertionError("it did not come to pass")


@asynccontextmanager
async def living(tmp_path, **options):
    life = await Life(tmp_path / "open.db", **options).begin()
    try:
        yield life
    finally:
        await life.end()


def wanted(receiver, **said):
    notification = {"endpoint": {"uri": receiver.url()}, **said.pop("notification", {})}
    notification["endpoint"] = {"uri": receiver.url(), **said.pop("endpoint", {})}
    return {"type": "Subscription", "entities": [{"type": "Room"}], "notification": notification, **said}
