"""The invented valley: where its river, roads, villages and orchards lie, as the entities that the map is drawn from.

There is no such place. The coordinates are a real region's so that sun and seasons are right; hills, names and houses
are made up, and every entity says so (`source: simulation`).
"""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

LONGITUDE: Final = 17.1
LATITUDE: Final = 48.3
VALLEY: Final = "Orlava valley (simulated)"
ZONE: Final = "Europe/Bratislava"
SOURCE: Final = "simulation"

Spot = tuple[float, float]
"""Kilometres east and north of the valley's middle."""

RIVER: Final[tuple[Spot, ...]] = (
    (-6.6, 4.6), (-5.7, 4.3), (-5.1, 3.5), (-4.3, 3.4), (-3.6, 2.6), (-2.7, 2.3), (-2.0, 1.4), (-1.2, 1.2), (-0.6, 0.4),
    (0.2, 0.1), (0.9, -0.7), (1.8, -0.9), (2.4, -1.8), (3.3, -2.0), (4.0, -2.9), (4.9, -3.1), (5.6, -4.0), (6.6, -4.3),
)  # fmt: skip
ORCHARDS: Final = (
    "Mill Orchard", "Heron Meadow", "Low Bridge", "Abbot's Row", "Chapel Slope", "Stone Terrace", "Willow Bend",
    "Ferry Field", "Plum Hollow", "Foxglove Hill", "Long Acre", "Upper Vineyard", "Damson Bank", "Old Weir",
    "Bee Garden", "Sunny Ridge", "Quarry Edge", "Alder Bottom", "Miller's Reach", "Cherry Lane", "Rowan Height",
    "Marl Pit", "Cold Dip", "Widow's Croft",
)  # fmt: skip
# How far from the river, on which side: the valley floor, its edge, the slope, the ridge.
_ACROSS: Final = (0.15, -0.3, 0.55, -0.8, 1.35, -1.9, 0.1, -0.2, 0.35, 2.3, -1.1, 1.7)


def lonlat(spot: Spot) -> list[float]:
    """Longitude and latitude of a spot, 6 decimals (0.1 m)."""
    east = LONGITUDE + spot[0] / (111.32 * math.cos(math.radians(LATITUDE)))
    return [round(east, 6), round(LATITUDE + spot[1] / 110.57, 6)]


def point(spot: Spot) -> dict[str, Any]:
    """A GeoJSON Point."""
    return {"type": "Point", "coordinates": lonlat(spot)}


def beside_river(along: float, across_km: float) -> Spot:
    """The spot beside the river: `along` from 0 (where it comes in) to 1, `across_km` to its left or (-) right."""
    place = max(0.0, min(0.9999, along)) * (len(RIVER) - 1)
    at = int(place)
    (x0, y0), (x1, y1) = RIVER[at], RIVER[at + 1]
    part = place - at
    # Across the valley's axis rather than the bend's, so that rows of orchards do not cross.
    return x0 + (x1 - x0) * part + 0.57 * across_km, y0 + (y1 - y0) * part + 0.82 * across_km


def height(spot: Spot) -> float:
    """Metres above the valley floor: nothing at the river, some 240 m on the ridges."""
    away = min(distance(spot, a, b) for a, b in pairwise(RIVER))
    return 250.0 * (1.0 - math.exp(-((away / 1.5) ** 2)))


def distance(spot: Spot, a: Spot, b: Spot) -> float:
    """Kilometres from a spot to the nearest of a straight piece from `a` to `b`."""
    (x, y), (x0, y0), (x1, y1) = spot, a, b
    dx, dy = x1 - x0, y1 - y0
    part = max(0.0, min(1.0, ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy)))
    return math.hypot(x - x0 - part * dx, y - y0 - part * dy)


def orchard(number: int) -> tuple[str, Spot]:
    """Name and place of an orchard; beyond those that have names they are numbered."""
    round_, at = divmod(number, len(ORCHARDS))
    name = ORCHARDS[at] if not round_ else f"{ORCHARDS[at]} {round_ + 1}"
    along = (at + 0.5 + 0.31 * round_) / (len(ORCHARDS) + 0.31 * round_)
    return name, beside_river(along, _ACROSS[(number * 5 + round_) % len(_ACROSS)])


def slug(name: str) -> str:
    """A name as part of an id."""
    return "-".join("".join(c if c.isalnum() else " " for c in name.replace("'", "")).lower().split())


