"""Entities through time: which instances, how many at once, in which form. No HTTP here.

CIM 009, clauses 4.5.6 to 4.5.9, 4.11, 5.7.3, 5.7.4 and 6.3.10.

The temporal evolution of an entity is its history in the store: whatever was said of it, by whichever door. Of an
instance, createdAt and modifiedAt are both when it was committed: instances are added, never changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from hansa import clock
from hansa.errors import BadRequest
from hansa.limits import Limits
from hansa.model.context import Context
from hansa.model.entity import MEMBERS, VALUE_OF, Doc, Entity
from hansa.model.query import Query
from hansa.model.wire import NULL, View
from hansa.platform.store import Point, Reader
from hansa.trust.labels import Sight

TIMEPROPERTIES: Final = frozenset({"observedAt", "createdAt", "modifiedAt", "deletedAt"})
UNIT: Final = "date-time"
"""The unit of Content-Range. Clause 6.3.10 prints DateTime; ETSI's own suite and the other brokers say this."""


@dataclass(frozen=True, slots=True)
class TemporalQuery:
    """When: `since` (included) and `until` (not), in microseconds; the texts are what was said (4.11).

    `before` leaves its instant out, `after` and `between` take timeAt in, `between` leaves endTimeAt out.
    """

    timerel: str | None = None
    time_at: str | None = None
    end_time_at: str | None = None
    since: int | None = None
    until: int | None = None
    last: int | None = None
    name: str = "observedAt"

    @classmethod
    def of(cls, said: dict[str, str], *, needed: bool) -> "TemporalQuery":
        """Read timerel, timeAt, endTimeAt, timeproperty and lastN. Raises BadRequest."""
        name = said.get("timeproperty", "observedAt")
        if name not in TIMEPROPERTIES:
            raise BadRequest(f"{name[:64]!r} is no temporal property", where="timeproperty", mend="observedAt")
        last = _last(said)
        timerel = said.get("timerel")
        if timerel is None:
            if odd := sorted(said.keys() & {"timeAt", "endTimeAt"}):
                raise BadRequest(f"{odd[0]} needs a timerel", where="timerel", mend="before, after or between")
            if needed:
                raise BadRequest("a temporal query is needed", where="timerel", mend="timerel=after&timeAt=...")
            return cls(last=last, name=name)
        if timerel not in {"before", "after", "between"}:
            raise BadRequest(
                f"{timerel[:32]!r} is no temporal relation", where="timerel", mend="before, after, between"
            )
        at = _instant(said, "timeAt")
        if timerel == "between":
            end = _instant(said, "endTimeAt")
            if end < at:
                raise BadRequest("endTimeAt lies before timeAt", where="endTimeAt")
            return cls(timerel, said["timeAt"], said["endTimeAt"], at, end, last, name)
        if "endTimeAt" in said:
            raise BadRequest(f"endTimeAt does not go with {timerel}", where="endTimeAt")
        if timerel == "before":
            return cls(timerel, said["timeAt"], None, None, at, last, name)
        return cls(timerel, said["timeAt"], None, at, None, last, name)

    def conveyed(self, instance: dict[str, Any]) -> bool:
        """Whether an instance has the temporal property that is asked by; if not, it does not match (4.11)."""
        if self.name in {"createdAt", "modifiedAt"}:
            return "deletedAt" not in instance
        return self.name in instance


def _last(said: dict[str, str]) -> int | None:
    last = said.get("lastN")
    if last is None:
        return None
    if not (last.isascii() and last.isdigit() and int(last[:10]) > 0):
        raise BadRequest(f"lastN is a number from 1 on, not {last[:32]!r}", where="lastN")
    return int(last[:10])


def _instant(said: dict[str, str], name: str) -> int:
    if name not in said:
        raise BadRequest(f"timerel needs {name}", where=name, mend=f"{name}=2026-11-22T18:00:00Z")
    try:
        return clock.parse(said[name])
    except BadRequest as fault:
        raise BadRequest(fault.detail, where=name, mend=fault.mend) from None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of the past, of which attributes, and how it is to look."""

    when: TemporalQuery
    view: View
    values: bool = False  # temporalValues: value and time only (4.5.9)


class Past(NamedTuple):
    """Whose history is read: through which reader, for whom, and how much of it at most."""

    reader: Reader
    tenant: str
    sight: Sight
    limits: Limits


@dataclass(slots=True)
class Evolution:
    """One entity and its instances by attribute and dataset, oldest first."""

    entity: Entity
    series: dict[tuple[str, str | None], list[Point]] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether nothing was said of it in that time."""
        return not any(self.series.values())

    def doc(self) -> Doc:
        """Every instance in one document, for conditions that any instance may meet (5.7.4)."""
        doc: Doc = {name: self.entity.doc[name] for name in self.entity.doc if name in MEMBERS}
        for (name, _), points in self.series.items():
            doc.setdefault(name, []).extend(point.instance for point in points)
        return doc


def evolved(past: Past, entity: Entity, wanted: Wanted) -> Evolution:
    """What the store's history says of an entity: at most one instance a series more than an answer may hold."""
    reader, tenant, sight, limits = past
    when, view = wanted.when, wanted.view
    found = Evolution(entity)
    most = limits.instants + 1
    for name, dataset in reader.series(tenant, entity.id, sight):
        if not _shown(view, name) or (view.datasets is not None and (dataset or "@none") not in view.datasets):
            continue
        last = None if when.last is None else min(when.last, most)
        points = reader.history(
            tenant,
            entity.id,
            name,
            sight,
            when.since,
            when.until,
            last=last,
            limit=most,
            dataset=dataset,
            committed=when.name != "observedAt",
        )
        if when.timerel is not None or when.name != "observedAt":
            points = [point for point in points if when.conveyed(point.instance)]
        if points:
            found.series[name, dataset] = points
    return found


