"""Running apps: Changes in, Writes out, with the place that says how far an app has come.

One engine for the rules process, for tests and for backtests. What rules return for a batch of Changes is committed
together with their places, so a crash loses nothing and doubles nothing. A Change on which a rule fails is put aside
with its reason and the place moves on (invariant 7).
"""

import struct
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from hansa.analytics import returned
from hansa.app import App, Every, Handler, Only, Said
from hansa.app import City as Asked
from hansa.clock import Clock
from hansa.errors import HansaError, NotFound
from hansa.limits import DEFAULT, Limits
from hansa.model.change import Change, Write
from hansa.model.entity import Entity, Stamps, alias
from hansa.platform import merge
from hansa.platform.city import simple_query
from hansa.platform.deadletters import DeadLetter
from hansa.platform.merge import State
from hansa.platform.public import summary
from hansa.platform.store import Bucket, Item, Point, Reader
from hansa.trust.labels import app_sight

Walk = Callable[[int, int, Callable[[str], bool]], Iterator[tuple[int, Change | None]]]
"""`LogReader.walk`: (after which seq, how many, which types are wanted) -> (seq, Change or None), in order."""

_PLACE: Final = struct.Struct(">Q")
_WORDS: Final = 10_000  # types of which it is remembered whether any rule wants them
KEEP_S: Final = 1.0
"""How long places may stay unwritten while the rules say nothing."""


def pack_place(seq: int) -> bytes:
    """A place in the log, as it is stored."""
    return _PLACE.pack(seq)


def unpack_place(place: bytes) -> int:
    """The inverse of pack_place."""
    return int(_PLACE.unpack(place)[0])


class RuleCity:
    """The city as one app's rules see it: what is committed, and what this batch has already said."""

    def __init__(self, reader: Reader, clock: Clock, app: App, settings: Mapping[str, Any]) -> None:
        """Read through `reader` with the app's own sight."""
        self._reader = reader
        self._clock = clock
        self._settings = settings
        self._sight = app_sight(app.name)
        self._said: dict[str, Entity | None] = {}
        self._read: dict[str, Entity | None] = {}  # asked twice for each output; read once

    def get(self, ident: str, /) -> Entity:
        """One entity; raises NotFound."""
        found = self._said[ident] if ident in self._said else self._reader.entity("", ident, self._sight)
        if found is None:
            raise NotFound(f"there is no entity {ident}", where=ident)
        return found

    def known(self, ident: str) -> Entity | None:
        """What an output will meet: what this batch said, or what is stored."""
        if ident in self._said:
            return self._said[ident]
        if ident not in self._read:
            self._read[ident] = self._reader.entity("", ident, self._sight)
        return self._read[ident]

    def find(
        self,
        type: str | None = None,  # noqa: A002  # the standard's word
        q: str | None = None,
        near: tuple[float, float, float] | None = None,
        limit: int = 1_000,
    ) -> list[Entity]:
        """Entities that match, with what this batch said in place of what is stored."""
        query = simple_query(type, q, near)
        found = self._reader.find("", query, self._sight, limit)
        if not self._said:
            return found
        kept = [one for one in found if one.id not in self._said]
        kept.extend(one for one in self._said.values() if one is not None and query.match(one.doc))
        return kept[:limit]

    def history(
        self, ident: str, name: str, since: int | None = None, until: int | None = None, *, last: int | None = None
    ) -> list[Point]:
        """Points of one attribute, oldest first; what is committed."""
        return self._reader.history("", ident, name, self._sight, since, until, last)

    def summary(
        self, ident: str, name: str, since: int | None = None, until: int | None = None, length: int = 0
    ) -> list[Bucket]:
        """Plain numbers of one attribute by periods; what is committed."""
        return summary(self._reader, self._sight, ident, name, since, until, length)

    def version(self, _type: str, /) -> object:
        """A new value every time: rules hear of every Change, and keep what they make of many by that."""
        return object()

    def now(self) -> int:
        """The city's clock."""
        return self._clock.now()

    def setting(self, name: str, default: Any = None) -> Any:
        """A setting of this app."""
        return self._settings.get(name, default)

    def note(self, write: Write, at: int) -> None:
        """What the app just said is what it sees next."""
        known = self.known(write.id)
        before = None if known is None else State(known.doc, Stamps(at, at, {}, {}), known.label)
        try:
            after = merge.apply(before, write, at).state.doc
        except HansaError:
            return  # the writer will refuse it too, and say so
        self._said[write.id] = None if after is None else Entity(after)

    def forget(self) -> None:
        """The batch is committed: the store says all of it now."""
        self._said.clear()
        self._read.clear()


