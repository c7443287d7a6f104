"""What an alarm is at a moment, in the words of ISA-18.2 and IEC 62682. Held by tests/apps/test_alarms.py.

An alarm is an Alert: what its process says (`status`, `activations`) and what people said of it (`shelvedUntil`,
`acknowledgedActivation`, ...) stand beside each other and never overwrite each other. The state is made from both
whenever somebody looks, so there is nothing to keep in step. The page's `static/desk/standing.js` judges the same.
"""

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

from hansa import Entity

SECOND: Final = 1_000_000

UNACK: Final = "UNACK"  # active, and nobody has acknowledged it
ACK: Final = "ACK"  # active, acknowledged
RTN_UNACK: Final = "RTN-UNACK"  # returned to normal, and nobody has seen that it was there
NORM: Final = "NORM"  # returned to normal, acknowledged
STATES: Final = (UNACK, ACK, RTN_UNACK, NORM)

SEVERITIES: Final = ("critical", "high", "medium", "low", "informational")
"""The gravest first; the words of the Smart Data Models' Alert."""

_OURS: Final = "urn:ngsi-ld:Alert:desk-"


def ident(source: str, kind: str) -> str:
    """The id of the one alarm of a source and a kind: made, not drawn, so that a hundred raises are one alarm."""
    said = f"{len(source)}\n{source}\n{kind}".encode("utf-8", "surrogatepass")
    return f"{_OURS}{blake2b(said, digest_size=12).hexdigest()}"


def is_ours(alert: str) -> bool:
    """Whether the desk itself keeps this alarm's process side (it was raised by `raise`); else its source does."""
    return alert.startswith(_OURS)


def active(alert: Entity) -> bool:
    """Whether its condition holds, as far as anybody has said: an Alert that says nothing of its status does."""
    said: object = alert.get("status")
    return said != "closed"


def activation(alert: Entity) -> int:
    """Which raising of the alarm stands or stood last: 1 for the first, 0 while it was never active.

    What stands and is not counted yet (the count comes a moment after the status) is its first.
    """
    counted = whole(alert, "activations")
    return counted or int(active(alert))


def acknowledged(alert: Entity) -> bool:
    """Whether somebody has acknowledged this very raising; the next one rings anew.

    What was closed before there was a desk, or never active, needs nobody.
    """
    return whole(alert, "acknowledgedActivation") >= activation(alert)


def state(alert: Entity) -> str:
    """UNACK, ACK, RTN-UNACK or NORM (ISA-18.2, states A to D)."""
    if active(alert):
        return ACK if acknowledged(alert) else UNACK
    return NORM if acknowledged(alert) else RTN_UNACK


def aside(alert: Entity, now: int) -> str:
    """Why it is not among those that ring: `out of service`, `suppressed` (by design), `shelved`, or empty.

    Each ends by itself where an end was said (states G, F and E of ISA-18.2).
    """
    if out_of_service(alert, now):
        return "out of service"
    if alert.get("suppressed") is True:
        return "suppressed"
    return "shelved" if shelved(alert, now) else ""


def shelved(alert: Entity, now: int) -> bool:
    """Whether somebody has put it aside for a while that is not over."""
    until = instant(alert.get("shelvedUntil"))
    return until is not None and until > now


def out_of_service(alert: Entity, now: int) -> bool:
    """Whether it was taken out of service, and not for a time that is over."""
    if alert.get("outOfService") is not True:
        return False
    until = instant(alert.get("outOfServiceUntil"))
    return until is None or until > now


def began(alert: Entity) -> int | None:
    """When this raising began (microseconds), by whatever the Alert says of it; None when it says nothing."""
    for name in ("lastRaised", "dateIssued"):
        at = instant(alert.get(name))
        if at is not None:
            return at
    return None


def severity(alert: Entity) -> str:
    """Its severity; one that nobody knows, or none, is informational."""
    said = alert.get("severity")
    return said if isinstance(said, str) and said in SEVERITIES else "informational"


def graver(one: str, other: str) -> bool:
    """Whether a severity is graver than another."""
    return SEVERITIES.index(one) < SEVERITIES.index(other)


def whole(alert: Entity, name: str) -> int:
    """A count that the Alert says; 0 when it says none, or something else."""
    said = alert.get(name)
    return said if isinstance(said, int) and not isinstance(said, bool) and said > 0 else 0


def iso(at: int) -> str:
    """An instant (microseconds) as ISO 8601 in UTC."""
    seconds, part = divmod(at, SECOND)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{part:06d}".rstrip("0") + "Z" if part else f"{text}Z"


def instant(text: object) -> int | None:
    """Microseconds of an ISO 8601 date-time with its zone; None for anything else."""
    if not isinstance(text, str) or not 16 <= len(text) <= 40:
        return None
    try:
        when = datetime.fromisoformat(text)
        if when.tzinfo is None:
            return None
        seconds = when.replace(microsecond=0).timestamp()
    except (ValueError, OverflowError):
        return None
    return int(seconds) * SECOND + when.microsecond
