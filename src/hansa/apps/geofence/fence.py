"""What a Geofence means: its shape, how far around it counts, and whether a place is in or out. Numbers in and out."""

from dataclasses import dataclass
from math import cos, isfinite, radians
from typing import Any, Final

from hansa import Entity, geo, labels
from hansa.model.planar import Shape, distance_m

MARGIN_M: Final = 15.0
"""How far beyond the edge something must be to be out: as far as a receiver of positions is wrong (hysteresis)."""
CORRIDOR_M: Final = 25.0
"""How far from a line or a point counts as in it, unless the fence says."""
FARTHEST_M: Final = 100_000.0
SEVERITIES: Final = ("informational", "low", "medium", "high", "critical")
POSITIONS: Final = 500
"""Of one fence: it is measured to with every move near it. A hull of them is as good a fence."""
PIECES: Final = 1_000
"""Into which its edge is taken apart, one for each tenth of a degree at most: a fence is no country."""
KINDS: Final = 20
"""Types of one fence: when it is drawn, all things of each are looked for."""
_DEGREE_M: Final = 111_195.0
_POLE: Final = 0.01

IN: Final = True
OUT: Final = False


class Unusable(ValueError):
    """A Geofence that cannot be used, and why."""


@dataclass(frozen=True, slots=True)
class Fence:
    """One watched area. `radius` (metres) around its shape counts as in, `margin` metres more must be passed to be out.

    `kinds` are the types it is for; empty: all. `guarded` are the labels under which its name
    and place stand. `west` to `north` is the box beyond which everything is out.
    """

    id: str
    name: str
    shape: Shape
    cost: int
    """Pieces of its edge: measuring to it takes some 2 µs for each."""
    kinds: frozenset[str]
    enter: bool
    leave: bool
    radius: float
    margin: float
    severity: str
    guarded: tuple[str | None, ...]
    realm: str
    west: float
    south: float
    east: float
    north: float

    def near(self, lon: float, lat: float) -> bool:
        """Whether it is to be measured to at all."""
        return self.south <= lat <= self.north and self.west <= lon <= self.east

    def where(self, lon: float, lat: float) -> bool | None:
        """IN, OUT, or None on the edge, where it stays as it was."""
        if not self.near(lon, lat):
            return OUT
        far = distance_m(Shape.of({"type": "Point", "coordinates": [lon, lat]}), self.shape)
        if far <= self.radius:
            return IN
        return OUT if far > self.radius + self.margin else None


def read(entity: Entity) -> Fence | None:
    """The fence of an entity; None when it is switched off. Unusable says why it cannot be used."""
    if entity.get("active", True) is False:
        return None
    shape = entity.location
    if not isinstance(shape, dict) or shape.get("type") not in {"Polygon", "MultiPolygon", "LineString", "Point"}:
        raise Unusable("its location is no polygon, line or point")
    if _positions(shape["coordinates"]) > POSITIONS:
        raise Unusable(f"its location has more than {POSITIONS} positions; draw it simpler")
    area = shape["type"] in {"Polygon", "MultiPolygon"}
    radius = _metres(entity, "radius", 0.0 if area else CORRIDOR_M)
    margin = _metres(entity, "margin", MARGIN_M)
    severity = entity.get("severity", "medium")
    if severity not in SEVERITIES:
        raise Unusable(f"its severity is none of {', '.join(SEVERITIES)}")
    kinds = entity.get("forTypes", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not isinstance(kinds, list) or len(kinds) > KINDS or not all(isinstance(one, str) for one in kinds):
        raise Unusable(f"forTypes is no list of at most {KINDS} types")
    west, south, east, north = geo.bbox(shape)
    ready = Shape.of(shape)
    pieces = sum(1 + max(abs(b[0] - a[0]), abs(b[1] - a[1])) / 0.1 for a, b in ready.segments())
    if pieces > PIECES:
        raise Unusable("its location is as large as a country; draw it smaller, or simpler")
    up = (radius + margin) / _DEGREE_M
    wide = up / max(_POLE, cos(radians(max(abs(south), abs(north)))))
    return Fence(
        id=entity.id,
        name=str(entity.get("name") or entity.key),
        shape=ready,
        cost=max(1, len(ready.arcs())),
        kinds=frozenset(kinds),
        enter=_said(entity, "onEnter", default=True),
        leave=_said(entity, "onExit", default=False),
        radius=radius,
        margin=margin,
        severity=str(severity),
        guarded=tuple(labels.of(entity, "name", "location")),
        realm=entity.realm,
        west=west - wide,
        south=south - up,
        east=east + wide,
        north=north + up,
    )


def _positions(said: Any) -> int:
    """How many there are, or one more than may be."""
    if not isinstance(said, list) or (said and not isinstance(said[0], list)):
        return 1
    count = 0
    for one in said:
        count += _positions(one)
        if count > POSITIONS:
            break
    return count


def _metres(entity: Entity, name: str, default: float) -> float:
    found = entity.get(name, default)
    if isinstance(found, bool) or not isinstance(found, int | float) or not isfinite(found):
        raise Unusable(f"its {name} is no number of metres")
    if not 0 <= found <= FARTHEST_M:
        raise Unusable(f"its {name} is not 0 to {FARTHEST_M:,.0f} metres")
    return float(found)


def _said(entity: Entity, name: str, *, default: bool) -> bool:
    found = entity.get(name, default)
    if not isinstance(found, bool):
        raise Unusable(f"its {name} is neither true nor false")
    return found


def position(shape: Any) -> tuple[float, float] | None:
    """Longitude and latitude of a Point; None for anything else."""
    if not isinstance(shape, dict) or shape.get("type") != "Point":
        return None
    lon, lat = shape["coordinates"][:2]
    return lon, lat
