"""The devices' doors: MQTT and HTTP, joined to the intake, the register of devices and their commands.

A device that comes with its claim may do one thing: exchange it. Over MQTT the secret comes as a command as soon as it
subscribes to its command topic; over HTTP as the answer of `POST /collect/claim`.
"""

import asyncio
import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson
import structlog

from hansa.collect import MEDIA_TYPES
from hansa.errors import BadRequest, Busy, Forbidden, HansaError, NotFound, Unauthenticated, UnsupportedMediaType
from hansa.limits import Limits
from hansa.model.wire import json_in
from hansa.network.mqtt import Command, Endpoint, Reason, Refusal
from hansa.platform.admin import given, wall
from hansa.platform.city import City
from hansa.platform.commands import Commands
from hansa.platform.http import Request, Response, json_response
from hansa.platform.intake import Intake, Receipt, credential_write, shown_write
from hansa.trust.devices import Denied, Device, Devices

log = structlog.get_logger("hansa.doors")

_SECRET: Final = "secret"  # noqa: S105  # the id of the command that carries it


class Visitor:
    """A device on one MQTT connection."""

    __slots__ = ("claimed", "device", "record", "secret")

    def __init__(self, record: Device, *, claimed: bool) -> None:
        """`claimed`: it came with its claim, not with its secret."""
        self.record = record
        self.device = record.name
        self.claimed = claimed
        self.secret: bytes | None = None


class MqttDoors:
    """What the MQTT endpoint asks of the city. All calls come in the loop's thread."""

    def __init__(
        self, cities: dict[str, City], devices: Devices, intake: Intake, commands: dict[str, Commands]
    ) -> None:
        """`endpoint` is set by whoever makes both."""
        self._cities = cities
        self._devices = devices
        self._intake = intake
        self._commands = commands
        self.endpoint: Endpoint | None = None

    def connect(self, client_id: str, username: str | None, password: bytes | None, address: str) -> Visitor | Refusal:
        """Who this is, or why it is turned away."""
        found = self._devices.authenticate(username or client_id, password, wall())
        if isinstance(found, Denied):
            name = (username or client_id)[:64]
            log.warning("a device was turned away", name=name, address=address, why=found.reason)
            return Refusal(Reason.BAD_USER_NAME_OR_PASSWORD, found.told)
        assert password is not None  # noqa: S101  # authenticate denies an empty one
        if self._devices.settle(found, password):
            self._keep(found, lambda: None)
        elif found.secret is None or self._devices.by_claim(found, password, wall()):
            visitor = Visitor(found, claimed=True)
            _, secret = self._devices.exchange(found.name, password, wall())
            # The secret is told only when its hash is on disk: a device must not keep one that the city forgot.
            self._keep(found, lambda: self._tell(visitor, secret))
            return visitor
        if (why := self._devices.may_speak(found)) is not None and found.state != "quarantined":
            return Refusal(Reason.NOT_AUTHORIZED, why)
        return Visitor(found, claimed=False)

    def publish(
        self, peer: Any, topic: str, payload: bytes, _content_type: str | None, done: Callable[[int], None]
    ) -> int | None:
        """Take one message, or keep it with the reason why not. The topic names the format; MQTT 5's type need not."""
        visitor: Visitor = peer
        device = visitor.record
        levels = topic.split("/")
        error: HansaError | None = None
        if len(levels) != 3 or levels[0] != "hansa" or levels[1] != device.name:
            error = Forbidden(
                f"{topic[:200]!r} is not this device's to speak under", mend=f"publish to hansa/{device.name}/<format>"
            )
        elif visitor.claimed:
            error = Forbidden("exchange the claim first: subscribe to the command topic and take the secret")
        if error is not None:
            self._intake.refuse(device, levels[-1][:64], payload, error, lambda receipt: done(code_of(receipt)))
            return None
        kind = levels[2]
        self._intake.take(device, kind, payload, lambda receipt: done(code_of(receipt)))
        return None

    def disconnected(self, peer: Any, reason: str) -> None:
        """A connection has ended."""
        log.debug("a device left", device=peer.device, why=reason)

    def commands(self, peer: Any) -> Iterable[Command]:
        """What waits for it, oldest first; for one with a claim, its secret."""
        visitor: Visitor = peer
        if visitor.claimed:
            return [] if visitor.secret is None else [Command(_SECRET, visitor.secret)]
        try:
            found = self._commands[visitor.record.realm].pending(visitor.device)
        except HansaError as fault:
            log.warning("commands could not be read", device=visitor.device, why=fault.detail)
            return []
        return [Command(ident, payload) for ident, payload in found]

    def command_done(self, peer: Any, command_id: str, code: int) -> None:
        """The device has taken a command, or will not."""
        visitor: Visitor = peer
        if command_id == _SECRET:
            visitor.secret = None
            return
        try:
            self._commands[visitor.record.realm].done(command_id, accepted=code < 0x80)
        except Busy:
            log.warning("a command's answer could not be written now; it will be sent again", command=command_id)

    def _tell(self, visitor: Visitor, secret: str) -> None:
        visitor.secret = orjson.dumps({"secret": secret})
        if self.endpoint is not None:
            self.endpoint.send(visitor.device, _SECRET, visitor.secret)

    def _keep(self, device: Device, then: Callable[[], None]) -> None:
        def done(result: Any) -> None:
            if isinstance(result, HansaError):
                log.error("a credential could not be kept", device=device.name, why=result.detail)
            else:
                then()

        try:
            self._cities[device.realm].submit(
                [credential_write(device), shown_write(device)], done, loop=asyncio.get_running_loop()
            )
        except Busy as busy:
            done(busy)


