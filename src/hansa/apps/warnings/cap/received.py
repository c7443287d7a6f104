"""A message in and out: bytes to a checked tree, and a tree to bytes, signed or not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from cryptography import x509

from hansa.apps.warnings.cap.faults import Fault, Refused, refuse
from hansa.apps.warnings.cap.message import Alert, Reference
from hansa.apps.warnings.cap.reading import tree_of
from hansa.apps.warnings.cap.rules import check
from hansa.apps.warnings.cap.signature import WHERE, PrivateKey, Signed, signed, verified
from hansa.apps.warnings.cap.source import parse
from hansa.apps.warnings.cap.writing import element, serialised

# A signature that proves that the text is another one refuses it, whether or not one was required.
FALSE: Final = frozenset({"signature-altered", "signature-wrong"})


@dataclass(frozen=True, slots=True)
class Received:
    """A message that was read, the version it was written in, what is odd about it, and who signed it."""

    alert: Alert
    version: str
    told: tuple[Fault, ...] = ()
    signed: Signed | None = None


def read(
    data: bytes,
    *,
    now: datetime | None = None,
    trusted: Sequence[x509.Certificate] = (),
    signature: Literal["told", "required"] = "told",
    known: Collection[Reference] | None = None,
    strict: bool = False,
) -> Received:
    """The message in these bytes, CAP 1.2 or 1.1; Refused with every reason and its place when it is not to be taken.

    `signature="required"` refuses what none of `trusted` has signed. Otherwise a signature that nobody can verify is
    told (CAP 1.2, 3.3.4.1: a message must not be rejected for that); one by somebody trusted that is false refuses in
    any case. `now`, `known` and `strict` are those of `check`.
    """
    root = parse(data)
    alert, version, signatures = tree_of(root)
    faults = list(check(alert, now=now, known=known, strict=strict))
    if any(it.refused for it in faults):
        raise Refused(faults)
    by = None
    if signature == "required" or (signatures and trusted):
        try:
            by = verified(root, signatures, trusted, None)
        except Refused as fault:
            reason = fault.faults[0]
            if signature == "required" or reason.code in FALSE:
                raise
            faults.append(replace(reason, refused=False))
    elif signatures:
        why = "signed; nobody is trusted here who could have signed it, so it was not verified"
        faults.append(Fault("signature-unverified", WHERE, why, refused=False))
    return Received(alert, version, tuple(faults), by)


def write(alert: Alert) -> bytes:
    """The message as CAP 1.2 in UTF-8, one element a line; reading it gives an equal one. Refused when not valid."""
    return serialised(element(alert))


def sign(message: Alert | bytes, key: PrivateKey, certificate: x509.Certificate) -> bytes:
    """The message with one enveloped XML signature at its end (exclusive c14n, SHA-256, ECDSA or RSA by the key).

    Bytes are read first, and signed as they are written here. Refused when the message is not valid or is signed
    already, the key too weak, or the certificate not that of the key.
    """
    if isinstance(message, bytes):
        root = parse(message)
        if tree_of(root)[2]:
            raise refuse("signature-many", WHERE, "it is signed already")
        message = read(message).alert
    root = element(message)
    signed(root, key, certificate)
    return serialised(root)


def verify(data: bytes, trusted: Sequence[x509.Certificate], *, now: datetime | None = None) -> Signed:
    """Who signed the message in these bytes; Refused with the reason when none of `trusted` did.

    `trusted` are the signers' own certificates, or those of authorities that issued them. `now` is for their validity.
    """
    root = parse(data)
    return verified(root, tree_of(root)[2], trusted, now)
