import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from contract import T0, StoreContract, doc

from hansa import clock
from hansa.errors import HansaError
from hansa.model.change import Write
from hansa.platform.sqlite import SqliteStore, checkpoint
from hansa.platform.store import Item, Store


class TestSqliteFile(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        one = SqliteStore(tmp_path / "open.db")
        readers: list[object] = []
        plain: list[object] = []
        make = one.reader

        def reader(now: Callable[[], int] | None = None) -> object:
            if now is not None:
                readers.append(make(now))
                return readers[-1]
            if not plain:
                plain.append(make())
                readers.append(plain[0])
            return plain[0]

        one.reader = reader  # type: ignore[method-assign, assignment]
        yield one
        for made in readers:
            made.close()  # type: ignore[attr-defined]
        one.close()

    def damage(self, store: Store) -> None:
        db = apsw.Connection(store.path)  # type: ignore[attr-defined]
        db.execute("UPDATE attr SET v = 99 WHERE v = 3")
        db.execute("DELETE FROM geo WHERE g = 2")
        db.execute("""UPDATE entity SET doc = replace(doc, '"value":4}', '"value":44}')""")
        db.close()


class TestSqliteMemory(StoreContract):
    @pytest.fixture
    def store(self) -> Iterator[Store]:
        one = SqliteStore(":memory:")
        yield one
        one.close()

    def damage(self, store: Store) -> None:
        store.db.execute("DELETE FROM attr WHERE v = 3")  # type: ignore[attr-defined]


def test_a_file_of_another_schema_version_is_refused(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "open.db").close()
    db = apsw.Connection(str(tmp_path / "open.db"))
    db.pragma("user_version", 99)
    db.close()
    with pytest.raises(HansaError, match="schema version 99"):
        SqliteStore(tmp_path / "open.db")


def test_a_file_of_the_first_version_is_brought_up_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "open.db"
    store = SqliteStore(path)
    until = "2026-01-01T00:00:00Z"
    for one in (doc("a", n=1) | {"expiresAt": until}, doc("b", n=2)):
        store.commit([Item([Write("create", one["id"], one)], "me")], T0)
    store.close()
    db = apsw.Connection(str(path))
    for statement in (
        "DROP INDEX entity_expires", "ALTER TABLE entity DROP COLUMN expires", "ALTER TABLE log DROP COLUMN t"
    ):  # fmt: skip
        db.execute(statement)
    db.pragma("user_version", 1)
    db.close()
    again = SqliteStore(path)
    assert list(again.check()) == []
    assert [c.entity.id for c in again.since(0, 10)] == ["urn:x:a", "urn:x:b"]
    assert list(again.db.execute("SELECT id, expires FROM entity WHERE expires IS NOT NULL")) == [
        ("urn:x:a", clock.parse(until))
    ]
    again.close()


def test_a_city_that_never_rests_keeps_its_wal_short_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "CHECKPOINT_PAGES", 50)
    monkeypatch.setattr(checkpoint, "MOST_PAGES", 200)
    store = SqliteStore(tmp_path / "open.db", steady=True)
    wal = tmp_path / "open.db-wal"
    longest = 0
    for n in range(1_500):
        one = doc(str(n % 300), n=n)
        store.write([Item([Write("upsert", one["id"], one)], "me")], T0 + n)
        longest = max(longest, wal.stat().st_size)
    assert longest < 1_500 * 5 * 4_096 / 2, "of some five pages a write: it began anew again and again"
    store.close()
    again = SqliteStore(tmp_path / "open.db")
    assert list(again.check()) == []
    assert again.head() == 1_500
    again.close()


def test_what_was_committed_is_there_after_opening_again(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "open.db")
    store.commit([Item([Write("create", "urn:x:a", doc("a", n=1))], "me", places={"r": b"x"})], T0)
    head = store.head()
    store.close()
    again = SqliteStore(tmp_path / "open.db")
    assert again.head() == head
    assert again.place("r") == b"x"
    again.commit([Item([Write("create", "urn:x:b", doc("b", n=1))], "me")], T0)
    assert [c.entity.id for c in again.since(0, 10)] == ["urn:x:a", "urn:x:b"]
    assert list(again.check()) == []
    again.close()
