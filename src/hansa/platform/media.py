"""Files that belong to entities: photographs, films, papers, notes. Kept beside a realm's store, never opened here.

What an entity has of them, its attribute `media` says, under its label and the realm's policy; the bytes lie in a file
of their own (`media-<realm>.db`, sealed where the realm is), by the SHA-256 of what they are. No picture is decoded and
no paper is read: a kind is told by the first bytes, and everything is handed out to be saved, not to be shown. What no
entity lists any more goes with the next file that comes.
"""

import threading
import time
from collections.abc import Collection, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import apsw

from hansa.collect import sheets
from hansa.errors import BadRequest, NotFound, TooLarge, UnsupportedMediaType
from hansa.limits import Limits
from hansa.platform.city import City
from hansa.platform.sqlite import sealed

KINDS: Final[Mapping[str, str]] = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "application/pdf": "pdf",
    "video/mp4": "mp4",
    "text/plain": "txt",
    sheets.CSV: "csv",
    sheets.XLSX: "xlsx",
}
"""What is taken, and the ending under which it is handed out, whatever it was called."""
_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS file (entity TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL, "
    "body BLOB NOT NULL, PRIMARY KEY (entity, sha256)) WITHOUT ROWID"
)
_BRANDS: Final = (b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"M4V ", b"qt  ", b"3gp4", b"3gp5", b"dash")
_SWEPT: Final = 50
"""Files that are looked at for whether they are still wanted, with every one that comes."""
_FRESH_S: Final = 60.0
_CONTROLS: Final = (frozenset(range(32)) | {127}) - {9, 10, 12, 13}


def kind_of(body: bytes) -> str:
    """What a file is, by its bytes. UnsupportedMediaType for all that is not taken."""
    if body.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    if body.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if body.startswith(b"%PDF-"):
        return "application/pdf"
    if body[4:8] == b"ftyp" and body[8:12] in _BRANDS:
        return "video/mp4"
    if body and _CONTROLS.isdisjoint(body):
        try:
            body.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            return "text/plain"
    raise UnsupportedMediaType(
        "this is no file that is taken", where="body", mend="JPEG, PNG, WebP, GIF, PDF, MP4, or plain text in UTF-8"
    )


class Media:
    """The files of one realm. Call it in threads."""

    def __init__(self, city: City, path: Path, key: bytes | None, limits: Limits) -> None:
        """Of the entities of `city`; the file at `path` is begun with the first one that comes."""
        self._city = city
        self._path = path
        self._key = key
        self._limits = limits
        self._lock = threading.Lock()
        self._db: apsw.Connection | None = None
        self._swept = ("", "")
        self._new: dict[tuple[str, str], float] = {}

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def keep(self, ident: str, body: bytes) -> dict[str, Any]:
        """Keep a file of an entity, durably: its `sha256`, `kind` and `size`. TooLarge, UnsupportedMediaType."""
        kind = kind_of(body)
        digest = sha256(body).hexdigest()
        with self._lock:
            db = self._open()
            self._sweep(db)
            have = db.execute("SELECT coalesce(sum(size), 0) FROM file WHERE entity = ?", (ident,)).get
            if have + len(body) > self._limits.media_of:
                raise TooLarge(
                    f"this has {have:,} bytes of files; {self._limits.media_of:,} are kept", mend="take some away"
                )
            self._put(db, ident, digest, body)
        return {"sha256": digest, "kind": kind, "size": len(body)}

    def keep_photo(self, ident: str, body: bytes, kind: str, digest: str) -> None:
        """Keep a photograph of an entity that is about to list it, durably. TooLarge."""
        checked(kind)
        with self._lock:
            db = self._open()
            self._sweep(db)
            self._new[ident, digest] = time.monotonic()
            self._put(db, ident, digest, body)

    @staticmethod
    def _put(db: apsw.Connection, ident: str, digest: str, body: bytes) -> None:
        db.execute("INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?)", (ident, digest, len(body), body))

    def body(self, ident: str, digest: str) -> bytes:
        """The bytes of a file; NotFound."""
        with self._lock:
            there = self._db is not None or self._path.exists()
            sql = "SELECT body FROM file WHERE entity = ? AND sha256 = ?"
            found = self._open().execute(sql, (ident, digest)).get if there else None
        if not isinstance(found, bytes):
            raise NotFound("there is no such file here", where=digest[:64])
        return found

    def drop(self, ident: str, digest: str) -> None:
        """Forget a file that no entity came to list."""
        with self._lock:
            self._new.pop((ident, digest), None)
            self._open().execute("DELETE FROM file WHERE entity = ? AND sha256 = ?", (ident, digest))

    def _open(self) -> apsw.Connection:
        db = self._db
        if db is None:
            self._path.touch(mode=0o600)
            db = sealed.connect(self._path, self._key, flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI)
            db.pragma("journal_mode", "wal")
            db.pragma("synchronous", "full")  # what is listed is there: the entity says so after this
            db.pragma("secure_delete", "on")  # what was taken away is gone from the file too
            db.execute(_TABLE)
            self._db = db
        return db

    def _sweep(self, db: apsw.Connection) -> None:
        """Let go what its entity lists no more: some with every file that comes, each in its turn.

        What came just now stays: the entity that lists it is still on its way.
        """
        now = time.monotonic()
        self._new = {one: at for one, at in self._new.items() if now - at < _FRESH_S}
        sql = "SELECT entity, sha256 FROM file WHERE (entity, sha256) > (?, ?) ORDER BY entity, sha256 LIMIT ?"
        looked = list(db.execute(sql, (*self._swept, _SWEPT)))
        self._swept = looked[-1] if len(looked) == _SWEPT else ("", "")
        known: dict[str, Collection[str]] = {}
        for ident, digest in looked:
            if ident not in known:
                known[ident] = listed(self._city, ident)
            if digest not in known[ident] and (ident, digest) not in self._new:
                db.execute("DELETE FROM file WHERE entity = ? AND sha256 = ?", (ident, digest))


def listed(city: City, ident: str, **how: Any) -> dict[str, dict[str, Any]]:
    """The files that an entity says it has, by SHA-256; none when it is gone, or not for this sight."""
    try:
        said = city.get(ident, **how).get("media")
    except NotFound:
        return {}
    found = said if isinstance(said, list) else []
    return {one["sha256"]: one for one in found if isinstance(one, dict) and isinstance(one.get("sha256"), str)}


def called(name: str, kind: str) -> str:
    """A name to save a file under: letters and figures of what it was called, and the ending of what it is."""
    stem = name.rpartition("/")[2].rpartition("\\")[2]
    stem = stem.rpartition(".")[0] or stem
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "_-") else "-" for char in stem)[:80]
    return f"{plain.strip('-') or 'file'}.{KINDS[kind]}"


def checked(kind: Any) -> str:
    """A kind that is one of ours; BadRequest for what somebody wrote into an entity."""
    if kind not in KINDS:
        raise BadRequest("that file is of no kind that is handed out", where="kind")
    return str(kind)
