"""Sealed files: nothing readable on the disk, no key but the right one, no edit unnoticed."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from contract import T0, StoreContract, doc

from hansa.errors import BadRequest
from hansa.model.change import Write
from hansa.platform.sqlite import SqliteStore, sealed
from hansa.platform.sqlite.bulk import Bulk, rows_of
from hansa.platform.store import Item, Store
from hansa.trust.keys import CityKey, KeyRing
from hansa.trust.labels import ADMINISTRATOR

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
NEEDLE = "quite-unmistakable-words"


class TestSealedFile(StoreContract):
    """All that a store must do, a sealed one does."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        one = SqliteStore(tmp_path / "security.db", key=KEY)
        readers: list[object] = []
        make = one.reader

        def reader(now: Callable[[], int] | None = None) -> object:
            if now is not None or not readers:
                readers.append(make(now))
            return readers[-1] if now is not None else readers[0]

        one.reader = reader  # type: ignore[method-assign, assignment]
        yield one
        for made in readers:
            made.close()  # type: ignore[attr-defined]
        one.close()

    def damage(self, store: Store) -> None:
        db = store.connect()  # type: ignore[attr-defined]
        db.pragma("query_only", False)
        db.execute("UPDATE attr SET v = 99 WHERE v = 3")
        db.execute("DELETE FROM geo WHERE g = 2")
        db.execute("""UPDATE entity SET doc = replace(doc, '"value":4}', '"value":44}')""")
        db.close()


def told(folder: Path, needle: str = NEEDLE) -> list[str]:
    """Files below a folder in which the words can be read, as they are or as SQLite's UTF-16."""
    words = (needle.encode(), needle.encode("utf-16-le"))
    return sorted(
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.is_file() and any(word in file.read_bytes() for word in words)
    )


def fill(store: SqliteStore, n: int = 300) -> None:
    writes = [Write("create", f"urn:x:{i}", doc(str(i), NEEDLE, **{NEEDLE: f"{NEEDLE} {i}"})) for i in range(n)]
    assert all(isinstance(one, list) for one in store.commit([Item(writes, NEEDLE)], T0))


def test_nothing_can_be_read_in_any_file_of_a_sealed_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    store = SqliteStore(tmp_path / "security.db", "security", key=KEY)
    fill(store)
    assert {file.name for file in tmp_path.iterdir()} == {"security.db", "security.db-wal", "security.db-shm"}
    assert told(tmp_path) == [], "state, index, history, log in the WAL"
    store.db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_FULL)
    assert (tmp_path / "security.db").stat().st_size > 100_000
    assert told(tmp_path) == [], "and in the file"
    # A sort and a table of a size that would go into files beside, held open while it is looked for.
    store.db.pragma("cache_size", 10)
    store.db.execute("CREATE TEMP TABLE pile AS SELECT doc || e AS x FROM entity, (SELECT 1 FROM entity LIMIT 20)")
    rows = store.db.execute("SELECT a.x FROM temp.pile a ORDER BY a.x DESC")
    next(rows)
    opened = [os.readlink(f"/proc/self/fd/{one}") for one in os.listdir("/proc/self/fd") if _is_link(one)]  # noqa: PTH115, PTH208
    assert not [one for one in opened if str(tmp_path) in one and "security.db" not in one], "nor in one without a name"
    rows.close()
    store.db.execute("DROP TABLE temp.pile")
    store.close()
    assert told(tmp_path) == []


def _is_link(descriptor: str) -> bool:
    return Path(f"/proc/self/fd/{descriptor}").is_symlink()


def test_in_a_plain_store_the_same_words_are_found(tmp_path: Path) -> None:
    # The negative: what looks for the words finds them.
    store = SqliteStore(tmp_path / "open.db")
    fill(store)
    assert told(tmp_path) == ["open.db-wal"]
    store.close()
    assert told(tmp_path) == ["open.db"]


