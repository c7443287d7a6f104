"""What a reading takes on disk when it has come to rest."""

from collections.abc import Iterator
from typing import Final

from bench import seeds
from bench.rows import Bench, Row
from hansa.platform.sqlite import SqliteStore

ASKED: Final = 150


def disk(bench: Bench) -> Iterator[Row]:
    """State, index, history and log of readings by 1,000 devices, ten minutes apart."""
    count = 100_000 if bench.quick else 500_000
    for attributes in (1, 3):
        data = bench.data()
        store = SqliteStore(data / "open.db")
        try:
            # What every station needs once is no reading's doing.
            seeds.readings(store, 1_000, attributes=attributes)
            before = _settled(store)
            seeds.readings(store, count, attributes=attributes)
            each = (_settled(store) - before) / count
        finally:
            store.close()
        value = each / attributes
        more = "" if attributes == 1 else f" a value, {each:.0f} B a message"
        yield Row(
            row=f"disk at rest, {attributes} attribute{'s' if attributes > 1 else ''} a message",
            asked=f"≤ {ASKED} B a reading",
            measured=f"{value:.0f} B{more}",
            floor=None,
            ratio=None,
            ok=value <= ASKED,
            how=f"growth of the file over {count:,} messages of 1,000 devices, after a checkpoint",
        )


def _settled(store: SqliteStore) -> int:
    store.db.pragma("wal_checkpoint(TRUNCATE)")
    return int(store.db.pragma("page_count")) * int(store.db.pragma("page_size"))
