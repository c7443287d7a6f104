"""Entities through time: which entities, which of their instances, how many at once. No HTTP here.

CIM 009, clauses 4.5.6, 4.11, 4.18, 5.7.3, 5.7.4 and 6.3.10. The temporal evolution of an entity is its history in the
store: whatever was said of it, by whichever door. It outlives the entity (5.6.6 takes away the entity, 5.6.16 its
evolution): each of its attributes then ends with an instance that says so (4.5.7).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final, NamedTuple

from hansa import clock
from hansa.limits import Limits
from hansa.model import qtree
from hansa.model.entity import MEMBERS, Doc, Entity
from hansa.model.query import Query
from hansa.model.selection import ScopeSelection, types_match
from hansa.model.wire import View
from hansa.platform.ngsild.aggregation import Aggregation
from hansa.platform.ngsild.interval import TemporalQuery
from hansa.platform.store import Moment, Names, Reader, Span
from hansa.trust.labels import Sight

Series = dict[tuple[str, str | None], list[Moment]]
"""Instances by attribute and dataset, oldest first."""

SCOPE: Final = ("scope", None)
_SCOPES: Final[Names] = (frozenset({"scope"}), frozenset())
_ALL: Final = 1_000_000  # scopes of one entity
UNIT: Final = "date-time"
"""The unit of Content-Range. Clause 6.3.10 prints DateTime; ETSI's own suite and the other brokers say this."""
_CHUNK: Final = 200  # entities whose past is read at once


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of the past, of which attributes, and how it is to look."""

    when: TemporalQuery
    view: View
    values: bool = False  # temporalValues: value and time only (4.5.9)
    aggregation: Aggregation | None = None  # aggregatedValues (4.5.19)

    @property
    def names(self) -> Names:
        """The attributes that are wanted, and the scope with them; None: all of them."""
        view = self.view
        picked = view.attrs if view.pick is None else view.pick
        omitted = frozenset(name for name in view.omit or () if not view.shows(name))
        if picked is None:
            return None, omitted
        scope = {"scope"} if view.shows("scope") else set()
        return frozenset(picked) - MEMBERS | scope, omitted


class Past(NamedTuple):
    """Whose history is read: through which reader, for whom, and how much of it at most."""

    reader: Reader
    tenant: str
    sight: Sight
    limits: Limits

    def entity(self, ident: str) -> "Evolution | None":
        """An entity without its instances, also when it is gone; None when there is none, or not for this sight."""
        entity = self.reader.entity(self.tenant, ident, self.sight)
        if entity is not None:
            return Evolution(entity)
        gone = self.reader.gone(self.tenant, ident, self.sight)
        return None if gone is None else Evolution(*gone)

    def moments(
        self, idents: Sequence[str], span: Span, names: Names, most: int, *, dated: bool = False
    ) -> Iterator[tuple[str, Series]]:
        """See `Reader.moments`."""
        return self.reader.moments(self.tenant, idents, self.sight, span, names, most, dated=dated)


@dataclass(slots=True)
class Evolution:
    """One entity and its instances by attribute and dataset, oldest first."""

    entity: Entity
    ended: int | None = None  # when it was deleted
    series: Series = field(default_factory=dict)
    spans: tuple[Span, ...] | None = None  # the parts of the time in which its scope is the one asked for

    @property
    def count(self) -> int:
        """How many instances it holds."""
        return sum(map(len, self.series.values()))


def evolved(past: Past, ident: str, wanted: Wanted) -> Evolution | None:
    """5.7.3: one entity and its evolution; None when nobody knows it, or its evolution was deleted (5.6.16)."""
    found = past.entity(ident)
    if found is None:
        return None
    told = bool(past.reader.series(past.tenant, ident, past.sight))
    if not told and (found.ended is not None or not MEMBERS.issuperset(found.entity.doc)):
        return None
    if wanted.aggregation is None:
        fill(past, [found], wanted)
    return found


def fill(past: Past, some: list[Evolution], wanted: Wanted) -> None:
    """Read the instances of entities: all, or so many that `cut` sees that there are more than an answer may hold."""
    span, most = wanted.when.span, past.limits.instants
    backwards = span.last is not None
    by_ident = {one.entity.id: one for one in some}
    waiting, count = list(by_ident), 0
    while waiting:
        chunk, waiting = waiting[:_CHUNK], waiting[_CHUNK:]
        for ident, series in _series(past, [by_ident[one] for one in chunk], span, wanted):
            by_ident[ident].series = selected(series, wanted)
            chunk.remove(ident)
            count += by_ident[ident].count
            if count > 2 * most:
                # What lies beyond the edge of the answer need not be read of the other entities either.
                edge = _edge(some, most, backwards=backwards)
                _drop(some, edge, backwards=backwards)
                span = replace(span, since=edge) if backwards else replace(span, until=edge + 1)
                count = sum(one.count for one in some)
                waiting = [*chunk, *waiting]
                break
    if wanted.view.shows("scope") and wanted.when.since is not None and wanted.when.name == "observedAt":
        _carry_scopes(past, by_ident, wanted)


def _series(past: Past, some: list[Evolution], span: Span, wanted: Wanted) -> Iterator[tuple[str, Series]]:
    most, dated = past.limits.instants, wanted.view.sys_attrs
    plain = [one.entity.id for one in some if one.spans is None]
    yield from past.moments(plain, span, wanted.names, most, dated=dated)
    for one in some:
        merged: Series = {}
        for part in one.spans or ():
            clipped = _clipped(span, part)
            for _, series in past.moments([one.entity.id], clipped, wanted.names, most, dated=dated):
                for key, moments in series.items():
                    merged.setdefault(key, []).extend(moments)
        if merged:
            yield one.entity.id, merged


def _clipped(span: Span, part: Span) -> Span:
    since = part.since if span.since is None else max(span.since, span.since if part.since is None else part.since)
    until = part.until if span.until is None else min(span.until, span.until if part.until is None else part.until)
    return replace(span, since=since, until=until)


def selected(series: Series, wanted: Wanted) -> Series:
    """The instances of the datasets that are asked for (4.5.5), of each attribute the last so many."""
    datasets, last = wanted.view.datasets, wanted.when.last
    if datasets is not None:
        series = {key: some for key, some in series.items() if key == SCOPE or (key[1] or "@none") in datasets}
    if last is None:
        return series
    times: dict[str, list[int]] = {}
    if len({name for name, _ in series}) < len(series):
        for (name, _), moments in series.items():
            times.setdefault(name, []).extend(moment.at for moment in moments)
    for key, moments in series.items():
        of_all = times.get(key[0], ())
        if len(of_all) > last:
            edge = sorted(of_all)[-last]
            series[key] = [moment for moment in moments if moment.at >= edge][-last:]
        elif len(moments) > last:
            series[key] = moments[-last:]
    return {key: moments for key, moments in series.items() if moments}


def _carry_scopes(past: Past, by_ident: dict[str, Evolution], wanted: Wanted) -> None:
    """Show the scope in which an entity was when the time began: it is valid until another is set (4.18, C.5.16)."""
    before = Span(None, None, wanted.when.since, 1)
    for ident, series in past.moments(list(by_ident), before, _SCOPES, 1, dated=wanted.view.sys_attrs):
        (moments,) = series.values()
        if moments and moments[-1].instance["value"]:
            by_ident[ident].series.setdefault(SCOPE, []).insert(0, moments[-1])


# Which entities


def matching(past: Past, query: Query, wanted: Wanted) -> Iterator[Evolution]:
    """5.7.4: entities that match, without their instances.

    Types, ids and what was said in the time first; then q and geoquery, by the instances of that time alone, of which
    any may meet them; last the scope of that time.
    """
    picked, _ = wanted.names
    names: Names = ((picked or frozenset()) - {"scope"} or None, frozenset({"scope"}))
    idents = past.reader.spoke(past.tenant, query, wanted.when.span, names)
    judge = _Judge(past, query, wanted, names)
    if judge.needless:
        yield from (one for ident in idents if (one := past.entity(ident)) is not None)
        return
    while chunk := list(islice(idents, _CHUNK)):
        yield from judge.judged(chunk)


def counted(past: Past, query: Query, wanted: Wanted) -> Iterator[str]:
    """The ids of the same entities, without looking at them where that is not needed."""
    picked, _ = wanted.names
    names: Names = ((picked or frozenset()) - {"scope"} or None, frozenset({"scope"}))
    if _Judge(past, query, wanted, names).needless:
        return past.reader.spoke(past.tenant, query, wanted.when.span, names)
    return (one.entity.id for one in matching(past, query, wanted))


class _Judge:
    """Decides what the store could not."""

    def __init__(self, past: Past, query: Query, wanted: Wanted, names: Names) -> None:
        self._past = past
        self._query = query
        self._names = names
        self._span = replace(wanted.when.span, last=None)
        self._kinds = None if query.types is None else types_match(query.types)
        self._selects = Query(selectors=query.selectors).compile()
        self._match = Query(q=query.q, geo=query.geo).compile()
        asked = set() if query.q is None else set(qtree.names(query.q))
        if query.geo is not None:
            asked.add(query.geo.name)
        self._asked = frozenset(asked - MEMBERS)

    @property
    def needless(self) -> bool:
        """Whether the store's candidates are the answer."""
        query = self._query
        plain = query.types is None or (query.ids is None and all(len(group) == 1 for group in query.types))
        simple = (
            not query.selectors
            and query.id_pattern is None
            and query.q is None
            and query.geo is None
            and query.scope_q is None
        )
        return plain and simple and self._past.sight.everything

    def judged(self, idents: list[str]) -> Iterator[Evolution]:
        """Those of some entities that match, in their order."""
        found = {
            ident: one for ident in idents if (one := self._past.entity(ident)) is not None and self._is_meant(one)
        }
        if not self._past.sight.everything:
            heard = {ident for ident, _ in self._past.moments(list(found), self._span, self._names, 0)}
            found = {ident: one for ident, one in found.items() if ident in heard}
        if self._query.q is not None or self._query.geo is not None:
            found = self._holding(found)
        if self._query.scope_q is not None:
            found = self._scoped(found, self._query.scope_q)
        yield from found.values()

    def _is_meant(self, one: Evolution) -> bool:
        doc, pattern = one.entity.doc, self._query.id_pattern
        if (self._kinds is not None and not self._kinds(doc["type"])) or not self._selects(doc):
            return False
        return self._query.ids is not None or pattern is None or pattern.found(doc["id"])

    def _holding(self, found: dict[str, Evolution]) -> dict[str, Evolution]:
        """Those of which some instance of the time meets each condition."""
        docs: dict[str, Doc] = {
            ident: {name: value for name, value in one.entity.doc.items() if name in MEMBERS}
            for ident, one in found.items()
        }
        if self._asked:
            most = self._past.limits.aggregated
            for ident, series in self._past.moments(list(found), self._span, (self._asked, frozenset()), most):
                for (name, _), moments in series.items():
                    said = [moment.instance for moment in moments if "deletedAt" not in moment.instance]
                    if said:
                        docs[ident].setdefault(name, []).extend(said)
        return {ident: one for ident, one in found.items() if self._match(docs[ident], one.entity.stamps)}

    def _scoped(self, found: dict[str, Evolution], selection: ScopeSelection) -> dict[str, Evolution]:
        """Those that were in the scope when something was said of them (4.18, annex C.5.16)."""
        scopes = {ident: series[SCOPE] for ident, series in self._past.moments(list(found), Span(), _SCOPES, _ALL)}
        kept: dict[str, Evolution] = {}
        for ident, one in found.items():
            one.spans = tuple(_valid(scopes.get(ident, []), selection, one.entity))
            clipped = [_clipped(self._span, part) for part in one.spans]
            if any(next(self._past.moments([ident], part, self._names, 0), None) for part in clipped):
                kept[ident] = one
        return kept


