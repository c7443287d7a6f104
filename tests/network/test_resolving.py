"""Names that hang hang alone: neither a domain of a thousand such nor many domains keep others from being found."""

import asyncio
import threading

import pytest

from hansa.network.resolving import NEIGHBOURS, Resolver


def run(work):
    return asyncio.run(asyncio.wait_for(work, 15))


def test_a_domain_whose_names_hang_has_a_few_threads_and_all_others_are_found_at_once() -> None:
    go, asked = threading.Event(), []

    def look(host, _port):
        asked.append(host)
        if host.endswith("evil.example"):
            go.wait(10)
            raise OSError("timed out")
        return ["192.0.2.1"]

    async def work():
        resolve = Resolver(look)
        evil = [asyncio.create_task(resolve(f"a{i}.evil.example", 443)) for i in range(100)]
        await asyncio.sleep(0)
        assert await resolve("push.example.org", 443) == ["192.0.2.1"]
        assert await resolve("other.example.net.", 443) == ["192.0.2.1"]
        assert sum("evil" in one for one in asked) <= NEIGHBOURS
        for one in evil[:50]:  # who gives up waiting does not free the thread that still asks
            one.cancel()
        await asyncio.sleep(0.05)
        assert sum("evil" in one for one in asked) <= NEIGHBOURS
        assert await resolve("push.example.org", 443) == ["192.0.2.1"]
        go.set()
        done = await asyncio.gather(*evil, return_exceptions=True)
        assert sum(isinstance(one, OSError) for one in done) == 50
        resolve.close()
        await asyncio.to_thread(resolve._new.shutdown, wait=True)
        await asyncio.sleep(0)
        assert not resolve._domains

    run(work())


def test_a_name_that_was_found_needs_none_of_the_threads_that_new_ones_wait_for() -> None:
    go = threading.Event()

    def look(host, _port):
        if host.startswith("hang"):
            go.wait(10)
        return ["192.0.2.1"]

    async def work():
        resolve = Resolver(look)
        assert await resolve("known.example", 443)
        many = [asyncio.create_task(resolve(f"hang.of{i}.example{i}", 443)) for i in range(80)]
        await asyncio.sleep(0.05)
        assert await resolve("known.example", 443) == ["192.0.2.1"]
        assert await resolve("192.0.2.7", 443) == ["192.0.2.1"]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(resolve("new.example", 443), 0.05)
        go.set()
        await asyncio.gather(*many)
        assert await resolve("new.example", 443)
        resolve.close()

    run(work())
