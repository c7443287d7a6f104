"""One derivation at work: what is to be written in its target for what changed in its source.

It reads both and writes neither: that is for `realms`, the one door. What leaves is always made of the state as it is
now, masked by the labels as they are now, so that nothing leaves that was taken back meanwhile.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import structlog

from hansa.errors import NotFound
from hansa.model.change import Change, Write
from hansa.model.entity import Doc, Entity
from hansa.model.query import Query
from hansa.platform.city import City
from hansa.platform.follower import Follower, log_of
from hansa.trust.actors import Actor
from hansa.trust.derivations import Derivation, group_key
from hansa.trust.labels import ADMINISTRATOR, Sight

BATCH: Final = 100
"""Entities looked at in one turn of the loop: some milliseconds."""
_REST_S: Final = 1.0  # after the target, or the audit, took nothing: it may in a second
_FAR: Final = 10_000  # Changes of others after which a place is written although nothing came of them

log = structlog.get_logger("hansa.realms")


@dataclass(slots=True)
class _Group:
    """Entities that leave together."""

    said: Doc
    members: dict[str, tuple[float | None, ...]] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    """Which of them joined, left or changed since the group was last told of."""
    told: bool = False


class Deriving:
    """One derivation, from `source` to `target`."""

    def __init__(self, derivation: Derivation, key: bytes, proposal: str, source: City, target: City) -> None:
        """`key` makes the ids of what comes out; `proposal` is the one by which two people allowed it."""
        self.derivation = derivation
        self.key = key
        self.proposal = proposal
        self.source = source
        self.target = target
        self.place = 0
        """Up to where its source's log is dealt with."""
        self.fresh = True
        """Whether the whole state is to be looked at first."""
        self.waiting: dict[str, tuple[int, int]] = {}
        """Entities that changed since: the first seq at which they did, and the depth of the newest."""
        self._sight = Sight(
            derivation.actor, derivation.purpose, derivation.reads, Actor(derivation.actor), rights=None
        )
        self._groups: dict[str, _Group] = {}
        self._group_of: dict[str, str] = {}

    @property
    def reader(self) -> str:
        """The name under which the target keeps its place."""
        return self.derivation.actor

    def hear(self, change: Change) -> bool:
        """Note an entity of its type that changed, if that is for this derivation."""
        if change.seq <= self.place or change.tenant != self.derivation.tenant:
            return False
        ident = change.entity.id
        first = self.waiting[ident][0] if ident in self.waiting else change.seq
        self.waiting[ident] = first, change.depth
        return True

    def take(self) -> dict[str, tuple[int, int]]:
        """The entities that have waited longest."""
        taken = {ident: self.waiting[ident] for ident in list(self.waiting)[:BATCH]}
        for ident in taken:
            del self.waiting[ident]
        return taken

    def again(self, taken: dict[str, tuple[int, int]]) -> None:
        """What was taken could not be written: it waits as before."""
        self.waiting = taken | {ident: (taken.get(ident, was)[0], was[1]) for ident, was in self.waiting.items()}

    def reached(self, seen: int) -> int:
        """The place when what was taken is written, and the log was heard up to `seen`."""
        return min(seen, min((first for first, _ in self.waiting.values()), default=seen + 1) - 1)

    def writes(self, idents: Iterable[str]) -> list[Write]:
        """What is to be written for entities that changed."""
        made: list[Write] = []
        if self.derivation.aggregate is not None:
            touched = {group for ident in idents for group in self._moved(ident, self._seen(ident))}
            for group in sorted(touched):
                made += self._told_together(group)
            return made
        for ident in idents:
            seen = self._seen(ident)
            made += self._becomes(
                self.derivation.ident(self.key, ident),
                None if seen is None else self.derivation.derived(seen, self.key),
            )
        return made

    def all(self) -> list[Write]:
        """What is to be written so that the target says what this derivation says of the source, and no more."""
        said = self.derivation
        query = Query.parse(types=said.type)
        wanted: dict[str, Doc] = {}
        self._groups.clear()
        self._group_of.clear()
        for seen in self.source.reader.every(said.tenant, query, self._sight):
            if said.aggregate is not None:
                self._moved(seen.id, seen)
            elif (doc := said.derived(seen, self.key)) is not None:
                wanted[doc["id"]] = doc
        there = {one.id: one for one in self.there()}
        for group in self._groups.values():
            doc = said.together(group.said, list(group.members.values()), self.key)
            if doc is None:
                continue
            # What was told stays until enough of it has changed: that this life knows nothing of the last is no reason.
            wanted[doc["id"]] = there[doc["id"]].doc if doc["id"] in there else doc
            group.told = True
            group.changed.clear()
        made = [Write("delete", ident, tenant=said.tenant) for ident in there if ident not in wanted]
        return made + [one for ident, doc in wanted.items() for one in self._becomes(ident, doc)]

    def there(self) -> list[Entity]:
        """What came of it and is in the target."""
        prefix = self.derivation.prefix
        query = Query.parse(types=self.derivation.makes, id_pattern=f"^{re.escape(prefix)}")
        found = self.target.reader.every(self.derivation.tenant, query, ADMINISTRATOR)
        return [one for one in found if one.id.startswith(prefix)]

    def _seen(self, ident: str) -> Entity | None:
        with suppress(NotFound):
            seen = self.source.get(ident, sight=self._sight, tenant=self.derivation.tenant)
            return seen if self.derivation.type in seen.types else None
        return None

    def _becomes(self, ident: str, doc: Doc | None) -> list[Write]:
        """The Writes after which the target has just this under an id; none when it has it already."""
        said = self.derivation
        try:
            there = self.target.get(ident, sight=ADMINISTRATOR, tenant=said.tenant)
        except NotFound:
            return [] if doc is None else [Write("upsert", ident, doc, label=said.label, tenant=said.tenant)]
        if doc is None:
            return [Write("delete", ident, tenant=said.tenant)]
        if there.doc == doc and there.label == said.label:
            return []
        return [Write("upsert", ident, doc, label=said.label, tenant=said.tenant)]

    # Groups

    def _moved(self, ident: str, seen: Entity | None) -> set[str]:
        """Note to which group an entity belongs now; the groups that this changed."""
        member = None if seen is None else self.derivation.member(seen)
        before = self._group_of.get(ident)
        now = None if member is None else group_key(member[0])
        touched = set()
        if before is not None and before != now:
            group = self._groups[before]
            del group.members[ident]
            del self._group_of[ident]
            group.changed.add(ident)
            touched.add(before)
        if member is not None and now is not None:
            group = self._groups.setdefault(now, _Group(member[0]))
            if ident not in group.members or group.members[ident] != member[1]:
                group.members[ident] = member[1]
                self._group_of[ident] = now
                group.changed.add(ident)
                touched.add(now)
        return touched

    def _told_together(self, key: str) -> list[Write]:
        group, said = self._groups[key], self.derivation
        least = 0 if said.aggregate is None else said.aggregate.least
        doc = said.together(group.said, list(group.members.values()), self.key)
        ident = said.ident(self.key, key)
        if doc is None:
            if not group.members:
                del self._groups[key]
            told, group.told = group.told, False
            group.changed.clear()
            return self._becomes(ident, None) if told else []
        if group.told and len(group.changed) < least:
            return []
        group.told = True
        group.changed.clear()
        return self._becomes(ident, doc)


