"""Commands on their way out: a `Command` entity becomes a message to its device, and its answer an attribute.

    {"type": "Command", "commandDevice": "valve-7", "payload": {"open": true}, "status": "pending"}

The door (MQTT) listens to Changes; a device that is away gets its commands when it returns, oldest first.
"""

from collections.abc import Callable
from typing import Final

import orjson

from hansa import clock
from hansa.limits import Limits
from hansa.model.change import Change, Write
from hansa.model.entity import Attribute, Entity, entity
from hansa.platform.city import City

Send = Callable[[str, str, bytes], bool]
"""device, command id, payload: whether it was sent now."""

_KIND: Final = "Command"


class Commands:
    """The commands of one realm, for the door that delivers them."""

    def __init__(self, city: City, limits: Limits) -> None:
        """Nothing is sent before `send` is set."""
        self._city = city
        self._limits = limits
        self.send: Send = lambda _device, _ident, _payload: False

    def heard(self, changes: list[Change]) -> None:
        """Send new commands at once to devices that are there; called in the loop."""
        for change in changes:
            one = change.entity
            if _KIND in one.types and not change.gone and not change.tenant and one.get("status") == "pending":
                device = one.get("commandDevice")
                if isinstance(device, str) and {"status", "payload"} & change.names:
                    self.send(device, one.id, orjson.dumps(_message(one)))

    def pending(self, device: str) -> list[tuple[str, bytes]]:
        """What waits for a device, oldest first: ids and payloads."""
        quoted = device.replace("\\", "").replace('"', "")
        found = self._city.find(_KIND, f'commandDevice=="{quoted}";status=="pending"', limit=self._limits.commands)
        found.sort(key=lambda one: one.get("dateIssued", ""))
        return [(one.id, orjson.dumps(_message(one))) for one in found if one.get("commandDevice") == device]

    def done(self, ident: str, *, accepted: bool) -> None:
        """The device has it (or will not have it): say so."""
        now = self._city.clock.now()
        status = Attribute("delivered" if accepted else "rejected", at=now)
        one = entity(_KIND, ident, status=status, deliveredAt=clock.text(now))
        self._city.submit([Write("say", one.id, one.doc)], lambda _outcome: None)


def _message(one: Entity) -> dict[str, object]:
    return {"command": one.id, "payload": one.get("payload")}
