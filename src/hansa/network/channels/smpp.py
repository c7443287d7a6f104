"""SMS through a message centre: an SMPP 3.4 client that stays bound, sends within a window, and hears what comes back.

It binds as a transceiver and again whenever the line breaks; receipts and replies go to functions that are handed over.
A message of several parts is sent in order, its receipt asked for with the last. Held by
tests/network/test_channel_smpp.py against a centre of its own.
"""

import asyncio
import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from hansa.errors import HansaError
from hansa.network.channels import gsm, pdu
from hansa.network.channels.marked import Streams, connect
from hansa.network.channels.said import Failed, Handed, Notice, Outcome, Receipt, clean
from hansa.network.channels.texting import number, words
from hansa.network.http import Egress

WINDOW: Final = 10  # units that wait for their answer
ENQUIRE_S: Final = 30.0
BACK_S: Final = 60.0  # between two tries to bind, at most
_CHUNK: Final = 65_536
_ABROAD, _WORDS = 1, 5  # types of number: international, alphanumeric (5.2.5)

log = structlog.get_logger("hansa.smpp")


@dataclass(frozen=True, slots=True)
class Centre:
    """A message centre, and as whom we bind."""

    host: str
    port: int
    system_id: str
    password: str = field(default="", repr=False)
    system_type: str = ""
    source: str = ""
    tls: bool = False


class _Lost(Exception):
    """The line broke."""


