"""The writer's side: many writes, one transaction.

Everything is decided in memory first (`merge.apply`), so a refusal drops only its own write; then SQL runs once a
table. If the SQL fails, nothing was written and the items are tried one by one, so that one bad item cannot take its
neighbours with it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

import apsw
import orjson

from hansa import clock
from hansa.errors import BadRequest, Full, HansaError
from hansa.model.change import LABEL, Change, Nothing, Part, Refused, Write
from hansa.model.entity import MEMBERS, VALUE_OF, Doc, Entity, instances, types_of
from hansa.model.wire import NULL
from hansa.platform import codec, merge
from hansa.platform.merge import Merged, State
from hansa.platform.sqlite.check import check, rebuild
from hansa.platform.sqlite.log import LogReader
from hansa.platform.sqlite.names import Names
from hansa.platform.sqlite.plan import type_word
from hansa.platform.sqlite.reader import SqliteReader
from hansa.platform.sqlite.rows import EXPIRES, IndexRow, expires, index_rows, place_rows, several_of
from hansa.platform.sqlite.schema import connect
from hansa.platform.store import Item, Outcome, Result


@dataclass(slots=True)
class _Kept:
    """One entity within a transaction: as it was stored, and as it is now."""

    e: int
    was: State | None
    now: State | None
    fresh: bool  # it has no row yet
    seq: int = 0  # its newest Change
    spoke: bool = False  # something happened to it, if only late
    changed: set[str] = field(default_factory=set)  # names that differ, also of members


class SqliteStore:
    """One realm in one file. The methods that write belong to the writer's thread; see `platform.store.Store`."""

    def __init__(self, path: Path | str, realm: str = "open", *, vfs: str | None = None) -> None:
        """Open or create `path`; `:memory:` lives and dies with this object and is read through it alone."""
        self.realm = realm
        self.path = str(path)
        self._vfs = vfs
        self.db = connect(path, write=True, vfs=vfs)
        self.names = Names(self.db)
        self._seq = (
            self._one("SELECT max(seq) FROM log")
            or self._one("SELECT value FROM meta WHERE key = 'checkpoint_seq'")
            or 0
        )
        self._e = self._one("SELECT max(e) FROM entity") or 0
        self._g = self._one("SELECT max(g) FROM place") or 0
        self.several: dict[tuple[int, int], int] = {
            (t, n): wide for t, n, wide in self.db.execute("SELECT t, n, wide FROM several")
        }
        self._log: LogReader | None = None
        # What was written last: this object is the only writer, so a device that speaks again need not be read again.
        self.states: dict[tuple[str, str], tuple[int, State, int]] = {}

    # Writing

    def commit(self, items: Sequence[Item], at: int) -> list[Result]:
        """Decide and write all items in one transaction; durable when it returns."""
        try:
            return list(self._transaction(items, at))
        except apsw.FullError:
            full = Full("the disk is full; nothing of this was kept", mend="make room; hansa goes on by itself")
            return [full] * len(items)
        except (apsw.Error, HansaError, ValueError, TypeError, KeyError, OverflowError) as fault:
            if len(items) == 1:
                return [_as_error(fault)]
        return [self.commit([item], at)[0] for item in items]

    def _transaction(self, items: Sequence[Item], at: int) -> list[list[Outcome]]:
        batch = _Batch(self, at)
        seq, e, g = self._seq, self._e, self._g
        db = self.db
        db.execute("BEGIN IMMEDIATE")
        try:
            batch.fetch(items)
            outcomes = [batch.take(item) for item in items]
            batch.write()
            db.execute("COMMIT")
        except BaseException:
            if not db.get_autocommit():
                db.execute("ROLLBACK")
            self._seq, self._e, self._g = seq, e, g
            self.names.settled(committed=False)
            self.states.clear()
            raise
        self.names.settled(committed=True)
        self.several.update(batch.several)
        batch.remember(self.states)
        return outcomes

    def load(self, writes: Iterable[Write], actor: str, at: int) -> Iterator[Outcome]:
        """Bulk import in transactions of 5,000; what each write came to, in order."""
        pile: list[Write] = []
        for write in writes:
            pile.append(write)
            if len(pile) >= 5_000:
                yield from self._load(pile, actor, at)
                pile = []
        if pile:
            yield from self._load(pile, actor, at)

    def _load(self, pile: list[Write], actor: str, at: int) -> list[Outcome]:
        result = self.commit([Item(pile, actor)], at)[0]
        if isinstance(result, HansaError):
            if len(pile) == 1 or isinstance(result, Full):
                return [Refused(write, result) for write in pile]
            half = len(pile) // 2
            return self._load(pile[:half], actor, at) + self._load(pile[half:], actor, at)
        return result

    # Reading

    def reader(self) -> SqliteReader:
        """A reader with a connection of its own (of a `:memory:` store: this object's)."""
        if self.path == ":memory:":
            return SqliteReader(self.db, self.realm)
        return SqliteReader(connect(self.path, vfs=self._vfs), self.realm)

    def head(self) -> int:
        """The newest seq."""
        return self._seq

    def newest(self) -> int:
        """When the newest Change was committed (microseconds), or 0."""
        return self._one("SELECT at FROM log ORDER BY seq DESC LIMIT 1") or 0

    def place(self, reader: str) -> bytes | None:
        """Where a reader of the log stands."""
        found = self._one("SELECT place FROM reader WHERE name = ?", reader)
        return None if found is None else bytes(found)

    def since(self, seq: int, limit: int) -> list[Change]:
        """Changes after `seq`, oldest first, each with its entity as of then."""
        return self._reads().since(seq, limit)

    def walk(self, seq: int, limit: int, wants: Callable[[str], bool]) -> Iterator[tuple[int, Change | None]]:
        """The same, one by one; see `LogReader.walk`."""
        return self._reads().walk(seq, limit, wants)

    def _reads(self) -> LogReader:
        if self._log is None:
            db = self.db if self.path == ":memory:" else connect(self.path, vfs=self._vfs)
            self._log = LogReader(db, self.realm)
        return self._log

    def check(self) -> Iterator[str]:
        """Every fault found; see `check`."""
        return check(self.db, self.names, self.realm)

    def rebuild(self) -> Iterator[str]:
        """State and index anew from checkpoint and log."""
        self.states.clear()
        return rebuild(self.db, self.names, self.realm)

    def close(self) -> None:
        """Let go of the file; the last connection moves the WAL into it."""
        if self._log is not None:
            self._log.close()
        self.db.close()

    # What a batch needs

    def _one(self, sql: str, *given: Any) -> Any:
        row = next(iter(self.db.execute(sql, given)), None)
        return None if row is None else row[0]

    def next_seq(self) -> int:
        """The place of one more Change."""
        self._seq += 1
        return self._seq

    def next_e(self) -> int:
        """The number of one more entity."""
        self._e += 1
        return self._e

    def next_g(self) -> int:
        """The number of one more geometry."""
        self._g += 1
        return self._g


