"""Photographs that strangers send: what shows the picture is kept, what tells of the person who took it is not.

    photo = cleaned(body)      # Photo(kind, body, width, height), or BadRequest, TooLarge, UnsupportedMediaType

The file is read as a structure (JPEG: ITU-T T.81, annex B; PNG: W3C PNG, third edition; WebP: RFC 9649) and written
anew from the few parts that a viewer needs. Nothing of EXIF, XMP, IPTC, GPS, thumbnails, maker's notes, comments,
colour profiles (they carry text, serial numbers and attacks, and a pothole needs none) or of bytes behind the end can
come along. No pixel is decoded, so they stay what they were; a picture that lies on its side keeps the one number that
says so. What is refused says why: cut off, broken, two files in one, moving, or more pixels than a reader's device
should be made to hold.
"""

import re
import struct
import zlib
from collections.abc import Iterator
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

_MEND: Final = "send a JPEG, PNG or WebP as the camera made it"
_EXIF: Final = b"Exif\x00\x00"
_ORIENTATION: Final = 0x0112
_SLICE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Photo:
    """A photograph that may be kept and shown: media type, bytes, and its size in pixels as stored (not turned)."""

    kind: str
    body: bytes
    width: int
    height: int


def cleaned(body: bytes) -> Photo:
    """The photograph without anything that is not the picture. BadRequest, TooLarge, UnsupportedMediaType say why not.

    What comes out goes in again and comes out the same. tests/platform/test_photos.py
    """
    if len(body) > MOST_BYTES:
        raise TooLarge(
            f"a photo of {len(body):,} bytes; {MOST_BYTES:,} are the most", where="photo", mend="a smaller one"
        )
    if body.startswith(b"\xff\xd8\xff"):
        photo = _jpeg(body)
    elif body.startswith(b"\x89PNG\r\n\x1a\n"):
        photo = _png(body)
    elif body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        photo = _webp(body)
    else:
        raise UnsupportedMediaType(f"this is {_guessed(body)}, no photo that is taken", where="photo", mend=_MEND)
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


def _broken(why: str) -> NoReturn:
    raise BadRequest(f"the photo is broken: {why}", where="photo", mend=_MEND)


def _sized(width: int, height: int) -> tuple[int, int]:
    if not width or not height:
        _broken("it has no size")
    if width * height > MOST_PIXELS or max(width, height) > MOST_SIDE:
        raise TooLarge(
            f"a photo of {width:,} by {height:,} pixels; {MOST_PIXELS:,} are the most",
            where="photo",
            mend="a smaller one",
        )
    return width, height


def _is_one_file(body: bytes) -> None:
    """Refuse what another program would open as an archive or a paper, although it is a picture too.

    A zip is read from its end, a PDF from within the first 1,024 bytes.
    """
    tail = body[-65_557:]
    at = tail.rfind(b"PK\x05\x06")
    if at >= 0 and len(tail) - at >= 22:
        disk, start, here, entries = struct.unpack_from("<4H", tail, at + 4)
        if disk == start and here == entries:
            _broken("it is a zip file too")
    if b"%PDF-" in body[:1_024]:
        _broken("it is a PDF too")


# ---- JPEG

_SCAN_END: Final = re.compile(rb"\xff[^\x00\xd0-\xd7]")  # a marker that is neither a stuffed byte nor a restart
_SHOWN: Final = {0xC0, 0xC1, 0xC2}  # what browsers decode: baseline, extended, progressive, all Huffman
_FRAMES: Final = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _jpeg(body: bytes) -> Photo:
    return _Jpeg(body).read()


