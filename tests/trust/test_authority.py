"""The city's own certificate authority: what it signs, and when a certificate is due."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from hansa.errors import BadRequest
from hansa.trust import authority
from hansa.trust.authority import Pair

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
NAMES = ["127.0.0.1", "::1", "city.example", "localhost"]


@pytest.fixture(scope="module")
def ours() -> Pair:
    return authority.make("Ružinov", NOW)


@pytest.fixture(scope="module")
def server(ours: Pair) -> Pair:
    return authority.issue(ours, NAMES, NOW)


def verify(ca: Pair, server: Pair, name: str, at: datetime) -> None:
    """As a client does that knows nothing but the authority (RFC 5280, and the web's profile of it)."""
    store = Store([x509.load_pem_x509_certificate(ca.certificate)])
    verifier = PolicyBuilder().store(store).time(at).build_server_verifier(x509.DNSName(name))
    verifier.verify(x509.load_pem_x509_certificate(server.certificate), [])


def test_a_client_that_knows_the_authority_knows_the_server(ours: Pair, server: Pair) -> None:
    verify(ours, server, "city.example", NOW + timedelta(days=89))
    with pytest.raises(VerificationError):
        verify(ours, server, "other.example", NOW)
    with pytest.raises(VerificationError):
        verify(ours, server, "city.example", NOW + timedelta(days=91))
    with pytest.raises(VerificationError):
        verify(authority.make("Ružinov", NOW), server, "city.example", NOW)


def test_an_authority_lasts_ten_years_and_signs_servers_alone(ours: Pair, server: Pair) -> None:
    ca = x509.load_pem_x509_certificate(ours.certificate)
    one = x509.load_pem_x509_certificate(server.certificate)
    assert timedelta(days=3_650) < ca.not_valid_after_utc - NOW < timedelta(days=3_660)
    assert one.not_valid_after_utc - NOW <= timedelta(days=90)
    limits = ca.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (limits.critical, limits.value.ca, limits.value.path_length) == (True, True, 0)
    assert not one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    uses = one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(uses) == [ExtendedKeyUsageOID.SERVER_AUTH]
    for pair in (ours, server):
        key = serialization.load_pem_private_key(pair.key, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        assert key.curve.name == "secp256r1"
    assert (
        one.serial_number != x509.load_pem_x509_certificate(authority.issue(ours, NAMES, NOW).certificate).serial_number
    )


def test_what_a_server_may_sign_nobody_believes(ours: Pair, server: Pair) -> None:
    forged = authority.issue(server, ["bank.example"], NOW)
    store = Store([x509.load_pem_x509_certificate(ours.certificate)])
    verifier = PolicyBuilder().store(store).time(NOW).build_server_verifier(x509.DNSName("bank.example"))
    between = [x509.load_pem_x509_certificate(server.certificate)]
    with pytest.raises(VerificationError):
        verifier.verify(x509.load_pem_x509_certificate(forged.certificate), between)


def test_a_certificate_is_due_when_its_time_or_its_names_or_its_authority_change(ours: Pair, server: Pair) -> None:
    def due(names: list[str] = NAMES, at: datetime = NOW, ca: Pair = ours, one: bytes = server.certificate) -> str:
        return authority.due(ca.certificate, one, names, at)

    assert due() == ""
    assert due(["localhost"]) == ""
    assert due(at=NOW + timedelta(days=59)) == ""
    assert "nearly over" in due(at=NOW + timedelta(days=61))
    assert "not come" in due(at=NOW - timedelta(days=1))
    assert "new.example" in due([*NAMES, "new.example"])
    assert "another authority" in due(ca=authority.make("Ružinov", NOW))
    assert "cannot be read" in due(one=b"-----BEGIN CERTIFICATE-----\nQQ==\n-----END CERTIFICATE-----\n")
    assert "cannot be read" in due(one=b"")


def test_a_server_does_not_outlive_its_authority(ours: Pair) -> None:
    late = authority.until(ours.certificate) - timedelta(days=10)
    assert authority.until(authority.issue(ours, NAMES, late).certificate) == authority.until(ours.certificate)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("City.Example.", "city.example"), ("Ružinov.sk", "xn--ruinov-4pb.sk"), ("[::1]", "::1"),
        ("fe80::1%eth0", "fe80::1"), ("10.0.0.7", "10.0.0.7"), ("a_b", "a_b"), ("", None), (".", None), ("a b", None),
        ("<b>", None), ("a..b", None), ("x" * 300, None), ("a/b", None), ("*", None),
    ],
)  # fmt: skip
def test_names_of_hosts_are_read_strictly(said: str, name: str | None) -> None:
    assert authority.host_name(said) == name


@pytest.mark.parametrize("names", [[], ["a b"], [f"h{n}.example" for n in range(101)]])
def test_what_is_no_host_gets_no_certificate(ours: Pair, names: list[str]) -> None:
    with pytest.raises(BadRequest):
        authority.issue(ours, names, NOW)


def test_an_authority_with_a_key_of_another_kind_is_refused(ours: Pair) -> None:
    key = rsa.generate_private_key(65_537, 2_048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with pytest.raises(BadRequest, match="another kind"):
        authority.issue(Pair(ours.certificate, pem), NAMES, NOW)


def test_a_fingerprint_is_what_openssl_prints_and_a_key_is_never_printed(ours: Pair) -> None:
    digest = x509.load_pem_x509_certificate(ours.certificate).fingerprint(hashes.SHA256())
    said = authority.fingerprint(ours.certificate)
    assert bytes.fromhex(said.replace(":", "")) == digest
    assert repr(ours) == f"Pair({said})"
    with pytest.raises(InvalidSignature):
        x509.load_pem_x509_certificate(ours.certificate).verify_directly_issued_by(
            x509.load_pem_x509_certificate(authority.make("Ružinov", NOW).certificate)
        )
