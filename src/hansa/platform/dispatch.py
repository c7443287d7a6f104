"""From a notification's bytes to its fate: delivered over HTTP or MQTT, counted, or kept as a dead letter.

`network.deliver` tries again and again; what it gives up is kept here with its reason, and can be sent once more.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from hansa import clock
from hansa.errors import HansaError
from hansa.model.change import Write
from hansa.network.deliver import TRIES, Deliveries, Delivery, Fate, Told
from hansa.network.http import Answer, Egress
from hansa.network.publish import Publisher
from hansa.platform import notify
from hansa.platform.city import City
from hansa.platform.deadletters import TENANT, DeadLetter
from hansa.platform.progress import READER, Key
from hansa.platform.store import Item, Result
from hansa.platform.subscription import Subscription

log = structlog.get_logger("hansa.subscriptions")

_TAKEN: Final = 200  # what a broker's acknowledgement is worth
_SHOWN: Final = 100  # attempts of one subscription in one answer


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt to tell somebody went; `at` in microseconds of the city's clock."""

    key: Key
    at: int
    name: str
    fate: Fate
    reason: str


@dataclass(frozen=True, slots=True)
class Ref:
    """What a delivery is about. Without `seqs` it is what was so at an instant, and there is nothing to read again."""

    key: Key
    seqs: tuple[int, ...]
    name: str
    letter: str | None = None


class Dispatch:
    """Sends notifications. `settled` hears when one needs no further thought, `room` when an endpoint took something.

    All methods belong to one event loop; `sleep`, `now` and `tries` are those of `Deliveries`.
    """

    def __init__(
        self,
        city: City,
        egress: Egress,
        known: Mapping[Key, Subscription],
        settled: Callable[[Ref], None],
        room: Callable[[Hashable], None],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.monotonic,
        tries: int = TRIES,
    ) -> None:
        """Nothing waits yet; `known` holds the subscriptions as they come and go."""
        self._city = city
        self._egress = egress
        self._publisher = Publisher(egress, city.limits)
        self._known = known
        self._settled = settled
        self._room = room
        self.deliveries = Deliveries(self._send, self._told, city.limits, sleep=sleep, now=now, tries=tries)
        self.dirty: set[Key] = set()  # whose counters have changed
        self._attempts: deque[Attempt] = deque(maxlen=city.limits.attempts)  # of all, the newest last

    async def aclose(self) -> None:
        """Send no more; what waits stays undone."""
        await self.deliveries.aclose()
        await self._publisher.aclose()

    def waiting(self, one: Subscription) -> int:
        """How many wait for a subscription's endpoint."""
        return self.deliveries.waiting_for(end_of(one))

    def shown(self, key: Key) -> dict[str, Any]:
        """How it goes with one subscription: what waits, and its newest attempts since the city was started."""
        waiting = self.deliveries.under_way(lambda delivery: delivery.ref.key == key)
        attempts = [one for one in reversed(self._attempts) if one.key == key][:_SHOWN]
        return {
            "waiting": len(waiting),
            "tries": max((one.tries for one in waiting), default=0),
            "attempts": [
                {"at": clock.text(one.at), "notification": one.name, "fate": one.fate, "reason": one.reason}
                for one in attempts
            ],
        }

    def put(self, one: Subscription, body: bytes, ref: Ref) -> None:
        """Queue a notification."""
        end = one.endpoint
        self.deliveries.put(
            Delivery(
                end_of(one),
                end.url,
                body,
                notify.headers(one),
                ref,
                wait_s=end.wait_s,
                rest_s=end.rest_s,
                address=end.address,
            )
        )

    def forget(self, key: Key) -> None:
        """Take out what waits for a subscription that is gone."""
        self.deliveries.drop(lambda delivery: delivery.ref.key != key)

    async def _send(self, delivery: Delivery) -> Answer:
        if delivery.address is not None:
            # What HTTP has in its headers may be a secret of the subscriber's: it joins the body on its way only.
            content = notify.message(delivery.headers, delivery.body)
            await self._publisher.publish(delivery.address, content, delivery.wait_s)
            return Answer(_TAKEN, {}, b"", delivery.url)
        return await self._egress.ask(
            delivery.url,
            "POST",
            headers=delivery.headers,
            body=delivery.body,
            wait_s=delivery.wait_s,
            body_max=self._city.limits.message,
        )

    def _told(self, told: Told) -> None:
        """Count an attempt; settle what was delivered or given up."""
        ref: Ref = told.delivery.ref
        now = self._city.clock.now()
        self._attempts.append(Attempt(ref.key, now, ref.name, told.fate, told.reason))
        one = self._known.get(ref.key)
        if one is not None and told.tried:
            counters, at = one.counters, clock.text(now)
            counters.sent += 1
            counters.last = at
            counters.good = told.fate == "delivered"
            if counters.good:
                counters.last_good = at
            else:
                counters.failed += 1
                counters.last_bad = at
            self.dirty.add(ref.key)
        if told.fate == "delivered":
            self._settled(ref)
            if ref.letter is not None:
                self._later([Write("delete", ref.letter, tenant=TENANT)], lambda _: None)
        elif told.fate == "given up":
            self._bury(told, ref, now)
        self._room(told.delivery.endpoint)

    def _bury(self, told: Told, ref: Ref, now: int) -> None:
        """Keep what was given up as a dead letter; only then is it settled."""
        tenant, ident = ref.key
        detail = {"tenant": tenant, "notification": ref.name, "seqs": list(ref.seqs), "endpoint": told.delivery.url}
        # Its headers may hold the subscriber's password: they stay with the subscription.
        letter = DeadLetter(
            "notification", ident, f"{tenant}\0{ref.name}", told.reason, now, told.delivery.body, detail, "personal"
        )  # its body may tell of anybody
        log.info("a notification was given up", subscription=ident, tenant=tenant, why=told.reason)

        def buried(result: Result) -> None:
            if isinstance(result, HansaError):  # the place stays before it, so the next life tries again
                log.warning("a dead letter could not be kept", subscription=ident, why=result.detail)
            else:
                self._settled(ref)

        self._later([letter.write()], buried)

    def _later(self, writes: Sequence[Write], done: Callable[[Result], None]) -> None:
        """Submit from where nobody waits."""
        try:
            self._city.submit_item(Item(writes, READER), done, asyncio.get_running_loop())
        except HansaError as fault:
            done(fault)


def end_of(one: Subscription) -> Key:
    """What has one queue: an endpoint, as one tenant uses it, so that no tenant fills another's."""
    return one.tenant, one.endpoint.uri
