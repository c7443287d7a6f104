"""Remote @contexts that outlive the city, so many and no more."""

import asyncio

import pytest

from hansa.clock import Clock
from hansa.errors import NoContext
from hansa.network.contexts import Contexts
from hansa.network.http import Egress
from hansa.platform import remembered
from hansa.platform.city import City
from hansa.platform.deadletters import TENANT
from hansa.platform.remembered import RememberedContexts
from hansa.platform.sqlite import SqliteStore
from hansa.trust.labels import ADMINISTRATOR

URL = "http://127.0.0.1:9/context"
DOCUMENT = {"@context": {"t": "https://one.example/t", "nested": {"@id": "https://one.example/n"}}}


def run(work):
    return asyncio.run(asyncio.wait_for(work, 20))


def life(path, test):
    async def work():
        with City(SqliteStore(path), Clock(), ADMINISTRATOR).closing() as city:
            memory = RememberedContexts(city)
            async with Egress(["127.0.0.0/8"]) as egress:
                contexts = Contexts(egress, remember=memory.note)
                count = memory.recall(contexts)
                await test(city, memory, contexts, count)
                await city.awrite()  # what was noted before is written
                await contexts.aclose()

    run(work())


def test_a_context_whose_host_is_gone_is_still_known_after_a_restart(tmp_path):
    async def first(city, memory, contexts, count):
        assert count == 0
        memory.note(URL, DOCUMENT)
        memory.note(URL, DOCUMENT)

    async def second(city, memory, contexts, count):
        assert count == 1
        assert (await contexts.context(URL)).expand("t") == "https://one.example/t"
        assert (await contexts.context(URL)).expand("nested") == "https://one.example/n"

    life(tmp_path / "a.db", first)
    life(tmp_path / "a.db", second)

    async def stranger(city, memory, contexts, count):
        with pytest.raises(NoContext):
            await contexts.context(URL)

    life(tmp_path / "b.db", stranger)


def test_only_so_many_and_so_long_ones_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(remembered, "KEPT", 3)

    async def first(city, memory, contexts, count):
        for n in range(5):
            memory.note(f"{URL}/{n}", DOCUMENT)
        memory.note(f"{URL}/0", None)  # long gone
        memory.note(f"{URL}/long", {"@context": {"t": "x" * 400_000}})

    async def second(city, memory, contexts, count):
        assert count == 3
        for n in (2, 3, 4):
            contexts.load(f"{URL}/{n}")
        assert len(city.find("RemoteContext", tenant=TENANT)) == 3

    life(tmp_path / "a.db", first)
    life(tmp_path / "a.db", second)


def test_one_that_is_forgotten_is_not_taken_up_again(tmp_path):
    async def first(city, memory, contexts, count):
        contexts.restore(URL, DOCUMENT, 50)
        memory.note(URL, DOCUMENT)
        contexts.forget(URL)

    async def second(city, memory, contexts, count):
        assert count == 0
        assert city.find("RemoteContext", tenant=TENANT) == []

    life(tmp_path / "a.db", first)
    life(tmp_path / "a.db", second)
