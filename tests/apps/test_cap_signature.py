"""Signed and verified: what we sign others verify and the other way round; every way of cheating has its refusal."""

import base64
import copy
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cap_messages as made
import pytest
import signxml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from hansa.apps.warnings import cap
from hansa.apps.warnings.cap import signature, source
from hansa.apps.warnings.cap.reading import DSIG

DAY = timedelta(days=1)
TODAY = datetime.now(UTC).replace(microsecond=0)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)
CA_KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(
    key: Any,
    name: str = "city",
    issuer: tuple[str, Any] | None = None,
    ca: bool | None = None,
    days: tuple[int, int] = (-1, 30),
    path: int | None = None,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    by, by_key = issuer or (name, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, by)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(TODAY + days[0] * DAY)
        .not_valid_after(TODAY + days[1] * DAY)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, path), critical=True)
    return builder.sign(by_key, hashes.SHA256())


EC_CERT, RSA_CERT = certificate(EC_KEY), certificate(RSA_KEY, "rsa city")
CA_CERT = certificate(CA_KEY, "authority", ca=True)
SIGNED = cap.sign(made.full(), EC_KEY, EC_CERT)


def reason(data: bytes, *trusted: x509.Certificate, now: datetime | None = None) -> str:
    """The code that a signed message is refused with; "" where it is taken."""
    try:
        cap.verify(data, trusted, now=now)
    except cap.Refused as fault:
        return fault.faults[0].code
    return ""


def changed(change: Callable[[Any], None], data: bytes = SIGNED) -> bytes:
    root = etree.fromstring(data)
    change(root)
    return etree.tostring(root)


def part(root: Any, name: str) -> Any:
    return next(root.iter(DSIG + name))


@pytest.mark.parametrize(
    ("key", "cert", "name"), [(EC_KEY, EC_CERT, "ecdsa-sha256"), (RSA_KEY, RSA_CERT, "rsa-sha256")]
)
def test_what_we_sign_is_verified_here_and_by_others(key: Any, cert: x509.Certificate, name: str) -> None:
    data = cap.sign(made.full(), key, cert)
    told = cap.read(data, trusted=[cert], signature="required")
    assert told.alert == made.full()
    assert told.signed == cap.Signed(cert.subject.rfc4514_string(), cert.fingerprint(hashes.SHA256()).hex(), name)
    assert told.told == ()
    theirs = signxml.XMLVerifier().verify(
        data, x509_cert=cert, expect_config=signxml.SignatureConfiguration(require_x509=True)
    )
    assert theirs.signed_xml.tag.endswith("}alert")


def test_the_same_message_is_signed_with_the_same_bytes() -> None:
    assert cap.sign(made.full(), EC_KEY, EC_CERT) == SIGNED
    assert cap.sign(made.alert(), EC_KEY, EC_CERT) != cap.sign(made.alert(note="x"), EC_KEY, EC_CERT)


@pytest.mark.data
def test_what_is_signed_is_valid_by_the_schema(data: Path) -> None:
    etree.XMLSchema(etree.parse(data / "cap" / "cap12.xsd")).assertValid(etree.fromstring(SIGNED))


