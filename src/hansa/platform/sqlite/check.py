"""Proof and repair: the index says what the documents say, and checkpoint plus log say what the state is."""

from collections.abc import Iterator
from typing import Final

import apsw
import orjson

from hansa.model.change import LABEL, Part, put_instance
from hansa.model.entity import MEMBERS, Doc, Stamps, types_of
from hansa.model.transient import expires
from hansa.platform import codec
from hansa.platform.merge import State
from hansa.platform.sqlite.history import ended
from hansa.platform.sqlite.names import Names
from hansa.platform.sqlite.plan import type_word
from hansa.platform.sqlite.rows import IndexRow, index_rows, kinds_of, place_rows, several_of


def check(db: apsw.Connection, names: Names, realm: str) -> Iterator[str]:
    """Every fault of a realm's file, a line each; nothing when it is sound."""
    for (line,) in db.execute("PRAGMA integrity_check"):
        if line != "ok":
            yield f"{realm}: the file is damaged: {line}"
    yield from _index_faults(db, names, realm)
    yield from _log_faults(db, names, realm)


_BROKEN: Final[Doc] = {"": "broken"}


def _read(raw: bytes) -> Doc:
    """A stored document, or `_BROKEN`."""
    try:
        doc = orjson.loads(raw)
    except ValueError:
        return _BROKEN
    return doc if isinstance(doc, dict) else _BROKEN


def _index_faults(db: apsw.Connection, names: Names, realm: str) -> Iterator[str]:
    due = {"attr": 0, "place": 0, "geo": 0, "type": 0}
    stored = "SELECT e, tenant, id, doc, stamps, label, expires FROM entity WHERE doc IS NOT NULL"
    for e, tenant, ident, raw, stamps, label, until in db.execute(stored):
        doc = _read(raw)
        if doc is _BROKEN:
            yield f"{realm}: the document of {ident} cannot be read"
            continue
        if doc.get("id") != ident:
            yield f"{realm}: entity {ident} holds the document of {doc.get('id')}"
        if expires(doc) != until:
            yield f"{realm}: the index of what expires says otherwise of {ident} than its document"
        word = names.text(tenant)
        rows = index_rows(doc, names, word, e, label, codec.unpack_stamps(stamps).labels)
        boxes = place_rows(doc, names)
        kinds = {names.intern(type_word(word, kind)) for kind in types_of(doc)}
        for table, count in (("attr", len(rows)), ("place", len(boxes)), ("geo", len(boxes)), ("type", len(kinds))):
            due[table] += count
        for missing in _missing(db, names, e, rows, boxes, kinds):
            yield f"{realm}: {ident} {missing}"
        for t, n, k in kinds_of(doc, names, word):
            if not list(db.execute("SELECT 1 FROM kind WHERE t = ? AND n = ? AND k = ?", (t, n, k))):
                yield f"{realm}: {ident} has a {names.text(k)} {names.text(n)}, and the index knows of none"
    for table, count in due.items():
        have = next(iter(db.execute(f"SELECT count(*) FROM {table}")))[0]  # noqa: S608  # our own names
        if have != count:
            yield f"{realm}: the table {table} has {have} rows where the documents call for {count}"


def _missing(
    db: apsw.Connection,
    names: Names,
    e: int,
    rows: set[IndexRow],
    boxes: dict[tuple[int, int], tuple[float, float, float, float]],
    kinds: set[int],
) -> Iterator[str]:
    """What an entity's document calls for and no index has."""
    for row in rows:
        if not list(db.execute("SELECT 1 FROM attr WHERE t=? AND n=? AND v=? AND e=? AND d=? AND label=?", row)):
            yield f"is missing from the index of {names.text(row[1])}"
    for (t, n), wide in several_of(rows).items():
        known = next(iter(db.execute("SELECT wide FROM several WHERE t = ? AND n = ?", (t, n))), (-1,))[0]
        if known < wide:
            yield f"has several values of {names.text(n)}, and the index does not know it"
    for (n, d), box in boxes.items():
        found = list(db.execute(_BOX, (e, n, d)))
        if not found or any(abs(a - b) > 1e-3 for a, b in zip(found[0], box, strict=True)):
            yield f"is missing from the map index of {names.text(n)}"
    for t in kinds:
        if not list(db.execute("SELECT 1 FROM type WHERE t = ? AND e = ?", (t, e))):
            yield "is missing from the index of types"


_BOX: Final = "SELECT west, east, south, north FROM place JOIN geo USING (g) WHERE e = ? AND n = ? AND d = ?"


def fold(db: apsw.Connection, names: Names) -> dict[int, State]:
    """The state that checkpoint and log say, by entity number: documents, stamps and labels."""
    states: dict[int, State] = {}
    for e, raw, stamps, label in db.execute("SELECT e, doc, stamps, label FROM checkpoint"):
        kept = Stamps(0, 0, {}, {}) if stamps is None else codec.unpack_stamps(stamps)
        states[e] = State(None if raw is None else orjson.loads(raw), kept, names.text(label) if label else None)
    ids: dict[int, str] = dict(db.execute("SELECT e, id FROM entity"))
    for e, at, body in db.execute("SELECT e, at, body FROM log ORDER BY seq"):
        _, _, _, flags, parts = codec.unpack_change(body, at, names.text)
        state = states.get(e)
        if flags & codec.NEW or state is None:
            state = states[e] = State({"id": ids.get(e)}, Stamps(at, at, {}, {}))
        _replay(state, parts, at)
        if flags & codec.GONE:
            state.doc = None
    return states


