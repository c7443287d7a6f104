"""Where an entity is and what it says there, in a few columns: what a map of 100,000 of them can carry.

A block is JSON of columns of one length; `type`, `of` and `unit` are places in lists:

    {"types": ["Vehicle"], "attrs": ["speed"], "prefix": "urn:ngsi-ld:Vehicle:",
     "id": ["v1"], "type": [0], "name": ["Tram 4"], "lon": [17.1], "lat": [48.3], "value": [31.5], "of": [0],
     "units": ["KMH"], "unit": [0], "at": [1792000000], "device": [null], "gone": []}

`id` is what follows the prefix; `at` is when the newest of what it says was observed, in seconds since 1970; whatever
was not said is null. `gone` are whole ids.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import orjson

from hansa import clock
from hansa.errors import BadRequest
from hansa.model.entity import MEMBERS, Entity, alias, default_instance

Show = Mapping[str, Sequence[str]]
"""Which attributes speak for a type, by its name: the first that is a number."""

_LARGEST: Final = 1e300  # beyond it a number is none that a map can show
_NOTHING: Final[dict[str, Any]] = {}
_SECOND: Final = 1_000_000


class Spot(NamedTuple):
    """One point. Longitude and latitude in degrees; `at` in seconds since 1970, or None when nobody said when."""

    id: str
    kind: str
    name: str | None
    lon: float
    lat: float
    value: float | None
    of: str | None
    unit: str | None
    at: int | None
    device: str | None


def spot(entity: Entity, show: Show) -> Spot | None:
    """The point of an entity; None when it has none on the map of the Earth."""
    doc = entity.doc
    place = _position(doc["location"] if "location" in doc else _aliased(doc, "location"))
    if place is None:
        return None
    kind = doc["type"] if type(doc["type"]) is str else doc["type"][0]
    value = of = unit = None
    if (wanted := show.get(kind)) is not None:
        for of in wanted:
            if (value := _number(doc.get(of))) is not None:
                unit = _unit(doc[of])
                break
        else:
            of = None
    newest = ""
    for name, entry in doc.items():
        if type(entry) is dict:
            one = entry
        elif type(entry) is str or name in MEMBERS:
            continue
        else:
            one = default_instance(entry) or _NOTHING
        if "observedAt" in one and one["observedAt"] > newest:
            newest = one["observedAt"]
        if of is None and wanted is None and one.get("type") == "Property" and (found := _number(one)) is not None:
            value, of, unit = found, name, _unit(one)
    title = _text(doc["name"]) if "name" in doc else None
    device = _text(doc["refDevice"]) if "refDevice" in doc else None
    return Spot(doc["id"], kind, title, *place, value, of, unit, _seconds(newest) if newest else None, device)


KINDS: Final = frozenset({"water", "road", "rail", "parcel", "building", "district", "other"})
"""What a shape on the ground may be."""
_MINOR: Final = re.compile(r"track|path|tertiary|residential|service|foot|cycle", re.IGNORECASE)
_FLOOR_M: Final = 3.0
_HIGHEST_M: Final = 2_000.0
_AREAS: Final = frozenset({"Polygon", "MultiPolygon"})
_LINES: Final = frozenset({"LineString", "MultiLineString"})


def feature(entity: Entity, kinds: Mapping[str, str]) -> dict[str, Any] | None:
    """The line or area of an entity as GeoJSON, of the kind that its type has; None when it has neither.

    A house has its `height` in metres: said as `height` or `buildingHeight`, or so many floors of three metres.
    """
    doc = entity.doc
    entry = doc["location"] if "location" in doc else _aliased(doc, "location")
    one = entry if type(entry) is dict else None if entry is None else default_instance(entry)
    shape = None if one is None else one.get("value")
    if type(shape) is not dict or shape.get("type") not in _AREAS | _LINES:
        return None
    kind = next((kinds[one] for one in entity.types if one in kinds), "other")
    said: dict[str, Any] = {"kind": kind, "id": doc["id"]}
    if kind == "road" and _MINOR.search(f"{entity.get('roadClass', '')} {entity.get('category', '')}"):
        said["kind"] = "minor"
    if kind == "building":
        floors = _number(doc.get("floorsAboveGround"))
        height = _number(doc.get("height")) or _number(doc.get("buildingHeight")) or (floors or 0) * _FLOOR_M
        if 0 < height < _HIGHEST_M:
            said["height"] = height
    if (name := _text(doc.get("name"))) is not None:
        said["name"] = name
    return {"type": "Feature", "properties": said, "geometry": shape}


def _position(entry: Any) -> tuple[float, float] | None:
    one = entry if type(entry) is dict else None if entry is None else default_instance(entry)
    found = None if one is None else one.get("value")
    if type(found) is not dict or found.get("type") != "Point":
        return None
    lon, lat = found["coordinates"][:2]
    return (lon, lat) if -180 <= lon <= 180 and -90 <= lat <= 90 else None


def _aliased(doc: Mapping[str, Any], name: str) -> Any:
    """The same term under Smart Data Models' IRIs."""
    return next((doc[other] for other in doc if ":" in other and alias(other) == name), None)


def _number(entry: Any) -> float | None:
    one = entry if type(entry) is dict else None if entry is None else default_instance(entry)
    found = None if one is None else one.get("value")
    # A truth value is no number here, whatever Python says.
    if (type(found) is float or type(found) is int) and -_LARGEST < found < _LARGEST:
        return found
    return None


def _unit(entry: Any) -> str | None:
    one = entry if type(entry) is dict else default_instance(entry)
    found = None if one is None else one.get("unitCode")
    return found if type(found) is str else None


def _text(entry: Any) -> str | None:
    one = entry if type(entry) is dict else None if entry is None else default_instance(entry)
    if one is None:
        return None
    found = one.get("value", one.get("object"))
    if found is None and type(tongues := one.get("languageMap")) is dict:
        found = next(iter(tongues.values()), None)
    return found if type(found) is str else None


@lru_cache(maxsize=8_192)
def _seconds(observed: str) -> int | None:
    try:
        return clock.parse(observed, zone_needed=False) // _SECOND
    except BadRequest:
        return None


def block(spots: Iterable[Spot], gone: Sequence[str] = ()) -> bytes:
    """The JSON of some points, and of ids that are none any more."""
    types: dict[str, int] = {}
    attrs: dict[str, int] = {}
    units: dict[str, int] = {}
    rows = list(spots)
    idents, kind, names, lons, lats, values, of, unit, ats, devices = zip(*rows, strict=True) if rows else ((),) * 10
    kinds = [types.setdefault(one, len(types)) for one in kind]
    ofs = [None if one is None else attrs.setdefault(one, len(attrs)) for one in of]
    bears = [None if one is None else units.setdefault(one, len(units)) for one in unit]
    prefix = _common(min(idents), max(idents)) if len(idents) > 1 else ""
    cut = len(prefix)
    return orjson.dumps(
        {
            "types": list(types),
            "attrs": list(attrs),
            "units": list(units),
            "prefix": prefix,
            "id": [one[cut:] for one in idents] if cut else idents,
            "type": kinds,
            "name": names,
            "lon": lons,
            "lat": lats,
            "value": values,
            "of": ofs,
            "unit": bears,
            "at": ats,
            "device": devices if any(devices) else [],
            "gone": gone,
        }
    )


def _common(one: str, other: str) -> str:
    """What two ids begin with; of the first and the last in order, what all of them do."""
    for i, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return one[:i]
    return min(one, other)
