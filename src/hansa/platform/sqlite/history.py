"""The writer's side of history: rows for what was said, and edits of what history says (CIM 009, 5.6.11 to 5.6.16).

History is a time index beside the log, and editable; the log keeps every edit as a Change. A row is one instance: its
key is (entity, name, dataset, instant, seq). An instance that takes another's place has the `seq` of that Change, and
remembers in `x` the key of the first one in its place: from there come its instanceId and its createdAt (5.6.14).
"""

from typing import Any, Final

import apsw

from hansa import clock
from hansa.errors import NotFound
from hansa.model.change import LABEL, SCOPES, Part, Write
from hansa.model.entity import MEMBERS, VALUE_OF, Instance
from hansa.model.wire import NULL
from hansa.platform import codec
from hansa.platform.merge import Merged, State, corrected
from hansa.platform.sqlite.names import Names
from hansa.platform.sqlite.veil import Key, Veil

Row = tuple[int, int, int, int, int, Any, int | None, bytes | None]
"""e, n, d, at, seq, v, u, x: see `schema`."""

_Said = tuple[Any, int | None, bytes | None]
"""v, u, x of a row."""

_FIRST: Final = 0xC1
"""The first byte of an x that names the first instance in its place: MessagePack never begins so."""
_HEAD: Final = 36  # that byte, 19 digits of seq, 16 of the instant
_SCALARS: Final = (float, int, str)
_PLAIN: Final = frozenset({"type", "value", "unitCode", "observedAt", "datasetId"})
_GONE_SCOPE: Final[list[str]] = []
"""The value of a scope that was taken away (020_19 of the conformance suite; a scope is no attribute to be null)."""


def first(seq: int, d: int, at: int, x: bytes | None) -> Key:
    """The key by which a row is known for good."""
    if x and x[0] == _FIRST:
        seq, at = int(x[1:20]), int(x[20:_HEAD], 16)
        return Key(seq, d, at - (1 << 64) if at >> 63 else at)
    return Key(seq, d, at)


def unpacked(x: bytes) -> Instance:
    """The instance that an x holds."""
    return codec.unpack(x[_HEAD:] if x[0] == _FIRST else x)  # type: ignore[no-any-return]


def instance_of(at: int, v: Any, unit: str | None, x: bytes | None, dataset: str | None) -> Instance:
    """The instance of a row."""
    if x:
        return unpacked(x)
    instance: Instance = {"type": "Property", "value": v}
    if unit is not None:
        instance["unitCode"] = unit
    if x is None:
        instance["observedAt"] = clock.text(at)
    if dataset is not None:
        instance["datasetId"] = dataset
    return instance


def value_of(one: Instance, names: Names) -> _Said:
    """v, u, x of an instance: a plain Property needs no x."""
    value = one.get("value")
    unit = one.get("unitCode")
    scalar = type(value) in _SCALARS and not (type(value) is int and value >= 2**63)  # SQLite's integers have a sign
    plain = one.get("type") == "Property" and scalar and (unit is None or type(unit) is str)
    if plain and set(one) <= _PLAIN:
        return value, None if unit is None else names.intern(unit), None if "observedAt" in one else b""
    return (value if scalar else None), None, codec.pack(one)


def ended(db: apsw.Connection, names: Names, seq: int) -> tuple[int, list[str]] | None:
    """When an entity whose newest Change is `seq` was deleted, and its types then; None when the log begins later."""
    while seq:
        row = next(iter(db.execute("SELECT at, prev, body FROM log WHERE seq = ?", (seq,))), None)
        if row is None:
            return None
        at, seq, body = row
        _, _, _, flags, parts = codec.unpack_change(body, at, names.text)
        if flags & codec.GONE:
            kinds = next((part.old for part in parts if part.name == "type"), None)
            return None if kinds is None else (at, kinds if type(kinds) is list else [kinds])
    return None