class Smpp:
    """Tells by SMS; `heard` is told of receipts, `replied` of what people answer (number, text)."""

    def __init__(
        self,
        through: Egress,
        centre: Centre,
        *,
        heard: Callable[[Receipt], None],
        replied: Callable[[str, str], None],
        width: int = WINDOW,
        per_s: float = 20.0,
        wait_s: float = 10.0,
        parts: int = 4,
        enquire_s: float = ENQUIRE_S,
        back_s: float = 1.0,
    ) -> None:
        """Bind to nobody before `start`."""
        self.width, self.per_s = width, per_s
        self.centre = centre
        self._through = through
        self._heard, self._replied = heard, replied
        self._wait_s, self._parts, self._enquire_s, self._back_s = wait_s, parts, enquire_s, back_s
        self._window = asyncio.Semaphore(width)
        self._numbers = itertools.count(1)
        self._references = itertools.count()
        self._waiting: dict[int, asyncio.Future[pdu.Pdu]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._bound = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.why = "not bound yet"

    def start(self) -> None:
        """Bind, and stay so."""
        self._task = asyncio.get_running_loop().create_task(self._stay(), name="smpp")

    def endpoint(self, to: object) -> str:
        """One centre takes everything."""
        del to
        return ""

    async def aclose(self) -> None:
        """Unbind."""
        if self._writer is not None and self._bound.is_set():
            with suppress(_Lost, TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._ask(pdu.UNBIND, b"")
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def send(self, notice: Notice) -> Outcome:
        """Send one text, in as many parts as it takes."""
        if (to := number(notice.to)) is None:
            return Failed(True, "malformed: this is no telephone number")
        try:
            async with asyncio.timeout(self._wait_s):
                await self._bound.wait()
        except TimeoutError:
            return Failed(False, f"the message centre: {self.why}"[:300], everybody=True)
        ref, told = "", False
        pieces = gsm.parts(words(notice, self._parts), next(self._references), self._parts)
        source = self.centre.source
        ton = _ABROAD if source.lstrip("+").isdecimal() else _WORDS
        for i, piece in enumerate(pieces, 1):
            one = pdu.Short(
                *(source.lstrip("+")[:20], to.lstrip("+"), piece.body, piece.coding, 0x40 if piece.joined else 0),
                receipt=i == len(pieces),
                source_ton=ton,
                source_npi=0 if ton == _WORDS else 1,
            )
            try:
                answer = await self._ask(pdu.SUBMIT, pdu.submit(0, one).body)
            except _Lost as fault:
                return Failed(False, f"the message centre: {fault}"[:300], everybody=True, perhaps=True)
            except TimeoutError:
                return Failed(False, "the message centre does not answer in time", everybody=True, perhaps=True)
            if answer.status != pdu.OK:
                return _refused(answer.status, perhaps=told)
            told = True
            with suppress(pdu.Malformed):
                ref = pdu.message_id(answer.body)
        return Handed(ref)

    async def _ask(self, command: int, body: bytes) -> pdu.Pdu:
        """One unit and its answer; raises _Lost, TimeoutError."""
        async with self._window:
            if self._writer is None:
                raise _Lost(self.why)
            sequence = next(self._numbers) % 0x7FFF_FFFF or next(self._numbers)
            answer: asyncio.Future[pdu.Pdu] = asyncio.get_running_loop().create_future()
            self._waiting[sequence] = answer
            try:
                async with asyncio.timeout(self._wait_s):
                    try:
                        self._writer.write(pdu.Pdu(command, pdu.OK, sequence, body).raw())
                        await self._writer.drain()
                    except OSError as fault:
                        raise _Lost(str(fault) or "it broke off") from None
                    return await answer
            finally:
                self._waiting.pop(sequence, None)

    async def _stay(self) -> None:
        """Bind, listen, and bind again, until it is closed."""
        failures = 0
        while True:
            try:
                async with asyncio.timeout(self._wait_s):
                    streams = await self._through.reach(
                        self.centre.host, self.centre.port, connect, tls=self.centre.tls
                    )
                failures = await self._session(streams, failures)
            except (HansaError, OSError, TimeoutError, _Lost, pdu.Malformed) as fault:
                self.why = (getattr(fault, "detail", "") or str(fault) or type(fault).__name__)[:200]
                failures += 1
            finally:
                self._lose()
            log.info("the message centre is not bound", why=self.why, failures=failures)
            await asyncio.sleep(min(BACK_S, self._back_s * 2.0 ** min(failures, 10)))

    async def _session(self, streams: Streams, failures: int) -> int:
        reader, self._writer = streams
        framer = pdu.Framer()
        listening = asyncio.ensure_future(self._listen(reader, framer))
        try:
            centre = self.centre
            asked = pdu.bind_transceiver(0, centre.system_id, centre.password, centre.system_type)
            binding = asyncio.ensure_future(self._ask(asked.command, asked.body))
            await asyncio.wait({binding, listening}, return_when=asyncio.FIRST_COMPLETED)
            if listening.done() and not binding.done():
                binding.cancel()
                await asyncio.gather(binding, return_exceptions=True)
                listening.result()
            answer = await binding
            if answer.status != pdu.OK:
                self.why = f"it refuses to bind with status {answer.status:#010x}"
                return failures + 1
            self._bound.set()
            failures = 0
            while not listening.done():
                await asyncio.wait({listening}, timeout=self._enquire_s)
                if not listening.done():
                    await self._ask(pdu.ENQUIRE_LINK, b"")
            listening.result()
        except (OSError, TimeoutError, _Lost, pdu.Malformed) as fault:
            self.why = str(fault) or "it does not answer"
            return failures + 1
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        return failures + 1

    def _lose(self) -> None:
        self._bound.clear()
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(_Lost("it broke off"))

    async def _listen(self, reader: asyncio.StreamReader, framer: pdu.Framer) -> None:
        while data := await reader.read(_CHUNK):
            for one in framer.feed(data):
                self._take(one)
        raise _Lost("it broke off")

    def _take(self, one: pdu.Pdu) -> None:
        if one.command & pdu.RESPONSE:
            waiting = self._waiting.get(one.sequence)
            if waiting is not None and not waiting.done():
                waiting.set_result(one)
        elif one.command == pdu.DELIVER:
            self._say(one.command, self._delivered(one.body), one.sequence, b"\0")
        elif one.command == pdu.ENQUIRE_LINK:
            self._say(one.command, pdu.OK, one.sequence)
        elif one.command == pdu.UNBIND:
            self._say(one.command, pdu.OK, one.sequence)
            raise _Lost("it unbinds us")
        else:
            self._write(pdu.Pdu(pdu.GENERIC_NACK, 0x00000003, one.sequence))

    def _delivered(self, body: bytes) -> int:
        """The status of our answer."""
        try:
            one = pdu.short(body)
        except pdu.Malformed:
            return 0x00000008  # ESME_RSYSERR: it is theirs to look at
        if one.esm_class & 0x3C:
            if (receipt := pdu.receipt_of(one)) is not None:
                self._tell(self._heard, receipt)
        else:
            text = clean(gsm.decoded(pdu.without_header(one), one.coding), 1_000)
            if (who := _number(one)) is None:
                log.info("an answer that has no number as its sender is nobody's", ton=one.source_ton)
            else:
                self._tell(self._replied, who, text)
        return pdu.OK

    def _tell(self, to: Callable[..., None], *what: Any) -> None:
        try:
            to(*what)
        except Exception:  # a broken listener must not break the line
            log.exception("nobody took note of what a message centre said")

    def _say(self, command: int, status: int, sequence: int, body: bytes = b"") -> None:
        self._write(pdu.Pdu(command | pdu.RESPONSE, status, sequence, body))

    def _write(self, one: pdu.Pdu) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(one.raw())


def _number(one: pdu.Short) -> str | None:
    """Who sent it, as a number; None when it says words: anybody may call himself so (5.2.5), digits among them."""
    if one.source_ton == _WORDS:
        return None
    said = number(one.source)
    return f"+{said}" if said is not None and one.source_ton == _ABROAD and not said.startswith("+") else said


def _refused(status: int, *, perhaps: bool) -> Failed:
    why = f"the message centre refuses with status {status:#010x}"
    if status in pdu.THROTTLED:
        return Failed(False, why, 1.0, everybody=True, perhaps=perhaps)
    if status in pdu.EVERYBODY:
        return Failed(False, why, everybody=True, perhaps=perhaps)
    if status in pdu.FOR_GOOD:
        return Failed(True, f"bounced: {why}")
    return Failed(False, why, perhaps=perhaps)
