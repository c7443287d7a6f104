"""Reading a base map in one file, also a broken one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.errors import BadRequest
from hansa.platform.pmtiles import PMTiles, tile_id
from pmtiles_file import archive


def written(tmp_path, body):
    path = tmp_path / "base.pmtiles"
    path.write_bytes(body)
    return path


# The first tiles, as the specification numbers them.
@pytest.mark.parametrize(
    ("place", "told"),
    [
        *(((0, 0, 0), 0), ((1, 0, 0), 1), ((1, 0, 1), 2), ((1, 1, 1), 3), ((1, 1, 0), 4), ((2, 0, 0), 5)),
        ((12, 3423, 1763), 19078479),
    ],
)
def test_tiles_are_numbered_as_the_specification_says(place, told):
    assert tile_id(*place) == told


@given(st.integers(0, 8))
def test_every_tile_of_a_zoom_has_a_number_of_its_own(z):
    side = min(1 << z, 16)
    numbers = {tile_id(z, x, y) for x in range(side) for y in range(side)}
    assert len(numbers) == side * side
    assert all((4**z - 1) // 3 <= one < (4 ** (z + 1) - 1) // 3 for one in numbers)


@pytest.mark.parametrize("leaves", [False, True])
def test_what_is_in_the_file_is_found_and_what_is_not_is_not(tmp_path, leaves):
    tiles = {(0, 0, 0): b"world", (3, 4, 2): b"three", (14, 8969, 5670): b"town"}
    base = PMTiles(written(tmp_path, archive(tiles, leaves=leaves)))
    assert {place: base.tile(*place) for place in tiles} == tiles
    assert base.tile(3, 4, 3) is None
    assert base.tile(15, 0, 0) is None
    assert base.tile(1, 2, 0) is None
    assert (base.kind, base.media, base.credit) == ("vector", b"application/vnd.mapbox-vector-tile", "Made for a test")
    base.close()


def test_what_is_no_base_map_is_refused(tmp_path):
    good = archive({(0, 0, 0): b"world"})
    for body in (b"", b"PNG", good[:100], good[:140], b"PMTiles\x02" + good[8:], archive({(0, 0, 0): b"x"}, kind=9)):
        with pytest.raises(BadRequest):
            PMTiles(written(tmp_path, body))
    with pytest.raises(BadRequest):
        PMTiles(tmp_path / "none.pmtiles")


@given(at=st.integers(0, 260), value=st.integers(0, 255))
def test_a_damaged_file_is_refused_or_gives_nothing_worse_than_bytes(tmp_path_factory, at, value):
    body = bytearray(archive({(0, 0, 0): b"world", (2, 1, 1): b"two"}, leaves=True))
    body[min(at, len(body) - 1)] = value
    path = tmp_path_factory.getbasetemp() / "damaged.pmtiles"
    path.write_bytes(body)
    try:
        base = PMTiles(path)
    except BadRequest:
        return
    try:
        for place in ((0, 0, 0), (2, 1, 1)):
            assert isinstance(base.tile(*place), bytes | None)
    except BadRequest:
        pass
    finally:
        base.close()
