"""Endpoints that have yet to show that they take what they get: they share a part of a lane, and wait for each other.

Recipients name push services and webhooks, so anybody can have the city ask a thousand hosts that hang. Such hosts hold
up one another and nobody else: an endpoint is settled, and free of this, once it took a score of messages quickly.
Until then it has one on its way, and one more for each that it took; of all that wait, those to endpoints with many
recipients go before those to endpoints with few, and what failed goes after whatever did not. No clock, no socket.
"""

import heapq
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

SETTLED: Final = 20  # messages taken quickly: an attacker needs as many subscriptions for each of his hosts
QUICK_S: Final = 3.0  # what takes longer is no recommendation
SHARE: Final = 4  # the part of a lane's width is one in so many
HOSTS: Final = 4_096  # endpoints of which more is remembered than what waits for them


class Job(NamedTuple):
    """A delivery that waits."""

    rank: int
    order: int
    id: str
    endpoint: str
    since: float


class _Head(NamedTuple):
    failed: bool
    rank: int
    few: int
    order: int
    name: str


@dataclass(slots=True)
class _Host:
    score: int = 0
    failed: bool = False
    out: int = 0
    line: list[Job] = field(default_factory=list)
    head: _Head | None = None


class Newcomers:
    """What waits for endpoints that are not settled, of one lane."""

    def __init__(self, width: int) -> None:
        """Nothing waits yet; `width` is the whole lane's."""
        self._most = max(1, width // SHARE)
        self._hosts: OrderedDict[str, _Host] = OrderedDict()
        self._heads: list[_Head] = []
        self._out: set[str] = set()

    def settled(self, name: str) -> bool:
        """Whether an endpoint is free of this; "" is one that the operator named."""
        host = self._hosts.get(name)
        return not name or (host is not None and host.score >= SETTLED)

    def put(self, job: Job, *, failed: bool) -> None:
        """A job waits; `failed`: it was tried before."""
        host = self._host(job.endpoint)
        if failed and not host.failed:
            host.failed, host.head = True, None
        heapq.heappush(host.line, job)
        self._list(job.endpoint, host)

    def first(self) -> tuple[bool, int, int] | None:
        """Whether the next one's endpoint failed, its rank and order; None when none may go now."""
        if len(self._out) >= self._most:
            return None
        while self._heads:
            head = self._heads[0]
            host = self._hosts.get(head.name)
            if host is not None and host.head is head:
                return head.failed, host.line[0].rank, host.line[0].order
            heapq.heappop(self._heads)
        return None

    def pop(self) -> Job:
        """That one; it is not on its way before `goes`."""
        name = heapq.heappop(self._heads).name
        host = self._hosts[name]
        host.head = None
        job = heapq.heappop(host.line)
        self._list(name, host)
        return job

    def goes(self, job: Job) -> None:
        """It is on its way; `left` says that it is no more."""
        if self.settled(job.endpoint) or job.id in self._out:
            return
        host = self._host(job.endpoint)
        self._out.add(job.id)
        host.out += 1
        self._list(job.endpoint, host)

    def left(self, job: Job) -> bool:
        """It is not on its way any more; whether that makes room for another."""
        if job.id not in self._out:
            return False
        self._out.discard(job.id)
        host = self._host(job.endpoint)
        host.out = max(0, host.out - 1)
        self._list(job.endpoint, host)
        self._forget(job.endpoint, host)
        return True

    def took(self, name: str, *, after_s: float) -> list[Job]:
        """An endpoint took one; what waited for it and is now free of this."""
        if not name:
            return []
        host = self._host(name)
        if host.failed:
            host.failed, host.head = False, None
        if after_s <= QUICK_S:
            host.score = min(2 * SETTLED, host.score + 1)
        if host.score < SETTLED:
            self._list(name, host)
            return []
        free, host.line, host.head = host.line, [], None
        return free

    def failed(self, name: str, *, down: bool) -> None:
        """An endpoint did not take one; `down`: it takes nothing any more, and what it did before says nothing."""
        if not name:
            return
        host = self._host(name)
        host.score = 0 if down else max(0, host.score - 1)
        host.failed, host.head = True, None
        self._list(name, host)
        self._forget(name, host)

    def waiting(self) -> Iterator[Job]:
        """All that waits here."""
        for host in self._hosts.values():
            yield from host.line

    def drop(self, gone: Callable[[Job], bool]) -> None:
        """Let go of what waits and is `gone`."""
        for name, host in list(self._hosts.items()):
            if host.line:
                host.line = [job for job in host.line if not gone(job)]
                heapq.heapify(host.line)
                host.head = None
                self._list(name, host)
                self._forget(name, host)

    def _host(self, name: str) -> _Host:
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = _Host()
            if len(self._hosts) > HOSTS:
                self._spare()
        return host

    def _list(self, name: str, host: _Host) -> None:
        """Stand in for the others' turn with the best of its line, if it may have another one on its way."""
        if not host.line or host.out > host.score or self.settled(name):
            host.head = None
            return
        first = host.line[0]
        head = _Head(host.failed, first.rank, -len(host.line).bit_length(), first.order, name)
        if host.head is None or head[:3] < host.head[:3]:
            host.head = head
            heapq.heappush(self._heads, head)

    def _forget(self, name: str, host: _Host) -> None:
        if not host.line and not host.out and not host.score:
            self._hosts.pop(name, None)

    def _spare(self) -> None:
        """Forget an endpoint for which nothing waits; looked for among a few of the oldest, for that is often done."""
        for _ in range(8):
            name, host = next(iter(self._hosts.items()))
            if not host.line and not host.out:
                del self._hosts[name]
                return
            self._hosts.move_to_end(name)
