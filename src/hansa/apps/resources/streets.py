"""From a city's own RoadSegment entities to Segments: speed, direction, closure; what cannot be used says why.

Words are those of the Smart Data Models (Transportation, RoadSegment): `location` (LineString or MultiLineString),
`maximumAllowedSpeed` (km/h, unless it bears a unit), `status`, `laneUsage` (forward, backward; the forward direction is
that of the line), `roadClass`. `allowedDirections` (forward, backward, both) and OpenStreetMap's `oneway` (true, false,
-1) are read too. Driven is at 0.8 of the limit, and where none is said at a class's usual speed: the figures of
OSRM's car profile (Project-OSRM/osrm-backend, profiles/car.lua: speed_reduction, speed_profile).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from hansa import Entity, units
from hansa.apps.resources.roads import Network, Place, Segment
from hansa.errors import HansaError

PACE: Final = 0.8  # of a limit
CLASSES_KMH: Final = MappingProxyType(
    {
        "motorway": 90.0,
        "motorway_link": 75.0,
        "trunk": 85.0,
        "trunk_link": 70.0,
        "primary": 65.0,
        "primary_link": 60.0,
        "secondary": 55.0,
        "secondary_link": 50.0,
        "tertiary": 40.0,
        "tertiary_link": 30.0,
        "unclassified": 25.0,
        "residential": 25.0,
        "living_street": 10.0,
        "service": 15.0,
        "track": 15.0,
    }
)
UNKNOWN_KMH: Final = 25.0  # of a road that says neither: as an unclassified one
FASTEST_KMH: Final = 200.0  # a limit beyond it is none
CLOSED: Final = frozenset({"closed", "blocked", "impassable", "flooded", "out-of-service", "outOfService", "disused"})
POSITIONS: Final = 10_000  # of one segment
LONGEST_DEG: Final = 1.0  # of one straight piece: no street has a hundred kilometres without a bend
SHOWN: Final = 20  # faults that are told one by one


@dataclass(slots=True)
class Read:
    """What became of a city's roads when they were read."""

    segments: int = 0
    closed: int = 0
    unsaid: int = 0  # that say neither speed nor a known class
    refused: dict[str, str] = field(default_factory=dict)  # id and reason of the first few
    refusals: int = 0


def network(entities: Iterable[Entity]) -> tuple[Network, Read]:
    """The roads as a Network, and what was read of them."""
    told = Read()
    made: list[Segment] = []
    for one in entities:
        segments = segments_of(one)
        if isinstance(segments, str):
            told.refusals += 1
            if len(told.refused) < SHOWN:
                told.refused[one.id] = segments
            continue
        told.segments += 1
        told.closed += not (segments[0].forward or segments[0].backward)
        told.unsaid += _limit_kmh(one) is None and one.get("roadClass") not in CLASSES_KMH
        made += segments
    return Network(made), told


def segments_of(road: Entity) -> list[Segment] | str:
    """The lines of one RoadSegment, or why it cannot be driven on any map."""
    place = road.location
    if not isinstance(place, dict) or place.get("type") not in {"LineString", "MultiLineString"}:
        return "its location is no LineString"
    said = place.get("coordinates")
    lines = said if place["type"] == "MultiLineString" else [said]
    speed = _speed_mps(road)
    forward, backward = _directions(road)
    made = []
    for line in lines if isinstance(lines, list) else []:
        places = _places(line)
        if isinstance(places, str):
            return places
        made.append(Segment(road.id, places, speed, forward, backward))
    return made or "its location has no line"


def _places(line: Any) -> tuple[Place, ...] | str:
    if not isinstance(line, list) or len(line) < 2:
        return "a line has two positions at least"
    if len(line) > POSITIONS:
        return f"a line has more than {POSITIONS:,} positions"
    made: list[Place] = []
    for one in line:
        if not isinstance(one, list) or len(one) < 2:
            return "a position is no [longitude, latitude]"
        x, y = one[0], one[1]
        if type(x) not in {int, float} or type(y) not in {int, float} or not (-180 <= x <= 180 and -90 <= y <= 90):
            return "a position is no longitude and latitude"
        if made:
            apart = abs(x - made[-1][0])
            if min(apart, 360.0 - apart) > LONGEST_DEG or abs(y - made[-1][1]) > LONGEST_DEG:
                return f"a straight piece of it spans more than {LONGEST_DEG:g}°"
        made.append((float(x), float(y)))
    return tuple(made)


def _limit_kmh(road: Entity) -> float | None:
    """The speed that is allowed, when it is one."""
    if "maximumAllowedSpeed" not in road:
        return None
    said = road.attribute("maximumAllowedSpeed")
    if type(said.value) not in {int, float}:
        return None
    try:
        kmh = units.convert(float(said.value), said.unit, "KMH") if said.unit else float(said.value)
    except HansaError:  # no unit of speed
        return None
    return kmh if math.isfinite(kmh) and 0 < kmh <= FASTEST_KMH else None


def _speed_mps(road: Entity) -> float:
    limit = _limit_kmh(road)
    if limit is not None:
        return limit * PACE / 3.6
    kind = road.get("roadClass")
    return (CLASSES_KMH.get(kind, UNKNOWN_KMH) if isinstance(kind, str) else UNKNOWN_KMH) / 3.6


def _directions(road: Entity) -> tuple[bool, bool]:
    """Whether it may be driven along its line, and against it."""
    if not CLOSED.isdisjoint(_words(road.get("status"))) or road.get("closed") is True:
        return False, False
    oneway = str(road.get("oneway")).lower()
    if oneway in {"true", "yes", "1"}:
        return True, False
    if oneway in {"-1", "reverse"}:
        return False, True
    for name in ("allowedDirections", "laneUsage"):
        words = _words(road.get(name))
        if "both" in words:
            return True, True
        if ways := words & {"forward", "backward"}:
            return "forward" in ways, "backward" in ways
    return True, True


def _words(said: Any) -> set[str]:
    """One word, or a list of them."""
    return {one for one in (said if isinstance(said, list) else [said]) if isinstance(one, str)}
