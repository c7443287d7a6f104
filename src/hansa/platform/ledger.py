"""What becomes of deliveries, written so that nobody's word is lost: each write stands on the document that was read.

Many are gathered into one commit, in which each stands or falls alone; where somebody else wrote meanwhile, what is to
be said is thought over. Held by tests/platform/test_courier.py.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog

from hansa.errors import Busy, Conflict, HansaError, NotFound
from hansa.model.change import Change, Refused, Write
from hansa.model.entity import Entity, entity
from hansa.platform.city import City
from hansa.platform.store import Item
from hansa.platform.store import Outcome as Stored

ACTOR: Final = "hansa:courier"
KIND: Final = "Delivery"
TRIES: Final = 6  # of one write, while others write the same delivery
GATHER_S: Final = 0.02  # outcomes are written together: one commit costs as much as fifty
BUSY_S: Final = 0.2  # until a writer that takes nothing more is asked again

log = structlog.get_logger("hansa.courier")


class Ledger:
    """Writes for the courier. All methods belong to the event loop in which it was made."""

    def __init__(self, city: City) -> None:
        """Nothing waits to be written."""
        self._city = city
        self._loop = asyncio.get_running_loop()
        self._batch: list[tuple[Item, asyncio.Future[Stored]]] = []

    async def alter(
        self, ident: str, make: Callable[[Entity], dict[str, Any] | None], one: Entity | None = None
    ) -> Entity | None:
        """Say something of a delivery that stands on how it is; how it is then. None: it is gone, or takes nothing."""
        for _ in range(TRIES):
            try:
                one = self._city.get(ident) if one is None else one
            except NotFound:
                return None
            said = make(one)
            if not said:
                return one
            outcome = await self.stored(self.item(one, said))
            if isinstance(outcome, Change):
                return outcome.entity
            if not isinstance(outcome, Refused):
                return one
            if not isinstance(outcome.error, Conflict):
                log.error("what became of a delivery could not be written", delivery=ident, why=outcome.error.detail)
                return None
            one = None
        log.warning("a delivery changes too fast to be written", delivery=ident)
        return None

    def item(self, one: Entity, said: Mapping[str, Any]) -> Item:
        """What is said of a delivery, standing on how it was read."""
        write = Write("say", one.id, entity(KIND, one.id, **said).doc)
        return Item([write], ACTOR, expects=[(one.id, one.doc)])

    async def stored(self, item: Item) -> Stored:
        """What became of its one write. While the writer takes nothing, it is tried again: an outcome is not lost."""
        while True:
            answer = self.queue(item)
            if len(self._batch) == 1:
                self._loop.call_later(GATHER_S, self.flush)
            try:
                return await answer
            except Busy:
                await asyncio.sleep(BUSY_S)

    def queue(self, item: Item) -> "asyncio.Future[Stored]":
        """Have it written with the next `flush`; raises (when it is awaited) why nothing was stored."""
        answer: asyncio.Future[Stored] = self._loop.create_future()
        self._batch.append((item, answer))
        return answer

    def flush(self) -> None:
        """Hand what has gathered to the writer: one commit, in which each stands or falls alone."""
        batch, self._batch = self._batch, []
        for item, answer in batch:

            def done(result: Any, answer: "asyncio.Future[Stored]" = answer) -> None:
                if answer.done():
                    return
                if isinstance(result, HansaError):
                    answer.set_exception(result)
                else:
                    answer.set_result(result[0])

            try:
                self._city.submit_item(item, done, self._loop)
            except HansaError as fault:
                done(fault)
