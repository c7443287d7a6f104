"""What people do through apps: an act is a function from what somebody wants to Entities, a view one to an answer.

Both read with the sight of who asks. What an act returns is one transaction in his name, weighed by policy like any
write of his, and only while everything that it had read stands as it was: else it is called anew, so nobody's word is
lost among a hundred at once. They run in threads of their own, few, and views in others than acts: whoever asks for
what takes long keeps nobody from doing something. ADR 0013.

What is public, anybody may ask, also somebody unknown: there the app reads with its own sight, writes in its own name
and answers for it. ADR 0016.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from secrets import token_bytes
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

from hansa.analytics import returned
from hansa.analytics.newest import Newest
from hansa.app import Act, Answer, App, Asked, Deed, Door, File, Tables, View
from hansa.errors import BadRequest, Busy, Conflict, Forbidden, HansaError, NotFound, Unauthenticated
from hansa.model.change import Change, Refused, Write
from hansa.model.entity import Doc, Entity, alias
from hansa.platform.city import City, item_of, simple_query
from hansa.platform.noting import Note, noted
from hansa.platform.public import PublicCity, summary
from hansa.platform.store import Bucket, Point, TooSlow
from hansa.platform.tables import NoTables
from hansa.trust.actors import Actor
from hansa.trust.capability import Capabilities
from hansa.trust.labels import PUBLIC, Sight, app_sight

THREADS: Final = 4
"""For the acts of a realm, and as many for its views: they wait for the disk and for each other, not for cores."""
ALONE: Final = 5
"""Tries after which an act waits until no other is under way."""
T = TypeVar("T")


class Meanwhile(Conflict):
    """What an act had read was changed before its commit."""


@dataclass(frozen=True, slots=True)
class Visit:
    """From where somebody asks (what stands for his address), and under which address he sees the city."""

    visitor: str = ""
    origin: str = ""


NOWHERE: Final = Visit()


class AskedCity:
    """The city as one act, view or door sees it, with `sight`; it remembers what `get` has shown."""

    def __init__(
        self, acts: "Acts", app: App, sight: Sight, who: Actor, visit: Visit = NOWHERE, *, public: bool = False
    ) -> None:
        """Read the city of `acts` for `who`; `public` is what anybody may ask."""
        self._city = acts.city
        self._newest = acts.newest
        self._sight = sight
        self._settings = acts.settings.get(app.name, {})
        self._capabilities = acts.capabilities
        self._public = acts.public
        self.tables = acts.public_tables or acts.tables if public else acts.tables
        self._app = app.name
        known = who.kind != "public"
        self.by = who.id if known else ""
        self.roles = who.roles if known else frozenset()
        self.visitor = visit.visitor
        self.origin = visit.origin
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

    def summary(
        self, ident: str, name: str, since: int | None = None, until: int | None = None, length: int = 0
    ) -> list[Bucket]:
        """Plain numbers of one attribute by periods."""
        return summary(self._city.reader, self._sight, ident, name, since, until, length)

    @property
    def public(self) -> PublicCity:
        """The city as a stranger sees it."""
        return PublicCity(lambda: self._city.reader, self._public())

    def version(self, type: str, /) -> Hashable:  # noqa: A002  # the standard's word
        """Another value whenever `find(type)` may answer otherwise than before."""
        return self._newest.version(type, self._sight)

    def now(self) -> int:
        """The city's clock."""
        return self._city.clock.now()

    def setting(self, name: str, default: Any = None) -> Any:
        """A setting of this app."""
        return self._settings.get(name, default)

    def token(self, text: str, /) -> str:
        """A capability of this app for `text`."""
        return self._capabilities.token(self._app, text)

    def told_by(self, token: str, /) -> str | None:
        """What a capability of this app is for; None when it is none."""
        return self._capabilities.told_by(self._app, token)


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
        capabilities: Capabilities | None = None,
    ) -> None:
        """`note` is the audit; `fresh` raises where somebody has not shown lately who he is."""
        self.city = city
        self.newest = Newest(city)
        self.settings = {} if settings is None else settings  # the very same: the machine may add to it
        self.capabilities = capabilities or Capabilities(token_bytes(32))
        self.keep: Callable[[str, File], None] = _nowhere
        """Keeps a file with an entity that is about to list it."""
        self.public: Callable[[], Sight] = lambda: PUBLIC
        """What a stranger sees."""
        self.tables: Tables = NoTables()
        self.public_tables: Tables | None = None
        """The same for what anybody may ask, where that is answered apart."""
        self._note = note
        self._fresh = fresh
        self.apps = {app.name: app for app in apps if app.runs_in(city.realm) and (app.deeds or app.views or app.doors)}
        self._acting = ThreadPoolExecutor(THREADS, thread_name_prefix=f"acts-{city.realm}")
        self._looking = ThreadPoolExecutor(THREADS, thread_name_prefix=f"views-{city.realm}")
        # What everybody may ask has threads of its own: a crowd, or who means harm, keeps no operator from acting.
        self._asking = ThreadPoolExecutor(2 * THREADS, thread_name_prefix=f"public-{city.realm}")
        self._one: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._alone = asyncio.Lock()

    def close(self) -> None:
        """Let the threads go; a function that does not return must not keep the city from ending."""
        for pool in (self._acting, self._looking, self._asking):
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

    async def look(self, app: App, view: View, asked: Mapping[str, str], sight: Sight, visit: Visit = NOWHERE) -> Any:
        """What a view says to somebody. Raises what it raises, Forbidden, Busy when it takes too long."""
        self.may(view, sight)
        seen = app_sight(app.name) if view.public else sight
        city = AskedCity(self, app, seen, sight.who, visit, public=view.public)
        pool = self._asking if view.public else self._looking
        return await self._run(pool, lambda: view.looks(asked, city), self.city.limits.view_s)

    async def do(
        self,
        app: App,
        deed: Deed,
        ident: str,
        said: Mapping[str, Any],
        sight: Sight,
        visit: Visit = NOWHERE,
        files: tuple[File, ...] = (),
    ) -> list[Change]:
        """Do it, durably. Raises what the act raises, and Conflict when others leave it no chance."""
        self.may(deed, sight)
        if deed.fresh and self._fresh is not None:
            self._fresh(sight.who)
        if not ident and not deed.new:
            raise BadRequest(
                f"{deed.name} is done with one {deed.type}", where="id", mend=f"name it: id of a {deed.type}"
            )
        # The log is of what somebody does: whoever is unknown fills it with nothing, and does nothing that is noted.
        if deed.noted and not _strange(deed, sight):
            what = {
                "act": f"{app.name}/{deed.name}",
                "entity": ident,
                "said": dict(said),
                "assurance": sight.who.assurance,
            }
            await noted(self._note, "act", sight.actor, what, session=sight.who.session)
        once = partial(self._once, app, deed, ident, said, sight, visit, files)
        line = ident or (deed.key(said) if deed.key is not None else "")
        if not line:
            return await self._tried(once)
        lock = self._one.get(line)
        if lock is None:
            lock = self._one[line] = asyncio.Lock()
        async with lock:  # comparing would do; waiting in a line is quicker for a crowd
            return await self._tried(once)

    async def open(self, app: App, door: Door, asked: Asked, sight: Sight) -> Answer:
        """What an app's own door answers; what that says is durable. Raises what it raises, Busy, Conflict."""
        visit = Visit(asked.visitor, asked.origin)

        async def once() -> Answer:
            city = AskedCity(self, app, app_sight(app.name), sight.who, visit, public=True)

            def opened() -> tuple[Answer, list[Write]]:
                answer = door.opens(asked, city)
                return answer, returned.writes_of(app, answer.says, city, self.city.limits.rule_fanout)

            most_s = self.city.limits.view_s if door.method == "GET" else self.city.limits.act_s
            answer, writes = await self._run(self._asking, opened, most_s)
            await self._commit(app, f"door:{app.name}{door.template}", writes, city, app_sight(app.name), asked.files)
            return answer

        return await self._tried(once)

    async def _tried(self, once: Callable[[], Awaitable[T]]) -> T:
        limits = self.city.limits
        for attempt in range(limits.act_tries):
            try:
                if attempt < ALONE:
                    return await once()
                async with self._alone:
                    return await once()
            except Meanwhile:
                if attempt == limits.act_tries - 1:
                    raise
        raise HansaError("an act is tried at least once")

    async def _once(
        self,
        app: App,
        deed: Deed,
        ident: str,
        said: Mapping[str, Any],
        sight: Sight,
        visit: Visit,
        files: tuple[File, ...],
    ) -> list[Change]:
        name = app_sight(app.name) if deed.public else sight
        city = AskedCity(self, app, name, sight.who, visit, public=deed.public)
        most_s = self.city.limits.act_s
        pool = self._asking if deed.public else self._acting
        writes = await self._run(pool, lambda: self._writes(app, deed, ident, said, sight, city, files), most_s)
        if writes and deed.noted and _strange(deed, sight):
            raise Unauthenticated("who are you?", mend="sign in: /sign-in")
        await self._entered(app, deed, writes, sight)
        return await self._commit(app, f"desk:{app.name}/{deed.name}", writes, city, name, files)

    async def _commit(
        self, app: App, cause: str, writes: list[Write], city: AskedCity, sight: Sight, files: tuple[File, ...]
    ) -> list[Change]:
        """All of it or nothing, while what it stands on is as it was read; Meanwhile when it is not."""
        if not writes:
            return []
        for file in files:
            for ident in (write.id for write in writes if write.doc and file.sha256 in _media(write.doc)):
                await asyncio.to_thread(self.keep, ident, file)
        item = item_of(writes, sight, cause)
        item.expects, item.app = list(city.read.items()), app.name
        outcomes = await self.city.acommit(item)
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
        self,
        app: App,
        deed: Deed,
        ident: str,
        said: Mapping[str, Any],
        sight: Sight,
        city: AskedCity,
        files: tuple[File, ...],
    ) -> list[Write]:
        subject = city.known(ident) if ident else None
        if subject is not None and deed.type not in {alias(kind) for kind in subject.types}:
            raise NotFound(f"there is no {deed.type} {ident[:200]}", where="id")
        if subject is None and not deed.new:
            raise NotFound(f"there is no {deed.type} {ident[:200]}", where="id")
        who = sight.who
        act = Act(
            ident,
            subject,
            said,
            city.by if deed.public else sight.actor,
            city.roles,
            who.assurance,
            city.now(),
            who.session,
            city.visitor,
            city.origin,
            files,
        )
        return returned.writes_of(app, deed.does(act, city) or (), city, self.city.limits.rule_fanout)

    def may(self, what: Deed | View, sight: Sight) -> None:
        """Whether somebody may do or ask this at all. Raises Unauthenticated, Forbidden, NotFound."""
        roles = what.roles
        if what.public:
            if self.city.realm != "open":  # nothing of another realm is anybody's
                raise NotFound("there is no such place at the desk", where="path", mend="GET /desk lists what there is")
            return
        if sight.blind:
            raise Unauthenticated("who are you?", mend="sign in: /sign-in")
        # Whoever sits at the machine itself is its administrator, and until there are people, all of them.
        if roles and not roles & sight.who.roles and not (sight.everything and "administrator" in sight.who.roles):
            raise Forbidden("this is not for you to do", mend=f"it is for: {', '.join(sorted(roles))}")

    async def _run(self, pool: ThreadPoolExecutor, work: Callable[[], T], most_s: float) -> T:
        """Do it in a thread of a pool, for so long at most."""
        reader = self.city

        def worked() -> T:
            with reader.reader.deadline(most_s * 1_000):
                return work()

        if self.city.inbox is None:  # a direct city has one reader, for one thread
            return worked()
        try:
            return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(pool, worked), most_s + 1)
        except (TimeoutError, TooSlow):
            raise Busy("this takes too long now", mend="ask for less, or try again") from None


def _strange(deed: Deed, sight: Sight) -> bool:
    """Whether somebody unknown asks for what anybody may ask."""
    return deed.public and sight.who.kind == "public" and not sight.everything


def _media(doc: Doc) -> str:
    """What an entity says of its files, as text to look hashes up in."""
    return str(doc.get("media", ""))


def _nowhere(_ident: str, _file: File) -> None:
    """A city in memory keeps no files."""
