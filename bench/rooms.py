"""Both rooms full: operators and residents who listen, each by a stream of his own, and what they heard.

    python -m bench.rooms '{"host": ..., "port": ..., "token": ..., "operators": 100, "residents": 2000, "seconds": 30}'

prints "up" when all listen, then a JSON object. Operators listen to alarms with a token, as the desk does; residents to
everything that is public, as the map does, without saying who they are.
"""

import asyncio
import json
import random
import re
import sys
import time
from array import array
from typing import Any, Final

import uvloop

from bench.machine import raise_files
from bench.readings import quantiles

_AT: Final = re.compile(rb'"at":"([^"]{19})(\.\d+)?Z"')


class Room:
    """Everybody who listens."""

    def __init__(self, said: dict[str, Any]) -> None:
        """See the module for `said`."""
        self.said = said
        self.up = 0
        self.again = 0  # were asked to come later
        self.heard = {"operators": 0, "residents": 0}
        self.late: dict[str, array[float]] = {"operators": array("d"), "residents": array("d")}
        self.faults: list[str] = []
        self.over = False

    async def run(self) -> dict[str, Any]:
        """Let all come in, listen for so long."""
        said = self.said
        tasks = []
        crowd = ["operators"] * said["operators"] + ["residents"] * said["residents"]
        for at, who in enumerate(crowd):
            tasks.append(asyncio.create_task(self._listen(who)))
            if at % 20 == 19:
                await asyncio.sleep(0.05)
        async with asyncio.timeout(120):
            while self.up < len(crowd) and not self.faults:  # noqa: ASYNC110  # counted by many
                await asyncio.sleep(0.05)
        print("up", flush=True)
        await asyncio.sleep(said["seconds"])
        self.over = True
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return {
            "up": self.up,
            "again": self.again,
            "heard": self.heard,
            "late_ms": {who: quantiles(some) for who, some in self.late.items()},
            "faults": self.faults[:10],
        }

    async def _listen(self, who: str) -> None:
        said = self.said
        try:
            reader, writer = await asyncio.open_connection(said["host"], said["port"], limit=2**20)
            token = f"authorization: Bearer {said['token']}\r\n" if who == "operators" else ""
            kind = "?type=Alert" if who == "operators" else ""
            writer.write(f"GET /live{kind} HTTP/1.1\r\nhost: {said['host']}:{said['port']}\r\n{token}\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"HTTP/1.1 503"):  # too many come in at once: as a page does, try again in a moment
                self.again += 1
                writer.close()
                await asyncio.sleep(1 + random.random())
                await self._listen(who)
                return
            if not head.startswith(b"HTTP/1.1 200"):
                self.faults.append(head.split(b"\r\n")[0].decode())
                return
            self.up += 1
            while data := await reader.read(2**18):
                if many := data.count(b"event: change"):
                    self.heard[who] += many
                    found = _AT.search(data)  # the oldest of the piece
                    if found is not None:
                        at = time.strptime(found[1].decode() + " UTC", "%Y-%m-%dT%H:%M:%S %Z")
                        then = time.mktime(at) - time.timezone + float(b"0" + (found[2] or b""))
                        self.late[who].append(time.time() - then)
                if b"event: reset" in data:
                    self.faults.append(f"one of the {who} was told to begin anew")
            if not self.over:
                self.faults.append(f"one of the {who} was cut off")
        except (OSError, asyncio.IncompleteReadError) as fault:
            if not self.over:
                self.faults.append(f"{who}: {fault}")


async def _main() -> None:
    print(json.dumps(await Room(json.loads(sys.argv[1])).run()), flush=True)


if __name__ == "__main__":
    raise_files()
    uvloop.run(_main())
