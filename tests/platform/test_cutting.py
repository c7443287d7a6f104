"""Pictures from above, cut into tiles: what lies where, and what is no picture."""

import io

import pytest
from PIL import Image

from hansa.platform.cutting import Unfit, cut, mercator, projected, zooms

SQUARE = [(17.100, 48.304), (17.106, 48.304), (17.106, 48.300), (17.100, 48.300)]
RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 180, 40), (30, 60, 220), (230, 210, 30)


def picture(size=(600, 600), kind="PNG"):
    """A picture of four colours: red upper left, green upper right, blue lower right, yellow lower left."""
    made = Image.new("RGB", size)
    w, h = size[0] // 2, size[1] // 2
    for colour, box in ((RED, (0, 0)), (GREEN, (w, 0)), (BLUE, (w, h)), (YELLOW, (0, h))):
        made.paste(colour, (*box, box[0] + w, box[1] + h))
    out = io.BytesIO()
    made.save(out, kind)
    return out.getvalue()


def tiles_of(body, corners, **how):
    found = list(cut(body, corners, **{"pixels": 10_000_000, "tiles": 1_000, **how}))
    return found[0][0], {(one["z"], one["x"], one["y"]): Image.open(io.BytesIO(tile)) for one, tile in found[1:]}


def colour_at(tiles, zoom, lon, lat):
    x, y = (one * (1 << zoom) for one in mercator(lon, lat))
    tile = tiles[zoom, int(x), int(y)].convert("RGBA")
    return tile.getpixel((int(x % 1 * 256), int(y % 1 * 256)))


def like(one, other):
    return one[3] > 250 and all(abs(a - b) < 30 for a, b in zip(one, other, strict=False))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_each_part_of_a_picture_lies_where_it_belongs(kind):
    about, tiles = tiles_of(picture(kind=kind), SQUARE)
    assert about["width"] == about["height"] == 600
    for zoom in (about["maxzoom"], about["maxzoom"] - 2):
        assert like(colour_at(tiles, zoom, 17.1015, 48.303), RED)
        assert like(colour_at(tiles, zoom, 17.1045, 48.303), GREEN)
        assert like(colour_at(tiles, zoom, 17.1045, 48.301), BLUE)
        assert like(colour_at(tiles, zoom, 17.1015, 48.301), YELLOW)


def test_a_picture_that_lies_turned_is_turned():
    # A quarter with the clock: its upper left is at the upper right.
    _, tiles = tiles_of(picture(), [SQUARE[1], SQUARE[2], SQUARE[3], SQUARE[0]])
    zoom = max(z for z, _, _ in tiles)
    assert like(colour_at(tiles, zoom, 17.1045, 48.303), RED)
    assert like(colour_at(tiles, zoom, 17.1015, 48.303), YELLOW)


def test_beside_a_picture_there_is_nothing():
    _, tiles = tiles_of(picture(), SQUARE)
    zoom = max(z for z, _, _ in tiles)
    corner = min((x, y) for z, x, y in tiles if z == zoom)
    assert tiles[zoom, *corner].convert("RGBA").getpixel((0, 0))[3] == 0
    assert len([one for one in tiles if one[0] == zoom]) < 40


def test_corners_of_the_picture_are_those_of_the_map():
    to_picture = projected(SQUARE, 600, 400)
    for corner, told in zip(SQUARE, ((0, 0), (600, 0), (600, 400), (0, 400)), strict=True):
        u, v, w = to_picture @ (*mercator(*corner), 1)
        assert (u / w, v / w) == pytest.approx(told, abs=1e-3)


def test_its_zoom_is_worth_its_pixels():
    low, high = zooms(SQUARE, 600, 600)
    assert zooms(SQUARE, 2_400, 2_400)[1] == high + 2
    assert low < high


@pytest.mark.parametrize(
    ("body", "corners", "how"),
    [
        (b"", SQUARE, {}),
        (b"GIF89a" + bytes(50), SQUARE, {}),
        (picture()[:300], SQUARE, {}),
        (picture(), SQUARE, {"pixels": 1_000}),
        (picture(), SQUARE, {"tiles": 3}),
        (picture(), [SQUARE[0]] * 4, {}),
        (picture(), [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]], {}),
    ],
)
def test_what_is_no_picture_or_has_no_place_is_said_so(body, corners, how):
    with pytest.raises(Unfit):
        tiles_of(body, corners, **how)
