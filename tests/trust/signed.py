"""Keys, and tokens that say whatever a test wants, also what no library would sign."""

import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from hansa.trust import jose

NOW = 1_800_000_000.0
_OKP, _EC, _RSA = OKPKey.generate_key("Ed25519"), ECKey.generate_key("P-256"), RSAKey.generate_key(2_048)
SIGNERS = {"EdDSA": _OKP, "Ed25519": _OKP, "ES256": _EC, "RS256": _RSA, "PS256": _RSA}


def public(algorithm: str = "EdDSA", **more: Any) -> dict[str, Any]:
    """The public JWK of the key that signs by `algorithm`."""
    return {**SIGNERS[algorithm].as_dict(private=False), **more}


def private(algorithm: str = "EdDSA") -> dict[str, Any]:
    return dict(SIGNERS[algorithm].as_dict(private=True))


def part(value: Any) -> str:
    return jose.encode(value if isinstance(value, bytes) else json.dumps(value).encode())


def token(claims: Any, header: Any = None, *, algorithm: str = "EdDSA", signer: Any = None) -> str:
    """A token with any header and claims, signed by `algorithm` whatever its header says."""
    said = f"{part({'alg': algorithm} if header is None else header)}.{part(claims)}"
    model = JWSRegistry.algorithms["Ed25519" if algorithm == "EdDSA" else algorithm]
    return f"{said}.{jose.encode(model.sign(said.encode(), signer or SIGNERS[algorithm]))}"


def keyed(claims: Any, secret: bytes, **header: Any) -> str:
    """A token with an HMAC: what a thief makes who takes a public key for a secret."""
    said = f"{part({'alg': 'HS256', **header})}.{part(claims)}"
    return f"{said}.{jose.encode(hmac.new(secret, said.encode(), hashlib.sha256).digest())}"


def short_rsa(bits: int = 1_024) -> dict[str, str]:
    """The public JWK of an RSA key that is too short."""
    numbers = rsa.generate_private_key(65_537, bits).public_key().public_numbers()
    return {"kty": "RSA", "n": jose.encode(numbers.n.to_bytes(bits // 8)), "e": "AQAB"}