class _Jpeg:
    """A JPEG, segment by segment: what is kept of it."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.heads: list[bytes] = []
        self.kept: list[bytes] = []
        self.width = self.height = self.turned = self.scans = self.coded = 0

    def read(self) -> Photo:
        """From its beginning to its end; what is behind that is not looked at."""
        at = 2
        for _ in range(PIECES):
            mark, at = _marker(self.body, at)
            if mark == 0xD9:
                return self.made()
            if mark == 0xD8 or 0xD0 <= mark <= 0xD7 or mark in {0x00, 0x01}:
                _broken("a marker stands where none may")
            part = _segment(self.body, at)
            at += 2 + len(part)
            if 0xE0 <= mark <= 0xEF or mark == 0xFE:
                self.told(mark, part)
            elif mark in _FRAMES:
                if self.width:
                    _broken("it has two frames")
                self.width, self.height = _frame(mark, part)
                self.kept.append(_said(mark, part))
            elif mark == 0xDA:
                at = self.scan(part, at)
            else:
                _table(mark, part)
                self.kept.append(_said(mark, part))
        _broken("it has too many segments")

    def told(self, mark: int, part: bytes) -> None:
        """What programs say to each other: kept is what colours and the picture's position depend on."""
        if mark == 0xE0 and part[:5] == b"JFIF\0" and len(part) >= 14 and not self.heads:
            self.heads.append(_said(0xE0, part[:12] + b"\0\0"))  # without its thumbnail
        elif mark == 0xE1 and part.startswith(_EXIF):
            self.turned = self.turned or _turned(part[6:])
        elif mark == 0xEE and part[:5] == b"Adobe" and len(part) >= 12:
            self.kept.append(_said(mark, part[:12]))  # whether it is YCbCr, CMYK or RGB: without it, colours are wrong

    def scan(self, part: bytes, at: int) -> int:
        """The coded picture that begins at a place; where it ends."""
        if not self.width or len(part) < 6 or len(part) != 4 + 2 * part[0]:
            _broken("a scan has no frame")
        self.scans += 1
        if self.scans > SCANS:
            raise TooLarge(f"a photo of more than {SCANS} scans", where="photo", mend="save it anew")
        end = _SCAN_END.search(self.body, at)
        if end is None:
            _broken("it is cut off")
        self.kept += (_said(0xDA, part), self.body[at : end.start()])
        self.coded += end.start() - at
        return end.start()

    def made(self) -> Photo:
        """What is kept, written."""
        if not self.scans:
            _broken("there is no picture in it")
        # The leanest coding spends a bit on each block of 8 by 8: less is a frame that promises what does not come.
        if self.coded * 8 * 64 < self.width * self.height:
            _broken("there is less in it than its size says")
        if self.turned > 1:
            self.heads.append(_said(0xE1, _EXIF + _upright(self.turned)))
        body = b"".join((b"\xff\xd8", *self.heads, *self.kept, b"\xff\xd9"))
        return Photo("image/jpeg", body, self.width, self.height)


def _marker(body: bytes, at: int) -> tuple[int, int]:
    """The marker at a place, and what follows it; fill bytes are passed over."""
    if body[at : at + 1] != b"\xff":
        _broken("it is cut off" if at >= len(body) else "a segment does not begin with a marker")
    start = at
    while body[at : at + 1] == b"\xff":
        at += 1
        if at - start > PIECES:
            _broken("it is filled with nothing")
    if at >= len(body):
        _broken("it is cut off")
    return body[at], at + 1


def _segment(body: bytes, at: int) -> bytes:
    size = int.from_bytes(body[at : at + 2], "big")
    if size < 2 or at + size > len(body):
        _broken("it is cut off")
    return body[at + 2 : at + size]


def _said(mark: int, part: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, mark, len(part) + 2) + part


def _frame(mark: int, part: bytes) -> tuple[int, int]:
    if mark not in _SHOWN:
        raise UnsupportedMediaType(
            "a JPEG of a kind that no browser shows", where="photo", mend="save it as a usual JPEG"
        )
    if len(part) < 6 or len(part) != 6 + 3 * part[5] or not 1 <= part[5] <= 4:
        _broken("its frame makes no sense")
    if part[0] != 8:
        raise UnsupportedMediaType("a JPEG of 12 bits a colour", where="photo", mend="save it as a usual JPEG")
    height, width = struct.unpack_from(">HH", part, 1)
    return _sized(width, height)


def _table(mark: int, part: bytes) -> None:
    """Tables of quantizers, of Huffman codes, and the restart interval: exactly what they say, nothing behind it."""
    at = 0
    if mark == 0xDD and len(part) == 2:
        return
    if mark == 0xDB:
        while at < len(part):
            at += 129 if part[at] >> 4 else 65
    elif mark == 0xC4:
        while at < len(part):
            at += 17 + sum(part[at + 1 : at + 17])
    else:
        _broken(f"a segment FF{mark:02X} that no photo has")
    if at != len(part):
        _broken("a table has another length than it says")


