"""What belongs to a message: pictures and sounds by address or enclosed, and addresses that a page may follow."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from typing import Final

from hansa.apps.warnings.cap.faults import Wrong
from hansa.apps.warnings.cap.message import Resource

SIZE: Final = 1_000_000_000  # bytes that a resource may claim to have; it is fetched by people, never by us
SCHEMES: Final = frozenset({"http", "https", "ftp", "ftps", "mailto", "tel", "sms", "urn", "tag", "cid", "geo"})
_ODD: Final = re.compile(r"[^\x21-\x7e]|[<>\"{}|\\^`]")
_MIME: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}(\s*;.{1,200})?")
_DIGEST: Final = re.compile(r"[0-9A-Fa-f]{40}")


def address(text: str, *, relative: bool) -> Iterator[Wrong]:
    """What is odd about an address. It refuses no stranger: only `href` is for following, and that is safe."""
    scheme = text.partition(":")[0].lower() if ":" in text.partition("/")[0] else ""
    if _ODD.search(text):
        yield Wrong("uri", f"{text[:60]!r} has characters that an address must escape (RFC 3986)")
    if scheme and scheme not in SCHEMES:
        yield Wrong("uri", f"{scheme[:60]}: is no kind of address that may be followed")
    elif not scheme and not relative:
        yield Wrong("uri", f"{text[:60]!r} is no full, absolute address")


def wrong_with(one: Resource) -> Iterator[tuple[Wrong, bool]]:
    """What is wrong with a resource, and whether it refuses: what is enclosed must be what its size and digest say."""
    if not _MIME.fullmatch(one.mime_type):
        yield Wrong("mime-type", f"{one.mime_type[:60]!r} is no media type (RFC 2046)"), False
    if one.size is not None and not 0 <= one.size <= SIZE:
        yield Wrong("resource-size", f"a size of {one.size:,} bytes"), True
    if one.uri:
        # Relative, it names what is enclosed.
        yield from ((fault, False) for fault in address(one.uri, relative=bool(one.deref_uri)))
    if one.digest and not _DIGEST.fullmatch(one.digest):
        yield Wrong("resource-digest", f"{one.digest[:60]!r} is no SHA-1 in 40 hexadecimal digits"), False
    if not one.deref_uri:
        return
    try:
        body = enclosed(one)
    except Wrong as fault:
        yield fault, True
        return
    if one.size is not None and one.size != len(body):
        yield Wrong("resource-size", f"{len(body):,} bytes are enclosed, not {one.size:,}"), True
    digest = _sha1(body)
    if _DIGEST.fullmatch(one.digest) and one.digest.lower() != digest:
        yield Wrong("resource-digest", f"what is enclosed has the digest {digest}"), True


def enclosed(one: Resource) -> bytes:
    """The bytes enclosed in a message (derefUri, base64); Wrong when they are not."""
    try:
        return base64.b64decode(re.sub(r"\s+", "", one.deref_uri), validate=True)
    except (binascii.Error, ValueError):
        raise Wrong("resource-enclosed", "what is enclosed is not base64") from None


def resource(description: str, mime_type: str, body: bytes, uri: str = "", *, embed: bool = False) -> Resource:
    """A resource for these bytes, with their size and digest; enclosed for receivers that cannot fetch it."""
    return Resource(
        description=description,
        mime_type=mime_type,
        size=len(body),
        uri=uri,
        deref_uri=base64.b64encode(body).decode() if embed else "",
        digest=_sha1(body),
    )


def _sha1(body: bytes) -> str:
    # CAP 1.2 (3.2.3, digest) names SHA-1 and no other; nothing here trusts it for more than an accident.
    return hashlib.sha1(body, usedforsecurity=False).hexdigest()
