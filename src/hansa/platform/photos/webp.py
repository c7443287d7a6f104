"""WebP (RFC 9649), chunk by chunk."""

import struct
from collections.abc import Iterator

from hansa.platform.photos.parts import EXIF, PIECES, Photo, broken, moving, orientation, sized, upright

_ALPHA, _TURNED, _ANIMATED = 0x10, 0x08, 0x02


def cleaned(body: bytes) -> Photo:
    """The photograph of a body that begins like a WebP."""
    size = int.from_bytes(body[4:8], "little")
    if size % 2 or size < 12 or 8 + size > len(body):
        broken("it is cut off")
    found: dict[bytes, bytes] = {}
    turned = 0
    for n, (name, part) in enumerate(_riff(body, 8 + size)):
        if name in {b"ANIM", b"ANMF"}:
            moving()
        if n == 0 and name not in {b"VP8X", b"VP8 ", b"VP8L"}:
            broken("it does not begin with a picture")
        if name == b"EXIF":
            turned = turned or orientation(part.removeprefix(EXIF))
        elif name in {b"VP8X", b"VP8 ", b"VP8L", b"ALPH"}:
            if name in found or (name == b"VP8X" and n):
                broken("it has two of what there may be one")
            found[name] = part
    head, lossy, lossless, alpha = (found.get(name) for name in (b"VP8X", b"VP8 ", b"VP8L", b"ALPH"))
    if (lossy is None) == (lossless is None):
        broken("there is not one picture in it")
    frame = sized(*(_lossy(lossy) if lossy is not None else _lossless(lossless or b"")))
    if head is not None and _canvas(head) != frame:
        broken("its picture has another size than it says")
    parts = [] if lossy is None or head is None or not alpha else [_riffed(b"ALPH", alpha)]
    seen_through = bool(parts) or (lossless is not None and bool(lossless[4] & 0x10))
    parts.append(_riffed(b"VP8L", lossless) if lossless is not None else _riffed(b"VP8 ", lossy or b""))
    if len(parts) > 1 or turned > 1:
        flags = (_ALPHA if seen_through else 0) | (_TURNED if turned > 1 else 0)
        sides = (frame[0] - 1).to_bytes(3, "little") + (frame[1] - 1).to_bytes(3, "little")
        parts.insert(0, _riffed(b"VP8X", bytes((flags, 0, 0, 0)) + sides))
    if turned > 1:
        parts.append(_riffed(b"EXIF", upright(turned)))
    inside = b"WEBP" + b"".join(parts)
    return Photo("image/webp", b"RIFF" + struct.pack("<I", len(inside)) + inside, *frame)


def _canvas(head: bytes) -> tuple[int, int]:
    if len(head) != 10:
        broken("its head makes no sense")
    if head[0] & _ANIMATED:
        moving()
    return 1 + int.from_bytes(head[4:7], "little"), 1 + int.from_bytes(head[7:10], "little")


def _riff(body: bytes, end: int) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    for _ in range(PIECES):
        if at >= end:
            return
        if at + 8 > end:
            broken("it is cut off")
        name, size = struct.unpack_from("<4sI", body, at)
        if at + 8 + size > end:
            broken("it is cut off")
        yield name, body[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    broken("it has too many parts")


def _riffed(name: bytes, part: bytes) -> bytes:
    return struct.pack("<4sI", name, len(part)) + part + b"\0" * (len(part) % 2)


def _lossy(part: bytes) -> tuple[int, int]:
    """The size of a VP8 key frame (RFC 6386, 9.1); its first partition must be there."""
    if len(part) < 10 or part[0] & 1 or part[3:6] != b"\x9d\x01\x2a":
        broken("its picture makes no sense")
    if 10 + (int.from_bytes(part[:3], "little") >> 5) > len(part):
        broken("it is cut off")
    width, height = struct.unpack_from("<HH", part, 6)
    return width & 0x3FFF, height & 0x3FFF


def _lossless(part: bytes) -> tuple[int, int]:
    """The size of a VP8L picture (RFC 9649, 3.4)."""
    if len(part) < 6 or part[0] != 0x2F or part[4] >> 5:
        broken("its picture makes no sense")
    bits = int.from_bytes(part[1:5], "little")
    return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
