"""The tables of a running city: in its folder, made and asked in processes beside it. Of the open realm alone."""

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from hansa.platform.tables.asking import IDLE_S, KeptTables, TableProcess
from hansa.platform.tables.child import Start
from hansa.platform.tables.making import Making
from hansa.platform.tables.orders import Orders
from hansa.serve.folder import store_key
from hansa.trust.actors import UNKNOWN
from hansa.trust.labels import PUBLIC, Sight

if TYPE_CHECKING:
    from hansa.serve.running import Running

FOLDER: Final = "tables"
_STRANGERS: Final = 4
"""Questions of everybody at once: half of the threads that answer everybody, so that tables never hold them all."""


class Tables:
    """What makes tables, and what answers."""

    def __init__(self, running: "Running") -> None:
        """Of a city that runs; nothing is begun before somebody orders or asks."""
        settings, limits = running.settings, running.settings.limits
        folder = settings.data / FOLDER
        path = settings.data / "open.db"
        self._running = running
        # What strangers ask is answered beside what staff ask: a crowd, or who means harm, keeps nobody from working.
        self._asked = TableProcess(Start(str(folder)))
        self._strangers = TableProcess(Start(str(folder)), _STRANGERS)
        self._makes = TableProcess(Start(str(folder), niced=True))
        self._making = Making(folder, self._makes.call, limits.table_files)
        acts = running.acting.desks["open"].acts
        acts.public = self._public
        acts.tables = KeptTables(folder, self._asked, self._making, within_s=limits.table_s)
        acts.public_tables = KeptTables(folder, self._strangers, self._making, within_s=limits.table_s)
        cooks = Start(str(folder), path=str(path), key=store_key(path, running.keys))
        media = running.acting.media["open"]
        self.orders = Orders(running.cities["open"], folder, cooks, media.body, self._public)

    async def start(self, stack: AsyncExitStack) -> None:
        """Take up what was ordered, until the stack is closed."""
        await self.orders.start()
        self._resting = asyncio.create_task(self._rest())
        stack.push_async_callback(self.aclose)

    async def aclose(self) -> None:
        """End all of it."""
        self._resting.cancel()
        await asyncio.gather(self._resting, return_exceptions=True)
        await self.orders.aclose()
        self._making.close()
        for process in self._processes:
            await asyncio.to_thread(process.close)

    async def _rest(self) -> None:
        while True:
            await asyncio.sleep(IDLE_S / 10)
            for process in self._processes:
                await asyncio.to_thread(process.rest)

    @property
    def _processes(self) -> tuple[TableProcess, ...]:
        return self._asked, self._strangers, self._makes

    def _public(self) -> Sight:
        """What a stranger sees, as policy has it; while nobody has an account yet, what is open."""
        running = self._running
        return running.rights.seen(UNKNOWN) if running.town.people.known else PUBLIC
