"""JPEG (ITU-T T.81, annex B), segment by segment."""

import re
import struct
from typing import Final

from hansa.errors import TooLarge, UnsupportedMediaType
from hansa.platform.photos.parts import EXIF, PIECES, SCANS, Photo, broken, orientation, sized, upright

_SCAN_END: Final = re.compile(rb"\xff[^\x00\xd0-\xd7]")  # a marker that is neither a stuffed byte nor a restart
_SHOWN: Final = {0xC0, 0xC1, 0xC2}  # what browsers decode: baseline, extended, progressive, all Huffman
_FRAMES: Final = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def cleaned(body: bytes) -> Photo:
    """The photograph of a body that begins like a JPEG."""
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
                break
            if mark == 0xD8 or 0xD0 <= mark <= 0xD7 or mark in {0x00, 0x01}:
                broken("a marker stands where none may")
            part = _segment(self.body, at)
            at += 2 + len(part)
            if 0xE0 <= mark <= 0xEF or mark == 0xFE:
                self.told(mark, part)
            elif mark in _FRAMES:
                if self.width:
                    broken("it has two frames")
                self.width, self.height = _frame(mark, part)
                self.kept.append(_said(mark, part))
            elif mark == 0xDA:
                at = self.scan(part, at)
            else:
                _table(mark, part)
                self.kept.append(_said(mark, part))
        else:
            broken("it has too many segments")
        return self.made()

    def told(self, mark: int, part: bytes) -> None:
        """What programs say to each other: kept is what colours and the picture's position depend on."""
        if mark == 0xE0 and part[:5] == b"JFIF\0" and len(part) >= 14 and not self.heads:
            self.heads.append(_said(0xE0, part[:12] + b"\0\0"))  # without its thumbnail
        elif mark == 0xE1 and part.startswith(EXIF):
            self.turned = self.turned or orientation(part[6:])
        elif mark == 0xEE and part[:5] == b"Adobe" and len(part) >= 12:
            self.kept.append(_said(mark, part[:12]))  # whether it is YCbCr, CMYK or RGB: without it, colours are wrong

    def scan(self, part: bytes, at: int) -> int:
        """The coded picture that begins at a place; where it ends."""
        if not self.width or len(part) < 6 or len(part) != 4 + 2 * part[0]:
            broken("a scan has no frame")
        self.scans += 1
        if self.scans > SCANS:
            raise TooLarge(f"a photo of more than {SCANS} scans", where="photo", mend="save it anew")
        end = _SCAN_END.search(self.body, at)
        if end is None:
            broken("it is cut off")
        self.kept += (_said(0xDA, part), self.body[at : end.start()])
        self.coded += end.start() - at
        return end.start()

    def made(self) -> Photo:
        """What is kept, written."""
        if not self.scans:
            broken("there is no picture in it")
        # The leanest coding spends a bit on each block of 8 by 8: less is a frame that promises what does not come.
        if self.coded * 8 * 64 < self.width * self.height:
            broken("there is less in it than its size says")
        if self.turned > 1:
            self.heads.append(_said(0xE1, EXIF + upright(self.turned)))
        body = b"".join((b"\xff\xd8", *self.heads, *self.kept, b"\xff\xd9"))
        return Photo("image/jpeg", body, self.width, self.height)


def _marker(body: bytes, at: int) -> tuple[int, int]:
    """The marker at a place, and what follows it; fill bytes are passed over."""
    if body[at : at + 1] != b"\xff":
        broken("it is cut off" if at >= len(body) else "a segment does not begin with a marker")
    start = at
    while body[at : at + 1] == b"\xff":
        at += 1
        if at - start > PIECES:
            broken("it is filled with nothing")
    if at >= len(body):
        broken("it is cut off")
    return body[at], at + 1


def _segment(body: bytes, at: int) -> bytes:
    size = int.from_bytes(body[at : at + 2], "big")
    if size < 2 or at + size > len(body):
        broken("it is cut off")
    return body[at + 2 : at + size]


def _said(mark: int, part: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, mark, len(part) + 2) + part


def _frame(mark: int, part: bytes) -> tuple[int, int]:
    if mark not in _SHOWN:
        raise UnsupportedMediaType(
            "a JPEG of a kind that no browser shows", where="photo", mend="save it as a usual JPEG"
        )
    if len(part) < 6 or len(part) != 6 + 3 * part[5] or not 1 <= part[5] <= 4:
        broken("its frame makes no sense")
    if part[0] != 8:
        raise UnsupportedMediaType("a JPEG of 12 bits a colour", where="photo", mend="save it as a usual JPEG")
    height, width = struct.unpack_from(">HH", part, 1)
    return sized(width, height)


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
        broken(f"a segment FF{mark:02X} that no photo has")
    if at != len(part):
        broken("a table has another length than it says")
