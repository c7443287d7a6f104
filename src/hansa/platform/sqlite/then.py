"""What a realm was at any instant: from the mark before it, forward with the log.

For one thread, through connections of its own. Nobody's sight is looked at here: `analytics.rewind` does.
"""

from array import array
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import apsw
import orjson

from hansa.errors import Busy, HansaError
from hansa.model.change import LABEL
from hansa.model.entity import alias
from hansa.platform import codec
from hansa.platform.sqlite.marking import SLACK, Told, Why, based, begun, tied
from hansa.platform.sqlite.marks import MINUTE, WIDTH, Broken, Mark, Marks
from hansa.platform.sqlite.names import Names
from hansa.platform.sqlite.roll import COLUMNS, Roll, Row, Stranger, Thing
from hansa.platform.sqlite.schema import connect

Kinds = frozenset[str] | None
"""Types by their short terms; None: all."""
Labels = tuple[str | None, dict[str, str]]
"""The label of an entity, and those of attributes that have one of their own."""

_FINGERS: Final = 4  # places in the log that are remembered with their states: so many people may play at once
_STRANGERS: Final = 1_000


class Event(NamedTuple):
    """A Change that a time line shows by itself."""

    seq: int
    at: int
    e: int
    t: int
    why: int


class Edit(NamedTuple):
    """What was taken back of history: of attribute and dataset, one instance as it was at a time, or (None) all."""

    seq: int
    n: int
    d: int
    at: int
    old: Any


