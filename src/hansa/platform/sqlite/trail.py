"""The audit log of a realm in a file of its own, `audit-<realm>.db`: entries, the nodes of their tree, heads, an index.

Entries are never changed; leaves' hashes are made of them when they are needed, so no second copy can say otherwise.
Every transaction signs the head of what it leaves behind: the file always ends with a signed head, also after a crash.
Of these heads one a minute is kept, with what witnesses signed. The index only helps to find; `audit_check` holds it
against the entries. Where the log was cut at its front, entries below `begin` are gone, and the nodes over them stay.
"""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import apsw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hansa.errors import AlreadyExists, BadRequest, Full, HansaError, NotFound
from hansa.platform.sqlite.sealed import connect
from hansa.trust.audit import Entry, halves, words
from hansa.trust.heads import Head, Note, Signer
from hansa.trust.merkle import TILE, WIDTH, Frontier, leaf_hash, peaks, root

VERSION: Final = 1
_TABLES: Final = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
    "CREATE TABLE entry (n INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    # Nodes of the tree at every eighth level: tile 1 is over 256 entries each, tile 2 over 65,536.
    "CREATE TABLE node (tile INTEGER, i INTEGER, hash BLOB NOT NULL, PRIMARY KEY (tile, i)) WITHOUT ROWID",
    "CREATE TABLE word (w INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)",
    "CREATE TABLE found (w INTEGER, n INTEGER, PRIMARY KEY (w, n)) WITHOUT ROWID",
    "CREATE TABLE head (size INTEGER PRIMARY KEY, at INTEGER NOT NULL, note TEXT NOT NULL)",
    "CREATE TABLE cosign (size INTEGER, name TEXT, line TEXT NOT NULL, PRIMARY KEY (size, name)) WITHOUT ROWID",
    # Of logs that this city witnesses: the newest head that it signed.
    "CREATE TABLE seen (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, note TEXT NOT NULL) WITHOUT ROWID",
)
_KNOWN_WORDS: Final = 20_000
_RARE: Final = 5_000  # rows of the index that are counted to find the rarest word
_STEPS: Final = 10_000  # of SQLite's machine between two looks at the clock

Found = tuple[int, bytes]


