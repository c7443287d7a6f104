"""One transaction: what writes make of states, decided in memory, and the rows that then wait to be written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, Protocol

import apsw
import orjson

from hansa.errors import BadRequest, Conflict, Forbidden, HansaError
from hansa.model.change import EDITS, LABEL, Change, Nothing, Part, Refused, Write
from hansa.model.entity import MEMBERS, Doc, Entity, alias, instances, types_of
from hansa.model.narrow import WIDE, index_value
from hansa.model.transient import expires
from hansa.platform import codec, merge, permitted
from hansa.platform.merge import Merged, State
from hansa.platform.sqlite.history import History
from hansa.platform.sqlite.names import Names
from hansa.platform.sqlite.plan import type_word
from hansa.platform.sqlite.rows import EXPIRES, NOTHING, IndexRow, index_rows, kinds_of, place_rows, several_of
from hansa.platform.store import Item, Outcome
from hansa.trust.labels import Sight

REMEMBERED: Final = 10_000  # states in memory, some 0.6 kB each of a station: the devices that speak every minute or so

Key = tuple[str, str]
"""A tenant and an id."""


StateRow = tuple[str, int, bytes | None, bytes, int, int]
"""id, e, doc, stamps, label and seq of an entity, as stored: a tenth of what it takes in use."""


@dataclass(slots=True)
class Kept:
    """One entity within a transaction: as it was stored, and as it is now."""

    e: int
    was: State | None
    now: State | None
    fresh: bool  # it has no row yet
    seq: int = 0  # its newest Change
    spoke: bool = False  # something happened to it, if only late
    changed: set[str] = field(default_factory=set)  # names that differ, also of members
    row: StateRow | None = None  # as it is stored


class Book(Protocol):
    """What a batch needs of a store."""

    realm: str
    several: dict[tuple[int, int], int]
    kinds: set[tuple[int, int, int]]
    states: dict[Key, StateRow]
    append_only: dict[str, str]
    keeps: dict[str, frozenset[str]]

    @property
    def db(self) -> Any:
        """The connection that is in a transaction."""

    @property
    def names(self) -> Any:
        """The `Names` of the file."""

    def head(self) -> int:
        """The newest seq."""

    def next_seq(self) -> int:
        """The place of one more Change."""

    def next_e(self) -> int:
        """The number of one more entity."""

    def next_g(self) -> int:
        """The number of one more geometry."""


class Batch:
    """One transaction: states as they become, and the rows that wait to be written."""

    def __init__(self, store: Book, at: int) -> None:
        """Nothing yet; all of it will have happened at `at`."""
        self.store = store
        self.at = at
        self.kept: dict[tuple[str, str], Kept] = {}
        self.history = History(store.db, store.names, at)
        self.log: list[tuple[int, int, int, int, bytes, int]] = []
        self.places: dict[str, bytes] = {}
        self.several: dict[tuple[int, int], int] = {}
        self.soonest: int | None = None  # when the first of what was written expires
        self.kinds: set[tuple[int, int, int]] = set()  # that nobody has said before
        self.placed: list[tuple[Any, ...]] = []
        self.boxes: list[tuple[Any, ...]] = []
        self.ended: dict[int, list[str]] = {}  # of entities that went, their types; of such that came back, none

    def fetch(self, items: Sequence[Item]) -> None:
        """The states that the items speak of, in one question a tenant: each question costs a switch of threads."""
        wanted: dict[str, set[str]] = {}
        states, kept = self.store.states, self.kept
        for item in items:
            keys: Iterable[Key] = [(write.tenant, write.id) for write in item.writes]
            if item.expects is not None:
                keys = [*keys, *(("", ident) for ident, _ in item.expects)]
            for key in keys:
                if key in kept:
                    continue
                if (known := states.get(key)) is not None:
                    kept[key] = _stored(known, self.store.names)
                else:
                    wanted.setdefault(key[0], set()).add(key[1])
        names, db = self.store.names, self.store.db
        for tenant, idents in wanted.items():
            n = names.intern(tenant)
            for row in db.execute(_STATES, (apsw.carray(tuple(idents)), n)):
                self.kept[tenant, row[0]] = _stored(row, names)
            for ident in idents:
                if (tenant, ident) not in self.kept:
                    self.kept[tenant, ident] = Kept(-1, None, None, fresh=True)

    def take(self, item: Item) -> list[Outcome]:
        """Decide one item's writes."""
        self.places.update(item.places)
        out: list[Outcome] = []
        if item.expects is not None and (fault := self._rehearsed(item)) is not None:
            return [Refused(write, fault) for write in item.writes]
        for i, write in enumerate(item.writes):
            cause, depth = item.causes[i] if item.causes is not None else (item.cause, item.depth)
            actor = item.actors[i] if item.actors is not None else item.actor
            try:
                out.append(self._decide(write, actor, cause, depth, item))
            except HansaError as refusal:
                out.append(Refused(write, refusal))
        return out

    def _rehearsed(self, item: Item) -> HansaError | None:
        """Why an item that happens as a whole must not happen: what it stands on has changed, or a write is refused."""
        for ident, doc in item.expects or ():
            state = self.kept["", ident].now
            if item.sight is not None:
                state = permitted.seen(state, item.sight, self.store.realm)
            if (None if state is None else state.doc) != doc:
                return Conflict("somebody else changed it meanwhile", where=ident, mend="look again, then try again")
        states: dict[Key, State | None] = {}
        for write in item.writes:
            key = write.tenant, write.id
            state = states[key] if key in states else self.kept[key].now
            try:
                merged = self._merged(state, write, item.sight, item.app)
                self._appended(state, merged, write, f"app:{item.app}")
                _reject_unstorable(merged)
            except HansaError as refusal:
                return refusal
            states[key] = merged.state
        return None

    def _decide(self, write: Write, actor: str, cause: str | None, depth: int, item: Item) -> Outcome:
        kept, sight = self.kept[write.tenant, write.id], item.sight
        if write.kind in EDITS:
            if self.store.append_only and kept.now is not None:
                permitted.stays(kept.now, write, self.store.append_only)
            if self.store.keeps and sight is not None and kept.now is not None and kept.now.doc is not None:
                permitted.kept(kept.now.doc, write, {write.name} if write.name else None, self.store.keeps)
            e = kept.e if sight is None or permitted.edited(sight, kept.now, write, self.store.realm) else -1
            merged = self.history.edit(e, kept.now, kept.seq, write, self.store.head() + 1)
        else:
            if write.kind == "instances":
                write = self.history.dated(kept.e, write)
            merged = self._merged(kept.now, write, sight, item.app)
            if self.store.keeps and not item.app and (sight is not None or actor.startswith("device:")):
                self._kept_by_apps(kept.now, merged, write, device=sight is None)
            self._appended(kept.now, merged, write, f"app:{item.app}" if item.app else actor)
            if kept.e >= 0 and any(p.status == "late" for p in merged.parts):
                is_new = self.history.is_new
                merged.parts[:] = [p for p in merged.parts if p.status != "late" or is_new(kept.e, p)]
        if not merged.parts and not merged.new and not merged.gone:
            return Nothing(write)
        _reject_unstorable(merged)
        if kept.e < 0:  # a number of its own only now that there is something to number
            kept.e = self.store.next_e()
        if merged.gone or merged.state.doc is not None:  # else the history of what is gone was edited
            kept.now = merged.state
        kept.changed.update(part.name for part in merged.parts if part.status != "late")
        return self._note(write, kept, merged, actor, cause, depth)

    def _kept_by_apps(self, state: State | None, merged: Merged, write: Write, *, device: bool) -> None:
        """Raise Forbidden for what acts and apps alone write; nor does a device have another act."""
        before = None if state is None else state.doc
        for doc in (before, merged.state.doc):
            kind = None if doc is None else doc.get("type")
            if doc is None or (
                type(kind) is str and (word := alias(kind)) not in self.store.keeps and word != _COMMAND
            ):
                continue
            if device and _COMMAND in map(alias, types_of(doc)):
                raise Forbidden("a device has no device act", where=write.id)
            known = before is not None and before.get("type") == doc.get("type")
            names = {part.name for part in merged.parts} if known else doc.keys()
            if merged.gone:
                names = set()
            permitted.kept(doc, write, names, self.store.keeps)

    def _merged(self, state: State | None, write: Write, sight: Sight | None, app: str) -> Merged:
        """What a write does. Raises what `merge.apply` raises, and Forbidden where policy has a say."""
        if sight is None:
            return merge.apply(state, write, self.at)
        realm = self.store.realm
        known = permitted.seen(state, sight, realm)
        if state is None:
            write = permitted.owned(write, sight, realm)
        merged = merge.apply(known, write, self.at)
        permitted.check(sight, known, merged, write, realm, app)
        if merged.gone and known is not state:  # whoever may delete an entity deletes all of it
            return merge.apply(state, write, self.at)
        return permitted.joined(state, known, merged, write)

    def _appended(self, state: State | None, merged: Merged, write: Write, by: str) -> None:
        """Raise Forbidden for what becomes of an entity of a type to which one only appends."""
        kinds = self.store.append_only
        if kinds and (merged.parts or merged.new or merged.gone):
            if state is not None:
                permitted.stays(state, write, kinds)
            permitted.entered(merged, write, by, kinds, old=state is not None and state.doc is not None)

    def remember(self, states: dict[Key, StateRow], lately: set[Key]) -> None:
        """Keep the states of who spoke lately too, the newest so many; those of a crowd would only push out others."""
        for key, kept in self.kept.items():
            states.pop(key, None)
            if key not in lately or kept.row is None:
                continue
            ident, e, doc, stamps, label, _ = kept.row
            if doc is not None:
                # orjson's bytes bring the whole of its buffer along, 4 kB: a copy has the length of the document.
                states[key] = ident, e, bytes(memoryview(doc)), stamps, label, kept.seq
        for key in list(islice(states, max(0, len(states) - REMEMBERED))):
            del states[key]

    def _note(self, write: Write, kept: Kept, merged: Merged, actor: str, cause: str | None, depth: int) -> Change:
        store, at = self.store, self.at
        names = store.names
        seq = store.next_seq()
        flags = (codec.NEW if merged.new else 0) | (codec.GONE if merged.gone else 0)
        body = codec.pack_change(merged.parts, actor, cause, depth, flags, at, names.intern)
        if write.kind == "instances":
            self.history.put(kept.e, write, merged.parts, seq, fresh=merged.new and kept.fresh)
        elif write.kind not in EDITS:
            self.history.note(kept.e, merged.parts, seq)
        doc = merged.state.doc
        if doc is None:  # what it was, so that who hears of its end knows who it was
            doc = {"id": write.id}
            for part in merged.parts:
                if merged.gone or part.name == "type":
                    _put_back(doc, part)
        if merged.gone:
            self.ended[kept.e] = types_of(doc)
        elif merged.new and not kept.fresh:
            self.ended[kept.e] = []
        kind = doc["type"]
        t = names.intern(type_word(write.tenant, kind)) if type(kind) is str else 0
        self.log.append((seq, kept.e, at, kept.seq, body, t))
        kept.seq, kept.spoke = seq, True
        entity = Entity(doc, merged.state.stamps, store.realm, merged.state.label)
        return Change(seq, entity, merged.gone, tuple(merged.parts), actor, cause, depth, at, write.tenant, merged.new)

    def write(self) -> None:
        """Write every row, a table at a time."""
        db, names = self.store.db, self.store.names
        fresh: list[tuple[Any, ...]] = []
        threads: list[tuple[int, int]] = []
        changed: list[tuple[Any, ...]] = []
        index_out: list[tuple[Any, ...]] = []
        index_in: list[tuple[Any, ...]] = []
        kinds_out: list[tuple[int, int]] = []
        kinds_in: list[tuple[int, int]] = []
        for (tenant, ident), kept in self.kept.items():
            if kept.now is kept.was:
                if kept.spoke:
                    threads.append((kept.seq, kept.e))
                continue
            now, e = kept.now, kept.e
            label = 0 if now is None or now.label is None else names.intern(now.label)
            doc = None if now is None or now.doc is None else orjson.dumps(now.doc)
            until = None if now is None or now.doc is None or doc is None or EXPIRES not in doc else expires(now.doc)
            if until is not None and (self.soonest is None or until < self.soonest):
                self.soonest = until
            stamps = None if now is None else codec.pack_stamps(now.stamps)
            if kept.fresh:
                fresh.append((e, names.intern(tenant), ident, doc, stamps, label, kept.seq, until))
            else:
                changed.append((doc, stamps, label, kept.seq, until, e))
            kept.row = None if stamps is None else (ident, e, doc, stamps, label, kept.seq)
            self._reindex(tenant, kept, index_out, index_in, kinds_out, kinds_in)
        was = [
            (names.intern(type_word(tenant, kind)), kept.e)
            for (tenant, _), kept in self.kept.items()
            for kind in (self.ended.get(kept.e, ()) if self.ended else ())
        ]
        names.flush()
        for sql, rows in (
            ("INSERT INTO entity VALUES (?, ?, ?, ?, ?, ?, ?, ?)", fresh),
            ("UPDATE entity SET doc = ?, stamps = ?, label = ?, seq = ?, expires = ? WHERE e = ?", changed),
            ("UPDATE entity SET seq = ? WHERE e = ?", threads),
            ("DELETE FROM type WHERE t = ? AND e = ?", kinds_out),
            ("INSERT INTO type VALUES (?, ?)", kinds_in),
            ("DELETE FROM was WHERE e = ?", [(e,) for e in self.ended]),
            ("INSERT INTO was VALUES (?, ?)", was),
            ("DELETE FROM attr WHERE t = ? AND n = ? AND v = ? AND e = ? AND d = ?", index_out),
            ("INSERT INTO attr VALUES (?, ?, ?, ?, ?, ?)", index_in),
            ("INSERT INTO place VALUES (?, ?, ?, ?)", self.placed),
            ("INSERT INTO geo VALUES (?, ?, ?, ?, ?)", self.boxes),
            ("INSERT OR REPLACE INTO several VALUES (?, ?, ?)", [(*key, wide) for key, wide in self.several.items()]),
            ("INSERT OR IGNORE INTO kind VALUES (?, ?, ?)", list(self.kinds)),
            ("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self.history.rows),
            ("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)", self.log),
            ("INSERT OR REPLACE INTO reader VALUES (?, ?)", list(self.places.items())),
        ):
            if rows:
                db.executemany(sql, rows)

    def _reindex(
        self,
        tenant: str,
        kept: Kept,
        index_out: list[tuple[Any, ...]],
        index_in: list[tuple[Any, ...]],
        kinds_out: list[tuple[int, int]],
        kinds_in: list[tuple[int, int]],
    ) -> None:
        """Only what differs between the two states; of an ordinary reading, one attribute."""
        names, e = self.store.names, kept.e
        before = kept.was.doc if kept.was else None
        after = kept.now.doc if kept.now else None
        whole = before is None or after is None or not kept.changed.isdisjoint(_EVERYWHERE)
        if not whole and before is not None and after is not None:
            if len(kept.changed) == 1 and self._revalue(tenant, kept, index_out, index_in):
                return
            kind = {"id": None, "type": after["type"]}
            before = kind | {name: before[name] for name in kept.changed if name in before}
            after = kind | {name: after[name] for name in kept.changed if name in after}
        old = _rows_of(before, kept.was, names, tenant, e)
        new = _rows_of(after, kept.now, names, tenant, e)
        for key, wide in several_of(new).items():
            if self.store.several.get(key, -1) < wide:
                self.several[key] = wide
        if after is not None:
            self.kinds |= kinds_of(after, names, tenant, None if whole else before) - self.store.kinds
        index_out.extend(row[:5] for row in old - new)
        index_in.extend(new - old)
        if whole:
            old_kinds = _kinds(before, names, tenant)
            new_kinds = _kinds(after, names, tenant)
            kinds_out.extend((t, e) for t in old_kinds - new_kinds)
            kinds_in.extend((t, e) for t in new_kinds - old_kinds)
        old_places = {} if before is None else place_rows(before, names)
        new_places = {} if after is None else place_rows(after, names)
        if not old_places:
            for key, box in new_places.items():
                g = self.store.next_g()
                self.placed.append((g, e, *key))
                self.boxes.append((g, *box))
        elif old_places != new_places:
            self._replace_places(e, old_places, new_places)

    def _revalue(
        self, tenant: str, kept: Kept, index_out: list[tuple[Any, ...]], index_in: list[tuple[Any, ...]]
    ) -> bool:
        """The ordinary reading: one plain Property has another value. Whether it was that, and is done."""
        (name,) = kept.changed
        was, now = kept.was, kept.now
        if was is None or now is None or was.doc is None or now.doc is None or was.label != now.label:
            return False
        old, new, kind = was.doc.get(name), now.doc.get(name), now.doc["type"]
        if type(old) is not dict or type(new) is not dict or type(kind) is not str or now.stamps.labels:
            return False
        if old["type"] != "Property" or new["type"] != "Property" or "datasetId" in old or "datasetId" in new:
            return False
        before, after = index_value(old), index_value(new)
        if len(before) != 1 or len(after) != 1 or WIDE in before or WIDE in after or was.stamps.labels:
            return False
        if before != after:
            names, e = self.store.names, kept.e
            t, n = names.intern(type_word(tenant, kind)), names.intern(name)
            label = 0 if now.label is None else names.intern(now.label)
            index_out.append((t, n, NOTHING if before[0] is None else before[0], e, 0))
            index_in.append((t, n, NOTHING if after[0] is None else after[0], e, 0, label))
        return True

    def _replace_places(self, e: int, old: dict[Any, Any], new: dict[Any, Any]) -> None:
        db = self.store.db
        for key in old.keys() - new.keys():
            for (g,) in db.execute("DELETE FROM place WHERE e = ? AND n = ? AND d = ? RETURNING g", (e, *key)):
                db.execute("DELETE FROM geo WHERE g = ?", (g,))
        for key, box in new.items():
            if old.get(key) == box:
                continue
            row = next(iter(db.execute("SELECT g FROM place WHERE e = ? AND n = ? AND d = ?", (e, *key))), None)
            if row is None:
                g = self.store.next_g()
                db.execute("INSERT INTO place VALUES (?, ?, ?, ?)", (g, e, *key))
                db.execute("INSERT INTO geo VALUES (?, ?, ?, ?, ?)", (g, *box))
            else:
                db.execute(
                    "UPDATE geo SET west = ?, east = ?, south = ?, north = ? WHERE g = ?",
                    (*box, row[0]),
                )


_STATES: Final = (
    "SELECT entity.id, e, doc, stamps, label, seq "
    "FROM carray(?1) AS said CROSS JOIN entity ON tenant = ?2 AND id = said.value"
)
_COMMAND: Final = permitted.COMMAND
_EVERYWHERE: Final = frozenset({"type", LABEL})
"""What stands in every index row of an entity."""


def _stored(row: StateRow, names: Names) -> Kept:
    _, e, doc, stamps, label, seq = row
    state = None
    if stamps is not None:
        kept = None if doc is None else orjson.loads(doc)
        state = State(kept, codec.unpack_stamps(stamps), names.text(label) if label else None)
    return Kept(e, state, state, fresh=False, seq=seq, row=row)


def _rows_of(doc: Doc | None, state: State | None, names: Names, tenant: str, e: int) -> set[IndexRow]:
    if doc is None or state is None:
        return set()
    label = 0 if state.label is None else names.intern(state.label)
    return index_rows(doc, names, tenant, e, label, state.stamps.labels)


def _kinds(doc: Doc | None, names: Names, tenant: str) -> set[int]:
    return set() if doc is None else {names.intern(type_word(tenant, t)) for t in types_of(doc)}


def _put_back(doc: Doc, part: Part) -> None:
    if part.name == LABEL:
        return
    if part.name in MEMBERS or part.name not in doc:
        doc[part.name] = part.old
    else:
        doc[part.name] = [*instances(doc[part.name]), part.old]


def _reject_unstorable(merged: Merged) -> None:
    """Numbers that no store and no JSON reader of the next system would take."""
    for part in merged.parts:
        value = part.new.get("value") if type(part.new) is dict else None
        if type(value) is int and not -(2**63) <= value < 2**64:
            raise BadRequest(f"{part.name}: {str(value)[:24]}… does not fit 64 bits", where=part.name)
