"""What photographs of all kinds share: what one is, the caps, the refusals, and the one number of EXIF that is kept."""

import struct
from dataclasses import dataclass
from typing import Final, NoReturn

from hansa.errors import BadRequest, TooLarge, UnsupportedMediaType

MOST_BYTES: Final = 20_000_000
"""A telephone's best photograph has 5 to 15 MB."""
MOST_PIXELS: Final = 50_000_000
"""200 MB in the memory of whoever looks; a telephone's photograph has 12 to 50 million."""
MOST_SIDE: Final = 65_535
"""JPEG can say no more, and nobody photographs a line."""
SCANS: Final = 100
"""Of a progressive JPEG: usual are 10, and each costs the viewer a pass over the whole picture."""
PIECES: Final = 20_000
"""Segments or chunks of a file: some writers cut a PNG every 8 kB."""

MEND: Final = "send a JPEG, PNG or WebP as the camera made it"
EXIF: Final = b"Exif\x00\x00"
_ORIENTATION: Final = 0x0112


@dataclass(frozen=True, slots=True)
class Photo:
    """A photograph that may be kept and shown: media type, bytes, and its size in pixels as stored (not turned)."""

    kind: str
    body: bytes
    width: int
    height: int


def broken(why: str) -> NoReturn:
    """Refuse a file that is not what its format says."""
    raise BadRequest(f"the photo is broken: {why}", where="photo", mend=MEND)


def sized(width: int, height: int) -> tuple[int, int]:
    """A size that may be shown. TooLarge; BadRequest for none."""
    if not width or not height:
        broken("it has no size")
    if width * height > MOST_PIXELS or max(width, height) > MOST_SIDE:
        raise TooLarge(
            f"a photo of {width:,} by {height:,} pixels; {MOST_PIXELS:,} are the most",
            where="photo",
            mend="a smaller one",
        )
    return width, height


def moving() -> NoReturn:
    """Refuse what moves."""
    raise UnsupportedMediaType("a moving picture is no photo", where="photo", mend="send one picture of it")


def orientation(tiff: bytes) -> int:
    """The orientation that EXIF says, 1 to 8; 0 where it says none, or nonsense (what goes anyway refuses nothing)."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return 0
    (at,) = struct.unpack_from(f"{order}I", tiff, 4)
    if at + 2 > len(tiff):
        return 0
    (entries,) = struct.unpack_from(f"{order}H", tiff, at)
    for n in range(min(entries, 512)):
        place = at + 2 + 12 * n
        if place + 12 > len(tiff):
            return 0
        tag, kind, count, value = struct.unpack_from(f"{order}HHIH", tiff, place)
        if tag == _ORIENTATION:
            return value if kind == 3 and count == 1 and 1 <= value <= 8 else 0
    return 0


def upright(turned: int) -> bytes:
    """The shortest EXIF that says how a picture lies, and nothing else."""
    return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, _ORIENTATION, 3, 1, turned, 0, 0)
