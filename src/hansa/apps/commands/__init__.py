"""Commands: what people have devices do, who agreed, and what came of it (report sections 2.4.2 and 4.1.1).

A `Command` is asked for, in the command centre approved by somebody else, sent by the city (`platform.commands`), and
read back. Interlocks forbid what must not be done while something is so. See README.md beside this file.
"""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, Final
from weakref import WeakKeyDictionary

from hansa import (
    Act,
    App,
    Attribute,
    Change,
    City,
    Conflict,
    Delete,
    Entity,
    NotFound,
    Refusal,
    command,
    entity,
    labels,
)
from hansa.apps.commands import answers, asking, views
from hansa.apps.commands.answers import Memory
from hansa.apps.commands.asking import APPROVE_S, SECOND, iso

__all__ = ["app"]

STAFF: Final = frozenset({"operator", "supervisor", "command"})
APPROVERS: Final = frozenset({"supervisor", "command"})
READERS: Final = STAFF | {"engineer", "administrator", "auditor"}
AT_ONCE: Final = 100  # devices of one request
WAITING: Final = 50  # commands that wait for one device
ROUND_S: Final = 2.0
MOST: Final = 900  # words of one call; the city takes 1,000

ACTED: Final = (
    *("expects", "requestedBy", "requestedAt", "approveBy", "approvedBy", "approvedAt", "approvedHash", "sendWithin"),
    *("sendBy", "deliveredAt", "withheldAt", "withheldBecause", "result", "resultAt", "answer", "twoPeople"),
    "delivery",  # whose warning it bears: the courier's word
)
"""What is said of a command by acts and by the city alone."""

app = App(
    "commands",
    report="2.4.2",
    reads={"*"},
    writes={"Command", "Interlock", "Alert"},
    realm="*",
    keeps={"Interlock": (), "Command": ACTED},
)


# ---- What people do


@app.act("request", "Command", roles=STAFF, new=True, noted=True)
def request(act: Act, city: City) -> Iterator[Entity]:
    """Have a `device` (or `devices`) take a `payload`, with a `reason`; `expects` says what is then to be reported.

    In the command centre, and with `twoPeople`, it waits until somebody else approves it.
    """
    said = act.said
    if act.subject is not None:
        raise Conflict("this was asked for already", mend="ask anew, under another id or without one")
    asking.only(said)
    named = said.get("devices", [said.get("device")])
    if not isinstance(named, list) or not 0 < len(named) <= AT_ONCE:
        raise Refusal(f"devices is a list of 1 to {AT_ONCE} names", where="devices")
    if act.id and len(named) > 1:
        raise Refusal("several devices make several commands: say no id", where="id")
    incident = _incident(said.get("incident"), city)
    drill = _truth(said, "drill") or (incident is not None and incident.get("drill") is True)
    reason = asking.text(said, "reason")
    seen: set[str] = set()
    for name in named:
        to = asking.device(name, city)
        if to.id in seen:
            raise Refusal(f"{to.key} is named twice", where="devices")
        seen.add(to.id)
        yield _asked(act, city, to, incident, reason, drill=drill)


@app.act("approve", "Command", roles=APPROVERS, fresh=True, noted=True)
def approve(act: Act, city: City) -> Iterator[Entity]:
    """Stand for exactly what somebody else has asked for: `hash` says what that was, as it was shown."""
    one = _waiting(act)
    if one.get("requestedBy") == act.by:
        raise Refusal("you asked for it yourself; somebody else approves it", where="id")
    hashes = act.said.get("hashes")
    said = hashes.get(one.id) if isinstance(hashes, Mapping) else act.said.get("hash")
    if said != command.digest(one):
        raise Conflict("this is not what was asked for", mend="look at it again; hash is what the view shows")
    asked_at = asking.instant(one.get("requestedAt")) or asking.instant(one.get("dateIssued"))
    by = asking.instant(one.get("approveBy")) or (None if asked_at is None else asked_at + APPROVE_S * SECOND)
    if by is None or act.at > by:
        raise Refusal("it was asked for too long ago", where="id", mend="have it asked for again")
    if why := command.blocked(city, str(one.get("commandDevice")), one.get("payload"), act.at):
        raise Conflict("an interlock blocks it: " + "; ".join(why))
    within = one.get("sendWithin")
    until = act.at + (within if type(within) is int else asking.SEND_S) * SECOND
    yield entity(
        "Command",
        one.id,
        status="pending",
        approvedBy=act.by,
        approvedAt=iso(act.at),
        approvedHash=said,
        sendBy=iso(until),
    )