def code_of(receipt: Receipt) -> int:
    """The MQTT 5 reason code of a receipt; 0x89 closes the connection unacknowledged: the device will send again."""
    error = receipt.error
    if error is None:
        return Reason.SUCCESS
    if isinstance(error, Busy):
        return Reason.SERVER_BUSY
    if isinstance(error, Forbidden):
        return Reason.NOT_AUTHORIZED
    if isinstance(error, NotFound):
        return Reason.TOPIC_NAME_INVALID
    if isinstance(error, BadRequest):
        return Reason.PAYLOAD_FORMAT_INVALID
    return Reason.SERVER_BUSY


class CollectDoor:
    """`POST /collect/<format>` with a device's name and secret (Basic), and `POST /collect/claim`."""

    def __init__(self, cities: dict[str, City], devices: Devices, intake: Intake, limits: Limits) -> None:
        """The same intake as MQTT's."""
        self._cities = cities
        self._devices = devices
        self._intake = intake
        self._limits = limits

    async def handle(self, request: Request) -> Response:
        """One request; `request.path` begins after `/collect`."""
        if request.method != "POST" or len(request.path) != 1:
            raise NotFound("POST a message to /collect/<format>", where="path")
        if request.path[0] == "claim":
            return await self._exchange(request)
        device = await self._who(request)
        kind = request.path[0]
        if kind == "auto":
            kind = format_of(request.headers.get(b"content-type") or "application/json")
        receipt = await given(self._intake, device, kind, request.body)
        if receipt.error is not None:
            raise receipt.error
        return json_response({"taken": receipt.taken, "refused": receipt.refused}, 200 if not receipt.refused else 207)

    async def _who(self, request: Request) -> Device:
        name, secret = _basic(request.headers.get(b"authorization"))
        found = self._devices.authenticate(name, secret, wall())
        if isinstance(found, Denied):
            raise Unauthenticated(found.told, mend="send the device's name and secret as HTTP Basic credentials")
        if self._devices.settle(found, secret):
            await self._cities[found.realm].awrite(credential_write(found), shown_write(found))
        elif found.secret is None or self._devices.by_claim(found, secret, wall()):
            raise Forbidden("exchange the claim first", mend="POST /collect/claim with the same credentials")
        return found

    async def _exchange(self, request: Request) -> Response:
        header = request.headers.get(b"authorization")
        if header is not None:
            name, claim = _basic(header)
        else:
            said = json_in(request.body, self._limits)
            if not isinstance(said, dict) or not all(isinstance(said.get(k), str) for k in ("device", "claim")):
                raise BadRequest('say {"device": "...", "claim": "..."}')
            name, claim = said["device"], said["claim"]
        device, secret = self._devices.exchange(name, claim, wall())
        await self._cities[device.realm].awrite(credential_write(device))
        return json_response({"device": name, "secret": secret})


def format_of(content_type: str) -> str:
    """The format of a media type; UnsupportedMediaType says which are read."""
    media = content_type.partition(";")[0].strip().lower()
    if media not in MEDIA_TYPES:
        raise UnsupportedMediaType(f"{media[:64]!r} is not read here", mend=f"send {', '.join(MEDIA_TYPES)}")
    return MEDIA_TYPES[media]


def _basic(header: str | None) -> tuple[str, str]:
    """Name and password of an HTTP Basic header; Unauthenticated when it is none."""
    scheme, _, coded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        raise Unauthenticated("no credentials", mend="send the device's name and secret as HTTP Basic credentials")
    try:
        name, colon, password = base64.b64decode(coded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Unauthenticated("these credentials cannot be read") from None
    if not colon:
        raise Unauthenticated("these credentials cannot be read")
    return name, password


__all__ = ["CollectDoor", "MqttDoors", "Visitor", "code_of"]
