"""Commands on their way out: a `Command` entity becomes a message to its device, and its answer an attribute.

    {"type": "Command", "commandDevice": "valve-7", "payload": {"open": true}, "status": "pending"}

The door (MQTT) listens to Changes; a device that is away gets its commands when it returns, oldest first. A command is
sent when the audit log has it on disk, and not before: while that takes nothing, commands wait. What must not be sent
(`withholding`) is not: its status says so, and why.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from hashlib import sha256
from typing import Any, Final

import orjson
import structlog

from hansa import clock
from hansa.errors import HansaError, NotFound
from hansa.limits import Limits
from hansa.model.change import Change, Write
from hansa.model.entity import Attribute, Entity, entity
from hansa.platform.city import City
from hansa.platform.noting import Note
from hansa.platform.withholding import Withheld, withheld

Send = Callable[[str, str, bytes], bool]
"""device, command id, payload: whether it was sent now."""

AGAIN_S: Final = 2.0
"""Until a command that could not be noted is tried again."""
_KIND: Final = "Command"
_PAYLOAD: Final = 4_096  # bytes that the audit keeps whole; of longer ones their hash

log = structlog.get_logger("hansa.commands")


class Commands:
    """The commands of one realm, for the door that delivers them."""

    def __init__(self, city: City, limits: Limits, note: Note | None = None) -> None:
        """Nothing is sent before `send` is set. `note` is the audit."""
        self._city = city
        self._limits = limits
        self._note = note
        self._held: set[str] = set()  # not on the audit's disk yet
        self.send: Send = lambda _device, _ident, _payload: False

    def heard(self, changes: list[Change]) -> None:
        """Send new commands to devices that are there; called in the loop."""
        for change in changes:
            one = change.entity
            if _KIND in one.types and not change.gone and not change.tenant and one.get("status") == "pending":
                device = one.get("commandDevice")
                if isinstance(device, str) and {"status", "payload", "commandDevice"} & change.names:
                    self._begin(one, device, change.actor)

    def _begin(self, one: Entity, device: str, actor: str) -> None:
        """Note it, then send it; or say why it is not sent."""
        if (why := withheld(one, self._city, actor)) is not None:
            self._withhold(one, device, why)
            return
        payload = orjson.dumps(_message(one))
        if self._note is None:
            self.send(device, one.id, payload)
            return
        self._held.add(one.id)
        loop = asyncio.get_running_loop()

        def done(answer: "Future[int]") -> None:
            with suppress(RuntimeError):  # the loop has ended; the device asks again when the city is back
                loop.call_soon_threadsafe(self._noted, answer, one, device, actor)

        try:
            answer = self._note("command", actor, _told(one, device))
        except HansaError as fault:
            self._later(one, device, actor, fault)
            return
        if isinstance(answer, Future):
            answer.add_done_callback(done)
        else:
            self._held.discard(one.id)
            self.send(device, one.id, payload)

    def _noted(self, answer: "Future[int]", one: Entity, device: str, actor: str) -> None:
        if (fault := answer.exception()) is not None:
            self._later(one, device, actor, fault)
            return
        self._held.discard(one.id)
        try:
            wanted = self._city.get(one.id).get("status") == "pending"
        except NotFound:
            wanted = False
        if not wanted:  # somebody took it back while it was noted
            return
        if (why := withheld(one, self._city, actor)) is not None:
            self._withhold(one, device, why)
            return
        self.send(device, one.id, orjson.dumps(_message(one)))

    def _later(self, one: Entity, device: str, actor: str, fault: BaseException) -> None:
        log.warning("a command waits until it can be noted", command=one.id, why=str(fault))
        if len(self._held) <= self._limits.commands * 10:
            asyncio.get_running_loop().call_later(AGAIN_S, self._again, one.id, device, actor)
        else:  # it stays pending in the store, for when the device comes back
            self._held.discard(one.id)

    def _again(self, ident: str, device: str, actor: str) -> None:
        """Try once more, if it is still wanted."""
        with suppress(NotFound):
            one = self._city.get(ident)
            if one.get("status") == "pending":
                self._begin(one, device, actor)
                return
        self._held.discard(ident)

    def pending(self, device: str) -> list[tuple[str, bytes]]:
        """What waits for a device, oldest first: ids and payloads. What cannot be noted goes on waiting."""
        quoted = device.replace("\\", "").replace('"', "")
        found = self._city.find(_KIND, f'commandDevice=="{quoted}";status=="pending"', limit=self._limits.commands)
        found.sort(key=lambda one: one.get("dateIssued", ""))
        ready = []
        for one in found:
            # The query finds any instance; what is said of a command is its default one.
            if one.get("commandDevice") != device or one.get("status") != "pending" or one.id in self._held:
                continue
            if (why := withheld(one, self._city)) is None:
                ready.append(one)
            else:
                self._withhold(one, device, why)
        if self._note is not None:
            try:
                for one in ready:  # they were noted when they were made; that they are sent (again) is noted too
                    self._note("command", "hansa", {**_told(one, device), "did": "sent to a device that came back"})
            except HansaError as fault:
                log.warning("commands wait until they can be noted", device=device, why=str(fault))
                return []
        return [(one.id, orjson.dumps(_message(one))) for one in ready]

    def _withhold(self, one: Entity, device: str, why: Withheld) -> None:
        """Say that it is not sent, and why."""
        log.warning("a command is not sent", command=one.id, device=device, why=why.why)
        if self._note is not None:
            with suppress(HansaError):  # it is in the log of Changes in any case
                self._note("command", "hansa", {**_told(one, device), "did": f"not sent: {why.inside or why.why}"})
        now = self._city.clock.now()
        said = entity(
            _KIND, one.id, status=Attribute(why.status, at=now), withheldAt=clock.text(now), withheldBecause=why.why
        )
        with suppress(HansaError):  # an inbox that is full: it is asked again when its device comes back
            self._city.submit([Write("say", said.id, said.doc)], lambda _outcome: None)

    def done(self, ident: str, *, accepted: bool) -> None:
        """The device has it (or will not have it): say so."""
        now = self._city.clock.now()
        status = Attribute("delivered" if accepted else "rejected", at=now)
        one = entity(_KIND, ident, status=status, deliveredAt=clock.text(now))
        self._city.submit([Write("say", one.id, one.doc)], lambda _outcome: None)


def _message(one: Entity) -> dict[str, object]:
    return {"command": one.id, "payload": one.get("payload")}


def _told(one: Entity, device: str) -> dict[str, Any]:
    """What the audit keeps of a command."""
    payload = one.get("payload")
    raw = orjson.dumps(payload)
    kept = payload if len(raw) <= _PAYLOAD else {"sha256": sha256(raw).hexdigest(), "bytes": len(raw)}
    return {"entity": one.id, "device": device, "payload": kept}
