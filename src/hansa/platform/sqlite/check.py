"""Proof and repair: the index says what the documents say, and checkpoint plus log say what the state is."""

from collections.abc import Iterator
from typing import Any

import apsw
import orjson

from hansa.model.change import put_instance
from hansa.model.entity import Doc
from hansa.platform import codec
from hansa.platform.sqlite.names import Names


def check(db: apsw.Connection, names: Names, realm: str) -> Iterator[str]:
    """Every fault of a realm's file, a line each; nothing when it is sound."""
    for (line,) in db.execute("PRAGMA integrity_check"):
        if line != "ok":
            yield f"{realm}: the file is damaged: {line}"
    yield from _index_faults(db, names, realm)
    yield from _log_faults(db, names, realm)


def _index_faults(db: apsw.Connection, names: Names, realm: str) -> Iterator[str]:
    from hansa.platform.sqlite.store import index_rows, place_rows  # noqa: PLC0415  # each needs the other

    entities = 0
    rows_due = places_due = kinds_due = 0
    stored = "SELECT e, tenant, id, doc, stamps, label FROM entity WHERE doc IS NOT NULL"
    for e, tenant, ident, raw, stamps, label in db.execute(stored):
        entities += 1
        doc: Doc = orjson.loads(raw)
        if doc.get("id") != ident:
            yield f"{realm}: entity {ident} holds the document of {doc.get('id')}"
        word = names.text(tenant)
        due = index_rows(doc, names, word, e, label, codec.unpack_stamps(stamps).labels)
        rows_due += len(due)
        for row in due:
            if not list(db.execute("SELECT 1 FROM attr WHERE t=? AND n=? AND v=? AND e=? AND d=? AND label=?", row)):
                yield f"{realm}: {ident} is missing from the index of {names.text(row[1])}"
        boxes = place_rows(doc, names)
        places_due += len(boxes)
        for (n, d), box in boxes.items():
            found = list(
                db.execute(
                    "SELECT west, east, south, north FROM place JOIN geo USING (g) WHERE e=? AND n=? AND d=?", (e, n, d)
                )
            )
            if not found or any(abs(a - b) > 1e-3 for a, b in zip(found[0], box, strict=True)):
                yield f"{realm}: {ident} is missing from the map index of {names.text(n)}"
        kinds = {row[0] for row in due} or None
        held = {t for (t,) in db.execute("SELECT t FROM type WHERE e = ?", (e,))} if kinds is None else kinds
        for t in held:
            kinds_due += 1
            if not list(db.execute("SELECT 1 FROM type WHERE t = ? AND e = ?", (t, e))):
                yield f"{realm}: {ident} is missing from the index of types"
    for table, due_count in (("attr", rows_due), ("place", places_due), ("geo", places_due)):
        have = next(iter(db.execute(f"SELECT count(*) FROM {table}")))[0]  # noqa: S608  # our own names
        if have != due_count:
            yield f"{realm}: the table {table} has {have} rows where the documents call for {due_count}"
    orphans = next(
        iter(db.execute("SELECT count(*) FROM type WHERE e NOT IN (SELECT e FROM entity WHERE doc IS NOT NULL)"))
    )[0]
    if orphans:
        yield f"{realm}: the index of types names {orphans} entities that are gone"


def fold(db: apsw.Connection, names: Names) -> dict[int, tuple[Doc | None, str | None]]:
    """The state that checkpoint and log say: documents and labels by entity number."""
    state: dict[int, tuple[Doc | None, str | None]] = {}
    for e, raw, label in db.execute("SELECT e, doc, label FROM checkpoint"):
        state[e] = (None if raw is None else orjson.loads(raw), names.text(label) if label else None)
    ids: dict[int, str] = dict(db.execute("SELECT e, id FROM entity"))
    for e, at, body in db.execute("SELECT e, at, body FROM log ORDER BY seq"):
        _, _, _, flags, parts = codec.unpack_change(body, at, names.text)
        doc, label = state.get(e, (None, None))
        if flags & codec.GONE:
            state[e] = (None, label)
            continue
        if flags & codec.NEW or doc is None:
            doc = {"id": ids[e]}
            label = None
        for part in parts:
            if part.name == "label":
                label = part.new
            elif part.status != "late":
                put_instance(doc, part.name, part.dataset, part.new)
        state[e] = (doc, label)
    return state


def _log_faults(db: apsw.Connection, names: Names, realm: str) -> Iterator[str]:
    state = fold(db, names)
    for e, ident, raw, label in db.execute("SELECT e, id, doc, label FROM entity"):
        said, said_label = state.pop(e, (None, None))
        stored: Any = None if raw is None else orjson.loads(raw)
        if stored != said:
            yield f"{realm}: the log says otherwise of {ident} than the state does"
        elif stored is not None and (names.text(label) if label else None) != said_label:
            yield f"{realm}: the log gives {ident} another label than the state does"
    for e in state:
        yield f"{realm}: the log tells of an entity numbered {e} that is not there"
    seqs = next(iter(db.execute("SELECT count(*), coalesce(max(seq), 0) FROM log")))
    begin = next(iter(db.execute("SELECT value FROM meta WHERE key = 'checkpoint_seq'")))[0]
    if seqs[0] and seqs[0] != seqs[1] - begin:
        yield f"{realm}: the log has holes: {seqs[0]} records up to {seqs[1]}"


def rebuild(db: apsw.Connection, names: Names, realm: str) -> Iterator[str]:
    """State from checkpoint and log where they differ, and every index anew from the documents."""
    from hansa.platform.sqlite.store import index_rows, place_rows  # noqa: PLC0415  # each needs the other
    from hansa.platform.sqlite.reader import type_word  # noqa: PLC0415

    with db:
        for e, (doc, _) in fold(db, names).items():
            ((raw,),) = db.execute("SELECT doc FROM entity WHERE e = ?", (e,))
            if (None if raw is None else orjson.loads(raw)) != doc:
                body = None if doc is None else orjson.dumps(doc)
                db.execute("UPDATE entity SET doc = ? WHERE e = ?", (body, e))
                yield f"{realm}: state of entity {e} taken from the log"
        for table in ("attr", "type", "place", "geo"):
            db.execute(f"DELETE FROM {table}")  # noqa: S608  # our own names
        g = 0
        stored = "SELECT e, tenant, doc, stamps, label FROM entity WHERE doc IS NOT NULL"
        for e, tenant, raw, stamps, label in list(db.execute(stored)):
            doc_ = orjson.loads(raw)
            word = names.text(tenant)
            kinds = doc_["type"] if isinstance(doc_["type"], list) else [doc_["type"]]
            db.executemany("INSERT INTO type VALUES (?, ?)", [(names.intern(type_word(word, t)), e) for t in kinds])
            rows = index_rows(doc_, names, word, e, label, codec.unpack_stamps(stamps).labels)
            db.executemany("INSERT INTO attr VALUES (?, ?, ?, ?, ?, ?)", rows)
            for (n, d), box in place_rows(doc_, names).items():
                g += 1
                db.execute("INSERT INTO place VALUES (?, ?, ?, ?)", (g, e, n, d))
                db.execute("INSERT INTO geo VALUES (?, ?, ?, ?, ?)", (g, *box))
        names.flush()
    names.settled(committed=True)
    yield f"{realm}: indexes written anew"
