"""The others of a rule: where they stand, what they said last, and which of them are a source's neighbours.

Kept for the types that rules correlate over, and made again from the store. A city has its limits: a type of more than
`CROWD` entities is not correlated over, nor a source with more than `CLOSE` neighbours; both are refused, and said.
Held by tests/apps/test_watch_neighbours.py.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from hansa import City, Entity
from hansa.apps.watch.memory import Memory, stored, unit_of
from hansa.apps.watch.terms import Unusable, matcher
from hansa.apps.watch.tree import Group
from hansa.apps.watch.weighing import Other, Others

CROWD: Final = 20_000  # entities of one type that rules correlate over
CLOSE: Final = 500  # neighbours of one source
EARTH_M: Final = 6_371_008.8
_POLAR: Final = 85.0  # degrees
_DEGREE_M: Final = EARTH_M * math.pi / 180.0

Place = tuple[float, float]
"""Longitude and latitude."""


class TooClose(Exception):  # a finding, as Unusable
    """A source has more neighbours than can be asked each time; says how many."""


def metres(one: Place, other: Place) -> float:
    """The great-circle distance on a sphere (haversine; IUGG mean radius)."""
    west, south = math.radians(one[0]), math.radians(one[1])
    east, north = math.radians(other[0]), math.radians(other[1])
    half = math.sin((north - south) / 2) ** 2 + math.cos(south) * math.cos(north) * math.sin((east - west) / 2) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(half)))


def place_of(geometry: Any) -> Place | None:
    """Where a GeoJSON geometry is: its point, or the middle of what it spans."""
    found = list(_positions(geometry.get("coordinates"), 0)) if isinstance(geometry, Mapping) else []
    if not found:
        return None
    east, north = [one[0] for one in found], [one[1] for one in found]
    return (min(east) + max(east)) / 2, (min(north) + max(north)) / 2


def _positions(said: Any, depth: int) -> Iterator[Place]:
    if isinstance(said, list | tuple) and said and depth < 5:
        if all(isinstance(one, int | float) for one in said[:2]) and len(said) >= 2:
            yield float(said[0]), float(said[1])
        else:
            for one in said:
                yield from _positions(one, depth + 1)


class Grid:
    """Places in cells as wide as a distance, so that whoever is near is looked for among few."""

    def __init__(self, places: Mapping[str, Place], distance: float) -> None:
        """Of all these, for one distance."""
        self._places = places
        self._distance = distance
        self._cell = max(distance / _DEGREE_M, 1e-4)
        self._cells: dict[tuple[int, int], set[str]] = {}
        for ident, place in places.items():
            self.put(ident, place)

    def put(self, ident: str, place: Place) -> None:
        """Somebody came here."""
        self._cells.setdefault(self._of(place), set()).add(ident)

    def take(self, ident: str, place: Place) -> None:
        """Somebody left this place."""
        cell = self._of(place)
        self._cells[cell].discard(ident)
        if not self._cells[cell]:
            del self._cells[cell]

    def near(self, place: Place, but: str) -> list[str]:
        """Who is within the distance of a place, in order of their ids."""
        found = (one for one in self._candidates(place) if one != but)
        return sorted(one for one in found if metres(place, self._places[one]) <= self._distance)

    def _of(self, place: Place) -> tuple[int, int]:
        return math.floor(place[1] / self._cell), math.floor(place[0] / self._cell)

    def _candidates(self, place: Place) -> Iterator[str]:
        row, column = self._of(place)
        north = abs(place[1]) + 2 * self._cell
        if north > _POLAR:  # there, whoever is near may stand at any longitude
            yield from self._places
            return
        wide = math.ceil(1.0 / math.cos(math.radians(north)))
        around = math.ceil(360.0 / self._cell)
        columns = {column + step + turn for step in range(-wide, wide + 1) for turn in (-around, 0, around)}
        columns |= {one + step for one in columns for step in (-1, 1)} if abs(place[0]) > 175.0 else set()
        for one in (row - 1, row, row + 1):
            for east in columns:
                yield from self._cells.get((one, east), ())


class Said(NamedTuple):
    """What an entity said last of an attribute, and what before that."""

    last: Other
    before: Other | None


class Crowd:
    """The entities of one type."""

    def __init__(self) -> None:
        """Nobody is known yet."""
        self.places: dict[str, Place] = {}
        self.said: dict[str, dict[str, Said]] = {}  # by attribute, then by entity
        self._grids: dict[float, Grid] = {}
        self._near: dict[tuple[str, Group], tuple[str, ...]] = {}

    def load(self, city: City, kind: str, names: Iterable[str]) -> None:
        """Read what the city knows; raises Unusable when there are too many."""
        wanted = list(names)
        self.said = {name: {} for name in wanted}
        found = city.find(kind, limit=CROWD + 1)
        if len(found) > CROWD:
            raise Unusable(
                f"condition: there are more than {CROWD:,} entities of {kind}, too many to look at as neighbours"
            )
        for one in found:
            self.meet(one)
            for name in wanted:
                known = stored(one, name)
                if known is not None and known in one:
                    at = one.at(known)
                    unit = unit_of(one, known)
                    self.said[name][one.id] = Said(Other(one[known], unit, city.now() if at is None else at), None)

    def meet(self, one: Entity) -> None:
        """Take up where an entity is."""
        self._move(one.id, place_of(one.location))

    def _move(self, ident: str, place: Place | None) -> None:
        was = self.places.get(ident)
        if was == place:
            return
        for grid in self._grids.values():
            if was is not None:
                grid.take(ident, was)
            if place is not None:
                grid.put(ident, place)
        if place is None:
            del self.places[ident]
        else:
            self.places[ident] = place
        self._near.clear()

    def hear(self, ident: str, name: str, other: Other) -> None:
        """Take what an entity said, unless it is late."""
        known = self.said.get(name)
        if known is None:
            return
        was = known.get(ident)
        if was is not None and other.at < was.last.at:
            return
        before = None if was is None else was.before if was.last.at == other.at else was.last
        known[ident] = Said(other, before)

    def leave(self, ident: str) -> None:
        """An entity went."""
        for known in self.said.values():
            known.pop(ident, None)
        self._move(ident, None)

    def close_to(self, source: str, place: Place | None, group: Group) -> tuple[str, ...]:
        """Who is within a distance of a source; raises TooClose."""
        if place is None or group.within is None:
            return ()
        key = (source, group)
        found = self._near.get(key)
        if found is None:
            grid = self._grids.get(group.within)
            if grid is None:
                grid = self._grids[group.within] = Grid(self.places, group.within)
            found = tuple(liked(grid.near(place, source), group.like))
            if len(found) > CLOSE:
                raise TooClose(f"{len(found):,} neighbours within {group.within:g} m, and a rule asks {CLOSE} at most")
            self._near[key] = found
        return found

    def before(self, name: str, ident: str, at: int, fresh: int) -> Other | None:
        """What one said last before an instant, if that is fresh."""
        was = self.said.get(name, {}).get(ident)
        if was is None:
            return None
        one = was.last if was.last.at < at else was.before
        return one if one is not None and at - fresh < one.at < at else None


def liked(idents: Iterable[str], like: str | None) -> Iterable[str]:
    """Those that a pattern is for."""
    if like is None:
        return idents
    match = matcher(like)
    return (one for one in idents if match(one) is not None)


def linked(entity: Entity, group: Group) -> tuple[str, ...]:
    """Whom a relationship of the source names; raises TooClose."""
    name = stored(entity, group.linked or "")
    value = None if name is None else entity.get(name)
    said = value if isinstance(value, list) else [value]
    found = tuple(sorted(set(liked((one for one in said if isinstance(one, str) and one != entity.id), group.like))))
    if len(found) > CLOSE:
        raise TooClose(f"{len(found):,} links, and a rule follows {CLOSE} at most")
    return found


def members(
    crowds: Mapping[str, Crowd], kind: str, entity: Entity, group: Group
) -> tuple[Crowd | None, tuple[str, ...]]:
    """Who the others of a source of a type are; raises TooClose."""
    crowd = crowds.get(group.type or kind)
    if crowd is None:
        return None, ()
    if group.linked is not None:
        return crowd, linked(entity, group)
    return crowd, crowd.close_to(entity.id, place_of(entity.location), group)


def asking(
    crowds: Mapping[str, Crowd], kind: str, entity: Entity, at: int, read: Callable[[str, str], None] | None = None
) -> Others:
    """How a tree asks about the others of a source of a type, as of before an instant. `read` is told who was asked."""

    def others(group: Group, name: str) -> Iterator[Other]:
        crowd, who = members(crowds, kind, entity, group)
        for ident in who:
            one = None if crowd is None else crowd.before(name, ident, at, group.fresh)
            if one is not None:
                if read is not None:
                    read(ident, name)
                yield one

    return others


def gather(memory: Memory, city: City) -> None:
    """Have at hand everybody whom joined rules ask about; a rule that asks too many is put among the faults."""
    wanted: dict[str, set[str]] = {}
    asked: dict[str, list[str]] = {}
    for held in memory.held.values():
        for group, name in held.scales.others if held.scales is not None else ():
            kind = group.type or held.rule.type
            wanted.setdefault(kind, set()).add(name)
            asked.setdefault(kind, []).append(held.rule.id)
    for kind in [one for one in memory.crowds if one not in wanted]:
        del memory.crowds[kind]
    for kind, names in wanted.items():
        known = memory.crowds.get(kind)
        if known is not None and names <= known.said.keys():
            continue
        crowd = Crowd()
        try:
            crowd.load(city, kind, names)
        except Unusable as fault:
            for ident in dict.fromkeys(asked[kind]):
                memory.forget(ident)
                memory.faults[ident] = str(fault)
            memory.sort()
        else:
            memory.crowds[kind] = crowd
