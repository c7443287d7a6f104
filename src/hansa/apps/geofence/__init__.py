"""Watched areas: an alarm when something comes into one, or leaves it (report section 2.4.2; MISSION M06).

A `Geofence` is an entity that somebody draws on the map; an `Alert` says that something is where it should not be, or
is not where it should be. See README.md beside this file.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Final
from weakref import WeakKeyDictionary

from hansa import App, Change, City, Delete, Entity
from hansa.apps.geofence.memory import MOST, Memory
from hansa.apps.geofence.watching import begun, ended, look, wake

__all__ = ["app"]

WORDS: Final = 900  # of one call; the city takes 1,000

app = App("geofence", report="2.4.2", reads={"*"}, writes={"Alert"}, realm="*")

_memories: WeakKeyDictionary[City, Memory] = WeakKeyDictionary()


def watched(kind: str, city: City) -> bool:
    """Whether a fence is for entities of a type, or they are fences: nobody else's are read."""
    memory = _memories.get(city)
    return memory is None or kind == "Geofence" or (kind != "Alert" and memory.wants(kind))


@app.on("*", "location", only=watched)
def move(change: Change, city: City) -> Iterable[Entity | Delete]:
    """Something is elsewhere now: it may have come into a fence, or left one. A late reading moves nothing."""
    if any(kind in {"Geofence", "Alert"} for kind in change.entity.types):
        return ()
    if all(part.status == "late" for part in change.parts if part.name == "location"):
        return ()
    return islice(look(_remembered(change, city), change.entity, city), WORDS)


@app.on("Geofence")
def draw(change: Change, city: City) -> Iterable[Entity | Delete]:
    """A fence is new, or another: what it said before is taken back, and what is in it now is said."""
    memory = _remembered(change, city)
    memory.read(city, change.entity.id)
    return islice(begun(memory, change.entity.id, city), WORDS)


@app.on("Geofence", gone=True)
def drop(change: Change, city: City) -> Iterable[Entity | Delete]:
    """A fence is gone, and so are its alarms."""
    memory = _remembered(change, city)
    memory.forget(change.entity.id)
    return islice(ended(change.entity.id, city), WORDS)


@app.on("*", gone=True, only=watched)
def leave(change: Change, city: City) -> Iterable[Entity | Delete]:
    """Something is gone altogether: it is in no fence, and out of none."""
    if "Geofence" in change.entity.types:
        return ()
    return islice(wake(_remembered(change, city), change.entity, city), WORDS)


def _remembered(change: Change, city: City) -> Memory:
    memory = _memories.get(city)
    if memory is None or change.seq <= memory.seq:
        # A Change that comes again means that what was said last was not kept; then memory knows too much.
        memory = _memories[city] = Memory()
        for fence in islice(city.find("Geofence", limit=MOST), MOST):
            memory.take(fence)
    memory.seq = change.seq
    return memory
