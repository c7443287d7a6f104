"""The log as Changes, each with its entity as of then.

A reader that is up to date finds the state in the entity table. One that is behind walks back from there, once per
entity, and from then on goes forward with the log, so a million Changes cost one look each. Memory is capped: beyond
`limits.cached_entities` the least used state is let go and walked back to again when needed.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import apsw
import orjson

from hansa.limits import DEFAULT
from hansa.model.change import LABEL, Change, put_instance
from hansa.model.entity import Doc, Entity
from hansa.platform import codec
from hansa.platform.sqlite.names import Names


@dataclass(slots=True)
class _Known:
    """An entity's document after `seq`, as bytes: a tenth of what it takes as objects. None: not there."""

    seq: int
    tenant: str
    ident: str
    doc: bytes | None
    label: str | None


class LogReader:
    """Reads the log of one realm in order. Not for several threads at once."""

    def __init__(self, db: apsw.Connection, realm: str, cached: int = DEFAULT.cached_entities) -> None:
        """Read through `db`; keep at most `cached` entities."""
        self._db = db
        self._realm = realm
        self._names = Names(db)
        self._known: OrderedDict[int, _Known] = OrderedDict()
        self._cached = cached

    def since(self, seq: int, limit: int) -> list[Change]:
        """Changes after `seq`, oldest first, at most `limit`."""
        db = self._db
        inside = not db.get_autocommit()
        if not inside:
            db.execute("BEGIN")
        try:
            rows = db.execute("SELECT seq, e, at, body FROM log WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit)).get
            return [self._change(*row) for row in _rows(rows)]
        finally:
            if not inside:
                db.execute("COMMIT")
            self._trim()

    def walk(self, seq: int, limit: int, wants: Callable[[str], bool]) -> Iterator[tuple[int, Change | None]]:
        """The same, one by one, with the seq of each; None for a Change of a type that nobody wants.

        `wants` is asked with the interned word of the type (`plan.type_word`) when its Change is come to; of what is
        not wanted the entity is not read.
        """
        sql = "SELECT seq, e, at, body, t FROM log WHERE seq > ? ORDER BY seq LIMIT ?"
        text, known = self._names.text, self._known
        for number, e, at, body, t in list(self._db.execute(sql, (seq, limit))):
            if t and not wants(text(t)):
                known.pop(e, None)  # it would be of before this Change
                yield number, None
            else:
                yield number, self._change(number, e, at, body)
        self._trim()

    def head(self) -> int:
        """The newest seq."""
        return next(iter(self._db.execute("SELECT coalesce(max(seq), 0) FROM log")))[0]  # type: ignore[no-any-return]

    def close(self) -> None:
        """Let go of the connection."""
        self._db.close()

    def _trim(self) -> None:
        while len(self._known) > self._cached:
            self._known.popitem(last=False)

    def _change(self, seq: int, e: int, at: int, body: bytes) -> Change:
        known = self._known.get(e)
        if known is None or known.seq >= seq:
            known = self._known[e] = self._walk_back(e, seq)
        else:
            self._known.move_to_end(e)
        before: Doc | None = None if known.doc is None else orjson.loads(known.doc)
        actor, cause, depth, flags, parts = codec.unpack_change(body, at, self._names.text, before)
        gone = bool(flags & codec.GONE)
        new = bool(flags & codec.NEW)
        doc: Doc = {"id": known.ident} if before is None else dict(before)
        if gone:
            known.doc = None
        elif before is None and not new:  # the history of what is gone was edited: the Change says what that was
            doc["type"] = next((part.old for part in parts if part.name == "type"), [])
        else:
            if new:
                doc = {"id": known.ident}
            for part in parts:
                if part.name == LABEL:
                    known.label = None if part.new is None else part.new["label"]
                elif part.status != "late":
                    put_instance(doc, part.name, part.dataset, part.new)
            known.doc = orjson.dumps(doc)
        known.seq = seq
        shown = before if gone and before is not None else doc
        entity = Entity(shown, None, self._realm, known.label)
        return Change(seq, entity, gone, parts, actor, cause, depth, at, known.tenant, new)

    def _walk_back(self, e: int, seq: int) -> _Known:
        """The entity as it was just before `seq`, undoing what came since."""
        tenant, ident, stored, label, last = next(
            iter(self._db.execute("SELECT tenant, id, doc, label, seq FROM entity WHERE e = ?", (e,)))
        )
        doc: Doc | None = None if stored is None else orjson.loads(stored)
        # Of attributes that were only updated, the oldest record alone says what was before; the rest is not unpacked.
        undone: dict[tuple[int, int], tuple[int, Any]] = {}
        for at, body in self._thread(last, seq):
            if (updates := codec.updates(body)) is not None:
                for n, d, code, old, _ in updates:
                    if code == codec.UPDATED:
                        undone[n, d] = at, old
                continue
            self._undo(doc, undone)
            _, _, _, flags, parts = codec.unpack_change(body, at, self._names.text)
            if flags & codec.NEW:
                doc = None
                continue
            if doc is None:
                doc = {"id": ident}
            # What went with its entity comes back in the order it stood in.
            for part in parts if flags & codec.GONE else reversed(parts):
                if part.status != "late" and part.name != LABEL:
                    put_instance(doc, part.name, part.dataset, part.old)
        self._undo(doc, undone)
        names = self._names
        raw = None if doc is None else orjson.dumps(doc)
        return _Known(seq - 1, names.text(tenant), ident, raw, names.text(label) if label else None)

    def _thread(self, last: int, until: int) -> Iterator[tuple[int, bytes]]:
        """An entity's Changes from its newest back to `until`: instant and record."""
        while last >= until:
            at, last, body = next(iter(self._db.execute("SELECT at, prev, body FROM log WHERE seq = ?", (last,))))
            yield at, body

    def _undo(self, doc: Doc | None, undone: dict[tuple[int, int], tuple[int, Any]]) -> None:
        """Put back what was before the updates that were passed."""
        lookup = self._names.text
        for (n, d), (at, old) in undone.items():
            name, dataset = lookup(n), lookup(d) if d else None
            if doc is not None and name != LABEL:
                put_instance(doc, name, dataset, codec.unpack_one(old, at, dataset, lookup))
        undone.clear()


def _rows(found: Any) -> list[tuple[int, int, int, bytes]]:
    """What apsw's `get` hands out: None, one row or all of them."""
    if found is None:
        return []
    return found if isinstance(found, list) else [found]
