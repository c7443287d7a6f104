"""Relations between lines and polygons (CIM 009, clause 4.10), asked of GEOS through shapely.

Rings that cross themselves are resolved even-odd, as `planar` reads them. What crosses itself thousands of times is
refused: GEOS would take minutes over it, and cannot be interrupted. shapely is imported when it is first needed.
"""

import importlib
from collections.abc import Iterator
from typing import Any, Final

from hansa.errors import NotSupported, TooLarge

CROSSINGS: Final = 2_000  # of the edges of two geometries: some 0.2 s of GEOS
_SMALL: Final = 100  # positions, which cannot cross more often than that
_CHUNK: Final = 64  # segments looked up at once; after each the crossings are counted


def related(relation: str, target: dict[str, Any], reference: Any) -> bool:
    """Whether a valid geometry is within, contains, overlaps or equals a `resolved` one. Raises TooLarge."""
    shapely = _shapely()
    made = resolved(target)
    _check(shapely, made, reference)
    return bool(getattr(shapely, relation)(made, reference))


def resolved(geometry: dict[str, Any]) -> Any:
    """A valid geometry as GEOS wants it. Raises TooLarge, NotSupported (shapely is not installed)."""
    shapely = _shapely()
    made = importlib.import_module("shapely.geometry").shape(geometry)
    if made.is_valid:
        return made
    _check(shapely, made)
    if made.geom_type not in {"Polygon", "MultiPolygon"}:
        return shapely.make_valid(made)
    parts = [_even_odd(shapely, one) for one in shapely.get_parts(made)]
    return parts[0] if len(parts) == 1 else shapely.union_all(parts)


def _even_odd(shapely: Any, polygon: Any) -> Any:
    """The faces between a polygon's rings that lie within an odd number of their windings.

    GEOS's own make_valid says the same and takes the fourth power of the positions for it.
    """
    edges = shapely.union_all(shapely.get_rings(polygon))
    faces = shapely.get_parts(shapely.polygonize([edges]))
    shapely.prepare(polygon)
    inside = faces[shapely.intersects(polygon, shapely.point_on_surface(faces))]
    return shapely.coverage_union_all(inside) if len(inside) else edges


def _check(shapely: Any, *shapes: Any) -> None:
    """Raise TooLarge when the edges of these shapes meet too often."""
    if sum(int(shapely.get_num_coordinates(one)) for one in shapes) <= _SMALL:
        return
    segments = [segment for one in shapes for segment in _segments(shapely, one)]
    tree = shapely.STRtree(segments)
    meetings = 0
    for begin in range(0, len(segments), _CHUNK):
        chunk = segments[begin : begin + _CHUNK]
        meetings += tree.query(chunk, predicate="intersects").shape[1] - 3 * len(chunk)  # itself and two neighbours
        if meetings > 2 * CROSSINGS:  # each is met from both its sides
            raise TooLarge(
                f"geometries whose edges cross more than {CROSSINGS:,} times",
                where="geometry",
                mend="ask with a simpler geometry",
            )


def _segments(shapely: Any, shape: Any) -> Iterator[Any]:
    for part in shapely.get_parts(shape):
        for line in shapely.get_rings(part) if part.geom_type == "Polygon" else [part]:
            ends = shapely.get_coordinates(line).repeat(2, axis=0)[1:-1]
            if len(ends):
                yield from shapely.linestrings(ends.reshape(-1, 2, 2))


def _shapely() -> Any:
    try:
        return importlib.import_module("shapely")
    except ImportError:
        raise NotSupported(
            "within, contains, overlaps and equals between lines and polygons need the library shapely",
            where="georel",
            mend="install hansa[geo], or ask with intersects",
        ) from None
