"""A city in memory whose clock is turned by hand: backtests live in it, and so do tests.

The same store, merge and rules as the real one, only that everything happens in the calling thread, in the order in
which it is said. Memory grows with what is said; nothing is kept.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from hansa.analytics.rules import Rules
from hansa.app import App, append_only, kept
from hansa.clock import SECOND, Clock, parse
from hansa.limits import DEFAULT, Limits
from hansa.model.change import LABEL, Change, Refused, Write, put_instance
from hansa.model.entity import MEMBERS
from hansa.platform.city import City
from hansa.platform.sqlite import SqliteStore
from hansa.platform.store import Item, Outcome
from hansa.trust.labels import ADMINISTRATOR


class MemoryCity(City):
    """A city with apps, all in memory; time stands still until it is turned.

    Every write is followed by the rules until they have nothing more to say. `changes` holds all that happened when
    `keep` is set.
    """

    def __init__(
        self,
        *apps: App,
        start: str | int = "2026-01-01T00:00:00Z",
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        limits: Limits = DEFAULT,
        keep: bool = True,
        store: SqliteStore | None = None,
    ) -> None:
        """`start` is the city's first instant; `store` one that exists already, to go on from it."""
        clock = Clock(parse(start) if isinstance(start, str) else start, rate=0.0)
        super().__init__(store or SqliteStore(":memory:"), clock, ADMINISTRATOR, limits, direct=True)
        self.changes: list[Change] = []
        if keep:
            self.watch(self.changes.extend)
        self.store.append_only = append_only(apps, self.store.realm)
        self.store.keeps = kept(apps, self.store.realm)
        self.rules = Rules(
            apps,
            self.reader,
            clock,
            place=self.store.place,
            head=self.store.head,
            walk=self.store.walk,
            commit=self._commit_rules,
            settings=settings,
            limits=limits,
        )

    def write(self, *writes: Write, sight: Any = None, cause: str | None = None) -> list[Outcome]:
        """Write, then let the rules answer."""
        outcomes = super().write(*writes, sight=sight, cause=cause)
        if self.rules.apps:
            self.rules.settle()
        return outcomes

    def turn(self, *, seconds: float = 0.0, to: str | int | None = None) -> None:
        """Turn the clock forward and make the rounds that fall due, each at its own time."""
        at = self.clock.now() + int(seconds * SECOND) if to is None else parse(to) if isinstance(to, str) else to
        if not any(one.app.rounds for one in self.rules.apps):
            self.clock.turn(at)
            return
        while (due := self.rules.rounds()) is not None and due <= at:
            self.clock.turn(due)
            self.rules.rounds()
            self.rules.settle()
        self.clock.turn(at)
        self.rules.rounds()
        self.rules.settle()

    def _commit_rules(self, item: Item) -> None:
        if not item.writes:  # places matter to a process that may die; this one dies with its store
            item = Item((), item.actor, places=item.places)
        outcomes = self.commit([item])[0]
        for one in outcomes:
            if isinstance(one, Refused):
                raise one.error


def replay(city: MemoryCity, readings: Iterable[tuple[int, Write]]) -> int:
    """Play readings (instant, write) in time order into a city, its clock following; how many there were.

    The apps see each instant's readings before the next, as they would have.
    """
    count = 0
    now: int | None = None
    pile: list[Write] = []
    for at, write in readings:
        if at != now:
            if pile:
                city.write(*pile)
                pile = []
            now = at
            city.turn(to=max(at, city.clock.now()))
        pile.append(write)
        count += 1
    if pile:
        city.write(*pile)
    return count


class Log(Protocol):
    """What a log of Changes can do."""

    def since(self, seq: int, limit: int) -> list[Change]:
        """Changes after `seq`, oldest first."""


def past(log: Log, actor: str, said: Counter[str]) -> Iterator[tuple[int, Write]]:
    """What others than `actor` brought about, as (instant, Write); what `actor` said is counted in `said` by type."""
    seq = 0
    while changes := log.since(seq, 1_000):
        for change in changes:
            seq = change.seq
            if change.tenant:
                continue
            if change.actor == actor:
                said[change.entity.type] += 1
            else:
                yield from ((change.at, write) for write in _again(change))


def _again(change: Change) -> Iterator[Write]:
    """The Writes that bring a Change about once more."""
    ident = change.entity.id
    if change.gone:
        yield Write("delete", ident)
        return
    doc: dict[str, Any] = {"id": ident, "type": change.entity.doc["type"]}
    late: dict[str, list[Any]] = {}
    for part in change.parts:
        if part.status == "late":
            if part.name == "type":
                return  # the history of what is gone was edited: nothing of now
            if part.new is not None and part.name not in MEMBERS:
                late.setdefault(part.name, []).append(part.new)
        elif part.status == "deleted":
            yield Write("delete_attr", ident, name=part.name, dataset=part.dataset)
        elif part.name != LABEL:
            put_instance(doc, part.name, part.dataset, part.new)
    if len(doc) > 2 or change.new:
        yield Write("upsert_update", ident, doc, label=change.entity.label)
    if late:
        yield Write("instances", ident, {"type": doc["type"], **late})