def _turned(tiff: bytes) -> int:
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


def _upright(turned: int) -> bytes:
    """The shortest EXIF that says how a picture lies, and nothing else."""
    return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, _ORIENTATION, 3, 1, turned, 0, 0)


# ---- PNG

_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS: Final = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
_ADAM7: Final = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_PLAIN: Final = {b"gAMA": {4}, b"sRGB": {1}, b"cHRM": {32}}  # numbers of fixed length about colour


def _png(body: bytes) -> Photo:
    chunks = _chunks(body)
    name, head = next(chunks, (b"", b""))
    if name != b"IHDR":
        _broken("it does not begin with its size" if name else "it is cut off")
    width, height = _head(head)
    known: dict[bytes, bytes] = {}
    data: list[bytes] = []
    last = turned = 0
    for n, (name, part) in enumerate(chunks):
        if name == b"IEND":
            break
        if name == b"IDAT":
            if data and last != n - 1:
                _broken("its picture is in two places")
            data.append(part)
            last = n
        elif name == b"eXIf":
            turned = turned or _turned(part)
        elif _is_shown(name, part):
            if data or name in known or not _fits(name, part, head[9]):
                _broken(f"{name.decode()} is not what it may be")
            known[name] = part
    else:
        _broken("it is cut off")
    if head[9] == 3 and b"PLTE" not in known:
        _broken("it has no palette")
    if turned > 1:
        known[b"eXIf"] = _upright(turned)
    packed = _packed(data, _unpacked_size(head, width, height))
    parts = [
        _chunk(b"IHDR", head),
        *(_chunk(*one) for one in known.items()),
        _chunk(b"IDAT", packed),
        _chunk(b"IEND", b""),
    ]
    return Photo("image/png", body[:8] + b"".join(parts), width, height)


def _is_shown(name: bytes, part: bytes) -> bool:
    """Whether a chunk is kept; what nobody knows and is said to be needed, or moves, is refused."""
    if name in {b"PLTE", b"tRNS"} or len(part) in _PLAIN.get(name, ()):
        return True
    if name in {b"acTL", b"fcTL", b"fdAT"}:
        _moving()
    if not name[0] & 0x20:
        _broken("it holds a part that it cannot be shown without, and that nobody knows")
    return False


