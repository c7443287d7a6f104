"""What a store of one realm must be able to do; SQLite and PostgreSQL both pass `tests/platform/contract.py`.

A store keeps state, attribute index, geometry index, history and log, and commits them together. It is synchronous.
One thread writes; any thread reads through a `Reader` of its own.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from hansa.errors import HansaError
from hansa.model.change import Change, Nothing, Refused, Write
from hansa.model.entity import Entity, Stamps
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


class Point(NamedTuple):
    """One instant of an attribute's history."""

    at: int  # microseconds: observedAt, or when it was committed
    value: Any
    seq: int
    instance: dict[str, Any]


class Row(NamedTuple):
    """One entity as stored: bytes that can be an answer, and what stands beside them."""

    id: str
    doc: bytes
    stamps: bytes
    label: str | None


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
        *,
        committed: bool = False,
    ) -> list[Point]:
        """Points of one attribute, oldest first; `last` keeps the newest so many.

        With `committed` their time, and what `since` and `until` mean, is when they were committed.
        """

    def types(self, tenant: str) -> dict[str, int]:
        """Types and how many entities bear each."""

    def series(self, tenant: str, ident: str, sight: Sight) -> list[tuple[str, str | None]]:
        """Every attribute and datasetId of which an entity has history, also of those that are gone by now."""

    def has_tenant(self, tenant: str) -> bool:
        """Whether anything was ever said under this tenant; the realm's own (no name) is always there."""

    def stamps(self, row: Row) -> Stamps:
        """The stamps of a row."""

    def deadline(self, milliseconds: float) -> AbstractContextManager[None]:
        """Reads within raise TooSlow after so long."""

    def close(self) -> None:
        """Let go of the connection."""


class Store(Protocol):
    """One realm's store."""

    realm: str

    def commit(self, items: Sequence[Item], at: int) -> list[Result]:
        """Decide and write all items in one transaction; durable when it returns. In the writer's thread only."""

    def reader(self) -> Reader:
        """A reader for the calling thread."""

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
