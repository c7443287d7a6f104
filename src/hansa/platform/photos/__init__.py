"""Photographs that strangers send: what shows the picture is kept, what tells of the person who took it is not.

    photo = cleaned(body)      # Photo(kind, body, width, height), or BadRequest, TooLarge, UnsupportedMediaType

The file is read as a structure (JPEG: ITU-T T.81, annex B; PNG: W3C PNG, third edition; WebP: RFC 9649) and written
anew from the few parts that a viewer needs. Nothing of EXIF, XMP, IPTC, GPS, thumbnails, maker's notes, comments,
colour profiles (they carry text, serial numbers and attacks, and a pothole needs none) or of bytes behind the end can
come along. No pixel is decoded, so they stay what they were; a picture that lies on its side keeps the one number that
says so. What is refused says why: cut off, broken, two files in one, moving, or more pixels than a reader's device
should be made to hold.
"""

import struct

from hansa.errors import TooLarge, UnsupportedMediaType
from hansa.platform.photos import jpeg, png, webp
from hansa.platform.photos.parts import MEND, MOST_BYTES, Photo, broken

__all__ = ["Photo", "cleaned"]


def cleaned(body: bytes) -> Photo:
    """The photograph without anything that is not the picture. BadRequest, TooLarge, UnsupportedMediaType say why not.

    What comes out goes in again and comes out the same. tests/platform/test_photos.py
    """
    if len(body) > MOST_BYTES:
        raise TooLarge(
            f"a photo of {len(body):,} bytes; {MOST_BYTES:,} are the most", where="photo", mend="a smaller one"
        )
    if body.startswith(b"\xff\xd8\xff"):
        photo = jpeg.cleaned(body)
    elif body.startswith(b"\x89PNG\r\n\x1a\n"):
        photo = png.cleaned(body)
    elif body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        photo = webp.cleaned(body)
    else:
        raise UnsupportedMediaType(f"this is {_guessed(body)}, no photo that is taken", where="photo", mend=MEND)
    _is_one_file(photo.body)
    return photo


def _guessed(body: bytes) -> str:
    """What else it may be, in words for whoever sent it."""
    if not body:
        return "an empty file"
    if body[4:8] == b"ftyp":
        if body[8:12] in {b"heic", b"heix", b"mif1", b"msf1", b"heim", b"hevc"}:
            return "a HEIC picture (set the camera to 'most compatible')"
        return "an AVIF picture" if body[8:12] in {b"avif", b"avis"} else "a film"
    for start, what in ((b"GIF8", "a GIF"), (b"%PDF-", "a PDF"), (b"PK\x03\x04", "a zip file"), (b"BM", "a BMP"),
                        (b"II*\0", "a TIFF or raw picture"), (b"MM\0*", "a TIFF or raw picture")):  # fmt: skip
        if body.startswith(start):
            return what
    return "a text" if body.lstrip()[:1] in {b"<", b"{"} else "something unknown"


def _is_one_file(body: bytes) -> None:
    """Refuse what another program would open as an archive or a paper, although it is a picture too.

    A zip is read from its end, a PDF from within the first 1,024 bytes.
    """
    tail = body[-65_557:]
    at = tail.rfind(b"PK\x05\x06")
    if at >= 0 and len(tail) - at >= 22:
        disk, start, here, entries = struct.unpack_from("<4H", tail, at + 4)
        if disk == start and here == entries:
            broken("it is a zip file too")
    if b"%PDF-" in body[:1_024]:
        broken("it is a PDF too")
