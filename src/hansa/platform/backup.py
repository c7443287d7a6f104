"""Backups: every file of a city, each as of one moment, in one file that cannot be cut or changed unnoticed.

A `.hansa` file is a tar archive: `manifest.json` (what is in it, of how many bytes, with which SHA-256), `manifest.mac`
(HMAC-SHA256 over it, with a key derived from the city's), then the parts. Databases are copied through SQLite, so the
city may run; those that are sealed stay so, with the keys they have. Small files, of which some are secrets, are
sealed too (ChaCha20-Poly1305). The city's key is not in it. Report: 4.2; held by tests/platform/test_backup.py.
"""

import hashlib
import hmac
import os
import re
import shutil
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Final

import apsw
import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from hansa.errors import BadRequest, Full
from hansa.platform.sqlite import sealed
from hansa.trust.keys import CityKey, KeyRing

FORMAT: Final = "hansa-backup-1"
_MANIFEST: Final = "manifest.json"
_MAC: Final = "manifest.mac"
_MOST_PARTS: Final = 256
_SMALL: Final = 1_000_000  # bytes of a manifest, and of a file that is no database
_NAME: Final = re.compile(r"([a-z]{1,16}/)?\w[\w. -]{0,99}")
"""Of a part: a file of the folder, or of a folder in it; nothing that leads elsewhere."""
_CHUNK: Final = 1 << 20
_NONCE: Final = 12


class Part(msgspec.Struct, frozen=True):
    """One file of the city: `bytes` and `sha256` are those in the archive."""

    name: str
    bytes: int
    sha256: str
    database: bool
    sealed: bool
    version: int = 0  # of a database's schema


class Manifest(msgspec.Struct, frozen=True):
    """What is in a backup."""

    format: str
    hansa: str
    made: str
    key: str  # id of the city key it is bound to
    heads: dict[str, int]  # of each realm, the newest Change
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class Source:
    """What is to be backed up: databases with their keys, small files by the names they have in the city's folder."""

    databases: Mapping[Path, bytes | None]
    files: Mapping[str, Path]


def write(target: Path, source: Source, key: CityKey, *, hansa: str, made: str) -> Manifest:
    """Back up into a new file at `target`, and read it again to see that it is whole.

    Raises BadRequest where a file is damaged, Full where there is no room; what was begun is gone then.
    """
    if not target.parent.is_dir():
        raise BadRequest(f"there is no folder {target.parent}", where=str(target), mend="make it first")
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    staged = draft.with_name(draft.name + ".parts")
    staged.mkdir(mode=0o700)
    try:
        parts, heads = _staged(staged, source, key)
        manifest = Manifest(FORMAT, hansa, made, key.id, heads, parts)
        _archive(draft, staged, manifest, key)
        found = check(draft, KeyRing((key,)))
        try:
            os.link(draft, target)
        except FileExistsError:
            raise BadRequest(f"{target} is there already", where=str(target), mend="give another name") from None
        sealed.sync_folder(target.parent)
    except (apsw.FullError, OSError) as fault:
        raise Full(f"the backup could not be written: {fault}", mend="it needs twice the city's room") from fault
    finally:
        draft.unlink(missing_ok=True)
        shutil.rmtree(staged)
    return found


def check(file: Path, ring: KeyRing) -> Manifest:
    """Read a backup from end to end; BadRequest when it is cut, damaged, changed, or bound to another key."""
    with _opened(file, ring) as (tar, manifest):
        for part in manifest.parts:
            with _member(tar, part) as body:
                _digest(body, part, None)
    return manifest


