"""The city's own certificate authority: what it signs, for how long, and when a certificate is due to be replaced.

A city that is reached over a network and was given no certificate makes its own: an authority that lasts ten years,
whose certificate people and devices are given once (`hansa ca show`), and a server's certificate of at most 90 days,
which the city renews by itself. Keys are ECDSA on P-256. Pure: PEM in, PEM out; files and sockets are `serve.tls`'s.
Wall time throughout. Report: 4.2. Source: RFC 5280; CA/Browser Forum Baseline Requirements for lifetimes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hansa.errors import BadRequest

AUTHORITY: Final = timedelta(days=3_652)
SERVER: Final = timedelta(days=90)
RENEW: Final = timedelta(days=30)
"""A server's certificate with less than this is replaced: a month in which a failing renewal can be mended."""
_SLACK: Final = timedelta(hours=1)  # a device whose clock is somewhat behind must not refuse a certificate of today
_NAMES: Final = 100  # of one certificate
_LABELS: Final = 253  # the longest name of a host


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes

    def __repr__(self) -> str:
        """Without the key, wherever it is printed."""
        return f"Pair({fingerprint(self.certificate)})"


def make(city: str, now: datetime) -> Pair:
    """A new authority of a city; it may sign servers and nothing that signs in turn."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{city[:40]} city authority")])
    built = (
        _builder(name, name, key.public_key(), now, now + AUTHORITY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return _signed(built, key, key)


def issue(authority: Pair, names: Iterable[str], now: datetime) -> Pair:
    """A server's certificate for these host names and addresses; BadRequest when one of them is neither."""
    said = sorted(set(names))
    if not 0 < len(said) <= _NAMES:
        raise BadRequest(f"a certificate names 1 to {_NAMES} hosts, not {len(said)}", where="names")
    above = x509.load_pem_x509_certificate(authority.certificate)
    signer = serialization.load_pem_private_key(authority.key, None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise BadRequest("the city's authority has a key of another kind than it makes", where="tls/ca.key")
    key = ec.generate_private_key(ec.SECP256R1())
    end = min(now + SERVER, above.not_valid_after_utc)
    # The name that people read; what a client compares are the alternative names alone (RFC 9525).
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, said[0][:64])])
    built = (
        _builder(subject, above.subject, key.public_key(), now, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general(one) for one in said]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    return _signed(built, signer, key)


def due(authority: bytes, certificate: bytes, names: Iterable[str], now: datetime) -> str:
    """Why a server's certificate must be replaced now; empty when it need not."""
    try:
        one = x509.load_pem_x509_certificate(certificate)
        above = x509.load_pem_x509_certificate(authority)
    except ValueError:
        return "it cannot be read"
    try:
        one.verify_directly_issued_by(above)
    except (ValueError, TypeError, InvalidSignature):
        return "another authority signed it"
    if not one.not_valid_before_utc <= now < one.not_valid_after_utc - RENEW:
        return "its time is nearly over" if now >= one.not_valid_before_utc else "its time has not come"
    held = one.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    if missing := set(names) - {str(general.value) for general in held}:
        return f"it does not name {min(missing)}"
    return ""


def fingerprint(certificate: bytes) -> str:
    """SHA-256 of a certificate, as browsers and `openssl x509 -fingerprint` print it."""
    digest = x509.load_pem_x509_certificate(certificate).fingerprint(hashes.SHA256())
    return digest.hex(":").upper()


def until(certificate: bytes) -> datetime:
    """When a certificate ends."""
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc


def host_name(said: str) -> str | None:
    """A name as a certificate can bear it: lower case, in its ASCII form; None when it is no name of a host."""
    text = said.strip().rstrip(".").lower()
    try:
        return str(ip_address(text.strip("[]").partition("%")[0]))
    except ValueError:
        pass
    try:
        text = text.encode("idna").decode()
    except UnicodeError:
        return None
    plain = text.replace("-", "a").replace(".", "a").replace("_", "a")
    return text if text and len(text) <= _LABELS and plain.isalnum() and ".." not in text else None


def _general(name: str) -> x509.GeneralName:
    sound = host_name(name)
    if sound is None:
        raise BadRequest(f"{name[:80]!r} is no host", where="names", mend="a name such as city.example, or an address")
    try:
        return x509.IPAddress(ip_address(sound))
    except ValueError:
        return x509.DNSName(sound)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before((now - _SLACK).astimezone(UTC))
        .not_valid_after(end.astimezone(UTC))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _signed(
    built: x509.CertificateBuilder, signer: ec.EllipticCurvePrivateKey, key: ec.EllipticCurvePrivateKey
) -> Pair:
    form, how = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return Pair(
        built.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, form, how),
    )
