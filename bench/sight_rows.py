"""What policy costs a reader: queries that are filtered and masked, against the same ones parsed but unfiltered."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any, Final

import orjson

from bench import seeds
from bench.rows import Bench, Row
from hansa.model.change import Write
from hansa.model.context import CORE
from hansa.model.query import Query
from hansa.model.wire import entity_in
from hansa.platform.sqlite import SqliteStore
from hansa.platform.sqlite.reader import SqliteReader
from hansa.trust.actors import PASSKEY, Actor
from hansa.trust.labels import ADMINISTRATOR, Sight
from hansa.trust.policy import Policy, shipped
from hansa.trust.sights import Sights

MOST: Final = 1.3
LIMIT: Final = 20
MEMBER: Final = Actor("person:dan", frozenset({"member"}), frozenset({"water"}), assurance=PASSKEY)
LABELS: Final = (None, "open", "smart;owner=water", "smart;owner=parks", "personal;owner=water;purposes=care")
ASKED: Final = {"1 %": "level==7", "half": "level>=50", "all of a type": None}


def sight(bench: Bench) -> Iterator[Row]:
    """Pages of 20 as a member of one department sees them: two entities in five are hidden, of others an attribute."""
    with_labels = bench.data() / "open.db"
    store = SqliteStore(with_labels)
    deque(store.load(_writes(bench.entities), "bench", 1_775_000_000_000_000), 0)
    reader = store.reader()
    member = Sights("open", Policy(shipped("open"), "shipped")).of(MEMBER)
    for words, q in ASKED.items():
        query = Query.parse(types="Entity", q=q)
        masked, whole = _alternately(reader, query, member, 30 if bench.quick else 300)
        yield Row(
            row=f"a filtered and masked query: {words} of {bench.entities:,} entities, {LIMIT} a page",
            asked=f"at most {MOST} of it unfiltered",
            measured=f"{masked * 1e6:,.0f} us",
            floor=f"{whole * 1e6:,.0f} us, parsed and unfiltered",
            ratio=round(masked / whole, 2),
            ok=masked <= MOST * whole,
            how="the store's reader alone, one thread; documents parsed, masked and written again; medians",
        )
    store.close()


def _writes(count: int) -> Iterator[Write]:
    for number, said in enumerate(seeds.stations(count)):
        doc = entity_in(said, CORE)
        labels = {"description": "personal;purposes=care"} if number % 3 == 0 else None
        yield Write("create", doc["id"], doc, label=LABELS[number % len(LABELS)], labels=labels)


def _alternately(reader: SqliteReader, query: Query, member: Sight, times: int) -> tuple[float, float]:
    """Medians of both, taken in turn, so that both see the same machine; seconds."""

    def timed(work: Callable[[], Any]) -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    def page(who: Sight) -> Callable[[], Any]:
        return lambda: orjson.dumps([one.doc for one in reader.find("", query, who, LIMIT)])

    rounds = [(timed(page(member)), timed(page(ADMINISTRATOR))) for _ in range(times)]
    return median(one for one, _ in rounds), median(one for _, one in rounds)