@dataclass(slots=True)
class Ready:
    """An app that runs, with its city and how far it has come."""

    app: App
    city: RuleCity
    place: int
    rounds: dict[str, int]
    by_type: dict[str, list[Handler]] = field(default_factory=dict)
    everything: list[Handler] = field(default_factory=list)
    _known: dict[str, tuple[list[Handler], list[Handler], bool]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Sort the handlers by what they want."""
        for handler in self.app.handlers:
            if handler.type == "*":
                self.everything.append(handler)
            else:
                self.by_type.setdefault(handler.type, []).append(handler)

    def wanted(self, change: Change) -> list[Handler]:
        """The handlers that this Change is for."""
        kind = change.entity.doc["type"]
        found = self._known.get(kind) if type(kind) is str else None
        if found is None:
            found = self._of(change.entity.types)
            if type(kind) is str and len(self._known) < 1_000:
                self._known[kind] = found
        there, gone, picky = found
        if change.gone:
            return gone
        if not picky:
            return there
        changed = {alias(p.name) for p in change.parts}
        return [handler for handler in there if self._fits(handler, changed, change)]

    def _of(self, kinds: Iterable[str]) -> tuple[list[Handler], list[Handler], bool]:
        """Handlers for entities of these types that are there, that are gone, and whether any cares for attributes."""
        all_ = [*self.everything, *(one for kind in kinds for one in self.by_type.get(alias(kind), ()))]
        there = [one for one in all_ if not one.gone]
        return there, [one for one in all_ if one.gone], any(one.attributes for one in there)

    @staticmethod
    def _fits(handler: Handler, changed: set[str], change: Change) -> bool:
        wants = handler.attributes
        return not wants or (not wants.isdisjoint(changed) and all(name in change.entity for name in wants))


Watch = Callable[[int, int], None]
"""Told (number of the app, seq) before a rule runs and (-1, 0) after, so that one that never returns is seen."""


class Rules:
    """Runs apps over the log of one realm and hands what they say to `commit`.

    `commit` makes an Item durable, places and all, and raises when it cannot; `walk` reads the log.
    """

    def __init__(
        self,
        apps: Sequence[App],
        reader: Reader,
        clock: Clock,
        *,
        place: Callable[[str], bytes | None],
        head: Callable[[], int],
        walk: Walk,
        commit: Callable[[Item], None],
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        limits: Limits = DEFAULT,
        watch: Watch | None = None,
        skip: frozenset[tuple[str, int]] = frozenset(),
    ) -> None:
        """A new app starts at the log's end; a known one where it stood."""
        self._clock = clock
        self._walk = walk
        self._commit = commit
        self._limits = limits
        self._watch = watch
        self._skip = set(skip)
        self._moved: dict[str, bytes] = {}
        self._interest: dict[str, list[tuple[Only, RuleCity]]] = {}
        self._kept_at = time.monotonic()
        self.apps: list[Ready] = []
        for app in apps:
            stood = place(f"app:{app.name}")
            rounds = {}
            for every in app.rounds:
                last = place(f"round:{app.name}:{every.name}")
                rounds[every.name] = 0 if last is None else unpack_place(last)
            city = RuleCity(reader, clock, app, (settings or {}).get(app.name, {}))
            self.apps.append(Ready(app, city, head() if stood is None else unpack_place(stood), rounds))

    @property
    def place(self) -> int:
        """How far the slowest app has come."""
        return min((one.place for one in self.apps), default=0)

    def step(self) -> int:
        """Take one batch of Changes through every app and commit what they say; how many Changes it took."""
        batch = _Said()
        took = newest = 0
        for seq, change in self._walk(self.place, self._limits.rule_batch, self._wants):
            took, newest = took + 1, seq
            if change is None or change.tenant:
                continue
            for number, one in enumerate(self.apps):
                if change.seq > one.place:
                    self._run(number, one, change, batch)
        if not took:
            return 0
        self._moved |= {f"app:{one.app.name}": pack_place(max(newest, one.place)) for one in self.apps}
        if batch.writes or time.monotonic() - self._kept_at > KEEP_S:
            self._finish(batch)
        for one in self.apps:
            one.place = max(newest, one.place)
            one.city.forget()
        return took

    def _wants(self, word: str) -> bool:
        """Whether any rule may want Changes of a type, said as the log says it."""
        asked = self._interest.get(word)
        if asked is None:
            if len(self._interest) >= _WORDS:
                self._interest.clear()
            asked = self._interest[word] = self._whom_to_ask(word)
        return any(only(word, city) for only, city in asked)

    def _whom_to_ask(self, word: str) -> list[tuple[Only, RuleCity]]:
        """What decides whether a type is wanted, as it may change; one that says yes once and for all stands alone."""
        if " " in word:  # another tenant's
            return []
        asked = [
            (handler.only or _always, one.city)
            for one in self.apps
            for handler in (*one.everything, *one.by_type.get(alias(word), ()))
        ]
        return next(([one] for one in asked if one[0] is _always), asked)

    @property
    def unkept(self) -> bool:
        """Whether places have moved that are not written down yet."""
        return bool(self._moved)

    def keep(self, *, anyway: bool = True) -> None:
        """Write down how far the apps have come; without `anyway` only when that was not done lately.

        What they said is always committed with its place; that they said nothing of a Change is worth no commit of its
        own: after a crash they hear it again, and say nothing again.
        """
        if self._moved and (anyway or time.monotonic() - self._kept_at > KEEP_S):
            self._finish(_Said())

    def rounds(self) -> int | None:
        """Make every round that is due; when the next one is (microseconds), or None when there are none."""
        now = self._clock.now()
        soonest: int | None = None
        for number, one in enumerate(self.apps):
            for every in one.app.rounds:
                due = one.rounds[every.name] + every.period
                if due <= now:
                    self._round(number, one, every, now)
                    due = now + every.period
                soonest = due if soonest is None else min(soonest, due)
        return soonest

    def settle(self, most: int = 1_000) -> None:
        """Step until nothing is left (tests and backtests); HansaError when rules answer rules for ever."""
        if not self.apps:  # nobody's place moves on, so there would be no end
            return
        for _ in range(most):
            if not self.step():
                return
        raise HansaError(f"the rules are not done after {most} batches")

    def again(self, app: str, change: Change) -> None:
        """Run one app once more on a Change that was put aside."""
        for number, one in enumerate(self.apps):
            if one.app.name == app:
                batch = _Said()
                self._run(number, one, change, batch)
                self._finish(batch)

    def _round(self, number: int, one: Ready, every: Every, now: int) -> None:
        batch = _Said()
        if (f"{one.app.name}/{every.name}", 0) in self._skip:
            self._skip.discard((f"{one.app.name}/{every.name}", 0))  # this once: the next round is another one
            batch.aside(one.app, every.name, None, "it did not return in time, or took its process with it", "", now)
        else:
            self._call(number, one, lambda: every.round(one.city), every.name, None, batch)
        self._moved[f"round:{one.app.name}:{every.name}"] = pack_place(now)
        if batch.writes:
            self._finish(batch)
        else:  # that nothing was said is worth no commit of its own: after a crash the round is made once more
            one.city.forget()
        one.rounds[every.name] = now

    def _run(self, number: int, one: Ready, change: Change, batch: "_Said") -> None:
        handlers = one.wanted(change)
        if not handlers:
            return
        if (one.app.name, change.seq) in self._skip:
            self._skip.discard((one.app.name, change.seq))  # this once: somebody may want to try it again
            why = "it did not return in time, or took its process with it"
            batch.aside(one.app, handlers[0].name, change, why, "", self._clock.now())
            return
        if change.depth >= self._limits.depth_of_cause:
            why = f"rules have answered rules {change.depth} times; here it ends"
            batch.aside(one.app, handlers[0].name, change, why, "", self._clock.now())
            return
        for handler in handlers:
            self._call(number, one, partial(handler.rule, change, one.city), handler.name, change, batch)

    def _call(
        self, number: int, one: Ready, rule: Callable[[], Said], name: str, change: Change | None, batch: "_Said"
    ) -> None:
        at = self._clock.now()
        if self._watch is not None:
            self._watch(number, 0 if change is None else change.seq)
        try:
            writes = returned.writes_of(one.app, rule() or (), one.city, self._limits.rule_fanout)
        except (Exception, SystemExit) as fault:  # noqa: BLE001  # a broken rule must not stop the city
            where = "".join(traceback.format_exception(fault, limit=-3))
            batch.aside(one.app, name, change, f"{type(fault).__name__}: {fault}", where, at)
            return
        finally:
            if self._watch is not None:
                self._watch(-1, 0)
        cause = None if change is None else str(change.seq)
        depth = 1 if change is None else change.depth + 1
        for write in writes:
            one.city.note(write, at)
            batch.add(write, one.app.name, cause, depth)

    def _finish(self, batch: "_Said") -> None:
        batch.places |= self._moved
        try:
            self._commit(batch.item())
            self._kept_at = time.monotonic()
        finally:
            self._moved.clear()  # also when it failed: a place must not be kept without the words that belong to it
            for one in self.apps:
                one.city.forget()


def _always(_kind: str, _city: Asked) -> bool:
    return True


class _Said:
    """What the rules of one batch said."""

    def __init__(self) -> None:
        self.writes: list[Write] = []
        self.causes: list[tuple[str | None, int]] = []
        self.actors: list[str] = []
        self.places: dict[str, bytes] = {}

    def add(self, write: Write, app: str, cause: str | None, depth: int) -> None:
        """One more write of an app."""
        self.writes.append(write)
        self.causes.append((cause, depth))
        self.actors.append(f"app:{app}")

    def aside(self, app: App, rule: str, change: Change | None, reason: str, where: str, at: int) -> None:
        """Put a Change aside, with the reason."""
        letter = DeadLetter(
            kind="rule",
            source=app.name,
            ref=f"{app.name}-{rule}-{at if change is None else change.seq}",
            reason=reason,
            at=at,
            detail={"rule": rule, "seq": None if change is None else change.seq, "where": where[-2_000:]},
            label=None if change is None else change.entity.label,
        )
        self.add(letter.write(), app.name, None if change is None else str(change.seq), 1)

    def item(self) -> Item:
        """All of it, to be committed together."""
        return Item(self.writes, "rules", None, 0, self.places, self.causes, self.actors)
