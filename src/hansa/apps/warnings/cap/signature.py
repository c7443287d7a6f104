"""Signed and verified: one enveloped XML signature of the whole message (CAP 1.2, 3.3.4.1; W3C XML-DSig core 1.1).

Only one shape of signature is read, so that what is verified is what is read: the last child of the outermost element,
with one reference, to the whole document (URI=""), less the signature itself. XPath, XSLT, several references, objects
and identifiers, by which signatures are wrapped around other texts, are refused unread. Keys come from the certificates
that the caller trusts, never from the message: a certificate in it is only looked at to see who issued it. HMAC is no
algorithm here, so no public key can be taken for a shared secret; SHA-1 proves nothing any more.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from lxml import etree

from hansa.apps.warnings.cap.faults import Refused, refuse
from hansa.apps.warnings.cap.reading import DSIG

WHERE: Final = "alert/Signature"
CERTIFICATES: Final = 5  # in a message
CHAIN: Final = 3  # issuers between a signer and a trusted certificate, that one included
RSA_BITS: Final = 2048
RSA_MOST: Final = 8192  # larger ones only keep the verifier busy
RSA_EXPONENT: Final = 2**32  # the same: 65537 is usual, and work grows with its bits
ATTRIBUTES: Final = 8  # of an element of a signature, where Id, Algorithm and URI are known; they are sorted one by one
_SIGNED: Final = 20_000  # characters of base64 that a certificate or a signature may have
_NS: Final = DSIG[1:-1]
_MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
_EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_INCLUSIVE: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_ENVELOPED: Final = f"{_NS}enveloped-signature"
# Comments are never part of what is compared: a reference to "" leaves them out, and a signature may have none.
_CANONICAL: Final = {_EXCLUSIVE, _EXCLUSIVE + "WithComments", _INCLUSIVE, _INCLUSIVE + "#WithComments"}
_DIGESTS: Final = {
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    f"{_MORE}sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
_HASHES: Final = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
_METHODS: Final = {f"{_MORE}{kind}-{name}": (kind, name) for kind in ("rsa", "ecdsa") for name in _HASHES}
_CURVES: Final = {"secp256r1", "secp384r1", "secp521r1"}
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Signed:
    """By whom a message is signed, as far as the caller's trust goes."""

    subject: str  # RFC 4514
    fingerprint: str  # SHA-256 of the certificate, hexadecimal
    algorithm: str  # as ecdsa-sha256


@dataclass(frozen=True, slots=True)
class _Said:
    """What a signature says of itself, taken apart and not yet believed."""

    info: Any
    canonical: tuple[bool, list[str]]
    method: str
    digest: tuple[bool, list[str]]
    digest_name: str
    digest_value: bytes
    value: bytes
    certificates: tuple[x509.Certificate, ...]


def verified(root: Any, signatures: Sequence[Any], trusted: Iterable[x509.Certificate], now: datetime | None) -> Signed:
    """Who signed the document; Refused with the reason when nobody trusted did. The signature is taken out of `root`.

    `now` is for the certificates' validity: wall time unless said, since the city's clock may be a simulated one.
    """
    if not signatures:
        raise refuse("unsigned", "alert", "not signed; a signature is required")
    if len(list(root.iter(f"{DSIG}Signature"))) > 1:
        raise refuse("signature-many", WHERE, "more than one signature; nobody can tell which of them speaks for it")
    if len(signatures) > 1 or signatures[0] is not root[-1] or signatures[0].tag != f"{DSIG}Signature":
        raise refuse("signature-form", WHERE, "the signature is not the last element of the message")
    said = _taken_apart(signatures[0])
    at = now or datetime.now(UTC)
    signers = _signers(said, tuple(trusted), at)
    octets = _canonical(said.info, *said.canonical)
    signer = next((it for it in signers if _made_by(it, said, octets)), None)
    if signer is None and any(_made_by(it, said, octets) for it in said.certificates if it not in signers):
        raise _untrusted(said)
    if signer is None and said.certificates:
        raise refuse("signature-wrong", WHERE, "the signature was not made with the key of the certificate in it")
    if signer is None:
        raise refuse("signature-untrusted", WHERE, "it was signed by none of those who are trusted here")
    _removed(signatures[0])
    found = hashlib.new(said.digest_name, _canonical(root.getroottree(), *said.digest)).digest()
    if not hmac.compare_digest(found, said.digest_value):
        raise refuse("signature-altered", WHERE, "the text was altered after it was signed")
    print_ = signer.fingerprint(hashes.SHA256()).hex()
    return Signed(signer.subject.rfc4514_string(), print_, "-".join(_METHODS[said.method]))


