"""instanceIds: what names an instance of history for good, told so that nobody can count by it.

An instance is known by its place in the log. Said openly, two of them would tell whoever may see little how much has
happened between them that he may not see; so that place is enciphered with a key of the file's own.
"""

import re
import secrets
import struct
from typing import Any, Final, NamedTuple

import apsw
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_ID = re.compile(r"urn:ngsi-ld:Instance:([0-9a-f]{32})\.([0-9a-f]{1,16})\Z")
_BLOCK: Final = struct.Struct(">qq")
_MASK: Final = (1 << 64) - 1


class Key(NamedTuple):
    """What names an instance for good: the seq, dataset and instant with which it was first said."""

    seq: int
    d: int
    at: int

    def head(self) -> bytes:
        """How x begins in a row that took this one's place."""
        return b"\xc1%019d%016x" % (self.seq, self.at & _MASK)


class Veil:
    """The instanceIds of one file."""

    def __init__(self, key: bytes) -> None:
        """Encipher with 16 bytes that the file alone knows."""
        # One block each, and no two blocks mean the same: there is nothing here that another mode would hide.
        # nosemgrep: no-broken-cipher  # noqa: ERA001
        cipher: Cipher[Any] = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305  # nosec B305
        self._hide = cipher.encryptor().update
        self._show = cipher.decryptor().update

    @classmethod
    def of(cls, db: apsw.Connection) -> "Veil":
        """That of a file; a file that no writer has opened yet has shown its ids to nobody."""
        row = next(iter(db.execute("SELECT value FROM meta WHERE key = 'veil'")), None)
        return cls(secrets.token_bytes(16) if row is None else bytes(row[0]))

    def ident(self, seq: int, d: int, at: int) -> str:
        """The instanceId of what was first said with `seq`, of a dataset, at an instant."""
        return f"urn:ngsi-ld:Instance:{self._hide(_BLOCK.pack(seq, d)).hex()}.{at & _MASK:x}"

    def key(self, ident: str) -> Key | None:
        """What an instanceId names; None for an URI that is none of ours."""
        found = _ID.match(ident)
        if found is None:
            return None
        seq, d = _BLOCK.unpack(self._show(bytes.fromhex(found[1])))
        at = int(found[2], 16)
        return Key(seq, d, at - (1 << 64) if at >> 63 else at)
