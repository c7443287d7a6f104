"""Blind RSA signatures: somebody signs what he does not see, and cannot tell later which of his signatures it was.

RSABSSA-SHA384-PSS-Randomized of RFC 9474: whoever wants a signature encodes his message (EMSA-PSS, SHA-384, MGF1 with
SHA-384, 48 bytes of salt, 32 random bytes before it), multiplies it by a random r**e, has the product signed and
divides by r. What is left is an ordinary RSASSA-PSS signature (RFC 8017, 8.1.2) that any library verifies; every
blinded message fits every signature equally well, so also whoever holds the private key learns nothing.
Pure. Tests: `tests/trust/test_ballots.py`, with the vectors of RFC 9474, appendix A.1; in browsers the other side is
`centres/static/participation/blind.js`.
"""

import math
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from hashlib import sha256, sha384
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    RSAPublicNumbers,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from hansa.errors import BadRequest, HansaError

BITS: Final = 2_048
"""Of a vote's key: 112 bits of security (NIST SP 800-57) until the count, when it is gone; what hides the voter does
not depend on it. With 3,072 bits each ballot that is given would hold the interpreter three times as long."""
PREFIX: Final = 32
"""Random bytes before the message (RFC 9474, section 4)."""
_E: Final = 65_537
_HASH: Final = 48
_SALT: Final = 48
_LEAST, _MOST = 2_048, 8_192  # bits of a key that somebody gives us
_PSS: Final = PSS(mgf=MGF1(SHA384()), salt_length=_SALT)


def coded(data: bytes) -> str:
    """Base64 for addresses, without padding (RFC 4648, section 5)."""
    return urlsafe_b64encode(data).decode().rstrip("=")