def _canonical(node: Any, exclusive: bool, prefixes: list[str]) -> bytes:
    """The octets of a document, or of an element within it, that a digest or a signature is made of."""
    if not exclusive and not hasattr(node, "getroot"):
        # Of an element within a document, libxml2's inclusive form has xmlns="" where there is none; as a document of
        # its own, with the namespaces in scope, it comes out as the signers of the world have it.
        node = etree.fromstring(etree.tostring(node, with_tail=False), etree.XMLParser(resolve_entities=False))
    octets: bytes = etree.tostring(
        node, method="c14n", exclusive=exclusive, with_comments=False, inclusive_ns_prefixes=prefixes or None
    )
    return octets


def _removed(element: Any) -> None:
    """Take an element out and leave the text behind it, as the enveloped-signature transform does."""
    parent, before = element.getparent(), element.getprevious()
    if element.tail:
        if before is None:
            parent.text = (parent.text or "") + element.tail
        else:
            before.tail = (before.tail or "") + element.tail
    parent.remove(element)


def _form(why: str) -> Refused:
    return refuse("signature-form", WHERE, why)


def _children(element: Any, *names: str, last: str = "") -> list[Any]:
    """The children, which must be these, in this order; `last` may be missing."""
    found = list(element)
    tags = [it.tag for it in found]
    wanted = [DSIG + it for it in names]
    if tags != wanted and not (last and tags == [*wanted, DSIG + last]):
        told = ", ".join(str(it).removeprefix(DSIG) if isinstance(it, str) else "a comment" for it in tags[:8])
        raise _form(f"{element.tag.removeprefix(DSIG)} holds {told or 'nothing'}; it should be {', '.join(names)}")
    return found


def _taken_apart(signature: Any) -> _Said:
    if any(not isinstance(it.tag, str) for it in signature.iter()):
        raise _form("a comment or an instruction in the signature")
    if any(len(it.attrib) > ATTRIBUTES for it in signature.iter()):
        raise _form(f"an element with more than {ATTRIBUTES} attributes")
    info, value, *key = _children(signature, "SignedInfo", "SignatureValue", last="KeyInfo")
    if [it.tag for it in info].count(f"{DSIG}Reference") > 1:
        raise _form("more than one reference; a message's signature has one, to the whole message")
    canonical, method, reference = _children(info, "CanonicalizationMethod", "SignatureMethod", "Reference")
    if reference.get("URI") != "":
        why = f"the reference is to {str(reference.get('URI'))[:60]!r}, not to the whole message"
        raise _form(why)
    transforms, digest, digest_value = _children(reference, "Transforms", "DigestMethod", "DigestValue")
    if len(method) or len(digest):
        raise _form("parameters of an algorithm, which none of those taken has")
    _known(method, _METHODS, "signature method")
    _known(digest, _DIGESTS, "digest method")
    return _Said(
        info=info,
        canonical=_method(canonical),
        method=method.get("Algorithm"),
        digest=_transformed(transforms),
        digest_name=_DIGESTS[digest.get("Algorithm")],
        digest_value=_base64(digest_value),
        value=_base64(value),
        certificates=_certificates(key[0]) if key else (),
    )


def _known(element: Any, known: Iterable[str], what: str) -> None:
    name = element.get("Algorithm") or ""
    if name in set(known):
        return
    short = name.rpartition("#")[2] or name
    why = f"{what} {short[:80]} is not taken"
    if "hmac" in name:
        why = f"{short[:80]} proves nothing: whoever can verify it can make it"
    elif "sha1" in name or "md5" in name:
        why = f"{short[:80]}: two texts can be made with one such digest"
    raise refuse("signature-algorithm", WHERE, why)


def _method(element: Any) -> tuple[bool, list[str]]:
    """How a part is made canonical: exclusively or not, and the prefixes that are kept all the same."""
    name = element.get("Algorithm")
    if name not in _CANONICAL:
        raise refuse("signature-algorithm", WHERE, f"canonicalization {str(name)[:80]} is not taken")
    if not len(element):
        return name.startswith(_EXCLUSIVE), []
    kept = element[0]
    if len(element) > 1 or kept.tag != f"{{{_EXCLUSIVE}}}InclusiveNamespaces" or not name.startswith(_EXCLUSIVE):
        raise _form("parameters of a canonicalization that are none of it")
    return True, [it for it in (kept.get("PrefixList") or "").split() if it != "#default"][:20]


