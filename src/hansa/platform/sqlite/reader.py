"""Reading a realm's file: one entity, many, counts, history; always for a sight.

What a sight may not see does not exist for it: queries, counts, geometry and history are answered after masking. Where
nothing is masked, stored bytes are the answer.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

import apsw
import orjson

from hansa import clock
from hansa.errors import HansaError
from hansa.limits import DEFAULT
from hansa.model.entity import MEMBERS, Doc, Entity, Stamps
from hansa.model.query import Query
from hansa.platform import codec
from hansa.platform.sqlite.names import Names
from hansa.platform.sqlite.plan import Plan, plan, type_word
from hansa.platform.store import Point, Row, TooSlow
from hansa.trust.labels import Sight, unlabelled

_COLUMNS: Final = "entity.id, entity.doc, entity.stamps, entity.label"


class SqliteReader:
    """One connection for one thread. See `platform.store.Reader`."""

    def __init__(self, db: apsw.Connection, realm: str) -> None:
        """Read through `db`, which is this reader's own."""
        self._db = db
        self._realm = realm
        self._names = Names(db)
        self.until = 0.0  # monotonic seconds at which reads are too slow; 0: never
        self._plans: dict[tuple[str, Query], tuple[Plan, dict[tuple[int, int], int | None]]] = {}
        db.set_progress_handler(self._late, 2_000)

    def close(self) -> None:
        """Let go of the connection."""
        self._db.close()

    # One entity

    def row(self, tenant: str, ident: str, sight: Sight) -> Row | None:
        """The stored row of one entity, unless this sight may not see it."""
        n = self._names.number(tenant)
        if n is None:
            return None
        for found in self._run(_ONE, (n, ident)):
            if found[1] is None:
                return None
            row = self._row(found)
            return row if sight.everything or sight.sees(row.label or unlabelled(self._realm)) else None
        return None

    def entity(self, tenant: str, ident: str, sight: Sight) -> Entity | None:
        """One entity, masked for this sight."""
        row = self.row(tenant, ident, sight)
        return None if row is None else self._masked(row, sight)

    # Many

    def find(
        self, tenant: str, query: Query, sight: Sight, limit: int, offset: int = 0, *, stamps: bool = False
    ) -> list[Entity]:
        """Entities that match, in index order, masked; the evaluator decides where the index cannot."""
        out: list[Entity] = []
        for one in self._matching(tenant, query, sight, limit, offset, stamps=stamps):
            out.append(one)
            if len(out) >= limit:
                break
        return out

    def find_docs(self, tenant: str, query: Query, sight: Sight, limit: int, offset: int = 0) -> list[bytes] | None:
        """The same as stored documents, where the index alone decides and nothing is masked; else None."""
        if not sight.everything:
            return None
        made = self._plan(tenant, query)
        if made is None:
            return []
        if not made.exact:
            return None
        sql = f"SELECT doc FROM ({made.source} LIMIT ? OFFSET ?) AS found CROSS JOIN entity ON entity.e = found.e"  # noqa: S608
        return [doc for (doc,) in self._all(sql, [*made.given, limit, offset])]

    def count(self, tenant: str, query: Query, sight: Sight) -> int:
        """How many match."""
        made = self._plan(tenant, query)
        if made is None:
            return 0
        if made.exact and sight.everything:
            return int(next(iter(self._run(f"SELECT count(*) FROM ({made.source})", made.given)))[0])  # noqa: S608
        return sum(1 for _ in self._matching(tenant, query, sight, None, 0))

    def types(self, tenant: str) -> dict[str, int]:
        """Types and how many entities bear each."""
        prefix = type_word(tenant, "")
        counts = {}
        for t, count in self._run("SELECT t, count(*) FROM type GROUP BY t", ()):
            word = self._names.text(t)
            if prefix:
                if word.startswith(prefix):
                    counts[word.removeprefix(prefix)] = count
            elif " " not in word:
                counts[word] = count
        return counts

    def has_tenant(self, tenant: str) -> bool:
        """Whether anything was ever said under this tenant; the realm's own (no name) is always there."""
        if not tenant:
            return True
        n = self._names.number(tenant)
        return n is not None and next(iter(self._run(_ANY_OF, (n,))), None) is not None

    def _matching(
        self, tenant: str, query: Query, sight: Sight, limit: int | None, offset: int, *, stamps: bool = False
    ) -> Iterator[Entity]:
        made = self._plan(tenant, query)
        if made is None:
            return
        decided = made.exact and sight.everything
        if decided:
            source = self._run(_page(made), [*made.given, -1 if limit is None else limit, offset])
        else:
            source = self._run(_page(made, paged=False), made.given)
        match = query.compile(lambda ident: None if (e := self.entity(tenant, ident, sight)) is None else e.doc)
        skipped = 0
        for found in source:
            row = self._row(found)
            if not sight.everything and not sight.sees(row.label or unlabelled(self._realm)):
                continue
            one = self._masked(row, sight, stamps=stamps or not decided)
            if not decided:
                if not match(one.doc, one.stamps):
                    continue
                if skipped < offset:
                    skipped += 1
                    continue
            yield one

    def _plan(self, tenant: str, query: Query) -> Plan | None:
        """The plan of a query, remembered while what it took for granted holds."""
        kept = self._plans.get((tenant, query))
        if kept is not None and all(self._several(*key) == known for key, known in kept[1].items()):
            return kept[0]
        granted: dict[tuple[int, int], int | None] = {}
        made = self._planned(tenant, query, granted)
        if made is not None:
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            self._plans[tenant, query] = made, granted
        return made

    def _planned(self, tenant: str, query: Query, granted: dict[tuple[int, int], int | None]) -> Plan | None:
        n = self._names.number(tenant)
        if n is None:
            return None

        def several(t: int, name: int) -> int | None:
            if (t, name) not in granted:
                granted[t, name] = self._several(t, name)
            return granted[t, name]

        types: list[int] | None = None
        if query.types is not None:
            words = {type_word(tenant, min(group)) for group in query.types}
            types = sorted(t for word in words if (t := self._names.number(word)) is not None)
        elif query.ids is None and query.geo is None and (query.q is not None or query.attrs is not None):
            types = sorted(t for word, t in self._typed(tenant).items() if word)
        return plan(query, n, types, self._names.number, several)

    def _typed(self, tenant: str) -> dict[str, int]:
        """Every type of a tenant and its number, for queries that name none."""
        prefix = type_word(tenant, "")
        words = {self._names.text(t): t for (t,) in self._run("SELECT DISTINCT t FROM type", ())}
        return {w: t for w, t in words.items() if (w.startswith(prefix) if prefix else " " not in w)}

    def _several(self, t: int, n: int) -> int | None:
        """None: no entity of the type has more than one row of the attribute; 1: some have more than can be indexed."""
        found: int | None = self._db.execute("SELECT wide FROM several WHERE t = ? AND n = ?", (t, n)).get
        return found

    # History

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
        *,
        committed: bool = False,
    ) -> list[Point]:
        """Points of one attribute from `since` (included) to `until` (not), oldest first; `last` the newest so many."""
        tn, n, d = self._names.number(tenant), self._names.number(name), self._names.number(dataset or "")
        if tn is None or n is None or d is None:
            return []
        asked = self._run("SELECT e, stamps, label FROM entity WHERE tenant = ? AND id = ?", (tn, ident))
        found = next(iter(asked), None)
        if found is None or not self._shows(found[1], found[2], name, sight):
            return []
        low = -(2**62) if since is None else since
        high = 2**62 if until is None else until
        take = limit if last is None else min(last, limit)
        order = "ASC" if last is None else "DESC"
        when = _COMMITTED if committed else "history.at"
        rows = [
            self._point(row, dataset)._replace(at=time_of)
            for time_of, *row in self._run(
                f"SELECT {when} AS t, history.at, history.seq, v, u, x FROM history "  # noqa: S608
                f"{_WITH_LOG if committed else ''} WHERE history.e = ? AND n = ? AND d = ? AND {when} >= ? "
                f"AND {when} < ? ORDER BY t {order}, history.seq {order} LIMIT ?",
                (found[0], n, d, low, high, take),
            )
        ]
        return rows if last is None else rows[::-1]

    def series(self, tenant: str, ident: str, sight: Sight) -> list[tuple[str, str | None]]:
        """Every attribute and datasetId of which an entity has history, also of those that are gone by now."""
        tn = self._names.number(tenant)
        found = None if tn is None else next(iter(self._run(_STAMPED, (tn, ident))), None)
        if found is None:
            return []
        names = [(self._names.text(n), self._names.text(d) or None) for n, d in self._run(_SERIES, (found[0],) * 3)]
        return [(name, dataset) for name, dataset in names if self._shows(found[1], found[2], name, sight)]

    def _point(self, row: Sequence[Any], dataset: str | None) -> Point:
        at, seq, v, u, x = row
        if x:
            instance = codec.unpack(x)
            return Point(at, v if v is not None else instance.get("value"), seq, instance)
        instance = {"type": "Property", "value": v}
        if u is not None:
            instance["unitCode"] = self._names.text(u)
        if x is None:
            instance["observedAt"] = clock.text(at)
        if dataset is not None:
            instance["datasetId"] = dataset
        return Point(at, v, seq, instance)

    # Sight

    def stamps(self, row: Row) -> Stamps:
        """The stamps of a row."""
        return codec.unpack_stamps(row.stamps)

    def _shows(self, stamps: bytes | None, label: int, name: str, sight: Sight) -> bool:
        if sight.everything:
            return True
        own = self._names.text(label) if label else unlabelled(self._realm)
        if not sight.sees(own):
            return False
        labels = codec.unpack_stamps(stamps).labels if stamps is not None else {}
        return name not in labels or sight.sees(labels[name])

    def _masked(self, row: Row, sight: Sight, *, stamps: bool = True) -> Entity:
        doc: Doc = orjson.loads(row.doc)
        if sight.everything and not stamps:
            return Entity(doc, None, self._realm, row.label)
        kept = codec.unpack_stamps(row.stamps)
        if not sight.everything:
            hidden = [name for name, label in kept.labels.items() if not sight.sees(label)]
            if hidden:
                doc = {k: v for k, v in doc.items() if k in MEMBERS or k not in hidden}
        return Entity(doc, kept, self._realm, row.label)

    def _row(self, found: tuple[Any, ...]) -> Row:
        ident, doc, stamps, label = found
        return Row(ident, doc, stamps, self._names.text(label) if label else None)

    # Time

    def deadline(self, milliseconds: float) -> "_Deadline":
        """Reads within raise TooSlow after so long."""
        self.until = time.monotonic() + milliseconds / 1_000
        return _Deadline(self)

    def _late(self) -> bool:
        return self.until > 0 and time.monotonic() > self.until

    def _all(self, sql: str, given: Any) -> list[tuple[Any, ...]]:
        """Every row at once: a step of a generator for each would cost as much as the row."""
        try:
            return self._db.execute(sql, given).fetchall()
        except apsw.InterruptError:
            raise TooSlow from None
        except apsw.Error as fault:
            raise HansaError(f"the store could not be read: {fault}") from fault

    def _run(self, sql: str, given: Any) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._db.execute(sql, given)
        except apsw.InterruptError:
            raise TooSlow from None
        except apsw.Error as fault:
            raise HansaError(f"the store could not be read: {fault}") from fault