class _Batch:
    """One transaction: states as they become, and the rows that wait to be written."""

    def __init__(self, store: SqliteStore, at: int) -> None:
        self.store = store
        self.at = at
        self.kept: dict[tuple[str, str], _Kept] = {}
        self.history: list[tuple[Any, ...]] = []
        self.log: list[tuple[int, int, int, int, bytes, int]] = []
        self.places: dict[str, bytes] = {}
        self.several: dict[tuple[int, int], int] = {}
        self.placed: list[tuple[Any, ...]] = []
        self.boxes: list[tuple[Any, ...]] = []
        self.late: set[tuple[int, int, int, int, Any]] = set()

    def fetch(self, items: Sequence[Item]) -> None:
        """The states that the items speak of, in one question a tenant: each question costs a switch of threads."""
        wanted: dict[str, set[str]] = {}
        states, kept = self.store.states, self.kept
        for item in items:
            for write in item.writes:
                key = write.tenant, write.id
                if key in kept:
                    continue
                if (known := states.get(key)) is not None:
                    kept[key] = _Kept(known[0], known[1], known[1], fresh=False, seq=known[2])
                else:
                    wanted.setdefault(write.tenant, set()).add(write.id)
        names, db = self.store.names, self.store.db
        for tenant, idents in wanted.items():
            n = names.intern(tenant)
            for row in db.execute(_STATES, (apsw.carray(tuple(idents)), n)):
                self.kept[tenant, row[0]] = _stored(row, names)
            for ident in idents:
                if (tenant, ident) not in self.kept:
                    self.kept[tenant, ident] = _Kept(-1, None, None, fresh=True)

    def take(self, item: Item) -> list[Outcome]:
        """Decide one item's writes."""
        self.places.update(item.places)
        out: list[Outcome] = []
        for i, write in enumerate(item.writes):
            cause, depth = item.causes[i] if item.causes is not None else (item.cause, item.depth)
            actor = item.actors[i] if item.actors is not None else item.actor
            try:
                out.append(self._decide(write, actor, cause, depth))
            except HansaError as refusal:
                out.append(Refused(write, refusal))
        return out

    def _decide(self, write: Write, actor: str, cause: str | None, depth: int) -> Outcome:
        kept = self.kept[write.tenant, write.id]
        merged = merge.apply(kept.now, write, self.at)
        if kept.e >= 0 and any(p.status == "late" for p in merged.parts):
            merged.parts[:] = [p for p in merged.parts if p.status != "late" or self._is_new(kept.e, p)]
        if not merged.parts and not merged.new and not merged.gone:
            return Nothing(write)
        _reject_unstorable(merged)
        if kept.e < 0:  # a number of its own only now that there is something to number
            kept.e = self.store.next_e()
        kept.now = merged.state
        kept.changed.update(part.name for part in merged.parts if part.status != "late")
        return self._note(write, kept, merged, actor, cause, depth)

    def remember(self, states: dict[tuple[str, str], tuple[int, State, int]]) -> None:
        """Keep the states that were written, the newest so many."""
        for key, kept in self.kept.items():
            states.pop(key, None)
            if kept.now is not None and kept.now.doc is not None:
                states[key] = (kept.e, kept.now, kept.seq)
        for key in list(islice(states, max(0, len(states) - _REMEMBERED))):
            del states[key]

    def _is_new(self, e: int, part: Part) -> bool:
        """Whether history does not hold this very reading already."""
        names = self.store.names
        n, d = names.intern(part.name), names.intern(part.dataset or "")
        at = clock.parse(part.new["observedAt"])
        value, unit, whole = _history_value(part.new, names)
        key = (e, n, d, at, codec.pack([value, unit, whole]))
        if key in self.late:
            return False
        for v, u, x in self.store.db.execute(_AT_INSTANT, (e, n, d, at)):
            if (v, u, x) == (value, unit, whole) and type(v) is type(value):
                return False
        self.late.add(key)
        return True

    def _note(self, write: Write, kept: _Kept, merged: Merged, actor: str, cause: str | None, depth: int) -> Change:
        store, at = self.store, self.at
        names = store.names
        seq = store.next_seq()
        flags = (codec.NEW if merged.new else 0) | (codec.GONE if merged.gone else 0)
        body = codec.pack_change(merged.parts, actor, cause, depth, flags, at, names.intern)
        for part in merged.parts:
            if part.name not in MEMBERS and part.name != LABEL:
                self.history.append(_history_row(kept.e, part, at, seq, names))
        doc = merged.state.doc
        if doc is None:  # what it was, so that who hears of its end knows who it was
            doc = {"id": write.id}
            for part in merged.parts:
                _put_back(doc, part)
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
            until = None if now is None or doc is None or EXPIRES not in doc else expires(now.doc)
            stamps = None if now is None else codec.pack_stamps(now.stamps)
            if kept.fresh:
                fresh.append((e, names.intern(tenant), ident, doc, stamps, label, kept.seq, until))
            else:
                changed.append((doc, stamps, label, kept.seq, until, e))
            self._reindex(tenant, kept, index_out, index_in, kinds_out, kinds_in)
        names.flush()
        for sql, rows in (
            ("INSERT INTO entity VALUES (?, ?, ?, ?, ?, ?, ?, ?)", fresh),
            ("UPDATE entity SET doc = ?, stamps = ?, label = ?, seq = ?, expires = ? WHERE e = ?", changed),
            ("UPDATE entity SET seq = ? WHERE e = ?", threads),
            ("DELETE FROM type WHERE t = ? AND e = ?", kinds_out),
            ("INSERT INTO type VALUES (?, ?)", kinds_in),
            ("DELETE FROM attr WHERE t = ? AND n = ? AND v = ? AND e = ? AND d = ?", index_out),
            ("INSERT INTO attr VALUES (?, ?, ?, ?, ?, ?)", index_in),
            ("INSERT INTO place VALUES (?, ?, ?, ?)", self.placed),
            ("INSERT INTO geo VALUES (?, ?, ?, ?, ?)", self.boxes),
            ("INSERT OR REPLACE INTO several VALUES (?, ?, ?)", [(*key, wide) for key, wide in self.several.items()]),
            ("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self.history),
            ("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)", self.log),
            ("INSERT OR REPLACE INTO reader VALUES (?, ?)", list(self.places.items())),
        ):
            if rows:
                db.executemany(sql, rows)

    def _reindex(
        self,
        tenant: str,
        kept: _Kept,
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
            kind = {"id": None, "type": after["type"]}
            before = kind | {name: before[name] for name in kept.changed if name in before}
            after = kind | {name: after[name] for name in kept.changed if name in after}
        old = _rows_of(before, kept.was, names, tenant, e)
        new = _rows_of(after, kept.now, names, tenant, e)
        for key, wide in several_of(new).items():
            if self.store.several.get(key, -1) < wide:
                self.several[key] = wide
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


_REMEMBERED: Final = 4_000  # states in memory: the devices that speak every minute or so
_STATES: Final = (
    "SELECT entity.id, e, doc, stamps, label, seq "
    "FROM carray(?1) AS said CROSS JOIN entity ON tenant = ?2 AND id = said.value"
)
_EVERYWHERE: Final = frozenset({"type", LABEL})
"""What stands in every index row of an entity."""
_AT_INSTANT: Final = "SELECT v, u, x FROM history WHERE e = ? AND n = ? AND d = ? AND at = ?"


def _stored(row: tuple[Any, ...], names: Names) -> _Kept:
    _, e, doc, stamps, label, seq = row
    state = None
    if doc is not None:
        state = State(orjson.loads(doc), codec.unpack_stamps(stamps), names.text(label) if label else None)
    return _Kept(e, state, state, fresh=False, seq=seq)


def _rows_of(doc: Doc | None, state: State | None, names: Names, tenant: str, e: int) -> set[IndexRow]:
    if doc is None or state is None:
        return set()
    label = 0 if state.label is None else names.intern(state.label)
    return index_rows(doc, names, tenant, e, label, state.stamps.labels)


def _kinds(doc: Doc | None, names: Names, tenant: str) -> set[int]:
    return set() if doc is None else {names.intern(type_word(tenant, t)) for t in types_of(doc)}


def _history_value(one: dict[str, Any], names: Names) -> tuple[Any, int | None, bytes | None]:
    """v, u, x of an instance: a plain Property needs no x."""
    value = one.get("value")
    unit = one.get("unitCode")
    plain = one.get("type") == "Property" and type(value) in _SCALARS and (unit is None or type(unit) is str)
    if plain and set(one) <= _PLAIN:
        return value, None if unit is None else names.intern(unit), None if "observedAt" in one else b""
    return (value if type(value) in _SCALARS else None), None, codec.pack(one)


_SCALARS: Final = (float, int, str)
_PLAIN: Final = frozenset({"type", "value", "unitCode", "observedAt", "datasetId"})


def _history_row(e: int, part: Part, at: int, seq: int, names: Names) -> tuple[Any, ...]:
    n = names.intern(part.name)
    d = names.intern(part.dataset or "")
    if part.new is None:
        kind = part.old.get("type", "Property")
        gone = {"type": kind, VALUE_OF[kind]: NULL, "deletedAt": clock.text(at)}
        if part.dataset is not None:
            gone["datasetId"] = part.dataset
        return (e, n, d, at, seq, None, None, codec.pack(gone))
    value, unit, whole = _history_value(part.new, names)
    observed = part.new.get("observedAt")
    return (e, n, d, at if observed is None else clock.parse(observed), seq, value, unit, whole)


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
        if type(value) is int and not -(2**63) <= value < 2**63:
            raise BadRequest(f"{part.name}: {str(value)[:24]}… does not fit 64 bits", where=part.name)


def _as_error(fault: Exception) -> HansaError:
    if isinstance(fault, HansaError):
        return fault
    if isinstance(fault, apsw.IOError | apsw.ReadOnlyError | apsw.CantOpenError):
        return Full(f"the disk does not take it: {fault}", mend="look after the disk; hansa goes on by itself")
    if isinstance(fault, apsw.Error):
        return HansaError(f"the store failed: {fault}")
    return BadRequest(f"this cannot be stored: {fault}")
