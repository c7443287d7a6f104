"""Whether an audit log is what was noted: every edit, deletion, reordering and cut, found offline.

The entries that are there are hashed into a tree of their own, and that is held against every head that was ever
signed: the one of the last entry, those of each minute, and those that witnesses have seen, which nobody in the city
can make anew. Then the index, in which a missing row would hide an entry from a search. `hansa check` runs this.
What cannot be found without a head that somebody else kept: that the whole file was put back as it once was, or that
whoever holds `audit.key` has written a whole new log.
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import apsw

from hansa.errors import BadRequest, HansaError
from hansa.platform.sqlite.trail import Trail
from hansa.trust.audit import Entry, words
from hansa.trust.heads import Head, Note, Verifier
from hansa.trust.merkle import TILE, WIDTH, Frontier, leaf_hash, peaks

_NAMED: Final = 20  # faults of one kind that are named; more say nothing new


def check(
    path: Path, realm: str, logs: Sequence[Verifier], *, key: bytes | None = None,
    witnesses: Sequence[Verifier] = (), outside: Iterable[str] = (),
) -> Iterator[str]:  # fmt: skip
    """Every fault of the audit log at `path`, a line each; nothing when it is sound.

    `logs` are the keys that may have signed its heads, `witnesses` those of witnesses; `outside` are heads of it that
    somebody else kept (a witness, an auditor): what the file has forgotten of them is found.
    """
    if not path.exists():
        yield f"{realm}: the audit log is gone: there is no {path.name}"
        return
    try:
        trail = Trail(path, realm, key)
    except HansaError as fault:
        yield f"{realm}: the audit log cannot be opened: {fault.detail}"
        return
    try:
        yield from _Check(trail, logs, witnesses).run(outside)
    except apsw.Error as fault:
        yield f"{realm}: the audit log is damaged: {fault}"
    finally:
        trail.close()


class _Check:
    """One run over a log."""

    def __init__(self, trail: Trail, logs: Sequence[Verifier], witnesses: Sequence[Verifier]) -> None:
        self.trail = trail
        self.realm = trail.realm
        self.logs = logs
        self.witnesses = witnesses
        self.named: dict[str, int] = {}
        self.last_at = 0
        self.good = 0  # up to here the entries give the heads that were signed
        self.wrong = False

    def run(self, outside: Iterable[str]) -> Iterator[str]:
        """All of it."""
        for (line,) in self.trail.db.execute("PRAGMA integrity_check"):
            if line != "ok":
                yield f"{self.realm}: the audit log's file is damaged: {line}"
        heads: dict[int, bytes] = {}
        for size, note in self.trail.db.execute("SELECT size, note FROM head ORDER BY size"):
            yield from self._head(str(note), size, heads)
        last = self.trail.newest()
        if last is None:
            yield f"{self.realm}: the audit log has no signed head"
        else:
            yield from self._head(last, None, heads)
        for said in outside:
            yield from self._outside(said, heads)
        yield from self._cosigned()
        yield from self._entries(heads, max(heads, default=0))
        yield from self._index()

    def _head(self, said: str, size: int | None, heads: dict[int, bytes]) -> Iterator[str]:
        try:
            note = Note.parse(said)
            head = note.head
        except BadRequest as fault:
            yield f"{self.realm}: a head of the audit log cannot be read: {fault.detail}"
            return
        if not note.signed_by(self.logs):
            yield f"{self.realm}: the head of {head.size} entries is not signed by the audit log's key"
        elif size is not None and size != head.size:
            yield f"{self.realm}: the head of {head.size} entries is filed under {size}"
        elif heads.setdefault(head.size, head.root) != head.root:
            yield f"{self.realm}: two heads of {head.size} entries say different things"

    def _outside(self, said: str, heads: dict[int, bytes]) -> Iterator[str]:
        note = Note.parse(said)
        head: Head = note.head
        if not head.origin.endswith(f"/audit/{self.realm}"):
            return
        if not note.signed_by([*self.logs, *self.witnesses]):
            yield f"{self.realm}: the head of {head.size} entries that was kept elsewhere is signed by another key"
        if heads.setdefault(head.size, head.root) != head.root:
            yield f"{self.realm}: the log was rewritten: elsewhere, its head of {head.size} entries says otherwise"

    def _cosigned(self) -> Iterator[str]:
        known = {one.name: one for one in self.witnesses}
        rows = self.trail.db.execute("SELECT c.size, c.name, c.line, note FROM cosign c LEFT JOIN head USING (size)")
        for size, name, line, note in rows:
            if note is None:
                yield f"{self.realm}: the head of {size} entries, which {name} has witnessed, is gone"
            elif (witness := known.get(name)) is not None:
                try:
                    good = bool(Note.parse(str(note) + str(line)).signed_by([witness]))
                except BadRequest:
                    good = False
                if not good:
                    yield f"{self.realm}: what {name} signed of {size} entries does not fit the head"

    def _entries(self, heads: dict[int, bytes], newest: int) -> Iterator[str]:
        """Hash what is there, and hold it against every head on the way."""
        trail, begin = self.trail, self.trail.begin
        if begin % WIDTH:
            yield f"{self.realm}: the log was cut at {begin}, which is no whole tile"
            return
        try:
            front = Frontier(begin, peaks(trail.read, begin))
        except BadRequest as fault:
            yield f"{self.realm}: what lies before the cut at {begin} cannot be shown: {fault.detail}"
            return
        yield from self._cut(begin, front)
        nodes = {(tile, i): h for tile, i, h in trail.db.execute("SELECT tile, i, CAST(hash AS BLOB) FROM node")}
        stated = {key for key in nodes if (key[1] + 1) << (TILE * key[0]) <= begin}
        self.good = begin
        for n, body in trail.db.execute("SELECT n, CAST(body AS BLOB) FROM entry ORDER BY n"):
            if n != front.size:
                yield f"{self.realm}: entries {front.size} to {n - 1} are gone"
                return
            for tile, i, made in front.append(leaf_hash(body)):
                if nodes.pop((tile, i), None) != made and tile == 1:
                    yield from self._some(f"entries {i * WIDTH} to {i * WIDTH + WIDTH - 1} are not what was noted")
            yield from self._entry(n, body)
            yield from self._root(front, heads.get(front.size))
        if front.size < newest:
            yield f"{self.realm}: the log was cut at its end: {front.size} entries where {newest} were signed"
        elif front.size > newest:
            yield f"{self.realm}: {front.size - newest} entries at the end were never signed"
        for tile, i in sorted(set(nodes) - stated):
            yield from self._some(f"a node {tile}/{i} that no entries give")
        for size in sorted(size for size in heads if size < begin and size % WIDTH == 0):
            if Frontier(size, peaks(trail.read, size)).root() != heads[size]:
                yield f"{self.realm}: what is kept of the first {size} entries is not what was signed"

    def _entry(self, n: int, body: bytes) -> Iterator[str]:
        try:
            entry = Entry.read(body)
        except BadRequest:
            yield from self._some(f"entry {n} cannot be read")
            return
        if entry.at < self.last_at:
            yield from self._some(f"entry {n} is older than the one before it")
        self.last_at = entry.at

    def _root(self, front: Frontier, signed: bytes | None) -> Iterator[str]:
        """Hold what was hashed so far against a head that was signed of it."""
        if signed is None or self.wrong:
            return
        if front.root() == signed:
            self.good = front.size
            return
        self.wrong = True
        yield (
            f"{self.realm}: the first {front.size} entries do not give the head that was signed of them: "
            f"one from {self.good} on was changed, moved or taken away"
        )

    def _cut(self, begin: int, front: Frontier) -> Iterator[str]:
        """A cut at the front must have been stated, in an entry of the log itself."""
        if not begin:
            return
        stated = False
        for _, body in self.trail.search(["kind:audit-cut"], begin, 1 << 60, 1_000, within_s=60.0):
            what = Entry.read(body).what
            stated |= what.get("before") == begin and what.get("root") == front.root().hex()
        if not stated:
            yield f"{self.realm}: entries before {begin} were cut off, and no entry states it"

    def _index(self) -> Iterator[str]:
        """Sums that do not depend on order; only where they differ are rows looked for one by one."""
        db = self.trail.db
        numbers = {text: w for w, text in db.execute("SELECT w, text FROM word")}
        due = have = 0
        salt = secrets.randbits(62)  # nobody can choose rows whose sum comes out the same
        for n, body in db.execute("SELECT n, CAST(body AS BLOB) FROM entry"):
            due += sum(hash((salt, numbers.get(one, -1), n)) for one in _words(body))
        for w, n in db.execute("SELECT w, n FROM found"):
            have += hash((salt, w, n))
        if due == have:
            return
        for n, body in db.execute("SELECT n, CAST(body AS BLOB) FROM entry"):
            for text in _words(body):
                if self.trail.one("SELECT 1 FROM found WHERE w = ? AND n = ?", numbers.get(text, -1), n) is None:
                    yield from self._some(f"entry {n} is missing from the index of {text[:80]}")
        yield f"{self.realm}: the index of the audit log is not that of its entries"

    def _some(self, fault: str) -> Iterator[str]:
        kind = fault.rpartition(" ")[2]
        self.named[kind] = self.named.get(kind, 0) + 1
        if self.named[kind] <= _NAMED:
            yield f"{self.realm}: {fault}"
        elif self.named[kind] == _NAMED + 1:
            yield f"{self.realm}: and so on"


def _words(body: bytes) -> list[str]:
    try:
        return words(Entry.read(body))
    except BadRequest:
        return []
