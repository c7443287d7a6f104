"""Sealed files: SQLite files that are nothing but noise without their key, and cannot be edited unnoticed.

Every page is encrypted and authenticated with AEGIS-256 (SQLite3 Multiple Ciphers, below SQLite's pager), with a fresh
nonce each time it is written and bound to its number; so are WAL and journal. What SQLite would put into files beside
them (sorting, temporary tables) stays in memory. A file begins with the id of its key, so that a wrong key, a damaged
file and a plain one are told apart. What a seal cannot do: tell that a whole file, or a page, was put back as it once
was; the log's own chain of Changes and the audit log's signed heads do. Held by tests/platform/test_sealed.py.
"""

import hashlib
import hmac
import os
from pathlib import Path
from typing import Final
from urllib.parse import quote

import apsw

from hansa.errors import BadRequest
from hansa.trust.keys import CityKey, KeyRing

KEY_BYTES: Final = 32
PLAIN: Final = b"SQLite format 3\0"
_MARK: Final = b"hansa-1\0"
_CIPHER: Final = (("cipher", "aegis"), ("algorithm", "aegis-256"))
"""Of those measured the cheapest that authenticates, where the processor has AES: docs/adr/0010-sealed-files.md."""
DEFAULT_FLAGS: Final = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI


def connect(
    path: Path | str,
    key: bytes | None,
    *,
    flags: int = DEFAULT_FLAGS,
    vfs: str | None = None,
    statementcachesize: int = 200,
) -> apsw.Connection:
    """Open or create a file: sealed with `key` (32 random bytes), or plain where there is none.

    Raises BadRequest when the file is not what is asked for: sealed with another key or with one where none is given,
    plain where a key is given, damaged, or no database at all.
    """
    if key is not None and len(key) != KEY_BYTES:
        raise BadRequest(f"a key has {KEY_BYTES} bytes, this one {len(key)}", where=Path(path).name)
    # A VFS of somebody's own goes below the cipher's. Above it, the WAL would be written in the clear.
    if key is not None and vfs is not None and not vfs.startswith(_BELOW):
        vfs = _BELOW + vfs
    db = apsw.Connection(str(path), flags=flags, vfs=vfs, statementcachesize=statementcachesize)
    try:
        if vfs is not None:  # a VFS of Python's has no shared memory; exclusive, SQLite needs none
            db.pragma("locking_mode", "exclusive")
        if key is not None:
            for name, value in _CIPHER:
                db.pragma(name, value)
            db.pragma("key", _raw(key))
            db.pragma("temp_store", "memory")
        db.set_busy_timeout(10_000)  # the first look may meet another's recovery of the WAL
        db.execute("SELECT count(*) FROM sqlite_schema").get  # noqa: B018  # reads and authenticates the first page
    except (apsw.NotADBError, apsw.CorruptError):
        db.close()
        raise _why(path, key) from None
    except BaseException:
        db.close()
        raise
    return db


def seal_id(key: bytes) -> str:
    """What a file sealed with `key` says of it, 16 hexadecimal digits; the key cannot be told from it."""
    return _id(key).hex()


def seal_of(path: Path | str) -> str | None:
    """The `seal_id` of the key a file is sealed with; empty where it is plain (or none of ours); None: no file yet."""
    head = _head(path)
    if not head:
        return None
    return head[8:].hex() if head.startswith(_MARK) else ""


