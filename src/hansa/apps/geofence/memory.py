"""What the app keeps in mind of one city: its fences, and what was in which. All of it can be made again."""

from typing import Final

from hansa import City, Entity, NotFound
from hansa.apps.geofence.fence import Fence, Unusable, read

MOST: Final = 500
"""Fences of one realm: each is looked at with every move."""
MEASURED: Final = 250_000
"""Pieces of edges that are measured to for one move: some half a second, of the ten that a rule may take."""
KNOWN: Final = 200_000
"""Of how many entities it is kept in mind where they were; the oldest go, and are looked up in history."""


class Spent(Exception):
    """What may be measured for one move has been."""


class Effort:
    """What may still be measured for one move."""

    def __init__(self) -> None:
        """All of it."""
        self.left = MEASURED

    def where(self, fence: Fence, lon: float, lat: float) -> bool | None:
        """`Fence.where`, while there is something left; else Spent."""
        if fence.near(lon, lat):
            self.left -= fence.cost
            if self.left < 0:
                raise Spent
        return fence.where(lon, lat)


class Memory:
    """Fences by id, and where things were."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.seq = 0
        self.fences: dict[str, Fence] = {}
        self.faults: dict[str, str] = {}
        self.was: dict[tuple[str, str], bool] = {}
        self._kinds: frozenset[str] | None = frozenset()

    def wants(self, kind: str) -> bool:
        """Whether a fence is for a type."""
        return self._kinds is None or kind in self._kinds

    def take(self, entity: Entity) -> None:
        """Keep a fence, or the reason why it is none."""
        self.forget(entity.id)
        try:
            fence = read(entity)
        except Unusable as why:
            self.faults[entity.id] = str(why)
        else:
            if fence is not None and len(self.fences) >= MOST:
                self.faults[entity.id] = f"there are {MOST} others, and no more are looked at"
            elif fence is not None:
                self.fences[entity.id] = fence
        self._sort()

    def read(self, city: City, ident: str) -> None:
        """Keep a fence as the city knows it now."""
        try:
            self.take(city.get(ident))
        except NotFound:
            self.forget(ident)

    def forget(self, ident: str) -> None:
        """A fence is gone, or another: what was in it is not known any more."""
        self.faults.pop(ident, None)
        if self.fences.pop(ident, None) is not None:
            self.was = {key: inside for key, inside in self.was.items() if key[0] != ident}
        self._sort()

    def _sort(self) -> None:
        # The simple ones first: what is left out when there is too much to measure is what takes long.
        self.fences = dict(sorted(self.fences.items(), key=lambda it: (it[1].cost, it[0])))
        kinds = [one.kinds for one in self.fences.values()]
        self._kinds = frozenset().union(*kinds) if all(kinds) else None

    def note(self, fence: str, ident: str, *, inside: bool) -> None:
        """Keep in mind where something was; the oldest makes room."""
        if len(self.was) >= KNOWN and (fence, ident) not in self.was:
            del self.was[next(iter(self.was))]
        self.was[fence, ident] = inside
