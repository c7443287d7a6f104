"""Frost warnings for growers (report section 4.1.4, success case 21).

A station's WeatherObserved drives its night: a WeatherForecast from sunset on, the decision of record at 20:00, an
Alert where it warns, cleared after dawn, and the outcome from which the station's own model learns. See README.md
beside this file and docs/frost.md.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final
from weakref import WeakKeyDictionary

from hansa import App, Change, City, Delete, Entity
from hansa.apps.frost.entities import Where, memory_id
from hansa.apps.frost.events import Event, Forecast
from hansa.apps.frost.hearing import AHEAD, AIR, UNITS, instant, local, observation, short, there, zone
from hansa.apps.frost.stations import Held, load

__all__ = ["app"]

ROUND_S: Final = 60.0

GRACE_S: Final = 300.0
"""What fell due by the clock is taken so much later, lest it overtake a reading that is on its way."""

LOST: Final = 3_600_000_000
"""A Change that is so much overdue (microseconds) was put aside: history is asked for its reading instead."""

AT_ONCE: Final = 200
"""Stations that one round brings to mind, and that it settles; the rest has its turn a minute later."""

REMEMBERED: Final = 100_000
"""Stations that are brought to mind after a restart."""

app = App(
    "frost", report="4.1.4", reads={"WeatherObserved", "FrostStation", "WeatherForecast"},
    writes={"Alert", "WeatherForecast", "FrostStation"},
)  # fmt: skip


@dataclass(slots=True)
class Memory:
    """What is in mind of one city: stations by id, the newest Change, and stations that are still to come to mind."""

    stations: dict[str, Held] = field(default_factory=dict)
    seq: int = 0
    waiting: list[str] | None = None


_memories: WeakKeyDictionary[City, Memory] = WeakKeyDictionary()


@app.on("WeatherObserved")
def hear(change: Change, city: City) -> Iterable[Entity]:
    """Take a station's observation in, as of when it was observed, and say what it brings."""
    air, companions = _news(change)
    if air is None and (not companions or AIR not in change.entity):
        return ()
    memory = _memories.setdefault(city, Memory())
    if change.seq <= memory.seq:
        # A Change that comes again: what was said after it may not have been kept, and then memory knows too much.
        memory.stations.clear()
        memory.waiting = None
    memory.seq = max(memory.seq, change.seq)
    try:
        return list(_hear(change, city, memory, air, companions))
    except Exception:
        # What was to be said of it is not; so it must not stay in mind either.
        memory.stations.pop(change.entity.id, None)
        raise


def _hear(
    change: Change, city: City, memory: Memory, air: tuple[int, int | None] | None, companions: frozenset[str]
) -> Iterator[Entity]:
    where = Where(change.entity, zone(city.setting("timezone", "UTC")))
    at, older = air if air is not None else (_air_at(change.entity) or change.at, None)
    when = local(at, where.zone)
    if when is None or at > change.at + AHEAD:
        return
    held = memory.stations.get(change.entity.id)
    events: tuple[Event, ...] = ()
    new = False
    if held is None:
        held = load(city, where)
        new = held is None
        held = held or Held(where)
        events = held.catch_up(city, at, change.seq)
        memory.stations[change.entity.id] = held
    elif older is not None and older > held.heard:
        events = held.catch_up(city, at, change.seq)
    held.where = where
    seen = observation(change.entity, at, when, companions=companions)
    if at > held.heard:
        if air is not None:
            events += held.step(at, seen)
    elif at == held.heard and air is None:
        events += held.complete(seen)
    yield from held.says(city, events, seen, new=new)


@app.every(ROUND_S)
def keep_time(city: City) -> Iterable[Entity | Delete]:
    """Bring about what falls due by the clock, for a station that has fallen silent: decision, dawn, outcome."""
    memory = _memories.setdefault(city, Memory())
    now = city.now() - int(float(city.setting("grace_s", GRACE_S)) * 1_000_000)
    if memory.waiting is None:
        memory.waiting = [
            ident
            for one in city.find("FrostStation", limit=REMEMBERED)
            if isinstance(ident := one.get("refStation"), str) and ident not in memory.stations
        ]
    return _keep_time(city, memory, now)


def _keep_time(city: City, memory: Memory, now: int) -> Iterator[Entity | Delete]:
    called, memory.waiting = (memory.waiting or [])[:AT_ONCE], (memory.waiting or [])[AT_ONCE:]
    for ident in called:
        if ident not in memory.stations:
            yield from _remember(city, memory, ident)
    due = (ident for ident, held in memory.stations.items() if (at := held.due) is not None and at <= now)
    for ident in list(islice(due, AT_ONCE)):
        held = memory.stations[ident]
        station = there(city, ident)
        newest = None if station is None else _air_at(station)
        events: tuple[Event, ...] = ()
        if station is not None and newest is not None and held.heard < newest <= city.now() + AHEAD:
            if now - (held.due or now) < LOST:
                continue  # its Change is on the way, and comes first
            events = held.catch_up(city, city.now() + 1)
        if (when := local(now, held.where.zone)) is not None:
            events += held.settle(when)
            yield from held.says(city, tuple(one for one in events if not isinstance(one, Forecast)))
            # Brought to mind again from what was kept: the memory of a process must not outrun the city's.
            del memory.stations[ident]
            memory.waiting.append(ident)


def _remember(city: City, memory: Memory, ident: str) -> Iterator[Entity | Delete]:
    """Bring a station to mind that has not spoken since this process began."""
    station = there(city, ident)
    where = Where(station or Entity({"id": ident, "type": "WeatherObserved"}), zone(city.setting("timezone", "UTC")))
    held = load(city, where)
    if held is None:
        return
    if station is None and (held.night.over or held.night.evening is None):
        yield Delete(memory_id(where))
        return
    events = () if station is None else held.catch_up(city, city.now() + 1)
    memory.stations[ident] = held
    yield from held.says(city, tuple(one for one in events if not isinstance(one, Forecast)))


def _news(change: Change) -> tuple[tuple[int, int | None] | None, frozenset[str]]:
    """What frost hears in a Change: (instant, instant of what it replaced) of the air temperature, and companions."""
    air, names = None, []
    for part in change.parts:
        name = part.name if ":" not in part.name else short(part.name)
        if name not in UNITS or part.dataset is not None or part.status == "late" or part.new is None:
            continue
        if name == AIR:
            observed = part.new.get("observedAt")
            older = None if part.old is None else instant(part.old.get("observedAt"))
            air = (change.at if observed is None else instant(observed) or change.at, older)
        else:
            names.append(name)
    return air, frozenset(names)


def _air_at(station: Entity) -> int | None:
    return station.at(AIR)
