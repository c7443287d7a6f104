"""Signed heads of a log, in text formats that others' tools read: C2SP signed-note, tlog-checkpoint, tlog-cosignature.

    hansa-5f0c9a31/audit/open
    40961
    q1uQO8...=
    time 1795369200

    — hansa-5f0c9a31/audit/open Wk3Lr...=

A head says: the log of this name has so many entries, and this root. The log's own key signs the text; a witness, such
as a neighbour city, signs text and time of its own (a co-signature), and only ever for heads that continue what it saw
before. Keys are Ed25519. A key is told as `name+id+base64` (a vkey), by which anybody can check a head offline.
Pure. Report: 4.2. Tests: `tests/trust/test_heads.py`.
"""

import re
import struct
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hansa.errors import BadRequest
from hansa.trust.merkle import HASH

LOG: Final = 0x01
"""Kind of a key that signs a note's text: a log's own."""
WITNESS: Final = 0x04
"""Kind of a key that signs a note's text with the time at which it was seen: a witness's."""

_NOTE: Final = 16_384  # bytes of one note
_LINES: Final = 32  # signatures on it
_NAME = re.compile(r"[^\s+]{1,200}\Z")
_SIZE = re.compile(r"(0|[1-9][0-9]{0,17})\Z", re.ASCII)


def unbase64(text: str, what: str) -> bytes:
    """Strict base64; BadRequest."""
    try:
        found = b64decode(text, validate=True)
    except (NotBase64, ValueError):
        found = b""
    if not found or b64encode(found).decode() != text:
        raise BadRequest(f"{what} is no base64", where=what)
    return found


@dataclass(frozen=True, slots=True)
class Head:
    """How long a log was, and its root then. `origin` names the log; `more` are lines of its keeper's own."""

    origin: str
    size: int
    root: bytes
    more: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What is signed."""
        return "\n".join((self.origin, str(self.size), b64encode(self.root).decode(), *self.more)) + "\n"

    @property
    def at(self) -> int | None:
        """When its keeper says it was made, in seconds; None when it does not say."""
        for line in self.more:
            word, _, rest = line.partition(" ")
            if word == "time" and _SIZE.match(rest):
                return int(rest)
        return None

    @classmethod
    def parse(cls, text: str) -> "Head":
        """Read one; BadRequest when it is none."""
        lines = text.split("\n")
        if lines.pop() or len(lines) < 3 or not all(lines) or not _NAME.match(lines[0]) or not _SIZE.match(lines[1]):
            raise BadRequest("this is no head of a log", where="head", mend="origin, size and root, a line each")
        origin, size, root, *more = lines
        known = unbase64(root, "root")
        if len(known) != HASH:
            raise BadRequest(f"a root has {HASH} bytes", where="root")
        return cls(origin, int(size), known, tuple(more))


class Verifier:
    """A public key and its name."""

    __slots__ = ("_key", "id", "kind", "name", "raw")

    def __init__(self, name: str, raw: bytes, kind: int = LOG) -> None:
        """`raw` are the key's 32 bytes; BadRequest when they or the name are none."""
        if not _NAME.match(name):
            raise BadRequest(f"{name[:80]!r} is no name of a key", mend="no blank and no + in it")
        if kind not in {LOG, WITNESS} or len(raw) != 32:
            raise BadRequest("this is no Ed25519 key of a log or witness", where="key")
        self.name, self.raw, self.kind = name, raw, kind
        self.id = sha256(name.encode() + b"\n" + bytes([kind]) + raw).digest()[:4]
        self._key = Ed25519PublicKey.from_public_bytes(raw)

    @classmethod
    def parse(cls, vkey: str) -> "Verifier":
        """Read `name+id+base64`; BadRequest, also when the id is not that of the key."""
        name, _, rest = vkey.strip().partition("+")
        ident, _, coded = rest.partition("+")
        data = unbase64(coded, "key")
        found = cls(name, data[1:], data[0])
        if found.id.hex() != ident:
            raise BadRequest(f"the key of {name[:80]} has another id than {ident[:20]!r}", where="key")
        return found

    @property
    def vkey(self) -> str:
        """As it is told to others."""
        return f"{self.name}+{self.id.hex()}+{b64encode(bytes([self.kind]) + self.raw).decode()}"

    def holds(self, text: str, blob: bytes) -> bool:
        """Whether `blob`, what stands on a signature line, is this key's signature of a note's text."""
        if blob[:4] != self.id:
            return False
        said, signature = text.encode(), blob[4:]
        if self.kind == WITNESS:
            if len(signature) != 8 + 64:
                return False
            said, signature = _witnessed(text, struct.unpack(">Q", signature[:8])[0]), signature[8:]
        try:
            self._key.verify(signature, said)
        except InvalidSignature:
            return False
        return True


class Signer:
    """A private key under a name, as a log's or as a witness's."""

    __slots__ = ("_key", "public")

    def __init__(self, name: str, key: Ed25519PrivateKey, kind: int = LOG) -> None:
        """Sign as `name`."""
        self._key = key
        self.public = Verifier(name, key.public_key().public_bytes_raw(), kind)

    def line(self, text: str, at_s: int = 0) -> str:
        """The signature line for a note's text; a witness's says when (seconds)."""
        if self.public.kind == WITNESS:
            blob = struct.pack(">Q", at_s) + self._key.sign(_witnessed(text, at_s))
        else:
            blob = self._key.sign(text.encode())
        return f"— {self.public.name} {b64encode(self.public.id + blob).decode()}\n"

    def sign(self, head: Head) -> str:
        """The signed note of a head."""
        return f"{head.text}\n{self.line(head.text)}"


def _witnessed(text: str, at_s: int) -> bytes:
    return f"cosignature/v1\ntime {at_s}\n{text}".encode()


@dataclass(frozen=True, slots=True)
class Note:
    """A signed text: the text, and lines of signatures by name."""

    text: str
    lines: tuple[tuple[str, bytes], ...]

    @classmethod
    def parse(cls, said: str) -> "Note":
        """Read one; BadRequest when it is none. Nothing is verified yet."""
        if len(said) > _NOTE:
            raise BadRequest(f"a signed note of more than {_NOTE:,} characters", where="note")
        text, gap, signatures = said.rpartition("\n\n")
        if not gap or not signatures.endswith("\n"):
            raise BadRequest("this is no signed note", where="note", mend="a text, an empty line, signature lines")
        return cls(f"{text}\n", signature_lines(signatures))

    @property
    def head(self) -> Head:
        """Its text as a log's head."""
        return Head.parse(self.text)

    def signed_by(self, keys: Iterable[Verifier]) -> list[Verifier]:
        """Those of `keys` whose signature stands here and holds."""
        return [
            key for key in keys if any(name == key.name and key.holds(self.text, blob) for name, blob in self.lines)
        ]


def signature_lines(said: str) -> tuple[tuple[str, bytes], ...]:
    """Names and signatures of `— name base64` lines; BadRequest."""
    lines = said[: _NOTE + 1].splitlines()
    if len(said) > _NOTE or not said.endswith("\n") or not 0 < len(lines) <= _LINES:
        raise BadRequest(f"1 to {_LINES} signature lines, each ended", where="signature")
    found = []
    for line in lines:
        dash, _, rest = line.partition(" ")
        name, _, coded = rest.partition(" ")
        if dash != "—" or not _NAME.match(name):
            raise BadRequest("a signature line is '— name base64'", where="signature")
        found.append((name, unbase64(coded, "signature")))
    return tuple(found)
