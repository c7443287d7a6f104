"""Tables as the city has them: asked of a process beside it, which starts with the first question and ends when idle.

Called in the threads of acts, views and doors; one question at a time. `DirectTables` is the same in one process, for
cities in memory.
"""

import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from hansa.app import Answer
from hansa.errors import BadRequest, Busy, HansaError, NotFound
from hansa.platform.tables.child import Question, Reply, Start, fault_of, framed
from hansa.platform.tables.forms import FORMS
from hansa.platform.tables.making import Making

IDLE_S: Final = 300.0
_WAITING: Final = 16
_GRACE_S: Final = 3.0  # DuckDB is told to stop first
_unpack = msgspec.msgpack.Decoder().decode


class TableProcess:
    """One process that answers; begun when it is needed."""

    def __init__(self, start: Start, waiting: int = _WAITING) -> None:
        """As `start` says; so many may ask at once, of whom all but one wait."""
        self._start = start
        self._most = waiting
        self._lock = threading.Lock()
        self._waiting = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._asked_at = 0.0

    def call(self, question: Question, within_s: float) -> Reply:
        """What it answers. Busy when it takes too long, or too many ask."""
        said = _packed(question)
        if self._waiting >= self._most:
            raise Busy("too many ask for tables just now", mend="try again in a few seconds")
        self._waiting += 1
        try:
            until = time.monotonic() + within_s
            if not self._lock.acquire(timeout=within_s):
                raise Busy("others ask for tables just now", mend="try again in a few seconds")
            try:
                return self._called(said, until + _GRACE_S)
            finally:
                self._lock.release()
        finally:
            self._waiting -= 1

    def rest(self) -> None:
        """End the process where nobody has asked for long."""
        if (
            self._process is not None
            and time.monotonic() - self._asked_at > IDLE_S
            and self._lock.acquire(blocking=False)
        ):
            try:
                self._end()
            finally:
                self._lock.release()

    def close(self) -> None:
        """End it."""
        process = self._process
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
        with self._lock:
            self._end()

    def _called(self, said: bytes, until: float) -> Reply:
        self._asked_at = time.monotonic()
        for again in (True, False):
            process = self._process
            if process is None or process.poll() is not None:
                process = self._process = self._begun()
            try:
                return self._exchanged(process, said, until)
            except TimeoutError:
                self._end()
                raise Busy("this takes too long", mend="ask for less") from None
            except (OSError, EOFError) as fault:
                self._end()
                if not again:
                    raise HansaError(f"tables cannot be asked just now: {fault}") from None
        raise HansaError("tables cannot be asked just now")

    def _begun(self) -> subprocess.Popen[bytes]:
        kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "TZ")
        process = subprocess.Popen(
            [sys.executable, "-m", "hansa.platform.tables.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**{name: os.environ[name] for name in kept if name in os.environ}, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        _tell(process, _packed(self._start))
        return process

    @staticmethod
    def _exchanged(process: subprocess.Popen[bytes], said: bytes, until: float) -> Reply:
        _tell(process, said)
        size = int.from_bytes(_read(process, 4, until), "big")
        return msgspec.convert(_unpack(_read(process, size, until)), Reply)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(OSError):
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()


def _packed(value: Any) -> bytes:
    """As it is told. BadRequest of what cannot be: whoever asks may write any JSON."""
    try:
        return framed(msgspec.to_builtins(value, builtin_types=(bytes,)))
    except (OverflowError, UnicodeEncodeError, RecursionError, TypeError):
        raise BadRequest("a number, text or depth in this is beyond what can be asked", where="query") from None


def _tell(process: subprocess.Popen[bytes], said: bytes) -> None:
    if process.stdin is None:
        raise HansaError("a process without pipes")
    process.stdin.write(said)
    process.stdin.flush()


def _read(process: subprocess.Popen[bytes], size: int, until: float) -> bytes:
    if process.stdout is None:
        raise HansaError("a process without pipes")
    handle = process.stdout.fileno()
    parts = bytearray()
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    while len(parts) < size:
        left = until - time.monotonic()
        if left <= 0 or not poll.poll(left * 1_000):
            raise TimeoutError
        part = os.read(handle, min(1 << 20, size - len(parts)))
        if not part:
            raise EOFError("its process has ended")
        parts += part
    return bytes(parts)


class KeptTables:
    """What apps ask: `hansa.app.Tables`."""

    def __init__(self, folder: Path, process: TableProcess, making: Making, *, within_s: float) -> None:
        """Tables in `folder`; other forms than Parquet come of `making`."""
        self._folder = folder
        self._process = process
        self._making = making
        self._within_s = within_s

    def __eq__(self, other: object) -> bool:
        """The tables of one folder are the same, whichever process answers."""
        return isinstance(other, KeptTables) and other._folder == self._folder

    def __hash__(self) -> int:
        """By the folder."""
        return hash(self._folder)

    def ask(self, query: Mapping[str, Any], /) -> dict[str, Any]:
        """Rows that answer a question."""
        found: dict[str, Any] = self._result(
            Question("ask", query=dict(query), within_s=self._within_s), self._within_s
        )
        return found

    def columns(self, sha256: str, /) -> list[dict[str, Any]]:
        """Its columns."""
        found: list[dict[str, Any]] = self._result(Question("columns", sha256=str(sha256)), self._within_s)
        return found

    def file(self, sha256: str, form: str, /, name: str = "") -> Answer:
        """It as a file."""
        kind = FORMS.get(form) if isinstance(form, str) else None
        if kind is None:
            raise BadRequest(f"{str(form)[:20]!r} is no form of a table", where="form", mend=", ".join(FORMS))
        there = self._folder / f"{sha256}.{form}"
        if len(sha256) != 64 or not sha256.isalnum():
            raise NotFound("there is no such table", where="table")
        try:
            os.utime(there)  # what is asked for stays longest
        except OSError:
            there = self._making.made(sha256, form, self._within_s)
        return Answer(b"", kind, f"{name or sha256[:12]}.{form}", file=there)

    def _result(self, question: Question, within_s: float) -> Any:
        reply = self._process.call(question, within_s)
        if reply.fault:
            raise fault_of(reply)
        return reply.result