def uncoded(text: object, where: str, size: int | None = None) -> bytes:
    """What was `coded`, strictly; BadRequest, also when it has another size than that."""
    try:
        found = urlsafe_b64decode(text + "=" * (-len(text) % 4)) if isinstance(text, str) else b""
    except (NotBase64, ValueError):
        found = b""
    if not found or coded(found) != text or (size is not None and len(found) != size):
        raise BadRequest(f"{where} is no base64url" + ("" if size is None else f" of {size} bytes"), where=where)
    return found


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The key by which signatures are verified and messages are blinded."""

    n: int
    e: int = _E

    @classmethod
    def read(cls, jwk: object) -> Self:
        """Of a JWK (RFC 7517); BadRequest when it is none of RSA, or of a size that nobody should use."""
        if not isinstance(jwk, dict) or jwk.get("kty") != "RSA":
            raise BadRequest("this is no RSA key", where="key", mend="a JWK with kty RSA, n and e")
        n = int.from_bytes(uncoded(jwk.get("n"), "n"))
        e = int.from_bytes(uncoded(jwk.get("e"), "e"))
        if not _LEAST <= n.bit_length() <= _MOST or e != _E or n % 2 == 0:
            raise BadRequest(f"a key has {_LEAST} to {_MOST} bits, and the exponent {_E}", where="key")
        return cls(n, e)

    @property
    def jwk(self) -> dict[str, str]:
        """As it is told to others."""
        e = self.e.to_bytes((self.e.bit_length() + 7) // 8)
        return {"kty": "RSA", "n": coded(self.n.to_bytes(self.size)), "e": coded(e)}

    @property
    def size(self) -> int:
        """Bytes of a signature."""
        return (self.n.bit_length() + 7) // 8

    @property
    def fingerprint(self) -> str:
        """Its SHA-256 thumbprint (RFC 7638): two voters compare it to know that they were given the same key."""
        it = self.jwk
        return coded(sha256(f'{{"e":"{it["e"]}","kty":"RSA","n":"{it["n"]}"}}'.encode()).digest())

    def _known(self) -> RSAPublicKey:
        return RSAPublicNumbers(self.e, self.n).public_key()

    def verifier(self) -> "Verifies":
        """What verifies many signatures by this key."""
        return Verifies(self._known())


class Verifies:
    """Verifies signatures by one key."""

    __slots__ = ("_key",)

    def __init__(self, key: RSAPublicKey) -> None:
        """By this one."""
        self._key = key

    def holds(self, prepared: bytes, signature: bytes) -> bool:
        """Whether this is a signature of `prepared` (RSASSA-PSS-VERIFY)."""
        try:
            self._key.verify(signature, prepared, _PSS, SHA384())
        except InvalidSignature:
            return False
        return True


def prepared(message: bytes, prefix: bytes | None = None) -> bytes:
    """The message with 32 random bytes before it (Randomize); `prefix` is for tests."""
    return (secrets.token_bytes(PREFIX) if prefix is None else prefix) + message


def blind(
    key: PublicKey, message: bytes, *, salt: bytes | None = None, inverse: int | None = None
) -> tuple[bytes, int]:
    """The blinded message, and by what its signature is unblinded. `message` is prepared; the rest is for tests."""
    encoded = int.from_bytes(_encode(message, key.n.bit_length() - 1, salt or secrets.token_bytes(_SALT)))
    if math.gcd(encoded, key.n) != 1:
        raise HansaError("a factor of the key was found by chance")
    if inverse is None:
        inverse = secrets.randbelow(key.n - 1) + 1
    try:
        r = pow(inverse, -1, key.n)  # the inverse of a uniform number is as uniform as the number
    except ValueError:  # a factor of n: nobody will ever see it
        raise HansaError("invalid blind") from None
    return (encoded * pow(r, key.e, key.n) % key.n).to_bytes(key.size), inverse


def finalize(key: PublicKey, message: bytes, blind_signature: bytes, inverse: int) -> bytes:
    """The signature of `message` (prepared); BadRequest when what came back is none, of another key, or altered."""
    if len(blind_signature) != key.size:
        raise BadRequest(f"a signature has {key.size} bytes", where="signature")
    found = (int.from_bytes(blind_signature) * inverse % key.n).to_bytes(key.size)
    if not key.verifier().holds(message, found):
        raise BadRequest("this is no signature of what was asked", where="signature")
    return found


class Signer:
    """Signs blinded messages, by a private key."""

    __slots__ = ("_d", "_iq", "_p", "_q", "private", "public")

    def __init__(self, private: RSAPrivateKey) -> None:
        """By this one."""
        numbers = private.private_numbers()
        self.private = private
        self.public = PublicKey(numbers.public_numbers.n, numbers.public_numbers.e)
        self._p, self._q, self._d, self._iq = numbers.p, numbers.q, numbers.d, numbers.iqmp

    @classmethod
    def fresh(cls, bits: int = BITS) -> Self:
        """A new key; half a second."""
        return cls(generate_private_key(_E, bits))

    @classmethod
    def read(cls, der: bytes) -> Self:
        """As `der` wrote it down."""
        private = load_der_private_key(der, None)
        if not isinstance(private, RSAPrivateKey):
            raise HansaError("this is no RSA key")
        return cls(private)

    @property
    def der(self) -> bytes:
        """PKCS #8. It is the secret."""
        return self.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    @property
    def spki(self) -> bytes:
        """The public key, in DER."""
        return self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, blinded: bytes) -> bytes:
        """BlindSign (RFC 9474, 4.2); BadRequest when it is no number below the modulus, or one that hides nothing.

        Python's powers take longer for some numbers than for others: what is raised is multiplied by a random power
        first, so that how long it takes tells nothing of the key. A fault of the machine would give the key away, so
        what comes out is raised back.
        """
        n, e = self.public.n, self.public.e
        if len(blinded) != self.public.size:
            raise BadRequest(f"a blinded message has {self.public.size} bytes", where="blinded")
        m = int.from_bytes(blinded)
        if not 1 < m < n - 1 or math.gcd(m, n) != 1:
            raise BadRequest("this is no blinded message", where="blinded")
        mask = secrets.randbelow(n - 2) + 2
        masked = m * pow(mask, e, n) % n
        at_p = pow(masked % self._p, self._d % (self._p - 1), self._p)
        at_q = pow(masked % self._q, self._d % (self._q - 1), self._q)
        signed = (at_q + self._q * ((at_p - at_q) * self._iq % self._p)) * pow(mask, -1, n) % n
        if pow(signed, e, n) != m:
            raise HansaError("signing failed")
        return signed.to_bytes(self.public.size)


def _encode(message: bytes, bits: int, salt: bytes) -> bytes:
    """EMSA-PSS-ENCODE (RFC 8017, 9.1.1)."""
    size = (bits + 7) // 8
    if size < _HASH + len(salt) + 2:
        raise BadRequest("the key is too small", where="key")
    hashed = sha384(bytes(8) + sha384(message).digest() + salt).digest()
    block = bytes(size - len(salt) - _HASH - 2) + b"\x01" + salt
    mask = _mgf1(hashed, len(block))
    masked = bytearray(left ^ right for left, right in zip(block, mask, strict=True))
    masked[0] &= 0xFF >> (8 * size - bits)
    return bytes(masked) + hashed + b"\xbc"


def _mgf1(seed: bytes, size: int) -> bytes:
    parts = (sha384(seed + n.to_bytes(4)).digest() for n in range(-(-size // _HASH)))
    return b"".join(parts)[:size]
