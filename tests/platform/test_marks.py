"""Marks in the log: any instant is rolled to from one, they say what the log says, and damage to them is found."""

import random

import apsw
import orjson
import pytest

from hansa import clock
from hansa.errors import Busy
from hansa.model.change import Write
from hansa.platform import codec
from hansa.platform.sqlite.check import fold
from hansa.platform.sqlite.marking import Why
from hansa.platform.sqlite.marks import Broken, Marks
from hansa.platform.sqlite.then import Then
from past_made import BEGIN, LATER, Told, point, prop, reading

KEY = bytes(range(32))


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    """Chunks of few entities, so that few entities make several."""
    for module in ("marks", "marking", "mark_check", "roll", "then"):
        monkeypatch.setattr(f"hansa.platform.sqlite.{module}.WIDTH", 4)


@pytest.fixture
def told(tmp_path):
    one = Told(tmp_path)
    yield one
    one.close()


def docs(roll):
    return {e: thing.doc(roll.names) for e, thing in roll.things.items()}


def oracle(store, until):
    """The state that the whole log says, up to a place: `check.fold` over a copy that ends there."""
    copy = apsw.Connection(":memory:")
    with copy.backup("main", store.db, "main") as pages:
        pages.step(-1)
    copy.execute("DELETE FROM log WHERE seq > ?", (until,))
    states = {e: state for e, state in fold(copy, store.names).items() if state.doc is not None}
    copy.close()
    return states


def anything(rng, n):
    """One random write: everything that moves a state, also what does not."""
    ident = f"urn:x:{n}"
    kind = rng.choice(["A", "B", ["A", "B"], "A"])
    when = clock.text(BEGIN + rng.randrange(3_600) * clock.SECOND)
    values = [prop(rng.randrange(50), observedAt=when), prop(f"w{rng.randrange(5)}"), point(rng.randrange(9), 48),
              [prop(1, datasetId="urn:d:1"), prop(rng.randrange(9))]]  # fmt: skip
    doc = {"id": ident, "type": kind, rng.choice("tuv"): rng.choice(values)}
    return rng.choice([
        lambda: Write("upsert", ident, doc, label=rng.choice([None, "open", "personal;subject=person:bo"])),
        lambda: Write("upsert_update", ident, doc, labels=rng.choice([None, {"t": "security"}])),
        lambda: Write("upsert_update", ident, doc),
        lambda: Write("read", ident, {"id": ident, "type": kind, "t": values[0]}),
        lambda: Write("delete", ident),
        lambda: Write("delete_attr", ident, name=rng.choice("tuv"), dataset="@all"),
        lambda: Write("say", ident, doc),
        lambda: Write("forget", ident),
    ])()  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_any_instant_is_what_the_log_says_from_any_mark_and_for_any_types(told, seed):
    rng = random.Random(seed)
    for _ in range(120):
        told.say(*(anything(rng, rng.randrange(14)) for _ in range(rng.randrange(1, 3))))
    head = told.store.head()
    told.mark(every=rng.choice([7, 20, head]))
    then = told.then()
    for seq in [0, head, *rng.sample(range(1, head), 6)]:
        expected = oracle(told.store, seq)
        roll = then.states(seq)
        assert docs(roll) == {e: state.doc for e, state in expected.items()}
        for e, thing in roll.things.items():
            assert (thing.label, thing.labels) == (expected[e].label, expected[e].stamps.labels)
        then.keep(roll, None)
        of_b = {e: doc for e, doc in docs(then.states(seq, frozenset({"B"}))).items() if "B" in doc["type"]}
        assert of_b == {e: state.doc for e, state in expected.items() if "B" in state.doc["type"]}
    assert told.faults() == []


def test_the_place_of_an_instant_is_the_last_change_that_had_happened(told):
    for value in range(12):
        told.say(reading("urn:x:1", value))
    told.mark(every=5)
    then = told.then()
    assert [then.place(BEGIN + s * clock.SECOND, LATER) for s in (0, 1, 5, 6, 11, 12, 99)] == [0, 1, 5, 6, 11, 12, 12]
    assert then.place(BEGIN + 5 * clock.SECOND - 1, LATER) == 4


def test_a_clock_that_ran_backwards_makes_nothing_unhappen(told):
    for second in (1, 2, 10, 4, 5, 11):
        told.say(reading("urn:x:1", second), at=BEGIN + second * clock.SECOND)
    for marked in (False, True):
        if marked:
            told.mark(every=2)
        then = told.then()
        assert [then.place(BEGIN + s * clock.SECOND, LATER) for s in (2, 4, 9, 10, 11)] == [2, 2, 2, 5, 6]


