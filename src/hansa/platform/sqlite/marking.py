"""Making marks (`marks`) of the log: beside the city that writes it, through a connection that only reads.

One mark costs what its Changes cost, wherever in the log it is, and writes one transaction into the marks' own file.
Report: 2.4.2. Tests: `tests/platform/test_marks.py`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from enum import IntFlag
from typing import Any, Final

import apsw
import orjson

from hansa.model.change import LABEL
from hansa.model.entity import alias, types_of
from hansa.platform import codec
from hansa.platform.sqlite.marks import BEGIN, MINUTE, WIDTH, Broken, Kept, Mark, Marks, tie
from hansa.platform.sqlite.names import Names
from hansa.platform.sqlite.plan import type_word
from hansa.platform.sqlite.roll import COLUMNS, Record, Roll, Row
from hansa.trust.labels import unlabelled

SLACK: Final = 300_000_000
"""Microseconds: a Change so far ahead of the city's clock was of a clock that was wrong, and moves no mark."""


class Why(IntFlag):
    """Why a Change is an event, which a time line shows by itself."""

    DONE = 1  # by somebody: a person, a service, the administrator
    ALARM = 2
    INCIDENT = 4
    COMMAND = 8


KINDS: Final = {"Alert": Why.ALARM, "Incident": Why.INCIDENT, "Command": Why.COMMAND}
_PEOPLE: Final = ("person:", "service:")


def begun(db: apsw.Connection) -> Mark:
    """The place where the log begins, as a mark: what was before stands in the realm's own checkpoint."""
    seq = next(iter(db.execute("SELECT coalesce((SELECT value FROM meta WHERE key = 'checkpoint_seq'), 0)")))[0]
    if not seq:
        return BEGIN
    first = next(iter(db.execute("SELECT min(seq), min(at) FROM (SELECT seq, at FROM log ORDER BY seq LIMIT 1)")), None)
    return Mark(seq, (first[1] or 1) - 1 if first else 0, b"", 0, 0)


def tied(db: apsw.Connection, one: Mark) -> bool:
    """Whether a mark is of this log: its record is the one that stands there."""
    rows = list(db.execute("SELECT at, body FROM log WHERE seq = ?", (one.seq,)))
    return bool(rows) and tie(*rows[0]) == one.tie