@pytest.mark.parametrize(
    "method", ["http://www.w3.org/2001/10/xml-exc-c14n#", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"]
)
@pytest.mark.parametrize("head", [b"", b"<?xml-stylesheet href='a.xsl' type='text/xsl'?>\n<!-- a comment -->\n"])
@pytest.mark.parametrize("prefix", ["", "cap:"])
def test_what_others_sign_is_verified_here(method: str, head: bytes, prefix: str) -> None:
    plain = cap.write(made.alert()).replace(b"\n<alert", b"\n" + head + b"<alert")
    if prefix:
        plain = plain.replace(b"</", b"</cap:").replace(b"<", b"<cap:").replace(b"<cap:/cap:", b"</cap:")
        plain = (
            plain.replace(b"<cap:?", b"<?")
            .replace(b"<cap:!", b"<!")
            .replace(b"xmlns=", b"xmlns:unused='urn:x' xmlns:cap=")
        )
    signer = signxml.XMLSigner(
        method=signxml.methods.enveloped,
        signature_algorithm="ecdsa-sha256",
        digest_algorithm="sha512",
        c14n_algorithm=method,
    )
    theirs = etree.tostring(signer.sign(etree.fromstring(plain), key=EC_KEY, cert=[EC_CERT]).getroottree())
    told = cap.read(theirs, trusted=[EC_CERT], signature="required")
    assert told.alert == made.alert()
    assert reason(theirs.replace(b"Frost", b"Sunny", 1), EC_CERT) == "signature-altered"


@pytest.mark.data
@pytest.mark.parametrize("name", ["earthquake_signed", "earthquake-iso8859-1", "canada_signed"])
def test_the_signatures_of_the_world_match_our_canonical_form(data: Path, name: str) -> None:
    """Published vectors: SHA-1, so refused as proof, but octet for octet what was signed in 2011 to 2013."""
    raw = (data / "cap" / f"{name}.cap").read_bytes()
    for number, _ in enumerate(source.parse(raw).findall(f"{DSIG}Signature")):
        root = source.parse(raw)
        every = root.findall(f"{DSIG}Signature")
        info = every[number].find(f"{DSIG}SignedInfo")
        method = info.find(f"{DSIG}CanonicalizationMethod").get("Algorithm")
        octets = signature._canonical(info, method.startswith("http://www.w3.org/2001/10/xml-exc-c14n#"), [])
        value = base64.b64decode(every[number].findtext(f"{DSIG}SignatureValue"))
        key_of(every[number]).verify(value, octets, padding.PKCS1v15(), hashes.SHA1())
        for one in every:  # Canada's second signature, too, is of the message without the first
            signature._removed(one)
        digest = hashlib.sha1(signature._canonical(root.getroottree(), exclusive=False, prefixes=[])).digest()
        assert base64.b64encode(digest).decode() == info.findtext(f".//{DSIG}DigestValue")


def key_of(one: Any) -> Any:
    enclosed = one.findtext(f".//{DSIG}X509Certificate")
    if enclosed:
        return x509.load_der_x509_certificate(base64.b64decode(enclosed)).public_key()
    modulus, exponent = (
        int.from_bytes(base64.b64decode(one.findtext(f".//{DSIG}{it}"))) for it in ("Modulus", "Exponent")
    )
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("earthquake_signed", "signature-algorithm"),
        ("earthquake-iso8859-1", "signature-algorithm"),
        ("canada_signed", "signature-many"),
        ("canada", "unsigned"),
    ],
)
def test_the_signatures_of_the_world_prove_nothing_and_are_told(data: Path, name: str, code: str) -> None:
    raw = (data / "cap" / f"{name}.cap").read_bytes()
    assert reason(raw, EC_CERT) == code
    with pytest.raises(cap.Refused):
        cap.read(raw, trusted=[EC_CERT], signature="required")
    # CAP 1.2, 3.3.4.1: a message is not to be rejected for a signature that one cannot verify.
    told = cap.read(raw, trusted=[EC_CERT])
    assert told.signed is None
    assert (code in made.codes(told.told)) == (code != "unsigned")


def test_a_message_without_a_signature_is_refused_only_where_one_is_required() -> None:
    plain = cap.write(made.alert())
    assert cap.read(plain, trusted=[EC_CERT]).signed is None
    with pytest.raises(cap.Refused) as fault:
        cap.read(plain, trusted=[EC_CERT], signature="required")
    assert fault.value.faults[0].code == "unsigned"


def test_a_signature_that_nobody_can_verify_is_told() -> None:
    assert made.codes(cap.read(SIGNED).told) == {"signature-unverified"}
    with pytest.raises(cap.Refused) as fault:
        cap.read(SIGNED, signature="required")
    assert fault.value.faults[0].code == "signature-untrusted"


