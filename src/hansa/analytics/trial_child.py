"""A process that tries something on the past: reads whole series by a connection of its own, as its asker may see them.

    python -m hansa.analytics.trial_child      what it is told comes by standard input, in frames

What is tried is a function of an app (`work`), named as `module:function`: it takes what was asked and a `Past`, and
answers JSON. It is started by `trials`, niced, and ended by killing it: it writes nothing.
"""

import gc
import importlib
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any, Final

import apsw
import msgspec

from hansa.errors import HansaError, NotFound
from hansa.model.entity import Entity
from hansa.platform.city import simple_query
from hansa.platform.sqlite.columns import Column, ColumnReader
from hansa.platform.sqlite.schema import connect
from hansa.platform.store import TooSlow
from hansa.trust.actors import Actor
from hansa.trust.labels import Sight

NICE: Final = 5
AHEAD: Final = 2  # threads that read
_LENGTH: Final = 4
_TOLD_S: Final = 0.2  # between two words on how far it is
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode


@dataclass
class Start:
    """What a process is told first."""

    path: str
    realm: str
    work: str
    asked: dict[str, Any]
    now: int
    settings: dict[str, Any]
    most: dict[str, int]
    everything: bool = False  # nothing is hidden from whoever asks
    key: bytes | None = field(default=None, repr=False)


class Decided:
    """What somebody may see, as it was decided label by label; and what he was shown of what is to be written down.

    It stands for `trust.labels.Rights` in a process that has no policy.
    """

    epoch = 0
    typed = False

    def __init__(self, labels: Mapping[str, bool]) -> None:
        """What was not decided is not seen."""
        self._labels = labels
        self.shown: set[tuple[str, str]] = set()

    @property
    def hearing(self) -> Sight:
        """Nobody is told anything here."""
        return Sight("nobody")

    def covers(self, verb: str, types: Iterable[str]) -> bool:  # noqa: ARG002
        """Whoever has a token for some types alone is not let in."""
        return True

    def may(self, verb: str, label: str) -> bool:
        """Whether he may read what bears a label."""
        return verb == "read" and self._labels.get(label, False)

    def saw(self, ident: str, label: str) -> None:
        """He is shown something."""
        self.shown.add((ident, label))

    def told(self, how: str) -> None:
        """Nobody is."""


class Past:
    """What an app's function tries its hand on: entities as they are, series as they were, for one sight."""

    def __init__(
        self,
        start: Start,
        reader: ColumnReader,
        sight: Sight,
        tell: Callable[[dict[str, Any]], None],
        another: Callable[[], ColumnReader] | None = None,
    ) -> None:
        """Read through `reader`; `another` opens one more, for a thread that reads ahead."""
        self._another = another
        self.now = start.now
        self.settings = start.settings
        self.most = start.most
        self._reader = reader
        self._sight = sight
        self._tell = tell
        self._told_at = 0.0

    def get(self, ident: str) -> Entity:
        """One entity; raises NotFound."""
        found = self._reader.entity("", ident, self._sight)
        if found is None:
            raise NotFound(f"there is no entity {ident[:200]}", where="id")
        return found

    def find(self, kind: str | None = None, q: str | None = None, limit: int = 1_000) -> list[Entity]:
        """Entities that match, perhaps none."""
        return self._reader.find("", simple_query(kind, q, None), self._sight, limit)

    def column(self, ident: str, name: str, since: int, until: int) -> Column:
        """A whole series of one attribute."""
        return self._reader.column(ident, name, self._sight, since, until)

    def columns(self, wanted: Iterable[tuple[str, str]], since: int, until: int) -> Iterator[Column]:
        """Series of entities and attributes, in their order; some are read ahead while others are computed over.

        SQLite lets the interpreter go on while it reads, so this takes the second core.
        """
        another = self._another
        if another is None:
            yield from (self.column(ident, name, since, until) for ident, name in wanted)
            return
        local = threading.local()
        opened: list[ColumnReader] = []

        def read(ident: str, name: str) -> Column:
            if not hasattr(local, "reader"):
                local.reader = another()
                opened.append(local.reader)
            found: Column = local.reader.column(ident, name, self._sight, since, until)
            return found

        waiting: deque[Future[Column]] = deque()
        pool = ThreadPoolExecutor(AHEAD, thread_name_prefix="columns")
        try:
            for one in wanted:
                waiting.append(pool.submit(read, *one))
                if len(waiting) > 4 * AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
            for reader in opened:
                reader.close()

    def progress(self, part: float, doing: str) -> None:
        """Say how far it is: 0 to 1."""
        now = time.monotonic()
        if now - self._told_at >= _TOLD_S:
            self._told_at = now
            self._tell({"progress": round(part, 4), "doing": doing})


def framed(value: Any) -> bytes:
    """As it goes over the pipe."""
    body = _pack(value)
    return len(body).to_bytes(_LENGTH, "big") + body


def main() -> None:
    """Do what is told by standard input, and end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who sits at the terminal ends the city, and the city this
    gc.set_threshold(200_000, 50, 100)
    os.nice(NICE)
    source, sink = sys.stdin.buffer, sys.stdout.buffer

    def tell(value: dict[str, Any]) -> None:
        sink.write(framed(value))
        sink.flush()

    said = _next(source)
    if said is None:
        return
    start = msgspec.convert(said, Start)
    try:
        tell(_tried(start, source, tell))
    except HansaError as fault:
        tell({"fault": fault.problem()})
    except (apsw.Error, TooSlow, MemoryError) as fault:
        tell({"fault": HansaError(f"the past cannot be read: {type(fault).__name__}").problem()})


def _tried(start: Start, source: IO[bytes], tell: Callable[[dict[str, Any]], None]) -> dict[str, Any]:

    def open_reader() -> ColumnReader:
        return ColumnReader(connect(start.path, start.key), start.realm, lambda: start.now)

    reader = open_reader()
    try:
        rights = None
        if start.everything:
            sight = Sight("trial", classes=None)
        else:
            tell({"labels": reader.labels()})
            rights = Decided(_next(source) or {})
            sight = Sight("trial", classes=frozenset(), who=Actor("trial"), rights=rights)
        module, _, name = start.work.partition(":")
        work: Callable[[dict[str, Any], Past], Any] = getattr(importlib.import_module(module), name)
        result = work(start.asked, Past(start, reader, sight, tell, open_reader))
        saw = sorted(rights.shown) if rights is not None else []
        return {"result": result, "saw": saw, "cpu_s": time.process_time()}
    finally:
        reader.close()


def _next(source: IO[bytes]) -> Any:
    head = source.read(_LENGTH)
    if len(head) < _LENGTH:
        return None
    return _unpack(source.read(int.from_bytes(head, "big")))


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        main()
