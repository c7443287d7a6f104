"""A base map in one file: PMTiles, version 3, read tile by tile.

Source: https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md (public domain). A header of 127 bytes, a root
directory, metadata, leaf directories, tiles. Directories are columns of variable-length integers, packed by gzip; tiles
are numbered along a Hilbert curve. The file is somebody else's: each length is checked before it is read.
"""

import gzip
import io
import json
import os
import threading
import zlib
from bisect import bisect_right
from collections import OrderedDict
from pathlib import Path
from typing import Any, Final, NamedTuple

from hansa.errors import BadRequest

KINDS: Final = {
    1: (b"application/vnd.mapbox-vector-tile", "vector"),
    2: (b"image/png", "raster"),
    3: (b"image/jpeg", "raster"),
    4: (b"image/webp", "raster"),
    5: (b"image/avif", "raster"),
}
DEEPEST: Final = 26
TILE: Final = 4_000_000  # bytes of one tile: the largest of OpenStreetMap's have a tenth of it
_HEADER: Final = 127
_FAR: Final = 2**62  # no file is so long
_DIRECTORY: Final = 8_000_000  # bytes of one, packed; four times as many unpacked
_ENTRIES: Final = 1_000_000
_LEAVES: Final = 64  # directories kept
_DEPTH: Final = 4
_NONE, _GZIP = 1, 2


class _Entry(NamedTuple):
    tile: int
    offset: int
    length: int
    run: int


def tile_id(z: int, x: int, y: int) -> int:
    """The number of a tile: those of all lower zooms, then its place on the Hilbert curve of its own."""
    before = ((1 << (2 * z)) - 1) // 3
    d = 0
    side = 1 << z
    half = side >> 1
    while half:
        right, low = int(bool(x & half)), int(bool(y & half))
        d += half * half * ((3 * right) ^ low)
        if not low:
            if right:
                x, y = half - 1 - (x & (half - 1)), half - 1 - (y & (half - 1))
            x, y = y, x
        half >>= 1
    return before + d


class PMTiles:
    """One file. For any thread."""

    def __init__(self, path: Path) -> None:
        """Read the header and the root directory. BadRequest where it is no such file."""
        self._name = path.name
        try:
            self._file = os.open(path, os.O_RDONLY)
        except OSError as fault:
            raise BadRequest(f"{path} cannot be read: {fault.strerror}", where="city.tiles") from None
        self._lock = threading.Lock()
        self._leaves: OrderedDict[int, list[_Entry]] = OrderedDict()
        head = self._read(0, _HEADER)
        if head[:7] != b"PMTiles" or head[7] != 3:
            raise self._wrong("it is no PMTiles of version 3")
        numbers = [int.from_bytes(head[8 + 8 * i : 16 + 8 * i], "little") for i in range(8)]
        root, root_length, meta, meta_length, self._leaf, self._leaf_length, self._tiles, self._tiles_length = numbers
        self._packed, tiles_packed, kind = head[97], head[98], head[99]
        if kind not in KINDS or self._packed not in {_NONE, _GZIP} or tiles_packed not in {_NONE, _GZIP}:
            raise self._wrong("its tiles are of a kind, or packed in a way, that is not known")
        self.media, self.kind = KINDS[kind]
        self.gzipped = tiles_packed == _GZIP
        self.minzoom, self.maxzoom = head[100], min(head[101], DEEPEST)
        self._root = self._directory(root, root_length)
        self.credit = self._credit(meta, meta_length)

    def _wrong(self, why: str) -> BadRequest:
        return BadRequest(f"{self._name}: {why}", where="city.tiles", mend="give a .pmtiles file, version 3")

    def _read(self, offset: int, length: int) -> bytes:
        if offset > _FAR:
            raise self._wrong("it points beyond any file")
        body = os.pread(self._file, length, offset)
        if len(body) != length:
            raise self._wrong("it ends too early")
        return body

    def _unpacked(self, offset: int, length: int) -> bytes:
        if not 0 < length <= _DIRECTORY:
            raise self._wrong("a directory is too large")
        body = self._read(offset, length)
        if self._packed == _NONE:
            return body
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
                body = file.read(4 * _DIRECTORY + 1)
        except (OSError, EOFError, zlib.error) as fault:
            raise self._wrong(f"a directory is damaged: {fault}") from None
        if len(body) > 4 * _DIRECTORY:
            raise self._wrong("a directory is too large")
        return body

    def _directory(self, offset: int, length: int) -> list[_Entry]:
        body = self._unpacked(offset, length)
        at = 0

        def number() -> int:
            nonlocal at
            found = shift = 0
            while True:
                if at >= len(body) or shift > 63:
                    raise self._wrong("a directory is damaged")
                byte = body[at]
                at += 1
                found |= (byte & 127) << shift
                if byte < 128:
                    return found
                shift += 7

        many = number()
        if many > _ENTRIES:
            raise self._wrong("a directory is too large")
        tiles: list[int] = []
        last = 0
        for _ in range(many):
            last += number()
            tiles.append(last)
        runs = [number() for _ in range(many)]
        lengths = [number() for _ in range(many)]
        offsets: list[int] = []
        for i in range(many):
            said = number()
            offsets.append(offsets[-1] + lengths[i - 1] if said == 0 and i else said - 1)
        return [_Entry(*one) for one in zip(tiles, offsets, lengths, runs, strict=True)]

    def _credit(self, offset: int, length: int) -> str:
        if not length:
            return ""
        try:
            said: Any = json.loads(self._unpacked(offset, length))
        except ValueError:
            return ""
        found = said.get("attribution") if isinstance(said, dict) else None
        return found[:200] if isinstance(found, str) and "<" not in found else ""

    def tile(self, z: int, x: int, y: int) -> bytes | None:
        """A tile as it lies there (gzip-compressed where `gzipped`); None where there is none."""
        if not (self.minzoom <= z <= self.maxzoom and 0 <= x < 1 << z and 0 <= y < 1 << z):
            return None
        wanted = tile_id(z, x, y)
        entries = self._root
        for _ in range(_DEPTH):
            at = bisect_right(entries, wanted, key=lambda one: one.tile) - 1
            if at < 0:
                return None
            one = entries[at]
            if one.run:
                if wanted >= one.tile + one.run:
                    return None
                if one.length > TILE or one.offset + one.length > self._tiles_length:
                    raise self._wrong("a tile lies beyond the end")
                return self._read(self._tiles + one.offset, one.length)
            entries = self._leaf_at(one)
        return None

    def _leaf_at(self, one: _Entry) -> list[_Entry]:
        with self._lock:
            if (kept := self._leaves.get(one.offset)) is not None:
                self._leaves.move_to_end(one.offset)
                return kept
        if one.offset + one.length > self._leaf_length:
            raise self._wrong("a directory lies beyond the end")
        read = self._directory(self._leaf + one.offset, one.length)
        with self._lock:
            self._leaves[one.offset] = read
            if len(self._leaves) > _LEAVES:
                self._leaves.popitem(last=False)
        return read

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)
