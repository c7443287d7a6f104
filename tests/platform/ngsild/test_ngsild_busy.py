"""A city that cannot take more says 503 and when to come again; reads go on, and later so do writes."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest_ngsild import Api, header, said, small

from hansa.clock import Clock
from hansa.platform.city import City
from hansa.platform.http import Headers, Request, Response
from hansa.platform.sqlite.store import SqliteStore
from hansa.trust.labels import ADMINISTRATOR


class Slow(SqliteStore):
    """A real store that stands still until it is let go."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.begun, self.go = threading.Event(), threading.Event()
        self.go.set()

    def write(self, items: Any, at: int) -> Any:
        self.begun.set()
        assert self.go.wait(20)
        return super().write(items, at)


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[tuple[Api, Slow]]:
    store = Slow(tmp_path / "open.db")
    with City(store, Clock(), ADMINISTRATOR, small(inbox=3)).closing() as city:
        api = Api(city)
        yield api, store
        store.go.set()
        api.runner.close()


def create(n: int) -> Request:
    body = b'{"id":"urn:x:%d","type":"Bench"}' % n
    headers = Headers([(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())])
    return Request("POST", ["entities"], b"", body, headers, ADMINISTRATOR)


def test_a_full_inbox_is_503_with_retry_after_and_reads_go_on(slow: tuple[Api, Slow]) -> None:
    api, store = slow
    api.made({"id": "urn:x:0", "type": "Bench"})

    async def crowd() -> tuple[list[Response], Response, Response]:
        store.begun.clear()
        store.go.clear()
        first = asyncio.create_task(api.door.handle(create(1)))
        await asyncio.to_thread(store.begun.wait, 20)
        waiting = [first, *(asyncio.create_task(api.door.handle(create(n))) for n in (2, 3))]
        await asyncio.sleep(0)
        refused = await api.door.handle(create(4))
        read = await api.door.handle(Request("GET", ["entities", "urn:x:0"], sight=ADMINISTRATOR))
        store.go.set()
        return list(await asyncio.gather(*waiting)), refused, read

    taken, refused, read = api.runner.run(crowd())
    assert [one.status for one in taken] == [201, 201, 201]
    assert refused.status == 503
    assert header(refused, "retry-after") == "1"
    assert said(refused)["type"] == "https://hansa.city/errors/Busy"
    assert said(refused)["mend"]
    assert read.status == 200
    assert api.get("entities/urn:x:4").status == 404, "nothing of it was taken"
    while api.city.inbox is not None and api.city.inbox.size:
        threading.Event().wait(0.001)
    assert api.runner.run(api.door.handle(create(4))).status == 201
