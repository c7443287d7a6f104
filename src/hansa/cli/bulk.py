"""NGSI-LD files into a city that sleeps, over all cores: what is read and made into rows, and what is written.

Other processes read the entities and make their rows (`platform.sqlite.bulk`), this one numbers and writes them. What
is not new to the city, or says a word that it never heard, goes the way of every other write.
"""

import gc
import marshal
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from multiprocessing import get_context
from typing import Final

from hansa.cli.pieces import Read, entity_write
from hansa.errors import BadRequest, HansaError
from hansa.limits import Limits
from hansa.model.change import Refused, Write
from hansa.platform.sqlite import SqliteStore
from hansa.platform.sqlite.bulk import Bulk, Rows, rows_of

Fault = Callable[[int, HansaError], None]

ACTOR: Final = "import"
_COLLECT: Final = (200_000, 50, 1_000)
CHUNK: Final = 2_000  # entities handed over at once: some 2 MB
AHEAD: Final = 2  # chunks that wait for each process

_words: dict[str, int] = {}  # in a process that makes rows: what the city calls its words


@dataclass(frozen=True, slots=True)
class How:
    """How entities are read: under which label, within which caps, and as of when (microseconds)."""

    label: str | None
    limits: Limits
    at: int

    def read(self, chunk: list[Read]) -> tuple[list[int], list[Write], list[tuple[int, HansaError]]]:
        """The lines that can be used and their Writes, and what is wrong with the others."""
        lines: list[int] = []
        writes: list[Write] = []
        faults: list[tuple[int, HansaError]] = []
        for _, line, body in chunk:
            said = entity_write(body, self.label, self.limits) if isinstance(body, bytes) else body
            if isinstance(said, HansaError):
                faults.append((line, said))
            else:
                writes += said
                lines.append(line)
        return lines, writes, faults

    def made(self, chunk: list[Read], words: dict[str, int]) -> bytes:
        """In another process: the rows of a chunk (or None), the lines that they are of, the faults of the others."""
        _words.update(words)
        lines, writes, faults = self.read(chunk)
        rows = rows_of(writes, ACTOR, self.at, _words)
        told = [(line, fault.detail, fault.where) for line, fault in faults]
        return marshal.dumps(
            (None if rows is None else tuple(rows), lines, told)
        )  # plain values: twice as quick as pickle


def _begun(words: dict[str, int]) -> None:
    """In another process, before its first chunk."""
    _words.update(words)
    gc.freeze()
    gc.set_threshold(*_COLLECT)  # rows have no cycles: looking for some would take longer than making them


def load(store: SqliteStore, pieces: Iterator[Read], how: How, fault: Fault) -> int:
    """Take all pieces in; how many were taken. `fault` hears of each that was not, by its line."""
    chunks = iter(lambda: list(islice(pieces, CHUNK)), [])
    taken = sum(_slowly(store, chunk, how, fault) for chunk in islice(chunks, 1))  # it says most words of the rest
    second = next(chunks, None)
    if second is None:
        return taken
    gc.set_threshold(*_COLLECT)
    processes = os.cpu_count() or 1
    waiting: deque[tuple[list[Read], Future[bytes]]] = deque()
    with Bulk(store) as bulk:
        words = bulk.words()

        def take(chunk: list[Read], made: Future[bytes]) -> int:
            said, lines, faults = marshal.loads(made.result())  # noqa: S302  # nosec B302  # our own process wrote it
            rows = None if said is None else Rows(*said)
            if rows is None or not bulk.add(rows):
                bulk.settle()  # what is written singly must find the whole index
                return _slowly(store, chunk, how, fault)
            refused = [(lines[i], detail, where) for i, detail, where in rows.refused]
            for line, detail, where in sorted([*faults, *refused]):
                fault(line, BadRequest(detail, where=where))
            return len(lines) - len(refused)

        with ProcessPoolExecutor(processes, get_context("spawn"), _begun, (words,)) as pool:
            for chunk in chain([second], chunks):
                waiting.append((chunk, pool.submit(how.made, chunk, bulk.words(len(words)))))
                if len(waiting) > processes * AHEAD:
                    taken += take(*waiting.popleft())
            while waiting:
                taken += take(*waiting.popleft())
    return taken


def _slowly(store: SqliteStore, chunk: list[Read], how: How, fault: Fault) -> int:
    """As any other write is done."""
    lines, writes, faults = how.read(chunk)
    for line, outcome in zip(lines, store.load(writes, ACTOR, how.at), strict=True):
        if isinstance(outcome, Refused):
            faults.append((line, outcome.error))
    for line, error in sorted(faults, key=lambda one: one[0]):
        fault(line, error)
    return len(chunk) - len(faults)