class Trail:
    """One realm's audit log as it can be read. A connection of its own; one thread at a time."""

    def __init__(self, path: Path | str, realm: str, key: bytes | None = None, *, vfs: str | None = None) -> None:
        """Open it; `key` unseals it. BadRequest when it is not there."""
        self.realm = realm
        self.path = Path(path)
        if not self.path.exists():
            raise BadRequest(f"there is no {self.path.name}", mend="it begins when the city first starts")
        self.db = connect(path, key, flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI, vfs=vfs)
        if self.db.pragma("user_version") not in {0, VERSION}:
            self.db.close()
            raise HansaError(f"{self.path.name} is of another version than this hansa reads")

    def close(self) -> None:
        """Let go of the file."""
        self.db.close()

    @property
    def size(self) -> int:
        """How many entries were ever noted."""
        return int(self.one("SELECT coalesce(max(n) + 1, 0) FROM entry") or self.begin)

    @property
    def begin(self) -> int:
        """The first entry that is still there: 0, or where the log was cut."""
        return int(self.one("SELECT value FROM meta WHERE key = 'begin'") or 0)

    def one(self, sql: str, *given: Any) -> Any:
        """A single value, or None."""
        # To its end: a cursor that waits for somebody to go on holds what was there when it began.
        rows = list(self.db.execute(sql, given))
        return rows[0][0] if rows else None

    def entry(self, n: int) -> bytes:
        """The bytes of an entry; NotFound."""
        # Bytes whatever somebody made of their type: only what is hashed counts.
        found: bytes | None = self.one("SELECT CAST(body AS BLOB) FROM entry WHERE n = ?", n)
        if found is None:
            gone = 0 <= n < self.begin
            raise NotFound(f"entry {n} {'was cut off by a signed statement' if gone else 'is not there'}", where="n")
        return found

    def read(self, tile: int, first: int, end: int) -> Sequence[bytes]:
        """Hashes, as proofs ask for them (`merkle.Read`); NotFound where they are gone."""
        if tile:
            sql = "SELECT CAST(hash AS BLOB) FROM node WHERE tile = ? AND i >= ? AND i < ? ORDER BY i"
            rows = self.db.execute(sql, (tile, first, end))
            found: list[bytes] = [one for (one,) in rows]
        else:
            rows = self.db.execute("SELECT CAST(body AS BLOB) FROM entry WHERE n>=? AND n<? ORDER BY n", (first, end))
            found = [leaf_hash(one) for (one,) in rows]
        if len(found) != end - first:
            raise NotFound(f"the log was cut: entries {first << (TILE * tile)} and on are no longer there", where="n")
        return found

    def newest(self) -> str | None:
        """The head of all there is, as it was signed with the last entry."""
        found = self.one("SELECT value FROM meta WHERE key = 'head'")
        return None if found is None else str(found)

    def head(self, size: int | None = None) -> str:
        """A kept head (the newest, or that of `size`) with what witnesses signed; NotFound."""
        where = "" if size is None else "WHERE size = ?"
        given = () if size is None else (size,)
        rows = list(self.db.execute(f"SELECT size, note FROM head {where} ORDER BY size DESC LIMIT 1", given))  # noqa: S608
        if not rows:
            raise NotFound("no such head was kept", where="size", mend="GET /audit/heads lists them")
        return str(rows[0][1]) + "".join(self.cosigned(rows[0][0]))

    def cosigned(self, size: int) -> list[str]:
        """Signature lines of witnesses under a kept head."""
        return [line for (line,) in self.db.execute("SELECT line FROM cosign WHERE size = ? ORDER BY name", (size,))]

    def heads(self, before: int | None, limit: int) -> list[dict[str, Any]]:
        """Kept heads below a size, newest first: their size, time, note and witnesses."""
        sql = "SELECT size, at, note FROM head WHERE size < ? ORDER BY size DESC LIMIT ?"
        rows = list(self.db.execute(sql, (1 << 62 if before is None else before, limit)))
        return [{"size": s, "at": at, "note": note + "".join(self.cosigned(s))} for s, at, note in rows]

    def after(self, at: int) -> int:
        """The first entry that is not older than `at` (microseconds): entries are in the order of their times."""
        low, high = self.begin, self.size
        while low < high:
            middle = (low + high) // 2
            if Entry.read(self.entry(middle)).at < at:
                low = middle + 1
            else:
                high = middle
        return low

    def search(self, asked: Iterable[str], first: int, before: int, limit: int, *, within_s: float) -> list[Found]:
        """Entries with all the words `asked`, from `first` to before `before`, newest first.

        BadRequest when it takes longer than `within_s`.
        """
        ranked = []
        for text in set(asked):
            w = self.one("SELECT w FROM word WHERE text = ?", text)
            if w is None:
                return []
            few = self.one("SELECT count(*) FROM (SELECT 1 FROM found WHERE w = ? LIMIT ?)", w, _RARE)
            ranked.append((few, w))
        ranked.sort()
        ends = time.monotonic() + within_s
        self.db.set_progress_handler(lambda: time.monotonic() > ends, _STEPS)
        try:
            return list(self.db.execute(*_select([w for _, w in ranked], first, before, limit)))
        except apsw.InterruptError:
            raise BadRequest(
                "this search takes too long", mend="narrow it: an actor, an entity, a shorter time"
            ) from None
        finally:
            self.db.set_progress_handler(None)


