"""Displays and other devices of the city: a warning goes to them as a `Command`, and their own word confirms it.

    {"kind": "display", "to": {"device": "sign-7", "entity": "urn:ngsi-ld:Display:sign-7", "attribute": "text"}}

The command is kept until its device is there (`platform.commands`). Where `entity` is said, what that entity reports
must be the text that was sent; else it counts that the device took the command.
"""

from typing import Any, Final

from hansa import clock
from hansa.clock import SECOND
from hansa.errors import HansaError
from hansa.model.change import Refused, Write
from hansa.model.entity import Entity, entity
from hansa.network.channels.said import Channel, Failed, Handed, Notice, Outcome, keyed, line, part
from hansa.platform.city import City
from hansa.platform.notices import channel_of, kind_of, step_of

ACTOR: Final = "hansa:courier"
TEXT: Final = 500  # characters on a display
DAY_S: Final = 86_400  # for which a command waits for its device
KINDS: Final = frozenset(("display", "mqtt"))
_NAME: Final = 200


class Devices:
    """Tells devices of the city."""

    def __init__(self, city: City, *, width: int = 100, per_s: float = 500.0) -> None:
        """`city` is where the commands are said."""
        self.width, self.per_s = width, per_s
        self._city = city

    def endpoint(self, to: Any) -> str:
        """The device."""
        return _device(to)[:_NAME]

    async def aclose(self) -> None:
        """There is no socket."""

    async def send(self, notice: Notice) -> Outcome:
        """Say the command; the device is told by whoever has its connection."""
        device = _device(notice.to)
        if not device or len(device) > _NAME or any(sign in device for sign in "/+#\0 \n"):
            return Failed(True, "malformed: this is no device's name")
        now = self._city.clock.now()
        words = line(notice.short or notice.title, TEXT)
        said: dict[str, Any] = {
            "commandDevice": device,
            "payload": {
                "text": words,
                "title": line(notice.title, TEXT),
                "language": notice.language,
                "warning": notice.thread,
                "again": notice.again,
            },
            "status": "pending",
            "dateIssued": clock.text(now),
            "sendBy": clock.text(now + DAY_S * SECOND),
            "delivery": notice.id,
        }
        if about := part(notice.to, "entity"):
            attribute = part(notice.to, "attribute") or "text"
            said["expects"] = {"entity": about, "attribute": attribute, "value": words}
        one = entity("Command", _command(notice.id, notice.step), **said)
        try:
            outcomes = await self._city.awrite(Write("say", one.id, one.doc))
        except HansaError as fault:
            return Failed(False, fault.detail[:300])
        if isinstance(outcomes[0], Refused):
            return Failed(True, f"refused: {outcomes[0].error.detail}"[:300])
        return Handed(one.id)


class Either:
    """MQTT: to a device of the city by its name, to a broker by its address."""

    def __init__(self, devices: Channel, brokers: Channel) -> None:
        """Both are there."""
        self._devices, self._brokers = devices, brokers
        self.width, self.per_s = brokers.width, brokers.per_s

    def _for(self, to: Any) -> Channel:
        return self._brokers if isinstance(to, str) and ":" in to else self._devices

    def endpoint(self, to: Any) -> str:
        """The broker or the device."""
        return self._for(to).endpoint(to)

    async def send(self, notice: Notice) -> Outcome:
        """Tell it."""
        return await self._for(notice.to).send(notice)

    async def aclose(self) -> None:
        """Close both."""
        await self._devices.aclose()
        await self._brokers.aclose()


def bears(command: Entity, one: Entity) -> bool:
    """Whether a delivery is now being told by this very command: others may name the delivery, and are not heard."""
    return (
        command.id == _command(one.id, step_of(one))
        and kind_of(one) in KINDS
        and command.get("commandDevice") == _device(channel_of(one).get("to"))
    )


def _command(ident: str, step: int) -> str:
    return f"urn:ngsi-ld:Command:{keyed(ident)}-{step}"


def _device(to: Any) -> str:
    return to if isinstance(to, str) else part(to, "device")
