"""How entities through time look: instances, pairs of value and time, aggregates (4.5.6 to 4.5.9, 4.5.19, 6.3.12)."""

from collections.abc import Iterator
from typing import Any, Final

from hansa import clock
from hansa.errors import InvalidRequest, TooManyResults
from hansa.model.entity import MEMBERS, VALUE_OF, Instance
from hansa.model.wire import NULL, View
from hansa.platform.ngsild import aggregation
from hansa.platform.ngsild.aggregation import Aggregation
from hansa.platform.ngsild.evolution import SCOPE, Evolution, Past, Wanted, selected
from hansa.platform.store import Moment

_PLAIN: Final = frozenset({"type", "value", "unitCode", "observedAt", "datasetId", "instanceId"})


def shown(found: Evolution, wanted: Wanted) -> dict[str, Any]:
    """One evolution as JSON: instances (4.5.6), or with temporalValues pairs of value and time (4.5.9)."""
    view = wanted.view
    out = _head(found, wanted)
    by_name: dict[str, list[tuple[str | None, list[Moment]]]] = {}
    for (name, dataset), moments in found.series.items():
        by_name.setdefault(name, []).append((dataset, moments))
    for name, series in by_name.items():
        word = name if name == "scope" else view.context.compact(name)
        if wanted.values:
            values = [_values(moments, dataset, view, found.entity.doc.get(name)) for dataset, moments in series]
            out[word] = values[0] if len(values) == 1 else values
        else:
            moments = series[0][1]
            if len(series) > 1:
                moments = sorted((moment for _, some in series for moment in some), key=lambda moment: moment.at)
            out[word] = list(_instances(moments, view, wanted))
    return out


def _head(found: Evolution, wanted: Wanted) -> dict[str, Any]:
    """Id and type; the scope is told as it was through time."""
    view = wanted.view
    doc = found.entity.doc
    out = view.entity({name: doc[name] for name in doc if name in MEMBERS and name != "scope"}, found.entity.stamps)
    if found.ended is not None and view.sys_attrs and view.shows("deletedAt"):
        out["deletedAt"] = clock.text(found.ended)
    return out


def _instances(moments: list[Moment], view: View, wanted: Wanted) -> Iterator[Any]:
    plain = view.form == "normalized"
    dated = view.sys_attrs or wanted.when.name == "deletedAt"
    for moment in moments:
        instance = moment.instance
        if "deletedAt" in instance:
            told: Any = _end(instance, dated=dated)
        elif plain and instance.keys() <= _PLAIN:
            told = instance
        else:
            told = view.attribute(instance)
        if view.sys_attrs:
            told["createdAt"] = clock.text(moment.created)
            told["modifiedAt"] = clock.text(moment.modified)
        yield told


def _end(instance: Instance, *, dated: bool) -> Instance:
    """An instance that says that the attribute, or the scope, ended (4.5.7)."""
    kind = instance["type"]
    told = {"type": kind, VALUE_OF[kind]: _ended(instance)}
    for member in ("datasetId", "observedAt", "instanceId", *(("deletedAt",) if dated else ())):
        if member in instance:
            told[member] = instance[member]
    return told


def _ended(instance: Instance) -> Any:
    kind = instance["type"]
    if kind == "LanguageProperty":
        return {"@none": NULL}
    if kind in {"ListProperty", "ListRelationship"}:
        return [NULL]  # an array where there must be one (4.5.0)
    return instance.get(VALUE_OF[kind], NULL)


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


def _values(moments: list[Moment], dataset: str | None, view: View, now: Any) -> dict[str, Any]:
    """Pairs of value and time. A series that is empty after a cut keeps the kind that it has now."""
    current = now[0] if type(now) is list else now
    kind = moments[-1].instance["type"] if moments else current["type"] if type(current) is dict else "Property"
    member = VALUE_OF[kind]
    normal = View(view.context, lang=view.lang)
    pairs = []
    for moment in moments:
        instance = moment.instance
        if instance["type"] != kind:
            continue  # of another kind in those days: it has no place in one list of values
        wrapped = member in _WRAPPED
        if "deletedAt" in instance:
            value = _ended(instance)
        elif instance.keys() <= _PLAIN:
            value = instance["value"]
        else:
            said = normal.attribute(instance)
            wrapped = wrapped and member in said  # in one language it is a value like others (4.15)
            value = said[member] if member in said else said["value"]
            if member == "objectList":
                value = [one["object"] for one in value]
        pairs.append([{member: value} if wrapped else value, clock.text(moment.at)])
    told: dict[str, Any] = {"type": kind, _PLURAL[kind]: pairs}
    if dataset is not None:
        told["datasetId"] = dataset
    return told


