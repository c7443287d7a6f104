"""The devices of the bench: thousands of MQTT connections in one process, each a station that reports in its own beat.

    python -m bench.readings '{"host": ..., "port": ..., "secrets": FILE, "rate": 5000, "seconds": 60, "sent": FILE}'

Packets are written and read by hand (MQTT 3.1.1, QoS 1): a client library would cost more than the city it measures.
A latency counts from when a reading was due, not from when there was time to send it. Every reading's own time is
unique for its station, so that afterwards each can be looked for in the history; `sent` holds them all.
"""

import asyncio
import heapq
import json
import re
import sys
import time
from array import array
from collections import deque
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import uvloop

from bench.machine import raise_files
from bench.seeds import temperature

TICK_S: Final = 0.002
QUIET_S: Final = 30.0  # how long the last acknowledgements may take
_CONNACK: Final = b"\x20\x02\x00\x00"
_OBSERVED: Final = re.compile(rb'"observedAt":"([^"]{19})(\.\d+)?Z"')


class Station(asyncio.Protocol):
    """One connection."""

    __slots__ = (
        "acked",
        "bench",
        "buffer",
        "due",
        "head",
        "name",
        "number",
        "packet",
        "secret",
        "times",
        "transport",
        "up",
    )  # fmt: skip

    def __init__(self, bench: "Bench", number: int, name: str, secret: str) -> None:
        """A station that is not connected yet."""
        self.bench = bench
        self.number = number
        self.name = name
        self.secret = secret
        topic = f"hansa/{name}/bench".encode()
        self.head = len(topic).to_bytes(2, "big") + topic
        self.times = array("q")  # when each reading was taken, milliseconds
        self.due: deque[float] = deque()  # of what is not acknowledged, in the order of sending
        self.buffer = b""
        self.acked = 0
        self.packet = 0
        self.up = False

    def connection_made(self, transport: Any) -> None:
        """Say who it is."""
        self.transport = transport
        fields = b"".join(
            len(one).to_bytes(2, "big") + one for one in (x.encode() for x in (self.name, self.name, self.secret))
        )
        body = b"\x00\x04MQTT\x04\xc2\x02\x58" + fields
        transport.write(b"\x10" + _length(len(body)) + body)

    def data_received(self, data: bytes) -> None:
        """CONNACK once, then nothing but PUBACKs, which keep the order of their PUBLISHes."""
        data = self.buffer + data if self.buffer else data
        if not self.up:
            if len(data) < 4:
                self.buffer = data
                return
            if data[:4] != _CONNACK:
                self.bench.fail(f"{self.name} was turned away: {data[:4].hex()}")
                return
            self.up = True
            self.bench.one_up()
            data = data[4:]
        whole = len(data) & ~3
        self.buffer = data[whole:]
        now = time.perf_counter()
        for at in range(0, whole, 4):
            first, size, packet = data[at], data[at + 1], data[at + 2] << 8 | data[at + 3]
            expected = self.acked % 65_535 + 1
            if first != 0x40 or size != 2 or packet != expected:
                self.bench.fail(f"{self.name} got {data[at : at + 4].hex()}, not the PUBACK of {expected}")
                return
            self.acked += 1
            self.bench.latencies.append(now - self.due.popleft())

    def connection_lost(self, _exc: Exception | None) -> None:
        """It must not happen before the end."""
        if not self.bench.over:
            self.bench.fail(f"{self.name} lost its connection")

    def publish(self, due: float, wide: bool) -> None:
        """Send one reading."""
        at = self.bench.wall_ms + int(due * 1_000)
        turn = len(self.times)
        if turn and at <= self.times[-1]:
            at = self.times[-1] + 1
        self.times.append(at)
        more = b',"humidity":0.%02d,"pressure":%d.%d' % (turn % 100, 950 + turn % 80, turn % 10) if wide else b""
        second, ms = divmod(at, 1_000)
        value = temperature(self.number, turn)
        said = b'{"temperature":%a%b,"at":"%b.%03dZ"}' % (value, more, _second(second), ms)
        self.packet = turn % 65_535 + 1
        body = self.head + self.packet.to_bytes(2, "big") + said
        self.due.append(due)
        self.transport.write(b"\x32" + _length(len(body)) + body)


def _length(size: int) -> bytes:
    return bytes([size]) if size < 128 else bytes([size & 0x7F | 0x80, size >> 7])


@lru_cache(maxsize=64)
def _second(second: int) -> bytes:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()


@lru_cache(maxsize=4_096)
def _epoch(text: bytes) -> int:
    return int(time.mktime(time.strptime(text.decode() + " UTC", "%Y-%m-%dT%H:%M:%S %Z")) - time.timezone)


