"""A base map in one file, made for tests: PMTiles, version 3."""

import gzip
import json

from hansa.platform.pmtiles import tile_id


def number(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def directory(entries, packed=True):
    """Columns of (tile, offset, length, run)."""
    body, last = number(len(entries)), 0
    for tile, _, _, _ in entries:
        body += number(tile - last)
        last = tile
    body += b"".join(number(run) for _, _, _, run in entries)
    body += b"".join(number(length) for _, _, length, _ in entries)
    body += b"".join(number(offset + 1) for _, offset, _, _ in entries)
    return gzip.compress(body) if packed else body


def archive(tiles, *, leaves=False, kind=1, credit="Made for a test", zooms=(0, 14)):
    """A file of {(z, x, y): bytes}."""
    data, entries = b"", []
    for place, body in sorted(tiles.items(), key=lambda one: tile_id(*one[0])):
        entries.append((tile_id(*place), len(data), len(body), 1))
        data += body
    leaf = directory(entries) if leaves else b""
    root = directory([(entries[0][0], 0, len(leaf), 0)]) if leaves else directory(entries)
    meta = gzip.compress(json.dumps({"attribution": credit}).encode())
    at = 127
    places = [at, len(root), at + len(root), len(meta), at + len(root) + len(meta), len(leaf)]
    places += [at + len(root) + len(meta) + len(leaf), len(data)]
    head = b"PMTiles\x03" + b"".join(one.to_bytes(8, "little") for one in places) + bytes(24)
    head += bytes([1, 2, 1, kind, *zooms])
    return head.ljust(127, b"\0") + root + meta + leaf + data
