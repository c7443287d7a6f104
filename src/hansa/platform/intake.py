"""Readings on their way in: an authenticated device's bytes to a durable write, or to a dead letter with its reason.

MQTT and HTTP both come through here. The device's state is looked up for every message; what cannot be used is kept
through the same inbox as what can, so an acknowledgement always means that it is on disk (invariant 2).
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from hansa.clock import Clock, parse
from hansa.collect import FORMATS
from hansa.errors import BadRequest, Busy, Forbidden, HansaError, NotFound, TooLarge
from hansa.limits import Limits
from hansa.model.change import Refused, Write
from hansa.platform.city import City
from hansa.platform.deadletters import TENANT, DeadLetter
from hansa.platform.store import Item, Result
from hansa.trust.devices import Device, Devices

if TYPE_CHECKING:
    from hansa.platform.models import Models

FLUSH_S: Final = 60.0
"""How often last seen and counts of devices are written down: a write a message would double the work."""


@dataclass(slots=True)
class Receipt:
    """What became of one message. `error` is set when nothing of it was taken, or nothing could be kept."""

    taken: int = 0
    refused: list[str] = field(default_factory=list)
    error: HansaError | None = None


Given = Callable[[Receipt], None]


class Intake:
    """Takes messages of authenticated devices. Lives in the event loop's thread."""

    def __init__(self, cities: Mapping[str, City], devices: Devices, clock: Clock, limits: Limits) -> None:
        """Write to the realm each device belongs to."""
        self._cities = cities
        self._devices = devices
        self._clock = clock
        self._limits = limits
        self._waiting: deque[Callable[[], None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._seen: set[str] = set()
        self.behind: Callable[[], int] = lambda: 0  # how far the rules are behind; set by serve
        self.models: Models | None = None  # what entities of a type look like; set by serve
        self.messages = 0
        self.refusals = 0

    @property
    def waiting(self) -> int:
        """Messages that wait for room in the inbox."""
        return len(self._waiting)

    def take(self, device: Device, kind: str, payload: bytes, given: Given, *, patient: bool = True) -> None:
        """Take one message; `given` is called once, in the loop, when its fate is durable.

        `kind` is a format's name or the device's profile. `patient` waits for room (MQTT, which then holds its
        PUBACK back); else the receipt says Busy.
        """
        self.messages += 1
        now = self._clock.now()
        device.last_seen = now
        self._seen.add(device.name)
        writes: list[Write] = []
        refused: list[str] = []
        error: HansaError | None = None
        why = self._devices.may_speak(device)
        if why is not None:
            error = Forbidden(why, where=device.name)
        elif len(payload) > self._limits.message:
            error = TooLarge(f"{len(payload):,} bytes; {self._limits.message:,} are the most")
        else:
            decode = FORMATS["json"] if kind == device.source.profile.name else FORMATS.get(kind)
            if decode is None:
                error = NotFound(f"there is no format {kind[:64]!r}", mend=f"one of {', '.join(FORMATS)}")
            else:
                try:
                    decoded = decode(payload, device.source, now, self._limits)
                except BadRequest as fault:
                    error = fault
                else:
                    writes = decoded.writes
                    refused = [f"{one.where}: {one.error.detail}" for one in decoded.refused]
                    if decoded.further:
                        refused.append(f"and {decoded.further:,} more")
                    if self.models is not None and self.models.known:
                        writes, broken = self._modelled(device, writes)
                        refused += broken
                    if refused and not writes:  # nothing of it could be used, and the device may as well know
                        error = BadRequest("; ".join(refused)[:2_000])
        if error is not None or refused:
            device.refusals += 1
            self.refusals += 1
            reason = error.detail if error is not None else "; ".join(refused)
            writes = [*writes, self._letter(device, kind, payload, reason, now)]
        if error is None:
            device.readings += 1
        receipt = Receipt(len(writes) - bool(error or refused), refused, error)
        self._submit(device, kind, payload, Item(writes, device.actor), receipt, given, patient=patient)

    def _modelled(self, device: Device, writes: list[Write]) -> tuple[list[Write], list[str]]:
        """The writes that their models let pass, and why the others do not. A model that only warns lets all pass."""
        assert self.models is not None  # noqa: S101  # asked by the caller
        breaches = self.models.weigh(self._cities[device.realm], writes)
        if not self.models.refuse:
            return writes, []
        going = [write for place, write in enumerate(writes) if place not in breaches]
        return going, [one.error().detail for one in breaches.values()]

    def refuse(self, device: Device, kind: str, payload: bytes, error: HansaError, given: Given) -> None:
        """Keep a message that was not even for this device to say (a foreign topic)."""
        self.messages += 1
        self.refusals += 1
        device.refusals += 1
        self._seen.add(device.name)
        letter = self._letter(device, kind, payload, error.detail, self._clock.now())
        item = Item([letter], device.actor)
        self._submit(device, kind, payload, item, Receipt(0, [], error), given, patient=True)

    def _letter(self, device: Device, kind: str, payload: bytes, reason: str, now: int) -> Write:
        ref = f"{device.name} {kind} {reason} {hashlib.sha256(payload).hexdigest()}"
        detail = {"format": kind}
        return DeadLetter("message", device.name, ref, reason, now, payload, detail, device.source.label).write()

    def _submit(
        self, device: Device, kind: str, payload: bytes, item: Item, receipt: Receipt, given: Given, *, patient: bool
    ) -> None:
        loop = asyncio.get_running_loop()

        def done(result: Result) -> None:
            if isinstance(result, HansaError):
                receipt.error, receipt.taken = result, 0
                given(receipt)
                return
            lost = [one for one in result if isinstance(one, Refused)]
            if not lost:
                given(receipt)
                return
            # The state refused what the format allowed (an id with another type): that is a dead letter too.
            device.refusals += 1
            receipt.refused += [one.error.detail for one in lost]
            receipt.taken -= len(lost)
            if not receipt.taken:
                receipt.error = lost[0].error
            letter = self._letter(device, kind, payload, lost[0].error.detail, self._clock.now())
            again = Item([letter], device.actor)
            self._queue(device, again, lambda _: given(receipt), loop, patient=True)

        try:
            self._queue(device, item, done, loop, patient=patient)
        except Busy as busy:
            receipt.error, receipt.taken = busy, 0
            given(receipt)

    def _queue(
        self,
        device: Device,
        item: Item,
        done: Callable[[Result], None],
        loop: asyncio.AbstractEventLoop,
        *,
        patient: bool,
    ) -> None:
        city = self._cities[device.realm]
        if not self._waiting:
            try:
                if self.behind() > self._limits.rule_lag:
                    raise Busy("the rules are too far behind")  # noqa: TRY301  # the same answer as a full inbox
                city.submit_item(item, done, loop)
            except Busy:
                if not patient:
                    raise
            else:
                return
        elif not patient:
            raise Busy("others wait already", mend="try again in a second")
        self._waiting.append(lambda: city.submit_item(item, done, loop))
        if self._timer is None:
            self._timer = loop.call_later(0.02, self._drain, loop)

    def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand on what waited, in its order, as far as there is room."""
        self._timer = None
        try:
            while self._waiting and self.behind() <= self._limits.rule_lag:
                self._waiting[0]()
                self._waiting.popleft()
        except Busy:
            pass
        if self._waiting:
            self._timer = loop.call_later(0.02, self._drain, loop)

    def flush(self) -> list[tuple[City, Write]]:
        """What has become of devices since the last time: their records, to be written."""
        records = []
        for name in self._seen:
            try:
                device = self._devices.get(name)
            except NotFound:
                continue
            device.total_readings += device.readings
            device.total_refusals += device.refusals
            device.readings = device.refusals = 0
            shown = device.shown()
            records.append((self._cities[device.realm], Write("say", shown.id, shown.doc)))
        self._seen.clear()
        return records


def credential_write(device: Device) -> Write:
    """The Write that keeps a device's credential, in the city's own tenant."""
    one = device.credential()
    return Write("say", one.id, one.doc, tenant=TENANT)


def shown_write(device: Device) -> Write:
    """The Write of the Device entity that people see."""
    one = device.shown()
    return Write("say", one.id, one.doc)


def place_write(device: Device) -> Write | None:
    """Where the device's own entity stands: said at enrolment, so that readings need not repeat it."""
    source = device.source
    if source.location is None:
        return None
    doc: dict[str, Any] = {
        "id": source.entity,
        "type": source.profile.type,
        "location": {"type": "GeoProperty", "value": source.location},
        "name": {"type": "Property", "value": device.name},
        "refDevice": {"type": "Relationship", "object": f"urn:ngsi-ld:Device:{device.name}"},
    }
    return Write("say", source.entity, doc, label=source.label)


def load(cities: Mapping[str, City], devices: Devices) -> None:
    """Know every device that was ever enrolled."""
    for realm, city in cities.items():
        offset = 0
        while found := city.find("Credential", limit=1_000, tenant=TENANT, offset=offset):
            for credential in found:
                device = Device.of(credential, realm)
                try:
                    shown = city.get(f"urn:ngsi-ld:Device:{device.name}")
                    device.total_readings = shown.get("readings", 0)
                    device.total_refusals = shown.get("refusals", 0)
                    if "lastSeen" in shown:
                        device.last_seen = parse(shown["lastSeen"])
                except NotFound:
                    pass
                devices.take(device)
            offset += len(found)