class Bench:
    """All stations, their beat, and what came of it."""

    def __init__(self, said: dict[str, Any]) -> None:
        """See the module for `said`."""
        self.said = said
        names = json.loads(Path(said["secrets"]).read_text())
        self.stations = [Station(self, i, *pair) for i, pair in enumerate(names.items())]
        self.latencies = array("d")
        self.page: array[float] = array("d")
        self.over = False
        self.faults: list[str] = []
        self.waiting = len(self.stations)
        self.all_up = asyncio.Event()
        self.wall_ms = 0

    def fail(self, why: str) -> None:
        """Note what must not happen."""
        if not self.over and len(self.faults) < 20:
            self.faults.append(why)

    def one_up(self) -> None:
        """One more is connected."""
        self.waiting -= 1
        if not self.waiting:
            self.all_up.set()

    async def run(self) -> dict[str, Any]:
        """Connect all, then report for so long, then wait for what is owed."""
        said = self.said
        loop = asyncio.get_running_loop()
        began = time.perf_counter()
        for at in range(0, len(self.stations), 50):
            await asyncio.gather(
                *(
                    loop.create_connection(lambda one=one: one, said["host"], said["port"])  # type: ignore[misc]
                    for one in self.stations[at : at + 50]
                )
            )
        await asyncio.wait_for(self.all_up.wait(), 60)
        connected_s = time.perf_counter() - began
        print("up", flush=True)
        watching = asyncio.create_task(self._watch(said["live"])) if said.get("live") else None
        if watching:
            await asyncio.sleep(0.2)
        cpu, began = time.process_time(), time.perf_counter()
        if said.get("rate"):
            await self._report(said["rate"], said["seconds"], wide=said.get("wide", False))
        else:
            await asyncio.sleep(said["seconds"])
        sent_s, cpu = time.perf_counter() - began, time.process_time() - cpu
        sent = sum(len(one.times) for one in self.stations)
        end = time.perf_counter() + QUIET_S
        while len(self.latencies) < sent and time.perf_counter() < end:  # noqa: ASYNC110  # an event a reading would cost
            await asyncio.sleep(0.02)
        acked_s = time.perf_counter() - began
        if watching:
            while len(self.page) < sent and time.perf_counter() < end:  # noqa: ASYNC110  # see above
                await asyncio.sleep(0.02)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        self.over = True
        self._write()
        for one in self.stations:
            one.transport.abort()
        return {
            "connected_s": connected_s,
            "sent": sent,
            "acked": len(self.latencies),
            "rate": sent / sent_s,
            "acked_rate": len(self.latencies) / acked_s,
            "load_cpu": cpu / sent_s,
            "puback_ms": quantiles(self.latencies),
            "page_ms": quantiles(self.page),
            "paged": len(self.page),
            "faults": self.faults,
        }

    async def _report(self, rate: float, seconds: float, *, wide: bool) -> None:
        """Each station in its own phase, each reading a little early or late: no chorus, as devices have none."""
        count = len(self.stations)
        beat = count / rate
        begin = time.perf_counter() + 0.05
        self.wall_ms = int(time.time() * 1_000 - time.perf_counter() * 1_000)
        queue = [(begin + beat * i / count, i) for i in range(count)]
        heapq.heapify(queue)
        stop = begin + seconds
        while queue[0][0] < stop:
            now = time.perf_counter()
            while queue[0][0] <= now and queue[0][0] < stop:
                due, i = queue[0]
                station = self.stations[i]
                station.publish(due, wide)
                turn = len(station.times)
                jitter = ((i * 31 + turn * 17) % 61 - 30) / 100  # up to 30 % of the beat
                heapq.heapreplace(queue, (begin + beat * (i / count + turn + jitter), i))
            await asyncio.sleep(TICK_S)

    async def _watch(self, live: dict[str, Any]) -> None:
        """A page that listens: how old each reading is when its event comes."""
        reader, writer = await asyncio.open_connection(live["host"], live["port"], limit=2**20)
        writer.write(f"GET /live?type=BenchStation HTTP/1.1\r\nhost: {live['host']}:{live['port']}\r\n\r\n".encode())
        rest = b""
        try:
            while data := await reader.read(2**18):
                blocks = (rest + data).split(b"\n\n")
                rest = blocks.pop()
                now = time.time()
                for block in blocks:
                    if (found := _OBSERVED.search(block)) is not None:
                        self.page.append(now - _epoch(found[1]) - float(b"0" + (found[2] or b"")))
                    elif b"event: reset" in block:
                        self.fail("the page was told to start again")
        finally:
            writer.close()

    def _write(self) -> None:
        """What each station sent and how much of it was acknowledged: name, acknowledged, times."""
        if "sent" in self.said:
            rows = [[one.name, one.acked, list(one.times)] for one in self.stations]
            Path(self.said["sent"]).write_text(json.dumps(rows))


def quantiles(seconds: "array[float]") -> dict[str, float]:
    """p50, p99 and the greatest, in milliseconds."""
    if not seconds:
        return {}
    ordered = sorted(seconds)
    last = len(ordered) - 1
    return {
        "p50": round(ordered[last // 2] * 1_000, 1),
        "p99": round(ordered[int(last * 0.99)] * 1_000, 1),
        "max": round(ordered[last] * 1_000, 1),
    }


async def _main() -> None:
    print(json.dumps(await Bench(json.loads(sys.argv[1])).run()), flush=True)


if __name__ == "__main__":
    raise_files()
    uvloop.run(_main())