def _replay(state: State, parts: tuple[Part, ...], at: int) -> None:
    """One Change once more."""
    doc, stamps = state.doc, state.stamps
    for name, dataset, status, _, new in parts:
        if status == "late":
            continue
        stamps.modified = at
        if name == LABEL:
            state.label = None if new is None else new["label"]
            stamps.labels = {} if new is None else dict(new["labels"])
            continue
        if doc is not None:
            put_instance(doc, name, dataset, new)
        if name in MEMBERS:
            continue
        own = stamps.attrs.setdefault(name, {})
        key = dataset or ""
        if new is None:
            own.pop(key, None)
            if not own:
                del stamps.attrs[name]
        else:
            own[key] = [at if status == "created" or key not in own else own[key][0], at]


def _log_faults(db: apsw.Connection, names: Names, realm: str) -> Iterator[str]:
    states = fold(db, names)
    for e, ident, raw, stamps, label in db.execute("SELECT e, id, doc, stamps, label FROM entity"):
        said = states.pop(e, None)
        stored: Doc | None = None if raw is None else _read(raw)
        if stored != (None if said is None else said.doc):
            yield f"{realm}: the log says otherwise of {ident} than the state does"
        elif stored is not None and said is not None:
            if (names.text(label) if label else None) != said.label:
                yield f"{realm}: the log gives {ident} another label than the state does"
            if codec.unpack_stamps(stamps) != said.stamps:
                yield f"{realm}: the log gives {ident} other stamps than the state does"
    for e in states:
        yield f"{realm}: the log tells of an entity numbered {e} that is not there"
    yield from _thread_faults(db, realm)
    count, newest = next(iter(db.execute("SELECT count(*), coalesce(max(seq), 0) FROM log")))
    begin = next(iter(db.execute("SELECT value FROM meta WHERE key = 'checkpoint_seq'")))[0]
    if count and count != newest - begin:
        yield f"{realm}: the log has holes: {count} records up to {newest}"


def _thread_faults(db: apsw.Connection, realm: str) -> Iterator[str]:
    """Whether each entity's newest Change leads back through all of them."""
    newest: dict[int, int] = {}
    for seq, e, prev in db.execute("SELECT seq, e, prev FROM log ORDER BY seq"):
        if newest.get(e, prev) != prev:
            yield f"{realm}: Change {seq} leads back to {prev} and not to {newest[e]}"
        newest[e] = seq
    for e, ident, seq in db.execute("SELECT e, id, seq FROM entity"):
        if newest.get(e, seq) != seq:
            yield f"{realm}: {ident} names {seq} as its newest Change and not {newest[e]}"


_GONE: Final = (
    "SELECT e, tenant, seq FROM entity WHERE doc IS NULL AND EXISTS (SELECT 1 FROM history WHERE history.e = entity.e)"
)


def rebuild(db: apsw.Connection, names: Names, realm: str) -> Iterator[str]:
    """State from checkpoint and log where they differ, and every index anew from the documents."""
    with db:
        for e, state in fold(db, names).items():
            row = next(iter(db.execute("SELECT doc, stamps, label FROM entity WHERE e = ?", (e,))), None)
            if row is None:  # its id stood there and nowhere else
                yield f"{realm}: the log tells of an entity numbered {e} whose id is lost; restore a backup"
                continue
            raw, stamps, label = row
            doc = None if state.doc is None else orjson.dumps(state.doc)
            new = (doc, codec.pack_stamps(state.stamps), 0 if state.label is None else names.intern(state.label))
            if (None if raw is None else _read(raw)) != state.doc or (doc and (stamps, label) != new[1:]):
                db.execute("UPDATE entity SET doc = ?, stamps = ?, label = ? WHERE e = ?", (*new, e))
                yield f"{realm}: state of entity {e} taken from the log"
        for e, seq in list(db.execute("SELECT e, max(seq) FROM log GROUP BY e")):
            db.execute("UPDATE entity SET seq = ? WHERE e = ?", (seq, e))
        for table in ("attr", "type", "place", "geo", "several", "kind", "was"):
            db.execute(f"DELETE FROM {table}")  # noqa: S608  # our own names
        for e, tenant, seq in list(db.execute(_GONE)):
            if (end := ended(db, names, seq)) is not None:
                kinds = [names.intern(type_word(names.text(tenant), kind)) for kind in end[1]]
                db.executemany("INSERT INTO was VALUES (?, ?)", [(t, e) for t in kinds])
        g = 0
        for e, tenant, raw, stamps, label in list(
            db.execute("SELECT e, tenant, doc, stamps, label FROM entity WHERE doc IS NOT NULL")
        ):
            whole = orjson.loads(raw)
            db.execute("UPDATE entity SET expires = ? WHERE e = ?", (expires(whole), e))
            word = names.text(tenant)
            kinds = [names.intern(type_word(word, kind)) for kind in types_of(whole)]
            db.executemany("INSERT INTO type VALUES (?, ?)", [(t, e) for t in kinds])
            rows = index_rows(whole, names, word, e, label, codec.unpack_stamps(stamps).labels)
            db.executemany("INSERT INTO attr VALUES (?, ?, ?, ?, ?, ?)", rows)
            for key, wide in several_of(rows).items():
                sql = "INSERT INTO several VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET wide = max(wide, excluded.wide)"
                db.execute(sql, (*key, wide))
            db.executemany("INSERT OR IGNORE INTO kind VALUES (?, ?, ?)", kinds_of(whole, names, word))
            for (n, d), box in place_rows(whole, names).items():
                g += 1
                db.execute("INSERT INTO place VALUES (?, ?, ?, ?)", (g, e, n, d))
                db.execute("INSERT INTO geo VALUES (?, ?, ?, ?, ?)", (g, *box))
        db.execute("DELETE FROM meta WHERE key = 'unindexed'")
        names.flush()
    names.settled(committed=True)
    yield f"{realm}: indexes written anew"
