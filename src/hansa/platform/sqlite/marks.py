"""Marks in the log of a realm: a file of its own, `rewind-<realm>.db`, from which any instant is near.

The log says what changed; from its beginning to some instant of a day there may be millions of Changes. So the state is
kept as of every so many of them (a *mark*), in chunks of neighbouring entities: a chunk in which nothing changed is not
written again. Beside it stands what would need the whole log to find: what people did and alarms said (`event`), how
many Changes of which type and label each minute had (`tally`), where labels changed (`relabel`), and what was taken
back of history (`edit`), which rewind must not show either.

All of it is made of the log (`marking`), is only ever a shorter way to what the log says, and can be thrown away: it is
made again. `hansa check` holds it against the log. It is not part of a backup. A file of a sealed realm is sealed too.
"""

import hashlib
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import apsw
import msgspec

from hansa.errors import HansaError
from hansa.platform.sqlite import sealed

VERSION: Final = 1
WIDTH: Final = 256
"""Entities of one chunk, by their numbers."""

_TABLES: Final = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
    # The log up to `seq` is in it; `reach` is the newest time until then, `tie` stands for the log's record at seq.
    (
        "CREATE TABLE mark (seq INTEGER PRIMARY KEY, reach INTEGER NOT NULL, tie BLOB NOT NULL, "
        "entities INTEGER NOT NULL, bytes INTEGER NOT NULL)"
    ),
    "CREATE INDEX mark_reach ON mark (reach, seq)",
    # The state of a range of entities after `seq`, until the next chunk of the same range; of which types they are.
    (
        "CREATE TABLE chunk (k INTEGER PRIMARY KEY, r INTEGER NOT NULL, seq INTEGER NOT NULL, sum BLOB NOT NULL, "
        "types TEXT NOT NULL, body BLOB)"
    ),
    "CREATE UNIQUE INDEX chunk_of ON chunk (r, seq)",
    # why: bits of `Why`.
    (
        "CREATE TABLE event (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, e INTEGER NOT NULL, t INTEGER NOT NULL, "
        "why INTEGER NOT NULL)"
    ),
    "CREATE INDEX event_at ON event (at)",
    # Changes of a minute, as far as they came before the mark `seq` and after the one before. label: the entity's then;
    # own: that of the attribute, where nothing changed but what has one of its own; else ''.
    (
        "CREATE TABLE tally (minute INTEGER NOT NULL, t INTEGER NOT NULL, label TEXT NOT NULL, own TEXT NOT NULL, "
        "seq INTEGER NOT NULL, many INTEGER NOT NULL, PRIMARY KEY (minute, t, label, own, seq)) WITHOUT ROWID"
    ),
    "CREATE TABLE relabel (seq INTEGER PRIMARY KEY, e INTEGER NOT NULL, body BLOB NOT NULL)",
    "CREATE INDEX relabel_of ON relabel (e, seq)",
    (
        "CREATE TABLE edit (seq INTEGER NOT NULL, e INTEGER NOT NULL, n INTEGER NOT NULL, d INTEGER NOT NULL, "
        "body BLOB, PRIMARY KEY (e, n, d, seq)) WITHOUT ROWID"
    ),
)
_FILLED: Final = ("mark", "chunk", "event", "relabel", "edit", "tally")
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode


class Broken(HansaError):
    """A chunk is not what was written; what stands after `seq` is to be made anew."""

    def __init__(self, detail: str, seq: int) -> None:
        """What was found, of the mark `seq`."""
        super().__init__(detail)
        self.seq = seq


class Mark(NamedTuple):
    """The state as of a place in the log."""

    seq: int
    reach: int  # microseconds: no Change up to here is of a later time
    tie: bytes
    entities: int
    bytes: int


BEGIN: Final = Mark(0, 0, b"", 0, 0)
"""Before the first Change there was nothing."""

Kept = tuple[int, int, list[int], str | None, dict[str, str], bytes]
"""One entity of a chunk: its number, its tenant's, those of its types, label, labels of attributes, document."""


def tie(at: int, body: bytes) -> bytes:
    """What stands for a record of the log."""
    return hashlib.blake2b(b"%d " % at + body, digest_size=16).digest()


def _sum(r: int, seq: int, types: str, body: bytes) -> bytes:
    return hashlib.blake2b(f"{r} {seq}{types}".encode() + body, digest_size=16).digest()


