"""kill -9 in the middle of telling: whatever was acknowledged is told, at least once, with ids that do not change."""

import asyncio
import os
import signal
import sys

from receiver import Receiver

CHILD = """
import asyncio, sys
from hansa.clock import Clock
from hansa.errors import AlreadyExists
from hansa.model.change import Write
from hansa.model.entity import entity
from hansa.network.contexts import Contexts
from hansa.network.http import Egress
from hansa.platform.city import City
from hansa.platform.sqlite import SqliteStore
from hansa.platform.subscriptions import Subscriptions
from hansa.trust.labels import ADMINISTRATOR

async def main(path, url, first):
    city = City(SqliteStore(path), Clock(), ADMINISTRATOR)
    egress = Egress(["127.0.0.0/8"])
    subs = Subscriptions(city, egress, Contexts(egress))
    await subs.start()
    for name in ("a", "b"):
        try:
            await subs.create({"id": "urn:s:" + name, "type": "Subscription", "entities": [{"type": "Room"}],
                "notification": {"format": "keyValues", "endpoint": {"uri": url + name}}})
        except AlreadyExists:
            pass
    for n in range(first, 1_000_000):
        one = entity("Room", f"r{n}", number=n)
        await city.awrite(Write("create", one.id, one.doc))
        print(n, flush=True)

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


async def one_life(path, url, first, enough):
    """Let a city write from `first` on and end it by force when `enough(last)`; what was acknowledged."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", CHILD, str(path), url, str(first)),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    last = first - 1
    try:
        while not enough(last):
            line = await asyncio.wait_for(child.stdout.readline(), 20)
            assert line, "the city ended by itself"
            last = int(line)
    finally:
        child.send_signal(signal.SIGKILL)
        await child.communicate()
    return range(first, last + 1)


def test_what_was_acknowledged_is_told_although_the_city_is_killed(tmp_path):
    async def work():
        told = {"a": {}, "b": {}}

        def answer(got):
            for entity in got.data:
                # The id of one that carries several is made of what gathered, and that may differ after a crash.
                ids = {got.json["id"]} if len(got.data) == 1 else set()
                told[got.path[-1]].setdefault(entity["number"], set()).update(ids)
            return 200

        async with Receiver(answer) as receiver:
            url, path = receiver.url("/"), tmp_path / "open.db"
            acknowledged = set()
            # Each life has numbers of its own: whether the last write of a life was kept, nobody was told.
            for life, count in enumerate((30, 60, 5)):
                first = life * 1_000
                acknowledged.update(await one_life(path, url, first, lambda last, end=first + count: last >= end))
            await one_life(path, url, 10_000, lambda _: all(acknowledged <= set(seen) for seen in told.values()))
            for seen in told.values():
                assert max(len(seen[n]) for n in acknowledged) <= 1, "told twice, but under one id"

    asyncio.run(asyncio.wait_for(work(), 60))