def _valid(scopes: list[Moment], selection: ScopeSelection, entity: Entity) -> Iterator[Span]:
    """When the scope was one of the selection: each is valid until the next is set, or it is taken away."""
    if not scopes:  # set before scopes had a history
        if selection.matches(entity.doc.get("scope")):
            yield Span()
        return
    ends = [*(moment.at for moment in scopes[1:]), None]
    for moment, end in zip(scopes, ends, strict=True):
        if selection.matches(moment.instance["value"]):
            yield Span(since=moment.at, until=end)


# One answer


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
    if sum(one.count for one in found) <= limits.instants:
        return None
    backwards = when.last is not None
    _drop(found, _edge(found, limits.instants, backwards=backwards), backwards=backwards)
    times = [moment.at for one in found for key, moments in one.series.items() if key != SCOPE for moment in moments]
    oldest, newest = clock.text(min(times, default=0)), clock.text(max(times, default=0))
    said = (
        {"before": when.time_at, "between": when.end_time_at}
        if backwards
        else {"after": when.time_at, "between": when.time_at}
    )
    start = said.get(when.timerel or "") or (newest if backwards else oldest)
    return Cut(start, oldest if backwards else newest, str(when.last) if backwards else "*")


def _edge(found: list[Evolution], most: int, *, backwards: bool) -> int:
    """The instant at which an answer of `most` instances ends."""
    times = sorted(moment.at for one in found for moments in one.series.values() for moment in moments)
    return times[-most] if backwards else times[most - 1]


def _drop(found: list[Evolution], edge: int, *, backwards: bool) -> None:
    for one in found:
        for key, moments in one.series.items():
            one.series[key] = [m for m in moments if (m.at >= edge if backwards else m.at <= edge)]
