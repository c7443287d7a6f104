"""Deliveries: bytes to other machines' URLs, in order, again and again until they are taken or given up.

Each endpoint has a bounded queue and one worker, which lives as long as there is something to deliver, so an endpoint
that hangs delays nobody else. A failure is tried again with exponential back-off and jitter; a refusal that no other
try can mend (4xx) is given up at once. What is given up is handed back with its reason: nothing is dropped in silence.
What the bytes mean, and what becomes of those given up, is the platform's business.
"""

import asyncio
import email.utils
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import structlog

from hansa.errors import HansaError
from hansa.limits import DEFAULT, Limits
from hansa.network.broker import Address
from hansa.network.http import Answer
from hansa.network.wall import Walled

TRIES: Final = 12
BASE_S: Final = 1.0
CAP_S: Final = 900.0  # twelve tries: about three quarters of an hour
AGE_S: Final = 86_400.0  # older news is given up, however few its tries
BYTES: Final = 64_000_000  # of all bodies that wait

_AGAIN: Final = frozenset((408, 425, 429))  # refusals that time may mend

log = structlog.get_logger("hansa.deliver")


@dataclass(slots=True)
class Delivery:
    """One thing to deliver. `ref` is the caller's own; `wait_s` how long the endpoint may take to answer.

    `address` is that of an MQTT endpoint, which `url` only shows.
    """

    endpoint: Hashable
    url: str
    body: bytes
    headers: Mapping[str, str]
    ref: Any = None
    wait_s: float | None = None
    rest_s: float = 0.0  # after a failure the endpoint is left alone at least so long
    address: Address | None = None
    tries: int = 0
    since: float = 0.0
    unwanted: bool = False


