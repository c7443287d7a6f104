"""Times and proposals over a city as somebody sees it: the roads are kept until one of them changes.

Loaded when it is first needed: the solver and the graph are 50 MB that a city without resources need not hold.
"""

import math
import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from hansa import City, Refusal
from hansa.apps.resources import allocation, streets
from hansa.apps.resources.fleet import Incident, Resource
from hansa.apps.resources.roads import Network, Place, straight_m
from hansa.apps.resources.streets import Read
from hansa.errors import Busy

ROADS: Final = 100_000  # segments of one city
INCIDENTS: Final = 50  # of one proposal
WAIT_S: Final = 1.0  # for roads that somebody else has read just now; beyond it 503
KEPT: Final = 4  # networks: the realms, and what people of other rights see
DETOUR: Final = 1.4  # roads against the straight line: 1.2 to 1.5 by country (Ballou et al., Transp. Res. A 36, 2002)
STRAIGHT_MPS: Final = 30.0 / 3.6  # where nothing is known of the roads
ROAD, STRAIGHT, NONE, NOWHERE = "road", "straight line", "no way", "no position"
FACTS: Final = {
    ROAD: "over the city's roads, without turns, lights or traffic",
    STRAIGHT: f"no roads are known there: straight line × {DETOUR:g} at {STRAIGHT_MPS * 3.6:g} km/h",
    NONE: "no way there over the roads that are open",
    NOWHERE: "it has no position",
}

_kept: OrderedDict[Hashable, tuple[Network, Read]] = OrderedDict()
_lock = threading.Lock()
_one = threading.Lock()
_planning: set[str] = set()
"""Realms in which a proposal is made now: one at a time, for it takes a core."""


@dataclass(frozen=True, slots=True)
class Eta:
    """How long it takes, and how that is known; `seconds` is infinite where there is no way."""

    seconds: float
    how: str

    def told(self) -> dict[str, Any]:
        """As JSON says it."""
        return {"seconds": round(self.seconds) if math.isfinite(self.seconds) else None, "how": self.how}


def roads(city: City) -> tuple[Network, Read]:
    """The roads that whoever asks sees, made once and kept until one of them, or what he may see, changes."""
    version = city.version("RoadSegment")
    if not _lock.acquire(timeout=WAIT_S):  # who comes while they are made makes them no second time
        raise Busy("the roads are being read", mend="ask again in some seconds")
    try:
        found = _kept.get(version)
        if found is None:
            found = _kept[version] = streets.network(city.find("RoadSegment", limit=ROADS))
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
        else:
            _kept.move_to_end(version)
        return found
    finally:
        _lock.release()


def etas(city: City, starts: Sequence[Place | None], goals: Sequence[Place | None]) -> list[list[Eta]]:
    """From each start to each goal."""
    known_starts = [one for one in starts if one is not None]
    known_goals = [one for one in goals if one is not None]
    times = roads(city)[0].times(known_starts, known_goals)
    straight = straight_m(known_starts, known_goals) * DETOUR / STRAIGHT_MPS
    rows: list[list[Eta]] = []
    row = 0
    for start in starts:
        if start is None:
            rows.append([Eta(math.inf, NOWHERE)] * len(goals))
            continue
        column = 0
        told: list[Eta] = []
        for goal in goals:
            if goal is None:
                told.append(Eta(math.inf, NOWHERE))
                continue
            took = float(times[row, column])
            if math.isnan(took):
                told.append(Eta(float(straight[row, column]), STRAIGHT))
            else:
                told.append(Eta(took, ROAD if math.isfinite(took) else NONE))
            column += 1
        rows.append(told)
        row += 1
    return rows


