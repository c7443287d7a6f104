"""An authenticator made of software: it answers the city's WebAuthn questions as a browser would hand them on."""

import base64
import hashlib
import json
import secrets
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

UP, UV, AT = 0x01, 0x04, 0x40


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class SoftKey:
    """One passkey. Whatever of its answers is to be wrong is said by name."""

    def __init__(self, origin: str, *, counts: bool = True) -> None:
        self.origin = origin
        self.counts = counts
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(32)
        self.count = 0
        self.handle = b""

    def _client(self, kind: str, options: dict[str, Any], origin: str | None, challenge: bytes | None) -> bytes:
        said = {
            "type": kind,
            "challenge": options["challenge"] if challenge is None else b64(challenge),
            "origin": origin or self.origin,
            "crossOrigin": False,
        }
        return json.dumps(said).encode()

    def _data(self, site: str, flags: int, more: bytes = b"") -> bytes:
        if self.counts:
            self.count += 1
        return hashlib.sha256(site.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big") + more

    def cose(self) -> bytes:
        """Its public key."""
        numbers = self.key.public_key().public_numbers()
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})

    def signature(self, data: bytes) -> bytes:
        """Its signature."""
        return self.key.sign(data, ec.ECDSA(SHA256()))

    def make(
        self, options: dict[str, Any], *, origin: str | None = None, challenge: bytes | None = None,
        verified: bool = True, site: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        self.handle = unb64(options["user"]["id"])
        known = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + self.cose()
        data = self._data(site or options["rp"]["id"], UP | AT | (UV if verified else 0), known)
        response = {
            "clientDataJSON": b64(self._client("webauthn.create", options, origin, challenge)),
            "attestationObject": b64(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
        }
        return {"id": b64(self.id), "rawId": b64(self.id), "type": "public-key", "response": response}

    def sign(
        self, options: dict[str, Any], *, origin: str | None = None, challenge: bytes | None = None,
        verified: bool = True, site: str | None = None, count: int | None = None, handle: bytes | None = None,
        spoilt: bool = False, across: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        if count is not None:
            self.count = count - 1
        data = self._data(site or options["rpId"], UP | (UV if verified else 0))
        client = self._client("webauthn.get", options, origin, challenge)
        if across:
            client = client.replace(b'"crossOrigin": false', b'"crossOrigin": true')
        signature = self.signature(data + hashlib.sha256(client).digest())
        response = {
            "clientDataJSON": b64(client),
            "authenticatorData": b64(data),
            "signature": b64(signature[:-1] + bytes([signature[-1] ^ 1]) if spoilt else signature),
            "userHandle": b64(self.handle if handle is None else handle),
        }
        return {"id": b64(self.id), "rawId": b64(self.id), "type": "public-key", "response": response}