def _head(path: Path | str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(16)
    except FileNotFoundError:
        return b""


def copy(db: apsw.Connection, path: Path, key: bytes | None) -> None:
    """A consistent copy of a file into a new one at `path`, sealed with `key`, whatever `db` is sealed with; durable.

    Others may go on reading and writing. Where `db` is in a transaction, the copy is as of its beginning, if it is not
    to be sealed only now. Raises BadRequest where a sealed file would be unsealed.
    """
    was = bool(db.pragma("cipher_salt"))
    if was and key is None:
        raise BadRequest(f"{path.name} would not be sealed, but what it is copied from is", where=path.name)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    try:
        if was is (key is not None):
            _pages(db, path, key)
        else:  # a sealed page has less room: all rows are written anew
            db.execute("VACUUM INTO ?", (_uri(path, key),))
    except (apsw.CorruptError, apsw.NotADBError):
        raise BadRequest(f"{path.name} is damaged", where=path.name, mend="restore a backup") from None
    with path.open("rb") as file:
        os.fsync(file.fileno())
    sync_folder(path.parent)


def _pages(db: apsw.Connection, path: Path, key: bytes | None) -> None:
    there = connect(path, key)
    try:
        there.pragma("synchronous", "off")  # it is synced as a whole
        with there.backup("main", db, "main") as pages:
            while not pages.done:
                pages.step(_STEP)
    finally:
        there.close()


def replace(path: Path, old: bytes | None, new: bytes) -> int:
    """Seal a sleeping file anew: from `old` (None: it is plain) to `new`; how many bytes it has.

    Whenever it is cut off the file is whole, with the one key or with the other. Raises BadRequest as `connect`, and
    where somebody else has the file open.
    """
    beside = path.with_name(path.name + ".sealing")
    db = connect(path, old, flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI)
    try:
        # No WAL may stay: it would be taken for the new file's.
        try:
            db.set_busy_timeout(0)
            db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            mode = db.pragma("journal_mode", "delete")
            db.pragma("locking_mode", "exclusive")  # nobody may come in until it is done
            db.execute("BEGIN EXCLUSIVE; COMMIT")
        except apsw.BusyError:
            mode = ""
        if mode != "delete":
            raise BadRequest(f"{path.name} is open elsewhere", where=path.name, mend="stop the city that uses it")
        copy(db, beside, new)
        there = connect(beside, new)
        faults = there.pragma("quick_check")
        there.close()
        if faults != "ok":
            beside.unlink()
            raise BadRequest(f"{path.name} is damaged: {str(faults)[:200]}", where=path.name, mend="restore a backup")
    except (apsw.CorruptError, apsw.NotADBError):
        raise BadRequest(f"{path.name} is damaged", where=path.name, mend="restore a backup") from None
    finally:
        db.close()
    size = beside.stat().st_size
    beside.replace(path)
    sync_folder(path.parent)
    return size


def sync_folder(folder: Path) -> None:
    """Bring names of files in a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def key_of(ring: KeyRing, path: Path) -> bytes:
    """The key of a file by its name: of the ring's, the one that it is sealed with, else the newest."""
    found = opens(ring, path)
    return (found or ring.newest).of(path.name)


def opens(ring: KeyRing, path: Path) -> CityKey | None:
    """Which of the ring's keys a file is sealed with."""
    seal = seal_of(path)
    return next((key for key in ring.keys if seal_id(key.of(path.name)) == seal), None)


_STEP: Final = 2_048  # pages: others are let in between
_BELOW: Final = "multipleciphers-"
"""What a VFS is called with the cipher above it; SQLite3 Multiple Ciphers makes it when it is asked for."""


def _id(key: bytes) -> bytes:
    return hmac.digest(key, b"hansa sealed file id", hashlib.sha256)[:8]


def _raw(key: bytes) -> str:
    """The key as it is, without derivation; and in the place of the salt that that would need, the mark and its id."""
    return f"raw:{(key + _MARK + _id(key)).hex()}"


def _uri(path: Path, key: bytes | None) -> str:
    where = "file:" + quote(str(path.absolute()))
    if key is None:
        return where
    return where + "?" + "&".join(f"{name}={value}" for name, value in (*_CIPHER, ("key", _raw(key))))


def _why(path: Path | str, key: bytes | None) -> BadRequest:
    """Why a file does not open."""
    name, seal = Path(path).name, seal_of(path)
    plain = seal == "" and _head(path) == PLAIN
    if key is None:
        if plain:
            return BadRequest(f"{name} is damaged", where=name, mend="restore a backup")
        if seal:
            mend = "give its key: docs/backup.md says where a city looks for it"
            return BadRequest(f"{name} is sealed, and no key was given", where=name, mend=mend)
    elif plain:
        mend = "a city seals it when it starts; or give no key"
        return BadRequest(f"{name} is not sealed, though a key was given", where=name, mend=mend)
    elif seal == seal_id(key):
        mend = "restore a backup"
        return BadRequest(f"{name} is damaged: the key is right, the file is not", where=name, mend=mend)
    elif seal:
        mend = "give the key that it was sealed with; `hansa key show-id` tells keys apart"
        return BadRequest(f"{name} is sealed with another key ({seal}, not {seal_id(key)})", where=name, mend=mend)
    return BadRequest(f"{name} is damaged, or no file of hansa's", where=name, mend="restore a backup")