@dataclass(frozen=True, slots=True)
class Plan:
    """A question of who goes where, and both answers."""

    needs: tuple[allocation.Need, ...]
    compared: allocation.Compared
    eta: dict[tuple[str, str], Eta]
    """By resource and incident."""

    def cost_of(self, pairs: Iterable[tuple[str, str, str, int]]) -> float:
        """What it costs to send (resource, incident, capability, places), by the same sum."""
        left = {(need.incident, need.capability, n): need.count for n, need in enumerate(self.needs)}
        weight = {key: self.needs[key[2]].weight for key in left}
        cost = 0.0
        for who, where, what, places in pairs:
            way = self.eta.get((who, where))
            minutes = allocation.UNMET_MIN if way is None or not math.isfinite(way.seconds) else way.seconds / 60.0
            rest = places
            keys = sorted((key for key in left if key[:2] == (where, what)), key=lambda key: -weight[key])
            for key in keys:
                given = min(rest, left[key])
                left[key] -= given
                rest -= given
                cost += weight[key] * minutes * given
            cost += minutes * rest  # nobody asked for it: it counts, and serves nothing
        return cost + sum(weight[key] * allocation.UNMET_MIN * n for key, n in left.items())


def plan(city: City, incidents: Sequence[Incident], units: Sequence[Resource]) -> Plan:
    """Who of `units`, all of which can be sent, goes to which of `incidents`.

    Refusal when it is about too much, and Busy while another is made in the same realm.
    """
    if len(incidents) > INCIDENTS:
        raise Refusal(
            f"{len(incidents)} incidents; a proposal is for {INCIDENTS} at most",
            where="incidents", mend="name the gravest of them: incidents=id,id",
        )  # fmt: skip
    realm = incidents[0].realm if incidents else ""
    with _one:
        if realm in _planning:
            raise Busy("another proposal is being made", mend="ask again in a second")
        _planning.add(realm)
    try:
        return _plan(city, incidents, units)
    finally:
        _planning.discard(realm)


def _plan(city: City, incidents: Sequence[Incident], units: Sequence[Resource]) -> Plan:
    needs = tuple(
        allocation.Need(one.id, want.capability, want.open, allocation.WEIGHTS[want.priority])
        for one in incidents
        for want in one.wants
        if want.open
    )
    if len(needs) > allocation.NEEDS:
        raise Refusal(
            f"they ask for {len(needs)} things; a proposal is for {allocation.NEEDS} at most",
            where="incidents", mend="name fewer of them: incidents=id,id",
        )  # fmt: skip
    asked = {need.capability for need in needs}
    able = [one for one in units if not asked.isdisjoint(one.capabilities)][: allocation.UNITS]
    free = [allocation.Unit(one.id, one.capabilities, one.free) for one in able]
    if (pairs := allocation.pairs_most(needs, free)) > allocation.PAIRS:
        raise Refusal(
            f"{pairs:,} ways to send somebody somewhere; {allocation.PAIRS:,} are weighed at most",
            where="incidents", mend="name fewer incidents, the gravest first: incidents=id,id",
        )  # fmt: skip
    ways = etas(city, [one.place for one in able], [one.place for one in incidents])
    at = {one.id: n for n, one in enumerate(incidents)}
    seconds = [[ways[u][at[need.incident]].seconds for need in needs] for u in range(len(able))]
    compared = allocation.propose(needs, free, seconds)
    eta = {(able[u].id, one.id): ways[u][n] for u in range(len(able)) for n, one in enumerate(incidents)}
    return Plan(needs, compared, eta)


def told_roads(city: City) -> dict[str, Any]:
    """What is known of the roads, for whoever wants to know what a time is worth."""
    network, read = roads(city)
    return {
        **asdict(read),
        "junctions": network.nodes,
        "pieces": network.edges,
        "length_km": round(network.length_m / 1_000, 1),
        "connected": round(network.connected(), 3),
        "more": read.segments + read.refusals >= ROADS,
        "pace": streets.PACE,
        "how": FACTS,
    }


def nearest(city: City, units: Sequence[Resource], goal: Place) -> list[tuple[Resource, Eta, float]]:
    """Units, how long each takes to the goal, and metres of the straight line; the soonest first."""
    placed = [one for one in units if one.place is not None]
    ways = etas(city, [one.place for one in placed], [goal])
    far = straight_m([one.place for one in placed if one.place is not None], [goal])
    found = [(one, ways[n][0], float(far[n, 0])) for n, one in enumerate(placed)]
    return sorted(found, key=lambda it: (it[1].seconds, it[2], it[0].id))


__all__ = ["FACTS", "Eta", "Plan", "allocation", "etas", "nearest", "plan", "roads", "told_roads"]
