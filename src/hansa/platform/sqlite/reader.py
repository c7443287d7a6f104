"""Reading a realm's file: one entity, many, counts, history; always for a sight.

What a sight may not see does not exist for it: queries, counts, geometry and history are answered after masking. Where
nothing is masked, stored bytes are the answer.
"""

import time
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Final, Protocol

import apsw
import orjson

from hansa.model.entity import Doc, Entity, Stamps, types_of
from hansa.model.query import Query
from hansa.model.transient import alive
from hansa.platform import codec
from hansa.platform.sqlite.census import CensusReader
from hansa.platform.sqlite.names import Names
from hansa.platform.sqlite.plan import Plan, plan, type_word
from hansa.platform.sqlite.visible import Labels, Visible
from hansa.platform.store import Row, TooSlow
from hansa.trust.labels import Sight

_COLUMNS: Final = "entity.id, entity.doc, entity.stamps, entity.label, entity.expires"


class Writer(Protocol):
    """What the writer of a file knows without looking. It says too much rather than too little."""

    several: dict[tuple[int, int], int]
    expiring: int | None
    names: Names


class SqliteReader(CensusReader):
    """One connection for one thread. See `platform.store.Reader`."""

    def __init__(
        self, db: apsw.Connection, realm: str, now: Callable[[], int] | None = None, writer: "Writer | None" = None
    ) -> None:
        """Read through `db`, which is this reader's own; `now` says what has expired (the wall clock, if not said).

        `writer` writes to the same file in this process: what it knows need not be looked up.
        """
        super().__init__(db, realm, now)
        self._writer = writer
        self._labels = Labels(self._names, realm)
        self._visible: dict[int, Visible] = {}  # by the identity of the sight, which each holds
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
        seen = None if sight.everything else self._seen(sight)
        # Asked of SQLite with the label, so that what is hidden takes as long as what is not there.
        sql = _ONE if seen is None else f"{_ONE} AND ({seen.where})".replace("{}", "label")
        for found in self._run(sql, (n, ident)):
            row = None if found[1] is None else self._row(found)
            if row is None or (sight.typed and not _covered(row.doc, sight)):
                return None
            if seen is not None:
                seen.shows(row.id, found[3])
            return row
        return None

    def entity(self, tenant: str, ident: str, sight: Sight) -> Entity | None:
        """One entity, masked for this sight."""
        if self._late():  # who follows relationships asks for many, each too quick for SQLite to look at the time
            raise TooSlow
        row = self.row(tenant, ident, sight)
        return None if row is None else self._masked(row, None if sight.everything else self._seen(sight, fresh=False))

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

    def every(self, tenant: str, query: Query, sight: Sight, *, stamps: bool = True) -> Iterator[Entity]:
        """All that match, one after the other, with their stamps (or, which is quicker, without)."""
        return self._matching(tenant, query, sight, None, 0, stamps=stamps)

    def find_docs(self, tenant: str, query: Query, sight: Sight, limit: int, offset: int = 0) -> list[bytes] | None:
        """The same as stored documents, where the index alone decides; else None."""
        made = self._plan(tenant, query)
        if made is None:
            return []
        if not made.exact or sight.typed or self._outlived():
            return None
        if not sight.everything:
            seen = self._seen(sight)
            return [self._shown(one, seen) for one in self._all(_page(made, seen.where), [*made.given, limit, offset])]
        sql = f"SELECT doc FROM ({made.source} LIMIT ? OFFSET ?) AS found CROSS JOIN entity ON entity.e = found.e"  # noqa: S608
        return [doc for (doc,) in self._all(sql, [*made.given, limit, offset])]

    def count(self, tenant: str, query: Query, sight: Sight) -> int:
        """How many match."""
        made = self._plan(tenant, query)
        if made is None:
            return 0
        if made.exact and not sight.typed and not self._outlived():
            while True:
                seen = None if sight.everything else self._seen(sight)
                if seen is not None and not seen.every:
                    sql = f"SELECT count(*) FROM ({_page(made, seen.where, '1', paged=False)})"  # noqa: S608
                    return int(self._all(sql, made.given)[0][0])
                many = int(self._all(f"SELECT count(*) FROM ({made.source})", made.given)[0][0])  # noqa: S608
                if seen is None or self._seen(sight) is seen:  # no new label came while it was counted
                    return many
        return sum(1 for _ in self._matching(tenant, query, sight, None, 0))

    def has_tenant(self, tenant: str, sight: Sight) -> bool:
        """Whether anything that this sight may see was ever said under a tenant; the realm's own is always there."""
        if not tenant:
            return True
        n = self._names.number(tenant)
        if n is None:
            return False
        seen = "" if sight.everything else f" AND ({self._seen(sight).where})".replace("{}", "label")
        return next(iter(self._run(f"{_ANY_OF}{seen} LIMIT 1", (n,))), None) is not None

    def _matching(
        self, tenant: str, query: Query, sight: Sight, limit: int | None, offset: int, *, stamps: bool = False
    ) -> Iterator[Entity]:
        made = self._plan(tenant, query)
        if made is None:
            return
        decided = made.exact and not sight.typed and not self._outlived()
        seen = None if sight.everything else self._seen(sight)
        where = None if seen is None else seen.where
        if decided:
            source = self._run(_page(made, where), [*made.given, -1 if limit is None else limit, offset])
        else:
            source = self._run(_page(made, where, paged=False), made.given)
        match = query.compile(lambda ident: None if (e := self.entity(tenant, ident, sight)) is None else e.doc)
        skipped = 0
        for found in source:
            if self._late():  # what decides, or takes what is found, may need longer than SQLite does
                raise TooSlow
            row = self._row(found)
            if row is None:
                continue
            one = self._masked(row, seen, stamps=stamps or not decided)
            if not decided:
                if not match(one.doc, one.stamps) or not sight.covers("read", one.types):
                    continue
                if skipped < offset:
                    skipped += 1
                    continue
            if seen is not None and seen.audited:
                seen.shows(row.id, found[3])
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
            types = sorted(self._typed(tenant).values())
        return plan(query, n, types, self._names.number, several)

    def _several(self, t: int, n: int) -> int | None:
        """None: no entity of the type has more than one row of the attribute; 1: some have more than can be indexed."""
        if self._writer is not None:
            return self._writer.several.get((t, n))
        found: int | None = self._db.execute("SELECT wide FROM several WHERE t = ? AND n = ?", (t, n)).get
        return found

    # Sight

    def stamps(self, row: Row) -> Stamps:
        """The stamps of a row."""
        return codec.unpack_stamps(row.stamps)

    def wholly(self, sight: Sight) -> bool:
        """Whether a sight sees all that is there now, and need not be noted: then indexes can answer it."""
        if sight.everything:
            return True
        seen = self._seen(sight)
        return seen.every and not seen.audited and not sight.typed

    def shown_to(self, sight: Sight) -> Hashable:
        """Equal for sights that are shown the same, as labels and policy stand now."""
        if sight.everything:
            return ""
        return self._seen(sight).where, sight.who.scope if sight.typed else None

    def alike(self, sight: Sight) -> Hashable | None:
        """The same for sights that see the same of all that is there; None for one of which is noted what it sees."""
        if sight.everything:
            return ""
        seen = self._seen(sight)
        return None if seen.audited or sight.typed else (seen.known, seen.where)

    def _seen(self, sight: Sight, *, fresh: bool = True) -> Visible:
        """What a sight sees of the labels that there are; without `fresh`, of those known to be there."""
        if fresh and (self._writer is None or len(self._writer.names) != self._labels.looked):
            self._labels.refresh()
        kept = self._visible.get(id(sight))
        if (
            kept is None
            or kept.sight is not sight
            or kept.epoch != sight.epoch
            or kept.known != len(self._labels.texts)
        ):
            if len(self._visible) >= _SIGHTS:
                self._visible.clear()
            kept = self._visible[id(sight)] = Visible(self._labels, sight)
        return kept

    def _shown(self, found: tuple[Any, ...], seen: Visible) -> bytes:
        """A row of `_page` as a document, without what a sight does not see."""
        seen.shows(found[0], found[3])
        doc: bytes = found[1]
        if not codec.labelled(found[2]):
            return doc
        whole: Doc = orjson.loads(doc)
        _unhide(whole, found[0], codec.labels_of(found[2]), seen)
        return orjson.dumps(whole)

    def _masked(self, row: Row, seen: Visible | None, *, stamps: bool = True) -> Entity:
        doc: Doc = orjson.loads(row.doc)
        if not stamps:
            if seen is not None and codec.labelled(row.stamps):
                _unhide(doc, row.id, codec.labels_of(row.stamps), seen)
            return Entity(doc, None, self._realm, row.label)
        kept = codec.unpack_stamps(row.stamps)
        if seen is not None and kept.labels:
            hidden = _unhide(doc, row.id, kept.labels, seen)
            kept = kept.without(set(hidden)) if hidden else kept
        return Entity(doc, kept, self._realm, row.label)

    def _row(self, found: tuple[Any, ...]) -> Row | None:
        """The row, without what has expired; None when all of it has (4.22)."""
        ident, doc, stamps, label, until = found
        if until is not None and until <= (now := self._now()):
            left = alive(orjson.loads(doc), now)
            if left is None:
                return None
            doc = orjson.dumps(left)
        return Row(ident, doc, stamps, self._names.text(label) if label else None)

    def _outlived(self) -> bool:
        """Whether something that has expired has not been taken out yet: the indexes hold it, and cannot decide."""
        now = self._now()
        if self._writer is not None and ((first := self._writer.expiring) is None or first > now):
            return False
        return self._db.execute("SELECT 1 FROM entity WHERE expires <= ? LIMIT 1", (now,)).get is not None

    # Time

    def deadline(self, milliseconds: float) -> "_Deadline":
        """Reads within raise TooSlow after so long."""
        self.until = time.monotonic() + milliseconds / 1_000
        return _Deadline(self)


