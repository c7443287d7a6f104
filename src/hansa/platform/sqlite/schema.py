"""Tables of a realm's file, and how a connection to it is set up."""

from pathlib import Path
from typing import Final

import apsw
import orjson

from hansa.errors import HansaError
from hansa.model.transient import expires
from hansa.platform.sqlite import sealed
from hansa.platform.sqlite.rows import EXPIRES

VERSION: Final = 4
"""Schema version; a file of a version that `_UP` cannot bring here is refused, never guessed at."""

PAGE: Final = 4_096
CHECKPOINT_PAGES: Final = 4_000  # 16 MB of WAL: what a checkpoint stalls the writer for grows with it
CACHE_KIB: Final = 32_768
_READ_CACHE_KIB: Final = 8_192

TABLES: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
-- Words are said once: attribute names, units, datasets, actors, labels. Types are interned as 'tenant type'.
CREATE TABLE name (n INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
-- doc NULL: the entity was deleted; its number stays, so that its history and log go on naming it. seq is its newest
-- Change, from where `log.prev` leads back through all others: a thread costs no index, and no random page a Change.
CREATE TABLE entity (
    e INTEGER PRIMARY KEY, tenant INTEGER NOT NULL, id TEXT NOT NULL,
    doc BLOB, stamps BLOB, label INTEGER NOT NULL, seq INTEGER NOT NULL, expires INTEGER);
CREATE UNIQUE INDEX entity_id ON entity (tenant, id);
-- When the entity, or the first of its attributes, is to go (microseconds); NULL: never.
CREATE INDEX entity_expires ON entity (expires) WHERE expires IS NOT NULL;
CREATE TABLE type (t INTEGER NOT NULL, e INTEGER NOT NULL, PRIMARY KEY (t, e)) WITHOUT ROWID;
-- The rows of `model.narrow.index_value` for each attribute instance; x'' where there is nothing to compare.
CREATE TABLE attr (
    t INTEGER NOT NULL, n INTEGER NOT NULL, v NOT NULL, e INTEGER NOT NULL, d INTEGER NOT NULL, label INTEGER NOT NULL,
    PRIMARY KEY (t, n, v, e, d)) WITHOUT ROWID;
-- Attributes of which some entity has several rows (wide: too many to write down); it only grows. Queries on all others
-- need look for no duplicates.
CREATE TABLE several (t INTEGER NOT NULL, n INTEGER NOT NULL, wide INTEGER NOT NULL, PRIMARY KEY (t, n)) WITHOUT ROWID;
-- Which kinds of attribute (k: Property, Relationship, ...) were ever said of a type's attribute; it only grows. Where
-- that is one, no document need be asked what kind the attribute is of.
CREATE TABLE kind (t INTEGER NOT NULL, n INTEGER NOT NULL, k INTEGER NOT NULL, PRIMARY KEY (t, n, k)) WITHOUT ROWID;
CREATE TABLE place (g INTEGER PRIMARY KEY, e INTEGER NOT NULL, n INTEGER NOT NULL, d INTEGER NOT NULL);
CREATE UNIQUE INDEX place_of ON place (e, n, d);
CREATE VIRTUAL TABLE geo USING rtree (g, west, east, south, north);
-- The types of entities that are gone while their history is not (5.7.4 finds them by these).
CREATE TABLE was (t INTEGER NOT NULL, e INTEGER NOT NULL, PRIMARY KEY (t, e)) WITHOUT ROWID;
CREATE INDEX was_e ON was (e);
-- x NULL: a plain Property; x'' the same without an observedAt of its own; else the whole instance, behind the key of
-- the first one in its place where it took another's.
CREATE TABLE history (
    e INTEGER NOT NULL, n INTEGER NOT NULL, d INTEGER NOT NULL, at INTEGER NOT NULL, seq INTEGER NOT NULL,
    v, u INTEGER, x BLOB, PRIMARY KEY (e, n, d, at, seq)) WITHOUT ROWID;
-- t is the entity's type, 0 where it has several: who wants other types need not read the entity.
CREATE TABLE log (
    seq INTEGER PRIMARY KEY, e INTEGER NOT NULL, at INTEGER NOT NULL, prev INTEGER NOT NULL, body BLOB NOT NULL,
    t INTEGER NOT NULL DEFAULT 0);
-- Where each reader of the log stands, committed with what it wrote.
CREATE TABLE reader (name TEXT PRIMARY KEY, place BLOB NOT NULL) WITHOUT ROWID;
-- State as of checkpoint_seq in meta, for what lies before the log's beginning. Empty while the log is whole.
CREATE TABLE checkpoint (e INTEGER PRIMARY KEY, doc BLOB, stamps BLOB, label INTEGER NOT NULL);
"""


def connect(
    path: Path | str, key: bytes | None = None, *, write: bool = False, vfs: str | None = None
) -> apsw.Connection:
    """A connection set up for the city, to a file that is sealed with `key`. Writers create the file and its tables.

    Raises HansaError when the file is of another schema version, and what `sealed.connect` raises.
    """
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI | (apsw.SQLITE_OPEN_CREATE if write else 0)
    db = sealed.connect(path, key, flags=flags, vfs=vfs)
    if write:
        db.pragma("page_size", PAGE)
        db.pragma("journal_mode", "wal")
        # The store itself brings the WAL to the disk, after the commit and before anybody is told of it; a checkpoint
        # syncs what it moves.
        db.pragma("synchronous", "normal")
        db.pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        db.pragma("journal_size_limit", PAGE * CHECKPOINT_PAGES)
        db.pragma("cache_size", -CACHE_KIB)
        _prepare(db)
        db.execute("INSERT OR IGNORE INTO meta VALUES ('veil', randomblob(16))")
    else:
        db.pragma("query_only", True)
        db.pragma("cache_size", -_READ_CACHE_KIB)
    db.pragma("temp_store", "memory")
    return db


_UP: Final = {
    1: (
        "ALTER TABLE entity ADD COLUMN expires INTEGER",
        "CREATE INDEX entity_expires ON entity (expires) WHERE expires IS NOT NULL",
        "ALTER TABLE log ADD COLUMN t INTEGER NOT NULL DEFAULT 0",
    ),
    2: (
        "CREATE TABLE IF NOT EXISTS was (t INTEGER NOT NULL, e INTEGER NOT NULL, PRIMARY KEY (t, e)) WITHOUT ROWID",
        "CREATE INDEX IF NOT EXISTS was_e ON was (e)",
        # The rows of VocabProperties are others now, and `was` is empty: the store makes its indexes anew.
        "INSERT OR IGNORE INTO meta VALUES ('unindexed', 1)",
    ),
    3: (
        (
            "CREATE TABLE IF NOT EXISTS kind (t INTEGER NOT NULL, n INTEGER NOT NULL, k INTEGER NOT NULL, "
            "PRIMARY KEY (t, n, k)) WITHOUT ROWID"
        ),
        "INSERT OR IGNORE INTO meta VALUES ('unindexed', 1)",  # `kind` is empty
    ),
}
"""What brings a file of a version to the next."""


def _prepare(db: apsw.Connection) -> None:
    version = db.pragma("user_version")
    if version == 0:
        with db:
            for statement in TABLES.split(";\n"):
                if statement.strip():
                    db.execute(statement)
            db.execute("INSERT INTO name VALUES (0, '')")
            db.execute("INSERT INTO meta VALUES ('checkpoint_seq', 0)")
            db.pragma("user_version", VERSION)
    elif version in _UP:
        with db:
            for step in range(version, VERSION):
                for statement in _UP[step]:
                    db.execute(statement)
            for e, doc in list(db.execute("SELECT e, doc FROM entity WHERE instr(doc, ?)", (EXPIRES,))):
                db.execute("UPDATE entity SET expires = ? WHERE e = ?", (expires(orjson.loads(doc)), e))
            db.pragma("user_version", VERSION)
    elif version != VERSION:
        raise HansaError(
            f"this file has schema version {version}, this hansa reads {VERSION}",
            mend="open it with the hansa that wrote it, export, and import here",
        )
