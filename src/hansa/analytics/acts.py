"""What people do through apps: an act is a function from what somebody wants to Entities, a view one to an answer.

Both read with the sight of who asks. What an act returns is one transaction in his name, weighed by policy like any
write of his, and only while everything that it had read stands as it was: else it is called anew, so nobody's word is
lost among a hundred at once. They run in threads of their own, few, and views in others than acts: whoever asks for
what takes long keeps nobody from doing something. ADR 0013.
"""

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

from hansa.analytics import returned
from hansa.analytics.newest import Newest
from hansa.app import Act, App, Deed, View
from hansa.errors import BadRequest, Busy, Conflict, Forbidden, HansaError, NotFound, Unauthenticated
from hansa.model.change import Change, Refused, Write
from hansa.model.entity import Doc, Entity, alias
from hansa.platform.city import City, item_of, simple_query
from hansa.platform.noting import Note, noted
from hansa.platform.store import Point, TooSlow
from hansa.trust.actors import Actor
from hansa.trust.labels import Sight

THREADS: Final = 4
"""For the acts of a realm, and as many for its views: they wait for the disk and for each other, not for cores."""
ALONE: Final = 5
"""Tries after which an act waits until no other is under way."""
T = TypeVar("T")


class Meanwhile(Conflict):
    """What an act had read was changed before its commit."""


class AskedCity:
    """The city as one act or view sees it, with the sight of who asks; it remembers what `get` has shown."""

    def __init__(self, city: City, newest: Newest, sight: Sight, settings: Mapping[str, Any]) -> None:
        """Read `city` for somebody."""
        self._city = city
        self._newest = newest
        self._sight = sight
        self._settings = settings
        self.read: dict[str, Doc | None] = {}

    def known(self, ident: str) -> Entity | None:
        """One entity, or None."""
        found = self._city.reader.entity("", ident, self._sight)
        self.read.setdefault(ident, None if found is None else found.doc)
        return found

    def get(self, ident: str, /) -> Entity:
        """One entity; raises NotFound."""
        found = self.known(ident)
        if found is None:
            raise NotFound(f"there is no entity {ident}", where=ident)
        return found

    def find(
        self,
        type: str | None = None,  # noqa: A002  # the standard's word
        q: str | None = None,
        near: tuple[float, float, float] | None = None,
        limit: int = 1_000,
    ) -> list[Entity]:
        """Entities that match, perhaps none."""
        return self._city.reader.find("", simple_query(type, q, near), self._sight, limit)

    def history(
        self, ident: str, name: str, since: int | None = None, until: int | None = None, *, last: int | None = None
    ) -> list[Point]:
        """Points of one attribute, oldest first."""
        return self._city.reader.history("", ident, name, self._sight, since, until, last)

    def version(self, type: str, /) -> Hashable:  # noqa: A002  # the standard's word
        """Another value whenever `find(type)` may answer otherwise than before."""
        return self._newest.version(type, self._sight)

    def now(self) -> int:
        """The city's clock."""
        return self._city.clock.now()

    def setting(self, name: str, default: Any = None) -> Any:
        """A setting of this app."""
        return self._settings.get(name, default)


