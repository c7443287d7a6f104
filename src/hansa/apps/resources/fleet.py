"""What a Resource and an Incident say, read with care: nonsense is a fault that is told, never an exception.

A Resource: `name`, `resourceKind` (team, vehicle, shelter, bed, pump ...), `capabilities` (words), `location`,
`status`, `capacity` and `occupied` (of what has places), `roster`, `assignedTo` (Relationship to an Incident),
`assignedFor` (the capability), `held` (what has places: for which incident how many). An Incident's `needs`: a list of
{"capability", "count", "priority"}; priority is a severity word, and that of the incident where it says none.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from hansa import City, Entity, Refusal, geo
from hansa.apps.resources import roster as rosters

STATUSES: Final = ("available", "assigned", "travelling", "on-scene", "out-of-service")
BUSY: Final = frozenset({"assigned", "travelling", "on-scene"})
PLACES: Final = frozenset({"shelter", "bed", "ward", "hospital"})
"""Kinds that give places to several incidents at once, instead of going to one."""
OVER: Final = frozenset({"resolved", "reviewed", "closed", "merged"})
"""States of an incident that asks for nothing any more."""
GRAVE: Final = ("critical", "high", "medium", "low", "informational")
RESOURCES: Final = 5_000  # that are looked at
INCIDENTS: Final = 500
CAPABILITIES: Final = 50  # of one resource
NEEDS: Final = 50  # of one incident
WORD: Final = 80  # characters of a capability or kind
NAME: Final = 200
MOST: Final = 100_000  # places of one resource, and of one need


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource as it stands."""

    id: str
    name: str
    kind: str
    capabilities: frozenset[str]
    status: str
    place: tuple[float, float] | None
    capacity: int | None
    occupied: int
    assigned_to: str | None
    assigned_for: str | None
    held: tuple[dict[str, Any], ...]
    roster: rosters.Roster | None
    faults: tuple[str, ...]
    state: str
    """Another text when anything changed on which a decision stands: its status, what it is for, what it can."""

    @property
    def has_places(self) -> bool:
        """Whether it gives places instead of going somewhere."""
        return self.kind in PLACES

    @property
    def free(self) -> int:
        """How many places it has to give; whatever goes somewhere is one."""
        if self.has_places:
            return max(0, (self.capacity or 0) - self.occupied)
        return 1

    def kept(self, at: int) -> str:
        """Why it cannot be sent now; empty when it can."""
        if self.status == "out-of-service":
            return "out of service"
        if not self.has_places and (self.status in BUSY or self.assigned_to):
            return "assigned already"
        if not self.free:
            return "full"
        if self.roster is not None and self.roster.needed and not self.roster.on_duty(at):
            return "nobody on duty"
        return ""


@dataclass(frozen=True, slots=True)
class Want:
    """A need as an incident says it, and how much of it is still open."""

    capability: str
    count: int
    priority: str
    open: int


@dataclass(frozen=True, slots=True)
class Incident:
    """What an incident asks for."""

    id: str
    name: str
    severity: str
    status: str
    place: tuple[float, float] | None
    wants: tuple[Want, ...]
    faults: tuple[str, ...]
    state: str
    realm: str = "open"


def resource(one: Entity, zone: str = "UTC") -> Resource:
    """Read a Resource; `zone` is the city's, for rosters that name none."""
    faults: list[str] = []
    status = one.get("status", "available")
    if status not in STATUSES:
        faults.append("its status is none that is known; it counts as out of service")
        status = "out-of-service"
    capacity, occupied = _whole(one, "capacity", faults), _whole(one, "occupied", faults)
    if capacity is not None and (occupied or 0) > capacity:
        faults.append(f"{occupied} are taken of {capacity}")
    found: rosters.Roster | None = None
    if "roster" in one:
        try:
            found = rosters.read(one["roster"], zone)
        except Refusal as fault:
            faults.append(f"its roster cannot be used: {fault.detail}")
    said = one.get("capabilities", [])
    words = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    kind = one.get("resourceKind")
    held = one.get("held")
    return Resource(
        one.id,
        _name(one),
        kind[:WORD] if isinstance(kind, str) else "",
        frozenset(word for word in words[:CAPABILITIES] if isinstance(word, str) and word),
        status,
        place_of(one),
        capacity,
        occupied or 0,
        _text(one.get("assignedTo")),
        _text(one.get("assignedFor")),
        tuple(it for it in held if isinstance(it, dict)) if isinstance(held, list) else (),
        found,
        tuple(faults),
        digest(one, ("status", "assignedTo", "assignedFor", "capabilities", "capacity", "occupied", "resourceKind")),
    )


