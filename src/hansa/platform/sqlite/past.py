"""Reading history: series, instants, which entities spoke when, and sums of plain numbers.

Rows come in the order of the table's key (entity, name, dataset, instant, seq), from one series to the next by the
index, so that what is asked costs the series and the instants that are the answer, not those that lie between.
"""

from array import array
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import apsw

from hansa import clock
from hansa.errors import HansaError
from hansa.limits import DEFAULT
from hansa.model.entity import Entity, Stamps
from hansa.model.query import Query
from hansa.model.selection import TypeSelection
from hansa.platform import codec
from hansa.platform.sqlite.history import ended, first, instance_of, unpacked
from hansa.platform.sqlite.names import Names
from hansa.platform.sqlite.plan import type_word
from hansa.platform.sqlite.veil import Veil
from hansa.platform.store import Bucket, Moment, Point, Span, TooSlow
from hansa.platform.store import Names as Wanted
from hansa.trust.labels import AUDITED, Sight, unlabelled

Series = dict[tuple[str, str | None], list[Moment]]

_MIN: Final = -(2**62)
_MAX: Final = 2**62
_CHUNK: Final = 200  # entities of one question


class PastReader:
    """The history of one realm's file, through one connection. See `platform.store.Reader`."""

    def __init__(self, db: apsw.Connection, realm: str) -> None:
        """Read through `db`, which is this reader's own."""
        self._db = db
        self._realm = realm
        self._names = Names(db)
        self._veil = Veil.of(db)
        db.create_scalar_function("tells", _tells, 1, deterministic=True)

    # One series

    def history(
        self,
        tenant: str,
        ident: str,
        name: str,
        sight: Sight,
        since: int | None = None,
        until: int | None = None,
        last: int | None = None,
        limit: int = DEFAULT.instants,
        dataset: str | None = None,
    ) -> list[Point]:
        """Points of one attribute from `since` (included) to `until` (not), oldest first; `last` the newest so many."""
        found = self._numbered(tenant, ident)
        n, d = self._names.number(name), self._names.number(dataset or "")
        if found is None or n is None or d is None or not self._shows(ident, found[1], found[2], name, sight):
            return []
        order = "ASC" if last is None else "DESC"
        rows = list(
            self._run(
                f"SELECT at, seq, v, u, x FROM history WHERE e = ? AND n = ? AND d = ? AND at >= ? AND at < ? "  # noqa: S608
                f"ORDER BY at {order}, seq {order} LIMIT ?",
                (
                    found[0],
                    n,
                    d,
                    _MIN if since is None else since,
                    _MAX if until is None else until,
                    limit if last is None else min(last, limit),
                ),
            )
        )
        return [self._point(row, dataset) for row in (rows if last is None else reversed(rows))]

    def series(self, tenant: str, ident: str, sight: Sight) -> list[tuple[str, str | None]]:
        """Every attribute and datasetId of which an entity has history, also of those that are gone by now."""
        found = self._numbered(tenant, ident)
        if found is None:
            return []
        text = self._names.text
        keys = [(text(k >> 32), text(k & _LOW) or None) for (k,) in self._run(_SERIES, {"e": found[0]})]
        shown = {name: self._shows(ident, found[1], found[2], name, sight) for name, _ in keys if name != "scope"}
        left = [(name, d) for name, d in keys if shown.get(name)]
        return left if sight.everything else sorted(left, key=lambda one: (one[0], one[1] or ""))

    def gone(self, tenant: str, ident: str, sight: Sight) -> tuple[Entity, int] | None:
        """An entity that was deleted, its id and types, and when; None when it is there or never was."""
        tn = self._names.number(tenant)
        row = None if tn is None else next(self._run(_WAS, (tn, ident)), None)
        if row is None:
            return None
        stamps, label, seq = row
        own = self._names.text(label) if label else None
        if not sight.everything and not sight.sees(own or unlabelled(self._realm)):
            return None
        end = ended(self._db, self._names, seq)
        if end is None:
            return None
        at, kinds = end
        kept = codec.unpack_stamps(stamps) if stamps is not None else Stamps(at, at, {}, {})
        return Entity({"id": ident, "type": kinds if len(kinds) > 1 else kinds[0]}, kept, self._realm, own), at

    def _numbered(self, tenant: str, ident: str) -> tuple[int, bytes | None, int] | None:
        tn = self._names.number(tenant)
        return None if tn is None else next(self._run(_STAMPED, (tn, ident)), None)

    def _point(self, row: tuple[Any, ...], dataset: str | None) -> Point:
        at, seq, v, u, x = row
        instance = instance_of(at, v, None if u is None else self._names.text(u), x, dataset)
        return Point(at, v if v is not None or not x else instance.get("value"), seq, instance)

    # Many series

    def moments(
        self,
        tenant: str,
        idents: Sequence[str],
        sight: Sight,
        span: Span,
        names: Wanted,
        most: int,
        *,
        dated: bool = False,
    ) -> Iterator[tuple[str, Series]]:
        """What history holds of entities, also of such that are gone: instants by series, oldest first."""
        tn = self._names.number(tenant)
        for begin in range(0, len(idents) if tn is not None else 0, _CHUNK):
            some = idents[begin : begin + _CHUNK]
            numbered = {e: row for e, *row in self._run(_NUMBERED, (apsw.carray(tuple(some)), tn))}
            for e, found in self._chunk(list(numbered), span, names, most, dated=dated):
                ident, stamps, label = numbered[e]
                shown = found
                if not sight.everything:
                    seen = [key for key in found if self._shows(ident, stamps, label, key[0], sight)]
                    # The index has them in the order in which words first came, of whatever was said with them.
                    shown = {key: found[key] for key in sorted(seen, key=lambda one: (one[0], one[1] or ""))}
                if shown:
                    yield ident, shown

    def _chunk(
        self, es: list[int], span: Span, names: Wanted, most: int, *, dated: bool
    ) -> Iterator[tuple[int, Series]]:
        """The instants of some entities, by number."""
        if not es:
            return
        bound = _Bound.of(span, most, self._names, names)
        if bound is None:
            return
        sql, given = bound.sql(dated=dated)
        given["es"] = apsw.carray(array("q", es), flags=apsw.SQLITE_CARRAY_INT64)
        read = _Read(self._names, self._veil)
        present, found = -1, Series()
        key, moments = -1, list[Moment]()
        for row in self._run(sql, given):
            if row[0] != present:
                if found:
                    yield present, found
                present, found, key = row[0], {}, -1
            if row[1] != key:
                key = row[1]
                moments = found[read.series(key)] = []
            moments.append(read.moment(row))
        if found:
            yield present, found

    # Which entities

    def spoke(self, tenant: str, query: Query, span: Span, names: Wanted) -> Iterator[str]:
        """Entities, also gone ones, of a query's types and ids of which history holds anything in the span, in order.

        They are candidates: nobody has looked at a sight, nor at the entity itself.
        """
        tn = self._names.number(tenant)
        bound = _Bound.of(span, 0, self._names, names)
        if tn is None or bound is None:
            return
        given: dict[str, Any] = {"tenant": tn}
        source = self._source(tenant, query, given)
        if source is None:
            return
        sql = f"SELECT entity.id FROM ({source}) AS c CROSS JOIN entity ON entity.e = c.e WHERE {bound.spoke()}"  # noqa: S608
        for (ident,) in self._run(sql, given | bound.given):
            yield ident

    def _source(self, tenant: str, query: Query, given: dict[str, Any]) -> str | None:
        """The entities that may be meant, there or gone; None: nobody."""
        if query.ids is not None and not query.ids:
            return None
        if query.ids is not None:
            given["ids"] = apsw.carray(tuple(sorted(query.ids)))
            return (
                "SELECT entity.e FROM carray(:ids) AS said CROSS JOIN entity "
                "ON entity.tenant = :tenant AND entity.id = said.value"
            )
        if query.types is None:
            return "SELECT e FROM entity WHERE tenant = :tenant"
        numbers = self._kinds(tenant, query.types)
        if not numbers:
            return None
        marks = ",".join(str(t) for t in numbers)
        union = "UNION ALL" if len(numbers) == 1 else "UNION"  # of several types an entity may bear two
        return f"SELECT e FROM type WHERE t IN ({marks}) {union} SELECT e FROM was WHERE t IN ({marks})"  # noqa: S608  # numbers

    def _kinds(self, tenant: str, types: TypeSelection) -> list[int]:
        words = {type_word(tenant, min(group)) for group in types}
        return sorted(t for word in words if (t := self._names.number(word)) is not None)

    # Sums

    def buckets(
        self, tenant: str, ident: str, series: tuple[str, str | None], span: Span, origin: int, length: int
    ) -> list[Bucket] | None:
        """A series by periods of `length` from `origin` on (0: all in one); None unless all of it is plain numbers."""
        found = self._numbered(tenant, ident)
        n, d = self._names.number(series[0]), self._names.number(series[1] or "")
        if found is None or n is None or d is None or span.by not in {None, "observedAt"} or span.last is not None:
            return None
        given = {
            "e": found[0],
            "n": n,
            "d": d,
            "since": _MIN if span.since is None else span.since,
            "until": _MAX if span.until is None else span.until,
            "origin": origin,
            "length": length or _MAX,
        }
        other, pivot = next(self._run(_OTHERS, given))
        if other or pivot is None:
            return None
        rows = self._run(_SUMS, given | {"pivot": pivot})
        return [
            Bucket(period, count, distinct, low, high, total, squares, max(0.0, away2 - away * away / count))
            for period, count, distinct, low, high, total, squares, away, away2 in rows
        ]

    # Sight

    def _shows(self, ident: str, stamps: bytes | None, label: int, name: str, sight: Sight) -> bool:
        """Whether the past of an attribute is shown, as its present is; that it was is noted, where it must be."""
        if sight.everything:
            return True
        if sight.typed:  # what has history may be of another type by now: a token for some types reads none
            return False
        own = self._names.text(label) if label else unlabelled(self._realm)
        if not sight.sees(own):
            return False
        bears = (codec.labels_of(stamps) if stamps is not None else {}).get(name, own)
        if bears is not own and not sight.sees(bears):
            return False
        if sight.rights is not None and bears.partition(";")[0] in AUDITED:
            sight.rights.saw(ident, bears)
        return True

    def _run(self, sql: str, given: Any) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._db.execute(sql, given)
        except apsw.InterruptError:
            raise TooSlow from None
        except apsw.Error as fault:
            raise HansaError(f"the store could not be read: {fault}") from fault