def test_a_clock_that_was_once_far_ahead_does_not_hide_what_came_after(told):
    far = clock.parse("2099-01-01T00:00:00Z")
    for second, at in ((1, None), (2, far), (3, None), (4, None)):
        told.say(reading("urn:x:1", second), at=at or BEGIN + second * clock.SECOND)
    told.mark(every=2, now=LATER)
    then = told.then()
    assert [then.place(BEGIN + s * clock.SECOND, LATER) for s in (1, 3, 4)] == [2, 3, 4]


def test_a_chunk_in_which_nothing_changed_is_not_written_again(told):
    told.say(*(reading(f"urn:x:{i}", 0) for i in range(40)))
    for value in range(30):
        told.say(reading("urn:x:3", value + 1))
    told.mark(every=10)
    marks = Marks(told.marks)
    by_range = dict(marks.db.execute("SELECT r, count(*) FROM chunk GROUP BY r"))
    marks.close()
    assert max(by_range.values()) == 4, by_range
    assert min(by_range.values()) == 1


def test_what_is_not_marked_yet_is_read_from_the_log_and_no_further_than_may_be(told):
    for value in range(30):
        told.say(reading("urn:x:1", value))
    assert docs(told.then().states(20))[1]["t"]["value"] == 19
    with pytest.raises(Busy, match="still being marked"):
        told.then(most=10).states(20)
    with pytest.raises(Busy):
        told.then(most=10).place(BEGIN + 25 * clock.SECOND, LATER)
    told.mark(every=5)
    assert docs(told.then(most=10).states(20))[1]["t"]["value"] == 19


@pytest.mark.parametrize("damage", [
    "UPDATE chunk SET body = zeroblob(30) WHERE seq = 20",
    "UPDATE chunk SET (body, sum, types) = (SELECT body, sum, types FROM chunk WHERE seq = 10) WHERE seq = 20",
    "UPDATE mark SET tie = zeroblob(16) WHERE seq = 20",
])  # fmt: skip
def test_a_damaged_mark_is_passed_over_and_made_anew(told, damage):
    for value in range(34):
        told.say(reading("urn:x:1", value))
    told.mark(every=10)
    db = apsw.Connection(str(told.marks))
    db.execute(damage)
    db.close()
    then = told.then()
    assert docs(then.states(25))[1]["t"]["value"] == 24
    assert then.broken == 20
    assert docs(then.states(32))[1]["t"]["value"] == 31
    marks = Marks(told.marks, write=True)
    marks.forget_from(then.broken)
    marks.close()
    told.mark(every=10)
    assert told.faults() == []
    then = told.then()
    assert docs(then.states(25))[1]["t"]["value"] == 24
    assert then.broken is None


@pytest.mark.parametrize(("edit", "says"), [
    ("DELETE FROM event WHERE rowid = 1", "notes as event"),
    ("UPDATE tally SET many = many + 1", "notes as tally"),
    ("DELETE FROM chunk WHERE seq = 10", "other ranges than changed"),
    ("UPDATE mark SET tie = zeroblob(16) WHERE seq = 20", "of another log"),
    ("DELETE FROM relabel", "notes as relabel"),
    ("DELETE FROM edit", "notes as edit"),
])  # fmt: skip
def test_an_edit_of_the_marks_is_found_taken_away_and_remade(told, edit, says):
    told.say(reading("urn:x:1", 0), actor="person:anna")
    told.say(Write("upsert", "urn:x:1", {"id": "urn:x:1", "type": "A", "t": prop(2)}, label="personal"))
    told.say(Write("forget", "urn:x:1"))
    for value in range(30):
        told.say(reading("urn:x:1", value, "A"))
    told.mark(every=10)
    assert told.faults() == []
    db = apsw.Connection(str(told.marks))
    db.execute(edit)
    db.close()
    found = told.faults()
    assert any(says in one for one in found), found
    assert any("taken away" in one for one in found)
    told.mark(every=10)
    assert told.faults() == []


def test_a_state_edited_offline_with_its_sum_is_found_all_the_same(told):
    for value in range(12):
        told.say(reading("urn:x:1", value))
    told.mark(every=5)
    marks = Marks(told.marks, write=True)
    ((e, tenant, types, label, labels, raw),) = marks.chunk(0, 5)
    doc = {**orjson.loads(raw), "t": prop(666)}
    marks.put_chunk(0, 5, [(e, tenant, types, label, labels, orjson.dumps(doc))])
    marks.close()
    assert docs(told.then().states(5))[1]["t"]["value"] == 666  # its sum holds: only the log knows better
    assert any("says otherwise of entity 1" in one for one in told.faults())
    told.mark(every=5)
    assert docs(told.then().states(5))[1]["t"]["value"] == 4


