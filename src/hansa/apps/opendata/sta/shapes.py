"""Shapes in filters: read from WKT and GeoJSON, related by GEOS, measured in metres on the ground.

shapely is the extra `hansa[geo]`; without it a filter that names a shape is 501. It is imported when it is needed.
"""

import importlib
import math
from collections.abc import Mapping
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any, ClassVar, Final

import orjson

from hansa import Refusal, geo

_LARGEST: Final = 500_000  # bytes of a shape of the city that is weighed: GEOS cannot be interrupted
_RELATIONS: Final = {
    "geo.intersects": "intersects",
    "st_intersects": "intersects",
    "st_equals": "equals",
    "st_disjoint": "disjoint",
    "st_touches": "touches",
    "st_within": "within",
    "st_overlaps": "overlaps",
    "st_crosses": "crosses",
    "st_contains": "contains",
}
RELATIONS: Final = (*_RELATIONS, "st_relate")
MEASURES: Final = ("geo.distance", "geo.length")


class NotBuilt(Refusal):
    """It is in the standard, and not here: 501 (req/request-data/query-status-code)."""

    status: ClassVar[int] = 501
    title: ClassVar[str] = "Not implemented"


@cache
def _geos() -> Any:
    try:
        return importlib.import_module("shapely")
    except ImportError:
        raise NotBuilt("shapes cannot be weighed here", where="$filter", mend="pip install 'hansa[geo]'") from None


def written(text: str) -> Any:
    """The shape of a WKT text. ValueError."""
    text = text.partition(";")[2] if text.upper().startswith("SRID=") else text
    try:
        made = _geos().from_wkt(text)
    except _geos().errors.ShapelyError as fault:
        raise ValueError(str(fault)) from None
    if made is None or made.is_empty or not all(map(math.isfinite, made.bounds)):
        raise ValueError("it is no geometry")
    return made


def is_shape(value: Any) -> bool:
    """Whether it is one that was written in a filter."""
    return hasattr(value, "geom_type")


def shape(value: Any) -> Any:
    """A shape of GeoJSON, or of one; None for anything else."""
    if is_shape(value):
        return value
    if not isinstance(value, Mapping) or "coordinates" not in value:
        return None
    text = orjson.dumps(value)
    return _read(text) if len(text) <= _LARGEST else None


@lru_cache(2_048)
def _read(text: bytes) -> Any:
    return _geos().from_geojson(text, on_invalid="ignore")


def relates(name: str, one: Any, other: Any, pattern: Any = None) -> Any:
    """Whether two shapes lie so to each other; None where one of them is none."""
    a, b = shape(one), shape(other)
    if a is None or b is None:
        return None
    try:
        if name == "st_relate":
            return bool(_geos().relate_pattern(a, b, pattern)) if isinstance(pattern, str) else None
        return bool(getattr(_geos(), _RELATIONS[name])(a, b))
    except (_geos().errors.ShapelyError, ValueError):
        return None


def metres(name: str, one: Any, other: Any = None) -> Any:
    """The length of a line, or the distance between two shapes; None where one of them is none."""
    a, b = shape(one), shape(other)
    if a is None:
        return None
    if name == "geo.length":
        lines = [line for line in _geos().get_parts(a) if line.geom_type in {"LineString", "LinearRing"}]
        steps = (step for line in lines for step in pairwise(line.coords))
        return sum((geo.metres(_point(start), _point(end)) for start, end in steps), 0.0)
    if b is None:
        return None
    try:
        return geo.metres(*(orjson.loads(_geos().to_geojson(each)) for each in (a, b)))
    except (KeyError, TypeError, ValueError):
        return None


def _point(at: Any) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [float(at[0]), float(at[1])]}