@app.act("deny", "Command", roles=APPROVERS, noted=True)
def deny(act: Act, _city: City) -> Iterator[Entity]:
    """Say no to what somebody has asked for, with a `reason`."""
    one = _waiting(act)
    yield entity("Command", one.id, status="denied", endedBy=act.by, endedReason=asking.text(act.said, "reason"))


@app.act("cancel", "Command", roles=STAFF, noted=True)
def cancel(act: Act, _city: City) -> Iterator[Entity]:
    """Take back what has not reached its device yet: your own, or anybody's for a supervisor or the command centre."""
    one = act.subject
    if one is None or one.get("status") not in {"draft", "requested", "pending"}:
        raise Conflict("it is too late to take it back", mend="what a device has taken, another command undoes")
    if one.get("requestedBy", one.get("issuedBy")) != act.by and not act.roles & APPROVERS:
        raise Refusal("somebody else asked for it", where="id", mend="a supervisor may take it back")
    reason = asking.text(act.said, "reason", needed=False)
    yield entity("Command", one.id, status="cancelled", endedBy=act.by, endedReason=reason or None)


@app.act("interlock", "Interlock", roles=APPROVERS | {"engineer"}, new=True, noted=True)
def interlock(act: Act, _city: City) -> Iterator[Entity]:
    """Write an interlock: `name`, `devices`, `payload` (a pattern), `while` (conditions), `enabled`; and a `reason`."""
    if extra := sorted(set(act.said) - {"name", "devices", "payload", "while", "reason", "enabled"}):
        raise Refusal(f"an interlock has no {extra[0][:40]!r}", where=extra[0][:40])
    reason = asking.text(act.said, "reason")
    parts = {name: act.said[name] for name in ("name", "devices", "payload", "while", "enabled") if name in act.said}
    parts = {"enabled": True} | parts if act.subject is None else parts
    ident = act.id or f"urn:ngsi-ld:Interlock:{_made(act, reason)}"
    if not ident.startswith("urn:ngsi-ld:Interlock:") and act.subject is None:
        raise Refusal("its id begins with urn:ngsi-ld:Interlock:", where="id")
    made = entity("Interlock", ident, **parts)
    whole = made if act.subject is None else Entity(act.subject.doc | {name: made.doc[name] for name in made.names})
    if type(whole.get("enabled", True)) is not bool:
        raise Refusal("enabled is true or false", where="enabled")
    looked = command.interlock(Entity(whole.doc | {"enabled": {"type": "Property", "value": True}}))
    if looked is not None and looked.fault:
        raise Refusal(
            looked.fault, where="while" if "while" in looked.fault or "condition" in looked.fault else "devices"
        )
    yield entity("Interlock", ident, **parts, changedBy=act.by, changedAt=iso(act.at), changedReason=reason)


# ---- What people ask


