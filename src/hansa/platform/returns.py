"""What comes back of deliveries: receipts of gateways, replies from phones, the word of devices.

A gateway's receipt is noted beside the attempt that it is about and confirms nothing, unless the operator trusts it; a
reply becomes an entity, for the app to make sense of; an authenticated device confirms. Held by
tests/platform/test_courier.py.
"""

import asyncio
from collections import OrderedDict
from contextlib import suppress
from hashlib import sha256
from typing import Any, Final

import structlog

from hansa.clock import text
from hansa.errors import HansaError
from hansa.model.change import Write
from hansa.model.entity import Entity, entity
from hansa.network.channels.said import Receipt, clean, reference
from hansa.platform.city import City
from hansa.platform.ledger import ACTOR, KIND, Ledger
from hansa.platform.notices import attempted, attempts_of, confirmed
from hansa.platform.store import Item
from hansa.platform.telling_devices import bears

OPEN: Final = frozenset(("sending", "handed"))
"""Of a delivery that is with the other side, and that nobody has confirmed."""
REFS: Final = 20_000  # of messages whose receipt may come
_WAIT_S: Final = 0.3

log = structlog.get_logger("hansa.courier")


class Returns:
    """Takes what comes back. All methods belong to the event loop."""

    def __init__(self, city: City, ledger: Ledger, trusted: frozenset[str]) -> None:
        """`trusted` are the kinds of channels whose receipts confirm."""
        self._city, self._ledger, self._trusted = city, ledger, trusted
        self._refs: OrderedDict[str, str] = OrderedDict()

    async def receipt(self, kind: str, said: Receipt) -> None:
        """A gateway says what became of a message."""
        said = Receipt(reference(said.ref), said.reached)
        ref = f"{kind}:{said.ref}"
        word = "reached" if said.reached else "unreached"
        for _ in range(3):  # it may come before what was handed over is written down
            ident = self._refs.get(ref) or self._by_ref(ref)
            if ident is not None:
                seen: list[bool] = []

                def make(now: Entity, seen: list[bool] = seen) -> dict[str, Any] | None:
                    return self._received(now, kind, said.ref, word, seen)

                await self._ledger.alter(ident, make)
                if seen:
                    return
            await asyncio.sleep(_WAIT_S)
        log.warning("a receipt of what nobody sent", channel=kind)

    def _received(self, now: Entity, kind: str, ref: str, word: str, seen: list[bool]) -> dict[str, Any] | None:
        attempts = attempts_of(now)
        mine = next((one for one in reversed(attempts) if one.get("ref") == ref and one.get("kind") == kind), None)
        if mine is None:
            return None
        seen.append(True)
        if mine.get("receipt") == word:
            return None
        mine["receipt"] = word
        said: dict[str, Any] = {"attempts": attempts}
        if kind in self._trusted and word == "reached" and now.get("status") in OPEN:
            said |= confirmed(now, self._city.clock.now(), "receipt")
        return said

    def _by_ref(self, ref: str) -> str | None:
        if len(ref) > 120 or not ref.replace(":", "").replace("-", "").replace("_", "").replace(".", "").isalnum():
            return None
        found = self._city.find(KIND, f'gatewayRef=="{ref}"', limit=2)
        return found[0].id if len(found) == 1 else None

    def remember(self, ref: str, ident: str) -> None:
        """Which delivery a gateway calls so."""
        self._refs[ref] = ident
        if len(self._refs) > REFS:
            self._refs.popitem(last=False)

    async def reply(self, number: str, said: str) -> None:
        """Somebody answered from his phone."""
        now = self._city.clock.now()
        # Gateways say things twice: the same words of the same number within a minute are one reply.
        key = sha256(f"{number}\0{said}\0{now // 60_000_000}".encode()).hexdigest()[:32]
        made = {"from": clean(number, 40), "text": clean(said, 1_000), "receivedAt": text(now)}
        one = entity("SmsReply", f"urn:ngsi-ld:SmsReply:{key}", **made)
        with suppress(HansaError):
            await self._ledger.stored(Item([Write("say", one.id, one.doc, label="personal")], ACTOR))

    async def answered(self, command: Entity) -> None:
        """A device took a command that bears a warning, or reports that it shows it, or will not."""
        ident = command.get("delivery")
        if not isinstance(ident, str):
            return
        status, result = command.get("status"), command.get("result")
        readback = "expects" in command
        # What a device took is written by the city alone, with the time; `status` others may write too.
        good = result == "confirmed" if readback else status == "delivered" and "deliveredAt" in command
        bad = status in {"rejected", "blocked", "expired"}

        def make(now: Entity) -> dict[str, Any] | None:
            at = self._city.clock.now()
            if now.get("status") not in OPEN or not bears(command, now):
                return None
            if good:
                why = "the device reports it" if readback else "the device has it"
                return confirmed(now, at, "device") | {"attempts": attempted(now, at, "confirmed", why)}
            if bad and now.get("status") == "handed":
                return {"status": "failed", "attempts": attempted(now, at, "failed", f"refused: {status}")}
            return None

        if good or bad:
            await self._ledger.alter(ident, make)