def incident(one: Entity, busy: Iterable[Resource] = ()) -> Incident:
    """Read an Incident; `busy` are the resources, of which those that are there already count."""
    faults: list[str] = []
    severity = one.get("severity")
    if severity not in GRAVE:
        severity = "medium"
    given: dict[str, int] = {}
    for it in busy:
        if it.assigned_to == one.id and it.assigned_for:
            given[it.assigned_for] = given.get(it.assigned_for, 0) + 1
        for hold in it.held:
            if hold.get("incident") == one.id and type(hold.get("places")) is int:
                given[str(hold.get("capability"))] = given.get(str(hold.get("capability")), 0) + hold["places"]
    wants = []
    said = one.get("needs", [])
    for n, line in enumerate(said[:NEEDS] if isinstance(said, list) else []):
        word, count = (line.get("capability"), line.get("count", 1)) if isinstance(line, dict) else (None, None)
        if not isinstance(word, str) or not word or type(count) is not int or not 0 < count <= MOST:
            faults.append(f"needs[{n}] is no capability with a count")
            continue
        priority = line.get("priority")
        there = min(count, given.get(word, 0))
        given[word] = given.get(word, 0) - there
        wants.append(Want(word, count, priority if priority in GRAVE else severity, count - there))
    return Incident(
        one.id,
        _name(one),
        severity,
        str(one.get("status", "")),
        place_of(one),
        tuple(wants),
        tuple(faults),
        digest(one, ("status", "needs", "severity")),
        one.realm,
    )


def place_of(one: Entity) -> tuple[float, float] | None:
    """Longitude and latitude of where something is: a point, or the middle of what it covers."""
    for name in ("location", "area"):
        said = one.get(name)
        if isinstance(said, dict) and "coordinates" in said:
            try:
                west, south, east, north = geo.bbox(said)
            except (KeyError, TypeError, ValueError, IndexError):
                continue
            middle = (west + east) / 2, (south + north) / 2
            if all(map(math.isfinite, middle)) and abs(middle[0]) <= 180 and abs(middle[1]) <= 90:
                return middle
    return None


def all_resources(city: City) -> list[Resource]:
    """Every resource that whoever asks sees."""
    zone = str(city.setting("timezone") or "UTC")
    return [resource(one, zone) for one in city.find("Resource", limit=RESOURCES)]


def digest(one: Entity, names: Iterable[str]) -> str:
    """A short text that stands for what an entity says in some attributes."""
    said = json.dumps([one.get(name) for name in names], sort_keys=True, ensure_ascii=True)
    return blake2b(said.encode(), digest_size=9).hexdigest()


def _name(one: Entity) -> str:
    found = one.get("name") or one.get("title")
    return found[:NAME] if isinstance(found, str) and found.strip() else one.key[:NAME]


def _text(said: Any) -> str | None:
    return said if isinstance(said, str) and said else None


def _whole(one: Entity, name: str, faults: list[str]) -> int | None:
    said = one.get(name)
    if said is None:
        return None
    if type(said) is float and said.is_integer():
        said = int(said)
    if type(said) is not int or not 0 <= said <= MOST:
        faults.append(f"its {name} is no number of places")
        return None
    return said
