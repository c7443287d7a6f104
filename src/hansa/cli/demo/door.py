"""The city's HTTP door as the administrator's helpers use it: one connection that stays open, one request at a time.

`feed` turns the clock before every instant of a year, so a request may cost little: some 100 us here against 500 us of
a client that can do everything.
"""

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import orjson

from hansa import clock
from hansa.cli.desk import told
from hansa.errors import SourceFailed
from hansa.serve import token

TRIES: Final = 30  # of a city that is busy, a second apart
ANSWER_S: Final = 60.0  # a batch of an import on a busy machine


class Door:
    """Requests to the city at `url` with the administrator's token of `data`. Use it in `async with`."""

    def __init__(self, url: str, data: Path) -> None:
        """Nothing is opened yet."""
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._head = f"host: {parts.netloc}\r\ncontent-type: application/json\r\n"
        self._bearer = f"authorization: Bearer {token(data)}\r\n"
        self._one = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        """Open at the first request."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self._drop()

    async def ask(self, method: str, path: str, said: Any = None, *, bearer: bool = True) -> Any:
        """One request; the city's answer, or what it refuses, in its own words. SourceFailed when it is not there.

        Without `bearer` it comes from somebody unknown, such as a device that has only its claim.
        """
        body = b"" if said is None else orjson.dumps(said)
        fields = f"{self._head}{self._bearer if bearer else ''}content-length: {len(body)}\r\n"
        head = f"{method} {path} HTTP/1.1\r\n{fields}\r\n".encode("latin-1")
        async with self._one:
            try:
                async with asyncio.timeout(ANSWER_S):
                    status, answer = await self._patiently(head + body)
            except (OSError, EOFError, ValueError, TimeoutError) as fault:
                self._drop()
                raise SourceFailed(f"the city does not answer: {fault or type(fault).__name__}") from fault
            except asyncio.CancelledError:
                self._drop()  # its answer would be taken for that of the next request
                raise
        if status >= 400:
            raise told(status, answer)
        return orjson.loads(answer) if answer else None

    async def now(self) -> tuple[int, float]:
        """The city's clock: microseconds, and its rate."""
        began = asyncio.get_running_loop().time()
        health = await self.ask("GET", "/health")
        rate = float(health["rate"])
        # Half of the way there and back has passed since the city looked at its clock.
        half_s = (asyncio.get_running_loop().time() - began) / 2
        return clock.parse(health["now"]) + int(half_s * rate * clock.SECOND), rate

    async def turn(self, at: int, rate: float | None = None) -> None:
        """Set the city's clock (driven or simulated), and perhaps how fast it runs."""
        said: dict[str, Any] = {"now": clock.text(at)}
        if rate is not None:
            said["rate"] = rate
        await self.ask("PUT", "/admin/clock", said)

    async def level(self, at: int | None = None) -> None:
        """Wait until the rules have seen all that was acknowledged; `at` is where a driven clock stands."""
        await self.seen(None, at)

    async def seen(self, seq: int | None, at: int | None = None) -> int:
        """Wait until the rules have come to `seq` in the log (None: to its end); where the log ends now."""
        wait_s = 0.001
        while True:
            health = await self.ask("GET", "/health")
            head, behind = health["realms"]["open"]["seq"], health["rules"]["behind"]
            if not behind or (seq is not None and head - behind >= seq):
                return int(head)
            if at is not None and wait_s > 0.002:
                # Rules that wait for a clock which stands are woken by being told of it once more.
                await self.turn(at)
            await asyncio.sleep(wait_s)
            wait_s = min(0.05, wait_s * 1.5)

    async def _patiently(self, request: bytes) -> tuple[int, bytes]:
        """The same again while the city is busy: what helpers send may be said twice."""
        for _ in range(TRIES):
            status, answer = await self._exchange(request)
            if status != 503:
                break
            await asyncio.sleep(1.0)
        return status, answer

    async def _exchange(self, request: bytes) -> tuple[int, bytes]:
        """Write and read once more on a new connection if the old one had been closed meanwhile."""
        fresh = self._streams is None
        try:
            return await self._once(request)
        except (ConnectionError, asyncio.IncompleteReadError):
            self._drop()
            if fresh:
                raise
        return await self._once(request)

    async def _once(self, request: bytes) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        status_line, *lines = head.split(b"\r\n")
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        body = await reader.readexactly(int(fields.get(b"content-length", b"0")))
        if fields.get(b"connection", b"").lower() == b"close":
            self._drop()
        return int(status_line.split()[1]), body

    def _drop(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
