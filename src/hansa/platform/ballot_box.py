"""The ballot box: who was given a ballot, and beside it, with nothing between the two, the ballots that were cast.

A file of its own (`ballots.db`, sealed), for the log of Changes would tell when each ballot came. What a ballot leaves
here is itself: no time, no address, no order. Order hides in the layout of a file: rows lie as they were inserted, also
inside a page of a table without row ids, and a WAL is a list of what came when. So each ballot is written over one of
many empty slots of one size, chosen at random, in place; when they become few, all are shuffled into twice as many; and
the journal is a rollback journal, which holds what was before and is gone with the commit. A ballot is on the disk
before its voter hears so. The private key of a vote ends with it: nobody makes up ballots after the close.
What is left for whoever has the machine while it runs, ADR 0017 says. For any thread.
Report: 3.2.1. Tests: `tests/platform/test_ballot_box.py`.
"""

import secrets
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import apsw
import orjson

from hansa.errors import Busy, Conflict, Full, HansaError, NotFound
from hansa.platform.sqlite import sealed
from hansa.trust.ballots import Cast, Seal, Vote, counted, published
from hansa.trust.blind import BITS, PublicKey, Signer, Verifies, coded
from hansa.trust.counting import Result

FILE: Final = "ballots.db"
SLOT: Final = 512
"""Bytes of a slot: signature, serial, prefix, and what is chosen as numbers of two bytes."""
SLOTS: Final = 1_024
"""Of a new vote."""
MOST: Final = 2_000_000
"""Ballots of one vote: 1 GB of slots at the most."""
PART: Final = 1_000_000
"""Bytes of a published file in one row."""
VOTES: Final = 100
"""Votes that are open at once."""
LONG: Final = 20_000
"""Choices of all ballots together: fewer are counted before another process had begun."""
_FREE: Final = 0.25  # of the slots: fewer, and where a ballot lies would tell that it came late
_TABLES: Final = (
    (
        "CREATE TABLE vote (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, said BLOB NOT NULL, public BLOB NOT NULL, "
        "private BLOB, seal BLOB, state TEXT NOT NULL, given INTEGER NOT NULL)"
    ),
    "CREATE TABLE given (vote INTEGER, who TEXT, asked BLOB NOT NULL, PRIMARY KEY (vote, who)) WITHOUT ROWID",
    "CREATE TABLE slot (n INTEGER PRIMARY KEY, vote INTEGER NOT NULL, body BLOB NOT NULL)",
    "CREATE INDEX slot_vote ON slot (vote)",
    "CREATE TABLE published (vote INTEGER, n INTEGER, part BLOB NOT NULL, PRIMARY KEY (vote, n)) WITHOUT ROWID",
)


class AlreadyGiven(Conflict):
    """This person was given a ballot of this vote, elsewhere or before."""


class Over(Conflict):
    """The vote is over, or has not begun."""


@dataclass(slots=True)
class _Open:
    """A vote that is open, as the memory holds it."""

    n: int
    vote: Vote
    signer: Signer
    verifies: Verifies
    seal: Seal
    given: int
    free: list[int]
    cast: dict[bytes, bytes]  # serial to leaf: no order that anybody could read off the disk
    slots: int
    names: list[str]
    fingerprint: str


