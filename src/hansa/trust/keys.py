"""The keys of a city: one secret, from which each sealed file has a key of its own.

A city key is 32 random bytes. Written down it is one line, `hansa-key-1.<43 characters>.<8 characters>`, whose last
part says whether it was copied whole; 64 hexadecimal digits from another source are taken as well. Several keys, newest
first and a line each, are a `KeyRing`: while a city's files are being sealed anew, some still want the old one. Report:
4.2; held by tests/trust/test_city_keys.py.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hansa.errors import BadRequest

MARK: Final = "hansa-key-1"
MOST: Final = 16
"""Keys of one ring: more is no rotation but a heap."""
_BYTES: Final = 32
_TEXT: Final = re.compile(r"hansa-key-1\.([A-Za-z0-9_-]{43})\.([0-9a-f]{8})")
_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class CityKey:
    """One secret of a city; what is shown of it is its id."""

    secret: bytes = field(repr=False)

    @classmethod
    def fresh(cls) -> Self:
        """A new one."""
        return cls(secrets.token_bytes(_BYTES))

    @classmethod
    def read(cls, text: str) -> Self:
        """The key that is written in `text`; BadRequest, which never repeats it, when none is."""
        text = text.strip()
        if _HEX.fullmatch(text):
            return cls(_whole(bytes.fromhex(text)))
        found = _TEXT.fullmatch(text)
        if found is None:
            what = f"it has {len(text)} characters" if text else "it is empty"
            mend = f"a line {MARK}.….…, as `hansa key new` prints it, or 64 hexadecimal digits"
            raise BadRequest(f"this is no key: {what}", where="key", mend=mend)
        try:
            secret = base64.b64decode(found[1] + "=", altchars=b"-_", validate=True)
        except binascii.Error:  # pragma: no cover  # 43 characters of the alphabet always decode
            secret = b""
        key = cls(_whole(secret))
        if key.text().split(".")[1:] != [found[1], found[2]]:
            raise BadRequest("this key was not copied whole: its last part does not fit", where="key")
        return key

    @property
    def id(self) -> str:
        """16 hexadecimal digits by which people tell keys apart; the key cannot be told from it."""
        return self._mac(b"id")[:8].hex()

    def text(self) -> str:
        """The line it is written as. It is the secret: for a key file and for nothing else."""
        said = base64.urlsafe_b64encode(self.secret).decode().rstrip("=")
        return f"{MARK}.{said}.{self._mac(b'check')[:4].hex()}"

    def of(self, name: str) -> bytes:
        """The key of the file that is called `name` (HKDF-SHA256, RFC 5869): who has it has no other file's."""
        return HKDF(SHA256(), _BYTES, salt=None, info=b"hansa file\0" + name.encode()).derive(self.secret)

    def _mac(self, purpose: bytes) -> bytes:
        return hmac.digest(self.secret, b"hansa city key " + purpose, hashlib.sha256)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """A city's keys, the newest first: new files are sealed with that one, old ones are opened with any."""

    keys: tuple[CityKey, ...]
    source: str = ""
    """Where they come from, for people."""

    @classmethod
    def read(cls, text: str, source: str = "") -> Self:
        """The keys of a key file: a line each, `#` begins a remark. BadRequest, naming the line, for anything else."""
        keys: list[CityKey] = []
        for number, line in enumerate(text.splitlines(), 1):
            for said in line.partition("#")[0].split():
                try:
                    key = CityKey.read(said)
                except BadRequest as fault:
                    raise BadRequest(fault.detail, where=f"{source}, line {number}", mend=fault.mend) from None
                if key not in keys:
                    keys.append(key)
        if not keys or len(keys) > MOST:
            raise BadRequest(f"{len(keys)} keys in it: one, or the new and the old ones", where=source)
        return cls(tuple(keys), source)

    def text(self) -> str:
        """A key file."""
        return "".join(f"{key.text()}  # {key.id}\n" for key in self.keys)

    @property
    def newest(self) -> CityKey:
        """What is sealed from now on is sealed with this one."""
        return self.keys[0]


def _whole(secret: bytes) -> bytes:
    if len(set(secret)) < 8:  # of 32 random bytes some 30 differ
        raise BadRequest("this is no key: its bytes are not random", where="key", mend="`hansa key new` makes one")
    return secret
