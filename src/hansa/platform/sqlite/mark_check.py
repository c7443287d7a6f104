"""Whether marks say what the log says: every state, event, count and label of them, made once more from the log.

What does not is taken away, with all that stands after it: the city makes it again when it runs. For `hansa check`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import orjson

from hansa.errors import HansaError
from hansa.platform.sqlite.marking import Told, based, begun
from hansa.platform.sqlite.marks import WIDTH, Broken, Mark, Marks, remove, tie
from hansa.platform.sqlite.names import Names
from hansa.platform.sqlite.roll import COLUMNS, Roll, Stranger

_BESIDE = {
    "event": "SELECT seq, at, e, t, why FROM event WHERE seq > ? AND seq <= ? ORDER BY seq",
    "relabel": "SELECT seq, e, body FROM relabel WHERE seq > ? AND seq <= ? ORDER BY seq",
    "edit": "SELECT seq, e, n, d, body FROM edit WHERE seq > ? AND seq <= ? ORDER BY seq, e, n, d",
    "tally": "SELECT minute, t, label, own, many FROM tally WHERE seq > ? AND seq <= ? ORDER BY 1, 2, 3, 4",
}


def check_marks(db: apsw.Connection, path: Path, realm: str, key: bytes | None = None) -> Iterator[str]:
    """Every fault of the marks at `path` against the log read through `db`, a line each; none when there are none."""
    if not path.exists():
        return
    try:
        marks = Marks(path, key)
        marks.close()
        marks = Marks(path, key, write=True)
    except HansaError as fault:
        yield f"{realm}: {path.name} cannot be read: {fault.detail}; it is made anew"
        remove(path)
        return
    try:
        yield from _checked(db, marks, realm)
    except apsw.Error as fault:
        yield f"{realm}: {path.name} is damaged: {fault}; it is made anew"
        marks.close()
        remove(path)
    finally:
        marks.close()


def _checked(db: apsw.Connection, marks: Marks, realm: str) -> Iterator[str]:
    for (line,) in list(marks.db.execute("PRAGMA integrity_check")):
        if line != "ok":
            raise apsw.CorruptError(line)
    names = Names(db)
    begin = begun(db)
    roll = Roll(db, names, begin.seq)
    if begin.seq:
        highest = next(iter(db.execute("SELECT coalesce(max(e), 0) FROM checkpoint")))[0]
        for r in range(highest // WIDTH + 1):
            roll.add(based(db, names, r))
    last = begin
    for one in list(marks.all()):
        try:
            faults = list(_mark_faults(db, marks, names, roll, last, one, realm))
        except (Broken, Stranger) as fault:
            faults = [f"{realm}: the mark after Change {one.seq} cannot be held against the log: {fault}"]
        if faults:
            yield from faults[:10]
            yield f"{realm}: marks from Change {one.seq} on are taken away; they are made anew when the city runs"
            marks.forget_from(one.seq)
            return
        last = one
    ((stray,),) = list(marks.db.execute("SELECT count(*) FROM chunk WHERE seq NOT IN (SELECT seq FROM mark)"))
    if stray:
        yield f"{realm}: {stray} chunks of marks belong to no mark; they are taken away"
        with marks.db:
            marks.db.execute("DELETE FROM chunk WHERE seq NOT IN (SELECT seq FROM mark)")


def _mark_faults(
    db: apsw.Connection, marks: Marks, names: Names, roll: Roll, last: Mark, one: Mark, realm: str
) -> Iterator[str]:
    told = Told(names, realm)
    touched: set[int] = set()
    end: tuple[int, bytes] | None = None
    after = last.seq
    sql = f"SELECT {COLUMNS} FROM log WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT 20000"  # noqa: S608  # our own names
    while rows := list(db.execute(sql, (after, one.seq))):
        told.take(roll, rows)
        touched.update(row[1] // WIDTH for row in rows)
        after, end = rows[-1][0], (rows[-1][2], rows[-1][3])
    if after != one.seq or end is None or tie(*end) != one.tie:
        yield f"{realm}: the mark after Change {one.seq} is of another log"
        return
    made = {r for (r,) in marks.db.execute("SELECT r FROM chunk WHERE seq = ?", (one.seq,))}
    if made != touched:
        yield f"{realm}: the mark after Change {one.seq} holds other ranges than changed"
        return
    for r in sorted(touched):
        kept = {row[0]: row for row in marks.chunk(r, one.seq) or ()}
        for e in range(r * WIDTH, (r + 1) * WIDTH):
            thing = roll.things.get(e)
            said = kept.get(e)
            if (thing is None) != (said is None):
                yield f"{realm}: the mark after Change {one.seq} holds entity {e}, or not, against the log"
            elif thing is not None and said is not None:
                there = [thing.tenant, thing.types, thing.label, thing.labels, thing.doc(names)]
                if there != [said[1], list(said[2]), said[3], said[4], orjson.loads(said[5])]:
                    yield f"{realm}: the mark after Change {one.seq} says otherwise of entity {e} than the log"
    due: dict[str, list[Any]] = {
        "event": sorted(told.events),
        "relabel": sorted(told.relabels),
        "edit": sorted(told.edits, key=lambda row: row[:4]),
        "tally": sorted((*key, many) for key, many in told.tally.items()),
    }
    for table, rows in due.items():
        if list(marks.db.execute(_BESIDE[table], (last.seq, one.seq))) != rows:
            yield f"{realm}: what the mark after Change {one.seq} notes as {table} is not what the log says"
