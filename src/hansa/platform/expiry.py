"""What has expired is taken out by the writer itself (CIM 009, clause 4.22).

Reads hide it from its very instant (see `sqlite.reader`); here it goes for good, with a Change like any other, so that
history, rules and subscriptions hear of it. The writer does so before each commit, and wakes for it: there is no thread
to keep in step with, and no write meets something that has expired.
"""

import time
from collections.abc import Sequence
from typing import Final

import structlog

from hansa.clock import SECOND, Clock
from hansa.errors import HansaError
from hansa.limits import Limits
from hansa.model.change import Change, Write
from hansa.platform.store import Item, Result, Store

ACTOR: Final = "expiry"
CAUSE: Final = "expiresAt"

_WAKE_S: Final = 60.0  # a wall clock may be set; a writer that sleeps longer would not know
_TURNED_S: Final = 1.0  # a simulated clock is turned without a word to the writer
_REST_S: Final = 1.0  # after what has expired could not be taken out: it must not keep the writer from everything else

log = structlog.get_logger("hansa.expiry")


class Expiry:
    """What is to go from one store, and when. For the writer's thread only."""

    def __init__(self, store: Store, clock: Clock, limits: Limits) -> None:
        """Look after `store` by the city's clock."""
        self._store = store
        self._clock = clock
        self._limits = limits
        self._rests = 0.0  # until when, by time.monotonic

    def due(self, items: Sequence[Item], at: int) -> Item | None:
        """What is to go before `items` are written at `at` (microseconds), or None. Its outcome is for `done`.

        Of much that expires at once `limits.sweep` go with one commit, and whatever the items are about.
        """
        if self._rests > time.monotonic():
            return None
        try:
            soonest = self._store.soonest()
            if soonest is None or soonest > at:
                return None
            asked = {(write.tenant, write.id) for item in items for write in item.writes}
            gone = self._store.expired(at, self._limits.sweep, asked)
        except Exception as fault:  # noqa: BLE001 - the writer must live
            self._rest(fault)
            return None
        return Item([Write("expire", ident, tenant=tenant) for tenant, ident in gone], ACTOR, CAUSE)

    def done(self, result: Result) -> None:
        """What became of what was due."""
        if isinstance(result, HansaError):
            self._rest(result)
        elif not any(isinstance(one, Change) for one in result):
            self._rest(HansaError("what has expired stays"))

    def patience_s(self) -> float | None:
        """How long the writer may sleep until something expires, in real seconds; None: until it is called."""
        try:
            soonest = self._store.soonest()
        except Exception as fault:  # noqa: BLE001 - the writer must live
            self._rest(fault)
            return _REST_S
        if soonest is None:
            return None
        left_s = max(0.0, soonest - self._clock.now()) / SECOND
        if left_s and self._clock.simulated:
            left_s = min(left_s / self._clock.rate, _TURNED_S) if self._clock.rate > 0.0 else _TURNED_S
        return max(min(left_s, _WAKE_S), self._rests - time.monotonic())

    def _rest(self, fault: Exception) -> None:
        self._rests = time.monotonic() + _REST_S
        log.error("what has expired could not be taken out", realm=self._store.realm, why=str(fault))
