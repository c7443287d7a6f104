"""What the desk asks of commands: what is under way, what may be commanded, what a request would do; all as JSON."""

import json
from collections.abc import Mapping
from typing import Any, Final

from hansa import City, Conflict, Entity, NotFound, Refusal, command
from hansa.apps.commands import asking
from hansa.apps.commands.asking import SECOND, iso

SHOWN: Final = 2_000
DEVICES: Final = 5_000
HOURS: Final = 24
_TOLD: Final = (
    "commandDevice", "payload", "status", "reason", "requestedBy", "requestedAt", "approveBy", "approvedBy",
    "approvedAt", "sendBy", "sendWithin", "deliveredAt", "expects", "result", "resultAt", "answer", "withheldBecause",
    "endedBy", "endedReason", "incident", "drill", "dateIssued", "issuedBy",
)  # fmt: skip


def board(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """Commands that are not over, and those of the last hours: newest first."""
    now = city.now()
    since = iso(now - _hours(asked) * 3_600 * SECOND)
    found = city.find("Command", f'!result|dateIssued>="{since}"|resultAt>="{since}"', limit=SHOWN)
    found.sort(key=lambda one: str(one.get("dateIssued", one.get("resultAt", ""))), reverse=True)
    return {"at": iso(now), "since": since, "commands": [_line(one) for one in found], "more": len(found) >= SHOWN}


def devices(city: City) -> dict[str, Any]:
    """What may be commanded."""
    told = []
    for one in city.find("Device", limit=DEVICES):
        known = asking.supported(one)
        told.append(
            {
                "device": one.key,
                "name": one.get("name"),
                "state": one.get("deviceState"),
                "asset": one.get("controlledAsset"),
                "takes": known,
                "fault": "what it takes cannot be read" if known is None else "",
            }
        )
    return {"at": iso(city.now()), "devices": sorted(told, key=lambda it: it["device"])}


def preview(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """What a request would do, device by device; what stands in its way."""
    payload, expects = _json(asked, "payload"), _json(asked, "expects")
    now, told = city.now(), []
    named = [name for name in asked.get("devices", "").split(",") if name]
    if not named or len(named) > 100:
        raise Refusal("devices is 1 to 100 names, with commas", where="devices")
    for name in named:
        line: dict[str, Any] = {"device": name, "faults": [], "blocked": [], "off": []}
        told.append(line)
        try:
            to = asking.device(name, city)
            line |= {
                "asset": to.get("controlledAsset"),
                "twoPeople": to.realm == "security",
                "takes": "supportedCommands" in to,
            }
            asking.payload(payload, to)
            wanted = asking.expects(expects, to, city)
        except (Refusal, NotFound, Conflict) as fault:
            line["faults"].append({"detail": fault.detail, "where": fault.where, "mend": fault.mend})
            continue
        if wanted is not None:
            line |= {"expects": wanted, "now": wanted["was"], "soAlready": asking.met(wanted, wanted["was"])}
        line["blocked"] = command.blocked(city, to.key, payload, now)
        line["off"] = _off(city, to.key, payload)
    return {"at": iso(now), "devices": told}


def interlocks(city: City) -> dict[str, Any]:
    """Every interlock as it stands now."""
    now, told = city.now(), []
    for one in city.find("Interlock", limit=command.INTERLOCKS):
        read = command.interlock(one)
        told.append(
            {
                "id": one.id,
                "name": one.get("name") or one.key,
                "devices": one.get("devices"),
                "payload": one.get("payload", {}),
                "while": one.get("while"),
                "enabled": read is not None,
                "fault": "" if read is None else read.fault,
                "blocks": "" if read is None else read.blocks(command.Looked(city), now),
                "changedBy": one.get("changedBy"),
                "changedAt": one.get("changedAt"),
                "changedReason": one.get("changedReason"),
            }
        )
    return {"at": iso(now), "interlocks": sorted(told, key=lambda it: str(it["name"]))}


def _line(one: Entity) -> dict[str, Any]:
    told = {"id": one.id, **{name: one[name] for name in _TOLD if name in one}}
    if one.get("status") == "requested":
        told["hash"] = command.digest(one)
    return told


def _off(city: City, device: str, payload: Any) -> list[dict[str, Any]]:
    """Interlocks that are switched off, and would have had a say: whoever decides should know."""
    told = []
    for one in city.find("Interlock", limit=command.INTERLOCKS):
        if one.get("enabled", True) is not False:
            continue
        read = command.interlock(Entity(one.doc | {"enabled": {"type": "Property", "value": True}}))
        if read is not None and read.about(device, payload):
            told.append(
                {
                    "name": read.name,
                    "by": one.get("changedBy"),
                    "at": one.get("changedAt"),
                    "why": one.get("changedReason"),
                }
            )
    return told


def _hours(asked: Mapping[str, str]) -> int:
    said = asked.get("hours", "")
    if not said:
        return HOURS
    if not said.isascii() or not said.isdigit() or not 0 < int(said[:5]) <= 8_784:
        raise Refusal("hours is a whole number from 1 to 8784", where="hours")
    return int(said)


def _json(asked: Mapping[str, str], name: str) -> Any:
    said = asked.get(name, "")
    if not said:
        return None
    try:
        return json.loads(said)
    except (ValueError, RecursionError):
        raise Refusal(f"{name} is no JSON", where=name) from None