class Then:
    """The past of one realm."""

    def __init__(
        self, path: Path | str, marks: Path | str, realm: str, key: bytes | None = None, marks_key: bytes | None = None,
        *, most: int = 1_000_000, held: int = 400_000,
    ) -> None:  # fmt: skip
        """Of the store at `path`, each file with its key. Roll at most `most` Changes; hold `held` states in memory."""
        self.realm = realm
        self._db = connect(path, key)
        self.names = Names(self._db)
        self._path, self._key = marks, marks_key
        self._marks: Marks | None = None
        self._most, self._held = most, held
        self._fingers: OrderedDict[tuple[Kinds, int], Roll] = OrderedDict()
        self._tail = _Tail(self._db, self.names, realm)
        self.broken: int | None = None
        """The first mark that was found damaged: it is to be made anew."""

    def close(self) -> None:
        """Let go of the files."""
        self._db.close()
        if self._marks is not None:
            self._marks.close()

    # Where

    @property
    def marks(self) -> Marks | None:
        """The marks, once there are any."""
        if self._marks is None:
            with suppress(HansaError, apsw.Error):
                self._marks = Marks(self._path, self._key)
        return self._marks

    def head(self) -> tuple[int, int]:
        """Place and time of the newest Change; zeros where there is none."""
        return self._one("SELECT seq, at FROM log ORDER BY seq DESC LIMIT 1") or (0, 0)

    def first(self) -> tuple[int, int]:
        """Place and time of the oldest Change of the realm's own tenant that the log still holds; zeros: none.

        Before it stands only what the city writes of itself (such as who may what): no picture that anybody would know.
        """
        sql = "SELECT log.seq, at FROM log CROSS JOIN entity USING (e) WHERE tenant = ? ORDER BY log.seq LIMIT 1"
        return self._one(sql, self.names.number("")) or (0, 0)

    def _one(self, sql: str, *given: Any) -> Any:
        return next(iter(list(self._db.execute(sql, given))), None)

    def _mark(self, one: Mark) -> Mark:
        """A mark, if it is of this log and not damaged; else the beginning of the log."""
        begin = begun(self._db)
        if one.seq <= begin.seq or (self.broken is not None and one.seq >= self.broken):
            return begin
        if not tied(self._db, one):
            self.broken = min(one.seq, self.broken or one.seq)
            return begin
        return one

    def _near(self, when: int) -> Mark:
        return self._checked(lambda marks: marks.at(when))

    def _before(self, seq: int) -> Mark:
        return self._checked(lambda marks: marks.before(seq))

    def _checked(self, ask: Any) -> Mark:
        marks = self.marks
        if marks is None:
            return begun(self._db)
        try:
            found: Mark = ask(marks)
            if self.broken is not None and found.seq >= self.broken:
                found = marks.before(self.broken - 1)
        except apsw.Error:  # the file is damaged: the log is whole
            self.broken = 0
            return begun(self._db)
        return self._mark(found)

    def place(self, when: int, now: int) -> int:
        """The seq of the last Change that had happened at `when`; 0 where none had.

        Time in the log is the newest time until there: a clock that was set back does not make things unhappen. A time
        far ahead of `now` is one that never was, and does not count.
        """
        mark = self._near(when)
        until = mark.seq + self._most
        sql = "SELECT seq FROM log WHERE seq > ? AND seq <= ? AND at > ? AND at <= ? ORDER BY seq LIMIT 1"
        after = self._one(sql, mark.seq, until, when, now + SLACK)
        if after is not None:
            return int(after[0]) - 1
        if self.head()[0] > until:
            raise self._unmarked()
        return self.head()[0]

    def _unmarked(self) -> Busy:
        newest = self.marks.newest() if self.marks is not None else None
        far = 0 if newest is None else newest.seq
        return Busy(
            f"the log is still being marked: {far:,} of {self.head()[0]:,} Changes", mend="try again in a minute"
        )

    # States

    def kinds(self, kinds: Kinds) -> frozenset[int] | None:
        """The numbers of types, of the realm's own tenant."""
        if kinds is None:
            return None
        self.names.refresh()
        return frozenset(n for n, word in self.names.since(0).items() if word in kinds or alias(word) in kinds)

    def states(self, seq: int, kinds: Kinds = None) -> Roll:
        """Every entity of these types as of `seq`. The caller may go on with it, and `keep` it for later."""
        known = [place for of, place in self._fingers if of == kinds and place <= seq]
        mark = self._before(seq)
        if known and max(known) >= mark.seq:
            with suppress(Stranger):
                return self._forward(self._fingers.pop((kinds, max(known))), seq, kinds)
        while True:
            if seq - mark.seq > self._most:
                raise self._unmarked()
            try:
                return self._from(mark, seq, kinds)
            except Broken as fault:
                self.broken = min(fault.seq, self.broken or fault.seq)
                mark = self._before(seq)
            except apsw.Error:
                self.broken = 0
                mark = begun(self._db)

    def thing(self, e: int, seq: int) -> Thing:
        """One entity as of `seq`, which is there."""
        mark = self._before(seq)
        roll = self._loaded(mark, frozenset(), {e})
        roll.take(self.rows(mark.seq, seq), lambda one, _: one == e)
        if e not in roll.things:
            raise HansaError("the log tells of an entity that is not there", mend="run hansa check")
        return roll.things[e]

    def keep(self, roll: Roll, kinds: Kinds) -> None:
        """Remember states, so that whoever plays on finds them."""
        self._fingers[kinds, roll.seq] = roll
        while len(self._fingers) > 1 and (
            len(self._fingers) > _FINGERS or sum(len(one.things) for one in self._fingers.values()) > self._held
        ):
            self._fingers.popitem(last=False)

    def _from(self, mark: Mark, seq: int, kinds: Kinds) -> Roll:
        also: set[int] = set()
        while True:
            try:
                roll = self._loaded(mark, kinds, also)
                return self._forward(roll, seq, kinds, also)
            except Stranger as one:
                if one.e in also or len(also) >= _STRANGERS:
                    raise HansaError("the log tells of an entity that is not there", mend="run hansa check") from None
                also.add(one.e)

    def _loaded(self, mark: Mark, kinds: Kinds, also: set[int]) -> Roll:
        roll = Roll(self._db, self.names, mark.seq)
        self.names.refresh()
        wanted = self.kinds(kinds)
        marks = self.marks
        begin = begun(self._db)
        marked = marks is not None and mark.seq > begin.seq
        ranges = len(marks.ranges()) if marks is not None and marked else 0
        if begin.seq:  # what was before the log's beginning stands in the realm's own checkpoint
            ranges = max(ranges, 1 + (self._one("SELECT coalesce(max(e), 0) FROM checkpoint")[0]) // WIDTH)
        only = wanted if not also else None  # whoever wants single ones too looks at all
        for r in range(ranges):
            found = marks.chunk(r, mark.seq, only) if marks is not None and marked else None
            if found == []:
                roll.passed.add(r)
            for one in based(self._db, self.names, r) if found is None else found:
                if wanted is None or one[0] in also or not wanted.isdisjoint(one[2]):
                    roll.add((one,))
                else:
                    roll.others.add(one[0])
        return roll

    def _forward(self, roll: Roll, seq: int, kinds: Kinds, also: Collection[int] = ()) -> Roll:
        wanted = self.kinds(kinds)
        wants = None if wanted is None else (lambda e, t: t in wanted or not t or e in also)
        roll.take(self.rows(roll.seq, seq), wants)
        roll.seq = seq
        return roll

    def rows(self, after: int, until: int) -> Iterator[Row]:
        """Records of the log, in bounded reads: a long one would hold up the WAL."""
        sql = f"SELECT {COLUMNS} FROM log WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT 20000"  # noqa: S608
        while after < until:
            rows: list[Row] = list(self._db.execute(sql, (after, until)))
            if not rows:
                return
            yield from rows
            after = rows[-1][0]

    def labels(self, numbers: Iterable[int]) -> dict[int, Labels]:
        """How entities are labelled now, by their numbers; also such as are gone."""
        found: dict[int, Labels] = {}
        sql = "SELECT e, label, stamps FROM carray(?1) AS said CROSS JOIN entity ON e = said.value"
        many = tuple(numbers)
        if not many:
            return found
        text = self.names.text
        for e, label, stamps in self._db.execute(sql, (apsw.carray(array("q", many)),)):
            own = codec.labels_of(stamps) if stamps is not None and codec.labelled(stamps) else {}
            found[e] = text(label) if label else None, own
        return found

    # What is beside the states

    def edits(self, seq: int) -> dict[int, list[Edit]]:
        """What was taken back of history after `seq`, by entity: at `seq` it was there, and is not to be shown."""
        found: dict[int, list[Edit]] = {}
        for one, e, n, d, body in self._beside("SELECT seq, e, n, d, body FROM edit WHERE seq > ?", (seq,), "edits"):
            if one > seq:
                at, old = (0, None) if body is None else codec.unpack(body)
                dataset = self.names.text(d) if d else None
                found.setdefault(e, []).append(Edit(one, n, d, at, codec.unpack_one(old, at, dataset, self.names.text)))
        return found

    def events(self, since: int, until: int, why: int, limit: int = 1_000_000) -> list[Event]:
        """Changes from `since` to before `until` (microseconds) that show by themselves, for one of these reasons.

        Of those that are marked, `limit` at most.
        """
        sql = "SELECT seq, at, e, t, why FROM event WHERE at >= ? AND at < ? AND why & ? ORDER BY at, seq LIMIT ?"
        rows = self._beside(sql, (since, until, why, limit), "events")
        return [Event(*row) for row in rows if since <= row[1] < until and row[4] & why]

    def tallies(self, since: int, until: int) -> Iterator[tuple[int, int, str, str, int]]:
        """Minute (microseconds), type, label, own label and how many Changes."""
        low, high = since // MINUTE, -(-until // MINUTE)
        sql = "SELECT minute, t, label, own, sum(many) FROM tally WHERE minute >= ? AND minute < ? GROUP BY 1, 2, 3, 4"
        rows = list(self._beside(sql, (low, high), ""))
        rows += [(*key, many) for key, many in self._tail.told.tally.items() if low <= key[0] < high]
        for minute, t, label, own, many in rows:
            yield minute * MINUTE, t, label, own, many

    def relabelled(self) -> dict[int, list[tuple[int, Labels]]]:
        """Entities that were labelled otherwise: by number, until which Change and how, oldest first."""
        found: dict[int, list[tuple[int, Labels]]] = {}
        for seq, e, body in sorted(self._beside("SELECT seq, e, body FROM relabel", (), "relabels")):
            label, own = orjson.loads(body)
            found.setdefault(e, []).append((seq, (label, own)))
        return found

    def _beside(self, sql: str, given: tuple[Any, ...], tail: str) -> Iterator[Any]:
        """Rows of the marks, then those of the log beyond the last of them."""
        marks = self.marks
        begin = begun(self._db).seq
        newest = begin
        if marks is not None:
            try:
                one = self._mark(marks.newest())
                newest = max(begin, one.seq)
                if one.seq > begin:
                    yield from list(marks.db.execute(sql, given))
            except apsw.Error:
                self.broken, newest = 0, begin
        self._tail.follow(newest, self.head()[0], self._most, self.rows)
        if tail:
            yield from list(getattr(self._tail.told, tail))

    def thread(self, e: int, since: int) -> Iterator[tuple[int, int, int]]:
        """seq, time and type of an entity's Changes, newest first, back to a time (microseconds)."""
        last = (self._one("SELECT seq FROM entity WHERE e = ?", e) or (0,))[0]
        while last:
            found = self._one("SELECT seq, at, t, prev FROM log WHERE seq = ?", last)
            if found is None or found[1] < since:
                return
            yield found[:3]
            last = found[3]

    def doings(self, seqs: Iterable[int]) -> Iterator[tuple[Row, Any]]:
        """Records by their places, with what they say."""
        sql = f"SELECT {COLUMNS} FROM carray(?1) AS said CROSS JOIN log ON seq = said.value"  # noqa: S608
        many = tuple(seqs)
        if many:
            for row in list(self._db.execute(sql, (apsw.carray(array("q", many)),))):
                yield row, codec.record(row[3])

    def ids(self, numbers: Iterable[int]) -> dict[int, tuple[int, str]]:
        """Tenant and id of entities by their numbers."""
        many = tuple(numbers)
        sql = "SELECT e, tenant, id FROM carray(?1) AS said CROSS JOIN entity ON e = said.value"
        return (
            {e: (tenant, ident) for e, tenant, ident in self._db.execute(sql, (apsw.carray(array("q", many)),))}
            if many
            else {}
        )


class _Tail:
    """What the log tells beyond the last mark, read once."""

    def __init__(self, db: apsw.Connection, names: Names, realm: str) -> None:
        self._db = db
        self._names = names
        self._realm = realm
        self._from = self._to = -1
        self._labels: dict[int, Labels] = {}
        self.told = Told(names, realm)

    def follow(self, begin: int, head: int, most: int, rows: Any) -> None:
        """Have what lies after `begin`, up to `head` (or as much of it as may be read)."""
        if begin != self._from:
            self._from = self._to = begin
            self.told = Told(self._names, self._realm)
        until = min(head, begin + most)
        if until <= self._to:
            return
        self._names.refresh()
        self._labels.clear()
        some = list(rows(self._to, until))
        text = self._names.text
        # Labels as they were: backwards from those of now, each relabelling says what was before it.
        labels: dict[int, Labels] = {}
        read: list[tuple[Row, Any, Labels | None, Labels]] = []
        for row in reversed(some):
            e, at = row[1], row[2]
            said = codec.record(row[3])
            then = labels.get(e) or self._now(e)
            was: Labels | None = None
            for n, _, _, old, _ in said[4]:
                if text(n) == LABEL:
                    one = codec.unpack_one(old, at, None, text)
                    was = labels[e] = (None, {}) if one is None else (one["label"], dict(one["labels"]))
            read.append((row, said, None if said[3] & codec.NEW else was, then))
        told = self.told
        for (seq, e, at, _, t), said, was, then in reversed(read):
            told.note(seq, e, at, t, said, was)
            told.count(at, t, said, then)
        self._to = until

    def _now(self, e: int) -> Labels:
        found = self._labels.get(e)
        if found is None:
            if len(self._labels) > 100_000:
                self._labels.clear()
            rows = list(self._db.execute("SELECT label, stamps FROM entity WHERE e = ?", (e,)))
            label, stamps = rows[0] if rows else (0, None)
            own = codec.labels_of(stamps) if stamps is not None and codec.labelled(stamps) else {}
            found = self._labels[e] = self._names.text(label) if label else None, own
        return found


__all__ = ["Edit", "Event", "Kinds", "Labels", "Then", "Why"]