def _tells(*given: Any) -> int:
    """What a row's x says, if anything: 1 that it was observed at an instant of its own, 2 that the attribute ended."""
    one = unpacked(given[0])
    return ("observedAt" in one) | ("deletedAt" in one) << 1


class _Read:
    """Rows into instants, with what is the same from row to row looked up once."""

    __slots__ = ("_dataset", "_names", "_series", "_veil")

    def __init__(self, names: Names, veil: Veil) -> None:
        self._names = names
        self._veil = veil
        self._series: dict[int, tuple[str, str | None]] = {}
        self._dataset: str | None = None

    def series(self, key: int) -> tuple[str, str | None]:
        """The name and dataset that a key stands for; the moments that follow are of it."""
        found = self._series.get(key)
        if found is None:
            text = self._names.text
            found = self._series[key] = text(key >> 32), text(key & _LOW) or None
        self._dataset = found[1]
        return found

    def moment(self, row: tuple[Any, ...]) -> Moment:
        """One row: e, k, t, at, seq, v, u, x, created, modified."""
        _, key, t, at, seq, v, u, x, created, modified = row
        if x is None:  # a plain reading, of which there are many: what follows, without its detours
            instance = {"type": "Property", "value": v, "observedAt": clock.text(at)}
            if u is not None:
                instance["unitCode"] = self._names.text(u)
            if self._dataset is not None:
                instance["datasetId"] = self._dataset
            instance["instanceId"] = self._veil.ident(seq, key & _LOW, at)
        else:
            instance = instance_of(at, v, None if u is None else self._names.text(u), x, self._dataset)
            instance["instanceId"] = self._veil.ident(*first(seq, key & _LOW, at, x))
        return Moment(t, instance, created, modified)


