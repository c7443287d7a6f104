"""A rule tried on what was: when it would have rung, for which source, against alarms that rang and real incidents.

Runs in a process of its own (`analytics.trial_child`), as the asker sees the city. What is asked:

    {"rule": "when ..."} or {"id": "urn:ngsi-ld:WatchRule:frost"}, "from", "to" (date-times; the last 30 days),
    "windows": [{"name", "from", "to"}]  real incidents that the operator names, beside the Incidents that are known,
    "before": seconds (7200)             how long before an incident begins a ring still counts as for it

Tests: tests/analytics/test_trials.py; figure: `hansa bench trial`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

import numpy as np

from hansa import Entity, Refusal, geo
from hansa.apps.watch import sweeping
from hansa.apps.watch.memory import iso, short, stored
from hansa.apps.watch.neighbours import CLOSE, CROWD, Grid, Place, liked, linked, place_of
from hansa.apps.watch.printing import rule_text
from hansa.apps.watch.rule import Rule, condition_of, read
from hansa.apps.watch.signals import Series
from hansa.apps.watch.sweeping import Ring, Sweep
from hansa.apps.watch.terms import SECOND, Unusable
from hansa.apps.watch.tree import Group
from hansa.apps.watch.weighing import Scales
from hansa.apps.watch.wording import read_rule
from hansa.apps.watch.words import Unreadable

DAY: Final = 86_400 * SECOND
USUAL: Final = 30 * DAY
LONGEST: Final = 400 * DAY
BEFORE: Final = 7_200 * SECOND
EDGE_M: Final = 1_000.0  # a gauge so close to an incident's area is of it
WINDOWS: Final = 200  # that an operator names
LISTED: Final = 2_000  # rings that are told one by one
SOURCES: Final = 100  # of which it is told how often each rang
INCIDENTS: Final = 2_000
ALARMS: Final = 20_000
_BEGINS: Final = ("startedAt", "startDate", "dateRaised", "raisedAt", "reportedAt", "dateIssued")
_ENDS: Final = ("endedAt", "endDate", "dateResolved", "resolvedAt", "closedAt", "dateClosed")


class Past(Protocol):
    """What is tried on: `analytics.trial_child.Past`."""

    now: int
    settings: Mapping[str, Any]
    most: Mapping[str, int]

    def get(self, ident: str) -> Entity:
        """One entity; raises NotFound."""

    def find(self, kind: str | None = None, q: str | None = None, limit: int = 1_000) -> list[Entity]:
        """Entities that match."""

    def column(self, ident: str, name: str, since: int, until: int) -> Any:
        """A whole series of one attribute."""

    def columns(self, wanted: Iterable[tuple[str, str]], since: int, until: int) -> Iterable[Any]:
        """Several, of entities and attributes, in their order."""

    def progress(self, part: float, doing: str) -> None:
        """Say how far it is."""


@dataclass(slots=True)
class Real:
    """A real incident: when, where if that is known, and whose alarms led to it."""

    id: str
    name: str
    since: int
    until: int
    area: Any = None
    sources: frozenset[str] = frozenset()
    caught: int | None = None


@dataclass(slots=True)
class Told:
    """A ring of a source, and the incidents that it was for."""

    source: Entity
    ring: Ring
    real: list[str]


def tried(asked: Mapping[str, Any], past: Past) -> dict[str, Any]:
    """Try a rule. Raises Refusal, which says what cannot be tried and why."""
    if unknown := set(asked) - {"rule", "id", "from", "to", "windows", "before"}:
        raise Refusal(f"there is no {min(unknown)[:40]} to a trial", where=min(unknown)[:40])
    rule = _rule(asked, past)
    since, until = _span(asked, past.now)
    windows = _windows(asked.get("windows"))
    before = _seconds(asked.get("before"), BEFORE)
    zone = ZoneInfo(str(past.settings.get("timezone", "UTC")))
    trial = _Trial(rule, past, since, until, zone)
    told = trial.run()
    real = windows + _incidents(past, trial, since, until)
    return _summed(trial, told, real, before) | {"alarms": _alarms(past, trial, told)}


class _Trial:
    def __init__(self, rule: Rule, past: Past, since: int, until: int, zone: ZoneInfo) -> None:
        self.rule = rule
        self.past = past
        self.since = since
        self.until = until
        self.zone = zone
        self.scales = Scales(condition_of(rule), zone)
        self.begin = since - min(self.scales.horizon, 62 * DAY)
        self.values = 0
        self.sources: list[Entity] = []
        self._places: dict[str, Place] = {}
        self._by_id: dict[str, Entity] = {}
        self._grids: dict[float, Grid] = {}
        self._near: dict[tuple[str, Group], tuple[str, ...]] = {}
        self._series: dict[tuple[str, str], Series] = {}

    def run(self) -> list[Told]:
        """Every ring of every source."""
        rule, past = self.rule, self.past
        most = past.most["series"]
        found = past.find(rule.type, limit=most + 1)
        self.sources = [one for one in found if rule.wants(one.id)]
        if len(found) > most:
            raise Refusal(
                f"there are more than {most:,} entities of {rule.type}", where="rule", mend="name some: like '...'"
            )
        others = self._others(found) if self.scales.others else sweeping.NOBODY
        sweep = Sweep(self.scales, self.until, 0, others)
        told: list[Told] = []
        share = 0.6 if self.scales.others else 0.0
        for i, (source, own) in enumerate(self._own(known=bool(self.scales.others))):
            past.progress(share + (1 - share) * i / len(self.sources), f"{i:,} of {len(self.sources):,} sources")
            told += [
                Told(source, ring, [])
                for ring in sweep.rings(source.id, own)
                if ring.until is None or ring.until > self.since
            ]
        return told

    def _own(self, *, known: bool) -> Iterator[tuple[Entity, dict[str, Series]]]:
        """Every source with the series of its own attributes, which are read already where others are asked."""
        names = tuple(self.scales.names)
        if known:
            for source in self.sources:
                there = (name for name in names if (source.id, name) in self._series)
                yield source, {name: self._series[source.id, name] for name in there}
            return
        series = self._read([(source, name) for source in self.sources for name in names])
        for source in self.sources:
            found = [(name, next(series)[1]) for name in names]
            yield source, {name: one for name, one in found if one is not None}

    def _read(self, wanted: Sequence[tuple[Entity, str]]) -> Iterator[tuple[tuple[str, str], Series | None]]:
        """Series of attributes of entities; None where there is none. Raises Refusal where they are too many."""
        some = [(one, name, stored(one, name)) for one, name in wanted]
        asked = ((one.id, kept) for one, _, kept in some if kept is not None)
        columns = iter(self.past.columns(asked, self.begin, self.until))
        for one, name, kept in some:
            if kept is None:
                yield (one.id, name), None
                continue
            column = next(columns)
            self.values += len(column.at)
            if self.values > self.past.most["points"]:
                raise Refusal(
                    f"that is more than {self.past.most['points']:,} values",
                    where="from",
                    mend="try a shorter time, or fewer sources: like '...'",
                )
            yield (one.id, name), series_of(column) if column.at else None

    # Others

    def _others(self, sources: Sequence[Entity]) -> sweeping.Others:
        kinds: dict[str, set[str]] = {}
        for group, name in self.scales.others:
            kinds.setdefault(group.type or self.rule.type, set()).add(name)
        work: list[tuple[Entity, str]] = []
        for kind, names in kinds.items():
            crowd = list(sources) if kind == self.rule.type else self.past.find(kind, limit=CROWD + 1)
            if len(crowd) > CROWD:
                raise Refusal(
                    f"there are more than {CROWD:,} entities of {kind}, too many to look at as neighbours", where="rule"
                )
            for one in crowd:
                self._by_id[one.id] = one
                place = place_of(one.location)
                if place is not None:
                    self._places[one.id] = place
                work += [(one, name) for name in names]
        known = {(one.id, name) for one, name in work}
        work += [(one, name) for one in self.sources for name in self.scales.names if (one.id, name) not in known]
        for i, (key, series) in enumerate(self._read(work)):
            self.past.progress(0.6 * i / len(work), f"reading {i:,} of {len(work):,} series")
            if series is not None:
                self._series[key] = series
        return sweeping.Others(self._series, self._members)

    def _members(self, source: str, group: Group) -> Sequence[str]:
        found = self._near.get((source, group))
        if found is None:
            found = self._near[source, group] = tuple(self._asked(source, group))
        return found

    def _asked(self, source: str, group: Group) -> Sequence[str]:
        kind = group.type or self.rule.type
        entity = self._by_id.get(source) or next(one for one in self.sources if one.id == source)
        if group.linked is not None:
            found = [one for one in linked(entity, group) if one in self._by_id]
        else:
            place = place_of(entity.location)
            distance = group.within or 0.0
            grid = self._grids.get(distance)
            if grid is None:
                grid = self._grids[distance] = Grid(self._places, distance)
            near = () if place is None else grid.near(place, source)
            found = list(liked((one for one in near if _is(self._by_id[one], kind)), group.like))
        if len(found) > CLOSE:
            raise Refusal(
                f"{entity.key[:100]} has {len(found):,} neighbours, and a rule asks {CLOSE} at most",
                where="rule",
                mend="make the distance shorter",
            )
        return found


def _is(entity: Entity, kind: str) -> bool:
    return kind in entity.types or kind in map(short, entity.types)


def series_of(column: Any) -> Series:
    """A column as numbers, and as what it says where some are none."""
    at = np.array(column.at, np.int64)
    if column.plain:
        return Series(at, np.array(column.values, np.float64), column.unit, None, column.units)
    number = np.array(
        [float(one) if type(one) in {int, float} and abs(one) < 1e308 else np.nan for one in column.values], np.float64
    )
    return Series(at, number, column.unit, column.values, column.units)


# What is asked


def _rule(asked: Mapping[str, Any], past: Past) -> Rule:
    said, ident = asked.get("rule"), asked.get("id")
    if said is None and isinstance(ident, str) and ident:
        try:
            rule = read(_on(past.get(ident)))
        except Unusable as fault:
            raise Refusal(str(fault), where="id", mend="mend the rule first") from None
        if rule is None:
            raise Refusal("the rule says nothing", where="id")
        return rule
    if not isinstance(said, str):
        raise Refusal("what is to be tried? rule is a text, id names a WatchRule", where="rule")
    try:
        return read_rule(said).rule(ident if isinstance(ident, str) else "")
    except Unreadable as fault:
        raise Refusal(str(fault), where="rule") from None


def _on(entity: Entity) -> Entity:
    """The rule as if it were on: one that is off can be tried too."""
    doc = {name: value for name, value in entity.doc.items() if name != "enabled"}
    return Entity(doc, entity.stamps, entity.realm, entity.label)


def _span(asked: Mapping[str, Any], now: int) -> tuple[int, int]:
    until = now if asked.get("to") is None else _instant(asked["to"], "to")
    since = until - USUAL if asked.get("from") is None else _instant(asked["from"], "from")
    if not since < until:
        raise Refusal("it begins before it ends", where="from")
    if until - since > LONGEST:
        raise Refusal("a rule is tried on 400 days at most", where="from", mend="a shorter time")
    return since, min(until, now + DAY)


def _instant(value: Any, where: str) -> int:
    try:
        when = datetime.fromisoformat(value)
        micros = -1 if when.tzinfo is None else int(when.timestamp()) * SECOND
    except (TypeError, ValueError, OverflowError):
        raise Refusal(f"{value!r:.40} is no date-time", where=where, mend="such as 2026-11-01T00:00:00Z") from None
    if not 0 <= micros < 4_102_444_800 * SECOND:
        raise Refusal(f"{value!r:.40} is no time of this century, or names no zone", where=where)
    return micros


def _seconds(value: Any, default: int) -> int:
    if value is None:
        return default
    if type(value) not in {int, float} or not 0 <= value <= 30 * 86_400:
        raise Refusal("before is a number of seconds, up to 30 days", where="before")
    return int(value * SECOND)


def _windows(said: Any) -> list[Real]:
    if said is None:
        return []
    if not isinstance(said, list) or len(said) > WINDOWS:
        raise Refusal(f"windows is a list of at most {WINDOWS}", where="windows")
    found = []
    for i, one in enumerate(said):
        if not isinstance(one, dict) or set(one) - {"name", "from", "to"} or not isinstance(one.get("name", ""), str):
            raise Refusal("a window has a name, from and to", where=f"windows[{i}]")
        since, until = _instant(one.get("from"), f"windows[{i}].from"), _instant(one.get("to"), f"windows[{i}].to")
        if not since < until:
            raise Refusal("a window begins before it ends", where=f"windows[{i}]")
        found.append(Real(f"window-{i + 1}", one.get("name", "")[:200] or f"window {i + 1}", since, until))
    return found


# What was real


def _incidents(past: Past, trial: _Trial, since: int, until: int) -> list[Real]:
    """The incidents of the time that have to do with these sources: by their area, or by alarms that led to them."""
    idents = {one.id for one in trial.sources}
    by_alarm = _by_alarm(past)
    found = []
    for one in past.find("Incident", limit=INCIDENTS):
        begin = _when(one, _BEGINS)
        if begin is None or one.get("drill") is True or one.get("status") == "merged":
            continue
        end = _when(one, _ENDS) or past.now
        if end < since or begin >= until:
            continue
        alarms = one.get("alarms")
        named = alarms if isinstance(alarms, list) else [alarms] if isinstance(alarms, str) else []
        led = frozenset(by_alarm[name] for name in named if name in by_alarm)
        area = one.get("area") or None
        real = Real(one.id, str(one.get("name") or one.key)[:200], begin, max(end, begin + 1), area, led)
        nothing = area is None and not named
        if nothing or led & idents or (area is not None and any(_inside(area, it) for it in trial.sources)):
            found.append(real)
    return found


def _by_alarm(past: Past) -> dict[str, str]:
    """The source of each alarm that is known."""
    return {
        one.id: source for one in past.find("Alert", limit=ALARMS) if isinstance(source := one.get("alertSource"), str)
    }


def _when(one: Entity, names: Sequence[str]) -> int | None:
    for name in names:
        value = one.get(name)
        if isinstance(value, dict):
            value = value.get("@value")
        if isinstance(value, str):
            try:
                return int(datetime.fromisoformat(value).timestamp()) * SECOND
            except (ValueError, OverflowError):
                continue
    return None


def _inside(area: Any, source: Entity) -> bool:
    """Whether a source stands in an area, or at its edge."""
    place = place_of(source.location)
    if place is None or not isinstance(area, dict):
        return False
    return geo.metres(area, {"type": "Point", "coordinates": list(place)}) <= EDGE_M


def _alarms(past: Past, trial: _Trial, told: Sequence[Told]) -> dict[str, Any] | None:
    """How often the rule's own alarms really rang in that time, and how many of the rings fall on one of those."""
    if not trial.rule.id:
        return None
    rang: dict[str, list[Ring]] = {}
    for one in past.find("Alert", q=f'watchRule=="{trial.rule.id}"', limit=ALARMS):
        source = one.get("alertSource")
        if isinstance(source, str) and one.get("subCategory") != "configuration":
            column = past.column(one.id, "status", 0, trial.until)
            rang.setdefault(source, []).extend(
                ring
                for ring in _opened(column.at, column.values)
                if (ring.until is None or ring.until > trial.since) and ring.since < trial.until
            )
    both = sum(any(_meet(one.ring, ring) for ring in rang.get(one.source.id, ())) for one in told)
    return {"rang": sum(map(len, rang.values())), "both": both, "new": len(told) - both}


