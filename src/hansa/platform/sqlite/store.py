"""One realm in one file: the writer's side, and the way to all others.

Everything of a transaction is decided in memory first (`batch`), so a refusal drops only its own write; then SQL runs
once a table. If the SQL fails, nothing was written and the items are tried one by one, so that one bad item cannot take
its neighbours with it.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import apsw

from hansa.errors import BadRequest, Full, HansaError
from hansa.model.change import Change, Refused, Write
from hansa.platform.sqlite.batch import REMEMBERED, Batch, Key, StateRow
from hansa.platform.sqlite.check import check, rebuild
from hansa.platform.sqlite.checkpoint import Checkpointer
from hansa.platform.sqlite.log import LogReader
from hansa.platform.sqlite.names import Names
from hansa.platform.sqlite.reader import SqliteReader
from hansa.platform.sqlite.schema import connect
from hansa.platform.store import Item, Outcome, Result


class SqliteStore:
    """One realm in one file. The methods that write belong to the writer's thread; see `platform.store.Store`."""

    def __init__(
        self,
        path: Path | str,
        realm: str = "open",
        *,
        key: bytes | None = None,
        vfs: str | None = None,
        sync: Callable[[str], None] | None = None,
        steady: bool = False,
    ) -> None:
        """Open or create `path`; `:memory:` lives and dies with this object and is read through it alone.

        `key`: the file is sealed with it (`sealed`); BadRequest when it is not, or with another.
        `sync` brings a file of the VFS `vfs` to its disk. `steady`: a city runs on it, and no checkpoint must stop it.
        """
        self.realm = realm
        self.path = str(path)
        self.key = key
        self._vfs = vfs
        self._sync = sync
        self._wal: int | None = None  # the file stays the same while this connection is open
        self.db = connect(path, key, write=True, vfs=vfs)
        self.names = Names(self.db)
        self._seq = (
            self._one("SELECT max(seq) FROM log")
            or self._one("SELECT value FROM meta WHERE key = 'checkpoint_seq'")
            or 0
        )
        self._e = self._one("SELECT max(e) FROM entity") or 0
        self._g = self._one("SELECT max(g) FROM place") or 0
        self.several: dict[tuple[int, int], int] = {}
        self.keeps: dict[str, frozenset[str]] = {}  # what of a type acts and apps alone write; no names: all of it
        self.append_only: dict[str, str] = {}  # types of which an app alone makes entities, that then stay; and the app
        self.kinds: set[tuple[int, int, int]] = set()
        self._log: LogReader | None = None
        if self._one("SELECT 1 FROM meta WHERE key = 'unindexed'"):  # a bulk import was cut off before it had its index
            list(rebuild(self.db, self.names, realm))
        self._recall()
        self._checkpointer = Checkpointer(self.connect, self.db) if steady else None
        self.expiring = self.soonest()  # before that nothing expires; perhaps later
        # What was written last: this object is the only writer, so a device that speaks again need not be read again.
        self.states: dict[Key, StateRow] = {}
        self.spoke: tuple[set[Key], set[Key]] = (set(), set())  # who spoke lately, and who did before them

    # Writing

    def commit(self, items: Sequence[Item], at: int) -> list[Result]:
        """Decide and write all items in one transaction; durable when it returns."""
        results = self.write(items, at)
        try:
            self.sync()
        except OSError as fault:
            return [Full(f"the disk failed: {fault}", mend="look after the disk, then start the city again")] * len(
                items
            )
        return results

    def sync(self) -> None:
        """Make durable what was written; in any one thread, also while the writer goes on."""
        if self._sync is not None:
            self._sync(self.path + "-wal")
        elif self.path != ":memory:":
            if self._wal is None:
                self._wal = os.open(self.path + "-wal", os.O_RDONLY)
            os.fdatasync(self._wal)

    def write(self, items: Sequence[Item], at: int) -> list[Result]:
        """Decide and write all items in one transaction; durable after the next `sync`."""
        try:
            return list(self._transaction(items, at))
        except apsw.FullError:
            full = Full("the disk is full; nothing of this was kept", mend="make room; hansa goes on by itself")
            return [full] * len(items)
        except (apsw.Error, HansaError, ValueError, TypeError, KeyError, OverflowError) as fault:
            if len(items) == 1:
                return [_as_error(fault)]
        return [self.write([item], at)[0] for item in items]

    def _transaction(self, items: Sequence[Item], at: int) -> list[list[Outcome]]:
        batch = Batch(self, at)
        seq, e, g = self._seq, self._e, self._g
        db = self.db
        db.execute("BEGIN IMMEDIATE")
        try:
            batch.fetch(items)
            outcomes = [batch.take(item) for item in items]
            batch.write()
            # Readers of this process look here: before anybody can see what the transaction wrote.
            self.several.update(batch.several)
            if batch.soonest is not None and (self.expiring is None or batch.soonest < self.expiring):
                self.expiring = batch.soonest
            db.execute("COMMIT")
        except BaseException:
            if not db.get_autocommit():
                db.execute("ROLLBACK")
            self._seq, self._e, self._g = seq, e, g
            self.names.settled(committed=False)
            self.states.clear()
            self._recall()
            raise
        self.names.settled(committed=True)
        if self._checkpointer is not None:
            self._checkpointer.tidy()
        if self.expiring is not None and self.expiring <= at:
            self.expiring = self.soonest()
        self.kinds |= batch.kinds
        batch.remember(self.states, self._lately(batch.kept))
        return outcomes

    def _lately(self, keys: Iterable[Key]) -> set[Key]:
        """Those of `keys` that spoke a short while ago too: the states of all others are not worth keeping."""
        now, before = self.spoke
        again = {key for key in keys if key in now or key in before}
        now.update(keys)
        if len(now) > REMEMBERED:
            self.spoke = set(), now
        return again

    def load(self, writes: Iterable[Write], actor: str, at: int) -> Iterator[Outcome]:
        """Bulk import in transactions of 5,000; what each write came to, in order."""
        pile: list[Write] = []
        for write in writes:
            pile.append(write)
            if len(pile) >= 5_000:
                yield from self._load(pile, actor, at)
                pile = []
        if pile:
            yield from self._load(pile, actor, at)

    def _load(self, pile: list[Write], actor: str, at: int) -> list[Outcome]:
        result = self.commit([Item(pile, actor)], at)[0]
        if isinstance(result, HansaError):
            if len(pile) == 1 or isinstance(result, Full):
                return [Refused(write, result) for write in pile]
            half = len(pile) // 2
            return self._load(pile[:half], actor, at) + self._load(pile[half:], actor, at)
        return result

    # Reading

    def connect(self) -> apsw.Connection:
        """One more connection to the file, for reading."""
        return connect(self.path, self.key, vfs=self._vfs)

    def reader(self, now: Callable[[], int] | None = None) -> SqliteReader:
        """A reader with a connection of its own (of a `:memory:` store: this object's)."""
        db = self.db if self.path == ":memory:" else self.connect()
        return SqliteReader(db, self.realm, now, self)

    def head(self) -> int:
        """The newest seq."""
        return self._seq

    def newest(self) -> int:
        """When the newest Change was committed (microseconds), or 0."""
        return self._one("SELECT at FROM log ORDER BY seq DESC LIMIT 1") or 0

    def soonest(self) -> int | None:
        """When the next entity or attribute expires (microseconds); None: none will."""
        found: int | None = self._one("SELECT min(expires) FROM entity WHERE expires IS NOT NULL")
        return found

    def expired(self, at: int, limit: int, among: Collection[tuple[str, str]] = ()) -> list[tuple[str, str]]:
        """Entities of which something has expired by `at`, longest ago first: tenant and id."""
        rows = list(self.db.execute(_EXPIRED, (at, limit)))
        if len(rows) == limit:
            for tenant, ident in among:
                rows += self.db.execute(_EXPIRED_ONE, (self.names.number(tenant), ident, at))
        return list(dict.fromkeys((self.names.text(tenant), ident) for tenant, ident in rows))

    def place(self, reader: str) -> bytes | None:
        """Where a reader of the log stands."""
        found = self._one("SELECT place FROM reader WHERE name = ?", reader)
        return None if found is None else bytes(found)

    def since(self, seq: int, limit: int) -> list[Change]:
        """Changes after `seq`, oldest first, each with its entity as of then."""
        return self._reads().since(seq, limit)

    def walk(self, seq: int, limit: int, wants: Callable[[str], bool]) -> Iterator[tuple[int, Change | None]]:
        """The same, one by one; see `LogReader.walk`."""
        return self._reads().walk(seq, limit, wants)

    def _reads(self) -> LogReader:
        if self._log is None:
            db = self.db if self.path == ":memory:" else self.connect()
            self._log = LogReader(db, self.realm)
        return self._log

    def check(self) -> Iterator[str]:
        """Every fault found; see `check`."""
        return check(self.db, self.names, self.realm)

    def rebuild(self) -> Iterator[str]:
        """State and index anew from checkpoint and log."""
        self.states.clear()
        yield from rebuild(self.db, self.names, self.realm)
        self._recall()

    def close(self) -> None:
        """Let go of the file; the last connection moves the WAL into it."""
        if self._log is not None:
            self._log.close()
        if self._checkpointer is not None:
            self._checkpointer.stop()
        if self._wal is not None:
            os.close(self._wal)
            self._wal = None
        self.db.close()

    # What a batch needs

    def _recall(self) -> None:
        """Keep in memory what is written down of attributes, so that it is written once."""
        self.several = {(t, n): wide for t, n, wide in self.db.execute("SELECT t, n, wide FROM several")}
        self.kinds = set(self.db.execute("SELECT t, n, k FROM kind"))

    def _one(self, sql: str, *given: Any) -> Any:
        row = next(iter(self.db.execute(sql, given)), None)
        return None if row is None else row[0]

    def take_numbers(self, entities: int, changes: int, places: int) -> dict[str, int]:
        """Set numbers aside for rows that count from 1; what to add to each: of an entity, a Change, a place."""
        base = {"e": self._e, "seq": self._seq, "g": self._g}
        self._e, self._seq, self._g = self._e + entities, self._seq + changes, self._g + places
        return base

    def next_seq(self) -> int:
        """The place of one more Change."""
        self._seq += 1
        return self._seq

    def next_e(self) -> int:
        """The number of one more entity."""
        self._e += 1
        return self._e

    def next_g(self) -> int:
        """The number of one more geometry."""
        self._g += 1
        return self._g


_EXPIRED: Final = "SELECT tenant, id FROM entity WHERE expires <= ? ORDER BY expires LIMIT ?"
_EXPIRED_ONE: Final = "SELECT tenant, id FROM entity WHERE tenant = ? AND id = ? AND expires <= ?"


def _as_error(fault: Exception) -> HansaError:
    if isinstance(fault, HansaError):
        return fault
    if isinstance(fault, apsw.IOError | apsw.ReadOnlyError | apsw.CantOpenError):
        return Full(f"the disk does not take it: {fault}", mend="look after the disk; hansa goes on by itself")
    if isinstance(fault, apsw.Error):
        return HansaError(f"the store failed: {fault}")
    return BadRequest(f"this cannot be stored: {fault}")