def test_altered_text_is_refused_whether_or_not_a_signature_is_required() -> None:
    for old, new in (("Expected", "Past"), ("<category>", " <category>"), ("18:00", "17:30"), ("300", "3000")):
        data = made.swap(SIGNED, old, new)
        assert reason(data, EC_CERT) == "signature-altered"
        with pytest.raises(cap.Refused):
            cap.read(data, trusted=[EC_CERT])
    # What XML calls the same is the same: another quotation mark, a comment, a reference for a character.
    same = SIGNED.replace(b'xmlns="urn', b"xmlns = 'urn", 1).replace(b'cap:1.2"', b"cap:1.2'", 1)
    same = made.swap(made.swap(same, "a note", "a &#110;ote"), "<status>", "<!-- x --><status>")
    assert reason(same, EC_CERT) == ""


def test_another_key_is_refused() -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    assert reason(SIGNED, certificate(other)) == "signature-untrusted"
    # Signed with a stranger's key under our certificate's name.
    forged = cap.sign(made.full(), other, certificate(other))
    assert reason(forged, EC_CERT) == "signature-untrusted"
    ours = base64.b64encode(EC_CERT.public_bytes(serialization.Encoding.DER)).decode()

    def dressed(root: Any) -> None:
        part(root, "X509Certificate").text = ours

    assert reason(changed(dressed, forged), EC_CERT) == "signature-wrong"
    with pytest.raises(cap.Refused):
        cap.read(changed(dressed, forged), trusted=[EC_CERT])


def test_without_a_certificate_in_it_the_trusted_ones_are_tried() -> None:
    def bare(root: Any) -> None:
        part(root, "Signature").remove(part(root, "KeyInfo"))

    assert reason(changed(bare), RSA_CERT, EC_CERT) == ""
    assert reason(changed(bare), RSA_CERT) == "signature-untrusted"
    assert reason(changed(bare)) == "signature-untrusted"


def test_a_key_in_the_message_is_never_believed() -> None:
    def keyed(root: Any) -> None:
        info = part(root, "KeyInfo")
        for one in list(info):
            info.remove(one)
        value = etree.SubElement(etree.SubElement(info, f"{DSIG}KeyValue"), f"{DSIG}RSAKeyValue")
        etree.SubElement(value, f"{DSIG}Modulus").text = "AQAB"

    stranger = rsa.generate_private_key(65537, 2048)
    assert (
        reason(changed(keyed, cap.sign(made.full(), stranger, certificate(stranger))), RSA_CERT)
        == "signature-untrusted"
    )


def test_an_authority_that_is_trusted_speaks_for_those_it_certified() -> None:
    leaf = certificate(EC_KEY, "desk", ("authority", CA_KEY))
    assert reason(cap.sign(made.full(), EC_KEY, leaf), CA_CERT) == ""
    assert cap.verify(cap.sign(made.full(), EC_KEY, leaf), [CA_CERT]).subject == "CN=desk"
    # A name alone is no issue; an ordinary certificate may not issue others.
    pretender = certificate(EC_KEY, "desk", ("authority", RSA_KEY))
    assert reason(cap.sign(made.full(), EC_KEY, pretender), CA_CERT) == "signature-untrusted"
    by_city = certificate(EC_KEY, "desk", ("rsa city", RSA_KEY))
    assert reason(cap.sign(made.full(), EC_KEY, by_city), RSA_CERT) == "signature-untrusted"