def test_a_rollback_journal_of_a_sealed_file_is_noise_too(tmp_path: Path) -> None:
    db = sealed.connect(tmp_path / "a.db", KEY)
    db.pragma("journal_mode", "delete")
    db.pragma("cache_size", 10)
    db.execute("CREATE TABLE t (a)")
    with db:
        db.executemany("INSERT INTO t VALUES (?)", [(NEEDLE * 20,)] * 2_000)
    db.execute("BEGIN")
    db.execute("UPDATE t SET a = a || '!'")
    assert (tmp_path / "a.db-journal").stat().st_size > 10_000
    assert told(tmp_path) == []
    db.execute("ROLLBACK")
    db.close()


def test_a_bulk_import_into_a_sealed_store_leaves_nothing_in_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    store = SqliteStore(tmp_path / "security.db", key=KEY)
    fill(store, 1)
    with Bulk(store) as bulk:
        words = bulk.words()
        writes = [Write("create", f"urn:x:b{i}", doc(f"b{i}", NEEDLE, **{NEEDLE: f"{NEEDLE} {i}"})) for i in range(500)]
        rows = rows_of(writes, NEEDLE, T0, words)
        assert rows is not None
        assert bulk.add(rows)
        assert store.db.pragma("temp_store") == 2, "memory"
        assert told(tmp_path) == []
    assert list(store.check()) == []
    store.close()


@pytest.mark.parametrize(
    ("made", "asked", "why"),
    [
        (KEY, None, "is sealed, and no key was given"),
        (KEY, OTHER, "is sealed with another key"),
        (None, KEY, "is not sealed, though a key was given"),
        (KEY, b"short", "a key has 32 bytes, this one 5"),
    ],
)
def test_a_file_opens_only_as_what_it_is(tmp_path: Path, made: bytes | None, asked: bytes | None, why: str) -> None:
    path = tmp_path / "security.db"
    SqliteStore(path, key=made).close()
    before = path.read_bytes()
    with pytest.raises(BadRequest, match=why) as told_:
        SqliteStore(path, key=asked)
    assert told_.value.where == "security.db"
    assert path.read_bytes() == before
    for key in (KEY, OTHER):
        assert key.hex() not in repr(told_.value).lower()
    SqliteStore(path, key=made).close()


@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize("body", [b"x" * 5_000, b"hansa-1\0" + b"x" * 5_000, b"SQLite format 3\0" + b"x" * 5_000])
def test_what_is_no_file_of_ours_is_a_sentence(tmp_path: Path, key: bytes | None, body: bytes) -> None:
    (tmp_path / "a.db").write_bytes(body)
    with pytest.raises(BadRequest, match=r"a\.db is"):
        sealed.connect(tmp_path / "a.db", key)
    assert (tmp_path / "a.db").read_bytes() == body


def test_a_changed_bit_anywhere_is_noticed_and_so_is_a_page_in_another_ones_place(tmp_path: Path) -> None:
    path = tmp_path / "security.db"
    store = SqliteStore(path, key=KEY)
    fill(store)
    store.close()
    good = path.read_bytes()
    pages = len(good) // 4_096
    assert pages > 20

    def is_noticed(body: bytes) -> bool:
        path.write_bytes(body)
        try:
            db = sealed.connect(path, KEY)
        except BadRequest as fault:
            assert "damaged" in fault.detail or "another key" in fault.detail  # noqa: PT017
            return True
        try:
            return bool(db.pragma("quick_check") != "ok")
        except apsw.Error:
            return True
        finally:
            db.close()

    assert not is_noticed(good)
    free = {page for page in range(pages) if not is_noticed(_flipped(good, page * 4_096 + 2_000))}
    assert not free, "of every page, also its nonce and its tag"
    assert is_noticed(_flipped(good, 4_095))
    assert is_noticed(_flipped(good, 2 * 4_096 + 4_090))
    swapped = bytearray(good)
    swapped[3 * 4_096 : 4 * 4_096], swapped[4 * 4_096 : 5 * 4_096] = (
        good[4 * 4_096 : 5 * 4_096],
        good[3 * 4_096 : 4 * 4_096],
    )
    assert is_noticed(bytes(swapped))
    assert is_noticed(good[: -10 * 4_096]), "cut"


