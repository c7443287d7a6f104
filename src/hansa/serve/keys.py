"""Where a city finds the key of its sealed files, and the key of each file.

In this order, the first that is there: the file that `key_file` names; `HANSA_SECURITY_KEY`; the systemd credential
`hansa-security-key`; `security.key` in the data folder; a person at the terminal. A city that has nothing sealed yet
and no key makes `security.key`. Which files are sealed: `SEALED`. Held by tests/serve/test_keys.py.
"""

import getpass
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from hansa.errors import BadRequest
from hansa.platform.sqlite import sealed
from hansa.settings import Settings
from hansa.trust.keys import CityKey, KeyRing

VARIABLE: Final = "HANSA_SECURITY_KEY"
CREDENTIAL: Final = "hansa-security-key"
BESIDE: Final = "security.key"
SEALED: Final = (
    *("security.db", "pictures-security.db", "media-security.db", "trust.db", "screens.db", "ballots.db"),
    "audit*.db",
)
"""Files of a city that are sealed, in its folder; those of earlier versions are, when they are opened first."""
_MOST_BYTES: Final = 65_536
_REMARK: Final = """\
# The key of this city's sealed files (security realm, accounts, audit) and of their backups.
# Whoever has this file and those can read them; without it nobody can, hansa's makers included: keep a copy elsewhere.
# It lies in the same folder as what it opens, so a copy of the folder is a copy of both. To part them, move it and name
# its place as `key_file` under [trust] in hansa.toml (docs/backup.md says more).
"""


@dataclass(frozen=True, slots=True)
class Keys:
    """A city's key ring, and where it came from."""

    ring: KeyRing
    file: Path | None = None  # None: from the environment, or a person
    beside: bool = False  # it lies in the folder of what it opens
    made: bool = False  # just now
    notes: list[str] = field(default_factory=list)  # what whoever runs the city should be told

    def of(self, path: Path) -> bytes:
        """The key of a file by its name; of the ring's, the one that it is sealed with, else the newest."""
        return sealed.key_of(self.ring, path)

    def seal(self, path: Path) -> bytes:
        """The same as `of`, for a file that nobody has open: a plain one of an earlier version is sealed first.

        BadRequest for a plain one in a folder where others are sealed already: it is not of an earlier version, and
        whoever put it there had no key.
        """
        if sealed.seal_of(path) == "":
            _refuse_plain(path)
            size = sealed.replace(path, None, self.ring.newest.of(path.name))
            self.notes.append(f"{path.name}, of an earlier version, was sealed ({size:,} bytes)")
        return self.of(path)


def sealed_files(data: Path) -> list[Path]:
    """The files of a folder that are sealed, or ought to be."""
    return sorted(file for pattern in SEALED for file in data.glob(pattern))


def find_keys(
    settings: Settings, *, make: bool = True, ask: bool = False, environ: Mapping[str, str] = os.environ
) -> Keys:
    """The keys of a city. `make`: where nothing is sealed yet and no key is said, make one; `ask`: want one.

    Raises BadRequest when there is none, or what should hold one does not.
    """
    data = settings.data
    beside = data / BESIDE
    if settings.key_file:
        file = Path(settings.key_file).expanduser()
        return _from_file(file if file.is_absolute() else data / file, data)
    if (said := environ.get(VARIABLE)) is not None:
        return Keys(KeyRing.read(said, VARIABLE))
    if (folder := environ.get("CREDENTIALS_DIRECTORY")) is not None and (Path(folder) / CREDENTIAL).exists():
        return _from_file(Path(folder) / CREDENTIAL, data)
    if beside.exists():
        return _from_file(beside, data)
    is_sealed = any(sealed.seal_of(file) for file in sealed_files(data))
    if ask or is_sealed:
        return _asked(data, is_sealed=is_sealed)
    if not make:
        raise BadRequest(f"the city in {data} has no key yet", where=str(beside), mend="hansa up or serve makes one")
    write_ring(beside, KeyRing((CityKey.fresh(),)), new=True)
    return Keys(_from_file(beside, data).ring, beside, beside=True, made=True)