def remove(path: Path) -> None:
    """Take the file away, and what SQLite has beside it: all of it can be made again."""
    for end in ("", "-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)


def _types(kept: list[Kept]) -> str:
    return f" {' '.join(str(t) for t in sorted({t for one in kept for t in one[2]}))} "


class Marks:
    """The marks of one realm, through a connection of one's own. One process writes them (`marking`)."""

    def __init__(self, path: Path | str, key: bytes | None = None, *, write: bool = False) -> None:
        """Open them, with `key` where they are sealed; `write` begins a file where there is none.

        A file that cannot be read, or is of another version, is taken away by whoever writes: it can be made again.
        """
        self.path = Path(path)
        try:
            self.db = self._open(key, write=write)
        except HansaError:
            if not write:
                raise
            remove(self.path)
            self.db = self._open(key, write=write)

    def _open(self, key: bytes | None, *, write: bool) -> apsw.Connection:
        if write and not self.path.exists():
            self.path.touch(mode=0o600)
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI
        try:
            db = sealed.connect(self.path, key, flags=flags)
        except apsw.CantOpenError:
            raise HansaError(f"there is no {self.path.name} yet") from None
        try:
            version = db.pragma("user_version")
            if version == 0 and write:
                db.pragma("journal_mode", "wal")
                with db:
                    for statement in _TABLES:
                        db.execute(statement)
                    db.pragma("user_version", VERSION)
            elif version != VERSION:
                raise HansaError(f"{self.path.name} is of another version")  # noqa: TRY301  # it is closed below
            db.pragma("synchronous", "normal")
            db.pragma("temp_store", "memory")
            db.pragma("query_only", not write)
        except (apsw.Error, HansaError) as fault:
            db.close()
            raise fault if isinstance(fault, HansaError) else HansaError(f"{self.path.name}: {fault}") from None
        return db

    def close(self) -> None:
        """Let go of the file."""
        self.db.close()

    # Where marks are

    def newest(self) -> Mark:
        """The last mark, or `BEGIN`."""
        return self._mark("ORDER BY seq DESC LIMIT 1")

    def at(self, when: int) -> Mark:
        """The last mark before which nothing happened later than `when` (microseconds)."""
        return self._mark("WHERE reach <= ? ORDER BY reach DESC, seq DESC LIMIT 1", when)

    def before(self, seq: int) -> Mark:
        """The last mark that is not beyond `seq`."""
        return self._mark("WHERE seq <= ? ORDER BY seq DESC LIMIT 1", seq)

    def all(self) -> Iterator[Mark]:
        """Every mark, oldest first."""
        for row in list(self.db.execute("SELECT seq, reach, tie, entities, bytes FROM mark ORDER BY seq")):
            yield Mark(*row)

    def _mark(self, which: str, *given: int) -> Mark:
        rows = list(self.db.execute(f"SELECT seq, reach, tie, entities, bytes FROM mark {which}", given))  # noqa: S608
        return Mark(*rows[0]) if rows else BEGIN

    # Chunks

    def ranges(self) -> list[int]:
        """The ranges that have ever had a chunk."""
        highest = next(iter(self.db.execute("SELECT max(r) FROM chunk")))[0]
        return [] if highest is None else list(range(highest + 1))

    def chunk(self, r: int, seq: int, kinds: Collection[int] | None = None) -> list[Kept] | None:
        """The entities of a range after the mark `seq`; None: it had none yet. Broken when that was changed.

        With `kinds`, nothing where none is of one of these types.
        """
        rows = list(self.db.execute(_CHUNK, (r, seq)))
        if not rows:
            return None
        k, made, said, types = rows[0]
        if kinds is not None and not any(f" {t} " in types for t in kinds):
            return []
        ((body,),) = list(self.db.execute("SELECT body FROM chunk WHERE k = ?", (k,)))
        if type(body) is not bytes or said != _sum(r, made, types, body):
            raise Broken(f"{self.path.name}: the state of range {r} after Change {made} was changed or damaged", made)
        found: list[Kept] = _unpack(zlib.decompress(body))  # its sum holds, so it is what we wrote
        if types != _types(found):
            raise Broken(f"{self.path.name}: the types of range {r} after Change {made} were changed", made)
        return found

    def put_chunk(self, r: int, seq: int, kept: list[Kept]) -> int:
        """Write a range as it is after `seq`, in the writer's transaction; how many bytes."""
        body = zlib.compress(_pack(kept), 1)
        types = _types(kept)
        row = r, seq, _sum(r, seq, types, body), types, body
        self.db.execute("INSERT OR REPLACE INTO chunk (r, seq, sum, types, body) VALUES (?, ?, ?, ?, ?)", row)
        return len(body)

    def forget_from(self, seq: int) -> None:
        """Take away every mark from `seq` on, and what was noted after the last one that stays."""
        with self.db:
            self.db.execute("DELETE FROM mark WHERE seq >= ?", (seq,))
            stays = self.newest().seq
            for table in ("chunk", "event", "relabel", "edit", "tally"):
                self.db.execute(f"DELETE FROM {table} WHERE seq > ?", (stays,))  # noqa: S608  # our own names

    def clear(self) -> None:
        """Begin anew."""
        with self.db:
            for table in (*_FILLED, "meta"):
                self.db.execute(f"DELETE FROM {table}")  # noqa: S608  # our own names


MINUTE: Final = 60_000_000
_CHUNK: Final = "SELECT k, seq, sum, types FROM chunk WHERE r = ? AND seq <= ? ORDER BY seq DESC LIMIT 1"
