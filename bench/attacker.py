"""Attackers, each an open loop from a hundred addresses of this machine, and somebody who only wants to be served.

    python -m bench.attacker KIND HOST PORT SECONDS [CA]     prints a JSON object

KIND is `guess` (1,000 passwords a second), `loris` (5,000 connections whose requests never end, opened again as they
are closed), `bodies` (of a gigabyte, with and without a length), `tls` (300 TLS handshakes a second), or `served`: 50
requests a second over connections that stay and 5 over new ones, with the time from when each was due to its answer.
"""

import asyncio
import json
import ssl
import sys
import time
from collections import Counter
from contextlib import suppress
from typing import Any, Final

import uvloop

ADDRESSES: Final = 100
GUESSES: Final = 1_000
SOCKETS: Final = 5_000
UPLOADS: Final = 20
HANDSHAKES: Final = 300
ASKED: Final = 50
OPENED: Final = 5
_GIVE_UP_S: Final = 10.0

Place = tuple[str, int]


def address(n: int) -> Place:
    """One of the attackers' addresses."""
    return f"127.0.1.{1 + n % ADDRESSES}", 0


def post(path: str, body: bytes, more: str = "") -> bytes:
    """A request that posts JSON, as a page of the city would."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\norigin: http://localhost\r\n"
        f"sec-fetch-site: same-origin\r\nx-hansa: page\r\n{more}content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def answer(reader: asyncio.StreamReader) -> int:
    """The status of one answer, read whole."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    size = head.partition(b"content-length: ")[2].split(b"\r\n")[0]
    await reader.readexactly(int(size or 0))
    return int(head[9:12])