Fate = Literal["delivered", "failed", "given up"]


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one attempt (`delivered`, `failed`: tried again later), or of the delivery (`given up`)."""

    delivery: Delivery
    fate: Fate
    reason: str = ""
    tried: bool = True  # False: given up without another attempt


@dataclass(slots=True)
class _Endpoint:
    took_s: float = 0.0  # the last attempt that went well
    queue: deque[Delivery] = field(default_factory=deque)
    size: int = 0
    failures: int = 0
    current: Delivery | None = None
    worker: asyncio.Task[None] | None = None


class Deliveries:
    """Delivers. `send` is `Egress.ask` (or what stands in for it), `tell` hears of every fate, in the loop.

    `sleep`, `now` and `jitter` are seconds of wall time and can be handed in, so that tests need not wait.
    """

    def __init__(
        self,
        send: Callable[[Delivery], Awaitable[Answer]],
        tell: Callable[[Told], None],
        limits: Limits = DEFAULT,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
        tries: int = TRIES,
        bytes_max: int = BYTES,
    ) -> None:
        """Nothing waits yet."""
        self._send = send
        self._tell = tell
        self._limits = limits
        self._sleep = sleep
        self._now = now
        self._jitter = jitter
        self._tries = tries
        self._bytes_max = bytes_max
        self._endpoints: dict[Hashable, _Endpoint] = {}
        self._bytes = 0
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many wait, over all endpoints, those under way included."""
        return sum(len(one.queue) + (one.current is not None) for one in self._endpoints.values())

    def waiting_for(self, endpoint: Hashable) -> int:
        """How many wait for one endpoint."""
        one = self._endpoints.get(endpoint)
        return 0 if one is None else len(one.queue) + (one.current is not None)

    def under_way(self, wanted: Callable[[Delivery], bool]) -> list[Delivery]:
        """What waits and is wanted, oldest first; an attempt under way is the first of its endpoint."""
        return [
            delivery
            for one in self._endpoints.values()
            for delivery in ((one.current, *one.queue) if one.current is not None else one.queue)
            if wanted(delivery)
        ]

    def pressed(self, slow_s: float = 0.5) -> bool:
        """Whether an endpoint that takes what it gets, and quickly, has more than half of its queue to come.

        Whoever has more for it (and can wait) does well to wait. An endpoint that fails or is slow presses nobody.
        """
        half = self._limits.deliveries // 2
        return any(len(e.queue) > half and not e.failures and e.took_s < slow_s for e in self._endpoints.values())

    def put(self, delivery: Delivery) -> None:
        """Queue it. Beyond `limits.deliveries` the endpoint's oldest is given up for it; never blocks."""
        if self._closed:
            return  # whoever counts on it will find it undone when the city starts again
        delivery.since = self._now()
        one = self._endpoints.get(delivery.endpoint)
        if one is None:
            one = self._endpoints[delivery.endpoint] = _Endpoint()
        one.queue.append(delivery)
        one.size += len(delivery.body)
        self._bytes += len(delivery.body)
        if len(one.queue) > self._limits.deliveries:
            self._overflow(one, f"more than {self._limits.deliveries:,} notifications were waiting")
        while self._bytes > self._bytes_max:
            most = max(self._endpoints.values(), key=lambda e: e.size)
            if not most.queue:
                break
            self._overflow(most, f"more than {self._bytes_max:,} bytes of notifications were waiting")
        if one.worker is None:
            one.worker = asyncio.get_running_loop().create_task(self._work(delivery.endpoint, one))

    def drop(self, wanted: Callable[[Delivery], bool]) -> list[Delivery]:
        """Take out what waits and is no longer wanted. Nothing is told of it; an attempt under way is the last."""
        dropped: list[Delivery] = []
        for one in self._endpoints.values():
            if one.current is not None and not wanted(one.current):
                one.current.unwanted = True
                dropped.append(one.current)
            kept: deque[Delivery] = deque()
            for delivery in one.queue:
                if wanted(delivery):
                    kept.append(delivery)
                else:
                    dropped.append(delivery)
                    self._out(one, delivery)
            one.queue = kept
        return dropped

    async def aclose(self) -> None:
        """End the workers; what waits stays undone."""
        self._closed = True
        workers = [one.worker for one in self._endpoints.values() if one.worker is not None]
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        self._endpoints.clear()
        self._bytes = 0

    def _overflow(self, one: _Endpoint, why: str) -> None:
        oldest = one.queue.popleft()
        self._out(one, oldest)
        self._say(Told(oldest, "given up", why, tried=False))

    def _out(self, one: _Endpoint, delivery: Delivery) -> None:
        one.size -= len(delivery.body)
        self._bytes -= len(delivery.body)

    async def _work(self, endpoint: Hashable, one: _Endpoint) -> None:
        try:
            while one.queue:
                one.current = one.queue.popleft()
                await self._deliver(one, one.current)
                self._out(one, one.current)
                one.current = None
        finally:
            # No await between the last look at the queue and this, so nothing can be left behind in it.
            if self._endpoints.get(endpoint) is one:
                del self._endpoints[endpoint]

    async def _deliver(self, one: _Endpoint, delivery: Delivery) -> None:
        """Try until it is taken or given up."""
        while not delivery.unwanted:
            if (age_s := self._now() - delivery.since) > AGE_S:
                self._say(Told(delivery, "given up", f"not taken within {age_s / 3_600:.0f} h", tried=False))
                return
            delivery.tries += 1
            began = self._now()
            reason, again, wait_s = await self._once(delivery)
            if reason is None:
                one.failures = 0
                one.took_s = self._now() - began
                self._say(Told(delivery, "delivered"))
                return
            if not again:
                self._say(Told(delivery, "given up", reason))
                return
            one.failures += 1
            if delivery.tries >= self._tries:
                self._say(Told(delivery, "given up", f"tried {delivery.tries} times; at last: {reason}"))
                if one.queue:  # the next one is spared the endpoint's bad moment
                    await self._sleep(self._back_off_s(one.failures, wait_s, delivery.rest_s))
                return
            self._say(Told(delivery, "failed", reason))
            await self._sleep(self._back_off_s(one.failures, wait_s, delivery.rest_s))

    async def _once(self, delivery: Delivery) -> tuple[str | None, bool, float | None]:
        """One attempt: why it failed (None: it did not), whether time may mend it, and how long the endpoint asks."""
        try:
            answer = await self._send(delivery)
        except HansaError as fault:
            # The wall and a URL that is none stay as they are; everything else is a bad moment.
            return fault.detail, fault.status >= 500 and not isinstance(fault, Walled), None
        except Exception as fault:  # whatever it was, the other deliveries of this endpoint must go on
            log.exception("a delivery failed in an unforeseen way", url=delivery.url)
            return f"{type(fault).__name__}: {fault}", True, None
        if answer.ok:
            return None, False, None
        reason = f"the endpoint answered {answer.status}"
        again = answer.status >= 500 or answer.status in _AGAIN
        return reason, again, retry_after_s(answer.headers.get("retry-after"))

    def _back_off_s(self, failures: int, asked_s: float | None, rest_s: float) -> float:
        """Exponential with jitter between a half and the whole; never sooner than the endpoint asked for."""
        whole = min(CAP_S, BASE_S * 2.0 ** min(failures - 1, 30))
        return max(whole * (0.5 + self._jitter() / 2), min(asked_s or 0.0, CAP_S), min(rest_s, CAP_S))

    def _say(self, told: Told) -> None:
        if told.delivery.unwanted:
            return
        try:
            self._tell(told)
        except Exception:  # a broken listener must not stop the deliveries
            log.exception("nobody took note of a delivery", url=told.delivery.url, fate=told.fate)


def retry_after_s(value: str | None) -> float | None:
    """Seconds of a Retry-After header (RFC 9110, 10.2.3), or None when there is none to be read."""
    if value is None:
        return None
    said = value.strip()
    if said.isascii() and said.isdigit() and len(said) < 10:
        return float(said)
    try:
        when = email.utils.parsedate_to_datetime(said)
    except (TypeError, ValueError):
        return None
    return max(0.0, when.timestamp() - time.time())
