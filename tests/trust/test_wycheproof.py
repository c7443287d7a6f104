"""Project Wycheproof's vectors, by the functions that tokens are checked with: nothing invalid passes.

JWS writes an ECDSA signature as r and s side by side (RFC 7518, 3.4), the vectors as DER. What is no DER, and what has
an r or s of more than 32 bytes, cannot be written in a token at all; the library below `jose.verify`, which takes DER,
refuses those too.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_der_public_key

from hansa.trust import jose

pytestmark = pytest.mark.data
Vectors = list[tuple[dict[str, Any], dict[str, Any]]]


@pytest.fixture
def vectors(data: Path):
    def read(name: str) -> Vectors:
        file = data / "trust" / "wycheproof" / f"{name}_test.json"
        if not file.exists():
            pytest.skip("Wycheproof's vectors are not here")
        said = json.loads(file.read_text())
        found = [(group, one) for group in said["testGroups"] for one in group["tests"]]
        assert len(found) == said["numberOfTests"] > 100
        return found

    return read


def coordinate(text: str) -> str:
    return jose.encode(int(text, 16).to_bytes(32))


def side_by_side(der: bytes) -> bytes | None:
    """A DER signature as JWS writes it; None when it cannot be written so."""
    try:
        r, s = decode_dss_signature(der)
        return r.to_bytes(32) + s.to_bytes(32)
    except (ValueError, OverflowError):
        return None


def test_ecdsa_on_p256(vectors):
    written = 0
    for group, one in vectors("ecdsa_secp256r1_sha256"):
        point = group["publicKey"]
        key = jose.read_key({"kty": "EC", "crv": "P-256", "x": coordinate(point["wx"]), "y": coordinate(point["wy"])})
        message, der = bytes.fromhex(one["msg"]), bytes.fromhex(one["sig"])
        valid = one["result"] == "valid"
        raw = side_by_side(der)
        if raw is None:
            assert not valid, one
            with pytest.raises(InvalidSignature):
                load_der_public_key(bytes.fromhex(group["publicKeyDer"])).verify(der, message, ECDSA(hashes.SHA256()))
            continue
        written += 1
        assert jose.verify(key, "ES256", message, raw) is valid, one
        assert not jose.verify(key, "ES256", message, der), "a token has r and s side by side, and nothing else"
        assert not jose.verify(key, "ES256", message, raw + b"\0")
        assert not jose.verify(key, "ES256", message, b"\0" + raw[:32] + b"\0" + raw[32:])
    assert written > 174, "every valid one can be written, and some that are not"


@pytest.mark.parametrize("algorithm", ["EdDSA", "Ed25519"])
def test_ed25519(vectors, algorithm):
    for group, one in vectors("ed25519"):
        key = jose.read_key(group["publicKeyJwk"])
        found = jose.verify(key, algorithm, bytes.fromhex(one["msg"]), bytes.fromhex(one["sig"]))
        assert found is (one["result"] == "valid"), one


def test_rsa_pkcs1_of_2048_bits(vectors):
    acceptable = []
    for group, one in vectors("rsa_signature_2048_sha256"):
        key = jose.read_key(group["keyJwk"])
        found = jose.verify(key, "RS256", bytes.fromhex(one["msg"]), bytes.fromhex(one["sig"]))
        if one["result"] == "acceptable":
            acceptable.append((one["tcId"], one["comment"], found))
            continue
        assert found is (one["result"] == "valid"), one
        assert not jose.verify(key, "PS256", bytes.fromhex(one["msg"]), bytes.fromhex(one["sig"]))
    # Refused: RFC 8017, 9.2 has the NULL in what is signed, and what leaves it out is another encoding of the same.
    assert acceptable == [(8, "Missing NULL in the ASN encoding", False)]


def test_aes_gcm(vectors):
    """What the cookie of a sign-in is sealed with (`platform.openid`): by its own nonces, of 96 bits."""
    too_short = 0
    for group, one in vectors("aes_gcm"):
        sealed = bytes.fromhex(one["ct"]) + bytes.fromhex(one["tag"])
        nonce = bytes.fromhex(one["iv"])
        box = AESGCM(bytes.fromhex(one["key"]))
        opened: bytes | None = None
        try:
            opened = box.decrypt(nonce, sealed, bytes.fromhex(one["aad"]))
        except InvalidTag:
            pass
        except ValueError:  # a nonce of less than 8 or more than 128 bytes: the library takes none such
            assert not 64 <= group["ivSize"] <= 1_024
            too_short += one["result"] == "valid"
            continue
        assert (opened is not None) is (one["result"] == "valid"), one
        assert opened is None or opened == bytes.fromhex(one["msg"])
    assert too_short < 30
