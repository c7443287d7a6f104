"""The city's side of its past: has marks made in time, asks the process that answers, decides what may be seen.

One of a realm. Lives in the event loop. Nothing is read here: see `rewind_child`.
"""

import asyncio
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from hansa.analytics.link import environment
from hansa.analytics.rewind_child import Question, Reply, Start, framed
from hansa.analytics.rewind_sight import Asked
from hansa.errors import BadRequest, Busy, Forbidden, HansaError, TooLarge
from hansa.platform.city import City
from hansa.trust.labels import Sight, unlabelled

log = structlog.get_logger("hansa.rewind")

LOOK_S: Final = 10.0
"""How often it is looked whether a mark is due."""
IDLE_S: Final = 300.0
"""After so long without a question the process that answers ends."""
_END_S: Final = 0.5  # a process that is at something is ended, and loses nothing by it
_LABELS: Final = 10_000
_TRIES: Final = 5  # each may meet labels that were not decided yet: of then, of now, of attributes
_unpack = msgspec.msgpack.Decoder().decode


class Rewinding:
    """The past of one realm, for everybody who may look at it."""

    def __init__(
        self, city: City, path: Path, marks: Path, key: bytes | None = None, marks_key: bytes | None = None
    ) -> None:
        """Of the store at `path`; marks are kept at `marks`."""
        self.realm = city.realm
        self._city = city
        self._limits = city.limits
        self._marks = marks
        self._start = Start(
            str(path), str(marks), city.realm, key=key, marks_key=marks_key, most=city.limits.rewind_roll
        )
        self._labels: set[str] = {unlabelled(city.realm), "open"}
        self._types: set[str] = set()
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._process: asyncio.subprocess.Process | None = None
        self._marker: asyncio.subprocess.Process | None = None
        self._asked_at = 0.0
        self._broken = -1
        self._marked = -1  # the place of the last mark; -1: not known
        self._marked_at = 0.0
        self._tending: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Have marks made from now on; where nothing can be owed yet, no process is begun to find that out."""
        if not self._marks.exists() and self._city.store.head() < self._limits.rewind_every:
            self._marked, self._marked_at = 0, time.monotonic()
        self._tending = asyncio.create_task(self._tend())

    async def aclose(self) -> None:
        """End what was started."""
        if self._tending is not None:
            self._tending.cancel()
            await asyncio.gather(self._tending, return_exceptions=True)
        for process in (self._process, self._marker):
            await _end(process)

    @property
    def marked(self) -> int:
        """The place in the log of the last mark."""
        return max(0, self._marked)

    # Marks

    async def _tend(self) -> None:
        while True:
            try:
                if self._due():
                    await self._mark()
                if self._process is not None and time.monotonic() - self._asked_at > IDLE_S and not self._turn.locked():
                    async with self._turn:
                        await self._ended()
            except (OSError, msgspec.MsgspecError) as fault:  # what cannot be marked now is marked later
                log.warning("the past is not marked", realm=self.realm, why=str(fault))
            await asyncio.sleep(LOOK_S)

    def _due(self) -> bool:
        """Whether a mark is: enough happened, or long enough ago, or one is damaged; or nobody knows."""
        behind = self._city.store.head() - self._marked
        if self._broken >= 0 or self._marked < 0 or behind >= self._limits.rewind_every:
            return True
        return behind > 0 and time.monotonic() - self._marked_at >= self._limits.rewind_s

    async def _mark(self) -> None:
        limits = self._limits
        aged = self._marked >= 0 and time.monotonic() - self._marked_at >= limits.rewind_s
        start = replace(
            self._start,
            every=limits.rewind_every,
            least=1 if aged else limits.rewind_every,
            now=self._city.clock.now(),
            broken=self._broken,
        )
        mended, self._broken = self._broken >= 0, -1
        self._marker = process = await _started(start)
        seq = -1
        try:
            _, stdout = _pipes(process)
            with suppress(asyncio.IncompleteReadError):
                while True:
                    size = int.from_bytes(await stdout.readexactly(4), "big")
                    seq = self._marked = int(_unpack(await stdout.readexactly(size)))
                    self._marked_at = time.monotonic()
            code = await process.wait()
            if code:
                log.warning("marking the past failed", realm=self.realm, code=code)
            if seq < 0:  # nothing was owed: that much is known
                self._marked = max(self._marked, 0)
                self._marked_at = self._marked_at or time.monotonic()
        finally:
            await _end(process)
            self._marker = None
        if mended:  # whoever answers knows of the damaged one: another comes, who does not
            async with self._turn:
                await self._ended()

    # Questions

    async def ask(self, do: str, asked: Asked, sight: Sight, *, export: bool = False, bins: int = 288) -> bytes:
        """What the past says, as JSON, masked for this sight; what was shown of it is told to its rights.

        Raises what is wrong with the question; Busy where too many ask, or the log is not marked so far.
        """
        if self._waiting >= self._limits.rewind_waiting:
            raise Busy("too many look into the past just now", mend="try again in a few seconds")
        self._waiting += 1
        try:
            async with self._turn:
                return await self._asked(do, asked, sight, export=export, bins=bins)
        finally:
            self._waiting -= 1

    async def _asked(self, do: str, asked: Asked, sight: Sight, *, export: bool, bins: int) -> bytes:
        for _ in range(_TRIES):
            question = Question(do, asked, self._decided(sight, export=export), self._covered(sight), bins)
            reply, body = await self._told(question)
            if reply.broken >= 0 and self._broken < 0:
                self._broken = reply.broken
                log.warning("a mark of the past is damaged; it is made anew", realm=self.realm, seq=reply.broken)
            if reply.fault:
                raise _fault(reply)
            if not reply.lacking and not reply.lacking_types:
                if export and question.labels is not None and not any(question.labels.values()):
                    raise Forbidden("you may not take any of this away", mend="whoever may export makes the film")
                if sight.rights is not None:
                    for ident, label in reply.saw:
                        sight.rights.saw(ident, label)
                return body
            if len(self._labels) > _LABELS:
                self._labels.clear()
            if len(self._types) > _LABELS:
                self._types.clear()
            self._labels.update(reply.lacking)
            self._types.update(reply.lacking_types)
        raise Busy("labels change faster than the past can be shown")

    def _decided(self, sight: Sight, *, export: bool) -> dict[str, bool] | None:
        if sight.everything:
            return None
        return {label: sight.sees(label) and (not export or sight.may("export", label)) for label in self._labels}

    def _covered(self, sight: Sight) -> dict[str, bool] | None:
        if not sight.typed:
            return None
        return {key: sight.covers("read", [one for one in key.split(",") if one]) for key in self._types}

    async def _told(self, question: Question) -> tuple[Reply, bytes]:
        self._asked_at = time.monotonic()
        for again in (True, False):
            process = self._process
            if process is None or process.returncode is not None:
                process = self._process = await _started(self._start)
            try:
                async with asyncio.timeout(self._limits.rewind_answer_s):
                    return await _exchange(process, question)
            except TimeoutError:  # which is an OSError too
                await self._ended()
                raise Busy("this takes too long", mend="ask for fewer types, or a smaller area or span") from None
            except (OSError, asyncio.IncompleteReadError) as fault:
                await self._ended()
                if not again:
                    raise HansaError(f"the past cannot be read just now: {fault}") from None
            except asyncio.CancelledError:  # half an answer is in the pipe
                await self._ended()
                raise
        raise HansaError("the past cannot be read just now")

    async def _ended(self) -> None:
        process, self._process = self._process, None
        await _end(process)


async def _started(start: Start) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hansa.analytics.rewind_child"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**environment(), "PYTHONDONTWRITEBYTECODE": "1"},
        limit=1 << 22,
    )
    stdin, _ = _pipes(process)
    stdin.write(framed(_plain(start)))
    await stdin.drain()
    return process


def _pipes(process: asyncio.subprocess.Process) -> tuple[asyncio.StreamWriter, asyncio.StreamReader]:
    if process.stdin is None or process.stdout is None:
        raise HansaError("a process without pipes")
    return process.stdin, process.stdout


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value, builtin_types=(bytes,))


async def _exchange(process: asyncio.subprocess.Process, question: Question) -> tuple[Reply, bytes]:
    stdin, stdout = _pipes(process)
    stdin.write(framed(_plain(question)))
    await stdin.drain()
    size = int.from_bytes(await stdout.readexactly(4), "big")
    reply = msgspec.convert(_unpack(await stdout.readexactly(size)), Reply)
    return reply, await stdout.readexactly(reply.size)


async def _end(process: asyncio.subprocess.Process | None) -> None:
    if process is None or process.returncode is not None:
        return
    if process.stdin is not None:
        process.stdin.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(_END_S):
            await process.wait()
            return
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _fault(reply: Reply) -> HansaError:
    if reply.kind == "busy":
        return Busy(reply.fault, mend=reply.mend)
    if reply.kind in {"bad", "large"}:
        kind = TooLarge if reply.kind == "large" else BadRequest
        return kind(reply.fault, where=reply.where, mend=reply.mend)
    return HansaError(reply.fault, mend=reply.mend)


def asked_types(text: str) -> frozenset[str] | None:
    """Types of a parameter; none said: all."""
    return frozenset(one.strip() for one in text.split(",") if one.strip()) or None
