"""Real servers on loopback that answer as a test wants, also badly."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Serve = Callable[[str, asyncio.StreamWriter], Awaitable[None]]
"""Given the head of a request, writes whatever it likes."""


def response(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def serving(serve: Serve, *, ssl=None, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """A server for as long as the block lasts; its port. Connections are kept alive between requests."""
    tasks: set[asyncio.Task] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = [
                    line.split(":")[1] for line in head.split("\r\n") if line.lower().startswith("content-length")
                ]
                if length:
                    head += (await reader.readexactly(int(length[0]))).decode("latin-1")
                await serve(head, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            return
        finally:
            writer.close()
            tasks.discard(asyncio.current_task())

    server = await asyncio.start_server(connected, host, 0, ssl=ssl)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def saying(*answers: bytes) -> Serve:
    """Answers these in turn, the last for ever; `seen` keeps the heads of the requests."""
    seen: list[str] = []

    async def serve(head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answers[min(len(seen), len(answers) - 1)])
        seen.append(head)

    serve.seen = seen
    return serve
