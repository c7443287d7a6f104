"""Other forms of tables than Parquet: made one after the other, beside the answers to questions, and kept for a while.

A million rows as JSON take minutes. Whoever asks first waits a little, and comes again; whoever asks meanwhile waits
for the same. tests/platform/test_tables_making.py
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from shutil import rmtree
from typing import Final

from hansa.errors import Busy
from hansa.platform.tables.child import Question, Reply, fault_of
from hansa.platform.tables.forms import FORMS

WITHIN_S: Final = 330.0
"""For one file; who makes it gives up a little earlier, and says so."""
_WAITING: Final = 20
_PATIENT: Final = 4  # of those who answer everybody; the rest is for those who ask for something else


class Making:
    """What makes them: one at a time."""

    def __init__(self, folder: Path, call: Callable[[Question, float], Reply], files: int) -> None:
        """`call` asks the process that makes; `files` bytes are kept."""
        self._folder = folder
        self._call = call
        self._files = files
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, str], Future[Path]] = {}
        self._patient = threading.BoundedSemaphore(_PATIENT)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tables-making")

    def made(self, sha256: str, form: str, within_s: float) -> Path:
        """The file, when it is there within so long; else Busy, and it is made all the same."""
        key = sha256, form
        with self._lock:
            future = self._under_way.get(key)
            if future is None:
                if len(self._under_way) >= _WAITING:
                    raise Busy("too many files are being made just now", mend="try again in a few minutes")
                future = self._under_way[key] = self._thread.submit(self._make, key)
        patient = self._patient.acquire(blocking=False)
        try:
            return future.result(within_s if patient else 0.0)
        except TimeoutError:
            raise Busy("this file is being made", mend="ask again in a minute") from None
        finally:
            if patient:
                self._patient.release()

    def close(self) -> None:
        """Make nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _make(self, key: tuple[str, str]) -> Path:
        try:
            reply = self._call(Question("file", sha256=key[0], form=key[1], within_s=WITHIN_S), WITHIN_S)
            if reply.fault:
                raise fault_of(reply)
            made = Path(reply.result)
            tidy(self._folder, self._files, made)
            return made
        finally:
            swept(self._folder, "file-")
            with self._lock:
                self._under_way.pop(key, None)


def tidy(folder: Path, most: int, made: Path | None = None) -> None:
    """Keep `most` bytes of files that can be made again: those that were asked for longest ago go."""
    paths = [path for form in FORMS if form != "parquet" for path in folder.glob(f"*.{form}")]
    found = [(path.stat(), path) for path in paths]
    size = sum(stat.st_size for stat, _ in found)
    for stat, path in sorted(found, key=lambda one: one[0].st_mtime):
        if size <= most:
            return
        if path != made:
            path.unlink(missing_ok=True)
            size -= stat.st_size


def swept(folder: Path, *begins: str) -> None:
    """Let go of folders in which something was being made, by a process that was killed: rows of persons among it."""
    for one in folder.iterdir() if folder.is_dir() else ():
        if one.is_dir() and one.name.startswith(begins):
            rmtree(one, ignore_errors=True)