class _Bound(NamedTuple):
    """A span as conditions of SQL on one row h of history."""

    told: str  # that the instance conveys the property
    committed: str | None  # the time, where it is not when it was so
    backwards: bool
    named: str
    given: dict[str, Any]

    @classmethod
    def of(cls, span: Span, most: int, numbers: Names, names: Wanted) -> "_Bound | None":
        """None: of these names nobody has ever spoken."""
        wanted, unwanted = names
        named = ""
        given: dict[str, Any] = {
            "since": _MIN if span.since is None else span.since,
            "until": _MAX if span.until is None else span.until,
            "most": most if span.last is None else min(span.last - 1, most),
        }
        if wanted is not None:
            known = [n for name in wanted - unwanted if (n := numbers.number(name)) is not None]
            if not known:
                return None
            named = f" AND k >> 32 IN ({','.join(map(str, known))})"
        elif unwanted:
            known = [n for name in unwanted if (n := numbers.number(name)) is not None]
            named = f" AND k >> 32 NOT IN ({','.join(map(str, known))})"
        return cls(_TOLD[span.by], _TIMES.get(span.by), span.last is not None, named, given)

    def spoke(self) -> str:
        """Whether an entity c.e has anything in the span."""
        time = self.committed or "h.at"
        joined = "" if self.committed is None else _DATES
        return (
            f"EXISTS (WITH RECURSIVE s(k) AS ({_walk('c.e', 's')}) SELECT 1 FROM s WHERE k IS NOT NULL{self.named} "  # noqa: S608
            f"AND EXISTS (SELECT 1 FROM history AS h {joined} WHERE h.e = c.e AND h.n = k >> 32 AND h.d = k & {_LOW} "
            f"AND {time} >= :since AND {time} < :until AND {self.told.format('h')}))"
        )

    def sql(self, *, dated: bool) -> tuple[str, dict[str, Any]]:
        """The instants of the entities in :es: e, k, t, at, seq, v, u, x, created, modified."""
        joined = _DATES if dated or self.committed is not None else ""
        dates = "coalesce(made.at, h.at), coalesce(log.at, h.at)" if joined else "0, 0"
        if self.committed is None:
            within = "i.e = s.e AND i.n = k >> 32 AND i.d = k & 4294967295 AND i.at >= :since AND i.at < :until"
            order = "DESC" if self.backwards else "ASC"
            edge = (
                f"(SELECT i.at FROM history AS i WHERE {within} AND {self.told.format('i')} "  # noqa: S608
                f"ORDER BY i.at {order} LIMIT 1 OFFSET :most)"
            )
            time = "h.at"
            low, high = (f"coalesce({edge}, :since)", ":until - 1") if self.backwards else (
                ":since", f"coalesce({edge}, :until - 1)"
            )  # fmt: skip
            span, order = f"h.at >= {low} AND h.at <= {high}", ""
        else:
            time = self.committed
            span, order = f"{time} >= :since AND {time} < :until", " ORDER BY s.e, k, t, h.seq"
        sql = (
            f"WITH RECURSIVE s(e, k) AS ("  # noqa: S608
            f"SELECT value, (SELECT {_KEY} FROM history WHERE e = value ORDER BY n, d LIMIT 1) FROM carray(:es) "
            f"UNION ALL SELECT s.e, {_next('s.e')} FROM s WHERE k IS NOT NULL ORDER BY 1) "
            f"SELECT s.e, k, {time} AS t, h.at, h.seq, h.v, h.u, h.x, {dates} FROM s CROSS JOIN history AS h "
            f"ON h.e = s.e AND h.n = k >> 32 AND h.d = k & {_LOW} {joined} "
            f"WHERE k IS NOT NULL{self.named} AND {span} AND {self.told.format('h')}{order}"
        )
        return sql, dict(self.given)