@app.view("board", roles=READERS)
def _board(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """What is under way, and what came of the last `hours` (24): newest first."""
    return views.board(asked, city)


@app.view("devices", roles=READERS)
def _devices(_asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """Devices that may be commanded, and what each says that it takes."""
    return views.devices(city)


@app.view("preview", roles=READERS)
def _preview(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """What a request would do: `devices` (with commas), `payload` and `expects` as JSON, `incident`."""
    return views.preview(asked, city)


@app.view("interlocks", roles=READERS)
def _interlocks(_asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """Every interlock, and whether it would block now, and why."""
    return views.interlocks(city)


# ---- What becomes of it: rules

_memories: WeakKeyDictionary[City, Memory] = WeakKeyDictionary()


def awaited(kind: str, city: City) -> bool:
    """Whether a command waits for what entities of a type report, or they are commands: nobody else's are read."""
    memory = _memories.get(city)
    return memory is None or kind == "Command" or answers.short(kind) in memory.types


@app.on("*", only=awaited)
def hear(change: Change, city: City) -> Iterable[Entity | Delete]:
    """A command came a step further, or something reports what one was to bring about."""
    memory = _remembered(change, city)
    if "Command" in change.entity.types:
        return list(answers.heard(memory, change.entity, city))
    if change.entity.id not in memory.by_entity:
        return ()
    return list(answers.reported(memory, change, city))[:MOST]


@app.on("Command", gone=True)
def forget(change: Change, city: City) -> None:
    """A command was deleted."""
    _remembered(change, city).drop(change.entity.id)


@app.every(ROUND_S)
def wait(city: City) -> Iterable[Entity | Delete]:
    """What did not come in time."""
    memory = _memories.get(city)
    if memory is None:
        memory = _memories[city] = answers.begin(city)
    said: list[Entity | Delete] = []
    for one in answers.overdue(memory, city):
        said.append(one)
        if len(said) >= MOST:
            break
    return said


def _remembered(change: Change, city: City) -> Memory:
    memory = _memories.get(city)
    if memory is None or change.seq <= memory.seq:
        # A Change that comes again means that what was said last was not kept; then memory knows too much.
        memory = _memories[city] = answers.begin(city)
    memory.seq = change.seq
    return memory


# ---- Parts of the acts


def _asked(act: Act, city: City, to: Entity, incident: Entity | None, reason: str, *, drill: bool) -> Entity:
    """One Command to one device."""
    said = act.said
    taken = asking.payload(said.get("payload"), to)
    wanted = asking.expects(said.get("expects"), to, city)
    if why := command.blocked(city, to.key, taken, act.at):
        raise Conflict("an interlock blocks it: " + "; ".join(why))
    key = to.key.replace("\\", "").replace('"', "")
    waiting = city.find("Command", f'commandDevice=="{key}";(status=="pending"|status=="requested")', limit=WAITING)
    if len(waiting) >= WAITING:
        raise Conflict(f"{WAITING} commands wait for {to.key} already", mend="take some of them back")
    within = asking.seconds(said.get("sendWithin"), "sendWithin", asking.SEND_S, asking.SEND_MOST)
    two = to.realm == "security" or _truth(said, "twoPeople")
    status = "drill" if drill else "requested" if two else "pending"
    one = entity(
        "Command",
        act.id or _new(act, to.id, city),
        commandDevice=to.key,
        payload=taken,
        status=status,
        reason=reason,
        dateIssued=iso(act.at),
        issuedBy=act.by,
        requestedBy=act.by,
        requestedAt=iso(act.at),
        approveBy=iso(act.at + APPROVE_S * SECOND) if two else None,
        sendWithin=within,
        sendBy=iso(act.at + within * SECOND) if status == "pending" else None,
        expects=wanted,
        drill=True if drill else None,
        incident=None if incident is None else Attribute(incident.id, kind="Relationship"),
        device=Attribute(to.id, kind="Relationship"),
        location=to.location,
    )
    told = labels.of(to, "location", "controlledAsset", "supportedCommands")
    if wanted is not None:
        told += labels.of(city.get(wanted["entity"]), wanted["attribute"])  # what it reports stands in the command
    if incident is not None:
        told += labels.of(incident)
    one.label = labels.strictest(told, to.realm)
    return one


def _new(act: Act, what: str, city: City) -> str:
    """The id of a command that is not there yet: what is asked for twice in one instant is asked for once."""
    ident = f"urn:ngsi-ld:Command:{_made(act, what)}"
    try:
        city.get(ident)
    except NotFound:
        return ident
    raise Conflict("this was asked for a moment ago", mend="look at what is under way")


def _waiting(act: Act) -> Entity:
    one = act.subject
    if one is None:
        raise NotFound(f"there is no command {act.id[:200]}", where="id")
    if one.get("status") != "requested":
        raise Conflict(f"nobody waits for this: it is {one.get('status')}", mend="look at what became of it")
    return one


def _incident(said: Any, city: City) -> Entity | None:
    if said is None:
        return None
    if not isinstance(said, str) or "Incident" not in (found := city.get(said)).types:
        raise Refusal("incident is the id of one", where="incident")
    return found


def _truth(said: Mapping[str, Any], name: str) -> bool:
    found = said.get(name, False)
    if type(found) is not bool:
        raise Refusal(f"{name} is true or false", where=name)
    return found


def _made(act: Act, what: str) -> str:
    """An id for something new: made, not drawn, so that an act that is tried again makes the same."""
    return blake2b(f"{act.by}\n{act.at}\n{what}".encode(), digest_size=10).hexdigest()
