"""What it costs that a realm's file is sealed: CPU of writing and reading, speed of a new key, a backup, a restore."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import median

import apsw

from bench.rows import Bench, Row
from hansa.clock import SECOND, text
from hansa.model.change import Write
from hansa.model.query import Query
from hansa.platform import backup
from hansa.platform.sqlite import SqliteStore, sealed
from hansa.platform.sqlite.reader import SqliteReader
from hansa.platform.store import Item
from hansa.trust.keys import CityKey, KeyRing
from hansa.trust.labels import ADMINISTRATOR

KEY = CityKey(bytes(range(32)))
T0 = 1_800_000_000 * SECOND
STATIONS = 10_000
HOW = "hansa bench sealed"


def sealed_(bench: Bench) -> Iterator[Row]:
    """The same work on a plain and on a sealed store, in turn; CPU of this process, medians."""
    turns, count = (2, 4_000) if bench.quick else (5, 20_000)
    taken: dict[str, dict[bool, list[float]]] = {}
    folder = bench.data()
    for turn in range(turns):
        for is_sealed in (False, True):
            for name, cost in _costs(folder / f"{turn}{is_sealed:d}.db", count, is_sealed=is_sealed):
                taken.setdefault(name, {False: [], True: []})[is_sealed].append(cost)
    for name, of in taken.items():
        plain, there = median(of[False]), median(of[True])
        yield _row(name, f"{there * 1e6:,.1f} µs of CPU", f"plain {plain * 1e6:,.1f} µs", there / plain)
    yield from _speeds(bench.data(), 40_000 if bench.quick else 400_000)


def _row(name: str, measured: str, floor: str | None = None, ratio: float | None = None) -> Row:
    return Row(row=f"sealed: {name}", asked="reported", measured=measured, floor=floor, ratio=ratio, ok=None, how=HOW)


def _costs(path: Path, count: int, *, is_sealed: bool) -> Iterator[tuple[str, float]]:
    rng = random.Random(1)
    store = SqliteStore(path, key=KEY.of("bench.db") if is_sealed else None)
    with closing(store):
        _fill(store, STATIONS)

        def write(each: int) -> Callable[[], int]:
            def work() -> int:
                for n in range(0, count if each > 1 else count // 20, each):
                    store.commit([Item([_reading(rng.randrange(STATIONS), n)], "device") for _ in range(each)], T0 + n)
                store.db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
                return count if each > 1 else count // 20

            return work

        yield "a reading written, 100 a commit", _cpu(write(100))
        yield "a reading written, each a commit", _cpu(write(1))
        db = store.connect()
        reader = SqliteReader(db, "open")
        with closing(reader):

            def get() -> int:
                for _ in range(count):
                    assert reader.entity("", _name(rng.randrange(STATIONS)), ADMINISTRATOR) is not None
                return count

            get()
            yield "an entity by id, pages in SQLite's cache", _cpu(get)
            db.pragma("cache_size", 10)
            yield "an entity by id, each page read and opened anew", _cpu(get)
            query = Query.parse(types="WeatherObserved", q="temperature>20")

            def find() -> int:
                for _ in range(20):
                    assert reader.count("", query, ADMINISTRATOR) > 0
                return 20

            yield "a count over the index, each page read and opened anew", _cpu(find)


def _cpu(work: Callable[[], int]) -> float:
    """Seconds of CPU for one of what `work` does and counts."""
    began = time.process_time()
    count = work()
    return (time.process_time() - began) / count


def _speeds(folder: Path, count: int) -> Iterator[Row]:
    path = folder / "security.db"
    store = SqliteStore(path)
    _fill(store, STATIONS)
    for n in range(0, count, 1_000):
        store.commit([Item([_reading((n + i) % STATIONS, n + i) for i in range(1_000)], "device")], T0 + n)
    store.close()
    size = path.stat().st_size

    def speed(work: Callable[[], object]) -> str:
        began = time.perf_counter()
        work()
        took = time.perf_counter() - began
        return f"{size / took / 1e6:,.0f} MB/s of {size / 1e6:,.0f} MB, synced"

    name, other = path.name, CityKey(bytes(range(1, 33)))
    yield _row("a plain file of an earlier version", speed(lambda: sealed.replace(path, None, KEY.of(name))))
    yield _row("a new key, each page read twice", speed(lambda: sealed.replace(path, KEY.of(name), other.of(name))))
    file, ring = folder / "city.hansa", KeyRing((other,))
    source = backup.Source({path: other.of(name)}, {})
    yield _row("a backup, read again", speed(lambda: backup.write(file, source, other, hansa="", made="")))
    yield _row("a restore, verified", speed(lambda: backup.restore(file, folder / "new", ring, {})))


def _fill(store: SqliteStore, count: int) -> None:
    for n in range(0, count, 1_000):
        store.commit([Item([_reading(i, i % 40) for i in range(n, n + 1_000)], "device")], T0)


def _name(station: int) -> str:
    return f"urn:ngsi-ld:WeatherObserved:s{station:05}"


def _reading(station: int, n: int) -> Write:
    value = {"type": "Property", "value": n % 400 / 10, "unitCode": "CEL", "observedAt": text(T0 + n * SECOND)}
    ident = _name(station)
    return Write("read", ident, {"id": ident, "type": "WeatherObserved", "temperature": value})