# Aggregates


def aggregated(past: Past, found: Evolution, wanted: Wanted) -> dict[str, Any]:
    """One evolution as aggregates (4.5.19).

    InvalidRequest when an attribute that was asked for by name suits none of the methods (5.7.4.4); of others, what
    suits is told. TooManyResults when there are more periods, or more values that are no plain numbers, than may be.
    """
    asked = wanted.aggregation
    assert asked is not None  # noqa: S101  # else nobody comes here
    out = _head(found, wanted)
    told: dict[str, list[tuple[str | None, dict[str, Any]]]] = {}
    keys, begin, end = _extent(past, found, wanted)
    for key in keys:
        of_it = _of_one(past, found, key, wanted, asked, (begin, end))
        if of_it is None:
            if wanted.view.attrs is not None or wanted.view.pick is not None:
                raise InvalidRequest(
                    f"{key[0]} suits none of {', '.join(asked.methods)} (4.5.19)",
                    where="aggrMethods",
                    mend="totalCount",
                )
            continue
        if of_it:
            told.setdefault(key[0], []).append((key[1], of_it))
    for name, of_datasets in told.items():
        several = [of_it if dataset is None else of_it | {"datasetId": dataset} for dataset, of_it in of_datasets]
        out[wanted.view.context.compact(name)] = several[0] if len(several) == 1 else several
    return out


def _extent(past: Past, found: Evolution, wanted: Wanted) -> tuple[list[tuple[str, str | None]], int, int]:
    """The series of an entity in that time, and the time: as it was said, else from the first to the last instant."""
    span = wanted.when.span
    keys: list[tuple[str, str | None]] = []
    times: list[int] = []
    datasets = wanted.view.datasets
    for edge in (None, 1):
        part = span if span.last is not None else type(span)(span.by, span.since, span.until, edge)
        for _, series in past.moments([found.entity.id], part, wanted.names, 0 if span.last is None else _MOST):
            for key, moments in series.items():
                if key == SCOPE or (datasets is not None and (key[1] or "@none") not in datasets):
                    continue
                if key not in keys:
                    keys.append(key)
                times += [moments[0].at, moments[-1].at]
    begin = min(times, default=0) if span.since is None else span.since
    end = max(times, default=0) if span.until is None else span.until
    return keys, begin, end


_MOST: Final = 1_000_000_000


def _of_one(
    past: Past,
    found: Evolution,
    key: tuple[str, str | None],
    wanted: Wanted,
    asked: Aggregation,
    extent: tuple[int, int],
) -> dict[str, Any] | None:
    """The aggregates of one series; empty when it has no value, None when none of the methods suits it."""
    duration, (begin, end) = asked.duration, extent
    span, limits, ident = wanted.when.span, past.limits, found.entity.id
    kind = "Property"
    rows: dict[str, list[tuple[int, Any]]]
    buckets = (
        past.reader.buckets(past.tenant, ident, key, span, begin, duration.micros) if not duration.months else None
    )
    if buckets is not None:
        rows = {method: [(b.period, aggregation.summed(b, method)) for b in buckets] for method in asked.methods}
    else:
        names = (frozenset({key[0]}), frozenset[str]())
        some = [m for _, s in past.moments([ident], span, names, limits.aggregated) for m in s.get(key, ())]
        if span.last is not None:
            some = selected({key: some}, wanted).get(key, [])
        if len(some) > limits.aggregated:
            raise TooManyResults(
                f"more than {limits.aggregated:,} instances of {key[0]}", where="timerel", mend="ask for less time"
            )
        if some and some[-1].instance["type"] in {"Relationship", "ListRelationship"}:
            kind = "Relationship"
        piles = aggregation.piled(((m.at, m.instance) for m in some), duration, begin)
        if not piles:
            return {}
        rows = {
            method: [(period, pile.of(method)) for period, pile in piles.items() if pile.suits(method)]
            for method in asked.methods
        }
        if not any(rows.values()):
            return None
    if any(len(values) > limits.instants for values in rows.values()):
        raise TooManyResults(
            f"more than {limits.instants:,} periods", where="aggrPeriodDuration", mend="ask for longer ones"
        )
    return {"type": kind} | {
        method: [[value, *_period(period, duration, begin, end)] for period, value in values]
        for method, values in rows.items()
        if values
    }


def _period(period: int, duration: aggregation.Duration, begin: int, end: int) -> tuple[str, str]:
    if duration.whole:
        return clock.text(begin), clock.text(end)
    return clock.text(duration.after(begin, period)), clock.text(duration.after(begin, period + 1))
