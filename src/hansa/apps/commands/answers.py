"""What became of commands: read back, answered too late, or never. Rules say it; what people say is in other words.

`status` tells how far a Command came: the acts and the sender write it. `result` tells what came of it, and only these
rules write it: `confirmed`, `delivered` (nothing was to be read back), `not confirmed`, `not delivered`, `rejected`,
`withheld`, `not approved`, `denied`, `cancelled`, `drill`. A device that leaves a command unanswered is an Alert of the
kind `command-unanswered`, one for each device; the next answer clears it.

A value counts as read back when the city took it after the device had the command, whatever the device's clock says;
or when it had become so between sending and the device's receipt.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from hansa import Attribute, Change, City, Delete, Entity, NotFound, entity, labels
from hansa.apps.commands.asking import APPROVE_S, SECOND, SEND_S, WITHIN_S, instant, iso, met

UNANSWERED: Final = "command-unanswered"
LATE: Final = 86_400 * SECOND  # how long a late answer is still heard
GRACE: Final = 5 * SECOND  # for a receipt that is on its way
OPEN: Final = 5_000  # commands that are followed at once
WAITS: Final = frozenset({"requested", "pending", "delivered"})
ENDS: Final = {
    "rejected": "rejected",
    "blocked": "withheld",
    "denied": "denied",
    "cancelled": "cancelled",
    "drill": "drill",
}


@dataclass(slots=True)
class Open:
    """A command that is not answered yet."""

    id: str
    device: str
    status: str
    since: int  # asked for, or approved
    until: int  # approve by, or send by
    expects: dict[str, Any] | None
    delivered: int | None
    deadline: int | None  # for what is read back
    label: str | None
    realm: str
    given_up: bool = False


@dataclass(slots=True)
class Memory:
    """What is followed, by command; and which entities' reports it waits for."""

    seq: int = -1
    open: dict[str, Open] = field(default_factory=dict)
    by_entity: dict[str, set[str]] = field(default_factory=dict)
    types: dict[str, int] = field(default_factory=dict)
    _kinds: dict[str, list[str]] = field(default_factory=dict)

    def take(self, one: Entity, city: City) -> Open | None:
        """Follow a command, or follow it no more."""
        self.drop(one.id)
        made = followed(one, city.now())
        if made is None or len(self.open) >= OPEN:
            return None
        self.open[one.id] = made
        if made.expects is not None:
            ident = made.expects["entity"]
            self.by_entity.setdefault(ident, set()).add(one.id)
            try:
                kinds = [short(kind) for kind in city.get(ident).types]
            except NotFound:
                kinds = []
            self._kinds[one.id] = kinds
            for kind in kinds:
                self.types[kind] = self.types.get(kind, 0) + 1
        return made

    def drop(self, ident: str) -> None:
        """Follow it no more."""
        was = self.open.pop(ident, None)
        if was is None or was.expects is None:
            return
        waiting = self.by_entity.get(was.expects["entity"], set())
        waiting.discard(ident)
        if not waiting:
            self.by_entity.pop(was.expects["entity"], None)
        for kind in self._kinds.pop(ident, []):
            self.types[kind] -= 1
            if not self.types[kind]:
                del self.types[kind]


def begin(city: City) -> Memory:
    """What is open, from the store: a process may end at any time."""
    memory = Memory()
    since = iso(city.now() - LATE)
    late = f'(result=="not confirmed"|result=="not delivered");dateIssued>="{since}"'
    wanted = f"!result|({late})"
    for one in city.find("Command", wanted, limit=OPEN):
        memory.take(one, city)
    return memory


def followed(one: Entity, now: int) -> Open | None:
    """A command as something to follow; None when all is said of it."""
    status, result, device = one.get("status"), one.get("result"), one.get("commandDevice")
    given_up = result in {"not confirmed", "not delivered"}
    if not isinstance(device, str) or (result is not None and not given_up):
        return None
    if status not in WAITS and not (status == "expired" and not given_up) and status not in ENDS:
        return None
    since = instant(one.get("approvedAt")) or instant(one.get("requestedAt")) or instant(one.get("dateIssued")) or now
    until = instant(one.get("approveBy")) or since + APPROVE_S * SECOND
    if status != "requested":
        until = instant(one.get("sendBy")) or since + SEND_S * SECOND
    expects = one.get("expects")
    if not isinstance(expects, dict) or not isinstance(expects.get("entity"), str):
        expects = None
    delivered = (instant(one.get("deliveredAt")) or one.at("status") or now) if status == "delivered" else None
    within = WITHIN_S if expects is None else expects.get("within", WITHIN_S)
    deadline = None if delivered is None or expects is None else delivered + round(within * SECOND)
    return Open(one.id, device, str(status), since, until, expects, delivered, deadline, one.label, one.realm, given_up)


def heard(memory: Memory, one: Entity, city: City) -> Iterator[Entity | Delete]:
    """A Command was written: what can be said of it at once."""
    it = memory.take(one, city)
    if it is None:
        return
    if it.status in ENDS:
        yield _result(it, ENDS[it.status], city)
        if it.status == "rejected":
            yield from unanswered(it, city, "refused it")
        memory.drop(it.id)
    elif it.status == "expired":
        yield from _given_up(it, city, "not delivered", "was not reached in time")
    elif it.status == "delivered" and it.expects is None:
        yield _result(it, "delivered", city)
        yield from answered(it, city)
        memory.drop(it.id)
    elif it.status == "delivered" and it.expects is not None:
        yield from _already(memory, it, it.expects, city)