def _chunks(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a PNG, their checksums compared."""
    at = 8
    for _ in range(PIECES):
        if at >= len(body):
            return
        if at + 12 > len(body):
            _broken("it is cut off")
        size, name = struct.unpack_from(">I4s", body, at)
        if at + 12 + size > len(body):
            _broken("it is cut off")
        if not name.isalpha():
            _broken("a part has no name")
        part = body[at + 8 : at + 8 + size]
        if int.from_bytes(body[at + 8 + size : at + 12 + size], "big") != zlib.crc32(part, zlib.crc32(name)):
            _broken("a checksum does not agree")
        yield name, part
        at += 12 + size
    _broken("it has too many parts")


def _chunk(name: bytes, part: bytes) -> bytes:
    return struct.pack(">I4s", len(part), name) + part + struct.pack(">I", zlib.crc32(part, zlib.crc32(name)))


def _head(part: bytes) -> tuple[int, int]:
    if len(part) != 13:
        _broken("its head has another length")
    width, height, depth, colour, packing, filtering, lacing = struct.unpack(">IIBBBBB", part)
    if depth not in _DEPTHS.get(colour, ()) or packing or filtering or lacing > 1:
        _broken("its head makes no sense")
    return _sized(width, height)


def _fits(name: bytes, part: bytes, colour: int) -> bool:
    """Whether a palette, or what says which colour is transparent, has a length that it may have."""
    if name == b"PLTE":
        return colour in {2, 3, 6} and len(part) % 3 == 0 and 0 < len(part) <= 768
    if name == b"tRNS":
        return len(part) == {0: 2, 2: 6}[colour] if colour in {0, 2} else colour == 3 and 0 < len(part) <= 256
    return True


def _unpacked_size(head: bytes, width: int, height: int) -> int:
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
                _broken("there is more in it than its size says")
            rest = unpacking.unconsumed_tail
            if not got and not rest and not unpacking.eof:
                _broken("it is cut off")
    except zlib.error:
        _broken("it cannot be unpacked")
    if left:
        _broken("there is less in it than its size says")
    return packed[: len(packed) - len(unpacking.unused_data)]


def _moving() -> NoReturn:
    raise UnsupportedMediaType("a moving picture is no photo", where="photo", mend="send one picture of it")


# ---- WebP

_ALPHA, _TURNED, _ANIMATED = 0x10, 0x08, 0x02


def _webp(body: bytes) -> Photo:
    size = int.from_bytes(body[4:8], "little")
    if size % 2 or size < 12 or 8 + size > len(body):
        _broken("it is cut off")
    found: dict[bytes, bytes] = {}
    turned = 0
    for n, (name, part) in enumerate(_riff(body, 8 + size)):
        if name in {b"ANIM", b"ANMF"}:
            _moving()
        if n == 0 and name not in {b"VP8X", b"VP8 ", b"VP8L"}:
            _broken("it does not begin with a picture")
        if name == b"EXIF":
            turned = turned or _turned(part.removeprefix(_EXIF))
        elif name in {b"VP8X", b"VP8 ", b"VP8L", b"ALPH"}:
            if name in found or (name == b"VP8X" and n):
                _broken("it has two of what there may be one")
            found[name] = part
    head, lossy, lossless, alpha = (found.get(name) for name in (b"VP8X", b"VP8 ", b"VP8L", b"ALPH"))
    if (lossy is None) == (lossless is None):
        _broken("there is not one picture in it")
    frame = _sized(*(_lossy(lossy) if lossy is not None else _lossless(lossless or b"")))
    if head is not None and _canvas(head) != frame:
        _broken("its picture has another size than it says")
    parts = [] if lossy is None or head is None or not alpha else [_riffed(b"ALPH", alpha)]
    seen_through = bool(parts) or (lossless is not None and bool(lossless[4] & 0x10))
    parts.append(_riffed(b"VP8L", lossless) if lossless is not None else _riffed(b"VP8 ", lossy or b""))
    if len(parts) > 1 or turned > 1:
        flags = (_ALPHA if seen_through else 0) | (_TURNED if turned > 1 else 0)
        sides = (frame[0] - 1).to_bytes(3, "little") + (frame[1] - 1).to_bytes(3, "little")
        parts.insert(0, _riffed(b"VP8X", bytes((flags, 0, 0, 0)) + sides))
    if turned > 1:
        parts.append(_riffed(b"EXIF", _upright(turned)))
    inside = b"WEBP" + b"".join(parts)
    return Photo("image/webp", b"RIFF" + struct.pack("<I", len(inside)) + inside, *frame)


def _canvas(head: bytes) -> tuple[int, int]:
    if len(head) != 10:
        _broken("its head makes no sense")
    if head[0] & _ANIMATED:
        _moving()
    return 1 + int.from_bytes(head[4:7], "little"), 1 + int.from_bytes(head[7:10], "little")


def _riff(body: bytes, end: int) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    for _ in range(PIECES):
        if at >= end:
            return
        if at + 8 > end:
            _broken("it is cut off")
        name, size = struct.unpack_from("<4sI", body, at)
        if at + 8 + size > end:
            _broken("it is cut off")
        yield name, body[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    _broken("it has too many parts")


def _riffed(name: bytes, part: bytes) -> bytes:
    return struct.pack("<4sI", name, len(part)) + part + b"\0" * (len(part) % 2)


def _lossy(part: bytes) -> tuple[int, int]:
    """The size of a VP8 key frame (RFC 6386, 9.1); its first partition must be there."""
    if len(part) < 10 or part[0] & 1 or part[3:6] != b"\x9d\x01\x2a":
        _broken("its picture makes no sense")
    if 10 + (int.from_bytes(part[:3], "little") >> 5) > len(part):
        _broken("it is cut off")
    width, height = struct.unpack_from("<HH", part, 6)
    return width & 0x3FFF, height & 0x3FFF


def _lossless(part: bytes) -> tuple[int, int]:
    """The size of a VP8L picture (RFC 9649, 3.4)."""
    if len(part) < 6 or part[0] != 0x2F or part[4] >> 5:
        _broken("its picture makes no sense")
    bits = int.from_bytes(part[1:5], "little")
    return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
