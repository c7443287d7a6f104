"""A picture from above, cut into tiles of a map: `python -m hansa.platform.cutting`, a process of its own.

What cuts reads bytes of strangers: it has its own memory, and an end. It takes a line of JSON (`corners`, `pixels`,
`tiles`) and then the picture on its standard input, and gives frames: the length of a head, the head as JSON, and as
many bytes as that says. The first head says what the tiles are of, each further one where its tile lies; a head with
`fault` says why there are none.

The four corners are longitudes and latitudes of the picture's own corners, from the upper left with the clock: a
picture may lie turned or askew, as drones take them. Between them it is projected (a homography), which is right for a
flat ground seen from anywhere. Tiles are WebP of 256 pixels in Web Mercator (EPSG:3857).
"""

import io
import json
import math
import resource
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

TILE: Final = 256
FORMATS: Final = ("PNG", "JPEG", "WEBP", "TIFF")
DEEPEST: Final = 22
LEVELS: Final = 9
"""Zooms of one picture: at the farthest it is some pixels wide."""
MEMORY: Final = 2_000_000_000
_QUALITY: Final = 82
_SMALLEST: Final = 1e-13  # of the world's area: a tenth of a square metre

Corners = Sequence[tuple[float, float]]
Matrix = NDArray[np.float64]


class Unfit(ValueError):
    """A picture, or corners, that cannot be cut, and why."""


def mercator(lon: float, lat: float) -> tuple[float, float]:
    """Web Mercator in the unit square."""
    return lon / 360 + 0.5, 0.5 - math.log(math.tan(math.pi / 4 + math.radians(lat) / 2)) / (2 * math.pi)


def projected(corners: Corners, width: int, height: int) -> Matrix:
    """The homography from Mercator to pixels of a picture. Unfit where the corners make no area, or cross."""
    points = [mercator(*one) for one in corners]
    turns = []
    for i in range(4):
        (ax, ay), (bx, by), (cx, cy) = points[i], points[(i + 1) % 4], points[(i + 2) % 4]
        turns.append((bx - ax) * (cy - by) - (by - ay) * (cx - bx))
    if not (all(one > 0 for one in turns) or all(one < 0 for one in turns)):
        raise Unfit("the corners make no area: give them from the upper left with the clock")
    # Around the first corner and by the size of the area: doubles keep their digits.
    (x0, y0), size = points[0], max(math.dist(points[0], points[2]), math.dist(points[1], points[3]))
    rows, right = [], []
    for (x, y), (u, v) in zip(points, ((0, 0), (width, 0), (width, height), (0, height)), strict=True):
        a, b = (x - x0) / size, (y - y0) / size
        rows += [[a, b, 1, 0, 0, 0, -u * a, -u * b], [0, 0, 0, a, b, 1, -v * a, -v * b]]
        right += [u, v]
    solved = np.linalg.solve(np.array(rows), np.array(right))
    local = np.array([[1 / size, 0, -x0 / size], [0, 1 / size, -y0 / size], [0, 0, 1]])
    made: Matrix = np.append(solved, 1).reshape(3, 3) @ local
    return made


def zooms(corners: Corners, width: int, height: int) -> tuple[int, int]:
    """The nearest and farthest zoom that a picture is worth."""
    points = [mercator(*one) for one in corners]
    area = abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(points, points[1:] + points[:1], strict=True))) / 2
    if area < _SMALLEST:
        raise Unfit("the corners make no area")
    deepest = math.ceil(math.log2(1 / (TILE * math.sqrt(area / (width * height)))) - 0.25)
    deepest = max(0, min(DEEPEST, deepest))
    return max(0, deepest - LEVELS + 1), deepest


def cut(body: bytes, corners: Corners, *, pixels: int, tiles: int) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Heads and tiles of a picture; the first head says what they are of. Unfit says what is wrong with it."""
    from PIL import Image, ImageOps  # noqa: PLC0415  # read in this process alone

    Image.MAX_IMAGE_PIXELS = pixels
    try:
        with Image.open(io.BytesIO(body), formats=FORMATS) as opened:
            size = opened.size
            picture = ImageOps.exif_transpose(opened).convert("RGBA") if size[0] * size[1] <= pixels else None
    except Exception as fault:  # noqa: BLE001  # whatever a decoder says of bytes that are none of its own
        raise Unfit(f"it cannot be read as {', '.join(FORMATS)}: {str(fault)[:200]}") from None
    if picture is None:
        raise Unfit(f"{size[0]} x {size[1]}: more than {pixels:,} pixels")
    width, height = picture.size
    low, high = zooms(corners, width, height)
    points = [mercator(*one) for one in corners]
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    north, south = min(y for _, y in points), max(y for _, y in points)
    many = sum(len(range(*_tiles(west, east, z))) * len(range(*_tiles(north, south, z))) for z in range(low, high + 1))
    if many > tiles:
        raise Unfit(f"it would be {many:,} tiles; {tiles:,} are the most")
    yield {"width": width, "height": height, "minzoom": low, "maxzoom": high}, b""
    to_picture = projected(corners, width, height)
    for z in range(high, low - 1, -1):
        scale = np.diag([picture.width / width, picture.height / height, 1.0])
        for y in range(*_tiles(north, south, z)):
            for x in range(*_tiles(west, east, z)):
                step = 1 / (TILE * (1 << z))
                place = np.array([[step, 0, x / (1 << z)], [0, step, y / (1 << z)], [0, 0, 1]])
                m = scale @ to_picture @ place
                m /= m[2, 2]
                made = picture.transform(
                    (TILE, TILE), Image.Transform.PERSPECTIVE, tuple(m.flatten()[:8]), Image.Resampling.BILINEAR
                )
                if made.getbbox() is None:
                    continue
                out = io.BytesIO()
                made.save(out, "WEBP", quality=_QUALITY, method=2)
                yield {"z": z, "x": x, "y": y}, out.getvalue()
        if min(picture.size) > 2:
            picture = picture.reduce(2)


def _tiles(first: float, last: float, z: int) -> tuple[int, int]:
    side = 1 << z
    return max(0, math.floor(first * side)), min(side, math.floor(last * side) + 1)


def main() -> None:
    """Cut what comes on the standard input."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    said = json.loads(sys.stdin.buffer.readline())
    body = sys.stdin.buffer.read()
    out = sys.stdout.buffer
    try:
        for head, tile in cut(body, said["corners"], pixels=said["pixels"], tiles=said["tiles"]):
            _frame(out, head, tile)
    except Unfit as why:
        _frame(out, {"fault": str(why)}, b"")
    except MemoryError:
        _frame(out, {"fault": "it takes too much memory"}, b"")
    out.flush()


def _frame(out: Any, head: dict[str, Any], body: bytes) -> None:
    text = json.dumps({**head, "size": len(body)}).encode()
    out.write(len(text).to_bytes(4, "big") + text + body)


if __name__ == "__main__":
    main()