def _transformed(transforms: Any) -> tuple[bool, list[str]]:
    names = [it.get("Algorithm") for it in transforms]
    if any(it.tag != f"{DSIG}Transform" for it in transforms) or names[:1] != [_ENVELOPED] or len(names) > 2:
        told = ", ".join(str(it).rpartition("/")[2][:40] for it in names[:5])
        raise _form(f"the transforms are {told or 'none'}; they should be enveloped-signature and a canonicalization")
    if len(transforms[0]):
        raise _form("parameters of the enveloped-signature transform, which has none")
    # Without one, what the transforms leave is made canonical inclusively (XML-DSig, 4.4.3.2).
    return _method(transforms[1]) if len(names) == 2 else (False, [])


def _base64(element: Any) -> bytes:
    text = re.sub(r"[ \t\r\n]+", "", element.text or "")
    wrong = _form(f"{element.tag.removeprefix(DSIG)} is no base64")
    if len(element) or not text or len(text) > _SIGNED:
        raise wrong
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise wrong from None


def _certificates(key: Any) -> tuple[x509.Certificate, ...]:
    found: list[x509.Certificate] = []
    for one in key.iter(f"{DSIG}X509Certificate"):
        if len(found) == CERTIFICATES:
            raise _form(f"more than {CERTIFICATES} certificates")
        octets = _base64(one)
        try:
            certificate = x509.load_der_x509_certificate(octets)
            # Its parts are read when they are asked for: here, so that what is no certificate is found here.
            _ = (certificate.subject.rfc4514_string(), certificate.issuer, certificate.extensions)
            certificate.public_key()
        except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension) as fault:
            raise _form(f"a certificate that is none: {str(fault)[:80]}") from None
        found.append(certificate)
    return tuple(found)


def _signers(said: _Said, trusted: Sequence[x509.Certificate], at: datetime) -> list[x509.Certificate]:
    """The certificates whose keys may have made this signature."""
    if not said.certificates:
        valid = [it for it in trusted if _lasts(it, at)]
        if trusted and not valid:
            raise refuse("certificate-time", WHERE, "none of the trusted certificates is valid now")
        return valid
    proven: _Proven = {}
    for moment in (at, None):
        anchored = _anchored(said.certificates, trusted, moment, proven)
        if anchored and moment is None:
            raise refuse("certificate-time", WHERE, "the signer's certificate, or an issuer's, is not valid now")
        if anchored:
            return anchored
    raise _untrusted(said)


def _untrusted(said: _Said) -> Refused:
    name = said.certificates[0].subject.rfc4514_string()[:120]
    return refuse("signature-untrusted", WHERE, f"signed by {name}, whom nobody here trusts")


def _lasts(certificate: x509.Certificate, at: datetime | None) -> bool:
    return at is None or certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


_Proven = dict[tuple[x509.Certificate, x509.Certificate], bool]


def _anchored(
    found: Sequence[x509.Certificate], trusted: Sequence[x509.Certificate], at: datetime | None, proven: _Proven
) -> list[x509.Certificate]:
    """Those of a message that are trusted themselves, or issued by one that is, over at most `CHAIN` issuers.

    The walk begins at what is trusted and comes to each certificate once, by the shortest way: a stranger's key is
    never computed with, whatever his certificates say of each other. `proven` has who issued whom, for another walk.
    """
    room = {it: _room(it, CHAIN - 1) for it in trusted if _lasts(it, at)}
    reached = {it for it in found if it in room}
    level = list(room)
    while level:
        below: dict[x509.Certificate, int] = {}
        for issuer in level:
            for one in found if room[issuer] >= 0 else ():
                if one not in reached and _lasts(one, at) and _issued(issuer, one, proven):
                    below[one] = max(below.get(one, -1), _room(one, room[issuer] - 1))
        reached.update(below)
        room |= below
        level = list(below)
    return [it for it in found if it in reached]


def _room(certificate: x509.Certificate, left: int) -> int:
    """How many issuers may stand below it, where `left` are left; -1: it issues nothing (RFC 5280, 4.2.1.3 and .9)."""
    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, ValueError):
        return -1
    try:
        signs = certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        signs = True
    if not (basic.ca and signs):
        return -1
    return left if basic.path_length is None else min(left, basic.path_length)