_LOW: Final = 4_294_967_295
_KEY: Final = "n * 4294967296 + d"


def _next(e: str) -> str:
    """The key of the series after k: the next dataset of the name, or else the next name.

    One comparison of (n, d) would say the same, and SQLite would walk through the whole series for it.
    """
    return (
        f"coalesce((SELECT {_KEY} FROM history WHERE e = {e} AND n = k >> 32 AND d > k & {_LOW} ORDER BY d LIMIT 1), "  # noqa: S608
        f"(SELECT {_KEY} FROM history WHERE e = {e} AND n > k >> 32 ORDER BY n, d LIMIT 1))"
    )


def _walk(e: str, table: str) -> str:
    """Every series of one entity, from one to the next by the index: DISTINCT would walk through every instant."""
    return (
        f"SELECT (SELECT {_KEY} FROM history WHERE e = {e} ORDER BY n, d LIMIT 1) AS k "  # noqa: S608
        f"UNION ALL SELECT {_next(e)} FROM {table} WHERE k IS NOT NULL"
    )


_SERIES: Final = f"WITH RECURSIVE s(k) AS ({_walk(':e', 's')}) SELECT k FROM s WHERE k IS NOT NULL"  # noqa: S608
# CASE, because AND would call the function for plain rows too.
_PRESENT: Final = "CASE WHEN {0}.x IS NULL OR length({0}.x) = 0 THEN 1 ELSE tells({0}.x) < 2 END"
_TOLD: Final[dict[str | None, str]] = {
    None: "1",
    "observedAt": "CASE WHEN {0}.x IS NULL THEN 1 WHEN length({0}.x) = 0 THEN 0 ELSE tells({0}.x) & 1 END",
    "createdAt": _PRESENT,
    "modifiedAt": _PRESENT,
    "deletedAt": f"NOT {_PRESENT}",
}
# Who took another's place was created with the first one there; the log's beginning may have gone into a checkpoint.
_DATES: Final = (
    "LEFT JOIN log ON log.seq = h.seq LEFT JOIN log AS made ON made.seq = CASE WHEN substr(h.x, 1, 1) = x'c1' "
    "THEN CAST(CAST(substr(h.x, 2, 19) AS TEXT) AS INTEGER) ELSE h.seq END"
)
_TIMES: Final[dict[str | None, str]] = {
    "createdAt": "coalesce(made.at, h.at)",
    "modifiedAt": "coalesce(log.at, h.at)",
    "deletedAt": "coalesce(log.at, h.at)",
}
_STAMPED: Final = "SELECT e, stamps, label FROM entity WHERE tenant = ? AND id = ?"
_WAS: Final = "SELECT stamps, label, seq FROM entity WHERE tenant = ? AND id = ? AND doc IS NULL"
_NUMBERED: Final = (
    "SELECT e, id, stamps, label FROM carray(?1) AS said CROSS JOIN entity ON tenant = ?2 AND id = said.value"
)
_RANGE: Final = "e = :e AND n = :n AND d = :d AND at >= :since AND at < :until"
_OTHERS: Final = (
    f"SELECT count(*) FILTER (WHERE x IS NOT NULL OR typeof(v) NOT IN ('integer', 'real')), avg(v) "  # noqa: S608
    f"FROM history WHERE {_RANGE}"
)
_SUMS: Final = (
    "SELECT (at - :origin) / :length AS period, count(*), count(DISTINCT v), min(v), max(v), total(v), total(v * v), "  # noqa: S608
    f"total(v - :pivot), total((v - :pivot) * (v - :pivot)) FROM history WHERE {_RANGE} GROUP BY period ORDER BY period"
)
