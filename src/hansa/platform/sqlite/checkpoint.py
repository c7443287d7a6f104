"""Moving what was written from the WAL into the file, beside the writer.

A checkpoint of 4,000 random pages keeps a disk busy for some 80 ms, and the writer used to stand still so long. Now a
thread with a connection of its own moves them, while the writer goes on behind; when it is done the writer moves the
few pages that came meanwhile, for only then does the WAL begin anew. A helper alone let it grow without end.
"""

import threading
from collections.abc import Callable

import apsw
import structlog

from hansa.platform.sqlite.schema import CHECKPOINT_PAGES

MOST_PAGES = 4 * CHECKPOINT_PAGES  # of WAL: then the writer waits for it, however long it takes

log = structlog.get_logger("hansa.store")


class Checkpointer:
    """Keeps the WAL of one file short. All but its thread belongs to the writer's."""

    def __init__(self, connect: Callable[[], apsw.Connection], db: apsw.Connection) -> None:
        """For the writer's connection `db`; `connect` makes another. From now on SQLite does not do so by itself."""
        self._connect = connect
        self._db = db
        self._pages = 0  # in the WAL
        self._wanted = threading.Event()
        self._moved = threading.Event()
        self._ended = False
        db.set_wal_hook(self._grown)
        self._thread = threading.Thread(target=self._run, name="checkpointer", daemon=True)
        self._thread.start()

    def _grown(self, _db: apsw.Connection, _name: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK

    def tidy(self) -> None:
        """After each commit: have pages moved, or move what is left of them."""
        if self._moved.is_set() or self._pages >= MOST_PAGES:
            self._moved.clear()
            _move(self._db)
        elif self._pages >= CHECKPOINT_PAGES:
            self._wanted.set()

    def stop(self) -> None:
        """End the thread."""
        self._ended = True
        self._wanted.set()
        self._thread.join()

    def _run(self) -> None:
        db = self._connect()
        try:
            while True:
                self._wanted.wait()
                if self._ended:
                    return
                self._wanted.clear()
                if _move(db):
                    self._moved.set()
        finally:
            db.close()


def _move(db: apsw.Connection) -> bool:
    """Move all pages that nobody reads in the WAL; whether it could be done."""
    try:
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
    except apsw.BusyError:
        return False  # the other one is at it
    except apsw.Error as fault:  # a full disk, perhaps: the WAL holds it all, and the next commit asks again
        log.warning("a checkpoint failed", why=str(fault))
        return False
    return True