class _Deadline:
    """The end of a reader's patience; cheaper than a generator's, and it is asked for with every read."""

    __slots__ = ("_reader",)

    def __init__(self, reader: SqliteReader) -> None:
        self._reader = reader

    def __enter__(self) -> None:
        """It began when it was made."""

    def __exit__(self, *_: object) -> None:
        self._reader.until = 0.0


_PLANS: Final = 500  # remembered by a reader: dashboards ask the same again and again
_ONE: Final = f"SELECT {_COLUMNS} FROM entity WHERE tenant = ? AND id = ?"  # noqa: S608  # no part of it is given


_WITH_LOG: Final = "LEFT JOIN log ON log.seq = history.seq"
_COMMITTED: Final = "coalesce(log.at, history.at)"  # the log's beginning may have gone into a checkpoint
_ANY_OF: Final = "SELECT 1 FROM entity WHERE tenant = ? LIMIT 1"
_STAMPED: Final = "SELECT e, stamps, label FROM entity WHERE tenant = ? AND id = ?"
# From one series to the next by the index: DISTINCT would walk through every point of every series.
_SERIES: Final = """
WITH RECURSIVE s (n, d) AS (
    SELECT * FROM (SELECT n, d FROM history WHERE e = ? ORDER BY n, d LIMIT 1)
    UNION ALL
    SELECT (SELECT n FROM history WHERE e = ? AND (n, d) > (s.n, s.d) ORDER BY n, d LIMIT 1),
           (SELECT d FROM history WHERE e = ? AND (n, d) > (s.n, s.d) ORDER BY n, d LIMIT 1)
    FROM s WHERE s.n IS NOT NULL)
SELECT n, d FROM s WHERE n IS NOT NULL"""


def _page(made: Plan, *, paged: bool = True) -> str:
    """The rows of a plan, in its order."""
    inner = f"{made.source} LIMIT ? OFFSET ?" if paged else made.source
    # CROSS JOIN keeps the order: the driver outside, one look-up by number inside.
    return f"SELECT {_COLUMNS} FROM ({inner}) AS found CROSS JOIN entity ON entity.e = found.e"  # noqa: S608