def reported(memory: Memory, change: Change, city: City) -> Iterator[Entity | Delete]:
    """Something reports: perhaps what a command was to bring about."""
    for ident in sorted(memory.by_entity.get(change.entity.id, ())):
        it = memory.open[ident]
        if it.expects is None or it.delivered is None:
            continue
        name = it.expects["attribute"]
        said = [p for p in change.parts if short(p.name) == short(name) and p.dataset is None and p.status != "late"]
        if not said or change.at < it.delivered or not _tells(it, it.expects, city):
            continue
        if met(it.expects, change.entity.get(name)):
            yield from _confirmed(memory, it, change.entity.get(name), city)


def overdue(memory: Memory, city: City) -> Iterator[Entity | Delete]:
    """What time alone does: whoever did not approve, a device that was not reached, a value that did not come."""
    now = city.now()
    for it in sorted(memory.open.values(), key=lambda it: it.since):
        if it.given_up:
            if now - it.since > LATE:
                memory.drop(it.id)
        elif it.status == "requested" and now > it.until:
            yield _result(it, "not approved", city)
            memory.drop(it.id)
        elif it.status == "pending" and now > it.until + GRACE:
            yield from _given_up(it, city, "not delivered", "was not reached in time")
        elif it.deadline is not None and now > it.deadline:
            yield from _given_up(it, city, "not confirmed", _missing(it, city))


def _already(memory: Memory, it: Open, expects: dict[str, Any], city: City) -> Iterator[Entity | Delete]:
    """It became so between sending and receipt: it was otherwise when it was sent, and is what was wanted now."""
    try:
        source = city.get(expects["entity"])
    except NotFound:
        return
    said = source.get(expects["attribute"])
    if not _tells(it, expects, city):
        return
    if met(expects, said) and not met(expects, expects.get("was")):
        yield from _confirmed(memory, it, said, city)


def _confirmed(memory: Memory, it: Open, said: Any, city: City) -> Iterator[Entity | Delete]:
    yield _result(it, "confirmed", city, answer={"value": said, "at": iso(city.now()), "late": it.given_up})
    yield from answered(it, city)
    memory.drop(it.id)


def _given_up(it: Open, city: City, result: str, why: str) -> Iterator[Entity | Delete]:
    it.given_up = True
    yield _result(it, result, city)
    yield from unanswered(it, city, why)


def _missing(it: Open, city: City) -> str:
    if it.expects is None:
        return "did not answer"
    name, within = it.expects["attribute"], it.expects.get("within")
    if not _tells(it, it.expects, city):
        return f"took it; {name} is guarded otherwise than the command, so it was not read back"
    return f"took it, and {name} was not as asked for {within} s later"


def _tells(it: Open, expects: dict[str, Any], city: City) -> bool:
    """Whether a command may tell what is read back: whoever sees it sees that, as both are labelled now."""
    try:
        found = labels.of(city.get(expects["entity"]), expects["attribute"])
    except NotFound:
        return True  # there is nothing to tell
    return labels.covers(it.label, found, it.realm)


def _result(it: Open, result: str, city: City, **more: Any) -> Entity:
    return entity("Command", it.id, result=result, resultAt=iso(city.now()), **more)


def alert_of(device: str) -> str:
    """The id of the one alarm of a device that leaves commands unanswered."""
    said = f"{device}\n{UNANSWERED}".encode("utf-8", "surrogatepass")
    return f"urn:ngsi-ld:Alert:commands-{blake2b(said, digest_size=12).hexdigest()}"


def unanswered(it: Open, city: City, why: str) -> Iterable[Entity | Delete]:
    """Open the alarm of its device, or say what is new about it."""
    ident, now = alert_of(it.device), iso(city.now())
    try:
        before: Entity | None = city.get(ident)
    except NotFound:
        before = None
    again = before is not None and before.get("status") == "open"
    if before is not None and not again and "validTo" in before:
        yield Delete(ident, "validTo")
    made = entity(
        "Alert",
        ident,
        category="device",
        subCategory=UNANSWERED,
        severity="high",
        status="open",
        dateIssued=None if again else now,
        alertSource=f"urn:ngsi-ld:Device:{it.device}",
        command=Attribute(it.id, kind="Relationship"),
        description=f"{it.device} {why}.",
        evidence={"command": it.id, "device": it.device, "at": now, "since": iso(it.since)},
    )
    found = [it.label, *(labels.of(before) if before is not None else ())]  # what it told before is in its history
    with suppress(NotFound):
        found += labels.of(city.get(str(made["alertSource"])))
    made.label = labels.strictest(found, it.realm)
    yield made


def answered(it: Open, city: City) -> Iterator[Entity]:
    """The device answers: its alarm is over."""
    ident = alert_of(it.device)
    try:
        standing = city.get(ident).get("status") == "open"
    except NotFound:
        return
    if standing:
        said = f"{it.device} answers again."
        yield entity("Alert", ident, status="closed", validTo=iso(city.now()), description=said)


def short(name: str) -> str:
    """The term of a name, as apps use it."""
    return name.replace("#", "/").rsplit("/", 1)[-1] if ":" in name else name