def _entity(kind: str, name: str, geometry: dict[str, Any], **more: str) -> dict[str, Any]:
    said = {"name": name, "source": SOURCE, **more}
    return {
        "id": f"urn:ngsi-ld:{kind}:{slug(name)}",
        "type": kind,
        "location": {"type": "GeoProperty", "value": geometry},
        **{key: {"type": "Property", "value": value} for key, value in said.items()},
    }


def _line(spots: tuple[Spot, ...] | list[Spot]) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": [lonlat(one) for one in spots]}


def _area(spots: list[Spot]) -> dict[str, Any]:
    """A polygon whose ring runs against the clock, as RFC 7946 wants it."""
    turn = sum((x1 - x0) * (y1 + y0) for (x0, y0), (x1, y1) in zip(spots, spots[1:] + spots[:1], strict=True))
    ring = spots if turn < 0 else spots[::-1]
    return {"type": "Polygon", "coordinates": [[lonlat(one) for one in (*ring, ring[0])]]}


def _block(spot: Spot, wide_km: float, deep_km: float, tilt: float = -0.6) -> list[Spot]:
    cos, sin = math.cos(tilt), math.sin(tilt)
    corners = [(-wide_km, -deep_km), (wide_km, -deep_km), (wide_km, deep_km), (-wide_km, deep_km)]
    return [(spot[0] + u * cos - v * sin, spot[1] + u * sin + v * cos) for u, v in corners]


def _strip(first: float, last: float, wide_km: float) -> list[Spot]:
    steps = [first + (last - first) * i / 6 for i in range(7)]
    return [beside_river(s, wide_km) for s in steps] + [beside_river(s, -wide_km) for s in reversed(steps)]


_HOUSES: Final = (
    ("Town hall", 0.5, 0.22), ("School", 0.47, 0.35), ("Market hall", 0.52, 0.3), ("Swimming hall", 0.55, 0.42),
    ("Fruit store", 0.6, -0.35), ("Cider press", 0.41, -0.25), ("Clinic", 0.49, 0.5), ("Chapel", 0.35, 0.6),
    ("Railway station", 0.53, -0.3), ("Waterworks", 0.12, 0.3),
)  # fmt: skip


def base_map(orchards: int) -> Iterator[dict[str, Any]]:
    """The entities below the stations: districts, water, roads, houses and the parcels of the orchards (NGSI-LD)."""
    made_up = "Made up for the demo; there is no such place."
    for name, first, last in (("Upper Orlava", 0.0, 0.36), ("Orlava town", 0.36, 0.64), ("Lower Orlava", 0.64, 0.999)):
        yield _entity("District", name, _area(_strip(first, last, 2.9)), description=made_up)
    yield _entity("River", "Orlava", _line(RIVER), description=made_up)
    brook = [beside_river(0.3, 2.6), beside_river(0.33, 1.6), beside_river(0.37, 0.9), beside_river(0.4, 0.0)]
    yield _entity("River", "Chapel brook", _line(brook), category="stream")
    yield _entity("WaterBody", "Upper reservoir", _area(_strip(0.0, 0.07, 0.33)), category="reservoir")
    for name, across, kind in (("Valley road", 0.45, "secondary"), ("Old mill road", -0.5, "tertiary")):
        spots = [beside_river(i / 24, across + 0.08 * math.sin(i)) for i in range(25)]
        yield _entity("RoadSegment", name, _line(spots), roadClass=kind)
    for name, along in (("Chapel lane", 0.34), ("Bridge street", 0.5), ("Station street", 0.56), ("Weir lane", 0.77)):
        spots = [beside_river(along + 0.01 * i / 8, -2.2 + 0.55 * i) for i in range(9)]
        yield _entity("RoadSegment", name, _line(spots), roadClass="residential")
    rail = [beside_river(i / 20, -0.32 + 0.05 * math.sin(0.8 * i)) for i in range(21)]
    yield _entity("RailwayTrack", "Valley line", _line(rail))
    yield _entity("Building", "Orlava dam", _area(_block(beside_river(0.075, 0.0), 0.05, 0.36)), category="dam")
    for name, along, across in _HOUSES:
        yield _entity("Building", name, _area(_block(beside_river(along, across), 0.06, 0.04)), category="public")
    for number in range(orchards):
        name, spot = orchard(number)
        yield _entity(
            "AgriParcel", f"{name} parcel", _area(_block(spot, 0.19, 0.12)), category="orchard", description=made_up
        )