def rotate(data: Path, keys: Keys, new: Path | None = None) -> Iterator[tuple[Path, int]]:
    """Seal every file of a sleeping city with a new key, one after the other: each and its bytes, when it is done.

    The new key is on the disk before the first file is touched, beside the old one, which stays until the last is done:
    whenever it is cut off, the city opens, and to call it again finishes it. Then the old key goes into a file of its
    own beside it, for backups that were made with it. `new`: the file of the new key, where the old one comes from the
    environment or a person; it is made where it is not there. The folder's lock is the caller's.
    """
    ring = keys.ring
    if keys.file is None:
        if new is None:
            mend = "hansa key rotate --new FILE, and put what is in it in the old one's place"
            raise BadRequest(f"the key comes from {ring.source}: the new one needs a file", where="--new", mend=mend)
        if not new.exists():
            write_ring(new, KeyRing((CityKey.fresh(),)), new=True)
        fresh = read_ring(new).newest
    elif new is not None:
        raise BadRequest(f"the new key goes where the old one is, {keys.file}", where="--new", mend="leave --new out")
    else:  # of two, the newer is of a rotation that was cut off
        fresh = ring.newest if len(ring.keys) > 1 else CityKey.fresh()
        if len(ring.keys) == 1:
            _unknown(data, keys)
            write_ring(keys.file, KeyRing((fresh, *ring.keys)))
    ring = KeyRing((fresh, *(key for key in ring.keys if key != fresh)), ring.source)
    keys = replace(keys, ring=ring)
    _unknown(data, keys)
    for path in sealed_files(data):
        wanted = fresh.of(path.name)
        if sealed.seal_of(path) == sealed.seal_id(wanted):
            continue
        yield path, sealed.replace(path, keys.of(path), wanted)
    if keys.file is not None:
        for key in ring.keys[1:]:
            kept = keys.file.with_name(f"{keys.file.name}.{key.id}")
            if not kept.exists():
                write_ring(kept, KeyRing((key,)), new=True)
        write_ring(keys.file, KeyRing((fresh,)))


def _refuse_plain(path: Path) -> None:
    if others := [one.name for one in sealed_files(path.parent) if sealed.seal_of(one)]:
        raise BadRequest(
            f"{path.name} is not sealed, though {', '.join(others)} is: who put it there had no key",
            where=path.name,
            mend="restore a backup; one of an earlier version is sealed by a city that starts in a folder of its own",
        )


def _unknown(data: Path, keys: Keys) -> None:
    """BadRequest when a file is plain, or sealed with a key that is not there."""
    for path in sealed_files(data):
        if sealed.seal_of(path) == "":
            _refuse_plain(path)
            raise BadRequest(f"{path.name} is not sealed yet", where=path.name, mend="start the city once")
        if (seal := sealed.seal_of(path)) and sealed.opens(keys.ring, path) is None:
            ids = ", ".join(key.id for key in keys.ring.keys)
            mend = "give that key too: a key file may hold several, a line each"
            raise BadRequest(f"{path.name} is sealed with a key ({seal}) that is not {ids}", where=path.name, mend=mend)


def write_ring(file: Path, ring: KeyRing, *, new: bool = False) -> None:
    """Write a key file, for its owner's eyes alone: whole or not at all, durable when it returns.

    `new`: BadRequest when there is one already.
    """
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(_REMARK + ring.text())
        out.flush()
        os.fsync(out.fileno())
    try:
        if new:
            os.link(draft, file)
            draft.unlink()
        else:
            draft.replace(file)
    except FileExistsError:
        draft.unlink()
        raise BadRequest(f"{file} is there already", where=str(file), mend="give another name") from None
    sealed.sync_folder(file.parent)


def read_ring(file: Path) -> KeyRing:
    """The keys of a key file; BadRequest when it cannot be read or holds none."""
    try:
        with file.open("rb") as there:
            body = there.read(_MOST_BYTES + 1)
        text = body.decode()
    except (OSError, UnicodeDecodeError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else "it is not text"
        mend = "is what holds it mounted? `hansa key new FILE` makes one for a city that has none"
        raise BadRequest(f"the key file {file} cannot be read: {why}", where="trust.key_file", mend=mend) from None
    if len(body) > _MOST_BYTES:
        raise BadRequest(f"{file} is no key file: it is too large", where="trust.key_file")
    return KeyRing.read(text, str(file))


def _from_file(file: Path, data: Path) -> Keys:
    keys = Keys(read_ring(file), file, beside=file.resolve().is_relative_to(data.resolve()))
    if file.stat().st_mode & 0o077:
        keys.notes.append(f"others on this machine may read the key file: chmod 600 {file}")
    return keys


def _asked(data: Path, *, is_sealed: bool) -> Keys:
    if sys.stdin is not None and sys.stdin.isatty():
        return Keys(KeyRing.read(getpass.getpass(f"Key of the city in {data}: "), "the terminal"))
    raise BadRequest(
        f"files of the city in {data} are sealed, and there is no key" if is_sealed else "a key is wanted",
        where="trust.key_file",
        mend=f"put it into {data / BESIDE}, name its file as key_file under [trust], or set {VARIABLE}",
    )