def _select(asked: list[int], first: int, before: int, limit: int) -> tuple[str, tuple[int, ...]]:
    if not asked:
        return "SELECT n, body FROM entry WHERE n >= ? AND n < ? ORDER BY n DESC LIMIT ?", (first, before, limit)
    # The rarest word leads; CROSS JOIN keeps SQLite from choosing another order.
    joins = "".join(f" CROSS JOIN found f{i} ON f{i}.w = ? AND f{i}.n = f0.n" for i in range(1, len(asked)))
    sql = (
        f"SELECT entry.n, entry.body FROM found f0{joins} CROSS JOIN entry ON entry.n = f0.n "  # noqa: S608  # our words
        "WHERE f0.w = ? AND f0.n >= ? AND f0.n < ? ORDER BY f0.n DESC LIMIT ?"
    )
    return sql, (*asked[1:], asked[0], first, before, limit)


class TrailWriter(Trail):
    """The one writer of a realm's audit log."""

    def __init__(
        self,
        path: Path | str,
        realm: str,
        signer: Ed25519PrivateKey,
        key: bytes | None = None,
        *,
        vfs: str | None = None,
        wall: Callable[[], int] = lambda: time.time_ns() // 1_000,
        again: bool = False,
    ) -> None:
        """Open it, or begin it with an entry that says so. HansaError when it is not what its last head says.

        `again`: there was one before, so that a new one says that the old one is gone.
        """
        self.signer = Signer(origin(signer, realm), signer)
        self.wall = wall
        new = not Path(path).exists() or not Path(path).stat().st_size
        if new:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        super().__init__(path, realm, key, vfs=vfs)
        db = self.db
        db.pragma("journal_mode", "wal")
        db.pragma("synchronous", "full")  # what was answered for is on the disk
        db.pragma("wal_autocheckpoint", 2_000)
        self._words: dict[str, int] = {}
        self.front = Frontier()
        self.last_at = 0
        if db.pragma("user_version") == 0:
            with db:
                for statement in _TABLES:
                    db.execute(statement)
                db.pragma("user_version", VERSION)
        self._w = int(self.one("SELECT coalesce(max(w), 0) FROM word"))
        if self.newest() is None and not self.size:
            what = {"origin": self.signer.public.name} | ({"again": "the log that was here is gone"} if again else {})
            before, after = halves("audit-begun", "hansa", what, session="", realm=realm)
            self.append([b"%b%d%b" % (before, wall(), after)])
            self.keep()
        else:
            self._resume()

    def _resume(self) -> None:
        size = self.size
        try:
            note = Note.parse(self.newest() or "")
            self.front = Frontier(size, peaks(self.read, size))
            sound = bool(note.signed_by([self.signer.public])) and (note.head.size, note.head.root) == (
                size,
                self.front.root(),
            )
        except BadRequest:
            sound = False
        if not sound:
            raise HansaError(
                f"{self.path.name} is not what its last signed head says: it was changed, cut, or has another key",
                where=self.path.name,
                mend="keep it as evidence (hansa check names the faults); move it aside, and a new log begins",
            )
        with suppress(NotFound):
            self.last_at = Entry.read(self.entry(size - 1)).at

    def append(self, bodies: Sequence[bytes]) -> int:
        """Note entries in one transaction; the number of the first. Durable when it returns. Full, HansaError."""
        db, front, first = self.db, self.front.copy(), self.front.size
        nodes: list[tuple[int, int, bytes]] = []
        fresh: dict[str, int] = {}
        rows: list[tuple[int, int]] = []
        for n, body in enumerate(bodies, first):
            nodes += front.append(leaf_hash(body))
            rows += [(self._number(word, fresh), n) for word in words(Entry.read(body))]
        note = self.signer.sign(self._head(front))
        try:
            with db:
                db.executemany("INSERT INTO entry VALUES (?, ?)", list(enumerate(bodies, first)))
                db.executemany("INSERT INTO node VALUES (?, ?, ?)", nodes)
                db.executemany("INSERT INTO word VALUES (?, ?)", [(w, text) for text, w in fresh.items()])
                db.executemany("INSERT INTO found VALUES (?, ?)", rows)
                db.execute(
                    "INSERT INTO meta VALUES ('head', ?) ON CONFLICT DO UPDATE SET value = excluded.value", (note,)
                )
        except (apsw.FullError, apsw.IOError, apsw.ReadOnlyError, apsw.CantOpenError) as fault:
            raise Full(f"the audit log cannot be written: {fault}", mend="make room; hansa goes on by itself") from None
        except apsw.Error as fault:
            raise HansaError(f"the audit log failed: {fault}") from None
        self.front = front
        self._w += len(fresh)
        if len(self._words) > _KNOWN_WORDS:
            self._words.clear()
        self._words.update(fresh)
        return first

    def _head(self, front: Frontier) -> Head:
        return Head(self.signer.public.name, front.size, front.root(), (f"time {self.wall() // 1_000_000}",))

    def _number(self, text: str, fresh: dict[str, int]) -> int:
        w = self._words.get(text) or fresh.get(text)
        if w is None:
            w = self.one("SELECT w FROM word WHERE text = ?", text)
            if w is None:
                w = fresh[text] = self._w + len(fresh) + 1
            else:
                self._words[text] = w
        return w

    def probe(self) -> None:
        """Write something that says nothing; Full while the disk takes nothing."""
        try:
            self.db.execute("INSERT INTO meta VALUES ('probe', 0) ON CONFLICT DO UPDATE SET value = value + 1")
        except apsw.Error as fault:
            raise Full(f"the audit log cannot be written: {fault}") from None

    def keep(self) -> bool:
        """Keep a head of this minute, if anything was noted since the last; whether one was kept."""
        if self.one("SELECT max(size) FROM head") == self.front.size:
            return False
        try:
            note = self.signer.sign(self._head(self.front))
            self.db.execute("INSERT INTO head VALUES (?, ?, ?)", (self.front.size, self.wall(), note))
        except apsw.Error as fault:
            raise Full(f"the head cannot be kept: {fault}") from None
        return True

    def witnessed(self, size: int, name: str, line: str) -> None:
        """Keep what a witness signed under a kept head."""
        self.db.execute(
            "INSERT INTO cosign VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET line = excluded.line", (size, name, line)
        )

    def seen(self, head_: Head, note: str, old: int) -> None:
        """Remember the newest head of another's log; AlreadyExists when somebody was quicker."""
        with self.db:
            if self.last_seen(head_.origin)[0] != old:
                raise AlreadyExists("another head of this log was signed in the meantime")
            self.db.execute(
                "INSERT INTO seen VALUES (?, ?, ?) "
                "ON CONFLICT DO UPDATE SET size = excluded.size, note = excluded.note",
                (head_.origin, head_.size, note),
            )

    def last_seen(self, name: str) -> tuple[int, str]:
        """Size and note of the newest head of another's log that was signed here; 0 and '' when none was."""
        rows = list(self.db.execute("SELECT size, note FROM seen WHERE origin = ?", (name,)))
        return rows[0] if rows else (0, "")

    def cut(self, before: int) -> int:
        """Let entries below `before` (brought down to a whole tile) go, after it was stated; how many went."""
        begin, end = self.begin, before // WIDTH * WIDTH
        if end <= begin:
            return 0
        with self.db:
            self.db.execute("DELETE FROM entry WHERE n < ?", (end,))
            self.db.execute("DELETE FROM found WHERE n < ?", (end,))
            self.db.execute(
                "INSERT INTO meta VALUES ('begin', ?) ON CONFLICT DO UPDATE SET value = excluded.value", (end,)
            )
        return end - begin

    def witnessed_to(self) -> int:
        """Up to where every witness that ever signed has seen the log: a proof from there must stay possible."""
        seen = self.one("SELECT min(size) FROM (SELECT max(size) AS size FROM cosign GROUP BY name)")
        return self.size if seen is None else int(seen)

    def root_at(self, size: int) -> bytes:
        """The root of the first `size` entries."""
        return root(self.read, size)


def origin(key: Ed25519PrivateKey, realm: str) -> str:
    """What a city's audit log of a realm is called: by its key, so that no two share a name."""
    return f"hansa-{sha256(key.public_key().public_bytes_raw()).hexdigest()[:8]}/audit/{realm}"