def test_an_issuer_between_must_be_in_the_message_and_may_issue() -> None:
    between_key = ec.generate_private_key(ec.SECP256R1())
    leaf = certificate(EC_KEY, "desk", ("between", between_key))
    for ca, path, expected in (
        (True, None, ""),
        (False, None, "signature-untrusted"),
        (None, None, "signature-untrusted"),
    ):
        between = certificate(between_key, "between", ("authority", CA_KEY), ca=ca, path=path)
        enclosed = base64.b64encode(between.public_bytes(serialization.Encoding.DER)).decode()

        def chained(root: Any, enclosed: str = enclosed) -> None:
            etree.SubElement(part(root, "X509Data"), f"{DSIG}X509Certificate").text = enclosed

        alone = cap.sign(made.full(), EC_KEY, leaf)
        assert reason(changed(chained, alone), CA_CERT) == expected
        assert reason(alone, CA_CERT) == "signature-untrusted"
        none_below = certificate(CA_KEY, "authority", ca=True, path=0)
        assert reason(changed(chained, alone), none_below) == "signature-untrusted"


def test_a_certificate_speaks_only_while_it_is_valid() -> None:
    for days in ((-9, -1), (1, 9)):
        late = certificate(EC_KEY, days=days)
        data = cap.sign(made.full(), EC_KEY, late)
        assert reason(data, late) == "certificate-time"
        assert reason(data, late, now=TODAY + (days[0] + 1) * DAY) == ""


def test_sha_1_and_shared_secrets_are_refused() -> None:
    def method(name: str, element: str = "SignatureMethod") -> bytes:
        return changed(lambda root: part(root, element).set("Algorithm", name))

    for name in (
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "none",
        "",
    ):
        assert reason(method(name), EC_CERT) == "signature-algorithm"
    assert reason(method("http://www.w3.org/2000/09/xmldsig#sha1", "DigestMethod"), EC_CERT) == "signature-algorithm"
    assert (
        reason(method("http://www.w3.org/2006/12/xml-c14n11", "CanonicalizationMethod"), EC_CERT)
        == "signature-algorithm"
    )
    # A signature of another kind than the key.
    assert reason(method("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"), EC_CERT) == "signature-wrong"


def test_a_public_key_is_no_shared_secret() -> None:
    """HMAC under the bytes of the certificate, which everybody has, signed as an attacker would."""
    signer = signxml.XMLSigner(method=signxml.methods.enveloped, signature_algorithm="hmac-sha256")
    public = EC_CERT.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    forged = etree.tostring(signer.sign(etree.fromstring(cap.write(made.full())), key=public))
    assert reason(forged, EC_CERT) == "signature-algorithm"


def test_a_signature_wrapped_around_another_text_is_refused() -> None:
    def under_an_object(root: Any) -> None:
        """The signed message hidden in the signature, a forged one around it."""
        signed = part(root, "Signature")
        hidden = copy.deepcopy(root)
        hidden.set("Id", "real")
        etree.SubElement(signed, f"{DSIG}Object").append(hidden)
        part(root, "Reference").set("URI", "#real")
        root.find("{*}note").text = "forged"

    def by_id(root: Any) -> None:
        part(root, "Reference").set("URI", "#real")

    def no_uri(root: Any) -> None:
        del part(root, "Reference").attrib["URI"]

    def twice(root: Any) -> None:
        info = part(root, "SignedInfo")
        info.append(copy.deepcopy(part(root, "Reference")))

    def by_path(root: Any) -> None:
        part(root, "Transforms")[1].set("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")
        etree.SubElement(part(root, "Transforms")[1], f"{DSIG}XPath").text = "false()"

    def by_style(root: Any) -> None:
        part(root, "Transforms")[0].set("Algorithm", "http://www.w3.org/TR/1999/REC-xslt-19991116")

    def empty(root: Any) -> None:
        for one in list(part(root, "Transforms")):
            part(root, "Transforms").remove(one)

    def commented(root: Any) -> None:
        part(root, "DigestValue").append(etree.Comment("x"))

    for change in (by_id, no_uri, twice, by_style, empty, commented):
        assert reason(changed(change), EC_CERT) == "signature-form", change.__name__
    with pytest.raises(cap.Refused, match="more than one reference"):
        cap.verify(changed(twice), [EC_CERT])
    # These are refused too, the first as two signatures, the other for what it would compute.
    assert reason(changed(under_an_object), EC_CERT) == "signature-many"
    assert reason(changed(by_path), EC_CERT) == "signature-algorithm"


