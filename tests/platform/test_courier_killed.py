"""A process with a courier, killed twice with kill -9, and a sink that drops and lies: all told, none twice as new."""

import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
import time
from collections import defaultdict

from hansa.clock import Clock
from hansa.model.change import Write
from hansa.model.entity import entity
from hansa.platform.city import City
from hansa.platform.sqlite import SqliteStore
from hansa.trust.labels import ADMINISTRATOR
from local_http import response, serving

MANY = 100
LIFE = """
import asyncio, sys
from hansa.clock import Clock
from hansa.limits import Limits
from hansa.network.channels.marked import egress
from hansa.network.channels.webhook import Webhook
from hansa.platform.city import City
from hansa.platform.courier import Courier
from hansa.platform.sqlite import SqliteStore
from hansa.trust.labels import ADMINISTRATOR

async def live():
    city = City(SqliteStore(sys.argv[1]), Clock(), ADMINISTRATOR, Limits())
    wall = egress(("127.0.0.0/8",), Limits(egress_s=0.5))
    channels = {"webhook": Webhook(wall, width=8)}
    courier = Courier(city, channels, lambda _app, text: text, lambda: "https://c", base_s=0.01)
    await courier.start()
    await asyncio.Event().wait()

asyncio.run(live())
"""


def test_killed_twice_with_a_third_of_the_sends_dropped_everybody_is_told_and_nobody_twice_as_new(tmp_path) -> None:
    path = tmp_path / "city.db"
    city = City(SqliteStore(path), Clock(), ADMINISTRATOR, direct=True)
    warning = entity("Warning", "urn:ngsi-ld:Warning:1", state="sent", texts={"en": {"title": "Frost"}})
    city.put(warning)
    for key in range(MANY):
        made = entity(
            "Delivery",
            f"urn:ngsi-ld:Delivery:{key}",
            warning=warning.id,
            status="waiting",
            step=0,
            language="en",
            rank=1,
        )
        channel = {"kind": "webhook", "to": ""}
        city.write(Write("say", made.id, made.doc | entity("Delivery", made.id, channel=channel).doc))

    dice = random.Random(6)
    arrived: dict[str, list[bool]] = defaultdict(list)

    async def sink(head, writer):
        roll = dice.random()
        if roll < 0.15:  # never arrived
            writer.transport.abort()
            return
        said = json.loads(head.partition("\r\n\r\n")[2])
        arrived[said["id"]].append(said["again"])
        if roll < 0.30:  # arrived, and nobody says so
            writer.transport.abort()
            return
        writer.write(response(200) if roll < 0.9 else response(503))  # a refusal may be a lie too

    async def until(found):
        end = time.monotonic() + 25
        while not found():
            assert time.monotonic() < end, len(arrived)
            await asyncio.sleep(0.01)

    def handed():
        if len(arrived) < MANY:
            return 0
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            docs = [json.loads(row[0]) for row in db.execute("SELECT doc FROM entity") if row[0]]
        finally:
            db.close()
        return sum(one["type"] == "Delivery" and one["status"]["value"] == "handed" for one in docs)

    async def work():
        async with serving(sink) as port:
            for key in range(MANY):
                to = {"kind": "webhook", "to": f"http://127.0.0.1:{port}/{key % 5}"}
                city.put(entity("Delivery", f"urn:ngsi-ld:Delivery:{key}", channel=to))
            city.close()
            for killed_at in (MANY // 4, MANY // 2, None):
                life = await asyncio.create_subprocess_exec(sys.executable, "-c", LIFE, str(path))
                try:
                    if killed_at is not None:
                        await until(lambda at=killed_at: len(arrived) >= at)
                    else:
                        await until(lambda: handed() == MANY)
                finally:
                    os.kill(life.pid, signal.SIGKILL)
                    await life.wait()

    asyncio.run(asyncio.wait_for(work(), 90))
    assert len(arrived) == MANY
    assert [ident for ident, told in arrived.items() if sum(not again for again in told) > 1] == []
