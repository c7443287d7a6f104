"""Waiting, in the event loop, until what was said is on disk."""

import asyncio
from collections.abc import Callable, Sequence

from hansa.errors import HansaError
from hansa.model.change import Refused
from hansa.platform.city import City
from hansa.platform.store import Item, Outcome, Result


async def durably(city: City, item: Item, then: Callable[[], None] | None = None) -> None:
    """Wait until it is durable. `then` runs in the loop before any Change that was committed later is heard of."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[None] = loop.create_future()

    def done(result: Result) -> None:
        fault = result if isinstance(result, HansaError) else _refusal(result, item)
        if fault is None and then is not None:
            then()
        if answer.done():
            return
        if fault is None:
            answer.set_result(None)
        else:
            answer.set_exception(fault)

    city.submit_item(item, done, loop)
    await answer


def _refusal(outcomes: Sequence[Outcome], item: Item) -> HansaError | None:
    """What one write was refused with. Of many (counters), those whose subscription is gone by now do not matter."""
    if len(item.writes) != 1:
        return None
    return next((one.error for one in outcomes if isinstance(one, Refused)), None)
