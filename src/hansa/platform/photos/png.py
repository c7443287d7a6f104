"""PNG (W3C, third edition), chunk by chunk."""

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from hansa.errors import TooLarge
from hansa.platform.photos.parts import PIECES, Photo, broken, moving, orientation, sized, upright

_SLICE: Final = 1 << 20
_UNPACKED: Final = 200_000_000
"""Bytes of a picture before it was packed: 50 megapixels of four times 8 bits; to look through more takes seconds."""
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS: Final = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
_ADAM7: Final = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_PLAIN: Final = {b"gAMA": {4}, b"sRGB": {1}, b"cHRM": {32}}  # numbers of fixed length about colour


def cleaned(body: bytes) -> Photo:
    """The photograph of a body that begins like a PNG."""
    chunks = _chunks(body)
    name, head = next(chunks, (b"", b""))
    if name != b"IHDR":
        broken("it does not begin with its size" if name else "it is cut off")
    width, height = _head(head)
    known: dict[bytes, bytes] = {}
    data: list[bytes] = []
    last = turned = 0
    for n, (name, part) in enumerate(chunks):
        if name == b"IEND":
            break
        if name == b"IDAT":
            if data and last != n - 1:
                broken("its picture is in two places")
            data.append(part)
            last = n
        elif name == b"eXIf":
            turned = turned or orientation(part)
        elif _is_shown(name, part):
            if data or name in known or not _fits(name, part, head[9]):
                broken(f"{name.decode()} is not what it may be")
            known[name] = part
    else:
        broken("it is cut off")
    if head[9] == 3 and b"PLTE" not in known:
        broken("it has no palette")
    if turned > 1:
        known[b"eXIf"] = upright(turned)
    size = unpacked_size(head, width, height)
    if size > _UNPACKED:
        raise TooLarge(f"a picture of {size:,} bytes; {_UNPACKED:,} are the most", where="photo", mend="a smaller one")
    packed = _packed(data, size)
    parts = [
        chunk(b"IHDR", head),
        *(chunk(*one) for one in known.items()),
        chunk(b"IDAT", packed),
        chunk(b"IEND", b""),
    ]
    return Photo("image/png", body[:8] + b"".join(parts), width, height)


def _is_shown(name: bytes, part: bytes) -> bool:
    """Whether a chunk is kept; what nobody knows and is said to be needed, or moves, is refused."""
    if name in {b"PLTE", b"tRNS"} or len(part) in _PLAIN.get(name, ()):
        return True
    if name in {b"acTL", b"fcTL", b"fdAT"}:
        moving()
    if not name[0] & 0x20:
        broken("it holds a part that it cannot be shown without, and that nobody knows")
    return False


def _chunks(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a PNG, their checksums compared."""
    at = 8
    for _ in range(PIECES):
        if at >= len(body):
            return
        if at + 12 > len(body):
            broken("it is cut off")
        size, name = struct.unpack_from(">I4s", body, at)
        if at + 12 + size > len(body):
            broken("it is cut off")
        if not name.isalpha():
            broken("a part has no name")
        part = body[at + 8 : at + 8 + size]
        if int.from_bytes(body[at + 8 + size : at + 12 + size], "big") != zlib.crc32(part, zlib.crc32(name)):
            broken("a checksum does not agree")
        yield name, part
        at += 12 + size
    broken("it has too many parts")


def chunk(name: bytes, part: bytes) -> bytes:
    """A chunk as it is written, with its checksum."""
    return struct.pack(">I4s", len(part), name) + part + struct.pack(">I", zlib.crc32(part, zlib.crc32(name)))


def _head(part: bytes) -> tuple[int, int]:
    if len(part) != 13:
        broken("its head has another length")
    width, height, depth, colour, packing, filtering, lacing = struct.unpack(">IIBBBBB", part)
    if depth not in _DEPTHS.get(colour, ()) or packing or filtering or lacing > 1:
        broken("its head makes no sense")
    return sized(width, height)


def _fits(name: bytes, part: bytes, colour: int) -> bool:
    """Whether a palette, or what says which colour is transparent, has a length that it may have."""
    if name == b"PLTE":
        return colour in {2, 3, 6} and len(part) % 3 == 0 and 0 < len(part) <= 768
    if name == b"tRNS":
        return len(part) == {0: 2, 2: 6}[colour] if colour in {0, 2} else colour == 3 and 0 < len(part) <= 256
    return True


def unpacked_size(head: bytes, width: int, height: int) -> int:
    """Bytes of the picture before it was packed: a filter byte a row, of each of seven passes where it is laced."""
    bits = _CHANNELS[head[9]] * head[8]
    if not head[12]:
        return height * (1 + (width * bits + 7) // 8)
    total = 0
    for x, y, dx, dy in _ADAM7:
        wide, high = (width - x + dx - 1) // dx, (height - y + dy - 1) // dy
        total += high * (1 + (wide * bits + 7) // 8) if wide > 0 and high > 0 else 0
    return total


def _packed(data: list[bytes], size: int) -> bytes:
    """The packed picture, without what is hidden behind its end: unpacked as far as it may reach, and forgotten."""
    packed = b"".join(data)
    unpacking = zlib.decompressobj()
    left, rest = size, packed
    try:
        while not unpacking.eof:
            got = unpacking.decompress(rest, min(_SLICE, left + 1))
            left -= len(got)
            if left < 0:
                broken("there is more in it than its size says")
            rest = unpacking.unconsumed_tail
            if not got and not rest and not unpacking.eof:
                broken("it is cut off")
    except zlib.error:
        broken("it cannot be unpacked")
    if left:
        broken("there is less in it than its size says")
    return packed[: len(packed) - len(unpacking.unused_data)]
