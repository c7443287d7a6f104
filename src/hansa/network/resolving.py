"""Names to addresses by the system's resolver, which nothing can stop once it asks, so that names that hang hang alone.

A name that was found before is asked for by threads of its own. All others share many, of which names under one domain
have a few: whoever has one name that hangs has a thousand. Held by tests/network/test_resolving.py.
"""

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

FOUND: Final = 4  # threads for names that were found before
NEW: Final = 64  # threads for all others: made when they are needed
NEIGHBOURS: Final = 4  # of those, for names under one domain
NAMES: Final = 4_096  # names of which it is remembered that they were found

Look = Callable[[str, int], list[str]]


@dataclass(slots=True)
class _Domain:
    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(NEIGHBOURS))
    users: int = 0  # who wait, and threads that ask


class Resolver:
    """Resolves for one event loop; `look` asks, and takes as long as it likes."""

    def __init__(self, look: Look | None = None) -> None:
        """Ask nobody yet."""
        self._look = look or system
        self._known = ThreadPoolExecutor(FOUND, "resolver")
        self._new = ThreadPoolExecutor(NEW, "resolver-new")
        self._found: OrderedDict[str, None] = OrderedDict()
        self._domains: dict[str, _Domain] = {}

    async def __call__(self, host: str, port: int) -> list[str]:
        """The addresses of a host, best first; raises OSError or UnicodeError."""
        name = host.rstrip(".").lower()
        if name in self._found or _literal(name):
            return await asyncio.wrap_future(self._known.submit(self._look, host, port))
        loop = asyncio.get_running_loop()
        key = ".".join(name.split(".")[-2:])
        domain = self._domains.setdefault(key, _Domain())
        domain.users += 1
        try:
            await domain.turn.acquire()
        except BaseException:
            self._left(key, domain)
            raise
        work = self._new.submit(self._look, host, port)

        def ended(_work: "Future[list[str]]") -> None:
            domain.turn.release()
            self._left(key, domain)

        def told(done: "Future[list[str]]") -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(ended, done)

        # Who gives up waiting leaves a thread behind, whose place is not free before the resolver gives up too.
        work.add_done_callback(told)
        addresses = await asyncio.wrap_future(work)
        self._found[name] = None
        if len(self._found) > NAMES:
            self._found.popitem(last=False)
        return addresses

    def close(self) -> None:
        """Wait for nobody."""
        self._known.shutdown(wait=False, cancel_futures=True)
        self._new.shutdown(wait=False, cancel_futures=True)

    def _left(self, key: str, domain: _Domain) -> None:
        domain.users -= 1
        if not domain.users:
            self._domains.pop(key, None)


def system(host: str, port: int) -> list[str]:
    """Ask the system."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def _literal(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
