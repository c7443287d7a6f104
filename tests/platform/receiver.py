"""A real HTTP receiver on loopback, for tests: it keeps what it gets and answers as it is told."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass
class Got:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> list[dict[str, Any]]:
        return self.json["data"]


@dataclass
class Receiver:
    """`answer(got)` gives a status (or raw bytes of a whole response, or None: never answer)."""

    answer: Callable[[Got], Any] = lambda got: 200
    got: "asyncio.Queue[Got]" = field(default_factory=asyncio.Queue)
    port: int = 0
    _server: Any = None
    _tasks: set = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def url(self, path: str = "/notify") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def next(self, wait_s: float = 5.0) -> Got:
        return await asyncio.wait_for(self.got.get(), wait_s)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.strip().split("\r\n")
                headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                got = Got(first.split(" ")[1], headers, body)
                said = self.answer(got)
                self.got.put_nowait(got)
                if said is None:
                    await reader.read()  # until the other side gives up
                    return
                if isinstance(said, int):
                    said = f"HTTP/1.1 {said} X\r\nContent-Length: 0\r\n\r\n".encode()
                writer.write(said)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            return
        finally:
            self._tasks.discard(task)
            writer.close()