class History:
    """What one transaction adds to history and changes in it."""

    def __init__(self, db: apsw.Connection, names: Names, at: int) -> None:
        """In the transaction of `db` that commits at `at`."""
        self.rows: list[Row] = []
        self._db = db
        self._names = names
        self._at = at
        self._late: set[tuple[int, int, int, int, bytes]] = set()

    def flush(self) -> None:
        """Write the rows that wait."""
        if self.rows:
            self._db.executemany("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self.rows)
            self.rows.clear()

    # What is said

    def is_new(self, e: int, part: Part) -> bool:
        """Whether history does not hold this very reading already."""
        n, d, at = self._place(part.name, part.dataset, part.new)
        said = value_of(part.new, self._names)
        key = (e, n, d, at, codec.pack(said))
        if key in self._late or any(self._same(row[1:], said, at, d) for row in self._at_instant(key[:4])):
            return False
        self._late.add(key)
        return True

    def _at_instant(self, place: tuple[int, int, int, int]) -> list[tuple[int, Any, int | None, bytes | None]]:
        """seq, v, u, x of what a series says at an instant."""
        return list(self._db.execute("SELECT seq, v, u, x FROM history WHERE e=? AND n=? AND d=? AND at=?", place))

    def _same(self, one: _Said, other: _Said, at: int, d: int) -> bool:
        """Whether two rows of a series say the same of an instant, their places apart."""
        if one[2] and one[2][0] == _FIRST:
            return unpacked(one[2]) == self._instance(other, at, d)
        return one == other and type(one[0]) is type(other[0])

    def _instance(self, said: _Said, at: int, d: int) -> Instance:
        v, u, x = said
        return instance_of(at, v, None if u is None else self._names.text(u), x, self._names.text(d) or None)

    def note(self, e: int, parts: list[Part], seq: int) -> None:
        """Add what happened: attributes and the scope (4.5.6)."""
        for part in parts:
            if part.name == "scope":
                self.rows.append(self._scope_row(e, part, seq))
            elif part.name not in MEMBERS and part.name != LABEL:
                self.rows.append(self._row(e, part, seq))

    def put(self, e: int, write: Write, parts: list[Part], seq: int, *, fresh: bool) -> None:
        """Add instances that were said with their times (5.6.11, 5.6.12).

        One observed at the same instant as another of its series takes its place: at an instant a series has one value
        (4.5.7). `fresh`: the entity had no history before.
        """
        for part in parts:
            if part.status != "late" and part.name in _ASIDE:
                if part.name == "scope" and SCOPES not in write.doc:
                    self.rows.append(self._scope_row(e, part, seq))
                continue
            if part.status == "deleted":
                continue  # what took the attribute away is an instance itself
            row = self._row(e, part, seq)
            if fresh or "observedAt" not in part.new:
                self.rows.append(row)
            else:
                self._replace(row)

    def dated(self, e: int, write: Write) -> Write:
        """The same instances, without the newest scope when history knows one that is newer still."""
        if e < 0 or SCOPES not in write.doc or "scope" not in write.doc:
            return write
        self.flush()
        n = self._names.intern("scope")
        newest = next(iter(self._db.execute("SELECT max(at) FROM history WHERE e = ? AND n = ?", (e, n))))[0]
        pushed = max(clock.parse(one["observedAt"]) for one in write.doc[SCOPES])
        if newest is None or newest <= pushed:
            return write
        doc = {name: value for name, value in write.doc.items() if name != "scope"}
        return Write(write.kind, write.id, doc, tenant=write.tenant)

    def _place(self, name: str, dataset: str | None, one: Instance) -> tuple[int, int, int]:
        observed = one.get("observedAt")
        at = self._at if observed is None else clock.parse(observed)
        intern = self._names.intern
        return intern(name), 0 if dataset is None else intern(dataset), at

    def _row(self, e: int, part: Part, seq: int) -> Row:
        one = part.new
        if one is None:
            kind = part.old.get("type", "Property")
            one = {"type": kind, VALUE_OF[kind]: NULL, "deletedAt": clock.text(self._at)}
            if part.dataset is not None:
                one["datasetId"] = part.dataset
        elif part.status == "late" and is_end(one):
            one = {**one, "deletedAt": clock.text(self._at)}
            if part.name == "scope":
                one["value"] = _GONE_SCOPE
        return (e, *self._place(part.name, part.dataset, one), seq, *value_of(one, self._names))

    def _scope_row(self, e: int, part: Part, seq: int) -> Row:
        """The scope that the core API set: observed when it was modified (4.5.6)."""
        now = clock.text(self._at)
        one: Instance = {"type": "Property", "value": part.new, "observedAt": now}
        if part.new is None:
            one = {"type": "Property", "value": _GONE_SCOPE, "deletedAt": now}
        return (e, *self._place("scope", None, one), seq, *value_of(one, self._names))

    def _replace(self, row: Row) -> None:
        e, n, d, at, seq, v, u, x = row
        there = self._at_instant(row[:4])
        if any(self._same(one[1:], (v, u, x), at, d) for one in there):
            return
        if there:
            was, *_, before = there[-1]
            self._db.execute(_TAKE, (e, n, d, at, was))
            u, x = None, first(was, d, at, before).head() + codec.pack(self._instance((v, u, x), at, d))
        self._db.execute("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (e, n, d, at, seq, v, u, x))

    # Edits

    def edit(self, e: int, state: State | None, newest: int, write: Write, seq: int) -> Merged:
        """Change what history says (5.6.13 to 5.6.16) with the Change `seq`; what it means for the state and the log.

        The state follows only when what it shows last is corrected: taking history away never takes the state away. Of
        an entity that is gone `newest` is its last Change. Raises NotFound.
        """
        self.flush()
        self._late.clear()
        if e < 0:
            raise NotFound(f"there is no entity {write.id}", where=write.id)
        there = state is not None and state.doc is not None
        merged = (self._forget if write.kind == "forget" else self._one)(e, state if there else None, write, seq)
        if not there:
            at_and_kinds = ended(self._db, self._names, newest)
            if at_and_kinds is None:
                raise NotFound(f"there is no entity {write.id}", where=write.id)
            # Who reads the log must learn what this was, and finds no state to see it by.
            kinds = at_and_kinds[1] if len(at_and_kinds[1]) > 1 else at_and_kinds[1][0]
            merged.parts.append(Part("type", None, "late", kinds, kinds))
        return merged

    def _forget(self, e: int, state: State | None, write: Write, _: int) -> Merged:
        names, db = self._names, self._db
        series = list(db.execute("SELECT n, d FROM history WHERE e = ? GROUP BY n, d", (e,)))
        if write.name is not None:
            n = names.number(write.name)
            of_it = [(m, d) for m, d in series if m == n]
            if write.dataset != "@all":
                d = names.number(write.dataset or "")
                of_it = [key for key in of_it if key[1] == d]
            if not of_it:
                raise NotFound(f"{write.id} has no history of {write.name}", where=write.name)
            series = of_it
        elif not series and not (state is not None and state.doc is not None and MEMBERS.issuperset(state.doc)):
            raise NotFound(f"there is no temporal evolution of {write.id}", where=write.id)
        for n, d in series:
            db.execute("DELETE FROM history WHERE e = ? AND n = ? AND d = ?", (e, n, d))
        if state is None and write.name is None:
            db.execute("DELETE FROM was WHERE e = ?", (e,))
        parts = [Part(names.text(n), names.text(d) or None, "late", None, None) for n, d in series]
        return Merged(_state(state), parts)

    def _one(self, e: int, state: State | None, write: Write, seq: int) -> Merged:
        names, db = self._names, self._db
        name = write.name or ""
        n = names.number(name)
        if n is None or not list(db.execute("SELECT 1 FROM history WHERE e = ? AND n = ? LIMIT 1", (e, n))):
            raise NotFound(f"{write.id} has no history of {name}", where=name)
        row = self._found(e, n, Veil.of(db).key(write.instance or ""))
        if row is None:
            raise NotFound(f"{name} has no instance {write.instance}", where="instanceId")
        d, at, was, v, u, x = row
        dataset = names.text(d) or None
        old = self._instance((v, u, x), at, d)
        last = next(iter(db.execute(_NEWEST, (e, n, d))))
        db.execute(_TAKE, (e, n, d, at, was))
        if write.kind == "retract":
            return Merged(_state(state), [Part(name, dataset, "late", old, None)])
        new = write.doc[name]
        if is_end(new):
            new = {**new, "deletedAt": clock.text(self._at)}
        value, _, _ = value_of(new, names)
        when = clock.parse(new["observedAt"]) if "observedAt" in new else at
        whole = first(was, d, at, x).head() + codec.pack(new)
        there = names.intern(new.get("datasetId", ""))
        db.execute("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, NULL, ?)", (e, n, there, when, seq, value, whole))
        shown = None if state is None or state.doc is None or name in MEMBERS else _shown(state, name, dataset)
        if state is not None and shown is not None and last == (at, was) and _alike(shown, old):
            return corrected(state, write, shown, new, self._at)
        return Merged(_state(state), [Part(name, new.get("datasetId"), "late", old, new)])

    def _found(self, e: int, n: int, key: Key | None) -> tuple[Any, ...] | None:
        """d, at, seq, v, u, x of an instance: under its first key, or in the place of that."""
        if key is None:
            return None
        rows = list(self._db.execute(_AT_KEY, (e, n, key.d, key.at, key.seq)))
        rows = rows or list(self._db.execute(_IN_ITS_PLACE, (e, n, key.head())))
        return rows[0] if rows else None


_ASIDE: Final = MEMBERS | {LABEL}
_TAKE: Final = "DELETE FROM history WHERE e = ? AND n = ? AND d = ? AND at = ? AND seq = ?"
_NEWEST: Final = "SELECT at, seq FROM history WHERE e = ? AND n = ? AND d = ? ORDER BY at DESC, seq DESC LIMIT 1"
_AT_KEY: Final = "SELECT d, at, seq, v, u, x FROM history WHERE e = ? AND n = ? AND d = ? AND at = ? AND seq = ?"
_IN_ITS_PLACE: Final = f"SELECT d, at, seq, v, u, x FROM history WHERE e = ? AND n = ? AND substr(x, 1, {_HEAD}) = ?"  # noqa: S608


def is_end(one: Instance) -> bool:
    """Whether an instance says that the attribute, or the scope, ended (4.5.7)."""
    value = one.get(VALUE_OF.get(one.get("type", "Property"), "value"))
    return value == NULL or ("deletedAt" in one and value == _GONE_SCOPE)


def _state(state: State | None) -> State:
    return State(None, codec.unpack_stamps(_NO_STAMPS)) if state is None else state


_NO_STAMPS: Final = codec.pack([0, 0, {}])


def _shown(state: State, name: str, dataset: str | None) -> Instance | None:
    entry = (state.doc or {}).get(name, [])
    for one in entry if type(entry) is list else [entry]:
        if one.get("datasetId") == dataset:
            return one  # type: ignore[no-any-return]
    return None


def _alike(one: Instance, other: Instance) -> bool:
    """Whether two instances say the same, their instant written one way or another."""
    mine, theirs = one.get("observedAt"), other.get("observedAt")
    if (mine is None) != (theirs is None) or (mine is not None and clock.parse(mine) != clock.parse(theirs)):
        return False
    return {**one, "observedAt": None} == {**other, "observedAt": None}
