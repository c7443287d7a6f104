"""States that go forward with the log: of some entities, or of all, from a mark to any place after it.

Of an attribute that is only updated the newest record alone matters, so records are looked at and put aside until
somebody wants the document: a hundred thousand Changes cost a few tenths of a second.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

import apsw
import orjson

from hansa.model.change import LABEL, put_instance
from hansa.model.entity import MEMBERS, Doc, types_of
from hansa.platform import codec
from hansa.platform.sqlite.marks import WIDTH, Kept
from hansa.platform.sqlite.names import Names
from hansa.platform.sqlite.plan import type_word
from hansa.platform.sqlite.rows import EXPIRES

Row = tuple[int, int, int, bytes, int]
"""seq, e, at, body and t of a record of the log."""
Record = tuple[int, int | str | None, int, int, list[tuple[int, int, int, Any, Any]]]
COLUMNS: Final = "seq, e, at, body, t"


class Stranger(Exception):  # nothing failed: the roll begins again and takes it along
    """A Change of an entity whose earlier state was not taken along."""

    def __init__(self, e: int) -> None:
        """Of this one."""
        super().__init__(e)
        self.e = e


class Thing:
    """One entity as it is at the place that the roll has come to."""

    __slots__ = ("_doc", "_raw", "fleeting", "label", "labels", "pending", "several", "tenant", "types")

    def __init__(
        self,
        tenant: int,
        types: list[int],
        label: str | None,
        labels: dict[str, str],
        *,
        raw: bytes = b"",
        doc: Doc | None = None,
    ) -> None:
        """Of a document, or of its bytes; `types` as they are interned, for the tenant."""
        self.tenant = tenant
        self.types = types
        self.label = label
        self.labels = labels
        self._raw = raw
        self._doc = doc
        self.pending: dict[tuple[int, int], tuple[int, Any]] = {}
        self.fleeting = not raw or EXPIRES in raw
        """Whether something of it may be to be kept only until a time."""
        self.several = not raw or _DATASET in raw
        """Whether an attribute may have several instances."""

    def doc(self, names: Names) -> Doc:
        """Its document, which belongs to this Thing."""
        doc = self._doc
        if doc is None:
            doc = self._doc = orjson.loads(self._raw)
        if self.pending:
            text = names.text
            for (n, d), (at, new) in self.pending.items():
                dataset = text(d) if d else None
                put_instance(doc, text(n), dataset, codec.unpack_one(new, at, dataset, text))
            self.pending.clear()
            self._raw = b""
        return doc

    def raw(self, names: Names) -> bytes:
        """Its document as bytes; as objects it takes ten times as much, and is let go."""
        if not self._raw or self.pending:
            self._raw = orjson.dumps(self.doc(names))
        self._doc = None
        return self._raw

    def kept(self, e: int, names: Names) -> Kept:
        """As a chunk holds it."""
        return e, self.tenant, self.types, self.label, self.labels, self.raw(names)

    def changed(self) -> None:
        """Its document was changed: what was its bytes is no longer."""
        self._raw = b""
        self.fleeting = self.several = True


class Roll:
    """Entities by their numbers, and the place in the log that they are as of."""

    def __init__(self, db: apsw.Connection, names: Names, seq: int) -> None:
        """At `seq`, with nothing yet."""
        self._db = db
        self.names = names
        self.seq = seq
        self.things: dict[int, Thing] = {}
        self.others: set[int] = set()  # entities that are there, and not taken along
        self.passed: set[int] = set()  # ranges of which none was
        self._ids: dict[int, tuple[int, str]] = {}
        self._odd: frozenset[int] = frozenset()
        self._known = -1

    def add(self, kept: Iterable[Kept]) -> None:
        """Take entities along, as they are at this place."""
        for e, tenant, types, label, labels, raw in kept:
            self.things[e] = Thing(tenant, types, label, labels, raw=raw)

    def take(self, rows: Iterable[Row], wants: Callable[[int, int], bool] | None = None) -> None:
        """Go on over these records; of what `wants(e, t)` refuses, nothing is known. Stranger when it should be."""
        things, decode = self.things, codec.record
        odd, known = self.odd()
        seq = self.seq
        for row in rows:
            seq, e, at, body, t = row
            thing = things.get(e)
            if thing is None and wants is not None and not wants(e, t):
                continue
            said = decode(body)
            if thing is not None and not said[3]:
                for n, _, code, _, _ in said[4]:
                    if code not in _AT_HAND or n in odd or n >= known:
                        break
                else:
                    pending = thing.pending
                    for n, d, code, _, new in said[4]:
                        if code == _UPDATED:
                            pending[n, d] = at, new
                            if type(new) is not list:
                                thing.fleeting = True
                    continue
            self.step(e, at, said)
            odd, known = self.odd()
        self.seq = seq

    def go(self, row: Row, said: Record) -> bool:
        """Go on over one record that was read; whether nothing but values of attributes changed."""
        seq, e, at, _, _ = row
        self.seq = seq
        thing = self.things.get(e)
        if thing is not None and not said[3]:
            odd, known = self.odd()
            for n, _, code, _, _ in said[4]:
                if code not in _AT_HAND or n in odd or n >= known:
                    break
            else:
                for n, d, code, _, new in said[4]:
                    if code == _UPDATED:
                        thing.pending[n, d] = at, new
                        thing.fleeting = True
                return True
        self.step(e, at, said)
        text = self.names.text
        return not said[3] and all(text(n) not in _WHOLE for n, *_ in said[4])

    def odd(self) -> tuple[frozenset[int], int]:
        """The numbers of parts that are more than a value, and how many words are known; a newer may be such too."""
        known = len(self.names)
        if known != self._known:
            self._known = known
            self._odd = frozenset(n for n in map(self.names.known, _WHOLE) if n is not None)
        return self._odd, known

    def step(self, e: int, at: int, said: Record) -> None:
        """Any one Change."""
        flags, parts = said[3], said[4]
        text = self.names.text
        thing = self.things.get(e)
        if flags & codec.NEW:
            tenant, ident = self.named(e)
            thing = self.things[e] = Thing(tenant, [], None, {}, doc={"id": ident})
        elif thing is None:
            if all(code == codec.LATE for _, _, code, _, _ in parts):
                return  # the history of what is gone was edited
            if (e in self.others or e // WIDTH in self.passed) and not any(text(n) == "type" for n, *_ in parts):
                return  # it is not what is wanted, and did not become it
            raise Stranger(e)
        doc = thing.doc(self.names)
        for n, d, code, _, new in parts:
            if code == codec.LATE:
                continue
            name = text(n)
            if name == LABEL:
                one = codec.unpack_one(new, at, None, text)
                thing.label = None if one is None else one["label"]
                thing.labels = {} if one is None else dict(one["labels"])
                continue
            dataset = text(d) if d else None
            put_instance(doc, name, dataset, codec.unpack_one(new, at, dataset, text))
            if name == "type" and new is not None:
                tenant_word = text(thing.tenant)
                thing.types = [self.names.number(type_word(tenant_word, one)) or 0 for one in types_of(doc)]
        thing.changed()
        if flags & codec.GONE:
            del self.things[e]

    def named(self, e: int) -> tuple[int, str]:
        """The tenant's number and the id of an entity, also of one that is gone."""
        found = self._ids.get(e)
        if found is None:
            rows = list(self._db.execute("SELECT tenant, id FROM entity WHERE e = ?", (e,)))
            found = self._ids[e] = rows[0] if rows else (0, "")
        return found


_UPDATED: Final = codec.UPDATED
_DATASET: Final = b'"datasetId"'
_WHOLE: Final = MEMBERS | {LABEL}
_AT_HAND: Final = frozenset({codec.UPDATED, codec.LATE})