class Acts:
    """Everything that people can do and ask through the apps of one realm."""

    def __init__(
        self,
        city: City,
        apps: Sequence[App],
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        note: Note | None = None,
        fresh: Callable[[Actor], None] | None = None,
    ) -> None:
        """`note` is the audit; `fresh` raises where somebody has not shown lately who he is."""
        self._city = city
        self._newest = Newest(city)
        self._settings = settings or {}
        self._note = note
        self._fresh = fresh
        self.apps = {app.name: app for app in apps if app.runs_in(city.realm) and (app.deeds or app.views)}
        self._acting = ThreadPoolExecutor(THREADS, thread_name_prefix=f"acts-{city.realm}")
        self._looking = ThreadPoolExecutor(THREADS, thread_name_prefix=f"views-{city.realm}")
        self._one: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._alone = asyncio.Lock()

    def close(self) -> None:
        """Let the threads go; a function that does not return must not keep the city from ending."""
        for pool in (self._acting, self._looking):
            pool.shutdown(wait=False, cancel_futures=True)

    def deed(self, app: str, name: str) -> tuple[App, Deed]:
        """An act; NotFound."""
        found = self.apps.get(app)
        if found is None or name not in found.deeds:
            raise NotFound(f"there is no act {app[:80]}/{name[:80]}", where=name[:80], mend="GET /desk lists them")
        return found, found.deeds[name]

    def seen(self, app: str, name: str) -> tuple[App, View]:
        """A view; NotFound."""
        found = self.apps.get(app)
        if found is None or name not in found.views:
            raise NotFound(f"there is no view {app[:80]}/{name[:80]}", where=name[:80], mend="GET /desk lists them")
        return found, found.views[name]

    async def look(self, app: App, view: View, asked: Mapping[str, str], sight: Sight) -> Any:
        """What a view says to somebody. Raises what it raises, Forbidden, Busy when it takes too long."""
        _may(view.roles, sight)
        city = AskedCity(self._city, self._newest, sight, self._settings.get(app.name, {}))
        return await self._run(self._looking, lambda: view.looks(asked, city), self._city.limits.view_s)

    async def do(self, app: App, deed: Deed, ident: str, said: Mapping[str, Any], sight: Sight) -> list[Change]:
        """Do it, durably. Raises what the act raises, and Conflict when others leave it no chance."""
        _may(deed.roles, sight)
        if deed.fresh and self._fresh is not None:
            self._fresh(sight.who)
        if not ident and not deed.new:
            raise BadRequest(
                f"{deed.name} is done with one {deed.type}", where="id", mend=f"name it: id of a {deed.type}"
            )
        if deed.noted:
            what = {
                "act": f"{app.name}/{deed.name}",
                "entity": ident,
                "said": dict(said),
                "assurance": sight.who.assurance,
            }
            await noted(self._note, "act", sight.actor, what, session=sight.who.session)
        line = ident or (deed.key(said) if deed.key is not None else "")
        if not line:
            return await self._tried(app, deed, ident, said, sight)
        lock = self._one.get(line)
        if lock is None:
            lock = self._one[line] = asyncio.Lock()
        async with lock:  # comparing would do; waiting in a line is quicker for a crowd
            return await self._tried(app, deed, ident, said, sight)

    async def _tried(self, app: App, deed: Deed, ident: str, said: Mapping[str, Any], sight: Sight) -> list[Change]:
        limits = self._city.limits
        for attempt in range(limits.act_tries):
            try:
                if attempt < ALONE:
                    return await self._once(app, deed, ident, said, sight)
                async with self._alone:
                    return await self._once(app, deed, ident, said, sight)
            except Meanwhile:
                if attempt == limits.act_tries - 1:
                    raise
        raise HansaError("an act is tried at least once")

    async def _once(self, app: App, deed: Deed, ident: str, said: Mapping[str, Any], sight: Sight) -> list[Change]:
        city = AskedCity(self._city, self._newest, sight, self._settings.get(app.name, {}))
        most_s = self._city.limits.act_s
        writes = await self._run(self._acting, lambda: self._writes(app, deed, ident, said, sight, city), most_s)
        if not writes:
            return []
        item = item_of(writes, sight, f"desk:{app.name}/{deed.name}")
        item.expects, item.app = list(city.read.items()), app.name
        await self._entered(app, deed, writes, sight)
        outcomes = await self._city.acommit(item)
        for one in outcomes:
            if isinstance(one, Refused):
                if isinstance(
                    one.error, Conflict
                ):  # the writer's word; what an act itself calls a conflict is its answer
                    raise Meanwhile(one.error.detail, where=one.error.where, mend=one.error.mend)
                raise one.error
        return [one for one in outcomes if isinstance(one, Change)]

    async def _entered(self, app: App, deed: Deed, writes: Sequence[Write], sight: Sight) -> None:
        """The audit log has the digest of what will stand for ever before it does: a file that was changed is found."""
        kept = [Entity(one.doc) for one in writes if one.doc and not app.append_only.isdisjoint(Entity(one.doc).types)]
        if kept:
            what = {
                "act": f"{app.name}/{deed.name}",
                "entities": [one.id for one in kept],
                "digests": [one.digest for one in kept],
                "assurance": sight.who.assurance,
            }
            await noted(self._note, "entry", sight.actor, what, session=sight.who.session)

    def _writes(
        self, app: App, deed: Deed, ident: str, said: Mapping[str, Any], sight: Sight, city: AskedCity
    ) -> list[Write]:
        subject = city.known(ident) if ident else None
        if subject is not None and deed.type not in {alias(kind) for kind in subject.types}:
            raise NotFound(f"there is no {deed.type} {ident[:200]}", where="id")
        if subject is None and not deed.new:
            raise NotFound(f"there is no {deed.type} {ident[:200]}", where="id")
        who = sight.who
        act = Act(ident, subject, said, sight.actor, who.roles, who.assurance, city.now(), who.session)
        return returned.writes_of(app, deed.does(act, city) or (), city, self._city.limits.rule_fanout)

    async def _run(self, pool: ThreadPoolExecutor, work: Callable[[], T], most_s: float) -> T:
        """Do it in a thread of a pool, for so long at most."""
        reader = self._city

        def worked() -> T:
            with reader.reader.deadline(most_s * 1_000):
                return work()

        if self._city.inbox is None:  # a direct city has one reader, for one thread
            return worked()
        try:
            return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(pool, worked), most_s + 1)
        except (TimeoutError, TooSlow):
            raise Busy("this takes too long now", mend="ask for less, or try again") from None


def _may(roles: frozenset[str], sight: Sight) -> None:
    if sight.blind:
        raise Unauthenticated("who are you?", mend="sign in: /sign-in")
    # Whoever sits at the machine itself is its administrator, and until there are people, all of them.
    if roles and not roles & sight.who.roles and not (sight.everything and "administrator" in sight.who.roles):
        raise Forbidden("this is not for you to do", mend=f"it is for: {', '.join(sorted(roles))}")