Pass = Callable[[Deriving, Sequence[Write], int, int | None], Awaitable[None]]
"""Write what comes of a derivation: the Writes, the depth of their cause, the place to be written with them."""


class Source:
    """The log of one realm, followed for all derivations that begin there."""

    def __init__(self, city: City, passing: Pass) -> None:
        """`passing` is the door: it writes, this does not."""
        self._city = city
        self._passing = passing
        self._ones: list[Deriving] = []
        self._by_type: dict[str, list[Deriving]] = {}
        self._heard = asyncio.Event()
        self._turn = asyncio.Lock()
        self._follower: Follower | None = None
        self._task: asyncio.Task[None] | None = None
        self._close: Callable[[], None] = lambda: None

    def add(self, one: Deriving, place: int | None) -> None:
        """Run one more, from `place`; None: it never ran. `start` begins."""
        # Groups are kept in memory alone: their members are looked up again.
        one.fresh = place is None or one.derivation.aggregate is not None
        one.place = self._now if one.fresh or place is None else place
        self._ones.append(one)
        self._by_type.setdefault(one.derivation.type, []).append(one)
        self._heard.set()

    @property
    def _now(self) -> int:
        return self._city.store.head() if self._follower is None else self._follower.seen

    def start(self) -> None:
        """Follow the log, if that is not done already."""
        if self._follower is not None:
            return
        since, self._close = log_of(self._city.store)
        first = min((one.place for one in self._ones), default=self._now)
        self._follower = Follower(self._city, self._take, first, since, hold=self._is_behind)
        self._follower.start()
        self._task = asyncio.get_running_loop().create_task(self._work(), name=f"door-{self._city.realm}")

    async def remove(self, one: Deriving) -> None:
        """Run it no more; nothing of it is under way when this returns."""
        self._ones.remove(one)
        self._by_type[one.derivation.type].remove(one)
        async with self._turn:
            pass

    async def aclose(self) -> None:
        """Stop where it is."""
        if self._follower is not None:
            await self._follower.aclose()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._close()

    def _take(self, changes: list[Change]) -> None:
        heard = False
        for change in changes:
            for kind in change.entity.types:
                for one in self._by_type.get(kind, ()):
                    heard |= one.hear(change)
        seen = changes[-1].seq
        if heard or any(seen - one.place > _FAR for one in self._ones):
            self._heard.set()

    def _is_behind(self) -> bool:
        return any(len(one.waiting) > BATCH for one in self._ones)

    async def _work(self) -> None:
        while True:
            await self._heard.wait()
            self._heard.clear()
            for one in list(self._ones):
                async with self._turn:
                    if one in self._ones and not await self._round(one):
                        self._heard.set()
            await asyncio.sleep(0)

    async def _round(self, one: Deriving) -> bool:
        """Deal with some of what waits for one derivation; whether nothing is left."""
        taken: dict[str, tuple[int, int]] = {}
        try:
            if one.fresh:
                await self._whole(one)
                return not one.waiting
            taken = one.take()
            seen = one.place if self._follower is None else max(one.place, self._follower.seen)
            depth = 1 + max((depth for _, depth in taken.values()), default=0)
            writes = one.writes(taken)
            if writes and depth > self._city.limits.depth_of_cause:
                log.warning("a derivation that answers a derivation goes no further", name=one.derivation.name)
                writes = []
            place = one.reached(seen)
            if writes or place - one.place > _FAR:
                await self._passing(one, writes, depth, place)
            one.place = max(one.place, place)
        except Exception:
            log.exception("a derivation could not be written; in a second again", name=one.derivation.name)
            one.again(taken)
            # Its groups were told of what was not written.
            one.fresh = one.fresh or one.derivation.aggregate is not None
            await asyncio.sleep(_REST_S)
            return False
        return not one.waiting

    async def _whole(self, one: Deriving) -> None:
        """Bring the target to what the state of the source says; the place comes with the last of it."""
        writes = await asyncio.to_thread(one.all)
        limit = one.target.limits.commit
        while len(writes) > limit:
            await self._passing(one, writes[:limit], 1, None)
            writes = writes[limit:]
        await self._passing(one, writes, 1, one.place)
        one.fresh = False