def test_a_signature_must_be_one_and_the_last() -> None:
    def doubled(root: Any) -> None:
        root.append(copy.deepcopy(part(root, "Signature")))

    def odd(root: Any) -> None:
        root.append(etree.Element(f"{DSIG}Object"))

    def moved(root: Any) -> None:
        root.insert(0, part(root, "Signature"))

    assert reason(changed(doubled), EC_CERT) == "signature-many"
    assert reason(changed(odd), EC_CERT) == "signature-form"
    assert reason(changed(moved), EC_CERT) == "schema"
    assert made.codes(cap.read(changed(doubled), trusted=[EC_CERT]).told) == {"signature-many"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(
            (name, text)
            for name in ("SignatureValue", "DigestValue", "X509Certificate")
            for text in ("", "not base64!", "AAAA" * 6_000)
        ),
        ("X509Certificate", "AAAA"),
    ],
)
def test_what_is_no_base64_or_no_certificate_is_refused(name: str, text: str) -> None:
    assert reason(changed(lambda root: setattr(part(root, name), "text", text)), EC_CERT) == "signature-form"


@pytest.mark.parametrize("value", [b"\x00" * 64, b"\xff" * 64, b"\x00" * 63, b"\x01" * 65])
def test_a_value_that_is_no_signature_is_refused(value: bytes) -> None:
    data = changed(lambda root: setattr(part(root, "SignatureValue"), "text", base64.b64encode(value).decode()))
    assert reason(data, EC_CERT) == "signature-wrong"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2_000), st.integers(1, 255)), min_size=1, max_size=3))
def test_a_certificate_of_any_octets_is_refused_with_a_reason(flips: list[tuple[int, int]]) -> None:
    octets = bytearray(CA_CERT.public_bytes(serialization.Encoding.DER))
    for place, bits in flips:
        octets[place % len(octets)] ^= bits
    data = changed(lambda root: setattr(part(root, "X509Certificate"), "text", base64.b64encode(octets).decode()))
    assert reason(data, EC_CERT).startswith(("signature-", "certificate-")) or bytes(octets) == CA_CERT.public_bytes(
        serialization.Encoding.DER
    )


def test_weak_keys_and_foreign_certificates_sign_nothing() -> None:
    weak = rsa.generate_private_key(65537, 1024)
    odd = ec.generate_private_key(ec.SECP256K1())
    for key, cert in ((weak, certificate(weak)), (odd, certificate(odd)), (EC_KEY, RSA_CERT)):
        with pytest.raises(cap.Refused) as fault:
            cap.sign(made.alert(), key, cert)
        assert fault.value.faults[0].code == "signature-key"


def test_bytes_are_signed_as_they_are_written_here_and_once() -> None:
    data = cap.sign(cap.write(made.alert()), EC_KEY, EC_CERT)
    assert cap.read(data, trusted=[EC_CERT], signature="required").alert == made.alert()
    with pytest.raises(cap.Refused) as fault:
        cap.sign(data, EC_KEY, EC_CERT)
    assert fault.value.faults[0].code == "signature-many"
    with pytest.raises(cap.Refused):
        cap.sign(made.alert(sender="a b"), EC_KEY, EC_CERT)


def enclosing(key: Any, *certificates: x509.Certificate) -> bytes:
    """A message of a stranger, with these certificates in it instead of his own."""

    def change(root: Any) -> None:
        data = part(root, "X509Data")
        for one in list(data):
            data.remove(one)
        for one in certificates:
            octets = one.public_bytes(serialization.Encoding.DER)
            etree.SubElement(data, f"{DSIG}X509Certificate").text = base64.b64encode(octets).decode()

    return changed(change, cap.sign(made.full(), key, certificate(key)))


