"""uvicorn behind the city's own door: what is listened at, and how it ends."""

import asyncio
import ctypes
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import uvicorn

from hansa.errors import HansaError
from hansa.network.accept import Door
from hansa.serve.gate import Gate
from hansa.serve.guests import Entry

_SWEEP_S: Final = 1.0
_TRIM: Final = 500  # connections, of which each has had some buffers of 64 kB


def _trim() -> None:
    """Give back what the C library keeps of buffers that many connections had at once; a few milliseconds."""
    with suppress(AttributeError, OSError):  # glibc has it, others keep less
        ctypes.CDLL(None).malloc_trim(0)


class Server(uvicorn.Server):
    """uvicorn, whose connections come through a gate, and which ends live pages before it waits for them."""

    def __init__(
        self, config: uvicorn.Config, gate: Gate, before: list[Callable[[], None]], tls: ssl.SSLContext | None
    ) -> None:
        """Call all of `before` when it is to end."""
        super().__init__(config)
        self._gate = gate
        self._before = before
        self._tls = tls
        self._sweeper: asyncio.TimerHandle | None = None
        self._trimmed = 0

    async def bind(self, host: str, port: int) -> int:
        """Take an address, and nobody yet; the port. HansaError when it is taken."""
        config = self.config
        config.load()

        def protocol(entry: Entry) -> asyncio.Protocol:
            made: Any = config.http_protocol_class
            return made(config=config, server_state=self.server_state, app_state={}).came(entry)  # type: ignore[no-any-return]

        try:
            self._door = Door(host, port, protocol, self._gate.guests.enter, tls=self._tls)  # type: ignore[arg-type]
        except OSError as fault:
            raise HansaError(f"nothing can be served at {host}:{port}: {fault.strerror or fault}") from None
        return int(self._door.sockets[0].getsockname()[1])

    async def startup(self, sockets: Any = None) -> None:  # noqa: ARG002  # uvicorn names it
        """Take connections."""
        self.servers: list[Any] = [self._door]
        self._door.open()
        self._sweep()
        self.started = True

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        self._sweeper = loop.call_later(_SWEEP_S, self._sweep)
        self._gate.sweep()
        if self._door.entered - self._trimmed > _TRIM:
            self._trimmed = self._door.entered
            loop.run_in_executor(None, _trim)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `serve`: what is open must be closed before the process may end."""
        yield

    async def shutdown(self, sockets: Any = None) -> None:
        """Take nobody more, and wait for those that are here, for a while."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for stop in self._before:
            stop()
        await super().shutdown(sockets)
