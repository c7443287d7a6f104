"""What somebody asks of a device, held against what the device takes and what can be read back; Refusal where it fails.

A device that says its `supportedCommands` takes these and nothing else: a list of {"name", "payload"}, where payload is
a pattern as interlocks have it ({"gate": {"enum": ["open", "close"]}, "speed": {"min": 0, "max": 10}}), and a payload
has the members of one of them, all and no more. `expects` says what the device (or whoever measures it) must report for
the command to be confirmed: {"entity", "attribute", "value", "tolerance", "within"}, within in seconds.
"""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hansa import City, Entity, NotFound, Refusal, command

SECOND: Final = 1_000_000
PAYLOAD: Final = 4_096  # bytes
DEPTH: Final = 8
WITHIN_S: Final = 60  # for what was commanded to be reported, where nobody says
WITHIN_MOST: Final = 86_400
APPROVE_S: Final = 900  # what was asked for longer ago was asked for in another situation
SEND_S: Final = 60  # for the device to be reached, where nobody says
SEND_MOST: Final = 7 * 86_400  # a device that sleeps
TEXT: Final = 500
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EXPECTS: Final = frozenset({"entity", "attribute", "value", "tolerance", "within"})


def iso(at: int) -> str:
    """An instant (microseconds) as ISO 8601 text; what is commanded is told to the millisecond."""
    return (_EPOCH + timedelta(milliseconds=at // 1_000)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant(said: Any) -> int | None:
    """Microseconds of an ISO 8601 instant; None for anything else."""
    if not isinstance(said, str):
        return None
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return None
    return None if at.tzinfo is None else (at - _EPOCH) // timedelta(microseconds=1)


def device(said: Any, city: City) -> Entity:
    """The Device entity of a name; NotFound for one that is unknown, or hidden, Refusal for one that takes nothing."""
    if not isinstance(said, str) or not said or len(said) > 200:
        raise Refusal("device is the name of a device", where="device")
    name = said.removeprefix("urn:ngsi-ld:Device:")
    found = city.get(f"urn:ngsi-ld:Device:{name}")
    if "Device" not in found.types:
        raise NotFound(f"there is no device {name}", where="device")
    if found.get("deviceState") != "active":
        raise Refusal(f"{name} is {found.get('deviceState', 'in no state')}; it takes no commands", where="device")
    return found


def payload(said: Any, to: Entity) -> dict[str, Any]:
    """A payload that a device takes."""
    if not isinstance(said, dict) or not said:
        raise Refusal("payload is an object that says something", where="payload", mend='such as {"gate": "open"}')
    try:
        size = len(json.dumps(said, allow_nan=False).encode())
    except (TypeError, ValueError, RecursionError):
        raise Refusal("payload is no JSON", where="payload") from None
    if size > PAYLOAD:
        raise Refusal(f"a payload of more than {PAYLOAD:,} bytes", where="payload")
    if _deep(said) > DEPTH:
        raise Refusal(f"a payload of more than {DEPTH} levels", where="payload")
    if "supportedCommands" not in to:
        return said
    known = supported(to)
    if known is None:
        raise Refusal(
            f"what {to.key} takes cannot be read", where="device", mend="mend supportedCommands of the Device"
        )
    if not any(
        set(said) == set(one["payload"]) and command.matches(one["payload"], said, unsure=False) for one in known
    ):
        names = ", ".join(one["name"] for one in known)
        raise Refusal(f"{to.key} takes no such payload", where="payload", mend=f"it takes: {names or 'nothing'}")
    return said


def supported(to: Entity) -> list[dict[str, Any]] | None:
    """What a device says that it takes; empty when it says nothing, None when that cannot be read."""
    said = to.get("supportedCommands", [])
    if not isinstance(said, list) or len(said) > 100:
        return None
    for one in said:
        if not isinstance(one, dict) or not isinstance(one.get("name"), str) or not command.pattern(one.get("payload")):
            return None
    return said


def expects(said: Any, to: Entity, city: City) -> dict[str, Any] | None:
    """What is to be read back, with the value that is reported now as `was`."""
    if said is None:
        return None
    if not isinstance(said, Mapping) or not set(said) <= _EXPECTS or not {"attribute", "value"} <= set(said):
        raise Refusal("expects says attribute and value, perhaps entity, tolerance, within", where="expects")
    ident = said.get("entity", to.get("controlledAsset"))
    name, value, tolerance = said["attribute"], said["value"], said.get("tolerance", 0)
    within = said.get("within", WITHIN_S)
    if not isinstance(ident, str) or not ident:
        raise Refusal("say which entity reports it", where="expects.entity")
    if not isinstance(name, str) or not name or len(name) > 500:
        raise Refusal("attribute is the name of one", where="expects.attribute")
    if not isinstance(value, str | bool) and not _number(value):
        raise Refusal("value is a number, a text or a truth", where="expects.value")
    if not _number(tolerance) or tolerance < 0 or (tolerance and not _number(value)):
        raise Refusal("tolerance is a number of zero or more, beside a number", where="expects.tolerance")
    if not _number(within) or not 0 < within <= WITHIN_MOST:
        raise Refusal(f"within is a number of seconds up to {WITHIN_MOST:,}", where="expects.within")
    try:
        source = city.get(ident)
    except NotFound:
        raise Refusal(f"nothing here reports as {ident[:200]}", where="expects.entity") from None
    if name not in source:
        raise Refusal(f"{source.key} does not report {name}", where="expects.attribute", mend="one that it reports")
    was = source[name]
    if _number(was) != _number(value) or (not _number(value) and type(was) is not type(value)):
        raise Refusal(f"{name} is never of this kind: it is {str(was)[:80]!r} now", where="expects.value")
    made = {"entity": ident, "attribute": name, "value": value, "tolerance": tolerance, "within": within}
    return made | {"was": was}


def met(wanted: Mapping[str, Any], said: Any) -> bool:
    """Whether a value is what was expected."""
    value = wanted.get("value")
    if _number(value):
        return _number(said) and abs(said - value) <= wanted.get("tolerance", 0)
    return type(said) is type(value) and bool(said == value)


def seconds(said: Any, where: str, plain: int, most: int) -> int:
    """A number of whole seconds."""
    if said is None:
        return plain
    if type(said) is not int or not 0 < said <= most:
        raise Refusal(f"{where} is a number of seconds up to {most:,}", where=where)
    return said


def text(said: Mapping[str, Any], name: str, *, needed: bool = True) -> str:
    """A text that somebody said."""
    found = said.get(name, "")
    if not isinstance(found, str) or len(found) > TEXT or (needed and not found.strip()):
        raise Refusal(f"{name} is a text of up to {TEXT} characters", where=name)
    return found.strip()


def _deep(said: Any) -> int:
    if isinstance(said, dict | list):
        inner = said.values() if isinstance(said, dict) else said
        return 1 + max(map(_deep, inner), default=0)
    return 0


def _number(said: Any) -> bool:
    return type(said) in {int, float} and math.isfinite(said)


def only(said: Mapping[str, Any]) -> None:
    """Refuse what a request does not have."""
    known = ("device", "devices", "payload", "expects", "reason", "incident", "drill", "twoPeople", "sendWithin")
    if extra := sorted(set(said) - set(known)):
        raise Refusal(f"a request has no {extra[0][:40]!r}", where=extra[0][:40], mend=", ".join(known))
    if ("device" in said) == ("devices" in said):
        raise Refusal("say device, or devices", where="device")