def test_marks_of_another_log_are_not_believed(told, tmp_path):
    for value in range(12):
        told.say(reading("urn:x:1", value))
    told.mark(every=5)
    (tmp_path / "other").mkdir()
    other = Told(tmp_path / "other")
    for value in range(12):
        other.say(reading("urn:x:1", value + 100))
    other.marks.write_bytes(told.marks.read_bytes())
    try:
        assert docs(other.then().states(8))[1]["t"]["value"] == 107
        other.mark(every=5)
        assert docs(other.then().states(8))[1]["t"]["value"] == 107
        assert other.faults() == []
    finally:
        other.close()


def test_a_file_that_is_no_file_of_marks_is_made_anew_by_whoever_writes(told):
    told.say(reading("urn:x:1", 1))
    told.marks.write_bytes(b"nothing that anybody could read" * 300)
    assert told.then().marks is None
    assert docs(told.then().states(1))[1]["t"]["value"] == 1
    assert any("cannot be read" in one for one in told.faults())
    assert not told.marks.exists()
    told.marks.write_bytes(b"nothing that anybody could read" * 300)
    assert told.mark() == 1
    assert told.faults() == []


def test_marks_of_a_sealed_realm_are_noise_without_its_key(tmp_path):
    told = Told(tmp_path, "security", KEY)
    try:
        told.say(reading("urn:x:secret-thing", "the safe is open"))
        told.mark()
        assert b"safe" not in told.marks.read_bytes()
        assert docs(told.then().states(1))[1]["t"]["value"] == "the safe is open"
        assert Then(told.path, told.marks, "security", KEY, bytes(32)).marks is None
        assert told.faults() == []
    finally:
        told.close()


def test_what_lies_before_the_logs_beginning_is_in_the_realms_own_checkpoint(told):
    """As an archive will leave it: the log begins with Change 11, and the state until then stands beside it."""
    for value in range(20):
        told.say(reading(f"urn:x:{value % 6}", value))
    expected = {seq: {e: state.doc for e, state in oracle(told.store, seq).items()} for seq in (10, 13, 20)}
    states = oracle(told.store, 10)
    db = told.store.db
    with db:
        for e, state in states.items():
            row = e, orjson.dumps(state.doc), codec.pack_stamps(state.stamps)
            db.execute("INSERT INTO checkpoint VALUES (?, ?, ?, 0)", row)
        db.execute("DELETE FROM log WHERE seq <= 10")
        db.execute("UPDATE meta SET value = 10 WHERE key = 'checkpoint_seq'")
    for marked in (False, True):
        if marked:
            assert told.mark(every=4) == 3
        then = told.then()
        assert {seq: docs(then.states(seq)) for seq in (10, 13, 20)} == expected
    assert told.faults() == []


def test_events_say_who_did_something_and_what_rang_also_beyond_the_last_mark(told):
    told.say(reading("urn:x:1", 1), actor="device:d")
    told.say(reading("urn:x:2", 1), actor="person:anna")
    told.say(reading("urn:x:3", 1, "Alert"), actor="app:watch")
    for n in range(6):
        told.say(reading("urn:x:1", n + 5), actor="device:d")
    told.say(reading("urn:x:4", 1, "Incident"), actor="service:ledger")
    told.mark(every=8)
    for marked in (True, False):
        if not marked:
            told.marks.unlink()
        found = told.then().events(BEGIN, LATER, 15)
        assert [(one.seq, Why(one.why)) for one in found] == [
            (2, Why.DONE), (3, Why.ALARM), (10, Why.DONE | Why.INCIDENT),
        ]  # fmt: skip
    assert [one.seq for one in told.then().events(BEGIN, LATER, int(Why.ALARM))] == [3]
    assert sum(many for *_, many in told.then().tallies(BEGIN, LATER)) == 10


def test_a_store_that_another_version_left_is_brought_on_by_its_own_hand(told):
    told.say(reading("urn:x:1", 1))
    told.mark()
    db = apsw.Connection(str(told.marks))
    db.pragma("user_version", 99)
    db.close()
    assert told.then().marks is None
    assert told.mark() == 1
    assert told.then().marks.newest().seq == 1


def test_a_chunk_is_never_read_as_another_ranges(told):
    told.say(*(reading(f"urn:x:{i}", i) for i in range(8)))
    told.mark()
    db = apsw.Connection(str(told.marks))
    db.execute("UPDATE chunk SET (body, sum) = (SELECT body, sum FROM chunk WHERE r = 0) WHERE r = 1")
    db.close()
    marks = Marks(told.marks)
    with pytest.raises(Broken):
        marks.chunk(1, marks.newest().seq)
    marks.close()