def _opened(at: Sequence[int], said: Sequence[Any]) -> list[Ring]:
    found: list[Ring] = []
    since: int | None = None
    for when, value in zip(at, said, strict=True):
        if value == "open" and since is None:
            since = when
        elif value != "open" and since is not None:
            found.append(Ring(since, when))
            since = None
    return found if since is None else [*found, Ring(since, None)]


def _meet(one: Ring, other: Ring) -> bool:
    slack = 120 * SECOND  # a round, and the way of a reading
    return (other.until is None or one.since <= other.until + slack) and (
        one.until is None or other.since <= one.until + slack
    )


# What came of it


def _summed(trial: _Trial, told: list[Told], real: list[Real], before: int) -> dict[str, Any]:
    for one in told:
        for it in real:
            if _for(one, it, before):
                one.real.append(it.id)
                it.caught = one.ring.since if it.caught is None else min(it.caught, one.ring.since)
    hits = sum(bool(one.real) for one in told)
    caught = sum(it.caught is not None for it in real)
    stood = sum((min(_end(one.ring, trial), trial.until) - max(one.ring.since, trial.since)) for one in told)
    by_source: dict[str, list[Told]] = {}
    days: dict[str, int] = {}
    for one in told:
        by_source.setdefault(one.source.id, []).append(one)
        day = datetime.fromtimestamp(max(one.ring.since, trial.since) // SECOND, trial.zone).strftime("%Y-%m-%d")
        days[day] = days.get(day, 0) + 1
    often = sorted(by_source.items(), key=lambda it: (-len(it[1]), it[0]))
    told.sort(key=lambda one: (one.ring.since, one.source.id))
    return {
        "says": said(len(told), hits, len(real), caught),
        "rule": rule_text(trial.rule),
        "from": iso(trial.since),
        "to": iso(trial.until),
        "sources": len(trial.sources),
        "values": trial.values,
        "rings": len(told),
        "stood_s": stood // SECOND,
        "real": hits,
        "false": len(told) - hits,
        "precision": hits / len(told) if told and real else None,
        "recall": caught / len(real) if real else None,
        "days": days,
        "bySource": [
            {
                "source": ident,
                "name": _name(some[0].source),
                "rings": len(some),
                "real": sum(bool(one.real) for one in some),
                "stood_s": sum(min(_end(one.ring, trial), trial.until) - one.ring.since for one in some) // SECOND,
            }
            for ident, some in often[:SOURCES]
        ],
        "incidents": [_incident(it) for it in sorted(real, key=lambda it: it.since)],
        "listed": [
            {
                "source": one.source.id,
                "name": _name(one.source),
                "from": iso(one.ring.since),
                "to": None if one.ring.until is None else iso(one.ring.until),
                "real": one.real,
            }
            for one in told[:LISTED]
        ],
        "cut": max(0, len(told) - LISTED),
    }


def _for(one: Told, real: Real, before: int) -> bool:
    """Whether a ring was for an incident: it stood while that went on, or began shortly before, and there."""
    if one.ring.since >= real.until or (one.ring.until is not None and one.ring.until <= real.since - before):
        return False
    if one.source.id in real.sources:
        return True
    return not real.sources if real.area is None else _inside(real.area, one.source)


def _incident(it: Real) -> dict[str, Any]:
    return {
        "id": it.id,
        "name": it.name,
        "from": iso(it.since),
        "to": iso(it.until),
        "caught": it.caught is not None,
        "lead_s": None if it.caught is None else (it.since - it.caught) // SECOND,
    }


def _end(ring: Ring, trial: _Trial) -> int:
    return trial.until if ring.until is None else ring.until


def _name(source: Entity) -> str:
    name = source.get("name")
    return name[:100] if isinstance(name, str) and name.strip() else source.key[:100]


def said(rings: int, hits: int, real: int, caught: int) -> str:
    """The trial in one sentence."""
    rung = f"would have rung {_times(rings)}" if rings else "would never have rung"
    if not real:
        return f"{rung}; no real incident is known of that time"
    for_real = f", {_times(hits)} for real incidents" if rings else ""
    return f"{rung}{for_real}, missed {real - caught or 'none'}"


def _times(many: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(many, f"{many:,} times")