def large_exponent() -> rsa.RSAPrivateKey:
    """A key that is quick to sign with, and slow to verify with: its exponent is as long as its modulus."""
    numbers = RSA_KEY.private_numbers()
    p, q = numbers.p, numbers.q
    order, secret = (p - 1) * (q - 1), (1 << 2_000) + 1
    while True:
        try:
            public = pow(secret, -1, order)
            break
        except ValueError:
            secret += 2
    whole = rsa.RSAPrivateNumbers(
        p, q, secret, secret % (p - 1), secret % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(public, p * q)
    )
    return whole.private_key(unsafe_skip_rsa_key_validation=True)


def test_certificates_that_issue_each_other_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = large_exponent()
    mesh = [certificate(slow, "m", ca=True) for _ in range(signature.CERTIFICATES)]
    asked: list[str] = []
    really = signature._certifies

    def counted(issuer: x509.Certificate, one: x509.Certificate) -> bool:
        asked.append(issuer.subject.rfc4514_string())
        return really(issuer, one)

    monkeypatch.setattr(signature, "_certifies", counted)
    assert reason(enclosing(EC_KEY, *mesh), CA_CERT) == "signature-untrusted"
    assert asked == [], "no stranger's key is computed with"
    # Under a trusted authority's name, its key is asked once for each, also where time is looked at twice.
    named = [certificate(EC_KEY, "m", ("authority", RSA_KEY), ca=True) for _ in range(signature.CERTIFICATES)]
    assert reason(enclosing(EC_KEY, *named), CA_CERT) == "signature-untrusted"
    assert asked == ["CN=authority"] * signature.CERTIFICATES
    # Those of a mesh that an authority did issue are walked once each, and no longer way is taken.
    asked.clear()
    mates = [certificate(EC_KEY, "authority", ("authority", CA_KEY), ca=True) for _ in range(4)]
    assert reason(enclosing(EC_KEY, *mates), CA_CERT) == ""
    assert len(asked) == len(mates)


def test_a_key_that_is_slow_to_verify_with_is_refused_also_where_it_is_trusted() -> None:
    slow = large_exponent()
    ours = certificate(slow, "slow")
    # Nothing is signed with it here; a stranger's text under its certificate is not even verified.
    assert reason(enclosing(RSA_KEY, ours), ours) == "signature-key"
    issuer = certificate(slow, "slow", ca=True)
    leaf = certificate(RSA_KEY, "leaf", ("slow", slow))
    assert reason(enclosing(RSA_KEY, leaf), issuer) == "signature-untrusted"


def test_longer_chains_than_three_issuers_are_refused() -> None:
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    names = ("authority", "a", "b", "c")
    above = (CA_KEY, *keys)
    between = [certificate(keys[n], names[n + 1], (names[n], above[n]), ca=True) for n in range(3)]
    for depth, expected in ((2, ""), (3, "signature-untrusted")):
        leaf = certificate(EC_KEY, "desk", (names[depth], above[depth]))
        # The issuers between are trusted for whom they issued, and sign nothing of this message themselves.
        assert reason(enclosing(EC_KEY, leaf, *between[:depth]), CA_CERT) == expected


def test_very_many_namespaces_or_attributes_are_refused_before_they_cost_anything() -> None:
    many = " ".join(f'xmlns:a{n}="urn:{n}"' for n in range(source.SPACES + 1)).encode()
    assert reason(SIGNED.replace(b"<alert ", b"<alert " + many + b" ", 1), EC_CERT) == "too-many"
    below = SIGNED.replace(b"<SignedInfo", b"<SignedInfo " + many, 1)
    assert reason(below, EC_CERT) == "too-many"
    few = b" ".join(many.split()[: source.SPACES // 2])
    assert reason(SIGNED.replace(b"<alert ", b"<alert " + few + b" ", 1), EC_CERT) == "", "exclusive: unused ones"
    attributes = " ".join(f'b{n}="1"' for n in range(signature.ATTRIBUTES + 1)).encode()
    assert reason(SIGNED.replace(b"<SignedInfo", b"<SignedInfo " + attributes, 1), EC_CERT) == "signature-form"
