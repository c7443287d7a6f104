"""Doors: listening sockets that look at who comes before anything is done for him.

A TLS handshake costs a millisecond and tens of kilobytes, so whoever comes too often, or holds too many connections
already, is turned away at the bare socket. `Admit` decides that; who may come is not decided here. A handshake has a
deadline, and so many of them are under way at once.
"""

import asyncio
import errno
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Final, Protocol

import structlog

log = structlog.get_logger(__name__)

_BATCH: Final = 64  # connections of one turn of the loop; the rest in the next
_REST_S: Final = 0.1  # when no file can be opened: some will be closed meanwhile
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: no goodbye, and no port that waits for one
_OURS: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Entry(Protocol):
    """One connection that was let in."""

    def leave(self) -> None:
        """It has ended; said once or more."""


Admit = Callable[[str], Entry | None]
"""Whether somebody at this address may connect now: None turns him away."""
Make = Callable[[Entry], asyncio.Protocol]
"""The protocol of a connection; it says `leave` when the connection is lost."""


class _Anybody:
    """An entry that nobody counts."""

    def leave(self) -> None:
        """It has ended."""


def anybody(_address: str) -> Entry:
    """Let everybody in."""
    return _Anybody()


class Door:
    """One address at which connections are taken. As a server: `sockets`, `close`, `wait_closed`."""

    def __init__(
        self,
        host: str,
        port: int,
        make: Make,
        admit: Admit,
        *,
        tls: ssl.SSLContext | None = None,
        handshake_s: float = 10.0,
        close_s: float = 5.0,
        handshakes: int = 2_000,
    ) -> None:
        """Bind, and take nobody yet. OSError when the address is taken, or none of this machine's."""
        self._make = make
        self._admit = admit
        self._tls = tls
        self._handshake_s = handshake_s
        self._close_s = close_s
        self._most = handshakes
        self._under_way: set[asyncio.Task[None]] = set()
        self._resting: asyncio.TimerHandle | None = None
        self.turned_away = 0
        self.failed = 0  # handshakes
        self.entered = 0
        self.sockets = _bound(host, port)

    def open(self) -> tuple[str, int]:
        """Take connections, in the running loop; where."""
        self._loop = asyncio.get_running_loop()
        self._take()
        bound: tuple[str, int] = self.sockets[0].getsockname()[:2]
        return bound

    def close(self) -> None:
        """Take no more; handshakes under way end."""
        if self._resting is not None:
            self._resting.cancel()
        for one in self.sockets:
            self._loop.remove_reader(one)
            one.close()
        self.sockets = []
        for task in tuple(self._under_way):
            task.cancel()

    async def wait_closed(self) -> None:
        """Until no handshake is under way."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _take(self) -> None:
        self._resting = None
        for one in self.sockets:
            self._loop.add_reader(one, self._ready, one)

    def _ready(self, listener: socket.socket) -> None:
        for _ in range(_BATCH):
            try:
                came, peer = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as fault:
                if fault.errno not in _OURS:
                    raise
                log.warning("no more connections can be opened", error=str(fault))
                for one in self.sockets:
                    self._loop.remove_reader(one)
                self._resting = self._loop.call_later(_REST_S, self._take)
                return
            entry = self._admit(peer[0]) if len(self._under_way) < self._most else None
            if entry is None:
                self.turned_away += 1
                came.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                came.close()
                continue
            self.entered += 1
            came.setblocking(False)
            task = self._loop.create_task(self._enter(came, entry))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _enter(self, came: socket.socket, entry: Entry) -> None:
        made = self._make(entry)
        tls = {} if self._tls is None else {
            "ssl": self._tls, "ssl_handshake_timeout": self._handshake_s, "ssl_shutdown_timeout": self._close_s,
        }  # fmt: skip
        try:
            await self._loop.connect_accepted_socket(lambda: made, came, **tls)  # type: ignore[arg-type]
        except (OSError, TimeoutError) as fault:  # of a stranger, who may speak no TLS at all
            self.failed += 1
            log.debug("a connection came to nothing", error=type(fault).__name__)
            came.close()
            made.connection_lost(fault)  # it was never made, but what it holds is let go of at once
            entry.leave()
        except BaseException:
            came.close()
            entry.leave()
            raise


def _bound(host: str, port: int) -> list[socket.socket]:
    """A listening socket for each address of a host; with port 0 all have the same free one."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    made: list[socket.socket] = []
    try:
        for family, kind, proto, _, where in dict.fromkeys(found):
            one = socket.socket(family, kind, proto)
            made.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            free = made[0].getsockname()[1] if port == 0 and len(made) > 1 else where[1]
            one.bind((where[0], free, *where[2:]))
            one.setblocking(False)
            one.listen(2_048)
    except OSError:
        for one in made:
            one.close()
        raise
    return made
