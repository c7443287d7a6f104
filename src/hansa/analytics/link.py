"""The city's side of its rules process: starts it, commits what it says, watches it, and ends it when it hangs."""

import mmap
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final

import msgspec
import structlog

from hansa.analytics.child import BEAT, Start
from hansa.analytics.frames import Again, Answer, Commit, Frames, Nudge, Report, Stop, ToChild, Turn, send
from hansa.analytics.rules import pack_place, unpack_place
from hansa.app import App
from hansa.errors import Busy, HansaError
from hansa.model.change import Change, Refused
from hansa.platform.city import City
from hansa.platform.store import Item, Result

log = structlog.get_logger("hansa.rules")

WITHHELD: Final = frozenset({"HANSA_SECURITY_KEY", "HANSA_KEY_FILE", "CREDENTIALS_DIRECTORY"})
"""Variables that a process beside ours does not inherit."""
LOOK_S: Final = 0.25
"""How often the guard looks at what the rules process is at."""


class RulesLink:
    """Keeps one rules process for one realm. `place` and `behind` say how far it has come."""

    def __init__(
        self,
        city: City,
        path: str,
        apps: Sequence[App],
        settings: Mapping[str, Mapping[str, Any]],
        key: bytes | None = None,
        *,
        asleep: bool = False,
    ) -> None:
        """Start the process for `apps` over the store at `path`, which is sealed with `key`.

        `asleep`: not before the realm holds something of its own, for there is nothing to make a rule of.
        """
        self._city = city
        self._key = key
        self._path = path
        self._apps = list(apps)
        self._settings = {name: dict(values) for name, values in settings.items()}
        self._lock = threading.Lock()
        self._sock: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._skip: list[tuple[str, int]] = []
        self._died_at: tuple[int, int] | None = None
        self._nudged = False
        self._awake = threading.Event()
        if not asleep or city.find(limit=1):
            self._awake.set()
        self.place = self._stood()
        self.place_at = time.monotonic()
        self.restarts = 0
        file = tempfile.TemporaryFile()  # noqa: SIM115  # closed in stop()
        file.truncate(BEAT.size)
        self._file = file
        self._beat = mmap.mmap(file.fileno(), BEAT.size)
        self._unwatch = city.watch(self._committed)
        self._threads = [
            threading.Thread(target=self._serve, name="rules-link", daemon=True),
            threading.Thread(target=self._guard, name="rules-guard", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    # What the city asks

    @property
    def behind(self) -> int:
        """Changes that the slowest app has not seen; while there is nothing for any app, none."""
        return max(0, self._city.store.head() - self.place) if self._awake.is_set() else 0

    @property
    def behind_s(self) -> float:
        """Seconds since the rules were last level with the log; 0 while they are."""
        return time.monotonic() - self.place_at if self.behind else 0.0

    @property
    def up(self) -> bool:
        """Whether its process is there, or none is needed yet."""
        return self.pid is not None or not self._awake.is_set()

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        process = self._process
        return None if process is None or process.poll() is not None else process.pid

    def turn(self) -> None:
        """Tell the process that the clock was set."""
        self._tell(Turn(self._city.clock.spec()))

    def again(self, app: str, seq: int) -> None:
        """Run an app once more on a Change that was put aside; Busy while there is no process to do it."""
        if any(one.name == app for one in self._apps) and not self._tell(Again(app, seq)):
            raise Busy("the rules process is being started again", mend="try again in a second")

    def stop(self) -> None:
        """Let the process finish its batch, then end it."""
        self._stopping.set()
        self._awake.set()
        self._unwatch()
        self._tell(Stop())
        process = self._process
        if process is not None:
            try:
                process.wait(self._city.limits.rule_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for thread in self._threads:
            thread.join()
        self._beat.close()
        self._file.close()

    # What it does

    def _stood(self) -> int:
        """Where the slowest app stands in the log. A new app starts at its end, and that is written down at once: what
        comes in while its process is still starting is for it.
        """
        store = self._city.store
        new = {name: pack_place(store.head()) for one in self._apps if store.place(name := f"app:{one.name}") is None}
        if new:
            self._city.write_places(new)
        places = (store.place(f"app:{one.name}") for one in self._apps)
        return min((unpack_place(place) for place in places if place is not None), default=store.head())

    def _committed(self, changes: list[Change]) -> None:
        if not self._awake.is_set() and any(not one.tenant for one in changes):
            self.place_at = time.monotonic()
            self._awake.set()
        if not self._nudged:
            self._nudged = True
            self._tell(Nudge())

    def _tell(self, frame: ToChild) -> bool:
        """Say it, if anybody is there; the next process reads the log from its place."""
        with self._lock:
            if self._sock is not None:
                with suppress(OSError):
                    send(self._sock, frame)
                    return True
        return False

    def _serve(self) -> None:
        """Start a process, take what it says until it ends, start the next."""
        self._awake.wait()
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                frames = self._start()
                while True:
                    self._take(frames.next())
            except (EOFError, OSError, msgspec.MsgspecError) as fault:
                self._ended(fault)
            if not self._stopping.is_set():
                self.restarts += 1
                # A process that dies at once must not eat the machine.
                self._stopping.wait(0.05 if time.monotonic() - began > 5 else 1.0)

    def _start(self) -> Frames:
        ours, theirs = socket.socketpair()
        start = Start(
            self._path,
            self._city.realm,
            [app.name for app in self._apps],
            self._city.clock.spec(),
            self._settings,
            asdict(self._city.limits),
            self._skip,
            self._key,
        )
        BEAT.pack_into(self._beat, 0, -1, 0, time.monotonic())
        descriptors = (theirs.fileno(), self._file.fileno())
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [sys.executable, "-m", "hansa.analytics.child", *map(str, descriptors)],
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
            env={**environment(), "PYTHONDONTWRITEBYTECODE": "1"},
        )
        theirs.close()
        body = msgspec.json.encode(start)
        ours.sendall(len(body).to_bytes(4, "big") + body)
        with self._lock:
            self._sock = ours
        self._nudged = False
        return Frames(ours, child=False)

    def _ended(self, fault: Exception) -> None:
        with self._lock:
            sock, self._sock = self._sock, None
        if sock is not None:
            sock.close()
        if self._process is not None:
            if self._process.poll() is None and not isinstance(fault, EOFError):
                self._process.kill()
            code = self._process.wait()
            self._suspect()
            if not self._stopping.is_set():
                log.warning("the rules process ended; starting another", code=code, why=str(fault) or "it is gone")

    def _suspect(self) -> None:
        """Note at which rule a process died; at the same one twice running, and it is that rule's doing.

        Once may be chance (somebody ended it, memory ran out), and then the Change deserves another try.
        """
        number, seq, _ = BEAT.unpack_from(self._beat, 0)
        if number < 0 or self._stopping.is_set():
            return
        if self._died_at == (number, seq):
            self._blame(number, seq)
            self._died_at = None
        else:
            self._died_at = (number, seq)

    def _blame(self, number: int, seq: int) -> None:
        """Have the next process put aside what this app was at; 0: its rounds."""
        app = self._apps[number]
        log.error("a rule holds up or ends its process; it is put aside", app=app.name, seq=seq)
        if seq:
            self._skip.append((app.name, seq))
        else:
            self._skip.extend((f"{app.name}/{every.name}", 0) for every in app.rounds)

    def _take(self, frame: Any) -> None:
        if isinstance(frame, Report):
            self.place = frame.place
            self.place_at = time.monotonic()
            self._nudged = False
            if self.behind:
                self._committed([])
        elif isinstance(frame, Commit):
            item = Item(frame.writes, "rules", None, 0, frame.places, frame.causes, frame.actors)
            try:
                self._city.submit_item(item, self._answer)
            except Busy as busy:
                self._answer(busy)

    def _answer(self, result: Result) -> None:
        error = result.detail if isinstance(result, HansaError) else None
        if not isinstance(result, HansaError):
            self._skip = []
            for one in result:
                if isinstance(one, Refused):
                    log.warning("a rule's word was refused", id=one.write.id, why=one.error.detail)
        self._tell(Answer(error))

    def _guard(self) -> None:
        """End a process whose rule does not return, and note which Change it was.

        A beat counts for as long as it was seen here, look after look: a machine that stood still for a while must not
        cost a rule its life that stood still with it.
        """
        seen, looks = (-1, 0, 0.0), 0
        while not self._stopping.wait(LOOK_S):
            beat = BEAT.unpack_from(self._beat, 0)
            looks = looks + 1 if beat == seen else 0
            seen = beat
            number, seq, _ = beat
            if number < 0 or looks * LOOK_S < self._city.limits.rule_s:
                continue
            process = self._process
            if process is not None and process.poll() is None and number < len(self._apps):
                self._blame(number, seq)
                BEAT.pack_into(self._beat, 0, -1, 0, time.monotonic())
                process.kill()


def environment() -> dict[str, str]:
    """What a process beside ours may know of our environment: the city's keys are not for it, nor where they lie."""
    return {name: value for name, value in os.environ.items() if name not in WITHHELD}
