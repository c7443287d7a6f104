"""The rows of the audit log: how fast entries become durable, how long proofs among a million take, what they weigh."""

import random
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import apsw
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.rows import Bench, Row
from hansa.platform.audit import Audit, public_keys
from hansa.platform.audit_check import check
from hansa.platform.audit_reads import Reads
from hansa.platform.sqlite.trail import Trail, TrailWriter
from hansa.trust import merkle
from hansa.trust.actors import Actor
from hansa.trust.audit import halves
from hansa.trust.heads import Note, Verifier

if TYPE_CHECKING:
    from concurrent.futures import Future

REALM: Final = "open"
KEY: Final = bytes(range(32))  # the city's log is sealed
SIGNER: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_BATCH: Final = 1_000


def audit(bench: Bench) -> Iterator[Row]:
    """Entries like those of reads: an actor of a thousand, a session, a purpose, two entities, one person."""
    yield from _durable(bench)
    yield from _proofs(bench)
    yield _looks(bench)


def _durable(bench: Bench) -> Iterator[Row]:
    path = bench.data() / "audit-open.db"
    log = Audit(TrailWriter(path, REALM, SIGNER, KEY))
    many = 5_000 if bench.quick else 50_000
    waiting: deque[Future[int]] = deque()
    began, busy = time.perf_counter(), time.process_time()
    for n in range(many):
        waiting.append(log.note("read-personal", *_said(n)))
        if len(waiting) >= 5_000:
            waiting.popleft().result()
    while waiting:
        waiting.popleft().result()
    rate, cpu = many / (time.perf_counter() - began), (time.process_time() - busy) / many * 1e6
    alone = []
    for n in range(200 if bench.quick else 1_000):
        at = time.perf_counter()
        log.note("read-personal", *_said(n)).result()
        alone.append((time.perf_counter() - at) * 1e3)
    log.close()
    floor = _floor(bench.data() / "floor.db", many)
    how = f"{many:,} entries through Audit.note, 5,000 waiting at once; sealed, every commit synced and its head signed"
    yield Row(
        row="audit: entries, durable",
        asked="reported",
        measured=f"{rate:,.0f}/s, {cpu:.0f} us of CPU each",
        floor=f"{floor:,.0f}/s",
        ratio=rate / floor,
        ok=None,
        how=f"{how}; the floor inserts the same bodies by SQL alone, 1,000 a transaction",
    )
    yield Row(
        row="audit: one entry, alone",
        asked="reported",
        measured=f"p50 {statistics.median(alone):.2f} ms, p99 {_p(alone, 0.99):.2f} ms until it is durable",
        floor=None,
        ratio=None,
        ok=None,
        how="one after the other, each waited for",
    )


def _floor(path: Path, many: int) -> float:
    db = apsw.Connection(str(path))
    db.pragma("journal_mode", "wal")
    db.pragma("synchronous", "full")
    db.execute("CREATE TABLE entry (n INTEGER PRIMARY KEY, body BLOB NOT NULL)")
    bodies = [(n, _body(n)) for n in range(many)]
    began = time.perf_counter()
    for at in range(0, many, _BATCH):
        with db:
            db.executemany("INSERT INTO entry VALUES (?, ?)", bodies[at : at + _BATCH])
    took = time.perf_counter() - began
    db.close()
    return many / took