class _Deadline:
    """The end of a reader's patience; cheaper than a generator's, and it is asked for with every read."""

    __slots__ = ("_reader",)

    def __init__(self, reader: SqliteReader) -> None:
        self._reader = reader

    def __enter__(self) -> None:
        """It began when it was made."""

    def __exit__(self, _: object, fault: object, __: object) -> None:
        self._reader.until = 0.0
        if isinstance(fault, apsw.InterruptError):  # in one of the small look-ups that mind no deadline themselves
            raise TooSlow from fault


def _covered(doc: bytes, sight: Sight) -> bool:
    return sight.covers("read", types_of(orjson.loads(doc)))


def _unhide(doc: Doc, ident: str, labels: dict[str, str], seen: Visible) -> list[str]:
    """Take out of a document what is hidden of it; the names of that. What of it is shown is noted."""
    hidden = seen.hidden(labels)
    for name in hidden:
        doc.pop(name, None)
    if seen.audited and len(hidden) < len(labels):
        seen.note(ident, (text for name, text in labels.items() if name not in hidden))
    return hidden


_SIGHTS: Final = 1_000  # what they see is remembered
_PLANS: Final = 500  # remembered by a reader: dashboards ask the same again and again
_ONE: Final = f"SELECT {_COLUMNS} FROM entity WHERE tenant = ? AND id = ?"  # noqa: S608  # no part of it is given


_ANY_OF: Final = "SELECT 1 FROM entity WHERE tenant = ?"


def _page(made: Plan, where: str | None = None, columns: str = _COLUMNS, *, paged: bool = True) -> str:
    """The rows of a plan, in its order; with `where` a condition on labels, those that pass it."""
    limit = " LIMIT ? OFFSET ?" if paged else ""
    # CROSS JOIN keeps the order: the driver outside, one look-up by number inside.
    joined = "AS found CROSS JOIN entity ON entity.e = found.e"
    if where is None:
        return f"SELECT {columns} FROM ({made.source}{limit}) {joined}"  # noqa: S608
    shown = where.replace("{}", "entity.label")
    return f"SELECT {columns} FROM ({made.seen(where)}) {joined} WHERE ({shown}){limit}"  # noqa: S608
