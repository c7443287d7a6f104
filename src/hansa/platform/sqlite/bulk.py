"""Bulk import: many new entities at once, their rows made apart, the attribute index written last and in its order.

`rows_of` is the store's own way of deciding and writing a batch, on paper: it needs no database, and so can be done by
as many processes as there are cores. `Bulk` numbers the rows and writes them. Rows of the attribute index would each
touch a page of their own; they wait in files beside the store and are written sorted. A file that was left in between
is known by its mark, and indexed anew when it is opened.
"""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import apsw

from hansa.errors import HansaError
from hansa.model.change import Refused, Write
from hansa.platform.sqlite.batch import Batch, Kept, Key, StateRow
from hansa.platform.sqlite.schema import CACHE_KIB, CHECKPOINT_PAGES
from hansa.platform.sqlite.store import SqliteStore
from hansa.platform.store import Item

PILED: Final = 5_000_000  # rows of the attribute index that wait: some 150 MB, and then they are written
_CHECKPOINT_PAGES: Final = 50_000  # 200 MB: a checkpoint for every few thousand entities would write pages many times
_CACHE_KIB: Final = 524_288
_ATTR: Final = "INSERT INTO attr VALUES (?, ?, ?, ?, ?, ?)"
_NUMBERED: Final = {  # statements of `Batch.write` -> the same, where entities, Changes and places count from 1
    "INSERT INTO entity VALUES (?, ?, ?, ?, ?, ?, ?, ?)": (
        "INSERT INTO entity VALUES (?+{e}, ?, ?, ?, ?, ?, ?+{seq}, ?)"
    ),
    "INSERT INTO type VALUES (?, ?)": "INSERT INTO type VALUES (?, ?+{e})",
    "INSERT INTO place VALUES (?, ?, ?, ?)": "INSERT INTO place VALUES (?+{g}, ?+{e}, ?, ?)",
    "INSERT INTO geo VALUES (?, ?, ?, ?, ?)": "INSERT INTO geo VALUES (?+{g}, ?, ?, ?, ?)",
    "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?)": (
        "INSERT INTO history VALUES (?+{e}, ?, ?, ?, ?+{seq}, ?, ?, ?)"
    ),
    "INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)": "INSERT INTO log VALUES (?+{seq}, ?+{e}, ?, ?, ?, ?)",
    "INSERT OR IGNORE INTO kind VALUES (?, ?, ?)": "INSERT OR IGNORE INTO kind VALUES (?, ?, ?)",
    "INSERT OR REPLACE INTO several VALUES (?, ?, ?)": (
        "INSERT INTO several VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET wide = max(wide, excluded.wide)"
    ),
}


class Rows(NamedTuple):
    """New entities as rows by statement. Plain values throughout, so that a process can hand them to another."""

    ids: list[str]  # of all that was said, also twice
    entities: int
    places: int
    changes: int
    by_sql: list[tuple[str, list[tuple[Any, ...]]]]
    refused: list[tuple[int, str, str | None]]  # which writes, why, and where


def rows_of(writes: Sequence[Write], actor: str, at: int, words: Mapping[str, int]) -> Rows | None:
    """The rows of writes to entities that are not there yet, all of the tenant without a name.

    None when they hold a word that has no number yet, or say two things of one entity: that is for the store itself.
    """
    paper = _Paper(words)
    batch = Batch(paper, at)
    batch.kept.update({(write.tenant, write.id): Kept(-1, None, None, fresh=True) for write in writes})
    outcomes = batch.take(Item(writes, actor))
    refused = [(i, one.error.detail, one.error.where) for i, one in enumerate(outcomes) if isinstance(one, Refused)]
    batch.write()
    if paper.lacking or paper.seq != paper.e or not all(sql in _NUMBERED or sql == _ATTR for sql, _ in paper.written):
        return None
    return Rows([write.id for write in writes], paper.e, paper.g, paper.seq, paper.written, refused)