async def paced(rate: float, seconds: float, what: Any) -> None:
    """Begin `what(n, due)` `rate` times a second, whatever became of those before."""
    began, n, tasks = time.monotonic(), 0, set()
    while (now := time.monotonic()) < began + seconds:
        while began + n / rate <= now:
            task = asyncio.ensure_future(what(n, began + n / rate))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            n += 1
        await asyncio.sleep(0.002)
    await asyncio.sleep(0.5)
    for task in tuple(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def guess(place: Place, seconds: float) -> Counter[str]:
    """Passwords for one account, and for one after another, from each address over a connection of its own."""
    said: Counter[str] = Counter()
    idle: dict[int, Any] = {}

    async def once(n: int, _due: float) -> None:
        mine = n % ADDRESSES
        held = idle.pop(mine, None)
        try:
            reader, writer = held or await asyncio.open_connection(*place, local_addr=address(mine))
            name = "ada" if n % 2 else f"user{n}"
            body = json.dumps({"name": name, "password": f"a guess of mine {n}", "code": "123456"}).encode()
            writer.write(post("/account/sign-in/password", body))
            said[str(await answer(reader))] += 1
            if mine in idle:
                writer.close()
            else:
                idle[mine] = reader, writer
        except (OSError, asyncio.IncompleteReadError):
            said["closed"] += 1

    await paced(GUESSES, seconds, once)
    return said


async def loris(place: Place, seconds: float) -> Counter[str]:
    """Requests that come a header at a time and never end."""
    said: Counter[str] = Counter()
    end = time.monotonic() + seconds

    async def drip(n: int) -> None:
        await asyncio.sleep(min(seconds / 4, 5) * n / SOCKETS)
        while time.monotonic() < end:
            try:
                reader, writer = await asyncio.open_connection(*place, local_addr=address(n))
            except OSError:
                said["not opened"] += 1
                await asyncio.sleep(0.5)
                continue
            said["opened"] += 1
            writer.write(b"GET /sign-in HTTP/1.1\r\nhost: localhost\r\n")
            try:
                while time.monotonic() < end:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(2):
                            if not await reader.read(1_000):
                                said["closed"] += 1
                                break
                    writer.write(b"x: y\r\n")
            except OSError:
                said["closed"] += 1
            writer.transport.abort()

    await asyncio.gather(*(drip(n) for n in range(SOCKETS)))
    return said


async def bodies(place: Place, seconds: float) -> Counter[str]:
    """Bodies of a gigabyte; every other says how long it is."""
    said: Counter[str] = Counter()
    end = time.monotonic() + seconds
    part = b" " * 65_536

    async def upload(n: int) -> None:
        while time.monotonic() < end:
            try:
                reader, writer = await asyncio.open_connection(*place, local_addr=address(n))
                length = "content-length: 1000000000" if n % 2 else "transfer-encoding: chunked"
                writer.write(
                    f"POST /account/sign-in HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
                    f"{length}\r\n\r\n".encode()
                )
                piece = part if n % 2 else b"10000\r\n" + part + b"\r\n"
                try:
                    while time.monotonic() < end:
                        writer.write(piece)
                        said["MB"] += 1
                        await writer.drain()
                except OSError:
                    said["closed"] += 1
                with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                    async with asyncio.timeout(1):
                        said[str(await answer(reader))] += 1
                writer.transport.abort()
            except OSError:
                said["not opened"] += 1
                await asyncio.sleep(0.1)

    await asyncio.gather(*(upload(n) for n in range(UPLOADS)))
    said["MB"] = said["MB"] * 65_536 // 1_000_000
    return said


async def handshakes(place: Place, seconds: float, ca: str) -> Counter[str]:
    """TLS connections that are opened, and closed again."""
    said: Counter[str] = Counter()
    context = ssl.create_default_context(cafile=ca)

    async def once(n: int, _due: float) -> None:
        try:
            _, writer = await asyncio.open_connection(
                *place, local_addr=address(n), ssl=context, server_hostname="localhost"
            )
            said["opened"] += 1
            writer.transport.abort()
        except (OSError, TimeoutError):
            said["refused"] += 1

    await paced(HANDSHAKES, seconds, once)
    return said


async def served(place: Place, seconds: float, ca: str, token: str) -> dict[str, Any]:
    """Somebody with a token, and somebody who opens the page of sign-in; how long each waits."""
    context = ssl.create_default_context(cafile=ca) if ca else None
    name = {"ssl": context, "server_hostname": "localhost"} if context else {}
    path = "/ngsi-ld/v1/entities/urn:ngsi-ld:Entity:load-7"
    known = f"GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n".encode()
    page = b"GET /sign-in HTTP/1.1\r\nhost: localhost\r\n\r\n"
    took: list[float] = []
    opened: list[float] = []
    said: Counter[str] = Counter()
    idle: list[Any] = []
    mine = ("127.0.2.1", 0)

    async def said_by(asked: bytes, kept: list[Any] | None) -> int:
        """The status of one answer; on a connection that was closed while it rested, asked again on another."""
        while kept:
            reader, writer = kept.pop()
            with suppress(OSError, asyncio.IncompleteReadError):
                writer.write(asked)
                status = await answer(reader)
                kept.append((reader, writer))
                return status
        reader, writer = await asyncio.open_connection(*place, local_addr=mine, **name)
        writer.write(asked)
        status = await answer(reader)
        if kept is None:
            writer.transport.abort()
        else:
            kept.append((reader, writer))
        return status

    async def once(asked: bytes, due: float, kept: list[Any] | None, times: list[float]) -> None:
        status = "failed"
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(_GIVE_UP_S):
                status = str(await said_by(asked, kept))
        said[status] += 1
        times.append(time.monotonic() - due if status == "200" else _GIVE_UP_S)

    await asyncio.gather(
        paced(ASKED, seconds, lambda _n, due: once(known, due, idle, took)),
        paced(OPENED, seconds, lambda _n, due: once(page, due, None, opened)),
    )
    return {"statuses": dict(said), "p99_ms": _p99(took), "new_p99_ms": _p99(opened), "n": len(took) + len(opened)}


def _p99(times: list[float]) -> float:
    return round(1e3 * sorted(times)[min(len(times) - 1, int(0.99 * len(times)))], 1) if times else 0.0


async def main(kind: str, host: str, port: str, seconds: str, ca: str = "", token: str = "") -> dict[str, Any]:
    place = (host, int(port))
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # what it broke off is its own fault
    if kind == "served":
        return await served(place, float(seconds), ca, token)
    if kind == "tls":
        return dict(await handshakes(place, float(seconds), ca))
    return dict(await {"guess": guess, "loris": loris, "bodies": bodies}[kind](place, float(seconds)))


if __name__ == "__main__":
    print(json.dumps(uvloop.run(main(*sys.argv[1:]))), flush=True)
