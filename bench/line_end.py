"""One end of a line, in a network namespace that ends with this process: `python -m bench.line_end near|far`.

It reads a JSON object a line, answers each with one, and ends when its input closes. Near the city, it floods the line
and warns; far from it, it takes all that and floods the other way.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
from typing import Any, Final

TOS: Final = 46 << 2  # EF, as hansa's channels mark their sockets
NEAR: Final = {socket.AF_INET: "10.203.0.1", socket.AF_INET6: "fd00:203::1"}
FAR: Final = {socket.AF_INET: "10.203.0.2", socket.AF_INET6: "fd00:203::2"}
PUSH, SINK, SOURCE, DISCARD = 8080, 9000, 9001, 9002
STREAMS: Final = 4  # TCP connections each way: a queue is filled by few
FLOOD_BPS: Final = 1_500_000  # UDP each way, deaf to loss: half more than the line
BODY: Final = bytes(500)


class Far:
    """Takes pushes, and counts them; swallows bulk, and pours it out."""

    def __init__(self) -> None:
        """Nothing heard yet."""
        self.heard: dict[str, int] = {}
        self.sunk = 0

    async def push(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One POST: known by its path, answered when its body is here in full."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next(int(row.split(":")[1]) for row in head.splitlines() if row.startswith("Content-Length"))
            await reader.readexactly(length)
            name = head.split(" ")[1]
            self.heard[name] = self.heard.get(name, 0) + 1
            writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        writer.close()

    async def sink(self, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        """Swallow."""
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                self.sunk += len(data)

    async def begin(self) -> None:
        """Listen on every port; what answers a push is marked as the push was."""
        for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):  # nobody else is here
            doors = ((PUSH, self.push, TOS), (SINK, self.sink, 0), (SOURCE, lambda _, writer: pour(writer), 0))
            for port, work, tos in doors:
                await asyncio.start_server(work, sock=_listening(family, host, port, tos))
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("0.0.0.0", DISCARD))


def _listening(family: int, host: str, port: int, tos: int) -> socket.socket:
    one = socket.socket(family)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    _mark(one, tos)
    one.bind((host, port))
    one.listen(1_000)
    one.setblocking(False)
    return one


def _mark(one: socket.socket, tos: int) -> None:
    if one.family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, tos)
    else:
        one.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)


async def pour(writer: asyncio.StreamWriter) -> None:
    """Bulk without end."""
    block = bytes(16_384)
    with contextlib.suppress(OSError):
        while True:
            writer.write(block)
            await writer.drain()


async def flood(host: str) -> None:
    """UDP at FLOOD_BPS, whatever becomes of it."""
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setblocking(False)
    packet, begun, sent = bytes(1_200), time.monotonic(), 0
    while True:
        due = (time.monotonic() - begun) * FLOOD_BPS / 8 / len(packet)
        while sent < due:
            with contextlib.suppress(OSError):
                one.sendto(packet, (host, DISCARD))
            sent += 1
        await asyncio.sleep(0.005)


async def saturate() -> list[asyncio.Task[None]]:
    """Fill both directions; the tasks that do it."""
    tasks = [asyncio.create_task(flood(FAR[socket.AF_INET]))]

    async def up() -> None:
        _, writer = await asyncio.open_connection(FAR[socket.AF_INET], SINK)
        await pour(writer)

    async def down() -> None:
        reader, _ = await asyncio.open_connection(FAR[socket.AF_INET], SOURCE)
        while await reader.read(65_536):
            pass

    for _ in range(STREAMS):
        tasks += [asyncio.create_task(up()), asyncio.create_task(down())]
    return tasks


async def _post(name: str, family: socket.AddressFamily, loop: asyncio.AbstractEventLoop) -> bool:
    with socket.socket(family) as one:
        one.setblocking(False)
        _mark(one, TOS)
        await loop.sock_connect(one, (FAR[family], PUSH))
        head = f"POST /{name} HTTP/1.1\r\nHost: far\r\nTTL: 3600\r\nUrgency: high\r\nContent-Length: {len(BODY)}\r\n"
        await loop.sock_sendall(one, head.encode() + b"Connection: close\r\n\r\n" + BODY)
        return (await loop.sock_recv(one, 4_096)).startswith(b"HTTP/1.1 201 ")


async def warn(count: int, every_s: float, patience_s: float) -> dict[str, Any]:
    """Post warnings, one each `every_s`, every second by IPv6; the seconds until each was acknowledged, None: never."""
    loop = asyncio.get_running_loop()
    begun = loop.time()

    async def one(number: int) -> float | None:
        due = begun + number * every_s
        await asyncio.sleep(due - loop.time())
        family = socket.AF_INET6 if number % 2 else socket.AF_INET
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(patience_s):
                if await _post(f"w{number}", family, loop):
                    return loop.time() - due
        return None

    return {"took_s": await asyncio.gather(*(one(number) for number in range(count)))}


async def _near(said: dict[str, Any]) -> dict[str, Any]:
    tasks = await saturate() if said.get("bulk", True) else []
    await asyncio.sleep(said.get("settle_s", 0))
    told = await warn(said["count"], said["every_s"], said["patience_s"])
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return told


async def _main(role: str) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    far, kept = Far(), []
    if role == "far":
        await far.begin()
    print(json.dumps({"ready": role}), flush=True)
    while row := await reader.readline():
        said = json.loads(row)
        if role == "near":
            work = asyncio.ensure_future(_near(said))
            left = asyncio.ensure_future(reader.readline())  # the parent says nothing more, or is gone
            await asyncio.wait({work, left}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                break
            left.cancel()
            await asyncio.gather(left, return_exceptions=True)
            print(json.dumps(work.result()), flush=True)
        elif said.get("flood"):
            kept.append(asyncio.create_task(flood(NEAR[socket.AF_INET])))
            print(json.dumps({"sunk": far.sunk}), flush=True)
        else:
            print(json.dumps({"heard": len(far.heard), "twice": sum(n > 1 for n in far.heard.values())} |
                             {"sunk": far.sunk}), flush=True)  # fmt: skip
    os._exit(0)  # with all its connections open: nobody is left to say goodbye to


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C reaches us too; our owner then closes our input
    asyncio.run(_main(sys.argv[1]))
