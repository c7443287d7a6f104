"""What a store of one realm must be able to do; SQLite and PostgreSQL both pass `tests/platform/contract.py`.

A store keeps state, attribute index, geometry index, history and log, and commits them together. It is synchronous.
One thread writes; any thread reads through a `Reader` of its own.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from hansa.errors import HansaError
from hansa.model.change import Change, Nothing, Refused, Write
from hansa.model.entity import Doc, Entity, Stamps
from hansa.model.query import Query
from hansa.trust.labels import Sight

Outcome = Change | Refused | Nothing
Result = list[Outcome] | HansaError
"""What became of an item: of each of its writes, or why none of it could be stored."""


class TooSlow(Exception):
    """A read took longer than its caller can wait here; no error, the same read goes on in a thread."""


@dataclass(slots=True)
class Item:
    """Some writes of one actor that wait for the writer. A `place` is where its reader stands in the log."""

    writes: Sequence[Write]
    actor: str
    cause: str | None = None
    depth: int = 0
    places: dict[str, bytes] = field(default_factory=dict)
    causes: Sequence[tuple[str | None, int]] | None = None  # (cause, depth) by write, where they differ
    actors: Sequence[str] | None = None  # by write, where they differ
    sight: Sight | None = None  # of whom policy has a say; None: the system itself, apps, devices at their own door
    app: str = ""  # by whose act
    expects: Sequence[tuple[str, Doc | None]] | None = None
    """What whoever made it had read: ids and documents, as he sees them (None: not there). All of such an item happens
    or nothing: when one is otherwise by now, and when one of its writes is refused."""


class Point(NamedTuple):
    """One instant of an attribute's history."""

    at: int  # microseconds: observedAt, or when it was committed
    value: Any
    seq: int
    instance: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """Which instants of history: by which temporal property (4.8), from `since` (included) to `until` (not).

    `by` None takes any instance at the time when it was so; `last` the newest so many of each series.
    """

    by: str | None = None
    since: int | None = None
    until: int | None = None
    last: int | None = None


class Moment(NamedTuple):
    """One instance of an attribute in history; `instance` belongs to whoever reads it, and holds its instanceId."""

    at: int  # by the temporal property that was asked by
    instance: dict[str, Any]
    created: int  # 0 unless asked for, as is `modified`
    modified: int


class Bucket(NamedTuple):
    """Plain numbers of one series within one period: what aggregates are made of."""

    period: int  # so many from the origin on
    many: int
    distinct: int
    low: float
    high: float
    total: float
    squares: float
    spread: float  # the sum of the squared distances from the mean


class Row(NamedTuple):
    """One entity as stored: bytes that can be an answer, and what stands beside them."""

    id: str
    doc: bytes
    stamps: bytes
    label: str | None


Names = tuple[frozenset[str] | None, frozenset[str]]
"""Names that are wanted (None: all), and such that are not."""