def _issued(issuer: x509.Certificate, one: x509.Certificate, proven: _Proven) -> bool:
    """Whether one issued the other: by name, and then by a key that is strong enough to say so."""
    if issuer.subject != one.issuer:
        return False
    if (issuer, one) not in proven:
        proven[issuer, one] = _certifies(issuer, one)
    return proven[issuer, one]


def _certifies(issuer: x509.Certificate, one: x509.Certificate) -> bool:
    key = issuer.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            _strong(key)
        elif not isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            return False
        one.verify_directly_issued_by(issuer)
    except (Refused, ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _made_by(signer: x509.Certificate, said: _Said, octets: bytes) -> bool:
    kind, name = _METHODS[said.method]
    key = signer.public_key()
    try:
        if kind == "rsa" and isinstance(key, rsa.RSAPublicKey):
            _strong(key)
            key.verify(said.value, octets, padding.PKCS1v15(), _HASHES[name])
            return True
        if kind == "ecdsa" and isinstance(key, ec.EllipticCurvePublicKey):
            _strong(key)
            half = (key.curve.key_size + 7) // 8
            if len(said.value) != 2 * half:
                return False
            r, s = (int.from_bytes(it) for it in (said.value[:half], said.value[half:]))
            key.verify(encode_dss_signature(r, s), octets, ec.ECDSA(_HASHES[name]))
            return True
    except InvalidSignature:
        return False
    return False  # a key of another kind than the signature says


def _strong(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> None:
    if isinstance(key, rsa.RSAPublicKey) and not RSA_BITS <= key.key_size <= RSA_MOST:
        why = f"an RSA key of {key.key_size} bits; taken are {RSA_BITS} to {RSA_MOST}"
        raise refuse("signature-key", WHERE, why)
    if isinstance(key, rsa.RSAPublicKey):
        exponent = key.public_numbers().e
        if not 2 < exponent <= RSA_EXPONENT or exponent % 2 == 0:
            raise refuse("signature-key", WHERE, "an RSA key whose exponent is even, or beyond 32 bits")
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name not in _CURVES:
        raise refuse("signature-key", WHERE, f"a key on the curve {key.curve.name}; taken are {', '.join(_CURVES)}")


def signed(root: Any, key: PrivateKey, certificate: x509.Certificate) -> None:
    """Put a signature at the end of the `alert` element: exclusive canonicalization, SHA-256, RSA or ECDSA."""
    public = key.public_key()
    if _spki(public) != _spki(certificate.public_key()):
        raise refuse("signature-key", WHERE, "the certificate is not that of the key")
    _strong(public)
    kind = "rsa" if isinstance(key, rsa.RSAPrivateKey) else "ecdsa"
    digest = hashlib.sha256(_canonical(root.getroottree(), exclusive=True, prefixes=[])).digest()
    signature = etree.SubElement(root, f"{DSIG}Signature", nsmap={None: _NS})
    info = _add(signature, "SignedInfo")
    _add(info, "CanonicalizationMethod", Algorithm=_EXCLUSIVE)
    _add(info, "SignatureMethod", Algorithm=f"{_MORE}{kind}-sha256")
    reference = _add(info, "Reference", URI="")
    transforms = _add(reference, "Transforms")
    _add(transforms, "Transform", Algorithm=_ENVELOPED)
    _add(transforms, "Transform", Algorithm=_EXCLUSIVE)
    _add(reference, "DigestMethod", Algorithm="http://www.w3.org/2001/04/xmlenc#sha256")
    _add(reference, "DigestValue").text = base64.b64encode(digest).decode()
    octets = _canonical(info, exclusive=True, prefixes=[])
    _add(signature, "SignatureValue").text = base64.b64encode(_made(key, octets)).decode()
    enclosed = _add(_add(_add(signature, "KeyInfo"), "X509Data"), "X509Certificate")
    enclosed.text = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()


def _add(parent: Any, name: str, **attributes: str) -> Any:
    return etree.SubElement(parent, DSIG + name, attributes)


def _spki(key: Any) -> bytes:
    octets: bytes = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return octets


def _made(key: PrivateKey, octets: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
    try:
        # RFC 6979: the same message has the same signature, so its file is the same whenever it is asked for.
        scheme = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    except UnsupportedAlgorithm:  # an OpenSSL before 3.2
        scheme = ec.ECDSA(hashes.SHA256())
    r, s = decode_dss_signature(key.sign(octets, scheme))
    half = (key.curve.key_size + 7) // 8
    return r.to_bytes(half) + s.to_bytes(half)