def _shown(view: View, name: str) -> bool:
    if view.omit is not None and name in view.omit:
        return False
    if view.pick is not None:
        return name in view.pick
    return view.attrs is None or name in view.attrs


def matching(past: Past, query: Query, wanted: Wanted) -> Iterator[Evolution]:
    """Evolutions of the entities that match: types, ids and scopes now, q and geoquery by any instance of the time."""
    reader, tenant, sight, limits = past
    now = Query(query.types, query.ids, query.id_pattern, scope_q=query.scope_q)
    then = Query(q=query.q, geo=query.geo).compile()
    conditional = query.q is not None or query.geo is not None
    seen = Wanted(wanted.when, View(wanted.view.context), values=False)
    offset, size = 0, limits.page
    while page := reader.find(tenant, now, sight, size, offset, stamps=True):
        offset += size
        for entity in page:
            found = evolved(past, entity, wanted)
            if found.empty:
                continue
            # Conditions may be about attributes that the answer does not show.
            if conditional:
                whole = evolved(past, entity, seen)
                if not then(whole.doc(), entity.stamps):
                    continue
            yield found
        if len(page) < size:
            return


@dataclass(frozen=True, slots=True)
class Cut:
    """Where an answer was cut, for Content-Range (6.3.10)."""

    start: str
    end: str
    size: str

    @property
    def header(self) -> bytes:
        """The value of Content-Range."""
        return f"{UNIT} {self.start}-{self.end}/{self.size}".encode()


def cut(found: list[Evolution], when: TemporalQuery, limits: Limits) -> Cut | None:
    """Leave no more instances than an answer may hold, cut at one instant for all of them; None if nothing was cut.

    Forwards from the oldest, or with lastN backwards from the newest. Instances of the instant at which it is cut stay
    together, so that the next request can go on behind it.
    """
    times = sorted(point.at for one in found for points in one.series.values() for point in points)
    most = limits.instants
    if len(times) <= most:
        return None
    backwards = when.last is not None
    edge = times[-most] if backwards else times[most - 1]
    for one in found:
        for key, points in one.series.items():
            one.series[key] = [p for p in points if (p.at >= edge if backwards else p.at <= edge)]
    kept = [at for at in times if (at >= edge if backwards else at <= edge)]
    oldest, newest = clock.text(kept[0]), clock.text(kept[-1])
    said = (
        {"before": when.time_at, "between": when.end_time_at}
        if backwards
        else {
            "after": when.time_at,
            "between": when.time_at,
        }
    )
    start = said.get(when.timerel or "") or (newest if backwards else oldest)
    return Cut(start, oldest if backwards else newest, str(when.last) if backwards else "*")


# How it looks


def shown(found: Evolution, wanted: Wanted) -> dict[str, Any]:
    """One evolution as JSON (4.5.6, 4.5.9)."""
    view = wanted.view
    members = {name: value for name, value in found.entity.doc.items() if name in MEMBERS}
    out = view.entity(members, found.entity.stamps)
    by_name: dict[str, list[tuple[str | None, list[Point]]]] = {}
    for (name, dataset), points in found.series.items():
        by_name.setdefault(name, []).append((dataset, points))
    for name, series in by_name.items():
        word = view.context.compact(name)
        if wanted.values:
            values = [_values(points, dataset, view.context, found.entity.doc.get(name)) for dataset, points in series]
            out[word] = values[0] if len(values) == 1 else values
        else:
            points = sorted((p for _, points in series for p in points), key=lambda p: (p.at, p.seq))
            dated = view.sys_attrs or wanted.when.name == "deletedAt"
            out[word] = [_instance(point, view, dated=dated) for point in points]
    return out


def _instance(point: Point, view: View, *, dated: bool) -> Any:
    instance = point.instance
    gone = instance.get("deletedAt")
    if gone is None:
        return view.attribute(instance)
    kind = instance["type"]  # an instance that says that the attribute went (4.5.7)
    told = {"type": kind, VALUE_OF[kind]: _null(kind)}
    if "datasetId" in instance:
        told["datasetId"] = instance["datasetId"]
    return {**told, "deletedAt": gone} if dated else told


def _null(kind: str) -> Any:
    return {"@none": NULL} if kind == "LanguageProperty" else NULL


_PLURAL: Final = {
    "Property": "values",
    "GeoProperty": "values",
    "Relationship": "objects",
    "LanguageProperty": "languageMaps",
    "VocabProperty": "vocabs",
    "JsonProperty": "jsons",
    "ListProperty": "valueLists",
    "ListRelationship": "objectLists",
}
_WRAPPED: Final = frozenset({"languageMap", "vocab", "json"})


def _values(points: list[Point], dataset: str | None, context: Context, now: Any) -> dict[str, Any]:
    """Pairs of value and time. A series that is empty after a cut keeps the kind that it has now."""
    current = now[0] if type(now) is list else now
    kind = points[-1].instance["type"] if points else current["type"] if current else "Property"
    member = VALUE_OF[kind]
    view = View(context)
    pairs = []
    for point in points:
        if point.instance["type"] != kind:
            continue  # of another kind in those days: it has no place in one list of values
        value = _null(kind)
        if "deletedAt" not in point.instance:
            value = view.attribute(point.instance)[member]
            if member == "objectList":
                value = [one["object"] for one in value]
        pairs.append([{member: value} if member in _WRAPPED else value, clock.text(point.at)])
    told: dict[str, Any] = {"type": kind, _PLURAL[kind]: pairs}
    if dataset is not None:
        told["datasetId"] = dataset
    return told