def _flipped(body: bytes, at: int) -> bytes:
    changed = bytearray(body)
    changed[at] ^= 1
    return bytes(changed)


def test_the_same_words_are_other_noise_each_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        db = sealed.connect(tmp_path / name, KEY)
        db.execute("CREATE TABLE t (a)")
        db.close()
    a, b = (tmp_path / "a").read_bytes(), (tmp_path / "b").read_bytes()
    assert a[:24] == b[:24], "its mark, its key's id and SQLite's page size"
    assert sum(x == y for x, y in zip(a[24:], b[24:], strict=True)) < len(a) // 100


def test_a_file_of_an_earlier_version_is_sealed_with_all_that_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "security.db"
    store = SqliteStore(path)
    fill(store)
    head = store.head()
    store.db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)  # it was killed: all of it is in the WAL
    store.close()
    assert told(tmp_path) == ["security.db-wal"]
    size = sealed.replace(path, None, KEY)
    assert [file.name for file in tmp_path.iterdir()] == ["security.db"]
    assert size == path.stat().st_size
    assert told(tmp_path) == []
    store = SqliteStore(path, key=KEY)
    assert store.head() == head
    assert list(store.check()) == []
    reader = store.reader()
    entity = reader.entity("", "urn:x:7", ADMINISTRATOR)
    assert entity is not None
    assert entity[NEEDLE] == f"{NEEDLE} 7"
    reader.close()
    store.close()


def test_what_is_open_elsewhere_is_not_sealed_anew(tmp_path: Path) -> None:
    path = tmp_path / "security.db"
    store = SqliteStore(path, key=KEY)
    fill(store)
    with pytest.raises(BadRequest, match="open elsewhere"):
        sealed.replace(path, KEY, OTHER)
    assert sealed.seal_of(path) == sealed.seal_id(KEY)
    fill_again = store.commit([Item([Write("delete", "urn:x:1")], "me")], T0)
    assert isinstance(fill_again[0], list), "and whoever has it open goes on"
    store.close()
    sealed.replace(path, KEY, OTHER)
    assert sealed.seal_of(path) == sealed.seal_id(OTHER)


def test_a_damaged_file_is_not_sealed_anew(tmp_path: Path) -> None:
    path = tmp_path / "security.db"
    store = SqliteStore(path, key=KEY)
    fill(store)
    store.close()
    path.write_bytes(bad := _flipped(path.read_bytes(), 10 * 4_096 + 5))
    with pytest.raises(BadRequest, match="is damaged"):
        sealed.replace(path, KEY, OTHER)
    assert path.read_bytes()[4_096:] == bad[4_096:], "it stays for whoever can mend it"


def test_a_copy_of_a_sealed_file_is_never_plain(tmp_path: Path) -> None:
    db = sealed.connect(tmp_path / "a.db", KEY)
    db.execute("CREATE TABLE t (a)")
    db.execute("INSERT INTO t VALUES (?)", (NEEDLE,))
    with pytest.raises(BadRequest, match="would not be sealed"):
        sealed.copy(db, tmp_path / "b.db", None)
    sealed.copy(db, tmp_path / "b.db", OTHER)
    db.close()
    assert told(tmp_path) == []
    again = sealed.connect(tmp_path / "b.db", OTHER)
    assert again.execute("SELECT a FROM t").get == NEEDLE
    again.close()
    assert (tmp_path / "b.db").stat().st_mode & 0o777 == 0o600


def test_a_ring_opens_a_file_with_the_key_that_it_has_and_new_ones_with_the_newest(tmp_path: Path) -> None:
    old, new = CityKey.fresh(), CityKey.fresh()
    ring = KeyRing((new, old))
    path = tmp_path / "security.db"
    assert sealed.key_of(ring, path) == new.of("security.db")
    SqliteStore(path, key=old.of("security.db")).close()
    assert sealed.key_of(ring, path) == old.of("security.db")
    assert sealed.opens(ring, path) == old
    assert sealed.opens(KeyRing((new,)), path) is None