class Reader(Protocol):
    """A way to read the state of a realm; every call sees what was committed before it."""

    def row(self, tenant: str, ident: str, sight: Sight) -> Row | None:
        """The stored row of one entity, unless this sight may not see it."""

    def entity(self, tenant: str, ident: str, sight: Sight) -> Entity | None:
        """One entity, masked for this sight."""

    def find(
        self, tenant: str, query: Query, sight: Sight, limit: int, offset: int = 0, *, stamps: bool = False
    ) -> list[Entity]:
        """Entities that match, in index order, masked."""

    def every(self, tenant: str, query: Query, sight: Sight, *, stamps: bool = True) -> Iterator[Entity]:
        """All that match, one after the other, with their stamps (or, which is quicker, without)."""

    def find_docs(self, tenant: str, query: Query, sight: Sight, limit: int, offset: int = 0) -> list[bytes] | None:
        """The same as stored documents, where the index alone decides and nothing is masked; else None."""

    def count(self, tenant: str, query: Query, sight: Sight) -> int:
        """How many match."""

    def history(
        self,
        tenant: str,
        ident: str,
        name: str,
        sight: Sight,
        since: int | None = None,
        until: int | None = None,
        last: int | None = None,
        limit: int = 10_000,
        dataset: str | None = None,
    ) -> list[Point]:
        """Points of one attribute, oldest first; `last` keeps the newest so many."""

    def shown_to(self, sight: Sight) -> Hashable:
        """Equal for sights that are shown the same, as labels and policy stand now."""

    def wholly(self, sight: Sight) -> bool:
        """Whether a sight sees all that is there, so that what is true of everything may be told it."""

    def alike(self, sight: Sight) -> Hashable | None:
        """The same for sights that see the same of all that is there; None for one of which is noted what it sees."""

    def types(self, tenant: str) -> dict[str, int]:
        """Types and how many entities bear each."""

    def attributes(self, tenant: str) -> dict[str, set[str]]:
        """The names of attributes by type."""

    def of_type(self, tenant: str, kind: str) -> tuple[int, dict[str, set[str]]]:
        """How many entities bear a type, and their attributes with the kinds that these are of."""

    def of_attribute(self, tenant: str, name: str) -> tuple[int, set[str], set[str]]:
        """In how many entities an attribute is, the kinds it is of, and the types of these entities."""

    def series(self, tenant: str, ident: str, sight: Sight) -> list[tuple[str, str | None]]:
        """Every attribute and datasetId of which an entity has history, also of those that are gone by now."""

    def moments(
        self,
        tenant: str,
        idents: Sequence[str],
        sight: Sight,
        span: Span,
        names: Names,
        most: int,
        *,
        dated: bool = False,
    ) -> Iterator[tuple[str, dict[tuple[str, str | None], list[Moment]]]]:
        """What history holds of entities, also of such that are gone: instants by series, oldest first.

        Of a series so many instants that more than `most` means that there are more. An entity of which there is
        nothing is left out. `dated`: created and modified are wanted.
        """

    def spoke(self, tenant: str, query: Query, span: Span, names: Names) -> Iterator[str]:
        """Entities, also gone ones, of a query's types and ids of which history holds anything in the span, in order.

        They are candidates: nobody has looked at a sight, nor at the entity itself.
        """

    def buckets(
        self, tenant: str, ident: str, series: tuple[str, str | None], span: Span, origin: int, length: int
    ) -> list[Bucket] | None:
        """A series by periods of `length` from `origin` on (0: all in one); None unless all of it is plain numbers."""

    def gone(self, tenant: str, ident: str, sight: Sight) -> tuple[Entity, int] | None:
        """An entity that was deleted, its id and types, and when; None when it is there or never was."""

    def has_tenant(self, tenant: str, sight: Sight) -> bool:
        """Whether anything that this sight may see was ever said under a tenant; the realm's own is always there."""

    def stamps(self, row: Row) -> Stamps:
        """The stamps of a row."""

    def deadline(self, milliseconds: float) -> AbstractContextManager[None]:
        """Reads within raise TooSlow after so long."""

    def close(self) -> None:
        """Let go of the connection."""


class Store(Protocol):
    """One realm's store."""

    realm: str
    append_only: dict[str, str]
    keeps: dict[str, frozenset[str]]

    def commit(self, items: Sequence[Item], at: int) -> list[Result]:
        """Decide and write all items in one transaction; durable when it returns. In the writer's thread only."""

    def write(self, items: Sequence[Item], at: int) -> list[Result]:
        """The same, but durable only after the next `sync`; readers see it at once. In the writer's thread only."""

    def sync(self) -> None:
        """Make durable what was written; in any one thread. Raises OSError: then nothing is known of the disk."""

    def reader(self, now: Callable[[], int] | None = None) -> Reader:
        """A reader for the calling thread. What has expired by `now` (microseconds; wall time) it does not see."""

    def soonest(self) -> int | None:
        """When the next entity or attribute expires (microseconds); None: none will. In the writer's thread only."""

    def expired(self, at: int, limit: int, among: Collection[tuple[str, str]] = ()) -> list[tuple[str, str]]:
        """Entities of which something has expired by `at`: tenant and id of `limit` of them, and of all `among`."""

    def head(self) -> int:
        """The newest seq."""

    def newest(self) -> int:
        """When the newest Change was committed (microseconds), or 0."""

    def place(self, reader: str) -> bytes | None:
        """Where a reader of the log stands."""

    def since(self, seq: int, limit: int) -> list[Change]:
        """Changes after `seq`, oldest first, each with its entity as of then."""

    def walk(self, seq: int, limit: int, wants: Callable[[str], bool]) -> Iterator[tuple[int, Change | None]]:
        """The same, one by one, with the seq of each; None for a Change of a type that nobody wants."""

    def check(self) -> Iterator[str]:
        """Every fault found: index against documents, checkpoint and log against state. None: it is sound."""

    def rebuild(self) -> Iterator[str]:
        """Make index and state anew from checkpoint and log; what was mended, line by line."""

    def load(self, writes: Iterable[Write], actor: str, at: int) -> Iterator[Outcome]:
        """Bulk import with deferred indexes."""

    def close(self) -> None:
        """Checkpoint and close."""
