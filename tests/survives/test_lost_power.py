import random
import sys
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from lost_power import Power

from hansa import clock
from hansa.errors import Full, HansaError
from hansa.model.change import Change, Write
from hansa.model.query import Query
from hansa.platform.sqlite import SqliteStore
from hansa.platform.store import Item
from hansa.trust.labels import ADMINISTRATOR

T0 = clock.parse("2026-04-01T00:00:00Z")


@pytest.fixture
def power() -> Iterator[Power]:
    one = Power("lost-power")
    yield one
    one.close()


@pytest.fixture(params=[None, b"%032d" % 1], ids=["plain", "sealed"])
def key(request: pytest.FixtureRequest) -> bytes | None:
    """Of the store's file."""
    found: bytes | None = request.param
    return found


def reading(device: int, n: int) -> Write:
    ident = f"urn:x:{device}"
    value = {"type": "Property", "value": n, "observedAt": clock.text(T0 + n * clock.SECOND)}
    return Write("read", ident, {"id": ident, "type": "Thing", "n": value})


def test_lost_power_takes_nothing_that_was_acknowledged_fifty_times(
    tmp_path: Path, power: Power, key: bytes | None
) -> None:
    rng = random.Random(42)
    path = tmp_path / "open.db"
    acknowledged: dict[int, list[int]] = {d: [] for d in range(5)}
    places = 0
    n = 0
    lost = 0
    for _ in range(50):
        store = SqliteStore(path, key=key, vfs=power.name, sync=power.sync)
        assert int.from_bytes(store.place("app:rule") or b"\0", "big") == places
        for _ in range(rng.randrange(1, 12)):
            items = []
            said = []
            for _ in range(rng.randrange(1, 20)):
                n += 1
                device = rng.randrange(5)
                said.append((device, n))
                items.append(Item([reading(device, n)], "device"))
            places += 1
            items.append(Item([], "rules", places={"app:rule": places.to_bytes(4, "big")}))
            results = store.commit(items, T0 + n * clock.SECOND)
            assert not any(isinstance(one, HansaError) for one in results)
            for device, value in said:
                acknowledged[device].append(value)
        # In the middle of a transaction that nobody was told of yet.
        store.db.execute("BEGIN IMMEDIATE")
        store.db.execute("INSERT INTO log VALUES (?, 1, 1, 0, x'00', 0)", (store.head() + 1,))
        store.db.execute("UPDATE entity SET doc = x'7b7d'")
        if rng.random() < 0.5:
            store.db.cache_flush()
        crashed(store)
        lost += power.lose(rng)
    store = SqliteStore(path, key=key)
    assert list(store.check()) == []
    reader = store.reader()
    for device, values in acknowledged.items():
        points = reader.history("", f"urn:x:{device}", "n", ADMINISTRATOR, limit=100_000)
        assert [p.value for p in points] == values
    reader.close()
    store.close()
    assert lost > 0, "the shim must have had something to lose, or this proved nothing"


def test_what_was_written_and_not_yet_synced_may_be_lost_from_its_end_only(
    tmp_path: Path, power: Power, key: bytes | None
) -> None:
    rng = random.Random(43)
    path = tmp_path / "open.db"
    sure = n = short = 0
    for _ in range(50):
        store = SqliteStore(path, key=key, vfs=power.name, sync=power.sync)
        n = store.head()
        assert n >= sure, "what was synced is there"
        for _ in range(rng.randrange(1, 30)):
            n += 1
            assert isinstance(store.write([Item([reading(1, n)], "device")], T0 + n * clock.SECOND)[0], list)
            if rng.random() < 0.2:
                store.sync()
                sure = n
        crashed(store)
        power.lose(rng)
        after = SqliteStore(path, key=key)
        short += after.head() < n
        reader = after.reader()
        points = reader.history("", "urn:x:1", "n", ADMINISTRATOR, limit=100_000)
        assert [p.value for p in points] == list(range(1, after.head() + 1)), "no gap, and nothing out of order"
        reader.close()
        after.close()
    store = SqliteStore(path, key=key)
    assert list(store.check()) == []
    store.close()
    assert short > 5, "else nothing was ever lost, and this proved nothing"


def test_without_syncing_lost_power_does_take_acknowledged_writes(
    tmp_path: Path, power: Power, key: bytes | None
) -> None:
    # The negative: the shim sees what a store that does not sync would lose.
    path = tmp_path / "open.db"
    store = SqliteStore(path, key=key, vfs=power.name, sync=lambda _path: None)
    store.db.pragma("synchronous", "off")
    store.commit([Item([reading(1, 1)], "device")], T0)
    store.commit([Item([reading(1, 2)], "device")], T0)
    crashed(store)
    assert power.lose(random.Random(1)) > 0
    again = None
    try:
        again = SqliteStore(path, key=key)
        reader = again.reader()
        kept = reader.history("", "urn:x:1", "n", ADMINISTRATOR)
        reader.close()
    except (HansaError, apsw.Error):
        kept = []
    finally:
        if again is not None:
            again.close()
    assert len(kept) < 2


def test_the_disk_below_a_sealed_store_sees_nothing_but_noise(tmp_path: Path, power: Power) -> None:
    # Were the shim above the cipher, as a VFS of Python's is by default, the WAL would be plain.
    words = {}
    for key in (None, b"%032d" % 1):
        path = tmp_path / f"{key is None}.db"
        store = SqliteStore(path, key=key, vfs=power.name, sync=power.sync)
        store.write([Item([reading(1, 1)], "somebody-quite-unmistakable")], T0)
        bodies = [file.read_bytes() for file in tmp_path.glob(f"{path.name}*")]
        words[key is None] = len(bodies), any(b"somebody-quite-unmistakable" in body for body in bodies)
        store.close()
    assert words == {True: (2, True), False: (2, False)}


def test_a_full_disk_acknowledges_nothing_and_recovers_when_there_is_room(
    tmp_path: Path, power: Power, key: bytes | None
) -> None:
    store = SqliteStore(tmp_path / "open.db", key=key, vfs=power.name, sync=power.sync)
    assert isinstance(store.commit([Item([reading(1, 1)], "device")], T0)[0], list)
    power.full = True
    results = store.commit([Item([reading(1, 2)], "device"), Item([reading(2, 2)], "device")], T0)
    assert all(isinstance(one, Full) for one in results)
    assert store.head() == 1
    power.full = False
    (again,) = store.commit([Item([reading(1, 2)], "device")], T0)
    assert isinstance(again, list)
    assert isinstance(again[0], Change)
    assert again[0].seq == 2, "what failed has left no hole"
    assert list(store.check()) == []
    store.close()
    store = SqliteStore(tmp_path / "open.db", key=key)
    reader = store.reader()
    assert reader.count("", Query.parse(types="Thing"), ADMINISTRATOR) == 1
    reader.close()
    store.close()


def crashed(store: SqliteStore) -> None:
    """End a store as a crash does: nothing is written on the way out."""
    store.db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    if not store.db.get_autocommit():
        store.db.execute("ROLLBACK")
    store.close()