class BallotBox:
    """All votes of a city."""

    def __init__(self, path: Path, key: bytes | None, *, bits: int = BITS) -> None:
        """Open the file, or begin it; `bits` of a new vote's key."""
        self._path = path
        self._bits = bits
        self._lock = threading.Lock()
        if not path.exists():
            path.touch(mode=0o600)
        self._db = sealed.connect(path, key, flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI)
        self._db.pragma("journal_mode", "delete")
        self._db.pragma("synchronous", "extra")
        self._db.pragma("secure_delete", True)
        if self._db.pragma("user_version") == 0:
            with self._db:
                for statement in _TABLES:
                    self._db.execute(statement)
                self._db.pragma("user_version", 1)
        self._open: dict[str, _Open] = {}
        for n, said, private, seal, given in list(
            self._db.execute("SELECT n, said, private, seal, given FROM vote WHERE state = 'open'")
        ):
            self._load(n, Vote.read(orjson.loads(said)), Signer.read(private), Seal(seal), given)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction, durable at its end; Full when the disk takes nothing: then nothing has happened."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException as fault:
            if self._db.in_transaction:  # of a full disk SQLite has taken it back itself
                self._db.execute("ROLLBACK")
            if isinstance(fault, apsw.FullError | apsw.IOError):
                mend = "make room; what was not acknowledged is asked for again"
                raise Full("the ballot box could not be written", mend=mend) from fault
            raise

    # A vote begins

    def begin(self, vote: Vote) -> tuple[PublicKey, str]:
        """Make the keys of a vote: the public one, and the seal's, as text. Again, it answers the same.

        Conflict when it was begun as another, or is over; Busy when too many are open.
        """
        with self._lock:
            if (there := self._open.get(vote.id)) is not None:
                if there.vote.bytes != vote.bytes:
                    raise Conflict("this vote was opened as another", mend="what is asked is not changed any more")
                return there.signer.public, _text(there.seal)
            if list(self._db.execute("SELECT 1 FROM vote WHERE id = ?", (vote.id,))):
                raise Over("this vote is over", where=vote.id)
            if len(self._open) >= VOTES:
                raise Busy(f"{VOTES} votes are open", mend="wait until one is over")
            signer, seal = Signer.fresh(self._bits), Seal()
            with self._writing():
                self._db.execute(
                    _BEGIN,
                    (vote.id, vote.bytes, orjson.dumps(signer.public.jwk), signer.der, seal.private),
                )
                n = self._db.last_insert_rowid()
                self._make(n, SLOTS)
            self._load(n, vote, signer, seal, 0)
            return signer.public, _text(seal)

    def _load(self, n: int, vote: Vote, signer: Signer, seal: Seal, given: int) -> None:
        free, cast, slots = [], {}, 0
        names = sorted(vote.options)
        for at, body in self._db.execute("SELECT n, body FROM slot WHERE vote = ?", (n,)):
            slots += 1
            one = _unpacked(body, names)
            if one is None:
                free.append(at)
            else:
                cast[one.serial] = one.leaf(vote.id)
        key = signer.public
        mark = vote.fingerprint(key, seal.public)
        self._open[vote.id] = _Open(n, vote, signer, key.verifier(), seal, given, free, cast, slots, names, mark)

    def _make(self, n: int, many: int) -> None:
        self._db.executemany("INSERT INTO slot (vote, body) VALUES (?, zeroblob(?))", ((n, SLOT) for _ in range(many)))

    def opened(self, ident: str) -> Vote | None:
        """The vote, while it is open."""
        found = self._open.get(ident)
        return None if found is None else found.vote

    def keys(self, ident: str) -> tuple[PublicKey, str]:
        """The keys of an open vote; Over."""
        one = self._at(ident)
        return one.signer.public, _text(one.seal)

    def fingerprint(self, ident: str) -> str:
        """What was announced of an open vote: of its question, key and seal together; Over."""
        return self._at(ident).fingerprint

    def _at(self, ident: str) -> _Open:
        found = self._open.get(ident)
        if found is None:
            raise Over("this vote is not open", where=ident[:200])
        return found

    # Who was given a ballot

    def was_given(self, ident: str, who: str) -> bool:
        """Whether this person has one of this vote."""
        with self._lock:
            return self._asked(self._at(ident), who) is not None

    def gave(self, ident: str, who: str, blinded: bytes) -> bool:
        """Whether he was given a ballot for just this; AlreadyGiven when it was for something else."""
        with self._lock:
            asked = self._asked(self._at(ident), who)
        if asked is not None and asked != sha256(blinded).digest():
            raise AlreadyGiven(
                "a ballot was given to you already, on another device or in another window",
                where="blinded",
                mend="cast that one; nobody is given two",
            )
        return asked is not None

    def give(self, ident: str, who: str, blinded: bytes) -> bytes:
        """Sign a blinded message for somebody who may vote: once; asked again with the same, the same again.

        Durable before it is signed. AlreadyGiven, Over, and BadRequest for what is no blinded message.
        """
        known = self.gave(ident, who, blinded)
        one = self._at(ident)
        signed = one.signer.sign(blinded)  # before the lock: it takes longest, and is told only when it is written
        if known:
            return signed
        with self._lock:
            one = self._at(ident)
            if self._asked(one, who) is None:
                with self._writing():
                    self._db.execute("INSERT INTO given VALUES (?, ?, ?)", (one.n, who, sha256(blinded).digest()))
                    self._db.execute("UPDATE vote SET given = given + 1 WHERE n = ?", (one.n,))
                one.given += 1
                return signed
        self.gave(ident, who, blinded)
        return signed

    def _asked(self, one: _Open, who: str) -> bytes | None:
        rows = list(self._db.execute("SELECT asked FROM given WHERE vote = ? AND who = ?", (one.n, who)))
        return bytes(rows[0][0]) if rows else None

    def given(self, ident: str) -> int:
        """How many were given a ballot of a vote; NotFound."""
        with self._lock:
            rows = list(self._db.execute("SELECT given FROM vote WHERE id = ?", (ident,)))
        if not rows:
            raise NotFound("there is no such vote", where=ident[:200])
        return int(rows[0][0])

    # What is cast

    def cast(self, ident: str, ballot: Cast) -> str:
        """Keep a ballot, durably; the seal's receipt. The same again gets the same receipt, and counts once.

        Conflict when it is none that the city signed for this vote, or another with its serial is here; Full; Over.
        """
        one = self._at(ident)
        if not one.verifies.holds(ballot.signed(ident), ballot.signature):
            raise Conflict("this ballot is not signed for this vote", where="signature", mend="ask for one: sign")
        leaf = ballot.leaf(ident)
        body = _packed(ballot, one.names)
        with self._lock:
            one = self._at(ident)
            there = one.cast.get(ballot.serial)
            if there is None:
                self._keep(one, body)
                one.cast[ballot.serial] = leaf
            elif there != leaf:
                raise Conflict("another ballot with this serial is in the box", where="serial")
        return one.seal.receipt(ident, leaf)

    def _keep(self, one: _Open, body: bytes) -> None:
        if len(one.free) <= one.slots * _FREE:
            self._grow(one)
        pick = secrets.randbelow(len(one.free))
        with self._writing():
            self._fill(one.free[pick], body)
        one.free[pick] = one.free[-1]
        one.free.pop()

    def _fill(self, at: int, body: bytes) -> None:
        """Write over a slot, in place."""
        with self._db.blob_open("main", "slot", "body", at, True) as slot:
            slot.write(body)

    def _grow(self, one: _Open) -> None:
        """Twice the slots, and every ballot in a new place."""
        if one.slots >= MOST:
            raise Full(f"more than {MOST:,} ballots of one vote")
        with self._writing():
            bodies = [bytes(body) for (body,) in self._db.execute(_TAKEN, (one.n, bytes(SLOT)))]
            self._make(one.n, one.slots)
            free = [at for (at,) in self._db.execute("SELECT n FROM slot WHERE vote = ?", (one.n,))]
            self._db.execute("UPDATE slot SET body = zeroblob(?) WHERE vote = ?", (SLOT, one.n))
            secrets.SystemRandom().shuffle(free)
            for body in bodies:
                self._fill(free.pop(), body)
        one.free, one.slots = free, one.slots * 2

    def cast_so_far(self, ident: str) -> int:
        """How many ballots are in the box of an open vote."""
        return len(self._at(ident).cast)

    # It is over

    def end(self, ident: str) -> None:
        """Count, publish, and let go of whatever could sign or link: all in one transaction. Again, it does nothing.

        NotFound where there was no such vote; Full.
        """
        with self._lock:
            row = self._ended(ident)
            if row is None:
                return
            n, said, public, seal, given = row
            self._open.pop(ident, None)
            bodies = [bytes(body) for (body,) in self._db.execute(_TAKEN, (n, bytes(SLOT)))]
        # Counting takes long, and others cast in other votes meanwhile; in this one nobody does any more.
        vote = Vote.read(orjson.loads(said))
        names = sorted(vote.options)
        ballots = [one for one in (_unpacked(body, names) for body in bodies) if one is not None]
        lines = published(vote, PublicKey.read(orjson.loads(public)), Seal(seal), given, ballots, _elsewhere)
        body = b"".join(line + b"\n" for line in lines)
        with self._lock:
            if self._ended(ident) is None:
                return
            with self._writing():
                for at in range(0, len(body), PART):
                    self._db.execute("INSERT INTO published VALUES (?, ?, ?)", (n, at // PART, body[at : at + PART]))
                self._db.execute(_ENDED, (n,))
                self._db.execute("DELETE FROM given WHERE vote = ?", (n,))
                self._db.execute("DELETE FROM slot WHERE vote = ?", (n,))

    def _ended(self, ident: str) -> tuple[int, bytes, bytes, bytes, int] | None:
        """What a vote that is to be counted is; None: it is counted. NotFound."""
        rows = list(self._db.execute("SELECT n, said, public, seal, given, state FROM vote WHERE id = ?", (ident,)))
        if not rows:
            raise NotFound("there is no such vote", where=ident[:200])
        n, said, public, seal, given, state = rows[0]
        return None if state == "counted" else (n, said, public, seal, given)

    def published(self, ident: str) -> bytes | None:
        """The published file of a vote that was counted; None where nothing is published."""
        with self._lock:
            parts = list(self._db.execute(_PARTS, (ident,)))
        return b"".join(part for (part,) in parts) or None


_BEGIN: Final = "INSERT INTO vote (id, said, public, private, seal, state, given) VALUES (?, ?, ?, ?, ?, 'open', 0)"
_ENDED: Final = "UPDATE vote SET state = 'counted', private = NULL, seal = NULL WHERE n = ?"
_PARTS: Final = "SELECT part FROM published WHERE vote = (SELECT n FROM vote WHERE id = ?) ORDER BY n"
_TAKEN: Final = "SELECT body FROM slot WHERE vote = ? AND body != ?"


def _elsewhere(vote: Vote, choices: Sequence[tuple[str, ...]]) -> Result:
    """The result; where that takes long, by a process of its own: a thread would take its time from all others."""
    if vote.rule != "equal-shares" or sum(map(len, choices)) < LONG:
        return counted(vote, choices)
    try:
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            return pool.submit(counted, vote, choices).result()
    except (BrokenProcessPool, OSError):  # no memory, no process to be had: slower here, and the same
        return counted(vote, choices)


def _text(seal: Seal) -> str:
    return coded(seal.public)


def _packed(ballot: Cast, names: list[str]) -> bytes:
    """A ballot in a slot: lengths, serial, prefix, signature, and the numbers of what is chosen."""
    number = {name: n for n, name in enumerate(names)}
    chosen = b"".join(number[one].to_bytes(2) for one in ballot.choice)
    body = (
        bytes((1, len(ballot.choice)))
        + len(ballot.signature).to_bytes(2)
        + ballot.serial
        + ballot.prefix
        + ballot.signature
        + chosen
    )
    if len(body) > SLOT:
        raise HansaError("a ballot is larger than its slot")
    return body.ljust(SLOT, b"\0")


def _unpacked(body: bytes, names: list[str]) -> Cast | None:
    """The ballot in a slot; None: it is empty."""
    if not body[0]:
        return None
    many, size = body[1], int.from_bytes(body[2:4])
    signature = bytes(body[68 : 68 + size])
    rest = body[68 + size :]
    choice = tuple(names[int.from_bytes(rest[2 * n : 2 * n + 2])] for n in range(many))
    return Cast(bytes(body[4:36]), bytes(body[36:68]), choice, signature)