def restore(file: Path, folder: Path, ring: KeyRing, versions: Mapping[str, int]) -> Manifest:
    """Make a city's folder of a backup; nothing is at `folder` before all of it was verified, then all of it is.

    `versions`: the newest schema that is known of a database. Raises BadRequest as `check`, and where `folder` holds
    something, or the backup is of a newer hansa.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadRequest(f"{folder} is not empty", where="--data", mend="restore into a new folder")
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    staged = folder.with_name(f".{folder.name}.restoring")
    if staged.exists():  # one that was cut off
        shutil.rmtree(staged)
    staged.mkdir(mode=0o700)
    try:
        with _opened(file, ring) as (tar, manifest):
            for part in manifest.parts:
                path = staged / part.name
                path.parent.mkdir(mode=0o700, exist_ok=True)
                with _member(tar, part) as body, _private(path) as out:
                    _digest(body, part, out)
                _look(path, part, ring, versions)
        for place in {(staged / part.name).parent for part in manifest.parts} | {staged}:
            sealed.sync_folder(place)
        staged.rename(folder)  # also onto an empty folder
        sealed.sync_folder(folder.parent)
    except (apsw.FullError, OSError) as fault:
        raise Full(f"the city could not be restored: {fault}", mend="make room") from fault
    finally:
        if staged.exists():
            shutil.rmtree(staged)
    return manifest


def _staged(staged: Path, source: Source, key: CityKey) -> tuple[list[Part], dict[str, int]]:
    """Copies of all files, as of one moment as nearly as it can be: first everything is held still, then copied."""
    parts: list[Part] = []
    heads: dict[str, int] = {}
    with ExitStack() as stack:
        held: list[tuple[Path, bytes | None, apsw.Connection]] = []
        for path, own in source.databases.items():
            db = sealed.connect(path, own, flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI)
            stack.callback(db.close)
            db.execute("BEGIN")
            db.execute("SELECT count(*) FROM sqlite_schema").get  # noqa: B018  # from here on it is as it is now
            held.append((path, own, db))
        for path, own, db in held:
            copied = staged / path.name
            sealed.copy(db, copied, own)
            version = _sound(copied, own)
            if db.table_exists("main", "log"):
                heads[path.stem] = db.execute("SELECT coalesce(max(seq), 0) FROM log").get
            parts.append(_part(staged, path.name, database=True, sealed_=own is not None, version=version))
    for name, path in source.files.items():
        body = path.read_bytes()
        if len(body) > _SMALL:
            raise BadRequest(f"{name} is too large for what it is: {len(body):,} bytes", where=name)
        nonce = os.urandom(_NONCE)
        copied = staged / name
        copied.parent.mkdir(exist_ok=True)
        copied.write_bytes(nonce + _cipher(key, name).encrypt(nonce, body, name.encode()))
        parts.append(_part(staged, name, database=False, sealed_=True))
    return parts, heads


def _part(staged: Path, name: str, *, database: bool, sealed_: bool, version: int = 0) -> Part:
    if not _NAME.fullmatch(name):
        raise BadRequest(f"{name!r} is no name for a file of a city", where=name)
    with (staged / name).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Part(name, (staged / name).stat().st_size, digest, database, sealed_, version)


def _archive(draft: Path, staged: Path, manifest: Manifest, key: CityKey) -> None:
    said = msgspec.json.encode(manifest)
    with _private(draft) as out:
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for name, body in ((_MANIFEST, said), (_MAC, _mac(key, said).encode())):
                tar.addfile(_info(name, len(body)), BytesIO(body))
            for part in manifest.parts:
                with (staged / part.name).open("rb") as file:
                    tar.addfile(_info(part.name, part.bytes), file)
        out.flush()
        os.fsync(out.fileno())


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info


@contextmanager
def _opened(file: Path, ring: KeyRing) -> Iterator[tuple[tarfile.TarFile, Manifest]]:
    """A backup whose manifest is right, and which holds just what it names."""
    try:
        with file.open("rb") as raw, tarfile.open(fileobj=raw, mode="r:") as tar:
            said, mac = (_small(tar, name) for name in (_MANIFEST, _MAC))
            manifest = _understood(said, mac.decode("ascii", "replace"), ring)
            names = [member.name for member in _members(tar)]
            if names != [_MANIFEST, _MAC, *(part.name for part in manifest.parts)]:
                raise _bad(file, "it does not hold what its manifest names")
            _nothing_behind(raw, tar, file)
            yield tar, manifest
    except FileNotFoundError:
        raise BadRequest(f"there is no {file}", where="FILE") from None
    except (tarfile.TarError, EOFError, UnicodeDecodeError, KeyError, OverflowError, ValueError) as fault:
        raise _bad(file, str(fault)) from None


def _members(tar: tarfile.TarFile) -> Sequence[tarfile.TarInfo]:
    found: list[tarfile.TarInfo] = []
    while (member := tar.next()) is not None:
        found.append(member)
        if len(found) > _MOST_PARTS or not member.isreg():
            raise tarfile.ReadError("it holds what no backup holds")
    return tar.getmembers()


def _nothing_behind(raw: IO[bytes], tar: tarfile.TarFile, file: Path) -> None:
    raw.seek(tar.offset)
    rest = raw.read(4 * tarfile.RECORDSIZE)
    if len(rest) > 2 * tarfile.RECORDSIZE or any(rest):
        raise _bad(file, "something follows its end")


def _small(tar: tarfile.TarFile, name: str) -> bytes:
    member = tar.next()
    if member is None or member.name != name or not member.isreg() or member.size > _SMALL:
        raise tarfile.ReadError("it does not begin with a manifest")
    body = tar.extractfile(member)
    assert body is not None  # noqa: S101  # it is a regular file
    said = body.read()
    if len(said) != member.size:
        raise EOFError("it ends in its manifest")
    return said


def _understood(said: bytes, mac: str, ring: KeyRing) -> Manifest:
    """A manifest, first whether it is what was written, then what it says."""
    right = [key for key in ring.keys if hmac.compare_digest(_mac(key, said), mac)]
    try:
        manifest = msgspec.json.decode(said, type=Manifest)
    except (msgspec.ValidationError, msgspec.DecodeError) as fault:
        raise ValueError(f"its manifest cannot be read: {fault}") from None
    if not right:
        known = ", ".join(key.id for key in ring.keys)
        raise BadRequest(
            f"the backup is bound to the key {manifest.key[:16]}, not to {known}; or its manifest was changed",
            where="trust.key_file",
            mend="give the key that the city had when it was made",
        )
    names = [part.name for part in manifest.parts]
    if manifest.format != FORMAT or len(set(names)) != len(names) or not all(map(_NAME.fullmatch, names)):
        raise BadRequest(f"a backup of the form {manifest.format[:40]!r} is not known", mend="use a newer hansa")
    return manifest


@contextmanager
def _member(tar: tarfile.TarFile, part: Part) -> Iterator[IO[bytes]]:
    body = tar.extractfile(part.name)
    assert body is not None  # noqa: S101  # only regular files passed
    with body:
        yield body


def _digest(body: IO[bytes], part: Part, out: IO[bytes] | None) -> None:
    """Read a part, and write it to `out`, durable; BadRequest when it is not what the manifest says."""
    digest, size = hashlib.sha256(), 0
    while chunk := body.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if out is not None:
            out.write(chunk)
    if size != part.bytes or digest.hexdigest() != part.sha256:
        raise BadRequest(f"{part.name} in the backup is damaged or cut", where=part.name, mend="use another backup")
    if out is not None:
        out.flush()
        os.fsync(out.fileno())


def _look(path: Path, part: Part, ring: KeyRing, versions: Mapping[str, int]) -> None:
    """A part that lies in its place: whether it can be used."""
    if part.database:
        key = sealed.key_of(ring, path) if part.sealed else None
        version = _sound(path, key)
        if version > versions.get(part.name, version):
            raise BadRequest(
                f"{part.name} has schema version {version}, this hansa reads {versions[part.name]}",
                where=part.name,
                mend="restore with the hansa that made it, or a newer one",
            )
        return
    body = path.read_bytes()
    for key_ in ring.keys:
        try:
            plain = _cipher(key_, part.name).decrypt(body[:_NONCE], body[_NONCE:], part.name.encode())
        except (InvalidTag, ValueError):
            continue
        with path.open("wb") as out:  # as private as it was made
            out.write(plain)
            out.flush()
            os.fsync(out.fileno())
        return
    raise BadRequest(f"{part.name} cannot be opened with this key", where=part.name)


def _sound(path: Path, key: bytes | None) -> int:
    """The schema version of a database; BadRequest when it is damaged. Every page is read, and authenticated."""
    db = sealed.connect(path, key, flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI)
    try:
        faults = db.pragma("quick_check")
        version = int(db.pragma("user_version"))
    except apsw.Error as fault:
        faults, version = fault, 0
    finally:
        db.close()
    if faults != "ok":
        raise BadRequest(f"{path.name} is damaged: {str(faults)[:200]}", where=path.name, mend="hansa check says more")
    return version


def _private(path: Path) -> IO[bytes]:
    """A new file that only its owner may read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _mac(key: CityKey, said: bytes) -> str:
    return hmac.digest(key.of("backup manifest"), said, hashlib.sha256).hex()


def _cipher(key: CityKey, name: str) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(key.of(f"backup {name}"))


def _bad(file: Path, why: str) -> BadRequest:
    return BadRequest(f"{file.name} is no whole backup: {why}", where="FILE", mend="use another backup")
