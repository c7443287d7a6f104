"""A city's folder: its lock, its administrator's token, its stores, and the clock that it lives by."""

import fcntl
import json
import os
import secrets
from pathlib import Path
from typing import IO, Any, Final

import apsw

from hansa.clock import Clock, parse
from hansa.errors import BadRequest
from hansa.platform.city import City
from hansa.platform.sqlite import SqliteStore
from hansa.platform.sqlite.schema import connect
from hansa.serve.keys import Keys, find_keys
from hansa.settings import Settings
from hansa.trust.labels import ADMINISTRATOR

REALMS: Final = ("open", "security")
PLAIN: Final = frozenset({"open"})
"""Realms whose files are not sealed: what is in them is for many, and read at full speed."""


class Lock:
    """One city, one process: a lock on the data folder, which also says where the city can be reached."""

    def __init__(self, data: Path) -> None:
        """Take it; BadRequest when another hansa has it."""
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = data / "hansa.lock"
        self._file: IO[str] = self.path.open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise BadRequest(f"another hansa runs on {data}", mend="stop it, or give --data another folder") from None

    def say(self, **known: Any) -> None:
        """Write down where the city is."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps({"pid": os.getpid(), **known}))
        self._file.flush()

    def release(self) -> None:
        """Let the next one in."""
        self._file.seek(0)
        self._file.truncate()
        self._file.close()


def token(data: Path) -> str:
    """The administrator's token of this folder: made once, readable by its owner alone."""
    file = data / "admin.token"
    if not file.exists():
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(secrets.token_urlsafe(32))
    return file.read_text().strip()


def clock_of(said: str) -> Clock:
    """The clock that a setting names: wall, driven, driven@START, or START*RATE."""
    if said == "wall":
        return Clock()
    if said == "driven" or said.startswith("driven@"):
        return Clock(parse(said.partition("@")[2]) if "@" in said else 0, rate=0.0)
    start, _, rate = said.partition("*")
    try:
        return Clock(parse(start), float(rate or "1"))
    except ValueError:
        raise BadRequest(
            f"{said!r} is no clock", where="clock", mend="wall, driven, or 2026-04-11T15:00:00Z*60"
        ) from None


def open_cities(settings: Settings, clock: Clock, *, direct: bool = False, keys: Keys | None = None) -> dict[str, City]:
    """Every realm of a data folder, each in its own file, `open` plain and the rest sealed.

    The folder's lock is the caller's. Raises BadRequest when a file's key is missing or another's.
    """
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = keys or find_keys(settings)
    cities: dict[str, City] = {}
    try:
        for realm in REALMS:
            path = settings.data / f"{realm}.db"
            key = None if realm in PLAIN else keys.seal(path)
            store = SqliteStore(path, realm, key=key, steady=not direct)
            cities[realm] = City(store, clock, ADMINISTRATOR, settings.limits, direct=direct)
    except BaseException:
        for city in cities.values():
            city.close()
        raise
    return cities


def connect_realm(settings: Settings, realm: str) -> apsw.Connection:
    """A connection that reads a realm's file, also of a city that runs."""
    path = settings.data / f"{realm}.db"
    return connect(path, None if realm in PLAIN else find_keys(settings, make=False).of(path))


def store_key(path: Path, keys: Keys) -> bytes | None:
    """The key of a realm's file; None where it is plain."""
    return None if path.stem in PLAIN else keys.of(path)