class Marker:
    """Makes the marks of one realm, one after the other."""

    def __init__(self, db: apsw.Connection, marks: Marks, realm: str, every: int) -> None:
        """Read the log through `db`; a mark every so many Changes."""
        self._db = db
        self._marks = marks
        self._every = every
        self._realm = realm
        self._names = Names(db)

    def owed(self) -> int:
        """Changes beyond the last mark."""
        head = next(iter(self._db.execute("SELECT coalesce(max(seq), 0) FROM log")))[0]
        return int(head) - max(self._marks.newest().seq, begun(self._db).seq)

    def sound(self) -> int:
        """Take away marks that are of another log than this one (a backup was restored); how many stay."""
        marks = list(self._marks.all())
        good = len(marks)
        while good and not tied(self._db, marks[good - 1]):
            good -= 1
        if good < len(marks):
            self._marks.forget_from(marks[good].seq)
        return good

    def step(self, now: int) -> Mark | None:
        """Make the next mark, `every` Changes on or where the log ends; None when there is nothing to mark."""
        last = self._marks.newest()
        if last.seq == 0:
            last = begun(self._db)
        sql = f"SELECT {COLUMNS} FROM log WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608  # our own names
        rows: list[Row] = list(self._db.execute(sql, (last.seq, self._every)))
        if not rows:
            return None
        self._names.refresh()
        try:
            return self._made(last, rows, now)
        except Broken as fault:  # what it would stand on is not sound: that is made anew first
            self._marks.forget_from(fault.seq)
            return self._marks.newest()

    def _made(self, last: Mark, rows: list[Row], now: int) -> Mark:
        seq = rows[-1][0]
        told = Told(self._names, self._realm)
        by_range: dict[int, list[Row]] = {}
        for row in rows:
            by_range.setdefault(row[1] // WIDTH, []).append(row)
        marks, size, more = self._marks, 0, 0
        with marks.db:
            for r, some in sorted(by_range.items()):
                roll = Roll(self._db, self._names, last.seq)
                roll.add(self._before(r, last))
                more -= len(roll.things)
                told.take(roll, some)
                more += len(roll.things)
                size += marks.put_chunk(
                    r, seq, [thing.kept(e, self._names) for e, thing in sorted(roll.things.items())]
                )
            told.write(marks.db, seq)
            reach = max([last.reach, *(at for _, _, at, _, _ in rows if at <= now + SLACK)])
            made = Mark(seq, reach, tie(rows[-1][2], rows[-1][3]), last.entities + more, size)
            marks.db.execute("INSERT INTO mark VALUES (?, ?, ?, ?, ?)", made)
        return made

    def _before(self, r: int, last: Mark) -> Iterable[Kept]:
        found = self._marks.chunk(r, last.seq)
        return based(self._db, self._names, r) if found is None else found


def based(db: apsw.Connection, names: Names, r: int) -> Iterator[Kept]:
    """What the realm's own checkpoint holds of a range: the state where the log begins."""
    sql = (
        "SELECT checkpoint.e, tenant, checkpoint.doc, checkpoint.stamps, checkpoint.label "
        "FROM checkpoint JOIN entity USING (e) WHERE checkpoint.e >= ? AND checkpoint.e < ? AND checkpoint.doc NOT NULL"
    )
    for e, tenant, doc, stamps, label in db.execute(sql, (r * WIDTH, (r + 1) * WIDTH)):
        labels = {} if stamps is None else codec.labels_of(stamps)
        word = names.text(tenant)
        types = [names.number(type_word(word, kind)) or 0 for kind in types_of(orjson.loads(doc))]
        yield e, tenant, types, names.text(label) if label else None, labels, doc


class Told:
    """What is noted of Changes beside the state that they make."""

    def __init__(self, names: Names, realm: str) -> None:
        """Nothing yet."""
        self._names = names
        self._default = unlabelled(realm)
        self._why: dict[int, int] = {}
        self._people: dict[int, bool] = {}
        self.tally: Counter[tuple[int, int, str, str]] = Counter()
        self.events: list[tuple[int, int, int, int, int]] = []
        self.relabels: list[tuple[int, int, bytes]] = []
        self.edits: list[tuple[int, int, int, int, bytes | None]] = []

    def take(self, roll: Roll, rows: Iterable[Row]) -> None:
        """Go on with the roll over these records, of few entities, and note what they tell."""
        for row in rows:
            seq, e, at, body, t = row
            said = codec.record(body)
            before = roll.things.get(e)
            was = None if before is None else (before.label, before.labels)
            roll.go(row, said)
            thing = roll.things.get(e) or before
            self.note(seq, e, at, t, said, was)
            if thing is not None:
                self.count(at, t, said, (thing.label, thing.labels))

    def count(self, at: int, t: int, said: Record, labels: tuple[str | None, dict[str, str]]) -> None:
        """Count one Change of an entity that is labelled so."""
        own = self._own(labels[1], said) if labels[1] else ""
        self.tally[at // MINUTE, t, labels[0] or self._default, own] += 1

    def _own(self, labels: dict[str, str], said: Record) -> str:
        """The label of what changed, where all of that has one of its own; of several labels all, a line each."""
        found: set[str] = set()
        for n, *_ in said[4]:
            label = labels.get(self._names.text(n))
            if label is None:
                return ""
            found.add(label)
        return "\n".join(sorted(found))

    def note(
        self, seq: int, e: int, at: int, t: int, said: Record, was: tuple[str | None, dict[str, str]] | None
    ) -> None:
        """What one Change tells beside its state."""
        why = self._why.get(t)
        if why is None:
            why = self._why[t] = int(KINDS.get(alias(self._names.text(t)), 0)) if t else 0
        if self._by_people(said[0]):
            why |= int(Why.DONE)
        if why:
            self.events.append((seq, at, e, t, why))
        for n, d, code, old, new in said[4]:
            if was is not None and self._names.text(n) == LABEL:
                self.relabels.append((seq, e, orjson.dumps(was)))
            elif code == codec.LATE and new is None:
                self.edits.append((seq, e, n, d, None if old is None else codec.pack([at, old])))
            elif code == codec.LATE and old is not None and self._names.text(n) != "type":
                self.edits.append((seq, e, n, d, codec.pack([at, old])))

    def _by_people(self, actor: int) -> bool:
        found = self._people.get(actor)
        if found is None:
            word = self._names.text(actor)
            found = self._people[actor] = word.startswith(_PEOPLE) or word == "administrator"
        return found

    def write(self, db: apsw.Connection, seq: int) -> None:
        """Write it beside the mark `seq`, in its transaction."""
        db.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?)", self.events)
        db.executemany("INSERT OR REPLACE INTO relabel VALUES (?, ?, ?)", self.relabels)
        db.executemany("INSERT OR REPLACE INTO edit VALUES (?, ?, ?, ?, ?)", self.edits)
        rows: list[tuple[Any, ...]] = [(*key, seq, many) for key, many in self.tally.items()]
        db.executemany("INSERT INTO tally VALUES (?, ?, ?, ?, ?, ?)", rows)