class _Paper:
    """What a batch needs of a store and of its names, without a database."""

    def __init__(self, words: Mapping[str, int]) -> None:
        self.names = self
        self.db = self
        self.realm = ""
        self.several: dict[tuple[int, int], int] = {}
        self.kinds: set[tuple[int, int, int]] = set()
        self.states: dict[Key, StateRow] = {}
        self.keeps: dict[str, frozenset[str]] = {}
        self.append_only: dict[str, str] = {}  # what a file brings was not entered here, nor is it in the audit log
        self.written: list[tuple[str, list[tuple[Any, ...]]]] = []
        self.lacking = False
        self.seq = self.e = self.g = 0
        self._words = words

    def next_seq(self) -> int:
        self.seq += 1
        return self.seq

    def next_e(self) -> int:
        self.e += 1
        return self.e

    def next_g(self) -> int:
        self.g += 1
        return self.g

    def head(self) -> int:
        return self.seq

    def intern(self, text: str) -> int:
        n = self._words.get(text)
        if n is None:
            self.lacking = True
            return 0
        return n

    def number(self, text: str) -> int | None:
        return self._words.get(text)

    def flush(self) -> None:
        """There are no new words: with one the whole paper is thrown away."""

    def executemany(self, sql: str, rows: list[tuple[Any, ...]]) -> None:
        self.written.append((sql, rows))

    def execute(self, sql: str, _given: Any = ()) -> Any:
        """Only of entities that are there is anything asked."""
        raise HansaError(f"a bulk import has no database to ask: {sql[:60]}")


class Bulk:
    """Writes rows of new entities into a store that nobody else writes to; the index at the end of `with`."""

    def __init__(self, store: SqliteStore) -> None:
        """Begin with `store`, a file."""
        self._store = store
        self._db = store.db
        self._piles: dict[tuple[int, int], str] = {}
        self._piled = 0

    def __enter__(self) -> Self:
        """Make ready: piles go to files, and the WAL may grow."""
        self._db.pragma("cache_size", -_CACHE_KIB)  # ids and places go to random pages: these should stay in memory
        if self._store.key is None:  # what is set aside in files is not sealed
            self._db.pragma("temp_store", "file")
        self._db.pragma("wal_autocheckpoint", _CHECKPOINT_PAGES)
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, _: TracebackType | None) -> None:
        """Index what waits, also after an error: what was taken stays taken."""
        self.settle()
        self._db.pragma("cache_size", -CACHE_KIB)
        self._db.pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        self._db.pragma("temp_store", "memory")

    def words(self, known: int = 0) -> dict[str, int]:
        """All words and their numbers but the first `known`."""
        return self._store.names.words(known)

    def add(self, rows: Rows) -> bool:
        """Write them in a transaction; False when one of the entities is there already, and nothing was written."""
        db, store = self._db, self._store
        if rows.ids and list(db.execute(_THERE, (apsw.carray(tuple(rows.ids)),))):
            return False
        base = store.take_numbers(rows.entities, rows.changes, rows.places)
        with db:
            for sql, values in rows.by_sql:
                if sql == _ATTR:
                    self._pile(values, base["e"])
                else:
                    db.executemany(_NUMBERED[sql].format(**base), values)
        store.sync()
        for sql, values in rows.by_sql:
            if "several" in sql:
                for t, n, wide in values:
                    store.several[t, n] = max(wide, store.several.get((t, n), 0))
            elif "INTO kind" in sql:
                store.kinds.update(values)
        if self._piled > PILED:
            self.settle()
        return True

    def _pile(self, rows: list[tuple[Any, ...]], e: int) -> None:
        """Put rows of the attribute index on the piles of their type and name."""
        if not self._piled:
            self._db.execute("INSERT OR IGNORE INTO meta VALUES ('unindexed', 1)")
        sorted_: dict[tuple[int, int], list[tuple[Any, ...]]] = {}
        for row in rows:
            key = row[:2]
            if key in sorted_:
                sorted_[key].append(row[2:])
            else:
                sorted_[key] = [row[2:]]
        for key, some in sorted_.items():
            table = self._piles.get(key)
            if table is None:
                table = self._piles[key] = f"temp.pile{len(self._piles)}"
                self._db.execute(f"CREATE TABLE {table} (v, e, d, label)")
            self._db.executemany(f"INSERT INTO {table} VALUES (?, ?+{e}, ?, ?)", some)  # noqa: S608  # our own names
        self._piled += len(rows)

    def settle(self) -> None:
        """Write the rows of the attribute index that wait, in its order."""
        db = self._db
        if not self._piled:
            return
        for (t, n), table in sorted(self._piles.items()):
            with db:
                db.execute(f"INSERT INTO attr SELECT {t}, {n}, v, e, d, label FROM {table} ORDER BY v, e, d")  # noqa: S608
                db.execute(f"DROP TABLE {table}")
        with db:
            db.execute("DELETE FROM meta WHERE key = 'unindexed'")
        self._store.sync()
        self._store.expiring = self._store.soonest()
        self._piles.clear()
        self._piled = 0


_THERE: Final = "SELECT 1 FROM carray(?1) AS said CROSS JOIN entity ON tenant = 0 AND id = said.value LIMIT 1"