def _proofs(bench: Bench) -> Iterator[Row]:
    many = 50_000 if bench.quick else 1_000_000
    path = bench.data() / "audit-open.db"
    writer = TrailWriter(path, REALM, SIGNER, KEY, wall=lambda: 1)
    for at in range(1, many, _BATCH):
        writer.append([_body(n) for n in range(at, min(at + _BATCH, many))])
    writer.keep()
    writer.close()
    trail = Trail(path, REALM, KEY)
    root, rng = Note.parse(trail.head()).head.root, random.Random(4)
    size = path.stat().st_size / many
    body = statistics.mean(len(_body(n)) for n in range(1_000))
    yield Row(
        row=f"audit: size of an entry, of {many:,}",
        asked="reported",
        measured=f"{size:.0f} B on disk, of which the entry itself {body:.0f} B",
        floor=None,
        ratio=None,
        ok=None,
        how="the file divided by its entries: the entry, the tree, the index of six words, heads",
    )
    known = {index: merkle.leaf_hash(trail.entry(index)) for index in rng.sample(range(many), 300)}
    took, sound = [], True
    for index, leaf in known.items():
        at = time.thread_time()
        proof = merkle.inclusion(trail.read, index, many)
        took.append((time.thread_time() - at) * 1e3)
        sound &= merkle.included(leaf, index, many, proof, root)
    older = [rng.randrange(1, many) for _ in range(300)]
    follow = [_timed(lambda first=first: merkle.consistency(trail.read, first, many)) for first in older]
    yield Row(
        row=f"audit: a proof among {many:,} entries",
        asked="reported",
        measured=f"inclusion p50 {statistics.median(took):.2f} ms, p99 {_p(took, 0.99):.2f} ms; "
        f"consistency p50 {statistics.median(follow):.2f} ms, p99 {_p(follow, 0.99):.2f} ms of CPU",
        floor=None,
        ratio=None,
        ok=sound,
        how="300 random entries, each proof verified; 300 random older sizes",
    )
    search = [
        _timed(lambda n=n: trail.search([f"actor:person:p{n}", "kind:read-personal"], 0, many, 50, within_s=10))
        for n in rng.sample(range(1_000), 300)
    ]
    logs = [Verifier.parse(one) for one in public_keys(SIGNER)]
    trail.close()
    began = time.thread_time()
    faults = list(check(path, REALM, logs, key=KEY))
    whole = time.thread_time() - began
    yield Row(
        row=f"audit: search and check of {many:,} entries",
        asked="reported",
        measured=f"newest 50 of an actor and a kind p50 {statistics.median(search):.2f} ms, p99 {_p(search, 0.99):.2f} "
        f"ms; hansa check {whole:.0f} s, {len(faults)} faults; of CPU",
        floor=None,
        ratio=None,
        ok=not faults,
        how="300 searches of actors out of 1,000; the whole check of the log",
    )


def _looks(bench: Bench) -> Row:
    path = bench.data() / "audit-open.db"
    log = Audit(TrailWriter(path, REALM, SIGNER, KEY))
    reads = Reads(log)
    ada, idents = Actor("person:ada", session="s1"), [f"urn:ngsi-ld:Person:p{n:05d}" for n in range(1_000)]

    def looked() -> None:
        for ident in idents:
            reads.saw(ada, ident, "personal;subject=person:bo", "care")

    def settled() -> None:
        if (pending := reads.settle(ada, "GET entities")) is not None:
            pending.result()

    looked()
    at = time.perf_counter()
    settled()
    first = (time.perf_counter() - at) * 1e3
    again = min(_timed(looked) for _ in range(20)) / len(idents) * 1e3
    nothing = min(_timed(settled) for _ in range(1_000)) * 1e3
    log.close()
    return Row(
        row="audit: a read that is noted",
        asked="reported",
        measured=f"a further look at an entity within the minute {again:.2f} us, an answer that waits for nothing "
        f"{nothing:.2f} us; a first look at 1,000 entities {first:.1f} ms until it is durable",
        floor=None,
        ratio=None,
        ok=None,
        how="Reads.saw for 1,000 entities, then settle",
    )


def _said(n: int) -> tuple[str, dict[str, object]]:
    person = f"person:q{n % 5_000}"
    ids = [f"urn:ngsi-ld:Meter:m{n % 20_000:05d}", f"urn:ngsi-ld:Person:p{n % 5_000:05d}"]
    return f"person:p{n % 1_000}", {"asked": "GET entities", "of": {person: ids}, "purpose": "billing"}


def _body(n: int) -> bytes:
    actor, what = _said(n)
    before, after = halves("read-personal", actor, what, session=f"s{n % 1_000}", realm=REALM)
    return b"%b%d%b" % (before, 1_795_369_200_000_000 + n, after)


def _timed(work: Callable[[], object]) -> float:
    """Milliseconds of this thread's CPU: what others do on the machine is not counted."""
    at = time.thread_time()
    work()
    return (time.thread_time() - at) * 1e3


def _p(values: list[float], part: float) -> float:
    return sorted(values)[int(len(values) * part)]
