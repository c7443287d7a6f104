"""Tables are ordered by entities: `Table` with a `recipe` and the status `ordered`. Here they are made, one by one.

    status     ordered -> made (sha256, rows, size, columns, madeAt) | failed (fault)

Apps alone order them (`hansa.app.kept`), for a recipe says with whose eyes the city is read. An order outlives a
restart; one that was made says so once. Files of which no Table speaks any more go at the next start.
"""

import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import structlog

from hansa import clock
from hansa.errors import Busy, HansaError, NotFound
from hansa.model.change import Change, Write
from hansa.model.entity import Entity
from hansa.platform.city import City
from hansa.platform.tables.asking import TableProcess
from hansa.platform.tables.child import Question, Start, fault_of
from hansa.platform.tables.making import swept
from hansa.trust.labels import Sight, unlabelled

KIND: Final = "Table"
SYSTEM: Final = Sight("system:tables", "operation", None)
"""Who says what came of an order."""
WITHIN_S: Final = 900.0
_TRIES: Final = 4  # each may meet labels that were not decided yet
_WAITING: Final = 10_000
log = structlog.get_logger("hansa.tables")


def ordered(one: Entity) -> bool:
    """Whether an entity is an order that waits."""
    return KIND in one.types and one.get("status") == "ordered"


def sheet_of(recipe: Any) -> tuple[str, str] | None:
    """The entity and SHA-256 of the file that a recipe is from; None where it is from something else."""
    source = recipe.get("from") if isinstance(recipe, Mapping) else None
    if not isinstance(source, Mapping) or source.get("kind") != "sheet":
        return None
    return str(source.get("entity", "")), str(source.get("sha256", ""))


def made_doc(one: Entity, made: Mapping[str, Any], now: int) -> Write:
    """What is said of an order that was made."""
    said = {name: made[name] for name in ("sha256", "rows", "size", "columns")}
    return _said(one, {"status": "made", **said, "madeAt": clock.text(now), "fault": ""})


def failed_doc(one: Entity, fault: HansaError) -> Write:
    """What is said of one that could not be."""
    where = f" ({fault.where})" if fault.where else ""
    return _said(one, {"status": "failed", "fault": f"{fault.detail}{where}"[:500]})


def _said(one: Entity, what: Mapping[str, Any]) -> Write:
    doc = {"id": one.id, "type": KIND} | {name: {"type": "Property", "value": value} for name, value in what.items()}
    return Write("say", one.id, doc)


class Orders:
    """The orders of one realm. Lives in the event loop."""

    def __init__(
        self,
        city: City,
        folder: Path,
        start: Start,
        body: Callable[[str, str], bytes],
        public: Callable[[], Sight],
    ) -> None:
        """`body` reads a file of an entity by its SHA-256 (in a thread), `public` is what is for everybody."""
        self._city = city
        self._folder = folder
        self._start = start
        self._body = body
        self._public = public
        self._labels = {unlabelled(city.realm), "open"}  # what nearly all bears: each that is met later is cooked anew
        self._queue: asyncio.Queue[str] = asyncio.Queue(_WAITING)
        self._working: asyncio.Task[None] | None = None
        self._cook: TableProcess | None = None

    async def start(self) -> None:
        """Take up what waits, and let go of files that nobody means."""
        await asyncio.to_thread(self._swept)
        for one in self._city.find(KIND, 'status=="ordered"', limit=_WAITING, sight=SYSTEM):
            self._put(one.id)
        self._working = asyncio.create_task(self._work())

    async def aclose(self) -> None:
        """End what is being made; it is made anew with the next start."""
        if self._cook is not None:
            await asyncio.to_thread(self._cook.close)
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)

    def heard(self, changes: Sequence[Change]) -> None:
        """What happened in the realm."""
        for change in changes:
            if not change.gone and not change.tenant and ordered(change.entity):
                self._put(change.entity.id)

    def _put(self, ident: str) -> None:
        with suppress(asyncio.QueueFull):  # what finds no room is taken up at the next start
            self._queue.put_nowait(ident)

    async def _work(self) -> None:
        while True:
            ident = await self._queue.get()
            try:
                await self._one(ident)
            except HansaError as fault:
                log.warning("a table is not made", table=ident, why=fault.detail)
            except Exception:
                log.exception("a table is not made", table=ident)

    async def _one(self, ident: str) -> None:
        try:
            one = self._city.get(ident, sight=SYSTEM)
        except NotFound:
            return
        if not ordered(one):
            return
        try:
            made = await asyncio.to_thread(self._cooked, one.get("recipe"))
            write = made_doc(one, made, self._city.clock.now())
        except HansaError as fault:
            write = failed_doc(one, fault)
        except OSError as fault:  # such as a full disk: an app that waited for an answer would wait for ever
            write = failed_doc(one, HansaError(f"tables cannot be kept: {fault.strerror or fault}"))
        await self._city.awrite(write, sight=SYSTEM)

    def _cooked(self, recipe: Any) -> dict[str, Any]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="sheet-", dir=self._folder) as folder:
            where = ""
            if (sheet := sheet_of(recipe)) is not None:
                path = Path(folder) / "sheet"
                path.write_bytes(self._body(*sheet))
                where = str(path)
            process = self._cook = TableProcess(self._start)
            try:
                for _ in range(_TRIES):
                    sight = self._public()
                    labels = {label: sight.sees(label) for label in self._labels}
                    question = Question("cook", query=recipe, sheet=where, within_s=WITHIN_S, labels=labels)
                    reply = process.call(question, WITHIN_S)
                    if reply.fault:
                        raise fault_of(reply)
                    if not reply.lacking:
                        found: dict[str, Any] = reply.result
                        return found
                    self._labels.update(reply.lacking)
                raise Busy("labels change faster than the table can be made")
            finally:
                process.close()
                self._cook = None
                swept(self._folder, "rows-")  # of one that was killed

    def _swept(self) -> None:
        if not self._folder.is_dir():
            return
        meant = {one.get("sha256") for one in self._city.find(KIND, limit=100_000, sight=SYSTEM)}
        swept(self._folder, "rows-", "sheet-", "file-", "spill")
        for path in self._folder.iterdir():
            if path.is_file() and path.name.partition(".")[0] not in meant:
                path.unlink(missing_ok=True)
