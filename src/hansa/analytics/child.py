"""The rules process: reads the log by a connection of its own, writes through the city's writer.

Started by `link`; its whole world is a socket to the city and the store's file. A rule that never returns blocks this
process alone, and the city ends it.
"""

import gc
import mmap
import signal
import socket
import struct
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from hansa import app as apps
from hansa.analytics.frames import Again, Answer, Commit, Frames, Nudge, Report, Stop, Turn, send
from hansa.analytics.rules import KEEP_S, Rules
from hansa.clock import SECOND, Clock
from hansa.errors import HansaError
from hansa.limits import Limits
from hansa.platform.sqlite.log import LogReader
from hansa.platform.sqlite.reader import SqliteReader
from hansa.platform.sqlite.schema import connect
from hansa.platform.store import Item

GATHER_S: Final = 0.01
"""What a level rules process waits for more: waking for every single Change would cost more than the rules."""
BEAT: Final = struct.Struct("=qQd")
"""What the city watches: number of the app at work (-1: none), the Change's seq, since when (monotonic seconds)."""


@dataclass
class Start:
    """What a rules process is told when it starts."""

    path: str
    realm: str
    apps: list[str]
    clock: tuple[int | None, float, float]
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)
    skip: list[tuple[str, int]] = field(default_factory=list)
    key: bytes | None = field(default=None, repr=False)  # of the store's file, and of no other


class Child:
    """One rules process at work."""

    def __init__(self, start: Start, sock: socket.socket, beat: mmap.mmap) -> None:
        """Open the store and load the apps."""
        self._sock = sock
        self._frames = Frames(sock, child=True)
        self._beat = beat
        self._clock = Clock(*start.clock)
        self._stop = False
        self._nudged = False  # told that the log has grown, and not answered yet
        self._again: list[Again] = []
        limits = Limits(**start.limits)  # type: ignore[arg-type]  # the city's own, through JSON: whole numbers stay whole
        self._batch = limits.rule_batch
        self._log = LogReader(connect(start.path, start.key), start.realm, limits.cached_entities)
        db = connect(start.path, start.key)
        found, _ = apps.installed(start.apps)

        def place(reader: str) -> bytes | None:
            row = next(iter(db.execute("SELECT place FROM reader WHERE name = ?", (reader,))), None)
            return None if row is None else bytes(row[0])

        self._rules = Rules(
            [one for one in found if one.runs_in(start.realm)],
            SqliteReader(db, start.realm, self._clock.now),
            self._clock,
            place=place,
            head=self._log.head,
            walk=self._log.walk,
            commit=self._commit,
            settings=start.settings,
            limits=limits,
            watch=self._watch,
            skip=frozenset((name, seq) for name, seq in start.skip),
        )

    def run(self) -> None:
        """Work until told to stop or until the city is gone."""
        send(self._sock, Report(self._rules.place))  # the one before may have died before it could say so
        while not self._stop:
            self._listen(0)
            for again in self._again:
                for change in self._log.since(again.seq - 1, 1):
                    if change.seq == again.seq:
                        self._rules.again(again.app, change)
            self._again.clear()
            took = self._rules.step()
            # A round looks at the clock: it is made when what was said until now has been heard.
            due = self._rules.rounds() if took < self._batch else None
            if took or self._nudged:
                # The city nudges once and waits for this; a nudge that came during a commit must not be slept over.
                self._nudged = False
                send(self._sock, Report(self._rules.place))
                if took < self._batch:
                    time.sleep(GATHER_S)
            elif not self._stop and not self._listen(self._wait_s(due)):
                self._rules.keep(anyway=False)  # a quick clock makes many rounds a second
        self._rules.keep()

    def _wait_s(self, due: int | None) -> float:
        """How long to sleep: until something is said, or the next round is due by the city's clock."""
        most = KEEP_S if self._rules.unkept else 5.0
        if due is None or self._clock.rate <= 0:
            return most
        return min(most, max(0.001, (due - self._clock.now()) / SECOND / self._clock.rate))

    def _listen(self, wait_s: float) -> bool:
        """Take what the city says; wait for the first of it at most so long. Whether it said anything."""
        self._sock.settimeout(wait_s or 0.0)
        heard = False
        try:
            while True:
                self._take(self._frames.next())
                heard = True
                if not self._frames.ready():
                    self._sock.settimeout(0.0)
        except (TimeoutError, BlockingIOError):
            pass
        finally:
            self._sock.settimeout(None)
        return heard

    def _take(self, frame: Any) -> None:
        if isinstance(frame, Stop):
            self._stop = True
        elif isinstance(frame, Turn):
            self._clock.follow(frame.clock)
        elif isinstance(frame, Again):
            self._again.append(frame)
        elif isinstance(frame, Nudge):
            self._nudged = True

    def _commit(self, item: Item) -> None:
        """Send an item to the writer and wait until it is durable; keep trying while the city cannot take it."""
        while True:
            send(self._sock, Commit(list(item.writes), list(item.causes or []), list(item.actors or []), item.places))
            while not isinstance(frame := self._frames.next(), Answer):
                self._take(frame)
            if frame.error is None:
                return
            if self._stop:
                raise HansaError(frame.error)
            time.sleep(0.5)  # a full disk or inbox: the places have not moved, so nothing is lost by waiting

    def _watch(self, number: int, seq: int) -> None:
        BEAT.pack_into(self._beat, 0, number, seq, time.monotonic())


def main() -> None:
    """`python -m hansa.analytics.child SOCKET BEAT`: the numbers of two inherited file descriptors."""
    for sign in (signal.SIGINT, signal.SIGTERM):  # they reach the whole group; the city says when to stop
        signal.signal(sign, signal.SIG_IGN)
    sock = socket.socket(fileno=int(sys.argv[1]))
    with mmap.mmap(int(sys.argv[2]), BEAT.size) as beat:
        size = int.from_bytes(_exactly(sock, 4), "big")
        start = msgspec.json.decode(_exactly(sock, size), type=Start)
        # The city may be gone; what was not committed is done again by the next process.
        with suppress(EOFError, ConnectionError):
            child = Child(start, sock, beat)
            gc.collect()
            gc.freeze()
            gc.set_threshold(100_000, 20, 50)
            child.run()


def _exactly(sock: socket.socket, size: int) -> bytes:
    body = b""
    while len(body) < size:
        more = sock.recv(size - len(body))
        if not more:
            raise EOFError
        body += more
    return body


if __name__ == "__main__":
    main()
